/* ISC license. */

/*
   Services that depend on each other: PID 1 has the graph (svscan/rc.h) and does what it says.
   A command on the scanner's control fifo asks it for a node; it signs its lock file after
   every step, and we compare what is with what was asked for: the node, the atoms of it if it
   is a bundle, and all that it pulls along. We read the same sources, so we know which these
   are. When nothing of it is under way any more, what is not reached never will be.
*/

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <skalibs/djbunix.h>
#include <skalibs/strerr.h>
#include <skalibs/tai.h>

#include "svscan/graph.h"
#include "svscan/source.h"
#include "control.h"
#include "listen.h"
#include "rc.h"
#include "svscan.h"
#include "svctl.h"
#include "tools.h"
#include "tree.h"

/* Readings of all services before one is taken as it is. */
#define LOOKS 100

/* An atom that the change is about. */
struct aim
{
  struct job job ;
  struct item item ;            /* a copy: the view is read anew at each step */
  uint32_t node ;
  int64_t starts ;              /* when the order was given */
  unsigned int named : 1 ;      /* asked for, not just pulled along */
} ;

struct change
{
  struct call *call ;
  struct graph *g ;
  struct aim *aims ;
  uint32_t n ;
  uint32_t open ;
  uint32_t failed ;
  uint32_t late ;
  int64_t deadline ;
  int up ;
  int heard ;                   /* PID 1 has taken the order */
} ;

/* ---- names */

/* Instances that there are, and those that are asked for. */
static char const *const *instances (struct view const *v, char const *const *names, unsigned int n)
{
  char const **list = svctl_alloc((v->n + n + 1) * sizeof *list) ;
  size_t k = 0 ;
  for (size_t i = 0 ; i < v->n ; i++)
    if (strchr(v->items[i].name, '@') && !strchr(v->items[i].name, '/')) list[k++] = v->items[i].name ;
  for (unsigned int i = 0 ; i < n ; i++) list[k++] = names[i] ;
  return list ;
}

struct source *rc_source (struct view const *v, char const *const *names, unsigned int n)
{
  static struct source source ;
  static int is_read = 0 ;
  struct source_options o =
  {
    .rootfd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
    .profile = tool_variable("S6_RUNTIME_PROFILE"),
    .bundledir = tool_variable("S6_RUNTIME_BUNDLEDIR"),
    .extra = instances(v, names, n),
    .flags = SOURCE_USER_AFTER_BASE
  } ;
  if (!is_read && (o.rootfd < 0 || source_read(&source, &o, 0) < 0)) strerr_diefusys(EXIT_SYSTEM, "read the service definitions") ;
  fd_close(o.rootfd) ;
  is_read = 1 ;
  return &source ;
}

static uint32_t find_node (struct graph const *g, char const *name)
{
  return g ? graph_find(g, name) : GRAPH_NONE ;
}

void rc_split (struct call *c, struct rc_names *names)
{
  unsigned int unknown = 0 ;
  memset(names, 0, sizeof *names) ;
  names->g = c->view.h && c->view.h->dependencies ? &rc_source(&c->view, c->names, c->n)->graph : 0 ;
  names->nodes = svctl_alloc(c->n * sizeof *names->nodes) ;
  names->others = svctl_alloc(c->n * sizeof *names->others) ;
  for (unsigned int i = 0 ; i < c->n ; i++)
  {
    uint32_t node = find_node(names->g, c->names[i]) ;
    if (node != GRAPH_NONE) names->nodes[names->nodes_n++] = node ;
    else if (view_find(&c->view, c->names[i])) names->others[names->others_n++] = c->names[i] ;
    else
    {
      tell_unknown(&c->view, names->g, c->names[i]) ;
      unknown++ ;
    }
  }
  if (unknown) _exit(EXIT_DOMAIN) ;
}

/* ---- how far an atom is */

enum progress { IDLE, UNDER_WAY, REACHED_IT, FAILED_IT } ;

static enum progress oneshot_up (struct item const *it)
{
  static enum progress const table[] =
    { [ONESHOT_DOWN] = IDLE, [ONESHOT_STARTING] = UNDER_WAY, [ONESHOT_UP] = REACHED_IT, [ONESHOT_STOPPING] = UNDER_WAY, [ONESHOT_FAILED] = FAILED_IT } ;
  unsigned int state = it->state - ITEM_ONESHOT ;
  return state < sizeof table / sizeof table[0] ? table[state] : FAILED_IT ;
}

static enum progress run_up (struct change const *c, struct aim const *a)
{
  struct item const *it = &a->item ;
  if (it->stopping) return UNDER_WAY ;
  if (it->notifies) return it->ready ? REACHED_IT : UNDER_WAY ;
  return it->starts == a->starts || it->age >= MS(c->call->settle) ? REACHED_IT : UNDER_WAY ;
}

