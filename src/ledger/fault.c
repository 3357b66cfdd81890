/* ISC license. */

/*
   A fault signal in PID 1 would end the container. Instead the handler executes our own binary
   again: the kernel keeps pid, children, zombies, pending signals and descriptors, the ledger
   keeps the rest. The handler runs on its own stack and makes system calls only.
*/

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>
#include <sys/auxv.h>
#include <sys/syscall.h>

#include <skalibs/posixplz.h>
#include <skalibs/types.h>

#include "ledger.h"

#define STACK_SIZE 65536   /* untouched pages cost nothing; the last resort runs on it, too, and sanitizers need much */
#define AGAIN "--again"

static struct
{
  char const *const *argv ;
  pid_t pid ;
  int armed ;
  int fd ;              /* the ledger's, known from argv before it is mapped; -1 */
  sig_atomic_t depth ;
  char const **fresh ;  /* what starts all over, as long as there is no ledger; 0 */
  unsigned int before ; /* so many faults have started it already */
  sigset_t mask ;       /* and the mask that it had */
}
door = { .argv = 0, .pid = 0, .armed = 0, .fd = -1, .depth = 0, .fresh = 0, .before = 0 } ;

void (*fault_last_resort) (void) = 0 ;

static char stack[STACK_SIZE] ;

/* A signal that somebody sends is told, but is no evidence against a service nor against us: only
   faults of our own count towards giving up. abort() sends itself one. */
static int is_sent (siginfo_t const *info)
{
  return info->si_code <= 0 && info->si_pid != door.pid ;
}

/* The same fault again and again, before anybody could look at the count. */
static void last_resort_at (uint32_t row)
{
  if (row <= 2 * FAULTS_MAX || !fault_last_resort) return ;
  /* nor where messages go */
  say_init(ledger ? ledger->fd_base : 3, ledger ? ledger->verbosity : 2) ;
  (*fault_last_resort)() ;
}

static void note_fault (int sig, siginfo_t const *info)
{
  ledger->fault_sig = sig ;
  ledger->fault_sent = (uint32_t)is_sent(info) ;
  ledger->fault_addr = ledger->fault_sent ? (uint64_t)info->si_pid : (uint64_t)(uintptr_t)info->si_addr ;
  if (ledger->work_slot == NO_SLOT && !ledger->fault_sent) ledger->faults_row++ ;
  ledger->faults++ ;
  last_resort_at(ledger->faults_row) ;
}

/* Between an exec and the mapping of the ledger its words are reached by number: a start that
   faults without end must be seen as such. */
static uint32_t count_word (size_t offset)
{
  uint32_t n = 0 ;
  if (pread(door.fd, &n, sizeof n, (off_t)offset) != (ssize_t)sizeof n) return 0 ;
  n++ ;
  return pwrite(door.fd, &n, sizeof n, (off_t)offset) == (ssize_t)sizeof n ? n : 0 ;
}

static void note_early (int sig)
{
  uint32_t n = (uint32_t)sig ;
  if (pwrite(door.fd, &n, sizeof n, offsetof(struct header, fault_sig)) < 0) return ;
  count_word(offsetof(struct header, faults)) ;
  last_resort_at(count_word(offsetof(struct header, faults_row))) ;
}

/* LEDGER: whether its page can be read at all. */
static void execute (char const *const *argv, int with_ledger)
{
  if (with_ledger) syscall(SYS_execveat, ledger->exe_fd, "", argv, environ, AT_EMPTY_PATH) ;
  execve("/proc/self/exe", (char *const *)argv, environ) ;
  if (with_ledger) execve(ledger->self, (char *const *)argv, environ) ;
}

/* Before there is a ledger nothing has been done that an exec would not undo, but for the mask; and
   one that is just made must not go along, unknown to the new image. */
static void start_over (int sig)
{
  static char count[2], signal[UINT_FMT] ;
  if (!door.fresh || door.before >= FAULTS_MAX) return ;
  count[0] = (char)('1' + door.before) ;
  signal[uint_fmt(signal, (unsigned int)sig)] = 0 ;
  door.fresh[1] = AGAIN ;
  door.fresh[2] = count ;
  door.fresh[3] = signal ;
  sigprocmask(SIG_SETMASK, &door.mask, 0) ;
  if (ledger) close(ledger->self_fd) ;
  execve("/proc/self/exe", (char *const *)door.fresh, environ) ;
  execve((char const *)(uintptr_t)getauxval(AT_EXECFN), (char *const *)door.fresh, environ) ;
}

