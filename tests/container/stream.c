/* ISC license. See harness.h: output and events. */

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "box.h"

/* Reads what is there; 0 when it has ended. */
int stream_read (struct stream *s)
{
  char buf[65536] ;
  while (s->fd >= 0)
  {
    ssize_t r = read(s->fd, buf, sizeof buf) ;
    if (r < 0 && errno == EINTR) continue ;
    if (r < 0 && errno == EAGAIN) return 1 ;
    if (r <= 0)
    {
      close(s->fd) ;
      s->fd = -1 ;
      return 0 ;
    }
    add(&s->text, buf, (size_t)r) ;
  }
  return 0 ;
}

static void stream_parse (struct stream *s)
{
  char const *nl ;
  while (s->parsed < s->text.len && (nl = memchr(s->text.s + s->parsed, '\n', s->text.len - s->parsed)))
  {
    struct line line = { .start = s->parsed, .len = (size_t)(nl - s->text.s) - s->parsed } ;
    s->parsed += line.len + 1 ;
    if (line.len && s->text.s[line.start + line.len - 1] == '\r') line.len-- ;
    if (!genalloc_append(struct line, &s->lines, &line)) broken(0, "out of memory") ;
  }
}

void stream_reset (struct stream *s, int fd)
{
  s->fd = fd ;
  s->text.len = 0 ;
  s->parsed = 0 ;
  genalloc_setlen(struct line, &s->lines, 0) ;
  add(&s->text, "", 0) ;
}

/* Does LINE fit WANTED? Returns what of it the caller wants to see, or 0. */
typedef char const *matcher (char const *line, char const *wanted) ;

static char const *contains (char const *line, char const *wanted)
{
  return strstr(line, wanted) ? line : 0 ;
}

static char const *equals (char const *line, char const *wanted)
{
  return strcmp(line, wanted) ? 0 : line ;
}

static char const *begins (char const *line, char const *wanted)
{
  size_t len = strlen(wanted) ;
  return strncmp(line, wanted, len) ? 0 : line + len ;
}

static char const *stream_take (box *b, struct stream *s, matcher *fits, char const *wanted)
{
  stream_parse(s) ;
  struct line *lines = genalloc_s(struct line, &s->lines) ;
  for (size_t i = 0 ; i < genalloc_len(struct line, &s->lines) ; i++)
  {
    char const *found ;
    if (lines[i].taken) continue ;
    b->scratch.len = 0 ;
    add(&b->scratch, s->text.s + lines[i].start, lines[i].len) ;
    found = (*fits)(b->scratch.s, wanted) ;
    if (!found) continue ;
    lines[i].taken = 1 ;
    return found ;
  }
  return 0 ;
}

/* Blocks until the box says something or ends; 0 when it has ended and all is read. */
int pump (box *b)
{
  struct pollfd x[3] =
  {
    { .fd = b->output.fd, .events = POLLIN },
    { .fd = b->events.fd, .events = POLLIN },
    { .fd = b->pidfd, .events = POLLIN }
  } ;
  if (b->pidfd < 0) return 0 ;
  while (poll(x, 3, -1) < 0)
    if (errno != EINTR) broken(b, "unable to poll: %s", strerror(errno)) ;
  int ended = x[2].revents ;
  stream_read(&b->output) ;
  stream_read(&b->events) ;
  return !ended ;
}

static char const *stream_wait (box *b, struct stream *s, matcher *fits, char const *wanted)
{
  for (;;)
  {
    char const *line = stream_take(b, s, fits, wanted) ;
    if (line) return line ;
    if (!pump(b))
    {
      line = stream_take(b, s, fits, wanted) ;
      if (line) return line ;
      broken(b, "PID 1 ended before this came: %s", wanted) ;
    }
  }
}

char const *box_expect (box *b, char const *text)
{
  return stream_wait(b, &b->output, &contains, text) ;
}

void box_event (box *b, char const *line)
{
  stream_wait(b, &b->events, &equals, line) ;
}

char const *box_event_after (box *b, char const *prefix)
{
  return stream_wait(b, &b->events, &begins, prefix) ;
}

static unsigned int stream_lines (struct stream *s)
{
  stream_parse(s) ;
  return (unsigned int)genalloc_len(struct line, &s->lines) ;
}

unsigned int box_lines (box *b)
{
  return stream_lines(&b->output) + stream_lines(&b->events) ;
}

void box_expect_lines (box *b, unsigned int n)
{
  while (box_lines(b) < n && pump(b)) ;
}

char const *box_output (box *b)
{
  stream_read(&b->output) ;
  return b->output.text.s ;
}

char const *box_events (box *b)
{
  stream_read(&b->events) ;
  return b->events.text.s ;
}

int box_says (box *b, char const *text)
{
  return !!strstr(box_output(b), text) ;
}

unsigned int box_event_count (box *b, char const *line)
{
  unsigned int n = 0 ;
  size_t len = strlen(line) ;
  stream_read(&b->events) ;
  stream_parse(&b->events) ;
  struct line const *lines = genalloc_s(struct line, &b->events.lines) ;
  for (size_t i = 0 ; i < genalloc_len(struct line, &b->events.lines) ; i++)
    n += lines[i].len == len && !memcmp(b->events.text.s + lines[i].start, line, len) ;
  return n ;
}
