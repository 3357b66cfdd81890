/* ISC license. */

#ifndef KEELSON_BASE_H
#define KEELSON_BASE_H

/*
   The ground floor: what every other room stands on, on skalibs and libc alone.

   clock   one reading of CLOCK_MONOTONIC a turn of the loop, in nanoseconds. Deadlines are
           absolute values of it; the wall clock (TAI64N) is only ever written down, never
           waited for, because it jumps.
   say     messages that cannot block PID 1, whatever its stderr is.
   loop    epoll, one signalfd, one heap of deadlines.
   spawn   children: clone, and (child.c, sys.h) what they do until exec: system calls only.
   fd      where descriptors live: see struct fdplan.
*/

#include <sys/types.h>
#include <stdint.h>
#include <signal.h>

#include <skalibs/tai.h>
#include <skalibs/gccattributes.h>

#define MS(n) ((int64_t)(n) * 1000000)
#define NEVER INT64_MAX

/* Exit codes of PROTOCOL.md §5. */
enum exitcode
{
  EXIT_OK = 0,
  EXIT_DOMAIN = 1,
  EXIT_TIMEOUT = 99,
  EXIT_USAGE = 100,
  EXIT_UNSUPERVISED = 102,
  EXIT_SYSTEM = 111,
  EXIT_CANNOT_EXEC = 126,
  EXIT_NOT_FOUND = 127
} ;

/* ---- clock ------------------------------------------------------------------------ */

/* Nanoseconds of CLOCK_MONOTONIC now. Never fails. */
extern int64_t mono_now (void) ;

/* The sum of two times in ns, NEVER if that is out of range. */
extern int64_t mono_after (int64_t from, int64_t ns) ;

/* ---- say -------------------------------------------------------------------------- */

enum say_level { SAY_FATAL, SAY_ERROR, SAY_WARNING, SAY_INFO, SAY_DETAIL, SAY_TRACE, SAY_LEVELS } ;

/* Finds out what descriptor 2 is and how to write there without waiting. Call it once at the
   start and again after an exec. Uses descriptors at or above fd_base. VERBOSITY is 0 to 5. */
extern void say_init (int fd_base, unsigned int verbosity) ;

/* Another verbosity than say_init() was told. */
extern void say_verbosity (unsigned int verbosity) ;

/* One message to descriptor 2: "PROG: level: " and the strings in order, or for SAY_INFO and
   beyond without a level word when the first string begins with '['. At most PIPE_BUF bytes
   leave, whole or not at all; what was dropped is counted and reported with the next message
   that gets through. Control characters never pass: they appear as \xNN. */
extern void say_v (enum say_level level, char const *const *strings) ;
#define say(level, ...) say_v(level, ((char const *const []){ __VA_ARGS__, 0 }))

/* As say(), with ": " and the text of ERR (an errno) at the end. */
extern void say_sys_v (enum say_level level, int err, char const *const *strings) ;
#define say_sys(level, err, ...) say_sys_v(level, err, ((char const *const []){ __VA_ARGS__, 0 }))

/* Messages dropped so far because descriptor 2 would have blocked. */
extern uint64_t say_dropped (void) ;

/* Numbers for say(): text in a buffer that lives to the end of the enclosing block. */
extern char const *number_text (char *buffer, int64_t n) ;
#define NUM(n) number_text((char [24]){ 0 }, (n))
/* A duration: "380 us", "38 ms", "5.2 s", "2 h 3 min". */
extern char const *duration_text (char *buffer, int64_t ns) ;
#define DURATION(ns) duration_text((char [40]){ 0 }, (ns))
/* A signal's name without SIG ("TERM"), by the kernel's number ("37" where it has no name). */
extern char const *signal_text (char *buffer, int sig) ;
#define SIGNAME(sig) signal_text((char [24]){ 0 }, (sig))

/* ---- descriptors ------------------------------------------------------------------ */

/*
   0..2 are the container's. Numbers that the runtime passed in stay where they are and go
   through to the services. Everything of ours lives at or above `base`, so that a child gets
   rid of all of it with one close_range(). What a child needs while it sets itself up is
   copied by the child before that call. Each number below `base` that is free holds /dev/null, and
   every child copies it: one is enough.
*/
#define FD_BASE_DEFAULT 4

/* The number from which on descriptors are ours: FD_BASE_DEFAULT, or higher where the runtime
   has passed in higher ones. */
extern int fd_base_find (void) ;

/* Moves FD to the lowest free number at or above BASE. CLOEXEC: 1 to set close-on-exec.
   Returns the new number and closes FD; or -1 with errno, FD closed as well. */
