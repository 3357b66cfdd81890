/* ISC license. */

/*
   s6-notifyoncheck: for a service that can't say when it is ready but can be asked. We become
   the service; a child of ours asks until the answer is yes, and then notifies in its stead.
   To ask at intervals is what this program exists for; an end of the service it hears of as
   an event, without asking.
*/

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <skalibs/allreadwrite.h>
#include <skalibs/bytestr.h>
#include <skalibs/djbunix.h>
#include <skalibs/exec.h>
#include <skalibs/posixplz.h>
#include <skalibs/sgetopt.h>
#include <skalibs/strerr.h>
#include <skalibs/tai.h>
#include <skalibs/types.h>

#include "control.h"
#include "listen.h"
#include "tools.h"

#define USAGE "[ -d ] [ -3 fd ] [ -s initialsleep ] [ -T globaltimeout ] [ -t localtimeout ] [ -w waitingtime ] [ -n tries ] [ -c \"checkprog...\" ] prog..."

#define EXIT_READY 0
#define EXIT_NO_MORE_TRIES 1
#define EXIT_SERVICE_DIED 2
#define EXIT_TIMEOUT 3

struct options
{
  int doublefork ;
  int fd ;                /* to notify on; -1: as the file notification-fd says */
  unsigned int first ;    /* ms before the first question */
  unsigned int pause ;    /* ms between two questions */
  unsigned int limit ;    /* ms for an answer, 0 = none */
  unsigned int total ;    /* ms for all, 0 = none */
  unsigned int tries ;    /* 0 = any number */
  char const *checkprog ;
} ;

static int scan_options (int argc, char const *const *argv, struct options *o)
{
  subgetopt l = SUBGETOPT_ZERO ;
  for (;;)
  {
    int opt = subgetopt_r(argc, argv, "d3:s:T:t:w:n:c:", &l) ;
    switch (opt)
    {
      case -1 : return l.ind ;
      case 'd' : o->doublefork = 1 ; break ;
      case '3' : o->fd = (int)tool_uint(l.arg, USAGE) ; break ;
      case 's' : o->first = tool_uint(l.arg, USAGE) ; break ;
      case 'T' : o->total = tool_uint(l.arg, USAGE) ; break ;
      case 't' : o->limit = tool_uint(l.arg, USAGE) ; break ;
      case 'w' : o->pause = tool_uint(l.arg, USAGE) ; break ;
      case 'n' : o->tries = tool_uint(l.arg, USAGE) ; break ;
      case 'c' : o->checkprog = l.arg ; break ;
      default : tool_dieusage(USAGE) ;
    }
  }
}

static int notification_fd (void)
{
  char buf[UINT_FMT + 1] ;
  unsigned int fd ;
  ssize_t r = openreadnclose_nb("notification-fd", buf, UINT_FMT) ;
  if (r == -1) strerr_diefusys(111, "read ./notification-fd") ;
  buf[byte_chr(buf, (size_t)r, '\n')] = 0 ;
  if (!uint0_scan(buf, &fd)) strerr_dief(100, "invalid ./notification-fd") ;
  return (int)fd ;
}

static void check_place (struct options *o)
{
  int r = control_islocked(".", SUPERVISE_SUB) ;
  if (r == -1) strerr_diefusys(111, "sanity-check current service directory") ;
  if (!r) strerr_dief(100, "supervisor not running") ;
  if (o->fd == -1) o->fd = notification_fd() ;
  if (fcntl(o->fd, F_GETFD) == -1) strerr_diefsys(111, "notification-fd sanity check failed") ;
}

/* ---------------------------------------------------------------- the child that asks */

struct question
{
  pid_t pid ;   /* 0 between two questions */
  int wstat ;
  int died ;    /* the service has */
} ;

static int on_event (int i, char const *s, size_t len, void *data)
{
  struct question *q = data ;
  if (i == LISTEN_CHILD) return q->pid && wait_pid_nohang(q->pid, &q->wstat) == q->pid ;
  q->died = byte_chr(s, len, 'd') < len ;
  return q->died ;
}

