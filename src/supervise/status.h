/* ISC license. */

#ifndef KEELSON_STATUS_H
#define KEELSON_STATUS_H

/*
   The status file of a service, DIR/supervise/status: what s6's clients read to
   know its state. Big-endian numbers. Three layouts are about (PROTOCOL.md §2):

     35 bytes  (s6 up to 2.11.3 and from 2.14)   43 bytes  (s6 2.12, 2.13)
      0  12  TAI64N of the last up/down change   the same
     12  12  TAI64N of readiness                 the same
     24   8  pid                                 the same
     32   2  raw wait status of the last run     8  process group
     34   1  flags                               -
     40   -                                      2  raw wait status
     42   -                                      1  flags

   What we write is 43 bytes long and means the same to all of them. A reader of
   35 bytes finds its wait status at 32 and its flags at 34. A reader of 43 takes
   the eight bytes from 32 for a process group and keeps the low half of them,
   because pid_t has 32 bits; so that half, at 36, is the process group.
*/

#include <stddef.h>
#include <sys/types.h>

#include <skalibs/tai.h>

#define SVSTATUS_FILE "supervise/status"
#define SVSTATUS_SIZE 43
#define SVSTATUS_SIZE_SHORT 35

struct svstatus
{
  tain stamp ;              /* when the service last went up or down */
  tain readystamp ;         /* when it last became ready, or (while down) truly down */
  pid_t pid ;               /* of run; of finish while finishing; 0 if there is neither */
  pid_t pgid ;              /* process group of the last run; 0 if it never ran */
  int wstat ;               /* of the last run that ended, as wait() gave it */
  unsigned int paused : 1 ;
  unsigned int finishing : 1 ;
  unsigned int want_up : 1 ;
  unsigned int ready : 1 ;  /* while up: ready; while down: ready to be started */
} ;

/* Writes SVSTATUS_SIZE bytes. */
extern void svstatus_pack (char *, struct svstatus const *) ;

/* Reads a status file's whole content, of 43 bytes or of 35 (which name no process
   group: then it is taken to be the pid, as run is a session leader).
   0 with EPROTO if it is none. */
extern int svstatus_unpack (char const *, size_t, struct svstatus *) ;

/* Reads the status of the service directory. Never blocks, whatever the file is.
   1; or 0 with errno: ENOENT if it was never supervised, EPROTO if the file is no
   status, or what open and read say. */
extern int svstatus_read (char const *, struct svstatus *) ;

/* Opens what is called NAME below the directory DIR, with open()'s flags; never waits for a
   fifo or device, never passes the descriptor on. It, to be closed by the caller; or -1. */
extern int svdir_open (char const *, char const *, int) ;

#endif
