/* ISC license. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <skalibs/djbunix.h>
#include <skalibs/exec.h>
#include <skalibs/sig.h>
#include <skalibs/stralloc.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "bench.h"

#define KIND(k) (1u << (k))
#define ALL_KINDS (KIND(KIND_STATIC) | KIND(KIND_SH) | KIND(KIND_WITHCONTENV) | KIND(KIND_EXECLINEB))
#define USR_KINDS (KIND(KIND_STATIC) | KIND(KIND_SH) | KIND(KIND_EXECLINEB))
#define OWN_KINDS (KIND(KIND_STATIC) | KIND(KIND_SH))
#define BUSYBOX "/bin/busybox"

char const *const kind_names[KINDS] = { "static", "sh", "with-contenv", "execlineb" } ;

/* What `run` is in each kind; a static one is a link to the service itself. */
static char const *const run_text[KINDS] =
{
  [KIND_SH] = "#!/bin/sh\nexec /bench/service\n",
  [KIND_WITHCONTENV] = "#!/usr/bin/with-contenv sh\nexec /bench/service\n",
  [KIND_EXECLINEB] = "#!/usr/bin/execlineb -P\n/bench/service\n",
} ;

/*
   The order is the order of a round. In `init`, @services and @scripts stand
   for the load, and @room for a table size of at least s6-svscan's default.
   An init that runs one child and supervises nothing (tini and its like) gets
   the shell script that its users write for that: scripts, services in the
   background, wait.
*/
struct contender contenders[CONTENDERS_MAX] =
{
  {
    .name = "floor", .init = "/bench/floor @services @scripts", .layout = "/etc/services.d",
    .kinds = OWN_KINDS, .stop_signal = SIGTERM, .boots = 1, .supervises = 1,
    .remark = "clones, executes and waits: what the kernel charges",
  },
  {
    .name = "keelson", .init = "/init", .layout = "/etc/services.d",
    .status = "svctl status", .kinds = ALL_KINDS, .stop_signal = SIGTERM, .boots = 1, .supervises = 1,
    .remark = "the overlay tarball over an empty root; static",
  },
  {
    .name = "s6", .package = "s6", .init = "/usr/bin/s6-svscan -c @room /run/service", .layout = "/run/service",
    .status = "for d in /run/service/* ; do s6-svstat $d ; done",
    .kinds = USR_KINDS, .stop_signal = SIGTERM, .usr = 1, .supervises = 1,
    .remark = "bare s6-svscan; dynamic",
  },
  {
    .name = "runit", .package = "runit", .init = "/usr/bin/runsvdir /etc/service", .layout = "/etc/service",
    .status = "sv status /etc/service/*",
    .kinds = USR_KINDS, .stop_signal = SIGHUP, .usr = 1, .supervises = 1, .max_services = 1000,
    .remark = "runsvdir; dynamic; stops at HUP without waiting for its services: the kernel kills them",
  },
  {
    .name = "daemontools", .package = "daemontools", .init = "/usr/bin/svscan /service", .layout = "/service",
    .status = "svstat /service/*",
    .kinds = USR_KINDS, .usr = 1, .supervises = 1, .slow = 1, .max_services = 1000,
    .remark = "svscan; dynamic; no signal stops it as PID 1",
  },
  {
    .name = "supervisor", .package = "supervisor", .init = "/usr/bin/supervisord -n -c /etc/supervisord.conf", .layout = "supervisor",
    .status = "supervisorctl -c /etc/supervisord.conf status",
    .kinds = USR_KINDS, .stop_signal = SIGTERM, .usr = 1, .supervises = 1, .slow = 1,
    .remark = "supervisord; Python",
  },
  {
    .name = "tini", .package = "tini", .init = "/bench/bin/tini-static -g -- /bin/sh /bench/start", .layout = "/etc/services.d",
    .programs = "/usr/bin/tini-static", .kinds = OWN_KINDS, .stop_signal = SIGTERM, .boots = 1,
    .remark = "static; a shell script starts the services; supervises nothing",
  },
  {
    .name = "dumb-init", .package = "dumb-init", .init = "/usr/bin/dumb-init /bin/sh /bench/start", .layout = "/etc/services.d",
    .kinds = OWN_KINDS, .stop_signal = SIGTERM, .usr = 1, .boots = 1,
    .remark = "dynamic; a shell script starts the services; supervises nothing",
  },
  {
    .name = "catatonit", .package = "catatonit", .init = "/bench/bin/catatonit -g -- /bin/sh /bench/start", .layout = "/etc/services.d",
    .programs = "/usr/bin/catatonit", .kinds = OWN_KINDS, .stop_signal = SIGTERM, .boots = 1,
    .remark = "static; a shell script starts the services; supervises nothing",
  },
} ;
unsigned int contender_count = 9 ;

