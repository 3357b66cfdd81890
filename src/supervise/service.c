/* ISC license. */

/*
   Effects of the state machine, and the way of an event: take the slot's draft, step the
   machine, commit state and owed effects in one store, carry the effects out in order, each
   struck off after it is done; publication is put off (late.h). service_resume() carries out what
   a crash left owing.
*/

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <skalibs/env.h>
#include <skalibs/posixplz.h>
#include <skalibs/tai.h>
#include <skalibs/types.h>

#include "late.h"
#include "supervise.h"

#define FAULTS_TWICE 2

struct service_host service_host = { .changed = 0, .gone = 0, .child = 0, .oneshot = 0 } ;

/* Services whose stop script runs. */
static int holding = 0 ;

/* ---- the environment of run, finish and stop */

static struct
{
  char const **v ;      /* v[0], v[1]: SERVICE_NAME and SERVICE_INSTANCE, filled in each time */
  char name[SLOT_NAME_MAX + 16] ;
  char instance[SLOT_NAME_MAX + 20] ;
}
service_env ;

static int is_service_variable (char const *s)
{
  return !strncmp(s, "SERVICE_NAME=", 13) || !strncmp(s, "SERVICE_INSTANCE=", 17) ;
}

int service_env_init (void)
{
  size_t n = 0, max = env_len((char const *const *)environ) ;
  service_env.v = malloc((max + 3) * sizeof *service_env.v) ;
  if (!service_env.v) return -1 ;
  for (size_t i = 0 ; i < max ; i++)
    if (ledger->keep_env ? !is_service_variable(environ[i])
      : !strncmp(environ[i], "PATH=", 5) || !strncmp(environ[i], "S6_RUNDIR=", 10))
      service_env.v[2 + n++] = environ[i] ;
  service_env.v[2 + n] = 0 ;
  return 0 ;
}

/* NAME@ARG is an instance of the template NAME@. */
static char const *const *env_of (struct slot const *s)
{
  char const *at = strchr(s->name, '@') ;
  strcpy(service_env.name, "SERVICE_NAME=") ;
  strcat(service_env.name, s->name) ;
  service_env.v[1] = service_env.name ;
  if (!at || !at[1]) return service_env.v + 1 ;
  strcpy(service_env.instance, "SERVICE_INSTANCE=") ;
  strcat(service_env.instance, at + 1) ;
  service_env.v[0] = service_env.instance ;
  return service_env.v ;
}

/* ---- words */

char const *wstat_text (char *buffer, int32_t wstat)
{
  if (WIFSIGNALED(wstat))
  {
    strcpy(buffer, "killed by ") ;
    strcat(buffer, SIGNAME(WTERMSIG(wstat))) ;
  }
  else
  {
    strcpy(buffer, "exited ") ;
    strcat(buffer, NUM(WEXITSTATUS(wstat))) ;
  }
  return buffer ;
}

static void close_word (int32_t *word)
{
  int fd = *word ;
  *word = -1 ;  /* first: a crash in between leaks it, and the sweep finds it; never twice */
  if (fd >= 0) close(fd) ;
}

/* ---- effects; 0, or the event that says it could not be done */

typedef int effect (uint32_t, struct slot *) ;

static void forget (int32_t *pidword)
{
  if (*pidword > 0) pids_remove(*pidword) ;
  *pidword = 0 ;
}

static int do_clear_run (uint32_t i, struct slot *s)
{
  (void)i ;
  forget(&s->run_pid) ;
  return 0 ;
}

static int do_clear_finish (uint32_t i, struct slot *s)
{
  (void)i ;
  forget(&s->finish_pid) ;
  return 0 ;
}

static int do_clear_stop (uint32_t i, struct slot *s)
{
  (void)i ;
  forget(&s->stop_pid) ;
  return 0 ;
}

static int do_close_notify (uint32_t i, struct slot *s)
{
  (void)i ;
  if (s->notify[0] >= 0) loop_unwatch(s->notify[0]) ;
  close_word(&s->notify[0]) ;
  close_word(&s->notify[1]) ;
  return 0 ;
}

