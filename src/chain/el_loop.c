/* ISC license. */

/* forx, forstdin, forbacktickx: run a command for each of many values. loopwhilex: again and again. */

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <sys/types.h>

#include <skalibs/buffer.h>
#include <skalibs/djbunix.h>
#include <skalibs/env.h>
#include <skalibs/genalloc.h>
#include <skalibs/netstring.h>
#include <skalibs/posixplz.h>
#include <skalibs/skamisc.h>
#include <skalibs/strerr.h>
#include <skalibs/stralloc.h>
#include <skalibs/types.h>

#include "el.h"

#define MAXCODES 256

enum
{
  PARALLEL = 0x01,  /* -p */
  IMPORT = 0x02,    /* -E */
  CODES = 0x04,     /* -o or -x was given */
  BREAKCODES = 0x08,  /* … the last of them was -x */
  CRUNCH = 0x10,    /* -C */
  VERBATIM = 0x20,  /* -N */
  NUL = 0x40,       /* -0 */
  FORKED = 0x80,    /* a command that does not exist is the child's failure, not ours */
  NEGATE = 0x100    /* loopwhilex -n */
} ;

typedef struct loop_s
{
  unsigned int flags ;
  char const *codelist ;
  uint16_t codes[MAXCODES] ;
  size_t ncodes ;
  char const *var ;
  char const *const *argv ;
  genalloc pids ;     /* pid_t: instances that run, with -p */
  int broken ;        /* with -p: one of them exited with a code that would have ended the loop */
} loop ;

#define LOOP_ZERO { .flags = 0, .codelist = 0, .ncodes = 0, .var = 0, .argv = 0, .pids = GENALLOC_ZERO, .broken = 0 }

#define CODE_OPTIONS(l) \
    { .letter = 'o', .clear = BREAKCODES, .set = CODES, .arg = &(l)->codelist }, \
    { .letter = 'x', .set = CODES | BREAKCODES, .arg = &(l)->codelist }

#define LOOP_OPTIONS(l) \
    CODE_OPTIONS(l), \
    { .letter = 'E', .set = IMPORT }, \
    { .letter = 'e', .clear = IMPORT }, \
    { .letter = 'p', .set = PARALLEL }

#define READ_OPTIONS(delim) \
    { .letter = 'N', .set = VERBATIM }, \
    { .letter = 'n', .clear = VERBATIM }, \
    { .letter = 'C', .set = CRUNCH }, \
    { .letter = 'c', .clear = CRUNCH }, \
    { .letter = '0', .set = NUL }, \
    { .letter = 'd', .clear = NUL, .arg = (delim) }

static void scan_codes (loop *l, char const *usage)
{
  if (l->codelist && !uint16_scanlist(l->codes, MAXCODES, l->codelist, &l->ncodes))
    strerr_dieusage(100, usage) ;
}

/* Whether exit code CODE ends the loop. */
static int breaks (loop const *l, int code)
{
  size_t i = 0 ;
  if (!(l->flags & CODES)) return 0 ;
  while (i < l->ncodes && l->codes[i] != code) i++ ;
  return (i < l->ncodes) == !!(l->flags & BREAKCODES) ;
}

static void reaped (loop *l, size_t i, int status)
{
  pid_t *pids = genalloc_s(pid_t, &l->pids) ;
  size_t n = genalloc_len(pid_t, &l->pids) ;
  pids[i] = pids[n - 1] ;
  genalloc_setlen(pid_t, &l->pids, n - 1) ;
  if (breaks(l, wait_estatus(status))) l->broken = 1 ;
}

/* Keeps PID to be waited for, and reaps those that have ended: the loop may be endless. */
static void keep (loop *l, pid_t pid)
{
  if (!genalloc_append(pid_t, &l->pids, &pid)) strerr_diefusys(111, "keep a child's pid") ;
  for (;;)
  {
    int status ;
    int r = wait_pids_nohang(genalloc_s(pid_t, &l->pids), (unsigned int)genalloc_len(pid_t, &l->pids), &status) ;
    if (r < 0 && errno != ECHILD) strerr_diefusys(111, "wait for children") ;
    if (r <= 0) return ;
    reaped(l, (size_t)r - 1, status) ;
  }
}

