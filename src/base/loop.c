/* ISC license. */

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>

#include "base.h"

#define BATCH 64
#define NOWHERE UINT32_MAX

static struct
{
  int epoll ;
  int signals ;
}
loop = { .epoll = -1, .signals = -1 } ;

/* A binary heap of timer ids ordered by deadline; where[id] is the id's place in it. */
static struct
{
  uint32_t *heap ;
  uint32_t *where ;
  int64_t *deadline ;
  uint32_t n ;
  uint32_t room ;
  uint64_t expired ;
}
timers ;

/* ---- descriptors */

int const fault_signals[FAULT_SIGNALS] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS } ;

void all_but_faults (sigset_t *mask)
{
  sigfillset(mask) ;
  for (size_t i = 0 ; i < FAULT_SIGNALS ; i++) sigdelset(mask, fault_signals[i]) ;
}

uint64_t signals_block (void)
{
  sigset_t mask, old ;
  uint64_t bits ;
  all_but_faults(&mask) ;
  sigprocmask(SIG_SETMASK, &mask, &old) ;
  memcpy(&bits, &old, sizeof bits) ;
  return bits ;
}

int loop_init (uint32_t signals_kind)
{
  sigset_t mask ;
  signals_block() ;
  all_but_faults(&mask) ;
  loop.epoll = epoll_create1(EPOLL_CLOEXEC) ;
  if (loop.epoll < 0) return -1 ;
  loop.signals = signalfd(-1, &mask, SFD_NONBLOCK | SFD_CLOEXEC) ;
  if (loop.signals < 0) return -1 ;
  return loop_watch(loop.signals, signals_kind, 0) ;
}

void loop_end (void)
{
  if (loop.epoll >= 0) close(loop.epoll) ;
  if (loop.signals >= 0) close(loop.signals) ;
  loop.epoll = loop.signals = -1 ;
  while (timers.n) timers.where[timers.heap[--timers.n]] = NOWHERE ;
}

int loop_signal_fd (void)
{
  return loop.signals ;
}

int loop_watch (int fd, uint32_t kind, uint32_t index)
{
  struct epoll_event ev = { .events = EPOLLIN, .data = { .u64 = (uint64_t)kind << 32 | index } } ;
  if (epoll_ctl(loop.epoll, EPOLL_CTL_ADD, fd, &ev) == 0) return 0 ;
  return errno == EEXIST ? epoll_ctl(loop.epoll, EPOLL_CTL_MOD, fd, &ev) : -1 ;
}

void loop_unwatch (int fd)
{
  struct epoll_event ev = { .events = 0, .data = { .u64 = 0 } } ;
  epoll_ctl(loop.epoll, EPOLL_CTL_DEL, fd, &ev) ;
}

/* ---- deadlines */

static void place (uint32_t pos, uint32_t id)
{
  timers.heap[pos] = id ;
  timers.where[id] = pos ;
}

static int earlier (uint32_t a, uint32_t b)
{
  return timers.deadline[a] < timers.deadline[b] ;
}

static void sift_up (uint32_t pos, uint32_t id)
{
  while (pos && earlier(id, timers.heap[(pos - 1) / 2]))
  {
    place(pos, timers.heap[(pos - 1) / 2]) ;
    pos = (pos - 1) / 2 ;
  }
  place(pos, id) ;
}

static void sift_down (uint32_t pos, uint32_t id)
{
  for (;;)
  {
    uint32_t child = 2 * pos + 1 ;
    if (child >= timers.n) break ;
    if (child + 1 < timers.n && earlier(timers.heap[child + 1], timers.heap[child])) child++ ;
    if (!earlier(timers.heap[child], id)) break ;
    place(pos, timers.heap[child]) ;
    pos = child ;
  }
  place(pos, id) ;
}

static void timer_remove (uint32_t id)
{
  uint32_t pos = timers.where[id], last ;
  if (pos == NOWHERE) return ;
  timers.where[id] = NOWHERE ;
  last = timers.heap[--timers.n] ;
  if (last == id) return ;
  if (pos && earlier(last, timers.heap[(pos - 1) / 2])) sift_up(pos, last) ;
  else sift_down(pos, last) ;
}

int timer_room (uint32_t n)
{
  uint32_t old = timers.room ;
  void *p ;
  if (n <= old) return 0 ;
  n = TABLE_ROOM(n, old) ;
  if (!(p = table_grow(timers.deadline, old * sizeof *timers.deadline, n * sizeof *timers.deadline))) return -1 ;
  timers.deadline = p ;
  if (!(p = table_grow(timers.heap, old * sizeof *timers.heap, n * sizeof *timers.heap))) return -1 ;
  timers.heap = p ;
  if (!(p = table_grow(timers.where, old * sizeof *timers.where, n * sizeof *timers.where))) return -1 ;
  timers.where = p ;
  for (uint32_t i = old ; i < n ; i++) timers.where[i] = NOWHERE ;
  timers.room = n ;
  return 0 ;
}

void timer_set (uint32_t id, int64_t deadline)
{
  if (id >= timers.room) return ;
  if (timers.where[id] != NOWHERE)
  {
    if (timers.deadline[id] == deadline) return ;
    timer_remove(id) ;
  }
  if (deadline == NEVER) return ;
  timers.deadline[id] = deadline ;
  sift_up(timers.n++, id) ;
}

int timer_pop (int64_t now, uint32_t *id)
{
  if (!timers.n || timers.deadline[timers.heap[0]] > now) return 0 ;
  *id = timers.heap[0] ;
  timer_remove(*id) ;
  timers.expired++ ;
  return 1 ;
}

uint64_t loop_expired (void)
{
  return timers.expired ;
}

/* Milliseconds until the next deadline, rounded up so that it has passed when we wake. */
static int patience (void)
{
  int64_t left ;
  if (!timers.n) return -1 ;
  left = timers.deadline[timers.heap[0]] - mono_now() ;
  if (left <= 0) return 0 ;
  left = (left + 999999) / 1000000 ;
  return left > INT32_MAX ? INT32_MAX : (int)left ;
}

static uint64_t turns = 0 ;

uint64_t loop_turn (void)
{
  return turns ;
}

int loop_wait (struct loop_event *events, int max, int at_once)
{
  struct epoll_event ev[BATCH] ;
  int n ;
  turns++ ;
  n = epoll_wait(loop.epoll, ev, max < BATCH ? max : BATCH, at_once ? 0 : patience()) ;
  for (int i = 0 ; i < n ; i++)
  {
    events[i].kind = (uint32_t)(ev[i].data.u64 >> 32) ;
    events[i].index = (uint32_t)ev[i].data.u64 ;
    events[i].events = ev[i].events ;
  }
  return n < 0 ? 0 : n ;
}
