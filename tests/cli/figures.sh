# What a study knows: runs, imports, lines, predictions, exports, and databases put together.
for c in fit predict export report 'study run' 'study status' 'study import' 'study merge' 'study dump'; do
    t "help-$(echo $c | tr ' ' -)" help $c
done

# ---- figures from elsewhere: the paper's ----
mkdir paper && cp "$here"/../../examples/paper/* paper
for c in fit export 'study status'; do t "no-database-$(echo $c | tr ' ' -)" $c paper/study.yaml; done
t predict-no-database predict paper/study.yaml --bpc 0.5
t import-none study import
t import-nothing study import paper/study.yaml
t import-missing study import paper/study.yaml --bpc nope.csv
printf 'model,corpus,bits\nYi-6b,cc,0.6\n' >f.csv; t import-column study import paper/study.yaml --bpc f.csv
printf 'model,benchmark,score\nYi-6b,MMLU,140\n' >f.csv; t import-140 study import paper/study.yaml --scores f.csv
printf 'model,benchmark,score\nYi-6b,MMLU,0.64\nYi-34b,MMLU,0.76\n' >f.csv; t import-which-unit study import paper/study.yaml --scores f.csv
printf 'model,benchmark,score\nYi-6b,MMLU,NaN\n' >f.csv; t import-nan study import paper/study.yaml --scores f.csv
printf 'model,benchmark,score\nYi-6b,MMLU,40\nYi-6b,MMLU,41\n' >f.csv; t import-two-values study import paper/study.yaml --scores f.csv
printf 'model,benchmark,score\nYi-7b,MMLU,40\nYi-6b,MMMU,41\n' >f.csv; t import-unknown study import paper/study.yaml --scores f.csv
t import-later-bad study import paper/study.yaml --bpc paper/bpc.csv --scores f.csv # and nothing of the good one
t import-source study import paper/study.yaml --bpc paper/bpc.csv --source nobody
leaves_nothing import paper/study.db
t import study import paper/study.yaml --bpc paper/bpc.csv --scores paper/scores.csv
t import-again study import paper/study.yaml --bpc paper/bpc.csv
t import-quiet study import -q paper/study.yaml --scores paper/scores.csv
{ sed 2q paper/scores.csv; sed -n 2s/^[^,]*/Nobody/p paper/scores.csv; } >f.csv; t import-left-out study import paper/study.yaml --scores f.csv
printf 'model,benchmark,score,unit\nYi-6b,MMLU,0.6442,fraction\n' >f.csv; t import-fraction study import paper/study.yaml --scores f.csv
"$cril" export paper/study.yaml --csv >out 2>err; grep '^Yi-6b,.*MMLU,' out >f.csv; mv f.csv out; verdict export-fraction $?
t import-quiet study import -q paper/study.yaml --scores paper/scores.csv # the paper's again
t status-imported study status paper/study.yaml

t fit fit paper/study.yaml
t fit-one fit paper/study.yaml --fit math
t fit-axes fit paper/study.yaml --x cc --y MMLU --models general,-Qwen --level 90 --seed 7 --resamples 100
t fit-models fit paper/study.yaml --models -Qwen --threshold 2
t fit-json fit paper/study.yaml --fit MMLU --json
t fit-few fit paper/study.yaml --models Yi-6b,Yi-34b
t fit-three fit paper/study.yaml --models Yi-6b,Yi-34b,Mistral
t fit-unknown fit paper/study.yaml --fit maths
t fit-word fit paper/study.yaml --y MLU
t fit-both fit paper/study.yaml --fit math --x cc
t fit-protocol fit paper/study.yaml --protocol hkust
t predict predict paper/study.yaml --bpc 0.55
t predict-se predict paper/study.yaml --bpc 0.6 --se 0.01 --fit knowledge --level 90
t predict-model predict paper/study.yaml --model Mistral-7b
t predict-code predict paper/study.yaml --model StarcoderBase
t predict-json predict paper/study.yaml --model Mistral-7b --fit math --json
t predict-none predict paper/study.yaml
t predict-zero predict paper/study.yaml --bpc 0
t predict-unknown predict paper/study.yaml --model Mistral
t predict-line predict paper/study.yaml --bpc 0.5 --fit maths

# ---- results of lm-evaluation-harness ----
cp "$golden"/harness-*.json .
cat >harness.yaml <<'END'
models: [{name: llama}, {name: qwen}]
corpora: [{name: cc}]
benchmarks:
  - {name: GSM8K, task: gsm8k, metric: exact_match, filter: strict-match}
  - {name: GSM8K-flexible, task: gsm8k, metric: exact_match, filter: flexible-extract}
  - {name: MMLU, task: mmlu, metric: acc}
  - {name: HumanEval, task: humaneval, metric: pass@1, filter: create_test}
  - {name: MBPP, task: mbpp, metric: pass_at_1}
