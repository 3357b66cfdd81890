/* ISC license. */

/* The environment: export, unexport, emptyenv, getcwd, getpid, backtick, withstdinas, homeof. */

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/wait.h>

#include <skalibs/buffer.h>
#include <skalibs/djbunix.h>
#include <skalibs/env.h>
#include <skalibs/exec.h>
#include <skalibs/posixplz.h>
#include <skalibs/strerr.h>
#include <skalibs/stralloc.h>
#include <skalibs/types.h>

#include "el.h"

#define IMPORT 0x1

#define IMPORT_OPTIONS \
    { .letter = 'E', .set = IMPORT }, \
    { .letter = 'e', .clear = IMPORT }

static void check_plain_name (char const *name)
{
  if (strchr(name, '=')) strerr_dief(100, "invalid variable name: ", name) ;
}

int el_export_main (int argc, char const *const *argv)
{
  el_words w = EL_WORDS(argc, argv) ;
  char const *name ;
  el_need(&w, "export variable value prog...", 3) ;
  name = el_next(&w) ;
  check_plain_name(name) ;
  el_execset(w.v + 1, name, w.v[0]) ;
}

int el_unexport_main (int argc, char const *const *argv)
{
  el_words w = EL_WORDS(argc, argv) ;
  char const *name ;
  el_need(&w, "unexport variable prog...", 2) ;
  name = el_next(&w) ;
  check_plain_name(name) ;
  el_execset(w.v, name, 0) ;
}

 /* ---------------------------------------------------------------- emptyenv */

enum { PATH = 0x1, CLEAN = 0x2, OPTIONS = 0x4, PARAMETERS = 0x8 } ;

/* What execline's own variables are called, and what they begin with. */
static char const *const own_names[] = { "!", "?" } ;
static char const *const own_prefixes[] =
{
  "#", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "FD", "ELGETOPT_", "EXECLINE_"
} ;
static char const *const option_prefixes[] = { "ELGETOPT_" } ;

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

static int is_own (char const *variable)
{
  size_t len = strcspn(variable, "=") ;
  for (size_t i = 0 ; i < COUNT(own_names) ; i++)
    if (len == strlen(own_names[i]) && !strncmp(variable, own_names[i], len)) return 1 ;
  for (size_t i = 0 ; i < COUNT(own_prefixes) ; i++)
    if (!strncmp(variable, own_prefixes[i], strlen(own_prefixes[i]))) return 1 ;
  return 0 ;
}

static void exec_clean (char const *const *argv) gccattr_noreturn ;
static void exec_clean (char const *const *argv)
{
  stralloc modifs = STRALLOC_ZERO ;
  for (char **p = environ ; *p ; p++)
    if (is_own(*p) && (!stralloc_catb(&modifs, *p, strcspn(*p, "=")) || !stralloc_0(&modifs)))
      strerr_diefusys(111, "clean up environment") ;
  xmexec_m(argv, modifs.s, modifs.len) ;
}

int el_emptyenv_main (int argc, char const *const *argv)
{
  char const *envp[2] = { 0, 0 } ;
  el_words w = EL_WORDS(argc, argv) ;
  unsigned int flags ;
  el_option const options[] =
  {
    { .letter = 'p', .set = PATH },
    { .letter = 'c', .set = CLEAN },
    { .letter = 'o', .set = OPTIONS },
    { .letter = 'P', .set = PARAMETERS }
  } ;
  flags = el_options(&w, "emptyenv [ -p | -c | -o | -P ] prog...", 1, EL_OPTIONS(options)) ;
  if (flags & CLEAN) exec_clean(w.v) ;
  if (flags & OPTIONS) environ = (char **)el_popped(option_prefixes, COUNT(option_prefixes)) ;
  if (flags & PARAMETERS) environ = (char **)el_popped(el_parameters, EL_NPARAMETERS) ;
  if (flags & (OPTIONS | PARAMETERS)) xexec(w.v) ;
  if (flags & PATH)
    for (char **p = environ ; *p ; p++)
      if (!strncmp(*p, "PATH=", 5)) envp[0] = *p ;
  xexec_e(w.v, envp) ;
}

 /* ---------------------------------------------------------------- getcwd, getpid */

int el_getcwd_main (int argc, char const *const *argv)
{
  el_words w = EL_WORDS(argc, argv) ;
  stralloc sa = STRALLOC_ZERO ;
  char const *name ;
  unsigned int flags ;
  el_option const options[] = { IMPORT_OPTIONS } ;
  flags = el_options(&w, "getcwd [ -E | -e ] variable prog...", 2, EL_OPTIONS(options)) ;
  name = el_next(&w) ;
  el_checkname(name) ;
  if (sagetcwd(&sa) < 0 || !stralloc_0(&sa)) strerr_diefusys(111, "getcwd") ;
  el_execimport(w.v, name, sa.s, flags & IMPORT) ;
}

#define PARENT 0x2

int el_getpid_main (int argc, char const *const *argv)
{
  el_words w = EL_WORDS(argc, argv) ;
  char fmt[PID_FMT] ;
  char const *name ;
  unsigned int flags ;
  el_option const options[] =
  {
    IMPORT_OPTIONS,
    { .letter = 'P', .set = PARENT },
    { .letter = 'p', .clear = PARENT }
  } ;
  flags = el_options(&w, "getpid [ -E | -e ] [ -P | -p ] variable prog...", 2, EL_OPTIONS(options)) ;
  name = el_next(&w) ;
  el_checkname(name) ;
  fmt[pid_fmt(fmt, flags & PARENT ? getppid() : getpid())] = 0 ;
  el_execimport(w.v, name, fmt, flags & IMPORT) ;
}

 /* ---------------------------------------------------------------- backtick, withstdinas */

