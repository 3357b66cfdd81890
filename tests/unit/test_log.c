/* ISC license. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "log/log.h"

char const *PROG = "test_log" ;

#define WORDS(...) ((char const *const[]){ __VA_ARGS__, 0 })

static struct log_script parsed (char const *const *words)
{
  struct log_script script ;
  struct log_fault why ;
  int r = log_script_parse(&script, words, &why) ;
  ck_assert_msg(r == 1, "%s: %s", why.directive ? why.directive : "-", why.cause) ;
  return script ;
}

/* ------------------------------------------------------------------------------- parsing */

static struct { char const *words[5] ; char const *blamed ; char const *cause ; } const refused[] =
{
  { { 0 }, 0, "no action" },
  { { "n3", 0 }, 0, "no action" },
  { { "", "1", 0 }, "", "unrecognized" },
  { { "q", "1", 0 }, "q", "unrecognized" },
  { { "1x", 0 }, "1x", "unrecognized" },
  { { "2x", 0 }, "2x", "unrecognized" },
  { { "e1", 0 }, "e1", "unrecognized" },
  { { "1", "f1", 0 }, "f1", "syntax" },
  { { "tT", "1", 0 }, "tT", "syntax" },
  { { "T1", "1", 0 }, "T1", "syntax" },
  { { "=", 0 }, "=", "status file" },
  { { "n", "1", 0 }, "n", "number" },
  { { "n-1", "1", 0 }, "n-1", "number" },
  { { "n+1", "1", 0 }, "n+1", "number" },
  { { "n1x", "1", 0 }, "n1x", "number" },
  { { "n4294967296", "1", 0 }, "n4294967296", "number" },
  { { "r4294967296", "1", 0 }, "r4294967296", "number" },
  { { "E ", "1", 0 }, "E ", "number" },
  { { "^", "1", 0 }, "^", "number" },
  { { "S18446744073709551616", "1", 0 }, "S18446744073709551616", "number" },
  { { "l60000", ".", 0 }, "l60000", "more than half" },
  { { "s4096", "l2049", ".", 0 }, "l2049", "more than half" },
  { { "s", ".", 0 }, "s", "number" },
  { { "+(", "1", 0 }, "+(", "regular expression: " },
  { { "-", "-[", "1", 0 }, "-[", "regular expression: " }
} ;

START_TEST(refuses_and_says_why)
{
  struct log_script script ;
  struct log_fault why = { .directive = "none" } ;
  ck_assert_int_eq(log_script_parse(&script, refused[_i].words, &why), 0) ;
  if (refused[_i].blamed) ck_assert_str_eq(why.directive, refused[_i].blamed) ;
  else ck_assert_ptr_null(why.directive) ;
  ck_assert_ptr_nonnull(strstr(why.cause, refused[_i].cause)) ;
  ck_assert_ptr_null(script.actions) ;
}
END_TEST

START_TEST(has_defaults)
{
  struct log_script s = parsed(WORDS(".", "2", "=f")) ;
  struct log_rules const *r = &s.actions[0].rules ;
  ck_assert_uint_eq(s.nactions, 3) ;
  ck_assert_uint_eq(s.nselectors, 0) ;
  ck_assert_int_eq(s.trailing, 0) ;
  ck_assert_uint_eq(r->keep, 10) ;
  ck_assert_uint_eq(r->size, 99999) ;
  ck_assert_uint_eq(r->tolerance, 2000) ;
  ck_assert_uint_eq(r->total, 0) ;
  ck_assert_uint_eq(r->pause, 2000) ;
  ck_assert_ptr_null(r->processor) ;
  ck_assert_uint_eq(s.actions[1].limit, 200) ;
  ck_assert_uint_eq(s.actions[2].limit, 1001) ;
  ck_assert_str_eq(s.actions[2].name, "f") ;
  log_script_free(&s) ;
}
END_TEST

START_TEST(settings_hold_from_their_place_on)
{
  struct log_script s = parsed(WORDS("/a", "n7", "s8192", "l100", "S4294967296", "r50", "!gzip -9", "/b",
                                     "n0", "?cat", "/c", "!", "/d", "E5", "2", "E0", "e", "^9", "=f")) ;
  struct log_rules const *b = &s.actions[1].rules ;
  ck_assert_uint_eq(s.ndirs, 4) ;
  ck_assert_uint_eq(s.actions[0].rules.keep, 10) ;
  ck_assert_uint_eq(b->keep, 7) ;
  ck_assert_uint_eq(b->size, 8192) ;
  ck_assert_uint_eq(b->tolerance, 100) ;
  ck_assert_uint_eq(b->total, (uint64_t)1 << 32) ;
  ck_assert_uint_eq(b->pause, 50) ;
  ck_assert_str_eq(b->processor, "gzip -9") ;
  ck_assert_int_eq(b->is_shell, 0) ;
  ck_assert_uint_eq(s.actions[2].rules.keep, 0) ;
  ck_assert_uint_eq(s.actions[2].rules.size, 8192) ;
  ck_assert_str_eq(s.actions[2].rules.processor, "cat") ;
  ck_assert_int_eq(s.actions[2].rules.is_shell, 1) ;
  ck_assert_ptr_null(s.actions[3].rules.processor) ;
  ck_assert_uint_eq(s.actions[4].limit, 5) ;
  ck_assert_int_eq(s.actions[5].type, LOG_TO_STDERR) ;
  ck_assert_uint_eq(s.actions[5].limit, 0) ;
  ck_assert_uint_eq(s.actions[6].limit, 9) ;
  log_script_free(&s) ;
}
END_TEST

