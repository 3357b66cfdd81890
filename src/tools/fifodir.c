/* ISC license. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <skalibs/allreadwrite.h>
#include <skalibs/direntry.h>
#include <skalibs/djbunix.h>
#include <skalibs/unix-transactional.h>

#include "fifodir.h"
#include "listen.h"

int fifodir_make (char const *path, gid_t gid, int force)
{
  if (mkdir(path, 0700) == -1)
  {
    struct stat st ;
    if (errno != EEXIST || stat(path, &st) == -1) return 0 ;
    if (!S_ISDIR(st.st_mode)) return (errno = ENOTDIR, 0) ;
    if (st.st_uid != getuid()) return (errno = EACCES, 0) ;
    if (!force) return 1 ;
  }
  if (gid == FIFODIR_PUBLIC) return chmod(path, 01733) == 0 ;
  return chown(path, (uid_t)-1, gid) == 0 && chmod(path, 03730) == 0 ;
}

/* Opens the listener's fifo for writing. -1 if there is none to write to; one that nobody
   reads is removed. A symlink or device under such a name is not opened: its owner might
   want us to write elsewhere. */
static int open_listener (int fddir, char const *name, int *error)
{
  int fd = openat(fddir, name, O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC) ;
  struct stat st ;
  if (fd == -1)
  {
    if (errno == ENXIO && unlinkat(fddir, name, 0) == -1) *error = errno ;
    return -1 ;
  }
  if (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode)) return fd ;
  fd_close(fd) ;
  return -1 ;
}

static int write_listener (int fddir, char const *name, int fd, char const *s, size_t len)
{
  ssize_t r = fd_write(fd, s, len) ;
  if (r == -1 && errno == EPIPE) unlinkat(fddir, name, 0) ;
  return r >= 0 && (size_t)r == len ;
}

/* The number of listeners that got all letters; stores the last error in removing one. */
static int visit (DIR *dir, char const *s, size_t len, int *error)
{
  int n = 0 ;
  for (;;)
  {
    direntry *d ;
    int fd ;
    errno = 0 ;
    d = readdir(dir) ;
    if (!d) return errno ? -1 : n ;
    if (strncmp(d->d_name, FTRIG_PREFIX, sizeof(FTRIG_PREFIX) - 1)
     || strlen(d->d_name) != FTRIG_NAMELEN) continue ;
    fd = open_listener(dir_fd(dir), d->d_name, error) ;
    if (fd == -1) continue ;
    if (write_listener(dir_fd(dir), d->d_name, fd, s, len)) n++ ;
    fd_close(fd) ;
  }
}

static int visit_path (char const *path, char const *s, size_t len, int *error)
{
  int n, e ;
  DIR *dir = opendir(path) ;
  if (!dir) return -1 ;
  n = visit(dir, s, len, error) ;
  e = errno ;
  dir_close(dir) ;
  errno = e ;
  return n ;
}

int fifodir_clean (char const *path)
{
  int error = 0 ;
  if (visit_path(path, "", 0, &error) == -1) return 0 ;
  return error ? (errno = error, 0) : 1 ;
}

int fifodir_notify (char const *path, char const *s, size_t len)
{
  int error = 0 ;
  return visit_path(path, s, len, &error) ;
}
