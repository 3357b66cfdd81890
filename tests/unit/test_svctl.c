/* ISC license. */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <check.h>

#include "tools/svctl.h"
#include "sample.h"

char const *PROG = "test_svctl" ;

/* ---------------------------------------------------------------- what goes to a terminal */

static struct { char const *name ; char const *shown ; char const *json ; size_t width ; } const names[] =
{
  { "nginx", "nginx", "\"nginx\"", 5 },
  { "a\tb\n", "a\\x09b\\x0a", "\"a\\u0009b\\u000a\"", 10 },
  { "\033[2J", "\\x1b[2J", "\"\\u001b[2J\"", 7 },
  { "\x7f", "\\x7f", "\"\\u007f\"", 4 },
  { "\"\\", "\"\\", "\"\\\"\\\\\"", 2 },
  { "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f", "\"gr\xc3\xbc\xc3\x9f\"", 4 },
  { "\xe2\x82\xac\xf0\x9f\x98\x80", "\xe2\x82\xac\xf0\x9f\x98\x80", "\"\xe2\x82\xac\xf0\x9f\x98\x80\"", 2 },
  { "\xc2\x9b" "31m", "\\xc2\\x9b31m", "\"\\u009b31m\"", 11 },               /* CSI in one character */
  { "\xff", "\\xff", "\"\\u00ff\"", 4 },
  { "\xc0\xaf", "\\xc0\\xaf", "\"\\u00c0\\u00af\"", 8 },                     /* longer than needed */
  { "\xed\xa0\x80", "\\xed\\xa0\\x80", "\"\\u00ed\\u00a0\\u0080\"", 12 },    /* a surrogate */
  { "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80", "\"\\u00f4\\u0090\\u0080\\u0080\"", 16 },
  { "\xe2\x82", "\\xe2\\x82", "\"\\u00e2\\u0082\"", 8 }                      /* cut short */
} ;

START_TEST(names_are_shown)
{
  stralloc sa = STRALLOC_ZERO ;
  text_shown(&sa, names[_i].name) ;
  ck_assert_uint_eq(text_width(sa.s, sa.len), names[_i].width) ;
  stralloc_0(&sa) ;
  ck_assert_str_eq(sa.s, names[_i].shown) ;
  sa.len = 0 ;
  text_json(&sa, names[_i].name) ;
  stralloc_0(&sa) ;
  ck_assert_str_eq(sa.s, names[_i].json) ;
  stralloc_free(&sa) ;
}
END_TEST

/* ---------------------------------------------------------------- what is said of a service */

#define ITEM(death, soon) .name = "a", .death_age = death, .next = soon

static struct { struct item item ; char const *state ; char const *last ; } const items[] =
{
  { { ITEM(UNKNOWN, UNKNOWN), .state = UP, .wanted = 1 }, "up", "-" },
  { { ITEM(UNKNOWN, UNKNOWN), .state = UP, .paused = 1 }, "paused", "-" },
  { { ITEM(UNKNOWN, UNKNOWN), .state = UP, .stopping = 1 }, "stopping", "-" },
  { { ITEM(UNKNOWN, UNKNOWN), .state = STOPPING }, "stopping", "-" },
  { { ITEM(UNKNOWN, UNKNOWN), .state = DOWN, .died = 1, .wstat = 3 << 8 }, "down", "exited 3" },
  { { ITEM(MS(120000), UNKNOWN), .state = UP, .died = 1, .wstat = 9 }, "up", "killed by KILL 2 min ago" },
  { { ITEM(MS(5), MS(995)), .state = BACKOFF, .died = 1, .wstat = 1 << 8 }, "backoff",
    "exited 1 5 ms ago; starts again in 995 ms" },
  { { ITEM(UNKNOWN, 0), .state = BACKOFF, .died = 1, .wstat = 127 << 8, .exec_errno = 2 }, "backoff",
    "could not be executed: No such file or directory" },
  { { ITEM(UNKNOWN, UNKNOWN), .state = FATAL, .died = 1, .wstat = 1 << 8, .cause = WHY_125 }, "fatal",
    "given up: finish exited 125 (permanent failure); exited 1" },
  { { ITEM(UNKNOWN, UNKNOWN), .state = ITEM_UNREADABLE, .error = 13 }, "unknown", "Permission denied" },
  { { ITEM(UNKNOWN, UNKNOWN), .state = ITEM_UNSUPERVISED }, "unsupervised", "-" },
  { { ITEM(UNKNOWN, UNKNOWN), .state = ITEM_ONESHOT + 2 }, "done", "-" }
} ;

