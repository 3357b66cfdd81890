/* ISC license. */

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "ledger.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif
#ifndef MFD_CLOEXEC
#define MFD_CLOEXEC 0x0001U
#define MFD_ALLOW_SEALING 0x0002U
#endif

/* Slots are added in groups, so that growing is rare and pages are touched while we still can
   report that there are none. */
#define GROUP 15u   /* with the header a few bytes short of a whole page */
#define PAGE_END(n) (((n) + 4095) & ~(size_t)4095)
#define HEADER_ROOM PAGE_END(sizeof(struct header))
#define WINDOW (HEADER_ROOM + (size_t)SLOT_MAX * sizeof(struct slot))

struct header *ledger = 0 ;

/* ---- making and finding */

static int memory_file (void)
{
  int fd = (int)syscall(SYS_memfd_create, "keelson", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL) ;
  if (fd < 0 && errno == EINVAL) fd = (int)syscall(SYS_memfd_create, "keelson", MFD_CLOEXEC | MFD_ALLOW_SEALING) ;
  return fd ;
}

/* In memory, where there is such a place; else in DIR. */
static int unlinked_file (char const *dir)
{
  char const *const dirs[] = { "/dev/shm", "/run", dir } ;
  int fd = -1 ;
  for (size_t i = 0 ; fd < 0 && i < sizeof dirs / sizeof *dirs ; i++) fd = open(dirs[i], O_TMPFILE | O_RDWR | O_CLOEXEC, 0600) ;
  return fd ;
}

/* Memory for the file's bytes from FROM to TO. Where none can be reserved they are there when they are
   touched, and the file just has to be as long. 0, or -1/errno. */
static int reserve (int fd, size_t from, size_t to, int is_end)
{
  if (fallocate(fd, 0, (off_t)from, (off_t)(to - from)) == 0) return 0 ;
  if (errno != EOPNOTSUPP && errno != ENOSYS) return -1 ;
  return is_end ? ftruncate(fd, (off_t)to) : 0 ;
}

static int grow_file (int fd, uint32_t room)
{
  return reserve(fd, HEADER_ROOM, HEADER_ROOM + (size_t)room * sizeof(struct slot), 1) ;
}

/* The ring is the header's end and most of it: it gets its pages as it fills, the first with the header. */
#define RING_AT offsetof(struct header, ring)

static int grow_ring (int fd, size_t records)
{
  return reserve(fd, 0, PAGE_END(RING_AT + records * sizeof(struct record)), 0) ;
}

static uint32_t ring_room (size_t records)
{
  size_t n = (PAGE_END(RING_AT + records * sizeof(struct record)) - RING_AT) / sizeof(struct record) ;
  return n < RING_SIZE ? (uint32_t)n : RING_SIZE ;
}

static int map (int fd)
{
  /* Room for every slot there can be is reserved at once: a pointer to a slot stays good. Pages
     beyond the end of the file are never touched, see slot_new(). */
  void *p = mmap(0, WINDOW, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0) ;
  if (p == MAP_FAILED) return -1 ;
  ledger = p ;
  return 0 ;
}

static void first_entries (int fd_base)
{
  ledger->magic = LEDGER_MAGIC ;
  ledger->version = LEDGER_VERSION ;
  ledger->header_size = sizeof(struct header) ;
  ledger->slot_size = sizeof(struct slot) ;
  ledger->room = GROUP ;
  ledger->ring_room = ring_room(0) ;
  ledger->fd_base = fd_base ;
  ledger->self_fd = -1 ;
  ledger->exe_fd = ledger->lock_fd = ledger->scan_lock_fd = ledger->scan_control_fd = -1 ;
  ledger->outer[0] = ledger->outer[1] = -1 ;
  ledger->work_slot = ledger->catchall = NO_SLOT ;
  global_draft() ;
  global_commit() ;
}

int ledger_create (int fd_base, char const *dir)
{
  int fd = memory_file() ;
  if (fd < 0) fd = unlinked_file(dir) ;
  if (fd < 0 || grow_ring(fd, 0) < 0 || grow_file(fd, GROUP) < 0 || map(fd) < 0) return -1 ;
  /* a services' process that got hold of it must not be able to make us fault on a page
     that is no more; not possible on an unlinked file, where nobody else has it open */
  fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) ;
  first_entries(fd_base) ;
  /* last: until it is complete an exec must find no trace of it */
  fd = fd_raise(fd, fd_base, 0) ;
  if (fd < 0) return -1 ;
  ledger->self_fd = fd ;
  return fcntl(fd, F_SETFD, 0) ;
}

