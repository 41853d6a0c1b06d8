#!/bin/sh
# install.sh CMAKE BUILD SOURCE CC: what is installed is whole. A program links with what "pkg-config --libs cril" says alone, and so with
# the static library; what help, manuals and "cril study init" point to is there, also once it was moved.
set -eu
cmake=$1 build=$2 source=$3 cc=$4
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
bad=0
fail() { echo "FAIL $*"; bad=1; }
"$cmake" --install "$build" --prefix "$tmp/first" >/dev/null
mv "$tmp/first" "$tmp/moved"
root=$tmp/moved cril=$tmp/moved/bin/cril

# pkg-config
PKG_CONFIG_PATH=$(dirname "$(find "$root" -name cril.pc)"):${PKG_CONFIG_PATH:-}
export PKG_CONFIG_PATH
libraries=$(dirname "$(find "$root" -name libcril.a)")
example() {
    $cc -std=c11 $(pkg-config --cflags cril) "$source/examples/score.c" "$@" -o "$tmp/score" || fail "does not link: $*"
    "$tmp/score" "$source/tests/golden/tiny-llama.gguf" "$source/tests/cli/c.jsonl" >"$tmp/out" || fail "the example does not run: $*"
    grep -q 'bits per character' "$tmp/out" || fail "the example says nothing: $*"
}
example $(pkg-config --libs cril) -Wl,-rpath,"$libraries"
example "$libraries/libcril.a" $(pkg-config --libs cril | sed 's/-lcril //')
ldd "$cril" | grep -q libcril && fail "the command needs the shared library"

# Documents: each NAME.md that a help or a manual names.
for c in $("$cril" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\)  *[A-Z].*/\1/p'); do "$cril" $c --help; done >"$tmp/help"
"$cril" study init --help >>"$tmp/help"
cat "$source"/man/*.1 >>"$tmp/help"
names=$(grep -o '[a-z_]*\.md' "$tmp/help" | sort -u)
[ -n "$names" ] || fail "no document is named"
for name in $names; do [ -f "$root/share/doc/cril/$name" ] || fail "$name is not installed"; done
[ -f "$root/share/doc/cril/examples/paper/study.yaml" ] || fail "the example of a study is not installed"

# Corpora
"$cril" study init >"$tmp/study.yaml"
paths=$(sed -n 's/^  - {path: \([^,]*\.jsonl\),.*/\1/p' "$tmp/study.yaml")
[ "$(echo "$paths" | wc -l)" = 3 ] || fail "study init names other corpora"
for path in $paths; do [ -f "$path" ] || fail "study init: $path is not there"; done
mkdir "$tmp/models"; cp "$source/tests/golden/tiny-llama.gguf" "$tmp/models"
sed 's/^  - {*name: document.*/  - {name: document, context: 128}/; s/^  - document.*/  - {name: document, context: 128}/' "$tmp/study.yaml" >"$tmp/small.yaml"
mv "$tmp/small.yaml" "$tmp/study.yaml" # the tiny model has no more
"$cril" study check -q "$tmp/study.yaml" || fail "what study init prints is refused"
exit $bad
