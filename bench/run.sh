#!/usr/bin/env bash
# Times everything on this machine and prints tables: bench/run.sh [PART...], parts being steps, attention, orders, kernels and llama.
# Results go to build/bench/*.json; bench/baseline.py compares them with those in bench/baselines. A peer that is not here is
# left out and named: Halide (scripts/deps.sh), PyTorch (any Python that imports torch, named by PYTHON), llama.cpp (fetched
# and built by bench/peers/llama.py).
set -euo pipefail
cd "$(dirname "$0")/.."
parts=("$@")
[ ${#parts[@]} -gt 0 ] || parts=(steps attention orders kernels llama)
export QUOIN_BIN=${QUOIN_BIN:-$PWD/build/release/bin}
python=${PYTHON:-python3}
out=build/bench
mkdir -p "$out"

# A model of a case's shape, made and compiled once.
model() {
  local folder=$out/$1-$2
  if [ ! -e "$folder" ] || [ "$folder" -ot "$QUOIN_BIN/quoin-bench" ]; then
    "$QUOIN_BIN/quoin-bench" --config "bench/$1/config.json" --random --weights "$2" --keep "$folder" --rows 1 --threads 1 --budget 0.01 >/dev/null
  fi
  echo "$folder"
}

for part in "${parts[@]}"; do
  case $part in
  steps)
    for case in "qwen3-50m f32" "qwen3-50m bf16" "qwen3-0.6b bf16"; do
      read -r name weights <<<"$case"
      echo "== a step of $name, weights $weights, 512 cached tokens"
      "$QUOIN_BIN/quoin-bench" "$(model "$name" "$weights")" --json "$out/steps-$name-$weights.json"
    done
    ;;
  attention)
    for dtype in ${QUOIN_BENCH_DTYPES:-f32 bf16}; do
      echo "== attention, $dtype, all cores, beside the full mask and PyTorch"
      "$python" bench/attention.py --dtype "$dtype" --json "$out/attention-$dtype.json"
    done
    ;;
  orders)
    echo "== attention over sorted tokens, f32, all cores, beside tokens as they lie"
    "$python" bench/orders.py --json "$out/orders.json"
    ;;
  kernels)
    echo "== products, attention and row programs beside intrinsics, Halide and kernels of one formula"
    "$QUOIN_BIN/bench-kernels"
    ;;
  llama)
    echo "== a step of qwen3-0.6b in bf16 beside llama.cpp's forward"
    python3 bench/peers/llama.py --threads "$(seq -s, 1 "$(nproc)")" --json "$out/llama.json"
    ;;
  *)
    echo "error: expects steps, attention, orders, kernels or llama, but found '$part'" >&2
    exit 2
    ;;
  esac
done
