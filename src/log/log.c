/* ISC license. */

/* s6-log: see log.h. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <skalibs/alloc.h>
#include <skalibs/allreadwrite.h>
#include <skalibs/bufalloc.h>
#include <skalibs/djbunix.h>
#include <skalibs/iopause.h>
#include <skalibs/selfpipe.h>
#include <skalibs/sgetopt.h>
#include <skalibs/sig.h>
#include <skalibs/stralloc.h>
#include <skalibs/strerr.h>
#include <skalibs/tai.h>
#include <skalibs/types.h>

#include "log.h"

#define USAGE "s6-log [ -d notif ] [ -q | -v ] [ -b ] [ -p ] [ -t ] [ -e ] [ -l linelimit ] [ -- ] logging_script"

int s6log_main (int, char const *const *) ;

enum log_input
{
  INPUT_OPEN,
  INPUT_LAST_LINE, /* told to end: reads up to the next newline and not beyond */
  INPUT_CLOSED
} ;

struct log_options
{
  unsigned int linelimit ; /* 0: none */
  unsigned int notif ; /* 0: no readiness notification */
  unsigned int verbosity ;
  int blocking ;
  int protected ;
  unsigned int stamp[LOG_ACTION_N] ; /* the old -t and -e: what to add to each action of a kind */
} ;

struct log
{
  struct log_options options ;
  struct log_script script ;
  struct log_dir *dirs ;
  struct log_stamp stamp ;
  bufalloc out ; /* for stdout; its descriptor is -1 when stdout has failed */
  stralloc partial ; /* the line whose newline has not come yet */
  stralloc head ; /* stamps and prefix of the line at hand */
  stralloc status ; /* of the status file at hand */
  enum log_input input ;
} ;

/* ------------------------------------------------------------------------------- actions */

/* What comes before the line: its length, its start in *s. */
static size_t line_head (struct log *l, struct log_action const *a, char const **s)
{
  size_t len = log_stamp_prefix(&l->stamp, a->stamps, s) ;
  stralloc *sa = &l->head ;
  if (!a->prefix) return len ;
  sa->len = 0 ;
  if (!stralloc_catb(sa, *s, len) || !stralloc_cats(sa, a->prefix) || !stralloc_catb(sa, " ", 1))
    strerr_diefusys(111, "hold the prefix of a line") ;
  *s = sa->s ;
  return sa->len ;
}

static void to_stderr (struct log *l, struct log_action const *a, char const *line, size_t len)
{
  char const *prefix ;
  size_t prefixlen = line_head(l, a, &prefix) ;
  int cut = a->limit && len > a->limit + 3 ; /* no sense in three dots for three bytes */
  struct iovec v[5] =
  {
    { .iov_base = (char *)PROG, .iov_len = strlen(PROG) },
    { .iov_base = (char *)": alert: ", .iov_len = 9 },
    { .iov_base = (char *)prefix, .iov_len = prefixlen },
    { .iov_base = (char *)line, .iov_len = cut ? a->limit : len },
    { .iov_base = (char *)(cut ? "...\n" : "\n"), .iov_len = cut ? 4 : 1 }
  } ;
  allwritev(2, v, 5) ;
}

static void to_stdout (struct log *l, struct log_action const *a, char const *line, size_t len)
{
  char const *prefix ;
  size_t prefixlen = line_head(l, a, &prefix) ;
  if (bufalloc_fd(&l->out) < 0) return ;
  if (!bufalloc_put(&l->out, prefix, prefixlen) || !bufalloc_put(&l->out, line, len + 1))
    strerr_diefusys(111, "hold a line for stdout") ;
}

/* A file of a fixed size can be read by a program that knows nothing of our writing. */
static void to_status (struct log *l, struct log_action const *a, char const *line, size_t len)
{
  char const *prefix ;
  size_t prefixlen = line_head(l, a, &prefix) ;
  size_t size = a->limit ? a->limit : prefixlen + len + 1 ;
  size_t whole = prefixlen + len < size ? prefixlen + len : size ;
  stralloc *sa = &l->status ;
  sa->len = 0 ;
  if (!stralloc_catb(sa, prefix, prefixlen) || !stralloc_catb(sa, line, len) || !stralloc_ready(sa, size))
    strerr_diefusys(111, "hold a line for ", a->name) ;
  memset(sa->s + whole, '\n', size - whole) ;
  if (!openwritenclose_suffix(a->name, sa->s, size, ".new") && l->options.verbosity)
    strerr_warnwusys("write status file ", a->name) ;
}

static void to_dir (struct log *l, struct log_action const *a, char const *line, size_t len)
{
  char const *prefix ;
  size_t prefixlen = line_head(l, a, &prefix) ;
  log_dir_put(l->dirs + a->dir, prefix, prefixlen, line, len + 1) ;
}

