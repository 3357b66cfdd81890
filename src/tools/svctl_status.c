/* ISC license. */

/* svctl status: the scanner in one line, then a table of services. */

#include <string.h>

#include <skalibs/genalloc.h>
#include <skalibs/strerr.h>

#include "svscan.h"
#include "listen.h"
#include "svctl.h"

/* ---- the first line */

static void put_count (stralloc *sa, uint64_t n, char const *one, char const *more)
{
  text_n(sa, (int64_t)n) ;
  text_s(sa, n == 1 ? one : more) ;
}

static void put_boot (stralloc *sa, struct view const *v, struct global const *g)
{
  struct header const *h = v->h ;
  if (g->stop)
  {
    text_s(sa, "stopping for ") ;
    text_age(sa, mono_now() - g->stop_started) ;
    text_s(sa, ": ") ;
    words_stop(sa, v, g->cause, g->cause_code, g->cause_slot) ;
  }
  else if (h->boot_ready)
  {
    text_s(sa, "booted in ") ;
    text_age(sa, h->boot_ready - h->boot_started) ;
  }
  else
  {
    text_s(sa, "booting: ") ;
    text_s(sa, step_name((enum step)g->step)) ;
    if (g->script[0]) text_s(sa, " ") ;
    text_shown(sa, g->script) ;
  }
}

static void put_scanner (stralloc *sa, struct view const *v)
{
  struct global g ;
  view_global(v, &g) ;
  text_s(sa, v->h->container ? "container: pid " : "scanner: pid ") ;
  text_n(sa, v->pid) ;
  text_s(sa, ", up ") ;
  text_age(sa, mono_now() - v->h->boot_started) ;
  text_s(sa, ", ") ;
  put_boot(sa, v, &g) ;
  if (g.generation)
  {
    text_s(sa, ", generation ") ;
    text_n(sa, g.generation) ;
  }
  text_s(sa, v->pid == 1 ? ", PID 1 survived " : ", it survived ") ;
  put_count(sa, v->h->faults, " fault", " faults") ;
  put_count((text_s(sa, ", "), sa), v->h->reexecs, " re-exec", " re-execs") ;
  text_s(sa, "\n") ;
}

/* Without a ledger the columns that only it knows stay empty: say why. */
static void put_no_scanner (stralloc *sa, struct view const *v)
{
  text_s(sa, "scanner: in ") ;
  text_s(sa, v->dir) ;
  text_s(sa, "; seen by its files only: ") ;
  text_s(sa, v->why) ;
  text_s(sa, "\n") ;
}

/* ---- the table */

static void put_name (stralloc *sa, struct item const *it) { text_shown(sa, it->name) ; }

static void put_state (stralloc *sa, struct item const *it)
{
  text_s(sa, item_state_name(it)) ;
}

static void put_pid (stralloc *sa, struct item const *it)
{
  if (it->pid) text_n(sa, it->pid) ;
  else text_s(sa, "-") ;
}

static void put_age (stralloc *sa, struct item const *it) { text_age(sa, it->age) ; }

static void put_ready (stralloc *sa, struct item const *it)
{
  text_s(sa, !it->notifies || !item_is_up(it) ? "-" : it->ready ? "yes" : "no") ;
}

static void put_restarts (stralloc *sa, struct item const *it)
{
  if (it->restarts == UNKNOWN) text_s(sa, "-") ;
  else text_n(sa, it->restarts) ;
}

static struct { char const *title ; void (*put) (stralloc *, struct item const *) ; int right ; } const columns[] =
{
  { "NAME", &put_name, 0 }, { "STATE", &put_state, 0 }, { "PID", &put_pid, 1 }, { "FOR", &put_age, 0 },
  { "READY", &put_ready, 0 }, { "RESTARTS", &put_restarts, 1 }, { "LAST EXIT", &words_last, 0 }
} ;

#define COLUMNS (sizeof columns / sizeof columns[0])
#define STATE_COLUMN 1

/* All cells one behind the other, row by row, and where each begins. */
struct cells { stralloc text ; genalloc at ; size_t width[COLUMNS] ; } ;

