#!/usr/bin/env bash
# Installs what Quoin builds with on Debian 12 (or newer): MLIR/LLVM 22, clang-22, lld-22, test libraries, and
# Halide, Jinja and gguf for the tests, into build/halide, build/jinja2 and build/gguf. Idempotent.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(
  libmlir-22-dev mlir-22-tools llvm-22-dev llvm-22-tools liblld-22-dev
  clang-22 lld-22 clang-format-22 clang-tidy-22 libclang-rt-22-dev
  cmake ninja-build ccache pkg-config
  g++-aarch64-linux-gnu qemu-user # run code for AArch64 in a test, which skips that without them
  libgtest-dev libgmock-dev nlohmann-json3-dev libcli11-dev libcpp-httplib-dev libutf8proc-dev
  python3 unicode-data bzip2
)

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
# Any pip will do, wherever it comes from; it is for Halide alone.
[ "${QUOIN_SKIP_HALIDE:-0}" = 1 ] || python3 -m pip --version >/dev/null 2>&1 || missing+=(python3-pip)
if [ ${#missing[@]} -gt 0 ]; then
  echo "deps: installing ${missing[*]}"
  sudo=""
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "error: expects to run as root or with sudo to install: ${missing[*]}" >&2; exit 1; }
    sudo="sudo"
  fi
  $sudo apt-get update -qq
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

# Halide is a second opinion in the tests and a peer in bench/, nothing that Quoin needs: where it cannot be had, what uses
# it is skipped and says so. QUOIN_SKIP_HALIDE=1 does not ask for it.
halide=build/halide
if [ ! -e "$halide/halide/include/Halide.h" ] && [ "${QUOIN_SKIP_HALIDE:-0}" != 1 ]; then
  part=$halide.part
  rm -rf "$part"
  if python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-deps --target "$part" halide==21.0.0 2>/dev/null; then
    rm -rf "$halide"
    mv "$part" "$halide"
    echo "deps: Halide 21 is in $halide"
  else
    rm -rf "$part"
    echo "deps: Halide cannot be had here; its tests and benchmarks will be skipped"
  fi
fi

# Jinja checks the evaluator of chat templates, in a test that is skipped and says so where it cannot be had.
jinja=build/jinja2
if [ ! -e "$jinja/jinja2/__init__.py" ] && [ "${QUOIN_SKIP_JINJA:-0}" != 1 ]; then
  part=$jinja.part
  rm -rf "$part"
  if python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --target "$part" jinja2==3.1.6 2>/dev/null; then
    rm -rf "$jinja"
    mv "$part" "$jinja"
    echo "deps: Jinja is in $jinja"
  else
    rm -rf "$part"
    echo "deps: Jinja cannot be had here; its test will be skipped"
  fi
fi

# What GGUF files mean, by those who write them, in a test that is skipped and says so where it cannot be had.
gguf=build/gguf
if [ ! -e "$gguf/gguf/__init__.py" ] && [ "${QUOIN_SKIP_GGUF:-0}" != 1 ]; then
  part=$gguf.part
  rm -rf "$part"
  if python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-deps --target "$part" gguf==0.19.0 numpy pyyaml 2>/dev/null; then
    rm -rf "$gguf"
    mv "$part" "$gguf"
    echo "deps: gguf is in $gguf"
  else
    rm -rf "$part"
    echo "deps: gguf cannot be had here; its test will be skipped"
  fi
fi
echo "deps: everything is installed"
