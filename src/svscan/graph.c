/* ISC license. */

#include <errno.h>
#include <string.h>

#include <skalibs/alloc.h>

#include "graph.h"
#include "graph_internal.h"

/* What became of an edge that was asked for as soft. */
enum softness { HARD, SOFT_OPEN, SOFT_TAKEN, SOFT_DROPPED } ;


/* Unknown names beyond these are reported without near matches, each of which costs a
   look at every name. */
#define NEAR_SEARCHES 32

static void *name_of (uint32_t i, void *data)
{
  struct graph *g = data ;
  return g->strings.s + GRAPH_NODE(g, i).name ;
}

static int compare_names (void const *a, void const *b, void *data)
{
  (void)data ;
  return strcmp(a, b) ;
}

void graph_init (struct graph *g)
{
  memset(g, 0, sizeof *g) ;
  avltree_init(&g->names, 8, 3, 8, &name_of, &compare_names, g) ;
}

static void drop_block (struct graph *g)
{
  alloc_free(g->block) ;
  g->block = 0 ;
  g->n = 0 ;
  g->queued = 0 ;
}

void graph_free (struct graph *g)
{
  drop_block(g) ;
  avltree_free(&g->names) ;
  genalloc_free(struct graph_node, &g->doubles) ;
  genalloc_free(struct graph_edge, &g->edges) ;
  genalloc_free(struct graph_node, &g->nodes) ;
  stralloc_free(&g->strings) ;
}

/* ---- giving nodes and edges */

/* s may be a string of the graph itself, which moves when it grows. */
int graph_string (struct graph *g, char const *s, uint32_t *offset)
{
  size_t n = strlen(s) + 1 ;
  size_t own = (uintptr_t)s - (uintptr_t)g->strings.s ;
  int is_own = g->strings.s && own < g->strings.len ;
  if (g->strings.len > UINT32_MAX - n) return (errno = ENOMEM, 0) ;
  if (!stralloc_readyplus(&g->strings, n)) return 0 ;
  *offset = (uint32_t)g->strings.len ;
  return stralloc_catb(&g->strings, is_own ? g->strings.s + own : s, n) ;
}

static int add_double (struct graph *g, uint32_t index, char const *file)
{
  struct graph_node node = { .name = GRAPH_NODE(g, index).name } ;
  return graph_string(g, file, &node.file) && genalloc_append(struct graph_node, &g->doubles, &node) ;
}

int graph_add_node (struct graph *g, char const *name, enum graph_kind kind, char const *file, uint32_t *index)
{
  struct graph_node node = { .kind = (uint8_t)kind } ;
  uint32_t i = (uint32_t)genalloc_len(struct graph_node, &g->nodes) ;
  if (avltree_search(&g->names, name, index)) return add_double(g, *index, file) ;
  if (!graph_string(g, name, &node.name) || !graph_string(g, file, &node.file)
   || !genalloc_append(struct graph_node, &g->nodes, &node)) return 0 ;
  *index = i ;
  if (avltree_insert(&g->names, i)) return 1 ;
  genalloc_setlen(struct graph_node, &g->nodes, i) ;
  return 0 ;
}

static int add_edge (struct graph *g, uint32_t from, char const *to, enum graph_link_kind kind, uint32_t where, enum softness soft)
{
  if (GRAPH_NODE(g, from).kind == GRAPH_BUNDLE && kind != GRAPH_STARTED) kind = GRAPH_CONTAINS ;
  struct graph_edge e = { .from = from, .to = GRAPH_NONE, .where = where, .kind = (uint8_t)kind, .soft = (uint8_t)soft } ;
  return graph_string(g, to, &e.name) && genalloc_append(struct graph_edge, &g->edges, &e) ;
}

int graph_add_edge (struct graph *g, uint32_t from, char const *to, enum graph_link_kind kind, uint32_t where)
{
  return add_edge(g, from, to, kind, where, HARD) ;
}

int graph_add_soft (struct graph *g, uint32_t from, char const *to, enum graph_link_kind kind, uint32_t where)
{
  return add_edge(g, from, to, kind, where, SOFT_OPEN) ;
}

/* ---- building */