static int do_down_file (uint32_t i, struct slot *s)
{
  char path[SLOT_NAME_MAX + 8] ;
  int fd ;
  (void)i ;
  strcpy(path, slot_dir(s)) ;
  strcat(path, "/down") ;
  if (slot_now(s)->flags & WANT_UP)
  {
    if (unlink(path) < 0 && errno != ENOENT) say_sys(SAY_WARNING, errno, "unable to remove ", path) ;
    return 0 ;
  }
  fd = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0666 & ~ledger->inheritance.umask) ;
  if (fd >= 0) close(fd) ;
  else say_sys(SAY_WARNING, errno, "unable to create ", path) ;
  return 0 ;
}

/* A pid word is 0 while there is no process: then there is nobody to signal, and 0 or -1 must
   never reach kill(). */
static void signal_to (int32_t pid, int group, int sig)
{
  if (group) signal_group(pid, sig) ;
  else if (pid > 1) kill(pid, sig) ;
}

static int do_signal (uint32_t i, struct slot *s)
{
  struct slot_state const *c = slot_now(s) ;
  (void)i ;
  signal_to(s->run_pid, c->settings.flags & KILL_GROUP && c->sig == SIGKILL, c->sig) ;
  return 0 ;
}

static int do_signal_group (uint32_t i, struct slot *s)
{
  (void)i ;
  signal_to(s->run_pid, 1, slot_now(s)->sig) ;
  return 0 ;
}

static int do_kill_finish (uint32_t i, struct slot *s)
{
  (void)i ;
  signal_to(s->finish_pid, 0, SIGCONT) ;
  signal_to(s->finish_pid, 0, SIGKILL) ;
  return 0 ;
}

static int do_kill_stop (uint32_t i, struct slot *s)
{
  (void)i ;
  signal_to(s->stop_pid, 1, SIGKILL) ;
  return 0 ;
}

/* What run, finish and stop have in common: session, directory, environment, the log pipe. */
static void prepare (struct spawn *p, struct slot const *s, char const *file, char const *const *argv)
{
  memset(p, 0, sizeof *p) ;
  p->dir = slot_dir(s) ;
  p->file = file ;
  p->argv = argv ;
  p->envp = env_of(s) ;
  p->flags = SPAWN_SESSION ;
  p->out = s->logger != NO_SLOT ? slot_at(s->logger)->pipe[1] : -1 ;
  p->err = -1 ;
  if (ledger->catchall != NO_SLOT && s == slot_at(ledger->catchall))
  {
    p->out = ledger->outer[0] ;  /* what it has to say itself must not come back to it */
    p->err = ledger->outer[1] ;
  }
  p->in = s->pipe[0] ;
  p->extra_from = p->extra_to = p->lock_from = p->lock_to = -1 ;
}

static int spawned (pid_t pid, uint32_t i, enum pid_role role)
{
  struct slot *s = slot_at(i) ;
  static int told = 0 ;
  if (pid > 0)
  {
    pids_add(pid, i, role) ;
    told = 0 ;
    return 0 ;
  }
  if (!told++) say_sys(SAY_WARNING, errno, "unable to make a process for service ", s->name, ", trying again with growing pauses") ;
  return -1 ;
}

/* Finds what a crash between clone and here has left: the kernel stored the pid. */
static int was_spawned (int32_t pid, uint32_t i, enum pid_role role)
{
  if (pid <= 0) return 0 ;
  pids_add(pid, i, role) ;
  return 1 ;
}

static int make_notify (uint32_t i, struct slot *s, struct spawn *p)
{
  int to = slot_now(s)->settings.notification_fd ;
  do_close_notify(i, s) ;
  if (to < 0) return 0 ;
  if (pipe2(s->notify, 0) < 0) return -1 ;
  fcntl(s->notify[0], F_SETFL, O_NONBLOCK) ;
  p->extra_from = s->notify[1] ;
  p->extra_to = to ;
  return loop_watch(s->notify[0], LOOP_NOTIFY, i) ;
}

