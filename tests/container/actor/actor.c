/* ISC license. */

/*
   actor VERB ARGS…: plays a process in a box. Static and tiny, so that it costs nothing and
   needs nothing; it shares no code with what is tested.

     pause                 waits for a signal; TERM ends it with 0
     deaf                  ignores TERM, says "deaf PID" on /events, waits
     ready FD              writes a newline on FD, then as pause
     signal N              dies of signal N
     zombies N             leaves N orphans behind that end at once, says "zombies made"
     hold FILE TEXT        locks FILE; says "TEXT PID" on /events, or "TEXT doubled" if it is locked
     flood N TEXT          writes the lines "TEXT 0" … "TEXT N-1" to stdout, says "TEXT done" on
                           /events, then as pause
     log FILE              appends stdin to FILE to the end of input; says "logger up"; at TERM
                           ends after writing what it has read
     mask                  prints blocked and ignored signals as hexadecimal numbers
     fds                   prints the numbers of the open descriptors
*/

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

static void event (char const *text, char const *more)
{
  char line[256] ;
  int fd = open("/events", O_WRONLY) ;
  int len = snprintf(line, sizeof line, "%s %s\n", text, more) ;
  if (fd < 0 || write(fd, line, (size_t)len) < len) exit(111) ;
  close(fd) ;
}

static void event_pid (char const *text)
{
  char pid[16] ;
  snprintf(pid, sizeof pid, "%d", (int)getpid()) ;
  event(text, pid) ;
}

static void end (int sig)
{
  (void)sig ;
  _exit(0) ;
}

static _Noreturn void wait_for_signals (void)
{
  for (;;) pause() ;
}

static _Noreturn void wait_for_term (void)
{
  signal(SIGTERM, &end) ;
  wait_for_signals() ;
}

static int do_deaf (char const *const *args)
{
  (void)args ;
  signal(SIGTERM, SIG_IGN) ;
  event_pid("deaf") ;
  wait_for_signals() ;
}

static int do_pause (char const *const *args)
{
  (void)args ;
  wait_for_term() ;
}

static int do_ready (char const *const *args)
{
  int fd = atoi(args[0]) ;
  signal(SIGTERM, &end) ;
  if (write(fd, "\n", 1) < 1) return 111 ;
  close(fd) ;
  wait_for_term() ;
}

static int do_signal (char const *const *args)
{
  int sig = atoi(args[0]) ;
  sigset_t set ;
  signal(sig, SIG_DFL) ;
  sigemptyset(&set) ;
  sigprocmask(SIG_SETMASK, &set, 0) ;
  raise(sig) ;
  return 111 ;
}

/* Orphans: the children of a child that ends first. */
static int do_zombies (char const *const *args)
{
  pid_t pid = fork() ;
  if (pid < 0) return 111 ;
  if (!pid)
  {
    for (int n = atoi(args[0]) ; n ; n--)
    {
      pid = fork() ;
      if (pid < 0) _exit(111) ;
      if (!pid) _exit(0) ;
    }
    _exit(0) ;
  }
  int status ;
  if (waitpid(pid, &status, 0) < 0 || status) return 111 ;
  event("zombies", "made") ;
  return 0 ;
}

static int do_hold (char const *const *args)
{
  int fd = open(args[0], O_RDWR | O_CREAT, 0666) ;
  if (fd < 0) return 111 ;
  if (flock(fd, LOCK_EX | LOCK_NB) < 0) event(args[1], "doubled") ;
  else event_pid(args[1]) ;
  wait_for_term() ;
}

static int do_flood (char const *const *args)
{
  signal(SIGTERM, &end) ;
  for (int i = 0 ; i < atoi(args[0]) ; i++)
  {
    char line[256] ;
    int len = snprintf(line, sizeof line, "%s %d\n", args[1], i) ;
    if (write(1, line, (size_t)len) < len) return 111 ;
  }
  event(args[1], "done") ;
  wait_for_term() ;
}

/* TERM may come only while it waits: what was read is written before it ends. */
static int do_log (char const *const *args)
{
  char buf[4096] ;
  sigset_t term, none ;
  struct pollfd x = { .fd = 0, .events = POLLIN } ;
  int fd = open(args[0], O_WRONLY | O_CREAT | O_APPEND, 0644) ;
  if (fd < 0) return 111 ;
  sigemptyset(&none) ;
  sigemptyset(&term) ;
  sigaddset(&term, SIGTERM) ;
  sigprocmask(SIG_BLOCK, &term, 0) ;
  signal(SIGTERM, &end) ;
  event("logger", "up") ;
  for (;;)
  {
    if (ppoll(&x, 1, 0, &none) < 0) continue ;
    ssize_t r = read(0, buf, sizeof buf) ;
    if (!r) event("logger", "end") ;
    if (r <= 0) return r < 0 ;
    if (write(fd, buf, (size_t)r) < r) return 111 ;
  }
}

static int do_mask (char const *const *args)
{
  unsigned long long blocked = 0, ignored = 0 ;
  sigset_t set ;
  (void)args ;
  sigprocmask(SIG_SETMASK, 0, &set) ;
  for (int sig = 1 ; sig < 65 ; sig++)
  {
    struct sigaction sa ;
    if (sigismember(&set, sig) > 0) blocked |= 1ULL << (sig - 1) ;
    if (!sigaction(sig, 0, &sa) && sa.sa_handler == SIG_IGN) ignored |= 1ULL << (sig - 1) ;
  }
  printf("blocked %llx ignored %llx\n", blocked, ignored) ;
  return 0 ;
}

static int do_fds (char const *const *args)
{
  DIR *dir = opendir("/proc/self/fd") ;
  (void)args ;
  if (!dir) return 111 ;
  for (struct dirent *d ; (d = readdir(dir)) ;)
    if (d->d_name[0] != '.' && atoi(d->d_name) != dirfd(dir)) printf("%s ", d->d_name) ;
  puts("") ;
  return 0 ;
}

static struct verb
{
  char const *name ;
  int args ;
  int (*run) (char const *const *) ;
} const verbs[] =
{
  { "pause", 0, &do_pause },
  { "deaf", 0, &do_deaf },
  { "ready", 1, &do_ready },
  { "signal", 1, &do_signal },
  { "zombies", 1, &do_zombies },
  { "hold", 2, &do_hold },
  { "flood", 2, &do_flood },
  { "log", 1, &do_log },
  { "mask", 0, &do_mask },
  { "fds", 0, &do_fds }
} ;

int main (int argc, char const *const *argv)
{
  for (size_t i = 0 ; i < sizeof verbs / sizeof *verbs ; i++)
    if (argc == verbs[i].args + 2 && !strcmp(argv[1], verbs[i].name)) return (*verbs[i].run)(argv + 2) ;
  fprintf(stderr, "actor: usage: see tests/container/actor/actor.c\n") ;
  return 100 ;
}
