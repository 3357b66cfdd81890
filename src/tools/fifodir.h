/* ISC license. */

#ifndef KEELSON_FIFODIR_H
#define KEELSON_FIFODIR_H

/* Event directories (PROTOCOL.md §2), by path. All return 0 (or -1) with errno on failure. */

#include <stddef.h>
#include <sys/types.h>

#define FIFODIR_PUBLIC ((gid_t)-1)

/* Makes the directory, for listeners of the group (mode 03730) or for everybody
   (FIFODIR_PUBLIC: 01733). One that is there already must be ours; its group and mode
   change only if FORCE is non-zero. */
extern int fifodir_make (char const *, gid_t, int) ;

/* Removes the fifos that nobody reads. */
extern int fifodir_clean (char const *) ;

/* Writes the letters into the fifo of every listener; removes those that nobody reads, and
   drops what does not fit into a full one. The number of listeners that got them, or -1.
   The caller ignores SIGPIPE. */
extern int fifodir_notify (char const *, char const *, size_t) ;

#endif
