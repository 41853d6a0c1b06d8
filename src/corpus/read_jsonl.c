/*
 * JSON Lines: one JSON object (RFC 8259) a line; one of its keys holds the text, others perhaps the
 * prompt before it and a date.
 *
 * Lines are read with Python's json module in mind: the last of equal keys counts, NaN and Infinity
 * are numbers, numbers may be of any size, a text may hold NUL, raw control characters are refused.
 * One difference: half of a surrogate pair alone (\ud800), which Python keeps and cannot write as
 * UTF-8, becomes one U+FFFD. Bytes that are not UTF-8 make a line bad.
 *
 * Why not jansson: it builds a tree of the line, many times its size for lists of numbers, and
 * refuses large numbers. Here a line is checked whole, once, and each text is decoded where it
 * stands, since a decoded text is never longer than its JSON.
 */
#include "corpus/reader.h"

#include "corpus/record.h"
#include "util/fail.h"
#include "util/size.h"
#include "util/utf8.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { MAX_DEPTH = 1000 };

struct slice {
    const char *text; /* [len], may hold NUL */
    size_t len;
};

/* p moves from the line's start to end, where a NUL stands: reading *p is always allowed. */
struct scan {
    char *start, *p, *end;
    const char *fault; /* what is wrong at p; NULL: nothing */
};

/* A key that is looked for. */
struct wanted {
    const char *name; /* NULL: none is */
    bool found;
    const char *kind; /* of its value; a_text when text is set */
    struct slice text;
};

struct found {
    struct wanted field, prompt, date;
    char keys[200]; /* the object's keys, for a sentence */
};

static const char a_text[] = "a text";

static bool fault(struct scan *s, const char *what)
{
    if (!s->fault)
        s->fault = what;
    return false;
}

static bool expected(struct scan *s, const char *what)
{
    return fault(s, s->p == s->end ? "the line ends inside the object, which must stand on one line"
                                   : what);
}

static void skip_space(struct scan *s)
{
    while (*s->p == ' ' || *s->p == '\t' || *s->p == '\r' || *s->p == '\n')
        s->p++;
}

/* ---- texts ---- */

