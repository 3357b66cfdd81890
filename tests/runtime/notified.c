/* ISC license. */

/*
   notified PATH: whom NOTIFY_SOCKET=PATH tells. Says "listening", then every message line by line,
   until there is nobody to say it to.
*/

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int die (char const *what)
{
  fprintf(stderr, "notified: fatal: unable to %s: %s\n", what, strerror(errno)) ;
  return 111 ;
}

int main (int argc, char const *const *argv)
{
  struct sockaddr_un a = { .sun_family = AF_UNIX } ;
  char message[4096] ;
  if (argc != 2 || strlen(argv[1]) >= sizeof a.sun_path) return fprintf(stderr, "notified: usage: notified PATH\n"), 100 ;
  strcpy(a.sun_path, argv[1]) ;
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) ;
  if (fd < 0 || bind(fd, (struct sockaddr const *)&a, sizeof a) < 0 || chmod(argv[1], 0666) < 0) return die("listen") ;
  if (printf("listening\n") < 0 || fflush(stdout)) return die("say so") ;
  for (;;)
  {
    ssize_t n = recv(fd, message, sizeof message, 0) ;
    if (n < 0) return die("receive") ;
    if (printf("%.*s\n", (int)n, message) < 0 || fflush(stdout)) return 0 ;
  }
}
