/* ISC license. */

/*
   life ROOT DIR MS [NAME=VALUE…]: one life of the root file system ROOT (a path from the top of the
   sources), laid over the root of tests/container's boxes, for tests/trees/run. When the boot is over
   it is stopped as soon as a service dies, at the latest after MS. What there was to see goes into
   files of DIR:

     output        all that the container said
     events        all that was written to /events, "cmd" when the boot was over
     status        svctl status before the stop
     dependencies  NAME: NAME…, all that it needs
     changes       svctl log, taken by the last script of cont-finish.d
     end           "stopped CODE", or "ended CODE" when it did not wait to be stopped
*/

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <skalibs/djbunix.h>

#include "../container/box.h"

#define LAST_SCRIPT "etc/cont-finish.d/~~~changes"

static char const *root, *dir, *settle ;
static char const *const *env ;

static void save (char const *name, char const *s)
{
  char path[PATH_MAX] ;
  snprintf(path, sizeof path, "%s/%s", dir, name) ;
  if (!openwritenclose_unsafe(path, s ? s : "", s ? strlen(s) : 0)) ck_abort_msg("unable to write %s", path) ;
}

static void save_answer (box *b, char const *name, char const *script)
{
  save(name, box_sh(b, script).output) ;
}

/* 1: the CMD runs, so the boot is over; 0: PID 1 has ended. */
static int comes_up (box *b)
{
  while (!box_event_count(b, "cmd")) if (!pump(b)) return 0 ;
  return 1 ;
}

/* What is to be up; a link without a slash is another's second name. */
#define WANTED "cd /run/service && for s in *; do " \
  "case $(readlink $s) in */*) [ \"$(s6-svstat -o wantedup $s 2> /dev/null)\" != true ] || echo $s ;; esac; done"
#define NEEDS "for s in $(s6-rc-db list services); do echo \"$s:\" $(s6-rc-db all-dependencies $s); done"

static void look (box *b)
{
  char script[512] ;
  snprintf(script, sizeof script, "names=$(%s); [ -z \"$names\" ] || (cd /run/service && s6-svwait -o -d -t %s $names)", WANTED, settle) ;
  box_sh(b, script) ;
  save_answer(b, "status", "svctl status") ;
  save_answer(b, "dependencies", NEEDS) ;
}

START_TEST(one_life)
{
  struct box_how const how = { .env = env, .flags = BOX_TMPFS_RUN } ;
  char tree[PATH_MAX], end[32] ;
  int up ;
  snprintf(tree, sizeof tree, "../../../%s", root) ;
  box *b = box_new(tree) ;
  box_file(b, LAST_SCRIPT, 0755, "#!/bin/sh\nexec svctl log -n 0 > /changes\n") ;
  box_boot(b, &how, "actor", "up", "cmd", (char *)0) ;
  up = comes_up(b) ;
  if (up) look(b) ;
  snprintf(end, sizeof end, "%s %d\n", up ? "stopped" : "ended", up ? box_stop(b) : box_exit_code(b)) ;
  save("end", end) ;
  save("output", box_output(b)) ;
  save("events", box_events(b)) ;
  save("changes", box_exists(b, "changes") ? box_read(b, "changes") : "") ;
  box_free(b) ;
}
END_TEST

int main (int argc, char const *const *argv)
{
  TCase *tc = box_case("life") ;
  if (argc < 4)
  {
    fprintf(stderr, "life: usage: life ROOT DIR MS [NAME=VALUE...]\n") ;
    return 100 ;
  }
  root = argv[1] ;
  dir = argv[2] ;
  settle = argv[3] ;
  env = argv + 4 ;
  tcase_add_test(tc, one_life) ;
  return box_main("life", &tc, 1) ;
}
