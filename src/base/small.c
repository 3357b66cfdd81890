/* ISC license. */

/* Small files and variables: settings that others write and we read, and the reverse. */

#include <string.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/stat.h>

#include <skalibs/allreadwrite.h>
#include <skalibs/posixplz.h>
#include <skalibs/types.h>

#include "base.h"

#define SETTING_MAX 4096

/* Whoever owns the directory chooses what lies there: a fifo or a device must not stop us. */
static int open_regular (int dirfd, char const *name)
{
  struct stat st ;
  int fd = openat(dirfd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) ;
  if (fd < 0) return -1 ;
  if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= SETTING_MAX) return fd ;
  close(fd) ;
  errno = EINVAL ;
  return -1 ;
}

ssize_t setting_read (int dirfd, char const *name, char *buffer, size_t size)
{
  ssize_t n ;
  int fd = open_regular(dirfd, name) ;
  if (fd < 0) return -1 ;
  n = read(fd, buffer, size - 1) ;
  close(fd) ;
  if (n < 0) return -1 ;
  buffer[n] = 0 ;
  n = (ssize_t)strcspn(buffer, "\n") ;
  buffer[n] = 0 ;
  return n ;
}

/* Made afresh, so that a symlink waiting there under that name is not followed. */
static int create_new (int dirfd, char const *name, unsigned int mode)
{
  int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC ;
  int fd = openat(dirfd, name, flags, mode) ;
  if (fd >= 0 || errno != EEXIST) return fd ;
  if (unlinkat(dirfd, name, 0) < 0) return -1 ;
  return openat(dirfd, name, flags, mode) ;
}

static int take_back (int dirfd, char const *name)
{
  int e = errno ;
  unlinkat(dirfd, name, 0) ;
  errno = e ;
  return -1 ;
}

int file_make (int dirfd, char const *name, char const *content, size_t len, unsigned int mode)
{
  int fd = create_new(dirfd, name, mode), r ;
  if (fd < 0) return -1 ;
  r = allwrite(fd, content, len) == len ? 0 : take_back(dirfd, name) ;
  close(fd) ;
  return r ;
}

int file_replace (int dirfd, char const *name, char const *content, size_t len, unsigned int mode)
{
  char tmp[280] ;
  size_t n = strlen(name) ;
  if (n + 5 > sizeof tmp) return (errno = ENAMETOOLONG, -1) ;
  memcpy(tmp, name, n) ;
  memcpy(tmp + n, ".new", 5) ;
  if (file_make(dirfd, tmp, content, len, mode) < 0) return -1 ;
  return renameat(dirfd, tmp, dirfd, name) == 0 ? 0 : take_back(dirfd, tmp) ;
}

void *table_grow (void *table, size_t old, size_t size)
{
  char *p = realloc(table, size) ;
  if (p) memset(p + old, 0, size - old) ;
  return p ;
}

size_t env_bare (char const **v)
{
  size_t n = 0 ;
  for (char **e = environ ; *e && n < ENV_BARE ; e++)
    if (!strncmp(*e, "PATH=", 5) || !strncmp(*e, "S6_RUNDIR=", 10)) v[n++] = *e ;
  return n ;
}

uint32_t env_uint (char const *name, uint32_t dflt, uint32_t max)
{
  char const *s = getenv(name) ;
  uint64_t n ;
  if (!s || !s[0]) return dflt ;
  if (uint640_scan(s, &n) && n <= max) return (uint32_t)n ;
  say(SAY_WARNING, name, "=", s, " is not a number from 0 to ", NUM(max), ": using ", NUM(dflt)) ;
  return dflt ;
}
