#!/usr/bin/env bash
# tour.sh CARREL: runs a shell script sealed, then the same script unsealed (there without what
# could do harm), and prints the answers beside each other. Works in a folder of its own, which is
# gone afterwards.
set -euo pipefail
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
. "$root/tools/terminal.sh"

carrel=$1
mkdir -p "$root/build"
# Not in /tmp: the sealed script has a /tmp of its own.
folder=$(mktemp -d "$root/build/tour.XXXXXX")
marker=$(mktemp /tmp/carrel-tour.XXXXXX)
trap 'rm -rf "$folder" "$marker"' EXIT
mkdir -p "$folder"/{work/.git/hooks,home/.ssh}
echo 'not a real key, but no program could know that' > "$folder/home/.ssh/id_ed25519"

# Prints lines of "question<TAB>answer".
cat > "$folder/work/script.sh" <<'SCRIPT'
answer() { printf '%s\t%s\n' "$1" "$2"; }
# The last words of a message are the system's own.
try() {
  local said
  if said=$("${@:2}" 2>&1); then answer "$1" yes; return; fi
  said=${said%%$'\n'*} said=${said##*: }
  answer "$1" "no${said:+: ${said%.}}"
}
try_sealed() { if [[ ${SEALED-} ]]; then try "$@"; else answer "$1" '-'; fi; }
write() { echo 'was here' > "$1"; }
linger() { setsid sleep 86321 > /dev/null 2>&1 & }
connect() { exec 3<> "/dev/tcp/$1"; }
status() { sed -n "s/^$1:[[:space:]]*//p" /proc/self/status; }
count() { echo $#; }

try        'write in its own folder'         write result.txt
try_sealed "write in $REAL_HOME"             write "$REAL_HOME/.carrel-tour"
try_sealed 'write in /etc'                   write /etc/carrel-tour
try        'make a temporary file'           eval 'rm "$(mktemp)"'
try        "see the others' files in /tmp"   test -e "$MARKER"
try        'read the key in ~/.ssh'          cat "$HOME/.ssh/id_ed25519"
try_sealed 'plant a hook in its git folder'  write .git/hooks/post-checkout
try_sealed 'connect to another machine'      connect 192.0.2.1/443
try_sealed 'mount a file system'             mount -t tmpfs none /mnt
try_sealed 'become root of a new namespace'  unshare --user --map-root-user true
try_sealed 'start a program that stays'      linger
answer     'capabilities within its reach'   "$(status CapBnd)"
answer     'system call filters'             "$(status Seccomp_filters)"
answer     'processes it sees'               "$(count /proc/[0-9]*)"
answer     'network interfaces'              "$(sed -n 's/^ *\([^ ]*\):.*/\1/p' /proc/net/dev | paste -sd ' ')"
answer     'environment variables'           "$(env | wc -l)"
SCRIPT

run_script() { env HOME="$folder/home" REAL_HOME="$HOME" MARKER="$marker" SEALED="$1" "${@:2}" script.sh; }

cd "$folder/work"
say "${dim}A shell script is sealed in $folder/work, with no policy but the built-in one:${plain}"
say "${dim}  carrel run -- bash script.sh${plain}"
run_script yes "$carrel" run --quiet --env SEALED --env REAL_HOME --env MARKER -- bash > "$folder/sealed"
run_script '' bash > "$folder/outside"

row='  %-34s %-32s %s\n'
# shellcheck disable=SC2059  # the formats are ours
printf "\n$bold$row$plain" 'What it could do' sealed outside
paste -d '\t' "$folder/sealed" <(cut -f 2 "$folder/outside") |
  while IFS=$'\t' read -r question sealed outside; do
    # shellcheck disable=SC2059
    printf "$row" "$question" "$sealed" "$outside"
  done
left=$(cd "$folder/work" && find . -path ./.git -prune -o -type f ! -name script.sh -printf '%P ')
running=$({ grep -lsa 'sleep.8632[1]' /proc/[0-9]*/cmdline || true; } | wc -l)
printf '\nWhat it left: %sin its folder, and %d programs running\n' "$left" "$running"
say '' 'Next: ./dev run -- bash'
