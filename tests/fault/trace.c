/* ISC license. See trace.h. */

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

#include <linux/ptrace.h>

#include "trace.h"

#define PATIENCE 3  /* seconds until a service that was given up is looked for */
#define SYSCALL_STOP (SIGTRAP | 0x80)

/* ---- what differs from machine to machine */

#if defined __x86_64__
static void skip_call (pid_t pid)
{
  struct user_regs_struct r ;
  struct iovec v = { &r, sizeof r } ;
  ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &v) ;
  r.orig_rax = (unsigned long)-1 ;
  ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &v) ;
}

static void set_result (pid_t pid, long result)
{
  struct user_regs_struct r ;
  struct iovec v = { &r, sizeof r } ;
  ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &v) ;
  r.rax = (unsigned long)result ;
  ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &v) ;
}
#elif defined __aarch64__
static void skip_call (pid_t pid)
{
  int nr = -1 ;
  struct iovec v = { &nr, sizeof nr } ;
  ptrace(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, &v) ;
}

static void set_result (pid_t pid, long result)
{
  struct user_regs_struct r ;
  struct iovec v = { &r, sizeof r } ;
  ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &v) ;
  r.regs[0] = (unsigned long)result ;
  ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &v) ;
}
#else
#error "say here how a system call is skipped on this machine"
#endif

/* ---- the guard against a hang */

static volatile sig_atomic_t too_long ;

static void on_alarm (int sig)
{
  (void)sig ;
  too_long = 1 ;
}

/* It repeats: one that comes between two waits is no loss. */
static void guard_set (unsigned int seconds)
{
  struct itimerval const it = { .it_interval = { .tv_sec = !!seconds, .tv_usec = 0 }, .it_value = { .tv_sec = seconds, .tv_usec = 0 } } ;
  struct sigaction const sa = { .sa_handler = &on_alarm } ;
  too_long = 0 ;
  sigaction(SIGALRM, &sa, 0) ;
  setitimer(ITIMER_REAL, &it, 0) ;
}

/* ---- the walk */

struct walk
{
  pid_t pid ;
  struct plan const *plan ;
  struct outcome *o ;
  unsigned int execs ;
  int handlers ;            /* this image has its handlers */
  int countable ;           /* and can be brought back */
  unsigned int since ;      /* calls after the first harm */
  int pending ;             /* a signal to give at the next stop */
  long result ;             /* HARM_REFUSE: what the call returns; 0: nothing pending */
  unsigned int guard ;
  int asked ;
} ;

static void look (struct walk *w, struct ptrace_syscall_info const *i)
{
  if (w->countable) return ;
  if (i->entry.nr == SYS_rt_sigaction && i->entry.args[0] == SIGSYS) w->handlers = 1 ;
  else if (w->handlers) w->countable = 1 ;
}

static int is_fault_point (struct walk *w)
{
  if (w->plan->harm != HARM_BEFORE && w->plan->harm != HARM_AFTER) return 0 ;
  if (!w->o->harmed) return w->o->calls == w->plan->n ;
  return w->plan->again && w->o->harmed == 1 && w->since == w->plan->again ;
}

static void harmed (struct walk *w, long nr)
{
  if (!w->o->harmed++)
  {
    w->o->at = nr ;
    w->o->after_boot = w->execs > 1 ;
  }
}

static int on_entry (struct walk *w, struct ptrace_syscall_info const *i)
{
  long nr = (long)i->entry.nr ;
  look(w, i) ;
  if (!w->countable) return 0 ;
  w->o->calls++ ;
  if (w->o->harmed) w->since++ ;
  if (w->plan->harm == HARM_REFUSE)
  {
    if (nr != w->plan->nr || ++w->o->seen != w->plan->n) return 0 ;
    harmed(w, nr) ;
    skip_call(w->pid) ;
    w->result = -w->plan->err ;
    return 0 ;
  }
  if (!is_fault_point(w)) return 0 ;
  harmed(w, nr) ;
  if (w->plan->harm == HARM_AFTER)
  {
    w->pending = SIGSEGV ;
    return 0 ;
  }
  skip_call(w->pid) ;
  return SIGSEGV ;
}

static int on_exit_of_call (struct walk *w)
{
  int sig = w->pending ;
  w->pending = 0 ;
  if (w->result) set_result(w->pid, w->result) ;
  w->result = 0 ;
  return sig ;
}

static int on_syscall (struct walk *w)
{
  struct ptrace_syscall_info i ;
  if (ptrace(PTRACE_GET_SYSCALL_INFO, w->pid, sizeof i, &i) <= 0) return 0 ;
  if (i.op == PTRACE_SYSCALL_INFO_ENTRY) return on_entry(w, &i) ;
  return i.op == PTRACE_SYSCALL_INFO_EXIT ? on_exit_of_call(w) : 0 ;
}

/* 1: nothing more is to be done to it. Runs that only count are traced to the end. */
static int is_done (struct walk const *w)
{
  if (w->plan->harm == HARM_OUTSIDE) return 1 ;
  if (w->plan->harm == HARM_NONE || !w->o->harmed || w->pending || w->result) return 0 ;
  return !w->plan->again || w->o->harmed > 1 ;
}

static int on_stop (struct walk *w, int status)
{
  int sig = WSTOPSIG(status) ;
  if (sig == SYSCALL_STOP) return on_syscall(w) ;
  if (status >> 8 == (SIGTRAP | PTRACE_EVENT_EXEC << 8))
  {
    w->execs++ ;
    w->handlers = w->countable = 0 ;
    /* after an exec there is nobody yet whom a signal could reach: the kernel drops it */
    if (w->pending) w->o->harmed-- ;
    w->pending = 0 ;
    return 0 ;
  }
  return sig == SIGTRAP || sig == SIGSTOP ? 0 : sig ;
}

/* A service that was given up (a second fault on the same ground) keeps the scenario from going
   on: then, once, the container is asked to stop, and must end. 1: it was asked before. */
static int too_late (struct walk *w)
{
  if (!w->plan->again || w->asked++) return 1 ;
  kill(w->pid, SIGTERM) ;
  guard_set(w->guard) ;
  return 0 ;
}

static void give_up (struct walk *w)
{
  w->o->hung = 1 ;
  kill(w->pid, SIGKILL) ;
}

void trace (pid_t pid, struct plan const *plan, unsigned int guard, struct outcome *o)
{
  struct walk w = { .pid = pid, .plan = plan, .o = o, .guard = guard } ;
  guard_set(plan->again ? PATIENCE : guard) ;
  for (;;)
  {
    int sig = 0 ;
    if (waitpid(pid, &o->status, __WALL) < 0)
    {
      if (errno != EINTR) break ;
      if (too_long && too_late(&w)) give_up(&w) ;
      continue ;
    }
    if (WIFEXITED(o->status) || WIFSIGNALED(o->status)) break ;
    if (w.execs) sig = on_stop(&w, o->status) ;
    else if (WSTOPSIG(o->status) == SIGTRAP)
    {
      ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL) ;
      w.execs = 1 ;
    }
    ptrace(is_done(&w) ? PTRACE_CONT : PTRACE_SYSCALL, pid, 0, sig) ;
  }
  guard_set(0) ;
}
