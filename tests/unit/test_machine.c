/* ISC license. */

/*
   The state machine of a service, walked: every state that any sequence of events leads to, under
   several settings, with a model of the processes that its effects make. A process of the model
   ends only by an event, and a spawn may fail. What must hold is asserted at every step.
*/

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "supervise.h"
#include "sample.h"

#define SECOND MS(1000)
#define BASE (1000 * SECOND)   /* `started` of every state of the walk: times are relative to it */

#define EXITED(n) ((n) << 8)

/* ---- a state of the walk: the machine's, and which processes there are */

struct node
{
  struct slot_state s ;
  uint8_t run, finish, stop ;     /* processes */
  uint8_t ended ;                 /* supervision is over */
  uint8_t halted ;                /* EV_HALT has come */
  uint8_t drained ;               /* EV_DRAIN has come: at most the one run more that it may start */
  uint8_t stop_killed ;
} ;

/* What makes two nodes the same: times by class alone. */
static struct node canonical (struct node n)
{
  int64_t deadline = n.s.deadline == NEVER ? NEVER : BASE ;
  n.s.stop_deadline = n.s.stop_deadline == NEVER ? NEVER : BASE ;
  n.s.deadline = deadline ;
  n.s.started = n.s.window_start = BASE ;
  if (n.s.quick > 2) n.s.quick = 2 ;
  if (n.s.window_deaths > 2) n.s.window_deaths = 2 ;
  if (n.s.deaths > 2) n.s.deaths = 2 ;
  if (n.s.starts > 2) n.s.starts = 2 ;
  n.s.sum = n.s.seq = 0 ;
  n.s.sig = 0 ;
  n.s.finish_pgid = 0 ;
  memset(n.s.letters, 0, sizeof n.s.letters) ;
  memset(&n.s.stamp, 0, sizeof n.s.stamp) ;
  memset(&n.s.ready_stamp, 0, sizeof n.s.ready_stamp) ;
  n.s.deaths = n.s.starts = 0 ;
  return n ;
}

struct walk
{
  struct node *nodes ;
  size_t n, room ;
  uint32_t *table ;        /* open addressing: index + 1 */
  size_t buckets ;
} ;

static uint32_t hash (struct node const *n)
{
  uint64_t const *p = (void const *)n ;
  uint64_t h = 14695981039346656037u ;
  for (size_t i = 0 ; i < sizeof *n / sizeof *p ; i++) h = (h ^ p[i]) * 1099511628211u ;
  return (uint32_t)(h >> 32) ^ (uint32_t)h ;
}

static void push (struct walk *w, struct node const *raw)
{
  struct node n = canonical(*raw) ;
  size_t b = hash(&n) & (w->buckets - 1) ;
  while (w->table[b])
  {
    if (!memcmp(w->nodes + w->table[b] - 1, &n, sizeof n)) return ;
    b = (b + 1) & (w->buckets - 1) ;
  }
  if (w->n == w->room) ck_abort_msg("the walk does not end: more than %zu states", w->room) ;
  w->nodes[w->n++] = n ;
  w->table[b] = (uint32_t)w->n ;
}

/* ---- the model of the effects */

static char const *describe (struct node const *n, int e)
{
  static char text[200] ;
  snprintf(text, sizeof text, "state %s flags %03x cause %u finish %u stop %u settings %02x/%u: event %d",
    state_name((enum service_state)n->s.state), n->s.flags, n->s.cause, n->finish, n->stop, n->s.settings.flags, n->s.settings.restart, e) ;
  return text ;
}

/* not ck_assert: that writes a mark each time, and there are millions */
#define hold(what, n, e) do if (!(what)) ck_abort_msg("%s: %s", #what, describe((n), (int)(e))) ; while (0)

