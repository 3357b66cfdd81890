/* ISC license. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <skalibs/alloc.h>
#include <skalibs/bytestr.h>
#include <skalibs/direntry.h>

#include "source_internal.h"

#define RECORDS(s) genalloc_s(struct source_service, &(s)->services)

/* ---- the built-in names: see source.h */

static struct { char const *name ; uint8_t kind ; uint8_t type ; } const builtin_nodes[] =
{
  { "fix-attrs", GRAPH_BUILTIN, GRAPH_ONESHOT },
  { "legacy-cont-init", GRAPH_BUILTIN, GRAPH_ONESHOT },
  { "base", GRAPH_BUNDLE, GRAPH_BUNDLE },
  { "user", GRAPH_BUNDLE, GRAPH_BUNDLE },
  { "legacy-services", GRAPH_BUILTIN, GRAPH_ONESHOT },
  { "user2", GRAPH_BUNDLE, GRAPH_BUNDLE },
  { "top", GRAPH_BUNDLE, GRAPH_BUNDLE },
  { "s6rc-oneshot-runner", GRAPH_BUILTIN, GRAPH_LONGRUN },
  { "s6rc-fdholder", GRAPH_BUILTIN, GRAPH_LONGRUN }
} ;

static struct { char const *from ; char const *to ; uint8_t kind ; uint8_t soft ; } const builtin_links[] =
{
  { "legacy-cont-init", "fix-attrs", GRAPH_NEEDS, 0 },
  { "base", "fix-attrs", GRAPH_CONTAINS, 0 },
  { "base", "legacy-cont-init", GRAPH_CONTAINS, 0 },
  { "legacy-services", "base", GRAPH_NEEDS, 0 },
  { "legacy-services", "user", GRAPH_AFTER, 1 },
  { "top", "base", GRAPH_CONTAINS, 0 },
  { "top", "user", GRAPH_CONTAINS, 0 },
  { "top", "legacy-services", GRAPH_CONTAINS, 0 },
  { "top", "user2", GRAPH_CONTAINS, 0 }
} ;

static char const *const user_bundles[2] = { "user", "user2" } ;

#define COUNT(array) (sizeof(array) / sizeof *(array))

static int add_builtin_links (struct reader *r)
{
  struct graph *g = &r->s->graph ;
  for (size_t i = 0 ; i < COUNT(builtin_links) ; i++)
  {
    int (*add) (struct graph *, uint32_t, char const *, enum graph_link_kind, uint32_t) =
      builtin_links[i].soft ? &graph_add_soft : &graph_add_edge ;
    if (!(*add)(g, graph_find(g, builtin_links[i].from), builtin_links[i].to, builtin_links[i].kind, r->built_in)) return 0 ;
  }
  return 1 ;
}

static int add_builtin (struct reader *r)
{
  struct graph *g = &r->s->graph ;
  uint32_t n ;
  if (!graph_string(g, "(built in)", &r->built_in)) return 0 ;
  for (size_t i = 0 ; i < COUNT(builtin_nodes) ; i++)
    if (!graph_add_node(g, builtin_nodes[i].name, builtin_nodes[i].kind, "(built in)", &n)
     || !source_add_record(r, builtin_nodes[i].type, SOURCE_BUILTIN, 0)) return 0 ;
  return add_builtin_links(r) ;
}

/* ---- one directory among the definitions */

/* 0 and 1 for `user` and `user2`, else -1. */
static int which_user (char const *name)
{
  return !strcmp(name, user_bundles[0]) ? 0 : !strcmp(name, user_bundles[1]) ? 1 : -1 ;
}

