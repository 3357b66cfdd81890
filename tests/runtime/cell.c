/* ISC license. See matrix.h: one life of one container. */

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <skalibs/djbunix.h>

#include "../container/box.h"
#include "matrix.h"

#define STRANGER 4242
#define WORD "from the environment"

static struct plan const *plan ;
static struct cell const *cell ;
static char const *dir ;
static box life ;         /* what it says; its pidfd is that of the driver that we wait for */
static int speech[2] ;    /* where drivers write what their containers say */

/* ---- verdicts */

static _Noreturn void verdict (int code, char const *text)
{
  char path[PATH_MAX] ;
  snprintf(path, sizeof path, "%s/report", dir) ;
  openwritenclose_unsafe(path, text, strlen(text)) ;
  _exit(code) ;
}

void broken (box const *b, char const *format, ...)
{
  char text[16384] ;
  va_list args ;
  va_start(args, format) ;
  int n = vsnprintf(text, 1024, format, args) ;
  if (n > 1023) n = 1023 ;
  if (life.output.fd >= 0) stream_read(&life.output) ;
  (void)b ;
  snprintf(text + n, sizeof text - (size_t)n, "\n---- output:\n%s---- events:\n%s", life.output.text.s ? life.output.text.s : "", life.events.text.s ? life.events.text.s : "") ;
  verdict(1, text) ;
}

void add (stralloc *sa, char const *s, size_t len)
{
  if (!stralloc_readyplus(sa, len + 1)) broken(0, "out of memory") ;
  stralloc_catb(sa, s, len) ;
  sa->s[sa->len] = 0 ;
}

static void hung (int sig)
{
  (void)sig ;
  broken(0, "hung: something that must come did not") ;
}

static char *in_dir (char const *path)
{
  static char full[4][PATH_MAX] ;
  static unsigned int i ;
  i = (i + 1) % 4 ;
  snprintf(full[i], PATH_MAX, "%s/%s", dir, path) ;
  return full[i] ;
}

static void must (int ok, char const *what)
{
  if (!ok) broken(0, "unable to %s: %s", what, strerror(errno)) ;
}

/* ---- the cell's directories */

static struct { char const *name ; char const *options ; unsigned long flags ; } const runs[RUNS] =
{
  [RUN_TMPFS] = { "tmpfs", "mode=1777", 0 },
  [RUN_FOREIGN] = { "foreign", "mode=0755", 0 },
  [RUN_NOEXEC] = { "noexec", "mode=1777", MS_NOEXEC },
  [RUN_MISSING] = { "missing", 0, 0 },
  [RUN_OPEN] = { "open", "mode=0777", 0 },
  [RUN_WANTED] = { "wanted", "mode=0777", 0 }
} ;

static void make_dir (char const *name, mode_t mode)
{
  must(mkdir(in_dir(name), mode) == 0 && chmod(in_dir(name), mode) == 0, name) ;
}

static void make_fifo (char const *name)
{
  must(mkfifo(in_dir(name), 0666) == 0 && chmod(in_dir(name), 0666) == 0, name) ;
}

static void make_file (char const *name, mode_t mode, uid_t owner, char const *text)
{
  int fd = open(in_dir(name), O_WRONLY | O_CREAT | O_CLOEXEC, mode) ;
  ssize_t len = (ssize_t)strlen(text) ;
  must(fd >= 0 && write(fd, text, (size_t)len) == len && fchmod(fd, mode) == 0 && fchown(fd, owner, owner) == 0, name) ;
  close(fd) ;
}

/* With something of a stranger's in it, as runtimes put secrets there, and what podman binds its
   own init to, which it cannot make on a mount that is read-only. For root alone "not writable"
   must be said by the mount. */
static void make_run (void)
{
  make_dir("run", 0755) ;
  if (cell->run == RUN_MISSING) return ;
  must(mount("run", in_dir("run"), "tmpfs", runs[cell->run].flags, runs[cell->run].options) == 0, "mount run") ;
  make_dir("run/other", 0755) ;
  make_file("run/other/file", 0640, STRANGER, "secret\n") ;
  make_file("run/podman-init", 0755, 0, "") ;
  if (cell->run == RUN_FOREIGN && !users[cell->user].uid)
    must(mount(0, in_dir("run"), 0, MS_REMOUNT | MS_BIND | MS_RDONLY, 0) == 0, "make run read-only") ;
}

