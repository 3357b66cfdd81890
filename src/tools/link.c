/* ISC license. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <skalibs/djbunix.h>
#include <skalibs/posixplz.h>
#include <skalibs/sgetopt.h>
#include <skalibs/stralloc.h>
#include <skalibs/strerr.h>
#include <skalibs/tai.h>

#include "control.h"
#include "fifodir.h"
#include "link.h"
#include "listen.h"
#include "tools.h"

int link_scan (int argc, char const *const *argv, struct link_options *o, char const *usage)
{
  subgetopt l = SUBGETOPT_ZERO ;
  for (;;)
  {
    int opt = subgetopt_r(argc, argv, LINK_OPTIONS, &l) ;
    switch (opt)
    {
      case -1 : return l.ind ;
      case 'd' : o->down = 1 ; o->forget_down = 1 ; break ;
      case 'D' : o->down = 1 ; o->forget_down = 0 ; break ;
      case 'f' : o->force = 1 ; break ;
      case 'P' : o->public = 1 ; break ;
      case 't' : o->timeout = tool_uint(l.arg, usage) ; break ;
      default : tool_dieusage(usage) ;
    }
  }
}

int unlink_scan (int argc, char const *const *argv, unsigned int *timeout, int *waits, char const *usage)
{
  subgetopt l = SUBGETOPT_ZERO ;
  for (;;)
  {
    int opt = subgetopt_r(argc, argv, UNLINK_OPTIONS, &l) ;
    switch (opt)
    {
      case -1 : return l.ind ;
      case 'X' : *waits = 0 ; break ;
      case 't' : *timeout = tool_uint(l.arg, usage) ; break ;
      default : tool_dieusage(usage) ;
    }
  }
}

/* ---------------------------------------------------------------- service and logger */

static void die_memory (void)
{
  listen_diefusys(111, "build a path") ;
}

/* A service directory, and its log/ if it has one: both are treated alike everywhere. */
struct pair
{
  stralloc path[2] ;
  unsigned int n ;
  int locked ;  /* supervisors run */
} ;

#define PAIR_ZERO { .path = { STRALLOC_ZERO, STRALLOC_ZERO } }

static void pair_free (struct pair *p)
{
  stralloc_free(p->path) ;
  stralloc_free(p->path + 1) ;
}

/* 0 with errno if the two can't be seen, or are not as they should be: one supervised
   and the other not, a log that is no directory. */
static int pair_find (struct pair *p, char const *dir)
{
  struct stat st ;
  int log ;
  if (!stralloc_copys(p->path, dir) || !stralloc_0(p->path)) die_memory() ;
  p->n = 1 ;
  p->locked = control_islocked(p->path[0].s, SUPERVISE_SUB) ;
  if (p->locked == -1) return 0 ;
  if (stat(tool_path(p->path + 1, dir, "log"), &st) == -1) return errno == ENOENT ;
  if (!S_ISDIR(st.st_mode)) return (errno = ENOTDIR, 0) ;
  log = control_islocked(p->path[1].s, SUPERVISE_SUB) ;
  if (log == -1) return 0 ;
  if (log != p->locked) return (errno = EINVAL, 0) ;
  p->n = 2 ;
  return 1 ;
}

/* Takes the letter off the list of what is still missing. */
struct expected
{
  char letter ;
  unsigned int heard ;    /* a bit for each listener */
  unsigned int missing ;
} ;

static int on_letters (int i, char const *s, size_t len, void *data)
{
  struct expected *e = data ;
  if (i < 0 || e->heard >> i & 1 || !memchr(s, e->letter, len)) return 0 ;
  e->heard |= 1U << i ;
  return !--e->missing ;
}

/* 0 with errno, ETIMEDOUT if the deadline has passed. */
static int expect (char letter, unsigned int n, tain const *deadline)
{
  struct expected e = { .letter = letter, .missing = n } ;
  int r = n ? listen_wait(deadline, &on_letters, &e) : 1 ;
  if (!r) errno = ETIMEDOUT ;
  return r == 1 ;
}

/* ---------------------------------------------------------------- link */

