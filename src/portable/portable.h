/* ISC license. */

#ifndef KEELSON_PORTABLE_H
#define KEELSON_PORTABLE_H

/*
   The portable utilities: small versions of what every Unix has, under the names that they
   have in s6-portable-utils and that scripts of s6-overlay 2's days call. On an image without
   a shell nothing else is there. Each is a *_main(); programs that are alike share a file.
   They have no state: what fails dies with 111 and a message, wrong usage with 100.

   s6-test is not here: it is execline's eltest by its older name (src/chain/el_eltest.c).
*/

#include <stddef.h>
#include <sys/types.h>

#include <skalibs/buffer.h>
#include <skalibs/stralloc.h>

/* Which options were given: a bit for each letter, in the order of the letters; and the
   argument of each, the last one given. */
struct portable_options
{
  unsigned int given ;
  char const *arg[16] ;
} ;

#define PORTABLE_OPTIONS_ZERO { .given = 0 }

/* Reads the options that letters lists (as for subgetopt_r; 16 at most) and moves argc and
   argv behind them. Dies with usage if there is another or fewer than min arguments are left. */
extern void portable_getopt (int *argc, char const *const **argv, char const *letters, char const *usage, int min, struct portable_options *) ;

/* An octal mode; dies with usage if s is none. */
extern mode_t portable_mode (char const *s, char const *usage) ;

/* Standard output. They die if it cannot be written to; portable_finish() returns 0, which is
   then the exit code. */
extern void portable_put (char const *s, size_t len) ;
extern void portable_puts (char const *s) ;
extern int portable_finish (void) ;

/* Adds to sa; dies if there is no memory. */
extern void portable_cat (stralloc *sa, char const *s, size_t len) ;

enum portable_line { LINE_NONE, LINE_WHOLE, LINE_UNFINISHED } ;

/* The next line, without its separator, which line->s[line->len] holds the place of; the last
   one may lack it. Dies if it cannot be read. */
extern enum portable_line portable_next_line (buffer *, stralloc *line, char separator) ;

/* Does each file with f, or standard input if there is none or for "-"; f gets a descriptor
   and the name, and dies by itself. */
typedef void portable_file_func (int fd, char const *name, void *data) ;
extern void portable_each_file (char const *const *files, portable_file_func *f, void *data) ;

/* The names in a directory but . and .., sorted, each with its null, appended to sa. Dies. */
extern void portable_list (stralloc *sa, char const *dir) ;

#endif
