/* ISC license. */

#ifndef KEELSON_TESTS_UNIT_SAMPLE_H
#define KEELSON_TESTS_UNIT_SAMPLE_H

/* The exhaustive tests do one N-th of their work where each step costs ten times as much (valgrind,
   sanitizers): N, from UNIT_SAMPLE in the environment, or 1. */
extern unsigned int unit_sample (void) ;

#endif
