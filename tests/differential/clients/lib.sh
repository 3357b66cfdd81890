# shellcheck shell=sh
# lib.sh FILE SCENARIO: the words that scenarios are made of, then the scenario.
# Pids are large, so that none of them is another number that is shown.
# Descriptors: 9 and 8 are the events of one service and what it says, 7 and 6 of another.
set -u

quiet() { # quiet COMMAND…: without our descriptors
  "$@" 5<&- 6<&- 7<&- 8<&- 9<&-
}

normal() { # what differs from run to run: pids that services wrote down, times
  script='s/[0-9]* seconds/N seconds/g;s/@[0-9a-f]\{24\}/@TAI/g'
  for file in pid */pid */*/pid */*/*/pid; do
    [ -s "$file" ] && script="$script;s/\\b$(cat "$file")\\b/PID/g"
  done
  sed "$script"
}

settle() { # settle COMMAND…: before a client that reads the status of its arguments
  case $1 in s6-svstat | s6-svwait | s6-svdt) ;; *) return ;; esac
  for thing; do
    [ ! -p "$thing/supervise/control" ] || "$HELPER" settled "$thing"
  done
}

run_client() { # run_client COMMAND…: its exit code into $code
  settle "$@"
  quiet timeout 200 "$@" > stdout 2> complaint
  code=$?
}

show() { # show COMMAND…: what run_client left
  printf '$ %s\n' "$*" | sed "s,$HELPER,helper,g;s,$PWD,.,g"
  normal < stdout
  echo "-> $code$([ ! -s complaint ] || echo ', with a message')"
}

c() { # c COMMAND…: a client; shows its output, its exit code, whether it complained
  run_client "$@"
  show "$@"
}

run_for() { # run_for MS COMMAND…: T in the command is MS
  ms=$1
  shift
  n=$#
  while [ "$n" -gt 0 ]; do
    word=$1
    shift
    [ "$word" != T ] || word=$ms
    set -- "$@" "$word"
    n=$((n - 1))
  done
  run_client "$@"
}

ct() { # ct COMMAND…: a client whose time, the word T, may run out. s6's exits 111 if that is
  # before its helper has started; the verdict must not depend on how long this takes
  for t in 200 2000 20000 100000; do
    run_for $t "$@"
    [ $code -eq 111 ] || break
  done
  show "$@"
}

cr() { # cr COMMAND…: a client that waits for a restart, for the time T. s6's look at the last of
  # the letters that have come: they miss a restart that is faster than they are (doc/compat.md)
  for _ in 1 2 3 4 5; do
    run_for 30000 "$@"
    [ "$CLIENTS$code" = s699 ] || break
  done
  show "$@"
}

cn() { # the same where numbers are times
  c "$@" > numbers
  sed '2,$s/\b[0-9]\{1,2\}\b/N/g;$s/-> N/-> 0/' numbers
}

service() { # service DIR [PROBE'S ARGUMENTS]
  dir=$1
  shift
  mkdir -p "$dir"
  mkfifo "$dir/out"
  printf '#!/bin/sh\necho $$ > pid\nexec %s probe out %s\n' "$HELPER" "$*" > "$dir/run"
  chmod +x "$dir/run"
}

script() { # script FILE LINE…: a shell script
  file=$1
  shift
  { echo '#!/bin/sh'; printf '%s\n' "$@"; } > "$file"
  chmod +x "$file"
}

record() { # record DIR EVENTS [OUT]: the descriptors for its events and for what it says
  mkdir -m 700 "$1/event"
  chgrp "$(id -g)" "$1/event"
  chmod 3730 "$1/event"
  mkfifo -m 622 "$1/event/ftrig1:@400000000000000000000000:record"
  eval "exec $2<>'$1/event/ftrig1:@400000000000000000000000:record'"
  [ $# -lt 3 ] || eval "exec $3<>'$1/out'"
}

events() { # events DESCRIPTOR N: waits for that many letters and shows them
  letters=
  eval "letters=\$(timeout 200 dd bs=1 count=$2 <&$1 2> /dev/null)"
  echo "events: $letters"
}

line() { # line DESCRIPTOR: waits for a line and shows it
  text=
  eval "read -r text <&$1"
  echo "says: $text"
}

# shellcheck disable=SC2086 # a command in words
supervise() { # supervise DIR: in the background; our scanner needs a scan directory for it
  if [ "$SUPERVISE" = scanner ]; then
    mkdir ".scan.$1"
    ln -s "$PWD/$1" ".scan.$1/$1"
    svscan ".scan.$1"
  else
    quiet $SUPERVISE "$1" &
  fi
}

# shellcheck disable=SC2086,SC2034 # a command in words; for the scenarios
svscan() { # svscan [OPTION]… DIR: in the background, $scanner is its pid
  (exec $SVSCAN "$@" 5<&- 6<&- 7<&- 8<&- 9<&-) &
  scanner=$!
}

quit_once() { # quit_once [N]: the service a gets its supervisor and, when it is up, a QUIT: it says so and ends, N letters (2)
  record a 9 8
  supervise a
  events 9 2
  line 8
  c s6-svc -q a
  line 8
  events 9 "${1-2}"
}

one() { # one [PROBE'S ARGUMENTS]: a supervised service a, which is up
  service a "$@"
  record a 9 8
  supervise a
  events 9 2
  line 8
}

gone() { # gone DIR: waits for the end of its supervisor, which x comes before
  "$HELPER" free "$1/supervise/lock"
}

state() { # state DIR: everything that s6-svstat tells
  c s6-svstat "$1"
  c s6-svstat -n "$1"
  c s6-svstat -o up,wantedup,normallyup,ready,paused,pid,exitcode,signal,signum,updownsince,readysince "$1"
  c s6-svstat -uwNrpes "$1"
  cn s6-svstat -t "$1"
  cn s6-svstat -o updownfor,readyfor "$1"
}

files() { # files DIR: its files with modes and sizes
  (cd "$1" && find . ! -name pid ! -name status -printf '%M %p %l\n' | sort -k 2 | sed "s,$PWD,.,g;s,^\\(l.*\\) [^ ]*/\\([^/]*\\)\$,\\1 …/\\2,")
}

echo 20000 > /proc/sys/kernel/ns_last_pid || exit 111
# shellcheck source=scenarios.sh
. "$1"
"sc_$2"
