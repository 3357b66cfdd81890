/* ISC license. */

/*
   supervise DIR: one service without a scanner.

     supervise --resume FD DIR   executed again after a fault

   Signals: TERM brings the service down and ends; HUP ends when the service does; QUIT ends at
   once and leaves the service alone; INT is passed to its group first, then as TERM.
*/

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/signalfd.h>
#include <sys/stat.h>

#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "supervise.h"

#define USAGE "supervise dir"
#define BATCH 16
#define ONLY 0u   /* our one slot */

static void die (char const *what)
{
  say_sys(SAY_FATAL, errno, "unable to ", what) ;
  _exit(EXIT_SYSTEM) ;
}

static void gone (uint32_t i)
{
  (void)i ;
  _exit(EXIT_OK) ;
}

/* ---- events */

static void on_signal (int sig)
{
  switch (sig)
  {
    case SIGCHLD : reap_all() ; break ;
    case SIGINT :
      signal_group(slot_at(ONLY)->run_pid, SIGINT) ;
      /* fall through */
    case SIGTERM :
      service_event(ONLY, EV_x, 0) ;
      service_event(ONLY, EV_d, 0) ;
      break ;
    case SIGHUP : service_event(ONLY, EV_x, 0) ; break ;
    case SIGQUIT :
      service_publish(1) ;
      _exit(EXIT_OK) ;
    default : break ;
  }
}

/* A signal read is acted upon before the next is read; one that a crash cuts short is acted
   upon again by whoever sent it: none of them counts. */
static void read_signals (void)
{
  struct signalfd_siginfo info ;
  while (read(loop_signal_fd(), &info, sizeof info) == (ssize_t)sizeof info) on_signal((int)info.ssi_signo) ;
}

static void turn (void)
{
  struct loop_event events[BATCH] ;
  int n = loop_wait(events, BATCH, service_unpublished()), signals = 0 ;
  uint32_t id ;
  for (int i = 0 ; i < n ; i++)
    if (events[i].kind == LOOP_CONTROL) service_control(events[i].index) ;
    else if (events[i].kind == LOOP_NOTIFY) service_notified(events[i].index) ;
    else signals = 1 ;
  if (signals) read_signals() ;
  while (timer_pop(mono_now(), &id))
    if (id == TIMER_PUBLISH) service_publish_again() ;
    else service_event((id - TIMER_SLOT0) / 2, EV_TIMEOUT, 0) ;
  service_publish_idle(n) ;
  if (ledger->faults_row) ledger->faults_row = 0 ;
}

/* ---- starting */

/* Enters the parent of DIR; the name of the service is what is left. */
static char const *enter_parent (char *dir)
{
  static char path[PATH_MAX] ;
  char *slash ;
  size_t n = strlen(dir) ;
  while (n > 1 && dir[n-1] == '/') dir[--n] = 0 ;
  if (!strcmp(dir, ".") || !strcmp(dir, "..") || !strcmp(dir, "/"))
  {
    if (chdir(dir) < 0 || !getcwd(path, sizeof path)) die("enter the service directory") ;
    dir = path ;
  }
  slash = strrchr(dir, '/') ;
  if (!slash) return dir ;
  *slash = 0 ;
  if (slash != dir && chdir(dir) < 0) die("enter the parent of the service directory") ;
  if (slash == dir && chdir("/") < 0) die("enter /") ;
  return slash + 1 ;
}

static void first_ledger (uint64_t mask)
{
  int base = fd_base_find() ;
  if (ledger_create(base, "/tmp") < 0) die("make the ledger") ;
  if (fd_fence(base) < 0) die("open /dev/null") ;
  ledger->verbosity = env_uint("S6_VERBOSITY", 2, 5) ;
  say_init(base, ledger->verbosity) ;
  inherit(mask) ;
  ledger->keep_env = 1 ;
  ledger->stage = STAGE_SUPERVISE ;
}

static void take_over (char const *fd)
{
  int n ;
  if (!int0_scan(fd, &n) || ledger_attach(n) < 0) strerr_diefusys(EXIT_SYSTEM, "read the ledger") ;
  service_blame() ;
  ledger_sweep() ;
  fd_fence(ledger->fd_base) ;
  say_init(ledger->fd_base, ledger->verbosity) ;
  if (chdir(ledger->scandir) < 0) die("enter the parent of the service directory") ;
}

static void prepare (void)
{
  spawn_init(&ledger->inheritance, ledger->fd_base) ;
  if (loop_init(LOOP_SIGNALS) < 0) die("make the event loop") ;
  if (timer_room(TIMERS) < 0 || service_env_init() < 0) die("allocate memory") ;
  service_host.gone = &gone ;
  fault_arm() ;
}

static void begin (char const *name)
{
  struct stat st ;
  if (stat(name, &st) < 0) die("look at the service directory") ;
  if (!S_ISDIR(st.st_mode)) strerr_dief(EXIT_USAGE, name, " is no directory") ;
  oom_begin() ;
  if (service_add(name, 0) == NO_SLOT) _exit(EXIT_USAGE) ;
  service_event(ONLY, EV_BEGIN, 0) ;
}

static void resume (void)
{
  fault_tell() ;
  if (ledger->faults_row >= FAULTS_MAX) strerr_dief(EXIT_SYSTEM, "faults without end") ;
  service_resume(ONLY) ;
  service_resume_inbox() ;
  reap_resume() ;
  reap_all() ;
}

int supervise_main (int argc, char const *const *argv)
{
  static char const *again[] = { "supervise", "--resume", 0, 0, 0 } ;
  int resumed = argc > 3 && !strcmp(argv[1], "--resume") ;
  char const *name ;
  if (!resumed && argc != 2) strerr_dieusage(EXIT_USAGE, USAGE) ;
  fault_init(resumed ? argv : again) ;
  if (resumed)
  {
    take_over(argv[2]) ;
    prepare() ;
    resume() ;
  }
  else
  {
    char *dir = strdup(argv[1]) ;
    if (!dir) strerr_diefusys(EXIT_SYSTEM, "allocate memory") ;
    first_ledger(signals_block()) ;
    name = enter_parent(dir) ;
    if (!getcwd(ledger->scandir, sizeof ledger->scandir)) die("find the working directory") ;
    again[2] = fault_fd_text(ledger->self_fd) ;
    again[3] = name ;
    prepare() ;
    begin(name) ;
  }
  for (;;) turn() ;
}
