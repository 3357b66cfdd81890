/* ISC license. */

/*
   What whoever runs the container hears of us: sd_notify on NOTIFY_SOCKET (`podman
   --sdnotify=container`, systemd): READY=1 when the boot is done and every service that says when
   it is ready has said so, STOPPING=1, STATUS=. One datagram each, never waited for.
*/

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "svscan.h"

/* The address in NOTIFY_SOCKET: a path, or `@` and a name in the abstract namespace. Its length,
   or 0 when there is none that we can use. */
static socklen_t address (struct sockaddr_un *a)
{
  char path[sizeof a->sun_path] ;
  size_t n ;
  if (!conf_text("NOTIFY_SOCKET", path, sizeof path)) return 0 ;
  n = strlen(path) ;
  if (path[0] != '/' && path[0] != '@')
  {
    say(SAY_WARNING, "NOTIFY_SOCKET=", path, " is neither a path nor @ and a name: nobody is notified") ;
    return 0 ;
  }
  memset(a, 0, sizeof *a) ;
  a->sun_family = AF_UNIX ;
  memcpy(a->sun_path, path, n) ;
  if (path[0] == '@') a->sun_path[0] = 0 ;
  return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + (path[0] != '@')) ;
}

static void notify (char const *message)
{
  struct sockaddr_un a ;
  socklen_t len = ledger->container ? address(&a) : 0 ;
  int fd ;
  if (!len) return ;
  fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0) ;
  if (fd < 0 || sendto(fd, message, strlen(message), MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&a, len) < 0)
    say_sys(SAY_WARNING, errno, "unable to notify NOTIFY_SOCKET") ;
  if (fd >= 0) close(fd) ;
}

void outside_ready (void)
{
  char text[128] = "READY=1\nSTATUS=ready after " ;
  strcat(text, DURATION(mono_now() - ledger->boot_started)) ;
  notify(text) ;
}

void outside_stopping (void)
{
  notify("STOPPING=1\nSTATUS=stopping") ;
}
