/* ISC license. */

/*
   Three programs that wait for services:

     s6-svwait, svwait   wait
     s6-svlisten1        listen to one service, start a program, wait
     s6-svlisten         the same with many services, given as a block
*/

#include <skalibs/sgetopt.h>
#include <skalibs/strerr.h>
#include <skalibs/tai.h>

#include <execline/execline.h>

#include "await.h"
#include "listen.h"
#include "scandir.h"
#include "tools.h"

#define USAGE_SVWAIT WISH_USAGE " [ -a | -o ] [ -t timeout ] servicedir..."
#define USAGE_SVLISTEN1 WISH_USAGE " [ -t timeout ] servicedir prog..."
#define USAGE_SVLISTEN WISH_USAGE " [ -a | -o ] [ -t timeout ] servicedir... \"\" prog..."

struct options
{
  struct wish wish ;
  int any ;
  unsigned int timeout ;
} ;

/* The number of arguments that were options. ANYALL: whether -a and -o are among them. */
static int scan_options (int argc, char const *const *argv, struct options *o, int anyall, char const *usage)
{
  subgetopt l = SUBGETOPT_ZERO ;
  for (;;)
  {
    int opt = subgetopt_r(argc, argv, anyall ? WISH_LETTERS "t:ao" : WISH_LETTERS "t:", &l) ;
    switch (opt)
    {
      case -1 : return l.ind ;
      case 't' : o->timeout = tool_uint(l.arg, usage) ; break ;
      case 'a' : o->any = 0 ; break ;
      case 'o' : o->any = 1 ; break ;
      default : if (!wish_scan((char)opt, &o->wish)) tool_dieusage(usage) ;
    }
  }
}

/* Starts PROG, if there is one, when all services are listened to; then waits. */
static unsigned int run (struct options const *o, char const *const *dirs, unsigned int n, char const *const *prog)
{
  tain deadline ;
  tool_deadline(&deadline, o->timeout) ;
  await_subscribe(scandir_services(dirs, n), n) ;
  if (prog && !tool_spawn(prog)) listen_diefusys(111, "spawn ", prog[0]) ;
  return await(&o->wish, o->any, &deadline) ;
}

static void die_failed (void)
{
  strerr_dief(1, "some services reported permanent failure or their supervisor died") ;
}

int svwait_main (int argc, char const *const *argv)
{
  struct options o = { .wish = { .up = 1 } } ;
  int n = scan_options(argc, argv, &o, 1, USAGE_SVWAIT) ;
  argc -= n ; argv += n ;
  if (!argc) tool_dieusage(USAGE_SVWAIT) ;
  if (run(&o, argv, (unsigned int)argc, 0)) die_failed() ;
  return 0 ;
}

int svlisten1_main (int argc, char const *const *argv)
{
  struct options o = { .wish = { .up = 1 } } ;
  int n = scan_options(argc, argv, &o, 0, USAGE_SVLISTEN1) ;
  argc -= n ; argv += n ;
  if (argc < 2) tool_dieusage(USAGE_SVLISTEN1) ;
  if (run(&o, argv, 1, argv + 1))
    strerr_dief(1, argv[0], " failed permanently or its supervisor died") ;
  return 0 ;
}

int svlisten_main (int argc, char const *const *argv)
{
  struct options o = { .wish = { .up = 1 } } ;
  int n = scan_options(argc, argv, &o, 1, USAGE_SVLISTEN) ;
  argc -= n ; argv += n ;
  if (argc < 3) tool_dieusage(USAGE_SVLISTEN) ;
  n = el_semicolon((char const **)argv) ;
  if (n >= argc) strerr_dief(100, "unterminated servicedir block") ;
  if (!n || argc == n + 1) tool_dieusage(USAGE_SVLISTEN) ;
  if (o.wish.restart && o.any)
  {
    o.any = 0 ;
    strerr_warnw("-o is unsupported when combined with -", o.wish.ready ? "R" : "r", " - using -a instead") ;
  }
  if (run(&o, argv, (unsigned int)n, argv + n + 1)) die_failed() ;
  return 0 ;
}
