/* ISC license. */

/* Reading an execline command line: options, words, blocks, positional parameters. */

#include <stdlib.h>
#include <string.h>

#include <skalibs/sgetopt.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include <execline/execline.h>

#include "el.h"

#define MAXOPTIONS 16

static void dieusage (char const *usage) gccattr_noreturn ;
static void dieusage (char const *usage)
{
  strerr_dieusage(100, usage) ;
}

static el_option const *find (int letter, el_option const *table, size_t n)
{
  for (size_t i = 0 ; i < n ; i++)
    if (table[i].letter == letter) return table + i ;
  return 0 ;
}

int el_getopt (el_words *w, unsigned int *flags, el_option const *table, size_t n)
{
  char letters[2 * MAXOPTIONS + 1] ;
  size_t len = 0 ;
  subgetopt l = SUBGETOPT_ZERO ;
  for (size_t i = 0 ; i < n && i < MAXOPTIONS ; i++)
  {
    letters[len++] = table[i].letter ;
    if (table[i].arg) letters[len++] = ':' ;
  }
  letters[len] = 0 ;
  for (;;)
  {
    int c = subgetopt_r(w->n, w->v, letters, &l) ;
    if (c == -1) break ;
    el_option const *o = find(c, table, n) ;
    if (!o) return 0 ;
    *flags = (*flags & ~o->clear) | o->set ;
    if (o->arg) *o->arg = l.arg ;
  }
  w->v += l.ind ; w->n -= l.ind ;
  return 1 ;
}

unsigned int el_options (el_words *w, char const *usage, int min, el_option const *table, size_t n)
{
  unsigned int flags = 0 ;
  if (!el_getopt(w, &flags, table, n) || w->n < min) dieusage(usage) ;
  return flags ;
}

void el_need (el_words *w, char const *usage, int min)
{
  w->v++ ; w->n-- ;
  if (w->n < min) dieusage(usage) ;
}

char const *el_next (el_words *w)
{
  w->n-- ;
  return *w->v++ ;
}

unsigned int el_nextuint (el_words *w, char const *usage)
{
  unsigned int u ;
  if (!uint0_scan(el_next(w), &u)) dieusage(usage) ;
  return u ;
}

int el_tryblock (el_words *w, el_words *block)
{
  int n = el_semicolon(w->v) ;
  if (n >= w->n) return 0 ;
  block->v = w->v ; block->n = n ;
  w->v[n] = 0 ;
  w->v += n + 1 ; w->n -= n + 1 ;
  return 1 ;
}

el_words el_block (el_words *w, char const *what)
{
  el_words block ;
  if (!el_tryblock(w, &block)) strerr_dief(100, "unterminated ", what) ;
  return block ;
}

void el_checkname (char const *name)
{
  if (!*name || strchr(name, '=')) strerr_dief(100, "invalid variable name") ;
}

unsigned int el_sharp (void)
{
  unsigned int n ;
  char const *x = getenv("#") ;
  if (!x) strerr_dienotset(100, "#") ;
  if (!uint0_scan(x, &n)) strerr_dieinvalid(100, "#") ;
  return n ;
}

char const *el_positional (unsigned int n, char *fmt)
{
  char const *x ;
  fmt[uint_fmt(fmt, n)] = 0 ;
  x = getenv(fmt) ;
  if (!x) strerr_dienotset(100, fmt) ;
  return x ;
}
