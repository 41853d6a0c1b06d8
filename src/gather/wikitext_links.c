/* By the form of a target alone: no other page is known. */
#include "gather/wikitext_links.h"

#include "gather/wikitext_parts.h"

#include <string.h>
#include <utf8proc.h>

enum { MAX_PREFIX = 255 }; /* bytes before a colon: MediaWiki's maximum of a title */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '_' || c == CRIL_WIKI_GONE;
}

static struct cril_bytes trim(struct cril_bytes s)
{
    while (s.len && is_blank(*s.data)) {
        s.data++;
        s.len--;
    }
    while (s.len && is_blank(s.data[s.len - 1]))
        s.len--;
    return s;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* text begins with word, which is in lower case. */
static bool begins(struct cril_bytes text, const char *word)
{
    size_t i = 0;

    for (; word[i]; i++)
        if (i >= text.len || lower(text.data[i]) != word[i])
            return false;
    return true;
}

bool cril_wiki_is_address(const char *text, size_t len)
{
    static const char *const schemes[] = {
        "http://", "https://", "//",      "ftp://",  "mailto:", "news:",
        "irc://",  "ircs://",  "ftps://", "sftp://", "git://",  "svn://",
        "tel:",    "geo:",     "magnet:", "urn:",    "ssh://",  "gopher://"};

    for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++)
        if (begins((struct cril_bytes){text, len}, schemes[i]))
            return true;
    return false;
}

/* What stands before the first colon; none of a target that begins with one. */
static bool prefix_of(struct cril_bytes target, struct cril_bytes *prefix)
{
    const char *colon;

    target = trim(target);
    colon = memchr(target.data ? target.data : "", ':',
                   target.len < MAX_PREFIX ? target.len : MAX_PREFIX);
    if (!colon || colon == target.data)
        return false;
    *prefix = trim((struct cril_bytes){target.data, (size_t)(colon - target.data)});
    return true;
}

static uint32_t next_code(struct cril_bytes *s)
{
    utf8proc_int32_t code;
    const utf8proc_ssize_t n =
        utf8proc_iterate((const utf8proc_uint8_t *)s->data, (utf8proc_ssize_t)s->len, &code);
    const size_t step = n > 0 ? (size_t)n : 1;

    if (n <= 0)
        code = (uint8_t)*s->data;
    s->data += step;
    s->len -= step;
    return code == '_' ? ' ' : (uint32_t)utf8proc_tolower(code);
}

static bool same_name(struct cril_bytes a, struct cril_bytes b)
{
    while (a.len && b.len)
        if (next_code(&a) != next_code(&b))
            return false;
    return a.len == b.len;
}

/* Wikis in other languages keep older names for files, which a dump of before 0.11 does not list.
 */
static bool is_file_name(struct cril_bytes target)
{
    static const char *const suffixes[] = {
        ".jpg", ".jpeg", ".png", ".svg", ".gif", ".tif",  ".tiff", ".webp", ".webm", ".ogg", ".oga",
        ".ogv", ".mp3",  ".mp4", ".wav", ".mid", ".flac", ".pdf",  ".djvu", ".xcf",  ".stl"};

    target = trim(target);
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
        const size_t n = strlen(suffixes[i]);

        if (target.len > n &&
            begins((struct cril_bytes){target.data + target.len - n, n}, suffixes[i]))
            return true;
    }
    return false;
}

bool cril_wiki_is_hidden(const struct cril_mediawiki_site *site, struct cril_bytes target)
{
    static const char *const english[] = {"file", "image", "category"};
    struct cril_bytes prefix;

    if (!prefix_of(target, &prefix))
        return false;
    for (size_t i = 0; i < sizeof(english) / sizeof(*english); i++)
        if (same_name(prefix, cril_bytes_of(english[i])))
            return true;
    for (size_t i = 0; site && i < site->n_names; i++)
        if (same_name(prefix, cril_bytes_of(site->names[i].name)))
            return true;
    return !same_name(prefix, cril_bytes_of("media")) && is_file_name(target);
}

bool cril_wiki_is_language(struct cril_bytes target)
{
    struct cril_bytes p;
    size_t hyphens = 0;

    if (!prefix_of(target, &p) || p.len < 2 || p.len > 12 || *p.data == '-')
        return false;
    for (size_t i = 0; i < p.len; i++) {
        if (p.data[i] != '-' && (p.data[i] < 'a' || p.data[i] > 'z'))
            return false;
        hyphens += p.data[i] == '-';
    }
    return p.len <= 3 || hyphens || cril_bytes_are(p, "simple");
}

bool cril_wiki_is_target(struct cril_bytes target)
{
    for (size_t i = 0; i < target.len; i++) {
        if (target.data[i] == CRIL_WIKI_GUARD)
            i++;
        else if (target.data[i] == '\n' || memchr("[]{}<>", target.data[i], 6))
            return false;
    }
    return trim(target).len > 0;
}

struct cril_bytes cril_wiki_target_label(struct cril_bytes target)
{
    target = trim(target);
    if (target.len && *target.data == ':') {
        target.data++;
        target.len--;
    }
    return trim(target);
}
