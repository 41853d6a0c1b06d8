/*
 * The first pass. What is read goes to the output at once, openings too, each of which leaves an
 * entry on a stack that says where in the output it stands. Its closing then cuts the output back
 * to there, or leaves a link's label; an opening without closing is thereby a text like any other.
 *
 * Why this is linear: an entry is pushed and popped once. A closing looks only at the highest entry
 * of its kind, which `top` knows. A label moves once for each link around it, of which MAX_NESTED
 * may be nested. A search that found nothing is not made again.
 *
 * Braces bind stronger than tables, and both stronger than links, as in MediaWiki: the closing of a
 * template takes with it what it finds open inside.
 */
#include "gather/wikitext.h"

#include "gather/entities.h"
#include "gather/wikitext_links.h"
#include "gather/wikitext_parts.h"
#include "gather/wikitext_tags.h"
#include "util/fail.h"
#include "util/size.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

enum {
    MAX_OPEN = 1 << 17, /* openings at a time; further ones are text */
    MAX_NESTED = 4      /* links within links; others stay as they are */
};

enum kind { BRACES, WIKI_TABLE, HTML_TABLE, LINK, ADDRESS, N_KINDS };

/* Of the line that is being read, so far. */
struct line_start {
    bool blank;  /* nothing but blanks */
    bool begins; /* nothing but blanks and the marks of lists: a table may begin */
};

struct entry {
    enum kind kind;
    struct line_start line; /* before it */
    unsigned nested;        /* depth of the links inside it */
    size_t at;              /* in the output */
    size_t n_braces;
    size_t pipe; /* in the output, of a link; 0: none yet */
    size_t next; /* the next lower entry of its kind, from 1; 0: none */
};

struct cril_wikitext {
    const struct cril_mediawiki_site *site; /* or NULL */
    const char *text;                       /* [len], read up to at */
    size_t len, at;
    struct line_start line;
    struct cril_buffer out, lines;
    struct entry *entries; /* [n], of cap */
    size_t n, cap;
    size_t top[N_KINDS];         /* the highest entry of each kind, from 1; 0: none */
    bool no_end[CRIL_WIKI_TAGS]; /* tags whose closing was looked for in vain */
    bool no_memory;
};

/* ---- output ---- */

static void put(struct cril_wikitext *w, const char *s, size_t n)
{
    char *data = cril_size_grow(w->out.data, &w->out.cap, w->out.len, n, 1);

    if (!data) {
        w->no_memory = true;
        return;
    }
    w->out.data = data;
    memcpy(data + w->out.len, s, n);
    w->out.len += n;
}

static void put_mark(struct cril_wikitext *w, char mark)
{
    if (!w->out.len || w->out.data[w->out.len - 1] != mark)
        put(w, &mark, 1);
}

static bool is_markup(char c)
{
    return (c > ' ' && c < '0') || (c > '9' && c < 'A') || (c > 'Z' && c < 'a') ||
           (c > 'z' && c < 0x7f);
}

/* A byte that no pass takes for markup; blanks: neither for a blank. */
static void put_guarded(struct cril_wikitext *w, char c, bool blanks)
{
    const char pair[2] = {CRIL_WIKI_GUARD, c};

    if (is_markup(c) || (blanks && (c == ' ' || c == '\t')))
        put(w, pair, 2);
    else if ((uint8_t)c >= ' ' || c == '\t' || c == '\n')
        put(w, &c, 1);
}

/* The character that a reference at text [len] stands for; 0: none does, else its bytes there. */
static size_t put_entity(struct cril_wikitext *w, const char *text, size_t len)
{
    uint32_t code;
    utf8proc_uint8_t bytes[4];
    const size_t taken = cril_entity_read(text, len, &code);

    if (taken && code < 0x80)
        put_guarded(w, (char)code, false);
    else if (taken)
        put(w, (const char *)bytes, (size_t)utf8proc_encode_char((utf8proc_int32_t)code, bytes));
    return taken;
}

