/* ISC license. */

/* The positional parameters that execlineb left in the environment: dollarat, elgetopt, shift, runblock. */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <skalibs/buffer.h>
#include <skalibs/djbunix.h>
#include <skalibs/env.h>
#include <skalibs/exec.h>
#include <skalibs/genalloc.h>
#include <skalibs/netstring.h>
#include <skalibs/posixplz.h>
#include <skalibs/sgetopt.h>
#include <skalibs/strerr.h>
#include <skalibs/stralloc.h>
#include <skalibs/types.h>

#include <execline/execline.h>

#include "el.h"

char const *const el_parameters[EL_NPARAMETERS] = { "#", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9" } ;

 /* ---------------------------------------------------------------- dollarat */

enum { CHOMP = 0x1, NETSTRINGS = 0x2, NUL = 0x4 } ;

static void put_netstring (char const *x)
{
  size_t written = 0 ;
  if (!netstring_put(buffer_1, x, strlen(x), &written)) strerr_diefusys(111, "write a netstring to stdout") ;
}

static void put (char const *s, size_t len)
{
  if (buffer_put(buffer_1, s, len) < 0) strerr_diefusys(111, "write to stdout") ;
}

int el_dollarat_main (int argc, char const *const *argv)
{
  el_words w = EL_WORDS(argc, argv) ;
  char fmt[UINT_FMT] ;
  char const *delim = "\n" ;
  unsigned int flags, n ;
  el_option const options[] =
  {
    { .letter = 'n', .set = CHOMP },
    { .letter = '0', .set = NUL },
    { .letter = 'd', .clear = NUL, .arg = &delim }
  } ;
  flags = el_options(&w, "dollarat [ -n ] [ -0 | -d delimchar ]", 0, EL_OPTIONS(options)) ;
  if (flags & NUL) delim = "" ;
  else if (!*delim) flags |= NETSTRINGS ;
  n = el_sharp() ;
  for (unsigned int i = 1 ; i <= n ; i++)
  {
    char const *x = el_positional(i, fmt) ;
    if (flags & NETSTRINGS) { put_netstring(x) ; continue ; }
    put(x, strlen(x)) ;
    if (i < n || !(flags & CHOMP)) put(delim, 1) ;
  }
  if (!buffer_flush(buffer_1)) strerr_diefusys(111, "write to stdout") ;
  return 0 ;
}

 /* ---------------------------------------------------------------- elgetopt */

#define ELGETOPT "ELGETOPT_"

static char const *const elgetopt_names[1] = { ELGETOPT } ;

static void modify (stralloc *modifs, char const *name, char const *value)
{
  if (!env_addmodif(modifs, name, value)) strerr_diefusys(111, "update environment") ;
}

static void set_parameter (stralloc *modifs, unsigned int i, char const *value)
{
  char fmt[UINT_FMT] ;
  fmt[uint_fmt(fmt, i)] = 0 ;
  modify(modifs, fmt, value) ;
}

static void set_sharp (stralloc *modifs, unsigned int n)
{
  char fmt[UINT_FMT] ;
  fmt[uint_fmt(fmt, n)] = 0 ;
  modify(modifs, "#", fmt) ;
}

static char const **parameters (unsigned int n)
{
  genalloc v = GENALLOC_ZERO ;  /* char const * */
  if (!genalloc_ready(char const *, &v, (size_t)n + 2)) strerr_diefusys(111, "update environment") ;
  for (unsigned int i = 0 ; i <= n ; i++)
  {
    char fmt[UINT_FMT] ;
    genalloc_s(char const *, &v)[i] = el_positional(i, fmt) ;
  }
  genalloc_s(char const *, &v)[n + 1] = 0 ;
  return genalloc_s(char const *, &v) ;
}

/* Appends the options in V as variables. Returns the number of words that they took. */
static unsigned int read_options (stralloc *modifs, char const *const *v, unsigned int n, char const *letters, char const *value)
{
  char name[] = ELGETOPT "x" ;
  subgetopt l = SUBGETOPT_ZERO ;
  for (;;)
  {
    int c = sgetopt_r((int)n + 1, v, letters, &l) ;
    if (c == -1) return (unsigned int)l.ind - 1 ;
    if (c == '?') _exit(1) ;
    name[sizeof(ELGETOPT) - 1] = (char)c ;
    modify(modifs, name, l.arg ? l.arg : value) ;
  }
}

int el_elgetopt_main (int argc, char const *const *argv)
{
  el_words w = EL_WORDS(argc, argv) ;
  stralloc modifs = STRALLOC_ZERO ;
  char const *value = "1" ;
  char const *letters ;
  char const **v, **envp ;
  unsigned int n, taken ;
  size_t envlen ;
  el_option const options[] = { { .letter = 'D', .arg = &value } } ;
  el_options(&w, "elgetopt [ -D default ] optstring prog...", 2, EL_OPTIONS(options)) ;
  letters = el_next(&w) ;
  n = el_sharp() ;
  v = parameters(n) ;
  envp = el_pushed(elgetopt_names, 1, &envlen) ;
  taken = read_options(&modifs, v, n, letters, value) ;
  set_sharp(&modifs, n - taken) ;
  for (unsigned int i = 1 ; i <= n ; i++) set_parameter(&modifs, i, i <= n - taken ? v[i + taken] : 0) ;
  xmexec_fm(w.v, envp, envlen, modifs.s, modifs.len) ;
}

 /* ---------------------------------------------------------------- blocks in the parameters */

static void unquoted (char const *x, unsigned int block, unsigned int position)
{
  char b[UINT_FMT], p[UINT_FMT] ;
  unsigned int strict = el_getstrict() ;
  if (!strict) return ;
  b[uint_fmt(b, block)] = 0 ;
  p[uint_fmt(p, position)] = 0 ;
  if (strict > 1) strerr_dief(100, "unquoted positional ", x, " at block ", b, " position ", p) ;
  strerr_warnw("unquoted positional ", x, " at block ", b, " position ", p) ;
}

/* The number of the empty parameter that ends the block at parameter FIRST; 0 if there is none up to N. */
static unsigned int block_end (unsigned int first, unsigned int n, unsigned int block)
{
  char fmt[UINT_FMT] ;
  for (unsigned int i = first ; i <= n ; i++)
  {
    char const *x = el_positional(i, fmt) ;
    if (!*x) return i ;
    if (*x != ' ') unquoted(x, block, i - first + 1) ;
  }
  return 0 ;
}

 /* ---------------------------------------------------------------- shift */

#define SHIFT_USAGE "shift [ -n arg# ] [ -b block# ] prog..."

/* Not el_positional: shift does not mind a hole among the parameters. */
static char const *parameter (unsigned int i)
{
  char fmt[UINT_FMT] ;
  fmt[uint_fmt(fmt, i)] = 0 ;
  return getenv(fmt) ;
}

/* The number of the last parameter of BLOCKS blocks that begin after parameter LAST. */
static unsigned int blocks_end (unsigned int last, unsigned int n, unsigned int blocks)
{
  char fmt[UINT_FMT] ;
  for (unsigned int b = 1 ; b <= blocks ; b++)
  {
    last = block_end(last + 1, n, b) ;
    if (last) continue ;
    fmt[uint_fmt(fmt, b)] = 0 ;
    strerr_dief(100, "unable to shift block ", fmt, ": too few arguments") ;
  }
  return last ;
}

int el_shift_main (int argc, char const *const *argv)
{
  el_words w = EL_WORDS(argc, argv) ;
  stralloc modifs = STRALLOC_ZERO ;
  char const *nargs = 0, *nblocks = 0 ;
  unsigned int n, shift = 0, blocks = 0 ;
  el_option const options[] =
  {
    { .letter = 'n', .arg = &nargs },
    { .letter = 'b', .arg = &nblocks }
  } ;
  el_options(&w, SHIFT_USAGE, 1, EL_OPTIONS(options)) ;
  if (!nargs && !nblocks) nargs = "1" ;
  if ((nargs && !uint0_scan(nargs, &shift)) || (nblocks && !uint0_scan(nblocks, &blocks)))
    strerr_dieusage(100, SHIFT_USAGE) ;
  n = el_sharp() ;
  shift = blocks_end(shift, n, blocks) ;
  if (shift > n) shift = n ;
  set_sharp(&modifs, n - shift) ;
  for (unsigned int i = 1 ; i <= n ; i++) set_parameter(&modifs, i, i <= n - shift ? parameter(i + shift) : 0) ;
  xmexec_m(w.v, modifs.s, modifs.len) ;
}

 /* ---------------------------------------------------------------- runblock */

#define RUNBLOCK_USAGE "runblock [ -P ] [ -n argshift ] [ -r ] n cmd..."

enum { KEEP = 0x1, REMAINDER = 0x2 } ;

static void append (genalloc *command, char const *word)
{
  if (!genalloc_append(char const *, command, &word)) strerr_diefusys(111, "make argv") ;
}

int el_runblock_main (int argc, char const *const *argv)
{
  el_words w = EL_WORDS(argc, argv) ;
  genalloc command = GENALLOC_ZERO ;  /* char const * */
  char const *number = "0" ;
  char fmt[UINT_FMT] ;
  unsigned int flags, which, n, first, end, skip ;
  el_option const options[] =
  {
    { .letter = 'P', .set = KEEP },
    { .letter = 'r', .set = REMAINDER },
    { .letter = 'n', .arg = &number }
  } ;
  flags = el_options(&w, RUNBLOCK_USAGE, 1, EL_OPTIONS(options)) ;
  if (!uint0_scan(number, &skip)) strerr_dieusage(100, RUNBLOCK_USAGE) ;
  which = el_nextuint(&w, RUNBLOCK_USAGE) ;
  if (!which && !(flags & REMAINDER)) strerr_dieusage(100, RUNBLOCK_USAGE) ;
  n = el_sharp() ;
  first = end = skip ;
  for (unsigned int b = 1 ; b <= which ; b++)
  {
    first = end + 1 ;
    end = block_end(first, n, b) ;
    if (!end) strerr_dief(100, "too few arguments") ;
  }
  if (flags & REMAINDER)
  {
    first = end + 1 ;
    end = n + 1 ;
    if (first >= end) return 0 ;
  }

  for (int i = 0 ; i < w.n ; i++) append(&command, w.v[i]) ;
  for (unsigned int i = first ; i < end ; i++)
  {
    char const *x = el_positional(i, fmt) ;
    append(&command, flags & REMAINDER || *x != ' ' ? x : x + 1) ;
  }
  append(&command, 0) ;
  if (flags & KEEP) xexec0(genalloc_s(char const *, &command)) ;
  xexec0_e(genalloc_s(char const *, &command), (char const *const *)el_popped(el_parameters, EL_NPARAMETERS)) ;
}
