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
#include <sys/vfs.h>

#include "supervise.h"

#define EVENT_MODE 03730
#define EVENT_MODE_FOREIGN 01733
#define CONTROL_SIZE 4096   /* the kernel's room for 64 KiB of letters costs 600 bytes a service */

static char const *const parts[] = { [DIR_SUPERVISE] = "/supervise", [DIR_EVENT] = "/event" } ;

/* What dir_open() holds until dir_done(). */
static struct { struct slot const *s ; int fd[2] ; } held = { .s = 0, .fd = { -1, -1 } } ;

static char const *path_of (struct slot const *s, enum dir_part part)
{
  static char path[SLOT_NAME_MAX + 16] ;
  strcpy(path, slot_dir(s)) ;
  return strcat(path, parts[part]) ;
}

static int is_trusted (struct stat const *st)
{
  static uid_t me = (uid_t)-1 ;
  if (me == (uid_t)-1) me = geteuid() ;
  return st->st_uid == 0 || st->st_uid == me ;
}

static int service_is_ours (char const *dir)
{
  struct stat st ;
  return stat(dir, &st) == 0 && is_trusted(&st) ;
}

/* A supervise that is a symlink leads elsewhere on purpose (a read-only service directory):
   followed only where nobody but root or us could have put it. */
static int open_part (struct slot const *s, char const *path)
{
  int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC ;
  int fd = openat(AT_FDCWD, path, flags | O_NOFOLLOW) ;
  if (fd < 0 && (errno == ELOOP || errno == ENOTDIR) && service_is_ours(slot_dir(s))) fd = openat(AT_FDCWD, path, flags) ;
  return fd ;
}

/* mkdir, also of the target of a dangling link in a directory of ours. 1: it is new; -1/errno where
   it cannot be made, which does no harm if it is there all the same. */
static int make_part (struct slot const *s, char const *path)
{
  char target[PATH_MAX] ;
  ssize_t n ;
  if (mkdir(path, 0700) == 0) return 1 ;
  if (errno != EEXIST) return -1 ;
  n = readlink(path, target, sizeof target - 1) ;
  if (n <= 0 || target[0] != '/' || !service_is_ours(slot_dir(s))) return 0 ;
  target[n] = 0 ;
  return mkdir(target, 0700) == 0 ;
}

static void hold (struct slot const *s)
{
  if (held.s != s) dir_done() ;
  held.s = s ;
}

/* Opens a part and looks at it; it stays held. -1/errno. */
static int open_and_look (struct slot const *s, enum dir_part part, struct stat *st)
{
  int fd = open_part(s, path_of(s, part)) ;
  if (fd < 0) return -1 ;
  if (fstat(fd, st) == 0 && is_trusted(st))
  {
    hold(s) ;
    held.fd[part] = fd ;
    return fd ;
  }
  close(fd) ;
  errno = EPERM ;
  return -1 ;
}

/* As open_and_look(), of a part that need not be there yet. */
static int make_and_look (struct slot const *s, enum dir_part part, struct stat *st)
{
  int made = make_part(s, path_of(s, part)), e = errno ;
  int fd = open_and_look(s, part, st) ;
  if (fd < 0 && made < 0 && errno == ENOENT) errno = e ;
  return fd ;
}

static int prepare_event (struct slot const *s)
{
  struct stat st ;
  int fd = make_and_look(s, DIR_EVENT, &st) ;
  if (fd < 0) return -1 ;
  if ((st.st_mode & 07777) == EVENT_MODE || (st.st_mode & 07777) == EVENT_MODE_FOREIGN) return 0 ;
  if (st.st_gid == getegid() || fchown(fd, (uid_t)-1, getegid()) == 0) fchmod(fd, EVENT_MODE) ;
  else fchmod(fd, EVENT_MODE_FOREIGN) ;
  return 0 ;
}

