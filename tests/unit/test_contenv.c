/* ISC license. */

/* The container environment directory: what is written comes back; what is not ours is
   passed over; nothing there can block the reader or lead a write astray. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <check.h>

#include <skalibs/djbunix.h>
#include <skalibs/env.h>
#include <skalibs/stralloc.h>

#include "base/contenv.h"

char const *PROG = "test_contenv" ;

static char dir[] = "/tmp/test_contenv.XXXXXX" ;
static int dirfd_ = -1 ;
static unsigned int skips ;
static char lastskipped[400] ;

static void setup (void)
{
  strcpy(dir + strlen(dir) - 6, "XXXXXX") ;
  ck_assert_ptr_nonnull(mkdtemp(dir)) ;
  dirfd_ = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) ;
  ck_assert_int_ge(dirfd_, 0) ;
  skips = 0 ;
}

static void teardown (void)
{
  close(dirfd_) ;
  rm_rf(dir) ;
}

static void on_skip (char const *entry)
{
  skips++ ;
  snprintf(lastskipped, sizeof lastskipped, "%s", entry) ;
}

static void put (char const *name, char const *content, size_t len)
{
  int fd = openat(dirfd_, name, O_WRONLY | O_CREAT | O_TRUNC, 0644) ;
  ck_assert_int_ge(fd, 0) ;
  ck_assert_int_eq(write(fd, content, len), (ssize_t)len) ;
  close(fd) ;
}

static void ck_content (char const *name, char const *expected, size_t len)
{
  stralloc sa = STRALLOC_ZERO ;
  int fd = openat(dirfd_, name, O_RDONLY) ;
  ck_assert_msg(fd >= 0, "no file %s", name) ;
  ck_assert(slurp(&sa, fd)) ;
  close(fd) ;
  ck_assert_uint_eq(sa.len, len) ;
  ck_assert_mem_eq(sa.s, expected, len) ;
  stralloc_free(&sa) ;
}

/* The value of NAME after the directory is laid over an environment that has it as
   "before"; null if it is then unset. */
static char const *lookup (stralloc const *modif, char const *name)
{
  static char const *merged[64] ;
  static char before[300] ;
  char const *old[2] = { before, 0 } ;
  snprintf(before, sizeof before, "%s=before", name) ;
  ck_assert(env_merge(merged, 64, old, 1, modif->s, modif->len)) ;
  return env_get2(merged, name) ;
}

START_TEST(files_hold_value_and_one_newline)
{
  char const *const envp[] = { "A=1", "EMPTY=", "NL=x\n", "EQ=a=b", "odd name!=v", ".dot=d", 0 } ;
  ck_assert_int_eq(contenv_write(dirfd_, envp, &on_skip), 0) ;
  ck_content("A", "1\n", 2) ;
  ck_content("EMPTY", "\n", 1) ;
  ck_content("NL", "x\n\n", 3) ;
  ck_content("EQ", "a=b\n", 4) ;
  ck_content("odd name!", "v\n", 2) ;
  ck_content(".dot", "d\n", 2) ;
  ck_assert_uint_eq(skips, 0) ;
}
END_TEST

START_TEST(what_is_written_comes_back)
{
  char const *const envp[] = { "A=1", "EMPTY=", "NL=x\n", "NLNL=\n\n", "MULTI=a\nb\n\nc", "EQ=a=b", "odd name!=v",
    "BASH_FUNC_f%%=() { :\n}", ".dot=d", 0 } ;
  stralloc modif = STRALLOC_ZERO ;
  unsigned int n = 0 ;
  ck_assert_int_eq(contenv_write(dirfd_, envp, &on_skip), 0) ;
  ck_assert_int_eq(contenv_read(dir, &modif), 0) ;
  for (char const *const *e = envp ; *e ; e++)
  {
    char name[64] ;
    size_t len = strcspn(*e, "=") ;
    memcpy(name, *e, len) ;
    name[len] = 0 ;
    ck_assert_str_eq(lookup(&modif, name), *e + len + 1) ;
    n++ ;
  }
  for (size_t i = 0 ; i < modif.len ; i += strlen(modif.s + i) + 1) n-- ;
  ck_assert_uint_eq(n, 0) ;
  stralloc_free(&modif) ;
}
END_TEST

