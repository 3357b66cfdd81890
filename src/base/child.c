/* ISC license. */

/*
   A child, from clone() to exec(). It may share our memory: so it makes system calls by sys()
   alone, calls nothing of libc but functions of their arguments (strlen and the like), and writes
   nothing but its stack and *errword. Signals are blocked until it restores the mask; a fault
   in it is told from one of PID 1 by the pid, see src/ledger/fault.c. Handlers need no reset:
   exec does that.
*/

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/resource.h>

#include <skalibs/env.h>
#include <skalibs/types.h>

#include "child.h"
#include "sys.h"

#ifndef CLOSE_RANGE_UNSHARE
#define CLOSE_RANGE_UNSHARE 2
#define CLOSE_RANGE_CLOEXEC 4
#endif

struct plan plan ;

/* ---- descriptors */

/* Where close_range is missing: descriptors are dense, so a long gap is the end. */
static void close_one_by_one (unsigned int from)
{
  for (unsigned int gap = 0 ; gap < 1024 ; from++) gap = sys(close, from, 0, 0, 0) < 0 ? gap + 1 : 0 ;
}

static void drop_range (unsigned int from, unsigned int to)
{
  if (from > to) return ;
  if (sys(close_range, from, to, CLOSE_RANGE_CLOEXEC, 0) == 0) return ;
  if (sys(close_range, from, to, 0, 0) == 0) return ;
  if (to == ~0U) close_one_by_one(from) ;
  else for (unsigned int fd = from ; fd <= to ; fd++) sys(close, fd, 0, 0, 0) ;
}

/* With a table of its own: everything of ours but what the service asked for, which may have a
   high number. */
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

static long put_at (long from, int to)
{
  if (to < 0) return 0 ;
  if (from == to) return sys(fcntl, to, F_SETFD, 0, 0) ;
  return sys(dup3, from, to, 0, 0) ;
}

/* The fence (see fd_fence) holds copies of /dev/null; a root without /dev has none, nor a fence. */
static long null_stdin (void)
{
  long fd = plan.null >= 0 ? plan.null : sys(openat, AT_FDCWD, "/dev/null", O_RDONLY | O_CLOEXEC, 0) ;
  return fd < 0 ? 0 : put_at(fd, 0) ;
}

/* lock-fd: held while any process of the service has it open. An earlier run's leftovers may
   still: then this child waits, and only it. */
static long wait_lock (int fd)
{
  struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0, .l_pid = 0 } ;
  long r = sys(fcntl, fd, F_OFD_SETLKW, &lock, 0) ;
  /* as in ofd_lock() */
  return r == -EINVAL ? sys(fcntl, fd, F_SETLKW, &lock, 0) : r ;
}

/* The numbers that notification-fd and lock-fd ask for. They may be numbers of ours: what is
   still to be moved is moved out of the way first. */
static long set_asked (struct spawn const *s)
{
  long lock = s->lock_from, r ;
  if (s->lock_to >= 0)
  {
    if (s->extra_to == lock) lock = sys(dup, lock, 0, 0, 0) ;
    if (lock < 0) return lock ;
  }
  r = put_at(s->extra_from, s->extra_to) ;
  if (r < 0 || s->lock_to < 0) return r ;
  r = put_at(lock, s->lock_to) ;
  return r < 0 ? r : wait_lock(s->lock_to) ;
}

static long set_descriptors (struct spawn const *s)
{
  long r = 0 ;
  if (s->out >= 0) r = put_at(s->out, 1) ;
  if (r >= 0 && s->err >= 0) r = put_at(s->err, 2) ;
  if (r < 0) return r ;
  if (s->in >= 0) r = put_at(s->in, 0) ;
  else if (!(s->flags & SPAWN_FOREGROUND)) r = null_stdin() ;
  return r < 0 ? r : set_asked(s) ;
}

/* ---- what it gets back */

