/* ISC license. */

/* The ledger: two copies and one store, checksums, owed effects, growth, the sweep, and what is no
   ledger of ours. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <check.h>

#include "ledger.h"

#define BASE 100

static void make (void)
{
  ck_assert_int_eq(ledger_create(BASE, "/tmp"), 0) ;
}

static uint32_t used_slot (void)
{
  uint32_t i = slot_new() ;
  ck_assert_uint_ne(i, NO_SLOT) ;
  slot_draft(slot_at(i))->state = 7 ;
  slot_commit(slot_at(i), 0) ;
  slot_at(i)->used = 1 ;
  return i ;
}

START_TEST(a_draft_is_nothing_until_committed)
{
  struct slot *s ;
  struct slot_state *d ;
  make() ;
  s = slot_at(used_slot()) ;
  d = slot_draft(s) ;
  d->state = 3 ;
  d->wstat = 99 ;
  ck_assert_int_eq(slot_now(s)->state, 7) ;
  ck_assert(slot_sound(s)) ;
  slot_commit(s, 5) ;
  ck_assert_int_eq(slot_now(s)->state, 3) ;
  ck_assert_int_eq(slot_now(s)->wstat, 99) ;
  ck_assert_uint_eq(slot_owed(s), 5) ;
  ck_assert(slot_sound(s)) ;
  /* the next draft begins with what holds */
  ck_assert_int_eq(slot_draft(s)->wstat, 99) ;
}
END_TEST

START_TEST(effects_are_struck_off_one_by_one)
{
  struct slot *s ;
  make() ;
  s = slot_at(used_slot()) ;
  slot_draft(s)->state = 1 ;
  slot_commit(s, 1 | 4 | 1 << 16) ;
  slot_paid(s, 4) ;
  ck_assert_uint_eq(slot_owed(s), 1 | 1 << 16) ;
  slot_paid(s, 4) ;
  ck_assert_uint_eq(slot_owed(s), 1 | 1 << 16) ;
  slot_paid(s, 1) ;
  slot_paid(s, 1 << 16) ;
  ck_assert_uint_eq(slot_owed(s), 0) ;
  ck_assert_int_eq(slot_now(s)->state, 1) ;
}
END_TEST

/* A crash at any instruction of a step leaves the old state: whatever the idle copy holds. */
START_TEST(a_torn_draft_does_no_harm)
{
  struct slot *s ;
  make() ;
  s = slot_at(used_slot()) ;
  for (size_t i = 0 ; i < sizeof(struct slot_state) ; i++)
  {
    unsigned char *d = (void *)slot_draft(s) ;
    memset(d, 0xa5, i) ;
    ck_assert(slot_sound(s)) ;
    ck_assert_int_eq(slot_now(s)->state, 7) ;
  }
}
END_TEST

START_TEST(every_flipped_bit_is_seen)
{
  struct slot *s ;
  unsigned char *c ;
  make() ;
  s = slot_at(used_slot()) ;
  c = (void *)slot_now(s) ;
  for (size_t bit = 0 ; bit < 8 * sizeof(struct slot_state) ; bit++)
  {
    c[bit / 8] ^= (unsigned char)(1 << bit % 8) ;
    ck_assert(!slot_sound(s)) ;
    c[bit / 8] ^= (unsigned char)(1 << bit % 8) ;
  }
  ck_assert(slot_sound(s)) ;
}
END_TEST

START_TEST(global_has_two_copies_too)
{
  struct global *g ;
  make() ;
  g = global_draft() ;
  g->step = 4 ;
  ck_assert_int_eq(global_now()->step, 0) ;
  global_commit() ;
  ck_assert_int_eq(global_now()->step, 4) ;
  g = global_draft() ;
  ck_assert_ptr_ne(g, global_now()) ;
  ck_assert_int_eq(g->step, 4) ;
}
END_TEST

START_TEST(it_grows_and_pointers_stay)
{
  struct slot *first ;
  make() ;
  first = slot_at(used_slot()) ;
  strcpy(first->name, "first") ;
  for (uint32_t i = 1 ; i < 3000 ; i++) ck_assert_uint_eq(used_slot(), i) ;
  ck_assert_ptr_eq(slot_at(0), first) ;
  ck_assert_str_eq(first->name, "first") ;
  ck_assert_uint_ge(ledger->room, 3000) ;
  ck_assert(slot_sound(slot_at(2999))) ;
}
END_TEST