END
t harness-no-model study import harness.yaml --harness harness-new.json
t harness-only-model study import harness.yaml --model llama
t harness-source study import harness.yaml --harness harness-new.json --model llama --source x
t harness-two-studies study import harness.yaml paper/study.yaml --harness harness-new.json --model llama
t harness-model study import harness.yaml --harness harness-new.json --model lama
t harness-unmapped study import paper/study.yaml --harness harness-new.json --model Yi-6b
echo '{"results": {"gsm8k": {"exact_match,strict-match": NaN}}}' >nan.json
t harness-nan study import harness.yaml --harness harness-new.json nan.json --model llama
leaves_nothing harness harness.db
t harness study import harness.yaml --harness harness-new.json --model llama
t harness-again study import --harness harness-new.json harness-old.json --model llama harness.yaml
t harness-quiet study import -q harness.yaml --harness harness-old.json --model qwen
t harness-export export harness.yaml

# A model that is named as a family is; lines of which one has too few models; none at all.
cat >few.yaml <<'END'
models:
  - {name: F, family: other}
  - {name: a, family: F}
  - {name: b, family: F}
  - {name: c}
  - {name: d}
corpora: [{name: cc}]
benchmarks: [{name: one, group: cc}, {name: two}]
END
printf 'model,corpus,bpc,se,source\nF,cc,0.9,0.01,x\na,cc,0.8,,x\nb,cc,0.7,,x\nc,cc,0.6,,x\nd,cc,0.55,,"y, z"\n' >f.csv
printf 'model,benchmark,score\nF,one,20\na,one,31\nb,one,39\nc,one,52\nd,one,54.5\nF,two,10\na,two,20\n' >g.csv
t few-import study import few.yaml --bpc f.csv --scores g.csv
t few-fit fit few.yaml
t few-fit-json fit few.yaml --fit two --json
t few-predict predict few.yaml --model F
t few-export export few.yaml
t few-export-json export --json few.yaml
t few-export-both export --json --csv few.yaml
sed '/^benchmarks/d' few.yaml >none.yaml; sed -i '1i database: few.db' none.yaml
t none-fit fit none.yaml
t none-predict predict none.yaml --bpc 0.5

