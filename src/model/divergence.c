#include "model/divergence.h"

#include "model/lanes.h"
#include "model/plan.h"
#include "util/fmath.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Of a chunk of a row's logits of a model. */
struct kept {
    double sum;   /* of the exponentials */
    double apart; /* of those of the base times its logit less the model's */
    int32_t best; /* the id of the largest logit, of equals the lowest */
};

static size_t rows_of(const struct cril_heads *h)
{
    return h->v[0]->n_rows;
}

static struct kept *kept_at(const struct cril_heads *h, size_t model, size_t chunk, size_t row)
{
    return (struct kept *)h->kept.data +
           (model * cril_vocabulary_chunks(h->v[0]) + chunk) * rows_of(h) + row;
}

/* Sum of weight[j] (a[j] - b[j]). */
static double apart_of(const float *weight, const float *a, const float *b, size_t n)
{
    double lanes[8] = {0};
    size_t j = 0;
    for (; j + 8 <= n; j += 8)
        for (size_t i = 0; i < 8; i++)
            lanes[i] += (double)weight[j + i] * ((double)a[j + i] - (double)b[j + i]);
    for (size_t i = 0; j < n; i++, j++)
        lanes[i] += (double)weight[j] * ((double)a[j] - (double)b[j]);
    return cril_lanes_join(lanes);
}

/* Keeps n logits of a row; they become exponentials. */
static void keep(struct cril_heads *h, size_t model, size_t chunk, size_t row, float *logits)
{
    const size_t n = cril_vocabulary_width(h->v[0], chunk);
    struct kept *k = kept_at(h, model, chunk, row);
    k->best = cril_logits_best(logits, n); /* -1: one is not finite */
    if (k->best >= 0)
        k->best += (int32_t)(chunk * CRIL_CHUNK);
    cril_vocabulary_keep(h->v[model], chunk, row, logits);
    k->sum = cril_lanes_sum(logits, n);
}

static void chunk_task(void *arg, size_t task, size_t worker)
{
    struct cril_heads *h = arg;
    struct cril_packed *w = (struct cril_packed *)h->packed.data + worker * h->n;
    float *logits = (float *)h->base_rows.data + worker * 2 * CRIL_ROWS * CRIL_CHUNK,
          *weights = logits + CRIL_ROWS * CRIL_CHUNK;
    const size_t rows = rows_of(h), width = cril_vocabulary_width(h->v[0], task);
    for (size_t m = 0; m < h->n; m++)
        cril_vocabulary_pack(h->v[m], task, worker, &w[m]);
    for (size_t i = 0; i < rows; i += CRIL_ROWS) {
        const size_t n = rows - i < CRIL_ROWS ? rows - i : CRIL_ROWS;
        for (size_t m = 0; m < h->n; m++) {
            float *l = cril_vocabulary_logits(h->v[m], task, worker, &w[m], i, n);
            if (m == 0)
                memcpy(logits, l, n * CRIL_CHUNK * sizeof(*l));
            for (size_t r = 0; r < n; r++) {
                const size_t at = r * CRIL_CHUNK;
                if (m > 0)
                    kept_at(h, m, task, i + r)->apart =
                        apart_of(weights + at, logits + at, l + at, width);
                keep(h, m, task, i + r, l + at);
            }
            if (m == 0)
                memcpy(weights, l, n * CRIL_CHUNK * sizeof(*l));
        }
    }
}

/* What a model's chunks of a row have in common: the largest logit, its id, and the logarithm of
 * the sum of e^(logit - largest). */
struct row {
    double max, log_sum;
    int32_t best;
    bool finite; /* all logits are */
};

static const struct cril_chunk *partial_at(const struct cril_heads *h, size_t model, size_t chunk,
                                           size_t row)
{
    return (const struct cril_chunk *)h->v[model]->partial.data + chunk * rows_of(h) + row;
}

static struct row join_row(const struct cril_heads *h, size_t model, size_t row)
{
    const size_t chunks = cril_vocabulary_chunks(h->v[0]);
    struct row out = {.max = -INFINITY, .best = -1, .finite = true};
    double sum = 0;
    for (size_t c = 0; c < chunks; c++) {
        const double max = (double)partial_at(h, model, c, row)->max;
        const int32_t best = kept_at(h, model, c, row)->best;
        out.finite = out.finite && best >= 0;
        if (max > out.max) {
            out.max = max;
            out.best = best;
        }
    }
    for (size_t c = 0; c < chunks; c++)
        sum += kept_at(h, model, c, row)->sum *
               cril_exp((double)partial_at(h, model, c, row)->max - out.max);
    out.log_sum = cril_log(sum);
    return out;
}

/* The mean of the base's logits less the model's, by the base's distribution. */
static double mean_apart(const struct cril_heads *h, size_t model, size_t row, double base_max)
{
    const size_t chunks = cril_vocabulary_chunks(h->v[0]);
    double sum = 0, apart = 0;
    for (size_t c = 0; c < chunks; c++) {
        const double w = cril_exp((double)partial_at(h, 0, c, row)->max - base_max);
        sum += kept_at(h, 0, c, row)->sum * w;
        apart += kept_at(h, model, c, row)->apart * w;
    }
    return apart / sum;
}

static cril_divergence compare(const struct cril_heads *h, size_t model, size_t row,
                               const struct row *base)
{
    const struct row other = join_row(h, model, row);
    if (!other.finite)
        return (cril_divergence){.nats = NAN};
    const double kl = mean_apart(h, model, row, base->max) - (base->max - other.max) -
                      (base->log_sum - other.log_sum);
    return (cril_divergence){.nats = cril_vocabulary_row_nats(h->v[model], row),
                             .kl = kl > 0 ? kl : 0, /* rounding may leave less */
                             .same_top = base->best == other.best};
}

static void row_task(void *arg, size_t task, size_t worker)
{
    const struct cril_heads *h = arg;
    (void)worker;
    for (size_t i = task * CRIL_ROWS; i < rows_of(h) && i < (task + 1) * CRIL_ROWS; i++) {
        const struct row base = join_row(h, 0, i);
        h->nats[i] = base.finite ? cril_vocabulary_row_nats(h->v[0], i) : NAN;
        for (size_t m = 1; m < h->n; m++)
            h->out[i * (h->n - 1) + m - 1] = compare(h, m, i, &base);
    }
}

bool cril_heads_compare(struct cril_heads *h, double *nats, cril_divergence *out)
{
    cril_pool *pool = h->v[0]->pool;
    const size_t workers = cril_pool_threads(pool), chunks = cril_vocabulary_chunks(h->v[0]),
                 rows = rows_of(h);
    if (!cril_memory_reserve(&h->kept, rows * h->n, chunks * sizeof(struct kept)) ||
        !cril_memory_reserve(&h->packed, workers, h->n * sizeof(struct cril_packed)) ||
        !cril_memory_reserve(&h->base_rows, workers, 2 * CRIL_ROWS * CRIL_CHUNK * sizeof(float)))
        return false;
    h->nats = nats;
    h->out = out;
    cril_pool_run(pool, chunks, chunk_task, h);
    cril_pool_run(pool, (rows + CRIL_ROWS - 1) / CRIL_ROWS, row_task, h);
    return true;
}

size_t cril_heads_row_bytes(size_t n, size_t columns)
{
    return n * ((columns + CRIL_CHUNK - 1) / CRIL_CHUNK * sizeof(struct kept) +
                sizeof(cril_divergence));
}

void cril_heads_free(struct cril_heads *h)
{
    free(h->kept.data);
    free(h->packed.data);
    free(h->base_rows.data);
}
