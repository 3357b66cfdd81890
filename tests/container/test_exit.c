/* ISC license. */

/* What the container ends with: every exit code, every signal, and who has the last word. */

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "harness.h"

#define CODES_A_TEST 32

static struct box_how const plain ;

static char const *number (char *buf, int n)
{
  sprintf(buf, "%d", n) ;
  return buf ;
}

START_TEST(cmd_exit_codes)
{
  char n[16], script[32] ;
  box *b = box_new(0) ;
  for (int code = _i * CODES_A_TEST ; code < (_i + 1) * CODES_A_TEST ; code++)
  {
    sprintf(script, "exit %s", number(n, code)) ;
    box_boot(b, &plain, "sh", "-c", script, (char *)0) ;
    ck_assert_int_eq(box_exit_code(b), code) ;
  }
  box_free(b) ;
}
END_TEST

static int terminates (int sig)
{
  switch (sig)
  {
    case SIGCHLD : case SIGCONT : case SIGURG : case SIGWINCH :
    case SIGSTOP : case SIGTSTP : case SIGTTIN : case SIGTTOU : return 0 ;
    /* libc's own: make and its kin may hand them down blocked, and no program can change that */
    case 32 : case 33 : return 0 ;
    default : return 1 ;
  }
}

START_TEST(cmd_signals)
{
  char n[16] ;
  box *b = box_new(0) ;
  for (int sig = 1 ; sig < 65 ; sig++)
  {
    if (!terminates(sig)) continue ;
    box_boot(b, &plain, "actor", "signal", number(n, sig), (char *)0) ;
    ck_assert_int_eq(box_exit_code(b), 128 + sig) ;
  }
  box_free(b) ;
}
END_TEST

/* The CMD gets what an exec by the runtime itself would have given it. */
START_TEST(cmd_inherits_nothing_of_ours)
{
  box *b = box_new(0) ;
  box_boot(b, &plain, "sh", "-c", "actor fds; exec actor mask", (char *)0) ;
  box_expect(b, "0 1 2 ") ;
  box_expect(b, "blocked 0 ignored 0") ;
  ck_assert_int_eq(box_exit_code(b), 0) ;
  box_free(b) ;
}
END_TEST

START_TEST(cmd_not_found)
{
  box *b = box_new(0) ;
  box_boot(b, &plain, "no-such-program", (char *)0) ;
  ck_assert_int_eq(box_exit_code(b), 127) ;
  ck_assert_msg(box_says(b, "no-such-program"), "%s", box_output(b)) ;
  ck_assert_msg(box_says(b, "/usr/local/bin:/usr/sbin"), "the PATH that was searched is not named: %s", box_output(b)) ;
  box_free(b) ;
}
END_TEST

START_TEST(cmd_not_executable)
{
  box *b = box_new(0) ;
  box_file(b, "data", 0644, "neither a program nor a script\n") ;
  box_boot(b, &plain, "/data", (char *)0) ;
  ck_assert_int_eq(box_exit_code(b), 126) ;
  ck_assert_msg(box_says(b, "/data"), "%s", box_output(b)) ;
  box_free(b) ;
}
END_TEST

START_TEST(cmd_arguments_are_kept)
{
  box *b = box_new(0) ;
  box_boot(b, &plain, "sh", "-c", "for a; do echo \"<$a>\"; done", "sh", "two words", "", "*", "-x", (char *)0) ;
  ck_assert_int_eq(box_exit_code(b), 0) ;
  ck_assert_msg(box_says(b, "<two words>\n<>\n<*>\n<-x>\n"), "%s", box_output(b)) ;
  box_free(b) ;
}
END_TEST

START_TEST(no_cmd_runs_until_stopped)
{
  box *b = box_new(0) ;
  box_file(b, "etc/services.d/a/run", 0755, "#!/bin/sh\nexec actor up 'a up'\n") ;
  box_boot(b, &plain, (char *)0) ;
  box_event(b, "a up") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  box_expect(b, "container ends with 0") ;
  box_free(b) ;
}
END_TEST

START_TEST(each_stop_signal)
{
  static int const signals[] = { SIGTERM, SIGINT, SIGQUIT, SIGPWR, SIGUSR1, SIGUSR2, 37, 38 } ;
  box *b = box_new(0) ;
  box_file(b, "etc/services.d/a/run", 0755, "#!/bin/sh\nexec actor up 'a up'\n") ;
  for (size_t i = 0 ; i < sizeof signals / sizeof *signals ; i++)
  {
    box_boot(b, &plain, (char *)0) ;
    box_event(b, "a up") ;
    box_signal(b, signals[i]) ;
    ck_assert_int_eq(box_exit_code(b), 0) ;
  }
  box_free(b) ;
}
END_TEST

START_TEST(named_stop_signal)
{
  static char const *const env[] = { "S6_STOP_SIGNALS=WINCH", 0 } ;
  struct box_how how = { .env = env } ;
  box *b = box_new(0) ;
  box_file(b, "etc/services.d/a/run", 0755, "#!/bin/sh\nexec actor up 'a up'\n") ;
  box_boot(b, &how, (char *)0) ;
  box_event(b, "a up") ;
  box_signal(b, SIGWINCH) ;
  ck_assert_int_eq(box_exit_code(b), 0) ;
  box_free(b) ;
}
END_TEST

