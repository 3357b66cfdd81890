/* ISC license. */

/*
   The literal trees of tests/trees, shaped like the images that people have: each boots, stops in
   the right order, survives a stop at 20 moments of its boot and a fault of PID 1 at 20 more.

   A tree's services and oneshots say on /events what they do: "start NAME", "ready NAME", "done
   NAME" (up of a oneshot), "undo NAME" (its down), "stop NAME" (finish).
*/

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

#define MOMENTS 20
#define TREE(name) "../../trees/" name

struct pair { char const *first ; char const *then ; } ;

struct tree
{
  char const *name ;
  char const *const *env ;
  struct pair const *order ;    /* the second is never said without the first before it; ended by 0 */
  struct pair const *log ;      /* the same of PID 1's own lines, which contain these words */
  char const *const *all ;      /* what a boot and its stop say, each once; ended by 0 */
  char const *const *never ;    /* what is never said; ended by 0; may be 0 */
} ;

/* ---- what was said */

/* Where LINE begins in the events, or 0. */
static char const *find_line (box *b, char const *line)
{
  size_t len = strlen(line) ;
  for (char const *s = box_events(b) ; s && *s ; s = strchr(s, '\n'), s = s ? s + 1 : 0)
    if (!strncmp(s, line, len) && s[len] == '\n') return s ;
  return 0 ;
}

static int is_end (char const *line)
{
  return !strncmp(line, "stop ", 5) || !strncmp(line, "undo ", 5) ;
}

/* Who never started need not end before somebody else does. */
static void check_order (box *b, struct tree const *t)
{
  for (struct pair const *p = t->order ; p->first ; p++)
  {
    char const *first = find_line(b, p->first), *then = find_line(b, p->then) ;
    if (!then || (!first && is_end(p->first))) continue ;
    ck_assert_msg(first && first < then, "`%s` does not come before `%s`", p->first, p->then) ;
  }
}

/* Of PID 1's lines a fault may cost some: FAULTED. Who never started need not end. */
static void check_log (box *b, struct tree const *t, int faulted)
{
  for (struct pair const *p = t->log ; p->first ; p++)
  {
    char const *first = strstr(box_output(b), p->first), *then = strstr(box_output(b), p->then) ;
    ck_assert_msg(!then || (!first && (faulted || !strstr(p->then, "started"))) || (first && first < then), "PID 1 does not say `%s` before `%s`", p->first, p->then) ;
  }
}

static void check_once (box *b, struct tree const *t)
{
  for (char const *const *line = t->all ; *line ; line++)
    ck_assert_msg(box_event_count(b, *line) == 1, "`%s` was said %u times", *line, box_event_count(b, *line)) ;
}

static void check_at_most_once (box *b, struct tree const *t)
{
  for (char const *const *line = t->all ; *line ; line++)
    ck_assert_msg(box_event_count(b, *line) <= 1, "`%s` was said %u times", *line, box_event_count(b, *line)) ;
}

static void check_never (box *b, struct tree const *t)
{
  for (char const *const *line = t->never ; line && *line ; line++)
    ck_assert_msg(!box_event_count(b, *line), "`%s` was said", *line) ;
}

static int is_in_all (struct tree const *t, char const *line)
{
  for (char const *const *l = t->all ; *l ; l++) if (!strcmp(*l, line)) return 1 ;
  return 0 ;
}

/* PID 1 says SAID of the name NAME (up to a blank): then the event END of it came, if the tree has one. */
static void check_end (box *b, struct tree const *t, char const *said, char const *name, char const *end)
{
  char text[128], line[128] ;
  snprintf(text, sizeof text, said, (int)strcspn(name, " "), name) ;
  snprintf(line, sizeof line, "%s %s", end, name) ;
  if (is_in_all(t, line) && box_says(b, text)) ck_assert_msg(box_event_count(b, line) == 1, "`%s`, and not `%s`", text, line) ;
}

/* What was started has been stopped, and what was done has been undone. */
static void check_ends (box *b, struct tree const *t)
{
  for (char const *const *line = t->all ; *line ; line++)
    if (!strncmp(*line, "start ", 6)) check_end(b, t, "service %.*s started", *line + 6, "stop") ;
    else if (!strncmp(*line, "done ", 5)) check_end(b, t, "oneshot %.*s done", *line + 5, "undo") ;
}