typedef void action_func (struct log *, struct log_action const *, char const *line, size_t len) ;

static action_func *const actions[LOG_ACTION_N] =
{
  [LOG_TO_STDERR] = &to_stderr,
  [LOG_TO_STDOUT] = &to_stdout,
  [LOG_TO_STATUS] = &to_status,
  [LOG_TO_DIR] = &to_dir
} ;

/* --------------------------------------------------------------------- from bytes to lines */

/* line[len] is ours to write to: a null for the regular expressions, a newline for the rest. */
static void handle_line (struct log *l, char *line, size_t len)
{
  struct log_pass pass = LOG_PASS_START ;
  char byte = line[len] ;
  l->stamp.made = 0 ;
  for (struct log_action const *a = l->script.actions ; a < l->script.actions + l->script.nactions ; a++)
  {
    line[len] = 0 ;
    if (!log_select(&l->script, a, line, &pass)) continue ;
    line[len] = '\n' ;
    (*actions[a->type])(l, a, line, len) ;
  }
  line[len] = byte ;
}

/* A line over the limit is several lines. Gives what is left of it, which is not over. */
static size_t handle_excess (struct log *l, char *s, size_t len)
{
  size_t limit = l->options.linelimit ;
  size_t done = 0 ;
  if (limit)
    for (; len - done > limit ; done += limit) handle_line(l, s + done, limit) ;
  return done ;
}

static void add_partial (struct log *l, char const *s, size_t len)
{
  stralloc *sa = &l->partial ;
  size_t done ;
  /* one byte more: see handle_line() */
  if (!stralloc_readyplus(sa, len + 1)) strerr_diefusys(111, "hold a line of input") ;
  memcpy(sa->s + sa->len, s, len) ;
  sa->len += len ;
  done = handle_excess(l, sa->s, sa->len) ;
  sa->len -= done ;
  memmove(sa->s, sa->s + done, sa->len) ;
}

static void end_partial (struct log *l)
{
  handle_line(l, l->partial.s, l->partial.len) ;
  l->partial.len = 0 ;
}

static void handle_whole_line (struct log *l, char *s, size_t len)
{
  size_t done ;
  if (l->partial.len)
  {
    add_partial(l, s, len) ;
    end_partial(l) ;
    return ;
  }
  done = handle_excess(l, s, len) ;
  handle_line(l, s + done, len - done) ;
}

/* A null ends a line as a newline does. s[len] is ours to write to. */
static void handle_bytes (struct log *l, char *s, size_t len)
{
  char *end = s + len ;
  for (char *p = s ; (p = memchr(p, 0, end - p)) ; ) *p = '\n' ;
  for (char *newline ; s < end && (newline = memchr(s, '\n', end - s)) ; s = newline + 1)
    handle_whole_line(l, s, newline - s) ;
  if (s < end) add_partial(l, s, end - s) ;
}

/* ------------------------------------------------------------------------- standard input */

/* The descriptor stays taken: a processor's input must not come to lie there. */
static void replace_fd (int fd, int flags)
{
  int null = open2("/dev/null", flags) ;
  if (null >= 0) fd_move(fd, null) ;
  else fd_close(fd) ;
}

static void close_input (struct log *l)
{
  if (l->partial.len) end_partial(l) ;
  l->input = INPUT_CLOSED ;
  replace_fd(0, O_RDONLY) ;
}

/* The next logger of this pipe shall find every line whole that we leave to it. */
static void end_input (struct log *l)
{
  if (l->input != INPUT_OPEN) return ;
  l->input = INPUT_LAST_LINE ;
  if (!l->partial.len) close_input(l) ;
}

static void read_input (struct log *l)
{
  char buf[LOG_CHUNK + 1] ;
  ssize_t r = fd_read(0, buf, l->input == INPUT_OPEN ? LOG_CHUNK : 1) ;
  if (r < 0)
  {
    if (errno == EAGAIN || errno == EWOULDBLOCK) return ;
    if (l->options.verbosity) strerr_warnwusys("read from stdin, taking this for its end - error was") ;
    r = 0 ;
  }
  handle_bytes(l, buf, (size_t)r) ;
  if (!r || (l->input == INPUT_LAST_LINE && !l->partial.len)) close_input(l) ;
}

static int input_is_wanted (struct log const *l)
{
  size_t most = l->options.blocking ? 0 : LOG_PENDING ;
  if (l->input == INPUT_CLOSED || bufalloc_len(&l->out) > most) return 0 ;
  for (size_t i = 0 ; i < l->script.ndirs ; i++)
    if (bufalloc_len(&l->dirs[i].out) > most || (l->options.blocking && !log_dir_is_ready(l->dirs + i))) return 0 ;
  return 1 ;
}

/* ------------------------------------------------------------------------ standard output */

