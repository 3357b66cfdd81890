/* ISC license. */

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <skalibs/alloc.h>
#include <skalibs/posixplz.h>
#include <skalibs/types.h>

#include "log.h"

#define SIZE_MIN 4096U
#define SIZE_MAX_ 268435455U

/* The settings in force at the directive at hand. */
struct parse
{
  struct log_script *script ;
  struct log_fault *why ;
  struct log_rules rules ;
  uint32_t alertsize ;
  uint32_t statussize ;
  unsigned int stamps ;
  char const *prefix ;
  size_t first ; /* selector since the last action */
} ;

static int fault (struct parse *p, char const *directive, char const *cause)
{
  p->why->directive = directive ;
  strncpy(p->why->cause, cause, sizeof(p->why->cause) - 1) ;
  p->why->cause[sizeof(p->why->cause) - 1] = 0 ;
  return 0 ;
}

/* ------------------------------------------------------------------- control directives */

static struct { char letter ; size_t field ; } const numbers[] =
{
  { 'n', offsetof(struct parse, rules.keep) },
  { 's', offsetof(struct parse, rules.size) },
  { 'l', offsetof(struct parse, rules.tolerance) },
  { 'r', offsetof(struct parse, rules.pause) },
  { 'E', offsetof(struct parse, alertsize) },
  { '^', offsetof(struct parse, statussize) }
} ;

static int set_number (struct parse *p, char const *word)
{
  size_t i = 0 ;
  uint32_t u ;
  if (!uint320_scan(word + 1, &u)) return fault(p, word, "not a number, or one beyond 4294967295") ;
  while (numbers[i].letter != word[0]) i++ ;
  memcpy((char *)p + numbers[i].field, &u, sizeof u) ;
  return 1 ;
}

static int set_size (struct parse *p, char const *word)
{
  struct log_rules *r = &p->rules ;
  if (!set_number(p, word)) return 0 ;
  if (r->size < SIZE_MIN) r->size = SIZE_MIN ;
  if (r->size > SIZE_MAX_) r->size = SIZE_MAX_ ;
  if (r->tolerance > r->size >> 1) r->tolerance = r->size >> 1 ;
  return 1 ;
}

static int set_tolerance (struct parse *p, char const *word)
{
  return set_number(p, word)
    && (p->rules.tolerance <= p->rules.size >> 1 || fault(p, word, "more than half of what the last s directive says")) ;
}

static int set_total (struct parse *p, char const *word)
{
  return uint640_scan(word + 1, &p->rules.total) || fault(p, word, "not a number, or one beyond 18446744073709551615") ;
}

static int set_processor (struct parse *p, char const *word)
{
  p->rules.processor = word[1] ? word + 1 : 0 ;
  p->rules.is_shell = word[0] == '?' ;
  return 1 ;
}

static int set_prefix (struct parse *p, char const *word)
{
  p->prefix = word[1] ? word + 1 : 0 ;
  return 1 ;
}

static int set_stamp (struct parse *p, char const *word)
{
  if (word[1]) return fault(p, word, "syntax error: nothing may follow the letter") ;
  p->stamps |= word[0] == 't' ? LOG_STAMP_TAI64N : LOG_STAMP_ISO ;
  return 1 ;
}

/* ----------------------------------------------------------------- selection directives */

static int add_regexp (struct parse *p, char const *word)
{
  struct log_selector *sel = p->script->selectors + p->script->nselectors ;
  int r = 0 ;
  sel->type = word[0] == '+' ? LOG_SELECT_ADD : LOG_SELECT_DROP ;
  sel->any = !word[1] ;
  if (!sel->any) r = regcomp(&sel->regexp, word + 1, REG_EXTENDED | REG_NOSUB) ;
  if (r == REG_ESPACE) return (errno = ENOMEM, -1) ;
  if (r)
  {
    fault(p, word, "invalid regular expression: ") ;
    regerror(r, &sel->regexp, p->why->cause + strlen(p->why->cause), sizeof(p->why->cause) - strlen(p->why->cause)) ;
    return 0 ;
  }
  p->script->nselectors++ ;
  return 1 ;
}

static int add_fresh (struct parse *p, char const *word)
{
  if (word[1]) return fault(p, word, "syntax error: nothing may follow the letter") ;
  p->script->selectors[p->script->nselectors++].type = LOG_SELECT_FRESH ;
  return 1 ;
}

/* -------------------------------------------------------------------- action directives */

