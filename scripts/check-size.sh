#!/usr/bin/env bash
# scripts/check-size.sh - the size budget: 500 lines a file, 300 a kernel file, 60 a function. What
# may be larger stands with its reason in scripts/size-exceptions.txt.
set -euo pipefail
cd "$(dirname "$0")/.."

# shellcheck disable=SC2046 # no file name has a space
awk '
BEGIN {
    while ((getline line < "scripts/size-exceptions.txt") > 0)
        if (line !~ /^#/ && split(line, f, " ") >= 3)
            allowed[f[1]] = f[2]
}
function check(what, lines, limit) {
    if (what in allowed) {
        limit_of = allowed[what] + 0
        used[what] = lines > limit
    } else {
        limit_of = limit
    }
    if (lines > limit_of) {
        printf "%s: %d lines, at most %d\n", what, lines, limit_of
        bad = 1
    }
}
function end_of_file() {
    if (file != "")
        check(file, lines, file ~ /\.clh?$/ ? 300 : 500)
}
FNR == 1 {
    end_of_file()
    file = FILENAME
    start = 0
    files++
}
{ lines = FNR }
# A function begins at column 0 with a letter (a label does too) and ends with a lone brace.
/^[A-Za-z_]/ && !/^[A-Za-z_0-9]+:/ {
    start = FNR
    name = $0
    sub(/\(.*/, "", name)
    sub(/.*[ *]/, "", name)
}
/^}$/ && file !~ /\.h$/ {
    if (start)
        check(file ":" name, FNR - start + 1, 60)
    start = 0
}
END {
    end_of_file()
    for (what in allowed)
        if (!used[what]) {
            printf "scripts/size-exceptions.txt: %s is not needed\n", what
            bad = 1
        }
    if (!bad)
        printf "size: fine (%d files)\n", files
    exit bad
}
' $(find core graph data runtime hwmodels search viz cli include cl_kernels bench tests \
    -name '*.[ch]' -o -name '*.cl' -o -name '*.clh' | sort)
