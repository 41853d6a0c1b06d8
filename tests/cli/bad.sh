# Bad input: one sentence that names the file, the thing and the remedy, exit code 1, nothing half-written.
# b NAME MODEL CORPUS...: scores into files, none of which may be left behind.
b() {
    name=$1 model=$2; shift 2
    t "$name" score -m "$model" --context 64 --json -o b.json --token-nats b.tsv --per-document b.csv "$@"
    leaves_nothing "$name" b.json b.tsv b.csv
    [ "$(wc -l <err)" = 1 ] || fail "$name: not one sentence"
}
# broken FILE: a fresh copy to be broken
broken() { cp llama.gguf "$1"; }

# Beyond ulimit -f, here 512 bytes, a write fails, which is said.
limited() {
    name=$1; shift
    (ulimit -f 1; exec "$cril" "$@") >out 2>err </dev/null
    code=$?; : >out
    verdict "$name" $code
}
limited file-limit score -m llama.gguf --context 64 --token-nats b.tsv c.jsonl
leaves_nothing file-limit b.tsv
tail -c 2000 "$golden/tiny-llama.gguf" >noise && limited file-limit-archive compress -m llama.gguf --context 64 -o b.cril noise
leaves_nothing file-limit-archive b.cril
limited file-limit-stdout help score

# Models. A tensor's name is followed by: dimensions u32, each u64, type u32, offset u64.
norm=blk.0.attn_norm.weight
head -c 300000 llama.gguf >truncated.gguf
b model-truncated truncated.gguf c.jsonl
head -c 900 llama.gguf >header.gguf
b model-truncated-header header.gguf c.jsonl
broken offset.gguf; poke offset.gguf $(($(at offset.gguf $norm) + 20)) '\001'
b model-offset offset.gguf c.jsonl
broken keys.gguf; poke keys.gguf 23 '\020'
b model-keys-2-60 keys.gguf c.jsonl
broken tensors.gguf; poke tensors.gguf 15 '\020'
b model-tensors-2-60 tensors.gguf c.jsonl
broken array.gguf; poke array.gguf $(($(at array.gguf tokenizer.ggml.tokens) + 15)) '\020'
b model-array-2-60 array.gguf c.jsonl
broken arch.gguf; poke arch.gguf $(($(at arch.gguf general.architecture) + 12)) 'lloma'
b model-architecture arch.gguf c.jsonl
t info-architecture info arch.gguf
t info-architecture-sha256 info --sha256 arch.gguf
broken type.gguf; poke type.gguf $(($(at type.gguf $norm) + 12)) '\310'
b model-type type.gguf c.jsonl
t info-type info type.gguf
broken known-type.gguf; poke known-type.gguf $(($(at known-type.gguf $norm) + 12)) '\020'
b model-type-named known-type.gguf c.jsonl
broken tokenizer.gguf; poke tokenizer.gguf $(($(at tokenizer.gguf tokenizer.ggml.model) + 12)) 'gpt9'
b model-tokenizer tokenizer.gguf c.jsonl
t info-tokenizer info tokenizer.gguf
broken pre.gguf; poke pre.gguf $(($(at pre.gguf tokenizer.ggml.pre) + 12)) 'gpt-9'
b model-pre-tokenizer pre.gguf c.jsonl
broken nan.gguf; poke nan.gguf $(($(wc -c <nan.gguf) - 8192)) '\000\000\300\177'
b model-nan nan.gguf c.jsonl
: >empty.gguf
b model-empty empty.gguf c.jsonl
b model-not-gguf c.jsonl c.jsonl
b model-missing nope.gguf c.jsonl
b model-folder . c.jsonl
t context-too-long score -m llama.gguf --context 16777217 -o b.json c.jsonl
leaves_nothing context-too-long b.json
t context-beyond score -m llama.gguf c.jsonl # the protocol's own is more than the model's

