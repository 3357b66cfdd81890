/* ISC license. */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <check.h>

#include <skalibs/djbunix.h>
#include <skalibs/stralloc.h>
#include <skalibs/types.h>

#include "svscan/source.h"

char const *PROG = "test_source" ;

static struct source s ;
static struct faults f ;
static struct source_options options ;
static char made[64] ;      /* a root made by the test, or empty */

static void setup (void)
{
  memset(&s, 0, sizeof s) ;
  f = (struct faults)FAULTS_ZERO ;
  options = (struct source_options){ .rootfd = -1 } ;
  made[0] = 0 ;
}

static void teardown (void)
{
  source_free(&s) ;
  faults_free(&f) ;
  if (options.rootfd >= 0) close(options.rootfd) ;
  if (made[0]) rm_rf(made) ;
}

/* A tree of tests/trees. */
static void use_tree (char const *name)
{
  char path[512] ;
  snprintf(path, sizeof path, "%.*strees/%s", (int)(sizeof __FILE__ - sizeof "unit/test_source.c"), __FILE__, name) ;
  options.rootfd = open(path, O_RDONLY | O_DIRECTORY) ;
  ck_assert_msg(options.rootfd >= 0, "unable to open %s: run this from the top of the sources", path) ;
}

static void use_empty_root (void)
{
  strcpy(made, "/tmp/test_source.XXXXXX") ;
  ck_assert(mkdtemp(made)) ;
  options.rootfd = open(made, O_RDONLY | O_DIRECTORY) ;
  ck_assert_int_ge(options.rootfd, 0) ;
}

/* Makes a file and the directories above it, below the root that the test made. */
static void put (char const *path, char const *content)
{
  char whole[512] ;
  int n = snprintf(whole, sizeof whole, "%s/%s", made, path) ;
  ck_assert(n > 0 && (size_t)n < sizeof whole) ;
  for (char *p = whole + strlen(made) + 1 ; (p = strchr(p, '/')) ; *p++ = '/')
  {
    *p = 0 ;
    mkdir(whole, 0755) ;
  }
  ck_assert(openwritenclose_unsafe(whole, content, strlen(content))) ;
}

#define RC "etc/s6-overlay/s6-rc.d/"

static void put_link (char const *path, char const *target)
{
  char whole[512] ;
  snprintf(whole, sizeof whole, "%s/%s", made, path) ;
  ck_assert_int_eq(symlink(target, whole), 0) ;
}

static void put_longrun (char const *name)
{
  char path[512] ;
  snprintf(path, sizeof path, RC "%s/type", name) ;
  put(path, "longrun\n") ;
  snprintf(path, sizeof path, RC "%s/run", name) ;
  put(path, "#!/bin/sh\n") ;
}

static void show (void)
{
  size_t pos = 0 ;
  enum fault_weight w ;
  for (char const *line ; (line = faults_next(&f, &pos, &w)) ; ) fprintf(stderr, "%s%s\n", w == FAULT_ERROR ? "error: " : "warning: ", line) ;
}

static int said (char const *text)
{
  size_t pos = 0 ;
  enum fault_weight w ;
  for (char const *line ; (line = faults_next(&f, &pos, &w)) ; )
    if (strstr(line, text)) return 1 ;
  return 0 ;
}

#define SAYS(text) do { if (!said(text)) { show() ; ck_abort_msg("not said: %s", text) ; } } while (0)

static void load (void)
{
  ck_assert_int_eq(source_read(&s, &options, &f), 0) ;
}

static void load_clean (void)
{
  load() ;
  if (f.errors || f.warnings) show() ;
  ck_assert_uint_eq(f.errors + f.warnings, 0) ;
}

static uint32_t at (char const *name)
{
  uint32_t n = graph_find(&s.graph, name) ;
  ck_assert_msg(n != GRAPH_NONE, "there is no %s", name) ;
  return n ;
}

static struct source_service const *record (char const *name)
{
  return source_service(&s, at(name)) ;
}

/* ---- what the graph makes of it: waves of what goes on at the same time */

static int compare (void const *a, void const *b)
{
  return strcmp(graph_name(&s.graph, *(uint32_t const *)a), graph_name(&s.graph, *(uint32_t const *)b)) ;
}

/* Carries out all that is offered, then what is offered next, and so on. "a b | c": a and b
   at the same time, then c. */
static char const *waves (enum graph_level done)
{
  static char text[4096] ;
  text[0] = 0 ;
  for (;;)
  {
    uint32_t wave[128], n = 0 ;
    while (graph_next(&s.graph, wave + n) != GRAPH_IDLE) n++ ;
    if (!n) return text ;
    qsort(wave, n, sizeof *wave, &compare) ;
    if (text[0]) strcat(text, " | ") ;
    for (uint32_t i = 0 ; i < n ; i++)
    {
      if (i) strcat(text, " ") ;
      strcat(text, graph_name(&s.graph, wave[i])) ;
    }
    for (uint32_t i = 0 ; i < n ; i++) graph_set_level(&s.graph, wave[i], done) ;
  }
}

