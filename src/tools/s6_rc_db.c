/* ISC license. */

/*
   s6-rc-db: questions about the source definitions, read as PID 1 reads them. There is no
   compiled database, so -l and -c, which say where one is, and -b, which waits for its
   lock, are accepted and mean nothing. -R reads another root file system than /.
*/

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <skalibs/alloc.h>
#include <skalibs/buffer.h>
#include <skalibs/djbunix.h>
#include <skalibs/sgetopt.h>
#include <skalibs/stralloc.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include <execline/execline.h>

#include "svscan/source.h"
#include "tools.h"

#define USAGE "s6-rc-db [ -u | -d ] [ -b ] [ -l live ] [ -c compiled ] [ -R root ] command... (use s6-rc-db help for more information)"

#define EXIT_UNKNOWN 3
#define EXIT_INVALID 4
#define EXIT_WRONG_TYPE 5

struct question
{
  struct source source ;
  struct faults faults ;
  int rootfd ;
  int down ;
  char const *root ;
  char const *const *args ;     /* what comes after the command, 0-terminated */
} ;

#define GRAPH(q) (&(q)->source.graph)

/* ---- output */

static void out (char const *s, size_t n)
{
  if (buffer_put(buffer_1, s, n) < 0) strerr_diefusys(111, "write to stdout") ;
}

static void out_line (char const *s)
{
  out(s, strlen(s)) ;
  out("\n", 1) ;
}

static uint8_t *new_set (struct question const *q)
{
  uint8_t *set = alloc(graph_size(GRAPH(q))) ;
  if (!set) strerr_diefusys(111, "allocate memory") ;
  memset(set, 0, graph_size(GRAPH(q))) ;
  return set ;
}

static int is_bundle (struct question const *q, uint32_t node)
{
  return graph_kind_of(GRAPH(q), node) == GRAPH_BUNDLE ;
}

static void out_atoms (struct question const *q, uint8_t const *set)
{
  for (uint32_t i = 0 ; i < graph_size(GRAPH(q)) ; i++)
    if (set[i] && !is_bundle(q, i)) out_line(graph_name(GRAPH(q), i)) ;
}

/* ---- names */

static void die_unknown (struct question const *q, char const *name)
{
  uint32_t near[1] ;
  if (graph_near(GRAPH(q), name, near, 1))
    strerr_dief(EXIT_UNKNOWN, "there is no service ", name, "; did you mean ", graph_name(GRAPH(q), near[0]), "?") ;
  strerr_dief(EXIT_UNKNOWN, "there is no service ", name, "; s6-rc-db list all shows those that there are") ;
}

static uint32_t find (struct question const *q, char const *name)
{
  uint32_t node = graph_find(GRAPH(q), name) ;
  if (node == GRAPH_NONE) die_unknown(q, name) ;
  return node ;
}

static uint32_t find_atom (struct question const *q)
{
  uint32_t node = find(q, q->args[0]) ;
  if (is_bundle(q, node)) strerr_dief(EXIT_WRONG_TYPE, q->args[0], " is a bundle; ask s6-rc-db contents ", q->args[0], " for what is in it") ;
  return node ;
}

/* The atoms that the arguments stand for. */
static uint8_t *set_of_args (struct question *q)
{
  uint8_t *set = new_set(q) ;
  for (char const *const *name = q->args ; *name ; name++) set[find(q, *name)] = 1 ;
  graph_expand(GRAPH(q), set) ;
  return set ;
}

/* ---- commands */

static int is_oneshot (struct source_service const *s) { return s->type == GRAPH_ONESHOT ; }
static int is_longrun (struct source_service const *s) { return s->type == GRAPH_LONGRUN ; }
static int is_bundle_type (struct source_service const *s) { return s->type == GRAPH_BUNDLE ; }
static int is_service (struct source_service const *s) { return s->type != GRAPH_BUNDLE ; }
static int is_any (struct source_service const *s) { return !!s ; }