/* What poll() calls writable takes PIPE_BUF bytes without blocking. */
static ssize_t write_polled (int fd, char const *s, size_t len)
{
  iopause_fd x = { .fd = fd, .events = IOPAUSE_WRITE } ;
  if (poll(&x, 1, 0) == 1) return fd_write(fd, s, len < PIPE_BUF ? len : PIPE_BUF) ;
  errno = EAGAIN ;
  return -1 ;
}

/* Others share our stdout, and would share O_NONBLOCK. A pipe or a terminal can be opened
   anew for ourselves alone; a regular file does not block. */
static void open_stdout (bufalloc *out)
{
  struct stat st ;
  int fd = -1, is_file = 0 ;
  if (fstat(1, &st) == 0)
  {
    is_file = S_ISREG(st.st_mode) ;
    if (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode))
      fd = open3("/proc/self/fd/1", O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC, 0) ;
  }
  bufalloc_init(out, fd >= 0 || is_file ? &fd_write : &write_polled, fd >= 0 ? fd : 1) ;
}

static void flush_stdout (struct log *l)
{
  int fd = bufalloc_fd(&l->out) ;
  if (bufalloc_isempty(&l->out) || bufalloc_flush(&l->out) || errno == EAGAIN || errno == EWOULDBLOCK) return ;
  if (l->options.verbosity) strerr_warnwusys("write to stdout, closing the stream - error was") ;
  if (fd != 1) fd_close(fd) ;
  replace_fd(1, O_WRONLY) ;
  bufalloc_free(&l->out) ;
  bufalloc_init(&l->out, &fd_write, -1) ;
}

/* -------------------------------------------------------------------------------- the loop */

static void reap (struct log *l)
{
  for (size_t i = 0 ; i < l->script.ndirs ; i++)
  {
    int wstat ;
    if (l->dirs[i].pid && waitpid_nointr(l->dirs[i].pid, &wstat, WNOHANG) > 0) log_dir_processed(l->dirs + i, wstat) ;
  }
}

static void rotate (struct log *l)
{
  for (size_t i = 0 ; i < l->script.ndirs ; i++) log_dir_rotate(l->dirs + i) ;
}

static void handle_signals (struct log *l)
{
  for (;;) switch (selfpipe_read())
  {
    case -1 : strerr_diefusys(111, "read a signal") ;
    case 0 : return ;
    case SIGCHLD : reap(l) ; break ;
    case SIGALRM : rotate(l) ; break ;
    case SIGTERM : if (l->options.protected) break ; /* fall through */
    case SIGHUP : end_input(l) ; break ;
    default : break ;
  }
}

/* Writes all that can be written, and only then rotates: nothing is in memory only while
   files are being renamed. Files come first: who sees a line on our stdout may rely on it
   being in them. Whether anything is left to be done. */
static int deliver (struct log *l)
{
  int left ;
  for (size_t i = 0 ; i < l->script.ndirs ; i++) log_dir_flush(l->dirs + i) ;
  flush_stdout(l) ;
  left = !bufalloc_isempty(&l->out) ;
  for (size_t i = 0 ; i < l->script.ndirs ; i++)
  {
    log_dir_work(l->dirs + i, l->input == INPUT_CLOSED) ;
    if (l->dirs[i].step != LOG_CLOSED) left = 1 ;
  }
  return left ;
}

static void turn (struct log *l, int signals)
{
  int wanted = input_is_wanted(l) ;
  tain deadline = tain_infinite ;
  iopause_fd x[3] =
  {
    { .fd = signals, .events = IOPAUSE_READ },
    { .fd = wanted ? 0 : -1, .events = IOPAUSE_READ },
    { .fd = bufalloc_isempty(&l->out) ? -1 : bufalloc_fd(&l->out), .events = IOPAUSE_WRITE }
  } ;
  for (size_t i = 0 ; i < l->script.ndirs ; i++) log_dir_deadline(l->dirs + i, &deadline) ;
  if (iopause_g(x, 3, &deadline) < 0) strerr_diefusys(111, "wait for input") ;
  /* what a signal asks for comes before any line that is not read yet */
  if (x[0].revents & (IOPAUSE_READ | IOPAUSE_EXCEPT)) handle_signals(l) ;
  else if (wanted && x[1].revents & (IOPAUSE_READ | IOPAUSE_EXCEPT)) read_input(l) ;
}

/* ------------------------------------------------------------------------------ the start */

static void check_notif (unsigned int fd)
{
  if (fd < 3) strerr_dief(100, "notification fd must be 3 or more") ;
  if (fcntl((int)fd, F_GETFD) < 0) strerr_diefsys(100, "invalid notification fd") ;
}

