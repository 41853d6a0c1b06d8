# Archives: compress, decompress, test, list, cat.
m="-m llama.gguf -T 1" # one thread is fastest for a tiny model

# trip NAME FILE OPTION...: there and back again gives the same bytes
trip() {
    name=$1 file=$2; shift 2; count=$((count + 1))
    "$cril" compress -q $m "$@" -c "$file" >x.cril || fail "$name: compress"
    "$cril" decompress -q $m -c x.cril >x || fail "$name: decompress"
    same "$name" "$file" x
}
: >nothing
printf x >one
printf 'caf\303\251 \303( \377\376 \340\200\200 \355\240\200 end\342\202' >ill-formed
printf 'a\0b\0\0\0\nc\0' >nul
head -c 10000 /dev/urandom >random
awk -v n=100000 -f words.awk >long.txt
head -c 50000 long.txt | tr -d '\n' >line.txt
{ cat ill-formed; head -c 3000 long.txt; cat nul ill-formed; head -c 2000 long.txt; } >mixed
for f in nothing one ill-formed nul random mixed text.txt c.jsonl long.txt line.txt; do trip $f $f; done
trip segments long.txt --segment 10K
trip window line.txt --segment 4K --context 64 --stride 32
trip tiny-segments text.txt --segment 5
printf '\303\251\303\251\303\251' >accents; trip segment-of-a-byte accents --segment 1
"$cril" compress -q $m <line.txt | "$cril" decompress -q $m | same "pipes" line.txt -
"$cril" compress -q $m - <text.txt | "$cril" compress -q -d $m -c - | same "pipes, named" text.txt -
cat text.txt | "$cril" compress -q $m -o piped.cril && "$cril" test -q $m - <piped.cril || fail "from a pipe to a file"

# The same bytes whatever computes them.
"$cril" compress -q $m -T 1 --segment 2K -c line.txt >t1.cril
"$cril" compress -q $m -T 2 --segment 2K -c line.txt >t2.cril
same "threads" t1.cril t2.cril
head -c 5000 long.txt >short.txt
"$cril" compress -q $m --segment 700 short.txt || fail "compress for plain C"
CRIL_CPU=ref "$cril" test -q $m short.txt.cril || fail "plain C does not decode what fast kernels coded"
CRIL_CPU=ref "$cril" compress -q $m --segment 700 -c short.txt | same "plain C" short.txt.cril -
if command -v python3 >/dev/null; then # a decoder that knows nothing of this one
    # independent NAME ARCHIVE TEXT
    independent() {
        rm -f distributions
        "$cril" test -q $m --distributions distributions "$2" || fail "test --distributions of $1"
        python3 "$here/../../scripts/decode_archive.py" "$2" distributions | same "an independent decoder, $1" "$3" -
    }
    head -c 300 long.txt >little.txt; "$cril" compress -q $m little.txt
    independent "one segment" little.txt.cril little.txt
    independent "format 1" "$golden/archive1-tiny-llama.cril" "$golden/archive.txt"
    independent "several segments" short.txt.cril short.txt
    t distributions-exists test $m --distributions distributions short.txt.cril
    rm distributions
else
    skip "an independent decoder: python3 is not installed"
fi
for o in "--streams 1" "--streams 3 -T 2" "-T 1" "--memory 1G"; do
    "$cril" decompress -q $m $o -c t1.cril | same "decompress $o" line.txt -
done

# An archive of the format before this one, whose windows had no BOS.
old=$golden/archive1-tiny-llama.cril
"$cril" decompress -q $m -c "$old" | same "format 1" "$golden/archive.txt" -
"$cril" cat $m --range 1500-2000 "$old" >part; tail -c +1501 "$golden/archive.txt" | head -c 500 | same "format 1, cat --range" part -
for f in 1 2; do cp "$golden/archive$f-tiny-llama.cril" format-$f.cril; done
t list-formats list -v format-1.cril format-2.cril

