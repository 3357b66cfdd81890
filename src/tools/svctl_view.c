/* ISC license. */

/*
   The scanner's ledger from outside. The scanner signs .s6-svscan/lock with its pid and the
   number of the ledger's descriptor; /proc/PID/fd/NUMBER opens it. That this is the same
   scanner, and not another process that has its pid in our PID namespace, is known by the
   lock: the descriptor that the ledger names must be the very file that we read the pid from.
*/

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <skalibs/djbunix.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "control.h"
#include "listen.h"
#include "rc.h"
#include "scandir.h"
#include "svctl.h"
#include "tools.h"

/* A slot that changes all the time is read at most so often. */
#define TRIES 1000

/* ---- finding */

/* "PID DESCRIPTOR" */
static int read_signature (char const *lock, pid_t *pid, int *fd)
{
  char text[64] ;
  size_t n ;
  unsigned int u ;
  if (setting_read(AT_FDCWD, lock, text, sizeof text) < 0) return 0 ;
  n = pid_scan(text, pid) ;
  if (!n || text[n] != ' ' || !uint0_scan(text + n + 1, &u)) return (errno = EPROTO, 0) ;
  *fd = (int)u ;
  return 1 ;
}

static void proc_path (char *path, pid_t pid, int fd)
{
  strcpy(path, "/proc/") ;
  strcat(path, NUM(pid)) ;
  strcat(path, "/fd/") ;
  strcat(path, NUM(fd)) ;
}

static int is_same_file (char const *a, char const *b)
{
  struct stat x, y ;
  return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino ;
}

static int map (struct view *v, pid_t pid, int number, char const *lock)
{
  char path[80] ;
  int fd ;
  proc_path(path, pid, number) ;
  fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) ;
  if (fd < 0) return (v->why = errno == ENOENT ? "its process is not to be seen from here" : "this user may not read its memory", 0) ;
  v->h = ledger_view(fd, &v->size) ;
  fd_close(fd) ;
  if (!v->h) return (v->why = "its memory is laid out by another version", 0) ;
  proc_path(path, pid, v->h->scan_lock_fd) ;
  if (is_same_file(path, lock)) return 1 ;
  munmap((void *)v->h, v->size) ;
  v->h = 0 ;
  return (v->why = "its process is not to be seen from here", 0) ;
}

static void find_ledger (struct view *v)
{
  stralloc lock = STRALLOC_ZERO ;
  int number ;
  v->h = 0 ;
  v->pid = 0 ;
  tool_path(&lock, v->dir, SVSCAN_SUB "/lock") ;
  if (!read_signature(lock.s, &v->pid, &number)) v->why = errno == EACCES ? "this user may not read it" : "it is no keelson" ;
  else map(v, v->pid, number, lock.s) ;
  if (!v->h) v->pid = 0 ;
  stralloc_free(&lock) ;
}

static char const *without_slashes (char const *dir)
{
  char *s = svctl_strdup(dir) ;
  size_t n = strlen(s) ;
  while (n > 1 && s[n - 1] == '/') s[--n] = 0 ;
  return s ;
}

void view_open (struct view *v, char const *dir, int code)
{
  memset(v, 0, sizeof *v) ;
  v->dir = scandir_find(dir) ;
  if (!v->dir) strerr_dief(code, "no scan directory of a running supervisor was found: give its path with -d") ;
  v->dir = without_slashes(v->dir) ;
  if (control_islocked(v->dir, SVSCAN_SUB) == 0)
    strerr_dief(code, "no scanner runs in ", v->dir, " (nobody holds ", v->dir, "/" SVSCAN_SUB "/lock): give the right directory with -d") ;
  find_ledger(v) ;
}

/* ---- copies */

/* Slots that the mapping has for sure: the table may have grown since. */
static uint32_t mapped_slots (struct view const *v)
{
  size_t first = (size_t)((char const *)slot_of((struct header *)v->h, 0) - (char const *)v->h) ;
  size_t n = (v->size - first) / sizeof(struct slot) ;
  return v->h->slots < n ? v->h->slots : (uint32_t)n ;
}

