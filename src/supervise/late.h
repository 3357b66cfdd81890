/* ISC license. */

#ifndef KEELSON_LATE_H
#define KEELSON_LATE_H

/*
   What others read of a service (status, death_tally, letters) comes when nothing else is to be done:
   no start waits for a file, and two changes in a row are one write. So does the CONT that follows a
   signal to end: only who is stopped needs it, and whoever ends at once has no use for it any more. That
   it is owed stands in the slot; the queue of those that owe is first come first served, each once. When
   they have their turn is said in supervise.h, at service_publish().
*/

#include <stdint.h>

#include "ledger.h"
#include "supervise.h"

#define PUBLICATION (OWE_TALLY | OWE_STATUS | OWE_EVENT)
#define PUT_OFF (PUBLICATION | OWE_CONT)

/* Room for slots 0..N-1; keeps what is in the queue. 0, or -1/ENOMEM. */
extern int late_room (uint32_t n) ;
/* Into the queue, if it owes any of PUT_OFF. */
extern void late_put (uint32_t slot) ;
/* Does now what the slot owes of SET. What could not be done stays owed, and is tried again. */
extern void late_pay (uint32_t slot, uint32_t set) ;
/* What the step that makes the draft D, and owes OWED, takes over of what was owed before it, when the draft
   was BEFORE: its letters go in front. */
extern uint32_t late_join (struct slot const *s, struct slot_state *d, struct slot_state const *before, uint32_t owed) ;

#endif
