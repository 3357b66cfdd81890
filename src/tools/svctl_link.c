/* ISC license. */

/* svctl link: the links that make this binary's programs known by their names, where an image was
   built without them (FROM scratch, or a tarball laid over a root that has no /usr/bin yet). */

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <skalibs/djbunix.h>
#include <skalibs/strerr.h>

#include "multicall/multicall.h"
#include "svctl.h"
#include "tools.h"

#define DEFAULT_DIR "/usr/bin"

/* Where base images have their programs. Ours of the same name do less than theirs, so one of
   those anywhere there is left alone: ours would come first in PATH from another directory. */
static char const *const places[] = { "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin" } ;

static int is_elsewhere (char const *name)
{
  char path[PATH_MAX] ;
  struct stat st ;
  for (size_t i = 0 ; i < sizeof places / sizeof places[0] ; i++)
  {
    strcpy(path, places[i]) ;
    strcat(path, "/") ;
    strcat(path, name) ;
    if (lstat(path, &st) == 0) return 1 ;
  }
  return 0 ;
}

/* "/command/keelson": what the links lead to. */
static void find_self (char *self)
{
  ssize_t n = readlink("/proc/self/exe", self, PATH_MAX - 1) ;
  if (n < 0) strerr_diefusys(EXIT_SYSTEM, "read /proc/self/exe: mount /proc, the links lead to where it says we are") ;
  self[n] = 0 ;
}

/* 1 made, 0 something of that name is there. */
static int link_one (char const *self, char const *path)
{
  if (symlink(self, path) == 0) return 1 ;
  if (errno != EEXIST) strerr_diefusys(EXIT_SYSTEM, "make the link ", path) ;
  return 0 ;
}

static unsigned int link_dir (char const *self, char const *dir, unsigned int *left)
{
  stralloc path = STRALLOC_ZERO ;
  unsigned int made = 0 ;
  for (struct program const *p = multicall_programs() ; p->name ; p++)
  {
    if (!p->usr_bin && is_elsewhere(p->name)) (*left)++ ;
    else if (link_one(self, tool_path(&path, dir, p->name))) made++ ;
    else (*left)++ ;
  }
  stralloc_free(&path) ;
  return made ;
}

int svctl_link (struct call *c)
{
  static char const *const by_default[] = { DEFAULT_DIR } ;
  char const *const *dirs = c->n ? c->names : by_default ;
  unsigned int n = c->n ? c->n : 1 ;
  char self[PATH_MAX] ;
  stralloc page = STRALLOC_ZERO ;
  find_self(self) ;
  for (unsigned int i = 0 ; i < n ; i++)
  {
    unsigned int left = 0, made = link_dir(self, dirs[i], &left) ;
    text_s(&page, dirs[i]) ;
    text_s(&page, ": ") ;
    text_n(&page, made) ;
    text_s(&page, made == 1 ? " link made, " : " links made, ") ;
    text_n(&page, left) ;
    text_s(&page, " names were there already\n") ;
  }
  text_flush(&page) ;
  return EXIT_OK ;
}
