/* ISC license. See trace.h. */

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stddef.h>
#include <unistd.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

#include <linux/filter.h>
#include <linux/ptrace.h>
#include <linux/seccomp.h>

#include "trace.h"

#define PATIENCE 3  /* seconds from one look for a service that was given up to the next */
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

/* ---- faults of other kinds: code at the program's entry, which is never executed again, or a stack
   that is none. The entry is short, 22 bytes in musl, and children before their exec share the
   memory: not a byte more may be written, as what follows is theirs to execute. */

#if defined __x86_64__
#define TRAPPED_NR 1023

static struct { unsigned char bytes[16] ; } const code[KINDS] =
{
  [KIND_FPE] = { { 0x31, 0xc9, 0xf7, 0xf1 } },                                  /* xor ecx,ecx; div ecx */
  [KIND_ILL] = { { 0x0f, 0x0b } },                                              /* ud2 */
  [KIND_ABRT] = { { 0x6a, 0x27, 0x58, 0x0f, 0x05,                               /* getpid() */
    0x97, 0x6a, 0x06, 0x5e, 0x6a, 0x3e, 0x58, 0x0f, 0x05 } },                   /* kill(that, SIGABRT) */
  [KIND_SYS] = { { 0xb8, TRAPPED_NR & 255, TRAPPED_NR >> 8, 0, 0, 0x0f, 0x05 } }
} ;

static void write_code (pid_t pid, unsigned long at, unsigned char const *bytes, size_t n)
{
  for (size_t i = 0 ; i < n ; i += sizeof(long))
  {
    long word ;
    memcpy(&word, bytes + i, sizeof word) ;
    ptrace(PTRACE_POKETEXT, pid, at + i, word) ;
  }
}

/* At the end of the ledger's mapping, which is much longer than its file; 0: there is none yet. */
static unsigned long beyond_the_file (pid_t pid)
{
  char path[32], line[512] ;
  unsigned long from, to, end = 0 ;
  FILE *maps ;
  snprintf(path, sizeof path, "/proc/%d/maps", (int)pid) ;
  maps = fopen(path, "re") ;
  while (maps && fgets(line, sizeof line, maps))
    if (strstr(line, "memfd:keelson") && sscanf(line, "%lx-%lx", &from, &to) == 2) end = to ;
  if (maps) fclose(maps) ;
  return end ? end - 4096 : 0 ;
}

static unsigned long entry_of (pid_t pid)
{
  char path[32] ;
  unsigned long pair[2] = { 0, 0 }, entry = 0 ;
  FILE *auxv ;
  snprintf(path, sizeof path, "/proc/%d/auxv", (int)pid) ;
  auxv = fopen(path, "re") ;
  while (auxv && fread(pair, sizeof pair, 1, auxv) == 1 && pair[0]) if (pair[0] == AT_ENTRY) entry = pair[1] ;
  if (auxv) fclose(auxv) ;
  return entry ;
}

/* 0: not here. */
static int make_fault (pid_t pid, enum kind kind)
{
  struct user_regs_struct r ;
  struct iovec v = { &r, sizeof r } ;
  ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &v) ;
  if (kind == KIND_STACK) r.rsp = 64 ;
  else if (kind == KIND_BUS)
  {
    r.rsp = beyond_the_file(pid) ;
    if (!r.rsp) return 0 ;
  }
  else
  {
    r.rip = entry_of(pid) ;
    if (!r.rip) return 0 ;
    write_code(pid, r.rip, code[kind].bytes, sizeof code[kind].bytes) ;
  }
  ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &v) ;
  return 1 ;
}

static unsigned long stack_of (pid_t pid)
{
  struct user_regs_struct r ;
  struct iovec v = { &r, sizeof r } ;
  ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &v) ;
  return r.rsp ;
}
#else
#define TRAPPED_NR 1023

static int make_fault (pid_t pid, enum kind kind)
{
  (void)pid ; (void)kind ;
  return 0 ;
}

static unsigned long stack_of (pid_t pid)
{
  (void)pid ;
  return 0 ;
}
#endif

void trap_a_call (void)
{
  struct sock_filter filter[] =
  {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TRAPPED_NR, 0, 1),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
  } ;
  struct sock_fprog const program = { .len = sizeof filter / sizeof filter[0], .filter = filter } ;
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ;
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0) _exit(111) ;
}

/* ---- the clock */

#define YEAR 31536000

