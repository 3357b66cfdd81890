/* ISC license. See harness.h: roots, their files and gates. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <skalibs/allreadwrite.h>
#include <skalibs/djbunix.h>

#include "box.h"

/* Another root, with another build of keelson: BOX_ROOT in the environment. */
#define BASE "build/dev/tests/container/root"
#define TREES "tests/container/trees"
#define REPORTS "sanitizer"

static unsigned int serial ;

static int run_tool (char const *const *argv)
{
  int status ;
  pid_t pid = fork() ;
  if (pid < 0) broken(0, "unable to fork: %s", strerror(errno)) ;
  if (!pid)
  {
    execvp(argv[0], (char *const *)argv) ;
    _exit(127) ;
  }
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) ;
  return status ;
}

static void write_file (box const *b, int dirfd, char const *path, mode_t mode, char const *s, size_t len)
{
  int fd = openat(dirfd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) ;
  if (fd < 0 || allwrite(fd, s, len) < len || fchmod(fd, mode) < 0) broken(b, "unable to write %s: %s", path, strerror(errno)) ;
  close(fd) ;
}

static char const *base (void)
{
  char const *root = getenv("BOX_ROOT") ;
  return root ? root : BASE ;
}

void box_path (box const *b, char *full, char const *path)
{
  if (snprintf(full, PATH_MAX, "%s/%s", b->root, path) >= PATH_MAX) broken(b, "path too long: %s", path) ;
}

/* The same, and makes the directories on the way. */
static void way_to (box const *b, char *full, char const *path)
{
  box_path(b, full, path) ;
  for (char *p = full + strlen(b->root) + 1 ; (p = strchr(p, '/')) ; p++)
  {
    *p = 0 ;
    if (mkdir(full, 0755) < 0 && errno != EEXIST) broken(b, "unable to make directory %s: %s", full, strerror(errno)) ;
    *p = '/' ;
  }
}

/* A file of the tree takes the place of a link, as in a layer of an image. */
static void lay (box *b, char const *dir)
{
  char from[PATH_MAX] ;
  char const *const copy[] = { "cp", "-a", "--no-preserve=ownership", "--remove-destination", from, b->root, 0 } ;
  if (snprintf(from, sizeof from, "%s/.", dir) >= PATH_MAX || run_tool(copy)) broken(b, "unable to copy %s (the roots are made by make check-build)", dir) ;
}

box *box_new (char const *tree)
{
  char from[PATH_MAX] ;
  box *b = calloc(1, sizeof *b) ;
  if (!b) broken(0, "out of memory") ;
  own_mounts() ;
  b->tree = tree ;
  b->pidfd = b->terminal = b->events_in = b->output.fd = b->events.fd = -1 ;
  if (!realpath(BOXES, from) || snprintf(b->root, sizeof b->root, "%s/%u", from, serial++) >= PATH_MAX)
    broken(b, "unable to find %s: %s", BOXES, strerror(errno)) ;
  if (mkdir(b->root, 0755) < 0 || mount("box", b->root, "tmpfs", 0, "mode=0755") < 0)
    broken(b, "unable to mount a tmpfs on %s: %s", b->root, strerror(errno)) ;
  lay(b, base()) ;
  if (tree)
  {
    snprintf(from, sizeof from, "%s/%s", TREES, tree) ;
    lay(b, from) ;
  }
  box_path(b, from, "events") ;
  if (mkfifo(from, 0666) < 0 || chmod(from, 0666) < 0) broken(b, "unable to make %s: %s", from, strerror(errno)) ;
  return b ;
}

/* ---- what sanitizers found in its processes: tests/sanitizer */

static void finding (box const *b, char const *name)
{
  stralloc text = STRALLOC_ZERO ;
  char path[PATH_MAX] ;
  if (snprintf(path, sizeof path, "%s/" REPORTS "/%s", b->root, name) >= PATH_MAX || !openslurpclose(&text, path)) return ;
  add(&text, "", 0) ;
  if (strstr(text.s, "ERROR:") || strstr(text.s, "runtime error:"))
  {
    fputs(text.s, stderr) ;
    broken(b, "a sanitizer found something, %s", name) ;
  }
  stralloc_free(&text) ;
}

