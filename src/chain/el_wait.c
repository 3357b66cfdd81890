/* ISC license. */

/* wait: for children that the process has from before it was exec'ed, and then a command. */

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include <skalibs/djbunix.h>
#include <skalibs/env.h>
#include <skalibs/exec.h>
#include <skalibs/genalloc.h>
#include <skalibs/sig.h>
#include <skalibs/strerr.h>
#include <skalibs/stralloc.h>
#include <skalibs/tai.h>
#include <skalibs/types.h>

#include "el.h"

#define USAGE "wait [ -I | -i ] [ -a | -o ] [ -r | -t timeout ] { pids... } [ prog... ]"

enum { STRICT = 0x1, ONE = 0x2, ATONCE = 0x4 } ;

#define NOTCHILD 127

typedef struct target_s
{
  pid_t pid ;
  int code ;  /* its exit code, or NOTCHILD; -1 as long as it runs */
} target ;

typedef struct vigil_s
{
  genalloc targets ;  /* target; none means every child */
  unsigned int one ;  /* the first that dies is enough */
  target last ;       /* what died last */
} vigil ;

/* Reaps PID, -1 for any child, if it is dead. Returns 1 then; 0 if it runs; -1 if it is no child of ours. */
static int reap (vigil *v, pid_t pid)
{
  int status ;
  pid_t r = waitpid_nointr(pid, &status, WNOHANG) ;
  if (r < 0 && errno != ECHILD) strerr_diefusys(111, "wait") ;
  if (r <= 0) return r < 0 ? -1 : 0 ;
  v->last.pid = r ;
  v->last.code = wait_estatus(status) ;
  return 1 ;
}

static int reap_any (vigil *v)
{
  for (;;)
  {
    int r = reap(v, -1) ;
    if (r < 0 || (r && v->one)) return 1 ;
    if (!r) return 0 ;
  }
}

/* What has died may be listed more than once. */
static void record (vigil *v)
{
  target *t = genalloc_s(target, &v->targets) ;
  for (size_t i = 0 ; i < genalloc_len(target, &v->targets) ; i++)
    if (t[i].pid == v->last.pid) t[i].code = v->last.code ;
}

static int reap_listed (vigil *v)
{
  target *t = genalloc_s(target, &v->targets) ;
  int done = 1 ;
  for (size_t i = 0 ; i < genalloc_len(target, &v->targets) ; i++)
  {
    int r ;
    if (t[i].code >= 0) continue ;
    r = reap(v, t[i].pid) ;
    if (!r) done = 0 ;
    if (r < 0) t[i].code = NOTCHILD ;
    if (r <= 0) continue ;
    t[i].code = v->last.code ;
    record(v) ;
    if (v->one) return 1 ;
  }
  return done ;
}

/* Returns whether there is nothing more to wait for. */
static int look (vigil *v)
{
  return v->targets.len ? reap_listed(v) : reap_any(v) ;
}

/* Waits for a SIGCHLD, until DEADLINE if there is one. Returns 0 if that has come. */
static int pause_until (sigset_t const *set, tain const *deadline)
{
  struct timespec ts ;
  tain left ;
  if (!deadline) return sigwaitinfo(set, 0) >= 0 || errno == EINTR ;
  tain_now_g() ;
  if (!tain_future(deadline)) return 0 ;
  tain_sub(&left, deadline, &STAMP) ;
  if (!timespec_from_tain_relative(&ts, &left)) strerr_diefusys(111, "iopause") ;
  return sigtimedwait(set, 0, &ts) >= 0 || errno == EINTR ;
}

