/* The step that drops near-duplicates: of a cluster (minhash.h) the document that came first stays.
 */
#include "gather/step.h"

#include "gather/minhash.h"
#include "util/fail.h"

#include <stdlib.h>
#include <string.h>

struct run {
    struct cril_minhash_hashes hashes;
    struct cril_clusters *clusters;
    uint64_t n_applied;
};

static void release(void *run)
{
    struct run *r = run;

    cril_clusters_free(r->clusters);
    free(r);
}

static cril_status create(const struct cril_step_options *o, void **run, cril_error *err)
{
    struct run *r = calloc(1, sizeof(*r));
    cril_status st;

    if (!r)
        return cril_fail(err, CRIL_ERR_NOMEM, "out of memory");
    if ((st = cril_clusters_create(cril_step_memory(o), o->folder, &r->clusters, err)) != CRIL_OK) {
        free(r);
        return st;
    }
    cril_minhash_init(&r->hashes);
    *run = r;
    return CRIL_OK;
}

static cril_status mark(const void *run, struct cril_draft *d, struct cril_step_marks *m,
                        cril_error *err)
{
    const struct run *r = run;
    uint64_t minima[CRIL_MINHASH_HASHES];
    size_t n;
    cril_status st = cril_minhash_of(&r->hashes, d, minima, &n, err);
    uint64_t *keys = NULL;

    if (st != CRIL_OK || !n)
        return st;
    if (!(keys = cril_step_marks_room(m, CRIL_MINHASH_BANDS, err)))
        return CRIL_ERR_NOMEM;
    cril_minhash_keys(minima, keys);
    m->n = CRIL_MINHASH_BANDS;
    return CRIL_OK;
}

static cril_status note(void *run, const struct cril_step_marks *m, cril_error *err)
{
    struct run *r = run;

    return cril_clusters_add(r->clusters, m->n ? m->values : NULL, err);
}

static cril_status decide(void *run, cril_error *err)
{
    return cril_clusters_decide(((struct run *)run)->clusters, err);
}

static cril_status apply(void *run, struct cril_draft *d, uint64_t *by, bool *keep, cril_error *err)
{
    struct run *r = run;

    (void)d;
    (void)err;
    *keep = !cril_clusters_repeats(r->clusters, r->n_applied++);
    by[0] += !*keep;
    return CRIL_OK;
}

const struct cril_step cril_step_near_duplicates = {
    .name = "near_duplicates",
    .what = "Documents were dropped that nearly repeat an earlier one: MinHash of 5 words, 14 "
            "bands of 8 hashes.",
    .kinds = CRIL_STEP_ALL,
    .on = CRIL_STEP_ALL,
    .reasons = {"near_duplicate"},
    .n_drops = 1,
    .create = create,
    .mark = mark,
    .note = note,
    .decide = decide,
    .apply = apply,
    .free = release,
};
