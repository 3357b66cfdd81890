/* ISC license. */

/*
   A run leads a session and a process group of its own, whose number is its pid. What is in them
   when it has ended was left behind. As long as anything is, the kernel gives that number to
   no other process; if there is a process of that number, it is a new one, and so is its group.
*/

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <skalibs/allreadwrite.h>
#include <skalibs/direntry.h>
#include <skalibs/djbunix.h>
#include <skalibs/types.h>

#include "svctl.h"

static int is_there (pid_t pid)
{
  return kill(pid, 0) == 0 || errno == EPERM ;
}

static int has_left (struct item const *it)
{
  return it->died && !item_is_oneshot(it) && it->former > 1 && is_there(-it->former) && !is_there(it->former) ;
}

/* "PID (NAME) STATE PPID PGRP SESSION …"; a name may hold anything. 1, or 0. */
static int parse (char const *s, char *name, size_t size, pid_t *group, pid_t *session)
{
  char const *open = strchr(s, '('), *close = strrchr(s, ')') ;
  pid_t parent ;
  size_t n ;
  if (!open || !close || close < open || strlen(close) < 4) return 0 ;
  n = (size_t)(close - open) - 1 ;
  if (n >= size) n = size - 1 ;
  memcpy(name, open + 1, n) ;
  name[n] = 0 ;
  s = close + 4 ;
  s += pid_scan(s, &parent) + 1 ;
  s += pid_scan(s, group) + 1 ;
  return !!pid_scan(s, session) ;
}

static int read_process (char const *name, struct remnant *r, pid_t *group, pid_t *session)
{
  char path[64] = "/proc/", text[512] ;
  ssize_t n ;
  if (!pid0_scan(name, &r->pid)) return 0 ;
  strcat(path, name) ;
  strcat(path, "/stat") ;
  n = openreadnclose_nb(path, text, sizeof text - 1) ;
  if (n <= 0) return 0 ;
  text[n] = 0 ;
  return parse(text, r->name, sizeof r->name, group, session) ;
}

static void file_under (struct view *v, struct remnant const *r, pid_t group, pid_t session)
{
  for (size_t i = 0 ; i < v->n ; i++)
  {
    struct item *it = v->items + i ;
    struct remnant *copy ;
    if ((it->former != group && it->former != session) || !has_left(it)) continue ;
    copy = svctl_alloc(sizeof *copy) ;
    *copy = *r ;
    copy->next = it->left ;
    it->left = copy ;
    return ;
  }
}

static void read_processes (struct view *v)
{
  DIR *dir = opendir("/proc") ;
  direntry *d ;
  if (!dir) return ;
  while ((d = readdir(dir)))
  {
    struct remnant r ;
    pid_t group, session ;
    if (read_process(d->d_name, &r, &group, &session)) file_under(v, &r, group, session) ;
  }
  dir_close(dir) ;
}

void view_remnants (struct view *v)
{
  if (!v->h) return ;
  for (size_t i = 0 ; i < v->n ; i++)
    if (has_left(v->items + i))
    {
      read_processes(v) ;
      return ;
    }
}
