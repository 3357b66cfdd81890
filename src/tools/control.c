/* ISC license. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <skalibs/allreadwrite.h>
#include <skalibs/djbunix.h>
#include <skalibs/sig.h>
#include <skalibs/strerr.h>

#include "supervise/status.h"
#include "control.h"

/* The directory SUB; ENXIO where only it is missing: then nothing was ever supervised here. */
static int open_sub (char const *dir, char const *sub)
{
  int fd = svdir_open(dir, sub, O_PATH | O_DIRECTORY) ;
  if (fd == -1 && errno == ENOENT && access(dir, F_OK) == 0) errno = ENXIO ;
  return fd ;
}

static int open_below (char const *dir, char const *sub, char const *name, int flags)
{
  int fd, e ;
  int fdsub = open_sub(dir, sub) ;
  if (fdsub == -1) return -1 ;
  fd = openat(fdsub, name, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) ;
  e = errno ;
  fd_close(fdsub) ;
  errno = e ;
  return fd ;
}

int control_islocked (char const *dir, char const *sub)
{
  int r, e ;
  int fd = open_below(dir, sub, "lock", O_RDONLY) ;
  if (fd == -1) return errno == ENOENT || errno == ENXIO ? (errno = ENOENT, 0) : -1 ;
  errno = 0 ;
  r = fd_islocked(fd) ;
  e = errno ;
  fd_close(fd) ;
  errno = e ;
  return r ;
}

/* EINVAL if it is no fifo: letters must not go into somebody's file. */
static int write_fifo (int fd, char const *s, size_t len)
{
  struct stat st ;
  if (fstat(fd, &st) == -1) return 0 ;
  if (!S_ISFIFO(st.st_mode)) return (errno = EINVAL, 0) ;
  if (allwrite(fd, s, len) == len) return 1 ;
  if (errno == EPIPE) errno = ENXIO ;
  return 0 ;
}

int control_write (char const *dir, char const *sub, char const *s, size_t len)
{
  int r, e ;
  int fd = open_below(dir, sub, "control", O_WRONLY) ;
  if (fd == -1) return 0 ;
  sig_ignore(SIGPIPE) ;
  r = write_fifo(fd, s, len) ;
  e = errno ;
  fd_close(fd) ;
  errno = e ;
  return r ;
}

char control_letter (int sig)
{
  static struct { int sig ; char letter ; } const table[] =
  {
    { SIGALRM, 'a' }, { SIGABRT, 'b' }, { SIGQUIT, 'q' }, { SIGHUP, 'h' },
    { SIGKILL, 'k' }, { SIGTERM, 't' }, { SIGINT, 'i' }, { SIGUSR1, '1' },
    { SIGUSR2, '2' }, { SIGSTOP, 'p' }, { SIGCONT, 'c' }, { SIGWINCH, 'y' }
  } ;
  for (unsigned int i = 0 ; i < sizeof(table) / sizeof(*table) ; i++)
    if (sig == table[i].sig) return table[i].letter ;
  return 0 ;
}

/* Errors that mean: the directory is there, but is no service or scan directory of ours. */
static int is_misshapen (char const *dir, int e)
{
  struct stat st ;
  return (e == ENOENT || e == EINVAL || e == ENOTDIR) && stat(dir, &st) == 0 && S_ISDIR(st.st_mode) ;
}

void control_send (char const *dir, char const *sub, char const *s, size_t len)
{
  int e ;
  if (control_write(dir, sub, s, len)) return ;
  e = errno ;
  if (e == ENXIO) strerr_dief(100, "unable to control ", dir, ": supervisor not listening") ;
  if (is_misshapen(dir, e))
    strerr_dief(100, "something is wrong with the ", dir, "/", sub, " directory: ", strerror(e)) ;
  errno = e ;
  strerr_diefusys(111, "control ", dir) ;
}
