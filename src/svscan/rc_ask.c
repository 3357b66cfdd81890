/* ISC license. */

/* What is wanted: by the boot, by an order, by a rescan, by the stop. See rc.h. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rc.h"
#include "rc_internal.h"
#include "svscan.h"

/* ---- a set of nodes is made ready and wanted */

static void lay_out (uint8_t const *set)
{
  for (uint32_t n = 0 ; n < rc.n ; n++)
    if (set[n] && graph_kind_of(GRAPH, n) == GRAPH_LONGRUN && rc.slot[n] == NO_SLOT && !graph_broken(GRAPH, n) && rc_is_to_lay_out(n))
      rc_lay_out(n) ;   /* says what is wrong */
}

/* All longruns are laid out and then taken up at once: the scan directory is read once. */
static void take_up (uint8_t const *set)
{
  lay_out(set) ;
  scan_all() ;
  rc_bind_all() ;
  for (uint32_t n = 0 ; n < rc.n ; n++)
    if (set[n] && graph_kind_of(GRAPH, n) == GRAPH_ONESHOT && !graph_broken(GRAPH, n)) rc_slot_for(n) ;
}

static void fail_hopeless (uint8_t const *set)
{
  for (uint32_t n = 0 ; n < rc.n ; n++)
  {
    uint32_t i = rc.slot[n] ;
    if (!set[n] || !rc_is_atom(n)) continue ;
    if (graph_broken(GRAPH, n)) rc_judge(n, "its definition has an error") ;
    else if (i == NO_SLOT)
    {
      if (!retry_is_due()) rc_judge(n, "it has no place to run in") ;
    }
    else if (slot_at(i)->graph_failed && GRAPH->level[n] == GRAPH_IS_DOWN) rc_fail(n, "it had failed before") ;
  }
}

/* The boot wants the set: what of it has failed already is not tried again. */
static void want_set (uint8_t const *set)
{
  rc.busy++ ;
  take_up(set) ;
  for (uint32_t n = 0 ; n < rc.n ; n++) if (set[n]) rc_want(n, GRAPH_WANT_UP) ;
  fail_hopeless(set) ;
  rc.busy-- ;
  rc_advance() ;
}

/* ---- what a step of the boot itself needs */

static uint8_t *needs_of (char const *builtin)
{
  uint32_t n = rc.n ? graph_find(GRAPH, builtin) : GRAPH_NONE ;
  uint8_t *set = n == GRAPH_NONE ? 0 : rc_set_of(n, GRAPH_UP) ;
  for (n = 0 ; set && n < rc.n ; n++)
    if (graph_kind_of(GRAPH, n) == GRAPH_BUILTIN) set[n] = 0 ;
  return set ;
}

int rc_is_prepared (char const *builtin)
{
  uint8_t *set = needs_of(builtin) ;
  int r = 1 ;
  for (uint32_t n = 0 ; set && r && n < rc.n ; n++) r = !set[n] || graph_settled(GRAPH, n) ;
  free(set) ;
  return r ;
}

int rc_prepare (char const *builtin)
{
  uint8_t *set = needs_of(builtin) ;
  if (!set) return 1 ;
  rc_take_states() ;   /* the step before is done */
  want_set(set) ;
  free(set) ;
  return rc_is_prepared(builtin) ;
}

/* ---- the boot */

void rc_begin (void)
{
  uint8_t *set = 0 ;
  if (rc_read(0, 0) == 0) set = rc_set_of(rc.top, GRAPH_UP) ;
  if (!set)
  {
    say_sys(SAY_ERROR, errno, "unable to read the service definitions: only /etc/services.d is started") ;
    rc_forget() ;
    ledger->dependencies = 0 ;
    scan_all() ;
    return ;
  }
  ledger->dependencies = 1 ;
  want_set(set) ;
  free(set) ;
}

int rc_settled (void)
{
  return !rc.n || rc.top == GRAPH_NONE || graph_settled(GRAPH, rc.top) ;
}

/* What is under way, not what waits behind it. */
char const *rc_pending (void)
{
  static char list[1024] ;
  list[0] = 0 ;
  for (uint32_t n = 0 ; n < rc.n ; n++)
  {
    uint8_t level = GRAPH->level[n] ;
    if (!rc_is_atom(n) || graph_settled(GRAPH, n) || (level != GRAPH_IS_STARTING && level != GRAPH_IS_STARTED)) continue ;
    rc_add_name(list, sizeof list, graph_name(GRAPH, n)) ;
  }
  return list[0] ? list : "nothing that runs" ;
}

/* What the boot would start of what was not there before. */
static void want_new (void)
{
  uint8_t *set = rc_set_of(rc.top, GRAPH_UP) ;
  if (!set) return ;
  for (uint32_t n = 0 ; n < rc.n ; n++)
    if (!rc_is_atom(n) || rc.slot[n] != NO_SLOT || (!rc_is_to_lay_out(n) && access(graph_name(GRAPH, n), F_OK) < 0)) set[n] = 0 ;
  want_set(set) ;
  free(set) ;
}

