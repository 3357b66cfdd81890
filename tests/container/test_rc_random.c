/* ISC license. */

/*
   Random trees: services of every kind with random dependencies, in s6-rc.d and in services.d, live
   four lives each: one in peace, one with faults of PID 1, one stopped in mid-boot, one with both.
   In each nothing happens twice, nothing begins before what it needs and nothing that is needed
   ends before who needs it.

   To see a failure again: KEELSON_SEED=… build/dev/tests/container/test_rc_random
*/

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <skalibs/types.h>

#include "harness.h"

#define TREES 8
#define MAX 14

enum kind { ONESHOT, UNDONE_ONESHOT, LONGRUN, NOTIFIES, ONCE, OLD, OLD_NOTIFIES, KINDS } ;

struct service
{
  enum kind kind ;
  unsigned int needs ;      /* a bit each: also what those need */
} ;

static struct service services[MAX] ;
static unsigned int n ;
static uint64_t seed ;

/* ---- dice */

static unsigned int dice (unsigned int sides)
{
  seed = seed * 6364136223846793005u + 1442695040888963407u ;
  return (unsigned int)(seed >> 33) % sides ;
}

static uint64_t first_seed (void)
{
  uint64_t x ;
  char const *s = getenv("KEELSON_SEED") ;
  return s && uint640_scan(s, &x) ? x : (uint64_t)time(0) ;
}

/* ---- making a tree */

static void put (box *b, unsigned int i, char const *file, unsigned int mode, char const *text)
{
  char path[96] ;
  enum kind k = services[i].kind ;
  snprintf(path, sizeof path, "etc/%s/s%u/%s", k == OLD || k == OLD_NOTIFIES ? "services.d" : "s6-overlay/s6-rc.d", i, file) ;
  box_file(b, path, mode, text) ;
}

/* TEXT with %u as the service's number. */
static void put_number (box *b, unsigned int i, char const *file, unsigned int mode, char const *text)
{
  char whole[256] ;
  char const *at = strstr(text, "%u") ;
  snprintf(whole, sizeof whole, "%.*s%u%s", (int)(at - text), text, i, at + 2) ;
  put(b, i, file, mode, whole) ;
}

static void put_longrun (box *b, unsigned int i)
{
  static char const *const runs[KINDS] =
  {
    [LONGRUN] = "#!/bin/sh\necho 'start s%u' >> /events\nexec s6-pause\n",
    [NOTIFIES] = "#!/bin/sh\necho 'start s%u' >> /events\necho >&3\nexec s6-pause\n",
    [ONCE] = "#!/bin/sh\ns6-svc -O .\necho 'start s%u' >> /events\necho >&3\nexec s6-pause\n",
    [OLD] = "#!/bin/sh\necho 'start s%u' >> /events\nexec s6-pause\n",
    [OLD_NOTIFIES] = "#!/bin/sh\necho 'start s%u' >> /events\necho >&3\nexec s6-pause\n"
  } ;
  enum kind k = services[i].kind ;
  put_number(b, i, "run", 0755, runs[k]) ;
  put_number(b, i, "finish", 0755, "#!/bin/sh\necho 'stop s%u' >> /events\n") ;
  put(b, i, "type", 0644, "longrun") ;
  if (k != LONGRUN && k != OLD) put(b, i, "notification-fd", 0644, "3\n") ;
}

static void put_oneshot (box *b, unsigned int i)
{
  put(b, i, "type", 0644, "oneshot\n") ;
  put_number(b, i, "up", 0644, "redirfd -a 1 /events echo \"start s%u\"\n") ;
  if (services[i].kind == UNDONE_ONESHOT) put_number(b, i, "down", 0644, "redirfd -a 1 /events echo \"stop s%u\"") ;
}

static void put_service (box *b, unsigned int i)
{
  char file[64] ;
  struct service *s = services + i ;
  s->kind = (enum kind)dice(KINDS) ;
  s->needs = 0 ;
  for (unsigned int j = i ? dice(4) : 0 ; j ; j--)
  {
    unsigned int other = dice(i) ;
    s->needs |= 1u << other | services[other].needs ;
    snprintf(file, sizeof file, "dependencies.d/s%u", other) ;
    put(b, i, file, 0644, "") ;
  }
  if (s->kind <= UNDONE_ONESHOT) put_oneshot(b, i) ;
  else put_longrun(b, i) ;
  snprintf(file, sizeof file, "etc/s6-overlay/user-bundles.d/%s/contents.d/s%u", dice(4) ? "user" : "user2", i) ;
  box_file(b, file, 0644, "") ;
}

