/* ISC license. See fault.h: the scenario's root, and one run in it. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <skalibs/djbunix.h>
#include <skalibs/stralloc.h>

#include "../container/box.h"
#include "fault.h"
#include "trace.h"

#define PLAYER "build/dev/tests/fault/player"
#define GUARD_OF_STORM 600
#define GUARD 120  /* seconds: a run that takes so long hangs */

struct world { box *box ; } ;

/* ---- the root */

static void service (box *b, char const *dir, char const *verb, int has_finish)
{
  char path[256], text[64] ;
  snprintf(text, sizeof text, "#!/bin/player %s\n", verb) ;
  snprintf(path, sizeof path, "%s/run", dir) ;
  box_file(b, path, 0755, text) ;
  snprintf(path, sizeof path, "%s/backoff", dir) ;
  box_file(b, path, 0644, "1 1\n") ;
  if (!has_finish) return ;
  snprintf(path, sizeof path, "%s/finish", dir) ;
  box_file(b, path, 0755, "#!/bin/player finish\n") ;
}

static void install_player (box *b)
{
  stralloc player = STRALLOC_ZERO ;
  if (!openslurpclose(&player, PLAYER)) broken(b, "unable to read %s: %s", PLAYER, strerror(errno)) ;
  box_bytes(b, "bin/player", 0755, player.s, player.len) ;
  stralloc_free(&player) ;
}

#define RC "etc/s6-overlay/s6-rc.d/"

static void scenario (box *b)
{
  install_player(b) ;
  box_file(b, "etc/cont-init.d/10-first", 0755, "#!/bin/player note\n") ;
  box_file(b, "etc/cont-init.d/20-second", 0755, "#!/bin/player note\n") ;
  box_file(b, "etc/cont-init.d/30-third", 0755, "#!/bin/player note\n") ;
  box_file(b, "etc/cont-finish.d/10-first", 0755, "#!/bin/player note\n") ;
  box_file(b, "etc/cont-finish.d/20-second", 0755, "#!/bin/player note\n") ;
  service(b, "etc/services.d/plain", "up", 1) ;
  service(b, "etc/services.d/killed", "up", 1) ;
  service(b, "etc/services.d/ready", "ready", 1) ;
  box_file(b, "etc/services.d/ready/notification-fd", 0644, "3\n") ;
  service(b, "etc/services.d/vital", "up", 1) ;
  box_file(b, "etc/services.d/vital/critical", 0644, "") ;
  service(b, "etc/services.d/writer", "writer", 0) ;
  service(b, "etc/services.d/writer/log", "logger", 0) ;
  service(b, RC "db", "ready", 1) ;
  box_file(b, RC "db/type", 0644, "longrun\n") ;
  box_file(b, RC "db/notification-fd", 0644, "3\n") ;
  box_file(b, RC "migrate/type", 0644, "oneshot\n") ;
  box_file(b, RC "migrate/up", 0644, "player once migrate-up\n") ;
  box_file(b, RC "migrate/down", 0644, "player once migrate-down\n") ;
  box_file(b, RC "migrate/dependencies.d/db", 0644, "") ;
  service(b, RC "web", "up", 1) ;
  box_file(b, RC "web/type", 0644, "longrun\n") ;
  box_file(b, RC "web/dependencies.d/migrate", 0644, "") ;
  box_file(b, RC "user/contents.d/web", 0644, "") ;
  box_dir(b, "locks", 0777) ;
  box_dir(b, "pids", 0777) ;
}

world *world_of_hunger (void)
{
  world *w = calloc(1, sizeof *w) ;
  if (!w) broken(0, "out of memory") ;
  w->box = box_new(0) ;
  install_player(w->box) ;
  service(w->box, "etc/services.d/eater", "eat", 1) ;
  box_file(w->box, "etc/services.d/eater/restart", 0644, "never\n") ;
  service(w->box, "etc/services.d/killed", "up", 1) ;
  box_dir(w->box, "sys/fs/cgroup/memory", 0755) ;
  box_dir(w->box, "locks", 0777) ;
  box_dir(w->box, "pids", 0777) ;
  return w ;
}

