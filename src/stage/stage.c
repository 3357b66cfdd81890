/* ISC license. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <skalibs/env.h>
#include <skalibs/posixplz.h>

#include "names.h"
#include "stage.h"

#define RETRY MS(100)
#define WORDS_MAX 64

static struct
{
  struct stage const *st ;      /* 0: a single command */
  struct names names ;
  size_t next ;
  int64_t limit ;
  char const *const *argv ;     /* of the script under way */
  char path[PATH_MAX] ;
  char dir[512] ;               /* st->dir, or its counterpart in the runtime profile */
}
run = { .st = 0, .names = NAMES_ZERO, .next = 0, .limit = 0, .argv = 0, .path = "", .dir = "" } ;

/* ---- the list */

int stage_open (struct stage const *st, char const *after)
{
  stage_close() ;
  run.st = st ;
  strcpy(run.dir, conf_path(st->dir)) ;
  if (names_read(&run.names, run.dir, st->suffix, after) < 0)
  {
    int e = errno ;
    if (e == ENOENT) return 0 ;
    say_sys(SAY_ERROR, e, "unable to read ", run.dir) ;
    errno = e ;
    return -1 ;
  }
  if (st->first_line && !after[0] && names_count(&run.names)) say(SAY_INFO, st->first_line) ;
  return 0 ;
}

void stage_close (void)
{
  run.names.text.len = run.names.order.len = run.next = 0 ;
  run.st = 0 ;
}

/* ---- one script */

static char const *shell (void)
{
  static char const *found = 0 ;
  static char const *const where[] = { "/bin/bash", "/usr/bin/bash", "/usr/local/bin/bash" } ;
  for (size_t i = 0 ; !found && i < sizeof where / sizeof where[0] ; i++)
    if (access(where[i], X_OK) == 0) found = where[i] ;
  return found ? found : "/bin/sh" ;
}

static char const *exit_code (void)
{
  static char text[32] = "S6_STAGE2_EXITED=" ;
  number_text(text + sizeof "S6_STAGE2_EXITED=" - 1, exitcode_read()) ;
  return text ;
}

/* PATH alone, as the scripts of s6-overlay get it. */
static char const *const *bare_environment (void)
{
  static char const *v[ENV_BARE + 2] ;
  size_t n = env_bare(v) ;
  if (run.st->tells_exit_code) v[n++] = exit_code() ;
  v[n] = 0 ;
  return v ;
}

static char const *const *environment (void)
{
  if (!run.st || run.st->full_environment || ledger->keep_env) return (char const *const *)environ ;
  return bare_environment() ;
}

static void commit_start (char const *name, int64_t deadline)
{
  struct global *g = global_draft() ;
  strncpy(g->script, name, sizeof g->script - 1) ;
  g->script[sizeof g->script - 1] = 0 ;
  g->script_state = SCRIPT_RUNNING ;
  g->script_started = mono_now() ;
  g->script_deadline = deadline ;
  ledger->script_pid = 0 ;
  global_commit() ;
}

static void commit_deadline (int64_t deadline)
{
  struct global *g = global_draft() ;
  g->script_deadline = deadline ;
  global_commit() ;
}

static int64_t limit_from_now (void)
{
  return run.limit ? mono_after(mono_now(), run.limit) : NEVER ;
}

static enum stage_result fork_script (void)
{
  static int told = 0 ;
  struct spawn p ;
  memset(&p, 0, sizeof p) ;
  p.dir = ledger->workdir ;
  p.dir_fallback = "/" ;
  p.file = run.argv[0] ;
  p.argv = run.argv ;
  p.envp = environment() ;
  p.flags = SPAWN_SESSION | SPAWN_SEARCH ;
  p.in = p.out = p.err = p.extra_from = p.extra_to = p.lock_from = p.lock_to = -1 ;
  if (spawn(&p, &ledger->script_pid, &ledger->script_errno) > 0)
  {
    told = 0 ;
    return STAGE_RUNNING ;
  }
  if (!told++) say_sys(SAY_WARNING, errno, "unable to make a process for ", run.argv[0], ", trying again") ;
  commit_deadline(mono_after(mono_now(), RETRY)) ;
  return STAGE_RETRY ;
}

