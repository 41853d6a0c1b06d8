#!/bin/sh
# folder_bits.sh CRIL ARCHIVE HASHES: of tiny models that take each kind of operation, folders in ARCHIVE: kernels, threads, batch size and a
# bound of memory change no bit of any token's nats, nor does the machine (HASHES: a line a model; UPDATE=1 writes it anew); and an archive of
# each decodes, whatever kernels and threads made it and read it.
set -eu
export LC_ALL=C
unset CRIL_CPU
cril=$1 archive=$2 hashes=$3
# what each has that none before it has
models="llama-gqa
    llama-dynamic phi3-longrope qwen1-long: rotations by length, queries by position
    gemma2: caps, windows, norms behind branches
    mixtral qwen2moe: experts, a shared one
    deepseek2 deepseek3: latent attention, groups of experts
    falcon-7b falcon-40b: branches side by side
    gpt2: learned positions
    mpt bloom: biases by distance
    stablelm-2 olmo: layer norms
    granite: scales
    jamba mamba2: convolutions, scans"
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
tar -xJf "$archive" -C "$tmp"
cat >"$tmp/c.jsonl" <<'J'
{"content": "The quick brown fox jumps over the lazy dog. Numbers: 0 1 2 3 5 8 13 21 34 55 89 144. Naïve café, 東京, Ω ≈ 3.14; and then the same fox jumps again, over the same dog, in the same field, until both are tired of it and go home."}
{"content": "x"}
{"content": "def f(n):\n    return n if n < 2 else f(n - 1) + f(n - 2)\n\n\nfor i in range(30):\n    print(i, f(i))\n"}
J
printf 'The quick brown fox jumps over the lazy dog, and the dog does not mind: 0 1 2 3 5 8 13 21 34 55.\n%.0s' 1 2 3 >"$tmp/text"
levels=$("$cril" info --cpu | awk '$2 == "yes" { print $1 }')
last=$(echo "$levels" | tail -n 1)
bad=0
say() { echo "folder_bits: $*"; bad=1; }
score() { # MODEL OUT OPTION...
    m=$1 o=$2; shift 2
    "$cril" score -q -f -m "$tmp/$m" --context 300 --stride 90 --token-nats "$o" "$@" "$tmp/c.jsonl"
}
for name in $(echo "$models" | sed 's/:.*//'); do
    CRIL_CPU=ref score "$name" "$tmp/want" -t 1 >/dev/null || { say "$name does not run"; continue; }
    for cpu in $levels; do
        CRIL_CPU=$cpu score "$name" "$tmp/got" -t 3 --batch 1 >/dev/null && cmp "$tmp/want" "$tmp/got" || say "$name: $cpu differs"
    done
    least=$(score "$name" "$tmp/got" -t 2 --memory 1M 2>&1 >/dev/null | sed -n 's/.*give \([0-9]*\) MB.*/\1/p')
    least=$((${least:-1} + 1)) # what the process holds by itself differs by a few KB
    score "$name" "$tmp/got" -t 2 --memory "${least}M" >/dev/null && cmp "$tmp/want" "$tmp/got" || say "$name: with $least MB differs"
    sed 1d "$tmp/want" | cut -f 1-4 | sha256sum | sed "s/-$/$name/" >>"$tmp/hashes"
    CRIL_CPU=ref "$cril" compress -q -t 1 -m "$tmp/$name" -o "$tmp/a" "$tmp/text"
    CRIL_CPU=$last "$cril" compress -q -t 3 -m "$tmp/$name" -o "$tmp/b" "$tmp/text"
    cmp "$tmp/a" "$tmp/b" || say "$name: archives differ"
    CRIL_CPU=$last "$cril" decompress -q -t 2 -m "$tmp/$name" -o "$tmp/back" "$tmp/a" && cmp "$tmp/text" "$tmp/back" || say "$name: the archive does not decode"
    rm -f "$tmp/a" "$tmp/b" "$tmp/back"
done
[ -z "${UPDATE:-}" ] || cp "$tmp/hashes" "$hashes"
diff "$hashes" "$tmp/hashes" || say "not the bits of numeric contract 1"
exit $bad
