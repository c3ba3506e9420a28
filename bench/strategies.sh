#!/bin/sh
# bench/strategies.sh - the strategies of clnas, then Optuna's samplers and pymoo's NSGA-II, on one table
# with one budget.
#   bench/strategies.sh BUILD TABLE.csv.gz [options of bench_strategies: --seeds N --only NAME --json …]
# PYTHON: an interpreter that has optuna and pymoo (default python3); without them only clnas runs.
set -eu
if [ $# -lt 2 ]; then
    echo "usage: bench/strategies.sh BUILD TABLE.csv.gz [--seeds N] [--multi-seeds N] [--json]" >&2
    exit 2
fi
build=$1
table=$2
shift 2
here=$(dirname "$0")
cmake --build "$build" --target bench_strategies >&2
"$build/bench/bench_strategies" "$table" "$@"
"${PYTHON:-python3}" "$here/strategies_peers.py" "$table" "$@"
