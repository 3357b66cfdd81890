/* ISC license. */

/*
   with-retries [-n TRIES] [-t MILLISECONDS] PROG ARGS…, as in s6-overlay: runs PROG until it
   exits 0, at most TRIES times (3), each time at most MILLISECONDS (500). Exits 0 if it did,
   else 1. Who is over his time gets TERM, and KILL after as much time again.
*/

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <skalibs/djbunix.h>
#include <skalibs/iopause.h>
#include <skalibs/selfpipe.h>
#include <skalibs/sgetopt.h>
#include <skalibs/sig.h>
#include <skalibs/strerr.h>
#include <skalibs/tai.h>
#include <skalibs/types.h>

#define USAGE "with-retries [ -n tries ] [ -t milliseconds ] prog..."

int with_retries_main (int, char const *const *) ;

/* Nonzero if the child ended in that time: *wstat says how. */
static int wait_for (pid_t pid, int *wstat, int selffd, unsigned int ms)
{
  iopause_fd x = { .fd = selffd, .events = IOPAUSE_READ } ;
  tain deadline ;
  tain_from_millisecs(&deadline, (int)ms) ;
  tain_add_g(&deadline, &deadline) ;
  for (;;)
  {
    int r = iopause_g(&x, 1, &deadline) ;
    if (r < 0) strerr_diefusys(111, "iopause") ;
    if (!r) return 0 ;
    while (selfpipe_read() > 0) ; /* only CHLD is trapped */
    if (wait_pid_nohang(pid, wstat) == pid) return 1 ;
  }
}

/* Nonzero if the program exited 0. */
static int try (char const *const *argv, int selffd, unsigned int ms)
{
  int wstat ;
  pid_t pid = child_spawn0(argv[0], argv, (char const *const *)environ) ;
  if (!pid)
  {
    strerr_warnwusys("spawn ", argv[0]) ;
    return 0 ;
  }
  if (wait_for(pid, &wstat, selffd, ms)) return !wait_status(wstat) ;
  kill(pid, SIGTERM) ;
  if (wait_for(pid, &wstat, selffd, ms)) return 0 ;
  kill(pid, SIGKILL) ;
  wait_pid(pid, &wstat) ;
  return 0 ;
}

int with_retries_main (int argc, char const *const *argv)
{
  subgetopt l = SUBGETOPT_ZERO ;
  unsigned int tries = 3, ms = 500 ;
  int selffd ;
  for (int opt ; (opt = subgetopt_r(argc, argv, "n:t:", &l)) != -1 ; ) switch (opt)
  {
    case 'n' : if (uint0_scan(l.arg, &tries)) break ; strerr_dieusage(100, USAGE) ;
    case 't' : if (uint0_scan(l.arg, &ms)) break ; /* fall through */
    default : strerr_dieusage(100, USAGE) ;
  }
  argc -= l.ind ; argv += l.ind ;
  if (!argc) strerr_dieusage(100, USAGE) ;
  sig_restore(SIGCHLD) ; /* ignored, children would leave no status */
  selffd = selfpipe_init() ;
  if (selffd < 0) strerr_diefusys(111, "make selfpipe") ;
  if (!selfpipe_trap(SIGCHLD)) strerr_diefusys(111, "trap SIGCHLD") ;
  tain_now_set_stopwatch_g() ;
  for (unsigned int i = 0 ; i < tries ; i++) if (try(argv, selffd, ms)) return 0 ;
  return 1 ;
}
