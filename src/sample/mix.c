/*
 * A mix of corpora (sample.h). A first pass over the inputs notes a hash of each document and its
 * characters, 24 bytes; the hashes, sorted, are the order in which documents are taken, and have
 * equal texts side by side. A second pass writes what was chosen.
 */
#include <cril/sample.h>

#include "gather/card.h"
#include "gather/writer.h"
#include "sample/exclusion.h"
#include "sample/twice.h"
#include "util/fail.h"
#include "util/hash.h"
#include "util/size.h"
#include "util/xxh64.h"

#include <cril/corpus.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { HEX = 64, HEAD = 16, BETWEEN = 64 };

/* key and head tell texts apart: 128 bits of hashes. */
struct document {
    uint64_t key;  /* XXH64 of the SHA-256 in hex, seeded */
    uint64_t head; /* the first bits of the SHA-256 */
    uint32_t position, characters;
};

_Static_assert(sizeof(struct document) == 24, "the documentation says 24 bytes a document");

struct input {
    struct cril_twice file;
    uint32_t first;            /* position of its first document */
    uint64_t again, available; /* documents whose text was there before; characters of others */
    uint64_t documents, sum;   /* taken */
    bool is_full;
};

struct mix {
    const cril_mix_options *options;
    struct input *inputs; /* [options->n_inputs] */
    uint64_t share;
    struct document *list; /* [n] */
    size_t n, size;
    uint32_t n_positions; /* documents of all inputs */
    uint8_t *chosen;      /* a bit a position */
    struct cril_exclusion *exclusion;
    uint64_t excluded;
    struct cril_writer *writer;
};

static cril_status no_memory(cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "out of memory for a mix of corpora");
}

/* ---- progress ---- */

static int report(const struct mix *m, const char *phase, size_t at, unsigned pass)
{
    const double of = (double)m->options->n_inputs;
    const cril_gather_progress p = {
        .phase = phase,
        .input = m->inputs[at].file.path,
        .fraction = (pass + ((double)at + cril_twice_fraction(&m->inputs[at].file)) / of) / 2,
        .documents = m->inputs[at].file.documents};

    return m->options->progress ? m->options->progress(m->options->user, &p) : 0;
}

static bool is_stopped(const struct mix *m, const char *phase, size_t at, unsigned pass)
{
    return m->inputs[at].file.documents % BETWEEN == 1 && report(m, phase, at, pass) != 0;
}

static cril_status stopped(cril_error *err)
{
    return cril_fail(err, CRIL_ERR_CANCELLED, "stopped");
}

/* ---- the first pass ---- */

static cril_status note(struct mix *m, const struct cril_entry *e, cril_error *err)
{
    char sha256[HEX + 1], head[HEAD + 1] = "";
    struct document *d;
    cril_status st = cril_sha256_of(e->text, e->len, sha256, err);

    if (st != CRIL_OK)
        return st;
    if (!(d = cril_size_grow(m->list, &m->size, m->n, 1, sizeof(*d))))
        return no_memory(err);
    m->list = d;
    memcpy(head, sha256, HEAD);
    d[m->n++] = (struct document){.key = cril_xxh64(sha256, HEX, m->options->seed),
                                  .head = strtoull(head, NULL, 16),
                                  .position = m->n_positions,
                                  .characters = (uint32_t)cril_count_characters(e->text, e->len)};
    return CRIL_OK;
}

static cril_status look(struct mix *m, size_t at, cril_error *err)
{
    struct input *in = &m->inputs[at];
    struct cril_entry e;
    bool excluded;
    cril_status st;

    in->first = m->n_positions;
    while ((st = cril_twice_next(&in->file, &e, err)) == CRIL_OK && e.text) {
        if (m->n_positions == UINT32_MAX)
            return cril_fail(err, CRIL_ERR_UNSUPPORTED, "%s: more than 2^32 - 2 documents in all",
                             in->file.path);
        if ((st = cril_exclusion_ask(m->exclusion, e.text, e.len, &excluded, err)) != CRIL_OK)
            return st;
        m->excluded += excluded;
        if (!excluded && (st = note(m, &e, err)) != CRIL_OK)
            return st;
        m->n_positions++;
        if (is_stopped(m, "reading", at, 0))
            return stopped(err);
    }
    return st;
}

/* ---- the choice ---- */

static int by_hash(const void *a, const void *b)
{
    const struct document *x = a, *y = b;

    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    if (x->head != y->head)
        return x->head < y->head ? -1 : 1;
    return x->position < y->position ? -1 : 1;
}

