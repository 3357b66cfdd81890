/* ISC license. */

#ifndef KEELSON_SOURCE_H
#define KEELSON_SOURCE_H

/*
   Source definition directories (the s6-rc format, PROTOCOL.md §6) and /etc/services.d,
   read as they are into one graph: no compile step, nothing on disk to rebuild. PID 1 calls
   source_read before anything starts and once more when cont-init.d is over, because boot
   scripts create services, and takes over the state with graph_carry; a rescan is the same.
   s6-rc-db and `svctl tree` do as PID 1 does. Nothing here prints or exits: what is wrong goes into a struct faults.

   Where definitions come from (with S6_RUNTIME_PROFILE=P, /etc is /etc/cont-profile.d/P):

     /etc/s6-overlay/s6-rc.d                 services, and the older place of `user`, `user2`
     S6_RUNTIME_BUNDLEDIR, else
       /etc/s6-overlay/user-bundles.d        `user`, `user2`; services too
     /package/admin/s6-overlay*
       /etc/s6-rc/sources                    what images add to the built-in names; services too
     /etc/services.d                         longruns of the older generation

   A directory that is reached twice (by a link) is read once. A name may be defined once.
   But: `user` and `user2` of all places are merged, with a warning if one has members in
   s6-rc.d and in the bundle directory (v3 then ignores the latter); and what a built-in name
   has below /package/admin is added to the built-in one.

   The order of v3, fix-attrs → legacy-cont-init → user → legacy-services → user2 → CMD, in
   terms of graph.h:

     fix-attrs, legacy-cont-init,    GRAPH_BUILTIN: steps of PID 1. The caller does them when
     legacy-services                   graph_next offers them, and says READY.
       legacy-cont-init              NEEDS fix-attrs
       legacy-services               NEEDS base, AFTER user (soft), STARTED each of
                                       /etc/services.d (soft; with SOURCE_WAIT_READY: AFTER)
     base                            bundle of fix-attrs, legacy-cont-init
     user, user2                     bundles; there even if nobody defines them
     top                             bundle of base, user, legacy-services, user2, and STARTED
                                       each of /etc/services.d (with SOURCE_WAIT_READY: a
                                       member of it): the boot is graph_close({top}, UP),
                                       and over when `top` is settled. Then comes the CMD,
                                       which is no node.
     /etc/services.d/NAME            longrun, NEEDS legacy-cont-init, AFTER user: both soft,
                                       so one that something in `user` needs starts before.
                                       No offer of one is made before that, so the step
                                       legacy-services has nothing left to do but be reported
                                       READY at once. One that has a `down` file is reported
                                       READY instead of started.
     members of user2                AFTER legacy-services, soft
     members of user                 only what they declare, as in v3: without `base` among
                                       their dependencies they start at once, beside
                                       cont-init.d (SOURCE_USER_AFTER_BASE: soft AFTER base)
     s6rc-oneshot-runner,            GRAPH_BUILTIN that the caller reports READY before
     s6rc-fdholder                     anything else: their work is PID 1's here

   NEEDS pulls in and out, STARTED pulls in, AFTER only orders. So `svctl stop X` of a member
   of `user` does not take /etc/services.d down, and one that fails does not keep it from
   starting; in v3 both happen.

   A producer NEEDS its consumer. A bundle's own dependencies are those of each member
   (soft). An instance NAME@ARG that is named anywhere is made of the template directory
   NAME@; in the template's own lists a name that ends with @ gets the same ARG. In
   /etc/services.d a link NAME@ARG to NAME@ is an instance that the boot wants; a link to any
   other entry is a second name of that service, and no node.

   `up` and `down` of a oneshot are one command line of execline each, whatever their first
   line is. PID 1 does not read them: its child runs, in /,
     execlineb -P -- DIR/up          (argv; DIR is graph_file(); our own execlineb)
   unless source_oneshot_is_empty says that there is nothing to do.
*/

#include <stddef.h>
#include <stdint.h>

#include <skalibs/genalloc.h>

#include "faults.h"
#include "graph.h"

