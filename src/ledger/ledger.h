/* ISC license. */

#ifndef KEELSON_LEDGER_H
#define KEELSON_LEDGER_H

/*
   The ledger: all that PID 1 needs to go on after an exec, in a MAP_SHARED memfd. Everything
   else in memory can be rebuilt from it and from the file system.

   Who writes what, and how it stays whole:

   - struct slot_state and struct global exist in two copies each. A step takes the idle copy
     (ledger_draft), changes it, and commits by one store of the index (ledger_commit). A crash
     at any instruction leaves the old state or the new one. Each copy has a checksum: a
     corrupted one is recognised, never acted on.
   - `owed` in a committed copy is the set of effects (spawn, signal, publish …) that the step
     owes to the world. Each bit is cleared after its effect, so a resume does what is left.
   - Words that somebody else writes (the kernel a pid, a child its exec errno) lie outside the
     copies and have one writer each.
   - The inbox is where calls that consume an event (waitid, read) put their result, so that
     the event is not lost with our stack. It is emptied when its consequences are committed;
     each letter in it has a sequence number, so that a resume cannot apply one twice.

   Descriptors that the ledger names are not close-on-exec; their numbers are at or above
   header.fd_base. epoll and signalfd are made anew after an exec.

   This room does not know what the states mean: see supervise.h and svscan.h.
*/

#include <sys/types.h>
#include <stdint.h>
#include <signal.h>
#include <limits.h>

#include "base.h"

#define LEDGER_MAGIC 0x6b65656cu       /* "keel" */
#define LEDGER_VERSION 4u
#define SLOT_MAX 65536u
#define SLOT_NAME_MAX 264              /* NAME/log of the longest file name */
#define SLOT_DIR_MAX 56                /* a longer one is used by way of the scan directory */
#define LEDGER_PATH_MAX 1024           /* three paths of PATH_MAX would be a quarter of a small container's ledger */
#define RING_SIZE 1000u
#define NO_SLOT UINT32_MAX
#define LOCK_OF_SCANNER -2

enum ledger_stage { STAGE_INIT, STAGE_SVSCAN, STAGE_SUPERVISE, STAGE_FINISH } ;

/* What one service directory's settings say; read at every start and every stop. */
struct settings
{
  uint32_t timeout_kill ;       /* ms, 0: never */
  uint32_t timeout_finish ;     /* ms, 0: infinite */
  uint32_t max_death_tally ;
  int32_t notification_fd ;     /* -1: none */
  int32_t lock_fd ;             /* -1: none */
  uint32_t max_restarts ;       /* deaths … */
  uint32_t max_restarts_time ;  /* … in so many seconds; 0: no limit */
  uint32_t backoff_min ;        /* ms; 0: the plain rule of PROTOCOL.md §1 */
  uint32_t backoff_max ;
  uint8_t down_signal ;
  uint8_t reload_signal ;
  uint8_t restart ;             /* enum restart_policy */
  uint8_t flags ;               /* enum settings_flags */
} ;

enum restart_policy { RESTART_ALWAYS, RESTART_ON_FAILURE, RESTART_NEVER } ;
enum settings_flags
{
  HAS_FINISH = 1, HAS_STOP = 2, IS_DOWN = 4, IS_CRITICAL = 8, KILL_GROUP = 16, NEW_PIDNS = 32,
  HAS_DEPENDENCIES = 64, HAS_CHECK = 128
} ;

