/* ISC license. */

/*
   bench [-q] [-r REPS] [-c NAME,NAME…] [-t PART,PART…] [-l SERVICES,SCRIPTS] [-k ROOTFS] [-z TARBALL] [-o DIR] [NAME=ROOTFS:INIT[:LAYOUT[:SIGNAL]] …]

   Prints the table; writes DIR/results.json, DIR/results.svg and DIR/results.md
   (the README's section, which bench/readme-table puts there).
     -q  quick: fewer rounds, the largest loads left out
     -c  only these contenders         -t  only these parts of the plan
     -l  boot and stop at this load only
     -k  our root file system          -z  our tarball, for its size
   The method is described in bench.h.
*/

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <skalibs/sgetopt.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "bench.h"

#define USAGE "bench [-q] [-r reps] [-c names] [-t parts] [-l services,scripts] [-k rootfs] [-z tarball] [-o dir] [NAME=ROOTFS:INIT[:LAYOUT[:SIGNAL]] ...]"
#define MANY 1000
#define FEW 10
#define SETTLE_NS 2100000000ull /* services have then been up for 2 s, and the kernel's counters are up to date */

#define BOOT_MS (plan.quick ? 10000 : 60000)
#define RESTART_MS 5000

char const *PROG = "bench" ;

static struct
{
  unsigned int reps ;
  unsigned int quick ;
  char const *parts ;
  char const *tarball ;
  char const *rootfs ;
  char const *out ;
  struct load load ; /* 0 services: all of the points */
} plan = { .reps = 20, .out = "." } ;

static void progress (char const *part, unsigned int rep, unsigned int reps)
{
  fprintf(stderr, "\r%s: round %u of %u\033[K%s", part, rep + 1, reps, rep + 1 == reps ? "\n" : "") ;
}

/* Said once for each contender and load, so that nobody takes a gap in the table for a fast run. */
static void report_gap (struct contender const *who, struct load const *load, char const *why)
{
  static char said[64][128] ;
  static unsigned int n ;
  char text[128], what[64] ;
  if (load)
  {
    format_load(what, sizeof what, load) ;
    snprintf(text, sizeof text, "%s at %s: %s", who->name, what, why) ;
  }
  else snprintf(text, sizeof text, "%s: %s", who->name, why) ;
  for (unsigned int i = 0 ; i < n ; i++) if (!strcmp(said[i], text)) return ;
  if (n < 64) strcpy(said[n++], text) ;
  fprintf(stderr, "\r\033[K") ;
  strerr_warnw2x("SKIPPED ", text) ;
}

/* What a contender has failed at once is not tried again: each try may cost a minute. */
static unsigned char given_up[CONTENDERS_MAX][FIGURES] ;

static void give_up (unsigned int i, enum figure figure, struct load const *load, char const *why)
{
  given_up[i][figure] = 1 ;
  report_gap(contenders + i, load, why) ;
}

/* What would take a quick run over its minute. */
static int too_long (struct contender const *who, struct load const *load)
{
  if (who->slow) return load->services != FEW || load->scripts != FEW ;
  return !who->supervises && (load->services >= MANY || !load->scripts) ;
}

static int takes_part (struct contender const *who, struct load const *load)
{
  char const *why = contender_refuses(who, load) ;
  if (!why && plan.quick && too_long(who, load)) why = "left out of a quick run" ;
  if (why) report_gap(who, load, why) ;
  return !why ;
}

/* ---------------------------------------------------------------- boot and stop */

static void one_run (unsigned int i, struct load const *load, unsigned int rep)
{
  struct container c ;
  uint64_t up, took ;
  if (given_up[i][BOOT] || !takes_part(contenders + i, load)) return ;
  container_start(&c, contenders + i, load, 0) ;
  up = container_await(&c, load->services, BOOT_MS) ;
  if (!up) give_up(i, BOOT, load, "did not boot") ;
  else
  {
    result_add(BOOT, load, i, rep, (double)(up - c.stamp->exec)) ;
    took = container_stop(&c) ;
    if (took) result_add(STOP, load, i, rep, (double)took) ;
    else report_gap(c.who, c.who->stop_signal ? load : 0, "does not stop by a signal") ;
  }
  container_end(&c) ;
}

