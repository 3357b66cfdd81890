/* ISC license. What whoever runs the container hears: NOTIFY_SOCKET, /dev/termination-log. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "harness.h"

#define LOG "dev/termination-log"

/* A datagram socket in the abstract namespace, where the box finds it: it has our network. */
static int listen_at (char const *name)
{
  struct sockaddr_un a = { .sun_family = AF_UNIX } ;
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) ;
  strcpy(a.sun_path + 1, name) ;
  ck_assert_msg(fd >= 0 && !bind(fd, (struct sockaddr *)&a, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name))),
    "unable to make a socket: %s", strerror(errno)) ;
  return fd ;
}

static char const *heard (int fd)
{
  static char text[512] ;
  ssize_t r = recv(fd, text, sizeof text - 1, 0) ;
  ck_assert_msg(r > 0, "nothing came: %s", strerror(errno)) ;
  text[r] = 0 ;
  return text ;
}

/* Not when the CMD runs, which waits for nobody, but when the service has said that it is ready. */
START_TEST(test_notify)
{
  char address[64], variable[96] ;
  char const *const env[] = { variable, 0 } ;
  struct box_how how = { .env = env } ;
  box *b = box_new(0) ;
  int fd ;
  snprintf(address, sizeof address, "keelson-test-%d", (int)getpid()) ;
  snprintf(variable, sizeof variable, "NOTIFY_SOCKET=@%s", address) ;
  fd = listen_at(address) ;
  box_gate(b, "ready") ;
  box_file(b, "etc/services.d/slow/run", 0755, "#!/bin/sh\necho up > /events\nread x < /gates/ready\nexec actor ready 3 slow\n") ;
  box_file(b, "etc/services.d/slow/notification-fd", 0644, "3\n") ;
  box_boot(b, &how, "actor", "up", "cmd", (char *)0) ;
  box_event(b, "up") ;
  box_event(b, "cmd") ;
  box_ask(b, "svctl status") ;
  char c ;
  ck_assert_msg(recv(fd, &c, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN, "told before it is true") ;
  box_open_gate(b, "ready") ;
  ck_assert_ptr_nonnull(strstr(heard(fd), "READY=1\nSTATUS=ready after ")) ;
  box_signal(b, 15) ;
  ck_assert_str_eq(heard(fd), "STOPPING=1\nSTATUS=stopping") ;
  ck_assert_int_eq(box_exit_code(b), 0) ;
  ck_assert_msg(recv(fd, &c, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN, "told once too often") ;
  close(fd) ;
  box_free(b) ;
}
END_TEST

/* One sentence, and the container goes on. */
START_TEST(test_notify_nobody)
{
  static char const *const env[] = { "NOTIFY_SOCKET=/no/such/socket", 0 } ;
  struct box_how how = { .env = env } ;
  box *b = box_new(0) ;
  box_boot(b, &how, "true", (char *)0) ;
  ck_assert_int_eq(box_exit_code(b), 0) ;
  ck_assert(box_says(b, "warning: unable to notify NOTIFY_SOCKET: ")) ;
  box_free(b) ;
}
END_TEST

START_TEST(test_termination_log)
{
  box *b = box_new(0) ;
  box_file(b, LOG, 0666, "of a former life, and longer than what comes: 0123456789012345678901234567890123456789\n") ;
  box_boot(b, 0, "sh", "-c", "exit 7", (char *)0) ;
  ck_assert_int_eq(box_exit_code(b), 7) ;
  char text[512] ;
  snprintf(text, sizeof text, "%s", box_read(b, LOG)) ;
  ck_assert_int_eq(strncmp(text, "container ends with 7: CMD exited 7 after ", 42), 0) ;
  ck_assert_ptr_eq(strchr(text, '\n'), text + strlen(text) - 1) ;
  box_free(b) ;
}
END_TEST

/* Whoever could replace it could have any file written over by root. */
START_TEST(test_termination_link)
{
  box *b = box_new(0) ;
  box_file(b, "etc/precious", 0644, "precious\n") ;
  box_link(b, LOG, "/etc/precious") ;
  box_boot(b, 0, "true", (char *)0) ;
  ck_assert_int_eq(box_exit_code(b), 0) ;
  ck_assert_str_eq(box_read(b, "etc/precious"), "precious\n") ;
  box_free(b) ;
}
END_TEST

int main (void)
{
  TCase *outside = box_case("outside") ;
  tcase_add_test(outside, test_notify) ;
  tcase_add_test(outside, test_notify_nobody) ;
  tcase_add_test(outside, test_termination_log) ;
  tcase_add_test(outside, test_termination_link) ;
  return box_main("outside", &outside, 1) ;
}