int ledger_attach (int fd)
{
  if (map(fd) < 0) return -1 ;
  if (ledger->magic == LEDGER_MAGIC && ledger->version == LEDGER_VERSION
   && ledger->header_size == sizeof(struct header) && ledger->slot_size == sizeof(struct slot)) return 0 ;
  munmap(ledger, WINDOW) ;
  ledger = 0 ;
  errno = EPROTO ;
  return -1 ;
}

struct header const *ledger_view (int fd, size_t *size)
{
  struct stat st ;
  struct header const *h ;
  if (fstat(fd, &st) < 0 || st.st_size < (off_t)HEADER_ROOM) return 0 ;
  h = mmap(0, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0) ;
  if (h == MAP_FAILED) return 0 ;
  if (h->magic == LEDGER_MAGIC && h->version == LEDGER_VERSION
   && h->header_size == sizeof(struct header) && h->slot_size == sizeof(struct slot)
   && h->slots <= ((size_t)st.st_size - HEADER_ROOM) / sizeof(struct slot))
  {
    *size = (size_t)st.st_size ;
    return h ;
  }
  munmap((void *)h, (size_t)st.st_size) ;
  errno = EPROTO ;
  return 0 ;
}

/* ---- checksums */

/* FNV-1a, a word at a time: it guards against a wild write, not against an adversary. */
static uint32_t checksum (void const *p, size_t n)
{
  uint32_t const *w = p ;
  uint32_t h = 2166136261u ;
  for (n /= sizeof *w ; n ; n--) h = (h ^ *w++) * 16777619u ;
  return h ;
}

#define SUM_OF(copy) checksum(&(copy)->seq, sizeof *(copy) - sizeof (copy)->sum)

static void store (uint32_t *word, uint32_t value)
{
  __atomic_store_n(word, value, __ATOMIC_SEQ_CST) ;
}

/* ---- the global state */

struct global const *global_now (void)
{
  return &ledger->global[ledger->current & 1] ;
}

struct global *global_draft (void)
{
  struct global *g = &ledger->global[~ledger->current & 1] ;
  *g = *global_now() ;
  return g ;
}

void global_commit (void)
{
  struct global *g = &ledger->global[~ledger->current & 1] ;
  g->sum = SUM_OF(g) ;
  store(&ledger->current, ~ledger->current & 1) ;
}

/* ---- slots */

struct slot *slot_of (struct header *h, uint32_t i)
{
  return (struct slot *)((char *)h + HEADER_ROOM) + i ;
}

struct slot *slot_at (uint32_t i)
{
  return slot_of(ledger, i) ;
}

static uint32_t free_slot (void)
{
  if (ledger->unused)
    for (uint32_t i = 0 ; i < ledger->slots ; i++)
      if (!slot_at(i)->used)
      {
        ledger->unused-- ;
        return i ;
      }
  return NO_SLOT ;
}

int slot_room (uint32_t n)
{
  uint32_t want = ledger->slots + n, room = ledger->room ;
  if (want <= room) return 0 ;
  if (want > SLOT_MAX) return (errno = ENOSPC, -1) ;
  room += room < 16 * GROUP ? GROUP : room / 16 ;
  if (room < want) room = want ;
  if (grow_file(ledger->self_fd, room) < 0) return -1 ;
  ledger->room = room ;
  return 0 ;
}

uint32_t slot_new (void)
{
  uint32_t i = free_slot() ;
  struct slot *s ;
  if (i == NO_SLOT && slot_room(1) == 0) i = ledger->slots++ ;
  if (i == NO_SLOT) return i ;
  s = slot_at(i) ;
  memset(s, 0, sizeof *s) ;
  s->control_fd = s->lock_fd = s->notify[0] = s->notify[1] = s->pipe[0] = s->pipe[1] = -1 ;
  s->logger = NO_SLOT ;
  s->change_deadline = NEVER ;
  return i ;
}

char const *slot_dir (struct slot const *s)
{
  return s->dir[0] ? s->dir : s->name ;
}

/* `current` holds the index of the copy and the effects it owes in one word: one store commits
   both. Bit 0: the index; the bits above: owed. */
struct slot_state const *slot_now (struct slot const *s)
{
  return &s->copy[s->current & 1] ;
}

int slot_sound (struct slot const *s)
{
  struct slot_state const *c = slot_now(s) ;
  return c->sum == SUM_OF(c) ;
}

struct slot_state *slot_draft (struct slot *s)
{
  struct slot_state *c = &s->copy[~s->current & 1] ;
  *c = *slot_now(s) ;
  return c ;
}