static int parse_options (int argc, char const *const *argv, struct log_options *o)
{
  subgetopt g = SUBGETOPT_ZERO ;
  for (int opt ; (opt = subgetopt_r(argc, argv, "qvbptel:d:", &g)) != -1 ; ) switch (opt)
  {
    case 'q' : if (o->verbosity) o->verbosity-- ; break ;
    case 'v' : o->verbosity++ ; break ;
    case 'b' : o->blocking = 1 ; break ;
    case 'p' : o->protected = 1 ; break ;
    case 't' : o->stamp[LOG_TO_DIR] = LOG_STAMP_TAI64N ; break ;
    case 'e' : o->stamp[LOG_TO_STDERR] = LOG_STAMP_TAI64N ; break ;
    case 'l' : if (uint0_scan(g.arg, &o->linelimit)) break ; strerr_dieusage(100, USAGE) ;
    case 'd' : if (uint0_scan(g.arg, &o->notif)) { check_notif(o->notif) ; break ; } /* fall through */
    default : strerr_dieusage(100, USAGE) ;
  }
  if (o->linelimit && o->linelimit < LOG_LINELIMIT_MIN) o->linelimit = LOG_LINELIMIT_MIN ;
  return g.ind ;
}

static void parse_script (struct log *l, char const *const *argv)
{
  struct log_fault why ;
  int r ;
  if (!*argv) strerr_dieusage(100, USAGE) ;
  r = log_script_parse(&l->script, argv, &why) ;
  if (r < 0) strerr_diefusys(111, "parse the logging script") ;
  if (!r && why.directive) strerr_dief(100, "directive ", why.directive, ": ", why.cause) ;
  if (!r) strerr_dief(100, why.cause) ;
  if (l->script.trailing && l->options.verbosity) strerr_warnw("ignoring extraneous non-action directives") ;
  for (size_t i = 0 ; i < l->script.nactions ; i++)
    l->script.actions[i].stamps |= l->options.stamp[l->script.actions[i].type] ;
}

/* Our lock keeps other processes out, and not ourselves. */
static void refuse_same (struct log const *l, size_t i)
{
  struct stat new, old ;
  if (fstat(l->dirs[i].fd, &new) < 0) strerr_diefusys(111, "stat ", l->dirs[i].name) ;
  for (size_t j = 0 ; j < i ; j++)
  {
    if (fstat(l->dirs[j].fd, &old) < 0) strerr_diefusys(111, "stat ", l->dirs[j].name) ;
    if (new.st_dev == old.st_dev && new.st_ino == old.st_ino)
      strerr_dief(100, l->dirs[i].name, " and ", l->dirs[j].name, " are the same directory: write its name the same way each time") ;
  }
}

static void open_dirs (struct log *l)
{
  size_t n = 0 ;
  l->dirs = alloc((l->script.ndirs + 1) * sizeof(struct log_dir)) ;
  if (!l->dirs) strerr_diefusys(111, "allocate memory") ;
  for (size_t i = 0 ; i < l->script.nactions ; i++)
  {
    struct log_action const *a = l->script.actions + i ;
    if (a->type != LOG_TO_DIR || a->dir < n) continue ;
    log_dir_open(l->dirs + n, a->name, &a->rules, !!l->options.verbosity) ;
    refuse_same(l, n++) ;
  }
}

static int catch_signals (void)
{
  sigset_t set ;
  int fd = selfpipe_init() ;
  sigemptyset(&set) ;
  sigaddset(&set, SIGTERM) ;
  sigaddset(&set, SIGHUP) ;
  sigaddset(&set, SIGALRM) ;
  sigaddset(&set, SIGCHLD) ;
  if (fd < 0 || !selfpipe_trapset(&set) || !sig_altignore(SIGPIPE)) strerr_diefusys(111, "trap signals") ;
  return fd ;
}

static void notify (unsigned int fd)
{
  if (!fd) return ;
  fd_write((int)fd, "\n", 1) ;
  fd_close((int)fd) ;
}

int s6log_main (int argc, char const *const *argv)
{
  struct log l =
  {
    .options = { .linelimit = 8192, .verbosity = 1 },
    .stamp = LOG_STAMP_ZERO,
    .partial = STRALLOC_ZERO,
    .head = STRALLOC_ZERO,
    .status = STRALLOC_ZERO,
    .input = INPUT_OPEN
  } ;
  int signals ;
  argv += parse_options(argc, argv, &l.options) ;
  parse_script(&l, argv) ;
  if (!fd_sanitize()) strerr_diefusys(111, "ensure stdin/stdout/stderr are open") ;
  if (!tain_now_set_stopwatch_g() && l.options.verbosity) strerr_warnwusys("set the clock") ;
  open_stdout(&l.out) ;
  open_dirs(&l) ;
  signals = catch_signals() ;
  notify(l.options.notif) ;
  while (deliver(&l) || l.input != INPUT_CLOSED) turn(&l, signals) ;
  return 0 ;
}
