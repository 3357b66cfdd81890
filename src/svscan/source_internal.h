/* ISC license. */

#ifndef KEELSON_SOURCE_INTERNAL_H
#define KEELSON_SOURCE_INTERNAL_H

/*
   What the files of the source module share and nobody else uses:

     source.c        which trees there are, what merges with what, the built-in names
     source_define.c one definition directory becomes a node
     source_pipe.c   pipelines, once all names are known
     source_file.c   reading files and directories

   A function that returns int says 1, or 0 with errno for a failure that ends the reading
   (no memory). What an author did wrong is a fault and no failure.
*/

#include <dirent.h>
#include <stddef.h>
#include <stdint.h>

#include <skalibs/genalloc.h>
#include <skalibs/stralloc.h>

#include "source.h"

/* File names have at most 255 bytes. */
#define NAME_SIZE 256

/* A list in one file may be long; anything else is a setting. */
#define LIST_MAX 1048576
#define SETTING_MAX 4096

struct source_template
{
  uint32_t name ;       /* offsets in graph.strings; "NAME@" */
  uint32_t dir ;
  uint8_t origin ;
} ;

/* A line of producer-for or consumer-for. */
struct source_pipe
{
  uint32_t node ;       /* that has the file */
  uint32_t other ;      /* offset of the name in it */
  uint32_t where ;      /* offset of the file's path */
} ;

struct source_pipeline
{
  uint32_t bundle ;
  uint32_t last ;       /* its last consumer */
  uint32_t where ;
} ;

struct source_bundle_dep
{
  uint32_t bundle ;
  uint32_t name ;
  uint32_t where ;
} ;

struct reader
{
  struct source *s ;
  struct source_options const *o ;
  struct faults *f ;
  genalloc templates ;          /* struct source_template */
  genalloc producers ;          /* struct source_pipe: lines of producer-for */
  genalloc consumers ;          /* struct source_pipe: lines of consumer-for */
  genalloc pipelines ;          /* struct source_pipeline */
  genalloc bundle_deps ;        /* struct source_bundle_dep */
  genalloc seen ;               /* struct source_id: directories read already */
  stralloc text ;               /* content of a file */
  stralloc list ;               /* names, each with its null */
  uint32_t built_in ;           /* the string "(built in)" */
  uint8_t user_origins[2] ;     /* bit enum source_origin: `user`, `user2` has members there */
} ;

/* One directory as it is being read. */
struct definition
{
  char const *name ;            /* of the node */
  char const *path ;            /* without final slash */
  char const *argument ;        /* of an instance, or null */
  unsigned int wanted : 1 ;     /* an instance that the boot starts */
  int fd ;
  enum source_origin origin ;
  uint64_t files ;              /* bit SOURCE_… : it is there */
  uint64_t regular ;            /* and known to be a regular file */
  uint32_t node ;
} ;

#define HAS(d, file) ((d)->files >> (file) & 1)

/* ---- source_file.c */

/* Opens a directory; a leading / means dirfd. A null pointer with errno. */
extern DIR *source_opendir (int dirfd, char const *path) ;

/* Replaces `list` by the names in the directory but those that begin with a dot, sorted,
   each with its null. */
extern int source_entries (DIR *dir, stralloc *list) ;

/* Finds out which of source_files are in the directory; `regular` gets those that the
   directory itself says to be regular files, which saves a stat. */
extern int source_scan (DIR *dir, uint64_t *files, uint64_t *regular) ;

/* Replaces sa by the content, with a null at its end, of a regular file of at most max
   bytes. Never waits for a fifo or device. 1; or 0 with errno: EINVAL no regular file,
   EFBIG too large. */
extern int source_slurp (int dirfd, char const *name, stralloc *sa, size_t max) ;

/* PATH/NAME, as a fault of that weight: "PATH/NAME: TEXT". */
extern int source_fault (struct reader *r, enum fault_weight, struct definition const *d, char const *name, char const *text) ;

/* The same, with "unable to read: " and the text of errno. */
extern int source_unreadable (struct reader *r, struct definition const *d, char const *name) ;

/* ---- source_define.c */

/* Makes a node of the directory, unless the name is taken; reports what is wrong with it. */
extern int source_define (struct reader *r, struct definition *d) ;

/* Adds the directory's contents and dependencies to a built-in node. */
extern int source_add_to_builtin (struct reader *r, struct definition *d) ;

/* Adds a record for the node that the graph got last. */
extern int source_add_record (struct reader *r, uint8_t type, enum source_origin origin, uint64_t files) ;

/* Is the name fit for a service? Reports if not. `path` is where it was found. */
extern int source_name_ok (struct reader *r, struct definition const *d) ;

/* ---- source_pipe.c */

/* Checks and joins pipelines: consumers in the records, members in the bundles. */
extern int source_join_pipelines (struct reader *r) ;

#endif
