/* ISC license. */

/* mkdir, mkfifo, touch, chown, chmod, rename: one system call, and the message if it fails.
   Those that take several names do all they can and exit 111 if one failed. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <skalibs/env.h>
#include <skalibs/posixplz.h>
#include <skalibs/stralloc.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "portable.h"

#define MKDIR_USAGE "s6-mkdir [ -p ] [ -v ] [ -m mode ] dir..."
#define MKFIFO_USAGE "s6-mkfifo [ -m mode ] fifo..."
#define TOUCH_USAGE "s6-touch file..."
#define CHOWN_USAGE "s6-chown [ -U ] [ -u uid ] [ -g gid ] file..."
#define CHMOD_USAGE "s6-chmod mode file..."
#define RENAME_USAGE "s6-rename old new"

int s6mkdir_main (int, char const *const *) ;
int s6mkfifo_main (int, char const *const *) ;
int s6touch_main (int, char const *const *) ;
int s6chown_main (int, char const *const *) ;
int s6chmod_main (int, char const *const *) ;
int s6rename_main (int, char const *const *) ;

enum { MKDIR_PARENTS = 1, MKDIR_VERBOSE = 2, MKDIR_MODE = 4 } ;

static int is_directory (char const *path)
{
  struct stat st ;
  return stat(path, &st) == 0 && S_ISDIR(st.st_mode) ;
}

/* 1: made; 0: was there; -1: message printed. */
static int make (char const *path, mode_t mode, unsigned int given)
{
  if (mkdir(path, mode) == 0)
  {
    if (given & MKDIR_VERBOSE) strerr_warn(PROG, ": created directory ", path) ;
    return 1 ;
  }
  if (errno == EEXIST && given & MKDIR_PARENTS && is_directory(path)) return 0 ;
  strerr_warnwusys("mkdir ", path) ;
  return -1 ;
}

/* Parents must let us make what is below them, whatever the umask says. */
static int make_parents (char const *path, mode_t mask, unsigned int given)
{
  stralloc sa = STRALLOC_ZERO ;
  int r = 0 ;
  portable_cat(&sa, path, strlen(path) + 1) ;
  for (char *p = sa.s + strspn(sa.s, "/") ; r >= 0 && (p = strchr(p, '/')) ; )
  {
    size_t slashes = strspn(p, "/") ;
    if (!p[slashes]) break ;
    *p = 0 ;
    r = make(sa.s, (0777 & ~mask) | 0300, given) ;
    *p = '/' ;
    p += slashes ;
  }
  stralloc_free(&sa) ;
  return r ;
}

int s6mkdir_main (int argc, char const *const *argv)
{
  struct portable_options o = PORTABLE_OPTIONS_ZERO ;
  mode_t mask = umask(0), mode = 0777 & ~mask ;
  int e = 0 ;
  portable_getopt(&argc, &argv, "pvm:", MKDIR_USAGE, 0, &o) ;
  if (o.given & MKDIR_MODE) mode = portable_mode(o.arg[2], MKDIR_USAGE) ;
  for (; *argv ; argv++)
  {
    int r = o.given & MKDIR_PARENTS ? make_parents(*argv, mask, o.given) : 0 ;
    if (r >= 0) r = make(*argv, mode, o.given) ;
    /* mkdir() has no say over the setuid and setgid bits */
    if (r > 0 && mode & 07000 && chmod(*argv, mode) < 0)
    {
      strerr_warnwusys("chmod ", *argv) ;
      r = -1 ;
    }
    if (r < 0) e = 111 ;
  }
  return e ;
}

int s6mkfifo_main (int argc, char const *const *argv)
{
  struct portable_options o = PORTABLE_OPTIONS_ZERO ;
  mode_t mode = 0666 ;
  int e = 0 ;
  portable_getopt(&argc, &argv, "m:", MKFIFO_USAGE, 0, &o) ;
  if (o.given)
  {
    mode = portable_mode(o.arg[0], MKFIFO_USAGE) ;
    umask(0) ;
  }
  for (; *argv ; argv++) if (mkfifo(*argv, mode) < 0)
  {
    strerr_warnwusys("mkfifo ", *argv) ;
    e = 111 ;
  }
  return e ;
}

int s6touch_main (int argc, char const *const *argv)
{
  struct portable_options o = PORTABLE_OPTIONS_ZERO ;
  int e = 0 ;
  portable_getopt(&argc, &argv, "", TOUCH_USAGE, 1, &o) ;
  /* not to be opened if it is there: it may be a fifo, a directory, or not ours to write to */
  for (; *argv ; argv++)
    if (utimensat(AT_FDCWD, *argv, 0, 0) < 0 && (errno != ENOENT || !touch(*argv)))
    {
      strerr_warnwusys("touch ", *argv) ;
      e = 111 ;
    }
  return e ;
}

static void ids_from_environment (uid_t *uid, gid_t *gid)
{
  char const *u = env_get2((char const *const *)environ, "UID") ;
  char const *g = env_get2((char const *const *)environ, "GID") ;
  if (!u) strerr_dienotset(100, "UID") ;
  if (!uid0_scan(u, uid)) strerr_dieinvalid(100, "UID") ;
  if (!g) strerr_dienotset(100, "GID") ;
  if (!gid0_scan(g, gid)) strerr_dieinvalid(100, "GID") ;
}

int s6chown_main (int argc, char const *const *argv)
{
  enum { ENVIRONMENT = 1, USER = 2, GROUP = 4 } ;
  struct portable_options o = PORTABLE_OPTIONS_ZERO ;
  uid_t uid = (uid_t)-1 ;
  gid_t gid = (gid_t)-1 ;
  int e = 0 ;
  portable_getopt(&argc, &argv, "Uu:g:", CHOWN_USAGE, 1, &o) ;
  if (o.given & ENVIRONMENT) ids_from_environment(&uid, &gid) ;
  if (o.given & USER && !uid0_scan(o.arg[1], &uid)) strerr_dieusage(100, CHOWN_USAGE) ;
  if (o.given & GROUP && !gid0_scan(o.arg[2], &gid)) strerr_dieusage(100, CHOWN_USAGE) ;
  for (; *argv ; argv++) if (chown(*argv, uid, gid) < 0)
  {
    strerr_warnwusys("chown ", *argv) ;
    e = 111 ;
  }
  return e ;
}

int s6chmod_main (int argc, char const *const *argv)
{
  struct portable_options o = PORTABLE_OPTIONS_ZERO ;
  mode_t mode ;
  int e = 0 ;
  portable_getopt(&argc, &argv, "", CHMOD_USAGE, 2, &o) ;
  mode = portable_mode(*argv++, CHMOD_USAGE) ;
  for (; *argv ; argv++) if (chmod(*argv, mode) < 0)
  {
    strerr_warnwusys("chmod ", *argv) ;
    e = 111 ;
  }
  return e ;
}

int s6rename_main (int argc, char const *const *argv)
{
  struct portable_options o = PORTABLE_OPTIONS_ZERO ;
  portable_getopt(&argc, &argv, "", RENAME_USAGE, 2, &o) ;
  if (rename(argv[0], argv[1]) < 0) strerr_diefusys(111, "rename ", argv[0], " to ", argv[1]) ;
  return 0 ;
}
