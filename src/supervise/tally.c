/* ISC license. */

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>

#include <skalibs/djbunix.h>
#include <skalibs/stralloc.h>
#include <skalibs/tai.h>

#include "status.h"
#include "tally.h"

enum offset
{
  OFF_STAMP = 0,
  OFF_EXITCODE = 12,
  OFF_SIG = 13
} ;

_Static_assert(OFF_SIG + 1 == DEATH_SIZE, "a record ends with its signal") ;

void death_pack (char *s, struct death const *d)
{
  tain_pack(s + OFF_STAMP, &d->stamp) ;
  s[OFF_EXITCODE] = (char)d->exitcode ;
  s[OFF_SIG] = (char)d->sig ;
}

void death_unpack (char const *s, struct death *d)
{
  tain_unpack(s + OFF_STAMP, &d->stamp) ;
  d->exitcode = (unsigned char)s[OFF_EXITCODE] ;
  d->sig = (unsigned char)s[OFF_SIG] ;
}

void death_fill (struct death *d, tain const *stamp, int wstat)
{
  d->stamp = *stamp ;
  d->sig = WIFSIGNALED(wstat) ? WTERMSIG(wstat) : 0 ;
  d->exitcode = d->sig ? 128 + d->sig : WEXITSTATUS(wstat) ;
}

/* At most the youngest MAX of the N records at S. */
static size_t unpack_last (char const *s, size_t n, struct death *tab, size_t max)
{
  if (n > max)
  {
    s += (n - max) * DEATH_SIZE ;
    n = max ;
  }
  for (size_t i = 0 ; i < n ; i++) death_unpack(s + i * DEATH_SIZE, tab + i) ;
  return n ;
}

ssize_t tally_read (char const *dir, struct death *tab, size_t max)
{
  stralloc sa = STRALLOC_ZERO ;
  ssize_t n = -1 ;
  int fd = svdir_open(dir, TALLY_FILE, O_RDONLY) ;
  int e ;
  if (fd == -1) return -1 ;
  if (!slurp(&sa, fd)) e = errno ;
  else if (sa.len % DEATH_SIZE) e = EPROTO ;
  else
  {
    e = 0 ;
    n = (ssize_t)unpack_last(sa.s, sa.len / DEATH_SIZE, tab, max) ;
  }
  fd_close(fd) ;
  stralloc_free(&sa) ;
  if (e) errno = e ;
  return n ;
}
