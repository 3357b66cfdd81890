/* ISC license. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include <skalibs/bytestr.h>
#include <skalibs/types.h>

#include "source_internal.h"

#define RECORDS(r) genalloc_s(struct source_service, &(r)->s->services)

int source_add_record (struct reader *r, uint8_t type, enum source_origin origin, uint64_t files)
{
  struct source_service record = { .files = files, .consumer = GRAPH_NONE, .type = type, .origin = (uint8_t)origin } ;
  return genalloc_append(struct source_service, &r->s->services, &record) ;
}

int source_name_ok (struct reader *r, struct definition const *d)
{
  char const *wrong =
    strchr(d->name, '\n') ? "a name may not contain a newline; rename it" :
    strchr(d->name, '/') ? "a name may not contain a slash; rename it" :
    str_start(d->name, "s6rc-") || str_start(d->name, "s6-rc-") ?
      "names that begin with s6rc- and s6-rc- are reserved; rename it" : 0 ;
  return !wrong || (source_fault(r, FAULT_ERROR, d, "", wrong), 0) ;
}

/* ---- lists: dependencies.d or dependencies, and so on */

/* The lines of a file: leading blanks and comments do not count, nor does a final CR. */
static int split_lines (stralloc *text, stralloc *list)
{
  list->len = 0 ;
  for (size_t i = 0 ; i < text->len ; )
  {
    size_t len = strcspn(text->s + i, "\n") ;
    char *line = text->s + i + strspn(text->s + i, " \t") ;
    char *end = text->s + i + len ;
    i += len + 1 ;
    if (line >= end) continue ;
    if (end[-1] == '\r') end-- ;
    if (line == end || *line == '#') continue ;
    if (!stralloc_catb(list, line, (size_t)(end - line)) || !stralloc_0(list)) return 0 ;
  }
  return 1 ;
}

/* In a template's own lists NAME@ means the instance with the same argument. */
static int add_arguments (struct reader *r, struct definition const *d, enum source_file file)
{
  if (!d->argument) return 1 ;
  for (size_t i = 0 ; i < r->list.len ; )
  {
    size_t len = strlen(r->list.s + i), alen = strlen(d->argument) ;
    if (len > 1 && r->list.s[i + len - 1] == '@')
    {
      if (len + alen >= NAME_SIZE)
        return source_fault(r, FAULT_ERROR, d, source_files[file], "names an instance whose name is too long; shorten its argument") && (r->list.len = i, 1) ;
      if (!stralloc_insertb(&r->list, i + len, d->argument, alen)) return 0 ;
      len += alen ;
    }
    i += len + 1 ;
  }
  return 1 ;
}

/* r->text becomes "PATH/FILE/" or "PATH/FILE". */
static int path_of_file (struct reader *r, struct definition const *d, enum source_file file, int is_dir)
{
  char const *v[4] = { d->path, "/", source_files[file], is_dir ? "/" : "" } ;
  r->text.len = 0 ;
  for (unsigned int i = 0 ; i < 4 ; i++)
    if (!stralloc_cats(&r->text, v[i])) return 0 ;
  return stralloc_0(&r->text) ;
}

/* The same as a `where` for the graph. */
static int intern_where (struct reader *r, struct definition const *d, enum source_file file, int is_dir, uint32_t *where)
{
  return path_of_file(r, d, file, is_dir) && graph_string(&r->s->graph, r->text.s, where) ;
}

static int read_list_dir (struct reader *r, struct definition const *d, enum source_file file)
{
  DIR *dir = source_opendir(d->fd, source_files[file]) ;
  int ok = dir && source_entries(dir, &r->list) ;
  int e = errno ;
  if (dir) closedir(dir) ;
  if (ok) return 1 ;
  errno = e ;
  r->list.len = 0 ;
  return source_unreadable(r, d, source_files[file]) ;
}

static int read_list_file (struct reader *r, struct definition const *d, enum source_file file)
{
  r->list.len = 0 ;
  if (source_slurp(d->fd, source_files[file], &r->text, LIST_MAX))
  {
    r->text.len-- ;
    return split_lines(&r->text, &r->list) ;
  }
  return source_unreadable(r, d, source_files[file]) ;
}

