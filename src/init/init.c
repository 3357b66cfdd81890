/* ISC license. */

/*
   Stage 1, the container's entry point: /init CMD ARGS…

   It makes the ledger first, so that a fault from then on starts it again; then the run
   directory, the container environment and the directories; then it becomes svscan, as svscan will
   become finish: main() goes on as that program of our binary (exec_become), with nothing but the
   ledger and argv, as after an exec. A fault walks the same way by a real one.
*/

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <skalibs/env.h>
#include <skalibs/posixplz.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "init.h"
#include "ledger.h"

#define DEFAULT_PATH "/command:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define MARK "/keelson.run.d"

static void die (char const *what)
{
  say_sys(SAY_FATAL, errno, "unable to ", what) ;
  _exit(EXIT_SYSTEM) ;
}

/* ---- argv: "init --resume FD -- CMD…" for a fault, "svscan --resume FD SCANDIR -- CMD…" next */

struct argvs { char const **again ; char const **next ; } ;

/* S6_CMD_ARG0 is one word that goes before the CMD: a former ENTRYPOINT. */
static char const **make_argv (char const *const *cmd, size_t n, int with_arg0)
{
  char const *arg0 = with_arg0 ? getenv("S6_CMD_ARG0") : 0 ;
  char const **v = calloc(n + 7, sizeof *v) ;
  size_t at = 4 ;
  if (!v) die("allocate memory") ;
  v[1] = "--resume" ;
  if (n || (arg0 && arg0[0])) v[at++] = "--" ;
  if (arg0 && arg0[0]) v[at++] = arg0 ;
  memcpy(v + at, cmd, n * sizeof *v) ;
  return v ;
}

static void make_argvs (struct argvs *a, char const *const *cmd, size_t n)
{
  a->again = make_argv(cmd, n, 0) ;
  a->again[0] = "init" ;
  a->again[3] = "/" ;
  a->next = make_argv(cmd, n, 1) ;
  a->next[0] = "svscan" ;
}

/* ---- environment */

static int has_directory (char const *path, char const *dir)
{
  size_t n = strlen(dir) ;
  for (;;)
  {
    size_t len = strcspn(path, ":") ;
    if (len == n && !strncmp(path, dir, n)) return 1 ;
    if (!path[len]) return 0 ;
    path += len + 1 ;
  }
}

/* /command in front, /usr/bin and /bin behind, where they are missing. */
static void complete_path (void)
{
  char const *path = getenv("PATH") ;
  char *s ;
  if (!path || !path[0])
  {
    if (setenv("PATH", DEFAULT_PATH, 1) < 0) die("set PATH") ;
    return ;
  }
  s = malloc(strlen(path) + sizeof "/command::/usr/bin:/bin") ;
  if (!s) die("allocate memory") ;
  s[0] = 0 ;
  if (!has_directory(path, "/command")) strcat(s, "/command:") ;
  strcat(s, path) ;
  if (!has_directory(path, "/usr/bin")) strcat(s, ":/usr/bin") ;
  if (!has_directory(path, "/bin")) strcat(s, ":/bin") ;
  if (setenv("PATH", s, 1) < 0) die("set PATH") ;
  free(s) ;
}

static void environment (void)
{
  complete_path() ;
  if (strcmp(ledger->rundir, "/run") && setenv("S6_RUNDIR", ledger->rundir, 1) < 0) die("set S6_RUNDIR") ;
  ledger->keep_env = env_uint("S6_KEEP_ENV", 0, UINT32_MAX) != 0 ;
}

/* ---- /init.sh's mark: "PID STARTTIME" of the process that has run /run.d in this life */

/* Field 22 of /proc/self/stat, after the command's name, which may hold anything. */
static int starttime (char *field, size_t size)
{
  char stat[1024], *p ;
  int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC) ;
  ssize_t n = fd < 0 ? -1 : read(fd, stat, sizeof stat - 1) ;
  if (fd >= 0) close(fd) ;
  if (n <= 0) return 0 ;
  stat[n] = 0 ;
  p = strrchr(stat, ')') ;
  for (int i = 2 ; p && i < 22 ; i++) p = strchr(p + 1, ' ') ;
  if (!p) return 0 ;
  n = (ssize_t)strcspn(++p, " \n") ;
  if ((size_t)n >= size) return 0 ;
  memcpy(field, p, (size_t)n) ;
  field[n] = 0 ;
  return 1 ;
}

static int is_mine (char const *mark)
{
  char mine[64], time[32] ;
  if (!starttime(time, sizeof time)) return 0 ;
  number_text(mine, getpid()) ;
  strcat(mine, " ") ;
  strcat(mine, time) ;
  return !strcmp(mark, mine) ;
}

/* Noted before the mark is gone: a fault may come between the two. */
static void take_mark (void)
{
  char path[sizeof ledger->rundir + sizeof MARK], mark[64] ;
  ssize_t n ;
  strcpy(path, ledger->rundir) ;
  strcat(path, MARK) ;
  n = setting_read(AT_FDCWD, path, mark, sizeof mark) ;
  if (n < 0 && errno == ENOENT) return ;
  if (!ledger->skip_run_d) ledger->skip_run_d = n > 0 && is_mine(mark) ;
  unlink(path) ;
}