/* A pause that began before the order says nothing of it. */
static enum progress longrun_up (struct change const *c, struct aim const *a)
{
  struct item const *it = &a->item ;
  switch (it->state)
  {
    case UP : return run_up(c, a) ;
    case STOPPING : case LAST_UP : case FINISH : case LAST_FINISH : return UNDER_WAY ;
    case BACKOFF : return it->starts == a->starts ? UNDER_WAY : FAILED_IT ;
    case FATAL : return FAILED_IT ;
    case DOWN :
      if (it->starts == a->starts) return IDLE ;
      return it->reached ? REACHED_IT : it->died ? FAILED_IT : IDLE ;
    default : return IDLE ;
  }
}

static enum progress progress_up (struct change const *c, struct aim const *a)
{
  if (a->item.slot == NO_SLOT) return IDLE ;
  return item_is_oneshot(&a->item) ? oneshot_up(&a->item) : longrun_up(c, a) ;
}

static enum progress progress_down (struct aim const *a)
{
  struct item const *it = &a->item ;
  if (it->slot == NO_SLOT || item_is_at_rest(it)) return REACHED_IT ;
  if (item_is_oneshot(it))
  {
    enum progress up = oneshot_up(it) ;
    return up == REACHED_IT ? IDLE : up == UNDER_WAY ? UNDER_WAY : REACHED_IT ;
  }
  return it->wanted && !it->stopping ? IDLE : UNDER_WAY ;
}

static enum progress progress_of (struct change const *c, struct aim const *a)
{
  return c->up ? progress_up(c, a) : progress_down(a) ;
}

/* ---- results */

/* Aims that have failed and without which this one cannot be: their names; how many. */
static unsigned int put_causes (stralloc *sa, struct change const *c, struct aim const *a)
{
  uint8_t *set = svctl_alloc(graph_size(c->g)) ;
  unsigned int n = 0 ;
  set[a->node] = 1 ;
  graph_close(c->g, set, c->up ? GRAPH_UP : GRAPH_DOWN) ;
  for (uint32_t i = 0 ; i < c->n ; i++)
  {
    struct aim const *other = c->aims + i ;
    if (!set[other->node] || other->job.phase != JOB_FAILED || other == a) continue ;
    text_s(sa, n++ ? ", " : "") ;
    text_shown(sa, other->item.name) ;
  }
  free(set) ;
  return n ;
}

static void tell_never (struct change const *c, struct aim const *a, stralloc const *causes)
{
  stralloc line = STRALLOC_ZERO ;
  text_shown(&line, a->item.name) ;
  text_s(&line, c->up ? ": not started: " : ": not stopped: ") ;
  if (causes->len)
  {
    stralloc_cat(&line, causes) ;
    text_s(&line, c->up ? " failed\n" : " did not stop\n") ;
  }
  else text_s(&line, "PID 1 did not take it up; its messages say why\n") ;
  text_flush(&line) ;
  stralloc_free(&line) ;
}

static void close_aim (struct change *c, struct aim *a, enum job_phase phase)
{
  a->job.phase = phase ;
  c->failed += phase == JOB_FAILED ;
  c->open-- ;
}

/* What was as it should be and is only pulled along is not worth a line. */
static void conclude (struct change *c, struct aim *a, enum job_phase phase)
{
  close_aim(c, a, phase) ;
  if (a->named || !a->job.idle) job_tell(c->call, &a->job) ;
}

static void look (struct change *c)
{
  view_read(&c->call->view) ;
  for (uint32_t i = 0 ; i < c->n ; i++)
  {
    struct aim *a = c->aims + i ;
    struct item const *it = view_find(&c->call->view, graph_name(c->g, a->node)) ;
    if (!job_is_open(&a->job)) continue ;
    if (it) a->item = *it ;
    else a->item = (struct item){ .slot = NO_SLOT, .state = DOWN, .death_age = UNKNOWN, .ready_after = UNKNOWN } ;
    a->item.name = graph_name(c->g, a->node) ;
  }
}

static int is_booting (struct change const *c)
{
  struct global g ;
  view_global(&c->call->view, &g) ;
  return g.step != STEP_RUNNING ;
}

/* What tells one moment of PID 1 from another. */
struct moment { uint32_t event, record ; int idle ; } ;

/* An event whose consequences are not all carried out makes a service look idle that is just
   about to be started. */
static struct moment moment_of (struct change const *c)
{
  struct header const volatile *h = c->call->view.h ;
  struct moment m = { .idle = 0 } ;
  if (!h) return m ;
  m.event = h->inbox.seq ;
  m.record = h->serial ;
  m.idle = h->inbox.kind == INBOX_EMPTY && h->work_slot == NO_SLOT ;
  return m ;
}

