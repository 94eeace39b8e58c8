#!/usr/bin/env bash
# Builds the fuzzers and runs each for some seconds: scripts/fuzz.sh [SECONDS [NAME...]]
# Inputs that break something stay in build/asan/found, inputs that reach new code in build/asan/corpus, which the next
# run starts from. The last line is `N passed, N failed`.
set -uo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
shift || true
build=build/asan
names=("$@")
if [ ${#names[@]} -eq 0 ]; then
  for file in test/fuzz/Fuzz*.cpp; do names+=("$(basename "$file" .cpp)"); done
  names=("${names[@]#Fuzz}")
fi

scripts/build.sh asan "${names[@]/#/Fuzz}" || { echo "0 passed, ${#names[@]} failed"; exit 1; }

# Runs one fuzzer over its seeds and what earlier runs found; prints one line.
run() {
  local name=$1 seconds=$2 build=$3 output="$3/Fuzz$1.log" dictionary=() status
  mkdir -p "$build/corpus/$name" "$build/found"
  [ -f "test/fuzz/dict/$name" ] && dictionary=("-dict=test/fuzz/dict/$name")
  "$build/bin/Fuzz$name" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 -verbosity=1 \
    -artifact_prefix="$build/found/$name-" "${dictionary[@]}" "$build/corpus/$name" "test/fuzz/corpus/$name" >"$output" 2>&1
  status=$?
  if [ $status -eq 0 ]; then
    echo "ok   Fuzz$name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$output") inputs"
  else
    echo "FAIL Fuzz$name: exit $status, see $output"
    grep -E 'ERROR|expects|runtime error|Test unit written' "$output" | head -n 5
  fi
}
export -f run
results=$(printf '%s\n' "${names[@]}" | xargs -P "$(nproc)" -I{} bash -c 'run "$@"' _ {} "$seconds" "$build")
echo "$results"
passed=$(grep -c '^ok ' <<<"$results")
echo "$passed passed, $((${#names[@]} - passed)) failed"
[ "$passed" -eq ${#names[@]} ]
