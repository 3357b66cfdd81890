/* ISC license. */

/* Substitution: what define, importas and their kin, and execlineb -S, do to a command line. */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <skalibs/env.h>
#include <skalibs/exec.h>
#include <skalibs/genalloc.h>
#include <skalibs/strerr.h>
#include <skalibs/stralloc.h>
#include <skalibs/types.h>

#include <execline/execline.h>

#include "el.h"

/* Adds KEY if it is not among the first KNOWN bytes of names: to look through all would make many keys slow. */
static int add_key (el_subst *s, char const *key, size_t value, unsigned int n, size_t known)
{
  elsubst_t subst = { .var = s->names.len, .value = value, .n = n } ;
  if (!*key || el_vardupl(key, s->names.s, known)) return 0 ;
  return stralloc_catb(&s->names, key, strlen(key) + 1)
   && genalloc_append(elsubst_t, &s->keys, &subst) ? 1 : -1 ;
}

int el_subst_key (el_subst *s, char const *key, size_t value, unsigned int n)
{
  return add_key(s, key, value, n, s->names.len) ;
}

static int add_word (el_subst *s, char const *key, char const *word, size_t known)
{
  size_t value = s->values.len ;
  if (!stralloc_catb(&s->values, word, strlen(word) + 1)) return -1 ;
  return add_key(s, key, value, 1, known) ;
}

int el_subst_word (el_subst *s, char const *key, char const *word)
{
  return add_word(s, key, word, s->names.len) ;
}

static int add_number (el_subst *s, char const *key, unsigned int n)
{
  char fmt[UINT_FMT] ;
  fmt[uint_fmt(fmt, n)] = 0 ;
  return el_subst_word(s, key, fmt) ;
}

int el_subst_positionals (el_subst *s, char const *zero, char const *const *args, unsigned int n, unsigned int atleast, unsigned int skip)
{
  size_t known = s->names.len ;  /* the keys added here differ from each other */
  unsigned int max = n > atleast ? n : atleast ;
  size_t rest ;
  int r = add_number(s, "#", n) ;
  if (r > 0) r = el_subst_word(s, "0", zero) ;
  for (unsigned int i = 0 ; r > 0 && i < max ; i++)
  {
    char fmt[UINT_FMT] ;
    fmt[uint_fmt(fmt, i + 1)] = 0 ;
    r = add_word(s, fmt, i < n ? args[i] : "", known) ;
  }
  if (r <= 0) return r ;
  rest = s->values.len ;
  for (unsigned int i = skip ; i < n ; i++)
    if (!stralloc_catb(&s->values, args[i], strlen(args[i]) + 1)) return -1 ;
  return el_subst_key(s, "@", rest, skip < n ? n - skip : 0) ;
}

void el_subst_exec (el_subst const *s, char const *words, size_t len)
{
  stralloc out = STRALLOC_ZERO ;
  int n = el_substitute(&out, words, len, s->names.s, s->values.s,
    genalloc_s(elsubst_t, &s->keys), genalloc_len(elsubst_t, &s->keys)) ;
  if (n < 0) strerr_diefusys(111, "substitute") ;
  if (!n) _exit(0) ;
  xmexec_m(el_split(&out, (size_t)n), s->modifs.s, s->modifs.len) ;
}

void el_subst_execv (el_subst const *s, char const *const *argv)
{
  stralloc words = STRALLOC_ZERO ;
  if (!env_string(&words, argv, env_len(argv))) strerr_diefusys(111, "substitute") ;
  el_subst_exec(s, words.s, words.len) ;
}
