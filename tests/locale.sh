#!/bin/sh
# locale.sh ROOT PROGRAM...: numbers do not depend on the locale. Reads the sources: one file converts numbers of data, nobody
# sets a locale. Then runs each test program in locales whose decimal points are a comma and a character of two bytes.
# Exit code 77 if such locales cannot be made here.
set -u
cd "$1" || exit 1
shift
bad=0
found=$(grep -rnE '((strtof|strtod|strtold|atof|localeconv|setlocale|uselocale|newlocale) *\(|scanf *\(.*%[0-9]*L?l?[aefgAEFG])' src cli examples |
    grep -v '^src/util/number\.[ch]:')
[ -z "$found" ] || { echo "$found"; echo "locale: only src/util/number.c converts numbers and chooses a locale"; bad=1; }
# A statement of the library that prints a real number; cril_fail and cril_format do so in the C locale.
found=$(find src -name '*.c' ! -path src/util/number.c -exec awk -v RS=';' '
    match($0, /(^|[^a-z_])(v?f?d?printf|v?sn?printf) *\(/) && substr($0, RSTART) ~ /%[-+ #0]*[0-9*]*(\.[0-9*]+)?L?[aefgAEFG]/ {
        gsub(/[ \n]+/, " "); print FILENAME ": " $0 }' {} +)
[ -z "$found" ] || { echo "$found"; echo "locale: a real number is printed in the locale of the caller"; bad=1; }
[ $bad = 0 ] || exit 1

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
for point in 002C 066B; do
    printf 'LC_NUMERIC\ndecimal_point "<U%s>"\nthousands_sep "."\ngrouping 3\nEND LC_NUMERIC\n' $point >"$tmp/source"
    localedef -c -i "$tmp/source" -f UTF-8 "$tmp/$point.UTF-8" >/dev/null 2>&1
    [ -e "$tmp/$point.UTF-8/LC_NUMERIC" ] || { echo "locale: localedef makes none here"; exit 77; }
    for program in "$@"; do
        LOCPATH=$tmp CRIL_TEST_LOCALE=$point.UTF-8 "$program" >"$tmp/log" 2>&1 || { cat "$tmp/log"; echo "FAIL $program, $point"; bad=1; }
    done
done
exit $bad
