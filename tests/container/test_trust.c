/* ISC license. */

/*
   Hostile input: DESIGN "Trust" sentence by sentence, and what issue 3 lists. The attacker owns a
   service directory, its supervise/ or its environment; PID 1 is root and must not write, own,
   create or signal anything elsewhere, nor stop.
*/

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

#define SERVICE "/run/service/one"
#define VICTIM "/etc/victim"

static box *b ;

/* A container with the service `one`, which says "one up", and the file that is attacked. */
static void with_service (void)
{
  b = box_new(0) ;
  box_file(b, "etc/victim", 0600, "precious\n") ;
  box_file(b, "etc/services.d/one/run", 0755, "#!/bin/sh\nexec actor up 'one up'\n") ;
}

static void boot (void)
{
  box_boot(b, 0, (char *)0) ;
  box_event(b, "one up") ;
}

static void victim_is_whole (void)
{
  ck_assert_str_eq(box_read(b, "etc/victim"), "precious\n") ;
}

static void stops_well (void)
{
  ck_assert_int_eq(box_stop(b), 0) ;
  victim_is_whole() ;
  box_free(b) ;
}

/* One restart, seen by its event: PID 1 is at work and has published. */
static void restarts (void)
{
  box_ask(b, "s6-svc -r " SERVICE) ;
  box_event(b, "one up") ;
}

START_TEST(a_listener_that_is_a_symlink)
{
  with_service() ;
  boot() ;
  box_ask(b, "ln -s " VICTIM " " SERVICE "/event/ftrig1:@4000000000000000000000000:abcdef") ;
  restarts() ;
  stops_well() ;
}
END_TEST

START_TEST(a_listener_that_is_a_file_or_a_full_fifo)
{
  with_service() ;
  boot() ;
  box_ask(b, "cp " VICTIM " " SERVICE "/event/ftrig1:@4000000000000000000000000:abcdef; mkdir " SERVICE "/event/ftrig1:@4000000000000000000000000:abcdeg;"
    "mkfifo " SERVICE "/event/ftrig1:@4000000000000000000000000:abcdeh; (exec 3<>" SERVICE "/event/ftrig1:@4000000000000000000000000:abcdeh; dd if=/dev/zero bs=65536 count=1 >&3; exec s6-svc -r " SERVICE ")") ;
  box_event(b, "one up") ;
  ck_assert_str_eq(box_ask(b, "cat " SERVICE "/event/ftrig1:@4000000000000000000000000:abcdef"), "precious\n") ;
  stops_well() ;
}
END_TEST

START_TEST(status_replaced_by_a_symlink)
{
  with_service() ;
  boot() ;
  box_ask(b, "cd " SERVICE "/supervise && ln -sf " VICTIM " status && ln -sf " VICTIM " status.new && ln -sf " VICTIM " death_tally") ;
  restarts() ;
  box_ask(b, "test -f " SERVICE "/supervise/status && test ! -L " SERVICE "/supervise/status") ;
  stops_well() ;
}
END_TEST

START_TEST(status_replaced_by_a_directory)
{
  with_service() ;
  boot() ;
  box_ask(b, "s6-svwait -u " SERVICE " && cd " SERVICE "/supervise && rm status && mkdir -p status/x status.new/x") ;
  restarts() ;
  ck_assert(box_says(b, "unable to publish the state of one")) ;
  stops_well() ;
}
END_TEST

/* supervise/ must stay the one that was prepared. */
START_TEST(supervise_replaced)
{
  with_service() ;
  boot() ;
  box_ask(b, "cd " SERVICE " && mv supervise old && mkdir supervise && ln -s " VICTIM " supervise/status.new && printf r > old/control") ;
  box_event(b, "one up") ;
  box_ask(b, "test ! -e " SERVICE "/supervise/status") ;
  stops_well() ;
}
END_TEST

START_TEST(supervise_and_event_vanish)
{
  with_service() ;
  boot() ;
  box_ask(b, "cd " SERVICE "/ && exec 3<>supervise/control && rm -r supervise event && printf r >&3") ;
  box_event(b, "one up") ;
  stops_well() ;
}
END_TEST

START_TEST(event_belongs_to_somebody)
{
  with_service() ;
  box_dir(b, "etc/services.d/two", 0755) ;
  box_file(b, "etc/services.d/two/run", 0755, "#!/bin/sh\nexec actor up 'two up'\n") ;
  box_file(b, "etc/cont-init.d/10", 0755, "#!/bin/sh\nmkdir -p /run/service/two/event && chown 1000 /run/service/two/event && cp /etc/services.d/two/run /run/service/two/run\n") ;
  boot() ;
  box_expect(b, "its event directory belongs to somebody who is neither root nor us") ;
  ck_assert_str_eq(box_ask(b, "stat -c %u:%a /run/service/two/event"), "1000:755\n") ;
  stops_well() ;
}
END_TEST

