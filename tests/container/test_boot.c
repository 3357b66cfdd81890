/* ISC license. */

/* From /init to the CMD: order, failures, stops on the way, environment, a second life. */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

static struct box_how const plain ;

/* The events up to (not including) UNTIL, as one text. */
static char *events_until (box *b, char const *until)
{
  static char text[65536] ;
  char const *all = box_events(b) ;
  char const *end = strstr(all, until) ;
  ck_assert_msg(end != 0, "no %s in %s", until, all) ;
  snprintf(text, sizeof text, "%.*s", (int)(end - all), all) ;
  return text ;
}

START_TEST(order_of_stages)
{
  static char const *const env[] = { "S6_STAGE2_HOOK=hook with  words", 0 } ;
  struct box_how how = { .env = env } ;
  box *b = box_new("order") ;
  box_boot(b, &how, "sh", "-c", "echo cmd > /events; exit 4", (char *)0) ;
  ck_assert_int_eq(box_exit_code(b), 4) ;
  ck_assert_str_eq(events_until(b, "cont-init.d 10-b"),
    "run.d 10-first\nrun.d 20-second\nhook with words\n") ;
  char const *services = strstr(box_events(b), "cont-init.d 10-b") ;
  /* C-locale order; fix-attrs.d came first */
  static char const cont_init[] =
    "cont-init.d 10-b 640:0:0\n" "cont-init.d 9-a 640:0:0\n" "cont-init.d A 640:0:0\n"
    "cont-init.d Z 640:0:0\n" "cont-init.d a 640:0:0\n" ;
  ck_assert_msg(!strncmp(services, cont_init, sizeof cont_init - 1), "%s", services) ;
  ck_assert_ptr_nonnull(strstr(services, "cmd\n")) ;
  char const *finish = strstr(services, "cont-finish.d 10-first\n") ;
  ck_assert_ptr_nonnull(finish) ;
  ck_assert_ptr_nonnull(strstr(finish, "cont-finish.d 20-second\n")) ;
  ck_assert_ptr_null(strstr(services, "not-a-shell-script")) ;
  box_free(b) ;
}
END_TEST

START_TEST(fix_attrs_before_cont_init)
{
  box *b = box_new("order") ;
  box_file(b, "etc/fix-attrs.d/20-data", 0644, "/data true nobody-of-this-name,1000:1000 0600 0711\n") ;
  box_boot(b, &plain, "true", (char *)0) ;
  ck_assert_int_eq(box_exit_code(b), 0) ;
  box_event(b, "cont-init.d 10-b 600:1000:1000") ;
  box_free(b) ;
}
END_TEST

START_TEST(services_are_up_before_the_cmd)
{
  box *b = box_new("order") ;
  box_gate(b, "cmd") ;
  box_boot(b, &plain, "sh", "-c", "echo cmd > /events; read x < /gates/cmd", (char *)0) ;
  box_event(b, "one up") ;
  box_event(b, "two up") ;
  box_event(b, "cmd") ;
  box_open_gate(b, "cmd") ;
  ck_assert_int_eq(box_exit_code(b), 0) ;
  ck_assert_uint_eq(box_event_count(b, "one finish 0 0 one"), 1) ;
  ck_assert_uint_eq(box_event_count(b, "two finish 0 0 two"), 1) ;
  box_free(b) ;
}
END_TEST

/* Each script of cont-init.d is reported with its name and its exit code, in words that people grep for. */
START_TEST(scripts_are_reported)
{
  box *b = box_new("order") ;
  box_file(b, "etc/cont-init.d/bad", 0755, "#!/bin/sh\nexit 12\n") ;
  box_boot(b, &plain, "true", (char *)0) ;
  ck_assert_int_eq(box_exit_code(b), 0) ;
  ck_assert_msg(box_says(b, "[cont-init.d] 10-b: exited 0."), "%s", box_output(b)) ;
  ck_assert_msg(box_says(b, "[cont-init.d] bad: exited 12."), "%s", box_output(b)) ;
  box_free(b) ;
}
END_TEST