/* One service's state: the machine's (src/supervise/machine.c) and what goes with it. */
struct slot_state
{
  uint32_t sum ;                /* of all that follows */
  uint32_t seq ;                /* inbox.seq of the last event that was applied */
  uint8_t state ;               /* enum service_state */
  uint8_t sig ;                 /* for OWE_SIGNAL */
  uint8_t cause ;               /* enum why: what brought the last change about */
  uint8_t pad ;
  uint16_t flags ;              /* enum state_flags */
  char letters[6] ;             /* for OWE_EVENT: room for a whole short life, "su" and "dDx" */
  int32_t wstat ;               /* of the last run */
  int32_t finish_pgid ;         /* process group of the run that `finish` follows */
  uint32_t deaths ;             /* records in death_tally */
  uint32_t starts ;             /* runs spawned since supervision began */
  uint32_t quick ;              /* quick deaths in a row, for backoff and retries */
  uint32_t window_deaths ;      /* for max-restarts */
  int64_t window_start ;
  int64_t started ;             /* CLOCK_MONOTONIC ns of the last spawn */
  int64_t deadline ;            /* of the present state; NEVER */
  int64_t stop_deadline ;       /* timeout-kill, while `stop` runs too */
  tain stamp ;                  /* wall clock of the last up/down change */
  tain ready_stamp ;
  tain died ;                   /* wall clock of the last death */
  struct settings settings ;
} ;

/* A slot of the table. What lies outside `copy` is written once, or by somebody else. */
struct slot
{
  uint32_t used ;               /* 1: a service lives here */
  uint32_t current ;            /* bit 0: which copy holds; above: the effects it owes */
  uint32_t kind ;               /* enum slot_kind */
  int32_t run_pid ;             /* the kernel's word (CLONE_PARENT_SETTID) */
  int32_t finish_pid ;
  int32_t stop_pid ;
  int32_t run_errno ;           /* the child's word: why it could not exec */
  int32_t finish_errno ;
  int32_t stop_errno ;
  int32_t control_fd ;          /* the fifo, O_RDWR */
  int32_t lock_fd ;             /* LOCK_OF_SCANNER: supervise/lock is a link to the scan directory's */
  int32_t notify[2] ;           /* readiness pipe: read end while waiting; -1 */
  int32_t pipe[2] ;             /* of a logger: the pipe whose read end it owns; -1 */
  uint32_t logger ;             /* of a producer: the slot whose pipe[1] is our stdout; NO_SLOT */
  uint32_t faults ;             /* faults while this slot was under work … */
  uint32_t fault_event ;        /* … on this event */
  uint8_t graph_level ;         /* src/svscan/rc_internal.h: enum graph_level, */
  uint8_t graph_want ;          /* enum graph_want, */
  uint8_t graph_failed ;        /* and that it could not be brought up */
  uint8_t complete ;            /* all that belongs in supervise/ and event/ is there: see dir_complete() */
  int64_t change_deadline ;     /* timeout-up or timeout-down of the change under way; NEVER */
  uint64_t dir_dev, dir_ino ;   /* identity of supervise/ when it was opened */
  uint64_t dir_stamp ;          /* its directory's time, see settings_hold(); 0: unknown */
  uint64_t oom_seen ;           /* which of the cgroup's oom_kill was its last run; 0: none, see slot_oom() */
  char name[SLOT_NAME_MAX] ;    /* in the scan directory: NAME or NAME/log */
  char dir[SLOT_DIR_MAX] ;      /* the service directory itself, also when the scan directory's link has gone: see slot_dir() */
  struct slot_state copy[2] ;
} ;

enum slot_kind { SLOT_LONGRUN, SLOT_ONESHOT } ;

/* The state of the whole: where boot or stop stands. Steps: src/svscan/svscan.h. */
struct global
{
  uint32_t sum ;
  uint32_t seq ;
  uint8_t step ;                /* enum step */
  uint8_t stop ;                /* enum stop_phase */
  uint8_t cause ;               /* enum stop_cause */
  uint8_t script_state ;        /* enum script_state */
  uint8_t cmd_state ;           /* enum cmd_state */
  uint8_t generation ;          /* 2 or 3 */
  uint8_t rescan ;              /* a rescan is due */
  uint8_t scripts ;             /* enum finish_scripts */
  int32_t cause_code ;          /* signal number, exit code */
  uint32_t cause_slot ;
  int32_t cmd_wstat ;
  int32_t pad ;
  int64_t script_started ;
  int64_t script_deadline ;
  int64_t stop_started ;
  int64_t grace_deadline ;      /* end of step 3 of the stop */
  int64_t scripts_spent ;       /* ns that cont-finish.d took */
  int64_t cmd_deadline ;        /* waiting for services before the CMD */
  int64_t cmd_started ;
  int64_t slowest_ns ;
  uint32_t slowest_slot ;
  uint32_t stopped ;            /* services stopped during the stop */
  char script[NAME_MAX + 1] ;   /* name of the running or last script of the step */
} ;

