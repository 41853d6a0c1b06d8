#include "model/logits.h"

#include "util/fail.h"
#include "util/fmath.h"

#include <math.h>
#include <string.h>

enum cril_buffer cril_logits_input(const cril_model *m)
{
    return m->family->head.step[0].in;
}

const struct cril_step *cril_logits_product(const cril_model *m)
{
    const struct cril_step *step = m->family->head.step;
    while (step->op->form != CRIL_BY_PRODUCT)
        step++;
    return step;
}

const struct cril_matrix *cril_logits_matrix(const cril_model *m)
{
    return &cril_model_ends(m)->matrix[cril_logits_product(m)->w];
}

void cril_logits_prepare(const cril_model *m, const struct cril_kernels *k,
                         const struct cril_block *b)
{
    cril_run_ends((struct cril_pass){.m = m, .k = k}, m->family->head.step, cril_logits_product(m),
                  b);
}

void cril_logits_finish(const cril_model *m, const struct cril_kernels *k, size_t c, float *logits,
                        size_t ld, size_t n)
{
    const struct cril_steps *head = &m->family->head;
    const size_t lds[CRIL_N_BUFFERS] = {[CRIL_BUF_LOGITS] = ld};
    const struct cril_block b = {.n = n, .ld = lds, .buffer = {[CRIL_BUF_LOGITS] = logits}};
    cril_run_ends(
        (struct cril_pass){
            .m = m, .k = k, .first_logit = c * CRIL_CHUNK, .n_logits = cril_chunk_columns(m, c)},
        cril_logits_product(m) + 1, head->step + head->n, &b);
}

static bool are_finite(const float *x, size_t n)
{
    const uint32_t exponent = 0x7f800000; /* all ones: infinite or NaN */
    uint32_t bits, bad = 0;
    for (size_t j = 0; j < n; j++) {
        memcpy(&bits, &x[j], sizeof(bits));
        bad |= (bits & exponent) == exponent;
    }
    return !bad;
}

/* 16 maxima side by side: one alone would wait for itself. */
static float largest(const float *x, size_t n)
{
    float max[16];
    for (size_t i = 0; i < 16; i++)
        max[i] = x[i < n ? i : 0];
    size_t j = 16;
    for (; j + 16 <= n; j += 16)
        for (size_t i = 0; i < 16; i++)
            max[i] = x[j + i] > max[i] ? x[j + i] : max[i];
    for (; j < n; j++)
        max[j % 16] = x[j] > max[j % 16] ? x[j] : max[j % 16];
    for (size_t i = 1; i < 16; i++)
        max[0] = max[i] > max[0] ? max[i] : max[0];
    return max[0];
}

int32_t cril_logits_best(const float *logits, size_t n)
{
    int32_t best = 0;
    if (!are_finite(logits, n))
        return -1;
    const float max = largest(logits, n);
    while (logits[best] < max)
        best++;
    return best;
}

struct cril_chunk cril_logits_sum(const struct cril_kernels *k, float *logits, size_t n)
{
    const size_t padded = (n + 15) / 16 * 16;
    struct cril_chunk chunk;
    for (size_t j = n; j < padded; j++)
        logits[j] = -INFINITY;
    k->logsum(logits, padded, &chunk.max, &chunk.sum);
    return chunk;
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

cril_status cril_logits_check_id(const cril_model *m, int32_t id, cril_error *err)
{
    if (id >= 0 && (size_t)id < m->n_vocab)
        return CRIL_OK;
    return cril_fail(err, CRIL_ERR_RANGE, "%s: token id %d is outside the vocabulary of %zu",
                     m->path, (int)id, m->n_vocab);
}
