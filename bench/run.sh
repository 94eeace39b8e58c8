#!/usr/bin/env bash
# Times the benchmark cases on this machine: bench/run.sh [PRESET]. Writes bench/results/<case>.json and prints tables.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=build/${1:-release}/bin
mkdir -p bench/results
echo "== qwen3-50m, f32, prefix 512"
"$bin/quoin-bench" --config bench/qwen3-50m/config.json --random --weights f32 --json bench/results/qwen3-50m-f32.json
echo "== qwen3-50m, bf16 weights, prefix 512"
"$bin/quoin-bench" --config bench/qwen3-50m/config.json --random --weights bf16 --json bench/results/qwen3-50m-bf16.json
if [ "${QUOIN_BENCH_LARGE:-0}" = 1 ]; then
  echo "== qwen3-0.6b, bf16 weights, prefix 512"
  "$bin/quoin-bench" --config bench/qwen3-0.6b/config.json --random --weights bf16 --json bench/results/qwen3-0.6b-bf16.json
fi
