/* ISC license. */

/* What the tarball lays over a root besides the programs: the conventions of docker-base. */

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

static struct box_how const plain ;

/* Both shells that an image may have: busybox's sh alone, or bash too. */
static box *box_with_shell (char const *tree, int bash)
{
  box *b = box_new(tree) ;
  if (bash) box_program(b, "bash") ;
  return b ;
}

START_TEST(run_sh)
{
  struct box_how how = { .init = "/run.sh" } ;
  box *b = box_new("order") ;
  box_boot(b, &how, "sh", "-c", "exit 4", (char *)0) ;
  ck_assert_int_eq(box_exit_code(b), 4) ;
  ck_assert_uint_eq(box_event_count(b, "run.d 10-first"), 1) ;
  box_free(b) ;
}
END_TEST

/* docker-base's own CMD. */
START_TEST(bash_run_sh)
{
  struct box_how how = { .init = "/usr/bin/bash" } ;
  box *b = box_with_shell("order", 1) ;
  box_boot(b, &how, "/run.sh", (char *)0) ;
  box_event(b, "one up") ;
  box_event(b, "two up") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  ck_assert_uint_eq(box_event_count(b, "run.d 20-second"), 1) ;
  box_free(b) ;
}
END_TEST

/* Where there is a bash, run.d gets it. */
START_TEST(run_d_gets_bash)
{
  box *b = box_with_shell(0, _i) ;
  box_file(b, "run.d/10.sh", 0644, "echo \"shell ${BASH_VERSION:+bash}\" > /events\nx=1\n[ $x = 0 ]\necho on > /events\n") ;
  box_boot(b, &plain, "true", (char *)0) ;
  ck_assert_int_eq(box_exit_code(b), 1) ;
  ck_assert_uint_eq(box_event_count(b, _i ? "shell bash" : "shell "), 1) ;
  ck_assert_uint_eq(box_event_count(b, "on"), 0) ;
  box_free(b) ;
}
END_TEST

/* An entry point of an image that calls /init.sh itself: run.d runs once, in every life. */
START_TEST(init_sh_then_init)
{
  struct box_how how = { .init = "/entry" } ;
  box *b = box_with_shell("order", _i) ;
  box_file(b, "entry", 0755, "#!/bin/sh\n/init.sh || exit\necho between > /events\nexec /init sh -c 'exit 4'\n") ;
  for (int life = 0 ; life < 2 ; life++)
  {
    box_boot(b, &how, (char *)0) ;
    ck_assert_int_eq(box_exit_code(b), 4) ;
    ck_assert_uint_eq(box_event_count(b, "run.d 10-first"), 1) ;
    ck_assert_uint_eq(box_event_count(b, "run.d 20-second"), 1) ;
  }
  /* and the mark of a former life does not count */
  box_boot(b, &plain, "sh", "-c", "exit 5", (char *)0) ;
  ck_assert_int_eq(box_exit_code(b), 5) ;
  ck_assert_uint_eq(box_event_count(b, "run.d 10-first"), 1) ;
  box_free(b) ;
}
END_TEST

START_TEST(init_sh_fails)
{
  struct box_how how = { .init = "/init.sh" } ;
  static struct { char const *script ; int code ; char const *says ; } const ends[] =
  {
    { "exit 17\n", 17, "[init] failed executing - /run.d/15.sh" },
    { "false\necho on > /events\n", 1, "[init] failed executing - /run.d/15.sh" },
    { "exit 99\n", 99, "[init] exit signalled - /run.d/15.sh" }
  } ;
  for (int bash = 0 ; bash < 2 ; bash++)
  {
    box *b = box_with_shell("order", bash) ;
    box_file(b, "run.d/15.sh", 0644, ends[_i].script) ;
    box_boot(b, &how, (char *)0) ;
    ck_assert_int_eq(box_exit_code(b), ends[_i].code) ;
    ck_assert_msg(box_says(b, ends[_i].says), "%s", box_output(b)) ;
    ck_assert_uint_eq(box_event_count(b, "run.d 10-first"), 1) ;
    ck_assert_uint_eq(box_event_count(b, "run.d 20-second"), 0) ;
    ck_assert_uint_eq(box_event_count(b, "on"), 0) ;
    box_free(b) ;
  }
}
END_TEST

/* worker.sh 3: three copies with their words as they are, beside the image's services, with the
   container's environment and CONTAINER_ROLE. */
