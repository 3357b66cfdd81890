/* ISC license. */

#ifndef KEELSON_SUPERVISE_H
#define KEELSON_SUPERVISE_H

/*
   One service: its directory, its state machine, its effects, its publication.

   settings.c   what the service directory's files say
   machine.c    (state, event) -> (next state, effects owed): a pure function, no system call
   service.c    the only place that carries effects out
   dir.c        supervise/ and event/: made, locked, opened again for each use
   publish.c    status, death_tally and event fifos: what s6's clients read
   status.c, tally.c   the formats (shared with the clients)
   reap.c       children and whose they are
   supervise.c  the program `supervise`: one service without a scanner

   The life of a service, seen from the machine:

     WAITING --deps--> UP --died--> FINISH --ended--> BACKOFF --pause--> UP
        ^               |  d: stop script          |
        |            STOPPING                      +--> DOWN (wanted down), FATAL (given up)
       DOWN <-----------+

   LAST_UP and LAST_FINISH are UP and FINISH of a service whose supervision ends with them. To
   s6's clients WAITING, BACKOFF and FATAL read as down, STOPPING as up.
*/

#include <stdint.h>

#include "base.h"
#include "ledger.h"
#include "pids.h"
#include "status.h"
#include "tally.h"

enum service_state
{
  WAITING, DOWN, BACKOFF, UP, STOPPING, FINISH, LAST_UP, LAST_FINISH, FATAL, SERVICE_STATES
} ;

enum state_flags
{
  WANT_UP = 1,        /* to be restarted */
  IS_READY = 2,       /* up: notified; down: finish is over */
  PAUSED = 4,
  STOP_SENT = 8,      /* its down-signal is on the way */
  FOR_GOOD = 16,      /* the container stops: never again */
  UNSPAWNED = 32,     /* finish could not be forked yet; of what is condemned: its process never was */
  REACHED = 64,       /* was ready once, or went down by its own wish: dependants may start */
  HELD = 128,         /* dependencies are not met: WAITING where it would start */
  CONDEMNED = 256,    /* given up while it has a process: FATAL when that has ended */
  STOP_RUNS = 512,    /* its stop script has not been reaped, be it of an earlier run */
  ASKED = 1024        /* a command was to end this run: that is no death for max-restarts */
} ;

/* The letters of supervise/control in the order of the events that they are. */
#define CONTROL_LETTERS "abqhkti12pcyrlodDuUxOQPCK"

enum service_event
{
  EV_a, EV_b, EV_q, EV_h, EV_k, EV_t, EV_i, EV_1, EV_2, EV_p, EV_c, EV_y,
  EV_r, EV_l, EV_o, EV_d, EV_D, EV_u, EV_U, EV_x, EV_O, EV_Q, EV_P, EV_C, EV_K,
  EV_BEGIN,           /* supervision begins */
  EV_GO,              /* dependencies are met */
  EV_HOLD,            /* start no more until EV_GO */
  EV_DIED,            /* run ended */
  EV_FINISHED,        /* finish ended */
  EV_STOPPED,         /* stop ended */
  EV_TIMEOUT,         /* the deadline of the state */
  EV_NOTIFIED,        /* newline on the notification descriptor */
  EV_NO_RUN,          /* clone failed for run */
  EV_NO_FINISH,
  EV_NO_STOP,
  EV_HALT,            /* the container stops */
  EV_DRAIN,           /* the container stops: a logger ends by end of file */
  EV_CONDEMN,         /* corrupted or twice at fault: give up */
  SERVICE_EVENTS
} ;

/* Effects, carried out in this order. */
enum effects
{
  OWE_CLEAR_RUN = 1 << 0,     /* run_pid = 0: that run is reaped */
  OWE_CLEAR_FINISH = 1 << 1,
  OWE_CLEAR_STOP = 1 << 2,
  OWE_CLOSE_NOTIFY = 1 << 3,
  OWE_DOWN_FILE = 1 << 4,     /* create ./down, or remove it when WANT_UP */
  OWE_TALLY = 1 << 5,
  OWE_SIGNAL = 1 << 6,        /* `sig` to the run (its group with KILL_GROUP when stopping) */
  OWE_SIGNAL_GROUP = 1 << 7,
  OWE_CONT = 1 << 8,
  OWE_KILL_FINISH = 1 << 9,
  OWE_KILL_STOP = 1 << 10,
  OWE_SPAWN_STOP = 1 << 11,
  OWE_SPAWN_RUN = 1 << 12,
  OWE_SPAWN_FINISH = 1 << 13,
  OWE_STATUS = 1 << 14,
  OWE_EVENT = 1 << 15,        /* `letters` to event/ in one write */
  OWE_END = 1 << 16           /* supervision is over: release the slot */
} ;