START_TEST(no_file_name_no_file)
{
  char longname[300] ;
  char const *const bad[] = { "=x", ".=x", "..=x", "a/b=x", "/etc/passwd=x", "../up=x", longname } ;
  memset(longname, 'n', 256) ;
  strcpy(longname + 256, "=x") ;
  for (unsigned int i = 0 ; i < sizeof bad / sizeof *bad ; i++)
  {
    char const *const envp[] = { bad[i], "A=1", 0 } ;
    ck_assert_int_eq(contenv_write(dirfd_, envp, &on_skip), 0) ;
    ck_assert_uint_eq(skips, i + 1) ;
    ck_assert_str_eq(lastskipped, bad[i]) ;
    ck_assert_int_eq(contenv_write(dirfd_, envp, 0), 0) ;
  }
  ck_content("A", "1\n", 2) ;
  {
    char path[64] ;
    snprintf(path, sizeof path, "%s/../up", dir) ;
    ck_assert_int_lt(access(path, F_OK), 0) ;
  }
}
END_TEST

START_TEST(a_name_of_255_bytes)
{
  char entry[300] ;
  char const *const envp[] = { entry, 0 } ;
  stralloc modif = STRALLOC_ZERO ;
  memset(entry, 'n', 255) ;
  strcpy(entry + 255, "=v") ;
  ck_assert_int_eq(contenv_write(dirfd_, envp, &on_skip), 0) ;
  ck_assert_uint_eq(skips, 0) ;
  ck_assert_int_eq(contenv_read(dir, &modif), 0) ;
  ck_assert_uint_eq(modif.len, 258) ;
  ck_assert_str_eq(modif.s, entry) ;
  stralloc_free(&modif) ;
}
END_TEST

START_TEST(entries_without_equals_are_no_variables)
{
  char const *const envp[] = { "NOTHING", "A=1", 0 } ;
  ck_assert_int_eq(contenv_write(dirfd_, envp, &on_skip), 0) ;
  ck_assert_int_lt(faccessat(dirfd_, "NOTHING", F_OK, 0), 0) ;
  ck_assert_uint_eq(skips, 0) ;
}
END_TEST

START_TEST(first_of_two_counts)
{
  char const *const envp[] = { "A=first", "B=b", "A=second", 0 } ;
  ck_assert_int_eq(contenv_write(dirfd_, envp, &on_skip), 0) ;
  ck_content("A", "first\n", 6) ;
}
END_TEST

START_TEST(replaces_what_is_there_and_follows_no_link)
{
  char const *const envp[] = { "A=new", "LINK=new", "FIFO=new", 0 } ;
  struct stat st ;
  put("A", "old and longer\n", 15) ;
  put("target", "untouched", 9) ;
  ck_assert_int_eq(symlinkat("target", dirfd_, "LINK"), 0) ;
  ck_assert_int_eq(mkfifoat(dirfd_, "FIFO", 0600), 0) ;
  ck_assert_int_eq(contenv_write(dirfd_, envp, 0), 0) ;
  ck_content("A", "new\n", 4) ;
  ck_content("LINK", "new\n", 4) ;
  ck_content("FIFO", "new\n", 4) ;
  ck_content("target", "untouched", 9) ;
  ck_assert_int_eq(fstatat(dirfd_, "LINK", &st, AT_SYMLINK_NOFOLLOW), 0) ;
  ck_assert(S_ISREG(st.st_mode)) ;
}
END_TEST

