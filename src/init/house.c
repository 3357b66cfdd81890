/* ISC license. */

/* What stage 1 makes in the run directory. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>

#include <skalibs/djbunix.h>

#include "contenv.h"
#include "init.h"
#include "ledger.h"

/* The cwd is the run directory. */

/* What a level has is made after it; the first is what house_has_s6 is about. */
static struct { char const *path ; unsigned int mode ; } const directories[] =
{
  { "s6", 0755 },
  { "s6/container_environment", 0755 },
  { "s6/legacy-services", 0755 },
  { "s6/basedir", 0755 },
  { "s6/basedir/bin", 0755 },
  { "s6/env-stage3", 0755 },
  { "s6-linux-init-container-results", 0755 },
  { "service", 0755 }
} ;

/* What v2's and v3's images and tools know these things by. Targets are relative to the link. */
static struct { char const *link, *target ; } const links[] =
{
  { "s6/services", "../service" },
  { "s6/env-stage3/S6_STAGE2_EXITED", "../../s6-linux-init-container-results/exitcode" }
} ;

static char const *const commands[] = { "halt", "poweroff", "reboot" } ;

int house_has_s6 = 0 ;

static int fail (char const *what, char const *path)
{
  say_sys(SAY_FATAL, errno, "unable to ", what, " ", ledger->rundir, "/", path) ;
  return -1 ;
}

static int clear (char const *path)
{
  return rm_rf(path) < 0 ? fail("clear what a former life left in", path) : 0 ;
}

/* A restarted container has its old run directory: services, status and environment of a life
   that is over. */
static int make_directory (char const *path, unsigned int mode)
{
  if (mkdir(path, mode) == 0) return 0 ;
  if (errno != EEXIST || strchr(path, '/')) return fail("make", path) ;
  if (clear(path) < 0) return -1 ;
  return mkdir(path, mode) < 0 ? fail("make", path) : 0 ;
}

static int make_directories (void)
{
  for (size_t i = !!house_has_s6 ; i < sizeof directories / sizeof directories[0] ; i++)
    if (make_directory(directories[i].path, directories[i].mode) < 0) return -1 ;
  return access("s6-rc", F_OK) == 0 ? clear("s6-rc") : 0 ;
}

static int make_links (void)
{
  char path[64] ;
  for (size_t i = 0 ; i < sizeof links / sizeof links[0] ; i++)
    if (symlink(links[i].target, links[i].link) < 0) return fail("make", links[i].link) ;
  for (size_t i = 0 ; ledger->self[0] && i < sizeof commands / sizeof commands[0] ; i++)
  {
    strcpy(path, "s6/basedir/bin/") ;
    strcat(path, commands[i]) ;
    if (symlink(ledger->self, path) < 0) return fail("make", path) ;
  }
  return 0 ;
}

/* /var/run is a link to /run in most images; where it is a directory of its own the old names
   lead to the new places. Not essential: a read-only root may forbid it. */
static void link_var_run (void)
{
  static char const *const names[] = { "s6", "service", "s6-linux-init-container-results" } ;
  struct stat run, var ;
  char link[64], target[sizeof ledger->rundir + 64] ;
  if (stat("/var/run", &var) < 0 || stat(".", &run) < 0 || (run.st_ino == var.st_ino && run.st_dev == var.st_dev)) return ;
  for (size_t i = 0 ; i < sizeof names / sizeof names[0] ; i++)
  {
    struct stat st ;
    strcpy(link, "/var/run/") ;
    strcat(link, names[i]) ;
    strcpy(target, ledger->rundir) ;
    strcat(target, "/") ;
    strcat(target, names[i]) ;
    if (lstat(link, &st) == 0 && S_ISLNK(st.st_mode)) unlink(link) ;
    if (symlink(target, link) < 0 && errno != EROFS && errno != EACCES) say_sys(SAY_DETAIL, errno, "unable to make ", link) ;
  }
}

static void skipped (char const *entry)
{
  char name[128] ;
  size_t n = strcspn(entry, "=") ;
  if (n >= sizeof name) n = sizeof name - 1 ;
  memcpy(name, entry, n) ;
  name[n] = 0 ;
  say(SAY_WARNING, "environment variable \"", name, "\" cannot be the name of a file: it is left out of the container environment") ;
}

static int write_environment (char const *const *envp)
{
  int r, fd = open("s6/container_environment", O_RDONLY | O_DIRECTORY | O_CLOEXEC) ;
  if (fd < 0) return fail("open", "s6/container_environment") ;
  r = contenv_write(fd, envp, &skipped) ;
  close(fd) ;
  return r < 0 ? fail("write", "s6/container_environment") : 0 ;
}

/* In a directory that is new: exitcode_write() does all later ones. */
static int preset_exitcode (void)
{
  static char const path[] = "s6-linux-init-container-results/exitcode" ;
  return file_make(AT_FDCWD, path, "0\n", 2, 0644) < 0 ? fail("make", path) : 0 ;
}

int house_make (char const *const *envp)
{
  if (chdir(ledger->rundir) < 0) return fail("enter", "") ;
  if (strcmp(ledger->rundir, "/run")) house_has_s6 = 0 ;
  if (make_directories() < 0 || make_links() < 0 || write_environment(envp) < 0) return -1 ;
  link_var_run() ;
  return preset_exitcode() ;
}
