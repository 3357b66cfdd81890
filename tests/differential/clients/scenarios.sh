# The table: each function is a scenario, run in an empty directory. See lib.sh for its words.
# shellcheck shell=sh
# shellcheck disable=SC2154 # scanner, from lib.sh

# ---------------------------------------------------------------- states of a service

sc_up_and_down() {
  one
  c s6-svok a
  state a
  c s6-svc -d a
  events 9 2
  line 8
  state a
  c s6-svc -u a
  events 9 1
  line 8
  state a
  c s6-svc -dx a
  events 9 3
  gone a
  c s6-svok a
  c s6-svstat a
  c s6-svc -u a
  c s6-svwait -d a
}

sc_exit_codes() {
  one QUIT=3
  for option in o q; do c s6-svc -$option a; done
  events 9 2
  line 8
  state a
  c s6-svc -o a
  events 9 1
  line 8
  c s6-svc -k a
  events 9 2
  state a
}

sc_readiness() {
  service a USR1=ready
  echo 3 > a/notification-fd
  record a 9 8
  supervise a
  events 9 2
  line 8
  state a
  c s6-svc -1 a
  line 8
  events 9 1
  state a
  c s6-svc -r a
  line 8
  events 9 3
  line 8
  state a
}

sc_normally_down() {
  service a
  : > a/down
  record a 9 8
  supervise a
  events 9 1
  state a
  c s6-svc -u a
  events 9 1
  line 8
  state a
  c s6-svc -U a
  c s6-svc -d a
  events 9 2
  files a
  state a
  c s6-svc -u a
  events 9 1
  c s6-svc -D a
  events 9 2
  files a
}

sc_finishing() {
  one QUIT=7
  mkfifo a/go
  echo 0 > a/timeout-finish
  # shellcheck disable=SC2016 # for the script
  script a/finish 'echo "$1 $2 $3" > args' 'read -r x < go'
  c s6-svc -q a
  line 8
  events 9 1
  state a
  c s6-svc -d a
  echo > a/go
  events 9 1
  state a
  cat a/args
}

sc_finishing_after_signal() {
  one
  mkfifo a/go
  echo 0 > a/timeout-finish
  # shellcheck disable=SC2016 # for the script
  script a/finish 'echo "$1 $2 $3" > args' 'read -r x < go'
  c s6-svc -d a
  line 8
  events 9 1
  state a
  ct s6-svc -wu -T T a
  echo > a/go
  events 9 1
  state a
  cat a/args
}

sc_permanent_failure() {
  one QUIT=1
  script a/finish 'exit 125'
  c s6-svc -q a
  line 8
  events 9 3
  state a
  ct s6-svwait -u -t T a
}

sc_finish_too_slow() {
  one QUIT=1
  mkfifo a/go
  echo 100 > a/timeout-finish
  script a/finish 'read -r x < go'
  c s6-svc -wD -T 100000 -d a
  events 9 2
  state a
}

sc_stop_too_slow() {
  one TERM=stay
  echo 100 > a/timeout-kill
  c s6-svc -wD -T 100000 -d a
  events 9 2
  state a
}

sc_down_signal() {
  service a QUIT=4
  echo QUIT > a/down-signal
  record a 9 8
  supervise a
  events 9 2
  line 8
  c s6-svc -d a
  line 8
  events 9 2
  state a
}

sc_paused() {
  one
  c "$HELPER" during a/supervise s6-svc -p a -- s6-svstat a
  c s6-svstat -o paused a
  c "$HELPER" during a/supervise s6-svc -c a -- s6-svstat a
  line 8
  c s6-svc -p a
  c s6-svc -wD -T 100000 -d a
  state a
}

sc_once() {
  one QUIT=2
  c "$HELPER" during a/supervise s6-svc -O a -- s6-svstat a
  state a
  c s6-svc -q a
  line 8
  events 9 2
  state a
  c s6-svc -o a
  events 9 1
  line 8
  c s6-svstat -o up,wantedup a
  c "$HELPER" during a/supervise s6-svc -Q a -- s6-svstat a
  files a
}

# ---------------------------------------------------------------- s6-svc

sc_signals() {
  one
  for option in a b q h i 1 2 y c; do
    c s6-svc -$option a
    line 8
  done
  c s6-svc -t a
  line 8
  c s6-svc -ok a
  events 9 2
  state a
}

