/* ISC license. */

/* case: execs into the command after the first pattern that a value matches. */

#include <errno.h>
#include <fnmatch.h>
#include <regex.h>
#include <string.h>

#include <skalibs/env.h>
#include <skalibs/exec.h>
#include <skalibs/genalloc.h>
#include <skalibs/stralloc.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include <execline/execline.h>

#include "el.h"

#define USAGE "case [ -s | -S ] [ -e | -E ] [ -n | -N ] [ -i ] value { re1 { prog1... } re2 { prog2... } ... } progdefault... "

/* With -s the other letters mean what fnmatch() offers in place of what regcomp() does. */
enum { SHELL = 0x1, PLAIN = 0x2, TELL = 0x4, SPECIAL = 0x8 } ;

static int shell_matches (char const *pattern, char const *value, unsigned int flags)
{
  int r = fnmatch(pattern, value,
    (flags & PLAIN ? FNM_NOESCAPE : 0) | (flags & TELL ? FNM_PATHNAME : 0) | (flags & SPECIAL ? FNM_PERIOD : 0)) ;
  if (r && r != FNM_NOMATCH) strerr_warnw("invalid fnmatch pattern: ", pattern) ;
  return !r ;
}

static void dieregex (int r, regex_t const *re, char const *unable_to, char const *pattern) gccattr_noreturn ;
static void dieregex (int r, regex_t const *re, char const *unable_to, char const *pattern)
{
  char why[256] ;
  regerror(r, re, why, sizeof(why)) ;
  strerr_diefu(r == REG_ESPACE ? 111 : 100, unable_to, " \"", pattern, "\": ", why) ;
}

/* Compiles PATTERN so that it must match a whole value, or a whole line of it. */
static void compile (regex_t *re, char const *pattern, unsigned int flags)
{
  stralloc whole = STRALLOC_ZERO ;
  int r ;
  if (!stralloc_append(&whole, '^') || !stralloc_cats(&whole, pattern) || !stralloc_catb(&whole, "$", 2))
    strerr_diefusys(111, "stralloc_catb") ;
  r = regcomp(re, whole.s,
    REG_NEWLINE | (flags & PLAIN ? 0 : REG_EXTENDED) | (flags & SPECIAL ? REG_ICASE : 0) | (flags & TELL ? 0 : REG_NOSUB)) ;
  if (r) dieregex(r, re, "regcomp", whole.s) ;
  stralloc_free(&whole) ;
}

static void add_variable (stralloc *modifs, unsigned int i, char const *value, size_t len)
{
  char fmt[UINT_FMT] ;
  if (!stralloc_catb(modifs, fmt, uint_fmt(fmt, i)) || !stralloc_append(modifs, '=')
   || !stralloc_catb(modifs, value, len) || !stralloc_0(modifs)) strerr_diefusys(111, "update environment") ;
}

/* Execs ARGV with what matched in the variables #, 0 (the pattern), 1 and so on. */
static void exec_with_matches (char const *const *argv, char const *pattern, char const *value, regmatch_t const *m, unsigned int n) gccattr_noreturn ;
static void exec_with_matches (char const *const *argv, char const *pattern, char const *value, regmatch_t const *m, unsigned int n)
{
  stralloc modifs = STRALLOC_ZERO ;
  char fmt[UINT_FMT] ;
  fmt[uint_fmt(fmt, n)] = 0 ;
  if (!env_addmodif(&modifs, "#", fmt)) strerr_diefusys(111, "update environment") ;
  add_variable(&modifs, 0, pattern, strlen(pattern)) ;
  for (unsigned int i = 1 ; i <= n ; i++)
    if (m[i].rm_so < 0) add_variable(&modifs, i, "", 0) ;
    else add_variable(&modifs, i, value + m[i].rm_so, (size_t)(m[i].rm_eo - m[i].rm_so)) ;
  xmexec0_m(argv, modifs.s, modifs.len) ;
}

/* Execs ARGV if VALUE matches the regular expression PATTERN. */
static void try_regex (char const *const *argv, char const *pattern, char const *value, unsigned int flags)
{
  genalloc matches = GENALLOC_ZERO ;  /* regmatch_t */
  regex_t re ;
  size_t n ;
  int r ;
  compile(&re, pattern, flags) ;
  n = flags & TELL ? re.re_nsub : 0 ;
  if (!genalloc_ready(regmatch_t, &matches, n + 1)) strerr_diefusys(111, "stralloc_catb") ;
  r = regexec(&re, value, n + 1, genalloc_s(regmatch_t, &matches), 0) ;
  if (r && r != REG_NOMATCH) dieregex(r, &re, "match string against regex", pattern) ;
  if (!r && flags & TELL) exec_with_matches(argv, pattern, value, genalloc_s(regmatch_t, &matches), (unsigned int)n) ;
  if (!r) xexec0(argv) ;
  genalloc_free(regmatch_t, &matches) ;
  regfree(&re) ;
}

int el_case_main (int argc, char const *const *argv)
{
  el_words w = EL_WORDS(argc, argv) ;
  char const *value ;
  el_words cases ;
  unsigned int flags ;
  el_option const options[] =
  {
    { .letter = 's', .set = SHELL },
    { .letter = 'S', .clear = SHELL },
    { .letter = 'e', .set = PLAIN },
    { .letter = 'E', .clear = PLAIN },
    { .letter = 'N', .set = TELL },
    { .letter = 'n', .clear = TELL },
    { .letter = 'i', .set = SPECIAL }
  } ;
  flags = el_options(&w, USAGE, 2, EL_OPTIONS(options)) ;
  value = el_next(&w) ;
  cases = el_block(&w, "case block") ;
  while (cases.n)
  {
    char const *pattern = el_next(&cases) ;
    el_words command ;
    if (!cases.n) strerr_dief(100, "malformed case block") ;
    command = el_block(&cases, "regex block") ;
    if (!(flags & SHELL)) try_regex(command.v, pattern, value, flags) ;
    else if (shell_matches(pattern, value, flags)) xexec0(command.v) ;
  }
  xexec0(w.v) ;
}