static void failing_run_d (char const *script, char const *const *env, int code)
{
  struct box_how how = { .env = env } ;
  box *b = box_new("order") ;
  box_file(b, "run.d/15-fails.sh", 0644, script) ;
  box_boot(b, &how, "sh", "-c", "echo cmd > /events", (char *)0) ;
  ck_assert_int_eq(box_exit_code(b), code) ;
  ck_assert_ptr_nonnull(strstr(box_events(b), "run.d 10-first\n")) ;
  ck_assert_ptr_null(strstr(box_events(b), "run.d 20-second")) ;
  ck_assert_ptr_null(strstr(box_events(b), "cont-init.d")) ;
  ck_assert_ptr_null(strstr(box_events(b), " up\n")) ;
  ck_assert_ptr_null(strstr(box_events(b), "cmd\n")) ;
  ck_assert_uint_eq(box_event_count(b, "cont-finish.d 10-first"), 1) ;
  ck_assert_uint_eq(box_event_count(b, "cont-finish.d 20-second"), 1) ;
  box_free(b) ;
}

START_TEST(run_d_fails)
{
  failing_run_d("exit 17\n", 0, 17) ;
}
END_TEST

/* A command that fails ends the script: it runs under -e. */
START_TEST(run_d_fails_midway)
{
  failing_run_d("false\nexit 0\n", 0, 1) ;
}
END_TEST

START_TEST(run_d_stops_cleanly)
{
  failing_run_d("exit 99\n", 0, 0) ;
}
END_TEST

START_TEST(run_d_stops_cleanly_by_a_code_of_choice)
{
  static char const *const env[] = { "SIGNAL_BUILD_STOP=77", 0 } ;
  failing_run_d("exit 77\n", env, 0) ;
  failing_run_d("exit 99\n", env, 99) ;
}
END_TEST

START_TEST(run_d_has_the_whole_environment)
{
  static char const *const env[] = { "GREETING=hello world", 0 } ;
  struct box_how how = { .env = env } ;
  box *b = box_new(0) ;
  box_file(b, "run.d/10.sh", 0644, "echo \"$GREETING\" > /events\n") ;
  box_boot(b, &how, "true", (char *)0) ;
  ck_assert_int_eq(box_exit_code(b), 0) ;
  ck_assert_uint_eq(box_event_count(b, "hello world"), 1) ;
  box_free(b) ;
}
END_TEST

/* S6_BEHAVIOUR_IF_STAGE2_FAILS: 0 silently goes on, 1 warns, 2 stops. */
START_TEST(cont_init_fails)
{
  static char const *const values[] = { "S6_BEHAVIOUR_IF_STAGE2_FAILS=0", "S6_BEHAVIOUR_IF_STAGE2_FAILS=1", "S6_BEHAVIOUR_IF_STAGE2_FAILS=2" } ;
  char const *const env[] = { values[_i], 0 } ;
  struct box_how how = { .env = env } ;
  box *b = box_new("order") ;
  box_file(b, "etc/cont-init.d/B-fails", 0755, "#!/bin/sh\necho fails > /events\nexit 21\n") ;
  box_boot(b, &how, "sh", "-c", "echo cmd > /events; exit 6", (char *)0) ;
  ck_assert_int_eq(box_exit_code(b), _i == 2 ? 21 : 6) ;
  ck_assert_uint_eq(box_event_count(b, "fails"), 1) ;
  ck_assert_uint_eq(box_event_count(b, "cmd"), _i < 2) ;
  if (_i == 2) ck_assert_uint_eq(box_event_count(b, "one up"), 0) ;
  ck_assert_uint_eq(box_event_count(b, "cont-finish.d 10-first"), 1) ;
  box_free(b) ;
}
END_TEST

START_TEST(hook_fails)
{
  static char const *const env[] = { "S6_BEHAVIOUR_IF_STAGE2_FAILS=2", "S6_STAGE2_HOOK=false", 0 } ;
  struct box_how how = { .env = env } ;
  box *b = box_new("order") ;
  box_boot(b, &how, "sh", "-c", "echo cmd > /events", (char *)0) ;
  ck_assert_int_eq(box_exit_code(b), 1) ;
  ck_assert_uint_eq(box_event_count(b, "cmd"), 0) ;
  ck_assert_ptr_null(strstr(box_events(b), "cont-init.d ")) ;
  box_free(b) ;
}
END_TEST