static void cell_begins (struct cells *c)
{
  if (!genalloc_append(size_t, &c->at, &c->text.len)) listen_diefusys(EXIT_SYSTEM, "allocate memory") ;
}

static void cell_ends (struct cells *c, size_t column)
{
  size_t start = genalloc_s(size_t, &c->at)[genalloc_len(size_t, &c->at) - 1] ;
  size_t width = text_width(c->text.s + start, c->text.len - start) ;
  if (width > c->width[column]) c->width[column] = width ;
}

static void fill (struct cells *c, struct item *const *items)
{
  for (size_t j = 0 ; j < COLUMNS ; j++)
  {
    cell_begins(c) ;
    text_s(&c->text, columns[j].title) ;
    cell_ends(c, j) ;
  }
  for (; *items ; items++)
    for (size_t j = 0 ; j < COLUMNS ; j++)
    {
      cell_begins(c) ;
      (*columns[j].put)(&c->text, *items) ;
      cell_ends(c, j) ;
    }
  cell_begins(c) ;
}

static char const *colour_of (struct item const *it)
{
  static char const *const red = "\033[31m", *const green = "\033[32m", *const yellow = "\033[33m" ;
  if (item_has_failed(it)) return red ;
  if (item_is_reached(it) && !it->paused) return it->notifies && !it->ready ? yellow : green ;
  return it->state == DOWN ? "\033[2m" : yellow ;
}

static void put_cell (stralloc *sa, struct cells const *c, size_t i, char const *colour)
{
  size_t const *at = genalloc_s(size_t, &c->at) + i ;
  size_t column = i % COLUMNS, len = at[1] - at[0] ;
  size_t room = c->width[column] - text_width(c->text.s + at[0], len) ;
  if (columns[column].right) text_spaces(sa, room) ;
  if (colour) text_s(sa, colour) ;
  if (!stralloc_catb(sa, c->text.s + at[0], len)) listen_diefusys(EXIT_SYSTEM, "allocate memory") ;
  if (colour) text_s(sa, "\033[0m") ;
  if (column == COLUMNS - 1) text_s(sa, "\n") ;
  else text_spaces(sa, columns[column].right ? 2 : room + 2) ;
}

#define ROW 160   /* bytes of a usual row and some */

static void put_table (stralloc *sa, struct item *const *items)
{
  struct cells c = { .text = STRALLOC_ZERO, .at = GENALLOC_ZERO } ;
  int colours = text_colours() ;
  size_t rows = 1 ;
  while (items[rows - 1]) rows++ ;
  text_room(sa, rows * ROW) ;
  text_room(&c.text, rows * ROW) ;
  if (!genalloc_ready(size_t, &c.at, rows * COLUMNS + 1)) listen_diefusys(EXIT_SYSTEM, "allocate memory") ;
  fill(&c, items) ;
  for (size_t i = 0 ; i + 1 < genalloc_len(size_t, &c.at) ; i++)
  {
    size_t row = i / COLUMNS ;
    put_cell(sa, &c, i, colours && row && i % COLUMNS == STATE_COLUMN ? colour_of(items[row - 1]) : 0) ;
  }
  stralloc_free(&c.text) ;
  genalloc_free(size_t, &c.at) ;
}

/* ---- */

static struct item **all_items (struct view const *v)
{
  struct item **items = svctl_alloc((v->n + 1) * sizeof *items) ;
  for (size_t i = 0 ; i < v->n ; i++) items[i] = v->items + i ;
  return items ;
}

static int all_up (struct item *const *items)
{
  for (; *items ; items++) if (!item_is_reached(*items)) return 0 ;
  return 1 ;
}

int svctl_status (struct call *c)
{
  stralloc page = STRALLOC_ZERO ;
  struct item **items ;
  view_read(&c->view) ;
  view_remnants(&c->view) ;
  items = c->n ? view_select(&c->view, c->names, c->n) : all_items(&c->view) ;
  if (c->json) json_status(&page, &c->view, items) ;
  else
  {
    if (c->view.h) put_scanner(&page, &c->view) ;
    else put_no_scanner(&page, &c->view) ;
    put_table(&page, items) ;
  }
  text_flush(&page) ;
  return c->n && !all_up(items) ? EXIT_DOMAIN : EXIT_OK ;
}
