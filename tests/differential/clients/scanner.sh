# States that only our scanner has, as Debian's clients see them, with what must be printed in
# the comment before.
# shellcheck shell=sh

brief() { # brief DIR
  c s6-svstat "$1"
  c s6-svstat -o up,wantedup,normallyup,ready,paused,pid,exitcode,signal,signum "$1"
  ct s6-svwait -t T -u "$1"
  ct s6-svwait -t T -D "$1"
}

# Throttled: it died soon and waits for its next start. A death that comes late, as on a slow
# machine, is not a quick one, and is followed by another start at once.
#
# throttled:
#   $ s6-svstat a
#   down (exitcode 3) N seconds, normally up, want up, ready N seconds
#   -> 0
#   $ s6-svstat -o up,wantedup,normallyup,ready,paused,pid,exitcode,signal,signum a
#   false true true false false -1 3 NA -1
#   -> 0
#   $ s6-svwait -t T -u a
#   -> 99, with a message
#   $ s6-svwait -t T -D a
#   -> 0
sc_throttled() {
  service a
  script a/run 'exit 3'
  echo 1000000 1000000 > a/backoff
  record a 9
  supervise a
  events 9 1 > /dev/null
  while
    events 9 3 > /dev/null
    "$HELPER" settled a
    [ "$(s6-svstat -u a)" = true ]
  do :; done
  brief a
}

# Too many deaths: given up, until somebody says u.
#
# given_up:
#   events: su
#   says: up
#   $ s6-svc -q a
#   -> 0
#   says: QUIT
#   events: dOD
#   $ s6-svstat a
#   down (exitcode 3) N seconds, normally up, ready N seconds
#   -> 0
#   $ s6-svstat -o up,wantedup,normallyup,ready,paused,pid,exitcode,signal,signum a
#   false false true false false -1 3 NA -1
#   -> 0
#   $ s6-svwait -t T -u a
#   -> 99, with a message
#   $ s6-svwait -t T -D a
#   -> 0
#   $ s6-svc -wu -T 100000 -u a
#   -> 0
#   says: up
#   $ s6-svstat -u a
#   true
#   -> 0
sc_given_up() {
  service a QUIT=3
  echo 0 1000 > a/max-restarts
  quit_once 3
  brief a
  c s6-svc -wu -T 100000 -u a
  line 8
  c s6-svstat -u a
}

# Its stop script runs: it is still up, but to be down.
#
# stopping:
#   events: su
#   says: up
#   $ s6-svc -d a
#   -> 0
#   says: stop
#   $ s6-svstat a
#   up (pid PID) N seconds, want down
#   -> 0
#   $ s6-svstat -o up,wantedup,normallyup,ready,paused,pid,exitcode,signal,signum a
#   true false true false false PID -1 NA -1
#   -> 0
#   $ s6-svwait -t T -u a
#   -> 0
#   $ s6-svwait -t T -D a
#   -> 99, with a message
#   says: TERM
#   events: dD
#   $ s6-svstat a
#   down (signal SIGTERM) N seconds, normally up, ready N seconds
#   -> 0
#   $ s6-svstat -o up,wantedup,normallyup,ready,paused,pid,exitcode,signal,signum a
#   false false true false false -1 -1 SIGTERM 15
#   -> 0
#   $ s6-svwait -t T -u a
#   -> 99, with a message
#   $ s6-svwait -t T -D a
#   -> 0
sc_stopping() {
  one
  mkfifo a/go a/runs
  exec 7<> a/runs
  # shellcheck disable=SC2016 # for the script
  script a/stop 'echo "stop" > runs' 'read -r x < go'
  c s6-svc -d a
  line 7
  brief a
  echo > a/go
  line 8
  events 9 2
  brief a
}

# Not to be started again.
#
# not_again:
#   events: su
#   says: up
#   $ s6-svc -q a
#   -> 0
#   says: QUIT
#   events: dD
#   $ s6-svstat a
#   down (exitcode 3) N seconds, normally up, ready N seconds
#   -> 0
#   $ s6-svstat -o up,wantedup,normallyup,ready,paused,pid,exitcode,signal,signum a
#   false false true false false -1 3 NA -1
#   -> 0
#   $ s6-svwait -t T -u a
#   -> 99, with a message
#   $ s6-svwait -t T -D a
#   -> 0
sc_not_again() {
  service a QUIT=3
  echo never > a/restart
  quit_once
  brief a
}
