/*
 * Leak scores of a study (leaks.h). A record's text is made of its data alone, not of a prompt:
 * what a model may have read is the data file, or a page of it.
 */
#include "study/leaks.h"

#include "tasks/data.h"
#include "tasks/files.h"
#include "tasks/records.h"
#include "util/fail.h"
#include "util/hash.h"
#include "util/json.h"
#include "util/size.h"

#include <cril/membership.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const cril_leak_score_names[CRIL_LEAK_SCORES] = {"min_k_20", "min_k_plus_plus_20",
                                                             "loss", "blind"};

static cril_status no_memory(const char *name, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory for leak scores", name);
}

/* ---- Texts ---- */

void cril_leak_texts_free(struct cril_leak_texts *t)
{
    for (size_t i = 0; i < t->n; i++)
        free((char *)(uintptr_t)t->text[i].data);
    free(t->text);
    *t = (struct cril_leak_texts){0};
}

struct joined {
    char *data; /* [capacity] */
    size_t len, capacity;
    bool failed;
};

static void add_bytes(struct joined *j, const char *data, size_t len)
{
    char *grown = j->failed ? NULL : cril_size_grow(j->data, &j->capacity, j->len, len, 1);

    j->failed = !grown;
    if (!grown)
        return;
    j->data = grown;
    memcpy(grown + j->len, data, len);
    j->len += len;
}

/* All texts of a value, in its order. A reader of JSON has bounded the depth. */
static void add_value(struct joined *j, const json_t *value)
{
    const char *key;
    json_t *inner;
    size_t i;

    if (json_is_string(value)) {
        if (j->len)
            add_bytes(j, "\n", 1);
        add_bytes(j, json_string_value(value), json_string_length(value));
    } else if (json_is_array(value)) {
        json_array_foreach((json_t *)value, i, inner) add_value(j, inner);
    } else if (json_is_object(value)) {
        json_object_foreach((json_t *)value, key, inner) add_value(j, inner);
    }
}

/* A record without a text is left out. False: out of memory. */
static bool add_record(struct cril_leak_texts *t, const json_t *record)
{
    struct joined j = {0};
    struct cril_bytes *text;

    add_value(&j, record);
    if (!j.len && !j.failed) {
        free(j.data);
        return true;
    }
    text = j.failed ? NULL : cril_size_grow(t->text, &t->capacity, t->n, 1, sizeof(*text));
    if (!text) {
        free(j.data);
        return false;
    }
    t->text = text;
    text[t->n++] = (struct cril_bytes){j.data, j.len};
    return true;
}

/* The first records of a file, until there are `limit` texts. */
static cril_status add_file(const char *path, const char *task, uint64_t limit,
                            struct cril_leak_texts *out, cril_error *err)
{
    struct cril_data d = {0};
    cril_status st = cril_data_read(path, task, "texts", 0, &d, err);

    for (size_t i = 0; i < d.n && out->n < limit && st == CRIL_OK; i++)
        if (!add_record(out, d.record[i].value))
            st = no_memory(path, err);
    cril_data_free(&d);
    return st;
}

static cril_status add_items(const struct cril_task *t, const cril_study_benchmark *b,
                             uint64_t limit, struct cril_leak_texts *out, cril_error *err)
{
    struct cril_items items = {0};
    cril_status st = cril_task_records(t, b->data, NULL, &items, err);

    for (size_t i = 0; i < items.n && out->n < limit && st == CRIL_OK; i++)
        if (!add_record(out, items.item[i].document))
            st = no_memory(b->data, err);
    cril_items_free(&items);
    return st;
}

/* The file of shots, which is published as the train split. Files of subjects, which hold a handful
 * of shots each, are none. */
static cril_status add_shots(const struct cril_task *t, const cril_study_benchmark *b,
                             uint64_t limit, struct cril_leak_texts *out, cril_error *err)
{
    char *folder = NULL, *path = NULL;
    cril_status st = cril_task_folder(t, b->data, &folder, err);

    if (st == CRIL_OK)
        st = cril_task_path(t, NULL, folder, "shots", NULL, &path, err);
    free(folder);
    if (st == CRIL_ERR_IO) /* there is none */
        return CRIL_OK;
    if (st == CRIL_OK)
        st = add_file(path, t->name, limit, out, err);
    free(path);
    return st;
}

static const cril_study_benchmark *find_benchmark(const cril_study_info *s, const char *name)
{
    for (size_t i = 0; i < s->n_benchmarks; i++)
        if (strcmp(s->benchmarks[i].name, name) == 0)
            return &s->benchmarks[i];
    return NULL;
}

cril_status cril_leak_read(const cril_study_info *s, const cril_study_leak *leak,
                           enum cril_leak_part part, struct cril_leak_texts *out, cril_error *err)
{
    const cril_study_benchmark *b = find_benchmark(s, leak->benchmark);
    const struct cril_task *t = b ? cril_task_find(b->task) : NULL;

    if (!t)
        return cril_fail(err, CRIL_ERR_RANGE, "%s: no task is known of the benchmark \"%.60s\"",
                         s->path, leak->benchmark);
    return part == CRIL_LEAK_TEST ? add_items(t, b, leak->limit, out, err)
                                  : add_shots(t, b, leak->limit, out, err);
}

cril_status cril_leak_read_control(const cril_study_leak *leak, struct cril_leak_texts *out,
                                   cril_error *err)
{
    return add_file(leak->control, "a control", leak->limit, out, err);
}