START_TEST(files_are_0644_whatever_the_umask)
{
  char const *const envp[] = { "A=1", 0 } ;
  struct stat st ;
  mode_t old = umask(0777) ;
  int r = contenv_write(dirfd_, envp, 0) ;
  umask(old) ;
  ck_assert_int_eq(r, 0) ;
  ck_assert_int_eq(fstatat(dirfd_, "A", &st, 0), 0) ;
  ck_assert_uint_eq(st.st_mode & 07777, 0644) ;
  ck_assert_int_eq(fstat(dirfd_, &st), 0) ;
  ck_assert_uint_eq(st.st_mode & 07777, 0755) ;
}
END_TEST

START_TEST(the_directory_can_be_closed)
{
  char const *const envp[] = { "A=1", "S6_CONTAINER_ENV_MODE=0700", 0 } ;
  struct stat st ;
  ck_assert_int_eq(fchmod(dirfd_, 0755), 0) ;
  ck_assert_int_eq(contenv_write(dirfd_, envp, 0), 0) ;
  ck_assert_int_eq(fstat(dirfd_, &st), 0) ;
  ck_assert_uint_eq(st.st_mode & 07777, 0700) ;
}
END_TEST

START_TEST(modes)
{
  static struct { char const *value ; int ok ; mode_t mode ; } const t[] =
  {
    { 0, 1, 0755 }, { "", 1, 0755 }, { "0700", 1, 0700 }, { "700", 1, 0700 }, { "0750", 1, 0750 }, { "0777", 1, 0777 },
    { "0600", 0, 0755 }, { "0", 0, 0755 }, { "01700", 0, 0755 }, { "rwx", 0, 0755 }, { "0700 ", 0, 0755 }, { "-1", 0, 0755 },
    { "99999999999999999999", 0, 0755 }, { "0788", 0, 0755 },
  } ;
  for (unsigned int i = 0 ; i < sizeof t / sizeof *t ; i++)
  {
    mode_t m = 1 ;
    ck_assert_msg(contenv_mode(t[i].value, &m) == t[i].ok, "%s", t[i].value) ;
    ck_assert_msg(m == t[i].mode, "%s gave %o", t[i].value, m) ;
  }
}
END_TEST

START_TEST(a_write_that_fails_says_so)
{
  char const *const envp[] = { "A=1", 0 } ;
  ck_assert_int_eq(mkdirat(dirfd_, "A", 0755), 0) ;
  errno = 0 ;
  ck_assert_int_eq(contenv_write(dirfd_, envp, 0), -1) ;
  ck_assert_int_ne(errno, 0) ;
  errno = 0 ;
  ck_assert_int_eq(contenv_write(-1, envp, 0), -1) ;
  ck_assert_int_eq(errno, EBADF) ;
}
END_TEST

START_TEST(older_writers_leave_the_newline_out)
{
  stralloc modif = STRALLOC_ZERO ;
  put("WITHOUT", "v", 1) ;
  put("WITH", "v\n", 2) ;
  put("TWO", "v\n\n", 3) ;
  put("EMPTYVALUE", "\n", 1) ;
  put("BLANKS", " v \t\n", 5) ;
  put("CRLF", "v\r\n", 3) ;
  ck_assert_int_eq(contenv_read(dir, &modif), 0) ;
  ck_assert_str_eq(lookup(&modif, "WITHOUT"), "v") ;
  ck_assert_str_eq(lookup(&modif, "WITH"), "v") ;
  ck_assert_str_eq(lookup(&modif, "TWO"), "v\n") ;
  ck_assert_str_eq(lookup(&modif, "EMPTYVALUE"), "") ;
  ck_assert_str_eq(lookup(&modif, "BLANKS"), " v \t") ;
  ck_assert_str_eq(lookup(&modif, "CRLF"), "v\r") ;
  stralloc_free(&modif) ;
}
END_TEST

START_TEST(an_empty_file_unsets)
{
  stralloc modif = STRALLOC_ZERO ;
  put("GONE", "", 0) ;
  ck_assert_int_eq(contenv_read(dir, &modif), 0) ;
  ck_assert_uint_eq(modif.len, 5) ;
  ck_assert_str_eq(modif.s, "GONE") ;
  ck_assert_ptr_null(lookup(&modif, "GONE")) ;
  ck_assert_str_eq(lookup(&modif, "OTHER"), "before") ;
  stralloc_free(&modif) ;
}
END_TEST

