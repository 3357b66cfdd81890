/* ISC license. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <check.h>

#include <skalibs/types.h>

#include "svscan/graph.h"

char const *PROG = "test_graph" ;

/* ---- helpers for graphs that are written out */

static struct graph g ;
static struct faults f ;
static uint32_t here ;   /* the `where` of edges of which nobody asks */

static void setup (void)
{
  f = (struct faults)FAULTS_ZERO ;
  graph_init(&g) ;
  ck_assert(graph_string(&g, "/test/", &here)) ;
}

static void teardown (void)
{
  graph_free(&g) ;
  faults_free(&f) ;
}

static uint32_t node (char const *name, enum graph_kind kind)
{
  uint32_t i ;
  ck_assert(graph_add_node(&g, name, kind, "/test", &i)) ;
  return i ;
}

/* "a b c" */
static void longruns (char const *names)
{
  char word[64] ;
  int n ;
  for (; sscanf(names, "%63s%n", word, &n) == 1 ; names += n) node(word, GRAPH_LONGRUN) ;
}

static void edge (char const *from, char const *to, enum graph_link_kind kind)
{
  ck_assert(graph_add_edge(&g, graph_find(&g, from), to, kind, here)) ;
}

static void soft (char const *from, char const *to, enum graph_link_kind kind)
{
  ck_assert(graph_add_soft(&g, graph_find(&g, from), to, kind, here)) ;
}

static void build (void)
{
  ck_assert_int_eq(graph_build(&g, &f), 0) ;
}

static uint32_t at (char const *name)
{
  uint32_t i = graph_find(&g, name) ;
  ck_assert_msg(i != GRAPH_NONE, "no node %s", name) ;
  return i ;
}

/* Does some line of the faults contain the text? */
static int said (char const *text)
{
  size_t pos = 0 ;
  enum fault_weight w ;
  for (char const *line ; (line = faults_next(&f, &pos, &w)) ; )
    if (strstr(line, text)) return 1 ;
  return 0 ;
}

static void show (void)
{
  size_t pos = 0 ;
  enum fault_weight w ;
  for (char const *line ; (line = faults_next(&f, &pos, &w)) ; ) fprintf(stderr, "%s\n", line) ;
}

#define SAYS(text) do { if (!said(text)) { show() ; ck_abort_msg("not said: %s", text) ; } } while (0)

static uint8_t *set_of (char const *names)
{
  static uint8_t set[64] ;
  char word[64] ;
  int n ;
  memset(set, 0, sizeof set) ;
  for (; sscanf(names, "%63s%n", word, &n) == 1 ; names += n) set[at(word)] = 1 ;
  return set ;
}

static void up (char const *names)
{
  uint8_t *set = set_of(names) ;
  graph_close(&g, set, GRAPH_UP) ;
  graph_want_set(&g, set, GRAPH_WANT_UP) ;
}

static void down (char const *names)
{
  uint8_t *set = set_of(names) ;
  graph_expand(&g, set) ;
  graph_close(&g, set, GRAPH_DOWN) ;
  graph_want_set(&g, set, GRAPH_WANT_DOWN) ;
}

static void level (char const *name, enum graph_level l)
{
  graph_set_level(&g, at(name), l) ;
}

/* What graph_next offers until it is idle, as "+start" and "-stop" in the order of names. */
static char const *offers (void)
{
  static char text[512] ;
  uint8_t action[64] = { 0 } ;
  uint32_t n ;
  text[0] = 0 ;
  for (enum graph_action a ; (a = graph_next(&g, &n)) != GRAPH_IDLE ; ) action[n] = (uint8_t)a ;
  for (uint32_t i = 0 ; i < graph_size(&g) ; i++)
    if (action[i])
    {
      if (text[0]) strcat(text, " ") ;
      strcat(text, action[i] == GRAPH_START ? "+" : "-") ;
      strcat(text, graph_name(&g, i)) ;
    }
  return text ;
}

/* ---- starting and stopping */

START_TEST(starts_what_is_ready_and_nothing_else)
{
  longruns("database cache web") ;
  edge("web", "database", GRAPH_NEEDS) ;
  edge("web", "cache", GRAPH_NEEDS) ;
  build() ;
  ck_assert_str_eq(offers(), "") ;
  up("web") ;
  ck_assert_str_eq(offers(), "+database +cache") ;
  level("database", GRAPH_IS_STARTING) ;
  level("cache", GRAPH_IS_STARTING) ;
  level("database", GRAPH_IS_STARTED) ;
  level("cache", GRAPH_IS_READY) ;
  ck_assert_str_eq(offers(), "") ;
  level("database", GRAPH_IS_READY) ;
  ck_assert_str_eq(offers(), "+web") ;
}
END_TEST

START_TEST(stops_dependants_first)
{
  longruns("database cache web") ;
  edge("web", "database", GRAPH_NEEDS) ;
  edge("web", "cache", GRAPH_NEEDS) ;
  build() ;
  up("web") ;
  level("database", GRAPH_IS_READY) ;
  level("cache", GRAPH_IS_READY) ;
  level("web", GRAPH_IS_STARTED) ;
  down("database cache") ;
  ck_assert_str_eq(offers(), "-web") ;
  level("web", GRAPH_IS_STOPPING) ;
  ck_assert_str_eq(offers(), "") ;
  level("web", GRAPH_IS_DOWN) ;
  ck_assert_str_eq(offers(), "-database -cache") ;
}
END_TEST

