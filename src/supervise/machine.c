/* ISC license. */

/*
   The state machine of a service. Pure: no system call, no clock, no global. One table of
   actions, a row a state, a column an event; an action changes the state it is given and
   returns the effects owed. Semantics of the letters: PROTOCOL.md §3; restart rule: §2.
*/

#include <assert.h>
#include <string.h>
#include <signal.h>
#include <sys/wait.h>

#include "supervise.h"

#define SECOND MS(1000)
#define KILL_AGAIN MS(5000)
#define FORK_RETRY_MIN 10      /* ms */
#define FORK_RETRY_MAX 10000
#define FINISH_PERMANENT 125

static_assert(sizeof CONTROL_LETTERS - 1 == EV_BEGIN, "one event a control letter, in the same order") ;

typedef struct slot_state state ;
typedef struct facts facts ;
typedef uint32_t action (state *, enum service_event, facts const *) ;

/* ---- pieces of steps */

static uint32_t enter (state *s, enum service_state to, enum why why)
{
  s->state = (uint8_t)to ;
  s->cause = (uint8_t)why ;
  s->deadline = NEVER ;
  return OWE_STATUS ;
}

static uint32_t tell (state *s, char const *letters)
{
  memset(s->letters, 0, sizeof s->letters) ;
  memcpy(s->letters, letters, strnlen(letters, sizeof s->letters)) ;
  return OWE_EVENT ;
}

static void set (state *s, unsigned int flags) { s->flags |= (uint16_t)flags ; }
static void clear (state *s, unsigned int flags) { s->flags &= (uint16_t)~flags ; }

static int64_t after_ms (facts const *f, uint32_t ms)
{
  return ms ? mono_after(f->now, MS(ms)) : NEVER ;
}

/* MIN doubled STEPS times, at most MAX: in ms. */
static uint32_t doubled (uint32_t min, uint32_t max, uint32_t steps)
{
  uint64_t ms = min ;
  for (; steps && ms < max ; steps--) ms *= 2 ;
  return ms > max ? max : (uint32_t)ms ;
}

static void refresh (state *s, facts const *f)
{
  if (f->settings) s->settings = *f->settings ;
}

static uint32_t start (state *s, facts const *f)
{
  uint32_t owed ;
  if (s->flags & FOR_GOOD) return 0 ;
  if (s->flags & HELD) return enter(s, WAITING, WHY_DEPENDENCIES) ;
  refresh(s, f) ;
  owed = enter(s, UP, s->cause) ;
  clear(s, IS_READY | PAUSED | STOP_SENT | UNSPAWNED | CONDEMNED | ASKED) ;
  s->stamp = f->wall ;
  s->started = f->now ;
  s->stop_deadline = NEVER ;
  s->starts++ ;
  return owed | OWE_SPAWN_RUN | tell(s, "u") ;
}

/* The service is down and its finish is over: "down and ready" in s6's words. */
static uint32_t rest (state *s, enum service_state to, enum why why, facts const *f)
{
  uint32_t owed = enter(s, to, why) ;
  set(s, IS_READY) ;
  clear(s, PAUSED | STOP_SENT | UNSPAWNED | ASKED) ;
  s->ready_stamp = f->wall ;
  return owed ;
}

/* ---- restart or not */

static int failed (int32_t wstat)
{
  return !WIFEXITED(wstat) || WEXITSTATUS(wstat) ;
}

static int policy_ends (state const *s)
{
  if (s->settings.restart == RESTART_NEVER) return 1 ;
  return s->settings.restart == RESTART_ON_FAILURE && !failed(s->wstat) ;
}

/* max-restarts: more than N deaths in that time. Windows follow each other; a death that opens
   a new one counts there. */
static int too_many (state *s, facts const *f)
{
  struct settings const *c = &s->settings ;
  if (!c->max_restarts_time) return 0 ;
  if (!s->window_deaths || f->now - s->window_start > (int64_t)c->max_restarts_time * SECOND)
  {
    s->window_start = f->now ;
    s->window_deaths = 0 ;
  }
  return ++s->window_deaths > c->max_restarts ;
}