/* What is not ours or not a fifo goes: it was laid there by somebody. */
static int open_control (int dirfd)
{
  struct stat st ;
  int fd ;
  for (int try = 0 ; try < 2 ; try++)
  {
    int fresh = mkfifoat(dirfd, "control", 0600) == 0 ;
    if (!fresh && errno != EEXIST) return -1 ;
    fd = fd_high(openat(dirfd, "control", O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY)) ;
    if (fd >= 0)
    {
      if (fresh || (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode)))
      {
        fcntl(fd, F_SETPIPE_SZ, CONTROL_SIZE) ;
        return fd ;
      }
      close(fd) ;
    }
    if (unlinkat(dirfd, "control", 0) < 0 && unlinkat(dirfd, "control", AT_REMOVEDIR) < 0) return -1 ;
  }
  errno = EINVAL ;
  return -1 ;
}

/* ---- supervise/lock. In a directory that is new it is a link to the scan directory's lock, which we
   hold: held by the same process as long as that lives, and no file, descriptor and lock of its own. */

#define SCANNERS_LOCK ".s6-svscan/lock"

static int is_scanners_lock (int dirfd)
{
  struct stat st, scanners ;
  return fstatat(dirfd, "lock", &st, AT_SYMLINK_NOFOLLOW) == 0 && fstat(ledger->scan_lock_fd, &scanners) == 0
    && st.st_ino == scanners.st_ino && st.st_dev == scanners.st_dev ;
}

/* Whoever looks from now on finds that nobody supervises the service. */
static void release_scanners_lock (struct slot const *s)
{
  int fd = dir_open(s, DIR_SUPERVISE) ;
  if (fd >= 0 && is_scanners_lock(fd)) unlinkat(fd, "lock", 0) ;
  dir_done() ;
}

static int try_lock (int dirfd)
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

static int open_lock (int dirfd)
{
  int fd = try_lock(dirfd) ;
  /* a link that could not be removed when the service was given up: it is ours, and in our way */
  if (fd >= 0 || errno != EBUSY || !is_scanners_lock(dirfd)) return fd ;
  return unlinkat(dirfd, "lock", 0) < 0 ? -1 : try_lock(dirfd) ;
}

static int take_lock (struct slot *s, int dirfd)
{
  if (s->lock_fd == LOCK_OF_SCANNER) return 0 ;
  s->lock_fd = open_lock(dirfd) ;
  return s->lock_fd < 0 ? -1 : 0 ;
}

static void note_identity (struct slot *s, struct stat const *st)
{
  s->dir_dev = st->st_dev ;
  s->dir_ino = st->st_ino ;
}

static int prepare_supervise (struct slot *s)
{
  struct stat st ;
  int fd = make_and_look(s, DIR_SUPERVISE, &st) ;
  if (fd < 0) return -1 ;
  note_identity(s, &st) ;
  if (take_lock(s, fd) < 0) return -1 ;
  s->control_fd = open_control(fd) ;
  if (s->control_fd < 0) return -1 ;
  publish_before(fd, "status") ;
  return 0 ;
}

static void say_why (struct slot const *s, char const *part)
{
  int e = errno ;
  if (errno == EBUSY)
    say(SAY_ERROR, "service ", s->name, " is supervised by another process already (", s->name, "/supervise/lock is held): not started a second time") ;
  else if (errno == EPERM)
    say(SAY_ERROR, "service ", s->name, ": its ", part, " directory belongs to somebody who is neither root nor us: remove it; the service is not started") ;
  else say_sys(SAY_ERROR, errno, "unable to prepare ", s->name, "/", part, ", the service is not started") ;
  errno = e ;
}

/* By their paths, without a look at what is there: nobody but us can have been here. Fails where
   anything is in the way, having done nothing that the careful way would not do. */
