/* ISC license. */

/* The tool for people: what it says, and that it is so. */

#include <fnmatch.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

static struct box_how const plain ;

/* ---------------------------------------------------------------- answers */

/* Whether a line of the text is as the shell pattern says. */
static int has_line (char const *text, char const *pattern)
{
  char line[1024] ;
  while (*text)
  {
    size_t n = strcspn(text, "\n") ;
    snprintf(line, sizeof line, "%.*s", (int)n, text) ;
    if (!fnmatch(pattern, line, 0)) return 1 ;
    text += n + (text[n] == '\n') ;
  }
  return 0 ;
}

/* Runs it; it must exit with CODE and print such a line. */
static void says (box *b, char const *command, int code, char const *pattern)
{
  struct box_result r = box_sh(b, command) ;
  ck_assert_msg(exited(r.status) == code, "%s: exit code %d, not %d:\n%s", command, exited(r.status), code, r.output) ;
  ck_assert_msg(has_line(r.output, pattern), "%s: no line like\n%s\nin:\n%s", command, pattern, r.output) ;
}

static void service (box *b, char const *name, char const *run)
{
  char path[128] ;
  snprintf(path, sizeof path, "etc/services.d/%s/run", name) ;
  box_file(b, path, 0755, run) ;
}

static void setting (box *b, char const *name, char const *file, char const *text)
{
  char path[128] ;
  snprintf(path, sizeof path, "etc/services.d/%s/%s", name, file) ;
  box_file(b, path, text[0] == '#' ? 0755 : 0644, text) ;
}

#define UP(name) "#!/bin/sh\nexec actor up '" name " up'\n"
#define READY(name) "#!/bin/sh\nexec actor ready 5 '" name " up'\n"

/* Boots it and waits for the end of the boot. */
static void boot (box *b)
{
  service(b, "first", UP("first")) ;
  box_boot(b, &plain, (char *)0) ;
  box_event(b, "first up") ;
  ck_assert_int_eq(exited(box_sh(b, "svctl ready --wait > /dev/null; svctl status > /dev/null").status), 0) ;
}

static void end (box *b)
{
  ck_assert_int_eq(box_stop(b), 0) ;
  box_free(b) ;
}

/* ---------------------------------------------------------------- status */

START_TEST(status)
{
  box *b = box_new(0) ;
  service(b, "a", UP("a")) ;
  service(b, "a-b", UP("a-b")) ;
  service(b, "a/log", "#!/bin/sh\nexec actor log /log\n") ;
  service(b, "down", UP("down")) ;
  setting(b, "down", "down", "") ;
  service(b, "ready", READY("ready")) ;
  setting(b, "ready", "notification-fd", "5\n") ;
  service(b, "unready", UP("unready")) ;
  setting(b, "unready", "notification-fd", "5\n") ;
  service(b, "perm", "#!/bin/sh\nexit 3\n") ;
  setting(b, "perm", "finish", "#!/bin/sh\nexit 125\n") ;
  box_boot(b, &plain, (char *)0) ;
  box_event(b, "a up") ;
  box_event(b, "unready up") ;
  box_ask(b, "svwait -U /run/service/ready; svwait -D /run/service/perm") ;
  char const *table = box_ask(b, "svctl status") ;
  ck_assert_msg(has_line(table, "container: pid 1, up *, booted in *, generation 2, PID 1 survived 0 faults, 0 re-execs"), "%s", table) ;
  ck_assert_msg(has_line(table, "a  *up  *  -  *0  -"), "%s", table) ;
  ck_assert_msg(has_line(table, "a/log  *up  *  -  *0  -"), "%s", table) ;
  ck_assert_msg(has_line(table, "down  *down  *-  *  -  *0  -"), "%s", table) ;
  ck_assert_msg(has_line(table, "ready  *up  *  yes  *0  -"), "%s", table) ;
  ck_assert_msg(has_line(table, "unready  *up  *  no  *0  -"), "%s", table) ;
  ck_assert_msg(has_line(table, "perm  *fatal  *-  *  given up: finish exited 125 (permanent failure); exited 3 * ago"), "%s", table) ;
  /* a logger stands behind its producer, whatever else begins like it */
  ck_assert(strstr(table, "\na ") < strstr(table, "\na/log ") && strstr(table, "\na/log ") < strstr(table, "\na-b ")) ;
  ck_assert_ptr_null(strchr(table, '\033')) ;
  says(b, "svctl status a ready", 0, "a  *") ;
  says(b, "svctl status a down", 1, "down  *") ;
  says(b, "svctl status redy", 1, "svctl: error: there is no service redy in /run/service; did you mean ready*") ;
  says(b, "svctl status xyzzy a/lgo", 1, "svctl: error: there is no service xyzzy in /run/service; svctl status shows *") ;
  says(b, "svctl status xyzzy a/lgo", 1, "*there is no service a/lgo in /run/service; did you mean a/log?") ;
  end(b) ;
}
END_TEST

