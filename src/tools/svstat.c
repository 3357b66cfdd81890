/* ISC license. */

/* s6-svstat, svstat: the state of a service, in words or as fields for scripts. */

#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <skalibs/djbtime.h>
#include <skalibs/sgetopt.h>
#include <skalibs/sig.h>
#include <skalibs/stralloc.h>
#include <skalibs/strerr.h>
#include <skalibs/tai.h>
#include <skalibs/types.h>

#include "supervise/status.h"
#include "control.h"
#include "scandir.h"
#include "tools.h"

#define MAX_FIELDS 16
#define USAGE "[ -uwNrpgest | -o up,wantedup,normallyup,ready,paused,pid,pgid,exitcode,signal,signum,updownsince,readysince,updownfor,readyfor ] [ -n ] servicedir"

struct report
{
  struct svstatus st ;
  tain now ;
  int normallyup ;
} ;

static int is_up (struct report const *r)
{
  return r->st.pid && !r->st.finishing ;
}

static void put_bool (int b)
{
  tool_put(b ? "true" : "false") ;
}

static void put_int (int i)
{
  char fmt[INT_FMT] ;
  fmt[int_fmt(fmt, i)] = 0 ;
  tool_put(fmt) ;
}

static void put_since (tain const *a)
{
  char fmt[TIMESTAMP + 1] ;
  fmt[timestamp_fmt(fmt, a)] = 0 ;
  tool_put(fmt) ;
}

static void put_seconds (struct report const *r, tain const *since)
{
  char fmt[UINT64_FMT] ;
  tain d ;
  tain_sub(&d, &r->now, since) ;
  fmt[uint64_fmt(fmt, d.sec.x)] = 0 ;
  tool_put(fmt) ;
}

static void put_signame (int sig)
{
  tool_put("SIG") ;
  tool_put(sig_name(sig)) ;
}

/* ---------------------------------------------------------------- fields */

static int signum (struct report const *r)
{
  return is_up(r) || !WIFSIGNALED(r->st.wstat) ? -1 : WTERMSIG(r->st.wstat) ;
}

static void put_up (struct report const *r) { put_bool(is_up(r)) ; }
static void put_wantedup (struct report const *r) { put_bool(r->st.want_up) ; }
static void put_normallyup (struct report const *r) { put_bool(r->normallyup) ; }
static void put_ready (struct report const *r) { put_bool(r->st.pid && r->st.ready) ; }
static void put_paused (struct report const *r) { put_bool(r->st.paused) ; }
static void put_pid (struct report const *r) { put_int(is_up(r) ? r->st.pid : -1) ; }
static void put_pgid (struct report const *r) { put_int(r->st.pgid > 0 ? r->st.pgid : -1) ; }
static void put_signum (struct report const *r) { put_int(signum(r)) ; }
static void put_updownsince (struct report const *r) { put_since(&r->st.stamp) ; }
static void put_readysince (struct report const *r) { put_since(&r->st.readystamp) ; }
static void put_updownfor (struct report const *r) { put_seconds(r, &r->st.stamp) ; }
static void put_readyfor (struct report const *r) { put_seconds(r, &r->st.readystamp) ; }

static void put_exitcode (struct report const *r)
{
  put_int(is_up(r) || !WIFEXITED(r->st.wstat) ? -1 : WEXITSTATUS(r->st.wstat)) ;
}

static void put_signal (struct report const *r)
{
  if (signum(r) == -1) tool_put("NA") ;
  else put_signame(signum(r)) ;
}

struct field
{
  char const *name ;
  char letter ;  /* of the option that asks for it; 0 if -o alone does */
  void (*put) (struct report const *) ;
} ;

static struct field const fields[] =
{
  { "up", 'u', &put_up },
  { "wantedup", 'w', &put_wantedup },
  { "normallyup", 'N', &put_normallyup },
  { "ready", 'r', &put_ready },
  { "paused", 0, &put_paused },
  { "pid", 'p', &put_pid },
  { "pgid", 'g', &put_pgid },
  { "exitcode", 'e', &put_exitcode },
  { "signal", 's', &put_signal },
  { "signum", 0, &put_signum },
  { "updownsince", 0, &put_updownsince },
  { "readysince", 0, &put_readysince },
  { "updownfor", 't', &put_updownfor },
  { "readyfor", 0, &put_readyfor }
} ;

#define FIELDS_N (sizeof(fields) / sizeof(*fields))

struct selection
{
  struct field const *tab[MAX_FIELDS] ;
  unsigned int n ;
} ;

static void select_field (struct selection *sel, struct field const *f)
{
  if (sel->n >= MAX_FIELDS) strerr_dief(100, "too many option fields") ;
  sel->tab[sel->n++] = f ;
}