enum snapshot { SLOT_FREE, SLOT_TORN, SLOT_WHOLE } ;

/* The checksum tells a copy that was written to while we read it from one that is damaged: the
   next reading of the former is whole. */
static enum snapshot snapshot (struct view const *v, uint32_t i, struct slot *copy)
{
  struct slot const *s = slot_of((struct header *)v->h, i) ;
  for (unsigned int n = 0 ; n < TRIES ; n++)
  {
    memcpy(copy, s, sizeof *copy) ;
    copy->name[SLOT_NAME_MAX - 1] = 0 ;
    if (!copy->used) return SLOT_FREE ;
    if (slot_sound(copy)) return SLOT_WHOLE ;
    __atomic_thread_fence(__ATOMIC_SEQ_CST) ;
  }
  return SLOT_TORN ;
}

void view_global (struct view const *v, struct global *g)
{
  uint32_t at ;
  do
  {
    at = __atomic_load_n(&v->h->current, __ATOMIC_SEQ_CST) ;
    memcpy(g, &v->h->global[at & 1], sizeof *g) ;
    __atomic_thread_fence(__ATOMIC_SEQ_CST) ;
  }
  while (at != __atomic_load_n(&v->h->current, __ATOMIC_SEQ_CST)) ;
  g->script[sizeof g->script - 1] = 0 ;
}

uint32_t view_oldest (struct view const *v)
{
  return v->h->serial > RING_SIZE ? v->h->serial - RING_SIZE : 0 ;
}

int view_record (struct view const *v, uint32_t serial, struct record *r)
{
  memcpy(r, &v->h->ring[serial % RING_SIZE], sizeof *r) ;
  return r->serial == serial && serial < v->h->serial ;
}

char *view_slot_name (struct view const *v, uint32_t slot)
{
  char name[SLOT_NAME_MAX] ;
  if (slot >= mapped_slots(v)) return 0 ;
  memcpy(name, slot_of((struct header *)v->h, slot)->name, sizeof name) ;
  name[sizeof name - 1] = 0 ;
  return name[0] ? svctl_strdup(name) : 0 ;
}

unsigned int view_slot_kind (struct view const *v, uint32_t slot)
{
  return slot < mapped_slots(v) ? slot_of((struct header *)v->h, slot)->kind : SLOT_LONGRUN ;
}

/* ---- one service */

int64_t ns_between (tain const *from, tain const *to)
{
  tain d ;
  if (tain_less(to, from)) return 0 ;   /* the clock was set back */
  tain_sub(&d, to, from) ;
  return (int64_t)tai_sec(tain_secp(&d)) * 1000000000 + tain_nano(&d) ;
}

static void read_run (struct item *it, struct slot const *s, struct slot_state const *c, int64_t now)
{
  it->pid = s->run_pid > 0 ? s->run_pid : 0 ;
  it->age = now - c->started ;
  it->stopping = c->state == STOPPING || c->flags & STOP_SENT ;
  if (it->ready) it->ready_after = ns_between(&c->stamp, &c->ready_stamp) ;
}

static void read_rest (struct item *it, struct slot const *s, struct slot_state const *c, int64_t now)
{
  tain wall ;
  tain_wallclock_read(&wall) ;
  it->age = ns_between(&c->stamp, &wall) ;
  if (it->died) it->death_age = it->age ;
  it->exec_errno = it->died ? s->run_errno : 0 ;
  if (it->state == FINISH || it->state == LAST_FINISH) it->pid = s->finish_pid > 0 ? s->finish_pid : 0 ;
  if (it->state == BACKOFF && c->deadline != NEVER) it->next = c->deadline > now ? c->deadline - now : 0 ;
}

