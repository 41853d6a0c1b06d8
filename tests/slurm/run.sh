#!/bin/sh
# run.sh CRIL: a study in 4 shards on a real Slurm (cluster.sh), one task killed half way and requeued, equals a run without
# Slurm to the last bit of the database; so it does when the script is started again, and when the study grows. Exit 77: skipped.
set -u
LC_ALL=C
export LC_ALL
for command in munged slurmctld slurmd sbatch; do
    command -v $command >/dev/null || { echo "skipped: $command is not installed (Debian: slurm-wlm, munge)"; exit 77; }
done
[ "$(id -u)" = 0 ] || { echo "skipped: only root can start a node"; exit 77; }
here=$(cd "$(dirname "$0")" && pwd)
case $1 in /*) cril=$1 ;; *) cril=$PWD/$1 ;; esac
. "$here/../wait.sh"
tmp=$(mktemp -d)
cluster=
finish() { [ -z "$cluster" ] || sh "$here/cluster.sh" stop "$tmp/slurm"; cd /; rm -rf "$tmp"; }
trap finish EXIT
trap 'exit 1' HUP INT TERM
chmod 755 "$tmp"
fail() { echo "FAIL $*"; for f in "$work"/study.db-shards/*.log; do echo "== $f"; tail -n 20 "$f"; done; exit 1; }

# All of it lies in a folder whose name is hard on scripts and on Slurm.
work="$tmp/a 'study' of \"100%a\" \$HOME;#"
mkdir "$work" "$work/models" && cd "$work" || exit 1
cp "$here"/../golden/tiny-*.gguf models
# text DOCUMENTS BYTES: JSON Lines, each line other words
text() {
    awk -v n=$(($1 * $2)) -f "$here/../cli/words.awk" | tr '\n' ' ' | fold -b -w "$2" | sed 's/.*/{"content": "&"}/'
}
text 100 4000 >long.jsonl
text 300 300 >short.jsonl
cat >study.yaml <<'END'
protocols: [{name: document, context: 64}, {name: halves, context: 128}]
models:
  - path: models/*.gguf
corpora:
  - path: long.jsonl
  - path: short.jsonl
END
# What one run of all is. Jobs of other users' shells would see other settings: none.
mkdir ../one && cp -r ./* ../one && (cd ../one && "$cril" study run -q --threads 1 study.yaml) || fail "the single run"
"$cril" study dump ../one/study.db >../one.txt || fail "dump of the single run"

sh "$here/cluster.sh" start "$tmp/slurm" 2 || exit 1
cluster=on
SLURM_CONF=$tmp/slurm/slurm.conf
export SLURM_CONF

jobs_of() { cat study.db-shards/jobs; }
# documents FILE: how many a database has; 0 where there is none yet
documents() { "$cril" study dump "$1" 2>/dev/null | grep -c '^document '; }
# computed: documents that tasks say in their logs that they have computed
computed() { cat study.db-shards/*-of-4.log | sed -n 's/.*before; \([0-9]*\) documents.*/\1/p' | awk '{ n += $1 } END { print n + 0 }'; }
# It fails when for a minute neither a job's state nor a file of the shards changes.
wait_for_jobs() {
    before=
    while now=$(squeue --noheader --format='%i %T' --jobs="$(jobs_of)" 2>/dev/null) && [ -n "$now" ]; do
        now="$now $(ls -l --time-style=full-iso study.db-shards)"
        if [ "$now" != "$before" ]; then
            before=$now end=$(($(date +%s) + 60))
        elif [ "$(date +%s)" -ge $end ]; then
            squeue
            fail "the jobs have done nothing for a minute"
        fi
        sleep 1
    done
}
same() { "$cril" study dump study.db >../got.txt && cmp ../one.txt ../got.txt || { diff ../one.txt ../got.txt | head -n 20; fail "$1: the database is not that of a single run"; }; }

"$cril" study slurm --shards 4 --cpus 1 --array-limit 2 --time 30 study.yaml >job.sh || fail "study slurm"
sh job.sh || fail "job.sh"
array=$(jobs_of); array=${array%%,*}

# Half way through shard 2 its task is killed, with all its processes, and requeued.
begun() { [ "$(documents study.db-shards/2-of-4.db)" != 0 ]; }
wait_until begun || fail "task 2 has done nothing in a minute"
scancel --batch --signal=KILL "${array}_2" || fail "scancel"
sleep 1
before=$(documents study.db-shards/2-of-4.db)
sh job.sh 2>err && fail "job.sh started again beside its own jobs"
grep -q 'still in the queue' err || fail "job.sh does not say that its jobs are in the queue: $(cat err)"
requeued() { scontrol requeue "${array}_2" 2>err; }
wait_until requeued || fail "requeue: $(cat err)"
echo "task 2 of job $array was killed with $before documents done, and requeued"
wait_for_jobs
same "killed and requeued"
all=$(documents study.db)
[ "$(documents study.db-shards/2-of-4.db)" -gt "$before" ] || fail "task 2 had done all before it was killed"
[ $((before + $(computed))) = "$all" ] || fail "$before and $(computed) documents were computed, not $all"
echo "4 shards, merged, are the single run: $all documents, each computed once"

# Started again: nothing is computed, and the database stays.
rm study.db-shards/*.log
sh job.sh || fail "job.sh again"
wait_for_jobs
same "again"
[ "$(computed)" = 0 ] || fail "$(computed) documents were computed again"

# A corpus changes, and another comes, with the shards removed: what the study's database has is not computed.
rm -r study.db-shards
text 40 500 >more.jsonl
echo '  - path: more.jsonl' >>study.yaml
head -n 200 ../one/short.jsonl >short.jsonl
cp study.yaml more.jsonl short.jsonl ../one && (cd ../one && "$cril" study run -q --threads 1 study.yaml 2>/dev/null) || fail "the single run, grown"
"$cril" study dump ../one/study.db >../one.txt || fail "dump of the single run, grown"
sh job.sh || fail "job.sh, grown"
wait_for_jobs
same "grown"
[ $((all + $(computed))) = "$(documents study.db)" ] || fail "$(computed) documents were computed for $(($(documents study.db) - all))"
echo "the study grew: $(computed) documents more, each computed once"

# Without Slurm, by hand; half of the shards are merged first.
rm -r study.db study.db-shards
rm job.sh
"$cril" study slurm --shards 3 study.yaml >job.sh
mkdir ../bin && for command in sh sed seq cat mkdir; do ln -s "$(command -v $command)" ../bin; done
(PATH=$tmp/bin; sh job.sh) 2>err && fail "job.sh without sbatch ended well"
grep -q 'no sbatch' err || fail "job.sh without sbatch said: $(cat err)"
(cd ../one && rm study.db && "$cril" study run -q --threads 1 study.yaml && "$cril" study dump study.db) >../one.txt || fail "the single run, by hand"
sh job.sh shard 3 && sh job.sh shard 1 || fail "shards by hand"
sh job.sh merge >out && fail "merged though a shard is missing"
grep -q 'cells are complete' out || fail "no status after merging"
sh job.sh shard 2 && sh job.sh merge >out || fail "by hand"
same "by hand"
echo "by hand: the same"