/* Processes after the effects OWED of the step from BEFORE by E; FAIL: spawns fail, and which. */
static int model (struct node *n, struct node const *before, enum service_event e, uint32_t owed)
{
  int follow = 0 ;
  if (e == EV_DIED) n->run = 0 ;
  if (e == EV_FINISHED) n->finish = 0 ;
  if (e == EV_STOPPED) n->stop = n->stop_killed = 0 ;
  if (before->run && !n->run) hold(owed & OWE_CLEAR_RUN, before, e) ;
  if (before->finish && !n->finish) hold(owed & OWE_CLEAR_FINISH, before, e) ;
  if (before->stop && !n->stop) hold(owed & OWE_CLEAR_STOP, before, e) ;
  if (owed & OWE_CLEAR_RUN) hold(!n->run, before, e) ;
  if (owed & OWE_CLEAR_FINISH) hold(!n->finish, before, e) ;
  if (owed & OWE_CLEAR_STOP) hold(!n->stop, before, e) ;
  if (owed & OWE_KILL_STOP) n->stop_killed = 1 ;
  if (owed & OWE_KILL_FINISH) hold(before->finish, before, e) ;
  if (owed & OWE_SPAWN_STOP)
  {
    hold(n->run && !n->finish && !n->stop, before, e) ;
    follow = EV_NO_STOP ;
  }
  if (owed & OWE_SPAWN_RUN)
  {
    hold(!n->run && !n->finish, before, e) ;          /* never two live runs of one service */
    hold(!n->halted && !before->drained, before, e) ;                      /* nothing starts in a container that stops */
    follow = EV_NO_RUN ;
  }
  if (owed & OWE_SPAWN_FINISH)
  {
    hold(!n->run && !n->finish, before, e) ;
    follow = EV_NO_FINISH ;
  }
  if (owed & OWE_END)
  {
    hold(!n->run && !n->finish, before, e) ;          /* every start has an end */
    n->ended = 1 ;
  }
  return follow ;
}

/* The state says which processes there are. */
static void consistent (struct node const *n, struct node const *before, enum service_event e)
{
  int is_up = n->s.state == UP || n->s.state == STOPPING || n->s.state == LAST_UP ;
  int is_finish = n->s.state == FINISH || n->s.state == LAST_FINISH ;
  if (n->ended) return ;
  hold(n->run == is_up, before, e) ;
  hold(n->finish == (is_finish && !(n->s.flags & UNSPAWNED)), before, e) ;
  hold(n->s.state != STOPPING || (n->stop && !n->stop_killed), before, e) ;
  hold(n->stop == !!(n->s.flags & STOP_RUNS), before, e) ;
  hold(!n->stop || n->s.state == STOPPING || n->stop_killed, before, e) ;
  hold(!is_finish || n->s.deadline != NEVER || !n->s.settings.timeout_finish, before, e) ;
  hold(n->s.state != BACKOFF || n->s.deadline != NEVER, before, e) ;
  hold(n->s.state != FATAL || !(n->s.flags & WANT_UP), before, e) ;
  if (n->halted)
  {
    hold(n->s.flags & FOR_GOOD, before, e) ;
    hold(n->s.state != BACKOFF && n->s.state != WAITING, before, e) ;
    hold(!is_up || n->s.flags & STOP_SENT || n->s.state == STOPPING, before, e) ;
  }
  if (before->s.flags & CONDEMNED && !n->run && !n->finish && !n->ended && e != EV_u && e != EV_U && e != EV_o)
    hold(n->s.state == FATAL, before, e) ;
}

/* A spawn that is owed is done, or fails: both ways are walked. */
static void spawn_ok (struct node *n, int follow)
{
  if (follow == EV_NO_RUN) n->run = 1 ;
  if (follow == EV_NO_FINISH) n->finish = 1 ;
  if (follow == EV_NO_STOP) n->stop = 1 ;
}

static int is_possible (struct node const *n, enum service_event e)
{
  switch (e)
  {
    case EV_BEGIN : return n->s.cause == WHY_NONE ;
    case EV_DIED : return n->run ;
    case EV_FINISHED : return n->finish ;
    case EV_STOPPED : return n->stop ;
    case EV_TIMEOUT : return n->s.deadline != NEVER ;
    case EV_NO_RUN : case EV_NO_FINISH : case EV_NO_STOP : return 0 ;  /* after a spawn only */
    default : return n->s.cause != WHY_NONE || e == EV_HOLD ;
  }
}

static void apply (struct walk *w, struct node const *before, enum service_event e, struct facts const *f)
{
  struct node n = *before ;
  uint32_t owed ;
  int follow ;
  if (e == EV_HALT) n.halted = 1 ;
  if (e == EV_DRAIN) n.drained = 1 ;
  owed = machine_step(&n.s, e, f) ;
  follow = model(&n, before, e, owed) ;
  if (n.ended) return ;
  if (follow)
  {
    struct node failed = n ;
    owed = machine_step(&failed.s, (enum service_event)follow, f) ;
    hold(!model(&failed, &n, (enum service_event)follow, owed), before, follow) ;
    if (!failed.ended)
    {
      consistent(&failed, &n, (enum service_event)follow) ;
      push(w, &failed) ;
    }
    spawn_ok(&n, follow) ;
  }
  consistent(&n, before, e) ;
  push(w, &n) ;
}

static int32_t const statuses[] = { EXITED(0), EXITED(1), EXITED(125), SIGKILL } ;
static int64_t const ages[] = { MS(500), 2000 * SECOND } ;