static uint8_t set[256] ;

static char const *boot (void)
{
  memset(set, 0, sizeof set) ;
  set[at("top")] = 1 ;
  graph_close(&s.graph, set, GRAPH_UP) ;
  graph_want_set(&s.graph, set, GRAPH_WANT_UP) ;
  return waves(GRAPH_IS_READY) ;
}

static char const *halt (void)
{
  memset(set, 1, sizeof set) ;
  graph_want_set(&s.graph, set, GRAPH_WANT_DOWN) ;
  return waves(GRAPH_IS_DOWN) ;
}

static char const *stop (char const *name)
{
  memset(set, 0, sizeof set) ;
  set[at(name)] = 1 ;
  graph_expand(&s.graph, set) ;
  graph_close(&s.graph, set, GRAPH_DOWN) ;
  graph_want_set(&s.graph, set, GRAPH_WANT_DOWN) ;
  return waves(GRAPH_IS_DOWN) ;
}

/* The kind of the link between two nodes; -1 if there is none. */
static int link_kind (char const *from, char const *to)
{
  uint32_t n ;
  struct graph_link const *l = graph_deps(&s.graph, at(from), &n) ;
  for (uint32_t i = 0 ; i < n ; i++)
    if (l[i].node == at(to)) return (int)l[i].kind ;
  return -1 ;
}

/* ---- the trees */

START_TEST(linuxserver)
{
  use_tree("linuxserver") ;
  load_clean() ;
  ck_assert_str_eq(boot(), "fix-attrs | legacy-cont-init | init-envfile init-migrations | "
    "init-adduser | init-device-perms | init-os-end | init-config init-crontab-config | init-app-config | init-config-end | "
    "init-mods | init-mods-package-install | init-mods-end | init-custom-files | init-services | svc-app svc-cron | svc-nginx | legacy-services") ;
  ck_assert(graph_ready(&s.graph, at("top"))) ;
  ck_assert(source_has(&s, at("svc-app"), SOURCE_NOTIFICATION_FD)) ;
  ck_assert(!source_has(&s, at("svc-nginx"), SOURCE_NOTIFICATION_FD)) ;
  ck_assert_uint_eq(record("svc-cron")->origin, SOURCE_S6RC) ;
  ck_assert_str_eq(graph_file(&s.graph, at("svc-cron")), "/etc/s6-overlay/s6-rc.d/svc-cron") ;
  ck_assert_str_eq(stop("svc-app"), "svc-nginx | svc-app") ;
  ck_assert_str_eq(halt(), "legacy-services | svc-cron | init-services | init-custom-files | init-mods-end | init-mods-package-install | "
    "init-mods | init-config-end | init-app-config init-crontab-config | init-config | init-os-end | init-device-perms init-envfile | "
    "init-adduser | init-migrations | legacy-cont-init | fix-attrs") ;
}
END_TEST

START_TEST(logger)
{
  use_tree("logger") ;
  load_clean() ;
  ck_assert_str_eq(boot(), "fix-attrs | legacy-cont-init | myapp-log-prepare | myapp-log | myapp myapp-worker | legacy-services") ;
  ck_assert_uint_eq(record("myapp")->consumer, at("myapp-log")) ;
  ck_assert_uint_eq(record("myapp-worker")->consumer, at("myapp-log")) ;
  ck_assert_uint_eq(record("myapp-log")->consumer, GRAPH_NONE) ;
  ck_assert_uint_eq(record("myapp-pipeline")->origin, SOURCE_PIPELINE) ;
  ck_assert_str_eq(stop("myapp-pipeline"), "myapp myapp-worker | myapp-log") ;
}
END_TEST

START_TEST(database)
{
  use_tree("database") ;
  load_clean() ;
  ck_assert_str_eq(boot(), "fix-attrs | legacy-cont-init | database | migrate | app app-worker | legacy-services") ;
  ck_assert_uint_eq(record("database")->timeout_up, 60000) ;
  ck_assert_uint_eq(record("migrate")->timeout_up, 30000) ;
  ck_assert_uint_eq(record("migrate")->timeout_down, 60000) ;
  ck_assert(record("database")->essential) ;
  ck_assert(!record("app")->essential) ;
  ck_assert(source_has(&s, at("database"), SOURCE_TIMEOUT_KILL)) ;
  ck_assert(source_has(&s, at("migrate"), SOURCE_DOWN)) ;
  ck_assert_str_eq(stop("database"), "app app-worker | migrate | database") ;
}
END_TEST

START_TEST(user2)
{
  use_tree("user2") ;
  load_clean() ;
  ck_assert_str_eq(boot(), "fix-attrs | legacy-cont-init | early | web | legacy-services | careless late") ;
  ck_assert_uint_eq(record("web")->origin, SOURCE_SERVICES_D) ;
  ck_assert_str_eq(graph_file(&s.graph, at("web")), "/etc/services.d/web") ;
  ck_assert_str_eq(stop("web"), "web") ;
  ck_assert_str_eq(stop("early"), "early") ;
  ck_assert_str_eq(boot(), "early | web") ;
  ck_assert_str_eq(halt(), "careless late | legacy-services | web | early | legacy-cont-init | fix-attrs") ;
}
END_TEST

