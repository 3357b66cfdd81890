/* ISC license. */

#ifndef KEELSON_RC_INTERNAL_H
#define KEELSON_RC_INTERNAL_H

/*
   What the files of the graph over the slots share and nobody else uses:

     rc_read.c   the definitions are read and come into force; which slot is which node
     rc.c        levels, actions, failures, time limits: how far everything is
     rc_ask.c    what is wanted: the boot, changes by order, a rescan, the stop
     oneshot.c   the process of a oneshot

   Three words of a slot are written here alone and are what outlives an exec: graph_level and
   graph_want, in the words of graph.h, and graph_failed, which says that it could not be brought
   up. A graph that is read again, after an exec or because definitions have changed, takes its
   state from there.
*/

#include <stdint.h>

#include "ledger.h"
#include "source.h"

struct rc
{
  struct source *source ;   /* the definitions in force; 0 with n = 0: none */
  uint32_t n ;              /* nodes */
  uint32_t *slot ;          /* of a node, or NO_SLOT */
  uint32_t *node ;          /* of a slot, or GRAPH_NONE; `room` of them */
  uint32_t room ;
  uint32_t *victims ;       /* scratch for graph_fail */
  uint32_t *again ;         /* of a node: 1 when it waits to be tried again, see retry.c */
  uint32_t top ;
  int busy ;                /* rc_advance() is at work, or is not to begin yet */
} ;

extern struct rc rc ;

#define GRAPH (&rc.source->graph)

/* ---- rc_read.c --------------------------------------------------------------------- */

/* Reads the definitions, with the instance EXTRA besides (or 0), and puts them into force. STRICT:
   not if they have errors. 0; or -1 with errno, EINVAL for errors that were told. Then those in
   force stay. */
extern int rc_read (char const *extra, int strict) ;
/* Forgets the graph. */
extern void rc_forget (void) ;

/* Longruns and oneshots: what has a slot. */
extern int rc_is_atom (uint32_t n) ;
/* Not one of /etc/services.d. */
extern int rc_is_s6rc (uint32_t n) ;
/* The file of node N, in a static buffer. */
extern char const *rc_file (uint32_t n, enum source_file file) ;
extern uint32_t rc_node_of (uint32_t i) ;
extern void rc_bind (uint32_t n, uint32_t i) ;
/* Binds each slot that is none's yet to the node of its name. */
extern void rc_bind_all (void) ;
/* The service directory of a longrun. 0, or -1 after saying why. */
extern int rc_lay_out (uint32_t n) ;
/* 1: that is to be done here. Of services.d layout_services() has made what the boot wants, so only
   what was asked for by name, an instance, is left. */
extern int rc_is_to_lay_out (uint32_t n) ;
/* The slot of an atom, laid out and taken up when it is first needed; NO_SLOT after saying why. */
extern uint32_t rc_slot_for (uint32_t n) ;
/* The set of one node and all that starting or stopping it pulls along: the caller's to free. */
extern uint8_t *rc_set_of (uint32_t n, enum graph_direction) ;

/* ---- rc.c -------------------------------------------------------------------------- */

extern void rc_set_level (uint32_t n, enum graph_level level) ;
extern void rc_want (uint32_t n, enum graph_want want) ;
/* Takes levels and wants as the slots have kept them. */
extern void rc_take_states (void) ;
/* After a resume: what the slots have done, and the graph has not heard of. */
extern void rc_catch_up (void) ;
/* Appends NAME to a list in words of SIZE bytes, or "…" where it does not fit. */
extern void rc_add_name (char *list, size_t size, char const *name) ;
/* Node N could not be brought up: says so, with what does not start because of it. */
extern void rc_fail (uint32_t n, char const *why) ;
/* The same; during the boot S6_BEHAVIOUR_IF_STAGE2_FAILS decides what follows. */
extern void rc_judge (uint32_t n, char const *why) ;
/* Does what the graph says may be done now. */
extern void rc_advance (void) ;

#endif
