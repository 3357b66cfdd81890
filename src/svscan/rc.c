/* ISC license. */

/* How far everything is, and what may be done next: see rc.h and rc_internal.h. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/wait.h>

#include "rc.h"
#include "rc_internal.h"
#include "svscan.h"

#define RETRY MS(100)
#define DEFAULT_GRACETIME 3000

/* ---- levels: what a slot does, in the graph's words. They follow from what the slot is now and
   from the level that it had: a service that is down by its own wish, or by that of somebody who
   writes to supervise/control, counts as what it was until the graph itself stops it. */

static enum graph_level level_oneshot (struct slot const *s)
{
  static uint8_t const levels[] = { GRAPH_IS_DOWN, GRAPH_IS_STARTING, GRAPH_IS_READY, GRAPH_IS_STOPPING, GRAPH_IS_DOWN } ;
  uint8_t state = slot_now(s)->state ;
  if (state == ONESHOT_STARTING && s->graph_level == GRAPH_IS_STOPPING) return GRAPH_IS_STOPPING ;
  return state < sizeof levels ? (enum graph_level)levels[state] : GRAPH_IS_DOWN ;
}

/* A process, or a pause between two. One that will not be started again (`s6-svc -O .` at the
   beginning of its run) is reached when it says so or has ended, and not before. */
static enum graph_level level_alive (struct slot const *s)
{
  struct slot_state const *c = slot_now(s) ;
  if (s->graph_level == GRAPH_IS_DOWN && c->flags & FOR_GOOD) return GRAPH_IS_DOWN ;   /* its time is over */
  if (s->graph_level == GRAPH_IS_STOPPING && !(c->flags & WANT_UP)) return GRAPH_IS_STOPPING ;
  if (s->graph_level == GRAPH_IS_READY || (c->flags & REACHED && c->flags & WANT_UP)) return GRAPH_IS_READY ;
  return c->state == UP && c->flags & IS_READY ? GRAPH_IS_READY : GRAPH_IS_STARTED ;
}

static enum graph_level level_run (struct slot const *s)
{
  enum graph_level level = level_alive(s) ;
  return level == GRAPH_IS_STARTED && slot_now(s)->settings.notification_fd < 0 ? GRAPH_IS_READY : level ;
}

/* Reached, and then down: not by the graph, and not failed. */
static int is_content (struct slot const *s)
{
  struct slot_state const *c = slot_now(s) ;
  if (c->flags & FOR_GOOD || (s->graph_level != GRAPH_IS_READY && s->graph_level != GRAPH_IS_STARTED)) return 0 ;
  if (c->cause == WHY_POLICY) return !exitcode_of(c->wstat) ;
  return c->cause == WHY_COMMAND && (s->graph_level == GRAPH_IS_READY || c->flags & REACHED) ;
}

static enum graph_level level_longrun (struct slot const *s)
{
  switch ((enum service_state)slot_now(s)->state)
  {
    case UP : case STOPPING : case LAST_UP : return level_run(s) ;
    case BACKOFF : case FINISH : case LAST_FINISH : return level_alive(s) ;
    case DOWN : return is_content(s) ? GRAPH_IS_READY : GRAPH_IS_DOWN ;
    default : return GRAPH_IS_DOWN ;
  }
}

static enum graph_level level_of (uint32_t i)
{
  struct slot const *s = slot_at(i) ;
  return s->kind == SLOT_ONESHOT ? level_oneshot(s) : level_longrun(s) ;
}

static int is_live (uint32_t i)
{
  return i != NO_SLOT && slot_is_service(i) && state_is_live((enum service_state)slot_now(slot_at(i))->state) ;
}

/* ---- the graph's words, kept in the slot */

static void keep (uint32_t n)
{
  uint32_t i = rc.slot[n] ;
  if (i == NO_SLOT) return ;
  slot_at(i)->graph_level = GRAPH->level[n] ;
  slot_at(i)->graph_want = GRAPH->want[n] ;
}

void rc_set_level (uint32_t n, enum graph_level level)
{
  graph_set_level(GRAPH, n, level) ;
  keep(n) ;
}

void rc_want (uint32_t n, enum graph_want want)
{
  graph_set_want(GRAPH, n, want) ;
  keep(n) ;
}

static void take_builtin (char const *name, int is_done)
{
  uint32_t n = graph_find(GRAPH, name) ;
  if (n != GRAPH_NONE && is_done) graph_set_level(GRAPH, n, GRAPH_IS_READY) ;
}