START_TEST(scripts_without_exec_bit)
{
  box *b = box_new("scripts") ;
  box_boot(b, &plain, (char *)0) ;
  box_event(b, "a up") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  ck_assert_uint_eq(box_event_count(b, "10-no-exec-bit"), 1) ;
  ck_assert_uint_eq(box_event_count(b, "20-argument"), 1) ;
  ck_assert_uint_eq(box_event_count(b, "20-argument went on"), 0) ;
  ck_assert_uint_eq(box_event_count(b, "50-execline"), 1) ;
  ck_assert_uint_eq(box_event_count(b, "60-last"), 1) ;
  ck_assert_uint_eq(box_event_count(b, "a finish"), 1) ;
  box_free(b) ;
}
END_TEST

static char const *line_with (box *b, char const *text)
{
  static char line[4096] ;
  char const *at = strstr(box_output(b), text) ;
  ck_assert_msg(at != 0, "nothing is said of %s: %s", text, box_output(b)) ;
  while (at > box_output(b) && at[-1] != '\n') at-- ;
  snprintf(line, sizeof line, "%.*s", (int)strcspn(at, "\n"), at) ;
  return line ;
}

/* An error names the file, the cause and the mend. */
START_TEST(scripts_that_cannot_run)
{
  box *b = box_new("scripts") ;
  box_boot(b, &plain, "true", (char *)0) ;
  ck_assert_int_eq(box_exit_code(b), 0) ;
  ck_assert_uint_eq(box_event_count(b, "never"), 0) ;
  char const *crlf = line_with(b, "/etc/cont-init.d/30-crlf:") ;
  ck_assert_msg(strstr(crlf, "CR") || strstr(crlf, "carriage return"), "%s", crlf) ;
  char const *interpreter = line_with(b, "/etc/cont-init.d/40-no-interpreter:") ;
  ck_assert_msg(strstr(interpreter, "/usr/bin/python7"), "%s", interpreter) ;
  box_free(b) ;
}
END_TEST

/* TERM at each of 20 points of a boot: what runs is ended, nothing further begins, the stop takes its course. */
START_TEST(stopped_at_a_point)
{
  static char const *const env[] = { "S6_STAGE2_HOOK=hook", 0 } ;
  struct box_how how = { .env = env } ;
  char at[16], stop[16] ;
  box *b = box_new("points") ;
  sprintf(stop, "%d", _i) ;
  sprintf(at, "at %d", _i) ;
  box_file(b, "stop-at", 0644, strcat(stop, "\n")) ;
  box_gate(b, "never") ;
  box_boot(b, &how, "sh", "-c", "point 20; read x < /gates/never", (char *)0) ;
  box_event(b, at) ;
  ck_assert_int_eq(box_stop(b), 0) ;
  ck_assert_uint_eq(box_event_count(b, "cont-finish.d"), 1) ;
  /* up to the services, each point comes after the one before */
  for (int later = _i + 1 ; _i < 14 && later <= 20 ; later++)
  {
    sprintf(at, "at %d", later) ;
    ck_assert_uint_eq(box_event_count(b, at), 0) ;
  }
  box_expect(b, "container ends with 0") ;
  box_free(b) ;
}
END_TEST

/* The same without waiting: TERM while the point itself comes and goes. */
START_TEST(stopped_near_a_point)
{
  static char const *const env[] = { "S6_STAGE2_HOOK=hook", 0 } ;
  struct box_how how = { .env = env } ;
  char at[16] ;
  box *b = box_new("points") ;
  box_file(b, "stop-at", 0644, "none\n") ;
  box_gate(b, "never") ;
  sprintf(at, "at %d", _i) ;
  box_boot(b, &how, "sh", "-c", "point 20; read x < /gates/never", (char *)0) ;
  box_event(b, at) ;
  ck_assert_int_eq(box_stop(b), 0) ;
  ck_assert_uint_eq(box_event_count(b, "cont-finish.d"), 1) ;
  box_free(b) ;
}
END_TEST

