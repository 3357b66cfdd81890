/* ISC license. */

/*
   What doc/reliability.md promises besides: the CMD's terminal, deadlines, the message of a fault,
   another build in a running container, a service that the OOM killer took (cgroup v2; v1 is
   test_oom), a run directory that is full.
*/

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "../container/box.h"
#include "ledger.h"

#define SERVICE "/run/service/one"

static box *b ;

static void with_service (void)
{
  b = box_new(0) ;
  box_file(b, "etc/services.d/one/run", 0755, "#!/bin/sh\nexec actor up 'one up'\n") ;
}

static void fault (unsigned int n)
{
  char text[64] ;
  box_ask(b, "kill -SEGV 1") ;
  snprintf(text, sizeof text, "fault %u in PID 1: signal SEGV sent by pid ", n) ;
  box_expect(b, text) ;
}

START_TEST(the_cmd_keeps_its_terminal)
{
  struct box_how const how = { .flags = BOX_TERMINAL } ;
  with_service() ;
  box_boot(b, &how, "sh", "-c", "echo ask; while read -r x; do echo \"got $x.\"; done", (char *)0) ;
  box_expect(b, "ask") ;
  box_type(b, "one\n") ;
  box_expect(b, "got one.") ;
  fault(1) ;
  box_type(b, "two\n") ;
  box_expect(b, "got two.") ;
  box_type(b, "\004") ;
  ck_assert_int_eq(box_exit_code(b), 0) ;
  box_free(b) ;
}
END_TEST

/* One message a fault: signal, sender, count; the count is in svctl status too. */
START_TEST(each_fault_is_told_once)
{
  unsigned int n = 0 ;
  with_service() ;
  box_boot(b, 0, (char *)0) ;
  box_event(b, "one up") ;
  for (unsigned int i = 1 ; i <= 7 ; i++) fault(i) ;
  ck_assert(strstr(box_ask(b, "svctl status"), "PID 1 survived 7 faults") != 0) ;
  ck_assert_int_eq(box_stop(b), 0) ;
  for (char const *p = box_output(b) ; (p = strstr(p, "error: fault ")) ; p++) n++ ;
  ck_assert_uint_eq(n, 7) ;
  ck_assert_uint_eq(box_event_count(b, "one up"), 1) ;
  box_free(b) ;
}
END_TEST

/* ---- deadlines */

static struct header const *ledger_of (size_t *size)
{
  char path[64], link[64] ;
  for (int fd = 3 ; fd < 64 ; fd++)
  {
    ssize_t n ;
    snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)box_pid(b), fd) ;
    n = readlink(path, link, sizeof link - 1) ;
    if (n < 0 || strncmp(link, "/memfd:keelson", sizeof "/memfd:keelson" - 1)) continue ;
    fd = open(path, O_RDONLY | O_CLOEXEC) ;
    return fd < 0 ? 0 : ledger_view(fd, size) ;
  }
  return 0 ;
}

static int64_t deadline_of (char const *name)
{
  size_t size = 0 ;
  struct header const *h = ledger_of(&size) ;
  int64_t deadline = 0 ;
  ck_assert(h != 0) ;
  for (uint32_t i = 0 ; i < h->slots ; i++)
  {
    struct slot const *s = slot_of((struct header *)h, i) ;
    if (s->used && !strcmp(s->name, name)) deadline = slot_now(s)->deadline ;
  }
  munmap((void *)h, size) ;
  return deadline ;
}

static void deaf (char const *name, char const *timeout_kill)
{
  char path[64], script[256] ;
  snprintf(path, sizeof path, "etc/services.d/%s/run", name) ;
  snprintf(script, sizeof script, "#!/bin/sh\ntrap '' TERM\necho '%s up' > /events\nread x < /gates/never\n", name) ;
  box_file(b, path, 0755, script) ;
  snprintf(path, sizeof path, "etc/services.d/%s/finish", name) ;
  snprintf(script, sizeof script, "#!/bin/sh\necho \"%s finish $1 $2\" > /events\n", name) ;
  box_file(b, path, 0755, script) ;
  snprintf(path, sizeof path, "etc/services.d/%s/timeout-kill", name) ;
  box_file(b, path, 0644, timeout_kill) ;
}

