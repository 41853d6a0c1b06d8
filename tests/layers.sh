#!/bin/sh
# layers.sh [ROOT]: what the #include lines of src/, include/ and cli/ must keep to. Prints every line or circle that breaks a rule:
# - an #include goes down the layer table or stays in its own folder;
# - cli/ includes only cril/*.h and its own headers;
# - no file includes itself, by whatever way;
# - only src/formats knows the readers of file formats and their types.
cd "${1:-$(dirname "$0")/..}" || exit 1
status=0
fail()
{
    echo "layers: $1" >&2
    status=1
}

find src cli -name '*.[ch]' | sort | xargs awk '
BEGIN {
    n = split("util:0 tensor:1 entropy:1 stats:1 corpus:1 fetch:1 gather:2 formats:2 kernels:2 tokenizer:3 model:4 " \
              "score:5 codec:6 tasks:6 sandbox:1 leak:7 sample:8 study:8 report:9", row, " ")
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
END { exit failed }' || fail "an include goes up or sideways"

# The graph of files, one "from to" a line, for tsort, which names the files of each circle and sees none of a single file.
includes=$(find src include cli -name '*.[ch]' | sort | xargs awk '
/^[ \t]*#[ \t]*include[ \t]*("|<cril\/)/ {
    h = $0; sub(/^[^"<]*["<]/, "", h); sub(/[>"].*/, "", h)
    folder = FILENAME; sub(/[^\/]*$/, "", folder)
    print FILENAME, h ~ /^cril\// ? "include/" h : h ~ /\// ? "src/" h : folder h
}')
if echo "$includes" | awk '$1 == $2 { print; own = 1 } END { exit !own }'; then
    fail "a file includes itself"
fi
circles=$(echo "$includes" | tsort 2>&1 >/dev/null) || fail "files include each other
$circles"

if grep -rnE --include='*.[ch]' 'struct (cril_)?gguf_|formats/gguf' src cli | grep -v '^src/formats/'; then
    fail "GGUF is known outside src/formats"
fi
if grep -rn --include='*.[ch]' 'curl/curl.h' src include cli | grep -v '^src/fetch/http.c:'; then
    fail "libcurl is known outside src/fetch/http.c"
fi
exit $status
