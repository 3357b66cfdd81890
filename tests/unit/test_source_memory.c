/* ISC license. */

/*
   PID 1 reads the sources: whichever allocation fails, it must get an error or an answer,
   never a crash, and nothing may leak. The n-th allocation fails, for every n.
*/

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include "svscan/source.h"

char const *PROG = "test_source_memory" ;

#ifdef __has_feature
# if __has_feature(address_sanitizer)
#  define __SANITIZE_ADDRESS__
# endif
#endif

#if defined(__SANITIZE_ADDRESS__) || !defined(__GLIBC__)

/* The sanitizer has the allocator for itself. */
int main (void)
{
  puts("skipped: this needs glibc's own allocator") ;
  return 77 ;
}

#else

extern void *__libc_malloc (size_t) ;
extern void *__libc_realloc (void *, size_t) ;
extern void *__libc_calloc (size_t, size_t) ;
extern void __libc_free (void *) ;

static unsigned int volatile until_failure ;   /* 0: never */
static long volatile live ;                    /* allocated and not freed */

static int must_fail (void)
{
  if (!until_failure) return 0 ;
  until_failure-- ;
  if (until_failure) return 0 ;
  errno = ENOMEM ;
  return 1 ;
}

static void *counted (void *p)
{
  live += !!p ;
  return p ;
}

void *malloc (size_t n)
{
  return must_fail() ? 0 : counted(__libc_malloc(n)) ;
}

void *calloc (size_t n, size_t size)
{
  return must_fail() ? 0 : counted(__libc_calloc(n, size)) ;
}

void *realloc (void *p, size_t n)
{
  void *new = must_fail() ? 0 : __libc_realloc(p, n) ;
  return p ? new : counted(new) ;
}

void free (void *p)
{
  live -= !!p ;
  __libc_free(p) ;
}

static int open_tree (char const *name)
{
  char path[512] ;
  snprintf(path, sizeof path, "%.*strees/%s", (int)(sizeof __FILE__ - sizeof "unit/test_source_memory.c"), __FILE__, name) ;
  int fd = open(path, O_RDONLY | O_DIRECTORY) ;
  ck_assert_msg(fd >= 0, "unable to open %s: run this from the top of the sources", path) ;
  return fd ;
}

static char const *const trees[] = { "mixed", "logger", "homeassistant", "faults" } ;

/* Without memory: -1 and ENOMEM; or all is there but for lines of faults, which are counted;
   or a directory could not be read, which is a fault. */
START_TEST(every_allocation_may_fail)
{
  struct source_options o = { .rootfd = open_tree(trees[_i]) } ;
  struct source s ;
  uint32_t nodes = 0, errors = 0 ;
  unsigned int n = 0, failures = 0, done = 0 ;
  while (!done)
  {
    struct faults f = FAULTS_ZERO ;
    long before = live ;
    until_failure = n++ ;
    int r = source_read(&s, &o, &f) ;
    int e = errno ;
    if (n > 1) done = !!until_failure ;   /* it was not reached */
    until_failure = 0 ;
    if (n == 1) nodes = graph_size(&s.graph), errors = f.errors ;
    if (r < 0)
    {
      ck_assert_int_eq(e, ENOMEM) ;
      failures++ ;
    }
    else
    {
      ck_assert_uint_ge(f.errors, errors) ;
      if (f.errors == errors) ck_assert_uint_eq(graph_size(&s.graph), nodes) ;
    }
    source_free(&s) ;
    faults_free(&f) ;
    long leaked = live - before ;
    ck_assert_int_eq(leaked, 0) ;
  }
  ck_assert_uint_gt(failures, 50) ;
  close(o.rootfd) ;
}
END_TEST

int main (void)
{
  until_failure = 1 ;
  void *volatile p = malloc(1) ;
  until_failure = 0 ;
  if (p)
  {
    free(p) ;
    puts("skipped: malloc is somebody else's (valgrind's)") ;
    return 77 ;
  }
  Suite *s = suite_create("source-memory") ;
  TCase *c = tcase_create("source-memory") ;
  tcase_set_timeout(c, 120) ;
  tcase_add_loop_test(c, every_allocation_may_fail, 0, sizeof trees / sizeof *trees) ;
  suite_add_tcase(s, c) ;
  SRunner *r = srunner_create(s) ;
  srunner_run_all(r, CK_NORMAL) ;
  int failed = srunner_ntests_failed(r) ;
  srunner_free(r) ;
  return !!failed ;
}

#endif
