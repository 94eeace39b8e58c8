#!/usr/bin/env bash
# Compiles a model into an object file and links it into embed.c: build.sh MODEL OUT [PREFIX]
# PREFIX is where Quoin is installed, or a build folder.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
model=$1
out=$2
prefix=${3:-$here/../../build/release}
include=$prefix/include
[ -e "$include/quoin/runtime.h" ] || include=$here/../../runtime/include
cc=${CC:-$(command -v cc || echo clang-22)}
"$prefix/bin/quoin-compile" "$model" -o "$out" --emit object
"$cc" -std=c99 -Wall -Wextra -pedantic -O2 -I "$include" -I "$out" "$here/embed.c" "$out/model.o" \
  "$prefix/lib/libquoin.a" -lutf8proc -lstdc++ -lm -ldl -lpthread -o "$out/embed"
echo "$out/embed"
