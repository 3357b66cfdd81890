/* ISC license. */

/*
   s6-fdholderd, as s6's own: the daemon that holds descriptors. Its stdin is a listening
   socket. What it speaks: fdholder.h.

   A client can only hurt himself: nothing here waits for one, his requests are not read while
   he does not take his answers, and what he may do was looked up when he connected.
*/

#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <skalibs/alloc.h>
#include <skalibs/allreadwrite.h>
#include <skalibs/avltreen.h>
#include <skalibs/djbunix.h>
#include <skalibs/error.h>
#include <skalibs/genalloc.h>
#include <skalibs/genset.h>
#include <skalibs/iopause.h>
#include <skalibs/selfpipe.h>
#include <skalibs/sgetopt.h>
#include <skalibs/sig.h>
#include <skalibs/socket.h>
#include <skalibs/stralloc.h>
#include <skalibs/strerr.h>
#include <skalibs/tai.h>
#include <skalibs/types.h>
#include <skalibs/uint32.h>
#include <skalibs/unixconnection.h>
#include <skalibs/unixmessage.h>

#include "chain.h"
#include "fdholder.h"

#define USAGE "s6-fdholderd [ -v verbosity ] [ -1 ] [ -c maxconn ] [ -n maxfds ] [ -t timeout ] [ -T lameducktimeout ] [ -i rulesdir | -x rulesfile ]"

#define CLIENTS_MAX 256
#define OWN_FDS 6          /* standard ones, signals, and some to spare */

/* The exit code says what was left. */
enum { LOST_FDS = 1, LOST_CLIENTS = 2 } ;

int fdholderd_main (int, char const *const *) ;

static unsigned int verbosity = 1 ;
static unsigned int maxfds = 1000 ;
static tain client_timeout = TAIN_INFINITE_RELATIVE ;
static tain lameduck = TAIN_INFINITE_RELATIVE ;   /* once ending: an absolute time */
static int ending ;

/* ---------------------------------------------------------------- what is held */

static genset store ;          /* struct held */
static avltreen by_id ;
static avltreen by_limit ;     /* the address tells equal dates apart */

#define HELD(i) genset_p(struct held, &store, i)

static void *to_held (uint32_t i, void *x)
{
  (void)x ;
  return HELD(i) ;
}

static int cmp_id (void const *a, void const *b, void *x)
{
  (void)x ;
  return strcmp(((struct held const *)a)->id, ((struct held const *)b)->id) ;
}

static int cmp_limit (void const *a, void const *b, void *x)
{
  struct held const *p = a, *q = b ;
  (void)x ;
  if (tain_less(&p->limit, &q->limit)) return -1 ;
  if (tain_less(&q->limit, &p->limit)) return 1 ;
  return p < q ? -1 : p > q ;
}

static void init_store (void)
{
  genset_init(&store, chain_alloc(maxfds, sizeof(struct held)), chain_alloc(maxfds, sizeof(uint32_t)), sizeof(struct held), maxfds) ;
  avltreen_init(&by_id, chain_alloc(maxfds, sizeof(avlnode)), chain_alloc(maxfds, sizeof(uint32_t)), maxfds, &to_held, &cmp_id, 0) ;
  avltreen_init(&by_limit, chain_alloc(maxfds, sizeof(avlnode)), chain_alloc(maxfds, sizeof(uint32_t)), maxfds, &to_held, &cmp_limit, 0) ;
}

static int find (char const *id, uint32_t *i)
{
  struct held key ;
  strcpy(key.id, id) ;
  return avltreen_search(&by_id, &key, i) ;
}

/* The descriptor is the caller's from now on. */
static int take_out (uint32_t i)
{
  int fd = HELD(i)->fd ;
  avltreen_delete(&by_id, HELD(i)) ;
  avltreen_delete(&by_limit, HELD(i)) ;
  genset_delete(&store, i) ;
  return fd ;
}

/* ---------------------------------------------------------------- clients */

struct client
{
  unixconnection connection ;
  regex_t may_store ;
  regex_t may_retrieve ;
  struct fdholder_rights rights ;   /* its strings are no longer valid, only whether they are there */
  tain deadline ;
  uint32_t dumping ;                /* descriptors of a dump that are still to come */
  unsigned int x ;                  /* its place in what is polled; 0: none */
} ;

