/* ISC license. */

/*
   What s6's clients read: supervise/status, supervise/death_tally, and one write of letters to
   every listener's fifo in event/ (formats: PROTOCOL.md §2). A directory that cannot be written
   is reported once and tried again, see service_publish_again(); nothing waits for it.
*/

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "names.h"
#include "supervise.h"

#define LISTENER_PREFIX "ftrig1"
#define LISTENER_LENGTH 39

int retry_passes (int e)
{
  return e == EMFILE || e == ENFILE || e == ENOMEM || e == ENOSPC || e == EDQUOT || e == EAGAIN || e == EROFS || e == EIO || e == ENOLCK ;
}

/* One message while the trouble lasts, one when it is over. */
static uint32_t trouble_slots = 0 ;

static int report (struct slot const *s, int failed)
{
  int e = errno ;
  if (failed && !trouble_slots++)
    say_sys(SAY_WARNING, errno, "unable to publish the state of ", s->name, ", supervision goes on, s6-svstat shows old news until it can be written again") ;
  else if (!failed && trouble_slots)
  {
    trouble_slots = 0 ;
    say(SAY_INFO, "states can be published again") ;
  }
  return failed ? (errno = e, -1) : 0 ;
}

static void fill (struct svstatus *st, struct slot const *s)
{
  struct slot_state const *c = slot_now(s) ;
  int run = c->state == UP || c->state == STOPPING || c->state == LAST_UP ;
  memset(st, 0, sizeof *st) ;
  st->stamp = c->stamp ;
  st->readystamp = c->ready_stamp ;
  st->finishing = c->state == FINISH || c->state == LAST_FINISH ;
  st->pid = run ? s->run_pid : st->finishing ? s->finish_pid : 0 ;
  st->pgid = run ? s->run_pid : st->finishing ? c->finish_pgid : 0 ;
  st->wstat = c->wstat ;
  st->paused = !!(c->flags & PAUSED) ;
  st->want_up = !!(c->flags & WANT_UP) ;
  st->ready = !!(c->flags & IS_READY) ;
}

/* ---- before the first publication */

#define BEFORE ".s6-svscan/status"

static void pack_before (char *packed)
{
  struct svstatus st ;
  memset(&st, 0, sizeof st) ;
  tain_wallclock_read(&st.stamp) ;
  st.readystamp = st.stamp ;
  st.want_up = st.ready = 1 ;
  svstatus_pack(packed, &st) ;
}

/* One file for all who come now: a link costs a fifth of a file. */
static int link_before (char const *path)
{
  static int made = 0 ;
  char packed[SVSTATUS_SIZE] ;
  if (!made)
  {
    pack_before(packed) ;
    made = file_make(AT_FDCWD, BEFORE, packed, sizeof packed, 0644) == 0 ;
  }
  return made ? linkat(AT_FDCWD, BEFORE, AT_FDCWD, path, 0) : -1 ;
}

void publish_before (int dirfd, char const *path)
{
  char packed[SVSTATUS_SIZE] ;
  if (dirfd == AT_FDCWD && link_before(path) == 0) return ;
  pack_before(packed) ;
  file_replace(dirfd, path, packed, sizeof packed, 0644) ;
}

/* ---- status */

int publish_status (struct slot const *s)
{
  char packed[SVSTATUS_SIZE] ;
  struct svstatus st ;
  int fd = dir_open(s, DIR_SUPERVISE), r ;
  if (fd < 0) return report(s, 1) ;
  fill(&st, s) ;
  svstatus_pack(packed, &st) ;
  r = file_replace(fd, "status", packed, sizeof packed, 0644) ;
  return report(s, r < 0) ;
}

/* A listener is a fifo that a client made; its name and type are all we go by. A symlink here
   would be a way to write as root anywhere, so: O_NOFOLLOW, and fstat before the write. */
static void notify_one (int dirfd, char const *name, char const *letters, size_t n)
{
  struct stat st ;
  int fd = openat(dirfd, name, O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC) ;
  if (fd < 0)
  {
    if (errno == ENXIO) unlinkat(dirfd, name, 0) ;
    return ;
  }
  if (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode) && write(fd, letters, n) < 0 && errno == EPIPE)
    unlinkat(dirfd, name, 0) ;
  close(fd) ;
}

static int is_listener (char const *name)
{
  return !strncmp(name, LISTENER_PREFIX, sizeof LISTENER_PREFIX - 1) && strlen(name) == LISTENER_LENGTH ;
}

void publish_event (struct slot const *s, char const *letters)
{
  struct dents d ;
  char const *name ;
  size_t len = strnlen(letters, sizeof slot_now(s)->letters) ;
  int fd ;
  if (dir_is_deserted(s)) return ;
  fd = dir_open(s, DIR_EVENT) ;
  if (fd < 0 || lseek(fd, 0, SEEK_SET) < 0) return ;
  dents_start(&d, fd) ;
  while ((name = dents_next(&d)))
    if (is_listener(name)) notify_one(fd, name, letters, len) ;
}

/* ---- death_tally */

/* Record number DEATHS-1 at its place: writing it twice is writing it once. */
static int tally_append (int dirfd, struct slot_state const *c, char const *record)
{
  ssize_t n ;
  int fd = openat(dirfd, "death_tally", O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644) ;
  if (fd < 0) return -1 ;
  n = pwrite(fd, record, DEATH_SIZE, (off_t)(c->deaths - 1) * DEATH_SIZE) ;
  close(fd) ;
  return n == DEATH_SIZE ? 0 : -1 ;
}

/* Full: the oldest makes room. The last record tells whether this death is in already. */
static int tally_shift (int dirfd, struct slot_state const *c, char const *record)
{
  char all[TALLY_MAX * DEATH_SIZE] ;
  size_t max = (size_t)c->settings.max_death_tally * DEATH_SIZE, skip = 0 ;
  ssize_t n ;
  int fd = openat(dirfd, "death_tally", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) ;
  if (fd < 0) return -1 ;
  n = read(fd, all, sizeof all) ;
  close(fd) ;
  if (n < 0) return -1 ;
  n -= n % DEATH_SIZE ;
  if (n && !memcmp(all + n - DEATH_SIZE, record, DEATH_SIZE)) return 0 ;
  if ((size_t)n + DEATH_SIZE > max) skip = (size_t)n + DEATH_SIZE - max ;
  if (skip > (size_t)n) skip = (size_t)n ;
  memmove(all, all + skip, (size_t)n - skip) ;
  memcpy(all + n - skip, record, DEATH_SIZE) ;
  return file_replace(dirfd, "death_tally", all, (size_t)n - skip + DEATH_SIZE, 0644) ;
}

int publish_death (struct slot const *s)
{
  struct slot_state const *c = slot_now(s) ;
  char record[DEATH_SIZE] ;
  struct death d ;
  int fd ;
  if (!c->settings.max_death_tally) return 0 ;
  fd = dir_open(s, DIR_SUPERVISE) ;
  if (fd < 0) return -1 ;
  death_fill(&d, &c->died, c->wstat) ;
  death_pack(record, &d) ;
  return c->deaths <= c->settings.max_death_tally ? tally_append(fd, c, record) : tally_shift(fd, c, record) ;
}

void publish_no_deaths (struct slot const *s)
{
  int fd = dir_open(s, DIR_SUPERVISE), tally ;
  if (fd < 0 || mknodat(fd, "death_tally", S_IFREG | 0644, 0) == 0) return ;
  tally = openat(fd, "death_tally", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644) ;
  if (tally >= 0) close(tally) ;
}
