/* ISC license. */

/*
   The one way down (DESIGN "Stop"), whatever asked for it. Phases follow each other; each ends
   the moment its reason is gone, at the latest when its deadline has passed:

     STOP_SCRIPT     the boot script under way gets TERM, after S6_KILL_GRACETIME KILL
     STOP_CMD        the CMD, which depends on all
     STOP_SERVICES   every service gets its stop; loggers end by end of file
     STOP_SCRIPTS    cont-finish.d, in generation 3
     STOP_LOGGER     the catch-all logger drains (S6_LOGGING)
     STOP_OVER       exec finish: the broadcast and the exit code

   In generation 2 cont-finish.d runs beside STOP_CMD and STOP_SERVICES, and their time is
   counted from its end.
*/

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <skalibs/posixplz.h>

#include "rc.h"
#include "svscan.h"

#define DEFAULT_FINISH_MAXTIME 5000
#define DEFAULT_GRACETIME 3000
#define OFFER 32    /* services told to end, until the processor is offered to those that can end now */
#define PASSED 0    /* grace_deadline: it has been */

static struct stage const cont_finish_d =
{
  .dir = "/etc/cont-finish.d", .label = "cont-finish.d", .announce = 1, .tells_exit_code = 1,
  .first_line = "[cont-finish.d] executing container finish scripts...", .last_line = "[cont-finish.d] done."
} ;

static uint32_t live = 0 ;      /* services that have a process; counted when the stop begins */
static int resuming = 0 ;       /* after an exec: not yet counted, so that no phase may be taken for over */

static int64_t conf_ms (char const *name, uint32_t dflt)
{
  return MS(conf_uint(name, dflt, INT32_MAX)) ;
}

static void enter (enum stop_phase phase)
{
  struct global *g = global_draft() ;
  g->stop = (uint8_t)phase ;
  g->grace_deadline = NEVER ;
  global_commit() ;
  timer_set(TIMER_GRACE, NEVER) ;
}

static int beside (void)
{
  return ledger->container && global_now()->generation != 3 ;
}

/* ---- the time that services and the CMD have */

/* In generation 2 it begins when the scripts are over, and what these left of their own time
   is added: docker-base promises a draining service S6_KILL_FINISH_MAXTIME. */
static int64_t grace_from_now (void)
{
  struct global const *g = global_now() ;
  int64_t ns = conf_ms("S6_SERVICES_GRACETIME", DEFAULT_GRACETIME) ;
  if (beside())
  {
    int64_t left = conf_ms("S6_KILL_FINISH_MAXTIME", DEFAULT_FINISH_MAXTIME) - g->scripts_spent ;
    if (g->scripts != SCRIPTS_OVER) return NEVER ;
    if (g->script[0] && left > 0) ns += left ;
  }
  return mono_after(mono_now(), ns) ;
}

static void begin_grace (void)
{
  struct global *g = global_draft() ;
  g->grace_deadline = grace_from_now() ;
  global_commit() ;
  timer_set(TIMER_GRACE, g->grace_deadline) ;
}

/* ---- cont-finish.d */

static void commit_scripts (enum finish_scripts state, int64_t spent)
{
  struct global *g = global_draft() ;
  if (g->scripts == SCRIPTS_TO_COME) g->script[0] = 0 ;
  g->scripts = (uint8_t)state ;
  g->scripts_spent += spent ;
  global_commit() ;
}

static void scripts_over (void)
{
  commit_scripts(SCRIPTS_OVER, 0) ;
  timer_set(TIMER_SCRIPT, NEVER) ;
  stage_close() ;
  if (beside()) begin_grace() ;
}

/* 1: a script runs. */
static int next_script (void)
{
  if (stage_waiting()) service_publish(UINT_MAX) ;
  if (stage_next(conf_ms("S6_KILL_FINISH_MAXTIME", DEFAULT_FINISH_MAXTIME)) == STAGE_OVER)
  {
    scripts_over() ;
    return 0 ;
  }
  timer_set(TIMER_SCRIPT, global_now()->script_deadline) ;
  return 1 ;
}

static void open_scripts (void)
{
  if (stage_open(&cont_finish_d, "") == 0) next_script() ;
  else if (retry_passes(errno)) timer_set(TIMER_SCRIPT, mono_after(mono_now(), RETRY_PAUSE)) ;
  else scripts_over() ;
}

