/* ISC license. */

/* fix-attrs: the line format, and the walk, which must not be led out of its tree. The walk's
   tests change owners and so run as root only. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <check.h>

#include <skalibs/djbunix.h>
#include <skalibs/stralloc.h>

#include "chain/fixattrs_parse.h"
#include "chain/fixattrs_walk.h"
#include "sample.h"

char const *PROG = "test_fixattrs" ;

#define N(a) (sizeof(a) / sizeof *(a))

/* ---------------------------------------------------------------- the format */

struct good
{
  char const *line ;
  struct fixattrs_rule rule ;
} ;

static struct good const good[] =
{
  { "/var/lib/mysql true mysql 0600 0700", { "/var/lib/mysql", 1, "mysql", 0, 0, 0, 0, 0600, 0700 } },
  { "/var/log/x true nobody,32768:32768 0644 2700", { "/var/log/x", 1, "nobody", 0, 1, 32768, 32768, 0644, 02700 } },
  { "/etc/passwd false root 0644 0755", { "/etc/passwd", 0, "root", 0, 0, 0, 0, 0644, 0755 } },
  { "\t /a\ttrue  root \t0 7777 \t", { "/a", 1, "root", 0, 0, 0, 0, 0, 07777 } },
  { "/a true root 0644 0755\r", { "/a", 1, "root", 0, 0, 0, 0, 0644, 0755 } },
  { "/a true root - -", { "/a", 1, "root", 0, 0, 0, 0, FIXATTRS_KEEP, FIXATTRS_KEEP } },
  { "/a true 2:2,3:4 1 2", { "/a", 1, "2", "2", 1, 3, 4, 1, 2 } },
  { "/a true daemon:11111,3:4 1 2", { "/a", 1, "daemon", "11111", 1, 3, 4, 1, 2 } },
  { "/a true vmail:root,102:0 1 2", { "/a", 1, "vmail", "root", 1, 102, 0, 1, 2 } },
  { "/a true daemon,3 1 2", { "/a", 1, "daemon", 0, 1, 3, 0, 1, 2 } },
  { "/a true :ssmtp 1 2", { "/a", 1, "", "ssmtp", 0, 0, 0, 1, 2 } },
  { "/a true user: 1 2", { "/a", 1, "user", "", 0, 0, 0, 1, 2 } },
  { "/srv/*/[ab]? true root 1 2", { "/srv/*/[ab]?", 1, "root", 0, 0, 0, 0, 1, 2 } },
  { "/a true 4294967295:0 1 2", { "/a", 1, "4294967295", "0", 0, 0, 0, 1, 2 } },
} ;

static int parse (char const *line, struct fixattrs_rule *rule, char const **why, char const **what)
{
  static char buf[400] ;
  ck_assert_uint_lt(strlen(line), sizeof buf) ;
  strcpy(buf, line) ;
  *why = *what = 0 ;
  return fixattrs_parse(buf, rule, why, what) ;
}

START_TEST(good_lines)
{
  struct good const *t = good + _i ;
  struct fixattrs_rule r ;
  char const *why, *what ;
  ck_assert_msg(parse(t->line, &r, &why, &what) == 1, "%s: %s %s", t->line, what, why) ;
  ck_assert_str_eq(r.path, t->rule.path) ;
  ck_assert_int_eq(r.recurse, t->rule.recurse) ;
  ck_assert_str_eq(r.user, t->rule.user) ;
  ck_assert_pstr_eq(r.group, t->rule.group) ;
  ck_assert_uint_eq(r.have_fallback, t->rule.have_fallback) ;
  ck_assert_uint_eq(r.fallback_uid, t->rule.fallback_uid) ;
  ck_assert_uint_eq(r.fallback_gid, t->rule.fallback_gid) ;
  ck_assert_int_eq(r.fmode, t->rule.fmode) ;
  ck_assert_int_eq(r.dmode, t->rule.dmode) ;
}
END_TEST

START_TEST(lines_that_say_nothing)
{
  static char const *const lines[] = { "", " ", "\t\t ", "\r", "#", "# /a true root 0644 0755", "  # x", "#/a true root 1 2" } ;
  struct fixattrs_rule r ;
  char const *why, *what ;
  for (size_t i = 0 ; i < N(lines) ; i++)
    ck_assert_msg(parse(lines[i], &r, &why, &what) == 0, "[%s]", lines[i]) ;
}
END_TEST

