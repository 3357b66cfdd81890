/* ISC license. */

/* The one way down: what gets its time, what is cut short, and that nothing waits for nothing. */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "harness.h"

static struct box_how const plain ;

#define UP(name) "#!/bin/sh\nexec actor up '" name " up'\n"

/* The recipe for a graceful stop in docker-base's README: the service traps TERM and does nothing,
   a script in cont-finish.d sends QUIT, the service drains and ends by itself within
   S6_KILL_FINISH_MAXTIME. S6_SERVICES_GRACETIME is far too short for that on its own. */
START_TEST(graceful_stop_of_docker_base)
{
  static char const *const env[] = { "S6_KILL_FINISH_MAXTIME=55000", "S6_KILL_GRACETIME=50", "S6_SERVICES_GRACETIME=50", 0 } ;
  struct box_how how = { .env = env } ;
  box *b = box_new("docker-base") ;
  box_gate(b, "drained") ;
  box_boot(b, &how, (char *)0) ;
  box_event(b, "web up") ;
  box_signal(b, SIGTERM) ;
  box_event(b, "web drains") ;
  box_event(b, "cont-finish over") ;
  box_open_gate(b, "drained") ;
  box_event(b, "web drained") ;
  ck_assert_int_eq(box_exit_code(b), 0) ;
  box_event(b, "web finish 0 0") ;
  ck_assert_uint_eq(box_event_count(b, "web heard 15"), 1) ;
  box_free(b) ;
}
END_TEST

/* Scripts of cont-finish.d: in order, each with S6_KILL_FINISH_MAXTIME ms, then KILL to its group. */
START_TEST(cont_finish_over_its_time)
{
  static char const *const env[] = { "S6_KILL_FINISH_MAXTIME=50", 0 } ;
  struct box_how how = { .env = env } ;
  box *b = box_new("order") ;
  box_file(b, "etc/cont-finish.d/15-deaf", 0755, "#!/bin/sh\nactor deaf &\nexec actor deaf\n") ;
  box_boot(b, &how, (char *)0) ;
  box_event(b, "one up") ;
  box_event(b, "two up") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  char const *events = box_events(b) ;
  char const *first = strstr(events, "cont-finish.d 10-first") ;
  char const *deaf = first ? strstr(first, "deaf ") : 0 ;
  ck_assert_msg(deaf && strstr(deaf, "cont-finish.d 20-second"), "%s", events) ;
  ck_assert_msg(box_says(b, "15-deaf"), "nobody says which script was over its time: %s", box_output(b)) ;
  box_free(b) ;
}
END_TEST

/* A script that waits for nothing costs no more than it takes. */
START_TEST(cont_finish_without_limit)
{
  static char const *const env[] = { "S6_KILL_FINISH_MAXTIME=0", 0 } ;
  struct box_how how = { .env = env } ;
  box *b = box_new("order") ;
  box_gate(b, "go") ;
  box_file(b, "etc/cont-finish.d/15", 0755, "#!/bin/sh\necho waiting > /events\nread x < /gates/go\n") ;
  box_boot(b, &how, (char *)0) ;
  box_event(b, "one up") ;
  box_signal(b, SIGTERM) ;
  box_event(b, "waiting") ;
  box_open_gate(b, "go") ;
  ck_assert_int_eq(box_exit_code(b), 0) ;
  ck_assert_uint_eq(box_event_count(b, "cont-finish.d 20-second"), 1) ;
  box_free(b) ;
}
END_TEST

/* A service that has ended in a stop still hears whoever writes to it, and stays down. */
START_TEST(letters_to_the_ended)
{
  box *b = box_new(0) ;
  box_file(b, "etc/services.d/a/run", 0755, UP("a")) ;
  box_file(b, "etc/services.d/b/run", 0755, UP("b")) ;
  box_file(b, "etc/services.d/b/finish", 0755,
    "#!/bin/sh\ns6-svwait -d /run/service/a && s6-svok /run/service/a && s6-svc -u /run/service/a && echo accepted > /events\n") ;
  box_boot(b, &plain, (char *)0) ;
  box_event(b, "a up") ;
  box_event(b, "b up") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  ck_assert_uint_eq(box_event_count(b, "accepted"), 1) ;
  ck_assert_uint_eq(box_event_count(b, "a up"), 1) ;
  box_free(b) ;
}
END_TEST