# What is not code: 56 bytes at most of a text of one segment; of data that are stored also a thousandth of them.
for f in one little.txt text.txt nul accents; do
    "$cril" compress -q $m -c "$f" | "$cril" list --json - >list.json
    rest=$(sed 's/.*"archive_bytes": \([0-9]*\), "code_bytes": \([0-9]*\), "raw_bytes": \([0-9]*\),.*/\1 - \2 - \3/' list.json)
    [ $(($rest)) -le 56 ] || fail "$f: $(($rest)) bytes that are not code"
done
head -c 40000 /dev/urandom >noise
for n in 0 1 56 1000 8192 16384 16385 20000 32768 40000; do
    head -c $n noise | "$cril" compress -q $m >noise.cril
    head -c $n noise >noise.part; "$cril" compress -q $m -f noise.part # a file is cut into segments of one length
    for a in noise.cril noise.part.cril; do
        [ $(($(wc -c <$a) - n)) -le $((56 + n / 1000)) ] || fail "$a of $n bytes: $(wc -c <$a)"
        "$cril" decompress -q $m -c $a | same "$a of $n bytes" noise.part -
    done
done

# Files. They keep mode and time; nothing that exists is overwritten.
cp short.txt book.txt; chmod 640 book.txt; touch -d @1000000000 book.txt
t compress compress $m book.txt
same "compress, input" book.txt short.txt
[ "$(stat -c '%a %Y' book.txt.cril)" = "640 1000000000" ] || fail "an archive has not mode and time of its file"
t compress-exists compress $m book.txt
t compress-forced compress $m -f --segment 1K book.txt
t compress-suffix compress $m book.txt.cril
t decompress-exists decompress $m book.txt.cril
rm book.txt; chmod 600 book.txt.cril
t decompress decompress $m book.txt.cril
same "decompress" book.txt short.txt
[ "$(stat -c '%a %Y' book.txt)" = "600 1000000000" ] || fail "a text has not mode and time of its archive"
t decompress-no-suffix decompress $m text.txt
cp book.txt.cril book; t decompress-named decompress $m -o other book
same "decompress -o" other short.txt
"$cril" compress -q -d $m -f book.txt.cril && same "compress -d" book.txt short.txt || fail "compress -d"
cat short.txt text.txt >both
"$cril" decompress -q $m -c book.txt.cril piped.cril | same "decompress -c of two" both -
t compress-rm compress $m -q -f --rm book.txt
[ ! -e book.txt ] && [ -s book.txt.cril ] || fail "compress --rm"
t decompress-rm decompress $m -q --rm book.txt.cril
[ ! -e book.txt.cril ] && same "decompress --rm" book.txt short.txt || fail "decompress --rm"
cp text.txt ./-dash; t compress-dash compress $m -- -dash
[ -s ./-dash.cril ] || fail "a name that begins with a dash"
mkdir folder
t compress-several compress $m book.txt nope folder one
[ -s book.txt.cril ] && [ -s one.cril ] || fail "an error kept other files from their turn"
t compress-verbose compress $m -v -T 1 -f nothing
t compress-json compress $m -q -f --json book.txt nothing
t decompress-json decompress $m -q -f --json nothing.cril
t compress-rm-nothing compress $m -f --rm -o /dev/null book.txt
[ -s book.txt ] || fail "an input was removed for nothing"
t compress-output-is-input compress $m -f -o ./book.txt book.txt
t compress-output-is-model compress $m -f -o llama.gguf book.txt
t compress-no-folder compress $m -o nope/x book.txt
same "compress, models" llama.gguf "$golden/tiny-llama.gguf"
t compress-context-too-long compress $m -f --context 16777217 book.txt one
t compress-no-such-model compress -m nope.gguf -f book.txt