START_TEST(a_stop_in_the_middle_of_a_start)
{
  longruns("database web") ;
  edge("web", "database", GRAPH_NEEDS) ;
  build() ;
  up("web") ;
  level("database", GRAPH_IS_STARTING) ;
  down("database") ;
  ck_assert_str_eq(offers(), "-database") ;
  level("database", GRAPH_IS_STOPPING) ;
  up("web") ;
  ck_assert_str_eq(offers(), "") ;
  level("database", GRAPH_IS_DOWN) ;
  ck_assert_str_eq(offers(), "+database") ;
}
END_TEST

START_TEST(a_bundle_is_reached_by_itself)
{
  longruns("a b after") ;
  node("both", GRAPH_BUNDLE) ;
  node("nobody", GRAPH_BUNDLE) ;
  edge("both", "a", GRAPH_CONTAINS) ;
  edge("both", "b", GRAPH_CONTAINS) ;
  edge("after", "both", GRAPH_NEEDS) ;
  edge("after", "nobody", GRAPH_NEEDS) ;
  build() ;
  ck_assert(graph_ready(&g, at("nobody"))) ;
  up("after") ;
  ck_assert_str_eq(offers(), "+a +b") ;
  level("a", GRAPH_IS_READY) ;
  ck_assert(!graph_ready(&g, at("both"))) ;
  level("b", GRAPH_IS_READY) ;
  ck_assert(graph_ready(&g, at("both"))) ;
  ck_assert_str_eq(offers(), "+after") ;
  level("after", GRAPH_IS_READY) ;
  down("a") ;
  ck_assert_str_eq(offers(), "-after") ;
  level("after", GRAPH_IS_DOWN) ;
  ck_assert_str_eq(offers(), "-a") ;
}
END_TEST

START_TEST(failure_fails_all_that_needs_it)
{
  uint32_t victims[8] ;
  longruns("prepare database migrate web other") ;
  node("app", GRAPH_BUNDLE) ;
  node("report", GRAPH_ONESHOT) ;
  edge("migrate", "database", GRAPH_NEEDS) ;
  edge("web", "migrate", GRAPH_NEEDS) ;
  edge("app", "web", GRAPH_CONTAINS) ;
  edge("app", "other", GRAPH_CONTAINS) ;
  edge("report", "app", GRAPH_NEEDS) ;
  build() ;
  up("report") ;
  level("database", GRAPH_IS_READY) ;
  level("other", GRAPH_IS_READY) ;
  ck_assert_str_eq(offers(), "+migrate") ;
  ck_assert_uint_eq(graph_fail(&g, at("migrate"), victims), 2) ;
  ck_assert_uint_eq(victims[0], at("web")) ;
  ck_assert_uint_eq(victims[1], at("report")) ;
  ck_assert_str_eq(offers(), "") ;
  ck_assert(graph_settled(&g, at("app"))) ;
  ck_assert(!graph_ready(&g, at("app"))) ;
}
END_TEST

START_TEST(after_is_order_only)
{
  uint32_t victims[8] ;
  longruns("user1 user2 service") ;
  node("user", GRAPH_BUNDLE) ;
  edge("user", "user1", GRAPH_CONTAINS) ;
  edge("user", "user2", GRAPH_CONTAINS) ;
  edge("service", "user", GRAPH_AFTER) ;
  build() ;
  up("service") ;
  ck_assert_str_eq(offers(), "+service") ;
  up("user") ;
  ck_assert_str_eq(offers(), "+user1 +user2") ;
  level("user1", GRAPH_IS_STARTING) ;
  ck_assert_uint_eq(graph_fail(&g, at("user1"), victims), 0) ;
  ck_assert_str_eq(offers(), "") ;
  level("user2", GRAPH_IS_READY) ;
  ck_assert_str_eq(offers(), "+service") ;
  level("service", GRAPH_IS_READY) ;
  down("user2") ;
  ck_assert_str_eq(offers(), "-user2") ;
  down("service") ;
  ck_assert_str_eq(offers(), "-service") ;
  level("service", GRAPH_IS_STOPPING) ;
  level("user2", GRAPH_IS_READY) ;
  ck_assert_str_eq(offers(), "") ;
  level("service", GRAPH_IS_DOWN) ;
  ck_assert_str_eq(offers(), "-user2") ;
}
END_TEST

START_TEST(started_does_not_wait_for_ready_and_pulls_nothing_out)
{
  longruns("service late") ;
  node("legacy-services", GRAPH_BUILTIN) ;
  edge("legacy-services", "service", GRAPH_STARTED) ;
  edge("late", "legacy-services", GRAPH_NEEDS) ;
  build() ;
  up("late") ;
  ck_assert_str_eq(offers(), "+service") ;
  level("service", GRAPH_IS_STARTED) ;
  ck_assert_str_eq(offers(), "+legacy-services") ;
  level("legacy-services", GRAPH_IS_READY) ;
  level("late", GRAPH_IS_READY) ;
  down("service") ;
  ck_assert_str_eq(offers(), "-service") ;
}
END_TEST

