/* ISC license. */

/*
   Dependencies in a container, each rule by itself: time limits, failures, what a stop may cut
   short, changes by order, instances, a tree that is edited while it runs. The trees are made
   here, of services that say on /events what they do.
*/

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "harness.h"

#define RC "etc/s6-overlay/s6-rc.d/"
#define TREE(name) "../../trees/" name

/* ---- making trees */

static void put (box *b, char const *service, char const *file, char const *text)
{
  char path[256] ;
  snprintf(path, sizeof path, RC "%s/%s", service, file) ;
  box_file(b, path, 0644, text) ;
}

static void needs (box *b, char const *service, char const *other)
{
  char file[128] ;
  snprintf(file, sizeof file, "dependencies.d/%s", other) ;
  put(b, service, file, "") ;
}

static void in_user (box *b, char const *service)
{
  char file[128] ;
  snprintf(file, sizeof file, "contents.d/%s", service) ;
  put(b, "user", file, "") ;
}

/* RUN is what run executes. NEED: a service, or 0. */
static void longrun (box *b, char const *name, char const *run, char const *need)
{
  char text[512] ;
  put(b, name, "type", "longrun\n") ;
  snprintf(text, sizeof text, "#!/bin/sh\nexec %s\n", run) ;
  put(b, name, "run", text) ;
  snprintf(text, sizeof text, "#!/bin/sh\necho 'stop %s' >> /events\n", name) ;
  put(b, name, "finish", text) ;
  if (need) needs(b, name, need) ;
}

/* "up NAME" when it runs, "stop NAME" when it is over. */
static void simple (box *b, char const *name, char const *need)
{
  char text[128] ;
  snprintf(text, sizeof text, "actor up 'up %s'", name) ;
  longrun(b, name, text, need) ;
}

static void ready (box *b, char const *name, char const *need)
{
  char text[128] ;
  snprintf(text, sizeof text, "actor ready 3 'up %s'", name) ;
  longrun(b, name, text, need) ;
  put(b, name, "notification-fd", "3\n") ;
}

static void oneshot (box *b, char const *name, char const *up, char const *down, char const *need)
{
  put(b, name, "type", "oneshot\n") ;
  put(b, name, "up", up) ;
  if (down) put(b, name, "down", down) ;
  if (need) needs(b, name, need) ;
}

static void said_before (box *b, char const *first, char const *then)
{
  char const *x = strstr(box_events(b), first), *y = strstr(box_events(b), then) ;
  ck_assert_msg(x && y && x < y, "`%s` does not come before `%s`", first, then) ;
}

static void boot (box *b, char const *const *env)
{
  struct box_how const how = { .env = env } ;
  box_boot(b, &how, "actor", "up", "cmd", (char *)0) ;
}

#define ENV(...) ((char const *const []){ __VA_ARGS__, 0 })
#define NO_ENV 0

/* ---- the literal trees that end in their own way */

START_TEST(halt_in_mid_boot)
{
  box *b = box_new(TREE("halt")) ;
  boot(b, NO_ENV) ;
  ck_assert_int_eq(box_exit_code(b), 3) ;
  ck_assert_uint_eq(box_event_count(b, "finish main 3 0"), 1) ;
  ck_assert_uint_eq(box_event_count(b, "start never"), 0) ;
  ck_assert_uint_eq(box_event_count(b, "done slow"), 0) ;
  ck_assert_uint_eq(box_event_count(b, "cmd"), 0) ;
  box_free(b) ;
}
END_TEST

/* The add-ons of Home Assistant: finish asks for the stop and says that there is no more to be tried,
   while what needs the service waits for its readiness. */
START_TEST(halt_and_125)
{
  box *b = box_new(0) ;
  longrun(b, "agent", "sh -c 'echo agent >> /events; exit 7'", 0) ;
  put(b, "agent", "notification-fd", "3\n") ;
  put(b, "agent", "finish", "#!/bin/sh\necho $1 > /run/s6-linux-init-container-results/exitcode\n/run/s6/basedir/bin/halt\nexit 125\n") ;
  oneshot(b, "configure", "redirfd -a 1 /events echo configured", 0, "agent") ;
  simple(b, "beside", 0) ;
  in_user(b, "configure") ;
  in_user(b, "beside") ;
  boot(b, NO_ENV) ;
  box_event(b, "agent") ;
  ck_assert_int_eq(box_exit_code(b), 7) ;
  ck_assert_uint_eq(box_event_count(b, "agent"), 1) ;
  ck_assert_uint_eq(box_event_count(b, "configured") + box_event_count(b, "cmd"), 0) ;
  ck_assert_uint_eq(box_event_count(b, "up beside"), box_event_count(b, "stop beside")) ;
  box_free(b) ;
}
END_TEST

/* A oneshot that asks for the stop, by its `up` in mid-boot or by its `down` once more. */
START_TEST(halt_from_a_oneshot)
{
  box *b = box_new(0) ;
  ready(b, "below", 0) ;
  if (_i) oneshot(b, "job", "redirfd -a 1 /events echo job", "/run/s6/basedir/bin/halt", "below") ;
  else oneshot(b, "job", "if { redirfd -w 1 /run/s6-linux-init-container-results/exitcode echo 9 } /run/s6/basedir/bin/halt", 0, "below") ;
  simple(b, "after", "job") ;
  in_user(b, "after") ;
  boot(b, NO_ENV) ;
  if (_i) box_event(b, "cmd") ;
  ck_assert_int_eq(_i ? box_stop(b) : box_exit_code(b), _i ? 0 : 9) ;
  ck_assert_uint_eq(box_event_count(b, "stop below"), 1) ;
  ck_assert_uint_eq(box_event_count(b, "cmd"), _i) ;
  box_free(b) ;
}
END_TEST

