# shellcheck shell=bash disable=SC2034  # the colours are used by whoever sources this
# How the project's scripts talk to the person who started them. Sourced.
# Everything here goes to standard error, which leaves standard output to the program that is run.

if [[ -t 2 && -z ${NO_COLOR-} && ${TERM-dumb} != dumb ]]; then
  bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m' line_start=$'\r\e[K'
else
  bold='' dim='' red='' green='' plain='' line_start=''
fi

say() { printf "%s\n" "$@" >&2; }

# die [STATUS] MESSAGE: 125 is "Carrel could not even start".
die() {
  local status=1
  if [[ $1 =~ ^[0-9]+$ ]]; then status=$1; shift; fi
  printf '%sdev: %s%s\n' "$red" "$*" "$plain" >&2
  exit "$status"
}

minutes() { printf '%d:%02d' $(($1 / 60)) $(($1 % 60)); }

# Ninja's output on standard input: its progress on one line of a terminal, or every tenth
# part in a log; everything else (warnings, errors) as it is.
show_progress() {
  local line last_tenth=-1 shown=''
  while IFS= read -r line; do
    if [[ $line =~ ^\[([0-9]+)/([0-9]+)\]\ (.*) ]]; then
      local done=${BASH_REMATCH[1]} total=${BASH_REMATCH[2]} what=${BASH_REMATCH[3]}
      # Looks at folders for new files; not worth a line.
      if [[ $what == *globbed* || $what == *'Re-running CMake'* ]]; then continue; fi
      what=${what//CMakeFiles\//}
      if [[ $line_start ]]; then
        shown=yes
        printf '%s  %s[%d/%d]%s %.*s' "$line_start" "$dim" "$done" "$total" "$plain" 80 "$what" >&2
      elif ((total >= 10 && done * 10 / total > last_tenth)); then
        last_tenth=$((done * 10 / total))
        printf '  [%d/%d] %s\n' "$done" "$total" "$what" >&2
      fi
    elif [[ $line != 'ninja: no work to do.' && $line != 'ninja: Entering directory'* && $line != '-- '* ]]; then
      if [[ $shown ]]; then printf '%s' "$line_start" >&2; shown=''; fi
      printf '%s\n' "$line" >&2
    fi
  done
  if [[ $shown ]]; then printf '%s' "$line_start" >&2; fi
}