/* A service that ignores TERM: KILL when its time is over, and its finish still runs. */
START_TEST(a_deaf_service)
{
  static char const *const env[] = { "S6_SERVICES_GRACETIME=50", "S6_KILL_GRACETIME=50", 0 } ;
  struct box_how how = { .env = env } ;
  box *b = box_new(0) ;
  box_file(b, "etc/services.d/a/run", 0755, "#!/bin/sh\nexec actor deaf\n") ;
  box_file(b, "etc/services.d/b/run", 0755, UP("b")) ;
  box_file(b, "etc/services.d/b/finish", 0755, "#!/bin/sh\necho b finish > /events\n") ;
  box_boot(b, &how, (char *)0) ;
  box_event_after(b, "deaf ") ;
  box_event(b, "b up") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  ck_assert_uint_eq(box_event_count(b, "b finish"), 1) ;
  box_expect(b, "container ends with 0") ;
  box_free(b) ;
}
END_TEST

/* A deaf CMD likewise. */
START_TEST(a_deaf_cmd)
{
  static char const *const env[] = { "S6_SERVICES_GRACETIME=50", "S6_KILL_GRACETIME=50", 0 } ;
  struct box_how how = { .env = env } ;
  box *b = box_new(0) ;
  box_boot(b, &how, "actor", "deaf", (char *)0) ;
  box_event_after(b, "deaf ") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  box_free(b) ;
}
END_TEST

/* Daemons that nobody supervises get TERM, and KILL when they do not hear it. */
START_TEST(strays)
{
  static char const *const env[] = { "S6_SERVICES_GRACETIME=50", "S6_KILL_GRACETIME=50", 0 } ;
  struct box_how how = { .env = env } ;
  box *b = box_new(0) ;
  box_file(b, "etc/cont-init.d/10", 0755, "#!/bin/sh\nsetsid actor hear polite 15 &\nsetsid actor deaf &\n") ;
  box_boot(b, &how, (char *)0) ;
  box_event(b, "polite up") ;
  box_event_after(b, "deaf ") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  ck_assert_uint_eq(box_event_count(b, "polite heard 15"), 1) ;
  box_free(b) ;
}
END_TEST

/* What came by `docker exec` is nobody's child, and gets its TERM all the same. */
START_TEST(processes_from_outside)
{
  box *b = box_new(0) ;
  box_gate(b, "never") ;
  box_file(b, "etc/services.d/a/run", 0755, UP("a")) ;
  box_boot(b, &plain, (char *)0) ;
  box_event(b, "a up") ;
  box_sh_start(b, "exec actor hear guest 15") ;
  box_event(b, "guest up") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  ck_assert_uint_eq(box_event_count(b, "guest heard 15"), 1) ;
  box_free(b) ;
}
END_TEST

/* 50 services that exit at once. Every time that a stop knows is 24 days here: that it ends at all
   shows that none of them ran out. */
#define FOREVER "2147483647"
START_TEST(no_fixed_wait)
{
  static char const *const env[] =
    { "S6_KILL_FINISH_MAXTIME=" FOREVER, "S6_SERVICES_GRACETIME=" FOREVER, "S6_KILL_GRACETIME=" FOREVER, 0 } ;
  struct box_how how = { .env = env } ;
  char path[64], text[128] ;
  box *b = box_new("order") ;
  for (int i = 0 ; i < 48 ; i++)
  {
    sprintf(path, "etc/services.d/s%d/run", i) ;
    sprintf(text, "#!/bin/sh\nexec actor up 's%d up'\n", i) ;
    box_file(b, path, 0755, text) ;
  }
  box_boot(b, &how, (char *)0) ;
  for (int i = 0 ; i < 48 ; i++)
  {
    sprintf(text, "s%d up", i) ;
    box_event(b, text) ;
  }
  box_event(b, "one up") ;
  box_event(b, "two up") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  ck_assert_uint_eq(box_event_count(b, "one finish 0 0 one"), 1) ;
  char const *last = box_expect(b, "container ends with 0") ;
  ck_assert_msg(strstr(last, "50 services stopped in") != 0, "%s", last) ;
  box_free(b) ;
}
END_TEST

