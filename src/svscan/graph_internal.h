/* ISC license. */

#ifndef KEELSON_GRAPH_INTERNAL_H
#define KEELSON_GRAPH_INTERNAL_H

/* What graph.c, graph_run.c and graph_cycle.c share and nobody else uses. */

#include "graph.h"

#define GRAPH_NODE(g, i) (genalloc_s(struct graph_node, &(g)->nodes)[i])
#define GRAPH_EDGE(g, i) (genalloc_s(struct graph_edge, &(g)->edges)[i])

/* Bits of struct graph_node's broken. */
#define GRAPH_NEEDS_UNKNOWN 1
#define GRAPH_IN_CYCLE 2

/* At most this many cycles are printed: their number can grow like the factorial of the
   size of a tangle. That there are more is said. */
#define GRAPH_CYCLES_MAX 100

/* Longer paths are printed with their middle left out. */
#define GRAPH_PATH_MAX 40

/* Adds every cycle to f. g->marks has a byte for each node, not 0 if a topological sort
   could not place it. Nodes on a cycle, or on a way from one to another, become
   GRAPH_IN_CYCLE. Uses all arrays for running as scratch. */
extern void graph_cycles (struct graph *g, struct faults *f) ;

#endif
