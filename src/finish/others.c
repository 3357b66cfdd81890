/* ISC license. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/syscall.h>

#include <skalibs/genalloc.h>
#include <skalibs/types.h>

#include "finish.h"
#include "names.h"
#include "ledger.h"

struct process { pid_t pid, parent ; int ours ; } ;

/* The parent's pid: field 4 of /proc/PID/stat, after the name, which may hold anything. */
static pid_t parent_of (int procfd, char const *pid)
{
  char path[32], stat[512], *p ;
  unsigned int parent ;
  int fd ;
  ssize_t n ;
  strcpy(path, pid) ;
  strcat(path, "/stat") ;
  fd = openat(procfd, path, O_RDONLY | O_CLOEXEC) ;
  if (fd < 0) return -1 ;
  n = read(fd, stat, sizeof stat - 1) ;
  close(fd) ;
  if (n <= 0) return -1 ;
  stat[n] = 0 ;
  p = strrchr(stat, ')') ;
  return p && strlen(p) > 4 && uint_scan(p + 4, &parent) ? (pid_t)parent : -1 ;
}

static int read_processes (genalloc *list)
{
  int proc = openat(AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC) ;
  struct dents d ;
  char const *name ;
  if (proc < 0) return -1 ;
  dents_start(&d, proc) ;
  while ((name = dents_next(&d)))
  {
    struct process p = { .ours = 0 } ;
    unsigned int pid ;
    if (strlen(name) > 10 || !uint0_scan(name, &pid)) continue ;
    p.pid = (pid_t)pid ;
    p.parent = parent_of(proc, name) ;
    if (p.parent >= 0 && !genalloc_append(struct process, list, &p)) break ;
  }
  close(proc) ;
  return 0 ;
}

/* Marks descendants generation by generation. */
static void mark_descendants (struct process *p, size_t n)
{
  int more = 1 ;
  pid_t self = getpid() ;
  while (more)
  {
    more = 0 ;
    for (size_t i = 0 ; i < n ; i++)
    {
      if (p[i].ours) continue ;
      if (p[i].parent == self) p[i].ours = more = 1 ;
      for (size_t k = 0 ; k < n && !p[i].ours ; k++)
        if (p[k].ours && p[k].pid == p[i].parent) p[i].ours = more = 1 ;
    }
  }
}

static int open_pid (pid_t pid)
{
  return (int)syscall(SYS_pidfd_open, pid, 0) ;
}

/* FD: of process P, or -1 on a kernel that has no such descriptors. */
static void send_signal (struct process const *p, int fd, int sig)
{
  if (fd < 0 || (syscall(SYS_pidfd_send_signal, fd, sig, 0, 0) < 0 && errno == ENOSYS)) kill(p->pid, sig) ;
}

/* A pidfd is taken first and the parent looked at again: a pid that was reused in between is
   somebody else's process. Without pidfds a child of ours is safe to signal all the same, as
   nobody else reaps it; of others there remains the moment between the look and the signal. */
static void signal_held (struct process const *p, int sig)
{
  char name[16] ;
  int fd = open_pid(p->pid), proc ;
  if (fd < 0 && errno != ENOSYS) return ;
  number_text(name, p->pid) ;
  proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC) ;
  if (proc >= 0 && parent_of(proc, name) == p->parent) send_signal(p, fd, sig) ;
  if (proc >= 0) close(proc) ;
  if (fd >= 0) close(fd) ;
}

static void signal_descendants (int sig)
{
  genalloc list = GENALLOC_ZERO ;
  struct process *p ;
  size_t n ;
  if (read_processes(&list) < 0)
  {
    say(SAY_WARNING, "/proc is not mounted: what the services have left behind cannot be told from strangers and is left alone") ;
    return ;
  }
  p = genalloc_s(struct process, &list) ;
  n = genalloc_len(struct process, &list) ;
  mark_descendants(p, n) ;
  for (size_t i = 0 ; i < n ; i++) if (p[i].ours) signal_held(p + i, sig) ;
  genalloc_free(struct process, &list) ;
}

void others_signal (int sig)
{
  if (ledger->pid == 1) kill(-1, sig) ;
  else signal_descendants(sig) ;
}

/* Without pidfds their end cannot be seen but by looking again and again. */
static void say_unheld (void)
{
  static int said ;
  if (!said++) say(SAY_WARNING, "this kernel has no pidfd_open: what was exec'ed into the container is told of the end and not waited for") ;
}

unsigned int others_strangers (void (*watch) (int pidfd))
{
  genalloc list = GENALLOC_ZERO ;
  unsigned int found = 0 ;
  struct process *p ;
  if (ledger->pid != 1 || read_processes(&list) < 0) return 0 ;
  p = genalloc_s(struct process, &list) ;
  for (size_t i = 0 ; i < genalloc_len(struct process, &list) ; i++)
  {
    int fd ;
    if (p[i].parent || p[i].pid == 1) continue ;
    fd = open_pid(p[i].pid) ;
    if (fd < 0 && errno == ENOSYS) say_unheld() ;
    if (fd < 0) continue ;
    (*watch)(fd) ;
    found++ ;
  }
  genalloc_free(struct process, &list) ;
  return found ;
}