void rc_take_states (void)
{
  enum step step = (enum step)global_now()->step ;
  take_builtin("s6rc-oneshot-runner", 1) ;
  take_builtin("s6rc-fdholder", 1) ;
  take_builtin("fix-attrs", step > STEP_FIX_ATTRS) ;
  take_builtin("legacy-cont-init", step > STEP_CONT_INIT) ;
  for (uint32_t n = 0 ; n < rc.n ; n++)
  {
    uint32_t i = rc.slot[n] ;
    if (i == NO_SLOT) continue ;
    graph_set_want(GRAPH, n, (enum graph_want)slot_at(i)->graph_want) ;
    graph_set_level(GRAPH, n, (enum graph_level)slot_at(i)->graph_level) ;
    timer_set(TIMER_CHANGE_OF(i), slot_at(i)->change_deadline) ;
  }
  if (step >= STEP_SERVICES && !global_now()->stop) graph_set_want(GRAPH, graph_find(GRAPH, "legacy-services"), GRAPH_WANT_UP) ;
}

/* ---- failure: named, and what cannot start because of it */

void rc_add_name (char *list, size_t size, char const *name)
{
  static char const more[] = ", …" ;
  size_t len = strlen(list) ;
  if (len + strlen(name) + sizeof more + 2 > size)
  {
    if (len < sizeof more || strcmp(list + len + 1 - sizeof more, more)) strcat(list, more) ;
    return ;
  }
  if (len) strcat(list, ", ") ;
  strcat(list, name) ;
}

/* What runs of a failed service is brought down. */
static void mark_failed (uint32_t n)
{
  uint32_t i = rc.slot[n] ;
  if (is_live(i))
  {
    graph_set_want(GRAPH, n, GRAPH_WANT_DOWN) ;
    graph_set_level(GRAPH, n, GRAPH_IS_STARTED) ;
  }
  keep(n) ;
  if (i != NO_SLOT) slot_at(i)->graph_failed = 1 ;
}

void rc_fail (uint32_t n, char const *why)
{
  uint32_t victims = graph_fail(GRAPH, n, rc.victims) ;
  char list[1024] = "" ;
  for (uint32_t k = 0 ; k < victims ; k++)
  {
    rc_add_name(list, sizeof list, graph_name(GRAPH, rc.victims[k])) ;
    keep(rc.victims[k]) ;
  }
  mark_failed(n) ;
  say(SAY_ERROR, graph_kind_of(GRAPH, n) == GRAPH_ONESHOT ? "oneshot " : "service ", graph_name(GRAPH, n), " failed: ", why,
    victims ? "; not started because of it: " : "", list) ;
}

void rc_judge (uint32_t n, char const *why)
{
  rc_fail(n, why) ;
  if (global_now()->stop || global_now()->step > STEP_WAIT || conf_uint("S6_BEHAVIOUR_IF_STAGE2_FAILS", 0, 2) != 2) return ;
  say(SAY_ERROR, "the container stops (S6_BEHAVIOUR_IF_STAGE2_FAILS=2)") ;
  stop_request(CAUSE_STAGE2, 1, rc.slot[n], 0) ;
}

/* ---- times of a change */

static void set_time (uint32_t i, int64_t deadline)
{
  slot_at(i)->change_deadline = deadline ;
  timer_set(TIMER_CHANGE_OF(i), deadline) ;
}

static void arm (uint32_t i, uint32_t ms)
{
  set_time(i, ms ? mono_after(mono_now(), MS(ms)) : NEVER) ;
}

static void disarm (uint32_t i)
{
  set_time(i, NEVER) ;
}

/* No process could be made: once more in a moment. */
static void try_again (uint32_t i, char const *what)
{
  static int told = 0 ;
  if (!told++) say_sys(SAY_WARNING, errno, "unable to make a process for ", what, " of oneshot ", slot_at(i)->name, ", trying again") ;
  set_time(i, mono_after(mono_now(), RETRY)) ;
}

/* ---- doing what the graph says: start. What is done to a slot comes before the level that follows
   from it: a fault between the two has it done again, and never forgotten. */

/* 1: nothing to run. A file that cannot be looked at is run, and the error is execlineb's. */
static int is_empty (uint32_t n, enum source_file file)
{
  int fd, r ;
  if (!source_has(rc.source, n, file)) return 1 ;
  fd = open(rc_file(n, file), O_RDONLY | O_NONBLOCK | O_CLOEXEC) ;
  if (fd < 0) return 0 ;
  r = source_oneshot_is_empty(fd) == 1 ;
  close(fd) ;
  return r ;
}

