/* ISC license. */

/* What prints something made from its arguments: echo, true, false, basename, dirname, seq,
   quote, unquote, uniquename. */

#include <string.h>

#include <skalibs/djbunix.h>
#include <skalibs/random.h>
#include <skalibs/skamisc.h>
#include <skalibs/stralloc.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "portable.h"

#define ECHO_USAGE "s6-echo [ -n ] [ -s sep ] args..."
#define BASENAME_USAGE "s6-basename [ -n ] path [ suffix ]"
#define DIRNAME_USAGE "s6-dirname [ -n ] path"
#define SEQ_USAGE "s6-seq [ -w ] [ -s separator ] [ first [ increment ] ] last"
#define QUOTE_USAGE "s6-quote [ -n ] [ -u ] [ -d delim ] string"
#define UNQUOTE_USAGE "s6-unquote [ -n ] [ -d delim ] string"
#define UNIQUENAME_USAGE "s6-uniquename [ -n randomlen ] prefix"

int s6echo_main (int, char const *const *) ;
int s6true_main (int, char const *const *) ;
int s6false_main (int, char const *const *) ;
int s6basename_main (int, char const *const *) ;
int s6dirname_main (int, char const *const *) ;
int s6seq_main (int, char const *const *) ;
int s6quote_main (int, char const *const *) ;
int s6unquote_main (int, char const *const *) ;
int s6uniquename_main (int, char const *const *) ;

int s6echo_main (int argc, char const *const *argv)
{
  enum { NO_NEWLINE = 1, SEPARATOR = 2 } ;
  struct portable_options o = PORTABLE_OPTIONS_ZERO ;
  portable_getopt(&argc, &argv, "ns:", ECHO_USAGE, 0, &o) ;
  for (; *argv ; argv++)
  {
    portable_puts(*argv) ;
    if (argv[1]) portable_put(o.given & SEPARATOR ? o.arg[1] : " ", 1) ;
  }
  if (!(o.given & NO_NEWLINE)) portable_put("\n", 1) ;
  return portable_finish() ;
}

int s6true_main (int argc, char const *const *argv)
{
  (void)argc ; (void)argv ;
  return 0 ;
}

int s6false_main (int argc, char const *const *argv)
{
  (void)argc ; (void)argv ;
  return 1 ;
}

/* ------------------------------------------------------------------------ parts of paths */

static int put_path (stralloc const *sa, int newline)
{
  portable_put(sa->s, sa->len) ;
  if (newline) portable_put("\n", 1) ;
  return portable_finish() ;
}

int s6basename_main (int argc, char const *const *argv)
{
  stralloc sa = STRALLOC_ZERO ;
  struct portable_options o = PORTABLE_OPTIONS_ZERO ;
  portable_getopt(&argc, &argv, "n", BASENAME_USAGE, 1, &o) ;
  if (!sabasename(&sa, argv[0], strlen(argv[0]))) strerr_diefusys(111, "get basename of ", argv[0]) ;
  if (argc > 1)
  {
    size_t n = strlen(argv[1]) ;
    if (n < sa.len && !memcmp(sa.s + sa.len - n, argv[1], n)) sa.len -= n ;
  }
  return put_path(&sa, !o.given) ;
}

int s6dirname_main (int argc, char const *const *argv)
{
  stralloc sa = STRALLOC_ZERO ;
  struct portable_options o = PORTABLE_OPTIONS_ZERO ;
  portable_getopt(&argc, &argv, "n", DIRNAME_USAGE, 1, &o) ;
  if (!sadirname(&sa, argv[0], strlen(argv[0]))) strerr_diefusys(111, "get dirname of ", argv[0]) ;
  /* a//b: what is left of a/ */
  while (sa.len > 1 && sa.s[sa.len - 1] == '/') sa.len-- ;
  return put_path(&sa, !o.given) ;
}

/* ---------------------------------------------------------------------------------- seq */

/* first, increment, last */
static void scan_limits (int argc, char const *const *argv, unsigned int *u)
{
  static int const where[3][3] = { { 2 }, { 0, 2 }, { 0, 1, 2 } } ;
  if (argc > 3) strerr_dieusage(100, SEQ_USAGE) ;
  for (int i = 0 ; i < argc ; i++)
    if (!uint0_scan(argv[i], u + where[argc - 1][i])) strerr_dieusage(100, SEQ_USAGE) ;
  if (!u[1]) strerr_dief(100, "the increment cannot be 0") ;
}