/* ---- the stack ---- */

static struct entry *top_entry(struct cril_wikitext *w)
{
    return w->n ? &w->entries[w->n - 1] : NULL;
}

/* The entry stands where the output ends. */
static void push(struct cril_wikitext *w, enum kind kind, size_t n_braces)
{
    struct entry *entries;

    if (w->n == MAX_OPEN)
        return;
    entries = cril_size_grow(w->entries, &w->cap, w->n, 1, sizeof(*entries));
    if (!entries) {
        w->no_memory = true;
        return;
    }
    w->entries = entries;
    entries[w->n++] = (struct entry){.kind = kind,
                                     .line = w->line,
                                     .at = w->out.len,
                                     .n_braces = n_braces,
                                     .next = w->top[kind]};
    w->top[kind] = w->n;
}

static void pop(struct cril_wikitext *w)
{
    const struct entry *e = &w->entries[--w->n];

    w->top[e->kind] = e->next;
}

/* Pops what stands above the highest entry of a kind. */
static struct entry *pop_to(struct cril_wikitext *w, enum kind kind)
{
    while (w->n > w->top[kind])
        pop(w);
    return top_entry(w);
}

/* Takes the top entry and all that came since out of the text. */
static void drop(struct cril_wikitext *w)
{
    const struct entry e = *top_entry(w);

    pop(w);
    w->out.len = e.at;
    w->line = e.line;
    put_mark(w, CRIL_WIKI_GONE);
}

/* ---- templates and tables ---- */

static size_t run_of(const struct cril_wikitext *w, char c)
{
    size_t n = w->at;

    while (n < w->len && w->text[n] == c)
        n++;
    return n - w->at;
}

/* Text that is no markup. */
static void copy(struct cril_wikitext *w, size_t n)
{
    for (size_t i = 0; w->line.begins && i < n; i++) {
        const char c = w->text[w->at + i];

        w->line.blank = w->line.blank && (c == ' ' || c == '\t');
        w->line.begins = memchr(" \t:*#;", c, 6);
    }
    put(w, w->text + w->at, n);
    w->at += n;
}

static bool next_is(const struct cril_wikitext *w, size_t ahead, char c)
{
    return ahead < w->len - w->at && w->text[w->at + ahead] == c;
}

/* "|}" at the start of a line. The last line of a template may look like it: "|}}". */
static bool ends_table(struct cril_wikitext *w)
{
    return w->line.begins && next_is(w, 1, '}') && w->top[WIKI_TABLE] &&
           (w->top[WIKI_TABLE] > w->top[BRACES] || !next_is(w, 2, '}'));
}

static void bar(struct cril_wikitext *w)
{
    struct entry *e = top_entry(w);

    if (ends_table(w)) {
        pop_to(w, WIKI_TABLE);
        drop(w);
        w->at += 2;
        return;
    }
    if (e && e->kind == LINK && !e->pipe)
        e->pipe = w->out.len;
    w->line = (struct line_start){false, false};
    put(w, "|", 1);
    w->at++;
}

static void open_braces(struct cril_wikitext *w)
{
    const size_t n = run_of(w, '{');

    if (n == 2 && w->len - w->at >= 5 && !memcmp(w->text + w->at, "{{!}}", 5)) {
        w->at += 4; /* a bar that a template writes; one byte is left for it */
        bar(w);
        return;
    }
    if (n > 1)
        push(w, BRACES, n);
    else if (w->line.begins && next_is(w, 1, '|'))
        push(w, WIKI_TABLE, 0);
    copy(w, n);
}

