/* ISC license. See matrix.h: all cells, and the report on them. */

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <skalibs/djbunix.h>
#include <skalibs/sgetopt.h>

#include "matrix.h"

#define CELLS_MAX (ROWS * USERS * 2 * RUNS)
#define JOBS 2
#define USAGE "matrix [-n NAME] [-d DRIVER] [-r ROOT] [-l LAYER] [-i INIT] [-s STATUS-COMMAND] [-x EXIT-CODE] [-o REPORT] [-w WORK-DIRECTORY] [-k WHAT-THE-KERNEL-LACKS] [-t SECONDS] [-R] [-f] [CELL-NUMBER]"

struct user const users[USERS] = { { "root", 0, 0 }, { "uid 1000", 1000, 1000 }, { "uid 1000780000, gid 0", 1000780000, 0 } } ;

static char const *const row_labels[ROWS] = { "PID 1", "under --init", "in another's PID namespace" } ;
static char const *const run_labels[RUNS] = { "tmpfs", "not writable", "noexec", "missing", "0777, root's", "0777, wanted" } ;

struct seat
{
  struct cell cell ;
  pid_t pid ;
  int wanted ;        /* not left out */
  int passed ;
  char *report ;
} ;

static struct seat seats[CELLS_MAX] ;
static char work[256] = "build/dev/tests/runtime/cells" ;
static struct plan plan =
{
  .name = "bare", .driver = "build/dev/tests/runtime/bare", .root = "build/dev/tests/container/root", .layer = "build/dev/tests/runtime/layer",
  .init = "/init", .status = "svctl status", .code = 7, .guard = 300
} ;

static _Noreturn void die (char const *what)
{
  fprintf(stderr, "matrix: fatal: unable to %s: %s\n", what, strerror(errno)) ;
  exit(111) ;
}

static _Noreturn void skip (char const *why)
{
  printf("skipped: no matrix here: %s: %s\n", why, strerror(errno)) ;
  exit(77) ;
}

/* ---- the cells */

/* Reduced: every row, user and root with a /run that is as it should be; as PID 1 with any. */
static int is_in_reduced (struct cell const *c)
{
  return c->run == RUN_TMPFS || (c->row == ROW_PID1 && !c->read_only) ;
}

static size_t make_seats (char const *only)
{
  size_t n = 0, chosen = only ? (size_t)atol(only) : 0 ;
  for (int row = 0 ; row < ROWS ; row++) for (unsigned int user = 0 ; user < USERS ; user++)
    for (int ro = 0 ; ro < 2 ; ro++) for (int run = 0 ; run < RUNS ; run++)
    {
      struct seat *s = seats + n++ ;
      s->cell = (struct cell){ (enum row)row, user, ro, (enum run)run } ;
      s->wanted = (!plan.reduced || is_in_reduced(&s->cell)) && (!chosen || chosen == n) ;
    }
  return n ;
}

/* DIR and NAME of seat I: at least 300 bytes each. */
static void names (size_t i, char *dir, char *name)
{
  snprintf(dir, 300, "%s/%zu", work, i + 1) ;
  snprintf(name, 300, "keelson-%d-%zu", (int)getpid(), i + 1) ;
}

static void begin (size_t i)
{
  char dir[300], name[300] ;
  names(i, dir, name) ;
  if (mkdir(dir, 0755) < 0) die("make a directory for a cell") ;
  seats[i].pid = fork() ;
  if (seats[i].pid < 0) die("fork") ;
  if (!seats[i].pid) cell_live(&plan, &seats[i].cell, dir, name) ;
}

static void end (size_t i, int status)
{
  char dir[300], name[300], path[320] ;
  stralloc text = STRALLOC_ZERO ;
  names(i, dir, name) ;
  snprintf(path, sizeof path, "%s/report", dir) ;
  if (!openslurpclose(&text, path) || !stralloc_0(&text)) stralloc_copys(&text, "it ended without a report"), stralloc_0(&text) ;
  seats[i].report = text.s ;
  seats[i].passed = WIFEXITED(status) && !WEXITSTATUS(status) ;
  cell_clean(&plan, &seats[i].cell, dir, name) ;
  /* the kernel may give this pid to a later cell */
  seats[i].pid = 0 ;
}

static void wait_for_one (size_t n)
{
  int status ;
  pid_t pid = wait(&status) ;
  if (pid < 0) die("wait") ;
  for (size_t i = 0 ; i < n ; i++) if (seats[i].pid == pid)
  {
    end(i, status) ;
    return ;
  }
}

static void live_all (size_t n)
{
  unsigned int living = 0 ;
  for (size_t i = 0 ; i < n ; i++) if (seats[i].wanted)
  {
    if (living == JOBS) wait_for_one(n), living-- ;
    begin(i), living++ ;
  }
  for (; living ; living--) wait_for_one(n) ;
}

/* ---- the report */

static char const *shown (struct seat const *s)
{
  return !s->wanted ? "-" : s->passed ? s->report : "FAILED" ;
}

static void print_line (FILE *f, int markdown, char const *const *words)
{
  static int const widths[] = { 26, 21, 9, 12, 12, 12, 12, 12, 12 } ;
  for (size_t i = 0 ; i < sizeof widths / sizeof *widths ; i++)
    if (markdown) fprintf(f, "| %s ", words[i]) ;
    else fprintf(f, "%-*s ", widths[i], words[i]) ;
  fprintf(f, markdown ? "|\n" : "\n") ;
}