/* A deadline stays where it was, however often PID 1 is executed again before it; and it runs out. */
START_TEST(deadlines_stay)
{
  int64_t before ;
  with_service() ;
  deaf("patient", "100000000\n") ;
  deaf("short", "1000\n") ;
  box_gate(b, "never") ;
  box_boot(b, 0, (char *)0) ;
  box_event(b, "patient up") ;
  box_event(b, "short up") ;
  box_ask(b, "s6-svc -d /run/service/patient; s6-svc -d /run/service/short; svctl rescan") ;
  before = deadline_of("patient") ;
  ck_assert(before != NEVER && before > 0) ;
  for (unsigned int i = 1 ; i <= 5 ; i++) fault(i) ;
  ck_assert(deadline_of("patient") == before) ;
  box_event(b, "short finish 256 9") ;
  box_ask(b, "s6-svc -k /run/service/patient") ;
  box_event(b, "patient finish 256 9") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  box_free(b) ;
}
END_TEST

/* ---- another build */

/* From the static binary to the one of build/dev, which is another compiler's, with another libc. A
   fault after that goes back into the new one. */
START_TEST(another_build_in_a_running_container)
{
  char pid[32] ;
  with_service() ;
  box_program(b, "build/dev/keelson") ;
  box_boot(b, 0, (char *)0) ;
  box_event(b, "one up") ;
  snprintf(pid, sizeof pid, "%s", box_ask(b, "s6-svstat -o pid " SERVICE)) ;
  box_ask(b, "cp /usr/bin/keelson /command/new && mv /command/new /command/keelson && svctl reexec") ;
  box_ask(b, "cmp /proc/1/exe /usr/bin/keelson") ;
  fault(1) ;
  box_ask(b, "cmp /proc/1/exe /usr/bin/keelson") ;
  ck_assert_str_eq(box_ask(b, "s6-svstat -o pid " SERVICE), pid) ;
  ck_assert_uint_eq(box_event_count(b, "one up"), 1) ;
  box_ask(b, "s6-svc -r " SERVICE) ;
  box_event(b, "one up") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  box_free(b) ;
}
END_TEST

/* ---- memory */

static char const *score_of (char const *pid)
{
  char script[128] ;
  snprintf(script, sizeof script, "cat /proc/%s/oom_score_adj", pid) ;
  return box_ask(b, script) ;
}

#define OF_SERVICE "$(s6-svstat -o pid " SERVICE ")"

/* Lowering one's own is for the privileged, which we may not be: a file stands for PID 1's. Its
   children get what was there, which is more than nothing and so allowed to anybody. */
START_TEST(oom_score)
{
  struct box_how const how = { .init = "/first" } ;
  with_service() ;
  box_file(b, "score", 0644, "250\n") ;
  box_file(b, "first", 0755, "#!/bin/sh\nmount -o bind /score /proc/1/oom_score_adj && exec /init\n") ;
  box_boot(b, &how, (char *)0) ;
  box_event(b, "one up") ;
  box_ask(b, "svctl ready --wait; svctl rescan; svctl rescan") ;
  ck_assert_str_eq(score_of("1"), "-1000") ;
  for (unsigned int i = 1 ; i <= 2 ; i++)
  {
    box_ask(b, "s6-svc -r " SERVICE) ;
    box_event(b, "one up") ;
    ck_assert_str_eq(score_of(OF_SERVICE), "250\n") ;
    fault(i) ;
  }
  ck_assert_str_eq(score_of("1"), "-1000") ;
  ck_assert_int_eq(box_stop(b), 0) ;
  box_free(b) ;
}
END_TEST

/* The kernel here may have no memory controller of v2: a file stands for its counter. */
START_TEST(oom_of_cgroup_2)
{
  static char const told[] = "service one was taken by the kernel's OOM killer" ;
  with_service() ;
  box_file(b, "sys/fs/cgroup/memory.events", 0644, "low 0\nhigh 0\nmax 0\noom 0\noom_kill 3\noom_group_kill 0\n") ;
  box_file(b, "cgroup", 0644, "0::/\n") ;
  box_file(b, "run.d/10.sh", 0755, "mount -o bind /cgroup /proc/1/cgroup\n") ;
  box_boot(b, 0, (char *)0) ;
  box_event(b, "one up") ;
  /* somebody's kill -9 */
  box_ask(b, "s6-svc -k " SERVICE) ;
  box_event(b, "one up") ;
  ck_assert(!box_says(b, told)) ;
  box_ask(b, "sed -i s/oom_kill.3/oom_kill\\ 4/ /sys/fs/cgroup/memory.events && s6-svc -k " SERVICE) ;
  box_event(b, "one up") ;
  box_expect(b, told) ;
  ck_assert(strstr(box_ask(b, "svctl status one"), "OOM") != 0) ;
  ck_assert_int_eq(box_stop(b), 0) ;
  box_free(b) ;
}
END_TEST

