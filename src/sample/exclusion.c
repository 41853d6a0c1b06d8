/* Documents that contain benchmark items: see exclusion.h. An overlap says how many items it found,
 * not whose, so there is one for each task. */
#include "sample/exclusion.h"

#include "util/fail.h"

#include <cril/leak.h>
#include <stdlib.h>
#include <string.h>

struct task {
    cril_overlap *overlap;
    uint64_t documents; /* that contain an item */
};

struct cril_exclusion {
    size_t n;
    struct task tasks[]; /* [n] */
};

void cril_exclusion_free(struct cril_exclusion *x)
{
    for (size_t i = 0; x && i < x->n; i++)
        cril_overlap_free(x->tasks[i].overlap);
    free(x);
}

static cril_status add(struct task *t, const char *task, const char *data, cril_error *err)
{
    const cril_status st = cril_overlap_create(NULL, &t->overlap, err);

    return st == CRIL_OK ? cril_overlap_add_task(t->overlap, task, data, err) : st;
}

static cril_status check(const char *const *tasks, size_t n, const char *data, cril_error *err)
{
    if (CRIL_LACKS(err, tasks, data))
        return CRIL_ERR_RANGE;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < i; k++) {
            if (strcmp(tasks[i], tasks[k]) == 0)
                return cril_fail(err, CRIL_ERR_RANGE, "%.80s is named twice; name each task once",
                                 tasks[i]);
        }
    }
    return CRIL_OK;
}

cril_status cril_exclusion_create(const char *const *tasks, size_t n, const char *data,
                                  struct cril_exclusion **out, cril_error *err)
{
    struct cril_exclusion *x;
    cril_status st = n ? check(tasks, n, data, err) : CRIL_OK;

    *out = NULL;
    if (!n || st != CRIL_OK)
        return st;
    if (!(x = calloc(1, sizeof(*x) + n * sizeof(*x->tasks))))
        return cril_fail(err, CRIL_ERR_NOMEM, "out of memory for benchmark items");
    x->n = n;
    for (size_t i = 0; i < n && st == CRIL_OK; i++)
        st = add(&x->tasks[i], tasks[i], data, err);
    if (st == CRIL_OK)
        *out = x;
    else
        cril_exclusion_free(x);
    return st;
}

cril_status cril_exclusion_ask(struct cril_exclusion *x, const char *text, size_t len,
                               bool *contains, cril_error *err)
{
    cril_status st = CRIL_OK;
    uint64_t found;

    *contains = false;
    for (size_t i = 0; x && i < x->n && st == CRIL_OK; i++) {
        st = cril_overlap_scan(x->tasks[i].overlap, text, len, 0, &found, err);
        if (st != CRIL_OK || !found)
            continue;
        x->tasks[i].documents++;
        *contains = true;
    }
    return st;
}

static cril_overlap_task task_of(const struct cril_exclusion *x, size_t i)
{
    cril_overlap_task t = {.name = ""};

    cril_overlap_task_at(x->tasks[i].overlap, 0, &t);
    return t;
}

json_t *cril_exclusion_counts(const struct cril_exclusion *x)
{
    json_t *counts = json_object();

    for (size_t i = 0; i < x->n; i++)
        json_object_set_new(counts, task_of(x, i).name,
                            json_integer((json_int_t)x->tasks[i].documents));
    if (json_object_size(counts) == x->n)
        return counts;
    json_decref(counts);
    return NULL;
}

json_t *cril_exclusion_json(const struct cril_exclusion *x)
{
    json_t *list = json_array();

    for (size_t i = 0; i < x->n; i++) {
        const cril_overlap_task t = task_of(x, i);

        json_array_append_new(list,
                              json_pack("{s:s, s:I, s:I, s:I, s:s}", "task", t.name, "items",
                                        (json_int_t)t.items, "testable", (json_int_t)t.testable,
                                        "contained", (json_int_t)t.found, "sha256", t.data_sha256));
    }
    if (json_array_size(list) == x->n)
        return list;
    json_decref(list);
    return NULL;
}