START_TEST(a_null_becomes_a_newline)
{
  stralloc modif = STRALLOC_ZERO ;
  put("N", "a\0b\0\n", 5) ;
  ck_assert_int_eq(contenv_read(dir, &modif), 0) ;
  ck_assert_str_eq(lookup(&modif, "N"), "a\nb\n") ;
  stralloc_free(&modif) ;
}
END_TEST

/* The read of a fifo without writer would wait for ever: Check's time limit would say so. */
START_TEST(only_regular_files_and_links_to_them)
{
  stralloc modif = STRALLOC_ZERO ;
  put("FILE", "v\n", 2) ;
  ck_assert_int_eq(symlinkat("FILE", dirfd_, "LINK"), 0) ;
  ck_assert_int_eq(symlinkat("nowhere", dirfd_, "DANGLING"), 0) ;
  ck_assert_int_eq(mkfifoat(dirfd_, "FIFO", 0600), 0) ;
  ck_assert_int_eq(symlinkat("FIFO", dirfd_, "FIFOLINK"), 0) ;
  ck_assert_int_eq(symlinkat("/dev/zero", dirfd_, "DEVICE"), 0) ;
  ck_assert_int_eq(mkdirat(dirfd_, "DIR", 0755), 0) ;
  put("A=B", "v\n", 2) ;
  ck_assert_int_eq(contenv_read(dir, &modif), 0) ;
  ck_assert_uint_eq(modif.len, sizeof "FILE=v" + sizeof "LINK=v") ;
  ck_assert_str_eq(lookup(&modif, "FILE"), "v") ;
  ck_assert_str_eq(lookup(&modif, "LINK"), "v") ;
  stralloc_free(&modif) ;
}
END_TEST

/* NAME=VALUE and its null are 131072 bytes: the kernel takes that, and not one more. */
START_TEST(up_to_the_kernels_limit)
{
  static char entry[CONTENV_MAX + 8] ;
  char const *const envp[] = { entry, "B=b", 0 } ;
  char culprit[CONTENV_NAME_SIZE] ;
  stralloc modif = STRALLOC_ZERO ;
  memset(entry, 'x', CONTENV_MAX - 1) ;
  memcpy(entry, "BIG=", 4) ;
  ck_assert_int_eq(contenv_write(dirfd_, envp, 0), 0) ;
  ck_assert_int_eq(contenv_read(dir, &modif), 0) ;
  ck_assert(!strcmp(lookup(&modif, "BIG"), entry + 4)) ;
  modif.len = 0 ;
  put("BIG", entry + 4, CONTENV_MAX - 5) ;
  ck_assert_int_eq(contenv_read(dir, &modif), 0) ;
  ck_assert(!strcmp(lookup(&modif, "BIG"), entry + 4)) ;
  ck_assert(stralloc_copys(&modif, "kept")) ;
  entry[CONTENV_MAX - 1] = 'y' ;
  put("BIG", entry + 4, CONTENV_MAX - 4) ;
  ck_assert_int_eq(contenv_read_culprit(dir, &modif, culprit), -1) ;
  ck_assert_int_eq(errno, E2BIG) ;
  ck_assert_str_eq(culprit, "BIG") ;
  ck_assert_uint_eq(modif.len, 4) ;
  put("BIG", entry + 4, CONTENV_MAX - 3) ;
  ck_assert_int_eq(contenv_read(dir, &modif), -1) ;
  ck_assert_int_eq(errno, E2BIG) ;
  stralloc_free(&modif) ;
}
END_TEST

