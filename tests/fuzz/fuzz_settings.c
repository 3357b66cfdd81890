/* ISC license. The files of a service directory: the first byte says which, the rest is in it. */

#include <signal.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>

#include "supervise.h"
#include "fuzz.h"

static char const *const names[] =
{
  "notification-fd", "timeout-kill", "timeout-finish", "lock-fd", "max-death-tally", "down-signal", "reload-signal", "restart",
  "max-restarts", "backoff", "critical", "flag-timeout-killpg"
} ;
#define NAMES (sizeof names / sizeof names[0])

int LLVMFuzzerTestOneInput (uint8_t const *data, size_t size)
{
  struct settings s ;
  char const *name ;
  char path[64] = "service/" ;
  if (!size || size > 8192) return 0 ;
  fuzz_directory() ;
  mkdir("service", 0755) ;
  name = names[data[0] % NAMES] ;
  strcat(path, name) ;
  fuzz_file(path, data + 1, size - 1) ;
  must(settings_read("service", "service", &s) == 0) ;
  must(s.timeout_kill <= INT32_MAX && s.timeout_finish <= INT32_MAX && s.max_death_tally <= TALLY_MAX) ;
  must(s.notification_fd == -1 || s.notification_fd > 2) ;
  must(s.lock_fd >= -1 && s.down_signal >= 1 && s.down_signal <= 64 && s.reload_signal >= 1 && s.reload_signal <= 64) ;
  must(s.restart <= RESTART_NEVER && (!s.backoff_min || s.backoff_min <= s.backoff_max)) ;
  unlink(path) ;
  return 0 ;
}
