/* ISC license. */

/* Starting programs for the execline commands: as a child, or in place of ourselves. */

#include <errno.h>
#include <unistd.h>
#include <sys/wait.h>

#include <skalibs/djbunix.h>
#include <skalibs/env.h>
#include <skalibs/exec.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>
#include <skalibs/unix-transactional.h>

#include <execline/execline.h>

#include "el.h"

char const **el_split (stralloc const *strings, size_t n)
{
  genalloc v = GENALLOC_ZERO ;  /* char const * */
  if (!genalloc_ready(char const *, &v, n + 1)
   || !env_make(genalloc_s(char const *, &v), n, strings->s, strings->len))
    strerr_diefusys(111, "make argv") ;
  genalloc_s(char const *, &v)[n] = 0 ;
  return genalloc_s(char const *, &v) ;
}

char const **el_pushed (char const *const *prefixes, size_t n, size_t *len)
{
  char const *const *envp = (char const *const *)environ ;
  stralloc sa = STRALLOC_ZERO ;
  *len = env_len(envp) ;
  if (el_pushenv(&sa, envp, *len, prefixes, n) < 0) strerr_diefusys(111, "update environment") ;
  return el_split(&sa, *len) ;
}

char const **el_popped (char const *const *prefixes, size_t n)
{
  char const *const *envp = (char const *const *)environ ;
  stralloc sa = STRALLOC_ZERO ;
  size_t len = env_len(envp) ;
  int gone = el_popenv(&sa, envp, len, prefixes, n) ;
  if (gone < 0) strerr_diefusys(111, "pop environment") ;
  return el_split(&sa, len - (size_t)gone) ;
}

pid_t el_tryspawn (char const *const *argv, char const *const *envp)
{
  pid_t pid ;
  if (argv[0]) return child_spawn0(argv[0], argv, envp) ;
  pid = fork() ;
  if (!pid) _exit(0) ;
  return pid < 0 ? 0 : pid ;
}

pid_t el_spawn (char const *const *argv)
{
  pid_t pid = el_tryspawn(argv, (char const *const *)environ) ;
  if (!pid) strerr_diefusys(111, "spawn ", argv[0] ? argv[0] : "an empty block") ;
  return pid ;
}

pid_t el_spawnpipe (char const *const *argv, int *fd, int to)
{
  int p[2] ;
  pid_t pid ;
  if (argv[0])
  {
    pid = child_spawn1_pipe(argv[0], argv, (char const *const *)environ, fd, to) ;
    if (!pid) strerr_diefusys(111, "spawn ", argv[0]) ;
    return pid ;
  }
  if (pipecoe(p) < 0) strerr_diefusys(111, "create pipe") ;
  pid = el_spawn(argv) ;
  fd_close(p[to]) ;
  *fd = p[!to] ;
  return pid ;
}

void el_dienospawn (char const *name, char const *what)
{
  if (name[0] != ' ') strerr_diefusys(111, "spawn ", name) ;
  strerr_diefu(111, "spawn ", name, ": name begins with a space, are you trying to spawn a block as your ", what, "?") ;
}

pid_t el_spawnorphan (char const *const *argv, char const *prog)
{
  pid_t pid = doublefork() ;
  if (pid < 0) strerr_diefusys(111, "doublefork") ;
  if (pid) return pid ;
  PROG = prog ;
  xexec0(argv) ;
}

int el_wait (pid_t pid)
{
  int status ;
  if (waitpid_nointr(pid, &status, 0) < 0)
  {
    char fmt[PID_FMT] ;
    fmt[pid_fmt(fmt, pid)] = 0 ;
    strerr_diefusys(111, "wait for ", fmt) ;
  }
  return status ;
}

void el_sequence (char const *const *block, char const *const *rest)
{
  int code = 127 ;
  pid_t pid = el_tryspawn(block, (char const *const *)environ) ;
  if (!pid) strerr_warnwusys("spawn ", block[0]) ;
  else
  {
    int status = el_wait(pid) ;
    code = wait_status(status) ;
  }
  el_execsetnum(rest, "?", code) ;
}

void el_execset (char const *const *argv, char const *name, char const *value)
{
  stralloc modif = STRALLOC_ZERO ;
  if (!env_addmodif(&modif, name, value)) strerr_diefusys(111, "update environment") ;
  xmexec0_m(argv, modif.s, modif.len) ;
}

void el_execsetnum (char const *const *argv, char const *name, long value)
{
  char fmt[LONG_FMT] ;
  fmt[long_fmt(fmt, value)] = 0 ;
  el_execset(argv, name, fmt) ;
}

void el_execimport (char const *const *argv, char const *name, char const *value, unsigned int import)
{
  el_subst s = EL_SUBST_ZERO ;
  if (!import) el_execset(argv, name, value) ;
  PROG = "importas" ;  /* as in execline, what fails from here on is importas */
  if (!value) strerr_dienotset(100, name) ;
  if (el_subst_word(&s, name, value) < 0 || !env_addmodif(&s.modifs, name, 0))
    strerr_diefusys(111, "substitute ", name) ;
  el_subst_execv(&s, argv) ;
}
