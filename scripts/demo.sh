#!/usr/bin/env bash
# From a fresh Debian 12 machine to a block-diffusion model that answers: installs, builds, compiles the shipped model ahead of
# time, shows how a few answers fill in, and checks thousands more against the targets; fails when one is missed.
set -euo pipefail
cd "$(dirname "$0")/.."

QUOIN_SKIP_HALIDE=1 scripts/deps.sh # Halide is for tests and benchmarks
scripts/build.sh release quoin-compile quoin-run
bin=build/release/bin
out=build/demo

echo
echo "== compile examples/demo/model ahead of time"
"$bin/quoin-compile" examples/demo/model -o "$out" --set threshold=0.9
ls -l "$out" | awk 'NR > 1 { printf "   %-16s %9d bytes\n", $9, $5 }'

for prompt in "sort 5273916408 =>" "reverse 4f71a90c =>" "sum 004711+000815 =>" "sudoku ..14/.423/4.../2..1 =>"; do
  echo
  echo "== $prompt"
  "$bin/quoin-run" "$out" --prompt "$prompt" --max-tokens 24 --show-steps
done

echo
echo "== 1,000 held-out prompts of each task, 16 at a time, answers checked by a program"
prompts="$out/prompts.jsonl"
python3 examples/demo/check.py prompts --count 1000 --seed 1 >"$prompts"
# Steps of so small a model are too short to share: each run has a thread of its own, and they go on side by side.
answer() { "$bin/quoin-run" "$1" --input "$prompts" --max-tokens 24 --batch 16 --threads 1 --json "${@:3}" >"$out/$2.jsonl"; }
answer "$out" single --set threshold=1 & # no confidence is above it: only the forced token is taken
single=$!
answer "$out" parallel
"$bin/quoin-compile" examples/demo/model -o "$out-bf16" --weights bf16 --set threshold=0.9 --quiet
answer "$out-bf16" bf16
wait "$single"
python3 examples/demo/check.py score --prompts "$prompts" --results "threshold 0.9=$out/parallel.jsonl" \
  --results "threshold 0.9, bf16=$out/bf16.jsonl" --beside "one token a forward=$out/single.jsonl" \
  --at-least 0.97 --tokens-per-forward 2
echo "targets met: 97 % exact and 2 tokens a forward, in every task"