/* ---------------------------------------------------------------- who takes part */

static int listed (char const *name, char const *list)
{
  size_t len = strlen(name) ;
  for (char const *p = list ; (p = strstr(p, name)) ; p += len)
    if ((p == list || p[-1] == ',') && (!p[len] || p[len] == ',')) return 1 ;
  return 0 ;
}

/* The program that must exist on the host, or 0 if all comes from elsewhere. */
static char const *host_program (struct contender const *c)
{
  static char path[128] ;
  size_t len = strcspn(c->init, " ") ;
  if (c->programs) return c->programs ;
  if (!c->usr || len >= sizeof path) return 0 ;
  memcpy(path, c->init, len) ;
  path[len] = 0 ;
  return path ;
}

static char const *absent (struct contender const *c)
{
  char const *program = host_program(c) ;
  if (program && access(program, X_OK) < 0) return "its Debian package is not installed: bench/install-peers installs all" ;
  if (!program && !c->rootfs && !strcmp(c->init, "/init")) return "its root file system is not built: make overlay" ;
  return 0 ;
}

void contenders_choose (char const *only)
{
  unsigned int kept = 0 ;
  for (unsigned int i = 0 ; i < contender_count ; i++)
  {
    char const *why = absent(contenders + i) ;
    if (only && !listed(contenders[i].name, only)) continue ;
    if (why) strerr_warnw4x("SKIPPED ", contenders[i].name, ": ", why) ;
    else contenders[kept++] = contenders[i] ;
  }
  contender_count = kept ;
}

/* Roots are copied from inside another mount namespace, from another directory. */
static char const *absolute (char const *rootfs)
{
  char const *path = realpath(rootfs, 0) ;
  if (!path) strerr_diefu2sys(100, "find the root file system ", rootfs) ;
  return path ;
}

void contenders_set_rootfs (char const *path)
{
  char const *rootfs = path ? absolute(path) : 0 ;
  for (unsigned int i = 0 ; i < contender_count ; i++)
    if (!strcmp(contenders[i].name, "keelson")) contenders[i].rootfs = rootfs ;
    else if (!strcmp(contenders[i].name, "floor") && rootfs)
    { /* the floor of a service that needs an interpreter has the very same interpreter */
      contenders[i].rootfs = rootfs ;
      contenders[i].kinds = ALL_KINDS ;
    }
}

static char *cut (char *s)
{
  char *colon = s ? strchr(s, ':') : 0 ;
  if (!colon) return 0 ;
  *colon = 0 ;
  return colon + 1 ;
}

