/* ISC license. svctl health and a service's own check script. */

#include <signal.h>
#include <time.h>
#include <sys/wait.h>

#include "harness.h"

#define ACTOR "#!/bin/sh\nexec actor up "

static box *with_check (char const *script)
{
  box *b = box_new(0) ;
  box_file(b, "etc/services.d/web/run", 0755, ACTOR "web") ;
  box_file(b, "etc/services.d/web/check", 0755, script) ;
  /* none: no answer is too late for a slow machine */
  box_file(b, "etc/services.d/web/check-timeout", 0644, "0\n") ;
  box_file(b, "etc/services.d/plain/run", 0755, ACTOR "plain") ;
  box_program(b, "flock") ;
  return b ;
}

static void up (box *b)
{
  box_boot(b, 0, (char *)0) ;
  box_event(b, "web") ;
  box_event(b, "plain") ;
}

START_TEST(test_good)
{
  box *b = with_check("#!/bin/sh\necho \"$SERVICE_NAME $PWD ${PATH%%:*}\" >&2\n") ;
  up(b) ;
  struct box_result r = box_sh(b, "svctl health 2> /tmp/said") ;
  ck_assert_int_eq(exited(r.status), 0) ;
  ck_assert_str_eq(r.output, "") ;
  ck_assert_str_eq(box_read(b, "tmp/said"), "web /run/s6/legacy-services/web /command\n") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  box_free(b) ;
}
END_TEST

START_TEST(test_bad)
{
  box *b = with_check("#!/bin/sh\necho asked >> /tmp/asked\nexit 3\n") ;
  up(b) ;
  struct box_result r = box_sh(b, "svctl health") ;
  ck_assert_int_eq(exited(r.status), 1) ;
  ck_assert_str_eq(r.output, "web: check exited 3\n") ;
  ck_assert_str_eq(box_read(b, "tmp/asked"), "asked\nasked\n") ;
  box_file(b, "run/s6/legacy-services/web/check-retries", 0644, "0\n") ;
  r = box_sh(b, "svctl health") ;
  ck_assert_int_eq(exited(r.status), 1) ;
  ck_assert_str_eq(box_read(b, "tmp/asked"), "asked\nasked\nasked\n") ;
  /* one that is down on purpose is not asked, and not bad */
  box_ask(b, "svctl stop web && svctl health") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  box_free(b) ;
}
END_TEST

START_TEST(test_second_answer)
{
  box *b = with_check("#!/bin/sh\n[ -e /tmp/asked ] && exit 0\n> /tmp/asked\nexit 1\n") ;
  up(b) ;
  ck_assert_str_eq(box_ask(b, "svctl health"), "") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  box_free(b) ;
}
END_TEST

static int64_t milliseconds (void)
{
  struct timespec ts ;
  clock_gettime(CLOCK_MONOTONIC, &ts) ;
  return ts.tv_sec * INT64_C(1000) + ts.tv_nsec / 1000000 ;
}

/* The second answer is asked for when the pause is over, and not before. */
START_TEST(test_interval)
{
  box *b = with_check("#!/bin/sh\n[ -e /tmp/asked ] && exit 0\n> /tmp/asked\nexit 1\n") ;
  box_file(b, "etc/services.d/web/check-interval", 0644, "400\n") ;
  up(b) ;
  int64_t start = milliseconds() ;
  ck_assert_str_eq(box_ask(b, "svctl health"), "") ;
  ck_assert_int_ge(milliseconds() - start, 400) ;
  start = milliseconds() ;
  ck_assert_str_eq(box_ask(b, "rm /tmp/asked; echo 2 > /run/s6/legacy-services/web/check-retries; svctl health"), "") ;
  ck_assert_int_ge(milliseconds() - start, 400) ;
  ck_assert_int_eq(box_stop(b), 0) ;
  box_free(b) ;
}
END_TEST

START_TEST(test_no_exec_bit)
{
  box *b = with_check("#!/bin/sh\nexit 0\n") ;
  box_file(b, "etc/services.d/web/check", 0644, "#!/bin/sh\nexit 4\n") ;
  up(b) ;
  ck_assert_str_eq(box_sh(b, "svctl health").output, "web: check exited 4\n") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  box_free(b) ;
}
END_TEST

/* It never answers, and neither does a child of its own: both are gone when their locks are. */
START_TEST(test_late)
{
  box *b = with_check("#!/bin/sh\nactor hold /tmp/child child &\nexec actor hold /tmp/check check\n") ;
  box_file(b, "etc/services.d/web/check-timeout", 0644, "300\n") ;
  box_file(b, "etc/services.d/web/check-retries", 0644, "0\n") ;
  up(b) ;
  struct box_result r = box_sh(b, "svctl health") ;
  ck_assert_int_eq(exited(r.status), 1) ;
  ck_assert_str_eq(r.output, "web: check gave no answer in 300 ms\n") ;
  box_ask(b, "flock /tmp/child true && flock /tmp/check true") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  box_free(b) ;
}
END_TEST

/* A probe that is killed for being late leaves no script behind. */
START_TEST(test_killed_probe)
{
  box *b = with_check("#!/bin/sh\nexec actor hold /tmp/check check\n") ;
  up(b) ;
  pid_t pid = box_sh_start(b, "exec svctl health") ;
  box_event_after(b, "check ") ;
  kill(pid, SIGKILL) ;
  box_ask(b, "flock /tmp/check true") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  box_free(b) ;
}
END_TEST

int main (void)
{
  TCase *check = box_case("check") ;
  tcase_add_test(check, test_good) ;
  tcase_add_test(check, test_bad) ;
  tcase_add_test(check, test_second_answer) ;
  tcase_add_test(check, test_interval) ;
  tcase_add_test(check, test_no_exec_bit) ;
  tcase_add_test(check, test_late) ;
  tcase_add_test(check, test_killed_probe) ;
  return box_main("probe", &check, 1) ;
}
