/* ISC license. */

#ifndef KEELSON_CONTROL_H
#define KEELSON_CONTROL_H

/*
   A supervisor as seen from outside: it holds the lock DIR/SUB/lock and reads letters
   from the fifo DIR/SUB/control. SUB is "supervise" for a service, ".s6-svscan" for a
   scan directory (PROTOCOL.md §2-4).
*/

#include <stddef.h>

#define SUPERVISE_SUB "supervise"
#define SVSCAN_SUB ".s6-svscan"

/* Whether a supervisor holds the lock: 1; 0 with errno, ENOENT if none ever did; or -1 with
   errno if that cannot be seen. */
extern int control_islocked (char const *, char const *) ;

/* Sends the letters: 1, or 0 with errno, ENXIO if nobody listens (also if DIR is there but has
   no SUB, so never was supervised). Never blocks: a fifo that is full is EAGAIN. */
extern int control_write (char const *, char const *, char const *, size_t) ;

/* The same; dies with a message if it fails: 100 if nobody listens or the files are not
   as they should be, 111 if the system says no. */
extern void control_send (char const *, char const *, char const *, size_t) ;

/* The letter that sends the signal to a service's process; 0 if none does. */
extern char control_letter (int) ;

#endif