/* Services are read one after the other: if something has happened meanwhile, one that was read
   late may seem to be ahead of one that was read early. So they are read again, unless PID 1 has
   something to do at every moment. 1: all of it is of one moment, and nothing was under way. */
static int look_at_once (struct change *c)
{
  struct moment before, after ;
  unsigned int n = 0 ;
  do
  {
    before = moment_of(c) ;
    look(c) ;
    after = moment_of(c) ;
  }
  while ((before.event != after.event || before.record != after.record) && ++n < LOOKS) ;
  return n < LOOKS && before.idle && after.idle ;
}

/* What is reached or has failed; the number of aims that move. */
static uint32_t judge_each (struct change *c)
{
  uint32_t moving = 0 ;
  for (uint32_t i = 0 ; i < c->n ; i++)
  {
    struct aim *a = c->aims + i ;
    enum progress p = progress_of(c, a) ;
    if (p == UNDER_WAY) moving++ ;
    if (!job_is_open(&a->job)) continue ;
    if (p == REACHED_IT) conclude(c, a, JOB_DONE) ;
    else if (p == FAILED_IT) conclude(c, a, JOB_FAILED) ;
  }
  return moving ;
}

/* It went down by its own wish in an earlier life, and PID 1 is content with that. */
static int is_content (struct item const *it)
{
  return it->state == DOWN && it->reached ;
}

/* What never will be reached: for want of something that has failed, or (STILL) because nothing
   moves any more. */
static void judge_idle (struct change *c, int still)
{
  stralloc causes = STRALLOC_ZERO ;
  for (uint32_t i = 0 ; i < c->n ; i++)
  {
    struct aim *a = c->aims + i ;
    if (!job_is_open(&a->job) || progress_of(c, a) != IDLE) continue ;
    if (still && c->up && is_content(&a->item))
    {
      conclude(c, a, JOB_DONE) ;
      continue ;
    }
    causes.len = 0 ;
    if (!put_causes(&causes, c, a) && !still) continue ;
    close_aim(c, a, JOB_FAILED) ;
    tell_never(c, a, &causes) ;
  }
  stralloc_free(&causes) ;
}

static void judge (struct change *c)
{
  int still = look_at_once(c) ;
  judge_idle(c, !judge_each(c) && still && !is_booting(c)) ;
}

/* ---- the order */

/* In the order in which PID 1 does it, so that results come in that order too. */
static void add_aims (struct change *c, uint8_t const *named, uint8_t const *pulled)
{
  uint32_t size = graph_size(c->g) ;
  c->aims = svctl_alloc(size * sizeof *c->aims) ;
  for (uint32_t i = 0 ; i < size ; i++)
  {
    uint32_t n = c->g->order[c->up ? i : size - 1 - i] ;
    enum graph_kind kind = graph_kind_of(c->g, n) ;
    struct aim *a = c->aims + c->n ;
    if (!pulled[n] || (kind != GRAPH_LONGRUN && kind != GRAPH_ONESHOT)) continue ;
    a->node = n ;
    a->named = named[n] ;
    a->job.item = &a->item ;
    a->job.goal = c->up ? GOAL_UP : GOAL_DOWN ;
    a->job.phase = c->up ? JOB_COMING_UP : JOB_GOING_DOWN ;
    c->n++ ;
  }
  c->open = c->n ;
}

static void find_aims (struct change *c, struct rc_names const *names)
{
  uint8_t *named = svctl_alloc(graph_size(c->g)), *pulled = svctl_alloc(graph_size(c->g)) ;
  for (unsigned int i = 0 ; i < names->nodes_n ; i++) named[names->nodes[i]] = pulled[names->nodes[i]] = 1 ;
  graph_expand(c->g, named) ;
  if (!c->up) graph_expand(c->g, pulled) ;
  graph_close(c->g, pulled, c->up ? GRAPH_UP : GRAPH_DOWN) ;
  add_aims(c, named, pulled) ;
  free(named) ;
  free(pulled) ;
}

/* Where everything stands when the order is given. */
static void begin (struct change *c)
{
  look(c) ;
  for (uint32_t i = 0 ; i < c->n ; i++)
  {
    struct aim *a = c->aims + i ;
    a->starts = a->item.starts ;
    a->job.since = mono_now() ;
    a->job.idle = progress_of(c, a) == REACHED_IT ;
  }
}

/* One that pauses between two starts has all it depends on: it starts at once. */
static void hurry (struct change *c)
{
  stralloc path = STRALLOC_ZERO ;
  for (uint32_t i = 0 ; c->up && i < c->n ; i++)
    if (c->aims[i].named && c->aims[i].item.state == BACKOFF)
      control_write(tool_path(&path, c->call->view.dir, c->aims[i].item.name), SUPERVISE_SUB, "u", 1) ;
  stralloc_free(&path) ;
}

