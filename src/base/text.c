/* ISC license. */

/* Numbers, durations and signals as text, and back. */

#include <string.h>
#include <strings.h>

#include <skalibs/types.h>
#include <skalibs/sig.h>

#include "base.h"

/* The kernel's count: musl and glibc keep 2 or 3 real-time signals for themselves and call
   another number SIGRTMIN, but runtimes send and images mean 34. */
#define KERNEL_RTMIN 32
#define USER_RTMIN 34
#define KERNEL_RTMAX 64

char const *number_text (char *buffer, int64_t n)
{
  buffer[int64_fmt(buffer, n)] = 0 ;
  return buffer ;
}

/* "A unit B unit": two units, the second left out when zero. */
static char const *two_units (char *buffer, int64_t big, char const *bigname, int64_t small, char const *smallname)
{
  size_t n = int64_fmt(buffer, big) ;
  n += strlen(strcpy(buffer + n, bigname)) ;
  if (small)
  {
    buffer[n++] = ' ' ;
    n += int64_fmt(buffer + n, small) ;
    n += strlen(strcpy(buffer + n, smallname)) ;
  }
  return buffer ;
}

/* "5.2 s" */
static char const *one_decimal (char *buffer, int64_t tenths, char const *name)
{
  size_t n = int64_fmt(buffer, tenths / 10) ;
  if (tenths % 10)
  {
    buffer[n++] = '.' ;
    buffer[n++] = (char)('0' + tenths % 10) ;
  }
  strcpy(buffer + n, name) ;
  return buffer ;
}

char const *duration_text (char *buffer, int64_t ns)
{
  int64_t s = ns / 1000000000 ;
  if (ns < 0) ns = s = 0 ;
  if (ns < 1000000) return two_units(buffer, ns / 1000, " us", 0, 0) ;
  if (ns < 1000000000) return two_units(buffer, ns / 1000000, " ms", 0, 0) ;
  if (s < 60) return one_decimal(buffer, ns / 100000000, " s") ;
  if (s < 3600) return two_units(buffer, s / 60, " min", s % 60, " s") ;
  if (s < 86400) return two_units(buffer, s / 3600, " h", s % 3600 / 60, " min") ;
  return two_units(buffer, s / 86400, s / 86400 == 1 ? " day" : " days", s % 86400 / 3600, " h") ;
}

char const *signal_text (char *buffer, int sig)
{
  char const *name = sig > 0 && sig < KERNEL_RTMIN ? sig_name(sig) : "???" ;
  return name[0] == '?' ? number_text(buffer, sig) : strcpy(buffer, name) ;
}

static int rt_number (char const *s)
{
  unsigned int n = 0 ;
  if (!s[0]) return USER_RTMIN ;
  if (s[0] != '+' || !uint0_scan(s + 1, &n) || n > KERNEL_RTMAX - USER_RTMIN) return 0 ;
  return (int)(USER_RTMIN + n) ;
}

int signal_number (char const *name)
{
  unsigned int n ;
  if (uint0_scan(name, &n)) return n > 0 && n <= KERNEL_RTMAX ? (int)n : 0 ;
  if (!strncasecmp(name, "SIG", 3)) name += 3 ;
  if (!strncasecmp(name, "RTMIN", 5)) return rt_number(name + 5) ;
  return sig_number(name) ;
}
