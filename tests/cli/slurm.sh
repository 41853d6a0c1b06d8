# cril study slurm: the script's text, and what it does with a Slurm that only notes what it is asked for (tests/slurm has a real one).
mkdir slurm && cd slurm && mkdir models && cp ../llama.gguf ../gemma3.gguf models && cp ../c.jsonl ../d.jsonl . || exit 1
printf '%s\n' 'protocols: [{name: document, context: 64}]' 'models:' '  - path: models/*.gguf' 'corpora:' '  - path: c.jsonl' >study.yaml
printf '%s\n' 'models:' '  - name: m' 'corpora:' '  - path: c.jsonl' >imported.yaml
# s NAME ARGUMENT...: as t, with the same paths everywhere
s() {
    name=$1; shift
    "$cril" "$@" >raw 2>err </dev/null; code=$?
    sed -i "s|$tmp|TMP|g" err
    sed -e "s|$tmp|TMP|g; s|^cril=.*|cril='CRIL'|; s|\(Written by .* \)[0-9.]*;|\1VERSION;|" raw >out
    verdict "$name" $code
}
s help-study-slurm help study slurm
s study-slurm study slurm study.yaml
s study-slurm-options study slurm -n 3 --array-limit 2 -p "a b" -A "it's" -t 1-12:00:00 -c 8 --memory 6G study.yaml
s study-slurm-none study slurm
s study-slurm-imported study slurm imported.yaml
s study-slurm-zero study slurm --shards 0 study.yaml
s study-slurm-missing study slurm nope.yaml
mkdir 'back\slash' && cp study.yaml 'back\slash/other.yaml' && sed -i 's|: models|: ../models|; s|: c.jsonl|: ../c.jsonl|' 'back\slash/other.yaml'
cp 'back\slash/other.yaml' 'back\slash/study.yaml'
s study-slurm-backslash study slurm 'back\slash/study.yaml'

# Names that mean something to shells, to Slurm and to YAML: shards and merged they are the single run.
"$cril" study run -q study.yaml && "$cril" study dump study.db >want || fail study-slurm-single
rm study.db
for name in plain 'two words' "it's" '"q"' '$HOME' '`id`' '100%a' 'a;b&c|d' '*' '-n' '~' '#' "$(printf 'tab\tline\nend')" "$(printf '\303\251\377')"; do
    mkdir "./$name" && cp -r models c.jsonl d.jsonl study.yaml "./$name" && cd "./$name" || exit 1
    "$cril" study slurm --shards 2 study.yaml >job.sh || fail "study-slurm-names: $name"
    cd .. # paths in the script do not depend on where it is started
    for step in 'shard 2' 'shard 1' merge; do
        sh "./$name/job.sh" $step >out 2>&1 || { fail "study-slurm-names: $name: $step"; cat out; }
    done
    "$cril" study dump "./$name/study.db" >got2; same "study-slurm-names $name" want got2
    [ -e "./$name/study.db-shards/1-of-2.db" ] || fail "study-slurm-names: $name: the shards lie elsewhere"
done

# A Slurm that notes what it is asked for, a word a line. Its queue holds what the file queue says.
mkdir bin && for command in sh sed seq cat mkdir tr; do ln -s "$(command -v $command)" bin; done
"$cril" study slurm --shards 2 study.yaml >job.sh
# j NAME ARGUMENT...: sh job.sh ARGUMENT... with the commands in bin alone
j() {
    name=$1; shift
    PATH=$PWD/bin sh job.sh "$@" >raw 2>err </dev/null; code=$?
    for file in raw err; do sed "s|$tmp|TMP|g" $file >clean && mv clean $file; done
    mv raw out
    verdict "$name" $code
}
j study-slurm-no-sbatch
j study-slurm-what nothing
j study-slurm-no-shard shard
sh job.sh shard 1 2>err >out || fail study-slurm-shard
: >study.db-shards/2-of-2.db
j study-slurm-merge merge
rm study.db study.db-shards/2-of-2.db
printf '#!/bin/sh\nprintf "sbatch\\n" >&2; printf "    %%s\\n" "$@" >&2; echo %s\n' '"7$#;cluster"' >bin/sbatch
printf '#!/bin/sh\n[ ! -e queue ] || cat queue\n' >bin/squeue
chmod +x bin/*
j study-slurm-submit
[ -e study.db-shards/known.db ] || fail "study-slurm-submit: what is known is not kept"
echo 1 >queue; j study-slurm-busy; rm queue
j study-slurm-again
printf '#!/bin/sh\necho "sbatch: error: no such partition" >&2; exit 1\n' >bin/sbatch
j study-slurm-refused
cd ..