/* Why a state was entered: for messages and svctl. */
enum why
{
  WHY_NONE, WHY_BEGIN, WHY_COMMAND, WHY_DEPENDENCIES, WHY_DIED, WHY_FINISHED, WHY_READY,
  WHY_125, WHY_TOO_MANY, WHY_POLICY, WHY_TIMEOUT, WHY_NO_FORK, WHY_HALT, WHY_CONDEMNED, WHY_PAUSE, WHY_OOM,
  WHYS
} ;

/* What the machine may know besides its state. */
struct facts
{
  int64_t now ;                     /* CLOCK_MONOTONIC ns */
  tain wall ;
  int32_t wstat ;                   /* EV_DIED, EV_FINISHED, EV_STOPPED */
  struct settings const *settings ; /* read afresh; 0: keep the state's own */
} ;

/* ---- machine.c -------------------------------------------------------------------- */

/* One step: changes *S to the next state, returns the effects owed (enum effects). */
extern uint32_t machine_step (struct slot_state *s, enum service_event e, struct facts const *f) ;

/* The state of a service not yet begun. */
extern void machine_init (struct slot_state *s) ;

/* The event that a letter on supervise/control is, or -1. */
extern int machine_letter (char c) ;

extern char const *state_name (enum service_state s) ;
extern char const *why_text (enum why w) ;

/* A process of ours exists or is owed in this state. */
extern int state_is_live (enum service_state s) ;

/* ---- settings.c ------------------------------------------------------------------- */

/* Reads the settings of the service directory DIR (a path from the cwd). A bad value warns and
   gives the default; NAME is for the warnings. 0, or -1/errno when DIR cannot be read. */
extern int settings_read (char const *dir, char const *name, struct settings *s) ;
extern struct settings const settings_default ;
/* The bit of a file that is a setting, 0 for any other name. */
extern uint32_t settings_bit (char const *name) ;
/* The next settings_read() of NAME need not list its directory: PRESENT is what it would find. */
extern void settings_expect (char const *name, uint32_t present) ;
/* For a service directory that is ours: notes its time, if its settings say what they say by being
   there. settings_hold(): nothing has come or gone there since, so they are what they were. */
extern void settings_stamp (struct slot *s) ;
/* As settings_stamp(), of a directory that we have just made, and of which settings_expect() has told. */
extern void settings_stamp_fresh (struct slot *s) ;
extern int settings_hold (struct slot const *s) ;

/* ---- dir.c ------------------------------------------------------------------------ */

/* Makes supervise/ and event/ of slot I ready: directories, fifo, lock; fills control_fd,
   lock_fd and the identity of supervise/. FRESH: we have made the service directory just now, it is
   ours and nobody else may write there: then no more is done than a service's first steps may
   need, and the rest waits for dir_complete(): until then supervise/ has no identity. 0, or -1 after
   saying why. */
extern int dir_prepare (uint32_t i, int fresh) ;
/* What dir_prepare() has left out, before the first publication. 0, or -1/errno. */
extern int dir_complete (struct slot *s) ;
enum dir_part { DIR_SUPERVISE, DIR_EVENT } ;
/* supervise/ or event/ of a slot as a descriptor that stays ours until dir_done(): an event of a
   service needs each several times. -1/errno: ESTALE when it is no longer the directory that was
   prepared. */
extern int dir_open (struct slot const *s, enum dir_part part) ;
extern void dir_done (void) ;
/* 1: nobody listens in the slot's event/, which costs one call to see if it lies with the scan directory
   in a tmpfs. 0: listing it will tell. */
extern int dir_is_deserted (struct slot const *s) ;
extern void dir_release (struct slot *s) ;

/* ---- publish.c -------------------------------------------------------------------- */

/* E (an errno) may pass: no descriptors, no space, no memory … */
extern int retry_passes (int e) ;
/* The status of a service that has not begun, as a file that others may share until publish_status()
   gives it its own: whoever runs first may look at the others. PATH is from DIRFD. */
extern void publish_before (int dirfd, char const *path) ;
/* These two: 0, or -1/errno; the first failure of a row is told. */
extern int publish_status (struct slot const *s) ;
extern int publish_death (struct slot const *s) ;
extern void publish_event (struct slot const *s, char const *letters) ;
extern void publish_no_deaths (struct slot const *s) ;

/* 1: slot I is a supervised service, neither free nor a oneshot. */
static inline int slot_is_service (uint32_t i)
{
  return slot_at(i)->used && slot_at(i)->kind == SLOT_LONGRUN ;
}

/* ---- oom.c ------------------------------------------------------------------------ */