START_TEST(clamps_sizes)
{
  struct log_script s = parsed(WORDS("s100", ".a", "s4294967295", ".b", "l2049", "s4096", ".c")) ;
  ck_assert_uint_eq(s.actions[0].rules.size, 4096) ;
  ck_assert_uint_eq(s.actions[0].rules.tolerance, 2000) ;
  ck_assert_uint_eq(s.actions[1].rules.size, 268435455) ;
  ck_assert_uint_eq(s.actions[2].rules.tolerance, 2048) ;
  log_script_free(&s) ;
}
END_TEST

START_TEST(stamps_hold_for_one_action)
{
  struct log_script s = parsed(WORDS("t", "t", "1", "T", "1", "T", "t", "1", "1")) ;
  ck_assert_uint_eq(s.actions[0].stamps, LOG_STAMP_TAI64N) ;
  ck_assert_uint_eq(s.actions[1].stamps, LOG_STAMP_ISO) ;
  ck_assert_uint_eq(s.actions[2].stamps, LOG_STAMP_TAI64N | LOG_STAMP_ISO) ;
  ck_assert_uint_eq(s.actions[3].stamps, 0) ;
  log_script_free(&s) ;
}
END_TEST

START_TEST(one_name_is_one_directory)
{
  struct log_script s = parsed(WORDS("n1", "/a", "n2", "/b", "n3", "/a", "1", "/c")) ;
  ck_assert_uint_eq(s.ndirs, 3) ;
  ck_assert_uint_eq(s.actions[0].dir, 0) ;
  ck_assert_uint_eq(s.actions[1].dir, 1) ;
  ck_assert_uint_eq(s.actions[2].dir, 0) ;
  ck_assert_uint_eq(s.actions[2].rules.keep, 1) ;
  ck_assert_uint_eq(s.actions[4].dir, 2) ;
  log_script_free(&s) ;
}
END_TEST

START_TEST(sees_what_comes_last)
{
  struct log_script s = parsed(WORDS("1", "f")) ;
  ck_assert_int_eq(s.trailing, 1) ;
  log_script_free(&s) ;
  s = parsed(WORDS("f", "1")) ;
  ck_assert_int_eq(s.trailing, 0) ;
  log_script_free(&s) ;
}
END_TEST

/* ----------------------------------------------------------------------------- selection */

/* Which actions happen to the line: one letter each, x or -. */
static struct { char const *words[10] ; char const *line ; char const *acts ; } const selections[] =
{
  { { "1", 0 }, "", "x" },
  { { "1", "1", 0 }, "abc", "xx" },
  { { "-", "1", 0 }, "abc", "-" },
  { { "-", "+", "1", 0 }, "abc", "x" },
  { { "-", "+b", "1", 0 }, "abc", "x" },
  { { "-", "+x", "1", 0 }, "abc", "-" },
  { { "-b", "1", 0 }, "abc", "-" },
  { { "-x", "1", 0 }, "abc", "x" },
  { { "+x", "1", 0 }, "abc", "x" },
  { { "-", "+^a(b|x)c$", "1", 0 }, "abc", "x" },
  { { "-", "+^b", "1", 0 }, "abc", "-" },
  { { "-", "+^$", "1", 0 }, "", "x" },
  { { "-", "+a", "1", "-b", "1", "+c", "1", 0 }, "abc", "x-x" },
  { { "-", "+x", "1", "1", "+a", "1", "1", 0 }, "abc", "--xx" },
  { { "f", "1", 0 }, "abc", "x" },
  { { "1", "f", "1", 0 }, "abc", "x-" },
  { { "-", "1", "f", "1", 0 }, "abc", "-x" },
  { { "-", "+x", "1", "f", "1", "f", "1", 0 }, "abc", "-x-" },
  { { "-", "+a", "1", "f", "1", "f", "1", 0 }, "abc", "x--" },
  { { "-", "f", "-b", "1", "f", "+x", "1", 0 }, "abc", "-x" }
} ;

START_TEST(selects)
{
  struct log_script s = parsed(selections[_i].words) ;
  struct log_pass pass = LOG_PASS_START ;
  char got[8] = "" ;
  for (size_t i = 0 ; i < s.nactions ; i++)
    got[i] = log_select(&s, s.actions + i, selections[_i].line, &pass) ? 'x' : '-' ;
  ck_assert_str_eq(got, selections[_i].acts) ;
  log_script_free(&s) ;
}
END_TEST

/* -------------------------------------------------------------------------------- trimming */

