/* ISC license. */

#ifndef KEELSON_TESTS_FAULT_TRACE_H
#define KEELSON_TESTS_FAULT_TRACE_H

#include "fault.h"

/* Traces PID (our child, stopped by PTRACE_TRACEME at its first exec) to its end, does the harm of
   PLAN and fills status, hung, harmed, calls, seen, at. Kills it after GUARD seconds. OUTPUT: the
   pipe that the container writes to, or -1. */
extern void trace (pid_t pid, struct plan const *plan, unsigned int guard, int output, struct outcome *o) ;

/* A filter that traps one system call, for KIND_SYS: in the child, before it is traced. */
extern void trap_a_call (void) ;

#endif
