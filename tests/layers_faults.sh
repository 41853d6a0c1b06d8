#!/bin/sh
# layers_faults.sh: layers.sh passes a tree without faults and fails on each kind of fault.
here=$(cd "$(dirname "$0")" && pwd)
tree=$(mktemp -d) || exit 1
trap 'rm -rf "$tree"' EXIT

clean_tree()
{
    rm -rf "$tree"/*
    mkdir -p "$tree/src/util" "$tree/src/model" "$tree/src/formats" "$tree/include/cril" "$tree/cli"
    echo '#include "util/b.h"' >"$tree/src/util/a.h"
    echo '#include <cril/status.h>' >"$tree/src/util/b.h"
    echo '#include "formats/gguf.h"' >"$tree/src/formats/gguf.c"
    echo '#include "util/a.h"' >"$tree/src/model/model.c"
    echo '#include <stdint.h>' >"$tree/include/cril/status.h"
    echo '#include <cril/status.h>' >"$tree/cli/main.c"
}

# expect_fault SENTENCE: of the tree as it is now.
expect_fault()
{
    if sh "$here/layers.sh" "$tree" >"$tree/out" 2>&1; then
        echo "layers.sh passes a tree where $1" >&2
        exit 1
    fi
    grep -q "^layers: $1" "$tree/out" || { cat "$tree/out" >&2; exit 1; }
    clean_tree
}

clean_tree
sh "$here/layers.sh" "$tree" || exit 1

echo '#include "model/model.h"' >>"$tree/src/util/a.h"
expect_fault "an include goes up or sideways"
echo '#include "util/a.h"' >>"$tree/cli/main.c"
expect_fault "an include goes up or sideways"
echo '#include "a.h"' >>"$tree/src/util/b.h"
expect_fault "files include each other"
echo '#include <cril/token.h>' >>"$tree/include/cril/status.h"
echo '#include <cril/status.h>' >>"$tree/include/cril/token.h"
expect_fault "files include each other"
echo '#include "util/a.h"' >>"$tree/src/util/a.h"
expect_fault "a file includes itself"
echo 'void f(const struct gguf_kv *kv);' >>"$tree/src/model/model.c"
expect_fault "GGUF is known outside src/formats"
echo '#include "formats/gguf.h"' >>"$tree/src/model/model.c"
expect_fault "GGUF is known outside src/formats"
echo '#include <curl/curl.h>' >>"$tree/src/model/model.c"
expect_fault "libcurl is known outside src/fetch/http.c"