/* All that is wrong is told in one run, and nothing starts. */
START_TEST(all_errors_at_once)
{
  static char const *const errors[] =
  {
    "cycle: ", "databse", "did you mean database?", "kafka", "nobody", "there is a database already", "longrum is no type", "untyped/type",
    "no-up/up", "no-run/run", "two consumers", "talks-to-once", "lonely", "producer-for: it must name exactly one", "s6rc-mine", "base", 0
  } ;
  box *b = box_new(TREE("faults")) ;
  box_file(b, "etc/cont-init.d/10", 0755, "#!/bin/sh\necho cont-init >> /events\n") ;
  boot(b, NO_ENV) ;
  ck_assert_int_eq(box_exit_code(b), 1) ;
  for (char const *const *e = errors ; *e ; e++) ck_assert_msg(box_says(b, *e), "not said: %s", *e) ;
  ck_assert_str_eq(box_events(b), "") ;
  box_free(b) ;
}
END_TEST

/* Every line of both producers is in the file of the logger that they share. */
START_TEST(lines_reach_the_log)
{
  box *b = box_new(TREE("logger")) ;
  boot(b, NO_ENV) ;
  box_event(b, "cmd") ;
  box_event(b, "start myapp") ;
  box_event(b, "start myapp-worker") ;
  box_event(b, "start myapp-log") ;
  ck_assert_str_eq(box_ask(b, "s6-svc -r /run/service/myapp-log"), "") ;
  box_event(b, "stop myapp-log") ;
  box_event(b, "start myapp-log") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  char const *log = box_read(b, "var/log/myapp/current") ;
  ck_assert_ptr_nonnull(strstr(log, "a line of myapp\n")) ;
  ck_assert_ptr_nonnull(strstr(log, "a line of myapp-worker\n")) ;
  box_free(b) ;
}
END_TEST

/* ---- time limits */

START_TEST(timeout_up_of_a_oneshot)
{
  box *b = box_new(0) ;
  box_gate(b, "never") ;
  oneshot(b, "slow", "redirfd -r 0 /gates/never cat", 0, 0) ;
  put(b, "slow", "timeout-up", "1\n") ;
  simple(b, "after", "slow") ;
  in_user(b, "after") ;
  boot(b, NO_ENV) ;
  box_expect(b, "oneshot slow: its time is over (timeout-up)") ;
  box_expect(b, "oneshot slow failed: killed by KILL; not started because of it: after") ;
  box_event(b, "cmd") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  ck_assert_uint_eq(box_event_count(b, "up after"), 0) ;
  box_free(b) ;
}
END_TEST

/* A longrun that does not become ready in its time fails, and is taken down. */
START_TEST(timeout_up_of_a_longrun)
{
  box *b = box_new(0) ;
  simple(b, "deaf", 0) ;
  put(b, "deaf", "notification-fd", "3\n") ;
  put(b, "deaf", "timeout-up", "1\n") ;
  simple(b, "after", "deaf") ;
  in_user(b, "after") ;
  boot(b, NO_ENV) ;
  box_expect(b, "service deaf failed: it was not ready in time (timeout-up); not started because of it: after") ;
  box_event(b, "cmd") ;
  box_event(b, "stop deaf") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  ck_assert_uint_eq(box_event_count(b, "up after"), 0) ;
  box_free(b) ;
}
END_TEST

START_TEST(timeout_down)
{
  box *b = box_new(0) ;
  box_gate(b, "never") ;
  simple(b, "below", 0) ;
  oneshot(b, "slow", "", "redirfd -r 0 /gates/never cat", "below") ;
  put(b, "slow", "timeout-down", "1\n") ;
  longrun(b, "deaf", "actor deaf", "slow") ;
  put(b, "deaf", "timeout-down", "1\n") ;
  in_user(b, "deaf") ;
  boot(b, ENV("S6_KILL_GRACETIME=1", "S6_SERVICES_GRACETIME=1")) ;
  box_event_after(b, "deaf ") ;
  box_event(b, "up below") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  ck_assert(box_says(b, "service deaf is not down in time (timeout-down): what it depends on is stopped all the same")) ;
  ck_assert(box_says(b, "oneshot slow: its time is over (timeout-down)")) ;
  ck_assert_uint_eq(box_event_count(b, "stop below"), 1) ;
  box_free(b) ;
}
END_TEST

/* timeout-kill of the tree's own services is not cut by S6_SERVICES_GRACETIME, and a `down` has no limit but
   timeout-down: when every other limit of the stop is over, and with that of /etc/services.d what a
   deaf service there needs goes down, the database still drains, and then its oneshot is still undone. */
