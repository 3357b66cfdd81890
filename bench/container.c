/* ISC license. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <linux/membarrier.h>

#include <skalibs/djbunix.h>
#include <skalibs/sig.h>
#include <skalibs/strerr.h>

#include "bench.h"

#define STOP_TIMEOUT 30000 /* ms */
#define REAP_TIMEOUT 20000

static char workdir[] = "/tmp/keelson-bench.XXXXXX" ;

uint64_t now_ns (void)
{
  struct timespec ts ;
  clock_gettime(CLOCK_MONOTONIC, &ts) ;
  return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec ;
}

void wait_until (uint64_t when)
{
  struct itimerspec its = { .it_value = { .tv_sec = (time_t)(when / 1000000000u), .tv_nsec = (long)(when % 1000000000u) } } ;
  uint64_t expired ;
  int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC) ;
  if (fd < 0 || timerfd_settime(fd, TFD_TIMER_ABSTIME, &its, 0) < 0 || read(fd, &expired, sizeof expired) < 0)
    strerr_diefu1sys(111, "wait") ;
  close(fd) ;
}

static void remove_workdir (void)
{
  rmdir(workdir) ;
}

/* Containers go with us (PDEATHSIG); what is left is an empty directory. */
static void interrupted (int sig)
{
  rmdir(workdir) ;
  _exit(128 + sig) ;
}

void container_setup (void)
{
  struct sigaction const sa = { .sa_handler = &interrupted } ;
  sigset_t set ;
  cgroup_sweep() ;
  if (!mkdtemp(workdir)) strerr_diefu2sys(111, "make ", workdir) ;
  if (atexit(&remove_workdir)) strerr_diefu1sys(111, "register the clean-up") ;
  if (sigaction(SIGINT, &sa, 0) < 0 || sigaction(SIGTERM, &sa, 0) < 0) strerr_diefu1sys(111, "catch signals") ;
  sigemptyset(&set) ;
  sigaddset(&set, SIGCHLD) ; /* trace.c waits for it */
  if (sigprocmask(SIG_BLOCK, &set, 0) < 0) strerr_diefu1sys(111, "block SIGCHLD") ;
}

/* ---------------------------------------------------------------- the child that becomes PID 1 */

static void enter_root (struct contender const *who, struct load const *load)
{
  umask(0022) ;
  if (mount("", "/", 0, MS_REC | MS_PRIVATE, 0) < 0) strerr_diefu1sys(111, "make mounts private") ;
  if (mount("tmpfs", workdir, "tmpfs", MS_NOSUID, "mode=0755,size=4g,nr_inodes=1m") < 0) strerr_diefu1sys(111, "mount a tmpfs") ;
  if (chdir(workdir) < 0) strerr_diefu2sys(111, "enter ", workdir) ;
  contender_lay(who, load) ;
  if (mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, 0) < 0) strerr_diefu1sys(111, "mount proc") ;
  if (syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
    strerr_diefu1sys(111, "make the tmpfs the root") ;
}

/* As a runtime hands it over: a session of its own, no descriptor but 0, 1 and 2, default signals. */
static void be_as_new (void)
{
  sigset_t none ;
  int null = open("/dev/null", O_RDWR) ;
  if (null < 0) strerr_diefu1sys(111, "open /dev/null") ;
  if (dup2(null, 0) < 0 || dup2(null, 1) < 0) strerr_diefu1sys(111, "redirect") ;
  if (!getenv("BENCH_STDERR") && dup2(null, 2) < 0) strerr_diefu1sys(111, "redirect stderr") ;
  setsid() ;
  for (int sig = 1 ; sig < 65 ; sig++) signal(sig, SIG_DFL) ;
  sigemptyset(&none) ;
  sigprocmask(SIG_SETMASK, &none, 0) ;
}

static void note_tmpfs (struct stamp *stamp)
{
  struct statfs fs ;
  if (statfs("/", &fs) < 0) strerr_diefu1sys(111, "statfs") ;
  stamp->tmpfs_inodes = (uint64_t)(fs.f_files - fs.f_ffree) ;
  stamp->tmpfs_blocks = (uint64_t)(fs.f_blocks - fs.f_bfree) ;
}

static void become_init (struct container *c, unsigned int flags, int ready, int go)
{
  char ch ;
  prctl(PR_SET_PDEATHSIG, SIGKILL) ; /* nothing outlives the harness */
  enter_root(c->who, &c->load) ;
  be_as_new() ;
  note_tmpfs(c->stamp) ;
  if (write(ready, "", 1) < 1 || read(go, &ch, 1) < 1) _exit(111) ;
  syscall(SYS_close_range, 3, ~0U, 0) ;
  if (flags & START_TRACED) ptrace(PTRACE_TRACEME, 0, 0, 0) ;
  c->stamp->exec = now_ns() ;
  contender_exec(c->who, &c->load) ;
  strerr_dieexec(127, c->who->init) ;
}

/* ---------------------------------------------------------------- start */