static void read_longrun (struct item *it, struct slot const *s)
{
  struct slot_state const *c = slot_now(s) ;
  int64_t now = mono_now() ;
  it->state = c->state < SERVICE_STATES ? c->state : ITEM_DAMAGED ;
  it->died = !!c->deaths ;
  it->oom = (unsigned int)slot_oom(s) ;
  it->wstat = c->wstat ;
  it->former = c->finish_pgid ;
  it->starts = c->starts ;
  it->reached = !!(c->flags & REACHED) ;
  it->restarts = c->starts ? (int64_t)c->starts - 1 : 0 ;
  it->cause = c->cause ;
  it->quick = c->quick ;
  it->wanted = !!(c->flags & WANT_UP) ;
  it->notifies = c->settings.notification_fd >= 0 ;
  it->ready = it->notifies && item_is_up(it) && c->flags & IS_READY ;
  it->paused = !!(c->flags & PAUSED) ;
  it->reload_signal = c->settings.reload_signal ;
  if (item_is_up(it)) read_run(it, s, c, now) ;
  else read_rest(it, s, c, now) ;
}

/* A oneshot's slot has the same entries; what they mean is in rc.h. */
static void read_oneshot (struct item *it, struct slot const *s)
{
  struct slot_state const *c = slot_now(s) ;
  tain wall ;
  tain_wallclock_read(&wall) ;
  it->state = ITEM_ONESHOT + c->state ;
  it->pid = s->run_pid > 0 ? s->run_pid : s->finish_pid > 0 ? s->finish_pid : 0 ;
  it->age = c->stamp.sec.x ? ns_between(&c->stamp, &wall) : UNKNOWN ;
  it->wanted = c->state == ONESHOT_STARTING || c->state == ONESHOT_UP ;
  it->died = c->state == ONESHOT_FAILED ;
  it->wstat = c->wstat ;
  if (it->died) it->death_age = it->age ;
  it->exec_errno = it->died ? s->run_errno : 0 ;
}

static void read_slot (struct item *it, struct slot const *s)
{
  it->graph_level = s->graph_level ;
  it->graph_want = s->graph_want ;
  if (s->kind == SLOT_ONESHOT) read_oneshot(it, s) ;
  else read_longrun(it, s) ;
}

static void item_clear (struct item *it)
{
  char const *name = it->name ;
  uint32_t slot = it->slot ;
  memset(it, 0, sizeof *it) ;
  it->name = name ;
  it->slot = slot ;
  it->age = it->next = it->ready_after = it->starts = it->restarts = it->death_age = UNKNOWN ;
}

void item_read (struct view const *v, struct item *it)
{
  struct slot copy ;
  item_clear(it) ;
  if (!v->h) files_read(v, it) ;
  else switch (snapshot(v, it->slot, &copy))
  {
    case SLOT_FREE : it->state = ITEM_UNSUPERVISED ; break ;
    case SLOT_TORN : it->state = ITEM_DAMAGED ; break ;
    case SLOT_WHOLE :
      if (strcmp(copy.name, it->name)) it->state = ITEM_UNSUPERVISED ;
      else read_slot(it, &copy) ;
  }
}

/* ---- all of them */

/* '/' before everything else, so that a logger follows its producer. */
static int compare_names (char const *a, char const *b)
{
  while (*a && *a == *b) a++, b++ ;
  if (*a == '/' && *b) return -1 ;
  if (*b == '/' && *a) return 1 ;
  return (unsigned char)*a - (unsigned char)*b ;
}

static int by_name (void const *a, void const *b)
{
  return compare_names(((struct item const *)a)->name, ((struct item const *)b)->name) ;
}

/* The ring knows when a run ended, also if there was another start since. What it says of a
   slot's former tenant is older than any death of the present one, which overwrites it here. */
static void read_deaths (struct view *v, int64_t const *deaths, int64_t now)
{
  for (size_t i = 0 ; i < v->n ; i++)
    if (v->items[i].died && !item_is_oneshot(v->items + i) && deaths[v->items[i].slot]) v->items[i].death_age = now - deaths[v->items[i].slot] ;
}

static int ends_run (struct record const *r)
{
  return (r->from == UP || r->from == STOPPING || r->from == LAST_UP) && r->to != UP && r->to != STOPPING && r->to != LAST_UP ;
}

