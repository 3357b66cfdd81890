/* ISC license. */

/* The graph over the slots: see rc.h. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <skalibs/direntry.h>

#include "rc.h"
#include "source.h"
#include "svscan.h"

#define RETRY MS(100)

static struct
{
  struct source source ;
  uint32_t n ;              /* nodes; 0: no graph */
  uint32_t *slot ;          /* of a node, or NO_SLOT */
  uint32_t *node ;          /* of a slot, or GRAPH_NONE; for ledger->room slots */
  uint32_t room ;
  uint32_t *victims ;       /* scratch for graph_fail */
  uint32_t *again ;         /* of a node: 1 when it waits to be tried again, see retry.c */
  uint32_t top ;
}
rc ;

#define GRAPH (&rc.source.graph)

/* ---- reading */

static int read_sources (struct faults *f)
{
  static char profile[128], bundledir[512] ;
  struct source_options o = { .rootfd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), .extra = 0 } ;
  int r ;
  if (o.rootfd < 0) return -1 ;
  o.profile = conf_text("S6_RUNTIME_PROFILE", profile, sizeof profile) ;
  o.bundledir = conf_text("S6_RUNTIME_BUNDLEDIR", bundledir, sizeof bundledir) ;
  o.flags = SOURCE_USER_AFTER_BASE | (conf_uint("S6_CMD_WAIT_FOR_SERVICES", 0, 1) ? SOURCE_WAIT_READY : 0) ;
  r = source_read(&rc.source, &o, f) ;
  close(o.rootfd) ;
  return r ;
}

static void tell (struct faults const *f)
{
  enum fault_weight weight ;
  size_t pos = 0 ;
  char const *line ;
  while ((line = faults_next(f, &pos, &weight))) say(weight == FAULT_ERROR ? SAY_ERROR : SAY_WARNING, line) ;
}

static int is_s6rc (uint32_t n)
{
  uint8_t origin = source_service(&rc.source, n)->origin ;
  return origin == SOURCE_S6RC || origin == SOURCE_BUNDLEDIR || origin == SOURCE_PACKAGE ;
}

static int is_atom (uint32_t n)
{
  enum graph_kind kind = graph_kind_of(GRAPH, n) ;
  return kind == GRAPH_LONGRUN || kind == GRAPH_ONESHOT ;
}

uint32_t rc_check (void)
{
  struct faults f = FAULTS_ZERO ;
  uint32_t errors ;
  if (read_sources(&f) < 0)
  {
    say_sys(SAY_ERROR, errno, "unable to read the service definitions") ;
    faults_add(&f, FAULT_ERROR, "unreadable") ;
  }
  else tell(&f) ;
  errors = f.errors ;
  faults_free(&f) ;
  source_free(&rc.source) ;
  return errors ;
}

/* ---- nodes and slots */

static void *array (uint32_t n, uint32_t value)
{
  uint32_t *p = malloc((n ? n : 1) * sizeof *p) ;
  for (uint32_t i = 0 ; p && i < n ; i++) p[i] = value ;
  return p ;
}

/* They were read without errors before: what is wrong now may be gone at a second look. */
static int load (void)
{
  struct faults f = FAULTS_ZERO ;
  int r = read_sources(&f) ;
  if (r < 0 || f.errors)
  {
    faults_free(&f) ;
    source_free(&rc.source) ;
    r = read_sources(&f) ;
  }
  tell(&f) ;
  faults_free(&f) ;
  if (r < 0) return -1 ;
  rc.n = graph_size(GRAPH) ;
  rc.slot = array(rc.n, NO_SLOT) ;
  rc.victims = array(rc.n, 0) ;
  rc.again = array(rc.n, 0) ;
  rc.top = graph_find(GRAPH, "top") ;
  return rc.slot && rc.victims && rc.again ? 0 : -1 ;
}

/* The table of slots may have grown. */
static int know_slots (void)
{
  uint32_t *p ;
  if (rc.room >= ledger->room) return 0 ;
  p = realloc(rc.node, ledger->room * sizeof *p) ;
  if (!p) return -1 ;
  for (uint32_t i = rc.room ; i < ledger->room ; i++) p[i] = GRAPH_NONE ;
  rc.node = p ;
  rc.room = ledger->room ;
  return 0 ;
}

