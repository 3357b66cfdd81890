/* ISC license. Lines of /etc/fix-attrs.d. */

#include <stdlib.h>
#include <string.h>

#include "chain/fixattrs_parse.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput (uint8_t const *data, size_t size)
{
  char *text = malloc(size + 1), *p, *line ;
  must(text != 0) ;
  memcpy(text, data, size) ;
  text[size] = 0 ;
  p = text ;
  while ((line = strsep(&p, "\n")))
  {
    struct fixattrs_rule rule ;
    char const *why = 0, *what = 0 ;
    int r = fixattrs_parse(line, &rule, &why, &what) ;
    must(r > 0 ? rule.path && rule.path[0] == '/' : 1) ;
    must(r >= 0 || why) ;
  }
  free(text) ;
  return 0 ;
}
