/* ISC license. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <skalibs/types.h>

#include "ledger.h"

/* An inherited SIG_IGN for SIGCHLD loses every status. */
static void inherit_signals (struct inheritance *in, uint64_t mask)
{
  struct sigaction sa, old ;
  in->sigmask = mask ;
  memset(&sa, 0, sizeof sa) ;
  sa.sa_handler = SIG_DFL ;
  if (sigaction(SIGCHLD, 0, &old) == 0 && old.sa_handler == SIG_IGN) in->sigignored |= 1ull << (SIGCHLD - 1) ;
  sigaction(SIGCHLD, &sa, 0) ;
}

static void inherit_limits (struct inheritance *in)
{
  struct rlimit rl ;
  if (getrlimit(RLIMIT_NOFILE, &rl) < 0 || rl.rlim_cur >= rl.rlim_max) return ;
  in->nofile_soft = rl.rlim_cur ;
  in->nofile_hard = rl.rlim_max ;
  in->nofile_changed = 1 ;
  rl.rlim_cur = rl.rlim_max ;
  if (setrlimit(RLIMIT_NOFILE, &rl) < 0) in->nofile_changed = 0 ;
}

/* umask() tells what was and changes it at once: a fault between the call and the note of its result
   leaves what every runtime sets. */
static void inherit_umask (struct inheritance *in)
{
  mode_t old ;
  if (in->umask_taken)
  {
    old = umask(0) ;
    if (old) in->umask = old ;
    return ;
  }
  in->umask = 022 ;
  in->umask_taken = 1 ;
  in->umask = umask(0) ;
}

/* Our binary, held open: the way back after a fault. Without /proc the kernel's own note of the
   path that was executed has to do. */
static void find_self (void)
{
  ssize_t n = readlink("/proc/self/exe", ledger->self, sizeof ledger->self - 1) ;
  int fd = open("/proc/self/exe", O_PATH) ;
  if (n < 0)
  {
    char const *path = (char const *)(uintptr_t)getauxval(AT_EXECFN) ;
    n = 0 ;
    if (path && strlen(path) < sizeof ledger->self) n = (ssize_t)strlen(strcpy(ledger->self, path)) ;
  }
  /* cut short it would be another's */
  if ((size_t)n >= sizeof ledger->self - 1) n = 0 ;
  ledger->self[n] = 0 ;
  if (fd < 0) fd = open(ledger->self, O_PATH) ;
  ledger->exe_fd = fd_raise(fd, ledger->fd_base, 0) ;
}

void inherit (uint64_t sigmask)
{
  struct inheritance *in = &ledger->inheritance ;
  inherit_signals(in, sigmask) ;
  inherit_limits(in) ;
  inherit_umask(in) ;
  ledger->tty = isatty(0) ;
  if (!getcwd(ledger->workdir, sizeof ledger->workdir) || ledger->workdir[0] != '/')
  {
    say(SAY_WARNING, "the working directory is gone, or its path is longer than ", NUM(LEDGER_PATH_MAX - 1), " bytes: scripts and the CMD start in /") ;
    strcpy(ledger->workdir, "/") ;
  }
  if (ledger->exe_fd < 0) find_self() ;
  ledger->pid = getpid() ;
}