static void bind (uint32_t n, uint32_t i)
{
  if (i == NO_SLOT || know_slots() < 0) return ;
  rc.slot[n] = i ;
  rc.node[i] = n ;
}

static uint32_t node_of (uint32_t i)
{
  return rc.n && i < rc.room ? rc.node[i] : GRAPH_NONE ;
}

static void bind_all (void)
{
  for (uint32_t i = 0 ; i < ledger->slots ; i++)
  {
    uint32_t n = slot_at(i)->used ? graph_find(GRAPH, slot_at(i)->name) : GRAPH_NONE ;
    if (n != GRAPH_NONE && is_atom(n)) bind(n, i) ;
  }
}

int rc_knows (char const *name)
{
  uint32_t n = rc.n ? graph_find(GRAPH, name) : GRAPH_NONE ;
  return n != GRAPH_NONE && is_atom(n) ;
}

/* ---- levels: what a slot does, in the graph's words */

static enum graph_level level_oneshot (uint32_t i)
{
  static uint8_t const levels[] = { GRAPH_IS_DOWN, GRAPH_IS_STARTING, GRAPH_IS_READY, GRAPH_IS_STOPPING, GRAPH_IS_DOWN } ;
  return (enum graph_level)levels[oneshot_state(i)] ;
}

static enum graph_level level_longrun (uint32_t i)
{
  struct slot_state const *c = slot_now(slot_at(i)) ;
  int wanted = c->flags & WANT_UP ;
  switch ((enum service_state)c->state)
  {
    case UP : case STOPPING : case LAST_UP :
      if (!wanted && (c->flags & STOP_SENT || c->state == STOPPING || global_now()->stop)) return GRAPH_IS_STOPPING ;
      return c->settings.notification_fd < 0 || c->flags & (IS_READY | REACHED) ? GRAPH_IS_READY : GRAPH_IS_STARTED ;
    case FINISH : case LAST_FINISH :
      if (!wanted && !(c->flags & REACHED)) return GRAPH_IS_STOPPING ;
      return c->settings.notification_fd < 0 || c->flags & REACHED ? GRAPH_IS_READY : GRAPH_IS_STARTED ;
    case BACKOFF :
      return c->settings.notification_fd < 0 || c->flags & REACHED ? GRAPH_IS_READY : GRAPH_IS_STARTED ;
    case DOWN : return c->flags & REACHED && !(c->flags & FOR_GOOD) ? GRAPH_IS_READY : GRAPH_IS_DOWN ;
    default : return GRAPH_IS_DOWN ;
  }
}

static enum graph_level level_of (uint32_t i)
{
  return slot_at(i)->kind == SLOT_ONESHOT ? level_oneshot(i) : level_longrun(i) ;
}

/* ---- failure: named, and what cannot start because of it */

static void fail (uint32_t n, char const *why)
{
  char const *name = graph_name(GRAPH, n) ;
  uint32_t victims = graph_fail(GRAPH, n, rc.victims) ;
  char list[512] ;
  size_t len = 0 ;
  list[0] = 0 ;
  for (uint32_t k = 0 ; k < victims ; k++)
  {
    char const *victim = graph_name(GRAPH, rc.victims[k]) ;
    if (len + strlen(victim) + 8 > sizeof list)
    {
      strcpy(list + len, ", …") ;
      break ;
    }
    len += strlen(strcpy(list + len, len ? ", " : "")) ;
    len += strlen(strcpy(list + len, victim)) ;
  }
  say(SAY_ERROR, graph_kind_of(GRAPH, n) == GRAPH_ONESHOT ? "oneshot " : "service ", name, " failed: ", why,
    victims ? "; not started because of it: " : "", list) ;
}

/* S6_BEHAVIOUR_IF_STAGE2_FAILS decides about a failure during the boot. */
static void judge (uint32_t n, char const *why)
{
  fail(n, why) ;
  if (global_now()->stop || global_now()->step > STEP_WAIT) return ;
  if (conf_uint("S6_BEHAVIOUR_IF_STAGE2_FAILS", 0, 2) == 2) stop_request(CAUSE_STAGE2, 1, rc.slot[n], 0) ;
}