/* What s6-svstat shows is the truth. */
static void is_published (unsigned int deaths)
{
  char script[256] ;
  snprintf(script, sizeof script, "s6-svwait -u " SERVICE " && p=$(s6-svstat -o pid " SERVICE ") && [ $(cat /proc/$p/comm) = actor ]"
    " && [ $(wc -c < " SERVICE "/supervise/death_tally) -eq $((14 * %u)) ]", deaths) ;
  box_ask(b, script) ;
}

static void vital (void)
{
  box_file(b, "etc/services.d/vital/run", 0755, "#!/bin/sh\nexec actor answer 'vital up' 5\n") ;
  box_file(b, "etc/services.d/vital/critical", 0644, "") ;
}

/* ---- no space on /run: supervision goes on, and what could not be written is made good. */
START_TEST(the_run_directory_is_full)
{
  struct box_how const how = { .flags = BOX_TMPFS_RUN } ;
  with_service() ;
  vital() ;
  box_boot(b, &how, (char *)0) ;
  box_event(b, "one up") ;
  box_event(b, "vital up") ;
  box_ask(b, "mount -o remount,size=1m /run && ! cat /dev/zero > /run/fill") ;
  box_ask(b, "s6-svc -r " SERVICE) ;
  box_event(b, "one up") ;
  box_expect(b, "unable to publish the state of one") ;
  /* nothing more happens to the service: it is tried again until there is room */
  box_ask(b, "rm /run/fill") ;
  box_expect(b, "states can be published again") ;
  is_published(1) ;
  /* full again at the end: the code is not lost */
  box_sh(b, "cat /dev/zero > /run/fill; s6-svc -t /run/service/vital") ;
  ck_assert_int_eq(box_exit_code(b), 5) ;
  box_free(b) ;
}
END_TEST

/* The kernel makes no mount read-only in which PID 1 has its lock files open: these directories become
   read-only mounts of their own. */
static void read_only (char const *dir)
{
  char script[256] ;
  snprintf(script, sizeof script, "d=$(readlink -f %s) && mount -o bind $d $d && mount -o remount,bind,ro $d && ! touch $d/x", dir) ;
  box_ask(b, script) ;
}

/* Read-only for a while: nobody has to ask again for what could not be written. */
START_TEST(the_run_directory_is_read_only)
{
  struct box_how const how = { .flags = BOX_TMPFS_RUN } ;
  unsigned int told = 0 ;
  with_service() ;
  vital() ;
  box_boot(b, &how, (char *)0) ;
  box_event(b, "vital up") ;
  box_event(b, "one up") ;
  box_ask(b, "s6-svwait -u " SERVICE) ;
  read_only(SERVICE "/supervise") ;
  for (unsigned int i = 0 ; i < 3 ; i++)
  {
    box_ask(b, "s6-svc -r " SERVICE) ;
    box_event(b, "one up") ;
  }
  box_expect(b, "unable to publish the state of one, supervision goes on") ;
  fault(1) ;
  /* owed still, and tried again by the next life */
  box_expect(b, "unable to publish the state of one, supervision goes on") ;
  box_ask(b, "umount $(readlink -f " SERVICE ")/supervise") ;
  box_expect(b, "states can be published again") ;
  is_published(3) ;
  read_only("/run/s6-linux-init-container-results") ;
  /* and the end of it all: the code cannot be written, and is not lost */
  box_sh(b, "s6-svc -t /run/service/vital") ;
  ck_assert_int_eq(box_exit_code(b), 5) ;
  for (char const *p = box_output(b) ; (p = strstr(p, "unable to publish")) ; p++) told++ ;
  /* once in each life of PID 1 */
  ck_assert_uint_eq(told, 2) ;
  box_free(b) ;
}
END_TEST

int main (void)
{
  TCase *t = box_case("promises") ;
  TCase *const cases[] = { t } ;
  tcase_add_test(t, the_cmd_keeps_its_terminal) ;
  tcase_add_test(t, each_fault_is_told_once) ;
  tcase_add_test(t, deadlines_stay) ;
  tcase_add_test(t, another_build_in_a_running_container) ;
  tcase_add_test(t, oom_score) ;
  tcase_add_test(t, oom_of_cgroup_2) ;
  tcase_add_test(t, the_run_directory_is_full) ;
  tcase_add_test(t, the_run_directory_is_read_only) ;
  return box_main("promises", cases, 1) ;
}
