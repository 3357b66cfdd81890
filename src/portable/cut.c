/* ISC license. */

/* s6-cut: bytes or fields of each line. */

#include <stdlib.h>
#include <string.h>

#include <skalibs/buffer.h>
#include <skalibs/bytestr.h>
#include <skalibs/disize.h>
#include <skalibs/genalloc.h>
#include <skalibs/stralloc.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "portable.h"

#define USAGE "s6-cut [ -b list | -c list | -f list ] [ -d delim ] [ -n ] [ -s ] [ file... ]"

int s6cut_main (int, char const *const *) ;

enum { BYTES = 1, CHARS = 2, FIELDS = 4, DELIMITER = 8, WHOLE_CHARS = 16, ONLY_DELIMITED = 32 } ;

struct cut
{
  genalloc list ; /* of disize: first and last, from 1, disjoint and in order */
  stralloc line ;
  unsigned int given ;
  char delim ;
} ;

/* "3", "3-5", "-5", "3-": what was not a number is the end of the world. */
static size_t scan_range (char const *s, disize *range)
{
  size_t i = 0, n ;
  range->left = 1 ;
  if (*s != '-')
  {
    i = size_scan(s, &range->left) ;
    if (!i || !range->left) return 0 ;
  }
  range->right = range->left ;
  if (s[i] != '-') return i ;
  n = size_scan(s + ++i, &range->right) ;
  if (!n) range->right = (size_t)-1 ;
  return range->right < range->left || (i == 1 && !n) ? 0 : i + n ;
}

static void scan_list (genalloc *list, char const *s)
{
  char const *arg = s ;
  for (;;)
  {
    disize range ;
    size_t n = scan_range(s, &range) ;
    if (!n || (s[n] && !strchr(", \t", s[n]))) strerr_dief(100, "invalid list: ", arg) ;
    if (!genalloc_append(disize, list, &range)) strerr_diefusys(111, "allocate memory") ;
    if (!s[n]) break ;
    s += n + 1 ;
  }
}

static int compare (void const *a, void const *b)
{
  size_t x = ((disize const *)a)->left, y = ((disize const *)b)->left ;
  return x < y ? -1 : x > y ;
}

/* Sorts, and joins what overlaps: each byte is printed once. */
static void normalize (genalloc *list)
{
  disize *r = genalloc_s(disize, list) ;
  size_t n = genalloc_len(disize, list), last = 0 ;
  qsort(r, n, sizeof(disize), &compare) ;
  for (size_t i = 1 ; i < n ; i++)
    if (r[i].left > r[last].right) r[++last] = r[i] ;
    else if (r[i].right > r[last].right) r[last].right = r[i].right ;
  genalloc_setlen(disize, list, last + 1) ;
}

static void cut_bytes (struct cut *c)
{
  disize const *r = genalloc_s(disize, &c->list) ;
  size_t len = c->line.len ;
  for (size_t i = 0 ; i < genalloc_len(disize, &c->list) && r[i].left <= len ; i++)
    portable_put(c->line.s + r[i].left - 1, (r[i].right < len ? r[i].right : len) - r[i].left + 1) ;
}

static void cut_fields (struct cut *c)
{
  disize const *r = genalloc_s(disize, &c->list), *end = r + genalloc_len(disize, &c->list) ;
  char const *s = c->line.s ;
  size_t len = c->line.len ;
  int first = 1 ;
  for (size_t field = 1 ; r < end ; field++)
  {
    size_t n = byte_chr(s, len, c->delim) ;
    while (r < end && field > r->right) r++ ;
    if (r < end && field >= r->left)
    {
      if (!first) portable_put(&c->delim, 1) ;
      portable_put(s, n) ;
      first = 0 ;
    }
    if (n == len) break ;
    s += n + 1 ; len -= n + 1 ;
  }
}

static void cut_line (struct cut *c)
{
  if (!(c->given & FIELDS)) cut_bytes(c) ;
  else if (byte_chr(c->line.s, c->line.len, c->delim) < c->line.len) cut_fields(c) ;
  else if (c->given & ONLY_DELIMITED) return ;
  else portable_put(c->line.s, c->line.len) ;
  portable_put("\n", 1) ;
}

static void cut_file (int fd, char const *name, void *data)
{
  struct cut *c = data ;
  char buf[BUFFER_INSIZE] ;
  buffer b = BUFFER_INIT(&buffer_flush1read, fd, buf, BUFFER_INSIZE) ;
  (void)name ;
  while (portable_next_line(&b, &c->line, '\n') != LINE_NONE) cut_line(c) ;
}

int s6cut_main (int argc, char const *const *argv)
{
  struct portable_options o = PORTABLE_OPTIONS_ZERO ;
  struct cut c = { .list = GENALLOC_ZERO, .line = STRALLOC_ZERO, .delim = '\t' } ;
  unsigned int what ;
  portable_getopt(&argc, &argv, "b:c:f:d:ns", USAGE, 0, &o) ;
  what = o.given & (BYTES | CHARS | FIELDS) ;
  if (what != BYTES && what != CHARS && what != FIELDS) strerr_dieusage(100, USAGE) ;
  if (o.given & DELIMITER) c.delim = *o.arg[3] ;
  c.given = o.given ;
  scan_list(&c.list, o.arg[what == BYTES ? 0 : what == CHARS ? 1 : 2]) ;
  normalize(&c.list) ;
  portable_each_file(argv, &cut_file, &c) ;
  return portable_finish() ;
}
