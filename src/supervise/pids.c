/* ISC license. */

#include "base.h"
#include "pids.h"

/* A hash with chains. A node is slot * ROLES + role; a slot has at most one process a role. */

#define NONE UINT32_MAX

static uint32_t *heads, *next ;
static pid_t *pids ;
static uint32_t buckets, nodes ;

static uint32_t bucket (pid_t pid)
{
  return (uint32_t)pid * 2654435761u & (buckets - 1) ;
}

static void rehash (void)
{
  for (uint32_t b = 0 ; b < buckets ; b++) heads[b] = NONE ;
  for (uint32_t i = 0 ; i < nodes ; i++)
    if (pids[i])
    {
      uint32_t b = bucket(pids[i]) ;
      next[i] = heads[b] ;
      heads[b] = i ;
    }
}

int pids_room (uint32_t n)
{
  uint32_t want = n * ROLES, b = buckets ? buckets : 64 ;
  void *p ;
  if (want <= nodes) return 0 ;
  want = TABLE_ROOM(want, nodes) ;
  n = want / ROLES ;
  while (b < n * 2) b *= 2 ;
  if (!(p = table_grow(pids, nodes * sizeof *pids, want * sizeof *pids))) return -1 ;
  pids = p ;
  if (!(p = table_grow(next, nodes * sizeof *next, want * sizeof *next))) return -1 ;
  next = p ;
  if (!(p = table_grow(heads, buckets * sizeof *heads, b * sizeof *heads))) return -1 ;
  heads = p ;
  for (uint32_t i = nodes ; i < want ; i++) pids[i] = 0 ;
  nodes = want ;
  buckets = b ;
  rehash() ;
  return 0 ;
}

void pids_add (pid_t pid, uint32_t slot, enum pid_role role)
{
  uint32_t i = slot * ROLES + role, b = bucket(pid) ;
  if (i >= nodes) return ;
  if (pids[i]) pids_remove(pids[i]) ;
  pids[i] = pid ;
  next[i] = heads[b] ;
  heads[b] = i ;
}

void pids_remove (pid_t pid)
{
  uint32_t *link ;
  if (!buckets) return ;
  for (link = heads + bucket(pid) ; *link != NONE ; link = next + *link)
    if (pids[*link] == pid)
    {
      pids[*link] = 0 ;
      *link = next[*link] ;
      return ;
    }
}

int pids_find (pid_t pid, uint32_t *slot, enum pid_role *role)
{
  if (!buckets) return 0 ;
  for (uint32_t i = heads[bucket(pid)] ; i != NONE ; i = next[i])
    if (pids[i] == pid)
    {
      *slot = i / ROLES ;
      *role = i % ROLES ;
      return 1 ;
    }
  return 0 ;
}