/* A boot script that will not go: KILL after S6_KILL_GRACETIME. */
START_TEST(stopped_at_a_deaf_script)
{
  static char const *const env[] = { "S6_KILL_GRACETIME=50", 0 } ;
  struct box_how how = { .env = env } ;
  box *b = box_new("order") ;
  box_file(b, "etc/cont-init.d/B-deaf", 0755, "#!/bin/sh\nexec actor deaf\n") ;
  box_boot(b, &how, (char *)0) ;
  box_event_after(b, "deaf ") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  ck_assert_uint_eq(box_event_count(b, "one up"), 0) ;
  ck_assert_uint_eq(box_event_count(b, "cont-finish.d 20-second"), 1) ;
  box_free(b) ;
}
END_TEST

/* A script that halts the container it is booting. */
START_TEST(halted_by_a_boot_script)
{
  box *b = box_new("order") ;
  box_file(b, "etc/cont-init.d/B-halts", 0755, "#!/bin/sh\necho 23 > /run/s6-linux-init-container-results/exitcode\n/run/s6/basedir/bin/halt\n") ;
  box_boot(b, &plain, "sh", "-c", "echo cmd > /events", (char *)0) ;
  ck_assert_int_eq(box_exit_code(b), 23) ;
  ck_assert_uint_eq(box_event_count(b, "cmd"), 0) ;
  box_free(b) ;
}
END_TEST

START_TEST(a_second_life_of_the_same_root)
{
  box *b = box_new("order") ;
  box_gate(b, "cmd") ;
  for (int life = 0 ; life < 3 ; life++)
  {
    box_boot(b, &plain, "sh", "-c", "echo cmd > /events; read x < /gates/cmd; exit 8", (char *)0) ;
    box_event(b, "one up") ;
    box_event(b, "two up") ;
    box_open_gate(b, "cmd") ;
    ck_assert_int_eq(box_exit_code(b), 8) ;
    ck_assert_uint_eq(box_event_count(b, "one up"), 1) ;
    ck_assert_uint_eq(box_event_count(b, "one finish 0 0 one"), 1) ;
    ck_assert_uint_eq(box_event_count(b, "cmd"), 1) ;
  }
  box_free(b) ;
}
END_TEST

/* A life that was cut short leaves everything lying about. */
START_TEST(a_second_life_after_a_kill)
{
  box *b = box_new("order") ;
  box_gate(b, "cmd") ;
  box_boot(b, &plain, "sh", "-c", "echo something > /run/s6/container_environment/LEFT; echo cmd > /events; read x < /gates/cmd", (char *)0) ;
  box_event(b, "cmd") ;
  box_ask(b, "echo 77 > /run/s6-linux-init-container-results/exitcode; mkdir -p /run/service/stray; printf '#!/bin/sh\\nexec actor up stray\\n' > /run/service/stray/run") ;
  box_signal(b, SIGKILL) ;
  box_wait(b) ;
  box_boot(b, &plain, "with-contenv", "sh", "-c", "echo \"left ${LEFT-nothing}\" > /events; read x < /gates/cmd", (char *)0) ;
  box_event(b, "one up") ;
  box_event_after(b, "left ") ;
  box_open_gate(b, "cmd") ;
  ck_assert_int_eq(box_exit_code(b), 0) ;
  ck_assert_uint_eq(box_event_count(b, "stray"), 0) ;
  ck_assert_uint_eq(box_event_count(b, "left nothing"), 1) ;
  ck_assert_uint_eq(box_event_count(b, "one up"), 1) ;
  box_free(b) ;
}
END_TEST

#define BIG 100000

/* Values of 100 kB, with newlines, under names that no shell would take: all of it arrives. */
START_TEST(environment)
{
  static char big[BIG + 8] = "BIG=" ;
  memset(big + 4, 'x', BIG) ;
  big[5] = '\n' ;
  char const *const env[] = { big, "LINES3=a\nb\n\nc", "with-dash=1", "EMPTY=", "TRAIL=end\n", 0 } ;
  struct box_how how = { .env = env } ;
  box *b = box_new(0) ;
  box_file(b, "etc/cont-init.d/10", 0755,
    "#!/usr/bin/with-contenv sh\n"
    "echo \"big ${#BIG} $(printf %s \"$BIG\" | md5sum)\" > /events\n"
    "echo \"lines $(printf %s \"$LINES3\" | md5sum)\" > /events\n"
    "echo \"empty ${EMPTY-unset}\" > /events\n"
    "echo \"trail ${#TRAIL}\" > /events\n"
    "env | grep with-dash= > /events\n") ;
  box_file(b, "etc/cont-init.d/20", 0755, "#!/bin/sh\necho \"plain ${LINES3-unset}\" > /events\n") ;
  box_file(b, "etc/services.d/a/run", 0755,
    "#!/usr/bin/with-contenv sh\nexec actor up \"service ${#BIG}\"\n") ;
  box_boot(b, &how, "sh", "-c", "echo \"cmd ${#BIG}\" > /events; cat /run/s6/container_environment/LINES3; test -e /var/run/s6/container_environment/BIG", (char *)0) ;
  ck_assert_int_eq(box_exit_code(b), 0) ;
  ck_assert_msg(!strncmp(box_event_after(b, "big "), "100000 ", 7), "%s", box_events(b)) ;
  box_event(b, "lines 9685365ebcf22eb26f807464db72a20e  -") ;
  box_free(b) ;
}
END_TEST