/* The field the message is about, and a part of the message. */
static struct { char const *line, *what, *why ; } const bad[] =
{
  { "/a true root 0644", 0, "five fields" },
  { "/a", 0, "five fields" },
  { "/a true root 0644 0755 0755", 0, "five fields" },
  { "/a true root 0644 0755 # comment", 0, "five fields" },
  { "a true root 0644 0755", "a", "begin it with /" },
  { "/a yes root 0644 0755", "yes", "true or false" },
  { "/a TRUE root 0644 0755", "TRUE", "true or false" },
  { "/a true root u+x 0755", "u+x", "octal" },
  { "/a true root 0644 rwx", "rwx", "octal" },
  { "/a true root 0688 0755", "0688", "octal" },
  { "/a true root 10000 0755", "10000", "octal" },
  { "/a true root -1 0755", "-1", "octal" },
  { "/a true root 0644 99999999999999999999", "99999999999999999999", "octal" },
  { "/a true nobody,x 1 2", "nobody,x", "fallback" },
  { "/a true nobody, 1 2", "nobody,", "fallback" },
  { "/a true nobody,1:x 1 2", "nobody,1:x", "fallback" },
  { "/a true nobody,1:2:3 1 2", "nobody,1:2:3", "fallback" },
  { "/a true nobody,99999999999:1 1 2", "nobody,99999999999:1", "fallback" },
  { "/a true nobody,nobody:nogroup 1 2", "nobody,nobody:nogroup", "fallback" },
  { "/a true ,1:2 1 2", "", "names nobody" },
  { "/a true : 1 2", "", "names nobody" },
  { "/a true a:b:c 1 2", "a", "more than one colon" },
} ;

START_TEST(bad_lines)
{
  struct fixattrs_rule r ;
  char const *why, *what ;
  ck_assert_msg(parse(bad[_i].line, &r, &why, &what) == -1, "%s", bad[_i].line) ;
  ck_assert_pstr_eq(what, bad[_i].what) ;
  ck_assert_msg(!!strstr(why, bad[_i].why), "%s: %s", bad[_i].line, why) ;
}
END_TEST

/* No line, whatever is in it, makes the parser read or write beyond it (run under ASan and
   valgrind), and what it accepts keeps to the format. */
START_TEST(random_lines)
{
  static char const alphabet[] = "/a tru efals#:,0177\t-\r.*\377" ;
  unsigned int seed = getenv("SEED") ? (unsigned int)strtoul(getenv("SEED"), 0, 10) : (unsigned int)getpid() ;
  srand(seed) ;
  for (unsigned int i = 0 ; i < 200000 / unit_sample() ; i++)
  {
    size_t len = (size_t)(rand() % 60) ;
    char *line = malloc(len + 1) ;
    struct fixattrs_rule r ;
    char const *why = 0, *what ;
    int c ;
    for (size_t j = 0 ; j < len ; j++) line[j] = alphabet[rand() % (int)(sizeof alphabet - 1)] ;
    line[len] = 0 ;
    c = fixattrs_parse(line, &r, &why, &what) ;
    ck_assert_msg(c >= 0 || (why && strlen(why) > 10), "seed %u", seed) ;
    ck_assert_msg(c <= 0 || (r.path[0] == '/' && r.fmode <= 07777 && r.dmode <= 07777), "seed %u", seed) ;
    free(line) ;
  }
}
END_TEST

/* ---------------------------------------------------------------- the walk */

static char root[] = "/tmp/test_fixattrs.XXXXXX" ;
static int rootfd ;
static struct fixattrs_walk w ;

#define UID 4711
#define GID 4712

static void setup (void)
{
  static struct fixattrs_walk const zero = FIXATTRS_WALK_ZERO ;
  strcpy(root + strlen(root) - 6, "XXXXXX") ;
  ck_assert_ptr_nonnull(mkdtemp(root)) ;
  rootfd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC) ;
  ck_assert_int_ge(rootfd, 0) ;
  w = zero ;
  w.uid = UID ;
  w.gid = GID ;
  w.fmode = 0640 ;
  w.dmode = 0750 ;
  w.recurse = 1 ;
}