/* One block for all arrays, widest entries first, so that each is aligned. */
static int make_block (struct graph *g, size_t edges)
{
  size_t n = genalloc_len(struct graph_node, &g->nodes) ;
  size_t words = 2 * (n + 1) + 7 * n ;
  drop_block(g) ;
  if (n >= GRAPH_NONE || edges >= UINT32_MAX) return (errno = ENOMEM, 0) ;
  g->block = alloc(2 * edges * sizeof(struct graph_link) + words * sizeof(uint32_t) + 4 * n + 1) ;
  if (!g->block) return 0 ;
  g->dep = (struct graph_link *)(void *)g->block ;
  g->rdep = g->dep + edges ;
  g->dep_at = (uint32_t *)(void *)(g->rdep + edges) ;
  g->rdep_at = g->dep_at + n + 1 ;
  uint32_t **word[7] = { &g->order, &g->unmet, &g->open, &g->held, &g->stack, &g->work, &g->queue } ;
  uint32_t *next = g->rdep_at + n + 1 ;
  for (size_t i = 0 ; i < 7 ; i++, next += n) *word[i] = next ;
  uint8_t **byte[4] = { &g->level, &g->want, &g->bits, &g->marks } ;
  uint8_t *at = (uint8_t *)next ;
  for (size_t i = 0 ; i < 4 ; i++, at += n) *byte[i] = at ;
  g->n = (uint32_t)n ;
  return 1 ;
}

static void report_doubles (struct graph const *g, struct faults *f)
{
  struct graph_node const *d = genalloc_s(struct graph_node const, &g->doubles) ;
  size_t n = genalloc_len(struct graph_node, &g->doubles) ;
  for (size_t i = 0 ; i < n ; i++)
  {
    char const *name = g->strings.s + d[i].name ;
    uint32_t first = graph_find(g, name) ;
    faults_error(f, g->strings.s + d[i].file, ": there is a ", name, " already, defined in ",
      graph_file(g, first), "; rename or remove one of the two") ;
  }
}

static void resolve (struct graph *g, struct faults *f)
{
  size_t n = genalloc_len(struct graph_edge, &g->edges) ;
  unsigned int unknown = 0 ;
  for (uint32_t i = 0 ; i < g->n ; i++) GRAPH_NODE(g, i).broken = 0 ;
  for (size_t i = 0 ; i < n ; i++)
  {
    struct graph_edge *e = &GRAPH_EDGE(g, i) ;
    if (e->soft) e->soft = SOFT_OPEN ;
    e->to = graph_find(g, g->strings.s + e->name) ;
    if (e->to != GRAPH_NONE) continue ;
    GRAPH_NODE(g, e->from).broken = GRAPH_NEEDS_UNKNOWN ;
    if (f) graph_unknown(g, g->strings.s + e->where, g->strings.s + e->name, unknown++ < NEAR_SEARCHES, f) ;
  }
}

/* The edges that count now: known on both ends, not soft or taken, and not in a tangle of
   cycles that was found already. */
static int counts (struct graph const *g, struct graph_edge const *e)
{
  if (e->to == GRAPH_NONE || !(e->soft == HARD || e->soft == SOFT_TAKEN)) return 0 ;
  return !(GRAPH_NODE(g, e->from).broken & GRAPH_NODE(g, e->to).broken & GRAPH_IN_CYCLE) ;
}

/* Turns the counts in at[1] … at[n] into the places where each node's entries begin. */
static void counts_to_places (uint32_t *at, uint32_t n)
{
  for (uint32_t i = 0 ; i < n ; i++) at[i + 1] += at[i] ;
}

static void link_deps (struct graph *g)
{
  size_t n = genalloc_len(struct graph_edge, &g->edges) ;
  memset(g->dep_at, 0, (g->n + 1) * sizeof(uint32_t)) ;
  for (size_t i = 0 ; i < n ; i++)
    if (counts(g, &GRAPH_EDGE(g, i))) g->dep_at[GRAPH_EDGE(g, i).from + 1]++ ;
  counts_to_places(g->dep_at, g->n) ;
  memcpy(g->work, g->dep_at, g->n * sizeof(uint32_t)) ;
  for (size_t i = 0 ; i < n ; i++)
  {
    struct graph_edge const *e = &GRAPH_EDGE(g, i) ;
    if (!counts(g, e)) continue ;
    g->dep[g->work[e->from]++] = (struct graph_link){ .node = e->to, .kind = e->kind } ;
  }
}

/* Of several links between the same two nodes keeps the strongest, in the place of the
   first. g->work remembers where each target was last put. */
