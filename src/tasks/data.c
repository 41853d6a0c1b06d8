/*
 * A data file is decoded into memory and cut into records. JSON is util/json's; rows of CSV become
 * lists of texts, so that all tasks see the same kind of record.
 */
#include "tasks/data.h"

#include "corpus/decoders.h"
#include "corpus/stream.h"
#include "tasks/str.h"
#include "util/fail.h"
#include "util/hash.h"
#include "util/json.h"
#include "util/mapfile.h"
#include "util/size.h"
#include "util/utf8.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { MAX_BYTES = 1 << 30 }; /* of a decoded file: the largest of the benchmarks has 0.2 GB */

/* ---- Paths ---- */

static bool is_there(const char *path)
{
    struct stat s;

    return stat(path, &s) == 0 && !S_ISDIR(s.st_mode);
}

cril_status cril_data_find(const char *folder, const char *name, char **path, cril_error *err)
{
    const size_t room = strlen(folder) + strlen(name) + 16;
    char *const p = malloc(room);

    *path = NULL;
    if (!p)
        return cril_fail(err, CRIL_ERR_NOMEM, "%.200s/%.200s: out of memory", folder, name);
    snprintf(p, room, "%s/%s", folder, name);
    for (const struct cril_decoder *d = cril_decoders; !is_there(p); d++) {
        if (!d->name) {
            free(p);
            return CRIL_OK;
        }
        snprintf(p, room, "%s/%s%.8s", folder, name, d->suffix);
    }
    *path = p;
    return CRIL_OK;
}

static struct cril_bytes without_compression(const char *path)
{
    struct cril_bytes p = cril_bytes_of(path);

    for (const struct cril_decoder *d = cril_decoders; d->name; d++)
        if (cril_has_suffix(path, p.len, d->suffix))
            return (struct cril_bytes){path, p.len - strlen(d->suffix)};
    return p;
}

/* ---- Sentences ---- */

/* A record of each task is told by keys that no other task has. The first row that fits counts. */
static const struct signature {
    const char *task, *keys[3];
} signatures[] = {
    {"arc_challenge", {"answerKey", "question", NULL}},
    {"hellaswag", {"endings", "ctx_a", NULL}},
    {"hellaswag", {"query", "choices", "gold"}},
    {"humaneval", {"canonical_solution", "entry_point", NULL}},
    {"mbpp", {"test_list", "code", NULL}},
    {"ds1000", {"code_context", "reference_code", NULL}},
    {"sat_math", {"options", "label", "question"}},
    {"math", {"problem", "solution", NULL}},
    {"triviaqa", {"aliases", "question", NULL}},
};

static const char *looks_like(const json_t *record)
{
    const char *answer = json_string_value(json_object_get(record, "answer"));

    for (size_t i = 0; i < sizeof(signatures) / sizeof(signatures[0]); i++) {
        const struct signature *const s = &signatures[i];
        bool all = true;

        for (size_t k = 0; k < 3 && s->keys[k]; k++)
            all = all && json_object_get(record, s->keys[k]);
        if (all)
            return s->task;
    }
    if (json_is_array(json_object_get(record, "answer")))
        return "nq_open";
    if (answer && strstr(answer, "#### "))
        return "gsm8k";
    return json_array_size(record) == 6 ? "mmlu" : NULL;
}

static cril_status fault_at(const struct cril_data *d, uint64_t line, const json_t *record,
                            cril_error *err, const char *format, va_list ap)
{
    const char *like = looks_like(record), *about = "";
    cril_error what;

    if (like && strcmp(like, d->task) != 0 && strncmp(like, "mmlu", strlen(d->task)) != 0)
        about = "; this looks like data of ";
    else
        like = "";
    cril_vfail(&what, CRIL_ERR_FORMAT, format, ap);
    return cril_fail(err, CRIL_ERR_FORMAT, "%s:%" PRIu64 ": %.300s; %s expects %s%s%s", d->path,
                     line, what.message, d->task, d->expects, about, like);
}

