# Benchmarks and requests: table, items, JSON, grading, comparison, what a stopped run leaves, what is refused. The data are
# made here of the tiny models' words.
XDG_CACHE_HOME=$tmp/cache
export XDG_CACHE_HOME
mkdir -p data/arc_challenge data/gsm8k data/hellaswag
awk -v dir=data -v n=10 -f "$here/benchmarks.awk"
e="eval -m llama.gguf --data data --protocol harness --window 1000"
t eval $e --tasks arc_challenge,gsm8k
t eval-one $e --tasks arc_challenge --items arc.jsonl
t eval-items-exist $e --tasks arc_challenge --items arc.jsonl
"$cril" $e -q --tasks gsm8k --max-tokens 8 --items gsm.jsonl >/dev/null || fail "items of gsm8k"
head -n 2 arc.jsonl >out; head -n 2 gsm.jsonl >>out; : >err; verdict eval-items 0
# The same bytes for any threads, batch, streams, memory.
for how in '--threads 1' '--threads 2 --batch 1' '--memory 1G'; do
    "$cril" $e -q --tasks arc_challenge --items again.jsonl -f $how >/dev/null && same "arc with $how" arc.jsonl again.jsonl
done
for how in '--streams 1' '--streams 5 --threads 1' '--batch 7' '--memory 64M'; do
    "$cril" $e -q --tasks gsm8k --max-tokens 8 --items again.jsonl -f $how >/dev/null && same "gsm8k with $how" gsm.jsonl again.jsonl
done
"$cril" $e -q --tasks arc_challenge --limit 4 --items again.jsonl -f >/dev/null
head -n 4 arc.jsonl | cmp -s - again.jsonl || fail "items with --limit"
t eval-dry-run $e --tasks arc_challenge --limit 2 --dry-run --items dry.jsonl
cat dry.jsonl >out; : >err; verdict eval-dry-items 0
t eval-paper eval -m llama.gguf --data data --tasks arc_challenge --shots 3 --draw first --limit 3 -v
"$cril" $e -q --tasks arc_challenge --limit 3 --json >out || fail "eval --json"
for key in results task protocol protocol_sha256 data_sha256 metric shots score se items scored errors unjudged cut bpb bpb_total \
    gold_items subjects reference programs model identity numerics rules; do
    grep -q "\"$key\":" out || fail "eval --json has no $key"
done
[ -z "$(ls cache/cril/eval)" ] || fail "finished runs left journals"

# What lm-evaluation-harness writes, and reads: a study takes the scores, requests are the same.
"$cril" $e -q --tasks arc_challenge --output out.d >/dev/null || fail "--output"
[ "$(ls out.d)" = llama.gguf ] || fail "--output: the model's folder is $(ls out.d)"
for f in out.d/llama.gguf/samples_arc_challenge_*.jsonl; do head -n 1 "$f" >out; samples=$f; done
: >err; verdict eval-samples 0
sed -e 's/"date": [0-9.]*/"date": D/' -e 's/"total_evaluation_time_seconds": "[^"]*"/"total_evaluation_time_seconds": "S"/' \
    out.d/llama.gguf/results_*.json >out; verdict eval-results 0
cat >harness.yaml <<'END'
title: Read back
models: [{name: tiny, path: llama.gguf}]
corpora: [{name: words, group: words, path: c.jsonl}]
benchmarks: [{name: ARC, group: words, task: arc_challenge, metric: acc_norm, filter: none}]
END
"$cril" study import harness.yaml --harness out.d/llama.gguf/results_*.json --model tiny 2>err | sed 's/results_[-0-9T.]*json/results_DATE.json/' >out
verdict eval-harness 0
"$cril" eval -m llama.gguf --window 1000 --requests "$samples" --items again.jsonl -f >out 2>err; verdict eval-requests $?
sed 's/.*"choices": \(.*\), "answer".*/\1/; s/, "reference_nats": [0-9.]*//g' again.jsonl >a; sed 's/.*"choices": \(.*\), "answer".*/\1/' arc.jsonl >b
same "requests of samples" a b