/* Without the kernel's shared page every look at a clock is a system call. */
static void hide_vdso (pid_t pid)
{
  unsigned long at = stack_of(pid), zeros = 0, word ;
  if (!at) return ;
  for (at += sizeof at ; zeros < 2 ; at += sizeof at) if (!ptrace(PTRACE_PEEKDATA, pid, at, 0)) zeros++ ;
  for (; (word = (unsigned long)ptrace(PTRACE_PEEKDATA, pid, at, 0)) ; at += 2 * sizeof at)
    if (word == AT_SYSINFO_EHDR) ptrace(PTRACE_POKEDATA, pid, at, AT_IGNORE) ;
}

static void shift (pid_t pid, unsigned long at, unsigned int n)
{
  long seconds = ptrace(PTRACE_PEEKDATA, pid, at, 0) ;
  ptrace(PTRACE_POKEDATA, pid, at, seconds + (n % 2 ? YEAR : -YEAR)) ;
}

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
  struct itimerval const it = { .it_interval = { .tv_sec = seconds, .tv_usec = 0 }, .it_value = { .tv_sec = seconds, .tv_usec = 0 } } ;
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
  int makes ;               /* HARM_KIND: the fault is made when the call has returned */
  long result ;             /* HARM_REFUSE: what the call returns; 0: nothing pending */
  unsigned long clock ;     /* HARM_CLOCK: where the kernel puts the time; 0 */
  int reaps ;               /* a wait is under way */
  unsigned int guard ;      /* seconds that are left to it */
  int output ;              /* the pipe that it writes to, for us to look into; -1 */
  int asked ;
} ;

static void look (struct walk *w, struct ptrace_syscall_info const *i)
{
  if (w->countable) return ;
  if (i->entry.nr == SYS_rt_sigaction && i->entry.args[0] == SIGSYS) w->handlers = 1 ;
  else if (w->handlers) w->countable = 1 ;
}

static unsigned int times (struct plan const *p)
{
  return p->times ? p->times : 1 ;
}

/* How a path that this call opens ends; the tracee's memory up to a page's end is there. */
static int opens (struct walk const *w, struct ptrace_syscall_info const *i)
{
  char path[256] = "" ;
  unsigned long at = (unsigned long)(i->entry.nr == SYS_openat ? i->entry.args[1] : i->entry.args[0]) ;
  struct iovec const mine = { path, sizeof path - 1 } ;
  struct iovec theirs = { (void *)at, 4096 - at % 4096 } ;
  size_t n, end = strlen(w->plan->path) ;
#ifdef SYS_open
  if (i->entry.nr != SYS_open && i->entry.nr != SYS_openat) return 0 ;
#else
  if (i->entry.nr != SYS_openat) return 0 ;
#endif
  if (theirs.iov_len > sizeof path - 1) theirs.iov_len = sizeof path - 1 ;
  if (process_vm_readv(w->pid, &mine, 1, &theirs, 1, 0) < 0) return 0 ;
  n = strlen(path) ;
  return n >= end && !strcmp(path + n - end, w->plan->path) ;
}

static int is_fault_point (struct walk *w, struct ptrace_syscall_info const *i)
{
  struct plan const *p = w->plan ;
  if (p->harm == HARM_PATH)
  {
    if (!opens(w, i)) return 0 ;
    w->o->seen++ ;
    return w->o->seen >= p->n && w->o->seen < p->n + times(p) ;
  }
  if (p->harm != HARM_BEFORE && p->harm != HARM_AFTER && p->harm != HARM_KIND) return 0 ;
  if (!w->o->harmed) return w->o->calls == p->n ;
  return p->again && (unsigned int)w->o->harmed <= times(p) && w->since == p->again ;
}

static void harmed (struct walk *w, long nr)
{
  if (!w->o->harmed++) w->o->at = nr ;
}

static int on_entry (struct walk *w, struct ptrace_syscall_info const *i)
{
  long nr = (long)i->entry.nr ;
  look(w, i) ;
  if (!w->countable) return 0 ;
  w->o->calls++ ;
  w->reaps = w->o->rescued && nr == SYS_wait4 ;
  if (nr == SYS_rt_sigtimedwait && !w->o->rescued++) kill(w->pid, SIGTERM) ;
  if (w->o->harmed) w->since++ ;
  if (w->plan->harm == HARM_CLOCK && nr == SYS_clock_gettime && !i->entry.args[0]) w->clock = (unsigned long)i->entry.args[1] ;
  if (w->plan->harm == HARM_REFUSE)
  {
    if (nr != w->plan->nr || ++w->o->seen < w->plan->n || w->o->seen >= w->plan->n + times(w->plan)) return 0 ;
    harmed(w, nr) ;
    skip_call(w->pid) ;
    w->result = -w->plan->err ;
    return 0 ;
  }
  if (!is_fault_point(w, i)) return 0 ;
  harmed(w, nr) ;
  w->since = 0 ;
  if (w->plan->harm == HARM_KIND && w->o->harmed == 1)
  {
    w->makes = 1 ;
    return 0 ;
  }
  if (w->plan->harm == HARM_AFTER)
  {
    w->pending = SIGSEGV ;
    return 0 ;
  }
  skip_call(w->pid) ;
  return SIGSEGV ;
}

