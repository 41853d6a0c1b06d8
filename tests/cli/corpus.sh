# Fresh corpora: what is made, tables, cards, shards, what is refused.
ln -s "$golden/warc" warc
ln -s "$golden/mediawiki" mediawiki
wet=warc/wet-1.0.warc.wet.gz dump=mediawiki/pages-articles-multistream.xml.bz2 stubs=mediawiki/stub-meta-history.xml.gz
w="corpus web $wet --without gopher_quality,gopher_repetition"
t gather corpus
t gather-help corpus web --help
t gather-web $w -o web.jsonl
[ -z "${UPDATE:-}" ] || cp web.jsonl "$here/expected/gather-web-lines"
same gather-web-lines "$here/expected/gather-web-lines" web.jsonl
t gather-card corpus card web.jsonl
t gather-card-json corpus card --json web.jsonl
t gather-exists $w -o web.jsonl
t gather-json $w -q --json -f -o web.jsonl
t gather-dates $w -o dates.jsonl --after 2026-06-03 --before 2026-06-05
t gather-lengths $w -o lengths.jsonl --min-characters 20 --max-characters 60
t gather-with corpus web $wet -q -o c4.jsonl --with c4
t gather-none corpus web $wet -o none.jsonl
t gather-wiki corpus wiki $dump --created $stubs -o wiki.jsonl
t gather-wiki-after corpus wiki $dump --created $stubs --after 2026-06-01 -o wiki2.jsonl
t gather-wiki-undated corpus wiki $dump --after 2026-06-01 -o no.jsonl
t gather-wiki-id corpus wiki $dump --min-page-id 999 -o wiki3.jsonl
t gather-no-output corpus web $wet
t gather-name corpus web $wet -o web.txt
t gather-no-name corpus web $wet -o .jsonl
t gather-no-input corpus web -o no.jsonl
t gather-missing corpus web none.warc.wet -o no.jsonl
t gather-address corpus web https://example.org/a.warc.wet.gz -o no.jsonl
t gather-address-name corpus web https://example.org/ --fetch . -o no.jsonl
t gather-language $w --language de -o german.jsonl
t gather-no-language $w --language xq -o no.jsonl
t gather-with-language $w --with language -o no.jsonl
t gather-step corpus web $wet --with chess -o no.jsonl
t gather-unfit-step corpus wiki $dump --with paragraph -o no.jsonl
t gather-day corpus web $wet --after 2026-6-1 -o no.jsonl
t gather-shard corpus web $wet --shard 2/1 -o no.jsonl
t gather-too-many-shards corpus web $wet --shard 1/2 -o no.jsonl
t gather-warc corpus web warc/crawl-1.0.warc -o no.jsonl
t gather-output-is-input corpus web web.jsonl -f -o web.jsonl
{
    printf '{"text": "One text of some words.", "id": "a/0", "metadata": {"url": "https://a.example/", "date": "2026-06-01T10:00:00Z", "license": "CC0"}}\n\n'
    printf '{"text": "Another text of words.", "metadata": {"date": "June", "language": "en"}}\n'
    printf '{"content": "A third one.", "id": "c", "date": "2026-07-01", "url": "https://c.example/"}\n'
} >others.jsonl
t gather-jsonl corpus jsonl others.jsonl -o own.jsonl
[ -z "${UPDATE:-}" ] || cp own.jsonl "$here/expected/gather-jsonl-lines"
same gather-jsonl-lines "$here/expected/gather-jsonl-lines" own.jsonl
t gather-jsonl-again corpus jsonl own.jsonl --after 2026-07-01 -o own2.jsonl
t gather-jsonl-bad corpus jsonl bad-lines.jsonl -o no.jsonl
if command -v git >/dev/null; then
    (
        GIT_AUTHOR_DATE=2026-06-01T00:00:00Z GIT_COMMITTER_DATE=2026-06-01T00:00:00Z GIT_CONFIG_GLOBAL=/dev/null
        export GIT_AUTHOR_DATE GIT_COMMITTER_DATE GIT_CONFIG_GLOBAL
        mkdir code && cd code && git init -q -b main . && printf 'print("a")\n' >a.py && printf 'int a;\n' >b.c && printf '\0' >c.c &&
            git add -A && git -c user.name=a -c user.email=a@b commit -q -m x
    ) || fail "git"
    t gather-code corpus code code -o code.jsonl
    t gather-code-json corpus code code -q --json --language C --after 2026-06-01 --before 2026-06-02 -o c-code.jsonl
    t gather-code-language corpus code code --language Pyton -o no.jsonl
    t gather-code-address corpus code https://github.com/a/b -o no.jsonl
    t gather-code-none corpus code small -o no.jsonl
else
    skip "cril corpus code: there is no git"
fi
printf x >x.card.json
t gather-output-is-card corpus web x.card.json -f -o x.jsonl
t gather-no-card corpus card c.jsonl
t gather-bad-card corpus card x.jsonl
t gather-merge-no-shard corpus merge web.jsonl -o no.jsonl
t gather-temporary $w --temporary none -o no.jsonl
leaves_nothing corpus no.jsonl no.card.json none.jsonl none.card.json
mkdir folder
cp warc/wet-1.0.warc.wet.gz folder/a.warc.wet.gz
cp warc/wet-1.1.warc.wet folder/b.warc.wet
f="corpus web folder -q --without gopher_quality,gopher_repetition"
"$cril" $f -t 2 -o all.jsonl.zst && "$cril" $f -t 1 --memory 1M -o one.jsonl.zst && "$cril" $f --shard 1/2 -o s1.jsonl.zst &&
    "$cril" $f --shard 2/2 -o s2.jsonl && "$cril" corpus merge -q s2.jsonl s1.jsonl.zst -o merged.jsonl.zst || fail "shards"
for name in one merged; do
    same "corpus of $name" all.jsonl.zst $name.jsonl.zst
    same "card of $name" all.card.json $name.card.json
done
t gather-merge corpus merge s1.jsonl.zst s2.jsonl -o table.jsonl
t gather-merge-one corpus merge s1.jsonl.zst -o no.jsonl
"$cril" $s --json all.jsonl.zst | grep -q "\"$(sed -n 's/^ *"sha256": "\(.*\)",/\1/p' all.card.json | head -n 1)\"" ||
    fail "a result does not have the hash of the card"