/* In a user namespace nothing can take the place of what was removed without `userxattr`, which
   Linux 5.11 was the first to know. */
static void mount_root (void)
{
  char options[5 * PATH_MAX] ;
  int n = snprintf(options, sizeof options, "lowerdir=%s:%s,upperdir=%s,workdir=%s", plan->layer, plan->root, in_dir("upper"), in_dir("work")) ;
  strcpy(options + n, ",userxattr") ;
  if (mount("cell", in_dir("root"), "overlay", 0, options) == 0) return ;
  options[n] = 0 ;
  must(mount("cell", in_dir("root"), "overlay", 0, options) == 0, "mount an overlay") ;
}

static void make_root (void)
{
  make_dir("upper", 0755) ;
  make_dir("work", 0755) ;
  make_dir("root", 0755) ;
  mount_root() ;
  if (cell->run == RUN_MISSING) must(rm_rf(in_dir("root/run")) == 0 || errno == ENOENT, "remove the root's own /run") ;
}

static void make_io (void)
{
  int fd ;
  make_dir("io", 0755) ;
  make_fifo("io/events") ;
  make_fifo("io/ask") ;
  fd = open(in_dir("io/events"), O_RDONLY | O_NONBLOCK | O_CLOEXEC) ;
  life.events_in = open(in_dir("io/events"), O_WRONLY | O_CLOEXEC) ;
  must(fd >= 0 && life.events_in >= 0, "open the events") ;
  stream_reset(&life.events, fd) ;
  must(pipe2(speech, O_CLOEXEC) == 0 && ndelay_on(speech[0]) == 0, "make a pipe") ;
  stream_reset(&life.output, speech[0]) ;
}

/* Times that no cell may need: one that does is found out. Another init may sleep them. */
#define PATIENCE "S6_SERVICES_GRACETIME=250000 S6_KILL_GRACETIME=250000"
#define I_WANT_IT "S6_YES_I_WANT_A_WORLD_WRITABLE_RUN_BECAUSE_KUBERNETES=1"

static char const *variables (void)
{
  if (cell->run == RUN_WANTED) return plan->foreign ? I_WANT_IT : I_WANT_IT " " PATIENCE ;
  return plan->foreign ? "" : PATIENCE ;
}

static void make_environment (void)
{
  char number[32] ;
  setenv("CELL_DIR", dir, 1) ;
  setenv("CELL_ROOT", in_dir("root"), 1) ;
  snprintf(number, sizeof number, "%u", (unsigned int)users[cell->user].uid) ;
  setenv("CELL_UID", number, 1) ;
  snprintf(number, sizeof number, "%u", (unsigned int)users[cell->user].gid) ;
  setenv("CELL_GID", number, 1) ;
  setenv("CELL_READ_ONLY", cell->read_only ? "1" : "0", 1) ;
  setenv("CELL_RUN", runs[cell->run].name, 1) ;
  setenv("CELL_WORD", WORD, 1) ;
  setenv("CELL_INIT", "0", 1) ;
  setenv("CELL_JOIN", "", 1) ;
  setenv("CELL_ENV", variables(), 1) ;
  setenv("CELL_REFUSE", plan->refuse ? plan->refuse : "", 1) ;
}

/* ---- drivers */

static pid_t driver (int out, char const *verb, char const *name, char const *const *words)
{
  char const *argv[16] = { plan->driver, verb, name } ;
  size_t n = 3 ;
  while (n < 15 && words && *words) argv[n++] = *words++ ;
  pid_t pid = fork() ;
  must(pid >= 0, "fork") ;
  if (pid) return pid ;
  int null = open("/dev/null", O_RDONLY) ;
  if (null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0) _exit(111) ;
  execvp(argv[0], (char *const *)argv) ;
  dprintf(2, "matrix: fatal: unable to execute %s: %s\n", argv[0], strerror(errno)) ;
  _exit(127) ;
}

