/* ISC license. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

#include <skalibs/djbunix.h>

#include "supervise/status.h"

char const *PROG = "test_status" ;

#define STAMP_BYTES    "\x40\x00\x00\x00\x65\x43\x21\x0a\x00\x00\x01\x02"
#define READY_BYTES    "\x40\x00\x00\x00\x65\x43\x21\x0b\x3b\x9a\xc9\xff"
#define PID_BYTES      "\x00\x00\x00\x00\x00\x01\x02\x03"

static struct svstatus const sample =
{
  .stamp = { { 0x400000006543210aULL }, 0x102 },
  .readystamp = { { 0x400000006543210bULL }, 999999999 },
  .pid = 0x10203,
  .pgid = 0x7fedcba9,
  .wstat = 0x7d00,
  .paused = 1,
  .want_up = 1
} ;

static char const golden_long[] =
  STAMP_BYTES READY_BYTES PID_BYTES "\x7d\x00\x05\x00\x7f\xed\xcb\xa9\x7d\x00\x05" ;

static void check_same (struct svstatus const *a, struct svstatus const *b)
{
  ck_assert_uint_eq(a->stamp.sec.x, b->stamp.sec.x) ;
  ck_assert_uint_eq(a->stamp.nano, b->stamp.nano) ;
  ck_assert_uint_eq(a->readystamp.sec.x, b->readystamp.sec.x) ;
  ck_assert_uint_eq(a->readystamp.nano, b->readystamp.nano) ;
  ck_assert_int_eq(a->pid, b->pid) ;
  ck_assert_int_eq(a->pgid, b->pgid) ;
  ck_assert_int_eq(a->wstat, b->wstat) ;
  ck_assert_uint_eq(a->paused, b->paused) ;
  ck_assert_uint_eq(a->finishing, b->finishing) ;
  ck_assert_uint_eq(a->want_up, b->want_up) ;
  ck_assert_uint_eq(a->ready, b->ready) ;
}

START_TEST(packs_golden_bytes)
{
  char s[SVSTATUS_SIZE] ;
  ck_assert_uint_eq(sizeof(golden_long) - 1, SVSTATUS_SIZE) ;
  svstatus_pack(s, &sample) ;
  ck_assert_mem_eq(s, golden_long, SVSTATUS_SIZE) ;
}
END_TEST

/* What a reader of 35 bytes sees in our 43. */
START_TEST(prefix_is_the_short_form)
{
  static char const golden_short[] = STAMP_BYTES READY_BYTES PID_BYTES "\x7d\x00\x05" ;
  struct svstatus st ;
  ck_assert_mem_eq(golden_short, golden_long, SVSTATUS_SIZE_SHORT) ;
  ck_assert(svstatus_unpack(golden_long, SVSTATUS_SIZE_SHORT, &st)) ;
  ck_assert_int_eq(st.pgid, sample.pid) ;
  st.pgid = sample.pgid ;
  check_same(&st, &sample) ;
}
END_TEST

/* What s6 2.12 and 2.13 write: eight bytes of process group. */
START_TEST(reads_the_long_form_of_others)
{
  static char const mid[] =
    STAMP_BYTES READY_BYTES PID_BYTES "\x00\x00\x00\x00\x7f\xed\xcb\xa9\x7d\x00\x05" ;
  struct svstatus st ;
  ck_assert(svstatus_unpack(mid, sizeof(mid) - 1, &st)) ;
  check_same(&st, &sample) ;
}
END_TEST

START_TEST(flags_and_statuses_round_trip)
{
  static int const wstats[] = { 0, 0x100, 0xff00, 9, 15, 0x8b } ;
  for (unsigned int flags = 0 ; flags < 16 ; flags++)
    for (size_t i = 0 ; i < sizeof(wstats) / sizeof(*wstats) ; i++)
    {
      struct svstatus in = sample, out ;
      char s[SVSTATUS_SIZE] ;
      in.paused = flags & 1 ;
      in.finishing = flags >> 1 & 1 ;
      in.want_up = flags >> 2 & 1 ;
      in.ready = flags >> 3 & 1 ;
      in.wstat = wstats[i] ;
      svstatus_pack(s, &in) ;
      ck_assert_int_eq(s[34], (int)flags) ;
      ck_assert_int_eq(s[42], (int)flags) ;
      ck_assert(svstatus_unpack(s, SVSTATUS_SIZE, &out)) ;
      check_same(&in, &out) ;
    }
}
END_TEST

