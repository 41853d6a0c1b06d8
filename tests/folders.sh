#!/bin/sh
# folders.sh CHECK ARCHIVE: tiny models of every architecture, as folders with the ids and nats that the Hugging Face libraries find, by CHECK,
# the program folder_nats. ARCHIVE holds one or more of each; where CRIL_SHARED names a folder with the archive of all 76, that one counts.
check=$1 archive=$2 want=36
if [ -f "${CRIL_SHARED:-}/models/tiny_seed1.tar.xz" ]; then
    archive=$CRIL_SHARED/models/tiny_seed1.tar.xz want=76
fi
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
tar -xJf "$archive" -C "$dir" || exit 1

failed=0 n=0
for config in $(find "$dir" -name config.json | sort); do
    folder=${config%/config.json}
    n=$((n + 1))
    out=$("$check" "$folder" "$folder/expected.json" 2>&1) && continue
    echo "$(basename "$folder"): $out"
    failed=1
done

# layers past the last are left out as far as config.json says so, and no others
refused() { # MODEL KEY VALUE TENSOR
    config=$(find "$dir" -path "*/$1/config.json" | head -n 1)
    sed "s/\"$2\": [0-9]*/\"$2\": $3/" "$config" >"$dir/config" && cp "$dir/config" "$config"
    case $("$check" "${config%/config.json}" "${config%/config.json}/expected.json" 2>&1) in
    *"$4"*"has no place"*) ;;
    *) echo "folders: $1 with $2 $3 is not refused"; failed=1 ;;
    esac
}
refused deepseek2 num_hidden_layers 2 model.layers.2.
refused deepseek3 num_nextn_predict_layers 0 model.layers.3.
[ "$n" = "$want" ] || { echo "folders: $n folders, not $want"; failed=1; }
exit $failed
