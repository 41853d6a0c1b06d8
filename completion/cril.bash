# bash completion for cril. The lists of options equal --help (tests/cli/options.sh).

_cril() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command= options= i
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
            score|compare|info|tokenize|selftest|help) command=${COMP_WORDS[i]}; break ;;
        esac
    done
    case $command in
        '') COMPREPLY=($(compgen -W 'score compare info tokenize selftest help --help --version' -- "$word")); return ;;
        help) COMPREPLY=($(compgen -W 'score compare info tokenize selftest' -- "$word")); return ;;
        score) options='--model --threads --memory --batch --protocol --context --stride --baselines --field --format --limit --strict --level --resamples --seed --json --output --per-document --token-nats --force --quiet --verbose --help' ;;
        compare) options='--top --level --resamples --seed --json --help' ;;
        info) options='--metadata --tensors --sha256 --cpu --json --help' ;;
        tokenize) options='--model --special --add-special --pieces --count --json --help' ;;
        selftest) options='--model --tokens --all --threads --json --help' ;;
    esac
    case $before in
        --protocol) COMPREPLY=($(compgen -W 'document hkust rolling halves' -- "$word")); return ;;
        --format) COMPREPLY=($(compgen -W 'jsonl csv text' -- "$word")); return ;;
        -t|--threads|--memory|--batch|--context|--stride|--field|--limit|--level|--resamples|--seed|--top|--tokens) return ;;
    esac
    if [[ $word == -* ]]; then
        COMPREPLY=($(compgen -W "$options" -- "$word"))
    else
        compopt -o filenames 2>/dev/null
        COMPREPLY=($(compgen -f -- "$word"))
    fi
}
complete -F _cril cril
