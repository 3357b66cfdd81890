/* ISC license. */

/*
   svctl start, stop, restart, reload, kill: an order to each service, then, unless -n, its
   result in one line. We listen before we look at the state and give the order, so nothing
   that it causes is missed. A service that says when it is ready has started when it is; of one
   that does not, all that can be known is that it lived for a while: SETTLE ms, -s.
*/

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <unistd.h>

#include <skalibs/strerr.h>
#include <skalibs/tai.h>

#include "control.h"
#include "listen.h"
#include "svscan.h"
#include "svctl.h"
#include "tools.h"

struct act
{
  struct call *call ;
  struct job *jobs ;
  unsigned int n ;
  unsigned int open ;
  unsigned int failed ;
  unsigned int late ;
  int64_t deadline ;
} ;

/* ---- what is said of it */

static void tell_up (stralloc *sa, struct job const *j)
{
  struct item const *it = j->item ;
  if (item_is_oneshot(it))
  {
    text_s(sa, j->idle ? "already done" : "done") ;
    return ;
  }
  if (!item_is_up(it))
  {
    text_s(sa, "went down by its own wish, which counts as up") ;
    return ;
  }
  text_s(sa, j->idle ? "already up" : j->goal == GOAL_AGAIN ? "restarted" : "up") ;
  if (it->pid)
  {
    text_s(sa, ", pid ") ;
    text_n(sa, it->pid) ;
  }
  if (!j->idle && it->ready_after == UNKNOWN) return ;
  text_s(sa, j->idle ? ", for " : ", ready after ") ;
  text_age(sa, j->idle ? it->age : it->ready_after) ;
}

static void tell_down (stralloc *sa, struct job const *j)
{
  text_s(sa, j->idle ? "already down" : "stopped after ") ;
  if (!j->idle) text_age(sa, mono_now() - j->since) ;
  if (!j->item->died) return ;
  text_s(sa, " (") ;
  words_exit(sa, j->item) ;
  text_s(sa, ")") ;
}

static void tell_death (stralloc *sa, struct job const *j)
{
  words_exit(sa, j->item) ;
  text_s(sa, " after ") ;
  text_age(sa, mono_now() - j->since) ;
}

static void tell_done (stralloc *sa, struct job const *j)
{
  static void (*const tell[]) (stralloc *, struct job const *) =
    { [GOAL_UP] = &tell_up, [GOAL_DOWN] = &tell_down, [GOAL_AGAIN] = &tell_up, [GOAL_DEATH] = &tell_death } ;
  (*tell[j->goal])(sa, j) ;
  if (j->gone) text_s(sa, "; nobody supervises it any more") ;
}

static void explain_exec (stralloc *sa, struct view const *v, struct item const *it)
{
  stralloc path = STRALLOC_ZERO ;
  char why[400] ;
  tool_path(&path, v->dir, it->name) ;
  path.len-- ;
  text_s(&path, "/run") ;
  stralloc_0(&path) ;
  text_s(sa, "unable to execute ") ;
  text_shown(sa, path.s) ;
  text_s(sa, ": ") ;
  text_s(sa, exec_explain(AT_FDCWD, path.s, it->exec_errno, why, sizeof why)) ;
  stralloc_free(&path) ;
}

static void tell_failed (stralloc *sa, struct view const *v, struct job const *j)
{
  struct item const *it = j->item ;
  if (j->gone)
  {
    text_s(sa, "its supervision has ended") ;
    return ;
  }
  if (it->exec_errno && !item_is_oneshot(it)) explain_exec(sa, v, it) ;
  else if (it->died) words_exit(sa, it) ;
  else text_s(sa, "did not start") ;
  if (j->up_since && !it->exec_errno)
  {
    text_s(sa, " after ") ;
    text_age(sa, mono_now() - j->up_since) ;
  }
  if (it->state == FATAL || j->given_up)
  {
    text_s(sa, "; given up: ") ;
    text_s(sa, it->state == FATAL ? why_text((enum why)it->cause) : why_text(WHY_125)) ;
  }
  else text_s(sa, it->wanted ? "; it will be started again" : "; it stays down") ;
}

static void tell_late (stralloc *sa, struct call const *c, struct job const *j)
{
  static char const *const awaited[] =
    { [JOB_GOING_DOWN] = "not down", [JOB_COMING_UP] = "not up", [JOB_UP] = "not ready", [JOB_DYING] = "its finish is not over" } ;
  text_s(sa, awaited[j->phase]) ;
  text_s(sa, " after ") ;
  text_age(sa, MS(c->timeout)) ;
  text_s(sa, ": ") ;
  words_state(sa, j->item) ;
}

