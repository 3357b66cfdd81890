/* ISC license. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <skalibs/allreadwrite.h>
#include <skalibs/bytestr.h>
#include <skalibs/direntry.h>
#include <skalibs/djbunix.h>
#include <skalibs/env.h>
#include <skalibs/stralloc.h>
#include <skalibs/types.h>

#include "contenv.h"

#define CONTENV_DEFAULT_MODE 0755

int contenv_mode (char const *value, mode_t *mode)
{
  unsigned int m ;
  *mode = CONTENV_DEFAULT_MODE ;
  if (!value || !*value) return 1 ;
  if (!uint0_oscan(value, &m) || (m & ~0777u) || (m & 0700) != 0700) return 0 ;
  *mode = m ;
  return 1 ;
}

/* ---------------------------------------------------------------- writing */

static int is_filename (char const *name)
{
  return name[0] && !strchr(name, '/') && strcmp(name, ".") && strcmp(name, "..") ;
}

static int write_file (int dirfd, char const *name, char const *value)
{
  int const flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC ;
  size_t len = strlen(value) ;
  struct iovec v[2] = { { .iov_base = (char *)value, .iov_len = len }, { .iov_base = (char *)"\n", .iov_len = 1 } } ;
  int fd ;
  fd = openat(dirfd, name, flags, 0644) ;
  if (fd < 0 && errno == EEXIST && unlinkat(dirfd, name, 0) == 0) fd = openat(dirfd, name, flags, 0644) ;
  if (fd < 0) return -1 ;
  if (allwritev(fd, v, 2) < len + 1)
  {
    fd_close(fd) ;
    return -1 ;
  }
  return close(fd) ;
}

static int set_mode (int dirfd, mode_t mode)
{
  struct stat st ;
  if (fstat(dirfd, &st) < 0) return -1 ;
  return (st.st_mode & 07777) == mode ? 0 : fchmod(dirfd, mode) ;
}

static int write_all (int dirfd, char const *const *envp, void (*skipped) (char const *))
{
  char name[CONTENV_NAME_SIZE] ;
  for (char const *const *entry = envp ; *entry ; entry++)
  {
    size_t len = str_chr(*entry, '=') ;
    if (!(*entry)[len]) continue ;
    if (len < sizeof name)
    {
      memcpy(name, *entry, len) ;
      name[len] = 0 ;
    }
    if (len >= sizeof name || !is_filename(name))
    {
      if (skipped) (*skipped)(*entry) ;
      continue ;
    }
    if (env_get2(envp, name) != *entry + len + 1) continue ;
    if (write_file(dirfd, name, *entry + len + 1) < 0) return -1 ;
  }
  return 0 ;
}

/* The umask of the container must not decide who can read. */
int contenv_write (int dirfd, char const *const *envp, void (*skipped) (char const *))
{
  mode_t mode, mask ;
  int r ;
  contenv_mode(env_get2(envp, "S6_CONTAINER_ENV_MODE"), &mode) ;
  /* before the first secret is in it */
  if (set_mode(dirfd, mode) < 0) return -1 ;
  mask = umask(022) ;
  r = write_all(dirfd, envp, skipped) ;
  umask(mask) ;
  return r ;
}

/* ---------------------------------------------------------------- reading */

/* -1 if the file is none of ours: not regular (the open cannot block), or gone since the
   directory was read; -2 on error. Only what may be regular is opened at all: a fifo's
   writer would notice. */
static int open_file (int dirfd, direntry const *d, size_t *size)
{
  struct stat st ;
  int fd ;
  if (d->d_type != DT_REG)
  {
    if (d->d_type != DT_LNK && d->d_type != DT_UNKNOWN) return -1 ;
    if (fstatat(dirfd, d->d_name, &st, 0) < 0 || !S_ISREG(st.st_mode)) return -1 ;
  }
  fd = openat(dirfd, d->d_name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) ;
  if (fd < 0) return errno == ENOENT ? -1 : -2 ;
  if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
  {
    fd_close(fd) ;
    return -1 ;
  }
  *size = st.st_size ;
  return fd ;
}

