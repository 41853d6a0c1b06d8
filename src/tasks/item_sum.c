/*
 * What lines say of a task (doc/eval.md, "Figures"). Lines are kept as a few numbers each, under
 * subject and place in the data file, and added up in that order: sums have the same bits in
 * whatever order lines came.
 */
#include "tasks/evaluate.h"
#include "tasks/item_lines.h"
#include "tasks/places.h"
#include "util/arena.h"
#include "util/fail.h"
#include "util/hash.h"
#include "util/json.h"
#include "util/size.h"

#include <cril/score.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    const char *subject;
    uint64_t index, print; /* print: of the whole line */
    struct cril_line_figures figures;
    bool is_cut;
};

struct cril_evaluation_sum {
    const struct cril_evaluation *e;
    struct cril_arena names;
    struct entry *entries; /* [n] as they came */
    size_t n, capacity;
    size_t *slots; /* [n_slots] a hash table: 1 + an entry; 0: free */
    size_t n_slots;
    struct cril_places places;
    cril_eval_score *scores;
    const char *first_error; /* NULL: there is none */
    cril_eval_reference reference;
};

static cril_status no_memory(cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "out of memory while an evaluation is added up");
}

/* ---- Places ---- */

/* The slot of an entry, or the free one where it would stand. */
static size_t *find_slot(const struct cril_evaluation_sum *s, const char *subject, uint64_t index)
{
    const uint64_t hash = cril_hash_bytes(CRIL_HASH_START, &index, sizeof(index));
    size_t at = (size_t)cril_hash_bytes(hash, subject, strlen(subject)) & (s->n_slots - 1);

    for (; s->slots[at]; at = (at + 1) & (s->n_slots - 1)) {
        const struct entry *e = &s->entries[s->slots[at] - 1];

        if (e->index == index && strcmp(e->subject, subject) == 0)
            break;
    }
    return &s->slots[at];
}

/* Room for one entry more, with half of the table free. */
static cril_status make_room(struct cril_evaluation_sum *s, cril_error *err)
{
    struct entry *entries = cril_size_grow(s->entries, &s->capacity, s->n, 1, sizeof(*entries));
    size_t *slots, n_slots = s->n_slots ? s->n_slots : 1024;

    if (!entries)
        return no_memory(err);
    s->entries = entries;
    if (2 * (s->n + 1) <= s->n_slots)
        return CRIL_OK;
    while (n_slots < 4 * (s->n + 1))
        n_slots *= 2;
    if (!(slots = calloc(n_slots, sizeof(*slots))))
        return no_memory(err);
    free(s->slots);
    s->slots = slots;
    s->n_slots = n_slots;
    for (size_t i = 0; i < s->n; i++)
        *find_slot(s, entries[i].subject, entries[i].index) = i + 1;
    return CRIL_OK;
}

/* ---- Lines ---- */

static cril_status wrong(const struct cril_evaluation_sum *s, const char *what, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_FORMAT, "a line of an evaluation of %s %s", s->e->name, what);
}

static bool is_text(const json_t *line, const char *key, const char *wanted)
{
    const char *text = json_string_value(json_object_get(line, key));

    return text && strcmp(text, wanted) == 0;
}

static bool belongs(const struct cril_evaluation_sum *s, const char *subject, uint64_t index)
{
    return !s->places.n || cril_places_find(&s->places, subject, index) != SIZE_MAX;
}

static bool has_cut(const json_t *line)
{
    const json_t *choice;
    size_t i;

    json_array_foreach(json_object_get(line, "choices"), i,
                       choice) if (json_object_get(choice, "cut")) return true;
    return json_object_get(line, "cut");
}

static cril_status read_entry(const struct cril_evaluation_sum *s, const json_t *line,
                              struct entry *e, cril_error *err)
{
    const char *fault;

    if (!is_text(line, "task", s->e->name) || !is_text(line, "protocol", s->e->settings.name))
        return wrong(s, "is of another task or protocol", err);
    *e = (struct entry){.is_cut = has_cut(line)};
    if (!cril_line_place(line, &e->subject, &e->index))
        return wrong(s, "has no subject or index", err);
    fault = cril_line_figures_read(line, s->e->settings.protocol.metric, &e->figures);
    return fault ? wrong(s, fault, err) : CRIL_OK;
}

