#!/bin/sh
# Installs the updates that fix security problems and, where the base image can tell them apart,
# no others. Valid for sh and bash.
set -e

apt_security() {
  only=$(mktemp -d)
  mkdir "$only/parts"
  # lines of the old format, paragraphs of the new one, that name a security archive
  cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2> /dev/null | grep '^deb.*security' > "$only/security.list" || true
  cat /etc/apt/sources.list.d/*.sources 2> /dev/null | awk 'BEGIN { RS = ""; ORS = "\n\n" } /-security/' > "$only/parts/security.sources"
  if [ ! -s "$only/security.list" ] && [ ! -s "$only/parts/security.sources" ]; then
    rm -r "$only"
    echo "security_updates: fatal: no security archive is named in /etc/apt/sources.list or /etc/apt/sources.list.d" >&2
    exit 1
  fi
  apt-get update
  apt-get -o "Dir::Etc::sourcelist=$only/security.list" -o "Dir::Etc::sourceparts=$only/parts" -yq upgrade
  rm -r "$only"
}

if command -v apt-get > /dev/null 2>&1; then
  apt_security
elif command -v dnf > /dev/null 2>&1; then
  dnf -y upgrade --security
elif command -v microdnf > /dev/null 2>&1; then
  microdnf -y upgrade --security
elif command -v yum > /dev/null 2>&1; then
  yum -y update --security
elif command -v apk > /dev/null 2>&1; then
  echo "security_updates: info: apk cannot tell security updates from others: upgrading all"
  apk update
  apk upgrade
else
  echo "security_updates: fatal: found none of apt-get, dnf, microdnf, yum, apk: install updates by this image's own means" >&2
  exit 1
fi