static void teardown (void)
{
  close(rootfd) ;
  rm_rf(root) ;
  stralloc_free(&w.path) ;
  stralloc_free(&w.denied_path) ;
}

static void make_dir (char const *name)
{
  ck_assert_int_eq(mkdirat(rootfd, name, 0700), 0) ;
}

static void make_file (char const *name)
{
  int fd = openat(rootfd, name, O_WRONLY | O_CREAT | O_EXCL, 0600) ;
  ck_assert_int_ge(fd, 0) ;
  close(fd) ;
}

static void make_link (char const *target, char const *name)
{
  ck_assert_int_eq(symlinkat(target, rootfd, name), 0) ;
}

static void walk (char const *name)
{
  char path[300] ;
  snprintf(path, sizeof path, "%s/%s", root, name) ;
  fixattrs_walk(&w, path) ;
}

static struct stat status (char const *name)
{
  struct stat st ;
  ck_assert_msg(!fstatat(rootfd, name, &st, AT_SYMLINK_NOFOLLOW), "%s is gone", name) ;
  return st ;
}

static int is_fixed (char const *name, mode_t mode)
{
  struct stat st = status(name) ;
  return st.st_uid == UID && st.st_gid == GID && (S_ISLNK(st.st_mode) || (st.st_mode & 07777) == mode) ;
}

static int is_untouched (char const *name)
{
  struct stat st = status(name) ;
  return !st.st_uid && !st.st_gid && ((st.st_mode & 07777) == 0600 || (st.st_mode & 07777) == 0700 || S_ISLNK(st.st_mode)) ;
}

static void make_tree (void)
{
  make_dir("t") ;
  make_file("t/f") ;
  make_file("t/.dot") ;
  make_dir("t/d") ;
  make_file("t/d/g") ;
  make_dir("t/.dd") ;
  make_file("t/.dd/h") ;
  make_dir("out") ;
  make_file("out/secret") ;
}

START_TEST(a_whole_tree)
{
  make_tree() ;
  walk("t") ;
  ck_assert(is_fixed("t", 0750)) ;
  ck_assert(is_fixed("t/f", 0640)) ;
  ck_assert(is_fixed("t/d", 0750)) ;
  ck_assert(is_fixed("t/d/g", 0640)) ;
  ck_assert(is_untouched("t/.dot")) ;
  ck_assert(is_untouched("t/.dd")) ;
  ck_assert(is_untouched("t/.dd/h")) ;
  ck_assert(is_untouched("out")) ;
  ck_assert_uint_eq(w.changed, 4) ;
  ck_assert_uint_eq(w.failed + w.denied, 0) ;
}
END_TEST

START_TEST(hidden_files_too)
{
  make_tree() ;
  w.hidden = 1 ;
  walk("t") ;
  ck_assert(is_fixed("t/.dot", 0640)) ;
  ck_assert(is_fixed("t/.dd", 0750)) ;
  ck_assert(is_fixed("t/.dd/h", 0640)) ;
  ck_assert_uint_eq(w.changed, 7) ;
}
END_TEST

START_TEST(not_below_without_recurse)
{
  make_tree() ;
  w.recurse = 0 ;
  walk("t") ;
  ck_assert(is_fixed("t", 0750)) ;
  ck_assert(is_untouched("t/f")) ;
  ck_assert_uint_eq(w.changed, 1) ;
}
END_TEST

/* The hidden file was named: that is no recursion. */
START_TEST(one_file)
{
  make_tree() ;
  walk("t/.dot") ;
  ck_assert(is_fixed("t/.dot", 0640)) ;
  ck_assert_uint_eq(w.changed, 1) ;
}
END_TEST

