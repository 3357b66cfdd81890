#!/bin/sh
# worker.sh N PROG ARGS…: the image's own start, with CONTAINER_ROLE=worker, and N supervised
# copies of PROG beside its services: the instances worker@1 … worker@N of a template, which
# are found as worker-1 … worker-N too, in the container environment, as $NOT_ROOT_USER where
# that is set. A single argument with spaces is a line for the shell.
# Valid for sh and bash.

services=/etc/services.d
mark='# made by /worker.sh at the start of the container'

die() { # die CODE MESSAGE
  echo "[worker] fatal: $2" >&2
  exit "$1"
}

quantity=${1-}
case $quantity in
  '' | *[!0-9]* | 0*) die 100 "usage: /worker.sh N PROG ARGS…, with N from 1 on; not '$quantity'" ;;
esac
shift
[ $# -gt 0 ] && [ "$*" ] || die 1 "command is required, exiting"

export CONTAINER_ROLE=worker

# The scripts of /run.d come first: they may empty /etc/services.d for a worker. A stop signal goes
# on to them, since this shell may be PID 1.
/init.sh &
child=$!
stopped=
trap 'stopped=1; kill -TERM "$child" 2> /dev/null' TERM INT QUIT
wait "$child"
status=$?
if [ "$stopped" ]; then
  wait "$child" 2> /dev/null
  exit 0
fi
trap - TERM INT QUIT
if [ "$status" -eq "${SIGNAL_BUILD_STOP:-99}" ]; then
  echo "[worker] container exit requested"
  exit 0
fi
[ "$status" -eq 0 ] || die "$status" "failed to init"

quoted() { # quoted WORD…: the words as a shell reads them back
  for word; do
    printf " '%s'" "$(printf '%s' "$word" | sed "s/'/'\\\\''/g")"
  done
}

if [ $# -gt 1 ]; then command=$(quoted "$@"); else command=" $1"; fi
user=
if [ "${NOT_ROOT_USER-}" ] && [ "$(id -u)" -eq 0 ]; then
  user=" s6-setuidgid$(quoted "$NOT_ROOT_USER")"
fi
echo "[worker] command:$command quantity: $quantity"

template=$services/worker@

# What a former life of this container has made; there may have been more of them.
if [ -f "$template/run" ] && grep -qxF "$mark" "$template/run"; then
  for entry in "$services"/worker@?* "$services"/worker-*; do
    if [ -L "$entry" ]; then rm "$entry"; fi
  done
  rm -r "$template"
fi

# The command as a template and its instances worker@1 …, each with a second name, worker-1 …
must() { # must COMMAND…
  "$@" || die 111 "unable to make the service $entry: it must not exist, and $services must be writable (on a read-only root, mount a tmpfs there)"
}
entry=$template
must mkdir -p "$services"
must mkdir "$template"
printf '%s\n' '#!/command/with-contenv sh' "$mark" "exec$user$command" > "$template/run"
must chmod 755 "$template/run"
i=0
while [ "$i" -lt "$quantity" ]; do
  i=$((i + 1))
  entry=$services/worker@$i
  must [ ! -e "$entry" ]
  must ln -s worker@ "$entry"
  entry=$services/worker-$i
  must [ ! -e "$entry" ]
  must ln -s "worker@$i" "$entry"
done

exec /init