/* ---- times of a change */

static void arm (uint32_t i, uint32_t ms)
{
  slot_at(i)->change_deadline = ms ? mono_after(mono_now(), MS(ms)) : NEVER ;
  timer_set(TIMER_CHANGE_OF(i), slot_at(i)->change_deadline) ;
}

static void disarm (uint32_t i)
{
  slot_at(i)->change_deadline = NEVER ;
  timer_set(TIMER_CHANGE_OF(i), NEVER) ;
}

/* ---- doing what the graph says */

static char const *file_of (uint32_t n, enum source_file file)
{
  static char path[PATH_MAX] ;
  size_t len = strlen(graph_file(GRAPH, n)) ;
  memcpy(path, graph_file(GRAPH, n), len) ;
  path[len++] = '/' ;
  strcpy(path + len, source_files[file]) ;
  return path ;
}

/* 1: nothing to run. A file that cannot be looked at is run, and the error is execlineb's. */
static int is_empty (uint32_t n, enum source_file file)
{
  int fd, r ;
  if (!source_has(&rc.source, n, file)) return 1 ;
  fd = open(file_of(n, file), O_RDONLY | O_NONBLOCK | O_CLOEXEC) ;
  if (fd < 0) return 0 ;
  r = source_oneshot_is_empty(fd) == 1 ;
  close(fd) ;
  return r ;
}

static char const *servicedirs (void)
{
  static char path[sizeof ledger->rundir + 32] ;
  strcpy(path, ledger->rundir) ;
  strcat(path, "/s6-rc") ;
  if (mkdir(path, 0755) < 0 && errno != EEXIST) say_sys(SAY_ERROR, errno, "unable to make ", path) ;
  strcat(path, "/servicedirs") ;
  if (mkdir(path, 0755) < 0 && errno != EEXIST) say_sys(SAY_ERROR, errno, "unable to make ", path) ;
  return path ;
}

/* The slot of an atom, made when it is first needed. */
static uint32_t slot_for (uint32_t n)
{
  char const *name = graph_name(GRAPH, n) ;
  uint32_t i = rc.slot[n] ;
  /* one that has not begun was taken up by halves: its logger's turn had not come */
  if (i != NO_SLOT && (slot_at(i)->kind == SLOT_ONESHOT || slot_now(slot_at(i))->cause != WHY_NONE)) return i ;
  if (graph_kind_of(GRAPH, n) == GRAPH_ONESHOT)
  {
    i = oneshot_add(name) ;
    if (i == NO_SLOT) retry_later(errno) ;
  }
  else if (!is_s6rc(n) || layout_definition(graph_file(GRAPH, n), servicedirs(), name) == 0) i = scan_take_up(name) ;
  bind(n, i) ;
  return i ;
}

static void join (uint32_t n)
{
  uint32_t consumer = source_service(&rc.source, n)->consumer, i, l ;
  if (consumer == GRAPH_NONE) return ;
  i = slot_for(n) ;
  l = slot_for(consumer) ;
  if (i != NO_SLOT && l != NO_SLOT && slot_at(i)->logger == NO_SLOT && scan_join(i, l) < 0) retry_later(errno) ;
}

/* No process could be made: its state says what is to be run, the timer when it is tried again. */
static void oneshot_again (uint32_t i)
{
  static int told = 0 ;
  if (!told++) say_sys(SAY_WARNING, errno, "unable to make a process for oneshot ", slot_at(i)->name, ", trying again") ;
  slot_at(i)->change_deadline = mono_after(mono_now(), RETRY) ;
  timer_set(TIMER_CHANGE_OF(i), slot_at(i)->change_deadline) ;
}

static void start_oneshot (uint32_t n, uint32_t i)
{
  if (oneshot_start(i, file_of(n, SOURCE_UP), is_empty(n, SOURCE_UP)) < 0) oneshot_again(i) ;
  else if (oneshot_state(i) == ONESHOT_STARTING) arm(i, source_service(&rc.source, n)->timeout_up) ;
  graph_set_level(GRAPH, n, level_of(i)) ;
}

