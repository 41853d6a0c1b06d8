#include "model/details.h"

#include "model/lanes.h"
#include "model/plan.h"
#include "util/fmath.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Of a chunk of a row's logits. */
struct kept {
    double sum, weighted, squares; /* S, D and Q */
    size_t above;                  /* logits that stand before the target's */
    bool finite;                   /* all are */
};

/* The most likely ids, by rank. */
struct best {
    size_t n;
    struct {
        float logit;
        int32_t id;
    } at[CRIL_MAX_LIKELY];
};

static size_t rows_of(const struct cril_details_head *h)
{
    return h->v->n_rows;
}

static struct kept *kept_at(const struct cril_details_head *h, size_t chunk, size_t row)
{
    return (struct kept *)h->kept.data + chunk * rows_of(h) + row;
}

static struct best *best_at(const struct cril_details_head *h, size_t worker, size_t row)
{
    return (struct best *)h->best.data + worker * rows_of(h) + row;
}

/* ---- Chunks ---- */

/* How many of n logits, those of the ids from `first` on, stand before that of the target. */
static size_t count_above(const float *logits, size_t n, float target, size_t id, size_t first)
{
    const size_t equal = id < first ? 0 : id - first < n ? id - first : n;
    size_t above = 0;
    for (size_t j = 0; j < equal; j++)
        above += logits[j] >= target;
    for (size_t j = equal; j < n; j++)
        above += logits[j] > target;
    return above;
}

static bool is_wanted(const struct best *b, float logit, int32_t id)
{
    if (b->n < CRIL_MAX_LIKELY)
        return true;
    const float last = b->at[CRIL_MAX_LIKELY - 1].logit;
    return logit > last || (logit == last && id < b->at[CRIL_MAX_LIKELY - 1].id);
}

static void insert(struct best *b, float logit, int32_t id)
{
    size_t i = b->n < CRIL_MAX_LIKELY ? b->n++ : CRIL_MAX_LIKELY - 1;
    for (;
         i && (logit > b->at[i - 1].logit || (logit == b->at[i - 1].logit && id < b->at[i - 1].id));
         i--)
        b->at[i] = b->at[i - 1];
    b->at[i].logit = logit;
    b->at[i].id = id;
}

/* top: which of the logits is the largest. */
static void collect(struct best *b, const float *logits, size_t n, size_t first, int32_t top)
{
    if (!is_wanted(b, logits[top], (int32_t)first + top))
        return;
    for (size_t j = 0; j < n; j++)
        if (is_wanted(b, logits[j], (int32_t)(first + j)))
            insert(b, logits[j], (int32_t)(first + j));
}

/* Sets D and Q, sums of weight[j] times logits[j] - max, and times its square. */
static void weigh(struct kept *k, const float *weights, const float *logits, size_t n, float max)
{
    double weighted[8] = {0}, squares[8] = {0};
    for (size_t j = 0; j < n; j += 8)
        for (size_t i = 0; i < 8 && j + i < n; i++) {
            const double d = (double)logits[j + i] - (double)max, part = (double)weights[j + i] * d;
            weighted[i] += part;
            squares[i] += part * d;
        }
    k->weighted = cril_lanes_join(weighted);
    k->squares = cril_lanes_join(squares);
}

/* Keeps a row's logits of a chunk; they become exponentials. */
static void keep(struct cril_details_head *h, size_t chunk, size_t row, size_t worker,
                 float *logits)
{
    struct cril_vocabulary *v = h->v;
    const size_t n = cril_vocabulary_width(v, chunk), first = chunk * CRIL_CHUNK;
    const int32_t top = cril_logits_best(logits, n); /* -1: one is not finite */
    float *copy = (float *)h->logits.data + worker * CRIL_CHUNK;
    struct kept *k = kept_at(h, chunk, row);
    k->finite = top >= 0;
    if (!k->finite)
        return;
    k->above =
        count_above(logits, n, ((const float *)v->target.data)[row], (size_t)v->ids[row], first);
    collect(best_at(h, worker, row), logits, n, first, top);
    memcpy(copy, logits, n * sizeof(*copy));
    cril_vocabulary_keep(v, chunk, row, logits);
    k->sum = cril_lanes_sum(logits, n);
    weigh(k, logits, copy, n, copy[top]);
}

static void chunk_task(void *arg, size_t task, size_t worker)
{
    struct cril_details_head *h = arg;
    struct cril_packed w;
    cril_vocabulary_pack(h->v, task, worker, &w);
    for (size_t i = 0; i < rows_of(h); i += CRIL_ROWS) {
        const size_t n = rows_of(h) - i < CRIL_ROWS ? rows_of(h) - i : CRIL_ROWS;
        float *logits = cril_vocabulary_logits(h->v, task, worker, &w, i, n);
        for (size_t r = 0; r < n; r++)
            keep(h, task, i + r, worker, logits + r * CRIL_CHUNK);
    }
}

