/* ISC license. A stream of control letters, with the ends of processes (bytes from 128) among them. */

#include <string.h>

#include "supervise.h"
#include "fuzz.h"

static enum service_event const others[] =
{
  EV_GO, EV_HOLD, EV_DIED, EV_FINISHED, EV_STOPPED, EV_TIMEOUT, EV_NOTIFIED, EV_HALT, EV_CONDEMN, EV_NO_RUN, EV_NO_FINISH, EV_NO_STOP
} ;

struct world { struct slot_state s ; int run, finish ; } ;

static int event_of (struct world const *w, uint8_t byte)
{
  enum service_event e ;
  if (byte < 128) return machine_letter((char)byte) ;
  e = others[byte % (sizeof others / sizeof others[0])] ;
  if (e == EV_DIED) return w->run ? (int)e : -1 ;
  if (e == EV_FINISHED) return w->finish ? (int)e : -1 ;
  if (e == EV_TIMEOUT) return w->s.deadline != NEVER ? (int)e : -1 ;
  return e == EV_NO_RUN || e == EV_NO_FINISH || e == EV_NO_STOP ? -1 : (int)e ;
}

static int ended (struct world *w, enum service_event e, uint32_t owed)
{
  if (e == EV_DIED) w->run = 0 ;
  if (e == EV_FINISHED) w->finish = 0 ;
  if (owed & OWE_SPAWN_RUN)
  {
    must(!w->run && !w->finish) ;
    w->run = 1 ;
  }
  if (owed & OWE_SPAWN_FINISH)
  {
    must(!w->run && !w->finish) ;
    w->finish = 1 ;
  }
  must(!(owed & OWE_END) || (!w->run && !w->finish)) ;
  must(w->s.state < SERVICE_STATES && w->run + w->finish <= 1) ;
  return !!(owed & OWE_END) ;
}

int LLVMFuzzerTestOneInput (uint8_t const *data, size_t size)
{
  struct settings settings = settings_default ;
  struct facts f = { .now = MS(1000000), .wstat = 0, .settings = &settings } ;
  struct world w = { .run = 0, .finish = 0 } ;
  memset(&w.s, 0, sizeof w.s) ;
  machine_init(&w.s) ;
  if (size < 2) return 0 ;
  settings.flags = data[0] ;
  settings.restart = data[1] % 3 ;
  if (ended(&w, EV_BEGIN, machine_step(&w.s, EV_BEGIN, &f))) return 0 ;
  for (size_t i = 2 ; i < size ; i++)
  {
    int e = event_of(&w, data[i]) ;
    if (e < 0) continue ;
    f.now += MS(data[i]) ;
    f.wstat = data[i] & 64 ? 9 : data[i] & 32 ? 125 << 8 : 0 ;
    if (ended(&w, (enum service_event)e, machine_step(&w.s, (enum service_event)e, &f))) return 0 ;
  }
  return 0 ;
}
