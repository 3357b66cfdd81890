/* ISC license. */

/*
   Soak: a fixed number of commands to 50 services, then PID 1 needs what it needed before: memory
   (its own pages), descriptors, and no zombie is left. SOAK_COMMANDS says how many; again and again in
   new containers until SOAK_SECONDS are over: 10, or the five minutes of `make soak`.
*/

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fault.h"

#define SLACK 32                 /* KiB: pages touched for the first time */
#define SLACK_SANITIZED 2048     /* and what a sanitizer keeps of memory that was freed */

static int stock (char const *record, char const *when, unsigned int *n)
{
  char const *p = strstr(record, when) ;
  return p && sscanf(p + strlen(when), " %u KiB %u descriptors %u zombies", n, n + 1, n + 2) == 3 ;
}

static int soak (world *w, unsigned int commands, unsigned int seed)
{
  char seed_text[16], text[16] ;
  char const *const argv[] = { "/init", "player", "storm", seed_text, text, "0", 0 } ;
  struct plan const p = { .harm = HARM_OUTSIDE, .argv = argv } ;
  struct outcome o ;
  unsigned int before[3] = { 0 }, after[3] = { 0 } ;
  int bad ;
  snprintf(seed_text, sizeof seed_text, "%u", seed) ;
  snprintf(text, sizeof text, "%u", commands) ;
  world_run(w, &p, &o) ;
  bad = o.hung || o.status != 42 << 8 || strstr(o.record, "DOUBLED") || !stock(o.record, "before", before) || !stock(o.record, "after", after) ;
  printf("seed %u, %u commands, %d ms: before %u KiB %u descriptors %u zombies, after %u KiB %u descriptors %u zombies\n",
    seed, commands, (int)(o.ns / 1000000), before[0], before[1], before[2], after[0], after[1], after[2]) ;
  if (after[0] > before[0] + (getenv("BOX_ROOT") ? SLACK_SANITIZED : SLACK) || after[1] != before[1] || after[2]) bad = 1 ;
  if (bad) printf("wait status %d\n---- output\n%s---- record\n%s----\n", o.status, o.output, o.record) ;
  outcome_free(&o) ;
  return bad ;
}

int main (void)
{
  char const *s = getenv("SOAK_COMMANDS"), *seconds = getenv("SOAK_SECONDS") ;
  unsigned int commands = s ? (unsigned int)atoi(s) : 8000, rounds = 0, failed = 0 ;
  time_t end = time(0) + (seconds ? atoi(seconds) : 10) ;
  world *w = world_of_many() ;
  do failed += (unsigned int)soak(w, commands, (unsigned int)time(0) + rounds++) ; while (!failed && time(0) < end) ;
  world_free(w) ;
  printf("%u passed, %u failed\n", rounds - failed, failed) ;
  return !!failed ;
}
