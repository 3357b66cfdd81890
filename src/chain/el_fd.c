/* ISC license. */

/* Descriptors: fdblock, fdclose, fdmove, fdreserve, fdswap, heredoc, piperw, redirfd. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <sys/resource.h>

#include <skalibs/allreadwrite.h>
#include <skalibs/djbunix.h>
#include <skalibs/env.h>
#include <skalibs/exec.h>
#include <skalibs/genalloc.h>
#include <skalibs/strerr.h>
#include <skalibs/stralloc.h>
#include <skalibs/types.h>
#include <skalibs/unix-transactional.h>

#include "el.h"

 /* Dies of a descriptor that could not be moved or copied (errno). */
static void dienomove (unsigned int from, unsigned int to) gccattr_noreturn ;
static void dienomove (unsigned int from, unsigned int to)
{
  char f[UINT_FMT], t[UINT_FMT] ;
  f[uint_fmt(f, from)] = 0 ;
  t[uint_fmt(t, to)] = 0 ;
  strerr_diefusys(111, "move fd ", f, " to fd ", t) ;
}

int el_fdblock_main (int argc, char const *const *argv)
{
  char const *usage = "fdblock [ -n ] fd prog..." ;
  el_words w = EL_WORDS(argc, argv) ;
  el_option const options[] = { { .letter = 'n', .set = 1 } } ;
  unsigned int nonblock = el_options(&w, usage, 2, EL_OPTIONS(options)) ;
  int fd = (int)el_nextuint(&w, usage) ;
  if ((nonblock ? ndelay_on(fd) : ndelay_off(fd)) < 0)
    strerr_diefusys(111, nonblock ? "ndelay_on" : "ndelay_off") ;
  xexec(w.v) ;
}

int el_fdclose_main (int argc, char const *const *argv)
{
  char const *usage = "fdclose fd prog..." ;
  el_words w = EL_WORDS(argc, argv) ;
  el_need(&w, usage, 2) ;
  fd_close((int)el_nextuint(&w, usage)) ;
  xexec(w.v) ;
}

int el_fdmove_main (int argc, char const *const *argv)
{
  char const *usage = "fdmove [ -c ] to from prog..." ;
  el_words w = EL_WORDS(argc, argv) ;
  el_option const options[] = { { .letter = 'c', .set = 1 } } ;
  unsigned int copy = el_options(&w, usage, 3, EL_OPTIONS(options)) ;
  unsigned int to = el_nextuint(&w, usage) ;
  unsigned int from = el_nextuint(&w, usage) ;
  if ((copy ? fd_copy((int)to, (int)from) : fd_move((int)to, (int)from)) < 0) dienomove(from, to) ;
  xexec(w.v) ;
}

int el_fdswap_main (int argc, char const *const *argv)
{
  char const *usage = "fdswap fd1 fd2 prog..." ;
  el_words w = EL_WORDS(argc, argv) ;
  int a, b ;
  el_need(&w, usage, 3) ;
  a = (int)el_nextuint(&w, usage) ;
  b = (int)el_nextuint(&w, usage) ;
  if (fd_move2(a, b, b, a) < 0) strerr_diefusys(111, "swap fds") ;
  xexec(w.v) ;
}

 /* ---------------------------------------------------------------- fdreserve */

/* Opens a descriptor that needs no file. */
static int open_any (void)
{
  int p[2] ;
  if (pipe(p) < 0) strerr_diefusys(111, "reserve fds") ;
  fd_close(p[1]) ;
  return p[0] ;
}

static void set_fd (stralloc *modifs, unsigned int i, unsigned int fd)
{
  char name[2 + UINT_FMT] = "FD" ;
  char fmt[UINT_FMT] ;
  name[2 + uint_fmt(name + 2, i)] = 0 ;
  fmt[uint_fmt(fmt, fd)] = 0 ;
  if (!env_addmodif(modifs, name, fmt)) strerr_diefusys(111, "update environment") ;
}

int el_fdreserve_main (int argc, char const *const *argv)
{
  char const *usage = "fdreserve n prog..." ;
  el_words w = EL_WORDS(argc, argv) ;
  stralloc modifs = STRALLOC_ZERO ;
  genalloc fds = GENALLOC_ZERO ;  /* int */
  struct rlimit rl ;
  unsigned int n ;
  el_need(&w, usage, 2) ;
  n = el_nextuint(&w, usage) ;
  if (getrlimit(RLIMIT_NOFILE, &rl) < 0) strerr_diefusys(111, "getrlimit") ;
  if (rl.rlim_cur != RLIM_INFINITY && n > rl.rlim_cur) strerr_dief(100, "too many requested fds") ;
  for (unsigned int i = 0 ; i < n ; i++)
  {
    int fd = open_any() ;
    if (!genalloc_append(int, &fds, &fd)) strerr_diefusys(111, "reserve fds") ;
    set_fd(&modifs, i, (unsigned int)fd) ;
  }
  /* closed only now, or the numbers would not differ */
  for (unsigned int i = 0 ; i < n ; i++) fd_close(genalloc_s(int, &fds)[i]) ;
  xmexec_m(w.v, modifs.s, modifs.len) ;
}

 /* ---------------------------------------------------------------- heredoc, piperw */