START_TEST(a_database_gets_its_time)
{
  box *b = box_new(0) ;
  box_gate(b, "drained") ;
  box_gate(b, "unmounted") ;
  oneshot(b, "volume", "", "foreground { redirfd -a 1 /events echo \"volume goes\" }\n"
    "foreground { redirfd -r 0 /gates/unmounted head -n 1 }\nredirfd -a 1 /events echo \"volume gone\"\n", 0) ;
  longrun(b, "db", "actor drain db 15 drained", "volume") ;
  put(b, "db", "timeout-kill", "120000\n") ;
  in_user(b, "db") ;
  simple(b, "below", 0) ;
  box_file(b, "etc/services.d/deaf/run", 0755, "#!/bin/sh\nexec actor deaf\n") ;
  box_file(b, "etc/services.d/deaf/dependencies.d/below", 0644, "") ;
  box_file(b, "etc/cont-finish.d/10", 0755, "#!/bin/sh\necho cont-finish >> /events\n") ;
  boot(b, ENV("S6_SERVICES_GRACETIME=1", "S6_KILL_GRACETIME=1")) ;
  box_event(b, "db up") ;
  box_event(b, "up below") ;
  box_event_after(b, "deaf ") ;
  box_event(b, "cmd") ;
  box_signal(b, SIGTERM) ;
  box_event(b, "db drains") ;
  box_event(b, "stop below") ;
  box_open_gate(b, "drained") ;
  box_event(b, "db drained") ;
  box_event(b, "volume goes") ;
  box_open_gate(b, "unmounted") ;
  ck_assert_int_eq(box_exit_code(b), 0) ;
  said_before(b, "volume gone", "cont-finish") ;
  ck_assert_uint_eq(box_event_count(b, "stop db"), 1) ;
  box_free(b) ;
}
END_TEST

/* ---- failures */

START_TEST(a_failed_oneshot)
{
  static int const codes[] = { 0, 0, 1 } ;
  char variable[64] ;
  char const *const env[] = { variable, 0 } ;
  box *b = box_new(0) ;
  snprintf(variable, sizeof variable, "S6_BEHAVIOUR_IF_STAGE2_FAILS=%d", _i) ;
  ready(b, "below", 0) ;
  oneshot(b, "migrate", "false", 0, "below") ;
  simple(b, "app", "migrate") ;
  simple(b, "web", "app") ;
  simple(b, "beside", "below") ;
  in_user(b, "web") ;
  in_user(b, "beside") ;
  boot(b, env) ;
  box_expect(b, "oneshot migrate failed: exited 1; not started because of it: app, web") ;
  if (_i < 2)
  {
    box_event(b, "cmd") ;
    box_event(b, "up beside") ;
    ck_assert_int_eq(box_stop(b), codes[_i]) ;
  }
  else ck_assert_int_eq(box_exit_code(b), codes[_i]) ;
  ck_assert_uint_eq(box_event_count(b, "up app") + box_event_count(b, "up web"), 0) ;
  ck_assert_uint_eq(box_event_count(b, "cmd"), _i < 2) ;
  ck_assert_uint_eq(box_event_count(b, "stop below"), 1) ;
  box_free(b) ;
}
END_TEST

/* What cannot be executed says why. */
START_TEST(a_oneshot_without_its_program)
{
  box *b = box_new(0) ;
  oneshot(b, "lost", "no-such-program", 0, 0) ;
  in_user(b, "lost") ;
  boot(b, NO_ENV) ;
  box_expect(b, "unable to exec no-such-program") ;
  box_expect(b, "oneshot lost failed: exited 127") ;
  box_event(b, "cmd") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  box_free(b) ;
}
END_TEST

/* What cont-init.d breaks fails by name, and the rest boots. */
START_TEST(broken_by_cont_init)
{
  box *b = box_new(0) ;
  simple(b, "good", 0) ;
  simple(b, "bad", 0) ;
  simple(b, "after", "bad") ;
  in_user(b, "good") ;
  in_user(b, "after") ;
  box_file(b, "etc/cont-init.d/10", 0755, "#!/bin/sh\n: > /" RC "bad/dependencies.d/nobody\n") ;
  box_dir(b, RC "bad/dependencies.d", 0755) ;
  boot(b, NO_ENV) ;
  box_expect(b, "there is no service nobody") ;
  box_expect(b, "service bad failed: its definition has an error; not started because of it: after") ;
  box_event(b, "up good") ;
  box_event(b, "cmd") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  box_free(b) ;
}
END_TEST

/* S6_CMD_WAIT_FOR_SERVICES_MAXTIME names what was waited for. */
START_TEST(the_whole_start_has_a_limit)
{
  box *b = box_new(0) ;
  simple(b, "never-ready", 0) ;
  put(b, "never-ready", "notification-fd", "3\n") ;
  simple(b, "after", "never-ready") ;
  in_user(b, "after") ;
  boot(b, _i ? ENV("S6_CMD_WAIT_FOR_SERVICES_MAXTIME=20", "S6_BEHAVIOUR_IF_STAGE2_FAILS=2") : ENV("S6_CMD_WAIT_FOR_SERVICES_MAXTIME=20")) ;
  char const *line = box_expect(b, "services were not ready in time (S6_CMD_WAIT_FOR_SERVICES_MAXTIME): still waiting for never-ready; ") ;
  ck_assert_ptr_nonnull(strstr(line, _i ? "the container stops" : "going on to the CMD")) ;
  if (!_i) box_event(b, "cmd") ;
  ck_assert_int_eq(_i ? box_exit_code(b) : box_stop(b), _i) ;
  ck_assert_uint_eq(box_event_count(b, "cmd"), !_i) ;
  box_free(b) ;
}
END_TEST

