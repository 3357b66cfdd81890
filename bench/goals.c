/* ISC license. */

/* The goals of this project, checked against the same run. Informative: a missed one fails nothing. */

#include <math.h>
#include <string.h>

#include "bench.h"

static unsigned int ours, base ;

/* How a goal is measured; puts the text into v->got and returns the number that is held against the limit. */
struct goal
{
  char const *figure ;
  char const *text ;
  double (*measure) (struct goal const *, struct verdict *) ;
  enum figure what ;
  unsigned int services, scripts ;
  double limit ;
} ;

static double measure_ratio (struct goal const *g, struct verdict *v)
{
  struct row const *r = result_row(g->what, g->services, g->scripts, KIND_STATIC) ;
  struct summary s = summary_of(r, ours), ratio = summary_ratio(r, ours, base) ;
  char text[64] ;
  if (!ratio.n) return NAN ;
  format_value(text, sizeof text, s.median, figures[g->what].unit) ;
  snprintf(v->got, sizeof v->got, "%.2f × floor (%s)", ratio.median, text) ;
  return ratio.median ;
}

static double measure_value (struct goal const *g, struct verdict *v)
{
  struct row const *r = result_row(g->what, g->services, g->scripts, KIND_STATIC) ;
  struct summary s = summary_of(r, ours) ;
  if (!s.n) return NAN ;
  format_value(v->got, sizeof v->got, s.median, figures[g->what].unit) ;
  return s.median ;
}

static double measure_against_s6 (struct goal const *g, struct verdict *v)
{
  struct row const *r = result_row(g->what, g->services, g->scripts, KIND_STATIC) ;
  int s6 = contender_index("s6") ;
  struct summary ratio ;
  if (s6 < 0) return NAN ;
  ratio = summary_ratio(r, ours, (unsigned int)s6) ;
  if (!ratio.n) return NAN ;
  snprintf(v->got, sizeof v->got, "%.2f × s6 (Debian's, dynamic)", ratio.median) ;
  return ratio.median ;
}

static double measure_step (struct goal const *g, struct verdict *v)
{
  struct summary all = summary_of(result_row(MEMORY_STEP, g->services, 0, KIND_STATIC), ours) ;
  struct summary tmpfs = summary_of(result_row(MEMORY_STEP_TMPFS, g->services, 0, KIND_STATIC), ours) ;
  char a[64], b[64], c[64] ;
  if (!all.n || !tmpfs.n) return NAN ;
  format_value(a, sizeof a, all.median, UNIT_BYTES) ;
  format_value(b, sizeof b, tmpfs.median, UNIT_BYTES) ;
  format_value(c, sizeof c, all.median - tmpfs.median, UNIT_BYTES) ;
  snprintf(v->got, sizeof v->got, "%s: %s tmpfs, %s ours", a, b, c) ;
  return g->what == MEMORY_STEP ? all.median : all.median - tmpfs.median ;
}

/* The largest ratio from 100 to 5,000 services: linear means that it does not grow. */
static double measure_linear (struct goal const *g, struct verdict *v)
{
  double worst = NAN ;
  size_t len = 0 ;
  for (unsigned int services = 100 ; services <= g->services ; services += 100)
  {
    struct summary ratio = summary_ratio(result_row(BOOT, services, 0, KIND_STATIC), ours, base) ;
    if (!ratio.n) continue ;
    len += (size_t)snprintf(v->got + len, sizeof v->got - len, "%s%u: %.2f", len ? ", " : "", services, ratio.median) ;
    if (isnan(worst) || ratio.median > worst) worst = ratio.median ;
  }
  return worst ;
}

static double measure_idle (struct goal const *g, struct verdict *v)
{
  struct summary wakeups = summary_of(result_row(WAKEUPS, g->services, 0, KIND_STATIC), ours) ;
  struct summary cpu = summary_of(result_row(CPU, g->services, 0, KIND_STATIC), ours) ;
  char text[64] ;
  if (!wakeups.n || !cpu.n) return NAN ;
  format_value(text, sizeof text, cpu.median, UNIT_NS) ;
  snprintf(v->got, sizeof v->got, "%.0f wake-ups, %s", wakeups.median, text) ;
  return wakeups.median + cpu.median ;
}

static struct goal const goals[] =
{
  { "boot (10,10)", "≤ 1.15 × floor", &measure_ratio, BOOT, 10, 10, 1.15 },
  { "boot (50,10)", "≤ 1.15 × floor", &measure_ratio, BOOT, 50, 10, 1.15 },
  { "boot (1,0)", "≤ 1.5 × floor", &measure_ratio, BOOT, 1, 0, 1.5 },
  { "boot (1,0)", "faster than bare s6-svscan", &measure_against_s6, BOOT, 1, 0, 1 },
  { "boot (1000,0)", "≤ 1.4 × floor", &measure_ratio, BOOT, 1000, 0, 1.4 },
  { "boot, 100 to 5,000 services", "≤ 1.4 × floor at each: linear", &measure_linear, BOOT, 5000, 0, 1.4 },
  { "stop (1,0)", "≤ 2 × floor", &measure_ratio, STOP, 1, 0, 2 },
  { "stop (10,10)", "≤ 2 × floor", &measure_ratio, STOP, 10, 10, 2 },
  { "stop (50,10)", "≤ 2 × floor", &measure_ratio, STOP, 50, 10, 2 },
  { "stop (1000,0)", "≤ 1.3 × floor", &measure_ratio, STOP, 1000, 0, 1.3 },
  { "restart", "≤ 1.3 × floor's own clone+exec", &measure_ratio, RESTART, 10, 0, 1.3 },
  { "processes beside the services", "1", &measure_value, PROCESSES, 10, 0, 1 },
  { "memory, 10 services", "≤ floor + 300 kB", &measure_value, MEMORY_ABOVE, 10, 0, 300 * 1024. },
  { "memory, each further service", "≤ 16 kB", &measure_step, MEMORY_STEP, 1000, 0, 16 * 1024. },
  { "memory, each further service", "≤ 2 kB beside the tmpfs", &measure_step, MEMORY_STEP_TMPFS, 1000, 0, 2 * 1024. },
  { "20,000 zombies", "≤ 1.1 × floor", &measure_ratio, ZOMBIES, 1, 0, 1.1 },
  { "idle, 1,000 services, 10 s", "0 wake-ups, 0 CPU", &measure_idle, WAKEUPS, 1000, 0, 0 },
  { "svctl status, 1,000 services", "≤ 10 ms", &measure_value, STATUS, 1000, 0, 10e6 },
  { "overlay, compressed", "≤ 400 kB", &measure_value, TARBALL, 0, 0, 400 * 1024. },
  { "overlay, unpacked", "≤ 1 MB", &measure_value, INSTALLED, 0, 0, 1024 * 1024. },
} ;

static void check (struct goal const *g, struct verdict *v)
{
  double got ;
  *v = (struct verdict){ .figure = g->figure, .goal = g->text, .met = -1 } ;
  got = (*g->measure)(g, v) ;
  if (!isnan(got)) v->met = got <= g->limit ;
  else strcpy(v->got, "–") ;
}

unsigned int goals_check (struct verdict *v)
{
  unsigned int n = sizeof goals / sizeof *goals ;
  int k = contender_index("keelson"), f = contender_index("floor") ;
  if (k < 0 || f < 0) return 0 ;
  ours = (unsigned int)k ;
  base = (unsigned int)f ;
  for (unsigned int i = 0 ; i < n ; i++) check(goals + i, v + i) ;
  return n ;
}
