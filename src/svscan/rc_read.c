/* ISC license. */

/* The definitions come into force, and slots are found for them: see rc_internal.h. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>

#include <skalibs/genalloc.h>

#include "names.h"
#include "rc.h"
#include "rc_internal.h"
#include "svscan.h"

struct rc rc = { .source = 0, .n = 0, .top = GRAPH_NONE } ;

/* One in force, one to read into: a struct source must not be moved. */
static struct source sources[2] ;

/* ---- reading */

/* Instances that run, and EXTRA. A null pointer without memory. */
static char const *const *instances (char const *extra)
{
  static genalloc list = GENALLOC_ZERO ;   /* char const * */
  char const *end = 0 ;
  genalloc_setlen(char const *, &list, 0) ;
  for (uint32_t i = 0 ; i < ledger->slots ; i++)
  {
    char const *name = slot_at(i)->name ;
    if (slot_at(i)->used && strchr(name, '@') && !strchr(name, '/') && !genalloc_append(char const *, &list, &name)) return 0 ;
  }
  if (extra && !genalloc_append(char const *, &list, &extra)) return 0 ;
  return genalloc_append(char const *, &list, &end) ? genalloc_s(char const *, &list) : 0 ;
}

static int read_into (struct source *s, char const *extra, struct faults *f)
{
  static char profile[128], bundledir[512] ;
  struct source_options o = { .rootfd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), .extra = instances(extra) } ;
  int r, e ;
  if (o.rootfd < 0) return -1 ;
  o.profile = conf_text("S6_RUNTIME_PROFILE", profile, sizeof profile) ;
  o.bundledir = conf_text("S6_RUNTIME_BUNDLEDIR", bundledir, sizeof bundledir) ;
  o.flags = SOURCE_USER_AFTER_BASE | (conf_uint("S6_CMD_WAIT_FOR_SERVICES", 0, 1) ? SOURCE_WAIT_READY : 0) ;
  r = source_read(s, &o, f) ;
  e = errno ;
  close(o.rootfd) ;
  if (r < 0) source_free(s) ;
  errno = e ;
  return r ;
}

static void tell (struct faults const *f)
{
  enum fault_weight weight ;
  size_t pos = 0 ;
  char const *line ;
  while ((line = faults_next(f, &pos, &weight))) say(weight == FAULT_ERROR ? SAY_ERROR : SAY_WARNING, line) ;
}

/* ---- into force */

static uint32_t *array (uint32_t n, uint32_t value)
{
  uint32_t *p = malloc((n ? n : 1) * sizeof *p) ;
  for (uint32_t i = 0 ; p && i < n ; i++) p[i] = value ;
  return p ;
}

void rc_forget (void)
{
  if (rc.source) source_free(rc.source) ;
  free(rc.slot) ;
  free(rc.victims) ;
  free(rc.again) ;
  for (uint32_t i = 0 ; i < rc.room ; i++) rc.node[i] = GRAPH_NONE ;
  rc.slot = rc.victims = rc.again = 0 ;
  rc.source = 0 ;
  rc.n = 0 ;
}

static int adopt (struct source *s)
{
  uint32_t n = graph_size(&s->graph) ;
  uint32_t *slot = array(n, NO_SLOT), *victims = array(n, 0), *again = array(n, 0) ;
  if (!slot || !victims || !again)
  {
    free(slot) ;
    free(victims) ;
    free(again) ;
    source_free(s) ;
    return (errno = ENOMEM, -1) ;
  }
  rc_forget() ;
  rc.source = s ;
  rc.n = n ;
  rc.slot = slot ;
  rc.victims = victims ;
  rc.again = again ;
  rc.top = graph_find(GRAPH, "top") ;
  rc_bind_all() ;
  rc_take_states() ;
  return 0 ;
}

static struct source *spare (void)
{
  return sources + (rc.source == sources) ;
}

/* They were read without errors before: what is wrong now may be gone at a second look. */
static int read_twice (struct source *s, char const *extra, struct faults *f)
{
  int r = read_into(s, extra, f) ;
  if (r == 0 && !f->errors) return 0 ;
  if (r == 0) source_free(s) ;
  faults_free(f) ;
  *f = (struct faults)FAULTS_ZERO ;
  return read_into(s, extra, f) ;
}