static int wait_for (pid_t pid)
{
  int status ;
  while (waitpid(pid, &status, 0) < 0) if (errno != EINTR) broken(0, "unable to wait: %s", strerror(errno)) ;
  return exited(status) ;
}

/* Events are waited for as long as this one lives. */
static void watch (pid_t pid)
{
  if (life.pidfd >= 0) close(life.pidfd) ;
  life.pidfd = (int)syscall(SYS_pidfd_open, pid, 0) ;
  must(life.pidfd >= 0, "hold the driver") ;
}

static pid_t run (char const *name, char const *const *argv)
{
  pid_t pid = driver(speech[1], "run", name, argv) ;
  watch(pid) ;
  return pid ;
}

/* What `docker exec` does: the output, which the next call forgets. */
static char const *ask (char const *name, char const *script)
{
  char const *const words[] = { "sh", "-c", script, 0 } ;
  int p[2] ;
  must(pipe2(p, O_CLOEXEC) == 0, "make a pipe") ;
  pid_t pid = driver(p[1], "exec", name, words) ;
  close(p[1]) ;
  life.answer.len = 0 ;
  must(slurp(&life.answer, p[0]), "read what a command says") ;
  close(p[0]) ;
  add(&life.answer, "", 0) ;
  int code = wait_for(pid) ;
  if (code) broken(0, "exec'ed `%s` ended with %d: %s", script, code, life.answer.s) ;
  return life.answer.s ;
}

/* ctr now and then loses what a short command says: then it is asked again. */
static void ask_for (char const *name, char const *script, char const *wanted)
{
  char const *said = ask(name, script) ;
  for (int i = 0 ; i < 5 && !*said && !plan->strict ; i++) said = ask(name, script) ;
  if (!strstr(said, wanted)) broken(0, "exec'ed `%s` does not say \"%s\" but: %s", script, wanted, said) ;
}

/* ---- what is asked of a life */

static pid_t begin_bystander (char const *name)
{
  static char const *const argv[] = { "/fixtures/bystander", 0 } ;
  pid_t pid = run(name, argv) ;
  box_event(&life, "bystander up") ;
  return pid ;
}

static void all_is_up (void)
{
  box_event(&life, "prepared") ;
  box_event(&life, "ready up") ;
  box_event(&life, "plain up " WORD) ;
  box_event(&life, "orphan up") ;
  box_event(&life, "cmd up " WORD) ;
}

/* The orphan that an exec'ed shell has left ends when it likes. But what is a zombie before a
   service is restarted is reaped with that service, if not before. */
#define RESTART_AND_REAP \
  "before=$(grep -ls 'State:.Z' /proc/[0-9]*/status); svctl restart ready || exit;" \
  " for process in $before; do ! grep -s 'State:.Z' $process || exit 1; done"

static void shell_works (char const *name)
{
  ask_for(name, plan->status, "plain") ;
  if (plan->foreign) return ;
  ask_for(name, "svctl status", "ready") ;
  ask(name, "svctl ready --wait") ;
  ask(name, "svctl health") ;
  ask(name, "svctl reexec") ;
  if (cell->row == ROW_PID1) ask(name, "true &") ;
  ask(name, cell->row == ROW_PID1 ? RESTART_AND_REAP : "svctl restart ready") ;
  box_event(&life, "ready up") ;
}

static int stray_is_ours (void)
{
  return cell->row == ROW_PID1 && !plan->foreign ;
}

/* What `docker exec` leaves behind is PID 1's: an orphan of its own, of which the supervisor knows
   nothing. It hears of the end. */
static void stray_begins (char const *name)
{
  ask(name, "/fixtures/actor hear stray 15 < /dev/null > /dev/null 2>&1 &") ;
  box_event(&life, "stray up") ;
}

static int kernel_lacks (char const *what)
{
  return plan->refuse && (!strcmp(plan->refuse, what) || (!strcmp(plan->refuse, "all") && strcmp(what, "subreaper"))) ;
}

/* A command of `docker exec` that still runs: its parent is outside, so it is nobody's child here. */
static pid_t lodger_begins (char const *name)
{
  static char const *const words[] = { "/fixtures/actor", "hear", "lodger", "15", 0 } ;
  pid_t pid = driver(speech[1], "exec", name, words) ;
  box_event(&life, "lodger up") ;
  return pid ;
}

