/* ISC license. */

/*
   s6-rc for scripts: what is up, and changes that are waited for. The state is PID 1's: a change
   is a `:` command on the scanner's control fifo, and how far it is lies in the ledger, in the
   graph's words. PID 1 signs its lock file after each step; we look again then.

   There is no live directory and no lock: -l and -b are accepted and mean nothing.
*/

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <skalibs/djbunix.h>
#include <skalibs/sgetopt.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "svscan/graph.h"
#include "svscan/source.h"
#include "control.h"
#include "listen.h"
#include "svscan.h"
#include "svctl.h"
#include "tools.h"

#define USAGE "[ -b ] [ -l live ] [ -a ] [ -u | -d | -D ] [ -E | -e ] [ -p ] [ -v verbosity ] [ -n dryrun ] [ -t timeout ] help|list|listall|change|start|stop [ servicenames... ]"
/* s6-rc's own codes, beside EXIT_DOMAIN for what could not be done. */
#define EXIT_LATE 2
#define EXIT_UNKNOWN 3

struct rc_call
{
  struct call call ;        /* view, names, timeout */
  struct source *source ;
  struct graph *g ;
  int64_t deadline ;
  unsigned int verbosity ;
  unsigned int down : 1 ;
  unsigned int force : 1 ;      /* -D */
  unsigned int active : 1 ;     /* -a */
  unsigned int prune : 1 ;
  unsigned int dryrun : 1 ;
  unsigned int not_essential : 1 ;  /* -e */
} ;

/* ---- sets of nodes, a byte each */

static uint8_t *new_set (struct rc_call const *c)
{
  return svctl_alloc(graph_size(c->g)) ;
}

static int is_atom (struct rc_call const *c, uint32_t n)
{
  return graph_kind_of(c->g, n) != GRAPH_BUNDLE ;
}

static int is_builtin (struct rc_call const *c, uint32_t n)
{
  return graph_kind_of(c->g, n) == GRAPH_BUILTIN ;
}

static struct item const *item_of (struct rc_call const *c, uint32_t n)
{
  return view_find(&c->call.view, graph_name(c->g, n)) ;
}

static enum graph_level level_of (struct rc_call const *c, uint32_t n)
{
  struct item const *it = item_of(c, n) ;
  return it ? (enum graph_level)it->graph_level : GRAPH_IS_DOWN ;
}

/* PID 1's own steps are done when the boot has come past them. */
static int is_active (struct rc_call const *c, uint32_t n)
{
  struct global g ;
  if (!is_builtin(c, n)) return is_atom(c, n) && level_of(c, n) == GRAPH_IS_READY ;
  view_global(&c->call.view, &g) ;
  return g.step >= STEP_WAIT && !g.stop ;
}

static void die_unknown (struct rc_call const *c, char const *name)
{
  uint32_t near[1] ;
  if (graph_near(c->g, name, near, 1))
    strerr_dief(EXIT_UNKNOWN, "there is no service ", name, "; did you mean ", graph_name(c->g, near[0]), "?") ;
  strerr_dief(EXIT_UNKNOWN, "there is no service ", name, "; s6-rc-db list all shows those that there are") ;
}

static uint8_t *selection (struct rc_call const *c)
{
  uint8_t *set = new_set(c) ;
  for (unsigned int i = 0 ; i < c->call.n ; i++)
  {
    uint32_t n = graph_find(c->g, c->call.names[i]) ;
    if (n == GRAPH_NONE) die_unknown(c, c->call.names[i]) ;
    set[n] = 1 ;
  }
  graph_expand(c->g, set) ;
  for (uint32_t n = 0 ; c->active && n < graph_size(c->g) ; n++) if (is_active(c, n)) set[n] = 1 ;
  return set ;
}

static uint8_t *closed (struct rc_call const *c, uint8_t const *of, enum graph_direction direction)
{
  uint8_t *set = new_set(c) ;
  memcpy(set, of, graph_size(c->g)) ;
  graph_close(c->g, set, direction) ;
  return set ;
}

/* ---- list, listall */

static int print (struct rc_call const *c, uint8_t const *set, int inverted)
{
  for (uint32_t n = 0 ; n < graph_size(c->g) ; n++)
  {
    if (!is_atom(c, n) || !!set[n] == inverted) continue ;
    if (c->not_essential && source_service(c->source, n)->essential) continue ;
    tool_put(graph_name(c->g, n)) ;
    tool_put("\n") ;
  }
  tool_flush() ;
  return EXIT_OK ;
}