sc_signals_while_down() {
  one
  c s6-svc -wD -T 100000 -d a
  c s6-svc -abqhkti12pcyr a
  c "$HELPER" during a/supervise s6-svc -o a -- s6-svwait -u -t 100000 a
  events 9 3
}

sc_svc_and_wait() {
  one up=ready
  for w in d D; do
    c s6-svc -w$w -T 100000 -d a
    c s6-svc -wu -T 100000 -u a
  done
  cr s6-svc -wr -T T -r a
  c s6-svstat -u a
  ct s6-svc -wd -T T a
}

sc_svc_and_wait_for_readiness() {
  service a up=ready
  echo 3 > a/notification-fd
  record a 9 8
  supervise a
  events 9 3
  c s6-svc -wU -T 100000 -u a
  cr s6-svc -wR -T T -r a
  cr s6-svc -wr -T T -r a
  c s6-svwait -U -t 100000 a
  c s6-svc -wD -T 100000 -d a
  c s6-svc -wU -T 100000 -u a
  c s6-svstat -ur a
  c s6-svc -wU -T 100000 a
}

sc_svc_waits_in_vain() {
  service a
  echo 3 > a/notification-fd
  record a 9 8
  supervise a
  events 9 2
  ct s6-svc -wU -T T a
  ct s6-svc -wU -T T -u a
  ct s6-svc -wR -T T -h a
  ct s6-svc -wd -T T -u a
}

sc_svc_without_readiness() {
  one
  c s6-svc -wU -T 100000 -u a
  c s6-svc -wD -T 100000 -d a
  c s6-svc -wU -T 100000 -u a
}

sc_svc_failure_while_waiting() {
  service a QUIT=1 USR1=ready
  echo 3 > a/notification-fd
  record a 9 8
  supervise a
  events 9 2
  line 8
  script a/finish 'exit 125'
  c s6-svc -wU -T 100000 -q a
  c s6-svstat a
}

sc_svc_supervisor_ends_while_waiting() {
  service a
  echo 3 > a/notification-fd
  : > a/down
  record a 9 8
  supervise a
  events 9 1
  c s6-svc -wU -T 100000 -x a
  gone a
  c s6-svok a
}

# ---------------------------------------------------------------- nothing there

sc_absent() {
  mkdir empty
  : > file
  for thing in nothing/at/all empty file ''; do
    for command in 's6-svok' 's6-svc -u' 's6-svstat' 's6-svscanctl -a' 's6-svperms'; do
      # shellcheck disable=SC2086 # a command in words
      c $command "$thing"
    done
  done
  c s6-svdt empty
  c s6-svdt nothing/at/all
  c s6-svwait -t 100000 -d nothing/at/all
  c s6-svlisten1 nothing/at/all true
  c s6-svlink nothing/at/all empty
}

sc_misshapen() {
  service a
  mkdir a/supervise
  c s6-svc -u a
  c s6-svstat a
  c s6-svok a
  : > a/supervise/lock
  c s6-svstat a
  mkfifo a/supervise/control
  c s6-svc -u a
  rm a/supervise/lock
  mkdir a/supervise/lock
  c s6-svok a
  c s6-svperms a
}

sc_usage() {
  one
  for command in s6-svc s6-svstat s6-svok s6-svwait s6-svlisten1 s6-svlisten s6-svdt s6-svdt-clear \
    s6-svperms s6-svlink s6-svunlink s6-permafailon s6-notifyoncheck s6-ftrig-wait s6-ftrig-listen1 \
    s6-ftrig-listen s6-ftrig-notify s6-mkfifodir s6-cleanfifodir s6-instance-create s6-instance-delete \
    s6-instance-list s6-instance-control s6-instance-status s6-instance-maker; do
    c $command
    case $command in
      s6-svok | s6-svdt-clear | s6-permafailon | s6-ftrig-notify | s6-cleanfifodir | s6-instance-list) ;;
      *) c $command -~ a b c ;;
    esac
  done
  c s6-svscanctl -~ a
  c s6-svc -w a
  c s6-svc -wx a
  c s6-svc -T 1x -u a
  c s6-svc -u a b
  c s6-svc -aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa a
  c s6-svstat -o up,nonsense a
  c s6-svstat -o up,,up a
  c s6-svstat -o '' a
  c s6-svstat -o up, a
  c s6-svstat -uuuuuuuuuuuuuuuu a
  c s6-svstat -uuuuuuuuuuuuuuuuu a
  c s6-svwait -t x a
  c s6-svlisten1 a
  c s6-svlisten a true
  c s6-svlisten a ''
  c s6-svlisten '' true
  c s6-svdt -n x a
  c s6-ftrig-wait a/event '('
  c s6-ftrig-listen a/event x a/event '' true
  c s6-ftrig-listen a/event x true
  c s6-mkfifodir -g nobody d
  c s6-permafailon x 1 1 true
  c s6-permafailon 1 0 1 true
  c s6-permafailon 1 1 256 true
  c s6-permafailon 1 1 9-3 true
  c s6-permafailon 1 1 9- true
  c s6-permafailon 1 1 SIGNONSENSE true
  c s6-svperms -g nosuchgroup a
  c s6-svperms -g :x a
}

