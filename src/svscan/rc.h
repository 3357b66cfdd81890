/* ISC license. */

#ifndef KEELSON_RC_H
#define KEELSON_RC_H

/*
   Dependencies: the graph of graph.h over the slots of the ledger.

   A node of the graph is a longrun, a oneshot, a bundle or a step that is built in; a slot is a
   process that is or will be. The two are kept in step: what a slot does becomes the level of
   its node, what the graph says may be done next becomes an event for the slot. The graph itself
   lies in memory and is read again after an exec; what must outlive that is in the slots
   (graph_level, graph_want, graph_failed) and in header.dependencies: that there is a graph.

   Images that define no s6-rc service and no dependencies.d have none: their services all
   start at once (scan.c).
*/

#include <stdint.h>
#include <sys/types.h>

#include "base.h"

/* ---- oneshot.c: the states of a oneshot's slot ------------------------------------- */

enum oneshot_state { ONESHOT_DOWN, ONESHOT_STARTING, ONESHOT_UP, ONESHOT_STOPPING, ONESHOT_FAILED } ;

extern char const *oneshot_state_name (unsigned int state) ;
extern enum oneshot_state oneshot_state (uint32_t i) ;
/* A slot for the oneshot NAME; NO_SLOT after saying why. */
extern uint32_t oneshot_add (char const *name) ;
/* Runs FILE (up, down); EMPTY: there is nothing to run. 0, or -1/errno: no process. */
extern int oneshot_start (uint32_t i, char const *file, int empty) ;
extern int oneshot_stop (uint32_t i, char const *file, int empty) ;
/* It is to start and has no process yet: it is down. */
extern void oneshot_drop (uint32_t i) ;
/* SIG to the group of what runs of it. */
extern void oneshot_signal (uint32_t i, int sig) ;
/* Its process has ended: 1 if that was `up`. CUT_SHORT: we ended it; then its failing is none. */
extern int oneshot_ended (uint32_t i, pid_t pid, int32_t wstat, int cut_short) ;
/* How its last process ended, in words. */
extern char const *oneshot_end (uint32_t i) ;
/* ns since its last process was started. */
extern int64_t oneshot_took (uint32_t i) ;
extern void oneshot_resume (uint32_t i) ;

/* ---- before the boot has come to services (rc_ask.c, rc_read.c) -------------------- */

/* 1: the image defines a service in s6-rc form. */
extern int rc_has_definitions (void) ;
/* 1: this image has services with dependencies. */
extern int rc_wanted (void) ;
/* Reads all definitions and says what is wrong with them. The number of errors. */
extern uint32_t rc_check (void) ;
/* Starts what the built-in step BUILTIN itself needs, in the rare image that says so. 1: all of
   that is reached or has failed, and the step may begin. */
extern int rc_prepare (char const *builtin) ;
extern int rc_is_prepared (char const *builtin) ;

/* ---- the graph --------------------------------------------------------------------- */

/* Reads the definitions, lays out the longruns, takes up all services, starts what may start. */
extern void rc_begin (void) ;
/* What was refused and may pass: tried again. */
extern void rc_retry (void) ;
extern void rc_resume (void) ;
/* After a resume: does what the graph says may be done. */
extern void rc_go_on (void) ;
/* 1: a service called NAME is a node, and waits for the graph. */
extern int rc_knows (char const *name) ;
/* 1: all that the boot wants is reached or has failed. */
extern int rc_settled (void) ;
/* What the boot still waits for: names, in a static buffer. */
extern char const *rc_pending (void) ;

extern void rc_service_changed (uint32_t i) ;
/* The supervision of slot I has ended. */
extern void rc_gone (uint32_t i) ;
extern void rc_oneshot_ended (uint32_t i, pid_t pid, int32_t wstat) ;
extern void rc_timeout (uint32_t i) ;

/* Starts (up = 1) or stops NAME with all that it pulls along. NAME may be an instance that is not
   there yet. */
extern void rc_change (char const *name, int up) ;
/* Takes up what is new in the scan directory and, in a container, among the definitions. */
extern void rc_rescan (void) ;

/* The stop: everything down, in order. */
extern void rc_halt (void) ;
/* The time of /etc/services.d is over: they count as down. */
extern void rc_abandon_legacy (void) ;
extern int rc_all_down (void) ;

#endif
