/* ISC license. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <skalibs/djbunix.h>
#include <skalibs/genalloc.h>
#include <skalibs/sgetopt.h>
#include <skalibs/skamisc.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "portable.h"

/* The number of a letter: colons are not counted. */
static unsigned int index_of (char const *letters, int opt)
{
  unsigned int i = 0 ;
  for (; *letters != opt ; letters++) i += *letters != ':' ;
  return i ;
}

void portable_getopt (int *argc, char const *const **argv, char const *letters, char const *usage, int min, struct portable_options *o)
{
  subgetopt l = SUBGETOPT_ZERO ;
  for (int opt ; (opt = subgetopt_r(*argc, *argv, letters, &l)) != -1 ; )
  {
    unsigned int i ;
    if (opt == '?' || opt == ':') strerr_dieusage(100, usage) ;
    i = index_of(letters, opt) ;
    o->given |= 1U << i ;
    o->arg[i] = l.arg ;
  }
  *argc -= l.ind ; *argv += l.ind ;
  if (*argc < min) strerr_dieusage(100, usage) ;
}

mode_t portable_mode (char const *s, char const *usage)
{
  unsigned int mode ;
  if (!uint0_oscan(s, &mode) || mode > 07777) strerr_dieusage(100, usage) ;
  return (mode_t)mode ;
}

void portable_put (char const *s, size_t len)
{
  if (buffer_put(buffer_1, s, len) < 0) strerr_diefusys(111, "write to stdout") ;
}

void portable_puts (char const *s)
{
  portable_put(s, strlen(s)) ;
}

int portable_finish (void)
{
  if (!buffer_flush(buffer_1)) strerr_diefusys(111, "write to stdout") ;
  return 0 ;
}

void portable_cat (stralloc *sa, char const *s, size_t len)
{
  if (!stralloc_catb(sa, s, len)) strerr_diefusys(111, "allocate memory") ;
}

enum portable_line portable_next_line (buffer *b, stralloc *line, char separator)
{
  int r ;
  line->len = 0 ;
  r = skagetln(b, line, separator) ;
  /* EPIPE: the end came before the separator */
  if (r < 0 && errno != EPIPE) strerr_diefusys(111, "read") ;
  if (!line->len) return LINE_NONE ;
  if (r < 0) portable_cat(line, &separator, 1) ;
  line->len-- ;
  return r < 0 ? LINE_UNFINISHED : LINE_WHOLE ;
}

void portable_each_file (char const *const *files, portable_file_func *f, void *data)
{
  if (!*files) (*f)(0, "stdin", data) ;
  for (; *files ; files++)
  {
    int fd = strcmp(*files, "-") ? openbc_read(*files) : 0 ;
    if (fd < 0) strerr_diefusys(111, "open ", *files, " for reading") ;
    (*f)(fd, *files, data) ;
    if (fd) fd_close(fd) ;
  }
}

static int compare (void const *a, void const *b)
{
  return strcmp(*(char const *const *)a, *(char const *const *)b) ;
}

void portable_list (stralloc *sa, char const *dir)
{
  stralloc names = STRALLOC_ZERO ;
  genalloc index = GENALLOC_ZERO ;
  errno = 0 ;
  /* sals() says that a directory which is not there is empty, and leaves errno */
  if (sals(dir, &names, 0) < 0 || (!names.len && errno == ENOENT)) strerr_diefusys(111, "list ", dir) ;
  for (size_t i = 0 ; i < names.len ; i += strlen(names.s + i) + 1)
  {
    char const *name = names.s + i ;
    if (!genalloc_append(char const *, &index, &name)) strerr_diefusys(111, "allocate memory") ;
  }
  if (names.len) qsort(index.s, genalloc_len(char const *, &index), sizeof(char const *), &compare) ;
  for (size_t i = 0 ; i < genalloc_len(char const *, &index) ; i++)
  {
    char const *name = genalloc_s(char const *, &index)[i] ;
    portable_cat(sa, name, strlen(name) + 1) ;
  }
  genalloc_free(char const *, &index) ;
  stralloc_free(&names) ;
}