/* Where one run takes many seconds and hardly varies, there are fewer; the table says how many. */
static int enough (struct contender const *who, struct load const *load, unsigned int rep)
{
  return who->slow && ((load->services >= MANY && rep >= 5) || (plan.quick && rep)) ;
}

static void run_point (struct load const *load, unsigned int reps, char const *only)
{
  char name[96], what[64] ;
  format_load(what, sizeof what, load) ;
  snprintf(name, sizeof name, "boot and stop, %s", what) ;
  for (unsigned int i = 0 ; i < contender_count ; i++) given_up[i][BOOT] = 0 ; /* it may carry another load */
  for (unsigned int rep = 0 ; rep < reps ; rep++)
  {
    progress(name, rep, reps) ;
    for (unsigned int i = 0 ; i < contender_count ; i++)
      if ((!only || strstr(only, contenders[i].name)) && !enough(contenders + i, load, rep)) one_run(i, load, rep) ;
  }
}

static void part_points (void)
{
  static struct load const loads[] = { { 1, 0, KIND_STATIC }, { 5, 5, KIND_STATIC }, { 10, 10, KIND_STATIC }, { 50, 10, KIND_STATIC }, { MANY, 0, KIND_STATIC } } ;
  if (plan.load.services) run_point(&plan.load, plan.reps, 0) ;
  else for (unsigned int i = 0 ; i < sizeof loads / sizeof *loads ; i++) run_point(loads + i, plan.reps, 0) ;
}

/* Is the cost of a boot linear in the number of services? Ours, the floor's, and s6's beside it. */
static void part_linear (void)
{
  static unsigned int const services[] = { 100, 200, 500, 2000, 5000 } ; /* 1,000 is one of the points */
  unsigned int n = plan.quick ? 1 : sizeof services / sizeof *services ;
  for (unsigned int i = 0 ; i < n ; i++)
  {
    struct load const load = { services[i], 0, KIND_STATIC } ;
    run_point(&load, plan.reps, "floor keelson s6") ;
  }
}

/* ---------------------------------------------------------------- life: all side by side, idle but for what is asked of them */

static void start_all (struct container *c, struct load const *load, unsigned int flags)
{
  for (unsigned int i = 0 ; i < contender_count ; i++)
  {
    c[i].pid = 0 ;
    if (!takes_part(contenders + i, load)) continue ;
    container_start(c + i, contenders + i, load, flags) ;
    if (container_await(c + i, load->services, BOOT_MS)) continue ;
    report_gap(contenders + i, load, "did not boot") ;
    container_end(c + i) ;
  }
}

static void end_all (struct container *c)
{
  for (unsigned int i = 0 ; i < contender_count ; i++) if (c[i].pid) container_end(c + i) ;
}

static void weigh (struct container const *c, unsigned int i, unsigned int rep)
{
  struct census n ;
  struct memory m ;
  census_take(c, &n) ;
  result_add(PROCESSES, &c->load, i, rep, n.processes) ;
  result_add(MEMORY_PRIVATE, &c->load, i, rep, (double)n.anonymous) ;
  result_add(MEMORY_TABLES, &c->load, i, rep, (double)n.page_tables) ;
  result_add(MEMORY_STACKS, &c->load, i, rep, n.threads * 16384.) ; /* THREAD_SIZE of x86-64 and arm64 */
  result_add(MEMORY_TMPFS, &c->load, i, rep, (double)(n.tmpfs_inodes * tmpfs_inode_cost() + n.tmpfs_bytes)) ;
  if (cgroup_memory(c->cgroup, &m))
    result_add(MEMORY, &c->load, i, rep, (double)(m.anonymous + m.shmem + m.kernel)) ;
}

