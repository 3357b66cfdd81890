/* ISC license. */

/* The scan directory (our cwd): which services there are. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>

#include <skalibs/genalloc.h>
#include <skalibs/stralloc.h>

#include "names.h"
#include "rc.h"
#include "svscan.h"

#define LOG "/log"

static struct names names = NAMES_ZERO ;   /* of the directory */

/* ---- names in the table */

static genalloc table = GENALLOC_ZERO ; /* uint32_t slots, sorted by name */

static int by_slot_name (void const *a, void const *b)
{
  uint32_t const *x = a, *y = b ;
  return strcmp(slot_at(*x)->name, slot_at(*y)->name) ;
}

static void sort_table (void)
{
  table.len = 0 ;
  for (uint32_t i = 0 ; i < ledger->slots ; i++)
    if (slot_at(i)->used && !genalloc_append(uint32_t, &table, &i)) return ;
  if (table.len) qsort(table.s, genalloc_len(uint32_t, &table), sizeof(uint32_t), &by_slot_name) ;
}

static uint32_t search_table (char const *name)
{
  size_t lo = 0, hi = genalloc_len(uint32_t, &table) ;
  while (lo < hi)
  {
    size_t mid = (lo + hi) / 2 ;
    uint32_t i = genalloc_s(uint32_t, &table)[mid] ;
    int c = strcmp(slot_at(i)->name, name) ;
    if (!c) return i ;
    if (c < 0) lo = mid + 1 ;
    else hi = mid ;
  }
  return NO_SLOT ;
}

/* Before any rescan the order of the table is the order of names, so a scan of all is rare. */
uint32_t scan_find (char const *name)
{
  for (uint32_t i = 0 ; i < ledger->slots ; i++)
    if (slot_at(i)->used && !strcmp(slot_at(i)->name, name)) return i ;
  return NO_SLOT ;
}

/* ---- taking up */

static int is_directory (char const *path)
{
  struct stat st ;
  return stat(path, &st) == 0 && S_ISDIR(st.st_mode) ;
}

/* A link to another entry is a second name of that service. And images of LinuxServer.io's first
   year with s6-overlay 3 link the place of all services of services.d to /run/s6/services: as
   that is here a way to the scan directory, their link ends up in it. */
static int is_no_service (char const *name)
{
  char target[NAME_MAX + 1] ;
  ssize_t n = readlink(name, target, sizeof target) ;
  return n > 0 && (!memchr(target, '/', (size_t)n) || (ledger->container && !strcmp(name, "legacy-services"))) ;
}

/* We hold both ends, so no byte is lost when either side restarts. */
int scan_join (uint32_t producer, uint32_t logger)
{
  struct slot *l = slot_at(logger) ;
  if (l->pipe[0] < 0 && pipe2(l->pipe, 0) < 0)
  {
    int e = errno ;
    say_sys(SAY_ERROR, e, "unable to make the pipe between ", slot_at(producer)->name, " and its logger") ;
    errno = e ;
    return -1 ;
  }
  slot_at(producer)->logger = logger ;
  return 0 ;
}

static uint32_t taken_up (char const *name, char const *fresh_dir)
{
  uint32_t i = search_table(name) ;
  if (i != NO_SLOT) return i ;
  i = service_add(name, fresh_dir) ;
  if (i == NO_SLOT) retry_later(errno) ;
  return i ;
}

static int has_begun (uint32_t i)
{
  return i != NO_SLOT && slot_now(slot_at(i))->cause != WHY_NONE ;
}

/* Begins what has not begun: a slot just added has no status yet. */
static void begin_once (uint32_t i)
{
  if (i == NO_SLOT || has_begun(i)) return ;
  if (rc_knows(slot_at(i)->name)) service_event(i, EV_HOLD, 0) ;
  service_event(i, EV_BEGIN, 0) ;
}

static int has_log (struct fresh const *f, char const *log)
{
  return f->dir ? f->has_log : is_directory(log) ;
}