void job_tell (struct call const *c, struct job const *j)
{
  stralloc line = STRALLOC_ZERO ;
  text_shown(&line, j->item->name) ;
  text_s(&line, ": ") ;
  if (j->phase == JOB_DONE) tell_done(&line, j) ;
  else if (j->phase == JOB_FAILED) tell_failed(&line, &c->view, j) ;
  else tell_late(&line, c, j) ;
  text_s(&line, "\n") ;
  text_flush(&line) ;
  stralloc_free(&line) ;
}

static void report (struct act *a, struct job *j)
{
  item_read(&a->call->view, j->item) ;
  job_tell(a->call, j) ;
  a->failed += j->phase == JOB_FAILED ;
  a->late += job_is_open(j) ;
  a->open-- ;
}

/* ---- orders */

static char const *service_path (struct act const *a, struct item const *it)
{
  static stralloc sa = STRALLOC_ZERO ;
  return tool_path(&sa, a->call->view.dir, it->name) ;
}

/* 1, or 0 after saying why. */
static int send_letters (struct act *a, struct item const *it, char const *letters)
{
  stralloc sa = STRALLOC_ZERO ;
  int e ;
  if (control_write(service_path(a, it), SUPERVISE_SUB, letters, strlen(letters))) return 1 ;
  e = errno ;
  text_shown(&sa, it->name) ;
  text_s(&sa, e == ENXIO ? ": nobody supervises it" : ": unable to send it an order: ") ;
  if (e != ENXIO) text_s(&sa, strerror(e)) ;
  text_error(&sa) ;
  a->failed++ ;
  return 0 ;
}

/* For a service without a process, d changes nothing but its status file. */
static void watch_files (struct act *a, struct item const *it)
{
  stralloc sa = STRALLOC_ZERO ;
  listen_watch(tool_path(&sa, service_path(a, it), SUPERVISE_SUB), IN_MOVED_TO) ;
  stralloc_free(&sa) ;
}

void tell_asked (char const *name)
{
  stralloc line = STRALLOC_ZERO ;
  text_shown(&line, name) ;
  text_s(&line, ": asked\n") ;
  text_flush(&line) ;
  stralloc_free(&line) ;
}

static void order (struct act *a, struct job *j, job_plan *p)
{
  char const *letters = (*p)(j) ;
  j->since = mono_now() ;
  if (j->goal == GOAL_DOWN && !j->idle && !a->call->nowait) watch_files(a, j->item) ;
  if (letters[0] && !send_letters(a, j->item, letters))
  {
    j->phase = JOB_FAILED ;
    a->open-- ;
  }
  else if (!job_is_open(j)) report(a, j) ;
  else if (a->call->nowait) tell_asked(j->item->name) ;
}

/* ---- waiting */

/* It is down and shall come up: u once more, past the pause between starts and a restart file
   that says `never`. */
static void bring_up (struct act *a, struct job *j)
{
  if (!item_is_up(j->item)) control_write(service_path(a, j->item), SUPERVISE_SUB, "u", 1) ;
}

static void take_letters (struct act *a, struct job *j, char const *s, size_t len)
{
  for (; len && job_is_open(j) ; s++, len--)
  {
    job_letter(j, *s, mono_now()) ;
    item_read(&a->call->view, j->item) ;
    job_look(j) ;
    if (*s == 'D' && j->phase == JOB_COMING_UP) bring_up(a, j) ;
  }
  if (!job_is_open(j)) report(a, j) ;
}

/* Of what status files tell only rest is waited for. */
static void look_again (struct act *a)
{
  for (unsigned int i = 0 ; i < a->n ; i++)
  {
    struct job *j = a->jobs + i ;
    if (j->phase != JOB_GOING_DOWN || j->goal != GOAL_DOWN) continue ;
    item_read(&a->call->view, j->item) ;
    job_look(j) ;
    if (!job_is_open(j)) report(a, j) ;
  }
}

static int on_event (int i, char const *s, size_t len, void *data)
{
  struct act *a = data ;
  if (i == LISTEN_FILES) look_again(a) ;
  else if (i >= 0 && job_is_open(a->jobs + i)) take_letters(a, a->jobs + i, s, len) ;
  return 1 ;
}

