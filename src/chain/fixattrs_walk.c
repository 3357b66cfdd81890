/* ISC license. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <skalibs/direntry.h>
#include <skalibs/djbunix.h>
#include <skalibs/skamisc.h>
#include <skalibs/stralloc.h>
#include <skalibs/strerr.h>

#include "fixattrs_parse.h"
#include "fixattrs_walk.h"

#define LINKS_MAX 40     /* as the kernel's own */
#define REPORTS_MAX 10   /* a tree of 100,000 files may fail 100,000 times */

/* ---------------------------------------------------------------- what went wrong */

/* A user chose the names in his tree: control characters in them must not reach a terminal. */
static void show_path (stralloc *sa, struct fixattrs_walk const *w)
{
  sa->len = 0 ;
  if (!string_quote_nodelim(sa, w->path.s, w->path.len) || !stralloc_0(sa)) strerr_diefusys(111, "allocate memory") ;
}

static void report (struct fixattrs_walk *w, char const *what, char const *why)
{
  stralloc path = STRALLOC_ZERO ;
  if (w->failed++ >= REPORTS_MAX) return ;
  show_path(&path, w) ;
  strerr_warnw("unable to ", what, " ", path.s, ": ", why,
    w->failed == REPORTS_MAX ? " (further messages left out)" : "") ;
  stralloc_free(&path) ;
}

static void deny (struct fixattrs_walk *w, int e)
{
  if (w->denied++) return ;
  w->denied_errno = e ;
  show_path(&w->denied_path, w) ;
}

/* A file that is gone meanwhile needs nothing. */
static void cannot (struct fixattrs_walk *w, char const *what)
{
  if (errno == EPERM || errno == EROFS) deny(w, errno) ;
  else if (errno != ENOENT) report(w, what, strerror(errno)) ;
}

/* ---------------------------------------------------------------- one file */

/* With fs.protected_hardlinks off, a user may have given /etc/shadow a second name in his own
   directory. */
static int links_are_safe (void)
{
  static int safe = -1 ;
  char c ;
  if (safe < 0) safe = openreadnclose("/proc/sys/fs/protected_hardlinks", &c, 1) != 1 || c != '0' ;
  return safe ;
}

/* libc needs /proc to change a mode without following a link; where that is not mounted, a
   descriptor will do. Opening what is not a fifo or device has no effect of its own. */
static int change_mode (int dirfd, char const *name, mode_t type, mode_t mode)
{
  int fd, r ;
  r = fchmodat(dirfd, name, mode, AT_SYMLINK_NOFOLLOW) ;
  if (!r || (errno != EOPNOTSUPP && errno != ENOSYS) || (!S_ISREG(type) && !S_ISDIR(type))) return r ;
  fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) ;
  if (fd < 0) return -1 ;
  r = fchmod(fd, mode) ;
  fd_close(fd) ;
  return r ;
}

/* Owner first: a change of owner takes setuid and setgid bits away. */
static void fix (struct fixattrs_walk *w, int dirfd, char const *name, struct stat const *st)
{
  int const mode = S_ISDIR(st->st_mode) ? w->dmode : w->fmode ;
  int const chown_needed = st->st_uid != w->uid || st->st_gid != w->gid ;
  int changed = 0 ;
  if (!S_ISDIR(st->st_mode) && st->st_nlink > 1 && !links_are_safe())
  {
    report(w, "change", "it has other names, and this kernel lets users make such (set fs.protected_hardlinks to 1)") ;
    return ;
  }
  if (chown_needed)
  {
    if (fchownat(dirfd, name, w->uid, w->gid, AT_SYMLINK_NOFOLLOW) < 0) cannot(w, "chown") ;
    else changed = 1 ;
  }
  if (mode != FIXATTRS_KEEP && !S_ISLNK(st->st_mode)
   && ((st->st_mode & 07777) != (mode_t)mode || (changed && mode & (S_ISUID | S_ISGID))))
  {
    if (change_mode(dirfd, name, st->st_mode, (mode_t)mode) < 0) cannot(w, "chmod") ;
    else changed = 1 ;
  }
  w->changed += (unsigned long)changed ;
}

/* ---------------------------------------------------------------- a tree */

static void fix_tree (struct fixattrs_walk *, int, char const *, unsigned int) ;

static int is_wanted (struct fixattrs_walk const *w, char const *name)
{
  return name[0] != '.' || (w->hidden && strcmp(name, ".") && strcmp(name, "..")) ;
}

static void fix_children (struct fixattrs_walk *w, DIR *dir, unsigned int depth)
{
  size_t const len = w->path.len ;
  direntry *d ;
  while (errno = 0, (d = readdir(dir)))
  {
    if (!is_wanted(w, d->d_name)) continue ;
    if ((w->path.s[len - 1] != '/' && !stralloc_catb(&w->path, "/", 1)) || !stralloc_cats(&w->path, d->d_name)) break ;
    fix_tree(w, dir_fd(dir), d->d_name, depth) ;
    w->path.len = len ;
  }
  w->path.len = len ;
  if (errno) cannot(w, "read") ;
}

