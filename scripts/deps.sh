#!/usr/bin/env bash
# Installs what Quoin builds with on Debian 12 (or newer): MLIR/LLVM 22, clang-22, lld-22, test libraries. Idempotent.
set -euo pipefail

packages=(
  libmlir-22-dev mlir-22-tools llvm-22-dev llvm-22-tools liblld-22-dev
  clang-22 lld-22 clang-format-22 clang-tidy-22 libclang-rt-22-dev
  cmake ninja-build ccache
  libgtest-dev libgmock-dev nlohmann-json3-dev libcli11-dev libutf8proc-dev
  python3
)

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
  echo "deps: everything is installed"
  exit 0
fi
echo "deps: installing ${missing[*]}"
sudo=""
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "error: expects to run as root or with sudo to install: ${missing[*]}" >&2; exit 1; }
  sudo="sudo"
fi
$sudo apt-get update -qq
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
echo "deps: done"