static void compare_nats(cril_eval_reference *r, const json_t *of)
{
    const json_t *ours = json_object_get(of, "nats"),
                 *theirs = json_object_get(of, "reference_nats");
    const double difference = fabs(json_number_value(ours) - json_number_value(theirs));

    if (!ours || !theirs)
        return;
    r->n_nats++;
    if (difference > r->largest)
        r->largest = difference;
}

static void compare_reference(cril_eval_reference *r, const json_t *line)
{
    const json_t *text = json_object_get(line, "reference_text"), *choice;
    size_t i;

    compare_nats(r, line);
    json_array_foreach(json_object_get(line, "choices"), i, choice) compare_nats(r, choice);
    if (text) {
        r->n_texts++;
        r->equal += json_equal(text, json_object_get(line, "text")) != 0;
    }
}

/* False: out of memory. */
static bool keep_error(struct cril_evaluation_sum *s, const json_t *error)
{
    if (!s->first_error && json_is_string(error))
        s->first_error =
            cril_arena_text(&s->names, json_string_value(error), json_string_length(error));
    return s->first_error || !json_is_string(error);
}

/* line is parsed. */
static cril_status add(struct cril_evaluation_sum *s, const json_t *line, uint64_t print,
                       cril_error *err)
{
    struct entry e;
    size_t *slot;
    cril_status st = read_entry(s, line, &e, err);

    if (st != CRIL_OK || (st = make_room(s, err)) != CRIL_OK)
        return st;
    if (!belongs(s, e.subject, e.index))
        return wrong(s, "is of an item that the data do not have", err);
    e.print = print;
    slot = find_slot(s, e.subject, e.index);
    if (*slot)
        return s->entries[*slot - 1].print == print
                   ? CRIL_OK
                   : wrong(s, "is there twice, with other figures", err);
    if (!(e.subject = cril_arena_text(&s->names, e.subject, strlen(e.subject))) ||
        !keep_error(s, json_object_get(line, "error")))
        return no_memory(err);
    s->entries[s->n++] = e;
    *slot = s->n;
    compare_reference(&s->reference, line);
    return CRIL_OK;
}

cril_status cril_evaluation_sum_add(struct cril_evaluation_sum *s, const char *line, size_t len,
                                    cril_error *err)
{
    json_t *parsed;
    cril_status st = cril_json_parse(s->e->name, (const uint8_t *)line, len, &parsed, err);

    if (st != CRIL_OK)
        return st;
    st = json_is_object(parsed) ? add(s, parsed, cril_hash_bytes(CRIL_HASH_START, line, len), err)
                                : wrong(s, "is no object", err);
    json_decref(parsed);
    return st;
}

/* ---- Creating ---- */

cril_status cril_evaluation_sum_create(const struct cril_evaluation *e,
                                       struct cril_evaluation_sum **out, cril_error *err)
{
    struct cril_evaluation_sum *s = calloc(1, sizeof(*s));
    cril_status st;

    if (!s)
        return no_memory(err);
    s->e = e;
    if ((st = cril_places_init(&s->places, &e->items, err)) != CRIL_OK) {
        cril_evaluation_sum_free(s);
        return st;
    }
    *out = s;
    return CRIL_OK;
}

void cril_evaluation_sum_free(struct cril_evaluation_sum *s)
{
    if (!s)
        return;
    cril_arena_free(&s->names);
    free(s->entries);
    free(s->slots);
    cril_places_free(&s->places);
    free(s->scores);
    free(s);
}

/* ---- Scores ---- */

static int by_place(const void *a, const void *b)
{
    const struct entry *x = *(struct entry *const *)a, *y = *(struct entry *const *)b;
    const int order = strcmp(x->subject, y->subject);

    return order ? order : (x->index > y->index) - (x->index < y->index);
}

