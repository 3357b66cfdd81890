/* ISC license. */

/* quote-filter, unquote-filter, format-filter, tai64ndiff: each line of stdin, changed. A last
   line without newline stays one. */

#include <errno.h>
#include <string.h>

#include <skalibs/buffer.h>
#include <skalibs/skamisc.h>
#include <skalibs/stralloc.h>
#include <skalibs/strerr.h>
#include <skalibs/tai.h>
#include <skalibs/types.h>

#include "portable.h"

#define QUOTE_USAGE "s6-quote-filter [ -u ] [ -d delim ]"
#define UNQUOTE_USAGE "s6-unquote-filter [ -q | -Q | -v | -w ] [ -d delim ]"
#define FORMAT_USAGE "s6-format-filter format [ args... ]"
#define DIFF_USAGE "s6-tai64ndiff"

int s6quote_filter_main (int, char const *const *) ;
int s6unquote_filter_main (int, char const *const *) ;
int s6format_filter_main (int, char const *const *) ;
int s6tai64ndiff_main (int, char const *const *) ;

static void end_line (enum portable_line kind)
{
  if (kind == LINE_WHOLE) portable_put("\n", 1) ;
}

/* -------------------------------------------------------------------------------- quote */

int s6quote_filter_main (int argc, char const *const *argv)
{
  enum { UNDELIMITED = 1, DELIMITER = 2 } ;
  struct portable_options o = PORTABLE_OPTIONS_ZERO ;
  stralloc line = STRALLOC_ZERO, quoted = STRALLOC_ZERO ;
  char const *delim = "\"" ;
  size_t n ;
  portable_getopt(&argc, &argv, "ud:", QUOTE_USAGE, 0, &o) ;
  if (o.given & DELIMITER) delim = o.arg[1] ;
  n = strlen(delim) ;
  if (!(o.given & UNDELIMITED) && !n) strerr_dief(100, "no character to quote with: give one to -d, or -u") ;
  for (enum portable_line kind ; (kind = portable_next_line(buffer_0f1, &line, '\n')) != LINE_NONE ; )
  {
    quoted.len = 0 ;
    if (!string_quote_nodelim_mustquote(&quoted, line.s, line.len, delim, n)) strerr_diefusys(111, "quote") ;
    portable_put(delim, !(o.given & UNDELIMITED)) ;
    portable_put(quoted.s, quoted.len) ;
    portable_put(delim, !(o.given & UNDELIMITED)) ;
    end_line(kind) ;
  }
  return portable_finish() ;
}

/* ------------------------------------------------------------------------------ unquote */

/* -q says nothing, -Q that there was an error, -v in which line; -w ends there. */
enum { QUIET = 1, NORMAL = 2, VERBOSE = 4, STRICT = 8, DELIMITER = 16 } ;

#define EXCERPT 36

struct unquoter
{
  unsigned int mode ;
  char const *delim ;
  size_t ndelim ;
  stralloc text ;
} ;

static void excerpt (char *fmt, stralloc const *line)
{
  size_t n = line->len < EXCERPT + 3 ? line->len : EXCERPT ;
  memcpy(fmt, line->s, n) ;
  strcpy(fmt + n, n < line->len ? "..." : "") ;
}

static int complain (struct unquoter const *u, stralloc const *line, char const *what)
{
  char fmt[EXCERPT + 4] ;
  excerpt(fmt, line) ;
  if (u->mode & STRICT)
  {
    portable_finish() ;
    strerr_dief(100, what) ;
  }
  if (u->mode & VERBOSE && line->len) strerr_warnw(what, " in line: ", fmt) ;
  else if (!(u->mode & QUIET)) strerr_warnw(what) ;
  return 0 ;
}

static void warn_remainder (stralloc const *line, size_t at)
{
  char a[SIZE_FMT], b[SIZE_FMT], fmt[EXCERPT + 4] ;
  a[size_fmt(a, at + 1)] = 0 ;
  b[size_fmt(b, line->len - 1)] = 0 ;
  excerpt(fmt, line) ;
  strerr_warnw("found ending quote character at position ", a, "/", b, ", ignoring remainder of line: ", fmt) ;
}

/* 1 if u->text is what the line stands for; 0 if it was said what is wrong with it. */
static int unquote (struct unquoter *u, stralloc const *line)
{
  size_t begin = !!u->ndelim, len = line->len, used ;
  u->text.len = 0 ;
  if (begin && !len) { complain(u, line, "empty line") ; return 1 ; }
  if (begin && !memchr(u->delim, line->s[0], u->ndelim)) return complain(u, line, "invalid starting quote character") ;
  if (!stralloc_ready(&u->text, len + 1)) strerr_diefusys(111, "allocate memory") ;
  len -= begin ;
  if (!string_unquote_withdelim(u->text.s, &u->text.len, line->s + begin, len, &used, u->delim, u->ndelim))
    return complain(u, line, errno == EPIPE ? "unable to unquote: unfinished escape" : "unable to unquote: invalid escape") ;
  if (begin && used == len) return complain(u, line, "unable to unquote: no ending quote character") ;
  if (begin && used + 1 < len && u->mode & (VERBOSE | STRICT)) warn_remainder(line, used) ;
  return 1 ;
}

