# bash completion for cril. The lists of options equal --help (tests/cli/options.sh).

_cril() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command= options= i
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
            score|diverge|view|eval|corpus|leak|compare|compress|decompress|test|list|cat|info|tokenize|study|fit|predict|report|export|pull|selftest|help) command=${COMP_WORDS[i]}; break ;;
        esac
    done
    case $command in
        '') COMPREPLY=($(compgen -W 'score diverge view eval corpus leak compare compress decompress test list cat info tokenize study fit predict report export pull selftest help --help --version' -- "$word")); return ;;
        help) COMPREPLY=($(compgen -W 'score diverge view eval corpus leak compare compress decompress test list cat info tokenize study fit predict report export pull selftest' -- "$word")); return ;;
        score) options='--model --watch --settle --fetch --threads --memory --batch --protocol --context --stride --baselines --prove --field --prompt-field --format --limit --strict --level --resamples --seed --until --min-documents --no-resume --json --output --csv --per-document --csv-safe --token-nats --archive --force --quiet --verbose --help' ;;
        diverge) options='--model --fetch --threads --memory --batch --protocol --window --stride --field --prompt-field --format --limit --strict --level --resamples --seed --top --json --output --force --quiet --verbose --help' ;;
        view) options='--model --fetch --threads --memory --batch --protocol --context --stride --field --format --document --strict --json --output --force --quiet --help' ;;
        eval) options='--model --fetch --threads --memory --batch --streams --tasks --data --requests --task-file --list --grade --protocol --shots --draw --window --max-tokens --limit --no-bos --special --python --json --items --output --subjects --dry-run --no-resume --keep --force --quiet --verbose --help' ;;
        leak) options='--model --control --reference --lower-case --by --date-field --context --stride --fetch --threads --memory --batch --items --data --n --fields --top --field --prompt-field --format --limit --strict --level --resamples --seed --json --per-document --output --force --quiet --help' ;;
        compare) options='--top --level --resamples --seed --json --help' ;;
        compress) options='--model --fetch --threads --memory --decompress --segment --context --stride --output --stdout --force --keep --rm --json --quiet --verbose --help' ;;
        decompress) options='--model --fetch --threads --memory --streams --distributions --output --stdout --force --keep --rm --json --quiet --verbose --help' ;;
        test) options='--model --fetch --threads --memory --streams --distributions --json --quiet --verbose --help' ;;
        list) options='--json --verbose --help' ;;
        cat) options='--model --fetch --threads --memory --streams --range --quiet --verbose --help' ;;
        info) options='--verbose --metadata --tensors --sha256 --cpu --fetch --json --help' ;;
        tokenize) options='--model --fetch --special --add-special --pieces --count --json --help' ;;
        study) options='--help' ;;
        corpus) options='--help' ;;
        fit) options='--fit --x --y --models --protocol --level --resamples --seed --threshold --json --help' ;;
        predict) options='--bpc --se --model --fit --protocol --level --json --help' ;;
        export) options='--csv --csv-safe --json --protocol --help' ;;
        report) options='--output --force --figure --list-figures --width --protocol --level --resamples --seed --date --help' ;;
        pull) options='--parallel --json --quiet --help' ;;
        selftest) options='--model --fetch --tokens --all --threads --json --help' ;;
    esac
    case "$command ${COMP_WORDS[i + 1]}" in
        'study init') options='--paper --data --limit --help' ;;
        'study check') options='--quiet --help' ;;
        'study run') options='--shard --database --no-baselines --threads --memory --batch --quiet --help' ;;
        'study import') options='--bpc --scores --source --harness --model --quiet --help' ;;
        'study status') options='--json --complete --help' ;;
        'study merge') options='--output --force --measured --rename --help' ;;
        'study dump') options='--help' ;;
        'study slurm') options='--shards --array-limit --partition --account --time --cpus --memory --help' ;;
        'corpus web') options='--after --before --language --min-characters --max-characters --with --without --fetch --shard --threads --memory --temporary --output --json --force --quiet --help' ;;
        'corpus jsonl') options='--after --before --language --min-characters --max-characters --with --without --fetch --shard --threads --memory --temporary --output --json --force --quiet --help' ;;
        'corpus wiki') options='--created --min-page-id --after --before --language --min-characters --max-characters --with --without --fetch --shard --threads --memory --temporary --output --json --force --quiet --help' ;;
        'corpus code') options='--after --before --language --min-characters --max-characters --with --without --shard --threads --memory --temporary --output --json --force --quiet --help' ;;
        'corpus mix') options='--characters --seed --exclude-items --data --output --json --force --quiet --help' ;;
        'corpus quality') options='--model --fetch --threads --memory --context --stride --keep --output --json --force --quiet --help' ;;
        'corpus merge') options='--threads --memory --temporary --output --json --force --quiet --help' ;;
        'corpus card') options='--json --html --output --force --help' ;;
    esac
    if ((i + 1 == COMP_CWORD)); then
        case $command in
            study) COMPREPLY=($(compgen -W "init check run status import merge dump slurm $options" -- "$word")); return ;;
            corpus) COMPREPLY=($(compgen -W "web wiki code jsonl merge mix quality card $options" -- "$word")); return ;;
        esac
    fi
    case $before in
        --figure) COMPREPLY=($(compgen -W 'line lines size kl learning compressors' -- "$word")); return ;;
        --protocol) [[ $command == eval ]] && { COMPREPLY=($(compgen -W 'paper harness opencompass sanitized' -- "$word")); return; }
            COMPREPLY=($(compgen -W 'document hkust opencompass rolling halves uncheatable' -- "$word")); return ;;
        --draw) COMPREPLY=($(compgen -W 'first seeded' -- "$word")); return ;;
        --tasks|--grade) COMPREPLY=($(compgen -W 'nq_open triviaqa arc_challenge hellaswag mmlu mmlu_math humaneval mbpp ds1000 gsm8k math sat_math' -- "$word")); return ;;
        --items) [[ $command == leak ]] && { COMPREPLY=($(compgen -W 'all nq_open triviaqa arc_challenge hellaswag mmlu mmlu_math humaneval mbpp ds1000 gsm8k math sat_math' -- "$word")); return; } ;;
        --by) [[ $command == leak ]] && { COMPREPLY=($(compgen -W 'month' -- "$word")); return; } ;;
        --exclude-items) COMPREPLY=($(compgen -W 'nq_open triviaqa arc_challenge hellaswag mmlu mmlu_math humaneval mbpp ds1000 gsm8k math sat_math' -- "$word")); return ;;
        --keep) [[ $command == corpus ]] && { COMPREPLY=($(compgen -W 'head middle tail' -- "$word")); return; } ;;
        --with|--without) COMPREPLY=($(compgen -W 'utf8 length generated gopher_quality gopher_repetition c4 language paragraphs near_duplicates secrets personal' -- "$word")); return ;;
        --format) COMPREPLY=($(compgen -W 'jsonl csv text' -- "$word")); return ;;
        -t|-T|-j|--threads|--parallel|--memory|--batch|--context|--stride|--field|--prompt-field|--date-field|--limit|--level|--resamples|--seed|--top|--tokens|--segment|--streams|--range|--date|--width|--shard|--se|--fit|--x|--y|--models|--threshold|--shards|--array-limit|--partition|--account|--window|--max-tokens|--n|--fields|--time|--cpus|--until|--min-documents|--settle|--after|--before|--language|--min-characters|--max-characters|--min-page-id|--characters) return ;;
    esac
    if [[ $word == -* ]]; then
        COMPREPLY=($(compgen -W "$options" -- "$word"))
    else
        compopt -o filenames 2>/dev/null
        COMPREPLY=($(compgen -f -- "$word"))
    fi
}
complete -F _cril cril
