/* ISC license. supervise/status and supervise/death_tally as somebody else may have left them. */

#include <string.h>
#include <sys/stat.h>

#include "status.h"
#include "tally.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput (uint8_t const *data, size_t size)
{
  struct svstatus st, again ;
  struct death deaths[16] ;
  char packed[SVSTATUS_SIZE] ;
  ssize_t n ;
  memset(&st, 0, sizeof st) ;
  if (size > 4096) return 0 ;
  if (svstatus_unpack((char const *)data, size, &st))
  {
    must(st.pid >= 0) ;
    svstatus_pack(packed, &st) ;
    must(svstatus_unpack(packed, sizeof packed, &again)) ;
    must(again.pid == st.pid && again.pgid == st.pgid && again.wstat == st.wstat && again.ready == st.ready && again.paused == st.paused) ;
  }
  fuzz_directory() ;
  mkdir("service", 0755) ;
  mkdir("service/supervise", 0755) ;
  fuzz_file("service/supervise/status", data, size) ;
  fuzz_file("service/supervise/death_tally", data, size) ;
  must(svstatus_read("service", &again) == (size == SVSTATUS_SIZE || size == SVSTATUS_SIZE_SHORT ? svstatus_unpack((char const *)data, size, &st) : 0)) ;
  n = tally_read("service", deaths, 16) ;
  must(n >= -1 && n <= 16) ;
  return 0 ;
}