static void leave (struct question const *q, int code)
{
  if (q->pid) kill(q->pid, SIGTERM) ;
  listen_end() ;
  _exit(code) ;
}

/* Waits until the child answers (1) or the time is over (0). Leaves when the service has died,
   or when there is no time left for anything. */
static int wait_for (struct question *q, unsigned int ms, tain const *total)
{
  tain deadline, start ;
  int r ;
  tain_now_g() ;
  tain_copynow(&start) ;
  tain_from_millisecs(&deadline, (int)ms) ;
  tain_add(&deadline, &start, &deadline) ;
  if (tain_less(total, &deadline)) deadline = *total ;
  r = listen_wait(&deadline, &on_event, q) ;
  if (r == -1) listen_diefusys(111, "wait for events") ;
  if (q->died) leave(q, EXIT_SERVICE_DIED) ;
  if (!r && !tain_less(&STAMP, total)) leave(q, EXIT_TIMEOUT) ;
  return r ;
}

static void ask (struct options const *o, struct question *q, tain const *total)
{
  char const *const program[] = { "./data/check", 0 } ;
  char const *const script[] = { "execlineb", "-Pc", o->checkprog, 0 } ;
  char const *const *argv = o->checkprog ? script : program ;
  q->pid = child_spawn0(argv[0], argv, (char const *const *)environ) ;
  if (!q->pid)
  {
    strerr_warnwusys("spawn ", argv[0]) ;
    return ;
  }
  if (!wait_for(q, o->limit ? o->limit : INT32_MAX, total)) kill(q->pid, SIGTERM) ;
  else if (WIFEXITED(q->wstat) && !WEXITSTATUS(q->wstat))
  {
    q->pid = 0 ;
    fd_write(o->fd, "\n", 1) ;
    leave(q, EXIT_READY) ;
  }
  q->pid = 0 ;
}

static void ask_until_ready (struct options const *o, int sync)
{
  struct question q = { .pid = 0 } ;
  tain total ;
  tool_deadline(&total, o->total) ;
  if (!listen_start()) strerr_diefusys(111, "prepare for signals") ;
  if (listen_add(".", "event") == -1) strerr_diefusys(111, "subscribe to the service's events") ;
  if (fd_write(sync, "", 1) < 1) listen_diefusys(111, "synchronize with parent") ;
  fd_close(sync) ;
  for (unsigned int i = 0 ; !o->tries || i < o->tries ; i++)
  {
    wait_for(&q, i ? o->pause : o->first, &total) ;
    ask(o, &q, &total) ;
  }
  leave(&q, EXIT_NO_MORE_TRIES) ;
}

/* ---------------------------------------------------------------- */

/* Not before the child listens may the service begin: it might die at once. */
static void become (int fd, int sync, char const *const *argv)
{
  char c ;
  fd_close(fd) ;
  if (fd_read(sync, &c, 1) < 1) strerr_diefu(111, "synchronize with child") ;
  fd_close(sync) ;
  xexec(argv) ;
}

int notifyoncheck_main (int argc, char const *const *argv)
{
  struct options o = { .fd = -1, .first = 10, .pause = 1000, .tries = 7 } ;
  int n = scan_options(argc, argv, &o) ;
  int p[2] ;
  argc -= n ; argv += n ;
  if (!argc) tool_dieusage(USAGE) ;
  check_place(&o) ;
  if (pipecoe(p) == -1) strerr_diefusys(111, "make a pipe") ;
  switch (o.doublefork ? doublefork() : fork())
  {
    case -1 : strerr_diefusys(111, "fork") ;
    case 0 :
      fd_close(p[0]) ;
      ask_until_ready(&o, p[1]) ;
      break ;
    default :
      fd_close(p[1]) ;
      become(o.fd, p[0], argv) ;
  }
  return 111 ;
}
