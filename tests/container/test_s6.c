/* ISC license. */

/* What images that were made for s6-overlay call and set: paths, variables, permissions. */

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

static struct box_how const plain ;

#define UP(name) "#!/bin/sh\nexec actor up '" name " up'\n"
#define LOGDIR "var/log/s6-uncaught-logs"

static void longrun (box *b)
{
  box_file(b, "etc/s6-overlay/s6-rc.d/l/type", 0644, "longrun\n") ;
  box_file(b, "etc/s6-overlay/s6-rc.d/l/run", 0755, UP("l")) ;
  box_file(b, "etc/s6-overlay/user-bundles.d/user/contents.d/l", 0644, "") ;
}

static box *with_service (void)
{
  box *b = box_new(0) ;
  box_file(b, "etc/services.d/a/run", 0755, UP("a")) ;
  return b ;
}

static void end (box *b)
{
  ck_assert_int_eq(box_stop(b), 0) ;
  box_free(b) ;
}

/* ---------------------------------------------------------------- paths */

/* Every path to a service, by every path to the clients. */
START_TEST(clients_by_all_paths)
{
  static char const *const clients[] = { "/package/admin/s6/command", "/command", "/usr/bin" } ;
  static char const *const a[] =
    { "/run/service/a", "/run/s6/legacy-services/a", "/var/run/s6/services/a", "/var/run/service/a", "/run/s6/services/a" } ;
  static char const *const l[] = { "/run/service/l", "/run/s6-rc/servicedirs/l", "/var/run/s6-rc/servicedirs/l" } ;
  char script[512] ;
  char const *dir = clients[_i] ;
  box *b = with_service() ;
  longrun(b) ;
  box_boot(b, &plain, (char *)0) ;
  for (size_t i = 0 ; i < sizeof a / sizeof *a + sizeof l / sizeof *l ; i++)
  {
    int is_a = i < sizeof a / sizeof *a ;
    char const *path = is_a ? a[i] : l[i - sizeof a / sizeof *a] ;
    box_event(b, is_a ? "a up" : "l up") ;
    snprintf(script, sizeof script, "%s/s6-svstat -o up,wantedup %s && %s/s6-svok %s && %s/s6-svc -r %s", dir, path, dir, path, dir, path) ;
    ck_assert_str_eq(box_ask(b, script), "true true\n") ;
  }
  box_event(b, "a up") ;
  box_event(b, "l up") ;
  end(b) ;
}
END_TEST

START_TEST(programs_of_packages)
{
  box *b = with_service() ;
  longrun(b) ;
  box_boot(b, &plain, (char *)0) ;
  box_event(b, "a up") ;
  box_event(b, "l up") ;
  ck_assert_str_eq(box_ask(b, "PATH=/command:$PATH /package/admin/execline/command/execlineb -Pc 'define x y /package/admin/execline/command/foreground { echo $x } echo z'"), "y\nz\n") ;
  ck_assert_ptr_nonnull(strstr(box_ask(b, "/package/admin/s6-rc/command/s6-rc -a list"), "l\n")) ;
  ck_assert_str_eq(box_ask(b, "for f in /package/admin/*/command/*; do test -x $f || echo $f; done"), "") ;
  end(b) ;
}
END_TEST

/* Dockerfiles look at it with file, chmod it, and set it as entry point. */
START_TEST(suexec)
{
  static struct box_how const how = { .init = "/command/s6-overlay-suexec" } ;
  box *b = with_service() ;
  box_file(b, "etc/cont-init.d/1", 0755, "#!/bin/sh\nfind / -xdev -perm /6000 -type f\nls -L /package/admin/s6-overlay-helpers/command/s6-overlay-suexec\n") ;
  box_boot(b, &how, " /package/admin/s6-overlay/libexec/preinit", "", "/init", "sh", "-c", "s6-svwait /run/service/a; exit 9", (char *)0) ;
  ck_assert_int_eq(box_exit_code(b), 9) ;
  ck_assert(box_says(b, "/package/admin/s6-overlay-helpers/command/s6-overlay-suexec")) ;
  ck_assert(!box_says(b, "/command/keelson\n")) ;
  box_free(b) ;
}
END_TEST

