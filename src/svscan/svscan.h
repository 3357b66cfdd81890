/* ISC license. */

#ifndef KEELSON_SVSCAN_H
#define KEELSON_SVSCAN_H

/*
   Stage 2: boots, supervises, stops. One process, one loop.

   svscan.c   the program: first start or resume, and the loop
   boot.c     the boot as a list of steps
   layout.c   /etc/services.d copied into the run directory
   scan.c     the scan directory: which services there are
   rc*.c      dependencies: graph.c over the slots; source.c reads the definitions
   oneshot.c  the state of a oneshot
   catchall.c S6_LOGGING
   outside.c  sd_notify
   control.c  .s6-svscan/control
   signals.c  what each signal means
   rescue.c   the last resort when PID 1 cannot go on
   cmd.c      the CMD
   stop.c     the one way down

   The boot goes through enum step in order; each step either is done at once or ends with an
   event (a script's end, readiness, a deadline) that calls boot_advance(). The stop goes
   through enum stop_phase likewise with stop_advance(). Both read where they are from the
   ledger's global state alone, so that a resume enters them at the same place.
*/

#include <stdint.h>

#include "base.h"
#include "ledger.h"
#include "stage.h"
#include "supervise.h"

enum step
{
  STEP_START_FD, STEP_RUN_D, STEP_HOOK, STEP_CHECK, STEP_FIX_ATTRS, STEP_NEEDS, STEP_CONT_INIT, STEP_SERVICES, STEP_WAIT, STEP_CMD, STEP_RUNNING, STEPS
} ;

enum stop_phase
{
  STOP_NONE,
  STOP_SCRIPT,      /* the boot script that was running is brought to its end */
  STOP_CMD,         /* the CMD goes first: it depends on all */
  STOP_SERVICES,    /* services go down; in generation 2 cont-finish.d runs beside */
  STOP_SCRIPTS,     /* cont-finish.d in generation 3 */
  STOP_LOGGER,      /* the catch-all logger drains */
  STOP_OVER         /* become finish */
} ;

/* cont-finish.d during the stop. */
enum finish_scripts { SCRIPTS_TO_COME, SCRIPTS_RUNNING, SCRIPTS_OVER } ;

enum stop_cause
{
  CAUSE_NONE, CAUSE_SIGNAL, CAUSE_CONTROL, CAUSE_CMD, CAUSE_CRITICAL, CAUSE_RUN_D, CAUSE_STAGE2, CAUSES
} ;

/* Why the image counts as one of generation 2 or 3. */
enum generation_why { GENERATION_ASKED, GENERATION_S6_RC, GENERATION_PLAIN, GENERATION_WHYS } ;

enum cmd_state { CMD_NONE, CMD_WANTED, CMD_RUNNING, CMD_ENDED } ;

enum global_timers { TIMER_SCRIPT, TIMER_GRACE, TIMER_CMD_WAIT, TIMER_RESCAN, TIMER_SCAN } ;

/* What svscan was called with. */
struct options
{
  char const *scandir ;
  char const *const *cmd ;      /* "with-contenv", the CMD and its arguments, 0-terminated; 0: no CMD */
  int notify_fd ;               /* -d: where to write a newline when ready; -1 */
  uint32_t max ;                /* -c */
  uint32_t rescan ;             /* -t: ms between two scans, 0 = only when asked */
} ;
extern struct options options ;

extern int svscan_main (int argc, char const *const *argv) ;

/* ---- boot.c ----------------------------------------------------------------------- */

/* Goes as far through the steps as it can without waiting. */
extern void boot_advance (void) ;
extern void boot_resume (void) ;
/* After an exec: the list of scripts that are still to run, before anything else. */
extern void boot_stage_again (void) ;
extern void stop_stage_again (void) ;
extern void boot_script_ended (int32_t wstat, uint32_t seq) ;
extern void boot_script_deadline (void) ;
/* A service has changed: is the waiting over, are all ready? */
extern void boot_service_changed (void) ;
extern void boot_wait_over (void) ;
/* Lays out what could not be the first time. */
extern void boot_services_again (void) ;
/* The descriptor of S6_WAIT_FOR_CLOSING_FD is readable or closed. */
extern void boot_start_fd (int fd) ;
extern char const *step_name (enum step s) ;
extern char const *generation_text (enum generation_why w) ;

/* ---- layout.c --------------------------------------------------------------------- */

/* What is known of a service directory that has been laid out just now. */
struct fresh
{
  char const *name ;    /* in the scan directory */
  char const *dir ;     /* the directory itself, if it is new, ours, and nobody else may write there; else 0 */
  uint32_t files ;      /* the settings it has: settings_bit() of each */
  int has_log ;         /* it has a logger */
} ;

/* Copies every service directory of SOURCE (/etc/services.d) to DEST as DESIGN "Scan directory"
   says and links it into the scan directory (the cwd), in C-locale order; DONE (if not 0) is
   called with each. Errors name the file and leave that service out. A
   template (NAME@) is no service; a link to another entry is that one's second name. */
