/* ISC license. */

/* s6-socklog, as s6's own: reads the datagrams that syslog() sends to /dev/log (or that come
   over UDP) and prints each as one line. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <skalibs/allreadwrite.h>
#include <skalibs/buffer.h>
#include <skalibs/djbunix.h>
#include <skalibs/error.h>
#include <skalibs/iopause.h>
#include <skalibs/ip46.h>
#include <skalibs/selfpipe.h>
#include <skalibs/sgetopt.h>
#include <skalibs/sig.h>
#include <skalibs/socket.h>
#include <skalibs/strerr.h>
#include <skalibs/tai.h>
#include <skalibs/types.h>

#include "chain.h"
#include "ids.h"

#define USAGE "s6-socklog [ -d notif ] [ -r ] [ -U | -u uid -g gid -G gidlist ] [ -l linelen ] [ -t lameducktimeout ] [ -x socket | -i ip_port ]"

#define LINELEN_MIN 76
#define LINELEN_MAX 1048576
#define HEAD_MAX 80 /* room for an address, a facility and a priority */

int socklog_main (int, char const *const *) ;

struct settings
{
  struct ids ids ;
  char const *path ;          /* of the socket; null for UDP on ip and port */
  ip46 ip ;
  uint16_t port ;
  unsigned int linelen ;
  unsigned int lameduck ;     /* ms; 0: no limit */
  unsigned int notif ;        /* 0: nobody is told */
  int raw ;
} ;

struct socklog
{
  struct settings s ;
  int fd ;
  int ending ;                /* TERM has come */
  tain deadline ;             /* to be gone by, then */
  buffer out ;
  char *line ;                /* linelen + 1 bytes: one more than fits tells that it was cut */
} ;

/* ---------------------------------------------------------------- a datagram into a line */

/* By number, as glibc's and musl's syslog.h name them. */
static char const *const facilities[] =
{
  "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
  "unknown", "unknown", "unknown", "unknown",
  "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7", "mark"
} ;

static char const *const priorities[8] = { "emerg", "alert", "crit", "err", "warn", "notice", "info", "debug" } ;

static char const *facility_name (unsigned int n)
{
  return n < sizeof facilities / sizeof *facilities ? facilities[n] : "unknown" ;
}

/* Prints what <CODE> at the line's start means; the length of that, 0 if there is none. */
static size_t put_code (buffer *out, char const *line, size_t len)
{
  unsigned int code ;
  size_t i = len > 2 && line[0] == '<' ? uint_scan(line + 1, &code) : 0 ;
  if (!i || i + 1 >= len || line[i + 1] != '>') return 0 ;
  buffer_putsnoflush(out, facility_name(code >> 3 & 127)) ;
  buffer_putnoflush(out, ".", 1) ;
  buffer_putsnoflush(out, priorities[code & 7]) ;
  buffer_putnoflush(out, ": ", 2) ;
  return i + 2 ;
}

static void put_line (struct socklog *g, size_t received)
{
  size_t len = received, head = 0 ;
  while (len && (!g->line[len - 1] || g->line[len - 1] == '\n')) len-- ;
  for (size_t i = 0 ; i < len ; i++) if (!g->line[i] || g->line[i] == '\n') g->line[i] = '~' ;
  g->line[len] = 0 ;
  if (!g->s.raw) head = put_code(&g->out, g->line, len) ;
  buffer_putnoflush(&g->out, g->line + head, len - head) ;
  if (received > g->s.linelen) buffer_putnoflush(&g->out, "...", 3) ;
  buffer_putnoflush(&g->out, "\n", 1) ;
}

static void put_sender (buffer *out, ip46 const *ip, uint16_t port)
{
  char fmt[IP46_FMT + UINT16_FMT + 3] ;
  size_t m = ip46_fmt(fmt, ip) ;
  fmt[m++] = '_' ;
  m += uint16_fmt(fmt + m, port) ;
  fmt[m++] = ':' ; fmt[m++] = ' ' ;
  buffer_putnoflush(out, fmt, m) ;
}

/* One datagram; 0 if none is there. An empty one is passed over. */
static int receive (struct socklog *g)
{
  ip46 ip = g->s.ip ;
  uint16_t port ;
  ssize_t r = g->s.path ? fd_recv(g->fd, g->line, g->s.linelen + 1, 0) :
    socket_recv46(g->fd, g->line, g->s.linelen + 1, &ip, &port) ;
  if (r < 0)
  {
    if (error_isagain(errno)) return 0 ;
    strerr_diefusys(111, "recv") ;
  }
  if (!r) return 1 ;
  if (!g->s.path) put_sender(&g->out, &ip, port) ;
  put_line(g, (size_t)r) ;
  return 1 ;
}

/* ---------------------------------------------------------------- start */

static int scan_address (char const *s, struct settings *set)
{
  size_t pos = ip46_scan(s, &set->ip) ;
  if (!pos) return 0 ;
  set->path = 0 ;
  if (!s[pos]) return 1 ;
  if (s[pos] != '_' && (ip46_is6(&set->ip) || s[pos] != ':')) return 0 ;
  return !!uint160_scan(s + pos + 1, &set->port) ;
}

static int option (struct settings *set, int opt, char const *arg)
{
  switch (opt)
  {
    case 'r' : set->raw = 1 ; return 1 ;
    case 'd' : return !!uint0_scan(arg, &set->notif) ;
    case 'l' : return !!uint0_scan(arg, &set->linelen) ;
    case 't' : return !!uint0_scan(arg, &set->lameduck) ;
    case 'x' : set->path = arg ; return 1 ;
    case 'i' : return scan_address(arg, set) ;
    default : return ids_option(&set->ids, opt, arg) ;
  }
}

