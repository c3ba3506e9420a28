#!/usr/bin/env bash
# scripts/quickstart.sh - from nothing to a searched Pareto front on Fashion-MNIST: installs what is
# missing, builds, searches CNNs and Vision Transformers, retrains and tests the best, draws the report.
# The study is kept in runs/quickstart; stopped or killed, the same command goes on. Further arguments
# are settings of the study, e.g. scripts/quickstart.sh --trials 100
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/install-deps.sh
# another compiler may warn where ours does not: that must not stop a newcomer
cmake --preset release -DCLNAS_TESTS=OFF -DCLNAS_WERROR=OFF >/dev/null
cmake --build --preset release -j"$(nproc)"
exec build/release/clnas search examples/quickstart.yaml --out runs/quickstart "$@"
