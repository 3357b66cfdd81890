/* ISC license. */

/*
   Stage 2 of the container, or a scanner on a host.

     svscan --resume FD SCANDIR [-- CMD…]   handed over by init, or executed again after a fault
     svscan [options] [SCANDIR]             alone
*/

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>

#include <skalibs/sgetopt.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "rc.h"
#include "svscan.h"

#define USAGE "svscan [ -c max ] [ -C max ] [ -L namemax ] [ -t ms ] [ -d fd ] [ -X fd ] [ -s ] [ -S ] [ scandir ]"
#define DEFAULT_SCANDIR "."
#define BATCH 64

struct options options = { .scandir = DEFAULT_SCANDIR, .cmd = 0, .notify_fd = -1, .max = SLOT_MAX } ;

/* ---- the host of the services */

static void critical_ended (uint32_t i, enum service_state from)
{
  struct slot_state const *c = slot_now(slot_at(i)) ;
  if (!(c->settings.flags & IS_CRITICAL) || !state_is_live(from) || global_now()->stop) return ;
  if (c->cause == WHY_POLICY || c->cause == WHY_125 || c->cause == WHY_TOO_MANY || c->cause == WHY_CONDEMNED)
    stop_request(CAUSE_CRITICAL, c->wstat, i, 0) ;
}

static void changed (uint32_t i, enum service_state from, enum service_state to)
{
  if (to == DOWN || to == FATAL) critical_ended(i, from) ;
  if (ledger->dependencies) rc_service_changed(i) ;
  if (global_now()->stop) stop_service_changed(i, from) ;
  else boot_service_changed() ;
}

static void gone (uint32_t i)
{
  if (ledger->dependencies) rc_gone(i) ;
  scan_producer_gone(i) ;
  slot_at(i)->logger = NO_SLOT ;
}

/* ---- the loop */

/* Option -t: who wants daemontools' habit has it. Without it nothing here wakes up by itself. */
static void scan_regularly (void)
{
  if (ledger->rescan_ms && !global_now()->stop) timer_set(TIMER_SCAN, mono_after(mono_now(), MS(ledger->rescan_ms))) ;
}

static void timers_run (void)
{
  int64_t now = mono_now() ;
  uint32_t id ;
  while (timer_pop(now, &id))
  {
    if (id >= TIMER_SLOT0)
    {
      uint32_t i = (id - TIMER_SLOT0) / 2 ;
      if (id == TIMER_OF(i)) service_event(i, EV_TIMEOUT, 0) ;
      else rc_timeout(i) ;
    }
    else if (id == TIMER_SCRIPT) { if (global_now()->stop) stop_script_deadline() ; else boot_script_deadline() ; }
    else if (id == TIMER_GRACE) stop_grace_over() ;
    else if (id == TIMER_RESCAN) retry_now() ;
    else if (id == TIMER_PUBLISH) service_publish_again() ;
    else if (id == TIMER_SCAN) { rc_rescan() ; scan_regularly() ; }
    else if (id == TIMER_CMD_WAIT) { if (global_now()->step <= STEP_WAIT) boot_wait_over() ; else cmd_start() ; }
  }
}

static void dispatch (struct loop_event const *e)
{
  switch (e->kind)
  {
    case LOOP_CONTROL : service_control(e->index) ; break ;
    case LOOP_NOTIFY : service_notified(e->index) ; break ;
    case LOOP_SCAN_CONTROL : control_read() ; break ;
    case LOOP_START_FD : boot_start_fd((int)e->index) ; break ;
    default : break ;
  }
}

/* What clients read of the counters that die with our memory. */
static void publish_counters (void)
{
  static uint64_t expired, dropped ;
  ledger->expired += loop_expired() - expired ;
  ledger->dropped += say_dropped() - dropped ;
  expired = loop_expired() ;
  dropped = say_dropped() ;
}

/* Signals come last in a turn: what a service said before it died is heard first. */
static void turn (void)
{
  struct loop_event events[BATCH] ;
  int n = loop_wait(events, BATCH, service_unpublished() || control_untold()), signals = 0 ;
  for (int i = 0 ; i < n ; i++)
    if (events[i].kind == LOOP_SIGNALS) signals = 1 ;
    else dispatch(events + i) ;
  if (signals) signals_read() ;
  timers_run() ;
  service_publish_idle(n) ;
  if (!service_unpublished())
  {
    if (control_untold()) control_tell_now() ;
    spawn_tidy() ;
  }
  oom_begin() ;
  publish_counters() ;
  if (ledger->faults_row) ledger->faults_row = 0 ;
}

