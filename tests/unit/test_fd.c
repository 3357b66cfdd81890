/* ISC license. */

/* Where descriptors are put: the fence, and the numbers that no child copies. */

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/resource.h>

#include <check.h>

#include "base.h"

/* The first number of which a process has no room without a further allocation. */
#define LARGE 64

static void limit (rlim_t n)
{
  struct rlimit const rl = { .rlim_cur = n, .rlim_max = n } ;
  ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &rl), 0) ;
}

START_TEST(raised)
{
  int fd = fd_raise(dup(0), 40, 1) ;
  ck_assert_int_eq(fd, 40) ;
  ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC) ;
  ck_assert_int_eq(fd_raise(fd, 40, 0), fd) ;
  ck_assert_int_eq(fd_raise(-1, 40, 0), -1) ;
}
END_TEST

/* Whatever opens next lands at the base, and an exec sees nothing of what lies before it. */
START_TEST(fence)
{
  int base = fd_base_find() + 3 ;
  ck_assert_int_eq(fd_fence(base), 0) ;
  ck_assert_int_eq(dup(0), base) ;
  ck_assert_int_eq(fcntl(base - 1, F_GETFD), FD_CLOEXEC) ;
}
END_TEST

START_TEST(base_is_above_what_was_passed_in)
{
  int passed = fcntl(0, F_DUPFD, fd_base_find() + 30) ;
  ck_assert_int_eq(fd_base_find(), passed + 1) ;
}
END_TEST

START_TEST(few_need_no_room)
{
  int fd = dup(0) ;
  fd_room(10) ;
  ck_assert_int_eq(fd_high(fd), fd) ;
  ck_assert_int_ge(fcntl(fd, F_GETFD), 0) ;
}
END_TEST

START_TEST(many_go_where_no_child_copies_them)
{
  int low = dup(0), fd ;
  fd_room(100) ;
  fd = fd_high(low) ;
  ck_assert_int_ge(fd, LARGE) ;
  ck_assert_int_eq(fcntl(fd, F_GETFD), 0) ;
  ck_assert_int_eq(fcntl(low, F_GETFD), -1) ;
  ck_assert_int_eq(fd_high(-1), -1) ;
}
END_TEST

/* A limit below what is asked for is no obstacle, one that leaves nothing beyond the small table is. */
START_TEST(limited)
{
  int fd = dup(0), first ;
  limit(_i ? LARGE : LARGE + 2) ;
  fd_room(100) ;
  first = fd_high(fd) ;
  if (_i) ck_assert_int_eq(first, fd) ;
  else ck_assert_int_eq(first, LARGE) ;
  fd_high(dup(0)) ;
  /* nothing is left above: it stays where it is */
  fd = dup(0) ;
  ck_assert_int_eq(fd_high(fd), fd) ;
  ck_assert_int_ge(fcntl(fd, F_GETFD), 0) ;
}
END_TEST

int main (void)
{
  Suite *s = suite_create("fd") ;
  TCase *tc = tcase_create("fd") ;
  SRunner *sr ;
  int failed ;
  tcase_add_test(tc, raised) ;
  tcase_add_test(tc, fence) ;
  tcase_add_test(tc, base_is_above_what_was_passed_in) ;
  tcase_add_test(tc, few_need_no_room) ;
  tcase_add_test(tc, many_go_where_no_child_copies_them) ;
  tcase_add_loop_test(tc, limited, 0, 2) ;
  suite_add_tcase(s, tc) ;
  sr = srunner_create(s) ;
  srunner_run_all(sr, CK_ENV) ;
  failed = srunner_ntests_failed(sr) ;
  srunner_free(sr) ;
  return failed ? EXIT_FAILURE : EXIT_SUCCESS ;
}
