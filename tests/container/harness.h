/* ISC license. */

#ifndef KEELSON_TESTS_CONTAINER_HARNESS_H
#define KEELSON_TESTS_CONTAINER_HARNESS_H

/*
   A box is a container in the smallest sense: a root file system on a tmpfs, made of
   busybox, the overlay's tarball and a literal tree (tests/container/trees/NAME), and
   namespaces of its own in which `/init` runs as a real PID 1. We are its parent, so its
   wait status is exact.

   A test never waits for time. What happens inside reaches it in three ways, each of which
   ends at once, as a failure with all that was said so far, when PID 1 is gone:

     output   whatever anything in the box writes to its stdout and stderr
     events   lines that scripts and services write to the fifo /events
     gates    fifos /gates/NAME on which a script of the box waits for us

   One guard against a hang stands over each test: box_guard() seconds after its first boot
   it fails with the same report.

   Every function fails the running test when something does not work as it should; none
   returns an error. Texts that are returned belong to the box.
*/

#include <sys/types.h>

#include <check.h>

typedef struct box box ;

enum
{
  BOX_READ_ONLY = 1,   /* the root is mounted read-only */
  BOX_TERMINAL = 2,    /* stdin, stdout and stderr are a terminal of its own; output is read from it */
  BOX_NO_PROC = 4,     /* nothing is mounted on /proc */
  BOX_TMPFS_RUN = 8,   /* an empty tmpfs on /run, which dies with the boot */
  BOX_NOEXEC_RUN = 16  /* the same, mounted noexec */
} ;

/* How to boot; all zero is a writable root as root with /init. */
struct box_how
{
  unsigned int flags ;
  uid_t uid ;                    /* 0: root */
  gid_t gid ;
  char const *const *env ;       /* NAME=VALUE, ended by 0, beside PATH; 0: none */
  char const *workdir ;          /* 0: / */
  char const *init ;             /* 0: /init */
} ;

/* A new root with TREE laid over it (0: none). */
extern box *box_new (char const *tree) ;

/* Its keelson is a build with sanitizers (BOX_ROOT): slower, larger, and in need of /proc. */
extern int box_is_sanitized (box const *) ;

/* Kills what runs and forgets the root. */
extern void box_free (box *) ;

/* Files of the root, seen from outside: may be used before, during and after a boot.
   PATH has no slash in front; directories on the way are made. */
extern void box_file (box *, char const *path, mode_t, char const *text) ;
extern void box_bytes (box *, char const *path, mode_t, char const *, size_t) ;
extern void box_link (box *, char const *path, char const *target) ;
extern void box_dir (box *, char const *path, mode_t) ;

/* Copies a program of this machine with its libraries to usr/bin. */
extern void box_program (box *, char const *name) ;

extern char const *box_read (box *, char const *path) ;
extern int box_exists (box *, char const *path) ;

/* Boots: init, then the arguments up to a 0. The same box may be booted again once it has
   ended; what the former life left, /run with it, is then still there. */
extern void box_boot (box *, struct box_how const *, ...) ;
extern void box_bootv (box *, struct box_how const *, char const *const *argv) ;

/* Waits for a line of output that contains TEXT and was not returned before. */
extern char const *box_expect (box *, char const *text) ;

/* Waits for exactly this line on /events, not returned before. */
extern void box_event (box *, char const *line) ;

/* The same for a line that begins with PREFIX: returns what follows it. */
extern char const *box_event_after (box *, char const *prefix) ;

/* Lines in all so far, output and events together; and waits until there are N, or PID 1 ends. */
extern unsigned int box_lines (box *) ;
extern void box_expect_lines (box *, unsigned int n) ;

/* All output, all events so far. */
extern char const *box_output (box *) ;
extern char const *box_events (box *) ;
extern int box_says (box *, char const *text) ;

/* How often LINE came as an event so far. */
extern unsigned int box_event_count (box *, char const *line) ;

/* A gate: make it before the boot; a script waits with `read x < /gates/NAME`; each
   opening lets one through. */
extern void box_gate (box *, char const *name) ;
extern void box_open_gate (box *, char const *name) ;

/* Types into the box's terminal. */
extern void box_type (box *, char const *text) ;

/* Sends a signal to PID 1, as a runtime does. */
extern void box_signal (box *, int sig) ;

/* Waits for the end of PID 1; returns its wait status. Reads all output first. */
extern int box_wait (box *) ;

/* The two endings most tests want: the exit code (fails the test if it was a signal), and
   TERM followed by it. */
extern int box_exit_code (box *) ;
extern int box_stop (box *) ;

/* What `docker exec` does: runs a program inside, as root, and waits for it. */
struct box_result
{
  int status ;            /* of wait */
  char const *output ;    /* stdout and stderr */
} ;
extern struct box_result box_exec (box *, char const *prog, ...) ;
extern struct box_result box_sh (box *, char const *script) ;

/* Like box_sh, but does not wait: pid as seen from outside. */
extern pid_t box_sh_start (box *, char const *script) ;

/* The output of `sh -c SCRIPT`; the test fails unless it exits with 0. */
extern char const *box_ask (box *, char const *script) ;

/* PID 1's pid as seen from outside; processes of the box now, PID 1 among them. */
extern pid_t box_pid (box const *) ;
extern unsigned int box_processes (box const *) ;

/* Runs the suite that the test program made: exits 77 with a reason where boxes can't be had. */
extern int box_main (char const *name, TCase *const *cases, unsigned int n) ;
extern TCase *box_case (char const *name) ;

/* What an assertion that fails prints first: all that the box said. */
extern void box_report (char const *what) ;
#define _ck_assert_failed(...) (box_report("an assertion failed"), (_ck_assert_failed)(__VA_ARGS__))

#define exited(status) (WIFEXITED(status) ? WEXITSTATUS(status) : -1)

#endif