int rc_read (char const *extra, int strict)
{
  struct source *s = spare() ;
  struct faults f = FAULTS_ZERO ;
  int r = read_twice(s, extra, &f), e = errno ;
  if (r == 0) tell(&f) ;
  if (r == 0 && strict && f.errors)
  {
    source_free(s) ;
    r = -1 ;
    e = EINVAL ;
  }
  faults_free(&f) ;
  return r < 0 ? (errno = e, -1) : adopt(s) ;
}

/* Home Assistant's base images have a service that legacy-cont-init needs. */
static int needs_services (struct graph const *g, char const *builtin)
{
  uint32_t n ;
  struct graph_link const *l = graph_deps(g, graph_find(g, builtin), &n) ;
  for (uint32_t i = 0 ; i < n ; i++)
    if (l[i].kind == GRAPH_NEEDS && graph_kind_of(g, l[i].node) != GRAPH_BUILTIN) return 1 ;
  return 0 ;
}

uint32_t rc_check (void)
{
  struct source *s = spare() ;
  struct faults f = FAULTS_ZERO ;
  uint32_t errors ;
  if (read_into(s, 0, &f) < 0)
  {
    say_sys(SAY_ERROR, errno, "unable to read the service definitions") ;
    faults_free(&f) ;
    return 1 ;
  }
  tell(&f) ;
  errors = f.errors ;
  faults_free(&f) ;
  if (errors || !(needs_services(&s->graph, "fix-attrs") || needs_services(&s->graph, "legacy-cont-init"))) source_free(s) ;
  else if (adopt(s) == 0) ledger->dependencies = 1 ;
  else say_sys(SAY_ERROR, errno, "unable to start what cont-init.d needs") ;
  return errors ;
}

/* ---- is there anything to read? */

static int is_service (int dirfd, char const *name)
{
  (void)dirfd ;
  return strcmp(name, "user") && strcmp(name, "user2") ;
}

/* A template too: its instances are made by the graph. */
static int has_dependencies (int dirfd, char const *name)
{
  char sub[NAME_MAX + 32] ;
  if (source_is_template(name)) return 1 ;
  strcpy(sub, name) ;
  strcat(sub, "/dependencies.d") ;
  return faccessat(dirfd, sub, F_OK, 0) == 0 ;
}

/* Asked before the scripts of the boot and after them: without any, the answer is the same. */
struct answer { uint32_t children ; int is ; } ;
#define NO_ANSWER { .children = UINT32_MAX, .is = 0 }

static int recall (struct answer *a, int (*look) (void))
{
  if (a->children != spawn_count()) a->is = (*look)() ;
  a->children = spawn_count() ;
  return a->is ;
}

static int look_for_definitions (void)
{
  return dents_any(conf_path("/etc/s6-overlay/s6-rc.d"), &is_service) ;
}

int rc_has_definitions (void)
{
  static struct answer a = NO_ANSWER ;
  return recall(&a, &look_for_definitions) ;
}

static int look_for_any (void)
{
  char bundledir[512] ;
  char const *dir = conf_text("S6_RUNTIME_BUNDLEDIR", bundledir, sizeof bundledir) ;
  return rc_has_definitions()
    || dents_any(conf_path("/etc/services.d"), &has_dependencies)
    || dents_any(dir ? dir : conf_path("/etc/s6-overlay/user-bundles.d"), &is_service) ;
}

int rc_wanted (void)
{
  static struct answer a = NO_ANSWER ;
  return recall(&a, &look_for_any) ;
}

/* ---- nodes and slots */

int rc_is_s6rc (uint32_t n)
{
  uint8_t origin = source_service(rc.source, n)->origin ;
  return origin == SOURCE_S6RC || origin == SOURCE_BUNDLEDIR || origin == SOURCE_PACKAGE ;
}

