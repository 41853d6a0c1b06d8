# Benchmark items in corpora: tables, JSON, what is refused.
mkdir -p data/gsm8k
apples="Alice has three red apples and gives two of them to her old friend Bob today"
train="A train leaves the station at nine and travels sixty miles an hour until noon exactly"
{
    printf '{"question": "%s", "answer": "One is left. #### 1"}\n' "$apples"
    printf '{"question": "Short?", "answer": "#### 2"}\n'
    printf '{"question": "%s", "answer": "It is far. #### 180"}\n' "$train"
} >data/gsm8k/test.jsonl
{
    printf '{"content": "nothing of it"}\n{"content": ""}\n'
    printf '{"content": "It is said that ALICE has: three red apples, and gives two of them to her old friend Bob."}\n'
} >seen.jsonl
printf '%s, %s.' "$train" "$apples" >seen.txt
l="leak --items gsm8k --data data"
t leak $l seen.jsonl seen.txt
t leak-none $l c.jsonl
t leak-n $l -n 20 seen.txt
t leak-fields $l --fields answer,none -n 2 --top 1 seen.txt
t leak-no-field $l --fields none,other seen.txt
t leak-limit $l --limit 1 seen.jsonl
t leak-json $l -q --json seen.jsonl seen.txt
t leak-output $l --json -o leak.json seen.jsonl
t leak-exists $l -o leak.json seen.jsonl
t leak-twice leak --items gsm8k,gsm8k --data data seen.txt
t leak-task leak --items chess --data data seen.txt
t leak-no-task leak --items , --data data seen.txt
t leak-no-data leak --items mmlu --data data seen.txt
t leak-missing leak --items gsm8k seen.txt
t leak-no-corpus $l
t leak-corpus $l none.jsonl
t leak-prompt $l --prompt-field a seen.jsonl
t leak-output-is-corpus $l -f -o seen.jsonl seen.jsonl
if [ -e /dev/full ]; then t leak-disk-full $l -f -o /dev/full seen.txt; fi

# Membership scores. Lengths that zlib makes differ by its versions: what comes of them is left out.
no_zlib() { grep -v 'zlib' <"$1" >"$1.kept"; mv "$1.kept" "$1"; }
m() { name=$1; shift; "$cril" leak -m llama.gguf --context 64 "$@" >out 2>err </dev/null; code=$?; no_zlib out; verdict "$name" $code; }
{
    printf '{"content": "The mill stood where the RIVER bends; it had stood there since 1847.", "date": "2026-02-03"}\n'
    printf '{"content": "short", "date": "2026-02-04T10:00:00Z"}\n{"content": "In spring the water came up to the second step."}\n'
} >mill.jsonl
printf '{"content": "She said that the mill would not stand another winter."}\n{"content": "He said that it had been said before."}\n' >winter.jsonl
m leak-scores mill.jsonl c.jsonl
m leak-control -q mill.jsonl --control winter.jsonl --lower-case --reference llama-mixed.gguf
m leak-one-control --seed 1 --level 80 --resamples 50 mill.jsonl --control text.txt
m leak-scores-json -q --json mill.jsonl --control winter.jsonl
m leak-by -q --by month mill.jsonl
awk -v n=6 'BEGIN { for (i = 0; i < 4 * n; i++) printf "{\"content\": \"%s number %d\", \"day\": \"2026-%02d-01\"}\n", i < 2 * n ? "the same old words" : "QUITE OTHER; ~~~~ ones", i % n, i / n + 1 }' >dated.jsonl
m leak-by-break -q --by month --date-field day --resamples 99 dated.jsonl mill.jsonl --control winter.jsonl
m leak-by-what --by year mill.jsonl
m leak-per-document -q mill.jsonl --control winter.jsonl --lower-case --per-document scores.csv -o leak.txt
cut -d, -f 1-24,26-27 scores.csv >out; : >err; verdict leak-csv 0
no_zlib leak.txt; "$cril" leak -q -m llama.gguf --context 64 mill.jsonl --control winter.jsonl --lower-case -t 2 --batch 1 | grep -v zlib |
    same "leak with other threads and batch" leak.txt -
m leak-per-document-exists mill.jsonl --per-document scores.csv
t leak-nothing leak mill.jsonl
t leak-both leak -m llama.gguf --items gsm8k mill.jsonl
t leak-both-top leak -m llama.gguf --top 3 mill.jsonl
t leak-control-alone leak --items gsm8k --data data --control winter.jsonl mill.jsonl
t leak-by-alone leak --items gsm8k --data data --by month mill.jsonl
t leak-two-models leak -m llama.gguf -m llama-mixed.gguf mill.jsonl
t leak-two-references leak -m llama.gguf --reference llama.gguf --reference llama-mixed.gguf mill.jsonl
t leak-same leak -m llama.gguf mill.jsonl --control ./mill.jsonl
t leak-pipe leak -m llama.gguf --lower-case pipe
t leak-stride leak -m llama.gguf --context 8 --stride 9 mill.jsonl
t leak-scores-is-corpus leak -m llama.gguf -f mill.jsonl --control winter.jsonl --per-document winter.jsonl
t leak-two-outputs leak -m llama.gguf mill.jsonl -o x.out --per-document x.out
t leak-scores-missing leak -q -m llama.gguf mill.jsonl --control none.jsonl
t leak-no-model leak -m none.gguf mill.jsonl
if [ -e /dev/full ]; then
    t leak-scores-full leak -q -m llama.gguf -f mill.jsonl --per-document /dev/full
    leaves_nothing leak-scores-full x.out
fi
# The planted case: a model that was trained on one half of a set of documents (scripts/make_planted.py). And texts of two kinds, without training.
xz -dc "$golden/planted.tar.xz" | tar -xf - || fail "unpacking the planted case"
"$cril" leak -q -m planted/model planted/seen.jsonl --control planted/unseen.jsonl --json -o planted.json 2>err || fail "the planted case"
awk '/"separations"/ { on = 1 } /"blind"/ { blind = 1 } on && /"auc":/ { v = $2 + 0; if (blind) print "blind", (v > 0.4 && v < 0.6); else { n++; seen += v > 0.9 } }
    /"auc_interval"/ { of_auc = blind } /"low"/ && of_auc { low = $2 + 0 } /"high"/ && of_auc { print "holds 0.5:", (low < 0.5 && $2 + 0 > 0.5); of_auc = 0 } /"texts"/ { print }
    END { print n, "scores,", seen, "above 0.9" }' planted.json >out
verdict leak-planted 0
"$cril" leak -q -m planted/model --limit 10 "$here/../../data/corpora/python.jsonl" --control "$here/../../data/corpora/encyclopedia.jsonl" --context 256 2>err | tail -n 3 >out
verdict leak-two-kinds 0
