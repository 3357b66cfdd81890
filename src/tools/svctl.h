/* ISC license. */

#ifndef KEELSON_SVCTL_H
#define KEELSON_SVCTL_H

/*
   svctl: the tool for people.

   svctl.c          the table of commands, options, help
   svctl_view.c     what there is: the scanner and its services, as its ledger has them
   svctl_files.c    the same from supervise/ of each service, where there is no ledger: s6's
                    scanner, or one whose memory we may not read
   svctl_left.c     what stopped services have left behind
   svctl_near.c     which name was meant
   svctl_text.c     text for terminals and for programs
   svctl_words.c    what a service's state is called
   svctl_status.c   status; svctl_json.c its form for programs
   svctl_job.c      pure: from letters to the result of a start or stop
   svctl_act.c      start, stop, restart, reload, kill
   svctl_rc.c       start and stop where services depend on each other; tree
   svctl_log.c      log: the last changes of state
   svctl_scanner.c  halt, rescan, reexec; info
   svctl_link.c     link
   svctl_probe.c    ready, health; svctl_check.c what a service's own check script says

   A view is a copy made at one moment: the ledger goes on changing under us, so nothing is
   decided on the mapped pages themselves. Ages are differences of CLOCK_MONOTONIC where the
   ledger has such times, else of the wall clock.
*/

#include <stdint.h>
#include <sys/types.h>

#include <skalibs/gccattributes.h>
#include <skalibs/stralloc.h>

#include "base.h"
#include "ledger.h"
#include "supervise.h"

struct graph ;

#define UNKNOWN (-1)        /* an age or a count that nobody can tell */

/* Beyond enum service_state: what a view may find. From ITEM_ONESHOT on: enum oneshot_state. */
enum item_state { ITEM_UNREADABLE = SERVICE_STATES, ITEM_DAMAGED, ITEM_UNSUPERVISED, ITEM_ONESHOT } ;

/* A process of a run that is over. */
struct remnant { pid_t pid ; char name[16] ; struct remnant const *next ; } ;

/* A service at the moment of the view. */
struct item
{
  char const *name ;        /* NAME, or NAME/log */
  uint32_t slot ;           /* NO_SLOT: known by its files alone */
  unsigned int state ;      /* enum service_state or enum item_state */
  int error ;               /* ITEM_UNREADABLE: why */
  pid_t pid ;               /* of run, or of finish; 0 */
  pid_t former ;            /* process group of a run that is over; 0 */
  int64_t age ;             /* ns in this state; of an up service since its start */
  int64_t next ;            /* BACKOFF: ns until the next start */
  int64_t ready_after ;     /* ns from start to readiness */
  int64_t starts ;          /* since supervision began */
  int64_t restarts ;
  int64_t death_age ;       /* ns since its last run ended */
  int32_t wstat ;           /* of that run, if `died` */
  int exec_errno ;          /* that run could not be executed */
  unsigned int cause ;      /* enum why */
  unsigned int quick ;      /* quick deaths in a row */
  int reload_signal ;       /* 0: unknown */
  struct remnant const *left ;  /* what its runs have left behind: see view_remnants() */
  uint8_t graph_level ;     /* enum graph_level, and enum graph_want; where services depend on each other */
  uint8_t graph_want ;
  unsigned int died : 1 ;
  unsigned int oom : 1 ;        /* … of the kernel's OOM killer */
  unsigned int wanted : 1 ;
  unsigned int notifies : 1 ;   /* has a notification-fd */
  unsigned int ready : 1 ;
  unsigned int paused : 1 ;
  unsigned int reached : 1 ;    /* was ready once, or went down by its own wish */
  unsigned int stopping : 1 ;   /* up, and its down-signal sent */
} ;

struct view
{
  char const *dir ;             /* the scan directory */
  struct header const *h ;      /* the scanner's ledger; 0: none … */
  char const *why ;             /* … and why */
  pid_t pid ;                   /* of the scanner, with a ledger only */
  size_t size ;
  struct item *items ;          /* sorted by name, a logger right behind its producer */
  size_t n ;
} ;

/* Options of every command that has them, and the names. */
struct call
{
  char const *scandir ;
  struct view view ;
  char const *const *names ;
  unsigned int n ;
  unsigned int timeout ;        /* ms, 0: none */
  unsigned int settle ;         /* ms */
  unsigned int count ;
  int sig ;
  int nowait ;
  int json ;
  int wait ;
  int reverse ;
  int dot ;
} ;

