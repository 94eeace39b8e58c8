#!/usr/bin/env bash
# Compiles a model into an object file and links it into embed.c: build.sh MODEL OUT [QUOIN_BUILD]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..
model=$1
out=$2
build=${3:-$root/build/release}
cc=${CC:-$(command -v cc || echo clang-22)}
cxx=${CXX:-$(command -v c++ || echo clang++-22)}
"$build/bin/quoin-compile" "$model" -o "$out" --emit object
"$cc" -std=c99 -Wall -Wextra -pedantic -O2 -c "$here/embed.c" -I "$root/runtime/include" -o "$out/embed.o"
"$cxx" "$out/embed.o" "$out/model.o" "$build/runtime/libQuoinRuntime.a" "$build/runtime/tokenizer/libQuoinTokenizer.a" \
  -lutf8proc -ldl -lpthread -o "$out/embed"
echo "$out/embed"
