# Studies: the file to begin with, and what a file says or where it is wrong.
mkdir tiny && cp llama.gguf llama-mixed.gguf gemma3.gguf tiny
for c in '' ' init' ' check'; do t "help-study${c:+-${c# }}" help study $c; done
t study-none study
t study-unknown study chekc
t study-init study init
t study-init-file study init study.yaml
t study-check-none study check
t study-check study check study.yaml
t study-check-quiet study check -q study.yaml
t study-check-bad study check study-bad.yaml
t study-check-missing study check nope.yaml
printf 'models: [{path: llama.gguf}]\ncorpora: [{path: c.jsonl}]\n' >short.yaml # a default context beyond the model's
t run-no-line study run short.yaml; rm -f short.*
sed 's/^fits:/fits: *all/' study.yaml >s.yaml; t study-check-alias study check s.yaml
sed 's/x: average/x: knowlege/; s/general, -/genral, -/' study.yaml >s.yaml; t study-check-words study check s.yaml
# What run would leave out, each with its line.
printf 'GGUF and no more' >broken.gguf && : >empty.jsonl
printf '%s\n' 'models:' '  - {path: llama.gguf}' '  - {path: broken.gguf}' 'corpora:' '  - {path: c.jsonl}' '  - {path: empty.jsonl}' \
    'protocols:' '  - {name: document, context: 64}' '  - {name: rolling, context: 20000000}' >s.yaml; t study-check-run study check -q s.yaml

# What is no model has the sentence that "cril score" has.
mkdir -p folders/adapter folders/pickle && echo '{}' >folders/adapter/adapter_config.json && cp llama.gguf folders && : >folders/pickle/pytorch_model.bin
printf '%s\n' 'models:' '  - {path: folders}' '  - {path: folders/adapter}' '  - {path: folders/pickle}' 'corpora:' '  - {path: c.jsonl}' >s.yaml
t study-check-folders study check -q s.yaml; rm -r folders

# Models beside a base.
cat >beside.yaml <<'END'
models:
  - {path: tiny/llama*.gguf, diverge: llama}
  - {path: gemma3.gguf, diverge: llama}
corpora: [{path: c.jsonl}]
protocols: [{name: document, context: 48, stride: 16}]
END
printf '%s\n' 'models: [{path: gemma3.gguf, diverge: llama}, {path: llama.gguf}]' 'corpora: [{path: c.jsonl}]' \
    'protocols: [{name: document, context: 48}, {name: halves, context: 20000000}]' >s.yaml
t study-beside-check study check -q s.yaml # other tokens
t study-beside study run --no-baselines beside.yaml
t study-beside-status study status beside.yaml
"$cril" study status --json beside.yaml >out; sed -i '1,/"divergences"/d' out; : >err; verdict study-beside-json 0
awk '/"mean_kl": / { print $2; exit }' out >study.kl
t study-beside-export export beside.yaml
"$cril" diverge -q --json -m llama.gguf -m llama-mixed.gguf --window 48 --stride 16 c.jsonl | awk '/"mean_kl": / { print $2; exit }' >diverge.kl
same "KL of a study" study.kl diverge.kl
t study-beside-figure report --figure kl beside.yaml # of one model
sed 's/^corpora/  - {name: again, path: tiny\/llama-mixed.gguf, diverge: llama}\n&/; /gemma3/d' beside.yaml >again.yaml
echo 'database: beside.db' >>again.yaml # which knows the file
"$cril" report --figure kl -o kl.csv again.yaml 2>err || fail "report --figure kl: $(cat err)"
cp kl.csv out; : >err; verdict study-beside-numbers 0
# What was measured is out of date where the corpus, the base or the model has changed.
cat >old.yaml <<'END'
database: beside.db
models: [{name: llama, path: llama.gguf}, {name: llama-mixed, path: llama-mixed.gguf, diverge: llama}]
corpora: [{name: c, path: d.jsonl}]
protocols: [{name: document, context: 48, stride: 16}]
END
t study-beside-corpus study status old.yaml
"$cril" study status --json old.yaml >out 2>err; sed -i '1,/"divergences"/d' out; verdict study-beside-corpus-json 0
t study-beside-corpus-export export old.yaml
sed -i 's/d.jsonl/c.jsonl/; s/path: llama.gguf/path: gemma3.gguf/' old.yaml; t study-beside-base study status old.yaml
sed -i 's/path: gemma3.gguf/path: llama.gguf/; s/path: llama-mixed.gguf/path: llama.gguf/' old.yaml; t study-beside-model study status old.yaml
sed -i 's/path: llama.gguf, diverge/path: llama-mixed.gguf, diverge/' old.yaml; t study-beside-current study status old.yaml
sed -i 's/, diverge: llama}/}/' beside.yaml; t study-beside-gone study status beside.yaml # what was measured is none of the study's