/* The last lines of a service that is being stopped reach its logger. */
START_TEST(the_log_is_drained)
{
  box *b = box_new(0) ;
  box_gate(b, "never") ;
  box_file(b, "etc/services.d/p/run", 0755,
    "#!/bin/sh\nexec actor last-words 'last words' 2000\n") ;
  box_file(b, "etc/services.d/p/finish", 0755, "#!/bin/sh\necho the end\n") ;
  box_file(b, "etc/services.d/p/log/run", 0755, "#!/bin/sh\nexec actor log /log\n") ;
  box_boot(b, &plain, (char *)0) ;
  box_event(b, "last words") ;
  box_event(b, "logger up") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  ck_assert_uint_eq(box_event_count(b, "logger end"), 1) ;
  char const *log = box_read(b, "log") ;
  ck_assert_ptr_nonnull(strstr(log, "last words 1\n")) ;
  ck_assert_ptr_nonnull(strstr(log, "last words 2000\nthe end\n")) ;
  box_free(b) ;
}
END_TEST

/* Asking twice changes nothing. */
START_TEST(asked_twice)
{
  box *b = box_new("order") ;
  box_gate(b, "go") ;
  box_file(b, "etc/cont-finish.d/15", 0755, "#!/bin/sh\necho waiting > /events\nread x < /gates/go\n") ;
  box_boot(b, &plain, (char *)0) ;
  box_event(b, "one up") ;
  box_event(b, "two up") ;
  box_signal(b, SIGTERM) ;
  box_event(b, "waiting") ;
  for (int i = 0 ; i < 10 ; i++) box_signal(b, i & 1 ? SIGINT : SIGTERM) ;
  box_open_gate(b, "go") ;
  ck_assert_int_eq(box_exit_code(b), 0) ;
  ck_assert_uint_eq(box_event_count(b, "cont-finish.d 10-first"), 1) ;
  ck_assert_uint_eq(box_event_count(b, "cont-finish.d 20-second"), 1) ;
  ck_assert_uint_eq(box_event_count(b, "one finish 0 0 one"), 1) ;
  box_free(b) ;
}
END_TEST

/* Generation 3: cont-finish.d when all services are down; generation 2: while they go. */
START_TEST(generations)
{
  static char const *const values[] = { "S6_COMPAT=2", "S6_COMPAT=3" } ;
  char const *const env[] = { values[_i], 0 } ;
  struct box_how how = { .env = env } ;
  box *b = box_new(0) ;
  box_gate(b, "go") ;
  box_gate(b, "never") ;
  box_file(b, "etc/services.d/a/run", 0755,
    "#!/bin/sh\nexec actor drain a 15 go\n") ;
  box_file(b, "etc/cont-finish.d/10", 0755, "#!/bin/sh\necho cont-finish > /events\n") ;
  box_boot(b, &how, (char *)0) ;
  box_event(b, "a up") ;
  box_signal(b, SIGTERM) ;
  box_event(b, "a drains") ;
  if (!_i) box_event(b, "cont-finish") ;
  box_open_gate(b, "go") ;
  ck_assert_int_eq(box_exit_code(b), 0) ;
  char const *gone = strstr(box_events(b), "a drained\n") ;
  ck_assert_ptr_nonnull(gone) ;
  ck_assert_int_eq(!!strstr(gone, "cont-finish\n"), _i) ;
  box_free(b) ;
}
END_TEST

int main (void)
{
  TCase *tc = box_case("stop") ;
  tcase_add_test(tc, graceful_stop_of_docker_base) ;
  tcase_add_test(tc, cont_finish_over_its_time) ;
  tcase_add_test(tc, cont_finish_without_limit) ;
  tcase_add_test(tc, letters_to_the_ended) ;
  tcase_add_test(tc, a_deaf_service) ;
  tcase_add_test(tc, a_deaf_cmd) ;
  tcase_add_test(tc, strays) ;
  tcase_add_test(tc, processes_from_outside) ;
  tcase_add_test(tc, no_fixed_wait) ;
  tcase_add_test(tc, the_log_is_drained) ;
  tcase_add_test(tc, asked_twice) ;
  tcase_add_loop_test(tc, generations, 0, 2) ;
  return box_main("stop", &tc, 1) ;
}