static void make_lock (struct slot *s, struct spawn *p)
{
  int dirfd ;
  p->lock_to = slot_now(s)->settings.lock_fd ;
  if (p->lock_to < 0) return ;
  dirfd = dir_open(s, DIR_SUPERVISE) ;
  if (dirfd >= 0) p->lock_from = openat(dirfd, "service-lock", O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644) ;
  if (p->lock_from >= 0) return ;
  say_sys(SAY_WARNING, errno, "unable to open ", s->name, "/supervise/service-lock, starting without lock-fd") ;
  p->lock_to = -1 ;
}

static int do_spawn_run (uint32_t i, struct slot *s)
{
  char const *const argv[] = { "./run", s->name, 0 } ;
  struct spawn p ;
  pid_t pid = -1 ;
  if (was_spawned(s->run_pid, i, ROLE_RUN))
  {
    close_word(&s->notify[1]) ;
    return 0 ;
  }
  prepare(&p, s, "./run", argv) ;
  if (slot_now(s)->settings.flags & NEW_PIDNS) p.flags |= SPAWN_NEWPIDNS ;
  if (make_notify(i, s, &p) == 0)
  {
    make_lock(s, &p) ;
    pid = spawn(&p, &s->run_pid, &s->run_errno) ;
    if (p.lock_from >= 0) close(p.lock_from) ;
  }
  close_word(&s->notify[1]) ;
  return spawned(pid, i, ROLE_RUN) < 0 ? EV_NO_RUN : 0 ;
}

static int do_spawn_finish (uint32_t i, struct slot *s)
{
  struct slot_state const *c = slot_now(s) ;
  char status[16], sig[16], pgid[16] ;
  char const *const argv[] = { "./finish", status, sig, s->name, pgid, 0 } ;
  struct spawn p ;
  int killed = WIFSIGNALED(c->wstat) ;
  if (was_spawned(s->finish_pid, i, ROLE_FINISH)) return 0 ;
  number_text(status, killed ? 256 : WEXITSTATUS(c->wstat)) ;
  number_text(sig, killed ? WTERMSIG(c->wstat) : 0) ;
  number_text(pgid, c->finish_pgid) ;
  prepare(&p, s, "./finish", argv) ;
  return spawned(spawn(&p, &s->finish_pid, &s->finish_errno), i, ROLE_FINISH) < 0 ? EV_NO_FINISH : 0 ;
}

static int do_spawn_stop (uint32_t i, struct slot *s)
{
  char pid[16] ;
  char const *const argv[] = { "./stop", pid, 0 } ;
  struct spawn p ;
  if (was_spawned(s->stop_pid, i, ROLE_STOP)) return 0 ;
  number_text(pid, s->run_pid) ;
  prepare(&p, s, "./stop", argv) ;
  p.in = -1 ;
  return spawned(spawn(&p, &s->stop_pid, &s->stop_errno), i, ROLE_STOP) < 0 ? EV_NO_STOP : 0 ;
}

static int do_end (uint32_t i, struct slot *s)
{
  if (service_host.gone) (*service_host.gone)(i) ;
  timer_set(TIMER_OF(i), NEVER) ;
  do_close_notify(i, s) ;
  if (s->pipe[1] >= 0) close_word(&s->pipe[1]) ;
  close_word(&s->pipe[0]) ;
  dir_release(s) ;
  s->used = 0 ;
  ledger->unused++ ;
  return 0 ;
}

/* In the order of enum effects; what is put off has its own way, see late.h. */
static effect *const effects[] =
{
  &do_clear_run, &do_clear_finish, &do_clear_stop, &do_close_notify, &do_down_file, 0,
  &do_signal, &do_signal_group, 0, &do_kill_finish, &do_kill_stop,
  &do_spawn_stop, &do_spawn_run, &do_spawn_finish, 0, 0, &do_end
} ;

/* Carries out what the committed state owes. Returns 0, or the event to apply next. */
static int perform (uint32_t i)
{
  struct slot *s = slot_at(i) ;
  for (uint32_t bit = 0 ; bit < sizeof effects / sizeof effects[0] ; bit++)
  {
    int failed ;
    if (!effects[bit] || !(slot_owed(s) >> bit & 1)) continue ;
    failed = (*effects[bit])(i, s) ;
    if (failed) return failed ;
    slot_paid(s, 1u << bit) ;
    if (!s->used) return 0 ;
  }
  return 0 ;
}

