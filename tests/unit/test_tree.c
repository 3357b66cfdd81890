/* ISC license. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <check.h>

#include <skalibs/stralloc.h>
#include <skalibs/types.h>

#include "tools/tree.h"

char const *PROG = "test_tree" ;

static struct graph g ;
static stralloc out ;
static struct tree_options options ;

static void add (char const *name, enum graph_kind kind)
{
  uint32_t n ;
  ck_assert(graph_add_node(&g, name, kind, "/test", &n)) ;
}

static void edge (char const *from, char const *to, enum graph_link_kind kind)
{
  ck_assert(graph_add_edge(&g, graph_find(&g, from), to, kind, 0)) ;
}

static void setup (void)
{
  uint32_t where ;
  out = (stralloc)STRALLOC_ZERO ;
  options = (struct tree_options){ 0 } ;
  graph_init(&g) ;
  ck_assert(graph_string(&g, "/test/", &where)) ;
}

static void small_graph (void)
{
  add("top", GRAPH_BUNDLE) ;
  add("web", GRAPH_LONGRUN) ;
  add("prepare", GRAPH_ONESHOT) ;
  add("database", GRAPH_LONGRUN) ;
  add("base", GRAPH_BUILTIN) ;
  add("alone", GRAPH_LONGRUN) ;
  add("s6rc-fdholder", GRAPH_BUILTIN) ;
  edge("top", "web", GRAPH_CONTAINS) ;
  edge("top", "database", GRAPH_STARTED) ;
  edge("web", "prepare", GRAPH_NEEDS) ;
  edge("web", "database", GRAPH_NEEDS) ;
  edge("prepare", "database", GRAPH_NEEDS) ;
  edge("database", "base", GRAPH_AFTER) ;
  ck_assert_int_eq(graph_build(&g, 0), 0) ;
}

static void teardown (void)
{
  graph_free(&g) ;
  stralloc_free(&out) ;
}

static void check_text (char const *text)
{
  ck_assert(stralloc_0(&out)) ;
  ck_assert_str_eq(out.s, text) ;
}

START_TEST(draws_all)
{
  small_graph() ;
  ck_assert(tree_print(&g, 0, &options, &out)) ;
  check_text(
    "top (bundle)\n"
    "├─ web\n"
    "│  ├─ prepare (oneshot)\n"
    "│  │  └─ database\n"
    "│  │     └─ base (built in) [after]\n"
    "│  └─ database (see above)\n"
    "└─ database [started] (see above)\n"
    "alone\n") ;
}
END_TEST

static char const *state (void *data, uint32_t node)
{
  return node == *(uint32_t *)data ? "up 3 s" : 0 ;
}

START_TEST(draws_the_other_way_round)
{
  small_graph() ;
  uint32_t web = graph_find(&g, "web") ;
  options = (struct tree_options){ .reverse = 1, .ascii = 1, .note = &state, .data = &web } ;
  ck_assert(tree_print(&g, "database", &options, &out)) ;
  check_text(
    "database\n"
    "|-- top (bundle) [started]\n"
    "|-- web  up 3 s\n"
    "|   `-- top (bundle)\n"
    "`-- prepare (oneshot)\n"
    "    `-- web  up 3 s (see above)\n") ;
}
END_TEST

START_TEST(no_such_name)
{
  small_graph() ;
  ck_assert(!tree_print(&g, "none", &options, &out)) ;
  ck_assert_int_eq(errno, ENOENT) ;
}
END_TEST

START_TEST(graphviz)
{
  small_graph() ;
  ck_assert(tree_dot(&g, "prepare", &options, &out)) ;
  check_text(
    "digraph services {\n"
    "  rankdir=LR\n"
    "  \"prepare\" [shape=ellipse]\n"
    "  \"prepare\" -> \"database\"\n"
    "  \"database\" [shape=box]\n"
    "  \"database\" -> \"base\" [style=dashed,label=after]\n"
    "  \"base\" [shape=diamond]\n"
    "}\n") ;
}
END_TEST

START_TEST(odd_names)
{
  add("a\"b\\c\033[2J", GRAPH_LONGRUN) ;
  ck_assert_int_eq(graph_build(&g, 0), 0) ;
  ck_assert(tree_print(&g, 0, &options, &out)) ;
  ck_assert(tree_dot(&g, 0, &options, &out)) ;
  check_text("a\"b\\c?[2J\ndigraph services {\n  rankdir=LR\n  \"a\\\"b\\\\c?[2J\" [shape=box]\n}\n") ;
}
END_TEST

START_TEST(a_long_chain_ends)
{
  char name[UINT_FMT], before[UINT_FMT] ;
  for (unsigned int i = 0 ; i < 10000 ; i++)
  {
    name[uint_fmt(name, i)] = 0 ;
    add(name, GRAPH_LONGRUN) ;
    if (i)
    {
      before[uint_fmt(before, i - 1)] = 0 ;
      edge(name, before, GRAPH_NEEDS) ;
    }
  }
  ck_assert_int_eq(graph_build(&g, 0), 0) ;
  ck_assert(tree_print(&g, "9999", &options, &out)) ;
  ck_assert(stralloc_0(&out)) ;
  ck_assert_ptr_nonnull(strstr(out.s, "9899 …\n")) ;
  ck_assert_ptr_null(strstr(out.s, "9898")) ;
  out.len = 0 ;
  ck_assert(tree_dot(&g, "9999", &options, &out)) ;
  ck_assert(stralloc_0(&out)) ;
  ck_assert_ptr_nonnull(strstr(out.s, "\"1\" -> \"0\"\n")) ;
}
END_TEST

int main (void)
{
  Suite *s = suite_create("tree") ;
  TCase *c = tcase_create("tree") ;
  tcase_add_checked_fixture(c, &setup, &teardown) ;
  tcase_add_test(c, draws_all) ;
  tcase_add_test(c, draws_the_other_way_round) ;
  tcase_add_test(c, no_such_name) ;
  tcase_add_test(c, graphviz) ;
  tcase_add_test(c, odd_names) ;
  tcase_add_test(c, a_long_chain_ends) ;
  suite_add_tcase(s, c) ;
  SRunner *r = srunner_create(s) ;
  srunner_run_all(r, CK_NORMAL) ;
  int failed = srunner_ntests_failed(r) ;
  srunner_free(r) ;
  return !!failed ;
}