/* ---- svctl_view.c ------------------------------------------------------------------ */

/* Finds the scanner (scandir.h; DIR if it is not 0) and maps its ledger. Dies with CODE if
   there is none. */
extern void view_open (struct view *, char const *dir, int code) ;

/* Reads all services anew; the old items are forgotten. Maps the ledger anew if it has grown. */
extern void view_read (struct view *) ;

/* Reads one of them anew, in its place. */
extern void item_read (struct view const *, struct item *) ;

/* Finds what runs of services that are over have left behind. /proc is read only if there is
   something. With a ledger only: else the numbers may be of another PID namespace. */
extern void view_remnants (struct view *) ;

extern struct item *view_find (struct view const *, char const *name) ;
/* Replaces second names of services by those that they have. Only with a ledger. */
extern void view_first_names (struct view const *, char const **names, unsigned int n) ;

/* The items of these names, each once: 0-terminated. Unknown names are all reported, with near
   ones, and then we exit 1. */
extern struct item **view_select (struct view const *, char const *const *names, unsigned int n) ;
extern void tell_unknown (struct view const *, struct graph const *, char const *name) ;

/* The global state, consistent in itself. Only with a ledger. */
extern void view_global (struct view const *, struct global *) ;

/* Record number SERIAL of the ring: 1, or 0 if it is no longer there. Only with a ledger. */
extern int view_record (struct view const *, uint32_t serial, struct record *) ;
/* The number of the oldest record that may still be there. */
extern uint32_t view_oldest (struct view const *) ;

/* The name of a slot, as it is now; 0 if it never was used. The string is the caller's. */
extern char *view_slot_name (struct view const *, uint32_t slot) ;
/* Its enum slot_kind. */
extern unsigned int view_slot_kind (struct view const *, uint32_t slot) ;

/* From one moment of the wall clock to another; 0 if that was set back in between. */
extern int64_t ns_between (tain const *, tain const *) ;

/* Dies for want of memory. */
extern void *svctl_alloc (size_t) ;
extern char *svctl_strdup (char const *) ;

/* ---- svctl_files.c ----------------------------------------------------------------- */

/* Names of all services in the scan directory, in no order, as items with nothing else. */
extern void files_list (struct view *) ;
extern void files_read (struct view const *, struct item *) ;

/* ---- svctl_near.c ------------------------------------------------------------------ */

/* Appends "; did you mean X or Y?", or nothing. G: names besides the view's, or 0. */
extern void near_append (struct view const *, struct graph const *g, char const *name, stralloc *) ;

/* ---- svctl_text.c ------------------------------------------------------------------ */

/* They append, and die for want of memory. text_room() makes room for so many bytes at once. */
extern void text_room (stralloc *, size_t) ;
extern void text_s (stralloc *, char const *) ;
extern void text_spaces (stralloc *, size_t) ;
extern void text_n (stralloc *, int64_t) ;
extern void text_age (stralloc *, int64_t ns) ;           /* "-" if UNKNOWN */
/* Text that comes from elsewhere: control characters, and what is no UTF-8, as \xNN. */
extern void text_shown (stralloc *, char const *) ;
/* "text" in quotes; a byte that is no UTF-8 as the character of its number. */
extern void text_json (stralloc *, char const *) ;
/* Columns that the bytes take on a terminal: one a character. */
extern size_t text_width (char const *, size_t) ;
/* Writes all to stdout at once and empties it. Dies if it can't. */
extern void text_flush (stralloc *) ;
/* "svctl: error: " and the text to stderr; frees it. */
extern void text_error (stralloc *) ;
/* Whether stdout takes colours: a terminal, no NO_COLOR. */
extern int text_colours (void) ;

/* ---- svctl_words.c ----------------------------------------------------------------- */

