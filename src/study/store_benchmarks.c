/*
 * Benchmarks in a store: their facts, and which items of each subject they ask for.
 *
 * A limit takes the first items of each subject. The items that a benchmark asks for are thus those
 * up to one place of the data file, which `subjects` holds: whether a cell is complete is a count,
 * for which no data are read.
 */
#include "study/query.h"
#include "study/store.h"

#include "util/fail.h"
#include "util/size.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

cril_status cril_store_benchmark_id(cril_store_benchmark *b, cril_error *err)
{
    if (CRIL_LACKS(err, b))
        return CRIL_ERR_RANGE;

    char text[512];

    if (!cril_is_name(b->task, 1, sizeof(b->task)) || !cril_is_sha256(b->protocol_sha256) ||
        !cril_is_sha256(b->data_sha256) || b->limit > CRIL_MAX_COUNT)
        return cril_fail(err, CRIL_ERR_RANGE,
                         "a benchmark of task \"%.63s\", protocol \"%.64s\", data \"%.64s\" cannot "
                         "be filed",
                         b->task, b->protocol_sha256, b->data_sha256);
    snprintf(text, sizeof(text), "benchmark\n%s\n%s\n%s\n%" PRIu64 "\n", b->task,
             b->protocol_sha256, b->data_sha256, b->limit);
    return cril_hash_text(text, b->id, err);
}

#define BENCHMARK_COLUMNS                                                                          \
    "id, task, protocol, protocol_sha256, data, lim, "                                             \
    "(SELECT total(items) FROM subjects WHERE benchmark = id)"

static void get_benchmark(struct cril_query *q, cril_store_benchmark *b)
{
    static const char what[] = "a benchmark";
    cril_store_benchmark copy;

    cril_query_get_sha256(q, 0, what, b->id);
    cril_query_get_text(q, 1, what, 1, b->task, sizeof(b->task));
    cril_query_get_text(q, 2, what, 1, b->protocol, sizeof(b->protocol));
    cril_query_get_sha256(q, 3, what, b->protocol_sha256);
    cril_query_get_sha256(q, 4, what, b->data_sha256);
    b->limit = cril_query_get_count(q, 5, what, CRIL_MAX_COUNT);
    b->items = (uint64_t)cril_query_get_real(q, 6, what, UINT32_MAX);
    if (q->st != CRIL_OK)
        return;
    copy = *b;
    if (!b->items || cril_store_benchmark_id(&copy, NULL) != CRIL_OK || strcmp(copy.id, b->id) != 0)
        cril_query_bad(q, what);
}

cril_status cril_store_benchmark_by_id(cril_store *s, const char *id, cril_store_benchmark *out,
                                       bool *found, cril_error *err)
{
    cril_store_benchmark b = {0};
    struct cril_query q;

    cril_query_start(&q, s, "SELECT " BENCHMARK_COLUMNS " FROM benchmarks WHERE id = ?", err);
    cril_query_text(&q, id);
    if ((*found = cril_query_next(&q)))
        get_benchmark(&q, &b);
    if (cril_query_end(&q) == CRIL_OK && *found)
        *out = b;
    return q.st;
}

cril_status cril_store_find_benchmark(cril_store *s, const char *name, cril_store_benchmark *out,
                                      bool *found, cril_error *err)
{
    if (CRIL_LACKS(err, s, name, out, found))
        return CRIL_ERR_RANGE;

    char id[65];
    const cril_status st = cril_store_find_name(s, CRIL_NAME_BENCHMARK, name, id, found, err);

    return st == CRIL_OK && *found ? cril_store_benchmark_by_id(s, id, out, found, err) : st;
}

/* subjects [*n] of a benchmark by name; owned: free. */
static cril_status list_subjects(cril_store *s, const char *id, cril_store_subject **out, size_t *n,
                                 cril_error *err)
{
    static const char what[] = "a subject of a benchmark";
    cril_store_subject *list = NULL;
    struct cril_query q;
    size_t capacity = 0;

    *n = 0;
    cril_query_start(
        &q, s, "SELECT subject, items, last FROM subjects WHERE benchmark = ? ORDER BY subject",
        err);
    cril_query_text(&q, id);
    while (cril_query_next(&q)) {
        cril_store_subject *grown = cril_size_grow(list, &capacity, *n, 1, sizeof(*list));

        if (!grown) {
            q.st = cril_store_no_memory(s, err);
            break;
        }
        list = grown;
        grown += (*n)++;
        cril_query_get_text(&q, 0, what, 0, grown->name, sizeof(grown->name));
        grown->items = cril_query_get_count(&q, 1, what, UINT32_MAX);
        grown->last = cril_query_get_count(&q, 2, what, UINT32_MAX);
        if (!grown->items || grown->items - 1 > grown->last)
            cril_query_bad(&q, what);
    }
    if (cril_query_end(&q) == CRIL_OK)
        *out = list;
    else
        free(list);
    return q.st;
}