/* The time of cont-init.d counts; its script is not cut. */
START_TEST(the_limit_begins_before_cont_init)
{
  box *b = box_new(0) ;
  box_gate(b, "go") ;
  ready(b, "slow", 0) ;
  in_user(b, "slow") ;
  box_file(b, "etc/cont-init.d/10-waits", 0755, "#!/bin/sh\nread x < /gates/go\necho cont-init >> /events\n") ;
  boot(b, ENV("S6_CMD_WAIT_FOR_SERVICES_MAXTIME=1")) ;
  box_expect(b, "still waiting for cont-init.d/10-waits; after that the CMD runs without waiting for services") ;
  box_open_gate(b, "go") ;
  box_event(b, "cont-init") ;
  box_event(b, "cmd") ;
  box_event(b, "up slow") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  box_free(b) ;
}
END_TEST

/* ---- what runs beside what, and what it gets */

/* Two oneshots that can only end together, and a stop that can only go on together. */
START_TEST(in_parallel)
{
  static char const *const names[] = { "left", "right" } ;
  box *b = box_new(0) ;
  box_file(b, "usr/bin/meet", 0755,
    "#!/bin/sh\n# a fifo opens when both are there\nmkdir -p /tmp/$2\nmkfifo /tmp/$2/$1 /tmp/$2/$3 2> /dev/null\n"
    "if [ $1 = left ]; then : > /tmp/$2/$1; read x < /tmp/$2/$3; else read x < /tmp/$2/$3; : > /tmp/$2/$1; fi\n"
    "echo \"$1 $2\" >> /events\n") ;
  for (int i = 0 ; i < 2 ; i++)
  {
    char up[64], down[64] ;
    snprintf(up, sizeof up, "meet %s up %s\n", names[i], names[!i]) ;
    snprintf(down, sizeof down, "meet %s down %s\n", names[i], names[!i]) ;
    oneshot(b, names[i], up, down, 0) ;
    in_user(b, names[i]) ;
  }
  boot(b, NO_ENV) ;
  box_event(b, "cmd") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  ck_assert_uint_eq(box_event_count(b, "left up") + box_event_count(b, "right up"), 2) ;
  ck_assert_uint_eq(box_event_count(b, "left down") + box_event_count(b, "right down"), 2) ;
  box_free(b) ;
}
END_TEST

/* PROTOCOL §7's table: directory, environment, stdout and umask of a oneshot and of a longrun. */
START_TEST(what_a_oneshot_gets)
{
  static char const script[] =
    "#!/bin/sh\nexec >> /events 2> /dev/null\n"
    /* a line is one write: the CMD writes there too */
    "echo \"$1 in $PWD\"\necho \"$(env | grep -v -e ^PWD= -e ^SHLVL= -e ^PATH= -e ^_= -e ^OLDPWD= | sort | tr '\\n' ' ')\"\numask\n" ;
  box *b = box_new(0) ;
  box_file(b, "usr/bin/what", 0755, script) ;
  oneshot(b, "job", "what up", "what down", 0) ;
  oneshot(b, "speaks", "if { echo \"said by up\" } redirfd -w 1 /dev/stderr echo \"and to stderr\"", 0, "job") ;
  put(b, "lone", "type", "longrun") ;
  put(b, "lone", "run", "#!/bin/sh\nwhat run\nexec actor up lone\n") ;
  needs(b, "lone", "speaks") ;
  in_user(b, "lone") ;
  boot(b, _i ? ENV("HIDDEN=yes", "S6_KEEP_ENV=1") : ENV("HIDDEN=yes")) ;
  box_event(b, "up in /") ;
  if (_i) ck_assert_ptr_nonnull(strstr(box_event_after(b, "HIDDEN=yes "), "RC_NAME=job S6_KEEP_ENV=1 ")) ;
  else box_event(b, "RC_NAME=job SERVICE_NAME=job ") ;
  box_event(b, "0022") ;
  box_expect(b, "said by up") ;
  box_expect(b, "and to stderr") ;
  box_event(b, "run in /run/s6-rc/servicedirs/lone") ;
  if (!_i) box_event(b, "SERVICE_NAME=lone ") ;
  box_event(b, "cmd") ;
  box_event(b, "lone") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  box_event(b, "down in /") ;
  if (!_i) box_event(b, "RC_NAME=job SERVICE_NAME=job ") ;
  box_free(b) ;
}
END_TEST

/* What a definition may hold besides: a `down` file of a longrun is nothing, data and env are its own,
   dot names and files beside the directories are passed over. */
START_TEST(odds_and_ends)
{
  box *b = box_new(0) ;
  longrun(b, "all", "sh -c 'cat data/words env/more >> /events; test ! -e down; exec actor up up-all'", 0) ;
  put(b, "all", "down", "") ;
  put(b, "all", "data/words", "words\n") ;
  put(b, "all", "env/more", "more\n") ;
  put(b, ".hidden", "type", "nonsense\n") ;
  put(b, "all", "dependencies.d/.gitkeep", "") ;
  put(b, "user", "contents.d/.gitkeep", "") ;
  box_file(b, RC "README", 0644, "no definition\n") ;
  in_user(b, "all") ;
  /* whatever its first line says, `up` is execline: blocks over several lines, quotes, variables */
  oneshot(b, "shebang", "#!/bin/bash\n# set -e\nbacktick -E WORD {\n  echo two words\n}\n"
    "foreground\n{\n  redirfd -a 1 /events\n  echo \"up of \\\"shebang\\\"\" ${WORD}\n}\ntrue", 0, 0) ;
  in_user(b, "shebang") ;
  boot(b, NO_ENV) ;
  box_event(b, "up of \"shebang\" two words") ;
  box_event(b, "words") ;
  box_event(b, "more") ;
  box_event(b, "up-all") ;
  box_event(b, "cmd") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  box_free(b) ;
}
END_TEST

