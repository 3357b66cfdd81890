/* ISC license. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <time.h>
#include <unistd.h>

#include <skalibs/djbunix.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "bench.h"

#define PAGE 4096u

/* ---------------------------------------------------------------- one process, through /proc */

static int read_proc (pid_t pid, char const *what, char *buf, size_t max)
{
  char path[352] ;
  ssize_t r ;
  snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, what) ;
  r = openreadnclose(path, buf, max - 1) ;
  if (r < 0) return 0 ;
  buf[r] = 0 ;
  return 1 ;
}

static uint64_t field (char const *text, char const *name)
{
  char const *p = strstr(text, name) ;
  return p ? strtoull(p + strlen(name), 0, 10) : 0 ;
}

static int stat_proc (pid_t pid, char const *what, struct stat *st)
{
  char path[64] ;
  snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, what) ;
  return !stat(path, st) ;
}

static void add_cpu (struct census *n, pid_t pid)
{
  clockid_t clock ;
  struct timespec ts ;
  if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &ts) < 0) return ;
  n->cpu += (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec ;
}

static void add_threads (struct census *n, pid_t pid)
{
  char dir[64], text[4096] ;
  struct dirent *d ;
  DIR *tasks ;
  snprintf(dir, sizeof dir, "/proc/%d/task", (int)pid) ;
  tasks = opendir(dir) ;
  if (!tasks) return ;
  while ((d = readdir(tasks)))
  {
    char what[300] ;
    if (*d->d_name == '.') continue ;
    snprintf(what, sizeof what, "task/%s/status", d->d_name) ;
    if (!read_proc(pid, what, text, sizeof text)) continue ;
    n->threads++ ;
    n->switches += field(text, "\nvoluntary_ctxt_switches:") + field(text, "\nnonvoluntary_ctxt_switches:") ;
  }
  closedir(tasks) ;
}

static void add_memory (struct census *n, pid_t pid)
{
  char text[4096] ;
  if (read_proc(pid, "status", text, sizeof text)) n->page_tables += field(text, "\nVmPTE:") * 1024 ;
  if (read_proc(pid, "smaps_rollup", text, sizeof text)) n->anonymous += field(text, "\nAnonymous:") * 1024 ;
}

static void add_process (struct container const *c, struct census *n, pid_t pid)
{
  struct stat st ;
  char text[512] ;
  if (read_proc(pid, "stat", text, sizeof text) && strstr(text, ") Z ")) return ;
  if (stat_proc(pid, "exe", &st) && (uint64_t)st.st_size == c->service_size)
  {
    n->services++ ;
    n->victim = pid ;
    return ;
  }
  n->processes++ ;
  add_cpu(n, pid) ;
  add_threads(n, pid) ;
  add_memory(n, pid) ;
}

/* ---------------------------------------------------------------- tmpfs */

static void add_tmpfs (struct container const *c, struct census *n)
{
  char path[64] ;
  struct statfs fs ;
  struct stat root, run ;
  snprintf(path, sizeof path, "/proc/%d/root/", (int)c->pid) ;
  if (statfs(path, &fs) < 0) return ;
  n->tmpfs_inodes = (uint64_t)(fs.f_files - fs.f_ffree) - c->stamp->tmpfs_inodes ;
  n->tmpfs_bytes = ((uint64_t)(fs.f_blocks - fs.f_bfree) - c->stamp->tmpfs_blocks) * PAGE ;
  if (!stat_proc(c->pid, "root/", &root) || !stat_proc(c->pid, "root/run/", &run) || root.st_dev == run.st_dev) return ;
  snprintf(path, sizeof path, "/proc/%d/root/run/", (int)c->pid) ;
  if (statfs(path, &fs) < 0) return ;
  n->tmpfs_inodes += (uint64_t)(fs.f_files - fs.f_ffree) ;
  n->tmpfs_bytes += (uint64_t)(fs.f_blocks - fs.f_bfree) * PAGE ;
}

static uint64_t slab_object_size (char const *text, char const *name)
{
  size_t len = strlen(name) ;
  for (char const *p = text ; (p = strstr(p, name)) ; p += len)
    if (p > text && p[-1] == '\n' && p[len] == ' ')
    {
      unsigned long active, total, size ;
      if (sscanf(p + len, "%lu %lu %lu", &active, &total, &size) == 3) return size ;
    }
  return 0 ;
}

uint64_t tmpfs_inode_cost (void)
{
  static char text[65536] ;
  uint64_t inode = 0, dentry = 0 ;
  ssize_t r = openreadnclose("/proc/slabinfo", text, sizeof text - 1) ;
  if (r > 0)
  {
    text[r] = 0 ;
    inode = slab_object_size(text, "shmem_inode_cache") ;
    dentry = slab_object_size(text, "dentry") ;
  }
  return (inode ? inode : 752) + (dentry ? dentry : 192) ; /* else what Linux 6 on x86-64 has */
}

