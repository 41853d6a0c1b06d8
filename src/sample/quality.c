/*
 * A corpus by the quality of its documents (sample.h): a pass that checks the file before the long
 * work, a model's pass, the buckets, and a pass that writes.
 */
#include <cril/sample.h>

#include "gather/card.h"
#include "gather/writer.h"
#include "sample/twice.h"
#include "util/fail.h"

#include <cril/number.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 3, DIGITS = 9 };

static const char *const names[BUCKETS] = {"head", "middle", "tail"};

struct bucket {
    bool kept;
    uint64_t documents, characters;
    double lowest, highest; /* bits per character */
};

struct quality {
    const cril_quality_options *options;
    cril_scorer *scorer;
    struct cril_twice file;
    cril_result result;
    uint8_t *bucket_of; /* [result.documents] */
    struct bucket buckets[BUCKETS];
    struct cril_writer *writer;
};

const char *cril_quality_bucket(size_t i)
{
    return i < BUCKETS ? names[i] : NULL;
}

static cril_status no_memory(cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "out of memory for the quality of documents");
}

/* ---- the model ---- */

static cril_status check_file(struct quality *q, cril_error *err)
{
    struct cril_entry e;
    cril_status st;

    do {
        st = cril_twice_next(&q->file, &e, err);
    } while (st == CRIL_OK && e.text);
    return st;
}

static int on_progress(void *user, const cril_score_progress *p)
{
    const cril_quality_options *o = ((struct quality *)user)->options;

    return o->progress ? o->progress(o->user, p) : 0;
}

static cril_status score(struct quality *q, cril_error *err)
{
    const cril_corpus_options wanted = {.format = "jsonl", .strict = true};
    const cril_score_callbacks callbacks = {.user = q, .on_progress = on_progress};
    cril_corpus *c;
    cril_status st = cril_corpus_open(q->file.path, &wanted, &c, err);

    if (st != CRIL_OK)
        return st;
    st = cril_score_corpus(q->scorer, c, q->file.path, &callbacks, &q->result, err);
    cril_corpus_close(c);
    return st;
}

/* ---- the buckets ---- */

struct ranked {
    double bits; /* per character */
    uint64_t index;
};

static int by_bits(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;

    if (x->bits < y->bits || x->bits > y->bits)
        return x->bits < y->bits ? -1 : 1;
    return x->index < y->index ? -1 : 1;
}

static double bits_of(const cril_document_score *d)
{
    return d->nats / CRIL_LN2 / (double)d->characters;
}

static void put(struct quality *q, const struct ranked *r, size_t i)
{
    const uint64_t n = q->result.documents;
    const size_t at = (size_t)(i * BUCKETS / n);
    struct bucket *b = &q->buckets[at];

    q->bucket_of[r->index] = (uint8_t)at;
    if (!b->documents)
        b->lowest = r->bits;
    b->highest = r->bits;
    b->documents++;
    b->characters += q->result.per_document[r->index].characters;
}

static cril_status rank(struct quality *q, cril_error *err)
{
    const size_t n = (size_t)q->result.documents;
    struct ranked *order = calloc(n + 1, sizeof(*order));

    q->bucket_of = calloc(n + 1, 1);
    if (!order || !q->bucket_of) {
        free(order);
        return no_memory(err);
    }
    for (size_t i = 0; i < n; i++)
        order[i] = (struct ranked){bits_of(&q->result.per_document[i]), i};
    qsort(order, n, sizeof(*order), by_bits);
    for (size_t i = 0; i < n; i++)
        put(q, &order[i], i);
    free(order);
    return CRIL_OK;
}

static cril_status choose(struct quality *q, cril_error *err)
{
    const cril_quality_options *o = q->options;

    if (o->n_keep && CRIL_LACKS(err, o->keep))
        return CRIL_ERR_RANGE;
    for (size_t b = 0; b < BUCKETS; b++)
        q->buckets[b].kept = !o->n_keep;
    for (size_t i = 0; i < o->n_keep; i++) {
        size_t b = 0;

        while (b < BUCKETS && strcmp(o->keep[i], names[b]) != 0)
            b++;
        if (b == BUCKETS)
            return cril_fail(err, CRIL_ERR_RANGE,
                             "there is no bucket '%.40s'; they are head, middle and tail",
                             o->keep[i]);
        q->buckets[b].kept = true;
    }
    return CRIL_OK;
}

static uint64_t kept(const struct quality *q)
{
    uint64_t n = 0;

    for (size_t b = 0; b < BUCKETS; b++)
        n += q->buckets[b].kept ? q->buckets[b].documents : 0;
    return n;
}

/* ---- the corpus ---- */

