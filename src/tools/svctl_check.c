/* ISC license. */

/*
   A service's own `check` script, asked by svctl health: exit code 0 says that the service
   works. All are asked at the same time, so that a probe takes as long as the slowest of them.

     check-timeout   ms for one answer (1000, 0 = no limit); then the script's group gets KILL
     check-retries   how often it is asked again before it counts as bad (1)
     check-interval  ms between a bad answer and the next question (0)

   Whoever probes decides how often that is. Nothing of this is PID 1's work.
*/

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <skalibs/djbunix.h>
#include <skalibs/env.h>
#include <skalibs/genalloc.h>
#include <skalibs/strerr.h>
#include <skalibs/tai.h>
#include <skalibs/types.h>

#include "listen.h"
#include "svctl.h"
#include "tools.h"

#define SCRIPT "check"
#define DEFAULT_TIMEOUT 1000
#define DEFAULT_RETRIES 1

struct check
{
  struct item const *item ;
  uint32_t timeout ;          /* ms; 0: none */
  uint32_t retries ;          /* left */
  uint32_t interval ;         /* ms */
  pid_t pid ;                 /* 0: it is not being asked */
  int pauses ;                /* until it is asked again; neither: answered for good */
  int64_t deadline ;          /* of the answer, or of the pause */
  int wstat ;                 /* of the last answer … */
  int late ;                  /* … which did not come */
} ;

static genalloc checks = GENALLOC_ZERO ;   /* struct check */
static char const *scandir ;

#define check_at(i) (genalloc_s(struct check, &checks) + (i))
#define checks_n() genalloc_len(struct check, &checks)

/* ---- settings */

static char const *path_of (stralloc *sa, struct check const *c, char const *file)
{
  stralloc dir = STRALLOC_ZERO ;
  char const *path = tool_path(sa, tool_path(&dir, scandir, c->item->name), file) ;
  stralloc_free(&dir) ;
  return path ;
}

static uint32_t setting (struct check const *c, char const *file, uint32_t dflt)
{
  stralloc path = STRALLOC_ZERO ;
  char text[64] ;
  uint32_t n = dflt ;
  if (setting_read(AT_FDCWD, path_of(&path, c, file), text, sizeof text) < 0)
  {
    if (errno != ENOENT) strerr_warnwusys("read ", path.s, ": using the default") ;
  }
  else if (!uint320_scan(text, &n) || n > INT32_MAX)
  {
    n = dflt ;
    strerr_warnw(path.s, " says \"", text, "\" but must be a number: using the default") ;
  }
  stralloc_free(&path) ;
  return n ;
}

/* ---- one question */

/* What is said goes where our own complaints go: our stdout is one line for a bad service. */
static void become (char const *dir, char const *const *envp)
{
  static char const *const argv[] = { "./" SCRIPT, 0 } ;
  sigset_t none ;
  int null = open("/dev/null", O_RDONLY) ;
  /* a probe that is killed for being late leaves no script behind */
  prctl(PR_SET_PDEATHSIG, SIGKILL) ;
  setsid() ;
  sigemptyset(&none) ;
  sigprocmask(SIG_SETMASK, &none, 0) ;
  signal(SIGPIPE, SIG_DFL) ;
  if (null < 0 || dup2(null, 0) < 0 || dup2(2, 1) < 0 || chdir(dir) < 0) _exit(EXIT_SYSTEM) ;
  errno = exec_file(argv[0], argv, envp) ;
  int missing = errno == ENOENT ;
  strerr_warnwusys("execute ", dir, "/" SCRIPT) ;
  _exit(missing ? EXIT_NOT_FOUND : EXIT_CANNOT_EXEC) ;
}

/* NAME=VALUE, unless there is no value. */
static void add_variable (stralloc *env, size_t *n, char const *name, char const *value)
{
  if (!value) return ;
  if (!env_addmodif(env, name, value)) listen_diefusys(EXIT_SYSTEM, "allocate memory") ;
  (*n)++ ;
}

/* As its other scripts have it: PATH as PID 1 has it, and what the service is called. */
static char const *const *environment_of (struct check const *c)
{
  static stralloc env = STRALLOC_ZERO ;
  static char const *envp[5] ;
  char const *at = strchr(c->item->name, '@') ;
  size_t n = 0 ;
  env.len = 0 ;
  add_variable(&env, &n, "PATH", tool_variable("PATH")) ;
  add_variable(&env, &n, "S6_RUNDIR", tool_variable("S6_RUNDIR")) ;
  add_variable(&env, &n, "SERVICE_NAME", c->item->name) ;
  add_variable(&env, &n, "SERVICE_INSTANCE", at && at[1] ? at + 1 : 0) ;
  env_make(envp, n, env.s, env.len) ;
  envp[n] = 0 ;
  return envp ;
}

