#!/bin/sh
# run.sh CRIL [PART...]: the command by its output: the cases of all files PART.sh beside this one, or of those named; none needs
# another. A case's standard output, standard error and exit code are compared with expected/NAME; UPDATE=1 writes those files anew (read the difference before committing).
# Everything runs in an empty folder with relative names, so that no path of a machine is expected.
set -u
LC_ALL=C
export LC_ALL
here=$(cd "$(dirname "$0")" && pwd)
case $1 in /*) cril=$1 ;; *) cril=$PWD/$1 ;; esac
shift
golden=$(cd "$here/../golden" && pwd)
tmp=$(mktemp -d)
mounted=
cleanup() { cd /; [ -z "$mounted" ] || umount "$mounted"; rm -rf "$tmp"; }
trap cleanup EXIT
trap 'exit 1' HUP INT TERM
. "$here/../wait.sh"
cd "$tmp" || exit 1
unset CRIL_CPU
HF_HUB_CACHE=hub HF_HUB_OFFLINE=1 # no test of these asks the network
export HF_HUB_CACHE HF_HUB_OFFLINE
bad=0 count=0
fail() { echo "FAIL $*"; bad=1; : >"$tmp/.failed"; } # a file, since a check at the end of a pipe is a process of its own
skip() { echo "skipped: $*"; }

# Speed and kernels differ from machine to machine.
same_everywhere() { sed -e 's/, [0-9.]* s, [0-9]* tokens\/s/, S s, N tokens\/s/' -e 's/ in [0-9.]* s\(, [0-9]* tokens\/s\)\{0,1\}$/ in S s/' \
    -e 's/: [0-9]*, "seconds": [0-9.e-]*/: N, "seconds": S/' -e 's/\(bits\/byte\), [0-9.]* s$/\1, S s/' \
    -e 's/\(\.[0-9]\{4\}  *[0-9]*\.[0-9]\{4\}  *[0-9][0-9]*  *[0-9][0-9]*\)  *[0-9][0-9]*$/\1 SPEED/' \
    -e 's/\(  \(best\|more bits\|fewer bits\|the same\|undecided\|too few documents\)\)  *[0-9][0-9]*$/\1 SPEED/' \
    -e 's/^\(llama.*\.[0-9]\{4\}\)  *[0-9][0-9]*$/\1 SPEED/' \
    -e 's/^\( *"pcre2": \|  *"zstd": \|  *"libexttextcat": \|  *"utf8proc": \|unicode pcre2 \)"[^ ]*"/\1"V"/' -e 's/^\(unicode .* utf8proc \)"[^ ]*"/\1"V"/' \
    -e 's/\(the report of [^,]*\), [0-9]* bytes/\1, N bytes/' -e 's/kernels [a-z0-9]*\(, \|$\)/kernels K\1/' -e 's/ in [0-9.]* s;/ in S s;/'; }

# verdict NAME CODE: compares out and err of the command that just ran.
verdict() {
    count=$((count + 1))
    { same_everywhere <out; sed 's/^/stderr: /' err | same_everywhere; echo "exit $2"; } >got
    if [ -n "${UPDATE:-}" ]; then cp got "$here/expected/$1"
    elif ! diff -u "$here/expected/$1" got; then fail "$1"; fi
}
# t NAME ARGUMENT...: cril ARGUMENT...
t() { name=$1; shift; "$cril" "$@" >out 2>err </dev/null; verdict "$name" $?; }
# leaves_nothing NAME FILE...: no such file, nor a temporary one of its name
leaves_nothing() {
    name=$1; shift
    for f in "$@"; do for g in "$f" "$f".*; do [ ! -e "$g" ] || { fail "$name left $g"; rm -f "$g"; }; done; done
}
# at FILE TEXT: byte offset behind the first TEXT
at() { echo $(($(grep -abo -- "$2" "$1" | head -n 1 | cut -d: -f1) + ${#2})); }
# poke FILE OFFSET BYTES: BYTES as for printf
poke() { printf "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null; }
same() { cmp -s "$2" "$3" || fail "$1: $2 and $3 differ"; }

for m in llama llama-mixed gemma3; do cp "$golden/tiny-$m.gguf" $m.gguf; done
cp "$here"/*.jsonl "$here"/*.txt "$here"/*.yaml "$here"/words.awk . || exit 1

# What more than one part needs.
mkdir small # for a file system of its own
mkfifo pipe
printf 'caf\351 \342\226\201 and plain text' >unspelled.txt
s="score -m llama.gguf --context 64 --stride 24"
# proof.jsonl: texts that tiny models compress, an empty one, one with NUL
make_proof() {
    i=0; while [ $i -lt 4 ]; do
        awk -v n=$((500 + 700 * i)) -f words.awk | awk '{ text = text $0 "\\n" } END { printf "{\"content\": \"%s\"}\n", text }'
        i=$((i + 1))
    done >proof.jsonl
    printf '{"content": ""}\n{"content": "the area \\u0000 there"}\n' >>proof.jsonl
}

[ $# -gt 0 ] || set -- usage good until watch diverge view leak corpus mix bad archives changes inputs escapes study figures slurm eval
for part; do . "$here/$part.sh"; done

[ $count -gt 0 ] || fail "no case ran"
echo "$count cases"
[ ! -e "$tmp/.failed" ] || bad=1
exit $bad
