/* ISC license. */

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>

#include <skalibs/djbunix.h>
#include <skalibs/tai.h>
#include <skalibs/uint16.h>
#include <skalibs/uint32.h>
#include <skalibs/uint64.h>

#include "status.h"

enum offset
{
  OFF_STAMP = 0,
  OFF_READYSTAMP = 12,
  OFF_PID = 24,
  OFF_SHORT_WSTAT = 32,
  OFF_SHORT_FLAGS = 34,
  OFF_ZERO = 35,
  OFF_PGID = 36,
  OFF_LONG_WSTAT = 40,
  OFF_LONG_FLAGS = 42
} ;

enum flag
{
  FLAG_PAUSED = 1,
  FLAG_FINISHING = 2,
  FLAG_WANT_UP = 4,
  FLAG_READY = 8
} ;

_Static_assert(OFF_SHORT_FLAGS + 1 == SVSTATUS_SIZE_SHORT, "the short form ends with its flags") ;
_Static_assert(OFF_LONG_FLAGS + 1 == SVSTATUS_SIZE, "the long form ends with its flags") ;

static char flags_pack (struct svstatus const *st)
{
  return (st->paused ? FLAG_PAUSED : 0)
       | (st->finishing ? FLAG_FINISHING : 0)
       | (st->want_up ? FLAG_WANT_UP : 0)
       | (st->ready ? FLAG_READY : 0) ;
}

static void flags_unpack (char c, struct svstatus *st)
{
  st->paused = !!(c & FLAG_PAUSED) ;
  st->finishing = !!(c & FLAG_FINISHING) ;
  st->want_up = !!(c & FLAG_WANT_UP) ;
  st->ready = !!(c & FLAG_READY) ;
}

void svstatus_pack (char *s, struct svstatus const *st)
{
  tain_pack(s + OFF_STAMP, &st->stamp) ;
  tain_pack(s + OFF_READYSTAMP, &st->readystamp) ;
  uint64_pack_big(s + OFF_PID, (uint64_t)st->pid) ;
  uint16_pack_big(s + OFF_SHORT_WSTAT, (uint16_t)st->wstat) ;
  s[OFF_SHORT_FLAGS] = flags_pack(st) ;
  s[OFF_ZERO] = 0 ;
  uint32_pack_big(s + OFF_PGID, (uint32_t)st->pgid) ;
  uint16_pack_big(s + OFF_LONG_WSTAT, (uint16_t)st->wstat) ;
  s[OFF_LONG_FLAGS] = flags_pack(st) ;
}

int svstatus_unpack (char const *s, size_t len, struct svstatus *st)
{
  int islong = len == SVSTATUS_SIZE ;
  uint64_t pid ;
  uint32_t pgid ;
  uint16_t wstat ;
  if (!islong && len != SVSTATUS_SIZE_SHORT) return (errno = EPROTO, 0) ;
  tain_unpack(s + OFF_STAMP, &st->stamp) ;
  tain_unpack(s + OFF_READYSTAMP, &st->readystamp) ;
  uint64_unpack_big(s + OFF_PID, &pid) ;
  if (pid > INT32_MAX) return (errno = EPROTO, 0) ;
  uint16_unpack_big(s + (islong ? OFF_LONG_WSTAT : OFF_SHORT_WSTAT), &wstat) ;
  pgid = (uint32_t)pid ;
  if (islong) uint32_unpack_big(s + OFF_PGID, &pgid) ;
  st->pid = (pid_t)pid ;
  st->pgid = (pid_t)pgid ;
  st->wstat = wstat ;
  flags_unpack(s[islong ? OFF_LONG_FLAGS : OFF_SHORT_FLAGS], st) ;
  return 1 ;
}

int svdir_open (char const *dir, char const *name, int flags)
{
  int fd, e ;
  int fddir = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC) ;
  if (fddir == -1) return -1 ;
  fd = openat(fddir, name, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) ;
  e = errno ;
  fd_close(fddir) ;
  errno = e ;
  return fd ;
}

int svstatus_read (char const *dir, struct svstatus *st)
{
  char s[SVSTATUS_SIZE + 1] ;  /* one more, to see a file that is too long */
  int fd = svdir_open(dir, SVSTATUS_FILE, O_RDONLY) ;
  ssize_t r = fd == -1 ? -1 : readnclose(fd, s, sizeof(s)) ;
  return r >= 0 && svstatus_unpack(s, (size_t)r, st) ;
}