static size_t put_utf8(char *to, uint32_t c)
{
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        to[0] = (char)(0xc0 | c >> 6);
        to[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        to[0] = (char)(0xe0 | c >> 12);
        to[1] = (char)(0x80 | (c >> 6 & 0x3f));
        to[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    to[0] = (char)(0xf0 | c >> 18);
    to[1] = (char)(0x80 | (c >> 12 & 0x3f));
    to[2] = (char)(0x80 | (c >> 6 & 0x3f));
    to[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

/* Four hex digits; false without a fault if there are not. */
static bool hex4(const char *p, uint32_t *out)
{
    uint32_t v = 0;

    for (unsigned i = 0; i < 4; i++) { /* stops at the NUL behind the line */
        const char c = p[i];
        if (c >= '0' && c <= '9')
            v = v << 4 | (uint32_t)(c - '0');
        else if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))
            v = v << 4 | ((uint32_t)(c | 0x20) - 'a' + 10);
        else
            return false;
    }
    *out = v;
    return true;
}

/* s->p stands behind "\u". */
static bool unicode_escape(struct scan *s, uint32_t *out)
{
    uint32_t c, low;

    if (!hex4(s->p, &c))
        return expected(s, "\\u needs four hexadecimal digits");
    s->p += 4;
    if (c >= 0xd800 && c < 0xdc00 && s->p[0] == '\\' && s->p[1] == 'u' && hex4(s->p + 2, &low) &&
        low >= 0xdc00 && low < 0xe000) {
        s->p += 6;
        c = 0x10000 + ((c - 0xd800) << 10 | (low - 0xdc00));
    } else if (c >= 0xd800 && c < 0xe000) {
        c = 0xfffd;
    }
    *out = c;
    return true;
}

/* s->p stands behind the backslash. */
static bool escape(struct scan *s, uint32_t *out)
{
    const char c = *s->p;

    switch (c) {
    case '"':
    case '\\':
    case '/': *out = (uint8_t)c; break;
    case 'b': *out = '\b'; break;
    case 'f': *out = '\f'; break;
    case 'n': *out = '\n'; break;
    case 'r': *out = '\r'; break;
    case 't': *out = '\t'; break;
    case 'u': s->p++; return unicode_escape(s, out);
    default: return expected(s, "a backslash is followed by none of \" \\ / b f n r t u");
    }
    s->p++;
    return true;
}

/* Bytes that stand for themselves. */
static bool skip_plain(struct scan *s)
{
    char *p = s->p;

    for (;;) {
        const uint8_t c = (uint8_t)*p;
        uint32_t code;

        if (c >= 0x80) {
            const size_t n = cril_utf8_read(p, (size_t)(s->end - p), &code);
            if (code == CRIL_UTF8_ILL) {
                s->p = p;
                return fault(s, "bytes that are not UTF-8");
            }
            p += n;
        } else if (c >= 0x20 && c != '"' && c != '\\') {
            p++;
        } else {
            break;
        }
    }
    s->p = p;
    return true;
}

static bool read_string(struct scan *s, struct slice *out)
{
    char *to;

    if (*s->p != '"')
        return expected(s, "a quote is expected");
    to = ++s->p;
    out->text = to;
    for (;;) {
        const char *run = s->p;
        size_t n;
        uint32_t code;

        if (!skip_plain(s))
            return false;
        n = (size_t)(s->p - run);
        if (to != run)
            memmove(to, run, n);
        to += n;
        if (*s->p == '"')
            break;
        if (*s->p != '\\')
            return expected(s, "a control character in a text; it must be escaped");
        s->p++;
        if (!escape(s, &code))
            return false;
        to += put_utf8(to, code);
    }
    s->p++;
    out->len = (size_t)(to - out->text);
    return true;
}

/* ---- values ---- */

static bool digits(struct scan *s)
{
    const char *from = s->p;

    while (*s->p >= '0' && *s->p <= '9')
        s->p++;
    return s->p > from || expected(s, "a digit is expected");
}

static bool take_word(struct scan *s, const char *word)
{
    const size_t n = strlen(word);

    if (strncmp(s->p, word, n) != 0)
        return false;
    s->p += n;
    return true;
}

static bool number(struct scan *s)
{
    if (*s->p == '-')
        s->p++;
    if (take_word(s, "Infinity"))
        return true;
    if (*s->p == '0')
        s->p++;
    else if (!digits(s))
        return false;
    if (*s->p == '.') {
        s->p++;
        if (!digits(s))
            return false;
    }
    if (*s->p == 'e' || *s->p == 'E') {
        s->p++;
        if (*s->p == '+' || *s->p == '-')
            s->p++;
        return digits(s);
    }
    return true;
}

static bool value(struct scan *s, unsigned depth, struct slice *text, const char **kind);

/* Keeps the member if its key is the one that is wanted; the last of equal keys counts. */
static void take_member(struct wanted *w, const struct slice *key, const struct slice *text,
                        const char *kind)
{
    if (!w->name || key->len != strlen(w->name) || memcmp(key->text, w->name, key->len) != 0)
        return;
    w->found = true;
    w->kind = kind;
    w->text = *text;
}

/* What stands between brackets; into is NULL, or the outermost object's. */
static bool members(struct scan *s, unsigned depth, struct found *into)
{
    const bool object = *s->p == '{';
    const char close = object ? '}' : ']';
    bool first = true;

    s->p++;
    if (depth >= MAX_DEPTH)
        return fault(s, "brackets inside brackets, more than 1000 deep");
    for (;; first = false) {
        struct slice key = {NULL, 0}, text = {NULL, 0};
        const char *kind;

        skip_space(s);
        if (first && *s->p == close)
            break;
        if (object) {
            if (!read_string(s, &key))
                return false;
            skip_space(s);
            if (*s->p != ':')
                return expected(s, "a colon is expected");
            s->p++;
        }
        if (!value(s, depth, &text, &kind))
            return false;
        if (into) {
            take_member(&into->field, &key, &text, kind);
            take_member(&into->prompt, &key, &text, kind);
            take_member(&into->date, &key, &text, kind);
            cril_list_names(into->keys, sizeof(into->keys), key.text, key.len);
        }
        skip_space(s);
        if (*s->p == close)
            break;
        if (*s->p != ',')
            return expected(s, object ? "a comma or } is expected" : "a comma or ] is expected");
        s->p++;
    }
    s->p++;
    return true;
}

static bool value(struct scan *s, unsigned depth, struct slice *text, const char **kind)
{
    skip_space(s);
    switch (*s->p) {
    case '"': *kind = a_text; return read_string(s, text);
    case '{': *kind = "an object"; return members(s, depth + 1, NULL);
    case '[': *kind = "a list"; return members(s, depth + 1, NULL);
    case 't':
    case 'f': *kind = "true or false"; break;
    case 'n': *kind = "null"; break;
    default: *kind = "a number"; break;
    }
    if (take_word(s, "true") || take_word(s, "false") || take_word(s, "null") ||
        take_word(s, "NaN"))
        return true;
    if ((*s->p >= '0' && *s->p <= '9') || *s->p == '-' || *s->p == 'I')
        return number(s);
    return expected(s, "a value is expected");
}

/* ---- the format ---- */

/* The next line without its line end, in the buffer with a NUL behind it; *end: there was none. */
static cril_status read_line(struct cril_reader *r, bool *end, cril_error *err)
{
    struct cril_buffer *b = &r->buffer;
    const char *nl = NULL;

    b->len = 0;
    r->line++;
    *end = true;
    while (!nl) {
        const char *data;
        size_t n, used;
        cril_status st;

        if ((st = cril_stream_peek(r->stream, 1, &data, &n, err)) != CRIL_OK ||
            (st = cril_reader_reserve(r, n, err)) != CRIL_OK)
            return st;
        if (n == 0)
            break;
        *end = false;
        nl = memchr(data, '\n', n);
        used = nl ? (size_t)(nl - data) : n;
        memcpy(b->data + b->len, data, used);
        b->len += used;
        cril_stream_skip(r->stream, used + (nl != NULL));
        if ((st = cril_reader_check(r, err)) != CRIL_OK)
            return st;
    }
    b->data[b->len] = '\0';
    return CRIL_OK;
}

/* The sentence of a line without a wanted text. what, option: "text", "--field". */
static bool lacks(const struct cril_reader *r, const struct wanted *w, const char *what,
                  const char *option, const struct found *f, cril_error *err)
{
    const char *name = cril_stream_name(r->stream);

    if (!w->found)
        cril_fail(err, CRIL_ERR_FORMAT,
                  "%s: line %" PRIu64 " has no \"%s\" field (it has: %s); name the field "
                  "that holds the %s with %s",
                  name, r->line, w->name, f->keys[0] ? f->keys : "nothing", what, option);
    else if (w->kind != a_text)
        cril_fail(err, CRIL_ERR_FORMAT,
                  "%s: line %" PRIu64
                  ": \"%s\" is %s, not a text; mend or remove the line, or name another field "
                  "with %s",
                  name, r->line, w->name, w->kind, option);
    else
        return false;
    return true;
}

/* The sentence of a line that cannot be used. */
static bool is_bad(const struct cril_reader *r, const struct scan *s, const struct found *f,
                   cril_error *err)
{
    if (s->fault)
        cril_fail(err, CRIL_ERR_FORMAT,
                  "%s: line %" PRIu64
                  " is not a JSON object: byte %zu: %s; mend or remove the line",
                  cril_stream_name(r->stream), r->line, (size_t)(s->p - s->start) + 1, s->fault);
    else
        return lacks(r, &f->field, "text", "--field", f, err) ||
               (r->prompt_field && lacks(r, &f->prompt, "prompt", "--prompt-field", f, err));
    return true;
}

static bool scan_line(struct scan *s, struct found *f)
{
    skip_space(s);
    if (*s->p == '[')
        return fault(
            s, "a list, but one object a line is expected; jq -c '.[]' makes such lines of a list");
    if (*s->p != '{')
        return fault(s, "{ is expected");
    if (!members(s, 1, f))
        return false;
    skip_space(s);
    if (s->p != s->end)
        return fault(s, "something follows the object");
    return true;
}

/* Before the line is scanned, which decodes its texts where they stand. */
static cril_status copy_line(struct cril_reader *r, cril_error *err)
{
    struct cril_buffer *copy = &r->line_copy;
    char *data = cril_size_grow(copy->data, &copy->cap, 0, r->buffer.len, 1);

    if (!data)
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: line %" PRIu64 ": out of memory",
                         cril_stream_name(r->stream), r->line);
    copy->data = data;
    copy->len = r->buffer.len;
    memcpy(data, r->buffer.data, copy->len);
    return CRIL_OK;
}

/* Fills the record into the template; the result is the document. *bad: this line cannot be filled
 * in. */
static cril_status fill_record(struct cril_reader *r, bool *bad, cril_error *err)
{
    struct cril_buffer *filled = &r->filled;
    const char *name = cril_stream_name(r->stream);
    json_error_t why;
    json_t *record;
    char *data;
    bool ok;

    if (!memchr(r->text, '{', r->len))
        return CRIL_OK;
    if (!(record = json_loadb(r->line_copy.data, r->line_copy.len, JSON_ALLOW_NUL, &why))) {
        *bad = true;
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s: line %" PRIu64
                         ": its keys cannot be filled into the text as the protocol asks: %s",
                         name, r->line, why.text);
    }
    filled->len = 0;
    if ((ok = (data = cril_size_grow(filled->data, &filled->cap, 0, r->len, 1)) != NULL)) {
        filled->data = data;
        filled->len = r->len;
        memcpy(data, r->text, r->len);
        ok = cril_record_fill(record, r->field, filled, r->max_bytes);
    }
    json_decref(record);
    if (!ok)
        return cril_fail(
            err, CRIL_ERR_NOMEM,
            "%s: line %" PRIu64
            ": out of memory, or its keys filled into the text make more than %zu bytes",
            name, r->line, r->max_bytes);
    r->text = filled->data;
    r->len = filled->len;
    return CRIL_OK;
}

