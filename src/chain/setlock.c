/* ISC license. */

/*
   s6-setlock, as s6's own, with the same kind of lock: a POSIX one on the whole file, held by
   the process and so by the program it becomes. s6 needs a helper process for -t, which lives
   as long as the program; here a timer's signal ends the waiting.
*/

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <skalibs/alarm.h>
#include <skalibs/djbunix.h>
#include <skalibs/exec.h>
#include <skalibs/sgetopt.h>
#include <skalibs/sig.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#define USAGE "s6-setlock [ -r | -w ] [ -n | -N | -t timeout ] lockfile prog..."

int setlock_main (int, char const *const *) ;

/* A shared lock needs a descriptor that can be read. */
static int open_lockfile (char const *file, int shared)
{
  int fd = shared ? open_read(file) : open_create(file) ;
  if (fd < 0 && shared && errno == ENOENT)
  {
    fd = open3(file, O_RDONLY | O_CREAT | O_NONBLOCK, 0666) ;
    if (fd < 0) strerr_diefusys(111, "create ", file) ;
  }
  if (fd < 0) strerr_diefusys(111, "open ", file, shared ? " for reading" : " for writing") ;
  return fd ;
}

static void timed_out (int sig)
{
  (void)sig ;
  errno = ETIMEDOUT ;
  strerr_diefusys(1, "acquire lock") ;
}

/* The handler does not return, so it does not matter whether the signal comes while fcntl()
   waits or just before, nor whether the lock was just given: the exit gives it back. */
static void lock_within (int fd, char const *file, int shared, unsigned int ms)
{
  int r = fd_lock(fd, !shared, 1) ;
  if (!r)
  {
    if (!ms) timed_out(SIGALRM) ;
    if (!sig_catch(SIGALRM, &timed_out)) strerr_diefusys(111, "trap SIGALRM") ;
    sig_unblock(SIGALRM) ;
    if (!alarm_milliseconds(ms)) strerr_diefusys(111, "set a timer") ;
    r = fd_lock(fd, !shared, 0) ;
    alarm_disable() ;
  }
  if (r < 0) strerr_diefusys(1, "lock ", file) ;
}

static void lock (int fd, char const *file, int shared, int nonblocking)
{
  int r = fd_lock(fd, !shared, nonblocking) ;
  if (!r) errno = EBUSY ;
  if (r <= 0) strerr_diefusys(1, "lock ", file) ;
}

int setlock_main (int argc, char const *const *argv)
{
  subgetopt l = SUBGETOPT_ZERO ;
  unsigned int ms = 0 ;
  int shared = 0, mode = 'N', fd ;
  for (int opt ; (opt = subgetopt_r(argc, argv, "nNrwt:", &l)) != -1 ; ) switch (opt)
  {
    case 'n' : case 'N' : mode = opt ; break ;
    case 'r' : shared = 1 ; break ;
    case 'w' : shared = 0 ; break ;
    case 't' : mode = opt ; if (uint0_scan(l.arg, &ms)) break ; /* fall through */
    default : strerr_dieusage(100, USAGE) ;
  }
  argc -= l.ind ; argv += l.ind ;
  if (argc < 2) strerr_dieusage(100, USAGE) ;
  fd = open_lockfile(argv[0], shared) ;
  if (mode == 't') lock_within(fd, argv[0], shared, ms) ;
  else lock(fd, argv[0], shared, mode == 'n') ;
  xexec(argv + 1) ;
}
