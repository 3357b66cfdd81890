/* ISC license. */

/*
   s6-fghack, as s6's own: keeps a program that puts itself into the background in the
   foreground. The program gets the write end of a pipe as many descriptors; while one of
   them is open, something of it lives.
*/

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <skalibs/allreadwrite.h>
#include <skalibs/djbunix.h>
#include <skalibs/exec.h>
#include <skalibs/gccattributes.h>
#include <skalibs/strerr.h>

#define USAGE "s6-fghack prog..."

/* A daemon that closes the first few descriptors blindly still keeps one. */
#define COPIES 30

int fghack_main (int, char const *const *) ;

/* What the exec says goes through a pipe that a successful exec closes. */
static void child (char const *const *, int, int) gccattr_noreturn ;
static void child (char const *const *argv, int hackfd, int errfd)
{
  int e ;
  for (unsigned int i = 0 ; i < COPIES ; i++) if (dup(hackfd) < 0) break ;
  exec(argv) ;
  e = errno ;
  fd_write(errfd, (char const *)&e, sizeof e) ;
  _exit(111) ;
}

static void check_exec (int fd, char const *prog)
{
  int e ;
  ssize_t r = fd_read(fd, (char *)&e, sizeof e) ;
  if (r < 0) strerr_diefusys(111, "read from child") ;
  fd_close(fd) ;
  if (!r) return ;
  errno = e ;
  strerr_dieexec(111, prog) ;
}

int fghack_main (int argc, char const *const *argv)
{
  int hack[2], err[2] ;
  int wstat ;
  char c ;
  ssize_t r ;
  pid_t pid ;
  if (argc < 2) strerr_dieusage(100, USAGE) ;
  if (pipe(hack) < 0 || pipecoe(err) < 0) strerr_diefusys(111, "make pipe") ;
  pid = fork() ;
  if (pid < 0) strerr_diefusys(111, "fork") ;
  if (!pid)
  {
    fd_close(hack[0]) ;
    fd_close(err[0]) ;
    child(argv + 1, hack[1], err[1]) ;
  }
  fd_close(hack[1]) ;
  fd_close(err[1]) ;
  check_exec(err[0], argv[1]) ;
  r = fd_read(hack[0], &c, 1) ;
  if (r < 0) strerr_diefusys(111, "read on hackpipe") ;
  if (r) strerr_dief(102, argv[1], " wrote on hackpipe") ;
  if (wait_pid(pid, &wstat) < 0) strerr_diefusys(111, "wait for ", argv[1]) ;
  if (WIFSIGNALED(wstat)) strerr_dief(111, argv[1], " crashed") ;
  return WEXITSTATUS(wstat) ;
}
