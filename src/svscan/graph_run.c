/* ISC license. */

#include <string.h>

#include "graph.h"
#include "graph_internal.h"

/*
   Each node has five bits, which follow from its level and want or, for a bundle, from the
   counters that its links feed. A link of each kind passes one bit up, to the count of
   unmet links of the one that waits, and one down, to the count of those that hold the one
   that is waited for. So a change of a node costs one visit of its links for each bit that
   flipped, and goes on only through bundles.
*/

enum bit
{
  READY = 1,
  STARTED = 2,    /* or not coming */
  SETTLED = 4,    /* ready, or not coming */
  HOLDS = 8,      /* not down: what it needs must stay */
  LEAVING = 16    /* on its way down, or about to be */
} ;

#define UPWARD (READY | STARTED | SETTLED)
#define DOWNWARD (HOLDS | LEAVING)

struct passes
{
  uint8_t unmet ;   /* this bit of the one waited for satisfies the link */
  uint8_t open ;    /* this one settles it, for a bundle */
  uint8_t held ;    /* this bit of the one that waits keeps the other from stopping */
} ;

static struct passes const passes[] =
{
  [GRAPH_NEEDS] = { READY, SETTLED, HOLDS },
  [GRAPH_CONTAINS] = { READY, SETTLED, HOLDS },
  [GRAPH_STARTED] = { STARTED, STARTED, LEAVING },
  [GRAPH_AFTER] = { SETTLED, SETTLED, LEAVING }
} ;

static int is_bundle (struct graph const *g, uint32_t node)
{
  return GRAPH_NODE(g, node).kind == GRAPH_BUNDLE ;
}

static uint8_t bits_of_bundle (struct graph const *g, uint32_t node)
{
  return (g->unmet[node] ? 0 : READY)
    | (g->open[node] ? 0 : SETTLED | STARTED)
    | (g->held[node] ? HOLDS : 0) ;
}

static uint8_t bits_of_atom (struct graph const *g, uint32_t node)
{
  uint8_t level = g->level[node] ;
  int coming = g->want[node] == GRAPH_WANT_UP ;
  int going = g->want[node] == GRAPH_WANT_DOWN ;
  return (level == GRAPH_IS_READY ? READY : 0)
    | (level == GRAPH_IS_READY || level == GRAPH_IS_STARTED || !coming ? STARTED : 0)
    | (level == GRAPH_IS_READY || !coming ? SETTLED : 0)
    | (level != GRAPH_IS_DOWN ? HOLDS : 0)
    | (level != GRAPH_IS_DOWN && going ? LEAVING : 0) ;
}

static uint8_t bits_of (struct graph const *g, uint32_t node)
{
  return is_bundle(g, node) ? bits_of_bundle(g, node) : bits_of_atom(g, node) ;
}

static enum graph_action action_for (struct graph const *g, uint32_t node)
{
  uint8_t level = g->level[node] ;
  switch (g->want[node])
  {
    case GRAPH_WANT_UP :
      return level == GRAPH_IS_DOWN && !g->unmet[node] ? GRAPH_START : GRAPH_IDLE ;
    case GRAPH_WANT_DOWN :
      return level != GRAPH_IS_DOWN && level != GRAPH_IS_STOPPING && !g->held[node] ? GRAPH_STOP : GRAPH_IDLE ;
    default : return GRAPH_IDLE ;
  }
}

/* marks: 1 while the node is in the queue, 2 while it is in the work list. */
static void offer (struct graph *g, uint32_t node)
{
  if (g->marks[node] & 1 || action_for(g, node) == GRAPH_IDLE) return ;
  g->marks[node] |= 1 ;
  g->queue[(g->head + g->queued++) % g->n] = node ;
}

/* A counter of the node moved. `pending` is the length of the work list. */
static uint32_t look_again (struct graph *g, uint32_t node, uint32_t pending)
{
  if (!is_bundle(g, node)) offer(g, node) ;
  else if (!(g->marks[node] & 2))
  {
    g->marks[node] |= 2 ;
    g->work[pending++] = node ;
  }
  return pending ;
}

static void count (uint32_t *counter, uint8_t bit, uint8_t flipped, uint8_t now, int satisfied)
{
  if (!(bit & flipped)) return ;
  if (!!(bit & now) == satisfied) --*counter ; else ++*counter ;
}

static uint32_t pass_up (struct graph *g, uint32_t node, uint8_t flipped, uint32_t pending)
{
  for (uint32_t i = g->rdep_at[node] ; i < g->rdep_at[node + 1] ; i++)
  {
    struct passes const *p = passes + g->rdep[i].kind ;
    uint32_t to = g->rdep[i].node ;
    if (!((p->unmet | p->open) & flipped)) continue ;
    count(g->unmet + to, p->unmet, flipped, g->bits[node], 1) ;
    count(g->open + to, p->open, flipped, g->bits[node], 1) ;
    pending = look_again(g, to, pending) ;
  }
  return pending ;
}

static uint32_t pass_down (struct graph *g, uint32_t node, uint8_t flipped, uint32_t pending)
{
  for (uint32_t i = g->dep_at[node] ; i < g->dep_at[node + 1] ; i++)
  {
    struct passes const *p = passes + g->dep[i].kind ;
    uint32_t to = g->dep[i].node ;
    if (!(p->held & flipped)) continue ;
    count(g->held + to, p->held, flipped, g->bits[node], 0) ;
    pending = look_again(g, to, pending) ;
  }
  return pending ;
}