/* ---- starting */

static void die (char const *what)
{
  say_sys(SAY_FATAL, errno, "unable to ", what) ;
  _exit(EXIT_SYSTEM) ;
}

static void alone (void)
{
  uint64_t mask = signals_block() ;
  int base = fd_base_find() ;
  struct global *g ;
  if (ledger_create(base, ".") < 0) die("make the ledger") ;
  if (fd_fence(base) < 0) die("open /dev/null") ;
  say_init(base, env_uint("S6_VERBOSITY", 2, 5)) ;
  if (chdir(options.scandir) < 0) die("enter the scan directory") ;
  inherit(mask) ;
  if (!getcwd(ledger->scandir, sizeof ledger->scandir)) die("find the path of the scan directory") ;
  ledger->services_max = options.max ;
  ledger->rescan_ms = options.rescan ;
  ledger->keep_env = 1 ;
  ledger->verbosity = env_uint("S6_VERBOSITY", 2, 5) ;
  ledger->boot_started = mono_now() ;
  tain_wallclock_read(&ledger->boot_stamp) ;
  g = global_draft() ;
  g->step = STEP_SERVICES ;
  global_commit() ;
}

static void take_over (int fd)
{
  if (!ledger)
  {
    if (ledger_attach(fd) < 0) strerr_diefusys(EXIT_SYSTEM, "read the ledger: run svscan without --resume") ;
    service_blame() ;
    ledger_sweep() ;
    fd_fence(ledger->fd_base) ;
    say_init(ledger->fd_base, ledger->verbosity) ;
    if (ledger->services_max) options.max = ledger->services_max ;
  }
  if (chdir(ledger->scandir) < 0) die("enter the scan directory") ;
}

static int is_new (void)
{
  return global_now()->seq != inbox_seq() ;
}

/* A child that is no service's: a script, the CMD, or an orphan. */
static void child_ended (pid_t pid, int32_t wstat)
{
  if (pid == ledger->script_pid)
  {
    if (!is_new()) ledger->script_pid = 0 ;
    else if (global_now()->stop) stop_script_ended(wstat, inbox_seq()) ;
    else boot_script_ended(wstat, inbox_seq()) ;
  }
  else if (pid == ledger->cmd_pid && is_new()) cmd_ended(wstat, inbox_seq()) ;
}

/* What comes before the boot. A fault may have cut it short: what is done already is left so. */
static void begin (void)
{
  if (ledger->container) catchall_begin() ;
  else if (global_now()->step == STEP_SERVICES)
  {
    struct global *g ;
    scan_all() ;
    g = global_draft() ;
    g->step = STEP_RUNNING ;
    global_commit() ;
  }
}

/* The end of a critical service asks for the stop; a fault may have come between the two. */
static void critical_resume (void)
{
  for (uint32_t i = 0 ; i < ledger->slots ; i++)
    if (slot_is_service(i) && !state_is_live((enum service_state)slot_now(slot_at(i))->state)) critical_ended(i, UP) ;
}

static void resume (void)
{
  /* the scripts first: the inbox may tell that one has ended */
  if (global_now()->stop) stop_stage_again() ;
  else boot_stage_again() ;
  for (uint32_t i = 0 ; i < ledger->slots ; i++) service_resume(i) ;
  begin() ;
  rc_resume() ;
  service_resume_inbox() ;
  reap_resume() ;
  signals_resume() ;
  control_resume() ;
  cmd_resume() ;
  critical_resume() ;
  stop_resume() ;
  boot_resume() ;
  rc_go_on() ;
  reap_all() ;
  control_tell() ;
  oom_begin() ;
}

static void prepare (void)
{
  spawn_init(&ledger->inheritance, ledger->fd_base) ;
  if (loop_init(LOOP_SIGNALS) < 0) die("make the event loop") ;
  if (timer_room(TIMERS) < 0 || service_env_init() < 0) die("allocate memory") ;
  service_host.changed = &changed ;
  service_host.gone = &gone ;
  service_host.child = &child_ended ;
  service_host.oneshot = &rc_oneshot_ended ;
  fault_arm() ;
}

