/* ISC license. */

#ifndef KEELSON_GRAPH_H
#define KEELSON_GRAPH_H

/*
   Who needs whom: a pure module. Names go in, order and faults come out. It makes no
   system call, reads no clock and prints nothing; it allocates while a graph is built and
   never afterwards.

   A node is a name and a kind. Longruns, oneshots and built-in steps are atoms: they have
   a state of their own, which the caller reports. A bundle is only a name for what it
   contains: it is reached when all of that is reached, by itself, and the caller never
   has to act on one. (So a service that needs a bundle of 1,000 costs one link, not
   1,000.)

   A link goes from the one that waits to the one that is waited for, and is of a kind:

     NEEDS     A needs B ready. Starting A pulls B in, stopping B pulls A out, and A waits
               until B is down before B may stop (the v3 dependency).
     CONTAINS  the bundle A consists of B.
     STARTED   A waits until B has been started, ready or not. Starting A pulls B in;
               stopping B does not pull A out. If B fails or is not wanted, A goes on.
     AFTER     order and nothing else: if B is wanted up, A starts when B is settled
               (ready, or failed); if both go down, A goes first. Pulls nothing.

   A link may be SOFT: then it is left out if it would close a cycle, without a word.

   Building: graph_init, graph_add_node and graph_add_edge in any order, graph_build.
   Indices of nodes are 0, 1, 2 … in the order of graph_add_node and stay the same when
   more is added and graph_build is called again. A graph with faults can be used all the same: what stands
   on a cycle or needs an unknown name is `broken`: it never becomes startable, and
   all else works. (The caller fails it with graph_fail, or does not begin at all.)

   Running: each atom has a level, which the caller reports, and a want, which the caller
   chooses.

     graph_reset(g) or graph_load(g, …)
     graph_close(g, set, GRAPH_UP) ; graph_want_set(g, set, GRAPH_WANT_UP)
     while ((action = graph_next(g, &n)))
       start n or stop n, and report what became of it with graph_set_level(g, n, …)

   graph_set_level, graph_set_want and graph_fail cost time in proportion to the links of what
   changed, allocate nothing and call nobody; what became possible by them is queued for
   graph_next. Nothing recurses: a chain of 10,000 is as good as any other graph.

   A struct graph must not be moved in memory between graph_init and graph_free.
*/

#include <stddef.h>
#include <stdint.h>

#include <skalibs/avltree.h>
#include <skalibs/genalloc.h>
#include <skalibs/stralloc.h>

#include "faults.h"

#define GRAPH_NONE UINT32_MAX

enum graph_kind { GRAPH_LONGRUN, GRAPH_ONESHOT, GRAPH_BUNDLE, GRAPH_BUILTIN } ;

/* Strongest first: of several links between the same two nodes the strongest counts. */
enum graph_link_kind { GRAPH_NEEDS, GRAPH_CONTAINS, GRAPH_STARTED, GRAPH_AFTER } ;

enum graph_direction { GRAPH_UP, GRAPH_DOWN } ;

/*
   What the caller says of an atom.
     DOWN      nothing of it runs: never started, failed, or stopped
     STARTING  it holds what it needs but gives nothing yet: a oneshot that runs, a
               longrun that is about to be spawned
     STARTED   spawned, not ready
     READY     reached: its dependants may start. Say this too of what has taken itself
               down on purpose and counts as reached
     STOPPING  on its way down, still holding what it needs
   A service that dies and is started again by its supervisor stays at the level it had.
*/
enum graph_level { GRAPH_IS_DOWN, GRAPH_IS_STARTING, GRAPH_IS_STARTED, GRAPH_IS_READY, GRAPH_IS_STOPPING } ;

enum graph_want { GRAPH_WANT_NOTHING, GRAPH_WANT_UP, GRAPH_WANT_DOWN } ;

enum graph_action { GRAPH_IDLE, GRAPH_START, GRAPH_STOP } ;

struct graph_link
{
  uint32_t node ;
  uint32_t kind ;     /* enum graph_link_kind */
} ;

struct graph_node
{
  uint32_t name ;     /* offset in graph.strings */
  uint32_t file ;     /* the same: what defines it, for messages */
  uint8_t kind ;      /* enum graph_kind */
  uint8_t broken ;    /* 0, or why it can never start: bits in graph_internal.h */
} ;

/* A link as it was given. */
struct graph_edge
{
  uint32_t from ;
  uint32_t to ;       /* GRAPH_NONE until graph_build, and if the name is unknown */
  uint32_t name ;
  uint32_t where ;
  uint8_t kind ;
  uint8_t soft ;      /* enum softness in graph.c */
} ;

struct graph
{
  stralloc strings ;
  genalloc nodes ;    /* struct graph_node */
  genalloc edges ;    /* struct graph_edge */
  genalloc doubles ;  /* struct graph_node: definitions of a name that was there already */
  avltree names ;

  /* from here on: made by graph_build, one block, n or n + 1 or links entries each */
  char *block ;
  uint32_t n ;
  uint32_t *dep_at ;  /* node i waits for dep[dep_at[i]] … dep[dep_at[i + 1] - 1] */
  uint32_t *rdep_at ; /* and is waited for by rdep[rdep_at[i]] … */
  struct graph_link *dep ;
  struct graph_link *rdep ;
  uint32_t *order ;   /* every node, each after all that it waits for */
  uint32_t *unmet ;   /* links of the node that are not satisfied */
  uint32_t *open ;    /* of a bundle: members that are not settled */
  uint32_t *held ;    /* dependants that keep the node from stopping */
  uint32_t *stack ;   /* scratch */
  uint32_t *work ;    /* bundles to look at again */
  uint32_t *queue ;   /* ring for graph_next */
  uint32_t head ;
  uint32_t queued ;
  uint8_t *level ;
  uint8_t *want ;
  uint8_t *bits ;
  uint8_t *marks ;
} ;

