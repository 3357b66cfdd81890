/* ISC license. */

#ifndef KEELSON_MULTICALL_H
#define KEELSON_MULTICALL_H

/* The table of programs in this binary: see multicall.c. */

struct program
{
  char const *name ;
  int (*main) (int, char const *const *) ;
} ;

/* The program called NAME (its last path component counts), or 0. */
extern struct program const *multicall_find (char const *name) ;

#endif
