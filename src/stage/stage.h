/* ISC license. */

#ifndef KEELSON_STAGE_H
#define KEELSON_STAGE_H

/*
   A stage: the scripts of one directory, run one after another in C-locale order, each with a
   time limit. At most one script of the container's runs at any time; its pid is a word of the
   ledger's header, its name and times are in the global state, so an exec in mid-script goes
   on with the same script and one between two scripts with the next.

   Nothing here waits: stage_next() starts a script and returns, the caller's loop hears of its
   end or of its deadline and says so.
*/

#include <stdint.h>

#include "base.h"
#include "ledger.h"

enum script_state { SCRIPT_NONE, SCRIPT_RUNNING, SCRIPT_TERMED, SCRIPT_KILLED } ;

struct stage
{
  char const *dir ;             /* absolute path of the directory */
  char const *label ;           /* for messages: "cont-init.d" */
  char const *suffix ;          /* only files so named; 0: all */
  int through_shell ;           /* run with bash -e, or sh -e, not by its own #! */
  int full_environment ;        /* 0: PATH alone unless S6_KEEP_ENV */
  int tells_exit_code ;         /* S6_STAGE2_EXITED beside PATH, as s6-overlay 2's finish scripts have it */
  int announce ;                /* name, exit code and time of each are told at S6_VERBOSITY 2 */
  char const *first_line ;      /* what generation 2 says before the first script; 0: nothing */
  char const *last_line ;       /* and after the last */
} ;

enum stage_result { STAGE_RUNNING, STAGE_OVER, STAGE_RETRY } ;

/* Reads and sorts the directory; an absent one is empty. Scripts up to and including AFTER
   ("": none) are left out: they have run. 0, or -1 after saying why. */
extern int stage_open (struct stage const *st, char const *after) ;

/* 1: the next call of stage_next() has a script to start. */
extern int stage_waiting (void) ;

/* Starts the next script, to end within LIMIT ns (0: no limit). STAGE_OVER when there is none
   left; STAGE_RETRY when no process could be made: call it again at global script_deadline. */
extern enum stage_result stage_next (int64_t limit) ;

/* Runs one command of words split at blanks, found in PATH (S6_STAGE2_HOOK), or the program
   ARGV of ours (fix-attrs), as if it were a stage of one script called NAME. */
extern enum stage_result stage_command (char const *name, char const *const *argv, int64_t limit) ;

/* Forks again what STAGE_RETRY could not. */
extern enum stage_result stage_retry (void) ;

/* After an exec: the script of the global state is under way or still to be forked. */
extern enum stage_result stage_resume (struct stage const *st, int64_t limit) ;

/* The running script has ended with WSTAT. Tells; commits SCRIPT_NONE. */
extern void stage_ended (int32_t wstat) ;
/* What its end means is committed too (SEQ: see ledger.h); until then a resume judges again. */
extern void stage_settled (uint32_t seq) ;

/* TERM and CONT, or KILL, to the running script's group; commits the state. */
extern void stage_term (int64_t kill_deadline) ;
extern void stage_kill (void) ;

extern void stage_close (void) ;

#endif
