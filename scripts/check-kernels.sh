#!/usr/bin/env bash
# scripts/check-kernels.sh - every kernel file is valid OpenCL C 1.2 for each vector width, for the
# tiles of CPUs and those of GPUs, with warnings as errors.
set -euo pipefail
cd "$(dirname "$0")/.."
clang=${CLANG:-clang}
status=0 files=0

for file in cl_kernels/*.cl; do
  files=$((files + 1)) std=CL1.2
  [ "$file" != cl_kernels/subgroup_gpu.cl ] || std=CL2.0 # the built-ins of sub-groups
  for width in 4 8 16; do
    for tile in "-DTILE_X=1 -DTILE_Y=1 -DFLAT_X=64" "-DTILE_X=8 -DTILE_Y=8 -DFLAT_X=64"; do
      # shellcheck disable=SC2086 # options are words
      "$clang" -x cl -cl-std="$std" -Xclang -finclude-default-header -fsyntax-only -Wall -Wextra \
        -Wno-unused-function -Wno-unknown-pragmas -Werror -Icl_kernels -DVW=$width $tile "$file" ||
        { echo "$file: not valid with VW=$width $tile" >&2; status=1; }
    done
  done
done
[ $status = 0 ] && echo "kernels: fine ($files files)"
exit $status
