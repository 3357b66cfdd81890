/* ISC license. See harness.h: namespaces, mounts, and a process before its exec in the box. */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <skalibs/djbunix.h>

#include "box.h"

static int user_ns ;   /* we are root of a user namespace only */

int one_user_only (void)
{
  return user_ns ;
}

/* Once in each test's process: mounts of our own, if need be as root of a user namespace. */
void own_mounts (void)
{
  static int done ;
  uid_t uid = getuid() ;
  gid_t gid = getgid() ;
  if (done) return ;
  if (unshare(CLONE_NEWNS) < 0)
  {
    char map[64] ;
    if (unshare(CLONE_NEWNS | CLONE_NEWUSER) < 0) broken(0, "unable to make a user namespace: %s", strerror(errno)) ;
    if (!openwritenclose_unsafe("/proc/self/setgroups", "deny", 4)
     || !openwritenclose_unsafe("/proc/self/uid_map", map, (size_t)sprintf(map, "0 %u 1", uid))
     || !openwritenclose_unsafe("/proc/self/gid_map", map, (size_t)sprintf(map, "0 %u 1", gid)))
      broken(0, "unable to become root of a user namespace: %s", strerror(errno)) ;
    user_ns = 1 ;
  }
  if (mount(0, "/", 0, MS_REC | MS_PRIVATE, 0) < 0) broken(0, "unable to make mounts private: %s", strerror(errno)) ;
  if (mkdir(BOXES, 0755) < 0 && errno != EEXIST) broken(0, "unable to make %s: %s", BOXES, strerror(errno)) ;
  if (mount("boxes", BOXES, "tmpfs", 0, 0) < 0) broken(0, "unable to mount a tmpfs: %s", strerror(errno)) ;
  done = 1 ;
}

_Noreturn void die_inside (char const *what)
{
  dprintf(2, "box: fatal: unable to %s: %s\n", what, strerror(errno)) ;
  _exit(111) ;
}

static void mount_inside (char const *source, char const *target, char const *type, unsigned long flags)
{
  if (mount(source, target, type, flags, 0) < 0) die_inside(target) ;
}

/* Runs in the new namespaces, with the box's root as its working directory. */
void mounts_inside (unsigned int flags, char const *console)
{
  static char const *const devices[] = { "null", "zero", "full", "random", "urandom", "tty" } ;
  char from[32], to[32] ;
  for (size_t i = 0 ; i < sizeof devices / sizeof *devices ; i++)
  {
    snprintf(from, sizeof from, "/dev/%s", devices[i]) ;
    snprintf(to, sizeof to, "dev/%s", devices[i]) ;
    mount_inside(from, to, 0, MS_BIND) ;
  }
  if (console) mount_inside(console, "dev/console", 0, MS_BIND) ;
  if (!(flags & BOX_NO_PROC)) mount_inside("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC) ;
  if (flags & (BOX_TMPFS_RUN | BOX_NOEXEC_RUN)) mount_inside("run", "run", "tmpfs", flags & BOX_NOEXEC_RUN ? MS_NOEXEC : 0) ;
  if (syscall(SYS_pivot_root, ".", ".") < 0) die_inside("pivot_root") ;
  if (umount2(".", MNT_DETACH) < 0) die_inside("let go of the old root") ;
  if (chdir("/") < 0) die_inside("chdir to /") ;
  if (flags & BOX_READ_ONLY && mount(0, "/", 0, MS_REMOUNT | MS_BIND | MS_RDONLY, 0) < 0) die_inside("make the root read-only") ;
}

void become (uid_t uid, gid_t gid)
{
  if (!uid && !gid) return ;
  if (setgroups(0, 0) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
    die_inside("become another user") ;
}

void signals_to_default (void)
{
  sigset_t none ;
  for (int sig = 1 ; sig < 65 ; sig++)
    if (sig != SIGKILL && sig != SIGSTOP) signal(sig, SIG_DFL) ;
  sigemptyset(&none) ;
  sigprocmask(SIG_SETMASK, &none, 0) ;
  alarm(0) ;
}

_Noreturn void exec_inside (char const *const *argv, char const *const *env)
{
  static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" ;
  char *envp[64] = { path } ;
  size_t n = 1 ;
  for (; env && *env && n < 63 ; env++) envp[n++] = (char *)*env ;
  if (n == 63) die_inside("hold so large an environment") ;
  envp[n] = 0 ;
  environ = envp ;
  /* where a test refuses this call, it has closed them itself */
  if (close_range(3, ~0U, 0) < 0 && errno != ENOSYS) die_inside("close descriptors") ;
  execvp(argv[0], (char *const *)argv) ;
  die_inside(argv[0]) ;
}
