/* ISC license. */

/*
   eltest: evaluates an expression of any length.

     expression  = conjunction { -o conjunction }
     conjunction = primary { -a primary }
     primary     = ! primary | ( expression ) | unary word | word binary word | word

   A word that is an operator always is one; a backslash in front, which is dropped, makes it
   data. What cannot change the outcome is parsed, but not evaluated.
*/

#include <regex.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>

#include <skalibs/posixplz.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "el.h"

 /* ---------------------------------------------------------------- unary operators */

typedef int unary_func (char const *word, int arg) ;

static int has_type (char const *file, int type)
{
  struct stat st ;
  return !stat(file, &st) && (st.st_mode & S_IFMT) == (mode_t)type ;
}

static int has_bit (char const *file, int bit)
{
  struct stat st ;
  return !stat(file, &st) && st.st_mode & (mode_t)bit ;
}

static int has_access (char const *file, int how)
{
  return !access(file, how) ;
}

static int is_symlink (char const *file, int arg)
{
  struct stat st ;
  (void)arg ;
  return !lstat(file, &st) && S_ISLNK(st.st_mode) ;
}

static int is_nonempty (char const *file, int arg)
{
  struct stat st ;
  (void)arg ;
  return !stat(file, &st) && st.st_size > 0 ;
}

static int is_ours (char const *file, int arg)
{
  struct stat st ;
  (void)arg ;
  return !stat(file, &st) && st.st_uid == geteuid() ;
}

static int is_our_groups (char const *file, int arg)
{
  struct stat st ;
  (void)arg ;
  return !stat(file, &st) && st.st_gid == getegid() ;
}

static int time_order (struct timespec const *a, struct timespec const *b)
{
  if (a->tv_sec != b->tv_sec) return a->tv_sec < b->tv_sec ? -1 : 1 ;
  return a->tv_nsec < b->tv_nsec ? -1 : a->tv_nsec > b->tv_nsec ;
}

static int is_unread (char const *file, int arg)
{
  struct stat st ;
  (void)arg ;
  return !stat(file, &st) && time_order(&st.st_mtim, &st.st_atim) > 0 ;
}

static int is_terminal (char const *word, int arg)
{
  unsigned int fd ;
  (void)arg ;
  if (!uint0_scan(word, &fd)) strerr_dief(100, "-t requires an integer argument") ;
  return isatty((int)fd) ;
}

static int is_variable (char const *word, int arg)
{
  (void)arg ;
  return !!getenv(word) ;
}

static int is_empty (char const *word, int arg)
{
  return (word[0] == 0) == arg ;
}

static struct unary_s
{
  char const *name ;
  unary_func *test ;
  int arg ;
}
const unaries[] =
{
  { "-b", &has_type, S_IFBLK },
  { "-c", &has_type, S_IFCHR },
  { "-d", &has_type, S_IFDIR },
  { "-f", &has_type, S_IFREG },
  { "-p", &has_type, S_IFIFO },
  { "-S", &has_type, S_IFSOCK },
  { "-h", &is_symlink, 0 },
  { "-L", &is_symlink, 0 },
  { "-g", &has_bit, S_ISGID },
  { "-k", &has_bit, S_ISVTX },
  { "-u", &has_bit, S_ISUID },
  { "-e", &has_access, F_OK },
  { "-r", &has_access, R_OK },
  { "-w", &has_access, W_OK },
  { "-x", &has_access, X_OK },
  { "-s", &is_nonempty, 0 },
  { "-O", &is_ours, 0 },
  { "-U", &is_ours, 0 },
  { "-G", &is_our_groups, 0 },
  { "-N", &is_unread, 0 },
  { "-t", &is_terminal, 0 },
  { "-v", &is_variable, 0 },
  { "-n", &is_empty, 0 },
  { "-z", &is_empty, 1 }
} ;

 /* ---------------------------------------------------------------- binary operators */

 /* Returns a negative number, 0 or a positive one, as A is less than B, equal or greater. */
typedef int order_func (char const *a, char const *b, char const *name) ;

static int string_order (char const *a, char const *b, char const *name)
{
  (void)name ;
  return strcmp(a, b) ;
}

static int number_order (char const *a, char const *b, char const *name)
{
  int64_t x, y ;
  if (!int64_scan(a, &x) || !int64_scan(b, &y)) strerr_dief(100, name, " requires integer arguments") ;
  return x < y ? -1 : x > y ;
}

/* A file that does not exist is older than any that does. */
static int age_order (char const *a, char const *b, char const *name)
{
  struct stat sa, sb ;
  int hasa = !stat(a, &sa) ;
  int hasb = !stat(b, &sb) ;
  (void)name ;
  return hasa && hasb ? time_order(&sa.st_mtim, &sb.st_mtim) : hasa - hasb ;
}

static int file_order (char const *a, char const *b, char const *name)
{
  struct stat sa, sb ;
  (void)name ;
  return stat(a, &sa) || stat(b, &sb) || sa.st_dev != sb.st_dev || sa.st_ino != sb.st_ino ;
}

