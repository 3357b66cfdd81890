/* ISC license. */

/*
   player VERB …: every process of the fault suites' containers. What happens is a line that
   it appends to /record in one write; a run of the scenario is judged by comparing that
   record with the one of a run without faults. Used as `#!/bin/player VERB`, so the kernel
   adds the script's path and what PID 1 gave it.

     note        records its own path: boot and finish scripts
     up          a service: holds a lock, records "NAME up" … "NAME end"
     ready       the same, and writes a newline to descriptor 3 first
     writer      the same; writes a line to stdout at each USR1, a last one at its end
     logger      appends stdin to /log until its end
     finish      records the arguments that a finish script gets
     eat         takes all the memory there is
     remember    the CMD of the OOM test: waits until "eater" has been taken and started again, then
                 kills "killed" and waits for its next start
     once TEXT   records TEXT
     counted     a service of the storm: as ready, but records "NAME up PID"
     reaped      its finish script: records "NAME finish PID", the run's
     storm SEED N F  the CMD of the storm: N commands to random services, after one in F (0: none)
                 a SEGV to PID 1; records what PID 1 needs at the beginning and at the end, and how
                 many faults there were
     around      the CMD that does without "killed", which it kills: the others are restarted and heard
     crash       .s6-svscan/crash: records itself and ends with 9
     drive HOW   the CMD: restarts and stops services, then ends the container: HOW is cmd,
                 critical, signal or control
*/

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SERVICES "/run/service/"

static void die (char const *what)
{
  dprintf(2, "player: unable to %s: %s\n", what, strerror(errno)) ;
  _exit(111) ;
}

static void record (char const *a, char const *b)
{
  char line[512] ;
  int n = snprintf(line, sizeof line, "%s%s%s\n", a, b[0] ? " " : "", b) ;
  int fd = open("/record", O_WRONLY | O_APPEND | O_CLOEXEC) ;
  if (fd < 0 || write(fd, line, (size_t)n) != n) die("record") ;
  close(fd) ;
}

/* ---- services */

static char label[256] ;

static void name_is (char const *name)
{
  snprintf(label, sizeof label, "%s", name) ;
  for (char *p = label ; *p ; p++) if (*p == '/') *p = '-' ;
}

/* Held until the process ends: a second copy cannot have it, and shouts. */
static void hold (void)
{
  char path[300] ;
  int fd ;
  snprintf(path, sizeof path, "/locks/%s", label) ;
  fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644) ;
  if (fd < 0) die("open its lock") ;
  if (flock(fd, LOCK_EX | LOCK_NB) < 0) record(label, "DOUBLED") ;
}

/* The pid is for the scenario: a line of its own file, not of the record. */
static void tell_pid (void)
{
  char path[300], text[32] ;
  int fd, n = snprintf(text, sizeof text, "%d\n", (int)getpid()) ;
  snprintf(path, sizeof path, "/pids/%s", label) ;
  fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644) ;
  if (fd < 0 || write(fd, text, (size_t)n) != n) die("tell its pid") ;
  close(fd) ;
}

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

static void begin (char const *name)
{
  block_all() ;
  name_is(name) ;
  hold() ;
  tell_pid() ;
}

static void write_line (unsigned int n)
{
  char line[64] ;
  int len = snprintf(line, sizeof line, "line %u\n", n) ;
  if (write(1, line, (size_t)len) != len) record(label, "cannot write") ;
}

/* QUIT ends it with 7: the critical service's end. */
static int serve (char const *name, int ready, int writes)
{
  unsigned int lines = 0 ;
  int sig, code = 0 ;
  begin(name) ;
  record(label, "up") ;
  if (ready && write(3, "\n", 1) != 1) record(label, "cannot notify") ;
  while ((sig = next_signal()) != SIGTERM)
  {
    if (sig == SIGQUIT) { code = 7 ; break ; }
    if (writes && sig == SIGUSR1)
    {
      write_line(++lines) ;
      record(label, "wrote") ;
    }
  }
  if (writes) write_line(++lines) ;
  record(label, "end") ;
  return code ;
}