static int add_action (struct parse *p, enum log_action_type type, uint32_t limit, char const *name)
{
  struct log_script *script = p->script ;
  script->actions[script->nactions++] = (struct log_action)
  {
    .type = type,
    .first = p->first,
    .end = script->nselectors,
    .stamps = p->stamps,
    .prefix = p->prefix,
    .limit = limit,
    .name = name,
    .dir = script->ndirs,
    .rules = p->rules
  } ;
  p->first = script->nselectors ;
  p->stamps = 0 ;
  return 1 ;
}

static int add_stream (struct parse *p, char const *word)
{
  if (word[1]) return fault(p, word, "unrecognized directive") ;
  return word[0] == '1' ? add_action(p, LOG_TO_STDOUT, 0, word) : add_action(p, LOG_TO_STDERR, p->alertsize, word) ;
}

static int add_status (struct parse *p, char const *word)
{
  return word[1] ? add_action(p, LOG_TO_STATUS, p->statussize, word + 1)
    : fault(p, word, "syntax error: the name of the status file is missing") ;
}

/* A directory that is named twice is one directory, with the rules of the first time. */
static int add_dir (struct parse *p, char const *word)
{
  struct log_script *script = p->script ;
  size_t i = 0 ;
  add_action(p, LOG_TO_DIR, 0, word) ;
  for (struct log_action *new = script->actions + script->nactions - 1 ; i < script->nactions ; i++)
  {
    struct log_action const *a = script->actions + i ;
    if (a->type != LOG_TO_DIR || strcmp(a->name, word)) continue ;
    if (a == new) script->ndirs++ ;
    else { new->dir = a->dir ; new->rules = a->rules ; }
    break ;
  }
  return 1 ;
}

/* ------------------------------------------------------------------------------ the rest */

static struct { char letter ; int (*parse) (struct parse *, char const *) ; } const directives[] =
{
  { 'n', &set_number },
  { 's', &set_size },
  { 'S', &set_total },
  { 'l', &set_tolerance },
  { 'r', &set_number },
  { 'E', &set_number },
  { '^', &set_number },
  { '!', &set_processor },
  { '?', &set_processor },
  { 'p', &set_prefix },
  { 't', &set_stamp },
  { 'T', &set_stamp },
  { '+', &add_regexp },
  { '-', &add_regexp },
  { 'f', &add_fresh },
  { '1', &add_stream },
  { '2', &add_stream },
  { 'e', &add_stream },
  { '=', &add_status },
  { '/', &add_dir },
  { '.', &add_dir }
} ;

static int parse_word (struct parse *p, char const *word)
{
  for (size_t i = 0 ; i < sizeof(directives) / sizeof(*directives) ; i++)
    if (word[0] == directives[i].letter) return (*directives[i].parse)(p, word) ;
  return fault(p, word, "unrecognized directive") ;
}

static int make_room (struct log_script *script, size_t n)
{
  script->selectors = alloc((n + 1) * sizeof(struct log_selector)) ;
  script->actions = alloc((n + 1) * sizeof(struct log_action)) ;
  return script->selectors && script->actions ;
}

static int parse_all (struct parse *p, char const *const *argv)
{
  int r = 1 ;
  while (r > 0 && *argv)
  {
    size_t before = p->script->nactions ;
    r = parse_word(p, *argv++) ;
    p->script->trailing = before == p->script->nactions ;
  }
  if (r <= 0 || p->script->nactions) return r ;
  return fault(p, 0, "no action directive specified: one of 1, 2, =file or a directory's name with / or . in front") ;
}

int log_script_parse (struct log_script *script, char const *const *argv, struct log_fault *why)
{
  struct parse p =
  {
    .script = script,
    .why = why,
    .rules = { .keep = 10, .size = 99999, .tolerance = 2000, .total = 0, .pause = 2000 },
    .alertsize = 200,
    .statussize = 1001
  } ;
  size_t n = 0 ;
  int r ;
  while (argv[n]) n++ ;
  *script = (struct log_script)LOG_SCRIPT_ZERO ;
  r = make_room(script, n) ? parse_all(&p, argv) : -1 ;
  if (r <= 0) log_script_free(script) ;
  return r ;
}

void log_script_free (struct log_script *script)
{
  for (size_t i = 0 ; i < script->nselectors ; i++)
    if (script->selectors[i].type != LOG_SELECT_FRESH && !script->selectors[i].any) regfree(&script->selectors[i].regexp) ;
  alloc_free(script->selectors) ;
  alloc_free(script->actions) ;
  *script = (struct log_script)LOG_SCRIPT_ZERO ;
}