static bool is_blank(const struct cril_buffer *b)
{
    const size_t spaces = strspn(b->data, " \t\r");

    return spaces == b->len;
}

static cril_status start(struct cril_reader *r, cril_error *err)
{
    r->line = 0;
    return cril_reader_skip_mark(r, err);
}

static cril_status next(struct cril_reader *r, enum cril_read *what, cril_error *err)
{
    struct found f = {
        .field.name = r->field, .prompt.name = r->prompt_field, .date.name = r->date_field};
    struct scan s = {0};
    bool end, bad = false;
    cril_status st;

    do {
        if ((st = read_line(r, &end, err)) != CRIL_OK)
            return st;
        *what = CRIL_READ_END;
        if (end)
            return CRIL_OK;
    } while (is_blank(&r->buffer));
    if (r->fill && (st = copy_line(r, err)) != CRIL_OK)
        return st;
    s.start = s.p = r->buffer.data;
    s.end = s.p + r->buffer.len;
    scan_line(&s, &f);
    *what = is_bad(r, &s, &f, err) ? CRIL_READ_BAD : CRIL_READ_DOCUMENT;
    r->text = f.field.text.text;
    r->len = f.field.text.len;
    r->prompt = f.prompt.text.text;
    r->prompt_len = f.prompt.text.len;
    if (f.date.found && f.date.kind == a_text) {
        r->date = f.date.text.text;
        r->date_len = f.date.text.len;
    }
    if (r->fill && *what == CRIL_READ_DOCUMENT && (st = fill_record(r, &bad, err)) != CRIL_OK) {
        *what = CRIL_READ_BAD;
        return bad ? CRIL_OK : st;
    }
    return CRIL_OK;
}

static void stop(struct cril_reader *r)
{
    (void)r;
}

const struct cril_reader_format cril_read_jsonl = {
    "jsonl", {".jsonl", ".ndjson", ".json"}, start, next, stop};
