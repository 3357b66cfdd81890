/* ISC license. */

#include <stdlib.h>

#include "base.h"
#include "late.h"
#include "ledger.h"

/* A ring: a slot is in it once, so it never holds more than there are. */
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

void late_put (uint32_t slot)
{
  if (late.queued[slot]) return ;
  late.queued[slot] = 1 ;
  late.ring[(late.head + late.n++) % late.room] = slot ;
}

uint32_t late_take (void)
{
  uint32_t slot ;
  if (!late.n) return NO_SLOT ;
  slot = late.ring[late.head] ;
  late.head = (late.head + 1) % late.room ;
  late.n-- ;
  late.queued[slot] = 0 ;
  return slot ;
}

int late_any (void)
{
  return late.n > 0 ;
}
