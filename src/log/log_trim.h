/* ISC license. */

#ifndef KEELSON_LOG_TRIM_H
#define KEELSON_LOG_TRIM_H

#include "log.h"

/* Removes the oldest archived files of a directory as its rules demand. What cannot be
   removed is reported and left: it will be among the oldest next time too. */
extern void log_trim (struct log_dir *) ;

#endif
