# shellcheck shell=sh
# bundle.sh: `config WORD…` prints the runtime configuration (OCI runtime specification 1.0) of
# the cell that the environment describes (tests/runtime/driver.h). Whoever sources it has pid_of.

text() { # text WORD: as a JSON string
  printf '"%s"' "$(printf %s "$1" | sed 's/[\\"]/\\&/g')"
}

words() { # words WORD…: as members of a JSON array
  comma=
  for word; do
    printf %s "$comma"
    text "$word"
    comma=,
  done
}

bind() { # bind DIR DESTINATION ro|rw
  printf ',{"destination":"%s","type":"bind","source":"%s","options":["rbind","%s"]}' "$2" "$CELL_DIR/$1" "$3"
}

# To whom a /run is not writable: root must be kept out by the mount.
run_mode() {
  if [ "$CELL_RUN" = foreign ] && [ "$CELL_UID" = 0 ]; then echo ro; else echo rw; fi
}

namespaces() {
  printf '{"type":"mount"},{"type":"uts"},{"type":"ipc"},{"type":"network"},'
  if [ "$CELL_JOIN" ]; then
    pid=$(pid_of "$CELL_JOIN")
    printf '{"type":"pid","path":"/proc/%s/ns/pid"}' "$pid"
  else
    printf '{"type":"pid"}'
  fi
}

config() { # config NAME WORD…
  name=$1
  shift
  [ "$CELL_INIT" = 0 ] || set -- /fixtures/tini -- "$@"
  readonly=false
  [ "$CELL_READ_ONLY" = 0 ] || readonly=true
  printf '{"ociVersion":"1.0.2","hostname":"cell","root":{"path":"%s","readonly":%s},' "$CELL_ROOT" "$readonly"
  printf '"process":{"terminal":%s,"cwd":"/","noNewPrivileges":true,"capabilities":{},' "${CELL_TERMINAL:-false}"
  printf '"user":{"uid":%s,"gid":%s},' "$CELL_UID" "$CELL_GID"
  printf '"env":['
  # shellcheck disable=SC2086 # a list of words
  words "PATH=/command:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" "CELL_WORD=$CELL_WORD" $CELL_ENV
  printf '],"args":['
  words "$@"
  printf ']},"mounts":['
  printf '{"destination":"/proc","type":"proc","source":"proc"},'
  printf '{"destination":"/dev","type":"tmpfs","source":"tmpfs","options":["nosuid","mode=755"]},'
  printf '{"destination":"/dev/pts","type":"devpts","source":"devpts","options":["nosuid","noexec","newinstance","ptmxmode=0666","mode=0620"]},'
  printf '{"destination":"/dev/shm","type":"tmpfs","source":"shm","options":["nosuid","noexec","nodev","mode=1777"]}'
  bind io /cell rw
  [ "$CELL_RUN" = missing ] || bind run /run "$(run_mode)"
  printf '],"linux":{"cgroupsPath":"/%s","namespaces":[' "$name"
  namespaces
  printf ']}}\n'
}
