#!/usr/bin/env bash
# package_test.sh FOLDER: are the packages in FOLDER whole, and does what they install run?
set -euo pipefail
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
. "$root/tools/terminal.sh"

folder=$1
architecture=$(dpkg --print-architecture)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

expect_file() { if [[ ! -s $1 ]]; then die "the package lacks ${1#"$work"/}"; fi; }

check_installed() {
  local under=$1 shells
  shells=$under/share/bash-completion/completions/carrel
  expect_file "$under/share/man/man1/carrel.1.gz"
  expect_file "$shells"
  expect_file "$under/share/zsh/vendor-completions/_carrel"
  expect_file "$under/share/fish/vendor_completions.d/carrel.fish"
  expect_file "$under/share/carrel/apparmor"
  bash -n "$shells"
  if [[ $(readelf -lW "$under/bin/carrel") == *INTERP* ]]; then die "the packaged carrel is not static"; fi
  local said
  said=$(cd "$work" && "$under/bin/carrel" run -- /bin/echo 'a  b')
  if [[ $said != 'a  b' ]]; then die "the packaged carrel ran a command, but it said: $said"; fi
}

deb=$(ls "$folder"/carrel_*_"$architecture".deb)
dpkg-deb --field "$deb" Package Version Architecture Installed-Size >&2
dpkg-deb -x "$deb" "$work/deb"
dpkg-deb -e "$deb" "$work/control"
(cd "$work/deb" && md5sum --quiet -c "$work/control/md5sums")
sh -n "$work/control/postinst"
sh -n "$work/control/prerm"
check_installed "$work/deb/usr"

mkdir "$work/tar"
tar -xzf "$(ls "$folder"/carrel-*-linux-"$architecture".tar.gz)" -C "$work/tar" --strip-components=1
check_installed "$work/tar"
say "Both packages are whole, and what they install runs"