static void path_of (char const *name)
{
  size_t n = strlen(run.dir) ;
  memcpy(run.path, run.dir, n) ;
  run.path[n++] = '/' ;
  strncpy(run.path + n, name, sizeof run.path - n - 1) ;
}

static void argv_of_script (void)
{
  static char const *v[4] ;
  size_t n = 0 ;
  if (run.st->through_shell)
  {
    v[n++] = shell() ;
    v[n++] = "-e" ;
  }
  v[n++] = run.path ;
  v[n] = 0 ;
  run.argv = v ;
}

int stage_waiting (void)
{
  return run.next < names_count(&run.names) ;
}

enum stage_result stage_next (int64_t limit)
{
  char const *name ;
  if (run.next >= names_count(&run.names))
  {
    /* also when an exec came between the last script and here */
    if (run.st && run.st->last_line && (run.next || global_now()->script[0])) say(SAY_INFO, run.st->last_line) ;
    return STAGE_OVER ;
  }
  name = names_at(&run.names, run.next++) ;
  run.limit = limit ;
  path_of(name) ;
  argv_of_script() ;
  if (run.st->announce) say(SAY_INFO, "[", run.st->label, "] ", name, ": executing... ") ;
  commit_start(name, limit_from_now()) ;
  return fork_script() ;
}

enum stage_result stage_command (char const *name, char const *const *argv, int64_t limit)
{
  run.st = 0 ;
  run.argv = argv ;
  run.limit = limit ;
  commit_start(name, limit_from_now()) ;
  return fork_script() ;
}

enum stage_result stage_retry (void)
{
  commit_deadline(limit_from_now()) ;
  return fork_script() ;
}

enum stage_result stage_resume (struct stage const *st, int64_t limit)
{
  struct global const *g = global_now() ;
  run.limit = limit ;
  if (g->script_state == SCRIPT_NONE) return STAGE_OVER ;
  run.st = st ;
  path_of(g->script) ;
  argv_of_script() ;
  if (ledger->script_pid > 0) return STAGE_RUNNING ;
  return g->script_state == SCRIPT_RUNNING ? fork_script() : STAGE_OVER ;
}

static void tell_end (struct global const *g, int32_t wstat)
{
  char const *took = DURATION(mono_now() - g->script_started) ;
  char const *label = run.st ? run.st->label : "init" ;
  char why[400] ;
  if (ledger->script_errno)
    say(SAY_ERROR, "unable to execute ", run.argv ? run.argv[0] : g->script, ": ", exec_explain(AT_FDCWD, run.argv ? run.argv[0] : g->script, ledger->script_errno, why, sizeof why)) ;
  if (WIFSIGNALED(wstat))
    say(SAY_WARNING, label, "/", g->script, ": killed by ", SIGNAME(WTERMSIG(wstat)), g->script_state == SCRIPT_KILLED ? " because its time was over" : "", " after ", took) ;
  if (run.st && run.st->announce && WIFEXITED(wstat))
    say(SAY_INFO, "[", label, "] ", g->script, ": exited ", NUM(WEXITSTATUS(wstat)), ". (", took, ")") ;
}

void stage_ended (int32_t wstat)
{
  struct global *g = global_draft() ;
  tell_end(g, wstat) ;
  g->script_state = SCRIPT_NONE ;
  g->script_deadline = NEVER ;
  global_commit() ;
}

void stage_settled (uint32_t seq)
{
  struct global *g = global_draft() ;
  g->seq = seq ;
  global_commit() ;
  ledger->script_pid = 0 ;
}

void stage_term (int64_t kill_deadline)
{
  struct global *g = global_draft() ;
  g->script_state = SCRIPT_TERMED ;
  g->script_deadline = kill_deadline ;
  global_commit() ;
  signal_group(ledger->script_pid, SIGTERM) ;
  signal_group(ledger->script_pid, SIGCONT) ;
}

void stage_kill (void)
{
  struct global *g = global_draft() ;
  g->script_state = SCRIPT_KILLED ;
  g->script_deadline = NEVER ;
  global_commit() ;
  signal_group(ledger->script_pid, SIGKILL) ;
}
