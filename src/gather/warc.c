/*
 * A window on the decoded bytes moves along the file. A record is parsed in the window once all of
 * it is there, and handed out if a record or the end of the file follows it: otherwise its length
 * is wrong, and what was taken for its block may hold the next record. So nothing leaves the window
 * before it is known to be good; only a block that is too long to be kept does.
 *
 * After damage the reader looks for the next line that ends in a version ("WARC/1.0") and has a
 * readable head behind it. The version need not begin the line: a record that was cut off has no
 * line end.
 *
 * Time is linear in the file's length, whatever it holds: a search goes on behind a head that was
 * read, or at the last line in it that ends in a version.
 */
#include "gather/warc.h"

#include "corpus/stream.h"
#include "util/fail.h"
#include "util/size.h"

#include <cril/text.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    MAX_HEAD = 1 << 16,
    /* Bytes behind a block that are looked at: 4 by the standard, more where a writer adds blank
       lines. */
    MAX_GAP = 64,
    VERSION = 8 /* bytes of "WARC/1.0" */
};

static const char magic[] = "WARC/";

struct cril_warc {
    struct cril_stream *stream;
    size_t max_block;
    char *data; /* [cap]; the window is [at, end) */
    size_t cap, at, end;
    size_t search;     /* from at: where to go on if this record is damaged */
    bool stream_ended; /* or failed */
    cril_error failed; /* status CRIL_OK: it did not */
    uint64_t damaged[CRIL_WARC_N_DAMAGES];
    char values[MAX_HEAD]; /* of the record's fields, NUL-terminated; each is shorter than its line
                            */
};

/* A head while it is read. */
struct head {
    size_t len;                /* bytes so far */
    size_t n_values;           /* bytes of w->values */
    enum cril_warc_field last; /* the field that a folded line goes on with; N_FIELDS: not kept */
};

/* CRIL_WARC_N_DAMAGES: the record is whole. */
enum { WHOLE = CRIL_WARC_N_DAMAGES };

/* ---- the window ---- */

static bool fail_with(struct cril_warc *w, cril_status st)
{
    w->failed.status = st;
    w->stream_ended = true;
    return false;
}

/* Room for n bytes behind the window. Moving it costs no more than twice the bytes passed since. */
static bool make_room(struct cril_warc *w, size_t n)
{
    const size_t len = w->end - w->at;
    char *data;

    if (w->cap - w->end < n && w->at >= len / 2) {
        if (len)
            memmove(w->data, w->data + w->at, len);
        w->at = 0;
        w->end = len;
    }
    if (!(data = cril_size_grow(w->data, &w->cap, w->end, n, 1))) {
        cril_fail(&w->failed, CRIL_ERR_NOMEM, "%s: out of memory for a record of %zu bytes or more",
                  cril_stream_name(w->stream), len);
        return fail_with(w, CRIL_ERR_NOMEM);
    }
    w->data = data;
    return true;
}

/* More bytes in the window; false: the file ends, or failed. */
static bool read_more(struct cril_warc *w)
{
    const char *data;
    size_t n;
    cril_status st;

    if (w->stream_ended)
        return false;
    if ((st = cril_stream_peek(w->stream, 1, &data, &n, &w->failed)) != CRIL_OK)
        return fail_with(w, st);
    if (n == 0) {
        w->stream_ended = true;
        return false;
    }
    if (!make_room(w, n))
        return false;
    memcpy(w->data + w->end, data, n);
    w->end += n;
    cril_stream_skip(w->stream, n);
    return true;
}

static bool has(struct cril_warc *w, size_t n)
{
    while (w->end - w->at < n)
        if (!read_more(w))
            return false;
    return true;
}

/* Moves on by n bytes without keeping them; false: the file ends before. */
static bool pass(struct cril_warc *w, uint64_t n)
{
    const size_t have = w->end - w->at;

    if (n <= have) {
        w->at += (size_t)n;
        return true;
    }
    w->at = w->end;
    for (n -= have; n && !w->stream_ended;) {
        const char *data;
        size_t got;
        const cril_status st = cril_stream_peek(w->stream, 1, &data, &got, &w->failed);

        if (st != CRIL_OK)
            return fail_with(w, st);
        if (got > n)
            got = (size_t)n;
        cril_stream_skip(w->stream, got);
        n -= got;
        w->stream_ended = got == 0;
    }
    return n == 0;
}