/* A service of services.d that has a `down` file is as it should be: what needs it goes on. */
START_TEST(a_down_file_counts_as_reached)
{
  box *b = box_new(0) ;
  box_file(b, "etc/services.d/optional/run", 0755, "#!/bin/sh\nexec actor up optional\n") ;
  box_file(b, "etc/services.d/optional/down", 0644, "") ;
  simple(b, "after", "optional") ;
  in_user(b, "after") ;
  boot(b, NO_ENV) ;
  box_event(b, "cmd") ;
  box_event(b, "up after") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  ck_assert_uint_eq(box_event_count(b, "optional"), 0) ;
  box_free(b) ;
}
END_TEST

/* One that will not be started again is reached when it is ready, not when it says so. */
START_TEST(once_is_not_ready)
{
  box *b = box_new(0) ;
  box_gate(b, "go") ;
  longrun(b, "once", "sh -c 's6-svc -O .; echo once >> /events; read x < /gates/go; exec actor ready 3 \"up once\"'", 0) ;
  put(b, "once", "notification-fd", "3\n") ;
  simple(b, "after", "once") ;
  in_user(b, "after") ;
  boot(b, NO_ENV) ;
  box_event(b, "once") ;
  box_ask(b, "s6-svwait -t 60000 -u /run/service/once && test \"$(s6-svstat -o wantedup /run/service/once)\" = false") ;
  ck_assert_str_eq(box_ask(b, "s6-svstat -o up /run/service/after"), "false\n") ;
  ck_assert_uint_eq(box_event_count(b, "up after") + box_event_count(b, "cmd"), 0) ;
  box_open_gate(b, "go") ;
  box_event(b, "up once") ;
  box_event(b, "up after") ;
  box_event(b, "cmd") ;
  /* and its end is none for those who need it */
  box_ask(b, "kill $(s6-svstat -o pid /run/service/once)") ;
  box_event(b, "stop once") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  said_before(b, "stop once", "stop after") ;
  ck_assert_uint_eq(box_event_count(b, "once"), 1) ;
  box_free(b) ;
}
END_TEST

/* Three in a row: what the first says goes through the second into the third's file, also what they
   say last. */
START_TEST(a_pipeline_of_three)
{
  box *b = box_new(0) ;
  longrun(b, "first", "actor last-words word 3", 0) ;
  put(b, "first", "producer-for", "filter\n") ;
  box_file(b, "usr/bin/filter", 0755, "#!/bin/sh\nwhile read -r word n; do echo \"sentence $n\"; done\n") ;
  longrun(b, "filter", "filter", 0) ;
  put(b, "filter", "consumer-for", "first\n") ;
  put(b, "filter", "producer-for", "file\n") ;
  longrun(b, "file", "actor log /log", 0) ;
  put(b, "file", "consumer-for", "filter\n") ;
  put(b, "file", "pipeline-name", "line\n") ;
  in_user(b, "line") ;
  boot(b, NO_ENV) ;
  box_event(b, "word") ;
  box_event(b, "logger up") ;
  box_event(b, "cmd") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  ck_assert_str_eq(box_read(b, "log"), "sentence 1\nsentence 2\nsentence 3\n") ;
  said_before(b, "stop first", "stop filter") ;
  said_before(b, "stop filter", "stop file") ;
  box_free(b) ;
}
END_TEST

/* Nobody asks for `base`, and yet cont-init.d comes first: PROTOCOL's order. */
START_TEST(user_waits_for_cont_init)
{
  box *b = box_new(0) ;
  simple(b, "careless", 0) ;
  in_user(b, "careless") ;
  box_file(b, "etc/cont-init.d/10", 0755, "#!/bin/sh\necho cont-init >> /events\n") ;
  boot(b, NO_ENV) ;
  box_event(b, "cmd") ;
  box_event(b, "up careless") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  said_before(b, "cont-init", "up careless") ;
  box_free(b) ;
}
END_TEST

/* Every kind of failure during the boot, when S6_BEHAVIOUR_IF_STAGE2_FAILS says that it ends the container. */
START_TEST(each_failure_may_stop_the_container)
{
  static char const *const said[] =
  {
    "service a failed: finish exited 125 (permanent failure); not started because of it: after",
    "service a failed: it was not ready in time (timeout-up); not started because of it: after",
    "oneshot a failed: killed by KILL; not started because of it: after",
    "service a failed: more deaths than max-restarts allows; not started because of it: after"
  } ;
  box *b = box_new(0) ;
  box_gate(b, "never") ;
  if (_i == 2) oneshot(b, "a", "redirfd -r 0 /gates/never cat", 0, 0) ;
  else longrun(b, "a", _i == 1 ? "actor up 'up a'" : "false", 0) ;
  if (_i != 2) put(b, "a", "notification-fd", "3\n") ;
  if (!_i) put(b, "a", "finish", "#!/bin/sh\nexit 125\n") ;
  if (_i == 1 || _i == 2) put(b, "a", "timeout-up", "1\n") ;
  if (_i == 3) put(b, "a", "max-restarts", "0 60\n") ;
  simple(b, "after", "a") ;
  in_user(b, "after") ;
  boot(b, ENV("S6_BEHAVIOUR_IF_STAGE2_FAILS=2")) ;
  box_expect(b, said[_i]) ;
  ck_assert_int_eq(box_exit_code(b), 1) ;
  ck_assert_uint_eq(box_event_count(b, "up after") + box_event_count(b, "cmd"), 0) ;
  box_free(b) ;
}
END_TEST