static cril_status check_benchmark(const cril_store *s, const cril_store_benchmark *b,
                                   const cril_store_subject *subjects, size_t n, cril_error *err)
{
    cril_store_benchmark copy = *b;
    uint64_t items = 0;
    cril_status st = cril_store_benchmark_id(&copy, err);
    bool good;

    if (st != CRIL_OK)
        return st;
    good = strcmp(copy.id, b->id) == 0 && cril_is_name(b->protocol, 1, sizeof(b->protocol)) && n;
    for (size_t i = 0; i < n && good; i++) {
        good = cril_is_name(subjects[i].name, 0, CRIL_MAX_SUBJECT) && subjects[i].items &&
               subjects[i].items <= UINT32_MAX && subjects[i].last <= UINT32_MAX &&
               subjects[i].items - 1 <= subjects[i].last;
        items += subjects[i].items;
    }
    if (good && items <= UINT32_MAX)
        return CRIL_OK;
    return cril_fail(err, CRIL_ERR_RANGE,
                     "%s: cannot hold a benchmark \"%.64s\" of task \"%.63s\" with %zu subjects; "
                     "its id is that of cril_store_benchmark_id, and each subject has items up to "
                     "a place below 4294967296",
                     s->path, b->id, b->task, n);
}

/* Each of theirs is one of ours, and there are no others. */
static bool same_subjects(const cril_store_subject *ours, size_t n_ours,
                          const cril_store_subject *theirs, size_t n)
{
    size_t n_same = 0;

    for (size_t i = 0; i < n_ours; i++)
        for (size_t k = 0; k < n; k++)
            n_same += strcmp(ours[i].name, theirs[k].name) == 0 &&
                      ours[i].items == theirs[k].items && ours[i].last == theirs[k].last;
    return n_same == n && n_ours == n;
}

static cril_status compare_benchmark(cril_store *s, const cril_store_benchmark *known,
                                     const cril_store_benchmark *b,
                                     const cril_store_subject *subjects, size_t n, cril_error *err)
{
    cril_store_subject *ours;
    size_t n_ours;
    bool same;
    cril_status st = list_subjects(s, b->id, &ours, &n_ours, err);

    if (st != CRIL_OK)
        return st;
    same = strcmp(known->protocol, b->protocol) == 0 && same_subjects(ours, n_ours, subjects, n);
    free(ours);
    return same ? CRIL_OK
                : cril_fail(err, CRIL_ERR_MISMATCH,
                            "%s: has other facts of the benchmark %.12s (%s by %s) than this run, "
                            "for the same data; one of the two was changed by hand or made by a "
                            "program that counts differently",
                            s->path, b->id, b->task, b->protocol);
}

static cril_status put_subjects(cril_store *s, const char *id, const cril_store_subject *subjects,
                                size_t n, cril_error *err)
{
    struct cril_query q;

    cril_query_start(&q, s, "INSERT INTO subjects VALUES(?, ?, ?, ?)", err);
    for (size_t i = 0; i < n && q.st == CRIL_OK; i++) {
        cril_query_again(&q);
        cril_query_text(&q, id);
        cril_query_text(&q, subjects[i].name);
        cril_query_count(&q, subjects[i].items);
        cril_query_count(&q, subjects[i].last);
        cril_query_run(&q, NULL);
    }
    return cril_query_end(&q);
}

cril_status cril_put_benchmark(cril_store *s, const cril_store_benchmark *b,
                               const cril_store_subject *subjects, size_t n, cril_error *err)
{
    cril_store_benchmark known;
    struct cril_query q;
    cril_status st = check_benchmark(s, b, subjects, n, err);
    bool found;

    if (st != CRIL_OK ||
        (st = cril_store_benchmark_by_id(s, b->id, &known, &found, err)) != CRIL_OK)
        return st;
    if (found)
        return compare_benchmark(s, &known, b, subjects, n, err);
    cril_query_start(&q, s, "INSERT INTO benchmarks VALUES(?, ?, ?, ?, ?, ?)", err);
    cril_query_text(&q, b->id);
    cril_query_text(&q, b->task);
    cril_query_text(&q, b->protocol);
    cril_query_text(&q, b->protocol_sha256);
    cril_query_text(&q, b->data_sha256);
    cril_query_count(&q, b->limit);
    cril_query_run(&q, NULL);
    return cril_query_end(&q) == CRIL_OK ? put_subjects(s, b->id, subjects, n, err) : q.st;
}

cril_status cril_store_put_benchmark(cril_store *s, const char *name, const cril_store_benchmark *b,
                                     const cril_store_subject *subjects, size_t n, bool *changed,
                                     cril_error *err)
{
    if (CRIL_LACKS(err, s, name, b, subjects))
        return CRIL_ERR_RANGE;

    cril_status st = cril_store_begin(s, true, err);

    if (st != CRIL_OK)
        return st;
    if ((st = cril_put_benchmark(s, b, subjects, n, err)) == CRIL_OK)
        st = cril_put_name(s, CRIL_NAME_BENCHMARK, name, b->id, true, changed, err);
    return cril_store_end(s, st, err);
}

cril_status cril_visit_benchmarks(cril_store *s, const struct cril_visit *v, cril_error *err)
{
    cril_store_benchmark b = {0};
    struct cril_query q;

    cril_query_start(&q, s, "SELECT " BENCHMARK_COLUMNS " FROM benchmarks ORDER BY id", err);
    while (cril_query_next(&q)) {
        cril_store_subject *subjects;
        size_t n;

        get_benchmark(&q, &b);
        if (q.st != CRIL_OK || (q.st = list_subjects(s, b.id, &subjects, &n, err)) != CRIL_OK)
            break;
        q.st = v->benchmark(v->user, &b, subjects, n, err);
        free(subjects);
    }
    return cril_query_end(&q);
}