static void read_ring (struct view *v, uint32_t slots)
{
  int64_t *deaths = svctl_alloc(slots * sizeof *deaths) ;
  struct record r ;
  for (uint32_t serial = view_oldest(v) ; serial < v->h->serial ; serial++)
    if (view_record(v, serial, &r) && r.slot < slots && ends_run(&r)) deaths[r.slot] = r.when ;
  read_deaths(v, deaths, mono_now()) ;
  free(deaths) ;
}

static void list_ledger (struct view *v)
{
  uint32_t slots = mapped_slots(v) ;
  struct slot copy ;
  v->items = svctl_alloc(slots * sizeof *v->items) ;
  for (uint32_t i = 0 ; i < slots ; i++)
  {
    struct item *it = v->items + v->n ;
    enum snapshot r = snapshot(v, i, &copy) ;
    if (r == SLOT_FREE) continue ;
    it->name = svctl_strdup(copy.name) ;
    it->slot = i ;
    item_clear(it) ;
    if (r == SLOT_WHOLE) read_slot(it, &copy) ;
    else it->state = ITEM_DAMAGED ;
    v->n++ ;
  }
  read_ring(v, slots) ;
}

static void forget (struct view *v)
{
  for (size_t i = 0 ; i < v->n ; i++) free((char *)v->items[i].name) ;
  free(v->items) ;
  v->items = 0 ;
  v->n = 0 ;
}

/* The file has grown since we mapped it. */
static int is_outgrown (struct view const *v)
{
  return v->h && v->h->slots > mapped_slots(v) ;
}

void view_read (struct view *v)
{
  forget(v) ;
  if (is_outgrown(v))
  {
    munmap((void *)v->h, v->size) ;
    find_ledger(v) ;
  }
  if (v->h) list_ledger(v) ;
  else
  {
    files_list(v) ;
    for (size_t i = 0 ; i < v->n ; i++) item_read(v, v->items + i) ;
  }
  if (v->n) qsort(v->items, v->n, sizeof *v->items, &by_name) ;
}

/* ---- by name */

struct item *view_find (struct view const *v, char const *name)
{
  struct item const key = { .name = name } ;
  return v->n ? bsearch(&key, v->items, v->n, sizeof *v->items, &by_name) : 0 ;
}

/* A link without a slash in the scan directory is a second name (scan.c). */
static char const *first_name (struct view const *v, char const *name)
{
  char target[NAME_MAX + 1] ;
  stralloc path = STRALLOC_ZERO ;
  ssize_t n = strchr(name, '/') ? -1 : readlink(tool_path(&path, v->dir, name), target, NAME_MAX) ;
  stralloc_free(&path) ;
  if (n <= 0 || memchr(target, '/', (size_t)n)) return name ;
  target[n] = 0 ;
  return svctl_strdup(target) ;
}

void view_first_names (struct view const *v, char const **names, unsigned int n)
{
  for (unsigned int i = 0 ; v->h && i < n ; i++) names[i] = first_name(v, names[i]) ;
}

void tell_unknown (struct view const *v, struct graph const *g, char const *name)
{
  stralloc sa = STRALLOC_ZERO ;
  size_t start ;
  text_s(&sa, "there is no service ") ;
  text_shown(&sa, name) ;
  text_s(&sa, " in ") ;
  text_s(&sa, v->dir) ;
  start = sa.len ;
  near_append(v, g, name, &sa) ;
  if (sa.len == start) text_s(&sa, "; svctl status shows what there is, svctl rescan takes up what is new") ;
  text_error(&sa) ;
}

static int is_among (struct item *const *items, struct item const *it)
{
  for (; *items ; items++) if (*items == it) return 1 ;
  return 0 ;
}

struct item **view_select (struct view const *v, char const *const *names, unsigned int n)
{
  struct item **found = svctl_alloc((n + 1) * sizeof *found) ;
  unsigned int known = 0, unknown = 0 ;
  for (unsigned int i = 0 ; i < n ; i++)
  {
    struct item *it = view_find(v, names[i]) ;
    if (!it)
    {
      tell_unknown(v, 0, names[i]) ;
      unknown++ ;
    }
    else if (!is_among(found, it)) found[known++] = it ;
  }
  if (unknown) _exit(EXIT_DOMAIN) ;
  return found ;
}
