/*
 * The second pass: headings, lists, quotes, magic words; blanks and empty lines as they are left by
 * what was dropped. Each line is read a fixed number of times.
 */
#include "gather/wikitext_parts.h"

#include "util/size.h"

#include <string.h>

enum { LEVELS = 6 };

struct pass {
    struct cril_buffer *out;
    bool gap; /* an empty line comes before the next one */
    struct {  /* headings at the end of the output under which nothing stands yet, outer ones first
               */
        size_t at;
        int level;
    } waiting[LEVELS];
    size_t n_waiting;
};

/* The text of a line on its way to the output. */
struct writer {
    struct cril_buffer *out;
    size_t start;  /* of the line, in the output */
    bool one_line; /* breaks are blanks */
    char blank;    /* ' ' or '\n' is due; '\0': neither */
    bool gone;     /* something was dropped since the last byte */
};

/* ---- bytes ---- */

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

/* Shows nothing at either end of a line. */
static bool is_nothing(char c)
{
    return is_space(c) || c == CRIL_WIKI_GONE || c == CRIL_WIKI_BREAK;
}

static struct cril_bytes trim(struct cril_bytes s)
{
    while (s.len && is_nothing(*s.data)) {
        s.data++;
        s.len--;
    }
    while (s.len && is_nothing(s.data[s.len - 1]) &&
           !(s.len > 1 && s.data[s.len - 2] == CRIL_WIKI_GUARD))
        s.len--;
    return s;
}

static struct cril_bytes behind(struct cril_bytes s, size_t n)
{
    return (struct cril_bytes){s.data + n, s.len - n};
}

/* Bytes at the start that are of a set. */
static size_t span(struct cril_bytes s, const char *set)
{
    size_t n = 0;

    while (n < s.len && s.data[n] && strchr(set, s.data[n]))
        n++;
    return n;
}

static size_t run_of(struct cril_bytes s, size_t at)
{
    size_t n = 1;

    while (at + n < s.len && s.data[at + n] == s.data[at])
        n++;
    return n;
}

/* ---- writing ---- */

static void write_bytes(struct writer *w, const char *s, size_t n)
{
    if (w->blank && w->out->len > w->start)
        w->out->data[w->out->len++] = w->blank;
    w->blank = '\0';
    w->gone = false;
    memcpy(w->out->data + w->out->len, s, n);
    w->out->len += n;
}

static void write_blank(struct writer *w, char blank)
{
    if (w->blank != '\n')
        w->blank = blank;
}

/* ---- quotes ---- */

/* How MediaWiki reads n apostrophes: bold, italics, apostrophes that are left over. */
static size_t read_quotes(size_t n, bool *bold, bool *italic)
{
    *bold = n >= 3;
    *italic = n == 2 || n >= 5;
    return n == 4 ? 1 : n > 5 ? n - 5 : n == 1;
}

/* Better candidates are higher: the ''' behind a word of one letter, of more, behind a blank. */
static int rank_bold(struct cril_bytes s, size_t at)
{
    if (at && s.data[at - 1] == ' ')
        return 1;
    return at >= 2 && s.data[at - 2] == ' ' ? 3 : 2;
}

/*
 * Where both bold and italics stay open at the line's end, one ''' is an apostrophe before '': that
 * of "l'''Isola''". Its place; s.len: there is none.
 */
static size_t odd_bold(struct cril_bytes s)
{
    size_t bolds = 0, italics = 0, best = s.len;
    int rank = 0;

    for (size_t i = 0, n; i < s.len; i += n) {
        bool bold, italic;

        n = 1;
        if (s.data[i] != '\'' || (i && s.data[i - 1] == CRIL_WIKI_GUARD))
            continue;
        n = run_of(s, i);
        read_quotes(n, &bold, &italic);
        bolds += bold;
        italics += italic;
        if (bold && !italic && rank_bold(s, i) > rank) {
            rank = rank_bold(s, i);
            best = i;
        }
    }
    return bolds % 2 && italics % 2 ? best : s.len;
}

