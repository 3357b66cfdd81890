/* ISC license. */

/*
   floor SERVICES SCRIPTS: what the kernel charges and nothing else. A PID 1
   that clones and executes the same scripts, one after the other, and the same
   services, and waits. It supervises nothing: no state, no directory read, no
   message. That a service killed by KILL is cloned and executed again is there
   for one figure, "restart": the least that any PID 1 must do for it.
*/

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SERVICES_MAX 10000

static pid_t pids[SERVICES_MAX] ;
static volatile sig_atomic_t stopping ;

static void stop (int sig)
{
  stopping = 1 ;
  kill(-1, sig) ;
}

static pid_t start (char const *format, unsigned int number)
{
  pid_t pid ;
  char path[64] ;
  char *argv[2] = { path, 0 } ;
  snprintf(path, sizeof path, format, number) ;
  pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) ;
  if (pid) return pid ;
  execv(path, argv) ;
  _exit(127) ;
}

static void start_service (unsigned int i)
{
  pids[i] = start("/etc/services.d/s%04u/run", i) ;
}

static void run_scripts (unsigned int n)
{
  for (unsigned int i = 0 ; i < n ; i++)
    waitpid(start("/etc/cont-init.d/%03u", i), 0, 0) ;
}

static void restart (pid_t pid, unsigned int n)
{
  for (unsigned int i = 0 ; i < n ; i++)
    if (pids[i] == pid)
    {
      start_service(i) ;
      return ;
    }
}

int main (int argc, char **argv)
{
  unsigned int services, scripts ;
  struct sigaction sa = { .sa_handler = &stop, .sa_flags = SA_RESTART } ;
  if (argc < 3) return 100 ;
  services = (unsigned int)atoi(argv[1]) ;
  scripts = (unsigned int)atoi(argv[2]) ;
  if (services > SERVICES_MAX) return 100 ;
  sigaction(SIGTERM, &sa, 0) ;
  run_scripts(scripts) ;
  for (unsigned int i = 0 ; i < services ; i++) start_service(i) ;
  for (;;)
  {
    int status ;
    pid_t pid = waitpid(-1, &status, 0) ;
    if (pid < 0)
    {
      if (stopping) return 0 ;
      pause() ;
    }
    else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && !stopping)
      restart(pid, services) ;
  }
}
