/* ISC license. */

/*
   /etc/services.d copied into the run directory: services write into their directory, on any
   root. Directories are real at every level; programs are links to the image's own (so a
   noexec /run is no obstacle, and nothing is copied that need not be); other files are copied.
   A supervise or event that the image carries is stale and left out.
*/

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>

#include <skalibs/direntry.h>
#include <skalibs/djbunix.h>

#include "names.h"
#include "source.h"
#include "svscan.h"

#define DEPTH_MAX 16

static int from_definition = 0 ;
static int only_missing = 0 ;     /* what is linked into the scan directory is complete */
static struct fresh made ;        /* the service directory that is being copied */
static int is_new ;               /* its copy was not there before */
static int has_run ;              /* it has a run, and not a link to nothing */

static uid_t myself (void)
{
  static uid_t uid = (uid_t)-1 ;
  if (uid == (uid_t)-1) uid = geteuid() ;
  return uid ;
}

/* A path that grows and shrinks with the recursion. */
struct path { char s[PATH_MAX] ; size_t len ; } ;

static struct path image, place ;

static int path_push (struct path *p, char const *name)
{
  size_t n = strlen(name) ;
  if (p->len + n + 2 > sizeof p->s) return (errno = ENAMETOOLONG, -1) ;
  p->s[p->len++] = '/' ;
  memcpy(p->s + p->len, name, n + 1) ;
  p->len += n ;
  return 0 ;
}

static void path_pop (struct path *p, size_t len)
{
  p->len = len ;
  p->s[len] = 0 ;
}

static int path_set (struct path *p, char const *s)
{
  p->len = strlen(s) ;
  if (p->len >= sizeof p->s) return (errno = ENAMETOOLONG, -1) ;
  memcpy(p->s, s, p->len + 1) ;
  return 0 ;
}

static int copy_directory (struct path *from, struct path *to, unsigned int depth) ;

static int complain (struct path const *from, char const *what)
{
  int e = errno ;
  say_sys(SAY_ERROR, e, "unable to ", what, " ", from->s, retry_later(e) ? ": this service is tried again" : ": this service is left out") ;
  errno = e ;
  return -1 ;
}

static int is_program (char const *name, struct stat const *st)
{
  static char const *const names[] = { "run", "finish", "stop", "check" } ;
  if (st->st_mode & 0111) return 1 ;
  for (size_t i = 0 ; i < sizeof names / sizeof names[0] ; i++) if (!strcmp(name, names[i])) return 1 ;
  return 0 ;
}

static int link_to (struct path const *from, struct path const *to)
{
  if (symlink(from->s, to->s) == 0) return 0 ;
  if (errno == EEXIST && unlink(to->s) == 0 && symlink(from->s, to->s) == 0) return 0 ;
  return complain(from, "link") ;
}

static int copy_file (struct path const *from, struct path const *to, struct stat const *st)
{
  if (!filecopy_unsafe(from->s, to->s, st->st_mode & 07777)) return complain(from, "copy") ;
  if ((st->st_uid != myself() || st->st_gid != getegid()) && lchown(to->s, st->st_uid, st->st_gid) < 0 && !myself())
    return complain(from, "give away a copy of") ;
  return 0 ;
}

static int copy_entry (struct path *from, struct path *to, char const *name, unsigned int depth)
{
  struct stat st ;
  if (stat(from->s, &st) < 0) return errno == ENOENT ? link_to(from, to) : complain(from, "look at") ;
  if (S_ISDIR(st.st_mode)) return copy_directory(from, to, depth + 1) ;
  if (S_ISREG(st.st_mode)) return is_program(name, &st) ? link_to(from, to) : copy_file(from, to, &st) ;
  return link_to(from, to) ;
}

static int is_stale (char const *name)
{
  return !strcmp(name, "supervise") || !strcmp(name, "event") ;
}

/* What a definition directory has beside the service directory: read at boot, no business of
   the service's. `down` there is the script of a oneshot. */
