/* ISC license. */

/*
   envfile: adds the variables that a file defines to the environment.

     line  = blanks key blanks = blanks value blanks | blanks # anything | blanks
     value = { quoted | \newline | \blank | \" | \\ | any but newline }
     quoted = " { \newline | C escape | \any | any but newline } "
*/

#include <errno.h>
#include <string.h>

#include <skalibs/djbunix.h>
#include <skalibs/exec.h>
#include <skalibs/fmtscan.h>
#include <skalibs/strerr.h>
#include <skalibs/stralloc.h>
#include <skalibs/types.h>
#include <skalibs/unix-transactional.h>

#include "el.h"

#define LOOSE 0x1

typedef struct cursor_s
{
  char const *s ;      /* ends with a null character */
  unsigned int line ;
  char const *file ;   /* its name, for messages */
  stralloc modifs ;    /* the outcome so far, for xmexec_m */
} cursor ;

static void diesyntax (cursor const *c) gccattr_noreturn ;
static void diesyntax (cursor const *c)
{
  char fmt[UINT_FMT] ;
  fmt[uint_fmt(fmt, c->line)] = 0 ;
  strerr_dief(1, "in ", c->file, ": syntax error line ", fmt) ;
}

static int is_blank (char c)
{
  return c && strchr(" \t\r\f", c) ;
}

static void skip_blanks (cursor *c)
{
  while (is_blank(*c->s)) c->s++ ;
}

static void add (cursor *c, char x)
{
  if (!x) diesyntax(c) ;  /* a variable cannot hold it */
  if (!stralloc_append(&c->modifs, x)) strerr_diefusys(111, "stralloc_catb") ;
}

static int is_octal (char c)
{
  return c >= '0' && c <= '7' ;
}

static char hexdigit (cursor *c)
{
  unsigned char x = fmtscan_num((unsigned char)*c->s, 16) ;
  if (x > 15) diesyntax(c) ;
  c->s++ ;
  return (char)x ;
}

/* The character that the escape at c->s, after its backslash, stands for. */
static char escaped (cursor *c)
{
  static char const letters[] = "abtnvfr" ;  /* 7, 8 … 13, in this order */
  char const *p ;
  char x = *c->s++ ;
  if (is_octal(x))
  {
    unsigned int u = (unsigned int)(x - '0') ;
    for (int i = 0 ; i < 2 && is_octal(*c->s) ; i++) u = u * 8 + (unsigned int)(*c->s++ - '0') ;
    return (char)u ;
  }
  if (x == 'x')
  {
    char high = hexdigit(c) ;
    return (char)(high << 4 | hexdigit(c)) ;
  }
  p = strchr(letters, x) ;
  return p ? (char)(7 + (p - letters)) : x ;
}

static void quoted (cursor *c)
{
  for (;;)
  {
    char x = *c->s ;
    if (!x || x == '\n') diesyntax(c) ;
    c->s++ ;
    if (x == '"') return ;
    if (x != '\\') add(c, x) ;
    else if (!*c->s) diesyntax(c) ;
    else if (*c->s != '\n') add(c, escaped(c)) ;
    else { c->line++ ; c->s++ ; }
  }
}

/* What follows a backslash outside quotes. */
static void unquoted_escape (cursor *c)
{
  char x = *c->s ;
  if (x == '\n') c->line++ ;
  else if (x == '"' || x == '\\' || is_blank(x)) add(c, x) ;
  else diesyntax(c) ;
  c->s++ ;
}

static void value (cursor *c)
{
  size_t end = c->modifs.len ;  /* blanks after it, if they come last, do not count */
  for (;;)
  {
    char x = *c->s ;
    if (!x || x == '\n') break ;
    c->s++ ;
    if (x == '"') quoted(c) ;
    else if (x == '\\') unquoted_escape(c) ;
    else add(c, x) ;
    if (!is_blank(x)) end = c->modifs.len ;
  }
  c->modifs.len = end ;
  if (!stralloc_0(&c->modifs)) strerr_diefusys(111, "stralloc_catb") ;
}

static void line (cursor *c)
{
  char const *start ;
  skip_blanks(c) ;
  if (*c->s == '#') c->s += strcspn(c->s, "\n") ;
  if (!*c->s || *c->s == '\n') return ;
  start = c->s ;
  while (*c->s && !strchr("= \t\r\f\n\"'\\", *c->s)) add(c, *c->s++) ;
  if (c->s == start) diesyntax(c) ;
  skip_blanks(c) ;
  if (*c->s++ != '=') diesyntax(c) ;
  add(c, '=') ;
  skip_blanks(c) ;
  value(c) ;
}

static void parse (cursor *c, stralloc *text)
{
  size_t len = text->len ;
  if (!stralloc_0(text)) strerr_diefusys(111, "stralloc_catb") ;
  for (c->s = text->s, c->line = 1 ;; c->s++, c->line++)
  {
    line(c) ;
    if (*c->s) continue ;
    if (c->s < text->s + len) diesyntax(c) ;  /* a null character in the file */
    return ;
  }
}

/* Reads all of FILE. Returns 0 if it does not exist and LOOSE allows that. */
static int read_file (stralloc *text, char const *file, unsigned int flags)
{
  int fd = open_readb(file) ;
  if (fd < 0 && errno == ENOENT && flags & LOOSE) return 0 ;
  if (fd < 0) strerr_diefusys(111, "open ", file) ;
  if (!slurp(text, fd)) strerr_diefusys(111, "read from ", file) ;
  fd_close(fd) ;
  return 1 ;
}

int el_envfile_main (int argc, char const *const *argv)
{
  el_words w = EL_WORDS(argc, argv) ;
  stralloc text = STRALLOC_ZERO ;
  cursor c = { .s = 0, .line = 0, .file = "standard input", .modifs = STRALLOC_ZERO } ;
  char const *file ;
  unsigned int flags ;
  el_option const options[] = { { .letter = 'i', .clear = LOOSE }, { .letter = 'I', .set = LOOSE } } ;
  flags = el_options(&w, "envfile [ -i | -I ] file prog...", 2, EL_OPTIONS(options)) ;
  file = el_next(&w) ;
  if (!strcmp(file, "-"))
  {
    if (!slurp(&text, 0)) strerr_diefusys(111, "read from ", c.file) ;
  }
  else
  {
    c.file = file ;
    if (!read_file(&text, file, flags)) xexec(w.v) ;
  }
  parse(&c, &text) ;
  xmexec_m(w.v, c.modifs.s, c.modifs.len) ;
}
