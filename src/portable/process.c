/* ISC license. */

/* sleep, pause, sync, clock, nuke, nice, maximumtime, seekablepipe: time, signals, processes */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <skalibs/djbunix.h>
#include <skalibs/exec.h>
#include <skalibs/iopause.h>
#include <skalibs/nsig.h>
#include <skalibs/posixplz.h>
#include <skalibs/selfpipe.h>
#include <skalibs/sgetopt.h>
#include <skalibs/sig.h>
#include <skalibs/strerr.h>
#include <skalibs/tai.h>
#include <skalibs/types.h>

#include "portable.h"

#define SLEEP_USAGE "s6-sleep [ -m ] time [ prog... ]"
#define PAUSE_USAGE "s6-pause [ -t ] [ -h ] [ -a ] [ -q ] [ -b ] [ -i ] [ -p signal,signal... ]"
#define SYNC_USAGE "s6-sync"
#define CLOCK_USAGE "s6-clock [ label ]"
#define NUKE_USAGE "s6-nuke [ -h | -t | -k ]"
#define NICE_USAGE "s6-nice [ -I | -i ] [ -n value ] prog..."
#define MAXIMUMTIME_USAGE "s6-maximumtime [ -0 | -a | -b | -i | -k | -q | -t | -x | -1 | -2 ] milliseconds prog..."
#define SEEKABLEPIPE_USAGE "seekablepipe tmpfile prog..."

int s6sleep_main (int, char const *const *) ;
int s6pause_main (int, char const *const *) ;
int s6sync_main (int, char const *const *) ;
int s6clock_main (int, char const *const *) ;
int s6nuke_main (int, char const *const *) ;
int s6nice_main (int, char const *const *) ;
int s6maximumtime_main (int, char const *const *) ;
int seekablepipe_main (int, char const *const *) ;

/* ---------------------------------------------------------------------------------- time */

/* From now, on a clock that nobody sets. ms from an unsigned int: more than tain_from_millisecs takes. */
static tain deadline_in (uint64_t ms)
{
  tain t = { .sec = { .x = ms / 1000 }, .nano = (uint32_t)(ms % 1000) * 1000000U } ;
  if (!tain_now_set_stopwatch_g()) strerr_warnwusys("read a monotonic clock") ;
  tain_add_g(&t, &t) ;
  return t ;
}

int s6sleep_main (int argc, char const *const *argv)
{
  struct portable_options o = PORTABLE_OPTIONS_ZERO ;
  unsigned int n ;
  tain deadline ;
  portable_getopt(&argc, &argv, "m", SLEEP_USAGE, 1, &o) ;
  if (!uint0_scan(argv[0], &n)) strerr_dieusage(100, SLEEP_USAGE) ;
  deadline = deadline_in(o.given ? n : (uint64_t)n * 1000) ;
  deepsleepuntil_g(&deadline) ;
  xexec0(argv + 1) ;
}

int s6sync_main (int argc, char const *const *argv)
{
  struct portable_options o = PORTABLE_OPTIONS_ZERO ;
  portable_getopt(&argc, &argv, "", SYNC_USAGE, 0, &o) ;
  sync() ;
  return 0 ;
}

int s6clock_main (int argc, char const *const *argv)
{
  struct portable_options o = PORTABLE_OPTIONS_ZERO ;
  char fmt[TIMESTAMP + 1] ;
  tain t ;
  portable_getopt(&argc, &argv, "", CLOCK_USAGE, 0, &o) ;
  if (argc)
  {
    if (timestamp_scan(argv[0], &t) != TIMESTAMP || argv[0][TIMESTAMP]) strerr_dieusage(100, CLOCK_USAGE) ;
    if (!tain_setnow(&t)) strerr_diefusys(111, "set the clock") ;
    return 0 ;
  }
  if (!timestamp(fmt)) strerr_diefusys(111, "read the clock") ;
  fmt[TIMESTAMP] = '\n' ;
  portable_put(fmt, TIMESTAMP + 1) ;
  return portable_finish() ;
}

/* ------------------------------------------------------------------------------- signals */

static struct { char letter ; int sig ; } const signals[] =
{
  { 't', SIGTERM },
  { 'h', SIGHUP },
  { 'a', SIGALRM },
  { 'q', SIGQUIT },
  { 'b', SIGABRT },
  { 'i', SIGINT },
  { 'k', SIGKILL },
  { 'x', SIGXCPU },
  { '1', SIGUSR1 },
  { '2', SIGUSR2 },
  { '0', 0 }
} ;

/* -1: none has this letter. */
static int signal_of (int letter)
{
  for (size_t i = 0 ; i < sizeof(signals) / sizeof(*signals) ; i++)
    if (signals[i].letter == letter) return signals[i].sig ;
  return -1 ;
}

static void ignore (int sig)
{
  char fmt[INT_FMT] ;
  if (sig_ignore(sig)) return ;
  fmt[int_fmt(fmt, sig)] = 0 ;
  strerr_diefusys(errno == EINVAL ? 100 : 111, "ignore signal ", fmt) ;
}

static void ignore_list (char const *s)
{
  unsigned int list[SKALIBS_NSIG] ;
  size_t n ;
  if (!uint_scanlist(list, SKALIBS_NSIG, s, &n)) strerr_dieusage(100, PAUSE_USAGE) ;
  for (size_t i = 0 ; i < n ; i++) ignore((int)list[i]) ;
}

