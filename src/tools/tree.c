/* ISC license. */

#include <errno.h>
#include <string.h>

#include <skalibs/alloc.h>
#include <skalibs/bytestr.h>

#include "tree.h"

/* A line of a deeper level would not fit a screen anyway. */
#define DEPTH_MAX 100

/* s6rc-oneshot-runner and the like: there for compatibility only. */
#define INTERNAL "s6rc-"

struct drawing
{
  struct graph const *g ;
  struct tree_options const *o ;
  stralloc *out ;
  stralloc indent ;
  uint8_t *drawn ;
} ;

static struct graph_link const *links_of (struct drawing const *d, uint32_t node, uint32_t *n)
{
  return d->o->reverse ? graph_rdeps(d->g, node, n) : graph_deps(d->g, node, n) ;
}

/* A name may hold any byte but / and null; none may drive the terminal. */
static int put_name (stralloc *out, char const *s, char const *quote)
{
  for (; *s ; s++)
  {
    char c = (unsigned char)*s < ' ' || *s == 0x7f ? '?' : *s ;
    if (quote && strchr(quote, c) && !stralloc_catb(out, "\\", 1)) return 0 ;
    if (!stralloc_catb(out, &c, 1)) return 0 ;
  }
  return 1 ;
}

/* ---- lines */

static char const *const kind_notes[] =
{
  [GRAPH_LONGRUN] = "", [GRAPH_ONESHOT] = " (oneshot)", [GRAPH_BUNDLE] = " (bundle)", [GRAPH_BUILTIN] = " (built in)"
} ;

static char const *const link_notes[] =
{
  [GRAPH_NEEDS] = "", [GRAPH_CONTAINS] = "", [GRAPH_STARTED] = " [started]", [GRAPH_AFTER] = " [after]"
} ;

static int put_line (struct drawing *d, uint32_t node, enum graph_link_kind kind)
{
  char const *note = d->o->note ? (*d->o->note)(d->o->data, node) : 0 ;
  return put_name(d->out, graph_name(d->g, node), 0)
    && stralloc_cats(d->out, kind_notes[graph_kind_of(d->g, node)])
    && stralloc_cats(d->out, link_notes[kind])
    && (!note || (stralloc_cats(d->out, "  ") && stralloc_cats(d->out, note))) ;
}

static int draw (struct drawing *d, uint32_t node, enum graph_link_kind kind, unsigned int depth) ;

static int draw_child (struct drawing *d, struct graph_link const *l, int last, unsigned int depth)
{
  static char const *const branch[2][2] = { { "├─ ", "└─ " }, { "|-- ", "`-- " } } ;
  static char const *const beside[2][2] = { { "│  ", "   " }, { "|   ", "    " } } ;
  size_t before = d->indent.len ;
  int ascii = !!d->o->ascii ;
  if (!stralloc_catb(d->out, d->indent.s, d->indent.len) || !stralloc_cats(d->out, branch[ascii][last])
   || !stralloc_cats(&d->indent, beside[ascii][last])) return 0 ;
  int ok = draw(d, l->node, (enum graph_link_kind)l->kind, depth + 1) ;
  d->indent.len = before ;
  return ok ;
}

static int draw (struct drawing *d, uint32_t node, enum graph_link_kind kind, unsigned int depth)
{
  uint32_t n ;
  struct graph_link const *l = links_of(d, node, &n) ;
  int again = n && d->drawn[node], deep = n && depth == DEPTH_MAX ;
  if (!put_line(d, node, kind)
   || !stralloc_cats(d->out, again ? " (see above)\n" : deep ? " …\n" : "\n")) return 0 ;
  if (again || deep) return 1 ;
  d->drawn[node] = 1 ;
  for (uint32_t i = 0 ; i < n ; i++)
    if (!draw_child(d, l + i, i + 1 == n, depth)) return 0 ;
  return 1 ;
}

/* ---- where to begin */

static int is_root (struct drawing const *d, uint32_t node)
{
  uint32_t n ;
  if (d->o->reverse) graph_deps(d->g, node, &n) ; else graph_rdeps(d->g, node, &n) ;
  return !n && !str_start(graph_name(d->g, node), INTERNAL) ;
}

static int from_roots (struct drawing *d, int (*f) (struct drawing *, uint32_t))
{
  uint32_t top = graph_find(d->g, "top") ;
  if (top != GRAPH_NONE && !d->o->reverse && !(*f)(d, top)) return 0 ;
  for (uint32_t i = 0 ; i < graph_size(d->g) ; i++)
    if (i != top && is_root(d, i) && !(*f)(d, i)) return 0 ;
  return 1 ;
}