/* The state, blocked signals that have come, processes: none but its own two. */
static void bystander_is_well (pid_t pid)
{
  char const *said ;
  int fd = open(in_dir("io/ask"), O_WRONLY | O_CLOEXEC) ;
  must(fd >= 0 && write(fd, "\n", 1) == 1, "ask the bystander") ;
  close(fd) ;
  watch(pid) ;
  said = box_event_after(&life, "bystander ") ;
  /* without a subreaper, what a service has left behind is the namespace's */
  if (strcmp(said, kernel_lacks("subreaper") ? "S 0 0 processes 3" : "S 0 0 processes 2")) broken(0, "the bystander (state, signals that came, processes) is not \"S 0 0 processes 2\" but \"%s\"", said) ;
  if (wait_for(pid)) broken(0, "the bystander did not end well") ;
}

/* Where the kernel has no pidfds the lodger is not waited for. */
static void guests_have_heard (pid_t lodger)
{
  wait_for(lodger) ;
  while (pump(&life)) ;
  if (box_event_count(&life, "stray heard 15") != 1) broken(0, "what was exec'ed and left behind was not told of the end") ;
  if (!kernel_lacks("pidfd") && box_event_count(&life, "lodger heard 15") != 1) broken(0, "what was exec'ed and still ran was not told of the end") ;
}

/* ---- what it wrote */

static char const *written ;

static int root_has_run (void)
{
  return cell->run == RUN_MISSING && !users[cell->user].uid && !cell->read_only ;
}

static int note_written (char const *path, struct stat const *st, int type, struct FTW *where)
{
  size_t n = strlen(in_dir("upper")) ;
  (void)type ;
  if (!where->level) return 0 ;
  path += n + 1 ;
  /* the whiteout that makes it missing, or the run directory */
  if (!strcmp(path, "run") && cell->run == RUN_MISSING && (root_has_run() || S_ISCHR(st->st_mode))) return 0 ;
  if (!strncmp(path, "run/", 4) && root_has_run()) return 0 ;
  if (plan->strict || !strncmp(path, "data", 4)) written = strdup(path) ;
  return !!written ;
}

/* A file of a stranger's: as it was made. */
static void is_untouched (char const *path, struct stat const *was)
{
  struct stat st ;
  must(lstat(path, &st) == 0, path) ;
  if (st.st_mode != was->st_mode || st.st_uid != was->st_uid || st.st_gid != was->st_gid || st.st_size != was->st_size)
    broken(0, "%s was touched: mode %o owner %d size %d", path, (unsigned int)st.st_mode, (int)st.st_uid, (int)st.st_size) ;
}

static void files_are_untouched (void)
{
  struct stat const secret = { .st_mode = S_IFREG | 0640, .st_uid = STRANGER, .st_gid = STRANGER, .st_size = 7 } ;
  struct stat data ;
  char made[PATH_MAX] ;
  must(nftw(in_dir("upper"), &note_written, 16, FTW_PHYS) >= 0, "read what was written") ;
  if (written) broken(0, "/%s was written: no business of an init", written) ;
  if (cell->run != RUN_MISSING) is_untouched(in_dir("run/other/file"), &secret) ;
  snprintf(made, sizeof made, "%s/data/file", plan->layer) ;
  if (lstat(made, &data) == 0) is_untouched(in_dir("root/data/file"), &data) ;
}

/* ---- what it said */

/* Whether /run can be used: 1, 0, or -1 where that is for the runtime to say, which may make a
   /run of its own. */
static int run_will_do (void)
{
  switch (cell->run)
  {
    case RUN_TMPFS : case RUN_NOEXEC : case RUN_WANTED : return 1 ;
    case RUN_FOREIGN : case RUN_OPEN : return 0 ;
    case RUN_MISSING : return plan->strict ? root_has_run() : -1 ;
    case RUNS : break ;
  }
  return 0 ;
}

static unsigned int count (char const *text, char const *word)
{
  unsigned int n = 0 ;
  for (char const *p = text ; (p = strstr(p, word)) ; p += strlen(word)) n++ ;
  return n ;
}

