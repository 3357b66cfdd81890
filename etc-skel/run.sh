#!/bin/sh
# Entry point of images made for docker-base, CMD ["/bin/bash", "/run.sh"]: /init does all of it,
# the scripts of /run.d included. Valid for sh and bash.
exec /init "$@"