/* The type of `user` may be missing, but not be another. */
static int merge_user (struct reader *r, struct definition *d, int which)
{
  struct graph const *g = &r->s->graph ;
  size_t before = genalloc_len(struct graph_edge, &g->edges) ;
  if (HAS(d, SOURCE_TYPE) && source_slurp(d->fd, "type", &r->text, SETTING_MAX) && !str_start(r->text.s, "bundle")
   && !source_fault(r, FAULT_ERROR, d, "type", "this name is a bundle's; write bundle into it")) return 0 ;
  if (!source_add_to_builtin(r, d)) return 0 ;
  if (genalloc_len(struct graph_edge, &g->edges) > before) r->user_origins[which] |= 1U << d->origin ;
  if (HAS(d, SOURCE_FLAG_ESSENTIAL)) RECORDS(r->s)[d->node].essential = 1 ;
  if (HAS(d, SOURCE_FLAG_RECOMMENDED)) RECORDS(r->s)[d->node].recommended = 1 ;
  return 1 ;
}

static int keep_template (struct reader *r, struct definition const *d)
{
  struct source_template t = { .origin = (uint8_t)d->origin } ;
  return graph_string(&r->s->graph, d->name, &t.name) && graph_string(&r->s->graph, d->path, &t.dir)
    && genalloc_append(struct source_template, &r->templates, &t) ;
}

static struct source_template const *find_template (struct reader const *r, char const *name, size_t len)
{
  struct source_template const *t = genalloc_s(struct source_template const, &r->templates) ;
  size_t n = genalloc_len(struct source_template, &r->templates) ;
  for (size_t i = 0 ; i < n ; i++)
  {
    char const *s = r->s->graph.strings.s + t[i].name ;
    if (strlen(s) == len && !memcmp(s, name, len)) return t + i ;
  }
  return 0 ;
}

static int read_template (struct reader *r, struct definition const *d)
{
  struct source_template const *old = find_template(r, d->name, strlen(d->name)) ;
  if (!old) return keep_template(r, d) ;
  return faults_error(r->f, d->path, ": there is a template ", d->name, " already, defined in ",
    r->s->graph.strings.s + old->dir, "; rename or remove one of the two") ;
}

int source_is_template (char const *name)
{
  size_t len = strlen(name) ;
  return len > 1 && name[len - 1] == '@' ;
}

/* Which of the ways a directory goes depends on its name. */
static int read_definition (struct reader *r, struct definition *d)
{
  struct graph const *g = &r->s->graph ;
  int which = d->origin == SOURCE_SERVICES_D ? -1 : which_user(d->name) ;
  uint32_t old = graph_find(g, d->name) ;
  if (which >= 0)
  {
    d->node = old ;
    return merge_user(r, d, which) ;
  }
  if (old != GRAPH_NONE && d->origin == SOURCE_PACKAGE && source_service(r->s, old)->origin == SOURCE_BUILTIN)
  {
    d->node = old ;
    return source_add_to_builtin(r, d) ;
  }
  if (!source_name_ok(r, d)) return 1 ;
  return source_is_template(d->name) ? read_template(r, d) : source_define(r, d) ;
}

/* 1: a link in /etc/services.d to another entry there: see source.h. One to its template is an
   instance with that argument. */
static int is_second_name (int dirfd, char const *entry, struct definition *d)
{
  char target[NAME_MAX] ;
  ssize_t len = d->origin == SOURCE_SERVICES_D ? readlinkat(dirfd, entry, target, sizeof target) : -1 ;
  if (len <= 0 || memchr(target, '/', (size_t)len)) return 0 ;
  if (target[len - 1] != '@') return 1 ;
  if (d->argument || strncmp(entry, target, (size_t)len) || !entry[len]) return 0 ;
  d->argument = d->name + len ;
  d->wanted = 1 ;
  return 0 ;
}

/* What is no directory is skipped, a link that leads nowhere too. */
static int read_entry (struct reader *r, int dirfd, char const *entry, struct definition *d)
{
  if (is_second_name(dirfd, entry, d)) return 1 ;
  DIR *dir = source_opendir(dirfd, entry) ;
  if (!dir) return errno == ENOENT || errno == ENOTDIR || source_unreadable(r, d, "") ;
  d->fd = dir_fd(dir) ;
  int ok = source_scan(dir, &d->files, &d->regular) ? read_definition(r, d) : source_unreadable(r, d, "") ;
  int e = errno ;
  closedir(dir) ;
  errno = e ;
  return ok ;
}