static void step_all (struct walk *w, struct node const *n, struct settings const *settings)
{
  for (int e = 0 ; e < SERVICE_EVENTS ; e++)
  {
    int has_status = e == EV_DIED || e == EV_FINISHED ;
    if (!is_possible(n, (enum service_event)e)) continue ;
    for (size_t k = 0 ; k < (has_status ? 4u : 1u) ; k++)
      for (size_t a = 0 ; a < (has_status ? 2u : 1u) ; a++)
      {
        struct facts f = { .now = BASE + ages[a], .wstat = statuses[k], .settings = settings } ;
        apply(w, n, (enum service_event)e, &f) ;
      }
  }
}

/* From whatever a stop has been asked of, the ends of its processes lead to no process. */
static void comes_to_rest (struct node n)
{
  struct node const from = n ;
  for (unsigned int i = 0 ; i < 4 && !n.ended && (n.run || n.finish || n.stop || n.s.flags & UNSPAWNED) ; i++)
  {
    struct facts f = { .now = BASE + SECOND, .wstat = EXITED(i & 1), .settings = 0 } ;
    struct node const before = n ;
    enum service_event e = n.stop ? EV_STOPPED : n.run ? EV_DIED : n.finish ? EV_FINISHED : EV_TIMEOUT ;
    uint32_t owed = machine_step(&n.s, e, &f) ;
    spawn_ok(&n, model(&n, &before, e, owed)) ;
  }
  hold(n.ended || (!n.run && !n.finish && !n.stop), &from, EV_HALT) ;
  hold(n.ended || n.s.state == DOWN || n.s.state == FATAL, &from, EV_HALT) ;
}

static size_t walk (struct settings const *settings)
{
  struct walk w = { .room = 1u << 18, .buckets = 1u << 20, .n = 0 } ;
  struct node first ;
  size_t n ;
  w.nodes = malloc(w.room * sizeof *w.nodes) ;
  w.table = calloc(w.buckets, sizeof *w.table) ;
  ck_assert(w.nodes && w.table) ;
  memset(&first, 0, sizeof first) ;
  machine_init(&first.s) ;
  push(&w, &first) ;
  for (size_t i = 0 ; i < w.n ; i++)
  {
    step_all(&w, w.nodes + i, settings) ;
    if (w.nodes[i].halted || w.nodes[i].drained) comes_to_rest(w.nodes[i]) ;
  }
  n = w.n ;
  if (getenv("MACHINE_STATES")) printf("%zu states\n", n) ;
  free(w.nodes) ;
  free(w.table) ;
  return n ;
}

static struct settings variant (unsigned int i)
{
  struct settings s = settings_default ;
  if (i & 1) s.flags |= HAS_FINISH ;
  if (i & 2) s.flags |= HAS_STOP ;
  if (i & 4) s.timeout_kill = 100 ;
  if (i & 8) s.flags |= IS_DOWN ;
  s.timeout_finish = i & 4 ? 0 : 5000 ;
  s.restart = (uint8_t)((i >> 4) % 3) ;
  if (i >= 16)
  {
    s.max_restarts = 1 ;
    s.max_restarts_time = 60 ;
    s.backoff_min = 10 ;
    s.backoff_max = 100 ;
    s.notification_fd = 3 ;
  }
  return s ;
}

START_TEST(every_state)
{
  struct settings s = variant((unsigned int)_i) ;
  if ((unsigned int)_i % unit_sample()) return ;
  ck_assert_uint_gt(walk(&s), 50) ;
}
END_TEST

/* ---- PROTOCOL §3, cell by cell */

static struct slot_state in_state (enum service_state state, unsigned int flags)
{
  struct slot_state s ;
  memset(&s, 0, sizeof s) ;
  machine_init(&s) ;
  s.state = (uint8_t)state ;
  s.cause = WHY_BEGIN ;
  s.flags = (uint16_t)flags ;
  s.started = BASE ;
  s.settings.down_signal = SIGINT ;
  s.settings.reload_signal = SIGWINCH ;
  s.settings.timeout_kill = 700 ;
  return s ;
}

static uint32_t letter (struct slot_state *s, char c)
{
  struct facts f = { .now = BASE + MS(100), .wstat = 0, .settings = 0 } ;
  int e = machine_letter(c) ;
  ck_assert_int_ge(e, 0) ;
  return machine_step(s, (enum service_event)e, &f) ;
}