START_TEST(a_resume_goes_on_where_it_was)
{
  longruns("a b c") ;
  edge("b", "a", GRAPH_NEEDS) ;
  edge("c", "b", GRAPH_NEEDS) ;
  build() ;
  uint8_t levels[3] = { GRAPH_IS_READY, GRAPH_IS_DOWN, GRAPH_IS_DOWN } ;
  uint8_t wants[3] = { GRAPH_WANT_UP, GRAPH_WANT_UP, GRAPH_WANT_UP } ;
  graph_load(&g, levels, wants) ;
  ck_assert_str_eq(offers(), "+b") ;
}
END_TEST

START_TEST(a_rescan_keeps_what_runs)
{
  struct graph old ;
  uint32_t n ;
  longruns("new a c b") ;
  edge("b", "a", GRAPH_NEEDS) ;
  edge("b", "new", GRAPH_NEEDS) ;
  build() ;
  graph_init(&old) ;
  ck_assert(graph_add_node(&old, "b", GRAPH_LONGRUN, "/old", &n) && graph_add_node(&old, "a", GRAPH_LONGRUN, "/old", &n)) ;
  ck_assert_int_eq(graph_build(&old, 0), 0) ;
  graph_set_want(&old, 0, GRAPH_WANT_UP) ;
  graph_set_level(&old, 1, GRAPH_IS_READY) ;
  graph_carry(&g, &old) ;
  graph_free(&old) ;
  ck_assert_str_eq(offers(), "") ;
  level("new", GRAPH_IS_READY) ;
  ck_assert_str_eq(offers(), "+b") ;
}
END_TEST

/* ---- faults */

START_TEST(says_every_fault_in_one_run)
{
  longruns("a b c d database web web") ;
  edge("a", "b", GRAPH_NEEDS) ;
  edge("b", "a", GRAPH_NEEDS) ;
  edge("b", "c", GRAPH_NEEDS) ;
  edge("c", "a", GRAPH_NEEDS) ;
  edge("d", "d", GRAPH_NEEDS) ;
  edge("web", "databsae", GRAPH_NEEDS) ;
  edge("web", "kafka", GRAPH_NEEDS) ;
  build() ;
  ck_assert_uint_eq(f.errors, 6) ;
  SAYS("cycle: a -> b -> a: each waits") ;
  SAYS("cycle: a -> b -> c -> a: each waits") ;
  SAYS("cycle: d -> d: each waits") ;
  SAYS("break it, for instance at /test/b") ;
  SAYS("/test/databsae: there is no service databsae; did you mean database?") ;
  SAYS("/test/kafka: there is no service kafka; define it, or remove this") ;
  SAYS("there is a web already, defined in /test") ;
}
END_TEST

START_TEST(what_is_broken_never_starts_and_the_rest_does)
{
  longruns("a b needs-a lost fine") ;
  edge("a", "b", GRAPH_NEEDS) ;
  edge("b", "a", GRAPH_NEEDS) ;
  edge("needs-a", "a", GRAPH_NEEDS) ;
  edge("lost", "nothing", GRAPH_NEEDS) ;
  build() ;
  ck_assert(graph_broken(&g, at("a")) && graph_broken(&g, at("b")) && graph_broken(&g, at("lost"))) ;
  ck_assert(!graph_broken(&g, at("needs-a")) && !graph_broken(&g, at("fine"))) ;
  up("needs-a b lost fine") ;
  ck_assert_str_eq(offers(), "+fine") ;
}
END_TEST

START_TEST(what_runs_on_a_cycle_can_still_be_stopped)
{
  uint8_t levels[3] = { GRAPH_IS_READY, GRAPH_IS_READY, 0 } ;
  uint8_t wants[3] = { GRAPH_WANT_DOWN, GRAPH_WANT_DOWN, 0 } ;
  longruns("a b") ;
  node("of-itself", GRAPH_BUNDLE) ;
  edge("a", "b", GRAPH_NEEDS) ;
  edge("b", "a", GRAPH_NEEDS) ;
  edge("of-itself", "of-itself", GRAPH_CONTAINS) ;
  build() ;
  graph_load(&g, levels, wants) ;
  ck_assert_str_eq(offers(), "-a -b") ;
}
END_TEST

START_TEST(a_soft_link_gives_way_to_a_cycle)
{
  uint32_t n ;
  longruns("gate early late") ;
  edge("gate", "early", GRAPH_NEEDS) ;
  soft("early", "gate", GRAPH_AFTER) ;
  soft("late", "gate", GRAPH_AFTER) ;
  build() ;
  ck_assert_uint_eq(f.errors, 0) ;
  graph_deps(&g, at("early"), &n) ;
  ck_assert_uint_eq(n, 0) ;
  ck_assert_uint_eq(graph_deps(&g, at("late"), &n)->node, at("gate")) ;
  ck_assert_uint_eq(n, 1) ;
}
END_TEST

/* Everybody needs everybody: 12! cycles and more, of which some are told, in finite time. */
START_TEST(a_tangle_is_cut_off)
{
  char name[2] = "a" ;
  for (int i = 0 ; i < 12 ; i++, name[0]++) node(name, GRAPH_LONGRUN) ;
  for (char a[2] = "a" ; a[0] < 'm' ; a[0]++)
    for (char b[2] = "a" ; b[0] < 'm' ; b[0]++) edge(a, b, GRAPH_NEEDS) ;
  build() ;
  ck_assert_uint_eq(f.errors, 101) ;
  SAYS("there are more than these") ;
}
END_TEST

