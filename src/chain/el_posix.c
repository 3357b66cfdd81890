/* ISC license. */

/* posix-cd and posix-umask: what POSIX wants of cd and umask, and then a command. */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>

#include <skalibs/buffer.h>
#include <skalibs/djbunix.h>
#include <skalibs/env.h>
#include <skalibs/exec.h>
#include <skalibs/stralloc.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "el.h"

static void say (char const *s)
{
  if (buffer_puts(buffer_1small, s) < 0 || buffer_putflush(buffer_1small, "\n", 1) < 0)
    strerr_diefusys(111, "write to stdout") ;
}

 /* ---------------------------------------------------------------- posix-cd */

#define PHYSICAL 0x1

static void cat0 (stralloc *sa, char const *a, size_t alen, char const *b)
{
  sa->len = 0 ;
  if (!stralloc_catb(sa, a, alen)
   || (alen && a[alen-1] != '/' && !stralloc_append(sa, '/'))
   || !stralloc_cats(sa, b)
   || !stralloc_0(sa)) strerr_diefusys(111, "stralloc_catb") ;
}

static int is_dir (char const *path)
{
  struct stat st ;
  return !stat(path, &st) && S_ISDIR(st.st_mode) ;
}

/* The current directory by the name that brought us here, if PWD still is one; else its own. */
static void logical_cwd (stralloc *sa)
{
  struct stat here, there ;
  char const *x = getenv("PWD") ;
  sa->len = 0 ;
  if (x && x[0] == '/' && !stat(x, &there) && !stat(".", &here) && here.st_dev == there.st_dev && here.st_ino == there.st_ino)
  {
    if (!stralloc_cats(sa, x)) strerr_diefusys(111, "stralloc_catb") ;
  }
  else if (sagetcwd(sa) < 0) strerr_diefusys(111, "getcwd") ;
  if (!stralloc_0(sa)) strerr_diefusys(111, "stralloc_catb") ;
}

/* Looks DIR up in CDPATH. Returns whether it was found, in PATH then, in an entry of its own right. */
static int in_cdpath (stralloc *path, char const *dir)
{
  char const *x = getenv("CDPATH") ;
  if (!x || !*x || dir[0] == '/' || !strcmp(dir, ".") || !strcmp(dir, "..") || !strncmp(dir, "./", 2) || !strncmp(dir, "../", 3))
    return 0 ;
  for (;;)
  {
    size_t len = strcspn(x, ":") ;
    cat0(path, len ? x : ".", len ? len : 1, dir) ;
    if (is_dir(path->s)) return 1 ;
    if (!x[len]) return 0 ;
    x += len + 1 ;
  }
}

/* chdirs to PATH as POSIX's cd -L: dot-dot takes back the last component of the name. PWD is set to the outcome. */
static void chdir_logically (stralloc *pwd, char const *path, char const *cwd, char const *dir)
{
  stralloc full = STRALLOC_ZERO ;
  if (path[0] == '/') cat0(&full, "", 0, path) ;
  else cat0(&full, cwd, strlen(cwd), path) ;
  if (!stralloc_ready(pwd, full.len + 2)) strerr_diefusys(111, "stralloc_catb") ;
  if (!path_canonicalize(pwd->s, full.s, 1))
    strerr_diefusys(111, "canonicalize ", full.s, ": problem with ", pwd->s) ;
  if (chdir(pwd->s) < 0) strerr_diefusys(111, "chdir to ", dir) ;
}

static void chdir_physically (stralloc *pwd, char const *path, char const *dir)
{
  if (chdir(path) < 0) strerr_diefusys(111, "chdir to ", dir) ;
  if (sagetcwd(pwd) < 0 || !stralloc_0(pwd)) strerr_diefusys(111, "getcwd") ;
}

int el_posixcd_main (int argc, char const *const *argv)
{
  char const *usage = "posix-cd [ -L | -P ] [ - | path ] [ prog... ]" ;
  el_words w = EL_WORDS(argc, argv) ;
  stralloc path = STRALLOC_ZERO, cwd = STRALLOC_ZERO, old = STRALLOC_ZERO, pwd = STRALLOC_ZERO, modifs = STRALLOC_ZERO ;
  char const *dir ;
  unsigned int flags ;
  int tell ;
  el_option const options[] = { { .letter = 'L', .clear = PHYSICAL }, { .letter = 'P', .set = PHYSICAL } } ;
  flags = el_options(&w, usage, 0, EL_OPTIONS(options)) ;
  dir = w.n ? el_next(&w) : getenv("HOME") ;
  if (!dir) strerr_dienotset(100, "HOME") ;
  tell = !strcmp(dir, "-") ;
  if (tell) dir = getenv("OLDPWD") ;
  if (!dir) strerr_dienotset(100, "OLDPWD") ;
  if (!*dir) strerr_dieusage(100, usage) ;
  logical_cwd(&cwd) ;
  if (sagetcwd(&old) < 0 || !stralloc_0(&old)) strerr_diefusys(111, "getcwd") ;
  if (in_cdpath(&path, dir)) tell = 1 ;
  else cat0(&path, "", 0, dir) ;
  if (flags & PHYSICAL) chdir_physically(&pwd, path.s, dir) ;
  else chdir_logically(&pwd, path.s, cwd.s, dir) ;
  if (tell) say(pwd.s) ;
  if (!env_addmodif(&modifs, "PWD", pwd.s) || !env_addmodif(&modifs, "OLDPWD", old.s))
    strerr_diefusys(111, "update environment") ;
  xmexec0_m(w.v, modifs.s, modifs.len) ;
}

 /* ---------------------------------------------------------------- posix-umask */

