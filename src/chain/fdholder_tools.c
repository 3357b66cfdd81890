/* ISC license. */

/* The clients of an fd-holding daemon, as s6's own: each is one request. */

#include <errno.h>
#include <string.h>
#include <stdlib.h>
#include <unistd.h>

#include <skalibs/buffer.h>
#include <skalibs/djbtime.h>
#include <skalibs/djbunix.h>
#include <skalibs/env.h>
#include <skalibs/exec.h>
#include <skalibs/genalloc.h>
#include <skalibs/sgetopt.h>
#include <skalibs/sig.h>
#include <skalibs/skamisc.h>
#include <skalibs/stralloc.h>
#include <skalibs/strerr.h>
#include <skalibs/tai.h>
#include <skalibs/types.h>

#include "chain.h"
#include "fdholder.h"

#define DELETE_USAGE "s6-fdholder-delete [ -t timeout ] socket id"
#define GETDUMP_USAGE "s6-fdholder-getdump [ -t timeout ] socket prog..."
#define LIST_USAGE "s6-fdholder-list [ -t timeout ] socket"
#define RETRIEVE_USAGE "s6-fdholder-retrieve [ -D ] [ -t timeout ] socket id prog..."
#define SETDUMP_USAGE "s6-fdholder-setdump [ -t timeout ] socket"
#define STORE_USAGE "s6-fdholder-store [ -d fd ] [ -t timeout ] [ -T fdtimeout ] socket id"
#define TRANSFERDUMP_USAGE "s6-fdholder-transferdump [ -t timeoutfrom:timeoutto ] socketfrom socketto"

int fdholder_delete_main (int, char const *const *) ;
int fdholder_getdump_main (int, char const *const *) ;
int fdholder_list_main (int, char const *const *) ;
int fdholder_retrieve_main (int, char const *const *) ;
int fdholder_setdump_main (int, char const *const *) ;
int fdholder_store_main (int, char const *const *) ;
int fdholder_transferdump_main (int, char const *const *) ;

/* ---------------------------------------------------------------- what they share */

struct options
{
  unsigned int timeout ;        /* ms; 0: no limit */
  unsigned int fdtimeout ;      /* ms; 0: no limit */
  unsigned int fd ;
  int forget ;
} ;

static int option (struct options *o, int opt, char const *arg)
{
  switch (opt)
  {
    case 't' : return !!uint0_scan(arg, &o->timeout) ;
    case 'T' : return !!uint0_scan(arg, &o->fdtimeout) ;
    case 'd' : return !!uint0_scan(arg, &o->fd) ;
    case 'D' : o->forget = 1 ; return 1 ;
    default : return 0 ;
  }
}

/* The arguments after the options, of which there must be `least`. */
static char const *const *parse (int argc, char const *const *argv, char const *options, struct options *o, int least, char const *usage)
{
  subgetopt l = SUBGETOPT_ZERO ;
  for (int opt ; (opt = subgetopt_r(argc, argv, options, &l)) != -1 ; )
    if (!option(o, opt, l.arg)) strerr_dieusage(100, usage) ;
  if (argc - l.ind < least) strerr_dieusage(100, usage) ;
  return argv + l.ind ;
}

static void set_deadline (tain *deadline, unsigned int ms)
{
  if (ms) tain_from_millisecs(deadline, (int)ms) ;
  else *deadline = tain_infinite_relative ;
  tain_add_g(deadline, deadline) ;
}

static void connect_to (struct fdholder *h, char const *path, char const *which, tain const *deadline)
{
  if (!fdholder_start(h, path, deadline)) strerr_diefusys(111, "connect to a ", which, "fd-holder daemon at ", path) ;
}

static void start (struct fdholder *h, char const *path, struct options const *o, tain *deadline)
{
  tain_now_set_stopwatch_g() ;
  set_deadline(deadline, o->timeout) ;
  connect_to(h, path, "", deadline) ;
}

/* ---------------------------------------------------------------- one descriptor */

