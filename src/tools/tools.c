/* ISC license. */

#include <stdlib.h>
#include <string.h>

#include <skalibs/buffer.h>
#include <skalibs/djbunix.h>
#include <skalibs/posixplz.h>
#include <skalibs/stralloc.h>
#include <skalibs/strerr.h>
#include <skalibs/tai.h>
#include <skalibs/types.h>

#include "base/contenv.h"
#include "listen.h"
#include "tools.h"

void tool_dieusage (char const *arguments)
{
  strerr_die(100, PROG, ": usage: ", PROG, " ", arguments) ;
}

unsigned int tool_uint (char const *s, char const *usage)
{
  unsigned int u ;
  if (!uint0_scan(s, &u)) tool_dieusage(usage) ;
  return u ;
}

void tool_deadline (tain *deadline, unsigned int ms)
{
  tain limit = TAIN_INFINITE_RELATIVE ;
  if (ms)
  {
    limit.sec.x = ms / 1000 ;
    limit.nano = ms % 1000 * 1000000 ;
  }
  tain_now_set_stopwatch_g() ;
  tain_add_g(deadline, &limit) ;
}

char const *tool_path (stralloc *sa, char const *dir, char const *name)
{
  sa->len = 0 ;
  if (!stralloc_cats(sa, dir) || !stralloc_cats(sa, "/") || !stralloc_cats(sa, name) || !stralloc_0(sa))
    listen_diefusys(111, "build the path of ", dir, "/", name) ;
  return sa->s ;
}

void tool_put (char const *s)
{
  if (buffer_puts(buffer_1, s) < 0) strerr_diefusys(111, "write to stdout") ;
}

void tool_flush (void)
{
  if (!buffer_flush(buffer_1)) strerr_diefusys(111, "write to stdout") ;
}

int tool_spawn (char const *const *argv)
{
  return !!child_spawn0(argv[0], argv, (char const *const *)environ) ;
}

char const *tool_variable (char const *name)
{
  static stralloc env = STRALLOC_ZERO ;
  size_t len = strlen(name) ;
  if (!env.len && contenv_read(contenv_dir(), &env) < 0) return getenv(name) ;
  for (size_t i = 0 ; i < env.len ; i += strlen(env.s + i) + 1)
    if (!strncmp(env.s + i, name, len) && env.s[i + len] == '=') return env.s + i + len + 1 ;
  return 0 ;
}
