/* ISC license. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <skalibs/alloc.h>
#include <skalibs/allreadwrite.h>

#include "source_internal.h"

char const *const source_files[SOURCE_FILES] =
{
  [SOURCE_TYPE] = "type",
  [SOURCE_DEPENDENCIES_D] = "dependencies.d",
  [SOURCE_DEPENDENCIES] = "dependencies",
  [SOURCE_CONTENTS_D] = "contents.d",
  [SOURCE_CONTENTS] = "contents",
  [SOURCE_TIMEOUT_UP] = "timeout-up",
  [SOURCE_TIMEOUT_DOWN] = "timeout-down",
  [SOURCE_FLAG_ESSENTIAL] = "flag-essential",
  [SOURCE_FLAG_RECOMMENDED] = "flag-recommended",
  [SOURCE_UP] = "up",
  [SOURCE_DOWN] = "down",
  [SOURCE_PRODUCER_FOR] = "producer-for",
  [SOURCE_CONSUMER_FOR] = "consumer-for",
  [SOURCE_PIPELINE_NAME] = "pipeline-name",
  [SOURCE_RUN] = "run",
  [SOURCE_FINISH] = "finish",
  [SOURCE_NOTIFICATION_FD] = "notification-fd",
  [SOURCE_LOCK_FD] = "lock-fd",
  [SOURCE_TIMEOUT_KILL] = "timeout-kill",
  [SOURCE_TIMEOUT_FINISH] = "timeout-finish",
  [SOURCE_MAX_DEATH_TALLY] = "max-death-tally",
  [SOURCE_DOWN_SIGNAL] = "down-signal",
  [SOURCE_RELOAD_SIGNAL] = "reload-signal",
  [SOURCE_FLAG_TIMEOUT_KILLPG] = "flag-timeout-killpg",
  [SOURCE_FLAG_NEWPIDNS] = "flag-newpidns",
  [SOURCE_DATA] = "data",
  [SOURCE_ENV] = "env",
  [SOURCE_RESTART] = "restart",
  [SOURCE_MAX_RESTARTS] = "max-restarts",
  [SOURCE_BACKOFF] = "backoff",
  [SOURCE_CRITICAL] = "critical",
  [SOURCE_STOP] = "stop",
  [SOURCE_CHECK] = "check"
} ;

_Static_assert(SOURCE_FILES <= 64, "struct source_service has 64 bits for files") ;

DIR *source_opendir (int dirfd, char const *path)
{
  while (*path == '/') path++ ;
  int fd = openat(dirfd, *path ? path : ".", O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC) ;
  if (fd < 0) return 0 ;
  DIR *dir = fdopendir(fd) ;
  if (dir) return dir ;
  int e = errno ;
  close(fd) ;
  errno = e ;
  return 0 ;
}

/* The next entry that does not begin with a dot; null at the end (errno 0) or on failure. */
static struct dirent const *next_entry (DIR *dir)
{
  struct dirent const *e ;
  do
  {
    errno = 0 ;
    e = readdir(dir) ;
  }
  while (e && e->d_name[0] == '.') ;
  return e ;
}

int source_scan (DIR *dir, uint64_t *files, uint64_t *regular)
{
  *files = *regular = 0 ;
  for (struct dirent const *e ; (e = next_entry(dir)) ; )
    for (unsigned int i = 0 ; i < SOURCE_FILES ; i++)
    {
      if (strcmp(e->d_name, source_files[i])) continue ;
      *files |= 1ULL << i ;
      if (e->d_type == DT_REG) *regular |= 1ULL << i ;
      break ;
    }
  return !errno ;
}

static int compare (void const *a, void const *b)
{
  return strcmp(*(char const *const *)a, *(char const *const *)b) ;
}

static int sort_list (stralloc *list)
{
  stralloc sorted = STRALLOC_ZERO ;
  genalloc names = GENALLOC_ZERO ;   /* char const * */
  int ok = stralloc_ready(&sorted, list->len + 1) ;
  for (size_t i = 0 ; ok && i < list->len ; i += strlen(list->s + i) + 1)
  {
    char const *s = list->s + i ;
    ok = genalloc_append(char const *, &names, &s) ;
  }
  size_t n = genalloc_len(char const *, &names) ;
  char const **s = genalloc_s(char const *, &names) ;
  if (ok && n > 1)
  {
    qsort(s, n, sizeof(char const *), &compare) ;
    for (size_t i = 0 ; i < n ; i++) stralloc_catb(&sorted, s[i], strlen(s[i]) + 1) ;
    memcpy(list->s, sorted.s, list->len) ;
  }
  genalloc_free(char const *, &names) ;
  stralloc_free(&sorted) ;
  return ok ;
}

int source_entries (DIR *dir, stralloc *list)
{
  list->len = 0 ;
  for (struct dirent const *e ; (e = next_entry(dir)) ; )
    if (!stralloc_catb(list, e->d_name, strlen(e->d_name) + 1)) return 0 ;
  return !errno && sort_list(list) ;
}

/* A fifo opened so does not wait for its writer, a terminal does not become ours. */
static int open_regular (int dirfd, char const *name, size_t max, size_t *size)
{
  struct stat st ;
  int fd = openat(dirfd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) ;
  if (fd < 0) return -1 ;
  int e = fstat(fd, &st) < 0 ? errno : !S_ISREG(st.st_mode) ? EINVAL : (uint64_t)st.st_size > max ? EFBIG : 0 ;
  if (!e)
  {
    *size = (size_t)st.st_size ;
    return fd ;
  }
  close(fd) ;
  return (errno = e, -1) ;
}

int source_slurp (int dirfd, char const *name, stralloc *sa, size_t max)
{
  size_t size ;
  int fd = open_regular(dirfd, name, max, &size) ;
  sa->len = 0 ;
  if (fd < 0) return 0 ;
  if (!stralloc_ready(sa, size + 1))
  {
    close(fd) ;
    return (errno = ENOMEM, 0) ;
  }
  errno = 0 ;
  sa->len = allread(fd, sa->s, size) ;
  int e = sa->len < size && errno != EPIPE ? errno : 0 ;   /* EPIPE: it has become shorter */
  close(fd) ;
  if (e) return (errno = e, 0) ;
  return stralloc_0(sa) ;
}

int source_fault (struct reader *r, enum fault_weight weight, struct definition const *d, char const *name, char const *text)
{
  return faults_add(r->f, weight, d->path, name[0] ? "/" : "", name, ": ", text) ;
}

int source_unreadable (struct reader *r, struct definition const *d, char const *name)
{
  int e = errno ;
  if (e == ENOMEM) return (errno = e, 0) ;
  char const *reason =
    e == EINVAL ? "it is no regular file; put one there" :
    e == EFBIG ? "it is too large for a file of this kind" : strerror(e) ;
  return faults_error(r->f, d->path, name[0] ? "/" : "", name, ": unable to read: ", reason) ;
}