static struct client *clients[CLIENTS_MAX] ;
static unsigned int nclients ;
static int accept_later ;           /* no descriptors left: wait until one is closed */

static int is_sending (struct client const *c)
{
  return !unixmessage_sender_isempty(&c->connection.out) ;
}

/* In the middle of a request or of an answer. */
static int is_busy (struct client const *c)
{
  return is_sending(c) || c->dumping || !unixmessage_receiver_isempty(&c->connection.in)
   || c->connection.in.maindata.len < c->connection.in.mainlen ;
}

/* A descriptor that waits in somebody's answer must not be closed before it is sent: its number
   would come to mean another file. */
static genalloc graveyard = GENALLOC_ZERO ; /* int */

static void bury (int fd)
{
  accept_later = 0 ;
  for (unsigned int i = 0 ; i < nclients ; i++)
    if (is_sending(clients[i]) && genalloc_append(int, &graveyard, &fd)) return ;
  fd_close(fd) ;
}

static void close_graveyard (void)
{
  for (unsigned int i = 0 ; i < nclients ; i++) if (is_sending(clients[i])) return ;
  for (size_t i = 0 ; i < genalloc_len(int, &graveyard) ; i++) fd_close(genalloc_s(int, &graveyard)[i]) ;
  genalloc_setlen(int, &graveyard, 0) ;
}

static void postpone (struct client *c)
{
  tain_add_g(&c->deadline, &client_timeout) ;
}

static void free_client (struct client *c)
{
  int fd = unixmessage_sender_fd(&c->connection.out) ;
  unixconnection_free(&c->connection) ;
  fd_close(fd) ;
  if (c->rights.store) regfree(&c->may_store) ;
  if (c->rights.retrieve) regfree(&c->may_retrieve) ;
  alloc_free(c) ;
  accept_later = 0 ;
}

static void remove_client (unsigned int i)
{
  struct client *c = clients[i] ;
  clients[i] = clients[--nclients] ;
  free_client(c) ;
}

/* 0 after a warning if the expression is none. */
static int compile (regex_t *re, char const *text)
{
  char why[256] ;
  int r = text ? regcomp(re, text, REG_EXTENDED | REG_NOSUB) : 0 ;
  if (!r) return 1 ;
  regerror(r, re, why, sizeof why) ;
  if (verbosity) strerr_warnw("invalid regular expression in the rules: ", text, ": ", why) ;
  return 0 ;
}

static struct client *new_client (int fd, struct fdholder_rights const *rights)
{
  struct client *c ;
  regex_t may_store, may_retrieve ;
  if (!compile(&may_store, rights->store)) return 0 ;
  c = compile(&may_retrieve, rights->retrieve) ? alloc(sizeof(struct client)) : 0 ;
  if (!c)
  {
    if (rights->store) regfree(&may_store) ;
    return 0 ;
  }
  memset(c, 0, sizeof *c) ;
  unixconnection_init(&c->connection, fd, fd) ;
  if (rights->store) c->may_store = may_store ;
  if (rights->retrieve) c->may_retrieve = may_retrieve ;
  c->rights = *rights ;
  postpone(c) ;
  return c ;
}

static struct client *admit (int fd)
{
  struct fdholder_rights rights ;
  struct ucred peer ;
  socklen_t len = sizeof peer ;
  int r ;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
  {
    if (verbosity) strerr_warnwusys("ask who has connected") ;
    return 0 ;
  }
  r = fdholder_rules_check(peer.uid, peer.gid, &rights) ;
  if (r < 0 && verbosity) strerr_warnwsys("error while checking rules") ;
  return r > 0 ? new_client(fd, &rights) : 0 ;
}

static void accept_client (int listener)
{
  int trunc ;
  int fd = ipc_accept_nbcoe(listener, 0, 0, &trunc) ;
  if (fd < 0)
  {
    if (error_isagain(errno) || errno == ECONNABORTED || errno == EINTR) return ;
    if (verbosity) strerr_warnwusys("accept a client") ;
    accept_later = 1 ;
    return ;
  }
  clients[nclients] = admit(fd) ;
  if (clients[nclients]) nclients++ ;
  else fd_close(fd) ;
}

