/* ISC license. */

/* What a supervised service can count on. */

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "harness.h"

static struct box_how const plain ;

/* A box with one service `a` of these scripts (0: none). */
static box *one_service (char const *run, char const *finish)
{
  box *b = box_new(0) ;
  box_gate(b, "never") ;
  box_file(b, "etc/services.d/a/run", 0755, run) ;
  if (finish) box_file(b, "etc/services.d/a/finish", 0755, finish) ;
  return b ;
}

/* "a up PID" */
#define WRITERS 20
#define UP "#!/bin/sh\nexec actor up \"a up $$\"\n"
#define FINISH "#!/bin/sh\necho \"a finish $# $1 $2 $3 $((${4:-0} > 1))\" > /events\n"

static int stop (box *b)
{
  int code = box_stop(b) ;
  box_free(b) ;
  return code ;
}

START_TEST(restarts)
{
  char kill[32] ;
  int pid, before = 0 ;
  box *b = one_service(UP, 0) ;
  box_boot(b, &plain, (char *)0) ;
  for (int life = 0 ; life < 5 ; life++)
  {
    ck_assert_int_eq(sscanf(box_event_after(b, "a up "), "%d", &pid), 1) ;
    ck_assert_int_ne(pid, before) ;
    before = pid ;
    sprintf(kill, "kill -9 %d", pid) ;
    box_ask(b, kill) ;
  }
  box_event_after(b, "a up ") ;
  ck_assert_int_eq(stop(b), 0) ;
}
END_TEST

START_TEST(finish_arguments)
{
  static struct { char const *how ; char const *said ; } const ends[] =
  {
    { "exit 0", "0 0" }, { "exit 3", "3 0" }, { "exit 255", "255 0" }, { "exec actor signal 15", "256 15" },
    { "exec actor signal 9", "256 9" }, { "exec actor signal 64", "256 64" }
  } ;
  char run[128], said[64] ;
  sprintf(run, "#!/bin/sh\n%s\n", ends[_i].how) ;
  sprintf(said, "a finish 4 %s a 1", ends[_i].said) ;
  box *b = one_service(run, FINISH) ;
  box_boot(b, &plain, (char *)0) ;
  box_event(b, said) ;
  ck_assert_int_eq(stop(b), 0) ;
}
END_TEST
#define ENDS 6

/* Neither run nor finish of one service runs beside the other. */
START_TEST(finish_before_the_next_run)
{
  box *b = one_service("#!/bin/sh\necho run > /events\nexit 1\n", "#!/bin/sh\necho finish > /events\nread x < /gates/f\necho finished > /events\n") ;
  box_gate(b, "f") ;
  box_boot(b, &plain, (char *)0) ;
  for (int i = 0 ; i < 3 ; i++)
  {
    box_event(b, "finish") ;
    ck_assert_uint_eq(box_event_count(b, "run"), (unsigned int)i + 1) ;
    box_open_gate(b, "f") ;
  }
  box_signal(b, SIGTERM) ;
  box_open_gate(b, "f") ;
  ck_assert_int_eq(box_exit_code(b), 0) ;
  box_free(b) ;
}
END_TEST

/* Exit 125 of finish: down for good. */
START_TEST(permanent_failure)
{
  box *b = one_service("#!/bin/sh\necho run > /events\nexit 1\n", "#!/bin/sh\nexit 125\n") ;
  box_boot(b, &plain, (char *)0) ;
  box_event(b, "run") ;
  box_ask(b, "svwait -D /run/service/a") ;
  ck_assert_ptr_nonnull(strstr(box_ask(b, "svstat /run/service/a"), "down")) ;
  ck_assert_uint_eq(box_event_count(b, "run"), 1) ;
  box_ask(b, "s6-svc -u /run/service/a") ;
  box_event(b, "run") ;
  ck_assert_int_eq(stop(b), 0) ;
}
END_TEST