START_TEST(supervise_belongs_to_somebody)
{
  with_service() ;
  box_file(b, "etc/cont-init.d/10", 0755,
    "#!/bin/sh\nmkdir -p /run/service/two/supervise && cp /etc/services.d/one/run /run/service/two/run && chown 1000 /run/service/two /run/service/two/supervise\n") ;
  boot() ;
  box_expect(b, "its supervise directory belongs to somebody who is neither root nor us") ;
  ck_assert_str_eq(box_ask(b, "ls -A /run/service/two/supervise"), "") ;
  ck_assert_uint_eq(box_event_count(b, "one up"), 1) ;
  stops_well() ;
}
END_TEST

/* In a directory of somebody else no link is followed, wherever it leads. */
START_TEST(supervise_leads_elsewhere)
{
  with_service() ;
  box_dir(b, "etc/elsewhere", 0755) ;
  box_file(b, "etc/cont-init.d/10", 0755,
    "#!/bin/sh\nmkdir -p /run/service/two && cp /etc/services.d/one/run /run/service/two/run && ln -s /etc/elsewhere /run/service/two/supervise && chown 1000 /run/service/two\n") ;
  boot() ;
  box_expect(b, "unable to prepare two/supervise") ;
  ck_assert_str_eq(box_ask(b, "ls -A /etc/elsewhere"), "") ;
  stops_well() ;
}
END_TEST

/* Whoever could write to supervise/ in a former life has laid things there. */
START_TEST(supervise_is_full_of_traps)
{
  static char const *const traps[] = { "ln -s /etc/victim", "mknod -m 666", "mkdir" } ;
  static char const *const ends[] = { "", " c 1 5", "" } ;
  char script[512] ;
  with_service() ;
  snprintf(script, sizeof script, "#!/bin/sh\nmkdir -p /run/service/two/supervise && cd /run/service/two && printf '#!/bin/sh\\nexec actor up two\\n' > run && chmod +x run && cd supervise &&"
    "for i in control status status.new death_tally lock; do %s $i%s || exit 1; done\n", traps[_i], ends[_i]) ;
  box_file(b, "etc/cont-init.d/10", 0755, script) ;
  boot() ;
  /* it is refused, or it works: in both cases nothing is touched */
  if (!box_says(b, "service two") && !box_says(b, "two/supervise")) box_event(b, "two") ;
  stops_well() ;
}
END_TEST

/* ./down of a service directory that somebody owns. */
START_TEST(down_leads_elsewhere)
{
  with_service() ;
  boot() ;
  box_ask(b, "cd " SERVICE "/ && ln -s /etc/created down && s6-svc -wD -D .") ;
  ck_assert(!box_exists(b, "etc/created")) ;
  box_ask(b, "cd " SERVICE "/ && rm -f down && ln -s " VICTIM " down && s6-svc -U .") ;
  box_event(b, "one up") ;
  stops_well() ;
}
END_TEST

START_TEST(a_listener_that_is_a_device)
{
  with_service() ;
  boot() ;
  box_ask(b, "mknod -m 666 " SERVICE "/event/ftrig1:@4000000000000000000000000:abcdei c 1 5 && mknod -m 666 " SERVICE "/event/ftrig1:@4000000000000000000000000:abcdej c 5 0") ;
  restarts() ;
  stops_well() ;
}
END_TEST

/* Files of a former life are no way to write elsewhere; the mode is the image's choice. */
START_TEST(environment_of_a_former_life)
{
  static char const *const env[] = { "GOOD=yes", "S6_CONTAINER_ENV_MODE=0700", 0 } ;
  struct box_how const how = { .env = env } ;
  with_service() ;
  box_boot(b, &how, (char *)0) ;
  box_event(b, "one up") ;
  ck_assert_str_eq(box_ask(b, "stat -c %a /run/s6/container_environment"), "700\n") ;
  box_ask(b, "cd /run/s6/container_environment && rm GOOD && ln -s " VICTIM " GOOD") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  box_boot(b, &how, (char *)0) ;
  box_event(b, "one up") ;
  ck_assert_str_eq(box_ask(b, "cat /run/s6/container_environment/GOOD"), "yes\n") ;
  stops_well() ;
}
END_TEST

