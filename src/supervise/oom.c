/* ISC license. */

/*
   Who took a service that died of KILL: somebody's kill -9, or the kernel for want of memory? The
   container's cgroup counts what the OOM killer takes: memory.events (v2), memory.oom_control (v1),
   both with a line "oom_kill N". What is beyond the deaths already explained explains this one.
*/

#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <sys/wait.h>

#include <skalibs/types.h>

#include "supervise.h"

#define OOM_NEVER -1000
#define CGROUPS "/sys/fs/cgroup"

int oom_parse (char const *text, uint64_t *n)
{
  for (char const *line = text ; line ; line = strchr(line, '\n'))
  {
    if (*line == '\n') line++ ;
    if (!strncmp(line, "oom_kill ", 9)) return uint64_scan(line + 9, n) > 0 ;
  }
  return 0 ;
}

static ssize_t slurp (char const *path, char *text, size_t size)
{
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK) ;
  ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1) ;
  if (fd >= 0) close(fd) ;
  text[n < 0 ? 0 : n] = 0 ;
  return n ;
}

static int try_file (char const *controller, char const *group, size_t len, char const *file, uint64_t *n)
{
  char path[512], text[1024] ;
  if (strlen(controller) + len + strlen(file) + sizeof CGROUPS >= sizeof path) return 0 ;
  strcpy(path, CGROUPS) ;
  strcat(path, controller) ;
  strncat(path, group, len) ;
  strcat(path, file) ;
  return slurp(path, text, sizeof text) > 0 && oom_parse(text, n) ;
}

/* A line of /proc/self/cgroup: ID:CONTROLLERS:GROUP. Most containers see their own group as the root
   of the hierarchy, whatever the line says. */
static int try_line (char const *line, uint64_t *n)
{
  char const *controllers = strchr(line, ':'), *group = controllers ? strchr(controllers + 1, ':') : 0 ;
  size_t len ;
  if (!group) return 0 ;
  controllers++ ;
  group++ ;
  len = strcspn(group, "\n") ;
  if (len == 1) len = 0 ;
  if (controllers[0] == ':')
    return try_file("", group, len, "/memory.events", n) || try_file("", group, 0, "/memory.events", n) ;
  if (strncmp(controllers, "memory:", 7)) return 0 ;
  return try_file("/memory", group, len, "/memory.oom_control", n) || try_file("/memory", group, 0, "/memory.oom_control", n) ;
}

static int count (uint64_t *n)
{
  char text[2048] ;
  if (slurp("/proc/self/cgroup", text, sizeof text) <= 0) return 0 ;
  for (char const *line = text ; line && *line ; line = strchr(line, '\n'))
  {
    if (*line == '\n') line++ ;
    if (*line && try_line(line, n)) return 1 ;
  }
  return 0 ;
}

/* header.oom_begun */
enum { OOM_COUNTED = 1, OOM_SCORED } ;

/* Without PID 1 all is lost, so it should be the last to go; needs CAP_SYS_RESOURCE. Its children get
   back what it had. */
static void lower_score (void)
{
  struct inheritance *in = &ledger->inheritance ;
  char text[16] ;
  int old, fd = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC) ;
  ssize_t n ;
  if (fd < 0) return ;
  n = read(fd, text, sizeof text - 1) ;
  if (n > 0)
  {
    text[n] = 0 ;
    text[strcspn(text, "\n")] = 0 ;
    if (int0_scan(text, &old) && old > OOM_NEVER)
    {
      /* noted first: whatever comes between, no child is left with it */
      in->oom_score_adj = old ;
      in->oom_changed = 1 ;
      if (pwrite(fd, "-1000", 5, 0) != 5) in->oom_changed = 0 ;
    }
  }
  close(fd) ;
}

void oom_begin (void)
{
  uint64_t n ;
  if (ledger->oom_begun == OOM_SCORED) return ;
  if (!ledger->oom_begun && count(&n)) ledger->oom_explained = n ;
  ledger->oom_begun = OOM_COUNTED ;
  if (spawn_shares()) return ;
  if (ledger->pid == 1) lower_score() ;
  ledger->oom_begun = OOM_SCORED ;
}

int oom_took (struct slot const *s, int32_t wstat)
{
  struct slot_state const *c = slot_now(s) ;
  uint64_t n ;
  if (!WIFSIGNALED(wstat) || WTERMSIG(wstat) != SIGKILL) return 0 ;
  /* our own KILL at the end of timeout-kill */
  if (c->flags & STOP_SENT && c->sig == SIGKILL) return 0 ;
  return count(&n) && n > ledger->oom_explained ;
}

void oom_settle (struct slot *s, int took)
{
  s->oom_seen = took ? ++ledger->oom_explained : 0 ;
}