/* There is room. What is held under the same id makes place, but only after: s6's lists show
   the same order then. */
static void insert (struct held const *held)
{
  uint32_t old ;
  uint32_t const i = genset_new(&store) ;
  *HELD(i) = *held ;
  if (find(held->id, &old)) bury(take_out(old)) ;
  avltreen_insert(&by_id, i) ;
  avltreen_insert(&by_limit, i) ;
}

/* ---------------------------------------------------------------- requests: 1, or 0 to be rid of the client */

static int answer (struct client *c, int e)
{
  char byte = (char)e ;
  unixmessage m = { .s = &byte, .len = 1 } ;
  return unixmessage_put(&c->connection.out, &m) ;
}

/* An error after which the client lives on; descriptors that came are not wanted. */
static int refuse (struct client *c, unixmessage const *m, int e)
{
  unixmessage_drop(m) ;
  return answer(c, e) ;
}

static int garbage (unixmessage const *m)
{
  unixmessage_drop(m) ;
  errno = EPROTO ;
  return 0 ;
}

static int may (int allowed, regex_t const *re, char const *id)
{
  return allowed && !regexec(re, id, 0, 0, 0) ;
}

/* The id that is all of s; null if there is none. */
static char const *whole_id (char const *s, size_t len)
{
  size_t const idlen = len ? (unsigned char)s[0] : 0 ;
  return idlen && len == idlen + 2 && strnlen(s + 1, len - 1) == idlen ? s + 1 : 0 ;
}

static int do_store (struct client *c, unixmessage const *m)
{
  struct held held ;
  char const *s = m->s ;
  size_t len = m->len ;
  uint32_t i ;
  if (m->nfds != 1 || !fdholder_scan_held(&s, &len, &held) || len) return garbage(m) ;
  if (!may(!!c->rights.store, &c->may_store, held.id)) return refuse(c, m, EPERM) ;
  if (genset_n(&store) >= maxfds) return refuse(c, m, ENFILE) ;
  if (find(held.id, &i)) return refuse(c, m, EBUSY) ;
  held.fd = m->fds[0] ;
  if (!answer(c, 0)) return garbage(m) ;
  insert(&held) ;
  return 1 ;
}

static int do_delete (struct client *c, unixmessage const *m)
{
  char const *id = whole_id(m->s, m->len) ;
  uint32_t i ;
  if (m->nfds || !id) return garbage(m) ;
  if (!may(!!c->rights.store, &c->may_store, id)) return answer(c, EPERM) ;
  if (!find(id, &i)) return answer(c, ENOENT) ;
  if (!answer(c, 0)) return 0 ;
  bury(take_out(i)) ;
  return 1 ;
}

static int do_retrieve (struct client *c, unixmessage const *m)
{
  int fd ;
  unixmessage reply = { .s = (char *)"", .len = 1, .fds = &fd, .nfds = 1 } ;
  char const *id = m->len ? whole_id(m->s + 1, m->len - 1) : 0 ;
  uint32_t i ;
  if (m->nfds || !id) return garbage(m) ;
  if (!may(!!c->rights.retrieve, &c->may_retrieve, id)
   || (m->s[0] && !may(!!c->rights.store, &c->may_store, id))) return answer(c, EPERM) ;
  if (!find(id, &i)) return answer(c, ENOENT) ;
  fd = HELD(i)->fd ;
  if (!unixmessage_put(&c->connection.out, &reply)) return 0 ;
  if (m->s[0]) bury(take_out(i)) ;
  return 1 ;
}

static int add_id (char *item, void *text)
{
  char const *id = ((struct held const *)item)->id ;
  return stralloc_catb(text, id, strlen(id) + 1) ;
}

