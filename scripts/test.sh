#!/usr/bin/env bash
# scripts/test.sh - everything that CI runs: installs what is missing, checks the house, builds with gcc
# and clang, runs the fast tests under the sanitizers and valgrind, and all tests at last.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/install-deps.sh test
jobs=$(nproc)
step() { printf '\n== %s\n' "$*"; }

step house
scripts/check-layers.sh
scripts/check-size.sh
scripts/check-format.sh
scripts/check-headers.sh
scripts/check-kernels.sh

step "clang, warnings as errors; clang-tidy"
CC=clang cmake -S . -B build/clang -DCMAKE_BUILD_TYPE=Debug >/dev/null
cmake --build build/clang -j"$jobs" -- --no-print-directory -s
scripts/check-tidy.sh build/clang

step "sanitizers: tests without a device"
cmake --preset sanitize >/dev/null
cmake --build --preset sanitize -j"$jobs" -- --no-print-directory -s
ctest --preset sanitize -L fast -j"$jobs" --quiet -O build/sanitize/ctest.log || { tail -n 80 build/sanitize/ctest.log; exit 1; }
tail -n 3 build/sanitize/ctest.log

step "gcc, release"
cmake -S . -B build/release-check -DCMAKE_BUILD_TYPE=Release -DCLNAS_TESTS=OFF >/dev/null
cmake --build build/release-check -j"$jobs" -- --no-print-directory -s

step "gcc, all tests"
cmake --preset dev >/dev/null
cmake --build --preset dev -j"$jobs" -- --no-print-directory -s
scripts/check-install.sh build/dev

step "valgrind: parts without OpenCL"
scripts/check-valgrind.sh build/dev

step "portability: other OpenCL implementations"
scripts/check-portability.sh build/dev

step tests
ctest --preset dev -LE slow