static void feed (int *p, char const *string) gccattr_noreturn ;
static void feed (int *p, char const *string)
{
  size_t len = strlen(string) ;
  PROG = "heredoc (child)" ;
  fd_close(p[0]) ;
  if (allwrite(p[1], string, len) < len) strerr_diefusys(111, "allwrite") ;
  _exit(0) ;
}

int el_heredoc_main (int argc, char const *const *argv)
{
  char const *usage = "heredoc [ -d ] fd string command..." ;
  el_words w = EL_WORDS(argc, argv) ;
  char const *string ;
  int fd, p[2] ;
  pid_t pid ;
  el_option const options[] = { { .letter = 'd', .set = 1 } } ;
  unsigned int orphan = el_options(&w, usage, 3, EL_OPTIONS(options)) ;
  fd = (int)el_nextuint(&w, usage) ;
  string = el_next(&w) ;
  if (pipe(p) < 0) strerr_diefusys(111, "pipe") ;
  pid = orphan ? doublefork() : fork() ;
  if (pid < 0) strerr_diefusys(111, orphan ? "doublefork" : "fork") ;
  if (!pid) feed(p, string) ;
  fd_close(p[1]) ;
  if (fd_move(fd, p[0]) < 0)
  {
    char fmt[INT_FMT] ;
    fmt[int_fmt(fmt, fd)] = 0 ;
    strerr_diefusys(111, "read on fd ", fmt) ;
  }
  xexec(w.v) ;
}

int el_piperw_main (int argc, char const *const *argv)
{
  char const *usage = "piperw fdr fdw prog..." ;
  el_words w = EL_WORDS(argc, argv) ;
  int r, out, p[2] ;
  el_need(&w, usage, 3) ;
  r = (int)el_nextuint(&w, usage) ;
  out = (int)el_nextuint(&w, usage) ;
  if (r == out) strerr_dieusage(100, usage) ;
  if (pipe(p) < 0) strerr_diefusys(111, "create pipe") ;
  /* not fd_move2: it fails if the number it sets aside happens to be the one that is wanted */
  if (p[1] == r) p[1] = dup(r) ;
  if (p[1] < 0 || fd_move(r, p[0]) < 0 || fd_move(out, p[1]) < 0) strerr_diefusys(111, "move fds") ;
  xexec(w.v) ;
}

 /* ---------------------------------------------------------------- redirfd */

#define REDIRFD_USAGE "redirfd -[ r | w | u | a | x ] [ -n ] [ -b ] fd file prog..."

enum
{
  READ = 0x01, WRITE = 0x02, UPDATE = 0x04, APPEND = 0x08, EXCLUSIVE = 0x10,
  HOW = 0x1f,
  NONBLOCK = 0x20,  /* -n: open it so */
  CHANGE = 0x40     /* -b: and then change it */
} ;

static struct how_s
{
  unsigned int flag ;
  unsigned int open ;
}
const hows[] =
{
  { READ, O_RDONLY },
  { WRITE, O_WRONLY | O_CREAT | O_TRUNC },
  { UPDATE, O_RDWR },
  { APPEND, O_WRONLY | O_CREAT | O_APPEND },
  { EXCLUSIVE, O_WRONLY | O_CREAT | O_EXCL }
} ;

static unsigned int open_flags (unsigned int flags)
{
  for (size_t i = 0 ; i < sizeof(hows) / sizeof(*hows) ; i++)
    if (flags & hows[i].flag) return hows[i].open | (flags & NONBLOCK ? O_NONBLOCK : 0) ;
  strerr_dieusage(100, REDIRFD_USAGE) ;
}

static int open_file (char const *file, unsigned int flags)
{
  int fd = open3(file, flags, 0666) ;
  if (fd < 0 && errno == ENXIO && flags & O_NONBLOCK)
  {
    /* a fifo without a reader: be that for long enough to open it for writing */
    int reader = open_read(file) ;
    if (reader < 0) strerr_diefusys(111, "open_read ", file) ;
    fd = open3(file, flags, 0666) ;
    fd_close(reader) ;
  }
  if (fd < 0) strerr_diefusys(111, "open ", file) ;
  return fd ;
}

int el_redirfd_main (int argc, char const *const *argv)
{
  el_words w = EL_WORDS(argc, argv) ;
  unsigned int flags, oflags, to ;
  int fd ;
  el_option const options[] =
  {
    { .letter = 'r', .clear = HOW, .set = READ },
    { .letter = 'w', .clear = HOW, .set = WRITE },
    { .letter = 'u', .clear = HOW, .set = UPDATE },
    { .letter = 'a', .clear = HOW, .set = APPEND },
    { .letter = 'x', .clear = HOW, .set = EXCLUSIVE },
    { .letter = 'n', .set = NONBLOCK },
    { .letter = 'b', .set = CHANGE }
  } ;
  flags = el_options(&w, REDIRFD_USAGE, 3, EL_OPTIONS(options)) ;
  oflags = open_flags(flags) ;
  to = el_nextuint(&w, REDIRFD_USAGE) ;
  fd = open_file(el_next(&w), oflags) ;
  if (fd_move((int)to, fd) < 0) dienomove((unsigned int)fd, to) ;
  if (flags & CHANGE && (flags & NONBLOCK ? ndelay_off((int)to) : ndelay_on((int)to)) < 0)
    strerr_diefusys(111, "change blocking mode") ;
  xexec(w.v) ;
}