enum inbox_kind { INBOX_EMPTY, INBOX_REAP, INBOX_SIGNAL, INBOX_CONTROL, INBOX_SCAN_CONTROL, INBOX_NOTIFY } ;
#define INBOX_BYTES 256
#define INBOX_UNKNOWN -2

struct inbox
{
  uint32_t kind ;
  uint32_t slot ;
  uint32_t seq ;                /* of buffer[0]; of buffer[pos] it is seq + pos */
  uint32_t pos ;
  int64_t len ;                 /* what read() returned; INBOX_UNKNOWN: it was cut short */
  siginfo_t info ;              /* waitid() */
  char buffer[INBOX_BYTES] ;    /* read() */
} ;

/* One change of state: what messages, event fifos, counters and `svctl` are made from. */
struct record
{
  int64_t when ;                /* CLOCK_MONOTONIC ns */
  uint32_t slot ;               /* NO_SLOT: the container itself */
  uint8_t from, to, cause, pad ;
  int32_t code ;                /* wait status, signal, or step */
  uint32_t serial ;
} ;

struct header
{
  uint32_t magic, version ;
  uint32_t header_size, slot_size ;
  uint32_t slots ;              /* in the table, used or not */
  uint32_t room ;               /* that the file has space for */
  int32_t fd_base ;
  int32_t self_fd ;             /* the memfd */
  int32_t exe_fd ;              /* our binary, open from the start */
  int32_t lock_fd ;             /* RUNDIR/keelson.lock, or -1 */
  int32_t scan_lock_fd ;
  int32_t scan_control_fd ;
  int32_t outer[2] ;            /* with a catch-all logger: the container's own stdout and stderr; -1 */
  uint32_t catchall ;           /* the catch-all logger's slot, or NO_SLOT */
  int32_t tty ;                 /* 1: descriptor 0 is a terminal */
  uint32_t stage ;              /* enum ledger_stage */
  int32_t pid ;                 /* ours; 1 or not */
  uint32_t verbosity ;
  uint32_t keep_env ;           /* services get our environment, not PATH alone */
  uint32_t dependencies ;       /* 1: the services are started through the graph: src/svscan/rc.c */
  uint32_t term_loggers ;       /* svscanctl -q: loggers are signalled at the stop */
  uint32_t services_max ;       /* option -c of a svscan alone; 0: none */
  uint32_t rescan_ms ;          /* option -t of it; 0: none */
  uint32_t command_seq ;        /* of the last letter in command[] */
  uint32_t command_len ;
  char command[512] ;           /* what has come of a `:` command on .s6-svscan/control */
  uint32_t skip_run_d ;         /* /init.sh has run it in this life */
  uint32_t container ;          /* 1: stages around the services; 0: svscan or supervise alone */
  struct inheritance inheritance ;
  int64_t boot_started ;        /* CLOCK_MONOTONIC ns */
  int64_t boot_ready ;          /* all services up and the CMD started; 0: not yet */
  tain boot_stamp ;
  uint64_t expired ;            /* deadlines run out, all lives of this process together */
  uint64_t dropped ;            /* messages dropped, likewise */
  uint32_t generation_why ;     /* enum generation_why */
  uint32_t told_ready ;         /* NOTIFY_SOCKET has heard READY=1 */
  /* faults: written by the handler */
  uint32_t faults ;             /* in all */
  uint32_t faults_row ;         /* that named no slot, without one completed turn of the loop between */
  uint32_t reexecs ;
  int32_t fault_sig ;
  uint64_t fault_addr ;         /* or the pid of whoever sent the signal */
  uint32_t fault_sent ;         /* 1: sent by a process, no fault of ours */
  uint32_t work_slot ;          /* what is under work: NO_SLOT, or a slot … */
  uint32_t work_event ;         /* … and its event */
  uint32_t oom_begun ;          /* 1: the next is counted from; 2: and our own score lowered, where that may be */
  uint64_t oom_explained ;      /* the cgroup's oom_kill, as far as deaths of ours are known to be due to it */
  uint32_t exitcode ;           /* the last that we wrote … */
  uint32_t exitcode_owed ;      /* … 1: or tried to */
  uint32_t fault_told ;         /* faults that a message has reported */
  uint32_t current ;            /* which global holds */
  int32_t script_pid, script_errno ;
  int32_t cmd_pid, cmd_errno ;
  uint32_t unused ;
  uint32_t serial ;             /* records written so far */
  uint32_t ring_room ;          /* records that there is memory for */
  struct global global[2] ;
  struct inbox inbox ;
  char rundir[256] ;            /* RUNDIR: /run, or where /run cannot be used */
  char scandir[LEDGER_PATH_MAX] ;
  char workdir[LEDGER_PATH_MAX] ; /* cwd that children get back */
  char self[LEDGER_PATH_MAX] ;  /* path of our binary, for a re-exec on purpose; empty if it is longer */
  struct record ring[RING_SIZE] ;
} ;

