/* ISC license. */

/*
   The last resort: PID 1 faults again and again and no service is to blame. A loop so small
   that nothing in it can fault: it reaps, and it honours a stop. It touches neither the ledger
   nor the heap.
*/

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/signalfd.h>
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

/* Looked at and not taken: whatever faults from here on finds it when it comes back. */
static int stop_is_pending (void)
{
  sigset_t pending ;
  if (sigpending(&pending) < 0) return 0 ;
  for (int sig = 1 ; sig < 64 ; sig++) if (asks_stop(sig) && sigismember(&pending, sig) > 0) return 1 ;
  return 0 ;
}

static void take_others (sigset_t const *all)
{
  struct timespec const at_once = { .tv_sec = 0, .tv_nsec = 0 } ;
  sigset_t others = *all ;
  for (int sig = 1 ; sig < 64 ; sig++) if (asks_stop(sig)) sigdelset(&others, sig) ;
  while (sigtimedwait(&others, 0, &at_once) > 0) ;
}

/* Where there is no descriptor to be had it is taken and sent again. */
static void wait_for_signal (int fd, sigset_t const *all)
{
  struct pollfd x = { .fd = fd, .events = POLLIN } ;
  int sig ;
  if (fd >= 0)
  {
    poll(&x, 1, -1) ;
    return ;
  }
  sig = sigwaitinfo(all, 0) ;
  if (asks_stop(sig)) kill(getpid(), sig) ;
}

void rescue (void)
{
  sigset_t all ;
  int fd ;
  say(SAY_FATAL, "faults without end: supervision is over, zombies are reaped and a stop signal ends the container") ;
  crash_script() ;
  all_but_faults(&all) ;
  sigprocmask(SIG_SETMASK, &all, 0) ;
  for (fd = signalfd(-1, &all, SFD_CLOEXEC) ;; wait_for_signal(fd, &all))
  {
    take_others(&all) ;
    reap() ;
    if (stop_is_pending()) end(getpid() == 1) ;
  }
}
