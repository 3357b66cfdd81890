/* ISC license. */

/* s6-setsid, as s6's own: runs a program as leader of a new session or process group. */

#include <signal.h>
#include <unistd.h>

#include <skalibs/exec.h>
#include <skalibs/sgetopt.h>
#include <skalibs/sig.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#define USAGE "s6-setsid [ -s | -b | -f | -g ] [ -i | -I | -q ] [ -d ctty ] prog..."

int setsid_main (int, char const *const *) ;

enum place { SESSION = 's', BACKGROUND = 'b', FOREGROUND = 'f', GRAB = 'g' } ;
enum strictness { STRICT = 'i', LOOSE = 'I', SILENT = 'q' } ;

static void failed (char const *what, int strictness)
{
  if (strictness == STRICT) strerr_diefusys(111, what) ;
  if (strictness == LOOSE) strerr_warnwusys(what) ;
}

static void enter_group (int place, int strictness, int ctty)
{
  if (setpgid(0, 0) < 0) failed("setpgid", strictness) ;
  if (place == BACKGROUND) return ;
  /* who takes the terminal while another group has it would be stopped by TTOU */
  if (place == GRAB) sig_ignore(SIGTTOU) ;
  if (tcsetpgrp(ctty, getpid()) < 0) failed("tcsetpgrp", strictness) ;
  if (place == GRAB) sig_restore(SIGTTOU) ;
}

int setsid_main (int argc, char const *const *argv)
{
  subgetopt l = SUBGETOPT_ZERO ;
  int place = SESSION, strictness = LOOSE ;
  unsigned int ctty = 0 ;
  for (int opt ; (opt = subgetopt_r(argc, argv, "sbfgiIqd:", &l)) != -1 ; ) switch (opt)
  {
    case SESSION : case BACKGROUND : case FOREGROUND : case GRAB : place = opt ; break ;
    case STRICT : case LOOSE : case SILENT : strictness = opt ; break ;
    case 'd' : if (uint0_scan(l.arg, &ctty)) break ; /* fall through */
    default : strerr_dieusage(100, USAGE) ;
  }
  argc -= l.ind ; argv += l.ind ;
  if (!argc) strerr_dieusage(100, USAGE) ;
  if (place != SESSION) enter_group(place, strictness, (int)ctty) ;
  else if (setsid() < 0) failed("setsid", strictness) ;
  xexec(argv) ;
}
