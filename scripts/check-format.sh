#!/usr/bin/env bash
# scripts/check-format.sh - every C file is formatted as .clang-format says, by clang-format 14: other
# versions format differently. scripts/check-format.sh --fix formats them.
set -euo pipefail
cd "$(dirname "$0")/.."
pinned=14
tool=$(command -v clang-format-$pinned || command -v clang-format || true)
[ -n "$tool" ] || { echo "format: clang-format $pinned is not installed" >&2; exit 1; }
"$tool" --version | grep -q "version $pinned\." ||
  { echo "format: clang-format $pinned is wanted, this is $("$tool" --version)" >&2; exit 1; }

mapfile -t files < <(find core graph data runtime hwmodels search viz cli bench tests -name '*.[ch]' | sort)
if [ "${1:-}" = --fix ]; then
  "$tool" -i "${files[@]}"
else
  "$tool" --dry-run -Werror "${files[@]}"
  echo "format: fine (${#files[@]} files)"
fi