/* Who supervises holds the locks, also when it was executed again. */
START_TEST(nobody_else_supervises)
{
  with_service() ;
  boot() ;
  for (int i = 0 ; i < 2 ; i++)
  {
    box_ask(b, "s6-svok " SERVICE) ;
    ck_assert_int_eq(exited(box_sh(b, "s6-supervise " SERVICE).status), 100) ;
    ck_assert_int_eq(exited(box_sh(b, "s6-svscan /run/service").status), 100) ;
    box_ask(b, "kill -SEGV 1; svctl rescan") ;
  }
  ck_assert_uint_eq(box_event_count(b, "one up"), 1) ;
  stops_well() ;
}
END_TEST

static void locks_are_held (void)
{
  box_ask(b, "s6-svok " SERVICE " && svctl status") ;
  ck_assert_int_eq(exited(box_sh(b, "s6-supervise " SERVICE).status), 100) ;
  ck_assert_int_eq(exited(box_sh(b, "s6-svscan /run/service").status), 100) ;
}

/* A lock of the classic kind is gone when its holder closes any descriptor of that file. Here PID 1 is
   made to: the lock files of the service, of the scanner and of the run directory are settings of the
   service by another name, and PID 1 opens, reads and closes them at a start and at a stop. Nor may a
   child that ends, an exec or a fault drop them. */
START_TEST(no_stray_close_drops_the_locks)
{
  with_service() ;
  boot() ;
  box_ask(b, "cd " SERVICE " && ln supervise/lock timeout-finish && ln supervise/lock timeout-kill"
    " && ln /run/service/.s6-svscan/lock max-death-tally && ln /run/keelson.lock down-signal") ;
  restarts() ;
  locks_are_held() ;
  for (int i = 0 ; i < 2 ; i++)
  {
    box_ask(b, i ? "svctl reexec" : "kill -SEGV 1; svctl rescan") ;
    locks_are_held() ;
    restarts() ;
    locks_are_held() ;
  }
  /* and nobody else has a hand on them */
  box_ask(b, "for l in $(readlink -f " SERVICE "/supervise/lock) $(readlink -f /run/service/.s6-svscan/lock) /run/keelson.lock; do"
    " for p in /proc/[0-9]*; do [ $p != /proc/1 ] || continue; for d in $p/fd/*; do [ \"$(readlink $d)\" != $l ] || exit 1; done; done; done") ;
  stops_well() ;
}
END_TEST

/* Followed only in a directory that is ours. */
START_TEST(a_dangling_supervise_link)
{
  with_service() ;
  box_file(b, "etc/cont-init.d/10", 0755,
    "#!/bin/sh\nfor i in ours theirs; do mkdir -p /run/service/$i && printf '#!/bin/sh\\nexec actor up \"'$i' up\"\\n' > /run/service/$i/run && chmod +x /run/service/$i/run && ln -s /var/sup-$i /run/service/$i/supervise; done\n"
    "chown -h 1000 /run/service/theirs\n") ;
  boot() ;
  box_event(b, "ours up") ;
  box_expect(b, "unable to prepare theirs/supervise") ;
  ck_assert_str_eq(box_ask(b, "test -d /var/sup-ours && test ! -e /var/sup-theirs && echo good"), "good\n") ;
  stops_well() ;
}
END_TEST

/* The control fifo is kept open: what takes its place is nothing to us. */
START_TEST(control_replaced)
{
  with_service() ;
  boot() ;
  box_ask(b, "cd " SERVICE "/supervise && mv control old && ln -s /dev/zero control && printf r > old") ;
  box_event(b, "one up") ;
  stops_well() ;
}
END_TEST

START_TEST(garbage_and_floods_on_control)
{
  with_service() ;
  boot() ;
  box_ask(b, "head -c 300000 /dev/urandom | tr -d 'abqhktipcyrlodDuUxOQPCK12' > " SERVICE "/supervise/control") ;
  box_ask(b, "head -c 300000 /dev/urandom | tr -d ':0678abhinNqtR' > /run/service/.s6-svscan/control") ;
  box_ask(b, "yes hhhhhhhh | head -c 200000 | tr -d '\\n' > " SERVICE "/supervise/control") ;
  restarts() ;
  stops_well() ;
}
END_TEST

/* A command in pieces, one too long, one without an end. */
START_TEST(half_written_commands)
{
  with_service() ;
  boot() ;
  box_ask(b, "c=/run/service/.s6-svscan/control; printf : > $c; printf u > $c; printf '%01000d' 1 > $c; printf '\\n' > $c; printf ':unothing' > $c") ;
  restarts() ;
  stops_well() ;
}
END_TEST

