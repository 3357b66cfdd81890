/* ISC license. */

#ifndef KEELSON_TESTS_RUNTIME_MATRIX_H
#define KEELSON_TESTS_RUNTIME_MATRIX_H

/*
   Every way in which a container may find itself, one cell each: which process it is, whose it
   is, whether the root can be written, what /run is. In every cell the same life is lived, and
   the same is asked of it (cell.c). A cell is a process of its own; two live at a time.

   The runtime is spoken to through a driver (driver.h); the root file system is a directory,
   never written to: a cell's root is an overlay of it, of LAYER and of an empty directory. So
   what a life has written is exactly what lies in that directory afterwards.
*/

#include <sys/types.h>

enum row { ROW_PID1, ROW_INIT, ROW_SHARED, ROWS } ;
enum run { RUN_TMPFS, RUN_FOREIGN, RUN_NOEXEC, RUN_MISSING, RUN_OPEN, RUN_WANTED, RUNS } ;
enum { USERS = 3 } ;

struct cell
{
  enum row row ;
  unsigned int user ;
  int read_only ;
  enum run run ;
} ;

struct user { char const *label ; uid_t uid ; gid_t gid ; } ;
extern struct user const users[USERS] ;

struct plan
{
  char const *name ;      /* of the runtime, in the report */
  char const *driver ;
  char const *root ;
  char const *layer ;
  char const *init ;
  char const *status ;    /* what an exec'ed shell must be able to run */
  int code ;              /* that a stopped container ends with */
  int foreign ;           /* INIT is somebody else's: nothing is asked that only keelson promises */
  int strict ;            /* nothing but what is listed in cell.c may be written */
  int reduced ;
  unsigned int guard ;    /* seconds after which a cell that still waits has hung */
  char const *refuse ;    /* what the kernel is to lack; 0 */
} ;

/* Lives through one cell in DIR, an empty directory. Does not return: exits 0 with the run
   directory in DIR/report, or 1 with what went wrong. */
extern _Noreturn void cell_live (struct plan const *, struct cell const *, char const *dir, char const *name) ;

/* What is left of it, from outside, once it has ended. */
extern void cell_clean (struct plan const *, struct cell const *, char const *dir, char const *name) ;

#endif
