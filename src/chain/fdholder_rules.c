/* ISC license. */

/*
   s6's access rules for local users: a directory with uid/N, gid/N, uid/self, gid/self and
   uid/default, each with a file `allow` or `deny` and, beside allow, a directory env; or the
   same compiled by s6-accessrules-cdb-from-fs. The first that has either decides.
*/

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include <skalibs/cdb.h>
#include <skalibs/env.h>
#include <skalibs/stralloc.h>
#include <skalibs/types.h>
#include <skalibs/uint16.h>

#include "fdholder.h"

enum verdict { ERROR = -1, DENY, ALLOW, UNKNOWN } ;

static enum rules_kind kind ;
static char const *rules ;
static cdb map = CDB_ZERO ;

int fdholder_rules_open (enum rules_kind k, char const *path)
{
  kind = k ;
  rules = path ;
  return kind != RULES_CDB || cdb_init(&map, path) ;
}

void fdholder_rules_reopen (void)
{
  cdb fresh = CDB_ZERO ;
  if (kind != RULES_CDB || !cdb_init(&fresh, rules)) return ;
  cdb_free(&map) ;
  map = fresh ;
}

/* ---------------------------------------------------------------- the two forms */

static int is_missing (void)
{
  return errno == ENOENT || errno == EACCES || errno == ENOTDIR ;
}

/* RULES/KEY/NAME */
static char const *rule_path (char const *key, char const *name)
{
  static stralloc sa = STRALLOC_ZERO ;
  sa.len = 0 ;
  return stralloc_cats(&sa, rules) && stralloc_catb(&sa, "/", 1) && stralloc_cats(&sa, key) && stralloc_catb(&sa, "/", 1)
   && stralloc_cats(&sa, name) && stralloc_0(&sa) ? sa.s : 0 ;
}

static enum verdict check_dir (char const *key, stralloc *env)
{
  char const *path = rule_path(key, "allow") ;
  if (!path) return ERROR ;
  if (access(path, R_OK) < 0)
  {
    if (!is_missing()) return ERROR ;
    path = rule_path(key, "deny") ;
    if (!path) return ERROR ;
    return access(path, R_OK) == 0 ? DENY : is_missing() ? UNKNOWN : ERROR ;
  }
  path = rule_path(key, "env") ;
  return path && (envdir(path, env) >= 0 || is_missing()) ? ALLOW : ERROR ;
}

/* `A`, the length of the environment in two bytes, the environment, and so an unused command. */
static enum verdict check_cdb (char const *key, stralloc *env)
{
  cdb_data data ;
  uint16_t len ;
  int r = cdb_find(&map, &data, key, (uint32_t)strlen(key)) ;
  if (r < 0) return ERROR ;
  if (!r || !data.len) return UNKNOWN ;
  if (data.s[0] == 'D') return DENY ;
  if (data.s[0] != 'A') return UNKNOWN ;
  if (data.len < 5) return errno = EINVAL, ERROR ;
  uint16_unpack_big(data.s + 1, &len) ;
  if ((uint32_t)len + 5 > data.len) return errno = EINVAL, ERROR ;
  return stralloc_catb(env, data.s + 3, len) ? ALLOW : ERROR ;
}

/* ---------------------------------------------------------------- a client */

static enum verdict check_key (char const *key, stralloc *env)
{
  return kind == RULES_CDB ? check_cdb(key, env) : check_dir(key, env) ;
}

static enum verdict check_id (char const *prefix, uid_t id, stralloc *env)
{
  char key[4 + UID_FMT] ;
  memcpy(key, prefix, 4) ;
  key[4 + uid_fmt(key + 4, id)] = 0 ;
  return check_key(key, env) ;
}

static enum verdict check_all (uid_t uid, gid_t gid, stralloc *env)
{
  enum verdict v = UNKNOWN ;
  if (uid == geteuid()) v = check_key("uid/self", env) ;
  if (v == UNKNOWN) v = check_id("uid/", uid, env) ;
  if (v == UNKNOWN && gid == getegid()) v = check_key("gid/self", env) ;
  if (v == UNKNOWN) v = check_id("gid/", gid, env) ;
  if (v == UNKNOWN) v = check_key("uid/default", env) ;
  return v ;
}

/* The value if the entry is that variable's. */
static char const *value_of (char const *entry, char const *name)
{
  size_t len = strlen(name) ;
  return !strncmp(entry, name, len) && entry[len] == '=' ? entry + len + 1 : 0 ;
}

static void read_right (char const *entry, struct fdholder_rights *rights)
{
  char const *value ;
  if (value_of(entry, "S6_FDHOLDER_LIST")) rights->list = 1 ;
  if (value_of(entry, "S6_FDHOLDER_GETDUMP")) rights->getdump = 1 ;
  if (value_of(entry, "S6_FDHOLDER_SETDUMP")) rights->setdump = 1 ;
  if ((value = value_of(entry, "S6_FDHOLDER_STORE_REGEX"))) rights->store = value ;
  if ((value = value_of(entry, "S6_FDHOLDER_RETRIEVE_REGEX"))) rights->retrieve = value ;
}

int fdholder_rules_check (uid_t uid, gid_t gid, struct fdholder_rights *rights)
{
  static struct fdholder_rights const none ;
  static stralloc env = STRALLOC_ZERO ;
  enum verdict v ;
  *rights = none ;
  env.len = 0 ;
  v = check_all(uid, gid, &env) ;
  if (v == ERROR) return -1 ;
  if (v != ALLOW) return 0 ;
  if (env.len && env.s[env.len - 1]) return errno = EINVAL, -1 ;
  for (size_t i = 0 ; i < env.len ; i += strlen(env.s + i) + 1) read_right(env.s + i, rights) ;
  return 1 ;
}