static void begin_scripts (void)
{
  if (global_now()->scripts != SCRIPTS_TO_COME) return ;
  commit_scripts(SCRIPTS_RUNNING, 0) ;
  if (!ledger->container) scripts_over() ;
  else open_scripts() ;
}

void stop_script_ended (int32_t wstat, uint32_t seq)
{
  struct global const *g = global_now() ;
  int64_t spent = mono_now() - g->script_started ;
  int was_finish = g->scripts == SCRIPTS_RUNNING ;
  timer_set(TIMER_SCRIPT, NEVER) ;
  stage_ended(wstat) ;
  stage_settled(seq) ;
  if (was_finish)
  {
    commit_scripts(SCRIPTS_RUNNING, spent) ;
    next_script() ;
  }
  stop_advance() ;
}

void stop_script_deadline (void)
{
  struct global const *g = global_now() ;
  if (ledger->script_pid > 0) stage_kill() ;
  else if (g->scripts == SCRIPTS_RUNNING && g->script_state == SCRIPT_RUNNING)
  {
    stage_retry() ;
    timer_set(TIMER_SCRIPT, global_now()->script_deadline) ;
  }
  else if (g->scripts == SCRIPTS_RUNNING)
  {
    open_scripts() ;
    stop_advance() ;
  }
}

/* ---- the phases; 1: over */

/* A boot script that was not yet forked is dropped. */
static int phase_script (void)
{
  struct global const *g = global_now() ;
  if (g->script_state == SCRIPT_NONE) return 1 ;
  if (ledger->script_pid <= 0)
  {
    struct global *d = global_draft() ;
    d->script_state = SCRIPT_NONE ;
    global_commit() ;
    return 1 ;
  }
  if (g->script_state == SCRIPT_RUNNING) stage_term(mono_after(mono_now(), conf_ms("S6_KILL_GRACETIME", DEFAULT_GRACETIME))) ;
  timer_set(TIMER_SCRIPT, global_now()->script_deadline) ;
  return 0 ;
}

/* An interactive shell ignores TERM and heeds HUP. */
static int phase_cmd (void)
{
  struct global const *g = global_now() ;
  if (beside()) begin_scripts() ;
  if (ledger->cmd_pid <= 0) return 1 ;
  if (g->grace_deadline == NEVER)
  {
    cmd_signal(SIGTERM) ;
    if (ledger->tty) cmd_signal(SIGHUP) ;
    cmd_signal(SIGCONT) ;
    begin_grace() ;
  }
  return 0 ;
}

static int is_logger (uint32_t i)
{
  return slot_at(i)->pipe[0] >= 0 ;
}

/* The catch-all logger outlives all others: it has a phase of its own. */
static int goes_now (uint32_t i)
{
  return slot_is_service(i) && i != ledger->catchall ;
}

static int has_ended (struct slot const *s)
{
  return s->used && slot_now(s)->state == DOWN && slot_now(s)->flags & FOR_GOOD ;
}

static int is_over (struct slot const *s)
{
  return !s->used || slot_now(s)->state == FATAL || has_ended(s) ;
}

/* Without a producer left we close our copy of the write end, and the logger drains to the end. */
static void release_logger (uint32_t logger)
{
  struct slot *l = slot_at(logger) ;
  int fd = l->pipe[1] ;
  if (fd < 0) return ;
  for (uint32_t i = 0 ; i < ledger->slots ; i++)
    if (slot_is_service(i) && slot_at(i)->logger == logger && !is_over(slot_at(i))) return ;
  l->pipe[1] = -1 ;
  close(fd) ;
}

static void halt_services (void)
{
  for (uint32_t i = 0 ; i < ledger->slots ; i++)
    if (goes_now(i) && is_logger(i) && !rc_knows(slot_at(i)->name)) service_event(i, ledger->term_loggers ? EV_HALT : EV_DRAIN, 0) ;
  if (ledger->dependencies) rc_halt() ;
  for (uint32_t i = 0, n = 0 ; i < ledger->slots ; i++)
    if (goes_now(i) && !is_logger(i) && !rc_knows(slot_at(i)->name))
    {
      service_event(i, EV_HALT, 0) ;
      if (!(++n % OFFER)) sched_yield() ;
    }
  for (uint32_t i = 0 ; i < ledger->slots ; i++)
    if (goes_now(i) && is_logger(i)) release_logger(i) ;
}

