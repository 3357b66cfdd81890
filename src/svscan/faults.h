/* ISC license. */

#ifndef KEELSON_FAULTS_H
#define KEELSON_FAULTS_H

/*
   A list of things that are wrong with what an author wrote, so that all of them can be
   told at once, and by whoever knows how: PID 1 through say(), a tool on stderr. Nothing
   here prints. Each entry is one line of text without newline, naming the file, the cause
   and the mend; bytes that a terminal would act upon come as `?`.

   An error is something that the v3 compiler would have refused; a warning is not.
*/

#include <stddef.h>
#include <stdint.h>

#include <skalibs/stralloc.h>

enum fault_weight { FAULT_WARNING, FAULT_ERROR } ;

struct faults
{
  stralloc text ;      /* for each entry: a byte of weight, the line, a null */
  uint32_t errors ;    /* how many were added, kept or not */
  uint32_t warnings ;
} ;

#define FAULTS_ZERO { .text = STRALLOC_ZERO, .errors = 0, .warnings = 0 }

/* Adds one line made of the n strings of v. A null f drops it. Counts it even when there
   is no memory to keep its text; then 0 with errno, else 1. */
extern int faults_addv (struct faults *f, enum fault_weight, char const *const *v, size_t n) ;

#define FAULTS_PARTS(...) ((char const *const []){ __VA_ARGS__ })
#define faults_add(f, weight, ...) \
  faults_addv((f), (weight), FAULTS_PARTS(__VA_ARGS__), sizeof(FAULTS_PARTS(__VA_ARGS__)) / sizeof(char const *))
#define faults_error(f, ...) faults_add(f, FAULT_ERROR, __VA_ARGS__)
#define faults_warn(f, ...) faults_add(f, FAULT_WARNING, __VA_ARGS__)

/* Walks the list: *pos is 0 at first. The next line, valid until the list changes, and
   its weight; or a null pointer at the end. */
extern char const *faults_next (struct faults const *f, size_t *pos, enum fault_weight *weight) ;

extern void faults_free (struct faults *f) ;

#endif
