/* ISC license. */

/* logutil-service [-f FIFO] DIR and logutil-newfifo [-m MODE] [-o OWNER] FIFO, as in
   s6-overlay 3: a logger for a service in one line. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <skalibs/djbunix.h>
#include <skalibs/env.h>
#include <skalibs/sgetopt.h>
#include <skalibs/stralloc.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "chain.h"
#include "ids.h"

#define SERVICE_USAGE "logutil-service [ -f fifo ] dir"
#define NEWFIFO_USAGE "logutil-newfifo [ -m mode ] [ -o owner ] fifo"

#define DEFAULT_SCRIPT "n20 s1000000 T"
#define LOG_ACCOUNT "nobody"
#define LOG_FALLBACK "65534:65534"

int logutil_service_main (int, char const *const *) ;
int logutil_newfifo_main (int, char const *const *) ;

/* Open for writing too: the logger must not end with each writer that comes and goes. */
static void read_fifo (char const *fifo)
{
  int fd = open(fifo, O_RDWR | O_CLOEXEC) ;
  if (fd < 0) strerr_diefusys(111, "open ", fifo) ;
  if (fd_move(0, fd) < 0) strerr_diefusys(111, "read from ", fifo) ;
}

/* A container that is not root's has nobody else to become; its logger still has to log. */
static void drop_privileges (void)
{
  struct ids ids = IDS_ZERO ;
  char me[UID_FMT] ;
  if (!ids_lookup(&ids, LOG_ACCOUNT)) ids_scan_triple(&ids, LOG_FALLBACK) ;
  if (ids_can_apply())
  {
    ids_apply(&ids) ;
    return ;
  }
  if (geteuid() == ids.uid) return ;
  me[uid_fmt(me, geteuid())] = 0 ;
  strerr_warnw("logging as uid ", me, ": no privilege to become " LOG_ACCOUNT) ;
}

static void exec_logger (char const *script, char const *dir)
{
  static char const *const none[1] = { 0 } ;
  stralloc words = STRALLOC_ZERO ;
  size_t n = chain_words(&words, script) ;
  char const **v = chain_alloc(n + 5, sizeof(char const *)) ;
  v[0] = "s6-log" ;
  v[1] = "-b" ;
  v[2] = "--" ;
  env_make(v + 3, n, words.s, words.len) ;
  v[n + 3] = dir ;
  v[n + 4] = 0 ;
  chain_exec_own(v, none) ;
}

int logutil_service_main (int argc, char const *const *argv)
{
  subgetopt l = SUBGETOPT_ZERO ;
  char const *script ;
  for (int opt ; (opt = subgetopt_r(argc, argv, "f:", &l)) != -1 ; )
    if (opt == 'f') read_fifo(l.arg) ;
    else strerr_dieusage(100, SERVICE_USAGE) ;
  argc -= l.ind ; argv += l.ind ;
  if (argc != 1) strerr_dieusage(100, SERVICE_USAGE) ;
  script = chain_contenv_value("S6_LOGGING_SCRIPT") ;
  if (!script) script = DEFAULT_SCRIPT ;
  drop_privileges() ;
  exec_logger(script, argv[0]) ;
  return 111 ; /* not reached */
}

/* ---------------------------------------------------------------- logutil-newfifo */

static void make_fifo (char const *fifo, mode_t mode)
{
  struct stat st ;
  if (lstat(fifo, &st) >= 0 && S_ISDIR(st.st_mode))
    strerr_dief(111, fifo, " is a directory: remove it if a fifo is to be there") ;
  if (unlink(fifo) < 0 && errno != ENOENT) strerr_diefusys(111, "remove the old ", fifo) ;
  if (mkfifo(fifo, 0600) < 0) strerr_diefusys(111, "mkfifo ", fifo) ;
  if (chmod(fifo, mode) < 0) strerr_diefusys(111, "chmod ", fifo) ;
}

int logutil_newfifo_main (int argc, char const *const *argv)
{
  subgetopt l = SUBGETOPT_ZERO ;
  struct ids ids = IDS_ZERO ;
  char const *owner = "root" ;
  unsigned int mode = 0600 ;
  for (int opt ; (opt = subgetopt_r(argc, argv, "m:o:", &l)) != -1 ; ) switch (opt)
  {
    case 'o' : owner = l.arg ; break ;
    case 'm' : if (uint0_oscan(l.arg, &mode) && mode <= 07777) break ; /* fall through */
    default : strerr_dieusage(100, NEWFIFO_USAGE) ;
  }
  argc -= l.ind ; argv += l.ind ;
  if (argc != 1) strerr_dieusage(100, NEWFIFO_USAGE) ;
  if (!ids_lookup(&ids, owner) && strcmp(owner, "root")) strerr_dief(1, "unknown user: ", owner) ;
  make_fifo(argv[0], (mode_t)mode) ;
  if ((ids.uid != geteuid() || ids.gid != getegid()) && lchown(argv[0], ids.uid, ids.gid) < 0)
    strerr_diefusys(111, "chown ", argv[0], " to ", owner) ;
  return 0 ;
}
