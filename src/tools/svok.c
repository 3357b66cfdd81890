/* ISC license. */

/* s6-svok, svok: exits 0 if a supervisor runs on the service directory, 1 if none does. */

#include <skalibs/strerr.h>

#include "control.h"
#include "scandir.h"
#include "tools.h"

int svok_main (int argc, char const *const *argv)
{
  char const *dir ;
  int r ;
  if (argc < 2) tool_dieusage("servicedir") ;
  dir = scandir_service(argv[1]) ;
  r = control_islocked(dir, SUPERVISE_SUB) ;
  if (r == -1) strerr_diefusys(111, "check ", dir) ;
  return !r ;
}