static int do_list (struct rc_call *c)
{
  return print(c, selection(c), c->down) ;
}

static int do_listall (struct rc_call *c)
{
  return print(c, closed(c, selection(c), c->down ? GRAPH_DOWN : GRAPH_UP), 0) ;
}

/* ---- change: how far */

enum progress { UNDER_WAY, REACHED_IT, FAILED_IT } ;

static enum progress progress (struct rc_call const *c, uint32_t n, int up)
{
  struct item const *it = item_of(c, n) ;
  enum graph_level goal = up ? GRAPH_IS_READY : GRAPH_IS_DOWN ;
  enum graph_want want = up ? GRAPH_WANT_UP : GRAPH_WANT_DOWN ;
  if (level_of(c, n) == goal) return REACHED_IT ;
  return it && it->graph_want == want ? UNDER_WAY : FAILED_IT ;
}

static void put_state (stralloc *sa, struct item const *it)
{
  stralloc last = STRALLOC_ZERO ;
  if (!it)
  {
    text_s(sa, "PID 1 did not take it up; its messages say why") ;
    return ;
  }
  words_state(sa, it) ;
  words_last(&last, it) ;
  if (last.len > 1)
  {
    text_s(sa, ", ") ;
    stralloc_cat(sa, &last) ;
  }
  stralloc_free(&last) ;
}

static void tell (struct rc_call const *c, uint32_t n, char const *what)
{
  stralloc sa = STRALLOC_ZERO ;
  put_state(&sa, item_of(c, n)) ;
  stralloc_0(&sa) ;
  strerr_warnw(what, graph_name(c->g, n), ": ", sa.s) ;
  stralloc_free(&sa) ;
}

/* What is not reached, each in a line. How many. */
static unsigned int tell_rest (struct rc_call const *c, uint8_t const *set, int up)
{
  unsigned int rest = 0 ;
  for (uint32_t n = 0 ; n < graph_size(c->g) ; n++)
  {
    if (!set[n] || !is_atom(c, n) || is_builtin(c, n) || progress(c, n, up) == REACHED_IT) continue ;
    rest++ ;
    if (c->verbosity) tell(c, n, up ? "unable to start service " : "unable to stop service ") ;
  }
  return rest ;
}

static int is_over (struct rc_call *c, uint8_t const *set, int up)
{
  view_read(&c->call.view) ;
  for (uint32_t n = 0 ; n < graph_size(c->g) ; n++)
    if (set[n] && is_atom(c, n) && !is_builtin(c, n) && progress(c, n, up) == UNDER_WAY) return 0 ;
  return 1 ;
}

/* ---- change: orders. A fifo without a byte in it, and PID 1 not at work on what it has read of
   it, means that our orders have been heard. */

static int fifo_is_empty (struct rc_call const *c)
{
  stralloc path = STRALLOC_ZERO ;
  int fd = open(tool_path(&path, c->call.view.dir, SVSCAN_SUB "/control"), O_RDONLY | O_NONBLOCK | O_CLOEXEC), left = 1 ;
  if (fd < 0 || ioctl(fd, FIONREAD, &left) < 0) listen_diefusys(EXIT_SYSTEM, "look into ", path.s) ;
  fd_close(fd) ;
  stralloc_free(&path) ;
  return !left ;
}

static int is_heard (struct rc_call const *c)
{
  struct header const volatile *h = c->call.view.h ;
  return fifo_is_empty(c) && h->inbox.kind != INBOX_SCAN_CONTROL ;
}

static void send_order (struct rc_call const *c, uint32_t n, int up)
{
  stralloc text = STRALLOC_ZERO ;
  text_s(&text, up ? ":u" : ":d") ;
  text_s(&text, graph_name(c->g, n)) ;
  text_s(&text, "\n") ;
  control_send(c->call.view.dir, SVSCAN_SUB, text.s, text.len) ;
  stralloc_free(&text) ;
}

static int on_signature (int i, char const *s, size_t len, void *data)
{
  (void)s ; (void)len ; (void)data ;
  return i == LISTEN_FILES ;
}

/* Until the lock file is signed again; 0: the time is over. */
static int wait_for_step (struct rc_call const *c)
{
  tain deadline ;
  int r ;
  deadline_at(&deadline, c->deadline) ;
  r = listen_wait(&deadline, &on_signature, 0) ;
  if (r == -1) listen_diefusys(EXIT_SYSTEM, "wait for PID 1") ;
  return r ;
}