void stop_halt_service (uint32_t i)
{
  if (!is_logger(i))
  {
    service_event(i, EV_HALT, 0) ;
    return ;
  }
  service_event(i, ledger->term_loggers ? EV_HALT : EV_DRAIN, 0) ;
  release_logger(i) ;
}

static int phase_services (void)
{
  if (beside() && global_now()->scripts != SCRIPTS_OVER) return 0 ;
  if (global_now()->grace_deadline == NEVER) begin_grace() ;
  /* the time of /etc/services.d is limited; what the s6-rc tree defines has its own times */
  return (!live || global_now()->grace_deadline == PASSED) && rc_all_down() ;
}

static int phase_scripts (void)
{
  begin_scripts() ;
  return global_now()->scripts == SCRIPTS_OVER ;
}

static void end_logger (void)
{
  catchall_end() ;
  service_event(ledger->catchall, EV_DRAIN, 0) ;
  release_logger(ledger->catchall) ;
}

/* Its pipe's last writer was us, unless something was left behind: then its time is limited. */
static int phase_logger (void)
{
  if (ledger->catchall == NO_SLOT) return 1 ;
  if (global_now()->grace_deadline == NEVER)
  {
    struct global *g = global_draft() ;
    g->grace_deadline = mono_after(mono_now(), conf_ms("S6_KILL_GRACETIME", DEFAULT_GRACETIME)) ;
    global_commit() ;
    timer_set(TIMER_GRACE, g->grace_deadline) ;
    end_logger() ;
  }
  return !state_is_live((enum service_state)slot_now(slot_at(ledger->catchall))->state) ;
}

static uint32_t count_live (void)
{
  uint32_t n = 0 ;
  for (uint32_t i = 0 ; i < ledger->slots ; i++)
    if (goes_now(i) && state_is_live((enum service_state)slot_now(slot_at(i))->state)) n++ ;
  return n ;
}

static void begin_services (void)
{
  live = count_live() ;
  halt_services() ;
  live = count_live() ;
}

/* ---- the end of stage 2 */

/* A host's svscan: .s6-svscan/finish, or just the end. */
void stop_end_alone (void)
{
  char const *const argv[] = { ".s6-svscan/finish", 0 } ;
  sigset_t none ;
  sigemptyset(&none) ;
  sigprocmask(SIG_SETMASK, &none, 0) ;
  if (access(argv[0], F_OK) == 0)
  {
    errno = exec_file(argv[0], argv, (char const *const *)environ) ;
    say_sys(SAY_ERROR, errno, "unable to execute ", argv[0]) ;
    _exit(EXIT_SYSTEM) ;
  }
  _exit(EXIT_OK) ;
}

static int phase_over (void)
{
  static char const *argv[] = { "finish", "--resume", 0, 0, 0 } ;
  argv[2] = fault_fd_text(ledger->self_fd) ;
  argv[3] = ledger->scandir ;
  if (!alone_as_pid1()) service_publish(UINT_MAX) ;
  if (!ledger->container) stop_end_alone() ;
  ledger_become(argv) ;
  say_sys(SAY_FATAL, errno, "unable to execute finish: the container ends here") ;
  _exit(EXIT_SYSTEM) ;
}

static int (*const phases[]) (void) =
{
  [STOP_NONE] = 0, [STOP_SCRIPT] = &phase_script, [STOP_CMD] = &phase_cmd, [STOP_SERVICES] = &phase_services,
  [STOP_SCRIPTS] = &phase_scripts, [STOP_LOGGER] = &phase_logger, [STOP_OVER] = &phase_over
} ;

void stop_advance (void)
{
  static int inside = 0 ;
  if (inside || resuming || !global_now()->stop) return ;
  inside = 1 ;
  while ((*phases[global_now()->stop])())
  {
    enter((enum stop_phase)(global_now()->stop + 1)) ;
    if (global_now()->stop == STOP_SERVICES) begin_services() ;
  }
  inside = 0 ;
}

