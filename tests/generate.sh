#!/bin/sh
# generate.sh CHECK ARCHIVE MODELS_DIR CRIL: greedy texts of tiny models of every architecture, by CHECK, the program generate_same. ARCHIVE holds
# folders. Some GGUF files of MODELS_DIR have the same texts on every kernel set that this CPU has.
check=$1 archive=$2 models=$3 cril=$4 want=36
unset CRIL_CPU
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
tar -xJf "$archive" -C "$dir" || exit 1

failed=0 n=0
for config in $(find "$dir" -name config.json | sort); do
    n=$((n + 1))
    out=$("$check" "${config%/config.json}" 2>&1) || { echo "$out"; failed=1; }
done
[ "$n" = "$want" ] || { echo "generate: $n folders, not $want"; failed=1; }

for m in "$models"/tiny-gemma3.gguf "$models"/tiny-llama-mixed.gguf "$models"/tiny-llama-window.gguf; do
    for cpu in $("$cril" info --cpu | awk '$2 == "yes" { print $1 }'); do
        out=$(CRIL_CPU=$cpu "$check" "$m" "$dir/$cpu" 2>&1) || { echo "$out"; failed=1; }
        cmp "$dir/ref" "$dir/$cpu" || { echo "generate: $m: $cpu has other texts"; failed=1; }
    done
done
[ -s "$dir/ref" ] || { echo "generate: no models in $models"; failed=1; }
exit $failed
