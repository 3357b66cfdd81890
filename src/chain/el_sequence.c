/* ISC license. */

/* foreground, background, pipeline: a command in a block, and one after it or beside it. */

#include <unistd.h>

#include <skalibs/djbunix.h>
#include <skalibs/exec.h>
#include <skalibs/strerr.h>

#include "el.h"

int el_foreground_main (int argc, char const *const *argv)
{
  el_words w = EL_WORDS(argc, argv) ;
  el_words block ;
  el_need(&w, "", 0) ;
  block = el_block(&w, "block") ;
  el_sequence(block.v, w.v) ;
}

enum { ORPHAN = 0x1, WRITER = 0x2 } ;

int el_background_main (int argc, char const *const *argv)
{
  el_words w = EL_WORDS(argc, argv) ;
  el_words block ;
  unsigned int flags ;
  el_option const options[] = { { .letter = 'd', .set = ORPHAN } } ;
  flags = el_options(&w, "background [ -d ] { command... }", 0, EL_OPTIONS(options)) ;
  block = el_block(&w, "block") ;
  if (!block.n) strerr_dief(100, "empty block") ;
  el_execsetnum(w.v, "!", flags & ORPHAN ? el_spawnorphan(block.v, "background (grandchild)") : el_spawn(block.v)) ;
}

/*
   Starts BLOCK as a grandchild with one end of a pipe as its descriptor TO, which is 1 if it
   writes and 0 if it reads. Stores the other end. Returns its pid.
*/
static pid_t pipe_to_orphan (char const *const *block, int *fd, int to)
{
  int p[2] ;
  pid_t pid ;
  if (pipe(p) < 0) strerr_diefusys(111, "create pipe") ;
  pid = doublefork() ;
  if (pid < 0) strerr_diefusys(111, "doublefork") ;
  if (pid)
  {
    fd_close(p[to]) ;
    *fd = p[!to] ;
    return pid ;
  }
  PROG = "pipeline (grandchild)" ;
  fd_close(p[!to]) ;
  if (fd_move(to, p[to]) < 0) strerr_diefusys(111, "fd_move") ;
  xexec0(block) ;
}

int el_pipeline_main (int argc, char const *const *argv)
{
  el_words w = EL_WORDS(argc, argv) ;
  el_words block ;
  unsigned int flags ;
  int fd, from ;
  pid_t pid ;
  el_option const options[] =
  {
    { .letter = 'd', .set = ORPHAN },
    { .letter = 'r', .clear = WRITER },
    { .letter = 'w', .set = WRITER }
  } ;
  flags = el_options(&w, "pipeline [ -d ] [ -r | -w ] { command... } command...", 0, EL_OPTIONS(options)) ;
  block = el_block(&w, "block") ;
  if (!w.n) strerr_dief(100, "empty remainder") ;
  from = !!(flags & WRITER) ;
  pid = flags & ORPHAN ? pipe_to_orphan(block.v, &fd, !from) : el_spawnpipe(block.v, &fd, !from) ;
  /* uncoe: the pipe's end may already have the number it is moved to */
  if (fd_move(from, fd) < 0 || uncoe(from) < 0) strerr_diefusys(111, "fd_move") ;
  el_execsetnum(w.v, "!", pid) ;
}