cril_status cril_data_fault(const struct cril_data *d, size_t i, cril_error *err,
                            const char *format, ...)
{
    cril_status st;
    va_list ap;

    va_start(ap, format);
    st = fault_at(d, d->record[i].line, d->record[i].value, err, format, ap);
    va_end(ap);
    return st;
}

static cril_status fault_of_line(const struct cril_data *d, uint64_t line, cril_error *err,
                                 const char *format, ...) __attribute__((format(printf, 4, 5)));
static cril_status fault_of_line(const struct cril_data *d, uint64_t line, cril_error *err,
                                 const char *format, ...)
{
    cril_status st;
    va_list ap;

    va_start(ap, format);
    st = fault_at(d, line, NULL, err, format, ap);
    va_end(ap);
    return st;
}

static cril_status no_memory(const struct cril_data *d, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", d->path);
}

/* ---- The bytes of a file ---- */

static cril_status read_bytes(struct cril_data *d, struct cril_str *to, cril_error *err)
{
    struct cril_stream *s = NULL;
    cril_status st = cril_stream_open(d->path, NULL, &s, err);

    while (st == CRIL_OK) {
        const char *data;
        size_t n;

        if ((st = cril_stream_peek(s, 1, &data, &n, err)) != CRIL_OK || !n)
            break;
        if (n > MAX_BYTES - to->n)
            st = cril_fail(err, CRIL_ERR_UNSUPPORTED,
                           "%s: has more than %d bytes, which is too many for a benchmark's file",
                           d->path, (int)MAX_BYTES);
        else
            cril_str_append(to, (struct cril_bytes){data, n});
        if (to->failed)
            st = no_memory(d, err);
        cril_stream_skip(s, n);
    }
    cril_stream_close(s);
    return st;
}

static cril_status check_utf8(const struct cril_data *d, struct cril_bytes s, cril_error *err)
{
    uint64_t line = 1;

    for (size_t at = 0; at < s.len;) {
        uint32_t code;

        line += s.data[at] == '\n';
        at += cril_utf8_read(s.data + at, s.len - at, &code);
        if (code == CRIL_UTF8_ILL)
            return fault_of_line(d, line, err,
                                 "has bytes that are not UTF-8, so the file is damaged or in "
                                 "another encoding");
    }
    return CRIL_OK;
}

/* ---- Records ---- */

/* value becomes d's, also where memory lacks. */
static cril_status append(struct cril_data *d, json_t *value, uint64_t line, cril_error *err)
{
    struct cril_data_record *const grown =
        value ? cril_size_grow(d->record, &d->capacity, d->n, 1, sizeof(*grown)) : NULL;

    if (!grown) {
        json_decref(value);
        return no_memory(d, err);
    }
    d->record = grown;
    d->record[d->n++] = (struct cril_data_record){value, line};
    return CRIL_OK;
}

static bool is_blank(struct cril_bytes s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!strchr(" \t\r", s.data[i]) || !s.data[i])
            return false;
    return true;
}

static cril_status read_lines(struct cril_data *d, struct cril_bytes s, cril_error *err)
{
    char *const name = malloc(strlen(d->path) + 32);
    cril_status st = name ? CRIL_OK : no_memory(d, err);
    uint64_t line = 1;

    for (size_t at = 0; st == CRIL_OK && at < s.len; line++) {
        const char *const end = memchr(s.data + at, '\n', s.len - at);
        const struct cril_bytes l = {s.data + at, end ? (size_t)(end - s.data) - at : s.len - at};
        json_t *value = NULL;

        at += l.len + 1;
        if (is_blank(l))
            continue;
        sprintf(name, "%s:%" PRIu64, d->path, line);
        if ((st = cril_json_parse(name, (const uint8_t *)l.data, l.len, &value, err)) == CRIL_OK)
            st = append(d, value, line, err);
    }
    free(name);
    return st;
}

/* Moves *at and *line to where the next element of a list begins: s is JSON. depth 0 is before the
 * list. */
