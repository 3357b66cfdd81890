/* ISC license. See harness.h: other processes in the box. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <skalibs/djbunix.h>

#include "box.h"

static _Noreturn void guest (char const *const *argv, int out)
{
  int null = open("/dev/null", O_RDONLY) ;
  if (null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0) _exit(111) ;
  signals_to_default() ;
  setsid() ;
  exec_inside(argv, 0) ;
}

/* Starts a process in the box. OURS: it is our child, for us to wait for; otherwise a process
   outside stays to do it: PID 1's end would wait for whoever nobody waits for. */
static pid_t enter (box *b, char const *const *argv, int out, int ours)
{
  int p[2] ;
  pid_t inner, pid ;
  if (pipe2(p, O_CLOEXEC) < 0) broken(b, "unable to make a pipe: %s", strerror(errno)) ;
  pid = fork() ;
  if (pid < 0) broken(b, "unable to fork: %s", strerror(errno)) ;
  if (!pid)
  {
    if (setns(b->pidfd, CLONE_INTO_BOX) < 0) die_inside("enter the box") ;
    inner = (pid_t)syscall(SYS_clone, (ours ? CLONE_PARENT : 0) | SIGCHLD, 0, 0, 0, 0) ;
    if (!inner) guest(argv, out) ;
    if (inner < 0 || write(p[1], &inner, sizeof inner) < (ssize_t)sizeof inner) _exit(111) ;
    if (!ours) waitpid(inner, 0, 0) ;
    _exit(0) ;
  }
  close(p[1]) ;
  if (read(p[0], &inner, sizeof inner) < (ssize_t)sizeof inner) broken(b, "unable to enter the box for %s", argv[0]) ;
  close(p[0]) ;
  if (ours) waitpid(pid, 0, 0) ;
  return inner ;
}

static struct box_result exec_words (box *b, char const *const *argv)
{
  struct box_result result ;
  int p[2] ;
  if (pipe2(p, O_CLOEXEC) < 0) broken(b, "unable to make a pipe: %s", strerror(errno)) ;
  pid_t pid = enter(b, argv, p[1], 1) ;
  close(p[1]) ;
  b->answer.len = 0 ;
  if (!slurp(&b->answer, p[0])) broken(b, "unable to read what %s says: %s", argv[0], strerror(errno)) ;
  close(p[0]) ;
  add(&b->answer, "", 0) ;
  while (waitpid(pid, &result.status, 0) < 0)
    if (errno != EINTR) broken(b, "unable to wait for %s: %s", argv[0], strerror(errno)) ;
  result.output = b->answer.s ;
  return result ;
}

struct box_result box_exec (box *b, char const *prog, ...)
{
  char const *argv[BOX_WORDS] ;
  va_list args ;
  va_start(args, prog) ;
  box_words(argv, prog, args) ;
  va_end(args) ;
  return exec_words(b, argv) ;
}

struct box_result box_sh (box *b, char const *script)
{
  return box_exec(b, "sh", "-c", script, (char *)0) ;
}

pid_t box_sh_start (box *b, char const *script)
{
  char const *const argv[] = { "sh", "-c", script, 0 } ;
  int null = open("/dev/null", O_WRONLY | O_CLOEXEC) ;
  pid_t pid = enter(b, argv, null, 0) ;
  close(null) ;
  return pid ;
}

char const *box_ask (box *b, char const *script)
{
  struct box_result r = box_sh(b, script) ;
  if (exited(r.status)) broken(b, "%s: exit code %d: %s", script, exited(r.status), r.output) ;
  return r.output ;
}

pid_t box_pid (box const *b)
{
  return b->pid ;
}

static int same_ns (char const *pid, char const *ns)
{
  char path[64], link[64] ;
  snprintf(path, sizeof path, "/proc/%.20s/ns/pid", pid) ;
  ssize_t len = readlink(path, link, sizeof link - 1) ;
  if (len < 0) return 0 ;
  link[len] = 0 ;
  return !strcmp(link, ns) ;
}

unsigned int box_processes (box const *b)
{
  unsigned int n = 0 ;
  char path[64], ns[64] ;
  snprintf(path, sizeof path, "/proc/%d/ns/pid", (int)b->pid) ;
  ssize_t len = readlink(path, ns, sizeof ns - 1) ;
  DIR *dir = opendir("/proc") ;
  if (len < 0 || !dir) broken(b, "unable to read /proc: %s", strerror(errno)) ;
  ns[len] = 0 ;
  for (struct dirent *d ; (d = readdir(dir)) ;)
    if (d->d_name[0] >= '1' && d->d_name[0] <= '9') n += (unsigned int)same_ns(d->d_name, ns) ;
  closedir(dir) ;
  return n ;
}
