/* Leak scores in a store: a row for each score of a model on texts, which never changes. */
#include "study/query.h"
#include "study/store.h"

#include "util/fail.h"

#include <inttypes.h>
#include <string.h>

#define COLUMNS "model, texts, score, numerics, rules, n_set, n_control, auc, low, high"

enum { MIN_TEXTS = 2 };

static const char what[] = "a leak score";

static bool is_score(const char *name)
{
    static const char *const names[] = {"blind", "loss", "min_k_20", "min_k_plus_plus_20"};

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static bool is_share(double x)
{
    return x >= 0 && x <= 1;
}

static bool is_row(const cril_store_leak *l)
{
    return cril_is_sha256(l->model) && cril_is_sha256(l->texts) && is_score(l->score) &&
           l->numerics >= 0 && l->rules >= 0 && l->n_set >= MIN_TEXTS && l->n_set <= UINT32_MAX &&
           l->n_control >= MIN_TEXTS && l->n_control <= UINT32_MAX && is_share(l->auc) &&
           is_share(l->low) && is_share(l->high) && l->low <= l->high;
}

static void get_row(struct cril_query *q, cril_store_leak *l)
{
    cril_query_get_sha256(q, 0, what, l->model);
    cril_query_get_sha256(q, 1, what, l->texts);
    cril_query_get_text(q, 2, what, 1, l->score, sizeof(l->score));
    l->numerics = (int)cril_query_get_count(q, 3, what, INT32_MAX);
    l->rules = (int)cril_query_get_count(q, 4, what, INT32_MAX);
    l->n_set = cril_query_get_count(q, 5, what, UINT32_MAX);
    l->n_control = cril_query_get_count(q, 6, what, UINT32_MAX);
    l->auc = cril_query_get_real(q, 7, what, 1);
    l->low = cril_query_get_real(q, 8, what, 1);
    l->high = cril_query_get_real(q, 9, what, 1);
    if (q->st == CRIL_OK && !is_row(l))
        cril_query_bad(q, what);
}

/* By what it is filed under. */
static cril_status find(cril_store *s, const cril_store_leak *key, cril_store_leak *out,
                        bool *found, cril_error *err)
{
    struct cril_query q;

    cril_query_start(&q, s,
                     "SELECT " COLUMNS " FROM leaks WHERE model = ? AND texts = ? AND score = ? "
                     "AND numerics = ? AND rules = ?",
                     err);
    cril_query_text(&q, key->model);
    cril_query_text(&q, key->texts);
    cril_query_text(&q, key->score);
    cril_query_count(&q, (uint64_t)key->numerics);
    cril_query_count(&q, (uint64_t)key->rules);
    if ((*found = cril_query_next(&q)))
        get_row(&q, out);
    return cril_query_end(&q);
}

cril_status cril_visit_leaks(cril_store *s, const struct cril_visit *v, cril_error *err)
{
    struct cril_query q;
    cril_store_leak l = {0};

    cril_query_start(
        &q, s, "SELECT " COLUMNS " FROM leaks ORDER BY model, texts, score, numerics, rules", err);
    while (cril_query_next(&q)) {
        get_row(&q, &l);
        if (q.st == CRIL_OK)
            q.st = v->leak(v->user, &l, err);
    }
    return cril_query_end(&q);
}

/* To the bit. */
static bool equal(const cril_store_leak *a, const cril_store_leak *b)
{
    return a->n_set == b->n_set && a->n_control == b->n_control &&
           memcmp(&a->auc, &b->auc, sizeof(a->auc)) == 0 &&
           memcmp(&a->low, &b->low, sizeof(a->low)) == 0 &&
           memcmp(&a->high, &b->high, sizeof(a->high)) == 0;
}

static cril_status compare_known(cril_store *s, const cril_store_leak *l, cril_error *err)
{
    cril_store_leak known = {0};
    char model[64], texts[64];
    bool found;
    const cril_status st = find(s, l, &known, &found, err);

    if (st != CRIL_OK || (found && equal(&known, l)))
        return st;
    cril_store_name_of(s, CRIL_NAME_MODEL, l->model, model, sizeof(model));
    cril_store_name_of(s, CRIL_NAME_LEAK, l->texts, texts, sizeof(texts));
    return cril_fail(err, CRIL_ERR_MISMATCH,
                     "%s: the AUC of %s by %s on %s is known as %.17g and came as %.17g; all "
                     "machines must compute the same bits, so run `cril selftest` where it was "
                     "computed; if that passes, the file was changed",
                     s->path, l->score, model, texts, known.auc, l->auc);
}

cril_status cril_put_leak(cril_store *s, const cril_store_leak *l, cril_error *err)
{
    struct cril_query q;
    bool changed = true;

    if (!is_row(l))
        return cril_fail(err, CRIL_ERR_RANGE,
                         "%s: cannot hold the leak score \"%.23s\" of model \"%.64s\": AUC %g, %g "
                         "to %g, of %" PRIu64 " texts beside %" PRIu64,
                         s->path, l->score, l->model, l->auc, l->low, l->high, l->n_set,
                         l->n_control);
    cril_query_start(&q, s,
                     "INSERT INTO leaks(" COLUMNS
                     ") VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                     err);
    cril_query_text(&q, l->model);
    cril_query_text(&q, l->texts);
    cril_query_text(&q, l->score);
    cril_query_count(&q, (uint64_t)l->numerics);
    cril_query_count(&q, (uint64_t)l->rules);
    cril_query_count(&q, l->n_set);
    cril_query_count(&q, l->n_control);
    cril_query_real(&q, l->auc);
    cril_query_real(&q, l->low);
    cril_query_real(&q, l->high);
    cril_query_run(&q, &changed);
    return cril_query_end(&q) == CRIL_OK && !changed ? compare_known(s, l, err) : q.st;
}

static cril_status put_rows(cril_store *s, const char *name, const char *texts,
                            const cril_store_leak *rows, size_t n, cril_error *err)
{
    cril_status st = cril_put_name(s, CRIL_NAME_LEAK, name, texts, true, NULL, err);

    for (size_t i = 0; i < n && st == CRIL_OK; i++) {
        if (strcmp(rows[i].texts, texts) != 0)
            return cril_fail(err, CRIL_ERR_RANGE,
                             "%s: a leak score is not of the texts of \"%.100s\"", s->path, name);
        st = cril_put_leak(s, &rows[i], err);
    }
    return st;
}

cril_status cril_store_put_leaks(cril_store *s, const char *name, const char *texts,
                                 const cril_store_leak *rows, size_t n, cril_error *err)
{
    if (CRIL_LACKS(err, s, name, texts) || (n && CRIL_LACKS(err, rows)))
        return CRIL_ERR_RANGE;

    cril_status st;

    if (!cril_is_sha256(texts))
        return cril_fail(err, CRIL_ERR_RANGE, "%s: \"%.64s\" is no SHA-256 of texts", s->path,
                         texts);
    if ((st = cril_store_begin(s, true, err)) != CRIL_OK)
        return st;
    return cril_store_end(s, put_rows(s, name, texts, rows, n, err), err);
}

cril_status cril_store_has_leak(cril_store *s, const char *texts, const char *model, bool *found,
                                cril_error *err)
{
    cril_store_leak key = {.score = "loss", .numerics = CRIL_NUMERICS, .rules = CRIL_RULES}, row;

    memcpy(key.model, model, sizeof(key.model));
    memcpy(key.texts, texts, sizeof(key.texts));
    return find(s, &key, &row, found, err);
}

cril_status cril_store_find_leak(cril_store *s, const char *name, const char *model_sha256,
                                 const char *score, cril_store_leak *out, bool *found,
                                 cril_error *err)
{
    if (CRIL_LACKS(err, s, name, model_sha256, score, out, found))
        return CRIL_ERR_RANGE;

    cril_store_leak key = {.numerics = CRIL_NUMERICS, .rules = CRIL_RULES}, row = {0};
    cril_status st = cril_store_find_name(s, CRIL_NAME_LEAK, name, key.texts, found, err);

    if (st != CRIL_OK || !*found)
        return st;
    *found = cril_is_sha256(model_sha256) && is_score(score);
    if (!*found)
        return CRIL_OK;
    memcpy(key.model, model_sha256, sizeof(key.model));
    memcpy(key.score, score, strlen(score) + 1);
    if ((st = find(s, &key, &row, found, err)) == CRIL_OK && *found)
        *out = row;
    return st;
}
