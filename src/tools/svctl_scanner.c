/* ISC license. */

/* The scanner itself: halt, poweroff, reboot, rescan, reexec, info. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <skalibs/djbunix.h>
#include <skalibs/stralloc.h>
#include <skalibs/strerr.h>
#include <skalibs/tai.h>
#include <skalibs/types.h>

#include "multicall/multicall.h"
#include "control.h"
#include "listen.h"
#include "svscan.h"
#include "svctl.h"
#include "tools.h"

#define RESULTS "s6-linux-init-container-results"

static void say_line (char const *a, char const *b)
{
  stralloc line = STRALLOC_ZERO ;
  text_s(&line, a) ;
  text_s(&line, b) ;
  text_s(&line, "\n") ;
  text_flush(&line) ;
  stralloc_free(&line) ;
}

/* ---- halt */

/* The run directory: what the ledger says, else the scan directory's parent. */
static void results_path (stralloc *sa, struct view const *v)
{
  sa->len = 0 ;
  if (v->h && v->h->rundir[0]) text_s(sa, v->h->rundir) ;
  else
  {
    text_s(sa, v->dir) ;
    text_s(sa, "/..") ;
  }
  text_s(sa, "/" RESULTS) ;
  stralloc_0(sa) ;
}

static void write_exitcode (struct view const *v, char const *code)
{
  stralloc path = STRALLOC_ZERO ;
  char text[UINT_FMT + 1] ;
  unsigned int u ;
  size_t n ;
  int dir ;
  if (!uint0_scan(code, &u) || u > 255) strerr_dief(EXIT_USAGE, "an exit code is a number from 0 to 255, not ", code) ;
  n = uint_fmt(text, u) ;
  text[n++] = '\n' ;
  results_path(&path, v) ;
  dir = open(path.s, O_RDONLY | O_DIRECTORY | O_CLOEXEC) ;
  if (dir < 0 && errno == ENOENT)
    strerr_dief(EXIT_DOMAIN, "there is no ", path.s, " for the exit code: this scanner is no container's; svctl halt without a code stops it") ;
  if (dir < 0 || file_replace(dir, "exitcode", text, n, 0644) < 0)
    strerr_diefusys(EXIT_SYSTEM, "write the exit code to ", path.s, "/exitcode") ;
  fd_close(dir) ;
  stralloc_free(&path) ;
}

/* Whoever halts from within a boot or finish script is stopped by it: nothing is waited for. */
int svctl_halt (struct call *c)
{
  if (c->n) write_exitcode(&c->view, c->names[0]) ;
  control_send(c->view.dir, SVSCAN_SUB, "t", 1) ;
  say_line("asked for the stop", c->view.h && !c->view.h->container ? " of the scanner" : "") ;
  return EXIT_OK ;
}

/* halt, poweroff, reboot: a container knows one way down. Options of other systems' programs of
   these names change nothing here. */
static int halt_program (int argc, char const *const *argv)
{
  struct view v ;
  if (argc > 1 && !strcmp(argv[1], "--help")) tool_dieusage("(stops the container; svctl halt CODE also sets its exit code)") ;
  view_open(&v, 0, EXIT_USAGE) ;
  control_send(v.dir, SVSCAN_SUB, "t", 1) ;
  return EXIT_OK ;
}

int halt_main (int argc, char const *const *argv) { return halt_program(argc, argv) ; }
int poweroff_main (int argc, char const *const *argv) { return halt_program(argc, argv) ; }
int reboot_main (int argc, char const *const *argv) { return halt_program(argc, argv) ; }

/* ---- letters that have a result: the scanner signs its lock file when they are done */

static int on_signature (int i, char const *s, size_t len, void *data)
{
  (void)s ; (void)len ; (void)data ;
  return i == LISTEN_FILES ;
}

static void send_and_wait (struct call const *c, char letter)
{
  stralloc lock = STRALLOC_ZERO ;
  tain deadline ;
  int r ;
  if (!listen_start() || !listen_watch(tool_path(&lock, c->view.dir, SVSCAN_SUB "/lock"), IN_MODIFY))
    strerr_diefusys(EXIT_SYSTEM, "watch ", lock.s) ;
  control_send(c->view.dir, SVSCAN_SUB, &letter, 1) ;
  deadline_at(&deadline, c->timeout ? mono_after(mono_now(), MS(c->timeout)) : NEVER) ;
  r = listen_wait(&deadline, &on_signature, 0) ;
  if (r == -1) strerr_diefusys(EXIT_SYSTEM, "wait for the scanner") ;
  if (!r) strerr_dief(EXIT_TIMEOUT, "the scanner did not answer in ", DURATION(MS(c->timeout))) ;
  stralloc_free(&lock) ;
}

/* s6's scanner gives no sign. */
static int asked_only (struct call const *c, char letter)
{
  control_send(c->view.dir, SVSCAN_SUB, &letter, 1) ;
  say_line("asked", "") ;
  return EXIT_OK ;
}