static void print_table (FILE *f, int markdown)
{
  char const *head[3 + RUNS] = { "process", "user", "root" } ;
  static char const *const rule[3 + RUNS] = { "---", "---", "---", "---", "---", "---", "---", "---", "---" } ;
  for (int run = 0 ; run < RUNS ; run++) head[3 + run] = run_labels[run] ;
  print_line(f, markdown, head) ;
  if (markdown) print_line(f, markdown, rule) ;
  for (struct seat const *s = seats ; s < seats + CELLS_MAX ; s += RUNS)
  {
    char const *line[3 + RUNS] = { row_labels[s->cell.row], users[s->cell.user].label, s->cell.read_only ? "read-only" : "writable" } ;
    for (int run = 0 ; run < RUNS ; run++) line[3 + run] = shown(s + run) ;
    print_line(f, markdown, line) ;
  }
}

static void print_failures (void)
{
  for (size_t i = 0 ; i < CELLS_MAX ; i++)
    if (seats[i].wanted && !seats[i].passed)
      printf("FAILED cell %zu: %s, %s, %s root, /run %s: %s\n", i + 1, row_labels[seats[i].cell.row], users[seats[i].cell.user].label,
        seats[i].cell.read_only ? "read-only" : "writable", run_labels[seats[i].cell.run], seats[i].report) ;
}

static void write_report (char const *path)
{
  FILE *f = fopen(path, "w") ;
  if (!f) die("write the report") ;
  fprintf(f, "## %s\n\n", plan.name) ;
  print_table(f, 1) ;
  for (size_t i = 0 ; i < CELLS_MAX ; i++)
    if (seats[i].wanted && !seats[i].passed) fprintf(f, "%s\n- cell %zu: %.*s", i ? "" : "\n", i + 1, (int)strcspn(seats[i].report, "\n"), seats[i].report) ;
  fprintf(f, "\n") ;
  if (fclose(f)) die("write the report") ;
}

static int print_all (void)
{
  unsigned int good = 0, bad = 0 ;
  for (size_t i = 0 ; i < CELLS_MAX ; i++) if (seats[i].wanted) good += (unsigned int)seats[i].passed, bad += (unsigned int)!seats[i].passed ;
  printf("%s: what is shown is the run directory's place; the columns say what /run was\n\n", plan.name) ;
  print_table(stdout, 0) ;
  printf("\n") ;
  print_failures() ;
  printf("%u passed, %u failed\n", good, bad) ;
  return !!bad ;
}

/* ---- before and after */

/* Absolute: drivers and mounts go elsewhere. A driver's name says which runtime it drives, so
   links are not followed. */
static void make_absolute (char const **path)
{
  char *full, *cwd ;
  if (**path == '/') return ;
  cwd = getcwd(0, 0) ;
  if (!cwd || asprintf(&full, "%s/%s", cwd, *path) < 0 || access(full, F_OK) < 0) die(*path) ;
  free(cwd) ;
  *path = full ;
}

/* `bare` needs nobody else to see the mounts, so they end with us; a runtime's daemon must. */
static void prepare (void)
{
  if (geteuid()) skip("three users are needed, so it takes root") ;
  if (plan.strict && (unshare(CLONE_NEWNS) < 0 || mount(0, "/", 0, MS_REC | MS_PRIVATE, 0) < 0)) skip("no mount namespace of our own") ;
  if (mkdir(work, 0755) < 0 && errno != EEXIST) die(work) ;
  char *full = realpath(work, 0) ;
  if (!full || strlen(full) >= sizeof work) die(work) ;
  strcpy(work, full) ;
  if (mount("cells", work, "tmpfs", 0, "mode=0755") < 0) skip("a tmpfs cannot be mounted") ;
  make_absolute(&plan.driver) ;
  make_absolute(&plan.root) ;
  make_absolute(&plan.layer) ;
}

static char const *options (int argc, char const *const *argv, char const **report)
{
  subgetopt l = SUBGETOPT_ZERO ;
  int o ;
  while ((o = subgetopt_r(argc, argv, "n:d:r:l:i:s:x:o:w:k:t:Rf", &l)) >= 0) switch (o)
  {
    case 'n' : plan.name = l.arg ; break ;
    case 'd' : plan.driver = l.arg ; break ;
    case 'r' : plan.root = l.arg ; break ;
    case 'l' : plan.layer = l.arg ; break ;
    case 'i' : plan.init = l.arg ; break ;
    case 's' : plan.status = l.arg ; break ;
    case 'x' : plan.code = atoi(l.arg) ; break ;
    case 'o' : *report = l.arg ; break ;
    case 'w' : snprintf(work, sizeof work, "%s", l.arg) ; break ;
    case 'k' : plan.refuse = l.arg ; break ;
    case 't' : plan.guard = (unsigned int)atoi(l.arg) ; break ;
    case 'R' : plan.reduced = 1 ; break ;
    case 'f' : plan.foreign = 1 ; break ;
    default : fprintf(stderr, "matrix: usage: " USAGE "\n") ; exit(100) ;
  }
  plan.strict = !plan.foreign && !strcmp(strrchr(plan.driver, '/') ? strrchr(plan.driver, '/') + 1 : plan.driver, "bare") ;
  return l.ind < argc ? argv[l.ind] : 0 ;
}

int main (int argc, char const *const *argv)
{
  char const *report = 0 ;
  char const *only = options(argc, argv, &report) ;
  prepare() ;
  live_all(make_seats(only)) ;
  umount2(work, MNT_DETACH) ;
  if (report) write_report(report) ;
  return print_all() ;
}