int rc_is_atom (uint32_t n)
{
  enum graph_kind kind = graph_kind_of(GRAPH, n) ;
  return kind == GRAPH_LONGRUN || kind == GRAPH_ONESHOT ;
}

char const *rc_file (uint32_t n, enum source_file file)
{
  static char path[PATH_MAX] ;
  char const *dir = graph_file(GRAPH, n) ;
  if (strlen(dir) + strlen(source_files[file]) + 2 > sizeof path) return dir ;
  strcpy(path, dir) ;
  strcat(path, "/") ;
  return strcat(path, source_files[file]) ;
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

void rc_bind (uint32_t n, uint32_t i)
{
  if (know_slots() < 0) return ;
  rc.slot[n] = i ;
  rc.node[i] = n ;
}

uint32_t rc_node_of (uint32_t i)
{
  return rc.n && i < rc.room ? rc.node[i] : GRAPH_NONE ;
}

void rc_bind_all (void)
{
  for (uint32_t i = 0 ; i < ledger->slots ; i++)
  {
    uint32_t n ;
    if (!slot_at(i)->used || rc_node_of(i) != GRAPH_NONE) continue ;
    n = graph_find(GRAPH, slot_at(i)->name) ;
    if (n != GRAPH_NONE && rc_is_atom(n)) rc_bind(n, i) ;
  }
}

int rc_knows (char const *name)
{
  uint32_t n = rc.n ? graph_find(GRAPH, name) : GRAPH_NONE ;
  return n != GRAPH_NONE && rc_is_atom(n) ;
}

static int make_dir (char const *path)
{
  int e ;
  if (mkdir(path, 0755) == 0 || errno == EEXIST) return 0 ;
  e = errno ;
  say_sys(SAY_ERROR, e, "unable to make ", path, retry_later(e) ? ", trying again" : "") ;
  return -1 ;
}

/* RUNDIR/PARENT/SUB, made; a null pointer after saying why. */
static char const *place (char const *parent, char const *sub)
{
  static char path[sizeof ledger->rundir + 32] ;
  strcpy(path, ledger->rundir) ;
  strcat(path, parent) ;
  if (make_dir(path) < 0) return 0 ;
  strcat(path, sub) ;
  return make_dir(path) < 0 ? 0 : path ;
}

int rc_lay_out (uint32_t n)
{
  int is_s6rc = rc_is_s6rc(n) ;
  char const *dir = is_s6rc ? place("/s6-rc", "/servicedirs") : place("/s6", "/legacy-services") ;
  if (!dir) return -1 ;
  return (is_s6rc ? &layout_definition : &layout_instance)(graph_file(GRAPH, n), dir, graph_name(GRAPH, n)) ;
}

int rc_is_to_lay_out (uint32_t n)
{
  return rc_is_s6rc(n) || (source_argument(rc.source, n) && access(graph_name(GRAPH, n), F_OK) < 0) ;
}

static uint32_t take_up (uint32_t n)
{
  if (rc_is_to_lay_out(n) && rc_lay_out(n) < 0) return NO_SLOT ;
  return scan_take_up(graph_name(GRAPH, n)) ;
}

uint32_t rc_slot_for (uint32_t n)
{
  uint32_t i = rc.slot[n] ;
  /* one that has not begun was taken up by halves: its logger's turn had not come */
  if (i != NO_SLOT && (slot_at(i)->kind == SLOT_ONESHOT || slot_now(slot_at(i))->cause != WHY_NONE)) return i ;
  if (graph_kind_of(GRAPH, n) == GRAPH_LONGRUN) i = take_up(n) ;
  else if ((i = oneshot_add(graph_name(GRAPH, n))) == NO_SLOT) retry_later(errno) ;
  if (i != NO_SLOT) rc_bind(n, i) ;
  return i ;
}

uint8_t *rc_set_of (uint32_t n, enum graph_direction direction)
{
  uint8_t *set = calloc(rc.n ? rc.n : 1, 1) ;
  if (!set || n >= rc.n) return set ;
  set[n] = 1 ;
  if (direction == GRAPH_DOWN) graph_expand(GRAPH, set) ;
  graph_close(GRAPH, set, direction) ;
  return set ;
}
