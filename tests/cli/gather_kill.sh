#!/bin/sh
# gather_kill.sh CRIL: cril corpus is killed (kill -9) at random moments of its run, with 1 and 2 threads. Each time corpus
# and card are absent or whole, and the folder holds nothing else; the same command then makes the same bytes.
# KILLS: how often (default: 20). SEED: of the moments.
set -u
LC_ALL=C
export LC_ALL
case $1 in /*) cril=$1 ;; *) cril=$PWD/$1 ;; esac
kills=${KILLS:-20} seed=${SEED:-$(date +%s)}
tmp=$(mktemp -d)
trap 'cd /; rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
cd "$tmp" || exit 1
echo "$kills kills, seed $seed"
bad=0
fail() { echo "FAIL $*"; bad=1; }
certain=false # files without names work here, as kill.sh has it
[ ! -e /proc/self/fd/0 ] || case $(stat -f -c %T . 2>/dev/null) in ext2/ext3 | xfs | btrfs | tmpfs | f2fs) certain=true ;; esac

# A WET file of 2,000 pages of made-up words, some the same.
awk 'BEGIN {
    srand(1)
    for (page = 0; page < 2000; page++) {
        text = ""
        for (line = 0; line < 12; line++) {
            for (word = 0; word < 25; word++)
                text = text substr("abcdefghijklmnopqrstuvwxyz", int(rand() * 20) + 1, 3 + int(rand() * 4)) " "
            text = text ".\n"
        }
        if (page % 5 == 0) text = last
        last = text
        printf "WARC/1.0\r\nWARC-Type: conversion\r\nWARC-Record-ID: <urn:%d>\r\nWARC-Date: 2026-06-01T00:00:00Z\r\n", page
        printf "Content-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s\r\n\r\n", length(text), text
    }
}' >pages.warc.wet
mkdir tmp box
# make FOLDER THREADS: in a subshell, which becomes the command, so that a kill meets it
make() { TMPDIR=$tmp/tmp; export TMPDIR; cd "$1" && exec "$cril" corpus web ../pages.warc.wet --without gopher_quality -q -t "$2" -o web.jsonl.zst; }
milliseconds() { echo $(($(date +%s%N) / 1000000)); }
mkdir good
t0=$(milliseconds); (make good 1) || exit 1; t1=$(milliseconds)
echo "one run: $((t1 - t0)) ms"

whole=0 n=0
while [ $n -lt "$kills" ]; do
    moment=$(awk -v seed="$seed" -v n=$n -v ms=$((t1 - t0)) 'BEGIN { srand(seed + 1000 * n); printf "%.4f", rand() * 1.2 * ms / 1000 }')
    (make box $((n % 2 + 1)) 2>/dev/null) &
    pid=$!
    sleep "$moment"
    kill -9 $pid 2>/dev/null
    wait $pid 2>/dev/null
    [ -z "$(ls -A tmp)" ] || fail "killed after $moment s: left $(ls -A tmp)"
    for f in $(ls -A box); do
        case $f in
            web.jsonl.zst | web.card.json) cmp -s box/$f good/$f && whole=$((whole + 1)) || fail "killed after $moment s: $f is not whole" ;;
            *) $certain && fail "killed after $moment s: left $f" ;;
        esac
    done
    rm -rf box; mkdir box
    (make box $((n % 2 + 1))) || fail "the run after a kill"
    cmp -s box/web.jsonl.zst good/web.jsonl.zst && cmp -s box/web.card.json good/web.card.json || fail "after a kill at $moment s: other bytes"
    rm -rf box; mkdir box
    n=$((n + 1))
done
echo "$whole whole files were there"
exit $bad
