/* ISC license. A container environment: lines NAME=VALUE become files, then it is read. */

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>

#include <skalibs/stralloc.h>

#include "contenv.h"
#include "fuzz.h"

#define VARIABLES 16

/* Each entry is NAME=VALUE or NAME, with a null behind; no name has a slash. */
static void check (stralloc const *sa)
{
  size_t at = 0 ;
  while (at < sa->len)
  {
    size_t len = strnlen(sa->s + at, sa->len - at) ;
    must(at + len < sa->len && len && sa->s[at] != '=') ;
    for (size_t i = 0 ; i < len && sa->s[at + i] != '=' ; i++) must(sa->s[at + i] != '/') ;
    at += len + 1 ;
  }
}

int LLVMFuzzerTestOneInput (uint8_t const *data, size_t size)
{
  stralloc modif = STRALLOC_ZERO ;
  char names[VARIABLES][64] ;
  unsigned int n = 0 ;
  size_t at = 0 ;
  fuzz_directory() ;
  mkdir("env", 0755) ;
  must(chdir("env") == 0) ;
  while (at < size && n < VARIABLES)
  {
    uint8_t const *end = memchr(data + at, '\n', size - at) ;
    size_t len = end ? (size_t)(end - data) - at : size - at ;
    uint8_t const *eq = memchr(data + at, '=', len) ;
    size_t namelen = eq ? (size_t)(eq - data) - at : 0 ;
    if (namelen && namelen < 64 && !memchr(data + at, '/', namelen) && !memchr(data + at, 0, namelen) && data[at] != '.')
    {
      memcpy(names[n], data + at, namelen) ;
      names[n][namelen] = 0 ;
      fuzz_file(names[n++], eq + 1, len - namelen - 1) ;
    }
    at += len + 1 ;
  }
  must(chdir("..") == 0) ;
  if (contenv_read("env", &modif) == 0) check(&modif) ;
  stralloc_free(&modif) ;
  while (n--)
  {
    char path[80] = "env/" ;
    strcat(path, names[n]) ;
    unlink(path) ;
  }
  return 0 ;
}
