/* A corpus of entries: see entries.h. */
#include "gather/entries.h"

#include "corpus/stream.h"
#include "util/fail.h"
#include "util/hash.h"
#include "util/size.h"

#include <cril/number.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LINE = 1 << 30, DIGITS = 9 };

struct cril_entries {
    const char *path;
    struct cril_stream *stream;
    struct cril_sha256 *hash;
    struct cril_buffer line;
    json_t *record; /* of the last line */
    uint64_t n_line;
    bool any;
    char id[24], bits[CRIL_NUMBER_SIZE]; /* texts of entry fields that are numbers in the line */
};

cril_status cril_entries_open(const char *path, struct cril_entries **out, cril_error *err)
{
    struct cril_entries *r = calloc(1, sizeof(*r));
    cril_status st;

    if (!r)
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", path);
    r->path = path;
    if ((st = cril_sha256_create(&r->hash, err)) == CRIL_OK)
        st = cril_stream_open(path, r->hash, &r->stream, err);
    if (st == CRIL_OK)
        *out = r;
    else
        cril_entries_close(r);
    return st;
}

void cril_entries_close(struct cril_entries *r)
{
    if (!r)
        return;
    cril_stream_close(r->stream);
    cril_sha256_free(r->hash);
    json_decref(r->record);
    free(r->line.data);
    free(r);
}

static cril_status append(struct cril_entries *r, const char *data, size_t n, cril_error *err)
{
    char *grown;

    if (n > MAX_LINE - r->line.len)
        return cril_fail(err, CRIL_ERR_UNSUPPORTED, "%s: line %llu has more than 1 GiB", r->path,
                         (unsigned long long)r->n_line);
    if (!(grown = cril_size_grow(r->line.data, &r->line.cap, r->line.len, n, 1)))
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory for line %llu", r->path,
                         (unsigned long long)r->n_line);
    r->line.data = grown;
    memcpy(grown + r->line.len, data, n);
    r->line.len += n;
    return CRIL_OK;
}

/* The next line without its end; *end: there is none. */
static cril_status read_line(struct cril_entries *r, bool *end, cril_error *err)
{
    const char *data, *stop = NULL;
    size_t n;
    cril_status st;

    r->line.len = 0;
    r->n_line++;
    while (!stop) {
        if ((st = cril_stream_peek(r->stream, 1, &data, &n, err)) != CRIL_OK)
            return st;
        if (!n)
            break;
        stop = memchr(data, '\n', n);
        if ((st = append(r, data, stop ? (size_t)(stop - data) : n, err)) != CRIL_OK)
            return st;
        cril_stream_skip(r->stream, stop ? (size_t)(stop - data) + 1 : n);
    }
    *end = !stop && !r->line.len;
    return CRIL_OK;
}

/* Other names of fields, and where they stand. */
static const char *find_elsewhere(const json_t *record, enum cril_entry_field field)
{
    static const char *const others[CRIL_ENTRY_FIELDS] = {
        [CRIL_ENTRY_ADDRESS] = "url", [CRIL_ENTRY_LICENCE] = "license"};
    const json_t *metadata = json_object_get(record, "metadata");
    const char *found = json_string_value(json_object_get(metadata, cril_entry_names[field]));

    if (!found && others[field])
        found = json_string_value(json_object_get(record, others[field]));
    if (!found && others[field])
        found = json_string_value(json_object_get(metadata, others[field]));
    return found;
}

static void take_fields(struct cril_entries *r, const char **field)
{
    const json_t *bits;

    for (size_t i = 0; i < CRIL_ENTRY_FIELDS; i++)
        field[i] = json_string_value(json_object_get(r->record, cril_entry_names[i]));
    for (enum cril_entry_field i = 0; i < CRIL_ENTRY_FIELDS && r->any; i++)
        field[i] = field[i] ? field[i] : find_elsewhere(r->record, i);
    bits = json_object_get(r->record, cril_entry_names[CRIL_ENTRY_BITS_PER_CHARACTER]);
    field[CRIL_ENTRY_BITS_PER_CHARACTER] =
        json_is_number(bits) ? cril_number_write(r->bits, json_number_value(bits), DIGITS) : NULL;
    if (!field[CRIL_ENTRY_ID] && r->any) {
        snprintf(r->id, sizeof(r->id), "%" PRIu64, r->n_line);
        field[CRIL_ENTRY_ID] = r->id;
    }
}

static cril_status take(struct cril_entries *r, struct cril_entry *e, cril_error *err)
{
    const json_t *content = json_object_get(r->record, "content");

    if (!content && r->any)
        content = json_object_get(r->record, "text");
    take_fields(r, e->field);
    if (!e->field[CRIL_ENTRY_ID] || !json_is_string(content)) {
        *e = (struct cril_entry){0};
        return cril_fail(err, CRIL_ERR_FORMAT,
                         r->any ? "%s: line %llu lacks a text \"content\" or \"text\""
                                : "%s: line %llu is no document of a corpus that 'cril corpus' "
                                  "made: it lacks a text \"id\" or \"content\"",
                         r->path, (unsigned long long)r->n_line);
    }
    e->text = json_string_value(content);
    e->len = json_string_length(content);
    return CRIL_OK;
}

void cril_entries_allow_any(struct cril_entries *r)
{
    r->any = true;
}

uint64_t cril_entries_line(const struct cril_entries *r)
{
    return r->n_line;
}

static bool is_blank(const struct cril_buffer *line)
{
    size_t i = 0;

    while (i < line->len && strchr(" \t\r", line->data[i]) && line->data[i])
        i++;
    return i == line->len;
}

cril_status cril_entries_next(struct cril_entries *r, struct cril_entry *e, cril_error *err)
{
    json_error_t where;
    bool end;
    cril_status st;

    *e = (struct cril_entry){0};
    do {
        st = read_line(r, &end, err);
    } while (st == CRIL_OK && !end && r->any && is_blank(&r->line));
    if (st != CRIL_OK || end)
        return st;
    json_decref(r->record);
    if (!(r->record = json_loadb(r->line.data, r->line.len, JSON_ALLOW_NUL, &where)))
        return cril_fail(err, CRIL_ERR_FORMAT, "%s: line %llu is no JSON object: %s", r->path,
                         (unsigned long long)r->n_line, where.text);
    return take(r, e, err);
}

cril_status cril_entries_sha256(struct cril_entries *r, char hex[65], cril_error *err)
{
    const cril_status st = cril_stream_drain(r->stream, err);

    return st == CRIL_OK ? cril_sha256_final(r->hash, hex, err) : st;
}

uint64_t cril_entries_size(const struct cril_entries *r)
{
    return cril_stream_size(r->stream);
}

uint64_t cril_entries_taken(const struct cril_entries *r)
{
    return cril_stream_taken(r->stream);
}