/* ---- the way */

/* What PID 1 itself needs from BASE on, and a few for services. */
#define ROOM_NEEDED 32

static void check_room (int base)
{
  struct rlimit rl ;
  rlim_t needed = (rlim_t)base + ROOM_NEEDED ;
  if (getrlimit(RLIMIT_NOFILE, &rl) < 0 || rl.rlim_max >= needed) return ;
  say_init(3, 2) ;
  say(SAY_FATAL, "this container may open ", NUM((int64_t)rl.rlim_max), " files at a time (ulimit nofile), at least ", NUM((int64_t)needed), " are needed") ;
  _exit(EXIT_SYSTEM) ;
}

static void make_ledger (void)
{
  uint64_t mask = signals_block() ;
  int base = fd_base_find() ;
  check_room(base) ;
  fd_fence(base) ;
  say_init(base, 2) ;
  if (ledger_create(base, "/tmp") < 0) die("make the ledger (a memfd, or a file in /tmp)") ;
  ledger->inheritance.sigmask = mask ;
}

/* The ledger's first words. A fault may have cut this short: the same again. */
static void begin_ledger (void)
{
  ledger->verbosity = env_uint("S6_VERBOSITY", 2, 5) ;
  say_verbosity(ledger->verbosity) ;
  ledger->container = 1 ;
  ledger->stage = STAGE_INIT ;
  ledger->boot_started = mono_now() ;
  tain_wallclock_read(&ledger->boot_stamp) ;
  inherit(ledger->inheritance.sigmask) ;
}

/* A fault starts init all over until there is a ledger, and resumes it from then on. */
static void first_ledger (char const **again, int sig)
{
  make_ledger() ;
  again[1] = "--resume" ;
  again[2] = fault_fd_text(ledger->self_fd) ;
  again[3] = "/" ;
  if (sig) fault_note_before(sig) ;
}

/* The fourth word of svscan and finish is the scan directory, ours is "/": their names were lost on the way. */
static void check_name (char const *word)
{
  if (!word || word[0] != '/' || !word[1]) return ;
  say(SAY_FATAL, "executed as init with the words of svscan or finish: an emulation through binfmt_misc must keep argv[0] (its flag P)") ;
  _exit(EXIT_SYSTEM) ;
}

/* Nothing runs yet: there is nobody to go on for. */
static void cannot_boot (void)
{
  if (ledger) fault_tell() ;
  say(SAY_FATAL, "init faults again and again: the container cannot boot") ;
  _exit(EXIT_SYSTEM) ;
}

static void resume_ledger (char const *fd, char const *word)
{
  int n ;
  if (!int0_scan(fd, &n) || ledger_attach(n) < 0) die("read the ledger") ;
  ledger_sweep() ;
  fd_fence(ledger->fd_base) ;
  say_init(ledger->fd_base, ledger->verbosity) ;
  check_name(word) ;
  if (ledger->faults_row >= FAULTS_MAX) cannot_boot() ;
}

/* Not PID 1: what our services leave behind comes to us, and nothing else is ours. */
static void become_reaper (void)
{
  if (ledger->pid != 1 && prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
    say_sys(SAY_WARNING, errno, "unable to become a subreaper: orphans of the services go to another process") ;
}

static void hand_over (char const **argv)
{
  strcpy(ledger->scandir, ledger->rundir) ;
  strcat(ledger->scandir, "/service") ;
  argv[2] = fault_fd_text(ledger->self_fd) ;
  argv[3] = ledger->scandir ;
  /* where the run directory is not the usual one, tools find it by PID 1's argv */
  if (strcmp(ledger->rundir, "/run")) ledger_exec(argv) ;
  else ledger_become(argv) ;
  die("execute svscan") ;
}

static int is_again (int argc, char const *const *argv)
{
  return argc > 3 && !strcmp(argv[1], "--again") ;
}

int init_main (int argc, char const *const *argv)
{
  struct argvs a ;
  int resumed = argc > 2 && !strcmp(argv[1], "--resume"), sig = 0 ;
  size_t skip = !resumed && !is_again(argc, argv) ? 1 : argc > 4 ? 5 : (size_t)argc ;
  make_argvs(&a, argv + skip, (size_t)argc - skip) ;
  if (resumed) a.again[2] = argv[2] ;
  else sig = fault_start_over(argv, a.again) ;
  fault_last_resort = &cannot_boot ;
  fault_init(a.again) ;
  if (resumed) resume_ledger(argv[2], argc > 3 ? argv[3] : 0) ;
  else first_ledger(a.again, sig) ;
  fault_arm() ;
  /* its last word is our pid */
  if (!ledger->pid) begin_ledger() ;
  fault_tell() ;
  become_reaper() ;
  if (!ledger->rundir[0]) place_choose() ;
  environment() ;
  take_mark() ;
  if (house_make((char const *const *)environ) < 0) return EXIT_SYSTEM ;
  hand_over(a.next) ;
  return EXIT_SYSTEM ;
}
