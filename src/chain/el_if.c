/* ISC license. */

/* if, ifelse, ifte, ifthenelse: run one command, then another according to its exit code. */

#include <sys/wait.h>

#include <skalibs/djbunix.h>
#include <skalibs/exec.h>
#include <skalibs/genalloc.h>
#include <skalibs/posixplz.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "el.h"

enum
{
  NEGATE = 0x1,   /* -n */
  CRASHOK = 0x2,  /* -X: a crash is a false exit, and not our end */
  CODE = 0x4,     /* if -x */
  ZERO = 0x10,    /* if -t */
  SCOPE = 0x8     /* ifthenelse -s */
} ;

/* Whether STATUS counts as true. Dies of a crash, unless with -X. */
static int verdict (int status, unsigned int flags)
{
  if (WIFSIGNALED(status) && !(flags & CRASHOK))
  {
    char fmt[UINT_FMT] ;
    fmt[uint_fmt(fmt, (unsigned int)WTERMSIG(status))] = 0 ;
    strerr_dief(wait_estatus(status), "child crashed with signal ", fmt) ;
  }
  return !status != !!(flags & NEGATE) ;
}

#define IF_USAGE "if [ -n ] [ -X ] [ -t | -x exitcode ] { command... }"

int el_if_main (int argc, char const *const *argv)
{
  el_words w = EL_WORDS(argc, argv) ;
  el_words test ;
  char const *arg = "0" ;
  unsigned int flags, code ;
  int status ;
  el_option const options[] =
  {
    { .letter = 'n', .set = NEGATE },
    { .letter = 'X', .set = CRASHOK },
    { .letter = 't', .clear = CODE, .set = ZERO },
    { .letter = 'x', .clear = ZERO, .set = CODE, .arg = &arg }
  } ;
  flags = el_options(&w, IF_USAGE, 0, EL_OPTIONS(options)) ;
  if (!uint_scan(arg, &code)) strerr_dieusage(100, IF_USAGE) ;
  if (code > 255) strerr_dief(100, "invalid exit code") ;
  test = el_block(&w, "block") ;
  status = el_wait(el_spawn(test.v)) ;
  if (verdict(status, flags)) xexec0(w.v) ;
  if (flags & ZERO) return 0 ;
  if (flags & CODE) return (int)code ;
  return status ? wait_estatus(status) : 1 ;
}

static el_words next_block (el_words *w, char const *name)
{
  if (!w->n) strerr_dief(100, name, " required") ;
  return el_block(w, name) ;
}

int el_ifelse_main (int argc, char const *const *argv)
{
  el_words w = EL_WORDS(argc, argv) ;
  el_words test, then ;
  unsigned int flags ;
  el_option const options[] = { { .letter = 'n', .set = NEGATE }, { .letter = 'X', .set = CRASHOK } } ;
  flags = el_options(&w, "ifelse [ -n ] [ -X ] { command-if } { command-then... } command-else...", 0, EL_OPTIONS(options)) ;
  test = el_block(&w, "if block") ;
  then = next_block(&w, "then block") ;
  if (verdict(el_wait(el_spawn(test.v)), flags)) xexec0(then.v) ;
  xexec0(w.v) ;
}

int el_ifte_main (int argc, char const *const *argv)
{
  el_words w = EL_WORDS(argc, argv) ;
  el_words then, otherwise ;
  unsigned int flags ;
  pid_t pid ;
  el_option const options[] = { { .letter = 'n', .set = NEGATE }, { .letter = 'X', .set = CRASHOK } } ;
  flags = el_options(&w, "ifte [ -X ] [ -n ] { command-then... } { command-else... } command-if...", 0, EL_OPTIONS(options)) ;
  then = el_block(&w, "then block") ;
  otherwise = next_block(&w, "else block") ;
  if (!w.n) strerr_dief(100, "empty command-if") ;
  pid = el_tryspawn(w.v, (char const *const *)environ) ;
  if (!pid) el_dienospawn(w.v[0], "command-if") ;
  if (verdict(el_wait(pid), flags)) xexec0(then.v) ;
  xexec0(otherwise.v) ;
}

/* Execs BLOCK with the remainder as its last arguments: what `ifthenelse -s` calls a scope. */
static void exec_joined (el_words const *block, el_words const *rest) gccattr_noreturn ;
static void exec_joined (el_words const *block, el_words const *rest)
{
  genalloc v = GENALLOC_ZERO ;  /* char const * */
  if (!genalloc_catb(char const *, &v, block->v, (size_t)block->n)
   || !genalloc_catb(char const *, &v, rest->v, (size_t)rest->n + 1))
    strerr_diefusys(111, "make argv") ;
  xexec0(genalloc_s(char const *, &v)) ;
}

int el_ifthenelse_main (int argc, char const *const *argv)
{
  el_words w = EL_WORDS(argc, argv) ;
  el_words test, then, otherwise ;
  unsigned int flags ;
  el_option const options[] = { { .letter = 'X', .set = CRASHOK }, { .letter = 's', .set = SCOPE } } ;
  flags = el_options(&w, "ifthenelse [ -X ] { command-if... } { command-then... } { command-else... } [ remainder... ]", 0, EL_OPTIONS(options)) ;
  test = el_block(&w, "if block") ;
  then = next_block(&w, "then block") ;
  otherwise = el_block(&w, "else block") ;
  if (!verdict(el_wait(el_spawn(test.v)), flags)) then = otherwise ;
  if (flags & SCOPE) exec_joined(&then, &w) ;
  el_sequence(then.v, w.v) ;
}