static int perform_now (uint32_t i)
{
  uint32_t owed = slot_owed(slot_at(i)) ;
  if (owed & OWE_END) late_pay(i, PUBLICATION) ;
  /* a finish script may count the deaths (s6-permafailon): this one is among them */
  else if (owed & OWE_SPAWN_FINISH) late_pay(i, OWE_TALLY) ;
  late_put(i) ;
  return perform(i) ;
}

/* ---- what people are told of a change */

static void explain_exec (struct slot const *s, char const *file, int err)
{
  char path[SLOT_NAME_MAX + 16], why[400] ;
  strcpy(path, slot_dir(s)) ;
  strcat(path, "/") ;
  strcat(path, file) ;
  say(SAY_ERROR, "service ", s->name, ": unable to execute ", path, ": ", exec_explain(AT_FDCWD, path, err, why, sizeof why)) ;
}

static void tell_change (struct slot *s, enum service_state from, enum service_event e)
{
  struct slot_state const *c = slot_now(s) ;
  if (e == EV_DIED && s->run_errno && c->quick <= 1) explain_exec(s, "run", s->run_errno) ;
  if (e == EV_FINISHED && s->finish_errno && c->quick <= 1) explain_exec(s, "finish", s->finish_errno) ;
  if (e == EV_DIED && slot_oom(s))
    say(SAY_WARNING, "service ", s->name, " was taken by the kernel's OOM killer after ", DURATION(mono_now() - c->started), ": the container has too little memory for it") ;
  else if (e == EV_DIED) say(SAY_DETAIL, "service ", s->name, " ", WSTAT(c->wstat), " after ", DURATION(mono_now() - c->started)) ;
  if (c->state == FATAL && from != FATAL)
    say(SAY_ERROR, "service ", s->name, " is given up: ", why_text((enum why)c->cause), "; last it ", WSTAT(c->wstat), "; svctl start ", s->name, " tries again") ;
  else if (c->state == UP && from != UP && from != STOPPING)
    say(SAY_DETAIL, "service ", s->name, " started, pid ", NUM(s->run_pid)) ;
}

/* ---- the way of an event */

static void facts_now (struct facts *f, int32_t code)
{
  f->now = mono_now() ;
  tain_wallclock_read(&f->wall) ;
  f->wstat = code ;
  f->settings = 0 ;
}

/* Settings are read where the state machine may need them: before a start, a stop, a death. */
static int needs_settings (enum service_event e)
{
  return e == EV_BEGIN || e == EV_GO || e == EV_DIED || e == EV_TIMEOUT || e == EV_HALT || e == EV_DRAIN
    || e == EV_d || e == EV_D || e == EV_u || e == EV_U || e == EV_o || e == EV_r || e == EV_l ;
}

static void facts_settings (struct facts *f, struct slot const *s, enum service_event e, struct settings *settings)
{
  /* a directory of ours may bear its stamp before it has been read once */
  if (!needs_settings(e) || (e != EV_BEGIN && settings_hold(s))) return ;
  if (settings_read(slot_dir(s), s->name, settings) == 0) f->settings = settings ;
}

/* A slot whose checksum does not hold: what its words say is all we know. */
static void rebuild (struct slot *s)
{
  struct slot_state *d = slot_draft(s) ;
  memset(d, 0, sizeof *d) ;
  machine_init(d) ;
  d->state = s->run_pid > 0 ? UP : s->finish_pid > 0 ? FINISH : DOWN ;
  slot_commit(s, 0) ;
  say(SAY_ERROR, "service ", s->name, ": its entry in the ledger is damaged: it is given up, what runs of it is stopped") ;
}