static int start (struct graph const *g, char const *name, struct tree_options const *o, stralloc *out,
  int (*f) (struct drawing *, uint32_t))
{
  struct drawing d = { .g = g, .o = o, .out = out, .indent = STRALLOC_ZERO } ;
  uint32_t node = name ? graph_find(g, name) : GRAPH_NONE ;
  if (name && node == GRAPH_NONE) return (errno = ENOENT, 0) ;
  d.drawn = alloc(graph_size(g) + 1) ;
  if (!d.drawn) return 0 ;
  memset(d.drawn, 0, graph_size(g)) ;
  int ok = name ? (*f)(&d, node) : from_roots(&d, f) ;
  alloc_free(d.drawn) ;
  stralloc_free(&d.indent) ;
  return ok ;
}

static int print_from (struct drawing *d, uint32_t node)
{
  return draw(d, node, GRAPH_NEEDS, 0) ;
}

int tree_print (struct graph const *g, char const *name, struct tree_options const *o, stralloc *out)
{
  return start(g, name, o, out, &print_from) ;
}

/* ---- Graphviz */

static int put_quoted (stralloc *out, char const *s)
{
  return stralloc_catb(out, "\"", 1) && put_name(out, s, "\"\\") && stralloc_catb(out, "\"", 1) ;
}

static int dot_node (struct drawing *d, uint32_t node)
{
  static char const *const shapes[] =
  {
    [GRAPH_LONGRUN] = "box", [GRAPH_ONESHOT] = "ellipse", [GRAPH_BUNDLE] = "folder", [GRAPH_BUILTIN] = "diamond"
  } ;
  char const *note = d->o->note ? (*d->o->note)(d->o->data, node) : 0 ;
  return stralloc_cats(d->out, "  ") && put_quoted(d->out, graph_name(d->g, node))
    && stralloc_cats(d->out, " [shape=") && stralloc_cats(d->out, shapes[graph_kind_of(d->g, node)])
    && (!note || (stralloc_cats(d->out, ",tooltip=") && put_quoted(d->out, note)))
    && stralloc_cats(d->out, "]\n") ;
}

static int dot_link (struct drawing *d, uint32_t from, uint32_t to, enum graph_link_kind kind)
{
  static char const *const styles[] =
  {
    [GRAPH_NEEDS] = "", [GRAPH_CONTAINS] = " [arrowhead=empty]",
    [GRAPH_STARTED] = " [style=dashed,label=started]", [GRAPH_AFTER] = " [style=dashed,label=after]"
  } ;
  return stralloc_cats(d->out, "  ") && put_quoted(d->out, graph_name(d->g, from))
    && stralloc_cats(d->out, " -> ") && put_quoted(d->out, graph_name(d->g, to))
    && stralloc_cats(d->out, styles[kind]) && stralloc_catb(d->out, "\n", 1) ;
}

/* The node and its links; what they lead to goes on the stack, once. */
static int dot_one (struct drawing *d, uint32_t node, uint32_t *stack, uint32_t *n)
{
  uint32_t links ;
  struct graph_link const *l = links_of(d, node, &links) ;
  if (!dot_node(d, node)) return 0 ;
  for (uint32_t i = 0 ; i < links ; i++)
  {
    uint32_t from = d->o->reverse ? l[i].node : node, to = d->o->reverse ? node : l[i].node ;
    if (!dot_link(d, from, to, (enum graph_link_kind)l[i].kind)) return 0 ;
    if (d->drawn[l[i].node]) continue ;
    d->drawn[l[i].node] = 1 ;
    stack[(*n)++] = l[i].node ;
  }
  return 1 ;
}

static int dot_from (struct drawing *d, uint32_t node)
{
  uint32_t *stack = alloc(graph_size(d->g) * sizeof(uint32_t)) ;
  uint32_t n = 0 ;
  int ok = !!stack ;
  if (ok && !d->drawn[node])
  {
    d->drawn[node] = 1 ;
    stack[n++] = node ;
  }
  while (ok && n)
  {
    node = stack[--n] ;
    ok = dot_one(d, node, stack, &n) ;
  }
  alloc_free(stack) ;
  return ok ;
}

int tree_dot (struct graph const *g, char const *name, struct tree_options const *o, stralloc *out)
{
  return stralloc_cats(out, "digraph services {\n  rankdir=LR\n")
    && start(g, name, o, out, &dot_from)
    && stralloc_cats(out, "}\n") ;
}