/* Keeps watch until all is over, or for MS milliseconds. Returns 0 if these were not enough. */
static int watch (vigil *v, unsigned int const *ms)
{
  struct sigaction const dfl = { .sa_handler = SIG_DFL } ;
  struct sigaction sa ;
  sigset_t set, mask ;
  tain deadline, tto ;
  int done ;
  if (ms)
  {
    tain_now_set_stopwatch_g() ;
    tain_uint(&tto, *ms / 1000) ;
    tto.nano = *ms % 1000 * 1000000 ;
    tain_add_g(&deadline, &tto) ;
  }
  sigemptyset(&set) ;
  sigaddset(&set, SIGCHLD) ;
  /* with SIGCHLD ignored, which is inherited, there would be neither signals nor zombies */
  if (sigaction(SIGCHLD, &dfl, &sa) < 0 || sigprocmask(SIG_BLOCK, &set, &mask) < 0)
    strerr_diefusys(111, "trap SIGCHLD") ;
  while (!(done = look(v)) && pause_until(&set, ms ? &deadline : 0)) ;
  sigaction(SIGCHLD, &sa, 0) ;
  sigprocmask(SIG_SETMASK, &mask, 0) ;
  return done ;
}

static void read_pids (vigil *v, el_words const *w)
{
  for (int i = 0 ; i < w->n ; i++)
  {
    target t = { .pid = 0, .code = -1 } ;
    if (!pid0_scan(w->v[i], &t.pid)) strerr_dieusage(100, USAGE) ;
    if (!genalloc_append(target, &v->targets, &t)) strerr_diefusys(111, "stralloc_catb") ;
  }
}

/* Execs ARGV; with -o, with what is known of the child that died in ! and ?. */
static void go_on (vigil const *v, char const *const *argv) gccattr_noreturn ;
static void go_on (vigil const *v, char const *const *argv)
{
  stralloc modifs = STRALLOC_ZERO ;
  char pid[PID_FMT], code[INT_FMT] ;
  int known = v->last.pid > 0 ;
  if (!v->one) xexec0(argv) ;
  pid[pid_fmt(pid, v->last.pid)] = 0 ;
  code[int_fmt(code, v->last.code)] = 0 ;
  if (!env_addmodif(&modifs, "!", known ? pid : 0) || !env_addmodif(&modifs, "?", known ? code : 0))
    strerr_diefusys(111, "update environment") ;
  xmexec0_m(argv, modifs.s, modifs.len) ;
}

/* The exit code that POSIX wants where there was no block, so that there is no command to go on with. */
static int posix_code (vigil const *v, int done)
{
  size_t n = genalloc_len(target, &v->targets) ;
  if (!done) return NOTCHILD ;
  if (v->one) return v->last.pid > 0 ? v->last.code : NOTCHILD ;
  return n ? genalloc_s(target, &v->targets)[n-1].code : 0 ;
}

int el_wait_main (int argc, char const *const *argv)
{
  el_words w = EL_WORDS(argc, argv) ;
  vigil v = { .targets = GENALLOC_ZERO, .one = 0, .last = { .pid = 0, .code = NOTCHILD } } ;
  char const *arg = 0 ;
  el_words pids ;
  unsigned int flags, ms = 0 ;
  int has_block, done ;
  el_option const options[] =
  {
    { .letter = 'I', .clear = STRICT },
    { .letter = 'i', .set = STRICT },
    { .letter = 'a', .clear = ONE },
    { .letter = 'o', .set = ONE },
    { .letter = 'r', .set = ATONCE },
    { .letter = 't', .clear = ATONCE, .arg = &arg }
  } ;
  flags = el_options(&w, USAGE, 0, EL_OPTIONS(options)) ;
  if (arg && !uint0_scan(arg, &ms)) strerr_dieusage(100, USAGE) ;
  if (flags & ATONCE) ms = 0 ;
  has_block = el_tryblock(&w, &pids) ;
  if (!has_block) pids = w ;
  v.one = flags & ONE ;
  read_pids(&v, &pids) ;
  done = watch(&v, arg || flags & ATONCE ? &ms : 0) ;
  if (!done && flags & STRICT)
  {
    errno = ETIMEDOUT ;
    strerr_diefusys(99, "wait") ;
  }
  if (has_block) go_on(&v, w.v) ;
  return posix_code(&v, done) ;
}