START_TEST(down_file)
{
  box *b = one_service(UP, 0) ;
  box_file(b, "etc/services.d/a/down", 0644, "") ;
  box_file(b, "etc/services.d/b/run", 0755, "#!/bin/sh\nexec actor up \"b up\"\n") ;
  box_boot(b, &plain, (char *)0) ;
  box_event(b, "b up") ;
  ck_assert_ptr_nonnull(strstr(box_ask(b, "svstat /run/service/a"), "down")) ;
  box_ask(b, "s6-svc -u /run/service/a") ;
  box_event_after(b, "a up ") ;
  ck_assert_int_eq(stop(b), 0) ;
}
END_TEST

/* Its lock is there at its very first start, too, and its next life gets the lock of the last. */
START_TEST(lock_fd)
{
  static char const run[] =
    "#!/bin/sh\necho \"a holds $(readlink /proc/$$/fd/9)\" > /events\nexec actor up 'a up'\n" ;
  static char const holds[] = "a holds /run/s6/legacy-services/a/supervise/service-lock" ;
  box *b = one_service(run, 0) ;
  box_file(b, "etc/services.d/a/lock-fd", 0644, "9\n") ;
  box_boot(b, &plain, (char *)0) ;
  box_event(b, holds) ;
  box_event(b, "a up") ;
  box_ask(b, "svctl restart a") ;
  box_event(b, holds) ;
  box_event(b, "a up") ;
  ck_assert_ptr_null(strstr(box_output(b), "without lock-fd")) ;
  ck_assert_int_eq(stop(b), 0) ;
}
END_TEST

/* A box that has booted, with so many services of that script: all of them are up. */
static box *box_of_writers (char const *run)
{
  char path[64] ;
  box *b = box_new(0) ;
  for (int i = 0 ; i < WRITERS ; i++)
  {
    sprintf(path, "etc/services.d/w%d/run", i) ;
    box_file(b, path, 0755, run) ;
  }
  box_boot(b, &plain, (char *)0) ;
  for (int i = 0 ; i < WRITERS ; i++) box_event(b, "up") ;
  return b ;
}

/* A run may look at its own service from its first moment on: there is a status before it is known. */
START_TEST(a_status_before_the_first_run)
{
  static char const run[] = "#!/bin/sh\ns6-svstat -o wantedup . > /events 2>&1\nexec actor up up\n" ;
  box *b = box_of_writers(run) ;
  ck_assert_uint_eq(box_event_count(b, "true"), WRITERS) ;
  ck_assert_int_eq(stop(b), 0) ;
}
END_TEST

/* Nobody supervises a service beside us while we do, and anybody may when we have let it go. */
START_TEST(the_lock_of_a_service)
{
  box *b = one_service(UP, 0) ;
  box_file(b, "etc/services.d/b/run", 0755, "#!/bin/sh\nexec actor up \"b up\"\n") ;
  box_boot(b, &plain, (char *)0) ;
  box_event_after(b, "a up ") ;
  box_event(b, "b up") ;
  box_ask(b, "test -e /run/s6/legacy-services/a/supervise/lock") ;
  ck_assert_int_ne(exited(box_sh(b, "s6-supervise /run/service/a 2> /dev/null").status), 0) ;
  ck_assert_str_eq(box_ask(b, "svstat -o up /run/service/a"), "true\n") ;
  box_ask(b, "s6-svc -wD -xd /run/s6/legacy-services/a") ;
  /* PID 1 is through with that when it has done something else */
  box_ask(b, "svctl restart b") ;
  ck_assert_int_eq(exited(box_sh(b, "s6-svstat /run/s6/legacy-services/a").status), 1) ;
  ck_assert_int_eq(exited(box_sh(b, "s6-svok /run/s6/legacy-services/a").status), 1) ;
  box_ask(b, "s6-svstat /run/service/b") ;
  box_sh_start(b, "exec s6-supervise /run/s6/legacy-services/a") ;
  box_event_after(b, "a up ") ;
  box_ask(b, "s6-svc -xd /run/s6/legacy-services/a") ;
  ck_assert_int_eq(stop(b), 0) ;
}
END_TEST

