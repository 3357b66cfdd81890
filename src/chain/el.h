/* ISC license. */

#ifndef KEELSON_EL_H
#define KEELSON_EL_H

#include <stddef.h>
#include <sys/types.h>

#include <skalibs/gccattributes.h>
#include <skalibs/genalloc.h>
#include <skalibs/stralloc.h>

/*
   What the execline commands (el_*.c) have in common. They are thin: libexecline parses
   scripts, unquotes blocks, splits values and substitutes them; skalibs does the rest.
   They behave as execline 2.9.3.0 does, to the letter of its messages;
   tests/differential/execline compares them, doc/compat.md lists what differs.

   Five calls of libexecline are never used: el_spawn0, el_spawn1, el_execsequence,
   el_modif_and_exec and el_modif_and_spawn. Debian builds them to exec its own `exit`
   (for an empty block) and `importas` (for -E) in /usr/lib/execline/bin, which no other
   image has. Here an empty block needs no exec, and -E is done in place.

   Unless said otherwise a function that fails does not return: it says why and exits, 100
   for a wrong command line, 111 for a failed system call.
*/

 /* el_define_main and so on: the program NAME is el_NAME_main, see programs.def. */
#define PROGRAM(name, function, place) int function##_main (int, char const *const *) ;
#include "programs.def"
#undef PROGRAM

 /*
    A command line that is eaten from the front. v ends with a null pointer that n does not
    count. The words belong to the caller of main; only their places in v are changed.
 */

typedef struct el_words_s el_words ;
struct el_words_s
{
  char const **v ;
  int n ;
} ;

#define EL_WORDS(argc, argv) { (char const **)(argv), (argc) }

 /* An option letter. SET and CLEAR are what it does to the bits that el_options returns. */

typedef struct el_option_s el_option ;
struct el_option_s
{
  char letter ;
  unsigned int set ;
  unsigned int clear ;
  char const **arg ;  /* where its argument goes, or 0 if it takes none */
} ;

#define EL_OPTIONS(table) (table), sizeof(table) / sizeof(el_option)

 /* Takes the command's own name and its options off WORDS. Returns 0 on an unknown option. */
extern int el_getopt (el_words *, unsigned int *, el_option const *, size_t) ;

 /* The same for a main(), which dies of an unknown option, or if fewer than MIN words remain. */
extern unsigned int el_options (el_words *, char const *usage, int min, el_option const *, size_t) ;

 /* For a main() without options: takes the name off, dies if fewer than MIN words remain. */
extern void el_need (el_words *, char const *usage, int min) ;

 /* The next word; there must be one. */
extern char const *el_next (el_words *) ;

 /* The next word as a number; dies with USAGE if it is none. */
extern unsigned int el_nextuint (el_words *, char const *usage) ;

 /* Takes a block off WORDS, unquoted. Returns 0 if it has no end; then WORDS is unquoted, but all there. */
extern int el_tryblock (el_words *, el_words *block) ;

 /* The same; dies with "unterminated WHAT" if it has no end. */
extern el_words el_block (el_words *, char const *what) ;

 /* Dies if NAME cannot be an environment variable's. */
extern void el_checkname (char const *name) ;

 /* The number of positional parameters, out of the environment variable #. */
extern unsigned int el_sharp (void) ;

 /* Positional parameter N out of the environment; FMT is UINT_FMT bytes that keep its name. */
extern char const *el_positional (unsigned int n, char *fmt) ;

 /* What the names of positional parameters in the environment begin with. */
#define EL_NPARAMETERS 11
extern char const *const el_parameters[EL_NPARAMETERS] ;

 /*
    Our environment with the variables that begin with one of the N PREFIXES pushed: VAR becomes
    VAR:1, VAR:1 becomes VAR:2 … Stores its length. The vector is new and ends with a null pointer.
 */
