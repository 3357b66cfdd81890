/* ISC license. */

/*
   The boot as a list of steps. Each step's begin() either is done at once or starts something
   whose end calls boot_script_ended(), boot_service_changed() or a deadline. A stop request
   drops the steps not yet begun.
*/

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "names.h"
#include "rc.h"
#include "svscan.h"

#define BUILD_STOP 99
#define DEFAULT_CMD_WAIT 5000

enum progress { DONE, PENDING } ;

struct step_entry
{
  char const *name ;
  enum progress (*begin) (void) ;
  struct stage const *stage ;                   /* of a step that runs a directory */
  void (*judge) (int32_t wstat, char const *, uint32_t seq) ; /* what a script's end means; may ask for the stop */
  int (*settled) (void) ;                       /* of a step that waits for services: is that over? */
} ;

static struct step_entry const steps[STEPS] ;
static int advancing = 0 ;

char const *step_name (enum step s)
{
  return s < STEPS ? steps[s].name : "unknown" ;
}

static struct step_entry const *present (void)
{
  return steps + global_now()->step ;
}

static void enter (enum step s)
{
  struct global *g = global_draft() ;
  g->step = (uint8_t)s ;
  g->script[0] = 0 ;
  global_commit() ;
  ring_add(NO_SLOT, s ? s - 1u : 0, s, 0, 0) ;
}

static void next_step (void)
{
  enter((enum step)(global_now()->step + 1)) ;
  boot_advance() ;
}

/* ---- S6_WAIT_FOR_CLOSING_FD: whoever started us closes it when all is in place */

static enum progress begin_start_fd (void)
{
  uint32_t fd = conf_uint("S6_WAIT_FOR_CLOSING_FD", 0, INT32_MAX) ;
  if (fd < 3) return DONE ;
  if (loop_watch((int)fd, LOOP_START_FD, fd) == 0) return PENDING ;
  say_sys(SAY_WARNING, errno, "unable to wait for the end of descriptor ", NUM(fd), " (S6_WAIT_FOR_CLOSING_FD), going on") ;
  return DONE ;
}

void boot_start_fd (int fd)
{
  char sink[256] ;
  ssize_t n = read(fd, sink, sizeof sink) ;
  if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR))) return ;
  loop_unwatch(fd) ;
  close(fd) ;
  if (!global_now()->stop && global_now()->step == STEP_START_FD) next_step() ;
}

/* ---- directories of scripts */

static struct stage const run_d =
{
  .dir = "/run.d", .label = "run.d", .suffix = ".sh", .through_shell = 1, .full_environment = 1, .announce = 1
} ;

static struct stage const cont_init_d =
{
  .dir = "/etc/cont-init.d", .label = "cont-init.d", .announce = 1,
  .first_line = "[cont-init.d] executing container initialization scripts...", .last_line = "[cont-init.d] done."
} ;

static enum progress pending_unless_over (enum stage_result r)
{
  if (r == STAGE_OVER) return DONE ;
  timer_set(TIMER_SCRIPT, global_now()->script_deadline) ;
  return PENDING ;
}

static enum progress begin_directory (void)
{
  if (stage_open(present()->stage, "") < 0)
  {
    if (!retry_passes(errno)) return DONE ;
    timer_set(TIMER_SCRIPT, mono_after(mono_now(), RETRY_PAUSE)) ;
    return PENDING ;
  }
  return pending_unless_over(stage_next(0)) ;
}

static enum progress begin_run_d (void)
{
  return ledger->skip_run_d ? DONE : begin_directory() ;
}

static void judge_run_d (int32_t wstat, char const *name, uint32_t seq)
{
  int code = exitcode_of(wstat) ;
  int stop = (int)conf_uint("SIGNAL_BUILD_STOP", BUILD_STOP, 255) ;
  if (!code) return ;
  if (code == stop) say(SAY_INFO, "[run.d] ", name, ": exited ", NUM(code), ": the container is to stop here, cleanly") ;
  else say(SAY_ERROR, "/run.d/", name, " ", WSTAT(wstat), ": the container stops with ", NUM(code)) ;
  stop_request(CAUSE_RUN_D, code == stop ? 0 : code, NO_SLOT, seq) ;
}