void contender_add (char *spec)
{
  struct contender *c = contenders + contender_count ;
  char *rootfs = strchr(spec, '=') ;
  char *init, *layout, *sig ;
  if (contender_count == CONTENDERS_MAX) strerr_dief1x(100, "too many contenders") ;
  if (!rootfs) strerr_dief3x(100, "not NAME=ROOTFS:INIT[:LAYOUT[:SIGNAL]]: ", spec, "") ;
  *rootfs++ = 0 ;
  init = cut(rootfs) ;
  layout = cut(init) ;
  sig = cut(layout) ;
  if (!init || *init != '/' || !*spec) strerr_dief3x(100, "INIT of ", spec, " must be a path in its root file system, beginning with /") ;
  *c = (struct contender){ .name = spec, .init = init, .layout = layout ? layout : "/etc/services.d", .rootfs = absolute(rootfs),
    .kinds = OWN_KINDS, .stop_signal = SIGTERM, .boots = !layout, .supervises = 1, .remark = rootfs } ;
  if (sig && !sig0_scan(sig, &c->stop_signal)) strerr_dief4x(100, "unknown signal for ", spec, ": ", sig) ;
  contender_count++ ;
}

char const *contender_refuses (struct contender const *c, struct load const *load)
{
  if (c->max_services && load->services > c->max_services) return "its table of services is smaller" ;
  if (!(c->kinds & KIND(load->kind))) return "its root has no such interpreter" ;
  return 0 ;
}

/* ---------------------------------------------------------------- files */

static void make_dir (char const *path)
{
  char buf[256] ;
  size_t len = strlen(path) ;
  if (len >= sizeof buf) strerr_dief2x(100, "path too long: ", path) ;
  memcpy(buf, path, len + 1) ;
  for (size_t i = 1 ; i <= len ; i++)
    if (path[i] == '/' || !path[i])
    {
      buf[i] = 0 ;
      if (mkdir(buf, 0755) < 0 && errno != EEXIST) strerr_diefu2sys(111, "make directory ", path) ;
      buf[i] = path[i] ;
    }
}

static void make_file (char const *path, char const *text, mode_t mode)
{
  if (!openwritenclose_unsafe(path, text, strlen(text)) || chmod(path, mode) < 0) strerr_diefu2sys(111, "write ", path) ;
}

static void make_link (char const *target, char const *path)
{
  if (symlink(target, path) < 0 && errno != EEXIST) strerr_diefu2sys(111, "link ", path) ;
}

static void copy_program (char const *from, char const *to)
{
  if (!filecopy_unsafe(from, to, 0755)) strerr_diefu4sys(111, "copy ", from, " to ", to) ;
}

static void bind_usr (void)
{
  make_dir("usr") ;
  if (mount("/usr", "usr", 0, MS_BIND, 0) < 0 || mount(0, "usr", 0, MS_BIND | MS_REMOUNT | MS_RDONLY, 0) < 0)
    strerr_diefu1sys(111, "mount the host's /usr") ;
  make_link("usr/lib", "lib") ;
  make_link("usr/lib64", "lib64") ;
  make_link("usr/sbin", "sbin") ;
}

static void copy_programs (char const *list)
{
  stralloc sa = STRALLOC_ZERO ;
  make_dir("bench/bin") ;
  for (char const *p = list ; *p ; p += strspn(p, " "))
  {
    size_t len = strcspn(p, " ") ;
    char const *slash ;
    char to[128] ;
    sa.len = 0 ;
    if (!stralloc_catb(&sa, p, len) || !stralloc_0(&sa)) strerr_diefu1sys(111, "allocate") ;
    slash = strrchr(sa.s, '/') ;
    snprintf(to, sizeof to, "bench/bin/%s", slash ? slash + 1 : sa.s) ;
    copy_program(sa.s, to) ;
    p += len ;
  }
  stralloc_free(&sa) ;
}

static void lay_devices (void)
{
  static struct { char const *name ; unsigned int major, minor ; } const nodes[] =
    { { "dev/null", 1, 3 }, { "dev/zero", 1, 5 }, { "dev/full", 1, 7 }, { "dev/random", 1, 8 }, { "dev/urandom", 1, 9 }, { "dev/tty", 5, 0 } } ;
  for (unsigned int i = 0 ; i < sizeof nodes / sizeof *nodes ; i++)
    if (mknod(nodes[i].name, S_IFCHR | 0666, makedev(nodes[i].major, nodes[i].minor)) < 0 && errno != EEXIST)
      strerr_diefu2sys(111, "make device ", nodes[i].name) ;
  make_link("/proc/self/fd", "dev/fd") ;
  make_link("/proc/self/fd/0", "dev/stdin") ;
  make_link("/proc/self/fd/1", "dev/stdout") ;
  make_link("/proc/self/fd/2", "dev/stderr") ;
}

