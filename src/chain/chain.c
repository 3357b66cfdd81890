/* ISC license. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <execline/execline.h>

#include <skalibs/alloc.h>
#include <skalibs/config.h>
#include <skalibs/env.h>
#include <skalibs/exec.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "base/base.h"
#include "base/contenv.h"
#include "chain.h"

void chain_exec_env (char const *const *argv, char const *const *envp)
{
  char const *path = env_get2(envp, "PATH") ;
  char why[400] ;
  if (!path) path = SKALIBS_DEFAULTPATH ;
  if (strchr(argv[0], '/'))
  {
    errno = exec_file(argv[0], argv, envp) ;
    strerr_dief(errno == ENOENT ? 127 : 126, "unable to execute ", argv[0], ": ", exec_explain(AT_FDCWD, argv[0], errno, why, sizeof why)) ;
  }
  execvep(argv[0], argv, envp, path) ;
  if (errno != ENOENT) strerr_diefusys(126, "execute ", argv[0]) ;
  strerr_dief(127, "unable to find ", argv[0], ": it is in no directory of PATH, which is ", path) ;
}

void chain_exec_own (char const *const *argv, char const *const *envp)
{
  execve("/proc/self/exe", (char *const *)argv, (char *const *)envp) ;
  xexec_e(argv, envp) ;
}

size_t chain_words (stralloc *words, char const *text)
{
  static eltransforminfo_t const split = { .delim = " \t\n", .crunch = 1, .chomp = 1, .split = 1 } ;
  size_t start = words->len ;
  int n ;
  if (!stralloc_cats(words, text) || !stralloc_0(words)) strerr_diefusys(111, "split ", text) ;
  n = el_transform(words, start, &split) ;
  if (n < 0) strerr_diefusys(111, "split ", text) ;
  return (size_t)n ;
}

int chain_keep_env (void)
{
  char const *value = getenv("S6_KEEP_ENV") ;
  unsigned int n ;
  if (!value || !*value) return 0 ;
  if (uint0_scan(value, &n)) return !!n ;
  strerr_warnw("S6_KEEP_ENV is ", value, ", which is no number: taken as 0") ;
  return 0 ;
}

void chain_read_contenv (stralloc *modif)
{
  char culprit[CONTENV_NAME_SIZE] ;
  char const *dir = contenv_dir() ;
  if (contenv_read_culprit(dir, modif, culprit) == 0) return ;
  if (!culprit[0])
    strerr_diefusys(111, "read the container environment ", dir, " (is /init running in this container?)") ;
  if (errno == E2BIG)
    strerr_dief(111, "variable ", culprit, " in ", dir, " is longer than the 128 KiB that the kernel takes: shorten or remove that file") ;
  strerr_diefusys(111, "read ", dir, "/", culprit) ;
}

char const *chain_contenv_value (char const *name)
{
  static stralloc modif = STRALLOC_ZERO ;
  size_t const len = strlen(name) ;
  if (chain_keep_env()) return getenv(name) ;
  modif.len = 0 ;
  if (contenv_read(contenv_dir(), &modif) < 0) return 0 ;
  for (size_t i = 0 ; i < modif.len ; i += strlen(modif.s + i) + 1)
    if (!strncmp(modif.s + i, name, len) && modif.s[i + len] == '=') return modif.s + i + len + 1 ;
  return 0 ;
}

void *chain_alloc (size_t n, size_t size)
{
  void *p = alloc(n * size) ;
  if (!p) strerr_diefusys(111, "allocate memory") ;
  return p ;
}
