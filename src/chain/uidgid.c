/* ISC license. */

/* s6-envuidgid, s6-applyuidgid and s6-setuidgid, as s6's own; the last is one process. */

#include <string.h>

#include <skalibs/env.h>
#include <skalibs/exec.h>
#include <skalibs/gccattributes.h>
#include <skalibs/sgetopt.h>
#include <skalibs/stralloc.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "chain.h"
#include "ids.h"

#define ENV_USAGE "s6-envuidgid [ -i | -D defaultuid:defaultgid:defaultgidlist ] [ -u | -g | -B ] [ -n ] account prog..."
#define APPLY_USAGE "s6-applyuidgid [ -z ] [ -u uid ] [ -g gid ] [ -G gidlist ] [ -U ] prog..."
#define SET_USAGE "s6-setuidgid username prog..."

int envuidgid_main (int, char const *const *) ;
int applyuidgid_main (int, char const *const *) ;
int setuidgid_main (int, char const *const *) ;

/* What s6-envuidgid is to set. */
enum { SET_UID = 1, SET_GID = 2, SET_LIST = 4, SET_ALL = 7 } ;

static void add_number (stralloc *modif, char const *assignment, uid_t id)
{
  char fmt[UID_FMT] ;
  if (!stralloc_cats(modif, assignment) || !stralloc_catb(modif, fmt, uid_fmt(fmt, id)))
    strerr_diefusys(111, "allocate memory") ;
}

static void add_number0 (stralloc *modif, char const *assignment, uid_t id)
{
  add_number(modif, assignment, id) ;
  if (!stralloc_0(modif)) strerr_diefusys(111, "allocate memory") ;
}

static void add_list (stralloc *modif, struct ids const *ids)
{
  if (!stralloc_cats(modif, "GIDLIST=")) strerr_diefusys(111, "allocate memory") ;
  for (size_t i = 0 ; i < ids->n ; i++) add_number(modif, i ? "," : "", ids->groups[i]) ;
  if (!stralloc_0(modif)) strerr_diefusys(111, "allocate memory") ;
}

/* USER:GROUP; a part that is empty or left out keeps its default. */
static void lookup_both (struct ids *ids, char const *account, int numeric, int insist)
{
  size_t len = strcspn(account, ":") ;
  stralloc user = STRALLOC_ZERO ;
  char const *group = account[len] ? account + len + 1 : "" ;
  if (!stralloc_catb(&user, account, len) || !stralloc_0(&user)) strerr_diefusys(111, "allocate memory") ;
  if (*group && !ids_lookup_gid(&ids->gid, group, numeric) && insist) strerr_dief(1, "unknown group: ", group) ;
  if (len && !ids_lookup_uid(&ids->uid, user.s, numeric) && insist) strerr_dief(1, "unknown user: ", user.s) ;
}

static void lookup (struct ids *ids, char const *account, unsigned int what, int numeric, int insist)
{
  int known = 1 ;
  switch (what)
  {
    case SET_ALL : known = ids_lookup(ids, account) ; break ;
    case SET_UID : known = ids_lookup_uid(&ids->uid, account, numeric) ; break ;
    case SET_GID : known = ids_lookup_gid(&ids->gid, account, numeric) ; break ;
    default : lookup_both(ids, account, numeric, insist) ;
  }
  if (!known && insist) strerr_dief(1, what == SET_GID ? "unknown group: " : "unknown user: ", account) ;
}

int envuidgid_main (int argc, char const *const *argv)
{
  struct ids ids = IDS_ZERO ;
  subgetopt l = SUBGETOPT_ZERO ;
  stralloc modif = STRALLOC_ZERO ;
  unsigned int what = SET_ALL ;
  int numeric = 0, insist = 1 ;
  for (int opt ; (opt = subgetopt_r(argc, argv, "ugBniD:", &l)) != -1 ; ) switch (opt)
  {
    case 'u' : what = SET_UID ; break ;
    case 'g' : what = SET_GID ; break ;
    case 'B' : what = SET_UID | SET_GID ; break ;
    case 'n' : what &= SET_UID | SET_GID ; numeric = 1 ; break ;
    case 'i' : insist = 1 ; break ;
    case 'D' :
      insist = 0 ;
      if (ids_scan_triple(&ids, l.arg)) break ;
      /* fall through */
    default : strerr_dieusage(100, ENV_USAGE) ;
  }
  argc -= l.ind ; argv += l.ind ;
  if (argc < 2) strerr_dieusage(100, ENV_USAGE) ;
  lookup(&ids, argv[0], what, numeric, insist) ;
  if (what & SET_UID) add_number0(&modif, "UID=", ids.uid) ;
  if (what & SET_GID) add_number0(&modif, "GID=", ids.gid) ;
  if (what & SET_LIST) add_list(&modif, &ids) ;
  xmexec_m(argv + 1, modif.s, modif.len) ;
}

static void unexport_and_exec (char const *const *) gccattr_noreturn ;
static void unexport_and_exec (char const *const *argv)
{
  static char const modif[] = "UID\0GID\0GIDLIST" ;
  xmexec_m(argv, modif, sizeof modif) ;
}

int applyuidgid_main (int argc, char const *const *argv)
{
  struct ids ids = IDS_ZERO ;
  subgetopt l = SUBGETOPT_ZERO ;
  int unexport = 0 ;
  for (int opt ; (opt = subgetopt_r(argc, argv, "z" IDS_OPTIONS, &l)) != -1 ; )
    if (opt == 'z') unexport = 1 ;
    else if (!ids_option(&ids, opt, l.arg)) strerr_dieusage(100, APPLY_USAGE) ;
  argc -= l.ind ; argv += l.ind ;
  if (!argc) strerr_dieusage(100, APPLY_USAGE) ;
  ids_apply(&ids) ;
  if (unexport) unexport_and_exec(argv) ;
  xexec(argv) ;
}

/* 1 if s is UID:GID in numbers. */
static int scan_pair (char const *s, struct ids *ids)
{
  size_t len = uid_scan(s, &ids->uid) ;
  ids->have_groups = 1 ;
  return len && s[len] == ':' && gid0_scan(s + len + 1, &ids->gid) ;
}

int setuidgid_main (int argc, char const *const *argv)
{
  struct ids ids = IDS_ZERO ;
  if (argc < 3) strerr_dieusage(100, SET_USAGE) ;
  if (!*argv[1]) xexec(argv + 2) ;
  if (strchr(argv[1], ':'))
  {
    if (!scan_pair(argv[1], &ids)) strerr_dief(100, argv[1], " is not uid:gid in numbers") ;
    ids_apply(&ids) ;
    xexec(argv + 2) ;
  }
  if (!ids_lookup(&ids, argv[1])) strerr_dief(1, "unknown user: ", argv[1]) ;
  ids_apply(&ids) ;
  unexport_and_exec(argv + 2) ;
}