START_TEST(a_long_cycle_is_told_in_short)
{
  char name[UINT_FMT], next[UINT_FMT] ;
  for (unsigned int i = 0 ; i < 60 ; i++)
  {
    name[uint_fmt(name, i)] = 0 ;
    node(name, GRAPH_LONGRUN) ;
  }
  for (unsigned int i = 0 ; i < 60 ; i++)
  {
    name[uint_fmt(name, i)] = 0 ;
    next[uint_fmt(next, (i + 1) % 60)] = 0 ;
    edge(name, next, GRAPH_NEEDS) ;
  }
  build() ;
  ck_assert_uint_eq(f.errors, 1) ;
  SAYS("cycle: 0 -> 1 -> ") ;
  SAYS(" -> 19 -> (20 more) -> 40 -> ") ;
  SAYS(" -> 59 -> 0: each") ;
}
END_TEST

START_TEST(no_control_byte_reaches_a_terminal)
{
  longruns("a") ;
  edge("a", "x\033[2J\ny", GRAPH_NEEDS) ;
  build() ;
  SAYS("there is no service x?[2J?y") ;
}
END_TEST

/* ---- near matches */

static struct { char const *wanted ; char const *names ; char const *near ; } const misspelt[] =
{
  { "databse", "database web cache", "database" },
  { "wbe", "database web cache", "web" },                 /* a swap of neighbours */
  { "Web", "web database", "web" },
  { "nginx", "svc-nginx init-nginx php", "svc-nginx init-nginx" },
  { "init-mod", "init-mods init-mods-end svc", "init-mods init-mods-end" },
  { "xyz", "abc def", "" },
  { "a", "b c", "b c" },
  { "php-fpm", "php-fpm7 php_fpm phpfpm", "php-fpm7 php_fpm phpfpm" }
} ;

START_TEST(finds_what_was_meant)
{
  char text[256] = "" ;
  uint32_t near[3] ;
  longruns(misspelt[_i].names) ;
  unsigned int n = graph_near(&g, misspelt[_i].wanted, near, 3) ;
  for (unsigned int i = 0 ; i < n ; i++)
  {
    if (i) strcat(text, " ") ;
    strcat(text, graph_name(&g, near[i])) ;
  }
  ck_assert_str_eq(text, misspelt[_i].near) ;
}
END_TEST

/* ---- random graphs against brute force */

/* Check's own assertions each write to a pipe; here there are millions. */
#define MUST(x) do { if (!(x)) ck_abort_msg("it does not hold that %s", #x) ; } while (0)
#define MUST_EQ(a, b) MUST((a) == (b))

#define SMALL 9

static uint64_t seed ;

static uint32_t dice (uint32_t n)
{
  seed ^= seed >> 12 ; seed ^= seed << 25 ; seed ^= seed >> 27 ;
  return (uint32_t)((seed * 2685821657736338717ULL) >> 33) % n ;
}

static uint64_t first_seed (void)
{
  char const *s = getenv("KEELSON_SEED") ;
  uint64_t x = 0 ;
  if (s && uint640_scan(s, &x) && x) return x ;
  FILE *r = fopen("/dev/urandom", "r") ;
  MUST(r && fread(&x, sizeof x, 1, r) == 1) ;
  fclose(r) ;
  return x | 1 ;
}

#define NO_LINK 0xff

static struct reference
{
  unsigned int n ;
  uint8_t kind[SMALL] ;
  uint8_t hard[SMALL][SMALL] ;     /* the strongest kind of link, or NO_LINK */
  uint8_t link[SMALL][SMALL] ;     /* the same with the soft ones that were taken */
  uint8_t soft[SMALL][SMALL] ;
  uint8_t level[SMALL] ;
  uint8_t want[SMALL] ;
} ref ;

static void random_edge (void)
{
  unsigned int a = dice(ref.n), b = dice(ref.n) ;
  unsigned int kind = dice(4) ;
  if (a == b && dice(4)) return ;
  if (ref.kind[a] == GRAPH_BUNDLE && kind != GRAPH_STARTED) kind = GRAPH_CONTAINS ;
  if (!dice(4))
  {
    MUST(graph_add_soft(&g, a, graph_name(&g, b), kind, here)) ;
    if (kind < ref.soft[a][b]) ref.soft[a][b] = (uint8_t)kind ;
    return ;
  }
  MUST(graph_add_edge(&g, a, graph_name(&g, b), kind, here)) ;
  if (kind < ref.hard[a][b]) ref.hard[a][b] = (uint8_t)kind ;
}

static void random_graph (void)
{
  char name[2] = "a" ;
  unsigned int edges ;
  memset(&ref, 0, sizeof ref) ;
  memset(ref.hard, NO_LINK, sizeof ref.hard) ;
  memset(ref.soft, NO_LINK, sizeof ref.soft) ;
  ref.n = 1 + dice(SMALL) ;
  edges = dice(2 * ref.n + 1) ;
  for (unsigned int i = 0 ; i < ref.n ; i++, name[0]++)
  {
    ref.kind[i] = (uint8_t)dice(4) ;
    MUST_EQ(node(name, ref.kind[i]), i) ;
  }
  while (edges--) random_edge() ;
}