/* What a first run lays into its directory counts, however early that was. */
START_TEST(files_that_the_first_run_makes)
{
  static char const run[] =
    "#!/bin/sh\nprintf '#!/bin/sh\\necho finished > /events\\n' > finish.new\nchmod 755 finish.new\n"
    "mv finish.new finish\nexec actor up up\n" ;
  box *b = box_of_writers(run) ;
  ck_assert_int_eq(box_stop(b), 0) ;
  ck_assert_uint_eq(box_event_count(b, "finished"), WRITERS) ;
  box_free(b) ;
}
END_TEST

START_TEST(readiness)
{
  box *b = one_service("#!/bin/sh\necho \"a up $$\" > /events\nread x < /gates/ready\nexec actor ready 5 'a says so'\n", 0) ;
  box_file(b, "etc/services.d/a/notification-fd", 0644, "5\n") ;
  box_gate(b, "ready") ;
  box_boot(b, &plain, (char *)0) ;
  box_event_after(b, "a up ") ;
  ck_assert_str_eq(box_ask(b, "svstat -o up,ready /run/service/a"), "true false\n") ;
  ck_assert_int_eq(exited(box_sh(b, "svwait -U -t 1 /run/service/a").status), 99) ;
  box_open_gate(b, "ready") ;
  box_ask(b, "svwait -U /run/service/a") ;
  ck_assert_str_eq(box_ask(b, "svstat -o up,ready /run/service/a"), "true true\n") ;
  ck_assert_int_eq(stop(b), 0) ;
}
END_TEST

START_TEST(down_signal)
{
  box *b = one_service("#!/bin/sh\nexec actor hear a 3\n", 0) ;
  box_file(b, "etc/services.d/a/down-signal", 0644, "SIGQUIT\n") ;
  box_boot(b, &plain, (char *)0) ;
  box_event(b, "a up") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  ck_assert_uint_eq(box_event_count(b, "a heard 3"), 1) ;
  ck_assert_uint_eq(box_event_count(b, "a heard 15"), 0) ;
  box_free(b) ;
}
END_TEST

START_TEST(timeout_kill)
{
  box *b = one_service("#!/bin/sh\nexec actor deaf\n", FINISH) ;
  box_file(b, "etc/services.d/a/timeout-kill", 0644, "20\n") ;
  box_boot(b, &plain, (char *)0) ;
  box_event_after(b, "deaf ") ;
  box_ask(b, "s6-svc -d /run/service/a") ;
  box_event(b, "a finish 4 256 9 a 1") ;
  ck_assert_int_eq(stop(b), 0) ;
}
END_TEST

START_TEST(timeout_finish)
{
  box *b = one_service("#!/bin/sh\necho run > /events\nexit 1\n", "#!/bin/sh\nexec actor deaf\n") ;
  box_file(b, "etc/services.d/a/timeout-finish", 0644, "20\n") ;
  box_boot(b, &plain, (char *)0) ;
  box_event(b, "run") ;
  box_event_after(b, "deaf ") ;
  box_event(b, "run") ;
  ck_assert_int_eq(stop(b), 0) ;
}
END_TEST

/* TERM reaches a stopped process only with CONT, whoever asks for the end, and whatever else is asked with it. */
START_TEST(who_is_stopped_ends_too)
{
  static char const *const how[] = { 0, "s6-svc -d /run/service/a", "s6-svc -dy /run/service/a" } ;
  int pid ;
  char command[32] ;
  box *b = one_service(UP, FINISH) ;
  box_boot(b, &plain, (char *)0) ;
  ck_assert_int_eq(sscanf(box_event_after(b, "a up "), "%d", &pid), 1) ;
  sprintf(command, "kill -STOP %d", pid) ;
  box_ask(b, command) ;
  if (how[_i])
  {
    box_ask(b, how[_i]) ;
    box_event(b, "a finish 4 0 0 a 1") ;
  }
  ck_assert_int_eq(box_stop(b), 0) ;
  ck_assert_uint_eq(box_event_count(b, "a finish 4 0 0 a 1"), 1) ;
  box_free(b) ;
}
END_TEST

