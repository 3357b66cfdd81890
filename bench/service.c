/* ISC license. */

/*
   The service of the benchmark: says that it runs by one byte in the fifo
   that the harness reads, then waits for TERM and exits 0.
   TERM is blocked first: once the byte is out, no stop can kill it.
*/

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

int main (void)
{
  sigset_t term ;
  int fd, got ;
  sigemptyset(&term) ;
  sigaddset(&term, SIGTERM) ;
  sigprocmask(SIG_BLOCK, &term, 0) ;
  fd = open("/bench/fifo", O_WRONLY | O_CLOEXEC) ;
  if (fd < 0) return 111 ;
  if (write(fd, "r", 1) < 1) return 111 ;
  close(fd) ;
  return sigwait(&term, &got) ? 111 : 0 ;
}
