/* ISC license. */

#ifndef KEELSON_TOOLS_H
#define KEELSON_TOOLS_H

/*
   The clients. They know a supervisor by its files alone (PROTOCOL.md §1-4), so they
   work on keelson and on s6 alike:

     control.h   is it there, and letters for it: supervise/lock, supervise/control
     listen.h    what it says: fifos of our own in its event directory
     fifodir.h   event directories themselves: make, clean, notify
     await.h     waiting for a service to be up, down or ready
     link.h      putting a service directory into a scan directory, and out again
     scandir.h   where the running scan directory and its services are

   Below: what every main() of this room needs.
*/

#include <skalibs/gccattributes.h>
#include <skalibs/stralloc.h>
#include <skalibs/tai.h>

#define PROGRAM(name, function, place) extern int function##_main (int, char const *const *) ;
#include "programs.def"
#undef PROGRAM

/* The options of s6-svc and s6-svstat, which s6-instance-control and -status pass on. */
#define SVC_COMMANDS "abqhkti12pcyroduDUxOQlPCK"
#define SVC_OPTIONS SVC_COMMANDS "s:T:w:"
#define SVSTAT_OPTIONS "no:uwNrpgest"

/* Prints "PROGRAM: usage: PROGRAM ARGUMENTS" and exits 100. */
extern void tool_dieusage (char const *) gccattr_noreturn ;

/* The number that an option's argument says, or usage. */
extern unsigned int tool_uint (char const *, char const *) ;

/* Starts the clock of STAMP (monotonic) and stores when the given number of
   milliseconds will have passed; 0 is never. */
extern void tool_deadline (tain *, unsigned int) ;

/* DIR/NAME in the stralloc's memory. Dies without memory. */
extern char const *tool_path (stralloc *, char const *, char const *) ;

/* Writes to stdout, by way of a buffer; die if that fails. */
extern void tool_put (char const *) ;
extern void tool_flush (void) ;

/* A variable as PID 1 sees it: of the container environment; of our own where there is none. 0:
   it is unset. */
extern char const *tool_variable (char const *) ;

/* Starts argv[0], found in PATH, as a child with the caller's signal mask; the caller
   need not wait for it. 1, or 0 with errno. */
extern int tool_spawn (char const *const *) ;

#endif
