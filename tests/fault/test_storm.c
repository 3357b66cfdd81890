/* ISC license. */

/*
   SEGV at random moments under a storm of restarts, stops, kills, readiness and rescans on 50
   services. Every process that was started is found by its finish script exactly once, by pid;
   no second copy ever runs; the container ends with its CMD's code; PID 1 has as many descriptors
   after it as before.

     STORM_SEED=N STORM_FAULTS=N   repeats a run; about N faults, 2,000 and more if nothing is said
*/

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/wait.h>

#include "fault.h"

static unsigned int number (char const *name, unsigned int dflt)
{
  char const *s = getenv(name) ;
  return s ? (unsigned int)strtoul(s, 0, 10) : dflt ;
}

/* "sNN finish PID" and "sNN up PID", sorted: equal lines are neighbours. */
static char const *account (char *record, unsigned int *starts, char *buffer, size_t size)
{
  static char finishes[1 << 22] ;
  char *line, *p = record, last[128] = "" ;
  size_t len = 1 ;
  finishes[0] = '\n' ;
  while ((line = strsep(&p, "\n")) && line[0])
  {
    char name[64], what[16] ;
    long pid ;
    if (strstr(line, " descriptors ") || !strncmp(line, "faults ", 7)) continue ;
    if (sscanf(line, "%63s %15s %ld", name, what, &pid) != 3) return snprintf(buffer, size, "a service says: %s", line), buffer ;
    if (!strcmp(line, last)) return snprintf(buffer, size, "twice: %s", line), buffer ;
    snprintf(last, sizeof last, "%s", line) ;
    if (!strcmp(what, "finish")) len += (size_t)snprintf(finishes + len, sizeof finishes - len, "%s up %ld\n", name, pid) ;
    else
    {
      char wanted[128] ;
      snprintf(wanted, sizeof wanted, "\n%s\n", line) ;
      ++*starts ;
      if (!strstr(finishes, wanted)) return snprintf(buffer, size, "a death that nobody was told of: %s", line), buffer ;
    }
  }
  return 0 ;
}

/* What PID 1 holds after hundreds of execs is what it held before: 0, or what differs. */
static char const *stock (char const *record)
{
  char const *before = strstr(record, "before "), *after = strstr(record, "after ") ;
  unsigned int kib, held, then, zombies ;
  if (!before || !after || sscanf(before, "before %u KiB %u", &kib, &held) != 2) return "no stock was taken" ;
  if (sscanf(after, "after %u KiB %u descriptors %u zombies", &kib, &then, &zombies) != 3) return "no stock was taken" ;
  return then != held ? "descriptors leak" : zombies ? "zombies are left" : 0 ;
}

/* The number in the last message of a fault. */
static unsigned int faults_told (char const *output)
{
  unsigned int n = 0 ;
  for (char const *p = output ; (p = strstr(p, "error: fault ")) ; p++) n = (unsigned int)atoi(p + sizeof "error: fault " - 1) ;
  return n ;
}

/* So many were sent. */
static unsigned int faults_sent (char const *record)
{
  char const *p = strstr(record, "\nfaults ") ;
  return p ? (unsigned int)atoi(p + sizeof "\nfaults " - 1) : 0 ;
}

int main (void)
{
  unsigned int seed = number("STORM_SEED", (unsigned int)time(0)), starts = 0 ;
  unsigned int wanted = number("STORM_FAULTS", 2000), told, failed = 0 ;
  char seed_text[16], commands[16], buffer[512] ;
  char const *const argv[] = { "/init", "player", "storm", seed_text, commands, "2", 0 } ;
  struct plan const p = { .harm = HARM_OUTSIDE, .argv = argv } ;
  struct outcome o ;
  char const *why ;
  world *w = world_of_many() ;
  snprintf(seed_text, sizeof seed_text, "%u", seed) ;
  /* every other is followed by one */
  snprintf(commands, sizeof commands, "%u", wanted / 4 * 9) ;
  printf("STORM_SEED=%u STORM_FAULTS=%u repeats it\n", seed, wanted) ;
  world_run(w, &p, &o) ;
  told = faults_told(o.output) ;
  why = o.hung ? "it hung" : strstr(o.record, "DOUBLED") ? "a second copy ran" : 0 ;
  if (!why && o.status != 42 << 8) why = "wrong exit code" ;
  if (!why && strstr(o.output, "is given up")) why = "a service was given up for a fault that was sent" ;
  if (!why && (!told || told != faults_sent(o.record))) why = "as many faults must be told as were sent" ;
  if (!why) why = stock(o.record) ;
  if (why) printf("wait status %d, %u faults: %s\n---- output\n%s---- record\n%s----\n", o.status, told, why, o.output, o.record) ;
  else why = account(o.record, &starts, buffer, sizeof buffer) ;
  failed = !!why ;
  if (why) puts(why) ;
  printf("%u faults, %u starts accounted for, %d ms\n%u passed, %u failed\n", told, starts, (int)(o.ns / 1000000), starts, failed) ;
  world_free(w) ;
  return (int)failed ;
}