static void start_oneshot (uint32_t n, uint32_t i)
{
  if (oneshot_start(i, rc_file(n, SOURCE_UP), is_empty(n, SOURCE_UP)) < 0) try_again(i, "up") ;
  else if (oneshot_state(i) == ONESHOT_STARTING) arm(i, source_service(rc.source, n)->timeout_up) ;
  else say(SAY_DETAIL, "oneshot ", slot_at(i)->name, " done: there is nothing to run") ;
  rc_set_level(n, level_of(i)) ;
}

/* A `down` file in /etc/services.d counts as reached: it is as it should be. */
static int is_meant_down (uint32_t n, struct slot_state const *c)
{
  return c->state == DOWN && c->settings.flags & IS_DOWN && c->cause == WHY_BEGIN && !rc_is_s6rc(n) && !(c->flags & WANT_UP)
    && global_now()->step < STEP_RUNNING ;
}

static void start_longrun (uint32_t n, uint32_t i)
{
  struct slot_state const *c = slot_now(slot_at(i)) ;
  if (is_meant_down(n, c))
  {
    rc_set_level(n, GRAPH_IS_READY) ;
    return ;
  }
  arm(i, source_service(rc.source, n)->timeout_up) ;
  service_event(i, c->state == WAITING ? EV_GO : EV_u, 0) ;
}

/* The pipe between a producer and its consumer. 0, or -1: not yet. */
static int join (uint32_t producer)
{
  uint32_t i, l ;
  if (graph_broken(GRAPH, producer)) return 0 ;
  i = rc_slot_for(producer) ;
  l = rc_slot_for(source_service(rc.source, producer)->consumer) ;
  if (i == NO_SLOT || l == NO_SLOT || slot_at(i)->logger != NO_SLOT) return 0 ;
  return scan_join(i, l) == 0 || !retry_later(errno) ? 0 : -1 ;
}

/* A consumer's stdin is there before it starts, whether its producers are to start or not. */
static int join_all (uint32_t n)
{
  uint32_t links, r = 0 ;
  struct graph_link const *l = graph_rdeps(GRAPH, n, &links) ;
  for (uint32_t k = 0 ; k < links ; k++)
    if (rc_is_atom(l[k].node) && source_service(rc.source, l[k].node)->consumer == n && join(l[k].node) < 0) r++ ;
  if (source_service(rc.source, n)->consumer != GRAPH_NONE && join(n) < 0) r++ ;
  return r ? -1 : 0 ;
}

static void start (uint32_t n)
{
  uint32_t i ;
  if (!rc_is_atom(n))
  {
    graph_set_level(GRAPH, n, GRAPH_IS_READY) ;
    return ;
  }
  i = rc_slot_for(n) ;
  if ((i == NO_SLOT && retry_is_due()) || (i != NO_SLOT && join_all(n) < 0))
  {
    rc.again[n] = 1 ;
    rc_set_level(n, GRAPH_IS_STARTING) ;
  }
  else if (i == NO_SLOT) rc_judge(n, "it has no place to run in") ;
  else if (slot_at(i)->kind == SLOT_ONESHOT) start_oneshot(n, i) ;
  else start_longrun(n, i) ;
}

/* ---- stop */

/* Its `up` is cut short as a boot script is, and its end decides: see rc_oneshot_ended(). */
static void interrupt_oneshot (uint32_t n, uint32_t i)
{
  if (slot_at(i)->run_pid <= 0)
  {
    oneshot_drop(i) ;
    disarm(i) ;
    rc_set_level(n, GRAPH_IS_DOWN) ;
    return ;
  }
  oneshot_signal(i, SIGTERM) ;
  oneshot_signal(i, SIGCONT) ;
  arm(i, conf_uint("S6_KILL_GRACETIME", DEFAULT_GRACETIME, INT32_MAX)) ;
  rc_set_level(n, GRAPH_IS_STOPPING) ;
}

static void stop_oneshot (uint32_t n, uint32_t i)
{
  if (oneshot_stop(i, rc_file(n, SOURCE_DOWN), is_empty(n, SOURCE_DOWN)) < 0) try_again(i, "down") ;
  else if (oneshot_state(i) == ONESHOT_STOPPING) arm(i, source_service(rc.source, n)->timeout_down) ;
  rc_set_level(n, level_of(i)) ;
}

static void stop_longrun (uint32_t n, uint32_t i)
{
  if (global_now()->stop) stop_halt_service(i) ;
  else service_event(i, EV_d, 0) ;
  if (is_live(i)) arm(i, source_service(rc.source, n)->timeout_down) ;
  else disarm(i) ;
  rc_set_level(n, is_live(i) ? GRAPH_IS_STOPPING : GRAPH_IS_DOWN) ;
}

