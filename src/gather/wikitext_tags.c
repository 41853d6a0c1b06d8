/*
 * A table of names. A '<' that opens none of them is a character like any other, as in MediaWiki:
 * pages about programs are full of <stdio.h>.
 */
#include "gather/wikitext_tags.h"

#include <stdlib.h>
#include <string.h>

enum { LONGEST = 16 };

/* By name. Source: MediaWiki's Sanitizer (HTML) and the extensions of Wikimedia's wikis. */
/* clang-format off */
static const struct tag {
    const char *name;
    enum cril_wiki_tag_kind kind;
} tags[] = {
    {"abbr", CRIL_WIKI_INLINE}, {"b", CRIL_WIKI_INLINE}, {"bdi", CRIL_WIKI_INLINE},
    {"bdo", CRIL_WIKI_INLINE}, {"big", CRIL_WIKI_INLINE}, {"blockquote", CRIL_WIKI_BLOCK},
    {"br", CRIL_WIKI_BLOCK}, {"caption", CRIL_WIKI_BLOCK}, {"categorytree", CRIL_WIKI_HIDDEN},
    {"ce", CRIL_WIKI_MATH}, {"center", CRIL_WIKI_BLOCK}, {"chem", CRIL_WIKI_MATH},
    {"cite", CRIL_WIKI_INLINE}, {"code", CRIL_WIKI_INLINE}, {"data", CRIL_WIKI_INLINE},
    {"dd", CRIL_WIKI_BLOCK}, {"del", CRIL_WIKI_INLINE}, {"dfn", CRIL_WIKI_INLINE},
    {"div", CRIL_WIKI_BLOCK}, {"dl", CRIL_WIKI_BLOCK}, {"dt", CRIL_WIKI_BLOCK},
    {"em", CRIL_WIKI_INLINE}, {"font", CRIL_WIKI_INLINE}, {"gallery", CRIL_WIKI_HIDDEN},
    {"graph", CRIL_WIKI_HIDDEN}, {"h1", CRIL_WIKI_BLOCK}, {"h2", CRIL_WIKI_BLOCK},
    {"h3", CRIL_WIKI_BLOCK}, {"h4", CRIL_WIKI_BLOCK}, {"h5", CRIL_WIKI_BLOCK},
    {"h6", CRIL_WIKI_BLOCK}, {"hiero", CRIL_WIKI_HIDDEN}, {"hr", CRIL_WIKI_BLOCK},
    {"i", CRIL_WIKI_INLINE}, {"imagemap", CRIL_WIKI_HIDDEN}, {"includeonly", CRIL_WIKI_HIDDEN},
    {"indicator", CRIL_WIKI_HIDDEN}, {"inputbox", CRIL_WIKI_HIDDEN}, {"ins", CRIL_WIKI_INLINE},
    {"kbd", CRIL_WIKI_INLINE}, {"languages", CRIL_WIKI_HIDDEN}, {"li", CRIL_WIKI_BLOCK},
    {"mapframe", CRIL_WIKI_HIDDEN}, {"maplink", CRIL_WIKI_HIDDEN}, {"mark", CRIL_WIKI_INLINE},
    {"math", CRIL_WIKI_MATH}, {"noinclude", CRIL_WIKI_INLINE}, {"nowiki", CRIL_WIKI_LITERAL},
    {"ol", CRIL_WIKI_BLOCK}, {"onlyinclude", CRIL_WIKI_INLINE}, {"p", CRIL_WIKI_BLOCK},
    {"poem", CRIL_WIKI_BLOCK}, {"pre", CRIL_WIKI_PREFORMED}, {"q", CRIL_WIKI_INLINE},
    {"rb", CRIL_WIKI_INLINE}, {"ref", CRIL_WIKI_HIDDEN}, {"references", CRIL_WIKI_HIDDEN},
    {"rp", CRIL_WIKI_INLINE}, {"rt", CRIL_WIKI_INLINE}, {"rtc", CRIL_WIKI_INLINE},
    {"ruby", CRIL_WIKI_INLINE}, {"s", CRIL_WIKI_INLINE}, {"samp", CRIL_WIKI_INLINE},
    {"score", CRIL_WIKI_HIDDEN}, {"section", CRIL_WIKI_INLINE}, {"small", CRIL_WIKI_INLINE},
    {"source", CRIL_WIKI_CODE}, {"span", CRIL_WIKI_INLINE}, {"strike", CRIL_WIKI_INLINE},
    {"strong", CRIL_WIKI_INLINE}, {"sub", CRIL_WIKI_INLINE}, {"sup", CRIL_WIKI_INLINE},
    {"syntaxhighlight", CRIL_WIKI_CODE}, {"table", CRIL_WIKI_TABLE}, {"tbody", CRIL_WIKI_BLOCK},
    {"td", CRIL_WIKI_BLOCK}, {"templatedata", CRIL_WIKI_HIDDEN},
    {"templatestyles", CRIL_WIKI_HIDDEN}, {"tfoot", CRIL_WIKI_BLOCK}, {"th", CRIL_WIKI_BLOCK},
    {"thead", CRIL_WIKI_BLOCK}, {"time", CRIL_WIKI_INLINE}, {"timeline", CRIL_WIKI_HIDDEN},
    {"tr", CRIL_WIKI_BLOCK}, {"translate", CRIL_WIKI_INLINE}, {"tt", CRIL_WIKI_INLINE},
    {"tvar", CRIL_WIKI_INLINE}, {"u", CRIL_WIKI_INLINE}, {"ul", CRIL_WIKI_BLOCK},
    {"var", CRIL_WIKI_INLINE}, {"wbr", CRIL_WIKI_INLINE},
};
/* clang-format on */

