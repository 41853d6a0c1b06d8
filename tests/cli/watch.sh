# --watch: a folder that grows, with files that are written slowly, renamed, replaced, broken, taken away; a restart.
mkdir -p runs/checkpoint-500 runs/.tmp
cp llama.gguf runs/checkpoint-500/model.gguf
w="score --watch runs --settle 0.5 -t 1 --context 64 --stride 24 --csv watch.csv"
watch() { "$cril" $w "$@" c.jsonl d.jsonl >out 2>err & pid=$!; }
row() { wait_until grep -q "$1\$" out || fail "watch: no row of $1: $(cat out err)"; }
said() { wait_until grep -q "$1" err || fail "watch: did not say $1: $(cat out err)"; }
stopped() { kill -TERM $pid; wait $pid; }
watch
row checkpoint-500/model.gguf
head -c 40000 llama-mixed.gguf >runs/step1000.gguf; said 'runs/step1000.gguf: is not complete'
tail -c +40001 llama-mixed.gguf >>runs/step1000.gguf; row step1000.gguf
mv runs/checkpoint-500 runs/checkpoint-501; row checkpoint-501/model.gguf
mkdir runs/step2000; echo '{}' >runs/step2000/config.json; echo broken >runs/step2000/model.safetensors; said 'runs/step2000: is not complete'
cp gemma3.gguf runs/.tmp/x; mv runs/.tmp/x runs/step1000.gguf; row 'bits  *runs/step1000.gguf'
rm -r runs/checkpoint-501 runs/step2000; mv runs runs.away; said 'runs: cannot be read'; mv runs.away runs
cp llama.gguf runs/.tmp/x; printf x >>runs/.tmp/x; mv runs/.tmp/x runs/step3000.gguf; row step3000.gguf
stopped; verdict watch $?
awk -F, 'NF != 34 { exit 1 } END { exit NR != 9 }' watch.csv || fail "rows of a watch"
# Restarted: what the file of runs has is not scored again; with other options it is.
cp watch.csv watched.csv
watch; row step3000.gguf; stopped; verdict watch-again $?
same "a restarted watch" watch.csv watched.csv
watch -q --limit 1; row step3000.gguf; stopped; verdict watch-limit $?
[ "$(wc -l <watch.csv)" = 13 ] || fail "rows of a watch with --limit"
[ -z "$(ls -A runs/.tmp)" ] || fail "a watch left files"
t watch-model score --watch runs -m llama.gguf c.jsonl
for o in "-o x" --json "--per-document x" "--token-nats x" --prove "--archive x" --baselines "--until 1%"; do t "watch$(echo $o | sed 's/ .*//')" score --watch runs $o c.jsonl; done
t watch-none score --watch none c.jsonl
t watch-stdin score --watch runs -
t watch-settle score -m llama.gguf --settle 3 c.jsonl
for s in x -1 1e9; do t watch-settle-bad score --watch runs --settle=$s c.jsonl; done
t watch-csv score --watch runs --csv c.jsonl c.jsonl
