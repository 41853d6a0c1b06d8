/*
 * A self-test is a list of parts: a model and windows on ids of it, scored in batches. With
 * built-in models the windows overlap in every way that could change bits if the engine were wrong:
 * alone and beside others, whole and in part, their lengths around the sizes of blocks (32
 * positions, 96 rows).
 */
#include <cril/cpu.h>
#include <cril/selftest.h>

#include "model/builtin.h"
#include "model/engine.h"
#include "model/reference.h"
#include "util/clock.h"
#include "util/fail.h"
#include "util/hash.h"
#include "util/random.h"

#include <stdlib.h>
#include <string.h>

enum { DEFAULT_TOKENS = 512, MAX_TOKENS = 1 << 24, WINDOW = 2048, BATCH = 8192, WARM_UP = 16 };

_Static_assert(CRIL_NUMERICS == 1, "a new numeric contract has a new hash");
static const char expected[] = "34640906b0a47eb88bbd79bce38f5813eaf46e4c983c4af192431d71cd79ce32";

/* Of a built-in model; each is a beginning of the first. A batch takes as many rows as the first
 * has: three batches. */
static const struct {
    size_t n, first;
} built_in[] = {{97, 0}, {1, 0}, {31, 0}, {33, 7}, {40, 39}};

enum { N_BUILT_IN = sizeof(built_in) / sizeof(*built_in) };

struct part {
    const cril_model *model;
    struct cril_builtin built_in; /* empty: the model is the caller's */
    int32_t *ids;
    double *nats; /* of all windows, one after another */
    struct cril_window *windows;
    size_t n_windows, n_rows, n_nats, batch_rows;
};

struct cril_selftest {
    struct part *parts;
    size_t n_parts;
    const char *expected;
};

/* ---- Life ---- */

static cril_status no_memory(cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "out of memory for a self-test; try fewer tokens");
}

/* n_ids ids of the model, room for n_windows windows and n_nats nats. */
static cril_status prepare(struct part *p, size_t n_ids, size_t n_windows, size_t n_nats,
                           cril_error *err)
{
    struct cril_random random = cril_random_seed(0);

    p->ids = malloc(n_ids * sizeof(*p->ids));
    p->windows = calloc(n_windows, sizeof(*p->windows));
    p->nats = malloc(n_nats * sizeof(*p->nats));
    if (!p->ids || !p->windows || !p->nats)
        return no_memory(err);
    for (size_t i = 0; i < n_ids; i++)
        p->ids[i] = (int32_t)cril_random_below(&random, (uint32_t)cril_model_logits(p->model));
    return CRIL_OK;
}

/* The next window: n ids from `from` on, and the one after them as the last target. */
static void add_window(struct part *p, size_t from, size_t n, size_t first)
{
    const int32_t *ids = p->ids + from;

    p->windows[p->n_windows++] = (struct cril_window){.ids = ids,
                                                      .n = n,
                                                      .first = first,
                                                      .targets = ids + first + 1,
                                                      .nats = p->nats + p->n_nats};
    p->n_rows += n;
    p->n_nats += n - first;
}

static cril_status create_built_in(struct part *p, size_t i, cril_error *err)
{
    size_t n_nats = 0;
    cril_status st = cril_builtin_create(i, &p->built_in, err);

    if (st != CRIL_OK)
        return st;
    p->model = p->built_in.model;
    p->batch_rows = built_in[0].n;
    for (size_t w = 0; w < N_BUILT_IN; w++)
        n_nats += built_in[w].n - built_in[w].first;
    st = prepare(p, built_in[0].n + 1, N_BUILT_IN, n_nats, err);
    for (size_t w = 0; st == CRIL_OK && w < N_BUILT_IN; w++)
        add_window(p, 0, built_in[w].n, built_in[w].first);
    return st;
}