static struct { char c ; int sig ; } const to_leader[] =
{
  { 'a', SIGALRM }, { 'b', SIGABRT }, { 'q', SIGQUIT }, { 'h', SIGHUP }, { 'k', SIGKILL }, { 't', SIGTERM }, { 'i', SIGINT },
  { '1', SIGUSR1 }, { '2', SIGUSR2 }, { 'p', SIGSTOP }, { 'c', SIGCONT }, { 'y', SIGWINCH }, { 'r', SIGINT }, { 'l', SIGWINCH }
} ;
static struct { char c ; int sig ; } const to_group[] = { { 'P', SIGSTOP }, { 'C', SIGCONT }, { 'K', SIGKILL } } ;

static enum service_state const ups[] = { UP, STOPPING, LAST_UP } ;
static enum service_state const finishing[] = { FINISH, LAST_FINISH } ;
static enum service_state const downs[] = { WAITING, DOWN, BACKOFF, FATAL } ;

START_TEST(signals_reach_a_run_only)
{
  for (size_t k = 0 ; k < sizeof to_leader / sizeof to_leader[0] ; k++)
    for (int state = 0 ; state < SERVICE_STATES ; state++)
    {
      int is_up = state == UP || state == STOPPING || state == LAST_UP ;
      struct slot_state s = in_state((enum service_state)state, WANT_UP) ;
      uint32_t owed = letter(&s, to_leader[k].c) ;
      ck_assert_msg(!!(owed & OWE_SIGNAL) == is_up, "letter %c in state %s", to_leader[k].c, state_name((enum service_state)state)) ;
      ck_assert_int_eq(s.state, state) ;
      ck_assert(s.flags & WANT_UP) ;
      if (is_up) ck_assert_int_eq(s.sig, to_leader[k].sig) ;
      else ck_assert_uint_eq(owed, 0) ;
    }
  for (size_t k = 0 ; k < sizeof to_group / sizeof to_group[0] ; k++)
    for (int state = 0 ; state < SERVICE_STATES ; state++)
    {
      int is_up = state == UP || state == STOPPING || state == LAST_UP ;
      struct slot_state s = in_state((enum service_state)state, WANT_UP) ;
      uint32_t owed = letter(&s, to_group[k].c) ;
      ck_assert_uint_eq(owed, is_up ? OWE_SIGNAL_GROUP : 0) ;
      if (is_up) ck_assert_int_eq(s.sig, to_group[k].sig) ;
    }
}
END_TEST

START_TEST(pause_and_continue_show)
{
  struct slot_state s = in_state(UP, WANT_UP) ;
  ck_assert(letter(&s, 'p') & OWE_STATUS) ;
  ck_assert(s.flags & PAUSED) ;
  ck_assert(letter(&s, 'c') & OWE_STATUS) ;
  ck_assert(!(s.flags & PAUSED)) ;
}
END_TEST

/* d: want down, the down-signal, CONT, and timeout-kill from the first. */
START_TEST(d_and_D)
{
  for (int file = 0 ; file < 2 ; file++)
  {
    char c = file ? 'D' : 'd' ;
    uint32_t down_file = file ? OWE_DOWN_FILE : 0 ;
    struct slot_state s = in_state(UP, WANT_UP) ;
    uint32_t owed = letter(&s, c) ;
    ck_assert_uint_eq(owed, OWE_SIGNAL | OWE_CONT | OWE_STATUS | down_file) ;
    ck_assert_int_eq(s.sig, SIGINT) ;
    ck_assert_int_eq(s.deadline, BASE + MS(100) + MS(700)) ;
    ck_assert(!(s.flags & WANT_UP)) ;
    s.started += MS(300) ;
    letter(&s, c) ;
    ck_assert_int_eq(s.deadline, BASE + MS(100) + MS(700)) ;
    for (size_t k = 0 ; k < sizeof downs / sizeof downs[0] ; k++)
    {
      s = in_state(downs[k], WANT_UP) ;
      owed = letter(&s, c) ;
      ck_assert_uint_eq(owed & ~(uint32_t)OWE_STATUS, down_file) ;
      ck_assert_int_eq(s.state, downs[k] == FATAL ? FATAL : DOWN) ;
      ck_assert(!(s.flags & WANT_UP)) ;
    }
    for (size_t k = 0 ; k < 2 ; k++)
    {
      s = in_state(finishing[k], WANT_UP) ;
      owed = letter(&s, c) ;
      ck_assert_uint_eq(owed, OWE_STATUS | down_file) ;
      ck_assert_int_eq(s.state, finishing[k]) ;
      ck_assert(!(s.flags & WANT_UP)) ;
    }
  }
}
END_TEST

