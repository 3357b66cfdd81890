#!/bin/sh
# Makes an image smaller after packages were installed: to be run as the last step of a RUN line.
# Valid for sh and bash.
set -e

if command -v apt-get > /dev/null 2>&1; then
  apt-get -y autoremove
  apt-get clean
  rm -rf /var/lib/apt/lists/* /var/lib/cache /var/lib/log
  rm -rf /usr/share/doc /usr/share/man
elif command -v apk > /dev/null 2>&1; then
  rm -rf /var/cache/apk/*
else
  for manager in dnf microdnf yum; do
    if command -v $manager > /dev/null 2>&1; then
      $manager clean all
      break
    fi
  done
fi
rm -rf /tmp/* /var/tmp/*