static pid_t clone_with (unsigned long flags)
{
  return (pid_t)syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0) ;
}

static int open_inside (struct container const *c, char const *what, int flags)
{
  char path[64] ;
  int fd ;
  snprintf(path, sizeof path, "/proc/%d/%s", (int)c->pid, what) ;
  fd = open(path, flags | O_CLOEXEC) ;
  if (fd < 0) strerr_diefu2sys(111, "open ", path) ;
  return fd ;
}

static void hold (struct container *c)
{
  struct stat st ;
  int service = open_inside(c, "root/bench/service", O_RDONLY) ;
  if (fstat(service, &st) < 0) strerr_diefu1sys(111, "stat the service") ;
  close(service) ;
  c->service_size = (uint64_t)st.st_size ;
  c->fifo = open_inside(c, "root/bench/fifo", O_RDWR | O_NONBLOCK) ; /* RDWR: no end of file between two services */
  c->mntns = open_inside(c, "ns/mnt", O_RDONLY) ;
  c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0) ;
  if (c->pidfd < 0) strerr_diefu1sys(111, "open a pidfd") ;
}

void container_start (struct container *c, struct contender const *who, struct load const *load, unsigned int flags)
{
  int ready[2], go[2] ;
  char ch ;
  *c = (struct container){ .who = who, .load = *load } ;
  c->stamp = mmap(0, sizeof *c->stamp, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0) ;
  if (c->stamp == MAP_FAILED) strerr_diefu1sys(111, "map memory") ;
  if (pipe2(ready, O_CLOEXEC) < 0 || pipe2(go, O_CLOEXEC) < 0) strerr_diefu1sys(111, "make a pipe") ;
  c->pid = clone_with(CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS) ;
  if (c->pid < 0) strerr_diefu1sys(111, "make namespaces (this needs root)") ;
  if (!c->pid) become_init(c, flags, ready[1], go[0]) ;
  close(ready[1]) ;
  close(go[0]) ;
  if (read(ready[0], &ch, 1) < 1) strerr_dief3x(111, "no root file system for ", who->name, " (see above)") ;
  hold(c) ;
  if (flags & START_CGROUP && cgroup_make(c->cgroup, sizeof c->cgroup)) cgroup_join(c->cgroup, c->pid) ;
  if (write(go[1], "", 1) < 1) strerr_diefu1sys(111, "start") ;
  close(ready[0]) ;
  close(go[1]) ;
}

uint64_t container_await (struct container *c, unsigned int n, unsigned int ms)
{
  struct pollfd x[2] = { { .fd = c->fifo, .events = POLLIN }, { .fd = c->pidfd, .events = POLLIN } } ;
  uint64_t deadline = now_ns() + ms * 1000000ull ;
  while (n)
  {
    char buf[4096] ;
    ssize_t r = read(c->fifo, buf, n < sizeof buf ? n : sizeof buf) ;
    if (r > 0) n -= (unsigned int)r ;
    else if (poll(x, 2, (int)ms) <= 0 || x[1].revents || now_ns() > deadline) return 0 ;
  }
  return now_ns() ;
}

/* ---------------------------------------------------------------- stop */

uint64_t container_stop (struct container *c)
{
  struct pollfd x = { .fd = c->pidfd, .events = POLLIN } ;
  uint64_t start = now_ns() ;
  if (!c->who->stop_signal) return 0 ;
  if (syscall(SYS_pidfd_send_signal, c->pidfd, c->who->stop_signal, 0, 0) < 0) return 0 ;
  if (poll(&x, 1, STOP_TIMEOUT) <= 0) return 0 ;
  return now_ns() - start ;
}

void container_end (struct container *c)
{
  int status ;
  syscall(SYS_pidfd_send_signal, c->pidfd, SIGKILL, 0, 0) ;
  while (waitpid(c->pid, &status, __WALL) < 0 && errno == EINTR) ;
  close(c->pidfd) ;
  close(c->fifo) ;
  close(c->mntns) ; /* the tmpfs goes here */
  munmap(c->stamp, sizeof *c->stamp) ;
  if (*c->cgroup) cgroup_remove(c->cgroup) ;
  c->pid = 0 ;
  syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) ; /* an RCU grace period: what was freed is free */
}

/* ---------------------------------------------------------------- guests */

/*
   A child of ours inside the container's namespaces. setns() with a PID
   namespace counts for children only, hence a process in between, which makes
   its child ours with CLONE_PARENT and is gone before the guest does anything.
*/
static pid_t guest (struct container *c)
{
  int gate[2] ;
  char ch ;
  pid_t between, pid ;
  if (pipe2(gate, O_CLOEXEC) < 0) strerr_diefu1sys(111, "make a pipe") ;
  between = fork() ;
  if (between < 0) strerr_diefu1sys(111, "fork") ;
  if (!between)
  {
    if (setns(c->pidfd, CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS) < 0) strerr_diefu1sys(111, "enter the container") ;
    pid = clone_with(CLONE_PARENT) ;
    if (pid < 0) strerr_diefu1sys(111, "clone") ;
    if (pid)
    {
      c->stamp->other = (uint64_t)pid ;
      _exit(0) ;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL) ;
    close(gate[1]) ;
    if (read(gate[0], &ch, 1) < 0) _exit(111) ;
    return 0 ;
  }
  wait_pid(between, &(int){ 0 }) ;
  pid = (pid_t)c->stamp->other ;
  close(gate[0]) ;
  close(gate[1]) ; /* the guest goes on, and may use that word for its own ends */
  return pid ;
}

