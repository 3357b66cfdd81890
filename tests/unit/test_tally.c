/* ISC license. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <check.h>

#include <skalibs/djbunix.h>

#include "supervise/tally.h"

char const *PROG = "test_tally" ;

static struct death const sample =
{
  .stamp = { { 0x400000006543210aULL }, 999999999 },
  .exitcode = 137,
  .sig = 9
} ;

static char const golden[] = "\x40\x00\x00\x00\x65\x43\x21\x0a\x3b\x9a\xc9\xff\x89\x09" ;

START_TEST(packs_golden_bytes)
{
  char s[DEATH_SIZE] ;
  struct death d ;
  ck_assert_uint_eq(sizeof(golden) - 1, DEATH_SIZE) ;
  death_pack(s, &sample) ;
  ck_assert_mem_eq(s, golden, DEATH_SIZE) ;
  death_unpack(golden, &d) ;
  ck_assert_uint_eq(d.stamp.sec.x, sample.stamp.sec.x) ;
  ck_assert_uint_eq(d.stamp.nano, sample.stamp.nano) ;
  ck_assert_uint_eq(d.exitcode, 137) ;
  ck_assert_uint_eq(d.sig, 9) ;
}
END_TEST

/* Raw wait statuses: code << 8 after an exit, the signal and perhaps 0x80 for a core. */
START_TEST(fills_from_every_wait_status)
{
  struct death d ;
  for (int code = 0 ; code < 256 ; code++)
  {
    death_fill(&d, &sample.stamp, code << 8) ;
    ck_assert_uint_eq(d.exitcode, code) ;
    ck_assert_uint_eq(d.sig, 0) ;
  }
  for (int sig = 1 ; sig < 65 ; sig++)
    for (int core = 0 ; core <= 0x80 ; core += 0x80)
    {
      death_fill(&d, &sample.stamp, sig | core) ;
      ck_assert_uint_eq(d.exitcode, 128 + sig) ;
      ck_assert_uint_eq(d.sig, sig) ;
    }
}
END_TEST

/* ---------------------------------------------------------------- files */

static char dir[] = "/tmp/test_tally.XXXXXX" ;
static char file[sizeof(dir) + sizeof("/" TALLY_FILE)] ;

static void make_dir (void)
{
  char sub[sizeof(dir) + 16] ;
  ck_assert(mkdtemp(dir)) ;
  snprintf(sub, sizeof(sub), "%s/supervise", dir) ;
  snprintf(file, sizeof(file), "%s/" TALLY_FILE, dir) ;
  ck_assert_int_eq(mkdir(sub, 0700), 0) ;
}

static void remove_dir (void)
{
  rm_rf(dir) ;
  memset(dir + sizeof(dir) - 7, 'X', 6) ;
}

static void write_records (unsigned int n)
{
  char s[10 * DEATH_SIZE] ;
  struct death d = sample ;
  for (unsigned int i = 0 ; i < n ; i++)
  {
    d.exitcode = (unsigned char)i ;
    d.sig = 0 ;
    death_pack(s + i * DEATH_SIZE, &d) ;
  }
  ck_assert(openwritenclose_unsafe(file, s, n * DEATH_SIZE)) ;
}

START_TEST(reads_the_youngest)
{
  struct death tab[10] ;
  errno = 0 ;
  ck_assert_int_eq(tally_read(dir, tab, 10), -1) ;
  ck_assert_int_eq(errno, ENOENT) ;
  write_records(0) ;
  ck_assert_int_eq(tally_read(dir, tab, 10), 0) ;
  write_records(10) ;
  ck_assert_int_eq(tally_read(dir, tab, 10), 10) ;
  for (unsigned int i = 0 ; i < 10 ; i++) ck_assert_uint_eq(tab[i].exitcode, i) ;
  ck_assert_int_eq(tally_read(dir, tab, 3), 3) ;
  for (unsigned int i = 0 ; i < 3 ; i++) ck_assert_uint_eq(tab[i].exitcode, 7 + i) ;
}
END_TEST

START_TEST(refuses_a_torn_record)
{
  struct death tab[2] ;
  ck_assert(openwritenclose_unsafe(file, golden, DEATH_SIZE - 1)) ;
  errno = 0 ;
  ck_assert_int_eq(tally_read(dir, tab, 2), -1) ;
  ck_assert_int_eq(errno, EPROTO) ;
}
END_TEST

START_TEST(a_fifo_does_not_block)
{
  struct death tab[2] ;
  ck_assert_int_eq(mkfifo(file, 0600), 0) ;
  ck_assert_int_eq(tally_read(dir, tab, 2), 0) ;
}
END_TEST

int main (void)
{
  Suite *s = suite_create("tally") ;
  TCase *pure = tcase_create("format") ;
  TCase *files = tcase_create("files") ;
  SRunner *sr ;
  int failed ;
  tcase_add_test(pure, packs_golden_bytes) ;
  tcase_add_test(pure, fills_from_every_wait_status) ;
  tcase_add_checked_fixture(files, make_dir, remove_dir) ;
  tcase_add_test(files, reads_the_youngest) ;
  tcase_add_test(files, refuses_a_torn_record) ;
  tcase_add_test(files, a_fifo_does_not_block) ;
  suite_add_tcase(s, pure) ;
  suite_add_tcase(s, files) ;
  sr = srunner_create(s) ;
  srunner_run_all(sr, CK_ENV) ;
  failed = srunner_ntests_failed(sr) ;
  srunner_free(sr) ;
  return !!failed ;
}
