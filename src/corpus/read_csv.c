/*
 * CSV (RFC 4180): fields between commas, quoted ones may hold commas, line ends and doubled quotes;
 * the first record names the columns. Records end with LF, CR LF or CR. Every record must have as
 * many fields as the header. A quote inside an unquoted field stands for itself, as Python's csv
 * and spreadsheets read it. Empty lines between records are skipped.
 *
 * One pass, a byte at a time; only wanted columns are kept, so memory is that of the longest
 * text. A quote that is never closed takes in the rest of the file, as in every reader of CSV: the
 * record is bad and the sentence names the line where the quote opens.
 */
#include "corpus/reader.h"

#include "util/fail.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum where {
    FIELD_START,
    UNQUOTED,
    QUOTED,
    QUOTE_IN_QUOTED, /* closes the field, or is the first of a doubled one */
    REST_OF_BAD      /* to the end of the line */
};

/* A column that is kept. */
struct wanted {
    const char *name; /* NULL: none is */
    size_t column;
    size_t n_found;    /* columns of that name */
    size_t start, len; /* its field of the record being read, in the buffer */
};

struct csv {
    uint64_t at_line; /* 1-based line of the next byte */
    bool after_cr;    /* the byte before was a CR */
    bool in_header;
    struct wanted field, prompt, date;
    size_t n_columns;
    char columns[400]; /* their names, for a sentence */

    /* the record being read */
    enum where where;
    bool ended, has_text, bad;
    uint64_t start_line, quote_line;
    size_t n_fields;
    size_t field_start; /* of the field being read, in the buffer */
};

/* ---- one record ---- */

static void end_name(const struct cril_buffer *b, size_t column, struct wanted *w)
{
    if (w->name && b->len == strlen(w->name) && memcmp(b->data, w->name, b->len) == 0) {
        w->column = column;
        w->n_found++;
    }
}

static bool is_wanted(const struct csv *v, const struct wanted *w)
{
    return w->n_found && v->n_fields == w->column;
}

static void end_text(const struct cril_buffer *b, const struct csv *v, struct wanted *w)
{
    if (is_wanted(v, w)) {
        w->start = v->field_start;
        w->len = b->len - v->field_start;
    }
}

static void end_field(struct cril_reader *r, struct csv *v)
{
    struct cril_buffer *b = &r->buffer;

    if (v->in_header) {
        end_name(b, v->n_fields, &v->field);
        end_name(b, v->n_fields, &v->prompt);
        end_name(b, v->n_fields, &v->date);
        cril_list_names(v->columns, sizeof(v->columns), b->data, b->len);
        b->len = 0;
    } else {
        end_text(b, v, &v->field);
        end_text(b, v, &v->prompt);
        end_text(b, v, &v->date);
    }
    v->field_start = b->len;
    v->n_fields++;
    v->where = FIELD_START;
}

static void keep(struct cril_reader *r, const struct csv *v, char c)
{
    if (v->in_header || is_wanted(v, &v->field) || is_wanted(v, &v->prompt) ||
        is_wanted(v, &v->date))
        r->buffer.data[r->buffer.len++] = c; /* read_record made room for it */
}

static void take_byte(struct cril_reader *r, struct csv *v, char c)
{
    const bool line_end = c == '\n' || c == '\r';

    if (v->where == QUOTED) {
        if (c == '"')
            v->where = QUOTE_IN_QUOTED;
        else
            keep(r, v, c);
        return;
    }
    if (line_end) {
        if (v->where != REST_OF_BAD)
            end_field(r, v);
        v->ended = true;
        return;
    }
    v->has_text = true;
    if (v->where == REST_OF_BAD)
        return;
    if (c == ',') {
        end_field(r, v);
    } else if (c == '"' && v->where == FIELD_START) {
        v->where = QUOTED;
        v->quote_line = v->at_line;
    } else if (v->where == QUOTE_IN_QUOTED) {
        v->where = c == '"' ? QUOTED : REST_OF_BAD;
        v->bad |= c != '"';
        if (c == '"')
            keep(r, v, c);
    } else {
        v->where = UNQUOTED;
        keep(r, v, c);
    }
}

static void count_line(struct csv *v, char c)
{
    if (c == '\r' || (c == '\n' && !v->after_cr))
        v->at_line++;
    v->after_cr = c == '\r';
}

/* Reads one record, perhaps an empty line. At the end of the file *end is set and nothing was read.
 */
