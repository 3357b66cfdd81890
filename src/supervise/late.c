/* ISC license. */

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "late.h"

/* ---- the queue: a ring; a slot is in it once, so it never holds more than there are */

static struct { uint32_t *ring ; uint8_t *queued ; uint32_t head, n, room ; } late ;

int late_room (uint32_t n)
{
  uint32_t *ring ;
  uint8_t *queued ;
  if (n <= late.room) return 0 ;
  n = TABLE_ROOM(n, late.room) ;
  queued = table_grow(late.queued, late.room, n) ;
  if (!queued) return -1 ;
  late.queued = queued ;
  ring = malloc(n * sizeof *ring) ;
  if (!ring) return -1 ;
  for (uint32_t i = 0 ; i < late.n ; i++) ring[i] = late.ring[(late.head + i) % late.room] ;
  free(late.ring) ;
  late.ring = ring ;
  late.head = 0 ;
  late.room = n ;
  return 0 ;
}

static int owes (uint32_t slot)
{
  return slot_is_service(slot) && slot_owed(slot_at(slot)) & PUT_OFF ;
}

void late_put (uint32_t slot)
{
  if (late.queued[slot] || !owes(slot)) return ;
  late.queued[slot] = 1 ;
  late.ring[(late.head + late.n++) % late.room] = slot ;
}

static uint32_t take (void)
{
  uint32_t slot = late.ring[late.head] ;
  late.head = (late.head + 1) % late.room ;
  late.n-- ;
  late.queued[slot] = 0 ;
  return slot ;
}

/* ---- what could not be published is owed still, and tried again with growing pauses */

#define AGAIN_MIN 50      /* ms */
#define AGAIN_MAX 10000

/* With the errno of a failure. 1: it is tried again; 0: waiting will not help. */
static int try_again (void)
{
  static int64_t last = 0 ;
  static uint32_t pause = AGAIN_MIN ;
  int64_t now = mono_now() ;
  if (!retry_passes(errno)) return 0 ;
  if (last > now) return 1 ;
  /* long after the last time it is another trouble */
  if (now - last > MS(2 * pause)) pause = AGAIN_MIN ;
  else if (pause < AGAIN_MAX) pause *= 2 ;
  last = mono_after(now, MS(pause)) ;
  timer_set(TIMER_PUBLISH, last) ;
  return 1 ;
}

void service_publish_again (void)
{
  for (uint32_t i = 0 ; i < ledger->slots ; i++) late_put(i) ;
}

/* ---- publishing */

static int tell_letters (struct slot const *s)
{
  publish_event(s, slot_now(s)->letters) ;
  return 0 ;
}

static int tell_to_go_on (struct slot const *s)
{
  if (s->run_pid > 1) kill(s->run_pid, SIGCONT) ;
  return 0 ;
}

/* In this order: whoever hears a letter finds the rest written. */
static struct { uint32_t what ; int (*pay) (struct slot const *) ; } const parts[] =
{
  { OWE_CONT, &tell_to_go_on },
  { OWE_TALLY, &publish_death }, { OWE_STATUS, &publish_status }, { OWE_EVENT, &tell_letters }
} ;

void late_pay (uint32_t slot, uint32_t set)
{
  struct slot *s = slot_at(slot) ;
  if (!(slot_owed(s) & set)) return ;
  if (set & PUBLICATION && !s->complete && dir_complete(s) == 0)
  {
    publish_no_deaths(s) ;
    s->complete = 1 ;
  }
  for (size_t i = 0 ; i < sizeof parts / sizeof parts[0] ; i++)
    if (slot_owed(s) & set & parts[i].what && ((*parts[i].pay)(s) == 0 || !try_again())) slot_paid(s, parts[i].what) ;
  dir_done() ;
}

int service_unpublished (void)
{
  return late.n > 0 ;
}

void service_publish (unsigned int max)
{
  for (; max && late.n ; max--)
  {
    uint32_t i = take() ;
    if (!owes(i)) continue ;
    work_on(i, SERVICE_EVENTS) ;
    late_pay(i, PUT_OFF) ;
    work_on(NO_SLOT, 0) ;
  }
}

/* Turns of the loop: with something to do, until a change is published all the same; without, until
   the processor is offered to others again. */
#define BUSY 64
#define QUIET 16

void service_publish_idle (int events)
{
  static unsigned int busy = 0, quiet = 0 ;
  if (!late.n) return ;
  if (events)
  {
    quiet = 0 ;
    if (++busy < BUSY) return ;
  }
  else if (!(quiet++ % QUIET))
  {
    sched_yield() ;
    return ;
  }
  busy = 0 ;
  service_publish(1) ;
}

/* ---- two changes in one */

/* BEFORE in front of D's letters, of which there are MORE. 0 when there is no room, and BEFORE has left now. */
static int join_letters (struct slot const *s, struct slot_state *d, char const *before, size_t more)
{
  size_t room = sizeof d->letters, n = strnlen(before, room) ;
  if (n + more > room)
  {
    publish_event(s, before) ;
    return 0 ;
  }
  memmove(d->letters + n, d->letters, more) ;
  memcpy(d->letters, before, n) ;
  memset(d->letters + n + more, 0, room - n - more) ;
  return 1 ;
}

uint32_t late_join (struct slot const *s, struct slot_state *d, struct slot_state const *before, uint32_t owed)
{
  uint32_t still = slot_owed(s) & PUBLICATION ;
  size_t more = owed & OWE_EVENT ? strnlen(d->letters, sizeof d->letters) : 0 ;
  if (still & OWE_EVENT && !join_letters(s, d, before->letters, more)) still &= ~(uint32_t)OWE_EVENT ;
  return still ;
}