static void give_back_oom (void)
{
  char s[16] ;
  long fd = sys(openat, AT_FDCWD, "/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC, 0) ;
  if (fd < 0) return ;
  sys(write, fd, s, int32_fmt(s, plan.back->oom_score_adj), 0) ;
  sys(close, fd, 0, 0, 0) ;
}

static void give_back_ignored (void)
{
  /* the kernel's struct sigaction: handler, flags, restorer, mask, in words that are 0 but for the first */
  unsigned long const ignore[4] = { (unsigned long)SIG_IGN, 0, 0, 0 } ;
  for (int sig = 1 ; sig < 64 ; sig++)
    if (plan.back->sigignored >> (sig - 1) & 1) sys(rt_sigaction, sig, ignore, 0, 8) ;
}

static void give_back (void)
{
  if (plan.back->oom_changed) give_back_oom() ;
  if (plan.back->nofile_changed)
  {
    struct rlimit const rl = { .rlim_cur = plan.back->nofile_soft, .rlim_max = plan.back->nofile_hard } ;
    sys(prlimit64, 0, RLIMIT_NOFILE, &rl, 0) ;
  }
  sys(umask, plan.back->umask, 0, 0, 0) ;
  if (plan.back->sigignored) give_back_ignored() ;
  /* last: from here on a pending signal may end the child */
  sys(rt_sigprocmask, SIG_SETMASK, &plan.back->sigmask, 0, 8) ;
}

/* ---- the way */

static long own_session (unsigned int flags)
{
  int32_t pid ;
  long r ;
  if (flags & SPAWN_SESSION) return sys(setsid, 0, 0, 0, 0) ;
  if (!(flags & SPAWN_FOREGROUND)) return 0 ;
  r = sys(setpgid, 0, 0, 0, 0) ;
  if (r < 0) return r ;
  /* TTOU is blocked, so a background group may take the terminal; without one this fails, which is fine */
  pid = (int32_t)sys(getpid, 0, 0, 0, 0) ;
  sys(ioctl, 0, TIOCSPGRP, &pid, 0) ;
  return 0 ;
}

static long enter_dir (struct spawn const *s)
{
  long r ;
  if (!s->dir) return 0 ;
  r = sys(chdir, s->dir, 0, 0, 0) ;
  return r < 0 && s->dir_fallback ? sys(chdir, s->dir_fallback, 0, 0, 0) : r ;
}

/* execvp with the PATH of ENVP and exec_file's kindness. Remembers EACCES as execvp does. */
static int exec_search (struct spawn const *s)
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
      int why ;
      memcpy(path, p, n) ;
      path[n] = '/' ;
      memcpy(path + n + 1, s->file, len + 1) ;
      why = exec_file(n ? path : s->file, s->argv, s->envp) ;
      if (why != ENOENT && why != ENOTDIR) e = why ;
    }
    if (!p[n]) return e ;
    p += n + 1 ;
  }
}

static int execute (struct spawn const *s)
{
  return s->flags & SPAWN_SEARCH && !strchr(s->file, '/') ? exec_search(s) : exec_file(s->file, s->argv, s->envp) ;
}

/* 0, or -errno. A shared table is left at once. */
static long set_up (struct spawn const *s, int shares_table)
{
  long r = 0 ;
  if (shares_table) r = sys(close_range, plan.fd_base, ~0U, CLOSE_RANGE_UNSHARE, 0) ;
  if (r >= 0) r = enter_dir(s) ;
  if (r >= 0) r = own_session(s->flags) ;
  if (r >= 0) r = set_descriptors(s) ;
  if (r < 0) return r ;
  if (!shares_table) drop_descriptors(s) ;
  give_back() ;
  return 0 ;
}

void child (struct spawn const *s, int shares_table, int32_t *errword)
{
  long r = set_up(s, shares_table) ;
  int e = r < 0 ? (int)-r : execute(s) ;
  *errword = e ;
  for (;;) sys(exit_group, e == ENOENT || e == ENOTDIR ? EXIT_NOT_FOUND : EXIT_CANNOT_EXEC, 0, 0, 0) ;
}
