/* ISC license. */

/*
   S6_LOGGING: 0 all output goes to the container's stdout and stderr; 1 what no logger takes
   goes to /var/log/s6-uncaught-logs, but for the CMD's; 2 the CMD's too, and nothing leaves the
   container. The catch-all logger is a service like any, s6-svscan-log, the first to start and
   the last to end: our own descriptors 1 and 2 are its pipe, and children inherit them.
*/

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "svscan.h"

#define NAME "s6-svscan-log"
#define LOGDIR "/var/log/s6-uncaught-logs"
#define DEFAULT_SCRIPT "n20 s1000000 T"

static uint32_t wanted (void)
{
  return conf_uint("S6_LOGGING", 0, 2) ;
}

int catchall_spares_cmd (void)
{
  return wanted() == 1 ;
}

/* A logger that cannot write would leave everybody's words in a pipe that nobody reads. Why it
   cannot, or 0: of LOGDIR and what it lies in, the first that is there tells. A LOGDIR that is
   not for us may be for whom the logger becomes. */
static int log_error (int becomes)
{
  static char const *const dirs[] = { LOGDIR, "/var/log", "/var", "/" } ;
  for (size_t i = 0 ; i < sizeof dirs / sizeof dirs[0] ; i++)
  {
    if (access(dirs[i], W_OK | X_OK) == 0 || (errno == EACCES && !i && becomes)) return 0 ;
    if (errno != ENOENT) return errno ;
  }
  return ENOENT ;
}

/* Asks for more groups than there can be, which changes nothing: the kernel first looks whether we
   may ask at all. */
static int may_become_another (void)
{
  return syscall(SYS_setgroups, 1 << 20, 0) < 0 && errno != EPERM ;
}

/* The account that the logger is to have, if another than root. */
static int is_account_named (char *user, size_t max)
{
  return conf_text("S6_CATCHALL_USER", user, max) && strcspn(user, " \t\"'{}$\\") == strlen(user) && strcmp(user, "root") ;
}

/* The script is one of execline's: it works in an image without a shell. */
static int write_script (char const *dir, char const *user)
{
  static char const head[] = "#!/command/execlineb -P\n" ;
  static char const mkdir_line[] = "foreground { s6-mkdir -p -m 2750 " LOGDIR " }\n" ;
  static char const tail[] = "importas -sCuD \"" DEFAULT_SCRIPT "\" script S6_LOGGING_SCRIPT\nemptyenv -p\ns6-log -b -- $script " LOGDIR "\n" ;
  char text[sizeof head + sizeof mkdir_line + sizeof tail + sizeof ledger->rundir + 512] ;
  int fd, r ;
  strcpy(text, head) ;
  strcat(text, mkdir_line) ;
  if (user[0])
  {
    strcat(text, "foreground { s6-envuidgid ") ;
    strcat(text, user) ;
    strcat(text, " s6-chown -U " LOGDIR " }\ns6-setuidgid ") ;
    strcat(text, user) ;
    strcat(text, "\n") ;
  }
  strcat(text, "s6-envdir ") ;
  strcat(text, ledger->rundir) ;
  strcat(text, "/s6/container_environment\n") ;
  strcat(text, tail) ;
  fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) ;
  if (fd < 0) return -1 ;
  r = file_replace(fd, "run", text, strlen(text), 0755) ;
  close(fd) ;
  return r ;
}

static uint32_t add_service (char const *user)
{
  char dir[sizeof ledger->rundir + 32] ;
  strcpy(dir, ledger->rundir) ;
  strcat(dir, "/s6/" NAME) ;
  if ((mkdir(dir, 0755) < 0 && errno != EEXIST) || write_script(dir, user) < 0 || (symlink(dir, NAME) < 0 && errno != EEXIST))
  {
    say_sys(SAY_ERROR, errno, "unable to make the catch-all logger in ", dir, ": output goes to the container as with S6_LOGGING=0") ;
    return NO_SLOT ;
  }
  return service_add(NAME, 0) ;
}

/* NO_SLOT, having said why, where there can be none. */
static uint32_t make_service (void)
{
  char user[128] ;
  int named = is_account_named(user, sizeof user) ;
  int becomes = named && geteuid() == 0 && may_become_another() ;
  int e = log_error(becomes) ;
  if (e)
  {
    say_sys(SAY_WARNING, e, "unable to write in " LOGDIR ": output goes to the container as with S6_LOGGING=0") ;
    return NO_SLOT ;
  }
  if (named && !becomes)
    say(SAY_WARNING, "the catch-all logger runs as uid ", NUM((int64_t)geteuid()), ": this container has not the privilege to become ", user, " (S6_CATCHALL_USER)") ;
  return add_service(becomes ? user : "") ;
}

/* The container's own descriptors move up, where the children do not see them. */
static int divert (uint32_t i)
{
  for (int k = 0 ; k < 2 ; k++)
  {
    if (ledger->outer[k] >= 0) continue ;
    ledger->outer[k] = fcntl(1 + k, F_DUPFD, ledger->fd_base) ;
    if (ledger->outer[k] < 0) return -1 ;
  }
  if (slot_at(i)->pipe[0] < 0 && pipe2(slot_at(i)->pipe, 0) < 0) return -1 ;
  return dup2(slot_at(i)->pipe[1], 1) < 0 || dup2(slot_at(i)->pipe[1], 2) < 0 ? -1 : 0 ;
}

void catchall_begin (void)
{
  uint32_t i = ledger->catchall ;
  /* after a fault it may have begun already, or be half made */
  if (i != NO_SLOT ? slot_now(slot_at(i))->cause != WHY_NONE : !wanted()) return ;
  if (i == NO_SLOT) i = scan_find(NAME) ;
  if (i == NO_SLOT) i = make_service() ;
  if (i == NO_SLOT) return ;
  if (divert(i) < 0)
  {
    say_sys(SAY_ERROR, errno, "unable to divert output to the catch-all logger") ;
    return ;
  }
  ledger->catchall = i ;
  say_init(ledger->fd_base, ledger->verbosity) ;
  service_event(i, EV_BEGIN, 0) ;
}

/* With S6_LOGGING=2 nothing may leave: what is still said is said to nobody. */
void catchall_end (void)
{
  int null = wanted() == 2 ? open("/dev/null", O_WRONLY | O_CLOEXEC) : -1 ;
  for (int k = 0 ; k < 2 ; k++) dup2(null >= 0 ? null : ledger->outer[k], 1 + k) ;
  if (null >= 0) close(null) ;
  say_init(ledger->fd_base, ledger->verbosity) ;
}