/* S6_BEHAVIOUR_IF_STAGE2_FAILS: 0 silent, 1 warn, 2 stop. */
static void judge_stage2 (int32_t wstat, char const *name, uint32_t seq)
{
  int code = exitcode_of(wstat) ;
  uint32_t behaviour ;
  if (!code) return ;
  behaviour = conf_uint("S6_BEHAVIOUR_IF_STAGE2_FAILS", 0, 2) ;
  if (behaviour) say(behaviour == 2 ? SAY_ERROR : SAY_WARNING, present()->name, "/", name, " ", WSTAT(wstat), behaviour == 2 ? ": the container stops (S6_BEHAVIOUR_IF_STAGE2_FAILS=2)" : ", going on") ;
  if (behaviour == 2) stop_request(CAUSE_STAGE2, code, NO_SLOT, seq) ;
}

/* The hook comes before the behaviour is asked for silence: its failure is always told. */
static void judge_hook (int32_t wstat, char const *name, uint32_t seq)
{
  int code = exitcode_of(wstat) ;
  (void)name ;
  if (!code) return ;
  if (conf_uint("S6_BEHAVIOUR_IF_STAGE2_FAILS", 0, 2) == 2)
  {
    say(SAY_ERROR, "S6_STAGE2_HOOK ", WSTAT(wstat), ": the container stops (S6_BEHAVIOUR_IF_STAGE2_FAILS=2)") ;
    stop_request(CAUSE_STAGE2, code, NO_SLOT, seq) ;
  }
  else say(SAY_WARNING, "S6_STAGE2_HOOK ", WSTAT(wstat), ", going on") ;
}

/* ---- single commands */

/* Split at blanks, no shell, found in PATH. */
static enum progress begin_hook (void)
{
  static char text[4096] ;
  static char const *words[65] ;
  size_t n = 0 ;
  char *p = text, *word ;
  if (!conf_text("S6_STAGE2_HOOK", text, sizeof text)) return DONE ;
  while (n < 64 && (word = strsep(&p, " \t"))) if (word[0]) words[n++] = word ;
  words[n] = 0 ;
  return n ? pending_unless_over(stage_command("S6_STAGE2_HOOK", words, 0)) : DONE ;
}

/* A program of its own: a tree on a hung file system must not stop PID 1. */
static enum progress begin_fix_attrs (void)
{
  static char const *const argv[] = { "fix-attrs", 0 } ;
  if (!dents_any(conf_path("/etc/fix-attrs.d"), 0)) return DONE ;
  return pending_unless_over(stage_command("fix-attrs", argv, 0)) ;
}

/* ---- generation (DESIGN "Generations") */

static int has_own_overlay (void)
{
  struct dents d ;
  char const *name ;
  int fd = openat(AT_FDCWD, "/package/admin", O_RDONLY | O_DIRECTORY | O_CLOEXEC), found ;
  if (fd < 0) return 0 ;
  found = faccessat(fd, "s6-overlay/etc", F_OK, 0) == 0 ;
  dents_start(&d, fd) ;
  while (!found && (name = dents_next(&d))) found = !strncmp(name, "s6-overlay-", 11) ;
  close(fd) ;
  return found ;
}

char const *generation_text (enum generation_why w)
{
  static char const *const texts[GENERATION_WHYS] =
  {
    [GENERATION_ASKED] = "S6_COMPAT says so",
    [GENERATION_S6_RC] = "it brings s6-overlay 3 or defines s6-rc services",
    [GENERATION_PLAIN] = "it defines no s6-rc service"
  } ;
  return w < GENERATION_WHYS ? texts[w] : "unknown" ;
}

