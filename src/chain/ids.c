/* ISC license. */

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <skalibs/bytestr.h>
#include <skalibs/genalloc.h>
#include <skalibs/setgroups.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "chain.h"
#include "ids.h"

int ids_scan_groups (struct ids *ids, char const *list)
{
  size_t max = byte_count(list, strlen(list), ',') + 1 ;
  ids->groups = chain_alloc(max, sizeof(gid_t)) ;
  ids->n = 0 ;
  ids->have_groups = 1 ;
  return !*list || gid_scanlist(ids->groups, max, list, &ids->n) == strlen(list) ;
}

/* The number at *s, up to a colon or the end; 0 if there is none. */
static int scan_part (char const **s, uid_t *id)
{
  size_t len = uid_scan(*s, id) ;
  if (!len) *id = 0 ;
  *s += len ;
  if (**s == ':') (*s)++ ;
  else if (**s) return 0 ;
  return 1 ;
}

int ids_scan_triple (struct ids *ids, char const *s)
{
  return *s && scan_part(&s, &ids->uid) && scan_part(&s, &ids->gid) && ids_scan_groups(ids, s) ;
}

int ids_lookup_uid (uid_t *uid, char const *user, int numeric)
{
  struct passwd const *pw = getpwnam(user) ;
  if (!pw) return numeric && uid0_scan(user, uid) ;
  *uid = pw->pw_uid ;
  return 1 ;
}

int ids_lookup_gid (gid_t *gid, char const *group, int numeric)
{
  struct group const *gr = getgrnam(group) ;
  if (!gr) return numeric && gid0_scan(group, gid) ;
  *gid = gr->gr_gid ;
  return 1 ;
}

static int is_member (struct group const *gr, char const *account)
{
  for (char *const *member = gr->gr_mem ; *member ; member++)
    if (!strcmp(*member, account)) return 1 ;
  return 0 ;
}

/* Not getgrouplist(): s6 lists the groups in the order of the database, without the primary. */
static void lookup_groups (struct ids *ids, char const *account)
{
  genalloc list = GENALLOC_ZERO ;
  struct group const *gr ;
  setgrent() ;
  while (errno = 0, (gr = getgrent()))
    if (is_member(gr, account) && !genalloc_append(gid_t, &list, &gr->gr_gid)) break ;
  if (errno && errno != ENOENT) strerr_diefusys(111, "get supplementary groups for ", account) ;
  endgrent() ;
  ids->groups = genalloc_s(gid_t, &list) ;
  ids->n = genalloc_len(gid_t, &list) ;
  ids->have_groups = 1 ;
}

int ids_lookup (struct ids *ids, char const *account)
{
  struct passwd const *pw = getpwnam(account) ;
  if (!pw) return 0 ;
  ids->uid = pw->pw_uid ;
  ids->gid = pw->pw_gid ;
  lookup_groups(ids, account) ;
  return 1 ;
}

static char const *required (char const *name)
{
  char const *value = getenv(name) ;
  if (!value) strerr_dienotset(100, name) ;
  return value ;
}

static void from_environment (struct ids *ids)
{
  if (!uid0_scan(required("UID"), &ids->uid)) strerr_dieinvalid(100, "UID") ;
  if (!gid0_scan(required("GID"), &ids->gid)) strerr_dieinvalid(100, "GID") ;
  if (!ids_scan_groups(ids, required("GIDLIST"))) strerr_dieinvalid(100, "GIDLIST") ;
}

int ids_option (struct ids *ids, int opt, char const *arg)
{
  switch (opt)
  {
    case 'u' : return uid0_scan(arg, &ids->uid) ;
    case 'g' : return gid0_scan(arg, &ids->gid) ;
    case 'G' : return ids_scan_groups(ids, arg) ;
    case 'U' : from_environment(ids) ; return 1 ;
    default : return 0 ;
  }
}

static int are_we (struct ids const *ids)
{
  uid_t r, e, s ;
  gid_t rg, eg, sg ;
  return !getresuid(&r, &e, &s) && r == ids->uid && e == ids->uid && s == ids->uid
   && !getresgid(&rg, &eg, &sg) && rg == ids->gid && eg == ids->gid && sg == ids->gid ;
}

static void die_cannot (struct ids const *ids)
{
  int e = errno ;
  char uid[UID_FMT], gid[GID_FMT], me[UID_FMT] ;
  uid[uid_fmt(uid, ids->uid)] = 0 ;
  gid[gid_fmt(gid, ids->gid)] = 0 ;
  me[uid_fmt(me, geteuid())] = 0 ;
  if (e == EPERM)
    strerr_dief(111, "unable to become uid ", uid, ", gid ", gid, ": this process is uid ", me,
     " and has not the privilege to change that (CAP_SETUID and CAP_SETGID)") ;
  errno = e ;
  strerr_diefusys(111, "become uid ", uid, ", gid ", gid,
   e == EINVAL ? " (does this user namespace map them?)" : "") ;
}

/* The groups first: without root's uid nothing more can be changed. */
void ids_apply (struct ids const *ids)
{
  if (ids->have_groups && setgroups_and_gid(ids->gid ? ids->gid : getegid(), ids->n, ids->groups) < 0)
  {
    if (errno == EPERM && are_we(ids)) return ;
    die_cannot(ids) ;
  }
  if ((ids->gid && setgid(ids->gid) < 0) || (ids->uid && setuid(ids->uid) < 0)) die_cannot(ids) ;
}

int ids_can_apply (void)
{
  /* asks for no change, so that it may succeed without any effect */
  int n = getgroups(0, 0) ;
  gid_t *list ;
  if (n < 0 || geteuid()) return 0 ;
  list = chain_alloc((size_t)n + 1, sizeof(gid_t)) ;
  return getgroups(n, list) == n && !setgroups((size_t)n, list) ;
}