# Corpora.
: >empty.jsonl
b corpus-empty llama.gguf empty.jsonl
printf '{"content": ""}\n{"content": ""}\n' >blank.jsonl
b corpus-blank llama.gguf blank.jsonl
b corpus-no-field llama.gguf --field body c.jsonl
b corpus-strict-field llama.gguf --strict bad-lines.jsonl
sed 2d bad-lines.jsonl >not-json.jsonl
b corpus-strict-not-json llama.gguf --strict not-json.jsonl
b corpus-not-json llama.gguf --format jsonl text.txt
b corpus-missing llama.gguf nope.jsonl
mkdir hollow
b corpus-folder-empty llama.gguf hollow
"$cril" score -m llama.gguf --context 64 --json -o b.json - <empty.jsonl >out 2>err; verdict corpus-stdin-empty $?
leaves_nothing corpus-stdin-empty b.json
if command -v zstd >/dev/null; then
    i=0; while [ $i -lt 400 ]; do cat c.jsonl; i=$((i + 1)); done | zstd -q -1 --check >whole.jsonl.zst
    cp whole.jsonl.zst damaged.jsonl.zst
    poke damaged.jsonl.zst $(($(wc -c <whole.jsonl.zst) / 2)) '\252\125\252\125'
    b corpus-zst-damaged llama.gguf damaged.jsonl.zst
    head -c $(($(wc -c <whole.jsonl.zst) / 2)) whole.jsonl.zst >cut.jsonl.zst
    b corpus-zst-cut llama.gguf cut.jsonl.zst
else
    skip "damaged .zst: zstd is not installed"
fi
"$cril" score -m llama.gguf --protocol hkust --context 256 -o b.txt d.jsonl >out 2>err
verdict corpus-too-short $?
leaves_nothing corpus-too-short b.txt

# A later corpus fails: the rows before it stand in a table; JSON is not written.
printf 'not JSON\n' >bad.jsonl
t later-corpus-table score -m llama.gguf --context 64 c.jsonl bad.jsonl
t later-corpus-json score -m llama.gguf --context 64 --json c.jsonl bad.jsonl
t later-corpus-file score -m llama.gguf --context 64 -o b.txt c.jsonl bad.jsonl
leaves_nothing later-corpus-file b.txt
t later-corpus-missing score -m llama.gguf --context 64 c.jsonl nope.jsonl

# Rights. Root may read everything, so it becomes someone else.
cp d.jsonl secret.jsonl; chmod 000 secret.jsonl; chmod 755 .
as_nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
if [ "$(id -u)" != 0 ]; then
    b corpus-unreadable llama.gguf secret.jsonl
elif as_nobody "$cril" --version >/dev/null 2>&1; then
    as_nobody "$cril" score -m llama.gguf --context 64 secret.jsonl >out 2>err; verdict corpus-unreadable $?
    as_nobody "$cril" score -m llama.gguf --context 64 -o here.txt d.jsonl >out 2>err; verdict output-unwritable $?
else
    skip "unreadable file: root reads everything, and setpriv does not work here"
fi
t output-no-folder score -m llama.gguf --context 64 -o nope/r.txt d.jsonl
t output-is-folder score -m llama.gguf --context 64 -f -o hollow d.jsonl

# Proofs. What can be refused is refused before the scoring; then no row is printed.
p="score -q -m llama.gguf --context 64"
TMPDIR=nope "$cril" $p --prove c.jsonl >out 2>err; verdict prove-no-folder $?
t archive-no-folder $p --archive nope/a.cril c.jsonl
t archive-is-folder $p -f --archive hollow c.jsonl
t archive-no-file $p -f --archive /dev/null c.jsonl
echo old >old.cril; t archive-exists $p --archive old.cril c.jsonl; t prove-missing $p --archive b.cril nope.jsonl
leaves_nothing prove b.cril
make_proof
i=0; while [ $i -lt 60 ]; do cat proof.jsonl; i=$((i + 1)); done >proved.jsonl
has_row() { grep -qs '^proved.jsonl ' "$1" || ! kill -0 $pid 2>/dev/null; }
# scored FILE: waits until the row of the corpus is there and the proof at work, or the command $pid has ended
scored() { wait_until has_row "$1" || { fail "no row after a minute: $1"; kill -9 $pid; }; }
"$cril" $p -t 1 --archive b.cril --per-document b.csv proved.jsonl >all 2>err & pid=$!
scored all; kill -TERM $pid; wait $pid; code=$?
tail -n +4 all >out; verdict prove-stopped $code
leaves_nothing prove-stopped b.cril b.csv
"$cril" $p -t 1 --prove --per-document b.csv proved.jsonl >again 2>err & pid=$!
scored again; echo '{"content": "one more"}' >>proved.jsonl; wait $pid; code=$?
tail -n +4 again >out; verdict prove-changed $code
leaves_nothing prove-changed b.csv