/* ---- Names ---- */

static cril_status add_hash(struct cril_sha256 *h, const struct cril_leak_texts *t, cril_error *err)
{
    cril_status st = CRIL_OK;

    for (size_t i = 0; i < t->n && st == CRIL_OK; i++) {
        char length[32];
        const int n = snprintf(length, sizeof(length), "%zu\n", t->text[i].len);

        st = cril_sha256_update(h, length, (size_t)n, err);
        if (st == CRIL_OK)
            st = cril_sha256_update(h, t->text[i].data, t->text[i].len, err);
    }
    return st == CRIL_OK ? cril_sha256_update(h, "end\n", 4, err) : st;
}

cril_status cril_leak_identify(const struct cril_leak_texts *set,
                               const struct cril_leak_texts *control, char sha256[65],
                               cril_error *err)
{
    struct cril_sha256 *h;
    cril_status st = cril_sha256_create(&h, err);

    if (st != CRIL_OK)
        return st;
    if ((st = add_hash(h, set, err)) == CRIL_OK && (st = add_hash(h, control, err)) == CRIL_OK)
        st = cril_sha256_final(h, sha256, err);
    cril_sha256_free(h);
    return st;
}

bool cril_leak_name(const cril_study_leak *leak, enum cril_leak_part part, char *out, size_t size)
{
    const int n =
        snprintf(out, size, "%s %s", leak->benchmark, part == CRIL_LEAK_TEST ? "test" : "train");

    return n > 0 && (size_t)n < size;
}

/* ---- Scores ---- */

struct reading {
    const struct cril_leak_texts *texts;
    size_t at;
};

static int next_text(void *user, cril_document *doc)
{
    struct reading *r = user;

    if (r->at == r->texts->n)
        return 0;
    doc->text = r->texts->text[r->at].data;
    doc->len_bytes = r->texts->text[r->at++].len;
    return 0;
}

static cril_status add_texts(cril_membership *s, const struct cril_leak_texts *t, bool is_control,
                             const cril_score_callbacks *callbacks, cril_error *err)
{
    struct reading r = {.texts = t};
    cril_corpus_source source = {
        .user = &r, .next = next_text, .name = is_control ? "the control" : "the benchmark"};

    for (size_t i = 0; i < t->n; i++)
        source.total_bytes += t->text[i].len;
    return cril_membership_add_texts(s, &source, is_control, callbacks, err);
}

static void add_row(const char *score, const cril_membership_separation *x,
                    cril_store_leak rows[CRIL_LEAK_SCORES], size_t *n)
{
    const cril_separation *s = &x->separation;
    cril_store_leak *row = &rows[*n];

    if (!s->auc_interval.resamples) /* fewer than 2 have the score */
        return;
    *row = (cril_store_leak){.numerics = CRIL_NUMERICS,
                             .rules = CRIL_RULES,
                             .n_set = x->n_set,
                             .n_control = x->n_control,
                             .auc = s->auc,
                             .low = s->auc_interval.low,
                             .high = s->auc_interval.high};
    memcpy(row->score, score, strlen(score) + 1);
    ++*n;
}

static cril_status separate(const cril_membership *s, cril_store_leak rows[CRIL_LEAK_SCORES],
                            size_t *n, cril_error *err)
{
    static const size_t scores[CRIL_LEAK_SCORES - 1] = {
        CRIL_MEMBERSHIP_MIN_K + 2, CRIL_MEMBERSHIP_MIN_K_PLUS_PLUS + 1, CRIL_MEMBERSHIP_LOSS};
    const cril_interval wanted = {.level = 0.95, .resamples = 1000};
    cril_membership_separation x = {0};
    cril_status st = CRIL_OK;

    for (size_t i = 0; i < CRIL_LEAK_SCORES - 1 && st == CRIL_OK; i++)
        if ((st = cril_membership_separate(s, scores[i], &wanted, &x, err)) == CRIL_OK)
            add_row(cril_leak_score_names[i], &x, rows, n);
    if (st == CRIL_OK && !x.separation.auc_interval.resamples) /* of loss, which all have */
        st = cril_fail(err, CRIL_ERR_EMPTY,
                       "%zu texts of the benchmark and %zu of the control have the %d tokens that "
                       "leak scores need; there must be 2 of each",
                       x.n_set, x.n_control, CRIL_MEMBERSHIP_MIN_TOKENS);
    if (st == CRIL_OK && (st = cril_membership_blind(s, &wanted, &x, err)) == CRIL_OK)
        add_row("blind", &x, rows, n);
    return st;
}

cril_status cril_leak_measure(cril_model *m, const cril_score_options *options,
                              const struct cril_leak_texts *set,
                              const struct cril_leak_texts *control,
                              const cril_score_callbacks *callbacks,
                              cril_store_leak rows[CRIL_LEAK_SCORES], size_t *n, cril_error *err)
{
    const cril_membership_options o = {.score = *options, .controls = true};
    cril_membership *s;
    cril_status st = cril_membership_create(m, &o, &s, err);

    *n = 0;
    if (st != CRIL_OK)
        return st;
    if ((st = add_texts(s, set, false, callbacks, err)) == CRIL_OK &&
        (st = add_texts(s, control, true, callbacks, err)) == CRIL_OK)
        st = separate(s, rows, n, err);
    cril_membership_free(s);
    return st;
}
