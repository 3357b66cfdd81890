/* ISC license. */

#include <string.h>

#include <check.h>

#include "tools/await.h"

char const *PROG = "test_await" ;

/* From a state, letters arrive: after how many is the wish fulfilled (-1: never), and has the
   service failed then? States: d down and not finished, D down, u up, U up and ready. */
struct story
{
  char wish ;
  char state ;
  char const *letters ;
  int fulfilled ;
  unsigned int failed ;
} ;

static struct story const stories[] =
{
  /* the state is as wished, before anything comes */
  { 'u', 'u', "", 0, 0 }, { 'u', 'U', "", 0, 0 }, { 'u', 'd', "", -1, 0 }, { 'u', 'D', "", -1, 0 },
  { 'U', 'u', "", -1, 0 }, { 'U', 'U', "", 0, 0 }, { 'U', 'd', "", -1, 0 }, { 'U', 'D', "", -1, 0 },
  { 'd', 'u', "", -1, 0 }, { 'd', 'U', "", -1, 0 }, { 'd', 'd', "", 0, 0 }, { 'd', 'D', "", 0, 0 },
  { 'D', 'u', "", -1, 0 }, { 'D', 'U', "", -1, 0 }, { 'D', 'd', "", -1, 0 }, { 'D', 'D', "", 0, 0 },
  { 'r', 'u', "", -1, 0 }, { 'r', 'U', "", -1, 0 }, { 'r', 'd', "", -1, 0 }, { 'r', 'D', "", -1, 0 },
  { 'R', 'u', "", -1, 0 }, { 'R', 'U', "", -1, 0 }, { 'R', 'd', "", -1, 0 }, { 'R', 'D', "", -1, 0 },
  /* lives */
  { 'u', 'D', "u", 1, 0 }, { 'U', 'D', "uU", 2, 0 }, { 'U', 'D', "udDuU", 5, 0 },
  { 'd', 'U', "d", 1, 0 }, { 'D', 'U', "dD", 2, 0 }, { 'd', 'u', "dDu", 1, 0 },
  { 'r', 'U', "dDuU", 3, 0 }, { 'R', 'U', "dDuU", 4, 0 }, { 'r', 'D', "u", 1, 0 }, { 'R', 'D', "uU", 2, 0 },
  { 'r', 'd', "Du", 2, 0 }, { 'R', 'u', "UdDuU", 5, 0 }, { 'r', 'u', "U", -1, 0 },
  { 'r', 'd', "u", 1, 0 },
  /* the start came after we listened and before we read the state: the state is newer than the letters */
  { 'r', 'u', "u", 1, 0 }, { 'R', 'u', "uU", 2, 0 }, { 'r', 'U', "uU", 1, 0 }, { 'R', 'U', "uU", 2, 0 },
  { 'R', 'U', "uUdDuU", 2, 0 },
  /* what is no news */
  { 'u', 'D', "sOsu", 2, 1 }, { 'u', 'D', "s?\n", -1, 0 }, { 'd', 'u', "sO?", -1, 0 },
  /* a failure for good ends what waits for up, and no other wait */
  { 'u', 'd', "OD", 1, 1 }, { 'U', 'd', "OD", 1, 1 }, { 'r', 'd', "OD", 1, 1 }, { 'R', 'd', "OD", 1, 1 },
  { 'd', 'u', "dOD", 1, 0 }, { 'D', 'u', "dOD", 3, 0 },
  /* the end of the supervisor ends every wait */
  { 'u', 'D', "x", 1, 1 }, { 'U', 'u', "x", 1, 1 }, { 'D', 'd', "x", 1, 1 }, { 'd', 'u', "x", 1, 1 },
  { 'r', 'u', "x", 1, 1 }, { 'R', 'u', "dDx", 3, 1 },
  { 'd', 'u', "dDx", 1, 0 }
} ;

static void check_story (struct story const *s)
{
  struct watched w = { .up = s->state == 'u' || s->state == 'U', .ready = s->state == 'U' || s->state == 'D' } ;
  struct wish wish ;
  int n = 0 ;
  ck_assert(wish_scan(s->wish, &wish)) ;
  while (!watched_fulfils(&w, &wish) && s->letters[n]) watched_letter(&w, s->letters[n++], &wish) ;
  if (!watched_fulfils(&w, &wish)) n = -1 ;
  ck_assert_msg(n == s->fulfilled && w.failed == s->failed,
    "wish %c from %c after \"%s\": fulfilled at %d, failed %u", s->wish, s->state, s->letters, n, w.failed) ;
}

START_TEST(stories_end_as_told)
{
  check_story(stories + _i) ;
}
END_TEST

START_TEST(letters_of_wishes)
{
  struct wish w ;
  for (int c = 0 ; c < 256 ; c++)
    ck_assert_int_eq(wish_scan((char)c, &w), c && strchr(WISH_LETTERS, c)) ;
}
END_TEST

/* After x a wait is over, whatever came before; without x or O nothing ever fails. */
START_TEST(every_short_story)
{
  static char const letters[] = "suUdDOx" ;
  for (char const *wl = WISH_LETTERS ; *wl ; wl++)
    for (unsigned int code = 0 ; code < 7 * 7 * 7 * 7 * 4 ; code++)
    {
      struct watched w = { .up = code & 1, .ready = code >> 1 & 1 } ;
      struct wish wish ;
      unsigned int rest = code >> 2 ;
      int ended = 0, bad = 0 ;
      wish_scan(*wl, &wish) ;
      for (unsigned int i = 0 ; i < 4 ; i++, rest /= 7)
      {
        char c = letters[rest % 7] ;
        watched_letter(&w, c, &wish) ;
        ended = c == 'x' ;
        bad |= c == 'x' || c == 'O' ;
        if (ended) ck_assert(watched_fulfils(&w, &wish)) ;
      }
      if (!bad) ck_assert_uint_eq(w.failed, 0) ;
    }
}
END_TEST

int main (void)
{
  Suite *s = suite_create("await") ;
  TCase *t = tcase_create("letters") ;
  SRunner *sr ;
  int failed ;
  tcase_add_loop_test(t, stories_end_as_told, 0, sizeof(stories) / sizeof(*stories)) ;
  tcase_add_test(t, letters_of_wishes) ;
  tcase_add_test(t, every_short_story) ;
  suite_add_tcase(s, t) ;
  sr = srunner_create(s) ;
  srunner_run_all(sr, CK_ENV) ;
  failed = srunner_ntests_failed(sr) ;
  srunner_free(sr) ;
  return !!failed ;
}