static int on_exit_of_call (struct walk *w, struct ptrace_syscall_info const *i)
{
  int sig = w->pending ;
  if (w->reaps && i->exit.rval > 0) w->o->reaped++ ;
  if (w->clock) shift(w->pid, w->clock, (unsigned int)++w->o->harmed) ;
  w->clock = 0 ;
  if (w->makes && !make_fault(w->pid, w->plan->kind)) w->o->harmed-- ;
  w->makes = 0 ;
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
  return i.op == PTRACE_SYSCALL_INFO_EXIT ? on_exit_of_call(w, &i) : 0 ;
}

/* 1: nothing more is to be done to it. Runs that only count are traced to the end. */
static int is_done (struct walk const *w)
{
  if (w->plan->harm == HARM_OUTSIDE) return 1 ;
  if (w->plan->harm == HARM_NONE || w->plan->harm == HARM_CLOCK || !w->o->harmed || w->pending || w->makes || w->result) return 0 ;
  if (w->plan->harm == HARM_REFUSE || w->plan->harm == HARM_PATH) return (unsigned int)w->o->harmed >= times(w->plan) ;
  /* many: to see what becomes of PID 1 */
  if (w->plan->times) return 0 ;
  return !w->plan->again || w->o->harmed > 1 ;
}

static int on_stop (struct walk *w, int status)
{
  int sig = WSTOPSIG(status) ;
  if (sig == SYSCALL_STOP) return on_syscall(w) ;
  if (status >> 8 == (SIGTRAP | PTRACE_EVENT_EXEC << 8))
  {
    w->execs++ ;
    if (w->plan->harm == HARM_CLOCK) hide_vdso(w->pid) ;
    w->handlers = w->countable = 0 ;
    /* after an exec there is nobody yet whom a signal could reach: the kernel drops it */
    if (w->pending || w->makes) w->o->harmed-- ;
    w->pending = w->makes = 0 ;
    return 0 ;
  }
  return sig == SIGTRAP || sig == SIGSTOP ? 0 : sig ;
}

/* What lies in the pipe stays there. */
static int says (int fd, char const *text)
{
  static char copy[1 << 16] ;
  int p[2] ;
  ssize_t n ;
  if (fd < 0 || pipe2(p, O_CLOEXEC | O_NONBLOCK) < 0) return 0 ;
  n = tee(fd, p[1], sizeof copy - 1, SPLICE_F_NONBLOCK) ;
  if (n > 0) n = read(p[0], copy, sizeof copy - 1) ;
  close(p[0]) ;
  close(p[1]) ;
  copy[n > 0 ? n : 0] = 0 ;
  return strstr(copy, text) != 0 ;
}

/* A service that was given up (a second fault on the same ground) keeps the scenario from going
   on: then, once, the container is asked to stop, and must end. 1: it has had its time. */
static int too_late (struct walk *w)
{
  too_long = 0 ;
  if (w->guard <= PATIENCE) return 1 ;
  w->guard -= PATIENCE ;
  if (w->asked || !w->plan->again || !says(w->output, "is given up")) return 0 ;
  w->asked = 1 ;
  kill(w->pid, SIGTERM) ;
  return 0 ;
}

static void give_up (struct walk *w)
{
  w->o->hung = 1 ;
  kill(w->pid, SIGKILL) ;
}

void trace (pid_t pid, struct plan const *plan, unsigned int guard, int output, struct outcome *o)
{
  struct walk w = { .pid = pid, .plan = plan, .o = o, .guard = guard, .output = output } ;
  guard_set(PATIENCE) ;
  for (;;)
  {
    int sig = 0 ;
    int r = waitpid(pid, &o->status, __WALL) ;
    if (r < 0 && errno != EINTR) break ;
    /* also while stop follows stop: a PID 1 without a handler, traced, does not die of its fault */
    if (too_long && too_late(&w)) give_up(&w) ;
    if (r < 0) continue ;
    if (WIFEXITED(o->status) || WIFSIGNALED(o->status)) break ;
    if (w.execs) sig = on_stop(&w, o->status) ;
    else if (WSTOPSIG(o->status) == SIGTRAP)
    {
      ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL) ;
      w.execs = 1 ;
      if (plan->harm == HARM_CLOCK) hide_vdso(pid) ;
    }
    ptrace(is_done(&w) ? PTRACE_CONT : PTRACE_SYSCALL, pid, 0, sig) ;
  }
  guard_set(0) ;
}