/* A Dockerfile has given it the setuid bit: that makes nobody root. */
START_TEST(suexec_made_setuid)
{
  static struct box_how const build = { .init = "/bin/sh" }, how = { .uid = 1000, .gid = 1000, .init = "/command/s6-overlay-suexec" } ;
  box *b = box_new(0) ;
  box_file(b, "etc/services.d/a/run", 0755, "#!/bin/sh\nid\necho \"a is $(id -u)\" > /events\nexec actor ready 5 'a up'\n") ;
  box_file(b, "etc/services.d/a/notification-fd", 0644, "5\n") ;
  box_boot(b, &build, "-c", "chmod 6755 /command/s6-overlay-suexec && ls -lL /command/s6-overlay-suexec", (char *)0) ;
  ck_assert_int_eq(box_exit_code(b), 0) ;
  ck_assert(box_says(b, "-rwsr-sr-x")) ;
  box_boot(b, &how, "", "/init", "sh", "-c", "echo \"cmd is $(id -u) $(id -g)\" > /events; s6-svwait -U /run/service/a || s6-svwait -U $S6_RUNDIR/service/a; s6-setuidgid root id > /events; exit 9", (char *)0) ;
  box_event(b, "cmd is 1000 1000") ;
  box_event(b, "a is 1000") ;
  ck_assert_int_eq(box_exit_code(b), 9) ;
  ck_assert(!strstr(box_events(b), "uid=0")) ;
  box_free(b) ;
}
END_TEST

/* ---------------------------------------------------------------- permissions */

static char const *modes (box *b)
{
  static char text[1024] ;
  snprintf(text, sizeof text, "%s%s",
    box_ask(b, "cd /run/service/a/ && stat -c '%A %g %n' supervise/. supervise/control supervise/status event/."),
    box_ask(b, "s6-svperms -v /run/service/a")) ;
  return text ;
}

static void restarts (box *b)
{
  box_ask(b, "s6-svc -wr -r /run/service/a") ;
  box_event(b, "a up") ;
}

static void keeps (box *b, char const *wanted, char const *after)
{
  char const *now = modes(b) ;
  ck_assert_msg(!strcmp(now, wanted), "after %s:\n%snot:\n%s", after, now, wanted) ;
}

START_TEST(svperms_last)
{
  box *b = with_service() ;
  char wanted[1024] ;
  box_boot(b, &plain, (char *)0) ;
  box_event(b, "a up") ;
  strcpy(wanted, modes(b)) ;
  box_ask(b, "s6-svperms -g :7 -G :7 -O :7 -E :7 /run/service/a") ;
  ck_assert_str_ne(modes(b), wanted) ;
  strcpy(wanted, modes(b)) ;
  restarts(b) ;
  keeps(b, wanted, "a restart") ;
  box_ask(b, "s6-svc -wD -d /run/service/a && s6-svc -wu -u /run/service/a") ;
  box_event(b, "a up") ;
  keeps(b, wanted, "down and up") ;
  box_ask(b, "s6-svscanctl -a /run/service && s6-svscanctl -h /run/service") ;
  restarts(b) ;
  keeps(b, wanted, "rescans") ;
  box_ask(b, "svctl reexec") ;
  restarts(b) ;
  keeps(b, wanted, "a re-exec") ;
  box_ask(b, "kill -SEGV 1") ;
  box_expect(b, "fault 1 in PID 1") ;
  restarts(b) ;
  keeps(b, wanted, "a fault") ;
  /* and they are worth something: a member of the group may */
  box_ask(b, "s6-applyuidgid -u 1000 -g 7 s6-svc -r /run/service/a") ;
  box_event(b, "a up") ;
  end(b) ;
}
END_TEST

/* ---------------------------------------------------------------- variables */

START_TEST(logging_0)
{
  static char const *const env[] = { "S6_LOGGING=0", 0 } ;
  struct box_how how = { .env = env } ;
  box *b = with_service() ;
  box_file(b, "etc/services.d/a/run", 0755, "#!/bin/sh\necho a speaks\nexec actor up 'a up'\n") ;
  box_boot(b, &how, (char *)0) ;
  box_event(b, "a up") ;
  box_expect(b, "a speaks") ;
  ck_assert(!box_exists(b, LOGDIR)) ;
  end(b) ;
}
END_TEST

/* Whose the log is, and who writes it. */
START_TEST(catchall_user)
{
  static char const *const env[] = { "S6_LOGGING=1", "S6_CATCHALL_USER=nobody", 0 } ;
  struct box_how how = { .env = env } ;
  box *b = with_service() ;
  box_file(b, "etc/services.d/a/run", 0755, "#!/bin/sh\necho a speaks\nexec actor up 'a up'\n") ;
  box_boot(b, &how, (char *)0) ;
  box_event(b, "a up") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  ck_assert_ptr_nonnull(strstr(box_read(b, LOGDIR "/current"), "a speaks")) ;
  /* who made the file wrote it */
  box_boot(b, &how, (char *)0) ;
  box_event(b, "a up") ;
  ck_assert_str_eq(box_ask(b, "stat -c %U /" LOGDIR " /" LOGDIR "/current"), "nobody\nnobody\n") ;
  end(b) ;
}
END_TEST

