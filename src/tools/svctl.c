/* ISC license. */

/* svctl: the table of commands, their options, their help. See svctl.h. */

#include <string.h>

#include <skalibs/sgetopt.h>
#include <skalibs/stralloc.h>
#include <skalibs/strerr.h>
#include <skalibs/tai.h>
#include <skalibs/types.h>

#include "listen.h"
#include "svctl.h"
#include "tools.h"

/* How long a service that does not say when it is ready must live to count as started. */
#define SETTLE 100
#define LOG_LINES 50

enum { ANY = 64 * 1024 } ;

struct command
{
  char const *name ;
  svctl_command *run ;
  char const *options ;       /* besides -d; n: is a count, n alone is --no-wait */
  char const *arguments ;
  unsigned int min, max ;     /* names */
  int lost ;                  /* exit code where no scanner is */
  char const *what ;
  char const *more ;
} ;

#define NO_WAIT "  -n, --no-wait    do not wait for the result\n"
#define TIMEOUT "  -t MS            wait at most MS milliseconds, then exit 99\n"
#define SETTLES "  -s MS            a service without notification-fd has started when it has lived MS (100)\n"
#define ORDERS "Exit code: 0 all done, 1 not all, 99 time is over, 102 nobody supervises it.\n"

static struct command const commands[] =
{
  { "status", &svctl_status, "j", "[ -j ] [ NAME... ]", 0, ANY, EXIT_USAGE,
    "what runs, since when, and how it ended last",
    "  -j, --json       for programs\nWith NAMEs it exits 1 unless all are up.\n" },
  { "start", &svctl_start, "nt:s:", "[ -n ] [ -t MS ] [ -s MS ] NAME...", 1, ANY, EXIT_USAGE,
    "start services and wait until they are ready", NO_WAIT TIMEOUT SETTLES ORDERS },
  { "stop", &svctl_stop, "nt:", "[ -n ] [ -t MS ] NAME...", 1, ANY, EXIT_USAGE,
    "stop services and wait until they and their finish scripts have ended", NO_WAIT TIMEOUT ORDERS },
  { "restart", &svctl_restart, "nt:s:", "[ -n ] [ -t MS ] [ -s MS ] NAME...", 1, ANY, EXIT_USAGE,
    "stop services, start them, and wait until they are ready", NO_WAIT TIMEOUT SETTLES ORDERS },
  { "reload", &svctl_reload, "", "NAME...", 1, ANY, EXIT_USAGE,
    "send services their reload-signal (HUP unless that file says otherwise)", "" },
  { "kill", &svctl_kill, "nt:", "[ -SIG ] [ -n ] [ -t MS ] NAME...", 1, ANY, EXIT_USAGE,
    "send a signal (TERM unless -SIG says otherwise)", "  -SIG             a name or number: -HUP, -SIGHUP, -1\n" NO_WAIT TIMEOUT "Only the result of KILL is waited for.\n" },
  { "tree", &svctl_tree, "rg", "[ -r ] [ --dot ] [ NAME ]", 0, 1, EXIT_USAGE,
    "what depends on what, and how far it is",
    "  -r, --reverse    what needs NAME instead of what NAME needs\n  --dot            in Graphviz' language\n" },
  { "log", &svctl_log, "n:", "[ -n LINES ] [ NAME... ]", 0, ANY, EXIT_USAGE,
    "the last changes of state with their causes", "  -n LINES         the last LINES of them (50); 0 for all of the 1000 that are kept\n" },
  { "events", &svctl_log, "n:", "[ -n LINES ] [ NAME... ]", 0, ANY, EXIT_USAGE, "the same as log", "" },
  { "ready", &svctl_ready, "wt:", "[ -w ] [ -t MS ]", 0, 0, EXIT_DOMAIN,
    "exit 0 when the boot is over and all that says when it is ready is",
    "  -w, --wait       wait for it\n" TIMEOUT "Exit code: 0 ready, 1 not, and then a line for each service that is not.\n" },
  { "health", &svctl_health, "", "", 0, 0, EXIT_DOMAIN,
    "exit 0 unless a service is given up, does not stay up, or fails its own check",
    "A service that is up and has a `check` is asked by it: in its directory, all at once, each for at most\n"
    "check-timeout ms (1000), again check-retries times (1) after check-interval ms (0).\nExit code: 0, or 1 and a line for each bad service.\n" },
  { "info", &svctl_info, "", "", 0, 0, EXIT_USAGE, "the scanner itself", "" },
  { "rescan", &svctl_rescan, "nt:", "[ -n ] [ -t MS ]", 0, 0, EXIT_USAGE,
    "take up new service directories, let go of those that are no more", NO_WAIT TIMEOUT },
  { "reexec", &svctl_reexec, "nt:", "[ -n ] [ -t MS ]", 0, 0, EXIT_USAGE,
    "have the scanner execute its binary again, to upgrade it in place", NO_WAIT TIMEOUT "Services go on undisturbed. svctl info names the binary.\n" },
  { "halt", &svctl_halt, "", "[ CODE ]", 0, 1, EXIT_USAGE,
    "stop the container, with exit code CODE", "Without CODE the exit code stays what it is: 0, or what a script has written.\n" },
  { "link", &svctl_link, "", "[ DIR... ]", 0, ANY, EXIT_USAGE,
    "make the missing links to this binary's programs in DIR (/usr/bin)", "No file is ever replaced.\n" }
} ;

