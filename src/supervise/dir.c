/* ISC license. */

/*
   supervise/ and event/ of a service directory. The service's user may own the directory
   around them, so they are never trusted by name: they are opened O_DIRECTORY|O_NOFOLLOW and
   must belong to root or to us, and supervise/ must stay the one that was prepared.
*/

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>

#include "supervise.h"

#define EVENT_MODE 03730
#define EVENT_MODE_FOREIGN 01733

static int path_of (char *path, struct slot const *s, char const *which)
{
  size_t n = strlen(s->name) ;
  memcpy(path, s->name, n) ;
  path[n++] = '/' ;
  strcpy(path + n, which) ;
  return 0 ;
}

#define SERVICE_PATH(path, s, which) char path[SLOT_NAME_MAX + 16] ; path_of(path, s, which)

static int is_trusted (struct stat const *st)
{
  return st->st_uid == 0 || st->st_uid == geteuid() ;
}

static int service_is_ours (char const *name)
{
  struct stat st ;
  return stat(name, &st) == 0 && is_trusted(&st) ;
}

/* A supervise that is a symlink leads elsewhere on purpose (a read-only service directory):
   followed only where nobody but root or us could have put it. */
static int open_part (struct slot const *s, char const *path)
{
  int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC ;
  int fd = open(path, flags | O_NOFOLLOW) ;
  if (fd < 0 && (errno == ELOOP || errno == ENOTDIR) && service_is_ours(s->name)) fd = open(path, flags) ;
  return fd ;
}

static int check_owner (int fd)
{
  struct stat st ;
  if (fstat(fd, &st) == 0 && is_trusted(&st)) return fd ;
  close(fd) ;
  errno = EPERM ;
  return -1 ;
}

/* mkdir, also of the target of a dangling link in a directory of ours. */
static int make_part (struct slot const *s, char const *path, mode_t mode)
{
  char target[PATH_MAX] ;
  ssize_t n ;
  if (mkdir(path, mode) == 0 || errno != EEXIST) return 0 ;
  n = readlink(path, target, sizeof target - 1) ;
  if (n <= 0 || target[0] != '/' || !service_is_ours(s->name)) return 0 ;
  target[n] = 0 ;
  mkdir(target, mode) ;
  return 0 ;
}

static int made (struct slot const *s, char const *path, mode_t mode)
{
  int fd ;
  make_part(s, path, mode) ;
  fd = open_part(s, path) ;
  return fd < 0 ? -1 : check_owner(fd) ;
}

static int prepare_event (struct slot const *s)
{
  struct stat st ;
  SERVICE_PATH(path, s, "event") ;
  int fd = made(s, path, 0700) ;
  if (fd < 0) return -1 ;
  if (fstat(fd, &st) == 0 && (st.st_mode & 07777) != EVENT_MODE && (st.st_mode & 07777) != EVENT_MODE_FOREIGN)
  {
    if (st.st_gid == getegid() || fchown(fd, (uid_t)-1, getegid()) == 0) fchmod(fd, EVENT_MODE) ;
    else fchmod(fd, EVENT_MODE_FOREIGN) ;
  }
  close(fd) ;
  return 0 ;
}

/* What is not ours or not a fifo goes: it was laid there by somebody. */
static int open_control (int dirfd)
{
  struct stat st ;
  int fd ;
  for (int try = 0 ; try < 2 ; try++)
  {
    if (mkfifoat(dirfd, "control", 0600) < 0 && errno != EEXIST) return -1 ;
    fd = openat(dirfd, "control", O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY) ;
    if (fd >= 0)
    {
      if (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode)) return fd ;
      close(fd) ;
    }
    if (unlinkat(dirfd, "control", 0) < 0 && unlinkat(dirfd, "control", AT_REMOVEDIR) < 0) return -1 ;
  }
  errno = EINVAL ;
  return -1 ;
}

static int open_lock (int dirfd)
{
  int fd = openat(dirfd, "lock", O_RDWR | O_CREAT | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY, 0644) ;
  int r ;
  if (fd < 0) return -1 ;
  r = ofd_lock(fd) ;
  if (r > 0) return fd ;
  close(fd) ;
  if (!r) errno = EBUSY ;
  return -1 ;
}

static int prepare_supervise (struct slot *s)
{
  struct stat st ;
  SERVICE_PATH(path, s, "supervise") ;
  int fd = made(s, path, 0700) ;
  if (fd < 0) return -1 ;
  if (fstat(fd, &st) < 0) goto err ;
  s->dir_dev = st.st_dev ;
  s->dir_ino = st.st_ino ;
  s->lock_fd = open_lock(fd) ;
  if (s->lock_fd < 0) goto err ;
  s->control_fd = open_control(fd) ;
  if (s->control_fd < 0) goto err ;
  close(fd) ;
  return 0 ;
 err:
  {
    int e = errno ;
    close(fd) ;
    errno = e ;
  }
  return -1 ;
}

static void say_why (struct slot const *s, char const *part)
{
  if (errno == EBUSY)
    say(SAY_ERROR, "service ", s->name, " is supervised by another process already (", s->name, "/supervise/lock is held): not started a second time") ;
  else if (errno == EPERM)
    say(SAY_ERROR, "service ", s->name, ": its ", part, " directory belongs to somebody who is neither root nor us: remove it; the service is not started") ;
  else say_sys(SAY_ERROR, errno, "unable to prepare ", s->name, "/", part, ", the service is not started") ;
}

int dir_prepare (uint32_t i)
{
  struct slot *s = slot_at(i) ;
  if (prepare_event(s) < 0) return say_why(s, "event"), -1 ;
  if (prepare_supervise(s) == 0) return 0 ;
  say_why(s, "supervise") ;
  dir_release(s) ;
  return -1 ;
}

int dir_open (struct slot const *s, char const *which)
{
  struct stat st ;
  SERVICE_PATH(path, s, which) ;
  int fd = open_part(s, path) ;
  if (fd < 0) return -1 ;
  if (fstat(fd, &st) == 0 && is_trusted(&st)
   && (which[0] != 's' || (st.st_ino == s->dir_ino && st.st_dev == s->dir_dev))) return fd ;
  close(fd) ;
  errno = ESTALE ;
  return -1 ;
}

static void drop (int32_t *fd)
{
  int old = *fd ;
  *fd = -1 ;
  if (old >= 0) close(old) ;
}

void dir_release (struct slot *s)
{
  if (s->control_fd >= 0) loop_unwatch(s->control_fd) ;
  drop(&s->control_fd) ;
  drop(&s->lock_fd) ;
}