/* ---- the trees */

#define LAST { 0, 0 }

static struct tree const trees[] =
{
  {
    .name = TREE("linuxserver"),
    .order = (struct pair const []) {
      { "done init-migrations", "start init-adduser" },
      { "done init-adduser", "start init-device-perms" },
      { "done init-device-perms", "start init-crontab-config" },
      { "done init-envfile", "start init-crontab-config" },
      { "done init-envfile", "start init-app-config" },
      { "done init-device-perms", "start init-app-config" },
      { "done init-app-config", "start init-mods-package-install" },
      { "done init-crontab-config", "start init-mods-package-install" },
      { "done init-mods-package-install", "start init-custom-files" },
      { "done init-custom-files", "start svc-app" },
      { "done init-custom-files", "start svc-cron" },
      { "ready svc-app", "start svc-nginx" },
      { "ready svc-app", "cmd" },
      { "stop svc-nginx", "stop svc-app" },
      LAST
    },
    .log = (struct pair const []) {
      { "oneshot init-os-end done", "oneshot init-config done" },
      { "oneshot init-config-end done", "oneshot init-mods done" },
      { "oneshot init-services done", "service svc-cron started" },
      { "oneshot init-services done", "service svc-app started" },
      { "service svc-nginx killed", "service svc-app killed" },
      LAST
    },
    .all = (char const *const []) {
      "start init-migrations", "done init-migrations", "start init-envfile", "done init-envfile", "start init-adduser", "adduser 911",
      "done init-adduser", "start init-device-perms", "done init-device-perms", "start init-crontab-config", "done init-crontab-config",
      "start init-app-config", "done init-app-config", "start init-mods-package-install", "done init-mods-package-install",
      "start init-custom-files", "done init-custom-files", "start svc-app", "ready svc-app", "start svc-nginx", "start svc-cron",
      "cmd", "stop svc-nginx", "stop svc-app", "stop svc-cron", 0
    }
  },
  {
    .name = TREE("database"),
    .order = (struct pair const []) {
      { "start database", "ready database" },
      { "ready database", "done migrate" },
      { "done migrate", "start app" },
      { "done migrate", "start app-worker" },
      { "done migrate", "cmd" },
      { "stop app", "undo migrate" },
      { "stop app-worker", "undo migrate" },
      { "undo migrate", "stop database" },
      LAST
    },
    .log = (struct pair const []) {
      { "oneshot migrate done", "service app started" },
      { "oneshot migrate undone", "service database exited" },
      LAST
    },
    .all = (char const *const []) {
      "start database", "ready database", "done migrate", "start app", "start app-worker", "cmd", "stop app", "stop app-worker",
      "undo migrate", "stop database", 0
    }
  },
  {
    .name = TREE("logger"),
    .order = (struct pair const []) {
      { "done myapp-log-prepare", "start myapp-log" },
      { "done myapp-log-prepare", "start myapp" },
      { "done myapp-log-prepare", "cmd" },
      { "stop myapp", "stop myapp-log" },
      { "stop myapp-worker", "stop myapp-log" },
      { "stop myapp-log", "undo myapp-log-prepare" },
      LAST
    },
    .log = (struct pair const []) {
      { "service myapp-log started", "service myapp started" },
      { "service myapp-log started", "service myapp-worker started" },
      { "service myapp killed", "service myapp-log exited 0" },
      LAST
    },
    .all = (char const *const []) {
      "done myapp-log-prepare", "start myapp-log", "start myapp", "start myapp-worker", "cmd", "stop myapp", "stop myapp-worker",
      "stop myapp-log", "undo myapp-log-prepare", 0
    }
  },
  {
    .name = TREE("user2"),
    .order = (struct pair const []) {
      { "cont-init 10-first", "cont-init 20-makes-a-service" },
      { "cont-init 20-makes-a-service", "done early" },
      { "done early", "start web" },
      { "done early", "start made" },
      { "done early", "start late" },
      { "done early", "done careless" },
      { "done careless", "cmd" },
      { "stop late", "stop web" },
      LAST
    },
    .log = (struct pair const []) {
      { "oneshot early done", "service web started" },
      { "service web started", "service late started" },
      { "service made started", "service late started" },
      { "service made started", "oneshot careless done" },
      LAST
    },
    .all = (char const *const []) {
      "cont-init 10-first", "cont-init 20-makes-a-service", "done early", "start web", "start made", "start late", "done careless", "cmd",
      "stop late", "stop web", "undo early", 0
    }
  },
  {
    .name = TREE("mixed"),
    .order = (struct pair const []) {
      { "start cache", "start backend" },
      { "start cache", "start front" },
      { "done prepare 1", "start worker@1 1" },
      { "done prepare two", "start worker@two two" },
      { "start cache", "cmd" },
      { "stop front", "stop backend" },
      { "stop worker@1 1", "stop backend" },
      { "stop worker@two two", "stop backend" },
      { "stop backend", "stop cache" },
      LAST
    },
    .log = (struct pair const []) {
      { "service backend started", "service front started" },
      { "service backend started", "service worker@1 started" },
      { "service backend started", "service worker@two started" },
      { "oneshot prepare@1 done", "service worker@1 started" },
      LAST
    },
    .all = (char const *const []) {
      "start cache", "start backend", "start front", "done prepare 1", "done prepare two", "start worker@1 1", "start worker@two two",
      "cmd", "stop front", "stop worker@1 1", "stop worker@two two", "stop backend", "stop cache", 0
    }
  },
  {
    .name = TREE("homeassistant"),
    .order = (struct pair const []) {
      { "done base-addon-log-level", "cont-init init" },
      { "cont-init init", "done base-addon-banner" },
      { "done base-addon-banner", "start addon" },
      { "done base-addon-banner", "cmd" },
      LAST
    },
    .log = (struct pair const []) {
      { "oneshot base-addon-banner done", "service addon started" },
      LAST
    },
    .all = (char const *const []) {
      "done base-addon-log-level", "cont-init init", "done base-addon-banner", "start addon", "cmd", "stop addon", 0
    }
  },
  {
    .name = TREE("reached"),
    .order = (struct pair const []) {
      { "start broken", "finish broken 1" },
      { "finish broken 1", "cmd" },
      LAST
    },
    .log = (struct pair const []) {
      { "service optional started", "service needs-optional started" },
      LAST
    },
    .all = (char const *const []) {
      "start broken", "finish broken 1", "start optional", "start needs-optional", "cmd", "stop needs-optional", 0
    },
    .never = (char const *const []) { "start needs-broken", "done needs-both", 0 }
  },
  {
    .name = TREE("hook"),
    .env = (char const *const []) { "S6_STAGE2_HOOK=/usr/local/bin/edit-tree", 0 },
    .order = (struct pair const []) { { "hook edit-tree", "start kept" }, { "hook edit-tree", "start added" }, { "hook edit-tree", "cmd" }, LAST },
    .log = (struct pair const []) { { "service kept started", "service added started" }, LAST },
    .all = (char const *const []) { "hook edit-tree", "start kept", "start added", "cmd", 0 },
    .never = (char const *const []) { "start dropped", 0 }
  },
  {
    .name = TREE("frigate"),
    .order = (struct pair const []) {
      { "done log-prepare", "done prepare" },
      { "done log-prepare", "start go2rtc-log" },
      { "done log-prepare", "start nginx-log" },
      { "done prepare", "start go2rtc" },
      { "listens nginx", "ready nginx" },
      { "ready nginx", "start certsync" },
      { "ready nginx", "cmd" },
      { "stop certsync", "stop nginx" },
      { "stop nginx", "stop frigate" },
      { "stop frigate", "stop go2rtc" },
      LAST
    },
    .log = (struct pair const []) {
      { "service go2rtc-log started", "service go2rtc started" },
      { "service go2rtc started", "service frigate started" },
      { "service frigate-log started", "service frigate started" },
      { "service frigate started", "service nginx started" },
      { "service go2rtc exited", "service go2rtc-log exited 0" },
      LAST
    },
    .all = (char const *const []) {
      "done log-prepare", "done prepare", "start go2rtc-log", "start frigate-log", "start nginx-log", "start go2rtc", "start frigate",
      "start nginx", "listens nginx", "ready nginx", "start certsync", "cmd", "stop certsync", "stop nginx", "stop frigate", "stop go2rtc", 0
    }
  },
  {
    .name = TREE("legacy"),
    .order = (struct pair const []) {
      { "cont-init 10-adduser", "start svc-new" },
      { "done 99-check", "start old" },
      { "done rescan", "cmd" },
      LAST
    },
    .log = (struct pair const []) {
      { "oneshot 00-legacy done", "service svc-new started" },
      { "oneshot 99-check done", "service old started" },
      { "service old started", "oneshot rescan done" },
      LAST
    },
    .all = (char const *const []) {
      "cont-init 10-adduser", "start svc-new", "done 99-check", "start old", "done rescan", "cmd", "stop svc-new", "stop old", 0
    }
  },
  {
    .name = TREE("profile"),
    .order = (struct pair const []) { { "done common", "start everyday" }, { "done common", "cmd" }, LAST },
    .log = (struct pair const []) { { "oneshot common done", "service everyday started" }, LAST },
    .all = (char const *const []) { "done common", "start everyday", "cmd", 0 },
    .never = (char const *const []) { "done special", "start tester", "done elsewhere", 0 }
  },
  {
    .name = TREE("profile"),
    .env = (char const *const []) { "S6_RUNTIME_PROFILE=test", 0 },
    .order = (struct pair const []) { { "done special", "start tester" }, { "done special", "cmd" }, LAST },
    .log = (struct pair const []) { { "oneshot special done", "service tester started" }, LAST },
    .all = (char const *const []) { "done special", "start tester", "cmd", 0 },
    .never = (char const *const []) { "done common", "start everyday", "done elsewhere", 0 }
  },
  {
    .name = TREE("profile"),
    .env = (char const *const []) { "S6_RUNTIME_PROFILE=test", "S6_RUNTIME_BUNDLEDIR=/opt/bundles", 0 },
    .order = (struct pair const []) { { "done special", "start tester" }, { "done elsewhere", "start tester" }, { "done special", "cmd" }, LAST },
    .log = (struct pair const []) { { "oneshot elsewhere done", "service tester started" }, LAST },
    .all = (char const *const []) { "done special", "done elsewhere", "start tester", "cmd", 0 },
    .never = (char const *const []) { "done common", "start everyday", 0 }
  },
  {
    .name = TREE("paperless"),
    .env = (char const *const []) { "APP_SECRET_FILE=/etc/secrets/app", 0 },
    .order = (struct pair const []) {
      { "done init-start", "done init-env-file" },
      { "done init-env-file", "db of geheim" },
      { "db of geheim", "migrated by app" },
      { "migrated by app", "custom geheim" },
      { "custom geheim", "done init-complete" },
      { "done init-complete", "off svc-flower" },
      { "done init-complete", "start svc-worker geheim" },
      { "done init-complete", "start svc-scheduler geheim" },
      { "done init-complete", "cmd" },
      LAST
    },
    .log = (struct pair const []) {
      { "oneshot init-complete done", "service svc-worker started" },
      { "service svc-flower started", "service svc-webserver started" },
      LAST
    },
    .all = (char const *const []) {
      "done init-start", "done init-env-file", "db of geheim", "migrated by app", "custom geheim", "done init-complete", "off svc-flower",
      "start svc-worker geheim", "start svc-scheduler geheim", "start svc-webserver geheim", "cmd", "stop svc-worker",
      "stop svc-scheduler", "stop svc-webserver", 0
    }
  },
  {
    .name = TREE("nginx-proxy-manager"),
    .env = (char const *const []) { "PUID=1000", "PGID=1000", "S6_KILL_FINISH_MAXTIME=10000", "S6_CMD_WAIT_FOR_SERVICES_MAXTIME=0", 0 },
    .order = (struct pair const []) {
      { "usergroup of 1000", "banner" },
      { "banner", "start backend" },
      { "banner", "start nginx" },
      { "start backend", "listens backend" },
      { "banner", "cmd" },
      LAST
    },
    .log = (struct pair const []) {
      { "oneshot prepare done", "service backend started" },
      { "oneshot prepare done", "service nginx started" },
      LAST
    },
    .all = (char const *const []) {
      "usergroup of 1000", "banner", "start backend", "listens backend", "start nginx", "cmd", "stop nginx", "stop backend", 0
    }
  }
} ;

