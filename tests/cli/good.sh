# What works: tables, files, JSON, several corpora, standard input, comparison, description, ids.
t score $s c.jsonl
t score-two $s c.jsonl d.jsonl
t score-options $s --level 80 --resamples 50 --seed 7 --limit 2 c.jsonl
t score-rolling score -m gemma3.gguf --protocol rolling --context 64 c.jsonl
printf '%s\n' '{"content": "a {meta} and {n}, {content}", "n": 1e5, "meta": {"by": "it"}}' '{"content": "x"}' >records.jsonl
t score-opencompass score -m gemma3.gguf --protocol opencompass --context 16 --stride 8 records.jsonl
t score-uncheatable score -m gemma3.gguf --protocol uncheatable --context 16 records.jsonl
t score-hkust score -m llama.gguf --protocol hkust --context 64 --stride 24 c.jsonl
t score-halves score -m llama.gguf --protocol halves --context 64 c.jsonl
t score-text $s --format text text.txt
t score-verbose $s -v -t 1 d.jsonl
# Ill-formed UTF-8 and U+2581, which SentencePiece takes for a space: figures, archive and break-even do not claim them.
t score-unspelled score -m gemma3.gguf --context 64 unspelled.txt text.txt
t score-unspelled-halves score -m gemma3.gguf --protocol halves --context 8 unspelled.txt
"$cril" score -m gemma3.gguf --context 64 --baselines unspelled.txt >out || fail "baselines of unspelled"
grep -q '^The model takes .* Whether it pays for itself is not known' out || fail "unspelled has paid"
"$cril" score -q -m gemma3.gguf --context 64 --json --baselines unspelled.txt >out || fail "json of unspelled"
for line in '"unspelled_characters": 2' '"unspelled_documents": 1' '"break_even_characters": null' '"break_even_bytes": null'; do
    grep -q "$line,*\$" out || fail "json of unspelled lacks $line"
done
t score-bad-lines $s bad-lines.jsonl
t score-bad-lines-quiet $s -q bad-lines.jsonl
"$cril" $s - <c.jsonl >out 2>err; verdict score-stdin $?

# Texts behind prompts: tokens, figures, comparison. The line without a prompt is a bad one.
printf '%s\n' '{"context": "The sky is ", "continuation": "blue"}' '{"continuation": "no prompt"}' \
    '{"context": "", "continuation": "A text of its own"}' '{"context": "Question: why?\nAnswer:", "continuation": " because"}' >pairs.jsonl
pairs="$s --prompt-field context --field continuation"
t score-prompts $pairs --per-document pairs.csv --token-nats pairs.tsv pairs.jsonl
cat pairs.csv pairs.tsv >out; : >err; verdict score-prompts-files 0
t score-prompts-strict $pairs --strict pairs.jsonl
"$cril" $pairs -q --json -o pairs.json pairs.jsonl || fail "json of prompts"
"$cril" $pairs -q --json -t 2 --batch 1 pairs.jsonl | sed '/"seconds"/d' >pairs.same
sed '/"seconds"/d' pairs.json | same "json of prompts twice" pairs.same -
grep -q '"prompt_field": "context"' pairs.json || fail "json has no prompt_field"
"$cril" compare pairs.json pairs.json 2>/dev/null | grep -q 'the same$' || fail "compare of prompts"
printf 'context,continuation\n"The sky is ",blue\n,A text of its own\n"Question: why?\nAnswer:"," because"\n' >pairs-table.csv
"$cril" $pairs -q --json pairs-table.csv | sed '/"seconds"\|"path"\|"sha256"/d;/"line"/,/\]/d' >pairs-csv.same
sed '/"path"\|"sha256"/d;/"line"/,/\]/d' pairs.same | same "prompts in CSV" pairs-csv.same -
sed '2d' pairs.jsonl >whole-pairs.jsonl # the same texts without prompts
"$cril" $pairs -q --json -o behind.json whole-pairs.jsonl && "$cril" $s -q --field continuation --json -o alone.json whole-pairs.jsonl ||
    fail "texts with and without prompts"
t compare-prompts compare behind.json alone.json
t score-prompts-text $s --prompt-field context text.txt