static int logger (char const *name)
{
  char buffer[4096] ;
  ssize_t n ;
  int fd = open("/log", O_WRONLY | O_APPEND | O_CLOEXEC) ;
  begin(name) ;
  if (fd < 0) die("open /log") ;
  record(label, "up") ;
  while ((n = read(0, buffer, sizeof buffer)) > 0)
    if (write(fd, buffer, (size_t)n) != n) die("write /log") ;
  record(label, "end") ;
  return 0 ;
}

static int finish (char const *const *args)
{
  char text[128] ;
  name_is(args[2]) ;
  snprintf(text, sizeof text, "finish %s %s", args[0], args[1]) ;
  record(label, text) ;
  return 0 ;
}

/* ---- the scenario */

static int watch = -1 ;

static unsigned int count (char const *line)
{
  static char text[65536] ;
  size_t len = strlen(line) ;
  unsigned int found = 0 ;
  ssize_t n ;
  int fd = open("/record", O_RDONLY | O_CLOEXEC) ;
  n = fd < 0 ? -1 : read(fd, text, sizeof text - 1) ;
  if (n < 0) die("read the record") ;
  close(fd) ;
  text[n] = 0 ;
  for (char *p = text, *end ; (end = strchr(p, '\n')) ; p = end + 1)
    found += (size_t)(end - p) == len && !memcmp(p, line, len) ;
  return found ;
}

static void wait_for (char const *line, unsigned int times)
{
  char events[4096] ;
  while (count(line) < times)
    if (read(watch, events, sizeof events) < 0) die("wait for the record") ;
}

static void control (char const *path, char const *letters)
{
  int fd = open(path, O_WRONLY | O_CLOEXEC) ;
  if (fd < 0 || write(fd, letters, strlen(letters)) < 0) die(path) ;
  close(fd) ;
}

static void tell (char const *service, char const *letters)
{
  char path[256] ;
  snprintf(path, sizeof path, SERVICES "%s/supervise/control", service) ;
  control(path, letters) ;
}

static void kill_it (char const *service)
{
  char path[256], text[32] ;
  int fd ;
  ssize_t n ;
  snprintf(path, sizeof path, "/pids/%s", service) ;
  fd = open(path, O_RDONLY | O_CLOEXEC) ;
  n = fd < 0 ? -1 : read(fd, text, sizeof text - 1) ;
  if (n <= 0) die("find a pid") ;
  text[n] = 0 ;
  close(fd) ;
  kill((pid_t)atoi(text), SIGKILL) ;
}

static int runs (char const *service)
{
  char path[300] ;
  int fd, held ;
  snprintf(path, sizeof path, "/locks/%s", service) ;
  fd = open(path, O_RDWR | O_CLOEXEC) ;
  held = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0 ;
  if (fd >= 0) close(fd) ;
  return held ;
}

/* Ended by the stop, whatever asked for it. */
static int wait_for_stop (int code)
{
  while (next_signal() != SIGTERM) ;
  record("cmd", "end") ;
  return code ;
}

/* Until the scenario's own end TERM ends it: then something went wrong, and the harness asked. */
static void block_all_but_term (void)
{
  sigset_t most ;
  sigfillset(&most) ;
  sigdelset(&most, SIGTERM) ;
  sigprocmask(SIG_SETMASK, &most, 0) ;
}

