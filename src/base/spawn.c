/* ISC license. */

/*
   A child is cloned and becomes what it is to run; what it does until then is in child.c.

   It shares our memory (CLONE_VM) and runs on a stack of its own, beside us: nothing of ours is
   copied, and nothing waits for it (this is no vfork: a program on a hung network file system hangs
   its own child only). What it reads is copied into its room first; the kernel clears the room's
   word (CLONE_CHILD_CLEARTID) when it has left our memory. It is forked plainly where that does not
   hold: no room or none large enough, its own oom_score_adj (which would be written for all who
   share the memory), a PID namespace of its own, a wait for lock-fd, kernels and sanitizers that
   want no such child.

   It shares our descriptor table, too, if it keeps none of our descriptors: copying the table makes
   a clone grow with the number of services. Its first call, close_range(UNSHARE), leaves it a table
   of its own with the numbers below fd_base alone. What it is to keep (a log pipe, a readiness
   pipe) would have to stay at a low number until it has made that call, and a copy that stays too
   long keeps a logger from its end of file.
*/

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include <skalibs/posixplz.h>

#include "child.h"
#include "sys.h"

#if defined(__SANITIZE_ADDRESS__)
#define SHARES_MEMORY 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SHARES_MEMORY 0
#endif
#endif
#ifndef SHARES_MEMORY
#define SHARES_MEMORY SYS_LEAVES_ERRNO
#endif

#ifndef CLOSE_RANGE_UNSHARE
#define CLOSE_RANGE_UNSHARE 2
#endif

/* ---- rooms */

#define ROOMS 512
#define ROOMS_KEPT 1   /* whose memory a restart now and then may use again */
#define ARGS 12
#define ENVS 32
#define TEXT 1024
#define PAGE 4096
#define STACK_SIZE (3 * PAGE - sizeof(struct furniture))

struct furniture
{
  int32_t taken ;                /* the kernel clears it */
  int shares_table ;
  int32_t *errword ;
  struct spawn s ;
  char const *argv[ARGS + 1] ;
  char const *envp[ENVS + 1] ;
  char text[TEXT] ;
} ;

/* The stack grows down from what the child reads: mostly one page is touched. */
static struct room
{
  char stack[STACK_SIZE] ;
  struct furniture f ;
}
rooms[ROOMS] __attribute__ ((aligned (PAGE))) ;

static int can_share_memory = SHARES_MEMORY ;
static int can_unshare_table ;

static unsigned int used = 0 ;   /* rooms 0..used-1 have memory */

static int is_taken (struct room const *r)
{
  return __atomic_load_n(&r->f.taken, __ATOMIC_ACQUIRE) ;
}

static struct room *free_room (void)
{
  for (unsigned int i = 0 ; i < used ; i++)
    if (!is_taken(rooms + i)) return rooms + i ;
  /* not even read before: what is read first and written then is a page mapped twice, and the second
     time all processors that share the memory are interrupted */
  return used < ROOMS ? rooms + used++ : 0 ;
}

int spawn_shares (void)
{
  for (unsigned int i = 0 ; i < used ; i++)
    if (is_taken(rooms + i)) return 1 ;
  return 0 ;
}

void spawn_tidy (void)
{
  unsigned int n = used ;
  if (used <= ROOMS_KEPT) return ;
  while (n > ROOMS_KEPT && !is_taken(rooms + n - 1)) n-- ;
  if (n < used) madvise(rooms + n, (used - n) * sizeof *rooms, MADV_DONTNEED) ;
  used = n ;
}

/* A copy of S in the room's text from *AT on; 0 when it is too long. */
static char const *copy_text (struct furniture *f, size_t *at, char const *s)
{
  size_t n = strlen(s) + 1 ;
  char *to = f->text + *at ;
  if (n > TEXT - *at) return 0 ;
  *at += n ;
  return memcpy(to, s, n) ;
}

static int copy_words (struct furniture *f, size_t *at, char const **to, size_t max, char const *const *from)
{
  size_t i = 0 ;
  for (; from[i] ; i++)
    if (i == max || !(to[i] = copy_text(f, at, from[i]))) return 0 ;
  to[i] = 0 ;
  return 1 ;
}

static int copy_path (struct furniture *f, size_t *at, char const **s)
{
  return !*s || (*s = copy_text(f, at, *s)) ;
}