# ---------------------------------------------------------------- waiting

sc_svwait_state_is_there() {
  one up=ready
  for option in -u -d -D -U '-u -a' '-u -o'; do
    # shellcheck disable=SC2086 # options
    ct s6-svwait -t T $option a
  done
  c s6-svc -wD -T 100000 -d a
  for option in -u -d -D -U; do ct s6-svwait -t T $option a; done
}

sc_svwait_change() {
  service a USR1=ready
  echo 3 > a/notification-fd
  record a 9 8
  supervise a
  events 9 2
  line 8
  c "$HELPER" during a/event s6-svwait -t 100000 -U a -- s6-svc -1 a
  c "$HELPER" during a/event s6-svwait -t 100000 -d a -- s6-svc -d a
  c "$HELPER" during a/event s6-svwait -t 100000 -u a -- s6-svc -u a
  c "$HELPER" during a/event s6-svwait -t 100000 -D a -- s6-svc -d a
  c "$HELPER" during a/event s6-svwait -t 100000 a -- s6-svc -o a
  events 9 7
}

sc_svwait_restart() {
  service a up=ready
  echo 3 > a/notification-fd
  record a 9 8
  supervise a
  events 9 3
  cr "$HELPER" during a/event s6-svwait -t T -R a -- s6-svc -r a
  ct s6-svwait -t T -r a
  c s6-svc -wD -T 100000 -d a
  c "$HELPER" during a/event s6-svwait -t 100000 -R a -- s6-svc -u a
}

sc_svwait_finish() {
  one
  mkfifo a/go
  echo 0 > a/timeout-finish
  script a/finish 'read -r x < go'
  c "$HELPER" during a/event s6-svwait -t 100000 -d a -- s6-svc -d a
  ct s6-svwait -t T -D a
  c "$HELPER" during a/event s6-svwait -t 100000 -D a -- sh -c 'echo > a/go'
}

sc_svwait_failure() {
  one QUIT=1
  script a/finish 'exit 125'
  c s6-svwait -t 100000 -u a
  c s6-svc -d a
  events 9 3
  c s6-svc -o a
  events 9 1
  line 8
  c "$HELPER" during a/event s6-svwait -t 100000 -d a -- s6-svc -q a
  events 9 3
}

sc_svwait_failure_when_wanted_up() {
  service a QUIT=1 USR1=ready
  echo 3 > a/notification-fd
  record a 9 8
  supervise a
  events 9 2
  line 8
  script a/finish 'exit 125'
  c "$HELPER" during a/event s6-svwait -t 100000 -U a -- s6-svc -q a
  events 9 3
}

sc_svwait_supervisor_ends() {
  service a
  echo 3 > a/notification-fd
  : > a/down
  record a 9 8
  supervise a
  events 9 1
  c "$HELPER" during a/event s6-svwait -t 100000 -u a -- s6-svc -x a
  events 9 1
}

two() {
  for s in a b; do
    service $s QUIT=1
    : > $s/down
  done
  record a 9 8
  record b 7 6
  supervise a
  supervise b
  events 9 1
  events 7 1
}

