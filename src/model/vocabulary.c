#include "model/vocabulary.h"

#include "model/plan.h"
#include "util/fmath.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool reserve(struct cril_vocabulary *v, size_t n)
{
    const struct cril_matrix *t = cril_logits_matrix(v->m);
    const size_t k = t->columns, workers = cril_pool_threads(v->pool),
                 chunks = cril_vocabulary_chunks(v);
    v->integers = cril_matrix_has_integers(t);
    if (!cril_packed_bytes(v->k, t, CRIL_CHUNK, &v->chunk_bytes) ||
        !cril_memory_reserve(&v->chunks, workers, v->chunk_bytes) ||
        !cril_memory_reserve(&v->logits, workers, CRIL_ROWS * CRIL_CHUNK * sizeof(float)) ||
        !cril_memory_reserve(&v->normed, v->integers ? workers : n, k * sizeof(float)) ||
        !cril_memory_reserve(&v->target, n, sizeof(float)) ||
        !cril_memory_reserve(&v->partial, n, chunks * sizeof(struct cril_chunk)) ||
        !cril_memory_reserve(&v->weights, chunks, sizeof(double)))
        return false;
    if (!v->integers)
        return true;
    if (!cril_memory_reserve(&v->quantised, n, cril_activations_floats(1, k) * sizeof(float)))
        return false;
    v->activations = cril_activations_at(v->quantised.data, n, k);
    return true;
}

/* A row at a time, so that a normed row is in the cache when it is quantised. */
static void prepare_task(void *arg, size_t task, size_t worker)
{
    struct cril_vocabulary *v = arg;
    const enum cril_buffer x = cril_logits_input(v->m), in = cril_logits_product(v->m)->in;
    size_t ld[CRIL_N_BUFFERS] = {0};
    struct cril_block b = {.n = 1, .ld = ld};
    ld[x] = v->ldx;
    ld[in] = cril_logits_matrix(v->m)->columns;
    for (size_t i = task * CRIL_ROWS; i < v->n_rows && i < (task + 1) * CRIL_ROWS; i++) {
        b.buffer[x] = v->x + i * v->ldx;
        b.buffer[in] = (float *)v->normed.data + (v->integers ? worker : i) * ld[in];
        cril_logits_prepare(v->m, v->k, &b);
        if (v->integers)
            v->k->quantise(b.buffer[in], &v->activations, i);
    }
}

size_t cril_vocabulary_chunks(const struct cril_vocabulary *v)
{
    return (v->columns + CRIL_CHUNK - 1) / CRIL_CHUNK;
}

size_t cril_vocabulary_width(const struct cril_vocabulary *v, size_t c)
{
    const size_t left = v->columns - c * CRIL_CHUNK;
    return left < CRIL_CHUNK ? left : CRIL_CHUNK;
}

bool cril_vocabulary_take(struct cril_vocabulary *v, float *x, size_t ldx, size_t n,
                          const int32_t *ids)
{
    if (!reserve(v, n))
        return false;
    v->x = x;
    v->ldx = ldx;
    v->n_rows = n;
    v->ids = ids;
    v->shares = NULL;
    cril_pool_run(v->pool, (n + CRIL_ROWS - 1) / CRIL_ROWS, prepare_task, v);
    return true;
}

void cril_vocabulary_pack(struct cril_vocabulary *v, size_t c, size_t worker, struct cril_packed *w)
{
    const struct cril_matrix *t = cril_logits_matrix(v->m);
    const size_t first = c * CRIL_CHUNK, n = cril_chunk_columns(v->m, c);
    cril_packed_place(v->k, t, n, (unsigned char *)v->chunks.data + worker * v->chunk_bytes, w);
    for (size_t p = 0; p < cril_panels(n); p++)
        if (!cril_pack_panel(t, first, w, p))
            atomic_store(v->damaged, t->name);
    if (v->release)
        cril_pages_release(t->data + first * t->row_bytes, n * t->row_bytes);
}

float *cril_vocabulary_logits(struct cril_vocabulary *v, size_t c, size_t worker,
                              const struct cril_packed *w, size_t first, size_t n)
{
    float *logits = (float *)v->logits.data + worker * CRIL_ROWS * CRIL_CHUNK;
    cril_packed_multiply(v->k, w, v->normed.data, w->k, &v->activations, first, n, logits,
                         CRIL_CHUNK);
    cril_logits_finish(v->m, v->k, c, logits, CRIL_CHUNK, n);
    return logits;
}