/* Settings that would block a reader, or are no settings. */
START_TEST(settings_are_fifos_and_devices)
{
  with_service() ;
  boot() ;
  box_ask(b, "cd " SERVICE " && mkfifo timeout-kill && ln -s /dev/zero down-signal && mkdir timeout-finish && head -c 5000 /dev/zero > notification-fd && ln -s /dev/tty max-death-tally") ;
  restarts() ;
  ck_assert(box_says(b, "timeout-kill is not a regular file")) ;
  stops_well() ;
}
END_TEST

START_TEST(odd_names)
{
  with_service() ;
  box_file(b, "etc/cont-init.d/10", 0755,
    "#!/bin/sh\nfor n in \"$(printf 'new\\nline')\" \"$(printf '\\033[31mred')\" \"$(printf '%0255d' 7)\" ' blank ' '-dash' 'a:b'; do\n"
    "mkdir \"/run/service/$n\" || exit 1; printf '#!/bin/sh\\nexec actor up odd\\n' > \"/run/service/$n/run\"; chmod +x \"/run/service/$n/run\"; done\n") ;
  boot() ;
  for (int i = 0 ; i < 6 ; i++) box_event(b, "odd") ;
  /* no control character of a name reaches the log */
  box_ask(b, "printf '#!/bin/sh\\nexit 1\\n' > /run/service/\"$(printf '\\033[31mred')\"/finish; echo 0 > /run/service/\"$(printf '\\033[31mred')\"/timeout-kill; echo x > /run/service/\"$(printf '\\033[31mred')\"/down-signal;"
    "s6-svc -r /run/service/\"$(printf '\\033[31mred')\"") ;
  box_event(b, "odd") ;
  box_expect(b, "\\x1b[31mred: down-signal says \"x\"") ;
  ck_assert(!strchr(box_output(b), 033)) ;
  stops_well() ;
}
END_TEST

START_TEST(ten_thousand_scripts)
{
  with_service() ;
  char name[64] ;
  int n = box_is_sanitized(b) ? 1000 : 10000 ;
  for (int i = 0 ; i < n ; i++)
  {
    snprintf(name, sizeof name, "etc/cont-init.d/s%05d", i) ;
    box_link(b, name, "/bin/actor") ;
  }
  boot() ;
  snprintf(name, sizeof name, "] s%05d: exited ", n - 1) ;
  ck_assert(box_says(b, name)) ;
  stops_well() ;
}
END_TEST

START_TEST(notification_fd_1023)
{
  with_service() ;
  box_file(b, "etc/services.d/one/notification-fd", 0644, "1023\n") ;
  box_file(b, "etc/services.d/one/run", 0755, "#!/bin/sh\nexec actor ready 1023 'one up'\n") ;
  boot() ;
  box_ask(b, "s6-svwait -U " SERVICE) ;
  stops_well() ;
}
END_TEST

/* A service may flood its readiness pipe, or write to it without end of line. */
START_TEST(readiness_without_a_newline)
{
  with_service() ;
  box_file(b, "etc/services.d/one/notification-fd", 0644, "3\n") ;
  box_file(b, "etc/services.d/one/run", 0755, "#!/bin/sh\nhead -c 100000 /dev/zero >&3\nexec actor up 'one up'\n") ;
  boot() ;
  ck_assert_int_ne(exited(box_sh(b, "s6-svstat -o ready " SERVICE " | grep -q true").status), 0) ;
  stops_well() ;
}
END_TEST

START_TEST(environment_with_odd_names)
{
  static char const *const env[] = { "A/B=1", "..=2", ".=3", "GOOD=yes", 0 } ;
  struct box_how const how = { .env = env } ;
  with_service() ;
  box_boot(b, &how, (char *)0) ;
  box_event(b, "one up") ;
  ck_assert_str_eq(box_ask(b, "cat /run/s6/container_environment/GOOD"), "yes\n") ;
  ck_assert(!box_exists(b, "run/s6/container_environment/A")) ;
  ck_assert(box_says(b, "A/B")) ;
  stops_well() ;
}
END_TEST

/* The scan directory goes away under it. */
START_TEST(scan_directory_vanishes)
{
  with_service() ;
  boot() ;
  box_ask(b, "rm -r /run/service/* /run/s6/legacy-services; printf a > /run/service/.s6-svscan/control; mv /run/service /run/elsewhere") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  victim_is_whole() ;
  box_free(b) ;
}
END_TEST