static int drive (char const *how)
{
  block_all_but_term() ;
  watch = inotify_init1(IN_CLOEXEC) ;
  if (watch < 0 || inotify_add_watch(watch, "/record", IN_MODIFY) < 0) die("watch the record") ;
  record("cmd", "up") ;
  wait_for("plain up", 1) ;
  wait_for("writer up", 1) ;
  wait_for("writer-log up", 1) ;
  wait_for("web up", 1) ;
  wait_for("killed up", 1) ;
  wait_for("ready up", 1) ;
  wait_for("vital up", 1) ;
  tell("plain", "r") ;
  tell("writer", "1") ;
  wait_for("plain up", 2) ;
  kill_it("killed") ;
  wait_for("killed up", 2) ;
  tell("ready", "d") ;
  wait_for("ready finish 0 0", 1) ;
  wait_for("writer wrote", 1) ;
  tell("writer", "1") ;
  tell("ready", "u") ;
  wait_for("ready up", 2) ;
  wait_for("writer wrote", 2) ;
  control(SERVICES ".s6-svscan/control", "a") ;
  block_all() ;
  if (!strcmp(how, "critical")) { tell("vital", "q") ; return wait_for_stop(3) ; }
  if (!strcmp(how, "signal")) { kill(1, SIGTERM) ; return wait_for_stop(5) ; }
  if (!strcmp(how, "control")) { control(SERVICES ".s6-svscan/control", "t") ; return wait_for_stop(6) ; }
  record("cmd", "end") ;
  return 42 ;
}

static int around (void)
{
  block_all() ;
  watch = inotify_init1(IN_CLOEXEC) ;
  if (watch < 0 || inotify_add_watch(watch, "/record", IN_MODIFY) < 0) die("watch the record") ;
  wait_for("plain up", 1) ;
  wait_for("writer up", 1) ;
  wait_for("web up", 1) ;
  wait_for("ready up", 1) ;
  wait_for("vital up", 1) ;
  if (runs("killed")) kill_it("killed") ;
  tell("plain", "r") ;
  wait_for("plain up", 2) ;
  tell("writer", "1") ;
  wait_for("writer wrote", 1) ;
  return 42 ;
}

/* ---- memory */

static _Noreturn void eat (char const *name)
{
  begin(name) ;
  record(label, "up") ;
  for (;;)
  {
    char *p = malloc(1 << 20) ;
    if (p) memset(p, 1, 1 << 20) ;
  }
}

static int remember (void)
{
  block_all() ;
  watch = inotify_init1(IN_CLOEXEC) ;
  if (watch < 0 || inotify_add_watch(watch, "/record", IN_MODIFY) < 0) die("watch the record") ;
  wait_for("killed up", 1) ;
  wait_for("eater finish 256 9", 1) ;
  kill_it("killed") ;
  wait_for("killed finish 256 9", 1) ;
  return 0 ;
}

/* ---- the storm */

#define SERVICE_COUNT 50

static uint64_t dice ;

static unsigned int roll (unsigned int n)
{
  dice ^= dice << 13 ;
  dice ^= dice >> 7 ;
  dice ^= dice << 17 ;
  return (unsigned int)(dice >> 20) % n ;
}

static int counted (char const *name)
{
  char text[64] ;
  int sig ;
  begin(name) ;
  snprintf(text, sizeof text, "up %d", (int)getpid()) ;
  /* first: when its line is there, PID 1 has nothing more to wait for */
  if (write(3, "\n", 1) != 1) record(label, "cannot notify") ;
  record(label, text) ;
  while ((sig = next_signal()) != SIGTERM) ;
  return 0 ;
}

static int reaped (char const *name, char const *pid)
{
  char text[64] ;
  name_is(name) ;
  snprintf(text, sizeof text, "finish %s", pid) ;
  record(label, text) ;
  return 0 ;
}

/* PID 1 signs its lock file when it has applied letters: after the second time it has also seen
   what had come before the first. */
static void quiet (void)
{
  char events[4096] ;
  int in = inotify_init1(IN_CLOEXEC) ;
  if (in < 0 || inotify_add_watch(in, SERVICES ".s6-svscan/lock", IN_MODIFY) < 0) die("watch the lock file") ;
  for (int i = 0 ; i < 2 ; i++)
  {
    control(SERVICES ".s6-svscan/control", "z") ;
    if (read(in, events, sizeof events) < 0) die("wait for the lock file") ;
  }
  close(in) ;
}