/* A `down` file in /etc/services.d counts as reached: it is as it should be. */
static void start_longrun (uint32_t n, uint32_t i)
{
  struct slot_state const *c = slot_now(slot_at(i)) ;
  graph_set_level(GRAPH, n, GRAPH_IS_STARTING) ;
  if (c->state == DOWN && c->settings.flags & IS_DOWN && c->cause == WHY_BEGIN && !is_s6rc(n) && !(c->flags & WANT_UP))
  {
    graph_set_level(GRAPH, n, GRAPH_IS_READY) ;
    return ;
  }
  arm(i, source_service(&rc.source, n)->timeout_up) ;
  service_event(i, c->state == WAITING ? EV_GO : EV_u, 0) ;
}

static void start (uint32_t n)
{
  uint32_t i ;
  if (!is_atom(n))
  {
    graph_set_level(GRAPH, n, GRAPH_IS_READY) ;
    return ;
  }
  i = slot_for(n) ;
  if (i == NO_SLOT && retry_is_due())
  {
    rc.again[n] = 1 ;
    graph_set_level(GRAPH, n, GRAPH_IS_STARTING) ;
  }
  else if (i == NO_SLOT) judge(n, "it has no place to run in") ;
  else if (slot_at(i)->kind == SLOT_ONESHOT) start_oneshot(n, i) ;
  else start_longrun(n, i) ;
}

static void stop_oneshot (uint32_t n, uint32_t i)
{
  if (oneshot_state(i) == ONESHOT_STARTING && slot_at(i)->run_pid <= 0)
  {
    /* it has not even begun */
    disarm(i) ;
    oneshot_fail(i, 0) ;
    graph_set_level(GRAPH, n, level_of(i)) ;
    return ;
  }
  if (oneshot_state(i) == ONESHOT_STARTING)
  {
    /* its end decides: see rc_oneshot_ended() */
    graph_set_level(GRAPH, n, GRAPH_IS_STOPPING) ;
    oneshot_signal(i, SIGTERM) ;
    oneshot_signal(i, SIGCONT) ;
    return ;
  }
  if (oneshot_stop(i, file_of(n, SOURCE_DOWN), is_empty(n, SOURCE_DOWN)) < 0) oneshot_again(i) ;
  else if (oneshot_state(i) == ONESHOT_STOPPING) arm(i, source_service(&rc.source, n)->timeout_down) ;
  graph_set_level(GRAPH, n, level_of(i)) ;
}

static void stop_longrun (uint32_t n, uint32_t i)
{
  graph_set_level(GRAPH, n, GRAPH_IS_STOPPING) ;
  arm(i, source_service(&rc.source, n)->timeout_down) ;
  if (global_now()->stop) stop_halt_service(i) ;
  else service_event(i, EV_d, 0) ;
  graph_set_level(GRAPH, n, state_is_live((enum service_state)slot_now(slot_at(i))->state) ? GRAPH_IS_STOPPING : GRAPH_IS_DOWN) ;
}

static void stop (uint32_t n)
{
  uint32_t i = is_atom(n) ? rc.slot[n] : NO_SLOT ;
  if (i == NO_SLOT || !slot_at(i)->used) graph_set_level(GRAPH, n, GRAPH_IS_DOWN) ;
  else if (slot_at(i)->kind == SLOT_ONESHOT) stop_oneshot(n, i) ;
  else stop_longrun(n, i) ;
}

/* What an event of a slot has made possible. An action may change slots and so come back here:
   then only the levels are set, and the loop that runs goes on with them. */
static void advance (void)
{
  static int inside = 0 ;
  enum graph_action action ;
  uint32_t n ;
  if (inside || !rc.n) return ;
  inside = 1 ;
  while ((action = graph_next(GRAPH, &n)))
    if (action == GRAPH_START) start(n) ;
    else stop(n) ;
  inside = 0 ;
  if (global_now()->stop)
  {
    stop_advance() ;
    return ;
  }
  if (global_now()->step != STEP_WAIT) control_tell() ;
  boot_service_changed() ;
}

void rc_go_on (void)
{
  advance() ;
}

