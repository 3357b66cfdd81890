/* ISC license. */

/*
   bare VERB NAME [ARG…]: the smallest container runtime: namespaces and nothing else. It speaks
   the language that tests/runtime/driver.h describes.
*/

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <stddef.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include "../container/box.h"

/* What tests/container's inside.c asks for. */
void broken (box const *b, char const *format, ...)
{
  va_list args ;
  (void)b ;
  va_start(args, format) ;
  fprintf(stderr, "bare: fatal: ") ;
  vfprintf(stderr, format, args) ;
  fprintf(stderr, "\n") ;
  exit(111) ;
}

static char const *cell (char const *name)
{
  char const *value = getenv(name) ;
  return value ? value : "" ;
}

static int is_on (char const *name)
{
  return !strcmp(cell(name), "1") ;
}

static void die (char const *what)
{
  broken(0, "unable to %s: %s", what, strerror(errno)) ;
}

/* ---- CELL_DIR/NAME.pid */

static void pid_path (char *path, char const *name)
{
  if (snprintf(path, PATH_MAX, "%s/%s.pid", cell("CELL_DIR"), name) >= PATH_MAX) broken(0, "path too long") ;
}

static void write_pid (char const *name, pid_t pid)
{
  char path[PATH_MAX] ;
  pid_path(path, name) ;
  FILE *f = fopen(path, "w") ;
  if (!f || fprintf(f, "%d\n", (int)pid) < 0 || fclose(f)) die("write the pid") ;
}

static pid_t read_pid (char const *name)
{
  char path[PATH_MAX] ;
  int pid ;
  pid_path(path, name) ;
  FILE *f = fopen(path, "r") ;
  if (!f || fscanf(f, "%d", &pid) < 1) broken(0, "no container is called %s", name) ;
  fclose(f) ;
  return (pid_t)pid ;
}

static void join (char const *name, int namespaces)
{
  pid_t pid = read_pid(name) ;
  int fd = (int)syscall(SYS_pidfd_open, pid, 0) ;
  if (fd < 0 || setns(fd, namespaces) < 0) die("enter the namespaces") ;
  close(fd) ;
}

/* ---- the container's own side */

/* ---- kernels that know less: old ones, and those that gVisor and qemu emulate */

#define ANY 0xffffffffu

/* Refuses call NR with ERROR where its argument ARG, masked with MASK, is VALUE. */
struct refusal { char const *name ; int nr ; unsigned int arg, mask, value ; int error ; } ;

static struct refusal const refusals[] =
{
  { "clone3", SYS_clone3, 0, 0, 0, ENOSYS },
  { "close_range", SYS_close_range, 0, 0, 0, ENOSYS },
  { "execveat", SYS_execveat, 0, 0, 0, ENOSYS },
  { "memfd", SYS_memfd_create, 0, 0, 0, ENOSYS },
  { "memfd-flag", SYS_memfd_create, 1, 8, 8, EINVAL },
  { "pidfd", SYS_pidfd_open, 0, 0, 0, ENOSYS },
  { "pidfd", SYS_pidfd_send_signal, 0, 0, 0, ENOSYS },
  { "fallocate", SYS_fallocate, 0, 0, 0, EOPNOTSUPP },
  { "statx", SYS_statx, 0, 0, 0, ENOSYS },
  { "faccessat2", SYS_faccessat2, 0, 0, 0, ENOSYS },
  { "ofd-locks", SYS_fcntl, 1, ANY, F_OFD_SETLK, EINVAL },
  { "ofd-locks", SYS_fcntl, 1, ANY, F_OFD_SETLKW, EINVAL },
  /* processes and threads, and nothing between them */
  { "clone-memory", SYS_clone, 0, CLONE_VM | CLONE_VFORK | CLONE_THREAD, CLONE_VM, EINVAL },
  { "clone-files", SYS_clone, 0, CLONE_VM | CLONE_FILES, CLONE_FILES, EINVAL },
  { "subreaper", SYS_prctl, 0, ANY, PR_SET_CHILD_SUBREAPER, EINVAL }
} ;

/* "all" is all but the subreaper, without which less can be had. */
static int is_refused (char const *name)
{
  char const *asked = cell("CELL_REFUSE") ;
  return strcmp(asked, "all") ? !strcmp(asked, name) : !!strcmp(name, "subreaper") ;
}

/* Little-endian: the low word of an argument comes first. */
static void refuse (void)
{
  struct sock_filter code[6 * sizeof refusals / sizeof *refusals + 1] ;
  unsigned short n = 0 ;
  if (!cell("CELL_REFUSE")[0]) return ;
  for (size_t i = 0 ; i < sizeof refusals / sizeof *refusals ; i++)
  {
    struct refusal const *r = refusals + i ;
    if (!is_refused(r->name)) continue ;
    code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)) ;
    code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned int)r->nr, 0, 4) ;
    code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0]) + 8 * r->arg) ;
    code[n++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, r->mask) ;
    code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, r->value, 0, 1) ;
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned int)r->error) ;
  }
  if (close_range(3, ~0U, 0) < 0) die("close descriptors") ;
  if (!n) broken(0, "no refusal is called %s", cell("CELL_REFUSE")) ;
  code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW) ;
  struct sock_fprog const filter = { .len = n, .filter = code } ;
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) < 0) die("refuse system calls") ;
}

