/* ISC license. */

/*
   Dependencies in a container, each rule by itself: time limits, failures, what a stop may cut
   short, changes by order, instances, a tree that is edited while it runs. The trees are made
   here, of services that say on /events what they do.
*/

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "harness.h"

#define RC "etc/s6-overlay/s6-rc.d/"
#define TREE(name) "../../trees/" name

/* ---- making trees */

static void put (box *b, char const *service, char const *file, char const *text)
{
  char path[256] ;
  snprintf(path, sizeof path, RC "%s/%s", service, file) ;
  box_file(b, path, 0644, text) ;
}

static void needs (box *b, char const *service, char const *other)
{
  char file[128] ;
  snprintf(file, sizeof file, "dependencies.d/%s", other) ;
  put(b, service, file, "") ;
}

static void in_user (box *b, char const *service)
{
  char file[128] ;
  snprintf(file, sizeof file, "contents.d/%s", service) ;
  put(b, "user", file, "") ;
}

/* RUN is what run executes. NEED: a service, or 0. */
static void longrun (box *b, char const *name, char const *run, char const *need)
{
  char text[512] ;
  put(b, name, "type", "longrun\n") ;
  snprintf(text, sizeof text, "#!/bin/sh\nexec %s\n", run) ;
  put(b, name, "run", text) ;
  snprintf(text, sizeof text, "#!/bin/sh\necho 'stop %s' >> /events\n", name) ;
  put(b, name, "finish", text) ;
  if (need) needs(b, name, need) ;
}

/* "up NAME" when it runs, "stop NAME" when it is over. */
static void simple (box *b, char const *name, char const *need)
{
  char text[128] ;
  snprintf(text, sizeof text, "actor up 'up %s'", name) ;
  longrun(b, name, text, need) ;
}

static void ready (box *b, char const *name, char const *need)
{
  char text[128] ;
  snprintf(text, sizeof text, "actor ready 3 'up %s'", name) ;
  longrun(b, name, text, need) ;
  put(b, name, "notification-fd", "3\n") ;
}

static void oneshot (box *b, char const *name, char const *up, char const *down, char const *need)
{
  put(b, name, "type", "oneshot\n") ;
  put(b, name, "up", up) ;
  if (down) put(b, name, "down", down) ;
  if (need) needs(b, name, need) ;
}

static void said_before (box *b, char const *first, char const *then)
{
  char const *x = strstr(box_events(b), first), *y = strstr(box_events(b), then) ;
  ck_assert_msg(x && y && x < y, "`%s` does not come before `%s`", first, then) ;
}

static void boot (box *b, char const *const *env)
{
  struct box_how const how = { .env = env } ;
  box_boot(b, &how, "actor", "up", "cmd", (char *)0) ;
}

#define ENV(...) ((char const *const []){ __VA_ARGS__, 0 })
#define NO_ENV 0

/* ---- the literal trees that end in their own way */

START_TEST(halt_in_mid_boot)
{
  box *b = box_new(TREE("halt")) ;
  boot(b, NO_ENV) ;
  ck_assert_int_eq(box_exit_code(b), 3) ;
  ck_assert_uint_eq(box_event_count(b, "finish main 3 0"), 1) ;
  ck_assert_uint_eq(box_event_count(b, "start never"), 0) ;
  ck_assert_uint_eq(box_event_count(b, "done slow"), 0) ;
  ck_assert_uint_eq(box_event_count(b, "cmd"), 0) ;
  box_free(b) ;
}
END_TEST

/* All that is wrong is told in one run, and nothing starts. */
START_TEST(all_errors_at_once)
{
  static char const *const errors[] =
  {
    "cycle: ", "databse", "did you mean database?", "kafka", "nobody", "there is a database already", "longrum is no type", "untyped/type",
    "no-up/up", "no-run/run", "two consumers", "talks-to-once", "lonely", "producer-for: it must name exactly one", "s6rc-mine", "base", 0
  } ;
  box *b = box_new(TREE("faults")) ;
  box_file(b, "etc/cont-init.d/10", 0755, "#!/bin/sh\necho cont-init >> /events\n") ;
  boot(b, NO_ENV) ;
  ck_assert_int_eq(box_exit_code(b), 1) ;
  for (char const *const *e = errors ; *e ; e++) ck_assert_msg(box_says(b, *e), "not said: %s", *e) ;
  ck_assert_str_eq(box_events(b), "") ;
  box_free(b) ;
}
END_TEST

/* Every line of both producers is in the file of the logger that they share. */
START_TEST(lines_reach_the_log)
{
  box *b = box_new(TREE("logger")) ;
  boot(b, NO_ENV) ;
  box_event(b, "cmd") ;
  box_event(b, "start myapp") ;
  box_event(b, "start myapp-worker") ;
  box_event(b, "start myapp-log") ;
  ck_assert_str_eq(box_ask(b, "s6-svc -r /run/service/myapp-log"), "") ;
  box_event(b, "stop myapp-log") ;
  box_event(b, "start myapp-log") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  char const *log = box_read(b, "var/log/myapp/current") ;
  ck_assert_ptr_nonnull(strstr(log, "a line of myapp\n")) ;
  ck_assert_ptr_nonnull(strstr(log, "a line of myapp-worker\n")) ;
  box_free(b) ;
}
END_TEST