/* paths[a][b]: b can be reached from a over one link or more. */
static void all_paths (uint8_t link[SMALL][SMALL], unsigned int kinds, uint8_t paths[SMALL][SMALL])
{
  for (unsigned int a = 0 ; a < ref.n ; a++)
    for (unsigned int b = 0 ; b < ref.n ; b++)
      paths[a][b] = link[a][b] != NO_LINK && kinds & 1U << link[a][b] ;
  for (unsigned int k = 0 ; k < ref.n ; k++)
    for (unsigned int a = 0 ; a < ref.n ; a++)
      for (unsigned int b = 0 ; b < ref.n ; b++)
        if (paths[a][k] && paths[k][b]) paths[a][b] = 1 ;
}

static unsigned int const every_kind = 15 ;
static unsigned int const pulls_in = 1U << GRAPH_NEEDS | 1U << GRAPH_CONTAINS | 1U << GRAPH_STARTED ;
static unsigned int const pulls_out = 1U << GRAPH_NEEDS | 1U << GRAPH_CONTAINS ;

static int on_cycle (uint8_t link[SMALL][SMALL])
{
  uint8_t paths[SMALL][SMALL] ;
  all_paths(link, every_kind, paths) ;
  for (unsigned int i = 0 ; i < ref.n ; i++)
    if (paths[i][i]) return 1 ;
  return 0 ;
}

/* Reads back the links that the graph has. */
static void read_links (uint8_t link[SMALL][SMALL])
{
  memset(link, NO_LINK, SMALL * SMALL) ;
  for (uint32_t i = 0 ; i < ref.n ; i++)
  {
    uint32_t n ;
    struct graph_link const *l = graph_deps(&g, i, &n) ;
    for (uint32_t j = 0 ; j < n ; j++)
    {
      MUST(link[i][l[j].node] == NO_LINK) ;
      link[i][l[j].node] = (uint8_t)l[j].kind ;
    }
  }
}

static void check_links_both_ways (void)
{
  uint8_t back[SMALL][SMALL] ;
  memset(back, NO_LINK, sizeof back) ;
  for (uint32_t i = 0 ; i < ref.n ; i++)
  {
    uint32_t n ;
    struct graph_link const *l = graph_rdeps(&g, i, &n) ;
    for (uint32_t j = 0 ; j < n ; j++) back[l[j].node][i] = (uint8_t)l[j].kind ;
  }
  MUST(!memcmp(back, ref.link, sizeof back)) ;
}

/* Without cycles: every hard link is there, every soft one that is missing would close a
   cycle, and none that is there does. */
static void check_soft (void)
{
  uint8_t paths[SMALL][SMALL] ;
  all_paths(ref.link, every_kind, paths) ;
  MUST(!on_cycle(ref.link)) ;
  for (unsigned int a = 0 ; a < ref.n ; a++)
    for (unsigned int b = 0 ; b < ref.n ; b++)
    {
      if (ref.hard[a][b] != NO_LINK) MUST(ref.link[a][b] <= ref.hard[a][b]) ;
      else if (ref.soft[a][b] == NO_LINK) MUST_EQ(ref.link[a][b], NO_LINK) ;
      else if (ref.link[a][b] == NO_LINK) MUST(a == b || paths[b][a]) ;
      else MUST_EQ(ref.link[a][b], ref.soft[a][b]) ;
    }
}

static void check_order (void)
{
  unsigned int place[SMALL] ;
  memset(place, 0xff, sizeof place) ;
  for (unsigned int i = 0 ; i < ref.n ; i++) place[g.order[i]] = i ;
  for (unsigned int a = 0 ; a < ref.n ; a++)
  {
    MUST(place[a] < ref.n) ;
    for (unsigned int b = 0 ; b < ref.n ; b++)
      if (ref.link[a][b] != NO_LINK) MUST(place[b] < place[a]) ;
  }
}

static void check_sets (void)
{
  static unsigned int const kinds[3] = { pulls_in, pulls_out, 1U << GRAPH_CONTAINS } ;
  uint8_t paths[SMALL][SMALL], set[SMALL], expected[SMALL] = { 0 } ;
  unsigned int which = dice(3) ;
  all_paths(ref.link, kinds[which], paths) ;
  for (unsigned int i = 0 ; i < ref.n ; i++) expected[i] = set[i] = !dice(3) ;
  for (unsigned int a = 0 ; a < ref.n ; a++)
    for (unsigned int b = 0 ; b < ref.n ; b++)
      if (which == 1 ? set[b] && paths[a][b] : set[b] && paths[b][a]) expected[a] = 1 ;
  unsigned int size = 0 ;
  for (unsigned int i = 0 ; i < ref.n ; i++)
  {
    size += expected[i] ;
    if (which == 2 && ref.kind[i] == GRAPH_BUNDLE) expected[i] = 0 ;
  }
  if (which == 2) graph_expand(&g, set) ;
  else MUST_EQ(graph_close(&g, set, which ? GRAPH_DOWN : GRAPH_UP), size) ;
  MUST(!memcmp(set, expected, ref.n)) ;
}

