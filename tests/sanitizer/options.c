/* ISC license. */

/*
   Linked into the keelson that boxes run under AddressSanitizer and UndefinedBehaviorSanitizer.
   Its options are here and not in ASAN_OPTIONS: a container's environment is the test's own, and
   with-contenv empties it.

   - The fault signals stay PID 1's own, its stack for them too.
   - What is found goes to /sanitizer of the box (REPORTS, outside of one), where the harness looks for
     it: the output of a service or a tool may go anywhere.
   - Nobody is asked for leaks at his end: PID 1 ends by _exit, and a tool leaves to the kernel what
     its main() holds. Leaks are looked for where they count: in PID 1 by tests/fault/test_soak, in
     all functions by the unit tests and the fuzz targets.
*/

#ifndef REPORTS
#define REPORTS "/sanitizer"
#endif

char const *__asan_default_options (void) ;
char const *__asan_default_options (void)
{
  return "handle_segv=0:handle_sigbus=0:handle_abort=0:handle_sigill=0:handle_sigfpe=0:use_sigaltstack=0:"
    "log_path=" REPORTS "/report:exitcode=113:symbolize=0:quarantine_size_mb=1:malloc_context_size=8:detect_leaks=0" ;
}

char const *__ubsan_default_options (void) ;
char const *__ubsan_default_options (void)
{
  return "print_stacktrace=1:log_path=" REPORTS "/report" ;
}
