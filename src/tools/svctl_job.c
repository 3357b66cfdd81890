/* ISC license. */

/*
   What the letters of a service's event directory say of an order that was given to it. Pure.

     GOAL_DOWN   GOING_DOWN --D--> DONE
     GOAL_DEATH  GOING_DOWN --d--> DONE
     GOAL_AGAIN  GOING_DOWN --D--> COMING_UP, then as GOAL_UP
     GOAL_UP     COMING_UP --u--> UP --U, or it lives--> DONE
                                  UP --d--> DYING --D--> FAILED

   O before a D says that the service is given up; x that nothing more will come. Letters of
   what happened before the order (the end of an old finish, say) mean nothing to COMING_UP.
*/

#include "svctl.h"

int job_is_open (struct job const *j)
{
  return j->phase != JOB_DONE && j->phase != JOB_FAILED ;
}

static enum job_phase going_down (struct job const *j, char c)
{
  if (c == 'd' && j->goal == GOAL_DEATH) return JOB_DONE ;
  if (c != 'D') return JOB_GOING_DOWN ;
  if (j->goal == GOAL_AGAIN) return j->given_up ? JOB_FAILED : JOB_COMING_UP ;
  return JOB_DONE ;
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