/* Every elementary cycle that begins at its smallest node, by trying all paths. */
static unsigned int count_cycles (uint8_t link[SMALL][SMALL], unsigned int *path, unsigned int depth, uint8_t *used)
{
  unsigned int found = 0, last = path[depth - 1] ;
  for (unsigned int b = path[0] ; b < ref.n ; b++)
  {
    if (link[last][b] == NO_LINK) continue ;
    if (b == path[0])
    {
      char text[128] = "cycle: " ;
      for (unsigned int i = 0 ; i < depth ; i++)
      {
        strcat(text, graph_name(&g, path[i])) ;
        strcat(text, " -> ") ;
      }
      strcat(text, graph_name(&g, b)) ;
      strcat(text, ":") ;
      if (f.errors <= 100) SAYS(text) ;
      found++ ;
    }
    else if (!used[b])
    {
      used[b] = 1 ;
      path[depth] = b ;
      found += count_cycles(link, path, depth + 1, used) ;
      used[b] = 0 ;
    }
  }
  return found ;
}

static void check_cycles (uint8_t link[SMALL][SMALL])
{
  unsigned int total = 0 ;
  uint8_t paths[SMALL][SMALL] ;
  for (unsigned int i = 0 ; i < ref.n ; i++)
  {
    unsigned int path[SMALL] = { i } ;
    uint8_t used[SMALL] = { 0 } ;
    total += count_cycles(link, path, 1, used) ;
  }
  MUST_EQ(f.errors, total > 100 ? 101 : total) ;
  all_paths(link, every_kind, paths) ;
  for (unsigned int i = 0 ; i < ref.n ; i++)
  {
    int before = 0, after = 0 ;   /* is there a cycle behind it, and one that leads to it? */
    for (unsigned int j = 0 ; j < ref.n ; j++)
      if (paths[j][j])
      {
        before |= j == i || paths[i][j] ;
        after |= j == i || paths[j][i] ;
      }
    MUST_EQ(!!graph_broken(&g, i), before && after) ;
  }
}

/* ---- the rules of graph.h once more, recursively and without counters */

static int ref_ready (unsigned int a) ;
static int ref_settled (unsigned int a) ;

static int ref_satisfied (unsigned int a, unsigned int b)
{
  switch (ref.link[a][b])
  {
    case GRAPH_STARTED :
      if (ref.kind[b] == GRAPH_BUNDLE) return ref_settled(b) ;
      return ref.want[b] != GRAPH_WANT_UP || ref.level[b] == GRAPH_IS_STARTED || ref.level[b] == GRAPH_IS_READY ;
    case GRAPH_AFTER : return ref_settled(b) ;
    default : return ref_ready(b) ;
  }
}

static int ref_all_satisfied (unsigned int a)
{
  for (unsigned int b = 0 ; b < ref.n ; b++)
    if (ref.link[a][b] != NO_LINK && !ref_satisfied(a, b)) return 0 ;
  return 1 ;
}

static int ref_ready (unsigned int a)
{
  return ref.kind[a] == GRAPH_BUNDLE ? ref_all_satisfied(a) : ref.level[a] == GRAPH_IS_READY ;
}

static int ref_settled (unsigned int a)
{
  if (ref.kind[a] != GRAPH_BUNDLE) return ref.want[a] != GRAPH_WANT_UP || ref.level[a] == GRAPH_IS_READY ;
  for (unsigned int b = 0 ; b < ref.n ; b++)
    if (ref.link[a][b] == GRAPH_STARTED ? !ref_satisfied(a, b) : ref.link[a][b] != NO_LINK && !ref_settled(b)) return 0 ;
  return 1 ;
}

static int ref_held (unsigned int b)
{
  for (unsigned int a = 0 ; a < ref.n ; a++)
  {
    if (ref.link[a][b] == NO_LINK) continue ;
    int strong = ref.link[a][b] <= GRAPH_CONTAINS ;
    if (ref.kind[a] == GRAPH_BUNDLE ? strong && ref_held(a) :
      ref.level[a] != GRAPH_IS_DOWN && (strong || ref.want[a] == GRAPH_WANT_DOWN)) return 1 ;
  }
  return 0 ;
}

static enum graph_action ref_action (unsigned int a)
{
  if (ref.kind[a] == GRAPH_BUNDLE) return GRAPH_IDLE ;
  if (ref.want[a] == GRAPH_WANT_UP)
    return ref.level[a] == GRAPH_IS_DOWN && ref_all_satisfied(a) ? GRAPH_START : GRAPH_IDLE ;
  if (ref.want[a] == GRAPH_WANT_DOWN)
    return ref.level[a] != GRAPH_IS_DOWN && ref.level[a] != GRAPH_IS_STOPPING && !ref_held(a) ? GRAPH_STOP : GRAPH_IDLE ;
  return GRAPH_IDLE ;
}

static void ref_fail (unsigned int b, uint8_t *victim)
{
  for (unsigned int a = 0 ; a < ref.n ; a++)
  {
    if (ref.link[a][b] > GRAPH_CONTAINS || victim[a]) continue ;
    if (ref.kind[a] != GRAPH_BUNDLE && (ref.want[a] != GRAPH_WANT_UP || ref.level[a] != GRAPH_IS_DOWN)) continue ;
    victim[a] = 1 ;
    ref_fail(a, victim) ;
  }
}

