/* ISC license. */

#ifndef KEELSON_LOG_H
#define KEELSON_LOG_H

/*
   s6-log: reads lines from its standard input and does with each what its logging script
   says. The formats and the language are those of s6 2.11's s6-log; doc/s6-log.1 is the
   user's view of them. Four parts:

   - log_script.c turns the arguments into a log_script: a list of actions. An action has a
     run of selectors before it, which decide whether it happens to a line, and the settings
     that were in force at its place. Nothing is opened yet: parsing has no effects.

   - log_select.c walks a line through the actions. A log_pass is what the walk remembers:
     whether the line is selected now, and whether any action has happened to it.

   - log_dir.c is a log directory: one `current` that lines are appended to, its rotation,
     and the recovery of what a former life left. Each rotation is a list of small steps in
     which a step is begun only when the one before has succeeded; a step that fails is
     tried again after the directory's pause. So whatever fails (no space, no descriptors, a
     processor) and wherever we are killed, every complete line is in some file:

       current -> previous                     new lines go to a new current from here on
       previous -> @TIME.s                     without a processor
       previous -> processed (and state -> newstate), by the processor; processed is made
       executable when it is whole, only then previous is removed; processed -> @TIME.s

     What a directory holds when we start tells how far the last life came: a current that is
     not executable was not closed; processed counts if executable, previous if it does not;
     both are archived, as .s and as .u (not processed).

   - log.c is the loop: reads, cuts into lines, waits.

   What keeps memory finite: input is read in pieces of at most LOG_CHUNK bytes, each is
   handed to the kernel before the next is read if the outputs take it, and no input is read
   while an output holds more than LOG_PENDING bytes back (with -b, any). Lines for a
   directory whose rotation is under way go into its new current, so that no line is in
   memory only while a processor works. What makes the files' sizes reproducible: a rotation
   is considered after each piece and not within it, as s6-log does.
*/

#include <regex.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <skalibs/bufalloc.h>
#include <skalibs/stralloc.h>
#include <skalibs/tai.h>

#define LOG_CHUNK 8191U
#define LOG_PENDING ((size_t)1 << 20)
#define LOG_LINELIMIT_MIN 48U

/* ------------------------------------------------------------------ stamps (log_stamp.c) */

#define LOG_STAMP_TAI64N 1U
#define LOG_STAMP_ISO 2U

/* "@" and 24 hex digits, a space; then "2026-11-22 05:17:42.589806451" and two spaces. */
#define LOG_TAI64N_LEN (TIMESTAMP + 1)
#define LOG_ISO_LEN 31

struct log_stamp
{
  char text[LOG_TAI64N_LEN + LOG_ISO_LEN + 32] ;
  tain now ; /* one reading of the clock for all that happens to a line */
  tai second ; /* what text's date and time are for: they are formatted once a second */
  unsigned int made ; /* LOG_STAMP_ bits that are right for the line at hand */
} ;

#define LOG_STAMP_ZERO { .made = 0 }

/* The prefix of a line for the wanted LOG_STAMP_ bits: its length, its start in *s. Made at
   the first call after made was set to 0, from the wall clock and the local time zone;
   it stays the same for all actions on one line. */
extern size_t log_stamp_prefix (struct log_stamp *, unsigned int wanted, char const **s) ;

/* ---------------------------------------------------------------- scripts (log_script.c) */

enum log_select_type
{
  LOG_SELECT_ADD, /* +regexp */
  LOG_SELECT_DROP, /* -regexp */
  LOG_SELECT_FRESH /* f */
} ;

struct log_selector
{
  enum log_select_type type ;
  int any ; /* the regular expression is empty: every line matches */
  regex_t regexp ;
} ;

enum log_action_type
{
  LOG_TO_STDERR, /* 2, e */
  LOG_TO_STDOUT, /* 1 */
  LOG_TO_STATUS, /* =file */
  LOG_TO_DIR, /* dir */
  LOG_ACTION_N
} ;

/* What governs a log directory's files. Sizes in bytes, times in milliseconds. */
struct log_rules
{
  uint32_t keep ; /* n: archived files at most */
  uint32_t size ; /* s: of current, at which to rotate */
  uint32_t tolerance ; /* l: rotate from size minus this */
  uint64_t total ; /* S: of all archived files; 0: no limit */
  uint32_t pause ; /* r: between attempts at what failed */
  char const *processor ; /* 0: none */
  int is_shell ; /* ?: sh -c; otherwise !: execlineb -Pc */
} ;

