# A stopping rule: table, JSON, several models, what is refused, and runs that were killed.
XDG_CACHE_HOME=$tmp/cache
export XDG_CACHE_HOME
awk 'function draw(n) { s = (s * 1103 + 12345) % 65521; return int(n * s / 65521) }
    BEGIN { split("the area of stone and water unlike river", w, " ")
    for (i = 0; i < 120; i++) {
        kinds = 1 + draw(8); text = ""
        for (n = 4 + draw(20); n; n--) text = text w[1 + draw(kinds)] " "
        print "{\"content\": \"" text "\"}"
    } }' >many.jsonl
u="score -m llama.gguf --context 32 --stride 8 --until 9% --min-documents 20 --seed 2"
t until $u many.jsonl
t until-all score -q -m llama.gguf --context 32 --until 0.01% many.jsonl
t until-models $u -m llama-mixed.gguf --csv until-runs.csv many.jsonl c.jsonl
awk -F, '{ print $(NF - 3) }' until-runs.csv | sort -u | tr '\n' ' ' | grep -q '^0.09 until $' || fail "until in a file of runs"
"$cril" $u -q --per-document until.csv --json -o until.json many.jsonl || fail "json of until"
"$cril" $u -q -m llama-mixed.gguf --json many.jsonl | awk '/^{"models"/ { next } /^{$/ { n++ } /^,?$/ || /^]}$/ { next } { print >("until-" n ".json") }'
t until-compare compare --top 0 until.json until-2.json
"$cril" score -q -m llama.gguf --context 32 --stride 8 --json -o whole.json many.jsonl
t until-compare-whole compare until.json whole.json
n=$(sed -n '/"order": \[/,/]/p' until.json | grep -c '^ *[0-9]')
[ "$(wc -l <until.csv)" = $((n + 1)) ] || fail "until: $n documents in the order, $(wc -l <until.csv) lines of CSV"
"$cril" score -q -m llama.gguf --context 32 --stride 8 --per-document whole.csv many.jsonl >/dev/null
[ "$(sort until.csv whole.csv | uniq -d | wc -l)" = $((n + 1)) ] || fail "until: documents have other figures than in a whole run"
for lie in '/"order": \[/{n;s/[0-9]*,/119999,/}' '/"order": \[/{n;h;n;g}' 's/"reached": true/"reached": false/' 's/"share": 0.09/"share": 2/'; do
    sed "$lie" until.json >lies.json
    "$cril" compare lies.json lies.json >out 2>err && fail "until: a lie was believed: $lie"
    grep -q 'results\[0\].until' err || fail "until: $(cat err)"
done
for p in 5 0% 51% % -1% 1e-400%; do t until-share score -m llama.gguf --until $p many.jsonl; done
t until-nothing score -m llama.gguf --min-documents 5 many.jsonl
t until-no-resume score -m llama.gguf --no-resume many.jsonl
t until-stdin $u -
t until-prove $u --prove many.jsonl
t until-nats $u --token-nats - many.jsonl
t until-baselines $u --baselines many.jsonl
t until-hkust $u -q --protocol hkust many.jsonl
[ -z "$(ls cache/cril/score)" ] || fail "finished runs with --until left journals"

# Killed, and run again: the same bytes but for the time.
untimed() { sed '/"seconds"/d' "$1"; }
slow="score -q -m llama.gguf -m llama-mixed.gguf --context 32 --stride 1 --batch 1 -t 1 --until 9% --min-documents 20 --seed 2 --json"
"$cril" $slow -o killed-whole.json many.jsonl c.jsonl
untimed killed-whole.json >killed-whole
has_lines() { [ "$(cat cache/cril/score/* 2>/dev/null | wc -l)" -ge "$1" ]; }
for n in 3 25 60; do
    "$cril" $slow -o killed.json many.jsonl c.jsonl 2>/dev/null & pid=$!
    wait_until has_lines $n || fail "no $n finished documents after a minute"
    kill -9 $pid; wait $pid 2>/dev/null && fail "a run with --until was not killed"
done
leaves_nothing until-killed killed.json
"$cril" $slow -o killed.json many.jsonl c.jsonl || fail "a killed run does not go on"
untimed killed.json | same "killed three times" killed-whole -
[ -z "$(ls cache/cril/score)" ] || fail "a run that went on left journals"
"$cril" $slow -o killed.json -f many.jsonl 2>err & pid=$!
wait_until has_lines 9; kill -TERM $pid; wait $pid; [ $? = 143 ] || fail "a signal under --until"
grep -q 'the same command goes on where it was' err || fail "a signal under --until: $(cat err)"
