/* ISC license. */

/* trap: runs a command, and others when signals come. */

#include <errno.h>
#include <signal.h>
#include <strings.h>
#include <unistd.h>
#include <sys/wait.h>

#include <skalibs/djbunix.h>
#include <skalibs/env.h>
#include <skalibs/genalloc.h>
#include <skalibs/posixplz.h>
#include <skalibs/sig.h>
#include <skalibs/strerr.h>
#include <skalibs/stralloc.h>
#include <skalibs/types.h>

#include "el.h"

#define FORWARD 0x1

typedef struct handler_s
{
  char const *const *argv ;  /* 0: none */
  pid_t pid ;                /* while it runs */
} handler ;

static handler handlers[NSIG] ;
static char const *const *default_argv ;

static void dieblocked (int sig, char const *what) gccattr_noreturn ;
static void dieblocked (int sig, char const *what)
{
  char fmt[INT_FMT] ;
  fmt[int_fmt(fmt, sig)] = 0 ;
  strerr_dief(100, "SIG", sig_name(sig), " (", fmt, ") ", what) ;
}

static int can_trap (int sig)
{
  sigset_t set ;
  sigemptyset(&set) ;
  return sig > 0 && sig < NSIG && !sigaddset(&set, sig) && sig != SIGKILL && sig != SIGSTOP && sig != SIGCHLD ;
}

/* Where the command line for the directive NAME is to be kept. */
static char const *const **place (char const *name)
{
  int sig ;
  if (!strcasecmp(name, "default")) return &default_argv ;
  if (!sig0_scan(name, &sig)) strerr_dief(100, "unrecognized directive: ", name) ;
  if (!can_trap(sig)) dieblocked(sig, "cannot be trapped") ;
  return &handlers[sig].argv ;
}

static void read_directive (el_words *w)
{
  char const *name = el_next(w) ;
  char const *const **argv = place(name) ;
  el_words block ;
  if (*argv) strerr_dief(100, "duplicate directive: ", name) ;
  if (!el_tryblock(w, &block)) strerr_dief(100, "unterminated internal block for directive ", name) ;
  *argv = block.v ;
}

/* The signals to wait for: those with a directive, or all if there is something to do for all. */
static void choose (sigset_t *set, unsigned int flags)
{
  sigemptyset(set) ;
  sigaddset(set, SIGCHLD) ;
  for (int sig = 1 ; sig < NSIG ; sig++)
    if (can_trap(sig) && (handlers[sig].argv || default_argv || flags & FORWARD)) sigaddset(set, sig) ;
}

/* Starts ARGV with the pid of the main command in ! and the number of the signal in SIGNAL. */
static pid_t start (char const *const *argv, pid_t child, int sig)
{
  char const *const *envp = (char const *const *)environ ;
  size_t max = env_len(envp) + 3 ;
  stralloc modif = STRALLOC_ZERO ;
  genalloc v = GENALLOC_ZERO ;  /* char const * */
  char fmtpid[PID_FMT], fmtsig[INT_FMT] ;
  pid_t pid ;
  fmtpid[pid_fmt(fmtpid, child)] = 0 ;
  fmtsig[int_fmt(fmtsig, sig)] = 0 ;
  if (!env_addmodif(&modif, "!", fmtpid) || !env_addmodif(&modif, "SIGNAL", fmtsig)
   || !genalloc_ready(char const *, &v, max)) strerr_diefusys(111, "adjust environment for child") ;
  env_merge(genalloc_s(char const *, &v), max, envp, max - 3, modif.s, modif.len) ;
  pid = el_tryspawn(argv, genalloc_s(char const *, &v)) ;
  if (!pid) strerr_diefusys(111, "spawn ", argv[0]) ;
  genalloc_free(char const *, &v) ;
  stralloc_free(&modif) ;
  return pid ;
}

static void handle (int sig, pid_t child)
{
  char const *const *argv = handlers[sig].argv ? handlers[sig].argv : default_argv ;
  if (!argv) kill(child, sig) ;  /* the child is not reaped yet, so it is no one else */
  else if (!handlers[sig].pid) handlers[sig].pid = start(argv, child, sig) ;
}

/* Reaps all that can be reaped. Exits if CHILD is among it. */
static void reap (pid_t child)
{
  for (;;)
  {
    int status ;
    pid_t pid = wait_nohang(&status) ;
    if (pid < 0 && errno != ECHILD) strerr_diefusys(111, "wait") ;
    if (pid <= 0) return ;
    if (pid == child) _exit(wait_estatus(status)) ;
    for (int sig = 1 ; sig < NSIG ; sig++)
      if (handlers[sig].pid == pid) handlers[sig].pid = 0 ;
  }
}

int el_trap_main (int argc, char const *const *argv)
{
  el_words w = EL_WORDS(argc, argv) ;
  el_words directives ;
  unsigned int flags ;
  sigset_t set ;
  pid_t child ;
  el_option const options[] = { { .letter = 'x', .set = FORWARD } } ;
  char const *usage = "trap [ -x ] { signal { cmdline } ... } prog..." ;
  flags = el_options(&w, usage, 1, EL_OPTIONS(options)) ;
  directives = el_block(&w, "block") ;
  if (!directives.n) strerr_dief(100, "empty block") ;
  if (!w.n) strerr_dieusage(100, usage) ;
  while (directives.n) read_directive(&directives) ;

  /* a parent that ignored SIGCHLD would have the kernel reap the child before we can */
  choose(&set, flags) ;
  if (!sig_restore(SIGCHLD) || sigprocmask(SIG_BLOCK, &set, 0) < 0) strerr_diefusys(111, "trap signals") ;
  child = el_spawn(w.v) ;
  for (;;)
  {
    int sig = sigwaitinfo(&set, 0) ;
    if (sig < 0 && errno != EINTR) strerr_diefusys(111, "wait for signals") ;
    if (sig == SIGCHLD) reap(child) ;
    else if (sig > 0) handle(sig, child) ;
  }
}