int s6seq_main (int argc, char const *const *argv)
{
  enum { WIDTH = 1, SEPARATOR = 2 } ;
  struct portable_options o = PORTABLE_OPTIONS_ZERO ;
  unsigned int u[3] = { 1, 1, 0 } ;
  char fmt[UINT64_FMT] ;
  char const *separator ;
  size_t width = 1 ;
  portable_getopt(&argc, &argv, "ws:", SEQ_USAGE, 1, &o) ;
  scan_limits(argc, argv, u) ;
  separator = o.given & SEPARATOR ? o.arg[1] : "\n" ;
  if (o.given & WIDTH && u[0] <= u[2]) width = uint_fmt(0, u[0] + (u[2] - u[0]) / u[1] * u[1]) ;
  for (uint64_t i = u[0] ; i <= u[2] ; i += u[1])
  {
    size_t len = uint64_fmt(0, i) ;
    if (len < width) len = width ;
    uint640_fmt(fmt, i, len) ;
    portable_put(fmt, len) ;
    portable_put(separator, *separator ? strlen(separator) : 1) ;
  }
  return portable_finish() ;
}

/* ------------------------------------------------------------------------------- quoting */

int s6quote_main (int argc, char const *const *argv)
{
  enum { NO_NEWLINE = 1, UNDELIMITED = 2, DELIMITER = 4 } ;
  struct portable_options o = PORTABLE_OPTIONS_ZERO ;
  stralloc sa = STRALLOC_ZERO ;
  char const *delim = "\"" ;
  portable_getopt(&argc, &argv, "nud:", QUOTE_USAGE, 1, &o) ;
  if (o.given & DELIMITER) delim = o.arg[2] ;
  if (!(o.given & UNDELIMITED))
  {
    if (!*delim) strerr_dief(100, "no character to quote with: give one to -d, or -u") ;
    portable_cat(&sa, delim, 1) ;
  }
  if (!string_quote_nodelim_mustquote(&sa, argv[0], strlen(argv[0]), delim, strlen(delim))) strerr_diefusys(111, "quote") ;
  if (!(o.given & UNDELIMITED)) portable_cat(&sa, delim, 1) ;
  return put_path(&sa, !(o.given & NO_NEWLINE)) ;
}

/* What follows the closing delimiter is not wanted, but not an error either. */
static void warn_remainder (size_t at, size_t len)
{
  char a[SIZE_FMT], b[SIZE_FMT] ;
  a[size_fmt(a, at + 1)] = 0 ;
  b[size_fmt(b, len)] = 0 ;
  strerr_warnw("found ending quote character at position ", a, "/", b, "; ignoring remainder") ;
}

int s6unquote_main (int argc, char const *const *argv)
{
  enum { NO_NEWLINE = 1, DELIMITER = 2 } ;
  struct portable_options o = PORTABLE_OPTIONS_ZERO ;
  stralloc sa = STRALLOC_ZERO ;
  char const *delim = "\"", *s ;
  size_t n, len, used ;
  portable_getopt(&argc, &argv, "nd:", UNQUOTE_USAGE, 1, &o) ;
  if (o.given & DELIMITER) delim = o.arg[1] ;
  n = strlen(delim) ;
  s = argv[0] ;
  if (n && !*s) strerr_dief(100, "the empty string isn't a quoted string") ;
  if (n && !memchr(delim, *s++, n)) strerr_dief(100, "invalid starting quote character") ;
  len = strlen(s) ;
  if (!stralloc_ready(&sa, len + 1)) strerr_diefusys(111, "allocate memory") ;
  if (!string_unquote_withdelim(sa.s, &sa.len, s, len, &used, delim, n))
  {
    char fmt[SIZE_FMT] ;
    fmt[size_fmt(fmt, used + !!n)] = 0 ;
    strerr_diefusys(100, "unquote at character ", fmt) ;
  }
  if (n && used == len) strerr_dief(100, "no ending quote character") ;
  if (n && used + 1 < len) warn_remainder(used, len) ;
  return put_path(&sa, !(o.given & NO_NEWLINE)) ;
}

/* ------------------------------------------------------------------------------ uniquename */

int s6uniquename_main (int argc, char const *const *argv)
{
  struct portable_options o = PORTABLE_OPTIONS_ZERO ;
  stralloc sa = STRALLOC_ZERO ;
  unsigned int n = 8 ;
  portable_getopt(&argc, &argv, "n:", UNIQUENAME_USAGE, 1, &o) ;
  if (o.given && !uint0_scan(o.arg[0], &n)) strerr_dieusage(100, UNIQUENAME_USAGE) ;
  portable_cat(&sa, argv[0], strlen(argv[0])) ;
  if (!(n ? random_sauniquename(&sa, n) : sauniquename(&sa))) strerr_diefusys(111, "make a unique name") ;
  return put_path(&sa, 1) ;
}
