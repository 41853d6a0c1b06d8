#include "model/vocabulary.h"

#include "model/packing.h"
#include "model/plan.h"
#include "util/fmath.h"

#include <math.h>
#include <stdlib.h>

static bool reserve(struct cril_vocabulary *v, size_t n)
{
    const size_t d = v->m->config.n_embd, blocks = d / CRIL_ACTIVATION_BLOCK,
                 workers = cril_pool_threads(v->pool);
    v->integers = cril_dtypes[v->m->output.type].group != 0;
    if (!cril_packed_bytes(v->k, &v->m->output, CRIL_CHUNK, &v->chunk_bytes) ||
        !cril_memory_reserve(&v->chunks, workers, v->chunk_bytes) ||
        !cril_memory_reserve(&v->logits, workers, CRIL_ROWS * CRIL_CHUNK * sizeof(float)) ||
        !cril_memory_reserve(&v->normed, v->integers ? workers : n, d * sizeof(float)) ||
        !cril_memory_reserve(&v->target, n, sizeof(float)) ||
        !cril_memory_reserve(&v->partial, n, cril_chunks(v->m) * sizeof(struct cril_chunk)) ||
        !cril_memory_reserve(&v->weights, cril_chunks(v->m), sizeof(double)))
        return false;
    if (!v->integers)
        return true;
    if (!cril_memory_reserve(&v->activations_memory, n,
                             blocks *
                                 (CRIL_ACTIVATION_BLOCK * sizeof(int16_t) + 4 * sizeof(float))))
        return false;
    float *f = v->activations_memory.data;
    v->activations = (struct cril_activations){.k = d,
                                               .scale = f,
                                               .sum32 = f + n * blocks,
                                               .sum16 = f + n * blocks * 2,
                                               .q = (int16_t *)(f + n * blocks * 4)};
    return true;
}

static void norm_task(void *arg, size_t task, size_t worker)
{
    struct cril_vocabulary *v = arg;
    const size_t d = v->m->config.n_embd;
    for (size_t i = task * CRIL_ROWS; i < v->n_rows && i < (task + 1) * CRIL_ROWS; i++) {
        float *y = (float *)v->normed.data + (v->integers ? worker : i) * d;
        v->k->rms_norm(v->x + i * v->ldx, v->m->output_norm, d, v->m->config.eps, y);
        if (v->integers)
            v->k->quantise(y, &v->activations, i);
    }
}

/* Columns [first, first + n) as panels. */
static void pack_chunk(struct cril_vocabulary *v, size_t first, size_t n, size_t worker,
                       struct cril_packed *w)
{
    const struct cril_matrix *t = &v->m->output;
    cril_packed_place(v->k, t, n, (unsigned char *)v->chunks.data + worker * v->chunk_bytes, w);
    for (size_t p = 0; p < cril_panels(n); p++)
        if (!cril_pack_panel(t, first, w, p))
            atomic_store(v->damaged, t->name);
    if (v->release)
        cril_pages_release(t->data + first * t->row_bytes, n * t->row_bytes);
}

/* One chunk of columns for all rows. */
static void chunk_task(void *arg, size_t task, size_t worker)
{
    struct cril_vocabulary *v = arg;
    const size_t first = task * CRIL_CHUNK, left = v->m->n_vocab - first,
                 n = left < CRIL_CHUNK ? left : CRIL_CHUNK;
    const size_t padded = (n + 15) / 16 * 16;
    float *logits = (float *)v->logits.data + worker * CRIL_ROWS * CRIL_CHUNK;
    float *target = v->target.data;
    struct cril_chunk *partial = (struct cril_chunk *)v->partial.data + task * v->n_rows;
    struct cril_packed w;
    pack_chunk(v, first, n, worker, &w);
    for (size_t i = 0; i < v->n_rows; i += CRIL_ROWS) {
        const size_t m = v->n_rows - i < CRIL_ROWS ? v->n_rows - i : CRIL_ROWS;
        cril_packed_multiply(v->k, &w, v->normed.data, w.k, &v->activations, i, m, logits,
                             CRIL_CHUNK);
        for (size_t r = i; r < i + m; r++) {
            float *l = logits + (r - i) * CRIL_CHUNK;
            const size_t want = (size_t)v->ids[r];
            if (want >= first && want < first + n)
                target[r] = l[want - first];
            for (size_t j = n; j < padded; j++)
                l[j] = -INFINITY;
            v->k->logsum(l, padded, &partial[r].max, &partial[r].sum);
            if (v->shares && want >= first && want < first + n)
                v->shares[r].token = cril_share_of_value(l, n, want - first);
        }
    }
}

double cril_join_chunks(const struct cril_chunk *chunks, size_t n, size_t stride, double *max,
                        double *weights)
{
    double top = -INFINITY, sum = 0;
    for (size_t c = 0; c < n; c++) {
        double m = chunks[c * stride].max;
        top = m > top ? m : top;
        if (!isfinite(m))
            return NAN;
    }
    for (size_t c = 0; c < n; c++) {
        double w = (double)chunks[c * stride].sum * cril_exp((double)chunks[c * stride].max - top);
        sum += w;
        if (weights)
            weights[c] = w;
    }
    *max = top;
    return sum;
}

/* -ln p of row i, and what its chunk has of a coder's range. */
static double row_nats(const struct cril_vocabulary *v, size_t i)
{
    const struct cril_chunk *partial = (const struct cril_chunk *)v->partial.data + i;
    const size_t n = cril_chunks(v->m);
    double max = 0, sum = cril_join_chunks(partial, n, v->n_rows, &max, v->weights.data);
    double nats = max - (double)((const float *)v->target.data)[i] + cril_log(sum);
    if (v->shares && isfinite(nats))
        v->shares[i].chunk =
            cril_share_of_weight(v->weights.data, sum, n, (size_t)v->ids[i] / CRIL_CHUNK);
    return nats < 0 ? 0 : nats; /* a certain token: rounding may leave -1e-8 */
}

bool cril_vocabulary_nats(struct cril_vocabulary *v, const float *x, size_t ldx, size_t n,
                          const int32_t *ids, double *nats, struct cril_shares *shares)
{
    if (!reserve(v, n))
        return false;
    v->x = x;
    v->ldx = ldx;
    v->n_rows = n;
    v->ids = ids;
    v->shares = shares;
    cril_pool_run(v->pool, (n + CRIL_ROWS - 1) / CRIL_ROWS, norm_task, v);
    cril_pool_run(v->pool, cril_chunks(v->m), chunk_task, v);
    for (size_t i = 0; i < n; i++)
        nats[i] = row_nats(v, i);
    return true;
}

void cril_vocabulary_free(struct cril_vocabulary *v)
{
    struct cril_memory *const owned[] = {
        &v->normed, &v->activations_memory, &v->partial, &v->weights, &v->target, &v->chunks,
        &v->logits};
    for (size_t i = 0; i < sizeof(owned) / sizeof(*owned); i++)
        free(owned[i]->data);
}
