/* ISC license. */

#include "log.h"

static int matches (struct log_selector const *sel, char const *line)
{
  return sel->any || !regexec(&sel->regexp, line, 0, 0, 0) ;
}

/* + looks at lines that are not selected, - at those that are: no other needs a match. */
static void apply (struct log_selector const *sel, char const *line, struct log_pass *pass)
{
  switch (sel->type)
  {
    case LOG_SELECT_ADD : if (!pass->selected) pass->selected = matches(sel, line) ; break ;
    case LOG_SELECT_DROP : if (pass->selected) pass->selected = !matches(sel, line) ; break ;
    case LOG_SELECT_FRESH : pass->selected = !pass->acted ; break ;
  }
}

int log_select (struct log_script const *script, struct log_action const *a, char const *line, struct log_pass *pass)
{
  for (size_t i = a->first ; i < a->end ; i++) apply(script->selectors + i, line, pass) ;
  if (pass->selected) pass->acted = 1 ;
  return pass->selected ;
}
