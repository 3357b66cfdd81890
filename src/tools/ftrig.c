/* ISC license. */

/*
   Event directories for scripts:

     s6-ftrig-wait      wait until what is notified matches a regular expression
     s6-ftrig-listen1   the same, starting a program when we listen
     s6-ftrig-listen    the same with many event directories
     s6-ftrig-notify    notify
     s6-mkfifodir       make an event directory
     s6-cleanfifodir    remove the fifos that nobody reads
*/

#include <errno.h>
#include <regex.h>
#include <string.h>

#include <skalibs/alloc.h>
#include <skalibs/allreadwrite.h>
#include <skalibs/posixplz.h>
#include <skalibs/sgetopt.h>
#include <skalibs/sig.h>
#include <skalibs/stralloc.h>
#include <skalibs/strerr.h>
#include <skalibs/tai.h>
#include <skalibs/types.h>

#include <execline/execline.h>

#include "fifodir.h"
#include "listen.h"
#include "tools.h"

#define USAGE_WAIT "[ -t timeout ] fifodir regexp"
#define USAGE_LISTEN1 "[ -t timeout ] fifodir regexp prog..."
#define USAGE_LISTEN "[ -a | -o ] [ -t timeout ] fifodir1 regexp1 ... \"\" prog..."
#define USAGE_NOTIFY "fifodir message"
#define USAGE_MKFIFODIR "[ -f ] [ -g gid ] fifodir"
#define USAGE_CLEANFIFODIR "fifodir"

struct trigger
{
  regex_t re ;
  stralloc heard ;  /* what was notified up to now, with a 0 behind it */
  char last ;       /* the letter that ended the match */
  int matched ;
} ;

struct triggers
{
  struct trigger *tab ;
  unsigned int n ;
  unsigned int missing ;  /* so many must match still */
} ;

/* ^ and $ don't match: what we hear has neither beginning nor end. */
static int matches (struct trigger *t)
{
  regmatch_t m ;
  if (regexec(&t->re, t->heard.s, 1, &m, REG_NOTBOL | REG_NOTEOL)) return 0 ;
  t->last = t->heard.s[m.rm_eo ? (size_t)m.rm_eo - 1 : t->heard.len - 1] ;
  return 1 ;
}

static int on_letters (int i, char const *s, size_t len, void *data)
{
  struct triggers *all = data ;
  struct trigger *t ;
  if (i < 0) return 0 ;
  t = all->tab + i ;
  if (t->matched) return 0 ;
  if (!stralloc_catb(&t->heard, s, len) || !stralloc_0(&t->heard))
    listen_diefusys(111, "keep what was notified") ;
  t->heard.len-- ;
  t->matched = matches(t) ;
  return t->matched && !--all->missing ;
}

/* PAIRS: fifodir, regexp, fifodir, regexp … */
static void subscribe (struct triggers *all, char const *const *pairs, unsigned int n)
{
  if (!listen_start()) strerr_diefusys(111, "prepare for signals") ;
  all->n = n ;
  all->tab = alloc(n * sizeof(struct trigger)) ;
  if (!all->tab) strerr_diefusys(111, "subscribe") ;
  memset(all->tab, 0, n * sizeof(struct trigger)) ;
  for (unsigned int i = 0 ; i < n ; i++, pairs += 2)
  {
    if (skalibs_regcomp(&all->tab[i].re, pairs[1], REG_EXTENDED))
    {
      errno = EINVAL ;
      listen_diefusys(111, "subscribe to ", pairs[0], " with regexp ", pairs[1]) ;
    }
    if (listen_add(pairs[0], ".") == -1)
      listen_diefusys(111, "subscribe to ", pairs[0], " with regexp ", pairs[1]) ;
  }
}

static void run (struct triggers *all, unsigned int timeout, char const *const *prog)
{
  tain deadline ;
  tool_deadline(&deadline, timeout) ;
  if (prog && !tool_spawn(prog)) listen_diefusys(111, "spawn ", prog[0]) ;
  switch (listen_wait(&deadline, &on_letters, all))
  {
    case -1 : listen_diefusys(111, "wait for events") ;
    case 0 :
      errno = ETIMEDOUT ;
      listen_diefusys(1, "get expected event") ;
  }
  listen_end() ;
}

