/* ISC license. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <skalibs/allreadwrite.h>
#include <skalibs/djbunix.h>
#include <skalibs/exec.h>
#include <skalibs/selfpipe.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>
#include <skalibs/unix-transactional.h>

#include "log.h"

#include "log_trim.h"

static void warn (struct log_dir const *d, char const *what, char const *file)
{
  if (d->verbose) strerr_warnwusys(what, d->name, "/", file) ;
}

static void pause_before_retry (struct log_dir const *d, struct log_trouble *trouble)
{
  tain pause ;
  tain_from_millisecs(&pause, d->rules.pause > INT_MAX ? INT_MAX : (int)d->rules.pause) ;
  tain_add_g(&trouble->until, &pause) ;
}

/* A disk that stays full for a day is one message and not 43,200. */
static void fail (struct log_dir const *d, struct log_trouble *trouble, char const *what, char const *file)
{
  if (trouble->error != errno) warn(d, what, file) ;
  trouble->error = errno ;
  pause_before_retry(d, trouble) ;
}

static int current_fd (struct log_dir const *d)
{
  return bufalloc_fd(&d->out) ;
}

/* -------------------------------------------------------------------- small file duties */

static int is_executable (int dirfd, char const *file)
{
  struct stat st ;
  return !stat_at(dirfd, file, &st) && st.st_mode & S_IXUSR ;
}

static int exists (int dirfd, char const *file)
{
  struct stat st ;
  return !lstat_at(dirfd, file, &st) ;
}

/* The executable bit says that a file is whole: only we set it, and last of all. */
static int mark (int fd, int whole)
{
  struct stat st ;
  if (fstat(fd, &st) < 0) return 0 ;
  return fchmod(fd, whole ? st.st_mode | S_IXUSR : st.st_mode & ~(mode_t)S_IXUSR) == 0 ;
}

/* Some file systems have nothing to synchronize, and say so. */
static int sync_fd (int fd)
{
  return fd_sync(fd) >= 0 || errno == EINVAL || errno == EROFS ;
}

static int remove_file (int dirfd, char const *file)
{
  return unlinkat(dirfd, file, 0) == 0 || errno == ENOENT ;
}

static int sync_file (int dirfd, char const *file, int whole)
{
  int fd = openc_appendatb(dirfd, file), e, r ;
  if (fd < 0) return 0 ;
  r = sync_fd(fd) && (!whole || mark(fd, 1)) ;
  e = errno ;
  fd_close(fd) ;
  errno = e ;
  return r ;
}

/* Gives file its archived name, @TIME.s or @TIME.u. No other process makes such names (we
   hold the lock), so one that is not there now is free. A file that somebody has removed
   needs no name. */
static int archive (struct log_dir *d, char const *file, char suffix)
{
  char name[TIMESTAMP + 3] = { [TIMESTAMP] = '.', [TIMESTAMP + 1] = suffix } ;
  tain now ;
  tain const one = { .sec = TAI_ZERO, .nano = 1 } ;
  tain_wallclock_read(&now) ;
  for (;; tain_add(&now, &now, &one))
  {
    timestamp_fmt(name, &now) ;
    if (!exists(d->fd, name)) break ;
  }
  if (renameat(d->fd, file, d->fd, name) < 0 && errno != ENOENT) return 0 ;
  log_trim(d) ;
  return 1 ;
}

/* -------------------------------------------------------------------------------- writing */

void log_dir_put (struct log_dir *d, char const *prefix, size_t prefixlen, char const *line, size_t len)
{
  if (!bufalloc_put(&d->out, prefix, prefixlen) || !bufalloc_put(&d->out, line, len))
    strerr_diefusys(111, "hold a line for ", d->name) ;
}

void log_dir_flush (struct log_dir *d)
{
  size_t before = bufalloc_len(&d->out) ;
  int r ;
  if (!before || tain_future(&d->writing.until)) return ;
  r = bufalloc_flush(&d->out) ;
  d->size += before - bufalloc_len(&d->out) ;
  if (r) d->writing.error = 0 ;
  else fail(d, &d->writing, "write to ", "current") ;
}