static int do_list (struct client *c, unixmessage const *m)
{
  stralloc text = STRALLOC_ZERO ;
  char head[5] = "" ;
  int r ;
  if (m->nfds || m->len) return garbage(m) ;
  if (!c->rights.list) return answer(c, EPERM) ;
  uint32_pack_big(head + 1, genset_n(&store)) ;
  r = stralloc_catb(&text, head, sizeof head) && genset_iter(&store, &add_id, &text) <= maxfds ;
  if (r)
  {
    unixmessage reply = { .s = text.s, .len = text.len } ;
    r = unixmessage_put(&c->connection.out, &reply) ;
  }
  stralloc_free(&text) ;
  return r ;
}

static int add_held (char *item, void *list)
{
  return genalloc_append(struct held, (genalloc *)list, (struct held *)item) ;
}

/* In so many messages, each about as long as the others. */
static int put_dump (struct client *c, struct held const *held, uint32_t n)
{
  for (uint32_t left = fdholder_messages(n) ; left ; left--)
  {
    uint32_t some = (n + left - 1) / left ;
    if (!fdholder_put_held(&c->connection.out, "", 0, held, some)) return 0 ;
    held += some ;
    n -= some ;
  }
  return 1 ;
}

static int do_getdump (struct client *c, unixmessage const *m)
{
  genalloc list = GENALLOC_ZERO ; /* struct held */
  char head[9] = "" ;
  unixmessage reply = { .s = head, .len = sizeof head } ;
  uint32_t const n = genset_n(&store) ;
  int r ;
  if (m->nfds || m->len) return garbage(m) ;
  if (!c->rights.getdump) return answer(c, EPERM) ;
  genset_iter(&store, &add_held, &list) ;
  if (genalloc_len(struct held, &list) < n)
  {
    genalloc_free(struct held, &list) ;
    return answer(c, ENOMEM) ;
  }
  uint32_pack_big(head + 1, fdholder_messages(n)) ;
  uint32_pack_big(head + 5, n) ;
  r = unixmessage_put(&c->connection.out, &reply) && put_dump(c, genalloc_s(struct held, &list), n) ;
  genalloc_free(struct held, &list) ;
  return r ;
}

static int do_setdump (struct client *c, unixmessage const *m)
{
  char head[5] = "" ;
  unixmessage reply = { .s = head, .len = sizeof head } ;
  uint32_t n ;
  if (m->nfds || m->len != 4) return garbage(m) ;
  if (!c->rights.setdump) return answer(c, EPERM) ;
  uint32_unpack_big(m->s, &n) ;
  if (n > maxfds - genset_n(&store)) return answer(c, ENFILE) ;
  c->dumping = n ;
  /* s6's clients count by this; how many messages come is all the same to us */
  uint32_pack_big(head + 1, (n + FDHOLDER_S6_MAX - 1) / FDHOLDER_S6_MAX) ;
  return unixmessage_put(&c->connection.out, &reply) ;
}

/* What comes takes the place of what is held under the same id. Nothing is taken over before
   all of the message has been read. */
static int do_setdump_data (struct client *c, unixmessage const *m)
{
  struct held held[FDHOLDER_S6_MAX] ;
  char const *s = m->s ;
  size_t len = m->len ;
  if (!m->nfds || m->nfds > c->dumping || m->nfds > FDHOLDER_S6_MAX) return garbage(m) ;
  for (unsigned int i = 0 ; i < m->nfds ; i++)
  {
    if (!fdholder_scan_held(&s, &len, held + i)) return garbage(m) ;
    held[i].fd = m->fds[i] ;
  }
  if (len) return garbage(m) ;
  if (m->nfds > maxfds - genset_n(&store)) return refuse(c, m, ENFILE) ;
  if (!answer(c, c->dumping > m->nfds ? EAGAIN : 0)) return garbage(m) ;
  c->dumping -= m->nfds ;
  for (unsigned int i = 0 ; i < m->nfds ; i++) insert(held + i) ;
  return 1 ;
}

static struct { char letter ; int (*handle) (struct client *, unixmessage const *) ; } const requests[] =
{
  { 'S', &do_store }, { 'D', &do_delete }, { 'R', &do_retrieve }, { 'L', &do_list },
  { '?', &do_getdump }, { '!', &do_setdump }, { '.', &do_setdump_data },
} ;