# Several models: side by side, the best first; rows of a file of runs.
t score-models score -m llama.gguf -m 'llama-mi*.gguf' --context 64 --stride 24 --level 80 c.jsonl d.jsonl
t score-models-one score -m llama.gguf -m llama.gguf -q --context 64 d.jsonl
"$cril" score -q -m llama.gguf -m llama-mixed.gguf --context 64 --stride 24 --json c.jsonl d.jsonl >models.json || fail "json of models"
[ "$(grep -c '"average": {' models.json)" = 2 ] || fail "json of models is not of two"
mkdir split && for i in 1 2; do cp llama.gguf split/a-0000$i-of-00002.gguf; done && cp llama.gguf split/b.gguf
"$cril" score -q -m 'split/[ab]*.gguf' --json d.jsonl >split.json 2>err # a later part of a model names none
grep -q 'split/a-00001-of' split.json && ! grep -q 'a-00002-of' split.json || fail "a pattern of split models: $(cat err)"
t models-no-match score -m 'none-*.gguf' c.jsonl
t models-stdin score -m llama.gguf -m llama-mixed.gguf -
t models-bad score -q -m llama.gguf -m text.txt c.jsonl
for o in "--per-document x" "--token-nats x" "--prove" "--baselines" "--archive x"; do t "models$(echo $o | sed 's/ x//')" score -m llama.gguf -m llama-mixed.gguf $o c.jsonl; done
t csv-stdout $s --csv - c.jsonl
t csv-is-corpus $s --csv c.jsonl c.jsonl
t csv-is-output $s --csv runs.csv -o runs.csv c.jsonl
t csv-other-head $s --csv text.txt c.jsonl
"$cril" $s -q -m llama-mixed.gguf --csv runs.csv c.jsonl d.jsonl >/dev/null || fail "runs of two models"
"$cril" $s -q --csv runs.csv d.jsonl >/dev/null || fail "one more run"
awk -F, 'NR == 1 { n = NF } NF != n { bad = 1 } END { exit bad || NR != 6 }' runs.csv || fail "rows of runs"
"$cril" $s -q --json d.jsonl | grep '"bpc":' | head -n 1 | grep -q "$(tail -n 1 runs.csv | cut -d, -f18)" || fail "BPC in runs"
cp runs.csv cut.csv; printf 2026 >>cut.csv; t csv-cut $s --csv cut.csv c.jsonl
for i in 1 2 3 4 5 6; do "$cril" $s -q --csv many.csv d.jsonl >/dev/null & done; wait
[ "$(wc -l <many.csv)" = 7 ] || fail "rows of several commands at once"
if [ -e /dev/full ]; then ln -s /dev/full full.csv; t csv-disk-full $s -q --csv full.csv d.jsonl; fi

# JSON: every field that the results promise, the same figures each time, whatever the threads.
"$cril" $s -q -t 1 --json -o a.json c.jsonl d.jsonl || fail "json file"
"$cril" $s -q -t 2 --batch 1 --json c.jsonl d.jsonl >again.json || fail "json on stdout"
"$cril" $s -q --memory 1G --json c.jsonl d.jsonl >bounded.json || fail "json within 1G"
sed '/"seconds"/d' bounded.json >bounded.same
for f in a again; do sed '/"seconds"/d' $f.json >$f.same; done
same "json twice" a.same again.same
same "json with --memory" a.same bounded.same
for key in results bpc bpb bits nats bits_per_token tokens scored_tokens characters bytes documents seconds \
    interval level low high resamples seed protocol name context stride model architecture sha256 parameters \
    corpus path cril numerics average bpc_with_escapes unspelled_characters unspelled_documents escape_bytes; do
    grep -q "\"$key\":" a.json || fail "json has no $key"
done
sum=$(sha256sum <llama.gguf | cut -d' ' -f1)
grep -q "\"sha256\": \"$sum\"" a.json || fail "json: the model's SHA-256 is not that of the file"
sum=$(sha256sum <d.jsonl | cut -d' ' -f1)
grep -q "\"sha256\": \"$sum\"" a.json || fail "json: the corpus's SHA-256 is not that of the file"