START_TEST(a_freed_slot_is_used_again)
{
  uint32_t i ;
  make() ;
  for (int k = 0 ; k < 5 ; k++) used_slot() ;
  slot_at(2)->used = 0 ;
  slot_at(2)->faults = 9 ;
  ledger->unused++ ;
  i = used_slot() ;
  ck_assert_uint_eq(i, 2) ;
  ck_assert_uint_eq(slot_at(i)->faults, 0) ;
  ck_assert_int_eq(slot_at(i)->control_fd, -1) ;
  ck_assert_uint_eq(used_slot(), 5) ;
}
END_TEST

START_TEST(after_an_exec_it_is_the_same)
{
  int fd ;
  make() ;
  used_slot() ;
  fd = ledger->self_fd ;
  ck_assert_int_ge(fd, BASE) ;
  ck_assert_int_eq(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0) ;
  ledger = 0 ;
  ck_assert_int_eq(ledger_attach(fd), 0) ;
  ck_assert_int_eq(slot_now(slot_at(0))->state, 7) ;
}
END_TEST

static int file_of (void const *p, size_t n)
{
  char name[] = "/tmp/keelson-ledger-XXXXXX" ;
  int fd = mkstemp(name) ;
  ck_assert_int_ge(fd, 0) ;
  unlink(name) ;
  ck_assert_int_eq(write(fd, p, n), (ssize_t)n) ;
  return fd ;
}

START_TEST(others_are_refused)
{
  static struct header h ;
  static char zero[sizeof h + 8192] ;
  size_t size ;
  make() ;
  h = *ledger ;
  ledger = 0 ;
  ck_assert_int_eq(ledger_attach(-1), -1) ;
  ck_assert_int_eq(ledger_attach(file_of(zero, sizeof zero)), -1) ;
  ck_assert_int_eq(errno, EPROTO) ;
  ck_assert_ptr_eq(ledger, 0) ;
  ck_assert_ptr_eq(ledger_view(file_of("short", 5), &size), 0) ;
  ck_assert_ptr_eq(ledger_view(file_of(zero, sizeof zero), &size), 0) ;
  /* an older layout */
  memcpy(zero, &h, sizeof h) ;
  ((struct header *)zero)->slot_size-- ;
  ck_assert_int_eq(ledger_attach(file_of(zero, sizeof zero)), -1) ;
  ck_assert_ptr_eq(ledger_view(file_of(zero, sizeof zero), &size), 0) ;
  memcpy(zero, &h, sizeof h) ;
  ((struct header *)zero)->version++ ;
  ck_assert_int_eq(ledger_attach(file_of(zero, sizeof zero)), -1) ;
  /* one that says it has more slots than the file holds */
  memcpy(zero, &h, sizeof h) ;
  ((struct header *)zero)->slots = SLOT_MAX ;
  ck_assert_ptr_eq(ledger_view(file_of(zero, sizeof zero), &size), 0) ;
}
END_TEST

START_TEST(nobody_can_shrink_it)
{
  make() ;
  ck_assert_int_lt(ftruncate(ledger->self_fd, 4096), 0) ;
}
END_TEST

START_TEST(the_sweep_keeps_what_is_named)
{
  int p[2], lost, low ;
  uint32_t i ;
  make() ;
  i = used_slot() ;
  ck_assert_int_eq(pipe(p), 0) ;
  slot_at(i)->pipe[0] = fcntl(p[0], F_DUPFD, BASE + 10) ;
  slot_at(i)->pipe[1] = fcntl(p[1], F_DUPFD, BASE + 20) ;
  lost = fcntl(p[0], F_DUPFD, BASE + 15) ;
  low = p[0] ;
  ledger_sweep() ;
  ck_assert_int_ge(fcntl(slot_at(i)->pipe[0], F_GETFD), 0) ;
  ck_assert_int_ge(fcntl(slot_at(i)->pipe[1], F_GETFD), 0) ;
  ck_assert_int_ge(fcntl(ledger->self_fd, F_GETFD), 0) ;
  ck_assert_int_lt(fcntl(lost, F_GETFD), 0) ;
  ck_assert_int_ge(fcntl(low, F_GETFD), 0) ;
}
END_TEST

/* A read whose length was lost with our registers: what the kernel has written counts. */
START_TEST(an_inbox_cut_short)
{
  struct inbox *in ;
  int p[2] ;
  uint32_t seq ;
  make() ;
  ck_assert_int_eq(pipe2(p, O_NONBLOCK), 0) ;
  in = inbox_take(INBOX_CONTROL, 0) ;
  ck_assert_int_eq(inbox_len(in), -1) ;
  seq = inbox_seq() ;
  inbox_done() ;
  ck_assert_int_eq(write(p[1], "dux", 3), 3) ;
  in = inbox_take(INBOX_CONTROL, 0) ;
  inbox_read(in, p[0], INBOX_BYTES) ;
  ck_assert_uint_ne(inbox_seq(), seq) ;
  ck_assert_int_eq(in->len, 3) ;
  in->len = INBOX_UNKNOWN ;
  ck_assert_int_eq(inbox_len(in), 3) ;
  /* the next begins empty */
  inbox_done() ;
  in = inbox_take(INBOX_CONTROL, 0) ;
  inbox_read(in, p[0], INBOX_BYTES) ;
  ck_assert_int_eq(inbox_len(in), -1) ;
}
END_TEST