#define COMMANDS (sizeof commands / sizeof commands[0])

/* ---- help */

static void put_padded (stralloc *sa, char const *s, size_t width)
{
  text_s(sa, s) ;
  if (strlen(s) < width) text_spaces(sa, width - strlen(s)) ;
}

static int help (void)
{
  stralloc page = STRALLOC_ZERO ;
  text_s(&page, "usage: svctl [ -d SCANDIR ] COMMAND [ OPTIONS ] [ NAME... ]\n\n") ;
  for (size_t i = 0 ; i < COMMANDS ; i++)
  {
    put_padded(&page, "", 2) ;
    put_padded(&page, commands[i].name, 9) ;
    text_s(&page, commands[i].what) ;
    text_s(&page, "\n") ;
  }
  text_s(&page, "\nsvctl COMMAND --help says more. The scan directory is found by itself unless -d names it.\n") ;
  text_flush(&page) ;
  return EXIT_OK ;
}

static void put_usage (stralloc *sa, struct command const *k)
{
  text_s(sa, "svctl ") ;
  text_s(sa, k->name) ;
  if (k->arguments[0]) text_s(sa, " ") ;
  text_s(sa, k->arguments) ;
}

static int help_command (struct command const *k)
{
  stralloc page = STRALLOC_ZERO ;
  text_s(&page, "usage: ") ;
  put_usage(&page, k) ;
  text_s(&page, "\n") ;
  text_s(&page, k->what) ;
  text_s(&page, "\n") ;
  text_s(&page, k->more) ;
  text_flush(&page) ;
  return EXIT_OK ;
}

static void die_usage (struct command const *k, char const *what, char const *which)
{
  stralloc usage = STRALLOC_ZERO ;
  put_usage(&usage, k) ;
  stralloc_0(&usage) ;
  strerr_dief(EXIT_USAGE, what, which, "; usage: ", usage.s) ;
}

/* ---- options */

static struct { char const *name ; char letter ; } const long_options[] =
{
  { "--no-wait", 'n' }, { "--json", 'j' }, { "--wait", 'w' }, { "--timeout", 't' }, { "--settle", 's' }, { "--lines", 'n' },
  { "--reverse", 'r' }, { "--dot", 'g' }
} ;

/* The short form of a long option that the command has; else what it was. */
static char const *short_option (struct command const *k, char const *arg)
{
  static char text[sizeof long_options / sizeof long_options[0]][3] ;
  for (size_t i = 0 ; i < sizeof long_options / sizeof long_options[0] ; i++)
    if (!strcmp(arg, long_options[i].name) && strchr(k->options, long_options[i].letter))
    {
      text[i][0] = '-' ;
      text[i][1] = long_options[i].letter ;
      return text[i] ;
    }
  return arg ;
}

static unsigned int number (struct command const *k, char const *s)
{
  unsigned int n ;
  if (!uint0_scan(s, &n)) die_usage(k, "not a number: ", s) ;
  return n ;
}

static void take_option (struct command const *k, struct call *c, int option, char const *arg)
{
  switch (option)
  {
    case 'd' : c->scandir = arg ; break ;
    case 'j' : c->json = 1 ; break ;
    case 'w' : c->wait = 1 ; break ;
    case 'r' : c->reverse = 1 ; break ;
    case 'g' : c->dot = 1 ; break ;
    case 't' : c->timeout = number(k, arg) ; break ;
    case 's' : c->settle = number(k, arg) ; break ;
    default :
      if (strstr(k->options, "n:")) c->count = number(k, arg) ;
      else c->nowait = 1 ;
  }
}

