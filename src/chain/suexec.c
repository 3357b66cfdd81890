/* ISC license. */

/*
   s6-overlay-suexec: s6-overlay's /init runs it to gain root's rights for a moment, by way of
   a setuid bit. Nothing here needs that, so it only goes on to init. It exists because images
   chmod it, and because some replace /init by a script that calls it, as

     s6-overlay-suexec { PREINIT… } INIT CMD…

   A block and the name of the program after it are passed over; the rest is init's CMD.
*/

#include <unistd.h>

#include <execline/execline.h>

#include <skalibs/strerr.h>

#include "chain.h"

#define USAGE "s6-overlay-suexec { preinit... } init cmd..."

int suexec_main (int, char const *const *) ;

int suexec_main (int argc, char const *const *argv)
{
  char const **v = chain_alloc((size_t)argc + 1, sizeof(char const *)) ;
  int skip = 0 ;
  for (int i = 0 ; i <= argc ; i++) v[i] = argv[i] ;
  if (argc > 1 && (v[1][0] == EXECLINE_BLOCK_QUOTE_CHAR || !v[1][0]))
  {
    skip = el_semicolon(v + 1) + 2 ; /* the end of the block, and init's name */
    if (skip > argc) strerr_dief(100, "unterminated block") ;
    if (skip > argc - 1) strerr_dieusage(100, USAGE) ;
  }
  v[skip] = "init" ;
  execve("/proc/self/exe", (char *const *)(v + skip), environ) ;
  execve("/init", (char *const *)(v + skip), environ) ;
  strerr_dieexec(111, "/init") ;
}
