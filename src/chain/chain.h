/* ISC license. */

#ifndef KEELSON_CHAIN_H
#define KEELSON_CHAIN_H

/* What several chain-loading programs share. All of them run one program after another in
   one process: failures are final, so these die with a message where their caller would. */

#include <skalibs/gccattributes.h>
#include <skalibs/stralloc.h>

/* Runs the program of this very binary that is called argv[0], found through /proc/self/exe
   and so whatever PATH is; through PATH where /proc is not mounted. Never returns: exits
   126 or 127 with a message. */
extern void chain_exec_own (char const *const *argv, char const *const *envp) gccattr_noreturn ;

/* As skalibs' xexec_e, but PATH is the one of envp: a program finds what the environment it
   is given says. Never returns: exits 126 or 127 with a message. */
extern void chain_exec_env (char const *const *argv, char const *const *envp) gccattr_noreturn ;

/* Appends the words of text, each with a final null, to words. Words are parted by blanks,
   tabs and newlines; nothing is quoted. Their number; dies if there is no memory. */
extern size_t chain_words (stralloc *words, char const *text) ;

/* Nonzero if S6_KEEP_ENV says that the container's environment is in place already. A value
   that is no number gets a warning and counts as 0. */
extern int chain_keep_env (void) ;

/* Appends the container environment to modif, as contenv_read(). Dies with exit code 111 and
   a message that names the directory or the variable if that cannot be. */
extern void chain_read_contenv (stralloc *modif) ;

/* The value of one variable of the container environment, with nothing said if it cannot be
   read: null then, as when it is not set. */
extern char const *chain_contenv_value (char const *name) ;

/* Memory for n objects of size bytes; dies if there is none. Never freed: an exec follows. */
extern void *chain_alloc (size_t n, size_t size) ;

#endif
