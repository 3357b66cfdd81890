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
  HARM_KIND,      /* a real fault of another kind there, see plan.kind */
  HARM_PATH,      /* a real SEGV instead of the n-th call that opens plan.path */
  HARM_REFUSE,    /* the call is not made and returns an error */
  HARM_CLOCK      /* the wall clock is a year ahead, a year behind, by turns */
} ;

/* What PID 1 is made to do. BUS: a page of a file that is beyond its end; SYS: a call that a seccomp
   filter traps. */
enum kind { KIND_STACK, KIND_BUS, KIND_FPE, KIND_ILL, KIND_ABRT, KIND_SYS, KINDS } ;

struct plan
{
  enum harm harm ;
  unsigned int n ;          /* at the n-th call, from 1; of HARM_REFUSE: the n-th call NR */
  unsigned int again ;      /* another SEGV at so many calls after that; 0: none */
  unsigned int times ;      /* so many of them, each so far from the one before; of HARM_REFUSE and
                               HARM_PATH: so many such calls in a row; 0: one */
  enum kind kind ;
  char const *path ;        /* HARM_PATH: how the path ends */
  long nr ;                 /* HARM_REFUSE: number of the system call */
  int err ;                 /* and the errno that it returns */
  char const *const *argv ; /* not the scenario but this, with the output in a file; 0 */
  char const *cmd ;         /* the CMD's verb; 0: drive */
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
  int rescued ;             /* PID 1 came to its last resort; it was asked to stop then */
  unsigned int reaped ;     /* and has reaped so many processes there */
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
/* From now on this world's scan directory has a .s6-svscan/crash. */
extern void world_crash (world *) ;
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
