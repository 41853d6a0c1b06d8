/*
 * Wikitext to text: each rule of doc/corpora.md, "Wiki", texts that nobody would write but to
 * exhaust a parser, and every prefix of a text that has it all.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "gather/entities.h"
#include "gather/wikitext.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct cril_mediawiki_site german = {
    .names = {{CRIL_MEDIAWIKI_FILES, "Datei"},
              {CRIL_MEDIAWIKI_CATEGORIES, "Kategorie"},
              {CRIL_MEDIAWIKI_FILES, "\xd0\xa4\xd0\xb0\xd0\xb9\xd0\xbb"}, /* Файл */
              {CRIL_MEDIAWIKI_FILES, "Meine Dateien"}},
    .n_names = 4};

static struct cril_wikitext *create(const struct cril_mediawiki_site *site)
{
    struct cril_wikitext *w;

    assert_int_equal(cril_wikitext_create(site, &w, NULL), CRIL_OK);
    return w;
}

static const char *read_text(struct cril_wikitext *w, const char *text, size_t len, size_t *n)
{
    const char *out;
    cril_error err;

    if (cril_wikitext_read(w, text, len, &out, n, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    return out;
}

static const struct rule {
    const char *wikitext, *text;
} rules[] = {
    {"", ""},
    {"\n \n\t\n", ""},
    {"plain text", "plain text"},
    {"a\nb\n\n\n\nc\n", "a\nb\n\nc"},
    {"  a   b\t\tc  ", "a b c"},
    {"a\r\nb\x01\x02\x03"
     "c\x0b"
     "d",
     "a\nbcd"},

    /* templates */
    {"a {{b}} c", "a c"},
    {"{{Infobox\n| a = {{b|{{c}}}}\n| d = [[e]]\n}}\nText", "Text"},
    {"{{Infobox\n|a=1\n|}}Text", "Text"},
    {"a {{{1|default {{x}}}}} b", "a b"},
    {"{{{{{a}}}}} b", "b"},
    {"a {{b", "a {{b"},
    {"a b}} c", "a b}} c"},
    {"a {b} c", "a {b} c"},
    {"{{a [[b }} c", "c"},
    {"{{a {{b }} c", "{{a c"},
    {"[[a {{b|c]]}}]]", "a"},
    {"{{{a}}{|\nb\n|}c", "{{|\nb"},
    {"{{#if: x | [[y]] | {{z}} }}a", "a"},
    {"[[a{{!}}b]]", "b"},
    {"a {{b}}, c {{d}}. (e {{f}})", "a, c. (e)"},
    {"a {{b}}: c", "a : c"},
    {"a , b", "a , b"},

    /* brackets that are left empty */
    {"a ({{b}}) c", "a c"},
    {"a ({{b}}, {{c}}; ) c", "a c"},
    {"a ({{b}}; d) c", "a (d) c"},
    {"a (&nbsp;{{b}}) c", "a c"},
    {"a ({{b}} d) c", "a (d) c"},
    {"f() and g( )", "f() and g( )"},
    {"a ({{b}}", "a ("},

    /* tables */
    {"a\n{| class=x\n|-\n! h\n|-\n| b || c\n|}\nd", "a\n\nd"},
    {"a\n{|\n| b\n{|\n| c\n|}\n| d\n|}\ne", "a\n\ne"},
    {"a\n:{|\n| b\n|}\nc", "a\n\nc"},
    {"a {| b |} c", "a {| b |} c"},
    {"{|\n| {{b\n|}} || c\n|}\nd", "d"},
    {"{|\n| {{b\n|}\nd", "d"},
    {"{{a|\n{|\n| b\n}}c", "c"},
    {"a\n{|\n| b\n== H ==\nc", "a\n\nH\nc"},
    {"a\n{|\n| b\nc", "a"},
    {"a\n{|\n{|\n| b\n== H ==\n{|\n| c\n== I ==\nd", "a\n\nI\nd"},
    {"a\n| left over\n|-\n|}\nb", "a\nb"},
    {"a<table><tr><td>b<table><tr><td>c</td></tr></table></td></tr></table>d", "ad"},
    {"a\n<table>\n<tr><td>b\n== H ==\nc", "a\n\nH\nc"},
    {"a</table>b", "ab"},
    {"<table/>a", "a"},
    {"<table>{{a|</table>}}b</table>c", "c"},
    {"<table>\n{|\n|</table>x\n|}\n</table>b", "b"},
    {"[[File:a.jpg]]{|\nb\n|}c", "c"},
    {"{|\n|<table>\n|}\na</table>", "a"},
    {"<div>\n{|\n| a\n|}\n</div>b", "b"},

    /* links */
    {"[[a]] [[a|b]] [[a#c|d]] [[a|b]]s", "a b d bs"},
    {"[[a#b]] [[ a ]] [[a|]]", "a#b a a"},
    {"[[a|b|c]]", "b|c"},
    {"[[:Category:A]] [[:File:b.jpg]] [[:File:b.jpg|c]]", "Category:A File:b.jpg c"},
    {"[[Help:A]] [[wikt:b|c]] [[w:d]]", "Help:A c w:d"},
    {"a [[b\nc]] d", "a [[b\nc]] d"},
    {"[[a|b\nc]]", "b\nc"},
    {"[[]] [[|a]]", "[[]] [[|a]]"},
    {"[[a{b]] [[<c]]", "[[a{b]] [[<c]]"},
    {"[[a [[b]] c", "[[a b c"},
    {"a]] b]", "a]] b]"},
    {"[[[a]]]", "[a]"},
    {"[a] b", "[a] b"},
    {"[[a|b [[c]] d]]", "b c d"},
    {"[[1|[[2|[[3|[[4|[[5|[[6|x]]]]]]]]]]]]", "[[1|x]]"},
    {"[[a&#124;b]] [[a&#91;b]]", "a|b a[b"},
    {"[[Fi:a]] [[Files:b]]", "Fi:a Files:b"},

    /* files, categories, other languages */
    {"a [[File:b.jpg|thumb|[[c]] and {{d}} [http://e f]]] g", "a g"},
    {"[[Image:a.png]][[image : b.png]][[Category:c]][[category:d|e]]f", "f"},
    {"[[Bild:a.jpg|b]] [[X:a.SVG]] [[Media:a.ogg|listen]]", "listen"},
    {"[[a.jpg|b]]", "b"},
    {"a\n[[de:Haus]]\n[[zh-min-nan:A]]\n[[simple:House]]\nb", "a\n\nb"},
    {"see [[de:Haus]] and [[fr:a|b]]", "see de:Haus and b"},
    {"[[de:Haus|Haus]]", "Haus"},
    {"[[House: A B]]", "House: A B"},

    /* addresses */
    {"[https://a.org b c] [http://d.org] [//e f]", "b c f"},
    {"https://a.org/b?c=d", "https://a.org/b?c=d"},
    {"[mailto:a@b c] [HTTP://A b]", "c b"},
    {"[http://a b\nc]", "[http://a b\nc]"},
    {"[[http://a b]]", "[b]"},
    {"[http://a [b] c", "[b c"},
    {"[http://a b [[c|d]] e]", "b d e"},
    {"[http://{{a}} b]", "b"},
    {"[not an address]", "[not an address]"},
    {"[http://a [http://b c] d]", "[http://b c d]"},

    /* quotes */
    {"''a'' '''b''' '''''c''''' don't", "a b c don't"},
    {"''''a'''' ''''''b''''''", "'a' 'b'"},
    {"l'''Isola''", "l'Isola"},
    {"dell'''Eneide'' a", "dell'Eneide a"},
    {"'''a''' dell'''b'' l'''c'''", "a dellb l'c"},
    {"'''a''' '''b c'''d''", "a b cd"},
    {"'''a", "a"},
    {"'''a''' dell'''b'' nell'''c'''", "'a dellb nellc"},
    {"''a &#39;'''b", "a ''b"},

    /* headings */
    {"a\n== b ==\nc", "a\n\nb\nc"},
    {"==b==\nc\n=== d ===\n\ne", "b\nc\n\nd\n\ne"},
    {"= a =\nb", "a\nb"},
    {"====== a ======\nb", "a\nb"},
    {"======= a =======\nb", "= a =\nb"},
    {"== a =\nb", "= a\nb"},
    {"== a\nb", "== a\nb"},
    {"== a == b\nc", "== a == b\nc"},
    {"== a == <!-- x -->\nb", "a\nb"},
    {"== ''a'' [[b|c]] {{d}} ==\ne", "a c\ne"},
    {"== a<br>b ==\nc", "a b\nc"},
    {"a = b\n=\n==\nc", "a = b\n=\n==\nc"},
    {"=====\na", "=\na"},
    {"= a &#61;\nb", "= a =\nb"},
    {"== {{a}} ==\nb", "b"},
    {"a\n== b ==\n== c ==\nd\n== e ==\n{{f}}\n=== g ===\n", "a\n\nc\nd"},
    {"== a ==\n=== b ===\nc\n== d ==\n=== e ===", "a\n\nb\nc"},
    {"=== a ===\n== b ==\nc", "b\nc"},
    {"&#61;&#61; a ==\nb", "== a ==\nb"},

    /* lists */
    {"* a\n** b\n# c\n#* d\n: e\n; f : g", "a\nb\nc\nd\ne\nf : g"},
    {"*\n# \na", "a"},
    {"* {{a}}: b\n* c: d\n* : e", "b\nc: d\n: e"},
    {" * a", "a"},
    {"a\n----\nb", "a\n\nb"},
    {"----- a\n--- b", "a\n--- b"},

    /* tags */
    {"a<ref>b</ref> c<ref name=\"d\" /> e<REF name=f>g {{h</Ref >.", "a c e."},
    {"a<ref>b", "ab"},
    {"<ref>a</references>b</ref>c", "c"},
    {"a<ref name=x", "a<ref name=x"},
    {"a<references><ref>b</ref></references>c<references/>", "ac"},
    {"<gallery>\nFile:a.jpg|b\n</gallery>c", "c"},
    {"a<br>b<br/>c<BR />d", "a\nb\nc\nd"},
    {"<div class=\"x\">a</div><p>b</p>c", "a\nb\nc"},
    {"a<sup>2</sup> <span style='x'>b</span> <code>c [[d]]</code>", "a2 b c d"},
    {"#include <stdio.h> a < b > c <foo> </bar>", "include <stdio.h> a < b > c <foo> </bar>"},
    {"a <b c", "a <b c"},
    {"<b:c>d", "<b:c>d"},
    {"a<br> b", "a\nb"},
    {"a <b <i>c</i>", "a <b c"},
    {"a<includeonly>b</includeonly><noinclude>c</noinclude>", "ac"},
    {"<syntaxhighlight lang=\"c\">\nif (a < b)\n    x = '''y''';\n</syntaxhighlight>\nz",
     "if (a < b)\n    x = '''y''';\n\nz"},
    {"<source>&lt;</source>", "&lt;"},
    {"<pre>\n  * &lt;a&gt; [[b]]\n== c ==\n</pre>", "  * <a> [[b]]\n== c =="},
    {"<pre>a </pre>", "a "},
    {"<poem>\na\nb\n</poem>", "a\nb"},
    {"<score>a</score><timeline>b</timeline><imagemap>c</imagemap>d", "d"},

    /* mathematics */
    {"a <math>\\frac{a}{b} < ''c'' &lt; [[d]]\n{{e}}</math> f",
     "a \\frac{a}{b} < ''c'' &lt; [[d]] {{e}} f"},
    {"<chem>H2O</chem> <ce>A</ce> <math display=\"block\">x_1</math>", "H2O A x_1"},

    /* text as it is */
    {"<nowiki>''a'' [[b]] {{c}} <d> * &lt; &x;</nowiki>", "''a'' [[b]] {{c}} <d> * < &x;"},
    {"<nowiki>* a</nowiki>\n<nowiki/>* b", "* a\nb"},
    {"<nowiki>a", "a"},
    {"</nowiki>''a''</nowiki>b", "ab"},
    {"{{a|<nowiki>}}</nowiki>}}b", "b"},
    {"a<!-- b {{c -->d", "ad"},
    {"a\n<!-- b -->\nc", "a\nc"},
    {"a\n  <!-- b -->  \nc", "a\nc"},
    {"a\n<!-- b --> d\nc", "a\nd\nc"},
    {"a\n* <!-- b -->\n* c", "a\n\nc"},
    {"a<!-- b\n\n== c ==", "a"},
    {"a<!-->b-->c<!--->d-->e", "ace"},
    {"{{a|<!-- }} -->}}b", "b"},

    /* references to characters */
    {"&amp;lt; &lt;ref&gt; &quot;a&quot; &#65;&#x42; &eacute;&mdash;",
     "&lt; <ref> \"a\" AB \xc3\xa9\xe2\x80\x94"},
    {"a&nbsp;b&thinsp;c", "a\xc2\xa0"
                          "b\xe2\x80\x89"
                          "c"},
    {"&unknown; & &; &#; &#x; &#xd800; &#1; &#1114112; &amp",
     "&unknown; & &; &#; &#x; &#xd800; &#1; &#1114112; &amp"},
    {"&#39;&#39;a&#39;&#39; &#42; b", "''a'' * b"},
    {"&#42; a\n&#95;&#95;TOC&#95;&#95;", "* a\n__TOC__"},

    /* magic words */
    {"__TOC__a\n__NOTOC__\n__FORCETOC__ b", "a\n\nb"},
    {"__init__ __FILE__ ____ __TOC_", "__init__ __FILE__ ____ __TOC_"},

    /* any bytes */
    {"\xff[[\xfe]]\xc3", "\xff\xfe\xc3"},
};

static void test_rules(void **state)
{
    struct cril_wikitext *w = create(NULL);

    (void)state;
    for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
        const struct rule *r = &rules[i];
        size_t n;
        const char *out = read_text(w, r->wikitext, strlen(r->wikitext), &n);

        if (n != strlen(r->text) || memcmp(out, r->text, n) != 0)
            fail_msg("'%s':\ngot  '%.*s'\nwant '%s'", r->wikitext, (int)n, out, r->text);
    }
    cril_wikitext_free(w);
}

/* Names of the dump's wiki; letters in either case, blanks as underscores. */
static void test_names(void **state)
{
    static const char text[] =
        "[[Datei:a b]][[datei:c]][[ KATEGORIE : d]][[File:e]]"
        "[[Meine_Dateien:h]][[\xd1\x84\xd0\xb0\xd0\xb9\xd0\xbb:f]][[Andere:g]]";
    struct cril_wikitext *w = create(&german);
    size_t n;
    const char *out = read_text(w, text, strlen(text), &n);

    (void)state;
    assert_int_equal(n, 8);
    assert_memory_equal(out, "Andere:g", 8);
    cril_wikitext_free(w);
}

/* Every name is found, and nothing else. */
static void test_entities(void **state)
{
    static const struct {
        const char *text;
        size_t n;
        uint32_t code;
    } cases[] = {{"&AElig;", 7, 0xc6},
                 {"&zwnj;", 6, 0x200c},
                 {"&thetasym;", 10, 0x3d1},
                 {"&apos;", 6, 39},
                 {"&#x10FFFF;", 10, 0x10ffff},
                 {"&#10;", 5, 10},
                 {"&amp", 0, 0},
                 {"&AMP;", 0, 0},
                 {"&#x110000;", 0, 0},
                 {"&#127;", 0, 0},
                 {"&#00000065;", 11, 65},
                 {"&#000000065;", 12, 65},
                 {"&#0000000065;", 0, 0},
                 {"&#6a;", 0, 0},
                 {"&#x6g;", 0, 0},
                 {"&;", 0, 0}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        uint32_t code = 0;

        assert_int_equal(cril_entity_read(cases[i].text, strlen(cases[i].text), &code), cases[i].n);
        assert_int_equal(code, cases[i].code);
        for (size_t len = 1; len < strlen(cases[i].text); len++)
            assert_int_equal(cril_entity_read(cases[i].text, len, &code), 0);
    }
}

/* ---- hostile texts ---- */

static void repeat(char *to, size_t size, const char *piece)
{
    const size_t n = strlen(piece);

    for (size_t i = 0; i < size; i++)
        to[i] = piece[i % n];
}

/* A megabyte each, in a time that a quadratic parser would take for a few kilobytes. */
static void test_hostile(void **state)
{
    static const char *const pieces[] = {"{{",
                                         "[[",
                                         "<ref",
                                         "<ref>",
                                         "<!--",
                                         "<math>",
                                         "{|\n",
                                         "''",
                                         "[http://a ",
                                         "[http://a[[",
                                         "[[a|",
                                         "(",
                                         "&",
                                         "__",
                                         "=",
                                         "<a ",
                                         "</ref",
                                         "[[File:",
                                         "{{{",
                                         "}}",
                                         "]]",
                                         "<table>",
                                         "[[ ",
                                         "|",
                                         "{{[[",
                                         "{{a|{{b}}",
                                         "<ref>{{</ref>",
                                         "[[x [[a]] ",
                                         "( ",
                                         "<nowiki>",
                                         "\n* ",
                                         "\n== a ==",
                                         "{{!}}",
                                         "\n|}",
                                         "'''a''",
                                         "<b",
                                         "&#",
                                         " ",
                                         "<!---->",
                                         "\n{|\n== a ==\n"};
    const size_t size = (1 << 20) / CRIL_TEST_SCALE;
    struct cril_wikitext *w = create(NULL);
    char *text = malloc(size);
    size_t n;

    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
        repeat(text, size, pieces[i]);
        alarm(60);
        read_text(w, text, size, &n);
        assert_true(n <= 2 * size);
    }
    alarm(0);
    free(text);
    cril_wikitext_free(w);
}