/* ---- a directory of definitions */

struct source_id { dev_t dev ; ino_t ino ; } ;

/* 1 if the directory was read before, 0 if not (now it counts as read), -1 with errno. */
static int seen_before (struct reader *r, int fd)
{
  struct stat st ;
  if (fstat(fd, &st) < 0) return -1 ;
  struct source_id const *id = genalloc_s(struct source_id const, &r->seen) ;
  size_t n = genalloc_len(struct source_id, &r->seen) ;
  for (size_t i = 0 ; i < n ; i++)
    if (id[i].dev == st.st_dev && id[i].ino == st.st_ino) return 1 ;
  struct source_id new = { .dev = st.st_dev, .ino = st.st_ino } ;
  return genalloc_append(struct source_id, &r->seen, &new) ? 0 : -1 ;
}

/* `names` is the list of entries, which the reading of each must leave alone; `path` is long
   enough for the directory, a slash and any of them. */
static int read_entries (struct reader *r, int fd, stralloc const *names, stralloc *path, enum source_origin origin)
{
  size_t len = path->len ;
  for (size_t i = 0 ; i < names->len ; i += strlen(names->s + i) + 1)
  {
    struct definition d = { .name = names->s + i, .origin = origin } ;
    path->len = len ;
    if (!stralloc_cats(path, "/") || !stralloc_cats(path, names->s + i) || !stralloc_0(path)) return 0 ;
    d.path = path->s ;
    if (!read_entry(r, fd, names->s + i, &d)) return 0 ;
  }
  return 1 ;
}

static int read_tree_dir (struct reader *r, DIR *dir, char const *path, enum source_origin origin)
{
  stralloc names = STRALLOC_ZERO, whole = STRALLOC_ZERO ;
  struct definition d = { .path = path } ;
  int seen = seen_before(r, dir_fd(dir)) ;
  int ok = 1 ;
  if (seen < 0 || (!seen && !source_entries(dir, &names))) ok = source_unreadable(r, &d, "") ;
  else if (!seen) ok = stralloc_cats(&whole, path) && read_entries(r, dir_fd(dir), &names, &whole, origin) ;
  int e = errno ;
  stralloc_free(&whole) ;
  stralloc_free(&names) ;
  errno = e ;
  return ok ;
}

static int read_tree (struct reader *r, char const *path, enum source_origin origin, int must_exist)
{
  struct definition d = { .path = path } ;
  DIR *dir = source_opendir(r->o->rootfd, path) ;
  if (!dir && errno == ENOENT)
    return !must_exist || source_fault(r, FAULT_ERROR, &d, "", "there is no such directory; S6_RUNTIME_BUNDLEDIR must name one, or be unset") ;
  if (!dir) return source_unreadable(r, &d, "") ;
  int ok = read_tree_dir(r, dir, path, origin) ;
  int e = errno ;
  closedir(dir) ;
  errno = e ;
  return ok ;
}

/* ---- all trees */

/* "/etc/…" or, with a profile, "/etc/cont-profile.d/PROFILE/…". */
static int path_in_etc (struct reader const *r, stralloc *path, char const *name)
{
  char const *profile = r->o->profile ;
  path->len = 0 ;
  if (!stralloc_cats(path, "/etc")) return 0 ;
  if (profile && profile[0] && (!stralloc_cats(path, "/cont-profile.d/") || !stralloc_cats(path, profile))) return 0 ;
  return stralloc_cats(path, name) && stralloc_0(path) ;
}

static int exists (struct reader const *r, char const *path)
{
  struct stat st ;
  return fstatat(r->o->rootfd, path + 1, &st, 0) == 0 ;
}

static int read_etc (struct reader *r, stralloc *path, char const *name, enum source_origin origin)
{
  return path_in_etc(r, path, name) && read_tree(r, path->s, origin, 0) ;
}