/* Names of A that are not in B, each in a line. */
static unsigned int put_new (stralloc *sa, struct view const *a, struct view const *b, char const *what)
{
  unsigned int n = 0 ;
  for (size_t i = 0 ; i < a->n ; i++)
  {
    if (view_find(b, a->items[i].name)) continue ;
    text_shown(sa, a->items[i].name) ;
    text_s(sa, what) ;
    n++ ;
  }
  return n ;
}

int svctl_rescan (struct call *c)
{
  stralloc page = STRALLOC_ZERO ;
  struct view after ;
  unsigned int n ;
  if (!c->view.h || c->nowait) return asked_only(c, 'h') ;
  view_read(&c->view) ;
  send_and_wait(c, 'h') ;
  view_open(&after, c->view.dir, EXIT_DOMAIN) ;
  view_read(&after) ;
  n = put_new(&page, &after, &c->view, ": taken up\n") ;
  n += put_new(&page, &c->view, &after, ": let go\n") ;
  if (!n) text_s(&page, "nothing new\n") ;
  text_flush(&page) ;
  return EXIT_OK ;
}

int svctl_reexec (struct call *c)
{
  uint32_t before ;
  int64_t since = mono_now() ;
  if (!c->view.h) strerr_dief(EXIT_DOMAIN, "unable to execute this scanner again: ", c->view.why) ;
  if (c->nowait) return asked_only(c, 'R') ;
  before = c->view.h->reexecs ;
  send_and_wait(c, 'R') ;
  if (c->view.h->reexecs == before) strerr_dief(EXIT_DOMAIN, "the scanner could not execute ", c->view.h->self, " again: its message in the container's log says why") ;
  say_line("executed again in ", DURATION(mono_now() - since)) ;
  return EXIT_OK ;
}

/* ---- info */

#define KEY_WIDTH 20    /* longer than every key */

static void put_key (stralloc *sa, char const *name)
{
  text_s(sa, name) ;
  text_spaces(sa, KEY_WIDTH - strlen(name)) ;
}

static void put_text (stralloc *sa, char const *name, char const *value)
{
  put_key(sa, name) ;
  text_shown(sa, value) ;
  text_s(sa, "\n") ;
}

static void put_number (stralloc *sa, char const *name, uint64_t n) { put_text(sa, name, NUM((int64_t)n)) ; }

static void put_generation (stralloc *sa, struct view const *v, struct global const *g)
{
  if (!g->generation) return ;
  put_key(sa, "generation") ;
  text_n(sa, g->generation) ;
  text_s(sa, ": ") ;
  text_s(sa, generation_text((enum generation_why)v->h->generation_why)) ;
  text_s(sa, "\n") ;
}

static void put_boot (stralloc *sa, struct view const *v, struct global const *g)
{
  put_text(sa, "up", DURATION(mono_now() - v->h->boot_started)) ;
  put_text(sa, "step", g->stop ? "stopping" : step_name((enum step)g->step)) ;
  put_text(sa, "boot took", v->h->boot_ready ? DURATION(v->h->boot_ready - v->h->boot_started) : "not over yet") ;
}

static void put_fault (stralloc *sa, struct view const *v)
{
  put_number(sa, "faults survived", v->h->faults) ;
  if (v->h->faults) put_text(sa, "last fault", SIGNAME(v->h->fault_sig)) ;
  put_number(sa, "re-execs", v->h->reexecs) ;
}

static uint32_t used_slots (struct view const *v)
{
  return v->h->slots - (v->h->unused < v->h->slots ? v->h->unused : v->h->slots) ;
}

static void put_ledger (stralloc *sa, struct view const *v)
{
  struct global g ;
  view_global(v, &g) ;
  put_number(sa, "pid", (uint64_t)v->pid) ;
  put_text(sa, "binary", v->h->self) ;
  if (v->h->container) put_text(sa, "run directory", v->h->rundir) ;
  put_generation(sa, v, &g) ;
  put_boot(sa, v, &g) ;
  put_number(sa, "services", used_slots(v)) ;
  put_number(sa, "ledger bytes", v->size) ;
  put_number(sa, "ledger slots", v->h->room) ;
  put_number(sa, "changes of state", v->h->serial) ;
  put_number(sa, "deadlines expired", v->h->expired) ;
  put_number(sa, "messages dropped", v->h->dropped) ;
  put_fault(sa, v) ;
}

int svctl_info (struct call *c)
{
  stralloc page = STRALLOC_ZERO ;
  put_text(&page, "version", "keelson " KEELSON_VERSION) ;
  put_text(&page, "scan directory", c->view.dir) ;
  if (c->view.h) put_ledger(&page, &c->view) ;
  else put_text(&page, "scanner", c->view.why) ;
  text_flush(&page) ;
  return EXIT_OK ;
}