START_TEST(three_workers)
{
  static char const *const env[] = { "GREETING=hello", 0 } ;
  struct box_how how = { .init = "/worker.sh", .env = env } ;
  box *b = box_with_shell("worker", _i) ;
  box_boot(b, &how, "3", "/bin/work", "two words", "it's", "$HOME", "", (char *)0) ;
  for (int i = 1 ; i <= 3 ; i++)
  {
    char text[96] ;
    sprintf(text, "worker@%d worker hello root 4 <two words> <it's> <$HOME> <>", i) ;
    box_event(b, text) ;
  }
  box_event(b, "one up worker") ;
  box_event(b, "run.d worker") ;
  /* supervised: one that dies comes back; it has a second name */
  box_ask(b, "s6-svc -k /run/service/worker-2") ;
  box_event(b, "worker@2 worker hello root 4 <two words> <it's> <$HOME> <>") ;
  ck_assert_ptr_nonnull(strstr(box_ask(b, "svctl status worker-2"), "worker@2")) ;
  /* they are instances of a template: there may be more of them at any time */
  box_ask(b, "svctl start worker@extra && s6-svstat /run/service/worker@extra") ;
  box_event(b, "worker@extra worker hello root 4 <two words> <it's> <$HOME> <>") ;
  box_ask(b, "tr '\\0' '\\n' < /proc/$(s6-svstat -o pid /run/service/worker-3)/environ | grep -x SERVICE_INSTANCE=3") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  ck_assert_uint_eq(box_event_count(b, "worker@1 worker hello root 4 <two words> <it's> <$HOME> <>"), 1) ;
  ck_assert_uint_eq(box_event_count(b, "worker@ worker hello root 4 <two words> <it's> <$HOME> <>"), 0) ;
  /* fewer in the next life: none is left over */
  box_boot(b, &how, "2", "/bin/work", (char *)0) ;
  box_event(b, "worker@1 worker hello root 0 ") ;
  box_event(b, "worker@2 worker hello root 0 ") ;
  ck_assert_int_eq(box_exists(b, "etc/services.d/worker-3"), 0) ;
  ck_assert_int_eq(box_exists(b, "run/service/worker@3"), 0) ;
  ck_assert_int_eq(box_stop(b), 0) ;
  box_free(b) ;
}
END_TEST

START_TEST(workers_by_one_string)
{
  struct box_how how = { .init = "/worker.sh" } ;
  box *b = box_new("worker") ;
  box_boot(b, &how, "1", "/bin/work a 'b c' d", (char *)0) ;
  box_event(b, "worker@1 worker  root 3 <a> <b c> <d>") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  box_free(b) ;
}
END_TEST

START_TEST(workers_of_another_user)
{
  static char const *const env[] = { "NOT_ROOT_USER=app", 0 } ;
  struct box_how how = { .init = "/worker.sh", .env = env } ;
  box *b = box_new("worker") ;
  box_boot(b, &how, "2", "/bin/work", "x", (char *)0) ;
  box_event(b, "worker@1 worker  app 1 <x>") ;
  box_event(b, "worker@2 worker  app 1 <x>") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  box_free(b) ;
}
END_TEST

START_TEST(worker_usage)
{
  static struct { char const *n ; char const *prog ; int code ; } const bad[] =
    { { "three", "/bin/work", 100 }, { "0", "/bin/work", 100 }, { "-1", "/bin/work", 100 }, { "3", 0, 1 }, { 0, 0, 100 } } ;
  struct box_how how = { .init = "/worker.sh" } ;
  box *b = box_new("worker") ;
  for (size_t i = 0 ; i < sizeof bad / sizeof *bad ; i++)
  {
    box_boot(b, &how, bad[i].n, bad[i].prog, (char *)0) ;
    ck_assert_int_eq(box_exit_code(b), bad[i].code) ;
    ck_assert_uint_eq(box_event_count(b, "one up worker"), 0) ;
  }
  box_free(b) ;
}
END_TEST

START_TEST(worker_start_fails)
{
  struct box_how how = { .init = "/worker.sh" } ;
  box *b = box_new("worker") ;
  box_file(b, "run.d/20.sh", 0644, "exit 99\n") ;
  box_boot(b, &how, "1", "/bin/work", (char *)0) ;
  ck_assert_int_eq(box_exit_code(b), 0) ;
  box_file(b, "run.d/20.sh", 0644, "exit 19\n") ;
  box_boot(b, &how, "1", "/bin/work", (char *)0) ;
  ck_assert_int_eq(box_exit_code(b), 19) ;
  box_free(b) ;
}
END_TEST

/* A stop in the middle of run.d, while PID 1 is still the shell of worker.sh. */
START_TEST(worker_stopped_in_run_d)
{
  struct box_how how = { .init = "/worker.sh" } ;
  box *b = box_with_shell("worker", _i) ;
  box_gate(b, "never") ;
  box_file(b, "run.d/20.sh", 0644, "echo waiting > /events\nread x < /gates/never\n") ;
  box_boot(b, &how, "1", "/bin/work", (char *)0) ;
  box_event(b, "waiting") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  ck_assert_uint_eq(box_event_count(b, "one up worker"), 0) ;
  box_free(b) ;
}
END_TEST

