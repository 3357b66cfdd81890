/* ISC license. */

/* svctl log: what the ring of the ledger holds, in words. */

#include <string.h>

#include <skalibs/djbtime.h>
#include <skalibs/genalloc.h>
#include <skalibs/strerr.h>
#include <skalibs/tai.h>

#include "rc.h"
#include "svscan.h"
#include "listen.h"
#include "svctl.h"

#define MILLISECONDS 23     /* of "2026-11-22 05:55:01.123456789" */

/* The ring's times are of the monotonic clock: what they were on the wall clock follows from
   what both say now. */
static void put_time (stralloc *sa, int64_t when)
{
  char text[LOCALTMN_FMT + 1] ;
  localtmn l ;
  tain wall, back ;
  int64_t ns = mono_now() - when ;
  if (ns < 0) ns = 0 ;
  back.sec.x = (uint64_t)(ns / 1000000000) ;
  back.nano = (uint32_t)(ns % 1000000000) ;
  tain_wallclock_read(&wall) ;
  tain_sub(&wall, &wall, &back) ;
  if (!localtmn_from_tain(&l, &wall, 1)) strerr_diefusys(EXIT_SYSTEM, "convert a time to local time") ;
  localtmn_fmt(text, &l) ;
  text[MILLISECONDS] = 0 ;
  text_s(sa, text) ;
  text_s(sa, " ") ;
}

/* ---- the container's records */

static void put_container (stralloc *sa, struct view const *v, struct record const *r)
{
  text_s(sa, v->h->container ? "container: " : "scanner: ") ;
  if (r->to == STEPS)
  {
    struct global g ;
    view_global(v, &g) ;
    text_s(sa, "stop: ") ;
    words_stop(sa, v, r->cause, r->code, g.cause_slot) ;
  }
  else if (r->to == STEP_RUNNING) text_s(sa, "boot is done") ;
  else
  {
    text_s(sa, "boot: ") ;
    text_s(sa, step_name((enum step)r->to)) ;
  }
}

/* ---- a service's records */

static char const *const entered[SERVICE_STATES] =
{
  [WAITING] = "waits for its dependencies", [DOWN] = "down", [BACKOFF] = "will be started again", [UP] = "started",
  [STOPPING] = "its stop script runs", [FINISH] = "its finish runs", [LAST_UP] = "up for the last time",
  [LAST_FINISH] = "its last finish runs", [FATAL] = "given up"
} ;

/* States whose cause says more than their name. */
static int has_reason (struct record const *r)
{
  return (r->to == UP || r->to == DOWN || r->to == FATAL) && why_text((enum why)r->cause)[0] ;
}

static void put_end (stralloc *sa, struct record const *r)
{
  if ((r->from == UP || r->from == STOPPING || r->from == LAST_UP) && r->to != UP && r->to != STOPPING && r->to != LAST_UP)
  {
    text_s(sa, WSTAT(r->code)) ;
    text_s(sa, ", ") ;
  }
  else if (r->from == FINISH || r->from == LAST_FINISH) text_s(sa, "finish over, ") ;
  else if (r->from == STOPPING && r->to == UP) text_s(sa, "stop script over, ") ;
}

static void put_oneshot (stralloc *sa, struct record const *r)
{
  text_s(sa, oneshot_state_name(r->to)) ;
  if (r->to != ONESHOT_FAILED) return ;
  text_s(sa, ": ") ;
  text_s(sa, WSTAT(r->code)) ;
}

static void put_service (stralloc *sa, struct view const *v, struct record const *r)
{
  char const *name = view_slot_name(v, r->slot) ;
  text_shown(sa, name ? name : "?") ;
  text_s(sa, ": ") ;
  if (view_slot_kind(v, r->slot) == SLOT_ONESHOT) put_oneshot(sa, r) ;
  else if (r->cause == WHY_READY) text_s(sa, "ready") ;
  else
  {
    put_end(sa, r) ;
    if (r->from == STOPPING && r->to == UP) text_s(sa, "its down-signal is sent") ;
    else text_s(sa, r->to < SERVICE_STATES ? entered[r->to] : "damaged") ;
    if (!has_reason(r)) return ;
    text_s(sa, ": ") ;
    text_s(sa, why_text((enum why)r->cause)) ;
  }
}

/* ---- */

static int is_wanted (struct call const *c, struct item *const *items, struct record const *r)
{
  if (!c->n) return 1 ;
  for (; *items ; items++) if ((*items)->slot == r->slot) return 1 ;
  return 0 ;
}

int svctl_log (struct call *c)
{
  struct view *v = &c->view ;
  stralloc page = STRALLOC_ZERO ;
  genalloc chosen = GENALLOC_ZERO ;   /* struct record */
  struct item **items ;
  struct record r ;
  size_t n ;
  if (!v->h) strerr_dief(EXIT_DOMAIN, "there is no log of ", v->dir, ": ", v->why) ;
  view_read(v) ;
  items = view_select(v, c->names, c->n) ;
  for (uint32_t serial = view_oldest(v) ; serial < v->h->serial ; serial++)
    if (view_record(v, serial, &r) && is_wanted(c, items, &r) && !genalloc_append(struct record, &chosen, &r))
      strerr_diefusys(EXIT_SYSTEM, "allocate memory") ;
  n = genalloc_len(struct record, &chosen) ;
  for (size_t i = c->count && c->count < n ? n - c->count : 0 ; i < n ; i++)
  {
    struct record const *x = genalloc_s(struct record, &chosen) + i ;
    put_time(&page, x->when) ;
    if (x->slot == NO_SLOT) put_container(&page, v, x) ;
    else put_service(&page, v, x) ;
    text_s(&page, "\n") ;
  }
  text_flush(&page) ;
  return EXIT_OK ;
}