static int prepare_fresh (struct slot *s)
{
  char name[SLOT_NAME_MAX + 32] ;
  char const *path = path_of(s, DIR_EVENT) ;
  size_t n ;
  if (mkdir(path, 0700) < 0 || chmod(path, EVENT_MODE) < 0) return -1 ;
  path = path_of(s, DIR_SUPERVISE) ;
  if (mkdir(path, 0700) < 0) return -1 ;
  n = strlen(path) ;
  memcpy(name, path, n) ;
  strcpy(name + n, "/lock") ;
  if (linkat(AT_FDCWD, SCANNERS_LOCK, AT_FDCWD, name, 0) == 0) s->lock_fd = LOCK_OF_SCANNER ;
  strcpy(name + n, "/control") ;
  if (mkfifo(name, 0600) < 0) return -1 ;
  s->control_fd = fd_high(openat(AT_FDCWD, name, O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY)) ;
  if (s->control_fd < 0) return -1 ;
  strcpy(name + n, "/status") ;
  publish_before(AT_FDCWD, name) ;
  settings_stamp_fresh(s) ;
  return 0 ;
}

int dir_prepare (uint32_t i, int fresh)
{
  struct slot *s = slot_at(i) ;
  char const *part = "event" ;
  int e ;
  if (fresh && prepare_fresh(s) == 0) return 0 ;
  if (prepare_event(s) == 0)
  {
    if (prepare_supervise(s) == 0) return 0 ;
    part = "supervise" ;
  }
  say_why(s, part) ;
  e = errno ;
  dir_done() ;
  dir_release(s) ;
  errno = e ;
  return -1 ;
}

int dir_open (struct slot const *s, enum dir_part part)
{
  struct stat st ;
  int fd ;
  hold(s) ;
  if (held.fd[part] >= 0) return held.fd[part] ;
  fd = open_and_look(s, part, &st) ;
  if (fd < 0) return -1 ;
  if (part == DIR_EVENT || !s->dir_ino || (st.st_ino == s->dir_ino && st.st_dev == s->dir_dev)) return fd ;
  dir_done() ;
  errno = ESTALE ;
  return -1 ;
}

/* In a tmpfs the size of a directory counts what is in it (mm/shmem.c): 20 a name, `.` and `..` among them. */
#define TMPFS 0x01021994   /* TMPFS_MAGIC of linux/magic.h, which musl-gcc does not find */
#define TMPFS_EMPTY 40

/* The file system of the scan directory, where most services lie, if it is a tmpfs: looked at once. 0: it is none. */
static dev_t tmpfs (void)
{
  static int looked = 0 ;
  static dev_t dev = 0 ;
  struct statfs fs ;
  struct stat st ;
  if (looked) return dev ;
  looked = 1 ;
  if (statfs(".", &fs) == 0 && fs.f_type == TMPFS && stat(".", &st) == 0) dev = st.st_dev ;
  return dev ;
}

int dir_is_deserted (struct slot const *s)
{
  struct stat st ;
  return tmpfs() && lstat(path_of(s, DIR_EVENT), &st) == 0
    && S_ISDIR(st.st_mode) && st.st_dev == tmpfs() && st.st_size == TMPFS_EMPTY ;
}

/* What prepare_fresh() has left out of prepare_supervise(). */
static int complete_supervise (struct slot *s)
{
  struct stat st ;
  int fd = open_and_look(s, DIR_SUPERVISE, &st) ;
  if (fd < 0) return -1 ;
  fcntl(s->control_fd, F_SETPIPE_SZ, CONTROL_SIZE) ;
  if (take_lock(s, fd) < 0) return -1 ;
  note_identity(s, &st) ;
  settings_stamp(s) ;
  return 0 ;
}

int dir_complete (struct slot *s)
{
  return !s->dir_ino && (complete_supervise(s) < 0 || prepare_event(s) < 0) ? -1 : 0 ;
}

void dir_done (void)
{
  for (int k = 0 ; k < 2 ; k++)
  {
    if (held.fd[k] >= 0) close(held.fd[k]) ;
    held.fd[k] = -1 ;
  }
  held.s = 0 ;
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
  if (s->lock_fd == LOCK_OF_SCANNER) release_scanners_lock(s) ;
  drop(&s->lock_fd) ;
}
