/* ISC license. */

#ifndef KEELSON_TESTS_FUZZ_H
#define KEELSON_TESTS_FUZZ_H

/*
   Targets for libFuzzer: `make fuzz` runs each for a minute under ASan and UBSan, with the corpus
   tests/fuzz/corpus/NAME. In `make check` replay.c runs the corpora through the same functions.
*/

#include <stddef.h>
#include <stdint.h>

extern int LLVMFuzzerTestOneInput (uint8_t const *data, size_t size) ;

/* What must never be wrong, whatever the input: aborts, which both find. */
#define must(what) do if (!(what)) __builtin_trap() ; while (0)

/* A directory of our own on a tmpfs, as the working directory; made once. */
extern void fuzz_directory (void) ;
/* NAME there holds these bytes. */
extern void fuzz_file (char const *name, uint8_t const *data, size_t size) ;

#endif
