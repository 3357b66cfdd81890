/* ISC license. */

/*
   fix-attrs: applies /etc/fix-attrs.d (see fixattrs_parse.h), file after file in the order of
   their names, and says so as s6-overlay 2 did. `fix-attrs FILE…` applies just these, and
   `fix-attrs -`, or `fix-attrs` with a file or pipe as stdin, reads lines from stdin: that is
   how scripts of s6-overlay 2 call it.
*/

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <skalibs/buffer.h>
#include <skalibs/djbunix.h>
#include <skalibs/direntry.h>
#include <skalibs/genalloc.h>
#include <skalibs/sgetopt.h>
#include <skalibs/stralloc.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "chain.h"
#include "fixattrs_parse.h"
#include "fixattrs_walk.h"
#include "ids.h"

#define USAGE "fix-attrs [ -d dir ] | fix-attrs file... | fix-attrs -"
#define DEFAULT_DIR "/etc/fix-attrs.d"

int fix_attrs_main (int, char const *const *) ;

static int hidden ;

/* ---------------------------------------------------------------- one line */

/* Where a line stands, for messages: FILE:LINE. */
struct place
{
  char const *file ;
  unsigned int line ;
} ;

static void error (struct place const *at, char const *what, char const *why)
{
  char fmt[UINT_FMT] ;
  fmt[uint_fmt(fmt, at->line)] = 0 ;
  strerr_warn(PROG, ": error: ", at->file, ":", fmt, ": ", what ? what : "", what ? " " : "", why) ;
}

/* What the account means in this image. 0 if it means nothing, which is reported. */
static int resolve (struct fixattrs_rule const *rule, struct fixattrs_walk *w, struct place const *at)
{
  static char const unknown[] = "is unknown here: make it in the image, or give numbers, or a fallback as in nobody,65534:65534" ;
  struct ids ids = IDS_ZERO ;
  w->uid = rule->fallback_uid ;
  w->gid = rule->fallback_gid ;
  if (rule->group)
  {
    if (*rule->user && !ids_lookup_uid(&w->uid, rule->user, 1) && !rule->have_fallback) return error(at, rule->user, unknown), 0 ;
    if (*rule->group && !ids_lookup_gid(&w->gid, rule->group, 1) && !rule->have_fallback) return error(at, rule->group, unknown), 0 ;
    return 1 ;
  }
  if (ids_lookup(&ids, rule->user))
  {
    w->uid = ids.uid ;
    w->gid = ids.gid ;
    return 1 ;
  }
  if (!rule->have_fallback) error(at, rule->user, unknown) ;
  return rule->have_fallback ;
}

/* What cannot be had is said once, and is no failure: a container that is not root's, or has
   a read-only root, still boots. */
static void report_denied (struct fixattrs_walk const *w, struct place const *at)
{
  char fmt[UINT_FMT], n[ULONG_FMT] ;
  if (!w->denied) return ;
  fmt[uint_fmt(fmt, at->line)] = 0 ;
  n[ulong_fmt(n, w->denied)] = 0 ;
  strerr_warnw(at->file, ":", fmt, ": ", n, " changes left out, ", w->denied_errno == EROFS ?
   "the file system is read-only" : "this container has not the privilege", " (the first: ", w->denied_path.s, ")") ;
}

/* Nonzero if all went well. */
static int apply_rule (struct fixattrs_rule const *rule, struct place const *at)
{
  struct fixattrs_walk w = FIXATTRS_WALK_ZERO ;
  glob_t g = { .gl_pathc = 0 } ;
  w.fmode = rule->fmode ;
  w.dmode = rule->dmode ;
  w.recurse = !!rule->recurse ;
  w.hidden = !!hidden ;
  if (!resolve(rule, &w, at)) return 0 ;
  if (glob(rule->path, GLOB_NOSORT, 0, &g) == GLOB_NOSPACE) strerr_diefusys(111, "allocate memory") ;
  for (size_t i = 0 ; i < g.gl_pathc ; i++) fixattrs_walk(&w, g.gl_pathv[i]) ;
  globfree(&g) ;
  report_denied(&w, at) ;
  stralloc_free(&w.path) ;
  stralloc_free(&w.denied_path) ;
  return !w.failed ;
}

static int apply_line (char *line, struct place const *at)
{
  struct fixattrs_rule rule ;
  char const *why, *what ;
  int r = fixattrs_parse(line, &rule, &why, &what) ;
  if (r < 0) error(at, what, why) ;
  return r > 0 ? apply_rule(&rule, at) : !r ;
}

/* ---------------------------------------------------------------- one file */

/* The lines of text, which ends with a null and is cut up. Nonzero if all went well. */
static int apply_text (char *text, char const *file)
{
  struct place at = { .file = file, .line = 0 } ;
  int ok = 1 ;
  for (char *next ; text ; text = next)
  {
    next = strchr(text, '\n') ;
    if (next) *next++ = 0 ;
    at.line++ ;
    if (!apply_line(text, &at)) ok = 0 ;
  }
  return ok ;
}