/* The scan takes up what has been laid out meanwhile; then each that waited is started. */
void rc_retry (void)
{
  if (!rc.n) return ;
  scan_all() ;
  bind_all() ;
  for (uint32_t n = 0 ; n < rc.n ; n++)
  {
    if (!rc.again[n]) continue ;
    rc.again[n] = 0 ;
    join(n) ;
    start(n) ;
  }
  advance() ;
}

/* ---- what slots report */

static int has_failed (uint32_t i)
{
  struct slot_state const *c = slot_now(slot_at(i)) ;
  return c->state == FATAL || (c->state == DOWN && c->cause == WHY_POLICY && !(c->flags & REACHED) && exitcode_of(c->wstat)) ;
}

void rc_service_changed (uint32_t i)
{
  uint32_t n = node_of(i) ;
  enum graph_level level ;
  if (n == GRAPH_NONE) return ;
  level = level_of(i) ;
  if (level == GRAPH_IS_READY || level == GRAPH_IS_DOWN) disarm(i) ;
  if (level == GRAPH_IS_DOWN && slot_now(slot_at(i))->state != WAITING)
  {
    if (has_failed(i) && !global_now()->stop) judge(n, why_text((enum why)slot_now(slot_at(i))->cause)) ;
    else graph_set_want(GRAPH, n, GRAPH_WANT_NOTHING) ;  /* taken down by hand, or while the container stops: it stays so */
  }
  graph_set_level(GRAPH, n, level) ;
  advance() ;
}

/* An `up` that a stop has cut short, but that ended well, has its `down` run. */
void rc_oneshot_ended (uint32_t i, pid_t pid, int32_t wstat)
{
  uint32_t n = node_of(i) ;
  int was_up = oneshot_ended(i, pid, wstat) ;
  disarm(i) ;
  if (n == GRAPH_NONE) return ;
  graph_set_level(GRAPH, n, level_of(i)) ;
  if (was_up && oneshot_state(i) == ONESHOT_FAILED && !global_now()->stop) judge(n, WSTAT(wstat)) ;
  else if (exitcode_of(wstat)) say(SAY_WARNING, was_up ? "up" : "down", " of oneshot ", slot_at(i)->name, " ", WSTAT(wstat)) ;
  advance() ;
}

/* timeout-up, timeout-down, or a fork to be tried again. */
void rc_timeout (uint32_t i)
{
  uint32_t n = node_of(i) ;
  slot_at(i)->change_deadline = NEVER ;
  if (n == GRAPH_NONE) return ;
  if (slot_at(i)->kind == SLOT_ONESHOT)
  {
    if (oneshot_state(i) == ONESHOT_STARTING && slot_at(i)->run_pid <= 0) start_oneshot(n, i) ;
    else if (oneshot_state(i) == ONESHOT_STOPPING && slot_at(i)->finish_pid <= 0) stop_oneshot(n, i) ;
    else
    {
      say(SAY_ERROR, "oneshot ", slot_at(i)->name, ": its time is over (", oneshot_state(i) == ONESHOT_STOPPING ? "timeout-down" : "timeout-up", "): killed") ;
      oneshot_signal(i, SIGKILL) ;
    }
  }
  else if (level_of(i) == GRAPH_IS_STOPPING || global_now()->stop)
  {
    say(SAY_ERROR, "service ", slot_at(i)->name, " is not down in time (timeout-down): what it depends on is stopped all the same") ;
    graph_set_level(GRAPH, n, GRAPH_IS_DOWN) ;
  }
  else if (level_of(i) != GRAPH_IS_READY) judge(n, "it was not ready in time (timeout-up)") ;
  advance() ;
}

/* ---- the boot */

/* After an open that failed: what is there but cannot be looked at counts, so that the reader says why. */
static int is_there (void)
{
  return errno != ENOENT && errno != ENOTDIR ;
}

static int defines_something (char const *path)
{
  DIR *dir = opendir(path) ;
  direntry *d ;
  int found = 0 ;
  if (!dir) return is_there() ;
  while (!found && (d = readdir(dir)))
    found = d->d_name[0] != '.' && strcmp(d->d_name, "user") && strcmp(d->d_name, "user2") ;
  closedir(dir) ;
  return found ;
}