START_TEST(u_and_U_and_o)
{
  static char const letters[] = "uUo" ;
  for (char const *c = letters ; *c ; c++)
  {
    uint32_t down_file = *c == 'U' ? OWE_DOWN_FILE : 0 ;
    for (size_t k = 0 ; k < sizeof downs / sizeof downs[0] ; k++)
    {
      struct slot_state s = in_state(downs[k], downs[k] == WAITING ? HELD : 0) ;
      uint32_t owed = letter(&s, *c) ;
      ck_assert_uint_eq(owed, OWE_SPAWN_RUN | OWE_STATUS | OWE_EVENT | down_file) ;
      ck_assert_int_eq(s.state, UP) ;
      ck_assert_str_eq(s.letters, "u") ;
      ck_assert_int_eq(!!(s.flags & WANT_UP), *c != 'o') ;
      s = in_state(downs[k], FOR_GOOD) ;
      ck_assert(!(letter(&s, *c) & OWE_SPAWN_RUN)) ;
    }
    for (size_t k = 0 ; k < 3 + 2 ; k++)
    {
      enum service_state state = k < 3 ? ups[k] : finishing[k - 3] ;
      struct slot_state s = in_state(state, *c == 'o' ? WANT_UP : 0) ;
      uint32_t owed = letter(&s, *c) ;
      ck_assert_uint_eq(owed, OWE_STATUS | down_file) ;
      ck_assert_int_eq(s.state, state) ;
      ck_assert_int_eq(!!(s.flags & WANT_UP), *c != 'o') ;
    }
  }
}
END_TEST

START_TEST(O_and_Q)
{
  for (int state = 0 ; state < SERVICE_STATES ; state++)
    for (int file = 0 ; file < 2 ; file++)
    {
      struct slot_state s = in_state((enum service_state)state, WANT_UP) ;
      uint32_t owed = letter(&s, file ? 'Q' : 'O') ;
      ck_assert(!(s.flags & WANT_UP)) ;
      ck_assert(!(owed & (OWE_SIGNAL | OWE_SPAWN_RUN | OWE_END))) ;
      ck_assert_int_eq(!!(owed & OWE_DOWN_FILE), file) ;
    }
}
END_TEST

START_TEST(x)
{
  for (size_t k = 0 ; k < sizeof downs / sizeof downs[0] ; k++)
  {
    struct slot_state s = in_state(downs[k], 0) ;
    uint32_t owed = letter(&s, 'x') ;
    ck_assert(owed & OWE_END) ;
    ck_assert_str_eq(s.letters, "x") ;
  }
  {
    struct facts f = { .now = BASE + SECOND, .wstat = 0, .settings = 0 } ;
    struct slot_state s = in_state(UP, WANT_UP) ;
    uint32_t owed = letter(&s, 'x') ;
    ck_assert(!(owed & (OWE_END | OWE_SIGNAL))) ;
    ck_assert_int_eq(s.state, LAST_UP) ;
    owed = machine_step(&s, EV_DIED, &f) ;
    ck_assert(owed & OWE_END) ;
    ck_assert_int_eq(memcmp(s.letters, "dDx", 4), 0) ;
    s = in_state(FINISH, WANT_UP) ;
    letter(&s, 'x') ;
    ck_assert_int_eq(s.state, LAST_FINISH) ;
    owed = machine_step(&s, EV_FINISHED, &f) ;
    ck_assert(owed & OWE_END) ;
    ck_assert_int_eq(memcmp(s.letters, "Dx", 3), 0) ;
  }
}
END_TEST

START_TEST(timeouts)
{
  struct facts f = { .now = BASE + SECOND, .wstat = 0, .settings = 0 } ;
  struct slot_state s = in_state(BACKOFF, WANT_UP) ;
  ck_assert(machine_step(&s, EV_TIMEOUT, &f) & OWE_SPAWN_RUN) ;
  s = in_state(UP, 0) ;
  ck_assert_uint_eq(machine_step(&s, EV_TIMEOUT, &f), OWE_SIGNAL | OWE_CONT) ;
  ck_assert_int_eq(s.sig, SIGKILL) ;
  ck_assert_int_eq(s.deadline, BASE + SECOND + MS(5000)) ;
  s = in_state(FINISH, 0) ;
  ck_assert_uint_eq(machine_step(&s, EV_TIMEOUT, &f), OWE_KILL_FINISH) ;
  ck_assert_int_eq(s.deadline, BASE + SECOND + MS(5000)) ;
}
END_TEST

START_TEST(letters_and_events_agree)
{
  ck_assert_int_eq(machine_letter(0), -1) ;
  ck_assert_int_eq(machine_letter('Z'), -1) ;
  ck_assert_int_eq(machine_letter('\n'), -1) ;
  for (int i = 0 ; CONTROL_LETTERS[i] ; i++) ck_assert_int_eq(machine_letter(CONTROL_LETTERS[i]), i) ;
}
END_TEST