static unsigned long field (char const *file, char const *name)
{
  static char text[65536] ;
  char *p ;
  int fd = open(file, O_RDONLY | O_CLOEXEC) ;
  ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1) ;
  /* a process may have ended in between */
  if (n < 0 && errno != ENOENT && errno != ESRCH) die(file) ;
  if (fd >= 0) close(fd) ;
  text[n < 0 ? 0 : n] = 0 ;
  p = strstr(text, name) ;
  return p ? strtoul(p + strlen(name), 0, 10) : 0 ;
}

static unsigned int entries (char const *dir, int zombies)
{
  unsigned int n = 0 ;
  DIR *d = opendir(dir) ;
  if (!d) die(dir) ;
  for (struct dirent *e ; (e = readdir(d)) ; )
  {
    char path[300] ;
    if (e->d_name[0] < '0' || e->d_name[0] > '9') continue ;
    snprintf(path, sizeof path, "/proc/%s/status", e->d_name) ;
    if (!zombies || (access(path, F_OK) == 0 && field(path, "State:\tZ (zombie)\nTgid:\t"))) n++ ;
  }
  closedir(d) ;
  return n ;
}

static void tell_all (char const *letters)
{
  char name[16] ;
  for (unsigned int i = 0 ; i < SERVICE_COUNT ; i++)
  {
    snprintf(name, sizeof name, "s%02u", i) ;
    tell(name, letters) ;
  }
}

/* A child of PID 1 other than we; 0: there is none. */
static pid_t somebody (void)
{
  pid_t pid = 0 ;
  DIR *d = opendir("/proc") ;
  if (!d) die("/proc") ;
  for (struct dirent *e ; !pid && (e = readdir(d)) ; )
  {
    char path[300] ;
    snprintf(path, sizeof path, "/proc/%s/status", e->d_name) ;
    if (e->d_name[0] < '0' || e->d_name[0] > '9' || atoi(e->d_name) == (int)getpid() || access(path, F_OK) < 0) continue ;
    if (field(path, "\nPPid:\t") == 1) pid = (pid_t)atoi(e->d_name) ;
  }
  closedir(d) ;
  return pid ;
}

/* All services are wanted down, and PID 1 knows it: the processes that are there end, and finish
   scripts after them. */
static void wait_for_ends (void)
{
  pid_t pid ;
  for (quiet() ; (pid = somebody()) ; quiet())
  {
    struct pollfd x = { .fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN } ;
    if (x.fd < 0) continue ;
    if (poll(&x, 1, -1) < 0) die("wait for an end") ;
    close(x.fd) ;
  }
}

/* Every service goes down, if it was up; when all have ended, each comes up again. */
static void gather (void)
{
  int fd ;
  off_t mark ;
  unsigned int up = 0, seen[SERVICE_COUNT] = { 0 } ;
  static char text[1 << 20] ;
  char events[4096] ;
  tell_all("d") ;
  wait_for_ends() ;
  fd = open("/record", O_WRONLY | O_APPEND | O_CLOEXEC) ;
  mark = fd < 0 ? -1 : lseek(fd, 0, SEEK_END) ;
  if (mark < 0) die("find the end of the record") ;
  close(fd) ;
  tell_all("u") ;
  for (;;)
  {
    ssize_t n ;
    fd = open("/record", O_RDONLY | O_CLOEXEC) ;
    n = fd < 0 ? -1 : pread(fd, text, sizeof text - 1, mark) ;
    if (n < 0) die("read the record") ;
    close(fd) ;
    text[n] = 0 ;
    up = 0 ;
    memset(seen, 0, sizeof seen) ;
    for (char *p = text, *end ; (end = strchr(p, '\n')) ; p = end + 1)
      if (p[0] == 's' && !strncmp(p + 3, " up ", 4)) seen[(unsigned int)(p[1] - '0') * 10 + (unsigned int)(p[2] - '0')] = 1 ;
    for (unsigned int i = 0 ; i < SERVICE_COUNT ; i++) up += seen[i] ;
    if (up == SERVICE_COUNT) return ;
    if (read(watch, events, sizeof events) < 0) die("wait for the record") ;
  }
}