/* A failure in `user` lets services.d start; in the longer wait it is settled too. */
START_TEST(a_failure_in_user_does_not_keep_services_d)
{
  uint32_t n, victims[256] ;
  use_tree("user2") ;
  load_clean() ;
  memset(set, 0, sizeof set) ;
  set[at("top")] = 1 ;
  graph_close(&s.graph, set, GRAPH_UP) ;
  graph_want_set(&s.graph, set, GRAPH_WANT_UP) ;
  while (graph_next(&s.graph, &n) != GRAPH_IDLE && n != at("early")) graph_set_level(&s.graph, n, GRAPH_IS_READY) ;
  ck_assert_uint_eq(graph_fail(&s.graph, n, victims), 0) ;
  ck_assert_str_eq(waves(GRAPH_IS_READY), "web | legacy-services | careless late") ;
  ck_assert(graph_settled(&s.graph, at("top")) && !graph_ready(&s.graph, at("top"))) ;
}
END_TEST

START_TEST(legacy_services_waits_for_ready_if_asked)
{
  for (unsigned int wait = 0 ; wait < 2 ; wait++)
  {
    use_tree("user2") ;
    options.flags = wait ? SOURCE_WAIT_READY : 0 ;
    load_clean() ;
    boot() ;
    graph_set_level(&s.graph, at("late"), GRAPH_IS_DOWN) ;
    graph_set_level(&s.graph, at("legacy-services"), GRAPH_IS_DOWN) ;
    graph_set_level(&s.graph, at("web"), GRAPH_IS_STARTED) ;
    ck_assert_str_eq(waves(GRAPH_IS_READY), wait ? "" : "legacy-services | late") ;
    ck_assert_int_eq(graph_settled(&s.graph, at("top")), !wait) ;
    teardown() ;
    setup() ;
  }
}
END_TEST

START_TEST(halt_tree)
{
  use_tree("halt") ;
  load_clean() ;
  ck_assert_str_eq(boot(), "fix-attrs | legacy-cont-init | main slow | never | legacy-services") ;
}
END_TEST

START_TEST(mixed)
{
  use_tree("mixed") ;
  load_clean() ;
  ck_assert_str_eq(boot(), "fix-attrs | legacy-cont-init | cache prepare@1 prepare@two | backend | worker@1 worker@two | front | legacy-services") ;
  ck_assert_str_eq(source_argument(&s, at("worker@two")), "two") ;
  ck_assert_str_eq(source_argument(&s, at("prepare@1")), "1") ;
  ck_assert_ptr_null(source_argument(&s, at("backend"))) ;
  ck_assert_str_eq(graph_file(&s.graph, at("worker@1")), "/etc/s6-overlay/s6-rc.d/worker@") ;
  ck_assert_uint_eq(graph_find(&s.graph, "worker@"), GRAPH_NONE) ;
  ck_assert_str_eq(stop("backend"), "front | worker@1 worker@two | backend") ;
}
END_TEST

START_TEST(homeassistant)
{
  use_tree("homeassistant") ;
  load_clean() ;
  ck_assert_str_eq(boot(), "base-addon-log-level fix-attrs | legacy-cont-init | base-addon-banner | addon legacy-services") ;
  ck_assert_uint_eq(graph_kind_of(&s.graph, at("legacy-cont-init")), GRAPH_BUILTIN) ;
  ck_assert_uint_eq(record("legacy-cont-init")->type, GRAPH_ONESHOT) ;
  /* v3's own sources lie there too; they make nothing stronger than it is */
  ck_assert_int_eq(link_kind("legacy-services", "user"), GRAPH_AFTER) ;
}
END_TEST

/* What images and add-ons write below /package/admin: to each of the built-in names, with or without
   more than that one file. */
START_TEST(additions_to_built_in_names)
{
  static char const *const names[] = { "early", "before-init", "in-base", "before-services", "beside" } ;
  use_empty_root() ;
  for (size_t i = 0 ; i < sizeof names / sizeof *names ; i++) put_longrun(names[i]) ;
  put("package/admin/s6-overlay/etc/s6-rc/sources/fix-attrs/dependencies.d/early", "") ;
  put("package/admin/s6-overlay-3.2.0.2/etc/s6-rc/sources/legacy-cont-init/dependencies.d/before-init", "") ;
  put("package/admin/s6-overlay-3.2.0.2/etc/s6-rc/sources/base/contents.d/in-base", "") ;
  put("package/admin/s6-overlay-3.2.0.2/etc/s6-rc/sources/legacy-services/dependencies.d/before-services", "") ;
  put("package/admin/s6-overlay-3.2.0.2/etc/s6-rc/sources/top/contents.d/beside", "") ;
  put("package/admin/s6-overlay-3.2.0.2/etc/s6-rc/sources/top/type", "bundle\n") ;
  put("package/admin/s6-rc/etc/s6-rc/sources/top/contents.d/nobody", "") ;
  load_clean() ;
  ck_assert_str_eq(boot(), "before-init before-services beside early in-base | fix-attrs | legacy-cont-init | legacy-services") ;
}
END_TEST