static unsigned int count_lines (int fd)
{
  char buf[65536] ;
  unsigned int n = 0 ;
  for (;;)
  {
    ssize_t r = read(fd, buf, sizeof buf) ;
    if (r <= 0) return n ;
    for (ssize_t i = 0 ; i < r ; i++) n += buf[i] == '\n' ;
  }
}

uint64_t container_run (struct container *c, char const *command, unsigned int *lines)
{
  int out[2], status ;
  uint64_t end ;
  pid_t pid ;
  if (pipe2(out, O_CLOEXEC) < 0) strerr_diefu1sys(111, "make a pipe") ;
  pid = guest(c) ;
  if (!pid)
  {
    char const *argv[4] = { "/bin/sh", "-c", command, 0 } ;
    static char const *const envp[] = { "PATH=/command:/usr/sbin:/usr/bin:/sbin:/bin", 0 } ;
    dup2(out[1], 1) ;
    c->stamp->other = now_ns() ;
    execve(argv[0], (char *const *)argv, (char *const *)envp) ;
    _exit(127) ;
  }
  close(out[1]) ;
  *lines = count_lines(out[0]) ;
  end = now_ns() ;
  close(out[0]) ;
  wait_pid(pid, &status) ;
  return WIFEXITED(status) && !WEXITSTATUS(status) ? end - c->stamp->other : 0 ;
}

/* ---------------------------------------------------------------- zombies */

struct plague
{
  uint64_t start, end ;
  unsigned int n ;
  pid_t pids[32768] ;
} ;

static pid_t bear_dead (void)
{
  pid_t pid = vfork() ; /* fork() would copy this process 20,000 times */
  if (!pid) _exit(0) ;
  return pid ;
}

/* The dead are left to PID 1 the moment that their parent ends, which is when the gate opens. */
static void make_zombies (struct plague *p, int ready, int gate)
{
  char ch ;
  for (unsigned int i = 0 ; i < p->n ; i++)
  {
    p->pids[i] = bear_dead() ;
    if (p->pids[i] < 0) _exit(111) ;
  }
  if (write(ready, "", 1) < 1) _exit(111) ;
  if (read(gate, &ch, 1) < 0) _exit(111) ;
  p->start = now_ns() ;
  _exit(0) ;
}

/* A zombie can be signalled until it is reaped; nothing can be waited for there, so this one looks every 100 us. */
static void watch_zombies (struct plague *p, int gate)
{
  char ch ;
  if (read(gate, &ch, 1) < 0) _exit(111) ;
  for (unsigned int i = 0 ; i < p->n ; i++)
    while (!kill(p->pids[i], 0)) wait_until(now_ns() + 100000) ;
  p->end = now_ns() ;
  _exit(0) ;
}

static int wait_at_most (pid_t pid, unsigned int ms)
{
  int fd = (int)syscall(SYS_pidfd_open, pid, 0) ;
  struct pollfd x = { .fd = fd, .events = POLLIN } ;
  int ok = poll(&x, 1, (int)ms) == 1 ;
  int status ;
  close(fd) ;
  if (!ok) kill(pid, SIGKILL) ;
  wait_pid(pid, &status) ;
  return ok && !status ;
}

uint64_t container_zombies (struct container *c, unsigned int n)
{
  struct plague *p = mmap(0, sizeof *p, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0) ;
  int ready[2], gate[2] ;
  uint64_t took = 0 ;
  pid_t maker, watcher ;
  char ch ;
  if (p == MAP_FAILED || pipe2(ready, O_CLOEXEC) < 0 || pipe2(gate, O_CLOEXEC) < 0) strerr_diefu1sys(111, "make a pipe") ;
  p->n = n ;
  maker = guest(c) ;
  if (!maker)
  {
    close(gate[1]) ;
    make_zombies(p, ready[1], gate[0]) ;
  }
  close(ready[1]) ;
  if (read(ready[0], &ch, 1) < 1) strerr_dief1x(111, "cannot make so many zombies: see kernel.pid_max and kernel.threads-max") ;
  watcher = guest(c) ;
  if (!watcher)
  {
    close(gate[1]) ;
    watch_zombies(p, gate[0]) ;
  }
  close(gate[1]) ;
  if (wait_at_most(maker, REAP_TIMEOUT) & wait_at_most(watcher, REAP_TIMEOUT)) took = p->end - p->start ;
  close(gate[0]) ;
  close(ready[0]) ;
  munmap(p, sizeof *p) ;
  return took ;
}
