/* ISC license. */

/*
   Running scripts that the kernel refuses although their meaning is plain: no exec bit (half
   of the images in the field have 0644 scripts), a noexec mount, or a `#!` that names one of
   our programs by an absolute path that this root does not have. Called in a child between
   clone and exec: system calls (sys.h) and the stack only.
*/

#include <alloca.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sys/stat.h>

#include <skalibs/posixplz.h>

#include "base.h"
#include "sys.h"

#define SHEBANG_MAX 256

int (*exec_knows) (char const *name) = 0 ;
void (*exec_become) (char const *const *argv) = 0 ;

struct shebang { char text[SHEBANG_MAX + 1] ; char *interpreter ; char *argument ; } ;

/* The kernel's own reading of the line: one interpreter, at most one argument, which keeps its
   inner blanks. 1, or 0 when there is no such line. */
static int shebang_parse (struct shebang *sb, size_t n)
{
  char *p = sb->text, *end ;
  sb->text[n] = 0 ;
  if (n < 3 || p[0] != '#' || p[1] != '!') return 0 ;
  end = p + strcspn(p, "\n") ;
  *end = 0 ;
  while (end > p && (end[-1] == ' ' || end[-1] == '\t')) *--end = 0 ;
  p += 2 ;
  p += strspn(p, " \t") ;
  if (!*p) return 0 ;
  sb->interpreter = p ;
  p += strcspn(p, " \t") ;
  sb->argument = 0 ;
  if (!*p) return 1 ;
  *p++ = 0 ;
  sb->argument = p + strspn(p, " \t") ;
  return 1 ;
}

static int shebang_read (int dirfd, char const *file, struct shebang *sb)
{
  long n, fd = sys(openat, dirfd, file, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0) ;
  if (fd < 0) return 0 ;
  n = sys(read, fd, sb->text, SHEBANG_MAX, 0) ;
  sys(close, fd, 0, 0, 0) ;
  return n > 0 && shebang_parse(sb, (size_t)n) ;
}

static char const *last_component (char const *path)
{
  char const *slash = strrchr(path, '/') ;
  return slash ? slash + 1 : path ;
}

static void exec_through (struct shebang *sb, char const *file, char const *const *argv, char const *const *envp)
{
  size_t n = 0, i = 0 ;
  char const **v ;
  while (argv[n]) n++ ;
  v = alloca((n + 4) * sizeof *v) ;
  v[i++] = sb->interpreter ;
  if (sb->argument) v[i++] = sb->argument ;
  v[i++] = file ;
  if (n) memcpy(v + i, argv + 1, n * sizeof *v) ;
  else v[i] = 0 ;
  if (sys(execve, sb->interpreter, v, envp, 0) == -ENOENT && exec_knows && (*exec_knows)(last_component(sb->interpreter)))
  {
    v[0] = last_component(sb->interpreter) ;
    sys(execve, "/proc/self/exe", v, envp, 0) ;
  }
}

int exec_file (char const *file, char const *const *argv, char const *const *envp)
{
  struct shebang sb ;
  int e = (int)-sys(execve, file, argv, envp, 0) ;
  if ((e == EACCES || e == ENOENT) && shebang_read(AT_FDCWD, file, &sb)) exec_through(&sb, file, argv, envp) ;
  return e ;
}

/* ---- what to tell people */

static void explain_interpreter (struct shebang const *sb, int err, char *buffer, size_t size)
{
  size_t n = strlen(sb->interpreter) ;
  if (n && sb->interpreter[n-1] == '\r')
    snprintf(buffer, size, "its first line ends in CR LF, so the kernel looks for the interpreter \"%.*s\\r\": save it with Unix line ends (sed -i 's/\\r$//')", (int)(n - 1), sb->interpreter) ;
  else if (access(sb->interpreter, F_OK) < 0)
    snprintf(buffer, size, "its interpreter %.200s does not exist in this image: install it or change the first line", sb->interpreter) ;
  else if (access(sb->interpreter, X_OK) < 0)
    snprintf(buffer, size, "its interpreter %.200s is not executable for this user: chmod +x it or change the first line", sb->interpreter) ;
  else
    snprintf(buffer, size, "%s (interpreter %.200s)", strerror(err), sb->interpreter) ;
}

char const *exec_explain (int dirfd, char const *file, int err, char *buffer, size_t size)
{
  struct shebang sb ;
  struct stat st ;
  if (fstatat(dirfd, file, &st, 0) < 0)
    snprintf(buffer, size, "%s", errno == ENOENT ? "there is no such file, or it is a link to nothing" : strerror(errno)) ;
  else if (S_ISDIR(st.st_mode))
    snprintf(buffer, size, "it is a directory: a script or program is needed") ;
  else if (shebang_read(dirfd, file, &sb))
    explain_interpreter(&sb, err, buffer, size) ;
  else if (err == ENOEXEC)
    snprintf(buffer, size, "it is neither a program for this machine nor a script: begin it with a line like #!/bin/sh") ;
  else if (err == EACCES)
    snprintf(buffer, size, "this user may not execute it and it has no #! line: chmod +x it, or begin it with a line like #!/bin/sh") ;
  else
    snprintf(buffer, size, "%s", strerror(err)) ;
  return buffer ;
}
