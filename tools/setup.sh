#!/usr/bin/env bash
# setup.sh SET...: installs what is missing of the sets in packages.txt, through apt-get.
# Quick when nothing is. Exits with 125 when something is missing and cannot be installed.
set -euo pipefail
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
. "$root/tools/terminal.sh"

declare -a entries=()         # one a line of packages.txt: "clang-19 | clang-20"
declare -A installed=()       # by package name
declare -a to_install=()
declare -a out_of_reach=()    # entries of which the package sources have no alternative
declare -a unpack_boost=()    # Boost packages that are unpacked instead

read_entries() {
  local set line names
  while IFS= read -r line; do
    [[ $line =~ ^([a-z]+)[[:space:]]+(.*[^[:space:]])[[:space:]]+:[[:space:]] ]] || continue
    set=${BASH_REMATCH[1]} names=${BASH_REMATCH[2]}
    if [[ " $* " == *" $set "* ]]; then entries+=("$names"); fi
  done < "$root/tools/packages.txt"
}

read_installed() {
  local name state
  local -a names=()
  # shellcheck disable=SC2206  # split into words on purpose
  names=(${entries[*]//|/ } 'libboost*-dev')
  # Answers for what it knows, and exits with 1 when there was anything it did not.
  while read -r name state; do
    if [[ $state == installed ]]; then installed[$name]=1; fi
  done < <(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "${names[@]}" 2>/dev/null)
}

is_met() {
  local name
  for name in ${1//|/ }; do
    if [[ $name == command:* ]]; then
      if command -v "${name#command:}" >/dev/null; then return 0; fi
    elif [[ ${installed[$name]-} ]]; then
      return 0
    fi
  done
  return 1
}

# A compiler of the person's own choice needs no package.
is_met_by_choice() {
  [[ $1 == clang-* && $1 == *g++-* && -n ${CARREL_CXX-} ]] && command -v "$CARREL_CXX" >/dev/null
}

is_offered() { [[ $(apt-cache policy "$1" 2>/dev/null) == *'  Candidate: '[^\(]* ]]; }

choose_packages() {
  local entry name chosen
  for entry in "$@"; do
    chosen=''
    for name in ${entry//|/ }; do
      if [[ $name == command:* ]] || is_of_another_boost "$name"; then continue; fi
      if is_offered "$name"; then chosen=$name; break; fi
    done
    if [[ -z $chosen ]]; then
      out_of_reach+=("$entry")
    elif [[ $chosen == libboost* ]] && conflicting_boost "$chosen"; then
      unpack_boost+=("$chosen")
    else
      to_install+=("$chosen")
    fi
  done
}

# libboost1.83-dev and libboost-url1.83-dev are of 1.83, libboost-dev of whatever it is.
boost_version() {
  local version=${1#libboost}
  version=${version#-url}
  printf '%s' "${version%-dev}"
}

# Debian has one Boost's headers at a time: installing ours would remove the other, and
# whatever of the person's own depends on it.
conflicting_boost() {
  local name
  for name in "${!installed[@]}"; do
    if [[ $name =~ ^libboost[0-9.]*-dev$ && $(boost_version "$name") != "$(boost_version "$1")" ]]; then return 0; fi
  done
  return 1
}

# The library has to be of the version that the headers are, where one of ours is installed.
is_of_another_boost() {
  local name
  if [[ $1 != libboost-url* ]]; then return 1; fi
  for name in "${!installed[@]}"; do
    if [[ $name == "libboost$(boost_version "$1")-dev" ]]; then return 1; fi
  done
  has_our_boost
}

has_our_boost() {
  local name
  for name in "${!installed[@]}"; do
    if [[ $name =~ ^libboost[0-9.]+-dev$ && " ${entries[*]} " == *" $name "* ]]; then return 0; fi
  done
  return 1
}

explain_out_of_reach() {
  local entry
  say "${red}This machine's package sources do not have:${plain}"
  for entry in "${out_of_reach[@]}"; do say "  ${entry//|/or}"; done
  say "Carrel builds on Debian 12 and newer, and on Ubuntu 24.04 and newer. The carrel that such a"
  say "machine builds (./dev package) is one static file: it runs on older ones as well."
  exit 125
}

as_root() {
  if ((EUID == 0)); then "$@"; else sudo "$@"; fi
}

require_root() {
  if ((EUID == 0)); then return; fi
  # Without a terminal nobody can type a password.
  if command -v sudo >/dev/null && { [[ -t 0 && -t 2 ]] || sudo -n true 2>/dev/null; }; then return; fi
  say "${red}Packages are missing, and this user cannot install them. Run as root:${plain}"
  say "  apt-get install --no-install-recommends ${to_install[*]}"
  exit 125
}

apt() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -y -q -o Dpkg::Use-Pty=0 \
    -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@"
}

show_apt() {
  local line count=0
  while IFS= read -r line; do
    printf '%s\n' "$line" >> "$log"
    case $line in
      'Need to get '*) say "  $line" ;;
      'Setting up '*)
        count=$((count + 1)) line=${line#Setting up }
        if [[ $line_start ]]; then
          printf '%s  %s%d%s %s' "$line_start" "$dim" "$count" "$plain" "${line%% *}" >&2
        elif ((count % 20 == 1)); then
          say "  $count: ${line%% *}"
        fi ;;
      'E: '* | 'dpkg: error'*) say "${line_start}$line" ;;
    esac
  done
  if [[ $line_start ]]; then printf '%s' "$line_start" >&2; fi
}

install_packages() {
  require_root
  say "${bold}Installing packages:${plain} ${to_install[*]}"
  apt install --no-install-recommends "${to_install[@]}" 2>&1 < /dev/null | show_apt ||
    die 125 "apt-get could not install them: its own words are in $log"
}

main() {
  command -v dpkg-query >/dev/null ||
    die 125 "this is not a Debian or Ubuntu system; docs/dependencies.md lists what a build needs"
  read_entries "$@"
  read_installed
  local entry unpacked=''
  local -a missing=()
  # By an earlier setup: all of Boost or nothing.
  if [[ -e $root/build/deps/native/.complete ]]; then unpacked=$(< "$root/build/deps/native/.complete"); fi
  for entry in "${entries[@]}"; do
    if is_met "$entry" || is_met_by_choice "$entry"; then continue; fi
    if [[ $entry == libboost* && $unpacked == *libboost-url* ]]; then continue; fi
    missing+=("$entry")
  done
  if ((${#missing[@]} == 0)); then return; fi

  log=$root/build/log/setup.log
  mkdir -p "${log%/*}"
  : > "$log"
  say "${bold}Setting up:${plain} ${#missing[@]} of ${#entries[@]} needed packages are missing"
  choose_packages "${missing[@]}"
  if ((${#out_of_reach[@]})) && { ((EUID == 0)) || sudo -n true 2>/dev/null || [[ -t 0 ]]; }; then
    # Perhaps only because the lists were never fetched or are old.
    require_root
    apt update 2>&1 < /dev/null | show_apt || say "  (apt-get update failed; trying with the lists that are there)"
    to_install=() out_of_reach=() unpack_boost=()
    choose_packages "${missing[@]}"
  fi
  if ((${#out_of_reach[@]})); then explain_out_of_reach; fi
  if ((${#to_install[@]})); then install_packages; fi
  if ((${#unpack_boost[@]})); then
    say "Another Boost is installed; ours would replace it, so it is unpacked to build/deps/native"
    "$root/tools/unpack_debs.sh" "$(dpkg --print-architecture)" "$root/build/deps/native" "${unpack_boost[@]}"
  fi
}

main "$@"