void rc_resume (void)
{
  if (!ledger->dependencies) return ;
  for (uint32_t i = 0 ; i < ledger->slots ; i++)
    if (slot_at(i)->used && slot_at(i)->kind == SLOT_ONESHOT) oneshot_resume(i) ;
  rc.busy++ ;
  if (rc_read(0, 0) < 0) say_sys(SAY_ERROR, errno, "unable to read the service definitions again: what runs goes on, dependencies are not known") ;
}

void rc_go_on (void)
{
  if (!rc.busy) return ;
  rc_catch_up() ;
  if (rc.n && !global_now()->stop && global_now()->step == STEP_WAIT) want_new() ;   /* what was to be tried again */
  rc.busy-- ;
  rc_advance() ;
}

/* ---- orders */

/* What is wrong with the definitions has been told then. */
static void tell_unread (char const *name, char const *what)
{
  if (errno == EINVAL) say(SAY_ERROR, name, what, "because of the errors above") ;
  else say_sys(SAY_ERROR, errno, name, what, "because they could not be read") ;
}

/* An instance that is not there yet is made of its template. */
static uint32_t find (char const *name, int up)
{
  uint32_t n = rc.n ? graph_find(GRAPH, name) : GRAPH_NONE ;
  if (n != GRAPH_NONE || !rc.n || !up || !strchr(name, '@')) return n ;
  if (rc_read(name, 1) == 0) return graph_find(GRAPH, name) ;
  tell_unread(name, ": not made of its template after a new look at the definitions, ") ;
  return GRAPH_NONE ;
}

/* Whoever asks for a service that had been reached, and went down by itself, means it. */
static void forget_past (uint32_t n)
{
  uint32_t i = rc.slot[n] ;
  if (i == NO_SLOT) return ;
  slot_at(i)->graph_failed = 0 ;
  if (slot_is_service(i) && slot_now(slot_at(i))->state == DOWN) rc_set_level(n, GRAPH_IS_DOWN) ;
}

static void make_slots (uint8_t const *set)
{
  for (uint32_t n = 0 ; n < rc.n ; n++)
    if (set[n] && rc_is_atom(n) && !graph_broken(GRAPH, n)) rc_slot_for(n) ;
  for (uint32_t n = 0 ; n < rc.n ; n++)
    if (set[n] && rc_is_atom(n) && rc.slot[n] != NO_SLOT) slot_at(rc.slot[n])->graph_failed = 0 ;
}

static void change (uint32_t n, int up)
{
  uint8_t *set = rc_set_of(n, up ? GRAPH_UP : GRAPH_DOWN) ;
  if (!set) return ;
  if (up)
  {
    make_slots(set) ;
    forget_past(n) ;
  }
  for (uint32_t k = 0 ; k < rc.n ; k++) if (set[k]) rc_want(k, up ? GRAPH_WANT_UP : GRAPH_WANT_DOWN) ;
  if (up) fail_hopeless(set) ;
  free(set) ;
}

void rc_change (char const *name, int up)
{
  uint32_t n ;
  if (global_now()->stop) return ;
  rc.busy++ ;
  n = find(name, up) ;
  if (n == GRAPH_NONE) say(SAY_WARNING, "there is no service ", name, " to ", up ? "start" : "stop") ;
  else change(n, up) ;
  rc.busy-- ;
  rc_advance() ;
}

/* ---- a rescan */

void rc_rescan (void)
{
  if (!ledger->container || global_now()->stop || global_now()->step < STEP_WAIT || !(ledger->dependencies || rc_wanted()))
  {
    scan_all() ;
    return ;
  }
  boot_services_again() ;
  if (rc_read(0, 1) < 0)
  {
    tell_unread("", "the service definitions stay as they were, ") ;
    scan_all() ;
    return ;
  }
  ledger->dependencies = 1 ;
  want_new() ;
}

/* ---- the stop */

/* What is down stays so; the graph stops the rest in order. */
void rc_halt (void)
{
  rc.busy++ ;
  for (uint32_t n = 0 ; n < rc.n ; n++)
  {
    uint32_t i = rc.slot[n] ;
    if (i != NO_SLOT && slot_is_service(i) && GRAPH->level[n] == GRAPH_IS_DOWN
     && !state_is_live((enum service_state)slot_now(slot_at(i))->state)) service_event(i, EV_HALT, 0) ;
    rc_want(n, GRAPH_WANT_DOWN) ;
  }
  rc.busy-- ;
  rc_advance() ;
}

void rc_abandon_legacy (void)
{
  for (uint32_t n = 0 ; n < rc.n ; n++)
    if (rc_is_atom(n) && !rc_is_s6rc(n)) rc_set_level(n, GRAPH_IS_DOWN) ;
  rc_advance() ;
}

/* What was given up counts as down: see late_to_stop(). */
int rc_all_down (void)
{
  for (uint32_t n = 0 ; n < rc.n ; n++)
    if (rc_is_atom(n) && rc_is_s6rc(n) && GRAPH->level[n] != GRAPH_IS_DOWN) return 0 ;
  return 1 ;
}
