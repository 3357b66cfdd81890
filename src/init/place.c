/* ISC license. */

/*
   The run directory: /run where it can be used, else a place of our own. A place will do when
   we can write there and nobody but root or we can replace what we put there.
*/

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <skalibs/direntry.h>
#include <skalibs/stralloc.h>

#include "init.h"
#include "ledger.h"

#define LOCK "/keelson.lock"
#define I_WANT_IT "S6_YES_I_WANT_A_WORLD_WRITABLE_RUN_BECAUSE_KUBERNETES"

static char const *obstacle = 0 ;   /* why the last place would not do */

static int reject (char const *why)
{
  obstacle = why ;
  return 0 ;
}

/* Somebody else can rename our directories away where others may write without a sticky bit. */
static int others_may_replace (struct stat const *st)
{
  if (st->st_mode & S_ISVTX) return 0 ;
  return st->st_mode & 02 || (st->st_mode & 020 && st->st_gid != 0 && st->st_gid != getegid()) ;
}

static int run_is_usable (void)
{
  struct stat st ;
  if (stat("/run", &st) < 0) return reject(strerror(errno)) ;
  if (!S_ISDIR(st.st_mode)) return reject("it is no directory") ;
  if (st.st_uid != 0 && st.st_uid != geteuid()) return reject("it belongs to somebody else") ;
  if (others_may_replace(&st) && !env_uint(I_WANT_IT, 0, 1)) return reject("anybody may replace what lies there (mode 0777 without sticky bit)") ;
  /* as access() does not know of read-only file systems for root in all cases: try */
  house_has_s6 = mkdir("/run/s6", 0755) == 0 ;
  if (house_has_s6) return 1 ;
  return errno == EEXIST && access("/run", W_OK | X_OK) == 0 ? 1 : reject(strerror(errno)) ;
}

static int run_is_empty (void)
{
  DIR *dir = opendir("/run") ;
  direntry *d ;
  int empty = 1 ;
  if (!dir) return 0 ;
  while (empty && (d = readdir(dir))) empty = d->d_name[0] == '.' && (!d->d_name[1] || (d->d_name[1] == '.' && !d->d_name[2])) ;
  closedir(dir) ;
  return empty ;
}

/* The runtime may have put secrets below a /run that is not empty. */
static int run_mounted (void)
{
  return run_is_empty() && mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") == 0 ;
}

static int run_place (void)
{
  if (access("/run", F_OK) < 0 && mkdir("/run", 0755) < 0) return reject(strerror(errno)) ;
  return run_is_usable() || (run_mounted() && run_is_usable()) ;
}

/* A place of our own: made 0700, or found so. */
static int own_place (char const *dir)
{
  struct stat st ;
  if (mkdir(dir, 0700) < 0 && errno != EEXIST) return reject(strerror(errno)) ;
  if (lstat(dir, &st) < 0) return reject(strerror(errno)) ;
  if (!S_ISDIR(st.st_mode)) return reject("it is no directory") ;
  if (st.st_uid != geteuid()) return reject("it belongs to somebody else") ;
  if (st.st_mode & 022 && chmod(dir, 0700) < 0) return reject("others may write there") ;
  return access(dir, W_OK | X_OK) == 0 ? 1 : reject(strerror(errno)) ;
}

/* Held by another keelson: that one lives there. */
static int take_lock (char const *dir)
{
  char path[sizeof ledger->rundir + sizeof LOCK] ;
  int fd, r ;
  if (strlen(dir) >= sizeof ledger->rundir) return reject("its path is too long") ;
  strcpy(path, dir) ;
  strcat(path, LOCK) ;
  fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0644) ;
  if (fd < 0) return reject(strerror(errno)) ;
  fd = fd_raise(fd, ledger->fd_base, 0) ;
  r = ofd_lock(fd) ;
  if (r > 0)
  {
    ledger->lock_fd = fd ;
    strcpy(ledger->rundir, dir) ;
    return 1 ;
  }
  close(fd) ;
  return reject(r < 0 ? strerror(errno) : "another keelson lives there") ;
}

static void with_uid (char *dir, char const *prefix)
{
  strcpy(dir, prefix) ;
  strcat(dir, NUM((int64_t)geteuid())) ;
}

/* What a place that will not do is called in the last sentence, if there is none that will. */
static void note_refused (stralloc *refused, char const *dir)
{
  if (!stralloc_cats(refused, ", nor ") || !stralloc_cats(refused, dir)
   || !stralloc_cats(refused, " (") || !stralloc_cats(refused, obstacle) || !stralloc_cats(refused, ")")) refused->len = 0 ;
}

static void try_own (stralloc *refused, char const *dir)
{
  if (ledger->rundir[0] || !dir) return ;
  if (dir[0] == '/' ? own_place(dir) && take_lock(dir) : reject("it is no absolute path")) return ;
  note_refused(refused, dir) ;
}

/* A variable that somebody has set is not passed over in silence. */
static void try_asked (stralloc *refused)
{
  char const *dir = getenv("S6_RUNDIR") ;
  try_own(refused, dir) ;
  if (dir && !ledger->rundir[0]) say(SAY_WARNING, "unable to use ", dir, " ($S6_RUNDIR) as run directory: ", obstacle) ;
}

void place_choose (void)
{
  stralloc refused = STRALLOC_ZERO ;
  char dir[64] ;
  char const *why ;
  if (run_place() && take_lock("/run")) return ;
  why = obstacle ;
  try_asked(&refused) ;
  with_uid(dir, "/dev/shm/keelson-") ;
  try_own(&refused, dir) ;
  with_uid(dir, "/tmp/keelson-") ;
  try_own(&refused, dir) ;
  if (ledger->rundir[0])
  {
    stralloc_free(&refused) ;
    say(SAY_WARNING, "/run cannot be used (", why, "): using ", ledger->rundir, "; the paths /run/s6 and /run/service are missing, $S6_RUNDIR says where they are") ;
    return ;
  }
  say(SAY_FATAL, "no run directory: /run cannot be used (", why, ")", stralloc_0(&refused) ? refused.s : "", ": mount a tmpfs on /run or make one of them writable") ;
  _exit(EXIT_SYSTEM) ;
}