int s6pause_main (int argc, char const *const *argv)
{
  subgetopt l = SUBGETOPT_ZERO ;
  for (int opt ; (opt = subgetopt_r(argc, argv, "thaqbip:", &l)) != -1 ; )
  {
    if (opt == 'p') ignore_list(l.arg) ;
    else if (signal_of(opt) > 0) ignore(signal_of(opt)) ;
    else strerr_dieusage(100, PAUSE_USAGE) ;
  }
  /* whoever started us may have blocked what we are to be ended by */
  sig_blocknone() ;
  pause() ;
  return 0 ;
}

/* That nobody was there is no error: there is nobody left. */
static void broadcast (int sig)
{
  if (kill(-1, sig) < 0 && errno != ESRCH) strerr_diefusys(111, "kill every process") ;
}

int s6nuke_main (int argc, char const *const *argv)
{
  enum { HANGUP = 1, TERMINATE = 2, KILL = 4 } ;
  struct portable_options o = PORTABLE_OPTIONS_ZERO ;
  portable_getopt(&argc, &argv, "htk", NUKE_USAGE, 0, &o) ;
  if (o.given & HANGUP)
  {
    ignore(SIGHUP) ;
    broadcast(SIGHUP) ;
  }
  if (o.given & TERMINATE)
  {
    ignore(SIGTERM) ;
    broadcast(SIGTERM) ;
    broadcast(SIGCONT) ;
  }
  if (o.given & KILL) broadcast(SIGKILL) ;
  return 0 ;
}

/* ----------------------------------------------------------------------------- processes */

int s6nice_main (int argc, char const *const *argv)
{
  enum { LOOSE = 1, STRICT = 2, VALUE = 4 } ;
  struct portable_options o = PORTABLE_OPTIONS_ZERO ;
  char fmt[INT_FMT] ;
  int n = 10 ;
  portable_getopt(&argc, &argv, "Iin:", NICE_USAGE, 1, &o) ;
  if (o.given & VALUE && !int0_scan(o.arg[2], &n)) strerr_dieusage(100, NICE_USAGE) ;
  fmt[int_fmt(fmt, n)] = 0 ;
  errno = 0 ;
  /* -1 is a niceness too */
  if (nice(n) < 0 && errno)
  {
    if (o.given & STRICT && !(o.given & LOOSE)) strerr_diefusys(111, "nice to ", fmt) ;
    strerr_warnwusys("nice to ", fmt) ;
  }
  xexec(argv) ;
}

/* Its exit code when it has ended; -1 before. */
static int reap (pid_t pid)
{
  int wstat ;
  if (wait_pid_nohang(pid, &wstat) != pid) return -1 ;
  if (WIFSIGNALED(wstat)) strerr_diew(111, "child process crashed") ;
  return WEXITSTATUS(wstat) ;
}

static int wait_until (pid_t pid, int fd, tain const *deadline)
{
  iopause_fd x = { .fd = fd, .events = IOPAUSE_READ } ;
  for (;;)
  {
    int r = iopause_g(&x, 1, deadline) ;
    if (r < 0) strerr_diefusys(111, "wait for child process") ;
    if (!r) return -1 ;
    while ((r = selfpipe_read()) > 0)
    {
      int e = reap(pid) ;
      if (e >= 0) return e ;
    }
    if (r < 0) strerr_diefusys(111, "read a signal") ;
  }
}

int s6maximumtime_main (int argc, char const *const *argv)
{
  subgetopt l = SUBGETOPT_ZERO ;
  int sig = SIGTERM, fd, e ;
  unsigned int ms ;
  tain deadline ;
  pid_t pid ;
  for (int opt ; (opt = subgetopt_r(argc, argv, "0abikqtx12", &l)) != -1 ; )
    if ((sig = signal_of(opt)) < 0) strerr_dieusage(100, MAXIMUMTIME_USAGE) ;
  argc -= l.ind ; argv += l.ind ;
  if (argc < 2 || !uint0_scan(argv[0], &ms)) strerr_dieusage(100, MAXIMUMTIME_USAGE) ;
  fd = selfpipe_init() ;
  if (fd < 0 || !selfpipe_trap(SIGCHLD)) strerr_diefusys(111, "trap SIGCHLD") ;
  deadline = deadline_in(ms) ;
  pid = child_spawn0(argv[1], argv + 1, (char const *const *)environ) ;
  if (!pid) strerr_diefusys(errno == ENOENT ? 127 : 126, "spawn ", argv[1]) ;
  e = wait_until(pid, fd, ms ? &deadline : &tain_infinite) ;
  if (e >= 0) return e ;
  kill(pid, sig) ;
  errno = ETIMEDOUT ;
  strerr_diewusys(99, "wait for child process") ;
}

int seekablepipe_main (int argc, char const *const *argv)
{
  struct portable_options o = PORTABLE_OPTIONS_ZERO ;
  int fd, r ;
  portable_getopt(&argc, &argv, "", SEEKABLEPIPE_USAGE, 2, &o) ;
  fd = open3(argv[0], O_WRONLY | O_CREAT | O_EXCL, 0600) ;
  if (fd < 0) strerr_diefusys(111, "create ", argv[0]) ;
  r = open_readb(argv[0]) ;
  if (r < 0) strerr_diefusys(111, "open ", argv[0], " for reading") ;
  unlink_void(argv[0]) ;
  if (fd_cat(0, fd) < 0) strerr_diefusys(111, "copy stdin to ", argv[0]) ;
  fd_close(fd) ;
  if (fd_move(0, r) < 0) strerr_diefusys(111, "move descriptors") ;
  xexec(argv + 1) ;
}
