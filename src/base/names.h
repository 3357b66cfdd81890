/* ISC license. */

#ifndef KEELSON_NAMES_H
#define KEELSON_NAMES_H

/* The entries of a directory: one after another without memory, or all of them sorted. */

#include <stddef.h>

#include <skalibs/genalloc.h>
#include <skalibs/stralloc.h>

/* A directory being read, on the caller's stack: PID 1 reads directories at every start of a
   service and allocates nothing then. */
struct dents
{
  int fd ;
  long at, len ;
  unsigned char type ;    /* of the name that dents_next() gave: DT_REG …, or DT_UNKNOWN */
  _Alignas(8) char buffer[2048] ;
} ;

/* Begins to read the directory open as FD, which the caller closes. */
extern void dents_start (struct dents *d, int fd) ;
/* The next name but . and .., in no order, valid until the next call; 0 at the end. */
extern char const *dents_next (struct dents *d) ;

/* 1: the directory PATH has an entry without a leading dot that BELONGS (0: any does), or is there
   but cannot be looked at, so that whoever reads it says why. */
extern int dents_any (char const *path, int (*belongs) (int dirfd, char const *name)) ;

/* The names of a directory that do not begin with a dot, in C-locale order. */
struct names
{
  stralloc text ;
  genalloc order ;    /* size_t: offsets in text */
} ;
#define NAMES_ZERO { .text = STRALLOC_ZERO, .order = GENALLOC_ZERO }

/* Reads PATH, keeping the memory of an earlier use. Only names that end with SUFFIX (0: all) and
   come after AFTER. 0, or -1/errno and then no names. */
extern int names_read (struct names *n, char const *path, char const *suffix, char const *after) ;
extern size_t names_count (struct names const *n) ;
extern char const *names_at (struct names const *n, size_t i) ;
/* 1: the first LEN bytes of NAME are one of them. */
extern int names_has (struct names const *n, char const *name, size_t len) ;

#endif
