#!/bin/sh
# kill.sh CRIL: compress and decompress are killed (kill -9) at random moments of their run. Each time the output is
# absent or whole, with -f the old one or the new one, the input is what it was, and the folder holds nothing else.
# KILLS: how often (default: 40). SEED: of the moments.
set -u
LC_ALL=C
export LC_ALL
here=$(cd "$(dirname "$0")" && pwd)
case $1 in /*) cril=$1 ;; *) cril=$PWD/$1 ;; esac
kills=${KILLS:-40} seed=${SEED:-$(date +%s)}
tmp=$(mktemp -d)
trap 'cd /; rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
cd "$tmp" || exit 1
echo "$kills kills, seed $seed"
bad=0
fail() { echo "FAIL $*"; bad=1; }
# Files without names are what makes it so (cli/output.c). Of these file systems it is known that they have them; on
# others a temporary name may stay.
certain=false
[ ! -e /proc/self/fd/0 ] || case $(stat -f -c %T . 2>/dev/null) in ext2/ext3 | xfs | btrfs | tmpfs | f2fs) certain=true ;; esac

cp "$here/../golden/tiny-llama.gguf" model
awk -v n=40000 -f "$here/words.awk" >text
echo old >old
# become FOLDER COMMAND ARGUMENT...: in a subshell, which becomes the command, so that a kill meets it
become() { cd "$1" && shift && exec "$cril" "$@" -q -m ../model --threads 1; }
milliseconds() { echo $(($(date +%s%N) / 1000000)); }

mkdir good
cp text good/text
t0=$(milliseconds); (become good compress --segment 4K text) || exit 1; t1=$(milliseconds)
rm good/text
(become good decompress text.cril) || exit 1; t2=$(milliseconds)
cmp text good/text || exit 1
echo "compress $((t1 - t0)) ms, decompress $((t2 - t1)) ms"

# judge: what a killed process left; sets verdict to old, whole, or what is wrong
judge() {
    names=$(ls -A box | tr '\n' ' ')
    verdict="left $names"
    case $names in "$input " | "$input $output " | "$output $input ") ;; *) return ;; esac
    verdict="changed the input"
    cmp -s box/$input good/$input || return
    if [ -n "$force" ]; then
        verdict=old
        cmp -s box/$output old && return
    else
        verdict=old
        [ -e box/$output ] || return
    fi
    verdict=whole
    cmp -s box/$output good/$output || verdict="the output is not whole"
}

awk -v n="$kills" -v seed="$seed" -v c=$((t1 - t0)) -v d=$((t2 - t1)) 'BEGIN {
    srand(seed)
    for (i = 0; i < n; i++)
        printf "%s %s %.4f\n", i % 2 ? "decompress" : "compress", i % 4 < 2 ? "" : "-f", rand() * 1.2 * (i % 2 ? d : c) / 1000
}' | sed 's/  / - /' >plan
old=0 whole=0
while read -r command force moment; do
    [ "$force" = -f ] || force=
    case $command in compress) input=text output=text.cril segment="--segment 4K" ;; *) input=text.cril output=text segment= ;; esac
    rm -rf box; mkdir box
    cp good/$input box/$input
    [ -z "$force" ] || cp old box/$output
    (become box $command $force $segment $input 2>/dev/null) &
    pid=$!
    sleep "$moment"
    kill -9 $pid 2>/dev/null
    wait $pid 2>/dev/null
    judge
    case $verdict in old | whole) ;; *) # a child that replaces a file goes on without its parent, for a moment
        sleep 1; judge ;;
    esac
    case $verdict in
        old) old=$((old + 1)) ;;
        whole) whole=$((whole + 1)) ;;
        left*$output.??????\ *) if $certain; then fail "$command $force killed after $moment s: $verdict"; else
            echo "skipped: files without names do not work in $tmp"; exit 0; fi ;;
        *) fail "$command $force killed after $moment s: $verdict" ;;
    esac
done <plan
echo "$old times nothing new, $whole times the whole output"
[ $((old + whole)) = "$kills" ] || bad=1
exit $bad
