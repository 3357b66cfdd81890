/* ISC license. */

/*
   What the scenarios need and no shell can do without waiting for time:

     helper probe FIFO [NAME=CODE | NAME=ready | NAME=die | NAME=stay]…
       A service. Writes "up" and then the name of each signal it gets, one a line, into the
       fifo. When a NAME of the arguments was written it exits with that code, notifies
       readiness on descriptor 3, dies of the signal, or does nothing. TERM=die is understood.

     helper during DIR[:DIR]… PROGRAM [ARG]… -- THEN [ARG]…
       Starts PROGRAM; when it has subscribed to each event directory, and for those named
       …/event has then read the service's status, runs THEN; exits as PROGRAM.

     helper free FILE
       Waits until nobody holds a lock on the file.

     helper settled DIR
       Waits until the supervisor of DIR, if there is one, has done all that it was about: s6's
       tells of a change before it writes the status. It reads a letter that means nothing then.

     helper empty DIR
       Waits until there is nothing in the directory: s6's helper may outlive its client.
*/

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ ;

static _Noreturn void die (char const *what)
{
  fprintf(stderr, "helper: fatal: unable to %s: %s\n", what, strerror(errno)) ;
  exit(111) ;
}

/* ---------------------------------------------------------------- probe */

static void say (int fd, char const *s)
{
  char line[64] ;
  int n = snprintf(line, sizeof(line), "%s\n", s) ;
  if (write(fd, line, (size_t)n) != n) die("write to the fifo") ;
}

static void die_of (int sig)
{
  sigset_t set ;
  sigemptyset(&set) ;
  signal(sig, SIG_DFL) ;
  raise(sig) ;
  sigprocmask(SIG_SETMASK, &set, 0) ;
}

static char const *action (char const *name, char **args)
{
  size_t len = strlen(name) ;
  for ( ; *args ; args++)
    if (!strncmp(*args, name, len) && (*args)[len] == '=') return *args + len + 1 ;
  return strcmp(name, "TERM") ? "stay" : "die" ;
}

static void notify (void)
{
  if (write(3, "\n", 1) != 1) die("notify") ;
  close(3) ;
}

static void act (int fd, char const *name, int sig, char **args)
{
  char const *what = action(name, args) ;
  say(fd, name) ;
  if (!strcmp(what, "ready")) notify() ;
  else if (!strcmp(what, "die")) die_of(sig) ;
  else if (strcmp(what, "stay")) exit(atoi(what)) ;
}

static _Noreturn void probe (char **argv)
{
  sigset_t set ;
  int fd = open(argv[0], O_RDWR | O_CLOEXEC) ;
  if (fd < 0) die("open the fifo") ;
  sigfillset(&set) ;
  sigprocmask(SIG_BLOCK, &set, 0) ;
  act(fd, "up", 0, argv + 1) ;
  for (;;)
  {
    int sig ;
    if (!sigwait(&set, &sig)) act(fd, sigabbrev_np(sig), sig, argv + 1) ;
  }
}

/* ---------------------------------------------------------------- during */

static pid_t spawn (char **argv)
{
  pid_t pid = fork() ;
  if (pid == -1) die("fork") ;
  if (pid) return pid ;
  execvp(argv[0], argv) ;
  die("exec") ;
  return 0 ;
}

static void add_watch (int fd, char const *dir, uint32_t mask)
{
  if (inotify_add_watch(fd, dir, mask) < 0) die("watch a directory") ;
}

/* A client makes its fifo under another name and renames it; who waits for a service reads
   the status after that. Watches are numbered from 1; their number. */
static unsigned int watch (int fd, char *dirs)
{
  unsigned int n = 0 ;
  for (char *dir = strtok(dirs, ":") ; dir ; dir = strtok(0, ":"))
  {
    size_t len = strlen(dir) ;
    add_watch(fd, dir, IN_MOVED_TO) ;
    n++ ;
    if (len > 6 && !strcmp(dir + len - 6, "/event"))
    {
      char supervise[256] ;
      snprintf(supervise, sizeof(supervise), "%.*s/supervise", (int)(len - 6), dir) ;
      add_watch(fd, supervise, IN_CLOSE_NOWRITE) ;
      n++ ;
    }
  }
  return n ;
}

/* The bit of the watch that saw this, or 0 if nobody waits for it. */
static unsigned int saw (struct inotify_event const *e, char const *name)
{
  if (e->mask & IN_CLOSE_NOWRITE && (!e->len || strcmp(name, "status"))) return 0 ;
  return 1U << (e->wd - 1) ;
}