/* Appends all that the file has. It may grow or shrink meanwhile: what counts is what the
   reads give, up to the limit for the value and its newline. */
static int append_content (stralloc *modif, int fd, size_t hint, size_t max)
{
  size_t const start = modif->len ;
  if (hint > max) return errno = E2BIG, -1 ;
  if (!stralloc_readyplus(modif, hint + 1)) return -1 ;
  for (;;)
  {
    ssize_t r = fd_read(fd, modif->s + modif->len, modif->a - modif->len) ;
    if (r <= 0) return (int)r ;
    modif->len += r ;
    if (modif->len - start > max) return errno = E2BIG, -1 ;
    if (modif->len == modif->a && !stralloc_readyplus(modif, 4096)) return -1 ;
  }
}

/* The variable that the open file stands for. */
static int append_variable (stralloc *modif, int fd, char const *name, size_t hint)
{
  size_t const namelen = strlen(name) ;
  size_t start ;
  if (!stralloc_catb(modif, name, namelen) || !stralloc_catb(modif, "=", 1)) return -1 ;
  start = modif->len ;
  if (append_content(modif, fd, hint, CONTENV_MAX - namelen - 1) < 0) return -1 ;
  if (modif->len == start) modif->len-- ; /* empty: no `=`, which unsets */
  else if (modif->s[modif->len - 1] == '\n') modif->len-- ;
  else if (modif->len - start > CONTENV_MAX - namelen - 2) return errno = E2BIG, -1 ;
  for (size_t i = start ; i < modif->len ; i++) if (!modif->s[i]) modif->s[i] = '\n' ;
  return stralloc_0(modif) ? 0 : -1 ;
}

static int read_file (int dirfd, direntry const *d, stralloc *modif)
{
  size_t size ;
  int r ;
  int fd = open_file(dirfd, d, &size) ;
  if (fd == -1) return 0 ;
  if (fd < 0) return -1 ;
  r = append_variable(modif, fd, d->d_name, size) ;
  fd_close(fd) ; /* keeps errno */
  return r ;
}

static int is_variable (char const *name)
{
  return is_filename(name) && !strchr(name, '=') ;
}

int contenv_read_culprit (char const *path, stralloc *modif, char culprit[CONTENV_NAME_SIZE])
{
  size_t const start = modif->len ;
  DIR *dir = opendir(path) ;
  direntry *d ;
  culprit[0] = 0 ;
  if (!dir) return -1 ;
  while (errno = 0, (d = readdir(dir)))
    if (is_variable(d->d_name) && read_file(dir_fd(dir), d, modif) < 0)
    {
      strcpy(culprit, d->d_name) ;
      break ;
    }
  if (errno) modif->len = start ;
  dir_close(dir) ; /* keeps errno */
  return errno ? -1 : 0 ;
}

int contenv_read (char const *path, stralloc *modif)
{
  char culprit[CONTENV_NAME_SIZE] ;
  return contenv_read_culprit(path, modif, culprit) ;
}

/* ---------------------------------------------------------------- the place */

#define BELOW_RUN "/s6/container_environment"

char const *contenv_dir (void)
{
  static char path[PATH_MAX] ;
  char const *rundir = getenv("S6_RUNDIR") ;
  if (rundir && *rundir && strlen(rundir) + sizeof BELOW_RUN <= sizeof path)
  {
    memcpy(path, rundir, strlen(rundir)) ;
    strcpy(path + strlen(rundir), BELOW_RUN) ;
    if (!access(path, F_OK)) return path ;
  }
  if (access("/run" BELOW_RUN, F_OK) < 0 && !access("/var/run" BELOW_RUN, F_OK))
    return "/var/run" BELOW_RUN ;
  return "/run" BELOW_RUN ;
}
