/* ISC license. */

#include <skalibs/genalloc.h>
#include <skalibs/strerr.h>
#include <skalibs/tai.h>

#include "supervise/status.h"
#include "await.h"
#include "listen.h"

int wish_scan (char c, struct wish *w)
{
  static struct { char c ; struct wish wish ; } const table[] =
  {
    { 'u', { .up = 1 } },
    { 'U', { .up = 1, .ready = 1 } },
    { 'd', { .up = 0 } },
    { 'D', { .up = 0, .ready = 1 } },
    { 'r', { .up = 1, .restart = 1 } },
    { 'R', { .up = 1, .ready = 1, .restart = 1 } }
  } ;
  for (unsigned int i = 0 ; i < sizeof(table) / sizeof(*table) ; i++)
    if (c == table[i].c) return (*w = table[i].wish, 1) ;
  return 0 ;
}

int watched_fulfils (struct watched *s, struct wish const *w)
{
  if (!s->up && s->ready) s->wasdown = 1 ;
  if (w->restart && !s->wasdown) return 0 ;
  return s->up == w->up && (s->ready || !w->ready) ;
}

static void give_up (struct watched *s, struct wish const *w)
{
  if (!watched_fulfils(s, w)) s->failed = 1 ;
  s->up = w->up ;
  s->ready = w->ready ;
  s->wasdown = 1 ;
}

/* A start is the end of having been down, also if the status that was read first is of later. */
void watched_letter (struct watched *s, char c, struct wish const *w)
{
  switch (c)
  {
    case 'u' : case 'U' : case 'd' : case 'D' :
      if (c == 'u') s->wasdown = 1 ;
      s->up = c == 'u' || c == 'U' ;
      s->ready = c == 'U' || c == 'D' ;
      break ;
    case 'O' : if (w->up) give_up(s, w) ; break ;
    case 'x' : give_up(s, w) ; break ;
    default : break ;
  }
}

/* ---------------------------------------------------------------- the services */

static genalloc services = GENALLOC_ZERO ;  /* struct watched, by number of listener */

#define service(i) (genalloc_s(struct watched, &services) + (i))
#define services_n() genalloc_len(struct watched, &services)

struct condition
{
  struct wish const *wish ;
  int any ;
} ;

static int is_met (struct condition const *c)
{
  for (size_t i = 0 ; i < services_n() ; i++)
    if (watched_fulfils(service(i), c->wish) == c->any) return c->any ;
  return !c->any ;
}

static int on_letters (int i, char const *s, size_t len, void *data)
{
  struct condition const *cond = data ;
  for (size_t j = 0 ; j < len ; j++)
  {
    watched_letter(service(i), s[j], cond->wish) ;
    if (is_met(cond)) return 1 ;
  }
  return 0 ;
}

void await_subscribe (char const *const *dirs, unsigned int n)
{
  if (!listen_start()) strerr_diefusys(111, "prepare for signals") ;
  for (unsigned int i = 0 ; i < n ; i++)
  {
    struct svstatus st ;
    struct watched w = { .up = 0 } ;
    if (listen_add(dirs[i], "event") == -1) listen_diefusys(111, "subscribe to events for ", dirs[i]) ;
    if (!svstatus_read(dirs[i], &st)) listen_diefusys(111, "read status for ", dirs[i]) ;
    w.up = st.pid && !st.finishing ;
    w.ready = st.ready ;
    if (!genalloc_append(struct watched, &services, &w)) listen_diefusys(111, "watch ", dirs[i]) ;
  }
}

unsigned int await (struct wish const *w, int any, tain const *deadline)
{
  struct condition c = { .wish = w, .any = any } ;
  unsigned int failed = 0 ;
  if (!is_met(&c)) switch (listen_wait(deadline, &on_letters, &c))
  {
    case -1 : listen_diefusys(111, "wait for events") ;
    case 0 : listen_dief(99, "timed out") ;
  }
  listen_end() ;
  for (size_t i = 0 ; i < services_n() ; i++) failed += service(i)->failed ;
  return failed ;
}