world *world_of_many (void)
{
  world *w = calloc(1, sizeof *w) ;
  if (!w) broken(0, "out of memory") ;
  w->box = box_new(0) ;
  install_player(w->box) ;
  for (unsigned int i = 0 ; i < 50 ; i++)
  {
    char dir[64], path[80] ;
    snprintf(dir, sizeof dir, "etc/services.d/s%02u", i) ;
    service(w->box, dir, "counted", 0) ;
    snprintf(path, sizeof path, "%s/finish", dir) ;
    box_file(w->box, path, 0755, "#!/bin/player reaped\n") ;
    snprintf(path, sizeof path, "%s/notification-fd", dir) ;
    box_file(w->box, path, 0644, "3\n") ;
  }
  box_dir(w->box, "locks", 0777) ;
  box_dir(w->box, "pids", 0777) ;
  return w ;
}

world *world_new (void)
{
  world *w = calloc(1, sizeof *w) ;
  if (!w) broken(0, "out of memory") ;
  w->box = box_new(0) ;
  scenario(w->box) ;
  return w ;
}

void world_crash (world *w)
{
  box_file(w->box, "bin/last-resort", 0755, "#!/bin/player crash\n") ;
  box_file(w->box, "etc/cont-init.d/05-crash", 0755, "#!/bin/sh\ncp /bin/last-resort /run/service/.s6-svscan/crash\n") ;
}

void world_free (world *w)
{
  box_free(w->box) ;
  free(w) ;
}

/* ---- one run */

/* Deadlines that no run may need: one that does is a hang, and found. */
static char const *const variables[] =
{
  "S6_CMD_WAIT_FOR_SERVICES=1", "S6_SERVICES_GRACETIME=60000", "S6_KILL_GRACETIME=60000",
  "S6_KILL_FINISH_MAXTIME=60000", "NOTIFY_SOCKET=/run/nobody-listens", 0
} ;

/* With the new root as working directory. */
static void enter_cgroup (char const *group)
{
  char path[PATH_MAX] ;
  snprintf(path, sizeof path, "%s/cgroup.procs", group) ;
  if (!openwritenclose_unsafe(path, "0", 1)) die_inside("enter the cgroup") ;
  if (mount(group, "sys/fs/cgroup/memory", 0, MS_BIND, 0) < 0) die_inside("show the cgroup") ;
}

static _Noreturn void life (world const *w, struct plan const *plan, int out)
{
  char const *const plain[] = { "/init", "player", plan->cmd ? plan->cmd : "drive", plan->how, 0 } ;
  char const *const *argv = plan->argv ? plan->argv : plain ;
  int null = open("/dev/null", O_RDONLY) ;
  signals_to_default() ;
  if (null < 0 || setsid() < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0) _exit(111) ;
  if (chdir(w->box->root) < 0) die_inside("enter the root") ;
  if (plan->cgroup) enter_cgroup(plan->cgroup) ;
  mounts_inside(BOX_TMPFS_RUN, 0) ;
  if (plan->harm == HARM_KIND && plan->kind == KIND_SYS) trap_a_call() ;
  if (ptrace(PTRACE_TRACEME, 0, 0, 0) < 0) die_inside("be traced") ;
  exec_inside(argv, variables) ;
}

static char *taken (int fd)
{
  stralloc sa = STRALLOC_ZERO ;
  char buffer[4096] ;
  ssize_t n ;
  while ((n = read(fd, buffer, sizeof buffer)) > 0) add(&sa, buffer, (size_t)n) ;
  add(&sa, "", 0) ;
  return sa.s ;
}

static char *file_taken (world const *w, char const *path)
{
  char full[PATH_MAX] ;
  char *s ;
  int fd ;
  box_path(w->box, full, path) ;
  fd = open(full, O_RDONLY | O_CLOEXEC) ;
  if (fd < 0) broken(w->box, "unable to read %s: %s", full, strerror(errno)) ;
  s = taken(fd) ;
  close(fd) ;
  return s ;
}

static int by_text (void const *a, void const *b)
{
  return strcmp(*(char *const *)a, *(char *const *)b) ;
}

/* Services run side by side: what counts is what happened, and how often. */
static char *sorted (char *text)
{
  size_t size = strlen(text) + 1, n = 0 ;
  char **lines = malloc((size / 2 + 1) * sizeof *lines), *out = malloc(size), *p = text, *line ;
  if (!out || !lines) broken(0, "out of memory") ;
  while ((line = strsep(&p, "\n"))) if (line[0]) lines[n++] = line ;
  qsort(lines, n, sizeof *lines, &by_text) ;
  out[0] = 0 ;
  for (size_t i = 0, at = 0 ; i < n ; i++) at += (size_t)sprintf(out + at, "%s\n", lines[i]) ;
  free(text) ;
  free(lines) ;
  return out ;
}

