/* ISC license. */

#include <string.h>

#include <skalibs/types.h>

#include "graph.h"
#include "graph_internal.h"

/*
   All elementary cycles, after Johnson (1975), without recursion: for each node s in turn,
   a depth-first search for s from s, among the nodes from which s can be reached. A node
   that led nowhere is blocked until a node after it gets off a path that did lead to s;
   this keeps the time per cycle linear. Then s is taken out and the next one has its turn.
*/

/* Bits of g->marks during the hunt. */
enum mark
{
  CORE = 1,       /* still in the graph that is searched */
  REACH = 2,      /* s can be reached from it */
  BLOCKED = 4,
  ON_PATH = 8,
  FOUND = 16      /* s was reached through it since it was put on the path */
} ;

struct hunt
{
  struct graph *g ;
  struct faults *f ;
  uint8_t *mark ;
  uint32_t *out ;       /* links to nodes of the core */
  uint32_t *in ;        /* links from them */
  uint32_t *next ;      /* where the search goes on at a node of the path */
  uint32_t *path ;
  uint32_t *reached ;
  uint32_t *todo ;
  uint32_t depth ;
  uint32_t nreached ;
  unsigned int cycles ;
} ;

/* ---- the core: what is left when nodes without a way in or out are gone */

static void count_degrees (struct hunt *h)
{
  struct graph const *g = h->g ;
  memset(h->out, 0, g->n * sizeof(uint32_t)) ;
  memset(h->in, 0, g->n * sizeof(uint32_t)) ;
  for (uint32_t i = 0 ; i < g->n ; i++)
    for (uint32_t j = g->dep_at[i] ; j < g->dep_at[i + 1] ; j++)
    {
      if (!(h->mark[i] & h->mark[g->dep[j].node] & CORE)) continue ;
      h->out[i]++ ;
      h->in[g->dep[j].node]++ ;
    }
}

static uint32_t lower (struct hunt *h, uint32_t *degree, uint32_t node, uint32_t n)
{
  if (!(h->mark[node] & CORE) || --degree[node]) return n ;
  h->mark[node] &= ~CORE ;
  h->todo[n++] = node ;
  return n ;
}

/* Takes a node out, and with it all that then has no way in or out any more. */
static void take_out (struct hunt *h, uint32_t node)
{
  struct graph const *g = h->g ;
  uint32_t n = 0 ;
  h->mark[node] &= ~CORE ;
  h->todo[n++] = node ;
  while (n)
  {
    uint32_t i = h->todo[--n] ;
    for (uint32_t j = g->dep_at[i] ; j < g->dep_at[i + 1] ; j++) n = lower(h, h->in, g->dep[j].node, n) ;
    for (uint32_t j = g->rdep_at[i] ; j < g->rdep_at[i + 1] ; j++) n = lower(h, h->out, g->rdep[j].node, n) ;
  }
}

static void make_core (struct hunt *h)
{
  count_degrees(h) ;
  for (uint32_t i = 0 ; i < h->g->n ; i++)
    if (h->mark[i] & CORE && (!h->in[i] || !h->out[i])) take_out(h, i) ;
}

/* ---- one line for a cycle */

/* Where the author wrote that the i-th node of the path waits for the one after it. */
static struct graph_edge const *edge_at (struct hunt const *h, uint32_t i)
{
  struct graph const *g = h->g ;
  size_t n = genalloc_len(struct graph_edge, &g->edges) ;
  uint32_t to = h->path[i + 1 < h->depth ? i + 1 : 0] ;
  for (size_t j = 0 ; j < n ; j++)
  {
    struct graph_edge const *e = &GRAPH_EDGE(g, j) ;
    if (e->from == h->path[i] && e->to == to && g->strings.s[e->where] == '/') return e ;
  }
  return 0 ;
}

static struct graph_edge const *first_edge (struct hunt const *h)
{
  struct graph_edge const *e = 0 ;
  for (uint32_t i = 0 ; !e && i < h->depth ; i++) e = edge_at(h, i) ;
  return e ;
}

