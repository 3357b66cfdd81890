/* ISC license. */

/*
   What the kernel refused to a service that was to be laid out or taken up, for a reason that may
   pass: no descriptors, no space, no memory. It is tried again with growing pauses, for ever; the
   first refusal has been told by whoever met it.
*/

#include <errno.h>

#include "rc.h"
#include "svscan.h"

#define PAUSE_MIN 50       /* ms */
#define PAUSE_MAX 10000

static uint32_t wait_ms ;    /* ms; 0: nothing to be tried again */
static int due ;           /* in this round something was refused */

int retry_later (int e)
{
  if (!retry_passes(e)) return 0 ;
  if (due) return 1 ;
  due = 1 ;
  wait_ms = !wait_ms ? PAUSE_MIN : wait_ms * 2 > PAUSE_MAX ? PAUSE_MAX : wait_ms * 2 ;
  timer_set(TIMER_RESCAN, mono_after(mono_now(), MS(wait_ms))) ;
  return 1 ;
}

int retry_is_due (void)
{
  return due ;
}

/* Nothing new begins in a container that stops. */
void retry_now (void)
{
  due = 0 ;
  if (global_now()->stop) return ;
  boot_services_again() ;
  if (ledger->dependencies) rc_retry() ;
  else scan_all() ;
  if (due) return ;
  wait_ms = 0 ;
  say(SAY_INFO, "what was refused to the services has been done now") ;
}
