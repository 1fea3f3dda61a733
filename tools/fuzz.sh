#!/usr/bin/env bash
# fuzz.sh SECONDS [NAME...]: runs the programs build/fuzz/bin/NAME_fuzz, as many at a time as there
# are processors. What they find is kept: new inputs in build/fuzz/corpus, crashes in
# build/fuzz/crashes.
set -euo pipefail
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
. "$root/tools/terminal.sh"

tree=$root/build/fuzz
seconds=$1
shift

run_one() {
  local name=$1 log=$tree/log/$1.log
  local -a inputs=("$tree/corpus/$name") options=()
  mkdir -p "${inputs[0]}"
  if [[ -d $root/fuzz/corpus/$name ]]; then inputs+=("$root/fuzz/corpus/$name"); fi
  if [[ -e $root/fuzz/$name.dict ]]; then options+=("-dict=$root/fuzz/$name.dict"); fi
  if "$tree/bin/$name" "${options[@]}" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
    -print_final_stats=1 -artifact_prefix="$tree/crashes/$name-" "${inputs[@]}" > "$log" 2>&1 < /dev/null; then
    local runs coverage
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    coverage=$(sed -n 's/.* cov: \([0-9]*\).*/\1/p' "$log" | tail -1)
    say "  $(printf '%-24s %10s inputs, %s edges reached' "$name" "$runs" "$coverage")"
  else
    say "${red}  $name failed:${plain}"
    grep -vE '^#[0-9]+' "$log" | tail -60 >&2
    return 1
  fi
}

main() {
  local program running=0 status=0
  local -a names=()
  for program in "$@"; do names+=("${program%_fuzz}_fuzz"); done
  if ((${#names[@]} == 0)); then
    for program in "$tree"/bin/*_fuzz; do names+=("${program##*/}"); done
  fi
  mkdir -p "$tree"/{log,crashes}
  say "Fuzzing ${#names[@]} targets for $seconds s each"
  for program in "${names[@]}"; do
    if ((running == $(nproc))); then wait -n || status=1; running=$((running - 1)); fi
    run_one "$program" &
    running=$((running + 1))
  done
  while ((running)); do wait -n || status=1; running=$((running - 1)); done
  return $status
}

main "$@"