static void do_list (struct question *q)
{
  static struct { char const *name ; int (*belongs) (struct source_service const *) ; } const lists[] =
  {
    { "all", &is_any }, { "services", &is_service }, { "oneshots", &is_oneshot }, { "longruns", &is_longrun }, { "bundles", &is_bundle_type }
  } ;
  for (size_t i = 0 ; i < sizeof lists / sizeof *lists ; i++)
  {
    if (strcmp(q->args[0], lists[i].name)) continue ;
    for (uint32_t n = 0 ; n < graph_size(GRAPH(q)) ; n++)
      if ((*lists[i].belongs)(source_service(&q->source, n))) out_line(graph_name(GRAPH(q), n)) ;
    return ;
  }
  strerr_dieusage(100, USAGE) ;
}

static void do_type (struct question *q)
{
  static char const *const names[] = { [GRAPH_LONGRUN] = "longrun", [GRAPH_ONESHOT] = "oneshot", [GRAPH_BUNDLE] = "bundle" } ;
  out_line(names[source_service(&q->source, find(q, q->args[0]))->type]) ;
}

static void do_timeout (struct question *q)
{
  char fmt[UINT32_FMT] ;
  struct source_service const *s = source_service(&q->source, find_atom(q)) ;
  fmt[uint32_fmt(fmt, q->down ? s->timeout_down : s->timeout_up)] = 0 ;
  out_line(fmt) ;
}

static void do_contents (struct question *q)
{
  uint32_t node = find(q, q->args[0]) ;
  if (!is_bundle(q, node)) strerr_dief(EXIT_WRONG_TYPE, q->args[0], " is no bundle; only bundles have contents") ;
  uint8_t *set = set_of_args(q) ;
  out_atoms(q, set) ;
  alloc_free(set) ;
}

static void do_atomics (struct question *q)
{
  uint8_t *set = set_of_args(q) ;
  out_atoms(q, set) ;
  alloc_free(set) ;
}

/* What the atoms of the set need, bundles among it resolved. */
static void add_needed (struct question *q, uint8_t const *of, uint8_t *result)
{
  for (uint32_t i = 0 ; i < graph_size(GRAPH(q)) ; i++)
  {
    uint32_t n ;
    struct graph_link const *l = graph_deps(GRAPH(q), i, &n) ;
    for (uint32_t j = 0 ; of[i] && j < n ; j++)
      if (l[j].kind == GRAPH_NEEDS) result[l[j].node] = 1 ;
  }
  graph_expand(GRAPH(q), result) ;
}

/* Adds to a set the bundles that something in it is in. */
static void add_bundles_of (struct question const *q, uint8_t *set)
{
  for (uint32_t i = 0 ; i < graph_size(GRAPH(q)) ; i++)
  {
    uint32_t n, node = GRAPH(q)->order[i] ;   /* inner bundles come before outer ones */
    struct graph_link const *l = graph_deps(GRAPH(q), node, &n) ;
    for (uint32_t j = 0 ; j < n ; j++)
      if (l[j].kind == GRAPH_CONTAINS && set[l[j].node]) set[node] = 1 ;
  }
}

/* Who needs the atoms of the set, or a bundle that one of them is in. */
static void add_needing (struct question const *q, uint8_t *of, uint8_t *result)
{
  add_bundles_of(q, of) ;
  for (uint32_t i = 0 ; i < graph_size(GRAPH(q)) ; i++)
  {
    uint32_t n ;
    struct graph_link const *l = graph_deps(GRAPH(q), i, &n) ;
    for (uint32_t j = 0 ; j < n ; j++)
      if (l[j].kind == GRAPH_NEEDS && of[l[j].node]) result[i] = 1 ;
  }
}

static void do_dependencies (struct question *q)
{
  uint8_t *of = set_of_args(q), *result = new_set(q) ;
  if (q->down) add_needing(q, of, result) ; else add_needed(q, of, result) ;
  out_atoms(q, result) ;
  alloc_free(result) ;
  alloc_free(of) ;
}

static void do_all_dependencies (struct question *q)
{
  uint8_t *set = set_of_args(q) ;
  graph_close(GRAPH(q), set, q->down ? GRAPH_DOWN : GRAPH_UP) ;
  out_atoms(q, set) ;
  alloc_free(set) ;
}

static uint32_t consumer_of (struct question const *q, uint32_t node)
{
  return source_service(&q->source, node)->consumer ;
}