/* ---------------------------------------------------------------- census */

void census_take (struct container const *c, struct census *n)
{
  struct stat home, st ;
  struct dirent *d ;
  DIR *proc = opendir("/proc") ;
  memset(n, 0, sizeof *n) ;
  if (!proc || !stat_proc(c->pid, "ns/pid", &home)) strerr_diefu1sys(111, "read /proc") ;
  while ((d = readdir(proc)))
  {
    unsigned int pid ;
    if (uint0_scan(d->d_name, &pid) && stat_proc((pid_t)pid, "ns/pid", &st) && st.st_ino == home.st_ino)
      add_process(c, n, (pid_t)pid) ;
  }
  closedir(proc) ;
  add_tmpfs(c, n) ;
}

/* ---------------------------------------------------------------- memory cgroup, version 1 or 2 */

struct controller
{
  int version ; /* 0: none */
  char path[128] ;
} ;

static int has_memory (char const *root)
{
  char path[160], text[512] ;
  ssize_t r ;
  snprintf(path, sizeof path, "%s/cgroup.subtree_control", root) ;
  r = openreadnclose(path, text, sizeof text - 1) ;
  if (r <= 0) return 0 ;
  text[r] = 0 ;
  return !!strstr(text, "memory") ;
}

static void find_controller (struct controller *c)
{
  struct mntent *m ;
  FILE *f = setmntent("/proc/self/mounts", "r") ;
  if (!f) return ;
  while (!c->version && (m = getmntent(f)))
  {
    if (!strcmp(m->mnt_type, "cgroup") && hasmntopt(m, "memory")) c->version = 1 ;
    else if (!strcmp(m->mnt_type, "cgroup2") && has_memory(m->mnt_dir)) c->version = 2 ;
    if (c->version) snprintf(c->path, sizeof c->path, "%s", m->mnt_dir) ;
  }
  endmntent(f) ;
}

static struct controller const *controller (void)
{
  static struct controller c ;
  static int looked ;
  if (!looked) find_controller(&c) ;
  looked = 1 ;
  return &c ;
}

void cgroup_sweep (void)
{
  struct dirent *d ;
  DIR *dir = controller()->version ? opendir(controller()->path) : 0 ;
  if (!dir) return ;
  while ((d = readdir(dir)))
  {
    int pid, serial ;
    if (sscanf(d->d_name, "keelson-bench-%d-%d", &pid, &serial) == 2 && kill(pid, 0) < 0) unlinkat(dirfd(dir), d->d_name, AT_REMOVEDIR) ;
  }
  closedir(dir) ;
}

int cgroup_make (char *path, size_t max)
{
  static unsigned int serial ;
  if (!controller()->version) return 0 ;
  snprintf(path, max, "%s/keelson-bench-%d-%u", controller()->path, (int)getpid(), serial++) ;
  if (mkdir(path, 0755) == 0) return 1 ;
  strerr_warnwu2sys("make ", path) ;
  *path = 0 ;
  return 0 ;
}

void cgroup_join (char const *path, pid_t pid)
{
  char file[300], number[UINT_FMT] ;
  snprintf(file, sizeof file, "%s/cgroup.procs", path) ;
  if (!openwritenclose_unsafe(file, number, uint_fmt(number, (unsigned int)pid))) strerr_diefu2sys(111, "write ", file) ;
}

void cgroup_remove (char const *path)
{
  if (rmdir(path) < 0) strerr_warnwu2sys("remove ", path) ;
}

static uint64_t read_cgroup (char const *path, char const *file, char const *name)
{
  char text[8192], full[300] ;
  ssize_t r ;
  snprintf(full, sizeof full, "%s/%s", path, file) ;
  *text = '\n' ;
  r = openreadnclose(full, text + 1, sizeof text - 2) ;
  if (r <= 0) strerr_diefu2sys(111, "read ", full) ;
  text[r + 1] = 0 ;
  return field(text, name) ;
}

int cgroup_memory (char const *path, struct memory *m)
{
  if (!*path) return 0 ;
  m->shmem = read_cgroup(path, "memory.stat", "\nshmem ") ;
  if (controller()->version == 1)
  {
    m->anonymous = read_cgroup(path, "memory.stat", "\nrss ") ;
    m->kernel = read_cgroup(path, "memory.kmem.usage_in_bytes", "\n") ;
  }
  else
  {
    m->anonymous = read_cgroup(path, "memory.stat", "\nanon ") ;
    m->kernel = read_cgroup(path, "memory.stat", "\nkernel ") ;
  }
  return 1 ;
}