/* ---------------------------------------------------------------- layouts */

static void lay_scripts (unsigned int n)
{
  char path[64] ;
  for (unsigned int i = 0 ; i < n ; i++)
  {
    snprintf(path, sizeof path, "etc/cont-init.d/%03u", i) ;
    make_file(path, "#!/bin/sh\nexit 0\n", 0755) ;
  }
}

static void lay_run (char const *path, enum kind kind)
{
  if (run_text[kind]) make_file(path, run_text[kind], 0755) ;
  else if (link("bench/service", path) < 0) strerr_diefu2sys(111, "link ", path) ;
}

/* As in an image, which was not made this very second: runsvdir sleeps 1 s if it was. */
static void make_old (char const *dir)
{
  static struct timespec const times[2] = { { .tv_sec = 1600000000 }, { .tv_sec = 1600000000 } } ;
  if (utimensat(AT_FDCWD, dir, times, 0) < 0) strerr_diefu2sys(111, "set the time of ", dir) ;
}

static void lay_scandir (char const *dir, struct load const *load)
{
  make_dir(dir) ;
  for (unsigned int i = 0 ; i < load->services ; i++)
  {
    char path[256] ;
    size_t len = (size_t)snprintf(path, sizeof path - 8, "%s/s%04u", dir, i) ;
    if (len >= sizeof path - 8 || mkdir(path, 0755) < 0) strerr_diefu2sys(111, "make directory ", path) ;
    memcpy(path + len, "/run", 5) ;
    lay_run(path, load->kind) ;
  }
  make_old(dir) ;
}

static void lay_supervisor (struct load const *load)
{
  FILE *f = fopen("etc/supervisord.conf", "we") ;
  if (!f) strerr_diefu1sys(111, "write supervisord.conf") ;
  fprintf(f, "[supervisord]\nnodaemon=true\nuser=root\nlogfile=/dev/null\nlogfile_maxbytes=0\npidfile=/run/supervisord.pid\nminfds=%u\n"
    "[unix_http_server]\nfile=/run/supervisor.sock\n[supervisorctl]\nserverurl=unix:///run/supervisor.sock\n"
    "[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n",
    load->services < 150 ? 1024 : 6 * load->services + 100) ; /* its default where that is enough: each child closes so many */
  for (unsigned int i = 0 ; i < load->services ; i++)
    fprintf(f, "[program:s%04u]\ncommand=/etc/services.d/s%04u/run\nautorestart=true\nstdout_logfile=NONE\nstderr_logfile=NONE\n", i, i) ;
  if (fclose(f)) strerr_diefu1sys(111, "write supervisord.conf") ;
  lay_scandir("etc/services.d", load) ;
}

/* "@PROGRAM": the root file system brings a program that lays out the load itself. */
static void lay_by_program (char const *program, struct load const *load)
{
  char services[UINT_FMT], scripts[UINT_FMT] ;
  char const *argv[4] = { program, services, scripts, 0 } ;
  int status ;
  pid_t pid = fork() ;
  if (pid < 0) strerr_diefu1sys(111, "fork") ;
  services[uint_fmt(services, load->services)] = 0 ;
  scripts[uint_fmt(scripts, load->scripts)] = 0 ;
  if (!pid)
  {
    if (chroot(".") == 0 && chdir("/") == 0) exec(argv) ;
    strerr_dieexec(127, program) ;
  }
  if (waitpid(pid, &status, 0) < 0 || status) strerr_dief2x(111, program, " failed to lay out the services") ;
}

