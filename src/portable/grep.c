/* ISC license. */

/* s6-grep: the lines of stdin that match. */

#include <regex.h>
#include <string.h>

#include <skalibs/buffer.h>
#include <skalibs/bytestr.h>
#include <skalibs/posixplz.h>
#include <skalibs/stralloc.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "portable.h"

#define USAGE "s6-grep [ -E | -F ] [ -i ] [ -c ] [ -n ] [ -q ] [ -v ] pattern"

int s6grep_main (int, char const *const *) ;

enum { EXTENDED = 1, FIXED = 2, FOLD = 4, COUNT = 8, NUMBER = 16, QUIET = 32, INVERT = 64 } ;

struct pattern
{
  unsigned int given ;
  regex_t regexp ;
  stralloc fixed ;
  stralloc folded ; /* the line in lower case, for -Fi */
} ;

static void compile (struct pattern *p, char const *s)
{
  int r = 0 ;
  if (p->given & FIXED)
  {
    portable_cat(&p->fixed, s, strlen(s)) ;
    if (p->given & FOLD) case_lowerb(p->fixed.s, p->fixed.len) ;
  }
  else r = skalibs_regcomp(&p->regexp, s, REG_NOSUB | (p->given & EXTENDED ? REG_EXTENDED : 0) | (p->given & FOLD ? REG_ICASE : 0)) ;
  if (r)
  {
    char buf[256] ;
    regerror(r, &p->regexp, buf, sizeof buf) ;
    strerr_diefu(111, "compile regular expression ", s, ": ", buf) ;
  }
}

static int contains (struct pattern *p, stralloc const *line)
{
  char const *s = line->s ;
  if (!p->fixed.len) return 1 ;
  if (p->given & FOLD)
  {
    p->folded.len = 0 ;
    portable_cat(&p->folded, line->s, line->len + 1) ;
    case_lowerb(p->folded.s, line->len) ;
    s = p->folded.s ;
  }
  return !!memmem(s, line->len, p->fixed.s, p->fixed.len) ;
}

static int matches (struct pattern *p, stralloc *line)
{
  int r ;
  if (p->given & FIXED) return contains(p, line) ;
  line->s[line->len] = 0 ;
  r = regexec(&p->regexp, line->s, 0, 0, 0) ;
  if (r && r != REG_NOMATCH)
  {
    char buf[256] ;
    regerror(r, &p->regexp, buf, sizeof buf) ;
    strerr_diefu(111, "match: ", buf) ;
  }
  return !r ;
}

static void put_number (uint64_t n, char after)
{
  char fmt[UINT64_FMT] ;
  size_t len = uint64_fmt(fmt, n) ;
  fmt[len++] = after ;
  portable_put(fmt, len) ;
}

int s6grep_main (int argc, char const *const *argv)
{
  struct portable_options o = PORTABLE_OPTIONS_ZERO ;
  struct pattern p = { .fixed = STRALLOC_ZERO, .folded = STRALLOC_ZERO } ;
  stralloc line = STRALLOC_ZERO ;
  uint64_t number = 0, count = 0 ;
  portable_getopt(&argc, &argv, "EFicnqv", USAGE, 1, &o) ;
  p.given = o.given ;
  compile(&p, argv[0]) ;
  while (portable_next_line(buffer_0f1, &line, '\n') != LINE_NONE)
  {
    number++ ;
    if (matches(&p, &line) == !!(o.given & INVERT)) continue ;
    count++ ;
    if (o.given & (COUNT | QUIET)) continue ;
    if (o.given & NUMBER) put_number(number, ':') ;
    line.s[line.len] = '\n' ;
    portable_put(line.s, line.len + 1) ;
  }
  if ((o.given & (COUNT | QUIET)) == COUNT) put_number(count, '\n') ;
  portable_finish() ;
  return !count ;
}