static struct { uint64_t sizes[4] ; size_t n ; uint32_t keep ; uint64_t total ; size_t excess ; } const trims[] =
{
  { { 0 }, 0, 0, 0, 0 },
  { { 5 }, 1, 0, 0, 1 },
  { { 5, 5 }, 2, 2, 0, 0 },
  { { 5, 5, 5 }, 3, 2, 0, 1 },
  { { 5, 5, 5 }, 3, 9, 15, 0 },
  { { 5, 5, 5 }, 3, 9, 14, 1 },
  { { 5, 5, 5 }, 3, 9, 4, 3 },
  { { 1, 9, 1 }, 3, 9, 9, 2 },
  { { 9, 1, 1 }, 3, 9, 2, 1 },
  { { 1, 1, 1, 1 }, 4, 3, 2, 2 },
  { { 1, 1, 1, 1 }, 4, 2, 3, 2 },
  { { 0, UINT64_MAX }, 2, 9, UINT64_MAX, 0 }
} ;

START_TEST(trims_the_oldest)
{
  ck_assert_uint_eq(log_dir_excess(trims[_i].sizes, trims[_i].n, trims[_i].keep, trims[_i].total), trims[_i].excess) ;
}
END_TEST

/* ---------------------------------------------------------------------------------- stamps */

static void check_form (char const *s, size_t len, char const *form)
{
  ck_assert_uint_eq(len, strlen(form)) ;
  for (size_t i = 0 ; i < len ; i++) switch (form[i])
  {
    case '9' : ck_assert_msg(s[i] >= '0' && s[i] <= '9', "%.*s", (int)len, s) ; break ;
    case 'f' : ck_assert_msg(strchr("0123456789abcdef", s[i]) && s[i], "%.*s", (int)len, s) ; break ;
    default : ck_assert_msg(s[i] == form[i], "%.*s", (int)len, s) ;
  }
}

#define TAI64N "@ffffffffffffffffffffffff "
#define ISO "9999-99-99 99:99:99.999999999  "

START_TEST(stamps_have_their_form)
{
  static char const *const form[] = { "", TAI64N, ISO, TAI64N ISO } ;
  struct log_stamp stamp = LOG_STAMP_ZERO ;
  char const *s ;
  /* twice: the second line of a second takes another way */
  for (int i = 0 ; i < 2 ; i++) for (unsigned int wanted = 0 ; wanted < 4 ; wanted++)
  {
    size_t len ;
    stamp.made = 0 ;
    len = log_stamp_prefix(&stamp, wanted, &s) ;
    check_form(s, len, form[wanted]) ;
  }
}
END_TEST

/* Nanoseconds of both kinds are of one reading of the clock, and stay for the whole line. */
START_TEST(stamps_of_a_line_agree)
{
  struct log_stamp stamp = LOG_STAMP_ZERO ;
  char first[64] ;
  char const *s ;
  for (int i = 0 ; i < 1000 ; i++)
  {
    size_t len ;
    unsigned long hex ;
    stamp.made = 0 ;
    log_stamp_prefix(&stamp, i & 1 ? LOG_STAMP_ISO : LOG_STAMP_TAI64N, &s) ;
    len = log_stamp_prefix(&stamp, LOG_STAMP_TAI64N | LOG_STAMP_ISO, &s) ;
    memcpy(first, s, len) ;
    first[LOG_TAI64N_LEN - 1] = 0 ;
    hex = strtoul(first + 17, 0, 16) ;
    ck_assert_uint_eq(hex, strtoul(first + LOG_TAI64N_LEN + 20, 0, 10)) ;
    first[LOG_TAI64N_LEN - 1] = ' ' ;
    log_stamp_prefix(&stamp, LOG_STAMP_TAI64N | LOG_STAMP_ISO, &s) ;
    ck_assert_mem_eq(first, s, len) ;
  }
}
END_TEST

#define N(array) ((int)(sizeof(array) / sizeof(*(array))))

int main (void)
{
  Suite *suite = suite_create("log") ;
  TCase *tc = tcase_create("log") ;
  SRunner *runner ;
  int failed ;
  tcase_add_loop_test(tc, refuses_and_says_why, 0, N(refused)) ;
  tcase_add_test(tc, has_defaults) ;
  tcase_add_test(tc, settings_hold_from_their_place_on) ;
  tcase_add_test(tc, clamps_sizes) ;
  tcase_add_test(tc, stamps_hold_for_one_action) ;
  tcase_add_test(tc, one_name_is_one_directory) ;
  tcase_add_test(tc, sees_what_comes_last) ;
  tcase_add_loop_test(tc, selects, 0, N(selections)) ;
  tcase_add_loop_test(tc, trims_the_oldest, 0, N(trims)) ;
  tcase_add_test(tc, stamps_have_their_form) ;
  tcase_add_test(tc, stamps_of_a_line_agree) ;
  suite_add_tcase(suite, tc) ;
  runner = srunner_create(suite) ;
  srunner_run_all(runner, CK_NORMAL) ;
  failed = srunner_ntests_failed(runner) ;
  srunner_free(runner) ;
  return failed ? EXIT_FAILURE : EXIT_SUCCESS ;
}
