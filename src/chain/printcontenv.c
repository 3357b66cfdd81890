/* ISC license. */

/* printcontenv [NAME]: prints a variable of the container environment, or all of them in
   order as NAME=VALUE. Exits 1, saying nothing, if there is no such variable. */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <skalibs/buffer.h>
#include <skalibs/bytestr.h>
#include <skalibs/env.h>
#include <skalibs/stralloc.h>
#include <skalibs/strerr.h>

#include "chain.h"

#define USAGE "printcontenv [ name ]"

int printcontenv_main (int, char const *const *) ;

static void print_line (char const *line)
{
  if (buffer_puts(buffer_1, line) < 0 || buffer_put(buffer_1, "\n", 1) < 0) strerr_diefusys(111, "write to stdout") ;
}

static int by_name (void const *a, void const *b)
{
  return strcmp(*(char const *const *)a, *(char const *const *)b) ;
}

static void print_all (char const *const *envp)
{
  size_t n = env_len(envp) ;
  char const **sorted = chain_alloc(n + 1, sizeof(char const *)) ;
  memcpy(sorted, envp, n * sizeof(char const *)) ;
  qsort(sorted, n, sizeof(char const *), &by_name) ;
  for (size_t i = 0 ; i < n ; i++) print_line(sorted[i]) ;
}

static char const *const *contenv_environment (void)
{
  static char const *const none[1] = { 0 } ;
  stralloc modif = STRALLOC_ZERO ;
  char const **envp ;
  size_t n ;
  chain_read_contenv(&modif) ;
  n = byte_count(modif.s, modif.len, 0) ;
  envp = chain_alloc(n + 1, sizeof(char const *)) ;
  env_merge(envp, n + 1, none, 0, modif.s, modif.len) ;
  return envp ;
}

int printcontenv_main (int argc, char const *const *argv)
{
  char const *const *envp ;
  if (argc > 2) strerr_dieusage(100, USAGE) ;
  envp = chain_keep_env() ? (char const *const *)environ : contenv_environment() ;
  if (argc < 2) print_all(envp) ;
  else
  {
    char const *value = env_get2(envp, argv[1]) ;
    if (!value) return 1 ;
    print_line(value) ;
  }
  if (!buffer_flush(buffer_1)) strerr_diefusys(111, "write to stdout") ;
  return 0 ;
}
