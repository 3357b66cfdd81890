/* ISC license. */

/* s6-svperms: who may see a service, control it, and listen to its events. */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <skalibs/djbunix.h>
#include <skalibs/sgetopt.h>
#include <skalibs/stralloc.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "scandir.h"
#include "supervise/status.h"
#include "tools.h"

#define USAGE "[ -v ] [ -u | -g group | -G group | -o | -O group ] [ -e | -E group ] servicedir..."

#define OWNERS_GROUP ((gid_t)-1)

struct rights
{
  mode_t supervise ;      /* 0: leave supervise/ and the fifo in it */
  gid_t supervise_gid ;
  mode_t control ;
  gid_t control_gid ;
  mode_t event ;          /* 0: leave event/ */
  gid_t event_gid ;
} ;

/* ---------------------------------------------------------------- setting */

static gid_t scan_group (char const *s)
{
  struct group *gr ;
  gid_t gid ;
  if (s[0] == ':')
  {
    if (!gid0_scan(s + 1, &gid)) tool_dieusage(USAGE) ;
    return gid ;
  }
  errno = 0 ;
  gr = getgrnam(s) ;
  if (gr) return gr->gr_gid ;
  if (errno) strerr_diefusys(111, "look up group ", s) ;
  strerr_diefu(100, "find entry for ", s, " in group database") ;
}

static gid_t group_of_owner (char const *fn, uid_t uid)
{
  struct passwd *pw ;
  errno = 0 ;
  pw = getpwuid(uid) ;
  if (pw) return pw->pw_gid ;
  strerr_warnwu("determine primary gid for the owner of ", fn, " (using root instead)") ;
  return 0 ;
}

/* Through a descriptor: so nobody can put a link in its place between look and change. A
   fifo is opened for both directions as it must not look like a reader that comes and goes. */
static void set_rights (char const *dir, char const *name, mode_t type, mode_t mode, gid_t gid)
{
  stralloc sa = STRALLOC_ZERO ;
  char const *fn = tool_path(&sa, dir, name) ;
  struct stat st ;
  int fd = type == S_IFIFO ? svdir_open(dir, name, O_RDWR | O_NOFOLLOW) : svdir_open(dir, name, O_RDONLY) ;
  if (fd == -1 || fstat(fd, &st) == -1) strerr_diefusys(111, "stat ", fn) ;
  if ((st.st_mode & S_IFMT) != type)
    strerr_dief(111, fn, type == S_IFIFO ? " is not a named pipe" : " is not a directory") ;
  if (fchown(fd, (uid_t)-1, gid == OWNERS_GROUP ? group_of_owner(fn, st.st_uid) : gid) == -1)
    strerr_diefusys(111, "chown ", fn) ;
  if (fchmod(fd, mode) == -1) strerr_diefusys(111, "chmod ", fn) ;
  fd_close(fd) ;
  stralloc_free(&sa) ;
}

static void set_all (char const *dir, struct rights const *r)
{
  if (r->supervise)
  {
    set_rights(dir, "supervise", S_IFDIR, r->supervise, r->supervise_gid) ;
    set_rights(dir, "supervise/control", S_IFIFO, r->control, r->control_gid) ;
  }
  if (r->event) set_rights(dir, "event", S_IFDIR, r->event, r->event_gid) ;
}

/* ---------------------------------------------------------------- printing */

static void put_group (gid_t gid)
{
  char fmt[GID_FMT] ;
  struct group *gr ;
  errno = 0 ;
  gr = getgrgid(gid) ;
  fmt[gid_fmt(fmt, gid)] = 0 ;
  if (!gr && errno) strerr_warnwusys("look up group ", fmt) ;
  tool_put("group ") ;
  tool_put(gr ? gr->gr_name : fmt) ;
}

static void put_line (char const *dir, char const *what, char const *whom, gid_t gid)
{
  tool_put(dir) ;
  tool_put(what) ;
  if (whom) tool_put(whom) ;
  else put_group(gid) ;
  tool_put("\n") ;
}

static int is_type (char const *fn, struct stat *st, mode_t type, char const *complaint)
{
  if (stat(fn, st) == -1) strerr_warnwusys("stat ", fn) ;
  else if ((st->st_mode & S_IFMT) != type) strerr_warnw(fn, complaint) ;
  else return 1 ;
  return 0 ;
}

