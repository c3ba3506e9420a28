#!/usr/bin/env bash
# scripts/check-tidy.sh BUILD [FILE...] - clang-tidy with .clang-tidy over every source of the library
# and the program, or those given; BUILD is a configured build folder.
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:?usage: scripts/check-tidy.sh BUILD [FILE...]}
shift
[ -f "$build/compile_commands.json" ] || { echo "tidy: $build is not configured" >&2; exit 1; }
if [ $# -gt 0 ]; then
  files=("$@")
else
  mapfile -t files < <(find core graph data runtime hwmodels search viz cli -name '*.c' | sort)
fi

# tidy FILES-ON-STDIN OPTIONS: one process a file, as clang-tidy 14 mixes up the va_lists of several
tidy() {
  xargs -r -0 -P "$(nproc)" -n 1 "${CLANG_TIDY:-clang-tidy}" --quiet -p "$build" "$@" 2>/dev/null
}
# scripts/tidy.h names functions that these define: there it would get in the way.
bare=() others=()
for file in "${files[@]}"; do
  case $file in
    core/memory.c | core/status.c | core/yaml.c) bare+=("$file") ;;
    *) others+=("$file") ;;
  esac
done
status=0
[ ${#bare[@]} = 0 ] || printf '%s\0' "${bare[@]}" | tidy || status=1
[ ${#others[@]} = 0 ] || printf '%s\0' "${others[@]}" |
  tidy --extra-arg-before=-include --extra-arg-before="$PWD/scripts/tidy.h" || status=1
[ $status = 0 ] && echo "tidy: fine (${#files[@]} files)"
exit $status
