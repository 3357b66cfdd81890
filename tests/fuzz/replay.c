/* ISC license. See fuzz.h: the files given as arguments through the target, without libFuzzer. */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <skalibs/djbunix.h>
#include <skalibs/stralloc.h>

#include "fuzz.h"

int main (int argc, char **argv)
{
  static stralloc *inputs ;
  FILE *out ;
  inputs = calloc((size_t)argc, sizeof *inputs) ;
  if (!inputs) return 111 ;
  for (int i = 1 ; i < argc ; i++)
    if (!openslurpclose(inputs + i, argv[i])) return perror(argv[i]), 111 ;
  out = fdopen(dup(1), "w") ;
  for (int i = 1 ; i < argc ; i++) LLVMFuzzerTestOneInput((uint8_t const *)inputs[i].s, inputs[i].len) ;
  if (out) fprintf(out, "%d passed, 0 failed\n", argc - 1), fclose(out) ;
  return argc < 2 ;
}
