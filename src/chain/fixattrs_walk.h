/* ISC license. */

#ifndef KEELSON_FIXATTRS_WALK_H
#define KEELSON_FIXATTRS_WALK_H

/*
   Gives a file, or a tree, its owner and its modes.

   The tree may belong to a service's user, who must not lead us elsewhere. So below the path
   that was given no symbolic link is followed: a link gets its new owner itself and no mode.
   On the way to that path a link is followed only if root or we own it (/var/run) or nobody
   else can write where it is. What is right already is not touched: no write, no copy-up on
   an overlay.
*/

#include <sys/types.h>

#include <skalibs/stralloc.h>

struct fixattrs_walk
{
  uid_t uid ;
  gid_t gid ;
  int fmode ;                    /* FIXATTRS_KEEP leaves modes as they are */
  int dmode ;
  unsigned int recurse : 1 ;
  unsigned int hidden : 1 ;      /* below the path, dot files too */

  /* what became of it; the caller sets all to 0 */
  unsigned long changed ;        /* files that got another owner or mode */
  unsigned long denied ;         /* files that we have not the right to change */
  unsigned long failed ;         /* files that could not be changed for another reason */
  int denied_errno ;             /* of the first one that was denied: EPERM or EROFS */
  stralloc denied_path ;         /* its path, with a final null; to be freed by the caller */
  stralloc path ;                /* where the walk is: its own; to be freed by the caller */
} ;

#define FIXATTRS_WALK_ZERO { .uid = 0, .denied_path = STRALLOC_ZERO, .path = STRALLOC_ZERO }

/* Deeper directories are left alone, with a message. */
#define FIXATTRS_DEPTH_MAX 500

/* Does it to `path`. A path that does not exist is nothing to do. Failures other than missing
   rights are reported on stderr as they come, the first few of them. */
extern void fixattrs_walk (struct fixattrs_walk *, char const *path) ;

#endif
