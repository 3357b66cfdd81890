/* ISC license. */

#include <string.h>

#include <skalibs/alloc.h>

#include "source_internal.h"

/*
   A pipe is declared twice, in the producer's producer-for and in the consumer's
   consumer-for, and both must agree. What agrees becomes the producer's `consumer`; every
   disagreement is a fault that names the file to mend.
*/

#define RECORDS(r) genalloc_s(struct source_service, &(r)->s->services)

static char const *text_at (struct reader const *r, uint32_t offset)
{
  return r->s->graph.strings.s + offset ;
}

/* Is the other end there, and a longrun? `unknown` says if its absence must be reported
   here (that of a consumer is, by the producer's link to it). */
static uint32_t other_end (struct reader *r, struct source_pipe const *p, int unknown)
{
  struct graph const *g = &r->s->graph ;
  uint32_t other = graph_find(g, text_at(r, p->other)) ;
  if (other == GRAPH_NONE)
  {
    if (unknown) graph_unknown(g, text_at(r, p->where), text_at(r, p->other), 1, r->f) ;
  }
  else if (graph_kind_of(g, other) != GRAPH_LONGRUN)
  {
    faults_error(r->f, text_at(r, p->where), ": ", text_at(r, p->other),
      " is no longrun, and only longruns have pipes; name another, or change its type") ;
    other = GRAPH_NONE ;
  }
  return other ;
}

static void set_consumers (struct reader *r)
{
  struct source_pipe const *p = genalloc_s(struct source_pipe const, &r->producers) ;
  size_t n = genalloc_len(struct source_pipe, &r->producers) ;
  for (size_t i = 0 ; i < n ; i++) RECORDS(r)[p[i].node].consumer = other_end(r, p + i, 0) ;
}

/* One line of consumer-for. `agreed` has a byte for each node: its producer-for is answered. */
static void check_consumer (struct reader *r, struct source_pipe const *p, uint8_t *agreed)
{
  struct graph const *g = &r->s->graph ;
  uint32_t producer = other_end(r, p, 1) ;
  if (producer == GRAPH_NONE) return ;
  uint32_t consumer = RECORDS(r)[producer].consumer ;
  char const *where = text_at(r, p->where), *name = graph_name(g, producer), *me = graph_name(g, p->node) ;
  if (consumer == p->node) agreed[producer] = 1 ;
  else if (consumer != GRAPH_NONE)
    faults_error(r->f, where, ": ", name, " has two consumers, ", graph_name(g, consumer), " (by ",
      graph_file(g, producer), "/producer-for) and ", me, "; a producer has exactly one, so remove one of them") ;
  else if (!source_has(r->s, producer, SOURCE_PRODUCER_FOR))
    faults_error(r->f, where, ": ", name, " does not say so too; write ", me, " into ",
      graph_file(g, producer), "/producer-for") ;
}

static void check_producers (struct reader *r, uint8_t const *agreed)
{
  struct graph const *g = &r->s->graph ;
  struct source_pipe const *p = genalloc_s(struct source_pipe const, &r->producers) ;
  size_t n = genalloc_len(struct source_pipe, &r->producers) ;
  for (size_t i = 0 ; i < n ; i++)
  {
    struct source_service *record = RECORDS(r) + p[i].node ;
    if (record->consumer == GRAPH_NONE || agreed[p[i].node]) continue ;
    faults_error(r->f, text_at(r, p[i].where), ": ", graph_name(g, record->consumer),
      " does not say so too; write ", graph_name(g, p[i].node), " into ",
      graph_file(g, record->consumer), "/consumer-for") ;
    record->consumer = GRAPH_NONE ;
  }
}

/* The end of the pipeline that a node is in; a cycle of pipes, which is a cycle of
   dependencies too, ends anywhere. */
static uint32_t last_consumer (struct reader const *r, uint32_t node)
{
  for (uint32_t i = 0 ; i < graph_size(&r->s->graph) && RECORDS(r)[node].consumer != GRAPH_NONE ; i++)
    node = RECORDS(r)[node].consumer ;
  return node ;
}

/* bundle_of[i]: the pipeline whose last consumer is node i. */
static int fill_pipelines (struct reader *r, uint32_t *bundle_of)
{
  struct graph *g = &r->s->graph ;
  struct source_pipeline const *p = genalloc_s(struct source_pipeline const, &r->pipelines) ;
  size_t n = genalloc_len(struct source_pipeline, &r->pipelines) ;
  memset(bundle_of, 0xff, graph_size(g) * sizeof(uint32_t)) ;
  for (size_t i = 0 ; i < n ; i++) bundle_of[p[i].last] = (uint32_t)i ;
  for (uint32_t i = 0 ; i < graph_size(g) ; i++)
  {
    uint32_t which = bundle_of[last_consumer(r, i)] ;
    if (which == GRAPH_NONE) continue ;
    if (!graph_add_edge(g, p[which].bundle, graph_name(g, i), GRAPH_CONTAINS, p[which].where)) return 0 ;
  }
  return 1 ;
}

static void check_pipes (struct reader *r, uint8_t *agreed)
{
  struct source_pipe const *p = genalloc_s(struct source_pipe const, &r->consumers) ;
  size_t n = genalloc_len(struct source_pipe, &r->consumers) ;
  memset(agreed, 0, graph_size(&r->s->graph)) ;
  set_consumers(r) ;
  for (size_t i = 0 ; i < n ; i++) check_consumer(r, p + i, agreed) ;
  check_producers(r, agreed) ;
}

int source_join_pipelines (struct reader *r)
{
  if (!r->consumers.len && !r->producers.len) return 1 ;
  void *scratch = alloc(graph_size(&r->s->graph) * sizeof(uint32_t)) ;
  if (!scratch) return 0 ;
  check_pipes(r, scratch) ;
  int ok = fill_pipelines(r, scratch) ;
  alloc_free(scratch) ;
  return ok ;
}
