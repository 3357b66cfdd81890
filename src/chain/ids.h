/* ISC license. */

#ifndef KEELSON_IDS_H
#define KEELSON_IDS_H

/*
   Who a process is to become: a uid, a gid and a list of supplementary groups, as
   s6-envuidgid finds them, as UID, GID and GIDLIST carry them, and as s6-applyuidgid and
   all that drop privileges take them on. As in s6, uid 0 and gid 0 mean "no change": root
   gives up rights with these programs and nobody gains any.
*/

#include <stddef.h>
#include <sys/types.h>

struct ids
{
  uid_t uid ;
  gid_t gid ;
  unsigned int have_groups : 1 ;   /* the supplementary groups are to be set */
  size_t n ;
  gid_t *groups ;                  /* n of them; allocated, never freed: an exec follows */
} ;

#define IDS_ZERO { .uid = 0, .gid = 0, .have_groups = 0, .n = 0, .groups = 0 }

/* Comma-separated numbers, or the empty string, into the list. 0 if it is no such list. */
extern int ids_scan_groups (struct ids *, char const *) ;

/* UID:GID:GIDLIST, where what is left out is 0, or no groups. 0 if it is no such thing. */
extern int ids_scan_triple (struct ids *, char const *) ;

/* Looks the account up by name. 1; 0 if there is none of that name (an image without
   /etc/passwd has none); dies with exit code 111 if the groups cannot be read. */
extern int ids_lookup (struct ids *, char const *account) ;

/* The uid of a user, the gid of a group; if `numeric`, also one written as a number that is
   nobody's name. 1, or 0 if unknown. */
extern int ids_lookup_uid (uid_t *, char const *user, int numeric) ;
extern int ids_lookup_gid (gid_t *, char const *group, int numeric) ;

/* The options -u, -g, -G (their argument arg) and -U (environment). 0 if the argument is
   wrong or opt is none of them; dies with exit code 100 if -U finds no good UID, GID, GIDLIST. */
extern int ids_option (struct ids *, int opt, char const *arg) ;
#define IDS_OPTIONS "u:g:G:U"

/* Becomes that. What we are already needs no privilege. Dies with exit code 111 and one
   sentence if it cannot be. */
extern void ids_apply (struct ids const *) ;

/* Nonzero if this process may become anybody else. */
extern int ids_can_apply (void) ;

#endif
