/* ISC license. */

#include <string.h>
#include <strings.h>

#include <skalibs/bytestr.h>

#include "graph.h"

/* File names have at most 255 bytes; a longer word is no misspelt one. */
#define LEN_MAX 255
#define FAR UINT16_MAX
#define NEAR_MAX 3

static unsigned int min3 (unsigned int a, unsigned int b, unsigned int c)
{
  unsigned int m = a < b ? a : b ;
  return m < c ? m : c ;
}

/* Edit distance with swaps of neighbours (optimal string alignment), by the book, with
   three rows; FAR as soon as a row has nothing within the limit. */
static unsigned int distance (char const *a, size_t alen, char const *b, size_t blen, unsigned int limit)
{
  uint16_t rows[3][LEN_MAX + 1] ;
  for (size_t j = 0 ; j <= blen ; j++) rows[0][j] = (uint16_t)j ;
  for (size_t i = 1 ; i <= alen ; i++)
  {
    uint16_t *row = rows[i % 3], *before = rows[(i + 2) % 3], *before2 = rows[(i + 1) % 3] ;
    unsigned int best = row[0] = (uint16_t)i ;
    for (size_t j = 1 ; j <= blen ; j++)
    {
      unsigned int d = min3(before[j] + 1U, row[j - 1] + 1U, before[j - 1] + (a[i - 1] != b[j - 1])) ;
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before2[j - 2] + 1U < d)
        d = before2[j - 2] + 1U ;
      row[j] = (uint16_t)d ;
      if (d < best) best = d ;
    }
    if (best > limit) return FAR ;
  }
  return rows[alen % 3][blen] ;
}

/* How far a name is from the one that was written; FAR if it can't have been meant. */
static unsigned int farness (char const *wanted, size_t wlen, char const *name)
{
  size_t len = strlen(name) ;
  unsigned int limit = 1 + (unsigned int)wlen / 4 ;
  if (len > LEN_MAX) return FAR ;
  if (!strcasecmp(wanted, name)) return 0 ;
  if (len + limit >= wlen && wlen + limit >= len)
  {
    unsigned int d = distance(wanted, wlen, name, len, limit) ;
    if (d <= limit) return d ;
  }
  if (wlen >= 3 && str_strn(name, len, wanted, wlen) < len) return limit + 1 ;
  return FAR ;
}

unsigned int graph_near (struct graph const *g, char const *name, uint32_t *near, unsigned int max)
{
  unsigned int far[NEAR_MAX], n = 0 ;
  size_t len = strlen(name) ;
  if (max > NEAR_MAX) max = NEAR_MAX ;
  if (len > LEN_MAX || !max) return 0 ;
  for (uint32_t i = 0 ; i < graph_size(g) ; i++)
  {
    unsigned int d = farness(name, len, graph_name(g, i)) ;
    if (d == FAR || (n == max && d >= far[n - 1])) continue ;
    if (n < max) n++ ;
    unsigned int at = n - 1 ;
    for (; at && far[at - 1] > d ; at--)
    {
      far[at] = far[at - 1] ;
      near[at] = near[at - 1] ;
    }
    far[at] = d ;
    near[at] = i ;
  }
  return n ;
}

int graph_unknown (struct graph const *g, char const *where, char const *name, int search, struct faults *f)
{
  static char const *const before[NEAR_MAX] = { "; did you mean ", " or ", " or " } ;
  size_t len = strlen(name) ;
  int in_dir = where[0] && where[strlen(where) - 1] == '/' ;
  uint32_t near[NEAR_MAX] ;
  unsigned int found = search ? graph_near(g, name, near, NEAR_MAX) : 0 ;
  char const *v[6 + 2 * NEAR_MAX] = { where, in_dir ? name : "", ": there is no service ", name } ;
  size_t n = 4 ;
  if (len > 1 && name[len - 1] == '@') v[n++] = " (an instance has its argument after the @)" ;
  for (unsigned int i = 0 ; i < found ; i++)
  {
    v[n++] = before[i] ;
    v[n++] = graph_name(g, near[i]) ;
  }
  v[n++] = found ? "?" : "; define it, or remove this" ;
  return faults_addv(f, FAULT_ERROR, v, n) ;
}