/* Not before 1 s after the previous start; with `backoff`, after a pause that doubles. */
static int64_t next_start (state *s, facts const *f)
{
  struct settings const *c = &s->settings ;
  int quick = f->now - s->started < SECOND ;
  s->quick = quick ? s->quick + 1 : 0 ;
  if (!quick) return f->now ;
  if (c->backoff_min) return after_ms(f, doubled(c->backoff_min, c->backoff_max, s->quick - 1)) ;
  return s->started + SECOND ;
}

static uint32_t give_up (state *s, enum why why, facts const *f)
{
  clear(s, WANT_UP) ;
  return rest(s, FATAL, why, f) ;
}

/* After the run and its finish. LETTERS: what is told, "Dx" or "dDx"; the x, end of supervision,
   only when it is for good. */
static uint32_t settle (state *s, facts const *f, char const *letters)
{
  uint32_t owed = tell(s, letters) ;
  if (!(s->flags & FOR_GOOD)) s->letters[strlen(letters) - 1] = 0 ;
  if (s->flags & CONDEMNED) return owed | give_up(s, WHY_CONDEMNED, f) ;
  if (!(s->flags & WANT_UP) || s->flags & FOR_GOOD) return owed | rest(s, DOWN, s->flags & FOR_GOOD ? WHY_HALT : WHY_COMMAND, f) ;
  if (policy_ends(s))
  {
    clear(s, WANT_UP) ;
    return owed | rest(s, DOWN, WHY_POLICY, f) ;
  }
  /* O: whoever waits for it to be up hears that it will not be */
  if (!(s->flags & (STOP_SENT | ASKED)) && too_many(s, f))
    return owed | give_up(s, WHY_TOO_MANY, f) | tell(s, letters[0] == 'd' ? "dOD" : "OD") ;
  owed |= rest(s, BACKOFF, WHY_DIED, f) ;
  s->deadline = next_start(s, f) ;
  return owed ;
}

/* The status file that stays behind says down and finished. */
static uint32_t end (state *s, facts const *f, char const *letters)
{
  return rest(s, DOWN, WHY_COMMAND, f) | tell(s, letters) | OWE_END ;
}

/* ---- actions */

static uint32_t ignore (state *s, enum service_event e, facts const *f)
{
  (void)s ; (void)e ; (void)f ;
  return 0 ;
}

/* A cell that no path leads to: reported by the caller, never acted on. */
#define cannot_be ignore

static unsigned char const letter_signal[EV_BEGIN] =
{
  [EV_a] = SIGALRM, [EV_b] = SIGABRT, [EV_q] = SIGQUIT, [EV_h] = SIGHUP, [EV_k] = SIGKILL, [EV_t] = SIGTERM,
  [EV_i] = SIGINT, [EV_1] = SIGUSR1, [EV_2] = SIGUSR2, [EV_p] = SIGSTOP, [EV_c] = SIGCONT, [EV_y] = SIGWINCH,
  [EV_P] = SIGSTOP, [EV_C] = SIGCONT, [EV_K] = SIGKILL
} ;

/* What follows is a restart on command, unless d has said so already. */
static void asked (state *s)
{
  if (s->settings.max_restarts_time && !(s->flags & STOP_SENT)) set(s, ASKED) ;
}

static uint32_t send_signal (state *s, enum service_event e, facts const *f)
{
  (void)f ;
  s->sig = letter_signal[e] ;
  if (e == EV_t || e == EV_k) asked(s) ;
  if (e == EV_p) { set(s, PAUSED) ; return OWE_SIGNAL | OWE_STATUS ; }
  if (e == EV_c) { clear(s, PAUSED) ; return OWE_SIGNAL | OWE_STATUS ; }
  return OWE_SIGNAL ;
}

static uint32_t send_group (state *s, enum service_event e, facts const *f)
{
  (void)f ;
  s->sig = letter_signal[e] ;
  if (e == EV_K) asked(s) ;
  return OWE_SIGNAL_GROUP ;
}

