/* ISC license. */

/*
   actor VERB ARGS…: plays a process in a box. Static and tiny, so that it costs nothing and
   needs nothing; it shares no code with what is tested.

     up TEXT               says TEXT on /events and waits; TERM ends it with 0
     answer TEXT N         the same, TERM ends it with N
     deaf                  ignores TERM, says "deaf PID" on /events, waits
     ready FD TEXT         writes a newline on FD, then as up
     hear NAME N           says "NAME up", then "NAME heard N" for each signal; ends with 0 at N
     drain NAME N GATE     as hear; at signal N says "NAME drains", waits for the gate, says
                           "NAME drained" and, when TERM has come too, ends with 0
     last-words TEXT N     as up; at TERM writes the lines "TEXT 1" … "TEXT N" to stdout first
     signal N              dies of signal N
     zombies N             leaves N orphans behind that end at once, says "zombies made"
     hold FILE TEXT        locks FILE; says "TEXT PID" on /events, or "TEXT doubled" if it is locked
     flood N TEXT          writes the lines "TEXT 0" … "TEXT N-1" to stdout, says "TEXT done" on
                           /events, then waits; TERM ends it with 0
     log FILE              appends stdin to FILE to the end of input; says "logger up"; at TERM
                           ends after writing what it has read
     mask                  prints blocked and ignored signals as hexadecimal numbers
     fds                   prints the numbers of the open descriptors
*/

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

static void event (char const *format, ...)
{
  char line[256] ;
  va_list args ;
  int fd = open("/events", O_WRONLY) ;
  va_start(args, format) ;
  int len = vsnprintf(line, sizeof line - 1, format, args) ;
  va_end(args) ;
  line[len++] = '\n' ;
  if (fd < 0 || write(fd, line, (size_t)len) < len) exit(111) ;
  close(fd) ;
}

/* Signals come only where they are waited for, so none is missed between two steps. */
static void block_all (void)
{
  sigset_t all ;
  sigfillset(&all) ;
  sigprocmask(SIG_BLOCK, &all, 0) ;
}

static int next_signal (void)
{
  sigset_t all ;
  int sig ;
  sigfillset(&all) ;
  do sig = sigwaitinfo(&all, 0) ; while (sig < 0) ;
  return sig ;
}

static void wait_for (int sig)
{
  while (next_signal() != sig) ;
}

static int do_up (char const *const *args)
{
  block_all() ;
  event("%s", args[0]) ;
  wait_for(SIGTERM) ;
  return 0 ;
}

static int do_answer (char const *const *args)
{
  do_up(args) ;
  return atoi(args[1]) ;
}

static int do_deaf (char const *const *args)
{
  (void)args ;
  block_all() ;
  event("deaf %d", (int)getpid()) ;
  wait_for(0) ;
  return 0 ;
}

static int do_ready (char const *const *args)
{
  int fd = atoi(args[0]) ;
  block_all() ;
  if (write(fd, "\n", 1) < 1) return 111 ;
  close(fd) ;
  return do_up(args + 1) ;
}

/* Tells of every signal until SIG; 1 when TERM was among them. */
static int hear (char const *name, int end)
{
  int sig, term = 0 ;
  do
  {
    sig = next_signal() ;
    event("%s heard %d", name, sig) ;
    if (sig == SIGTERM) term = 1 ;
  }
  while (sig != end) ;
  return term ;
}

static int do_hear (char const *const *args)
{
  block_all() ;
  event("%s up", args[0]) ;
  hear(args[0], atoi(args[1])) ;
  return 0 ;
}

static int do_drain (char const *const *args)
{
  char path[256], c ;
  block_all() ;
  event("%s up", args[0]) ;
  int term = hear(args[0], atoi(args[1])) ;
  event("%s drains", args[0]) ;
  snprintf(path, sizeof path, "/gates/%s", args[2]) ;
  int fd = open(path, O_RDONLY) ;
  if (fd < 0 || read(fd, &c, 1) < 1) return 111 ;
  event("%s drained", args[0]) ;
  if (!term) hear(args[0], SIGTERM) ;
  return 0 ;
}

static int write_lines (char const *text, int from, int to)
{
  for (int i = from ; i <= to ; i++)
  {
    char line[256] ;
    int len = snprintf(line, sizeof line, "%s %d\n", text, i) ;
    if (write(1, line, (size_t)len) < len) return 111 ;
  }
  return 0 ;
}

static int do_last_words (char const *const *args)
{
  do_up(args) ;
  return write_lines(args[0], 1, atoi(args[1])) ;
}

static int do_signal (char const *const *args)
{
  int sig = atoi(args[0]) ;
  sigset_t set ;
  signal(sig, SIG_DFL) ;
  sigemptyset(&set) ;
  sigprocmask(SIG_SETMASK, &set, 0) ;
  /* not raise(): a real-time signal by tkill() fails when the machine's signal queue is full */
  kill(getpid(), sig) ;
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
  event("zombies made") ;
  return 0 ;
}

static int do_hold (char const *const *args)
{
  int fd = open(args[0], O_RDWR | O_CREAT, 0666) ;
  if (fd < 0) return 111 ;
  block_all() ;
  if (flock(fd, LOCK_EX | LOCK_NB) < 0) event("%s doubled", args[1]) ;
  else event("%s %d", args[1], (int)getpid()) ;
  wait_for(SIGTERM) ;
  return 0 ;
}

/* Here TERM may end it in the middle of a line's way. */
static int do_flood (char const *const *args)
{
  if (write_lines(args[1], 0, atoi(args[0]) - 1)) return 111 ;
  block_all() ;
  event("%s done", args[1]) ;
  wait_for(SIGTERM) ;
  return 0 ;
}

static void end (int sig)
{
  (void)sig ;
  _exit(0) ;
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
  event("logger up") ;
  for (;;)
  {
    if (ppoll(&x, 1, 0, &none) < 0) continue ;
    ssize_t r = read(0, buf, sizeof buf) ;
    if (!r) event("logger end") ;
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
  { "up", 1, &do_up },
  { "answer", 2, &do_answer },
  { "deaf", 0, &do_deaf },
  { "ready", 2, &do_ready },
  { "hear", 2, &do_hear },
  { "drain", 3, &do_drain },
  { "last-words", 2, &do_last_words },
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