START_TEST(items_in_words)
{
  stralloc sa = STRALLOC_ZERO ;
  ck_assert_str_eq(item_state_name(&items[_i].item), items[_i].state) ;
  words_last(&sa, &items[_i].item) ;
  stralloc_0(&sa) ;
  ck_assert_str_eq(sa.s, items[_i].last) ;
  stralloc_free(&sa) ;
}
END_TEST

/* ---------------------------------------------------------------- orders and their results */

/* A service of the real state machine in a world of its own: its process heeds TERM and dies,
   its finish ends, it becomes ready, it crashes a few times, all in any order. Its client gives
   orders and hears letters late. */
struct world
{
  struct slot_state s ;
  int64_t now ;
  pid_t pid ;               /* of the run; pids are counted */
  pid_t last_pid ;
  int dying ;               /* the signal that is on its way, or 0 */
  int finishing ;
  int stopper ;             /* its stop script runs */
  unsigned int crashes ;    /* that are still to come */
  char told[256] ;          /* letters that the client has not heard yet */
  size_t told_n ;
  char fifo[64] ;           /* letters that the service has not read yet */
  size_t fifo_n ;
} ;

static unsigned int roll (unsigned int n)
{
  return (unsigned int)rand() % n ;
}

static void happen (struct world *w, enum service_event e, int32_t wstat)
{
  struct facts f = { .now = w->now, .wstat = wstat, .settings = 0 } ;
  uint32_t owed = machine_step(&w->s, e, &f) ;
  if (owed & OWE_CLEAR_RUN) w->pid = w->dying = 0 ;
  if (owed & OWE_CLEAR_FINISH) w->finishing = 0 ;
  if (owed & OWE_CLEAR_STOP) w->stopper = 0 ;
  if (owed & OWE_SIGNAL && w->pid && (w->s.sig == SIGTERM || w->s.sig == SIGKILL)) w->dying = w->s.sig ;
  if (owed & OWE_SPAWN_RUN) w->pid = ++w->last_pid ;
  if (owed & OWE_SPAWN_FINISH) w->finishing = 1 ;
  if (owed & OWE_SPAWN_STOP) w->stopper = 1 ;
  if (owed & OWE_EVENT)
    for (size_t i = 0 ; i < sizeof w->s.letters && w->s.letters[i] && w->told_n < sizeof w->told ; i++)
      w->told[w->told_n++] = w->s.letters[i] ;
}

static void read_letter (struct world *w)
{
  int e = machine_letter(w->fifo[0]) ;
  memmove(w->fifo, w->fifo + 1, --w->fifo_n) ;
  happen(w, (enum service_event)e, 0) ;
}

static void run_out (struct world *w)
{
  if (w->s.deadline > w->now) w->now = w->s.deadline ;
  happen(w, EV_TIMEOUT, 0) ;
}

static int is_unready (struct world const *w)
{
  return w->pid && w->s.settings.notification_fd >= 0 && !(w->s.flags & IS_READY) && !w->dying ;
}

/* One of all the things that may happen next: 0 if there is none. */
static int go_on (struct world *w)
{
  enum { LETTER, DEATH, CRASH, READY, FINISHED, STOPPED, TIME } may[7] ;
  unsigned int n = 0 ;
  if (w->fifo_n) may[n++] = LETTER ;
  if (w->dying) may[n++] = DEATH ;
  if (w->pid && w->crashes) may[n++] = CRASH ;
  if (is_unready(w)) may[n++] = READY ;
  if (w->finishing) may[n++] = FINISHED ;
  if (w->stopper) may[n++] = STOPPED ;
  if (w->s.state == BACKOFF && w->s.deadline != NEVER) may[n++] = TIME ;
  if (!n) return 0 ;
  w->now += MS(roll(400)) ;
  switch (may[roll(n)])
  {
    case LETTER : read_letter(w) ; break ;
    case DEATH : happen(w, EV_DIED, w->dying) ; break ;
    case CRASH : w->crashes-- ; happen(w, EV_DIED, 1 << 8) ; break ;
    case READY : happen(w, EV_NOTIFIED, 0) ; break ;
    case FINISHED : happen(w, EV_FINISHED, (roll(8) ? 0 : 125) << 8) ; break ;
    case STOPPED : happen(w, EV_STOPPED, 0) ; break ;
    case TIME : run_out(w) ; break ;
  }
  return 1 ;
}

