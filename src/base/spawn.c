/* ISC license. */

/*
   A child, from clone() to exec(). The child makes system calls only: no stdio, no malloc, no
   abort() or raise() (under musl these would hit PID 1). Signals are blocked across the clone;
   a fault in the child is told from one of PID 1 by the pid, see src/ledger/fault.c. Handlers
   need no reset: exec does that.
*/

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include <skalibs/env.h>
#include <skalibs/types.h>

#include "base.h"

#ifndef CLOSE_RANGE_UNSHARE
#define CLOSE_RANGE_UNSHARE 2
#define CLOSE_RANGE_CLOEXEC 4
#endif

/*
   Copying the descriptor table makes fork grow with the number of services (0.2 ms at 10, 0.8 at
   6,000). So the child shares it (CLONE_FILES) and its first call, close_range(UNSHARE), leaves
   it a table of its own with the numbers below fd_base alone. A child that is to keep one of our
   descriptors (a log pipe, a readiness pipe) is forked plainly: what it needs would have to stay
   at a low number until it has made that call, and a copy that stays too long keeps a logger
   from its end of file.
*/

static struct
{
  struct inheritance back ;
  int fd_base ;
  int null ;                 /* a copy of /dev/null below fd_base; -1 */
  int can_unshare ;
}
plan ;

/* The lowest descriptor beyond 2 that is /dev/null: the fence's, as the runtime passes none in. */
static int find_null (void)
{
  struct stat st ;
  for (int fd = 3 ; fd < plan.fd_base ; fd++)
    if (fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3)) return fd ;
  return -1 ;
}

void spawn_init (struct inheritance const *inheritance, int fd_base)
{
  memset(&plan, 0, sizeof plan) ;
  plan.back = *inheritance ;
  plan.fd_base = fd_base ;
  plan.null = find_null() ;
  /* asks the kernel without doing anything: there is no such descriptor, and nobody to unshare from */
  plan.can_unshare = syscall(SYS_close_range, ~0U, ~0U, CLOSE_RANGE_UNSHARE) == 0 ;
}

static int can_share (struct spawn const *s)
{
  return plan.can_unshare && s->in < 0 && s->out < 0 && s->err < 0 && s->extra_from < 0 && s->lock_from < 0 ;
}

/* Where close_range is missing: descriptors are dense, so a long gap is the end. */
static void close_one_by_one (int from)
{
  int gap = 0 ;
  for (int fd = from ; gap < 1024 ; fd++) gap = close(fd) < 0 ? gap + 1 : 0 ;
}

static void drop_range (unsigned int from, unsigned int to)
{
  if (from > to) return ;
  if (syscall(SYS_close_range, from, to, CLOSE_RANGE_CLOEXEC) == 0) return ;
  if (syscall(SYS_close_range, from, to, 0) == 0) return ;
  if (to == ~0U) close_one_by_one((int)from) ;
  else for (unsigned int fd = from ; fd <= to ; fd++) close((int)fd) ;
}

/* After a plain fork: everything of ours but what the service asked for, which may have a high
   number. */
static void drop_descriptors (struct spawn const *s)
{
  int low = s->extra_to < s->lock_to ? s->extra_to : s->lock_to ;
  int high = s->extra_to < s->lock_to ? s->lock_to : s->extra_to ;
  unsigned int from = (unsigned int)plan.fd_base ;
  if (low >= plan.fd_base)
  {
    drop_range(from, (unsigned int)low - 1) ;
    from = (unsigned int)low + 1 ;
  }
  if (high >= plan.fd_base && high != low)
  {
    drop_range(from, (unsigned int)high - 1) ;
    from = (unsigned int)high + 1 ;
  }
  drop_range(from, ~0U) ;
}

static void give_back_oom (void)
{
  char s[16] ;
  int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC) ;
  if (fd < 0) return ;
  if (write(fd, s, int32_fmt(s, plan.back.oom_score_adj)) < 0) errno = 0 ;
  close(fd) ;
}

static void give_back_ignored (void)
{
  struct sigaction sa ;
  memset(&sa, 0, sizeof sa) ;
  sa.sa_handler = SIG_IGN ;
  for (int sig = 1 ; sig < 64 ; sig++)
    if (plan.back.sigignored >> (sig - 1) & 1) sigaction(sig, &sa, 0) ;
}

static void give_back (void)
{
  if (plan.back.oom_changed) give_back_oom() ;
  if (plan.back.nofile_changed)
  {
    struct rlimit const rl = { .rlim_cur = plan.back.nofile_soft, .rlim_max = plan.back.nofile_hard } ;
    setrlimit(RLIMIT_NOFILE, &rl) ;
  }
  umask((mode_t)plan.back.umask) ;
  if (plan.back.sigignored) give_back_ignored() ;
  /* last: from here on a pending signal may end the child */
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &plan.back.sigmask, 0, 8) ;
}