# The report: what it shows is for tests/test_html.c.
t help-report help report
t report-none report
t report-no-study report nope.yaml
t report-no-database report study.yaml
t report-no-protocol report --protocol best study.yaml
echo kept >r.html
t report-exists report -o r.html study.yaml
[ "$(cat r.html)" = kept ] || fail "report-exists changed the file"

# What init prints is right where the files are that it names, also with all that its comments propose.
mkdir -p begin/models/other begin/data/corpora
cp llama.gguf gemma3.gguf begin/models
cp llama.gguf begin/models/other/Qwen2.5-Coder-0.5B.Q4_K_M.gguf
for f in encyclopedia math python; do cp c.jsonl begin/data/corpora/$f.jsonl; done
cp c.jsonl begin/cc.jsonl
"$cril" study init >begin/study.yaml
sed -i 's/^  - document$/  - {name: document, context: 64}/' begin/study.yaml # the tiny models have 256
t study-begin study check begin/study.yaml
sed -i 's/^\( \{1,\}\)#/\1/; s/^#\([a-z]\)/\1/; s/^#  -/  -/; s/cc.jsonl.zst/cc.jsonl/; s/context: 1900, stride: 512/context: 128/' begin/study.yaml
mkdir -p begin/benchmarks/gsm8k
for f in test train; do
    for i in 1 2 3 4 5 6; do printf '{"question": "How many are %d and %d?", "answer": "#### %d"}\n' $i $i $((2 * i)); done >begin/benchmarks/gsm8k/$f.jsonl
done
t study-begin-all study check begin/study.yaml

# Whether models have seen a benchmark: the planted case as the items of a task, whose other texts are the control.
xz -dc "$golden/planted.tar.xz" | tar -xf - || fail "unpacking the planted case"
mkdir -p leak/data/gsm8k && cp llama.gguf c.jsonl leak && mv planted/model leak/planted
items() { sed 's/^{"content": /{"question": /; s/}$/, "answer": "#### 1"}/' "planted/$1.jsonl"; }
items seen >leak/data/gsm8k/test.jsonl; items unseen >leak/control.jsonl
{ items unseen | head -n 10; items seen | head -n 15; } >leak/data/gsm8k/train.jsonl
cat >leak/s.yaml <<'END'
models: [{path: llama.gguf}, {path: planted, name: planted}, {name: third}, {name: fourth}]
corpora: [{path: c.jsonl}]
protocols: [{name: document, context: 64}]
benchmarks: [{name: GSM, task: gsm8k, data: data, limit: 1, metric: exact_match}]
leak: [{benchmark: GSM, control: control.jsonl, limit: 50}]
END
t study-leak-check study check leak/s.yaml
t study-leak study run --no-baselines leak/s.yaml
t study-leak-again study run --no-baselines leak/s.yaml
"$cril" study dump leak/s.db | grep leak | cut -d ' ' -f 6- | sort >out; : >err; verdict study-leak-dump 0
for i in 1 2 3; do "$cril" study run -q --no-baselines --shard $i/3 --database leak/$i.db leak/s.yaml >/dev/null || fail "study-leak, shard $i"; done
"$cril" study merge leak/1.db leak/2.db leak/3.db -o leak/all.db >/dev/null 2>&1 && "$cril" study dump leak/all.db >got2 && "$cril" study dump leak/s.db | same "shards of leak scores" - got2
printf 'model,benchmark,score\nthird,GSM,25\nfourth,GSM,31\nllama,GSM,10\nplanted,GSM,99\n' >leak/scores.csv
printf 'model,corpus,bpc\nthird,c,12\nfourth,c,11.9\n' >leak/bpc.csv
"$cril" study import -q leak/s.yaml --scores leak/scores.csv --bpc leak/bpc.csv
"$cril" report leak/s.yaml 2>/dev/null | sed -n '/<section id="leaks">/,/<.section>/p' | sed -n '/<tbody>/,$p' >out; : >err; verdict study-leak-report 0
sed -i 's/control.jsonl/data\/none.jsonl/; s/GSM, control/GSN, control/' leak/s.yaml
t study-leak-bad study check leak/s.yaml

