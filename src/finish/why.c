/* ISC license. */

/* The last line: `container ends with 137: service nginx killed by KILL after 2 h 3 min; …` */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "finish.h"
#include "supervise.h"
#include "svscan.h"

#define TERMINATION_LOG "/dev/termination-log"

/* The pieces of the line; at most this many. */
struct line { char const *piece[24] ; unsigned int n ; } ;

static void add (struct line *l, char const *s)
{
  if (l->n < sizeof l->piece / sizeof l->piece[0] - 1) l->piece[l->n++] = s ;
}

static char const *name_of (uint32_t slot)
{
  return slot < ledger->slots ? slot_at(slot)->name : "?" ;
}

static void add_critical (struct line *l, struct global const *g, char *wstat, char *duration)
{
  struct slot_state const *c ;
  add(l, "critical service ") ;
  add(l, name_of(g->cause_slot)) ;
  add(l, " ") ;
  add(l, wstat_text(wstat, g->cause_code)) ;
  if (g->cause_slot >= ledger->slots) return ;
  c = slot_now(slot_at(g->cause_slot)) ;
  add(l, " after ") ;
  add(l, duration_text(duration, g->stop_started - c->started)) ;
}

static void add_cause (struct line *l, struct global const *g, char *text, char *duration)
{
  switch ((enum stop_cause)g->cause)
  {
    case CAUSE_SIGNAL : add(l, "signal ") ; add(l, signal_text(text, g->cause_code)) ; break ;
    case CAUSE_CONTROL : add(l, "asked from inside (halt)") ; break ;
    case CAUSE_CMD :
      add(l, "CMD ") ;
      add(l, wstat_text(text, g->cause_code)) ;
      add(l, " after ") ;
      add(l, duration_text(duration, g->stop_started - g->cmd_started)) ;
      break ;
    case CAUSE_CRITICAL : add_critical(l, g, text, duration) ; break ;
    case CAUSE_RUN_D : add(l, "/run.d/") ; add(l, g->script) ; add(l, " asked for it") ; break ;
    case CAUSE_STAGE2 : add(l, "the boot failed at ") ; add(l, step_name((enum step)g->step)) ; break ;
    case CAUSE_NONE : case CAUSES : add(l, "unknown cause") ; break ;
  }
}

static void add_services (struct line *l, struct global const *g, char *count, char *slowest)
{
  if (!g->stopped) return ;
  add(l, "; ") ;
  add(l, number_text(count, g->stopped)) ;
  add(l, g->stopped == 1 ? " service stopped in " : " services stopped in ") ;
  add(l, duration_text(slowest, g->slowest_ns)) ;
  if (g->stopped == 1) return ;
  add(l, ", slowest ") ;
  add(l, name_of(g->slowest_slot)) ;
}

/* Kubernetes shows the content of this file as the reason why the container ended. */
static void tell_kubernetes (struct line const *l)
{
  char text[1024] ;
  struct stat st ;
  size_t n = 0 ;
  int fd = open(TERMINATION_LOG, O_WRONLY | O_TRUNC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC) ;
  if (fd < 0) return ;
  for (unsigned int i = 0 ; i < l->n ; i++)
    for (char const *p = l->piece[i] ; *p && n < sizeof text - 1 ; p++) text[n++] = (unsigned char)*p < 0x20 ? '?' : *p ;
  text[n++] = '\n' ;
  if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && write(fd, text, n) < 0) say_sys(SAY_WARNING, errno, "unable to write " TERMINATION_LOG) ;
  close(fd) ;
}

void why_say (int code)
{
  struct global const *g = global_now() ;
  struct line l = { .n = 0 } ;
  char text[48], duration[40], count[24], slowest[40], number[24] ;
  add(&l, "container ends with ") ;
  add(&l, number_text(number, code)) ;
  add(&l, ": ") ;
  add_cause(&l, g, text, duration) ;
  add_services(&l, g, count, slowest) ;
  l.piece[l.n] = 0 ;
  say_v(SAY_INFO, l.piece) ;
  tell_kubernetes(&l) ;
}
