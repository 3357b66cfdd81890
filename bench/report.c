/* ISC license. */

#include <math.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

/* ---------------------------------------------------------------- formats */

static void format_scaled (char *s, size_t max, double v, double step, char const *const *names, unsigned int n)
{
  unsigned int i = 0 ;
  while (i + 1 < n && fabs(v) >= step * 0.9995) /* 999.6 us is 1 ms */
  {
    v /= step ;
    i++ ;
  }
  snprintf(s, max, "%.*f %s", fabs(v) < 0.05 || (!i && step == 1024) ? 0 : fabs(v) < 9.995 ? 2 : fabs(v) < 99.95 ? 1 : 0, v, names[i]) ;
}

void format_value (char *s, size_t max, double v, enum unit unit)
{
  static char const *const times[] = { "ns", "µs", "ms", "s" } ;
  static char const *const sizes[] = { "B", "kB", "MB" } ;
  if (isnan(v)) snprintf(s, max, "–") ;
  else if (unit == UNIT_NS && fabs(v) < 0.5) snprintf(s, max, "0") ;
  else if (unit == UNIT_NS) format_scaled(s, max, v, 1000, times, 4) ;
  else if (unit == UNIT_BYTES) format_scaled(s, max, v, 1024, sizes, 3) ;
  else snprintf(s, max, "%.*f", v == floor(v) ? 0 : 1, v) ;
}

void format_load (char *s, size_t max, struct load const *l)
{
  int n ;
  if (!l->services)
  {
    *s = 0 ;
    return ;
  }
  n = snprintf(s, max, "%u service%s", l->services, l->services == 1 ? "" : "s") ;
  if (l->kind != KIND_STATIC && (size_t)n < max) n += snprintf(s + n, max - (size_t)n, " (%s)", kind_names[l->kind]) ;
  if (l->scripts && (size_t)n < max) snprintf(s + n, max - (size_t)n, ", %u scripts", l->scripts) ;
}

/* Bytes above 127 that begin no character: what to add to a width of printf. */
static int padding (char const *s)
{
  int n = 0 ;
  for (; *s ; s++) n += ((unsigned char)*s & 0xC0) == 0x80 ;
  return n ;
}

static void print_cell (FILE *f, char const *s, int width)
{
  fprintf(f, "%*s", width + padding(s), s) ;
}

/* ---------------------------------------------------------------- the occasion */

static void first_line (char const *command, char *s, size_t max)
{
  FILE *f = popen(command, "r") ;
  *s = 0 ;
  if (!f) return ;
  if (fgets(s, (int)max, f)) s[strcspn(s, "\n")] = 0 ;
  pclose(f) ;
}

void occasion_fill (struct occasion *o)
{
  char cpu[96], system[96], command[160] ;
  struct utsname u ;
  time_t now = time(0) ;
  struct tm tm ;
  strftime(o->date, sizeof o->date, "%Y-%m-%d", gmtime_r(&now, &tm)) ;
  first_line("sed -n 's/^model name[^:]*: //p' /proc/cpuinfo", cpu, sizeof cpu) ;
  first_line(". /etc/os-release && echo $PRETTY_NAME", system, sizeof system) ;
  uname(&u) ;
  snprintf(o->machine, sizeof o->machine, "%ld × %s, %ld GiB, Linux %.32s, %s", sysconf(_SC_NPROCESSORS_ONLN), *cpu ? cpu : u.machine,
    (sysconf(_SC_PHYS_PAGES) / 1024 * (sysconf(_SC_PAGESIZE) / 1024) + 512) / 1024, u.release, system) ;
  for (unsigned int i = 0 ; i < contender_count ; i++)
  {
    if (!contenders[i].package) continue ;
    snprintf(command, sizeof command, "dpkg-query -W -f '${Version}\\n' %s", contenders[i].package) ;
    first_line(command, o->version[i], sizeof o->version[i]) ;
  }
}

/* ---------------------------------------------------------------- table */

static void print_line (FILE *f, struct row const *r, unsigned int c, int floor)
{
  struct figure_info const *figure = figures + r->figure ;
  struct summary s = summary_of(r, c) ;
  double v[3] = { s.median, s.min, s.max } ;
  char text[64] ;
  if (!s.n) return ;
  fprintf(f, "  %-14s", contenders[c].name) ;
  for (unsigned int i = 0 ; i < 3 ; i++)
  {
    format_value(text, sizeof text, v[i], figure->unit) ;
    print_cell(f, text, 12) ;
  }
  if (figure->ratio && floor >= 0)
  {
    struct summary ratio = summary_ratio(r, c, (unsigned int)floor) ;
    if (ratio.n) fprintf(f, "%12.2f  (%.2f–%.2f)", ratio.median, ratio.min, ratio.max) ;
  }
  if (s.n < r->reps) fprintf(f, "  (%u rounds)", s.n) ;
  fputc('\n', f) ;
}