/* What a definition directory may hold and we know of; source_files[] has the names. */
enum source_file
{
  SOURCE_TYPE, SOURCE_DEPENDENCIES_D, SOURCE_DEPENDENCIES, SOURCE_CONTENTS_D, SOURCE_CONTENTS,
  SOURCE_TIMEOUT_UP, SOURCE_TIMEOUT_DOWN, SOURCE_FLAG_ESSENTIAL, SOURCE_FLAG_RECOMMENDED,
  SOURCE_UP, SOURCE_DOWN, SOURCE_PRODUCER_FOR, SOURCE_CONSUMER_FOR, SOURCE_PIPELINE_NAME,
  SOURCE_RUN, SOURCE_FINISH, SOURCE_NOTIFICATION_FD, SOURCE_LOCK_FD, SOURCE_TIMEOUT_KILL,
  SOURCE_TIMEOUT_FINISH, SOURCE_MAX_DEATH_TALLY, SOURCE_DOWN_SIGNAL, SOURCE_RELOAD_SIGNAL,
  SOURCE_FLAG_TIMEOUT_KILLPG, SOURCE_FLAG_NEWPIDNS, SOURCE_DATA, SOURCE_ENV,
  SOURCE_RESTART, SOURCE_MAX_RESTARTS, SOURCE_BACKOFF, SOURCE_CRITICAL, SOURCE_STOP, SOURCE_CHECK,
  SOURCE_FILES
} ;

/* The names; from SOURCE_RUN on, what goes into a longrun's service directory (`down` does
   not: PROTOCOL.md §6). Of /etc/services.d all goes there. */
extern char const *const source_files[SOURCE_FILES] ;
#define SOURCE_FIRST_OF_SERVICEDIR SOURCE_RUN

enum source_origin
{
  SOURCE_BUILTIN,       /* no directory; its graph_file() is "(built in)" */
  SOURCE_PIPELINE,      /* the bundle of a pipeline-name; graph_file() is that file */
  SOURCE_S6RC,
  SOURCE_BUNDLEDIR,
  SOURCE_PACKAGE,
  SOURCE_SERVICES_D
} ;

/* What is known of the node of the same index, beside what the graph knows. graph_file() is
   its directory, absolute below the root that was read. */
struct source_service
{
  uint64_t files ;          /* bit SOURCE_… : it is there */
  uint32_t timeout_up ;     /* ms, 0: none */
  uint32_t timeout_down ;
  uint32_t consumer ;       /* the node whose stdin gets this one's stdout, or GRAPH_NONE */
  uint32_t argument ;       /* of an instance: offset in graph.strings, else 0 */
  uint8_t type ;            /* graph_kind, but for built-in steps what v3 calls them */
  uint8_t origin ;          /* enum source_origin */
  uint8_t essential ;       /* its own flag, or that of a bundle it is in */
  uint8_t recommended ;
} ;

struct source
{
  struct graph graph ;
  genalloc services ;       /* struct source_service */
} ;

enum source_flags
{
  SOURCE_WAIT_READY = 1,        /* S6_CMD_WAIT_FOR_SERVICES: /etc/services.d must be ready */
  SOURCE_USER_AFTER_BASE = 2
} ;

struct source_options
{
  int rootfd ;                  /* every path is looked up below this directory */
  char const *profile ;         /* S6_RUNTIME_PROFILE; null or empty: none */
  char const *bundledir ;       /* S6_RUNTIME_BUNDLEDIR; null or empty: the default */
  char const *const *extra ;    /* instances to have besides, 0-terminated; may be null */
  unsigned int flags ;
} ;

/* Reads all there is. Adds to f what is wrong: with f->errors > 0 the graph can be used but
   has broken nodes. The struct need not be initialized, and must not be moved until
   source_free, which is also due after a failure. 0; or -1 with errno: ENOMEM, or what
   stat and open said of rootfd. */
extern int source_read (struct source *s, struct source_options const *o, struct faults *f) ;
extern void source_free (struct source *s) ;

/* The record of a node, valid until source_free. */
extern struct source_service const *source_service (struct source const *s, uint32_t node) ;

extern int source_has (struct source const *s, uint32_t node, enum source_file) ;

/* The argument of an instance (NAME@ARG: "ARG"), or a null pointer. */
extern char const *source_argument (struct source const *s, uint32_t node) ;

/* A descriptor of the node's definition directory, close-on-exec; or -1 with errno (ENOENT
   for a built-in one). */
extern int source_open (struct source const *s, int rootfd, uint32_t node) ;

/* NAME@, and more than the @. */
extern int source_is_template (char const *name) ;

/* Is this `up` or `down`, open for reading, comments and blanks alone, so that nothing is to
   be run? Reads from its beginning to the first byte that counts, leaves the offset alone. 1 or
   0; or -1 with errno. */
extern int source_oneshot_is_empty (int fd) ;

#endif
