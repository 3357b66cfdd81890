/* ISC license. */

/* s6-svscanctl, svscanctl: letters for a scanner. */

#include <skalibs/sgetopt.h>
#include <skalibs/strerr.h>

#include "control.h"
#include "scandir.h"
#include "tools.h"

#define COMMANDS "zabhitqnN"
#define MAX_COMMANDS 64
#define USAGE "[ -" COMMANDS " ] [ scandir ]"

int svscanctl_main (int argc, char const *const *argv)
{
  char letters[MAX_COMMANDS] ;
  unsigned int n = 0 ;
  subgetopt l = SUBGETOPT_ZERO ;
  char const *dir ;
  for (;;)
  {
    int opt = subgetopt_r(argc, argv, COMMANDS, &l) ;
    if (opt == -1) break ;
    if (opt == '?') tool_dieusage(USAGE) ;
    if (n >= MAX_COMMANDS) strerr_dief(100, "too many commands") ;
    letters[n++] = (char)opt ;
  }
  argc -= l.ind ; argv += l.ind ;
  dir = scandir_find(argc ? argv[0] : 0) ;
  if (!dir)
    strerr_dief(100, "no scan directory of a running supervisor was found: give its path") ;
  control_send(dir, SVSCAN_SUB, letters, n) ;
  return 0 ;
}
