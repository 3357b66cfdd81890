/* ISC license. */

/* ls, linkname, rmrf, hiercopy, ln */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <skalibs/djbunix.h>
#include <skalibs/random.h>
#include <skalibs/stralloc.h>
#include <skalibs/strerr.h>

#include "portable.h"

#define LS_USAGE "s6-ls [ -0 ] [ -a | -A ] [ -x exclude ] dir"
#define LINKNAME_USAGE "s6-linkname [ -f ] [ -n ] path"
#define RMRF_USAGE "s6-rmrf path..."
#define HIERCOPY_USAGE "s6-hiercopy source destination"
#define LN_USAGE "s6-ln [ -n ] [ -s ] [ -f ] [ -L ] [ -P ] source... target"

int s6ls_main (int, char const *const *) ;
int s6linkname_main (int, char const *const *) ;
int s6rmrf_main (int, char const *const *) ;
int s6hiercopy_main (int, char const *const *) ;
int s6ln_main (int, char const *const *) ;

int s6ls_main (int argc, char const *const *argv)
{
  enum { NULLS = 1, HIDDEN = 2, ALL = 4, EXCLUDE = 8 } ;
  struct portable_options o = PORTABLE_OPTIONS_ZERO ;
  stralloc names = STRALLOC_ZERO ;
  portable_getopt(&argc, &argv, "0aAx:", LS_USAGE, 1, &o) ;
  if (o.given & ALL) portable_cat(&names, ".\0..", 5) ;
  portable_list(&names, argv[0]) ;
  for (size_t i = 0 ; i < names.len ; i += strlen(names.s + i) + 1)
  {
    char const *s = names.s + i ;
    if (*s == '.' && !(o.given & (HIDDEN | ALL))) continue ;
    if (o.given & EXCLUDE && !strcmp(s, o.arg[3])) continue ;
    portable_puts(s) ;
    portable_put(o.given & NULLS ? "" : "\n", 1) ;
  }
  return portable_finish() ;
}

int s6linkname_main (int argc, char const *const *argv)
{
  enum { FOLLOW = 1, NO_NEWLINE = 2 } ;
  struct portable_options o = PORTABLE_OPTIONS_ZERO ;
  stralloc sa = STRALLOC_ZERO ;
  portable_getopt(&argc, &argv, "fn", LINKNAME_USAGE, 1, &o) ;
  if ((o.given & FOLLOW ? sarealpath(&sa, argv[0]) : sareadlink(&sa, argv[0])) < 0)
    strerr_diefusys(111, "resolve ", argv[0]) ;
  portable_put(sa.s, sa.len) ;
  if (!(o.given & NO_NEWLINE)) portable_put("\n", 1) ;
  return portable_finish() ;
}

int s6rmrf_main (int argc, char const *const *argv)
{
  struct portable_options o = PORTABLE_OPTIONS_ZERO ;
  int e = 0 ;
  portable_getopt(&argc, &argv, "", RMRF_USAGE, 1, &o) ;
  for (; *argv ; argv++) if (rm_rf(*argv) < 0)
  {
    strerr_warnwusys("remove ", *argv) ;
    e = 111 ;
  }
  return e ;
}

/* ------------------------------------------------------------------------------- hiercopy */
/* skalibs has a hiercopy(), which says nothing of files below the top that it could not copy. */

static int complain (char const *what, char const *path)
{
  strerr_warnwusys(what, path) ;
  return 0 ;
}

static int copy (char const *src, char const *dst) ;

static int copy_directory (char const *src, char const *dst)
{
  stralloc names = STRALLOC_ZERO, from = STRALLOC_ZERO, to = STRALLOC_ZERO ;
  struct stat st ;
  int ok = 1 ;
  if (mkdir(dst, 0700) < 0 && (errno != EEXIST || stat(dst, &st) < 0 || !S_ISDIR(st.st_mode)))
    return complain("mkdir ", dst) ;
  portable_list(&names, src) ;
  portable_cat(&from, src, strlen(src)) ;
  portable_cat(&from, "/", 1) ;
  portable_cat(&to, dst, strlen(dst)) ;
  portable_cat(&to, "/", 1) ;
  for (size_t i = 0, n, f = from.len, t = to.len ; i < names.len ; i += n)
  {
    n = strlen(names.s + i) + 1 ;
    from.len = f ; to.len = t ;
    portable_cat(&from, names.s + i, n) ;
    portable_cat(&to, names.s + i, n) ;
    if (!copy(from.s, to.s)) ok = 0 ;
  }
  stralloc_free(&names) ; stralloc_free(&from) ; stralloc_free(&to) ;
  return ok ;
}

static int copy_link (char const *src, char const *dst)
{
  stralloc sa = STRALLOC_ZERO ;
  int r ;
  if (sareadlink(&sa, src) < 0) return complain("read link ", src) ;
  portable_cat(&sa, "", 1) ;
  r = symlink(sa.s, dst) == 0 ;
  if (!r) complain("make link ", dst) ;
  stralloc_free(&sa) ;
  return r ;
}