static void stop (uint32_t n)
{
  uint32_t i = rc_is_atom(n) ? rc.slot[n] : NO_SLOT ;
  rc.again[n] = 0 ;
  if (i == NO_SLOT) graph_set_level(GRAPH, n, GRAPH_IS_DOWN) ;
  else if (slot_at(i)->kind == SLOT_LONGRUN) stop_longrun(n, i) ;
  else if (oneshot_state(i) == ONESHOT_STARTING) interrupt_oneshot(n, i) ;
  else stop_oneshot(n, i) ;
}

/* What an event of a slot has made possible. An action may change slots and so come back here:
   then only the levels are set, and the loop that runs goes on with them. */
void rc_advance (void)
{
  enum graph_action action ;
  uint32_t n ;
  if (rc.busy || !rc.n) return ;
  rc.busy++ ;
  while ((action = graph_next(GRAPH, &n)))
    if (action == GRAPH_STOP) stop(n) ;
    else if (!global_now()->stop) start(n) ;
  rc.busy-- ;
  if (global_now()->stop)
  {
    stop_advance() ;
    return ;
  }
  boot_service_changed() ;
  control_tell() ;
}

/* The scan takes up what has been laid out meanwhile; then each that waited is started. */
void rc_retry (void)
{
  if (!rc.n) return ;
  rc.busy++ ;
  scan_all() ;
  rc_bind_all() ;
  for (uint32_t n = 0 ; n < rc.n ; n++)
  {
    if (!rc.again[n]) continue ;
    rc.again[n] = 0 ;
    if (GRAPH->want[n] == GRAPH_WANT_UP) start(n) ;
    else rc_set_level(n, GRAPH_IS_DOWN) ;
  }
  rc.busy-- ;
  rc_advance() ;
}

/* ---- what slots report */

static int has_failed (struct slot_state const *c)
{
  return c->state == FATAL || (c->state == DOWN && c->cause == WHY_POLICY) ;
}

/* It was to be up, and is down for good. One that had been reached cannot fail the boot any more,
   but what has not started yet does not start. */
static void came_down (uint32_t n, uint32_t i)
{
  struct slot_state const *c = slot_now(slot_at(i)) ;
  char const *why = has_failed(c) ? why_text((enum why)c->cause) : "it was taken down before it was ready" ;
  if (global_now()->stop) rc_want(n, GRAPH_WANT_NOTHING) ;
  else if (graph_ready(GRAPH, n)) rc_fail(n, why) ;
  else rc_judge(n, why) ;
}

void rc_service_changed (uint32_t i)
{
  uint32_t n = rc_node_of(i) ;
  enum graph_level level ;
  if (n == GRAPH_NONE) return ;
  level = level_of(i) ;
  if (level == GRAPH_IS_READY || level == GRAPH_IS_DOWN) disarm(i) ;
  if (level == GRAPH_IS_DOWN && slot_now(slot_at(i))->state != WAITING)
  {
    if (GRAPH->want[n] == GRAPH_WANT_DOWN) rc_want(n, GRAPH_WANT_NOTHING) ;
    else if (GRAPH->want[n] == GRAPH_WANT_UP && (slot_at(i)->graph_level != GRAPH_IS_DOWN || slot_now(slot_at(i))->state == FATAL)) came_down(n, i) ;
  }
  else if (slot_at(i)->graph_level == GRAPH_IS_STOPPING && level != GRAPH_IS_STOPPING)
    rc_want(n, GRAPH_WANT_NOTHING) ;   /* somebody has started it while it was going down */
  rc_set_level(n, level) ;
  rc_advance() ;
}

void rc_gone (uint32_t i)
{
  uint32_t n = rc_node_of(i) ;
  if (n == GRAPH_NONE) return ;
  disarm(i) ;
  if (GRAPH->want[n] == GRAPH_WANT_UP && !graph_ready(GRAPH, n) && !global_now()->stop) rc_fail(n, "its supervision has ended") ;
  rc.node[i] = GRAPH_NONE ;
  rc.slot[n] = NO_SLOT ;
  rc_want(n, GRAPH_WANT_NOTHING) ;
  rc_set_level(n, GRAPH_IS_DOWN) ;
  rc_advance() ;
}

