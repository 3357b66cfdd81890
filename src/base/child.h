/* ISC license. */

#ifndef KEELSON_CHILD_H
#define KEELSON_CHILD_H

/* Within src/base: spawn.c's side of child.c. */

#include "base.h"

/* What every child gets back, and where our descriptors begin. */
struct plan
{
  struct inheritance const *back ;
  int fd_base ;
  int null ;                 /* a copy of /dev/null below fd_base; -1 */
} ;
extern struct plan plan ;

/* The child: sets itself up as S says and executes; does not return. SHARES_TABLE: it was cloned
   with our descriptor table. What it fails with goes to *ERRWORD. */
extern void child (struct spawn const *s, int shares_table, int32_t *errword) gccattr_noreturn ;

#endif
