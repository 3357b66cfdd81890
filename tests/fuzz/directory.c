/* ISC license. See fuzz.h. */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>

#include "fuzz.h"

static char path[64] ;

static void clean (void)
{
  char command[128] ;
  snprintf(command, sizeof command, "rm -rf %s", path) ;
  if (system(command)) perror(path) ;
}

void fuzz_directory (void)
{
  if (path[0]) return ;
  snprintf(path, sizeof path, "/dev/shm/keelson-fuzz-%d", (int)getpid()) ;
  must(mkdir(path, 0700) == 0 && chdir(path) == 0) ;
  must(freopen("/dev/null", "w", stdout) != 0) ;
  atexit(&clean) ;
}

void fuzz_file (char const *name, uint8_t const *data, size_t size)
{
  int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644) ;
  must(fd >= 0 && write(fd, data, size) == (ssize_t)size) ;
  close(fd) ;
}