#define SYMBOLIC 0x1

/* The bits of u, g and o, times 1, 8 or 64. */
static struct who_s
{
  char letter ;
  mode_t bits ;
}
const whos[] = { { 'u', 0700 }, { 'g', 0070 }, { 'o', 0007 } } ;

static mode_t who_bits (char c)
{
  if (c == 'a') return 0777 ;
  for (size_t i = 0 ; i < sizeof(whos) / sizeof(*whos) ; i++)
    if (whos[i].letter == c) return whos[i].bits ;
  return 0 ;
}

/* The permissions of one class in MODE, given to all three. */
static mode_t spread (mode_t mode, mode_t who)
{
  mode_t m = mode & who ;
  return ((m | m >> 3 | m >> 6) & 7) * 0111 ;
}

/* What permission letter C means, for all classes. Returns 0 if it is none. */
static int perm_bits (char c, mode_t *bits)
{
  switch (c)
  {
    case 'r' : *bits = 0444 ; return 1 ;
    case 'w' : *bits = 0222 ; return 1 ;
    case 'x' : case 'X' : *bits = 0111 ; return 1 ;
    case 's' : case 't' : *bits = 0 ; return 1 ;
    default : return 0 ;
  }
}

/* Reads the permissions at *S, letters or one class to copy from, into *BITS. */
static void scan_perms (char const **s, mode_t mode, mode_t *bits)
{
  mode_t b ;
  *bits = 0 ;
  if (**s != 'a' && who_bits(**s))
  {
    *bits = spread(mode, who_bits(*(*s)++)) ;
    return ;
  }
  for (; perm_bits(**s, &b) ; (*s)++) *bits |= b ;
}

/* Applies one clause, who and then actions, to *MODE. Returns its end, or 0 on a syntax error. */
static char const *apply_clause (char const *s, mode_t *mode)
{
  mode_t who = 0 ;
  if (!*s || *s == ',') return s ;
  for (; who_bits(*s) ; s++) who |= who_bits(*s) ;
  if (!who) who = 0777 ;
  if (!*s || !strchr("+-=", *s)) return 0 ;
  while (*s && strchr("+-=", *s))
  {
    char op = *s++ ;
    mode_t bits ;
    scan_perms(&s, *mode, &bits) ;
    if (op == '=') *mode &= ~who ;
    if (op == '-') *mode &= ~(bits & who) ;
    else *mode |= bits & who ;
  }
  return s ;
}

/* Applies the symbolic mode S to *MODE. Returns 0 on a syntax error. */
static int apply_symbols (char const *s, mode_t *mode)
{
  if (!*s) return 0 ;
  for (;;)
  {
    s = apply_clause(s, mode) ;
    if (!s) return 0 ;
    if (!*s) return 1 ;
    if (*s++ != ',') return 0 ;
  }
}

static void show (mode_t mask, unsigned int flags)
{
  char fmt[20] ;
  size_t len = 0 ;
  if (!(flags & SYMBOLIC)) fmt[uint0_ofmt(fmt, mask, 4)] = 0 ;
  else for (size_t i = 0 ; i < sizeof(whos) / sizeof(*whos) ; i++)
  {
    mode_t m = ~mask & whos[i].bits ;
    fmt[len++] = whos[i].letter ;
    fmt[len++] = '=' ;
    if (m & 0444) fmt[len++] = 'r' ;
    if (m & 0222) fmt[len++] = 'w' ;
    if (m & 0111) fmt[len++] = 'x' ;
    fmt[len++] = ',' ;
  }
  if (len) fmt[len - 1] = 0 ;
  say(fmt) ;
}

int el_posixumask_main (int argc, char const *const *argv)
{
  el_words w = EL_WORDS(argc, argv) ;
  mode_t mask = umask(0) ;
  mode_t mode = ~mask & 0777 ;
  char const *s ;
  unsigned int flags, u ;
  el_option const options[] = { { .letter = 'S', .set = SYMBOLIC } } ;
  flags = el_options(&w, "posix-umask [ -S ] [ mask ] [ prog... ]", 0, EL_OPTIONS(options)) ;
  if (!w.n)
  {
    show(mask, flags) ;
    return 0 ;
  }
  s = el_next(&w) ;
  if (uint0_oscan(s, &u)) mode = ~(mode_t)u & 0777 ;
  else if (!apply_symbols(s, &mode)) strerr_dief(1, "invalid mode string") ;
  umask(~mode & 0777) ;
  xexec0(w.v) ;
}