static int is_between_lines (struct log_dir *d)
{
  log_dir_flush(d) ;
  if (bufalloc_isempty(&d->out)) return 1 ;
  errno = d->writing.error ;
  return 0 ;
}

/* ---------------------------------------------------------------- the steps of a rotation */

/* Were current gone, waiting for it to come back would stop the log for good. */
static int rename_current (struct log_dir *d)
{
  if (renameat(d->fd, "current", d->fd, "previous") == 0) return 1 ;
  if (errno != ENOENT) return 0 ;
  warn(d, "rotate ", "current") ;
  return sync_file(d->fd, "previous", 0) ;
}

/* Until here, lines that come while a step fails are still written to what is now previous;
   none of them may be cut in two. */
static int new_current (struct log_dir *d)
{
  int fd = is_between_lines(d) ? openc_appendat(d->fd, "current") : -1 ;
  if (fd < 0) return 0 ;
  fd_close(current_fd(d)) ;
  d->out.fd = fd ;
  d->size = 0 ;
  return 1 ;
}

static int finish_previous (struct log_dir *d)
{
  return sync_file(d->fd, "previous", 1) ;
}

static int archive_previous (struct log_dir *d)
{
  return archive(d, "previous", 's') ;
}

/* Descriptors of the processor: input, output, last state, next state. */
enum { FD_IN, FD_OUT, FD_STATE, FD_NEWSTATE, FD_N } ;

static void run_child (struct log_dir const *d, int const *fd)
{
  static int const number[FD_N] = { 0, 1, 4, 5 } ;
  char const *argv[] = { "execlineb", "-Pc", d->rules.processor, 0 } ;
  if (d->rules.is_shell) { argv[0] = "/bin/sh" ; argv[1] = "-c" ; }
  PROG = "s6-log (processor child)" ;
  if (fchdir(d->fd) < 0) strerr_diefusys(111, "change directory to ", d->name) ;
  /* first of all: its descriptor may have one of those numbers */
  selfpipe_finish() ;
  /* those in fd are beyond 5: 0 to 2 are always open, and the signal descriptor, the
     directory, its lock and current came before them */
  for (size_t i = 0 ; i < FD_N ; i++)
    if (fd_copy(number[i], fd[i]) < 0) strerr_diefusys(111, "copy descriptors") ;
  xexec(argv) ;
}

static int open_for_processor (int dirfd, int *fd)
{
  fd[FD_IN] = openc_readatb(dirfd, "previous") ;
  fd[FD_OUT] = openc_truncatb(dirfd, "processed") ;
  fd[FD_STATE] = openat(dirfd, "state", O_RDONLY | O_CREAT | O_CLOEXEC, 0666) ;
  fd[FD_NEWSTATE] = openc_truncatb(dirfd, "newstate") ;
  return fd[FD_IN] >= 0 && fd[FD_OUT] >= 0 && fd[FD_STATE] >= 0 && fd[FD_NEWSTATE] >= 0 ;
}

static int run_processor (struct log_dir *d)
{
  int fd[FD_N], e ;
  pid_t pid = -1 ;
  if (open_for_processor(d->fd, fd)) pid = fork() ;
  if (!pid) run_child(d, fd) ;
  e = errno ;
  for (size_t i = 0 ; i < FD_N ; i++) if (fd[i] >= 0) fd_close(fd[i]) ;
  errno = e ;
  if (pid > 0) d->pid = pid ;
  return pid > 0 ;
}

void log_dir_processed (struct log_dir *d, int wstat)
{
  char fmt[INT_FMT] ;
  d->pid = 0 ;
  d->step = LOG_SYNC_PROCESSED ;
  if (!wait_status(wstat)) return ;
  fmt[int_fmt(fmt, WIFSIGNALED(wstat) ? WTERMSIG(wstat) : WEXITSTATUS(wstat))] = 0 ;
  if (d->verbose)
    strerr_warnw("processor failed in ", d->name, WIFSIGNALED(wstat) ? ": killed by signal " : ": exit code ", fmt) ;
  d->step = LOG_RUN_PROCESSOR ;
  pause_before_retry(d, &d->rotating) ;
}