/* 1: all that the child reads is in its room. */
static int furnish (struct furniture *f, struct spawn const *s)
{
  size_t at = 0 ;
  f->s = *s ;
  f->s.argv = f->argv ;
  f->s.envp = f->envp ;
  return copy_path(f, &at, &f->s.dir) && copy_path(f, &at, &f->s.dir_fallback) && copy_path(f, &at, &f->s.file)
    && copy_words(f, &at, f->argv, ARGS, s->argv) && copy_words(f, &at, f->envp, ENVS, s->envp) ;
}

/* ---- the clone */

/* The lowest descriptor beyond 2 that is /dev/null: the fence's, as the runtime passes none in. */
static int find_null (void)
{
  struct stat st ;
  for (int fd = 3 ; fd < plan.fd_base ; fd++)
    if (fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3)) return fd ;
  return -1 ;
}

void spawn_init (struct inheritance const *inheritance, int fd_base)
{
  plan.back = inheritance ;
  plan.fd_base = fd_base ;
  plan.null = find_null() ;
  /* asks the kernel without doing anything: there is no such descriptor, and nobody to unshare from */
  can_unshare_table = sys(close_range, ~0U, ~0U, CLOSE_RANGE_UNSHARE, 0) == 0 ;
}

static int keeps_none_of_ours (struct spawn const *s)
{
  return s->in < 0 && s->out < 0 && s->err < 0 && s->extra_from < 0 && s->lock_from < 0 ;
}

static int may_share_memory (struct spawn const *s)
{
  return can_share_memory && !plan.back->oom_changed && !(s->flags & SPAWN_NEWPIDNS) && s->lock_from < 0 ;
}

static int child_in_room (void *p)
{
  struct furniture *f = p ;
  child(&f->s, f->shares_table, f->errword) ;
}

/* As clone(), or 0 when S is to be forked plainly. */
static pid_t spawn_in_room (struct spawn const *s, int flags, int32_t *pidword, int32_t *errword)
{
  struct room *r = free_room() ;
  pid_t pid ;
  if (!r || !furnish(&r->f, s)) return 0 ;
  r->f.shares_table = !!(flags & CLONE_FILES) ;
  r->f.errword = errword ;
  r->f.taken = 1 ;
  pid = clone(&child_in_room, r->stack + (STACK_SIZE & ~(size_t)15), flags | CLONE_VM | CLONE_CHILD_CLEARTID, &r->f, pidword, (void *)0, &r->f.taken) ;
  if (pid > 0) return pid ;
  r->f.taken = 0 ;
  if (errno != EINVAL && errno != ENOSYS) return -1 ;
  can_share_memory = 0 ;
  return 0 ;
}

/* The raw call: the third argument is the parent's tid word on every architecture we know. */
static pid_t spawn_plainly (struct spawn const *s, int flags, int32_t *pidword, int32_t *errword)
{
  long pid = syscall(SYS_clone, (unsigned long)flags, 0L, pidword, 0L, 0L) ;
  if (!pid) child(s, !!(flags & CLONE_FILES), errword) ;
  if (pid > 0 || !(flags & CLONE_FILES) || (errno != EINVAL && errno != ENOSYS)) return (pid_t)pid ;
  /* an emulator that knows processes and threads, and nothing between them */
  can_unshare_table = 0 ;
  return spawn_plainly(s, flags & ~CLONE_FILES, pidword, errword) ;
}

int alone_as_pid1 (void)
{
  return getpid() == 1 && kill(-1, 0) < 0 && errno == ESRCH ;
}

static uint32_t made = 0 ;

uint32_t spawn_count (void)
{
  return made ;
}

pid_t spawn (struct spawn const *s, int32_t *pidword, int32_t *errword)
{
  int flags = CLONE_PARENT_SETTID | SIGCHLD ;
  pid_t pid = 0 ;
  if (can_unshare_table && keeps_none_of_ours(s)) flags |= CLONE_FILES ;
  if (s->flags & SPAWN_NEWPIDNS) flags |= CLONE_NEWPID ;
  *errword = 0 ;
  if (may_share_memory(s)) pid = spawn_in_room(s, flags, pidword, errword) ;
  if (!pid) pid = spawn_plainly(s, flags, pidword, errword) ;
  /* the kernel has done it; an emulator leaves it to the child, which may be late */
  *pidword = pid < 0 ? 0 : pid ;
  if (pid > 0) made++ ;
  return pid ;
}

void signal_group (pid_t pid, int sig)
{
  if (pid > 1 && kill(-pid, sig) < 0 && errno == ESRCH) kill(pid, sig) ;
}