static cril_status write_documents(struct quality *q, cril_error *err)
{
    struct cril_entry e;
    char bits[CRIL_NUMBER_SIZE];
    cril_status st;
    uint64_t i = 0;

    while ((st = cril_twice_next(&q->file, &e, err)) == CRIL_OK && e.text) {
        const cril_document_score *d = &q->result.per_document[i];

        if (i == q->result.documents || d->line != cril_entries_line(q->file.entries))
            return cril_fail(err, CRIL_ERR_MISMATCH, "%s: changed while it was read", q->file.path);
        e.field[CRIL_ENTRY_QUALITY] = names[q->bucket_of[i]];
        e.field[CRIL_ENTRY_BITS_PER_CHARACTER] = cril_number_write(bits, bits_of(d), DIGITS);
        if (q->buckets[q->bucket_of[i]].kept &&
            (st = cril_writer_add(q->writer, &e, err)) != CRIL_OK)
            return st;
        i++;
    }
    return st;
}

/* ---- the card ---- */

static json_t *rules_json(const struct quality *q)
{
    const cril_result *r = &q->result;
    const char *slash = strrchr(r->model_path, '/');
    json_t *keep = json_array(), *o;

    for (size_t b = 0; b < BUCKETS; b++) {
        if (q->buckets[b].kept && json_array_append_new(keep, json_string(names[b]))) {
            json_decref(keep);
            return NULL;
        }
    }
    o = json_pack("{s:s, s:{s:s, s:s, s:s}, s:s, s:I, s:I, s:i, s:o}", "kind", "quality", "model",
                  "file", slash && slash[1] ? slash + 1 : r->model_path, "name", r->model_name,
                  "sha256", r->model_sha256, "protocol", r->protocol, "context",
                  (json_int_t)r->context, "stride", (json_int_t)r->stride, "numerics", r->numerics,
                  "keep", keep);
    return o;
}

static json_t *buckets_json(const struct quality *q)
{
    json_t *list = json_array();
    bool good = true;

    for (size_t i = 0; i < BUCKETS; i++) {
        const struct bucket *b = &q->buckets[i];

        if (b->documents)
            good &= !json_array_append_new(
                list, json_pack("{s:s, s:I, s:I, s:f, s:f}", "name", names[i], "documents",
                                (json_int_t)b->documents, "characters", (json_int_t)b->characters,
                                "lowest", b->lowest, "highest", b->highest));
    }
    if (good)
        return list;
    json_decref(list);
    return NULL;
}

static json_t *steps_json(const struct quality *q)
{
    json_t *reasons = json_object();
    bool good = true;

    for (size_t b = 0; b < BUCKETS; b++)
        good &= !json_object_set_new(
            reasons, names[b],
            json_integer(q->buckets[b].kept ? 0 : (json_int_t)q->buckets[b].documents));
    if (!good) {
        json_decref(reasons);
        return NULL;
    }
    return json_pack(
        "[{s:s, s:s, s:I, s:I, s:i, s:o, s:o}]", "name", "quality", "what",
        "Documents were put into three buckets of equal numbers, by a model's bits per character.",
        "in", (json_int_t)q->result.documents, "out", (json_int_t)kept(q), "changed", 0, "reasons",
        reasons, "buckets", buckets_json(q));
}

static cril_status finish(struct quality *q, char **text, cril_error *err)
{
    struct cril_card card = {0};
    cril_status st = cril_writer_end(q->writer, &card.corpus, err);

    if (st != CRIL_OK)
        return st;
    card.rules = rules_json(q);
    card.source = json_pack("{s:s, s:[o]}", "dates", "as the card of the input says", "inputs",
                            cril_twice_json(&q->file));
    card.selection = json_object();
    card.steps = steps_json(q);
    *text = cril_card_text(&card);
    return *text ? CRIL_OK : no_memory(err);
}

/* ---- the whole ---- */

static cril_status run(struct quality *q, const cril_gather_sink *sink, char **card,
                       cril_error *err)
{
    cril_status st = choose(q, err);

    if (st != CRIL_OK || (st = cril_twice_open(&q->options->input, &q->file, err)) != CRIL_OK ||
        (st = check_file(q, err)) != CRIL_OK || (st = score(q, err)) != CRIL_OK ||
        (st = rank(q, err)) != CRIL_OK)
        return st;
    if (!kept(q))
        return cril_fail(err, CRIL_ERR_EMPTY, "%s: has too few documents: those buckets are empty",
                         q->file.path);
    if ((st = cril_writer_create(sink, &q->writer, err)) == CRIL_OK &&
        (st = write_documents(q, err)) == CRIL_OK)
        st = finish(q, card, err);
    return st;
}

cril_status cril_quality(cril_scorer *s, const cril_quality_options *options,
                         const cril_gather_sink *sink, char **card, cril_error *err)
{
    struct quality q = {.options = options, .scorer = s};
    cril_status st;

    if (CRIL_LACKS(err, s, options, sink, card) || CRIL_LACKS(err, sink->write))
        return CRIL_ERR_RANGE;
    if (strcmp(cril_scorer_protocol_name(s), "document") != 0)
        return cril_fail(err, CRIL_ERR_RANGE,
                         "quality is by the protocol 'document', in which documents stand alone");
    st = run(&q, sink, card, err);
    cril_twice_close(&q.file);
    cril_result_free(&q.result);
    cril_writer_free(q.writer);
    free(q.bucket_of);
    return st;
}
