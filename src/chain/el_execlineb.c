/* ISC license. */

/* execlineb: parses a script into one argv, sets the positional parameters, execs. */

#include <errno.h>
#include <stdlib.h>

#include <skalibs/buffer.h>
#include <skalibs/djbunix.h>
#include <skalibs/env.h>
#include <skalibs/exec.h>
#include <skalibs/strerr.h>
#include <skalibs/stralloc.h>
#include <skalibs/types.h>

#include <execline/execline.h>

#include "el.h"

#define USAGE "execlineb [ -p | -P | -S nmin | -s nmin ] [ -q | -w | -W ] [ -c commandline ] script args"

enum
{
  OVERWRITE = 0x01,  /* -p: positional parameters in the environment, not pushed */
  NONE = 0x02,       /* -P */
  REPLACE = 0x04,    /* -S: substituted, not in the environment */
  SHIFTED = 0x08,    /* -s: the same, $@ begins after nmin */
  PARAMETERS = 0x0f,
  QUIET = 0x10, WARN = 0x20, DIE = 0x40,  /* -q, -w, -W */
  STRICTNESS = 0x70
} ;

static struct mode_s
{
  unsigned int flag ;
  char const *value ;  /* of EXECLINE_STRICT; 0 unsets it */
  unsigned int level ;
}
const strictness[] =
{
  { QUIET, 0, 0 },
  { WARN, "1", 1 },
  { DIE, "2", 2 }
} ;

/* What a script that names more parameters than it has meets: 0 silence, 1 a warning, 2 death. */
static unsigned int set_strictness (unsigned int flags, stralloc *modifs)
{
  unsigned int level = 1 ;
  char const *x = getenv("EXECLINE_STRICT") ;
  for (unsigned int i = 0 ; i < sizeof(strictness) / sizeof(*strictness) ; i++)
    if (flags & strictness[i].flag)
    {
      if (!env_addmodif(modifs, "EXECLINE_STRICT", strictness[i].value)) goto err ;
      return strictness[i].level ;
    }
  if (x && !uint0_scan(x, &level))
  {
    strerr_warnw("invalid EXECLINE_STRICT value, unsetting it") ;
    if (!env_addmodif(modifs, "EXECLINE_STRICT", 0)) goto err ;
    level = 1 ;
  }
  return level ;

 err:
  strerr_diefusys(111, "update environment") ;
}

static int parse_file (stralloc *words, char const *file)
{
  char buf[BUFFER_INSIZE] ;
  buffer b ;
  int n ;
  int fd = openb_read(file) ;
  if (fd < 0) strerr_diefusys(111, "open ", file, " for reading") ;
  buffer_init(&b, &buffer_read, fd, buf, BUFFER_INSIZE) ;
  n = el_parse_from_buffer(words, &b) ;
  fd_close(fd) ;
  return n ;
}

static int parse (stralloc *words, char const *string, char const *file)
{
  int n = string ? el_parse_from_string(words, string) : parse_file(words, file) ;
  switch (n)
  {
    case -4 : strerr_dief(100, "unmatched ", "}") ;
    case -3 : strerr_dief(100, "unmatched ", "{") ;
    case -2 : strerr_dief(100, "syntax error") ;
    case -1 : strerr_diefusys(111, "parse script") ;
    default : return n ;
  }
}

static void check_number (unsigned int n, unsigned int min, unsigned int level)
{
  char have[UINT_FMT], want[UINT_FMT] ;
  if (n >= min || !level) return ;
  have[uint_fmt(have, n)] = 0 ;
  want[uint_fmt(want, min)] = 0 ;
  if (level > 1) strerr_dief(100, "too few arguments: expecting at least ", want, " but got ", have) ;
  strerr_warnw("too few arguments: expecting at least ", want, " but got ", have) ;
}

static void set_parameters (char const *zero, char const *const *args, unsigned int n, stralloc *modifs)
{
  char fmt[UINT_FMT] ;
  fmt[uint_fmt(fmt, n)] = 0 ;
  if (!env_addmodif(modifs, "#", fmt) || !env_addmodif(modifs, "0", zero)) goto err ;
  for (unsigned int i = 0 ; i < n ; i++)
  {
    fmt[uint_fmt(fmt, i + 1)] = 0 ;
    if (!env_addmodif(modifs, fmt, args[i])) goto err ;
  }
  return ;

 err:
  strerr_diefusys(111, "update environment") ;
}

/* Execs with what environ has of #, 0, 1 … renamed out of the way. */
static void push_and_exec (char const *const *argv, stralloc const *modifs) gccattr_noreturn ;
static void push_and_exec (char const *const *argv, stralloc const *modifs)
{
  size_t n ;
  char const **envp = el_pushed(el_parameters, EL_NPARAMETERS, &n) ;
  xmexec_fm(argv, envp, n, modifs->s, modifs->len) ;
}

int el_execlineb_main (int argc, char const *const *argv)
{
  el_words w = EL_WORDS(argc, argv) ;
  el_subst s = EL_SUBST_ZERO ;  /* its modifs serve the modes without substitution too */
  stralloc words = STRALLOC_ZERO ;
  char const *string = 0, *number = "0" ;
  unsigned int flags, level, min, n ;
  char const *zero ;
  int nwords ;
  el_option const options[] =
  {
    { .letter = 'p', .clear = PARAMETERS, .set = OVERWRITE },
    { .letter = 'P', .clear = PARAMETERS, .set = NONE },
    { .letter = 'S', .clear = PARAMETERS, .set = REPLACE, .arg = &number },
    { .letter = 's', .clear = PARAMETERS, .set = SHIFTED, .arg = &number },
    { .letter = 'q', .clear = STRICTNESS, .set = QUIET },
    { .letter = 'w', .clear = STRICTNESS, .set = WARN },
    { .letter = 'W', .clear = STRICTNESS, .set = DIE },
    { .letter = 'c', .arg = &string }
  } ;
  flags = el_options(&w, USAGE, 0, EL_OPTIONS(options)) ;
  if (!uint0_scan(number, &min) || (!string && !w.n)) strerr_dieusage(100, USAGE) ;
  zero = string ? argv[0] : el_next(&w) ;
  n = (unsigned int)w.n ;
  nwords = parse(&words, string, zero) ;
  if (!nwords) return 0 ;
  level = set_strictness(flags, &s.modifs) ;

  if (flags & (REPLACE | SHIFTED))
  {
    check_number(n, min, level) ;
    if (el_subst_positionals(&s, zero, w.v, n, min, flags & SHIFTED ? min : 0) < 0)
      strerr_diefusys(111, "substitute positional parameters") ;
    el_subst_exec(&s, words.s, words.len) ;
  }
  if (!(flags & NONE)) set_parameters(zero, w.v, n, &s.modifs) ;
  if (flags & PARAMETERS) xmexec_m(el_split(&words, (size_t)nwords), s.modifs.s, s.modifs.len) ;
  push_and_exec(el_split(&words, (size_t)nwords), &s.modifs) ;
}
