/* ISC license. */

#include <string.h>

#include <skalibs/types.h>

#include "fixattrs_parse.h"

#define BLANKS " \t\r"

enum field { PATH, RECURSE, ACCOUNT, FMODE, DMODE, FIELDS } ;

/* Up to FIELDS + 1, so that one too many shows. */
static unsigned int cut (char *line, char **field)
{
  unsigned int n = 0 ;
  char *rest = 0 ;
  for (char *s = strtok_r(line, BLANKS, &rest) ; s && n <= FIELDS ; s = strtok_r(0, BLANKS, &rest)) field[n++] = s ;
  return n ;
}

static char const *parse_path (char *s, struct fixattrs_rule *rule)
{
  rule->path = s ;
  return s[0] == '/' ? 0 : "is no absolute path: begin it with /" ;
}

static char const *parse_recurse (char *s, struct fixattrs_rule *rule)
{
  rule->recurse = !strcmp(s, "true") ;
  return rule->recurse || !strcmp(s, "false") ? 0 : "must be true or false" ;
}

/* UID:GID, or UID alone, which s6-overlay takes for UID:0. */
static int parse_fallback (char const *s, struct fixattrs_rule *rule)
{
  size_t len = uid_scan(s, &rule->fallback_uid) ;
  rule->have_fallback = 1 ;
  if (!len) return 0 ;
  return !s[len] || (s[len] == ':' && gid0_scan(s + len + 1, &rule->fallback_gid)) ;
}

static char const *parse_account (char *s, struct fixattrs_rule *rule)
{
  char *comma = strchr(s, ','), *colon ;
  if (comma && !parse_fallback(comma + 1, rule))
    return "has a fallback that is not UID:GID in numbers: write it as in nobody,65534:65534" ;
  if (comma) *comma = 0 ;
  colon = strchr(s, ':') ;
  if (colon) *colon++ = 0 ;
  rule->user = s ;
  rule->group = colon ;
  if (colon ? !*s && !*colon : !*s) return "names nobody: write USER, USER:GROUP or UID:GID, perhaps with a fallback, as in nobody,65534:65534" ;
  if (colon && strchr(colon, ':')) return "has more than one colon: write USER:GROUP" ;
  return 0 ;
}

static char const *parse_mode (char const *s, int *mode)
{
  unsigned int m ;
  *mode = FIXATTRS_KEEP ;
  if (!strcmp(s, "-")) return 0 ;
  if (!uint0_oscan(s, &m) || m > 07777) return "is no octal mode: write one as 0644, or - to leave modes as they are" ;
  *mode = (int)m ;
  return 0 ;
}

static char const *parse_fmode (char *s, struct fixattrs_rule *rule)
{
  return parse_mode(s, &rule->fmode) ;
}

static char const *parse_dmode (char *s, struct fixattrs_rule *rule)
{
  return parse_mode(s, &rule->dmode) ;
}

int fixattrs_parse (char *line, struct fixattrs_rule *rule, char const **why, char const **what)
{
  static char const *(*const parsers[FIELDS]) (char *, struct fixattrs_rule *) =
    { &parse_path, &parse_recurse, &parse_account, &parse_fmode, &parse_dmode } ;
  static struct fixattrs_rule const zero ;
  char *field[FIELDS + 1] ;
  char const *whole = 0 ;
  line += strspn(line, BLANKS) ;
  if (!*line || *line == '#') return 0 ;
  *what = 0 ;
  if (cut(line, field) != FIELDS) whole = "a line has five fields: path recurse account fmode dmode" ;
  *why = whole ;
  if (whole) return -1 ;
  *rule = zero ;
  for (unsigned int i = 0 ; i < FIELDS ; i++)
  {
    *what = field[i] ;
    *why = (*parsers[i])(field[i], rule) ;
    if (*why) return -1 ;
  }
  return 1 ;
}