/* A CMD that ends by itself while the container stops gives its code; one that our signal kills does not. */
START_TEST(cmd_answers_a_stop)
{
  box *b = box_new(0) ;
  box_gate(b, "never") ;
  box_boot(b, &plain, "actor", "answer", "up", "9", (char *)0) ;
  box_event(b, "up") ;
  ck_assert_int_eq(box_stop(b), 9) ;
  box_boot(b, &plain, "sh", "-c", "echo up > /events; read x < /gates/never", (char *)0) ;
  box_event(b, "up") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  box_free(b) ;
}
END_TEST

/* The ways to end the container from inside. */
START_TEST(halts)
{
  static struct { char const *command ; int code ; } const ways[] =
  {
    { "/run/s6/basedir/bin/halt", 0 },
    { "/run/s6/basedir/bin/poweroff", 0 },
    { "/run/s6/basedir/bin/reboot", 0 },
    { "s6-svscanctl -t /var/run/s6/services", 0 },
    { "s6-svscanctl -t /run/service", 0 },
    { "svctl halt", 0 },
    { "svctl halt 42", 42 },
    { "echo 43 > /run/s6-linux-init-container-results/exitcode; /run/s6/basedir/bin/halt", 43 },
    { "printf 44 > /var/run/s6/env-stage3/S6_STAGE2_EXITED; s6-svscanctl -t /var/run/s6/services", 44 },
    { "kill -TERM 1", 0 }
  } ;
  box *b = box_new(0) ;
  box_file(b, "etc/services.d/a/run", 0755, "#!/bin/sh\nexec actor up 'a up'\n") ;
  box_boot(b, &plain, (char *)0) ;
  box_event(b, "a up") ;
  struct box_result r = box_sh(b, ways[_i].command) ;
  /* it may be killed before it can say 0 */
  ck_assert_msg(exited(r.status) <= 0, "exit code %d: %s", exited(r.status), r.output) ;
  ck_assert_int_eq(box_exit_code(b), ways[_i].code) ;
  box_free(b) ;
}
END_TEST
#define HALTS 10

START_TEST(the_last_writer_wins)
{
  box *b = box_new(0) ;
  box_file(b, "etc/services.d/a/run", 0755, "#!/bin/sh\nexec actor up 'a up'\n") ;
  box_file(b, "etc/services.d/a/finish", 0755, "#!/bin/sh\necho 50 > /run/s6-linux-init-container-results/exitcode\n") ;
  box_boot(b, &plain, (char *)0) ;
  box_event(b, "a up") ;
  ck_assert_int_eq(box_stop(b), 50) ;
  box_free(b) ;
}
END_TEST

START_TEST(cont_finish_may_change_the_code)
{
  box *b = box_new(0) ;
  box_file(b, "etc/cont-finish.d/10", 0755, "#!/bin/sh\necho 51 > /run/s6-linux-init-container-results/exitcode\n") ;
  box_boot(b, &plain, "sh", "-c", "exit 3", (char *)0) ;
  ck_assert_int_eq(box_exit_code(b), 51) ;
  box_free(b) ;
}
END_TEST

/* A finish script that everyone copies: halt with the service's own code. */
START_TEST(a_service_ends_the_container)
{
  box *b = box_new(0) ;
  box_file(b, "etc/services.d/a/run", 0755, "#!/bin/sh\nexit 33\n") ;
  box_file(b, "etc/services.d/a/finish", 0755,
    "#!/bin/sh\necho $1 > /run/s6-linux-init-container-results/exitcode\nexec /run/s6/basedir/bin/halt\n") ;
  box_boot(b, &plain, (char *)0) ;
  ck_assert_int_eq(box_exit_code(b), 33) ;
  box_free(b) ;
}
END_TEST

int main (void)
{
  TCase *tc = box_case("exit") ;
  tcase_add_loop_test(tc, cmd_exit_codes, 0, 256 / CODES_A_TEST) ;
  tcase_add_test(tc, cmd_signals) ;
  tcase_add_test(tc, cmd_inherits_nothing_of_ours) ;
  tcase_add_test(tc, cmd_not_found) ;
  tcase_add_test(tc, cmd_not_executable) ;
  tcase_add_test(tc, cmd_arguments_are_kept) ;
  tcase_add_test(tc, no_cmd_runs_until_stopped) ;
  tcase_add_test(tc, each_stop_signal) ;
  tcase_add_test(tc, named_stop_signal) ;
  tcase_add_test(tc, cmd_answers_a_stop) ;
  tcase_add_loop_test(tc, halts, 0, HALTS) ;
  tcase_add_test(tc, the_last_writer_wins) ;
  tcase_add_test(tc, cont_finish_may_change_the_code) ;
  tcase_add_test(tc, a_service_ends_the_container) ;
  return box_main("exit", &tc, 1) ;
}