void report_table (FILE *f)
{
  int floor = contender_index("floor") ;
  for (enum figure figure = 0 ; figure < FIGURES ; figure++)
    for (unsigned int i = 0 ; i < row_count ; i++)
    {
      char load[64] ;
      if (rows[i].figure != figure) continue ;
      format_load(load, sizeof load, &rows[i].load) ;
      fprintf(f, "\n%s%s%s, %u round%s\n  %-14s%12s%12s%12s%s\n", figures[figure].title, *load ? ": " : "", load, rows[i].reps,
        rows[i].reps == 1 ? "" : "s", "", "median", "min", "max", figures[figure].ratio ? "     × floor" : "") ;
      for (unsigned int c = 0 ; c < contender_count ; c++) print_line(f, rows + i, c, floor) ;
    }
}

/* ---------------------------------------------------------------- JSON */

static void json_string (FILE *f, char const *s)
{
  fputc('"', f) ;
  for (; *s ; s++)
  {
    if (*s == '"' || *s == '\\') fputc('\\', f) ;
    if ((unsigned char)*s >= ' ') fputc(*s, f) ;
  }
  fputc('"', f) ;
}

static void json_member (FILE *f, char const *name, char const *value)
{
  fprintf(f, "\"%s\": ", name) ;
  json_string(f, value) ;
}

static void json_summary (FILE *f, char const *prefix, struct summary const *s)
{
  fprintf(f, "\"%smedian\": %.10g, \"%smin\": %.10g, \"%smax\": %.10g", prefix, s->median, prefix, s->min, prefix, s->max) ;
}

static void json_results (FILE *f, struct row const *r, int floor)
{
  char const *comma = "" ;
  for (unsigned int c = 0 ; c < contender_count ; c++)
  {
    struct summary s = summary_of(r, c) ;
    if (!s.n) continue ;
    fprintf(f, "%s\n      \"%s\": { \"n\": %u, ", comma, contenders[c].name, s.n) ;
    json_summary(f, "", &s) ;
    if (figures[r->figure].ratio && floor >= 0)
    {
      struct summary ratio = summary_ratio(r, c, (unsigned int)floor) ;
      if (ratio.n) fputs(", ", f) ;
      if (ratio.n) json_summary(f, "ratio_", &ratio) ;
    }
    fputs(" }", f) ;
    comma = "," ;
  }
}

static void json_rows (FILE *f)
{
  static char const *const units[] = { [UNIT_NS] = "ns", [UNIT_BYTES] = "bytes", [UNIT_COUNT] = "count" } ;
  int floor = contender_index("floor") ;
  for (unsigned int i = 0 ; i < row_count ; i++)
  {
    struct row const *r = rows + i ;
    fprintf(f, "%s\n    { \"figure\": \"%s\", \"unit\": \"%s\", \"services\": %u, \"scripts\": %u, \"kind\": \"%s\", \"results\": {",
      i ? "," : "", figures[r->figure].id, units[figures[r->figure].unit], r->load.services, r->load.scripts, kind_names[r->load.kind]) ;
    json_results(f, r, floor) ;
    fputs(" } }", f) ;
  }
}

static void json_goals (FILE *f)
{
  struct verdict v[GOALS_MAX] ;
  unsigned int n = goals_check(v) ;
  for (unsigned int i = 0 ; i < n ; i++)
  {
    fprintf(f, "%s\n    { ", i ? "," : "") ;
    json_member(f, "figure", v[i].figure) ;
    fputs(", ", f) ;
    json_member(f, "goal", v[i].goal) ;
    fputs(", ", f) ;
    json_member(f, "measured", v[i].got) ;
    fprintf(f, ", \"met\": %s }", v[i].met < 0 ? "null" : v[i].met ? "true" : "false") ;
  }
}

static void json_contenders (FILE *f, struct occasion const *o)
{
  for (unsigned int i = 0 ; i < contender_count ; i++)
  {
    fprintf(f, "%s\n    { ", i ? "," : "") ;
    json_member(f, "name", contenders[i].name) ;
    fputs(", ", f) ;
    json_member(f, "version", o->version[i]) ;
    fputs(", ", f) ;
    json_member(f, "init", contenders[i].init) ;
    fputs(", ", f) ;
    json_member(f, "remark", contenders[i].remark) ;
    fputs(" }", f) ;
  }
}

void report_json (FILE *f, struct occasion const *o)
{
  fputs("{\n  ", f) ;
  json_member(f, "date", o->date) ;
  fputs(",\n  ", f) ;
  json_member(f, "machine", o->machine) ;
  fprintf(f, ",\n  \"quick\": %s,\n  \"rounds\": %u,\n  \"contenders\": [", o->quick ? "true" : "false", o->reps) ;
  json_contenders(f, o) ;
  fputs("\n  ],\n  \"rows\": [", f) ;
  json_rows(f) ;
  fputs("\n  ],\n  \"goals\": [", f) ;
  json_goals(f) ;
  fputs("\n  ]\n}\n", f) ;
}

