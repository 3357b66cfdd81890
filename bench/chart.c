/* ISC license. */

/* results.svg: one panel a figure, one bar a contender, on a log scale. Colours follow the reader's light or dark. */

#include <math.h>
#include <string.h>

#include "bench.h"

#define COLUMNS 2
#define PANEL_WIDTH 470
#define BAR_LEFT 96    /* room for the names */
#define BAR_WIDTH 280  /* of the longest bar; its value stands behind it */
#define BAR_STEP 19
#define BAR_HEIGHT 13
#define PANEL_HEAD 30
#define PANEL_FOOT 34
#define HEAD 58

static struct { enum figure figure ; struct load load ; } const panels[] =
{
  { BOOT, { 1, 0, KIND_STATIC } }, { BOOT, { 10, 10, KIND_STATIC } }, { BOOT, { 1000, 0, KIND_STATIC } }, { STOP, { 10, 10, KIND_STATIC } },
  { RESTART, { 10, 0, KIND_STATIC } }, { ZOMBIES, { 1, 0, KIND_STATIC } }, { MEMORY_ABOVE, { 10, 0, KIND_STATIC } }, { PROCESSES, { 10, 0, KIND_STATIC } },
} ;
#define PANELS (sizeof panels / sizeof *panels)

struct scale { double low, high ; } ; /* powers of ten of the unit: ns, kB, one */

static struct scale scale_of (struct row const *r)
{
  double min = INFINITY, max = 0, unit = figures[r->figure].unit == UNIT_BYTES ? 1024 : 1 ;
  struct scale s ;
  for (unsigned int c = 0 ; c < contender_count ; c++)
  {
    double v = summary_of(r, c).median ;
    if (isnan(v) || v <= 0) continue ;
    if (v < min) min = v ;
    if (v > max) max = v ;
  }
  if (!max) return (struct scale){ 1, 10 } ;
  s.low = unit * pow(10, floor(log10(min * 0.7 / unit))) ; /* the shortest bar is still a bar */
  s.high = unit * pow(10, ceil(log10(max / unit))) ;
  if (s.high <= s.low) s.high = s.low * 10 ;
  return s ;
}

static double bar_length (struct scale const *s, double v)
{
  if (!(v > s->low)) return 0 ;
  return BAR_WIDTH * log10(v / s->low) / log10(s->high / s->low) ;
}

/* "10 ms" for "10.0 ms" */
static void format_tick (char *s, size_t max, double v, enum unit unit)
{
  char *point, *space ;
  format_value(s, max, v, unit) ;
  point = strchr(s, '.') ;
  space = strchr(s, ' ') ;
  if (point && space && strspn(point + 1, "0") == (size_t)(space - point - 1)) memmove(point, space, strlen(space) + 1) ;
}

static void draw_grid (FILE *f, struct scale const *s, enum unit unit, unsigned int height)
{
  for (double v = s->low ; v < s->high * 1.5 ; v *= 10)
  {
    double x = BAR_LEFT + bar_length(s, v) ;
    char text[64] ;
    format_tick(text, sizeof text, v, unit) ;
    fprintf(f, "<path class=\"grid\" d=\"M%.1f %d V%u\"/><text class=\"tick\" x=\"%.1f\" y=\"%u\">%s</text>\n",
      x, PANEL_HEAD - 6, PANEL_HEAD + height, x, PANEL_HEAD + height + 13, text) ;
  }
}