/* The mapped ledger of this process; 0 before ledger_create() or ledger_attach(). */
extern struct header *ledger ;

/* ---- making and finding ----------------------------------------------------------- */

/* Makes a ledger: memfd, or an unlinked file in DIR where memfds are forbidden. Its descriptor
   is at or above FD_BASE. 0, or -1/errno. */
extern int ledger_create (int fd_base, char const *dir) ;

/* Maps the ledger open as FD: after an exec. 0, or -1: errno EPROTO when it is none of ours
   or of a version that this binary cannot read. */
extern int ledger_attach (int fd) ;

/* Maps a ledger read-only for a client (private pointer, `ledger` stays 0). 0 on failure. */
extern struct header const *ledger_view (int fd, size_t *size) ;

/* Closes whatever at or above fd_base the ledger does not name: remains of a crash between an
   open and its record. Call it right after ledger_attach(), before anything is opened. */
extern void ledger_sweep (void) ;

/* ---- the global state ------------------------------------------------------------- */

extern struct global const *global_now (void) ;
/* The idle copy, made equal to the current one. */
extern struct global *global_draft (void) ;
extern void global_commit (void) ;

/* ---- slots ------------------------------------------------------------------------ */

extern struct slot *slot_at (uint32_t i) ;
extern struct slot *slot_of (struct header *h, uint32_t i) ;
/* Room in the ledger for N slots more, besides those that have been in use and are free. 0, or
   -1/errno (ENOSPC: SLOT_MAX reached). */
extern int slot_room (uint32_t n) ;
/* A fresh slot, all zero but for its descriptors (-1), used = 0 still. NO_SLOT with errno when
   there is no room (ENOSPC: SLOT_MAX reached). */
extern uint32_t slot_new (void) ;
/* Where the service directory is, from the scan directory; at most SLOT_NAME_MAX bytes. */
extern char const *slot_dir (struct slot const *s) ;
/* A slot's committed state; errno EBADMSG and 0 when its checksum does not hold. */
extern struct slot_state const *slot_now (struct slot const *s) ;
extern int slot_sound (struct slot const *s) ;
extern struct slot_state *slot_draft (struct slot *s) ;
/* Commits the draft together with the set of effects it owes. */
extern void slot_commit (struct slot *s, uint32_t owed) ;
extern uint32_t slot_owed (struct slot const *s) ;
extern void slot_paid (struct slot *s, uint32_t effect) ;

/* ---- events ----------------------------------------------------------------------- */

/* Takes the inbox for an event of KIND: call it before the system call that consumes. */
extern struct inbox *inbox_take (enum inbox_kind kind, uint32_t slot) ;
/* read() into the inbox's buffer. The kernel fills the buffer before we learn the length: a fault
   between the two is why inbox_len() must be asked after an exec. */
extern void inbox_read (struct inbox *in, int fd, size_t max) ;
/* The length; where a fault kept us from it, up to the last byte that is not zero (a zero byte
   means nothing in any of our streams), or -1 when nothing came. */
