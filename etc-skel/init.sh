#!/bin/sh
# Runs /run.d/*.sh and nothing else, for entry points that call it before they exec /init.
# Leaves a mark, so that /init does not run them a second time. Valid for sh and bash.
#
# Exit code: that of the script which failed, $SIGNAL_BUILD_STOP (99) among them; else 0.

shell='sh'
if command -v bash > /dev/null 2>&1; then shell='bash'; fi

# The mark names the process that called us, by pid and start time: /init honours it only
# in that process, so never in a later life of the same container.
leave_mark() {
  if ! read -r stat 2> /dev/null < "/proc/$PPID/stat"; then
    echo "[init] warning: /proc is not mounted: /init will run the scripts of /run.d again" >&2
    return
  fi
  # shellcheck disable=SC2086 # a list of words; the command's name before it may hold spaces
  set -- ${stat##*) }
  shift 19
  uid=$(id -u)
  for dir in ${S6_RUNDIR:+"$S6_RUNDIR"} /run "/dev/shm/keelson-$uid" "/tmp/keelson-$uid"; do
    # only a directory of ours or of root's: who can write there can make /init skip the scripts
    case $dir in */keelson-"$uid") mkdir -m 700 "$dir" 2> /dev/null ;; esac
    [ -d "$dir" ] && [ ! -L "$dir" ] && [ -O "$dir" ] || continue
    rm -f "$dir/keelson.run.d" 2> /dev/null
    if (set -C && echo "$PPID $1" > "$dir/keelson.run.d") 2> /dev/null; then
      return
    fi
  done
  echo "[init] warning: unable to leave a mark in /run, /dev/shm or /tmp: /init will run the scripts of /run.d again" >&2
}

found=
for file in /run.d/*.sh; do
  [ -e "$file" ] || continue
  found=1
  echo "[init] executing $file"
  $shell -e "$file"
  status=$?
  if [ "$status" -eq "${SIGNAL_BUILD_STOP:-99}" ]; then
    echo "[init] exit signalled - $file"
    exit "$status"
  fi
  if [ "$status" -ne 0 ]; then
    echo "[init] failed executing - $file: exited $status" >&2
    exit "$status"
  fi
done
[ "$found" ] || echo "[init] no run.d scripts"
leave_mark