START_TEST(a_directory_that_cannot_be_read)
{
  char culprit[CONTENV_NAME_SIZE] = "?" ;
  stralloc modif = STRALLOC_ZERO ;
  ck_assert_int_eq(contenv_read_culprit("/nonexistent/dir", &modif, culprit), -1) ;
  ck_assert_int_eq(errno, ENOENT) ;
  ck_assert_str_eq(culprit, "") ;
  ck_assert_int_eq(contenv_read("/dev/null", &modif), -1) ;
  ck_assert_int_eq(errno, ENOTDIR) ;
}
END_TEST

START_TEST(random_values_survive)
{
  unsigned int seed = (unsigned int)getpid() ^ (unsigned int)rand() ;
  static char text[16][600] ;
  char const *envp[17] ;
  stralloc modif = STRALLOC_ZERO ;
  if (getenv("SEED")) seed = (unsigned int)strtoul(getenv("SEED"), 0, 10) ;
  srand(seed) ;
  for (unsigned int round = 0 ; round < 50 ; round++)
  {
    for (unsigned int i = 0 ; i < 16 ; i++)
    {
      size_t len = (size_t)(rand() % 500) ;
      size_t pos = (size_t)snprintf(text[i], 32, "V%u=", i) ;
      for (size_t j = 0 ; j < len ; j++) text[i][pos++] = rand() % 4 ? (char)(1 + rand() % 255) : '\n' ;
      text[i][pos] = 0 ;
      envp[i] = text[i] ;
    }
    envp[16] = 0 ;
    modif.len = 0 ;
    ck_assert_int_eq(contenv_write(dirfd_, envp, 0), 0) ;
    ck_assert_int_eq(contenv_read(dir, &modif), 0) ;
    for (unsigned int i = 0 ; i < 16 ; i++)
    {
      char name[8] ;
      snprintf(name, sizeof name, "V%u", i) ;
      ck_assert_msg(!strcmp(lookup(&modif, name), strchr(text[i], '=') + 1), "seed %u, round %u, %s", seed, round, name) ;
    }
  }
  stralloc_free(&modif) ;
}
END_TEST

START_TEST(where_it_is)
{
  char expected[128] ;
  ck_assert_int_eq(setenv("S6_RUNDIR", dir, 1), 0) ;
  /* not made yet: the places below /run are no worse a guess, and an error names one */
  ck_assert_str_ne(contenv_dir(), dir) ;
  ck_assert_int_eq(mkdirat(dirfd_, "s6", 0755), 0) ;
  ck_assert_int_eq(mkdirat(dirfd_, "s6/container_environment", 0755), 0) ;
  snprintf(expected, sizeof expected, "%s/s6/container_environment", dir) ;
  ck_assert_str_eq(contenv_dir(), expected) ;
  unsetenv("S6_RUNDIR") ;
  ck_assert_ptr_nonnull(strstr(contenv_dir(), "run/s6/container_environment")) ;
}
END_TEST

int main (void)
{
  TTest const *const tests[] =
  {
    files_hold_value_and_one_newline, what_is_written_comes_back, no_file_name_no_file, a_name_of_255_bytes,
    entries_without_equals_are_no_variables, first_of_two_counts, replaces_what_is_there_and_follows_no_link,
    files_are_0644_whatever_the_umask, the_directory_can_be_closed, modes, a_write_that_fails_says_so,
    older_writers_leave_the_newline_out, an_empty_file_unsets, a_null_becomes_a_newline,
    only_regular_files_and_links_to_them, up_to_the_kernels_limit, a_directory_that_cannot_be_read,
    random_values_survive, where_it_is,
  } ;
  Suite *s = suite_create("contenv") ;
  TCase *tc = tcase_create("contenv") ;
  tcase_add_checked_fixture(tc, &setup, &teardown) ;
  for (unsigned int i = 0 ; i < sizeof tests / sizeof *tests ; i++) tcase_add_test(tc, tests[i]) ;
  suite_add_tcase(s, tc) ;
  SRunner *sr = srunner_create(s) ;
  srunner_run_all(sr, CK_NORMAL) ;
  int failed = srunner_ntests_failed(sr) ;
  srunner_free(sr) ;
  return failed != 0 ;
}
