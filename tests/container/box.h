/* ISC license. */

#ifndef KEELSON_TESTS_CONTAINER_BOX_H
#define KEELSON_TESTS_CONTAINER_BOX_H

/* What the harness's own files share: the tests see harness.h only. */

#include <limits.h>
#include <sched.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/types.h>

#include <skalibs/genalloc.h>
#include <skalibs/stralloc.h>

#include "harness.h"

#define BOXES "build/box"
#define CLONE_INTO_BOX (CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC)

struct line
{
  size_t start ;
  size_t len ;
  int taken ;
} ;

/* Text that arrives on a descriptor, and its complete lines. */
struct stream
{
  int fd ;             /* -1: at its end */
  stralloc text ;      /* always followed by a 0 */
  size_t parsed ;      /* where the first incomplete line begins */
  genalloc lines ;     /* struct line */
} ;

struct gate
{
  char name[64] ;
  int fd ;
} ;

struct box
{
  char root[PATH_MAX] ;
  char const *tree ;
  pid_t pid ;          /* 0: nothing runs */
  int pidfd ;
  int terminal ;       /* the slave's descriptor, held so that the master never ends */
  struct stream output ;
  struct stream events ;
  int events_in ;      /* held for writing, so that the fifo never ends */
  genalloc gates ;     /* struct gate */
  stralloc scratch ;   /* what was returned last */
  stralloc answer ;    /* output of the last box_exec */
} ;

/* harness.c */

/* Ends the test with a report of all that the box said; the box may be 0. */
extern void broken (box const *, char const *format, ...) __attribute__((noreturn, format(printf, 2, 3))) ;
extern void guard_begins (box const *) ;
extern void guard_ends (box const *) ;

/* Appends, and puts a 0 behind the end. */
extern void add (stralloc *, char const *, size_t) ;

/* boot.c: FIRST (if any) and the arguments up to a 0, into argv[BOX_WORDS] */
enum { BOX_WORDS = 64 } ;
extern void box_words (char const **argv, char const *first, va_list) ;

/* root.c */
extern void box_path (box const *, char *full, char const *path) ;
/* Fails the test if a sanitizer found something in a process of the box. */
extern void findings (box const *) ;

/* inside.c: our own side of the namespaces, and the box's before its exec */
extern void own_mounts (void) ;
extern int one_user_only (void) ;
extern void mounts_inside (unsigned int flags, char const *console) ;
extern void become (uid_t, gid_t) ;
extern void signals_to_default (void) ;
extern _Noreturn void exec_inside (char const *const *argv, char const *const *env) ;
extern _Noreturn void die_inside (char const *what) ;

/* stream.c */
extern int stream_read (struct stream *) ;
extern void stream_reset (struct stream *, int fd) ;

/* Blocks until the box says something or ends; 0 when it has ended and all is read. */
extern int pump (box *) ;

#endif
