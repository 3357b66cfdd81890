/* ISC license. See harness.h: the life of a PID 1. */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <skalibs/allreadwrite.h>
#include <skalibs/djbunix.h>

#include "box.h"

void box_words (char const **argv, char const *first, va_list args)
{
  size_t n = 0 ;
  if (first) argv[n++] = first ;
  while (n < BOX_WORDS && (argv[n] = va_arg(args, char const *))) n++ ;
  if (n == BOX_WORDS) broken(0, "too many arguments") ;
}

struct stdio
{
  int fd[3] ;
  char const *console ;
} ;

static _Noreturn void life (box const *b, struct box_how const *how, char const *const *argv, struct stdio const *io)
{
  signals_to_default() ;
  if (setsid() < 0) _exit(111) ;
  for (int i = 0 ; i < 3 ; i++)
    if (dup2(io->fd[i], i) < 0) _exit(111) ;
  if (io->console && ioctl(0, TIOCSCTTY, 0) < 0) die_inside("get a controlling terminal") ;
  if (chdir(b->root) < 0) die_inside("chdir to the root") ;
  mounts_inside(how->flags, io->console) ;
  become(how->uid, how->gid) ;
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) die_inside("ask for our parent's death signal") ;
  if (chdir(how->workdir ? how->workdir : "/") < 0) die_inside("chdir") ;
  exec_inside(argv, how->env) ;
}

static int coe_nonblock (int fd)
{
  return coe(fd) < 0 || ndelay_on(fd) < 0 ? -1 : fd ;
}

/* Opens what the box gets as stdin, stdout and stderr; our end becomes the output stream. */
static void open_stdio (box *b, unsigned int flags, struct stdio *io)
{
  int p[2] ;
  if (flags & BOX_TERMINAL)
  {
    p[0] = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC) ;
    if (p[0] < 0 || grantpt(p[0]) < 0 || unlockpt(p[0]) < 0) broken(b, "unable to get a terminal: %s", strerror(errno)) ;
    io->console = ptsname(p[0]) ;
    p[1] = open(io->console, O_RDWR | O_NOCTTY | O_CLOEXEC) ;
    io->fd[0] = b->terminal = p[1] ;
  }
  else
  {
    if (pipe2(p, O_CLOEXEC) < 0) broken(b, "unable to make a pipe: %s", strerror(errno)) ;
    io->console = 0 ;
    io->fd[0] = open("/dev/null", O_RDONLY | O_CLOEXEC) ;
  }
  if (io->fd[0] < 0 || p[1] < 0 || coe_nonblock(p[0]) < 0) broken(b, "unable to open stdio: %s", strerror(errno)) ;
  io->fd[1] = io->fd[2] = p[1] ;
  stream_reset(&b->output, p[0]) ;
}

static void close_stdio (box const *b, struct stdio const *io)
{
  if (b->terminal >= 0) return ;
  close(io->fd[0]) ;
  close(io->fd[1]) ;
}

static void open_events (box *b)
{
  char full[PATH_MAX] ;
  box_path(b, full, "events") ;
  int fd = open(full, O_RDONLY | O_NONBLOCK | O_CLOEXEC) ;
  if (fd >= 0) b->events_in = open(full, O_WRONLY | O_CLOEXEC) ;
  if (fd < 0 || b->events_in < 0) broken(b, "unable to open %s: %s", full, strerror(errno)) ;
  stream_reset(&b->events, fd) ;
}

void box_bootv (box *b, struct box_how const *how, char const *const *argv)
{
  static struct box_how const plain ;
  struct stdio io ;
  int sync[2] ;
  char c ;
  if (!how) how = &plain ;
  if (b->pid) broken(b, "this box runs already") ;
  if (how->uid && one_user_only()) broken(b, "no second user in a user namespace of one") ;
  guard_begins(b) ;
  open_stdio(b, how->flags, &io) ;
  open_events(b) ;
  if (pipe2(sync, O_CLOEXEC) < 0) broken(b, "unable to make a pipe: %s", strerror(errno)) ;
  b->pid = (pid_t)syscall(SYS_clone, CLONE_INTO_BOX | CLONE_PIDFD | SIGCHLD, 0, &b->pidfd, 0, 0) ;
  if (b->pid < 0) broken(b, "unable to make a PID namespace: %s", strerror(errno)) ;
  if (!b->pid) life(b, how, argv, &io) ;
  close_stdio(b, &io) ;
  /* until its exec it is not yet where it will live: who enters it then would be lost */
  close(sync[1]) ;
  while (read(sync[0], &c, 1) < 0 && errno == EINTR) ;
  close(sync[0]) ;
}

void box_boot (box *b, struct box_how const *how, ...)
{
  char const *argv[BOX_WORDS] ;
  va_list args ;
  va_start(args, how) ;
  box_words(argv, how && how->init ? how->init : "/init", args) ;
  va_end(args) ;
  box_bootv(b, how, argv) ;
}

/* PID 1 survives its own faults, so nobody else would notice one. Those that somebody sends name
   the sender, not an address. */
static void no_faults (box const *b)
{
  if (b->output.text.s && strstr(b->output.text.s, " at address 0x")) broken(b, "PID 1 has faulted") ;
}

int box_wait (box *b)
{
  int status ;
  while (pump(b)) ;
  while (waitpid(b->pid, &status, 0) < 0)
    if (errno != EINTR) broken(b, "unable to wait for PID 1: %s", strerror(errno)) ;
  stream_read(&b->output) ;
  stream_read(&b->events) ;
  if (b->output.fd >= 0) close(b->output.fd) ;
  if (b->events.fd >= 0) close(b->events.fd) ;
  if (b->terminal >= 0) close(b->terminal) ;
  close(b->events_in) ;
  close(b->pidfd) ;
  b->pid = 0 ;
  b->pidfd = b->terminal = b->events_in = b->output.fd = b->events.fd = -1 ;
  findings(b) ;
  no_faults(b) ;
  return status ;
}

int box_exit_code (box *b)
{
  int status = box_wait(b) ;
  if (!WIFEXITED(status)) broken(b, "PID 1 was killed by signal %d", WTERMSIG(status)) ;
  return WEXITSTATUS(status) ;
}

int box_stop (box *b)
{
  box_signal(b, SIGTERM) ;
  return box_exit_code(b) ;
}

void box_signal (box *b, int sig)
{
  if (syscall(SYS_pidfd_send_signal, b->pidfd, sig, 0, 0) < 0) broken(b, "unable to signal PID 1: %s", strerror(errno)) ;
}

void box_type (box *b, char const *text)
{
  size_t len = strlen(text) ;
  if (allwrite(b->output.fd, text, len) < len) broken(b, "unable to type: %s", strerror(errno)) ;
}
