/* ISC license. */

/* s6-envdir, as s6's own; and justc-envdir of s6-overlay 2, which takes each file as it is. */

#include <errno.h>
#include <string.h>

#include <skalibs/env.h>
#include <skalibs/exec.h>
#include <skalibs/sgetopt.h>
#include <skalibs/stralloc.h>
#include <skalibs/strerr.h>

#define S6_USAGE "s6-envdir [ -I | -i ] [ -n ] [ -f ] [ -L ] [ -c nullchar ] dir prog..."
#define JUSTC_USAGE "justc-envdir [ -I | -i ] dir prog..."

int envdir_main (int, char const *const *) ;
int justc_envdir_main (int, char const *const *) ;

static void read_directory (stralloc *modif, char const *dir, unsigned int options, char nullis, int insist)
{
  if (envdir_internal(dir, modif, options, nullis) < 0 && (insist || errno != ENOENT))
    strerr_diefusys(111, "envdir ", dir) ;
}

int envdir_main (int argc, char const *const *argv)
{
  stralloc modif = STRALLOC_ZERO ;
  subgetopt l = SUBGETOPT_ZERO ;
  unsigned int options = 0 ;
  char nullis = '\n' ;
  int insist = 1 ;
  for (int opt ; (opt = subgetopt_r(argc, argv, "IinfLc:", &l)) != -1 ; ) switch (opt)
  {
    case 'I' : insist = 0 ; break ;
    case 'i' : insist = 1 ; break ;
    case 'n' : options |= SKALIBS_ENVDIR_NOCHOMP ; break ;
    case 'f' : options |= SKALIBS_ENVDIR_VERBATIM ; break ;
    case 'L' : options |= SKALIBS_ENVDIR_NOCLAMP ; break ;
    case 'c' : nullis = *l.arg ; break ;
    default : strerr_dieusage(100, S6_USAGE) ;
  }
  argc -= l.ind ; argv += l.ind ;
  if (argc < 2) strerr_dieusage(100, S6_USAGE) ;
  read_directory(&modif, argv[0], options, nullis, insist) ;
  xmexec_m(argv + 1, modif.s, modif.len) ;
}

/* justc-envdir takes an empty file for an empty value, where s6-envdir unsets the variable. */
static void add_just (stralloc *modif, char const *entry)
{
  if (!(strchr(entry, '=') ? stralloc_catb(modif, entry, strlen(entry) + 1) : env_addmodif(modif, entry, "")))
    strerr_diefusys(111, "envdir") ;
}

int justc_envdir_main (int argc, char const *const *argv)
{
  stralloc files = STRALLOC_ZERO, modif = STRALLOC_ZERO ;
  subgetopt l = SUBGETOPT_ZERO ;
  int insist = 1 ;
  for (int opt ; (opt = subgetopt_r(argc, argv, "Ii", &l)) != -1 ; ) switch (opt)
  {
    case 'I' : insist = 0 ; break ;
    case 'i' : insist = 1 ; break ;
    default : strerr_dieusage(100, JUSTC_USAGE) ;
  }
  argc -= l.ind ; argv += l.ind ;
  if (argc < 2) strerr_dieusage(100, JUSTC_USAGE) ;
  read_directory(&files, argv[0], SKALIBS_ENVDIR_VERBATIM | SKALIBS_ENVDIR_NOCHOMP | SKALIBS_ENVDIR_NOCLAMP, '\n', insist) ;
  for (size_t i = 0 ; i < files.len ; i += strlen(files.s + i) + 1) add_just(&modif, files.s + i) ;
  xmexec_m(argv + 1, modif.s, modif.len) ;
}