sc_svwait_two() {
  two
  ct s6-svwait -t T -u a b
  ct s6-svwait -t T -o -u a b
  ct s6-svwait -t T -d a b
  c "$HELPER" during a/event:b/event s6-svwait -t 100000 -o -u a b -- s6-svc -u b
  ct s6-svwait -t T -u a b
  ct s6-svwait -t T -o -u a b
  ct s6-svwait -t T -o -d a b
  c "$HELPER" during a/event:b/event s6-svwait -t 100000 -a -u a b -- s6-svc -u a
  ct s6-svwait -t T -u a b
  c s6-svwait -t 100000 -u a nothing/at/all
}

sc_svlisten1() {
  one
  c s6-svlisten1 -t 100000 -d a s6-svc -d a
  c s6-svlisten1 -t 100000 -u a s6-svc -u a
  c s6-svlisten1 -t 100000 -D a s6-svc -d a
  c s6-svlisten1 -t 100000 a s6-svc -o a
  events 9 6
  ct s6-svlisten1 -t T -d a true
  c s6-svlisten1 -t 100000 -u a false
  c s6-svlisten1 -t 100000 -u a nonexistent-program
  c s6-svlisten1 -t 100000 -d nothing/at/all true
}

sc_svlisten1_mask_of_child() {
  one
  c s6-svlisten1 -t 100000 -d a sh -c 'awk "/^SigBlk/" /proc/self/status; s6-svc -d a'
}

sc_svlisten() {
  two
  c s6-svlisten -t 100000 -u a b '' sh -c 's6-svc -u a; s6-svc -u b'
  events 9 1
  events 7 1
  c s6-svlisten -t 100000 -o -d a b '' s6-svc -d b
  ct s6-svlisten -t T -d a b '' true
  c s6-svlisten -t 100000 -D a b '' s6-svc -d a
  c s6-svlisten -t 100000 -u a b '' nonexistent-program
  c execlineb -Pc 's6-svlisten -t 100000 -u { a b } forx x { a b } importas x x s6-svc -u $x'
  ct s6-svlisten -t T -r -o -d a b '' true
}

sc_interrupted_waits_clean_up() {
  one
  for sig in INT TERM; do
    # shellcheck disable=SC2016 # for the inner shell
    "$HELPER" during a/event sh -c 'echo $$ > waiter; exec s6-svwait -d a' -- sh -c "kill -$sig \$(cat waiter)" 2> /dev/null
    echo "-> $?"
  done
  # s6's own helper process removes its fifos when it finds the client gone; so be it notified
  c s6-ftrig-notify a/event z
  events 9 1
}

# ---------------------------------------------------------------- death tallies

sc_deaths() {
  one QUIT=3 USR1=0 USR2=255
  for option in q 1 2 k; do
    # o first: it is not to be started again before we look
    c s6-svc -wD -T 100000 -o$option a
    [ $option = k ] || line 8
    c s6-svc -wu -T 100000 -u a
    line 8
  done
  c s6-svdt a
  c s6-svdt -s a
  c s6-svdt -S a
  c s6-svdt -n 2 a
  c s6-svdt -n 0 a
  cd a || exit
  c s6-permafailon 60 2 3 echo goes on
  c s6-permafailon 60 1 3 echo goes on
  c s6-permafailon 60 1 4-200 echo goes on
  c s6-permafailon 60 2 'SIGKILL 255' echo goes on
  c s6-permafailon 60 2 'sigkill;3,1-2' echo goes on
  c s6-permafailon 60 1 sig9 echo goes on
  c s6-permafailon 60 1 SIGSEGV echo goes on
  c s6-permafailon 60 1 9 echo goes on
  c s6-permafailon 60 1 '' echo goes on
  c s6-permafailon 0 1 0-255 echo goes on
  c s6-permafailon 60 1 SIGSEGV
  cd ..
  c s6-svdt-clear a
  c s6-svdt a
  c s6-permafailon 60 1 1 echo no tally here
}

sc_permafailon_in_finish() {
  service a QUIT=3
  script a/finish 'exec s6-permafailon 60 2 1-3 true'
  quit_once
  c s6-svc -u a
  events 9 1
  line 8
  c s6-svc -q a
  line 8
  events 9 3
  c s6-svstat a
}

# ---------------------------------------------------------------- permissions

