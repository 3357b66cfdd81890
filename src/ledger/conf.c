/* ISC license. */

/* S6_ variables as they are now, and the exit code file. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/wait.h>

#include <skalibs/types.h>

#include "ledger.h"
#include "names.h"

#define CONTENV "/s6/container_environment/"
#define RESULTS "/s6-linux-init-container-results"

/* Most variables are not set, and a look for each costs: one listing answers for all that is asked
   before PID 1 waits again or makes a process, which might set one. */
static int is_there (char const *dir, char const *name)
{
  static struct names names = NAMES_ZERO ;
  static uint64_t turn ;
  static uint32_t children ;
  static int known = 0 ;
  if (!known || turn != loop_turn() || children != spawn_count())
  {
    known = names_read(&names, dir, 0, "") == 0 ;
    turn = loop_turn() ;
    children = spawn_count() ;
  }
  return !known || names_has(&names, name, strlen(name)) ;
}

char const *conf_text (char const *name, char *buffer, size_t size)
{
  char path[sizeof ledger->rundir + 128] ;
  char const *s ;
  ssize_t n ;
  if (!ledger->container)
  {
    s = getenv(name) ;
    return s && s[0] && strlen(s) < size ? strcpy(buffer, s) : 0 ;
  }
  strcpy(path, ledger->rundir) ;
  strcat(path, CONTENV) ;
  if (!is_there(path, name)) return 0 ;
  strncat(path, name, 64) ;
  n = setting_read(AT_FDCWD, path, buffer, size) ;
  /* no descriptor for a moment must not make a variable unset */
  if (n < 0 && errno != ENOENT) n = setting_read(AT_FDCWD, path, buffer, size) ;
  return n > 0 ? buffer : 0 ;
}

uint32_t conf_uint (char const *name, uint32_t dflt, uint32_t max)
{
  char buffer[64] ;
  uint64_t n ;
  char const *s = conf_text(name, buffer, sizeof buffer) ;
  if (!s) return dflt ;
  if (uint640_scan(s, &n) && n <= max) return (uint32_t)n ;
  say(SAY_WARNING, name, "=", s, " is not a number from 0 to ", NUM(max), ": using ", NUM(dflt)) ;
  return dflt ;
}

char const *conf_path (char const *path)
{
  static char buffer[512] ;
  static int told = 0 ;
  char profile[128] ;
  if (strncmp(path, "/etc/", 5) || !conf_text("S6_RUNTIME_PROFILE", profile, sizeof profile)) return path ;
  if (strchr(profile, '/') || profile[0] == '.' || strlen(path) > 200)
  {
    if (!told++) say(SAY_WARNING, "S6_RUNTIME_PROFILE=", profile, " must be the name of a directory in /etc/cont-profile.d: ignored") ;
    return path ;
  }
  strcpy(buffer, "/etc/cont-profile.d/") ;
  strcat(buffer, profile) ;
  return strcat(buffer, path + 4) ;
}

void exitcode_write (int code)
{
  char path[sizeof ledger->rundir + sizeof RESULTS], text[16] ;
  size_t n = uint_fmt(text, (unsigned int)code & 255) ;
  int dir ;
  if (!ledger->container) return ;
  text[n++] = '\n' ;
  strcpy(path, ledger->rundir) ;
  strcat(path, RESULTS) ;
  dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) ;
  ledger->exitcode = (uint32_t)code & 255 ;
  ledger->exitcode_owed = 0 ;
  if (dir < 0 || file_replace(dir, "exitcode", text, n, 0644) < 0)
  {
    ledger->exitcode_owed = 1 ;
    say_sys(SAY_ERROR, errno, "unable to write the exit code ", NUM(code & 255), " to ", path, "/exitcode, the container ends with it all the same") ;
  }
  if (dir >= 0) close(dir) ;
}

int exitcode_read (void)
{
  char path[sizeof ledger->rundir + sizeof RESULTS + 16], text[32] ;
  unsigned int code ;
  if (ledger->exitcode_owed) return (int)ledger->exitcode ;
  strcpy(path, ledger->rundir) ;
  strcat(path, RESULTS "/exitcode") ;
  if (setting_read(AT_FDCWD, path, text, sizeof text) < 0)
  {
    int e = errno, code_known = e == ENOENT || e == EINVAL ? EXIT_SYSTEM : (int)ledger->exitcode ;
    say_sys(SAY_ERROR, e, "unable to read the exit code from ", path, ", using ", NUM(code_known)) ;
    return code_known ;
  }
  if (uint0_scan(text, &code) && code <= 255) return (int)code ;
  say(SAY_ERROR, path, " says \"", text, "\" but must be an exit code from 0 to 255: using 111") ;
  return EXIT_SYSTEM ;
}

int exitcode_of (int32_t wstat)
{
  return WIFSIGNALED(wstat) ? 128 + WTERMSIG(wstat) : WEXITSTATUS(wstat) ;
}