static int is_definition (char const *name)
{
  for (unsigned int i = 0 ; i < SOURCE_FIRST_OF_SERVICEDIR ; i++) if (!strcmp(name, source_files[i])) return 1 ;
  return 0 ;
}

static int link_run (struct path const *from, struct path const *to, unsigned int depth, unsigned char type)
{
  if (!depth) has_run = type == DT_REG || access(from->s, F_OK) == 0 ;
  return link_to(from, to) ;
}

static void note_entry (char const *name, struct path const *copy)
{
  struct stat st ;
  made.files |= settings_bit(name) ;
  if (!strcmp(name, "log")) made.has_log = stat(copy->s, &st) == 0 && S_ISDIR(st.st_mode) ;
}

static int copy_entries (int dirfd, struct path *from, struct path *to, unsigned int depth)
{
  size_t fromlen = from->len, tolen = to->len ;
  struct dents d ;
  char const *name ;
  int r = 0 ;
  dents_start(&d, dirfd) ;
  while (!r && (name = dents_next(&d)))
  {
    if (is_stale(name) || (!depth && from_definition && is_definition(name))) continue ;
    if (path_push(from, name) < 0 || path_push(to, name) < 0) r = complain(from, "copy") ;
    else if (!strcmp(name, "run")) r = link_run(from, to, depth, d.type) ;
    else r = copy_entry(from, to, name, depth) ;
    if (!depth) note_entry(name, to) ;
    path_pop(from, fromlen) ;
    path_pop(to, tolen) ;
  }
  return r ;
}

static int make_directory (int dirfd, struct path const *to, unsigned int depth)
{
  struct stat st ;
  int is_made ;
  if (fstat(dirfd, &st) < 0) return -1 ;
  is_made = mkdir(to->s, st.st_mode & 07777) == 0 ;
  if (!is_made && errno != EEXIST) return -1 ;
  if (!depth) is_new = is_made ;
  /* mkdir's mode is the image's; whoever else may write there may put something in our way */
  if (!depth) made.dir = is_new && st.st_uid == myself() && !(st.st_mode & 022) ? to->s : 0 ;
  if (st.st_uid != myself() && !myself() && lchown(to->s, st.st_uid, st.st_gid) < 0) return -1 ;
  return 0 ;
}

static int copy_opened (int fd, struct path *from, struct path *to, unsigned int depth)
{
  int r ;
  if (fd < 0) return complain(from, "read") ;
  r = make_directory(fd, to, depth) < 0 ? complain(to, "make directory") : copy_entries(fd, from, to, depth) ;
  close(fd) ;
  return r ;
}

static int copy_directory (struct path *from, struct path *to, unsigned int depth)
{
  if (depth > DEPTH_MAX) return (errno = ELOOP, complain(from, "copy")) ;
  return copy_opened(openat(AT_FDCWD, from->s, O_RDONLY | O_DIRECTORY | O_CLOEXEC), from, to, depth) ;
}

/* A service without run is no service. What has been copied of it goes. */
static int leave_out (struct path const *from, struct path const *to)
{
  struct stat st ;
  if (stat(from->s, &st) < 0) say_sys(SAY_ERROR, errno, "service directory ", from->s, " cannot be used") ;
  else if (!S_ISDIR(st.st_mode)) say(SAY_WARNING, from->s, " is no directory: services are directories with a run script in them") ;
  else say(SAY_ERROR, "service directory ", from->s, " has no run script, or it is a link to nothing: it is left out") ;
  if (to && is_new) rm_rf(to->s) ;
  return -1 ;
}

/* NAME in services.d is a link to another entry there: a second name of that service, or with a
   template's name as its target (`worker@1 -> worker@`) an instance, which is a service. */
