#!/bin/sh
# same_bits.sh CRIL MODELS_DIR: threads, CPU kernels and batch size change no bit of any token's nats, nor does the machine:
# MODELS_DIR/token-nats.sha256 has the hash of each model's document, position, id and nats, a line a token. UPDATE=1 writes that list anew.
set -eu
export LC_ALL=C
unset CRIL_CPU
cril=$1 models=$2
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
cat >"$tmp/c.jsonl" <<'J'
{"content": "The quick brown fox jumps over the lazy dog. Numbers: 0 1 2 3 5 8 13 21 34 55 89 144. Naïve café, 東京, Ω ≈ 3.14; and then the same fox jumps again, over the same dog, in the same field, until both are tired of it and go home."}
{"content": "x"}
{"content": "def f(n):\n    return n if n < 2 else f(n - 1) + f(n - 2)\n\n\nfor i in range(30):\n    print(i, f(i))\n"}
{"content": "$\\sum_{k=1}^n k = \\frac{n(n+1)}{2}$ holds for every $n \\ge 1$."}
J
"$cril" info --cpu >"$tmp/cpu" # a row a kernel set: name, on this CPU or not
levels=$(awk '$2 == "yes" { print $1 }' "$tmp/cpu")
awk '$2 == "no" { print "same_bits: no " $1 " here, skipped" }' "$tmp/cpu"
bad=0 n=0
for m in "$models"/tiny-*.gguf; do
    [ -f "$m" ] || continue
    n=$((n + 1)); rm -f "$tmp"/*.nats
    for cpu in $levels; do for t in 1 2 5; do for b in default 1; do
        o=$tmp/$cpu-$t-$b.nats
        set -- ; [ $b = default ] || set -- --batch $b
        CRIL_CPU=$cpu "$cril" score -q -m "$m" --context 64 --stride 24 -t $t "$@" \
            --token-nats "$o" "$tmp/c.jsonl" >/dev/null
        [ -s "$o" ] || { echo "$m: $cpu, $t threads, batch $b: no nats"; bad=1; continue; }
        cmp "$tmp/ref-1-default.nats" "$o" || { echo "$m: $cpu, $t threads, batch $b differs"; bad=1; }
    done; done; done
    sed 1d "$tmp/ref-1-default.nats" | cut -f 1-4 | sha256sum | sed "s/-$/$(basename "$m" .gguf)/" >>"$tmp/hashes"
done
[ -z "${UPDATE:-}" ] || cp "$tmp/hashes" "$models/token-nats.sha256"
diff "$models/token-nats.sha256" "$tmp/hashes" || { echo "same_bits: not the bits of numeric contract 1"; bad=1; }
[ $n -gt 0 ] || { echo "same_bits: no models in $models" >&2; exit 1; }
exit $bad
