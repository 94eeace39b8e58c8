#!/usr/bin/env bash
# Configures and builds one preset: scripts/build.sh PRESET [TARGET...]
# A build folder that does not exist yet compiles its files in batches (QUOIN_BATCHES), which is soonest done with everything; one
# that exists stays as it was configured. Whoever edits configures by `cmake --preset PRESET`, which compiles each file alone.
set -euo pipefail
cd "$(dirname "$0")/.."
preset=$1
shift
log=$(mktemp)
trap 'rm -f "$log"' EXIT
options=()
[ -f "build/$preset/CMakeCache.txt" ] || options=(-DQUOIN_BATCHES=ON)
cmake --preset "$preset" "${options[@]}" >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
targets=()
for target in "$@"; do targets+=(--target "$target"); done
echo "build: $preset" >&2
if [ -t 2 ]; then
  # One line that moves on; anything else that is printed stays.
  cmake --build --preset "$preset" "${targets[@]}" 2>&1 |
    awk '/^\[/ { printf "\r\033[K%s", $0; fflush(); next } { print "\n" $0 } END { printf "\r\033[K" }' >&2
  exit "${PIPESTATUS[0]}"
fi
cmake --build --preset "$preset" "${targets[@]}" >"$log" 2>&1 || { grep -v '^\[' "$log" >&2; exit 1; }