static void do_fail (unsigned int a)
{
  uint8_t victim[SMALL] = { 0 } ;
  uint32_t named[SMALL] ;
  ref_fail(a, victim) ;
  uint32_t n = graph_fail(&g, a, named), expected = 0 ;
  for (unsigned int i = 0 ; i < ref.n ; i++)
  {
    if (victim[i]) ref.want[i] = GRAPH_WANT_NOTHING ;
    expected += victim[i] && ref.kind[i] != GRAPH_BUNDLE ;
  }
  MUST_EQ(n, expected) ;
  for (uint32_t i = 0 ; i < n ; i++) MUST(victim[named[i]]) ;
  ref.want[a] = GRAPH_WANT_NOTHING ;
  ref.level[a] = GRAPH_IS_DOWN ;
}

static void random_operation (void)
{
  unsigned int a = dice(ref.n) ;
  switch (dice(8))
  {
    case 0 : case 1 :
      ref.want[a] = (uint8_t)dice(3) ;
      graph_set_want(&g, a, ref.want[a]) ;
      break ;
    case 2 : if (ref.kind[a] != GRAPH_BUNDLE) do_fail(a) ; break ;
    case 3 : graph_load(&g, ref.level, ref.want) ; break ;
    default :
      if (ref.kind[a] == GRAPH_BUNDLE) break ;
      ref.level[a] = (uint8_t)dice(5) ;
      graph_set_level(&g, a, ref.level[a]) ;
  }
}

/* What may be done must have been offered since it became possible, and what is offered
   must be possible. */
static void check_offers (uint8_t *offered)
{
  uint32_t n ;
  for (enum graph_action a ; (a = graph_next(&g, &n)) != GRAPH_IDLE ; )
  {
    MUST_EQ(a, ref_action(n)) ;
    offered[n] = (uint8_t)a ;
  }
  for (unsigned int i = 0 ; i < ref.n ; i++)
  {
    if (ref_action(i) == GRAPH_IDLE) offered[i] = GRAPH_IDLE ;
    MUST_EQ(ref_action(i), offered[i]) ;
    MUST_EQ(graph_ready(&g, i), ref_ready(i)) ;
    MUST_EQ(graph_settled(&g, i), ref_settled(i)) ;
  }
}

static void run_at_random (void)
{
  uint8_t offered[SMALL] = { 0 } ;
  for (int i = 0 ; i < 30 ; i++)
  {
    if (dice(3)) random_operation() ;
    else { random_operation() ; random_operation() ; }
    check_offers(offered) ;
  }
}

/* Everything up in any order that is offered, then everything down. */
static void boot_and_stop (void)
{
  uint8_t all[SMALL] ;
  uint32_t n ;
  memset(all, 1, sizeof all) ;
  graph_reset(&g) ;
  graph_want_set(&g, all, GRAPH_WANT_UP) ;
  while (graph_next(&g, &n) == GRAPH_START)
  {
    uint32_t links ;
    struct graph_link const *l = graph_deps(&g, n, &links) ;
    for (uint32_t i = 0 ; i < links ; i++)
      if (l[i].kind == GRAPH_NEEDS) MUST(graph_ready(&g, l[i].node)) ;
    graph_set_level(&g, n, GRAPH_IS_STARTING) ;
    graph_set_level(&g, n, GRAPH_IS_STARTED) ;
    graph_set_level(&g, n, GRAPH_IS_READY) ;
  }
  for (uint32_t i = 0 ; i < ref.n ; i++) MUST(graph_ready(&g, i)) ;
  graph_want_set(&g, all, GRAPH_WANT_DOWN) ;
  while (graph_next(&g, &n) == GRAPH_STOP)
  {
    uint32_t links ;
    struct graph_link const *l = graph_rdeps(&g, n, &links) ;
    for (uint32_t i = 0 ; i < links ; i++)
      if (ref.kind[l[i].node] != GRAPH_BUNDLE) MUST_EQ(g.level[l[i].node], GRAPH_IS_DOWN) ;
    graph_set_level(&g, n, GRAPH_IS_STOPPING) ;
    graph_set_level(&g, n, GRAPH_IS_DOWN) ;
  }
  for (uint32_t i = 0 ; i < ref.n ; i++) MUST_EQ(g.level[i], GRAPH_IS_DOWN) ;
}

static void one_random_graph (void)
{
  setup() ;
  random_graph() ;
  build() ;
  read_links(ref.link) ;
  check_links_both_ways() ;
  check_order() ;
  check_sets() ;
  if (on_cycle(ref.hard))
  {
    uint8_t empty[SMALL][SMALL] ;
    memset(empty, NO_LINK, sizeof empty) ;
    if (!memcmp(ref.soft, empty, sizeof empty)) check_cycles(ref.hard) ;
    else MUST(f.errors > 0) ;
  }
  else
  {
    MUST_EQ(f.errors, 0) ;
    check_soft() ;
    run_at_random() ;
    boot_and_stop() ;
    MUST_EQ(graph_build(&g, 0), 0) ;     /* again, as when something was added */
    check_links_both_ways() ;
  }
  teardown() ;
}

/* To see a failure again: KEELSON_SEED=… build/dev/tests/unit/test_graph */
START_TEST(agrees_with_brute_force_on_random_graphs)
{
  seed = first_seed() ;
  printf("test_graph: 10,000 random graphs, KEELSON_SEED=%llu\n", (unsigned long long)seed) ;
  fflush(stdout) ;
  for (int i = 0 ; i < 10000 ; i++) one_random_graph() ;
}
END_TEST

/* ---- size */

#define LARGE 10000