static void oneshot_changed (uint32_t n, uint32_t i)
{
  disarm(i) ;
  if (oneshot_state(i) == ONESHOT_FAILED && GRAPH->want[n] == GRAPH_WANT_UP && !global_now()->stop) rc_judge(n, oneshot_end(i)) ;
  rc_set_level(n, level_of(i)) ;
  if (GRAPH->level[n] == GRAPH_IS_DOWN) rc_want(n, GRAPH_WANT_NOTHING) ;
  rc_advance() ;
}

void rc_oneshot_ended (uint32_t i, pid_t pid, int32_t wstat)
{
  uint32_t n = rc_node_of(i) ;
  int cut_short = n != GRAPH_NONE && GRAPH->want[n] == GRAPH_WANT_DOWN ;
  int was_up = oneshot_ended(i, pid, wstat, cut_short) ;
  if (!exitcode_of(wstat)) say(SAY_DETAIL, "oneshot ", slot_at(i)->name, was_up ? " done after " : " undone after ", DURATION(oneshot_took(i))) ;
  else if (!was_up) say(SAY_WARNING, "down of oneshot ", slot_at(i)->name, " ", oneshot_end(i)) ;
  if (n != GRAPH_NONE) oneshot_changed(n, i) ;
}

/* An exec may have come between a change and our hearing of it, or between a start and its process. */
static void catch_up_oneshot (uint32_t n, uint32_t i)
{
  struct slot const *s = slot_at(i) ;
  if (oneshot_state(i) == ONESHOT_STARTING && s->run_pid <= 0)
  {
    if (s->graph_level == GRAPH_IS_STOPPING) interrupt_oneshot(n, i) ;
    else start_oneshot(n, i) ;
  }
  else if (oneshot_state(i) == ONESHOT_STOPPING && s->finish_pid <= 0) stop_oneshot(n, i) ;
  else if (level_of(i) != (enum graph_level)s->graph_level) oneshot_changed(n, i) ;
}

void rc_catch_up (void)
{
  for (uint32_t n = 0 ; n < rc.n ; n++)
  {
    uint32_t i = rc.slot[n] ;
    if (i == NO_SLOT) continue ;
    if (slot_at(i)->kind == SLOT_ONESHOT) catch_up_oneshot(n, i) ;
    else if (level_of(i) != (enum graph_level)slot_at(i)->graph_level) rc_service_changed(i) ;
  }
}

/* ---- time limits */

static void time_of_oneshot (uint32_t n, uint32_t i)
{
  struct slot const *s = slot_at(i) ;
  if (oneshot_state(i) == ONESHOT_STARTING && s->run_pid <= 0) start_oneshot(n, i) ;
  else if (oneshot_state(i) == ONESHOT_STOPPING && s->finish_pid <= 0) stop_oneshot(n, i) ;
  else
  {
    char const *which = s->graph_level == GRAPH_IS_STARTING ? "timeout-up" :
      oneshot_state(i) == ONESHOT_STARTING ? "S6_KILL_GRACETIME" : "timeout-down" ;
    say(SAY_ERROR, "oneshot ", s->name, ": its time is over (", which, "): killed") ;
    oneshot_signal(i, SIGKILL) ;
  }
}

/* A change that cannot be carried out: what the service still needs stays as it is. */
static void leave_needed (uint32_t n)
{
  uint8_t *set = rc_set_of(n, GRAPH_UP) ;
  for (uint32_t k = 0 ; set && k < rc.n ; k++)
    if (set[k] && k != n && GRAPH->want[k] == GRAPH_WANT_DOWN) rc_want(k, GRAPH_WANT_NOTHING) ;
  free(set) ;
}

static void late_to_stop (uint32_t n, uint32_t i)
{
  int stopping = !!global_now()->stop ;
  say(SAY_ERROR, "service ", slot_at(i)->name, " is not down in time (timeout-down): what it depends on ",
    stopping ? "is stopped all the same" : "stays up") ;
  if (stopping) rc_set_level(n, GRAPH_IS_DOWN) ;
  else leave_needed(n) ;
}

/* timeout-up, timeout-down, or a fork to be tried again. */
void rc_timeout (uint32_t i)
{
  uint32_t n = rc_node_of(i) ;
  slot_at(i)->change_deadline = NEVER ;
  if (n == GRAPH_NONE) return ;
  if (slot_at(i)->kind == SLOT_ONESHOT) time_of_oneshot(n, i) ;
  else if (GRAPH->level[n] == GRAPH_IS_STOPPING) late_to_stop(n, i) ;
  else if (!graph_ready(GRAPH, n)) rc_judge(n, "it was not ready in time (timeout-up)") ;
  rc_advance() ;
}
