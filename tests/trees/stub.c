/* ISC license. */

/*
   stub: stands for any program that a checkout calls and this machine has not (tests/trees/run
   links it to their names). It does what such a program would do as far as PID 1 can see it:

     as a service's own process   says that it is ready if there is a notification-fd, reads what a
                                  logger gets, and waits for TERM, INT or QUIT
     anywhere else                ends with 0 at once

   Static and alone, so that it runs in any root.
*/

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The first bytes of PATH with %s as the service's name; 0 when there is none. */
static int service_file (char const *path, char *text, size_t size)
{
  char full[512] ;
  char const *name = getenv("SERVICE_NAME") ;
  ssize_t n ;
  int fd ;
  if (!name) return 0 ;
  snprintf(full, sizeof full, path, name) ;
  fd = open(full, O_RDONLY) ;
  if (fd < 0) return 0 ;
  n = read(fd, text, size - 1) ;
  close(fd) ;
  text[n > 0 ? n : 0] = 0 ;
  return n > 0 ;
}

static int is_oneshot (void)
{
  char type[16] ;
  if (getenv("RC_NAME")) return 1 ;
  return service_file("/etc/s6-overlay/s6-rc.d/%s/type", type, sizeof type) && !strncmp(type, "oneshot", 7) ;
}

/* PID 1 gives a service a session of its own. */
static int is_main (void)
{
  return getpid() == getsid(0) && !is_oneshot() ;
}

static void say_ready (void)
{
  char text[16] ;
  struct stat st ;
  int fd ;
  if (!service_file("/run/service/%s/notification-fd", text, sizeof text)) return ;
  fd = atoi(text) ;
  if (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode) && write(fd, "\n", 1) < 1) _exit(111) ;
}

static void end (int sig)
{
  (void)sig ;
  _exit(0) ;
}

/* A logger's pipe ends when nobody writes any more. */
static void read_all (void)
{
  char sink[4096] ;
  struct stat st ;
  if (fstat(0, &st) < 0 || !S_ISFIFO(st.st_mode)) return ;
  while (read(0, sink, sizeof sink) > 0) ;
  _exit(0) ;
}

int main (void)
{
  if (!is_main()) return 0 ;
  signal(SIGTERM, &end) ;
  signal(SIGINT, &end) ;
  signal(SIGQUIT, &end) ;
  signal(SIGHUP, SIG_IGN) ;
  say_ready() ;
  read_all() ;
  for (;;) pause() ;
}