# ---- runs ----
cat >tiny.yaml <<'END'
models: [{path: llama.gguf, family: L}, {path: gemma3.gguf}]
corpora: [{path: c.jsonl}, {path: d.jsonl}]
protocols: [{name: document, context: 64}, {name: rolling, context: 48}]
benchmarks: [{name: quiz}]
END
t run-none study run
t run-shard study run --shard 3/2 tiny.yaml
t run-shard-sign study run --shard -1/-1 tiny.yaml
sed "s/context: 64/context: 20000000/" tiny.yaml >s-context.yaml; t run-context study run s-context.yaml
t run study run -t 1 tiny.yaml
t run-again study run -t 1 tiny.yaml
t run-quiet study run -q tiny.yaml
t status study status tiny.yaml
t status-json study status --json tiny.yaml
t run-fit fit tiny.yaml
t run-export export tiny.yaml
t run-export-protocol export --protocol rolling tiny.yaml
t report-run report tiny.yaml -o report.html
t report-protocol report --protocol hkust tiny.yaml
# ---- a figure alone ----
t report-list report paper/study.yaml --list-figures
t report-list-tiny report tiny.yaml --list-figures
t report-figure report paper/study.yaml --figure line -o line.svg
t report-figure-again report paper/study.yaml --figure line -o line.svg
same report-figure line.svg "$here/../../doc/paper-line.svg"
"$cril" report paper/study.yaml --figure line >out 2>err || fail "a figure on standard output"
same report-figure-stdout out line.svg
t report-figure-csv report tiny.yaml --figure size -o size.csv
cp size.csv out; : >err; verdict report-figure-numbers $?
t report-figure-none report tiny.yaml --figure learning -o learning.svg
t report-figure-unknown report tiny.yaml --figure sizes -o sizes.svg
t report-figure-ending report tiny.yaml --figure size -o size.jpg
t report-figure-date report tiny.yaml --figure size --date today
t report-figure-width report tiny.yaml --width 400
t report-figure-wide report tiny.yaml --figure size --width 100
t report-list-output report tiny.yaml --list-figures -o x
mkdir bin && printf '#!/bin/sh\necho "$@" >arguments\ncat\n' >bin/rsvg-convert && chmod +x bin/rsvg-convert
PATH="$tmp/bin:$PATH" "$cril" report paper/study.yaml --figure line -o line.png >out 2>err; verdict report-figure-png $?
same report-figure-png line.png line.svg
[ "$(cat arguments)" = '--format=png --zoom=2' ] || fail "rsvg-convert got $(cat arguments)"
PATH="$tmp/bin:$PATH" "$cril" report paper/study.yaml --figure line -o line.pdf >out 2>err; verdict report-figure-pdf $?
[ "$(cat arguments)" = '--format=pdf' ] || fail "rsvg-convert got $(cat arguments)"
printf '#!/bin/sh\necho half\nexit 3\n' >bin/rsvg-convert
PATH="$tmp/bin:$PATH" "$cril" report paper/study.yaml --figure line -o half.pdf >out 2>err; verdict report-figure-failed $?
printf '#!/bin/sh\nkill -9 $$\n' >bin/rsvg-convert
PATH="$tmp/bin:$PATH" "$cril" report paper/study.yaml --figure line -o half.pdf >out 2>err; verdict report-figure-killed $?
chmod -x bin/rsvg-convert
PATH="$tmp/small" "$cril" report paper/study.yaml --figure line -o half.pdf >out 2>err; verdict report-figure-missing $?
leaves_nothing report-figure half.pdf learning.svg sizes.svg size.jpg
# two of one name
sed 's/name: rolling, context: 48/name: document, context: 64, stride: 32/' tiny.yaml >two.yaml
t run-two study run -q -t 1 two.yaml
t status-two study status two.yaml
t export-two export two.yaml --protocol document:64:32
for i in 1 2 3; do t run-shard-$i study run -t 1 --shard $i/3 --database shard$i.db tiny.yaml; done
t merge study merge shard2.db shard1.db shard3.db -o merged.db
t merge-exists study merge shard1.db -o merged.db
t merge-forced study merge -f shard1.db -o merged.db
t merge-no-output study merge shard1.db
t merge-missing study merge shard1.db nope.db -o other.db
leaves_nothing merge other.db
for d in tiny merged; do "$cril" study dump $d.db >$d.dump || fail "dump of $d.db"; done
same shards tiny.dump merged.dump
grep -v '^baseline' tiny.dump >out; : >err; verdict dump 0
echo '{"content": "one more"}' >>d.jsonl
t run-changed study run -t 1 tiny.yaml
cp "$here/d.jsonl" .
t dump-missing study dump nope.db
t dump-no-database study dump c.jsonl

# ---- a text that tokens do not spell ----
cat >unspelled.yaml <<'END'
title: Unspelled
database: unspelled.db
protocols: [{name: document, context: 64}]
models: [{path: gemma3.gguf}, {path: llama.gguf}]
corpora: [{path: unspelled.txt}]
END
"$cril" study run -q -t 1 unspelled.yaml >out 2>&1 || fail "run of unspelled.yaml"
t status-unspelled study status unspelled.yaml
t status-unspelled-json study status --json unspelled.yaml
t export-unspelled export unspelled.yaml
t export-unspelled-json export --json unspelled.yaml

# ---- databases that cannot be used ----
if command -v sqlite3 >/dev/null; then
    cp tiny.db newer.db && sqlite3 newer.db "UPDATE meta SET value = 6 WHERE key = 'schema'"
    t database-newer study dump newer.db
    t database-newer-run study run --database newer.db tiny.yaml
else
    skip "a database of a newer version: sqlite3 is not installed"
fi
head -c 5000 tiny.db >cut.db; t database-cut study dump cut.db
mkdir narrow
if mount -t tmpfs -o size=160k none narrow 2>/dev/null; then # what there was stays, and the next run goes on there
    mounted=$tmp/narrow
    cp shard1.db narrow/tiny.db
    dd if=/dev/zero of=narrow/fill bs=4k 2>/dev/null
    t database-full study run -t 1 --database narrow/tiny.db tiny.yaml
    rm narrow/fill
    "$cril" study dump narrow/tiny.db >small.dump; "$cril" study dump shard1.db | cmp - small.dump || fail "a full disk changed a database"
    t database-full-more study run -q -t 1 --database narrow/tiny.db tiny.yaml
    "$cril" study dump narrow/tiny.db >small.dump; same database-full tiny.dump small.dump
    umount narrow && mounted=
else
    skip "a full disk under a database: this user cannot mount one"
fi
rmdir narrow
