/* ISC license. */

/*
   The settings of a service directory (PROTOCOL.md §1 and DESIGN "Extensions"). One listing of
   the directory says which of them exist; only those are opened.
*/

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>

#include <skalibs/types.h>

#include "names.h"
#include "supervise.h"

#define DEFAULT_TIMEOUT_FINISH 5000
#define DEFAULT_DEATH_TALLY 100
#define MAX_DEATH_TALLY 4096
#define MS_MAX 2147483647u

struct settings const settings_default =
{
  .timeout_kill = 0, .timeout_finish = DEFAULT_TIMEOUT_FINISH, .max_death_tally = DEFAULT_DEATH_TALLY,
  .notification_fd = -1, .lock_fd = -1, .max_restarts = 0, .max_restarts_time = 0,
  .backoff_min = 0, .backoff_max = 0, .down_signal = SIGTERM, .reload_signal = SIGHUP,
  .restart = RESTART_ALWAYS, .flags = 0
} ;

struct reading { int dirfd ; char const *service ; struct settings *s ; } ;

static void bad (struct reading const *r, char const *file, char const *text, char const *wanted)
{
  say(SAY_WARNING, "service ", r->service, ": ", file, " says \"", text, "\" but must be ", wanted, ": using the default") ;
}

/* The text of FILE, or 0 after a warning. */
static char const *text_of (struct reading const *r, char const *file, char *buffer, size_t size)
{
  if (setting_read(r->dirfd, file, buffer, size) >= 0) return buffer ;
  if (errno == ENOENT) return 0 ;
  if (errno == EINVAL) say(SAY_WARNING, "service ", r->service, ": ", file, " is not a regular file of at most 4 KiB: using the default") ;
  else say_sys(SAY_WARNING, errno, "service ", r->service, ": unable to read ", file, ", using the default") ;
  return 0 ;
}

static void read_number (struct reading *r, char const *file, uint32_t max, uint32_t *target)
{
  char buffer[128] ;
  uint64_t n ;
  char const *s = text_of(r, file, buffer, sizeof buffer) ;
  if (!s) return ;
  if (uint640_scan(s, &n) && n <= max) *target = (uint32_t)n ;
  else bad(r, file, s, "a number") ;
}

static void set_timeout_kill (struct reading *r, char const *file) { read_number(r, file, MS_MAX, &r->s->timeout_kill) ; }
static void set_timeout_finish (struct reading *r, char const *file) { read_number(r, file, MS_MAX, &r->s->timeout_finish) ; }
static void set_death_tally (struct reading *r, char const *file) { read_number(r, file, MAX_DEATH_TALLY, &r->s->max_death_tally) ; }

static void read_descriptor (struct reading *r, char const *file, int32_t *target)
{
  uint32_t n = UINT32_MAX ;
  read_number(r, file, (uint32_t)INT32_MAX, &n) ;
  if (n != UINT32_MAX) *target = (int32_t)n ;
}

static void set_notification (struct reading *r, char const *file)
{
  read_descriptor(r, file, &r->s->notification_fd) ;
  if (r->s->notification_fd < 0 || r->s->notification_fd > 2) return ;
  say(SAY_WARNING, "service ", r->service, ": notification-fd must be at least 3: 0, 1 and 2 are in use; it counts as up, never as ready") ;
  r->s->notification_fd = -1 ;
}

static void set_lock (struct reading *r, char const *file) { read_descriptor(r, file, &r->s->lock_fd) ; }

static void read_signal (struct reading *r, char const *file, uint8_t *target)
{
  char buffer[128] ;
  char const *s = text_of(r, file, buffer, sizeof buffer) ;
  int sig ;
  if (!s) return ;
  sig = signal_number(s) ;
  if (sig) *target = (uint8_t)sig ;
  else bad(r, file, s, "a signal's name or number") ;
}

