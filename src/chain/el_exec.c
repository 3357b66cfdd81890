/* ISC license. */

/* exec, tryexec, exit: the command that follows, and none. */

#include <errno.h>
#include <string.h>

#include <skalibs/exec.h>
#include <skalibs/posixplz.h>
#include <skalibs/stralloc.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "el.h"

enum { EMPTY = 0x1, LOGIN = 0x2, REVERSE = 0x4 } ;

#define EXEC_OPTIONS(argv0) \
    { .letter = 'c', .set = EMPTY }, \
    { .letter = 'l', .set = LOGIN }, \
    { .letter = 'a', .arg = (argv0) }

/* Execs ARGV as the options say. Returns only if that fails. */
static void exec_as (char const **argv, char const *argv0, unsigned int flags)
{
  static char const *const nothing[1] = { 0 } ;
  char const *file = argv[0] ;
  stralloc name = STRALLOC_ZERO ;
  if (flags & LOGIN && !stralloc_append(&name, '-')) strerr_diefusys(111, "exec ", file) ;
  if (!stralloc_cats(&name, argv0 ? argv0 : file) || !stralloc_0(&name)) strerr_diefusys(111, "exec ", file) ;
  argv[0] = name.s ;
  exec_ae(file, argv, flags & EMPTY ? nothing : (char const *const *)environ) ;
  argv[0] = file ;
}

int el_exec_main (int argc, char const *const *argv)
{
  el_words w = EL_WORDS(argc, argv) ;
  char const *argv0 = 0 ;
  unsigned int flags ;
  el_option const options[] = { EXEC_OPTIONS(&argv0) } ;
  flags = el_options(&w, "exec [ -c ] [ -l ] [ -a argv0 ] prog...", 1, EL_OPTIONS(options)) ;
  exec_as(w.v, argv0, flags) ;
  strerr_dieexec(errno == ENOENT ? 127 : 126, w.v[0]) ;
}

int el_tryexec_main (int argc, char const *const *argv)
{
  el_words w = EL_WORDS(argc, argv) ;
  el_words block ;
  char const *argv0 = 0 ;
  unsigned int flags ;
  el_option const options[] = { { .letter = 'n', .set = REVERSE }, EXEC_OPTIONS(&argv0) } ;
  flags = el_options(&w, "tryexec [ -n ] [ -c ] [ -l ] [ -a argv0 ] { command... } remainder...", 0, EL_OPTIONS(options)) ;
  block = el_block(&w, "block") ;
  if (!block.n) strerr_dief(100, "empty block") ;
  if (flags & REVERSE && !w.n) strerr_dief(100, "empty remainder not allowed with -n") ;
  exec_as(flags & REVERSE ? w.v : block.v, argv0, flags) ;
  xexec0(flags & REVERSE ? block.v : w.v) ;
}

int el_exit_main (int argc, char const *const *argv)
{
  char const *usage = "exit [ exitcode ]" ;
  el_words w = EL_WORDS(argc, argv) ;
  el_need(&w, usage, 0) ;
  return w.n ? (int)(el_nextuint(&w, usage) & 0xff) : 0 ;
}