START_TEST(nonsense_is_ignored)
{
  struct facts f = { .now = BASE, .wstat = 0, .settings = 0 } ;
  struct slot_state s = in_state(UP, WANT_UP), before ;
  s.state = 77 ;
  before = s ;
  ck_assert_uint_eq(machine_step(&s, EV_d, &f), 0) ;
  s.state = UP ;
  before.state = UP ;
  ck_assert_uint_eq(machine_step(&s, (enum service_event)SERVICE_EVENTS, &f), 0) ;
  ck_assert_int_eq(memcmp(&s, &before, sizeof s), 0) ;
}
END_TEST

/* ---- when it starts again */

static struct slot_state died_after (struct settings const *settings, int64_t age, int32_t wstat)
{
  struct facts f = { .now = BASE + age, .wstat = wstat, .settings = 0 } ;
  struct slot_state s = in_state(UP, WANT_UP) ;
  s.settings = *settings ;
  machine_step(&s, EV_DIED, &f) ;
  return s ;
}

START_TEST(restart_rule)
{
  struct settings c = settings_default ;
  struct slot_state s = died_after(&c, MS(300), EXITED(0)) ;
  ck_assert_int_eq(s.state, BACKOFF) ;
  ck_assert_int_eq(s.deadline, BASE + SECOND) ;        /* 1 s after the start, not after the death */
  s = died_after(&c, MS(999), EXITED(0)) ;
  ck_assert_int_eq(s.deadline, BASE + SECOND) ;
  s = died_after(&c, SECOND, EXITED(0)) ;
  ck_assert_int_eq(s.deadline, BASE + SECOND) ;        /* at once */
  s = died_after(&c, 7200 * SECOND, SIGSEGV) ;
  ck_assert_int_eq(s.deadline, BASE + 7200 * SECOND) ;
}
END_TEST

START_TEST(restart_policies)
{
  struct settings c = settings_default ;
  c.restart = RESTART_ON_FAILURE ;
  ck_assert_int_eq(died_after(&c, SECOND, EXITED(0)).state, DOWN) ;
  ck_assert_int_eq(died_after(&c, SECOND, EXITED(0)).cause, WHY_POLICY) ;
  ck_assert_int_eq(died_after(&c, SECOND, EXITED(1)).state, BACKOFF) ;
  ck_assert_int_eq(died_after(&c, SECOND, SIGTERM).state, BACKOFF) ;
  c.restart = RESTART_NEVER ;
  ck_assert_int_eq(died_after(&c, SECOND, EXITED(1)).state, DOWN) ;
  ck_assert_int_eq(died_after(&c, SECOND, SIGKILL).cause, WHY_POLICY) ;
}
END_TEST

/* Quick deaths in a row: 50, 100, 200, 400, 400 …; a long life begins anew. */
START_TEST(backoff_doubles)
{
  static int64_t const pauses[] = { 50, 100, 200, 400, 400, 400 } ;
  struct slot_state s = in_state(UP, WANT_UP) ;
  struct facts f = { .now = BASE, .wstat = 0, .settings = 0 } ;
  s.settings.backoff_min = 50 ;
  s.settings.backoff_max = 400 ;
  for (size_t k = 0 ; k < sizeof pauses / sizeof pauses[0] ; k++)
  {
    f.now = s.started + MS(10) ;
    machine_step(&s, EV_DIED, &f) ;
    ck_assert_int_eq(s.state, BACKOFF) ;
    ck_assert_int_eq(s.deadline, f.now + MS(pauses[k])) ;
    f.now = s.deadline ;
    machine_step(&s, EV_TIMEOUT, &f) ;
    ck_assert_int_eq(s.state, UP) ;
  }
  f.now = s.started + 2 * SECOND ;
  machine_step(&s, EV_DIED, &f) ;
  ck_assert_int_eq(s.deadline, f.now) ;
  machine_step(&s, EV_TIMEOUT, &f) ;
  f.now = s.started ;
  machine_step(&s, EV_DIED, &f) ;
  ck_assert_int_eq(s.deadline, f.now + MS(50)) ;
}
END_TEST