/* Bytes of the line that starts at at + from, with its line end; 0: it ends beyond the file's end
 * or the limit of a head. */
static size_t line_at(struct cril_warc *w, size_t from)
{
    for (size_t seen = from;;) {
        const size_t have = w->end - w->at;
        const char *line = w->data + w->at, *nl = memchr(line + seen, '\n', have - seen);

        if (nl)
            return (size_t)(nl - line) < MAX_HEAD ? (size_t)(nl - line) + 1 - from : 0;
        seen = have;
        if (seen >= MAX_HEAD || !read_more(w))
            return 0;
    }
}

/* ---- heads ---- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* len without blanks at the line's end. */
static size_t trim(const char *line, size_t len)
{
    while (len && is_blank(line[len - 1]))
        len--;
    return len;
}

/* Whether the line ends in a version that is read; *from: where that starts. */
static bool ends_in_version(const char *line, size_t len, size_t *from)
{
    len -= len && line[len - 1] == '\n';
    len -= len && line[len - 1] == '\r';
    if (len < VERSION)
        return false;
    *from = len - VERSION;
    line += *from;
    return strncasecmp(line, "WARC/1.", VERSION - 1) == 0 &&
           (line[VERSION - 1] == '0' || line[VERSION - 1] == '1');
}

static const struct {
    const char *name; /* as in the standard; NULL: not a named field */
    bool once;        /* twice: the heads of two records ran into one */
} fields[CRIL_WARC_N_FIELDS] = {
    [CRIL_WARC_TYPE] = {"WARC-Type", true},
    [CRIL_WARC_LENGTH] = {"Content-Length", true},
    [CRIL_WARC_ID] = {"WARC-Record-ID", true},
    [CRIL_WARC_DATE] = {"WARC-Date", true},
    [CRIL_WARC_ADDRESS] = {"WARC-Target-URI", false},
    [CRIL_WARC_CONTENT_TYPE] = {"Content-Type", false},
    [CRIL_WARC_LANGUAGE] = {"WARC-Identified-Content-Language", false},
    [CRIL_WARC_SEGMENT] = {"WARC-Segment-Number", false},
};

static enum cril_warc_field field_of(const char *name, size_t len)
{
    enum cril_warc_field f = 0;

    while (f < CRIL_WARC_N_FIELDS && !(fields[f].name && strlen(fields[f].name) == len &&
                                       strncasecmp(fields[f].name, name, len) == 0))
        f++;
    return f;
}

/* A value's text behind those before it. */
static const char *put_value(struct cril_warc *w, struct head *h, const char *text, size_t len)
{
    char *const to = w->values + h->n_values;

    while (len && is_blank(*text)) {
        text++;
        len--;
    }
    len = trim(text, len);
    memcpy(to, text, len);
    to[len] = '\0';
    h->n_values += len + 1;
    return to;
}

/* The folded rest of the last field: one blank stands for its line end. */
static void go_on(struct cril_warc *w, const struct cril_warc_record *r, struct head *h,
                  const char *line, size_t len)
{
    if (h->last == CRIL_WARC_N_FIELDS)
        return;
    h->n_values--;
    if (*r->field[h->last])
        w->values[h->n_values++] = ' ';
    put_value(w, h, line, len);
}

/* "Name: value", or the rest of one. */
static bool read_field(struct cril_warc *w, struct cril_warc_record *r, struct head *h,
                       const char *line, size_t len)
{
    const char *const colon = memchr(line, ':', len);
    size_t n = 0;

    if (memchr(line, '\0', len))
        return false;
    if (*line == ' ' || *line == '\t') {
        go_on(w, r, h, line, len);
        return true;
    }
    if (!colon)
        return false;
    while (line[n] > ' ' && line[n] < 0x7f && line + n < colon)
        n++;
    if (n == 0 || line + n < colon)
        return false;
    h->last = field_of(line, n);
    if (h->last < CRIL_WARC_N_FIELDS && r->field[h->last]) {
        if (fields[h->last].once)
            return false;
        h->last = CRIL_WARC_N_FIELDS;
    }
    if (h->last < CRIL_WARC_N_FIELDS)
        r->field[h->last] = put_value(w, h, colon + 1, len - n - 1);
    return true;
}

