/* ISC license. */

/* s6-svdt: prints the deaths of a service; s6-svdt-clear: forgets them;
   s6-permafailon: fails for good if they were too many. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>

#include <skalibs/alloc.h>
#include <skalibs/bitarray.h>
#include <skalibs/djbtime.h>
#include <skalibs/djbunix.h>
#include <skalibs/exec.h>
#include <skalibs/sgetopt.h>
#include <skalibs/sig.h>
#include <skalibs/strerr.h>
#include <skalibs/tai.h>
#include <skalibs/types.h>

#include "supervise/status.h"
#include "supervise/tally.h"
#include "scandir.h"
#include "tools.h"

#define USAGE_SVDT "[ -S | -s ] [ -n maxentries ] servicedir"
#define USAGE_CLEAR "servicedir"
#define USAGE_PERMAFAILON "seconds deathcount statuslist prog..."

static struct death *new_table (unsigned int n)
{
  struct death *tab = alloc(n * sizeof(struct death)) ;
  if (!tab) strerr_diefusys(111, "read the death tally") ;
  return tab ;
}

/* ---------------------------------------------------------------- s6-svdt */

static void put_death (struct death const *d, int bynumber)
{
  char stamp[TIMESTAMP + 1] ;
  char number[UINT_FMT] ;
  stamp[timestamp_fmt(stamp, &d->stamp)] = 0 ;
  number[uint_fmt(number, d->sig ? d->sig : d->exitcode)] = 0 ;
  tool_put(stamp) ;
  tool_put(d->sig ? " signal " : " exitcode ") ;
  if (d->sig && !bynumber)
  {
    tool_put("SIG") ;
    tool_put(sig_name(d->sig)) ;
  }
  else tool_put(number) ;
  tool_put("\n") ;
}

int svdt_main (int argc, char const *const *argv)
{
  subgetopt l = SUBGETOPT_ZERO ;
  unsigned int max = TALLY_MAX ;
  int bynumber = 0 ;
  struct death *tab ;
  char const *dir ;
  ssize_t n ;
  for (;;)
  {
    int opt = subgetopt_r(argc, argv, "Ssn:", &l) ;
    if (opt == -1) break ;
    else if (opt == 'n') max = tool_uint(l.arg, USAGE_SVDT) ;
    else if (opt == '?') tool_dieusage(USAGE_SVDT) ;
    else bynumber = opt == 's' ;
  }
  argc -= l.ind ; argv += l.ind ;
  if (!argc) tool_dieusage(USAGE_SVDT) ;
  if (!max) return 0 ;
  if (max > TALLY_MAX) max = TALLY_MAX ;
  dir = scandir_service(argv[0]) ;
  tab = new_table(max) ;
  n = tally_read(dir, tab, max) ;
  if (n == -1) strerr_diefusys(111, "read death tally for service ", dir) ;
  for (ssize_t i = 0 ; i < n ; i++) put_death(tab + i, bynumber) ;
  tool_flush() ;
  return 0 ;
}

int svdt_clear_main (int argc, char const *const *argv)
{
  char const *dir ;
  int fd ;
  if (argc < 2) tool_dieusage(USAGE_CLEAR) ;
  dir = scandir_service(argv[1]) ;
  fd = svdir_open(dir, TALLY_FILE, O_WRONLY | O_TRUNC | O_NOFOLLOW) ;
  if (fd == -1) strerr_diefusys(111, "clear death tally for service ", dir) ;
  fd_close(fd) ;
  return 0 ;
}

/* ---------------------------------------------------------------- s6-permafailon */

struct causes
{
  unsigned char codes[32] ;  /* a bit for each exit code */
  sigset_t sigs ;
} ;

#define SEPARATORS ",; \n\r\t"

static size_t scan_code (char const *s, unsigned int *code)
{
  size_t len = uint_scan(s, code) ;
  if (len && *code > 255) strerr_dief(100, "invalid exit code") ;
  return len ;
}

/* An exit code or two with a dash between; the number of characters, 0 if it is neither. */
static size_t scan_codes (char const *s, struct causes *c)
{
  unsigned int from, to ;
  size_t len = scan_code(s, &from), len2 ;
  if (!len) return 0 ;
  to = from ;
  if (s[len] == '-')
  {
    len2 = scan_code(s + ++len, &to) ;
    if (!len2) strerr_dief(100, "invalid interval specification") ;
    if (to < from) strerr_dief(100, "invalid interval") ;
    len += len2 ;
  }
  bitarray_setn(c->codes, from, to - from + 1) ;
  return len ;
}

static size_t scan_cause_signal (char const *s, struct causes *c)
{
  char name[16] ;
  size_t len = strcspn(s, SEPARATORS) ;
  int sig ;
  if (len >= sizeof(name)) strerr_dief(100, "invalid status list specification") ;
  memcpy(name, s, len) ;
  name[len] = 0 ;
  if (!sig0_scan(name, &sig)) strerr_dief(100, "invalid status list specification") ;
  if (sigaddset(&c->sigs, sig) == -1) strerr_dief(100, "invalid signal") ;
  return len ;
}

static void scan_causes (char const *s, struct causes *c)
{
  memset(c->codes, 0, sizeof(c->codes)) ;
  sigemptyset(&c->sigs) ;
  while (*s)
  {
    size_t len = scan_codes(s, c) ;
    s += len ? len : scan_cause_signal(s, c) ;
    s += strspn(s, SEPARATORS) ;
  }
}

static int is_cause (struct death const *d, struct causes const *c)
{
  return (d->sig && sigismember(&c->sigs, d->sig) == 1) || bitarray_peek(c->codes, d->exitcode) ;
}

/* The death that made it COUNT deaths since then of such causes; 0 if there was none. */
static struct death const *find_last (struct causes const *c, tain const *since, unsigned int count)
{
  struct death *tab = new_table(TALLY_MAX) ;
  ssize_t n = tally_read(".", tab, TALLY_MAX) ;
  if (n == -1) strerr_warnwusys("read ./" TALLY_FILE) ;
  for (ssize_t i = 0 ; i < n ; i++)
    if (!tain_less(&tab[i].stamp, since) && is_cause(tab + i, c) && !--count) return tab + i ;
  return 0 ;
}

int permafailon_main (int argc, char const *const *argv)
{
  struct causes c ;
  struct death const *d ;
  unsigned int seconds, count ;
  tain now, since ;
  char cause[UINT_FMT] ;
  if (argc < 4) tool_dieusage(USAGE_PERMAFAILON) ;
  seconds = tool_uint(argv[1], USAGE_PERMAFAILON) ;
  count = tool_uint(argv[2], USAGE_PERMAFAILON) ;
  if (!count) tool_dieusage(USAGE_PERMAFAILON) ;
  if (count > TALLY_MAX) count = TALLY_MAX ;
  scan_causes(argv[3], &c) ;
  tain_wallclock_read(&now) ;
  tain_uint(&since, seconds) ;
  tain_sub(&since, &now, &since) ;
  d = find_last(&c, &since, count) ;
  if (!d) xexec0(argv + 4) ;
  cause[uint_fmt(cause, d->sig ? d->sig : d->exitcode)] = 0 ;
  strerr_warni("PERMANENT FAILURE triggered after ", argv[2], " events involving ",
    d->sig ? "signal " : "exit code ", cause, " in the last ", argv[1], " seconds") ;
  return 125 ;
}
