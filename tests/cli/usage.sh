# Help, versions, wrong usage.
t help --help
t help-score score --help
t help-compare help compare
t help-diverge help diverge
t help-leak help leak
t help-info info -h
t help-tokenize help tokenize
t help-selftest help selftest
t help-pull help pull
t version --version
t no-command
t unknown-command scor
t unknown-command-far xyzzy
t unknown-option-first --verison
t unknown-option score --contxt 3
t no-model score c.jsonl
t no-corpus score -m llama.gguf
t model-twice compress -m llama.gguf -m gemma3.gguf text.txt
t bad-number score -m llama.gguf --threads two c.jsonl
t zero-context score -m llama.gguf --context 0 c.jsonl
t bad-protocol score -m llama.gguf --protocol best c.jsonl
t bad-format score -m llama.gguf --format xml c.jsonl
t no-value score c.jsonl -m
t stride-over-context score -m llama.gguf --context 64 --stride 65 c.jsonl
t stdin-twice score -m llama.gguf - -
t two-outputs score -m llama.gguf -o ./twice --per-document twice c.jsonl
t two-outputs-stdout score -m llama.gguf --token-nats - c.jsonl
t output-is-corpus score -m llama.gguf -f -o c.jsonl c.jsonl
t output-is-model score -m llama.gguf -f -o ./llama.gguf c.jsonl
t nats-of-two score -m llama.gguf --token-nats nats c.jsonl d.jsonl
for p in rolling hkust halves; do t prove-$p score -m llama.gguf --prove --protocol $p c.jsonl; done
for p in rolling hkust halves; do t prompts-$p score -m llama.gguf --prompt-field p --protocol $p c.jsonl; done
t prompts-same-field score -m llama.gguf --prompt-field p --field p c.jsonl
t prompts-content score -m llama.gguf --prompt-field content c.jsonl
t prompts-text score -m llama.gguf --prompt-field p --format text c.jsonl
t prompts-prove score -m llama.gguf --prompt-field p --prove c.jsonl
t prompts-archive score -m llama.gguf --prompt-field p --archive two.cril c.jsonl
t prove-stdin score -m llama.gguf --prove c.jsonl -
mkfifo once.jsonl; t prove-pipe score -m llama.gguf --prove once.jsonl; rm once.jsonl
t archive-of-two score -m llama.gguf --archive two.cril c.jsonl d.jsonl
t archive-stdout score -m llama.gguf --archive - c.jsonl
t archive-protocol score -m llama.gguf --archive two.cril --protocol rolling c.jsonl
t archive-is-output score -m llama.gguf -o ./two.cril --archive two.cril c.jsonl
t archive-is-corpus score -m llama.gguf -f --archive ./c.jsonl c.jsonl
t archive-is-model score -m llama.gguf -f --archive ./llama.gguf c.jsonl
t compare-one compare a.json
t info-two info llama.gguf gemma3.gguf
t info-cpu-model info --cpu llama.gguf
for set in fast avx; do # neither is a kernel set
    for c in --version "info --cpu" "score -m llama.gguf --context 64 c.jsonl"; do
        CRIL_CPU=$set "$cril" $c >out 2>err; code=$?
        sed -i 's/which has .*ref.*/which has NAMES/' err; verdict cpu-unknown-$set $code
    done
done
lacks=$("$cril" info --cpu | awk '$2 == "no" { print $1; exit }')
if [ -n "$lacks" ]; then
    CRIL_CPU=$lacks "$cril" score -m llama.gguf --context 64 c.jsonl >out 2>err; code=$?
    sed -i "s/=$lacks asks for kernels that need .*, which/=SET asks for kernels that need THIS, which/; s/run ref.*/run NAMES/" err
    verdict cpu-lacks $code
else
    skip "a kernel set that this CPU lacks: it has all"