static int scan_options (int argc, char const *const *argv, char const *opts, char const *usage, int *any, unsigned int *timeout)
{
  subgetopt l = SUBGETOPT_ZERO ;
  for (;;)
  {
    int opt = subgetopt_r(argc, argv, opts, &l) ;
    switch (opt)
    {
      case -1 : return l.ind ;
      case 'a' : *any = 0 ; break ;
      case 'o' : *any = 1 ; break ;
      case 't' : *timeout = tool_uint(l.arg, usage) ; break ;
      default : tool_dieusage(usage) ;
    }
  }
}

static int wait_one (int argc, char const *const *argv, int withprog, char const *usage)
{
  struct triggers all = { .missing = 1 } ;
  unsigned int timeout = 0 ;
  int any ;
  int n = scan_options(argc, argv, "t:", usage, &any, &timeout) ;
  char out[2] = "\n\n" ;
  argc -= n ; argv += n ;
  if (argc < 2 + withprog) tool_dieusage(usage) ;
  subscribe(&all, argv, 1) ;
  run(&all, timeout, withprog ? argv + 2 : 0) ;
  out[0] = all.tab[0].last ;
  if (allwrite(1, out, 2) < 2) strerr_diefusys(111, "write to stdout") ;
  return 0 ;
}

int ftrig_wait_main (int argc, char const *const *argv)
{
  return wait_one(argc, argv, 0, USAGE_WAIT) ;
}

int ftrig_listen1_main (int argc, char const *const *argv)
{
  return wait_one(argc, argv, 1, USAGE_LISTEN1) ;
}

int ftrig_listen_main (int argc, char const *const *argv)
{
  struct triggers all = { .n = 0 } ;
  unsigned int timeout = 0 ;
  int any = 0 ;
  int n = scan_options(argc, argv, "aot:", USAGE_LISTEN, &any, &timeout) ;
  argc -= n ; argv += n ;
  if (argc < 2) tool_dieusage(USAGE_LISTEN) ;
  n = el_semicolon((char const **)argv) ;
  if (n >= argc) strerr_dief(100, "unterminated fifodir+regex block") ;
  if (!n || n & 1 || argc == n + 1) tool_dieusage(USAGE_LISTEN) ;
  subscribe(&all, argv, (unsigned int)n / 2) ;
  all.missing = any ? 1 : all.n ;
  run(&all, timeout, argv + n + 1) ;
  return 0 ;
}

int ftrig_notify_main (int argc, char const *const *argv)
{
  if (argc < 3) tool_dieusage(USAGE_NOTIFY) ;
  sig_ignore(SIGPIPE) ;
  if (fifodir_notify(argv[1], argv[2], strlen(argv[2])) == -1)
    strerr_diefusys(111, "notify ", argv[1]) ;
  return 0 ;
}

int mkfifodir_main (int argc, char const *const *argv)
{
  subgetopt l = SUBGETOPT_ZERO ;
  gid_t gid = FIFODIR_PUBLIC ;
  int force = 0 ;
  for (;;)
  {
    int opt = subgetopt_r(argc, argv, "fg:", &l) ;
    if (opt == -1) break ;
    else if (opt == 'f') force = 1 ;
    else if (opt != 'g' || !gid0_scan(l.arg, &gid)) tool_dieusage(USAGE_MKFIFODIR) ;
  }
  argc -= l.ind ; argv += l.ind ;
  if (!argc) tool_dieusage(USAGE_MKFIFODIR) ;
  if (!fifodir_make(argv[0], gid, force)) strerr_diefusys(111, "create fifodir at ", argv[0]) ;
  return 0 ;
}

int cleanfifodir_main (int argc, char const *const *argv)
{
  if (argc < 2) tool_dieusage(USAGE_CLEANFIFODIR) ;
  if (!fifodir_clean(argv[1])) strerr_diefusys(111, "clean up fifodir at ", argv[1]) ;
  return 0 ;
}
