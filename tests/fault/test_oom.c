/* ISC license. */

/*
   A service that the OOM killer takes is told from one that somebody kills: the container lives in a
   memory cgroup of its own with 24 MiB. Skipped where there is no cgroup v1 memory controller that we
   may make groups in.
*/

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>

#include <skalibs/djbunix.h>

#include "fault.h"

#define GROUP "/sys/fs/cgroup/memory/keelson-test"
#define LIMIT "25165824"

int main (void)
{
  char const *const argv[] = { "/init", "player", "remember", 0 } ;
  struct plan const p = { .harm = HARM_OUTSIDE, .argv = argv, .cgroup = GROUP } ;
  struct outcome o ;
  world *w ;
  char const *told ;
  int good ;
  if ((mkdir(GROUP, 0755) < 0 && errno != EEXIST) || !openwritenclose_unsafe(GROUP "/memory.limit_in_bytes", LIMIT, sizeof LIMIT - 1))
  {
    printf("skipped: unable to make the memory cgroup %s: %s\n", GROUP, strerror(errno)) ;
    return 77 ;
  }
  w = world_of_hunger() ;
  world_run(w, &p, &o) ;
  world_free(w) ;
  rmdir(GROUP) ;
  told = strstr(o.output, "service eater was taken by the kernel's OOM killer") ;
  good = !o.hung && !o.status && told && !strstr(o.output, "service killed was taken") && !strstr(told + 1, "service eater was taken") ;
  if (!good) printf("wait status %d\n%s%s", o.status, o.output, o.record) ;
  printf("%d passed, %d failed\n", good, !good) ;
  return !good ;
}
