#!/usr/bin/env bash
# scripts/fuzz.sh [SECONDS [READER…]] - runs libFuzzer (needs clang) on the readers of users' files,
# 60 seconds each; `space` is one more. What it finds stays in build/fuzz/found: a file there that
# ends a run goes, made small, into tests/fuzz/corpus.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
readers=("${@:2}")
[ ${#readers[@]} -gt 0 ] || readers=(space idx cifar image table device study graph tensors)
cmake -S . -B build/fuzz -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=Dev -DCMAKE_C_FLAGS_DEV="-O1 -g" \
    -DCLNAS_FUZZ=ON > build/fuzz-configure.log
cmake --build build/fuzz -j "$(nproc)" --target fuzz_readers fuzz_space > build/fuzz-build.log
for reader in "${readers[@]}"; do
    program=build/fuzz/tests/fuzz_readers
    [ "$reader" != space ] || program=build/fuzz/tests/fuzz_space
    mkdir -p "build/fuzz/found/$reader"
    echo "== $reader"
    CLNAS_FUZZ_READER=$reader nice -n 10 "$program" -max_total_time="$seconds" -max_len=8192 \
        -rss_limit_mb=4096 -timeout=20 -print_final_stats=1 -artifact_prefix="build/fuzz/found/$reader-" \
        "build/fuzz/found/$reader" "tests/fuzz/corpus/$reader" 2>&1 | tail -n 40 |
        grep -E 'ERROR|SUMMARY|not so|stat::number_of|Test unit|^ +#[0-9]' || true
done
if compgen -G "build/fuzz/found/*-*" > /dev/null; then
    ls build/fuzz/found/*-*
    exit 1
fi
