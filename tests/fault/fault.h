/* ISC license. */

#ifndef KEELSON_TESTS_FAULT_H
#define KEELSON_TESTS_FAULT_H

/*
   The fault suites: a world is a box of tests/container with the scenario of
   tests/fault/player in it; a run boots it under ptrace (PID 1 alone, not its children), does
   one harm at a chosen point, lets the scenario go to its end, and compares what happened with
   a run to which nothing was done: the same record, the same log, the same exit code.

   Points are system calls of PID 1, counted from the first at which it can be brought back:
   from then on through every exec, but for the few calls between an exec and the moment that
   the new image has its handlers installed.
*/

#include <stdint.h>
#include <sys/types.h>

enum harm
{
  HARM_NONE,
  HARM_OUTSIDE,   /* not ours to do: PID 1 runs at full speed */
  HARM_BEFORE,    /* a real SEGV instead of the call */
  HARM_AFTER,     /* a real SEGV when the call has returned */
  HARM_REFUSE     /* the call is not made and returns an error */
} ;

struct plan
{
  enum harm harm ;
  unsigned int n ;          /* at the n-th call, from 1; of HARM_REFUSE: the n-th call NR */
  unsigned int again ;      /* another SEGV at so many calls after that; 0: none */
  long nr ;                 /* HARM_REFUSE: number of the system call */
  int err ;                 /* and the errno that it returns */
  char const *const *argv ; /* not the scenario but this, with the output in a file; 0 */
  char const *cgroup ;      /* a memory cgroup (v1) to live in, and to see as /sys/fs/cgroup/memory; 0 */
  char const *how ;         /* the scenario's end: cmd, critical, signal, control */
} ;

struct outcome
{
  int status ;              /* of waitpid */
  int hung ;
  int harmed ;              /* harms done */
  unsigned int calls ;      /* of PID 1, counted */
  unsigned int seen ;       /* calls NR of HARM_REFUSE */
  long at ;                 /* number of the call that was harmed first */
  int after_boot ;          /* harmed when svscan had begun */
  int64_t ns ;              /* the whole run */
  char *output ;            /* of the container */
  char *record ;            /* sorted lines */
  char *log ;
} ;

typedef struct world world ;

extern world *world_new (void) ;
/* Another: the services "eater" (takes all memory, restart never) and "killed". */
extern world *world_of_hunger (void) ;
/* Another: 50 services, readiness, finish scripts, for the storm. */
extern world *world_of_many (void) ;
extern void world_free (world *) ;
extern void world_run (world *, struct plan const *, struct outcome *) ;
extern void outcome_free (struct outcome *) ;

/* The name of a system call that the suites know, or its number. */
extern char const *call_name (long nr) ;

/* Does the run agree with REFERENCE? 0, or a text in BUFFER that says what differs. A service
   given up by design (a second fault on the same ground) excuses what is missing. */
extern char const *differs (struct outcome const *, struct outcome const *reference, char *buffer, size_t) ;

/* Divides jobs 0..N-1 among JOBS processes, each with a world of its own. DO returns the number of
   cases (0: nothing to do there) and adds to FAILED after telling. Returns 0 when none failed;
   prints the closing line "N passed, M failed". */
struct tally { unsigned int cases ; unsigned int failed ; unsigned int harms ; } ;
extern int run_all (char const *suite, unsigned int n, void (*job) (world *, unsigned int, struct tally *)) ;

/* Every so many points: from the environment (FAULT_STEP), else DFLT; the offset rotates with the
   time, or comes from FAULT_OFFSET, and is printed. */
extern unsigned int sampling (unsigned int dflt, unsigned int *offset) ;

#endif
