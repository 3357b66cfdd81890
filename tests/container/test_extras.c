/* ISC license. */

/* S6_LOGGING, signals for the CMD, and what a service directory may say beyond s6. */

#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/wait.h>

#include "harness.h"

static struct box_how const plain ;

#define LOG "var/log/s6-uncaught-logs/current"

static box *logged (char const *const *env)
{
  struct box_how how = { .env = env } ;
  box *b = box_new(0) ;
  box_dir(b, "var/log", 0755) ;
  box_file(b, "etc/services.d/a/run", 0755, "#!/bin/sh\necho a speaks\nexec actor up \"a up\"\n") ;
  box_gate(b, "cmd") ;
  box_boot(b, &how, "sh", "-c", "echo the CMD speaks; read x < /gates/cmd; exit 7", (char *)0) ;
  box_event(b, "a up") ;
  box_open_gate(b, "cmd") ;
  ck_assert_int_eq(box_exit_code(b), 7) ;
  return b ;
}

START_TEST(logging_1)
{
  static char const *const env[] = { "S6_LOGGING=1", 0 } ;
  box *b = logged(env) ;
  ck_assert(box_says(b, "the CMD speaks")) ;
  ck_assert(!box_says(b, "a speaks")) ;
  ck_assert(strstr(box_read(b, LOG), "a speaks") != 0) ;
  ck_assert(strstr(box_read(b, LOG), "the CMD speaks") == 0) ;
  ck_assert(box_says(b, "container ends with 7")) ;
  box_free(b) ;
}
END_TEST

START_TEST(logging_2)
{
  static char const *const env[] = { "S6_LOGGING=2", "S6_LOGGING_SCRIPT=n3 t", 0 } ;
  box *b = logged(env) ;
  ck_assert_str_eq(box_output(b), "") ;
  ck_assert(strstr(box_read(b, LOG), "a speaks") != 0) ;
  ck_assert(strstr(box_read(b, LOG), "the CMD speaks") != 0) ;
  ck_assert_msg(box_read(b, LOG)[0] == '@', "S6_LOGGING_SCRIPT asks for TAI64N stamps") ;
  box_free(b) ;
}
END_TEST

/* The container ends with the critical service's code, and says which it was. */
START_TEST(critical)
{
  box *b = box_new(0) ;
  box_gate(b, "end") ;
  box_file(b, "etc/services.d/a/run", 0755, "#!/bin/sh\necho 'a up' > /events\nread x < /gates/end\nexit 42\n") ;
  box_file(b, "etc/services.d/a/critical", 0644, "") ;
  box_file(b, "etc/services.d/b/run", 0755, "#!/bin/sh\nexec actor up \"b up\"\n") ;
  box_boot(b, &plain, (char *)0) ;
  box_event(b, "a up") ;
  box_event(b, "b up") ;
  box_open_gate(b, "end") ;
  ck_assert_int_eq(box_exit_code(b), 42) ;
  ck_assert(box_says(b, "critical service a exited 42 after")) ;
  ck_assert_uint_eq(box_event_count(b, "a up"), 1) ;
  box_free(b) ;
}
END_TEST

START_TEST(critical_killed)
{
  box *b = box_new(0) ;
  box_file(b, "etc/services.d/a/run", 0755, "#!/bin/sh\nexec actor up \"a up\"\n") ;
  box_file(b, "etc/services.d/a/critical", 0644, "") ;
  box_boot(b, &plain, (char *)0) ;
  box_event(b, "a up") ;
  box_sh(b, "s6-svc -k /run/service/a") ;
  ck_assert_int_eq(box_exit_code(b), 128 + SIGKILL) ;
  box_free(b) ;
}
END_TEST

/* A service that may fail and is not to come back; one that has done its work. */
START_TEST(restart_policy)
{
  box *b = box_new(0) ;
  box_file(b, "etc/services.d/never/run", 0755, "#!/bin/sh\necho 'never ran' > /events\nexit 1\n") ;
  box_file(b, "etc/services.d/never/restart", 0644, "never\n") ;
  box_file(b, "etc/services.d/done/run", 0755, "#!/bin/sh\necho 'done ran' > /events\n") ;
  box_file(b, "etc/services.d/done/restart", 0644, "on-failure\n") ;
  box_boot(b, &plain, (char *)0) ;
  box_event(b, "never ran") ;
  box_event(b, "done ran") ;
  box_ask(b, "s6-svwait -D /run/service/never /run/service/done") ;
  ck_assert_str_eq(box_ask(b, "s6-svstat -o wantedup /run/service/never"), "false\n") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  ck_assert_uint_eq(box_event_count(b, "never ran"), 1) ;
  ck_assert_uint_eq(box_event_count(b, "done ran"), 1) ;
  box_free(b) ;
}
END_TEST