static void choose_generation (void)
{
  char text[16] ;
  char const *wish = conf_text("S6_COMPAT", text, sizeof text) ;
  enum generation_why why = GENERATION_ASKED ;
  struct global *g = global_draft() ;
  if (wish && (!strcmp(wish, "2") || !strcmp(wish, "3"))) g->generation = (uint8_t)(wish[0] - '0') ;
  else
  {
    if (wish && strcmp(wish, "auto")) say(SAY_WARNING, "S6_COMPAT=", wish, " must be 2, 3 or auto: using auto") ;
    why = rc_has_definitions() || has_own_overlay() ? GENERATION_S6_RC : GENERATION_PLAIN ;
    g->generation = why == GENERATION_S6_RC ? 3 : 2 ;
  }
  ledger->generation_why = why ;
  global_commit() ;
  say(SAY_DETAIL, "image of generation ", NUM(g->generation), ": ", generation_text(why)) ;
}

/* ---- services */

static char const *legacy_dir (void)
{
  static char path[sizeof ledger->rundir + 32] ;
  strcpy(path, ledger->rundir) ;
  strcat(path, "/s6/legacy-services") ;
  return path ;
}

static void set_cmd_deadline (int64_t deadline)
{
  struct global *g = global_draft() ;
  g->cmd_deadline = deadline ;
  global_commit() ;
  timer_set(TIMER_CMD_WAIT, deadline) ;
}

/* As in s6-overlay 3, the time that fix-attrs.d and cont-init.d take counts. */
static void begin_clock (void)
{
  uint32_t ms = global_now()->generation == 3 ? conf_uint("S6_CMD_WAIT_FOR_SERVICES_MAXTIME", 0, INT32_MAX) : 0 ;
  if (!ms || global_now()->cmd_deadline) return ;
  set_cmd_deadline(mono_after(mono_now(), MS(ms))) ;
}

/* Everything that is wrong with the definitions is told before anything starts. */
static enum progress begin_check (void)
{
  if (rc_wanted() && rc_check())
  {
    say(SAY_ERROR, "the service definitions have errors: the container stops; mend all of the above") ;
    stop_request(CAUSE_STAGE2, 1, NO_SLOT, 0) ;
    return DONE ;
  }
  choose_generation() ;
  begin_clock() ;
  return rc_prepare("fix-attrs") ? DONE : PENDING ;
}

void boot_services_again (void)
{
  if (ledger->container) layout_missing(conf_path("/etc/services.d"), legacy_dir()) ;
}

static int ready_for_fix_attrs (void) { return rc_is_prepared("fix-attrs") ; }

static enum progress begin_needs (void)
{
  return rc_prepare("legacy-cont-init") ? DONE : PENDING ;
}

static int ready_for_cont_init (void) { return rc_is_prepared("legacy-cont-init") ; }

/* After an exec in mid-boot some services may be there already, and about to execute what is there: they are
   left alone. */
static void lay_out (void (*done) (struct fresh const *))
{
  if (ledger->faults || ledger->reexecs) boot_services_again() ;
  else layout_services(conf_path("/etc/services.d"), legacy_dir(), done) ;
}

static enum progress begin_services (void)
{
  if (rc_wanted())
  {
    lay_out(0) ;
    rc_begin() ;
    return DONE ;
  }
  /* where there are some already, the scan sorts it out */
  lay_out(ledger->slots > (ledger->catchall != NO_SLOT) ? 0 : &scan_take_up_new) ;
  scan_all() ;
  return DONE ;
}

/* ---- waiting for readiness before the CMD */

static enum progress no_more_waiting (void)
{
  timer_set(TIMER_CMD_WAIT, NEVER) ;
  return DONE ;
}

static uint32_t wait_cursor = 0 ;

