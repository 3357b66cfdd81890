/* ISC license. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <skalibs/djbunix.h>
#include <skalibs/genalloc.h>
#include <skalibs/stralloc.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "control.h"
#include "scandir.h"
#include "tools.h"

static void die_memory (void)
{
  strerr_diefusys(111, "find the scan directory") ;
}

static int is_dir (char const *path)
{
  struct stat st ;
  return stat(path, &st) == 0 && S_ISDIR(st.st_mode) ;
}

/* Root if it cannot be seen: then nobody else is trusted on its account. */
static uid_t uid_of_1 (void)
{
  struct stat st ;
  return stat("/proc/1", &st) == 0 ? st.st_uid : 0 ;
}

/* Where we may not look for the lock, somebody whom we trust has closed the directory: it
   is the one, and the caller will say that it has no permission. */
static int is_running (char const *path)
{
  struct stat st ;
  int r ;
  if (stat(path, &st) == -1 || !S_ISDIR(st.st_mode)) return 0 ;
  if (st.st_uid && st.st_uid != geteuid() && st.st_uid != uid_of_1()) return 0 ;
  r = control_islocked(path, SVSCAN_SUB) ;
  return r == 1 || (r == -1 && errno == EACCES) ;
}

/* The argument after --, or else the first absolute path behind argv[0]. */
static char const *pick_argument (char const *s, size_t len)
{
  char const *path = 0 ;
  size_t pos = strlen(s) + 1 ;
  while (pos < len)
  {
    char const *arg = s + pos ;
    pos += strlen(arg) + 1 ;
    if (!strcmp(arg, "--")) return pos < len ? s + pos : path ;
    if (!path && arg[0] == '/') path = arg ;
  }
  return path ;
}

static int find_rundir (stralloc *sa)
{
  char const *rundir = getenv("S6_RUNDIR") ;
  return rundir && is_running(tool_path(sa, rundir, "service")) ;
}

static int find_argument (stralloc *sa)
{
  stralloc cmdline = STRALLOC_ZERO ;
  char const *arg = 0 ;
  int found ;
  if (openslurpclose(&cmdline, "/proc/1/cmdline") && cmdline.len && stralloc_0(&cmdline))
    arg = pick_argument(cmdline.s, cmdline.len - 1) ;
  if (arg && (!stralloc_copys(sa, arg) || !stralloc_0(sa))) die_memory() ;
  found = arg && is_running(sa->s) ;
  stralloc_free(&cmdline) ;
  return found ;
}

static int find_fixed (stralloc *sa)
{
  return is_running(tool_path(sa, "/run", "service")) || is_running(tool_path(sa, "/var/run", "service")) ;
}

/* Where keelson goes when it cannot have /run. */
static int find_of_uid (stralloc *sa, char const *dir, uid_t uid)
{
  char name[sizeof("keelson-/service") + UID_FMT] = "keelson-" ;
  size_t len = strlen(name) ;
  len += uid_fmt(name + len, uid) ;
  memcpy(name + len, "/service", sizeof("/service")) ;
  return is_running(tool_path(sa, dir, name)) ;
}

static int find_private (stralloc *sa)
{
  uid_t uid1 = uid_of_1(), uid = geteuid() ;
  return find_of_uid(sa, "/dev/shm", uid1) || find_of_uid(sa, "/dev/shm", uid)
    || find_of_uid(sa, "/tmp", uid1) || find_of_uid(sa, "/tmp", uid) ;
}

char const *scandir_find (char const *dopt)
{
  static stralloc sa = STRALLOC_ZERO ;
  if (dopt) return dopt ;
  return find_rundir(&sa) || find_argument(&sa) || find_fixed(&sa) || find_private(&sa) ? sa.s : 0 ;
}

char const *scandir_service (char const *name)
{
  stralloc sa = STRALLOC_ZERO ;
  char const *sd ;
  if (!name[0] || strchr(name, '/') || is_dir(name)) return name ;
  sd = scandir_find(0) ;
  if (!sd)
  {
    strerr_warnw(name, " is no directory here, and no scan directory of a running supervisor was found to look for a service of that name: give the service directory's path") ;
    return name ;
  }
  if (is_dir(tool_path(&sa, sd, name))) return sa.s ;
  strerr_warnw(name, " is no directory here, and no service in ", sd) ;
  stralloc_free(&sa) ;
  return name ;
}

char const *const *scandir_services (char const *const *argv, unsigned int n)
{
  genalloc tab = GENALLOC_ZERO ;  /* char const * */
  char const *end = 0 ;
  for (unsigned int i = 0 ; i < n ; i++)
  {
    char const *dir = scandir_service(argv[i]) ;
    if (!genalloc_append(char const *, &tab, &dir)) die_memory() ;
  }
  if (!genalloc_append(char const *, &tab, &end)) die_memory() ;
  return genalloc_s(char const *, &tab) ;
}
