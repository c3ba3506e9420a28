#!/usr/bin/env bash
# scripts/install-deps.sh [test] - installs what clnas needs from Debian's packages, if it is not there:
# build tools, libraries, PoCL and Fashion-MNIST; with `test` also what the tests and checks use.
set -euo pipefail
packages=(build-essential cmake pkg-config ca-certificates
  ocl-icd-opencl-dev opencl-headers pocl-opencl-icd libclblast-dev
  libpng-dev libjpeg62-turbo-dev zlib1g-dev libyaml-dev libsqlite3-dev libpq-dev libcairo2-dev
  fonts-dejavu-core dataset-fashion-mnist)
if [ "${1:-}" = test ]; then
  packages+=(libcmocka-dev postgresql clang clang-format clang-tidy valgrind
    mesa-opencl-icd oclgrind)
fi
missing=()
for p in "${packages[@]}"; do
  [ "$(dpkg-query -W -f='${db:Status-Abbrev}' "$p" 2>/dev/null)" = "ii " ] || missing+=("$p")
done
[ ${#missing[@]} -gt 0 ] || exit 0
echo "installing: ${missing[*]}" >&2
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "not root and no sudo: install by hand: ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq >&2
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