START_TEST(status_for_programs)
{
  box *b = box_new(0) ;
  service(b, "a", "#!/bin/sh\nexec actor answer 'a up' 3\n") ;
  service(b, "b\"\\", UP("b")) ;
  box_boot(b, &plain, (char *)0) ;
  box_event(b, "a up") ;
  box_event(b, "b up") ;
  box_ask(b, "svctl stop a") ;
  char const *json = box_ask(b, "svctl status --json") ;
  ck_assert_msg(has_line(json, "{\"scanner\":{\"scandir\":\"/run/service\",\"ledger\":true,\"pid\":1,\"container\":true,\"up_ms\":*,\"step\":\"running\",*,\"faults\":0,\"reexecs\":0},\"services\":*}"), "%s", json) ;
  ck_assert_msg(!!strstr(json, "{\"name\":\"a\",\"state\":\"down\",\"pid\":null,"), "%s", json) ;
  ck_assert_msg(!!strstr(json, "\"last_exit\":{\"code\":3,\"signal\":null,\"ago_ms\":"), "%s", json) ;
  ck_assert_msg(!!strstr(json, "{\"name\":\"b\\\"\\\\\",\"state\":\"up\",\"pid\":"), "%s", json) ;
  says(b, "svctl status -j a", 1, "{*\"services\":[[]{\"name\":\"a\"*}]}") ;
  end(b) ;
}
END_TEST

/* Colours are for terminals, and control characters in a name never reach one. */
START_TEST(terminals)
{
  struct box_how how = { .flags = BOX_TERMINAL } ;
  box *b = box_new(0) ;
  service(b, "ev\033[31mil", UP("evil")) ;
  box_boot(b, &how, "sh", "-c", "svwait -u /run/service/ev*; TERM=xterm svctl status; echo; NO_COLOR=1 TERM=xterm svctl status; svctl stop \"$(printf 'e\\033x')\"", (char *)0) ;
  box_wait(b) ;
  ck_assert_ptr_nonnull(strstr(box_output(b), "ev\\x1b[31mil  \033[32mup\033[0m")) ;
  ck_assert_ptr_nonnull(strstr(box_output(b), "ev\\x1b[31mil  up")) ;
  ck_assert_ptr_nonnull(strstr(box_output(b), "there is no service e\\x1bx in")) ;
  ck_assert_ptr_null(strstr(box_output(b), "ev\033")) ;
  box_free(b) ;
}
END_TEST

START_TEST(status_while_booting_and_stopping)
{
  box *b = box_new(0) ;
  box_gate(b, "go") ;
  box_file(b, "etc/cont-init.d/10-slow", 0755, "#!/bin/sh\necho booting > /events\nread x < /gates/go\n") ;
  box_file(b, "etc/cont-finish.d/10-slow", 0755, "#!/bin/sh\necho stopping > /events\nread x < /gates/go\n") ;
  service(b, "a", UP("a")) ;
  box_boot(b, &plain, (char *)0) ;
  box_event(b, "booting") ;
  says(b, "svctl status", 0, "container: pid 1, up *, booting: cont-init.d 10-slow, *") ;
  says(b, "svctl ready", 1, "the container is booting: cont-init.d") ;
  box_open_gate(b, "go") ;
  box_event(b, "a up") ;
  box_signal(b, SIGTERM) ;
  box_event(b, "stopping") ;
  says(b, "svctl status", 0, "container: pid 1, up *, stopping for *: signal TERM, *") ;
  says(b, "svctl ready --wait", 1, "the container is stopping") ;
  says(b, "svctl start a", 1, "svctl: fatal: the container is stopping: *") ;
  box_open_gate(b, "go") ;
  ck_assert_int_eq(box_exit_code(b), 0) ;
  box_free(b) ;
}
END_TEST

/* What a stopped service leaves behind is named, and what others run is not. */
START_TEST(left_behind)
{
  box *b = box_new(0) ;
  service(b, "a", "#!/bin/sh\nactor hear child 15 &\nexec actor up 'a up'\n") ;
  service(b, "b", UP("b")) ;
  box_boot(b, &plain, (char *)0) ;
  box_event(b, "a up") ;
  box_event(b, "child up") ;
  box_event(b, "b up") ;
  ck_assert_ptr_null(strstr(box_ask(b, "svctl status"), "left behind")) ;
  box_ask(b, "svctl stop a b") ;
  says(b, "svctl status", 0, "a *exited 0 * ago; left behind: actor (pid *)") ;
  says(b, "svctl status", 0, "b *exited 0 * ago") ;
  ck_assert_ptr_nonnull(strstr(box_ask(b, "svctl status -j"), "\"left_behind\":[]")) ;
  box_ask(b, "kill $(svctl status | sed -n 's/.*left behind: actor (pid \\([0-9]*\\)).*/\\1/p')") ;
  box_event(b, "child heard 15") ;
  end(b) ;
}
END_TEST