void cril_vocabulary_keep(struct cril_vocabulary *v, size_t c, size_t row, float *logits)
{
    const size_t first = c * CRIL_CHUNK, n = cril_vocabulary_width(v, c),
                 want = (size_t)v->ids[row];
    const bool here = want >= first && want < first + n;
    if (here)
        ((float *)v->target.data)[row] = logits[want - first];
    ((struct cril_chunk *)v->partial.data)[c * v->n_rows + row] = cril_logits_sum(v->k, logits, n);
    if (v->shares && here)
        v->shares[row].token = cril_share_of_value(logits, n, want - first);
}

/* By the panel of its column alone. */
static float find_target(struct cril_vocabulary *v, size_t row, size_t worker)
{
    const struct cril_matrix *t = cril_logits_matrix(v->m);
    const size_t id = (size_t)v->ids[row], c = id / CRIL_CHUNK, first = c * CRIL_CHUNK,
                 panel = (id - first) / CRIL_PANEL_COLUMNS;
    float *logits = (float *)v->logits.data + worker * CRIL_ROWS * CRIL_CHUNK;
    struct cril_packed w;
    cril_packed_place(v->k, t, cril_chunk_columns(v->m, c),
                      (unsigned char *)v->chunks.data + worker * v->chunk_bytes, &w);
    if (!cril_pack_panel(t, first, &w, panel))
        atomic_store(v->damaged, t->name);
    memset(logits, 0, CRIL_CHUNK * sizeof(*logits));
    cril_packed_multiply_panel(v->k, &w, panel, v->normed.data, w.k, &v->activations, row, 1,
                               logits + panel * CRIL_PANEL_COLUMNS, CRIL_CHUNK);
    cril_logits_finish(v->m, v->k, c, logits, CRIL_CHUNK, 1);
    return logits[id - first];
}

static void target_task(void *arg, size_t task, size_t worker)
{
    struct cril_vocabulary *v = arg;
    for (size_t i = task * CRIL_ROWS; i < v->n_rows && i < (task + 1) * CRIL_ROWS; i++)
        ((float *)v->target.data)[i] = find_target(v, i, worker);
}

void cril_vocabulary_find_targets(struct cril_vocabulary *v)
{
    const struct cril_matrix *t = cril_logits_matrix(v->m);
    cril_pool_run(v->pool, (v->n_rows + CRIL_ROWS - 1) / CRIL_ROWS, target_task, v);
    if (v->release)
        cril_pages_release(t->data, cril_matrix_bytes(t));
}

/* One chunk of columns for all rows. */
static void chunk_task(void *arg, size_t task, size_t worker)
{
    struct cril_vocabulary *v = arg;
    struct cril_packed w;
    cril_vocabulary_pack(v, task, worker, &w);
    for (size_t i = 0; i < v->n_rows; i += CRIL_ROWS) {
        const size_t m = v->n_rows - i < CRIL_ROWS ? v->n_rows - i : CRIL_ROWS;
        float *logits = cril_vocabulary_logits(v, task, worker, &w, i, m);
        for (size_t r = 0; r < m; r++)
            cril_vocabulary_keep(v, task, i + r, logits + r * CRIL_CHUNK);
    }
}

/* With what a row's chunk has of a coder's range, where that is asked for. */
double cril_vocabulary_row_nats(const struct cril_vocabulary *v, size_t i)
{
    const struct cril_chunk *partial = (const struct cril_chunk *)v->partial.data + i;
    const size_t n = cril_vocabulary_chunks(v);
    double max = 0,
           sum = cril_join_chunks(partial, n, v->n_rows, &max, v->shares ? v->weights.data : NULL);
    const double nats = cril_logit_nats(((const float *)v->target.data)[i], max, sum);
    if (v->shares && isfinite(nats))
        v->shares[i].chunk =
            cril_share_of_weight(v->weights.data, sum, n, (size_t)v->ids[i] / CRIL_CHUNK);
    return nats;
}

bool cril_vocabulary_nats(struct cril_vocabulary *v, float *x, size_t ldx, size_t n,
                          const int32_t *ids, double *nats, struct cril_shares *shares)
{
    if (!cril_vocabulary_take(v, x, ldx, n, ids))
        return false;
    v->shares = shares;
    cril_pool_run(v->pool, cril_vocabulary_chunks(v), chunk_task, v);
    for (size_t i = 0; i < n; i++)
        nats[i] = cril_vocabulary_row_nats(v, i);
    return true;
}

void cril_vocabulary_free(struct cril_vocabulary *v)
{
    struct cril_memory *const owned[] = {&v->normed, &v->quantised, &v->partial, &v->weights,
                                         &v->target, &v->chunks,    &v->logits};
    for (size_t i = 0; i < sizeof(owned) / sizeof(*owned); i++)
        free(owned[i]->data);
}