/* ---- magic words and empty brackets ---- */

/* The bytes of a magic word at the start of s; 0: none. */
static size_t magic_word(struct cril_bytes s)
{
    static const char *const words[] = {"TOC",
                                        "NOTOC",
                                        "FORCETOC",
                                        "NOEDITSECTION",
                                        "INDEX",
                                        "NOINDEX",
                                        "NEWSECTIONLINK",
                                        "NONEWSECTIONLINK",
                                        "NOGALLERY",
                                        "HIDDENCAT",
                                        "NOCONTENTCONVERT",
                                        "NOCC",
                                        "DISAMBIG",
                                        "NOTITLECONVERT",
                                        "NOTC",
                                        "EXPECTUNUSEDCATEGORY",
                                        "NOGLOBAL",
                                        "STATICREDIRECT",
                                        "ARCHIVEDTALK",
                                        "NOTALK",
                                        "START",
                                        "END",
                                        "EXPECTUNUSEDTEMPLATE"};

    if (!cril_bytes_start_with(s, "__"))
        return 0;
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        const size_t n = strlen(words[i]);

        if (s.len >= n + 4 && !memcmp(s.data + 2, words[i], n) && !memcmp(s.data + 2 + n, "__", 2))
            return n + 4;
    }
    return 0;
}

/* The bytes at the start of s of what holds words apart, and of what was dropped. */
static size_t separators(struct cril_bytes s, bool *gone)
{
    size_t n = 0;

    *gone = false;
    while (n < s.len) {
        if (s.data[n] == CRIL_WIKI_GONE)
            *gone = true;
        else if (!is_space(s.data[n]) && s.data[n] != ',' && s.data[n] != ';' && s.data[n] != ':') {
            if (!cril_bytes_start_with(behind(s, n), "\xc2\xa0"))
                break;
            n++;
        }
        n++;
    }
    return n;
}

/* A bracket whose first words were dropped opens with what is left; one that holds nothing else
 * goes. The bytes that were read. */
static size_t open_bracket(struct writer *w, struct cril_bytes s)
{
    bool gone;
    const size_t n = separators(behind(s, 1), &gone);

    if (gone && 1 + n < s.len && s.data[1 + n] == ')') {
        w->gone = true;
        return n + 2;
    }
    write_bytes(w, "(", 1);
    return gone ? n + 1 : 1;
}

/* ---- a line's text ---- */

/* A blank before what was dropped goes too where a mark of punctuation follows. */
static void write_plain(struct writer *w, const char *s)
{
    if (w->gone && w->blank == ' ' && (*s == ',' || *s == '.' || *s == ')'))
        w->blank = '\0';
    write_bytes(w, s, 1);
}

/* What is at the start of rest, which is a part of line; the bytes that were read. */
static size_t write_next(struct writer *w, struct cril_bytes rest, bool odd)
{
    const char c = *rest.data;
    bool bold, italic;
    size_t n;

    switch (c) {
    case CRIL_WIKI_GUARD:
        if (rest.len > 1)
            write_bytes(w, rest.data + 1, 1);
        return 2;
    case CRIL_WIKI_GONE: w->gone = true; return 1;
    case CRIL_WIKI_BREAK: write_blank(w, w->one_line ? ' ' : '\n'); return 1;
    case ' ':
    case '\t': write_blank(w, ' '); return 1;
    case '(': return open_bracket(w, rest);
    case '\'':
        n = run_of(rest, 0);
        for (size_t k = read_quotes(n, &bold, &italic) + odd; k; k--)
            write_plain(w, "'");
        return n;
    case '_':
        if ((n = magic_word(rest))) {
            w->gone = true;
            return n;
        }
        break;
    default: break;
    }
    write_plain(w, rest.data);
    return 1;
}

