/* ISC license. See fault.h: many runs, divided among processes. */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "fault.h"

#define JOBS 2

struct share { unsigned int next ; struct tally sum[JOBS] ; } ;

static _Noreturn void worker (struct share *share, world *w, unsigned int me, unsigned int n, void (*job) (world *, unsigned int, struct tally *))
{
  prctl(PR_SET_PDEATHSIG, SIGKILL) ;
  for (;;)
  {
    unsigned int i = __atomic_fetch_add(&share->next, 1, __ATOMIC_SEQ_CST) ;
    if (i >= n) break ;
    (*job)(w, i, &share->sum[me]) ;
    fflush(stdout) ;
  }
  _exit(0) ;
}

int run_all (char const *suite, unsigned int n, void (*job) (world *, unsigned int, struct tally *))
{
  struct share *share = mmap(0, sizeof *share, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0) ;
  struct tally sum = { 0, 0, 0 } ;
  world *worlds[JOBS] ;
  int status ;
  if (share == MAP_FAILED) return 111 ;
  fflush(stdout) ;
  for (unsigned int i = 0 ; i < JOBS ; i++)
  {
    pid_t pid ;
    worlds[i] = world_new() ;
    pid = fork() ;
    if (pid < 0) return 111 ;
    if (!pid) worker(share, worlds[i], i, n, job) ;
  }
  while (wait(&status) > 0 || errno == EINTR)
    if (status) sum.failed++ ;
  for (unsigned int i = 0 ; i < JOBS ; i++)
  {
    world_free(worlds[i]) ;
    sum.cases += share->sum[i].cases ;
    sum.failed += share->sum[i].failed ;
    sum.harms += share->sum[i].harms ;
  }
  printf("%s: %u harms done\n%u passed, %u failed\n", suite, sum.harms, sum.cases - sum.failed, sum.failed) ;
  return !!sum.failed || !sum.cases ;
}

unsigned int sampling (unsigned int dflt, unsigned int *offset)
{
  char const *step = getenv("FAULT_STEP"), *from = getenv("FAULT_OFFSET") ;
  unsigned int n = step ? (unsigned int)atoi(step) : dflt ;
  if (!n) n = 1 ;
  *offset = (from ? (unsigned int)atoi(from) : (unsigned int)time(0)) % n ;
  printf("every %u. point from %u (FAULT_STEP=%u FAULT_OFFSET=%u repeats it)\n", n, *offset, n, *offset) ;
  return n ;
}

/* ---- names, for the reports */

#define CALL(name) { SYS_##name, #name }
static struct { long nr ; char const *name ; } const calls[] =
{
  CALL(clone), CALL(pipe2), CALL(openat), CALL(write), CALL(read), CALL(close), CALL(fcntl), CALL(renameat), CALL(unlinkat),
  CALL(mkdirat), CALL(mknodat), CALL(epoll_ctl), CALL(epoll_create1), CALL(epoll_pwait), CALL(signalfd4), CALL(memfd_create),
  CALL(fallocate), CALL(mmap), CALL(munmap), CALL(execveat), CALL(execve), CALL(exit_group), CALL(getpid), CALL(kill), CALL(waitid),
  CALL(getdents64), CALL(fstat), CALL(splice), CALL(close_range), CALL(pwrite64), CALL(ftruncate), CALL(fchmod), CALL(fchown),
  CALL(readlinkat), CALL(faccessat), CALL(chdir), CALL(getcwd), CALL(mount), CALL(sigaltstack), CALL(rt_sigaction), CALL(rt_sigprocmask),
  CALL(prctl), CALL(ioctl), CALL(socket), CALL(sendto), CALL(clock_gettime), CALL(dup3), CALL(lseek), CALL(symlinkat), CALL(brk), CALL(writev), CALL(readv),
#ifdef SYS_open
  CALL(open), CALL(mkdir), CALL(mknod), CALL(rename), CALL(unlink), CALL(rmdir), CALL(access), CALL(readlink), CALL(stat), CALL(lstat),
  CALL(epoll_wait), CALL(dup2), CALL(pipe), CALL(fork), CALL(vfork), CALL(symlink), CALL(chmod), CALL(chown), CALL(arch_prctl),
#endif
  CALL(set_tid_address)
} ;

char const *call_name (long nr)
{
  static char text[24] ;
  for (size_t i = 0 ; i < sizeof calls / sizeof calls[0] ; i++)
    if (calls[i].nr == nr) return calls[i].name ;
  snprintf(text, sizeof text, "call %ld", nr) ;
  return text ;
}