/* SEQ: the number of the consumed event that this is, 0 when it is none. */
static void step (uint32_t i, enum service_event e, int32_t code, uint32_t seq)
{
  struct slot *s = slot_at(i) ;
  struct settings settings ;
  struct facts f ;
  struct slot_state *d = slot_draft(s) ;
  enum service_state from = (enum service_state)d->state ;
  int oom = e == EV_DIED && oom_took(s, code) ;
  struct slot_state before ;
  uint32_t owed ;
  /* one death at a time is written down; and nothing overtakes a CONT but the end */
  if (e == EV_DIED && slot_owed(s) & OWE_TALLY) late_pay(i, PUBLICATION) ;
  if (e != EV_DIED) late_pay(i, OWE_CONT) ;
  before = *d ;
  facts_now(&f, code) ;
  /* read a moment ago, when its stop was sent */
  if (e != EV_DIED || !(d->flags & FOR_GOOD)) facts_settings(&f, s, e, &settings) ;
  if (e == EV_DIED) d->finish_pgid = s->run_pid ;
  owed = machine_step(d, e, &f) ;
  if (e == EV_DIED) d->died = f.wall ;
  holding += (d->state == STOPPING) - (from == STOPPING) ;
  if (seq) d->seq = seq ;
  slot_commit(s, owed | late_join(s, d, &before, owed)) ;
  if (e == EV_DIED) oom_settle(s, oom) ;
  if (d->state != from) ring_add(i, from, d->state, oom ? WHY_OOM : d->cause, d->wstat) ;
  else if (e == EV_NOTIFIED && owed) ring_add(i, from, from, WHY_READY, 0) ;
}

/* After the step: effects, timer, messages, the host; then what follows at once. */
static int follow (uint32_t i, enum service_state from, enum service_event e)
{
  struct slot *s = slot_at(i) ;
  struct slot_state const *c ;
  int next = perform_now(i) ;
  dir_done() ;
  if (!s->used) return 0 ;
  c = slot_now(s) ;
  timer_set(TIMER_OF(i), c->deadline) ;
  if (next) return next ;
  tell_change(s, from, e) ;
  if (service_host.changed) (*service_host.changed)(i, from, (enum service_state)c->state) ;
  return s->used && slot_now(s)->state == BACKOFF && slot_now(s)->deadline <= mono_now() ? EV_TIMEOUT : 0 ;
}

static void apply (uint32_t i, enum service_event e, int32_t code, uint32_t seq)
{
  struct slot *s = slot_at(i) ;
  int next = (int)e ;
  if (!s->used) return ;
  work_on(i, e) ;
  if (!slot_sound(s))
  {
    rebuild(s) ;
    apply(i, EV_CONDEMN, 0, 0) ;
  }
  do
  {
    enum service_state from = (enum service_state)slot_now(s)->state ;
    enum service_event now = (enum service_event)next ;
    step(i, now, code, seq) ;
    next = follow(i, from, now) ;
  }
  while (next && s->used) ;
  /* this ground holds: what faulted here once was something else */
  if (s->faults && s->fault_event == e) s->faults = 0 ;
  work_on(NO_SLOT, 0) ;
}

void service_event (uint32_t i, enum service_event e, int32_t code)
{
  apply(i, e, code, 0) ;
}

/* An event that the inbox holds: applied once, however often a resume comes by. */
static void consume (uint32_t i, enum service_event e, int32_t code)
{
  struct slot const *s = slot_at(i) ;
  if (s->used && slot_now(s)->seq != inbox_seq()) apply(i, e, code, inbox_seq()) ;
}

/* ---- slots */

/* The scan directory's entry may be a link, and may go while the service still runs: what it
   leads to is noted. A target too long for that is used by way of the link. */
static void find_dir (struct slot *s, char const *fresh)
{
  char entry[SLOT_NAME_MAX], target[SLOT_DIR_MAX] ;
  size_t n = strcspn(s->name, "/"), rest = strlen(s->name + n) ;
  ssize_t len ;
  if (fresh && strlen(fresh) < sizeof s->dir)
  {
    strcpy(s->dir, fresh) ;
    return ;
  }
  memcpy(entry, s->name, n) ;
  entry[n] = 0 ;
  len = readlink(entry, target, sizeof target) ;
  if (len <= 0 || (size_t)len + rest >= sizeof s->dir)
  {
    s->dir[0] = 0 ;
    return ;
  }
  memcpy(s->dir, target, (size_t)len) ;
  strcpy(s->dir + len, s->name + n) ;
}

int service_room (uint32_t n)
{
  if (slot_room(n) < 0 || timer_room(TIMERS) < 0 || pids_room(ledger->room) < 0 || late_room(ledger->room) < 0) return -1 ;
  fd_room(n) ;
  return 0 ;
}

