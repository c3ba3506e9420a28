#!/usr/bin/env bash
# scripts/check-layers.sh - every #include follows the arrows of the house: a module sees the public
# headers of the modules below it and its own private ones; CL/ belongs to runtime. Numbers in text go
# through core (nas_number_read, nas_text_json_number), for the C library follows the program's locale.
set -euo pipefail
cd "$(dirname "$0")/.."

awk '
BEGIN {
    # what each module may see; the arrows of CMakeLists.txt
    sees["core"] = "core"
    sees["graph"] = "core graph"
    sees["data"] = "core data"
    sees["runtime"] = "core graph data runtime"
    sees["hwmodels"] = "core graph hwmodels"
    sees["search"] = "core graph search"
    sees["viz"] = "core graph viz"
    sees["cli"] = "core graph data runtime hwmodels search viz cli"
    # whose each public header is
    split("core.h core train_keys.def core graph.h graph sketch.h graph act.def graph ops.def graph data.h data runtime.h runtime energy.h runtime " \
          "hw.h hwmodels space.h search search.h search table.h search viz.h viz", p, " ")
    for (i = 1; i in p; i += 2)
        owner[p[i]] = p[i + 1]
}
# The top folder that "../x.h", seen from a file, lies in; "" when that is outside of the tree.
function module_of(from, name,    depth, part) {
    depth = split(from, part, "/") - 1
    while (sub(/^\.\.\//, "", name))
        depth--
    return depth > 0 ? part[1] : ""
}
function complain(why) {
    printf "%s:%d: %s: %s\n", FILENAME, FNR, why, $0
    bad = 1
}
FNR == 1 {
    if (split(FILENAME, part, "/") == 3 && part[1] == "include")
        module = owner[part[3]]
    else
        module = part[1]
    if (!(module in sees))
        complain("belongs to no module")
    files++
}
/^[ \t]*#[ \t]*include/ {
    name = $0
    sub(/^[ \t]*#[ \t]*include[ \t]*["<]/, "", name)
    sub(/[">].*/, "", name)
    n = split(name, at, "/")
    if (at[1] == "CL") {
        if (module != "runtime")
            complain("OpenCL outside of runtime")
    } else if (at[1] == "nas") {
        if (!(at[2] in owner))
            complain("no public header of that name")
        else if (index(" " sees[module] " ", " " owner[at[2]] " ") == 0)
            complain(module " must not see " owner[at[2]])
    } else if (name ~ /^\.\.\//) {
        if (module_of(FILENAME, name) != module)
            complain("leaves its module")
    } else if (n > 1 && at[1] in sees && at[1] != module && name != "core/embedded.h") {
        complain("private header of " at[1])
    }
}
END {
    if (!bad)
        printf "layers: fine (%d files)\n", files
    exit bad
}
' $(find core graph data runtime hwmodels search viz cli include -name '*.[ch]' | sort)

if grep -nE '\b(strto(d|f|ld)|atof)\(|scanf\(.*%[0-9*]*l?[aefg]|%\.(9|17)g' \
    $(find graph data runtime hwmodels search viz cli -name '*.[ch]' | sort); then
    echo "numbers: read and written by the locale; use nas_number_read and nas_text_json_number"
    exit 1
fi
echo "numbers: fine"