/* Only root can give files away. The mode comes last: a change of owner clears its setuid bit. */
static int copy_attributes (struct stat const *st, char const *dst)
{
  if (lchown(dst, st->st_uid, st->st_gid) < 0 && !geteuid()) return complain("chown ", dst) ;
  if (!S_ISLNK(st->st_mode) && chmod(dst, st->st_mode & 07777) < 0) return complain("chmod ", dst) ;
  return 1 ;
}

static int copy (char const *src, char const *dst)
{
  struct stat st ;
  int r ;
  if (lstat(src, &st) < 0) return complain("stat ", src) ;
  /* what is there is replaced, not written to: it may be a link to something else */
  if (!S_ISDIR(st.st_mode) && unlink(dst) < 0 && errno != ENOENT) return complain("replace ", dst) ;
  switch (st.st_mode & S_IFMT)
  {
    case S_IFDIR : r = copy_directory(src, dst) ; break ;
    case S_IFLNK : r = copy_link(src, dst) ; break ;
    case S_IFREG : r = filecopy_unsafe(src, dst, 0600) || complain("copy to ", dst) ; break ;
    default : r = mknod(dst, st.st_mode, st.st_rdev) == 0 || complain("make node ", dst) ;
  }
  /* also a directory of which not all was copied gets its mode */
  return (r || S_ISDIR(st.st_mode)) && copy_attributes(&st, dst) && r ;
}

int s6hiercopy_main (int argc, char const *const *argv)
{
  struct portable_options o = PORTABLE_OPTIONS_ZERO ;
  portable_getopt(&argc, &argv, "", HIERCOPY_USAGE, 2, &o) ;
  umask(0) ;
  return copy(argv[0], argv[1]) ? 0 : 111 ;
}

/* -------------------------------------------------------------------------------------- ln */

enum { LN_NO_DEREFERENCE = 1, LN_SYMBOLIC = 2, LN_FORCE = 4, LN_LOGICAL = 8, LN_PHYSICAL = 16 } ;

static int make_link (char const *src, char const *dst, unsigned int given)
{
  if (given & LN_SYMBOLIC) return symlink(src, dst) ;
  return linkat(AT_FDCWD, src, AT_FDCWD, dst, given & LN_LOGICAL ? AT_SYMLINK_FOLLOW : 0) ;
}

/* The target is at no moment missing: made under another name, then renamed. */
static void replace (char const *src, char const *dst, unsigned int given)
{
  stralloc sa = STRALLOC_ZERO ;
  portable_cat(&sa, dst, strlen(dst)) ;
  if (!random_sauniquename(&sa, 8)) strerr_diefusys(111, "make a unique name for ", dst) ;
  portable_cat(&sa, "", 1) ;
  if (make_link(src, sa.s, given) < 0) strerr_diefusys(111, "make a link ", sa.s, " to ", src) ;
  if (rename(sa.s, dst) < 0)
  {
    int e = errno ;
    unlink(sa.s) ;
    errno = e ;
    strerr_diefusys(111, "replace ", dst) ;
  }
  /* rename() does nothing at all if both names are links to one file */
  unlink(sa.s) ;
  stralloc_free(&sa) ;
}

static void link_to (char const *src, char const *dst, unsigned int given)
{
  if (make_link(src, dst, given) == 0) return ;
  if (errno != EEXIST || !(given & LN_FORCE)) strerr_diefusys(111, "make a link ", dst, " to ", src) ;
  replace(src, dst, given) ;
}

static void link_into (char const *src, char const *dir, unsigned int given)
{
  stralloc sa = STRALLOC_ZERO ;
  portable_cat(&sa, dir, strlen(dir)) ;
  portable_cat(&sa, "/", 1) ;
  if (!sabasename(&sa, src, strlen(src))) strerr_diefusys(111, "get basename of ", src) ;
  portable_cat(&sa, "", 1) ;
  link_to(src, sa.s, given) ;
  stralloc_free(&sa) ;
}

int s6ln_main (int argc, char const *const *argv)
{
  struct portable_options o = PORTABLE_OPTIONS_ZERO ;
  struct stat st ;
  char const *target ;
  int r ;
  portable_getopt(&argc, &argv, "nsfLP", LN_USAGE, 2, &o) ;
  target = argv[argc - 1] ;
  r = o.given & LN_NO_DEREFERENCE ? lstat(target, &st) : stat(target, &st) ;
  if (argc == 2 && (r < 0 || !S_ISDIR(st.st_mode))) link_to(argv[0], target, o.given) ;
  else for (int i = 0 ; i < argc - 1 ; i++) link_into(argv[i], target, o.given) ;
  return 0 ;
}
