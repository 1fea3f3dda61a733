#!/usr/bin/env bash
# package.sh TREE: makes carrel_VERSION_ARCH.deb and carrel-VERSION-linux-ARCH.tar.gz beside TREE
# from TREE/bin/carrel. The same commit makes the same files, byte for byte.
set -euo pipefail
umask 022
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
. "$root/tools/terminal.sh"

tree=$1
output=$root/build
version=$(sed -n 's/^CMAKE_PROJECT_VERSION:STATIC=//p' "$tree/CMakeCache.txt")
case $(basename "$tree")-$(uname -m) in
  aarch64-* | *-aarch64) architecture=arm64 ;;
  *) architecture=amd64 ;;
esac

# Every file is as old as the commit it was made from.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$root" -c safe.directory='*' log -1 --format=%ct 2>/dev/null ||
  stat -c %Y "$root/CMakeLists.txt")}
export SOURCE_DATE_EPOCH

# Runs the carrel that was just built, whatever machine it is for.
carrel() {
  if [[ $architecture == arm64 && $(uname -m) != aarch64 ]]; then
    "$(command -v qemu-aarch64-static || command -v qemu-aarch64)" "$tree/bin/carrel" "$@"
  else
    "$tree/bin/carrel" "$@"
  fi
}

# stage FOLDER: bin and share, as under /usr or /usr/local.
stage() {
  local to=$1
  mkdir -p "$to"/{bin,share/{man/man1,doc/carrel,carrel,bash-completion/completions,zsh/vendor-completions,fish/vendor_completions.d}}
  install -m 755 "$tree/bin/carrel" "$to/bin/carrel"
  "$strip" "$to/bin/carrel"
  carrel man > "$to/share/man/man1/carrel.1"
  carrel completion bash > "$to/share/bash-completion/completions/carrel"
  carrel completion zsh > "$to/share/zsh/vendor-completions/_carrel"
  carrel completion fish > "$to/share/fish/vendor_completions.d/carrel.fish"
  local file
  for file in README.md SPECIFICATION.md THREAT_MODEL.md; do
    if [[ -e $root/$file ]]; then install -m 644 "$root/$file" "$to/share/doc/carrel/"; fi
  done
  if compgen -G "$root/docs/*.md" > /dev/null; then
    install -m 644 -D -t "$to/share/doc/carrel/docs" "$root"/docs/*.md
  fi
  cp -r --no-preserve=mode,ownership "$root/share/." "$to/share/carrel/"
  install -m 644 "$root/packaging/apparmor" "$to/share/carrel/apparmor"
  gzip -9n "$to/share/man/man1/carrel.1"
}

set_times() { find "$1" -print0 | xargs -0 touch --no-dereference --date "@$SOURCE_DATE_EPOCH"; }

make_deb() {
  local deb=$work/deb
  mkdir -p "$deb/DEBIAN"
  cp -r "$work/stage" "$deb/usr"
  install -m 644 "$root/packaging/debian/copyright" "$deb/usr/share/doc/carrel/copyright"
  install -m 755 "$root"/packaging/debian/{postinst,prerm} "$deb/DEBIAN/"
  sed -e "s/@version@/$version/; s/@architecture@/$architecture/" \
    -e "s/@size@/$(du -sk --apparent-size "$deb/usr" | cut -f 1)/" \
    "$root/packaging/debian/control.in" > "$deb/DEBIAN/control"
  (cd "$deb" && find usr -type f -print0 | sort -z | xargs -0 md5sum) > "$deb/DEBIAN/md5sums"
  set_times "$deb"
  dpkg-deb --root-owner-group -Zxz --build "$deb" "$output/carrel_${version}_$architecture.deb" > /dev/null
}

make_tar() {
  local name=carrel-$version-linux-$architecture
  cp -r "$work/stage" "$work/$name"
  install -m 644 "$root/LICENSE" "$work/$name/LICENSE"
  set_times "$work/$name"
  tar -C "$work" --sort=name --owner=0 --group=0 --numeric-owner --format=gnu -c "$name" |
    gzip -9n > "$output/$name.tar.gz"
}

main() {
  strip=$(command -v llvm-strip-19 || command -v llvm-strip-20 || command -v llvm-strip-21 || command -v strip)
  rm -f "$output"/carrel_*_"$architecture".deb "$output"/carrel-*-linux-"$architecture".tar.gz
  work=$(mktemp -d "$output/package.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  stage "$work/stage"
  make_deb
  make_tar
  (cd "$output" && ls -sh1 "carrel_${version}_$architecture.deb" "carrel-$version-linux-$architecture.tar.gz") >&2
}

main