static void lay_services (char const *layout, struct load const *load)
{
  if (!strcmp(layout, "supervisor")) lay_supervisor(load) ;
  else if (*layout == '@') lay_by_program(layout + 1, load) ;
  else lay_scandir(layout + strspn(layout, "/"), load) ;
}

/* For those that do not run cont-init.d, and for those that run one child. */
static void lay_boot_scripts (void)
{
  make_file("bench/boot", "for script in /etc/cont-init.d/* ; do $script ; done\nexec \"$@\"\n", 0755) ;
  make_file("bench/start", "for script in /etc/cont-init.d/* ; do [ ! -x $script ] || $script ; done\n"
    "for run in /etc/services.d/*/run ; do $run & done\nwait\n", 0755) ;
}

/* The place of the harness's own programs: beside itself. */
static void copy_own (void)
{
  char dir[256] ;
  char path[300] ;
  ssize_t len = readlink("/proc/self/exe", dir, sizeof dir - 1) ;
  if (len < 0) strerr_diefu1sys(111, "read /proc/self/exe") ;
  dir[len] = 0 ;
  *strrchr(dir, '/') = 0 ;
  snprintf(path, sizeof path, "%s/service", dir) ;
  copy_program(path, "bench/service") ;
  snprintf(path, sizeof path, "%s/floor", dir) ;
  copy_program(path, "bench/floor") ;
}

void contender_lay (struct contender const *c, struct load const *load)
{
  static char const *const dirs[] = { "bin", "bench", "dev/shm", "etc/cont-init.d", "proc", "root", "run", "tmp", "var" } ;
  if (c->rootfs && !hiercopy(c->rootfs, ".")) strerr_diefu2sys(111, "copy ", c->rootfs) ;
  for (unsigned int i = 0 ; i < sizeof dirs / sizeof *dirs ; i++) make_dir(dirs[i]) ;
  if (c->usr) bind_usr() ;
  if (c->programs) copy_programs(c->programs) ;
  if (access("bin/sh", F_OK) < 0)
  {
    copy_program(BUSYBOX, "bin/busybox") ;
    make_link("busybox", "bin/sh") ;
  }
  if (access("etc/passwd", F_OK) < 0) make_file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n", 0644) ;
  if (load->kind == KIND_WITHCONTENV) make_dir("run/s6/container_environment") ;
  lay_devices() ;
  copy_own() ;
  if (mkfifo("bench/fifo", 0622) < 0) strerr_diefu1sys(111, "make the fifo") ;
  lay_boot_scripts() ;
  lay_scripts(load->scripts) ;
  lay_services(c->layout, load) ;
}

/* ---------------------------------------------------------------- exec */

#define WORDS_MAX 32

static char const *word_value (char const *word, struct load const *load, char *buf)
{
  unsigned int n ;
  if (!strcmp(word, "@services")) n = load->services ;
  else if (!strcmp(word, "@scripts")) n = load->scripts ;
  else if (!strcmp(word, "@room")) n = load->services > 500 ? load->services : 500 ;
  else return word ;
  buf[uint_fmt(buf, n)] = 0 ;
  return buf ;
}

void contender_exec (struct contender const *c, struct load const *load)
{
  static char const *const envp[] = { "PATH=/command:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 0 } ;
  char const *argv[WORDS_MAX] ;
  char numbers[WORDS_MAX][UINT_FMT] ;
  unsigned int n = 0 ;
  char *words = strdup(c->init) ;
  if (load->scripts && !c->boots)
  {
    argv[n++] = "/bin/sh" ;
    argv[n++] = "/bench/boot" ;
  }
  for (char *w = strtok(words, " ") ; w && n < WORDS_MAX - 1 ; w = strtok(0, " "), n++)
    argv[n] = word_value(w, load, numbers[n]) ;
  argv[n] = 0 ;
  execve(argv[0], (char *const *)argv, (char *const *)envp) ;
}