START_TEST(the_ring_goes_round)
{
  make() ;
  for (uint32_t i = 0 ; i < RING_SIZE + 5 ; i++) ring_add(i, 0, 1, 2, (int32_t)i) ;
  ck_assert_uint_eq(ledger->serial, RING_SIZE + 5) ;
  ck_assert_uint_eq(ledger->ring[0].slot, RING_SIZE) ;
  ck_assert_uint_eq(ledger->ring[4].serial, RING_SIZE + 4) ;
  ck_assert_uint_eq(ledger->ring[5].serial, 5) ;
  ck_assert_uint_eq(ledger->ring_room, RING_SIZE) ;
}
END_TEST

static off_t bytes (void)
{
  struct stat st ;
  ck_assert_int_eq(fstat(ledger->self_fd, &st), 0) ;
  return st.st_blocks * 512 ;
}

/* Most containers never see as many changes as the ring has room for. */
START_TEST(the_ring_gets_memory_as_it_fills)
{
  off_t first, full ;
  make() ;
  first = bytes() ;
  ck_assert_uint_lt(ledger->ring_room, RING_SIZE) ;
  for (uint32_t i = 0 ; i < ledger->ring_room ; i++) ring_add(i, 0, 1, 2, 0) ;
  ck_assert_int_eq(bytes(), first) ;
  for (uint32_t i = 0 ; i < RING_SIZE ; i++) ring_add(i, 0, 1, 2, 0) ;
  full = bytes() ;
  ck_assert_int_ge(full - first, (off_t)(RING_SIZE / 2 * sizeof(struct record))) ;
  for (uint32_t i = 0 ; i < RING_SIZE ; i++) ring_add(i, 0, 1, 2, 0) ;
  ck_assert_int_eq(bytes(), full) ;
}
END_TEST

START_TEST(a_change_that_there_is_no_memory_for_is_not_in_the_ring)
{
  uint32_t room ;
  int fd ;
  make() ;
  room = ledger->ring_room ;
  fd = ledger->self_fd ;
  for (uint32_t i = 0 ; i < room ; i++) ring_add(i, 0, 1, 2, 0) ;
  ledger->self_fd = -1 ;
  ring_add(7, 0, 1, 2, 0) ;
  ck_assert_uint_eq(ledger->serial, room) ;
  ck_assert_uint_eq(ledger->ring_room, room) ;
  ledger->self_fd = fd ;
  ring_add(8, 0, 1, 2, 0) ;
  ck_assert_uint_eq(ledger->serial, room + 1) ;
  ck_assert_uint_eq(ledger->ring[room].slot, 8) ;
}
END_TEST

int main (void)
{
  Suite *s = suite_create("ledger") ;
  TCase *t = tcase_create("ledger") ;
  SRunner *r ;
  int failed ;
  tcase_add_test(t, a_draft_is_nothing_until_committed) ;
  tcase_add_test(t, effects_are_struck_off_one_by_one) ;
  tcase_add_test(t, a_torn_draft_does_no_harm) ;
  tcase_add_test(t, every_flipped_bit_is_seen) ;
  tcase_add_test(t, global_has_two_copies_too) ;
  tcase_add_test(t, it_grows_and_pointers_stay) ;
  tcase_add_test(t, a_freed_slot_is_used_again) ;
  tcase_add_test(t, after_an_exec_it_is_the_same) ;
  tcase_add_test(t, others_are_refused) ;
  tcase_add_test(t, nobody_can_shrink_it) ;
  tcase_add_test(t, the_sweep_keeps_what_is_named) ;
  tcase_add_test(t, an_inbox_cut_short) ;
  tcase_add_test(t, the_ring_goes_round) ;
  tcase_add_test(t, the_ring_gets_memory_as_it_fills) ;
  tcase_add_test(t, a_change_that_there_is_no_memory_for_is_not_in_the_ring) ;
  suite_add_tcase(s, t) ;
  r = srunner_create(s) ;
  srunner_run_all(r, CK_NORMAL) ;
  failed = srunner_ntests_failed(r) ;
  srunner_free(r) ;
  return !!failed ;
}