static int sync_processed (struct log_dir *d)
{
  return sync_file(d->fd, "processed", 1) ;
}

static int sync_newstate (struct log_dir *d)
{
  return sync_file(d->fd, "newstate", 0) ;
}

static int remove_previous (struct log_dir *d)
{
  return remove_file(d->fd, "previous") ;
}

static int rename_newstate (struct log_dir *d)
{
  return renameat(d->fd, "newstate", d->fd, "state") == 0 || errno == ENOENT ;
}

static int archive_processed (struct log_dir *d)
{
  return archive(d, "processed", 's') ;
}

static int sync_current (struct log_dir *d)
{
  return sync_fd(current_fd(d)) ;
}

static int mark_current (struct log_dir *d)
{
  return mark(current_fd(d), 1) ;
}

/* What a step does, what comes next without and with a processor, and how its failure reads.
   LOG_IDLE, LOG_AWAIT_PROCESSOR and LOG_CLOSED are left by events. */
static struct
{
  int (*run) (struct log_dir *) ;
  enum log_step next[2] ;
  char const *what ;
  char const *file ;
}
const steps[LOG_STEP_N] =
{
  [LOG_RENAME_CURRENT] = { &rename_current, { LOG_NEW_CURRENT, LOG_NEW_CURRENT }, "rename to previous: ", "current" },
  [LOG_NEW_CURRENT] = { &new_current, { LOG_FINISH_PREVIOUS, LOG_FINISH_PREVIOUS }, "create ", "current" },
  [LOG_FINISH_PREVIOUS] = { &finish_previous, { LOG_ARCHIVE_PREVIOUS, LOG_RUN_PROCESSOR }, "make executable ", "previous" },
  [LOG_ARCHIVE_PREVIOUS] = { &archive_previous, { LOG_IDLE, LOG_IDLE }, "archive ", "previous" },
  [LOG_RUN_PROCESSOR] = { &run_processor, { LOG_AWAIT_PROCESSOR, LOG_AWAIT_PROCESSOR }, "run the processor on ", "previous" },
  [LOG_SYNC_PROCESSED] = { &sync_processed, { LOG_SYNC_NEWSTATE, LOG_SYNC_NEWSTATE }, "synchronize ", "processed" },
  [LOG_SYNC_NEWSTATE] = { &sync_newstate, { LOG_REMOVE_PREVIOUS, LOG_REMOVE_PREVIOUS }, "synchronize ", "newstate" },
  [LOG_REMOVE_PREVIOUS] = { &remove_previous, { LOG_RENAME_NEWSTATE, LOG_RENAME_NEWSTATE }, "remove ", "previous" },
  [LOG_RENAME_NEWSTATE] = { &rename_newstate, { LOG_ARCHIVE_PROCESSED, LOG_ARCHIVE_PROCESSED }, "rename to state: ", "newstate" },
  [LOG_ARCHIVE_PROCESSED] = { &archive_processed, { LOG_IDLE, LOG_IDLE }, "archive ", "processed" },
  [LOG_CLOSE_SYNC] = { &sync_current, { LOG_CLOSE_MARK, LOG_CLOSE_MARK }, "synchronize ", "current" },
  [LOG_CLOSE_MARK] = { &mark_current, { LOG_CLOSED, LOG_CLOSED }, "make executable ", "current" }
} ;

/* ------------------------------------------------------------------------------- driving */

static int is_full (struct log_dir const *d)
{
  return d->size >= d->rules.size - d->rules.tolerance ;
}

int log_dir_is_ready (struct log_dir const *d)
{
  return bufalloc_isempty(&d->out) && (d->step == LOG_IDLE || !is_full(d)) ;
}

void log_dir_rotate (struct log_dir *d)
{
  d->due = d->size || !bufalloc_isempty(&d->out) ;
}

