/* ISC license. */

/* s6-svc, svc: letters for a supervisor; with -w, waits until they have had their effect. */

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <skalibs/sgetopt.h>
#include <skalibs/sig.h>
#include <skalibs/stralloc.h>
#include <skalibs/strerr.h>
#include <skalibs/tai.h>

#include "await.h"
#include "control.h"
#include "listen.h"
#include "scandir.h"
#include "tools.h"

#define MAX_COMMANDS 62
#define USAGE "[ -wu | -wU | -wd | -wD | -wr | -wR ] [ -T timeout ] [ -s signal | -" SVC_COMMANDS " ] servicedir"

struct order
{
  char letters[MAX_COMMANDS] ;
  unsigned int n ;
  unsigned int timeout ;
  char wait ;  /* one of WISH_LETTERS, or 0 */
} ;

static char scan_signal (char const *s)
{
  int sig ;
  char letter ;
  if (!sig0_scan(s, &sig)) strerr_dief(100, "invalid signal: ", s) ;
  letter = control_letter(sig) ;
  if (!letter) strerr_dief(100, s, " is not in the list of user-available signals") ;
  return letter ;
}

static void add_letter (struct order *o, char c)
{
  if (o->n >= MAX_COMMANDS) strerr_dief(100, "too many commands") ;
  o->letters[o->n++] = c ;
}

static int scan_options (int argc, char const *const *argv, struct order *o)
{
  subgetopt l = SUBGETOPT_ZERO ;
  for (;;)
  {
    int opt = subgetopt_r(argc, argv, SVC_OPTIONS, &l) ;
    switch (opt)
    {
      case -1 : return l.ind ;
      case '?' : tool_dieusage(USAGE) ;
      case 's' : add_letter(o, scan_signal(l.arg)) ; break ;
      case 'T' : o->timeout = tool_uint(l.arg, USAGE) ; break ;
      case 'w' :
        if (!l.arg[0] || !strchr(WISH_LETTERS, l.arg[0])) tool_dieusage(USAGE) ;
        o->wait = l.arg[0] ;
        break ;
      default : add_letter(o, (char)opt) ;
    }
  }
}

/* A service without notification-fd never is ready: up is all that can be waited for. */
static void check_readiness (struct order *o, char const *dir)
{
  stralloc fn = STRALLOC_ZERO ;
  if (o->wait != 'U' && o->wait != 'R') return ;
  if (access(tool_path(&fn, dir, "notification-fd"), F_OK) == -1)
  {
    if (errno != ENOENT) strerr_diefusys(111, "access ", fn.s) ;
    strerr_warnw(fn.s, " not present - ignoring request for readiness notification") ;
    o->wait = (char)tolower(o->wait) ;
  }
  stralloc_free(&fn) ;
}

/* The letters are sent when we listen already, so that nothing they cause is missed. But
   a supervisor that is not there is reported, not waited for. */
static int send_and_wait (struct order const *o, char const *dir)
{
  struct wish w ;
  tain deadline ;
  if (o->n && control_islocked(dir, SUPERVISE_SUB) == 0)
    strerr_dief(100, "unable to control ", dir, ": supervisor not listening") ;
  wish_scan(o->wait, &w) ;
  tool_deadline(&deadline, o->timeout) ;
  await_subscribe(&dir, 1) ;
  if (o->n && !control_write(dir, SUPERVISE_SUB, o->letters, o->n))
    listen_diefusys(111, "control ", dir) ;
  if (await(&w, 0, &deadline))
    strerr_dief(1, dir, " failed permanently or its supervisor died") ;
  return 0 ;
}

int svc_main (int argc, char const *const *argv)
{
  struct order o = { .n = 0 } ;
  char const *dir ;
  int n = scan_options(argc, argv, &o) ;
  argc -= n ; argv += n ;
  if (!argc) tool_dieusage(USAGE) ;
  if (argc > 1) strerr_warnw("ignoring extra arguments") ;
  if (!argv[0][0]) strerr_dief(100, "invalid service path") ;
  dir = scandir_service(argv[0]) ;
  check_readiness(&o, dir) ;
  if (o.wait) return send_and_wait(&o, dir) ;
  control_send(dir, SUPERVISE_SUB, o.letters, o.n) ;
  return 0 ;
}