static void begin (struct world *w)
{
  static char const early[] = "udouudoxp" ;
  memset(w, 0, sizeof *w) ;
  machine_init(&w->s) ;
  w->now = MS(1000000) ;
  w->s.settings.notification_fd = roll(2) ? 3 : -1 ;
  w->s.settings.restart = (uint8_t)(roll(3) ? RESTART_ALWAYS : roll(2) ? RESTART_NEVER : RESTART_ON_FAILURE) ;
  w->s.settings.flags = (uint8_t)((roll(2) ? HAS_FINISH : 0) | (roll(4) ? 0 : HAS_STOP) | (roll(4) ? 0 : IS_DOWN)) ;
  if (!roll(4))
  {
    w->s.settings.max_restarts = 2 ;
    w->s.settings.max_restarts_time = 60 ;
  }
  w->crashes = roll(4) ;
  happen(w, EV_BEGIN, 0) ;
  for (unsigned int n = roll(12) ; n ; n--)
  {
    char c = early[roll(sizeof early - 2)] ;  /* every one but x, p: those are no state to order from */
    if (roll(3)) go_on(w) ;
    else if (c != 'x' && c != 'p') happen(w, (enum service_event)machine_letter(c), 0) ;
  }
}

/* As svctl_view.c reads a slot. */
static void look (struct world const *w, struct item *it)
{
  memset(it, 0, sizeof *it) ;
  it->state = w->s.state ;
  it->wanted = !!(w->s.flags & WANT_UP) ;
  it->notifies = w->s.settings.notification_fd >= 0 ;
  it->ready = it->notifies && item_is_up(it) && w->s.flags & IS_READY ;
  it->stopping = item_is_up(it) && (w->s.state == STOPPING || w->s.flags & STOP_SENT) ;
  it->pid = w->pid ;
}

static void send (struct world *w, char const *letters)
{
  size_t n = strlen(letters) ;
  ck_assert_uint_le(w->fifo_n + n, sizeof w->fifo) ;
  memcpy(w->fifo + w->fifo_n, letters, n) ;
  w->fifo_n += n ;
}

/* As svctl_act.c does with a letter. */
static void hear (struct world *w, struct job *j)
{
  char c = w->told[0] ;
  memmove(w->told, w->told + 1, --w->told_n) ;
  if (!job_is_open(j)) return ;
  job_letter(j, c, w->now) ;
  look(w, j->item) ;
  job_look(j) ;
  if (c == 'D' && j->phase == JOB_COMING_UP && !item_is_up(j->item)) send(w, "u") ;
}

/* All that can happen has: a service without readiness has settled by now. */
static void settle (struct world const *w, struct job *j)
{
  look(w, j->item) ;
  if (j->phase == JOB_UP && !j->item->notifies) j->phase = JOB_DONE ;
  job_look(j) ;
}

static int is_well (struct job const *j, char order)
{
  struct item const *it = j->item ;
  if (j->phase == JOB_FAILED) return 1 ;
  if (order == 'd') return item_is_at_rest(it) ;
  return item_is_up(it) && !it->stopping && (!it->notifies || it->ready) && (order != 'r' || it->pid != j->before || !j->before) ;
}

/* Gives the order and lets the world go on until its result is known. The job's item then is what
   the client saw last. */
static void carry_out (struct world *w, struct job *j, job_plan *p)
{
  look(w, j->item) ;
  w->told_n = 0 ;
  send(w, (*p)(j)) ;
  while (job_is_open(j))
  {
    if (w->told_n && !roll(3)) hear(w, j) ;
    else if (!go_on(w))
    {
      if (w->told_n) hear(w, j) ;
      else
      {
        settle(w, j) ;
        break ;
      }
    }
    else if (!roll(3) && j->goal == GOAL_DOWN)
    {
      look(w, j->item) ;
      job_look(j) ;
    }
  }
}

#define ROUNDS 200000

START_TEST(every_order_has_its_result)
{
  static struct { char order ; job_plan *plan ; } const orders[] =
    { { 'u', &job_plan_start }, { 'd', &job_plan_stop }, { 'r', &job_plan_restart } } ;
  unsigned int seed = (unsigned int)time(0), done = 0, failed = 0, rounds = ROUNDS / unit_sample() ;
  char const *given = getenv("SEED") ;
  if (given) seed = (unsigned int)strtoul(given, 0, 10) ;
  printf("seed %u\n", seed) ;
  for (unsigned int round = 0 ; round < rounds ; round++)
  {
    struct world w ;
    struct item it ;
    struct job j = { .item = &it } ;
    enum service_state from ;
    srand(seed + round) ;
    begin(&w) ;
    from = (enum service_state)w.s.state ;
    carry_out(&w, &j, orders[_i].plan) ;
    ck_assert_msg(!job_is_open(&j), "SEED=%u: order %c from %s never ends (phase %d, now %s)", seed + round, orders[_i].order,
      state_name(from), (int)j.phase, state_name((enum service_state)w.s.state)) ;
    ck_assert_msg(is_well(&j, orders[_i].order), "SEED=%u: order %c from %s is said to be done, but it is %s, pid %d (before: %d)", seed + round,
      orders[_i].order, state_name(from), item_state_name(&it), (int)it.pid, (int)j.before) ;
    if (j.phase == JOB_DONE) done++ ; else failed++ ;
  }
  ck_assert_uint_gt(done, rounds / 4) ;
  if (orders[_i].order == 'd') ck_assert_uint_eq(failed, 0) ;
  else ck_assert_uint_gt(failed, 0) ;
}
END_TEST