START_TEST(links_in_the_tree_are_not_followed)
{
  make_tree() ;
  make_link("../out", "t/d/dirlink") ;
  make_link("../out/secret", "t/filelink") ;
  make_link("nowhere", "t/dangling") ;
  make_link("/etc/passwd", "t/abs") ;
  make_link(".", "t/loop") ;
  walk("t") ;
  ck_assert(is_untouched("out")) ;
  ck_assert(is_untouched("out/secret")) ;
  ck_assert(is_fixed("t/d/dirlink", 0)) ;
  ck_assert(is_fixed("t/filelink", 0)) ;
  ck_assert(is_fixed("t/abs", 0)) ;
  ck_assert_uint_eq(w.failed, 0) ;
  {
    struct stat st ;
    ck_assert_int_eq(stat("/etc/passwd", &st), 0) ;
    ck_assert_uint_eq(st.st_uid, 0) ;
  }
}
END_TEST

START_TEST(fifos_and_sockets_do_not_block)
{
  make_dir("t") ;
  ck_assert_int_eq(mkfifoat(rootfd, "t/fifo", 0600), 0) ;
  walk("t") ;
  ck_assert(is_fixed("t/fifo", 0640)) ;
}
END_TEST

START_TEST(modes_can_be_kept)
{
  make_tree() ;
  w.fmode = w.dmode = FIXATTRS_KEEP ;
  walk("t") ;
  ck_assert(is_fixed("t", 0700)) ;
  ck_assert(is_fixed("t/f", 0600)) ;
}
END_TEST

/* The kernel takes setuid and setgid away with a change of owner. */
START_TEST(special_bits_survive)
{
  make_tree() ;
  w.fmode = 06755 ;
  w.dmode = 02750 ;
  walk("t") ;
  ck_assert(is_fixed("t", 02750)) ;
  ck_assert(is_fixed("t/f", 06755)) ;
  w.uid = UID + 1 ;
  walk("t") ;
  ck_assert_uint_eq(status("t/f").st_mode & 07777, 06755) ;
}
END_TEST

/* A second boot of the same container writes nothing: the change time says so. */
START_TEST(what_is_right_is_not_touched)
{
  struct stat before, after ;
  make_tree() ;
  walk("t") ;
  before = status("t/d/g") ;
  w.changed = 0 ;
  walk("t") ;
  after = status("t/d/g") ;
  ck_assert_uint_eq(w.changed, 0) ;
  ck_assert_int_eq(before.st_ctim.tv_sec, after.st_ctim.tv_sec) ;
  ck_assert_int_eq(before.st_ctim.tv_nsec, after.st_ctim.tv_nsec) ;
}
END_TEST

START_TEST(what_is_not_there_is_nothing_to_do)
{
  walk("nowhere") ;
  walk("nowhere/below") ;
  make_file("f") ;
  walk("f/below") ;
  ck_assert_uint_eq(w.changed + w.failed + w.denied, 0) ;
}
END_TEST

START_TEST(links_of_root_lead_there)
{
  make_tree() ;
  make_link("t", "rel") ;
  make_link("rel/d", "twice") ;
  walk("twice/g") ;
  ck_assert(is_fixed("t/d/g", 0640)) ;
  walk("rel") ;
  ck_assert(is_fixed("t", 0750)) ;
  ck_assert_uint_eq(status("rel").st_uid, 0) ;
  {
    char target[100] ;
    snprintf(target, sizeof target, "%s/out/../out/", root) ;
    make_link(target, "absolute") ;
  }
  walk("absolute/./secret") ;
  ck_assert(is_fixed("out/secret", 0640)) ;
  ck_assert_uint_eq(w.failed, 0) ;
}
END_TEST

START_TEST(links_of_others_do_not)
{
  make_tree() ;
  make_dir("home") ;
  make_link("../out", "home/data") ;
  ck_assert_int_eq(fchownat(rootfd, "home", UID, GID, 0), 0) ;
  ck_assert_int_eq(fchownat(rootfd, "home/data", UID, GID, AT_SYMLINK_NOFOLLOW), 0) ;
  walk("home/data") ;
  walk("home/data/secret") ;
  ck_assert(is_untouched("out")) ;
  ck_assert(is_untouched("out/secret")) ;
  ck_assert_uint_eq(w.failed, 2) ;
  /* nor where anybody may write */
  ck_assert_int_eq(fchownat(rootfd, "home", 0, 0, 0), 0) ;
  ck_assert_int_eq(fchmodat(rootfd, "home", 01777, 0), 0) ;
  walk("home/data/secret") ;
  ck_assert_uint_eq(w.failed, 3) ;
  /* but what only root can have put there is root's word, whoever it was given to */
  ck_assert_int_eq(fchmodat(rootfd, "home", 0755, 0), 0) ;
  walk("home/data/secret") ;
  ck_assert_uint_eq(w.failed, 3) ;
  ck_assert(is_fixed("out/secret", 0640)) ;
}
END_TEST