/* ---------------------------------------------------------------- the README's section */

/* What the README shows: a figure and a load. Whoever wants all of it reads results.json. */
static struct { enum figure figure ; struct load load ; } const shown[] =
{
  { BOOT, { 1, 0, KIND_STATIC } }, { BOOT, { 5, 5, KIND_STATIC } }, { BOOT, { 10, 10, KIND_STATIC } }, { BOOT, { 50, 10, KIND_STATIC } },
  { BOOT, { 1000, 0, KIND_STATIC } }, { BOOT, { 10, 0, KIND_SH } }, { BOOT, { 10, 0, KIND_WITHCONTENV } }, { BOOT, { 10, 0, KIND_EXECLINEB } },
  { STOP, { 10, 10, KIND_STATIC } }, { STOP, { 1000, 0, KIND_STATIC } }, { RESTART, { 10, 0, KIND_STATIC } },
  { PROCESSES, { 10, 0, KIND_STATIC } }, { MEMORY_ABOVE, { 10, 0, KIND_STATIC } }, { MEMORY_STEP, { 1000, 0, KIND_STATIC } },
  { ZOMBIES, { 1, 0, KIND_STATIC } }, { WAKEUPS, { 1000, 0, KIND_STATIC } }, { CPU, { 1000, 0, KIND_STATIC } }, { STATUS, { 1000, 0, KIND_STATIC } },
  { FORKS, { 10, 10, KIND_STATIC } }, { EXECS, { 10, 10, KIND_STATIC } }, { CALLS_START, { 10, 0, KIND_STATIC } }, { CALLS_RESTART, { 10, 0, KIND_STATIC } },
  { CALLS_STOP, { 10, 0, KIND_STATIC } }, { TARBALL, { 0, 0, KIND_STATIC } }, { INSTALLED, { 0, 0, KIND_STATIC } },
} ;

static void markdown_row (FILE *f, struct row const *r)
{
  char text[64] ;
  format_load(text, sizeof text, &r->load) ;
  fprintf(f, "| %s%s%s |", figures[r->figure].title, *text ? ", " : "", text) ;
  for (unsigned int c = 0 ; c < contender_count ; c++)
  {
    int ours = !strcmp(contenders[c].name, "keelson") ;
    format_value(text, sizeof text, summary_of(r, c).median, figures[r->figure].unit) ;
    fprintf(f, " %s%s%s |", ours ? "**" : "", text, ours ? "**" : "") ;
  }
  fputc('\n', f) ;
}

static void markdown_table (FILE *f)
{
  fputs("| median of the runs |", f) ;
  for (unsigned int c = 0 ; c < contender_count ; c++) fprintf(f, " %s |", contenders[c].name) ;
  fputs("\n|---|", f) ;
  for (unsigned int c = 0 ; c < contender_count ; c++) fputs("--:|", f) ;
  fputc('\n', f) ;
  for (unsigned int i = 0 ; i < sizeof shown / sizeof *shown ; i++)
  {
    struct row const *r = result_row(shown[i].figure, shown[i].load.services, shown[i].load.scripts, shown[i].load.kind) ;
    if (r) markdown_row(f, r) ;
  }
}

static void markdown_goals (FILE *f)
{
  struct verdict v[GOALS_MAX] ;
  unsigned int n = goals_check(v) ;
  fputs("\n| our goal | | measured | |\n|---|---|---|---|\n", f) ;
  for (unsigned int i = 0 ; i < n ; i++)
    fprintf(f, "| %s | %s | %s | %s |\n", v[i].figure, v[i].goal, v[i].got, v[i].met < 0 ? "not measured" : v[i].met ? "met" : "**missed**") ;
}

void report_readme (FILE *f, struct occasion const *o)
{
  fprintf(f, "Measured on %s on %s; %u interleaved rounds%s. “floor” is a PID 1 that only clones and executes the same\n"
    "programs: what the kernel charges. How it is measured: [doc/performance.md](doc/performance.md); every figure with its\n"
    "spread: [bench/results.json](bench/results.json).\n\n"
    "![boot, stop, restart, zombies and memory, side by side](bench/results.svg)\n\n", o->date, o->machine, o->reps, o->quick ? " (a quick run)" : "") ;
  markdown_table(f) ;
  fputc('\n', f) ;
  for (unsigned int i = 0 ; i < contender_count ; i++)
    fprintf(f, "- %s%s%s: %s\n", contenders[i].name, *o->version[i] ? " " : "", o->version[i], contenders[i].remark) ;
  markdown_goals(f) ;
}
