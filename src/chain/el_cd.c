/* ISC license. */

/* execline-cd and execline-umask, also called cd and umask. */

#include <unistd.h>
#include <sys/stat.h>

#include <skalibs/exec.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "el.h"

int el_cd_main (int argc, char const *const *argv)
{
  el_words w = EL_WORDS(argc, argv) ;
  char const *dir ;
  PROG = "execline-cd" ;  /* under either name, as execline has it */
  el_need(&w, "cd path prog...", 2) ;
  dir = el_next(&w) ;
  if (chdir(dir) < 0) strerr_diefusys(111, "chdir to ", dir) ;
  xexec(w.v) ;
}

int el_umask_main (int argc, char const *const *argv)
{
  char const *usage = "umask value prog..." ;
  el_words w = EL_WORDS(argc, argv) ;
  unsigned int mask ;
  PROG = "execline-umask" ;
  el_need(&w, usage, 2) ;
  if (!uint_oscan(el_next(&w), &mask)) strerr_dieusage(100, usage) ;
  umask((mode_t)mask) ;
  xexec(w.v) ;
}