/* First those that are disturbed, then one tree with different variables, then those that have other
   users, and are disturbed too. A user namespace of one has nobody else. */
#define TREES ((int)(sizeof trees / sizeof trees[0]))
#define DISTURBED 10
#define OF_OTHERS 2

/* ---- booting one */

/* All that a boot says; a service without readiness may say it after the CMD has begun. */
static void wait_for_boot (box *b, struct tree const *t)
{
  for (char const *const *line = t->all ; *line ; line++)
    if (!is_end(*line)) box_event(b, *line) ;
}

/* What init gets: the tree's own variables, and PID 1 says all it can. */
static void boot (box *b, struct tree const *t)
{
  static char const *env[8] ;
  size_t n = 0 ;
  struct box_how const how = { .env = env, .flags = BOX_TMPFS_RUN } ;
  for (; t->env && t->env[n] ; n++) env[n] = t->env[n] ;
  env[n++] = "S6_VERBOSITY=5" ;
  env[n] = 0 ;
  box_boot(b, &how, "actor", "up", "cmd", (char *)0) ;
}

START_TEST(boots_and_stops)
{
  struct tree const *t = trees + _i ;
  box *b = box_new(t->name) ;
  boot(b, t) ;
  wait_for_boot(b, t) ;
  ck_assert_int_eq(box_stop(b), 0) ;
  check_once(b, t) ;
  check_never(b, t) ;
  check_order(b, t) ;
  check_log(b, t, 0) ;
  ck_assert_msg(!box_says(b, "unable to exec"), "something was not there") ;
  box_free(b) ;
}
END_TEST

