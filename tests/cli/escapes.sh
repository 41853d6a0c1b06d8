# Names and contents that would take over a terminal: escape sequences, C1, bidirectional controls, line ends, bad UTF-8.
esc=$(printf '\033') csi=$(printf '\302\233') rlo=$(printf '\342\200\256') ls=$(printf '\342\200\250') bad_byte=$(printf '\377')
evil="a${esc}[31m${csi}5m${rlo}gpj${ls}b
c${bad_byte}"
# harmless NAME FILE: no byte or sequence of the above is in it but line feeds
harmless() {
    if grep -q -e "$esc" -e "$csi" -e "$rlo" -e "$ls" -e "$bad_byte" "$2"; then fail "$1: $(od -c "$2" | head -20)"; fi
}
# tame NAME ARGUMENT...: what the command says is harmless, and its errors are one line each that begins with "cril"
tame() {
    name=$1; shift; count=$((count + 1))
    "$cril" "$@" >out 2>err </dev/null
    harmless "$name, output" out; harmless "$name, errors" err
    grep -vq '^cril' err && fail "$name: a line of another kind: $(cat err)"
}
n=0
for c in score compare info tokenize compress decompress test list cat selftest fit predict report export "study run" "study status" \
    "study check" "study import" "study merge" "study dump" "study slurm"; do
    n=$((n + 1))
    tame "$c FILE" $c "$evil"
    tame "$c FILE FILE" $c "$evil" "$evil"
    tame "$c -m FILE" $c -m "$evil" "$evil"
    tame "$c -o FILE" $c -f -m llama.gguf -o "$evil/x" c.jsonl
    tame "$c --unknown" $c "--$evil"
    tame "$c -letter" $c "-$esc"
    for o in protocol threads; do tame "$c --$o" $c "--$o=$evil" c.jsonl; done
done
tame "command" "$evil"
tame "option" "--$evil"
tame "study part" study "$evil"

# Files whose names and contents are so.
mkdir escapes; cp c.jsonl "escapes/$evil.jsonl"; cp llama.gguf "escapes/$evil.gguf"
model="escapes/$evil.gguf" corpus="escapes/$evil.jsonl"
tame "score" score -m "$model" --context 128 -v "$corpus"
tame "score, a folder" score -m "$model" --context 128 escapes
tame "info" info "$model"
tame "compress" compress -v -m "$model" -o "escapes/$evil.cril" "$corpus"
tame "list" list -v "escapes/$evil.cril"
tame "test" test -m "$model" "escapes/$evil.cril"
tame "tokenize" tokenize -m "$model" "$corpus"
tame "info of no model" info "$corpus"
"$cril" score -q -m "$model" --context 128 --json "$corpus" >escapes/r.json
harmless "score --json" escapes/r.json
sed 's/"document"/"\\u001b[31m\\u009b"/' escapes/r.json >escapes/evil.json
tame "compare" compare escapes/evil.json escapes/evil.json
printf 'title: "\\e[31m\\u202e"\nmodels: [{name: a, path: "../llama.gguf"}]\nnonsense"\\e\\u202e": 1\ncorpora: [{path: "x\\e[0m\\u202e"}]\n' >escapes/s.yaml
tame "study check, faults" study check escapes/s.yaml
tame "study run" study run escapes/s.yaml
printf 'model,corpus,bpc\n%s,c,x\n' "$esc$rlo" >"escapes/$evil.csv"
tame "study import" study import --bpc "escapes/$evil.csv" study.yaml
printf 'models: [{name: m}, {name: "n\342\200\256"}]\ncorpora: [{name: c}]\n' >escapes/d.yaml
printf 'model,corpus,bpc\nm,c,0.5\nn\342\200\256,c,0.6\n' >escapes/d.csv
tame "study import, names" study import --bpc escapes/d.csv escapes/d.yaml
tame "study dump" study dump escapes/d.db
grep -q 'bpc "n.xE2.x80.xAE" "c" 0.6' out || fail "study dump: $(cat out)"
tame "export, names" export --json escapes/d.yaml
rm -r escapes

# CSV: what a spreadsheet would compute, as it is and safe.
for name in =1+1 +x -x @x plain; do cp c.jsonl "./$name"; done
count=$((count + 2))
"$cril" score -q -m llama.gguf --context 128 --limit 1 --format jsonl -f --per-document rows.csv ./=1+1 >/dev/null || fail "a corpus named ./=1+1"
grep -q '^\./=1+1,' rows.csv || fail "a name that only looks like a formula: $(cat rows.csv)"
"$cril" score -q -m llama.gguf --context 128 --limit 1 --format jsonl -f --per-document rows.csv -- =1+1 +x -x @x plain >/dev/null || fail "CSV"
cut -d, -f1 rows.csv | tr '\n' ' ' >firsts; echo 'corpus =1+1 +x -x @x plain ' | tr -d '\n' | cmp -s - firsts || fail "CSV: $(cat firsts)"
"$cril" score -q -m llama.gguf --context 128 --limit 1 --format jsonl -f --csv-safe --per-document rows.csv -- =1+1 +x -x @x plain >/dev/null || fail "CSV, safe"
cut -d, -f1 rows.csv | tr '\n' ' ' >firsts; echo "corpus \"'=1+1\" \"'+x\" \"'-x\" \"'@x\" plain " | tr -d '\n' | cmp -s - firsts || fail "CSV, safe: $(cat firsts)"
rm -- =1+1 +x -x @x plain rows.csv firsts
