/* ISC license. */

#ifndef KEELSON_FINISH_H
#define KEELSON_FINISH_H

/*
   Stage 3: ends what is left, says why the container ends, and ends it.

   finish.c   the program
   others.c   processes that are not our children: descendants, and what `docker exec` put here
   why.c      the last line
*/

#include <sys/types.h>

extern int finish_main (int argc, char const *const *argv) ;

/* ---- others.c */

/* Sends SIG to everything that is ours to end: as PID 1 all there is, else our descendants. */
extern void others_signal (int sig) ;
/* Processes of our PID namespace whose parent is outside it: opens a pidfd for each and calls
   WATCH with it. The number found; 0 when not PID 1 or when there is no /proc. */
extern unsigned int others_strangers (void (*watch) (int pidfd)) ;

/* ---- why.c */

/* Says the last line: the code and what caused it. */
extern void why_say (int code) ;

#endif
