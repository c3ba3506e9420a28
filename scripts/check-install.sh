#!/usr/bin/env bash
# scripts/check-install.sh [BUILD] - installs the library, static (from BUILD where that is given) and
# shared, into a temporary prefix, and builds and runs an outside program on it, found by CMake and by
# pkg-config.
set -euo pipefail
build=${1:+$(realpath "$1")}
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
quietly() { "$@" >"$work/log" 2>&1 || { tail -n 40 "$work/log" >&2; return 1; }; }

# make NAME SHARED: a build folder of its own
make_build() {
  quietly cmake -S . -B "$work/$1" -DBUILD_SHARED_LIBS="$2" -DCLNAS_TESTS=OFF -DCLNAS_WERROR=OFF \
    -DCMAKE_BUILD_TYPE=Release
  quietly cmake --build "$work/$1" -j"$(nproc)"
}

# check NAME BUILD: installs it, moves it, and uses it from outside
check() {
  local prefix=$work/moved-$1 libs
  quietly cmake --install "$2" --prefix "$work/prefix-$1"
  mv "$work/prefix-$1" "$prefix"
  libs=$(dirname "$(find "$prefix" -name 'libclnas.*' | head -n 1)")

  quietly cmake -S tests/install -B "$work/outside-$1" -DCMAKE_PREFIX_PATH="$prefix"
  quietly cmake --build "$work/outside-$1"
  LD_LIBRARY_PATH=$libs "$work/outside-$1/outside" >"$work/by-cmake"

  # shellcheck disable=SC2046 # flags are words
  quietly cc -std=c11 tests/install/outside.c -o "$work/by-pc" \
    $(PKG_CONFIG_PATH=$libs/pkgconfig pkg-config --cflags --libs clnas)
  LD_LIBRARY_PATH=$libs "$work/by-pc" >"$work/by-pkg-config"

  grep -q '^raspberry-pi-4: ' "$work/by-cmake"
  cmp "$work/by-cmake" "$work/by-pkg-config"
  [ ! -e "$prefix/bin/clnas" ] || quietly "$prefix/bin/clnas" --version
  echo "install: fine ($1)"
}

if [ -z "$build" ]; then
  make_build static OFF
  build=$work/static
fi
check static "$build"
make_build shared ON
check shared "$work/shared"
