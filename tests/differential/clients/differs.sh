# What doc/compat.md says of s6's clients and ours: each case shows its words, on Debian's
# supervisor. The comment before it says what the last line is with either, and the words.
# shellcheck shell=sh

# without_a_slash: A name without a slash
#   s6: -> 111, with a message
#   ours: -> 0
sc_without_a_slash() {
  mkdir -p rundir/service
  service rundir/service/a
  record rundir/service/a 9 8
  svscan rundir/service
  events 9 2
  line 8
  export S6_RUNDIR="$PWD/rundir"
  c s6-svc -h a
}

# letters: s6-svc -l, -P, -C, -K and -s
#   s6: -> 100, with a message
#   ours: -> 0
sc_letters() {
  one
  c s6-svc -s USR1 a
}

# pgid: s6-svstat -g and -o pgid
#   s6: -> 100, with a message
#   ours: -> 0
sc_pgid() {
  one
  c s6-svstat -o pgid a
}

# failing_restart: A restart that fails
#   s6: -> 99, with a message
#   ours: -> 1, with a message
sc_failing_restart() {
  one QUIT=1
  script a/finish 'exit 125'
  case $CLIENTS in
    s6) ct s6-svc -wr -T T -q a ;;
    ours) c s6-svc -wr -T 100000 -q a ;;
  esac
}

# restart_of_several: Several services and a restart
#   s6: -> 99, with a message
#   ours: -> 0
sc_restart_of_several() {
  for s in a b; do service $s; done
  record a 9 8
  record b 7 6
  supervise a
  supervise b
  events 9 2
  events 7 2
  each='for s in a b; do s6-svc -wD -d $s; s6-svc -wu -u $s; done'
  case $CLIENTS in
    s6) ct s6-svlisten -t T -r a b '' sh -c "$each" ;;
    ours) c s6-svlisten -t 100000 -r a b '' sh -c "$each" ;;
  esac
}

# wait_for_what_failed: s6-svc -w
#   s6: -> 99, with a message
#   ours: -> 111, with a message
sc_wait_for_what_failed() {
  service a
  : > a/down
  record a 9 8
  supervise a
  events 9 1
  mv a/supervise/control away
  ct s6-svc -wu -T T -u a
}

# supervisor_that_ends: The end of a supervisor
#   s6: -> 1, with a message
#   ours: -> 0
sc_supervisor_that_ends() {
  service a
  service b
  : > a/down
  record a 9 8
  record b 7 6
  supervise a
  supervise b
  events 9 1
  events 7 2
  line 6
  c "$HELPER" during a/event:b/event s6-svwait -t 100000 -d a b -- sh -c "s6-svc -x a; $HELPER free a/supervise/lock; s6-svc -d b"
}

# stale_fifos: s6-cleanfifodir
#   s6: 1
#   ours: 0
sc_stale_fifos() {
  s6-mkfifodir d
  mkfifo d/ftrig1:@400000000000000000000000:nobody
  s6-cleanfifodir d
  find d -type p | wc -l
}

# slow_check: s6-notifyoncheck -t
#   s6: says: let run
#   ours: says: killed
sc_slow_check() {
  service a
  mkdir a/data
  mkfifo a/data/asked a/data/asking a/data/go
  echo 3 > a/notification-fd
  # shellcheck disable=SC2016 # for the script
  script a/run 'echo $$ > pid' 'exec 4> data/asking' \
    "exec s6-notifyoncheck -n 1 -t 200 sh -c 'exec $HELPER probe out 4>&-'"
  script a/data/check 'exec 4>&-' 'trap "echo killed > data/asked; exit" TERM' 'echo asked > data/asked' \
    'read -r x < data/go' 'echo let run > data/asked'
  record a 9 8
  exec 7<> a/data/asked
  supervise a
  cat a/data/asking > /dev/null &
  line 7
  wait $!
  exec 6<> a/data/go
  echo >&6
  line 7
}

# matches_nothing: s6-ftrig-wait with an expression that matches nothing at all
#   s6: \0 \n
#   ours: a \n
sc_matches_nothing() {
  s6-mkfifodir d
  s6-ftrig-listen1 -t 100000 d 'x*' s6-ftrig-notify d a | od -An -c | sed 's/^ *//;s/  */ /g'
}

# logger_down: s6-svlink -d
#   s6: a/log/down
#   ours: gone
sc_logger_down() {
  mkdir scan
  service scan/first
  record scan/first 9 8
  svscan scan
  events 9 2
  service a
  mkdir a/log
  script a/log/run 'exec cat'
  : > a/down
  : > a/log/down
  c s6-svlink -d -t 100000 scan a
  ls a/log/down 2> /dev/null || echo gone
}

# prefix: s6-instance-maker -P
#   s6: inst/log/run:/usr/bin/s6-log -bd3 -- t n5 s1000000 ptwo words "/log"
#   ours: inst/log/run:s6-log -bd3 -- t n5 s1000000 "ptwo words" "/log"
sc_prefix() {
  mkdir template
  script template/run 'exec true'
  c s6-instance-maker -L /log -n 5 -P 'two words' template inst
  grep -r 'two words' inst
}

# torn: s6-svdt and a torn record
#   s6: -> 0
#   ours: -> 111, with a message
sc_torn() {
  one
  printf x > a/supervise/death_tally
  c s6-svdt a
}