static void next_element(struct cril_bytes s, size_t *at, uint64_t *line, size_t *depth)
{
    bool in_text = false, found = false;

    for (; *at < s.len && !found; ++*at) {
        const char c = s.data[*at];

        *line += c == '\n';
        if (in_text) {
            *at += c == '\\';
            in_text = c != '"';
            continue;
        }
        in_text = c == '"';
        found = *depth <= 1 && (c == ',' || (c == '[' && !*depth));
        *depth += c == '[' || c == '{';
        *depth -= (c == ']' || c == '}') && *depth;
    }
    for (; *at < s.len && strchr(" \t\r\n", s.data[*at]); ++*at)
        *line += s.data[*at] == '\n';
}

static cril_status read_list(struct cril_data *d, struct cril_bytes s, cril_error *err)
{
    json_t *root = NULL, *value;
    cril_status st = cril_json_parse(d->path, (const uint8_t *)s.data, s.len, &root, err);
    size_t i, at = 0, depth = 0;
    uint64_t line = 1;

    if (st == CRIL_OK && !json_is_array(root))
        st = fault_of_line(d, 1, err, "is not a list of records in [ ]");
    json_array_foreach(root, i, value)
    {
        if (st != CRIL_OK)
            break;
        next_element(s, &at, &line, &depth);
        st = append(d, json_incref(value), line, err);
    }
    json_decref(root);
    return st;
}

/* ---- CSV ---- */

/* Takes a quoted field that opens at *at; *line moves along. False: it is not closed. */
static bool take_quoted(struct cril_bytes s, size_t *at, uint64_t *line, struct cril_str *field)
{
    for (++*at; *at < s.len; ++*at) {
        const char c = s.data[*at];

        if (c == '"' && (*at + 1 == s.len || s.data[*at + 1] != '"')) {
            ++*at;
            return true;
        }
        *at += c == '"';
        *line += c == '\n';
        cril_str_append(field, (struct cril_bytes){s.data + *at, 1});
    }
    return false;
}

/* A quote inside a field that does not begin with one stands for itself, as Python's csv has it. */
static void take_plain(struct cril_bytes s, size_t *at, struct cril_str *field)
{
    const size_t from = *at;

    while (*at < s.len && !memchr(",\r\n", s.data[*at], 3))
        ++*at;
    cril_str_append(field, (struct cril_bytes){s.data + from, *at - from});
}

static void take_line_end(struct cril_bytes s, size_t *at, uint64_t *line)
{
    const bool both = *at + 1 < s.len && s.data[*at] == '\r' && s.data[*at + 1] == '\n';

    *at += both ? 2 : *at < s.len;
    ++*line;
}

/* Reads the row at *at into row. */
static cril_status read_row(const struct cril_data *d, struct cril_bytes s, size_t *at,
                            uint64_t *line, json_t *row, cril_error *err)
{
    const uint64_t first = *line;
    struct cril_str field = {0};
    cril_status st = CRIL_OK;
    bool more = true;

    while (st == CRIL_OK && more) {
        field.n = 0;
        if (*at < s.len && s.data[*at] == '"') {
            if (!take_quoted(s, at, line, &field))
                st = fault_of_line(d, first, err, "a quote is not closed before the file ends");
            else if (*at < s.len && !memchr(",\r\n", s.data[*at], 3))
                st = fault_of_line(d, first, err,
                                   "neither a comma nor the line's end follows the quote that "
                                   "closes a field");
        } else {
            take_plain(s, at, &field);
        }
        if (st == CRIL_OK &&
            (field.failed ||
             json_array_append_new(row, json_stringn(field.data ? field.data : "", field.n)) != 0))
            st = no_memory(d, err);
        more = *at < s.len && s.data[*at] == ',';
        *at += more;
    }
    free(field.data);
    return st;
}

/* A row as an object by the names of the first row. NULL: out of memory. */
static json_t *name_row(const json_t *names, const json_t *row)
{
    json_t *const object = json_object();
    bool good = object;

    for (size_t i = 0; good && i < json_array_size(names); i++)
        good = json_object_set(object, json_string_value(json_array_get(names, i)),
                               json_array_get(row, i)) == 0;
    if (good)
        return object;
    json_decref(object);
    return NULL;
}

