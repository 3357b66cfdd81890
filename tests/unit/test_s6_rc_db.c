/* ISC license. */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

#include <skalibs/djbunix.h>
#include <skalibs/stralloc.h>

#include "tools/tools.h"

char const *PROG = "s6-rc-db" ;

#define ARGS_MAX 12

/* What a run said, on both outputs, and its exit code. */
struct answer { stralloc out, err ; int code ; } ;

static void run (struct answer *a, char const *const *argv)
{
  int o[2], e[2], status, argc = 0 ;
  while (argv[argc]) argc++ ;
  ck_assert(pipe(o) == 0 && pipe(e) == 0) ;
  pid_t pid = fork() ;
  ck_assert_int_ge(pid, 0) ;
  if (!pid)
  {
    dup2(o[1], 1) ;
    dup2(e[1], 2) ;
    close(o[0]) ; close(o[1]) ; close(e[0]) ; close(e[1]) ;
    _exit(s6_rc_db_main(argc, argv)) ;
  }
  close(o[1]) ;
  close(e[1]) ;
  ck_assert(slurp(&a->out, o[0]) && slurp(&a->err, e[0])) ;   /* what it says on 2 fits a pipe */
  close(o[0]) ;
  close(e[0]) ;
  ck_assert_int_eq(waitpid(pid, &status, 0), pid) ;
  ck_assert(WIFEXITED(status)) ;
  a->code = WEXITSTATUS(status) ;
}

static void forget (struct answer *a)
{
  stralloc_free(&a->out) ;
  stralloc_free(&a->err) ;
}

static char tree[512] ;

static void use_tree (char const *name)
{
  snprintf(tree, sizeof tree, "%.*strees/%s", (int)(sizeof __FILE__ - sizeof "unit/test_s6_rc_db.c"), __FILE__, name) ;
}

/* Splits "-d dependencies x" into words after "s6-rc-db -R TREE"; names here have no blanks. */
static void ask (struct answer *a, char const *question)
{
  static char words[256] ;
  char const *argv[ARGS_MAX] = { "s6-rc-db", "-R", tree } ;
  int argc = 3 ;
  strcpy(words, question) ;
  for (char *rest = words, *w ; (w = strtok_r(rest, " ", &rest)) ; ) argv[argc++] = w ;
  run(a, argv) ;
}

static struct { char const *tree ; char const *question ; int code ; char const *out ; } const cases[] =
{
  { "database", "list oneshots", 0, "fix-attrs\nlegacy-cont-init\nlegacy-services\nmigrate\n" },
  { "database", "list longruns", 0, "s6rc-oneshot-runner\ns6rc-fdholder\napp\napp-worker\ndatabase\n" },
  { "database", "list bundles", 0, "base\nuser\nuser2\ntop\napplication\n" },
  { "database", "list nonsense", 100, "" },
  { "database", "list", 100, "" },
  { "database", "check me", 100, "" },
  { "database", "nonsense", 100, "" },
  { "database", "check", 0, "" },
  { "database", "-b -l /run/s6-rc -c /run/s6/db check", 0, "" },
  { "database", "type database", 0, "longrun\n" },
  { "database", "type migrate", 0, "oneshot\n" },
  { "database", "type application", 0, "bundle\n" },
  { "database", "type legacy-cont-init", 0, "oneshot\n" },
  { "database", "type databse", 3, "" },
  { "database", "timeout migrate", 0, "30000\n" },
  { "database", "-d timeout migrate", 0, "60000\n" },
  { "database", "timeout app", 0, "0\n" },
  { "database", "timeout application", 5, "" },
  { "database", "contents user", 0, "app\napp-worker\n" },
  { "database", "contents app", 5, "" },
  { "database", "dependencies app", 0, "migrate\n" },
  { "database", "dependencies application", 0, "migrate\n" },
  { "database", "dependencies database", 0, "fix-attrs\nlegacy-cont-init\n" },
  { "database", "-d dependencies migrate", 0, "app\napp-worker\n" },
  { "database", "-d dependencies fix-attrs", 0, "legacy-cont-init\nlegacy-services\ndatabase\n" },
  { "database", "-d dependencies app", 0, "" },
  { "database", "all-dependencies app", 0, "fix-attrs\nlegacy-cont-init\napp\ndatabase\nmigrate\n" },
  { "database", "-d all-dependencies database", 0, "app\napp-worker\ndatabase\nmigrate\n" },
  { "database", "atomics application migrate", 0, "app\napp-worker\nmigrate\n" },
  { "database", "flags database", 0, "00000001\n" },
  { "database", "flags app", 0, "00000000\n" },
  { "database", "script app", 5, "" },
  { "database", "pipeline app", 0, "app\n" },
  { "database", "pipeline migrate", 5, "" },
  { "logger", "pipeline myapp", 0, "myapp\nmyapp-worker\nmyapp-log\n" },
  { "logger", "contents myapp-pipeline", 0, "myapp\nmyapp-log\nmyapp-worker\n" },
  { "logger", "dependencies myapp", 0, "fix-attrs\nlegacy-cont-init\nmyapp-log\n" },
  { "mixed", "dependencies front", 0, "legacy-cont-init\nbackend\ncache\n" },
  { "mixed", "type worker@7", 0, "longrun\n" },
  { "mixed", "dependencies worker@7", 0, "backend\nprepare@7\n" },
  { "mixed", "type worker@", 3, "" },
  { "linuxserver", "dependencies init-os-end", 0, "init-adduser\ninit-device-perms\ninit-envfile\n" },
  { "homeassistant", "contents base", 0, "fix-attrs\nlegacy-cont-init\nbase-addon-banner\n" },
  { "faults", "check", 4, "" },
  { "faults", "list all", 4, "" }
} ;