/* Fills r->list with the names in the directory DIR, or if there is none those in FILE. */
static int read_list (struct reader *r, struct definition const *d, enum source_file dir, enum source_file file, uint32_t *where)
{
  int is_dir = dir != SOURCE_FILES && HAS(d, dir) ;
  enum source_file which = is_dir ? dir : file ;
  r->list.len = 0 ;
  *where = 0 ;
  if (!HAS(d, which)) return 1 ;
  return intern_where(r, d, which, is_dir, where)
    && (is_dir ? read_list_dir(r, d, which) : read_list_file(r, d, which))
    && add_arguments(r, d, which) ;
}

#define FOR_EACH_NAME(name, r) \
  for (char const *name = (r)->list.s ; name && name < (r)->list.s + (r)->list.len ; name += strlen(name) + 1)

static int has_builtin_edge (struct reader const *r, uint32_t from, char const *to)
{
  struct graph const *g = &r->s->graph ;
  size_t n = genalloc_len(struct graph_edge, &g->edges) ;
  struct graph_edge const *e = genalloc_s(struct graph_edge const, &g->edges) ;
  for (size_t i = 0 ; i < n && e[i].where == r->built_in ; i++)
    if (e[i].from == from && !strcmp(g->strings.s + e[i].name, to)) return 1 ;
  return 0 ;
}

static int link_names (struct reader *r, struct definition const *d, enum graph_link_kind kind, uint32_t where)
{
  FOR_EACH_NAME(name, r)
    if (!has_builtin_edge(r, d->node, name) && !graph_add_edge(&r->s->graph, d->node, name, kind, where)) return 0 ;
  return 1 ;
}

/* A bundle's dependencies become its members', who are not all known yet. */
static int keep_bundle_deps (struct reader *r, struct definition const *d, uint32_t where)
{
  FOR_EACH_NAME(name, r)
  {
    struct source_bundle_dep dep = { .bundle = d->node, .where = where } ;
    if (!graph_string(&r->s->graph, name, &dep.name)
     || !genalloc_append(struct source_bundle_dep, &r->bundle_deps, &dep)) return 0 ;
  }
  return 1 ;
}

static int read_dependencies (struct reader *r, struct definition const *d)
{
  uint32_t where ;
  if (!read_list(r, d, SOURCE_DEPENDENCIES_D, SOURCE_DEPENDENCIES, &where)) return 0 ;
  return graph_kind_of(&r->s->graph, d->node) == GRAPH_BUNDLE ?
    keep_bundle_deps(r, d, where) : link_names(r, d, GRAPH_NEEDS, where) ;
}

static int read_contents (struct reader *r, struct definition const *d)
{
  uint32_t where ;
  return read_list(r, d, SOURCE_CONTENTS_D, SOURCE_CONTENTS, &where)
    && link_names(r, d, GRAPH_CONTAINS, where) ;
}

int source_add_to_builtin (struct reader *r, struct definition *d)
{
  return read_contents(r, d) && read_dependencies(r, d) ;
}

/* ---- settings */

static int read_timeout (struct reader *r, struct definition const *d, enum source_file file, uint32_t *ms)
{
  if (!HAS(d, file)) return 1 ;
  if (!source_slurp(d->fd, source_files[file], &r->text, SETTING_MAX)) return source_unreadable(r, d, source_files[file]) ;
  char *line = r->text.s + strspn(r->text.s, " \t") ;
  line[strcspn(line, " \t\r\n")] = 0 ;
  if (uint320_scan(line, ms)) return 1 ;
  *ms = 0 ;
  return source_fault(r, FAULT_WARNING, d, source_files[file], "this is no number of milliseconds: taken as 0, which is no limit") ;
}

static int read_settings (struct reader *r, struct definition const *d)
{
  uint32_t up = 0, down = 0 ;
  if (!read_timeout(r, d, SOURCE_TIMEOUT_UP, &up) || !read_timeout(r, d, SOURCE_TIMEOUT_DOWN, &down)) return 0 ;
  struct source_service *record = RECORDS(r) + d->node ;
  record->timeout_up = up ;
  record->timeout_down = down ;
  record->essential = HAS(d, SOURCE_FLAG_ESSENTIAL) ;
  record->recommended = HAS(d, SOURCE_FLAG_RECOMMENDED) ;
  return 1 ;
}