fi
t selftest-operand selftest llama.gguf
t selftest-tokens selftest --tokens 9
t selftest-too-many selftest -m llama.gguf --tokens 16777217
t tokenize-no-model tokenize text.txt
# What is taken for a model, and is not one: each gets the sentence that helps.
for c in score tokenize compress test; do t model-operand-$c $c llama.gguf text.txt; done
t model-hub-id score -m HuggingFaceTB/SmolLM2-135M c.jsonl
t model-hub-quant info bartowski/SmolLM2-135M-GGUF:Q4_K_M
t model-gone info nope/model.gguf
t model-address tokenize -m https://huggingface.co/a/b/resolve/main/c.gguf text.txt
t model-address-elsewhere tokenize -m https://example.org/c.gguf text.txt
t model-hub-fetch info --fetch hf:a/b
t model-hub-bad score -m hf:a c.jsonl
t corpus-address score -m llama.gguf https://example.org/c.jsonl
mkdir transformers; echo {} >transformers/config.json; echo {} >transformers/model.safetensors
t model-transformers score -m transformers c.jsonl
t model-safetensors info transformers/model.safetensors
h='{"a.weight":{"dtype":"BF16","shape":[2,3],"data_offsets":[0,12]}}'
{ printf "\\$(printf %o ${#h})\0\0\0\0\0\0\0%s" "$h"; printf '%012d' 0; } >transformers/model.safetensors
echo '{"architectures": ["NoneForCausalLM"], "max_position_embeddings": 64, "rope_scaling": {"factor": 8.0}, "window": null, "list": [1, 2.5]}' \
    >transformers/config.json
echo '{}' >transformers/tokenizer.json; echo 'not read' >transformers/README.md
t info-folder info --metadata --tensors transformers
t info-folder-json info --json transformers/config.json
cp transformers/config.json named.json; echo '{"max_position_embeddings": 64}' >transformers/config.json
t info-folder-no-class info transformers
mv named.json transformers/config.json
t folder-operand score transformers c.jsonl
t folder-corpus score -m llama.gguf transformers/model.safetensors
rm transformers/model.safetensors; echo PK >transformers/pytorch_model.bin
t model-pickle info transformers
echo '{"quantization_config": {"quant_method": "gptq"}}' >transformers/config.json
t model-quantised score -m transformers c.jsonl
echo '{}' >transformers/adapter_config.json
t model-adapter score -m transformers c.jsonl
mkdir nope; t model-gone-folder info nope/model.gguf; rm -r nope transformers
t tokenize-both tokenize -m llama.gguf --count --pieces text.txt
leaves_nothing usage twice nats two.cril
same usage c.jsonl "$here/c.jsonl"
t usage-memory score -m llama.gguf --memory 12X c.jsonl
t usage-memory-none score -m llama.gguf --memory G c.jsonl
for c in compress decompress test list cat; do t help-$c help $c; done
t compress-no-model compress text.txt
t compress-output-stdout compress -m llama.gguf -o x -c text.txt
t compress-output-two compress -m llama.gguf -o x text.txt c.jsonl
t compress-stdout-two compress -m llama.gguf -c text.txt c.jsonl
t compress-stdin-twice compress -m llama.gguf -o x - -
t compress-rm-stdout compress -m llama.gguf --rm -c text.txt
t compress-rm-stdin compress -m llama.gguf --rm -o x -
t compress-rm-keep compress -m llama.gguf --rm --keep text.txt
t compress-json-stdout compress -m llama.gguf --json -c text.txt
t compress-d-segment compress -m llama.gguf -d --segment 1K text.txt
t compress-stride compress -m llama.gguf --context 64 --stride 65 text.txt
t compress-segment compress -m llama.gguf --segment 2G text.txt
t compress-threads compress -m llama.gguf -t 0 text.txt
t test-no-model test text.txt
t cat-no-model cat text.txt
t cat-range-what cat -m llama.gguf --range 5 text.txt
t cat-range-empty cat -m llama.gguf --range 1K-1K text.txt
t cat-range-reverse cat -m llama.gguf --range 2M-1M text.txt
t cat-range-two cat -m llama.gguf --range 0-1 text.txt c.jsonl
t list-option list --jsn text.txt
leaves_nothing usage-archives x text.txt.cril