#define BIG 100000

START_TEST(with_bigcontenv)
{
  static char big[BIG + 8] = "BIG=" ;
  memset(big + 4, 'x', BIG) ;
  char const *const env[] = { big, "UID=12", "LINES3=a\nb\n\nc\n", "with-dash=1", "9LIVES=1", 0 } ;
  struct box_how how = { .env = env } ;
  box *b = box_with_shell(0, 1) ;
  box_file(b, "etc/cont-init.d/10", 0755,
    "#!/usr/bin/bash -eu\nsource /scripts/with-bigcontenv\n"
    "echo \"big ${#BIG} uid $UID\" > /events\n"
    "echo \"lines $(printf %s \"$LINES3\" | md5sum)\" > /events\n"
    "env | grep -c -e with-dash -e 9LIVES > /events || echo none > /events\n"
    "export -p | grep -c contenv > /events || echo clean > /events\n") ;
  box_boot(b, &how, "true", (char *)0) ;
  ck_assert_int_eq(box_exit_code(b), 0) ;
  box_event(b, "big 100000 uid 0") ;
  box_event(b, "lines 050bced4601ffa1df5bd37bf9d358ec7  -") ;
  box_event(b, "none") ;
  box_event(b, "clean") ;
  box_free(b) ;
}
END_TEST

/* archstring is found by its name, under busybox's sh. */
START_TEST(archstring)
{
  struct box_how how = { .init = "/bin/sh" } ;
  box *b = box_new(0) ;
  box_boot(b, &how, "-c", "echo \"is $(archstring --x64 example --arm64 example)\"; archstring -i x", (char *)0) ;
  ck_assert_int_eq(box_exit_code(b), 1) ;
  box_expect(b, "is example") ;
  box_expect(b, "--arm64") ;
  box_free(b) ;
}
END_TEST

/* The links at the root choose by what the image has; here programs that only say their name. */
static void fake (box *b, char const *name)
{
  char path[64], script[128] ;
  sprintf(path, "usr/bin/%s", name) ;
  sprintf(script, "#!/bin/sh\necho %s \"$@\" > /events\n", name) ;
  box_file(b, path, 0755, script) ;
}

START_TEST(clean)
{
  static char const *const managers[] = { "apt-get", "apk", "dnf", "microdnf", "yum", 0 } ;
  static char const *const said[] = { "apt-get clean", 0, "dnf clean all", "microdnf clean all", "yum clean all", 0 } ;
  struct box_how how = { .init = "/bin/sh" } ;
  box *b = box_new(0) ;
  if (managers[_i]) fake(b, managers[_i]) ;
  box_file(b, "tmp/x", 0644, "") ;
  box_file(b, "var/tmp/x", 0644, "") ;
  box_file(b, "var/lib/apt/lists/x", 0644, "") ;
  box_file(b, "var/cache/apk/x", 0644, "") ;
  box_boot(b, &how, "-e", "/clean.sh", (char *)0) ;
  ck_assert_int_eq(box_exit_code(b), 0) ;
  if (said[_i]) ck_assert_uint_eq(box_event_count(b, said[_i]), 1) ;
  else ck_assert_str_eq(box_events(b), "") ;
  ck_assert_int_eq(box_exists(b, "tmp/x"), 0) ;
  ck_assert_int_eq(box_exists(b, "var/tmp/x"), 0) ;
  ck_assert_int_eq(box_exists(b, "var/lib/apt/lists/x"), _i != 0) ;
  ck_assert_int_eq(box_exists(b, "var/cache/apk/x"), _i != 1) ;
  box_free(b) ;
}
END_TEST

START_TEST(security_updates)
{
  static char const *const managers[] = { "dnf", "microdnf", "yum", "apk" } ;
  static char const *const said[] = { "dnf -y upgrade --security", "microdnf -y upgrade --security", "yum -y update --security", "apk upgrade" } ;
  struct box_how how = { .init = "/bin/sh" } ;
  box *b = box_new(0) ;
  fake(b, managers[_i]) ;
  box_boot(b, &how, "-e", "/security_updates.sh", (char *)0) ;
  ck_assert_int_eq(box_exit_code(b), 0) ;
  ck_assert_uint_eq(box_event_count(b, said[_i]), 1) ;
  box_free(b) ;
}
END_TEST

