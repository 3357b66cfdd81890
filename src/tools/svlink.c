/* ISC license. */

/* s6-svlink: puts a service directory under a running scanner; s6-svunlink: takes it away. */

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <skalibs/djbunix.h>
#include <skalibs/stralloc.h>
#include <skalibs/strerr.h>

#include "control.h"
#include "link.h"
#include "tools.h"

#define USAGE_LINK LINK_USAGE " scandir servicedir [ name ]"
#define USAGE_UNLINK UNLINK_USAGE " scandir servicename"

static void check_scandir (char const *dir)
{
  int r = control_islocked(dir, SVSCAN_SUB) ;
  if (r == -1 || errno == ENOENT) strerr_diefusys(111, "check lock on ", dir, "/" SVSCAN_SUB "/lock") ;
  if (!r) strerr_dief(1, "no scanner runs on ", dir) ;
}

static void check_run (char const *dir)
{
  stralloc sa = STRALLOC_ZERO ;
  struct stat st ;
  int r ;
  if (stat(tool_path(&sa, dir, "run"), &st) == -1) strerr_diefusys(111, "stat ", sa.s) ;
  if (!(st.st_mode & S_IXUSR)) strerr_dief(100, sa.s, " is not executable") ;
  r = control_islocked(dir, SUPERVISE_SUB) ;
  if (r == -1) strerr_diefusys(111, "check supervision status of ", dir) ;
  if (r) strerr_warnw("supervisor already running on ", dir) ;
  stralloc_free(&sa) ;
}

static void check_servicedir (char const *dir)
{
  stralloc sa = STRALLOC_ZERO ;
  struct stat st ;
  check_run(dir) ;
  if (stat(tool_path(&sa, dir, "log"), &st) == 0)
  {
    if (!S_ISDIR(st.st_mode)) strerr_dief(100, sa.s, " is not a directory") ;
    check_run(sa.s) ;
  }
  else if (errno != ENOENT) strerr_diefusys(111, "stat ", sa.s) ;
  stralloc_free(&sa) ;
}

static char const *name_of (stralloc *sa, char const *dir)
{
  if (!sabasename(sa, dir, strlen(dir)) || !stralloc_0(sa))
    strerr_diefusys(111, "find the name of ", dir) ;
  return sa->s ;
}

int svlink_main (int argc, char const *const *argv)
{
  struct link_options o = { .timeout = 0 } ;
  stralloc sa = STRALLOC_ZERO ;
  char const *name ;
  int n = link_scan(argc, argv, &o, USAGE_LINK) ;
  argc -= n ; argv += n ;
  if (argc < 2) tool_dieusage(USAGE_LINK) ;
  if (!argv[0][0]) strerr_dief(100, "invalid scandir") ;
  if (!argv[1][0]) strerr_dief(100, "invalid servicedir") ;
  name = argc > 2 ? argv[2] : name_of(&sa, argv[1]) ;
  if (!name[0] || name[0] == '.' || name[0] == '/') strerr_dief(100, "invalid name") ;
  check_scandir(argv[0]) ;
  check_servicedir(argv[1]) ;
  if (!link_service(argv[0], argv[1], name, &o))
    strerr_diefusys(errno == ETIMEDOUT ? 99 : 111, "link servicedir ", argv[1], " into scandir ", argv[0], " with name ", name) ;
  return 0 ;
}

int svunlink_main (int argc, char const *const *argv)
{
  unsigned int timeout = 0 ;
  int waits = 1 ;
  int n = unlink_scan(argc, argv, &timeout, &waits, USAGE_UNLINK) ;
  argc -= n ; argv += n ;
  if (argc < 2) tool_dieusage(USAGE_UNLINK) ;
  if (!argv[1][0] || argv[1][0] == '.' || argv[1][0] == '/') strerr_dief(100, "invalid service name") ;
  if (!unlink_service(argv[0], argv[1], timeout, waits))
    strerr_diefusys(111, "prepare unlinking of service ", argv[1], " in scandir ", argv[0]) ;
  return 0 ;
}