void slot_commit (struct slot *s, uint32_t owed)
{
  struct slot_state *c = &s->copy[~s->current & 1] ;
  c->sum = SUM_OF(c) ;
  store(&s->current, (~s->current & 1) | owed << 1) ;
}

uint32_t slot_owed (struct slot const *s)
{
  return s->current >> 1 ;
}

void slot_paid (struct slot *s, uint32_t effect)
{
  store(&s->current, s->current & ~(effect << 1)) ;
}

/* ---- events */

struct inbox *inbox_take (enum inbox_kind kind, uint32_t slot)
{
  struct inbox *in = &ledger->inbox ;
  in->seq += INBOX_BYTES + 1 ;
  in->pos = 0 ;
  in->len = INBOX_UNKNOWN ;
  in->slot = slot ;
  memset(in->buffer, 0, sizeof in->buffer) ;
  in->info.si_pid = 0 ;
  store(&in->kind, kind) ;
  return in ;
}

void inbox_read (struct inbox *in, int fd, size_t max)
{
  in->len = read(fd, in->buffer, max) ;
}

int64_t inbox_len (struct inbox *in)
{
  size_t n = sizeof in->buffer ;
  if (in->len != INBOX_UNKNOWN) return in->len ;
  while (n && !in->buffer[n - 1]) n-- ;
  in->len = n ? (int64_t)n : -1 ;
  return in->len ;
}

uint32_t inbox_seq (void)
{
  return ledger->inbox.seq + ledger->inbox.pos ;
}

void inbox_done (void)
{
  store(&ledger->inbox.kind, INBOX_EMPTY) ;
}

void ring_add (uint32_t slot, unsigned int from, unsigned int to, unsigned int cause, int32_t code)
{
  uint32_t k = ledger->serial % RING_SIZE ;
  struct record *r = ledger->ring + k ;
  if (k >= ledger->ring_room)
  {
    /* without memory for it this change is not among the last that are shown */
    if (grow_ring(ledger->self_fd, k + 1) < 0) return ;
    ledger->ring_room = ring_room(k + 1) ;
  }
  r->when = mono_now() ;
  r->slot = slot ;
  r->from = (uint8_t)from ;
  r->to = (uint8_t)to ;
  r->cause = (uint8_t)cause ;
  r->code = code ;
  r->serial = ledger->serial ;
  store(&ledger->serial, ledger->serial + 1) ;
}

/* ---- the sweep */

static int by_number (void const *a, void const *b)
{
  int const *x = a, *y = b ;
  return (*x > *y) - (*x < *y) ;
}

static void keep (int *list, size_t *n, int fd)
{
  if (fd >= ledger->fd_base) list[(*n)++] = fd ;
}

static size_t named (int *list)
{
  size_t n = 0 ;
  keep(list, &n, ledger->self_fd) ;
  keep(list, &n, ledger->exe_fd) ;
  keep(list, &n, ledger->lock_fd) ;
  keep(list, &n, ledger->scan_lock_fd) ;
  keep(list, &n, ledger->scan_control_fd) ;
  keep(list, &n, ledger->outer[0]) ;
  keep(list, &n, ledger->outer[1]) ;
  for (uint32_t i = 0 ; i < ledger->slots ; i++)
  {
    struct slot const *s = slot_at(i) ;
    if (!s->used) continue ;
    keep(list, &n, s->control_fd) ;
    keep(list, &n, s->lock_fd) ;
    keep(list, &n, s->notify[0]) ;
    keep(list, &n, s->notify[1]) ;
    keep(list, &n, s->pipe[0]) ;
    keep(list, &n, s->pipe[1]) ;
  }
  return n ;
}

/* Where close_range is missing: descriptors are dense, so a long gap is the end. */
static void close_between (int from, int to)
{
  if (from > to || syscall(SYS_close_range, (unsigned int)from, (unsigned int)to, 0) == 0) return ;
  for (int gap = 0 ; gap < 1024 && from <= to ; from++) gap = close(from) < 0 ? gap + 1 : 0 ;
}

void ledger_sweep (void)
{
  int *list = malloc((16 + 6 * (size_t)ledger->slots) * sizeof *list) ;
  size_t n ;
  int from = ledger->fd_base ;
  if (!list) return ;
  n = named(list) ;
  qsort(list, n, sizeof *list, &by_number) ;
  for (size_t i = 0 ; i < n ; i++)
  {
    close_between(from, list[i] - 1) ;
    from = list[i] + 1 ;
  }
  close_between(from, INT_MAX) ;
  free(list) ;
}