static int own_session (unsigned int flags)
{
  if (flags & SPAWN_SESSION) return setsid() < 0 ? -1 : 0 ;
  if (!(flags & SPAWN_FOREGROUND)) return 0 ;
  if (setpgid(0, 0) < 0) return -1 ;
  /* TTOU is blocked, so a background group may take the terminal; without one this fails, which is fine */
  tcsetpgrp(0, getpid()) ;
  return 0 ;
}

static int put_at (int from, int to)
{
  if (to < 0) return 0 ;
  if (from == to) return fcntl(to, F_SETFD, 0) ;
  return dup2(from, to) < 0 ? -1 : 0 ;
}

/* The fence (see fd_fence) holds copies of /dev/null; a root without /dev has none, nor a fence. */
static int null_stdin (void)
{
  int fd = plan.null >= 0 ? plan.null : open("/dev/null", O_RDONLY | O_CLOEXEC) ;
  return fd < 0 ? 0 : put_at(fd, 0) ;
}

/* lock-fd: held while any process of the service has it open. An earlier run's leftovers may
   still: then this child waits, and only it. */
static int wait_lock (int fd)
{
  struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0, .l_pid = 0 } ;
  return fcntl(fd, F_OFD_SETLKW, &lock) ;
}

/* The numbers that notification-fd and lock-fd ask for. They may be numbers of ours: what is
   still to be moved is moved out of the way first. */
static int set_asked (struct spawn const *s)
{
  int lock = s->lock_from ;
  if (s->lock_to >= 0)
  {
    if (s->extra_to == lock) lock = dup(lock) ;
    if (lock < 0) return -1 ;
  }
  if (put_at(s->extra_from, s->extra_to) < 0) return -1 ;
  if (s->lock_to < 0) return 0 ;
  return put_at(lock, s->lock_to) < 0 ? -1 : wait_lock(s->lock_to) ;
}

static int set_descriptors (struct spawn const *s)
{
  if (s->out >= 0 && put_at(s->out, 1) < 0) return -1 ;
  if (s->err >= 0 && put_at(s->err, 2) < 0) return -1 ;
  if (s->in >= 0) { if (put_at(s->in, 0) < 0) return -1 ; }
  else if (!(s->flags & SPAWN_FOREGROUND) && null_stdin() < 0) return -1 ;
  return set_asked(s) ;
}

static int enter_dir (struct spawn const *s)
{
  if (!s->dir || chdir(s->dir) == 0) return 0 ;
  return s->dir_fallback ? chdir(s->dir_fallback) : -1 ;
}

/* execvp with the PATH of ENVP and exec_file's kindness. Remembers EACCES as execvp does. */
static void exec_search (struct spawn const *s)
{
  char path[4096] ;
  char const *p = env_get2(s->envp, "PATH") ;
  size_t len = strlen(s->file) ;
  int e = ENOENT ;
  if (!p) p = "/usr/bin:/bin" ;
  for (;;)
  {
    size_t n = strcspn(p, ":") ;
    if (n + len + 2 < sizeof path)
    {
      memcpy(path, p, n) ;
      path[n] = '/' ;
      memcpy(path + n + 1, s->file, len + 1) ;
      exec_file(n ? path : s->file, s->argv, s->envp) ;
      if (errno != ENOENT && errno != ENOTDIR) e = errno ;
    }
    if (!p[n]) break ;
    p += n + 1 ;
  }
  errno = e ;
}

static void child (struct spawn const *s, int shared, int32_t *errword)
{
  if (shared && syscall(SYS_close_range, plan.fd_base, ~0U, CLOSE_RANGE_UNSHARE) < 0) _exit(EXIT_CANNOT_EXEC) ;
  if (enter_dir(s) == 0 && own_session(s->flags) == 0 && set_descriptors(s) == 0)
  {
    if (!shared) drop_descriptors(s) ;
    give_back() ;
    if (s->flags & SPAWN_SEARCH && !strchr(s->file, '/')) exec_search(s) ;
    else exec_file(s->file, s->argv, s->envp) ;
  }
  *errword = errno ;
  _exit(errno == ENOENT || errno == ENOTDIR ? EXIT_NOT_FOUND : EXIT_CANNOT_EXEC) ;
}

void signal_group (pid_t pid, int sig)
{
  if (pid > 1 && kill(-pid, sig) < 0 && errno == ESRCH) kill(pid, sig) ;
}

pid_t spawn (struct spawn const *s, int32_t *pidword, int32_t *errword)
{
  unsigned long flags = CLONE_PARENT_SETTID | SIGCHLD ;
  int shared = can_share(s) ;
  long pid ;
  if (shared) flags |= CLONE_FILES ;
  if (s->flags & SPAWN_NEWPIDNS) flags |= CLONE_NEWPID ;
  *errword = 0 ;
  /* the raw call: the third argument is the parent's tid word on every architecture we know */
  pid = syscall(SYS_clone, flags, 0L, pidword, 0L, 0L) ;
  if (!pid) child(s, shared, errword) ;
  if (pid < 0) *pidword = 0 ;
  return (pid_t)pid ;
}
