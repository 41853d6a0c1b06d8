#!/bin/sh
# study_kill.sh CRIL: cril study run is killed (kill -9) at random moments and run again, until it is done. The database then is what
# an uninterrupted run makes, to the bit (cril study dump); no run complains of what a killed one left. The work is counted in processor time.
# KILLS: how many are tried (default: 15); some runs end before theirs. SEED: of their moments.
# STUDY: a study file of one's own instead of tiny models. THREADS (default: 1), BATCH: options of its runs.
# EVERY: seconds from a start to its kill in the mean (default: 0.6 of an uninterrupted run, so that most kills fall into its work).
set -u
LC_ALL=C
export LC_ALL
here=$(cd "$(dirname "$0")" && pwd)
case $1 in /*) cril=$1 ;; *) cril=$PWD/$1 ;; esac
kills=${KILLS:-15} seed=${SEED:-$(date +%s)}
case ${STUDY:-} in '' | /*) ;; *) STUDY=$PWD/$STUDY ;; esac
tmp=$(mktemp -d)
trap 'cd /; rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
cd "$tmp" || exit 1
echo "$kills kills, seed $seed"
milliseconds() { echo $(($(date +%s%N) / 1000000)); }
# The processor's seconds for a shell's children, in what times printed: 1m2.5s 0m0.25s.
processor() { awk 'NR == 2 { split($0, t, /[ms ]+/); print 60 * t[1] + t[2] + 60 * t[3] + t[4] }' "$1"; }
become() { exec "$cril" study run -q --threads ${THREADS:-1} ${batch:+--batch $batch} --database "$1" "$study"; }

study=${STUDY:-study.yaml} batch=${BATCH:-}
if [ -z "${STUDY:-}" ]; then
    batch=${BATCH:-64}
    for m in llama gemma3; do cp "$here/../golden/tiny-$m.gguf" $m.gguf; done
    for i in 1 2 3 4 5 6 7 8; do awk -v n=$((40 * i)) -f "$here/words.awk" | tr '\n' ' ' | sed 's/.*/{"content": "&"}/'; echo; done >words.jsonl
    mkdir -p sets/arc_challenge sets/gsm8k
    for i in 1 2 3 4 5 6 7 8 9; do
        echo '{"question": {"stem": "What is '$i' and '$i'?", "choices": [{"text": "fox '$i'", "label": "A"}, {"text": "dogs", "label": "B"}]}, "answerKey": "A"}'
    done >sets/arc_challenge/ARC-Challenge-Test.jsonl
    for f in test train; do for i in 1 2 3 4 5 6; do echo '{"question": "What is '$i' and '$i'?", "answer": "#### '$i'"}'; done >sets/gsm8k/$f.jsonl; done
    cat >study.yaml <<END
models: [{path: llama.gguf}, {path: gemma3.gguf}]
corpora: [{path: words.jsonl}, {name: short, path: words.jsonl, limit: 3}]
protocols: [{name: document, context: 48, stride: 16}, {name: hkust, context: 40, stride: 20}]
benchmarks:
  - {name: ARC, task: arc_challenge, data: sets, protocol: harness}
  - {name: GSM8K, task: gsm8k, data: sets, limit: 3}
END
fi

t0=$(milliseconds); (become whole.db) || exit 1; t1=$(milliseconds)
times >whole.times
"$cril" study dump whole.db >whole.txt || exit 1
echo "a run: $((t1 - t0)) ms, $(grep -c '^document' whole.txt) documents, $(grep -c '^item' whole.txt) items"

awk -v n="$kills" -v seed="$seed" -v every="${EVERY:-}" -v t=$((t1 - t0)) 'BEGIN {
    srand(seed)
    for (i = 0; i < n; i++)
        printf "%.4f\n", 2 * rand() * (every != "" ? every : 0.6 * t / 1000)
}' >plan
n=0 done=0 started=1
while read -r moment; do
    [ $done = 0 ] || { rm -f part.db part.db-lock part.db-journal; done=0 started=$((started + 1)); }
    (become part.db 2>>errors) &
    pid=$!
    sleep "$moment"
    kill -9 $pid 2>/dev/null
    wait $pid 2>/dev/null
    case $? in
        0) done=1; "$cril" study dump part.db | cmp - whole.txt || exit 1 ;;
        137) n=$((n + 1)) ;;
        *) cat errors; echo "FAIL: a run after $n kills failed"; exit 1 ;;
    esac
done <plan
[ ! -s errors ] || { cat errors; exit 1; }
(become part.db) || exit 1
"$cril" study dump part.db | cmp - whole.txt || { echo "FAIL: the database differs"; exit 1; }
times >all.times
echo "killed $n times at work, $started databases, each as that of the uninterrupted run"
awk -v one="$(processor whole.times)" -v all="$(processor all.times)" -v n=$n -v databases=$started 'BEGIN {
    lost = all - one - databases * one
    printf "processor time of a database: %.1f s uninterrupted, %.3f times that killed; %.2f s a kill\n", one,
           (all - one) / databases / one, n ? lost / n : 0
}'
