/* ISC license. */

/* s6-sort: the lines of stdin in the order of their bytes. */

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <skalibs/buffer.h>
#include <skalibs/genalloc.h>
#include <skalibs/stralloc.h>
#include <skalibs/strerr.h>

#include "portable.h"

#define USAGE "s6-sort [ -b ] [ -c ] [ -f ] [ -r ] [ -u ] [ -0 ]"

int s6sort_main (int, char const *const *) ;

enum { NO_BLANKS = 1, CHECK = 2, FOLD = 4, REVERSE = 8, UNIQUE = 16, NULLS = 32 } ;

struct text
{
  size_t start ; /* of the line in all that was read */
  size_t len ;
} ;

/* qsort()'s comparison takes no argument of ours. */
static unsigned int flags ;
static char const *all ;

static size_t blanks (struct text const *t)
{
  size_t i = 0 ;
  if (flags & NO_BLANKS)
    while (i < t->len && (all[t->start + i] == ' ' || all[t->start + i] == '\t')) i++ ;
  return i ;
}

static int compare_bytes (char const *s, size_t slen, char const *t, size_t tlen, int fold)
{
  size_t n = slen < tlen ? slen : tlen ;
  int r = fold ? strncasecmp(s, t, n) : memcmp(s, t, n) ;
  return r ? r : slen < tlen ? -1 : slen > tlen ;
}

/* By what the options look at. */
static int compare_keys (struct text const *a, struct text const *b)
{
  size_t i = blanks(a), j = blanks(b) ;
  int r = compare_bytes(all + a->start + i, a->len - i, all + b->start + j, b->len - j, flags & FOLD) ;
  return flags & REVERSE ? -r : r ;
}

/* Lines that are equal to the options differ in their bytes, or else in their place: -u keeps
   the first of the input. */
static int compare (void const *x, void const *y)
{
  struct text const *a = x, *b = y ;
  int r = compare_keys(a, b) ;
  if (!r && !(flags & UNIQUE))
  {
    r = compare_bytes(all + a->start, a->len, all + b->start, b->len, 0) ;
    if (flags & REVERSE) r = -r ;
  }
  return r ? r : a->start < b->start ? -1 : a->start > b->start ;
}

static void slurp_lines (stralloc *sa, genalloc *lines)
{
  stralloc line = STRALLOC_ZERO ;
  while (portable_next_line(buffer_0, &line, flags & NULLS ? 0 : '\n') != LINE_NONE)
  {
    struct text t = { .start = sa->len, .len = line.len } ;
    portable_cat(sa, line.s, line.len + 1) ;
    if (!genalloc_append(struct text, lines, &t)) strerr_diefusys(111, "allocate memory") ;
  }
  stralloc_free(&line) ;
}

static int is_sorted (struct text const *t, size_t n)
{
  for (size_t i = 1 ; i < n ; i++)
    if (flags & UNIQUE ? compare_keys(t + i - 1, t + i) >= 0 : compare(t + i - 1, t + i) > 0) return 0 ;
  return 1 ;
}

int s6sort_main (int argc, char const *const *argv)
{
  struct portable_options o = PORTABLE_OPTIONS_ZERO ;
  stralloc sa = STRALLOC_ZERO ;
  genalloc lines = GENALLOC_ZERO ;
  struct text *t ;
  size_t n ;
  portable_getopt(&argc, &argv, "bcfru0", USAGE, 0, &o) ;
  flags = o.given ;
  slurp_lines(&sa, &lines) ;
  all = sa.s ;
  t = genalloc_s(struct text, &lines) ;
  n = genalloc_len(struct text, &lines) ;
  if (flags & CHECK) return !is_sorted(t, n) ;
  if (n) qsort(t, n, sizeof(struct text), &compare) ;
  for (size_t i = 0 ; i < n ; i++)
    if (!i || !(flags & UNIQUE) || compare_keys(t + i - 1, t + i)) portable_put(all + t[i].start, t[i].len + 1) ;
  return portable_finish() ;
}