/* Nobody else can be become: said once, and the log is written all the same. */
START_TEST(catchall_without_privilege)
{
  static char const *const env[] = { "S6_LOGGING=1", "S6_CATCHALL_USER=nobody", 0 } ;
  struct box_how how = { .env = env, .init = "/usr/bin/setpriv" } ;
  box *b = with_service() ;
  box_program(b, "setpriv") ;
  box_file(b, "etc/services.d/a/run", 0755, "#!/bin/sh\necho a speaks\nexec actor up 'a up'\n") ;
  box_boot(b, &how, "--bounding-set", "-setuid,-setgid", "/init", (char *)0) ;
  box_event(b, "a up") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  ck_assert(box_says(b, "the catch-all logger runs as uid 0: this container has not the privilege to become nobody")) ;
  ck_assert_ptr_nonnull(strstr(box_read(b, LOGDIR "/current"), "a speaks")) ;
  box_free(b) ;
}
END_TEST

/* There is no log where none can be written: nobody waits for a reader who never comes. */
START_TEST(logging_unwritable)
{
  static char const *const env[] = { "S6_LOGGING=2", 0 } ;
  struct box_how how = { .env = env, .flags = BOX_READ_ONLY | BOX_TMPFS_RUN } ;
  box *b = with_service() ;
  box_file(b, "etc/services.d/a/run", 0755, "#!/bin/sh\necho a speaks\nexec actor up 'a up'\n") ;
  box_boot(b, &how, (char *)0) ;
  box_event(b, "a up") ;
  box_expect(b, "a speaks") ;
  ck_assert(box_says(b, "output goes to the container as with S6_LOGGING=0: Read-only file system")) ;
  end(b) ;
}
END_TEST

/* With S6_LOGGING=2 the CMD's words go to the log, but for S6_CMD_USE_TERMINAL. */
START_TEST(cmd_use_terminal)
{
  static char const *const envs[2][3] =
    { { "S6_LOGGING=2", "S6_CMD_USE_TERMINAL=0", 0 }, { "S6_LOGGING=2", "S6_CMD_USE_TERMINAL=1", 0 } } ;
  struct box_how how = { .env = envs[_i], .flags = BOX_TERMINAL } ;
  box *b = with_service() ;
  box_boot(b, &how, "sh", "-c", "test -t 1 && echo 'a terminal' > /events; echo the CMD speaks; exit 3", (char *)0) ;
  ck_assert_int_eq(box_exit_code(b), 3) ;
  ck_assert_int_eq(box_says(b, "the CMD speaks"), _i) ;
  ck_assert_int_eq(strstr(box_read(b, LOGDIR "/current"), "the CMD speaks") == 0, _i) ;
  ck_assert_uint_eq(box_event_count(b, "a terminal"), (unsigned int)_i) ;
  box_free(b) ;
}
END_TEST

/* Half an hour of s6-overlay's sleep. */
START_TEST(readytime_is_not_slept)
{
  static char const *const env[] = { "S6_SERVICES_READYTIME=1800000", 0 } ;
  struct box_how how = { .env = env } ;
  box *b = with_service() ;
  box_boot(b, &how, "sh", "-c", "exit 6", (char *)0) ;
  ck_assert_int_eq(box_exit_code(b), 6) ;
  ck_assert(!strstr(box_output(b), "READYTIME")) ;
  box_free(b) ;
}
END_TEST

/* Nothing begins before whoever holds the other end of the descriptor has closed it. */
START_TEST(wait_for_closing_fd)
{
  static struct box_how const how = { .init = "/bin/sh" } ;
  box *b = box_new(0) ;
  box_gate(b, "go") ;
  box_file(b, "etc/cont-init.d/1", 0755, "#!/bin/sh\necho cont-init > /events\n") ;
  box_file(b, "etc/services.d/a/run", 0755, UP("a")) ;
  box_boot(b, &how, "-c",
    "mkfifo /held; { echo held > /events; read x < /gates/go; echo released > /events; } > /held & "
    "exec 5< /held; export S6_WAIT_FOR_CLOSING_FD=5; exec /init", (char *)0) ;
  box_event(b, "held") ;
  box_open_gate(b, "go") ;
  box_event(b, "cont-init") ;
  box_event(b, "a up") ;
  ck_assert(strstr(box_events(b), "released") < strstr(box_events(b), "cont-init")) ;
  ck_assert_ptr_nonnull(strstr(box_events(b), "released")) ;
  end(b) ;
}
END_TEST

