/* ISC license. */

#include <time.h>

#include "base.h"

int64_t mono_now (void)
{
  struct timespec ts ;
  clock_gettime(CLOCK_MONOTONIC, &ts) ;
  return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec ;
}

int64_t mono_after (int64_t from, int64_t ns)
{
  return from > NEVER - ns ? NEVER : from + ns ;
}
