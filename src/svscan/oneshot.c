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

#include <skalibs/genalloc.h>
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
  if (i == NO_SLOT || strlen(name) >= SLOT_NAME_MAX || service_room(0) < 0)
  {
    int e = errno ;
    say_sys(SAY_ERROR, e, "no room for oneshot ", name) ;
    return (errno = e, NO_SLOT) ;
  }
  strcpy(slot_at(i)->name, name) ;
  slot_at(i)->kind = SLOT_ONESHOT ;
  slot_draft(slot_at(i))->deadline = NEVER ;
  slot_commit(slot_at(i), 0) ;
  slot_at(i)->used = 1 ;
  return i ;
}

/* ---- its environment: PATH (with S6_KEEP_ENV all), RC_NAME, SERVICE_NAME and, of NAME@ARG,
   SERVICE_INSTANCE */

static char const *const names_of_it[] = { "RC_NAME=", "SERVICE_NAME=", "SERVICE_INSTANCE=" } ;

static int is_of_it (char const *variable)
{
  for (size_t k = 0 ; k < sizeof names_of_it / sizeof names_of_it[0] ; k++)
    if (!strncmp(variable, names_of_it[k], strlen(names_of_it[k]))) return 1 ;
  return 0 ;
}

static int add_variable (genalloc *v, char const *s)
{
  return genalloc_append(char const *, v, &s) ;
}

static int add_all (genalloc *v)
{
  char const *bare[ENV_BARE] ;
  size_t n = 0 ;
  if (!ledger->keep_env)
  {
    n = env_bare(bare) ;
    return genalloc_catb(char const *, v, bare, n) ;
  }
  for (char **e = environ ; *e ; e++) if (!is_of_it(*e) && !add_variable(v, *e)) return 0 ;
  return 1 ;
}

/* A null pointer without memory. */
static char const *const *environment (char const *name)
{
  static char buffers[3][SLOT_NAME_MAX + 20] ;
  static genalloc v = GENALLOC_ZERO ;   /* char const * */
  char const *at = strchr(name, '@') ;
  char const *const values[] = { name, name, at && at[1] ? at + 1 : 0 } ;
  genalloc_setlen(char const *, &v, 0) ;
  if (!add_all(&v)) return 0 ;
  for (size_t k = 0 ; k < 3 && values[k] ; k++)
  {
    strcpy(buffers[k], names_of_it[k]) ;
    if (!add_variable(&v, strcat(buffers[k], values[k]))) return 0 ;
  }
  return add_variable(&v, 0) ? genalloc_s(char const *, &v) : 0 ;
}

/* A program of our own binary, unless that was built without the tools. */
static char const *execlineb (void)
{
  static char const *self = "/proc/self/exe" ;
  if (!exec_knows || !(*exec_knows)("execlineb")) return "execlineb" ;
  return access(self, X_OK) == 0 ? self : ledger->self ;
}

static int run (uint32_t i, char const *file, int32_t *pidword, int32_t *errword, enum pid_role role)
{
  char const *const argv[] = { "execlineb", "-P", "--", file, 0 } ;
  struct spawn p ;
  pid_t pid ;
  memset(&p, 0, sizeof p) ;
  p.dir = "/" ;
  p.file = execlineb() ;
  p.argv = argv ;
  p.envp = environment(slot_at(i)->name) ;
  if (!p.envp) return (errno = ENOMEM, -1) ;
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

void oneshot_drop (uint32_t i)
{
  commit(i, ONESHOT_DOWN, 0, 0) ;
}

void oneshot_signal (uint32_t i, int sig)
{
  struct slot *s = slot_at(i) ;
  signal_group(s->run_pid, sig) ;
  signal_group(s->finish_pid, sig) ;
}

/* A `down` that fails leaves the oneshot down all the same: nothing else can be done. */
static enum oneshot_state state_after (int was_up, int32_t wstat, int cut_short)
{
  if (!was_up) return ONESHOT_DOWN ;
  return !exitcode_of(wstat) ? ONESHOT_UP : cut_short ? ONESHOT_DOWN : ONESHOT_FAILED ;
}

int oneshot_ended (uint32_t i, pid_t pid, int32_t wstat, int cut_short)
{
  struct slot *s = slot_at(i) ;
  int was_up = pid == s->run_pid ;
  if (slot_now(s)->seq != inbox_seq()) commit(i, state_after(was_up, wstat, cut_short), wstat, inbox_seq()) ;
  pids_remove(pid) ;
  if (was_up) s->run_pid = 0 ;
  else s->finish_pid = 0 ;
  return was_up ;
}

char const *oneshot_end (uint32_t i)
{
  static char text[400] ;
  struct slot const *s = slot_at(i) ;
  int err = slot_now(s)->state == ONESHOT_FAILED ? s->run_errno : s->finish_errno ;
  if (err) return exec_explain(AT_FDCWD, execlineb(), err, text, sizeof text) ;
  return wstat_text(text, slot_now(s)->wstat) ;
}

int64_t oneshot_took (uint32_t i)
{
  return mono_now() - slot_now(slot_at(i))->started ;
}

void oneshot_resume (uint32_t i)
{
  struct slot *s = slot_at(i) ;
  if (service_room(0) < 0) return ;
  if (s->run_pid > 0) pids_add(s->run_pid, i, ROLE_RUN) ;
  if (s->finish_pid > 0) pids_add(s->finish_pid, i, ROLE_FINISH) ;
}