START_TEST(reached)
{
  uint32_t victims[256] ;
  use_tree("reached") ;
  load_clean() ;
  ck_assert_str_eq(boot(), "fix-attrs | legacy-cont-init | broken optional | needs-broken needs-optional | needs-both | legacy-services") ;
  graph_reset(&s.graph) ;
  memset(set, 1, sizeof set) ;
  graph_want_set(&s.graph, set, GRAPH_WANT_UP) ;
  ck_assert_uint_eq(graph_fail(&s.graph, at("broken"), victims), 2) ;
  ck_assert_uint_eq(victims[0], at("needs-broken")) ;
  ck_assert_uint_eq(victims[1], at("needs-both")) ;
}
END_TEST

START_TEST(profiles_and_bundle_directories)
{
  static struct { char const *profile ; char const *bundledir ; char const *order ; } const cases[] =
  {
    { 0, 0, "common fix-attrs | legacy-cont-init | everyday | legacy-services" },
    { "", "", "common fix-attrs | legacy-cont-init | everyday | legacy-services" },
    { "test", 0, "fix-attrs special | legacy-cont-init | tester | legacy-services" },
    { "test", "/opt/bundles", "elsewhere fix-attrs special | legacy-cont-init | tester | legacy-services" },
    { "none", 0, "fix-attrs | legacy-cont-init | legacy-services" }
  } ;
  use_tree("profile") ;
  options.profile = cases[_i].profile ;
  options.bundledir = cases[_i].bundledir ;
  load_clean() ;
  ck_assert_str_eq(boot(), cases[_i].order) ;
}
END_TEST

START_TEST(no_trees_at_all)
{
  use_empty_root() ;
  load_clean() ;
  ck_assert_str_eq(boot(), "fix-attrs | legacy-cont-init | legacy-services") ;
  ck_assert(graph_ready(&s.graph, at("user")) && graph_ready(&s.graph, at("user2"))) ;
}
END_TEST

START_TEST(user_after_base_if_asked)
{
  use_tree("profile") ;
  options.flags = SOURCE_USER_AFTER_BASE ;
  load_clean() ;
  ck_assert_str_eq(boot(), "fix-attrs | legacy-cont-init | common | everyday | legacy-services") ;
}
END_TEST

START_TEST(says_every_fault_in_one_run)
{
  static char const *const lines[] =
  {
    "cycle: a -> b -> c -> a: each waits for the next, so none can start; break it, for instance at /etc/s6-overlay/s6-rc.d/a/dependencies.d/b",
    "cycle: a -> b -> a: each waits",
    "/etc/s6-overlay/s6-rc.d/web/dependencies.d/databse: there is no service databse; did you mean database?",
    "/etc/s6-overlay/s6-rc.d/worker/dependencies.d/kafka: there is no service kafka; define it, or remove this",
    "/etc/s6-overlay/user-bundles.d/user/contents.d/nobody: there is no service nobody",
    "/etc/s6-overlay/s6-rc.d/typo/type: longrum is no type; it must be longrun, oneshot or bundle",
    "/etc/s6-overlay/s6-rc.d/untyped/type: there is no such file; write longrun, oneshot or bundle into it",
    "/etc/s6-overlay/s6-rc.d/no-run/run: there is no such file",
    "/etc/s6-overlay/s6-rc.d/no-up/up: there is no such file",
    "/etc/s6-overlay/s6-rc.d/log2/consumer-for: producer has two consumers, log1 (by /etc/s6-overlay/s6-rc.d/producer/producer-for) and log2",
    "/etc/s6-overlay/s6-rc.d/lonely/producer-for: deaf does not say so too; write lonely into /etc/s6-overlay/s6-rc.d/deaf/consumer-for",
    "/etc/s6-overlay/s6-rc.d/talks-to-once/producer-for: once is no longrun",
    "/etc/s6-overlay/s6-rc.d/greedy/producer-for: it must name exactly one service",
    "/etc/s6-overlay/s6-rc.d/slow/timeout-up: this is no number of milliseconds",
    "/etc/s6-overlay/s6-rc.d/s6rc-mine: names that begin with s6rc- and s6-rc- are reserved",
    "/etc/s6-overlay/s6-rc.d/base: there is a base already, defined in (built in)",
    "/etc/s6-overlay/user-bundles.d/database: there is a database already, defined in /etc/s6-overlay/s6-rc.d/database",
    "the bundle user has members in s6-rc.d and in the bundle directory"
  } ;
  use_tree("faults") ;
  load() ;
  for (size_t i = 0 ; i < sizeof lines / sizeof *lines ; i++) SAYS(lines[i]) ;
  if (f.errors != 16) show() ;
  ck_assert_uint_eq(f.errors, 16) ;
  ck_assert_uint_eq(f.warnings, 2) ;
}
END_TEST