uint32_t service_add (char const *name, char const *fresh)
{
  struct slot *s ;
  struct slot_state *d ;
  uint32_t i ;
  if (strlen(name) >= SLOT_NAME_MAX) return say(SAY_ERROR, "service name ", name, " is too long: it is left out"), NO_SLOT ;
  i = slot_new() ;
  if (i == NO_SLOT || service_room(0) < 0)
    return say_sys(SAY_ERROR, errno, "no room for service ", name), NO_SLOT ;
  s = slot_at(i) ;
  strcpy(s->name, name) ;
  find_dir(s, fresh) ;
  d = slot_draft(s) ;
  machine_init(d) ;
  slot_commit(s, 0) ;
  if (dir_prepare(i, !!fresh) < 0)
  {
    ledger->unused++ ;
    return NO_SLOT ;
  }
  if (loop_watch(s->control_fd, LOOP_CONTROL, i) < 0)
  {
    int e = errno ;
    say_sys(SAY_ERROR, e, "unable to watch the control fifo of ", name) ;
    dir_release(s) ;
    ledger->unused++ ;
    errno = e ;
    return NO_SLOT ;
  }
  s->used = 1 ;
  return i ;
}

/* ---- events from descriptors and children */

static void apply_letter (uint32_t i, char c)
{
  int e = machine_letter(c) ;
  if (e < 0)
  {
    char text[2] = { c, 0 } ;
    say(SAY_TRACE, "service ", slot_at(i)->name, ": unknown control letter ", text, " is ignored") ;
  }
  else consume(i, (enum service_event)e, 0) ;
}

static void apply_letters (struct inbox *in)
{
  for (; (int64_t)in->pos < inbox_len(in) ; in->pos++) apply_letter(in->slot, in->buffer[in->pos]) ;
  inbox_done() ;
}

void service_control (uint32_t i)
{
  struct inbox *in ;
  if (!slot_at(i)->used) return ;
  in = inbox_take(INBOX_CONTROL, i) ;
  inbox_read(in, slot_at(i)->control_fd, INBOX_BYTES) ;
  apply_letters(in) ;
}

/* A newline is readiness; end of file before it means that it will never come. */
static void apply_notification (struct inbox *in)
{
  struct slot *s = slot_at(in->slot) ;
  if (inbox_len(in) > 0 && memchr(in->buffer, '\n', (size_t)in->len)) consume(in->slot, EV_NOTIFIED, 0) ;
  else if (!in->len) do_close_notify(in->slot, s) ;
  inbox_done() ;
}

void service_notified (uint32_t i)
{
  struct inbox *in ;
  if (!slot_at(i)->used || slot_at(i)->notify[0] < 0) return ;
  in = inbox_take(INBOX_NOTIFY, i) ;
  inbox_read(in, slot_at(i)->notify[0], INBOX_BYTES) ;
  apply_notification(in) ;
}

void service_resume_inbox (void)
{
  struct inbox *in = &ledger->inbox ;
  if (in->kind == INBOX_CONTROL) apply_letters(in) ;
  else if (in->kind == INBOX_NOTIFY) apply_notification(in) ;
}

/* A service may write its newline and end before we have looked: it was ready. The death is in the
   inbox, and its buffer is free to keep what is read until that death is committed. */
static void last_words (uint32_t i)
{
  struct inbox *in = &ledger->inbox ;
  int fd = slot_at(i)->notify[0] ;
  if (slot_now(slot_at(i))->seq == inbox_seq()) return ;
  if (fd >= 0 && !memchr(in->buffer, '\n', sizeof in->buffer)) inbox_read(in, fd, INBOX_BYTES) ;
  if (memchr(in->buffer, '\n', sizeof in->buffer)) service_event(i, EV_NOTIFIED, 0) ;
}