static void large_name (char *s, unsigned int i)
{
  memcpy(s, "service-", 8) ;
  s[8 + uint_fmt(s + 8, i)] = 0 ;
}

/* Chains, joins and one bundle of all: each service needs three others before it. */
static void large_graph (void)
{
  char name[32] ;
  node("all", GRAPH_BUNDLE) ;
  for (unsigned int i = 0 ; i < LARGE ; i++)
  {
    large_name(name, i) ;
    uint32_t n = node(name, i % 3 ? GRAPH_LONGRUN : GRAPH_ONESHOT) ;
    edge("all", name, GRAPH_CONTAINS) ;
    for (unsigned int j = 0 ; i && j < 3 ; j++)
    {
      large_name(name, j ? dice(i) : i - 1) ;
      ck_assert(graph_add_edge(&g, n, name, GRAPH_NEEDS, here)) ;
    }
  }
}

START_TEST(ten_thousand_services)
{
  uint8_t *set = calloc(1, LARGE + 1) ;
  uint32_t n, started = 0 ;
  seed = 1 ;
  large_graph() ;
  clock_t begun = clock() ;
  build() ;
  ck_assert_uint_eq(f.errors, 0) ;
  set[at("all")] = 1 ;
  ck_assert_uint_eq(graph_close(&g, set, GRAPH_UP), LARGE + 1) ;
  graph_want_set(&g, set, GRAPH_WANT_UP) ;
  for (; graph_next(&g, &n) == GRAPH_START ; started++) graph_set_level(&g, n, GRAPH_IS_READY) ;
  /* a figure, and no verdict: the machine may be busy or slow */
  printf("test_graph: %u services with %u links: in order, and started, in %u ms of CPU\n", LARGE, 4 * LARGE,
    (unsigned int)((clock() - begun) * 1000 / CLOCKS_PER_SEC)) ;
  fflush(stdout) ;
  ck_assert_uint_eq(started, LARGE) ;
  ck_assert(graph_ready(&g, at("all"))) ;
  graph_want_set(&g, set, GRAPH_WANT_DOWN) ;
  for (; graph_next(&g, &n) == GRAPH_STOP ; started--) graph_set_level(&g, n, GRAPH_IS_DOWN) ;
  ck_assert_uint_eq(started, 0) ;
  free(set) ;
}
END_TEST

/* One cycle through all 10,000, and 10,000 unknown names. */
START_TEST(ten_thousand_faults)
{
  char name[32] ;
  seed = 1 ;
  large_graph() ;
  large_name(name, LARGE - 1) ;
  edge("service-0", name, GRAPH_NEEDS) ;
  for (unsigned int i = 0 ; i < LARGE ; i++)
  {
    large_name(name, i) ;
    edge(name, "sevrice-1", GRAPH_NEEDS) ;
  }
  build() ;
  ck_assert_uint_ge(f.errors, LARGE + 100) ;
  SAYS("did you mean service-1 or ") ;
}
END_TEST

static Suite *suite (void)
{
  Suite *s = suite_create("graph") ;
  TCase *c = tcase_create("written") ;
  tcase_add_checked_fixture(c, &setup, &teardown) ;
  tcase_add_test(c, starts_what_is_ready_and_nothing_else) ;
  tcase_add_test(c, stops_dependants_first) ;
  tcase_add_test(c, a_stop_in_the_middle_of_a_start) ;
  tcase_add_test(c, a_bundle_is_reached_by_itself) ;
  tcase_add_test(c, failure_fails_all_that_needs_it) ;
  tcase_add_test(c, after_is_order_only) ;
  tcase_add_test(c, started_does_not_wait_for_ready_and_pulls_nothing_out) ;
  tcase_add_test(c, a_resume_goes_on_where_it_was) ;
  tcase_add_test(c, a_rescan_keeps_what_runs) ;
  tcase_add_test(c, says_every_fault_in_one_run) ;
  tcase_add_test(c, what_is_broken_never_starts_and_the_rest_does) ;
  tcase_add_test(c, what_runs_on_a_cycle_can_still_be_stopped) ;
  tcase_add_test(c, a_soft_link_gives_way_to_a_cycle) ;
  tcase_add_test(c, a_tangle_is_cut_off) ;
  tcase_add_test(c, a_long_cycle_is_told_in_short) ;
  tcase_add_test(c, no_control_byte_reaches_a_terminal) ;
  tcase_add_loop_test(c, finds_what_was_meant, 0, sizeof misspelt / sizeof *misspelt) ;
  suite_add_tcase(s, c) ;
  c = tcase_create("large") ;
  tcase_set_timeout(c, 120) ;
  tcase_add_checked_fixture(c, &setup, &teardown) ;
  tcase_add_test(c, ten_thousand_services) ;
  tcase_add_test(c, ten_thousand_faults) ;
  suite_add_tcase(s, c) ;
  c = tcase_create("random") ;
  tcase_set_timeout(c, 120) ;
  tcase_add_test(c, agrees_with_brute_force_on_random_graphs) ;
  suite_add_tcase(s, c) ;
  return s ;
}

int main (void)
{
  SRunner *r = srunner_create(suite()) ;
  srunner_run_all(r, CK_NORMAL) ;
  int failed = srunner_ntests_failed(r) ;
  srunner_free(r) ;
  return !!failed ;
}
