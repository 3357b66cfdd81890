/* ISC license. */

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/syscall.h>

#include "names.h"

/* The kernel's struct linux_dirent64. */
struct entry { uint64_t ino ; int64_t off ; unsigned short len ; unsigned char type ; char name[] ; } ;

void dents_start (struct dents *d, int fd)
{
  d->fd = fd ;
  d->at = d->len = 0 ;
}

static int is_dots (char const *s)
{
  return s[0] == '.' && (!s[1] || (s[1] == '.' && !s[2])) ;
}

char const *dents_next (struct dents *d)
{
  for (;;)
  {
    struct entry const *e ;
    if (d->at >= d->len)
    {
      d->at = 0 ;
      d->len = syscall(SYS_getdents64, d->fd, d->buffer, sizeof d->buffer) ;
      if (d->len <= 0) return 0 ;
    }
    e = (struct entry const *)(d->buffer + d->at) ;
    d->at += e->len ;
    d->type = e->type ;
    if (!is_dots(e->name)) return e->name ;
  }
}

int dents_any (char const *path, int (*belongs) (int dirfd, char const *name))
{
  struct dents d ;
  char const *name ;
  int fd = openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), found = 0 ;
  if (fd < 0) return errno != ENOENT && errno != ENOTDIR ;
  dents_start(&d, fd) ;
  while (!found && (name = dents_next(&d))) found = name[0] != '.' && (!belongs || (*belongs)(fd, name)) ;
  close(fd) ;
  return found ;
}

/* ---- sorted */

static struct names const *sorting ;

static int by_name (void const *a, void const *b)
{
  size_t const *x = a, *y = b ;
  return strcmp(sorting->text.s + *x, sorting->text.s + *y) ;
}

static int has_suffix (char const *name, char const *suffix)
{
  size_t n = strlen(name), m = suffix ? strlen(suffix) : 0 ;
  return n >= m && (!m || !strcmp(name + n - m, suffix)) ;
}

static int add (struct names *n, char const *name)
{
  size_t at = n->text.len ;
  return stralloc_catb(&n->text, name, strlen(name) + 1) && genalloc_append(size_t, &n->order, &at) ;
}

int names_read (struct names *n, char const *path, char const *suffix, char const *after)
{
  struct dents d ;
  char const *name ;
  int fd = openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), e = 0 ;
  n->text.len = n->order.len = 0 ;
  if (fd < 0) return -1 ;
  dents_start(&d, fd) ;
  while (!e && (name = dents_next(&d)))
    if (name[0] != '.' && has_suffix(name, suffix) && strcmp(name, after) > 0 && !add(n, name)) e = ENOMEM ;
  if (!e && d.len < 0) e = errno ;
  close(fd) ;
  if (e)
  {
    n->text.len = n->order.len = 0 ;
    return (errno = e, -1) ;
  }
  sorting = n ;
  if (n->order.len) qsort(n->order.s, names_count(n), sizeof(size_t), &by_name) ;
  return 0 ;
}

size_t names_count (struct names const *n)
{
  return genalloc_len(size_t, &n->order) ;
}

char const *names_at (struct names const *n, size_t i)
{
  return n->text.s + genalloc_s(size_t, &n->order)[i] ;
}

int names_has (struct names const *n, char const *name, size_t len)
{
  size_t lo = 0, hi = names_count(n) ;
  while (lo < hi)
  {
    size_t mid = (lo + hi) / 2 ;
    char const *s = names_at(n, mid) ;
    int c = strncmp(s, name, len) ;
    if (!c && s[len]) c = 1 ;
    if (!c) return 1 ;
    if (c < 0) lo = mid + 1 ;
    else hi = mid ;
  }
  return 0 ;
}
