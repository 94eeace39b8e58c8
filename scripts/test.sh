#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test. The last line is `N passed, N failed`.
# QUOIN_SKIP_ASAN=1 leaves the sanitizer build out; QUOIN_SHAPES=N sets how many shapes the differential test draws;
# QUOIN_CPU=x86-64-v3 takes the machine for one of that level throughout.
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
# Counts what the last line of a log says: `N passed, N failed`.
totals() {
  if [[ $(tail -n 1 "$2") =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
    count "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}"
  else
    count 0 1
    echo "FAIL $1: no totals"
  fi
}
# Runs a command that ends with such a line.
suite() {
  local name=$1 log
  shift
  log=$(mktemp)
  "$@" 2>&1 | tee "$log"
  totals "$name" "$log"
  rm -f "$log"
}
# Runs files of Python that do, two at a time, which share the cores: so no core waits for the last test of each file.
suites() {
  local logs file
  logs=$(mktemp -d)
  printf '%s\n' "$@" | QUOIN_JOBS=$((($(nproc) + 1) / 2)) xargs -P 2 -I{} bash -c \
    'log=$2/$(basename "$1"); python3 "$1" >"$log" 2>&1; flock "$2" cat "$log"' _ {} "$logs"
  for file in "$@"; do totals "$file" "$logs/$(basename "$file")"; done
  rm -rf "$logs"
}
# Runs GoogleTest programs, as many at once as there are cores, and counts their tests.
unit() {
  local program log ok bad status logs
  logs=$(mktemp -d)
  printf '%s\n' "$@" | xargs -P "$(nproc)" -I{} bash -c \
    '"$1" --gtest_brief=1 >"$2/$(basename "$1")" 2>&1; echo $? >"$2/$(basename "$1").status"' _ {} "$logs"
  for program in "$@"; do
    log=$logs/$(basename "$program")
    status=$(cat "$log.status")
    ok=$(sed -n 's/^\[  PASSED  \] \([0-9]*\) test.*/\1/p' "$log" | tail -n 1)
    bad=$(sed -n 's/^\[  FAILED  \] \([0-9]*\) test.*/\1/p' "$log" | tail -n 1)
    [ "$status" -ne 0 ] && [ "${bad:-0}" -eq 0 ] && bad=1
    echo "$(basename "$program"): ${ok:-0} passed, ${bad:-0} failed"
    # What the machine cannot run, and why.
    grep -A 1 ': Skipped$' "$log" | grep -v -e ': Skipped$' -e '^--$' | sort | uniq -c | sed 's/^ */  skipped /; s/ / times: /4'
    [ "${bad:-0}" -gt 0 ] && tail -n 40 "$log"
    count "${ok:-0}" "${bad:-0}"
  done
  rm -rf "$logs"
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
if [ -n "${QUOIN_CPU:-}" ]; then
  step "QUOIN_CPU=$QUOIN_CPU"
  level=$(mktemp -d)
  "$bin/quoin-compile" examples/attention.mlir -o "$level/out" --quiet && "$bin/quoin-run" "$level/out" --describe >/dev/null || { count 0 1; finish; }
  rm -rf "$level"
fi

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
# The longest first, so that none is left over at the end; what measures times has the machine to itself.
end_to_end=(test/e2e/oracle.py test/e2e/differential.py)
for test in test/e2e/*.py; do
  case $(basename "$test" .py) in harness | oracle | differential | busy) ;; *) end_to_end+=("$test") ;; esac
done
suites "${end_to_end[@]}"
suite test/e2e/busy.py python3 test/e2e/busy.py

# The levels of x86-64 below what this machine has, down to x86-64-v3: what depends on the CPU runs again on each.
lower_levels() {
  local flags
  flags=" $(sed -n 's/^flags[^:]*: *//p;/^flags/q' /proc/cpuinfo 2>/dev/null) "
  [[ $flags == *" avx512_bf16 "* ]] && echo x86-64-v4
  [[ $flags == *" avx512bw "* && $flags == *" avx512vl "* ]] && echo x86-64-v3
}
step "the same on lower levels of the CPU"
if [ -n "${QUOIN_CPU:-}" ]; then
  echo "QUOIN_CPU=$QUOIN_CPU holds for all of the above"
elif [ -z "$(lower_levels)" ]; then
  echo "this machine has no AVX-512: the above ran on x86-64-v3 or below"
fi
for level in $([ -n "${QUOIN_CPU:-}" ] || lower_levels); do
  export QUOIN_CPU=$level
  echo "-- $level"
  unit "$bin"/Cpu*Test "$bin"/WholeTest "$bin"/Function*Test "$bin"/HalideTest
  one "lit/tools ($level)" "$(sed -n 's/^LLVM_EXTERNAL_LIT:[A-Z]*=//p' build/release/CMakeCache.txt)" -q build/release/test --filter tools/
  for test in attention precision batching whole_numbers; do suite "$test.py ($level)" python3 "test/e2e/$test.py"; done
  unset QUOIN_CPU
done

if [ "${QUOIN_SKIP_ASAN:-0}" != 1 ]; then
  step "unit tests under the address and undefined-behaviour sanitizers"
  if scripts/build.sh asan sanitized-tests; then unit build/asan/bin/*Test build/asan/bin/*Tests; else count 0 1; fi

  step "fuzzers under the same sanitizers"
  suite "scripts/fuzz.sh" scripts/fuzz.sh 6
fi
finish