/* ---------------------------------------------------------------- orders */

START_TEST(start_and_stop)
{
  box *b = box_new(0) ;
  service(b, "a", UP("a")) ;
  service(b, "r", READY("r")) ;
  setting(b, "r", "notification-fd", "5\n") ;
  box_boot(b, &plain, (char *)0) ;
  box_event(b, "a up") ;
  box_event(b, "r up") ;
  box_ask(b, "svwait -U /run/service/r") ;
  says(b, "svctl stop a r", 0, "a: stopped after * (exited 0)") ;
  says(b, "svctl stop a", 0, "a: already down (exited 0)") ;
  says(b, "svctl status a", 1, "a *down*") ;
  says(b, "svctl start r a", 0, "r: up, pid *, ready after *") ;
  says(b, "svctl start a", 0, "a: already up, pid *, for *") ;
  says(b, "svctl restart a a", 0, "a: restarted, pid *") ;
  says(b, "svctl restart r", 0, "r: restarted, pid *, ready after *") ;
  says(b, "svctl stop -n a", 0, "a: asked") ;
  box_ask(b, "svwait -D /run/service/a") ;
  says(b, "svctl restart a", 0, "a: restarted, pid *") ;
  end(b) ;
}
END_TEST

/* The stop is over when `finish` is. */
START_TEST(stop_waits_for_finish)
{
  box *b = box_new(0) ;
  box_gate(b, "go") ;
  service(b, "a", UP("a")) ;
  setting(b, "a", "timeout-finish", "0\n") ;
  setting(b, "a", "finish", "#!/bin/sh\necho finish > /events\nread x < /gates/go\n") ;
  box_boot(b, &plain, (char *)0) ;
  box_event(b, "a up") ;
  says(b, "svctl stop -t 50 a", 99, "a: not down after 50 ms: finish, pid *") ;
  box_event(b, "finish") ;
  box_open_gate(b, "go") ;
  says(b, "svctl stop a", 0, "a: * (exited 0)") ;
  says(b, "svctl stop a", 0, "a: already down (exited 0)") ;
  end(b) ;
}
END_TEST

START_TEST(start_waits_for_readiness)
{
  box *b = box_new(0) ;
  box_gate(b, "go") ;
  service(b, "a", "#!/bin/sh\necho up > /events\nread x < /gates/go\nexec actor ready 5 'a ready'\n") ;
  setting(b, "a", "notification-fd", "5\n") ;
  setting(b, "a", "down", "") ;
  boot(b) ;
  says(b, "svctl start -t 50 a", 99, "a: not ready after 50 ms: up, pid *") ;
  says(b, "svctl ready", 1, "a: not ready: up, pid *") ;
  box_sh_start(b, "svctl start a > /said; echo said > /events") ;
  box_sh_start(b, "svctl ready --wait > /ready; echo \"ready $?\" > /events") ;
  box_event(b, "up") ;
  box_open_gate(b, "go") ;
  box_event(b, "said") ;
  box_event(b, "ready 0") ;
  ck_assert_msg(has_line(box_read(b, "said"), "a: *up, pid *, * after *") || has_line(box_read(b, "said"), "a: already up, pid *, for *"), "%s", box_read(b, "said")) ;
  says(b, "svctl ready; echo \"ready $?\"", 0, "ready 0") ;
  end(b) ;
}
END_TEST

/* A start that fails says why and exits 1. -s: the death comes before that time is over, surely. */
START_TEST(start_fails)
{
  box *b = box_new(0) ;
  static struct { char const *name, *run, *said ; } const bad[] =
  {
    { "exits", "#!/bin/sh\nexit 3\n", "exits: exited 3 after *; it will be started again" },
    { "dies", "#!/bin/sh\nexec actor signal 9\n", "dies: killed by KILL after *; it will be started again" },
    { "nothing", "#!/no/such/program\n", "nothing: unable to execute /run/service/nothing/run: its interpreter /no/such/program does not exist *" },
    { "perm", "#!/bin/sh\nexit 4\n", "perm: exited 4 after *; given up: finish exited 125 (permanent failure)" },
    { "never", "#!/bin/sh\nexit 5\n", "never: exited 5 after *; it stays down" },
    { "unready", "#!/bin/sh\nexit 6\n", "unready: exited 6 after *; it will be started again" }
  } ;
  char command[64] ;
  for (size_t i = 0 ; i < sizeof bad / sizeof *bad ; i++)
  {
    service(b, bad[i].name, bad[i].run) ;
    setting(b, bad[i].name, "down", "") ;
  }
  setting(b, "perm", "finish", "#!/bin/sh\nexit 125\n") ;
  setting(b, "never", "restart", "never\n") ;
  setting(b, "unready", "notification-fd", "5\n") ;
  boot(b) ;
  for (size_t i = 0 ; i < sizeof bad / sizeof *bad ; i++)
  {
    sprintf(command, "svctl start -s 90000 %s", bad[i].name) ;
    says(b, command, 1, bad[i].said) ;
  }
  says(b, "svctl stop exits", 0, "exits: stopped after * (exited 3)") ;
  says(b, "svctl stop perm", 0, "perm: already down (exited 4)") ;
  says(b, "svctl status perm", 1, "perm *fatal *given up: finish exited 125*") ;
  says(b, "svctl health", 1, "perm: fatal; given up: finish exited 125 (permanent failure); exited 4 * ago") ;
  end(b) ;
}
END_TEST