START_TEST(keep_env)
{
  static char const *const env[] = { "S6_KEEP_ENV=1", "GREETING=hello", 0 } ;
  struct box_how how = { .env = env } ;
  box *b = box_new(0) ;
  box_file(b, "etc/cont-init.d/10", 0755, "#!/bin/sh\necho \"init $GREETING\" > /events\n") ;
  box_file(b, "etc/services.d/a/run", 0755, "#!/bin/sh\nexec actor up \"service $GREETING\"\n") ;
  box_boot(b, &how, (char *)0) ;
  box_event(b, "init hello") ;
  box_event(b, "service hello") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  box_free(b) ;
}
END_TEST

/* What each kind of script gets: cwd, environment, stdin. */
START_TEST(what_scripts_get)
{
  static char const *const env[] = { "HIDDEN=yes", 0 } ;
  struct box_how how = { .env = env, .workdir = "/work" } ;
  static char const script[] =
    "echo \"%s $PWD ${HIDDEN-plain} ${SERVICE_NAME-none} stdin $(readlink /proc/self/fd/0)\" > /events\n" ;
  char text[512] ;
  box *b = box_new(0) ;
  box_dir(b, "work", 0755) ;
  int n = sprintf(text, "#!/bin/sh\n") ;
  sprintf(text + n, script, "init") ;
  box_file(b, "etc/cont-init.d/10", 0755, text) ;
  sprintf(text + n, script, "end") ;
  box_file(b, "etc/cont-finish.d/10", 0755, text) ;
  sprintf(text + n, script, "run.d") ;
  box_file(b, "run.d/10.sh", 0644, text) ;
  sprintf(text + n, script, "finish") ;
  box_file(b, "etc/services.d/a/finish", 0755, text) ;
  sprintf(text + n, script, "service") ;
  box_file(b, "etc/services.d/a/run", 0755, strcat(text, "exec actor up service-is-up\n")) ;
  sprintf(text, script, "cmd") ;
  box_gate(b, "go") ;
  box_boot(b, &how, "sh", "-c", strcat(text, "read x < /gates/go\n"), (char *)0) ;
  box_event(b, "run.d /work yes none stdin /dev/null") ;
  box_event(b, "init /work plain none stdin /dev/null") ;
  box_event(b, "cmd /work yes none stdin /dev/null") ;
  char const *service = box_event_after(b, "service ") ;
  ck_assert_msg(strstr(service, "/a plain a stdin /dev/null"), "%s", service) ;
  box_open_gate(b, "go") ;
  ck_assert_int_eq(box_exit_code(b), 0) ;
  box_event(b, "end /work plain none stdin /dev/null") ;
  char const *finish = box_event_after(b, "finish ") ;
  ck_assert_msg(strstr(finish, "/a plain a stdin /dev/null"), "%s", finish) ;
  box_free(b) ;
}
END_TEST

