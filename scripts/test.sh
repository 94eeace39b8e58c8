#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test. The last line is `N passed, N failed`.
# QUOIN_SKIP_ASAN=1 leaves the sanitizer build out; QUOIN_SHAPES=N sets how many shapes the differential test draws.
set -uo pipefail
cd "$(dirname "$0")/.."

passed=0
failed=0
step() { printf '\n== %s\n' "$1"; }
count() { passed=$((passed + $1)); failed=$((failed + $2)); }
# Runs a command that counts as one test.
one() {
  local name=$1
  shift
  if "$@"; then count 1 0; echo "ok   $name"; else count 0 1; echo "FAIL $name"; fi
}
# Runs a command whose last line is `N passed, N failed`.
suite() {
  local name=$1 log
  shift
  log=$(mktemp)
  "$@" 2>&1 | tee "$log"
  if [[ $(tail -n 1 "$log") =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
    count "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}"
  else
    count 0 1
    echo "FAIL $name: no totals"
  fi
  rm -f "$log"
}
# Runs GoogleTest programs and counts their tests.
unit() {
  local program log ok bad
  for program in "$@"; do
    log=$(mktemp)
    "$program" --gtest_brief=1 >"$log" 2>&1
    local status=$?
    ok=$(sed -n 's/^\[  PASSED  \] \([0-9]*\) test.*/\1/p' "$log" | tail -n 1)
    bad=$(sed -n 's/^\[  FAILED  \] \([0-9]*\) test.*/\1/p' "$log" | tail -n 1)
    [ "$status" -ne 0 ] && [ "${bad:-0}" -eq 0 ] && bad=1
    echo "$(basename "$program"): ${ok:-0} passed, ${bad:-0} failed"
    [ "${bad:-0}" -gt 0 ] && tail -n 40 "$log"
    count "${ok:-0}" "${bad:-0}"
    rm -f "$log"
  done
}
finish() {
  printf '\n%d passed, %d failed\n' "$passed" "$failed"
  [ "$failed" -eq 0 ]
  exit
}

step "dependencies"
scripts/deps.sh || { count 0 1; finish; }

step "build (release)"
scripts/build.sh release || { count 0 1; finish; }
bin=build/release/bin
export QUOIN_BIN="$PWD/$bin"

step "formatting"
one "clang-format-22" bash -c 'git ls-files "*.cpp" "*.h" "*.c" | xargs clang-format-22 --dry-run --Werror'

step "lit"
log=$(mktemp)
cmake --build --preset release --target check-quoin 2>&1 | tee "$log" | tail -n 30
ok=$(sed -n 's/^ *Passed *: *\([0-9]*\).*/\1/p' "$log" | tail -n 1)
bad=$(sed -n 's/^ *Failed *: *\([0-9]*\).*/\1/p' "$log" | tail -n 1)
[ -z "$ok" ] && [ -z "$bad" ] && bad=1
count "${ok:-0}" "${bad:-0}"
rm -f "$log"

step "unit tests"
shopt -s nullglob
unit "$bin"/*Test "$bin"/*Tests

step "end to end"
for test in test/e2e/*.py; do
  [ "$(basename "$test")" = harness.py ] && continue
  suite "$test" python3 "$test"
done

if [ "${QUOIN_SKIP_ASAN:-0}" != 1 ]; then
  step "unit tests under the address and undefined-behaviour sanitizers"
  if scripts/build.sh asan sanitized-tests; then unit build/asan/bin/*Test build/asan/bin/*Tests; else count 0 1; fi

  step "fuzzers under the same sanitizers"
  suite "scripts/fuzz.sh" scripts/fuzz.sh 12
fi
finish
