/* ISC license. */

/*
   s6-ioconnect, as s6's own: copies stdin to a remote descriptor (7) and another one (6) to
   stdout until both have ended. Each way is a struct way, independent of the other.
*/

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include <skalibs/allreadwrite.h>
#include <skalibs/djbunix.h>
#include <skalibs/error.h>
#include <skalibs/iopause.h>
#include <skalibs/selfpipe.h>
#include <skalibs/sgetopt.h>
#include <skalibs/sig.h>
#include <skalibs/strerr.h>
#include <skalibs/tai.h>
#include <skalibs/types.h>

#define USAGE "s6-ioconnect [ -t timeout ] [ -r fdr ] [ -w fdw ]"
#define BUFSIZE 65536

int ioconnect_main (int, char const *const *) ;

/* A descriptor is -1 when it is done with. The way is over when `out` is. */
struct way
{
  int in ;
  int out ;
  size_t start ;      /* what is read and not yet written: from start, len bytes */
  size_t len ;
  char buf[BUFSIZE] ;
} ;

/* Not initialized here: 128 kB of buffers would become part of the binary. */
static struct way ways[2] ;

static int is_socket (int fd)
{
  int type ;
  socklen_t len = sizeof type ;
  return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) >= 0 ;
}

/* Another process may hold the same socket: only a shutdown tells the peer. */
static void close_end (int *fd, int how)
{
  if (*fd < 0) return ;
  if (is_socket(*fd)) shutdown(*fd, how) ;
  fd_close(*fd) ;
  *fd = -1 ;
}

static void warn (char const *what, int fd)
{
  char fmt[INT_FMT] ;
  fmt[int_fmt(fmt, fd)] = 0 ;
  strerr_warnwusys(what, fmt) ;
}

static void end_of_input (struct way *w)
{
  close_end(&w->in, SHUT_RD) ;
  if (!w->len) close_end(&w->out, SHUT_WR) ;
}

static void fill (struct way *w)
{
  ssize_t r = fd_read(w->in, w->buf + w->start + w->len, BUFSIZE - w->start - w->len) ;
  if (r < 0 && error_isagain(errno)) return ;
  if (r < 0) warn("read from fd ", w->in) ;
  if (r <= 0) end_of_input(w) ;
  else w->len += (size_t)r ;
}

static void flush (struct way *w)
{
  ssize_t r = fd_write(w->out, w->buf + w->start, w->len) ;
  if (r < 0)
  {
    if (error_isagain(errno)) return ;
    warn("write to fd ", w->out) ;
    w->len = 0 ;
    close_end(&w->in, SHUT_RD) ;
  }
  else
  {
    w->start += (size_t)r ;
    w->len -= (size_t)r ;
  }
  if (!w->len) w->start = 0 ;
  if (!w->len && w->in < 0) close_end(&w->out, SHUT_WR) ;
}

/* The reader of an idle output may have gone: nothing that comes in is of use any more. */
static void output_hangup (struct way *w)
{
  if (w->len) flush(w) ;
  w->len = 0 ;
  close_end(&w->in, SHUT_RD) ;
  close_end(&w->out, SHUT_WR) ;
}

static void handle_signals (void)
{
  for (;;) switch (selfpipe_read())
  {
    case -1 : strerr_diefusys(111, "read selfpipe") ;
    case 0 : return ;
    default : /* TERM, the only one trapped */
      for (unsigned int i = 0 ; i < 2 ; i++) if (ways[i].in >= 0) end_of_input(ways + i) ;
  }
}

/* A negative descriptor is one that poll() passes over. */
static void prepare (iopause_fd *x, struct way const *w)
{
  x[0].fd = w->in >= 0 && w->start + w->len < BUFSIZE ? w->in : -1 ;
  x[0].events = IOPAUSE_READ ;
  x[1].fd = w->out ;
  x[1].events = w->len ? IOPAUSE_WRITE : 0 ;
}

static void act (iopause_fd const *x, struct way *w)
{
  if (w->out >= 0 && x[1].revents & IOPAUSE_EXCEPT) output_hangup(w) ;
  else if (w->out >= 0 && x[1].revents & IOPAUSE_WRITE) flush(w) ;
  if (w->in >= 0 && x[0].fd >= 0 && x[0].revents & (IOPAUSE_READ | IOPAUSE_EXCEPT)) fill(w) ;
}

/* Waits for the next event. 0 if nothing happened in time. */
static int turn (iopause_fd *x, tain const *timeout)
{
  tain deadline ;
  tain_add_g(&deadline, ways[0].len || ways[1].len ? &tain_infinite_relative : timeout) ;
  for (unsigned int i = 0 ; i < 2 ; i++) prepare(x + 1 + 2 * i, ways + i) ;
  switch (iopause_g(x, 5, &deadline))
  {
    case -1 : strerr_diefusys(111, "iopause") ;
    case 0 : return 0 ;
  }
  if (x[0].revents & IOPAUSE_READ) handle_signals() ;
  for (unsigned int i = 0 ; i < 2 ; i++) act(x + 1 + 2 * i, ways + i) ;
  return 1 ;
}

static void set_nonblocking (int fd)
{
  char fmt[INT_FMT] ;
  if (ndelay_on(fd) >= 0) return ;
  fmt[int_fmt(fmt, fd)] = 0 ;
  strerr_diefusys(111, "set fd ", fmt, " non-blocking") ;
}

static void parse_options (int argc, char const *const *argv, tain *timeout)
{
  subgetopt l = SUBGETOPT_ZERO ;
  unsigned int t = 0 ;
  ways[0].out = 7 ;
  ways[1].in = 6 ;
  ways[1].out = 1 ;
  for (int opt ; (opt = subgetopt_r(argc, argv, "0167t:r:w:", &l)) != -1 ; ) switch (opt)
  {
    case '0' : case '1' : case '6' : case '7' : break ; /* old: sockets are found out */
    case 't' : if (!uint0_scan(l.arg, &t)) strerr_dieusage(100, USAGE) ; break ;
    case 'r' : if (!int0_scan(l.arg, &ways[1].in)) strerr_dieusage(100, USAGE) ; break ;
    case 'w' : if (!int0_scan(l.arg, &ways[0].out)) strerr_dieusage(100, USAGE) ; break ;
    default : strerr_dieusage(100, USAGE) ;
  }
  if (ways[1].in < 3 || ways[0].out < 3) strerr_dieusage(100, USAGE) ;
  if (t) tain_from_millisecs(timeout, (int)t) ;
}

int ioconnect_main (int argc, char const *const *argv)
{
  iopause_fd x[5] = { { .events = IOPAUSE_READ } } ;
  tain timeout = TAIN_INFINITE_RELATIVE ;
  parse_options(argc, argv, &timeout) ;
  for (unsigned int i = 0 ; i < 2 ; i++)
  {
    set_nonblocking(ways[i].in) ;
    set_nonblocking(ways[i].out) ;
  }
  x[0].fd = selfpipe_init() ;
  if (x[0].fd < 0) strerr_diefusys(111, "make selfpipe") ;
  if (!selfpipe_trap(SIGTERM)) strerr_diefusys(111, "trap SIGTERM") ;
  if (!sig_altignore(SIGPIPE)) strerr_diefusys(111, "ignore SIGPIPE") ;
  tain_now_set_stopwatch_g() ;
  while (ways[0].out >= 0 || ways[1].out >= 0)
    if (!turn(x, &timeout)) return 1 ;
  return 0 ;
}