/* How many pipes lead from the node to its last consumer, which is stored. */
static uint32_t pipes_after (struct question const *q, uint32_t node, uint32_t *last)
{
  uint32_t n = 0 ;
  for (uint32_t next ; (next = consumer_of(q, node)) != GRAPH_NONE && n < graph_size(GRAPH(q)) ; n++) node = next ;
  *last = node ;
  return n ;
}

static void do_pipeline (struct question *q)
{
  uint32_t last, end, node = find_atom(q), longest = 0 ;
  if (!is_longrun(source_service(&q->source, node))) strerr_dief(EXIT_WRONG_TYPE, q->args[0], " is no longrun; only longruns have pipes") ;
  pipes_after(q, node, &last) ;
  for (uint32_t i = 0 ; i < graph_size(GRAPH(q)) ; i++)
  {
    uint32_t n = pipes_after(q, i, &end) ;
    if (end == last && n > longest) longest = n ;
  }
  for (uint32_t n = longest + 1 ; n-- ; )
    for (uint32_t i = 0 ; i < graph_size(GRAPH(q)) ; i++)
      if (pipes_after(q, i, &end) == n && end == last) out_line(graph_name(GRAPH(q), i)) ;
}

static void do_flags (struct question *q)
{
  char fmt[8] ;
  struct source_service const *s = source_service(&q->source, find_atom(q)) ;
  uint320_xfmt(fmt, (uint32_t)(s->essential | s->recommended << 1), 8) ;
  out(fmt, 8) ;
  out("\n", 1) ;
}

/* The number of words in a oneshot's file, appended to argv with a null after each; -1 with
   errno, or what execline's lexer says (-2 to -4). */
static int lex (struct question const *q, uint32_t node, char const *file, stralloc *argv)
{
  char buf[4096] ;
  int dir = source_open(&q->source, q->rootfd, node) ;
  if (dir < 0) return -1 ;
  int fd = openat(dir, file, O_RDONLY | O_NONBLOCK | O_CLOEXEC) ;
  fd_close(dir) ;
  if (fd < 0) return -1 ;
  buffer b = BUFFER_INIT(&buffer_read, fd, buf, sizeof buf) ;
  int r = el_parse_from_buffer(argv, &b) ;
  fd_close(fd) ;
  return r ;
}

static char const *lexer_says (int r)
{
  switch (r)
  {
    case -2 : return "syntax error" ;
    case -3 : return "unmatched {" ;
    case -4 : return "unmatched }" ;
    default : return strerror(errno) ;
  }
}

static void do_script (struct question *q)
{
  stralloc argv = STRALLOC_ZERO ;
  char const *file = q->down ? "down" : "up" ;
  uint32_t node = find_atom(q) ;
  struct source_service const *s = source_service(&q->source, node) ;
  if (!is_oneshot(s)) strerr_dief(EXIT_WRONG_TYPE, q->args[0], " is no oneshot; only oneshots have scripts") ;
  if (s->origin == SOURCE_BUILTIN || (q->down && !source_has(&q->source, node, SOURCE_DOWN))) return ;
  int r = lex(q, node, file, &argv) ;
  if (r < 0) strerr_dief(EXIT_INVALID, graph_file(GRAPH(q), node), "/", file, ": ", lexer_says(r)) ;
  out(argv.s, argv.len) ;
  stralloc_free(&argv) ;
}

/* What reading cannot see because PID 1 leaves it to execlineb. */
static int check_script (struct question const *q, uint32_t node, enum source_file file)
{
  stralloc argv = STRALLOC_ZERO ;
  if (!source_has(&q->source, node, file)) return 1 ;
  int r = lex(q, node, source_files[file], &argv) ;
  stralloc_free(&argv) ;
  if (r < 0) strerr_warn(PROG, ": error: ", graph_file(GRAPH(q), node), "/", source_files[file], ": ", lexer_says(r),
    "; it is one command line for execlineb, not a shell script") ;
  return r >= 0 ;
}

static void do_check (struct question *q)
{
  int ok = 1 ;
  for (uint32_t i = 0 ; i < graph_size(GRAPH(q)) ; i++)
  {
    if (!is_oneshot(source_service(&q->source, i))) continue ;
    ok &= check_script(q, i, SOURCE_UP) ;
    ok &= check_script(q, i, SOURCE_DOWN) ;
  }
  if (!ok) strerr_dief(EXIT_INVALID, "there are errors in the source definitions") ;
}

