/* ISC license. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <skalibs/allreadwrite.h>
#include <skalibs/djbtime.h>
#include <skalibs/djbunix.h>
#include <skalibs/error.h>
#include <skalibs/genalloc.h>
#include <skalibs/iopause.h>
#include <skalibs/random.h>
#include <skalibs/selfpipe.h>
#include <skalibs/sig.h>
#include <skalibs/tai.h>

#include "supervise/status.h"
#include "listen.h"

#define PREFIXLEN (sizeof(FTRIG_PREFIX) - 2)  /* without the @, which the time stamp brings */
#define RANDOMLEN (FTRIG_NAMELEN - PREFIXLEN - TIMESTAMP - 1)

struct listener
{
  int fddir ;
  int fd ;  /* open for writing too: so it never reads end of file between two writers */
  char name[FTRIG_NAMELEN + 1] ;
} ;

static genalloc listeners = GENALLOC_ZERO ;  /* struct listener */
static genalloc polled = GENALLOC_ZERO ;     /* iopause_fd: the signals, watched files, each listener */

enum { POLLED_SIGNALS, POLLED_FILES, POLLED_LISTENERS } ;

#define listener(i) (genalloc_s(struct listener, &listeners) + (i))
#define listeners_n() ((int)genalloc_len(struct listener, &listeners))

static int const enders[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM } ;

static int add_polled (int fd)
{
  iopause_fd x = { .fd = fd, .events = IOPAUSE_READ } ;
  return genalloc_append(iopause_fd, &polled, &x) ;
}

/* A signal that was ignored from birth (nohup) stays so. */
static int trap_enders (void)
{
  for (unsigned int i = 0 ; i < sizeof(enders) / sizeof(*enders) ; i++)
  {
    struct sigaction sa ;
    if (sigaction(enders[i], 0, &sa) == -1) return 0 ;
    if (sa.sa_handler != SIG_IGN && !selfpipe_trap(enders[i])) return 0 ;
  }
  return selfpipe_trap(SIGCHLD) ;
}

int listen_start (void)
{
  int fd = selfpipe_init() ;
  return fd >= 0 && trap_enders() && sig_altignore(SIGPIPE) && add_polled(fd) && add_polled(-1) ;
}

void listen_end (void)
{
  int e = errno ;
  for (int i = 0 ; i < listeners_n() ; i++)
  {
    unlinkat(listener(i)->fddir, listener(i)->name, 0) ;
    fd_close(listener(i)->fd) ;
    fd_close(listener(i)->fddir) ;
  }
  genalloc_setlen(struct listener, &listeners, 0) ;
  if (genalloc_len(iopause_fd, &polled)) genalloc_setlen(iopause_fd, &polled, POLLED_LISTENERS) ;
  errno = e ;
}

/* ---------------------------------------------------------------- subscribing */

static int fill_name (char *name)
{
  memcpy(name, FTRIG_PREFIX, PREFIXLEN) ;
  if (!timestamp(name + PREFIXLEN)) return 0 ;
  name[PREFIXLEN + TIMESTAMP] = ':' ;
  random_name(name + FTRIG_NAMELEN - RANDOMLEN, RANDOMLEN) ;
  name[FTRIG_NAMELEN] = 0 ;
  return 1 ;
}

/* The fifo called HIDDEN, which its supervisor may write to whatever its uid; then its name. */
static int open_fifo (struct listener *l, char const *hidden)
{
  if (mkfifoat(l->fddir, hidden, 0600) == -1) return 0 ;
  l->fd = openat(l->fddir, hidden, O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC) ;
  if (l->fd >= 0)
  {
    if (fchmod(l->fd, 0622) == 0 && renameat(l->fddir, hidden, l->fddir, l->name) == 0) return 1 ;
    fd_close(l->fd) ;
  }
  unlinkat(l->fddir, hidden, 0) ;
  return 0 ;
}

static int make_fifo (struct listener *l)
{
  char hidden[FTRIG_NAMELEN + 2] = "." ;
  do
  {
    if (!fill_name(l->name)) return 0 ;
    memcpy(hidden + 1, l->name, FTRIG_NAMELEN + 1) ;
    if (open_fifo(l, hidden)) return 1 ;
  }
  while (errno == EEXIST) ;
  return 0 ;
}

int listen_add (char const *dir, char const *sub)
{
  struct listener l ;
  int n = listeners_n() ;
  l.fddir = svdir_open(dir, sub, O_PATH | O_DIRECTORY) ;
  if (l.fddir == -1) return -1 ;
  /* room first: after the fifo is there, nothing may fail without removing it */
  if (genalloc_readyplus(struct listener, &listeners, 1)
   && genalloc_readyplus(iopause_fd, &polled, 1)
   && make_fifo(&l))
  {
    genalloc_append(struct listener, &listeners, &l) ;
    add_polled(l.fd) ;
    return n ;
  }
  fd_close(l.fddir) ;
  return -1 ;
}

int listen_watch (char const *path, uint32_t mask)
{
  iopause_fd *files = genalloc_s(iopause_fd, &polled) + POLLED_FILES ;
  if (files->fd == -1) files->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC) ;
  return files->fd >= 0 && inotify_add_watch(files->fd, path, mask) >= 0 ;
}

/* ---------------------------------------------------------------- waiting */

/* Ends us by the same signal, so that our parent sees the truth. */
static void die_of (int sig)
{
  listen_end() ;
  selfpipe_finish() ;
  sig_restore(sig) ;
  sig_unblock(sig) ;
  raise(sig) ;
}

static int handle_signals (listen_func *f, void *data)
{
  for (;;)
  {
    int sig = selfpipe_read() ;
    if (sig <= 0) return sig ;
    if (sig != SIGCHLD) die_of(sig) ;
    else if ((*f)(LISTEN_CHILD, "", 0, data)) return 1 ;
  }
}

/* Which file it was does not matter: whoever watches looks at all that it waits for. */
static int handle_files (int fd, listen_func *f, void *data)
{
  char events[4096] ;
  ssize_t r = sanitize_read(fd_read(fd, events, sizeof(events))) ;
  return r <= 0 ? (int)r : (*f)(LISTEN_FILES, "", 0, data) ;
}

int listen_drain (void)
{
  char s[256] ;
  int any = 0 ;
  for (int i = 0 ; i < listeners_n() ; i++)
  {
    ssize_t r ;
    while ((r = sanitize_read(fd_read(listener(i)->fd, s, sizeof(s)))) > 0) any = 1 ;
    if (r < 0) return -1 ;
  }
  return any ;
}

static int handle_letters (int i, listen_func *f, void *data)
{
  char s[256] ;
  ssize_t r = sanitize_read(fd_read(listener(i)->fd, s, sizeof(s))) ;
  return r <= 0 ? (int)r : (*f)(i, s, (size_t)r, data) ;
}

int listen_wait (tain const *deadline, listen_func *f, void *data)
{
  for (;;)
  {
    iopause_fd *x = genalloc_s(iopause_fd, &polled) ;
    int r = iopause_g(x, genalloc_len(iopause_fd, &polled), deadline) ;
    if (r <= 0) return r ;
    if (x[POLLED_SIGNALS].revents && (r = handle_signals(f, data))) return r ;
    if (x[POLLED_FILES].revents && (r = handle_files(x[POLLED_FILES].fd, f, data))) return r ;
    for (int i = 0 ; i < listeners_n() ; i++)
      if (x[POLLED_LISTENERS + i].revents && (r = handle_letters(i, f, data))) return r ;
  }
}
