# Studies: the file to begin with, and what a file says or where it is wrong.
mkdir tiny && cp llama.gguf llama-mixed.gguf gemma3.gguf tiny
for c in '' ' init' ' check'; do t "help-study${c:+-${c# }}" help study $c; done
t study-none study
t study-unknown study chekc
t study-init study init
t study-init-file study init study.yaml
t study-check-none study check
t study-check study check study.yaml
t study-check-quiet study check -q study.yaml
t study-check-bad study check study-bad.yaml
t study-check-missing study check nope.yaml
printf 'models: [{path: llama.gguf}]\ncorpora: [{path: c.jsonl}]\n' >short.yaml # the protocol has no line of its own
t run-no-line study run short.yaml; rm -f short.*
sed 's/^fits:/fits: *all/' study.yaml >s.yaml; t study-check-alias study check s.yaml
sed 's/x: average/x: knowlege/; s/general, -/genral, -/' study.yaml >s.yaml; t study-check-words study check s.yaml

# The report: what it shows is for tests/test_html.c.
t help-report help report
t report-none report
t report-no-study report nope.yaml
t report-no-database report study.yaml
t report-no-protocol report --protocol best study.yaml
echo kept >r.html
t report-exists report -o r.html study.yaml
[ "$(cat r.html)" = kept ] || fail "report-exists changed the file"

# What init prints is right where the files are that it names, also with all that its comments propose.
mkdir -p begin/models/other begin/data/corpora
cp llama.gguf gemma3.gguf begin/models
cp llama.gguf begin/models/other/Qwen2.5-Coder-0.5B.Q4_K_M.gguf
for f in encyclopedia math python; do cp c.jsonl begin/data/corpora/$f.jsonl; done
cp c.jsonl begin/cc.jsonl
"$cril" study init >begin/study.yaml
t study-begin study check begin/study.yaml
sed -i 's/^\( \{1,\}\)#/\1/; s/^#\([a-z]\)/\1/; s/^#  -/  -/; s/cc.jsonl.zst/cc.jsonl/' begin/study.yaml
t study-begin-all study check begin/study.yaml
