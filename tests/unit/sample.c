/* ISC license. */

#include <stdlib.h>

#include "sample.h"

unsigned int unit_sample (void)
{
  char const *s = getenv("UNIT_SAMPLE") ;
  unsigned int n = s ? (unsigned int)strtoul(s, 0, 10) : 1 ;
  return n ? n : 1 ;
}
