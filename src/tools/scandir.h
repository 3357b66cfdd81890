/* ISC license. */

#ifndef KEELSON_SCANDIR_H
#define KEELSON_SCANDIR_H

/*
   Where the running scan directory is (DESIGN "Scan directory"). In order: what the
   -d option says, $S6_RUNDIR/service, the one that PID 1's arguments name, the places known
   for the uid of PID 1 and for ours. The first counts whose lock is held and whose owner is
   root, us or PID 1's uid: everybody can make a directory in /tmp.
*/

/* DOPT if it is given, else what is found; 0 if nothing is. The string stays ours and is
   valid until the next call. */
extern char const *scandir_find (char const *dopt) ;

/* The service directory that an argument means: itself, if it has a slash or is a directory
   here; else the service of that name in the scan directory. If there is none it warns and
   returns the argument, so that the caller's own error and exit code follow. The string is
   the caller's (never freed). */
extern char const *scandir_service (char const *) ;

/* The same for each of N arguments: a table that ends with 0. Dies without memory. */
extern char const *const *scandir_services (char const *const *, unsigned int) ;

#endif