static void do_help (struct question *q)
{
  static char const text[] =
    "s6-rc-db help\n"
    "s6-rc-db check\n"
    "s6-rc-db list all|services|oneshots|longruns|bundles\n"
    "s6-rc-db type servicename\n"
    "s6-rc-db [ -u | -d ] timeout atomicname\n"
    "s6-rc-db contents bundlename\n"
    "s6-rc-db [ -u | -d ] dependencies servicename\n"
    "s6-rc-db pipeline longrunname\n"
    "s6-rc-db [ -u | -d ] script oneshotname\n"
    "s6-rc-db flags atomicname\n"
    "s6-rc-db atomics servicename...\n"
    "s6-rc-db [ -u | -d ] all-dependencies servicename...\n" ;
  (void)q ;
  out(text, sizeof text - 1) ;
}

static struct command
{
  char const *name ;
  void (*run) (struct question *) ;
  int least ;           /* arguments */
  int most ;
} const commands[] =
{
  { "help", &do_help, 0, 0 },
  { "check", &do_check, 0, 0 },
  { "list", &do_list, 1, 1 },
  { "type", &do_type, 1, 1 },
  { "timeout", &do_timeout, 1, 1 },
  { "contents", &do_contents, 1, 1 },
  { "dependencies", &do_dependencies, 1, 1 },
  { "pipeline", &do_pipeline, 1, 1 },
  { "script", &do_script, 1, 1 },
  { "flags", &do_flags, 1, 1 },
  { "atomics", &do_atomics, 1, INT32_MAX },
  { "all-dependencies", &do_all_dependencies, 1, INT32_MAX }
} ;

static struct command const *find_command (int argc, char const *const *argv)
{
  for (size_t i = 0 ; argc > 0 && i < sizeof commands / sizeof *commands ; i++)
    if (!strcmp(argv[0], commands[i].name))
      return argc - 1 < commands[i].least || argc - 1 > commands[i].most ? 0 : commands + i ;
  return 0 ;
}

/* ---- reading */

static char const *variable (struct question const *q, char const *name)
{
  return q->root ? getenv(name) : tool_variable(name) ;
}

static void report (struct question const *q, int warnings)
{
  size_t pos = 0 ;
  enum fault_weight weight ;
  for (char const *line ; (line = faults_next(&q->faults, &pos, &weight)) ; )
    if (weight == FAULT_ERROR) strerr_warn(PROG, ": error: ", line) ;
    else if (warnings) strerr_warnw(line) ;
}

static void read_sources (struct question *q, int warnings)
{
  struct source_options o =
  {
    .profile = variable(q, "S6_RUNTIME_PROFILE"),
    .bundledir = variable(q, "S6_RUNTIME_BUNDLEDIR"),
    .extra = q->args
  } ;
  char const *root = q->root ? q->root : "/" ;
  q->rootfd = o.rootfd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC) ;
  if (q->rootfd < 0) strerr_diefusys(111, "open ", root) ;
  if (source_read(&q->source, &o, &q->faults) < 0) strerr_diefusys(111, "read source definitions") ;
  report(q, warnings) ;
  if (q->faults.errors) strerr_dief(EXIT_INVALID, "there are errors in the source definitions") ;
}

int s6_rc_db_main (int argc, char const *const *argv)
{
  struct question q = { .faults = FAULTS_ZERO } ;
  subgetopt l = SUBGETOPT_ZERO ;
  for (int opt ; (opt = subgetopt_r(argc, argv, "udbl:c:R:", &l)) != -1 ; )
    switch (opt)
    {
      case 'u' : q.down = 0 ; break ;
      case 'd' : q.down = 1 ; break ;
      case 'R' : q.root = l.arg ; break ;
      case 'b' : case 'l' : case 'c' : break ;
      default : strerr_dieusage(100, USAGE) ;
    }
  argc -= l.ind ; argv += l.ind ;
  struct command const *c = find_command(argc, argv) ;
  if (!c) strerr_dieusage(100, USAGE) ;
  q.args = argv + 1 ;
  if (c->run != &do_help) read_sources(&q, c->run == &do_check) ;
  (*c->run)(&q) ;
  if (!buffer_flush(buffer_1)) strerr_diefusys(111, "write to stdout") ;
  return 0 ;
}
