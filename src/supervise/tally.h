/* ISC license. */

#ifndef KEELSON_TALLY_H
#define KEELSON_TALLY_H

/*
   The death tally of a service, DIR/supervise/death_tally: one record of 14 bytes a
   death, the oldest first (PROTOCOL.md §2):

      0  12  TAI64N of the death
     12   1  exit code; 128 + the signal's number if a signal killed it
     13   1  the signal's number, or 0
*/

#include <stddef.h>
#include <sys/types.h>

#include <skalibs/tai.h>

#define TALLY_FILE "supervise/death_tally"
#define TALLY_MAX 4096  /* records: the most that max-death-tally may ask for */
#define DEATH_SIZE 14

struct death
{
  tain stamp ;
  unsigned char exitcode ;
  unsigned char sig ;
} ;

/* Write and read DEATH_SIZE bytes. */
extern void death_pack (char *, struct death const *) ;
extern void death_unpack (char const *, struct death *) ;

/* The record of a death at STAMP with the wait status WSTAT. */
extern void death_fill (struct death *, tain const *, int) ;

/* Reads the tally of the service directory into a table of the given number of records;
   if the file has more, the oldest are left out. Never blocks. The number of records
   read; or -1 with errno: ENOENT if it was never supervised, EPROTO if the file is no
   sequence of whole records, or what open and read say. */
extern ssize_t tally_read (char const *, struct death *, size_t) ;

#endif
