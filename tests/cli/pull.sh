#!/bin/sh
# pull.sh CRIL SERVE_HUB GOLDEN: "cril pull", and -m with names on the hub, against a hub on loopback: what is printed, what the
# other commands find, what nothing asks for. Needs no network.
set -u
LC_ALL=C
export LC_ALL
here=$(cd "$(dirname "$0")" && pwd)
case $1 in /*) cril=$1 ;; *) cril=$PWD/$1 ;; esac
case $2 in /*) serve_hub=$2 ;; *) serve_hub=$PWD/$2 ;; esac
golden=$(cd "$3" && pwd)
tmp=$(mktemp -d)
server=
cleanup() { [ -z "$server" ] || kill $server 2>/dev/null; cd /; rm -rf "$tmp"; }
trap cleanup EXIT
trap 'exit 1' HUP INT TERM
. "$here/../wait.sh"
cd "$tmp" || exit 1
unset HF_TOKEN HF_TOKEN_PATH HF_ENDPOINT HF_HUB_OFFLINE HF_HUB_CACHE HUGGINGFACE_HUB_CACHE TRANSFORMERS_OFFLINE
HF_HOME=$tmp/hf XDG_CACHE_HOME=$tmp/xdg
export HF_HOME XDG_CACHE_HOME
bad=0
fail() { echo "FAIL $*"; bad=1; }
# says FILE TEXT: a line of the file holds the text
says() { grep -q -- "$2" "$1" || { fail "no \"$2\" in $1:"; cat "$1"; }; }

# serve OPTION...: a hub with these files and options in place of the one before
serve() {
    [ -z "$server" ] || { kill $server; wait $server 2>/dev/null; }
    rm -f endpoint
    "$serve_hub" endpoint log tiny/llama "$@" & server=$!
    wait_until [ -s endpoint ] || { echo "the server does not start"; exit 1; }
    HF_ENDPOINT=$(cat endpoint)
    export HF_ENDPOINT
}
commit=cccccccccccccccccccccccccccccccccccccccc
snapshot=$HF_HOME/hub/models--tiny--llama/snapshots/$commit
files="a-F32.gguf=$golden/tiny-llama.gguf b-mixed.gguf=$golden/tiny-llama-mixed.gguf"
cp "$here/c.jsonl" "$here/text.txt" .

serve $files
: >log
# Nothing is fetched unless asked.
"$cril" score -q -m hf:tiny/llama:F32 --context 64 c.jsonl >out 2>err; [ $? = 1 ] || fail "a model that is not there is found"
says err "^cril: hf:tiny/llama:F32: is not in the cache $HF_HOME/hub; 'cril pull hf:tiny/llama:F32' fetches it, and so does --fetch\$"
[ ! -s log ] && [ ! -e "$HF_HOME" ] || fail "score touched the network or the cache"

# The path on standard output, the rest on standard error.
"$cril" pull hf:tiny/llama:f32 >out 2>err || fail "pull"
[ "$(cat out)" = "$snapshot/a-F32.gguf" ] || fail "pull prints $(cat out)"
size=$(($(wc -c <"$golden/tiny-llama.gguf")))
says err "^cril: hf:tiny/llama:f32: commit $commit, 1 file, $size bytes; $size bytes are fetched into the cache $HF_HOME/hub\$"
cmp -s "$golden/tiny-llama.gguf" "$snapshot/a-F32.gguf" || fail "pull: other bytes"
"$cril" pull "$HF_ENDPOINT/tiny/llama/blob/main/a-F32.gguf" >out 2>err || fail "pull of an address"
says err "all in the cache"
"$cril" pull -q --json hf:tiny/llama/b-mixed.gguf >out 2>err && [ ! -s err ] || fail "pull -q --json"
for text in '"commit":"'$commit'"' '"source":"hf:tiny/llama@'$commit/b-mixed.gguf'"' '"revision":"main"' '"fetched_bytes":[1-9]'; do
    says out "$text"
done

# All commands find it, without the network.
: >log
"$cril" score -q -m hf:tiny/llama:F32 --context 64 --json -o hub.json c.jsonl || fail "score from the cache"
"$cril" score -q -m "$golden/tiny-llama.gguf" --context 64 --json -o file.json c.jsonl || fail "score of the file"
says hub.json '"source": "hf:tiny/llama@'$commit/a-F32.gguf'"'
says file.json '"source": null'
for f in hub file; do grep -v '"path"\|"file"\|"source"\|"seconds"' $f.json >$f.same; done
cmp -s hub.same file.same || fail "the model of the cache scores otherwise"
"$cril" compare hub.json file.json >/dev/null || fail "a result with a source is not read back"
m="-m hf:tiny/llama:F32"
"$cril" compress -q $m -o text.cril text.txt || fail compress
"$cril" decompress -q $m -c text.cril 2>err | cmp -s - text.txt || fail decompress
"$cril" test -q $m text.cril || fail test
"$cril" cat -q $m text.cril | cmp -s - text.txt || fail cat
"$cril" tokenize $m text.txt >/dev/null || fail tokenize
"$cril" info hf:tiny/llama:F32 >out || fail info
says out "^cril runs it  *yes"
"$cril" selftest $m >/dev/null || fail selftest
[ ! -s log ] || { fail "something was asked for:"; cat log; }
# An output in place of the model.
"$cril" compress -q -f $m -o "$snapshot/a-F32.gguf" text.txt 2>err && fail "the model was overwritten"
"$cril" score $m c.jsonl -o "$snapshot/a-F32.gguf" 2>err; says err "is the model and cannot be an output"

# A study
printf 'models:\n  - {path: "hf:tiny/llama:F32"}\n  - {path: "hf:tiny/llama/b-mixed.gguf", name: mixed}\ncorpora:\n  - {path: c.jsonl}\nprotocols:\n  - {name: document, context: 64}\n' >study.yaml
"$cril" study run -q study.yaml 2>err || { fail "study run"; cat err; }
"$cril" study status study.yaml >out; says out "a-F32"; says out "mixed"
sed 's/F32/Q8_0/' study.yaml >absent.yaml
"$cril" study check absent.yaml >out 2>err && fail "a study with a model that is not there"
says err "absent.yaml:2: .*'cril pull hf:tiny/llama:Q8_0' fetches it"
[ ! -s log ] || { fail "the study asked for:"; cat log; }

# --fetch
rm -rf "$HF_HOME"
"$cril" score --fetch $m --context 64 c.jsonl >out 2>err || fail "score --fetch"
says err "$size bytes are fetched into the cache"
says out "^c.jsonl "
says out "(tiny/llama@cccccccc/a-F32.gguf)"
"$cril" tokenize -m "$golden/tiny-llama.gguf" --fetch text.txt >/dev/null || fail "--fetch of a file"

# What goes wrong.
"$cril" pull hf:tiny/llama >out 2>err; [ $? = 1 ] || fail "one of several"
says err "holds GGUF files; name one as hf:tiny/llama/FILE, or by its type as hf:tiny/llama:Q4_K_M: a-F32.gguf, b-mixed.gguf\$"
"$cril" pull >out 2>err; [ $? = 2 ] || fail "pull of nothing"
"$cril" pull hf:tiny/llama:F32 nonsense >out 2>err; [ $? = 2 ] && [ ! -s out ] || fail "pull of nonsense"
"$cril" score hf:tiny/llama:F32 c.jsonl >out 2>err; says err "if hf:tiny/llama:F32 is the model, write -m before it"
HF_HUB_OFFLINE=1 "$cril" pull -q hf:tiny/llama:F32 >out 2>err || fail "pull offline of what is there"
HF_HUB_OFFLINE=1 "$cril" pull --json hf:tiny/llama:F32 >out 2>err || fail "pull --json offline"
says out '"files":null,"bytes":null,"fetched_bytes":0,'
HF_HUB_OFFLINE=1 "$cril" pull -q hf:tiny/llama:mixed >out 2>err && fail "pull offline of what is not there"
says err "HF_HUB_OFFLINE is set"
serve corrupt=b-mixed.gguf $files
"$cril" pull -q hf:tiny/llama:mixed >out 2>err; [ $? = 1 ] && [ ! -s out ] || fail "wrong bytes"
says err "b-mixed.gguf: its bytes have the SHA-256 [0-9a-f]*, and the hub says [0-9a-f]*; nothing was kept"
serve status=401:GatedRepo $files
"$cril" pull hf:tiny/llama:F32 2>err && fail "a gated repository"
says err "is gated; accept its terms at $HF_ENDPOINT/tiny/llama, and set HF_TOKEN"
serve limit=1 $files
"$cril" pull hf:tiny/llama:mixed >out 2>err || fail "pull with a limit"
says err "^cril: hf:tiny/llama:mixed: the hub has had too many requests; waiting for 1 s, as it asks\$"

# Stopped and killed, it goes on where it was; others wait meanwhile.
serve slow=20 $files
rm -rf "$HF_HOME"
part() { ls "$HF_HOME"/hub/models--tiny--llama/blobs/*.cril-part 2>/dev/null | grep -q .; }
part_grows() { part && [ "$(cat "$HF_HOME"/hub/models--tiny--llama/blobs/*.cril-part | wc -c)" -gt 2000 ]; }
"$cril" pull hf:tiny/llama:F32 >out 2>err & pid=$!
wait_until part_grows || fail "no part"
kill -TERM $pid; wait $pid; code=$? # a job in the background ignores SIGINT
[ $code = 143 ] && [ ! -s out ] || fail "pull stopped by a signal: $code"
says err "stopped by a signal; what was fetched is kept, and 'cril pull hf:tiny/llama:F32' goes on"
"$cril" pull -q hf:tiny/llama:F32 >out 2>err & pid=$!
wait_until part || fail "no part"
kill -KILL $pid; wait $pid 2>/dev/null
part || fail "a kill took the part away"
serve slow=2000 $files
"$cril" pull -q hf:tiny/llama:F32 >one 2>err & pid=$!
"$cril" pull -q hf:tiny/llama:F32 >two 2>>err || fail "the second of two"
wait $pid || fail "the first of two"
cat err
[ "$(cat one two | uniq | wc -l)" = 1 ] && cmp -s "$golden/tiny-llama.gguf" "$(cat one)" || fail "two at once"
grep -q 'store GET .* range=[1-9]' log || fail "nothing was continued"
part && fail "a part is left"
exit $bad
