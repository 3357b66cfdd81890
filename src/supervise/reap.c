/* ISC license. */

/* Children and what their end means. Every status goes through the ledger's inbox. */

#include <errno.h>
#include <sys/wait.h>

#include "supervise.h"

/* The raw status that wait() would have given. */
static int32_t status_of (siginfo_t const *info)
{
  if (info->si_code == CLD_EXITED) return (info->si_status & 255) << 8 ;
  return (info->si_status & 127) | (info->si_code == CLD_DUMPED ? 128 : 0) ;
}

static void ended (pid_t pid, int32_t wstat)
{
  if (service_reaped(pid, wstat)) return ;
  if (service_host.child) (*service_host.child)(pid, wstat) ;
  /* else an orphan: nobody's but ours */
}

static int reap_one (idtype_t type, id_t id)
{
  struct inbox *in = inbox_take(INBOX_REAP, NO_SLOT) ;
  int r = waitid(type, id, &in->info, WEXITED | WNOHANG) ;
  if (r < 0 || !in->info.si_pid)
  {
    inbox_done() ;
    return 0 ;
  }
  ended(in->info.si_pid, status_of(&in->info)) ;
  inbox_done() ;
  return 1 ;
}

/* The run of a service whose `stop` script is at work keeps its pid until that has ended. It
   may stand before others in the kernel's list: then each known child is asked for by its pid,
   and strangers wait until the script is done. */
static void reap_around (void)
{
  siginfo_t info ;
  for (uint32_t i = 0 ; i < ledger->slots ; i++)
  {
    struct slot const *s = slot_at(i) ;
    if (!s->used) continue ;
    if (s->stop_pid > 0) reap_one(P_PID, (id_t)s->stop_pid) ;
    if (s->used && s->finish_pid > 0) reap_one(P_PID, (id_t)s->finish_pid) ;
    if (s->used && s->run_pid > 0 && !service_holds(s->run_pid)) reap_one(P_PID, (id_t)s->run_pid) ;
  }
  if (ledger->script_pid > 0) reap_one(P_PID, (id_t)ledger->script_pid) ;
  if (ledger->cmd_pid > 0) reap_one(P_PID, (id_t)ledger->cmd_pid) ;
  for (;;)
  {
    info.si_pid = 0 ;
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || !info.si_pid || service_holds(info.si_pid)) return ;
    if (!reap_one(P_PID, (id_t)info.si_pid)) return ;
  }
}

void reap_all (void)
{
  if (service_holding()) reap_around() ;
  if (!service_holding()) while (reap_one(P_ALL, 0)) ;
}

void reap_resume (void)
{
  struct inbox *in = &ledger->inbox ;
  if (in->kind != INBOX_REAP) return ;
  if (in->info.si_pid) ended(in->info.si_pid, status_of(&in->info)) ;
  inbox_done() ;
}
