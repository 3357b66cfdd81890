/* ISC license. */

#ifndef KEELSON_INIT_H
#define KEELSON_INIT_H

/*
   Stage 1: finds out where it is, makes the run directory ready, hands over to svscan.

   init.c    the program
   place.c   which directory is the run directory
   house.c   what is made there
*/

extern int init_main (int argc, char const *const *argv) ;

/* Chooses the run directory, takes its lock, enters both into the ledger. Returns only when
   there is one; otherwise it has said what was tried and exits 111. */
extern void place_choose (void) ;

/* RUNDIR/s6 was made just now, to see whether that can be done: it is empty. */
extern int house_has_s6 ;

/* Clears what a former life of the same container left, makes the directories and links, and
   writes the container environment from ENVP. 0, or -1 after saying why. */
extern int house_make (char const *const *envp) ;

#endif