static uint32_t send_down_signal (state *s, enum service_event e, facts const *f)
{
  (void)e ;
  refresh(s, f) ;
  asked(s) ;
  s->sig = s->settings.down_signal ;
  return OWE_SIGNAL ;
}

static uint32_t send_reload_signal (state *s, enum service_event e, facts const *f)
{
  (void)e ;
  refresh(s, f) ;
  s->sig = s->settings.reload_signal ;
  return OWE_SIGNAL ;
}

/* The down-signal and CONT now; KILL when timeout-kill is over, counted from the first. */
static uint32_t signal_down (state *s)
{
  set(s, STOP_SENT) ;
  clear(s, PAUSED | ASKED) ;
  s->sig = s->settings.down_signal ;
  s->deadline = s->stop_deadline ;
  return OWE_SIGNAL | OWE_CONT | OWE_STATUS ;
}

static uint32_t bring_down (state *s, facts const *f)
{
  refresh(s, f) ;
  if (!(s->flags & STOP_SENT)) s->stop_deadline = after_ms(f, s->settings.timeout_kill) ;
  if (s->flags & (STOP_SENT | STOP_RUNS) || s->state == LAST_UP || !(s->settings.flags & HAS_STOP)) return signal_down(s) ;
  set(s, STOP_RUNS) ;
  s->state = STOPPING ;
  s->deadline = s->stop_deadline ;
  return OWE_SPAWN_STOP | OWE_STATUS ;
}

/* D and U as d and u, with the file ./down; O and Q likewise. */
static uint32_t down_file (enum service_event e)
{
  return e == EV_D || e == EV_U || e == EV_Q ? OWE_DOWN_FILE : 0 ;
}

static uint32_t up_to_down (state *s, enum service_event e, facts const *f)
{
  /* taken down by hand it is no longer reached; after `O` it has taken itself down, and is */
  if (s->flags & WANT_UP) clear(s, REACHED) ;
  clear(s, WANT_UP) ;
  return bring_down(s, f) | down_file(e) ;
}

static uint32_t want_down (state *s, enum service_event e, facts const *f)
{
  (void)f ;
  clear(s, WANT_UP) ;
  return OWE_STATUS | down_file(e) ;
}

static uint32_t want_up (state *s, enum service_event e, facts const *f)
{
  (void)f ;
  if (s->flags & FOR_GOOD) return 0 ;
  set(s, WANT_UP) ;
  return OWE_STATUS | down_file(e) ;
}

/* A service that takes itself down while it was to come up counts as reached (PROTOCOL §7). */
static uint32_t self_down (state *s, enum service_event e, facts const *f)
{
  set(s, REACHED) ;
  return want_down(s, e, f) ;
}

/* d, O, Q on a service without a process. */
static uint32_t stay_down (state *s, enum service_event e, facts const *f)
{
  (void)f ;
  clear(s, WANT_UP) ;
  if (s->state == FATAL) return OWE_STATUS | down_file(e) ;  /* and why stays known */
  return enter(s, DOWN, WHY_COMMAND) | down_file(e) ;
}

/* An order to start what was down: what it had reached in a former life counts no more, and its
   dependants wait for it again. A pause between two lives changes nothing. */
static uint32_t start_wanted (state *s, enum service_event e, facts const *f)
{
  if (s->flags & FOR_GOOD) return 0 ;
  if (s->state != BACKOFF) clear(s, REACHED) ;
  set(s, WANT_UP) ;
  clear(s, HELD) ;  /* whoever asks for this very service means it */
  s->quick = s->window_deaths = 0 ;
  s->cause = WHY_COMMAND ;
  return start(s, f) | down_file(e) ;
}

static uint32_t start_once (state *s, enum service_event e, facts const *f)
{
  (void)e ;
  clear(s, WANT_UP | HELD) ;
  s->cause = WHY_COMMAND ;
  return start(s, f) ;
}

