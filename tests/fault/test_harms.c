/* ISC license. */

/*
   Single harms, each at a number of moments over the whole scenario:

     kinds      a real stack overflow, BUS, FPE, ILL, ABRT, SYS: nothing is lost, the signal is named
     blame      two faults on the same service and event: that one is given up, all else goes on
     rescue     faults without end that no service is to blame for: PID 1 reaps and honours a stop;
                .s6-svscan/crash is executed instead if there is one
     clock      the wall clock a year ahead and a year behind, by turns

   FAULT_STEP and FAULT_OFFSET as in test_points; HARMS="kinds clock" runs these alone.
*/

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "fault.h"

#define STEP_KINDS 199
#define STEP_RESCUE 499
#define BLAME_MAX 9

static struct outcome reference ;
static unsigned int step, offset ;

static void tell (char const *what, struct plan const *p, struct outcome const *o, char const *why)
{
  printf("%s, kind %d, n %u, again %u (%d harms, wait status %d): %s\n---- output\n%s---- record\n%s---- log\n%s----\n",
    what, (int)p->kind, p->n, p->again, o->harmed, o->status, why, o->output, o->record, o->log) ;
}

static void count (char const *what, struct plan const *p, struct outcome *o, char const *why, struct tally *t)
{
  if (why) tell(what, p, o, why) ;
  if (o->harmed || why) t->cases++ ;
  t->failed += !!why ;
  t->harms += (unsigned int)o->harmed ;
  outcome_free(o) ;
}

/* ---- kinds */

static char const *const said[KINDS] =
{
  [KIND_STACK] = ": signal SEGV at address 0x", [KIND_BUS] = ": signal BUS at address 0x", [KIND_FPE] = ": signal FPE at address 0x",
  [KIND_ILL] = ": signal ILL at address 0x", [KIND_ABRT] = ": signal ABRT at address 0x", [KIND_SYS] = ": signal SYS at address 0x"
} ;

static void kinds (world *w, unsigned int i, struct tally *t)
{
  struct plan p = { .harm = HARM_KIND, .kind = (enum kind)(i % KINDS), .n = offset + i / KINDS * step + 1, .how = "cmd" } ;
  char buffer[4096] ;
  struct outcome o ;
  char const *why ;
  world_run(w, &p, &o) ;
  why = differs(&o, &reference, buffer, sizeof buffer) ;
  /* the last call does not return to a fault */
  if (!why && o.harmed && o.at != SYS_exit_group && !strstr(o.output, said[p.kind])) why = "the fault was not told" ;
  count("kinds", &p, &o, why, t) ;
}

/* ---- blame */

/* What the services but "killed" did must be there. */
static char const *others_went_on (struct outcome const *o)
{
  static char const *const lines[] =
  {
    "plain finish 0 0\nplain finish 0 0\n", "ready finish 0 0\n", "vital finish 0 0\n", "web finish 0 0\n", "db finish 0 0\n",
    "writer end\n", "writer-log end\n", "once migrate-down\n", "ran /etc/cont-finish.d/20-second\n"
  } ;
  if (o->hung) return "it hung" ;
  if (o->status != 42 << 8) return "another exit code" ;
  if (strstr(o->record, "DOUBLED")) return "a second copy of a service ran" ;
  for (size_t i = 0 ; i < sizeof lines / sizeof lines[0] ; i++)
    if (!strstr(o->record, lines[i])) return lines[i] ;
  return 0 ;
}

static unsigned int given_up ;

/* The n-th and the next look at its directory: twice the same event, or two that follow each other. */
static void blame (world *w, unsigned int i, struct tally *t)
{
  struct plan p = { .harm = HARM_PATH, .path = "/killed", .n = i + 1, .times = 2, .how = "cmd", .cmd = "around" } ;
  struct outcome o ;
  char const *why ;
  world_run(w, &p, &o) ;
  why = others_went_on(&o) ;
  if (!why && o.harmed > 2) why = "it was tried a third time" ;
  if (strstr(o.output, "service killed is given up: its state is damaged or faults PID 1")) given_up++ ;
  count("blame", &p, &o, why, t) ;
}

/* ---- rescue */

#define ENDLESS 14
#define SUPERVISION_OVER "faults without end: supervision is over"