/* More deaths than max-restarts allows: a start by hand begins to count anew. */
START_TEST(given_up)
{
  box *b = box_new(0) ;
  service(b, "a", "#!/bin/sh\nexit 2\n") ;
  setting(b, "a", "max-restarts", "2 60\n") ;
  setting(b, "a", "backoff", "1 1\n") ;
  box_boot(b, &plain, (char *)0) ;
  box_expect(b, "given up") ;
  says(b, "svctl status a", 1, "a *fatal *2  given up: more deaths than max-restarts allows; exited 2 * ago") ;
  says(b, "svctl start -s 90000 a", 1, "a: exited 2 after *") ;
  end(b) ;
}
END_TEST

/* What a restart file says is about deaths, not about orders. */
START_TEST(restart_of_what_is_not_restarted)
{
  box *b = box_new(0) ;
  service(b, "a", UP("a")) ;
  setting(b, "a", "restart", "never\n") ;
  box_boot(b, &plain, (char *)0) ;
  box_event(b, "a up") ;
  says(b, "svctl restart a", 0, "a: restarted, pid *") ;
  box_event(b, "a up") ;
  says(b, "svctl status a", 0, "a *up *1  exited 0 * ago") ;
  end(b) ;
}
END_TEST

/* ---------------------------------------------------------------- signals */

START_TEST(signals)
{
  box *b = box_new(0) ;
  service(b, "a", "#!/bin/sh\nexec actor hear a 40\n") ;
  service(b, "d", UP("d")) ;
  setting(b, "d", "down", "") ;
  box_boot(b, &plain, (char *)0) ;
  box_event(b, "a up") ;
  says(b, "svctl kill a", 0, "a: sent TERM to pid *") ;
  box_event(b, "a heard 15") ;
  says(b, "svctl kill -HUP a", 0, "a: sent HUP to pid *") ;
  box_event(b, "a heard 1") ;
  says(b, "svctl kill -SIGUSR1 a", 0, "a: sent USR1 to pid *") ;
  box_event(b, "a heard 10") ;
  says(b, "svctl kill -12 a", 0, "a: sent USR2 to pid *") ;
  box_event(b, "a heard 12") ;
  says(b, "svctl kill -PWR a", 0, "a: sent PWR to pid *") ;    /* no letter stands for it */
  box_event(b, "a heard 30") ;
  says(b, "svctl kill -RTMIN+3 a", 0, "a: sent 37 to pid *") ;
  box_event(b, "a heard 37") ;
  says(b, "svctl kill -9 a", 0, "a: killed by KILL after *") ;
  box_event(b, "a up") ;
  says(b, "svctl reload a", 0, "a: sent HUP to pid *") ;
  box_event(b, "a heard 1") ;
  says(b, "svctl kill -TERM a d", 1, "svctl: error: d: it has no process to signal: down") ;
  box_event(b, "a heard 15") ;
  says(b, "svctl reload d", 1, "svctl: error: d: it has no process to signal: down") ;
  says(b, "svctl kill -NOSUCH a", 100, "svctl: fatal: unknown or incomplete option -NOSUCH; usage: svctl kill *") ;
  box_ask(b, "svctl kill -40 a") ;
  end(b) ;
}
END_TEST

START_TEST(reload_signal)
{
  box *b = box_new(0) ;
  service(b, "a", "#!/bin/sh\nexec actor hear a 15\n") ;
  setting(b, "a", "reload-signal", "USR2\n") ;
  box_boot(b, &plain, (char *)0) ;
  box_event(b, "a up") ;
  says(b, "svctl reload a", 0, "a: sent USR2 to pid *") ;
  box_event(b, "a heard 12") ;
  end(b) ;
}
END_TEST

/* ---------------------------------------------------------------- the scanner */