static int apply_fd (int fd, char const *file)
{
  stralloc text = STRALLOC_ZERO ;
  int ok = 0 ;
  if (!slurp(&text, fd) || !stralloc_0(&text)) strerr_warnwusys("read ", file) ;
  else if (strlen(text.s) + 1 < text.len) strerr_warn(PROG, ": error: ", file, ": has a null byte: it must be text") ;
  else ok = apply_text(text.s, file) ;
  stralloc_free(&text) ;
  return ok ;
}

static int apply_file (char const *file)
{
  struct stat st ;
  int ok = 0 ;
  int fd = open(file, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) ;
  if (fd < 0 || fstat(fd, &st) < 0) strerr_warnwusys("open ", file) ;
  else if (!S_ISREG(st.st_mode)) strerr_warn(PROG, ": error: ", file, ": is no regular file") ;
  else ok = apply_fd(fd, file) ;
  if (fd >= 0) fd_close(fd) ;
  return ok ;
}

static void say (char const *a, char const *b, char const *c)
{
  if (buffer_puts(buffer_1, "[fix-attrs.d] ") < 0 || buffer_puts(buffer_1, a) < 0 || buffer_puts(buffer_1, b) < 0
   || buffer_puts(buffer_1, c) < 0 || buffer_putflush(buffer_1, "\n", 1) < 0)
    strerr_diefusys(111, "write to stdout") ;
}

static int announce_and_apply (char const *file)
{
  char const *slash = strrchr(file, '/') ;
  char const *name = slash ? slash + 1 : file ;
  int ok ;
  say(name, ": applying... ", "") ;
  ok = apply_file(file) ;
  say(name, ": exited ", ok ? "0." : "1.") ;
  return ok ;
}

/* ---------------------------------------------------------------- all of them */

static int by_name (void const *a, void const *b)
{
  return strcmp(*(char const *const *)a, *(char const *const *)b) ;
}

/* The paths of the directory's files in order, each with a final null in a string that lives
   on; dot files are none. The end of the array is null. None if there is no such directory. */
static char const *const *list_directory (char const *path)
{
  stralloc sa = STRALLOC_ZERO ;
  DIR *dir = opendir(path) ;
  direntry *d ;
  char const **v ;
  size_t n = 0, pos = 0 ;
  if (!dir && errno != ENOENT) strerr_diefusys(111, "open ", path) ;
  while (errno = 0, dir && (d = readdir(dir)))
  {
    if (d->d_name[0] == '.') continue ;
    if (!stralloc_cats(&sa, path) || !stralloc_catb(&sa, "/", 1) || !stralloc_cats(&sa, d->d_name) || !stralloc_0(&sa)) break ;
    n++ ;
  }
  if (dir && errno) strerr_diefusys(111, "read ", path) ;
  if (dir) dir_close(dir) ;
  v = chain_alloc(n + 1, sizeof(char const *)) ;
  for (size_t i = 0 ; i < n ; pos += strlen(sa.s + pos) + 1) v[i++] = sa.s + pos ;
  v[n] = 0 ;
  qsort(v, n, sizeof(char const *), &by_name) ;
  return v ;
}

/* With S6_RUNTIME_PROFILE, the directory of that profile. */
static char const *default_dir (void)
{
  static stralloc sa = STRALLOC_ZERO ;
  char const *profile = chain_contenv_value("S6_RUNTIME_PROFILE") ;
  if (!profile || !*profile) return DEFAULT_DIR ;
  if (!stralloc_cats(&sa, "/etc/cont-profile.d/") || !stralloc_cats(&sa, profile) || !stralloc_cats(&sa, "/fix-attrs.d")
   || !stralloc_0(&sa)) strerr_diefusys(111, "allocate memory") ;
  return sa.s ;
}

static int apply_all (char const *const *files)
{
  int ok = 1 ;
  say("applying ownership & permissions fixes...", "", "") ;
  for (; *files ; files++) if (!announce_and_apply(*files)) ok = 0 ;
  say("done.", "", "") ;
  return !ok ;
}

static int is_hidden_wanted (void)
{
  char const *value = getenv("S6_FIX_ATTRS_HIDDEN") ;
  unsigned int n = 0 ;
  if (!value) value = chain_contenv_value("S6_FIX_ATTRS_HIDDEN") ;
  if (value && *value && !uint0_scan(value, &n))
    strerr_warnw("S6_FIX_ATTRS_HIDDEN is ", value, ", which is no number: taken as 0") ;
  return !!n ;
}

static int stdin_has_lines (void)
{
  struct stat st ;
  return fstat(0, &st) >= 0 && (S_ISREG(st.st_mode) || S_ISFIFO(st.st_mode)) ;
}

int fix_attrs_main (int argc, char const *const *argv)
{
  subgetopt l = SUBGETOPT_ZERO ;
  char const *dir = 0 ;
  for (int opt ; (opt = subgetopt_r(argc, argv, "d:", &l)) != -1 ; )
    if (opt == 'd') dir = l.arg ;
    else strerr_dieusage(100, USAGE) ;
  argc -= l.ind ; argv += l.ind ;
  if (argc && dir) strerr_dieusage(100, USAGE) ;
  hidden = is_hidden_wanted() ;
  if (argc == 1 ? !strcmp(argv[0], "-") : !argc && !dir && stdin_has_lines()) return !apply_fd(0, "stdin") ;
  return apply_all(argc ? argv : list_directory(dir ? dir : default_dir())) ;
}