extern void layout_services (char const *source, char const *dest, void (*done) (struct fresh const *)) ;
/* The same for those that are not there yet: what was refused the first time. */
extern void layout_missing (char const *source, char const *dest) ;
/* The same for the longrun defined in SOURCE, as DEST/NAME. 0, or -1 after saying why. */
extern int layout_definition (char const *source, char const *dest, char const *name) ;
/* The same for an instance of the template SOURCE of /etc/services.d. */
extern int layout_instance (char const *source, char const *dest, char const *name) ;

/* ---- scan.c ----------------------------------------------------------------------- */

/* Takes up every service of the scan directory that is not supervised yet. */
extern void scan_all (void) ;
/* Takes up service NAME of the scan directory: its slot, or NO_SLOT after saying why. */
extern uint32_t scan_take_up (char const *name) ;
/* The same at the boot, for one that was not there a moment ago. */
extern void scan_take_up_new (struct fresh const *f) ;
/* We hold both ends of the pipe from PRODUCER's stdout to LOGGER's stdin. 0, or -1/errno. */
extern int scan_join (uint32_t producer, uint32_t logger) ;
/* svscanctl -n: ends the supervision of services that are no longer there. TERM_LOGGERS: -N. */
extern void scan_prune (int term_loggers) ;
/* The slot of service NAME, or NO_SLOT. */
extern uint32_t scan_find (char const *name) ;
/* PRODUCER is no more: without any left, its logger sees end of file. */
extern void scan_producer_gone (uint32_t producer) ;

/* ---- cmd.c ------------------------------------------------------------------------ */

extern void cmd_start (void) ;
extern void cmd_ended (int32_t wstat, uint32_t seq) ;
extern void cmd_signal (int sig) ;
extern void cmd_resume (void) ;
/* Continues a CMD that job control has stopped: nobody else could. */
extern void cmd_wake (void) ;

/* ---- signals.c, control.c --------------------------------------------------------- */

extern void signals_read (void) ;
extern void signals_resume (void) ;
extern void signals_alone (void) ;       /* ABRT means what it means to s6 */
extern int control_init (void) ;
extern void control_read (void) ;
extern void control_resume (void) ;
/* Writes the lock file's signature again. Clients that wait for something of the container as a
   whole (the end of the boot, a stop, a re-exec, letters applied) watch that file by inotify and
   then look at the ledger. control_tell() asks for it; it is done when all is published. */
extern void control_tell (void) ;
extern int control_untold (void) ;
extern void control_tell_now (void) ;

/* ---- catchall.c ------------------------------------------------------------------- */

/* S6_LOGGING 1 and 2: from now on what nobody logs goes to a logger of its own. */
extern void catchall_begin (void) ;
/* S6_LOGGING 1: the CMD keeps the container's stdout and stderr. */
extern int catchall_spares_cmd (void) ;
/* The end: the container's own stdout and stderr again; the logger sees end of file. */
extern void catchall_end (void) ;

/* ---- outside.c -------------------------------------------------------------------- */

/* Tells NOTIFY_SOCKET that the boot is done and all are ready, that the stop has begun. */
extern void outside_ready (void) ;
extern void outside_stopping (void) ;

/* ---- retry.c ---------------------------------------------------------------------- */

/* A service could not be laid out or taken up for reason E (an errno): 1 when that may pass, and
   it will be tried again. */
extern int retry_later (int e) ;
/* The first pause, for those that try again by a timer of their own; ns. */
#define RETRY_PAUSE MS(100)
/* Something waits to be tried again. */
extern int retry_is_due (void) ;
extern void retry_now (void) ;

/* ---- rescue.c --------------------------------------------------------------------- */

/* PID 1 has faulted again and again without one turn of its loop: execs .s6-svscan/crash, or
   reaps and honours a stop until the end. */
extern void rescue (void) gccattr_noreturn ;

/* ---- stop.c ----------------------------------------------------------------------- */

/* Asks for the stop. The first cause counts; CODE is a signal, an exit code or a wait status
   as the cause has it; SLOT the critical service. SEQ as in ledger.h. */
extern void stop_request (enum stop_cause cause, int32_t code, uint32_t slot, uint32_t seq) ;
extern void stop_now (void) ;            /* svscanctl -b */
extern _Noreturn void stop_end_alone (void) ;  /* the end of a svscan that stands alone */
extern void stop_advance (void) ;
extern void stop_resume (void) ;
extern void stop_script_ended (int32_t wstat, uint32_t seq) ;
extern void stop_script_deadline (void) ;
extern void stop_service_changed (uint32_t i, enum service_state from) ;
extern void stop_grace_over (void) ;
/* Service I is to go down for good; a logger ends when its producers have. */
extern void stop_halt_service (uint32_t i) ;

#endif