START_TEST(log_of_changes)
{
  box *b = box_new(0) ;
  service(b, "a", "#!/bin/sh\nexec actor answer 'a up' 7\n") ;
  service(b, "r", READY("r")) ;
  setting(b, "r", "notification-fd", "5\n") ;
  box_boot(b, &plain, (char *)0) ;
  box_event(b, "a up") ;
  box_ask(b, "svctl ready --wait && svctl stop a") ;
  says(b, "svctl log", 0, "20[0-9][0-9]-[01][0-9]-[0-3][0-9] *:*:*.* container: boot: services") ;
  says(b, "svctl log", 0, "* container: boot is done") ;
  says(b, "svctl events", 0, "* a: started: supervision began") ;
  says(b, "svctl log r", 0, "* r: ready") ;
  ck_assert_msg(has_line(box_ask(b, "svctl log -n 1"), "* a: exited 7, down: on command"), "%s", box_ask(b, "svctl log")) ;
  ck_assert_str_eq(box_ask(b, "svctl log r | wc -l"), "2\n") ;
  ck_assert_str_eq(box_ask(b, "svctl log -n 3 | wc -l"), "3\n") ;
  end(b) ;
}
END_TEST

/* A fault and a re-exec are counted, and nothing else happens. */
START_TEST(faults_and_reexecs)
{
  box *b = box_new(0) ;
  service(b, "a", UP("a")) ;
  box_boot(b, &plain, (char *)0) ;
  box_event(b, "a up") ;
  says(b, "svctl reexec", 0, "executed again in *") ;
  says(b, "svctl status", 0, "container: *, PID 1 survived 0 faults, 1 re-exec") ;
  box_ask(b, "kill -SEGV 1") ;
  box_expect(b, "fault 1 in PID 1") ;
  says(b, "svctl status", 0, "container: *, PID 1 survived 1 fault, 1 re-exec") ;
  says(b, "svctl info", 0, "last fault          SEGV") ;
  says(b, "svctl status a", 0, "a *up *0  -") ;
  ck_assert_uint_eq(box_event_count(b, "a up"), 1) ;
  end(b) ;
}
END_TEST

START_TEST(reexec_that_fails)
{
  box *b = box_new(0) ;
  service(b, "a", UP("a")) ;
  box_boot(b, &plain, (char *)0) ;
  box_event(b, "a up") ;
  box_ask(b, "cp /command/keelson /saved && mv /command/keelson /command/other && mkdir /command/keelson") ;
  says(b, "/command/other svctl reexec", 1, "svctl: fatal: the scanner could not execute /command/keelson again: *") ;
  says(b, "/command/other svctl status a", 0, "a *up *") ;
  box_ask(b, "rmdir /command/keelson && mv /command/other /command/keelson") ;
  says(b, "svctl reexec", 0, "executed again in *") ;
  end(b) ;
}
END_TEST

START_TEST(info)
{
  static char const *const lines[] =
  {
    "version             keelson *", "scan directory      /run/service", "pid                 1", "binary              /command/keelson",
    "run directory       /run", "generation          2: it defines no s6-rc service", "step                running", "services            1",
    "deadlines expired   0", "messages dropped    0", "faults survived     0", "re-execs            0"
  } ;
  box *b = box_new(0) ;
  service(b, "a", UP("a")) ;
  box_boot(b, &plain, (char *)0) ;
  box_event(b, "a up") ;
  for (size_t i = 0 ; i < sizeof lines / sizeof *lines ; i++) says(b, "svctl info", 0, lines[i]) ;
  end(b) ;
}
END_TEST

START_TEST(rescan)
{
  box *b = box_new(0) ;
  service(b, "a", UP("a")) ;
  box_boot(b, &plain, (char *)0) ;
  box_event(b, "a up") ;
  says(b, "svctl rescan", 0, "nothing new") ;
  box_ask(b, "mkdir /n && printf '#!/bin/sh\\nexec actor up \"n up\"\\n' > /n/run && ln -s /n /run/service/n") ;
  says(b, "svctl start n", 1, "svctl: error: there is no service n in /run/service; *") ;
  says(b, "svctl rescan", 0, "n: taken up") ;
  box_event(b, "n up") ;
  says(b, "svctl status n", 0, "n *up *") ;
  box_ask(b, "rm /run/service/n && svctl rescan && svwait -D /n") ;
  says(b, "svctl rescan; svctl status n", 1, "svctl: error: there is no service n in /run/service*") ;
  end(b) ;
}
END_TEST

/* The names that scripts of s6-overlay 2 and 3 call. */
START_TEST(halt_by_other_names)
{
  static char const *const commands[] =
    { "/run/s6/basedir/bin/halt", "/run/s6/basedir/bin/poweroff", "/var/run/s6/basedir/bin/reboot -f", "svctl halt 7" } ;
  char script[128] ;
  box *b = box_new(0) ;
  service(b, "a", UP("a")) ;
  box_gate(b, "never") ;
  snprintf(script, sizeof script, "#!/bin/sh\n%s\nread x < /gates/never\n", commands[_i]) ;
  box_file(b, "etc/cont-init.d/10", 0755, script) ;
  box_boot(b, &plain, (char *)0) ;
  ck_assert_int_eq(box_exit_code(b), _i == 3 ? 7 : 0) ;
  box_expect(b, "container ends with") ;
  box_free(b) ;
}
END_TEST