/* strace on PID 1 sees the sync, and only where it is asked for. Its first line is "attached". */
static pid_t trace (box *b, char const *file)
{
  char pid[16], line[256] ;
  FILE *f ;
  int p[2] ;
  pid_t child ;
  snprintf(pid, sizeof pid, "%d", (int)box_pid(b)) ;
  ck_assert_int_eq(pipe(p), 0) ;
  child = fork() ;
  ck_assert_int_ge(child, 0) ;
  if (!child)
  {
    dup2(p[1], 2) ;
    close(p[0]) ;
    close(p[1]) ;
    execlp("strace", "strace", "-o", file, "-e", "trace=sync", "-p", pid, (char *)0) ;
    _exit(127) ;
  }
  close(p[1]) ;
  f = fdopen(p[0], "r") ;
  ck_assert_ptr_nonnull(f) ;
  ck_assert_ptr_nonnull(fgets(line, sizeof line, f)) ;
  ck_assert_msg(strstr(line, "attached") != 0, "strace says %s", line) ;
  return child ;
}

START_TEST(sync_disks)
{
  static char const *const env[2][2] = { { "S6_SYNC_DISKS=0", 0 }, { "S6_SYNC_DISKS=1", 0 } } ;
  struct box_how how = { .env = env[_i] } ;
  char file[] = "/tmp/keelson-sync.XXXXXX", text[4096] ;
  int fd = mkstemp(file), status ;
  ssize_t n ;
  box *b = with_service() ;
  box_file(b, "etc/services.d/a/run", 0755, "#!/bin/sh\nactor deaf &\nexec actor up 'a up'\n") ;
  box_boot(b, &how, (char *)0) ;
  box_event(b, "a up") ;
  box_event_after(b, "deaf ") ;
  pid_t tracer = trace(b, file) ;
  box_signal(b, SIGTERM) ;
  ck_assert_int_eq(box_exit_code(b), 0) ;
  ck_assert_int_eq(waitpid(tracer, &status, 0), tracer) ;
  n = read(fd, text, sizeof text - 1) ;
  ck_assert_int_ge(n, 0) ;
  text[n] = 0 ;
  unlink(file) ;
  ck_assert_msg((strstr(text, "sync()") != 0) == _i, "strace saw:\n%s", text) ;
  close(fd) ;
  box_free(b) ;
}
END_TEST

/* ---------------------------------------------------------------- groups */

/* timeout-kill is for the leader, as s6 has it; with flag-timeout-killpg for its group. Who is
   left is named. */
START_TEST(timeout_killpg)
{
  box *b = box_new(0) ;
  char const *status ;
  box_file(b, "etc/services.d/a/run", 0755, "#!/bin/sh\nactor hear child 15 &\nexec actor deaf\n") ;
  box_file(b, "etc/services.d/a/timeout-kill", 0644, "1\n") ;
  if (_i) box_file(b, "etc/services.d/a/flag-timeout-killpg", 0644, "") ;
  box_boot(b, &plain, (char *)0) ;
  box_event(b, "child up") ;
  box_event_after(b, "deaf ") ;
  box_ask(b, "svctl stop a") ;
  ck_assert_ptr_nonnull(strstr(box_ask(b, "s6-svstat /run/service/a"), "SIGKILL")) ;
  status = box_ask(b, "svctl status") ;
  ck_assert_msg((strstr(status, "left behind: actor") == 0) == _i, "%s", status) ;
  if (!_i)
  {
    box_ask(b, "kill $(svctl status | sed -n 's/.*left behind: actor (pid \\([0-9]*\\)).*/\\1/p')") ;
    box_event(b, "child heard 15") ;
  }
  end(b) ;
}
END_TEST

/* ---------------------------------------------------------------- the end */