/* ---- forms */

START_TEST(one_file_lists)
{
  use_empty_root() ;
  put_longrun("a") ;
  put_longrun("b c") ;
  put_longrun("d") ;
  put(RC "d/dependencies", "# comment\n\n  a\r\n\tb c\na") ;
  load_clean() ;
  uint32_t n ;
  struct graph_link const *l = graph_deps(&s.graph, at("d"), &n) ;
  ck_assert_uint_eq(n, 2) ;
  ck_assert_uint_eq(l[0].node, at("a")) ;
  ck_assert_uint_eq(l[1].node, at("b c")) ;
}
END_TEST

START_TEST(directory_lists_win_over_files)
{
  use_empty_root() ;
  put_longrun("a") ;
  put_longrun("b") ;
  put_longrun("c") ;
  put(RC "c/dependencies", "a\n") ;
  put(RC "c/dependencies.d/b", "") ;
  put(RC "c/dependencies.d/.gitkeep", "") ;
  load_clean() ;
  uint32_t n ;
  ck_assert_uint_eq(graph_deps(&s.graph, at("c"), &n)->node, at("b")) ;
  ck_assert_uint_eq(n, 1) ;
}
END_TEST

START_TEST(what_is_no_definition_is_skipped)
{
  use_empty_root() ;
  put_longrun("a") ;
  put(RC ".hidden/type", "nonsense\n") ;
  put(RC "README.md", "text\n") ;
  ck_assert_int_eq(symlinkat("nowhere", options.rootfd, RC "dangling"), 0) ;
  ck_assert_int_eq(symlinkat("../../elsewhere", options.rootfd, RC "linked"), 0) ;
  put("etc/elsewhere/type", "longrun") ;
  put("etc/elsewhere/run", "") ;
  load_clean() ;
  ck_assert_uint_eq(record("linked")->type, GRAPH_LONGRUN) ;
}
END_TEST

START_TEST(a_tree_reached_twice_is_read_once)
{
  use_empty_root() ;
  put_longrun("a") ;
  put(RC "user/contents.d/a", "") ;
  options.bundledir = "/etc/s6-overlay/s6-rc.d" ;
  load_clean() ;
}
END_TEST

START_TEST(bundles_are_merged_with_a_warning)
{
  use_empty_root() ;
  put_longrun("a") ;
  put_longrun("b") ;
  put(RC "user/contents.d/a", "") ;
  put("etc/s6-overlay/user-bundles.d/user/type", "bundle") ;
  put("etc/s6-overlay/user-bundles.d/user/contents.d/b", "") ;
  load() ;
  ck_assert_uint_eq(f.errors, 0) ;
  ck_assert_uint_eq(f.warnings, 1) ;
  SAYS("the bundle user has members in s6-rc.d and in the bundle directory: both count") ;
  ck_assert_str_eq(boot(), "a b fix-attrs | legacy-cont-init | legacy-services") ;
}
END_TEST

START_TEST(an_empty_older_place_is_no_reason_to_warn)
{
  use_empty_root() ;
  put_longrun("b") ;
  put(RC "user/contents.d/.gitkeep", "") ;
  put("etc/s6-overlay/user-bundles.d/user/contents.d/b", "") ;
  load_clean() ;
}
END_TEST

START_TEST(a_bundle_passes_dependencies_and_flags_on)
{
  use_empty_root() ;
  put_longrun("a") ;
  put_longrun("b") ;
  put_longrun("before") ;
  put(RC "both/type", "bundle\n") ;
  put(RC "both/contents.d/a", "") ;
  put(RC "both/contents.d/inner", "") ;
  put(RC "inner/type", "bundle\n") ;
  put(RC "inner/contents.d/b", "") ;
  put(RC "both/dependencies.d/before", "") ;
  put(RC "both/flag-essential", "") ;
  put(RC "inner/flag-recommended", "") ;
  put(RC "user/contents.d/both", "") ;
  load_clean() ;
  ck_assert_str_eq(boot(), "before fix-attrs | a b legacy-cont-init | legacy-services") ;
  ck_assert(record("a")->essential && record("b")->essential && !record("before")->essential) ;
  ck_assert(!record("a")->recommended && record("b")->recommended) ;
}
END_TEST

START_TEST(unknown_dependency_of_an_empty_bundle)
{
  use_empty_root() ;
  put(RC "b/type", "bundle\n") ;
  put(RC "b/contents.d/.gitkeep", "") ;
  put(RC "b/dependencies.d/lost", "") ;
  load() ;
  ck_assert_uint_eq(f.errors, 1) ;
  SAYS("b/dependencies.d/lost: there is no service lost") ;
}
END_TEST

