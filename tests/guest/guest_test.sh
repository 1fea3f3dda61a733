#!/usr/bin/env bash
# guest_test.sh CARREL HOG: boots Debian's own kernel in an emulator, with cgroup version 2 and
# nothing but CARREL, HOG (tests/hostile/hog.cc) and busybox, and runs init.sh there. Needs no
# privilege. Exits with 125 where there is no such kernel.
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
root=$(cd -- "$here/../.." && pwd)
. "$root/tools/terminal.sh"

carrel=$1 hog=$2
deps=$root/build/deps/guest

# The kernel is only unpacked: installing it would make it this machine's.
fetch_kernel() {
  if compgen -G "$deps/boot/vmlinuz-*" > /dev/null; then return; fi
  local package
  package=$(apt-cache depends linux-image-cloud-amd64 2> /dev/null | sed -n 's/^ *Depends: *\(linux-image-[0-9].*\)/\1/p')
  if [[ -z $package ]]; then die 125 "this machine's package sources have no linux-image-cloud-amd64"; fi
  say "Unpacking $package to ${deps#"$root"/}"
  rm -rf "$deps"
  mkdir -p "$deps"
  (cd "$deps" && apt-get download "$package") > "$root/build/log/guest.log" 2>&1 ||
    { tail -5 "$root/build/log/guest.log" >&2; die 125 "cannot download $package"; }
  dpkg-deb --fsys-tarfile "$deps"/*.deb | tar -x -C "$deps" --wildcards './boot/vmlinuz-*'
  rm -f "$deps"/*.deb
}

make_initramfs() {
  local tree=$1
  mkdir -p "$tree"/{bin,dev,etc,home,proc,run,sys,tmp,usr,var}
  cp "$(command -v busybox)" "$tree/bin/busybox"
  "$tree/bin/busybox" --list | while read -r name; do
    if [[ $name != busybox ]]; then ln -s busybox "$tree/bin/$name"; fi
  done
  cp "$carrel" "$tree/bin/carrel"
  cp "$hog" "$tree/bin/hog"
  cp "$here/init.sh" "$tree/init"
  chmod 755 "$tree" "$tree"/bin/{busybox,carrel,hog} "$tree/init"
  printf 'root:x:0:0::/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n' > "$tree/etc/passwd"
  printf 'root:x:0:\nuser:x:1000:\n' > "$tree/etc/group"
  (cd "$tree" && find . | busybox cpio -o -H newc -R 0:0 2> /dev/null | gzip -1)
}

# The console's lines are for people too: carriage returns and escape sequences go.
boot() {
  timeout --foreground 120 qemu-system-x86_64 -M pc -cpu max -smp 2 -m 512 -nographic -no-reboot -nic none \
    -kernel "$1" -initrd "$2" -append 'console=ttyS0 quiet panic=-1 cgroup_no_v1=all' < /dev/null 2>&1 |
    sed -u -e 's/\r//g' -e 's/\x1b\[[0-9;?]*[a-zA-Z]//g' -e 's/\x1bc//g'
}

main() {
  local work said
  fetch_kernel
  work=$(mktemp -d "$root/build/guest.XXXXXX")
  # shellcheck disable=SC2064  # now, not then
  trap "rm -rf '$work'" EXIT
  mkdir "$work/tree"
  make_initramfs "$work/tree" > "$work/initramfs.gz"
  said=$(boot "$deps"/boot/vmlinuz-* "$work/initramfs.gz")
  if [[ $said == *$'\npassed'* ]]; then
    grep -a -e '^Linux ' <<< "$said"
    say "$(grep -a -c '^ok: ' <<< "$said") checks passed"
    return
  fi
  printf '%s\n' "$said" >&2
  die "the guest found that not all is well"
}

main
