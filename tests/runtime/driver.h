/* ISC license. */

#ifndef KEELSON_TESTS_RUNTIME_DRIVER_H
#define KEELSON_TESTS_RUNTIME_DRIVER_H

/*
   A driver is a program that makes the matrix speak to one runtime: `bare` (namespaces and
   nothing else, bare.c) or a script of tests/runtime/drivers.

     DRIVER run NAME INIT ARG…   runs a container called NAME in the foreground: its output is the
                                 container's, its exit code what the runtime reports
     DRIVER exec NAME WORD…      runs a command in it as the container's user, waits, has its code
     DRIVER stop NAME            the runtime's own stop command; need not wait, and does not kill
                                 within the time that a cell may take
     DRIVER clean NAME           removes what a failed run may have left

   Every container has all capabilities dropped and no-new-privileges. The environment says what
   else it is to be:

     CELL_DIR        a directory of the cell: io/ is bound to /cell, run/ to /run unless
                     CELL_RUN is missing; the driver may keep files of its own there
     CELL_ROOT       its root file system
     CELL_UID CELL_GID
     CELL_READ_ONLY  1: the root is mounted read-only
     CELL_RUN        tmpfs, foreign, noexec, missing, open, wanted: what run/ is
     CELL_INIT       1: the runtime's own init (tini) is PID 1 and starts INIT
     CELL_JOIN       shares the PID namespace of the container of this name, if not empty
     CELL_WORD       a variable that the container is to have
     CELL_ENV        more of them, NAME=VALUE, between spaces

   CELL_REFUSE, which bare alone knows, names a system call that the kernel is to lack (bare.c).
   CELL_SIGNAL and CELL_TERMINAL (true, false) are for tests/runtime/images.
   DRIVER_HOME, a short path, is a directory for all cells: a daemon's socket, storage.
*/

#endif