/* Ready, or as ready as it will ever be. */
static int is_settled (uint32_t i)
{
  struct slot const *s = slot_at(i) ;
  struct slot_state const *c = slot_now(s) ;
  if (!slot_is_service(i)) return 1 ;
  if (c->state == DOWN || c->state == FATAL) return 1 ;
  if (c->state != UP) return 0 ;
  return c->settings.notification_fd < 0 || c->flags & IS_READY || !ledger->container ;
}

static int all_settled (void)
{
  if (ledger->dependencies) return rc_settled() ;
  while (wait_cursor < ledger->slots && is_settled(wait_cursor)) wait_cursor++ ;
  return wait_cursor == ledger->slots ;
}

/* The boot does not wait for every service; whoever runs the container wants to know when all of
   them are ready. */
static void tell_ready (void)
{
  if (ledger->told_ready || !ledger->container || !all_settled()) return ;
  ledger->told_ready = 1 ;
  outside_ready() ;
}

static int is_strict (void)
{
  return conf_uint("S6_BEHAVIOUR_IF_STAGE2_FAILS", 0, 2) == 2 ;
}

/* Boot scripts are waited for all the same: services may need what they do. */
static void tell_late (void)
{
  int waits = global_now()->step == STEP_WAIT ;
  char const *what = !waits ? present()->name : ledger->dependencies ? rc_pending() : slot_at(wait_cursor)->name ;
  char const *script = waits ? "" : global_now()->script ;
  say(SAY_ERROR, "services were not ready in time (S6_CMD_WAIT_FOR_SERVICES_MAXTIME): still waiting for ", what, script[0] ? "/" : "", script,
    is_strict() ? "; the container stops (S6_BEHAVIOUR_IF_STAGE2_FAILS=2)" : waits ? "; going on to the CMD" : "; after that the CMD runs without waiting for services") ;
  if (is_strict()) stop_request(CAUSE_STAGE2, 1, NO_SLOT, 0) ;
}

static enum progress begin_wait (void)
{
  wait_cursor = 0 ;
  if (!ledger->dependencies && (!options.cmd || !conf_uint("S6_CMD_WAIT_FOR_SERVICES", 0, 1))) return no_more_waiting() ;
  if (all_settled()) return no_more_waiting() ;
  if (!global_now()->cmd_deadline)
  {
    uint32_t ms = conf_uint("S6_CMD_WAIT_FOR_SERVICES_MAXTIME", global_now()->generation == 2 ? DEFAULT_CMD_WAIT : 0, INT32_MAX) ;
    set_cmd_deadline(ms ? mono_after(mono_now(), MS(ms)) : NEVER) ;
  }
  if (global_now()->cmd_deadline > mono_now()) return PENDING ;
  tell_late() ;   /* cont-init.d has used the time up */
  return no_more_waiting() ;
}

void boot_service_changed (void)
{
  struct step_entry const *step = present() ;
  if (global_now()->stop || advancing) return ;
  if (global_now()->step == STEP_RUNNING) tell_ready() ;
  if (!step->settled || !(*step->settled)()) return ;
  if (global_now()->step == STEP_WAIT) no_more_waiting() ;
  next_step() ;
}

void boot_wait_over (void)
{
  if (global_now()->stop) return ;
  tell_late() ;
  if (!global_now()->stop && global_now()->step == STEP_WAIT) next_step() ;
}

/* ---- CMD */

static enum progress begin_cmd (void)
{
  if (!options.cmd) return DONE ;
  service_publish(UINT_MAX) ;
  cmd_start() ;
  return DONE ;
}

static enum progress begin_running (void)
{
  if (!ledger->boot_ready)
  {
    ledger->boot_ready = mono_now() ;
    wait_cursor = 0 ;
    tell_ready() ;
  }
  control_tell() ;
  if (options.notify_fd >= 0)
  {
    service_publish(UINT_MAX) ;
    if (write(options.notify_fd, "\n", 1) < 0) say_sys(SAY_WARNING, errno, "unable to notify readiness") ;
    close(options.notify_fd) ;
    options.notify_fd = -1 ;
  }
  if (ledger->container) say(SAY_DETAIL, "boot took ", DURATION(ledger->boot_ready - ledger->boot_started)) ;
  return PENDING ;
}

