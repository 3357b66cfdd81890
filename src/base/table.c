/* ISC license. */

#include <string.h>
#include <sys/mman.h>

#include "base.h"

static size_t whole_pages (size_t n)
{
  return (n + PAGE - 1) & ~(size_t)(PAGE - 1) ;
}

/* Kernels without it copy more: nothing else changes. */
void not_for_children (void *p, size_t size)
{
  madvise(p, size, MADV_DONTFORK) ;
}

void *table_grow (void *table, size_t old, size_t size)
{
  void *p ;
  if (table && whole_pages(old) == whole_pages(size)) return table ;
  // cppcheck-suppress invalidFunctionArg ; -1 is what an anonymous map wants
  p = mmap(0, whole_pages(size), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ;
  if (p == MAP_FAILED) return 0 ;
  not_for_children(p, whole_pages(size)) ;
  if (table)
  {
    memcpy(p, table, old) ;
    munmap(table, whole_pages(old)) ;
  }
  return p ;
}
