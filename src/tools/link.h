/* ISC license. */

#ifndef KEELSON_LINK_H
#define KEELSON_LINK_H

/*
   Putting a service directory under a running scanner, and taking it away again: a
   link in the scan directory, a letter for the scanner, and a wait until the supervisors of
   the service and of its logger (DIR/log) say s, or x.
*/

#include <skalibs/tai.h>

struct link_options
{
  unsigned int timeout ;         /* ms, 0 = none */
  unsigned int force : 1 ;       /* an event directory that is there gets the right mode, too */
  unsigned int public : 1 ;      /* everybody may listen to its events */
  unsigned int down : 1 ;        /* make a down file: the supervisor runs, the service does not */
  unsigned int forget_down : 1 ; /* remove the down file when the supervisor runs */
  unsigned int relative : 1 ;    /* DIR is relative to the scan directory: link to it as it is */
} ;

#define LINK_OPTIONS "dDfPt:"
#define LINK_USAGE "[ -d | -D ] [ -f ] [ -P ] [ -t timeout ]"
#define UNLINK_OPTIONS "Xt:"
#define UNLINK_USAGE "[ -X ] [ -t timeout ]"

/* Read the options of s6-svlink and s6-instance-create; of s6-svunlink and s6-instance-delete,
   where WAIT is 0 after -X. The number of arguments read. */
extern int link_scan (int, char const *const *, struct link_options *, char const *) ;
extern int unlink_scan (int, char const *const *, unsigned int *, int *, char const *) ;

/* Links DIR into SCANDIR as NAME. 1; or 0 with errno, ETIMEDOUT if the time was over, and
   all is undone. */
extern int link_service (char const *, char const *, char const *, struct link_options const *) ;

/* Removes SCANDIR/NAME, ends its supervisors and waits for that for TIMEOUT ms (0: as
   long as it takes) if WAIT. 1 even if it could not see them end; 0 with errno if it did nothing. */
extern int unlink_service (char const *, char const *, unsigned int, int) ;

#endif
