#!/bin/sh
# score.sh [-n REPEATS] [-t THREADS] [-b BYTES] LLAMA_SCORE MODEL.gguf...
#
# Forward tokens per second of `cril score` and of llama.cpp's library on the same work: the same ids in windows of
# 1900 every 512, logits for scored tokens only. LLAMA_SCORE is a program that is called as
#   llama_score MODEL.gguf IDS CONTEXT STRIDE THREADS
# and prints JSON with "scored", "nats" and "forward_tps". The runs alternate, so that both see the same machine; each
# figure is a median. CSV to standard output: one row a model.
set -eu
repeats=5 threads=$(nproc) bytes=20000
while getopts n:t:b: o; do case $o in
    n) repeats=$OPTARG ;; t) threads=$OPTARG ;; b) bytes=$OPTARG ;; *) exit 2 ;;
esac; done
shift $((OPTIND - 1))
[ $# -ge 2 ] || { sed -n '2s/^# /usage: /p' "$0" >&2; exit 2; }
peer=$1; shift
root=$(cd "$(dirname "$0")/.." && pwd)
cril=${CRIL:-$root/build/cril}
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
head -c "$bytes" "$root/data/corpora/encyclopedia.jsonl" >"$tmp/text.txt"

# number KEY FILE: the first number that stands behind "KEY":
number() { sed -n "s/.*\"$1\": *\([-0-9.e+]*\).*/\1/p" "$2" | head -n 1; }
median() { sort -g "$1" | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

kernels=$("$cril" --version | sed "s/.*kernels *//")
cpu=$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -n 1)
echo "model,scored_tokens,cril_nats,llama_nats,cril_tps,llama_tps,ratio,repeats,threads,kernels,cpu"
for model; do
    "$cril" tokenize -m "$model" --special --add-special "$tmp/text.txt" >"$tmp/ids"
    : >"$tmp/ours"; : >"$tmp/theirs"
    for i in $(seq "$repeats"); do
        "$cril" score -q -m "$model" -t "$threads" --protocol hkust --json "$tmp/text.txt" >"$tmp/a.json"
        "$peer" "$model" "$tmp/ids" 1900 512 "$threads" >"$tmp/b.json"
        [ "$(number scored_tokens "$tmp/a.json")" = "$(number scored "$tmp/b.json")" ] ||
            { echo "score.sh: $model: the programs did not score the same tokens" >&2; exit 1; }
        awk "BEGIN { print $(number forward_tokens "$tmp/a.json") / $(number seconds "$tmp/a.json") }" >>"$tmp/ours"
        number forward_tps "$tmp/b.json" >>"$tmp/theirs"
    done
    a=$(median "$tmp/ours") b=$(median "$tmp/theirs")
    echo "$(basename "$model"),$(number scored "$tmp/b.json"),$(number nats "$tmp/a.json"),$(number nats "$tmp/b.json"),$a,$b,$(
        awk "BEGIN { printf \"%.2f\", $a / $b }"),$repeats,$threads,$kernels,$cpu"
done