struct log_action
{
  enum log_action_type type ;
  size_t first, end ; /* its selectors: [first, end[ */
  unsigned int stamps ; /* LOG_STAMP_ bits */
  char const *prefix ; /* p: comes after the stamps, with a space behind it; 0: none */
  uint32_t limit ; /* of bytes, for LOG_TO_STDERR and LOG_TO_STATUS; 0: none */
  char const *name ; /* of the file or the directory */
  size_t dir ; /* LOG_TO_DIR: which one of those the caller opens; equal names share one */
  struct log_rules rules ; /* LOG_TO_DIR */
} ;

struct log_script
{
  struct log_selector *selectors ;
  struct log_action *actions ;
  size_t nselectors, nactions, ndirs ;
  int trailing ; /* there are directives after the last action: they do nothing */
} ;

#define LOG_SCRIPT_ZERO { .selectors = 0, .nselectors = 0 }

/* Why a script was refused: says in what way, names the directive (0: none is to blame). */
struct log_fault
{
  char const *directive ;
  char cause[128] ;
} ;

/* Parses the null-terminated array argv, which has to outlive the script. 1; 0 with *why
   filled if the script is wrong; -1 with errno if there is no memory. Ownership: the script
   keeps what it allocates until log_script_free(). */
extern int log_script_parse (struct log_script *, char const *const *argv, struct log_fault *why) ;
extern void log_script_free (struct log_script *) ;

/* -------------------------------------------------------------- selection (log_select.c) */

struct log_pass
{
  int selected ; /* every line is, at first */
  int acted ;
} ;

#define LOG_PASS_START { .selected = 1, .acted = 0 }

/* Whether action a of the script happens to the line (null-terminated, without newline).
   To be called for each action in turn with the same pass. */
extern int log_select (struct log_script const *, struct log_action const *a, char const *line, struct log_pass *) ;

/* ------------------------------------------------------------ log directories (log_dir.c) */

enum log_step
{
  LOG_IDLE,
  LOG_RENAME_CURRENT,
  LOG_NEW_CURRENT,
  LOG_FINISH_PREVIOUS,
  LOG_ARCHIVE_PREVIOUS,
  LOG_RUN_PROCESSOR,
  LOG_AWAIT_PROCESSOR,
  LOG_SYNC_PROCESSED,
  LOG_SYNC_NEWSTATE,
  LOG_REMOVE_PREVIOUS,
  LOG_RENAME_NEWSTATE,
  LOG_ARCHIVE_PROCESSED,
  LOG_CLOSE_SYNC,
  LOG_CLOSE_MARK,
  LOG_CLOSED,
  LOG_STEP_N
} ;

struct log_trouble
{
  int error ; /* errno of the last failure: each kind is reported once */
  tain until ; /* no new attempt before this; zero: at once */
} ;

struct log_dir
{
  char const *name ;
  struct log_rules rules ;
  bufalloc out ; /* lines not yet written to current, whose descriptor is in it */
  uint64_t size ; /* of current */
  int fd ; /* of the directory */
  int lockfd ;
  pid_t pid ; /* of the processor; 0: none runs */
  enum log_step step ;
  int due ; /* a rotation was asked for */
  int verbose ;
  struct log_trouble writing, rotating ; /* apart: lines are written while a processor fails */
} ;

/* Opens, locks and recovers the directory called name, which is made if it does not exist.
   Dies with 111 and a message that names the file if that cannot be done: nothing has been
   read yet then. Later failures are reported if verbose is not 0. */
extern void log_dir_open (struct log_dir *, char const *name, struct log_rules const *, int verbose) ;

/* Adds a line (len bytes, its newline included) after a prefix; dies if there is no memory. */
extern void log_dir_put (struct log_dir *, char const *prefix, size_t prefixlen, char const *line, size_t len) ;

/* Asks for a rotation, as if current had reached its size. An empty one is left alone. */
extern void log_dir_rotate (struct log_dir *) ;

/* Writes what waits to be written, if it may be tried now. For all directories before
   log_dir_work() on any: a rotation must find no line that is in memory only. */
extern void log_dir_flush (struct log_dir *) ;

/* Goes on with the rotation as far as it goes, begins one that is due and, if no more lines
   will come (closing), closes the directory. What fails is tried again after the pause. */
extern void log_dir_work (struct log_dir *, int closing) ;

/* Brings *deadline forward to when something that failed is to be tried again. */
extern void log_dir_deadline (struct log_dir const *, tain *deadline) ;

/* The processor has ended with this wait status. log_dir_work() goes on from there. */
extern void log_dir_processed (struct log_dir *, int wstat) ;

/* For -b: whether what was put is written and the next line would be too. */
extern int log_dir_is_ready (struct log_dir const *) ;

/* From the recovery; on its own for the tests. How many of the n oldest of files with these
   sizes must go so that at most keep stay and, unless total is 0, they fit in total bytes. */
extern size_t log_dir_excess (uint64_t const *sizes, size_t n, uint32_t keep, uint64_t total) ;

#endif
