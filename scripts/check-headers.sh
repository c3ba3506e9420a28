#!/bin/sh
# scripts/check-headers.sh - every public header compiles alone, in C11 and in C++17.
set -eu
cd "$(dirname "$0")/.."
cc=${CC:-cc}
cxx=${CXX:-c++}
flags="-fsyntax-only -Wall -Wextra -Wundef -Werror -Iinclude"
status=0

command -v "$cxx" >/dev/null 2>&1 || {
    echo "no C++ compiler ($cxx): headers are checked in C11 only"
    cxx=
}
for header in include/nas/*.h; do
    name=${header#include/}
    echo "#include <$name>" | $cc -std=c11 $flags -x c - || { echo "$name: not C11" >&2; status=1; }
    [ -n "$cxx" ] || continue
    echo "#include <$name>" | $cxx -std=c++17 $flags -x c++ - ||
        { echo "$name: not C++17" >&2; status=1; }
done
[ $status = 0 ] && echo "headers: fine"
exit $status