/* The number in the line "oom_kill N" of TEXT: 1, or 0 when there is none. */
extern int oom_parse (char const *text, uint64_t *n) ;
/* Lowers our own oom_score_adj, where that may be and we are PID 1; what the OOM killer took before is
   none of our services. Call it again and again: it acts once in the life of a container, the first
   time that no child shares our memory, and with it the score. */
extern void oom_begin (void) ;
/* Did the OOM killer take the run of S that ended with WSTAT? Changes nothing. */
extern int oom_took (struct slot const *s, int32_t wstat) ;
/* Notes the answer; the death is committed. */
extern void oom_settle (struct slot *s, int took) ;
/* The OOM killer took the last run of S (for svctl). */
static inline int slot_oom (struct slot const *s)
{
  return s->oom_seen != 0 ;
}

/* ---- service.c -------------------------------------------------------------------- */

extern int supervise_main (int argc, char const *const *argv) ;

/* What the program around (svscan or supervise) wants to hear. */
struct service_host
{
  void (*changed) (uint32_t slot, enum service_state from, enum service_state to) ;
  void (*gone) (uint32_t slot) ;    /* supervision ended, the slot is free */
  void (*oneshot) (uint32_t slot, pid_t pid, int32_t wstat) ;  /* up or down of a oneshot has ended */
  void (*child) (pid_t pid, int32_t wstat) ;  /* a child that is no service's; see inbox_seq() */
} ;
extern struct service_host service_host ;

enum loop_kind { LOOP_SIGNALS, LOOP_CONTROL, LOOP_NOTIFY, LOOP_SCAN_CONTROL, LOOP_START_FD } ;
/* Timers below TIMER_SLOT0 are the program's own; then two for each slot: the machine's, and the
   scanner's for timeout-up and timeout-down. */
#define TIMER_SLOT0 16u
#define TIMER_PUBLISH (TIMER_SLOT0 - 1)    /* then service_publish_again() is due */
#define TIMER_OF(i) (TIMER_SLOT0 + 2 * (i))
#define TIMER_CHANGE_OF(i) (TIMER_OF(i) + 1)
#define TIMERS (TIMER_OF(ledger->room))

/* Room for N services more in every table, made at once: growing one by one costs more, and a table of
   descriptors that grows while children share it most of all. 0, or -1/errno; then it grows as they come. */
extern int service_room (uint32_t n) ;

/* A new slot for the service directory NAME (a path from the cwd, with NAME/log for loggers).
   It has no process yet: service_event(i, EV_BEGIN, 0) starts it. FRESH: the directory itself if we
   have made it just now, so that it can be completed later; else 0. NO_SLOT after saying why. */
extern uint32_t service_add (char const *name, char const *fresh) ;

/* Applies one event and carries out what it owes. CODE: a wait status. */
extern void service_event (uint32_t i, enum service_event e, int32_t code) ;

/* Whether a change is still to be published; publishes those of at most MAX services. For when
   nothing else is to be done, and before anything that should see the world as it is. */
extern int service_unpublished (void) ;
extern void service_publish (unsigned int max) ;
/* What the kernel refused, for want of space say, is to be tried again: see TIMER_PUBLISH. */
extern void service_publish_again (void) ;
/* At the end of a turn of the loop that brought so many EVENTS: a change is published when nothing
   else is to be done. Services that are about to run or to end have the processor first: in a boot
   and in a stop of many, it is theirs that is waited for. */
extern void service_publish_idle (int events) ;

/* The control fifo or the notification pipe of slot I is readable. */
extern void service_control (uint32_t i) ;
extern void service_notified (uint32_t i) ;

/* Reaps every zombie there is, services' and orphans'. */
extern void reap_all (void) ;
extern void reap_resume (void) ;

/* A child has ended: 1 when it belonged to a service. */
extern int service_reaped (pid_t pid, int32_t wstat) ;
/* A child that must not be reaped yet: a run whose `stop` script still has its pid. */
extern int service_holds (pid_t pid) ;
extern int service_holding (void) ;

/* Goes on after an exec: descriptors watched, timers set, effects owed carried out. */
extern void service_resume (uint32_t i) ;
/* Counts a fault that has not been told yet for the slot that was under work; twice on the same
   event and the service is given up. Call it as soon as the ledger is mapped: what faults after it
   is nobody's but ours. */
extern void service_blame (void) ;
/* Rest of an inbox that was taken but not done. */
extern void service_resume_inbox (void) ;

/* The environment that run, finish and stop get: prepared once. */
extern int service_env_init (void) ;

/* The wait status in words: "exited 0", "killed by TERM". */
extern char const *wstat_text (char *buffer, int32_t wstat) ;
#define WSTAT(w) wstat_text((char [48]){ 0 }, (w))

#endif
