/* ISC license. */

/*
   How long PID 1 needs to plan the start of many services:
     make build/dev/libkeelson.a
     cc -std=c11 -D_GNU_SOURCE -O2 -Isrc -Isrc/svscan bench/graph.c build/dev/libkeelson.a -lskarnet -o build/bench-graph
     build/bench-graph [SERVICES [LINKS]]
   Each of SERVICES (10000) needs LINKS (3) others; all are in one bundle. The names are in
   memory already: reading the source directories is not part of this. Goal: 10,000
   services planned (built and the first of them offered) in less than 50 ms.
*/

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <skalibs/types.h>

#include "svscan/graph.h"

char const *PROG = "bench-graph" ;

static double now (void)
{
  struct timespec t ;
  clock_gettime(CLOCK_MONOTONIC, &t) ;
  return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec ;
}

static void name (char *s, unsigned int i)
{
  memcpy(s, "service-", 8) ;
  s[8 + uint_fmt(s + 8, i)] = 0 ;
}

static int fill (struct graph *g, unsigned int services, unsigned int links)
{
  char s[32] ;
  uint32_t all, n, where ;
  uint64_t dice = 88172645463325252ULL ;
  if (!graph_string(g, "/etc/s6-overlay/s6-rc.d/", &where) || !graph_add_node(g, "all", GRAPH_BUNDLE, "bench", &all)) return 0 ;
  for (unsigned int i = 0 ; i < services ; i++)
  {
    name(s, i) ;
    if (!graph_add_node(g, s, GRAPH_LONGRUN, "/etc/s6-overlay/s6-rc.d", &n) || !graph_add_edge(g, all, s, GRAPH_CONTAINS, where)) return 0 ;
    for (unsigned int j = 0 ; i && j < links ; j++)
    {
      dice ^= dice << 13 ; dice ^= dice >> 7 ; dice ^= dice << 17 ;
      name(s, (unsigned int)(dice % i)) ;
      if (!graph_add_edge(g, n, s, GRAPH_NEEDS, where)) return 0 ;
    }
  }
  return 1 ;
}

int main (int argc, char const *const *argv)
{
  unsigned int services = 10000, links = 3 ;
  struct graph g ;
  uint32_t n ;
  double t[5] ;
  if (argc > 1) uint0_scan(argv[1], &services) ;
  if (argc > 2) uint0_scan(argv[2], &links) ;
  graph_init(&g) ;
  t[0] = now() ;
  if (!fill(&g, services, links)) return 111 ;
  t[1] = now() ;
  if (graph_build(&g, 0) < 0) return 111 ;
  t[2] = now() ;
  uint8_t *set = calloc(1, services + 1) ;
  if (!set) return 111 ;
  set[graph_find(&g, "all")] = 1 ;
  graph_close(&g, set, GRAPH_UP) ;
  graph_want_set(&g, set, GRAPH_WANT_UP) ;
  enum graph_action first = graph_next(&g, &n) ;
  t[3] = now() ;
  for (; first == GRAPH_START ; first = graph_next(&g, &n)) graph_set_level(&g, n, GRAPH_IS_READY) ;
  t[4] = now() ;
  printf("%u services with %u links each: names in %.2f ms, built %.2f ms, first offered %.2f ms; planned in %.2f ms; all brought up %.2f ms\n",
    services, links, t[1] - t[0], t[2] - t[1], t[3] - t[2], t[3] - t[0], t[4] - t[3]) ;
  graph_free(&g) ;
  free(set) ;
  return 0 ;
}