START_TEST(no_proc)
{
  struct box_how const how = { .flags = BOX_NO_PROC } ;
  with_service() ;
  /* AddressSanitizer finds our stack by way of /proc */
  if (box_is_sanitized(b)) return ;
  box_boot(b, &how, (char *)0) ;
  box_event(b, "one up") ;
  box_ask(b, "s6-svc -r " SERVICE) ;
  box_event(b, "one up") ;
  stops_well() ;
}
END_TEST

/* /run is full: states cannot be published, supervision goes on; when there is room again so do they. */
START_TEST(run_is_full)
{
  with_service() ;
  box_file(b, "run.d/10.sh", 0755, "mkdir -p /small && mount -t tmpfs -o size=64k small /small || exit 0\n") ;
  box_file(b, "etc/cont-init.d/10", 0755, "#!/bin/sh\nmkdir /small/supervise && mkdir -p /run/service/full && ln -s /small/supervise /run/service/full/supervise\n"
    "printf '#!/bin/sh\\nexec actor up \"full up\"\\n' > /run/service/full/run; chmod +x /run/service/full/run\n") ;
  boot() ;
  box_event(b, "full up") ;
  box_sh(b, "cat /dev/zero > /small/fill") ;
  box_ask(b, "s6-svc -r /run/service/full") ;
  box_event(b, "full up") ;
  box_expect(b, "unable to publish the state of full") ;
  box_ask(b, "rm /small/fill && s6-svc -r /run/service/full") ;
  box_event(b, "full up") ;
  box_expect(b, "states can be published again") ;
  stops_well() ;
}
END_TEST

static void raise_segv (char const *how)
{
  box_ask(b, how) ;
  box_expect(b, "executed again, every service goes on as it was") ;
}

/* From inside, as the container's own root: each fault signal. */
START_TEST(fault_signals_from_inside)
{
  static char const *const kills[] = { "kill -SEGV 1", "kill -BUS 1", "kill -FPE 1", "kill -ILL 1", "kill -ABRT 1", "kill -SYS 1" } ;
  with_service() ;
  boot() ;
  char pid[32] ;
  snprintf(pid, sizeof pid, "%s", box_ask(b, "s6-svstat -o pid " SERVICE)) ;
  for (size_t i = 0 ; i < sizeof kills / sizeof kills[0] ; i++) raise_segv(kills[i]) ;
  ck_assert_str_eq(box_ask(b, "s6-svstat -o pid " SERVICE), pid) ;
  ck_assert_uint_eq(box_event_count(b, "one up"), 1) ;
  stops_well() ;
}
END_TEST

int main (void)
{
  TCase *attacks = box_case("trust"), *harsh = box_case("harsh") ;
  TCase *const cases[] = { attacks, harsh } ;
  tcase_add_test(attacks, a_listener_that_is_a_symlink) ;
  tcase_add_test(attacks, a_listener_that_is_a_file_or_a_full_fifo) ;
  tcase_add_test(attacks, status_replaced_by_a_symlink) ;
  tcase_add_test(attacks, status_replaced_by_a_directory) ;
  tcase_add_test(attacks, supervise_replaced) ;
  tcase_add_test(attacks, supervise_and_event_vanish) ;
  tcase_add_test(attacks, event_belongs_to_somebody) ;
  tcase_add_test(attacks, supervise_belongs_to_somebody) ;
  tcase_add_test(attacks, supervise_leads_elsewhere) ;
  tcase_add_loop_test(attacks, supervise_is_full_of_traps, 0, 3) ;
  tcase_add_test(attacks, down_leads_elsewhere) ;
  tcase_add_test(attacks, a_listener_that_is_a_device) ;
  tcase_add_test(attacks, environment_of_a_former_life) ;
  tcase_add_test(attacks, nobody_else_supervises) ;
  tcase_add_test(attacks, no_stray_close_drops_the_locks) ;
  tcase_add_test(attacks, a_dangling_supervise_link) ;
  tcase_add_test(attacks, control_replaced) ;
  tcase_add_test(attacks, garbage_and_floods_on_control) ;
  tcase_add_test(attacks, half_written_commands) ;
  tcase_add_test(attacks, settings_are_fifos_and_devices) ;
  tcase_add_test(attacks, odd_names) ;
  tcase_add_test(attacks, ten_thousand_scripts) ;
  tcase_add_test(attacks, notification_fd_1023) ;
  tcase_add_test(attacks, readiness_without_a_newline) ;
  tcase_add_test(attacks, environment_with_odd_names) ;
  tcase_add_test(harsh, scan_directory_vanishes) ;
  tcase_add_test(harsh, no_proc) ;
  tcase_add_test(harsh, run_is_full) ;
  tcase_add_test(harsh, fault_signals_from_inside) ;
  return box_main("trust", cases, 2) ;
}