START_TEST(max_restarts)
{
  struct slot_state s = in_state(UP, WANT_UP) ;
  struct facts f = { .now = BASE, .wstat = EXITED(1), .settings = 0 } ;
  s.settings.max_restarts = 2 ;
  s.settings.max_restarts_time = 60 ;
  for (int k = 0 ; k < 3 ; k++)
  {
    f.now = s.started + SECOND ;
    machine_step(&s, EV_DIED, &f) ;
    ck_assert_int_eq(s.state, k < 2 ? BACKOFF : FATAL) ;
    if (k < 2) machine_step(&s, EV_TIMEOUT, &f) ;
  }
  ck_assert_int_eq(s.cause, WHY_TOO_MANY) ;
  ck_assert_mem_eq(s.letters, "dOD", 4) ;
  /* asked for by hand it begins anew */
  f.now += SECOND ;
  machine_step(&s, EV_u, &f) ;
  ck_assert_int_eq(s.state, UP) ;
  ck_assert_uint_eq(s.window_deaths, 0) ;
  /* deaths further apart than the time never count together */
  for (int k = 0 ; k < 9 ; k++)
  {
    f.now = s.started + 61 * SECOND ;
    machine_step(&s, EV_DIED, &f) ;
    ck_assert_int_eq(s.state, BACKOFF) ;
    machine_step(&s, EV_TIMEOUT, &f) ;
  }
}
END_TEST

/* A restart on command is no death: neither by a signal that asks for it nor by d and u. */
START_TEST(a_restart_on_command_is_no_death)
{
  static enum service_event const ways[] = { EV_r, EV_t, EV_k, EV_K, EV_d } ;
  struct slot_state s = in_state(UP, WANT_UP) ;
  struct facts f = { .now = BASE, .wstat = SIGTERM, .settings = 0 } ;
  s.settings.max_restarts = 0 ;
  s.settings.max_restarts_time = 60 ;
  for (size_t k = 0 ; k < 2 * sizeof ways / sizeof ways[0] ; k++)
  {
    s.settings.flags = k & 1 ? HAS_FINISH : 0 ;
    machine_step(&s, ways[k / 2], &f) ;
    machine_step(&s, EV_u, &f) ;
    f.now = s.started + SECOND ;
    machine_step(&s, EV_DIED, &f) ;
    if (s.state == FINISH) machine_step(&s, EV_FINISHED, &f) ;
    ck_assert_int_eq(s.state, BACKOFF) ;
    machine_step(&s, EV_TIMEOUT, &f) ;
    ck_assert_int_eq(s.state, UP) ;
  }
  /* the next one is its own */
  f.now = s.started + SECOND ;
  machine_step(&s, EV_DIED, &f) ;
  if (s.state == FINISH) machine_step(&s, EV_FINISHED, &f) ;
  ck_assert_int_eq(s.state, FATAL) ;
  ck_assert_int_eq(s.cause, WHY_TOO_MANY) ;
}
END_TEST

/* What has been given up stays so for the reason it has, whatever is asked that is no start. */
START_TEST(a_reason_outlives_orders)
{
  static enum service_event const orders[] = { EV_d, EV_D, EV_O, EV_Q, EV_r, EV_t, EV_HOLD, EV_GO, EV_HALT } ;
  for (size_t k = 0 ; k < sizeof orders / sizeof orders[0] ; k++)
  {
    struct slot_state s = in_state(FATAL, 0) ;
    struct facts f = { .now = BASE, .wstat = 0, .settings = 0 } ;
    s.cause = WHY_125 ;
    machine_step(&s, orders[k], &f) ;
    ck_assert_int_eq(s.state, FATAL) ;
    ck_assert_int_eq(s.cause, WHY_125) ;
  }
}
END_TEST

START_TEST(finish_125_is_for_good)
{
  struct slot_state s = in_state(FINISH, WANT_UP) ;
  struct facts f = { .now = BASE + SECOND, .wstat = EXITED(125), .settings = 0 } ;
  uint32_t owed = machine_step(&s, EV_FINISHED, &f) ;
  ck_assert_int_eq(s.state, FATAL) ;
  ck_assert_int_eq(s.cause, WHY_125) ;
  ck_assert(owed & OWE_EVENT) ;
  ck_assert_int_eq(memcmp(s.letters, "OD", 3), 0) ;
  s = in_state(FINISH, WANT_UP) ;
  f.wstat = EXITED(124) ;
  machine_step(&s, EV_FINISHED, &f) ;
  ck_assert_int_eq(s.state, BACKOFF) ;
}
END_TEST