extern char const *item_state_name (struct item const *) ;   /* one word */
extern int item_is_up (struct item const *) ;
extern int item_is_oneshot (struct item const *) ;
/* All that was to be reached: up, or a oneshot that is done. */
extern int item_is_reached (struct item const *) ;
/* Something is wrong with it for good. */
extern int item_has_failed (struct item const *) ;
/* It has a process, be it finish. */
extern int item_is_live (struct item const *) ;
/* It has none, and is going to stay so. */
extern int item_is_at_rest (struct item const *) ;
/* "exited 3", "killed by TERM", "could not be executed: …" */
extern void words_exit (stralloc *, struct item const *) ;
/* Why it is as it is: last exit, reason for giving up; "-" if there is nothing to say. */
extern void words_last (stralloc *, struct item const *) ;
/* The state in a few words for a sentence: "up, pid 42", "down". */
extern void words_state (stralloc *, struct item const *) ;
/* Why the container stops: cause and code as in struct global and in the ring. */
extern void words_stop (stralloc *, struct view const *, unsigned int cause, int32_t code, uint32_t slot) ;

/* ---- svctl_json.c ------------------------------------------------------------------ */

extern void json_status (stralloc *, struct view const *, struct item *const *) ;

/* ---- svctl_job.c ------------------------------------------------------------------- */

enum job_goal { GOAL_UP, GOAL_DOWN, GOAL_AGAIN, GOAL_DEATH } ;
enum job_phase
{
  JOB_GOING_DOWN,   /* until D; for GOAL_DEATH until d; for GOAL_DOWN until it is at rest */
  JOB_COMING_UP,    /* until u */
  JOB_UP,           /* until U, or until it has lived long enough */
  JOB_DYING,        /* died too early: until its finish is over */
  JOB_DONE,
  JOB_FAILED
} ;

struct job
{
  struct item *item ;
  int64_t since ;           /* when its letters were sent */
  int64_t up_since ;        /* JOB_UP, JOB_DYING: when u was heard */
  pid_t before ;            /* GOAL_AGAIN: the process that is to go */
  enum job_goal goal ;
  enum job_phase phase ;
  unsigned int idle : 1 ;       /* there was nothing to do */
  unsigned int given_up : 1 ;   /* O was heard */
  unsigned int gone : 1 ;       /* x was heard */
} ;

/* Pure: sets goal and phase from the state of the item; returns the letters to send. */
typedef char const *job_plan (struct job *) ;
extern job_plan job_plan_start, job_plan_stop, job_plan_restart ;

/* Pure: the phase after a letter of the event directory, NOW. */
extern void job_letter (struct job *, char letter, int64_t now) ;
/* Pure: the phase after the item was read anew. */
extern void job_look (struct job *) ;
extern int job_is_open (struct job const *) ;

/* ---- svctl_act.c ------------------------------------------------------------------- */

/* Prints the line that says how the job ended; one that is still open is late. */
extern void job_tell (struct call const *, struct job const *) ;
extern void tell_asked (char const *name) ;
/* Dies when the container is on its way down. */
extern void refuse_while_stopping (struct view const *) ;

/* ---- svctl_rc.c -------------------------------------------------------------------- */

/* The names of a call: nodes of PID 1's graph, and services that are none. */
struct rc_names
{
  struct graph *g ;         /* 0: services do not depend on each other here */
  uint32_t *nodes ;
  char const **others ;
  unsigned int nodes_n ;
  unsigned int others_n ;
} ;

/* Unknown names are reported, and then we exit 1. */
extern void rc_split (struct call *, struct rc_names *) ;

/* Starts (UP) or stops the nodes with all that they pull along: an exit code. */
extern int rc_change_all (struct call *, struct rc_names const *, int up) ;

/* The definitions as PID 1 has them, with the instances that the view has and those among the N
   names. Read once. Dies if they cannot be read. */
extern struct source *rc_source (struct view const *, char const *const *names, unsigned int n) ;

/* ---- svctl_check.c ------------------------------------------------------------------ */

/* Service IT, which is up, is to be asked by its check script, if it has one. IT must live until
   check_all(), which asks them all at once and appends a line for each that is bad: 1 if any is. */
extern void check_add (struct view const *, struct item const *it) ;
extern int check_all (stralloc *page) ;

/* ---- commands: exit codes ---------------------------------------------------------- */

typedef int svctl_command (struct call *) ;
extern svctl_command svctl_status, svctl_start, svctl_stop, svctl_restart, svctl_reload, svctl_kill, svctl_log, svctl_halt,
  svctl_rescan, svctl_reexec, svctl_tree, svctl_info, svctl_link, svctl_ready, svctl_health ;

/* The moment that is ns (NEVER: none) after the start, on STAMP's clock. */
extern void deadline_at (tain *, int64_t mono) ;

#endif