int s6unquote_filter_main (int argc, char const *const *argv)
{
  struct portable_options o = PORTABLE_OPTIONS_ZERO ;
  struct unquoter u = { .delim = "\"", .text = STRALLOC_ZERO } ;
  stralloc line = STRALLOC_ZERO ;
  portable_getopt(&argc, &argv, "qQvwd:", UNQUOTE_USAGE, 0, &o) ;
  u.mode = o.given ;
  if (o.given & DELIMITER) u.delim = o.arg[4] ;
  u.ndelim = strlen(u.delim) ;
  for (enum portable_line kind ; (kind = portable_next_line(buffer_0f1, &line, '\n')) != LINE_NONE ; )
  {
    stralloc const *sa = unquote(&u, &line) ? &u.text : &line ;
    portable_put(sa->s, sa->len) ;
    end_line(kind) ;
  }
  return portable_finish() ;
}

/* ------------------------------------------------------------------------------- format */

int s6format_filter_main (int argc, char const *const *argv)
{
  stralloc line = STRALLOC_ZERO, out = STRALLOC_ZERO ;
  char vars[] = "s0123456789" ;
  char const *args[11] = { "", argv[0] } ;
  struct portable_options o = PORTABLE_OPTIONS_ZERO ;
  char const *format ;
  portable_getopt(&argc, &argv, "", FORMAT_USAGE, 1, &o) ;
  format = *argv++ ;
  if (--argc > 9) argc = 9 ;
  for (int i = 0 ; i < argc ; i++) args[2 + i] = argv[i] ;
  vars[2 + argc] = 0 ;
  /* an error in the format is one also if no line comes */
  if (!string_format(&out, vars, format, args)) strerr_diefusys(errno == EINVAL ? 100 : 111, "compile format ", format) ;
  for (enum portable_line kind ; (kind = portable_next_line(buffer_0f1, &line, '\n')) != LINE_NONE ; )
  {
    line.s[line.len] = 0 ;
    args[0] = line.s ;
    out.len = 0 ;
    if (!string_format(&out, vars, format, args)) strerr_diefusys(111, "format") ;
    portable_put(out.s, out.len) ;
    end_line(kind) ;
  }
  return portable_finish() ;
}

/* ------------------------------------------------------------------------------ tai64ndiff */

/* "[         1.500000000 ]" */
#define SECONDS_WIDTH 10
#define NANO_WIDTH 9

static void put_difference (tain const *from, tain const *to)
{
  char fmt[2 + UINT64_FMT] = "-", nano[NANO_WIDTH + 3] ;
  int negative = tain_less(to, from) ;
  tain diff ;
  size_t len ;
  tain_sub(&diff, negative ? from : to, negative ? to : from) ;
  len = (size_t)negative + uint64_fmt(fmt + negative, diff.sec.x) ;
  portable_put("[", 1) ;
  for (size_t i = len ; i < SECONDS_WIDTH ; i++) portable_put(" ", 1) ;
  portable_put(fmt, len) ;
  nano[0] = '.' ;
  uint320_fmt(nano + 1, diff.nano, NANO_WIDTH) ;
  memcpy(nano + 1 + NANO_WIDTH, " ]", 2) ;
  portable_put(nano, sizeof nano) ;
}

int s6tai64ndiff_main (int argc, char const *const *argv)
{
  struct portable_options o = PORTABLE_OPTIONS_ZERO ;
  stralloc line = STRALLOC_ZERO ;
  tain previous = TAIN_ZERO, now = TAIN_ZERO ;
  int defined = 0 ;
  portable_getopt(&argc, &argv, "", DIFF_USAGE, 0, &o) ;
  for (enum portable_line kind ; (kind = portable_next_line(buffer_0f1, &line, '\n')) != LINE_NONE ; )
  {
    size_t n = line.len >= TIMESTAMP ? timestamp_scan(line.s, &now) : 0 ;
    if (n && defined) put_difference(&previous, &now) ;
    else if (n) portable_puts("[          .          ]") ;
    defined = !!n ;
    previous = now ;
    portable_put(line.s + n, line.len - n) ;
    end_line(kind) ;
  }
  return portable_finish() ;
}