/* Entries [n] of a subject, or all. */
static void score(struct entry *const *entries, size_t n, cril_eval_score *out)
{
    double sum = 0, squares = 0, rates = 0, nats = 0, bytes = 0;

    for (size_t i = 0; i < n; i++) {
        const struct cril_line_figures *e = &entries[i]->figures;

        out->items++;
        out->errors += e->is_error;
        out->unjudged += e->is_unjudged;
        out->cut += entries[i]->is_cut;
        if (!isnan(e->value)) {
            out->scored++;
            sum += e->value;
        }
        if (!isnan(e->nats)) {
            out->gold_items++;
            rates += e->nats / CRIL_LN2 / (double)e->bytes;
            nats += e->nats;
            bytes += (double)e->bytes;
        }
    }
    out->score = sum / (double)out->scored; /* NaN of none */
    for (size_t i = 0; i < n; i++) {
        const double d = entries[i]->figures.value - out->score;

        squares += isnan(d) ? 0 : d * d;
    }
    out->se =
        out->scored < 2 ? NAN : sqrt(squares / (double)(out->scored - 1) / (double)out->scored);
    out->bpb = rates / (double)out->gold_items;
    out->bpb_total = nats / CRIL_LN2 / bytes;
}

/* Of subjects [n >= 1]: those of which a score is known. */
static void score_subjects(const cril_eval_score *subjects, size_t n, bool plain_mean,
                           cril_eval_score *all)
{
    double sum = 0, variance = 0, pooled = 0;
    size_t counted = 0, scored = 0;

    for (size_t i = 0; i < n; i++) {
        const cril_eval_score *x = &subjects[i];

        if (!x->scored)
            continue;
        counted++;
        scored += x->scored;
        sum += x->score;
        variance += x->se * x->se;
        pooled += (double)(x->scored - 1) * (double)x->scored * (x->scored > 1 ? x->se * x->se : 0);
    }
    if (plain_mean) {
        all->score = sum / (double)counted;
        all->se = sqrt(variance) / (double)counted;
    } else {
        all->se =
            scored > counted ? sqrt(pooled / (double)(scored - counted) / (double)scored) : NAN;
    }
}

static cril_eval_score *score_all(const struct cril_evaluation_sum *s, struct entry **sorted,
                                  size_t *n)
{
    size_t n_subjects = 0, k = 0;
    cril_eval_score *out;

    for (size_t i = 0; i < s->n; i++)
        n_subjects += !i || strcmp(sorted[i]->subject, sorted[i - 1]->subject) != 0;
    if (!(out = calloc(n_subjects + 1, sizeof(*out))))
        return NULL;
    out[0].subject = "";
    score(sorted, s->n, &out[0]);
    *n = 1;
    if (n_subjects < 2 && (!s->n || !*sorted[0]->subject))
        return out;
    for (size_t i = 0; i < s->n; i += k) {
        cril_eval_score *x = &out[(*n)++];

        x->subject = sorted[i]->subject;
        for (k = 1; i + k < s->n && strcmp(sorted[i + k]->subject, x->subject) == 0;)
            k++;
        score(sorted + i, k, x);
    }
    score_subjects(out + 1, *n - 1, s->e->settings.protocol.mean_of_subjects, &out[0]);
    return out;
}

cril_eval_score *cril_evaluation_sum_scores(struct cril_evaluation_sum *s, size_t *n)
{
    struct entry **sorted = calloc(s->n + 1, sizeof(*sorted));

    free(s->scores);
    s->scores = NULL;
    *n = 0;
    for (size_t i = 0; sorted && i < s->n; i++)
        sorted[i] = &s->entries[i];
    if (sorted) {
        qsort((void *)sorted, s->n, sizeof(*sorted), by_place);
        s->scores = score_all(s, sorted, n);
    }
    free((void *)sorted);
    return s->scores;
}

cril_eval_reference cril_evaluation_sum_reference(const struct cril_evaluation_sum *s)
{
    return s->reference;
}

const char *cril_evaluation_sum_first_error(const struct cril_evaluation_sum *s)
{
    return s->first_error ? s->first_error : "";
}