static void watch (struct rc_call const *c)
{
  static int watching = 0 ;
  stralloc lock = STRALLOC_ZERO ;
  if (watching++) return ;
  if (!listen_start() || !listen_watch(tool_path(&lock, c->call.view.dir, SVSCAN_SUB "/lock"), IN_MODIFY))
    strerr_diefusys(EXIT_SYSTEM, "watch ", lock.s) ;
  stralloc_free(&lock) ;
}

/* A fifo takes so many bytes only: what has been sent is heard before there is more. */
#define AT_ONCE 64

/* What is on its way up is to be stopped too. */
static int is_due (struct rc_call const *c, uint32_t n, int up)
{
  return is_atom(c, n) && !is_builtin(c, n) && level_of(c, n) != (up ? GRAPH_IS_READY : GRAPH_IS_DOWN) ;
}

static int send_orders (struct rc_call const *c, uint8_t const *asked, int up)
{
  unsigned int sent = 0 ;
  for (uint32_t n = 0 ; n < graph_size(c->g) ; n++)
  {
    if (!asked[n] || !is_due(c, n, up)) continue ;
    send_order(c, n, up) ;
    if (++sent % AT_ONCE) continue ;
    while (!is_heard(c)) if (!wait_for_step(c)) return 0 ;
  }
  while (!is_heard(c)) if (!wait_for_step(c)) return 0 ;
  return 1 ;
}

static void tell_plan (struct rc_call const *c, uint8_t const *set, int up)
{
  for (uint32_t n = 0 ; n < graph_size(c->g) ; n++)
  {
    if (!set[n] || !is_due(c, n, up)) continue ;
    tool_put(up ? "start " : "stop ") ;
    tool_put(graph_name(c->g, n)) ;
    tool_put("\n") ;
  }
  tool_flush() ;
}

static void tell_done (struct rc_call const *c, uint8_t const *due, int up)
{
  for (uint32_t n = 0 ; c->verbosity >= 2 && n < graph_size(c->g) ; n++)
    if (due[n] && progress(c, n, up) == REACHED_IT) strerr_warni("service ", graph_name(c->g, n), up ? " started" : " stopped") ;
}

/* Brings the asked ones up or down, with all that they pull along. An exit code. */
static int bring (struct rc_call *c, uint8_t const *asked, int up)
{
  uint8_t *set = closed(c, asked, up ? GRAPH_UP : GRAPH_DOWN), *due = new_set(c) ;
  for (uint32_t n = 0 ; n < graph_size(c->g) ; n++) due[n] = set[n] && is_due(c, n, up) ;
  if (c->dryrun) return tell_plan(c, due, up), EXIT_OK ;
  watch(c) ;
  int in_time = send_orders(c, asked, up) ;
  while (in_time && !is_over(c, set, up)) in_time = wait_for_step(c) ;
  tell_done(c, due, up) ;
  if (!in_time)
  {
    tell_rest(c, set, up) ;
    listen_dief(EXIT_LATE, "timed out") ;
  }
  return tell_rest(c, set, up) ? EXIT_DOMAIN : EXIT_OK ;
}

/* ---- change: what is asked */

/* Essential services stay up unless -D says otherwise. */
static void refuse_essential (struct rc_call const *c, uint8_t const *asked)
{
  uint8_t *set = closed(c, asked, GRAPH_DOWN) ;
  unsigned int refused = 0 ;
  for (uint32_t n = 0 ; n < graph_size(c->g) ; n++)
  {
    if (!set[n] || !is_due(c, n, 0) || !source_service(c->source, n)->essential) continue ;
    strerr_warn(PROG, ": error: service ", graph_name(c->g, n), " is essential, and would be stopped") ;
    refused++ ;
  }
  if (refused) strerr_dief(EXIT_DOMAIN, "nothing was changed: -D stops essential services too") ;
}

/* All others that are up (of DOWN: all others at all). */
static uint8_t *others (struct rc_call const *c, uint8_t const *set, int up)
{
  uint8_t *rest = new_set(c) ;
  for (uint32_t n = 0 ; n < graph_size(c->g) ; n++)
    rest[n] = !set[n] && is_atom(c, n) && !is_builtin(c, n) && (up || is_due(c, n, 0)) ;
  return rest ;
}

