/* ISC license. */

#include <string.h>

#include "faults.h"

static void make_printable (char *s, size_t n)
{
  for (size_t i = 0 ; i < n ; i++)
    if ((unsigned char)s[i] < ' ' || s[i] == 0x7f) s[i] = '?' ;
}

static int append (stralloc *sa, enum fault_weight weight, char const *const *v, size_t n)
{
  char w = (char)weight ;
  if (!stralloc_catb(sa, &w, 1)) return 0 ;
  size_t start = sa->len ;
  for (size_t i = 0 ; i < n ; i++)
    if (!stralloc_cats(sa, v[i])) return 0 ;
  make_printable(sa->s + start, sa->len - start) ;
  return stralloc_0(sa) ;
}

int faults_addv (struct faults *f, enum fault_weight weight, char const *const *v, size_t n)
{
  if (!f) return 1 ;
  size_t before = f->text.len ;
  if (weight == FAULT_ERROR) f->errors++ ; else f->warnings++ ;
  if (append(&f->text, weight, v, n)) return 1 ;
  f->text.len = before ;
  return 0 ;
}

char const *faults_next (struct faults const *f, size_t *pos, enum fault_weight *weight)
{
  if (*pos >= f->text.len) return 0 ;
  char const *line = f->text.s + *pos + 1 ;
  *weight = (enum fault_weight)f->text.s[*pos] ;
  *pos += strlen(line) + 2 ;
  return line ;
}

void faults_free (struct faults *f)
{
  stralloc_free(&f->text) ;
  f->errors = f->warnings = 0 ;
}
