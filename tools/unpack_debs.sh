#!/usr/bin/env bash
# unpack_debs.sh ARCHITECTURE FOLDER PACKAGE...: downloads the packages for a Debian architecture
# and unpacks them into FOLDER. A package may be written as "A|B": the first that exists. Works
# without privileges and changes nothing outside FOLDER: apt gets a configuration, lists and a
# status of its own.
set -euo pipefail
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
. "$root/tools/terminal.sh"

arch=$1 folder=$2
shift 2
log=$root/build/log/unpack-$arch.log
state=$folder/.apt

# The machine's own sources of the distribution, for another architecture.
write_sources() {
  local origin uri release component
  # shellcheck disable=SC2016  # apt's own fields, not the shell's
  local -r fields='$(ORIGIN)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)'
  while IFS='|' read -r origin uri release component; do
    case $origin in
      Debian) printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s %s\n' \
        "$uri" "$release" "$component" ;;
      Ubuntu)
        # Ubuntu keeps all but the PC's architectures on another server.
        if [[ $arch != amd64 && $arch != i386 ]]; then uri=http://ports.ubuntu.com/ubuntu-ports; fi
        printf 'deb [signed-by=/usr/share/keyrings/ubuntu-archive-keyring.gpg] %s %s %s\n' \
          "$uri" "$release" "$component" ;;
    esac
  done < <(apt-get indextargets --format "$fields" 'Created-By: Packages' 2> /dev/null) | sort -u
}

configure_apt() {
  rm -rf "$folder"
  mkdir -p "$state"/{lists/partial,cache/archives/partial,log}
  : > "$state/status"
  write_sources > "$state/sources.list"
  if [[ ! -s $state/sources.list ]]; then
    die 125 "apt knows no package lists of Debian or Ubuntu; run apt-get update as root first"
  fi
  {
    apt-config dump | grep '^Acquire::' || true  # the machine's proxy, if it has one
    cat <<CONF
APT::Architecture "$arch";
APT::Architectures { "$arch"; };
APT::Sandbox::User "$(id -un)";
Acquire::Languages "none";
Dir::Etc::main "/dev/null";
Dir::Etc::parts "/dev/null";
Dir::Etc::sourcelist "$state/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::State "$state";
Dir::State::status "$state/status";
Dir::Cache "$state/cache";
Dir::Log "$state/log";
CONF
  } > "$state/apt.conf"
  export APT_CONFIG=$state/apt.conf
}

choose() {
  local name
  for name in ${1//|/ }; do
    if [[ $(apt-cache policy "$name") == *'  Candidate: '[^\(]* ]]; then printf '%s\n' "$name"; return; fi
  done
  die 125 "no package for $arch: ${1//|/ or }"
}

main() {
  local wanted="$*" entry deb
  if [[ -e $folder/.complete && $(< "$folder/.complete") == "$wanted" ]]; then return; fi
  say "${bold}Unpacking $# packages for $arch${plain} to ${folder#"$root"/}"
  mkdir -p "${log%/*}"
  configure_apt
  apt-get update > "$log" 2>&1 || { tail -5 "$log" >&2; die 125 "cannot fetch the package lists for $arch"; }
  local -a chosen=()
  for entry in "$@"; do chosen+=("$(choose "$entry")"); done
  (cd "$state/cache" && apt-get download "${chosen[@]}") >> "$log" 2>&1 ||
    { tail -5 "$log" >&2; die 125 "cannot download packages for $arch"; }
  for deb in "$state"/cache/*.deb; do dpkg-deb -x "$deb" "$folder"; done
  rm -rf "$state"
  printf '%s\n' "$wanted" > "$folder/.complete"
}

main "$@"
