/* ISC license. */

#ifndef KEELSON_BENCH_H
#define KEELSON_BENCH_H

/*
   The benchmark, and its method.

   A *contender* is an init: the program that is executed as PID 1, the root
   file system that it lives in, and how it wants its services laid out. A
   *load* is what it is given to do: so many services, so many boot scripts, of
   one kind. Each run of a contender starts in namespaces of its own (PID,
   mount, IPC, UTS), on a tmpfs that was filled a moment before, so no run sees
   what another left behind. stdin, stdout and stderr are /dev/null.

   - The services are one static program (service.c) that writes a byte to a
     fifo and exits 0 at TERM; the boot scripts are `#!/bin/sh` and `exit 0`,
     with the same static busybox as /bin/sh for everybody.
   - Everything is measured from outside with CLOCK_MONOTONIC, and the contender
     knows nothing of it. "boot" is from just before the exec of PID 1 to the
     read of the last service's byte; "stop" from the stop signal to the pidfd
     of PID 1 becoming readable; "restart" from KILL of a service that was up
     for 2 s to its next byte.
   - The *floor* (floor.c) is a PID 1 that clones and executes the same programs
     and waits: what the kernel charges. It runs first in each round.
   - Runs are interleaved, A B C A B C …, so that whatever else happens on the
     machine hits all of them. A ratio is taken pair by pair, each run to the
     floor's run of the same round; what is reported is the median of the
     ratios, not the ratio of the medians.
   - The harness holds each container's mount namespace until the clock has
     stopped: tearing down the tmpfs is not charged to anybody.
   - Programs that Debian links dynamically find the host's /usr mounted
     read-only in their root; the static ones lie on the tmpfs. The results say
     which is which.
   - What PID 1 does with 20,000 zombies at once, what it costs in memory
     (a memory cgroup of its own: so the kernel's side is in it), how often it
     wakes up while idle, how many system calls each change costs (ptrace), are
     measured in runs of their own and never while a clock is running.

   bench.c       options, the plan: which runs in which order
   contender.c   the contenders and their root file systems
   container.c   namespaces, start, stop
   census.c      who lives in a container and what that costs
   trace.c       forks, execs and system calls
   results.c     samples, medians, ratios
   report.c      the table, results.json, the README's section
   chart.c       results.svg
   goals.c       the goals of this project, met or missed
*/

#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define CONTENDERS_MAX 24
#define REPS_MAX 100
#define ROWS_MAX 128

/* ---------------------------------------------------------------- loads */

enum kind { KIND_STATIC, KIND_SH, KIND_WITHCONTENV, KIND_EXECLINEB, KINDS } ;
extern char const *const kind_names[KINDS] ;

struct load
{
  unsigned int services ;
  unsigned int scripts ;
  enum kind kind ; /* what the services' `run` is */
} ;

/* ---------------------------------------------------------------- contenders */

struct contender
{
  char const *name ;
  char const *package ;     /* Debian's, for version and sizes; or 0 */
  char const *init ;        /* its words, separated by spaces */
  char const *layout ;      /* directory of NAME/run directories, or a name in contender.c */
  char const *rootfs ;      /* copied into each run's tmpfs; or 0: made from nothing */
  char const *programs ;    /* static ones that are copied from the host, separated by spaces */
  char const *status ;      /* shell command: state of every service; or 0: has none */
  char const *remark ;      /* what a reader of its figures must know */
  unsigned int max_services ; /* what it can do; 0: no limit */
  unsigned int kinds ;      /* bit set of the kinds of service that its root can run */
  int stop_signal ;         /* 0: does not stop by a signal */
  unsigned int usr : 1 ;    /* needs the host's /usr (dynamic) */
  unsigned int boots : 1 ;  /* runs cont-init.d itself */
  unsigned int supervises : 1 ;
  unsigned int slow : 1 ;   /* takes seconds where the others take milliseconds */
} ;

extern struct contender contenders[CONTENDERS_MAX] ;
extern unsigned int contender_count ;

/* Keep those that can run here, saying which are left out and why. `only` is a comma-separated
   list of names, or 0 for all. */
extern void contenders_choose (char const *only) ;
/* NAME=ROOTFS:INIT[:LAYOUT[:SIGNAL]]; dies on a bad one. Keeps pointers into spec.
   LAYOUT: the directory in ROOTFS that gets one directory with a `run` for each service, or
   @PROGRAM: one in ROOTFS that is run there with the numbers of services and scripts and lays
   them out (a service executes /bench/service). Without it: /etc/services.d and /etc/cont-init.d,
   both of which INIT runs. */
extern void contender_add (char *spec) ;
/* our own root file system and floor's, or 0 if it was not built */
extern void contenders_set_rootfs (char const *rootfs) ;
/* 0 if it can carry that load, else why not */
extern char const *contender_refuses (struct contender const *, struct load const *) ;
/* Fills the current directory, an empty tmpfs, with the contender's root. */
extern void contender_lay (struct contender const *, struct load const *) ;
/* Executes its PID 1; returns only on failure. */
extern void contender_exec (struct contender const *, struct load const *) ;

/* ---------------------------------------------------------------- containers */

struct stamp /* in memory shared with the child that becomes PID 1 */
{
  uint64_t exec ;        /* ns, just before the exec */
  uint64_t tmpfs_inodes ;
  uint64_t tmpfs_blocks ;
  uint64_t other ;       /* for the caller's own use */
} ;

struct container
{
  struct contender const *who ;
  struct load load ;
  pid_t pid ;      /* 0: not running */
  int pidfd ;
  int fifo ;
  int mntns ;
  struct stamp *stamp ;
  uint64_t service_size ; /* bytes: tells a service's executable from the contender's own */
  char cgroup[256] ;      /* "" if it has none */
} ;