/* ---- kinds */

static char const *const type_names[] =
{
  [GRAPH_LONGRUN] = "longrun",
  [GRAPH_ONESHOT] = "oneshot",
  [GRAPH_BUNDLE] = "bundle"
} ;

/* *type is GRAPH_BUILTIN if there is none that can be used, which was reported. */
static int read_type (struct reader *r, struct definition const *d, enum graph_kind *type)
{
  *type = GRAPH_BUILTIN ;
  if (!HAS(d, SOURCE_TYPE))
    return source_fault(r, FAULT_ERROR, d, "type", "there is no such file; write longrun, oneshot or bundle into it") ;
  if (!source_slurp(d->fd, "type", &r->text, SETTING_MAX)) return source_unreadable(r, d, "type") ;
  char *s = r->text.s ;
  for (size_t n = strlen(s) ; n && strchr(" \t\r\n", s[n - 1]) ; ) s[--n] = 0 ;
  for (unsigned int i = GRAPH_LONGRUN ; i <= GRAPH_BUNDLE ; i++)
    if (!strcmp(s, type_names[i]))
    {
      *type = (enum graph_kind)i ;
      return 1 ;
    }
  return faults_error(r->f, d->path, "/type: ", s[0] ? s : "nothing", " is no type; it must be longrun, oneshot or bundle") ;
}

/* A mandatory script; its exec bit does not matter. */
static int check_script (struct reader *r, struct definition const *d, enum source_file file, char const *mend)
{
  struct stat st ;
  if (!HAS(d, file)) return source_fault(r, FAULT_ERROR, d, source_files[file], mend) ;
  if (d->regular >> file & 1) return 1 ;
  if (fstatat(d->fd, source_files[file], &st, 0) < 0) return source_unreadable(r, d, source_files[file]) ;
  if (S_ISREG(st.st_mode)) return 1 ;
  return (errno = EINVAL, source_unreadable(r, d, source_files[file])) ;
}

static int keep_pipes (struct reader *r, struct definition const *d, genalloc *pipes, uint32_t where)
{
  FOR_EACH_NAME(name, r)
  {
    struct source_pipe pipe = { .node = d->node, .where = where } ;
    if (!graph_string(&r->s->graph, name, &pipe.other)
     || !genalloc_append(struct source_pipe, pipes, &pipe)) return 0 ;
  }
  return 1 ;
}

static int read_producer_for (struct reader *r, struct definition const *d)
{
  uint32_t where ;
  if (!HAS(d, SOURCE_PRODUCER_FOR)) return 1 ;
  if (!read_list(r, d, SOURCE_FILES, SOURCE_PRODUCER_FOR, &where)) return 0 ;
  if (!r->list.len || strlen(r->list.s) + 1 != r->list.len)
    return source_fault(r, FAULT_ERROR, d, "producer-for", "it must name exactly one service") ;
  return keep_pipes(r, d, &r->producers, where) && link_names(r, d, GRAPH_NEEDS, where) ;
}

static int read_consumer_for (struct reader *r, struct definition const *d)
{
  uint32_t where ;
  return read_list(r, d, SOURCE_FILES, SOURCE_CONSUMER_FOR, &where) && keep_pipes(r, d, &r->consumers, where) ;
}

/* The bundle must be there before names are resolved; its members come later. */
static int add_pipeline (struct reader *r, struct definition const *d, uint32_t where)
{
  struct graph *g = &r->s->graph ;
  struct source_pipeline p = { .last = d->node, .where = where } ;
  uint32_t n = graph_size(g) ;
  if (!path_of_file(r, d, SOURCE_PIPELINE_NAME, 0)) return 0 ;
  struct definition bundle = { .name = r->list.s, .path = r->text.s } ;
  if (!source_name_ok(r, &bundle)) return 1 ;
  if (!graph_add_node(g, bundle.name, GRAPH_BUNDLE, bundle.path, &p.bundle)) return 0 ;
  if (p.bundle < n) return 1 ;   /* the name is taken: graph_build says so */
  return source_add_record(r, GRAPH_BUNDLE, SOURCE_PIPELINE, 0)
    && genalloc_append(struct source_pipeline, &r->pipelines, &p) ;
}