/* ---- Rows ---- */

static bool is_finite(const struct cril_details_head *h, size_t row)
{
    bool finite = true;
    for (size_t c = 0; c < cril_vocabulary_chunks(h->v); c++)
        finite = finite && kept_at(h, c, row)->finite;
    return finite;
}

/* The entropy: ln Z - sum of p a, both less the largest logit; and the deviation of a. */
static void measure_row(const struct cril_details_head *h, size_t row, double max,
                        cril_token_details *out)
{
    const struct cril_chunk *partial = (const struct cril_chunk *)h->v->partial.data + row;
    double sum = 0, weighted = 0, squares = 0;
    for (size_t c = 0; c < cril_vocabulary_chunks(h->v); c++) {
        const struct kept *k = kept_at(h, c, row);
        const double below = (double)partial[c * rows_of(h)].max - max, w = cril_exp(below);
        sum += k->sum * w;
        weighted += (k->weighted + k->sum * below) * w;
        squares += (k->squares + 2 * k->weighted * below + k->sum * below * below) * w;
    }
    const double mean = weighted / sum, entropy = cril_log(sum) - mean,
                 variance = squares / sum - mean * mean;
    out->entropy = entropy > 0 ? entropy : 0; /* rounding may leave less */
    out->deviation = variance > 0 ? sqrt(variance) : 0;
}

static size_t rank_of(const struct cril_details_head *h, size_t row)
{
    size_t rank = 1;
    for (size_t c = 0; c < cril_vocabulary_chunks(h->v); c++)
        rank += kept_at(h, c, row)->above;
    return rank;
}

/* The best of what all workers have seen. */
static struct best join_best(const struct cril_details_head *h, size_t row)
{
    struct best all = {0};
    for (size_t w = 0; w < cril_pool_threads(h->v->pool); w++) {
        const struct best *b = best_at(h, w, row);
        for (size_t i = 0; i < b->n && is_wanted(&all, b->at[i].logit, b->at[i].id); i++)
            insert(&all, b->at[i].logit, b->at[i].id);
    }
    return all;
}

static void finish_row(const struct cril_details_head *h, size_t row)
{
    const struct cril_vocabulary *v = h->v;
    cril_token_details *out = &h->out[row];
    double max = 0;
    *out = (cril_token_details){.entropy = NAN};
    h->nats[row] = NAN;
    if (!is_finite(h, row))
        return;
    const double sum = cril_join_chunks((const struct cril_chunk *)v->partial.data + row,
                                        cril_vocabulary_chunks(v), v->n_rows, &max, NULL);
    const struct best best = join_best(h, row);
    h->nats[row] = cril_logit_nats(((const float *)v->target.data)[row], max, sum);
    out->rank = rank_of(h, row);
    measure_row(h, row, max, out);
    out->n_likely = best.n;
    for (size_t i = 0; i < best.n; i++)
        out->likely[i] = (cril_likely){best.at[i].id, cril_logit_nats(best.at[i].logit, max, sum)};
}

static void row_task(void *arg, size_t task, size_t worker)
{
    const struct cril_details_head *h = arg;
    (void)worker;
    for (size_t i = task * CRIL_ROWS; i < rows_of(h) && i < (task + 1) * CRIL_ROWS; i++)
        finish_row(h, i);
}

bool cril_details_nats(struct cril_details_head *h, double *nats, cril_token_details *out)
{
    cril_pool *pool = h->v->pool;
    const size_t workers = cril_pool_threads(pool), chunks = cril_vocabulary_chunks(h->v),
                 rows = rows_of(h);
    if (!cril_memory_reserve(&h->kept, rows, chunks * sizeof(struct kept)) ||
        !cril_memory_reserve(&h->best, rows, workers * sizeof(struct best)) ||
        !cril_memory_reserve(&h->logits, workers, CRIL_CHUNK * sizeof(float)))
        return false;
    memset(h->best.data, 0, rows * workers * sizeof(struct best));
    h->nats = nats;
    h->out = out;
    cril_vocabulary_find_targets(h->v);
    cril_pool_run(pool, chunks, chunk_task, h);
    cril_pool_run(pool, (rows + CRIL_ROWS - 1) / CRIL_ROWS, row_task, h);
    return true;
}

size_t cril_details_row_bytes(size_t threads, size_t columns)
{
    return (columns + CRIL_CHUNK - 1) / CRIL_CHUNK * sizeof(struct kept) +
           threads * sizeof(struct best) + sizeof(cril_token_details);
}

void cril_details_free(struct cril_details_head *h)
{
    free(h->kept.data);
    free(h->best.data);
    free(h->logits.data);
}