static int64_t now (void)
{
  struct timespec ts ;
  clock_gettime(CLOCK_MONOTONIC, &ts) ;
  return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec ;
}

void world_run (world *w, struct plan const *plan, struct outcome *o)
{
  char path[PATH_MAX] ;
  int p[2], file ;
  pid_t pid ;
  int64_t start = now() ;
  memset(o, 0, sizeof *o) ;
  box_file(w->box, "record", 0666, "") ;
  box_file(w->box, "log", 0666, "") ;
  /* a storm says more than a pipe holds */
  box_file(w->box, "output", 0666, "") ;
  box_path(w->box, path, "output") ;
  file = open(path, O_WRONLY | O_APPEND | O_CLOEXEC) ;
  if (file < 0 || pipe2(p, O_CLOEXEC) < 0 || ndelay_on(p[0]) < 0) broken(w->box, "unable to make a pipe: %s", strerror(errno)) ;
  pid = (pid_t)syscall(SYS_clone, CLONE_INTO_BOX | SIGCHLD, 0, 0, 0, 0) ;
  if (pid < 0) broken(w->box, "unable to make a PID namespace: %s", strerror(errno)) ;
  if (!pid) life(w, plan, plan->argv ? file : p[1]) ;
  close(p[1]) ;
  close(file) ;
  trace(pid, plan, plan->argv ? GUARD_OF_STORM : GUARD, plan->argv ? -1 : p[0], o) ;
  o->output = plan->argv ? file_taken(w, "output") : taken(p[0]) ;
  close(p[0]) ;
  o->record = sorted(file_taken(w, "record")) ;
  o->log = file_taken(w, "log") ;
  o->ns = now() - start ;
}

void outcome_free (struct outcome *o)
{
  free(o->output) ;
  free(o->record) ;
  free(o->log) ;
}

/* A signal may come twice when a fault comes between kill() and the note that it is done (DESIGN):
   the writer may have written once more for each fault. Cuts those lines out of RECORD, counts them. */
static unsigned int cut_written (char *record)
{
  static char const line[] = "writer wrote\n" ;
  unsigned int n = 0 ;
  for (char *p = record ; (p = strstr(p, line)) ; n++) memmove(p, p + sizeof line - 1, strlen(p + sizeof line - 1) + 1) ;
  return n ;
}

/* "line 1" to "line N", each once and in order. */
static int log_is_whole (char const *log, unsigned int n)
{
  for (unsigned int i = 1 ; i <= n ; i++)
  {
    char line[32] ;
    size_t len = (size_t)snprintf(line, sizeof line, "line %u\n", i) ;
    if (strncmp(log, line, len)) return 0 ;
    log += len ;
  }
  return !log[0] ;
}

static char const *compare (struct outcome const *o, struct outcome const *reference, char *buffer, size_t size)
{
  char *a = strdup(o->record), *b = strdup(reference->record) ;
  char const *why = 0 ;
  unsigned int n, wanted ;
  if (!a || !b) broken(0, "out of memory") ;
  n = cut_written(a) ;
  wanted = cut_written(b) ;
  if (n < wanted || n > wanted + (unsigned int)o->harmed || strcmp(a, b))
    why = (snprintf(buffer, size, "another record; what should be:\n%s", reference->record), buffer) ;
  else if (!log_is_whole(o->log, n + 1)) why = (snprintf(buffer, size, "the logger got: %s", o->log), buffer) ;
  free(a) ;
  free(b) ;
  return why ;
}

char const *differs (struct outcome const *o, struct outcome const *reference, char *buffer, size_t size)
{
  int excused = strstr(o->output, "is given up") != 0 ;
  if (strstr(o->record, "DOUBLED")) return "a second copy of a service ran" ;
  if (o->hung) return "it hung" ;
  /* the harness asked for the stop: any code will do */
  if (excused) return WIFEXITED(o->status) ? 0 : "PID 1 was killed" ;
  if (o->status != reference->status)
    return snprintf(buffer, size, "wait status %d instead of %d", o->status, reference->status), buffer ;
  return compare(o, reference, buffer, size) ;
}
