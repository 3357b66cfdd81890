/* ISC license. See harness.h: reports, the guard against hangs, suites. */

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "box.h"

/* Seconds after which a test that still waits has hung; BOX_GUARD in the environment overrides
   it. The suites' own limit is longer. */
#define GUARD 100
#define GUARD_OF_CHECK 120

static box const *running ;  /* the box that the guard reports on */
static int trial ;           /* not in a test: box_main tries whether boxes can be had */

static void report (box const *b, char const *what)
{
  fprintf(stderr, "box: %s\n---- tree %s, output so far:\n%s---- events so far:\n%s----\n",
    what, b && b->tree ? b->tree : "(none)", b && b->output.text.s ? b->output.text.s : "", b && b->events.text.s ? b->events.text.s : "") ;
  fflush(stderr) ;
}

void broken (box const *b, char const *format, ...)
{
  char what[1024] ;
  va_list args ;
  va_start(args, format) ;
  vsnprintf(what, sizeof what, format, args) ;
  va_end(args) ;
  if (trial)
  {
    fprintf(stderr, "skipped: no boxes here: %s%s%s\n", what, b && b->output.text.len ? ": " : "", b && b->output.text.len ? b->output.text.s : "") ;
    _exit(77) ;
  }
  report(b, what) ;
  running = 0 ;
  ck_abort_msg("%s", what) ;
  _exit(111) ;
}

static void guard (int sig)
{
  (void)sig ;
  report(running, "hung: a test waited for something that did not come") ;
  _exit(111) ;
}

void box_report (char const *what)
{
  if (running) report(running, what) ;
}

void guard_begins (box const *b)
{
  static int begun ;
  if (!begun)
  {
    begun = 1 ;
    signal(SIGALRM, &guard) ;
    char const *seconds = getenv("BOX_GUARD") ;
    alarm(seconds ? (unsigned int)atoi(seconds) : GUARD) ;
  }
  running = b ;
}

void guard_ends (box const *b)
{
  if (running == b) running = 0 ;
}

void add (stralloc *sa, char const *s, size_t len)
{
  if (!stralloc_readyplus(sa, len + 1)) broken(0, "out of memory") ;
  stralloc_catb(sa, s, len) ;
  sa->s[sa->len] = 0 ;
}

TCase *box_case (char const *name)
{
  TCase *tc = tcase_create(name) ;
  tcase_set_timeout(tc, GUARD_OF_CHECK) ;
  return tc ;
}

/* In a process of its own, so that nothing of it stays: 0, or 77 with the reason said. */
static int try_a_box (void)
{
  int status ;
  pid_t pid = fork() ;
  if (pid < 0) return 111 ;
  if (!pid)
  {
    static struct box_how const how = { .init = "/bin/true" } ;
    trial = 1 ;
    box *b = box_new(0) ;
    box_boot(b, &how, (char *)0) ;
    if (box_wait(b)) broken(b, "a box does not start") ;
    _exit(0) ;
  }
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) ;
  return exited(status) ;
}

int box_main (char const *name, TCase *const *cases, unsigned int n)
{
  int e = try_a_box() ;
  if (e) return e ;
  Suite *suite = suite_create(name) ;
  for (unsigned int i = 0 ; i < n ; i++) suite_add_tcase(suite, cases[i]) ;
  SRunner *runner = srunner_create(suite) ;
  srunner_run_all(runner, CK_ENV) ;
  n = (unsigned int)srunner_ntests_failed(runner) ;
  srunner_free(runner) ;
  return n ? 1 : 0 ;
}