extern char const **el_pushed (char const *const *prefixes, size_t n, size_t *len) ;

 /* The same with them popped: VAR goes, VAR:1 becomes VAR … */
extern char const **el_popped (char const *const *prefixes, size_t n) ;

 /*
    Starts ARGV as a child with the environment ENVP; an empty ARGV is a child that exits 0.
    Returns its pid, or 0 with errno set.
 */
extern pid_t el_tryspawn (char const *const *argv, char const *const *envp) ;

 /* The same in our environment; does not return if the child cannot be started. */
extern pid_t el_spawn (char const *const *argv) ;

 /* The N strings in STRINGS as a vector that ends with a null pointer. */
extern char const **el_split (stralloc const *strings, size_t n) ;

 /*
    Starts ARGV as a child with one end of a pipe as its descriptor TO, 1 if it writes and 0
    if it reads. Stores the other end, close-on-exec, in *fd. Returns its pid.
 */
extern pid_t el_spawnpipe (char const *const *argv, int *fd, int to) ;

 /* Dies of a child that could not be started (errno), which begins with NAME and is our WHAT. */
extern void el_dienospawn (char const *name, char const *what) gccattr_noreturn ;

 /* Starts ARGV as a grandchild, under a PROG that says so. Returns its pid. */
extern pid_t el_spawnorphan (char const *const *argv, char const *prog) ;

 /* Waits for a child of ours. Returns its wait status. */
extern int el_wait (pid_t) ;

 /*
    Runs BLOCK as a child, then execs REST with the child's exit code in the variable ?.
    A child that cannot be started counts as 127, with a warning.
 */
extern void el_sequence (char const *const *block, char const *const *rest) gccattr_noreturn ;

 /* Execs ARGV with NAME set to VALUE, or removed if VALUE is 0. Exits 0 if ARGV is empty. */
extern void el_execset (char const *const *argv, char const *name, char const *value) gccattr_noreturn ;

 /* The same with a number. */
extern void el_execsetnum (char const *const *argv, char const *name, long value) gccattr_noreturn ;

 /*
    The same for the commands with -E: if IMPORT is nonzero VALUE replaces $NAME in ARGV, and
    NAME is removed, as the command importas -ui NAME NAME would do.
 */
extern void el_execimport (char const *const *argv, char const *name, char const *value, unsigned int import) gccattr_noreturn ;

 /* A set of keys to substitute at once. Begins as EL_SUBST_ZERO. */

typedef struct el_subst_s el_subst ;
struct el_subst_s
{
  stralloc names ;    /* the keys, each with its null character */
  stralloc values ;   /* all words of all values, each with its null character */
  genalloc keys ;     /* elsubst_t */
  stralloc modifs ;   /* names to remove from the environment, each with its null character */
} ;
#define EL_SUBST_ZERO { .names = STRALLOC_ZERO, .values = STRALLOC_ZERO, .keys = GENALLOC_ZERO, .modifs = STRALLOC_ZERO }

 /*
    Adds KEY, with N words that begin at VALUE in s->values.
    Returns 1; 0 if the key is empty or was there already; -1 if there is no memory (errno).
 */
extern int el_subst_key (el_subst *s, char const *key, size_t value, unsigned int n) ;

 /* Adds KEY with one word; returns the same. */
extern int el_subst_word (el_subst *s, char const *key, char const *word) ;

 /*
    Adds the keys #, 0, 1 … max(n, atleast), and @: the N arguments of ARGS less the first SKIP.
    Returns the same.
 */
extern int el_subst_positionals (el_subst *s, char const *zero, char const *const *args, unsigned int n, unsigned int atleast, unsigned int skip) ;

 /* Substitutes in LEN bytes of words that each end with a null character, and execs the outcome. */
extern void el_subst_exec (el_subst const *s, char const *words, size_t len) gccattr_noreturn ;

 /* The same in an argv. */
extern void el_subst_execv (el_subst const *s, char const *const *argv) gccattr_noreturn ;

#endif