#define START_CGROUP 1u /* in a memory cgroup of its own */
#define START_TRACED 2u /* stopped by ptrace after its exec */

extern uint64_t now_ns (void) ; /* CLOCK_MONOTONIC */
extern void wait_until (uint64_t when) ;
extern void container_setup (void) ; /* the work directory; once */
extern void container_start (struct container *, struct contender const *, struct load const *, unsigned int flags) ;
/* Reads n bytes from the fifo. ns on the clock when the last was read, or 0 if PID 1 ended or so many ms passed. */
extern uint64_t container_await (struct container *, unsigned int n, unsigned int ms) ;
/* ns from the stop signal to the end of PID 1, or 0 if it does not stop within 30 s */
extern uint64_t container_stop (struct container *) ;
extern void container_end (struct container *) ; /* what is left is killed; all is freed */
/* ns that `sh -c command` takes inside, its exec to its end of output; 0 if it failed. *lines: what it wrote */
extern uint64_t container_run (struct container *, char const *command, unsigned int *lines) ;
/* ns that PID 1 takes to reap n zombies at once; 0 if it does not within 20 s */
extern uint64_t container_zombies (struct container *, unsigned int n) ;

/* ---------------------------------------------------------------- cost of a container */

struct census
{
  unsigned int processes ;  /* beside the services; zombies are not counted */
  unsigned int services ;
  unsigned int threads ;    /* of these processes */
  uint64_t switches ;       /* context switches so far: each wake-up is one */
  uint64_t cpu ;            /* ns */
  uint64_t anonymous ;      /* bytes */
  uint64_t page_tables ;    /* bytes */
  uint64_t tmpfs_inodes ;   /* made since the exec of PID 1 */
  uint64_t tmpfs_bytes ;    /* in their pages */
  pid_t victim ;            /* one of the services, 0 if there is none */
} ;

extern void census_take (struct container const *, struct census *) ;

struct memory /* bytes charged to the container's cgroup */
{
  uint64_t anonymous ;
  uint64_t shmem ;
  uint64_t kernel ; /* page tables, stacks, slab */
} ;

extern void cgroup_sweep (void) ; /* removes what interrupted runs left */
extern int cgroup_make (char *path, size_t max) ; /* 0 if there is no memory controller */
extern void cgroup_join (char const *path, pid_t) ;
extern void cgroup_remove (char const *path) ;
extern int cgroup_memory (char const *path, struct memory *) ;
extern uint64_t tmpfs_inode_cost (void) ; /* bytes of slab: inode and dentry */

struct trace
{
  unsigned int forks ;        /* of a boot, all of them */
  unsigned int execs ;
  unsigned int boot_calls ;   /* system calls, services and scripts left out */
  unsigned int restart_calls ;
  unsigned int stop_calls ;
} ;

/* 0 if it did not boot */
extern int trace_run (struct contender const *, struct load const *, struct trace *) ;

/* ---------------------------------------------------------------- results */

enum figure
{
  BOOT, STOP, RESTART, PROCESSES,
  MEMORY, MEMORY_ABOVE, MEMORY_STEP, MEMORY_STEP_TMPFS, MEMORY_PRIVATE, MEMORY_TABLES, MEMORY_STACKS, MEMORY_TMPFS,
  ZOMBIES, WAKEUPS, CPU, STATUS,
  FORKS, EXECS, CALLS_BOOT, CALLS_START, CALLS_RESTART, CALLS_STOP,
  TARBALL, INSTALLED, FIGURES
} ;

enum unit { UNIT_NS, UNIT_BYTES, UNIT_COUNT } ;

struct figure_info
{
  char const *id ;
  char const *title ;
  enum unit unit ;
  unsigned int ratio : 1 ; /* a ratio to the floor means something */
} ;

extern struct figure_info const figures[FIGURES] ;

struct row
{
  enum figure figure ;
  struct load load ;
  unsigned int reps ;
  double value[CONTENDERS_MAX][REPS_MAX] ; /* NAN: no sample */
} ;

struct summary { unsigned int n ; double median, min, max ; } ;

extern struct row rows[ROWS_MAX] ;
extern unsigned int row_count ;

extern void result_add (enum figure, struct load const *, unsigned int contender, unsigned int rep, double value) ;
extern struct row const *result_row (enum figure, unsigned int services, unsigned int scripts, enum kind) ;
extern int contender_index (char const *name) ; /* -1 if it does not take part */
extern struct summary summary_of (struct row const *, unsigned int contender) ;
/* of the ratios of the same rounds */
extern struct summary summary_ratio (struct row const *, unsigned int contender, unsigned int base) ;
extern void results_derive (void) ; /* rows that are computed from others */

/* ---------------------------------------------------------------- reports */

struct occasion
{
  char date[16] ;
  char machine[512] ;
  char version[CONTENDERS_MAX][64] ;
  unsigned int reps ;
  unsigned int quick ;
} ;

extern void format_value (char *s, size_t max, double, enum unit) ;
extern void format_load (char *s, size_t max, struct load const *) ;
extern void occasion_fill (struct occasion *) ;
extern void report_table (FILE *) ;
extern void report_json (FILE *, struct occasion const *) ;
extern void report_readme (FILE *, struct occasion const *) ;
extern void chart_write (FILE *, struct occasion const *) ;

struct verdict
{
  char const *figure ;
  char const *goal ;
  char got[256] ;
  int met ; /* -1: not measured */
} ;

#define GOALS_MAX 24
extern unsigned int goals_check (struct verdict *) ; /* how many */

#endif