static void wait_for_all (int fd, unsigned int n)
{
  unsigned int all = (1U << n) - 1, seen = 0 ;
  while (seen != all)
  {
    union { struct inotify_event e ; char s[4096] ; } buf ;
    ssize_t r = read(fd, &buf, sizeof(buf)) ;
    if (r <= 0) die("read what happens") ;
    for (char *s = buf.s ; s < buf.s + r ; )
    {
      struct inotify_event e ;
      memcpy(&e, s, sizeof(e)) ;
      seen |= saw(&e, s + sizeof(e)) ;
      s += sizeof(e) + e.len ;
    }
  }
}

static int during (char **argv)
{
  char **then = argv + 1 ;
  unsigned int n ;
  pid_t program, second ;
  int wstat ;
  int fd = inotify_init1(IN_CLOEXEC) ;
  if (fd < 0) die("watch") ;
  n = watch(fd, argv[0]) ;
  while (*then && strcmp(*then, "--")) then++ ;
  if (!*then || !then[1]) return 100 ;
  *then++ = 0 ;
  program = spawn(argv + 1) ;
  wait_for_all(fd, n) ;
  second = spawn(then) ;
  if (waitpid(second, &wstat, 0) == -1 || waitpid(program, &wstat, 0) == -1) die("wait") ;
  return WIFSIGNALED(wstat) ? 128 + WTERMSIG(wstat) : WEXITSTATUS(wstat) ;
}

/* ---------------------------------------------------------------- free */

static int wait_until_free (char const *fn)
{
  struct flock fl = { .l_type = F_RDLCK, .l_whence = SEEK_SET } ;
  int fd = open(fn, O_RDONLY | O_CLOEXEC) ;
  if (fd < 0) die("open the lock") ;
  if (fcntl(fd, F_SETLKW, &fl) == -1) die("wait for the lock") ;
  return 0 ;
}

/* ---------------------------------------------------------------- settled */

/* Waits for something to happen; whether it was that somebody closed the file. */
static int is_closed (int fd)
{
  union { struct inotify_event e ; char s[4096] ; } buf ;
  ssize_t r = read(fd, &buf, sizeof(buf)) ;
  if (r <= 0) die("read what happens") ;
  for (ssize_t i = 0 ; i < r ; i += (ssize_t)sizeof(struct inotify_event))
  {
    struct inotify_event e ;
    memcpy(&e, buf.s + i, sizeof(e)) ;  /* a watch on a file has no names */
    if (e.mask & IN_CLOSE) return 1 ;
  }
  return 0 ;
}

static int wait_until_settled (char const *dir)
{
  char path[256] ;
  int unread = 1, control, fd = inotify_init1(IN_CLOEXEC) ;
  if (fd < 0) die("watch") ;
  snprintf(path, sizeof(path), "%s/supervise/control", dir) ;
  control = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC) ;
  if (control < 0) return 0 ;  /* nobody is there */
  add_watch(fd, path, IN_ACCESS | IN_CLOSE) ;
  if (write(control, "z", 1) != 1) return 0 ;
  while (ioctl(control, FIONREAD, &unread) == 0 && unread && !is_closed(fd)) ;
  return 0 ;
}

/* ---------------------------------------------------------------- empty */

static int is_empty (char const *path)
{
  struct dirent *d ;
  int n = 0 ;
  DIR *dir = opendir(path) ;
  if (!dir) die("open the directory") ;
  while ((d = readdir(dir))) n += d->d_name[0] != '.' || strlen(d->d_name) > 2 ;
  closedir(dir) ;
  return !n ;
}

static int wait_until_empty (char const *path)
{
  char buf[4096] ;
  int fd = inotify_init1(IN_CLOEXEC) ;
  if (fd < 0) die("watch") ;
  add_watch(fd, path, IN_DELETE | IN_MOVED_FROM) ;
  while (!is_empty(path))
    if (read(fd, buf, sizeof(buf)) <= 0) die("read what happens") ;
  return 0 ;
}

int main (int argc, char **argv)
{
  if (argc > 2 && !strcmp(argv[1], "probe")) probe(argv + 2) ;
  if (argc > 4 && !strcmp(argv[1], "during")) return during(argv + 2) ;
  if (argc == 3 && !strcmp(argv[1], "free")) return wait_until_free(argv[2]) ;
  if (argc == 3 && !strcmp(argv[1], "settled")) return wait_until_settled(argv[2]) ;
  if (argc == 3 && !strcmp(argv[1], "empty")) return wait_until_empty(argv[2]) ;
  fputs("helper: usage: helper probe FIFO [NAME=ACTION]... | during DIRS PROGRAM... -- THEN... | free FILE | settled DIR | empty DIR\n", stderr) ;
  return 100 ;
}
