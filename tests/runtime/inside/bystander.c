/* ISC license. */

/*
   bystander: PID 1 of the PID namespace that a container is made to share, and a second process
   beside it. Neither has anything to do with the container; both block every signal but URG, so
   that one that was sent to them is still there to be seen when they are asked.

   Says "bystander up" on /events; waits for a line on /cell/ask; then says

     bystander STATE PENDING PENDING processes N

   the second process's state and the signals pending for each of the two, thread's and process's
   in one number, and how many processes the namespace has.
*/

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static void event (char const *line)
{
  int fd = open("/events", O_WRONLY) ;
  if (fd < 0 || write(fd, line, strlen(line)) < 0) exit(111) ;
  close(fd) ;
}

static void status_of (pid_t pid, char *state, unsigned long long *pending)
{
  char path[64], line[256] ;
  unsigned long long n ;
  snprintf(path, sizeof path, "/proc/%d/status", (int)pid) ;
  FILE *f = fopen(path, "r") ;
  *pending = 0 ;
  *state = '?' ;
  while (f && fgets(line, sizeof line, f))
  {
    sscanf(line, "State: %c", state) ;
    if (sscanf(line, "SigPnd: %llx", &n) == 1 || sscanf(line, "ShdPnd: %llx", &n) == 1) *pending |= n ;
  }
  if (f) fclose(f) ;
}

static int count_processes (void)
{
  DIR *dir = opendir("/proc") ;
  int n = 0 ;
  if (!dir) return -1 ;
  for (struct dirent *d ; (d = readdir(dir)) ;) n += d->d_name[0] >= '1' && d->d_name[0] <= '9' ;
  closedir(dir) ;
  return n ;
}

static void report (pid_t other)
{
  char line[256], state ;
  unsigned long long of_other, ours ;
  status_of(getpid(), &state, &ours) ;
  status_of(other, &state, &of_other) ;
  /* a slow machine has not yet let it go to sleep */
  if (state == 'R') state = 'S' ;
  snprintf(line, sizeof line, "bystander %c %llx %llx processes %d\n", state, ours, of_other, count_processes()) ;
  event(line) ;
}

int main (void)
{
  sigset_t all ;
  char c ;
  sigfillset(&all) ;
  /* runc hands on the URG that Go's own scheduler sends to it */
  sigdelset(&all, SIGURG) ;
  sigprocmask(SIG_BLOCK, &all, 0) ;
  pid_t other = fork() ;
  if (other < 0) return 111 ;
  if (!other)
  {
    prctl(PR_SET_PDEATHSIG, SIGKILL) ;
    pause() ;
    return 111 ;
  }
  event("bystander up\n") ;
  int fd = open("/cell/ask", O_RDONLY) ;
  if (fd < 0 || read(fd, &c, 1) < 1) return 111 ;
  report(other) ;
  return 0 ;
}