/* Not an order, but 0 if the regular expression B matches somewhere in A. */
static int regex_order (char const *a, char const *b, char const *name)
{
  regex_t re ;
  char why[256] ;
  int r = skalibs_regcomp(&re, b, REG_EXTENDED | REG_NOSUB) ;
  (void)name ;
  if (r)
  {
    regerror(r, &re, why, sizeof(why)) ;
    strerr_diefu(r == REG_ESPACE ? 111 : 100, "compile ", b, " into a regular expression: ", why) ;
  }
  r = regexec(&re, a, 0, 0, 0) ;
  regfree(&re) ;
  return !!r ;
}

enum { LESS = 0x1, EQUAL = 0x2, GREATER = 0x4 } ;

static struct binary_s
{
  char const *name ;
  order_func *order ;
  unsigned int when ;  /* the orders that make it true */
}
const binaries[] =
{
  { "=", &string_order, EQUAL },
  { "!=", &string_order, LESS | GREATER },
  { "<", &string_order, LESS },
  { ">", &string_order, GREATER },
  { "-eq", &number_order, EQUAL },
  { "-ne", &number_order, LESS | GREATER },
  { "-lt", &number_order, LESS },
  { "-le", &number_order, LESS | EQUAL },
  { "-gt", &number_order, GREATER },
  { "-ge", &number_order, GREATER | EQUAL },
  { "-nt", &age_order, GREATER },
  { "-ot", &age_order, LESS },
  { "-ef", &file_order, EQUAL },
  { "=~", &regex_order, EQUAL }
} ;

static int evaluate_binary (struct binary_s const *o, char const *a, char const *b)
{
  int r = (*o->order)(a, b, o->name) ;
  return !!(o->when & (r < 0 ? LESS : r ? GREATER : EQUAL)) ;
}

 /* ---------------------------------------------------------------- the parser */

typedef struct parser_s
{
  char const *const *v ;
  unsigned int n ;
  unsigned int i ;    /* the word under work */
} parser ;

static int expression (parser *, int) ;

static struct unary_s const *find_unary (char const *s)
{
  for (size_t i = 0 ; i < sizeof(unaries) / sizeof(*unaries) ; i++)
    if (!strcmp(s, unaries[i].name)) return unaries + i ;
  return 0 ;
}

static struct binary_s const *find_binary (char const *s)
{
  for (size_t i = 0 ; i < sizeof(binaries) / sizeof(*binaries) ; i++)
    if (!strcmp(s, binaries[i].name)) return binaries + i ;
  return 0 ;
}

static int is_operator (char const *s)
{
  static char const *const others[] = { "!", "(", ")", "-a", "-o" } ;
  for (size_t i = 0 ; i < sizeof(others) / sizeof(*others) ; i++)
    if (!strcmp(s, others[i])) return 1 ;
  return find_unary(s) || find_binary(s) ;
}

/* Whether the next word is S; if so takes it. */
static int take (parser *p, char const *s)
{
  if (p->i >= p->n || strcmp(p->v[p->i], s)) return 0 ;
  p->i++ ;
  return 1 ;
}

static void diehere (char const *what, unsigned int i) gccattr_noreturn ;
static void diehere (char const *what, unsigned int i)
{
  char fmt[UINT_FMT] ;
  fmt[uint_fmt(fmt, i)] = 0 ;
  strerr_dief(100, "parse error", what, " at argument ", fmt) ;
}

static char const *word (parser *p)
{
  char const *s ;
  if (p->i >= p->n || is_operator(p->v[p->i])) diehere("", p->i) ;
  s = p->v[p->i++] ;
  return s[0] == '\\' ? s + 1 : s ;
}

/* Each of these returns the value of what it parsed, or 0 if LIVE is 0: then nothing is evaluated. */

static int comparison (parser *p, int live)
{
  char const *a = word(p) ;
  struct binary_s const *o = p->i < p->n ? find_binary(p->v[p->i]) : 0 ;
  char const *b ;
  if (!o) return live && a[0] ;
  p->i++ ;
  b = word(p) ;
  return live && evaluate_binary(o, a, b) ;
}

static int parenthesis (parser *p, int live)
{
  int r = expression(p, live) ;
  if (p->i >= p->n) strerr_dief(100, "parse error: too many left parentheses") ;
  if (!take(p, ")")) diehere("", p->i) ;
  return r ;
}

static int primary (parser *p, int live)
{
  struct unary_s const *o ;
  char const *arg ;
  if (take(p, "!")) return !primary(p, live) && live ;
  if (take(p, "(")) return parenthesis(p, live) ;
  o = p->i < p->n ? find_unary(p->v[p->i]) : 0 ;
  if (!o) return comparison(p, live) ;
  p->i++ ;
  arg = word(p) ;
  return live && (*o->test)(arg, o->arg) ;
}

static int conjunction (parser *p, int live)
{
  int r = primary(p, live) ;
  while (take(p, "-a")) r = primary(p, live && r) && r ;
  return r ;
}

static int expression (parser *p, int live)
{
  int r = conjunction(p, live) ;
  while (take(p, "-o")) r = conjunction(p, live && !r) || r ;
  return r ;
}

int el_eltest_main (int argc, char const *const *argv)
{
  parser p = { .v = argv + 1, .n = (unsigned int)argc - 1, .i = 0 } ;
  if (!p.n) return 1 ;
  expression(&p, 0) ;  /* all syntax errors before any other */
  if (take(&p, ")")) diehere(": bad right parenthesis", p.i) ;
  if (p.i < p.n) diehere("", p.i) ;
  p.i = 0 ;
  return !expression(&p, 1) ;
}