/* ---- building */

extern void graph_init (struct graph *g) ;
extern void graph_free (struct graph *g) ;

/* Copies s and its null into the graph's strings; *offset is where. 1, or 0 with errno. */
extern int graph_string (struct graph *g, char const *s, uint32_t *offset) ;

/* Adds a node; `file` (what defines it; no string of the graph's own) is shown in
   messages. If there is one of that name
   the old one stays, *index is its own, and graph_build reports the double definition:
   callers that merge look with graph_find first. 1, or 0 with errno. */
extern int graph_add_node (struct graph *g, char const *name, enum graph_kind, char const *file, uint32_t *index) ;

/* Adds a link from a node to a name that need not exist yet. `where` is a string in
   graph.strings that says which file names it: a directory with its final slash, to which
   messages add the name, or a file. Every link of a bundle but STARTED is CONTAINS.
   1, or 0 with errno. */
extern int graph_add_edge (struct graph *g, uint32_t from, char const *to, enum graph_link_kind, uint32_t where) ;
extern int graph_add_soft (struct graph *g, uint32_t from, char const *to, enum graph_link_kind, uint32_t where) ;

/* Resolves all names and finds all faults: double definitions, unknown names (with those
   that come near), and every cycle as its path. They are added to f (which may be null). The state of every
   node is as after graph_reset. 0; or -1 with errno (ENOMEM), and then the graph is good
   for graph_free and another graph_build only. */
extern int graph_build (struct graph *g, struct faults *f) ;

/* ---- asking. Only graph_find, graph_name, graph_file and graph_kind_of work before graph_build. */

/* The node of that name, or GRAPH_NONE. */
extern uint32_t graph_find (struct graph const *g, char const *name) ;

extern uint32_t graph_size (struct graph const *g) ;
extern char const *graph_name (struct graph const *g, uint32_t node) ;
extern char const *graph_file (struct graph const *g, uint32_t node) ;
extern enum graph_kind graph_kind_of (struct graph const *g, uint32_t node) ;
extern int graph_broken (struct graph const *g, uint32_t node) ;

/* What the node waits for, and who waits for it; *n is how many. */
extern struct graph_link const *graph_deps (struct graph const *g, uint32_t node, uint32_t *n) ;
extern struct graph_link const *graph_rdeps (struct graph const *g, uint32_t node, uint32_t *n) ;

/* Replaces, in a set of graph_size() bytes, each bundle by its members, theirs by theirs …
   and leaves atoms only. To stop a bundle, expand first and close afterwards. */
extern void graph_expand (struct graph *g, uint8_t *set) ;

/* Adds to the set all that starting (GRAPH_UP) or stopping (GRAPH_DOWN) its nodes pulls
   along, bundles on the way included. The number of nodes in it afterwards. */
extern uint32_t graph_close (struct graph *g, uint8_t *set, enum graph_direction) ;

/* Up to `max` known names that `name` may have been meant to be, nearest first: by edit
   distance (a swap of neighbours counts one), then names that contain it. How many. */
extern unsigned int graph_near (struct graph const *g, char const *name, uint32_t *near, unsigned int max) ;

/* Adds to f that `where` (as for graph_add_edge) names a service that is not there; with
   near matches if `search`, which looks at every name. 1, or 0 with errno. */
extern int graph_unknown (struct graph const *g, char const *where, char const *name, int search, struct faults *f) ;

/* ---- running */

/* All down, nothing wanted. */
extern void graph_reset (struct graph *g) ;

/* Takes over levels and wants (arrays of graph_size() bytes; a null one counts as all 0),
   as after a resume. */
extern void graph_load (struct graph *g, uint8_t const *levels, uint8_t const *wants) ;

/* Takes them over from an older graph, by name, as after a rescan. What is in the old one
   alone is the caller's to stop. */
extern void graph_carry (struct graph *g, struct graph const *old) ;

extern void graph_set_level (struct graph *g, uint32_t node, enum graph_level) ;
extern void graph_set_want (struct graph *g, uint32_t node, enum graph_want) ;

/* graph_set_want for each node of the set. */
extern void graph_want_set (struct graph *g, uint8_t const *set, enum graph_want) ;

/* The node could not be brought up: it is down and no longer wanted, nor is anything that
   needs it and is wanted but not begun; these atoms are written to `victims` (room for
   graph_size() entries), for the caller to name. How many. A node that is wanted, down and
   not failed is offered again by graph_next: so every failure must be reported here. */
extern uint32_t graph_fail (struct graph *g, uint32_t node, uint32_t *victims) ;

/* The next thing that may be done now, and to which node: start an atom that is wanted up,
   is down, and has all it waits for; or stop one that is wanted down, is not down or
   stopping, and is held by nobody. GRAPH_IDLE: nothing before something changes. The
   caller must report the node's new level before it asks for the same node's action to be
   over: what is offered once is not offered again while nothing changed. */
extern enum graph_action graph_next (struct graph *g, uint32_t *node) ;

/* Ready: an atom's level is READY; a bundle's members are all ready. Settled: ready, or
   not wanted up (so: failed); a bundle's members are all settled. When `top` is settled
   the boot is over, when it is ready it went well. */
extern int graph_ready (struct graph const *g, uint32_t node) ;
extern int graph_settled (struct graph const *g, uint32_t node) ;

#endif