# What archives hold, and whether they are good.
"$cril" compress -q $m --segment 20K -o long.cril long.txt || fail "compress long.txt"
t list list book.txt.cril long.cril nothing.cril
t list-verbose list -v long.cril
t list-json list --json book.txt.cril nothing.cril
"$cril" list --json - <long.cril >list.json || fail "list of standard input"
grep -q "\"archive_bytes\": $(wc -c <long.cril)," list.json || fail "list: bytes of the archive"
grep -q "\"sha256\": \"$(sha256sum <long.txt | cut -c 1-16)\"" list.json || fail "list: SHA-256 of the text"
[ "$("$cril" list --json -v long.cril | grep -o '"start"' | wc -l)" = "$(sed -n 's/.*"segments": \([0-9]*\),.*/\1/p' list.json)" ] ||
    fail "list --json -v: not one row a segment"
t list-several-bad list nope text.txt book.txt.cril
t test test $m book.txt.cril long.cril nothing.cril
t test-quiet test -q $m book.txt.cril
t test-json test --json $m book.txt.cril nope
"$cril" test -v -T 1 $m book.txt.cril >out 2>err; verdict test-verbose $?

# Parts of a text. Segments of long.cril begin about every 20000 bytes.
size=$(wc -c <long.txt)
for r in 0-1 0-100 1-2 19990-20010 15K-70K 0- 50K- $((size - 1))- 0-$size $((size - 1))-$size 1K-2k 1KB-2KiB; do
    from=$(echo ${r%-*} | sed 's/[Kk].*/*1024/') to=$(echo ${r#*-} | sed 's/[Kk].*/*1024/')
    from=$(($from)) to=$((${to:-$size}))
    "$cril" cat $m --range $r long.cril >part || fail "cat --range $r"
    tail -c +$((from + 1)) long.txt | head -c $((to - from)) | same "cat --range $r" part -
done
"$cril" cat $m long.cril | same "cat" long.txt -
"$cril" cat $m --range 30K-31K - <long.cril | wc -c >out; : >err; verdict cat-stdin 0
"$cril" cat $m --range 0- nothing.cril >out 2>err; verdict cat-nothing $?
t cat-past-end cat $m --range 0-$((size + 1)) long.cril
t cat-from-end cat $m --range $size- long.cril
t cat-beyond cat $m --range 1M-2M long.cril
# Only the segments of the range are read: a later one may be damaged.
cp long.cril late.cril; poke late.cril $(($(wc -c <long.cril) * 9 / 10)) '\252\125\252'
"$cril" cat $m --range 0-30K late.cril | cmp -s -n 30720 - long.txt || fail "cat reads segments outside of its range"
t cat-damaged cat $m --range 90K- late.cril
{ "$cril" cat $m long.cril 2>err; echo "exit $?" >code; } | head -c 1 >/dev/null
[ "$(cat code)" = "exit 141" ] && [ ! -s err ] || fail "a reader that goes away: $(cat code err)"

# What is no good archive: a sentence that names it, exit code 1, no file.
# d NAME FILE: test and decompress refuse it alike
d() {
    t "$1" test $m "$2"
    "$cril" decompress $m -o d.txt "$2" >out 2>again; [ $? = 1 ] || fail "$1: decompress does not fail"
    same "$1: decompress" err again
    [ "$(wc -l <err)" = 1 ] || fail "$1: not one sentence"
    leaves_nothing "$1" d.txt
}
d archive-is-text text.txt
d archive-empty nothing
"$cril" test -m gemma3.gguf book.txt.cril >out 2>err; verdict archive-other-model $?
"$cril" decompress -m gemma3.gguf -o d.txt book.txt.cril >out 2>err; [ $? = 1 ] || fail "another model decodes"
leaves_nothing archive-other-model d.txt
# A folder and its GGUF file decode each other's archives.
cp -r "$golden/identity/gemma3" published; cp "$golden/identity/gemma3.gguf" published.gguf
for made in published published.gguf; do
    "$cril" compress -q -m $made --context 32 -o $made.cril one || fail "compress with $made"
    for with in published published.gguf; do
        "$cril" decompress -q -m $with -c $made.cril | same "the archive of $made, with $with" one -
    done
done
# Not where the file says something else, or its tables are not known.
grep -v add_bos_token "$golden/identity/gemma3/tokenizer_config.json" >published/tokenizer_config.json
t archive-other-folder test -m published published.gguf.cril
rm published/tokenizer_config.json
t archive-own-identity test -m published published.gguf.cril
head -c 1000 long.cril >cut.cril; d archive-cut cut.cril
for n in 1 8 12 28 45 46 47 $(($(wc -c <long.cril) - 1)) $(($(wc -c <long.cril) - 20)) $(($(wc -c <long.cril) - 21)); do
    head -c $n long.cril >cut.cril
    "$cril" list cut.cril >out 2>err && fail "list of the first $n bytes"
    [ "$(wc -l <err)" = 1 ] || fail "the first $n bytes: not one sentence"
done
cp long.cril flipped.cril; poke flipped.cril $(($(wc -c <long.cril) / 2)) '\252\125\252'; d archive-flipped flipped.cril
{ cat book.txt.cril; echo rubbish; } >trailing.cril; d archive-trailing trailing.cril
cat book.txt.cril book.txt.cril >twice.cril; d archive-twice twice.cril
d archive-missing nope.cril
d archive-folder folder
"$cril" decompress $m -c flipped.cril 2>/dev/null >part
cmp -s -n "$(wc -c <part)" part long.txt || fail "what was written before damage is not right"

# Full disks.
if [ -c /dev/full ]; then
    for o in "compress -c text.txt" "compress -o /dev/full text.txt" "decompress -c book.txt.cril" "cat book.txt.cril" \
        "decompress -o /dev/full book.txt.cril"; do
        "$cril" ${o%% *} $m -q ${o#* } >/dev/full 2>err
        echo "$? $(cat err)"
    done >out
    : >err; verdict archives-disk-full 0
fi
if mount -t tmpfs -o size=32k tmpfs small 2>/dev/null; then
    mounted=$tmp/small
    cp book.txt.cril small/book.cril
    t archives-disk-full-file decompress -q $m -o small/long.txt long.cril
    [ "$(ls -A small)" = book.cril ] || fail "a full disk: left $(ls -A small)"
    umount small; mounted=
fi

# Stopped: nothing left.
i=0; while [ $i -lt 60 ]; do cat long.txt; i=$((i + 1)); done >longer.txt # 6 MB
for signal in INT TERM; do
    timeout --foreground --preserve-status -s $signal 1 "$cril" compress -q $m longer.txt >out 2>err
    verdict compress-stopped-$signal $?
    leaves_nothing compress-stopped-$signal longer.txt.cril
done
sleep 60 >pipe &
timeout --foreground --preserve-status -k 20 -s INT 1 "$cril" compress $m -o longer.cril <pipe >out 2>err
verdict compress-stopped-waiting $?
kill $!
leaves_nothing compress-stopped-waiting longer.cril

# Terminals.
# tty NAME ARGUMENT...: as t, with all three standard descriptors on a terminal
tty() {
    name=$1; shift
    script -qec "'$cril' $*" /dev/null </dev/null >got-tty; code=$?
    tr -d '\r' <got-tty >out; : >err; verdict "$name" $code
}
if script -qec true /dev/null </dev/null >/dev/null 2>&1; then
    tty compress-to-terminal compress $m -c text.txt
    tty compress-at-terminal compress $m
    tty decompress-from-terminal decompress $m -o d.txt
    tty list-from-terminal list
    tty test-from-terminal test $m -
    script -qec "'$cril' compress $m -o shown.cril long.txt" /dev/null </dev/null >shown
    grep -q ' %' shown || fail "no progress on a terminal"
    script -qec "'$cril' compress $m -q -f -o shown.cril long.txt" /dev/null </dev/null >shown
    [ ! -s shown ] || fail "progress with -q"
    leaves_nothing terminals d.txt
else
    skip "terminals: script is not installed"
fi