/* As MediaWiki pairs them: three are a parameter, two a template, what is left over is text. */
static void close_braces(struct cril_wikitext *w)
{
    size_t n = run_of(w, '}');

    while (n > 1 && w->top[BRACES]) {
        struct entry *e = pop_to(w, BRACES);
        const size_t pair = n > 2 && e->n_braces > 2 ? 3 : 2, left = e->n_braces - pair;
        const struct line_start line = e->line;

        e->n_braces = left;
        w->out.len = e->at + left;
        put_mark(w, CRIL_WIKI_GONE);
        if (left < 2)
            pop(w);
        w->line = left ? (struct line_start){false, false} : line;
        w->at += pair;
        n -= pair;
    }
    copy(w, n);
}

/* ---- links ---- */

/* What is left of the top entry's link is its label, bytes of the output. */
static void keep_label(struct cril_wikitext *w, struct cril_bytes label)
{
    const struct entry e = *top_entry(w);
    struct entry *outer;

    pop(w);
    if (label.data) {
        memmove(w->out.data + e.at, label.data, label.len);
        w->out.len = e.at + label.len;
    }
    outer = top_entry(w);
    if (outer && outer->nested <= e.nested)
        outer->nested = e.nested + 1;
}

static void open_brackets(struct cril_wikitext *w)
{
    const size_t n = run_of(w, '['), behind = w->at + n;
    const struct entry *e = top_entry(w);

    if (cril_wiki_is_address(w->text + behind, w->len - behind)) {
        copy(w, n - 1);
        if (!e || e->kind != ADDRESS)
            push(w, ADDRESS, 0);
        copy(w, 1);
        return;
    }
    copy(w, n % 2);
    for (size_t i = 0; i < n / 2; i++) {
        push(w, LINK, 0);
        copy(w, 2);
    }
}

static void close_link(struct cril_wikitext *w)
{
    const struct entry *e = top_entry(w);
    const char *data = w->out.data;
    const size_t from = e->at + 2, end = w->out.len;
    const struct cril_bytes target = {data + from, (e->pipe ? e->pipe : end) - from};
    struct cril_bytes label = {NULL, 0};

    if (e->pipe)
        label = (struct cril_bytes){data + e->pipe + 1, end - e->pipe - 1};
    if (cril_wiki_is_hidden(w->site, target) ||
        (!e->pipe && e->line.blank && cril_wiki_is_language(target))) {
        drop(w);
    } else if (e->nested > MAX_NESTED || !cril_wiki_is_target(target)) {
        keep_label(w, (struct cril_bytes){NULL, 0});
        put(w, "]]", 2);
    } else {
        keep_label(w, label.len ? label : cril_wiki_target_label(target));
    }
    w->at += 2;
}

/* [https://example.org a label] */
static void close_address(struct cril_wikitext *w)
{
    const struct entry *e = top_entry(w);
    const char *data = w->out.data;
    size_t label = e->at + 1;

    if (e->nested > MAX_NESTED) {
        keep_label(w, (struct cril_bytes){NULL, 0});
        copy(w, 1);
        return;
    }
    while (label < w->out.len && data[label] != ' ' && data[label] != '\t')
        label++;
    while (label < w->out.len && (data[label] == ' ' || data[label] == '\t'))
        label++;
    if (label == w->out.len)
        drop(w);
    else
        keep_label(w, (struct cril_bytes){data + label, w->out.len - label});
    w->at++;
}

static void close_bracket(struct cril_wikitext *w)
{
    const struct entry *e = top_entry(w);

    if (e && e->kind == ADDRESS)
        close_address(w);
    else if (e && e->kind == LINK && next_is(w, 1, ']'))
        close_link(w);
    else
        copy(w, 1);
}

static void end_line(struct cril_wikitext *w)
{
    while (w->n && top_entry(w)->kind == ADDRESS) /* it stands on one line */
        pop(w);
    put(w, "\n", 1);
    w->at++;
    w->line = (struct line_start){true, true};
}

/* ---- comments and tags ---- */