/* Nested, closed again: as deep as a megabyte allows. */
static void test_nested(void **state)
{
    static const char *const pairs[][2] = {{"{{a|b", "}}"},
                                           {"[[a|b", "]]"},
                                           {"[http://a[[", "]]]"},
                                           {"[[ [[a|b]]|c", "]]"},
                                           {"{", "}"},
                                           {"{|\n|", "\n|}"},
                                           {"<table>", "</table>"},
                                           {"[[File:a|[[b|", "]]]]"},
                                           {"{{{a|{{", "}}}}}"},
                                           {"[http://a [[b|", "]]]"}};
    const size_t half = (1 << 19) / CRIL_TEST_SCALE;
    struct cril_wikitext *w = create(NULL);
    char *text = malloc(2 * half);
    size_t n;

    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
        repeat(text, half, pairs[i][0]);
        repeat(text + half, half, pairs[i][1]);
        alarm(60);
        read_text(w, text, 2 * half, &n);
    }
    alarm(0);
    free(text);
    cril_wikitext_free(w);
}

/* No more openings are kept than the stack takes: the last that fits is the one that is closed. */
static void test_most_open(void **state)
{
    enum { MOST = 1 << 17 };
    struct cril_wikitext *w = create(NULL);
    char *text = malloc(3 * (MOST + 5) + 2);
    size_t n;

    (void)state;
    assert_non_null(text);
    repeat(text, 3 * (MOST + 5), "{{ ");
    memcpy(text + 3 * (MOST + 5), "}}", 2);
    read_text(w, text, 3 * (MOST + 5) + 2, &n);
    assert_int_equal(n, 3 * (MOST - 1) - 1);
    free(text);
    cril_wikitext_free(w);
}