static void send_orders (struct change *c, struct rc_names const *names)
{
  stralloc text = STRALLOC_ZERO ;
  for (unsigned int i = 0 ; i < names->nodes_n ; i++)
  {
    char const *name = graph_name(c->g, names->nodes[i]) ;
    text.len = 0 ;
    text_s(&text, c->up ? ":u" : ":d") ;
    text_s(&text, name) ;
    text_s(&text, "\n") ;
    control_send(c->call->view.dir, SVSCAN_SUB, text.s, text.len) ;
    if (c->call->nowait) tell_asked(name) ;
  }
  stralloc_free(&text) ;
}

/* ---- waiting */

static int on_step (int i, char const *s, size_t len, void *data)
{
  (void)s ; (void)len ; (void)data ;
  return i == LISTEN_FILES ;
}

/* A service without readiness that is young is reached when it is older. */
static int64_t next_look (struct change const *c)
{
  int64_t next = c->deadline, now = mono_now() ;
  for (uint32_t i = 0 ; c->up && i < c->n ; i++)
  {
    struct item const *it = &c->aims[i].item ;
    if (!job_is_open(&c->aims[i].job) || it->state != UP || it->notifies || it->age == UNKNOWN) continue ;
    if (now + MS(c->call->settle) - it->age < next) next = now + MS(c->call->settle) - it->age ;
  }
  return next ;
}

static void tell_late (struct change *c)
{
  for (uint32_t i = 0 ; i < c->n ; i++)
  {
    struct aim *a = c->aims + i ;
    if (!job_is_open(&a->job)) continue ;
    if (item_is_up(&a->item) && c->up) a->job.phase = JOB_UP ;
    job_tell(c->call, &a->job) ;
    c->late++ ;
  }
}

static void watch (struct change const *c)
{
  stralloc lock = STRALLOC_ZERO ;
  if (!listen_start() || !listen_watch(tool_path(&lock, c->call->view.dir, SVSCAN_SUB "/lock"), IN_MODIFY))
    strerr_diefusys(EXIT_SYSTEM, "watch ", lock.s) ;
  stralloc_free(&lock) ;
}

static void wait_for_all (struct change *c)
{
  while (c->open)
  {
    tain deadline ;
    deadline_at(&deadline, next_look(c)) ;
    switch (listen_wait(&deadline, &on_step, 0))
    {
      case -1 : listen_diefusys(EXIT_SYSTEM, "wait for events") ;
      case 1 : c->heard = 1 ; break ;
      default : break ;
    }
    if (c->heard) judge(c) ;
    if (c->open && c->deadline <= mono_now())
    {
      tell_late(c) ;
      return ;
    }
  }
}

int rc_change_all (struct call *call, struct rc_names const *names, int up)
{
  struct change c = { .call = call, .g = names->g, .up = up } ;
  c.deadline = call->timeout ? mono_after(mono_now(), MS(call->timeout)) : NEVER ;
  if (up) refuse_while_stopping(&call->view) ;
  find_aims(&c, names) ;
  if (!call->nowait) watch(&c) ;
  begin(&c) ;
  hurry(&c) ;
  send_orders(&c, names) ;
  if (!call->nowait) wait_for_all(&c) ;
  return c.late ? EXIT_TIMEOUT : c.failed ? EXIT_DOMAIN : EXIT_OK ;
}

/* ---- tree */

struct notes { struct view const *view ; struct graph const *g ; } ;

static char const *note (void *data, uint32_t node)
{
  struct notes const *n = data ;
  struct item const *it = view_find(n->view, graph_name(n->g, node)) ;
  if (!it) return 0 ;
  return it->state == UP && it->notifies && !it->ready ? "not ready" : item_state_name(it) ;
}

int svctl_tree (struct call *c)
{
  stralloc page = STRALLOC_ZERO ;
  struct notes notes = { .view = &c->view } ;
  struct tree_options o = { .reverse = c->reverse, .note = &note, .data = &notes } ;
  char const *name = c->n ? c->names[0] : 0 ;
  view_read(&c->view) ;
  notes.g = &rc_source(&c->view, c->names, c->n)->graph ;
  if ((c->dot ? &tree_dot : &tree_print)(notes.g, name, &o, &page))
  {
    text_flush(&page) ;
    return EXIT_OK ;
  }
  if (errno != ENOENT) strerr_diefusys(EXIT_SYSTEM, "draw the graph") ;
  tell_unknown(&c->view, notes.g, name) ;
  return EXIT_DOMAIN ;
}