static int begin (struct log_dir *d, int closing)
{
  if (!is_between_lines(d)) return 0 ;
  if (d->size && (d->due || is_full(d))) d->step = LOG_RENAME_CURRENT ;
  else if (closing) d->step = LOG_CLOSE_SYNC ;
  d->due = 0 ;
  return d->step != LOG_IDLE ;
}

void log_dir_work (struct log_dir *d, int closing)
{
  while (!tain_future(&d->rotating.until))
  {
    if (d->step == LOG_IDLE && !begin(d, closing)) return ;
    if (!steps[d->step].run) return ;
    if (!(*steps[d->step].run)(d)) fail(d, &d->rotating, steps[d->step].what, steps[d->step].file) ;
    else
    {
      d->rotating.error = 0 ;
      d->step = steps[d->step].next[!!d->rules.processor] ;
    }
  }
}

static void bring_forward (tain *deadline, tain const *until)
{
  if (tain_future(until) && tain_less(until, deadline)) *deadline = *until ;
}

void log_dir_deadline (struct log_dir const *d, tain *deadline)
{
  bring_forward(deadline, &d->rotating.until) ;
  if (!bufalloc_isempty(&d->out)) bring_forward(deadline, &d->writing.until) ;
}

/* ---------------------------------------------------------------------------- the opening */

static void die_recovering (struct log_dir const *d, char const *file)
{
  strerr_diefusys(111, "recover ", d->name, "/", file) ;
}

static void keep (struct log_dir *d, char const *file, char suffix)
{
  if (!archive(d, file, suffix)) die_recovering(d, file) ;
}

static void drop (struct log_dir *d, char const *file)
{
  if (!remove_file(d->fd, file)) die_recovering(d, file) ;
}

/* processed is whole if it is executable; then previous is a part of it. */
static int recover_rotation (struct log_dir *d)
{
  int dirty = exists(d->fd, "processed") || exists(d->fd, "previous") ;
  if (is_executable(d->fd, "processed"))
  {
    drop(d, "previous") ;
    keep(d, "processed", 's') ;
  }
  drop(d, "processed") ;
  if (exists(d->fd, "previous")) keep(d, "previous", 'u') ;
  return dirty ;
}

/* The state is that of a processor which has seen every file: not so after a crash. */
static void recover (struct log_dir *d)
{
  int dirty = recover_rotation(d) ;
  int fd ;
  if (!is_executable(d->fd, "current"))
  {
    dirty = 1 ;
    if (exists(d->fd, "current")) keep(d, "current", 'u') ;
  }
  if (!dirty) return ;
  drop(d, "newstate") ;
  fd = openc_truncatb(d->fd, "state") ;
  if (fd < 0) die_recovering(d, "state") ;
  fd_close(fd) ;
}

static void lock (struct log_dir *d)
{
  int r ;
  d->lockfd = openc_appendat(d->fd, "lock") ;
  if (d->lockfd < 0) strerr_diefusys(111, "open ", d->name, "/lock") ;
  /* a POSIX lock: those that s6-log takes, and not inherited by a processor that outlives us */
  r = fd_lock(d->lockfd, 1, 1) ;
  if (!r) errno = EBUSY ;
  if (r <= 0) strerr_diefusys(111, "lock ", d->name, "/lock") ;
}

static void open_current (struct log_dir *d)
{
  struct stat st ;
  int fd = openc_appendat(d->fd, "current") ;
  if (fd < 0 || fstat(fd, &st) < 0 || !mark(fd, 0)) strerr_diefusys(111, "open ", d->name, "/current") ;
  bufalloc_init(&d->out, &fd_write, fd) ;
  d->size = (uint64_t)st.st_size ;
}

void log_dir_open (struct log_dir *d, char const *name, struct log_rules const *rules, int verbose)
{
  *d = (struct log_dir){ .name = name, .rules = *rules, .verbose = verbose, .step = LOG_IDLE } ;
  if (mkdir(name, 0700) < 0 && errno != EEXIST) strerr_diefusys(111, "make directory ", name) ;
  d->fd = open3(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0) ;
  if (d->fd < 0) strerr_diefusys(111, "open directory ", name) ;
  lock(d) ;
  recover(d) ;
  open_current(d) ;
}
