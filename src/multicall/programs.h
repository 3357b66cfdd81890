/* ISC license. No include guard: it is read once for each meaning of PROGRAM. */

#include "../init/programs.def"
#include "../svscan/programs.def"
#include "../supervise/programs.def"
#include "../finish/programs.def"
#ifndef KEELSON_CORE_ONLY
#include "../tools/programs.def"
#include "../chain/programs.def"
#include "../portable/programs.def"
#include "../log/programs.def"
#endif