START_TEST(condemned_becomes_fatal)
{
  for (int state = 0 ; state < SERVICE_STATES ; state++)
  {
    struct facts f = { .now = BASE + SECOND, .wstat = SIGKILL, .settings = 0 } ;
    struct slot_state s = in_state((enum service_state)state, WANT_UP) ;
    uint32_t owed ;
    s.settings.flags |= HAS_FINISH ;
    if (state == STOPPING) s.deadline = NEVER ;
    owed = machine_step(&s, EV_CONDEMN, &f) ;
    ck_assert(!(owed & OWE_SPAWN_RUN)) ;
    ck_assert(!(s.flags & WANT_UP)) ;
    if (!state_is_live((enum service_state)state))
    {
      ck_assert_int_eq(s.state, FATAL) ;
      continue ;
    }
    if (state == STOPPING) ck_assert(owed & OWE_KILL_STOP) ;
    ck_assert(owed & (OWE_SIGNAL | OWE_KILL_FINISH)) ;
    owed = machine_step(&s, state == FINISH || state == LAST_FINISH ? EV_FINISHED : EV_DIED, &f) ;
    ck_assert(!(owed & (OWE_SPAWN_RUN | OWE_SPAWN_FINISH))) ;
    if (state == LAST_UP || state == LAST_FINISH) ck_assert(owed & OWE_END) ;
    else ck_assert_int_eq(s.state, FATAL) ;
  }
}
END_TEST

/* PID 1 faulted twice on making the process: there is none to wait for. */
START_TEST(condemned_without_a_process)
{
  static enum service_state const live[] = { UP, FINISH, LAST_UP, LAST_FINISH } ;
  for (size_t i = 0 ; i < sizeof live / sizeof live[0] ; i++)
  {
    struct facts f = { .now = BASE + SECOND, .wstat = 0, .settings = 0 } ;
    struct slot_state s = in_state(live[i], WANT_UP | UNSPAWNED) ;
    uint32_t owed = machine_step(&s, EV_CONDEMN, &f) ;
    ck_assert(!(owed & (OWE_SPAWN_RUN | OWE_SPAWN_FINISH | OWE_SIGNAL))) ;
    if (live[i] == LAST_UP || live[i] == LAST_FINISH) ck_assert(owed & OWE_END) ;
    else ck_assert_int_eq(s.state, FATAL) ;
  }
}
END_TEST

START_TEST(readiness_once)
{
  struct slot_state s = in_state(UP, WANT_UP) ;
  struct facts f = { .now = BASE + SECOND, .wstat = 0, .settings = 0 } ;
  ck_assert_uint_eq(machine_step(&s, EV_NOTIFIED, &f), OWE_CLOSE_NOTIFY | OWE_STATUS | OWE_EVENT) ;
  ck_assert_str_eq(s.letters, "U") ;
  ck_assert_uint_eq(machine_step(&s, EV_NOTIFIED, &f), 0) ;
}
END_TEST

START_TEST(words_for_every_state_and_cause)
{
  for (int i = 0 ; i < SERVICE_STATES ; i++) ck_assert_str_ne(state_name((enum service_state)i), "damaged") ;
  for (int i = 1 ; i < WHYS ; i++) ck_assert_uint_gt(strlen(why_text((enum why)i)), 4) ;
  ck_assert_str_eq(state_name((enum service_state)200), "damaged") ;
  ck_assert_str_eq(why_text((enum why)200), "") ;
}
END_TEST

int main (void)
{
  Suite *s = suite_create("machine") ;
  TCase *walks = tcase_create("walk"), *cells = tcase_create("cells"), *rules = tcase_create("rules") ;
  SRunner *r ;
  int failed ;
  tcase_set_timeout(walks, 120) ;
  tcase_add_loop_test(walks, every_state, 0, 48) ;
  tcase_add_test(cells, signals_reach_a_run_only) ;
  tcase_add_test(cells, pause_and_continue_show) ;
  tcase_add_test(cells, d_and_D) ;
  tcase_add_test(cells, u_and_U_and_o) ;
  tcase_add_test(cells, O_and_Q) ;
  tcase_add_test(cells, x) ;
  tcase_add_test(cells, timeouts) ;
  tcase_add_test(cells, letters_and_events_agree) ;
  tcase_add_test(cells, nonsense_is_ignored) ;
  tcase_add_test(rules, restart_rule) ;
  tcase_add_test(rules, restart_policies) ;
  tcase_add_test(rules, backoff_doubles) ;
  tcase_add_test(rules, max_restarts) ;
  tcase_add_test(rules, a_restart_on_command_is_no_death) ;
  tcase_add_test(rules, a_reason_outlives_orders) ;
  tcase_add_test(rules, finish_125_is_for_good) ;
  tcase_add_test(rules, condemned_becomes_fatal) ;
  tcase_add_test(rules, condemned_without_a_process) ;
  tcase_add_test(rules, readiness_once) ;
  tcase_add_test(rules, words_for_every_state_and_cause) ;
  suite_add_tcase(s, walks) ;
  suite_add_tcase(s, cells) ;
  suite_add_tcase(s, rules) ;
  r = srunner_create(s) ;
  srunner_run_all(r, CK_NORMAL) ;
  failed = srunner_ntests_failed(r) ;
  srunner_free(r) ;
  return !!failed ;
}