void findings (box const *b)
{
  char path[PATH_MAX] ;
  DIR *dir ;
  box_path(b, path, REPORTS) ;
  dir = opendir(path) ;
  for (struct dirent *d ; dir && (d = readdir(dir)) ; ) if (d->d_name[0] != '.') finding(b, d->d_name) ;
  if (dir) closedir(dir) ;
}

int box_is_sanitized (box const *b)
{
  char path[PATH_MAX] ;
  box_path(b, path, REPORTS) ;
  return access(path, F_OK) == 0 ;
}

void box_free (box *b)
{
  if (b->pid)
  {
    kill(b->pid, SIGKILL) ;
    box_wait(b) ;
  }
  findings(b) ;
  for (size_t i = 0 ; i < genalloc_len(struct gate, &b->gates) ; i++)
    close(genalloc_s(struct gate, &b->gates)[i].fd) ;
  umount2(b->root, MNT_DETACH) ;
  genalloc_free(struct gate, &b->gates) ;
  genalloc_free(struct line, &b->output.lines) ;
  genalloc_free(struct line, &b->events.lines) ;
  stralloc_free(&b->output.text) ;
  stralloc_free(&b->events.text) ;
  stralloc_free(&b->scratch) ;
  stralloc_free(&b->answer) ;
  guard_ends(b) ;
  free(b) ;
}

void box_bytes (box *b, char const *path, mode_t mode, char const *s, size_t len)
{
  char full[PATH_MAX] ;
  way_to(b, full, path) ;
  write_file(b, AT_FDCWD, full, mode, s, len) ;
}

void box_file (box *b, char const *path, mode_t mode, char const *text)
{
  box_bytes(b, path, mode, text, strlen(text)) ;
}

void box_link (box *b, char const *path, char const *target)
{
  char full[PATH_MAX] ;
  way_to(b, full, path) ;
  if (symlink(target, full) < 0) broken(b, "unable to link %s: %s", path, strerror(errno)) ;
}

void box_dir (box *b, char const *path, mode_t mode)
{
  char full[PATH_MAX] ;
  way_to(b, full, path) ;
  if ((mkdir(full, mode) < 0 && errno != EEXIST) || chmod(full, mode) < 0)
    broken(b, "unable to make directory %s: %s", path, strerror(errno)) ;
}

void box_program (box *b, char const *name)
{
  char const *const argv[] = { "tests/container/copy-program", b->root, name, 0 } ;
  if (run_tool(argv)) broken(b, "unable to copy the program %s", name) ;
}

char const *box_read (box *b, char const *path)
{
  char full[PATH_MAX] ;
  box_path(b, full, path) ;
  b->scratch.len = 0 ;
  if (!openslurpclose(&b->scratch, full)) broken(b, "unable to read %s: %s", path, strerror(errno)) ;
  add(&b->scratch, "", 0) ;
  return b->scratch.s ;
}

int box_exists (box *b, char const *path)
{
  struct stat st ;
  char full[PATH_MAX] ;
  box_path(b, full, path) ;
  return !lstat(full, &st) ;
}

void box_gate (box *b, char const *name)
{
  struct gate gate ;
  char path[96], full[PATH_MAX] ;
  snprintf(gate.name, sizeof gate.name, "%s", name) ;
  snprintf(path, sizeof path, "gates/%s", name) ;
  way_to(b, full, path) ;
  if (mkfifo(full, 0666) < 0 || chmod(full, 0666) < 0) broken(b, "unable to make gate %s: %s", name, strerror(errno)) ;
  gate.fd = open(full, O_RDWR | O_NONBLOCK | O_CLOEXEC) ;
  if (gate.fd < 0 || !genalloc_append(struct gate, &b->gates, &gate)) broken(b, "unable to open gate %s: %s", name, strerror(errno)) ;
}

void box_open_gate (box *b, char const *name)
{
  struct gate const *gates = genalloc_s(struct gate, &b->gates) ;
  for (size_t i = 0 ; i < genalloc_len(struct gate, &b->gates) ; i++)
    if (!strcmp(gates[i].name, name))
    {
      if (write(gates[i].fd, "open\n", 5) < 5) broken(b, "unable to open gate %s: %s", name, strerror(errno)) ;
      return ;
    }
  broken(b, "there is no gate %s", name) ;
}