static int is_second_name (struct path const *from, char *target)
{
  ssize_t n = readlink(from->s, target, NAME_MAX) ;
  if (n <= 0 || memchr(target, '/', (size_t)n)) return 0 ;
  target[n] = 0 ;
  return target[n - 1] != '@' ;
}

static int give_second_name (struct path *from, char const *target, char const *name)
{
  size_t n = from->len ;
  int r = path_push(from, "run") == 0 && access(from->s, F_OK) == 0 ;
  path_pop(from, n) ;
  if (!r) return leave_out(from, 0) ;
  if (symlink(target, name) < 0 && errno != EEXIST) return complain(from, "link into the scan directory") ;
  return 1 ;
}

static int open_service (struct path const *from, int flags)
{
  return openat(AT_FDCWD, from->s, O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags) ;
}

/* FROM is the service directory, open as FD (or -1/errno), TO what it becomes; NAME its link in the
   scan directory. */
static int lay_out (int fd, struct path *from, struct path *to, char const *name)
{
  struct fresh const nothing = { .name = name, .dir = 0, .files = 0, .has_log = 0 } ;
  made = nothing ;
  is_new = has_run = 0 ;
  if (fd < 0 && (errno == ENOTDIR || errno == ENOENT)) return leave_out(from, 0) ;
  if (copy_opened(fd, from, to, 0) < 0) return -1 ;
  if (!has_run) return leave_out(from, to) ;
  if (symlink(to->s, name) == 0)
  {
    settings_expect(name, made.files) ;
    return 0 ;
  }
  /* what somebody has put into the scan directory under this name is the service */
  made.dir = 0 ;
  return errno == EEXIST ? 0 : complain(to, "link into the scan directory") ;
}

static int is_there (char const *name)
{
  struct stat st ;
  return only_missing && lstat(name, &st) == 0 ;
}

/* 0: it is a service and there now; 1: a template, or another's second name. */
static int lay_out_entry (struct path *from, struct path *to, char const *name)
{
  char target[NAME_MAX + 1] ;
  int fd = open_service(from, O_NOFOLLOW) ;
  if (fd < 0 && is_second_name(from, target)) return give_second_name(from, target, name) ;
  return lay_out(fd < 0 ? open_service(from, 0) : fd, from, to, name) ;
}

int layout_instance (char const *source, char const *dest, char const *name)
{
  if (is_there(name)) return 0 ;
  if (path_set(&image, source) < 0 || path_set(&place, dest) < 0 || path_push(&place, name) < 0) return -1 ;
  return lay_out(open_service(&image, 0), &image, &place, name) ;
}

int layout_definition (char const *source, char const *dest, char const *name)
{
  int r ;
  from_definition = 1 ;
  r = layout_instance(source, dest, name) ;
  from_definition = 0 ;
  return r ;
}

void layout_services (char const *source, char const *dest, void (*done) (struct fresh const *))
{
  static struct names names = NAMES_ZERO ;
  size_t fromlen, tolen ;
  if (names_read(&names, source, 0, "") < 0)
  {
    int e = errno ;
    if (e != ENOENT) say_sys(SAY_ERROR, e, "unable to read ", source) ;
    retry_later(e) ;
    return ;
  }
  if (done) service_room((uint32_t)names_count(&names)) ;
  if (path_set(&image, source) < 0 || path_set(&place, dest) < 0) return ;
  fromlen = image.len ;
  tolen = place.len ;
  for (size_t i = 0 ; i < names_count(&names) ; i++)
  {
    char const *name = names_at(&names, i) ;
    if (source_is_template(name) || is_there(name)) continue ;
    if (path_push(&image, name) == 0 && path_push(&place, name) == 0
     && lay_out_entry(&image, &place, name) == 0 && done) (*done)(&made) ;
    path_pop(&image, fromlen) ;
    path_pop(&place, tolen) ;
  }
}

void layout_missing (char const *source, char const *dest)
{
  only_missing = 1 ;
  layout_services(source, dest, 0) ;
  only_missing = 0 ;
}