/* S6_CMD_WAIT_FOR_SERVICES: the CMD waits for readiness, not longer than MAXTIME. */
START_TEST(cmd_waits_for_readiness)
{
  static char const *const env[] = { "S6_CMD_WAIT_FOR_SERVICES=1", "S6_CMD_WAIT_FOR_SERVICES_MAXTIME=0", 0 } ;
  struct box_how how = { .env = env } ;
  box *b = box_new(0) ;
  box_gate(b, "ready") ;
  box_file(b, "etc/services.d/a/run", 0755, "#!/bin/sh\necho a up > /events\nread x < /gates/ready\necho a ready > /events\nexec actor ready 3 'a says so'\n") ;
  box_file(b, "etc/services.d/a/notification-fd", 0644, "3\n") ;
  box_boot(b, &how, "sh", "-c", "echo cmd > /events; exit 3", (char *)0) ;
  box_event(b, "a up") ;
  ck_assert_uint_eq(box_event_count(b, "cmd"), 0) ;
  box_open_gate(b, "ready") ;
  ck_assert_int_eq(box_exit_code(b), 3) ;
  char const *ready = strstr(box_events(b), "a ready\n") ;
  ck_assert_ptr_nonnull(strstr(ready, "cmd\n")) ;
  box_free(b) ;
}
END_TEST

START_TEST(cmd_waits_in_vain)
{
  static char const *const env[] = { "S6_CMD_WAIT_FOR_SERVICES=1", "S6_CMD_WAIT_FOR_SERVICES_MAXTIME=50", 0 } ;
  struct box_how how = { .env = env } ;
  box *b = box_new(0) ;
  box_gate(b, "never") ;
  box_file(b, "etc/services.d/slow-one/run", 0755, "#!/bin/sh\nread x < /gates/never\n") ;
  box_file(b, "etc/services.d/slow-one/notification-fd", 0644, "3\n") ;
  box_boot(b, &how, "sh", "-c", "echo cmd > /events; exit 3", (char *)0) ;
  int code = box_exit_code(b) ;
  ck_assert_msg(box_says(b, "slow-one"), "nobody says what was waited for (exit code %d): %s", code, box_output(b)) ;
  box_free(b) ;
}
END_TEST

/* ps shows PID 1 and the services, nothing else. */
START_TEST(one_process)
{
  char path[64], script[128] ;
  box *b = box_new(0) ;
  for (int i = 0 ; i < 10 ; i++)
  {
    sprintf(path, "etc/services.d/s%d/run", i) ;
    sprintf(script, "#!/bin/sh\nexec actor up 's%d'\n", i) ;
    box_file(b, path, 0755, script) ;
  }
  box_boot(b, &plain, (char *)0) ;
  for (int i = 0 ; i < 10 ; i++)
  {
    sprintf(path, "s%d", i) ;
    box_event(b, path) ;
  }
  ck_assert_uint_eq(box_processes(b), 11) ;
  ck_assert_int_eq(box_stop(b), 0) ;
  box_free(b) ;
}
END_TEST

/* 500 orphans end at once. Two restarts of a service, one after the other, are each seen by the
   same eyes that see orphans: after the second none that ended before the first can be left. */
START_TEST(zombies)
{
  box *b = box_new(0) ;
  box_file(b, "etc/services.d/a/run", 0755, "#!/bin/sh\nexec actor up 'a up'\n") ;
  box_file(b, "etc/services.d/a/backoff", 0644, "0 0\n") ;
  box_boot(b, &plain, (char *)0) ;
  box_event(b, "a up") ;
  box_ask(b, "actor zombies 500") ;
  box_event(b, "zombies made") ;
  for (int i = 0 ; i < 2 ; i++)
  {
    box_ask(b, "s6-svc -k /run/service/a") ;
    box_event(b, "a up") ;
  }
  ck_assert_uint_eq(box_processes(b), 2) ;
  ck_assert_int_eq(box_stop(b), 0) ;
  box_free(b) ;
}
END_TEST

START_TEST(read_only_root)
{
  struct box_how how = { .flags = BOX_READ_ONLY | BOX_TMPFS_RUN } ;
  box *b = box_new("order") ;
  box_gate(b, "go") ;
  box_boot(b, &how, "sh", "-c", "read x < /gates/go; exit 4", (char *)0) ;
  box_event(b, "one up") ;
  box_event(b, "two up") ;
  box_open_gate(b, "go") ;
  ck_assert_int_eq(box_exit_code(b), 4) ;
  box_free(b) ;
}
END_TEST