/* dependencies.d in /etc/services.d alone: an image of the second generation. */
START_TEST(services_d_alone)
{
  box *b = box_new(0) ;
  box_gate(b, "go") ;
  box_file(b, "etc/services.d/db/run", 0755, "#!/bin/sh\necho 'start db' >> /events\nread x < /gates/go\nexec actor ready 3 'up db'\n") ;
  box_file(b, "etc/services.d/db/finish", 0755, "#!/bin/sh\necho 'stop db' >> /events\n") ;
  box_file(b, "etc/services.d/db/notification-fd", 0644, "3\n") ;
  box_file(b, "etc/services.d/app/run", 0755, "#!/bin/sh\nexec actor up 'up app'\n") ;
  box_file(b, "etc/services.d/app/finish", 0755, "#!/bin/sh\necho 'stop app' >> /events\n") ;
  box_file(b, "etc/services.d/app/dependencies.d/db", 0644, "") ;
  boot(b, NO_ENV) ;
  box_event(b, "start db") ;
  ck_assert_str_eq(box_ask(b, "s6-svwait -u -t 60000 /run/service/db; s6-svstat -o up /run/service/app"), "false\n") ;
  box_open_gate(b, "go") ;
  box_event(b, "up app") ;
  box_event(b, "cmd") ;
  box_ask(b, "svctl info | grep 'generation  *2: '") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  said_before(b, "start db", "up app") ;
  said_before(b, "stop app", "stop db") ;
  box_free(b) ;
}
END_TEST

/* S6_CMD_WAIT_FOR_SERVICES in an image of the third generation is about services.d. */
START_TEST(the_cmd_waits_for_services_d)
{
  box *b = box_new(0) ;
  box_gate(b, "go") ;
  box_file(b, "etc/services.d/slow/run", 0755, "#!/bin/sh\necho 'start slow' >> /events\nread x < /gates/go\nexec actor ready 3 'up slow'\n") ;
  box_file(b, "etc/services.d/slow/notification-fd", 0644, "3\n") ;
  simple(b, "other", 0) ;
  in_user(b, "other") ;
  boot(b, _i ? ENV("S6_CMD_WAIT_FOR_SERVICES=1") : NO_ENV) ;
  box_event(b, "start slow") ;
  box_event(b, "up other") ;
  /* an order that has been carried out means that PID 1 has gone as far as it can */
  box_ask(b, "svctl stop other && svctl start -s 1 other") ;
  box_ask(b, _i ? "svctl info | grep 'step  *readiness'" : "svctl info | grep 'step  *running'") ;
  if (!_i) box_event(b, "cmd") ;
  box_open_gate(b, "go") ;
  box_event(b, "up slow") ;
  if (_i) box_event(b, "cmd") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  box_free(b) ;
}
END_TEST

/* A template of the tree, and instances of it that nobody has named before. */
START_TEST(instances_by_order)
{
  box *b = box_new(0) ;
  longrun(b, "w@", "sh -c 'exec actor up \"up $SERVICE_NAME $SERVICE_INSTANCE\"'", 0) ;
  oneshot(b, "p@", "importas -i N SERVICE_INSTANCE redirfd -a 1 /events echo \"prepare ${N}\"", 0, 0) ;
  needs(b, "w@", "p@") ;
  box_file(b, "etc/s6-overlay/user-bundles.d/user/contents.d/w@1", 0644, "") ;
  boot(b, NO_ENV) ;
  box_event(b, "prepare 1") ;
  box_event(b, "up w@1 1") ;
  box_event(b, "cmd") ;
  box_ask(b, "svctl start -s 1 w@two && s6-rc change w@three") ;
  box_event(b, "up w@two two") ;
  box_event(b, "up w@three three") ;
  said_before(b, "prepare two", "up w@two two") ;
  box_ask(b, "svctl stop p@two && test $(s6-svstat -o up /run/service/w@two) = false && test $(s6-svstat -o up /run/service/w@three) = true") ;
  struct box_result r = box_sh(b, "svctl start x@1") ;
  ck_assert_int_eq(exited(r.status), 1) ;
  ck_assert_int_eq(box_stop(b), 0) ;
  ck_assert_uint_eq(box_event_count(b, "up w@ "), 0) ;
  box_free(b) ;
}
END_TEST

/* A rescan reads the definitions anew: what is new starts, what is wrong changes nothing, what is gone
   runs on (without a finish, which is the image's own), and the stop goes by what is needed now. */