static uint32_t begin (state *s, enum service_event e, facts const *f)
{
  (void)e ;
  refresh(s, f) ;
  s->stamp = f->wall ;
  s->ready_stamp = f->wall ;
  set(s, IS_READY) ;
  s->cause = WHY_BEGIN ;
  if (s->settings.flags & IS_DOWN) return enter(s, DOWN, WHY_BEGIN) | tell(s, "s") ;
  set(s, WANT_UP) ;
  if (s->flags & HELD) return enter(s, WAITING, WHY_BEGIN) | tell(s, "s") ;
  {
    uint32_t owed = start(s, f) ;
    return owed | tell(s, "su") ;
  }
}

static uint32_t go (state *s, enum service_event e, facts const *f)
{
  (void)e ;
  clear(s, HELD) ;
  if (s->state != WAITING) return 0 ;
  s->cause = WHY_DEPENDENCIES ;
  return start(s, f) ;
}

static uint32_t hold (state *s, enum service_event e, facts const *f)
{
  (void)e ; (void)f ;
  set(s, HELD) ;
  return 0 ;
}

static uint32_t pause_over (state *s, enum service_event e, facts const *f)
{
  (void)e ;
  s->cause = s->cause == WHY_NO_FORK ? WHY_NO_FORK : WHY_PAUSE ;
  return start(s, f) ;
}

static uint32_t died (state *s, enum service_event e, facts const *f)
{
  enum service_state next = s->state == LAST_UP ? LAST_FINISH : FINISH ;
  uint32_t owed = OWE_CLEAR_RUN | OWE_CLOSE_NOTIFY | OWE_TALLY ;
  (void)e ;
  if (s->state == STOPPING) owed |= OWE_KILL_STOP ;
  refresh(s, f) ;
  clear(s, IS_READY | PAUSED) ;
  s->wstat = f->wstat ;
  s->stamp = f->wall ;
  s->deaths++ ;
  if (!(s->settings.flags & HAS_FINISH) || s->flags & CONDEMNED) return owed | (next == LAST_FINISH ? end(s, f, "dDx") : settle(s, f, "dDx")) ;
  owed |= enter(s, next, WHY_DIED) | OWE_SPAWN_FINISH | tell(s, "d") ;
  s->deadline = after_ms(f, s->settings.timeout_finish) ;
  return owed ;
}

static uint32_t finished (state *s, enum service_event e, facts const *f)
{
  uint32_t owed = OWE_CLEAR_FINISH ;
  (void)e ;
  if (WIFEXITED(f->wstat) && WEXITSTATUS(f->wstat) == FINISH_PERMANENT)
    return owed | give_up(s, WHY_125, f) | tell(s, "OD") ;
  return owed | settle(s, f, "Dx") ;
}

static uint32_t last_finished (state *s, enum service_event e, facts const *f)
{
  (void)e ; (void)f ;
  return OWE_CLEAR_FINISH | end(s, f, "Dx") ;
}

/* The stop script has ended, or could not be run: now the signal, if that is still needed. */
static uint32_t stop_ended (state *s, enum service_event e, facts const *f)
{
  (void)f ;
  clear(s, STOP_RUNS) ;
  s->state = UP ;
  return (e == EV_STOPPED ? OWE_CLEAR_STOP : 0) | signal_down(s) ;
}

/* What ends when the service counts as without a process: it was given up without ceremony. */
static uint32_t died_late (state *s, enum service_event e, facts const *f)
{
  (void)s ; (void)f ;
  return e == EV_DIED ? OWE_CLEAR_RUN : OWE_CLEAR_FINISH ;
}

/* A stop script that outlived its service, or a word of an earlier life. */
static uint32_t stop_late (state *s, enum service_event e, facts const *f)
{
  (void)e ; (void)f ;
  clear(s, STOP_RUNS) ;
  return OWE_CLEAR_STOP ;
}

static uint32_t kill_run (state *s, enum service_event e, facts const *f)
{
  uint32_t owed = s->state == STOPPING ? OWE_KILL_STOP : 0 ;
  (void)e ;
  if (s->state == STOPPING) s->state = UP ;
  set(s, STOP_SENT) ;
  s->sig = SIGKILL ;
  s->deadline = mono_after(f->now, KILL_AGAIN) ;
  return owed | OWE_SIGNAL | OWE_CONT ;
}