/* Whether anything was written. */
static bool write_line(struct cril_buffer *out, struct cril_bytes line, bool one_line)
{
    struct writer w = {.out = out, .start = out->len, .one_line = one_line};
    const size_t odd = memchr(line.data, '\'', line.len) ? odd_bold(line) : line.len;

    for (size_t i = 0; i < line.len;)
        i += write_next(&w, behind(line, i), i == odd);
    return out->len > w.start;
}

/* ---- lines ---- */

bool cril_wiki_heading(const char *line, size_t len, int *level, struct cril_bytes *title)
{
    const struct cril_bytes s = trim((struct cril_bytes){line, len});
    size_t head = span(s, "="), tail = 0, n;

    while (tail < s.len && s.data[s.len - 1 - tail] == '=' &&
           !(s.len >= tail + 2 && s.data[s.len - 2 - tail] == CRIL_WIKI_GUARD))
        tail++;
    if (head == s.len) /* nothing but "=": the title is what is left over */
        head = tail = s.len < 3 ? 0 : (s.len - 1) / 2;
    n = head < tail ? head : tail;
    if (n == 0)
        return false;
    if (n > LEVELS)
        n = LEVELS;
    *level = (int)n;
    *title = trim((struct cril_bytes){s.data + n, s.len - 2 * n});
    return true;
}

/* Begins a line of the output; where, so that it can be taken back. */
static size_t begin_line(struct pass *p)
{
    const size_t before = p->out->len, n = before ? 1 + (size_t)p->gap : 0;

    memset(p->out->data + before, '\n', n);
    p->out->len += n;
    return before;
}

static void add_heading(struct pass *p, int level, struct cril_bytes title)
{
    size_t before;

    while (p->n_waiting && p->waiting[p->n_waiting - 1].level >= level)
        p->out->len = p->waiting[--p->n_waiting].at;
    p->gap = true;
    before = begin_line(p);
    if (!write_line(p->out, title, true)) {
        p->out->len = before;
        return;
    }
    p->gap = false;
    p->waiting[p->n_waiting].at = before;
    p->waiting[p->n_waiting++].level = level;
}

static void add_text(struct pass *p, struct cril_bytes line)
{
    const size_t before = begin_line(p);

    if (!write_line(p->out, line, false)) {
        p->out->len = before;
        p->gap = true;
        return;
    }
    p->gap = false;
    p->n_waiting = 0;
}

static void add_line(struct pass *p, struct cril_bytes line)
{
    size_t dashes, n;
    bool gone;
    int level;
    struct cril_bytes title;

    line = trim(line);
    if (cril_wiki_heading(line.data, line.len, &level, &title)) {
        add_heading(p, level, title);
        return;
    }
    if (cril_bytes_start_with(line, "|")) /* a row of a table that templates open or end */
        return;
    if ((dashes = span(line, "-")) >= 4)
        line = trim(behind(line, dashes));
    line = behind(line, span(line, "*#:;"));
    n = separators(line, &gone);
    add_text(p, trim(behind(line, gone ? n : 0)));
}

bool cril_wiki_lines(const char *text, size_t len, struct cril_buffer *out)
{
    struct pass p = {.out = out};
    size_t want;
    char *data;

    out->len = 0;
    /* What is written for a line is no longer than the line, but for an apostrophe and two line
     * ends. */
    if (!cril_size_mul(len, 2, &want) || !cril_size_add(want, 2, &want) ||
        !(data = cril_size_grow(out->data, &out->cap, 0, want, 1)))
        return false;
    out->data = data;
    for (size_t at = 0, n; at < len; at += n + 1) {
        const char *nl = memchr(text + at, '\n', len - at);

        n = nl ? (size_t)(nl - text) - at : len - at;
        add_line(&p, (struct cril_bytes){text + at, n});
    }
    if (p.n_waiting)
        out->len = p.waiting[0].at;
    return true;
}