static void parse_options (int argc, char const *const *argv, struct settings *set)
{
  subgetopt l = SUBGETOPT_ZERO ;
  for (int opt ; (opt = subgetopt_r(argc, argv, "rd:l:t:x:i:" IDS_OPTIONS, &l)) != -1 ; )
    if (!option(set, opt, l.arg)) strerr_dieusage(100, USAGE) ;
  if (set->linelen < LINELEN_MIN) set->linelen = LINELEN_MIN ;
  if (set->linelen > LINELEN_MAX) set->linelen = LINELEN_MAX ;
  if (!set->notif) return ;
  if (set->notif < 3) strerr_dief(100, "notification fd must be 3 or more") ;
  if (fcntl((int)set->notif, F_GETFD) < 0) strerr_diefsys(100, "invalid notification fd") ;
}

static int bind_path (char const *path)
{
  int fd = ipc_datagram_nbcoe() ;
  if (fd < 0) strerr_diefusys(111, "create socket") ;
  /* anybody may log */
  if (ipc_bind_reuse_perms(fd, path, 0777) < 0) strerr_diefusys(111, "bind socket to ", path) ;
  return fd ;
}

static int bind_udp (ip46 const *ip, uint16_t port)
{
  char fmtip[IP46_FMT], fmtport[UINT16_FMT] ;
  int fd = socket_udp46_nbcoe(ip46_is6(ip)) ;
  if (fd < 0) strerr_diefusys(111, "create socket") ;
  if (socket_bind46_reuse(fd, ip, port) >= 0) return fd ;
  fmtip[ip46_fmt(fmtip, ip)] = 0 ;
  fmtport[uint16_fmt(fmtport, port)] = 0 ;
  strerr_diefusys(111, "bind socket to ", "ip ", fmtip, " port ", fmtport) ;
}

static int trap_signals (void)
{
  int fd = selfpipe_init() ;
  if (fd < 0) strerr_diefusys(111, "make selfpipe") ;
  if (!sig_altignore(SIGPIPE)) strerr_diefusys(111, "ignore SIGPIPE") ;
  if (!selfpipe_trap(SIGTERM)) strerr_diefusys(111, "trap SIGTERM") ;
  return fd ;
}

/* ---------------------------------------------------------------- the loop */

static void handle_signals (struct socklog *g)
{
  for (;;) switch (selfpipe_read())
  {
    case -1 : strerr_diefusys(111, "read selfpipe") ;
    case 0 : return ;
    default : /* TERM, the only one trapped */
      if (g->ending) break ;
      g->ending = 1 ;
      if (g->s.lameduck) tain_from_millisecs(&g->deadline, (int)g->s.lameduck) ;
      tain_add_g(&g->deadline, &g->deadline) ;
  }
}

static int has_room (struct socklog const *g)
{
  return buffer_available(&g->out) >= g->s.linelen + 1 + HEAD_MAX ;
}

/* 0 when all is done: TERM has come, and what had been sent by then is printed. */
static int turn (struct socklog *g, iopause_fd *x)
{
  int more = 1, r ;
  x[1].events = buffer_len(&g->out) ? IOPAUSE_WRITE : 0 ;
  x[2].events = !g->ending && has_room(g) ? IOPAUSE_READ : 0 ;
  r = iopause_g(x, 3, g->ending ? &g->deadline : &tain_infinite) ;
  if (r < 0) strerr_diefusys(111, "iopause") ;
  if (!r) _exit(99) ;
  if (x[0].revents & IOPAUSE_READ) handle_signals(g) ;
  if (x[1].events && x[1].revents && !buffer_flush(&g->out) && !error_isagain(errno))
    strerr_diefusys(111, "write to stdout") ;
  if (x[2].events & x[2].revents & IOPAUSE_READ) receive(g) ;
  if (!g->ending) return 1 ;
  while (more && has_room(g)) more = receive(g) ;
  return more || buffer_len(&g->out) ;
}

int socklog_main (int argc, char const *const *argv)
{
  struct socklog g = { .s = { .ids = IDS_ZERO, .path = "/dev/log", .port = 514, .linelen = 1024 },
    .deadline = TAIN_INFINITE_RELATIVE } ;
  iopause_fd x[3] = { { .events = IOPAUSE_READ }, { .fd = 1 } } ;
  size_t outsize ;
  parse_options(argc, argv, &g.s) ;
  close(0) ;
  if (fcntl(1, F_GETFD) < 0) strerr_diefsys(100, "invalid stdout") ;
  g.fd = g.s.path ? bind_path(g.s.path) : bind_udp(&g.s.ip, g.s.port) ;
  ids_apply(&g.s.ids) ;
  outsize = 4 * ((size_t)g.s.linelen + HEAD_MAX) ;
  buffer_init(&g.out, &buffer_write, 1, chain_alloc(outsize, 1), outsize) ;
  g.line = chain_alloc((size_t)g.s.linelen + 2, 1) ;
  x[0].fd = trap_signals() ;
  x[2].fd = g.fd ;
  tain_now_set_stopwatch_g() ;
  if (g.s.notif)
  {
    fd_write((int)g.s.notif, "\n", 1) ;
    fd_close((int)g.s.notif) ;
  }
  while (turn(&g, x)) ;
  return 0 ;
}