static int64_t settled_at (struct act const *a, struct job const *j)
{
  return j->phase == JOB_UP && !j->item->notifies ? mono_after(j->up_since, MS(a->call->settle)) : NEVER ;
}

static int64_t next_deadline (struct act const *a)
{
  int64_t next = a->deadline ;
  for (unsigned int i = 0 ; i < a->n ; i++)
  {
    int64_t t = settled_at(a, a->jobs + i) ;
    if (t < next) next = t ;
  }
  return next ;
}

static void settle (struct act *a)
{
  int64_t now = mono_now() ;
  for (unsigned int i = 0 ; i < a->n ; i++)
    if (settled_at(a, a->jobs + i) <= now)
    {
      a->jobs[i].phase = JOB_DONE ;
      item_read(&a->call->view, a->jobs[i].item) ;
      job_look(a->jobs + i) ;
      if (!job_is_open(a->jobs + i)) report(a, a->jobs + i) ;
    }
}

static void give_up_waiting (struct act *a)
{
  for (unsigned int i = 0 ; i < a->n ; i++)
    if (job_is_open(a->jobs + i)) report(a, a->jobs + i) ;
}

static void wait_for_all (struct act *a)
{
  while (a->open)
  {
    tain deadline ;
    int64_t at = next_deadline(a) ;
    deadline_at(&deadline, at) ;
    if (listen_wait(&deadline, &on_event, a) == -1) listen_diefusys(EXIT_SYSTEM, "wait for events") ;
    settle(a) ;
    if (a->deadline <= mono_now())
    {
      give_up_waiting(a) ;
      return ;
    }
  }
}

/* ---- */

/* Two descriptors for each service that we listen to. */
static void raise_limit (unsigned int n)
{
  struct rlimit rl ;
  if (getrlimit(RLIMIT_NOFILE, &rl) == -1 || rl.rlim_cur >= 2 * (rlim_t)n + 32) return ;
  rl.rlim_cur = rl.rlim_max ;
  setrlimit(RLIMIT_NOFILE, &rl) ;
}

static void subscribe (struct act *a)
{
  raise_limit(a->n) ;
  if (!listen_start()) strerr_diefusys(EXIT_SYSTEM, "prepare for signals") ;
  for (unsigned int i = 0 ; i < a->n ; i++)
    if (listen_add(service_path(a, a->jobs[i].item), "event") == -1)
      listen_diefusys(EXIT_SYSTEM, "listen to the events of ", service_path(a, a->jobs[i].item)) ;
}

/* The states as they are when no letter is on its way any more; a service that changes without
   end is taken as it is. */
#define DRAINS 100

static void read_states (struct act *a)
{
  int more = 1 ;
  for (unsigned int n = 0 ; more && n < DRAINS ; n++)
  {
    for (unsigned int i = 0 ; i < a->n ; i++) item_read(&a->call->view, a->jobs[i].item) ;
    more = listen_drain() ;
    if (more == -1) listen_diefusys(EXIT_SYSTEM, "read events") ;
  }
}

void refuse_while_stopping (struct view const *v)
{
  struct global g ;
  if (!v->h) return ;
  view_global(v, &g) ;
  if (g.stop) listen_dief(EXIT_DOMAIN, "the container is stopping: nothing is started any more") ;
}

static void prepare (struct act *a, struct call *c, char const *const *names, unsigned int n)
{
  struct item **items ;
  memset(a, 0, sizeof *a) ;
  view_read(&c->view) ;
  items = view_select(&c->view, names, n) ;
  a->call = c ;
  for (; items[a->n] ; a->n++)
    if (item_is_oneshot(items[a->n]))
      strerr_dief(EXIT_DOMAIN, items[a->n]->name, " is a oneshot, not a process: svctl stop and svctl start run its down and its up") ;
    else if (items[a->n]->state == ITEM_UNSUPERVISED)
      strerr_dief(EXIT_UNSUPERVISED, "nobody supervises ", service_path(a, items[a->n]), ": svctl rescan takes it up") ;
  a->jobs = svctl_alloc(a->n * sizeof *a->jobs) ;
  for (unsigned int i = 0 ; i < a->n ; i++) a->jobs[i].item = items[i] ;
  a->open = a->n ;
  a->deadline = c->timeout ? mono_after(mono_now(), MS(c->timeout)) : NEVER ;
}

static int result (struct act const *a)
{
  return a->late ? EXIT_TIMEOUT : a->failed ? EXIT_DOMAIN : EXIT_OK ;
}

