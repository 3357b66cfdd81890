/* ISC license. */

/* dumpenv, printenv, env */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <skalibs/alloc.h>
#include <skalibs/bytestr.h>
#include <skalibs/djbunix.h>
#include <skalibs/env.h>
#include <skalibs/exec.h>
#include <skalibs/netstring.h>
#include <skalibs/posixplz.h>
#include <skalibs/stralloc.h>
#include <skalibs/strerr.h>

#include "portable.h"

#define DUMPENV_USAGE "s6-dumpenv [ -N | -n ] [ -m mode ] dir"
#define PRINTENV_USAGE "s6-printenv [ -n ] [ -0 | -d delim ]"
#define ENV_USAGE "s6-env [ -i ] [ name=value... ] [ prog... ]"

int s6dumpenv_main (int, char const *const *) ;
int s6printenv_main (int, char const *const *) ;
int s6env_main (int, char const *const *) ;

/* A name with a slash would lead out of the directory. No variable of a sane environment has
   one, and whatever else is there is wanted. */
static int is_file_name (char const *name, size_t len)
{
  return len && !memchr(name, '/', len) && strcmp(name, ".") && strcmp(name, "..") ;
}

static void dump (char const *dir, char const *variable, int newline)
{
  stralloc file = STRALLOC_ZERO, value = STRALLOC_ZERO ;
  size_t n = str_chr(variable, '=') ;
  portable_cat(&file, variable, n) ;
  portable_cat(&file, "", 1) ;
  if (!variable[n] || !is_file_name(file.s, n)) strerr_warnw("variable ", file.s, " left out: its name cannot be that of a file") ;
  else
  {
    portable_cat(&value, variable + n + 1, strlen(variable + n + 1)) ;
    if (newline) portable_cat(&value, "\n", 1) ;
    file.len = 0 ;
    portable_cat(&file, dir, strlen(dir)) ;
    portable_cat(&file, "/", 1) ;
    portable_cat(&file, variable, n) ;
    portable_cat(&file, "", 1) ;
    if (!openwritenclose_suffix(file.s, value.s, value.len, "=.tmp")) strerr_diefusys(111, "write to ", file.s) ;
  }
  stralloc_free(&file) ; stralloc_free(&value) ;
}

int s6dumpenv_main (int argc, char const *const *argv)
{
  enum { NEWLINE = 1, VERBATIM = 2, MODE = 4 } ;
  struct portable_options o = PORTABLE_OPTIONS_ZERO ;
  mode_t mode = 0755 ;
  struct stat st ;
  portable_getopt(&argc, &argv, "Nnm:", DUMPENV_USAGE, 1, &o) ;
  if (o.given & MODE) mode = portable_mode(o.arg[2], DUMPENV_USAGE) ;
  if (mkdir(argv[0], mode) < 0)
  {
    if (errno != EEXIST) strerr_diefusys(111, "mkdir ", argv[0]) ;
    if (stat(argv[0], &st) < 0) strerr_diefusys(111, "stat ", argv[0]) ;
    errno = ENOTDIR ;
    if (!S_ISDIR(st.st_mode)) strerr_diefusys(111, "dump to ", argv[0]) ;
  }
  for (char const *const *e = (char const *const *)environ ; *e ; e++) dump(argv[0], *e, o.given & NEWLINE) ;
  return 0 ;
}

static int print_environment (char const *const *envp, char delim, int last)
{
  for (; *envp ; envp++)
  {
    portable_puts(*envp) ;
    if (last || envp[1]) portable_put(&delim, 1) ;
  }
  return portable_finish() ;
}

static int print_netstrings (char const *const *envp)
{
  for (size_t written = 0 ; *envp ; envp++)
    if (!netstring_put(buffer_1, *envp, strlen(*envp), &written)) strerr_diefusys(111, "write to stdout") ;
  return portable_finish() ;
}

int s6printenv_main (int argc, char const *const *argv)
{
  enum { NO_LAST = 1, NULLS = 2, DELIMITER = 4 } ;
  struct portable_options o = PORTABLE_OPTIONS_ZERO ;
  char const *const *envp = (char const *const *)environ ;
  portable_getopt(&argc, &argv, "n0d:", PRINTENV_USAGE, 0, &o) ;
  if (o.given & NULLS) return print_environment(envp, 0, !(o.given & NO_LAST)) ;
  if (o.given & DELIMITER && !*o.arg[2]) return print_netstrings(envp) ;
  return print_environment(envp, o.given & DELIMITER ? *o.arg[2] : '\n', !(o.given & NO_LAST)) ;
}

static int print_modified (char const *const *envp, stralloc const *modifs, size_t n)
{
  size_t len = env_len(envp) + n + 1 ;
  char const **merged = alloc(len * sizeof(char const *)) ;
  if (!merged || !env_mergen(merged, len, envp, env_len(envp), modifs->s, modifs->len, n)) strerr_diefusys(111, "merge environment") ;
  return print_environment(merged, '\n', 1) ;
}

int s6env_main (int argc, char const *const *argv)
{
  static char const *const nothing[1] = { 0 } ;
  struct portable_options o = PORTABLE_OPTIONS_ZERO ;
  stralloc modifs = STRALLOC_ZERO ;
  char const *const *envp ;
  size_t n = 0 ;
  portable_getopt(&argc, &argv, "i", ENV_USAGE, 0, &o) ;
  for (; *argv && strchr(*argv, '=') ; argv++, n++) portable_cat(&modifs, *argv, strlen(*argv) + 1) ;
  envp = o.given ? nothing : (char const *const *)environ ;
  if (!*argv) return print_modified(envp, &modifs, n) ;
  /* the program is looked for in the PATH that it will have */
  for (size_t i = 0 ; i < modifs.len ; i += strlen(modifs.s + i) + 1)
    if (!strncmp(modifs.s + i, "PATH=", 5) && setenv("PATH", modifs.s + i + 5, 1) < 0) strerr_diefusys(111, "set PATH") ;
  envp = o.given ? nothing : (char const *const *)environ ;
  xmexec_aen(argv[0], argv, envp, modifs.s, modifs.len, n) ;
}