# A file that leaves its tokenizer open: a warning, once, and a field of the result; -q is quiet. info -v gives reasons.
LC_ALL=C sed 's/tokenizer\.ggml\.pre/general.comment_ab/' llama.gguf >guess.gguf
"$cril" score -m guess.gguf --context 64 --json -o guess.json c.jsonl d.jsonl 2>err || fail "score of a guessed tokenizer"
[ "$(grep -c '^cril: warning: guess.gguf: .*tokenizer.ggml.pre.*guess' err)" = 1 ] || fail "a guess is not warned of once"
grep -A1 '"warnings": \[' guess.json | grep -q 'guess.gguf: .*tokenizer.ggml.pre' || fail "json has no warning"
grep -q '"warnings": \[\]' a.json || fail "json has a warning where nothing was guessed"
"$cril" compare --json guess.json guess.json >/dev/null 2>err || fail "results with warnings are not read back"
"$cril" score -q -m guess.gguf --context 64 d.jsonl >out 2>err && [ ! -s err ] || fail "-q does not silence warnings"
"$cril" compress -m guess.gguf -c d.jsonl 2>err >guess.cril && grep -q 'warning: guess.gguf' err || fail "compress does not warn"
"$cril" tokenize -m guess.gguf text.txt 2>err >/dev/null && grep -q 'warning: guess.gguf' err || fail "tokenize does not warn"
"$cril" info -v guess.gguf >out && grep -q '^warning .*tokenizer.ggml.pre' out &&
    grep -q '^  general.comment_ab: describes the model' out || fail "info -v of a guessed tokenizer"
"$cril" info -v --json guess.gguf >out && grep -q '"key": "general.comment_ab"' out || fail "info -v --json"
# A key that may decide over tokens, and is not known, is refused by name.
LC_ALL=C sed 's/tokenizer\.ggml\.pre/tokenizer.ggml.prx/' llama.gguf >unknown.gguf
"$cril" score -m unknown.gguf --context 64 d.jsonl >out 2>err
[ $? = 1 ] && grep -q "'tokenizer.ggml.prx'" err || fail "an unknown key of the tokenizer is not refused"

# Baselines. Sizes differ with the versions of the libraries: they are checked, then masked.
masked() {
    awk -v characters="$1" '
    function near(a, b) { return a - b < 0.0001 && b - a < 0.0001 }
    function row_is_right() {
        return $NF == bytes && near($(NF - 2), 8 * bytes / characters) && near($(NF - 1), bytes / text)
    }
    /^text / { text = $2; best = 1e9 }
    /^model, / { bpc = $(NF - 2) }
    /^(zstd|xz|brotli|bzip2) / {
        bytes = $(NF - 3)
        if (bytes < best) best = bytes
        if (bytes > text / 2 && bytes < text + 100 && row_is_right())
            sub(/ +[0-9]+ +[0-9.]+ +[0-9.]+ +[0-9]+$/, " SIZES")
    }
    /^The model takes / { model = $4 }
    /^in a text of / && near($5 * best / characters / (model + $5 * bpc / 8), 1) { $0 = "in a text of SIZE" }
    { print }'
}
"$cril" $s --baselines c.jsonl >all 2>err; code=$?; masked 323 <all >out; verdict baselines $code
printf x | "$cril" $s --baselines - >all 2>err; code=$?; masked 1 <all >out
verdict baselines-stdin $code
"$cril" $s -q --baselines --json -o base.json c.jsonl d.jsonl || fail "json with baselines"
for key in baselines compressors archive_bytes break_even_characters break_even_bytes; do
    [ "$(grep -c "\"$key\":" base.json)" = 2 ] || fail "json with baselines has no $key"
done
"$cril" compare a.json a.json | sed 1,2d >all
"$cril" compare a.json base.json | sed 1,2d | same "compare with baselines" all -

