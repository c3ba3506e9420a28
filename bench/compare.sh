#!/usr/bin/env bash
# bench/compare.sh - clnas and PyTorch on the same networks, batch sizes and optimisers, one after the
# other in turn, so that what else the machine does slows both; prints the medians and their ratio.
#   bench/compare.sh [--clnas BINARY] [--python PYTHON] [--rounds N] [--nets A,B] [--work train|infer]
#                    [--device SPEC] [--json]
# PYTHON has PyTorch: Debian's python3-torch (with libopenblas0-openmp) or pip's. ratio: images a second
# of clnas over PyTorch's, the median over the rounds; share of peak: of the multiply-add rate that clnas
# measures in the same run.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
clnas=clnas python=${PYTHON:-python3} rounds=3 json='' work=() device=()
nets=cnn-small,vit-small,resnet20,mobilenetv2,deit-tiny-64,nb201
usage() { sed -n '2,8s/^# \{0,1\}//p' "$0"; }
while [ $# -gt 0 ]; do
  case $1 in
    --help) usage; exit 0 ;;
    --json) json=1; shift; continue ;;
  esac
  [ $# -gt 1 ] || { echo "compare: $1 wants a value, or is no option (--help)" >&2; exit 2; }
  case $1 in
    --clnas) clnas=$2 ;;
    --python) python=$2 ;;
    --rounds) rounds=$2 ;;
    --nets) nets=$2 ;;
    --work) work=(--work "$2") ;;
    --device) device=(--device "$2") ;;
    *) echo "compare: no option $1 (--help)" >&2; exit 2 ;;
  esac
  shift 2
done
case $rounds in '' | *[!0-9]* | 0) echo "compare: --rounds $rounds: a number from 1" >&2; exit 2 ;; esac
command -v "$clnas" >/dev/null || { echo "compare: no program $clnas (--clnas BINARY)" >&2; exit 2; }
"$python" -c 'import torch' 2>/dev/null ||
  { echo "compare: $python has no torch (apt-get install python3-torch libopenblas0-openmp; --python)" >&2; exit 1; }

# PyTorch at its best: an OpenBLAS with OpenMP's threads that chooses its kernels itself, a thread for
# every core, and memory that is not given back to the system between two steps.
openblas=/usr/lib/$(uname -m)-linux-gnu/openblas-openmp
peer() {
  env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE OMP_NUM_THREADS="${OMP_NUM_THREADS:-$(nproc)}" \
    MALLOC_TRIM_THRESHOLD_=4000000000 MALLOC_MMAP_THRESHOLD_=4000000000 MALLOC_TOP_PAD_=268435456 \
    MALLOC_ARENA_MAX=1 LD_LIBRARY_PATH="$openblas${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" \
    "$python" "$here/peer_torch.py" "$@"
}

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
for net in ${nets//,/ }; do
  for ((round = 1; round <= rounds; round++)); do
    echo "compare: $net, round $round of $rounds" >&2
    "$clnas" bench "$net" "${work[@]}" "${device[@]}" --json >"$out/$net.$round.clnas" 2>"$out/log" ||
      { cat "$out/log" >&2; exit 1; }
    peer "$net" "${work[@]}" >"$out/$net.$round.peer" 2>"$out/log" || { cat "$out/log" >&2; exit 1; }
  done
done
"$python" "$here/compare.py" "$out" "$nets" "$rounds" ${json:+--json}
