# A text as a page: figures, what a text may hold, two models, what is refused.
v="view -m llama.gguf --context 64 --stride 24"
"$cril" $v -q c.jsonl -o view.html || fail "a view"
grep -q '<h1>c.jsonl, document 0</h1>' view.html || fail "the heading of a view"
"$cril" $v -q -t 2 --batch 1 c.jsonl | same "a view with other threads and batch, on standard output" view.html -
"$cril" $v -q --memory 1G c.jsonl | same "a view within 1G" view.html -
t view-exists $v -q c.jsonl -o view.html
t view-force $v -q -f c.jsonl -o view.html
t view-json view -m llama.gguf --context 16 --json text.txt
# The bits are those of a score, also of a later document.
for n in 0 1; do
    "$cril" $v -q --json --document $n c.jsonl >view.json || fail "document $n as JSON"
    sed 's/.*"nats":\[\([^]]*\)\].*/\1/' view.json | tr , '\n' | awk '{ printf "%.9g\n", $1 }' >view.nats
    "$cril" score -m llama.gguf --context 64 --stride 24 -q --token-nats token.nats -f c.jsonl >out || fail "nats of a score"
    awk -F '\t' -v n=$n '$1 == n { print $4 }' token.nats >score.nats
    [ -s score.nats ] || fail "no nats of document $n"
    same "nats of document $n" score.nats view.nats
done
grep -q '"document":1,' view.json || fail "the document of a view"
# Any bytes: markup, controls, what is not UTF-8, one long line.
{ printf '</script><b onclick="x">&amp; \001\033[2J \377\376 caf\303 \r\n\tend \000'; i=0; while [ $i -lt 2000 ]; do printf 'long '; i=$((i + 1)); done; } >hostile.txt
"$cril" $v -q hostile.txt >hostile.html || fail "a view of any bytes"
[ "$(grep -c '</script>' hostile.html)" = 1 ] || fail "a script of the text's own"
LC_ALL=C grep -q "$(printf '[\001\033\377\000]')" hostile.html && fail "controls on a page"
[ "$(grep -c '<div><b></b><p>' hostile.html)" = 2 ] || fail "a long line in pieces"
printf 'one line' | "$cril" $v -q - >stdin.html || fail "a view of standard input"
grep -q '<h1>standard input</h1>' stdin.html || fail "the heading of a view of standard input"
# Two models.
"$cril" $v -m llama-mixed.gguf -q text.txt -o two.html || fail "a view of two models"
grep -q 'A is <b>.*B is <b>' two.html || fail "the models of a view"
"$cril" $v -m llama-mixed.gguf -q --json text.txt >two.json || fail "two models as JSON"
[ "$(grep -o '"nats":' two.json | wc -l)" = 2 ] || fail "the columns of two models"
t view-other-tokens $v -m gemma3.gguf text.txt
t view-three $v -m llama.gguf -m llama.gguf text.txt
t view-none view text.txt
t view-no-file view -m llama.gguf
t view-two-files $v text.txt c.jsonl
t view-no-document $v --document 99 c.jsonl
t view-no-text $v none.txt
t view-stride view -m llama.gguf --context 8 --stride 9 text.txt
t view-opencompass $v --protocol opencompass text.txt
t view-output-is-text $v -f -o text.txt text.txt
: >empty.txt
t view-empty $v empty.txt
if [ -e /dev/full ]; then t view-disk-full $v -q -f -o /dev/full text.txt; fi
