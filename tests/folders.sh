#!/bin/sh
# folders.sh CHECK: 76 folders of tiny models, with the ids and nats that the Hugging Face libraries find, by CHECK, the program
# folder_nats. Those of a family that cril runs must agree; each of the others must be refused with the sentence below.
# Skipped (77) where CRIL_SHARED names no folder with their archive.
check=$1 archive=${CRIL_SHARED:-}/models/tiny_seed1.tar.xz
[ -f "$archive" ] || { echo "folders: skipped: CRIL_SHARED names no folder with the oracles"; exit 77; }
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
tar -xJf "$archive" -C "$dir" || exit 1

runs="deepseek-llm gemma3 gemma3-linear llama-f32 llama-gqa llama-linear llama-mha llama-mqa-tied llama-yarn llama3 mistral-headdim
mistral-window qwen2 qwen2-window-tied yi"

# What a folder of another family is refused with; by default its class.
refusal() {
    case $1 in
    gemma3-scalar) echo "final_logit_softcapping" ;;
    llama-bias-headdim) echo "mlp.down_proj.bias has no place" ;;
    llama-dynamic) echo 'scaled by "dynamic"' ;;
    *) echo "the model's class" ;;
    esac
}

failed=0 n=0
for config in $(find "$dir" -name config.json | sort); do
    folder=${config%/config.json} name=$(basename "${config%/config.json}")
    n=$((n + 1))
    out=$("$check" "$folder" "$folder/expected.json" 2>&1)
    status=$?
    case " $(echo $runs) " in
    *" $name "*) [ $status = 0 ] && continue ;;
    *) case $out in *"$(refusal "$name")"*) [ $status = 2 ] && continue ;; esac ;;
    esac
    echo "$name: exit $status: $out"
    failed=1
done
[ "$n" = 76 ] || { echo "folders: $n folders, not 76"; failed=1; }
exit $failed