/* ---- time limits */

START_TEST(timeout_up_of_a_oneshot)
{
  box *b = box_new(0) ;
  box_gate(b, "never") ;
  oneshot(b, "slow", "redirfd -r 0 /gates/never cat", 0, 0) ;
  put(b, "slow", "timeout-up", "1\n") ;
  simple(b, "after", "slow") ;
  in_user(b, "after") ;
  boot(b, NO_ENV) ;
  box_expect(b, "oneshot slow: its time is over (timeout-up)") ;
  box_expect(b, "oneshot slow failed: killed by KILL; not started because of it: after") ;
  box_event(b, "cmd") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  ck_assert_uint_eq(box_event_count(b, "up after"), 0) ;
  box_free(b) ;
}
END_TEST

/* A longrun that does not become ready in its time fails, and is taken down. */
START_TEST(timeout_up_of_a_longrun)
{
  box *b = box_new(0) ;
  simple(b, "deaf", 0) ;
  put(b, "deaf", "notification-fd", "3\n") ;
  put(b, "deaf", "timeout-up", "1\n") ;
  simple(b, "after", "deaf") ;
  in_user(b, "after") ;
  boot(b, NO_ENV) ;
  box_expect(b, "service deaf failed: it was not ready in time (timeout-up); not started because of it: after") ;
  box_event(b, "cmd") ;
  box_event(b, "stop deaf") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  ck_assert_uint_eq(box_event_count(b, "up after"), 0) ;
  box_free(b) ;
}
END_TEST

START_TEST(timeout_down)
{
  box *b = box_new(0) ;
  box_gate(b, "never") ;
  simple(b, "below", 0) ;
  oneshot(b, "slow", "", "redirfd -r 0 /gates/never cat", "below") ;
  put(b, "slow", "timeout-down", "1\n") ;
  longrun(b, "deaf", "actor deaf", "slow") ;
  put(b, "deaf", "timeout-down", "1\n") ;
  in_user(b, "deaf") ;
  boot(b, ENV("S6_KILL_GRACETIME=1", "S6_SERVICES_GRACETIME=1")) ;
  box_event_after(b, "deaf ") ;
  box_event(b, "up below") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  ck_assert(box_says(b, "service deaf is not down in time (timeout-down): what it depends on is stopped all the same")) ;
  ck_assert(box_says(b, "oneshot slow: its time is over (timeout-down)")) ;
  ck_assert_uint_eq(box_event_count(b, "stop below"), 1) ;
  box_free(b) ;
}
END_TEST

/* timeout-kill of the tree's own services is not cut by S6_SERVICES_GRACETIME: when the time of
   /etc/services.d is over, and what a deaf service there needs goes down, the database still drains. */
START_TEST(a_database_gets_its_time)
{
  box *b = box_new(0) ;
  box_gate(b, "drained") ;
  longrun(b, "db", "actor drain db 15 drained", 0) ;
  put(b, "db", "timeout-kill", "120000\n") ;
  in_user(b, "db") ;
  simple(b, "below", 0) ;
  box_file(b, "etc/services.d/deaf/run", 0755, "#!/bin/sh\nexec actor deaf\n") ;
  box_file(b, "etc/services.d/deaf/dependencies.d/below", 0644, "") ;
  box_file(b, "etc/cont-finish.d/10", 0755, "#!/bin/sh\necho cont-finish >> /events\n") ;
  boot(b, ENV("S6_SERVICES_GRACETIME=1", "S6_KILL_GRACETIME=1")) ;
  box_event(b, "db up") ;
  box_event(b, "up below") ;
  box_event_after(b, "deaf ") ;
  box_event(b, "cmd") ;
  box_signal(b, SIGTERM) ;
  box_event(b, "db drains") ;
  box_event(b, "stop below") ;
  box_open_gate(b, "drained") ;
  box_event(b, "db drained") ;
  ck_assert_int_eq(box_exit_code(b), 0) ;
  said_before(b, "db drained", "cont-finish") ;
  ck_assert_uint_eq(box_event_count(b, "stop db"), 1) ;
  box_free(b) ;
}
END_TEST

/* ---- failures */

START_TEST(a_failed_oneshot)
{
  static int const codes[] = { 0, 0, 1 } ;
  char variable[64] ;
  char const *const env[] = { variable, 0 } ;
  box *b = box_new(0) ;
  snprintf(variable, sizeof variable, "S6_BEHAVIOUR_IF_STAGE2_FAILS=%d", _i) ;
  ready(b, "below", 0) ;
  oneshot(b, "migrate", "false", 0, "below") ;
  simple(b, "app", "migrate") ;
  simple(b, "web", "app") ;
  simple(b, "beside", "below") ;
  in_user(b, "web") ;
  in_user(b, "beside") ;
  boot(b, env) ;
  box_expect(b, "oneshot migrate failed: exited 1; not started because of it: app, web") ;
  if (_i < 2)
  {
    box_event(b, "cmd") ;
    box_event(b, "up beside") ;
    ck_assert_int_eq(box_stop(b), codes[_i]) ;
  }
  else ck_assert_int_eq(box_exit_code(b), codes[_i]) ;
  ck_assert_uint_eq(box_event_count(b, "up app") + box_event_count(b, "up web"), 0) ;
  ck_assert_uint_eq(box_event_count(b, "cmd"), _i < 2) ;
  ck_assert_uint_eq(box_event_count(b, "stop below"), 1) ;
  box_free(b) ;
}
END_TEST