START_TEST(a_tree_edited_while_it_runs)
{
  box *b = box_new(0) ;
  ready(b, "db", 0) ;
  simple(b, "app", 0) ;
  simple(b, "gone", 0) ;
  in_user(b, "db") ;
  in_user(b, "app") ;
  in_user(b, "gone") ;
  boot(b, NO_ENV) ;
  box_event(b, "cmd") ;
  box_event(b, "up app") ;
  box_event(b, "up gone") ;
  needs(b, "app", "databse") ;
  box_ask(b, "svctl rescan") ;
  box_expect(b, RC "app/dependencies.d/databse: there is no service databse") ;
  box_expect(b, "the service definitions stay as they were, because of the errors above") ;
  box_ask(b, "rm /" RC "app/dependencies.d/databse") ;
  simple(b, "new", "app") ;
  in_user(b, "new") ;
  needs(b, "app", "db") ;
  box_ask(b, "rm -r /" RC "gone /" RC "user/contents.d/gone; s6-svscanctl -a /run/service") ;
  box_event(b, "up new") ;
  ck_assert_str_eq(box_ask(b, "s6-svstat -o up /run/service/gone"), "true\n") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  said_before(b, "stop new", "stop app") ;
  said_before(b, "stop app", "stop db") ;
  ck_assert_uint_eq(box_event_count(b, "up app"), 1) ;
  box_free(b) ;
}
END_TEST

/* ---- s6-rc for scripts */

static box *small_tree (void)
{
  box *b = box_new(0) ;
  ready(b, "db", 0) ;
  simple(b, "web", "db") ;
  oneshot(b, "job", "redirfd -a 1 /events echo job", "redirfd -a 1 /events echo unjob", "db") ;
  simple(b, "vital", 0) ;
  put(b, "vital", "flag-essential", "") ;
  simple(b, "extra", 0) ;
  oneshot(b, "bad", "false", 0, 0) ;
  simple(b, "victim", "bad") ;
  longrun(b, "deaf", "actor up 'up deaf'", 0) ;
  put(b, "deaf", "notification-fd", "3\n") ;
  put(b, "app", "type", "bundle\n") ;
  put(b, "app", "contents.d/web", "") ;
  put(b, "app", "contents.d/job", "") ;
  put(b, "user", "contents.d/app", "") ;
  in_user(b, "vital") ;
  boot(b, NO_ENV) ;
  box_event(b, "cmd") ;
  box_event(b, "up web") ;
  box_event(b, "up vital") ;
  return b ;
}

/* What a call says, its lines sorted, and its exit code. */
static void answers (box *b, char const *call, int code, char const *said)
{
  char script[256] ;
  snprintf(script, sizeof script, "%s 2>&1 > /tmp/out; code=$?; sort /tmp/out | tr '\\n' ' '; exit $code", call) ;
  struct box_result r = box_sh(b, script) ;
  ck_assert_msg(exited(r.status) == code, "%s: exit code %d: %s", call, exited(r.status), r.output) ;
  ck_assert_msg(strstr(r.output, said), "%s: said %s", call, r.output) ;
}

START_TEST(s6_rc_lists)
{
  static struct { char const *call ; int code ; char const *said ; } const calls[] =
  {
    { "s6-rc -a list", 0, "db fix-attrs job legacy-cont-init legacy-services s6rc-fdholder s6rc-oneshot-runner vital web " },
    { "s6-rc -da list", 0, "bad deaf extra victim " },
    { "s6-rc -a -e list", 0, "db fix-attrs job legacy-cont-init legacy-services s6rc-fdholder s6rc-oneshot-runner web " },
    { "s6-rc list app", 0, "job web " },
    { "s6-rc -l /run/s6-rc -b listall web", 0, "db web " },
    { "s6-rc -d listall db", 0, "db job web " },
    { "s6-rc list databse", 3, "there is no service databse" },
    { "s6-rc list dbb", 3, "did you mean db?" },
    { "s6-rc -n0 change victim", 0, "start bad start victim " },
    { "s6-rc -n0 -d change db", 0, "stop db stop job stop web " },
    { "s6-rc frob", 100, "usage: " },
    { "s6-rc", 100, "usage: " },
    { "s6-rc help", 0, "s6-rc help" }
  } ;
  box *b = small_tree() ;
  for (size_t i = 0 ; i < sizeof calls / sizeof *calls ; i++) answers(b, calls[i].call, calls[i].code, calls[i].said) ;
  ck_assert_int_eq(box_stop(b), 0) ;
  box_free(b) ;
}
END_TEST

START_TEST(s6_rc_changes)
{
  box *b = small_tree() ;
  /* dependants out, and in again with all that they need */
  answers(b, "s6-rc -d change db", 0, "") ;
  box_event(b, "stop db") ;
  said_before(b, "stop web", "stop db") ;
  said_before(b, "unjob", "stop db") ;
  answers(b, "s6-rc -a list", 0, "s6rc-oneshot-runner vital ") ;
  answers(b, "s6-rc -v2 -u change app", 0, "service web started") ;
  ck_assert_uint_eq(box_event_count(b, "job"), 2) ;
  box_event(b, "up web") ;
  answers(b, "s6-rc start app", 0, "") ;
  ck_assert_uint_eq(box_event_count(b, "job"), 2) ;
  /* what fails, is late, or is not there */
  answers(b, "s6-rc change victim", 1, "unable to start service victim: ") ;
  answers(b, "s6-rc -t 1 change deaf", 2, "unable to start service deaf: ") ;
  box_event(b, "up deaf") ;
  answers(b, "s6-rc change deft extra", 3, "there is no service deft") ;
  ck_assert_uint_eq(box_event_count(b, "up extra"), 0) ;
  /* essential services are asked for with -D */
  answers(b, "s6-rc stop vital", 1, "service vital is essential") ;
  ck_assert_uint_eq(box_event_count(b, "stop vital"), 0) ;
  answers(b, "s6-rc -D change vital", 0, "") ;
  ck_assert_uint_eq(box_event_count(b, "stop vital"), 1) ;
  /* exactly these, and all but these */
  answers(b, "s6-rc -d change deaf", 0, "") ;
  answers(b, "s6-rc -pu change extra vital", 0, "") ;
  answers(b, "s6-rc -a list", 0, "extra fix-attrs legacy-cont-init legacy-services s6rc-fdholder s6rc-oneshot-runner vital ") ;
  answers(b, "s6-rc -d change vital", 1, "nothing was changed") ;
  answers(b, "s6-rc -aD change", 0, "") ;
  answers(b, "s6-rc -a list", 0, "fix-attrs legacy-cont-init legacy-services s6rc-fdholder s6rc-oneshot-runner ") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  box_free(b) ;
}
END_TEST