int fdholder_store_main (int argc, char const *const *argv)
{
  struct options o = { .timeout = 0 } ;
  struct fdholder h ;
  tain deadline, limit ;
  argv = parse(argc, argv, "d:t:T:", &o, 2, STORE_USAGE) ;
  start(&h, argv[0], &o, &deadline) ;
  set_deadline(&limit, o.fdtimeout) ;
  if (!fdholder_store(&h, (int)o.fd, argv[1], o.fdtimeout ? &limit : &tain_infinite, &deadline)) strerr_diefusys(1, "store fd") ;
  return 0 ;
}

int fdholder_delete_main (int argc, char const *const *argv)
{
  struct options o = { .timeout = 0 } ;
  struct fdholder h ;
  tain deadline ;
  argv = parse(argc, argv, "t:", &o, 2, DELETE_USAGE) ;
  start(&h, argv[0], &o, &deadline) ;
  if (!fdholder_delete(&h, argv[1], &deadline)) strerr_diefusys(1, "delete fd for id ", argv[1]) ;
  return 0 ;
}

int fdholder_retrieve_main (int argc, char const *const *argv)
{
  struct options o = { .timeout = 0 } ;
  struct fdholder h ;
  tain deadline ;
  int fd ;
  argv = parse(argc, argv, "Dt:", &o, 3, RETRIEVE_USAGE) ;
  start(&h, argv[0], &o, &deadline) ;
  fd = fdholder_retrieve(&h, argv[1], o.forget, &deadline) ;
  if (fd < 0) strerr_diefusys(1, "retrieve fd for id ", argv[1]) ;
  if (fd ? fd_move(0, fd) < 0 : uncoe(0) < 0) strerr_diefusys(111, "move fd to stdin") ;
  xexec(argv + 2) ;
}

int fdholder_list_main (int argc, char const *const *argv)
{
  struct options o = { .timeout = 0 } ;
  struct fdholder h ;
  tain deadline ;
  stralloc ids = STRALLOC_ZERO, out = STRALLOC_ZERO ;
  argv = parse(argc, argv, "t:", &o, 1, LIST_USAGE) ;
  start(&h, argv[0], &o, &deadline) ;
  if (fdholder_list(&h, &ids, &deadline) < 0) strerr_diefusys(1, "get fd list") ;
  for (size_t i = 0 ; i < ids.len ; i += strlen(ids.s + i) + 1)
    if (!string_quote_nodelim(&out, ids.s + i, strlen(ids.s + i)) || !stralloc_catb(&out, "\n", 1))
      strerr_diefusys(111, "quote the list") ;
  if (buffer_putflush(buffer_1, out.s, out.len) < 0) strerr_diefusys(111, "write to stdout") ;
  return 0 ;
}

/* ---------------------------------------------------------------- dumps, as environment variables */

/* "S6_FDID_" and the like, and the number. */
static char const *variable (char const *name, uint32_t i)
{
  static char buf[16 + UINT32_FMT] ;
  size_t len = strlen(name) ;
  memcpy(buf, name, len) ;
  buf[len + uint32_fmt(buf + len, i)] = 0 ;
  return buf ;
}

static void add (stralloc *modif, char const *name, char const *value)
{
  if (!env_addmodif(modif, name, value)) strerr_diefusys(111, "allocate memory") ;
}

static void add_held (stralloc *modif, uint32_t i, struct held const *held)
{
  char fmt[INT_FMT > TIMESTAMP + 1 ? INT_FMT : TIMESTAMP + 1] ;
  fmt[int_fmt(fmt, held->fd)] = 0 ;
  add(modif, variable("S6_FD_", i), fmt) ;
  add(modif, variable("S6_FDID_", i), held->id) ;
  if (!tain_less(&held->limit, &tain_infinite)) return ;
  fmt[timestamp_fmt(fmt, &held->limit)] = 0 ;
  add(modif, variable("S6_FDLIMIT_", i), fmt) ;
}

int fdholder_getdump_main (int argc, char const *const *argv)
{
  struct options o = { .timeout = 0 } ;
  struct fdholder h ;
  tain deadline ;
  genalloc dump = GENALLOC_ZERO ;
  stralloc modif = STRALLOC_ZERO ;
  argv = parse(argc, argv, "t:", &o, 2, GETDUMP_USAGE) ;
  start(&h, argv[0], &o, &deadline) ;
  if (!fdholder_getdump(&h, &dump, &deadline)) strerr_diefusys(1, "get dump") ;
  add(&modif, "S6_FD#", variable("", (uint32_t)genalloc_len(struct held, &dump))) ;
  for (uint32_t i = 0 ; i < genalloc_len(struct held, &dump) ; i++)
  {
    struct held const *held = genalloc_s(struct held, &dump) + i ;
    if (uncoe(held->fd) < 0) strerr_diefusys(111, "keep fd for id ", held->id) ;
    add_held(&modif, i, held) ;
  }
  xmexec_m(argv + 1, modif.s, modif.len) ;
}

