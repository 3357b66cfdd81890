/* ISC license. */

#ifndef KEELSON_PIDS_H
#define KEELSON_PIDS_H

/* From a pid to the service whose process it is, in constant time: 20,000 zombies are reaped
   without a look at 1,000 services each. Rebuilt from the ledger after an exec. */

#include <stdint.h>
#include <sys/types.h>

enum pid_role { ROLE_RUN, ROLE_FINISH, ROLE_STOP, ROLES } ;

/* Room for slots 0..n-1. 0, or -1/ENOMEM. */
extern int pids_room (uint32_t n) ;
extern void pids_add (pid_t pid, uint32_t slot, enum pid_role role) ;
extern void pids_remove (pid_t pid) ;
/* 1 and *SLOT, *ROLE; or 0. */
extern int pids_find (pid_t pid, uint32_t *slot, enum pid_role *role) ;

#endif
