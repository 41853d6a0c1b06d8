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
