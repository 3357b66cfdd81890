/* ISC license. */

/* .s6-svscan/control: the letters of svscanctl (PROTOCOL.md §4), R for svctl reexec, and commands
   that begin with a colon. `z` asks for nothing: zombies are reaped as they come. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>

#include "rc.h"
#include "svscan.h"

static void ask_stop (void) { stop_request(CAUSE_CONTROL, 0, NO_SLOT, inbox_seq()) ; }
static void ask_quit (void)
{
  ledger->term_loggers = 1 ;
  ask_stop() ;
}

static void rescan_prune (void) { rc_rescan() ; scan_prune(0) ; }
static void prune (void) { scan_prune(0) ; }
static void prune_loggers (void) { scan_prune(1) ; }

/* Letters that came behind it in the same read are still to be applied after the exec. */
static void again (void)
{
  if (!ledger->self[0]) return ;
  ledger->inbox.pos++ ;
  fault_reexec(ledger->self) ;
  ledger->inbox.pos-- ;
  say_sys(SAY_ERROR, errno, "unable to execute ", ledger->self, " again, going on as we are") ;
}

static struct { char letter ; void (*act) (void) ; } const letters[] =
{
  { 'a', &rc_rescan }, { 'h', &rescan_prune }, { 'n', &prune }, { 'N', &prune_loggers },
  { 't', &ask_stop }, { 'i', &ask_stop }, { 'q', &ask_quit }, { 'b', &stop_now },
  { '0', &ask_stop }, { '6', &ask_stop }, { '7', &ask_stop }, { '8', &ask_stop }, { 'R', &again }
} ;

/* A command is `:`, u or d, a name, and a newline: start or stop that service and all that it
   pulls along. It may come in pieces, so what has come lies in the ledger. */
static void obey (void)
{
  char *c = ledger->command ;
  c[ledger->command_len] = 0 ;
  if (c[1] == 'u' || c[1] == 'd') rc_change(c + 2, c[1] == 'u') ;
  ledger->command_len = 0 ;
}

static void collect (char c)
{
  if (ledger->command_seq == inbox_seq()) return ;
  if (c == '\n') obey() ;
  else if (ledger->command_len < sizeof ledger->command - 1) ledger->command[ledger->command_len++] = c ;
  ledger->command_seq = inbox_seq() ;
}

static void apply (char c)
{
  if (c == ':' || ledger->command_len)
  {
    collect(c) ;
    return ;
  }
  for (size_t i = 0 ; i < sizeof letters / sizeof letters[0] ; i++)
    if (letters[i].letter == c)
    {
      (*letters[i].act)() ;
      return ;
    }
}

/* A letter is passed over after it was applied: doing one twice after a crash does no harm,
   forgetting one would. R passes over itself, or it would come again and again. */
static void apply_all (struct inbox *in)
{
  for (; (int64_t)in->pos < inbox_len(in) ; in->pos++) apply(in->buffer[in->pos]) ;
  inbox_done() ;
  control_tell() ;
}

void control_read (void)
{
  struct inbox *in = inbox_take(INBOX_SCAN_CONTROL, NO_SLOT) ;
  inbox_read(in, ledger->scan_control_fd, INBOX_BYTES) ;
  apply_all(in) ;
}

void control_resume (void)
{
  if (ledger->inbox.kind == INBOX_SCAN_CONTROL) apply_all(&ledger->inbox) ;
}

/* ---- .s6-svscan itself */

static int open_control (void)
{
  struct stat st ;
  int fd ;
  if (mkfifo(".s6-svscan/control", 0600) < 0 && errno != EEXIST) return -1 ;
  fd = open(".s6-svscan/control", O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY) ;
  if (fd < 0) return -1 ;
  if (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode)) return fd ;
  close(fd) ;
  errno = EINVAL ;
  return -1 ;
}

/* The lock file says who we are and where our ledger is: svctl reads it there. */
static ssize_t write_signature (int fd)
{
  char text[64] ;
  size_t n ;
  number_text(text, getpid()) ;
  n = strlen(text) ;
  text[n++] = ' ' ;
  number_text(text + n, ledger->self_fd) ;
  n = strlen(text) ;
  text[n++] = '\n' ;
  return pwrite(fd, text, n, 0) ;
}

static int untold = 0 ;

void control_tell (void)
{
  untold = 1 ;
}

int control_untold (void)
{
  return untold ;
}

/* The same bytes again: no reader ever sees another content. A disk that is full changes nothing. */
void control_tell_now (void)
{
  untold = 0 ;
  if (write_signature(ledger->scan_lock_fd) < 0) errno = 0 ;
}

static void sign_lock (int fd)
{
  if (ftruncate(fd, 0) < 0 || write_signature(fd) < 0) say_sys(SAY_WARNING, errno, "unable to write .s6-svscan/lock, svctl will know less") ;
}

int control_init (void)
{
  if (mkdir(".s6-svscan", 0700) < 0 && errno != EEXIST) return -1 ;
  /* a fault may have cut the first try short: what we hold already stays */
  if (ledger->scan_lock_fd < 0) ledger->scan_lock_fd = open(".s6-svscan/lock", O_RDWR | O_CREAT | O_NONBLOCK | O_NOFOLLOW, 0644) ;
  if (ledger->scan_lock_fd < 0) return -1 ;
  switch (ofd_lock(ledger->scan_lock_fd))
  {
    case 1 : break ;
    case 0 : errno = EBUSY ;
    /* fall through */
    default : return -1 ;
  }
  sign_lock(ledger->scan_lock_fd) ;
  if (ledger->scan_control_fd < 0) ledger->scan_control_fd = open_control() ;
  return ledger->scan_control_fd < 0 ? -1 : 0 ;
}