/* What cannot be executed says why. */
START_TEST(a_oneshot_without_its_program)
{
  box *b = box_new(0) ;
  oneshot(b, "lost", "no-such-program", 0, 0) ;
  in_user(b, "lost") ;
  boot(b, NO_ENV) ;
  box_expect(b, "unable to exec no-such-program") ;
  box_expect(b, "oneshot lost failed: exited 127") ;
  box_event(b, "cmd") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  box_free(b) ;
}
END_TEST

/* What cont-init.d breaks fails by name, and the rest boots. */
START_TEST(broken_by_cont_init)
{
  box *b = box_new(0) ;
  simple(b, "good", 0) ;
  simple(b, "bad", 0) ;
  simple(b, "after", "bad") ;
  in_user(b, "good") ;
  in_user(b, "after") ;
  box_file(b, "etc/cont-init.d/10", 0755, "#!/bin/sh\n: > /" RC "bad/dependencies.d/nobody\n") ;
  box_dir(b, RC "bad/dependencies.d", 0755) ;
  boot(b, NO_ENV) ;
  box_expect(b, "there is no service nobody") ;
  box_expect(b, "service bad failed: its definition has an error; not started because of it: after") ;
  box_event(b, "up good") ;
  box_event(b, "cmd") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  box_free(b) ;
}
END_TEST

/* S6_CMD_WAIT_FOR_SERVICES_MAXTIME names what was waited for. */
START_TEST(the_whole_start_has_a_limit)
{
  box *b = box_new(0) ;
  simple(b, "never-ready", 0) ;
  put(b, "never-ready", "notification-fd", "3\n") ;
  simple(b, "after", "never-ready") ;
  in_user(b, "after") ;
  boot(b, _i ? ENV("S6_CMD_WAIT_FOR_SERVICES_MAXTIME=20", "S6_BEHAVIOUR_IF_STAGE2_FAILS=2") : ENV("S6_CMD_WAIT_FOR_SERVICES_MAXTIME=20")) ;
  char const *line = box_expect(b, "services were not ready in time (S6_CMD_WAIT_FOR_SERVICES_MAXTIME): still waiting for never-ready; ") ;
  ck_assert_ptr_nonnull(strstr(line, _i ? "the container stops" : "going on to the CMD")) ;
  if (!_i) box_event(b, "cmd") ;
  ck_assert_int_eq(_i ? box_exit_code(b) : box_stop(b), _i) ;
  ck_assert_uint_eq(box_event_count(b, "cmd"), !_i) ;
  box_free(b) ;
}
END_TEST

/* The time of cont-init.d counts; its script is not cut. */
START_TEST(the_limit_begins_before_cont_init)
{
  box *b = box_new(0) ;
  box_gate(b, "go") ;
  ready(b, "slow", 0) ;
  in_user(b, "slow") ;
  box_file(b, "etc/cont-init.d/10-waits", 0755, "#!/bin/sh\nread x < /gates/go\necho cont-init >> /events\n") ;
  boot(b, ENV("S6_CMD_WAIT_FOR_SERVICES_MAXTIME=1")) ;
  box_expect(b, "still waiting for cont-init.d/10-waits; after that the CMD runs without waiting for services") ;
  box_open_gate(b, "go") ;
  box_event(b, "cont-init") ;
  box_event(b, "cmd") ;
  box_event(b, "up slow") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  box_free(b) ;
}
END_TEST

int main (void)
{
  TCase *tc[] = { box_case("ends"), box_case("times"), box_case("failures") } ;
  tcase_add_test(tc[0], halt_in_mid_boot) ;
  tcase_add_test(tc[0], all_errors_at_once) ;
  tcase_add_test(tc[0], lines_reach_the_log) ;
  tcase_add_test(tc[1], timeout_up_of_a_oneshot) ;
  tcase_add_test(tc[1], timeout_up_of_a_longrun) ;
  tcase_add_test(tc[1], timeout_down) ;
  tcase_add_test(tc[1], a_database_gets_its_time) ;
  tcase_add_loop_test(tc[2], a_failed_oneshot, 0, 3) ;
  tcase_add_test(tc[2], a_oneshot_without_its_program) ;
  tcase_add_test(tc[2], broken_by_cont_init) ;
  tcase_add_loop_test(tc[2], the_whole_start_has_a_limit, 0, 2) ;
  tcase_add_test(tc[2], the_limit_begins_before_cont_init) ;
  return box_main("rc", tc, sizeof tc / sizeof tc[0]) ;
}