static int make_down (char const *dir)
{
  stralloc fn = STRALLOC_ZERO ;
  int fd = open_trunc(tool_path(&fn, dir, "down")) ;
  if (fd >= 0) fd_close(fd) ;
  stralloc_free(&fn) ;
  return fd >= 0 ;
}

static void remove_downs (struct pair const *p)
{
  stralloc fn = STRALLOC_ZERO ;
  for (unsigned int i = 0 ; i < p->n ; i++) unlink_void(tool_path(&fn, p->path[i].s, "down")) ;
  stralloc_free(&fn) ;
}

static int subscribe (char const *dir, struct link_options const *o)
{
  stralloc fn = STRALLOC_ZERO ;
  int r ;
  if (o->down && !make_down(dir)) return 0 ;
  r = fifodir_make(tool_path(&fn, dir, "event"), o->public ? FIFODIR_PUBLIC : getegid(), o->force) ;
  stralloc_free(&fn) ;
  return r && listen_add(dir, "event") >= 0 ;
}

static int make_link (char const *dir, char const *link, struct link_options const *o)
{
  stralloc real = STRALLOC_ZERO ;
  int r ;
  if (o->relative || dir[0] == '/') return symlink(dir, link) == 0 ;
  if (sarealpath(&real, dir) == -1) return 0 ;
  if (!stralloc_0(&real)) die_memory() ;
  r = symlink(real.s, link) ;
  stralloc_free(&real) ;
  return r == 0 ;
}

/* What both supervisors are told so that they end: the service goes down, the logger runs
   until end of file. They may not be there: nothing to do, then. */
static void send_away (struct pair const *p)
{
  control_write(p->path[0].s, SUPERVISE_SUB, "xd", 2) ;
  if (p->n > 1) control_write(p->path[1].s, SUPERVISE_SUB, "xo", 2) ;
}

static int link_pair (struct pair *p, char const *scandir, char const *dir, char const *link, struct link_options const *o, tain const *deadline)
{
  if (!p->locked)
    for (unsigned int i = 0 ; i < p->n ; i++)
      if (!subscribe(p->path[i].s, o)) return 0 ;
  if (!make_link(dir, link, o) && !(p->locked && errno == EEXIST)) return 0 ;
  if (control_write(scandir, SVSCAN_SUB, "a", 1)
   && expect('s', p->locked ? 0 : p->n, deadline)) return 1 ;
  if (!p->locked)
  {
    int e = errno ;
    send_away(p) ;
    unlink_void(link) ;
    errno = e ;
  }
  return 0 ;
}

int link_service (char const *scandir, char const *dir, char const *name, struct link_options const *o)
{
  struct pair p = PAIR_ZERO ;
  stralloc link = STRALLOC_ZERO ;
  tain deadline ;
  int r, e ;
  tool_deadline(&deadline, o->timeout) ;
  if (!listen_start()) return 0 ;
  r = pair_find(&p, dir) && link_pair(&p, scandir, dir, tool_path(&link, scandir, name), o, &deadline) ;
  e = errno ;
  listen_end() ;
  if (o->down && !p.locked && (!r || o->forget_down)) remove_downs(&p) ;
  stralloc_free(&link) ;
  pair_free(&p) ;
  errno = e ;
  return r ;
}

/* ---------------------------------------------------------------- unlink */

int unlink_service (char const *scandir, char const *name, unsigned int timeout, int waits)
{
  struct pair p = PAIR_ZERO ;
  stralloc link = STRALLOC_ZERO ;
  unsigned int n = 0 ;
  tain deadline ;
  tool_deadline(&deadline, timeout) ;
  tool_path(&link, scandir, name) ;
  if (waits)
  {
    if (!listen_start() || !pair_find(&p, link.s)) return 0 ;
    for (unsigned int i = 0 ; p.locked && i < p.n ; i++)
      n += listen_add(p.path[i].s, "event") >= 0 ;
  }
  unlink_void(link.s) ;
  control_write(scandir, SVSCAN_SUB, "an", 2) ;
  if (waits) expect('x', n, &deadline) ;
  listen_end() ;
  stralloc_free(&link) ;
  pair_free(&p) ;
  return 1 ;
}