START_TEST(a_longer_pipeline)
{
  use_empty_root() ;
  put_longrun("first") ;
  put_longrun("middle") ;
  put_longrun("last") ;
  put(RC "first/producer-for", "middle") ;
  put(RC "middle/consumer-for", "first\n") ;
  put(RC "middle/producer-for", "last\n") ;
  put(RC "middle/pipeline-name", "ignored\n") ;
  put(RC "last/consumer-for", "middle\n") ;
  put(RC "last/pipeline-name", "line\n") ;
  put(RC "user/contents.d/line", "") ;
  load() ;
  ck_assert_uint_eq(f.errors, 0) ;
  ck_assert_uint_eq(f.warnings, 1) ;
  SAYS("middle/pipeline-name: ignored") ;
  ck_assert_str_eq(boot(), "fix-attrs last | legacy-cont-init middle | first | legacy-services") ;
  ck_assert_uint_eq(record("first")->consumer, at("middle")) ;
  ck_assert_uint_eq(record("middle")->consumer, at("last")) ;
}
END_TEST

START_TEST(pipes_in_a_circle)
{
  use_empty_root() ;
  put_longrun("a") ;
  put_longrun("b") ;
  put(RC "a/producer-for", "b") ;
  put(RC "b/consumer-for", "a") ;
  put(RC "b/producer-for", "a") ;
  put(RC "a/consumer-for", "b") ;
  load() ;
  ck_assert_uint_eq(f.errors, 1) ;
  SAYS("cycle: a -> b -> a: each waits for the next, so none can start; break it, for instance at /etc/s6-overlay/s6-rc.d/a/producer-for") ;
}
END_TEST

START_TEST(a_pipeline_may_not_take_a_name)
{
  use_empty_root() ;
  put_longrun("a") ;
  put_longrun("log") ;
  put(RC "a/producer-for", "log") ;
  put(RC "log/consumer-for", "a") ;
  put(RC "log/pipeline-name", "a") ;
  load() ;
  ck_assert_uint_eq(f.errors, 1) ;
  SAYS("log/pipeline-name: there is a a already, defined in /etc/s6-overlay/s6-rc.d/a") ;
}
END_TEST

/* ---- instances */

START_TEST(extra_instances)
{
  static char const *const extra[] = { "w@1", "w@", "none@1", "w@1", 0 } ;
  use_empty_root() ;
  put_longrun("w@") ;
  options.extra = extra ;
  load_clean() ;
  ck_assert_uint_eq(graph_find(&s.graph, "none@1"), GRAPH_NONE) ;
  ck_assert_uint_eq(graph_find(&s.graph, "w@"), GRAPH_NONE) ;
  ck_assert_str_eq(source_argument(&s, at("w@1")), "1") ;
  int fd = source_open(&s, options.rootfd, at("w@1")) ;
  ck_assert_int_ge(fd, 0) ;
  ck_assert_int_eq(faccessat(fd, "run", F_OK, 0), 0) ;
  close(fd) ;
}
END_TEST

START_TEST(a_template_is_no_service)
{
  use_empty_root() ;
  put_longrun("w@") ;
  put_longrun("a") ;
  put(RC "a/dependencies.d/w@", "") ;
  put(RC "a/dependencies.d/w@x", "") ;
  load() ;
  ck_assert_uint_eq(f.errors, 1) ;
  SAYS("there is no service w@ (an instance has its argument after the @); did you mean w@x?") ;
}
END_TEST

START_TEST(instances_of_a_pipeline)
{
  use_empty_root() ;
  put_longrun("w@") ;
  put_longrun("w-log@") ;
  put(RC "w@/producer-for", "w-log@") ;
  put(RC "w-log@/consumer-for", "w@") ;
  put(RC "w-log@/pipeline-name", "w-line@") ;
  put(RC "user/contents.d/w@1", "") ;
  put(RC "user/contents.d/w@2", "") ;
  load_clean() ;
  ck_assert_uint_eq(record("w@2")->consumer, at("w-log@2")) ;
  ck_assert_uint_eq(record("w-line@1")->type, GRAPH_BUNDLE) ;
  ck_assert_str_eq(boot(), "fix-attrs w-log@1 w-log@2 | legacy-cont-init w@1 w@2 | legacy-services") ;
}
END_TEST

/* In services.d a link to a template is an instance that the boot starts, with the template's own
   lists; a link to another entry is a second name and nothing else. */
START_TEST(links_in_services_d)
{
  use_empty_root() ;
  put("etc/services.d/w@/run", "") ;
  put("etc/services.d/w@/dependencies.d/db@", "") ;
  put("etc/services.d/db@/run", "") ;
  put("etc/services.d/plain/run", "") ;
  put_link("etc/services.d/w@1", "w@") ;
  put_link("etc/services.d/w-1", "w@1") ;
  put_link("etc/services.d/other", "plain") ;
  put_link("etc/services.d/far", "/etc/services.d/plain") ;
  put_link("etc/services.d/lost", "nothing") ;
  load_clean() ;
  ck_assert_uint_eq(graph_find(&s.graph, "w-1"), GRAPH_NONE) ;
  ck_assert_uint_eq(graph_find(&s.graph, "other"), GRAPH_NONE) ;
  ck_assert_uint_eq(graph_find(&s.graph, "lost"), GRAPH_NONE) ;
  ck_assert_str_eq(source_argument(&s, at("w@1")), "1") ;
  ck_assert_str_eq(source_argument(&s, at("db@1")), "1") ;
  ck_assert_ptr_null(source_argument(&s, at("plain"))) ;
  ck_assert_str_eq(boot(), "fix-attrs | legacy-cont-init | db@1 plain | w@1 | legacy-services") ;
}
END_TEST

