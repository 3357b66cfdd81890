/* ISC license. */

#include <fcntl.h>
#include <string.h>

#include <skalibs/posixplz.h>

#include "rc.h"
#include "svscan.h"
#include "svctl.h"

static char const *const item_states[] = { "unknown", "damaged", "unsupervised" } ;

char const *item_state_name (struct item const *it)
{
  if (it->state >= ITEM_ONESHOT) return oneshot_state_name(it->state - ITEM_ONESHOT) ;
  if (it->state >= SERVICE_STATES) return item_states[it->state - SERVICE_STATES] ;
  if (it->state == UP && it->paused) return "paused" ;
  if (it->state == UP && it->stopping) return "stopping" ;
  return state_name((enum service_state)it->state) ;
}

int item_is_up (struct item const *it)
{
  return it->state == UP || it->state == STOPPING || it->state == LAST_UP ;
}

int item_is_oneshot (struct item const *it)
{
  return it->state >= ITEM_ONESHOT ;
}

int item_is_reached (struct item const *it)
{
  return it->state >= ITEM_ONESHOT ? it->state - ITEM_ONESHOT == ONESHOT_UP : item_is_up(it) && !it->stopping ;
}

int item_has_failed (struct item const *it)
{
  if (it->state >= ITEM_ONESHOT) return it->state - ITEM_ONESHOT == ONESHOT_FAILED ;
  return it->state >= SERVICE_STATES || it->state == FATAL ;
}

int item_is_live (struct item const *it)
{
  return it->state < SERVICE_STATES && state_is_live((enum service_state)it->state) ;
}

void words_exit (stralloc *sa, struct item const *it)
{
  if (!it->exec_errno)
  {
    text_s(sa, it->oom ? "taken by the OOM killer" : WSTAT(it->wstat)) ;
    return ;
  }
  text_s(sa, "could not be executed: ") ;
  text_s(sa, strerror(it->exec_errno)) ;
}

static int gave_up (struct item const *it)
{
  return it->state == FATAL && why_text((enum why)it->cause)[0] ;
}

void words_last (stralloc *sa, struct item const *it)
{
  size_t start = sa->len ;
  if (it->state == ITEM_UNREADABLE) text_s(sa, strerror(it->error)) ;
  if (gave_up(it))
  {
    text_s(sa, "given up: ") ;
    text_s(sa, why_text((enum why)it->cause)) ;
  }
  if (it->died)
  {
    if (sa->len > start) text_s(sa, "; ") ;
    words_exit(sa, it) ;
    if (it->death_age != UNKNOWN)
    {
      text_s(sa, " ") ;
      text_age(sa, it->death_age) ;
      text_s(sa, " ago") ;
    }
  }
  for (struct remnant const *r = it->left ; r ; r = r->next)
  {
    text_s(sa, r == it->left ? "; left behind: " : ", ") ;
    text_shown(sa, r->name) ;
    text_s(sa, " (pid ") ;
    text_n(sa, r->pid) ;
    text_s(sa, ")") ;
  }
  if (it->next > 0)
  {
    text_s(sa, "; starts again in ") ;
    text_age(sa, it->next) ;
  }
  if (sa->len == start) text_s(sa, "-") ;
}

void words_state (stralloc *sa, struct item const *it)
{
  text_s(sa, item_state_name(it)) ;
  if (!it->pid) return ;
  text_s(sa, ", pid ") ;
  text_n(sa, it->pid) ;
}

/* ---- the stop */

static void words_critical (stralloc *sa, struct view const *v, int32_t code, uint32_t slot)
{
  char const *name = view_slot_name(v, slot) ;
  text_s(sa, "critical service ") ;
  text_shown(sa, name ? name : "?") ;
  text_s(sa, " ") ;
  text_s(sa, WSTAT(code)) ;
}

void words_stop (stralloc *sa, struct view const *v, unsigned int cause, int32_t code, uint32_t slot)
{
  switch (cause)
  {
    case CAUSE_SIGNAL : text_s(sa, "signal ") ; text_s(sa, SIGNAME(code)) ; break ;
    case CAUSE_CONTROL : text_s(sa, "asked from inside (halt)") ; break ;
    case CAUSE_CMD : text_s(sa, "CMD ") ; text_s(sa, WSTAT(code)) ; break ;
    case CAUSE_CRITICAL : words_critical(sa, v, code, slot) ; break ;
    case CAUSE_RUN_D : text_s(sa, "a script of /run.d asked for it") ; break ;
    case CAUSE_STAGE2 : text_s(sa, "the boot failed") ; break ;
    default : text_s(sa, "unknown cause") ; break ;
  }
}
