/* ISC license. */

/*
   A fault at every point: for each n, a SEGV before the n-th system call of PID 1 and one after
   it, over a whole boot – restart – commands – stop; and a second one soon after the first: in the
   handler, in the resume, and on the same ground. What happened must be what happens without.
   The container is brought to its end in four ways; the boot is the same for all.

     FAULT_STEP=1 FAULT_OFFSET=0   every point
     FAULT_ONLY="HOW HARM N K"     one run, with all that it said
*/

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "fault.h"

#define STEP_CHECK 23
#define MARGIN 60   /* runs differ in length: points beyond the reference's end are tried too */

static char const *const ends[] = { "cmd", "critical", "signal", "control" } ;
#define ENDS (sizeof ends / sizeof ends[0])

/* At how many calls after the first fault the second comes: in the handler, at its exec, while the
   new image starts, in the resume, soon after. */
static unsigned int const agains[] = { 1, 2, 14, 25, 40, 60, 90, 150 } ;
#define AGAINS (sizeof agains / sizeof agains[0])

static struct outcome reference[ENDS] ;
static unsigned int step, offset, points ;

static void tell (struct plan const *p, struct outcome const *o, char const *why)
{
  printf("FAULT_ONLY=\"%s %s %u %u\" (%s, %u harms): %s\n---- output\n%s---- record\n%s---- log\n%s----\n",
    p->how, p->harm == HARM_BEFORE ? "before" : "after", p->n, p->again, call_name(o->at), o->harmed, why, o->output, o->record, o->log) ;
}

/* A fault must be told, unless it came when the last call was under way, which does not return. */
static char const *judge (struct plan const *p, struct outcome const *o, struct outcome const *r, char *buffer, size_t size)
{
  char const *why = differs(o, r, buffer, size) ;
  if (why || p->harm == HARM_NONE || !o->harmed || o->at == SYS_exit_group) return why ;
  return strstr(o->output, ": signal SEGV") ? 0 : "the fault was not told" ;
}

static void one (world *w, struct plan const *p, struct outcome const *r, struct tally *t)
{
  char buffer[4096] ;
  struct outcome o ;
  char const *why ;
  world_run(w, p, &o) ;
  why = judge(p, &o, r, buffer, sizeof buffer) ;
  if (why) tell(p, &o, why) ;
  if (o.harmed || why) t->cases++ ;
  t->failed += !!why ;
  t->harms += (unsigned int)o.harmed ;
  outcome_free(&o) ;
}

/* Job I: a point, before and after; every end in turn, and for the last third of the run all of
   them; a second fault at one of the distances in turn. */
static void job (world *w, unsigned int i, struct tally *t)
{
  unsigned int n = offset + i * step + 1 ;
  struct plan p = { .n = n } ;
  for (unsigned int e = 0 ; e < ENDS ; e++)
  {
    if (n > reference[e].calls + MARGIN || (e != n % ENDS && n < reference[e].calls * 2 / 3)) continue ;
    p.how = ends[e] ;
    for (p.harm = HARM_BEFORE ; p.harm <= HARM_AFTER ; p.harm++)
    {
      p.again = 0 ;
      one(w, &p, reference + e, t) ;
    }
  }
  p.how = ends[n % ENDS] ;
  p.harm = n / ENDS % 2 ? HARM_BEFORE : HARM_AFTER ;
  p.again = agains[(n + n / AGAINS) % AGAINS] ;
  if (n <= reference[n % ENDS].calls) one(w, &p, reference + n % ENDS, t) ;
}

static int refer (void)
{
  world *w = world_new() ;
  int bad = 0 ;
  for (unsigned int e = 0 ; e < ENDS ; e++)
  {
    struct plan const p = { .harm = HARM_NONE, .how = ends[e] } ;
    world_run(w, &p, reference + e) ;
    if (reference[e].calls > points) points = reference[e].calls ;
    printf("%s: %u system calls, wait status %d, %d ms\n", ends[e], reference[e].calls, reference[e].status, (int)(reference[e].ns / 1000000)) ;
    if (!reference[e].hung && !strstr(reference[e].record, "DOUBLED") && strstr(reference[e].record, "cmd end")) continue ;
    bad = 1 ;
    printf("the scenario does not work without any fault:\n%s%s", reference[e].output, reference[e].record) ;
  }
  world_free(w) ;
  return bad ;
}

static int only (char const *text)
{
  char how[16], harm[16] ;
  struct plan p = { .how = how } ;
  unsigned int e = 0 ;
  struct tally t = { 0, 0, 0 } ;
  struct outcome o ;
  char buffer[4096] ;
  char const *why ;
  world *w = world_new() ;
  (void)t ;
  if (sscanf(text, "%15s %15s %u %u", how, harm, &p.n, &p.again) != 4) return 100 ;
  p.harm = !strcmp(harm, "before") ? HARM_BEFORE : HARM_AFTER ;
  while (e < ENDS - 1 && strcmp(ends[e], how)) e++ ;
  world_run(w, &p, &o) ;
  why = judge(&p, &o, reference + e, buffer, sizeof buffer) ;
  tell(&p, &o, why ? why : "as it should be") ;
  world_free(w) ;
  return !!why ;
}

int main (void)
{
  char const *just = getenv("FAULT_ONLY") ;
  if (refer()) return puts("0 passed, 1 failed"), 1 ;
  if (just) return only(just) ;
  step = sampling(STEP_CHECK, &offset) ;
  return run_all("faults", (points + MARGIN) / step, &job) ;
}