static void skip_comment(struct cril_wikitext *w)
{
    const char *end = w->text + w->len, *p = w->text + w->at + 4;

    while ((p = memchr(p, '>', (size_t)(end - p))) &&
           !(p - (w->text + w->at) >= 6 && p[-1] == '-' && p[-2] == '-'))
        p++;
    w->at = p ? (size_t)(p + 1 - w->text) : w->len;
    if (w->line.blank) { /* a line that holds nothing else goes with it */
        size_t at = w->at;

        while (at < w->len && (w->text[at] == ' ' || w->text[at] == '\t'))
            at++;
        if (at < w->len && w->text[at] == '\n')
            w->at = at + 1;
    }
}

/* What stands between a tag and its closing, text [len], stays. */
static void put_content(struct cril_wikitext *w, enum cril_wiki_tag_kind kind, const char *text,
                        size_t len)
{
    const bool blanks = kind == CRIL_WIKI_PREFORMED || kind == CRIL_WIKI_CODE;

    if (blanks)
        put_mark(w, CRIL_WIKI_BREAK);
    for (size_t i = 0; i < len; i++) {
        const size_t entity =
            text[i] == '&' && (kind == CRIL_WIKI_LITERAL || kind == CRIL_WIKI_PREFORMED)
                ? put_entity(w, text + i, len - i)
                : 0;

        if (entity)
            i += entity - 1;
        else
            put_guarded(w, kind == CRIL_WIKI_MATH && text[i] == '\n' ? ' ' : text[i], blanks);
    }
    if (blanks)
        put_mark(w, CRIL_WIKI_BREAK);
}

/* From behind the tag to behind its closing. */
static void take_content(struct cril_wikitext *w, const struct cril_wiki_tag *tag)
{
    const char *text = w->text + w->at;
    const size_t len = w->len - w->at;
    size_t n;

    if (w->no_end[tag->number])
        return;
    if (!cril_wiki_tag_find_end(text, len, tag->name, &n)) {
        w->no_end[tag->number] = true;
        return;
    }
    w->at = (size_t)((const char *)memchr(text + n, '>', len - n) + 1 - w->text);
    if (tag->kind != CRIL_WIKI_HIDDEN) {
        put_content(w, tag->kind, text, n);
        w->line = (struct line_start){false, false};
    }
}

static void close_html_table(struct cril_wikitext *w)
{
    if (w->top[HTML_TABLE] > w->top[BRACES] && w->top[HTML_TABLE] > w->top[WIKI_TABLE]) {
        pop_to(w, HTML_TABLE);
        drop(w);
    }
}

static void take_tag(struct cril_wikitext *w, const struct cril_wiki_tag *tag)
{
    w->at += tag->len;
    switch (tag->kind) {
    case CRIL_WIKI_INLINE: break;
    case CRIL_WIKI_BLOCK: put_mark(w, CRIL_WIKI_BREAK); break;
    case CRIL_WIKI_TABLE:
        if (tag->closes)
            close_html_table(w);
        else if (!tag->alone)
            push(w, HTML_TABLE, 0);
        break;
    case CRIL_WIKI_HIDDEN: put_mark(w, CRIL_WIKI_GONE); /* fall through */
    case CRIL_WIKI_MATH:
    case CRIL_WIKI_LITERAL:
    case CRIL_WIKI_PREFORMED:
    case CRIL_WIKI_CODE:
        if (!tag->closes && !tag->alone)
            take_content(w, tag);
        break;
    }
}

static void open_angle(struct cril_wikitext *w)
{
    const char *text = w->text + w->at;
    const size_t len = w->len - w->at;
    struct cril_wiki_tag tag;

    if (len >= 4 && !memcmp(text, "<!--", 4))
        skip_comment(w);
    else if (cril_wiki_tag_read(text, len, &tag))
        take_tag(w, &tag);
    else
        copy(w, 1);
}

