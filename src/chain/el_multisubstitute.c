/* ISC license. */

/*
   define, importas, elglob, elgetpositionals, multidefine: each adds keys to a set and
   then substitutes that set. multisubstitute reads several of them, as directives in a
   block, into one set. So each is one function that eats its name, options and arguments.
*/

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include <skalibs/env.h>
#include <skalibs/genalloc.h>
#include <skalibs/strerr.h>
#include <skalibs/stralloc.h>
#include <skalibs/types.h>

#include <execline/execline.h>

#include "el.h"

typedef enum outcome_e
{
  DONE,
  SYNTAX,    /* wrong options or too few arguments */
  BADKEY,    /* an empty key, or one that is substituted already */
  EMPTY,     /* an empty block */
  SYSTEM     /* see errno */
} outcome ;

typedef outcome directive_func (el_words *, el_subst *) ;

enum
{
  SPLIT = 0x001, CRUNCH = 0x002, CHOMP = 0x004,       /* all */
  INSIST = 0x008, UNEXPORT = 0x010,                   /* importas */
  NOWORD = 0x020, REST = 0x040,                       /* multidefine */
  VERBOSE = 0x080, STRICT = 0x100, SORT = 0x200, MARK = 0x400, NOESCAPE = 0x800  /* elglob */
} ;

#define DELIMITERS " \n\r\t"

#define TRANSFORMATIONS(delim) \
    { .letter = 'C', .set = CRUNCH }, \
    { .letter = 'c', .clear = CRUNCH }, \
    { .letter = 'n', .set = CHOMP }, \
    { .letter = 'N', .clear = CHOMP }, \
    { .letter = 'd', .arg = (delim) }

static outcome added (int r)
{
  return r > 0 ? DONE : r ? SYSTEM : BADKEY ;
}

/* Appends VALUE, transformed, to s->values. Returns its number of words, or -1. */
static int add_value (el_subst *s, char const *value, unsigned int flags, char const *delim)
{
  eltransforminfo_t const info =
  {
    .delim = delim,
    .crunch = !!(flags & CRUNCH),
    .chomp = !!(flags & CHOMP),
    .split = !!(flags & SPLIT)
  } ;
  size_t start = s->values.len ;
  if (!stralloc_cats(&s->values, value)) return -1 ;
  return el_transform(&s->values, start, &info) ;
}

static outcome add_transformed (el_subst *s, char const *key, char const *value, unsigned int flags, char const *delim)
{
  size_t start = s->values.len ;
  int n = add_value(s, value, flags, delim) ;
  return n < 0 ? SYSTEM : added(el_subst_key(s, key, start, (unsigned int)n)) ;
}

static outcome define (el_words *w, el_subst *s)
{
  char const *delim = DELIMITERS ;
  char const *key ;
  unsigned int flags = 0 ;
  el_option const options[] = { { .letter = 's', .set = SPLIT }, TRANSFORMATIONS(&delim) } ;
  if (!el_getopt(w, &flags, EL_OPTIONS(options)) || w->n < 2) return SYNTAX ;
  key = el_next(w) ;
  return add_transformed(s, key, el_next(w), flags, delim) ;
}

static outcome importas (el_words *w, el_subst *s)
{
  char const *delim = DELIMITERS ;
  char const *value = 0 ;
  char const *key, *name, *x ;
  unsigned int flags = 0 ;
  el_option const options[] =
  {
    { .letter = 's', .set = SPLIT },
    { .letter = 'i', .set = INSIST },
    { .letter = 'u', .set = UNEXPORT },
    { .letter = 'D', .arg = &value },
    TRANSFORMATIONS(&delim)
  } ;
  if (!el_getopt(w, &flags, EL_OPTIONS(options)) || w->n < 2) return SYNTAX ;
  key = el_next(w) ; name = el_next(w) ;
  x = getenv(name) ;
  if (x) value = x ;
  else if (flags & INSIST) strerr_dienotset(100, name) ;
  if (flags & UNEXPORT && !env_addmodif(&s->modifs, name, 0)) return SYSTEM ;
  if (!value) return added(el_subst_key(s, key, s->values.len, 0)) ;
  return add_transformed(s, key, value, flags, delim) ;
}

