/* ISC license. */

/*
   The CMD: runs when the services are up, under with-contenv, in PID 1's own session, so that
   it can have the terminal. Its end stops the container with its code.
*/

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include <sys/wait.h>

#include <skalibs/posixplz.h>

#include "svscan.h"

#define RETRY MS(100)

static void commit_state (enum cmd_state state)
{
  struct global *g = global_draft() ;
  g->cmd_state = (uint8_t)state ;
  if (state == CMD_RUNNING) g->cmd_started = mono_now() ;
  global_commit() ;
}

/* with-contenv is a program of our own binary, unless that was built without the tools. */
static void through_contenv (struct spawn *p)
{
  static char const *self = "/proc/self/exe" ;
  int ours = exec_knows && (*exec_knows)("with-contenv") ;
  p->file = !ours ? "with-contenv" : access(self, X_OK) == 0 ? self : ledger->self ;
}

static int spawn_cmd (void)
{
  struct spawn p ;
  memset(&p, 0, sizeof p) ;
  p.dir = ledger->workdir ;
  p.dir_fallback = "/" ;
  p.argv = options.cmd ;
  p.envp = (char const *const *)environ ;
  p.flags = SPAWN_SEARCH | SPAWN_FOREGROUND ;
  p.in = p.out = p.err = p.extra_from = p.extra_to = p.lock_from = p.lock_to = -1 ;
  if (ledger->catchall != NO_SLOT && (catchall_spares_cmd() || conf_uint("S6_CMD_USE_TERMINAL", 0, 1)))
  {
    p.out = ledger->outer[0] ;
    p.err = ledger->outer[1] ;
  }
  through_contenv(&p) ;
  return spawn(&p, &ledger->cmd_pid, &ledger->cmd_errno) > 0 ? 0 : -1 ;
}

static void start (void)
{
  static int told = 0 ;
  if (spawn_cmd() == 0) return ;
  if (!told++) say_sys(SAY_WARNING, errno, "unable to make a process for ", options.cmd[1], ", trying again") ;
  timer_set(TIMER_CMD_WAIT, mono_after(mono_now(), RETRY)) ;
}

void cmd_start (void)
{
  if (global_now()->cmd_state == CMD_NONE) commit_state(CMD_RUNNING) ;
  if (global_now()->cmd_state == CMD_RUNNING && ledger->cmd_pid <= 0 && !global_now()->stop) start() ;
}

void cmd_signal (int sig)
{
  signal_group(ledger->cmd_pid, sig) ;
}

void cmd_wake (void)
{
  siginfo_t info ;
  if (ledger->cmd_pid <= 0) return ;
  info.si_pid = 0 ;
  if (waitid(P_PID, (id_t)ledger->cmd_pid, &info, WSTOPPED | WNOHANG) == 0 && info.si_pid && info.si_status == SIGTSTP)
    cmd_signal(SIGCONT) ;
}

static void take_terminal_back (void)
{
  if (ledger->tty) tcsetpgrp(0, getpgrp()) ;
}

/* Whoever ends by our own signal did not choose that code. */
static int gives_code (struct global const *g, int32_t wstat)
{
  return !g->stop || (g->cause == CAUSE_SIGNAL && WIFEXITED(wstat)) ;
}

void cmd_ended (int32_t wstat, uint32_t seq)
{
  struct global *g = global_draft() ;
  take_terminal_back() ;
  if (gives_code(g, wstat)) exitcode_write(exitcode_of(wstat)) ;
  g->cmd_state = CMD_ENDED ;
  g->cmd_wstat = wstat ;
  g->seq = seq ;
  global_commit() ;
  ledger->cmd_pid = 0 ;
  say(SAY_DETAIL, "CMD ", WSTAT(wstat), " after ", DURATION(mono_now() - g->cmd_started)) ;
  if (g->stop) stop_advance() ;
  else stop_request(CAUSE_CMD, wstat, NO_SLOT, 0) ;
}

/* After an exec: to be forked still, or ended and the stop not yet asked for. */
void cmd_resume (void)
{
  struct global const *g = global_now() ;
  if (g->cmd_state == CMD_RUNNING) cmd_start() ;
  if (g->cmd_state != CMD_ENDED) return ;
  ledger->cmd_pid = 0 ;
  if (!g->stop) stop_request(CAUSE_CMD, g->cmd_wstat, NO_SLOT, 0) ;
}