START_TEST(links_in_a_circle)
{
  make_link("b", "a") ;
  make_link("a", "b") ;
  walk("a") ;
  ck_assert_uint_eq(w.failed, 1) ;
}
END_TEST

START_TEST(deep_trees)
{
  int fd = dup(rootfd) ;
  for (unsigned int i = 0 ; i < FIXATTRS_DEPTH_MAX + 20 ; i++)
  {
    int next ;
    ck_assert_int_eq(mkdirat(fd, "d", 0700), 0) ;
    next = openat(fd, "d", O_RDONLY | O_DIRECTORY) ;
    ck_assert_int_ge(next, 0) ;
    close(fd) ;
    fd = next ;
  }
  close(fd) ;
  walk("d") ;
  ck_assert_uint_eq(w.failed, 1) ;
  ck_assert_uint_eq(w.changed, FIXATTRS_DEPTH_MAX + 1) ;
}
END_TEST

START_TEST(without_privilege_it_is_counted_once)
{
  make_tree() ;
  ck_assert_int_eq(fchmodat(rootfd, ".", 0755, 0), 0) ;
  ck_assert_int_eq(fchmodat(rootfd, "t", 0755, 0), 0) ;
  ck_assert_int_eq(fchmodat(rootfd, "t/d", 0755, 0), 0) ;
  ck_assert_int_eq(setegid(GID), 0) ;
  ck_assert_int_eq(seteuid(UID), 0) ;
  walk("t") ;
  ck_assert_int_eq(seteuid(0), 0) ;
  ck_assert_int_eq(setegid(0), 0) ;
  ck_assert_uint_eq(w.failed, 0) ;
  ck_assert_uint_eq(w.changed, 0) ;
  ck_assert_uint_eq(w.denied, 8) ; /* owner and mode of t, t/f, t/d, t/d/g */
  ck_assert_int_eq(w.denied_errno, EPERM) ;
  ck_assert_ptr_nonnull(strstr(w.denied_path.s, "/t")) ;
}
END_TEST

int main (void)
{
  TTest const *const walks[] =
  {
    a_whole_tree, hidden_files_too, not_below_without_recurse, one_file, links_in_the_tree_are_not_followed,
    fifos_and_sockets_do_not_block, modes_can_be_kept, special_bits_survive, what_is_right_is_not_touched,
    what_is_not_there_is_nothing_to_do, links_of_root_lead_there, links_of_others_do_not, links_in_a_circle,
    deep_trees, without_privilege_it_is_counted_once,
  } ;
  Suite *s = suite_create("fixattrs") ;
  TCase *format = tcase_create("format") ;
  TCase *tree = tcase_create("walk") ;
  SRunner *sr ;
  int failed ;
  tcase_add_loop_test(format, good_lines, 0, N(good)) ;
  tcase_add_test(format, lines_that_say_nothing) ;
  tcase_add_loop_test(format, bad_lines, 0, N(bad)) ;
  tcase_add_test(format, random_lines) ;
  suite_add_tcase(s, format) ;
  tcase_add_checked_fixture(tree, &setup, &teardown) ;
  for (size_t i = 0 ; i < N(walks) ; i++) tcase_add_test(tree, walks[i]) ;
  if (geteuid()) fprintf(stderr, "test_fixattrs: the walk's tests are skipped: they change owners, which takes root\n") ;
  suite_add_tcase(s, tree) ;
  sr = srunner_create(s) ;
  srunner_run(sr, geteuid() ? "fixattrs" : 0, geteuid() ? "format" : 0, CK_NORMAL) ;
  failed = srunner_ntests_failed(sr) ;
  srunner_free(sr) ;
  return failed != 0 ;
}
