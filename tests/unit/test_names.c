/* ISC license. */

/* The order of scripts and the names of a directory. */

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>

#include <check.h>

#include "names.h"

static char dir[] = "/tmp/test_names.XXXXXX" ;
static char const *const entries[] = { "b", "a", "10-x", "9-y", "A", "Z", ".hidden", "x.sh", "10-x.sh", "run.shx", "\xff\xfe" } ;

static void make (void)
{
  ck_assert(mkdtemp(dir) != 0) ;
  ck_assert_int_eq(chdir(dir), 0) ;
  for (size_t i = 0 ; i < sizeof entries / sizeof entries[0] ; i++) close(open(entries[i], O_WRONLY | O_CREAT, 0600)) ;
}

static void clean (void)
{
  for (size_t i = 0 ; i < sizeof entries / sizeof entries[0] ; i++) unlink(entries[i]) ;
  rmdir(dir) ;
  strcpy(dir + sizeof dir - 7, "XXXXXX") ;
}

static void forget (struct names *n)
{
  stralloc_free(&n->text) ;
  genalloc_free(size_t, &n->order) ;
}

static void same (struct names const *n, char const *const *wanted, size_t count)
{
  ck_assert_uint_eq(names_count(n), count) ;
  for (size_t i = 0 ; i < count ; i++) ck_assert_str_eq(names_at(n, i), wanted[i]) ;
}

/* Bytes count, not letters or numbers: 10 before 9, Z before a, whatever the locale is. */
START_TEST(c_locale_order)
{
  static char const *const wanted[] = { "10-x", "10-x.sh", "9-y", "A", "Z", "a", "b", "run.shx", "x.sh", "\xff\xfe" } ;
  struct names n = NAMES_ZERO ;
  ck_assert_int_eq(names_read(&n, ".", 0, ""), 0) ;
  same(&n, wanted, sizeof wanted / sizeof wanted[0]) ;
  forget(&n) ;
}
END_TEST

START_TEST(suffix_and_after)
{
  static char const *const sh[] = { "10-x.sh", "x.sh" }, *const rest[] = { "b", "run.shx", "x.sh", "\xff\xfe" } ;
  struct names n = NAMES_ZERO ;
  ck_assert_int_eq(names_read(&n, ".", ".sh", ""), 0) ;
  same(&n, sh, 2) ;
  /* a resume goes on behind the last script that ran, also when that is no more */
  ck_assert_int_eq(names_read(&n, ".", 0, "a"), 0) ;
  same(&n, rest, 4) ;
  ck_assert_int_eq(names_read(&n, ".", 0, "aa"), 0) ;
  same(&n, rest, 4) ;
  forget(&n) ;
}
END_TEST

START_TEST(is_among_them)
{
  struct names n = NAMES_ZERO ;
  ck_assert_int_eq(names_read(&n, ".", 0, ""), 0) ;
  ck_assert_int_eq(names_has(&n, "10-x/log", 4), 1) ;
  ck_assert_int_eq(names_has(&n, "10-", 3), 0) ;
  ck_assert_int_eq(names_has(&n, "10-x.s", 6), 0) ;
  ck_assert_int_eq(names_has(&n, ".hidden", 7), 0) ;
  ck_assert_int_eq(names_read(&n, "no such directory", 0, ""), -1) ;
  ck_assert_uint_eq(names_count(&n), 0) ;
  forget(&n) ;
}
END_TEST

int main (void)
{
  Suite *s = suite_create("names") ;
  TCase *t = tcase_create("names") ;
  SRunner *r = srunner_create(s) ;
  int failed ;
  tcase_add_checked_fixture(t, &make, &clean) ;
  tcase_add_test(t, c_locale_order) ;
  tcase_add_test(t, suffix_and_after) ;
  tcase_add_test(t, is_among_them) ;
  suite_add_tcase(s, t) ;
  srunner_run_all(r, CK_NORMAL) ;
  failed = srunner_ntests_failed(r) ;
  srunner_free(r) ;
  return failed ? EXIT_FAILURE : EXIT_SUCCESS ;
}
