/* ISC license. */

/*
   s6-expr: the expressions of expr without its regular expressions. Operators by precedence,
   all left-associative: | then & then = != < <= > >= then + - then * / %. What an operator is
   cannot be a word. Numbers have 64 bits; words that are no numbers can be compared only.
*/

#include <string.h>

#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "portable.h"

int s6expr_main (int, char const *const *) ;

#define EXIT_INVALID 2

struct value
{
  char const *s ; /* 0: the number was computed */
  int64_t n ;
  int is_number ;
} ;

enum operator { OR, AND, EQ, NE, LT, LE, GT, GE, PLUS, MINUS, TIMES, DIV, MOD, LEFT, RIGHT, OPERATOR_N } ;

static struct { char const *word ; unsigned int level ; } const operators[OPERATOR_N] =
{
  [OR] = { "|", 1 },
  [AND] = { "&", 2 },
  [EQ] = { "=", 3 },
  [NE] = { "!=", 3 },
  [LT] = { "<", 3 },
  [LE] = { "<=", 3 },
  [GT] = { ">", 3 },
  [GE] = { ">=", 3 },
  [PLUS] = { "+", 4 },
  [MINUS] = { "-", 4 },
  [TIMES] = { "*", 5 },
  [DIV] = { "/", 5 },
  [MOD] = { "%", 5 },
  [LEFT] = { "(", 0 },
  [RIGHT] = { ")", 0 }
} ;

#define HIGHEST 5

static char const *const *word ; /* where the parser is */
static unsigned int unwanted ; /* levels of | and & whose outcome is known: not to be computed */

static enum operator operator_at (void)
{
  enum operator i = 0 ;
  while (i < OPERATOR_N && (!*word || strcmp(*word, operators[i].word))) i++ ;
  return i ;
}

static struct value computed (int64_t n)
{
  return (struct value){ .s = 0, .n = n, .is_number = 1 } ;
}

static int is_null (struct value const *v)
{
  return v->is_number ? !v->n : !*v->s ;
}

static struct value logical (enum operator op, struct value const *a, struct value const *b)
{
  if (op == OR) return is_null(a) ? is_null(b) ? computed(0) : *b : *a ;
  return is_null(a) || is_null(b) ? computed(0) : *a ;
}

static struct value compare (enum operator op, struct value const *a, struct value const *b)
{
  char fmt[2][1 + UINT64_FMT] ;
  int r ;
  if (a->is_number && b->is_number) r = a->n < b->n ? -1 : a->n > b->n ;
  else
  {
    fmt[0][int64_fmt(fmt[0], a->n)] = 0 ;
    fmt[1][int64_fmt(fmt[1], b->n)] = 0 ;
    r = strcmp(a->s ? a->s : fmt[0], b->s ? b->s : fmt[1]) ;
  }
  switch (op)
  {
    case EQ : return computed(!r) ;
    case NE : return computed(r != 0) ;
    case LT : return computed(r < 0) ;
    case LE : return computed(r <= 0) ;
    case GT : return computed(r > 0) ;
    default : return computed(r >= 0) ;
  }
}

static struct value calculate (enum operator op, struct value const *a, struct value const *b)
{
  int64_t n = 0 ;
  int overflow = 0 ;
  if (unwanted) return *a ;
  if (!a->is_number || !b->is_number) strerr_dief(EXIT_INVALID, "not a number: ", a->is_number ? b->s : a->s) ;
  if ((op == DIV || op == MOD) && !b->n) strerr_dief(EXIT_INVALID, "division by zero") ;
  switch (op)
  {
    case PLUS : overflow = __builtin_add_overflow(a->n, b->n, &n) ; break ;
    case MINUS : overflow = __builtin_sub_overflow(a->n, b->n, &n) ; break ;
    case TIMES : overflow = __builtin_mul_overflow(a->n, b->n, &n) ; break ;
    case DIV : overflow = a->n == INT64_MIN && b->n == -1 ; if (!overflow) n = a->n / b->n ; break ;
    default : n = b->n == -1 ? 0 : a->n % b->n ;
  }
  if (overflow) strerr_dief(EXIT_INVALID, "the result of ", operators[op].word, " is beyond 64 bits") ;
  return computed(n) ;
}

static struct value apply (enum operator op, struct value const *a, struct value const *b)
{
  static struct value (*const f[HIGHEST + 1]) (enum operator, struct value const *, struct value const *) =
    { 0, &logical, &logical, &compare, &calculate, &calculate } ;
  return (*f[operators[op].level])(op, a, b) ;
}

static void invalid (void)
{
  if (*word) strerr_dief(EXIT_INVALID, "invalid expression at ", *word) ;
  strerr_dief(EXIT_INVALID, "invalid expression: it ends too early") ;
}

static struct value parse (unsigned int level) ;

static struct value parse_atom (void)
{
  struct value v = { .n = 0 } ;
  switch (operator_at())
  {
    case LEFT :
      word++ ;
      v = parse(1) ;
      if (operator_at() != RIGHT) invalid() ;
      break ;
    case OPERATOR_N :
      if (!*word) invalid() ;
      v.s = *word ;
      v.is_number = !!int640_scan(*word, &v.n) ;
      break ;
    default : invalid() ;
  }
  word++ ;
  return v ;
}

static struct value parse (unsigned int level)
{
  struct value v = level > HIGHEST ? parse_atom() : parse(level + 1) ;
  if (level > HIGHEST) return v ;
  for (enum operator op ; (op = operator_at()) < OPERATOR_N && operators[op].level == level ; )
  {
    int known = op == OR ? !is_null(&v) : op == AND && is_null(&v) ;
    struct value w ;
    word++ ;
    unwanted += (unsigned int)known ;
    w = parse(level + 1) ;
    unwanted -= (unsigned int)known ;
    v = apply(op, &v, &w) ;
  }
  return v ;
}

int s6expr_main (int argc, char const *const *argv)
{
  char fmt[1 + UINT64_FMT] ;
  struct value v ;
  (void)argc ;
  word = argv + 1 ;
  v = parse(1) ;
  if (*word) invalid() ;
  if (v.s) portable_puts(v.s) ;
  else portable_put(fmt, int64_fmt(fmt, v.n)) ;
  portable_put("\n", 1) ;
  portable_finish() ;
  return is_null(&v) ;
}