static void wait_for_all (loop *l)
{
  for (size_t n = genalloc_len(pid_t, &l->pids) ; n ; n--)
    reaped(l, n - 1, el_wait(genalloc_s(pid_t, &l->pids)[n - 1])) ;
}

static pid_t start_in_fork (loop const *l, char const *value)
{
  pid_t pid = fork() ;
  if (pid < 0) strerr_diefusys(111, "fork") ;
  if (!pid) el_execimport(l->argv, l->var, value, l->flags & IMPORT) ;
  return pid ;
}

static pid_t start (loop const *l, char const *value)
{
  char const *const *envp = (char const *const *)environ ;
  size_t max = env_len(envp) + 2 ;
  stralloc modif = STRALLOC_ZERO ;
  genalloc v = GENALLOC_ZERO ;  /* char const * */
  pid_t pid ;
  if (l->flags & (IMPORT | FORKED)) return start_in_fork(l, value) ;
  if (!env_addmodif(&modif, l->var, value) || !genalloc_ready(char const *, &v, max))
    strerr_diefusys(111, "update environment") ;
  env_merge(genalloc_s(char const *, &v), max, envp, max - 2, modif.s, modif.len) ;
  pid = el_tryspawn(l->argv, genalloc_s(char const *, &v)) ;
  if (!pid) strerr_diefusys(111, "spawn ", l->argv[0]) ;
  genalloc_free(char const *, &v) ;
  stralloc_free(&modif) ;
  return pid ;
}

/* Runs the command with VALUE. Returns -1 to go on, or the exit code to end the loop with. */
static int turn (loop *l, char const *value)
{
  int status, code ;
  pid_t pid = start(l, value) ;
  if (l->flags & PARALLEL)
  {
    keep(l, pid) ;
    return -1 ;
  }
  status = el_wait(pid) ;
  code = wait_estatus(status) ;
  return breaks(l, code) ? code : -1 ;
}

 /* ---------------------------------------------------------------- forx */

#define FORX_USAGE "forx [ -E | -e ] [ -p ] [ -o okcode,okcode,... | -x breakcode,breakcode,... ] var { values... } command..."

int el_forx_main (int argc, char const *const *argv)
{
  el_words w = EL_WORDS(argc, argv) ;
  loop l = LOOP_ZERO ;
  el_words values ;
  el_option const options[] = { LOOP_OPTIONS(&l) } ;
  l.flags = el_options(&w, FORX_USAGE, 2, EL_OPTIONS(options)) ;
  scan_codes(&l, FORX_USAGE) ;
  l.var = el_next(&w) ;
  el_checkname(l.var) ;
  values = el_block(&w, "block") ;
  l.argv = w.v ;
  for (int i = 0 ; i < values.n ; i++)
  {
    int code = turn(&l, values.v[i]) ;
    if (code >= 0) return code ;
  }
  wait_for_all(&l) ;
  return l.broken ;
}

 /* ---------------------------------------------------------------- forstdin, forbacktickx */

static int next_netstring (buffer *b, stralloc *sa)
{
  size_t unread = 0 ;
  sa->len = 0 ;
  if (netstring_get(b, sa, &unread) > 0) return 1 ;
  if (netstring_okeof(b, unread)) return 0 ;
  strerr_diefusys(111, "netstring_get") ;
}

/*
   Reads a line; its delimiter goes, unless verbatim. A last line that has none is ignored,
   unless verbatim.
*/
static int next_line (buffer *b, stralloc *sa, char const *delim, size_t ndelim, unsigned int flags)
{
  int r ;
  sa->len = 0 ;
  r = skagetlnsep(b, sa, delim, ndelim) ;
  if (r < 0 && errno != EPIPE) strerr_diefusys(111, "skagetlnsep") ;
  if (r < 0) return sa->len && flags & VERBATIM ;
  if (r && !(flags & VERBATIM)) sa->len-- ;
  return r ;
}

/* Whether LINE, as next_line left it, had nothing but its delimiter. */
static int is_empty (stralloc const *line, char const *delim, size_t ndelim, unsigned int flags)
{
  if (!(flags & VERBATIM)) return !line->len ;
  return line->len == 1 && memchr(delim, line->s[0], ndelim) ;
}

