/* ISC license. */

/*
   Messages that cannot block PID 1. The container's stderr is shared with every service, so
   O_NONBLOCK is never set on it; instead the way of writing follows from what it is:

     pipe      our own open of it, O_NONBLOCK; where it cannot be opened again splice() with
               SPLICE_F_NONBLOCK out of a pipe of our own, each message of which takes one of
               the pipe's 16 buffers, however short it is
     socket    send() with MSG_DONTWAIT
     terminal  our own open of it, O_NONBLOCK|O_NOCTTY; a write under an interval timer of
               10 ms where it cannot be opened again
     else      write(): a regular file or /dev/null does not wait

   A message leaves whole or is dropped; drops are counted and told when the way is free again.
*/

#include <string.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <unistd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>

#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "base.h"

static struct
{
  ssize_t (*put) (char const *, size_t) ;
  int fd ;          /* the pipe or terminal, opened anew */
  int pipe[2] ;     /* our own, to splice from */
  unsigned int verbosity ;
  uint64_t dropped ;
  uint64_t told ;
}
out = { .put = 0, .fd = 2, .pipe = { -1, -1 }, .verbosity = 2, .dropped = 0, .told = 0 } ;

/* The lowest S6_VERBOSITY that shows a level. */
static unsigned char const needs[SAY_LEVELS] = { 0, 0, 1, 2, 3, 4 } ;
static char const *const word[SAY_LEVELS] = { "fatal: ", "error: ", "warning: ", "info: ", "info: ", "tracing: " } ;

static ssize_t put_plain (char const *s, size_t n)
{
  return write(out.fd, s, n) ;
}

static ssize_t put_socket (char const *s, size_t n)
{
  return send(2, s, n, MSG_DONTWAIT | MSG_NOSIGNAL) ;
}

static ssize_t put_pipe (char const *s, size_t n)
{
  char sink[PIPE_BUF] ;
  ssize_t moved ;
  int e ;
  if (write(out.pipe[1], s, n) != (ssize_t)n) return -1 ;
  moved = splice(out.pipe[0], 0, 2, 0, n, SPLICE_F_NONBLOCK) ;
  if (moved == (ssize_t)n) return moved ;
  e = errno ;
  /* what did not leave must not come out in front of the next message */
  if (read(out.pipe[0], sink, sizeof sink) < 0) e = errno ;
  errno = e ;
  return -1 ;
}

static void on_alarm (int sig)
{
  (void)sig ;
}

/* For a terminal that cannot be opened again: the timer's signal interrupts a write that
   hangs. It repeats, so that one that comes just before the write is no loss. */
static ssize_t put_timed (char const *s, size_t n)
{
  struct itimerval const on = { .it_interval = { 0, 10000 }, .it_value = { 0, 10000 } } ;
  struct itimerval const off = { .it_interval = { 0, 0 }, .it_value = { 0, 0 } } ;
  struct sigaction sa, old ;
  sigset_t alarm, mask ;
  ssize_t r ;
  memset(&sa, 0, sizeof sa) ;
  sa.sa_handler = &on_alarm ;
  sigemptyset(&alarm) ;
  sigaddset(&alarm, SIGALRM) ;
  sigaction(SIGALRM, &sa, &old) ;
  sigprocmask(SIG_UNBLOCK, &alarm, &mask) ;
  setitimer(ITIMER_REAL, &on, 0) ;
  r = write(2, s, n) ;
  setitimer(ITIMER_REAL, &off, 0) ;
  sigprocmask(SIG_SETMASK, &mask, 0) ;
  sigaction(SIGALRM, &old, 0) ;
  return r ;
}

/* 1: we have an open file of our own, which does not wait and is shared with nobody. */
static int open_again (int fd_base)
{
  int fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) ;
  if (fd >= 0) fd = fd_raise(fd, fd_base, 1) ;
  if (fd < 0) return 0 ;
  out.fd = fd ;
  out.put = &put_plain ;
  return 1 ;
}

static void choose_pipe (int fd_base)
{
  if (open_again(fd_base)) return ;
  if (pipe2(out.pipe, O_NONBLOCK | O_CLOEXEC) < 0) return ;
  out.pipe[0] = fd_raise(out.pipe[0], fd_base, 1) ;
  out.pipe[1] = fd_raise(out.pipe[1], fd_base, 1) ;
  if (out.pipe[0] >= 0 && out.pipe[1] >= 0) out.put = &put_pipe ;
}

void say_init (int fd_base, unsigned int verbosity)
{
  struct stat st ;
  out.verbosity = verbosity ;
  out.fd = 2 ;
  out.put = 0 ;
  if (fstat(2, &st) < 0) return ;
  if (S_ISFIFO(st.st_mode)) choose_pipe(fd_base) ;
  else if (S_ISSOCK(st.st_mode)) out.put = &put_socket ;
  else if (S_ISCHR(st.st_mode) && isatty(2)) { if (!open_again(fd_base)) out.put = &put_timed ; }
  else out.put = &put_plain ;
}

void say_verbosity (unsigned int verbosity)
{
  out.verbosity = verbosity ;
}

/* ---- building a message */

struct message { char text[PIPE_BUF] ; size_t len ; } ;

static void append (struct message *m, char const *s)
{
  static char const hex[] = "0123456789abcdef" ;
  for (; *s && m->len + 6 < sizeof m->text ; s++)
  {
    unsigned char c = (unsigned char)*s ;
    if (c >= 0x20 && c != 0x7f) m->text[m->len++] = (char)c ;
    else
    {
      m->text[m->len++] = '\\' ;
      m->text[m->len++] = 'x' ;
      m->text[m->len++] = hex[c >> 4] ;
      m->text[m->len++] = hex[c & 15] ;
    }
  }
}

/* A message that fails is lost on purpose: waiting would stop supervision. */
static int leave (struct message *m)
{
  m->text[m->len++] = '\n' ;
  return out.put && (*out.put)(m->text, m->len) == (ssize_t)m->len ;
}

static void tell_drops (void)
{
  struct message m = { .len = 0 } ;
  uint64_t n = out.dropped - out.told ;
  append(&m, PROG) ;
  append(&m, ": warning: ") ;
  append(&m, NUM((int64_t)n)) ;
  append(&m, n == 1 ? " message was" : " messages were") ;
  append(&m, " dropped because stderr was full: whoever reads the container's log is stuck or too slow") ;
  if (leave(&m)) out.told = out.dropped ;
}

static void deliver (struct message *m)
{
  if (out.dropped != out.told) tell_drops() ;
  if (!leave(m)) out.dropped++ ;
}

static void begin (struct message *m, enum say_level level, char const *const *strings)
{
  m->len = 0 ;
  if (level < SAY_INFO || !strings[0] || strings[0][0] != '[')
  {
    append(m, PROG) ;
    append(m, ": ") ;
    append(m, word[level]) ;
  }
  for (; *strings ; strings++) append(m, *strings) ;
}

void say_v (enum say_level level, char const *const *strings)
{
  struct message m ;
  if (needs[level] > out.verbosity) return ;
  begin(&m, level, strings) ;
  deliver(&m) ;
}

void say_sys_v (enum say_level level, int err, char const *const *strings)
{
  struct message m ;
  if (needs[level] > out.verbosity) return ;
  begin(&m, level, strings) ;
  append(&m, ": ") ;
  append(&m, strerror(err)) ;
  deliver(&m) ;
}

uint64_t say_dropped (void)
{
  return out.dropped ;
}