static void first_start (void)
{
  if (control_init() < 0)
  {
    if (errno != EBUSY) die("prepare .s6-svscan in the scan directory") ;
    say(SAY_FATAL, "another scanner runs in ", ledger->scandir, " (.s6-svscan/lock is held)") ;
    _exit(EXIT_USAGE) ;
  }
  ledger->stage = STAGE_SVSCAN ;
  loop_watch(ledger->scan_control_fd, LOOP_SCAN_CONTROL, 0) ;
  begin() ;
  boot_advance() ;
  oom_begin() ;
  scan_regularly() ;
}

static void start (void)
{
  prepare() ;
  fault_tell() ;
  if (!ledger->container) signals_alone() ;
  if (ledger->faults_row >= FAULTS_MAX) rescue() ;
  if (ledger->stage != STAGE_SVSCAN)
  {
    first_start() ;
    return ;
  }
  loop_watch(ledger->scan_control_fd, LOOP_SCAN_CONTROL, 0) ;
  resume() ;
  scan_regularly() ;
}

/* ---- options */

static uint32_t number (char const *s)
{
  uint32_t n ;
  if (!uint320_scan(s, &n)) strerr_dieusage(EXIT_USAGE, USAGE) ;
  return n ;
}

/* 0, 1 and 2 are the services' too. */
static int descriptor (char const *option, char const *s)
{
  int fd = (int)number(s) ;
  if (fd < 3) strerr_dief(EXIT_USAGE, "option ", option, " takes a descriptor of 3 or more") ;
  if (fcntl(fd, F_GETFD) < 0) strerr_dief(EXIT_USAGE, "option ", option, ": descriptor ", s, " is not open") ;
  return fd ;
}

/* -X is for a console that s6-svscan-log's own messages go to, -L bounds what is not bounded here,
   -s and -S are ancient: accepted, and without effect. */
static void options_alone (int argc, char const *const *argv)
{
  subgetopt l = SUBGETOPT_ZERO ;
  int o ;
  while ((o = subgetopt_r(argc, argv, "c:C:L:t:d:X:sS", &l)) >= 0) switch (o)
  {
    case 'c' : options.max = number(l.arg) ; if (options.max < 2) options.max = 2 ; break ;
    case 'C' : options.max = number(l.arg) ; break ;
    case 't' : options.rescan = number(l.arg) ; break ;
    case 'd' : options.notify_fd = descriptor("-d", l.arg) ; break ;
    case 'X' : descriptor("-X", l.arg) ; break ;
    case 'L' : number(l.arg) ; break ;
    case 's' : case 'S' : break ;
    default : strerr_dieusage(EXIT_USAGE, USAGE) ;
  }
  if (options.max > SLOT_MAX) options.max = SLOT_MAX ;
  if (l.ind < argc) options.scandir = argv[l.ind] ;
}

/* --resume FD SCANDIR [-- CMD…] */
static void options_resume (int argc, char const *const *argv)
{
  char const **cmd ;
  if (argc < 4) strerr_dieusage(EXIT_USAGE, USAGE) ;
  options.scandir = argv[3] ;
  if (argc < 6) return ;
  cmd = malloc((size_t)(argc - 3) * sizeof *cmd) ;
  if (!cmd) strerr_diefusys(EXIT_SYSTEM, "allocate memory") ;
  memcpy(cmd, argv + 4, (size_t)(argc - 3) * sizeof *cmd) ;
  cmd[0] = "with-contenv" ;
  options.cmd = cmd ;
}

int svscan_main (int argc, char const *const *argv)
{
  static char const *again[5 + 4] = { "svscan", "--resume" } ;
  int resumed = argc > 2 && !strcmp(argv[1], "--resume") ;
  fault_last_resort = &rescue ;
  fault_init(resumed ? argv : again) ;
  if (resumed)
  {
    options_resume(argc, argv) ;
    take_over((int)number(argv[2])) ;
  }
  else
  {
    options_alone(argc, argv) ;
    alone() ;
    again[2] = fault_fd_text(ledger->self_fd) ;
    again[3] = ledger->scandir ;
  }
  start() ;
  for (;;) turn() ;
}