START_TEST(noexec_run)
{
  struct box_how how = { .flags = BOX_NOEXEC_RUN } ;
  box *b = box_new("order") ;
  box_gate(b, "go") ;
  box_boot(b, &how, "sh", "-c", "read x < /gates/go; exit 4", (char *)0) ;
  box_event(b, "one up") ;
  box_event(b, "two up") ;
  box_open_gate(b, "go") ;
  ck_assert_int_eq(box_exit_code(b), 4) ;
  ck_assert_uint_eq(box_event_count(b, "one finish 0 0 one"), 1) ;
  box_free(b) ;
}
END_TEST

START_TEST(another_user)
{
  struct box_how how = { .uid = 1000, .gid = 1000 } ;
  box *b = box_new(0) ;
  box_file(b, "etc/cont-init.d/10", 0755, "#!/bin/sh\necho \"init $(id -u)\" > /events\n") ;
  box_file(b, "etc/services.d/a/run", 0755, "#!/bin/sh\nexec actor up \"service $(id -u)\"\n") ;
  box_gate(b, "go") ;
  box_boot(b, &how, "sh", "-c", "svctl status > /dev/null && read x < /gates/go && exit 4", (char *)0) ;
  box_event(b, "init 1000") ;
  box_event(b, "service 1000") ;
  box_open_gate(b, "go") ;
  ck_assert_int_eq(box_exit_code(b), 4) ;
  box_free(b) ;
}
END_TEST

/* The CMD has the terminal, in a group of its own; it gets ^C, services do not. */
START_TEST(a_terminal)
{
  struct box_how how = { .flags = BOX_TERMINAL } ;
  box *b = box_new(0) ;
  box_gate(b, "never") ;
  box_file(b, "etc/services.d/a/run", 0755, "#!/bin/sh\nexec actor hear a 15\n") ;
  box_boot(b, &how, "sh", "-c", "tty -s && echo cmd has a terminal > /events; read line; echo \"typed $line\" > /events; exec actor hear cmd 2", (char *)0) ;
  box_event(b, "a up") ;
  box_event(b, "cmd has a terminal") ;
  box_type(b, "hello\n") ;
  box_event(b, "typed hello") ;
  box_event(b, "cmd up") ;
  box_type(b, "\003") ;
  box_event(b, "cmd heard 2") ;
  ck_assert_int_eq(box_exit_code(b), 0) ;
  ck_assert_uint_eq(box_event_count(b, "a heard 2"), 0) ;
  box_free(b) ;
}
END_TEST

START_TEST(cmd_arg0)
{
  static char const *const env[] = { "S6_CMD_ARG0=/former-entrypoint", 0 } ;
  struct box_how how = { .env = env } ;
  box *b = box_new(0) ;
  box_file(b, "former-entrypoint", 0755, "#!/bin/sh\necho \"entrypoint $*\" > /events\nexec \"$@\"\n") ;
  box_boot(b, &how, "sh", "-c", "exit 12", (char *)0) ;
  ck_assert_int_eq(box_exit_code(b), 12) ;
  box_event(b, "entrypoint sh -c exit 12") ;
  box_free(b) ;
}
END_TEST

/* WORKDIR was removed by a boot script: the CMD runs in /, and a warning says so. */
START_TEST(workdir_is_gone)
{
  struct box_how how = { .workdir = "/work" } ;
  box *b = box_new(0) ;
  box_dir(b, "work", 0755) ;
  box_file(b, "etc/cont-init.d/10", 0755, "#!/bin/sh\ncd / && rmdir /work\n") ;
  box_boot(b, &how, "sh", "-c", "echo \"cwd $PWD\" > /events", (char *)0) ;
  ck_assert_int_eq(box_exit_code(b), 0) ;
  box_event(b, "cwd /") ;
  box_free(b) ;
}
END_TEST

/* Not PID 1: everything works, and what is not ours is let alone. */
START_TEST(under_another_pid_1)
{
  struct box_how how = { .init = "/bin/sh" } ;
  box *b = box_new("order") ;
  box_gate(b, "go") ;
  box_gate(b, "cmd") ;
  box_boot(b, &how, "-c",
    "actor hear sibling 64 & /init sh -c 'echo cmd > /events; read x < /gates/cmd; exit 5'; echo \"code $?\" > /events; read x < /gates/go", (char *)0) ;
  box_event(b, "sibling up") ;
  box_event(b, "one up") ;
  box_event(b, "two up") ;
  box_event(b, "cmd") ;
  ck_assert_ptr_nonnull(strstr(box_ask(b, "svctl status"), "one")) ;
  box_open_gate(b, "cmd") ;
  box_event(b, "code 5") ;
  ck_assert_uint_eq(box_event_count(b, "one finish 0 0 one"), 1) ;
  ck_assert_uint_eq(box_processes(b), 2) ;
  box_open_gate(b, "go") ;
  ck_assert_int_eq(box_exit_code(b), 0) ;
  ck_assert_ptr_null(strstr(box_events(b), "sibling heard")) ;
  box_free(b) ;
}
END_TEST