/* Runs the loop over what B yields. Returns our exit code. */
static int loop_over (loop *l, buffer *b, char const *delim)
{
  size_t ndelim = l->flags & NUL ? 1 : strlen(delim) ;
  stralloc sa = STRALLOC_ZERO ;
  int code = 1 ;
  if (l->flags & NUL) delim = "" ;
  while (ndelim ? next_line(b, &sa, delim, ndelim, l->flags) : next_netstring(b, &sa))
  {
    int r ;
    if (ndelim && l->flags & CRUNCH && is_empty(&sa, delim, ndelim, l->flags)) continue ;
    if (!stralloc_0(&sa)) strerr_diefusys(111, "stralloc_0") ;
    r = turn(l, sa.s) ;
    if (r >= 0) return r ;
    code = 0 ;
  }
  wait_for_all(l) ;
  return code ;
}

#define FORSTDIN_USAGE "forstdin [ -E | -e ] [ -p | -o okcode,okcode,... | -x breakcode,breakcode,... ] [ -N | -n ] [ -C | -c ] [ -0 | -d delim ] var command..."

int el_forstdin_main (int argc, char const *const *argv)
{
  el_words w = EL_WORDS(argc, argv) ;
  loop l = LOOP_ZERO ;
  char const *delim = "\n" ;
  el_option const options[] = { LOOP_OPTIONS(&l), READ_OPTIONS(&delim) } ;
  l.flags = el_options(&w, FORSTDIN_USAGE, 2, EL_OPTIONS(options)) ;
  scan_codes(&l, FORSTDIN_USAGE) ;
  l.var = el_next(&w) ;
  el_checkname(l.var) ;
  l.argv = w.v ;
  return loop_over(&l, buffer_0, delim) ;
}

#define FORBACKTICKX_USAGE "forbacktickx [ -p | -o okcode,okcode,... | -x breakcode,breakcode,... ] [ -E | -e ] [ -N | -n ] [ -C | -c ] [ -0 | -d delim ] var { backtickcmd... } command..."

int el_forbacktickx_main (int argc, char const *const *argv)
{
  el_words w = EL_WORDS(argc, argv) ;
  loop l = LOOP_ZERO ;
  char const *delim = "\n" ;
  char buf[BUFFER_INSIZE] ;
  el_words generator ;
  buffer b ;
  int fd ;
  el_option const options[] = { LOOP_OPTIONS(&l), READ_OPTIONS(&delim) } ;
  l.flags = el_options(&w, FORBACKTICKX_USAGE, 2, EL_OPTIONS(options)) | FORKED ;
  scan_codes(&l, FORBACKTICKX_USAGE) ;
  l.var = el_next(&w) ;
  el_checkname(l.var) ;
  generator = el_block(&w, "block") ;
  if (!generator.n) strerr_dief(100, "empty block") ;
  l.argv = w.v ;
  el_spawnpipe(generator.v, &fd, 1) ;
  buffer_init(&b, &buffer_read, fd, buf, BUFFER_INSIZE) ;
  return loop_over(&l, &b, delim) ;
}

 /* ---------------------------------------------------------------- loopwhilex */

#define LOOPWHILEX_USAGE "loopwhilex [ -n ] [ -o okcode,okcode,... | -x exitcode,exitcode,... ] prog..."

int el_loopwhilex_main (int argc, char const *const *argv)
{
  el_words w = EL_WORDS(argc, argv) ;
  loop l = LOOP_ZERO ;
  el_option const options[] = { { .letter = 'n', .set = NEGATE }, CODE_OPTIONS(&l) } ;
  l.codelist = "0" ;
  l.flags = el_options(&w, LOOPWHILEX_USAGE, 1, EL_OPTIONS(options)) | CODES ;
  scan_codes(&l, LOOPWHILEX_USAGE) ;
  for (;;)
  {
    int status, code ;
    pid_t pid = el_tryspawn(w.v, (char const *const *)environ) ;
    if (!pid) el_dienospawn(w.v[0], "loop body") ;
    status = el_wait(pid) ;
    code = wait_estatus(status) ;
    if (breaks(&l, code) != !!(l.flags & NEGATE)) return code ;
  }
}