/* Each instance asks for one with a longer name: the limit of file names ends it. */
START_TEST(instances_without_end)
{
  use_empty_root() ;
  put_longrun("w@") ;
  put(RC "w@/dependencies.d/w@@", "") ;
  put(RC "user/contents.d/w@1", "") ;
  load() ;
  ck_assert_uint_eq(f.errors, 1) ;
  SAYS("names an instance whose name is too long") ;
}
END_TEST

/* ---- what somebody may have put there */

START_TEST(nothing_blocks)
{
  use_empty_root() ;
  put_longrun("a") ;
  put(RC "fifo/run", "") ;
  ck_assert_int_eq(mkfifoat(options.rootfd, RC "fifo/type", 0600), 0) ;
  put(RC "zero/run", "") ;
  ck_assert_int_eq(symlinkat("/dev/zero", options.rootfd, RC "zero/type"), 0) ;
  put(RC "dir/type/x", "") ;
  put(RC "dir/run", "") ;
  put_longrun("deps") ;
  ck_assert_int_eq(mkfifoat(options.rootfd, RC "deps/dependencies", 0600), 0) ;
  put_longrun("deps-d") ;
  put(RC "deps-d/dependencies.d", "") ;
  put(RC "run/type", "longrun") ;
  ck_assert_int_eq(mkfifoat(options.rootfd, RC "run/run", 0600), 0) ;
  load() ;
  ck_assert_uint_eq(f.errors, 6) ;
  SAYS("fifo/type: unable to read: it is no regular file; put one there") ;
  SAYS("zero/type: unable to read: it is no regular file") ;
  SAYS("dir/type: unable to read: it is no regular file") ;
  SAYS("deps/dependencies: unable to read: it is no regular file") ;
  SAYS("deps-d/dependencies.d: unable to read: Not a directory") ;
  SAYS("run/run: unable to read: it is no regular file") ;
}
END_TEST

START_TEST(sizes)
{
  char big[8192] ;
  stralloc names = STRALLOC_ZERO ;
  char name[UINT_FMT + 1] ;
  use_empty_root() ;
  memset(big, 'x', sizeof big - 1) ;
  big[sizeof big - 1] = 0 ;
  put_longrun("a") ;
  put(RC "a/timeout-up", big) ;
  put(RC "b/type", "bundle\n") ;
  for (unsigned int i = 0 ; i < 3000 ; i++)      /* more than 4 KiB */
  {
    size_t len = uint_fmt(name, i) ;
    name[len++] = '\n' ;
    stralloc_catb(&names, name, len) ;
  }
  stralloc_0(&names) ;
  put(RC "b/contents", names.s) ;
  load() ;
  ck_assert_uint_eq(f.errors, 3001) ;
  SAYS("a/timeout-up: unable to read: it is too large for a file of this kind") ;
  SAYS("b/contents: there is no service 2999") ;
  stralloc_free(&names) ;
}
END_TEST

START_TEST(odd_names)
{
  use_empty_root() ;
  put_longrun("new\nline") ;
  put_longrun("s6-rc-x") ;
  put_longrun("name with \303\244 and blanks") ;
  put(RC "user/type", "longrun\n") ;
  load() ;
  ck_assert_uint_eq(f.errors, 3) ;
  SAYS("new?line: a name may not contain a newline; rename it") ;
  SAYS("s6-rc-x: names that begin with") ;
  SAYS("user/type: this name is a bundle's") ;
  at("name with \303\244 and blanks") ;
}
END_TEST

START_TEST(a_missing_bundle_directory_that_was_named)
{
  use_empty_root() ;
  options.bundledir = "/no/such" ;
  load() ;
  ck_assert_uint_eq(f.errors, 1) ;
  SAYS("/no/such: there is no such directory; S6_RUNTIME_BUNDLEDIR must name one, or be unset") ;
}
END_TEST

START_TEST(many_services)
{
  char path[64] ;
  use_empty_root() ;
  for (unsigned int i = 0 ; i < 1000 ; i++)
  {
    snprintf(path, sizeof path, "etc/services.d/s%u/run", i) ;
    put(path, "") ;
  }
  load_clean() ;
  ck_assert_uint_eq(graph_size(&s.graph), 1009) ;
}
END_TEST

/* ---- up and down */

static struct { char const *text ; size_t len ; int empty ; } const oneshots[] =
{
#define ONESHOT(text, empty) { text, sizeof text - 1, empty }
  ONESHOT("", 1),
  ONESHOT("\n \t\r\n", 1),
  ONESHOT("# This file doesn't do anything", 1),
  ONESHOT("#!/bin/sh\n\n\t# more\r\n", 1),
  ONESHOT("\v\f\001 # x\n", 1),
  ONESHOT("\\\n#x\n", 1),
  ONESHOT("\\", 1),
  ONESHOT("# x\0echo hi\n", 1),
  ONESHOT("\0echo", 1),
  ONESHOT("true", 0),
  ONESHOT("# x\n  true # y", 0),
  ONESHOT("\"\"", 0),
  ONESHOT("\\ ", 0),
  ONESHOT("\\#", 0),
  ONESHOT("{ }", 0)
} ;