START_TEST(answers)
{
  struct answer a = { STRALLOC_ZERO, STRALLOC_ZERO, 0 } ;
  use_tree(cases[_i].tree) ;
  ask(&a, cases[_i].question) ;
  ck_assert(stralloc_0(&a.out) && stralloc_0(&a.err)) ;
  ck_assert_msg(a.code == cases[_i].code, "%s in %s: exit code %d: %s", cases[_i].question, cases[_i].tree, a.code, a.err.s) ;
  ck_assert_str_eq(a.out.s, cases[_i].out) ;
  ck_assert_msg(!a.code == !a.err.s[0], "%s: %s", cases[_i].question, a.err.s) ;
  forget(&a) ;
}
END_TEST

START_TEST(scripts_end_each_word_with_a_null)
{
  static char const up[] = "/etc/s6-overlay/scripts/migrate\0up" ;
  static char const down[] = "/etc/s6-overlay/scripts/migrate\0down" ;
  struct answer a = { STRALLOC_ZERO, STRALLOC_ZERO, 0 } ;
  use_tree("database") ;
  ask(&a, "script migrate") ;
  ck_assert_uint_eq(a.out.len, sizeof up) ;
  ck_assert_mem_eq(a.out.s, up, sizeof up) ;
  a.out.len = 0 ;
  ask(&a, "-d script migrate") ;
  ck_assert_uint_eq(a.out.len, sizeof down) ;
  ck_assert_mem_eq(a.out.s, down, sizeof down) ;
  forget(&a) ;
}
END_TEST

START_TEST(comments_alone_are_no_words)
{
  struct answer a = { STRALLOC_ZERO, STRALLOC_ZERO, 0 } ;
  use_tree("linuxserver") ;
  ask(&a, "script init-mods") ;
  ck_assert_int_eq(a.code, 0) ;
  ck_assert_uint_eq(a.out.len, 0) ;
  forget(&a) ;
}
END_TEST

START_TEST(a_name_that_is_near)
{
  struct answer a = { STRALLOC_ZERO, STRALLOC_ZERO, 0 } ;
  use_tree("database") ;
  ask(&a, "type databse") ;
  ck_assert(stralloc_0(&a.err)) ;
  ck_assert_str_eq(a.err.s, "s6-rc-db: fatal: there is no service databse; did you mean database?\n") ;
  forget(&a) ;
}
END_TEST

START_TEST(variables_choose_the_trees)
{
  struct answer a = { STRALLOC_ZERO, STRALLOC_ZERO, 0 } ;
  use_tree("profile") ;
  setenv("S6_RUNTIME_PROFILE", "test", 1) ;
  setenv("S6_RUNTIME_BUNDLEDIR", "/opt/bundles", 1) ;
  ask(&a, "contents user") ;
  ck_assert(stralloc_0(&a.out)) ;
  ck_assert_str_eq(a.out.s, "special\nelsewhere\n") ;
  forget(&a) ;
}
END_TEST

/* A shell script in `up` is what people write by mistake. */
START_TEST(check_lexes_the_scripts)
{
  struct answer a = { STRALLOC_ZERO, STRALLOC_ZERO, 0 } ;
  char path[1024] ;
  strcpy(tree, "/tmp/test_s6_rc_db.XXXXXX") ;
  ck_assert(mkdtemp(tree)) ;
  static char const *const dirs[] = { "/etc", "/etc/s6-overlay", "/etc/s6-overlay/s6-rc.d", "/etc/s6-overlay/s6-rc.d/x" } ;
  for (size_t i = 0 ; i < sizeof dirs / sizeof *dirs ; i++)
  {
    snprintf(path, sizeof path, "%s%s", tree, dirs[i]) ;
    ck_assert_int_eq(mkdir(path, 0755), 0) ;
  }
  snprintf(path, sizeof path, "%s/etc/s6-overlay/s6-rc.d/x/type", tree) ;
  ck_assert(openwritenclose_unsafe(path, "oneshot", 7)) ;
  snprintf(path, sizeof path, "%s/etc/s6-overlay/s6-rc.d/x/up", tree) ;
  ck_assert(openwritenclose_unsafe(path, "echo it's { no shell\n", 21)) ;
  snprintf(path, sizeof path, "%s/etc/s6-overlay/s6-rc.d/x/down", tree) ;
  ck_assert(openwritenclose_unsafe(path, "echo \"open\n", 11)) ;
  ask(&a, "check") ;
  ck_assert(stralloc_0(&a.err)) ;
  ck_assert_int_eq(a.code, 4) ;
  ck_assert_ptr_nonnull(strstr(a.err.s, "/s6-rc.d/x/up: unmatched {")) ;
  ck_assert_ptr_nonnull(strstr(a.err.s, "/s6-rc.d/x/down: syntax error; it is one command line for execlineb, not a shell script")) ;
  rm_rf(tree) ;
  forget(&a) ;
}
END_TEST

int main (void)
{
  Suite *s = suite_create("s6-rc-db") ;
  TCase *c = tcase_create("s6-rc-db") ;
  tcase_add_loop_test(c, answers, 0, sizeof cases / sizeof *cases) ;
  tcase_add_test(c, scripts_end_each_word_with_a_null) ;
  tcase_add_test(c, comments_alone_are_no_words) ;
  tcase_add_test(c, a_name_that_is_near) ;
  tcase_add_test(c, variables_choose_the_trees) ;
  tcase_add_test(c, check_lexes_the_scripts) ;
  suite_add_tcase(s, c) ;
  SRunner *r = srunner_create(s) ;
  srunner_run_all(r, CK_NORMAL) ;
  int failed = srunner_ntests_failed(r) ;
  srunner_free(r) ;
  return !!failed ;
}