/* Whose document it is. */
static struct input *input_of(const struct mix *m, uint32_t position)
{
    size_t i = m->options->n_inputs - 1;

    while (m->inputs[i].first > position)
        i--;
    return &m->inputs[i];
}

static void offer(struct mix *m, struct input *in, const struct document *d)
{
    const uint64_t missing = m->share - in->sum;
    const bool crosses = d->characters > missing,
               take = !in->is_full && (!crosses || d->characters - missing < missing);

    in->available += d->characters;
    if (take) {
        m->chosen[d->position / 8] |= (uint8_t)(1 << d->position % 8);
        in->documents++;
        in->sum += d->characters;
    }
    in->is_full |= crosses || in->sum >= m->share;
}

static cril_status choose(struct mix *m, cril_error *err)
{
    if (!(m->chosen = calloc((size_t)m->n_positions / 8 + 1, 1)))
        return no_memory(err);
    if (m->n)
        qsort(m->list, m->n, sizeof(*m->list), by_hash);
    for (size_t i = 0; i < m->n; i++) {
        const struct document *d = &m->list[i];
        struct input *in = input_of(m, d->position);

        if (i && d[-1].key == d->key && d[-1].head == d->head)
            in->again++;
        else
            offer(m, in, d);
    }
    for (size_t i = 0; i < m->options->n_inputs; i++) {
        const struct input *in = &m->inputs[i];

        if (in->available < m->share)
            return cril_fail(err, CRIL_ERR_RANGE,
                             "%s: has %" PRIu64 " characters, fewer than its share of %" PRIu64,
                             in->file.path, in->available, m->share);
        if (!in->documents)
            return cril_fail(err, CRIL_ERR_RANGE,
                             "%s: nothing is taken: the first document by hash has more than twice "
                             "its share of %" PRIu64 " characters; mix more",
                             in->file.path, m->share);
    }
    return CRIL_OK;
}

/* ---- the second pass ---- */

static cril_status write_chosen(struct mix *m, size_t at, cril_error *err)
{
    struct input *in = &m->inputs[at];
    uint32_t position = in->first;
    struct cril_entry e;
    cril_status st;

    /* A file that has grown is found out at its end. */
    while ((st = cril_twice_next(&in->file, &e, err)) == CRIL_OK && e.text) {
        const bool chosen =
            position < m->n_positions && m->chosen[position / 8] >> position % 8 & 1;

        if (chosen && (st = cril_writer_add(m->writer, &e, err)) != CRIL_OK)
            return st;
        position++;
        if (is_stopped(m, "writing", at, 1))
            return stopped(err);
    }
    return st;
}

/* ---- the card ---- */

static json_t *rules_json(const struct mix *m)
{
    const cril_mix_options *o = m->options;
    json_t *tasks = o->n_exclude_items ? json_array() : NULL;

    for (size_t i = 0; i < o->n_exclude_items; i++)
        json_array_append_new(tasks, json_string(o->exclude_items[i]));
    if (json_array_size(tasks) != o->n_exclude_items) {
        json_decref(tasks);
        return NULL;
    }
    return json_pack("{s:s, s:I, s:I, s:o*}", "kind", "mix", "characters",
                     (json_int_t)o->characters, "seed", (json_int_t)o->seed, "exclude_items",
                     tasks);
}

static json_t *input_json(const struct input *in)
{
    json_t *o = cril_twice_json(&in->file), *card = json_incref(json_object_get(o, "card"));

    /* The card comes last: it is long. */
    if (!o || json_object_del(o, "card") ||
        json_object_set_new(o, "taken_documents", json_integer((json_int_t)in->documents)) ||
        json_object_set_new(o, "taken_characters", json_integer((json_int_t)in->sum)) ||
        json_object_set(o, "card", card)) {
        json_decref(o);
        o = NULL;
    }
    json_decref(card);
    return o;
}

static json_t *source_json(const struct mix *m)
{
    json_t *inputs = json_array(), *items = NULL;

    for (size_t i = 0; i < m->options->n_inputs; i++)
        json_array_append_new(inputs, input_json(&m->inputs[i]));
    if (json_array_size(inputs) != m->options->n_inputs ||
        (m->exclusion && !(items = cril_exclusion_json(m->exclusion)))) {
        json_decref(inputs);
        return NULL;
    }
    return json_pack("{s:s, s:o, s:o*}", "dates", "as the cards of the inputs say", "inputs",
                     inputs, "items", items);
}