START_TEST(oneshots_that_do_nothing)
{
  char name[] = "/tmp/test_source.XXXXXX" ;
  int fd = mkstemp(name) ;
  ck_assert_int_ge(fd, 0) ;
  unlink(name) ;
  ck_assert_int_eq(write(fd, oneshots[_i].text, oneshots[_i].len), (int)oneshots[_i].len) ;
  ck_assert_int_eq(source_oneshot_is_empty(fd), oneshots[_i].empty) ;
  ck_assert_int_eq(lseek(fd, 0, SEEK_CUR), (int)oneshots[_i].len) ;
  close(fd) ;
}
END_TEST

START_TEST(a_long_comment)
{
  char name[] = "/tmp/test_source.XXXXXX" ;
  char line[2000] ;
  int fd = mkstemp(name) ;
  ck_assert_int_ge(fd, 0) ;
  unlink(name) ;
  memset(line, 'x', sizeof line) ;
  line[0] = '#' ;
  ck_assert_int_eq(write(fd, line, sizeof line), sizeof line) ;
  ck_assert_int_eq(source_oneshot_is_empty(fd), 1) ;
  ck_assert_int_eq(write(fd, "\nx", 2), 2) ;
  ck_assert_int_eq(source_oneshot_is_empty(fd), 0) ;
  close(fd) ;
  ck_assert_int_eq(source_oneshot_is_empty(fd), -1) ;
}
END_TEST

#define COUNT(array) (int)(sizeof(array) / sizeof *(array))

static Suite *suite (void)
{
  Suite *all = suite_create("source") ;
  TCase *c = tcase_create("trees") ;
  tcase_add_checked_fixture(c, &setup, &teardown) ;
  tcase_add_test(c, linuxserver) ;
  tcase_add_test(c, logger) ;
  tcase_add_test(c, database) ;
  tcase_add_test(c, user2) ;
  tcase_add_test(c, a_failure_in_user_does_not_keep_services_d) ;
  tcase_add_test(c, legacy_services_waits_for_ready_if_asked) ;
  tcase_add_test(c, halt_tree) ;
  tcase_add_test(c, mixed) ;
  tcase_add_test(c, homeassistant) ;
  tcase_add_test(c, additions_to_built_in_names) ;
  tcase_add_test(c, reached) ;
  tcase_add_loop_test(c, profiles_and_bundle_directories, 0, 5) ;
  tcase_add_test(c, no_trees_at_all) ;
  tcase_add_test(c, user_after_base_if_asked) ;
  tcase_add_test(c, says_every_fault_in_one_run) ;
  suite_add_tcase(all, c) ;
  c = tcase_create("forms") ;
  tcase_add_checked_fixture(c, &setup, &teardown) ;
  tcase_add_test(c, one_file_lists) ;
  tcase_add_test(c, directory_lists_win_over_files) ;
  tcase_add_test(c, what_is_no_definition_is_skipped) ;
  tcase_add_test(c, a_tree_reached_twice_is_read_once) ;
  tcase_add_test(c, bundles_are_merged_with_a_warning) ;
  tcase_add_test(c, an_empty_older_place_is_no_reason_to_warn) ;
  tcase_add_test(c, a_bundle_passes_dependencies_and_flags_on) ;
  tcase_add_test(c, unknown_dependency_of_an_empty_bundle) ;
  tcase_add_test(c, a_longer_pipeline) ;
  tcase_add_test(c, pipes_in_a_circle) ;
  tcase_add_test(c, a_pipeline_may_not_take_a_name) ;
  tcase_add_test(c, extra_instances) ;
  tcase_add_test(c, a_template_is_no_service) ;
  tcase_add_test(c, instances_of_a_pipeline) ;
  tcase_add_test(c, links_in_services_d) ;
  tcase_add_test(c, instances_without_end) ;
  tcase_add_test(c, nothing_blocks) ;
  tcase_add_test(c, sizes) ;
  tcase_add_test(c, odd_names) ;
  tcase_add_test(c, a_missing_bundle_directory_that_was_named) ;
  tcase_add_test(c, many_services) ;
  suite_add_tcase(all, c) ;
  c = tcase_create("oneshots") ;
  tcase_add_loop_test(c, oneshots_that_do_nothing, 0, COUNT(oneshots)) ;
  tcase_add_test(c, a_long_comment) ;
  suite_add_tcase(all, c) ;
  return all ;
}

int main (void)
{
  SRunner *r = srunner_create(suite()) ;
  srunner_run_all(r, CK_NORMAL) ;
  int failed = srunner_ntests_failed(r) ;
  srunner_free(r) ;
  return !!failed ;
}
