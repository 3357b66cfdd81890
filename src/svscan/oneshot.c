/* ISC license. */

/*
   A oneshot: a slot with a state of its own and without supervise/. `up` and `down` are one
   command line of execline each, run by our own execlineb in / (PROTOCOL.md §6, §7). The kernel
   keeps the pid of `up` in run_pid, that of `down` in finish_pid.
*/

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <sys/wait.h>

#include <skalibs/env.h>
#include <skalibs/posixplz.h>

#include "rc.h"
#include "svscan.h"

static char const *const names[] = { "down", "starting", "done", "stopping", "failed" } ;

char const *oneshot_state_name (unsigned int state)
{
  return state < sizeof names / sizeof names[0] ? names[state] : "damaged" ;
}

enum oneshot_state oneshot_state (uint32_t i)
{
  return (enum oneshot_state)slot_now(slot_at(i))->state ;
}

static void commit (uint32_t i, enum oneshot_state state, int32_t wstat, uint32_t seq)
{
  struct slot *s = slot_at(i) ;
  struct slot_state *d = slot_draft(s) ;
  unsigned int from = d->state ;
  d->state = (uint8_t)state ;
  d->wstat = wstat ;
  tain_wallclock_read(&d->stamp) ;
  if (state == ONESHOT_STARTING || state == ONESHOT_STOPPING) d->started = mono_now() ;
  if (seq) d->seq = seq ;
  slot_commit(s, 0) ;
  ring_add(i, from, state, WHY_NONE, wstat) ;
}

uint32_t oneshot_add (char const *name)
{
  uint32_t i = slot_new() ;
  if (i == NO_SLOT || strlen(name) >= SLOT_NAME_MAX || timer_room(TIMERS) < 0 || pids_room(ledger->room) < 0)
  {
    say_sys(SAY_ERROR, errno, "no room for oneshot ", name) ;
    return NO_SLOT ;
  }
  strcpy(slot_at(i)->name, name) ;
  slot_at(i)->kind = SLOT_ONESHOT ;
  slot_draft(slot_at(i))->deadline = NEVER ;
  slot_commit(slot_at(i), 0) ;
  slot_at(i)->used = 1 ;
  return i ;
}

/* ---- its environment: PATH, RC_NAME and SERVICE_NAME */

static char const *const *environment (char const *name)
{
  static char rc[SLOT_NAME_MAX + 16], service[SLOT_NAME_MAX + 16] ;
  static char const *v[ENV_BARE + 3] ;
  size_t n = env_bare(v) ;
  strcpy(rc, "RC_NAME=") ;
  v[n++] = strcat(rc, name) ;
  strcpy(service, "SERVICE_NAME=") ;
  v[n++] = strcat(service, name) ;
  v[n] = 0 ;
  return v ;
}

static int run (uint32_t i, char const *file, int32_t *pidword, int32_t *errword, enum pid_role role)
{
  char const *const argv[] = { "execlineb", "-P", "--", file, 0 } ;
  struct spawn p ;
  pid_t pid ;
  memset(&p, 0, sizeof p) ;
  p.dir = "/" ;
  p.file = exec_knows && (*exec_knows)("execlineb") ? (access("/proc/self/exe", X_OK) == 0 ? "/proc/self/exe" : ledger->self) : "execlineb" ;
  p.argv = argv ;
  p.envp = ledger->keep_env ? (char const *const *)environ : environment(slot_at(i)->name) ;
  p.flags = SPAWN_SESSION | SPAWN_SEARCH ;
  p.in = p.out = p.err = p.extra_from = p.extra_to = p.lock_from = p.lock_to = -1 ;
  pid = spawn(&p, pidword, errword) ;
  if (pid < 0) return -1 ;
  pids_add(pid, i, role) ;
  return 0 ;
}

/* ---- up and down. EMPTY: nothing but comments, so it is done at once */

int oneshot_start (uint32_t i, char const *file, int empty)
{
  struct slot *s = slot_at(i) ;
  if (empty)
  {
    commit(i, ONESHOT_UP, 0, 0) ;
    return 0 ;
  }
  commit(i, ONESHOT_STARTING, 0, 0) ;
  return s->run_pid > 0 ? 0 : run(i, file, &s->run_pid, &s->run_errno, ROLE_RUN) ;
}

int oneshot_stop (uint32_t i, char const *file, int empty)
{
  struct slot *s = slot_at(i) ;
  if (empty)
  {
    commit(i, ONESHOT_DOWN, 0, 0) ;
    return 0 ;
  }
  commit(i, ONESHOT_STOPPING, 0, 0) ;
  return s->finish_pid > 0 ? 0 : run(i, file, &s->finish_pid, &s->finish_errno, ROLE_FINISH) ;
}

void oneshot_fail (uint32_t i, int32_t wstat)
{
  commit(i, ONESHOT_FAILED, wstat, 0) ;
}

void oneshot_signal (uint32_t i, int sig)
{
  struct slot *s = slot_at(i) ;
  if (s->run_pid > 1) kill(-s->run_pid, sig) ;
  if (s->finish_pid > 1) kill(-s->finish_pid, sig) ;
}

/* A `down` that fails leaves the oneshot down all the same: nothing else can be done. */
int oneshot_ended (uint32_t i, pid_t pid, int32_t wstat)
{
  struct slot *s = slot_at(i) ;
  int was_up = pid == s->run_pid ;
  if (slot_now(s)->seq != inbox_seq())
    commit(i, !was_up ? ONESHOT_DOWN : exitcode_of(wstat) ? ONESHOT_FAILED : ONESHOT_UP, wstat, inbox_seq()) ;
  pids_remove(pid) ;
  if (was_up) s->run_pid = 0 ;
  else s->finish_pid = 0 ;
  return was_up ;
}

void oneshot_resume (uint32_t i)
{
  struct slot *s = slot_at(i) ;
  if (pids_room(ledger->room) < 0 || timer_room(TIMERS) < 0) return ;
  if (s->run_pid > 0) pids_add(s->run_pid, i, ROLE_RUN) ;
  if (s->finish_pid > 0) pids_add(s->finish_pid, i, ROLE_FINISH) ;
}