static void time_restart (struct container *c, unsigned int i, unsigned int rep)
{
  struct census n ;
  uint64_t start, end ;
  if (!c->who->supervises || given_up[i][RESTART]) return ;
  census_take(c, &n) ;
  if (!n.victim) return ;
  start = now_ns() ;
  kill(n.victim, SIGKILL) ;
  end = container_await(c, 1, RESTART_MS) ;
  if (end) result_add(RESTART, &c->load, i, rep, (double)(end - start)) ;
  else give_up(i, RESTART, 0, "does not restart a killed service") ;
}

static void live (struct load const *load, unsigned int reps, int weighed)
{
  struct container c[CONTENDERS_MAX] ;
  for (unsigned int rep = 0 ; rep < reps ; rep++)
  {
    progress(weighed ? "processes, memory, restart" : "restart", rep, reps) ;
    start_all(c, load, weighed ? START_CGROUP : 0) ;
    wait_until(now_ns() + SETTLE_NS) ;
    for (unsigned int i = 0 ; weighed && i < contender_count ; i++) if (c[i].pid) weigh(c + i, i, rep) ;
    for (unsigned int i = 0 ; i < contender_count ; i++) if (c[i].pid) time_restart(c + i, i, rep) ;
    end_all(c) ;
  }
}

static void part_live (void)
{
  static struct load const load = { FEW, 0, KIND_STATIC } ;
  live(&load, plan.quick ? 2 : plan.reps, 1) ; /* three seconds each, most of it to settle */
}

static void time_status (struct container *c, unsigned int i, unsigned int rep)
{
  unsigned int lines ;
  uint64_t took ;
  if (!c->who->status) return ;
  took = container_run(c, c->who->status, &lines) ;
  if (took && lines >= c->load.services) result_add(STATUS, &c->load, i, rep, (double)took) ;
  else report_gap(c->who, &c->load, "its status command failed or left services out") ;
}

static void watch_idle (struct container *c, unsigned int rep, uint64_t span)
{
  static struct census before[CONTENDERS_MAX] ;
  uint64_t start = now_ns() ;
  for (unsigned int i = 0 ; i < contender_count ; i++) if (c[i].pid) census_take(c + i, before + i) ;
  wait_until(start + span) ;
  for (unsigned int i = 0 ; i < contender_count ; i++)
  {
    struct census after ;
    if (!c[i].pid) continue ;
    census_take(c + i, &after) ;
    result_add(WAKEUPS, &c[i].load, i, rep, (double)(after.switches - before[i].switches)) ;
    result_add(CPU, &c[i].load, i, rep, (double)(after.cpu - before[i].cpu)) ;
  }
}

/* Idleness is a count over a span and hardly varies: the rounds are fewer, the span is long. */
static void part_idle (void)
{
  static struct load const load = { MANY, 0, KIND_STATIC } ;
  struct container c[CONTENDERS_MAX] ;
  unsigned int rounds = plan.quick ? 1 : 3, statuses = plan.quick ? 1 : (plan.reps + rounds - 1) / rounds ; /* of which a round has so many */
  for (unsigned int rep = 0 ; rep < rounds ; rep++)
  {
    progress("1,000 services: memory, idle, status", rep, rounds) ;
    start_all(c, &load, START_CGROUP) ;
    wait_until(now_ns() + SETTLE_NS) ;
    for (unsigned int i = 0 ; i < contender_count ; i++) if (c[i].pid) weigh(c + i, i, rep) ;
    watch_idle(c, rep, 10000000000ull) ;
    for (unsigned int s = 0 ; s < statuses ; s++)
      for (unsigned int i = 0 ; i < contender_count ; i++) if (c[i].pid) time_status(c + i, i, rep * statuses + s) ;
    end_all(c) ;
  }
}

/* ---------------------------------------------------------------- zombies */

static void part_zombies (void)
{
  static struct load const load = { 1, 0, KIND_STATIC } ;
  unsigned int reps = plan.quick ? 1 : plan.reps ;
  for (unsigned int rep = 0 ; rep < reps ; rep++)
  {
    progress("20,000 zombies", rep, reps) ;
    for (unsigned int i = 0 ; i < contender_count ; i++)
    {
      struct container c ;
      uint64_t took ;
      if (given_up[i][ZOMBIES] || !takes_part(contenders + i, &load)) continue ;
      container_start(&c, contenders + i, &load, 0) ;
      took = container_await(&c, 1, BOOT_MS) ? container_zombies(&c, 20000) : 0 ;
      if (took) result_add(ZOMBIES, &load, i, rep, (double)took) ;
      else give_up(i, ZOMBIES, 0, "has not reaped 20,000 zombies in 20 s") ;
      container_end(&c) ;
    }
  }
}