/* A bad value warns and counts as the default. */
START_TEST(bad_settings)
{
  static char const *const env[] =
    { "S6_KILL_GRACETIME=soon", "S6_SERVICES_GRACETIME=-1", "S6_VERBOSITY=9x", "S6_BEHAVIOUR_IF_STAGE2_FAILS=seven", "S6_COMPAT=4", 0 } ;
  struct box_how how = { .env = env } ;
  box *b = box_new("order") ;
  box_boot(b, &how, "sh", "-c", "exit 4", (char *)0) ;
  ck_assert_int_eq(box_exit_code(b), 4) ;
  ck_assert_msg(box_says(b, "S6_KILL_GRACETIME"), "%s", box_output(b)) ;
  ck_assert_msg(box_says(b, "S6_COMPAT"), "%s", box_output(b)) ;
  box_free(b) ;
}
END_TEST

static TCase *order (void)
{
  TCase *tc = box_case("order") ;
  tcase_add_test(tc, order_of_stages) ;
  if (!getuid()) tcase_add_test(tc, fix_attrs_before_cont_init) ; /* a user namespace of one has nobody else */
  tcase_add_test(tc, services_are_up_before_the_cmd) ;
  tcase_add_test(tc, scripts_are_reported) ;
  tcase_add_test(tc, run_d_fails) ;
  tcase_add_test(tc, run_d_fails_midway) ;
  tcase_add_test(tc, run_d_stops_cleanly) ;
  tcase_add_test(tc, run_d_stops_cleanly_by_a_code_of_choice) ;
  tcase_add_test(tc, run_d_has_the_whole_environment) ;
  tcase_add_loop_test(tc, cont_init_fails, 0, 3) ;
  tcase_add_test(tc, hook_fails) ;
  tcase_add_test(tc, scripts_without_exec_bit) ;
  tcase_add_test(tc, scripts_that_cannot_run) ;
  tcase_add_test(tc, cmd_waits_for_readiness) ;
  tcase_add_test(tc, cmd_waits_in_vain) ;
  return tc ;
}

static TCase *stops (void)
{
  TCase *tc = box_case("stops on the way") ;
  tcase_add_loop_test(tc, stopped_at_a_point, 1, 21) ;
  tcase_add_loop_test(tc, stopped_near_a_point, 1, 21) ;
  tcase_add_test(tc, stopped_at_a_deaf_script) ;
  tcase_add_test(tc, halted_by_a_boot_script) ;
  tcase_add_test(tc, a_second_life_of_the_same_root) ;
  tcase_add_test(tc, a_second_life_after_a_kill) ;
  return tc ;
}

static TCase *surroundings (void)
{
  TCase *tc = box_case("surroundings") ;
  tcase_add_test(tc, environment) ;
  tcase_add_test(tc, keep_env) ;
  tcase_add_test(tc, what_scripts_get) ;
  tcase_add_test(tc, one_process) ;
  tcase_add_test(tc, zombies) ;
  tcase_add_test(tc, read_only_root) ;
  tcase_add_test(tc, noexec_run) ;
  if (!getuid()) tcase_add_test(tc, another_user) ; /* a user namespace of one has nobody else */
  tcase_add_test(tc, a_terminal) ;
  tcase_add_test(tc, cmd_arg0) ;
  tcase_add_test(tc, workdir_is_gone) ;
  tcase_add_test(tc, under_another_pid_1) ;
  tcase_add_test(tc, bad_settings) ;
  return tc ;
}

int main (void)
{
  TCase *const cases[] = { order(), stops(), surroundings() } ;
  return box_main("boot", cases, sizeof cases / sizeof *cases) ;
}