static int warnglob (char const *path, int e)
{
  errno = e ;
  strerr_warnwsys("while globbing, error reading ", path) ;
  return 0 ;
}

static outcome elglob (el_words *w, el_subst *s)
{
  glob_t found = { .gl_pathc = 0 } ;
  unsigned int flags = 0, n ;
  size_t start = s->values.len ;
  char const *key ;
  int r ;
  el_option const options[] =
  {
    { .letter = 'v', .set = VERBOSE },
    { .letter = 'w', .set = STRICT },
    { .letter = 's', .set = SORT },
    { .letter = 'm', .set = MARK },
    { .letter = 'e', .set = NOESCAPE },
    { .letter = '0', .set = NOWORD }
  } ;
  if (!el_getopt(w, &flags, EL_OPTIONS(options)) || w->n < 2) return SYNTAX ;
  key = el_next(w) ;
  r = glob(el_next(w),
    (flags & STRICT ? GLOB_ERR : 0) | (flags & SORT ? 0 : GLOB_NOSORT) | (flags & MARK ? GLOB_MARK : 0)
     | (flags & NOESCAPE ? GLOB_NOESCAPE : 0) | (flags & NOWORD ? 0 : GLOB_NOCHECK),
    flags & VERBOSE ? &warnglob : 0, &found) ;
  if (r && r != GLOB_NOMATCH) return SYSTEM ;
  n = r ? 0 : (unsigned int)found.gl_pathc ;
  for (unsigned int i = 0 ; i < n ; i++)
    if (!stralloc_catb(&s->values, found.gl_pathv[i], strlen(found.gl_pathv[i]) + 1)) return SYSTEM ;
  globfree(&found) ;
  return added(el_subst_key(s, key, start, n)) ;
}

static outcome elgetpositionals (el_words *w, el_subst *s)
{
  char const *atleast = "0" ;
  char fmt[UINT_FMT] ;
  genalloc args = GENALLOC_ZERO ;  /* char const * */
  unsigned int flags = 0, n, min ;
  char const *zero ;
  el_option const options[] = { { .letter = 'P', .arg = &atleast } } ;
  if (!el_getopt(w, &flags, EL_OPTIONS(options)) || !uint0_scan(atleast, &min)) return SYNTAX ;
  n = el_sharp() ;
  zero = el_positional(0, fmt) ;
  for (unsigned int i = 1 ; i <= n ; i++)
  {
    char const *x = el_positional(i, fmt) ;
    if (!genalloc_append(char const *, &args, &x)) return SYSTEM ;
  }
  return added(el_subst_positionals(s, zero, genalloc_s(char const *, &args), n, min, 0)) ;
}

/* Assigns N words that begin at VALUE to the KEYS, in order; an empty key skips a word. */
static outcome assign (el_subst *s, el_words const *keys, size_t value, unsigned int n, unsigned int flags)
{
  unsigned int nkeys = (unsigned int)keys->n ;
  size_t empty = s->values.len ;
  if (!stralloc_0(&s->values)) return SYSTEM ;
  for (unsigned int i = 0 ; i < nkeys ; i++)
  {
    int excess = i >= n ;
    unsigned int words = excess ? !(flags & NOWORD) : flags & REST && i == nkeys - 1 ? n - i : 1 ;
    int r = *keys->v[i] ? el_subst_key(s, keys->v[i], excess ? empty : value, words) : 1 ;
    if (r <= 0) return added(r) ;
    if (!excess) value += strlen(s->values.s + value) + 1 ;
  }
  return DONE ;
}