enum
{
  VERBATIM = 0x02,                                          /* -N */
  INSIST = 0x04, LOOSE = 0x08, UNSET = 0x10, DEFAULT = 0x20,  /* -i, -I, -x, -D */
  UNSUITABLE = 0x3c
} ;

/* Ends SA as a value, less one newline unless verbatim. */
static void end_value (stralloc *sa, unsigned int flags)
{
  if (sa->len && sa->s[sa->len-1] == '\n' && !(flags & VERBATIM)) sa->len-- ;
  if (!stralloc_0(sa)) strerr_diefusys(111, "slurp") ;
}

static void slurp_or_die (stralloc *sa, int fd)
{
  if (!slurp(sa, fd)) strerr_diefusys(111, "slurp") ;
}

static int has_nul (stralloc const *sa)
{
  return sa->len && memchr(sa->s, 0, sa->len) ;
}

/* What is wrong with a command that wrote OUT and ended with STATUS, or 0. */
static char const *complaint (stralloc const *out, int status)
{
  if (WIFSIGNALED(status)) return "child process crashed" ;
  if (status) return "child process exited non-zero" ;
  return has_nul(out) ? "child process output contained a null character" : 0 ;
}

int el_backtick_main (int argc, char const *const *argv)
{
  el_words w = EL_WORDS(argc, argv) ;
  stralloc sa = STRALLOC_ZERO ;
  char const *value = 0 ;
  char const *name, *what ;
  el_words block ;
  unsigned int flags ;
  int fd, status ;
  pid_t pid ;
  el_option const options[] =
  {
    IMPORT_OPTIONS,
    { .letter = 'N', .set = VERBATIM },
    { .letter = 'n', .clear = VERBATIM },
    { .letter = 'i', .clear = UNSUITABLE, .set = INSIST },
    { .letter = 'I', .clear = UNSUITABLE, .set = LOOSE },
    { .letter = 'x', .clear = UNSUITABLE, .set = UNSET },
    { .letter = 'D', .clear = UNSUITABLE, .set = DEFAULT, .arg = &value }
  } ;
  flags = el_options(&w, "backtick [ -i | -I | -x | -D default ] [ -N | -n ] [ -E | -e ] var { prog... } remainder...", 2, EL_OPTIONS(options)) ;
  name = el_next(&w) ;
  el_checkname(name) ;
  block = el_block(&w, "block") ;
  if (!block.n) strerr_dief(100, "empty block") ;
  pid = el_spawnpipe(block.v, &fd, 1) ;
  slurp_or_die(&sa, fd) ;
  fd_close(fd) ;
  status = el_wait(pid) ;
  what = complaint(&sa, status) ;
  if (what && !(flags & (LOOSE | UNSET | DEFAULT))) strerr_dief(status ? wait_estatus(status) : 124, what) ;
  if (what && flags & (UNSET | DEFAULT))
  {
    if (!status) strerr_warnw(what) ;
    el_execimport(w.v, name, flags & DEFAULT ? value : 0, flags & IMPORT) ;
  }
  if (has_nul(&sa)) sa.len = strlen(sa.s) ;
  end_value(&sa, flags) ;
  el_execimport(w.v, name, sa.s, flags & IMPORT) ;
}

int el_withstdinas_main (int argc, char const *const *argv)
{
  el_words w = EL_WORDS(argc, argv) ;
  stralloc sa = STRALLOC_ZERO ;
  char const *value = 0 ;
  char const *name ;
  unsigned int flags ;
  el_option const options[] =
  {
    IMPORT_OPTIONS,
    { .letter = 'N', .set = VERBATIM },
    { .letter = 'n', .clear = VERBATIM },
    { .letter = 'i', .clear = UNSUITABLE, .set = INSIST },
    { .letter = 'I', .clear = UNSUITABLE, .set = UNSET },
    { .letter = 'D', .clear = UNSUITABLE, .set = DEFAULT, .arg = &value }
  } ;
  flags = el_options(&w, "withstdinas [ -i | -I | -D default ] [ -N | -n ] [ -E | -e ] var remainder...", 1, EL_OPTIONS(options)) ;
  name = el_next(&w) ;
  el_checkname(name) ;
  slurp_or_die(&sa, 0) ;
  if (flags & UNSUITABLE && has_nul(&sa))
  {
    if (flags & INSIST) strerr_dief(1, "stdin contained a null character") ;
    if (flags & DEFAULT) strerr_warnw("stdin contained a null character", " - using default instead") ;
    el_execimport(w.v, name, flags & DEFAULT ? value : 0, flags & IMPORT) ;
  }
  end_value(&sa, flags) ;
  el_execimport(w.v, name, sa.s, flags & IMPORT) ;
}

 /* ---------------------------------------------------------------- homeof */

int el_homeof_main (int argc, char const *const *argv)
{
  el_words w = EL_WORDS(argc, argv) ;
  struct passwd *pw ;
  el_need(&w, "homeof user", 1) ;
  errno = 0 ;
  pw = getpwnam(w.v[0]) ;
  if (!pw && errno) strerr_diefusys(111, "get passwd entry for ", w.v[0]) ;
  if (!pw) strerr_diefu(111, "get passwd entry for ", w.v[0], ": no such user") ;
  if (buffer_puts(buffer_1small, pw->pw_dir) < 0 || buffer_putflush(buffer_1small, "\n", 1) < 0)
    strerr_diefusys(111, "write to stdout") ;
  return 0 ;
}