static void merge_deps (struct graph *g)
{
  uint32_t put = 0 ;
  memset(g->work, 0xff, g->n * sizeof(uint32_t)) ;
  for (uint32_t i = 0, from = 0 ; i < g->n ; i++)
  {
    uint32_t start = put, end = g->dep_at[i + 1] ;
    for (uint32_t j = from ; j < end ; j++)
    {
      struct graph_link l = g->dep[j] ;
      uint32_t old = g->work[l.node] ;
      if (old != GRAPH_NONE && old >= start)
      {
        if (l.kind < g->dep[old].kind) g->dep[old].kind = l.kind ;
        continue ;
      }
      g->work[l.node] = put ;
      g->dep[put++] = l ;
    }
    from = end ;
    g->dep_at[i + 1] = put ;
  }
}

static void link_rdeps (struct graph *g)
{
  uint32_t links = g->dep_at[g->n] ;
  memset(g->rdep_at, 0, (g->n + 1) * sizeof(uint32_t)) ;
  for (uint32_t i = 0 ; i < links ; i++) g->rdep_at[g->dep[i].node + 1]++ ;
  counts_to_places(g->rdep_at, g->n) ;
  memcpy(g->work, g->rdep_at, g->n * sizeof(uint32_t)) ;
  for (uint32_t i = 0 ; i < g->n ; i++)
    for (uint32_t j = g->dep_at[i] ; j < g->dep_at[i + 1] ; j++)
      g->rdep[g->work[g->dep[j].node]++] = (struct graph_link){ .node = i, .kind = g->dep[j].kind } ;
}

static void link_all (struct graph *g)
{
  link_deps(g) ;
  merge_deps(g) ;
  link_rdeps(g) ;
}

/* Adds to the set what its nodes reach by links of the kinds in the mask. */
static uint32_t flood (struct graph *g, uint8_t *set, uint32_t const *at, struct graph_link const *link, unsigned int mask)
{
  uint32_t n = 0 ;
  for (uint32_t i = 0 ; i < g->n ; i++)
    if (set[i]) g->stack[n++] = i ;
  for (uint32_t i = 0 ; i < n ; i++)
  {
    uint32_t node = g->stack[i] ;
    for (uint32_t j = at[node] ; j < at[node + 1] ; j++)
    {
      if (!(mask & 1u << link[j].kind) || set[link[j].node]) continue ;
      set[link[j].node] = 1 ;
      g->stack[n++] = link[j].node ;
    }
  }
  return n ;
}

#define ALL_KINDS (1u << GRAPH_NEEDS | 1u << GRAPH_CONTAINS | 1u << GRAPH_STARTED | 1u << GRAPH_AFTER)
#define PULLS_IN (1u << GRAPH_NEEDS | 1u << GRAPH_CONTAINS | 1u << GRAPH_STARTED)
#define PULLS_OUT (1u << GRAPH_NEEDS | 1u << GRAPH_CONTAINS)

/* Soft edges are decided in groups that lead to the same node, or come from the same one.
   Those to t are taken unless they begin in what t reaches; what is taken begins elsewhere
   and so changes nothing in what t reaches, so that the whole group needs one flood. Those
   from a node: the same backwards. */
static void decide_group (struct graph *g, size_t first, int by_from)
{
  size_t n = genalloc_len(struct graph_edge, &g->edges) ;
  uint32_t common = by_from ? GRAPH_EDGE(g, first).from : GRAPH_EDGE(g, first).to ;
  memset(g->marks, 0, g->n) ;
  g->marks[common] = 1 ;
  if (by_from) flood(g, g->marks, g->rdep_at, g->rdep, ALL_KINDS) ;
  else flood(g, g->marks, g->dep_at, g->dep, ALL_KINDS) ;
  for (size_t i = first ; i < n ; i++)
  {
    struct graph_edge *e = &GRAPH_EDGE(g, i) ;
    if (e->soft != SOFT_OPEN || e->to == GRAPH_NONE) continue ;
    if ((by_from ? e->from : e->to) != common) continue ;
    e->soft = g->marks[by_from ? e->to : e->from] ? SOFT_DROPPED : SOFT_TAKEN ;
  }
}

/* The larger groups are worth a flood. g->open and g->held count how large they are. */
static void count_groups (struct graph *g)
{
  size_t n = genalloc_len(struct graph_edge, &g->edges) ;
  memset(g->open, 0, g->n * sizeof(uint32_t)) ;
  memset(g->held, 0, g->n * sizeof(uint32_t)) ;
  for (size_t i = 0 ; i < n ; i++)
  {
    struct graph_edge const *e = &GRAPH_EDGE(g, i) ;
    if (e->soft != SOFT_OPEN || e->to == GRAPH_NONE) continue ;
    g->open[e->from]++ ;
    g->held[e->to]++ ;
  }
}

