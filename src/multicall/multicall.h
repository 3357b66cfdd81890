/* ISC license. */

#ifndef KEELSON_MULTICALL_H
#define KEELSON_MULTICALL_H

/* The table of programs in this binary: see multicall.c. */

#define KEELSON_VERSION "0.1.0"

struct program
{
  char const *name ;
  int (*main) (int, char const *const *) ;
  int usr_bin ;   /* linked into /usr/bin, not into /command alone */
} ;

/* The program called NAME (its last path component counts), or 0. */
extern struct program const *multicall_find (char const *name) ;

/* All of them; the last one has no name. */
extern struct program const *multicall_programs (void) ;

#endif
