/* ISC license. */

/*
   with-contenv PROG ARGS…: runs PROG in the environment of the container.

   Of the environment it is called in, PATH, S6_RUNDIR and SERVICE_* stay, unless the
   container has a variable of that name; all else is dropped, as in s6-overlay.

   In `#!/usr/bin/with-contenv bash -e` the kernel hands over "bash -e" as one argument, so a
   first argument with blanks is split into words, unless it is the path of a program.
*/

#include <string.h>
#include <unistd.h>

#include <skalibs/bytestr.h>
#include <skalibs/env.h>
#include <skalibs/exec.h>
#include <skalibs/sgetopt.h>
#include <skalibs/stralloc.h>
#include <skalibs/strerr.h>

#include "chain.h"

#define USAGE "with-contenv prog..."

int with_contenv_main (int, char const *const *) ;

static int is_kept (char const *entry)
{
  static char const *const starts[] = { "PATH=", "S6_RUNDIR=", "SERVICE_" } ;
  for (size_t i = 0 ; i < sizeof starts / sizeof *starts ; i++)
    if (!strncmp(entry, starts[i], strlen(starts[i]))) return 1 ;
  return 0 ;
}

static char const *const *new_environment (void)
{
  stralloc modif = STRALLOC_ZERO ;
  size_t const envlen = env_len((char const *const *)environ) ;
  char const **kept = chain_alloc(envlen + 1, sizeof(char const *)) ;
  char const **merged ;
  size_t n = 0, max ;
  for (size_t i = 0 ; i < envlen ; i++) if (is_kept(environ[i])) kept[n++] = environ[i] ;
  chain_read_contenv(&modif) ;
  max = n + byte_count(modif.s, modif.len, 0) + 1 ;
  merged = chain_alloc(max, sizeof(char const *)) ;
  env_merge(merged, max, kept, n, modif.s, modif.len) ;
  return merged ;
}

static char const *const *split_first (int argc, char const *const *argv)
{
  stralloc words = STRALLOC_ZERO ;
  char const **v ;
  size_t n ;
  if (!strpbrk(argv[0], " \t") || (strchr(argv[0], '/') && !access(argv[0], X_OK))) return argv ;
  n = chain_words(&words, argv[0]) ;
  if (!n) strerr_dieusage(100, USAGE) ;
  v = chain_alloc(n + (size_t)argc, sizeof(char const *)) ;
  env_make(v, n, words.s, words.len) ;
  memcpy(v + n, argv + 1, (size_t)argc * sizeof(char const *)) ; /* with the final null */
  return v ;
}

int with_contenv_main (int argc, char const *const *argv)
{
  subgetopt l = SUBGETOPT_ZERO ;
  if (subgetopt_r(argc, argv, "", &l) != -1) strerr_dieusage(100, USAGE) ;
  argc -= l.ind ; argv += l.ind ;
  if (!argc) strerr_dieusage(100, USAGE) ;
  argv = split_first(argc, argv) ;
  if (chain_keep_env()) xexec(argv) ;
  chain_exec_env(argv, new_environment()) ;
}