# The paper's study: benchmarks whose data are not there are comments.
mkdir -p paper/models && cp llama.gguf paper/models && cp -r begin/data paper
ln -s ../begin/benchmarks "paper/my sets"
(cd paper && "$cril" study init --paper --data 'my sets' --limit 2 >study.yaml) || fail study-init-paper
sed 's/^.*data.corpora/data\/corpora/' paper/study.yaml >out; : >err; verdict study-init-paper 0
sed -i 's/^  - hkust$/  - {name: hkust, context: 60, stride: 20}/' paper/study.yaml
t study-paper-check study check paper/study.yaml
t study-init-data study init --data sets
t study-paper-run study run --no-baselines paper/study.yaml
t study-paper-status study status paper/study.yaml
t study-paper-status-json study status --json paper/study.yaml
t study-paper-export export paper/study.yaml
sed -i 's/limit: 2/limit: 3/' paper/study.yaml
t study-paper-stale study status paper/study.yaml
t study-paper-stale-export export paper/study.yaml
t study-paper-stale-fit fit paper/study.yaml
"$cril" report paper/study.yaml 2>/dev/null | grep -c 'Out of date.*llama</bdi> on <bdi>GSM8K.*the limit was 2 and is 3' >out
[ "$(cat out)" = 1 ] || fail study-paper-report

# What no longer belongs to the study file is out of date: it is said everywhere and counts nowhere. A larger limit computes what it adds.
mkdir stale && cd stale && cp ../llama.gguf ../gemma3.gguf . && cp ../c.jsonl d.jsonl && cat ../c.jsonl >>d.jsonl || exit 1
cat >s.yaml <<'END'
models: [{path: llama.gguf}, {path: gemma3.gguf}]
corpora: [{name: cc, path: d.jsonl, limit: 3}]
protocols: [{name: document, context: 48, stride: 16}]
benchmarks: [{name: MMLU}]
END
printf 'model,benchmark,score\nllama,MMLU,25\ngemma3,MMLU,31\n' >scores.csv
"$cril" study run -q --no-baselines s.yaml && "$cril" study import -q s.yaml --scores scores.csv || fail stale
t stale-before study status s.yaml
sed -i 's/limit: 3/limit: 5/' s.yaml
t stale-limit study status s.yaml
t stale-limit-json study status --json s.yaml
t stale-export export s.yaml
t stale-fit fit s.yaml
t stale-predict predict --model llama s.yaml
"$cril" report s.yaml 2>/dev/null | grep -c 'Out of date.*llama</bdi> on <bdi>cc.*the limit was 3 and is 5' >out
[ "$(cat out)" = 1 ] || fail stale-report
t stale-run study run --no-baselines s.yaml
t stale-after study status s.yaml
"$cril" report s.yaml | grep -q 'over the first 5 of 6 documents of' || fail stale-documents
sed -i 's/limit: 5/limit: 6/' s.yaml && "$cril" study run -q --no-baselines s.yaml && sed -i 's/limit: 6/limit: 900/' s.yaml
t stale-whole study status s.yaml # neither limit leaves anything out
sed -i 's/limit: 900/limit: 5/' s.yaml && "$cril" study run -q --no-baselines s.yaml
touch d.jsonl
t stale-touched study status s.yaml
cp ../llama-mixed.gguf gemma3.gguf
t stale-model study status s.yaml
echo '{"content": "one more"}' >>d.jsonl
t stale-corpus study status s.yaml
# A model under another name keeps its imported scores; what no name leads to is listed.
cp ../gemma3.gguf . && "$cril" study run -q --no-baselines s.yaml 2>/dev/null
mv gemma3.gguf other.gguf && sed -i 's/gemma3/other/' s.yaml
t stale-renamed export s.yaml
sed -i 's/{path: other.gguf}/{name: third}/' s.yaml
t stale-unclaimed study status s.yaml
# By rules of before, in a database of before.
cp "$golden/study-1.db" old.db && cp ../c.jsonl . && cp ../gemma3.gguf .
cat >old.yaml <<'END'
database: old.db
models: [{path: llama.gguf}, {path: gemma3.gguf}]
corpora: [{name: all, path: c.jsonl}, {name: first, path: c.jsonl, limit: 2}]
protocols: [{name: document, context: 48, stride: 16}, {name: hkust, context: 20, stride: 10}]
benchmarks: [{name: MMLU}]
END
t stale-rules study status old.yaml
t stale-rules-export export old.yaml
"$cril" study run -q --no-baselines old.yaml || fail stale-rules-run
t stale-rules-merge study merge --measured -o merged.db s.db old.db
t stale-rules-after study status --complete old.yaml
cd ..
