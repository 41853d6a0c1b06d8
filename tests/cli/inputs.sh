# No output is a file that the command reads, by whatever name, forced or not.
mkdir reads && cd reads || exit 1
cp ../llama.gguf m.gguf; mkdir f other
printf '{"content":"hello world"}\n{"content":"second text"}\n' >c.jsonl
cp c.jsonl f/a.jsonl; cp c.jsonl other/linked.jsonl; ln other/linked.jsonl hard.jsonl; ln -s ../other/linked.jsonl f/b.jsonl
printf 'models: [{path: m.gguf}]\nprotocols: [{name: document, context: 128}]\ncorpora: [{path: c.jsonl, name: c}, {path: f, name: f}]\n' >s.yaml
"$cril" study run -q --no-baselines s.yaml || fail "a study to overwrite"
printf 'model,corpus,bpc\nm,c,0.5\n' >figures.csv
cp figures.csv s2.db-journal; printf 'database: s2.db\n' | cat - s.yaml >s2.yaml
"$cril" compress -q -m m.gguf c.jsonl || fail "an archive to overwrite"
mkdir hf; for x in config.json model.safetensors tokenizer.json; do echo $x >hf/$x; done
for x in *.* f/* hf/* other/*; do cksum "$x"; done >before

i=0
# refused CODE ARGUMENT...: fails, says "cannot be", and changes nothing
refused() {
    want=$1; shift; i=$((i + 1)); count=$((count + 1))
    "$cril" "$@" >../out 2>../err </dev/null; code=$?
    [ $code = "$want" ] && grep -q 'cannot be' ../err || { fail "$*: exit $code, $(cat ../err)"; }
}
for o in s.yaml s.db s.db-lock c.jsonl f/a.jsonl f/b.jsonl hard.jsonl other/linked.jsonl m.gguf ../reads/m.gguf; do refused 1 report -f -o $o s.yaml; done
for o in m.gguf f/a.jsonl f/b.jsonl hard.jsonl; do
    for option in -o --per-document --token-nats --archive; do refused 2 score -m m.gguf --context 128 -f $option $o f; done
done
refused 1 compress -m m.gguf -f -o m.gguf c.jsonl
refused 1 compress -m m.gguf -f -o ./c.jsonl c.jsonl
refused 1 decompress -m m.gguf -f -o c.jsonl.cril c.jsonl.cril
refused 1 study import --bpc s2.db-journal s2.yaml
refused 1 study merge -f -o s.db-lock s.db
ln m.gguf p-00001-of-00002.gguf; ln hard.jsonl p-00002-of-00002.gguf # a part of a model that is read later
refused 2 score -m p-00001-of-00002.gguf --context 128 -f -o hard.jsonl c.jsonl
rm p-0000*
for o in config.json model.safetensors tokenizer.json; do refused 2 score -m hf --context 128 -f -o hf/$o c.jsonl; done

# Standard input and output are files too.
count=$((count + 1))
"$cril" score -q -m m.gguf --context 128 -f -o c.jsonl - <c.jsonl 2>../err && fail "standard input as the output"
"$cril" score -q -m m.gguf --context 128 c.jsonl >>c.jsonl 2>../err && fail "standard output into the corpus"
"$cril" cat -q -m m.gguf c.jsonl.cril >>c.jsonl.cril 2>../err && fail "an archive's text into it"
"$cril" compress -q -m m.gguf -c c.jsonl >>c.jsonl 2>../err && fail "an archive into its text"
for x in *.* f/* hf/* other/*; do cksum "$x"; done >after
cmp before after || fail "an input was changed"

# A file named "-" is a file where it is not the argument itself.
count=$((count + 1))
cp c.jsonl ./-
"$cril" compress -q --rm -m m.gguf ./- && [ ! -e - ] || fail "compress ./-"
"$cril" decompress -q --rm -m m.gguf -- -.cril >../out && [ ! -s ../out ] && [ ! -e -.cril ] || fail "decompress -.cril"
same "a file named -" c.jsonl ./-
cd .. && rm -r reads