static cril_status read_record(struct cril_reader *r, struct csv *v, bool *end, cril_error *err)
{
    v->where = FIELD_START;
    v->ended = v->has_text = v->bad = *end = false;
    v->n_fields = v->field_start = 0;
    v->field.start = v->field.len = v->prompt.start = v->prompt.len = 0;
    v->date.start = v->date.len = 0;
    v->start_line = r->line = v->at_line;
    r->buffer.len = 0;
    while (!v->ended) {
        const char *data;
        size_t n, i;
        cril_status st;

        if ((st = cril_stream_peek(r->stream, 1, &data, &n, err)) != CRIL_OK ||
            (st = cril_reader_reserve(r, n, err)) != CRIL_OK)
            return st;
        if (n == 0) {
            *end = !v->has_text;
            if (v->has_text && v->where != QUOTED && v->where != REST_OF_BAD)
                end_field(r, v);
            break;
        }
        for (i = 0; i < n && !v->ended; i++) {
            const bool rest_of_crlf =
                data[i] == '\n' && v->after_cr && !v->has_text && v->n_fields == 0;

            if (!rest_of_crlf)
                take_byte(r, v, data[i]);
            count_line(v, data[i]);
        }
        cril_stream_skip(r->stream, i);
        if ((st = cril_reader_check(r, err)) != CRIL_OK)
            return st;
    }
    return CRIL_OK;
}

/* The sentence of a record that cannot be used. */
static bool is_bad(const struct cril_reader *r, const struct csv *v, cril_error *err)
{
    const char *name = cril_stream_name(r->stream);

    if (v->where == QUOTED)
        cril_fail(err, CRIL_ERR_FORMAT,
                  "%s: line %" PRIu64 ": the quoted field that opens on line %" PRIu64
                  " is not closed before the file ends; add the quote or double one inside it",
                  name, v->start_line, v->quote_line);
    else if (v->bad)
        cril_fail(err, CRIL_ERR_FORMAT,
                  "%s: line %" PRIu64 ": neither a comma nor the line's end follows the quote that "
                  "closes a field; double a quote inside a quoted field",
                  name, v->start_line);
    else if (!v->in_header && v->n_fields != v->n_columns)
        cril_fail(err, CRIL_ERR_FORMAT,
                  "%s: line %" PRIu64
                  " has %zu field%s, but the header has %zu; quote a text that holds commas",
                  name, v->start_line, v->n_fields, v->n_fields == 1 ? "" : "s", v->n_columns);
    else
        return false;
    return true;
}

/* ---- the format ---- */

/* what, option: "text", "--field". option NULL: the file may be without the column. */
static cril_status check_column(const struct cril_reader *r, const struct csv *v,
                                const struct wanted *w, const char *what, const char *option,
                                cril_error *err)
{
    const char *name = cril_stream_name(r->stream);

    if (w->name && w->n_found == 0 && option)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: has no \"%s\" column (it has: %s); name the column that holds the %s "
                         "with %s",
                         name, w->name, v->columns, what, option);
    if (w->n_found > 1)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: has %zu columns named \"%s\"; rename all but one", name, w->n_found,
                         w->name);
    return CRIL_OK;
}

static cril_status read_header(struct cril_reader *r, struct csv *v, cril_error *err)
{
    bool end;
    cril_status st;

    v->in_header = true;
    do {
        if ((st = read_record(r, v, &end, err)) != CRIL_OK)
            return st;
        if (!v->has_text) { /* an empty line looked like one column without a name */
            v->columns[0] = '\0';
            v->field.n_found = v->prompt.n_found = v->date.n_found = 0;
        }
    } while (!end && !v->has_text);
    if (!end) {
        if (is_bad(r, v, err))
            return err->status;
        if ((st = check_column(r, v, &v->field, "text", "--field", err)) != CRIL_OK ||
            (st = check_column(r, v, &v->prompt, "prompt", "--prompt-field", err)) != CRIL_OK ||
            (st = check_column(r, v, &v->date, "date", NULL, err)) != CRIL_OK)
            return st;
    }
    v->n_columns = v->n_fields;
    v->in_header = false;
    return CRIL_OK;
}

static cril_status start(struct cril_reader *r, cril_error *err)
{
    struct csv *v = calloc(1, sizeof(*v));
    cril_status st;

    if (!v)
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", cril_stream_name(r->stream));
    r->state = v;
    v->at_line = 1;
    v->field.name = r->field;
    v->prompt.name = r->prompt_field;
    v->date.name = r->date_field;
    if ((st = cril_reader_skip_mark(r, err)) != CRIL_OK)
        return st;
    return read_header(r, v, err);
}

static cril_status next(struct cril_reader *r, enum cril_read *what, cril_error *err)
{
    struct csv *v = r->state;
    bool end;
    cril_status st;

    do {
        if ((st = read_record(r, v, &end, err)) != CRIL_OK)
            return st;
    } while (!end && !v->has_text);
    r->text = r->buffer.data + v->field.start;
    r->len = v->field.len;
    r->prompt = v->prompt.name ? r->buffer.data + v->prompt.start : NULL;
    r->prompt_len = v->prompt.len;
    r->date = v->date.n_found ? r->buffer.data + v->date.start : NULL;
    r->date_len = v->date.len;
    r->line = v->start_line;
    *what = end ? CRIL_READ_END : is_bad(r, v, err) ? CRIL_READ_BAD : CRIL_READ_DOCUMENT;
    return CRIL_OK;
}

static void stop(struct cril_reader *r)
{
    free(r->state);
    r->state = NULL;
}

const struct cril_reader_format cril_read_csv = {"csv", {".csv"}, start, next, stop};