/* The lines of a boot that nothing disturbs. */
static unsigned int lines_of (box *b, struct tree const *t)
{
  unsigned int lines ;
  boot(b, t) ;
  wait_for_boot(b, t) ;
  lines = box_lines(b) ;
  box_stop(b) ;
  return lines ;
}

/* Boots as far as the n-th of 20 moments: at each another line has just been said. */
static void boot_until (box *b, struct tree const *t, unsigned int n, unsigned int lines)
{
  boot(b, t) ;
  box_expect_lines(b, 1 + n * (lines - 2) / MOMENTS) ;
}

START_TEST(a_stop_at_every_moment)
{
  struct tree const *t = trees + _i ;
  box *b = box_new(t->name) ;
  unsigned int lines = lines_of(b, t) ;
  for (unsigned int n = 0 ; n < MOMENTS ; n++)
  {
    boot_until(b, t, n, lines) ;
    ck_assert_int_eq(box_stop(b), 0) ;
    check_at_most_once(b, t) ;
    check_never(b, t) ;
    check_order(b, t) ;
    check_log(b, t, 0) ;
    check_ends(b, t) ;
  }
  box_free(b) ;
}
END_TEST

/* A fault of PID 1: what comes is what would have come without it. */
START_TEST(a_fault_at_every_moment)
{
  struct tree const *t = trees + _i ;
  box *b = box_new(t->name) ;
  unsigned int lines = lines_of(b, t) ;
  for (unsigned int n = 0 ; n < MOMENTS ; n++)
  {
    boot_until(b, t, n, lines) ;
    box_signal(b, SIGSEGV) ;
    wait_for_boot(b, t) ;
    ck_assert_int_eq(box_stop(b), 0) ;
    check_once(b, t) ;
    check_never(b, t) ;
    check_order(b, t) ;
    check_log(b, t, 1) ;
  }
  box_free(b) ;
}
END_TEST

int main (void)
{
  int last = getuid() ? TREES - OF_OTHERS : TREES ;
  TCase *tc[] = { box_case("trees"), box_case("moments") } ;
  tcase_add_loop_test(tc[0], boots_and_stops, 0, last) ;
  tcase_add_loop_test(tc[1], a_stop_at_every_moment, 0, DISTURBED) ;
  tcase_add_loop_test(tc[1], a_stop_at_every_moment, TREES - OF_OTHERS, last) ;
  tcase_add_loop_test(tc[1], a_fault_at_every_moment, 0, DISTURBED) ;
  tcase_add_loop_test(tc[1], a_fault_at_every_moment, TREES - OF_OTHERS, last) ;
  return box_main("trees", tc, sizeof tc / sizeof tc[0]) ;
}