int service_reaped (pid_t pid, int32_t wstat)
{
  static enum service_event const ended[ROLES] = { EV_DIED, EV_FINISHED, EV_STOPPED } ;
  enum pid_role role ;
  uint32_t i ;
  if (!pids_find(pid, &i, &role)) return 0 ;
  if (slot_at(i)->kind == SLOT_ONESHOT)
  {
    if (service_host.oneshot) (*service_host.oneshot)(i, pid, wstat) ;
    return 1 ;
  }
  if (role == ROLE_RUN) last_words(i) ;
  consume(i, ended[role], wstat) ;
  return 1 ;
}

int service_holds (pid_t pid)
{
  enum pid_role role ;
  uint32_t i ;
  return pids_find(pid, &i, &role) && role == ROLE_RUN && slot_now(slot_at(i))->state == STOPPING ;
}

int service_holding (void)
{
  return holding > 0 ;
}

/* ---- after an exec */

static void find_again (uint32_t i, int32_t pid, enum pid_role role)
{
  if (pid > 0) pids_add(pid, i, role) ;
}

void service_blame (void)
{
  uint32_t event = ledger->work_event ;
  struct slot *s ;
  if (ledger->fault_told != ledger->faults && !ledger->fault_sent && ledger->work_slot < ledger->slots)
  {
    s = slot_at(ledger->work_slot) ;
    if (s->faults && s->fault_event != event) s->faults = 0 ;
    s->fault_event = event ;
    s->faults++ ;
  }
  work_on(NO_SLOT, 0) ;
}

/* What a crash left owing. The event under work stays the one that faulted, so that a second
   fault on the same ground is recognised as such. */
static void pay_off (uint32_t i)
{
  struct slot *s = slot_at(i) ;
  int next ;
  if (!slot_owed(s)) return ;
  work_on(i, s->faults ? s->fault_event : SERVICE_EVENTS) ;
  next = perform_now(i) ;
  if (next) service_event(i, (enum service_event)next, 0) ;
  work_on(NO_SLOT, 0) ;
}

/* What was owed when it faulted is not tried again: a process that was to be made will not be, and
   one that has been reaped must not be signalled. */
static void write_off (uint32_t i)
{
  struct slot *s = slot_at(i) ;
  struct slot_state *d = slot_draft(s) ;
  int finishes = d->state == FINISH || d->state == LAST_FINISH ;
  if (slot_owed(s) & OWE_CLEAR_RUN) do_clear_run(i, s) ;
  if (slot_owed(s) & OWE_CLEAR_FINISH) do_clear_finish(i, s) ;
  if (slot_owed(s) & OWE_CLEAR_STOP) do_clear_stop(i, s) ;
  if (state_is_live((enum service_state)d->state) && (finishes ? s->finish_pid : s->run_pid) <= 0) d->flags |= UNSPAWNED ;
  slot_commit(s, 0) ;
}

/* Twice at fault on one event. A third time it was giving up that faulted: then nothing more is
   done for it but to reap it. */
static void condemn (uint32_t i)
{
  struct slot *s = slot_at(i) ;
  if (s->faults == FAULTS_TWICE)
  {
    s->faults++ ;
    write_off(i) ;
    service_event(i, EV_CONDEMN, 0) ;
    return ;
  }
  slot_draft(s)->state = FATAL ;
  slot_commit(s, 0) ;
  timer_set(TIMER_OF(i), NEVER) ;
}

void service_resume (uint32_t i)
{
  struct slot *s = slot_at(i) ;
  if (!s->used || s->kind != SLOT_LONGRUN) return ;
  if (service_room(0) < 0) return ;
  find_again(i, s->run_pid, ROLE_RUN) ;
  find_again(i, s->finish_pid, ROLE_FINISH) ;
  find_again(i, s->stop_pid, ROLE_STOP) ;
  if (s->control_fd >= 0) loop_watch(s->control_fd, LOOP_CONTROL, i) ;
  if (s->notify[0] >= 0) loop_watch(s->notify[0], LOOP_NOTIFY, i) ;
  if (!slot_sound(s))
  {
    service_event(i, EV_CONDEMN, 0) ;
    return ;
  }
  holding += slot_now(s)->state == STOPPING ;
  timer_set(TIMER_OF(i), slot_now(s)->deadline) ;
  if (s->faults >= FAULTS_TWICE)
  {
    condemn(i) ;
    return ;
  }
  pay_off(i) ;
}