/* Rows become objects; the first one, which names their fields, goes. */
static cril_status name_rows(struct cril_data *d, cril_error *err)
{
    json_t *const names = d->record[0].value;
    json_t *const once = name_row(names, names);
    const bool differ = json_object_size(once) == json_array_size(names);

    json_decref(once);
    if (!once)
        return no_memory(d, err);
    if (!differ)
        return fault_of_line(d, d->record[0].line, err, "two columns have the same name");
    for (size_t i = 1; i < d->n; i++) {
        json_t *const object = name_row(names, d->record[i].value);

        if (!object)
            return no_memory(d, err);
        json_decref(d->record[i].value);
        d->record[i].value = object;
    }
    json_decref(names);
    memmove(d->record, d->record + 1, --d->n * sizeof(*d->record));
    return CRIL_OK;
}

static cril_status read_rows(struct cril_data *d, struct cril_bytes s, size_t fields,
                             cril_error *err)
{
    cril_status st = check_utf8(d, s, err);
    const bool named = !fields;
    uint64_t line = 1;

    for (size_t at = 0; st == CRIL_OK && at < s.len;) {
        const uint64_t first = line;
        json_t *row;
        size_t n;

        if (memchr("\r\n", s.data[at], 2)) { /* an empty line */
            take_line_end(s, &at, &line);
            continue;
        }
        if (!(row = json_array()))
            return no_memory(d, err);
        st = read_row(d, s, &at, &line, row, err);
        take_line_end(s, &at, &line);
        n = json_array_size(row);
        fields = fields ? fields : n;
        if (st == CRIL_OK && n != fields)
            st = fault_of_line(d, first, err, "the row has %zu field%s, not %zu", n,
                               n == 1 ? "" : "s", fields);
        if (st == CRIL_OK)
            st = append(d, json_incref(row), first, err);
        json_decref(row);
    }
    return st == CRIL_OK && named && d->n ? name_rows(d, err) : st;
}

/* ---- Files ---- */

static cril_status read_form(struct cril_data *d, struct cril_bytes s, size_t fields,
                             cril_error *err)
{
    const struct cril_bytes name = without_compression(d->path);

    if (s.len >= 3 && !memcmp(s.data, "\xEF\xBB\xBF", 3))
        s = (struct cril_bytes){s.data + 3, s.len - 3};
    if (cril_has_suffix(name.data, name.len, ".csv"))
        return read_rows(d, s, fields, err);
    if (cril_has_suffix(name.data, name.len, ".json"))
        return read_list(d, s, err);
    return read_lines(d, s, err);
}

cril_status cril_data_read(const char *path, const char *task, const char *expects, size_t fields,
                           struct cril_data *out, cril_error *err)
{
    struct cril_data d = {.task = task, .expects = expects};
    struct cril_str bytes = {0};
    cril_status st;

    if (!(d.path = malloc(strlen(path) + 1)))
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", path);
    strcpy(d.path, path);
    if ((st = read_bytes(&d, &bytes, err)) == CRIL_OK)
        st = read_form(&d, cril_str_bytes(&bytes), fields, err);
    if (st == CRIL_OK && !d.n)
        st = fault_of_line(&d, 1, err, "the file holds no record");
    free(bytes.data);
    if (st == CRIL_OK)
        *out = d;
    else
        cril_data_free(&d);
    return st;
}

void cril_data_free(struct cril_data *d)
{
    for (size_t i = 0; i < d->n; i++)
        json_decref(d->record[i].value);
    free(d->record);
    free(d->path);
    *d = (struct cril_data){0};
}

cril_status cril_data_sha256(const char *path, char hex[65], cril_error *err)
{
    struct cril_sha256 *h = NULL;
    struct cril_mapfile m = {0};
    cril_status st;

    if ((st = cril_mapfile_open(path, &m, err)) == CRIL_OK &&
        (st = cril_sha256_create(&h, err)) == CRIL_OK &&
        (st = cril_sha256_update_mapped(h, m.data, m.size, err)) == CRIL_OK)
        st = cril_sha256_final(h, hex, err);
    cril_sha256_free(h);
    cril_mapfile_close(&m);
    return st;
}