static bool read_length(const char *digits, uint64_t *out)
{
    uint64_t v = 0;

    if (!*digits)
        return false;
    for (; *digits; digits++) {
        const unsigned d = (unsigned)*digits - '0';

        if (d > 9 || v > (UINT64_MAX - d) / 10)
            return false;
        v = 10 * v + d;
    }
    *out = v;
    return true;
}

/* The standard's grammar may be read so that "<" and ">" stand around an address; some write it so.
 */
static void take_brackets_off(struct cril_warc *w, struct cril_warc_record *r)
{
    const char *const address = r->field[CRIL_WARC_ADDRESS];
    const size_t len = address ? strlen(address) : 0;

    if (len < 2 || address[0] != '<' || address[len - 1] != '>')
        return;
    w->values[(size_t)(address - w->values) + len - 1] = '\0';
    r->field[CRIL_WARC_ADDRESS] = address + 1;
}

/* The version line; false: none that is read. */
static bool read_version(struct cril_warc *w, struct cril_warc_record *r, struct head *h,
                         size_t len)
{
    const char *const line = w->data + w->at;
    size_t from;

    if (!ends_in_version(line, len, &from) || from)
        return false;
    r->field[CRIL_WARC_VERSION] = put_value(w, h, line + sizeof(magic) - 1, 3);
    return true;
}

/*
 * The head of the record at the window's start, with the empty line that ends it. w->search becomes
 * where a search goes on if the record is no good: at the last line that ends in a version, or else
 * behind the lines that are a head's.
 */
static int read_head(struct cril_warc *w, struct cril_warc_record *r, struct head *h)
{
    size_t len, version;

    *r = (struct cril_warc_record){0};
    *h = (struct head){.last = CRIL_WARC_N_FIELDS};
    w->search = 0;
    for (size_t inner = 0;; w->search = inner ? inner : h->len) {
        if (!(len = line_at(w, h->len)))
            return w->end - w->at < MAX_HEAD ? CRIL_WARC_TRUNCATED : CRIL_WARC_BAD_HEAD;

        const char *const line = w->data + w->at + h->len;

        if (h->len == 0) {
            if (!read_version(w, r, h, len))
                return CRIL_WARC_BAD_HEAD;
        } else if (line[0] == '\n' || (line[0] == '\r' && line[1] == '\n')) {
            break;
        } else {
            if (ends_in_version(line, len, &version))
                inner = h->len + version;
            if (!read_field(w, r, h, line, len))
                return CRIL_WARC_BAD_HEAD;
        }
        h->len += len;
    }
    h->len += len;
    take_brackets_off(w, r);
    return r->field[CRIL_WARC_TYPE] && r->field[CRIL_WARC_LENGTH] &&
                   read_length(r->field[CRIL_WARC_LENGTH], &r->length)
               ? WHOLE
               : CRIL_WARC_BAD_HEAD;
}

/* ---- records ---- */

/*
 * Whether what stands at at + from follows a block: the two line ends of the standard, whatever
 * comes behind them; or any number of line ends, then a record or the end of the file.
 */
static bool is_followed(struct cril_warc *w, size_t from)
{
    const size_t start = sizeof(magic) - 1;
    size_t left, n = 0;
    const char *p;

    has(w, from + MAX_GAP + start);
    p = w->data + w->at + from;
    left = w->end - w->at - from;
    if (left >= 4 && memcmp(p, "\r\n\r\n", 4) == 0)
        return true;
    while (n < left && n < MAX_GAP && (p[n] == '\r' || p[n] == '\n'))
        n++;
    left -= n;
    return n == MAX_GAP || strncasecmp(p + n, magic, left < start ? left : start) == 0;
}

/* The record at the window's start; the window moves behind it if it is whole. */
static int read_record(struct cril_warc *w, struct cril_warc_record *r)
{
    struct head h;
    size_t len;
    const int what = read_head(w, r, &h);

    if (what != WHOLE)
        return what;
    if (r->length > w->max_block) {
        w->search = 0;
        if (!pass(w, h.len) || !pass(w, r->length))
            return CRIL_WARC_TRUNCATED;
        return is_followed(w, 0) ? WHOLE : CRIL_WARC_WRONG_LENGTH;
    }
    len = h.len + (size_t)r->length;
    if (!has(w, len))
        return CRIL_WARC_TRUNCATED;
    if (!is_followed(w, len))
        return CRIL_WARC_WRONG_LENGTH;
    r->block = w->data + w->at + h.len;
    w->at += len;
    return WHOLE;
}