static unsigned int const distances[] = { 3, 12, 40 } ;
#define DISTANCES (sizeof distances / sizeof distances[0])

/* Faults without end: either they are seen as such, and then the last resort does what it promises; or
   they leave no trace that early, or come to their end, or come in the last stage, where there is
   nothing to rescue: then the container ends as it should. */
static char const *judge_rescue (struct outcome const *o, int with_crash)
{
  if (o->hung) return "it hung" ;
  if (!strstr(o->output, SUPERVISION_OVER)) return o->status == 42 << 8 ? 0 : "another exit code" ;
  if (with_crash) return !strstr(o->record, "ran crash\n") ? "crash was not executed" : o->status != 9 << 8 ? "another exit code than crash's" : 0 ;
  if (!o->rescued) return "the last resort was not reached" ;
  if (o->status != 111 << 8) return "another exit code" ;
  /* "web" ends for a stop alone: either in the course of it, before the CMD's end was heard of, or here */
  return strstr(o->record, "web end\n") && !strstr(o->record, "cmd end\n") && !o->reaped ? "nobody was reaped" : 0 ;
}

static unsigned int rescued ;

static void rescue (world *w, unsigned int i, int with_crash, struct tally *t)
{
  unsigned int n = reference.calls / 2 + offset % STEP_RESCUE + i / DISTANCES * STEP_RESCUE ;
  struct plan p = { .harm = HARM_BEFORE, .n = n, .again = distances[i % DISTANCES], .times = ENDLESS, .how = "cmd" } ;
  struct outcome o ;
  char const *why ;
  world_run(w, &p, &o) ;
  why = judge_rescue(&o, with_crash) ;
  rescued += strstr(o.output, SUPERVISION_OVER) != 0 ;
  count(with_crash ? "crash" : "rescue", &p, &o, why, t) ;
}

/* ---- clock */

static void clock_jumps (world *w, struct tally *t)
{
  struct plan const p = { .harm = HARM_CLOCK, .how = "signal" } ;
  struct outcome o, plain ;
  struct plan const none = { .harm = HARM_NONE, .how = "signal" } ;
  char buffer[4096] ;
  char const *why ;
  world_run(w, &none, &plain) ;
  world_run(w, &p, &o) ;
  why = differs(&o, &plain, buffer, sizeof buffer) ;
  if (!why && o.harmed < 20) why = "the clock was hardly looked at: is the kernel's shared page hidden?" ;
  count("clock", &p, &o, why, t) ;
  outcome_free(&plain) ;
}

/* ---- */

static int wanted (char const *what)
{
  char const *harms = getenv("HARMS") ;
  return !harms || strstr(harms, what) ;
}

static void without_crash (world *w, struct tally *t)
{
  if (wanted("kinds")) for (unsigned int i = 0 ; offset + i / KINDS * step < reference.calls ; i++) kinds(w, i, t) ;
  if (wanted("blame"))
  {
    for (unsigned int i = 0 ; i < BLAME_MAX ; i++) blame(w, i, t) ;
    t->cases++ ;
    if (!given_up) t->failed++, puts("no service was given up") ;
  }
  if (wanted("rescue")) for (unsigned int i = 0 ; i < 3 * DISTANCES ; i++) rescue(w, i, 0, t) ;
  if (wanted("clock")) clock_jumps(w, t) ;
}

int main (void)
{
  struct plan const plain = { .harm = HARM_NONE, .how = "cmd" } ;
  struct tally t = { 0, 0, 0 } ;
  world *w = world_new() ;
  world_run(w, &plain, &reference) ;
  step = sampling(STEP_KINDS, &offset) ;
  without_crash(w, &t) ;
  world_crash(w) ;
  if (wanted("crash")) for (unsigned int i = 0 ; i < 2 * DISTANCES ; i++) rescue(w, i, 1, &t) ;
  if ((wanted("rescue") || wanted("crash")) && !rescued) t.failed++, puts("no run came to its last resort") ;
  world_free(w) ;
  printf("harms: %u harms done, %u services given up, %u last resorts\n%u passed, %u failed\n", t.harms, given_up, rescued, t.cases - t.failed, t.failed) ;
  return !!t.failed ;
}