static cril_status create_given(struct part *p, const cril_model *m, size_t tokens, cril_error *err)
{
    const size_t context = cril_model_context(m), longest = context < WINDOW ? context : WINDOW;
    const size_t n = tokens ? tokens : context < DEFAULT_TOKENS ? context : DEFAULT_TOKENS;
    cril_status st;

    if (n > MAX_TOKENS)
        return cril_fail(err, CRIL_ERR_RANGE, "a self-test takes at most %d tokens, not %zu",
                         MAX_TOKENS, n);
    p->model = m;
    p->batch_rows = BATCH;
    st = prepare(p, n + 1, (n + longest - 1) / longest, n, err);
    for (size_t from = 0; st == CRIL_OK && from < n; from += longest)
        add_window(p, from, n - from < longest ? n - from : longest, 0);
    return st;
}

cril_status cril_selftest_create(const cril_model *m, size_t tokens, cril_selftest **out,
                                 cril_error *err)
{
    if (CRIL_LACKS(err, out))
        return CRIL_ERR_RANGE;

    cril_selftest *t = calloc(1, sizeof(*t));
    cril_status st = CRIL_OK;

    if (!t)
        return no_memory(err);
    t->n_parts = m ? 1 : CRIL_N_BUILTIN;
    t->expected = m ? NULL : expected;
    if (!(t->parts = calloc(t->n_parts, sizeof(*t->parts))))
        st = no_memory(err);
    for (size_t i = 0; st == CRIL_OK && i < t->n_parts; i++)
        st = m ? create_given(&t->parts[i], m, tokens, err) : create_built_in(&t->parts[i], i, err);
    if (st != CRIL_OK) {
        cril_selftest_free(t);
        return st;
    }
    *out = t;
    return CRIL_OK;
}

void cril_selftest_free(cril_selftest *t)
{
    if (!t)
        return;
    for (size_t i = 0; t->parts && i < t->n_parts; i++) {
        cril_builtin_free(&t->parts[i].built_in);
        free(t->parts[i].ids);
        free(t->parts[i].nats);
        free(t->parts[i].windows);
    }
    free(t->parts);
    free(t);
}

size_t cril_selftest_tokens(const cril_selftest *t)
{
    size_t n = 0;

    for (size_t i = 0; t && i < t->n_parts; i++)
        n += t->parts[i].n_rows;
    return n;
}

double cril_selftest_flops(const cril_selftest *t)
{
    double flops = 0;

    for (size_t i = 0; t && i < t->n_parts; i++)
        for (size_t w = 0; w < t->parts[i].n_windows; w++)
            flops += cril_model_flops(t->parts[i].model, t->parts[i].windows[w].n,
                                      t->parts[i].windows[w].n);
    return flops;
}

const char *cril_selftest_expected(const cril_selftest *t)
{
    return t ? t->expected : NULL;
}

/* ---- A run ---- */

struct run {
    cril_selftest_progress progress; /* NULL: none */
    void *user;
    size_t total, done, now; /* rows of the whole test, behind, and in the batch at work */
    double seconds;
};

static int poll(void *user, double done)
{
    const struct run *r = user;

    return r->progress
               ? r->progress(r->user, ((double)r->done + done * (double)r->now) / (double)r->total)
               : 0;
}

/* The windows from w on that one batch takes: at least one. */
static size_t batch_windows(const struct part *p, size_t w, size_t *rows)
{
    size_t n = 0;

    for (*rows = 0; w + n < p->n_windows && (!n || *rows + p->windows[w + n].n <= p->batch_rows);
         n++)
        *rows += p->windows[w + n].n;
    return n;
}

static cril_status run_part(struct run *r, struct part *p, const struct cril_kernels *k,
                            unsigned threads, cril_error *err)
{
    struct cril_window warm_up = p->windows[0];
    const struct cril_engine_options options = {.threads = threads, .rows = p->batch_rows};
    struct cril_engine *e;
    cril_status st = cril_engine_create(p->model, k, &options, &e, err);
    double start;

    if (st != CRIL_OK)
        return st;
    warm_up.n = warm_up.n < WARM_UP ? warm_up.n : WARM_UP;
    r->now = 0;
    st = cril_engine_score(e, &warm_up, 1, poll, r, err);
    start = cril_clock_sec();
    for (size_t w = 0, n; st == CRIL_OK && w < p->n_windows; w += n) {
        n = batch_windows(p, w, &r->now);
        st = cril_engine_score(e, p->windows + w, n, poll, r, err);
        r->done += r->now;
    }
    r->seconds += cril_clock_sec() - start;
    cril_engine_free(e);
    return st;
}