extern int fd_raise (int fd, int base, int cloexec) ;

/* Holds the numbers below BASE that are free with copies of /dev/null, so that open() and its
   kin hand out numbers at or above BASE from the start. All close-on-exec. 0, or -1/errno. */
extern int fd_fence (int base) ;

/* Room for N descriptors more, before children share the table: one that grows while it is shared
   keeps us waiting for some milliseconds, until nobody can be reading the old one any more
   (synchronize_rcu). Where there is none it grows as it must. */
extern void fd_room (uint32_t n) ;

/* FD, moved to a number that no child copies if fd_room() has made a large table: a child's own
   one begins as a copy of the first 64. FD itself, untouched, where that cannot be. */
extern int fd_high (int fd) ;

/* ---- loop ------------------------------------------------------------------------- */

/* What woke the loop: KIND and INDEX as given to loop_watch(). */
struct loop_event { uint32_t kind ; uint32_t index ; uint32_t events ; } ;

/* What the kernel sends to a process that is at fault, see src/ledger/fault.c. */
#define FAULT_SIGNALS 6
extern int const fault_signals[FAULT_SIGNALS] ;

/* Every signal but the fault signals: those stay open, as the kernel would kill us instead of calling
   the handler of one that is blocked. */
extern void all_but_faults (sigset_t *mask) ;

/* Blocks every signal but the fault signals: what comes is pending until the loop reads it, also
   across an exec (PID 1 loses a signal that is neither blocked nor handled). Returns the mask
   that was, in the kernel's bits. */
extern uint64_t signals_block (void) ;

/* Makes epoll and signalfd at or above the fence, blocks every signal but the fault signals.
   Kind SIGNALS is reported when loop_signal_fd() is readable. 0, or -1/errno. */
extern int loop_init (uint32_t signals_kind) ;
extern int loop_signal_fd (void) ;
/* Closes both and forgets every deadline: whoever comes next in this process begins anew. */
extern void loop_end (void) ;

/* Watches FD for input; idempotent for a descriptor already watched. 0, or -1/errno. */
extern int loop_watch (int fd, uint32_t kind, uint32_t index) ;
extern void loop_unwatch (int fd) ;

/* Room for timers 0..n-1; keeps the deadlines of those that were there. 0, or -1/ENOMEM. */
extern int timer_room (uint32_t n) ;
/* Sets, moves or (NEVER) removes the deadline of timer ID. O(log n). */
extern void timer_set (uint32_t id, int64_t deadline) ;
/* Takes the ID of a timer whose deadline is at or before NOW and removes it: 1, or 0. */
extern int timer_pop (int64_t now, uint32_t *id) ;

/* Waits for events or for the next deadline; with AT_ONCE it looks, and does not wait. Fills at most
   MAX; returns how many (0: a deadline, or a signal interrupted). Never fails: EINTR is 0. */
extern int loop_wait (struct loop_event *events, int max, int at_once) ;

/* How often loop_wait() was called. */
extern uint64_t loop_turn (void) ;

/* Deadlines that have run out so far: a container whose services stop at once shows 0. */
extern uint64_t loop_expired (void) ;

/* ---- tables ------------------------------------------------------------------------ */

/* A table that has grown: SIZE bytes (not less than OLD), the first OLD as they were at TABLE, the
   rest zero. 0 with ENOMEM, and TABLE is as it was. */
extern void *table_grow (void *table, size_t old, size_t size) ;

/* How many entries to make room for when N are asked for and there is room for OLD: a quarter more than
   there were, so that growing one by one does not copy all each time. */
#define TABLE_ROOM(n, old) ((n) > (old) + (old) / 4 ? (n) : (old) + (old) / 4)

/* ---- spawn ------------------------------------------------------------------------ */

/* What every child gets back of what PID 1 changed for itself. */
struct inheritance
{
  uint64_t sigmask ;      /* the original mask, kernel bits */
  uint64_t sigignored ;   /* originally ignored signals that we set to something else */
  uint64_t nofile_soft ;  /* RLIMIT_NOFILE, soft */
  uint64_t nofile_hard ;
  uint32_t umask ;
  int32_t oom_score_adj ;
  uint8_t nofile_changed ;
  uint8_t oom_changed ;
  uint8_t umask_taken ;
  uint8_t pad[5] ;
} ;

enum spawn_flags
{
  SPAWN_SESSION = 1,      /* setsid() */
  SPAWN_FOREGROUND = 2,   /* own group, made the terminal's foreground group; keeps stdin */
  SPAWN_SEARCH = 4,       /* a file without slash is looked up in PATH of envp */
  SPAWN_NEWPIDNS = 8      /* a PID namespace of its own (flag-newpidns) */
} ;

