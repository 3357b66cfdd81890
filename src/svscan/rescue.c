/* ISC license. */

/*
   The last resort: PID 1 faults again and again and no service is to blame. A loop so small
   that nothing in it can fault: it reaps, and it honours a stop. It touches neither the ledger
   nor the heap.
*/

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/wait.h>

#include <skalibs/posixplz.h>

#include "svscan.h"

#define GRACE_SECONDS 3

static void reap (void)
{
  while (waitpid(-1, 0, WNOHANG) > 0) ;
}

static int nobody_left (void)
{
  siginfo_t info ;
  return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD ;
}

static int asks_stop (int sig)
{
  return sig == SIGTERM || sig == SIGINT || sig == SIGQUIT || sig == SIGPWR || sig == SIGUSR1 || sig == SIGUSR2 || sig == 37 || sig == 38 ;
}

static void end (int pid1)
{
  struct timespec const grace = { .tv_sec = GRACE_SECONDS, .tv_nsec = 0 } ;
  sigset_t child ;
  sigemptyset(&child) ;
  sigaddset(&child, SIGCHLD) ;
  if (pid1)
  {
    kill(-1, SIGTERM) ;
    kill(-1, SIGCONT) ;
  }
  for (reap() ; pid1 && !nobody_left() ; reap())
    if (sigtimedwait(&child, 0, &grace) < 0 && errno == EAGAIN) break ;
  _exit(EXIT_SYSTEM) ;
}

static void crash_script (void)
{
  char const *const argv[] = { ".s6-svscan/crash", 0 } ;
  sigset_t none ;
  if (access(argv[0], F_OK) < 0) return ;
  sigemptyset(&none) ;
  sigprocmask(SIG_SETMASK, &none, 0) ;
  errno = exec_file(argv[0], argv, (char const *const *)environ) ;
  say_sys(SAY_ERROR, errno, "unable to execute .s6-svscan/crash") ;
}

void rescue (void)
{
  pid_t self = getpid() ;
  sigset_t most ;
  say(SAY_FATAL, "faults without end: supervision is over, zombies are reaped and a stop signal ends the container") ;
  crash_script() ;
  all_but_faults(&most) ;
  sigprocmask(SIG_SETMASK, &most, 0) ;
  for (;;)
  {
    int sig = sigwaitinfo(&most, 0) ;
    if (sig == SIGCHLD) reap() ;
    if (!asks_stop(sig)) continue ;
    /* pending again, so that a fault in end() finds it when it comes back here */
    kill(self, sig) ;
    end(self == 1) ;
  }
}