# A full disk.
"$cril" $s -q --json -f -o a.json c.jsonl || fail "json file"
if [ -c /dev/full ]; then
    for o in "" --json "--token-nats /dev/full" "--per-document /dev/full" "-o /dev/full" "--json -o /dev/full"; do
        "$cril" score -q -m llama.gguf --context 64 $o c.jsonl >/dev/full 2>err
        echo "$? $(cat err)"
    done >out
    : >err; verdict disk-full 0
    for c in "--version" "help score" "info llama.gguf" "tokenize -m llama.gguf --json text.txt" "compare a.json a.json"; do
        "$cril" $c >/dev/full 2>err
        echo "$? $(cat err)"
    done >out
    : >err; verdict disk-full-others 0
else
    skip "full disk: no /dev/full"
fi
if mount -t tmpfs -o size=16k tmpfs small 2>/dev/null; then
    mounted=$tmp/small
    dd if=/dev/zero of=small/fill bs=4k count=3 2>/dev/null
    t disk-full-file score -q -m llama.gguf --context 64 --token-nats small/r c.jsonl
    [ "$(ls small)" = fill ] || fail "a full disk: left $(ls small)"
    TMPDIR=small "$cril" $p --prove proof.jsonl >all 2>err; code=$?; tail -n +4 all >out; verdict prove-disk-full $code
    t archive-disk-full $p -o b.txt --archive small/b.cril proof.jsonl
    leaves_nothing archive-disk-full b.txt
    [ "$(ls small)" = fill ] || fail "a full disk: a proof left $(ls small)"
    umount small; mounted=
else
    skip "output on a full disk: a tmpfs cannot be mounted here"
fi
"$cril" score -m llama.gguf --context 64 d.jsonl >&- 2>err; [ $? = 1 ] || fail "closed stdout is not an error"
grep -q 'standard output could not be written' err || fail "closed stdout is not named"

# Stopped: 130 after an interrupt, 143 after SIGTERM, nothing left. --foreground: one signal, to cril alone; a
# second one would end it on the spot.
i=0; while [ $i -lt 4000 ]; do cat c.jsonl; i=$((i + 1)); done >long.jsonl
for signal in INT TERM; do
    timeout --foreground --preserve-status -s $signal 2 "$cril" score -q -m llama.gguf --context 256 --stride 1 --protocol hkust \
        --json -o b.json --token-nats b.tsv --per-document b.csv long.jsonl >out 2>err
    verdict stopped-$signal $?
    leaves_nothing stopped-$signal b.json b.tsv b.csv
done
# What is finished is shown then, and marked: a corpus, and the first documents of the one at hand.
for o in table json; do
    "$cril" score -m llama.gguf -t 1 --context 64 $([ $o = table ] || echo --json) c.jsonl long.jsonl >all 2>err & pid=$!
    i=0; while [ $i -lt 600 ] && ! cat all err | grep -q '^\(cril: \)*c.jsonl[ :]'; do sleep 0.05; i=$((i + 1)); done
    sleep 1; kill -TERM $pid; wait $pid; code=$?
    sed 's/^\(long.jsonl  *\)[0-9.]* \( *partial\) .*/\1B \2 .../' all >out
    sed -i 's/BPC [0-9.]* of its first [0-9]*/BPC B of its first N/' err
    verdict stopped-partial-$o $code
done
# Also where it waits for standard input.
sleep 60 >pipe &
timeout --foreground --preserve-status -k 20 -s INT 2 "$cril" score -m llama.gguf --context 64 --json -o b.json - <pipe >out 2>err
verdict stopped-waiting $?
kill $!
leaves_nothing stopped-waiting b.json

# The size that is enough depends on what the process holds already.
"$cril" $s --memory 1M c.jsonl >out 2>err
code=$?
sed -i 's/give [0-9]* MB/give N MB/' err
verdict memory-too-small $code
"$cril" $s --memory 200M --baselines c.jsonl >out 2>err # enough but for the compressors
code=$?
sed -i 's/give [0-9]* MB/give N MB/' err
verdict memory-baselines $code
