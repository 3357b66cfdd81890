/* ISC license. */

/*
   stdout a full pipe, a closed pipe; many services at a small limit of descriptors: supervision goes
   on undisturbed. The box's own end of the output is not read until the end (stopped reader) or
   closed (gone reader).
*/

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "box.h"

#define MANY 1000
#define HARD_LIMIT 20000

/* Services that flood the container's stdout: it fills, they hang, PID 1 must not. */
START_TEST(a_reader_that_does_not_read)
{
  /* a full pipe, and a terminal that hangs */
  struct box_how const how = { .flags = _i ? BOX_TERMINAL : 0 } ;
  box *b = box_new(0) ;
  int status ;
  box_file(b, "etc/services.d/flood/run", 0755, "#!/bin/sh\nexec yes flood\n") ;
  box_file(b, "etc/services.d/one/run", 0755, "#!/bin/sh\nexec actor up 'one up'\n") ;
  /* says something itself at each start: a bad setting */
  box_file(b, "etc/services.d/one/timeout-kill", 0644, "nonsense\n") ;
  box_boot(b, &how, (char *)0) ;
  b->output.fd = -1 ;      /* nobody reads from now on */
  box_event(b, "one up") ;
  for (int i = 0 ; i < 20 ; i++)
  {
    struct box_result r = box_sh(b, "s6-svc -r /run/service/one") ;
    ck_assert_int_eq(exited(r.status), 0) ;
    box_event(b, "one up") ;
  }
  kill(box_pid(b), SIGTERM) ;
  while (waitpid(box_pid(b), &status, 0) < 0) ;
  ck_assert_int_eq(exited(status), 0) ;
}
END_TEST

START_TEST(a_reader_that_is_gone)
{
  box *b = box_new(0) ;
  int status ;
  box_file(b, "etc/services.d/one/run", 0755, "#!/bin/sh\nexec actor up 'one up'\n") ;
  box_file(b, "etc/services.d/one/timeout-kill", 0644, "nonsense\n") ;
  box_gate(b, "begin") ;
  box_file(b, "etc/cont-init.d/10", 0755, "#!/bin/sh\nread x < /gates/begin\n") ;
  box_boot(b, 0, (char *)0) ;
  close(b->output.fd) ;
  b->output.fd = -1 ;
  box_open_gate(b, "begin") ;
  box_event(b, "one up") ;
  ck_assert_int_eq(exited(box_sh(b, "s6-svc -r /run/service/one").status), 0) ;
  box_event(b, "one up") ;
  /* the services keep the signal's default: a pipe without reader kills who writes to it, as ever */
  /* 32 and 33 are libc's own: whoever runs us may have them ignored */
  ck_assert_str_eq(box_ask(b, "set -- $(grep SigIgn /proc/$(s6-svstat -o pid /run/service/one)/status) && echo $((0x$2 & ~0x180000000))"), "0\n") ;
  kill(box_pid(b), SIGTERM) ;
  while (waitpid(box_pid(b), &status, 0) < 0) ;
  ck_assert_int_eq(exited(status), 0) ;
}
END_TEST

/* PID 1 takes the hard limit for itself; its children get the soft one that was. */
START_TEST(many_services)
{
  struct rlimit const limit = { .rlim_cur = 256, .rlim_max = HARD_LIMIT } ;
  struct rlimit old ;
  box *b = box_new(0) ;
  char name[64] ;
  getrlimit(RLIMIT_NOFILE, &old) ;
  for (int i = 0 ; i < MANY ; i++)
  {
    snprintf(name, sizeof name, "etc/services.d/s%04d/run", i) ;
    box_file(b, name, 0755, "#!/bin/sh\nexec actor up up\n") ;
  }
  box_file(b, "etc/services.d/limit/run", 0755, "#!/bin/sh\nulimit -Sn > /soft; ulimit -Hn > /hard; exec actor up limited\n") ;
  ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0) ;
  box_boot(b, 0, (char *)0) ;
  setrlimit(RLIMIT_NOFILE, &old) ;
  for (int i = 0 ; i < MANY ; i++) box_event(b, "up") ;
  box_event(b, "limited") ;
  ck_assert_str_eq(box_read(b, "soft"), "256\n") ;
  ck_assert_str_eq(box_read(b, "hard"), "20000\n") ;
  ck_assert_int_le(atoi(box_ask(b, "ls /proc/1/fd | wc -l")), 2 * MANY + 64) ;
  ck_assert_int_eq(box_stop(b), 0) ;
  box_free(b) ;
}
END_TEST

int main (void)
{
  TCase *t = box_case("stdio") ;
  TCase *const cases[] = { t } ;
  tcase_add_loop_test(t, a_reader_that_does_not_read, 0, 2) ;
  tcase_add_test(t, a_reader_that_is_gone) ;
  tcase_add_test(t, many_services) ;
  return box_main("stdio", cases, 1) ;
}
