/* ISC license. */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <skalibs/allreadwrite.h>
#include <skalibs/fmtscan.h>
#include <skalibs/stralloc.h>
#include <skalibs/strerr.h>

#include "listen.h"
#include "svctl.h"

static void text_b (stralloc *sa, char const *s, size_t n)
{
  if (!stralloc_catb(sa, s, n)) listen_diefusys(EXIT_SYSTEM, "allocate memory") ;
}

void *svctl_alloc (size_t n)
{
  void *p = calloc(n ? n : 1, 1) ;
  if (!p) listen_diefusys(EXIT_SYSTEM, "allocate memory") ;
  return p ;
}

char *svctl_strdup (char const *s)
{
  size_t n = strlen(s) + 1 ;
  return memcpy(svctl_alloc(n), s, n) ;
}

void text_s (stralloc *sa, char const *s)
{
  text_b(sa, s, strlen(s)) ;
}

void text_room (stralloc *sa, size_t n)
{
  if (!stralloc_readyplus(sa, n)) listen_diefusys(EXIT_SYSTEM, "allocate memory") ;
}

void text_spaces (stralloc *sa, size_t n)
{
  text_room(sa, n) ;
  memset(sa->s + sa->len, ' ', n) ;
  sa->len += n ;
}

void text_n (stralloc *sa, int64_t n)
{
  text_s(sa, NUM(n)) ;
}

void text_age (stralloc *sa, int64_t ns)
{
  text_s(sa, ns == UNKNOWN ? "-" : DURATION(ns)) ;
}

/* ---- characters that may go to a terminal */

/* Bytes of the UTF-8 character at S: 0 if it is none. Longer forms than needed, surrogates
   and what is beyond Unicode are none. */
static size_t utf8_length (unsigned char const *s)
{
  static unsigned int const least[] = { 0, 0, 0x80, 0x800, 0x10000 } ;
  size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc0 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf8 ? 4 : 0 ;
  unsigned int c ;
  if (n < 2) return n ;
  c = s[0] & (0x7fu >> n) ;
  for (size_t i = 1 ; i < n ; i++)
  {
    if ((s[i] & 0xc0) != 0x80) return 0 ;
    c = c << 6 | (s[i] & 0x3f) ;
  }
  return c < least[n] || (c >= 0xd800 && c < 0xe000) || c > 0x10ffff ? 0 : n ;
}

/* U+0080 to U+009f are control characters too, and some terminals obey them. */
static int is_control (unsigned char const *s)
{
  return s[0] < ' ' || s[0] == 0x7f || (s[0] == 0xc2 && s[1] < 0xa0) ;
}

void text_shown (stralloc *sa, char const *string)
{
  unsigned char const *s = (unsigned char const *)string ;
  while (*s)
  {
    size_t n = utf8_length(s) ;
    if (n && !is_control(s))
    {
      text_b(sa, (char const *)s, n) ;
      s += n ;
    }
    else
    {
      char hex[4] = { '\\', 'x', fmtscan_asc((unsigned char)(*s >> 4)), fmtscan_asc(*s & 15) } ;
      text_b(sa, hex, sizeof hex) ;
      s++ ;
    }
  }
}

static void json_unicode (stralloc *sa, unsigned char c)
{
  char hex[6] = { '\\', 'u', '0', '0', fmtscan_asc((unsigned char)(c >> 4)), fmtscan_asc(c & 15) } ;
  text_b(sa, hex, sizeof hex) ;
}

void text_json (stralloc *sa, char const *string)
{
  unsigned char const *s = (unsigned char const *)string ;
  text_s(sa, "\"") ;
  while (*s)
  {
    size_t n = utf8_length(s) ;
    if (*s == '"' || *s == '\\') text_s(sa, "\\") ;
    if (n && !is_control(s)) text_b(sa, (char const *)s, n) ;
    else
    {
      json_unicode(sa, n == 2 ? s[1] : s[0]) ;
      if (!n) n = 1 ;
    }
    s += n ;
  }
  text_s(sa, "\"") ;
}

size_t text_width (char const *s, size_t len)
{
  size_t n = 0 ;
  for (size_t i = 0 ; i < len ; i++) n += ((unsigned char)s[i] & 0xc0) != 0x80 ;
  return n ;
}

/* ---- out */

void text_flush (stralloc *sa)
{
  if (allwrite(1, sa->s, sa->len) < sa->len) listen_diefusys(EXIT_SYSTEM, "write to stdout") ;
  sa->len = 0 ;
}

void text_error (stralloc *sa)
{
  stralloc_0(sa) ;
  strerr_warn(PROG, ": error: ", sa->s) ;
  stralloc_free(sa) ;
}

int text_colours (void)
{
  char const *none = getenv("NO_COLOR"), *term = getenv("TERM") ;
  return !(none && none[0]) && !(term && !strcmp(term, "dumb")) && isatty(1) ;
}