static struct field const *field_by_name (char const *s, size_t len)
{
  for (unsigned int i = 0 ; i < FIELDS_N ; i++)
    if (!strncmp(fields[i].name, s, len) && !fields[i].name[len]) return fields + i ;
  return 0 ;
}

static struct field const *field_by_letter (char c)
{
  for (unsigned int i = 0 ; i < FIELDS_N ; i++)
    if (fields[i].letter == c) return fields + i ;
  return 0 ;
}

static void select_names (struct selection *sel, char const *s)
{
  while (*s)
  {
    size_t len = strcspn(s, ",") ;
    struct field const *f = field_by_name(s, len) ;
    if (!len) strerr_dief(100, "invalid null option field") ;
    if (!f) strerr_dief(100, "invalid option field: ", s) ;
    select_field(sel, f) ;
    s += len ;
    if (*s) s++ ;
  }
}

static void put_fields (struct report const *r, struct selection const *sel)
{
  for (unsigned int i = 0 ; i < sel->n ; i++)
  {
    if (i) tool_put(" ") ;
    (*sel->tab[i]->put)(r) ;
  }
}

/* ---------------------------------------------------------------- words */

static void put_death (struct report const *r, int bynumber)
{
  int sig = signum(r) ;
  tool_put(sig == -1 ? "exitcode " : "signal ") ;
  if (sig == -1) put_int(WEXITSTATUS(r->st.wstat)) ;
  else if (bynumber) put_int(sig) ;
  else put_signame(sig) ;
}

static void put_words (struct report const *r, int bynumber)
{
  int up = is_up(r) ;
  tool_put(up ? "up (pid " : "down (") ;
  if (up) put_int(r->st.pid) ;
  else put_death(r, bynumber) ;
  tool_put(") ") ;
  put_seconds(r, &r->st.stamp) ;
  tool_put(" seconds") ;
  if (up != r->normallyup) tool_put(up ? ", normally down" : ", normally up") ;
  if (up && r->st.paused) tool_put(", paused") ;
  if (up != (int)r->st.want_up) tool_put(up ? ", want down" : ", want up") ;
  if (r->st.ready)
  {
    tool_put(", ready ") ;
    put_seconds(r, &r->st.readystamp) ;
    tool_put(" seconds") ;
  }
}

/* ---------------------------------------------------------------- */

static int has_no_down (char const *dir)
{
  stralloc sa = STRALLOC_ZERO ;
  int r = access(tool_path(&sa, dir, "down"), F_OK) ;
  if (r == -1 && errno != ENOENT) strerr_diefusys(111, "access ", sa.s) ;
  stralloc_free(&sa) ;
  return r == -1 ;
}

/* A change after now is a clock set back: since 0 seconds, then. */
static void read_report (struct report *r, char const *dir)
{
  int locked = control_islocked(dir, SUPERVISE_SUB) ;
  if (locked == -1) strerr_diefusys(111, "check ", dir) ;
  if (!locked) strerr_dief(1, "unable to read status for ", dir, ": supervisor not running") ;
  if (!svstatus_read(dir, &r->st)) strerr_diefusys(111, "read status for ", dir) ;
  tain_wallclock_read(&r->now) ;
  if (tain_less(&r->now, &r->st.stamp)) r->st.stamp = r->now ;
  if (tain_less(&r->now, &r->st.readystamp)) r->st.readystamp = r->now ;
  r->normallyup = has_no_down(dir) ;
}

static int scan_options (int argc, char const *const *argv, struct selection *sel, int *bynumber)
{
  subgetopt l = SUBGETOPT_ZERO ;
  for (;;)
  {
    int opt = subgetopt_r(argc, argv, SVSTAT_OPTIONS, &l) ;
    switch (opt)
    {
      case -1 : return l.ind ;
      case '?' : tool_dieusage(USAGE) ;
      case 'n' : *bynumber = 1 ; break ;
      case 'o' : select_names(sel, l.arg) ; break ;
      default : select_field(sel, field_by_letter((char)opt)) ;
    }
  }
}

int svstat_main (int argc, char const *const *argv)
{
  struct selection sel = { .n = 0 } ;
  struct report r ;
  int bynumber = 0 ;
  int n = scan_options(argc, argv, &sel, &bynumber) ;
  argc -= n ; argv += n ;
  if (!argc) tool_dieusage(USAGE) ;
  read_report(&r, scandir_service(argv[0])) ;
  if (sel.n) put_fields(&r, &sel) ;
  else put_words(&r, bynumber) ;
  tool_put("\n") ;
  tool_flush() ;
  return 0 ;
}
