/* ISC license. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <skalibs/strerr.h>

#include "bench.h"

struct figure_info const figures[FIGURES] =
{
  [BOOT] = { "boot", "boot", UNIT_NS, 1 },
  [STOP] = { "stop", "stop", UNIT_NS, 1 },
  [RESTART] = { "restart", "restart of a killed service", UNIT_NS, 1 },
  [PROCESSES] = { "processes", "processes beside the services", UNIT_COUNT, 0 },
  [MEMORY] = { "memory", "memory of the whole container, kernel side included", UNIT_BYTES, 0 },
  [MEMORY_ABOVE] = { "memory_above_floor", "memory above the floor's, kernel side included", UNIT_BYTES, 0 },
  [MEMORY_STEP] = { "memory_per_service", "memory for each further service, the floor's taken off", UNIT_BYTES, 0 },
  [MEMORY_STEP_TMPFS] = { "memory_per_service_tmpfs", "- of it tmpfs inodes and pages", UNIT_BYTES, 0 },
  [MEMORY_PRIVATE] = { "memory_private", "- its processes: private", UNIT_BYTES, 0 },
  [MEMORY_TABLES] = { "memory_page_tables", "- its processes: page tables", UNIT_BYTES, 0 },
  [MEMORY_STACKS] = { "memory_kernel_stacks", "- its processes: kernel stacks", UNIT_BYTES, 0 },
  [MEMORY_TMPFS] = { "memory_tmpfs", "- tmpfs inodes and pages that it made", UNIT_BYTES, 0 },
  [ZOMBIES] = { "zombies", "20,000 zombies reaped", UNIT_NS, 1 },
  [WAKEUPS] = { "idle_wakeups", "idle: wake-ups in 10 s", UNIT_COUNT, 0 },
  [CPU] = { "idle_cpu", "idle: CPU in 10 s", UNIT_NS, 0 },
  [STATUS] = { "status", "state of every service by its own client", UNIT_NS, 0 },
  [FORKS] = { "forks", "forks of a boot", UNIT_COUNT, 0 },
  [EXECS] = { "execs", "execs of a boot", UNIT_COUNT, 0 },
  [CALLS_BOOT] = { "calls_boot", "system calls of a boot", UNIT_COUNT, 0 },
  [CALLS_START] = { "calls_start", "system calls: one more service at boot", UNIT_COUNT, 0 },
  [CALLS_RESTART] = { "calls_restart", "system calls: restart of one", UNIT_COUNT, 0 },
  [CALLS_STOP] = { "calls_stop", "system calls: one more service at the stop", UNIT_COUNT, 0 },
  [TARBALL] = { "compressed", "compressed size", UNIT_BYTES, 0 },
  [INSTALLED] = { "installed", "installed size", UNIT_BYTES, 0 },
} ;

struct row rows[ROWS_MAX] ;
unsigned int row_count ;

/* ---------------------------------------------------------------- samples */

static int same_load (struct load const *a, unsigned int services, unsigned int scripts, enum kind kind)
{
  return a->services == services && a->scripts == scripts && a->kind == kind ;
}

static struct row *find_row (enum figure figure, unsigned int services, unsigned int scripts, enum kind kind)
{
  for (unsigned int i = 0 ; i < row_count ; i++)
    if (rows[i].figure == figure && same_load(&rows[i].load, services, scripts, kind)) return rows + i ;
  return 0 ;
}

static struct row *new_row (enum figure figure, struct load const *load)
{
  struct row *r = rows + row_count ;
  if (row_count++ == ROWS_MAX) strerr_dief1x(101, "too many rows of results") ;
  r->figure = figure ;
  r->load = *load ;
  for (unsigned int c = 0 ; c < CONTENDERS_MAX ; c++)
    for (unsigned int i = 0 ; i < REPS_MAX ; i++) r->value[c][i] = NAN ;
  return r ;
}

void result_add (enum figure figure, struct load const *load, unsigned int contender, unsigned int rep, double value)
{
  struct row *r = find_row(figure, load->services, load->scripts, load->kind) ;
  if (!r) r = new_row(figure, load) ;
  if (r->reps <= rep) r->reps = rep + 1 ;
  r->value[contender][rep] = value ;
}

struct row const *result_row (enum figure figure, unsigned int services, unsigned int scripts, enum kind kind)
{
  return find_row(figure, services, scripts, kind) ;
}

int contender_index (char const *name)
{
  for (unsigned int i = 0 ; i < contender_count ; i++)
    if (!strcmp(contenders[i].name, name)) return (int)i ;
  return -1 ;
}

/* ---------------------------------------------------------------- summaries */

static int compare (void const *a, void const *b)
{
  double x = *(double const *)a, y = *(double const *)b ;
  return (x > y) - (x < y) ;
}

static struct summary summarize (double *v, unsigned int n)
{
  struct summary s = { .n = n, .median = NAN, .min = NAN, .max = NAN } ;
  if (!n) return s ;
  qsort(v, n, sizeof *v, &compare) ;
  s.min = v[0] ;
  s.max = v[n - 1] ;
  s.median = n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2 ;
  return s ;
}

struct summary summary_of (struct row const *r, unsigned int c)
{
  double v[REPS_MAX] ;
  unsigned int n = 0 ;
  for (unsigned int i = 0 ; r && i < r->reps ; i++)
    if (!isnan(r->value[c][i])) v[n++] = r->value[c][i] ;
  return summarize(v, n) ;
}

struct summary summary_ratio (struct row const *r, unsigned int c, unsigned int base)
{
  double v[REPS_MAX] ;
  unsigned int n = 0 ;
  for (unsigned int i = 0 ; r && i < r->reps ; i++)
    if (!isnan(r->value[c][i]) && r->value[base][i] > 0) v[n++] = r->value[c][i] / r->value[base][i] ;
  return summarize(v, n) ;
}

/* ---------------------------------------------------------------- derived rows */

static void derive_above (struct row const *r, unsigned int floor)
{
  for (unsigned int c = 0 ; c < contender_count ; c++)
    for (unsigned int i = 0 ; i < r->reps ; i++)
      if (c != floor && !isnan(r->value[c][i]) && !isnan(r->value[floor][i]))
        result_add(MEMORY_ABOVE, &r->load, c, i, r->value[c][i] - r->value[floor][i]) ;
}

/* What each further service costs: from the medians of the smallest and the largest load. */
static void derive_step (enum figure from, enum figure to)
{
  struct row const *few = 0, *many = 0 ;
  struct load load ;
  for (unsigned int i = 0 ; i < row_count ; i++)
    if (rows[i].figure == from)
    {
      if (!few || rows[i].load.services < few->load.services) few = rows + i ;
      if (!many || rows[i].load.services > many->load.services) many = rows + i ;
    }
  if (few == many) return ;
  load = many->load ;
  for (unsigned int c = 0 ; c < contender_count ; c++)
  {
    struct summary a = summary_of(few, c), b = summary_of(many, c) ;
    if (a.n && b.n) result_add(to, &load, c, 0, (b.median - a.median) / (load.services - few->load.services)) ;
  }
}

void results_derive (void)
{
  int floor = contender_index("floor") ;
  unsigned int n = row_count ;
  if (floor < 0) return ;
  for (unsigned int i = 0 ; i < n ; i++)
    if (rows[i].figure == MEMORY) derive_above(rows + i, (unsigned int)floor) ;
  derive_step(MEMORY_ABOVE, MEMORY_STEP) ;
  derive_step(MEMORY_TMPFS, MEMORY_STEP_TMPFS) ;
}