/* With apt: the security archives of either format of its sources, and no other. */
START_TEST(security_updates_apt)
{
  struct box_how how = { .init = "/bin/sh" } ;
  box *b = box_new(0) ;
  box_file(b, "usr/bin/apt-get", 0755,
    "#!/bin/sh\nfor a; do case $a in\n"
    "  Dir::Etc::sourcelist=*) cat \"${a#*=}\" > /list ;;\n"
    "  Dir::Etc::sourceparts=*) cat \"${a#*=}\"/* > /parts ;;\nesac; done\necho \"apt-get $*\" > /events\n") ;
  box_file(b, "etc/apt/sources.list", 0644, "deb http://archive.example/debian stable main\ndeb http://security.example/debian-security stable-security main\n") ;
  box_file(b, "etc/apt/sources.list.d/x.sources", 0644,
    "Types: deb\nURIs: http://archive.example/\nSuites: stable\n\nTypes: deb\nURIs: http://archive.example/\nSuites: stable-security\n") ;
  box_boot(b, &how, "-e", "/security_updates.sh", (char *)0) ;
  ck_assert_int_eq(box_exit_code(b), 0) ;
  box_event(b, "apt-get update") ;
  ck_assert_ptr_nonnull(strstr(box_event_after(b, "apt-get "), "upgrade")) ;
  ck_assert_str_eq(box_read(b, "list"), "deb http://security.example/debian-security stable-security main\n") ;
  ck_assert_int_eq(strncmp(box_read(b, "parts"), "Types: deb\nURIs: http://archive.example/\nSuites: stable-security\n\n", 66), 0) ;
  box_free(b) ;
}
END_TEST

START_TEST(no_package_manager)
{
  struct box_how how = { .init = "/bin/sh" } ;
  box *b = box_new(0) ;
  box_boot(b, &how, "-e", "/security_updates.sh", (char *)0) ;
  ck_assert_int_eq(box_exit_code(b), 1) ;
  box_expect(b, "security_updates: fatal: ") ;
  box_free(b) ;
}
END_TEST

/* Paths that scripts for s6-overlay spell out. */
START_TEST(paths_of_s6_overlay)
{
  static char const *const paths[] =
  {
    "/init", "/command/s6-svc", "/package/admin/s6/command/s6-svc", "/package/admin/execline/command/execlineb",
    "/package/admin/s6-rc/command/s6-rc", "/package/admin/s6-rc/command/s6-rc-db", "/package/admin/s6-overlay/command/with-contenv",
    "/usr/bin/with-contenv", "/usr/bin/execlineb", "/usr/bin/s6-svc", "/usr/bin/svctl",
    "/etc/s6-overlay/s6-rc.d/user/contents.d", "/etc/s6-overlay/user-bundles.d/user/contents.d",
    "/etc/services.d", "/etc/services-available", "/etc/cont-init.d", "/etc/cont-finish.d", "/etc/fix-attrs.d", "/run.d"
  } ;
  struct box_how how = { .init = "/bin/sh" } ;
  box *b = box_new(0) ;
  box_gate(b, "never") ;
  box_boot(b, &how, "-c", "read x < /gates/never", (char *)0) ;
  for (size_t i = 0 ; i < sizeof paths / sizeof *paths ; i++)
    ck_assert_msg(!box_exec(b, "test", "-e", paths[i], (char *)0).status, "%s is not there", paths[i]) ;
  box_signal(b, SIGKILL) ;
  box_wait(b) ;
  box_free(b) ;
}
END_TEST

static TCase *starts (void)
{
  TCase *tc = box_case("starts") ;
  tcase_add_test(tc, run_sh) ;
  tcase_add_test(tc, bash_run_sh) ;
  tcase_add_loop_test(tc, run_d_gets_bash, 0, 2) ;
  tcase_add_loop_test(tc, init_sh_then_init, 0, 2) ;
  tcase_add_loop_test(tc, init_sh_fails, 0, 3) ;
  tcase_add_loop_test(tc, three_workers, 0, 2) ;
  tcase_add_test(tc, workers_by_one_string) ;
  if (!getuid()) tcase_add_test(tc, workers_of_another_user) ; /* a user namespace of one has nobody else */
  tcase_add_test(tc, worker_usage) ;
  tcase_add_test(tc, worker_start_fails) ;
  tcase_add_loop_test(tc, worker_stopped_in_run_d, 0, 2) ;
  return tc ;
}

static TCase *helpers (void)
{
  TCase *tc = box_case("helpers") ;
  tcase_add_test(tc, with_bigcontenv) ;
  tcase_add_test(tc, archstring) ;
  tcase_add_loop_test(tc, clean, 0, 6) ;
  tcase_add_loop_test(tc, security_updates, 0, 4) ;
  tcase_add_test(tc, security_updates_apt) ;
  tcase_add_test(tc, no_package_manager) ;
  tcase_add_test(tc, paths_of_s6_overlay) ;
  return tc ;
}

int main (void)
{
  TCase *const cases[] = { starts(), helpers() } ;
  return box_main("skel", cases, sizeof cases / sizeof *cases) ;
}