# A task of one's own: the same items as requests that say so.
mkdir -p own
printf '%s\n' '{"q": "the ring", "c": ["then", "ton area"], "g": 1}' '{"q": "on the area", "c": ["aing", "there"], "g": 0}' >own/own.jsonl
cat >own.yaml <<'END'
name: own
data: own.jsonl
context: "Q: {q}\nA:"
choices: "{c}"
gold: "{g}"
metric: acc_norm
END
printf '%s\n' '{"context": "Q: the ring\nA:", "choices": [" then", " ton area"], "gold": 1}' \
    '{"context": "Q: on the area\nA:", "choices": [" aing", " there"], "gold": 0}' >own.requests.jsonl
t eval-task-file eval -m llama.gguf --task-file own.yaml --data own --window 1000 --items own.items
"$cril" eval -q -m llama.gguf --requests own.requests.jsonl --window 1000 --items requests.items >/dev/null || fail "requests"
sed 's/.*"choices"://; s/, "answer".*//' own.items >a; sed 's/.*"choices"://; s/, "answer".*//' requests.items >b
same "a task file and requests" a b
[ -s a ] || fail "a task file has no items"

# Grading.
printf '%s\n' '{"id": 1, "text": "so 5.\n#### 5", "gold": "5"}' '{"text": "it is 1,234.", "gold": "1234"}' >answers.jsonl
t eval-grade eval --grade gsm8k answers.jsonl
printf '%s\n' '{"resps": [[" the ring "]], "target": "['"'the ring', 'ton'"']", "filter": "none"}' >answers.jsonl
t eval-grade-samples eval --grade nq_open answers.jsonl
printf '%s\n' '{"text": "x"}' '{"gold": "5"}' >answers.jsonl
t eval-grade-bad eval --grade gsm8k answers.jsonl
t eval-grade-choices eval --grade hellaswag answers.jsonl
t eval-grade-no-data eval --grade humaneval answers.jsonl

# Comparison.
"$cril" eval -q -m gemma3.gguf --data data --protocol harness --window 1000 --tasks arc_challenge --items g.jsonl >/dev/null
t eval-compare compare arc.jsonl g.jsonl
sed 2d g.jsonl >h.jsonl
t eval-compare-one-sided compare arc.jsonl h.jsonl
t eval-compare-kinds compare arc.jsonl c.jsonl
"$cril" compare --json arc.jsonl g.jsonl >out || fail "compare --json of items"
grep -q '"only_a_right"' out || fail "compare --json of items has no test"

# Stopped by a signal: partial, then on to the same items.
"$cril" $e --tasks gsm8k --max-tokens 600 --streams 1 --threads 1 --items whole.jsonl -q >/dev/null
has_lines() { [ "$(cat cache/cril/eval/*.jsonl 2>/dev/null | wc -l)" -gt 2 ] || [ -e part.jsonl ]; }
("$cril" $e --tasks gsm8k --max-tokens 600 --streams 1 --threads 1 --items part.jsonl >out 2>err & pid=$!
    wait_until has_lines; kill -INT $pid 2>/dev/null; wait $pid; echo $? >code)
[ "$(cat code)" = 130 ] || [ "$(cat code)" = 0 ] || fail "SIGINT: exit $(cat code)"
[ "$(cat code)" = 0 ] || grep -q 'goes on where it was' err || fail "SIGINT: $(cat err)"
[ "$(cat code)" = 0 ] && rm -f part.jsonl
"$cril" $e -q --tasks gsm8k --max-tokens 600 --streams 1 --threads 1 --items part.jsonl >/dev/null || fail "going on"
same "a stopped run" whole.jsonl part.jsonl