static int has_dependencies (char const *path)
{
  DIR *dir = opendir(path) ;
  direntry *d ;
  int found = 0 ;
  if (!dir) return is_there() ;
  while (!found && (d = readdir(dir)))
  {
    char sub[NAME_MAX + 32] ;
    if (d->d_name[0] == '.') continue ;
    strcpy(sub, d->d_name) ;
    strcat(sub, "/dependencies.d") ;
    found = faccessat(dirfd(dir), sub, F_OK, 0) == 0 ;
  }
  closedir(dir) ;
  return found ;
}

int rc_has_definitions (void)
{
  return defines_something(conf_path("/etc/s6-overlay/s6-rc.d")) ;
}

int rc_wanted (void)
{
  char bundledir[512] ;
  char const *dir = conf_text("S6_RUNTIME_BUNDLEDIR", bundledir, sizeof bundledir) ;
  return rc_has_definitions() || has_dependencies(conf_path("/etc/services.d"))
    || defines_something(dir ? dir : conf_path("/etc/s6-overlay/user-bundles.d")) ;
}

static void builtins_are_there (void)
{
  static char const *const done[] = { "s6rc-oneshot-runner", "s6rc-fdholder", "fix-attrs", "legacy-cont-init" } ;
  for (size_t k = 0 ; k < sizeof done / sizeof done[0] ; k++)
  {
    uint32_t n = graph_find(GRAPH, done[k]) ;
    if (n != GRAPH_NONE) graph_set_level(GRAPH, n, GRAPH_IS_READY) ;
  }
}

/* The set of nodes that `top` pulls in, to be freed by the caller. */
static uint8_t *boot_set (void)
{
  uint8_t *set = calloc(rc.n ? rc.n : 1, 1) ;
  if (!set || rc.top == GRAPH_NONE) return set ;
  set[rc.top] = 1 ;
  graph_close(GRAPH, set, GRAPH_UP) ;
  return set ;
}

static void lay_out_wanted (uint8_t const *set)
{
  for (uint32_t n = 0 ; n < rc.n ; n++)
    if (set[n] && graph_kind_of(GRAPH, n) == GRAPH_LONGRUN && is_s6rc(n) && !graph_broken(GRAPH, n)
     && layout_definition(graph_file(GRAPH, n), servicedirs(), graph_name(GRAPH, n)) < 0 && !retry_is_due())
      judge(n, "its directory could not be laid out") ;
}

static void take_up_wanted (uint8_t const *set)
{
  scan_all() ;
  bind_all() ;
  for (uint32_t n = 0 ; n < rc.n ; n++)
    if (set[n] && is_atom(n)) join(n) ;
  for (uint32_t n = 0 ; n < rc.n ; n++)
    if (set[n] && graph_kind_of(GRAPH, n) == GRAPH_ONESHOT) slot_for(n) ;
}

void rc_begin (void)
{
  uint8_t *set ;
  if ((!rc.n && load() < 0) || !(set = boot_set()))
  {
    say_sys(SAY_ERROR, errno, "unable to read the service definitions: only /etc/services.d is started") ;
    rc.n = 0 ;
    scan_all() ;
    return ;
  }
  ledger->dependencies = 1 ;
  lay_out_wanted(set) ;
  take_up_wanted(set) ;
  builtins_are_there() ;
  graph_want_set(GRAPH, set, GRAPH_WANT_UP) ;
  free(set) ;
  advance() ;
}

int rc_settled (void)
{
  return !rc.n || rc.top == GRAPH_NONE || graph_settled(GRAPH, rc.top) ;
}

char const *rc_pending (void)
{
  for (uint32_t i = 0 ; i < ledger->slots ; i++)
  {
    uint32_t n = node_of(i) ;
    if (n != GRAPH_NONE && slot_at(i)->used && !graph_settled(GRAPH, n)) return slot_at(i)->name ;
  }
  return "nothing" ;
}

/* ---- after an exec */

static void load_levels (void)
{
  for (uint32_t i = 0 ; i < ledger->slots ; i++)
  {
    uint32_t n = node_of(i) ;
    if (n == GRAPH_NONE || !slot_at(i)->used) continue ;
    graph_set_level(GRAPH, n, level_of(i)) ;
    timer_set(TIMER_CHANGE_OF(i), slot_at(i)->change_deadline) ;
  }
}