static int handle (unixmessage const *m, void *client)
{
  struct client *c = client ;
  unixmessage rest = *m ;
  int r = -1 ;
  rest.s++ ; rest.len-- ;
  /* in the middle of a dump nothing else will do */
  for (size_t i = 0 ; m->len && i < sizeof requests / sizeof *requests ; i++)
    if (m->s[0] == requests[i].letter && !c->dumping == (m->s[0] != '.')) r = (*requests[i].handle)(c, &rest) ;
  if (r < 0) r = garbage(m) ;
  /* The descriptors are taken care of: skalibs must not close them again when the client goes
     while the beginning of another message is there. */
  c->connection.in.auxdata.len = 0 ;
  c->connection.in.auxlen = 0 ;
  return r ;
}

/* ---------------------------------------------------------------- the loop */

static void handle_signals (void)
{
  for (;;) switch (selfpipe_read())
  {
    case -1 : strerr_diefusys(111, "read selfpipe") ;
    case 0 : return ;
    case SIGHUP : fdholder_rules_reopen() ; break ;
    default : /* TERM */
      if (!ending) tain_add_g(&lameduck, &lameduck) ;
      ending = 1 ;
  }
}

static void expire (void)
{
  uint32_t i ;
  while (avltreen_min(&by_limit, &i) && !tain_future(&HELD(i)->limit)) bury(take_out(i)) ;
}

static void earlier (tain *deadline, tain const *other)
{
  if (tain_less(other, deadline)) *deadline = *other ;
}

/* Fills x and finds the next deadline; how many there are. A client whose answers wait is not
   read from. */
static unsigned int prepare (iopause_fd *x, tain *deadline)
{
  unsigned int n = 2 ;
  uint32_t first ;
  *deadline = tain_infinite ;
  if (ending) earlier(deadline, &lameduck) ;
  if (avltreen_min(&by_limit, &first)) earlier(deadline, &HELD(first)->limit) ;
  x[1].events = !ending && !accept_later ? IOPAUSE_READ : 0 ;
  for (unsigned int i = 0 ; i < nclients ; i++)
  {
    struct client *c = clients[i] ;
    earlier(deadline, &c->deadline) ;
    x[n].fd = unixmessage_sender_fd(&c->connection.out) ;
    x[n].events = is_sending(c) ? IOPAUSE_WRITE : IOPAUSE_READ ;
    c->x = n++ ;
  }
  return n ;
}

/* 0 to be rid of the client. */
static int serve (struct client *c, iopause_fd const *x)
{
  short const revents = x[c->x].revents ;
  if (!revents) return tain_future(&c->deadline) ;
  postpone(c) ;
  if (!is_sending(c) && unixmessage_handle(&c->connection.in, &handle, c) < 0) return 0 ;
  /* what is answered is mostly gone at once */
  return !is_sending(c) || unixconnection_flush(&c->connection) || error_isagain(errno) ;
}

static void serve_all (iopause_fd const *x)
{
  for (unsigned int i = nclients ; i-- ; )
    if (!serve(clients[i], x) || (ending && !is_busy(clients[i]))) remove_client(i) ;
  close_graveyard() ;
}

static void loop (iopause_fd *x, unsigned int maxconn)
{
  while (!ending || (nclients && tain_future(&lameduck)))
  {
    tain deadline ;
    unsigned int n = prepare(x, &deadline) ;
    if (nclients >= maxconn) x[1].events = 0 ;
    if (iopause_g(x, n, &deadline) < 0) strerr_diefusys(111, "iopause") ;
    if (x[0].revents & IOPAUSE_READ) handle_signals() ;
    expire() ;
    serve_all(x) ;
    if (x[1].events && x[1].revents & IOPAUSE_READ && !ending) accept_client(x[1].fd) ;
  }
}

/* ---------------------------------------------------------------- start */

struct settings
{
  enum rules_kind kind ;
  char const *rules ;
  unsigned int maxconn ;
  unsigned int timeout ;     /* ms; 0: none */
  unsigned int lameduck ;    /* ms; 0: none */
  int notify ;
} ;

static int set_rules (struct settings *s, enum rules_kind kind, char const *rules)
{
  s->kind = kind ;
  s->rules = rules ;
  return 1 ;
}

