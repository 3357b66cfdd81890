/* ISC license. */

/*
   What the letters of a service's event directory say of an order that was given to it. Pure.

     GOAL_DOWN   GOING_DOWN until the service is at rest
     GOAL_DEATH  GOING_DOWN --d--> DONE
     GOAL_AGAIN  GOING_DOWN --D--> COMING_UP, then as GOAL_UP
     GOAL_UP     COMING_UP --u--> UP --U, or it lives--> DONE
                                  UP --d--> DYING --D--> FAILED

   O before a D says that the service is given up; x that nothing more will come. The service may
   have died by itself just before it got the order: so the letters of a death are no proof that
   the order was obeyed, and job_look() compares with the state.
*/

#include "svctl.h"

/* ---- orders */

int item_is_at_rest (struct item const *it)
{
  return !item_is_live(it) && (!it->wanted || it->state == FATAL) ;
}

static int is_starting (struct item const *it)
{
  return it->state == UP && it->notifies && !it->ready ;
}

char const *job_plan_start (struct job *j)
{
  struct item const *it = j->item ;
  int leaving = it->stopping || it->state == LAST_UP ;
  j->goal = item_is_up(it) && leaving ? GOAL_AGAIN : GOAL_UP ;
  j->before = it->pid ;
  j->phase = !item_is_up(it) ? JOB_COMING_UP : leaving ? JOB_GOING_DOWN : is_starting(it) ? JOB_UP : JOB_DONE ;
  j->idle = j->phase == JOB_DONE ;
  return j->idle && it->wanted ? "" : "u" ;
}

char const *job_plan_stop (struct job *j)
{
  j->goal = GOAL_DOWN ;
  j->idle = item_is_at_rest(j->item) ;
  j->phase = j->idle ? JOB_DONE : JOB_GOING_DOWN ;
  return j->idle ? "" : "d" ;
}

/* Both letters in one write: nothing that befalls us in between leaves the service down. */
char const *job_plan_restart (struct job *j)
{
  j->goal = GOAL_AGAIN ;
  j->before = j->item->pid ;
  j->phase = item_is_up(j->item) ? JOB_GOING_DOWN : JOB_COMING_UP ;
  return item_is_up(j->item) ? "du" : "u" ;
}

/* ---- letters */

int job_is_open (struct job const *j)
{
  return j->phase != JOB_DONE && j->phase != JOB_FAILED ;
}

static enum job_phase going_down (struct job const *j, char c)
{
  if (c == 'd' && j->goal == GOAL_DEATH) return JOB_DONE ;
  if (c != 'D' || j->goal != GOAL_AGAIN) return JOB_GOING_DOWN ;
  return j->given_up ? JOB_FAILED : JOB_COMING_UP ;
}

static enum job_phase coming_up (struct job const *j, char c)
{
  if (c == 'u') return JOB_UP ;
  if (c == 'U') return JOB_DONE ;
  return c == 'D' && j->given_up ? JOB_FAILED : JOB_COMING_UP ;
}

static enum job_phase is_up (struct job const *j, char c)
{
  (void)j ;
  return c == 'U' ? JOB_DONE : c == 'd' ? JOB_DYING : c == 'D' ? JOB_FAILED : JOB_UP ;
}

static enum job_phase is_dying (struct job const *j, char c)
{
  (void)j ;
  return c == 'D' || c == 'u' ? JOB_FAILED : JOB_DYING ;
}

static enum job_phase is_over (struct job const *j, char c)
{
  (void)c ;
  return j->phase ;
}

void job_letter (struct job *j, char c, int64_t now)
{
  static enum job_phase (*const next[]) (struct job const *, char) =
  {
    [JOB_GOING_DOWN] = &going_down, [JOB_COMING_UP] = &coming_up, [JOB_UP] = &is_up, [JOB_DYING] = &is_dying,
    [JOB_DONE] = &is_over, [JOB_FAILED] = &is_over
  } ;
  if (c == 'O') j->given_up = 1 ;
  if (c == 'u') j->up_since = now ;
  if (c == 'x' && job_is_open(j))
  {
    j->gone = 1 ;
    j->phase = j->goal == GOAL_DOWN || j->goal == GOAL_DEATH ? JOB_DONE : JOB_FAILED ;
  }
  else j->phase = (*next[j->phase])(j, c) ;
}

/* ---- the state */

static int is_said_to_be_up (struct job const *j)
{
  return j->phase == JOB_UP || j->phase == JOB_DONE ;
}

/* Up as the very process that was to go, or on its way down once more: what was heard was an
   earlier death, and the order's is still to come. */
static int is_to_go (struct job const *j)
{
  struct item const *it = j->item ;
  if (j->goal != GOAL_AGAIN || !is_said_to_be_up(j) || !item_is_up(it)) return 0 ;
  return it->stopping || (j->before && it->pid == j->before) ;
}

/* What the letters said is no longer so: those that tell of it are on their way. */
static enum job_phase newer_phase (struct job const *j)
{
  struct item const *it = j->item ;
  if (j->goal == GOAL_DOWN || j->goal == GOAL_DEATH || j->phase != JOB_DONE) return j->phase ;
  if (!item_is_up(it)) return JOB_DYING ;
  return it->notifies && !it->ready ? JOB_UP : JOB_DONE ;
}

void job_look (struct job *j)
{
  if (j->gone) return ;
  if (j->phase == JOB_GOING_DOWN && j->goal == GOAL_DOWN && item_is_at_rest(j->item)) j->phase = JOB_DONE ;
  else if (j->phase == JOB_COMING_UP && j->item->state == FATAL && j->goal == GOAL_AGAIN) j->phase = JOB_FAILED ;
  else if (is_to_go(j)) j->phase = JOB_GOING_DOWN ;
  else j->phase = newer_phase(j) ;
}