static void decide_soft (struct graph *g)
{
  size_t n = genalloc_len(struct graph_edge, &g->edges) ;
  count_groups(g) ;
  for (size_t i = 0 ; i < n ; i++)
  {
    struct graph_edge const *e = &GRAPH_EDGE(g, i) ;
    if (e->soft != SOFT_OPEN || e->to == GRAPH_NONE) continue ;
    decide_group(g, i, g->open[e->from] > g->held[e->to]) ;
    link_all(g) ;
  }
}

/* Kahn's: g->order gets what can be placed, and g->marks is 1 for what can't. */
static uint32_t sort (struct graph *g)
{
  uint32_t n = 0 ;
  memset(g->marks, 1, g->n) ;
  for (uint32_t i = 0 ; i < g->n ; i++)
  {
    g->work[i] = g->dep_at[i + 1] - g->dep_at[i] ;
    if (!g->work[i]) g->order[n++] = i ;
  }
  for (uint32_t i = 0 ; i < n ; i++)
  {
    uint32_t node = g->order[i] ;
    g->marks[node] = 0 ;
    for (uint32_t j = g->rdep_at[node] ; j < g->rdep_at[node + 1] ; j++)
      if (!--g->work[g->rdep[j].node]) g->order[n++] = g->rdep[j].node ;
  }
  return n ;
}

/* Cycles are reported and then cut: what stands on one can never start, but if it runs
   already (the file was edited later) it must be possible to stop it. */
static void sort_and_report (struct graph *g, struct faults *f)
{
  if (sort(g) == g->n) return ;
  graph_cycles(g, f) ;
  link_all(g) ;
  sort(g) ;
}

int graph_build (struct graph *g, struct faults *f)
{
  if (!make_block(g, genalloc_len(struct graph_edge, &g->edges))) return -1 ;
  report_doubles(g, f) ;
  resolve(g, f) ;
  link_all(g) ;
  decide_soft(g) ;
  sort_and_report(g, f) ;
  graph_reset(g) ;
  return 0 ;
}

/* ---- asking */

uint32_t graph_find (struct graph const *g, char const *name)
{
  uint32_t i ;
  return avltree_search(&g->names, name, &i) ? i : GRAPH_NONE ;
}

uint32_t graph_size (struct graph const *g)
{
  return (uint32_t)genalloc_len(struct graph_node, &g->nodes) ;
}

char const *graph_name (struct graph const *g, uint32_t node)
{
  return g->strings.s + GRAPH_NODE(g, node).name ;
}

char const *graph_file (struct graph const *g, uint32_t node)
{
  return g->strings.s + GRAPH_NODE(g, node).file ;
}

enum graph_kind graph_kind_of (struct graph const *g, uint32_t node)
{
  return (enum graph_kind)GRAPH_NODE(g, node).kind ;
}

int graph_broken (struct graph const *g, uint32_t node)
{
  return GRAPH_NODE(g, node).broken ;
}

struct graph_link const *graph_deps (struct graph const *g, uint32_t node, uint32_t *n)
{
  *n = g->dep_at[node + 1] - g->dep_at[node] ;
  return g->dep + g->dep_at[node] ;
}

struct graph_link const *graph_rdeps (struct graph const *g, uint32_t node, uint32_t *n)
{
  *n = g->rdep_at[node + 1] - g->rdep_at[node] ;
  return g->rdep + g->rdep_at[node] ;
}

/* Bundles flood to their members; what the flood found beside them are the atoms. */
void graph_expand (struct graph *g, uint8_t *set)
{
  flood(g, set, g->dep_at, g->dep, 1u << GRAPH_CONTAINS) ;
  for (uint32_t i = 0 ; i < g->n ; i++)
    if (graph_kind_of(g, i) == GRAPH_BUNDLE) set[i] = 0 ;
}

uint32_t graph_close (struct graph *g, uint8_t *set, enum graph_direction direction)
{
  return direction == GRAPH_UP ?
    flood(g, set, g->dep_at, g->dep, PULLS_IN) :
    flood(g, set, g->rdep_at, g->rdep, PULLS_OUT) ;
}