/* A service ends the container, as images of generation 2 write it; a script tells of the code. */
START_TEST(finish_of_generation_2)
{
  box *b = box_new(0) ;
  box_file(b, "etc/services.d/web/run", 0755, "#!/usr/bin/with-contenv sh\nexec actor answer 'web up' 3\n") ;
  box_file(b, "etc/services.d/web/finish", 0755,
    "#!/usr/bin/execlineb -S0\n"
    "ifelse { s6-test ${1} -ne 0 } { foreground { redirfd -w 1 /var/run/s6/env-stage3/S6_STAGE2_EXITED s6-echo -n -- ${1} } s6-svscanctl -t /var/run/s6/services }\n"
    "s6-svc -O /var/run/s6/services/web\n") ;
  box_file(b, "etc/services.d/other/run", 0755, "#!/usr/bin/execlineb -P\nwith-contenv\nmultisubstitute { importas -u -D0 UID UID importas -ui PATH PATH }\ns6-pause\n") ;
  box_file(b, "etc/services.d/other/finish", 0755, "#!/usr/bin/execlineb -S1\nif { s6-test ${1} -ne 0 }\nif { s6-test ${1} -ne 256 }\ns6-svscanctl -t /var/run/s6/services\n") ;
  box_file(b, "etc/cont-finish.d/99-message.sh", 0755,
    "#!/bin/sh\necho \"code $S6_STAGE2_EXITED $(cat /var/run/s6/env-stage3/S6_STAGE2_EXITED)\" > /events\n") ;
  box_boot(b, &plain, (char *)0) ;
  box_event(b, "web up") ;
  box_ask(b, "s6-svwait -u /var/run/s6/services/other && kill $(s6-svstat -o pid /var/run/s6/services/web)") ;
  ck_assert_int_eq(box_exit_code(b), 3) ;
  ck_assert_uint_eq(box_event_count(b, "code 3 3"), 1) ;
  box_free(b) ;
}
END_TEST

/* ---------------------------------------------------------------- extensions */

/* What a critical service's end is called: which it was, how it ended, after how long. */
START_TEST(critical_names_the_end)
{
  box *b = box_new(0) ;
  box_file(b, "etc/services.d/web/run", 0755, UP("web")) ;
  box_file(b, "etc/services.d/web/critical", 0644, "") ;
  box_boot(b, &plain, (char *)0) ;
  box_event(b, "web up") ;
  box_sh(b, "s6-svc -k /run/service/web") ;  /* which the container's end may cut short */
  ck_assert_int_eq(box_exit_code(b), 128 + SIGKILL) ;
  ck_assert_msg(box_says(b, "container ends with 137: critical service web killed by KILL after"), "%s", box_output(b)) ;
  box_free(b) ;
}
END_TEST

/* on-failure: a failure is started again, a success is not. */
START_TEST(restart_on_failure)
{
  box *b = box_new(0) ;
  box_file(b, "etc/services.d/a/run", 0755,
    "#!/bin/sh\necho \"ran $SERVICE_NAME\" > /events\ntest -e /failed && exit 0\n: > /failed\nexit 1\n") ;
  box_file(b, "etc/services.d/a/restart", 0644, "on-failure\n") ;
  box_boot(b, &plain, (char *)0) ;
  box_event(b, "ran a") ;
  box_event(b, "ran a") ;
  ck_assert_str_eq(box_ask(b, "s6-svwait -D /run/service/a && s6-svstat -o wantedup /run/service/a"), "false\n") ;
  end(b) ;
}
END_TEST

int main (void)
{
  TCase *paths = box_case("paths"), *permissions = box_case("permissions"), *variables = box_case("variables") ;
  TCase *services = box_case("services") ;
  TCase *cases[] = { paths, permissions, variables, services } ;
  tcase_add_loop_test(paths, clients_by_all_paths, 0, 3) ;
  tcase_add_test(paths, programs_of_packages) ;
  tcase_add_test(paths, suexec) ;
  if (!getuid()) tcase_add_test(paths, suexec_made_setuid) ;
  if (!getuid()) tcase_add_test(permissions, svperms_last) ; /* a user namespace of one has no other group */
  tcase_add_test(variables, logging_0) ;
  if (!getuid()) tcase_add_test(variables, catchall_user) ;
  if (!getuid()) tcase_add_test(variables, catchall_without_privilege) ;
  tcase_add_test(variables, logging_unwritable) ;
  tcase_add_loop_test(variables, cmd_use_terminal, 0, 2) ;
  tcase_add_test(variables, readytime_is_not_slept) ;
  tcase_add_test(variables, wait_for_closing_fd) ;
  tcase_add_loop_test(variables, sync_disks, 0, 2) ;
  tcase_add_loop_test(services, timeout_killpg, 0, 2) ;
  tcase_add_test(services, finish_of_generation_2) ;
  tcase_add_test(services, critical_names_the_end) ;
  tcase_add_test(services, restart_on_failure) ;
  return box_main("s6", cases, sizeof cases / sizeof *cases) ;
}