START_TEST(links)
{
  box *b = box_new(0) ;
  service(b, "a", UP("a")) ;
  box_boot(b, &plain, (char *)0) ;
  box_event(b, "a up") ;
  box_ask(b, "rm /usr/bin/s6-svc && echo mine > /usr/bin/s6-svstat.new && mv /usr/bin/s6-svstat.new /usr/bin/s6-svstat") ;
  says(b, "svctl link", 0, "/usr/bin: * made, * names were there already") ;
  ck_assert_str_eq(box_ask(b, "readlink /usr/bin/s6-svc"), "/command/keelson\n") ;
  ck_assert_str_eq(box_ask(b, "cat /usr/bin/s6-svstat"), "mine\n") ;
  says(b, "svctl link", 0, "/usr/bin: 0 links made, *") ;
  box_ask(b, "s6-svc -r /run/service/a") ;
  box_event(b, "a up") ;
  /* busybox has a cat in /bin; ours in another directory would stand in front of it */
  says(b, "mkdir /more && svctl link /more && test ! -e /more/cat && readlink /more/svctl", 0, "/command/keelson") ;
  says(b, "svctl link /nowhere", 111, "svctl: fatal: unable to make the link /nowhere/*: No such file or directory") ;
  end(b) ;
}
END_TEST

/* ---------------------------------------------------------------- without the ledger */

/* Whoever may not read PID 1's memory sees what the files tell, and why it is no more. */
START_TEST(another_user)
{
  box *b = box_new(0) ;
  service(b, "a", UP("a")) ;
  box_boot(b, &plain, (char *)0) ;
  box_event(b, "a up") ;
  says(b, "s6-setuidgid nobody svctl status", 0, "scanner: in /run/service; seen by its files only: this user may not read it") ;
  says(b, "s6-setuidgid nobody svctl status a", 1, "a *unknown *Permission denied") ;
  says(b, "s6-setuidgid nobody svctl stop a", 111, "svctl: fatal: unable to listen to the events of /run/service/a: Permission denied") ;
  says(b, "s6-setuidgid nobody svctl halt", 111, "svctl: fatal: unable to control /run/service: Permission denied") ;
  end(b) ;
}
END_TEST

/* s6's own scanner. */
START_TEST(scanner_of_s6)
{
  box *b = box_new(0) ;
  box_program(b, "s6-svscan") ;
  box_program(b, "s6-supervise") ;
  box_file(b, "scan/a/run", 0755, UP("a")) ;
  box_file(b, "scan/r/run", 0755, READY("r")) ;
  box_file(b, "scan/r/notification-fd", 0644, "5\n") ;
  box_file(b, "scan/r/log/run", 0755, "#!/bin/sh\nexec actor log /log\n") ;
  box_file(b, "scan/bad/run", 0755, UP("bad")) ;
  boot(b) ;
  box_sh_start(b, "exec /usr/bin/s6-svscan /scan") ;
  box_event(b, "a up") ;
  box_event(b, "r up") ;
  box_event(b, "logger up") ;
  box_event(b, "bad up") ;
  box_ask(b, "svwait -U /scan/r") ;
  says(b, "svctl -d /scan stop bad", 0, "bad: stopped after * (exited 0)") ;
  box_file(b, "scan/bad/run", 0755, "#!/bin/sh\nexit 3\n") ;
  says(b, "svctl -d /scan status", 0, "scanner: in /scan; seen by its files only: it is no keelson") ;
  says(b, "svctl -d /scan status", 0, "a  *up  *  -  *0  -") ;
  says(b, "svctl -d /scan status", 0, "r  *up  *  yes  *0  -") ;
  says(b, "svctl -d /scan status", 0, "r/log  *up  *  -  *0  -") ;
  says(b, "svctl -d /scan status bad", 1, "bad  *down *") ;
  says(b, "svctl -d /scan start -s 90000 bad", 1, "bad: exited 3 after *; it will be started again") ;
  says(b, "svctl -d /scan health", 1, "bad: *") ;
  says(b, "svctl -d /scan stop bad", 0, "bad: stopped after * (exited 3)") ;
  says(b, "svctl -d /scan stop a", 0, "a: stopped after * (exited 0)") ;
  says(b, "svctl -d /scan status a", 1, "a  *down *exited 0 * ago") ;
  says(b, "svctl -d /scan start a", 0, "a: up, pid *") ;
  says(b, "svctl -d /scan restart r a", 0, "r: restarted, pid *, ready after *") ;
  says(b, "svctl -d /scan kill -KILL a", 0, "a: killed by KILL after *") ;
  says(b, "svctl -d /scan ready -w; echo $?", 0, "0") ;
  says(b, "svctl -d /scan log", 1, "svctl: fatal: there is no log of /scan: it is no keelson") ;
  says(b, "svctl -d /scan halt 3", 1, "svctl: fatal: there is no /scan/../s6-linux-init-container-results *") ;
  says(b, "svctl -d /scan halt && s6-svwait -x /scan/a 2>/dev/null; svctl -d /nowhere status", 100, "svctl: fatal: no scanner runs in /nowhere *") ;
  end(b) ;
}
END_TEST