static uint32_t pass_on (struct graph *g, uint32_t node, uint32_t pending)
{
  uint8_t now = bits_of(g, node) ;
  uint8_t flipped = now ^ g->bits[node] ;
  g->bits[node] = now ;
  if (flipped & UPWARD) pending = pass_up(g, node, flipped, pending) ;
  if (flipped & DOWNWARD) pending = pass_down(g, node, flipped, pending) ;
  return pending ;
}

/* The node's level, want or counters are new: tell the others, and so on. The work list
   has room for all: a bundle is in it once at most. */
static void refresh (struct graph *g, uint32_t node)
{
  uint32_t pending = pass_on(g, node, 0) ;
  while (pending)
  {
    uint32_t bundle = g->work[--pending] ;
    g->marks[bundle] &= ~2 ;
    pending = pass_on(g, bundle, pending) ;
  }
  if (!is_bundle(g, node)) offer(g, node) ;
}

/* Begins where no bit is set and so no link satisfied, and lets every node speak. Bundles
   speak when they are spoken to, but for the empty ones. */
static void recompute (struct graph *g)
{
  g->head = g->queued = 0 ;
  memset(g->bits, 0, g->n) ;
  memset(g->marks, 0, g->n) ;
  memset(g->held, 0, g->n * sizeof(uint32_t)) ;
  for (uint32_t i = 0 ; i < g->n ; i++)
  {
    g->open[i] = g->dep_at[i + 1] - g->dep_at[i] ;
    g->unmet[i] = g->open[i] + !!GRAPH_NODE(g, i).broken ;
  }
  for (uint32_t i = 0 ; i < g->n ; i++) refresh(g, i) ;
}

static void load_array (uint8_t *to, uint8_t const *from, uint32_t n)
{
  if (from) memcpy(to, from, n) ; else memset(to, 0, n) ;
}

void graph_load (struct graph *g, uint8_t const *levels, uint8_t const *wants)
{
  load_array(g->level, levels, g->n) ;
  load_array(g->want, wants, g->n) ;
  recompute(g) ;
}

void graph_carry (struct graph *g, struct graph const *old)
{
  for (uint32_t i = 0 ; i < g->n ; i++)
  {
    uint32_t before = graph_find(old, graph_name(g, i)) ;
    g->level[i] = before == GRAPH_NONE ? GRAPH_IS_DOWN : old->level[before] ;
    g->want[i] = before == GRAPH_NONE ? GRAPH_WANT_NOTHING : old->want[before] ;
  }
  recompute(g) ;
}

void graph_reset (struct graph *g)
{
  graph_load(g, 0, 0) ;
}

void graph_set_level (struct graph *g, uint32_t node, enum graph_level level)
{
  g->level[node] = (uint8_t)level ;
  refresh(g, node) ;
}

void graph_set_want (struct graph *g, uint32_t node, enum graph_want want)
{
  g->want[node] = (uint8_t)want ;
  refresh(g, node) ;
}

void graph_want_set (struct graph *g, uint8_t const *set, enum graph_want want)
{
  for (uint32_t i = 0 ; i < g->n ; i++)
    if (set[i]) graph_set_want(g, i, want) ;
}

/* Does the failure of what it waits for reach this node, and on through it? */
static int is_victim (struct graph const *g, uint32_t node)
{
  return is_bundle(g, node)
    || (g->want[node] == GRAPH_WANT_UP && g->level[node] == GRAPH_IS_DOWN) ;
}

/* Collects node and its victims in g->stack. */
static uint32_t collect_victims (struct graph *g, uint32_t node)
{
  uint32_t n = 1 ;
  g->stack[0] = node ;
  g->marks[node] |= 4 ;
  for (uint32_t i = 0 ; i < n ; i++)
    for (uint32_t j = g->rdep_at[g->stack[i]] ; j < g->rdep_at[g->stack[i] + 1] ; j++)
    {
      struct graph_link const *l = g->rdep + j ;
      if (l->kind > GRAPH_CONTAINS || g->marks[l->node] & 4 || !is_victim(g, l->node)) continue ;
      g->marks[l->node] |= 4 ;
      g->stack[n++] = l->node ;
    }
  return n ;
}

uint32_t graph_fail (struct graph *g, uint32_t node, uint32_t *victims)
{
  uint32_t n = collect_victims(g, node), named = 0 ;
  for (uint32_t i = 0 ; i < n ; i++)
  {
    uint32_t v = g->stack[i] ;
    g->marks[v] &= ~4 ;
    g->want[v] = GRAPH_WANT_NOTHING ;
    if (i && !is_bundle(g, v)) victims[named++] = v ;
  }
  g->level[node] = GRAPH_IS_DOWN ;
  for (uint32_t i = 0 ; i < n ; i++) refresh(g, g->stack[i]) ;
  return named ;
}

enum graph_action graph_next (struct graph *g, uint32_t *node)
{
  while (g->queued)
  {
    uint32_t i = g->queue[g->head] ;
    g->head = (g->head + 1) % g->n ;
    g->queued-- ;
    g->marks[i] &= ~1 ;
    enum graph_action action = action_for(g, i) ;
    if (action == GRAPH_IDLE) continue ;
    *node = i ;
    return action ;
  }
  return GRAPH_IDLE ;
}

int graph_ready (struct graph const *g, uint32_t node)
{
  return !!(g->bits[node] & READY) ;
}

int graph_settled (struct graph const *g, uint32_t node)
{
  return !!(g->bits[node] & SETTLED) ;
}
