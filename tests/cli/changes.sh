# Model files that change while a command is at work. It waits for the end of a pipe, so that the change comes in between.
[ -s line.txt ] || { awk -v n=20000 -f words.awk >long0; head -c 20000 long0 | tr -d "\n" >line.txt; rm long0; } # of archives.sh

# at_work CHANGE ARGUMENT...: cril ARGUMENT... with text.txt on standard input; CHANGE is done to race.gguf once that is mapped.
at_work() {
    change=$1; shift
    cp llama.gguf race.gguf; rm -f pipe; mkfifo pipe
    "$cril" "$@" <pipe >out 2>err & pid=$!
    exec 3>pipe
    cat text.txt >&3
    tries=0
    until grep -q race.gguf /proc/$pid/maps 2>/dev/null || [ $tries = 200 ]; do tries=$((tries + 1)); sleep 0.05; done
    sleep 0.1
    $change
    exec 3>&-
    wait $pid; code=$?
}
overwrite() { printf '\001' | dd of=race.gguf bs=1 seek=200000 conv=notrunc 2>/dev/null; }
replace() { cp llama.gguf new.gguf; mv new.gguf race.gguf; }
cut_short() { : >race.gguf; }

if [ -r /proc/self/maps ]; then
    at_work overwrite score -q -m race.gguf --context 64 --json -o race.json -; verdict changed-score $code
    leaves_nothing changed-score race.json
    at_work replace compress -q -m race.gguf -o race.cril; verdict changed-compress $code
    leaves_nothing changed-compress race.cril
    at_work cut_short compress -q -m race.gguf -o race.cril; sed -i 's|/.*/race|race|' err; verdict changed-cut-short $code
    leaves_nothing changed-cut-short race.cril

    # --rm: the model changes while the text is read, so the text stays.
    cp llama.gguf race.gguf; cp line.txt race.txt
    "$cril" compress -q -T 1 --rm --context 64 --stride 8 -m race.gguf race.txt 2>err >out & pid=$!
    until grep -q race.gguf /proc/$pid/maps 2>/dev/null || ! kill -0 $pid 2>/dev/null; do :; done
    overwrite
    wait $pid; verdict changed-rm $?
    same changed-rm line.txt race.txt
    leaves_nothing changed-rm race.txt.cril
    rm -f race.gguf race.txt pipe
else
    skip "changes of files in use: no /proc"
fi
