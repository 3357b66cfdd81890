/* ISC license. */

#ifndef KEELSON_LISTEN_H
#define KEELSON_LISTEN_H

/*
   Listening to event directories (PROTOCOL.md §2). A listener is a fifo of ours in
   the directory; whoever notifies writes its letters into every fifo there. The fifo is
   made under a dot name, which nobody writes to, and renamed when we are ready to read.

   Nothing here polls: listen_wait() sleeps until a letter, a signal or its deadline comes.
   The fifos are removed by listen_end() and when HUP, INT, QUIT or TERM ends us; one that
   a KILL leaves behind is removed by the next writer.

   Subscribe first, read the state then: so no change between the two is missed.
*/

#include <stddef.h>
#include <stdint.h>

#include <skalibs/tai.h>

/* Beginning and length of a fifo's name: ftrig1:@ + 24 hex + : + 6 characters. */
#define FTRIG_PREFIX "ftrig1:@"
#define FTRIG_NAMELEN 39

#define LISTEN_CHILD (-1)
#define LISTEN_FILES (-2)

/* Called with the number of the listener and the letters it received; or with LISTEN_CHILD
   and none when a child has died, which it may wait for; or with LISTEN_FILES and none when a
   watched file has changed. Returns non-zero to end the wait. */
typedef int listen_func (int, char const *, size_t, void *) ;

/* Prepares for signals. 1, or 0 with errno. */
extern int listen_start (void) ;

/* Listens to the event directory SUB below DIR. Its number, counted from 0; or -1 with errno. */
extern int listen_add (char const *, char const *) ;

/* Watches a file or directory for the inotify events of MASK: for changes that have no letter,
   such as a status file that is replaced (IN_MOVED_TO on its directory). 1, or 0 with errno. */
extern int listen_watch (char const *, uint32_t) ;

/* Forgets the letters that have come so far: whether there were any, or -1 with errno. A state
   that was read between two calls of which the second says 0 is as new as what follows. */
extern int listen_drain (void) ;

/* Hands on what comes until the function has enough (1), the deadline (on STAMP's clock)
   has passed (0), or something fails (-1 with errno). */
extern int listen_wait (tain const *, listen_func *, void *) ;

/* Removes all fifos. Keeps errno. */
extern void listen_end (void) ;

/* Dying while we listen: fifos first. */
#define listen_dief(e, ...) do { listen_end() ; strerr_dief(e, __VA_ARGS__) ; } while (0)
#define listen_diefusys(e, ...) do { listen_end() ; strerr_diefusys(e, __VA_ARGS__) ; } while (0)

#endif