sc_permissions() {
  one
  c s6-svperms a
  for options in -u '-g daemon' '-G daemon' -o '-O daemon' '-g :7' -e '-E daemon' '-u -E :0' '-o -e'; do
    # shellcheck disable=SC2086 # options
    c s6-svperms $options a
    c s6-svperms a
    stat -c '%A %G' a/supervise a/supervise/control a/event
  done
  # shellcheck disable=SC2043
  c s6-svperms -v -u -E :0 a
  chmod 755 a/event
  c s6-svperms a
  chmod 3730 a/event
  chmod 770 a/supervise
  c s6-svperms a a/..
  chmod 700 a/supervise
  chmod 666 a/supervise/control
  c s6-svperms a
}

# ---------------------------------------------------------------- readiness by asking

# The program that asks holds the fifo "asking" open, the service does not: its end of file is
# the end of the asking. A check says "asked" each time.
asked() { # asked OPTIONS CHECK: a service whose run is asked by CHECK
  service a
  mkdir a/data
  mkfifo a/data/asked a/data/asking a/data/nothing
  echo 3 > a/notification-fd
  # shellcheck disable=SC2016 # for the script
  script a/run 'echo $$ > pid' 'exec 4> data/asking' \
    "exec s6-notifyoncheck $1 sh -c 'exec $HELPER probe out 4>&-'"
  script a/data/check 'echo asked > data/asked' "$2"
  record a 9 8
  exec 7<> a/data/asked
  supervise a
  cat a/data/asking > /dev/null &
  asking=$!
  events 9 2
  line 8
}

not_ready() { # the asking has ended without an answer
  wait $asking
  c s6-svstat -ur a
}

sc_asked_yes() {
  asked '' 'exit 0'
  line 7
  events 9 1
  state a
}

sc_asked_twice() {
  asked '-w 20' 'test -e data/yes || { : > data/yes; exit 1; }'
  line 7
  line 7
  events 9 1
}

sc_asked_too_often() {
  asked '-n 2 -w 10' 'exit 1'
  line 7
  line 7
  not_ready
}

# The first check does not end. Those that follow have 300 ms for their answer, and as
# many tries as a slow machine needs.
sc_asked_and_slow() {
  asked '-n 0 -w 10 -t 300' 'test -e data/yes || { : > data/yes; read -r x < data/nothing; }'
  line 7
  line 7
  events 9 1
}

# A slow machine may not come to ask before the time is over.
sc_asked_no_more() {
  asked '-T 300 -w 1000000' 'exit 1'
  not_ready
}

sc_asked_otherwise() {
  asked '-d -3 3 -s 1 -c "redirfd -w 1 data/asked echo otherwise"' 'exit 1'
  line 7
  events 9 1
}

sc_asked_wrongly() {
  one
  cd a || exit
  c s6-notifyoncheck true
  echo x > notification-fd
  c s6-notifyoncheck true
  echo 77 > notification-fd
  c s6-notifyoncheck true
  cd ..
  c s6-notifyoncheck -3 1 true
}

sc_asked_of_the_dead() {
  asked '-s 20000' 'exit 0'
  c s6-svc -wD -T 100000 -d a
  events 9 2
}

# ---------------------------------------------------------------- events for scripts

sc_fifodirs() {
  umask 077
  c s6-mkfifodir d
  c s6-mkfifodir d
  c s6-mkfifodir -g 0 d
  stat -c '%A %g' d
  c s6-mkfifodir -f -g 0 d
  stat -c '%A %g' d
  c s6-mkfifodir -f d
  stat -c '%A %g' d
  c s6-mkfifodir no/such/place
  : > file
  c s6-mkfifodir file
  c s6-cleanfifodir d
  c s6-cleanfifodir file
  c s6-ftrig-notify d x
  c s6-ftrig-notify file x
  mkfifo d/ftrig1:@400000000000000000000000:nobody d/other d/.ftrig1:@400000000000000000000000:hidden
  c s6-ftrig-notify d x
  ls -A d
}

sc_ftrig() {
  s6-mkfifodir dd
  for re in a b c 'a|ab' 'b.' 'a{3}' '[^a]' 'a.*' ''; do
    c s6-ftrig-listen1 -t 100000 dd "$re" s6-ftrig-notify dd abcaaad
  done
  # what is heard has neither beginning nor end
  for re in 'c$' '^a'; do ct s6-ftrig-listen1 -t T dd "$re" s6-ftrig-notify dd abcaaad; done
  c "$HELPER" during dd s6-ftrig-wait -t 100000 dd b.d -- s6-ftrig-notify dd abcd
  c "$HELPER" during dd s6-ftrig-wait -t 100000 dd 'b.*d' -- sh -c 's6-ftrig-notify dd abc; s6-ftrig-notify dd dd'
  ct s6-ftrig-wait -t T dd a
  ct s6-ftrig-listen1 -t T dd a true
  c s6-ftrig-listen1 -t 100000 dd a nonexistent-program
  c s6-ftrig-wait nothing/at/all a
  "$HELPER" empty dd
}

