# Cases for ours alone, with what must be printed in the comment before.
# shellcheck shell=sh

# A failure ends a wait for a restart; s6's tools wait on, until their time is over.
#
# restart_that_fails:
#   events: su
#   says: up
#   $ s6-svc -wr -T 10000 -q a
#   -> 1, with a message
#   $ s6-svc -wu -T 10000 -u a
#   -> 0
#   $ s6-svlisten1 -r -t 10000 a s6-svc -dx a
#   -> 1, with a message
sc_restart_that_fails() {
  one QUIT=1
  script a/finish 'exit 125'
  c s6-svc -wr -T 10000 -q a
  rm a/finish
  c s6-svc -wu -T 10000 -u a
  c s6-svlisten1 -r -t 10000 a s6-svc -dx a
}

# The program gets our signal mask; s6's gets all signals blocked.
#
# mask_of_child:
#   events: su
#   says: up
#   $ s6-svlisten1 -t 10000 -d a sh -c awk "/^SigBlk/ { print }" /proc/$$/status; s6-svc -d a
#   SigBlk:	0000000000000000
#   -> 0
sc_mask_of_child() {
  one
  # shellcheck disable=SC2016 # awk's
  c s6-svlisten1 -t 10000 -d a sh -c 'awk "/^SigBlk/ { print }" /proc/$$/status; s6-svc -d a'
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