static void set_down_signal (struct reading *r, char const *file) { read_signal(r, file, &r->s->down_signal) ; }
static void set_reload_signal (struct reading *r, char const *file) { read_signal(r, file, &r->s->reload_signal) ; }

static void set_restart (struct reading *r, char const *file)
{
  static char const *const names[] = { "always", "on-failure", "never" } ;
  char buffer[128] ;
  char const *s = text_of(r, file, buffer, sizeof buffer) ;
  if (!s) return ;
  for (unsigned int i = 0 ; i < sizeof names / sizeof names[0] ; i++)
    if (!strcmp(s, names[i])) { r->s->restart = (uint8_t)i ; return ; }
  bad(r, file, s, "always, on-failure or never") ;
}

/* "A B": two numbers. */
static int read_pair (struct reading *r, char const *file, uint32_t *a, uint32_t *b)
{
  char buffer[128] ;
  uint32_t x, y ;
  size_t n ;
  char const *s = text_of(r, file, buffer, sizeof buffer) ;
  if (!s) return 0 ;
  n = uint32_scan(s, &x) ;
  if (n && strspn(s + n, " \t") && uint320_scan(s + n + strspn(s + n, " \t"), &y))
  {
    *a = x ;
    *b = y ;
    return 1 ;
  }
  bad(r, file, s, "two numbers") ;
  return 0 ;
}

static void set_max_restarts (struct reading *r, char const *file)
{
  read_pair(r, file, &r->s->max_restarts, &r->s->max_restarts_time) ;
}

static void set_backoff (struct reading *r, char const *file)
{
  uint32_t min, max ;
  if (!read_pair(r, file, &min, &max)) return ;
  if (!min || max < min || max > MS_MAX) { bad(r, file, "MIN MAX", "two numbers of ms, 0 < MIN <= MAX") ; return ; }
  r->s->backoff_min = min ;
  r->s->backoff_max = max ;
}

/* A FLAG says what it says by being there; the others are read. */
static struct { char const *name ; void (*read) (struct reading *, char const *) ; uint8_t flag ; } const files[] =
{
  { "backoff", &set_backoff, 0 },
  { "check", 0, HAS_CHECK },
  { "critical", 0, IS_CRITICAL },
  { "dependencies.d", 0, HAS_DEPENDENCIES },
  { "down", 0, IS_DOWN },
  { "down-signal", &set_down_signal, 0 },
  { "finish", 0, HAS_FINISH },
  { "flag-newpidns", 0, NEW_PIDNS },
  { "flag-timeout-killpg", 0, KILL_GROUP },
  { "lock-fd", &set_lock, 0 },
  { "max-death-tally", &set_death_tally, 0 },
  { "max-restarts", &set_max_restarts, 0 },
  { "notification-fd", &set_notification, 0 },
  { "reload-signal", &set_reload_signal, 0 },
  { "restart", &set_restart, 0 },
  { "stop", 0, HAS_STOP },
  { "timeout-finish", &set_timeout_finish, 0 },
  { "timeout-kill", &set_timeout_kill, 0 },
} ;

uint32_t settings_bit (char const *name)
{
  for (uint32_t i = 0 ; i < sizeof files / sizeof files[0] ; i++)
    if (!strcmp(files[i].name, name)) return 1u << i ;
  return 0 ;
}

static uint32_t files_present (int dirfd)
{
  struct dents d ;
  char const *name ;
  uint32_t found = 0 ;
  dents_start(&d, dirfd) ;
  while ((name = dents_next(&d))) found |= settings_bit(name) ;
  return found ;
}

static void read_files (struct reading *r, uint32_t present)
{
  *r->s = settings_default ;
  /* whoever marks a service critical wants to hear of its end: unless he says otherwise, its
     first death is for good */
  if (present & settings_bit("critical")) r->s->restart = RESTART_NEVER ;
  for (uint32_t i = 0 ; i < sizeof files / sizeof files[0] ; i++)
  {
    if (!(present >> i & 1)) continue ;
    if (files[i].flag) r->s->flags |= files[i].flag ;
    else (*files[i].read)(r, files[i].name) ;
  }
}