# Proofs; in proof.csv also a text that is not UTF-8.
make_proof
{ printf 'content\n"'; awk -v n=2000 -f words.awk; printf '"\n"the fining \377 area"\n'; } >proof.csv
timeless() { sed 's/^\(.* %  *[0-9]*  *[0-9.]*\)  *[0-9.]*  *[0-9.]*$/\1 TIMES/' all >out; }
"$cril" $s --prove proof.jsonl proof.csv >all 2>err; code=$?; timeless; verdict prove $code
"$cril" $s --prove --limit 1 --baselines d.jsonl >all 2>err; code=$?; timeless; masked 4 <out >all; cp all out; verdict prove-limit $code
"$cril" $s --prove c.jsonl >all 2>err; code=$?; timeless; verdict prove-kept $code
"$cril" score -m gemma3.gguf --context 64 --archive proof.cril proof.csv >all 2>err; code=$?; timeless; verdict prove-archive $code
{ awk -v n=2000 -f words.awk; printf 'the fining \377 area'; } >proof.text
"$cril" decompress -q -m gemma3.gguf -c proof.cril | same "the archive of a proof" proof.text -
t prove-archive-exists $s --archive proof.cril proof.csv
"$cril" $s -f --archive proof.cril proof.jsonl >all 2>err; code=$?; timeless; verdict prove-archive-forced $code
"$cril" $s -q --prove --json -o prove.json c.jsonl d.jsonl || fail "json with a proof"
for key in proof respelled kept ideal_nats ideal_bits coded_bits overhead archive_bytes compress_seconds decode_seconds; do
    [ "$(grep -c "\"$key\":" prove.json)" = 2 ] || fail "json with a proof has no $key"
done
"$cril" compare a.json a.json | sed 1,2d >all
"$cril" compare a.json prove.json | sed 1,2d | same "compare with a proof" all -
if script -qec true /dev/null </dev/null >/dev/null 2>&1; then
    script -qec "'$cril' $s --prove proof.jsonl" /dev/null </dev/null >shown
    grep -q 'proof, compressing proof.jsonl  *[0-9]* %' shown || fail "no progress of a proof on a terminal"
fi
sed '/"seconds"/d' prove.json | sed '/"proof": {/,/}/d' | same "json with a proof" a.same -

# Files beside the result.
t score-files $s --per-document p.csv --token-nats n.tsv -o r.txt c.jsonl
cp p.csv out; : >err; verdict per-document 0
[ "$(tail -n +2 n.tsv | wc -l)" = "$(sed -n 's/^.*"scored_tokens": \([0-9]*\),$/\1/p' a.json | head -n 1)" ] ||
    fail "token-nats has not one line a scored token"
printf '{"content": "a\\t\\"b\\\\\\u202e\\u0085\\ud83d\\ude00"}\n' | "$cril" $s -q --token-nats quoted.tsv - >out 2>err
cut -f 5 quoted.tsv >out; verdict token-nats-quoted $?
# -t and -T are the same.
"$cril" $s -q --json -T 2 c.jsonl | grep -v '"seconds"' >letter.json
"$cril" $s -q --json -t 1 c.jsonl | grep -v '"seconds"' | same "letters of threads" letter.json -
"$cril" compress -q -m llama.gguf -T 1 -c text.txt >letter.cril
"$cril" compress -q -m llama.gguf -t 1 -c text.txt | same "letters of threads" letter.cril -
head -n 3 n.tsv >out; verdict token-nats 0
t exists $s -o r.txt c.jsonl
t force $s -q -f -o r.txt d.jsonl
cp r.txt out; : >err; verdict forced-file 0
ln -s r.txt link; chmod 600 r.txt
"$cril" $s -q -f -o link d.jsonl || fail "output through a link"
[ -L link ] || fail "a link was replaced by a file"
[ "$(stat -c %a r.txt)" = 600 ] || fail "an overwritten file lost its mode"