/* A profile without bundles of its own, in neither of their places, has the common ones. */
static int read_bundledir (struct reader *r, stralloc *path)
{
  char const *dir = r->o->bundledir ;
  if (dir && dir[0]) return read_tree(r, dir, SOURCE_BUNDLEDIR, 1) ;   /* who names it has it */
  if (!path_in_etc(r, path, "/s6-overlay/user-bundles.d")) return 0 ;
  if (exists(r, path->s)) return read_tree(r, path->s, SOURCE_BUNDLEDIR, 0) ;
  if (!path_in_etc(r, path, "/s6-overlay/s6-rc.d/user")) return 0 ;
  return exists(r, path->s) || read_tree(r, "/etc/s6-overlay/user-bundles.d", SOURCE_BUNDLEDIR, 0) ;
}

static int read_package (struct reader *r, stralloc *path, char const *name)
{
  path->len = 0 ;
  return stralloc_cats(path, "/package/admin/") && stralloc_cats(path, name)
    && stralloc_cats(path, "/etc/s6-rc/sources") && stralloc_0(path)
    && read_tree(r, path->s, SOURCE_PACKAGE, 0) ;
}

static int read_packages (struct reader *r, stralloc *path)
{
  stralloc names = STRALLOC_ZERO ;
  DIR *dir = source_opendir(r->o->rootfd, "/package/admin") ;
  if (!dir) return 1 ;
  int ok = source_entries(dir, &names) ;
  closedir(dir) ;
  for (size_t i = 0 ; ok && i < names.len ; i += strlen(names.s + i) + 1)
    if (str_start(names.s + i, "s6-overlay")) ok = read_package(r, path, names.s + i) ;
  stralloc_free(&names) ;
  return ok ;
}

static int warn_of_two_places (struct reader *r)
{
  for (int i = 0 ; i < 2 ; i++)
    if ((r->user_origins[i] & (1U << SOURCE_S6RC | 1U << SOURCE_BUNDLEDIR)) == (1U << SOURCE_S6RC | 1U << SOURCE_BUNDLEDIR)
     && !faults_warn(r->f, "the bundle ", user_bundles[i], " has members in s6-rc.d and in the bundle directory: both count; move those of s6-rc.d/",
       user_bundles[i], "/contents.d to the latter")) return 0 ;
  return 1 ;
}

static int read_trees (struct reader *r)
{
  stralloc path = STRALLOC_ZERO ;
  int ok = read_etc(r, &path, "/s6-overlay/s6-rc.d", SOURCE_S6RC)
    && read_bundledir(r, &path)
    && read_packages(r, &path)
    && read_etc(r, &path, "/services.d", SOURCE_SERVICES_D)
    && warn_of_two_places(r) ;
  stralloc_free(&path) ;
  return ok ;
}

/* ---- instances */

static int make_instance (struct reader *r, struct source_template const *t, char const *name, char const *argument)
{
  stralloc dir = STRALLOC_ZERO ;
  struct definition d = { .name = name, .argument = argument, .origin = t->origin } ;
  int ok = stralloc_cats(&dir, r->s->graph.strings.s + t->dir) && stralloc_0(&dir) ;
  if (ok)
  {
    d.path = dir.s ;
    ok = !source_name_ok(r, &d) || read_entry(r, r->o->rootfd, dir.s + strspn(dir.s, "/"), &d) ;
  }
  stralloc_free(&dir) ;
  return ok ;
}

/* If the name is that of an instance that is not there yet: makes it. */
static int want_instance (struct reader *r, char const *wanted)
{
  char name[NAME_SIZE] ;
  size_t len = strlen(wanted), at = byte_chr(wanted, len, '@') ;
  if (!at || at + 1 >= len || len >= NAME_SIZE || graph_find(&r->s->graph, wanted) != GRAPH_NONE) return 1 ;
  struct source_template const *t = find_template(r, wanted, at + 1) ;
  memcpy(name, wanted, len + 1) ;
  return !t || make_instance(r, t, name, name + at + 1) ;
}

