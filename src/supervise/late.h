/* ISC license. */

#ifndef KEELSON_LATE_H
#define KEELSON_LATE_H

/*
   The services whose change is still to be published, first come first served, each once. What
   others read (status, death_tally, letters) comes when nothing else is to be done: no start waits
   for a file, and two changes in a row are one write. That it is owed stands in the slot.
*/

#include <stdint.h>

/* Room for slots 0..N-1; keeps what is in the queue. 0, or -1/ENOMEM. */
extern int late_room (uint32_t n) ;
extern void late_put (uint32_t slot) ;
/* The next, taken out; NO_SLOT when there is none. */
extern uint32_t late_take (void) ;
extern int late_any (void) ;

#endif