static int option (struct settings *s, int opt, char const *arg)
{
  switch (opt)
  {
    case '1' : s->notify = 1 ; return 1 ;
    case 'v' : return !!uint0_scan(arg, &verbosity) ;
    case 'c' : return !!uint0_scan(arg, &s->maxconn) ;
    case 'n' : return !!uint0_scan(arg, &maxfds) ;
    case 't' : return !!uint0_scan(arg, &s->timeout) ;
    case 'T' : return !!uint0_scan(arg, &s->lameduck) ;
    case 'i' : return set_rules(s, RULES_DIR, arg) ;
    case 'x' : return set_rules(s, RULES_CDB, arg) ;
    default : return 0 ;
  }
}

static void parse_options (int argc, char const *const *argv, struct settings *s)
{
  subgetopt l = SUBGETOPT_ZERO ;
  for (int opt ; (opt = subgetopt_r(argc, argv, "v:1c:n:i:x:t:T:", &l)) != -1 ; )
    if (!option(s, opt, l.arg)) strerr_dieusage(100, USAGE) ;
  if (s->kind == RULES_NONE) strerr_dief(100, "no access rights specified!") ;
  if (s->maxconn > CLIENTS_MAX) s->maxconn = CLIENTS_MAX ;
  if (!s->maxconn) s->maxconn = 1 ;
  if (!maxfds) maxfds = 1 ;
  if (s->timeout) tain_from_millisecs(&client_timeout, (int)s->timeout) ;
  if (s->lameduck) tain_from_millisecs(&lameduck, (int)s->lameduck) ;
}

/* No more is promised than can be held. */
static void limit_store (void)
{
  struct rlimit r ;
  if (getrlimit(RLIMIT_NOFILE, &r) < 0) strerr_diefusys(111, "getrlimit") ;
  if (r.rlim_cur == RLIM_INFINITY) return ;
  if (r.rlim_cur <= OWN_FDS) strerr_dief(111, "open file limit too low") ;
  if (maxfds > r.rlim_cur - OWN_FDS) maxfds = (unsigned int)(r.rlim_cur - OWN_FDS) ;
}

static void check_stdin (void)
{
  struct stat st ;
  if (fstat(0, &st) < 0) strerr_diefusys(111, "fstat stdin") ;
  if (!S_ISSOCK(st.st_mode)) strerr_dief(100, "stdin is not a socket") ;
  if (ndelay_on(0) < 0) strerr_diefusys(111, "set stdin non-blocking") ;
}

static int trap_signals (void)
{
  sigset_t set ;
  int fd = selfpipe_init() ;
  if (fd < 0) strerr_diefusys(111, "make selfpipe") ;
  if (!sig_altignore(SIGPIPE)) strerr_diefusys(111, "ignore SIGPIPE") ;
  sigemptyset(&set) ;
  sigaddset(&set, SIGTERM) ;
  sigaddset(&set, SIGHUP) ;
  if (!selfpipe_trapset(&set)) strerr_diefusys(111, "trap signals") ;
  return fd ;
}

int fdholderd_main (int argc, char const *const *argv)
{
  static iopause_fd x[2 + CLIENTS_MAX] ;
  struct settings s = { .kind = RULES_NONE, .maxconn = 16 } ;
  parse_options(argc, argv, &s) ;
  limit_store() ;
  check_stdin() ;
  if (!s.notify) close(1) ;
  else if (fcntl(1, F_GETFD) < 0) strerr_diefsys(100, "called with option -1 but stdout said") ;
  x[0].fd = trap_signals() ;
  x[0].events = IOPAUSE_READ ;
  x[1].fd = 0 ;
  if (!fdholder_rules_open(s.kind, s.rules)) strerr_diefusys(111, "cdb_init ", s.rules) ;
  init_store() ;
  tain_now_set_stopwatch_g() ;
  if (s.notify)
  {
    fd_write(1, "\n", 1) ;
    fd_close(1) ;
  }
  loop(x, s.maxconn) ;
  return (genset_n(&store) ? LOST_FDS : 0) | (nclients ? LOST_CLIENTS : 0) ;
}
