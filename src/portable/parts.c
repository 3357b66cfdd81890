/* ISC license. */

/* cat, head, tail: parts of files */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <skalibs/allreadwrite.h>
#include <skalibs/buffer.h>
#include <skalibs/bytestr.h>
#include <skalibs/djbunix.h>
#include <skalibs/sgetopt.h>
#include <skalibs/stralloc.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "portable.h"

#define CAT_USAGE "s6-cat"
#define HEAD_USAGE "s6-head [ -S ] [ -1..9 | -n lines | -c chars ] [ file... ]"
#define TAIL_USAGE "s6-tail [ -1..9 | -n [+|-]lines | -c [+|-]chars ] [ file ]"

#define CHUNK 65536

int s6cat_main (int, char const *const *) ;
int s6head_main (int, char const *const *) ;
int s6tail_main (int, char const *const *) ;

/* How much of a file: given by one of -1..9, -n, -c. */
struct amount
{
  uint64_t n ;
  int chars ; /* not lines */
  int from ; /* tail: the first to print (+), not how many are printed */
  int safe ; /* head: not a byte is read that is not printed */
  int given ;
} ;

static int scan_amount (struct amount *a, int opt, char const *arg)
{
  if (a->given++) return 0 ;
  a->chars = opt == 'c' ;
  if (opt >= '1' && opt <= '9') { a->n = (unsigned int)(opt - '0') ; return 1 ; }
  a->from = *arg == '+' ;
  return !!uint640_scan(arg + (*arg == '+' || *arg == '-'), &a->n) ;
}

static int parse (int argc, char const *const *argv, char const *letters, char const *usage, struct amount *a)
{
  subgetopt l = SUBGETOPT_ZERO ;
  for (int opt ; (opt = subgetopt_r(argc, argv, letters, &l)) != -1 ; )
    if (opt == 'S') a->safe = 1 ;
    else if (opt == '?' || opt == ':' || !scan_amount(a, opt, l.arg)) strerr_dieusage(100, usage) ;
  return l.ind ;
}

static ssize_t get (int fd, char *s, size_t len, char const *name)
{
  ssize_t r = fd_read(fd, s, len) ;
  if (r < 0) strerr_diefusys(111, "read ", name) ;
  return r ;
}

static void copy_rest (int fd, char const *name)
{
  char buf[CHUNK] ;
  for (ssize_t r ; (r = get(fd, buf, CHUNK, name)) > 0 ; ) portable_put(buf, (size_t)r) ;
}

int s6cat_main (int argc, char const *const *argv)
{
  struct portable_options o = PORTABLE_OPTIONS_ZERO ;
  char buf[CHUNK] ;
  portable_getopt(&argc, &argv, "", CAT_USAGE, 0, &o) ;
  /* unbuffered: what is read comes out at once */
  for (ssize_t r ; (r = get(0, buf, CHUNK, "stdin")) > 0 ; )
    if (allwrite(1, buf, (size_t)r) < (size_t)r) strerr_diefusys(111, "write to stdout") ;
  return 0 ;
}

/* ------------------------------------------------------------------------------------ head */

/* How many of the len bytes at s belong to the first *n lines or bytes; counts them off. */
static size_t count_off (char const *s, size_t len, int chars, uint64_t *n)
{
  size_t i = 0 ;
  if (chars)
  {
    if (len > *n) len = (size_t)*n ;
    *n -= len ;
    return len ;
  }
  while (i < len && *n)
  {
    size_t j = byte_chr(s + i, len - i, '\n') ;
    if (j == len - i) return len ;
    i += j + 1 ;
    --*n ;
  }
  return i ;
}

/* n more lines are at least n bytes: so much can be read and no byte too many. */
static void head_file (int fd, char const *name, void *data)
{
  struct amount const *a = data ;
  uint64_t left = a->n ;
  char buf[CHUNK] ;
  while (left)
  {
    size_t want = (a->safe || a->chars) && left < CHUNK ? (size_t)left : CHUNK ;
    ssize_t r = get(fd, buf, want, name) ;
    if (!r) break ;
    portable_put(buf, count_off(buf, (size_t)r, a->chars, &left)) ;
  }
}

static void head_titled (int fd, char const *name, void *data)
{
  static int second = 0 ;
  if (second++) portable_put("\n", 1) ;
  portable_puts("==> ") ;
  portable_puts(strcmp(name, "-") ? name : "standard input") ;
  portable_puts(" <==\n") ;
  head_file(fd, name, data) ;
}

int s6head_main (int argc, char const *const *argv)
{
  struct amount a = { .n = 10 } ;
  argv += parse(argc, argv, "S123456789n:c:", HEAD_USAGE, &a) ;
  if (a.from) strerr_dieusage(100, HEAD_USAGE) ;
  portable_each_file(argv, argv[0] && argv[1] ? &head_titled : &head_file, &a) ;
  return portable_finish() ;
}

/* ------------------------------------------------------------------------------------ tail */

static void tail_from (int fd, char const *name, struct amount const *a)
{
  uint64_t skip = a->n ? a->n - 1 : 0 ;
  char buf[CHUNK] ;
  while (skip)
  {
    ssize_t r = get(fd, buf, CHUNK, name) ;
    size_t used ;
    if (!r) return ;
    used = count_off(buf, (size_t)r, a->chars, &skip) ;
    portable_put(buf + used, (size_t)r - used) ;
  }
  copy_rest(fd, name) ;
}

/* Where the last n lines or bytes of s begin. A newline at the very end ends a line and does
   not begin one. */
static size_t last_begin (char const *s, size_t len, struct amount const *a)
{
  uint64_t n = a->n ;
  size_t i = len ;
  if (a->chars) return n < len ? len - (size_t)n : 0 ;
  if (!n) return len ;
  if (i) i-- ;
  for (;;)
  {
    size_t j = byte_rchr(s, i, '\n') ;
    if (j == i) return 0 ;
    if (!--n) return j + 1 ;
    i = j ;
  }
}

/* Keeps what may be in the last part; throws the rest away when it is more than that. */
static void tail_last (int fd, char const *name, struct amount const *a)
{
  stralloc sa = STRALLOC_ZERO ;
  size_t full = CHUNK ;
  for (;;)
  {
    ssize_t r ;
    if (!stralloc_readyplus(&sa, CHUNK)) strerr_diefusys(111, "hold the end of ", name) ;
    r = get(fd, sa.s + sa.len, CHUNK, name) ;
    if (!r) break ;
    sa.len += (size_t)r ;
    if (sa.len >= full)
    {
      size_t begin = last_begin(sa.s, sa.len, a) ;
      sa.len -= begin ;
      memmove(sa.s, sa.s + begin, sa.len) ;
      full = 2 * sa.len + CHUNK ;
    }
  }
  if (sa.len)
  {
    size_t begin = last_begin(sa.s, sa.len, a) ;
    portable_put(sa.s + begin, sa.len - begin) ;
  }
  stralloc_free(&sa) ;
}

static void tail_file (int fd, char const *name, void *data)
{
  struct amount const *a = data ;
  if (a->from) tail_from(fd, name, a) ;
  else tail_last(fd, name, a) ;
}

int s6tail_main (int argc, char const *const *argv)
{
  struct amount a = { .n = 10 } ;
  argv += parse(argc, argv, "123456789n:c:", TAIL_USAGE, &a) ;
  if (argv[0] && argv[1]) strerr_dieusage(100, TAIL_USAGE) ;
  portable_each_file(argv, &tail_file, &a) ;
  return portable_finish() ;
}
