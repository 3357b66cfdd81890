/* ISC license. */

/* s6-instance-maker: writes a service directory (or s6-rc source definitions) whose service
   is a scanner for instances of a template: see instance.c. */

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <skalibs/djbunix.h>
#include <skalibs/posixplz.h>
#include <skalibs/sgetopt.h>
#include <skalibs/skamisc.h>
#include <skalibs/stralloc.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>
#include <skalibs/uint64.h>

#include "tools.h"

#define USAGE "[ -c max ] [ -u user ] [ -l loguser ] [ -L logdir ] [ -t stamptype ] [ -n nfiles ] [ -s filesize ] [ -S maxsize ] [ -P prefix ] [ -r service[/logger[/pipeline]] ] template dir"

#define MAX_INSTANCES 90000

struct wanted
{
  char const *user ;
  char const *loguser ;
  char const *logdir ;
  char const *prefix ;
  char *rc[3] ;  /* service, logger, pipeline; all 0 without -r */
  unsigned int max ;
  unsigned int stamps ;  /* bits: 1 TAI64N, 2 ISO 8601 */
  unsigned int nfiles ;
  uint64_t filesize ;
  uint64_t maxsize ;
} ;

/* ---------------------------------------------------------------- texts */

static void add (stralloc *sa, char const *s)
{
  if (!stralloc_cats(sa, s)) strerr_diefusys(111, "write a script") ;
}

static void add_quoted (stralloc *sa, char const *s)
{
  if (!string_quote(sa, s, strlen(s))) strerr_diefusys(111, "write a script") ;
}

static void add_number (stralloc *sa, char const *before, uint64_t n)
{
  char fmt[UINT64_FMT] ;
  fmt[uint64_fmt(fmt, n)] = 0 ;
  add(sa, before) ;
  add(sa, fmt) ;
}

static void add_user (stralloc *sa, char const *user)
{
  if (!user) return ;
  add(sa, "s6-setuidgid ") ;
  add_quoted(sa, user) ;
  add(sa, "\n") ;
}

static void text_of_run (stralloc *sa, struct wanted const *w)
{
  add(sa, "#!/usr/bin/execlineb -P\n\nfdmove -c 2 1\n") ;
  add_user(sa, w->user) ;
  add_number(sa, "s6-svscan -d3 -c", w->max) ;
  add(sa, " -- instance\n") ;
}

static void text_of_log_run (stralloc *sa, struct wanted const *w)
{
  stralloc prefix = STRALLOC_ZERO ;
  add(sa, "#!/usr/bin/execlineb -P\n") ;
  add_user(sa, w->loguser) ;
  add(sa, "s6-log -bd3 -- ") ;
  if (w->stamps & 1) add(sa, "t ") ;
  if (w->stamps & 2) add(sa, "T ") ;
  add_number(sa, "n", w->nfiles) ;
  add_number(sa, " s", w->filesize) ;
  if (w->maxsize) add_number(sa, " S", w->maxsize) ;
  add(sa, " ") ;
  if (w->prefix)
  {
    add(&prefix, "p") ;
    add(&prefix, w->prefix) ;
    if (!stralloc_0(&prefix)) strerr_diefusys(111, "write a script") ;
    add_quoted(sa, prefix.s) ;
    add(sa, " ") ;
    stralloc_free(&prefix) ;
  }
  add_quoted(sa, w->logdir) ;
  add(sa, "\n") ;
}

/* ---------------------------------------------------------------- files */

static void make_dir (char const *dir)
{
  if (mkdir(dir, 0755) == -1) strerr_diefusys(111, "mkdir ", dir) ;
}

static void make_subdir (char const *dir, char const *name)
{
  stralloc sa = STRALLOC_ZERO ;
  make_dir(tool_path(&sa, dir, name)) ;
  stralloc_free(&sa) ;
}

/* A mode of 0: as the umask has it. */
static void write_file (char const *dir, char const *name, char const *s, size_t len, mode_t mode)
{
  stralloc sa = STRALLOC_ZERO ;
  char const *fn = tool_path(&sa, dir, name) ;
  if (!openwritenclose_unsafe(fn, s, len)) strerr_diefusys(111, "write ", fn) ;
  if (mode && chmod(fn, mode) == -1) strerr_diefusys(111, "chmod ", fn) ;
  stralloc_free(&sa) ;
}

static void write_line (char const *dir, char const *name, char const *s)
{
  stralloc sa = STRALLOC_ZERO ;
  add(&sa, s) ;
  add(&sa, "\n") ;
  write_file(dir, name, sa.s, sa.len, 0) ;
  stralloc_free(&sa) ;
}

/* What service and logger have in common. s6-rc's source definitions need no exec bit, and
   whoever makes service directories of them makes instance/ and instances/ too. */
static void write_longrun (char const *dir, struct wanted const *w, void (*text) (stralloc *, struct wanted const *))
{
  stralloc sa = STRALLOC_ZERO ;
  make_dir(dir) ;
  (*text)(&sa, w) ;
  write_file(dir, "run", sa.s, sa.len, w->rc[0] ? 0 : 0755) ;
  write_line(dir, "notification-fd", "3") ;
  if (w->rc[0]) write_line(dir, "type", "longrun") ;
  stralloc_free(&sa) ;
}

