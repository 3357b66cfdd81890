/* ISC license. */

/* s6-softlimit, as s6's own: sets soft limits, never above the hard ones, and runs a program. */

#include <sys/resource.h>

#include <skalibs/exec.h>
#include <skalibs/sgetopt.h>
#include <skalibs/strerr.h>
#include <skalibs/uint64.h>

#define USAGE "s6-softlimit [ -a allbytes ] [ -c corebytes ] [ -d databytes ] [ -f filebytes ] [ -l lockbytes ] [ -m membytes ] [ -o openfiles ] [ -p processes ] [ -r residentbytes ] [ -s stackbytes ] [ -t cpusecs ] prog..."

int softlimit_main (int, char const *const *) ;

/* -m is all kinds of memory, in several lines. */
static struct { char option ; int resource ; } const limits[] =
{
  { 'a', RLIMIT_AS }, { 'c', RLIMIT_CORE }, { 'd', RLIMIT_DATA }, { 'f', RLIMIT_FSIZE }, { 'l', RLIMIT_MEMLOCK },
  { 'm', RLIMIT_DATA }, { 'm', RLIMIT_STACK }, { 'm', RLIMIT_MEMLOCK }, { 'm', RLIMIT_AS },
  { 'o', RLIMIT_NOFILE }, { 'p', RLIMIT_NPROC }, { 'r', RLIMIT_RSS }, { 's', RLIMIT_STACK }, { 't', RLIMIT_CPU },
} ;

static void set_limit (int resource, char const *arg)
{
  struct rlimit r ;
  uint64_t n ;
  if (getrlimit(resource, &r) < 0) strerr_diefusys(111, "getrlimit") ;
  if (arg[0] == '=' && !arg[1]) r.rlim_cur = r.rlim_max ;
  else if (!uint640_scan(arg, &n)) strerr_dieusage(100, USAGE) ;
  else r.rlim_cur = n < r.rlim_max ? (rlim_t)n : r.rlim_max ;
  if (setrlimit(resource, &r) < 0) strerr_diefusys(111, "setrlimit") ;
}

static void set_limits (char option, char const *arg)
{
  int found = 0 ;
  for (size_t i = 0 ; i < sizeof limits / sizeof *limits ; i++) if (limits[i].option == option)
  {
    set_limit(limits[i].resource, arg) ;
    found = 1 ;
  }
  if (!found) strerr_dieusage(100, USAGE) ;
}

int softlimit_main (int argc, char const *const *argv)
{
  subgetopt l = SUBGETOPT_ZERO ;
  for (int opt ; (opt = subgetopt_r(argc, argv, "a:c:d:f:l:m:o:p:r:s:t:", &l)) != -1 ; )
    set_limits((char)opt, l.arg) ;
  argc -= l.ind ; argv += l.ind ;
  if (!argc) strerr_dieusage(100, USAGE) ;
  xexec(argv) ;
}