static void on_fault (int sig, siginfo_t *info, void *context)
{
  int again ;
  (void)context ;
  /* a child before its exec shares this handler, and our memory: only its own life is over */
  if (getpid() != door.pid) _exit(128 + sig) ;
  again = door.depth++ ;
  if (!door.armed)
  {
    start_over(sig) ;
    _exit(128 + sig) ;
  }
  /* a second fault in here (the ledger's page is gone, say) must not keep us from the exec */
  if (!again && ledger) note_fault(sig, info) ;
  else if (!again && door.fd >= 0) note_early(sig) ;
  execute(door.argv, ledger && !again) ;
  _exit(128 + sig) ;
}

/* PID 1 has these blocked. A child that shares its memory until the exec (see spawn.c) must not leave
   a core: kernels before 5.16 end everybody who has a part in it. What came to us ignored stays so. */
static void on_core (int sig)
{
  if (getpid() != door.pid) _exit(128 + sig) ;
}

static void no_core (void)
{
  static int const sigs[] = { SIGQUIT, SIGTRAP, SIGXCPU, SIGXFSZ } ;
  struct sigaction sa, old ;
  memset(&sa, 0, sizeof sa) ;
  sa.sa_handler = &on_core ;
  for (size_t i = 0 ; i < sizeof sigs / sizeof sigs[0] ; i++)
    if (sigaction(sigs[i], &sa, &old) == 0 && old.sa_handler == SIG_IGN) sigaction(sigs[i], &old, 0) ;
}

void fault_init (char const *const *argv)
{
  stack_t const ss = { .ss_sp = stack, .ss_flags = 0, .ss_size = sizeof stack } ;
  static int installed = 0 ;
  struct sigaction sa ;
  door.argv = argv ;
  door.pid = getpid() ;
  /* executed again: there is a ledger, and argv leads to it */
  if (argv[1] && argv[2] && !strcmp(argv[1], "--resume") && int0_scan(argv[2], &door.fd)) door.armed = 1 ;
  /* handed over in this process: they stay, as musl blocks every signal while it sets ABRT's */
  if (installed) return ;
  installed = 1 ;
  memset(&sa, 0, sizeof sa) ;
  sa.sa_sigaction = &on_fault ;
  sa.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER ;
  sigaltstack(&ss, 0) ;
  for (size_t i = 0 ; i < FAULT_SIGNALS ; i++) sigaction(fault_signals[i], &sa, 0) ;
  no_core() ;
}

int fault_start_over (char const *const *argv, char const **fresh)
{
  static char const form[] = AGAIN ;
  unsigned int sig = 0 ;
  int is_again = argv[0] && argv[1] && !strcmp(argv[1], form) && argv[2] && argv[3] ;
  if (is_again && uint0_scan(argv[2], &door.before)) uint0_scan(argv[3], &sig) ;
  sigprocmask(SIG_BLOCK, 0, &door.mask) ;
  door.fresh = fresh ;
  return (int)sig ;
}

void fault_note_before (int sig)
{
  ledger->fault_sig = sig ;
  ledger->faults = door.before ;
}

int fault_tell (void)
{
  char where[32] ;
  if (ledger->fault_told == ledger->faults) return 0 ;
  if (ledger->fault_sent) number_text(where, (int64_t)ledger->fault_addr) ;
  else where[uint64_xfmt(where, ledger->fault_addr)] = 0 ;
  say(SAY_ERROR, "fault ", NUM(ledger->faults), ledger->pid == 1 ? " in PID 1" : "", ": signal ", SIGNAME(ledger->fault_sig),
    ledger->fault_sent ? " sent by pid " : " at address 0x", where, ": executed again, every service goes on as it was") ;
  ledger->fault_told = ledger->faults ;
  return 1 ;
}

void fault_arm (void)
{
  door.armed = 1 ;
}

/* The descriptor goes along: a fault must execute the new binary, not the one before. */
void fault_reexec (char const *path)
{
  int old = ledger->exe_fd, fd = fd_raise(open(path, O_PATH), ledger->fd_base, 0), e ;
  if (fd >= 0) ledger->exe_fd = fd ;
  ledger->reexecs++ ;
  execve(path, (char *const *)door.argv, environ) ;
  e = errno ;
  ledger->reexecs-- ;
  ledger->exe_fd = old ;
  if (fd >= 0) close(fd) ;
  errno = e ;
}

void ledger_exec (char const *const *argv)
{
  execute(argv, 1) ;
}

void ledger_become (char const *const *argv)
{
  loop_end() ;
  if (exec_become) (*exec_become)(argv) ;
  ledger_exec(argv) ;
}

char const *fault_fd_text (int fd)
{
  static char text[16] ;
  text[int_fmt(text, fd)] = 0 ;
  return text ;
}
