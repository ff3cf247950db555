#!/bin/sh
# Puts a bundle of slimfit together in a folder. Everything is checked and
# unpacked beside it first: the folder is whole, or not there.
# Usage: sh install.sh FOLDER     FOLDER must not exist yet
set -eu
fail() { echo "install: $*" >&2; exit 4; }
[ $# = 1 ] || { echo "usage: sh install.sh FOLDER" >&2; exit 2; }
case $1 in
/*) to=$1 ;;
*) to=$(pwd)/$1 ;;
esac
cd "$(dirname "$0")"
[ ! -e "$to" ] || fail "$to is there already: name a folder that is not"
sha256sum -c --quiet SHA256SUMS >&2 || fail "parts are missing or damaged: copy those again that are named above"
mkdir -p "$(dirname "$to")"
tmp=$to.tmp-$$
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
mkdir "$tmp"
cat slimfit-*.tar.gz.* | tar -xzf - -C "$tmp"
mv "$tmp/slimfit" "$to"
echo "slimfit is in $to; next: $to/slimfit doctor"