sc_ftrig_listen() {
  s6-mkfifodir dd
  s6-mkfifodir e
  c s6-ftrig-listen -t 100000 dd a e b '' sh -c 's6-ftrig-notify dd a; s6-ftrig-notify e b'
  ct s6-ftrig-listen -t T dd a e b '' sh -c 's6-ftrig-notify dd a; s6-ftrig-notify e a'
  c s6-ftrig-listen -t 100000 -o dd a e b '' sh -c 's6-ftrig-notify dd a'
  ct s6-ftrig-listen -t T -o dd a e b '' true
  ct s6-ftrig-listen -t T -a dd a e b '' s6-ftrig-notify dd aaaa
  c s6-ftrig-listen -t 100000 dd a dd b '' s6-ftrig-notify dd ab
  c execlineb -Pc 's6-ftrig-listen -t 100000 { dd x. e y } foreground { s6-ftrig-notify dd xx } s6-ftrig-notify e y'
  "$HELPER" empty dd
  "$HELPER" empty e
}

# ---------------------------------------------------------------- scanners

scannable() { # a scan directory with a service a; its finish script says so
  mkdir -p scan/.s6-svscan
  service scan/a
  record scan/a 9 8
  mkfifo finished
  # shellcheck disable=SC2016 # for the script
  script scan/.s6-svscan/finish 'echo "finished with $# arguments in ${PWD##*/}" > ../finished'
  exec 5<> finished
}

scanned() { # scanned [OPTION]…: the same, scanned
  scannable
  svscan "$@" scan
  events 9 2
  line 8
}

ended() { # the scanner has ended, and its exit code
  wait "$scanner"
  echo "-> $?"
}

sc_scan_terminate() {
  scanned
  c s6-svstat scan/a
  c s6-svscanctl -z scan
  c s6-svscanctl -t scan
  line 8
  events 9 3
  line 5
  c s6-svok scan/a
  c s6-svscanctl -a scan
}

sc_scan_quit() {
  scanned
  c s6-svscanctl -q scan
  line 8
  events 9 3
  line 5
}

sc_scan_i() {
  scanned
  c s6-svscanctl -i scan
  line 8
  events 9 3
  line 5
}

scan_signal() { # scan_signal SIGNAL: ends it
  scanned
  kill -"$1" "$scanner"
  line 8
  events 9 3
  line 5
  ended
}

sc_scan_signal_term() { scan_signal TERM; }
sc_scan_signal_int() { scan_signal INT; }
sc_scan_signal_quit() { scan_signal QUIT; }

# Services go on when their scanner aborts; ours are its own children, and it ends them.
abort() { # abort COMMAND…: finish runs though the service has not ended
  scanned
  "$@"
  line 5
  ended
}

abort_scanner() { kill -ABRT "$scanner"; }
sc_scan_signal_abrt() { abort abort_scanner; }

sc_scan_abort() { abort c s6-svscanctl -b scan; }

sc_scan_signal_hup() {
  scanned
  service b
  record b 7 6
  ln -s ../b scan/b
  kill -HUP "$scanner"
  events 7 2
  line 6
  rm scan/b
  kill -HUP "$scanner"
  line 6
  events 7 3
  c s6-svstat -u scan/a
}

sc_scan_signal_alrm() {
  scanned
  service b
  record b 7 6
  ln -s ../b scan/b
  kill -ALRM "$scanner"
  events 7 2
  rm scan/b
  kill -ALRM "$scanner"
  # it is inactive now, and goes on
  c s6-svscanctl -z scan
  c s6-svstat -u b
}

