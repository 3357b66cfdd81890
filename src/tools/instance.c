/* ISC license. */

/*
   Instances: copies of one template, each under a name, below a scanner of their own that
   is itself a service (made by s6-instance-maker):

     SERVICE/template/          the service directory to copy
     SERVICE/instances/NAME/    the copies
     SERVICE/instance/          the scan directory: links to them

   s6-instance-create, -delete: make and remove one; -list: name them; -control, -status:
   s6-svc and s6-svstat for one.
*/

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <skalibs/alloc.h>
#include <skalibs/direntry.h>
#include <skalibs/djbunix.h>
#include <skalibs/genalloc.h>
#include <skalibs/sgetopt.h>
#include <skalibs/stralloc.h>
#include <skalibs/strerr.h>

#include "control.h"
#include "link.h"
#include "scandir.h"
#include "tools.h"

#define USAGE_CREATE LINK_USAGE " service instancename"
#define USAGE_DELETE UNLINK_USAGE " service instancename"
#define USAGE_LIST "service"
#define USAGE_OTHER "[ options ] service instancename"

static void check_name (char const *name)
{
  if (!name[0] || name[0] == '.' || strpbrk(name, "/ \t\f\r\n"))
    strerr_dief(100, "invalid instance name") ;
}

/* Into the scan directory of instances: all paths below are relative to it. */
static void enter (char const *service)
{
  stralloc sa = STRALLOC_ZERO ;
  int r ;
  if (!service[0]) strerr_dief(100, "invalid service path") ;
  if (chdir(tool_path(&sa, scandir_service(service), "instance")) == -1)
    strerr_diefusys(111, "chdir to ", sa.s) ;
  r = control_islocked(".", SVSCAN_SUB) ;
  if (r == -1) strerr_diefusys(111, "check lock on ", sa.s, "/" SVSCAN_SUB "/lock") ;
  if (!r) strerr_dief(1, "instanced service not running on ", service) ;
  stralloc_free(&sa) ;
}

static void remove_copy (char const *copy)
{
  int e = errno ;
  rm_rf(copy) ;
  errno = e ;
}

int instance_create_main (int argc, char const *const *argv)
{
  struct link_options o = { .relative = 1 } ;
  stralloc sa = STRALLOC_ZERO ;
  struct stat st ;
  char const *copy ;
  int n = link_scan(argc, argv, &o, USAGE_CREATE) ;
  argc -= n ; argv += n ;
  if (argc < 2) tool_dieusage(USAGE_CREATE) ;
  check_name(argv[1]) ;
  enter(argv[0]) ;
  copy = tool_path(&sa, "../instances", argv[1]) ;
  if (stat(copy, &st) == 0)
    strerr_dief(100, S_ISDIR(st.st_mode) ? "instance appears to already exist at " : "unexpected file preventing instance creation at ", argv[0], copy + 2) ;
  if (errno != ENOENT) strerr_diefusys(111, "stat ", argv[0], copy + 2) ;
  if (!hiercopy("../template", copy))
  {
    remove_copy(copy) ;
    strerr_diefusys(111, "copy ", argv[0], "/template to ", argv[0], copy + 2) ;
  }
  if (!link_service(".", copy, argv[1], &o))
  {
    remove_copy(copy) ;
    strerr_diefusys(errno == ETIMEDOUT ? 99 : 111, "create instance of ", argv[0], " named ", argv[1]) ;
  }
  return 0 ;
}

int instance_delete_main (int argc, char const *const *argv)
{
  unsigned int timeout = 0 ;
  int waits = 1 ;
  stralloc sa = STRALLOC_ZERO ;
  int n = unlink_scan(argc, argv, &timeout, &waits, USAGE_DELETE) ;
  argc -= n ; argv += n ;
  if (argc < 2) tool_dieusage(USAGE_DELETE) ;
  check_name(argv[1]) ;
  enter(argv[0]) ;
  if (!unlink_service(".", argv[1], timeout, waits))
    strerr_diefusys(111, "prepare deletion of instance ", argv[1], " of service ", argv[0]) ;
  rm_rf(tool_path(&sa, "../instances", argv[1])) ;
  return 0 ;
}

/* ---------------------------------------------------------------- list */

static int by_name (void const *a, void const *b)
{
  return strcmp(*(char const *const *)a, *(char const *const *)b) ;
}

int instance_list_main (int argc, char const *const *argv)
{
  stralloc names = STRALLOC_ZERO, sa = STRALLOC_ZERO ;
  size_t max = 0, n, pos = 0 ;
  char const **tab ;
  if (argc < 2) tool_dieusage(USAGE_LIST) ;
  /* sals: the names in a directory, each with a 0 behind it */
  if (sals(tool_path(&sa, scandir_service(argv[1]), "instance"), &names, &max) == -1)
    strerr_diefusys(111, "read ", sa.s) ;
  for (n = 0 ; pos < names.len ; n++) pos += strlen(names.s + pos) + 1 ;
  tab = alloc((n + 1) * sizeof(*tab)) ;
  if (!tab) strerr_diefusys(111, "sort names") ;
  pos = 0 ;
  for (size_t i = 0 ; i < n ; i++, pos += strlen(names.s + pos) + 1) tab[i] = names.s + pos ;
  qsort(tab, n, sizeof(*tab), &by_name) ;
  for (size_t i = 0 ; i < n ; i++)
    if (tab[i][0] != '.')
    {
      tool_put(tab[i]) ;
      tool_put("\n") ;
    }
  tool_flush() ;
  return 0 ;
}

/* ---------------------------------------------------------------- control, status */

typedef int main_func (int, char const *const *) ;

/* Calls s6-svc or s6-svstat with the instance's directory in the place of our two arguments. */
static int forward (int argc, char const *const *argv, char const *options, main_func *f)
{
  subgetopt l = SUBGETOPT_ZERO ;
  stralloc service = STRALLOC_ZERO, dir = STRALLOC_ZERO ;
  genalloc newargv = GENALLOC_ZERO ;  /* char const * */
  char const *tail[] = { "--", 0, 0 } ;
  int nopts, opt ;
  do opt = subgetopt_r(argc, argv, options, &l) ; while (opt != -1 && opt != '?') ;
  if (opt == '?' || argc < l.ind + 2) tool_dieusage(USAGE_OTHER) ;
  if (!argv[l.ind][0]) strerr_dief(100, "invalid service name") ;
  check_name(argv[l.ind + 1]) ;
  tool_path(&service, scandir_service(argv[l.ind]), "instance") ;
  tail[1] = tool_path(&dir, service.s, argv[l.ind + 1]) ;
  nopts = l.ind - !strcmp(argv[l.ind - 1], "--") ;
  if (!genalloc_catb(char const *, &newargv, argv, (size_t)nopts)
   || !genalloc_catb(char const *, &newargv, tail, 3))
    strerr_diefusys(111, "build the arguments") ;
  return (*f)(nopts + 2, genalloc_s(char const *, &newargv)) ;
}

int instance_control_main (int argc, char const *const *argv)
{
  return forward(argc, argv, SVC_OPTIONS, &svc_main) ;
}

int instance_status_main (int argc, char const *const *argv)
{
  return forward(argc, argv, SVSTAT_OPTIONS, &svstat_main) ;
}