static outcome multidefine (el_words *w, el_subst *s)
{
  char const *delim = DELIMITERS ;
  unsigned int flags = SPLIT ;
  size_t start = s->values.len ;
  char const *value ;
  el_words keys ;
  int n ;
  el_option const options[] =
  {
    { .letter = '0', .set = NOWORD },
    { .letter = 'r', .set = REST },
    TRANSFORMATIONS(&delim)
  } ;
  if (!el_getopt(w, &flags, EL_OPTIONS(options)) || w->n < 2) return SYNTAX ;
  value = el_next(w) ;
  if (!el_tryblock(w, &keys)) return SYNTAX ;
  if (!keys.n) return EMPTY ;
  n = add_value(s, value, flags, delim) ;
  return n < 0 ? SYSTEM : assign(s, &keys, start, (unsigned int)n, flags) ;
}

static struct directive_s
{
  char const *name ;
  directive_func *run ;
}
const directives[] =
{
  { "define", &define },
  { "importas", &importas },
  { "elglob", &elglob },
  { "elgetpositionals", &elgetpositionals },
  { "multidefine", &multidefine }
} ;

#define NDIRECTIVES (sizeof(directives) / sizeof(*directives))

static directive_func *find (char const *name)
{
  for (size_t i = 0 ; i < NDIRECTIVES ; i++)
    if (!strcmp(name, directives[i].name)) return directives[i].run ;
  strerr_dief(100, "syntax error: unrecognized directive ", name) ;
}

static void run_directive (el_words *w, el_subst *s)
{
  char const *name = w->v[0] ;
  switch ((*find(name))(w, s))
  {
    case DONE : return ;
    case SYNTAX : strerr_dief(100, "syntax error at directive ", name) ;
    case BADKEY : strerr_dief(100, "wrong key for directive ", name) ;
    case EMPTY : strerr_dief(111, "empty block at directive ", name) ;
    case SYSTEM : strerr_diefusys(111, "run directive ", name) ;
  }
}

int el_multisubstitute_main (int argc, char const *const *argv)
{
  char const *usage = "see http://skarnet.org/software/execline/multisubstitute.html" ;
  el_words w = EL_WORDS(argc, argv) ;
  el_subst s = EL_SUBST_ZERO ;
  el_words block ;
  el_need(&w, usage, 1) ;
  block = el_block(&w, "block") ;
  if (!w.n) strerr_dieusage(100, usage) ;
  while (block.n) run_directive(&block, &s) ;
  el_subst_execv(&s, w.v) ;
}

static void single (directive_func *run, char const *usage, int argc, char const *const *argv) gccattr_noreturn ;
static void single (directive_func *run, char const *usage, int argc, char const *const *argv)
{
  el_words w = EL_WORDS(argc, argv) ;
  el_subst s = EL_SUBST_ZERO ;
  switch ((*run)(&w, &s))
  {
    case DONE : break ;
    case SYNTAX : strerr_dieusage(100, usage) ;
    case BADKEY : strerr_dief(111, "bad substitution key") ;
    case EMPTY : strerr_dief(100, "empty block") ;
    case SYSTEM : strerr_diefusys(111, "compute the value to substitute") ;
  }
  el_subst_execv(&s, w.v) ;
}

int el_define_main (int argc, char const *const *argv)
{
  single(&define, "define [ -N | -n ] [ -s ] [ -C | -c ] [ -d delim ] key value prog...", argc, argv) ;
}

int el_importas_main (int argc, char const *const *argv)
{
  single(&importas, "importas [ -i | -D default ] [ -u ] [ -N | -n ] [ -s ] [ -C | -c ] [ -d delim ] key var prog...", argc, argv) ;
}

int el_elglob_main (int argc, char const *const *argv)
{
  single(&elglob, "elglob [ -v ] [ -w ] [ -s ] [ -m ] [ -e ] [ -0 ] key pattern prog...", argc, argv) ;
}

int el_elgetpositionals_main (int argc, char const *const *argv)
{
  single(&elgetpositionals, "elgetpositionals [ -P num ] prog...", argc, argv) ;
}

int el_multidefine_main (int argc, char const *const *argv)
{
  single(&multidefine, "multidefine [ -0 ] [ -r ] [ -N | -n ] [ -C | -c ] [ -d delim ] value { vars... } prog...", argc, argv) ;
}