#define STRING(r, offset) ((r)->s->graph.strings.s + (offset))

/* What an instance names may be an instance too: the lists grow while they are read. */
static int make_instances (struct reader *r)
{
  struct graph const *g = &r->s->graph ;
  size_t edges = 0, pipes = 0, deps = 0 ;
  if (!r->templates.len) return 1 ;
  for (char const *const *name = r->o->extra ; name && *name ; name++)
    if (!want_instance(r, *name)) return 0 ;
  for (;;)
  {
    uint32_t name ;
    if (edges < genalloc_len(struct graph_edge, &g->edges)) name = genalloc_s(struct graph_edge, &g->edges)[edges++].name ;
    else if (pipes < genalloc_len(struct source_pipe, &r->consumers)) name = genalloc_s(struct source_pipe, &r->consumers)[pipes++].other ;
    else if (deps < genalloc_len(struct source_bundle_dep, &r->bundle_deps)) name = genalloc_s(struct source_bundle_dep, &r->bundle_deps)[deps++].name ;
    else return 1 ;
    if (!want_instance(r, STRING(r, name))) return 0 ;
  }
}

/* ---- what follows from bundles, once the graph is there */

/* A link from each atom in the bundle. `set` has a byte for each node. */
static int link_members (struct reader *r, uint32_t bundle, char const *to, enum graph_link_kind kind, uint32_t where, uint8_t *set)
{
  struct graph *g = &r->s->graph ;
  memset(set, 0, graph_size(g)) ;
  set[bundle] = 1 ;
  graph_expand(g, set) ;
  for (uint32_t i = 0 ; i < graph_size(g) ; i++)
    if (set[i] && !graph_add_soft(g, i, to, kind, where)) return 0 ;
  return 1 ;
}

static int link_bundle_deps (struct reader *r, uint8_t *set)
{
  struct graph const *g = &r->s->graph ;
  struct source_bundle_dep const *d = genalloc_s(struct source_bundle_dep const, &r->bundle_deps) ;
  size_t n = genalloc_len(struct source_bundle_dep, &r->bundle_deps) ;
  for (size_t i = 0 ; i < n ; i++)
  {
    if (graph_find(g, STRING(r, d[i].name)) == GRAPH_NONE)
    {
      if (!graph_unknown(g, STRING(r, d[i].where), STRING(r, d[i].name), 1, r->f)) return 0 ;
    }
    else if (!link_members(r, d[i].bundle, STRING(r, d[i].name), GRAPH_NEEDS, d[i].where, set)) return 0 ;
  }
  return 1 ;
}

static int link_from_bundles (struct reader *r, uint8_t *set)
{
  struct graph *g = &r->s->graph ;
  if (graph_build(g, 0) < 0) return 0 ;
  return link_bundle_deps(r, set)
    && link_members(r, graph_find(g, "user2"), "legacy-services", GRAPH_AFTER, r->built_in, set)
    && (!(r->o->flags & SOURCE_USER_AFTER_BASE)
     || link_members(r, graph_find(g, "user"), "base", GRAPH_AFTER, r->built_in, set)) ;
}

static void inherit_flags (struct source *s, uint8_t *set)
{
  struct graph *g = &s->graph ;
  for (uint32_t i = 0 ; i < graph_size(g) ; i++)
  {
    struct source_service const *bundle = source_service(s, i) ;
    if (bundle->type != GRAPH_BUNDLE || !(bundle->essential | bundle->recommended)) continue ;
    memset(set, 0, graph_size(g)) ;
    set[i] = 1 ;
    graph_expand(g, set) ;
    for (uint32_t j = 0 ; j < graph_size(g) ; j++)
      if (set[j])
      {
        RECORDS(s)[j].essential |= bundle->essential ;
        RECORDS(s)[j].recommended |= bundle->recommended ;
      }
  }
}

