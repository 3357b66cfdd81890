/* ISC license. */

/* s6-tai64n and s6-tai64nlocal: filters that put a TAI64N stamp before each line, and that
   turn such stamps into local time. buffer_0f1 writes what there is before it waits for more. */

#include <errno.h>

#include <skalibs/buffer.h>
#include <skalibs/djbtime.h>
#include <skalibs/sgetopt.h>
#include <skalibs/skamisc.h>
#include <skalibs/stralloc.h>
#include <skalibs/strerr.h>
#include <skalibs/tai.h>

#define LOCAL_USAGE "s6-tai64nlocal [ -g ]"

int tai64n_main (int, char const *const *) ;
int tai64nlocal_main (int, char const *const *) ;

/* A line with its newline, or the last one without. 0 at the end. */
static int next_line (stralloc *line)
{
  line->len = 0 ;
  /* EPIPE: the end came before a newline */
  if (skagetln(buffer_0f1, line, '\n') < 0 && errno != EPIPE) strerr_diefusys(111, "read from stdin") ;
  return line->len > 0 ;
}

static void put (char const *s, size_t len)
{
  if (buffer_put(buffer_1, s, len) < 0) strerr_diefusys(111, "write to stdout") ;
}

static int finish (void)
{
  if (!buffer_flush(buffer_1)) strerr_diefusys(111, "write to stdout") ;
  return 0 ;
}

int tai64n_main (int argc, char const *const *argv)
{
  stralloc line = STRALLOC_ZERO ;
  (void)argc ; (void)argv ;
  while (next_line(&line))
  {
    char stamp[TIMESTAMP + 1] ;
    timestamp(stamp) ;
    stamp[TIMESTAMP] = ' ' ;
    put(stamp, TIMESTAMP + 1) ;
    put(line.s, line.len) ;
    if (line.s[line.len - 1] != '\n') put("\n", 1) ;
  }
  return finish() ;
}

/* The length of the stamp, 0 if there is none that is a time; its text in fmt. */
static size_t translate (char *fmt, size_t *len, char const *s, int local)
{
  tain stamp ;
  localtmn broken ;
  size_t r = timestamp_scan(s, &stamp) ;
  if (!r || !localtmn_from_tain(&broken, &stamp, local)) return 0 ;
  *len = localtmn_fmt(fmt, &broken) ;
  return r ;
}

int tai64nlocal_main (int argc, char const *const *argv)
{
  stralloc line = STRALLOC_ZERO ;
  subgetopt l = SUBGETOPT_ZERO ;
  int local = 1 ;
  for (int opt ; (opt = subgetopt_r(argc, argv, "g", &l)) != -1 ; ) switch (opt)
  {
    case 'g' : local = 0 ; break ;
    default : strerr_dieusage(100, LOCAL_USAGE) ;
  }
  while (next_line(&line))
  {
    char fmt[LOCALTMN_FMT] ;
    size_t len = 0, skip = line.len > TIMESTAMP ? translate(fmt, &len, line.s, local) : 0 ;
    put(fmt, len) ;
    put(line.s + skip, line.len - skip) ;
  }
  return finish() ;
}
