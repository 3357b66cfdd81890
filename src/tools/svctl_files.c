/* ISC license. */

/* Services as their files tell of them: all that there is with s6's scanner. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <skalibs/direntry.h>
#include <skalibs/djbunix.h>
#include <skalibs/genalloc.h>
#include <skalibs/strerr.h>

#include "control.h"
#include "listen.h"
#include "svctl.h"
#include "tools.h"

static genalloc list = GENALLOC_ZERO ;   /* struct item */

/* DIR/NAME, and NAME as an item, if that is a directory. */
static int add_directory (struct view const *v, char const *name)
{
  static stralloc path = STRALLOC_ZERO ;
  struct stat st ;
  struct item it = { .slot = NO_SLOT } ;
  if (stat(tool_path(&path, v->dir, name), &st) == -1 || !S_ISDIR(st.st_mode)) return 0 ;
  it.name = svctl_strdup(name) ;
  if (!genalloc_append(struct item, &list, &it)) listen_diefusys(EXIT_SYSTEM, "allocate memory") ;
  return 1 ;
}

static void add_service (struct view const *v, char const *name)
{
  static stralloc log = STRALLOC_ZERO ;
  if (name[0] != '.' && add_directory(v, name)) add_directory(v, tool_path(&log, name, "log")) ;
}

void files_list (struct view *v)
{
  DIR *dir = opendir(v->dir) ;
  if (!dir) strerr_diefusys(EXIT_SYSTEM, "read the scan directory ", v->dir) ;
  list = genalloc_zero ;
  for (;;)
  {
    direntry *d ;
    errno = 0 ;
    d = readdir(dir) ;
    if (!d) break ;
    add_service(v, d->d_name) ;
  }
  if (errno) strerr_diefusys(EXIT_SYSTEM, "read the scan directory ", v->dir) ;
  dir_close(dir) ;
  v->items = genalloc_s(struct item, &list) ;
  v->n = genalloc_len(struct item, &list) ;
}

/* ---- one of them */

static int has_file (char const *dir, char const *name)
{
  stralloc sa = STRALLOC_ZERO ;
  int r = access(tool_path(&sa, dir, name), F_OK) == 0 ;
  stralloc_free(&sa) ;
  return r ;
}

/* The tally keeps the last deaths only (100 unless max-death-tally says otherwise): beyond that
   nobody knows how many there were. */
#define TALLY_DEFAULT 100

static void read_tally (struct item *it, char const *dir, tain const *now)
{
  static struct death deaths[TALLY_MAX] ;
  ssize_t n = tally_read(dir, deaths, TALLY_MAX) ;
  if (n < 0) return ;
  it->died = !!n ;
  if (n < TALLY_DEFAULT) it->restarts = n - !item_is_up(it) ;
  if (it->restarts < 0) it->restarts = n < TALLY_DEFAULT ? 0 : UNKNOWN ;
  if (n) it->death_age = ns_between(&deaths[n - 1].stamp, now) ;
}

static void read_status (struct item *it, char const *dir, struct svstatus const *st)
{
  tain now ;
  tain_wallclock_read(&now) ;
  it->state = st->finishing ? FINISH : st->pid ? UP : st->want_up ? BACKOFF : DOWN ;
  it->pid = st->pid ;
  it->former = it->state == UP ? 0 : st->pgid ;
  it->age = ns_between(&st->stamp, &now) ;
  it->wstat = st->wstat ;
  it->wanted = st->want_up ;
  it->paused = st->paused ;
  it->notifies = has_file(dir, "notification-fd") ;
  it->ready = it->notifies && st->ready && it->state == UP ;
  if (it->ready) it->ready_after = ns_between(&st->stamp, &st->readystamp) ;
  read_tally(it, dir, &now) ;
}

/* Wanted up and without a process may be a pause between starts, or waiting for another service:
   the files do not say. */
void files_read (struct view const *v, struct item *it)
{
  stralloc dir = STRALLOC_ZERO ;
  struct svstatus st ;
  int r = control_islocked(tool_path(&dir, v->dir, it->name), SUPERVISE_SUB) ;
  if (!r) it->state = ITEM_UNSUPERVISED ;
  else if (r > 0 && svstatus_read(dir.s, &st)) read_status(it, dir.s, &st) ;
  else
  {
    it->state = ITEM_UNREADABLE ;
    it->error = errno ;
  }
  stralloc_free(&dir) ;
}
