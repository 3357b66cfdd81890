/* ISC license. */

/* svctl ready, svctl health: for probes. Exit 0, or 1 and one line for each thing that is wrong. */

#include <string.h>
#include <sys/inotify.h>

#include <skalibs/genalloc.h>
#include <skalibs/strerr.h>
#include <skalibs/tai.h>

#include "control.h"
#include "listen.h"
#include "svscan.h"
#include "svctl.h"
#include "tools.h"

#define QUICK MS(1000)    /* a life shorter than this is a quick death (PROTOCOL.md §2) */

/* ---- ready */

/* A service that is wanted and will say when it is ready, and has not. */
static int is_awaited (struct item const *it)
{
  return it->wanted && it->notifies && !it->ready ;
}

static void put_item (stralloc *sa, struct item const *it, char const *what)
{
  text_shown(sa, it->name) ;
  text_s(sa, ": ") ;
  text_s(sa, what) ;
  words_state(sa, it) ;
  text_s(sa, "\n") ;
}

/* Appends a line on the boot unless it is over: 1, if it never will be 2. */
static int put_boot (stralloc *sa, struct view const *v)
{
  struct global g ;
  if (!v->h) return 0 ;
  view_global(v, &g) ;
  if (g.stop)
  {
    text_s(sa, "the container is stopping\n") ;
    return 2 ;
  }
  if (g.step == STEP_RUNNING) return 0 ;
  text_s(sa, "the container is booting: ") ;
  text_s(sa, step_name((enum step)g.step)) ;
  text_s(sa, "\n") ;
  return 1 ;
}

/* What is not ready, one a line. Returns 2 if waiting is in vain. */
static int put_unready (stralloc *sa, struct view *v)
{
  int boot = put_boot(sa, v) ;
  view_read(v) ;
  for (size_t i = 0 ; i < v->n ; i++)
    if (is_awaited(v->items + i)) put_item(sa, v->items + i, "not ready: ") ;
  return boot ;
}

/* Names of services that we listen to. */
static genalloc heard = GENALLOC_ZERO ;  /* char * */

static int is_heard (char const *name)
{
  for (size_t i = 0 ; i < genalloc_len(char *, &heard) ; i++)
    if (!strcmp(genalloc_s(char *, &heard)[i], name)) return 1 ;
  return 0 ;
}

/* Listens to those that are not ready: how many are new. Their state must be read again then. */
static unsigned int listen_to_unready (struct view const *v)
{
  stralloc path = STRALLOC_ZERO ;
  unsigned int n = 0 ;
  for (size_t i = 0 ; i < v->n ; i++)
  {
    char *name ;
    if (!is_awaited(v->items + i) || is_heard(v->items[i].name)) continue ;
    if (listen_add(tool_path(&path, v->dir, v->items[i].name), "event") == -1) listen_diefusys(EXIT_SYSTEM, "listen to the events of ", path.s) ;
    name = svctl_strdup(v->items[i].name) ;
    if (!genalloc_append(char *, &heard, &name)) listen_diefusys(EXIT_SYSTEM, "allocate memory") ;
    n++ ;
  }
  stralloc_free(&path) ;
  return n ;
}

static int on_anything (int i, char const *s, size_t len, void *data)
{
  (void)s ; (void)len ; (void)data ;
  return i != LISTEN_CHILD ;
}

static void begin_waiting (struct view const *v)
{
  stralloc lock = STRALLOC_ZERO ;
  if (!listen_start() || !listen_watch(tool_path(&lock, v->dir, SVSCAN_SUB "/lock"), IN_MODIFY))
    strerr_diefusys(EXIT_SYSTEM, "watch ", lock.s) ;
  stralloc_free(&lock) ;
}

static int finish_waiting (stralloc *sa, int code)
{
  listen_end() ;
  text_flush(sa) ;
  return code ;
}

static int wait_until_ready (struct call *c)
{
  stralloc unready = STRALLOC_ZERO ;
  tain deadline ;
  deadline_at(&deadline, c->timeout ? mono_after(mono_now(), MS(c->timeout)) : NEVER) ;
  begin_waiting(&c->view) ;
  for (;;)
  {
    int boot = put_unready(&unready, &c->view) ;
    if (boot == 2) return finish_waiting(&unready, EXIT_DOMAIN) ;
    if (!unready.len) return finish_waiting(&unready, EXIT_OK) ;
    if (!listen_to_unready(&c->view)) switch (listen_wait(&deadline, &on_anything, 0))
    {
      case -1 : listen_diefusys(EXIT_SYSTEM, "wait for events") ;
      case 0 : return finish_waiting(&unready, EXIT_TIMEOUT) ;
    }
    unready.len = 0 ;
  }
}

int svctl_ready (struct call *c)
{
  stralloc unready = STRALLOC_ZERO ;
  if (c->wait) return wait_until_ready(c) ;
  put_unready(&unready, &c->view) ;
  text_flush(&unready) ;
  return unready.a && unready.s[0] ? EXIT_DOMAIN : EXIT_OK ;
}

/* ---- health */

static int is_looping (struct item const *it)
{
  return it->state == UP && it->quick > 1 && it->age < QUICK ;
}

/* What is wrong with it, or 0. */
static char const *ailment (struct item const *it)
{
  if (item_has_failed(it)) return "" ;
  if (it->state == BACKOFF) return "does not stay up: " ;
  return is_looping(it) ? "dies again and again: " : 0 ;
}

int svctl_health (struct call *c)
{
  stralloc page = STRALLOC_ZERO ;
  int bad = 0 ;
  view_read(&c->view) ;
  for (size_t i = 0 ; i < c->view.n ; i++)
  {
    struct item const *it = c->view.items + i ;
    char const *what = ailment(it) ;
    if (!what)
    {
      if (it->state == UP) check_add(&c->view, it) ;
      continue ;
    }
    bad = 1 ;
    text_shown(&page, it->name) ;
    text_s(&page, ": ") ;
    text_s(&page, what) ;
    words_state(&page, it) ;
    text_s(&page, "; ") ;
    words_last(&page, it) ;
    text_s(&page, "\n") ;
  }
  if (check_all(&page)) bad = 1 ;
  text_flush(&page) ;
  return bad ? EXIT_DOMAIN : EXIT_OK ;
}
