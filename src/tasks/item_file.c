#include "tasks/item_file.h"

#include "corpus/stream.h"
#include "util/fail.h"
#include "util/hash.h"
#include "util/json.h"
#include "util/size.h"

#include <cril/items.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    const char *path;
    size_t line, capacity;
    struct cril_item_file *out;
    const char *last[4]; /* task, protocol, subject, metric: most lines repeat them */
    cril_error *err;
};

static cril_status no_memory(const struct reader *r)
{
    return cril_fail(r->err, CRIL_ERR_NOMEM, "%s: out of memory", r->path);
}

static cril_status fault(const struct reader *r, const char *what)
{
    return cril_fail(r->err, CRIL_ERR_FORMAT,
                     "%s:%zu: %s; an items file is what 'cril eval "
                     "--items' writes",
                     r->path, r->line, what);
}

/* ---- Lines ---- */

/* A text, as kept before where it is the same. */
static const char *keep(struct reader *r, int which, const char *text)
{
    if (!r->last[which] || strcmp(r->last[which], text) != 0)
        r->last[which] = cril_arena_text(&r->out->arena, text, strlen(text));
    return r->last[which];
}

/* Whether a line is that of an item. */
static bool is_item(const json_t *line)
{
    const char *subject;
    uint64_t index;

    return json_is_string(json_object_get(line, "task")) &&
           json_is_string(json_object_get(line, "protocol")) &&
           cril_line_place(line, &subject, &index);
}

static cril_status take_line(struct reader *r, const json_t *line)
{
    static const char *const keys[] = {"task", "protocol", "subject", "metric"};
    struct cril_item_row *rows =
        cril_size_grow(r->out->row, &r->capacity, r->out->n, 1, sizeof(*rows));
    const struct cril_bytes prompt = cril_json_text(json_object_get(line, "prompt"));
    struct cril_item_row row = {.line = r->line};
    const char *kept[4], *what;

    if (!rows)
        return no_memory(r);
    r->out->row = rows;
    if (!is_item(line))
        return fault(r, "is not the line of an item: it lacks \"task\", \"protocol\", \"subject\" "
                        "or \"index\"");
    for (int i = 0; i < 4; i++) {
        const char *text = json_string_value(json_object_get(line, keys[i]));

        if (!(kept[i] = keep(r, i, text ? text : "")))
            return no_memory(r);
    }
    if ((what = cril_line_figures_read(line, kept[3], &row.figures)))
        return fault(r, what);
    cril_line_place(line, &row.subject, &row.index);
    row.task = kept[0];
    row.protocol = kept[1];
    row.subject = kept[2];
    row.metric = kept[3];
    row.prompt = cril_hash_bytes(CRIL_HASH_START, prompt.data ? prompt.data : "", prompt.len);
    rows[r->out->n++] = row;
    return CRIL_OK;
}

/* text [len]: a line without its end. */
static cril_status read_line(struct reader *r, const char *text, size_t len)
{
    json_t *line = NULL;
    cril_status st;

    r->line++;
    if (!len || (len == 1 && *text == '\r'))
        return CRIL_OK;
    if ((st = cril_json_parse(r->path, (const uint8_t *)text, len, &line, NULL)) == CRIL_ERR_NOMEM)
        return no_memory(r);
    st = st == CRIL_OK ? take_line(r, line) : fault(r, "is no JSON");
    json_decref(line);
    return st;
}

/* ---- Files ---- */

struct buffer {
    char *data;
    size_t n, capacity;
};

/* Appends the stream's bytes up to a line end, which is taken; *end: there was none. */
static cril_status next_line(struct cril_stream *s, struct buffer *b, bool *end, cril_error *err)
{
    b->n = 0;
    for (*end = false; !*end;) {
        const char *data, *stop;
        size_t n, take;
        char *grown;
        cril_status st = cril_stream_peek(s, 1, &data, &n, err);

        if (st != CRIL_OK)
            return st;
        *end = !n;
        stop = n ? memchr(data, '\n', n) : NULL;
        take = stop ? (size_t)(stop - data) : n;
        if (b->n + take > CRIL_JSON_MAX_BYTES)
            return cril_fail(err, CRIL_ERR_UNSUPPORTED, "%s: a line is longer than %zu bytes",
                             cril_stream_name(s), CRIL_JSON_MAX_BYTES);
        if (!(grown = cril_size_grow(b->data, &b->capacity, b->n, take + 1, 1)))
            return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", cril_stream_name(s));
        b->data = grown;
        if (take)
            memcpy(b->data + b->n, data, take);
        b->n += take;
        cril_stream_skip(s, take + (stop != NULL));
        if (stop)
            break;
    }
    return CRIL_OK;
}

int cril_item_row_compare(const struct cril_item_row *a, const struct cril_item_row *b)
{
    int order = strcmp(a->task, b->task);

    if (!order)
        order = strcmp(a->protocol, b->protocol);
    if (!order)
        order = strcmp(a->subject, b->subject);
    return order ? order : (a->index > b->index) - (a->index < b->index);
}

static int by_place(const void *a, const void *b)
{
    return cril_item_row_compare(a, b);
}

/* An item has one line. */
static cril_status sort(struct reader *r)
{
    struct cril_item_file *f = r->out;

    if (f->n)
        qsort(f->row, f->n, sizeof(*f->row), by_place);
    for (size_t i = 1; i < f->n; i++)
        if (cril_item_row_compare(&f->row[i - 1], &f->row[i]) == 0) {
            r->line = f->row[i].line > f->row[i - 1].line ? f->row[i].line : f->row[i - 1].line;
            return fault(r, "is the second line of its item");
        }
    return CRIL_OK;
}

cril_status cril_item_file_read(const char *path, struct cril_item_file *out, cril_error *err)
{
    struct reader r = {.path = path, .out = out, .err = err};
    struct cril_stream *s = NULL;
    struct buffer line = {0};
    cril_status st = cril_stream_open(path, NULL, &s, err);
    bool end = false;

    while (st == CRIL_OK && !end) {
        st = next_line(s, &line, &end, err);
        if (st == CRIL_OK && (!end || line.n))
            st = read_line(&r, line.data, line.n);
    }
    cril_stream_close(s);
    free(line.data);
    return st == CRIL_OK ? sort(&r) : st;
}

void cril_item_file_free(struct cril_item_file *f)
{
    free(f->row);
    cril_arena_free(&f->arena);
    *f = (struct cril_item_file){0};
}

cril_status cril_items_recognise(const char *path, bool *is, cril_error *err)
{
    if (CRIL_LACKS(err, path, is))
        return CRIL_ERR_RANGE;

    struct cril_stream *s = NULL;
    struct buffer line = {0};
    json_t *parsed = NULL;
    cril_status st = cril_stream_open(path, NULL, &s, err);
    bool end;

    *is = false;
    if (st == CRIL_OK)
        st = next_line(s, &line, &end, err);
    if (st == CRIL_OK &&
        cril_json_parse(path, (const uint8_t *)line.data, line.n, &parsed, NULL) == CRIL_OK)
        *is = is_item(parsed);
    json_decref(parsed);
    cril_stream_close(s);
    free(line.data);
    return st;
}