/* No capability, none to be had again, and no program that could bring one. */
static void renounce (void)
{
  struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 } ;
  struct __user_cap_data_struct none[2] ;
  memset(none, 0, sizeof none) ;
  for (int c = 0 ; c < 64 ; c++) prctl(PR_CAPBSET_DROP, c, 0, 0, 0) ;
  become((uid_t)atol(cell("CELL_UID")), (gid_t)atol(cell("CELL_GID"))) ;
  if (syscall(SYS_capset, &header, none) < 0) die("drop capabilities") ;
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) die("set no-new-privileges") ;
  refuse() ;
}

static void bind_dir (char const *from, char const *to)
{
  char path[PATH_MAX] ;
  snprintf(path, sizeof path, "%s/%s", cell("CELL_DIR"), from) ;
  if (mount(path, to, 0, MS_BIND | MS_REC, 0) < 0) die(to) ;
}

static char const *const *environment (void)
{
  static char const *env[8] ;
  static char word[256], more[512] ;
  char *p = more ;
  size_t n = 0 ;
  snprintf(word, sizeof word, "CELL_WORD=%s", cell("CELL_WORD")) ;
  snprintf(more, sizeof more, "%s", cell("CELL_ENV")) ;
  env[n++] = word ;
  while (n < 7 && (env[n] = strsep(&p, " "))) if (env[n][0]) n++ ;
  env[n] = 0 ;
  return env ;
}

static _Noreturn void program (char const *const *argv)
{
  renounce() ;
  signals_to_default() ;
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) die("ask for our parent's death signal") ;
  exec_inside(argv, environment()) ;
}

static void mounts (void)
{
  if (mount(0, "/", 0, MS_REC | MS_PRIVATE, 0) < 0 || chdir(cell("CELL_ROOT")) < 0) die("enter the root") ;
  if (mount("shm", "dev/shm", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=1777") < 0) die("mount /dev/shm") ;
  bind_dir("io", "cell") ;
  if (strcmp(cell("CELL_RUN"), "missing")) bind_dir("run", "run") ;
  /* pivot_root wants the new root to be a mount of this namespace */
  if (mount(".", ".", 0, MS_BIND | MS_REC, 0) < 0 || chdir(cell("CELL_ROOT")) < 0) die("bind the root") ;
  mounts_inside(is_on("CELL_READ_ONLY") ? BOX_READ_ONLY : 0, 0) ;
}

/* `--init`: our own tini becomes PID 1. */
static char const *const *with_init (char const *const *argv)
{
  static char const *words[BOX_WORDS + 2] = { "/fixtures/tini", "--" } ;
  size_t n = 0 ;
  if (!is_on("CELL_INIT")) return argv ;
  while (n < BOX_WORDS - 1 && (words[n + 2] = argv[n])) n++ ;
  return words ;
}

/* ---- verbs */

static int code_of (pid_t pid)
{
  int status ;
  while (waitpid(pid, &status, 0) < 0) if (errno != EINTR) die("wait") ;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status) ;
}

/* The container begins when its pid is written down: others ask for it as soon as it speaks. */
static int verb_run (char const *name, char const *const *argv)
{
  int go[2], joined = !!cell("CELL_JOIN")[0] ;
  char c = 0 ;
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || pipe2(go, O_CLOEXEC) < 0) die("begin") ;
  if (joined) join(cell("CELL_JOIN"), CLONE_NEWPID) ;
  pid_t pid = (pid_t)syscall(SYS_clone, CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | (joined ? 0 : CLONE_NEWPID) | SIGCHLD, 0, 0, 0, 0) ;
  if (pid < 0) die("make namespaces") ;
  if (!pid)
  {
    if (read(go[0], &c, 1) < 1 || setsid() < 0) _exit(111) ;
    mounts() ;
    program(with_init(argv)) ;
  }
  write_pid(name, pid) ;
  if (write(go[1], &c, 1) < 1) die("begin") ;
  return code_of(pid) ;
}

static int verb_exec (char const *name, char const *const *argv)
{
  join(name, CLONE_INTO_BOX) ;
  pid_t pid = fork() ;
  if (pid < 0) die("fork") ;
  if (!pid) program(argv) ;
  return code_of(pid) ;
}

static int verb_stop (char const *name, char const *const *argv)
{
  (void)argv ;
  if (kill(read_pid(name), SIGTERM) < 0) die("stop") ;
  return 0 ;
}

static int verb_clean (char const *name, char const *const *argv)
{
  (void)name, (void)argv ;
  return 0 ;
}

static struct { char const *name ; int (*run) (char const *, char const *const *) ; } const verbs[] =
{
  { "run", &verb_run }, { "exec", &verb_exec }, { "stop", &verb_stop }, { "clean", &verb_clean }
} ;

int main (int argc, char const *const *argv)
{
  for (size_t i = 0 ; argc > 2 && i < sizeof verbs / sizeof *verbs ; i++)
    if (!strcmp(argv[1], verbs[i].name)) return (*verbs[i].run)(argv[2], argv + 3) ;
  broken(0, "usage: see tests/runtime/driver.h") ;
}