static void write_service (char const *dir, struct wanted const *w, char const *template)
{
  stralloc sa = STRALLOC_ZERO ;
  write_longrun(dir, w, &text_of_run) ;
  if (!w->rc[0])
  {
    make_subdir(dir, "instance") ;
    make_subdir(dir, "instances") ;
  }
  if (!hiercopy(template, tool_path(&sa, dir, "template")))
    strerr_diefusys(111, "copy file hierarchy from ", template, " to ", sa.s) ;
  if (w->rc[1]) write_line(dir, "producer-for", w->rc[1]) ;
  stralloc_free(&sa) ;
}

static void write_logger (char const *dir, struct wanted const *w)
{
  write_longrun(dir, w, &text_of_log_run) ;
  if (w->rc[0]) write_line(dir, "consumer-for", w->rc[0]) ;
  if (w->rc[2]) write_line(dir, "pipeline-name", w->rc[2]) ;
}

/* ---------------------------------------------------------------- arguments */

/* service[/logger[/pipeline]], cut apart in place. */
static void scan_rc (char const *s, struct wanted *w)
{
  static char const *const what[] = { "service", "logger", "pipeline" } ;
  stralloc sa = STRALLOC_ZERO ;
  add(&sa, s) ;
  if (!stralloc_0(&sa)) strerr_diefusys(111, "read ", s) ;
  if (strchr(sa.s, '\n')) strerr_dief(100, "newlines are forbidden in s6-rc names") ;
  w->rc[0] = sa.s ;
  for (unsigned int i = 0 ; i < 3 && w->rc[i] ; i++)
  {
    char *slash = strchr(w->rc[i], '/') ;
    if (slash)
    {
      if (i == 2) strerr_dief(100, "slashes are forbidden in s6-rc names") ;
      w->rc[i + 1] = slash + 1 ;
      *slash = 0 ;
    }
    if (!w->rc[i][0]) strerr_dief(100, what[i], " name cannot be empty") ;
  }
}

static uint64_t scan_size (char const *s)
{
  uint64_t u ;
  if (!uint640_scan(s, &u)) tool_dieusage(USAGE) ;
  return u ;
}

static int scan_options (int argc, char const *const *argv, struct wanted *w)
{
  subgetopt l = SUBGETOPT_ZERO ;
  for (;;)
  {
    int opt = subgetopt_r(argc, argv, "u:l:L:c:t:n:s:S:P:r:", &l) ;
    switch (opt)
    {
      case -1 : return l.ind ;
      case 'u' : w->user = l.arg ; break ;
      case 'l' : w->loguser = l.arg ; break ;
      case 'L' : w->logdir = l.arg ; break ;
      case 'c' : w->max = tool_uint(l.arg, USAGE) ; break ;
      case 't' : w->stamps = tool_uint(l.arg, USAGE) ; break ;
      case 'n' : w->nfiles = tool_uint(l.arg, USAGE) ; break ;
      case 's' : w->filesize = scan_size(l.arg) ; break ;
      case 'S' : w->maxsize = scan_size(l.arg) ; break ;
      case 'P' : w->prefix = l.arg ; break ;
      case 'r' : scan_rc(l.arg, w) ; break ;
      default : tool_dieusage(USAGE) ;
    }
  }
}

static void check_wanted (struct wanted *w)
{
  if (w->logdir && w->logdir[0] != '/') strerr_dief(100, "logdir must be absolute") ;
  if (w->stamps > 3) strerr_dief(100, "stamptype must be 0, 1, 2 or 3") ;
  if (w->user && strpbrk(w->user, " \t\n")) strerr_dief(100, "invalid user") ;
  if (w->loguser && strpbrk(w->loguser, " \t\n")) strerr_dief(100, "invalid loguser") ;
  if (w->rc[0] && w->rc[1] && !w->logdir) strerr_dief(100, "logger specified (-r) but logdir not specified (-L)") ;
  if (w->rc[0] && !w->rc[1] && w->logdir) strerr_dief(100, "logdir specified (-L) but logger name not specified (-r)") ;
  if (w->max < 1) w->max = 1 ;
  if (w->max > MAX_INSTANCES) w->max = MAX_INSTANCES ;
}

int instance_maker_main (int argc, char const *const *argv)
{
  struct wanted w = { .max = 500, .stamps = 1, .nfiles = 10, .filesize = 1000000 } ;
  stralloc sa = STRALLOC_ZERO ;
  int n = scan_options(argc, argv, &w) ;
  argc -= n ; argv += n ;
  if (argc < 2) tool_dieusage(USAGE) ;
  check_wanted(&w) ;
  if (w.rc[0] && mkdir(argv[1], 0755) == -1 && errno != EEXIST) strerr_diefusys(111, "mkdir ", argv[1]) ;
  write_service(w.rc[0] ? tool_path(&sa, argv[1], w.rc[0]) : argv[1], &w, argv[0]) ;
  if (w.logdir) write_logger(tool_path(&sa, argv[1], w.rc[0] ? w.rc[1] : "log"), &w) ;
  return 0 ;
}
