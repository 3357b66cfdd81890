/* ISC license. */

#ifndef KEELSON_TREE_H
#define KEELSON_TREE_H

/* The dependency graph as a drawing: what `svctl tree [NAME] [--dot]` shows. */

#include <stdint.h>

#include <skalibs/stralloc.h>

#include "svscan/graph.h"

struct tree_options
{
  int reverse ;         /* draw who waits for it instead of what it waits for */
  int ascii ;           /* lines of ASCII instead of box drawing characters */
  char const *(*note) (void *data, uint32_t node) ;   /* shown after a name; may be null, as may the result */
  void *data ;
} ;

/* Appends the tree below NAME, a line a node, each with what it waits for below it. What has
   been drawn in full already is not drawn again: "(see above)". A null NAME draws `top`
   first and then whatever else nobody waits for, but what is built in. 1; or 0 with errno:
   ENOENT if there is no such name, ENOMEM. */
extern int tree_print (struct graph const *g, char const *name, struct tree_options const *o, stralloc *out) ;

/* Appends the same as a digraph in Graphviz' language: boxes are longruns, ellipses oneshots,
   folders bundles, diamonds built-in steps; dashed lines are order alone. */
extern int tree_dot (struct graph const *g, char const *name, struct tree_options const *o, stralloc *out) ;

#endif