static json_t *step_json(const char *name, const char *what, uint64_t in, uint64_t out,
                         json_t *reasons)
{
    return json_pack("{s:s, s:s, s:I, s:I, s:i, s:o}", "name", name, "what", what, "in",
                     (json_int_t)in, "out", (json_int_t)out, "changed", 0, "reasons", reasons);
}

static json_t *steps_json(const struct mix *m)
{
    uint64_t n = m->n_positions, again = 0, taken = 0;
    json_t *steps = json_array();
    bool good = true;

    for (size_t i = 0; i < m->options->n_inputs; i++) {
        again += m->inputs[i].again;
        taken += m->inputs[i].documents;
    }
    if (m->exclusion) {
        good &= !json_array_append_new(
            steps,
            step_json(
                "exclude_items",
                "Documents were dropped that share 13 words in a row with an item of a benchmark.",
                n, n - m->excluded, cril_exclusion_counts(m->exclusion)));
        n -= m->excluded;
    }
    good &= !json_array_append_new(
        steps,
        step_json("same_text",
                  "Documents were dropped whose text came before, in this input or an earlier one.",
                  n, n - again, json_pack("{s:I}", "seen_before", (json_int_t)again)));
    n -= again;
    good &= !json_array_append_new(
        steps,
        step_json(
            "share",
            "Documents were taken in the order of their hashes, equal characters of each input.", n,
            taken, json_pack("{s:I}", "beyond_share", (json_int_t)(n - taken))));
    if (good)
        return steps;
    json_decref(steps);
    return NULL;
}

static cril_status finish(struct mix *m, char **text, cril_error *err)
{
    struct cril_card card = {0};
    cril_status st = cril_writer_end(m->writer, &card.corpus, err);

    if (st != CRIL_OK)
        return st;
    card.rules = rules_json(m);
    card.source = source_json(m);
    card.selection = json_object();
    card.steps = steps_json(m);
    *text = cril_card_text(&card);
    return *text ? CRIL_OK : no_memory(err);
}

/* ---- the whole ---- */

static cril_status open_inputs(struct mix *m, cril_error *err)
{
    const cril_mix_options *o = m->options;
    cril_status st = CRIL_OK;

    if (!(m->inputs = calloc(o->n_inputs, sizeof(*m->inputs))))
        return no_memory(err);
    for (size_t i = 0; i < o->n_inputs && st == CRIL_OK; i++)
        st = cril_twice_open(&o->inputs[i], &m->inputs[i].file, err);
    return st;
}

static cril_status run(struct mix *m, const cril_gather_sink *sink, char **card, cril_error *err)
{
    const cril_mix_options *o = m->options;
    cril_status st = open_inputs(m, err);

    if (st == CRIL_OK)
        st = cril_exclusion_create(o->exclude_items, o->n_exclude_items, o->data, &m->exclusion,
                                   err);
    for (size_t i = 0; i < o->n_inputs && st == CRIL_OK; i++)
        st = look(m, i, err);
    if (st == CRIL_OK && (st = choose(m, err)) == CRIL_OK)
        st = cril_writer_create(sink, &m->writer, err);
    for (size_t i = 0; i < o->n_inputs && st == CRIL_OK; i++)
        st = write_chosen(m, i, err);
    return st == CRIL_OK ? finish(m, card, err) : st;
}

static void release(struct mix *m)
{
    for (size_t i = 0; m->inputs && i < m->options->n_inputs; i++)
        cril_twice_close(&m->inputs[i].file);
    cril_exclusion_free(m->exclusion);
    cril_writer_free(m->writer);
    free(m->inputs);
    free(m->list);
    free(m->chosen);
}

cril_status cril_mix(const cril_mix_options *options, const cril_gather_sink *sink, char **card,
                     cril_error *err)
{
    struct mix m = {.options = options};
    cril_status st;

    if (CRIL_LACKS(err, options, sink, card) || CRIL_LACKS(err, sink->write))
        return CRIL_ERR_RANGE;
    if (!options->n_inputs)
        return cril_fail(err, CRIL_ERR_RANGE, "there is no input");
    if (CRIL_LACKS(err, options->inputs))
        return CRIL_ERR_RANGE;
    m.share = options->characters / options->n_inputs;
    if (!m.share || options->characters > INT64_MAX || options->seed > INT64_MAX)
        return cril_fail(err, CRIL_ERR_RANGE,
                         "a mix needs a number of characters, at least one of each input, and a "
                         "seed, both below 2^63");
    st = run(&m, sink, card, err);
    release(&m);
    return st;
}
