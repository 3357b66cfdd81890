/* ISC license. */

#ifndef KEELSON_FDHOLDER_H
#define KEELSON_FDHOLDER_H

/*
   A daemon that keeps file descriptors for others, each under an identifier, over a Unix
   domain socket: s6's protocol, so that s6's clients and daemon meet ours. Framing and the
   passing of descriptors are skalibs' unixmessage. Numbers are big-endian; an id is one byte
   of length, the id (1 to 255 bytes, any but null) and a null; a date is a tain as packed by
   skalibs, 12 bytes.

     request                                        answer
     S date id               +1 descriptor          error
     D id                                           error
     R byte(delete it?) id                          error  +1 descriptor
     L                                              error uint32(n), n ids each with its null
     ?                                              error uint32(messages) uint32(n), then in
                                                    so many messages: n × (date id) +n descriptors
     ! uint32(n)                                    error uint32(messages)
     . up to 255 × (date id) +as many descriptors   error; EAGAIN while more are to come

   An answer begins with an error byte: 0, or an errno, with nothing after it.

   The kernel passes at most 253 descriptors at a time, so a dump is cut by that; s6 cuts by
   255 and fails on 254 and more. Where both come to the same number of messages, as they do
   for nearly all sizes, s6's clients accept ours.
*/

#include <stdint.h>

#include <skalibs/genalloc.h>
#include <skalibs/stralloc.h>
#include <skalibs/tai.h>
#include <skalibs/unixconnection.h>

#define FDHOLDER_ID_SIZE 255
#define FDHOLDER_PASS_MAX 253   /* the kernel's SCM_MAX_FD */
#define FDHOLDER_S6_MAX 255     /* what s6 counts messages by */

/* A descriptor as it is held, and as it travels in a dump. */
struct held
{
  int fd ;
  tain limit ;                  /* when it is to be forgotten; at least tain_infinite: never */
  char id[FDHOLDER_ID_SIZE + 1] ;
} ;

/* How many messages a dump of n descriptors takes. */
extern uint32_t fdholder_messages (uint32_t n) ;

/* Puts date and id of n descriptors, with the descriptors, into one message after `head` (of
   headlen bytes). The sender does not close them. 0 with errno if there is no memory. */
extern int fdholder_put_held (unixmessage_sender *, char const *head, size_t headlen, struct held const *, unsigned int n) ;

/* Reads one date and id at *s, of which *len bytes are left, and moves on. 0 if it is none. */
extern int fdholder_scan_held (char const **s, size_t *len, struct held *) ;

/* ---- the client's side. All may wait until the deadline, return 0 (or -1) with errno, and
   leave the connection unusable then. EPIPE: the daemon does not let us in. */

struct fdholder
{
  unixconnection connection ;
} ;

extern int fdholder_start (struct fdholder *, char const *path, tain const *deadline) ;

/* A copy of fd is kept under id. */
extern int fdholder_store (struct fdholder *, int fd, char const *id, tain const *limit, tain const *deadline) ;
extern int fdholder_delete (struct fdholder *, char const *id, tain const *deadline) ;

/* The descriptor, close-on-exec; or -1. */
extern int fdholder_retrieve (struct fdholder *, char const *id, int forget, tain const *deadline) ;

/* Appends the ids to the string, each with its null; their number, or -1. */
extern int fdholder_list (struct fdholder *, stralloc *, tain const *deadline) ;

/* Appends all that is held (struct held) to the list; descriptors are close-on-exec. */
extern int fdholder_getdump (struct fdholder *, genalloc *, tain const *deadline) ;
extern int fdholder_setdump (struct fdholder *, struct held const *, uint32_t n, tain const *deadline) ;

/* ---- the daemon's rules */

/* What a client may do; the strings are regular expressions, null for what may not be done. */
struct fdholder_rights
{
  unsigned int list : 1 ;
  unsigned int getdump : 1 ;
  unsigned int setdump : 1 ;
  char const *store ;
  char const *retrieve ;
} ;

enum rules_kind { RULES_NONE, RULES_DIR, RULES_CDB } ;

/* Uses the rules in that directory, or compiled in that file. 0 with errno. */
extern int fdholder_rules_open (enum rules_kind, char const *path) ;

/* Opens the file anew, where it is one; keeps the old rules if that fails. */
extern void fdholder_rules_reopen (void) ;

/* The rights of that user and group; strings are valid until the next call. 1; 0 if they may
   not even connect; -1 with errno. */
extern int fdholder_rules_check (uid_t, gid_t, struct fdholder_rights *) ;

#endif