/* The deadline of FINISH: kill it, or (no process yet) try to fork it again. */
static uint32_t kill_finish (state *s, enum service_event e, facts const *f)
{
  (void)e ;
  if (s->flags & UNSPAWNED)
  {
    clear(s, UNSPAWNED) ;
    s->deadline = after_ms(f, s->settings.timeout_finish) ;
    return OWE_SPAWN_FINISH | OWE_STATUS ;
  }
  s->deadline = mono_after(f->now, KILL_AGAIN) ;
  return OWE_KILL_FINISH ;
}

static uint32_t ready (state *s, enum service_event e, facts const *f)
{
  (void)e ;
  if (s->flags & IS_READY) return 0 ;
  set(s, IS_READY | REACHED) ;
  s->ready_stamp = f->wall ;
  return OWE_CLOSE_NOTIFY | OWE_STATUS | tell(s, "U") ;
}

static int64_t fork_retry (state *s, facts const *f)
{
  return mono_after(f->now, MS(doubled(FORK_RETRY_MIN, FORK_RETRY_MAX, s->quick++))) ;
}

/* No process was made: nothing has died. */
static uint32_t no_run (state *s, enum service_event e, facts const *f)
{
  uint32_t owed = OWE_CLOSE_NOTIFY ;
  (void)e ;
  s->starts-- ;
  if (s->state == LAST_UP) return owed | end(s, f, "x") ;
  if (s->flags & CONDEMNED) return owed | give_up(s, WHY_CONDEMNED, f) ;
  if (!(s->flags & WANT_UP) || s->flags & FOR_GOOD) return owed | rest(s, DOWN, WHY_NO_FORK, f) ;
  owed |= rest(s, BACKOFF, WHY_NO_FORK, f) ;
  s->deadline = fork_retry(s, f) ;
  return owed ;
}

static uint32_t no_finish (state *s, enum service_event e, facts const *f)
{
  (void)e ;
  set(s, UNSPAWNED) ;
  s->deadline = fork_retry(s, f) ;
  return 0 ;
}

static uint32_t halt_down (state *s, enum service_event e, facts const *f)
{
  set(s, FOR_GOOD) ;
  (void)e ;
  if (s->state == FATAL) return tell(s, "x") ;
  return rest(s, DOWN, WHY_HALT, f) | tell(s, "x") ;
}

/* A logger at the stop of the container is not signalled: end of file ends it. Between two lives
   it gets one more, to drain its pipe. */
static uint32_t drain_down (state *s, enum service_event e, facts const *f)
{
  uint32_t owed ;
  if (s->state == DOWN || s->state == FATAL || s->flags & FOR_GOOD) return halt_down(s, e, f) ;
  clear(s, WANT_UP | HELD) ;
  owed = start(s, f) ;
  set(s, FOR_GOOD) ;
  return owed ;
}

static uint32_t drain_up (state *s, enum service_event e, facts const *f)
{
  set(s, FOR_GOOD) ;
  return want_down(s, e, f) ;
}

static uint32_t halt_up (state *s, enum service_event e, facts const *f)
{
  (void)e ;
  set(s, FOR_GOOD) ;
  clear(s, WANT_UP) ;
  return s->flags & STOP_SENT || s->state == STOPPING ? OWE_STATUS : bring_down(s, f) ;
}

static uint32_t halt_finish (state *s, enum service_event e, facts const *f)
{
  set(s, FOR_GOOD) ;
  return want_down(s, e, f) ;
}

static uint32_t exit_up (state *s, enum service_event e, facts const *f)
{
  uint32_t owed = s->state == STOPPING ? OWE_KILL_STOP | signal_down(s) : 0 ;
  (void)e ; (void)f ;
  s->state = LAST_UP ;
  return owed | OWE_STATUS ;
}

