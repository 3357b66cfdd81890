/* ISC license. */

/*
   Counts under ptrace: all forks and execs of a boot, and the system calls
   that the contender's own processes make (not the services, not the boot
   scripts) in a boot, in the restart of one service and in the stop.
*/

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <linux/ptrace.h>

#include <skalibs/djbunix.h>
#include <skalibs/strerr.h>

#include "bench.h"

#define PID_LIMIT 4194304
#define QUIET_NS 100000000l /* so long without an event: the change is over */
#define SILENCE_NS 20000000000ull /* so long without a byte: it will not come */

static unsigned char workload[PID_LIMIT] ; /* by pid: a service or a script, not to be counted */

static struct
{
  unsigned int calls, forks, execs ;
} count ;

static int is_script (pid_t pid)
{
  static char const dir[] = "/etc/cont-init.d/" ;
  char path[64], text[512] ;
  ssize_t r ;
  char const *second ;
  snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid) ;
  r = openreadnclose(path, text, sizeof text - 1) ;
  if (r <= 0) return 0 ;
  text[r] = 0 ;
  second = text + strlen(text) + 1 ;
  return second < text + r && !strncmp(second, dir, sizeof dir - 1) ;
}

static int is_workload (struct container const *c, pid_t pid)
{
  struct stat st ;
  char path[64] ;
  snprintf(path, sizeof path, "/proc/%d/exe", (int)pid) ;
  return (stat(path, &st) == 0 && (uint64_t)st.st_size == c->service_size) || is_script(pid) ;
}

static void on_syscall (pid_t pid)
{
  struct ptrace_syscall_info info ;
  if (workload[pid]) return ;
  if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) > 0 && info.op == PTRACE_SYSCALL_INFO_ENTRY) count.calls++ ;
}

/* The signal to hand on, 0 for none. */
static int on_stop (struct container const *c, pid_t pid, int status)
{
  int sig = WSTOPSIG(status) ;
  switch (status >> 16)
  {
    case PTRACE_EVENT_FORK :
    case PTRACE_EVENT_VFORK :
    case PTRACE_EVENT_CLONE : count.forks++ ; return 0 ;
    case PTRACE_EVENT_EXEC : count.execs++ ; workload[pid] = (unsigned char)is_workload(c, pid) ; return 0 ;
  }
  if (sig == (SIGTRAP | 0x80))
  {
    on_syscall(pid) ;
    return 0 ;
  }
  return sig == SIGSTOP || sig == SIGTRAP ? 0 : sig ; /* SIGSTOP: how a new child is presented */
}

/* One event; 0 if there was none for QUIET_NS, -1 if PID 1 has ended. */
static int step (struct container const *c)
{
  static struct timespec const quiet = { .tv_nsec = QUIET_NS } ;
  sigset_t chld ;
  int status ;
  pid_t pid ;
  sigemptyset(&chld) ;
  sigaddset(&chld, SIGCHLD) ;
  while (!(pid = waitpid(-1, &status, __WALL | WNOHANG)))
    if (sigtimedwait(&chld, 0, &quiet) < 0 && errno == EAGAIN) return 0 ;
  if (pid < 0) return -1 ;
  if (WIFSTOPPED(status)) ptrace(PTRACE_SYSCALL, pid, 0, (void *)(intptr_t)on_stop(c, pid, status)) ;
  else
  {
    workload[pid] = 0 ;
    if (pid == c->pid) return -1 ;
  }
  return 1 ;
}

/* Runs the tracees until n bytes have come and nothing happens any more. */
static int follow (struct container *c, unsigned int n)
{
  uint64_t deadline = now_ns() + SILENCE_NS ;
  for (;;)
  {
    char buf[256] ;
    int more = step(c) ;
    ssize_t r = n ? read(c->fifo, buf, n < sizeof buf ? n : sizeof buf) : 0 ;
    if (r > 0) n -= (unsigned int)r ;
    if (more < 0) return 0 ;
    if (!more && !n) return 1 ;
    if (!more && now_ns() > deadline) return 0 ;
  }
}

static int attach (struct container *c)
{
  int status ;
  if (waitpid(c->pid, &status, __WALL) < 0 || !WIFSTOPPED(status)) return 0 ;
  return !ptrace(PTRACE_SETOPTIONS, c->pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK
      | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL)
    && !ptrace(PTRACE_SYSCALL, c->pid, 0, 0) ;
}

static void trace_restart (struct container *c, struct trace *t)
{
  struct census n ;
  census_take(c, &n) ;
  if (!n.victim || !c->who->supervises) return ;
  count.calls = 0 ;
  kill(n.victim, SIGKILL) ;
  if (follow(c, 1)) t->restart_calls = count.calls ;
}

static void trace_stop (struct container *c, struct trace *t)
{
  uint64_t deadline = now_ns() + SILENCE_NS ;
  int ended = 0 ;
  if (!c->who->stop_signal) return ;
  count.calls = 0 ;
  kill(c->pid, c->who->stop_signal) ;
  while (!ended && now_ns() < deadline) ended = step(c) < 0 ;
  if (ended) t->stop_calls = count.calls ;
}

/* Every tracee is ours to wait for: PID 1 cannot end before we have. */
static void release (struct container *c)
{
  int status ;
  pid_t pid ;
  kill(c->pid, SIGKILL) ;
  while ((pid = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR)
    if (pid > 0 && WIFSTOPPED(status)) ptrace(PTRACE_CONT, pid, 0, 0) ;
  container_end(c) ;
}

int trace_run (struct contender const *who, struct load const *load, struct trace *t)
{
  struct container c ;
  int ok ;
  memset(t, 0, sizeof *t) ;
  memset(&count, 0, sizeof count) ;
  container_start(&c, who, load, START_TRACED) ;
  count.execs = 1 ; /* PID 1's own */
  ok = attach(&c) && follow(&c, load->services) ;
  if (ok)
  {
    t->forks = count.forks ;
    t->execs = count.execs ;
    t->boot_calls = count.calls ;
    trace_restart(&c, t) ;
    trace_stop(&c, t) ;
  }
  release(&c) ;
  return ok ;
}
