#!/bin/sh
# scripts/check-optuna.sh - writes a study store with clnas and reads it with Optuna.
#
# Usage: scripts/check-optuna.sh [BUILD]      (BUILD: build folder, default "build")
# With CLNAS_TEST_URL and CLNAS_EMPTY_URL, addresses of two empty PostgreSQL databases, the store is made
# in the first and Optuna's own tables, to compare, in the second; else the store is a file.
# PYTHON chooses the interpreter. Exits 77 (skipped) where Python, Optuna or the test is missing.
set -eu

build=${1:-build}
python=${PYTHON:-python3}
here=$(cd "$(dirname "$0")/.." && pwd)

skip() {
    echo "check-optuna: skipped: $1"
    exit 77
}

command -v "$python" >/dev/null 2>&1 || skip "there is no $python"
"$python" -c 'import optuna, sqlalchemy' 2>/dev/null || skip "$python has no optuna (pip install optuna)"
writer=$(find "$build" -type f -name test_search_store 2>/dev/null | head -n 1)
[ -n "$writer" ] || skip "test_search_store is not built in $build"

if [ -n "${CLNAS_TEST_URL:-}" ]; then
    "$python" -c 'import psycopg' 2>/dev/null || skip "$python has no psycopg (pip install psycopg[binary])"
    CLNAS_TEST_STORE="$CLNAS_TEST_URL" "$writer"
    "$python" "$here/tests/optuna/check_optuna.py" "$CLNAS_TEST_URL" "$CLNAS_EMPTY_URL"
    exit
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
CLNAS_TEST_STORE="$folder/study.db" "$writer"
"$python" "$here/tests/optuna/check_optuna.py" "$folder/study.db"