static uint32_t take_up (struct fresh const *f)
{
  char const *name = f->name ;
  char log[SLOT_NAME_MAX + sizeof LOG] ;
  uint32_t i, l = NO_SLOT ;
  if (ledger->slots >= options.max && search_table(name) == NO_SLOT)
  {
    say(SAY_WARNING, "no room for service ", name, ": at most ", NUM(options.max), " (option -c)") ;
    return NO_SLOT ;
  }
  i = taken_up(name, f->dir) ;
  if (i == NO_SLOT) return i ;
  strcpy(log, name) ;
  strcat(log, LOG) ;
  if (has_log(f, log))
  {
    l = taken_up(log, 0) ;
    /* it does not start without its logger, if that is a matter of time */
    if (l == NO_SLOT && retry_is_due()) return NO_SLOT ;
  }
  if (l != NO_SLOT && slot_at(i)->logger == NO_SLOT && scan_join(i, l) < 0 && retry_later(errno)) return NO_SLOT ;
  begin_once(l) ;
  begin_once(i) ;
  return i ;
}

static uint32_t take_up_name (char const *name)
{
  struct fresh const f = { .name = name, .dir = 0, .files = 0, .has_log = 0 } ;
  return take_up(&f) ;
}

uint32_t scan_take_up (char const *name)
{
  sort_table() ;
  return take_up_name(name) ;
}

void scan_take_up_new (struct fresh const *f)
{
  table.len = 0 ;
  take_up(f) ;
}

/* Memory and descriptors for those that are to begin, before any of them does. */
static void make_room (void)
{
  uint32_t n = 0 ;
  for (size_t k = 0 ; k < names_count(&names) ; k++) n += search_table(names_at(&names, k)) == NO_SLOT ;
  if (n) service_room(n) ;
}

void scan_all (void)
{
  static int told = 0 ;
  if (names_read(&names, ".", 0, "") < 0)
  {
    int e = errno ;
    if (!told++) say_sys(SAY_ERROR, e, "unable to read the scan directory ", ledger->scandir, ": what is supervised stays so") ;
    retry_later(e) ;
    return ;
  }
  told = 0 ;
  sort_table() ;
  make_room() ;
  for (size_t k = 0 ; k < names_count(&names) ; k++)
  {
    char const *name = names_at(&names, k) ;
    if (has_begun(search_table(name))) continue ;
    if (strlen(name) + sizeof LOG < SLOT_NAME_MAX && is_directory(name) && !is_no_service(name)) take_up_name(name) ;
  }
}

/* ---- letting go */

static size_t service_part (char const *name)
{
  return strcspn(name, "/") ;
}

void scan_producer_gone (uint32_t producer)
{
  uint32_t logger = slot_at(producer)->logger ;
  struct slot *l ;
  int fd ;
  if (logger == NO_SLOT) return ;
  for (uint32_t i = 0 ; i < ledger->slots ; i++)
    if (i != producer && slot_at(i)->used && slot_at(i)->logger == logger) return ;
  l = slot_at(logger) ;
  fd = l->pipe[1] ;
  l->pipe[1] = -1 ;
  if (fd >= 0) close(fd) ;
}

static void let_go (uint32_t i, int term)
{
  struct slot *s = slot_at(i) ;
  service_event(i, EV_x, 0) ;
  if (term && s->used) service_event(i, EV_d, 0) ;
}

void scan_prune (int term_loggers)
{
  if (names_read(&names, ".", 0, "") < 0) return ;
  for (uint32_t i = 0 ; i < ledger->slots ; i++)
  {
    struct slot *s = slot_at(i) ;
    int is_log ;
    if (!slot_is_service(i) || names_has(&names, s->name, service_part(s->name))) continue ;
    is_log = !!s->name[service_part(s->name)] ;
    let_go(i, !is_log || term_loggers) ;
  }
}