static void take_stock (char const *when)
{
  char text[128] ;
  quiet() ;
  snprintf(text, sizeof text, "%lu KiB %u descriptors %u zombies", field("/proc/1/smaps_rollup", "\nPss:"), entries("/proc/1/fd", 0), entries("/proc", 1)) ;
  record(when, text) ;
}

static void one_of_many (void)
{
  static char const *const letters[] = { "r", "k", "t", "d", "u", "du", "dudu", "o", "h", "pc", "uu", "1", "k", "r", "nonsense", "O" } ;
  char name[16] ;
  snprintf(name, sizeof name, "s%02u", roll(SERVICE_COUNT)) ;
  tell(name, letters[roll(sizeof letters / sizeof letters[0])]) ;
}

#define BURST 4

/* A signal that comes while another is pending, or while PID 1 is executed again, is none: so the one
   before is over first. Then there is much to do, and at some moment of that it comes. */
static void fault (void)
{
  quiet() ;
  for (unsigned int i = 0 ; i < BURST ; i++) one_of_many() ;
  for (unsigned int k = roll(30000) ; k ; k--) getppid() ;
  kill(1, SIGSEGV) ;
}

static int storm (char const *seed, unsigned int n, unsigned int faults)
{
  unsigned int sent = 0 ;
  char text[16] ;
  dice = strtoul(seed, 0, 10) * 2654435761u + 88172645463325252u ;
  block_all() ;
  watch = inotify_init1(IN_CLOEXEC) ;
  if (watch < 0 || inotify_add_watch(watch, "/record", IN_MODIFY) < 0) die("watch the record") ;
  gather() ;
  for (unsigned int i = 0 ; i < n / 10 ; i++) one_of_many() ;
  gather() ;
  take_stock("before") ;
  for (unsigned int i = 0 ; i < n ; i++)
  {
    one_of_many() ;
    if (i % 8 == 7) control(SERVICES ".s6-svscan/control", "a") ;
    if (faults && !roll(faults))
    {
      fault() ;
      sent++ ;
    }
    if (i % 500 == 499) gather() ;
  }
  gather() ;
  take_stock("after") ;
  snprintf(text, sizeof text, "%u", sent) ;
  record("faults", text) ;
  return 42 ;
}

int main (int argc, char const *const *argv)
{
  char const *verb = argc > 1 ? argv[1] : "" ;
  if (!strcmp(verb, "drive")) return drive(argc > 2 ? argv[2] : "cmd") ;
  if (!strcmp(verb, "around")) return around() ;
  if (!strcmp(verb, "crash")) return record("ran", "crash"), 9 ;
  if (!strcmp(verb, "remember")) return remember() ;
  if (!strcmp(verb, "eat") && argc > 3) eat(argv[3]) ;
  if (!strcmp(verb, "storm") && argc > 4) return storm(argv[2], (unsigned int)atoi(argv[3]), (unsigned int)atoi(argv[4])) ;
  if (!strcmp(verb, "counted") && argc > 3) return counted(argv[3]) ;
  if (!strcmp(verb, "reaped") && argc > 6) return reaped(argv[5], argv[6]) ;
  if (!strcmp(verb, "once") && argc > 2) return record("once", argv[2]), 0 ;
  if (argc < 3) die("play: too few arguments") ;
  if (!strcmp(verb, "note")) return record("ran", argv[2]), 0 ;
  if (argc < 4) die("play: too few arguments") ;
  if (!strcmp(verb, "up")) return serve(argv[3], 0, 0) ;
  if (!strcmp(verb, "ready")) return serve(argv[3], 1, 0) ;
  if (!strcmp(verb, "writer")) return serve(argv[3], 0, 1) ;
  if (!strcmp(verb, "logger")) return logger(argv[3]) ;
  if (!strcmp(verb, "finish") && argc > 5) return finish(argv + 3) ;
  die("play: no such part") ;
}