/* ---------------------------------------------------------------- dependencies */

static void definition (box *b, char const *name, char const *type, char const *file, char const *text, char const *needs)
{
  char path[160] ;
  snprintf(path, sizeof path, "etc/s6-overlay/s6-rc.d/%s/type", name) ;
  box_file(b, path, 0644, type) ;
  snprintf(path, sizeof path, "etc/s6-overlay/s6-rc.d/%s/%s", name, file) ;
  box_file(b, path, 0755, text) ;
  if (!needs) return ;
  snprintf(path, sizeof path, "etc/s6-overlay/s6-rc.d/%s/dependencies.d/%s", name, needs) ;
  box_file(b, path, 0644, "") ;
}

static box *tree (void)
{
  box *b = box_new(0) ;
  definition(b, "prepare", "oneshot\n", "up", "true\n", 0) ;
  definition(b, "db", "longrun\n", "run", READY("db"), "prepare") ;
  box_file(b, "etc/s6-overlay/s6-rc.d/db/notification-fd", 0644, "5\n") ;
  definition(b, "web", "longrun\n", "run", UP("web"), "db") ;
  definition(b, "bad", "oneshot\n", "up", "false\n", 0) ;
  definition(b, "victim", "longrun\n", "run", UP("victim"), "bad") ;
  definition(b, "self", "longrun\n", "run", "#!/bin/sh\ns6-svc -Od .\nexec actor up 'self up'\n", 0) ;
  definition(b, "after-self", "longrun\n", "run", UP("after-self"), "self") ;
  definition(b, "crash", "longrun\n", "run", "#!/bin/sh\nexit 7\n", 0) ;
  box_file(b, "etc/s6-overlay/s6-rc.d/app/type", 0644, "bundle\n") ;
  box_file(b, "etc/s6-overlay/s6-rc.d/app/contents.d/web", 0644, "") ;
  box_file(b, "etc/s6-overlay/user-bundles.d/user/contents.d/app", 0644, "") ;
  service(b, "old", UP("old")) ;
  return b ;
}

/* Lines of START come in the order that dependencies ask for. */
static void in_order (char const *text, char const *const *starts)
{
  char const *at = text ;
  for (; *starts ; starts++)
  {
    char const *next = strstr(at, *starts) ;
    ck_assert_msg(next && (next == text || next[-1] == '\n'), "%s is not where it should be in:\n%s", *starts, text) ;
    at = next + 1 ;
  }
}

START_TEST(dependencies)
{
  static char const *const up[] = { "prepare: done\n", "db: up, pid ", "web: up, pid ", 0 } ;
  static char const *const down[] = { "web: stopped after ", "db: stopped after ", "prepare: stopped after ", 0 } ;
  box *b = tree() ;
  box_boot(b, &plain, (char *)0) ;
  box_event(b, "web up") ;
  box_event(b, "old up") ;
  box_ask(b, "svctl ready --wait") ;
  says(b, "svctl status prepare db web", 0, "prepare  done *") ;
  for (int round = 0 ; round < 10 ; round++)
  {
    in_order(box_ask(b, "svctl stop prepare"), down) ;
    ck_assert_uint_eq(box_event_count(b, "db up"), box_event_count(b, "web up")) ;
    in_order(box_ask(b, _i ? "svctl start app" : "svctl start web"), up) ;
  }
  says(b, "svctl start web", 0, "web: already up, pid *, for *") ;
  says(b, "svctl start prepare", 0, "prepare: already done") ;
  says(b, "svctl stop app", 0, "web: stopped after *") ;
  says(b, "svctl status db", 0, "db *up *yes *") ;
  says(b, "svctl status prepare", 0, "prepare  done *") ;
  says(b, "svctl start web old", 0, "web: up, pid *") ;
  says(b, "svctl restart db", 0, "db: restarted, pid *, ready after *") ;
  says(b, "svctl restart prepare", 1, "svctl: fatal: prepare is a oneshot, *") ;
  end(b) ;
}
END_TEST

START_TEST(dependencies_that_fail)
{
  box *b = tree() ;
  box_boot(b, &plain, (char *)0) ;
  box_event(b, "web up") ;
  box_ask(b, "svctl ready --wait") ;
  says(b, "svctl start victim", 1, "bad: exited 1; it stays down") ;
  says(b, "svctl start victim", 1, "victim: not started: bad failed") ;
  says(b, "svctl start -s 90000 crash", 1, "crash: exited 7; it will be started again") ;
  says(b, "svctl status bad", 1, "bad   failed *exited 1 * ago") ;
  says(b, "svctl health", 1, "bad: failed; exited 1 * ago") ;
  says(b, "svctl start wbe", 1, "svctl: error: there is no service wbe in /run/service; did you mean web?") ;
  says(b, "svctl start -t 50 victm", 1, "*did you mean victim?") ;
  end(b) ;
}
END_TEST