enum { N_TAGS = sizeof(tags) / sizeof(*tags) };
_Static_assert((int)N_TAGS <= (int)CRIL_WIKI_TAGS, "each tag has a number");

static int compare(const void *key, const void *row)
{
    return strcmp(key, ((const struct tag *)row)->name);
}

static bool ends_name(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '/' || c == '>';
}

/* The lower-case name at text [len] into name; 0: none, else its bytes. */
static size_t read_name(const char *text, size_t len, char name[LONGEST])
{
    size_t n = 0;

    for (; n < len && n < LONGEST - 1; n++) {
        const char c = text[n], lower = (char)(c | 0x20);
        const bool letter = lower >= 'a' && lower <= 'z';

        if (!letter && !(n && c >= '1' && c <= '6'))
            break;
        name[n] = letter ? lower : c;
    }
    name[n] = '\0';
    return n < len && ends_name(text[n]) ? n : 0;
}

bool cril_wiki_tag_read(const char *text, size_t len, struct cril_wiki_tag *tag)
{
    const bool closes = len > 1 && text[1] == '/';
    char name[LONGEST];
    size_t at = 1 + closes, n;
    const struct tag *row;

    if (at >= len || !(n = read_name(text + at, len - at, name)) ||
        !(row = bsearch(name, tags, N_TAGS, sizeof(*tags), compare)))
        return false;
    for (at += n; at < len && text[at] != '>'; at++)
        if (text[at] == '<')
            return false;
    if (at == len)
        return false;
    *tag = (struct cril_wiki_tag){row->kind, row->name,           (size_t)(row - tags),
                                  closes,    text[at - 1] == '/', at + 1};
    return true;
}

/* text [len] begins with a name, in whatever case, and what ends one. */
static bool is_name(const char *text, size_t len, const char *name)
{
    size_t i = 0;

    for (; name[i]; i++)
        if (i >= len || (text[i] | 0x20) != name[i])
            return false;
    return i < len && ends_name(text[i]);
}

bool cril_wiki_tag_find_end(const char *text, size_t len, const char *name, size_t *at)
{
    const char *p = text, *end = text + len;

    while (len && (p = memchr(p, '<', (size_t)(end - p)))) {
        p++;
        if (p < end && *p == '/' && is_name(p + 1, (size_t)(end - p - 1), name)) {
            *at = (size_t)(p - 1 - text);
            return memchr(p, '>', (size_t)(end - p)); /* else no later one has its '>' either */
        }
    }
    return false;
}
