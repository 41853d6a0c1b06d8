# Models beside a base: tables, JSON, what is refused.
d="diverge -m llama.gguf -m llama-mixed.gguf --window 64 --stride 24"
t diverge $d -t 1 c.jsonl
t diverge-two $d -m llama.gguf c.jsonl d.jsonl
t diverge-verbose $d -v -m llama.gguf --top 1 --level 80 --resamples 50 --seed 7 --limit 2 c.jsonl
t diverge-halves diverge -m llama.gguf -m llama-mixed.gguf --protocol halves --window 8 --top 0 text.txt
t diverge-long diverge -m llama.gguf -m llama-mixed.gguf --protocol halves --window 1k text.txt
"$cril" $d -q --json -o diverge.json c.jsonl d.jsonl || fail "json of diverge"
for line in tokens mean_kl rms_dp mean_dp same_top ln_ppl ln_ppl_base ln_ppl_ratio correlation 99.9 0.1 min max mean_kl_interval worst by_position; do
    grep -q "\"$line\": " diverge.json || fail "json of diverge lacks $line"
done
"$cril" $d -q -t 2 --batch 1 --json c.jsonl d.jsonl | sed '/"tokens_a_second"/d' >diverge.same
sed '/"tokens_a_second"/d' diverge.json | same "diverge with other threads and batch" diverge.same -
"$cril" $d -q --memory 1G --json c.jsonl d.jsonl | sed '/"tokens_a_second"/d' | same "diverge within 1G" diverge.same -
# The base's BPC is that of a score.
"$cril" score -m llama-mixed.gguf --context 64 --stride 24 -q c.jsonl | awk '/^c.jsonl/ { print $2 }' >score.bpc
"$cril" $d -q --top 0 c.jsonl | awk '/^llama-mixed/ { print $(NF - 1) }' | same "BPC of diverge" score.bpc -
t diverge-one diverge -m llama.gguf c.jsonl
t diverge-none diverge c.jsonl
t diverge-no-corpus diverge -m llama.gguf -m llama.gguf
t diverge-other-tokens diverge -m llama.gguf -m gemma3.gguf c.jsonl
t diverge-no-model diverge -m llama.gguf -m none.gguf c.jsonl
t diverge-stride diverge -m llama.gguf -m llama.gguf --window 16 --stride 1k c.jsonl
t diverge-window diverge -m llama.gguf -m llama.gguf --window 4z c.jsonl
t diverge-output-is-model diverge -m llama.gguf -m llama-mixed.gguf -f -o llama-mixed.gguf c.jsonl
t diverge-exists $d -o diverge.json c.jsonl
"$cril" $d --memory 1M c.jsonl >out 2>err && fail "diverge within 1M" # how much is enough depends on the build
grep -q 'do not hold a window of 64 tokens.*each of the models has an equal part of the memory$' err || fail "diverge within 1M: $(cat err)"
echo '{"content": ""}' >nothing.jsonl
t diverge-nothing $d nothing.jsonl
if [ -e /dev/full ]; then t diverge-disk-full $d -q -f -o /dev/full c.jsonl; fi