/* ---- what was said */

static char const *find (box *b, char const *what, unsigned int i)
{
  char line[32] ;
  snprintf(line, sizeof line, "%s s%u\n", what, i) ;
  for (char const *s = box_events(b) ; (s = strstr(s, line)) ; s++)
    if (s == box_events(b) || s[-1] == '\n') return s ;
  return 0 ;
}

static void check_once (box *b, unsigned int i)
{
  char line[32] ;
  snprintf(line, sizeof line, "start s%u", i) ;
  ck_assert_msg(box_event_count(b, line) <= 1, "%s was said %u times", line, box_event_count(b, line)) ;
  snprintf(line, sizeof line, "stop s%u", i) ;
  ck_assert_msg(box_event_count(b, line) <= 1, "%s was said %u times", line, box_event_count(b, line)) ;
}

/* A service without readiness counts as started before it has said a word. */
static int says_first (unsigned int i)
{
  return services[i].kind != LONGRUN && services[i].kind != OLD ;
}

/* I needs J. */
static void check_pair (box *b, unsigned int i, unsigned int j)
{
  char const *start = find(b, "start", i), *before = find(b, "start", j) ;
  char const *stop = find(b, "stop", j), *first = find(b, "stop", i) ;
  ck_assert_msg(!start || !says_first(j) || (before && before < start), "s%u began before s%u, which it needs", i, j) ;
  ck_assert_msg(!stop || !first || first < stop, "s%u ended before s%u, which needs it", j, i) ;
}

static void check (box *b)
{
  for (unsigned int i = 0 ; i < n ; i++)
  {
    check_once(b, i) ;
    for (unsigned int j = 0 ; j < i ; j++) if (services[i].needs >> j & 1) check_pair(b, i, j) ;
  }
  ck_assert_msg(!box_says(b, " failed: ") && !box_says(b, "unable to"), "something failed") ;
}

/* ---- lives */

static void begin (box *b)
{
  static char const *const env[] = { "S6_VERBOSITY=5", 0 } ;
  static struct box_how const how = { .env = env, .flags = BOX_TMPFS_RUN } ;
  box_boot(b, &how, "actor", "up", "cmd", (char *)0) ;
}

static void all_begin (box *b)
{
  char line[32] ;
  box_event(b, "cmd") ;
  for (unsigned int i = 0 ; i < n ; i++)
  {
    snprintf(line, sizeof line, "start s%u", i) ;
    box_event(b, line) ;
  }
}

static void end (box *b)
{
  ck_assert_int_eq(box_stop(b), 0) ;
  check(b) ;
}

static unsigned int peace (box *b)
{
  unsigned int lines ;
  begin(b) ;
  all_begin(b) ;
  lines = box_lines(b) ;
  end(b) ;
  return lines ;
}

static void until (box *b, unsigned int lines)
{
  box_expect_lines(b, 1 + dice(lines > 2 ? lines - 2 : 1)) ;
}

START_TEST(a_random_tree)
{
  unsigned int lines ;
  box *b = box_new(0) ;
  seed = first_seed() + (uint64_t)_i * 1000003 ;
  printf("test_rc_random: KEELSON_SEED=%llu\n", (unsigned long long)(seed - (uint64_t)_i * 1000003)) ;
  fflush(stdout) ;
  n = 3 + dice(MAX - 3) ;
  for (unsigned int i = 0 ; i < n ; i++) put_service(b, i) ;
  lines = peace(b) ;
  /* faults: what comes is what would have come without them */
  begin(b) ;
  for (unsigned int k = 1 + dice(3) ; k ; k--)
  {
    until(b, lines) ;
    box_signal(b, SIGSEGV) ;
  }
  all_begin(b) ;
  end(b) ;
  /* a stop in mid-boot, without and with a fault before it */
  for (int faults = 0 ; faults < 2 ; faults++)
  {
    begin(b) ;
    until(b, lines) ;
    if (faults) box_signal(b, SIGSEGV) ;
    end(b) ;
  }
  box_free(b) ;
}
END_TEST

int main (void)
{
  TCase *tc = box_case("random") ;
  tcase_add_loop_test(tc, a_random_tree, 0, TREES) ;
  return box_main("rc_random", &tc, 1) ;
}
