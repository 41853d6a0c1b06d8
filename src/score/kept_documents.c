/* A line is a JSON array of numbers, one for each field of a document. */
#include "score/kept_documents.h"

#include "model/model.h"
#include "score/layout.h"
#include "score/scorer.h"
#include "util/fail.h"
#include "util/hash.h"
#include "util/json.h"
#include "util/kept_lines.h"
#include "util/size.h"

#include <cril/number.h>
#include <cril/tokenizer.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_BYTES = 320, KEY_BYTES = 768 };

/* Beside nats, in the order of a line. */
static const size_t counts[] = {
    offsetof(cril_document_score, index),
    offsetof(cril_document_score, line),
    offsetof(cril_document_score, tokens),
    offsetof(cril_document_score, scored_tokens),
    offsetof(cril_document_score, characters),
    offsetof(cril_document_score, bytes),
    offsetof(cril_document_score, unspelled_characters),
    offsetof(cril_document_score, escape_bytes),
    offsetof(cril_document_score, forward_tokens),
};
enum { N_COUNTS = sizeof(counts) / sizeof(*counts) };

/* ---- The key ---- */

/* What, beside the corpus's bytes, decides which texts its documents are. */
static cril_status hash_options(const char *path, const cril_corpus_options *o, char hex[65],
                                cril_error *err)
{
    const char *const parts[] = {path, o && o->field ? o->field : "content",
                                 o && o->prompt_field ? o->prompt_field : "",
                                 o && o->format ? o->format : ""};
    struct cril_sha256 *h;
    cril_status st = cril_sha256_create(&h, err);

    if (st != CRIL_OK)
        return st;
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts) && st == CRIL_OK; i++)
        st = cril_sha256_update(h, parts[i], strlen(parts[i]) + 1, err);
    if (st == CRIL_OK)
        st = cril_sha256_final(h, hex, err);
    cril_sha256_free(h);
    return st;
}

static cril_status make_key(const cril_scorer *s, const char *path, const char *corpus_sha256,
                            const cril_corpus_options *corpus, char key[KEY_BYTES], cril_error *err)
{
    const struct cril_layout *const l = cril_scorer_layout(s);
    const cril_unicode unicode = cril_unicode_here();
    char model[65], options[65];
    cril_status st = cril_model_sha256(cril_scorer_model(s), model, err);

    if (st == CRIL_OK)
        st = hash_options(path, corpus, options, err);
    if (st != CRIL_OK)
        return st;
    snprintf(key, KEY_BYTES,
             "{\"journal\":\"cril score 1\",\"model\":\"%s\",\"corpus\":\"%s\",\"options\":\"%s\","
             "\"protocol\":\"%s\",\"context\":%zu,\"stride\":%zu,\"numerics\":%d,\"rules\":%d,"
             "\"unicode\":[\"%s\",\"%s\"]}",
             model, corpus_sha256, options, cril_scorer_protocol(s)->name, l->context, l->stride,
             CRIL_NUMERICS, CRIL_RULES, unicode.pcre2, unicode.utf8proc);
    return CRIL_OK;
}

/* ---- Lines ---- */

static uint64_t *count_at(const cril_document_score *d, size_t i)
{
    return (uint64_t *)((char *)(uintptr_t)d + counts[i]);
}

/* Length of the line, without its end. */
static size_t print_line(const cril_document_score *d, char line[LINE_BYTES])
{
    char nats[CRIL_NUMBER_SIZE];
    int n = snprintf(line, LINE_BYTES, "[%s,\"%016" PRIx64 "\"",
                     cril_number_write(nats, d->nats, CRIL_NUMBER_EXACT), d->token_ids);

    for (size_t i = 0; i < N_COUNTS; i++)
        n += snprintf(line + n, LINE_BYTES - (size_t)n, ",%" PRIu64, *count_at(d, i));
    n += snprintf(line + n, LINE_BYTES - (size_t)n, "]");
    return (size_t)n;
}

static bool read_line(const json_t *list, cril_document_score *d)
{
    const json_t *nats = json_array_get(list, 0);
    const char *ids = json_string_value(json_array_get(list, 1));
    char *end;

    if (json_array_size(list) != N_COUNTS + 2 || !json_is_number(nats) || !ids || strlen(ids) != 16)
        return false;
    d->nats = cril_json_number(nats);
    d->token_ids = strtoull(ids, &end, 16);
    for (size_t i = 0; i < N_COUNTS; i++) {
        const json_t *v = json_array_get(list, i + 2);

        if (!json_is_integer(v) || json_integer_value(v) < 0)
            return false;
        *count_at(d, i) = (uint64_t)json_integer_value(v);
    }
    return !*end && isfinite(d->nats) && d->nats >= 0 && d->scored_tokens <= d->tokens &&
           d->characters <= d->bytes;
}

static bool append(struct cril_kept_documents *k, const cril_document_score *d)
{
    cril_document_score *rows = cril_size_grow(k->rows, &k->size, k->n, 1, sizeof(*rows));

    if (!rows)
        return false;
    k->rows = rows;
    rows[k->n++] = *d;
    return true;
}

static bool take(void *user, const char *line, size_t len, uint64_t at)
{
    struct cril_kept_documents *k = user;
    cril_document_score d = {0};
    json_t *parsed = NULL;
    bool good;

    (void)at;
    if (cril_json_parse("", (const uint8_t *)line, len, &parsed, NULL) != CRIL_OK)
        return false;
    good = read_line(parsed, &d);
    json_decref(parsed);
    if (good && !append(k, &d))
        k->no_memory = true;
    return good;
}

/* ---- What others see ---- */

static cril_status no_memory(cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "out of memory for finished documents");
}

cril_status cril_kept_documents_open(struct cril_kept_documents *k, const cril_scorer *s,
                                     const char *corpus_path, const char *corpus_sha256,
                                     const cril_corpus_options *corpus, bool fresh, cril_error *err)
{
    char key[KEY_BYTES];
    cril_status st = make_key(s, corpus_path, corpus_sha256, corpus, key, err);

    if (st == CRIL_OK)
        st = cril_kept_lines_open("score", key, fresh, take, k, &k->lines, err);
    if (st == CRIL_OK && k->no_memory)
        st = no_memory(err);
    if (st == CRIL_OK)
        cril_kept_documents_sort(k);
    return st;
}

cril_status cril_kept_documents_add(struct cril_kept_documents *k, const cril_document_score *d,
                                    cril_error *err)
{
    char line[LINE_BYTES];
    const size_t len = print_line(d, line);
    uint64_t at;

    if (!append(k, d))
        return no_memory(err);
    return k->lines ? cril_kept_lines_add(k->lines, line, len, &at, err) : CRIL_OK;
}

static int by_index(const void *a, const void *b)
{
    const cril_document_score *x = a, *y = b;

    return (x->index > y->index) - (x->index < y->index);
}

void cril_kept_documents_sort(struct cril_kept_documents *k)
{
    if (k->n)
        qsort(k->rows, k->n, sizeof(*k->rows), by_index);
}

const cril_document_score *cril_kept_documents_find(const struct cril_kept_documents *k,
                                                    uint64_t index)
{
    const cril_document_score key = {.index = index};

    return k->n ? bsearch(&key, k->rows, k->n, sizeof(*k->rows), by_index) : NULL;
}

void cril_kept_documents_free(struct cril_kept_documents *k)
{
    cril_kept_lines_close(k->lines);
    free(k->rows);
    *k = (struct cril_kept_documents){0};
}
