#!/usr/bin/env bash
# scripts/check-valgrind.sh BUILD - runs the tests of the modules without OpenCL under valgrind.
set -euo pipefail
build=${1:?usage: scripts/check-valgrind.sh BUILD}
for t in "$build"/tests/test_{core,data,hwmodels}_* "$build"/tests/test_graph_framework; do
  [ -x "$t" ] || continue
  case $t in *_fpga | *_fit) continue ;; esac # assert times; the sanitizers cover them
  (cd "$build/tests" && valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite \
    "../tests/$(basename "$t")" >valgrind.log 2>&1) || { tail -n 60 "$build/tests/valgrind.log"; echo "valgrind: $t" >&2; exit 1; }
  echo "valgrind clean: $(basename "$t")"
done
