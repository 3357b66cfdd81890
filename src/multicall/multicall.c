/* ISC license. */

/*
   One binary, many names: argv[0] chooses the program. Every room lists its
   programs in its own programs.def, one line a name:

     PROGRAM("s6-svc", svc, USR_BIN)

   means that "s6-svc" runs svc_main() and is linked into /command and /usr/bin;
   COMMAND means /command only (names that base images have themselves).
   `keelson NAME ARGS…` runs NAME; `keelson` alone lists the names.
*/

#include <setjmp.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <skalibs/buffer.h>
#include <skalibs/strerr.h>

#include "base.h"
#include "multicall.h"

char const *PROG = "keelson" ;

#define PROGRAM(name, function, place) int function##_main (int, char const *const *) ;
#include "programs.h"
#undef PROGRAM

enum place { COMMAND, USR_BIN } ;

static struct program const programs[] =
{
#define PROGRAM(name, function, place) { name, &function##_main, place == USR_BIN },
#include "programs.h"
#undef PROGRAM
  { 0, 0, 0 }
} ;

struct program const *multicall_programs (void)
{
  return programs ;
}

struct program const *multicall_find (char const *name)
{
  char const *slash = strrchr(name, '/') ;
  if (slash) name = slash + 1 ;
  for (struct program const *p = programs ; p->name ; p++)
    if (!strcmp(p->name, name)) return p ;
  return 0 ;
}

static int knows (char const *name)
{
  return !!multicall_find(name) ;
}

static int list_names (void)
{
  for (struct program const *p = programs ; p->name ; p++)
    if (buffer_puts(buffer_1, p->name) < 0 || buffer_put(buffer_1, "\n", 1) < 0) return 111 ;
  return buffer_flush(buffer_1) ? 0 : 111 ;
}

/* PID 1 is three programs in turn (see exec_become). The next one begins here, as after an exec:
   with nothing but its words. */
static struct { jmp_buf beginning ; char const *const *argv ; } next ;

static void become (char const *const *argv)
{
  next.argv = argv ;
  longjmp(next.beginning, 1) ;
}

static int count (char const *const *argv)
{
  int n = 0 ;
  while (argv[n]) n++ ;
  return n ;
}

static int run (char const *const *argv)
{
  struct program const *p ;
  next.argv = argv ;
  setjmp(next.beginning) ;
  p = multicall_find(next.argv[0]) ;
  PROG = p->name ;
  return (*p->main)(count(next.argv), next.argv) ;
}

/* Images make s6-overlay-suexec setuid, which here is one file with s6-setuidgid: none of our
   programs is more than who runs it. */
static void drop_setuid (void)
{
  if (getauxval(AT_SECURE) && (setgid(getgid()) < 0 || setuid(getuid()) < 0))
    strerr_diefusys(111, "give up the rights of a setuid file") ;
}

int main (int argc, char const *const *argv)
{
  struct program const *p = argc ? multicall_find(argv[0]) : 0 ;
  drop_setuid() ;
  if (!p && argc > 1)
  {
    argv++ ; argc-- ;
    p = multicall_find(argv[0]) ;
    if (!p) strerr_dief(127, "no program is called ", argv[0], ": run keelson without arguments for the list") ;
  }
  if (!p) return list_names() ;
  exec_knows = &knows ;
  exec_become = &become ;
  return run(argv) ;
}