/* Letters and phases one by one, for what no world of keelson's does: s6's letters, the end of
   supervision. */
static struct { enum job_goal goal ; enum job_phase from ; char const *letters ; enum job_phase to ; } const stories[] =
{
  { GOAL_UP, JOB_COMING_UP, "s", JOB_COMING_UP }, { GOAL_UP, JOB_COMING_UP, "dD", JOB_COMING_UP },
  { GOAL_UP, JOB_COMING_UP, "u", JOB_UP }, { GOAL_UP, JOB_COMING_UP, "uU", JOB_DONE },
  { GOAL_UP, JOB_COMING_UP, "ud", JOB_DYING }, { GOAL_UP, JOB_COMING_UP, "udD", JOB_FAILED },
  { GOAL_UP, JOB_COMING_UP, "udOD", JOB_FAILED }, { GOAL_UP, JOB_COMING_UP, "OD", JOB_FAILED },
  { GOAL_UP, JOB_COMING_UP, "x", JOB_FAILED }, { GOAL_UP, JOB_UP, "x", JOB_FAILED },
  { GOAL_UP, JOB_UP, "D", JOB_FAILED }, { GOAL_UP, JOB_DYING, "u", JOB_FAILED },
  { GOAL_AGAIN, JOB_GOING_DOWN, "d", JOB_GOING_DOWN }, { GOAL_AGAIN, JOB_GOING_DOWN, "dD", JOB_COMING_UP },
  { GOAL_AGAIN, JOB_GOING_DOWN, "dOD", JOB_FAILED }, { GOAL_AGAIN, JOB_GOING_DOWN, "dDuU", JOB_DONE },
  { GOAL_AGAIN, JOB_GOING_DOWN, "x", JOB_FAILED }, { GOAL_DOWN, JOB_GOING_DOWN, "x", JOB_DONE },
  { GOAL_DOWN, JOB_GOING_DOWN, "dD", JOB_GOING_DOWN }, { GOAL_DEATH, JOB_GOING_DOWN, "d", JOB_DONE },
  { GOAL_DEATH, JOB_GOING_DOWN, "U", JOB_GOING_DOWN }, { GOAL_DEATH, JOB_GOING_DOWN, "x", JOB_DONE },
  { GOAL_UP, JOB_DONE, "udDx", JOB_DONE }, { GOAL_UP, JOB_FAILED, "uU", JOB_FAILED }
} ;

START_TEST(letters_one_by_one)
{
  struct item it = { .name = "a" } ;
  struct job j = { .item = &it, .goal = stories[_i].goal, .phase = stories[_i].from } ;
  for (char const *s = stories[_i].letters ; *s ; s++) job_letter(&j, *s, 7) ;
  ck_assert_int_eq((int)j.phase, (int)stories[_i].to) ;
}
END_TEST

int main (void)
{
  Suite *s = suite_create("svctl") ;
  TCase *t = tcase_create("text"), *o = tcase_create("orders") ;
  SRunner *sr ;
  int failed ;
  tcase_add_loop_test(t, names_are_shown, 0, sizeof names / sizeof *names) ;
  tcase_add_loop_test(t, items_in_words, 0, sizeof items / sizeof *items) ;
  tcase_add_loop_test(o, every_order_has_its_result, 0, 3) ;
  tcase_add_loop_test(o, letters_one_by_one, 0, sizeof stories / sizeof *stories) ;
  tcase_set_timeout(o, 60) ;
  suite_add_tcase(s, t) ;
  suite_add_tcase(s, o) ;
  sr = srunner_create(s) ;
  srunner_run_all(sr, CK_ENV) ;
  failed = srunner_ntests_failed(sr) ;
  srunner_free(sr) ;
  return !!failed ;
}