static void ampersand(struct cril_wikitext *w)
{
    const size_t n = put_entity(w, w->text + w->at, w->len - w->at);

    w->line = (struct line_start){false, false};
    if (n)
        w->at += n;
    else
        copy(w, 1);
}

/* ---- the pass ---- */

static bool is_plain(char c)
{
    switch (c) {
    case '<':
    case '&':
    case '[':
    case ']':
    case '{':
    case '}':
    case '|': return false;
    default: return (uint8_t)c >= ' ' || c == '\t';
    }
}

/* Bytes up to the next that is more than text. */
static size_t plain(const struct cril_wikitext *w)
{
    size_t at = w->at;

    while (at < w->len && is_plain(w->text[at]))
        at++;
    return at - w->at;
}

static void step(struct cril_wikitext *w)
{
    const size_t n = plain(w);

    if (n) {
        copy(w, n);
        return;
    }
    switch (w->text[w->at]) {
    case '\n': end_line(w); break;
    case '<': open_angle(w); break;
    case '&': ampersand(w); break;
    case '[': open_brackets(w); break;
    case ']': close_bracket(w); break;
    case '{': open_braces(w); break;
    case '}': close_braces(w); break;
    case '|': bar(w); break;
    default: w->at++; /* a control character */
    }
}

/* Where the next heading of the output begins, from a byte on. */
static size_t next_heading(const struct cril_wikitext *w, size_t at)
{
    const char *data = w->out.data, *nl;
    int level;
    struct cril_bytes title;

    while ((nl = memchr(data + at, '\n', w->out.len - at))) {
        const char *end;

        at = (size_t)(nl + 1 - data);
        end = memchr(data + at, '\n', w->out.len - at);
        if (cril_wiki_heading(data + at, end ? (size_t)(end - data) - at : w->out.len - at, &level,
                              &title))
            return at;
    }
    return w->out.len;
}

/* A table without an end takes what follows, up to the next heading. */
static void cut_open_tables(struct cril_wikitext *w)
{
    size_t from = 0, to = 0;

    if (!w->out.len)
        return;
    for (size_t i = 0; i < w->n; i++) {
        const struct entry *e = &w->entries[i];

        if ((e->kind != WIKI_TABLE && e->kind != HTML_TABLE) || e->at < from)
            continue;
        memmove(w->out.data + to, w->out.data + from, e->at - from);
        to += e->at - from;
        from = next_heading(w, e->at);
    }
    memmove(w->out.data + to, w->out.data + from, w->out.len - from);
    w->out.len = to + w->out.len - from;
}

cril_status cril_wikitext_create(const struct cril_mediawiki_site *site, struct cril_wikitext **out,
                                 cril_error *err)
{
    struct cril_wikitext *w = calloc(1, sizeof(*w));

    if (!w)
        return cril_fail(err, CRIL_ERR_NOMEM, "out of memory");
    w->site = site;
    *out = w;
    return CRIL_OK;
}

void cril_wikitext_free(struct cril_wikitext *w)
{
    if (!w)
        return;
    free(w->out.data);
    free(w->lines.data);
    free(w->entries);
    free(w);
}

cril_status cril_wikitext_read(struct cril_wikitext *w, const char *wikitext, size_t len,
                               const char **out, size_t *out_len, cril_error *err)
{
    w->text = wikitext;
    w->len = len;
    w->at = w->n = w->out.len = 0;
    w->line = (struct line_start){true, true};
    w->no_memory = false;
    memset(w->top, 0, sizeof(w->top));
    memset(w->no_end, 0, sizeof(w->no_end));
    while (w->at < len && !w->no_memory)
        step(w);
    if (!w->no_memory)
        cut_open_tables(w);
    if (w->no_memory || !cril_wiki_lines(w->out.data, w->out.len, &w->lines))
        return cril_fail(err, CRIL_ERR_NOMEM, "out of memory for the text of a page");
    *out = w->lines.data;
    *out_len = w->lines.len;
    return CRIL_OK;
}
