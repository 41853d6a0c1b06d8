#!/bin/sh
# symbols.sh LIBRARY HEADERS CC: the shared library has the functions that the headers in this folder declare and no other symbol, is known by
# its SONAME, and finds what it needs by itself.
set -eu
library=$1 headers=$2 cc=$3
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
bad=0
fail() { echo "FAIL $*"; bad=1; }

nm -D --defined-only "$library" | awk '{ print $NF }' | LC_ALL=C sort >"$tmp/has"
for h in "$headers"/cril/*.h; do echo "#include <cril/${h##*/}>"; done | $cc -std=c11 -I"$headers" -E -P -x c - |
    grep -o 'cril_[a-z0-9_]*(' | tr -d '(' | LC_ALL=C sort -u >"$tmp/declared"
[ "$(wc -l <"$tmp/declared")" -gt 200 ] || fail "the headers declare too little: $(wc -l <"$tmp/declared")"
diff "$tmp/declared" "$tmp/has" || fail "the library has other symbols than the headers declare"

name=$(sed -n 's/^#define CRIL_VERSION "\([0-9]*\)\..*/\1/p' "$headers/cril/status.h")
readelf -d "$library" | grep -q "SONAME.*\[libcril.so.$name\]" || fail "its SONAME is not libcril.so.$name"
readelf -d "$library" | grep -q TEXTREL && fail "it has relocations in its text"
for h in "$headers"/cril/*.h; do echo "#include <cril/${h##*/}>"; done >"$tmp/main.c"
echo 'int main(void) { return !cril_version() || cril_cpu_check(0) != CRIL_OK; }' >>"$tmp/main.c"
$cc -std=c11 -I"$headers" "$tmp/main.c" "$library" -Wl,-rpath,"$(dirname "$library")" -o "$tmp/main" && "$tmp/main" || fail "a program cannot use it"
exit $bad
