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
     once TEXT   records TEXT
     drive HOW   the CMD: restarts and stops services, then ends the container: HOW is cmd,
                 critical, signal or control
*/

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
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

/* Ended by the stop, whatever asked for it. */
static int wait_for_stop (int code)
{
  while (next_signal() != SIGTERM) ;
  record("cmd", "end") ;
  return code ;
}

static int drive (char const *how)
{
  block_all() ;
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
  if (!strcmp(how, "critical")) { tell("vital", "q") ; return wait_for_stop(3) ; }
  if (!strcmp(how, "signal")) { kill(1, SIGTERM) ; return wait_for_stop(5) ; }
  if (!strcmp(how, "control")) { control(SERVICES ".s6-svscan/control", "t") ; return wait_for_stop(6) ; }
  record("cmd", "end") ;
  return 42 ;
}

int main (int argc, char const *const *argv)
{
  char const *verb = argc > 1 ? argv[1] : "" ;
  if (!strcmp(verb, "drive")) return drive(argc > 2 ? argv[2] : "cmd") ;
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
