/* ISC license. */

/*
   What each signal means. Runtimes send what the image's STOPSIGNAL says, so every signal that
   is commonly used for that asks for the stop. An executable .s6-svscan/SIGxxx runs instead.
*/

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include <sys/signalfd.h>

#include <skalibs/posixplz.h>
#include <skalibs/sig.h>

#include "rc.h"
#include "svscan.h"

/* The kernel's numbers: RTMIN+3 and RTMIN+4 of glibc's count, 37 and 38. */
#define SIG_HALT 37
#define SIG_POWEROFF 38

static int is_stop_signal (int sig)
{
  static int const stops[] = { SIGTERM, SIGINT, SIGQUIT, SIGPWR, SIGUSR1, SIGUSR2, SIG_HALT, SIG_POWEROFF } ;
  for (size_t i = 0 ; i < sizeof stops / sizeof stops[0] ; i++) if (sig == stops[i]) return 1 ;
  return 0 ;
}

/* S6_STOP_SIGNALS: names or numbers, separated by blanks or commas. */
static int is_named_stop_signal (int sig)
{
  char text[256], *p = text, *word ;
  if (!conf_text("S6_STOP_SIGNALS", text, sizeof text)) return 0 ;
  while ((word = strsep(&p, " ,\t"))) if (word[0] && signal_number(word) == sig) return 1 ;
  return 0 ;
}

/* .s6-svscan/SIGTERM and its kin: 1 when there is one and it was started. */
static int run_handler (int sig)
{
  char path[64] = ".s6-svscan/SIG" ;
  char const *const argv[] = { path, 0 } ;
  static int32_t pid, err ;
  struct spawn p ;
  strcat(path, SIGNAME(sig)) ;
  if (access(path, X_OK) < 0) return 0 ;
  memset(&p, 0, sizeof p) ;
  p.file = path ;
  p.argv = argv ;
  p.envp = (char const *const *)environ ;
  p.flags = SPAWN_SESSION ;
  p.in = p.out = p.err = p.extra_from = p.extra_to = p.lock_from = p.lock_to = -1 ;
  if (spawn(&p, &pid, &err) > 0) return 1 ;
  say_sys(SAY_WARNING, errno, "unable to run ", path) ;
  return 0 ;
}

/* s6's ABRT: finish is executed without waiting for anything. It is a fault signal too, so it is
   open and has a handler; what abort() sends goes on to that. */
static struct sigaction of_faults ;

static void on_abort (int sig, siginfo_t *info, void *context)
{
  if (info->si_code == SI_USER && getpid() == ledger->pid) stop_end_alone() ;
  (*of_faults.sa_sigaction)(sig, info, context) ;
}

void signals_alone (void)
{
  struct sigaction sa ;
  if (sigaction(SIGABRT, 0, &sa) < 0) return ;
  of_faults = sa ;
  sa.sa_sigaction = &on_abort ;
  sigaction(SIGABRT, &sa, 0) ;
}

/* A host's svscan follows s6. */
static void alone (int sig)
{
  switch (sig)
  {
    case SIGALRM : rc_rescan() ; break ;
    case SIGHUP : rc_rescan() ; scan_prune(0) ; break ;
    case SIGQUIT :
      ledger->term_loggers = 1 ;
      /* fall through */
    case SIGTERM : case SIGINT : stop_request(CAUSE_SIGNAL, sig, NO_SLOT, inbox_seq()) ; break ;
    default : break ;
  }
}

static void as_container (int sig)
{
  if (is_stop_signal(sig) || is_named_stop_signal(sig)) stop_request(CAUSE_SIGNAL, sig, NO_SLOT, inbox_seq()) ;
  else if (sig == SIGHUP || sig == SIGALRM) rc_rescan() ;
}

static void arrived (int sig)
{
  if (sig == SIGCHLD)
  {
    reap_all() ;
    cmd_wake() ;
    return ;
  }
  if (sig == SIGPIPE) return ;
  if (run_handler(sig)) return ;
  if (!ledger->container) { alone(sig) ; return ; }
  if (ledger->cmd_pid > 0 && sig != SIGURG && conf_uint("S6_CMD_RECEIVE_SIGNALS", 0, 1)) { cmd_signal(sig) ; return ; }
  as_container(sig) ;
}

static void apply (struct inbox *in)
{
  struct signalfd_siginfo const *info = (void const *)in->buffer ;
  int sig ;
  if (inbox_len(in) <= 0 || !info->ssi_signo) { inbox_done() ; return ; }
  sig = (int)info->ssi_signo ;
  if (sig == SIGCHLD) inbox_done() ;  /* the reaper uses the inbox itself; zombies are not consumed by this */
  else if (global_now()->seq == inbox_seq()) { inbox_done() ; return ; }
  arrived(sig) ;
  if (sig != SIGCHLD) inbox_done() ;
}

void signals_read (void)
{
  static_assert(sizeof(struct signalfd_siginfo) <= INBOX_BYTES, "a signal fits the inbox") ;
  for (;;)
  {
    struct inbox *in = inbox_take(INBOX_SIGNAL, NO_SLOT) ;
    inbox_read(in, loop_signal_fd(), sizeof(struct signalfd_siginfo)) ;
    if (in->len <= 0)
    {
      inbox_done() ;
      return ;
    }
    apply(in) ;
  }
}

void signals_resume (void)
{
  if (ledger->inbox.kind == INBOX_SIGNAL) apply(&ledger->inbox) ;
}
