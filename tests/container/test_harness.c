/* ISC license. */

/* The harness itself: what it reports must be what happened. */

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "harness.h"

static struct box_how const sh = { .init = "/bin/sh" } ;

START_TEST(output_and_exit_code)
{
  box *b = box_new(0) ;
  box_boot(b, &sh, "-c", "echo first; echo second >&2; exit 7", (char *)0) ;
  box_expect(b, "second") ;
  box_expect(b, "first") ;
  ck_assert_int_eq(box_exit_code(b), 7) ;
  ck_assert_str_eq(box_output(b), "first\nsecond\n") ;
  box_free(b) ;
}
END_TEST

START_TEST(status_of_a_killed_pid_1)
{
  box *b = box_new(0) ;
  box_gate(b, "never") ;
  box_boot(b, &sh, "-c", "echo up > /events; read x < /gates/never", (char *)0) ;
  box_event(b, "up") ;
  box_signal(b, SIGKILL) ;
  int status = box_wait(b) ;
  ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) ;
  box_free(b) ;
}
END_TEST

START_TEST(gates_and_events)
{
  box *b = box_new(0) ;
  box_gate(b, "one") ;
  box_boot(b, &sh, "-c", "for i in 1 2 3; do echo at $i > /events; read x < /gates/one; done; echo pid $$ > /events", (char *)0) ;
  box_event(b, "at 1") ;
  box_open_gate(b, "one") ;
  box_event(b, "at 2") ;
  box_open_gate(b, "one") ;
  ck_assert_str_eq(box_event_after(b, "at "), "3") ;
  ck_assert_int_eq(box_event_count(b, "pid 1"), 0) ;
  box_open_gate(b, "one") ;
  box_event(b, "pid 1") ;
  ck_assert_int_eq(box_exit_code(b), 0) ;
  box_free(b) ;
}
END_TEST

START_TEST(other_processes_and_a_second_life)
{
  box *b = box_new(0) ;
  box_gate(b, "end") ;
  for (int life = 0 ; life < 2 ; life++)
  {
    box_boot(b, &sh, "-c", "test -e /run/mark && echo again; touch /run/mark; echo up > /events; read x < /gates/end", (char *)0) ;
    box_event(b, "up") ;
    ck_assert_int_eq(box_says(b, "again"), life) ;
    struct box_result r = box_sh(b, "echo $$; cat /proc/1/comm; exit 3") ;
    ck_assert_int_eq(exited(r.status), 3) ;
    ck_assert_ptr_nonnull(strstr(r.output, "\nsh\n")) ;
    ck_assert_uint_eq(box_processes(b), 1) ;
    box_open_gate(b, "end") ;
    ck_assert_int_eq(box_exit_code(b), 0) ;
  }
  box_free(b) ;
}
END_TEST

START_TEST(a_terminal)
{
  struct box_how how = { .init = "/bin/sh", .flags = BOX_TERMINAL } ;
  box *b = box_new(0) ;
  box_boot(b, &how, "-c", "tty -s && echo tty; read line; echo \"got $line\"; exit 5", (char *)0) ;
  box_expect(b, "tty") ;
  box_type(b, "hello\n") ;
  box_expect(b, "got hello") ;
  ck_assert_int_eq(box_exit_code(b), 5) ;
  box_free(b) ;
}
END_TEST

START_TEST(a_read_only_root)
{
  struct box_how how = { .init = "/bin/sh", .flags = BOX_READ_ONLY | BOX_TMPFS_RUN } ;
  box *b = box_new(0) ;
  box_boot(b, &how, "-c", "touch /x && exit 1; touch /run/x || exit 2; exit 0", (char *)0) ;
  ck_assert_int_eq(box_exit_code(b), 0) ;
  ck_assert_int_eq(box_exists(b, "run/x"), 0) ;
  box_free(b) ;
}
END_TEST

START_TEST(the_actor)
{
  box *b = box_new(0) ;
  box_gate(b, "never") ;
  box_boot(b, &sh, "-c", "actor deaf & actor hold /tmp/lock a & read x < /gates/never", (char *)0) ;
  box_event_after(b, "deaf ") ;
  ck_assert_str_ne(box_event_after(b, "a "), "doubled") ;
  ck_assert_int_eq(exited(box_sh(b, "actor signal 9").status), -1) ;
  ck_assert_str_eq(box_exec(b, "actor", "mask", (char *)0).output, "blocked 0 ignored 0\n") ;
  ck_assert_str_eq(box_ask(b, "actor fds"), "0 1 2 \n") ;
  box_sh_start(b, "exec actor hold /tmp/lock b") ;
  ck_assert_str_eq(box_event_after(b, "b "), "doubled") ;
  box_free(b) ;
}
END_TEST

int main (void)
{
  TCase *tc = box_case("harness") ;
  tcase_add_test(tc, output_and_exit_code) ;
  tcase_add_test(tc, status_of_a_killed_pid_1) ;
  tcase_add_test(tc, gates_and_events) ;
  tcase_add_test(tc, other_processes_and_a_second_life) ;
  tcase_add_test(tc, a_terminal) ;
  tcase_add_test(tc, a_read_only_root) ;
  tcase_add_test(tc, the_actor) ;
  return box_main("harness", &tc, 1) ;
}