# Refused.
t eval-no-model eval --tasks arc_challenge --data data
t eval-no-task eval -m llama.gguf --data data
t eval-no-data eval -m llama.gguf --tasks arc_challenge
t eval-unknown-task $e --tasks arc_chalenge
t eval-unknown-protocol eval -m llama.gguf --data data --tasks arc_challenge --protocol papr
t eval-missing-data $e --tasks hellaswag
t eval-twice $e --tasks arc_challenge,arc_challenge
cp data/gsm8k/test.jsonl data/hellaswag/hellaswag_val.jsonl
t eval-wrong-data $e --tasks hellaswag
sed '3s/,"answerKey":"."//' data/arc_challenge/ARC-Challenge-Test.jsonl >x && mkdir -p nokey/arc_challenge && mv x nokey/arc_challenge/ARC-Challenge-Test.jsonl
cp data/arc_challenge/ARC-Challenge-Train.jsonl nokey/arc_challenge
t eval-no-key eval -m llama.gguf --data nokey --tasks arc_challenge --protocol harness
t eval-small-window eval -m llama.gguf --data data --tasks arc_challenge --protocol harness --window 4 --limit 3
t eval-cut eval -m llama.gguf --data data --tasks arc_challenge --protocol harness --window 20 --limit 3
t eval-full-prompt $e --tasks gsm8k --max-tokens 999 --limit 2
printf '%s\n' '{"context": "walkin", "choices": ["g", " a"], "gold": 0}' '{"context": "the", "choices": [" ring", " ton"], "gold": 1}' >joined.jsonl
t eval-joined eval -m llama.gguf --requests joined.jsonl
cp "$golden"/requests/samples_own_last_*.jsonl last.jsonl
t eval-greedy eval -q -m llama.gguf --requests last.jsonl --items greedy.jsonl --output last.d
[ "$(grep -c '"greedy": \(true\|false\)}\], "acc": [01],' greedy.jsonl)" = 3 ] || fail "greedy continuations"
[ "$(grep -c '"resps": \[\[\["-[0-9.]*", "\(True\|False\)"\]\]\].*"metrics": \["acc"\]' last.d/llama.gguf/samples_last_*.jsonl)" = 3 ] || fail "samples of greedy continuations"
printf '%s\n' '{"context": "a </s> there", "continuation": " ring"}' >control.jsonl
t eval-control eval -m llama.gguf --requests control.jsonl
t eval-special eval -m llama.gguf --requests control.jsonl --special
t eval-shots-of-requests eval -m llama.gguf --requests control.jsonl --shots 3
t eval-bad-request eval -m llama.gguf --requests c.jsonl
"$cril" $e -q --tasks arc_challenge --items /dev/full >out 2>err; verdict eval-full $?
"$cril" $e -q --tasks arc_challenge --items full.jsonl >/dev/null || fail "items after a full disk"
same "items after a full disk" arc.jsonl full.jsonl

# Programs: without a sandbox, a Python, or a module that Python lacks, nothing begins.
mkdir -p data/humaneval empty
printf '%s\n' '{"task_id": "HumanEval/0", "prompt": "def f(a):\n", "entry_point": "f", "canonical_solution": "    return a\n", "test": "def check(candidate):\n    assert candidate(3) == 3\n"}' \
    >data/humaneval/HumanEval.jsonl
h="$e --tasks humaneval --max-tokens 4"
PATH=$tmp/empty "$cril" $h >out 2>err && fail "programs without a sandbox"
grep -q 'bwrap' err || fail "programs without a sandbox: $(cat err)"
if command -v bwrap >/dev/null && "$cril" $h -q >/dev/null 2>err; then
    "$cril" $h --python "$tmp/no-python" >out 2>err && fail "programs without Python"
    grep -q 'no-python' err || fail "programs without Python: $(cat err)"
    printf '%s\n' '{"task_id": "HumanEval/0", "completion": "    return a\n"}' '{"task_id": "HumanEval/0", "completion": "    return 4\n"}' \
        '{"task_id": "HumanEval/0", "solution": "def f(a):\n    return 3\n"}' >samples.jsonl
    t eval-grade-programs eval --grade humaneval --data data samples.jsonl
    sed 's,HumanEval/0,HumanEval/9,' samples.jsonl >other.jsonl
    t eval-grade-unknown eval --grade humaneval --data data other.jsonl
    # What only tasks without a sample import is not asked for.
    mkdir -p data/ds1000
    printf '{"prompt": "p", "reference_code": "c", "metadata": {"library": "%s", "problem_id": %s}, "code_context": ""}\n' \
        Numpy 0 Pytorch 1 >data/ds1000/ds1000.jsonl
    echo '{"task_id": 0, "completion": ""}' >numpy.jsonl
    echo '{"task_id": 1, "completion": ""}' >torch.jsonl
    "$cril" eval --grade ds1000 --data data numpy.jsonl >out 2>err; ! grep -q torch err || fail "modules of other tasks: $(cat err)"
    python3 -c 'import torch' 2>err || { "$cril" eval --grade ds1000 --data data torch.jsonl >out 2>err; grep -q 'cannot import.* torch' err ||
        fail "modules of a task: $(cat err)"; }
else
    skip "no sandbox here: $(cat err)"
fi