START_TEST(refuses_other_lengths_and_pids)
{
  char s[64] = "" ;
  struct svstatus st ;
  for (size_t len = 0 ; len <= sizeof(s) ; len++)
  {
    int good = len == SVSTATUS_SIZE || len == SVSTATUS_SIZE_SHORT ;
    errno = 0 ;
    ck_assert_int_eq(svstatus_unpack(s, len, &st), good) ;
    if (!good) ck_assert_int_eq(errno, EPROTO) ;
  }
  s[24] = 1 ;
  errno = 0 ;
  ck_assert(!svstatus_unpack(s, SVSTATUS_SIZE, &st)) ;
  ck_assert_int_eq(errno, EPROTO) ;
}
END_TEST

/* ---------------------------------------------------------------- files */

static char dir[] = "/tmp/test_status.XXXXXX" ;
static char file[sizeof(dir) + sizeof("/" SVSTATUS_FILE)] ;

static void make_dir (void)
{
  char sub[sizeof(dir) + 16] ;
  ck_assert(mkdtemp(dir)) ;
  snprintf(sub, sizeof(sub), "%s/supervise", dir) ;
  snprintf(file, sizeof(file), "%s/" SVSTATUS_FILE, dir) ;
  ck_assert_int_eq(mkdir(sub, 0700), 0) ;
}

static void remove_dir (void)
{
  rm_rf(dir) ;
  memset(dir + sizeof(dir) - 7, 'X', 6) ;
}

static void check_read (size_t len, int good, int error)
{
  char s[64] ;
  struct svstatus st ;
  memset(s, 0, sizeof(s)) ;
  memcpy(s, golden_long, SVSTATUS_SIZE) ;
  ck_assert(openwritenclose_unsafe(file, s, len)) ;
  errno = 0 ;
  ck_assert_int_eq(svstatus_read(dir, &st), good) ;
  if (good) ck_assert_int_eq(st.pid, sample.pid) ;
  else ck_assert_int_eq(errno, error) ;
}

START_TEST(reads_files)
{
  struct svstatus st ;
  errno = 0 ;
  ck_assert(!svstatus_read(dir, &st)) ;
  ck_assert_int_eq(errno, ENOENT) ;
  check_read(SVSTATUS_SIZE, 1, 0) ;
  check_read(SVSTATUS_SIZE_SHORT, 1, 0) ;
  check_read(SVSTATUS_SIZE + 1, 0, EPROTO) ;
  check_read(SVSTATUS_SIZE - 1, 0, EPROTO) ;
  check_read(0, 0, EPROTO) ;
}
END_TEST

START_TEST(a_fifo_does_not_block)
{
  struct svstatus st ;
  ck_assert_int_eq(mkfifo(file, 0600), 0) ;
  errno = 0 ;
  ck_assert(!svstatus_read(dir, &st)) ;
  ck_assert_int_eq(errno, EPROTO) ;
}
END_TEST

int main (void)
{
  Suite *s = suite_create("status") ;
  TCase *pure = tcase_create("format") ;
  TCase *files = tcase_create("files") ;
  SRunner *sr ;
  int failed ;
  tcase_add_test(pure, packs_golden_bytes) ;
  tcase_add_test(pure, prefix_is_the_short_form) ;
  tcase_add_test(pure, reads_the_long_form_of_others) ;
  tcase_add_test(pure, flags_and_statuses_round_trip) ;
  tcase_add_test(pure, refuses_other_lengths_and_pids) ;
  tcase_add_checked_fixture(files, make_dir, remove_dir) ;
  tcase_add_test(files, reads_files) ;
  tcase_add_test(files, a_fifo_does_not_block) ;
  suite_add_tcase(s, pure) ;
  suite_add_tcase(s, files) ;
  sr = srunner_create(s) ;
  srunner_run_all(sr, CK_ENV) ;
  failed = srunner_ntests_failed(sr) ;
  srunner_free(sr) ;
  return !!failed ;
}
