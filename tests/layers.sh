#!/bin/sh
# layers.sh [ROOT]: an #include goes down the layer table or stays in its own folder; cli/ sees only
# cril/*.h and its own headers. Prints every line that breaks this.
cd "${1:-$(dirname "$0")/..}" || exit 1
find src cli -name '*.[ch]' | sort | xargs awk '
BEGIN {
    n = split("util:0 tensor:1 entropy:1 stats:1 corpus:1 fetch:1 formats:2 kernels:2 tokenizer:3 model:4 " \
              "score:5 codec:6 tasks:6 study:7 report:8", row, " ")
    for (i = 1; i <= n; i++) { split(row[i], f, ":"); level[f[1]] = f[2] + 1 }
}
function bad(why) { printf "%s:%d: %s (%s)\n", FILENAME, FNR, $0, why; failed = 1 }
/^[ \t]*#[ \t]*include/ {
    h = $0; sub(/^[ \t]*#[ \t]*include[ \t]*/, "", h)
    quoted = substr(h, 1, 1) == "\""
    h = substr(h, 2); sub(/[>"].*/, "", h)
    split(FILENAME, at, "/"); split(h, to, "/")
    if (h ~ /^cril\//) next
    if (h ~ /\.\.\//) { bad("a path with ..") ; next }
    if (at[1] == "cli") {
        if (quoted && h ~ /\//) bad("cli includes only cril/*.h and its own headers")
        else if (level[to[1]]) bad("cli includes only cril/*.h and its own headers")
        next
    }
    if (!(at[2] in level)) { bad("folder " at[2] " is not in the layer table"); next }
    if (!quoted || to[1] == at[2] || h !~ /\//) next
    if (!(to[1] in level)) { if (at[2] != "kernels") bad("folder " to[1] " is not in the layer table"); next }
    if (level[to[1]] >= level[at[2]]) bad(at[2] " may not include " to[1])
}
END { exit failed }' || { echo "layers: an include goes up or sideways" >&2; exit 1; }