static void ask (struct check *c)
{
  stralloc dir = STRALLOC_ZERO ;
  char const *const *envp = environment_of(c) ;
  tool_path(&dir, scandir, c->item->name) ;
  c->late = 0 ;
  c->pid = fork() ;
  if (c->pid < 0) listen_diefusys(EXIT_SYSTEM, "fork for ", dir.s, "/" SCRIPT) ;
  if (!c->pid) become(dir.s, envp) ;
  c->deadline = c->timeout ? mono_after(mono_now(), MS(c->timeout)) : NEVER ;
  stralloc_free(&dir) ;
}

static int is_bad (struct check const *c)
{
  return c->late || !WIFEXITED(c->wstat) || WEXITSTATUS(c->wstat) ;
}

static void answered (struct check *c)
{
  c->pid = 0 ;
  if (!is_bad(c) || !c->retries) return ;
  c->retries-- ;
  if (!c->interval)
  {
    ask(c) ;
    return ;
  }
  c->pauses = 1 ;
  c->deadline = mono_after(mono_now(), MS(c->interval)) ;
}

static int is_open (struct check const *c)
{
  return c->pid || c->pauses ;
}

/* ---- all at once */

static int on_child (int i, char const *s, size_t len, void *data)
{
  (void)s, (void)len, (void)data ;
  if (i != LISTEN_CHILD) return 0 ;
  for (size_t k = 0 ; k < checks_n() ; k++)
    if (check_at(k)->pid && wait_pid_nohang(check_at(k)->pid, &check_at(k)->wstat) > 0) answered(check_at(k)) ;
  return 1 ;
}

static void pause_over (struct check *c)
{
  c->pauses = 0 ;
  ask(c) ;
}

/* It may be stuck in the kernel: its end is not waited for. */
static void give_up (struct check *c)
{
  kill(-c->pid, SIGKILL) ;
  kill(c->pid, SIGKILL) ;
  c->late = 1 ;
  answered(c) ;
}

static void on_deadlines (void)
{
  int64_t now = mono_now() ;
  for (size_t k = 0 ; k < checks_n() ; k++)
  {
    struct check *c = check_at(k) ;
    if (!is_open(c) || c->deadline > now) continue ;
    if (c->pauses) pause_over(c) ;
    else give_up(c) ;
  }
}

/* The earliest deadline of those that are still asked: 0 when there are none. */
static int still_asked (int64_t *earliest)
{
  int any = 0 ;
  *earliest = NEVER ;
  for (size_t k = 0 ; k < checks_n() ; k++)
  {
    if (!is_open(check_at(k))) continue ;
    any = 1 ;
    if (check_at(k)->deadline < *earliest) *earliest = check_at(k)->deadline ;
  }
  return any ;
}

static void put_bad (stralloc *page, struct check const *c)
{
  text_shown(page, c->item->name) ;
  text_s(page, ": check ") ;
  if (!c->late) text_s(page, WSTAT(c->wstat)) ;
  else
  {
    text_s(page, "gave no answer in ") ;
    text_n(page, c->timeout) ;
    text_s(page, " ms") ;
  }
  text_s(page, "\n") ;
}

void check_add (struct view const *v, struct item const *it)
{
  stralloc path = STRALLOC_ZERO ;
  struct check c = { .item = it } ;
  scandir = v->dir ;
  if (access(path_of(&path, &c, SCRIPT), F_OK) == 0)
  {
    c.timeout = setting(&c, "check-timeout", DEFAULT_TIMEOUT) ;
    c.retries = setting(&c, "check-retries", DEFAULT_RETRIES) ;
    c.interval = setting(&c, "check-interval", 0) ;
    if (!genalloc_append(struct check, &checks, &c)) strerr_diefusys(EXIT_SYSTEM, "allocate memory") ;
  }
  stralloc_free(&path) ;
}

int check_all (stralloc *page)
{
  int64_t earliest ;
  tain deadline ;
  int bad = 0 ;
  if (!checks_n()) return 0 ;
  if (!listen_start()) strerr_diefusys(EXIT_SYSTEM, "prepare for signals") ;
  for (size_t k = 0 ; k < checks_n() ; k++) ask(check_at(k)) ;
  while (still_asked(&earliest))
  {
    deadline_at(&deadline, earliest) ;
    if (listen_wait(&deadline, &on_child, 0) < 0) listen_diefusys(EXIT_SYSTEM, "wait for checks") ;
    on_deadlines() ;
  }
  listen_end() ;
  for (size_t k = 0 ; k < checks_n() ; k++) if (is_bad(check_at(k)))
  {
    bad = 1 ;
    put_bad(page, check_at(k)) ;
  }
  return bad ;
}