# Each script runs instead of what the signal does by default.
sc_scan_handlers() {
  mkdir -p scan/.s6-svscan
  mkfifo handled
  exec 7<> handled
  for signal in HUP INT TERM QUIT USR1 USR2 PWR WINCH; do
    # shellcheck disable=SC2016 # for the script
    script scan/.s6-svscan/SIG$signal 'echo "${0##*/} with $# arguments in ${PWD##*/}" > ../handled'
  done
  scanned
  for signal in HUP INT TERM QUIT USR1 USR2 PWR WINCH; do
    kill -$signal "$scanner"
    line 7
  done
  chmod -x scan/.s6-svscan/SIG*
  for signal in USR1 USR2 PWR WINCH; do kill -$signal "$scanner"; done
  c s6-svstat -u scan/a
  kill -TERM "$scanner"
  line 8
  events 9 3
  line 5
  ended
}

sc_scan_is_ready() {
  mkfifo ready
  exec 7<> ready
  scannable
  (exec $SVSCAN -d 3 scan 3> ready 5<&- 6<&- 7<&- 8<&- 9<&-) &
  line 7
  c s6-svscanctl -t scan
  line 5
}

sc_scan_options() {
  exec 3> console
  scanned -c 4 -t 1000000 -X 3
  c s6-svscanctl -t scan
  events 9 3
  line 5
  ended
  for option in -q '-c x' '-t x' '-d x' '-d 2' '-d 77' '-X x' '-X 2' '-X 77' nowhere; do
    # shellcheck disable=SC2086 # options
    (c $SVSCAN $option scan) | sed 1d
  done
}

# Without being told it finds what is new.
sc_scan_again_and_again() {
  scanned -t 50
  service b
  record b 7 6
  ln -s ../b scan/b
  events 7 2
}

sc_scan_at_most() {
  scanned -c 2
  service b
  record b 7 6
  ln -s ../b scan/b
  c s6-svscanctl -a scan
  events 7 2
  service scan/c
  c s6-svscanctl -a scan
  # the scan is over when the next one has taken away b
  rm scan/b
  c s6-svscanctl -h scan
  events 7 3
  c s6-svok scan/c
}

sc_scan_here() {
  scannable
  cd scan || exit
  svscan
  cd ..
  events 9 2
  c s6-svscanctl -t scan
  events 9 3
  line 5
}

sc_scan_twice() {
  scanned
  # shellcheck disable=SC2086 # a command in words
  (c $SVSCAN scan) | sed 1d
  c s6-svstat -u scan/a
}

sc_scan_without_finish() {
  scannable
  rm scan/.s6-svscan/finish
  svscan scan
  events 9 2
  c s6-svscanctl -t scan
  events 9 3
  ended
}

# Whoever is not root may have services of his own.
sc_scan_by_nobody() {
  chmod 755 "${HELPER%/*}"
  nobody='setpriv --reuid 65534 --regid 65534 --clear-groups'
  $nobody true 2> /dev/null || return 0
  SVSCAN="$nobody $SVSCAN"
  scannable
  chown -R 65534:65534 .
  svscan scan
  events 9 2
  line 8
  # shellcheck disable=SC2086 # commands in words
  {
    c $nobody s6-svc -d scan/a
    line 8
    events 9 2
    c $nobody s6-svc -u scan/a
    events 9 1
    line 8
    c $nobody s6-svstat scan/a
    c $nobody s6-svscanctl -t scan
  }
  line 8
  events 9 3
  line 5
  ended
}

sc_scan_add_and_remove() {
  scanned
  service b
  record b 7 6
  ln -s ../b scan/b
  c s6-svscanctl -a scan
  events 7 2
  line 6
  rm scan/b
  c s6-svscanctl -h scan
  line 6
  events 7 3
  gone b
  c s6-svok b
  ln -s ../b scan/b
  c s6-svscanctl -an scan
  events 7 2
  line 6
  rm scan/b
  c s6-svscanctl -aN scan
  line 6
  events 7 3
  c s6-svscanctl -~ scan
  c s6-svscanctl -t scan
  line 8
  events 9 3
  line 5
}

sc_scan_with_logger() {
  mkdir -p scan/.s6-svscan
  service scan/a
  mkdir scan/a/log
  mkfifo finished
  script scan/.s6-svscan/finish "echo finished > $PWD/finished"
  exec 5<> finished
  # shellcheck disable=SC2016 # for the script
  script scan/a/run 'echo $$ > pid' 'echo a line' "exec $HELPER probe out"
  mkfifo scan/a/log/out
  script scan/a/log/run 'echo $$ > pid' 'read -r x' 'echo "$x" > out' 'exec cat'
  record scan/a 9 8
  record scan/a/log 7 6
  svscan scan
  events 9 2
  events 7 2
  line 8
  line 6
  c s6-svstat scan/a/log
  c s6-svscanctl -t scan
  events 9 3
  events 7 3
  line 5
}