/* Moves to the next version that ends a line; false: none does. */
static bool find_version(struct cril_warc *w)
{
    for (;;) {
        const size_t have = w->end - w->at;
        const char *line = w->data + w->at, *nl = have ? memchr(line, '\n', have) : NULL;
        size_t from;

        if (nl && ends_in_version(line, (size_t)(nl - line), &from)) {
            w->at += from;
            return true;
        }
        if (nl) {
            w->at += (size_t)(nl - line) + 1;
            continue;
        }
        if (have > VERSION + 1) /* of a line without end, what can be a version and a CR */
            w->at = w->end - (VERSION + 1);
        if (!read_more(w)) {
            w->at = w->end;
            return false;
        }
    }
}

/* From a damaged record to the next one that has a readable head, or to the end. */
static void resynchronise(struct cril_warc *w)
{
    struct cril_warc_record r;
    struct head h;

    do
        w->at += w->search;
    while (find_version(w) && read_head(w, &r, &h) != WHOLE);
}

/* Moves over line ends to what comes behind them; false: the file ends. */
static bool skip_line_ends(struct cril_warc *w)
{
    while (has(w, 1)) {
        if (w->data[w->at] != '\r' && w->data[w->at] != '\n')
            return true;
        w->at++;
    }
    return false;
}

cril_status cril_warc_next(struct cril_warc *w, struct cril_warc_record *r, bool *end,
                           cril_error *err)
{
    *end = false;
    while (skip_line_ends(w)) {
        const int what = read_record(w, r);

        if (what == WHOLE)
            return CRIL_OK;
        w->damaged[what]++;
        resynchronise(w);
    }
    *end = true;
    return w->failed.status == CRIL_OK ? CRIL_OK
                                       : cril_fail(err, w->failed.status, "%s", w->failed.message);
}

/* ---- opening ---- */

/* The file starts with a version line that is read. */
static cril_status check_start(struct cril_warc *w, cril_error *err)
{
    const char *const name = cril_stream_name(w->stream);
    const bool any = skip_line_ends(w);
    size_t len = any ? line_at(w, 0) : 0, from;
    char shown[80];

    if (w->failed.status != CRIL_OK)
        return cril_fail(err, w->failed.status, "%s", w->failed.message);
    if (!any)
        return cril_fail(err, CRIL_ERR_TRUNCATED, "%s: is empty; fetch or make it again", name);
    if (!len)
        len = w->end - w->at;

    const char *const line = w->data + w->at;

    if (ends_in_version(line, len, &from) && from == 0)
        return CRIL_OK;
    if (len > 40)
        len = 40;
    cril_text_show(line, trim(line, len), false, shown, sizeof(shown));
    if (strncasecmp(shown, magic, sizeof(magic) - 1) == 0)
        return cril_fail(
            err, CRIL_ERR_UNSUPPORTED,
            "%s: starts with '%s'; only WARC/1.0 and WARC/1.1 are read; give files of these "
            "versions",
            name, shown);
    if (strncmp(shown, "filedesc:", 9) == 0)
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s: is an ARC file, which has no extracted text; extract the text of its "
                         "pages and give that",
                         name);
    return cril_fail(err, CRIL_ERR_FORMAT,
                     "%s: is not a WARC file: it starts with '%s' and not with WARC/1.0 or "
                     "WARC/1.1; give the WET files of a crawl",
                     name, shown);
}

cril_status cril_warc_open(const char *path, size_t max_block, struct cril_warc **out,
                           cril_error *err)
{
    struct cril_warc *w = calloc(1, sizeof(*w));
    cril_status st;

    if (!w)
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", path);
    w->max_block = max_block;
    if ((st = cril_stream_open(path, NULL, &w->stream, err)) != CRIL_OK ||
        (st = check_start(w, err)) != CRIL_OK) {
        cril_warc_close(w);
        return st;
    }
    *out = w;
    return CRIL_OK;
}

void cril_warc_close(struct cril_warc *w)
{
    if (!w)
        return;
    cril_stream_close(w->stream);
    free(w->data);
    free(w);
}

const uint64_t *cril_warc_damaged(const struct cril_warc *w)
{
    return w->damaged;
}

uint64_t cril_warc_taken(const struct cril_warc *w)
{
    return cril_stream_taken(w->stream);
}
