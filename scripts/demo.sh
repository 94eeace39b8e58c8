#!/usr/bin/env bash
# From a fresh Debian 12 machine to a block-diffusion model that answers: installs, builds, compiles the shipped model ahead of
# time, shows how a few answers fill in, and checks several hundred more.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/deps.sh
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
echo "== 200 held-out prompts of each task, 16 at a time, answers checked by a program"
python3 examples/demo/check.py prompts --count 200 --seed 7 >"$out/prompts.jsonl"
"$bin/quoin-run" "$out" --input "$out/prompts.jsonl" --max-tokens 24 --batch 16 --json >"$out/results.jsonl"
python3 examples/demo/check.py score --prompts "$out/prompts.jsonl" --results "$out/results.jsonl" --at-least 0.97