static int change_up (struct rc_call *c, uint8_t const *asked)
{
  if (c->prune)
  {
    uint8_t *rest = others(c, closed(c, asked, GRAPH_UP), 0) ;
    int r ;
    if (!c->force) refuse_essential(c, rest) ;
    r = bring(c, rest, 0) ;
    if (r) return r ;
  }
  refuse_while_stopping(&c->call.view) ;
  return bring(c, asked, 1) ;
}

static int change_down (struct rc_call *c, uint8_t const *asked)
{
  int r ;
  if (!c->force) refuse_essential(c, asked) ;
  r = bring(c, asked, 0) ;
  if (r || !c->prune) return r ;
  return bring(c, others(c, closed(c, asked, GRAPH_DOWN), 1), 1) ;
}

static int do_change (struct rc_call *c)
{
  uint8_t *asked = selection(c) ;
  if (!c->call.view.h->dependencies) strerr_dief(EXIT_DOMAIN, "nothing in this container depends on anything: svctl start and svctl stop are for its services") ;
  int r = c->down ? change_down(c, asked) : change_up(c, asked) ;
  listen_end() ;
  return r ;
}

static int do_help (struct rc_call *c)
{
  (void)c ;
  tool_put("s6-rc help\n"
    "s6-rc [ -a ] [ -d ] [ -e ] list [ servicenames... ]\n"
    "s6-rc [ -a ] [ -u | -d ] [ -e ] listall [ servicenames... ]\n"
    "s6-rc [ -a ] [ -u | -d | -D ] [ -p ] [ -v verbosity ] [ -n dryrun ] [ -t timeout ] change [ servicenames... ]\n"
    "s6-rc start is change with -u, s6-rc stop is change with -d\n") ;
  tool_flush() ;
  return EXIT_OK ;
}

/* ---- */

static int do_start (struct rc_call *c)
{
  c->down = 0 ;
  return do_change(c) ;
}

static int do_stop (struct rc_call *c)
{
  c->down = 1 ;
  return do_change(c) ;
}

static struct { char const *name ; int (*run) (struct rc_call *) ; } const commands[] =
{
  { "help", &do_help }, { "list", &do_list }, { "listall", &do_listall }, { "change", &do_change },
  { "start", &do_start }, { "stop", &do_stop }
} ;

static int take_options (struct rc_call *c, int argc, char const *const *argv)
{
  subgetopt l = SUBGETOPT_ZERO ;
  unsigned int ms ;
  for (int o ; (o = subgetopt_r(argc, argv, "bl:audDpEev:n:t:", &l)) != -1 ; ) switch (o)
  {
    case 'b' : case 'l' : break ;
    case 'a' : c->active = 1 ; break ;
    case 'u' : c->down = 0 ; break ;
    case 'D' : c->force = 1 ; c->down = 1 ; break ;
    case 'd' : c->down = 1 ; break ;
    case 'p' : c->prune = 1 ; break ;
    case 'E' : c->not_essential = 0 ; break ;
    case 'e' : c->not_essential = 1 ; break ;
    case 'v' : c->verbosity = tool_uint(l.arg, USAGE) ; break ;
    case 'n' : tool_uint(l.arg, USAGE) ; c->dryrun = 1 ; break ;
    case 't' :
      ms = tool_uint(l.arg, USAGE) ;
      c->deadline = ms ? mono_after(mono_now(), MS(ms)) : NEVER ;
      break ;
    default : tool_dieusage(USAGE) ;
  }
  return l.ind ;
}

static void open_graph (struct rc_call *c)
{
  view_open(&c->call.view, 0, EXIT_DOMAIN) ;
  if (!c->call.view.h) strerr_dief(EXIT_DOMAIN, "the state of services cannot be read: ", c->call.view.why) ;
  view_read(&c->call.view) ;
  c->source = rc_source(&c->call.view, c->call.names, c->call.n) ;
  c->g = &c->source->graph ;
}

int s6_rc_main (int argc, char const *const *argv)
{
  struct rc_call c = { .deadline = NEVER, .verbosity = 1 } ;
  int n = take_options(&c, argc, argv) ;
  argc -= n ; argv += n ;
  if (!argc) tool_dieusage(USAGE) ;
  c.call.names = argv + 1 ;
  c.call.n = (unsigned int)argc - 1 ;
  for (size_t i = 0 ; i < sizeof commands / sizeof commands[0] ; i++)
  {
    if (strcmp(argv[0], commands[i].name)) continue ;
    if (commands[i].run != &do_help) open_graph(&c) ;
    return (*commands[i].run)(&c) ;
  }
  tool_dieusage(USAGE) ;
}