struct spawn
{
  char const *dir ;               /* chdir() there, before anything relative; 0: stay */
  char const *dir_fallback ;      /* where DIR cannot be entered; 0: that is an error */
  char const *file ;              /* relative to dir */
  char const *const *argv ;
  char const *const *envp ;
  unsigned int flags ;
  int out ;                       /* becomes 1; -1: keep */
  int err ;                       /* becomes 2; -1: keep */
  int in ;                        /* becomes 0; -1: /dev/null unless SPAWN_FOREGROUND */
  int extra_from, extra_to ;      /* notification: from becomes to; to = -1: none */
  int lock_from, lock_to ;        /* lock-fd: the same; the child waits for the lock */
} ;

/* Tells spawn() once what children get back and where our descriptors begin. INHERITANCE must stay;
   it is read at each spawn(). */
extern void spawn_init (struct inheritance const *inheritance, int fd_base) ;

/* Clones and execs. The kernel stores the child's pid in *PIDWORD, which lies in shared
   memory, before either side runs on; a child that cannot exec stores errno in *ERRWORD and
   exits 127 (not found) or 126. Returns the pid, or -1/errno when there is no child (then
   *PIDWORD is 0). */
extern pid_t spawn (struct spawn const *s, int32_t *pidword, int32_t *errword) ;

/* 1: a child has not left our memory yet (see spawn.c). */
extern int spawn_shares (void) ;

/* Gives back the memory that a wave of starts has used beyond what one now and then needs. For when
   nothing else is to be done. */
extern void spawn_tidy (void) ;

/* How many children spawn() has made in this life of the process. What only a child could have
   changed is as it was while this number is. */
extern uint32_t spawn_count (void) ;

/* We are PID 1, and the kernel says at once that no other process is in the namespace, not even one that is
   not reaped yet. */
extern int alone_as_pid1 (void) ;

/* SIG to the process group that child PID leads; to PID alone as long as it has not come to make
   that group, which it does before it executes anything. Nothing for a PID of 0 or 1. */
extern void signal_group (pid_t pid, int sig) ;

/* execve() that also runs what the kernel refuses for want of the exec bit, for a noexec
   mount, or for a `#!` that names one of our programs by a path that does not exist. Returns
   only on failure: what errno would be, errno itself is left alone. System calls only. ARGV[0]
   is replaced by the interpreter's. */
extern int exec_file (char const *file, char const *const *argv, char const *const *envp) ;

/* Goes on as the program of our binary that argv[0] names, in this process: an exec without its
   price. ARGV must stay; the stack is gone. Set by main(), does not return; 0: there is no such way. */
extern void (*exec_become) (char const *const *argv) ;

/* Whether our binary has a program called NAME: set once by main(). 0: no program is ours. */
extern int (*exec_knows) (char const *name) ;

/* Why FILE (relative to DIRFD) cannot be executed, ERR being what execve() said: a sentence
   with the cause and the mend, written into BUFFER (at least 320 bytes). */
extern char const *exec_explain (int dirfd, char const *file, int err, char *buffer, size_t size) ;

/* ---- small things ----------------------------------------------------------------- */

/* Reads a settings file: O_NONBLOCK|O_NOCTTY, a regular file of at most 4 KiB, first line
   only, NUL-terminated without the newline. Length, or -1/errno (EFTYPE-like: EINVAL). */
extern ssize_t setting_read (int dirfd, char const *name, char *buffer, size_t size) ;

/* Writes a small file whole: NAME.new, then rename. 0, or -1/errno; nothing is left behind. */
extern int file_replace (int dirfd, char const *name, char const *content, size_t len, unsigned int mode) ;
/* As file_replace() where nobody looks yet: what was there goes first. */
extern int file_make (int dirfd, char const *name, char const *content, size_t len, unsigned int mode) ;

/* Puts the entries of our environment that every script gets (PATH and S6_RUNDIR) at V, which has
   room for ENV_BARE; returns how many. */
#define ENV_BARE 2
extern size_t env_bare (char const **v) ;

/* An unsigned variable of the environment, at most MAX; a bad value warns and gives DFLT. */
extern uint32_t env_uint (char const *name, uint32_t dflt, uint32_t max) ;

/* An OFD write lock on the whole of FD, without waiting. 1 taken, 0 held by another, -1/errno. */
extern int ofd_lock (int fd) ;

/* The signal called NAME ("TERM", "SIGTERM", "term", "15", "RTMIN+3" in the kernel's count):
   its number, or 0. */
extern int signal_number (char const *name) ;

#endif
