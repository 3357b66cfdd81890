/* ISC license. */

/* svctl status --json: one object; times in milliseconds, null where nobody knows. */

#include <sys/wait.h>

#include "svscan.h"
#include "svctl.h"

static void key (stralloc *sa, char const *name)
{
  char last = sa->s[sa->len - 1] ;
  if (last != '{') text_s(sa, ",") ;
  text_json(sa, name) ;
  text_s(sa, ":") ;
}

static void put_string (stralloc *sa, char const *name, char const *value)
{
  key(sa, name) ;
  if (value) text_json(sa, value) ;
  else text_s(sa, "null") ;
}

static void put_number (stralloc *sa, char const *name, int64_t n)
{
  key(sa, name) ;
  if (n == UNKNOWN) text_s(sa, "null") ;
  else text_n(sa, n) ;
}

static void put_bool (stralloc *sa, char const *name, int b)
{
  key(sa, name) ;
  text_s(sa, b ? "true" : "false") ;
}

static void put_ms (stralloc *sa, char const *name, int64_t ns)
{
  put_number(sa, name, ns == UNKNOWN ? UNKNOWN : ns / 1000000) ;
}

/* ---- the scanner */

static void put_stop (stralloc *sa, struct view const *v, struct global const *g)
{
  stralloc words = STRALLOC_ZERO ;
  key(sa, "stop") ;
  if (!g->stop)
  {
    text_s(sa, "null") ;
    return ;
  }
  words_stop(&words, v, g->cause, g->cause_code, g->cause_slot) ;
  text_s(&words, "") ;
  stralloc_0(&words) ;
  text_json(sa, words.s) ;
  stralloc_free(&words) ;
}

static void put_ledger (stralloc *sa, struct view const *v)
{
  struct header const *h = v->h ;
  struct global g ;
  view_global(v, &g) ;
  put_number(sa, "pid", v->pid) ;
  put_bool(sa, "container", !!h->container) ;
  put_ms(sa, "up_ms", mono_now() - h->boot_started) ;
  put_ms(sa, "boot_ms", h->boot_ready ? h->boot_ready - h->boot_started : UNKNOWN) ;
  put_string(sa, "step", step_name((enum step)g.step)) ;
  put_string(sa, "script", g.script[0] ? g.script : 0) ;
  put_stop(sa, v, &g) ;
  put_number(sa, "generation", g.generation ? g.generation : UNKNOWN) ;
  put_number(sa, "faults", h->faults) ;
  put_number(sa, "reexecs", h->reexecs) ;
}

static void put_scanner (stralloc *sa, struct view const *v)
{
  text_s(sa, "{") ;
  put_string(sa, "scandir", v->dir) ;
  put_bool(sa, "ledger", !!v->h) ;
  if (v->h) put_ledger(sa, v) ;
  text_s(sa, "}") ;
}

/* ---- a service */

static void put_exit (stralloc *sa, struct item const *it)
{
  key(sa, "last_exit") ;
  if (!it->died)
  {
    text_s(sa, "null") ;
    return ;
  }
  text_s(sa, "{") ;
  put_number(sa, "code", WIFEXITED(it->wstat) ? WEXITSTATUS(it->wstat) : UNKNOWN) ;
  put_string(sa, "signal", WIFSIGNALED(it->wstat) ? SIGNAME(WTERMSIG(it->wstat)) : 0) ;
  if (it->oom) put_bool(sa, "oom", 1) ;
  put_ms(sa, "ago_ms", it->death_age) ;
  text_s(sa, "}") ;
}

static void put_left (stralloc *sa, struct item const *it)
{
  key(sa, "left_behind") ;
  text_s(sa, "[") ;
  for (struct remnant const *r = it->left ; r ; r = r->next)
  {
    if (r != it->left) text_s(sa, ",") ;
    text_n(sa, r->pid) ;
  }
  text_s(sa, "]") ;
}

static void put_item (stralloc *sa, struct item const *it)
{
  text_s(sa, "{") ;
  put_string(sa, "name", it->name) ;
  put_string(sa, "state", item_state_name(it)) ;
  put_number(sa, "pid", it->pid ? it->pid : UNKNOWN) ;
  put_ms(sa, "for_ms", it->age) ;
  key(sa, "ready") ;
  text_s(sa, !it->notifies ? "null" : it->ready ? "true" : "false") ;
  put_ms(sa, "ready_after_ms", it->ready_after) ;
  put_bool(sa, "wanted", it->wanted) ;
  put_bool(sa, "paused", it->paused) ;
  put_number(sa, "restarts", it->restarts) ;
  put_exit(sa, it) ;
  put_left(sa, it) ;
  put_string(sa, "reason", it->state == FATAL ? why_text((enum why)it->cause) : 0) ;
  text_s(sa, "}") ;
}

void json_status (stralloc *sa, struct view const *v, struct item *const *items)
{
  text_s(sa, "{") ;
  key(sa, "scanner") ;
  put_scanner(sa, v) ;
  key(sa, "services") ;
  text_s(sa, "[") ;
  for (size_t i = 0 ; items[i] ; i++)
  {
    if (i) text_s(sa, ",") ;
    put_item(sa, items[i]) ;
  }
  text_s(sa, "]}\n") ;
}
