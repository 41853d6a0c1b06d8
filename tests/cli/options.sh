#!/bin/sh
# options.sh CRIL: man pages and completion name the options that --help names.
set -eu
cril=$1
root=$(cd "$(dirname "$0")/../.." && pwd)
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
bad=0
for c in $("$cril" --help | sed -n 's/^  \([a-z]*\)  *[A-Z].*/\1/p'); do
    "$cril" $c --help | sed -n 's/^  \(-., \|    \)--\([a-z0-9-]*\).*/--\2/p' | sort >"$tmp/help"
    [ -s "$tmp/help" ] || { echo "$c: no option in --help"; bad=1; }
    sed -n "s/^ *$c) options='\(.*\)'.*/\1/p" "$root/completion/cril.bash" | tr ' ' '\n' | sort >"$tmp/completion"
    sed -n 's/^\.It \(Fl . , \)\{0,1\}Fl -\([a-z0-9-]*\).*/--\2/p' "$root/man/cril-$c.1" | sort >"$tmp/man"
    for where in completion man; do
        diff "$tmp/help" "$tmp/$where" || { echo "$c: $where and --help differ"; bad=1; }
    done
    # letters
    "$cril" $c --help | sed -n 's/^  -\(.\), --\([a-z-]*\).*/\1 \2/p' | sort >"$tmp/help"
    sed -n 's/^\.It Fl \(.\) , Fl -\([a-z0-9-]*\).*/\1 \2/p' "$root/man/cril-$c.1" | sort >"$tmp/man"
    diff "$tmp/help" "$tmp/man" || { echo "$c: letters in man and --help differ"; bad=1; }
done
if command -v mandoc >/dev/null; then
    mandoc -Tlint -Wwarning "$root"/man/*.1 || bad=1
else
    echo "skipped: mandoc is not installed"
fi
exit $bad
