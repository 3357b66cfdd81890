/* ISC license. */

/*
   s6-update-symlinks: several directory trees seen as one, made of symbolic links; the last
   source wins. A directory all of which comes from one source is a link to it; any other is a
   real one. The tree is made beside its place and put there by a rename.
*/

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <skalibs/djbunix.h>
#include <skalibs/random.h>
#include <skalibs/stralloc.h>
#include <skalibs/strerr.h>

#include "portable.h"

#define USAGE "s6-update-symlinks /destdir /srcdir..."

int s6update_symlinks_main (int, char const *const *) ;

/* What a source has made of a place. */
enum outcome
{
  MERGED, /* others have a part in it */
  OWNED, /* it is a link to the source */
  CONFLICT, /* a directory is to be replaced by what is none; message printed */
  FAILED /* message printed */
} ;

static int complain (char const *what, char const *path)
{
  strerr_warnwusys(what, path) ;
  return 0 ;
}

static char *joined (stralloc *sa, char const *dir, char const *name)
{
  sa->len = 0 ;
  portable_cat(sa, dir, strlen(dir)) ;
  portable_cat(sa, "/", 1) ;
  portable_cat(sa, name, strlen(name) + 1) ;
  return sa->s ;
}

static int is_directory (char const *path)
{
  struct stat st ;
  return stat(path, &st) == 0 && S_ISDIR(st.st_mode) ;
}

static size_t count (stralloc const *names)
{
  size_t n = 0 ;
  for (size_t i = 0 ; i < names->len ; i++) n += !names->s[i] ;
  return n ;
}

/* Makes a link to a directory a directory of links. */
static int expand (char const *dst)
{
  stralloc target = STRALLOC_ZERO, names = STRALLOC_ZERO, from = STRALLOC_ZERO, to = STRALLOC_ZERO ;
  int ok = 1 ;
  if (sareadlink(&target, dst) < 0) return errno == EINVAL || complain("read link ", dst) ;
  portable_cat(&target, "", 1) ;
  portable_list(&names, target.s) ;
  if (unlink(dst) < 0 || mkdir(dst, 0777) < 0) ok = complain("replace by a directory ", dst) ;
  for (size_t i = 0 ; ok && i < names.len ; i += strlen(names.s + i) + 1)
    if (symlink(joined(&from, target.s, names.s + i), joined(&to, dst, names.s + i)) < 0) ok = complain("make link ", to.s) ;
  stralloc_free(&target) ; stralloc_free(&names) ; stralloc_free(&from) ; stralloc_free(&to) ;
  return ok ;
}

static enum outcome replace (char const *dst, char const *src)
{
  if (rm_rf(dst) < 0) return complain("remove ", dst), FAILED ;
  return symlink(src, dst) == 0 ? OWNED : (complain("make link ", dst), FAILED) ;
}

static enum outcome merge (char const *dst, char const *src) ;

/* Both are directories; names are those in src. */
static enum outcome merge_entries (char const *dst, char const *src, stralloc const *names)
{
  stralloc from = STRALLOC_ZERO, to = STRALLOC_ZERO, all = STRALLOC_ZERO ;
  enum outcome r = OWNED ;
  for (size_t i = 0 ; r < CONFLICT && i < names->len ; i += strlen(names->s + i) + 1)
  {
    enum outcome one = merge(joined(&to, dst, names->s + i), joined(&from, src, names->s + i)) ;
    if (one != OWNED) r = one ;
  }
  portable_list(&all, dst) ;
  if (r == OWNED) r = count(&all) == count(names) ? replace(dst, src) : MERGED ;
  stralloc_free(&from) ; stralloc_free(&to) ; stralloc_free(&all) ;
  return r ;
}

static enum outcome merge_directory (char const *dst, char const *src)
{
  stralloc names = STRALLOC_ZERO ;
  enum outcome r = MERGED ;
  portable_list(&names, src) ;
  /* an empty one adds nothing */
  if (names.len) r = expand(dst) ? merge_entries(dst, src, &names) : FAILED ;
  stralloc_free(&names) ;
  return r ;
}

static enum outcome merge (char const *dst, char const *src)
{
  if (symlink(src, dst) == 0) return OWNED ;
  if (errno != EEXIST) return complain("make link ", dst), FAILED ;
  if (!is_directory(dst)) return replace(dst, src) ;
  if (is_directory(src)) return merge_directory(dst, src) ;
  strerr_warnw("destination ", dst, " is a directory and conflicts with source ", src) ;
  return CONFLICT ;
}

static char *name_beside (stralloc *sa, char const *path, char const *what)
{
  portable_cat(sa, path, strlen(path)) ;
  portable_cat(sa, what, strlen(what)) ;
  if (!random_sauniquename(sa, 8)) strerr_diefusys(111, "make a unique name for ", path) ;
  portable_cat(sa, "", 1) ;
  return sa->s ;
}

static void give_up (int e, char const *tmp)
{
  rm_rf(tmp) ;
  _exit(e) ;
}

/* One rename if a link replaces a link or nothing. A directory can neither be replaced nor
   replace: then there is a moment in which the name is not there. */
static void put_in_place (char const *new, char const *dst)
{
  stralloc sa = STRALLOC_ZERO ;
  char const *old ;
  if (rename(new, dst) == 0) return ;
  old = name_beside(&sa, dst, ":s6-update-symlinks-old") ;
  if (rename(dst, old) < 0)
  {
    complain("rename ", dst) ;
    give_up(111, new) ;
  }
  if (rename(new, dst) < 0)
  {
    complain("put in its place ", dst) ;
    if (rename(old, dst) < 0) complain("restore ", dst) ;
    give_up(111, new) ;
  }
  if (rm_rf(old) < 0) complain("remove ", old) ;
}

int s6update_symlinks_main (int argc, char const *const *argv)
{
  struct portable_options o = PORTABLE_OPTIONS_ZERO ;
  stralloc dst = STRALLOC_ZERO, sa = STRALLOC_ZERO ;
  char const *tmp ;
  portable_getopt(&argc, &argv, "", USAGE, 2, &o) ;
  for (int i = 0 ; i < argc ; i++) if (*argv[i] != '/') strerr_dief(100, argv[i], " is not an absolute path") ;
  portable_cat(&dst, argv[0], strlen(argv[0])) ;
  while (dst.len && dst.s[dst.len - 1] == '/') dst.len-- ;
  if (!dst.len) strerr_dief(100, "the root directory cannot be replaced") ;
  portable_cat(&dst, "", 1) ;
  tmp = name_beside(&sa, dst.s, ":s6-update-symlinks-new") ;
  for (int i = 1 ; i < argc ; i++)
  {
    enum outcome r = merge(tmp, argv[i]) ;
    if (r >= CONFLICT) give_up(r == CONFLICT ? 100 : 111, tmp) ;
  }
  put_in_place(tmp, dst.s) ;
  return 0 ;
}
