/* ISC license. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <skalibs/types.h>

#include "base.h"
#include "names.h"

/* Since Linux 6.2 the size of that directory is their number: if so many from 0 on are open, there
   are no others. */
static int are_the_first (int n)
{
  int fd = 0 ;
  while (fd < n && fcntl(fd, F_GETFD) >= 0) fd++ ;
  return n > 2 && fd == n ;
}

/* The highest number that /proc shows, or 2 where there is no /proc. */
static int highest_open (void)
{
  struct stat st ;
  struct dents d ;
  char const *name ;
  int max = 2, fd ;
  if (stat("/proc/self/fd", &st) == 0 && st.st_size <= FD_BASE_DEFAULT && are_the_first((int)st.st_size)) return (int)st.st_size - 1 ;
  fd = openat(AT_FDCWD, "/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC) ;
  if (fd < 0) return max ;
  dents_start(&d, fd) ;
  while ((name = dents_next(&d)))
  {
    unsigned int n ;
    if (uint0_scan(name, &n) && (int)n != fd && (int)n > max) max = (int)n ;
  }
  close(fd) ;
  return max ;
}

int fd_base_find (void)
{
  int max = highest_open() ;
  return max < FD_BASE_DEFAULT ? FD_BASE_DEFAULT : max + 1 ;
}

int fd_raise (int fd, int base, int cloexec)
{
  int r, e ;
  if (fd < 0 || fd >= base) return fd ;
  r = fcntl(fd, cloexec ? F_DUPFD_CLOEXEC : F_DUPFD, base) ;
  e = errno ;
  close(fd) ;
  errno = e ;
  return r ;
}

int fd_fence (int base)
{
  int fd = open("/dev/null", O_RDWR | O_CLOEXEC) ;
  /* the raw call: musl's fcntl() makes two of it, for the sake of kernels before 2.6.24 */
  while (fd >= 0 && fd < base) fd = (int)syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 0) ;
  if (fd < 0) return -1 ;
  close(fd) ;
  return 0 ;
}

#define SMALL_TABLE 64   /* what a process has without a further allocation, and copies in any case */

static int high = 0 ;   /* where fd_high() begins */

void fd_room (uint32_t n)
{
  struct rlimit rl ;
  int fd ;
  if (n <= SMALL_TABLE / 2 || getrlimit(RLIMIT_NOFILE, &rl) < 0 || rl.rlim_cur <= SMALL_TABLE) return ;
  n += SMALL_TABLE ;
  fd = fcntl(0, F_DUPFD_CLOEXEC, n < rl.rlim_cur ? n : (uint32_t)rl.rlim_cur - 1) ;
  if (fd < 0) return ;
  close(fd) ;
  high = SMALL_TABLE ;
}

int fd_high (int fd)
{
  int r = fd < 0 || fd >= high ? fd : fcntl(fd, F_DUPFD, high) ;
  if (r < 0 || r == fd) return fd ;
  close(fd) ;
  return r ;
}

int ofd_lock (int fd)
{
  struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0, .l_pid = 0 } ;
  if (fcntl(fd, F_OFD_SETLK, &lock) == 0) return 1 ;
  /* emulated kernels (gVisor) may know POSIX locks alone: to others they look the same */
  if (errno == EINVAL && fcntl(fd, F_SETLK, &lock) == 0) return 1 ;
  return errno == EAGAIN || errno == EACCES ? 0 : -1 ;
}