/* Whatever is cut off, the rest is read, and twice alike; no byte of the passes' own comes out. */
static void test_prefixes(void **state)
{
    struct cril_wikitext *w = create(&german), *other = create(&german);
    char text[8000];
    size_t len = 0, n, m;

    (void)state;
    for (size_t i = 0; i < sizeof(rules) / sizeof(*rules) && len + 100 < sizeof(text); i++)
        len += (size_t)snprintf(text + len, 100, "%s\n", rules[i].wikitext);
    for (size_t cut = 0; cut <= len; cut += 3) {
        char *part = malloc(cut + 1); /* no byte more, for a sanitizer */
        const char *a, *b;

        assert_non_null(part);
        memcpy(part, text + len - cut, cut);
        a = read_text(w, part, cut, &n);
        b = read_text(other, part, cut, &m);
        assert_int_equal(n, m);
        assert_memory_equal(a, b, n);
        for (size_t i = 0; i < n; i++)
            assert_true((uint8_t)a[i] >= ' ' || a[i] == '\n' || a[i] == '\t');
        assert_true(!n || (a[0] != '\n' && a[n - 1] != '\n'));
        memcpy(part, text, cut);
        read_text(w, part, cut, &n);
        free(part);
    }
    cril_wikitext_free(w);
    cril_wikitext_free(other);
    cril_wikitext_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),     cmocka_unit_test(test_names),
        cmocka_unit_test(test_entities),  cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_nested),    cmocka_unit_test(test_prefixes),
        cmocka_unit_test(test_most_open),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