/* Sentences on what the kernel lacks. As PID 1 orphans come to us anyway. */
static unsigned int wanted_on_kernel (void)
{
  return cell->row != ROW_PID1 && kernel_lacks("subreaper") ;
}

/* One clear sentence on what can't be had, and none where nothing is lacking. */
static char const *check_words (void)
{
  char const *text = box_output(&life) ;
  unsigned int bad = count(text, " fatal: ") + count(text, " error: ") + count(text, " warning: ") ;
  unsigned int moved = count(text, "/run cannot be used (") ;
  unsigned int kernel = count(text, "unable to become a subreaper: ") ;
  static char place[PATH_MAX] = "/run" ;
  if (plan->foreign) return "ok" ;
  /* said only if the lodger still lives when it is looked for, and once */
  unsigned int unheld = count(text, "this kernel has no pidfd_open: ") ;
  if (unheld > (unsigned int)kernel_lacks("pidfd")) broken(0, "%u complaints on pidfd_open", unheld) ;
  bad -= unheld ;
  unsigned int wanted = run_will_do() < 0 ? moved : (unsigned int)!run_will_do() ;
  if (moved != wanted || moved > 1 || kernel != wanted_on_kernel() || bad != moved + kernel)
    broken(0, "%u complaints, %u of them on /run and %u on the kernel, where %u and %u were to be expected", bad, moved, kernel, wanted, wanted_on_kernel()) ;
  if (count(text, "container ends with ") != 1) broken(0, "the last line, on why the container ends, is missing or not alone") ;
  if (moved) sscanf(strstr(text, "/run cannot be used ("), "%*[^:]: using %[^;]", place) ;
  char *tail = strstr(place, "/keelson-") ;
  if (tail) *tail = 0 ;
  return place ;
}

/* ---- one life */

static void prepare (void)
{
  life.pidfd = life.terminal = life.events_in = life.output.fd = life.events.fd = -1 ;
  umask(022) ;
  signal(SIGALRM, &hung) ;
  alarm(plan->guard) ;
  make_io() ;
  make_run() ;
  make_root() ;
  make_environment() ;
}

_Noreturn void cell_live (struct plan const *p, struct cell const *c, char const *d, char const *name)
{
  char const *const argv[] = { p->init, "sh", "-c", "exec /fixtures/actor answer \"cmd up $CELL_WORD\" 7", 0 } ;
  char by[64] ;
  pid_t bystander = 0, lodger = 0, pid ;
  plan = p, cell = c, dir = d ;
  snprintf(by, sizeof by, "%s-by", name) ;
  prepare() ;
  if (c->row == ROW_SHARED)
  {
    bystander = begin_bystander(by) ;
    setenv("CELL_JOIN", by, 1) ;
  }
  if (c->row == ROW_INIT) setenv("CELL_INIT", "1", 1) ;
  pid = run(name, argv) ;
  all_is_up() ;
  shell_works(name) ;
  if (stray_is_ours()) stray_begins(name), lodger = lodger_begins(name) ;
  if (wait_for(driver(speech[1], "stop", name, 0))) broken(0, "the stop command failed") ;
  while (pump(&life)) ;
  int code = wait_for(pid) ;
  if (code != p->code) broken(0, "exit code %d, where %d was to be expected", code, p->code) ;
  if (lodger) guests_have_heard(lodger) ;
  if (bystander) bystander_is_well(bystander) ;
  files_are_untouched() ;
  verdict(0, check_words()) ;
}

void cell_clean (struct plan const *p, struct cell const *c, char const *d, char const *name)
{
  char by[64] ;
  plan = p, cell = c, dir = d ;
  if (!p->strict)
  {
    snprintf(by, sizeof by, "%s-by", name) ;
    make_environment() ;
    wait_for(driver(2, "clean", name, 0)) ;
    if (c->row == ROW_SHARED) wait_for(driver(2, "clean", by, 0)) ;
  }
  umount2(in_dir("root"), MNT_DETACH) ;
  umount2(in_dir("run"), MNT_DETACH) ;
  rm_rf(dir) ;
}
