# Corpora of corpora: mixes, quality by a model, what is refused.
wet="$golden/warc/wet-1.0.warc.wet.gz"
"$cril" corpus web "$wet" -q --without gopher_quality,gopher_repetition -o web.jsonl.zst || fail "web"
cp "$here/expected/gather-web-lines" lines.jsonl # the same documents, without a card
i=0; while [ $i -lt 40 ]; do
    awk -v n=$((20 + 37 * i % 300)) -f words.awk | awk -v i=$i '{ text = text $0 "\\n" } END { printf "{\"content\": \"%d %s\"}\n", i, text }'
    i=$((i + 1))
done >words.jsonl
t mix-help corpus mix --help
t mix corpus mix web.jsonl.zst words.jsonl --characters 300 --seed 1 -o mix.jsonl
t mix-card corpus card mix.jsonl
t mix-json corpus mix words.jsonl --characters 3k --json -q -o one.jsonl
t mix-none corpus mix web.jsonl.zst words.jsonl --characters 2M -o no.jsonl
t mix-same corpus mix web.jsonl.zst lines.jsonl --characters 200 -o no.jsonl # the same texts
t mix-seed corpus mix words.jsonl --characters 3k --seed 2 -o two.jsonl
cmp -s one.jsonl two.jsonl && fail "two seeds, one mix"
t mix-size corpus mix words.jsonl --characters 2Ki -o no.jsonl
t mix-no-size corpus mix words.jsonl -o no.jsonl
t mix-stdin corpus mix - --characters 100 -o no.jsonl
t mix-no-input corpus mix --characters 100 -o no.jsonl
t mix-no-data corpus mix words.jsonl --characters 100 --exclude-items gsm8k -o no.jsonl
t mix-output corpus mix words.jsonl --characters 100 -f -o words.jsonl
mkdir -p data/gsm8k
printf '{"question": "%s", "answer": "#### 2"}\n' "$(awk -v n=400 -f words.awk | tr '\n' ' ' | cut -c 100-300)" >data/gsm8k/test.jsonl
t mix-items corpus mix words.jsonl --characters 500 --exclude-items gsm8k --data data -o clean.jsonl
t mix-task corpus mix words.jsonl --characters 500 --exclude-items chess --data data -o no.jsonl
q="corpus quality -m llama.gguf --context 64 --stride 24"
t quality-help corpus quality --help
t quality $q mix.jsonl -o quality.jsonl
[ -z "${UPDATE:-}" ] || cp quality.jsonl "$here/expected/quality-lines"
same quality-lines "$here/expected/quality-lines" quality.jsonl
t quality-keep $q mix.jsonl --keep head,middle -o kept.jsonl.zst
t quality-bucket $q mix.jsonl --keep best -o no.jsonl
t quality-no-model corpus quality mix.jsonl -o no.jsonl
t quality-two $q mix.jsonl web.jsonl.zst -o no.jsonl
sed 's/"content": "/&x/' web.card.json >/dev/null
# A stranger has the inputs, and of all that was made the last card alone.
mkdir again bin
cp "$wet" words.jsonl llama.gguf kept.card.json again
ln -s "$cril" bin/cril
: >again/kept.jsonl.zst
(cd again && "$cril" corpus card kept.jsonl.zst | sed -n '/^made by/,$p' | cut -c 21- >commands && rm kept.* && PATH=$tmp/bin:$PATH sh -e commands >/dev/null 2>&1) ||
    fail "the commands of a card"
same "made from its card" kept.jsonl.zst again/kept.jsonl.zst
same "its card" kept.card.json again/kept.card.json
t mix-commands corpus card clean.jsonl
t card-html corpus card kept.jsonl.zst --html -o kept.html
"$cril" corpus card kept.jsonl.zst --html >out.html && same "a page on standard output" kept.html out.html
grep -q 'cril corpus quality -m llama.gguf --context 64' kept.html || fail "the page has no command"
t card-html-exists corpus card kept.jsonl.zst --html -o kept.html
t card-html-corpus corpus card kept.jsonl.zst --html -f -o kept.jsonl.zst
t card-html-json corpus card kept.jsonl.zst --html --json
t card-output corpus card kept.jsonl.zst -o kept.html
t card-help corpus card --help
: >hostile.jsonl # a card of somebody's: nothing in it reaches the terminal as it is
printf '{"card": 1, "corpus": {"sha256": "\\u001b[1m"}, "rules": {"kind": "\\u001b[2m"}, "source": {"dates": "\\u202e", "inputs": [{"name": "\\u001b", "taken_documents": 1}]},
"command": ["\\u001b", "-o"], "steps": [{"name": "\\u001b[3m", "reasons": {"\\u001b": 1}, "buckets": [{"name": "\\u001b[4m"}]}]}\n' >hostile.card.json
t card-hostile corpus card hostile.jsonl
[ ! -e /dev/full ] || { "$cril" corpus card kept.jsonl.zst --html >/dev/full 2>err; [ $? = 1 ] || fail "a full disk"; }
printf '{"content": "another"}\n' | zstd -q >web.jsonl.zst
t mix-other corpus mix web.jsonl.zst words.jsonl --characters 500 -o no.jsonl
leaves_nothing mix no.jsonl no.card.json
# A result of cril score quotes the hash that the card has.
hash_of() { sed -n '/"corpus": {/,/}/s/^ *"sha256": "\(.*\)",*$/\1/p' | head -n 1; }
"$cril" $s -q --json quality.jsonl >quality.json
[ "$(hash_of <quality.json)" = "$(hash_of <quality.card.json)" ] && [ -n "$(hash_of <quality.card.json)" ] || fail "a result does not have the hash of the card"