# Compare.
"$cril" score -q -m llama-mixed.gguf --context 64 --stride 24 --json -o m.json c.jsonl d.jsonl
"$cril" score -q -m llama-mixed.gguf --context 64 --stride 24 --json -o m1.json d.jsonl
"$cril" score -q -m llama.gguf --context 32 --json -o other.json c.jsonl
"$cril" score -q -m llama.gguf --context 32 --json -o limited.json --limit 1 c.jsonl
t compare compare a.json m.json
t compare-itself compare --top 1 a.json a.json
t compare-json compare --json --top 1 a.json m.json
t compare-three compare --top 1 a.json m.json a.json
"$cril" compare --json a.json m.json a.json 2>/dev/null >three.json || fail "compare --json of three"
grep -c '^   "b": ' three.json | grep -q 2 || fail "compare --json of three lacks a file"
t compare-partly compare --top 0 a.json m1.json
t compare-protocols compare --top 0 a.json other.json
t compare-limit compare a.json limited.json
"$cril" score -q -m llama-mixed.gguf --context 32 --json -o one.json --limit 1 c.jsonl
t compare-one-document compare --top 0 limited.json one.json
t compare-one-document-json compare --json --top 0 limited.json one.json
t compare-one-document-itself compare --top 0 one.json one.json
sed '0,/"characters": 323/s//"characters": 324/' a.json >lies.json; t compare-totals compare a.json lies.json
sed '0,/"per_document"/s//"documents_of"/' a.json >lacks.json; t compare-lacks compare lacks.json a.json
# The results of every protocol hold together.
for p in hkust rolling halves; do
    "$cril" score -q -m llama.gguf --protocol $p --context 8 --baselines --json -o $p.json c.jsonl d.jsonl &&
        "$cril" compare $p.json $p.json 2>&1 | grep -q '^average.*the same$' || fail "compare, protocol $p"
done
t compare-nothing compare m1.json other.json
t compare-not-json compare a.json c.jsonl
t compare-missing compare a.json nope.json

# Info and tokenize.
t info info llama-mixed.gguf
t info-lists info --metadata --tensors llama-mixed.gguf
CRIL_CPU=ref "$cril" info --cpu | sed -e 's/ref: .*/ref: WHY/' -e 's/^\(cores  *\).*/\1N/' -e '/left out/d' -e '/  no  /d' >out
: >err; verdict info-cpu 0
"$cril" info --cpu --json >cpu.json || fail "info --cpu --json"
for key in kernels reason cores kernel_sets name needs available allowed; do
    grep -q "\"$key\":" cpu.json || fail "info --cpu --json has no $key"
done
CRIL_CPU='' "$cril" info --cpu --json | same "an empty CRIL_CPU" cpu.json -
t info-json info --json --sha256 gemma3.gguf
t info-sha256 info --sha256 llama-mixed.gguf
t tokenize tokenize -m llama.gguf text.txt d.jsonl
t tokenize-pieces tokenize -m llama.gguf --pieces --special --add-special text.txt
t tokenize-gemma tokenize -m gemma3.gguf --pieces text.txt
t tokenize-count tokenize -m llama.gguf --count text.txt d.jsonl
t tokenize-json tokenize -m llama.gguf --json --pieces text.txt
"$cril" tokenize -m llama.gguf <text.txt >out 2>err; verdict tokenize-stdin $?

# Self-test. Times are masked, and the rows of kernel sets that another machine need not have are dropped if they are good.
anywhere() { sed -e 's/  *[0-9]*\.[0-9]* s\(  *[0-9.]*  *[0-9.]*\)\{0,1\}  / TIME  /' | sed -e '/^\(kernels\|definition\|ref\) /b' -e '/ same$/d'; }
"$cril" selftest -t 2 >all 2>err; code=$?; anywhere <all >out; verdict selftest $code
"$cril" selftest -m llama-mixed.gguf --all --tokens 300 -t 2 >all 2>err; code=$?; anywhere <all >out; verdict selftest-model $code
CRIL_CPU=ref "$cril" selftest -m llama.gguf --tokens 9 -t 1 >all 2>err; code=$?; anywhere <all >out; verdict selftest-plain $code
t selftest-missing selftest -m nope.gguf
"$cril" selftest --json >self.json || fail "selftest --json"
"$cril" selftest --json -m llama.gguf >model.json || fail "selftest --json -m"
for key in cril numerics model tokens flop runs kernels threads seconds sha256 expected ok; do
    grep -q "\"$key\":" self.json || fail "selftest --json has no $key"
done
for key in path name architecture tokens_per_second gflop_per_second; do
    grep -q "\"$key\":" model.json || fail "selftest --json -m has no $key"
done
for set in $("$cril" info --cpu | awk '$2 == "yes" { print $1 }'); do # 1 thread, and several
    [ "$(grep -c "\"kernels\": \"$set\"" self.json)" = 2 ] || fail "selftest did not run $set twice"
done