/* Each letter that is a signal, as seen by the service. */
START_TEST(signal_letters)
{
  static struct { char const *option ; int sig ; } const letters[] =
  {
    { "-a", SIGALRM }, { "-b", SIGABRT }, { "-q", SIGQUIT }, { "-h", SIGHUP }, { "-t", SIGTERM },
    { "-i", SIGINT }, { "-1", SIGUSR1 }, { "-2", SIGUSR2 }, { "-y", SIGWINCH }, { "-c", SIGCONT }
  } ;
  char text[64] ;
  box *b = one_service("#!/bin/sh\nexec actor hear a 64\n", 0) ;
  box_boot(b, &plain, (char *)0) ;
  box_event(b, "a up") ;
  for (size_t i = 0 ; i < sizeof letters / sizeof *letters ; i++)
  {
    sprintf(text, "s6-svc %s /run/service/a", letters[i].option) ;
    box_ask(b, text) ;
    sprintf(text, "a heard %d", letters[i].sig) ;
    box_event(b, text) ;
  }
  ck_assert_uint_eq(box_event_count(b, "a up"), 1) ;
  box_ask(b, "s6-svc -k /run/service/a") ;
  box_event(b, "a up") ;
  box_signal(b, SIGKILL) ;
  box_wait(b) ;
  box_free(b) ;
}
END_TEST

START_TEST(linked_from_services_available)
{
  box *b = box_new(0) ;
  box_file(b, "etc/services-available/a/run", 0755, UP) ;
  box_file(b, "etc/services-available/b/run", 0755, "#!/bin/sh\nexec actor up 'b'\n") ;
  box_link(b, "etc/services.d/a", "/etc/services-available/a") ;
  box_boot(b, &plain, (char *)0) ;
  box_event_after(b, "a up ") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  ck_assert_uint_eq(box_event_count(b, "b"), 0) ;
  box_free(b) ;
}
END_TEST

/* Services that a boot script writes. */
START_TEST(made_by_cont_init)
{
  box *b = box_new(0) ;
  box_file(b, "etc/cont-init.d/10", 0755,
    "#!/bin/sh\nmkdir -p /etc/services.d/a\nprintf '#!/bin/sh\\nexec actor up \"a up\"\\n' > /etc/services.d/a/run\n") ;
  box_boot(b, &plain, (char *)0) ;
  box_event(b, "a up") ;
  ck_assert_int_eq(stop(b), 0) ;
}
END_TEST

/* A service has the paths that s6-overlay 2 and 3 gave it. */
START_TEST(every_path_to_a_service)
{
  static char const *const paths[] =
    { "/run/service/a", "/var/run/s6/services/a", "/var/run/service/a", "/run/s6/legacy-services/a" } ;
  char command[96] ;
  box *b = one_service(UP, 0) ;
  box_boot(b, &plain, (char *)0) ;
  for (size_t i = 0 ; i < sizeof paths / sizeof *paths ; i++)
  {
    box_event_after(b, "a up ") ;
    sprintf(command, "s6-svok %s && s6-svc -r %s", paths[i], paths[i]) ;
    box_ask(b, command) ;
  }
  box_event_after(b, "a up ") ;
  ck_assert_int_eq(stop(b), 0) ;
}
END_TEST

