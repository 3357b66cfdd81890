/* ISC license. */

#ifndef KEELSON_CONTENV_H
#define KEELSON_CONTENV_H

/*
   The container environment: the variables the container was started with, kept as
   a directory of files, one a variable, so that a script that runs with next to no
   environment of its own can ask for them (with-contenv), and so that one boot script
   can set a variable for all that come later by writing a file.

   A file holds the value and one newline. Older writers leave the newline out, so a
   reader takes one off if there is one; a value that itself ends with a newline comes
   back whole. An empty file means that the variable is not set. This is the layout of
   s6-overlay, generations 2 and 3.

   The directory may be written by scripts at any moment and is read afresh each time.
   It may hold secrets: see contenv_mode().
*/

#include <sys/types.h>

#include <skalibs/stralloc.h>

/* The kernel's limit for one NAME=VALUE with its final null (MAX_ARG_STRLEN). */
#define CONTENV_MAX 131072

/* A file name and its null: what contenv_read_culprit() may write. */
#define CONTENV_NAME_SIZE 256

/* Who may read the directory: the value of S6_CONTAINER_ENV_MODE, in octal. 0755 if the
   value is null or empty, because services of any uid read it; 0700 closes it. The owner
   must keep all three rights. 1; or 0 if the value is no such mode (0755 is stored). */
extern int contenv_mode (char const *value, mode_t *mode) ;

/* Writes one file for each NAME=VALUE of envp into the open directory dirfd, replacing
   what is there under that name and never following a link, and gives the directory the
   mode that S6_CONTAINER_ENV_MODE in envp asks for. Of two entries of one name the first
   counts, as for getenv(). `skipped` (may be null) is called with each entry, in the form
   NAME=VALUE, that no file name can be made of: NAME is empty, `.` or `..`, has a slash,
   or is longer than 255 bytes. 0; or -1 with errno. */
extern int contenv_write (int dirfd, char const *const *envp, void (*skipped) (char const *)) ;

/* Appends what the files of dir say to modif, in the form of skalibs' env_merge():
   NAME=VALUE\0 sets, NAME\0 (an empty file) unsets. Directory order. A null byte in a
   value becomes a newline. Regular files and links to such are read; fifos, devices,
   directories, dangling links and names with a `=` are passed over, and none can block.
   0; or -1 with errno and modif as it was: E2BIG if a variable is longer than the kernel
   would take, or what opendir, open and read say. */
extern int contenv_read (char const *dir, stralloc *modif) ;

/* The same, and after a failure `culprit` holds the name of the file that made it, or the
   empty string if it was the directory. */
extern int contenv_read_culprit (char const *dir, stralloc *modif, char culprit[CONTENV_NAME_SIZE]) ;

/* Where the container environment is: $S6_RUNDIR/s6/container_environment if S6_RUNDIR is
   set, else /run/s6/container_environment, else the same under /var/run: the first that
   exists, the first of all if none does. Valid until the next call. */
extern char const *contenv_dir (void) ;

#endif