static int complain_mode (char const *fn, mode_t mode)
{
  char fmt[UINT_OFMT] ;
  fmt[uint_ofmt(fmt, mode & 07777)] = 0 ;
  strerr_warnw(fn, " has incorrect permissions: ", fmt) ;
  return 0 ;
}

static int put_supervise (char const *dir, char const *fn)
{
  struct stat st ;
  if (!is_type(fn, &st, S_IFDIR, " is not a directory")) return 0 ;
  if (st.st_mode & 05066 || (st.st_mode & 0700) != 0700 || (st.st_mode & 0011) == 0001)
    return complain_mode(fn, st.st_mode) ;
  put_line(dir, " status: ", st.st_mode & 0001 ? "public" : st.st_mode & 0010 ? 0 : "owner", st.st_gid) ;
  return 1 ;
}

static int put_control (char const *dir, char const *fn)
{
  struct stat st ;
  if (!is_type(fn, &st, S_IFIFO, " is not a named pipe")) return 0 ;
  if (st.st_mode & 0157) return complain_mode(fn, st.st_mode) ;
  put_line(dir, " control: ", st.st_mode & 0020 ? 0 : "owner", st.st_gid) ;
  return 1 ;
}

static int put_event (char const *dir, char const *fn)
{
  struct stat st ;
  mode_t mode ;
  if (!is_type(fn, &st, S_IFDIR, " is not a directory")) return 0 ;
  mode = st.st_mode & 07777 ;
  if (mode != 01733 && mode != 03730) return complain_mode(fn, mode) ;
  put_line(dir, " events: ", mode == 01733 ? "public" : 0, st.st_gid) ;
  return 1 ;
}

/* Whether all three could be printed; the control fifo of a supervise/ that is not as it should
   be is not looked at. */
static int put_all (char const *dir)
{
  stralloc sa = STRALLOC_ZERO ;
  int ok = put_supervise(dir, tool_path(&sa, dir, "supervise"))
        && put_control(dir, tool_path(&sa, dir, "supervise/control")) ;
  ok &= put_event(dir, tool_path(&sa, dir, "event")) ;
  stralloc_free(&sa) ;
  return ok ;
}

/* ---------------------------------------------------------------- */

static void set_supervise (struct rights *r, mode_t supervise, mode_t control, char const *group)
{
  gid_t gid = group ? scan_group(group) : OWNERS_GROUP ;
  r->supervise = supervise ;
  r->supervise_gid = supervise == 0710 ? gid : OWNERS_GROUP ;
  r->control = control ;
  r->control_gid = control == 0620 ? gid : OWNERS_GROUP ;
}

static int scan_options (int argc, char const *const *argv, struct rights *r, int *prints)
{
  subgetopt l = SUBGETOPT_ZERO ;
  for (;;)
  {
    int opt = subgetopt_r(argc, argv, "vug:G:oO:eE:", &l) ;
    switch (opt)
    {
      case -1 : return l.ind ;
      case 'v' : *prints = 1 ; break ;
      case 'u' : set_supervise(r, 0700, 0600, 0) ; break ;
      case 'g' : set_supervise(r, 0710, 0600, l.arg) ; break ;
      case 'G' : set_supervise(r, 0710, 0620, l.arg) ; break ;
      case 'o' : set_supervise(r, 0711, 0600, 0) ; break ;
      case 'O' : set_supervise(r, 0711, 0620, l.arg) ; break ;
      case 'e' : r->event = 01733 ; r->event_gid = OWNERS_GROUP ; break ;
      case 'E' : r->event = 03730 ; r->event_gid = scan_group(l.arg) ; break ;
      default : tool_dieusage(USAGE) ;
    }
  }
}

int svperms_main (int argc, char const *const *argv)
{
  struct rights r = { .supervise = 0 } ;
  int prints = 0, ok = 1 ;
  int n = scan_options(argc, argv, &r, &prints) ;
  argc -= n ; argv += n ;
  if (!argc) tool_dieusage(USAGE) ;
  if (!r.supervise && !r.event) prints = 1 ;
  for (; *argv ; argv++)
  {
    char const *dir = scandir_service(*argv) ;
    set_all(dir, &r) ;
    if (prints) ok &= put_all(dir) ;
  }
  tool_flush() ;
  return !ok ;
}