static void descend (struct fixattrs_walk *w, int dirfd, char const *name, unsigned int depth)
{
  DIR *dir ;
  int fd ;
  if (depth >= FIXATTRS_DEPTH_MAX)
  {
    report(w, "descend into", "too many directories one in another") ;
    return ;
  }
  fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) ;
  dir = fd < 0 ? 0 : fdopendir(fd) ;
  if (!dir)
  {
    cannot(w, "open") ;
    if (fd >= 0) fd_close(fd) ;
    return ;
  }
  fix_children(w, dir, depth + 1) ;
  dir_close(dir) ;
}

static void fix_tree (struct fixattrs_walk *w, int dirfd, char const *name, unsigned int depth)
{
  struct stat st ;
  if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
  {
    cannot(w, "stat") ;
    return ;
  }
  fix(w, dirfd, name, &st) ;
  if (w->recurse && S_ISDIR(st.st_mode)) descend(w, dirfd, name, depth) ;
}

/* ---------------------------------------------------------------- the way to it */

/* A path that is walked one component at a time. */
struct way
{
  int fd ;                  /* the directory reached so far */
  stralloc rest ;           /* what is still to go, with a final null */
  size_t pos ;              /* in rest */
  unsigned int links ;
  char name[NAME_MAX + 1] ; /* the component at hand */
} ;

/* The next component into way->name, "." at the end of the path. */
static int next_name (struct way *way)
{
  char const *s = way->rest.s + way->pos ;
  size_t len ;
  s += strspn(s, "/") ;
  len = strcspn(s, "/") ;
  if (len > NAME_MAX) return errno = ENAMETOOLONG, -1 ;
  memcpy(way->name, len ? s : ".", len ? len : 1) ;
  way->name[len ? len : 1] = 0 ;
  way->pos = (size_t)(s - way->rest.s) + len ;
  return 0 ;
}

static int is_last (struct way const *way)
{
  char const *s = way->rest.s + way->pos ;
  return !s[strspn(s, "/")] ;
}

static int replace_fd (struct way *way, int fd)
{
  if (fd < 0) return -1 ;
  fd_close(way->fd) ;
  way->fd = fd ;
  return 0 ;
}

/* The link's target takes its place in what is still to go. */
static int follow (struct way *way)
{
  char target[PATH_MAX] ;
  stralloc rest = STRALLOC_ZERO ;
  ssize_t len = readlinkat(way->fd, way->name, target, sizeof target) ;
  if (len < 0) return -1 ;
  if (++way->links > LINKS_MAX) return errno = ELOOP, -1 ;
  if (!stralloc_catb(&rest, target, (size_t)len) || !stralloc_catb(&rest, "/", 1)
   || !stralloc_cats(&rest, way->rest.s + way->pos) || !stralloc_0(&rest)) return -1 ;
  stralloc_free(&way->rest) ;
  way->rest = rest ;
  way->pos = 0 ;
  return target[0] == '/' ? replace_fd(way, open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)) : 0 ;
}

static int is_ours (uid_t uid)
{
  return !uid || uid == geteuid() ;
}

/* A link that root or we made, or that nobody else can have put there. */
static int is_trusted (struct way const *way, struct stat const *link)
{
  struct stat dir ;
  if (is_ours(link->st_uid)) return 1 ;
  return fstat(way->fd, &dir) >= 0 && is_ours(dir.st_uid) && !(dir.st_mode & 022) ;
}

/* Leaves the last directory in way->fd and the name there in way->name. 0; -1 with errno;
   -2 if a link on the way is somebody else's. */
static int walk_to (struct way *way)
{
  struct stat st ;
  for (;;)
  {
    if (next_name(way) < 0 || fstatat(way->fd, way->name, &st, AT_SYMLINK_NOFOLLOW) < 0) return -1 ;
    if (S_ISLNK(st.st_mode))
    {
      if (!is_trusted(way, &st)) return -2 ;
      if (follow(way) < 0) return -1 ;
    }
    else if (is_last(way)) return 0 ;
    else if (replace_fd(way, openat(way->fd, way->name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) < 0) return -1 ;
  }
}

void fixattrs_walk (struct fixattrs_walk *w, char const *path)
{
  struct way way = { .fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), .rest = STRALLOC_ZERO } ;
  int r = -1 ;
  if (stralloc_copys(&w->path, path) && stralloc_copys(&way.rest, path) && stralloc_0(&way.rest) && way.fd >= 0)
    r = walk_to(&way) ;
  if (!r) fix_tree(w, way.fd, way.name, 0) ;
  else if (r == -2) report(w, "follow", "there is a symbolic link on the way that somebody else has made") ;
  else if (errno != ENOTDIR) cannot(w, "reach") ;
  stralloc_free(&way.rest) ;
  fd_close(way.fd) ;
}