extern int64_t inbox_len (struct inbox *in) ;
/* The number of the event under work, different for each event there ever is (until 2^32). */
extern uint32_t inbox_seq (void) ;
/* The consequences of the inbox are committed. */
extern void inbox_done (void) ;

/* Appends a record to the ring. */
extern void ring_add (uint32_t slot, unsigned int from, unsigned int to, unsigned int cause, int32_t code) ;

/* Names what is under work, for the fault handler. */
static inline void work_on (uint32_t slot, uint32_t event)
{
  extern struct header *ledger ;
  ledger->work_event = event ;
  ledger->work_slot = slot ;
}

/* ---- variables and the exit code (conf.c) ----------------------------------------- */

/* An S6_ variable of the container environment as it is now (scripts set them in mid-boot), or
   of our own environment outside a container. A bad value warns and gives DFLT. */
extern uint32_t conf_uint (char const *name, uint32_t dflt, uint32_t max) ;
/* Its text in BUFFER, or 0 when it is unset or empty. */
extern char const *conf_text (char const *name, char *buffer, size_t size) ;
/* PATH, or the same below /etc/cont-profile.d/$S6_RUNTIME_PROFILE where it begins with /etc/ and
   a profile is chosen. In a static buffer, until the next call. */
extern char const *conf_path (char const *path) ;
/* The container's exit code file: last writer wins. Nothing outside a container. */
extern void exitcode_write (int code) ;
/* What it says. After saying why: 111 when it is gone or no number, the last that we wrote when the
   kernel refuses to read it. */
extern int exitcode_read (void) ;
/* 128+N for a signal, else the exit code. */
extern int exitcode_of (int32_t wstat) ;

/* ---- what children get back (inherit.c) ------------------------------------------- */

/* Records and changes what PID 1 changes for itself: SIGCHLD, RLIMIT_NOFILE, the umask (the OOM
   score: see oom_begin()); the working directory; our binary; SIGMASK, what signals_block()
   returned. Once in the life of a container; one that a fault cut short is done again, and sets
   header.pid at its end. */
extern void inherit (uint64_t sigmask) ;

/* ---- faults (fault.c) ------------------------------------------------------------- */

/* So many faults in a row that no service is to blame for, and PID 1 stops trying. */
#define FAULTS_MAX 5

/* Installs the handlers of SEGV, BUS, FPE, ILL, ABRT and SYS on a stack of their own. ARGV is
   what a re-exec is called with; it and its strings must stay. Call it first of all. With
   "--resume FD" as its first words a fault executes again from now on, else from fault_arm(). */
extern void fault_init (char const *const *argv) ;

/* For the first life of a program, before fault_init(): until fault_arm() a fault executes it again with FRESH, an argv
   that ends like ARGV and has room for the words "--again COUNT SIGNAL" from FRESH[1] on; at most
   FAULTS_MAX times. Returns the signal of the fault that brought this start about, or 0. */
extern int fault_start_over (char const *const *argv, char const **fresh) ;
/* Such faults in the ledger's words, once there is one. SIG: what fault_start_over() returned. */
extern void fault_note_before (int sig) ;

/* What to do when the start itself faults again and again, before it has looked at faults_row, or even
   before the ledger is mapped; called in the signal handler, does not return. 0: exec once more. */
extern void (*fault_last_resort) (void) ;

/* Says that PID 1 was executed again and why; 1 if there was a fault that had not been told. */
extern int fault_tell (void) ;

/* From now on a fault re-executes: the ledger is there. */
extern void fault_arm (void) ;

/* Re-execs on purpose, PATH opened anew. Returns only when that failed, errno set. */
extern void fault_reexec (char const *path) ;

/* Hands over to another program of our binary (argv[0] names it); the ledger goes along, nothing
   else does. Returns only when that failed, errno set. */
extern void ledger_exec (char const *const *argv) ;
/* The same without an exec where that can be: PID 1's own argv stays as it was. */
extern void ledger_become (char const *const *argv) ;

/* "--resume FD" as text for argv, in a static buffer. */
extern char const *fault_fd_text (int fd) ;

#endif