static void report (struct hunt *h)
{
  char const *v[2 * GRAPH_PATH_MAX + 10] ;
  char left_out[UINT32_FMT + 16] = "(" ;
  size_t n = 0 ;
  int cut = h->depth > GRAPH_PATH_MAX ;
  v[n++] = "cycle: " ;
  for (uint32_t i = 0 ; i < h->depth ; i++)
  {
    if (cut && i == GRAPH_PATH_MAX / 2)
    {
      uint32_t skip = h->depth - GRAPH_PATH_MAX ;
      size_t len = 1 + uint32_fmt(left_out + 1, skip) ;
      memcpy(left_out + len, " more) -> ", 11) ;
      v[n++] = left_out ;
      i += skip ;
    }
    v[n++] = graph_name(h->g, h->path[i]) ;
    v[n++] = " -> " ;
  }
  v[n++] = graph_name(h->g, h->path[0]) ;
  v[n++] = ": each waits for the next, so none can start" ;
  struct graph_edge const *e = first_edge(h) ;
  if (e)
  {
    char const *where = h->g->strings.s + e->where ;
    v[n++] = "; break it, for instance at " ;
    v[n++] = where ;
    if (where[strlen(where) - 1] == '/') v[n++] = h->g->strings.s + e->name ;
  }
  faults_addv(h->f, FAULT_ERROR, v, n) ;
}

/* ---- the search */

static void find_reach (struct hunt *h, uint32_t s)
{
  struct graph const *g = h->g ;
  h->nreached = 0 ;
  h->reached[h->nreached++] = s ;
  h->mark[s] |= REACH ;
  for (uint32_t i = 0 ; i < h->nreached ; i++)
    for (uint32_t j = g->rdep_at[h->reached[i]] ; j < g->rdep_at[h->reached[i] + 1] ; j++)
    {
      uint32_t node = g->rdep[j].node ;
      if ((h->mark[node] & (CORE | REACH)) != CORE) continue ;
      h->mark[node] |= REACH ;
      h->reached[h->nreached++] = node ;
    }
}

static void unblock (struct hunt *h, uint32_t node)
{
  struct graph const *g = h->g ;
  uint32_t n = 0 ;
  h->mark[node] &= ~BLOCKED ;
  h->todo[n++] = node ;
  while (n)
  {
    uint32_t i = h->todo[--n] ;
    for (uint32_t j = g->rdep_at[i] ; j < g->rdep_at[i + 1] ; j++)
    {
      uint32_t before = g->rdep[j].node ;
      if ((h->mark[before] & (BLOCKED | ON_PATH)) != BLOCKED) continue ;
      h->mark[before] &= ~BLOCKED ;
      h->todo[n++] = before ;
    }
  }
}

static void push (struct hunt *h, uint32_t node)
{
  h->mark[node] |= BLOCKED | ON_PATH ;
  h->next[node] = h->g->dep_at[node] ;
  h->path[h->depth++] = node ;
}

static void pop (struct hunt *h)
{
  uint32_t node = h->path[--h->depth] ;
  h->mark[node] &= ~ON_PATH ;
  if (!(h->mark[node] & FOUND)) return ;
  h->mark[node] &= ~FOUND ;
  unblock(h, node) ;
  if (h->depth) h->mark[h->path[h->depth - 1]] |= FOUND ;
}

static void step (struct hunt *h)
{
  struct graph const *g = h->g ;
  uint32_t node = h->path[h->depth - 1] ;
  if (h->next[node] == g->dep_at[node + 1]) { pop(h) ; return ; }
  uint32_t to = g->dep[h->next[node]++].node ;
  if (!(h->mark[to] & REACH)) return ;
  if (to != h->path[0]) { if (!(h->mark[to] & BLOCKED)) push(h, to) ; return ; }
  h->mark[node] |= FOUND ;
  if (h->cycles++ < GRAPH_CYCLES_MAX) report(h) ;
}

static void search_from (struct hunt *h, uint32_t s)
{
  find_reach(h, s) ;
  push(h, s) ;
  while (h->depth && h->cycles <= GRAPH_CYCLES_MAX) step(h) ;
  h->depth = 0 ;
  for (uint32_t i = 0 ; i < h->nreached ; i++) h->mark[h->reached[i]] &= CORE ;
}

void graph_cycles (struct graph *g, struct faults *f)
{
  struct hunt h = { .g = g, .f = f, .mark = g->marks, .out = g->unmet, .in = g->open, .next = g->held,
    .path = g->work, .reached = g->queue, .todo = g->stack } ;
  for (uint32_t i = 0 ; i < g->n ; i++) h.mark[i] = h.mark[i] ? CORE : 0 ;
  make_core(&h) ;
  for (uint32_t i = 0 ; i < g->n ; i++)
    if (h.mark[i]) GRAPH_NODE(g, i).broken |= GRAPH_IN_CYCLE ;
  for (uint32_t i = 0 ; f && i < g->n && h.cycles <= GRAPH_CYCLES_MAX ; i++)
    if (h.mark[i] & CORE)
    {
      search_from(&h, i) ;
      take_out(&h, i) ;
    }
  if (h.cycles > GRAPH_CYCLES_MAX)
    faults_error(f, "cycle: there are more than these; break them first") ;
}
