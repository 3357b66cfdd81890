/* ISC license. */

#include <skalibs/djbtime.h>
#include <skalibs/types.h>

#include "log.h"

#define NANO_DIGITS 9

static void make_tai64n (struct log_stamp *stamp)
{
  stamp->text[timestamp_fmt(stamp->text, &stamp->now)] = ' ' ;
}

/* The date and time down to the second are made by the time zone's rules, which are not
   cheap, so only when the second has changed; the rest is nine digits. */
static void make_iso (struct log_stamp *stamp)
{
  char *s = stamp->text + LOG_TAI64N_LEN ;
  if (stamp->now.sec.x == stamp->second.x)
    uint320_fmt(s + LOG_ISO_LEN - 2 - NANO_DIGITS, stamp->now.nano, NANO_DIGITS) ;
  else
  {
    localtmn local ;
    if (!localtmn_from_tain(&local, &stamp->now, 1)) return ;
    s += localtmn_fmt(s, &local) ;
    *s++ = ' ' ; *s = ' ' ;
    stamp->second = stamp->now.sec ;
  }
}

size_t log_stamp_prefix (struct log_stamp *stamp, unsigned int wanted, char const **s)
{
  unsigned int missing = wanted & ~stamp->made ;
  if (missing && !stamp->made) tain_wallclock_read(&stamp->now) ;
  if (missing & LOG_STAMP_TAI64N) make_tai64n(stamp) ;
  if (missing & LOG_STAMP_ISO) make_iso(stamp) ;
  stamp->made |= missing ;
  *s = stamp->text + (wanted & LOG_STAMP_TAI64N ? 0 : LOG_TAI64N_LEN) ;
  return (wanted & LOG_STAMP_TAI64N ? LOG_TAI64N_LEN : 0) + (wanted & LOG_STAMP_ISO ? LOG_ISO_LEN : 0) ;
}