static void draw_bar (FILE *f, struct row const *r, unsigned int c, struct scale const *s, unsigned int y)
{
  struct summary v = summary_of(r, c) ;
  char const *name = contenders[c].name ;
  char const *class = !strcmp(name, "keelson") ? "ours" : !strcmp(name, "floor") ? "floor" : "peer" ;
  double length = bar_length(s, v.median) ;
  char text[64] ;
  format_value(text, sizeof text, v.median, figures[r->figure].unit) ;
  fprintf(f, "<text class=\"name%s\" x=\"%d\" y=\"%u\">%s</text>", *class == 'o' ? " strong" : "", BAR_LEFT - 8, y + 11, name) ;
  if (length > 0) fprintf(f, "<rect class=\"%s\" x=\"%d\" y=\"%u\" width=\"%.1f\" height=\"%d\" rx=\"2\"/>", class, BAR_LEFT, y, length, BAR_HEIGHT) ;
  fprintf(f, "<text class=\"value%s\" x=\"%.1f\" y=\"%u\">%s</text>\n", *class == 'o' ? " strong" : "", BAR_LEFT + length + 6, y + 11, text) ;
}

static void draw_panel (FILE *f, unsigned int i, unsigned int panel_height)
{
  struct row const *r = result_row(panels[i].figure, panels[i].load.services, panels[i].load.scripts, panels[i].load.kind) ;
  unsigned int height = contender_count * BAR_STEP ;
  struct scale s ;
  char load[64] ;
  if (!r) return ;
  s = scale_of(r) ;
  format_load(load, sizeof load, &panels[i].load) ;
  fprintf(f, "<g transform=\"translate(%u %u)\">\n<text class=\"title\" x=\"%d\" y=\"14\">%s: %s</text>\n",
    i % COLUMNS * PANEL_WIDTH, HEAD + i / COLUMNS * panel_height, BAR_LEFT, figures[r->figure].title, load) ;
  draw_grid(f, &s, figures[r->figure].unit, height) ;
  for (unsigned int c = 0 ; c < contender_count ; c++) draw_bar(f, r, c, &s, PANEL_HEAD + c * BAR_STEP) ;
  fputs("</g>\n", f) ;
}

static char const style[] =
  "<style>\n"
  "text { font: 12px system-ui, -apple-system, \"Segoe UI\", \"DejaVu Sans\", sans-serif; fill: #1f2328; }\n"
  ".head { font-size: 16px; font-weight: 600; } .title { font-size: 13px; font-weight: 600; } .strong { font-weight: 600; }\n"
  ".tick { font-size: 10px; text-anchor: middle; } .name { text-anchor: end; } .grid { stroke-width: 1; fill: none; stroke: #d1d9e0; }\n"
  ".paper { fill: #ffffff; } .sub, .tick { fill: #59636e; } .ours { fill: #0969da; } .peer { fill: #a9b4c0; } .floor { fill: #d9a441; }\n"
  "@media (prefers-color-scheme: dark) {\n"
  "text { fill: #f0f6fc; } .paper { fill: #0d1117; } .sub, .tick { fill: #9198a1; } .grid { stroke: #3d444d; }\n"
  ".ours { fill: #4493f8; } .peer { fill: #59636e; } .floor { fill: #b8862b; }\n"
  "}\n"
  "</style>\n" ;

void chart_write (FILE *f, struct occasion const *o)
{
  unsigned int panel_height = PANEL_HEAD + contender_count * BAR_STEP + PANEL_FOOT ;
  unsigned int width = COLUMNS * PANEL_WIDTH, height = HEAD + (PANELS + COLUMNS - 1) / COLUMNS * panel_height ;
  fprintf(f, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %u %u\" width=\"%u\" height=\"%u\" role=\"img\" aria-label=\"keelson beside its peers\">\n%s"
    "<rect class=\"paper\" width=\"100%%\" height=\"100%%\" rx=\"6\"/>\n"
    "<text class=\"head\" x=\"16\" y=\"26\">keelson, the floor and their peers: shorter is better, log scale</text>\n"
    "<text class=\"sub\" x=\"16\" y=\"44\">medians; %s; %s</text>\n", width, height, width, height, style, o->date, o->machine) ;
  for (unsigned int i = 0 ; i < PANELS ; i++) draw_panel(f, i, panel_height) ;
  fputs("</svg>\n", f) ;
}
