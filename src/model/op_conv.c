/*
 * A causal convolution of each channel by itself: a position's result is a weighted sum of the last
 * `width` inputs, its own the last (Gu & Dao 2023, section 3.4). The state is the inputs before.
 * Bias and activation function are steps of their own.
 */
#include "model/op.h"

#include <math.h>
#include <string.h>

static size_t channels(const cril_model *m, size_t layer)
{
    return cril_buffer_width(m, layer, CRIL_BUF_SU);
}

static size_t state_floats(const cril_model *m, size_t layer, size_t n)
{
    (void)n;
    return (m->config.ssm_width - 1) * channels(m, layer);
}

static size_t state_bytes(const cril_model *m, size_t layer, size_t n_pad)
{
    return state_floats(m, layer, n_pad) * sizeof(float);
}

static const struct cril_state conv_state = {.bytes = state_bytes, .plain_floats = state_floats};

static size_t taps(const cril_model *m, size_t layer, const struct cril_step *s)
{
    (void)s;
    return m->config.ssm_width * channels(m, layer);
}

/* A part is a slice of the channels. The state of a slice lies together, as its taps do. */
static void convolve_across(const struct cril_pass *p, const struct cril_block *b, size_t from,
                            size_t to, float *scratch)
{
    const size_t width = p->m->config.ssm_width, first = from * CRIL_CHANNELS,
                 n = channels(p->m, p->layer),
                 end = to * CRIL_CHANNELS < n ? to * CRIL_CHANNELS : n;
    const float *const w = cril_pass_vector(p);
    (void)scratch;
    for (size_t c = first, count; c < end; c += count) {
        count = end - c < CRIL_CHANNELS ? end - c : CRIL_CHANNELS;
        for (size_t i = 0; i < b->n; i++) {
            float *const s = cril_pass_state_floats(p, &b->rows[i]) + c * (width - 1);
            if (b->rows[i].position == 0)
                memset(s, 0, count * (width - 1) * sizeof(float));
            p->k->convolve(s, w + c * width, width, cril_block_row(b, p->step->out, i) + c, count);
        }
    }
}

/* State [width - 1][channels]. */
static void convolve_token(const struct cril_token *t, const struct cril_step *step)
{
    const size_t n = channels(t->m, t->layer), width = t->m->config.ssm_width;
    const float *const w = t->m->layers[t->layer].vector[step->w];
    for (size_t c = 0; c < n; c++) {
        const size_t slice = c / CRIL_CHANNELS * CRIL_CHANNELS,
                     count = n - slice < CRIL_CHANNELS ? n - slice : CRIL_CHANNELS;
        float *const x = &t->buffer[step->out][c], sum = 0;
        for (size_t k = 0; k < width; k++) {
            const float tap = w[slice * width + k * count + c - slice];
            float *const kept = &t->state[k * n + c];
            if (k + 1 < width && t->position == 0)
                *kept = 0;
            sum = fmaf(tap, k + 1 < width ? *kept : *x, sum);
        }
        for (size_t k = 0; k + 1 < width; k++)
            t->state[k * n + c] = k + 2 < width ? t->state[(k + 1) * n + c] : *x;
        *x = sum;
    }
}

static double multiply_adds(const cril_model *m, size_t layer, const struct cril_step *s, size_t n)
{
    return (double)n * (double)taps(m, layer, s);
}

const struct cril_op cril_op_convolve = {.form = CRIL_ACROSS_POSITIONS,
                                         .reads_out = true,
                                         .state = &conv_state,
                                         .stores = true,
                                         .vector = taps,
                                         .in_order = true,
                                         .across = convolve_across,
                                         .parts = cril_channel_parts,
                                         .plain = convolve_token,
                                         .multiply_adds = multiply_adds};