/* More than two deaths in an hour and it is given up, with the reason said; who waits for it, hears it. */
START_TEST(max_restarts)
{
  box *b = box_new(0) ;
  box_file(b, "etc/services.d/a/run", 0755, "#!/bin/sh\necho 'a ran' > /events\nread x < /gates/a\nexit 1\n") ;
  box_file(b, "etc/services.d/a/max-restarts", 0644, "2 3600\n") ;
  box_file(b, "etc/services.d/a/backoff", 0644, "1 2\n") ;
  box_file(b, "etc/services.d/a/notification-fd", 0644, "5\n") ;
  box_gate(b, "a") ;
  box_gate(b, "cmd") ;
  box_boot(b, &plain, "sh", "-c", "s6-svlisten1 -U /run/service/a echo listening; echo \"waited: $?\" > /events; read x < /gates/cmd", (char *)0) ;
  box_expect(b, "listening") ;
  for (int life = 0 ; life < 3 ; life++)
  {
    box_event(b, "a ran") ;
    box_open_gate(b, "a") ;
  }
  box_expect(b, "service a is given up: more deaths than max-restarts allows") ;
  box_event(b, "waited: 1") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  ck_assert_uint_eq(box_event_count(b, "a ran"), 3) ;
  box_free(b) ;
}
END_TEST

/* The stop script comes before the signal, and its argument is the pid. */
START_TEST(stop_script)
{
  box *b = box_new(0) ;
  box_file(b, "etc/services.d/a/run", 0755, "#!/bin/sh\necho \"a is $$\" > /events\nexec actor hear a 15\n") ;
  box_file(b, "etc/services.d/a/stop", 0755, "#!/bin/sh\necho \"a stop $1\" > /events\nkill -0 $1 && echo 'a lives' > /events\n") ;
  box_boot(b, &plain, (char *)0) ;
  char const *pid = strdup(box_event_after(b, "a is ")) ;
  box_event(b, "a up") ;
  box_signal(b, SIGTERM) ;
  ck_assert_str_eq(box_event_after(b, "a stop "), pid) ;
  box_event(b, "a lives") ;
  box_event(b, "a heard 15") ;
  ck_assert_int_eq(box_exit_code(b), 0) ;
  free((void *)pid) ;
  box_free(b) ;
}
END_TEST

/* The shell waits in `wait`, which a signal ends also when it has come a moment before. */
START_TEST(cmd_receives_signals)
{
  static char const *const env[] = { "S6_CMD_RECEIVE_SIGNALS=1", 0 } ;
  struct box_how how = { .env = env } ;
  box *b = box_new(0) ;
  box_gate(b, "never") ;
  box_boot(b, &how, "sh", "-c", "trap 'echo USR1 > /events' USR1; trap 'exit 9' TERM; echo cmd > /events; while :; do read x < /gates/never & wait; done", (char *)0) ;
  box_event(b, "cmd") ;
  box_signal(b, SIGUSR1) ;
  box_event(b, "USR1") ;
  box_signal(b, SIGTERM) ;
  ck_assert_int_eq(box_exit_code(b), 9) ;
  box_free(b) ;
}
END_TEST

int main (void)
{
  TCase *logging = box_case("S6_LOGGING"), *beyond = box_case("beyond s6"), *signals = box_case("signals") ;
  TCase *cases[] = { logging, beyond, signals } ;
  tcase_add_test(logging, logging_1) ;
  tcase_add_test(logging, logging_2) ;
  tcase_add_test(beyond, critical) ;
  tcase_add_test(beyond, critical_killed) ;
  tcase_add_test(beyond, restart_policy) ;
  tcase_add_test(beyond, max_restarts) ;
  tcase_add_test(beyond, stop_script) ;
  tcase_add_test(signals, cmd_receives_signals) ;
  return box_main("extras", cases, sizeof cases / sizeof cases[0]) ;
}