static uint32_t exit_finish (state *s, enum service_event e, facts const *f)
{
  (void)e ; (void)f ;
  s->state = LAST_FINISH ;
  return OWE_STATUS ;
}

static uint32_t exit_down (state *s, enum service_event e, facts const *f)
{
  (void)e ; (void)f ;
  return end(s, f, "x") ;
}

/* Its state cannot be trusted: nothing is started again, not even its finish; what runs is killed. */
static uint32_t condemn (state *s, enum service_event e, facts const *f)
{
  (void)e ;
  if (!state_is_live((enum service_state)s->state)) return give_up(s, WHY_CONDEMNED, f) ;
  clear(s, WANT_UP) ;
  set(s, CONDEMNED) ;
  s->cause = WHY_CONDEMNED ;
  if (s->flags & UNSPAWNED) return s->state == LAST_FINISH || s->state == LAST_UP ? end(s, f, "Dx") : settle(s, f, "Dx") ;
  if (s->state != FINISH && s->state != LAST_FINISH) return kill_run(s, EV_TIMEOUT, f) | OWE_STATUS ;
  return kill_finish(s, EV_TIMEOUT, f) | OWE_STATUS ;
}

/* ---- the table */

#define TO_LEADER(act) [EV_a] = act, [EV_b] = act, [EV_q] = act, [EV_h] = act, [EV_k] = act, [EV_t] = act, \
  [EV_i] = act, [EV_1] = act, [EV_2] = act, [EV_p] = act, [EV_c] = act, [EV_y] = act
#define TO_GROUP(act) [EV_P] = act, [EV_C] = act, [EV_K] = act
#define NO_SIGNALS TO_LEADER(ignore), TO_GROUP(ignore), [EV_r] = ignore, [EV_l] = ignore

/* WAITING, DOWN, BACKOFF and FATAL have no process and differ in what a timeout means. */
#define WITHOUT_PROCESS \
  NO_SIGNALS, \
  [EV_o] = start_once, [EV_d] = stay_down, [EV_D] = stay_down, [EV_u] = start_wanted, [EV_U] = start_wanted, \
  [EV_x] = exit_down, [EV_O] = stay_down, [EV_Q] = stay_down, \
  [EV_BEGIN] = begin, [EV_GO] = go, [EV_HOLD] = hold, \
  [EV_DIED] = died_late, [EV_FINISHED] = died_late, [EV_STOPPED] = stop_late, \
  [EV_NOTIFIED] = ignore, [EV_NO_RUN] = cannot_be, [EV_NO_FINISH] = cannot_be, [EV_NO_STOP] = cannot_be, \
  [EV_HALT] = halt_down, [EV_DRAIN] = drain_down, [EV_CONDEMN] = condemn

#define WITH_RUN \
  TO_LEADER(send_signal), TO_GROUP(send_group), [EV_r] = send_down_signal, [EV_l] = send_reload_signal, \
  [EV_o] = want_down, [EV_u] = want_up, [EV_U] = want_up, [EV_O] = self_down, [EV_Q] = self_down, \
  [EV_BEGIN] = cannot_be, [EV_GO] = go, [EV_HOLD] = hold, \
  [EV_DIED] = died, [EV_FINISHED] = cannot_be, \
  [EV_TIMEOUT] = kill_run, [EV_NOTIFIED] = ready, [EV_NO_RUN] = no_run, [EV_NO_FINISH] = cannot_be, \
  [EV_HALT] = halt_up, [EV_DRAIN] = drain_up, [EV_CONDEMN] = condemn

#define WITH_FINISH \
  NO_SIGNALS, \
  [EV_o] = want_down, [EV_d] = want_down, [EV_D] = want_down, [EV_u] = want_up, [EV_U] = want_up, \
  [EV_O] = want_down, [EV_Q] = want_down, \
  [EV_BEGIN] = cannot_be, [EV_GO] = go, [EV_HOLD] = hold, \
  [EV_DIED] = cannot_be, [EV_STOPPED] = stop_late, \
  [EV_TIMEOUT] = kill_finish, [EV_NOTIFIED] = ignore, \
  [EV_NO_RUN] = cannot_be, [EV_NO_FINISH] = no_finish, [EV_NO_STOP] = ignore, \
  [EV_HALT] = halt_finish, [EV_DRAIN] = halt_finish, [EV_CONDEMN] = condemn