START_TEST(svctl)
{
  box *b = one_service(UP, 0) ;
  box_boot(b, &plain, (char *)0) ;
  box_event_after(b, "a up ") ;
  ck_assert_ptr_nonnull(strstr(box_ask(b, "svctl status"), "a")) ;
  box_ask(b, "svctl restart a") ;
  box_event_after(b, "a up ") ;
  box_ask(b, "svctl stop a") ;
  ck_assert_ptr_nonnull(strstr(box_ask(b, "svstat /run/service/a"), "down")) ;
  box_ask(b, "svctl start a") ;
  box_event_after(b, "a up ") ;
  box_ask(b, "svctl kill -KILL a") ;
  box_event_after(b, "a up ") ;
  ck_assert_int_ne(exited(box_sh(b, "svctl status no-such-service").status), 0) ;
  ck_assert_int_eq(stop(b), 0) ;
}
END_TEST

/* Each life of the producer writes 20 lines, the logger appends what it reads. Both are
   restarted ROUNDS times, the logger at any moment of the producer's writing. */
#define ROUNDS 100
#define LINES 20

static void life_is_logged (char const *log, int life)
{
  char line[48] ;
  for (int i = 0 ; i < LINES ; i++)
  {
    sprintf(line, "life %d line %d\n", life, i) ;
    char const *at = strstr(log, line) ;
    ck_assert_msg(at && (at == log || at[-1] == '\n'), "lost: %s", line) ;
    ck_assert_msg(!strstr(at + 1, line), "doubled: %s", line) ;
  }
}

START_TEST(the_logger_loses_nothing)
{
  char text[48] ;
  box *b = box_new("logged") ;
  box_boot(b, &plain, (char *)0) ;
  for (int life = 1 ; life <= ROUNDS + 1 ; life++)
  {
    sprintf(text, "p up %d", life) ;
    box_event(b, text) ;
    box_event(b, "logger up") ;
    if (life <= ROUNDS)
      box_ask(b, "s6-svc -d /run/service/p/log && svwait -D /run/service/p/log && s6-svc -u /run/service/p/log") ;
    sprintf(text, "life %d line done", life) ;
    box_event(b, text) ;
    if (life <= ROUNDS)
      box_ask(b, "s6-svc -d /run/service/p && svwait -D /run/service/p && s6-svc -u /run/service/p") ;
  }
  ck_assert_int_eq(box_stop(b), 0) ;
  ck_assert_uint_eq(box_event_count(b, "logger end"), 1) ;
  char const *log = box_read(b, "log") ;
  for (int life = 1 ; life <= ROUNDS + 1 ; life++) life_is_logged(log, life) ;
  box_free(b) ;
}
END_TEST

int main (void)
{
  TCase *tc = box_case("services") ;
  tcase_add_test(tc, restarts) ;
  tcase_add_loop_test(tc, finish_arguments, 0, ENDS) ;
  tcase_add_test(tc, finish_before_the_next_run) ;
  tcase_add_test(tc, permanent_failure) ;
  tcase_add_test(tc, down_file) ;
  tcase_add_test(tc, lock_fd) ;
  tcase_add_test(tc, a_status_before_the_first_run) ;
  tcase_add_test(tc, the_lock_of_a_service) ;
  tcase_add_test(tc, files_that_the_first_run_makes) ;
  tcase_add_test(tc, readiness) ;
  tcase_add_test(tc, down_signal) ;
  tcase_add_test(tc, timeout_kill) ;
  tcase_add_test(tc, timeout_finish) ;
  tcase_add_loop_test(tc, who_is_stopped_ends_too, 0, 3) ;
  tcase_add_test(tc, signal_letters) ;
  tcase_add_test(tc, linked_from_services_available) ;
  tcase_add_test(tc, made_by_cont_init) ;
  tcase_add_test(tc, every_path_to_a_service) ;
  tcase_add_test(tc, svctl) ;
  tcase_add_test(tc, the_logger_loses_nothing) ;
  return box_main("services", &tc, 1) ;
}
