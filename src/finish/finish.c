/* ISC license. */

/*
   Stage 3: finish --resume FD SCANDIR

   If anything is left: HUP, TERM and CONT to all of it, up to S6_KILL_GRACETIME, then KILL. Each
   wait ends the moment nothing is left. As PID 1 the last KILL is our own exit.
*/

#include <errno.h>
#include <stdlib.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "finish.h"
#include "ledger.h"

#define DEFAULT_GRACETIME 3000
#define BATCH 16

enum { KIND_SIGNALS, KIND_STRANGER } ;

/* ---- who is left */

/* 1: we have children still. */
static int reap (void)
{
  siginfo_t info ;
  for (;;)
  {
    info.si_pid = 0 ;
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG) < 0) return errno != ECHILD ;
    if (!info.si_pid) return 1 ;
  }
}

static void watch_stranger (int pidfd)
{
  if (loop_watch(pidfd, KIND_STRANGER, (uint32_t)pidfd) < 0) close(pidfd) ;
}

static int anybody_left (void)
{
  return reap() || others_strangers(&watch_stranger) ;
}

static void drain_signals (void)
{
  struct signalfd_siginfo info ;
  while (read(loop_signal_fd(), &info, sizeof info) > 0) ;
}

static void turn (void)
{
  struct loop_event events[BATCH] ;
  int n = loop_wait(events, BATCH, 0) ;
  for (int i = 0 ; i < n ; i++)
    if (events[i].kind == KIND_STRANGER)
    {
      loop_unwatch((int)events[i].index) ;
      close((int)events[i].index) ;
    }
    else drain_signals() ;
  ledger->faults_row = 0 ;
}

/* Strangers are looked for once and then held by pidfd; when all those are gone, again. */
static void wait_until (int64_t deadline)
{
  timer_set(0, deadline) ;
  while (anybody_left())
  {
    uint32_t id ;
    turn() ;
    if (timer_pop(mono_now(), &id)) break ;
  }
  timer_set(0, NEVER) ;
}

/* ---- the broadcast */

/* 0 when it cannot wait for anybody: then what is left ends with us. */
static int can_wait (void)
{
  if (loop_init(KIND_SIGNALS) == 0 && timer_room(1) == 0) return 1 ;
  say_sys(SAY_ERROR, errno, "finish cannot wait for what is left: the container ends at once") ;
  return 0 ;
}

static void broadcast (int64_t grace, int sync_disks)
{
  if (!anybody_left()) return ;
  say(SAY_DETAIL, "something is left: HUP, TERM and CONT to it, KILL after ", DURATION(grace)) ;
  others_signal(SIGHUP) ;
  others_signal(SIGTERM) ;
  others_signal(SIGCONT) ;
  wait_until(mono_after(mono_now(), grace)) ;
  /* as PID 1 our exit is the KILL, unless the disks are to be synced after it */
  if (!anybody_left() || (ledger->pid == 1 && !sync_disks)) return ;
  others_signal(SIGKILL) ;
  wait_until(NEVER) ;
}

static void end_others (void)
{
  int64_t grace = MS(conf_uint("S6_KILL_GRACETIME", DEFAULT_GRACETIME, INT32_MAX)) ;   /* says what is wrong, in any case */
  int sync_disks = conf_uint("S6_SYNC_DISKS", 0, 1) == 1 ;
  if ((reap() || !alone_as_pid1()) && can_wait()) broadcast(grace, sync_disks) ;
  if (sync_disks) sync() ;
}

#define ENDLESS "finish faults without end: what is left ends with the container"

static char const *ledger_fd = "" ;

/* The start itself faults without end: all that is left to do is to end with the right code. Nothing is
   mapped for that, as it may be the mapping that faults. */
static void end_at_once (void)
{
  static struct header copy ;
  int fd ;
  if (!ledger && int0_scan(ledger_fd, &fd) && pread(fd, &copy, sizeof copy, 0) == (ssize_t)sizeof copy) ledger = &copy ;
  say(SAY_FATAL, ENDLESS) ;
  _exit(ledger ? exitcode_read() : EXIT_SYSTEM) ;
}

/* 0: no more than the end itself is to be tried. */
static int attach (void)
{
  int fd ;
  if (!ledger)
  {
    if (!int0_scan(ledger_fd, &fd) || ledger_attach(fd) < 0) strerr_diefusys(EXIT_SYSTEM, "read the ledger") ;
    ledger_sweep() ;
    say_init(ledger->fd_base, ledger->verbosity) ;
    fault_tell() ;
  }
  work_on(NO_SLOT, 0) ;
  ledger->stage = STAGE_FINISH ;
  if (ledger->faults_row < FAULTS_MAX) return 1 ;
  say(SAY_ERROR, ENDLESS) ;
  return 0 ;
}

int finish_main (int argc, char const *const *argv)
{
  int code ;
  fault_last_resort = &end_at_once ;
  if (argc > 2) ledger_fd = argv[2] ;
  fault_init(argv) ;
  if (argc < 3) strerr_dieusage(EXIT_USAGE, "finish --resume fd scandir (svscan executes it at the end of the container)") ;
  if (attach()) end_others() ;
  code = exitcode_read() ;
  why_say(code) ;
  _exit(code) ;
}