static int act (struct call *c, char const *const *names, unsigned int n, job_plan *p, int starts)
{
  struct act a ;
  prepare(&a, c, names, n) ;
  if (!c->nowait)
  {
    subscribe(&a) ;
    read_states(&a) ;
  }
  if (starts) refuse_while_stopping(&c->view) ;
  for (unsigned int i = 0 ; i < a.n ; i++) order(&a, a.jobs + i, p) ;
  if (!c->nowait) wait_for_all(&a) ;
  listen_end() ;
  return result(&a) ;
}

/* Services that depend on each other are PID 1's business: the others go by their own letters. */
static int change (struct call *c, int up)
{
  struct rc_names names ;
  int r = EXIT_OK ;
  view_read(&c->view) ;
  rc_split(c, &names) ;
  if (names.nodes_n) r = rc_change_all(c, &names, up) ;
  if (names.others_n)
  {
    int other = act(c, names.others, names.others_n, up ? &job_plan_start : &job_plan_stop, up) ;
    if (other > r) r = other ;
  }
  return r ;
}

int svctl_start (struct call *c) { return change(c, 1) ; }
int svctl_stop (struct call *c) { return change(c, 0) ; }
int svctl_restart (struct call *c) { return act(c, c->names, c->n, &job_plan_restart, 1) ; }

/* ---- signals */

static void tell_sent (struct item const *it, int sig)
{
  stralloc line = STRALLOC_ZERO ;
  text_shown(&line, it->name) ;
  text_s(&line, ": sent ") ;
  text_s(&line, SIGNAME(sig)) ;
  text_s(&line, " to pid ") ;
  text_n(&line, it->pid) ;
  text_s(&line, "\n") ;
  text_flush(&line) ;
  stralloc_free(&line) ;
}

static void tell_no_process (struct item const *it)
{
  stralloc line = STRALLOC_ZERO ;
  text_shown(&line, it->name) ;
  text_s(&line, ": it has no process to signal: ") ;
  words_state(&line, it) ;
  text_error(&line) ;
}

/* A signal that no letter stands for goes to the process itself. Its number is one of our PID
   namespace if the ledger could be read; else at least it must lead a session, as a run does. */
static int send_signal (struct act *a, struct item const *it, int sig)
{
  char letter[2] = { control_letter(sig), 0 } ;
  if (letter[0]) return send_letters(a, it, letter) ;
  if ((a->call->view.h || getsid(it->pid) == it->pid) && kill(it->pid, sig) == 0) return 1 ;
  strerr_warn(PROG, ": error: unable to send ", SIGNAME(sig), " to pid ", NUM(it->pid), ": ", strerror(errno)) ;
  a->failed++ ;
  return 0 ;
}

/* KILL has a result that is sure to come; other signals mean to a service what it likes. */
static void signal_one (struct act *a, struct job *j)
{
  j->goal = GOAL_DEATH ;
  j->since = mono_now() ;
  if (!item_is_up(j->item) || !j->item->pid)
  {
    tell_no_process(j->item) ;
    a->failed++ ;
  }
  else if (send_signal(a, j->item, a->call->sig))
  {
    if (a->call->sig == SIGKILL && !a->call->nowait) return ;
    tell_sent(j->item, a->call->sig) ;
  }
  j->phase = JOB_DONE ;
  a->open-- ;
}

int svctl_kill (struct call *c)
{
  struct act a ;
  prepare(&a, c, c->names, c->n) ;
  if (c->sig == SIGKILL && !c->nowait)
  {
    subscribe(&a) ;
    read_states(&a) ;
  }
  for (unsigned int i = 0 ; i < a.n ; i++) signal_one(&a, a.jobs + i) ;
  if (a.open) wait_for_all(&a) ;
  listen_end() ;
  return result(&a) ;
}

/* The letter l is one of ours; s6 of old has none, and HUP is what it means there. */
static void reload_one (struct act *a, struct item const *it)
{
  int sig = it->reload_signal ? it->reload_signal : SIGHUP ;
  if (!item_is_up(it) || !it->pid)
  {
    tell_no_process(it) ;
    a->failed++ ;
  }
  else if (send_letters(a, it, a->call->view.h ? "l" : "h")) tell_sent(it, sig) ;
}

int svctl_reload (struct call *c)
{
  struct act a ;
  prepare(&a, c, c->names, c->n) ;
  for (unsigned int i = 0 ; i < a.n ; i++) reload_one(&a, a.jobs[i].item) ;
  return result(&a) ;
}