static int finish (struct reader *r)
{
  uint8_t *set = alloc(graph_size(&r->s->graph)) ;
  if (!set) return 0 ;
  int ok = !(r->bundle_deps.len || r->user_origins[1] || r->o->flags & SOURCE_USER_AFTER_BASE) || link_from_bundles(r, set) ;
  ok = ok && graph_build(&r->s->graph, r->f) == 0 ;
  if (ok) inherit_flags(r->s, set) ;
  alloc_free(set) ;
  return ok ;
}

static void free_reader (struct reader *r)
{
  genalloc_free(struct source_template, &r->templates) ;
  genalloc_free(struct source_pipe, &r->producers) ;
  genalloc_free(struct source_pipe, &r->consumers) ;
  genalloc_free(struct source_pipeline, &r->pipelines) ;
  genalloc_free(struct source_bundle_dep, &r->bundle_deps) ;
  genalloc_free(struct source_id, &r->seen) ;
  stralloc_free(&r->text) ;
  stralloc_free(&r->list) ;
}

int source_read (struct source *s, struct source_options const *o, struct faults *f)
{
  struct reader r = { .s = s, .o = o, .f = f } ;
  struct stat st ;
  graph_init(&s->graph) ;
  s->services = (genalloc)GENALLOC_ZERO ;
  if (fstat(o->rootfd, &st) < 0) return -1 ;
  int ok = add_builtin(&r) && read_trees(&r) && make_instances(&r) && source_join_pipelines(&r) && finish(&r) ;
  int e = errno ;
  free_reader(&r) ;
  errno = e ;
  return ok ? 0 : -1 ;
}

void source_free (struct source *s)
{
  graph_free(&s->graph) ;
  genalloc_free(struct source_service, &s->services) ;
}

/* ---- asking */

struct source_service const *source_service (struct source const *s, uint32_t node)
{
  return genalloc_s(struct source_service const, &s->services) + node ;
}

int source_has (struct source const *s, uint32_t node, enum source_file file)
{
  return source_service(s, node)->files >> file & 1 ;
}

char const *source_argument (struct source const *s, uint32_t node)
{
  uint32_t argument = source_service(s, node)->argument ;
  return argument ? s->graph.strings.s + argument : 0 ;
}

int source_open (struct source const *s, int rootfd, uint32_t node)
{
  char const *dir = graph_file(&s->graph, node) ;
  if (source_service(s, node)->origin <= SOURCE_PIPELINE) return (errno = ENOENT, -1) ;
  return openat(rootfd, dir + 1, O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC) ;
}

/* ---- oneshots */

/*
   execline's lexer: the bytes 1 to 32 are blanks, # begins a comment where a word would
   begin, and a \ before a newline or the end is no word either. A null ends the file.
   (Tried on execline 2.9.3.)
*/
enum scan { BLANK, COMMENT, BACKSLASH, EMPTY, WORD } ;

static enum scan scan_byte (enum scan state, unsigned char c)
{
  if (!c) return EMPTY ;
  switch (state)
  {
    case COMMENT : return c == '\n' ? BLANK : COMMENT ;
    case BACKSLASH : return c == '\n' ? BLANK : WORD ;
    default : return c <= ' ' ? BLANK : c == '#' ? COMMENT : c == '\\' ? BACKSLASH : WORD ;
  }
}

int source_oneshot_is_empty (int fd)
{
  char buf[512] ;
  enum scan state = BLANK ;
  for (off_t at = 0 ;;)
  {
    ssize_t n = pread(fd, buf, sizeof buf, at) ;
    if (n < 0 && errno == EINTR) continue ;
    if (n < 0) return -1 ;
    if (!n) return 1 ;
    for (ssize_t i = 0 ; i < n && state != EMPTY && state != WORD ; i++) state = scan_byte(state, (unsigned char)buf[i]) ;
    if (state == EMPTY || state == WORD) return state == EMPTY ;
    at += n ;
  }
}
