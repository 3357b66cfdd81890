/* ISC license. */

/*
   The kernel refuses: the n-th clone, pipe2, open, write, rename … of PID 1 fails once, for each n
   and each plausible reason, over the whole scenario. From the moment that svscan runs nothing of
   this may end PID 1, and what is refused once is done when it is tried again: the record is the
   one of a run without faults.

   And once more with SPELL such calls in a row refused: told once, and made good when that is over.

     FAULT_ONLY="HOW CALL N ERRNO TIMES"   one run, with all that it said
*/

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "fault.h"

#define STEP_CHECK 29
#define SPELL 6
#define MARGIN 10
#define JOBS_MAX 65536

/* Which calls, and why the kernel may refuse them. */
static struct refusal { long nr ; int errs[4] ; } const refusals[] =
{
  { SYS_clone, { EAGAIN, ENOMEM } },
  { SYS_pipe2, { EMFILE, ENFILE } },
  { SYS_openat, { EMFILE, ENFILE, ENOSPC, EROFS } },
#ifdef SYS_open
  { SYS_open, { EMFILE, ENFILE, ENOSPC, EROFS } },
  { SYS_pipe, { EMFILE, ENFILE } },                 /* what musl makes of pipe2() without flags */
  { SYS_mkdir, { ENOSPC, EROFS } },
  { SYS_mknod, { ENOSPC, EROFS } },
  { SYS_rename, { ENOSPC, EROFS } },
#endif
  { SYS_write, { ENOSPC, EIO } },
  { SYS_writev, { ENOSPC } },
  { SYS_pwrite64, { ENOSPC } },
  { SYS_renameat, { ENOSPC, EROFS } },
  { SYS_mkdirat, { ENOSPC, EROFS } },
  { SYS_mknodat, { ENOSPC, EROFS } },
  { SYS_epoll_ctl, { ENOMEM, ENOSPC } },
  { SYS_epoll_create1, { EMFILE, ENOMEM } },
  { SYS_signalfd4, { EMFILE, ENOMEM } },
  { SYS_memfd_create, { EMFILE, ENOSYS } },
  { SYS_fcntl, { EMFILE, ENOLCK } },
  { SYS_socket, { EMFILE, ENFILE } },
  { SYS_splice, { EAGAIN, EPIPE } },
  { SYS_fallocate, { ENOSPC } },
} ;
#define REFUSALS (sizeof refusals / sizeof refusals[0])

static struct outcome reference ;
static struct plan *jobs ;
static unsigned int njobs, step, offset ;

static void tell (struct plan const *p, struct outcome const *o, char const *why)
{
  printf("FAULT_ONLY=\"%s %ld %u %d %u\" (%s: %s): %s\n---- output\n%s---- record\n%s---- log\n%s----\n",
    p->how, p->nr, p->n, p->err, p->times, call_name(p->nr), strerror(p->err), why, o->output, o->record, o->log) ;
}

/* Before svscan and its first check there is nobody to go on: a container that cannot be made ends at once, saying why. */
static int may_end (struct outcome const *o)
{
  if (!WIFEXITED(o->status)) return 0 ;
  if (strstr(o->record, " up")) return 0 ;
  if (WEXITSTATUS(o->status) == 111) return strstr(o->output, "fatal") != 0 ;
  /* the check of the definitions comes before anything starts: the container does not boot half */
  return WEXITSTATUS(o->status) == 1 && strstr(o->output, "the service definitions have errors") ;
}

/* One message for a spell; it may be over, and another begin. */
static unsigned int times_told (struct outcome const *o)
{
  unsigned int n = 0 ;
  for (char const *p = o->output ; (p = strstr(p, "unable to make a process")) ; p++) n++ ;
  return n ;
}

static char const *judge (struct outcome const *o, char *buffer, size_t size)
{
  char const *why = differs(o, &reference, buffer, size) ;
  if (!why && times_told(o) > 2) why = "it was told again and again" ;
  if (!why || (!o->hung && may_end(o))) return 0 ;
  return why ;
}

static void job (world *w, unsigned int i, struct tally *t)
{
  struct plan const *p = jobs + offset + i * step ;
  char buffer[4096] ;
  struct outcome o ;
  char const *why ;
  if (offset + i * step >= njobs) return ;
  world_run(w, p, &o) ;
  why = judge(&o, buffer, sizeof buffer) ;
  if (why) tell(p, &o, why) ;
  t->cases += o.harmed || why ;
  t->failed += !!why ;
  t->harms += (unsigned int)o.harmed ;
  outcome_free(&o) ;
}

/* A process or a descriptor that cannot be had for a while. */
static void plan_spells (struct plan *p, unsigned int seen)
{
#ifdef SYS_pipe
  if (p->nr != SYS_clone && p->nr != SYS_pipe && p->nr != SYS_pipe2) return ;
#else
  if (p->nr != SYS_clone && p->nr != SYS_pipe2) return ;
#endif
  p->times = SPELL ;
  p->err = p->nr == SYS_clone ? EAGAIN : EMFILE ;
  for (p->n = 1 ; p->n <= seen && njobs < JOBS_MAX ; p->n++) jobs[njobs++] = *p ;
}

/* How often each call is made decides how many jobs there are. */
static void plan_jobs (world *w)
{
  jobs = malloc(JOBS_MAX * sizeof *jobs) ;
  for (size_t k = 0 ; jobs && k < REFUSALS ; k++)
  {
    struct plan p = { .harm = HARM_REFUSE, .n = 1u << 30, .nr = refusals[k].nr, .how = "cmd" } ;
    struct outcome o ;
    world_run(w, &p, &o) ;
    printf("%s: %u calls\n", call_name(p.nr), o.seen) ;
    for (p.n = 1 ; o.seen && p.n <= o.seen + MARGIN ; p.n++)
      for (unsigned int e = 0 ; e < 4 && refusals[k].errs[e] && njobs < JOBS_MAX ; e++)
      {
        p.err = refusals[k].errs[e] ;
        jobs[njobs++] = p ;
      }
    plan_spells(&p, o.seen) ;
    outcome_free(&o) ;
  }
}

static int only (world *w, char const *text)
{
  char how[16], buffer[4096] ;
  struct plan p = { .harm = HARM_REFUSE, .how = how } ;
  struct outcome o ;
  char const *why ;
  if (sscanf(text, "%15s %ld %u %d %u", how, &p.nr, &p.n, &p.err, &p.times) < 4) return 100 ;
  world_run(w, &p, &o) ;
  why = judge(&o, buffer, sizeof buffer) ;
  tell(&p, &o, why ? why : "as it should be") ;
  return !!why ;
}

int main (void)
{
  struct plan const plain = { .harm = HARM_NONE, .how = "cmd" } ;
  char const *just = getenv("FAULT_ONLY") ;
  world *w = world_new() ;
  int r ;
  world_run(w, &plain, &reference) ;
  if (just) r = only(w, just) ;
  else plan_jobs(w) ;
  world_free(w) ;
  if (just) return r ;
  step = sampling(STEP_CHECK, &offset) ;
  return run_all("refusals", njobs / step, &job) ;
}
