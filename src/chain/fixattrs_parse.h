/* ISC license. */

#ifndef KEELSON_FIXATTRS_PARSE_H
#define KEELSON_FIXATTRS_PARSE_H

/*
   A line of a file in /etc/fix-attrs.d, as s6-overlay's README describes it:

     path recurse account fmode dmode

   path     absolute, may be a glob pattern
   recurse  true or false
   account  NAME, or USER:GROUP with names or numbers; then perhaps a comma and a fallback,
            UID:GID in numbers, for what is not known in this image
   fmode    octal mode for files, or - to leave it
   dmode    the same for directories

   Fields are parted by blanks and tabs. A line whose first character that is not blank is a
   # is a comment.
*/

#include <sys/types.h>

#define FIXATTRS_KEEP (-1)

struct fixattrs_rule
{
  char const *path ;
  int recurse ;
  char const *user ;             /* may be empty before a colon: the fallback's uid, or root */
  char const *group ;            /* null if there was no colon: the primary group of user */
  unsigned int have_fallback : 1 ;
  uid_t fallback_uid ;           /* 0 without a fallback */
  gid_t fallback_gid ;
  int fmode ;                    /* 0 to 07777, or FIXATTRS_KEEP */
  int dmode ;
} ;

/* Parses one line (without its newline), which is cut into its fields: the rule points into
   it. 1; 0 if the line says nothing; -1 if it is wrong: `why` is then a sentence that says
   what is wrong and what to write, and `what` the field it is about (null: the whole line). */
extern int fixattrs_parse (char *line, struct fixattrs_rule *, char const **why, char const **what) ;

#endif
