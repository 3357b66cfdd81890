/* ISC license. */

#ifndef KEELSON_AWAIT_H
#define KEELSON_AWAIT_H

/*
   Waiting until services are up, down or ready. What is known of a service comes from its
   status file once, and then from the letters of its event directory:

     u, U, d, D   it is up, up and ready, down, down and finished
     O            it has failed for good: it won't come up
     x            its supervisor has ended: nothing more will come

   A wish that O or x make impossible counts as fulfilled, and the service as failed.
*/

#include <skalibs/tai.h>

struct wish
{
  unsigned int up : 1 ;
  unsigned int ready : 1 ;    /* up and notified; or down and finished */
  unsigned int restart : 1 ;  /* each service must be seen down and finished, or starting, before */
} ;

struct watched
{
  unsigned int up : 1 ;
  unsigned int ready : 1 ;
  unsigned int wasdown : 1 ;
  unsigned int failed : 1 ;
} ;

/* The option letters for wishes, and what the one says. Returns 0 if it is none of them. */
#define WISH_LETTERS "uUdDrR"
#define WISH_USAGE "[ -U | -u | -d | -D | -r | -R ]"
extern int wish_scan (char, struct wish *) ;

/* Pure: the next state of a service after a letter; whether it is as wished. */
extern void watched_letter (struct watched *, char, struct wish const *) ;
extern int watched_fulfils (struct watched *, struct wish const *) ;

/* Subscribes to the service directories and then reads their states. Dies if it can't. */
extern void await_subscribe (char const *const *, unsigned int) ;

/* Waits until all of them (or ANY) are as wished. The number of those that have failed.
   Dies if the deadline passes (99) or the system fails (111). */
extern unsigned int await (struct wish const *, int, tain const *) ;

#endif