static action *const table[SERVICE_STATES][SERVICE_EVENTS] =
{
  [WAITING] = { WITHOUT_PROCESS, [EV_TIMEOUT] = ignore },
  [DOWN] = { WITHOUT_PROCESS, [EV_TIMEOUT] = ignore },
  [BACKOFF] = { WITHOUT_PROCESS, [EV_TIMEOUT] = pause_over },
  [FATAL] = { WITHOUT_PROCESS, [EV_TIMEOUT] = ignore },
  [UP] = { WITH_RUN, [EV_d] = up_to_down, [EV_D] = up_to_down, [EV_x] = exit_up,
    [EV_STOPPED] = stop_late, [EV_NO_STOP] = ignore },
  /* a second d while `stop` runs: it is on its way */
  [STOPPING] = { WITH_RUN, [EV_d] = want_down, [EV_D] = want_down, [EV_x] = exit_up,
    [EV_STOPPED] = stop_ended, [EV_NO_STOP] = stop_ended },
  [LAST_UP] = { WITH_RUN, [EV_d] = up_to_down, [EV_D] = up_to_down, [EV_x] = ignore,
    [EV_STOPPED] = stop_late, [EV_NO_STOP] = ignore },
  [FINISH] = { WITH_FINISH, [EV_x] = exit_finish, [EV_FINISHED] = finished },
  [LAST_FINISH] = { WITH_FINISH, [EV_x] = ignore, [EV_FINISHED] = last_finished }
} ;

uint32_t machine_step (struct slot_state *s, enum service_event e, struct facts const *f)
{
  if (s->state >= SERVICE_STATES || e >= SERVICE_EVENTS) return 0 ;
  return (*table[s->state][e])(s, e, f) ;
}

void machine_init (struct slot_state *s)
{
  s->state = DOWN ;
  s->deadline = s->stop_deadline = NEVER ;
  s->settings = settings_default ;
}

int machine_letter (char c)
{
  char const *p = c ? strchr(CONTROL_LETTERS, c) : 0 ;
  return p ? (int)(p - CONTROL_LETTERS) : -1 ;
}

int state_is_live (enum service_state s)
{
  return s == UP || s == STOPPING || s == FINISH || s == LAST_UP || s == LAST_FINISH ;
}

/* ---- words */

static char const *const state_names[SERVICE_STATES] =
{
  [WAITING] = "waiting", [DOWN] = "down", [BACKOFF] = "backoff", [UP] = "up", [STOPPING] = "stopping",
  [FINISH] = "finish", [LAST_UP] = "last-up", [LAST_FINISH] = "last-finish", [FATAL] = "fatal"
} ;

static char const *const why_texts[WHYS] =
{
  [WHY_NONE] = "", [WHY_BEGIN] = "supervision began", [WHY_COMMAND] = "on command",
  [WHY_DEPENDENCIES] = "dependencies", [WHY_DIED] = "its process ended", [WHY_FINISHED] = "finish ended",
  [WHY_READY] = "became ready", [WHY_125] = "finish exited 125 (permanent failure)",
  [WHY_TOO_MANY] = "more deaths than max-restarts allows", [WHY_POLICY] = "its restart file says so",
  [WHY_TIMEOUT] = "time is over", [WHY_NO_FORK] = "no process could be made", [WHY_HALT] = "the container stops",
  [WHY_CONDEMNED] = "its state is damaged or faults PID 1", [WHY_PAUSE] = "pause between starts is over",
  [WHY_OOM] = "the kernel's OOM killer took it"
} ;

char const *state_name (enum service_state s)
{
  return s < SERVICE_STATES ? state_names[s] : "damaged" ;
}

char const *why_text (enum why w)
{
  return w < WHYS ? why_texts[w] : "" ;
}
