#!/bin/sh
# eval_kill.sh CRIL: cril eval is killed (kill -9) at random moments and run again, until it is done. The items file then is, byte for
# byte, that of an uninterrupted run; no run complains of what a killed one left, and nothing is left when it is done.
# KILLS: how many are tried (default: 10; 100 before a release); some runs end before theirs. SEED: of their moments.
# EVAL: options of one's own, with a model, instead of two tasks on a tiny one. THREADS (default: 1), BATCH.
# EVERY: seconds from a start to its kill in the mean (default: 0.6 of an uninterrupted run, so that most kills fall into its work).
set -u
LC_ALL=C
export LC_ALL
here=$(cd "$(dirname "$0")" && pwd)
case $1 in /*) cril=$1 ;; *) cril=$PWD/$1 ;; esac
kills=${KILLS:-10} seed=${SEED:-$(date +%s)}
tmp=$(mktemp -d)
trap 'cd /; rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
cd "$tmp" || exit 1
echo "$kills kills, seed $seed"
XDG_CACHE_HOME=$tmp/cache
export XDG_CACHE_HOME
milliseconds() { echo $(($(date +%s%N) / 1000000)); }
# The processor's seconds for a shell's children, in what times printed: 1m2.5s 0m0.25s.
processor() { awk 'NR == 2 { split($0, t, /[ms ]+/); print 60 * t[1] + t[2] + 60 * t[3] + t[4] }' "$1"; }

batch=${BATCH:-}
if [ -z "${EVAL:-}" ]; then
    batch=${BATCH:-256}
    cp "$here/../golden/tiny-llama.gguf" llama.gguf
    mkdir -p data/arc_challenge data/gsm8k
    awk -v dir=data -v n=${ITEMS:-40} -f "$here/benchmarks.awk"
    EVAL="-m llama.gguf --tasks arc_challenge,gsm8k --data data --protocol harness --streams 4 --window 1000"
fi
become() { exec "$cril" eval -q --threads ${THREADS:-1} ${batch:+--batch $batch} --items "$1" $EVAL; }

t0=$(milliseconds); (become whole.jsonl >/dev/null) || exit 1; t1=$(milliseconds)
times >whole.times
[ "$(ls cache/cril/eval | wc -l)" = 0 ] || { echo "FAIL: a finished run left a journal"; exit 1; }
echo "a run: $((t1 - t0)) ms, $(wc -l <whole.jsonl) items"

awk -v n="$kills" -v seed="$seed" -v every="${EVERY:-}" -v t=$((t1 - t0)) 'BEGIN {
    srand(seed)
    for (i = 0; i < n; i++)
        printf "%.4f\n", 2 * rand() * (every != "" ? every : 0.6 * t / 1000)
}' >plan
n=0 done=0 finished=0 kept=0
while read -r moment; do
    [ $done = 0 ] || { rm -f part.jsonl; done=0; }
    (become part.jsonl 2>>errors >/dev/null) &
    pid=$!
    sleep "$moment"
    kill -9 $pid 2>/dev/null
    wait $pid 2>/dev/null
    case $? in
        0) done=1 finished=$((finished + 1)); cmp part.jsonl whole.jsonl || exit 1 ;;
        137) n=$((n + 1)); [ ! -e part.jsonl ] || { cmp part.jsonl whole.jsonl && rm part.jsonl || exit 1; }
            for f in cache/cril/eval/*.jsonl; do [ ! -e "$f" ] || kept=$((kept + $(wc -l <"$f"))); done ;;
        *) cat errors; echo "FAIL: a run after $n kills failed"; exit 1 ;;
    esac
done <plan
[ ! -s errors ] || { cat errors; exit 1; }
rm -f part.jsonl
(become part.jsonl >/dev/null) || exit 1
cmp part.jsonl whole.jsonl || { echo "FAIL: the items differ"; exit 1; }
[ "$(ls cache/cril/eval | wc -l)" = 0 ] || { echo "FAIL: a finished run left a journal"; exit 1; }
times >all.times
echo "killed $n times at work, $kept lines kept in all, $finished runs ended before their kill; all items as those of the uninterrupted run"
awk -v one="$(processor whole.times)" -v all="$(processor all.times)" -v n=$n -v runs=$((finished + 1)) 'BEGIN {
    printf "processor time of a run: %.1f s uninterrupted, %.3f times that killed\n", one, (all - one) / runs / one
}'
