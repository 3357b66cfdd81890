/* ISC license. */

/* s6-fdholder-daemon, as s6's own: binds the socket, drops privileges, becomes s6-fdholderd. */

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <skalibs/djbunix.h>
#include <skalibs/sgetopt.h>
#include <skalibs/socket.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "chain.h"
#include "ids.h"

#define USAGE "s6-fdholder-daemon [ -v verbosity ] [ -d | -D ] [ -1 ] [ -c maxconn ] [ -n maxfds ] [ -b backlog ] [ -G gid,gid,... ] [ -g gid ] [ -u uid ] [ -U ] [ -t timeout ] [ -T lameducktimeout ] [ -i rulesdir | -x rulesfile ] path"

#define PASSED "v:1c:n:t:T:i:x:"  /* options that are s6-fdholderd's */

int fdholder_daemon_main (int, char const *const *) ;

struct settings
{
  struct ids ids ;
  unsigned int backlog ;
  unsigned int reuse : 1 ;
  unsigned int have_rules : 1 ;
  unsigned int clear_ids : 1 ;    /* -U: UID, GID and GIDLIST go no further */
} ;

/* Nonzero if s6-fdholderd is to get it: with its argument, unless it is -1. */
static int is_passed (int opt)
{
  return opt != ':' && strchr(PASSED, opt) ;
}

static int is_number (char const *arg)
{
  unsigned int n ;
  return !!uint0_scan(arg, &n) ;
}

static int option (struct settings *s, int opt, char const *arg)
{
  switch (opt)
  {
    case 'd' : s->reuse = 1 ; return 1 ;
    case 'D' : s->reuse = 0 ; return 1 ;
    case 'b' : return !!uint0_scan(arg, &s->backlog) ;
    case 'i' : case 'x' : s->have_rules = 1 ; return 1 ;
    case '1' : return 1 ;
    case 'v' : case 'c' : case 'n' : case 't' : case 'T' : return is_number(arg) ;
    case 'U' : s->clear_ids = 1 ; /* fall through */
    default : return ids_option(&s->ids, opt, arg) ;
  }
}

/* As stdin; anybody may connect: what he may do the rules say. */
static void listen_on (char const *path, struct settings const *s)
{
  int fd ;
  mode_t mask = umask(0) ;
  close(0) ;
  fd = ipc_stream_nb() ;
  if (fd < 0) strerr_diefusys(111, "create socket") ;
  if ((s->reuse ? ipc_bind_reuse(fd, path) : ipc_bind(fd, path)) < 0) strerr_diefusys(111, "bind to ", path) ;
  umask(mask) ;
  if (s->backlog && ipc_listen(fd, (int)s->backlog) < 0) strerr_diefusys(111, "listen to ", path) ;
  if (fd && fd_move(0, fd) < 0) strerr_diefusys(111, "move socket to stdin") ;
}

int fdholder_daemon_main (int argc, char const *const *argv)
{
  struct settings s = { .ids = IDS_ZERO, .backlog = SOMAXCONN, .reuse = 1 } ;
  subgetopt l = SUBGETOPT_ZERO ;
  char const **v = chain_alloc(3 * (size_t)argc + 2, sizeof(char const *)) ;
  char (*names)[3] = chain_alloc((size_t)argc + 1, sizeof *names) ;
  size_t n = 0, m = 0 ;
  v[n++] = "s6-fdholderd" ;
  for (int opt ; (opt = subgetopt_r(argc, argv, "Ddb:" PASSED IDS_OPTIONS, &l)) != -1 ; )
  {
    if (!option(&s, opt, l.arg)) strerr_dieusage(100, USAGE) ;
    if (!is_passed(opt)) continue ;
    names[m][0] = '-' ; names[m][1] = (char)opt ; names[m][2] = 0 ;
    v[n++] = names[m++] ;
    if (opt != '1') v[n++] = l.arg ;
  }
  v[n] = 0 ;
  if (argc == l.ind) strerr_dieusage(100, USAGE) ;
  if (!s.have_rules) strerr_dief(100, "no access rights specified!") ;
  listen_on(argv[l.ind], &s) ;
  ids_apply(&s.ids) ;
  if (s.clear_ids)
  {
    unsetenv("UID") ;
    unsetenv("GID") ;
    unsetenv("GIDLIST") ;
  }
  chain_exec_own(v, (char const *const *)environ) ;
}
