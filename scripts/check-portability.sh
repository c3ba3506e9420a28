#!/usr/bin/env bash
# scripts/check-portability.sh BUILD - runs op cases on other OpenCL implementations than PoCL: rusticl
# over llvmpipe, Oclgrind with its checks for data races and memory, and Intel's CPU runtime where pip
# has put one (INTEL_OPENCL=FOLDER with libintelocl.so). What is not installed is skipped, saying so.
set -euo pipefail
build=$(realpath "${1:?usage: scripts/check-portability.sh BUILD}")
test=$build/tests/test_runtime_ops_device
[ -x "$test" ] || { echo "portability: $test is not built" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export CLNAS_CACHE_DIR=$work/cache
status=0

# run NAME COMMAND...: a line when it passes, its output when it does not
run() {
  local name=$1 from=$SECONDS
  shift
  if "$@" >"$work/log" 2>&1 && ! grep -Eq 'data race|Invalid (read|write)|Uninitialized' "$work/log"; then
    echo "portability: $name: $(grep -c '^\[       OK' "$work/log") cases pass in $((SECONDS - from)) s"
  else
    tail -n 40 "$work/log"
    echo "portability: $name: FAILED" >&2
    status=1
  fi
}

# Cases of every family of kernels; more would only take longer. attention/long is not right on rusticl
# 22.3 (docs/portability.md).
cases=(conv2d/3x3_same conv2d/stride_2 conv2d/groups conv2d/depthwise matmul/nn matmul/tt matmul/shared_tn
  attention/causal attention/one_token attention/heads_of_one attention/t attention/causal_t
  attention/width_ attention/two_heads softmax layer_norm batch_norm batch_stats max_pool avg_pool global_pool act/ add/ mul/ dropout
  transpose concat slice pad expand sum_to cross_entropy correct ema embed relative)
# What the GPU's and the FPGA's kernels are asked for; odd sizes are among them.
products=(conv2d/3x3_same conv2d/stride_2 conv2d/fused_relu matmul/nn matmul/tn matmul/batch_nt)

rusticl=${RUSTICL_ICD:-/etc/OpenCL/vendors/rusticl.icd}
if [ -f "$rusticl" ]; then
  export RUSTICL_ENABLE=llvmpipe
  run "rusticl, CPU kernels" env OCL_ICD_VENDORS="$rusticl" "$test" 4 auto - "${cases[@]}"
  run "rusticl, winograd" env OCL_ICD_VENDORS="$rusticl" "$test" 8 auto winograd4 conv2d/3x3_vectors
  run "rusticl, winograd of stride 2" env OCL_ICD_VENDORS="$rusticl" "$test" 8 auto winograd_stride \
    conv2d/3x3_s2_vectors
  run "rusticl, GPU kernels" env OCL_ICD_VENDORS="$rusticl" "$test" 4 auto:as=gpu - "${products[@]}"
else
  echo "portability: rusticl: skipped, no $rusticl (mesa-opencl-icd)"
fi

if command -v oclgrind >/dev/null; then
  for how in "cpu own" "gpu tile64" "gpu tile32" "accelerator single"; do
    # shellcheck disable=SC2086 # two words
    set -- $how
    run "oclgrind, $2 of $1" oclgrind --data-races --max-errors 20 "$test" 4 "auto:as=$1" "$2" \
      matmul/nn matmul/tt matmul/row_bias conv2d/3x3_same conv2d/stride_2
  done
  run "oclgrind, panels" oclgrind --data-races --max-errors 20 "$test" 4 auto:as=cpu panels \
    matmul/nn_7 matmul/tt matmul/batch_nt matmul/batch_tn matmul/row_bias matmul/bias_residual
  run "oclgrind, winograd" oclgrind --data-races --max-errors 20 "$test" 8 auto:as=cpu winograd4 \
    conv2d/3x3_vectors
  run "oclgrind, winograd of stride 2" oclgrind --data-races --max-errors 20 "$test" 8 auto:as=cpu \
    winograd_stride conv2d/3x3_s2_edges
  run "oclgrind, other ops" oclgrind --data-races --max-errors 20 "$test" 4 auto:as=cpu own softmax/ \
    layer_norm/ batch_norm/ max_pool/ global_pool/ act/relu add/ cross_entropy/
else
  echo "portability: oclgrind: skipped, not installed"
fi

if [ -n "${INTEL_OPENCL:-}" ]; then
  mkdir "$work/icd"
  echo "$INTEL_OPENCL/libintelocl.so" >"$work/icd/intel.icd"
  intel=(env OCL_ICD_VENDORS="$work/icd" LD_LIBRARY_PATH="$INTEL_OPENCL")
  run "Intel CPU runtime" "${intel[@]}" "$test" 0 auto - "${cases[@]}"
  run "Intel CPU runtime, sub-groups" "${intel[@]}" "$test" 0 auto subgroup matmul
fi
exit $status