/* ---------------------------------------------------------------- other kinds of service */

static void part_kinds (void)
{
  for (enum kind kind = KIND_SH ; kind < KINDS ; kind++)
  {
    struct load const load = { FEW, 0, kind } ;
    run_point(&load, plan.reps, 0) ;
    if (!plan.quick) live(&load, plan.reps, 0) ;
  }
}

/* ---------------------------------------------------------------- counts */

static int count_calls (unsigned int i, struct load const *load, struct trace *t)
{
  if (!takes_part(contenders + i, load)) return 0 ;
  if (!trace_run(contenders + i, load, t))
  {
    report_gap(contenders + i, load, "did not boot under ptrace") ;
    return 0 ;
  }
  result_add(FORKS, load, i, 0, t->forks) ;
  result_add(EXECS, load, i, 0, t->execs) ;
  result_add(CALLS_BOOT, load, i, 0, t->boot_calls) ;
  return 1 ;
}

static void part_trace (void)
{
  static struct load const boot = { FEW, FEW, KIND_STATIC }, few = { FEW, 0, KIND_STATIC }, more = { 2 * FEW, 0, KIND_STATIC } ;
  for (unsigned int i = 0 ; i < contender_count ; i++)
  {
    struct trace t, a, b ;
    progress("counting system calls", i, contender_count) ;
    if (plan.quick && (contenders[i].slow || !contenders[i].supervises)) continue ;
    count_calls(i, &boot, &t) ;
    if (!count_calls(i, &few, &a) || !count_calls(i, &more, &b)) continue ;
    result_add(CALLS_START, &few, i, 0, (b.boot_calls - (double)a.boot_calls) / FEW) ;
    if (a.restart_calls) result_add(CALLS_RESTART, &few, i, 0, a.restart_calls) ;
    if (a.stop_calls && b.stop_calls) result_add(CALLS_STOP, &few, i, 0, (b.stop_calls - (double)a.stop_calls) / FEW) ;
  }
}

/* ---------------------------------------------------------------- sizes */

/* bench/sizes prints a line for each package or tarball, in bytes: NAME COMPRESSED INSTALLED */
static void read_sizes (FILE *f)
{
  static struct load const none ;
  char name[256] ;
  double compressed, installed ;
  while (fscanf(f, "%255s %lf %lf", name, &compressed, &installed) == 3)
    for (unsigned int i = 0 ; i < contender_count ; i++)
    {
      char const *mine = contenders[i].package ? contenders[i].package : strcmp(contenders[i].name, "keelson") ? 0 : plan.tarball ;
      if (!mine || strcmp(mine, name)) continue ;
      result_add(TARBALL, &none, i, 0, compressed) ;
      result_add(INSTALLED, &none, i, 0, installed) ;
    }
}

static void part_sizes (void)
{
  char command[1024] = "bench/sizes" ;
  size_t len = strlen(command) ;
  FILE *f ;
  for (unsigned int i = 0 ; i < contender_count ; i++)
    if (contenders[i].package) len += (size_t)snprintf(command + len, sizeof command - len, " %s", contenders[i].package) ;
  if (plan.tarball) snprintf(command + len, sizeof command - len, " %s", plan.tarball) ;
  f = popen(command, "r") ;
  if (!f) strerr_diefu2sys(111, "run ", command) ;
  read_sizes(f) ;
  pclose(f) ;
}

/* ---------------------------------------------------------------- main */

static struct
{
  char const *name ;
  void (*run) (void) ;
} const parts[] =
{
  { "points", &part_points }, { "linear", &part_linear }, { "live", &part_live }, { "idle", &part_idle },
  { "zombies", &part_zombies }, { "kinds", &part_kinds }, { "trace", &part_trace }, { "sizes", &part_sizes },
} ;