/* Options may stand before, between and behind the names, which are returned. ARGV[0] is the command. */
static char const **take_arguments (struct command const *k, struct call *c, int argc, char const **argv)
{
  char letters[16] = "d:" ;
  char const **names = svctl_alloc((unsigned int)argc * sizeof *names) ;
  subgetopt l = SUBGETOPT_ZERO ;
  strcat(letters, k->options) ;
  for (int i = 1 ; i < argc ; i++) argv[i] = short_option(k, argv[i]) ;
  l.err = 0 ;
  for (;;)
  {
    int option = subgetopt_r(argc, argv, letters, &l) ;
    if (option == '?') die_usage(k, "unknown or incomplete option ", argv[l.ind < argc ? l.ind : argc - 1]) ;
    if (option != -1) take_option(k, c, option, l.arg) ;
    else if (l.ind >= argc) break ;
    else names[c->n++] = argv[l.ind++] ;
  }
  if (c->n < k->min) die_usage(k, "no name was given", "") ;
  if (c->n > k->max) die_usage(k, "too many arguments: ", names[k->max]) ;
  c->names = names ;
  return names ;
}

/* kill's -SIG comes first, because -n, -t and -d are no signals. */
static int takes_signal (struct command const *k, struct call *c, int argc, char const **argv)
{
  c->sig = signal_number("TERM") ;
  if (k->run != &svctl_kill || argc < 2 || argv[1][0] != '-' || !signal_number(argv[1] + 1)) return 0 ;
  c->sig = signal_number(argv[1] + 1) ;
  argv[1] = argv[0] ;
  return 1 ;
}

/* ---- */

void deadline_at (tain *t, int64_t mono)
{
  tain d = TAIN_INFINITE_RELATIVE ;
  int64_t ns = mono == NEVER ? 0 : mono - mono_now() ;
  if (ns < 0) ns = 0 ;
  if (mono != NEVER)
  {
    d.sec.x = (uint64_t)(ns / 1000000000) ;
    d.nano = (uint32_t)(ns % 1000000000) ;
  }
  tain_now_set_stopwatch_g() ;
  tain_add_g(t, &d) ;
}

static struct command const *find_command (char const *name)
{
  for (size_t i = 0 ; i < COMMANDS ; i++) if (!strcmp(name, commands[i].name)) return commands + i ;
  strerr_dief(EXIT_USAGE, "there is no command ", name, ": svctl --help lists them") ;
}

static int is_help (char const *s)
{
  return !strcmp(s, "--help") || !strcmp(s, "-h") || !strcmp(s, "help") ;
}

/* -d DIR in front of the command. */
static int take_scandir (struct call *c, int argc, char const *const *argv)
{
  subgetopt l = SUBGETOPT_ZERO ;
  int option ;
  while ((option = subgetopt_r(argc, argv, "d:", &l)) != -1)
    if (option == 'd') c->scandir = l.arg ;
    else tool_dieusage("[ -d SCANDIR ] COMMAND [ OPTIONS ] [ NAME... ]; svctl --help lists the commands") ;
  return l.ind ;
}

int svctl_main (int argc, char const *const *argv)
{
  struct call c = { .settle = SETTLE, .count = LOG_LINES } ;
  struct command const *k ;
  char const **args, **names ;
  int n, shift ;
  if (argc < 2 || is_help(argv[1])) return help() ;
  n = take_scandir(&c, argc, argv) ;
  argc -= n ; argv += n ;
  if (!argc || is_help(argv[0])) return help() ;
  k = find_command(argv[0]) ;
  for (int i = 1 ; i < argc ; i++) if (!strcmp(argv[i], "--help")) return help_command(k) ;
  args = svctl_alloc(((unsigned int)argc + 1) * sizeof *args) ;
  memcpy(args, argv, (unsigned int)argc * sizeof *args) ;
  shift = takes_signal(k, &c, argc, args) ;
  names = take_arguments(k, &c, argc - shift, args + shift) ;
  if (k->run != &svctl_link) view_open(&c.view, c.scandir, k->lost) ;
  view_first_names(&c.view, names, c.n) ;
  return (*k->run)(&c) ;
}