void stop_grace_over (void)
{
  if (!global_now()->stop || global_now()->stop == STOP_SCRIPTS) return ;
  if (global_now()->stop == STOP_SERVICES && ledger->dependencies)
  {
    struct global *g = global_draft() ;
    g->grace_deadline = PASSED ;
    global_commit() ;
    rc_abandon_legacy() ;
    stop_advance() ;
    return ;
  }
  enter((enum stop_phase)(global_now()->stop + 1)) ;
  if (global_now()->stop == STOP_SERVICES) begin_services() ;
  stop_advance() ;
}

/* ---- asking for it */

static void write_code (enum stop_cause cause, int32_t code)
{
  if (cause == CAUSE_CRITICAL) exitcode_write(exitcode_of(code)) ;
  else if (cause == CAUSE_RUN_D || cause == CAUSE_STAGE2) exitcode_write(code) ;
  /* CMD: written with its end; a signal has no code; halt N has written its own */
}

void stop_request (enum stop_cause cause, int32_t code, uint32_t slot, uint32_t seq)
{
  struct global *g ;
  if (global_now()->stop) return ;
  write_code(cause, code) ;
  g = global_draft() ;
  g->stop = STOP_SCRIPT ;
  g->cause = (uint8_t)cause ;
  g->cause_code = code ;
  g->cause_slot = slot ;
  g->stop_started = mono_now() ;
  g->grace_deadline = NEVER ;
  g->scripts = SCRIPTS_TO_COME ;
  if (seq) g->seq = seq ;
  global_commit() ;
  /* the script whose end asks for the stop is settled with it */
  if (g->script_state == SCRIPT_NONE) ledger->script_pid = 0 ;
  ring_add(NO_SLOT, g->step, STEPS, cause, code) ;
  control_tell() ;
  timer_set(TIMER_CMD_WAIT, NEVER) ;
  outside_stopping() ;
  stop_advance() ;
}

void stop_now (void)
{
  if (!global_now()->stop) stop_request(CAUSE_CONTROL, 0, NO_SLOT, 0) ;
  enter(STOP_OVER) ;
  stop_advance() ;
}

/* ---- services on their way down */

static void count_stopped (uint32_t i)
{
  struct global *g = global_draft() ;
  int64_t took = mono_now() - g->stop_started ;
  g->stopped++ ;
  if (took > g->slowest_ns)
  {
    g->slowest_ns = took ;
    g->slowest_slot = i ;
  }
  global_commit() ;
}

/* Who has ended for good may still be sent letters, as its supervisor is there until the very end; but they
   change nothing, and no longer wake us. To let go of all at once is a good part of the end of a stop. */
void stop_service_changed (uint32_t i, enum service_state from)
{
  struct slot const *s = slot_at(i) ;
  int was = state_is_live(from), is = s->used && state_is_live((enum service_state)slot_now(s)->state) ;
  if (global_now()->stop < STOP_SERVICES) return ;
  if (i == ledger->catchall)
  {
    if (was && !is) stop_advance() ;
    return ;
  }
  if (is && !was) live++ ;
  if (was && !is && (live || resuming))
  {
    live -= !resuming ;
    count_stopped(i) ;
  }
  if (s->logger != NO_SLOT && is_over(s)) release_logger(s->logger) ;
  if (has_ended(s)) loop_unwatch(s->control_fd) ;
  if (!live) stop_advance() ;
}

void stop_stage_again (void)
{
  resuming = 1 ;
  if (global_now()->scripts == SCRIPTS_RUNNING) stage_open(&cont_finish_d, global_now()->script) ;
}

void stop_resume (void)
{
  resuming = 0 ;
  if (!global_now()->stop) return ;
  if (global_now()->stop >= STOP_SERVICES) begin_services() ;
  if (global_now()->grace_deadline != PASSED) timer_set(TIMER_GRACE, global_now()->grace_deadline) ;
  else rc_abandon_legacy() ;
  if (global_now()->stop == STOP_LOGGER && ledger->catchall != NO_SLOT) end_logger() ;
  if (global_now()->scripts == SCRIPTS_RUNNING)
  {
    int64_t limit = conf_ms("S6_KILL_FINISH_MAXTIME", DEFAULT_FINISH_MAXTIME) ;
    if (stage_resume(&cont_finish_d, limit) == STAGE_OVER) next_script() ;
    timer_set(TIMER_SCRIPT, global_now()->script_deadline) ;
  }
  stop_advance() ;
}