static void run_parts (void)
{
  for (unsigned int i = 0 ; i < sizeof parts / sizeof *parts ; i++)
  {
    uint64_t start = now_ns() ;
    if (plan.parts && !strstr(plan.parts, parts[i].name)) continue ;
    (*parts[i].run)() ;
    fprintf(stderr, "%s took %.0f s\n", parts[i].name, (double)(now_ns() - start) / 1e9) ;
  }
}

static FILE *create (char const *name)
{
  char path[512] ;
  FILE *f ;
  snprintf(path, sizeof path, "%s/%s", plan.out, name) ;
  f = fopen(path, "we") ;
  if (!f) strerr_diefu2sys(111, "write ", path) ;
  return f ;
}

static void finish_file (FILE *f, char const *name)
{
  if (fclose(f)) strerr_diefu2sys(111, "write ", name) ;
}

static void print_goals (void)
{
  struct verdict v[GOALS_MAX] ;
  unsigned int n = goals_check(v) ;
  printf("\n%-34s %-34s %-34s\n", "goal", "", "measured") ;
  for (unsigned int i = 0 ; i < n ; i++)
    printf("%-34s %-34s %-34s %s\n", v[i].figure, v[i].goal, v[i].got, v[i].met < 0 ? "not measured" : v[i].met ? "met" : "MISSED") ;
}

static void report_all (void)
{
  static struct occasion o ;
  FILE *f ;
  o.reps = plan.reps ;
  o.quick = plan.quick ;
  occasion_fill(&o) ;
  results_derive() ;
  report_table(stdout) ;
  print_goals() ;
  report_json(f = create("results.json"), &o) ;
  finish_file(f, "results.json") ;
  report_readme(f = create("results.md"), &o) ;
  finish_file(f, "results.md") ;
  chart_write(f = create("results.svg"), &o) ;
  finish_file(f, "results.svg") ;
}

/* Thousands of services need descriptors; the contenders inherit what any container would have. */
static void check_limits (void)
{
  struct rlimit r ;
  if (geteuid()) strerr_dief1x(100, "needs root: it makes namespaces, mounts and a memory cgroup") ;
  if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_max < 20000)
    strerr_warnw1x("the hard limit of open files is under 20,000: large loads will fail for some") ;
}

static int scan_load (char const *s, struct load *load)
{
  size_t n = uint_scan(s, &load->services) ;
  return n && s[n] == ',' && uint0_scan(s + n + 1, &load->scripts) && load->services ;
}

static void parse_options (int *argc, char const *const **argv, char const **only)
{
  subgetopt l = SUBGETOPT_ZERO ;
  for (;;)
  {
    int opt = subgetopt_r(*argc, *argv, "qr:c:t:l:k:z:o:", &l) ;
    if (opt == -1) break ;
    switch (opt)
    {
      case 'q' : plan.quick = 1 ; plan.reps = 3 ; break ;
      case 'r' : if (!uint0_scan(l.arg, &plan.reps) || !plan.reps || plan.reps > REPS_MAX) strerr_dieusage(100, USAGE) ; break ;
      case 'c' : *only = l.arg ; break ;
      case 't' : plan.parts = l.arg ; break ;
      case 'l' : if (!scan_load(l.arg, &plan.load)) strerr_dieusage(100, USAGE) ; break ;
      case 'k' : plan.rootfs = l.arg ; break ;
      case 'z' : plan.tarball = l.arg ; break ;
      case 'o' : plan.out = l.arg ; break ;
      default : strerr_dieusage(100, USAGE) ;
    }
  }
  *argc -= l.ind ;
  *argv += l.ind ;
}

int main (int argc, char const *const *argv)
{
  char const *only = 0 ;
  parse_options(&argc, &argv, &only) ;
  check_limits() ;
  contenders_set_rootfs(plan.rootfs) ;
  contenders_choose(only) ;
  for (int i = 0 ; i < argc ; i++) contender_add(strdup(argv[i])) ;
  container_setup() ;
  run_parts() ;
  report_all() ;
  return 0 ;
}