/* An image of services.d alone: PID 1's steps are up, and there is nothing to change. */
START_TEST(s6_rc_without_a_tree)
{
  box *b = box_new(0) ;
  box_file(b, "etc/services.d/a/run", 0755, "#!/bin/sh\nexec actor up 'up a'\n") ;
  boot(b, NO_ENV) ;
  box_event(b, "cmd") ;
  box_event(b, "up a") ;
  answers(b, "s6-rc -a list", 0, "fix-attrs legacy-cont-init legacy-services s6rc-fdholder s6rc-oneshot-runner ") ;
  answers(b, "s6-rc -d change a", 1, "svctl start and svctl stop are for its services") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  box_free(b) ;
}
END_TEST

/* While the boot still waits for others, changes are made and told of all the same. */
START_TEST(s6_rc_in_mid_boot)
{
  box *b = box_new(0) ;
  box_gate(b, "go") ;
  oneshot(b, "slow", "redirfd -r 0 /gates/go head -n 1", 0, 0) ;
  simple(b, "extra", 0) ;
  in_user(b, "slow") ;
  simple(b, "first", 0) ;
  in_user(b, "first") ;
  boot(b, NO_ENV) ;
  box_event(b, "up first") ;
  answers(b, "s6-rc change extra", 0, "") ;
  box_event(b, "up extra") ;
  answers(b, "s6-rc -d change extra", 0, "") ;
  box_event(b, "stop extra") ;
  answers(b, "svctl start -s 1 extra", 0, "extra: up, pid ") ;
  answers(b, "svctl stop extra", 0, "extra: stopped after ") ;
  ck_assert_uint_eq(box_event_count(b, "cmd"), 0) ;
  box_open_gate(b, "go") ;
  box_event(b, "cmd") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  box_free(b) ;
}
END_TEST

int main (void)
{
  TCase *tc[] = { box_case("ends"), box_case("times"), box_case("failures"), box_case("rules"), box_case("s6-rc") } ;
  tcase_add_test(tc[0], halt_in_mid_boot) ;
  tcase_add_test(tc[0], halt_and_125) ;
  tcase_add_loop_test(tc[0], halt_from_a_oneshot, 0, 2) ;
  tcase_add_test(tc[0], all_errors_at_once) ;
  tcase_add_test(tc[0], lines_reach_the_log) ;
  tcase_add_test(tc[1], timeout_up_of_a_oneshot) ;
  tcase_add_test(tc[1], timeout_up_of_a_longrun) ;
  tcase_add_test(tc[1], timeout_down) ;
  tcase_add_test(tc[1], a_database_gets_its_time) ;
  tcase_add_loop_test(tc[2], a_failed_oneshot, 0, 3) ;
  tcase_add_test(tc[2], a_oneshot_without_its_program) ;
  tcase_add_test(tc[2], broken_by_cont_init) ;
  tcase_add_loop_test(tc[2], the_whole_start_has_a_limit, 0, 2) ;
  tcase_add_test(tc[2], the_limit_begins_before_cont_init) ;
  tcase_add_test(tc[3], in_parallel) ;
  tcase_add_loop_test(tc[3], what_a_oneshot_gets, 0, 2) ;
  tcase_add_test(tc[3], odds_and_ends) ;
  tcase_add_test(tc[3], a_down_file_counts_as_reached) ;
  tcase_add_test(tc[3], once_is_not_ready) ;
  tcase_add_test(tc[3], a_pipeline_of_three) ;
  tcase_add_test(tc[3], user_waits_for_cont_init) ;
  tcase_add_loop_test(tc[3], each_failure_may_stop_the_container, 0, 4) ;
  tcase_add_test(tc[3], services_d_alone) ;
  tcase_add_loop_test(tc[3], the_cmd_waits_for_services_d, 0, 2) ;
  tcase_add_test(tc[3], instances_by_order) ;
  tcase_add_test(tc[3], a_tree_edited_while_it_runs) ;
  tcase_add_test(tc[4], s6_rc_lists) ;
  tcase_add_test(tc[4], s6_rc_changes) ;
  tcase_add_test(tc[4], s6_rc_without_a_tree) ;
  tcase_add_test(tc[4], s6_rc_in_mid_boot) ;
  return box_main("rc", tc, sizeof tc / sizeof tc[0]) ;
}