# ---------------------------------------------------------------- links

linked() { # linked: a scan directory that is empty and scanned, a service a
  mkdir -p scan
  service scan/first
  record scan/first 9 8
  svscan scan
  events 9 2
  line 8
  service a
}

sc_link() {
  linked
  exec 6<> a/out
  c s6-svlink scan a
  line 6
  c s6-svstat a
  files a
  files scan/a/
  c s6-svlink scan a
  c s6-svunlink scan a
  gone a
  c s6-svok a
  ls -A scan
  c s6-svunlink scan a
  c s6-svunlink scan /a
  c s6-svunlink scan .a
}

sc_link_down() {
  linked
  c s6-svlink -D scan a
  c s6-svstat a
  files a
  c s6-svunlink -t 100000 scan a
  c s6-svlink -d -P -t 100000 scan "$PWD/a" name
  c s6-svstat a
  files a
  ls -A scan
  c s6-svlink -f -t 100000 scan "$PWD/a" name
  c s6-svunlink -X scan name
}

sc_link_logger() {
  linked
  mkdir -p a/log
  script a/log/run 'exec cat'
  c s6-svlink scan a
  c s6-svok a/log
  c s6-svunlink scan a
  gone a
  gone a/log
  c s6-svok a/log
}

sc_link_wrongly() {
  linked
  mkdir empty
  c s6-svlink empty a
  c s6-svlink scan empty
  c s6-svlink '' a
  c s6-svlink scan ''
  c s6-svlink scan a .name
  c s6-svlink scan a ''
  chmod -x a/run
  c s6-svlink scan a
  chmod +x a/run
  : > a/log
  c s6-svlink scan a
  rm a/log
  : > scan/a
  c s6-svlink scan a
  files a
}

# ---------------------------------------------------------------- instances

sc_instances() {
  mkdir -p scan template
  # shellcheck disable=SC2016 # for the script
  script template/run "exec $HELPER probe ../../said"
  mkfifo said
  c s6-instance-maker template inst
  find inst | sort
  cat inst/notification-fd
  mkfifo inst/said
  record inst 9
  ln -s ../inst scan/inst
  svscan scan
  events 9 3
  exec 6<> inst/said
  c s6-instance-list inst
  c s6-instance-create inst one
  line 6
  c s6-instance-create -d inst two
  c s6-instance-create inst one
  c s6-instance-create inst .x
  c s6-instance-create inst 'x y'
  c s6-instance-create nothing/at/all x
  s6-instance-list inst | sort
  c s6-instance-status -u inst one
  c s6-instance-status -uwe inst two
  c s6-instance-control -wu -T 100000 -u inst two
  line 6
  c s6-instance-status -uw inst two
  c s6-instance-control -wD -T 100000 -d inst one
  line 6
  c s6-instance-status -uwNes inst one
  c s6-instance-status inst three
  c s6-instance-control -u inst three
  c s6-instance-delete inst one
  c s6-instance-delete -t 100000 inst two
  c s6-instance-delete inst none
  find inst/instance inst/instances -name .s6-svscan -prune -o -print | sort
}

sc_instance_sources() {
  mkdir template
  script template/run 'exec true'
  mkdir template/log
  c s6-instance-maker -u user -l loguser -L /log -t 3 -n 5 -s 2000 -S 7777 -P prefix -c 7 template full
  c s6-instance-maker -r svc/logger/pipe -L /log template rc
  c s6-instance-maker -r svc template rc2
  c s6-instance-maker -r svc/logger template rc3
  c s6-instance-maker -r /logger template rc3
  c s6-instance-maker -L relative template rc3
  c s6-instance-maker -t 4 template rc3
  c s6-instance-maker -r svc -L /log template rc3
  c s6-instance-maker template full
  find full rc rc2 -printf '%M %p\n' | sort -k 2
  # commands are named by path there, by name here
  find full rc rc2 -type f ! -path '*/template/*' | sort | xargs tail -n +1 | sed 's,/usr/bin/s6-,s6-,;s,/usr/lib/execline/bin/,,;s,"pprefix",pprefix,'
}
