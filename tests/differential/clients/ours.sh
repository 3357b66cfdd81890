# Cases for ours alone, with what must be printed in the comment before.
# shellcheck shell=sh

# A failure ends a wait for a restart; s6's tools wait on, until their time is over.
#
# restart_that_fails:
#   events: su
#   says: up
#   $ s6-svc -wr -T 100000 -q a
#   -> 1, with a message
#   $ s6-svc -wu -T 100000 -u a
#   -> 0
#   $ s6-svlisten1 -r -t 100000 a s6-svc -dx a
#   -> 1, with a message
sc_restart_that_fails() {
  one QUIT=1
  script a/finish 'exit 125'
  c s6-svc -wr -T 100000 -q a
  rm a/finish
  c s6-svc -wu -T 100000 -u a
  c s6-svlisten1 -r -t 100000 a s6-svc -dx a
}

# new_letters:
#   $ s6-svc -lPCK a
#   -> 0
#   lPCK
#   $ s6-svc -s usr1 a
#   -> 0
#   1
#   $ s6-svc -s 28 a
#   -> 0
#   y
#   $ s6-svc -s SIGIO a
#   -> 100, with a message
#   $ s6-svc -s nonsense a
#   -> 100, with a message
sc_new_letters() {
  mkdir -p a/supervise
  mkfifo a/supervise/control
  exec 9<> a/supervise/control
  c s6-svc -lPCK a
  dd bs=1 count=4 <&9 2> /dev/null
  echo
  for signal in usr1 28; do
    c s6-svc -s $signal a
    dd bs=1 count=1 <&9 2> /dev/null
    echo
  done
  c s6-svc -s SIGIO a
  c s6-svc -s nonsense a
}

# A name without a slash is looked up in the running scan directory: $S6_RUNDIR's …
#
# names_in_s6_rundir:
#   events: su
#   $ s6-svok a
#   -> 0
#   $ s6-svstat -uw a
#   true true
#   -> 0
#   $ s6-svc -wD -T 100000 -d a
#   -> 0
#   $ s6-svwait -D a
#   -> 0
#   $ s6-svok other
#   -> 1, with a message
#   $ s6-svc -u other
#   -> 111, with a message
#   $ s6-svscanctl -z
#   -> 0
#   $ s6-svok ./a
#   -> 1
#   $ s6-svok a
#   -> 1
#   $ s6-svok a
#   -> 1, with a message
#   $ s6-svscanctl -z
#   -> 100, with a message
sc_names_in_s6_rundir() {
  mkdir -p rundir/service
  service rundir/service/a
  record rundir/service/a 9 8
  svscan rundir/service
  events 9 2
  export S6_RUNDIR="$PWD/rundir"
  c s6-svok a
  c s6-svstat -uw a
  c s6-svc -wD -T 100000 -d a
  c s6-svwait -D a
  c s6-svok other
  c s6-svc -u other
  c s6-svscanctl -z
  c s6-svok ./a
  mkdir a
  c s6-svok a
  rmdir a
  export S6_RUNDIR="$PWD/nothing"
  c s6-svok a
  c s6-svscanctl -z
}

# … or the one that PID 1's arguments tell. The service asks for itself.
#
# names_of_pid_1:
#   s6-svok a: 0
#   s6-svwait -t 100000 a: 0
#   s6-svscanctl -z: 0
#   s6-svok b: 1
sc_names_of_pid_1() {
  mkdir -p scan/a
  mkfifo answers nothing
  exec 9<> answers
  script scan/a/run 'for command in "s6-svok a" "s6-svwait -t 100000 a" "s6-svscanctl -z" "s6-svok b"; do' \
    "\$command; echo \"\$command: \$?\" > $PWD/answers; done; exec cat $PWD/nothing"
  # shellcheck disable=SC2086 # a command in words
  quiet unshare --pid --fork --mount-proc --kill-child $SVSCAN -c 10 -- "$PWD/scan" &
  timeout 200 head -n 4 <&9
}
