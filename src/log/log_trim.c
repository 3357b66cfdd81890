/* ISC license. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <skalibs/djbunix.h>
#include <skalibs/direntry.h>
#include <skalibs/genalloc.h>
#include <skalibs/strerr.h>
#include <skalibs/unix-transactional.h>

#include "log.h"
#include "log_trim.h"

#define NAME_LEN (TIMESTAMP + 2)

struct archived
{
  char name[NAME_LEN + 1] ;
  uint64_t size ;
} ;

static int is_archived (char const *name)
{
  tain stamp ;
  return strlen(name) == NAME_LEN && timestamp_scan(name, &stamp) == TIMESTAMP
    && name[TIMESTAMP] == '.' && (name[TIMESTAMP + 1] == 's' || name[TIMESTAMP + 1] == 'u') ;
}

static int add (genalloc *list, int dirfd, char const *name)
{
  struct archived a ;
  struct stat st ;
  /* gone since it was listed, or not to be looked at: not ours to count */
  if (lstat_at(dirfd, name, &st) < 0) return 1 ;
  memcpy(a.name, name, NAME_LEN + 1) ;
  a.size = (uint64_t)st.st_size ;
  return genalloc_append(struct archived, list, &a) ;
}

/* The descriptor that we hold keeps its place in the directory: read through another. */
static int list_archived (int dirfd, genalloc *list)
{
  DIR *dir = opendir_at(dirfd, ".") ;
  direntry *entry ;
  int e ;
  if (!dir) return 0 ;
  for (errno = 0 ; (entry = readdir(dir)) ; errno = 0)
    if (is_archived(entry->d_name) && !add(list, dirfd, entry->d_name)) break ;
  e = errno ;
  dir_close(dir) ;
  errno = e ;
  return !e ;
}

/* The names are times: the order of the names is that of the times. */
static int older (void const *a, void const *b)
{
  return strcmp(((struct archived const *)a)->name, ((struct archived const *)b)->name) ;
}

size_t log_dir_excess (uint64_t const *sizes, size_t n, uint32_t keep, uint64_t total)
{
  uint64_t sum = 0 ;
  size_t i = n ;
  while (i && n - i < keep)
  {
    sum += sizes[i-1] ;
    if (total && sum > total) break ;
    i-- ;
  }
  return i ;
}

static size_t excess (struct log_dir const *d, struct archived const *files, size_t n)
{
  uint64_t *sizes = malloc((n + 1) * sizeof(uint64_t)) ;
  size_t r = 0 ;
  if (!sizes) return 0 ;
  for (size_t i = 0 ; i < n ; i++) sizes[i] = files[i].size ;
  r = log_dir_excess(sizes, n, d->rules.keep, d->rules.total) ;
  free(sizes) ;
  return r ;
}

void log_trim (struct log_dir *d)
{
  genalloc list = GENALLOC_ZERO ;
  struct archived *files ;
  size_t n ;
  if (!list_archived(d->fd, &list) && d->verbose) strerr_warnwusys("list ", d->name) ;
  files = genalloc_s(struct archived, &list) ;
  n = genalloc_len(struct archived, &list) ;
  if (n) qsort(files, n, sizeof(struct archived), &older) ;
  n = excess(d, files, n) ;
  for (size_t i = 0 ; i < n ; i++)
    if (unlinkat(d->fd, files[i].name, 0) < 0 && errno != ENOENT && d->verbose)
      strerr_warnwusys("remove ", d->name, "/", files[i].name) ;
  genalloc_free(struct archived, &list) ;
}