/* ---- unchanged since */

/* The boot has just listed the directory that it copied. What is not asked for in the same turn of
   the loop is not known any more. */
static struct { char name[SLOT_NAME_MAX] ; uint32_t present ; uint64_t turn ; } expected ;

static int all_flags (uint32_t present)
{
  for (uint32_t i = 0 ; i < sizeof files / sizeof files[0] ; i++)
    if (present >> i & 1 && !files[i].flag) return 0 ;
  return 1 ;
}

/* What is there says no more and no less than what S goes by: it may have changed since that was read. */
static int is_as_read (struct slot const *s, int dirfd)
{
  struct settings now = settings_default ;
  struct reading r = { .dirfd = dirfd, .service = s->name, .s = &now } ;
  uint32_t present = files_present(dirfd) ;
  if (!all_flags(present)) return 0 ;
  read_files(&r, present) ;
  return !memcmp(&now, &slot_now(s)->settings, sizeof now) ;
}

static uint64_t nanoseconds (struct timespec const *t)
{
  return (uint64_t)t->tv_sec * 1000000000 + (uint64_t)t->tv_nsec ;
}

/* The directory's time is set back by a second: whatever is made or removed there from now on shows,
   however coarse the file system's clock is. Then what is there is looked at again. */
void settings_stamp (struct slot *s)
{
  struct stat st ;
  struct timespec times[2] = { { .tv_sec = 0, .tv_nsec = UTIME_OMIT } } ;
  int fd = openat(AT_FDCWD, slot_dir(s), O_RDONLY | O_DIRECTORY | O_CLOEXEC) ;
  s->dir_stamp = 0 ;
  if (fd < 0) return ;
  if (fstat(fd, &st) == 0)
  {
    times[1] = st.st_mtim ;
    times[1].tv_sec-- ;
    if (futimens(fd, times) == 0 && fstat(fd, &st) == 0 && is_as_read(s, fd)) s->dir_stamp = nanoseconds(&st.st_mtim) ;
  }
  close(fd) ;
}

void settings_stamp_fresh (struct slot *s)
{
  struct timespec times[2] = { { .tv_sec = 0, .tv_nsec = UTIME_OMIT } } ;
  if (strcmp(expected.name, s->name) || !all_flags(expected.present) || clock_gettime(CLOCK_REALTIME, times + 1) < 0) return ;
  times[1].tv_sec-- ;
  if (utimensat(AT_FDCWD, slot_dir(s), times, AT_SYMLINK_NOFOLLOW) == 0) s->dir_stamp = nanoseconds(times + 1) ;
}

int settings_hold (struct slot const *s)
{
  struct stat st ;
  return s->dir_stamp && stat(slot_dir(s), &st) == 0 && nanoseconds(&st.st_mtim) == s->dir_stamp ;
}

void settings_expect (char const *name, uint32_t present)
{
  if (strlen(name) >= sizeof expected.name) return ;
  strcpy(expected.name, name) ;
  expected.present = present ;
  expected.turn = loop_turn() ;
}

/* 1: *PRESENT is what a listing of NAME's directory would find. */
static int is_expected (char const *name, uint32_t *present)
{
  if (strcmp(expected.name, name)) return 0 ;
  expected.name[0] = 0 ;
  *present = expected.present ;
  return expected.turn == loop_turn() ;
}

int settings_read (char const *dir, char const *name, struct settings *s)
{
  struct reading r = { .dirfd = -1, .service = name, .s = s } ;
  uint32_t present ;
  int known = is_expected(name, &present) ;
  if (known && !present)
  {
    *s = settings_default ;
    return 0 ;
  }
  r.dirfd = openat(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) ;
  if (r.dirfd < 0) return -1 ;
  read_files(&r, known ? present : files_present(r.dirfd)) ;
  close(r.dirfd) ;
  return 0 ;
}