/* A oneshot whose process was still to be made when the fault came. */
static void fork_again (void)
{
  for (uint32_t i = 0 ; i < ledger->slots ; i++)
  {
    struct slot const *s = slot_at(i) ;
    uint32_t n = node_of(i) ;
    if (!s->used || s->kind != SLOT_ONESHOT || n == GRAPH_NONE) continue ;
    if (oneshot_state(i) == ONESHOT_STARTING && s->run_pid <= 0) start_oneshot(n, i) ;
    else if (oneshot_state(i) == ONESHOT_STOPPING && s->finish_pid <= 0) stop_oneshot(n, i) ;
  }
}

/* What has failed stays so; what is up or under way is wanted. During the boot all is wanted
   that `top` wants. */
static void load_wants (void)
{
  uint8_t *set = global_now()->step <= STEP_WAIT ? boot_set() : 0 ;
  if (set) graph_want_set(GRAPH, set, GRAPH_WANT_UP) ;
  for (uint32_t i = 0 ; i < ledger->slots ; i++)
  {
    uint32_t n = node_of(i) ;
    if (n == GRAPH_NONE || !slot_at(i)->used) continue ;
    if (slot_at(i)->kind == SLOT_ONESHOT ? oneshot_state(i) == ONESHOT_FAILED : has_failed(i)) graph_fail(GRAPH, n, rc.victims) ;
    else if (!set && (level_of(i) != GRAPH_IS_DOWN || (slot_at(i)->kind == SLOT_LONGRUN && slot_now(slot_at(i))->state == WAITING)))
      graph_set_want(GRAPH, n, GRAPH_WANT_UP) ;
  }
  free(set) ;
}

void rc_resume (void)
{
  if (!ledger->dependencies) return ;
  for (uint32_t i = 0 ; i < ledger->slots ; i++)
    if (slot_at(i)->used && slot_at(i)->kind == SLOT_ONESHOT) oneshot_resume(i) ;
  if (load() < 0)
  {
    say_sys(SAY_ERROR, errno, "unable to read the service definitions again: what runs goes on, dependencies are not known") ;
    rc.n = 0 ;
    return ;
  }
  bind_all() ;
  builtins_are_there() ;
  load_levels() ;
  if (!global_now()->stop) load_wants() ;
  fork_again() ;
}

/* ---- svctl start, stop; s6-rc change */

void rc_change (char const *name, int up)
{
  uint32_t n = rc.n ? graph_find(GRAPH, name) : GRAPH_NONE ;
  uint8_t *set ;
  if (n == GRAPH_NONE || global_now()->stop) return ;
  set = calloc(rc.n, 1) ;
  if (!set) return ;
  set[n] = 1 ;
  if (!up) graph_expand(GRAPH, set) ;
  graph_close(GRAPH, set, up ? GRAPH_UP : GRAPH_DOWN) ;
  for (uint32_t k = 0 ; up && k < rc.n ; k++) if (set[k] && is_atom(k)) join(k) ;
  graph_want_set(GRAPH, set, up ? GRAPH_WANT_UP : GRAPH_WANT_DOWN) ;
  free(set) ;
  advance() ;
}

/* ---- the stop */

void rc_halt (void)
{
  for (uint32_t n = 0 ; n < rc.n ; n++) graph_set_want(GRAPH, n, GRAPH_WANT_DOWN) ;
  advance() ;
}

void rc_abandon_legacy (void)
{
  for (uint32_t n = 0 ; n < rc.n ; n++)
    if (is_atom(n) && !is_s6rc(n)) graph_set_level(GRAPH, n, GRAPH_IS_DOWN) ;
  advance() ;
}

int rc_all_down (void)
{
  for (uint32_t i = 0 ; i < ledger->slots ; i++)
  {
    struct slot const *s = slot_at(i) ;
    if (!s->used || node_of(i) == GRAPH_NONE || !is_s6rc(node_of(i))) continue ;
    if (s->kind == SLOT_ONESHOT ? oneshot_state(i) != ONESHOT_DOWN && oneshot_state(i) != ONESHOT_FAILED
      : state_is_live((enum service_state)slot_now(s)->state)) return 0 ;
  }
  return 1 ;
}