/* Windows with the ids of the one before are beginnings of it, so their nats are known, unless
 * those depend on a window's length. */
static cril_status define_part(struct run *r, struct part *p, cril_error *err)
{
    const int32_t *known = NULL;
    double *all = malloc(WINDOW * sizeof(*all)), start = cril_clock_sec();
    cril_status st = all ? CRIL_OK : no_memory(err);

    for (size_t w = 0; st == CRIL_OK && w < p->n_windows; w++) {
        const struct cril_window *window = &p->windows[w];

        if (window->ids != known || cril_model_depends_on_length(p->model))
            st = cril_reference_nats(p->model, window->ids, window->n + 1, all, err);
        known = window->ids;
        if (st == CRIL_OK)
            memcpy(window->nats, all + window->first, (window->n - window->first) * sizeof(*all));
        r->done += window->n;
        r->now = 0;
        if (st == CRIL_OK && poll(r, 0) != 0)
            st = cril_fail(err, CRIL_ERR_CANCELLED, "stopped");
    }
    r->seconds += cril_clock_sec() - start;
    free(all);
    return st;
}

static cril_status hash_nats(const cril_selftest *t, char hex[65], cril_error *err)
{
    struct cril_sha256 *h = NULL;
    cril_status st = cril_sha256_create(&h, err);

    for (size_t i = 0; i < t->n_parts; i++)
        for (size_t k = 0; st == CRIL_OK && k < t->parts[i].n_nats; k++) {
            uint64_t bits;
            uint8_t bytes[8];

            memcpy(&bits, &t->parts[i].nats[k], sizeof(bits));
            for (unsigned b = 0; b < 8; b++)
                bytes[b] = (uint8_t)(bits >> 8 * b);
            st = cril_sha256_update(h, bytes, sizeof(bytes), err);
        }
    if (st == CRIL_OK)
        st = cril_sha256_final(h, hex, err);
    cril_sha256_free(h);
    return st;
}

cril_status cril_selftest_run(cril_selftest *t, const char *kernels, unsigned threads,
                              cril_selftest_progress progress, void *user,
                              cril_selftest_result *out, cril_error *err)
{
    if (CRIL_LACKS(err, t, kernels, out))
        return CRIL_ERR_RANGE;

    const bool definition = strcmp(kernels, CRIL_SELFTEST_DEFINITION) == 0;
    const struct cril_kernel_set *set = cril_kernel_set_find(kernels);
    struct run r = {.progress = progress, .user = user, .total = cril_selftest_tokens(t)};
    struct cril_kernels k = {0};
    cril_selftest_result result;
    cril_status st = CRIL_OK;

    if (!definition && !set)
        return cril_fail(err, CRIL_ERR_RANGE, "\"%s\" is no kernel set of this build", kernels);
    if (set && !set->available())
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "the kernel set %s needs %s, which this CPU lacks", kernels, set->needs);
    if (set)
        set->init(&k);
    for (size_t i = 0; st == CRIL_OK && i < t->n_parts; i++)
        st = definition ? define_part(&r, &t->parts[i], err)
                        : run_part(&r, &t->parts[i], &k, threads, err);
    if (st == CRIL_OK)
        st = hash_nats(t, result.sha256, err);
    for (size_t i = 0; st == CRIL_OK && i < t->n_parts; i++)
        st = cril_model_check(t->parts[i].model, err);
    if (st != CRIL_OK)
        return st;
    result.seconds = r.seconds;
    *out = result;
    return CRIL_OK;
}
