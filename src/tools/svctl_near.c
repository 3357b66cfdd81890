/* ISC license. */

#include <string.h>

#include <skalibs/strerr.h>

#include "svscan/graph.h"
#include "listen.h"
#include "svctl.h"

#define NEAR_MAX 3

/* The names as a graph without links: it is the one that knows what comes near. */
static void add (struct graph *g, char const *name, char const *where)
{
  uint32_t index ;
  if (graph_find(g, name) == GRAPH_NONE && !graph_add_node(g, name, GRAPH_LONGRUN, where, &index))
    listen_diefusys(EXIT_SYSTEM, "look for near names") ;
}

static void fill (struct graph *g, struct view const *v, struct graph const *more)
{
  graph_init(g) ;
  for (size_t i = 0 ; i < v->n ; i++) add(g, v->items[i].name, v->dir) ;
  for (uint32_t i = 0 ; more && i < graph_size(more) ; i++) add(g, graph_name(more, i), v->dir) ;
  if (graph_build(g, 0) < 0) listen_diefusys(EXIT_SYSTEM, "look for near names") ;
}

void near_append (struct view const *v, struct graph const *more, char const *name, stralloc *sa)
{
  struct graph g ;
  uint32_t near[NEAR_MAX] ;
  unsigned int n ;
  fill(&g, v, more) ;
  n = graph_near(&g, name, near, NEAR_MAX) ;
  for (unsigned int i = 0 ; i < n ; i++)
  {
    text_s(sa, i ? " or " : "; did you mean ") ;
    text_shown(sa, graph_name(&g, near[i])) ;
  }
  if (n) text_s(sa, "?") ;
  graph_free(&g) ;
}