/* ---- the list */

static struct step_entry const steps[STEPS] =
{
  [STEP_START_FD] = { "S6_WAIT_FOR_CLOSING_FD", &begin_start_fd, 0, 0, 0 },
  [STEP_RUN_D] = { "run.d", &begin_run_d, &run_d, &judge_run_d, 0 },
  [STEP_HOOK] = { "S6_STAGE2_HOOK", &begin_hook, 0, &judge_hook, 0 },
  [STEP_CHECK] = { "service definitions", &begin_check, 0, 0, &ready_for_fix_attrs },
  [STEP_FIX_ATTRS] = { "fix-attrs.d", &begin_fix_attrs, 0, &judge_stage2, 0 },
  [STEP_NEEDS] = { "what cont-init.d needs", &begin_needs, 0, 0, &ready_for_cont_init },
  [STEP_CONT_INIT] = { "cont-init.d", &begin_directory, &cont_init_d, &judge_stage2, 0 },
  [STEP_SERVICES] = { "services", &begin_services, 0, 0, 0 },
  [STEP_WAIT] = { "readiness", &begin_wait, 0, 0, &all_settled },
  [STEP_CMD] = { "CMD", &begin_cmd, 0, 0, 0 },
  [STEP_RUNNING] = { "running", &begin_running, 0, 0, 0 }
} ;

static int begin_step (void)
{
  int done ;
  advancing++ ;
  done = (*present()->begin)() == DONE ;
  advancing-- ;
  return done ;
}

void boot_advance (void)
{
  while (!global_now()->stop && begin_step())
    if (global_now()->stop || global_now()->step == STEP_RUNNING) return ;
    else enter((enum step)(global_now()->step + 1)) ;
}

void boot_script_ended (int32_t wstat, uint32_t seq)
{
  struct step_entry const *step = present() ;
  timer_set(TIMER_SCRIPT, NEVER) ;
  stage_ended(wstat) ;
  if (step->judge) (*step->judge)(wstat, global_now()->script, seq) ;
  if (global_now()->stop) return ;
  stage_settled(seq) ;
  if (step->stage && pending_unless_over(stage_next(0)) == PENDING) return ;
  stage_close() ;
  next_step() ;
}

/* The only deadline of a boot script: no process could be made for it, or its directory not read. */
void boot_script_deadline (void)
{
  if (global_now()->script_state == SCRIPT_NONE) boot_advance() ;
  else pending_unless_over(stage_retry()) ;
}

void boot_stage_again (void)
{
  struct stage const *stage = present()->stage ;
  if (stage && global_now()->script[0]) stage_open(stage, global_now()->script) ;
}

/* After an exec: the step under way is entered again at the script where it was. */
void boot_resume (void)
{
  struct step_entry const *step = present() ;
  struct global const *g = global_now() ;
  if (g->stop) return ;
  if (g->step == STEP_RUNNING && ledger->boot_ready)
  {
    tell_ready() ;
    return ;
  }
  if (g->step < STEP_WAIT && g->cmd_deadline) timer_set(TIMER_CMD_WAIT, g->cmd_deadline) ;
  if (g->step == STEP_WAIT && g->cmd_deadline && !all_settled())
  {
    timer_set(TIMER_CMD_WAIT, g->cmd_deadline) ;
    return ;
  }
  if (!g->script[0])
  {
    boot_advance() ;
    return ;
  }
  if (step->stage)
  {
    if (pending_unless_over(stage_resume(step->stage, 0)) == PENDING) return ;
    if (pending_unless_over(stage_next(0)) == PENDING) return ;
  }
  else if (ledger->script_pid > 0) return ;
  else if (g->script_state == SCRIPT_RUNNING)
  {
    boot_advance() ;
    return ;
  }
  next_step() ;
}