static int read_pipeline_name (struct reader *r, struct definition const *d)
{
  uint32_t where ;
  if (!HAS(d, SOURCE_PIPELINE_NAME)) return 1 ;
  if (HAS(d, SOURCE_PRODUCER_FOR) || !HAS(d, SOURCE_CONSUMER_FOR))
    return source_fault(r, FAULT_WARNING, d, "pipeline-name", "ignored: only the last consumer of a pipeline names it") ;
  if (!read_list(r, d, SOURCE_FILES, SOURCE_PIPELINE_NAME, &where)) return 0 ;
  if (!r->list.len || strlen(r->list.s) + 1 != r->list.len)
    return source_fault(r, FAULT_ERROR, d, "pipeline-name", "it must hold exactly one name") ;
  return add_pipeline(r, d, where) ;
}

static int read_longrun (struct reader *r, struct definition const *d)
{
  return check_script(r, d, SOURCE_RUN, "there is no such file, and a longrun is what it runs; add it, or change the type")
    && read_producer_for(r, d) && read_consumer_for(r, d) && read_pipeline_name(r, d) ;
}

static int read_oneshot (struct reader *r, struct definition const *d)
{
  return check_script(r, d, SOURCE_UP, "there is no such file, and a oneshot is what it runs; add it (comments alone do nothing), or change the type") ;
}

static int read_bundle (struct reader *r, struct definition const *d)
{
  if (!HAS(d, SOURCE_CONTENTS_D) && !HAS(d, SOURCE_CONTENTS)
   && !source_fault(r, FAULT_WARNING, d, "contents.d", "there is no such directory, so the bundle is empty")) return 0 ;
  return read_contents(r, d) ;
}

/* The built-in order of /etc/services.d: see source.h. */
static int read_service_of_old (struct reader *r, struct definition const *d)
{
  struct graph *g = &r->s->graph ;
  uint32_t step = graph_find(g, "legacy-services"), top = graph_find(g, "top") ;
  int wait = !!(r->o->flags & SOURCE_WAIT_READY) ;
  if (!graph_add_soft(g, d->node, "legacy-cont-init", GRAPH_NEEDS, r->built_in)
   || !graph_add_soft(g, d->node, "user", GRAPH_AFTER, r->built_in)) return 0 ;
  if (d->argument && !d->wanted) return 1 ;   /* wanted by whoever names it, not by the boot */
  return graph_add_soft(g, step, d->name, wait ? GRAPH_AFTER : GRAPH_STARTED, r->built_in)
    && graph_add_edge(g, top, d->name, wait ? GRAPH_CONTAINS : GRAPH_STARTED, r->built_in) ;
}

static int read_kind (struct reader *r, struct definition const *d)
{
  if (d->origin == SOURCE_SERVICES_D) return read_service_of_old(r, d) ;
  switch (graph_kind_of(&r->s->graph, d->node))
  {
    case GRAPH_LONGRUN : return read_longrun(r, d) ;
    case GRAPH_ONESHOT : return read_oneshot(r, d) ;
    case GRAPH_BUNDLE : return read_bundle(r, d) ;
    default : return 1 ;   /* no definition is built in */
  }
}

static int keep_argument (struct reader *r, struct definition const *d)
{
  uint32_t argument ;
  if (!d->argument) return 1 ;
  if (!graph_string(&r->s->graph, d->argument, &argument)) return 0 ;
  RECORDS(r)[d->node].argument = argument ;
  return 1 ;
}

int source_define (struct reader *r, struct definition *d)
{
  struct graph *g = &r->s->graph ;
  uint32_t n = graph_size(g) ;
  enum graph_kind type = GRAPH_LONGRUN ;
  if (d->origin != SOURCE_SERVICES_D && !read_type(r, d, &type)) return 0 ;
  if (type == GRAPH_BUILTIN) return 1 ;
  if (!graph_add_node(g, d->name, type, d->path, &d->node)) return 0 ;
  if (d->node < n) return 1 ;   /* the name is taken: graph_build says so */
  return source_add_record(r, (uint8_t)type, d->origin, d->files)
    && keep_argument(r, d) && read_settings(r, d) && read_kind(r, d) && read_dependencies(r, d) ;
}