static char const *required (char const *name)
{
  char const *value = getenv(name) ;
  if (!value) strerr_dienotset(100, name) ;
  return value ;
}

static void held_from_environment (struct held *held, uint32_t i)
{
  unsigned int fd ;
  char const *value = required(variable("S6_FD_", i)) ;
  if (!uint0_scan(value, &fd)) strerr_dieinvalid(100, variable("S6_FD_", i)) ;
  held->fd = (int)fd ;
  value = required(variable("S6_FDID_", i)) ;
  if (!*value || strlen(value) > FDHOLDER_ID_SIZE) strerr_dieinvalid(100, variable("S6_FDID_", i)) ;
  memcpy(held->id, value, strlen(value) + 1) ;
  held->limit = tain_infinite ;
  value = getenv(variable("S6_FDLIMIT_", i)) ;
  if (value && timestamp_scan(value, &held->limit) != strlen(value)) strerr_dieinvalid(100, variable("S6_FDLIMIT_", i)) ;
}

int fdholder_setdump_main (int argc, char const *const *argv)
{
  struct options o = { .timeout = 0 } ;
  struct fdholder h ;
  struct held *dump ;
  tain deadline ;
  uint32_t n ;
  argv = parse(argc, argv, "t:", &o, 1, SETDUMP_USAGE) ;
  if (!uint320_scan(required("S6_FD#"), &n)) strerr_dieinvalid(100, "S6_FD#") ;
  if (!n) return 0 ;
  if (n > INT32_MAX / sizeof(struct held)) strerr_dief(100, "dump exceeds maximum size") ;
  dump = chain_alloc(n, sizeof(struct held)) ;
  for (uint32_t i = 0 ; i < n ; i++) held_from_environment(dump + i, i) ;
  sig_ignore(SIGPIPE) ; /* a dump may be cut short in the middle of a write */
  start(&h, argv[0], &o, &deadline) ;
  if (!fdholder_setdump(&h, dump, n, &deadline)) strerr_diefusys(1, "set dump") ;
  return 0 ;
}

/* FROM:TO, each of which may be left out. */
static int scan_timeouts (char const *s, unsigned int *from, unsigned int *to)
{
  s += uint_scan(s, from) ;
  if (!*s) return 1 ;
  return *s == ':' && (!s[1] || uint0_scan(s + 1, to)) ;
}

int fdholder_transferdump_main (int argc, char const *const *argv)
{
  subgetopt l = SUBGETOPT_ZERO ;
  unsigned int from = 0, to = 0 ;
  struct fdholder hfrom, hto ;
  tain deadline ;
  genalloc dump = GENALLOC_ZERO ;
  for (int opt ; (opt = subgetopt_r(argc, argv, "t:", &l)) != -1 ; )
    if (opt != 't' || !scan_timeouts(l.arg, &from, &to)) strerr_dieusage(100, TRANSFERDUMP_USAGE) ;
  argc -= l.ind ; argv += l.ind ;
  if (argc < 2) strerr_dieusage(100, TRANSFERDUMP_USAGE) ;
  tain_now_set_stopwatch_g() ;
  sig_ignore(SIGPIPE) ;
  set_deadline(&deadline, from) ;
  connect_to(&hfrom, argv[0], "source ", &deadline) ;
  if (!fdholder_getdump(&hfrom, &dump, &deadline)) strerr_diefusys(1, "get dump") ;
  set_deadline(&deadline, to) ;
  connect_to(&hto, argv[1], "destination ", &deadline) ;
  if (!fdholder_setdump(&hto, genalloc_s(struct held, &dump), (uint32_t)genalloc_len(struct held, &dump), &deadline))
    strerr_diefusys(1, "set dump") ;
  return 0 ;
}
