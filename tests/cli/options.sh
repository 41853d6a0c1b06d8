#!/bin/sh
# options.sh CRIL: man pages and completion name the options that --help names. The options of a subcommand are those of its
# section (.Ss) in the man page of its command.
set -eu
cril=$1
root=$(cd "$(dirname "$0")/../.." && pwd)
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
bad=0
names() { sed -n '/^Commands:\|^Subcommands:/,/^$/s/^  \([a-z]*\)  *[A-Z].*/\1/p'; }
# check WORDS ROW: of the help of WORDS, in the completion's ROW and in the text of a man page in $tmp/page
check() {
    "$cril" $1 --help >"$tmp/text"
    sed -n 's/^  \(-., -., \|-., \|    \)--\([a-z0-9-]*\).*/--\2/p' "$tmp/text" | sort >"$tmp/help"
    [ -s "$tmp/help" ] || { echo "$1: no option in --help"; bad=1; }
    sed -n "s/^ *$2) options='\(.*\)'.*/\1/p" "$root/completion/cril.bash" | tr ' ' '\n' | sort >"$tmp/completion"
    sed -n '/^\.It Fl/{s/^\.It /  /;s/Fl \(.\) , /-\1, /g;s/Fl -/--/;s/^  --/      --/;p;}' "$tmp/page" >"$tmp/items" # as in the help
    sed -n 's/^  \(-., -., \|-., \|    \)--\([a-z0-9-]*\).*/--\2/p' "$tmp/items" | sort >"$tmp/man"
    for where in completion man; do
        diff "$tmp/help" "$tmp/$where" || { echo "$1: $where and --help differ"; bad=1; }
    done
    # letters
    for f in text items; do sed -n 's/^  -\(.\), \(-., \)\{0,1\}--\([a-z0-9-]*\).*/\1 \2\3/p' "$tmp/$f" | sort >"$tmp/$f-letters"; done
    diff "$tmp/text-letters" "$tmp/items-letters" || { echo "$1: letters in man and --help differ"; bad=1; }
}
for c in $("$cril" --help | names); do
    sed '/^\.Ss /,/^\.Sh /{/^\.Sh /!d}' "$root/man/cril-$c.1" >"$tmp/page"
    check $c $c
    for part in $("$cril" $c --help | names); do
        sed -n "/^\.Ss $part\$/,/^\.S/p" "$root/man/cril-$c.1" >"$tmp/page"
        check "$c $part" "'$c $part'"
    done
done
if command -v mandoc >/dev/null; then
    mandoc -Tlint -Wwarning "$root"/man/*.1 || bad=1
else
    echo "skipped: mandoc is not installed"
fi
exit $bad