/* A service that takes itself down counts as reached: its dependants go on (PROTOCOL.md §7). */
START_TEST(down_by_its_own_wish)
{
  box *b = tree() ;
  box_boot(b, &plain, (char *)0) ;
  box_event(b, "web up") ;
  box_ask(b, "svctl ready --wait") ;
  says(b, "svctl start -s 90000 -t 60000 self", 0, "self: went down by its own wish, which counts as up") ;
  says(b, "svctl start after-self", 0, "after-self: up, pid *") ;
  says(b, "svctl stop self", 0, "after-self: stopped after *") ;
  end(b) ;
}
END_TEST

START_TEST(trees)
{
  box *b = tree() ;
  box_boot(b, &plain, (char *)0) ;
  box_event(b, "web up") ;
  box_ask(b, "svctl ready --wait") ;
  says(b, "svctl tree web", 0, "web  up") ;
  says(b, "svctl tree web", 0, "*prepare (oneshot)  done") ;
  says(b, "svctl tree -r prepare", 0, "* web  up") ;
  says(b, "svctl tree --dot web", 0, "  \"web\" -> \"db\"") ;
  says(b, "svctl tree wbe", 1, "*did you mean web?") ;
  end(b) ;
}
END_TEST

/* ---------------------------------------------------------------- usage */

START_TEST(usage)
{
  static struct { char const *command ; int code ; char const *said ; } const calls[] =
  {
    { "svctl", 0, "usage: svctl *" }, { "svctl --help", 0, "  status   what runs, *" }, { "svctl stop --help", 0, "usage: svctl stop *" },
    { "svctl frob", 100, "svctl: fatal: there is no command frob: svctl --help lists them" },
    { "svctl stop", 100, "svctl: fatal: no name was given; usage: svctl stop *" },
    { "svctl stop -q a", 100, "svctl: fatal: unknown or incomplete option -q; usage: *" },
    { "svctl stop a -t", 100, "svctl: fatal: unknown or incomplete option -t; usage: *" },
    { "svctl stop -t x a", 100, "svctl: fatal: not a number: x; usage: *" },
    { "svctl halt 256", 100, "svctl: fatal: an exit code is a number from 0 to 255, not 256" },
    { "svctl halt 1 2", 100, "svctl: fatal: too many arguments: 2; usage: *" },
    { "svctl stop a --no-wait", 0, "a: asked" },
    { "svctl -d /run/service status -d /run/service a", 1, "a *" }
  } ;
  box *b = box_new(0) ;
  service(b, "a", UP("a")) ;
  box_boot(b, &plain, (char *)0) ;
  box_event(b, "a up") ;
  for (size_t i = 0 ; i < sizeof calls / sizeof *calls ; i++)
  {
    if (strstr(calls[i].command, "status")) box_ask(b, "svwait -D /run/service/a") ;
    says(b, calls[i].command, calls[i].code, calls[i].said) ;
  }
  end(b) ;
}
END_TEST

int main (void)
{
  TCase *tc = box_case("svctl") ;
  tcase_add_test(tc, status) ;
  tcase_add_test(tc, status_for_programs) ;
  tcase_add_test(tc, terminals) ;
  tcase_add_test(tc, status_while_booting_and_stopping) ;
  tcase_add_test(tc, left_behind) ;
  tcase_add_test(tc, start_and_stop) ;
  tcase_add_test(tc, stop_waits_for_finish) ;
  tcase_add_test(tc, start_waits_for_readiness) ;
  tcase_add_test(tc, start_fails) ;
  tcase_add_test(tc, given_up) ;
  tcase_add_test(tc, restart_of_what_is_not_restarted) ;
  tcase_add_test(tc, signals) ;
  tcase_add_test(tc, reload_signal) ;
  tcase_add_test(tc, log_of_changes) ;
  tcase_add_test(tc, faults_and_reexecs) ;
  tcase_add_test(tc, reexec_that_fails) ;
  tcase_add_test(tc, info) ;
  tcase_add_test(tc, rescan) ;
  tcase_add_loop_test(tc, halt_by_other_names, 0, 4) ;
  tcase_add_test(tc, links) ;
  if (!getuid()) tcase_add_test(tc, another_user) ; /* a user namespace of one has nobody else */
  tcase_add_test(tc, scanner_of_s6) ;
  tcase_add_loop_test(tc, dependencies, 0, 2) ;
  tcase_add_test(tc, dependencies_that_fail) ;
  tcase_add_test(tc, down_by_its_own_wish) ;
  tcase_add_test(tc, trees) ;
  tcase_add_test(tc, usage) ;
  return box_main("svctl", &tc, 1) ;
}
