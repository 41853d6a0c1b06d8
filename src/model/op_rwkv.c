/*
 * RWKV 4 (Peng et al. 2023, section 3): mixtures with the previous token, an average of values that
 * ages, and scales by powers of two that keep half precision from overflowing, which a norm's
 * epsilon sees.
 */
#include "model/op.h"

#include "util/fmath.h"

#include <math.h>
#include <string.h>

/* ---- The previous token ---- */

static size_t embd_floats(const cril_model *m, size_t layer, size_t n)
{
    (void)layer;
    (void)n;
    return m->config.n_embd;
}

static size_t embd_bytes(const cril_model *m, size_t layer, size_t n_pad)
{
    return embd_floats(m, layer, n_pad) * sizeof(float);
}

static const struct cril_state shift_state = {.bytes = embd_bytes, .plain_floats = embd_floats},
                               ffn_shift_state = {.bytes = embd_bytes, .plain_floats = embd_floats};

static size_t shift_parts(const cril_model *m, size_t layer)
{
    (void)layer;
    return (m->config.n_embd + CRIL_CHANNELS - 1) / CRIL_CHANNELS;
}

/* out = what s holds, s = in. */
static void shift(float *s, const float *in, float *out, size_t position, size_t n)
{
    if (position)
        memcpy(out, s, n * sizeof(float));
    else
        memset(out, 0, n * sizeof(float));
    memcpy(s, in, n * sizeof(float));
}

static void shift_across(const struct cril_pass *p, const struct cril_block *b, size_t from,
                         size_t to, float *scratch)
{
    const size_t n = p->m->config.n_embd, first = from * CRIL_CHANNELS,
                 end = to * CRIL_CHANNELS < n ? to * CRIL_CHANNELS : n;
    (void)scratch;
    for (size_t i = 0; i < b->n; i++)
        shift(cril_pass_state_floats(p, &b->rows[i]) + first,
              cril_block_row(b, p->step->in, i) + first, cril_block_row(b, p->step->out, i) + first,
              b->rows[i].position, end - first);
}

static void shift_token(const struct cril_token *t, const struct cril_step *s)
{
    for (size_t i = 0; i < t->m->config.n_embd; i++) {
        t->buffer[s->out][i] = t->position ? t->state[i] : 0;
        t->state[i] = t->buffer[s->in][i];
    }
}

const struct cril_op cril_op_shift = {.form = CRIL_ACROSS_POSITIONS,
                                      .state = &shift_state,
                                      .stores = true,
                                      .in_order = true,
                                      .across = shift_across,
                                      .parts = shift_parts,
                                      .plain = shift_token};

const struct cril_op cril_op_shift_ffn = {.form = CRIL_ACROSS_POSITIONS,
                                          .state = &ffn_shift_state,
                                          .stores = true,
                                          .in_order = true,
                                          .across = shift_across,
                                          .parts = shift_parts,
                                          .plain = shift_token};

static size_t embd_numbers(const cril_model *m, size_t layer, const struct cril_step *s)
{
    (void)layer;
    (void)s;
    return m->config.n_embd;
}

static void mix_rows(const struct cril_pass *p, const struct cril_block *b)
{
    const float *const w = cril_pass_vector(p);
    for (size_t i = 0; i < b->n; i++) {
        const float *const x = cril_block_row(b, p->step->in, i), *const before = cril_block_row(
                                                                      b, CRIL_BUF_M, i);
        float *const out = cril_block_row(b, p->step->out, i);
        for (size_t k = 0; k < p->m->config.n_embd; k++)
            out[k] = x[k] * w[k] + before[k] * (1 - w[k]);
    }
}

static void mix_token(const struct cril_token *t, const struct cril_step *s)
{
    for (size_t i = 0; i < t->m->config.n_embd; i++) {
        const float w = t->m->layers[t->layer].vector[s->w][i];
        t->buffer[s->out][i] = t->buffer[s->in][i] * w + t->buffer[CRIL_BUF_M][i] * (1 - w);
    }
}

const struct cril_op cril_op_mix = {.form = CRIL_BY_ROWS,
                                    .reads = 1u << CRIL_BUF_M,
                                    .vector = embd_numbers,
                                    .neutral = 1,
                                    .rows = mix_rows,
                                    .plain = mix_token};

/* ---- The average ---- */

/* Takes no part in a maximum, and e^ of it is 0. */
static const float nothing_yet = -1e38f;

static size_t value_numbers(const cril_model *m, size_t layer, const struct cril_step *s)
{
    return cril_buffer_width(m, layer, s->out);
}

static size_t wkv_floats(const cril_model *m, size_t layer, size_t n)
{
    (void)n;
    return 3 * cril_buffer_width(m, layer, CRIL_BUF_V);
}

static size_t wkv_bytes(const cril_model *m, size_t layer, size_t n_pad)
{
    return wkv_floats(m, layer, n_pad) * sizeof(float);
}

static const struct cril_state wkv_state = {.bytes = wkv_bytes, .plain_floats = wkv_floats};

static size_t wkv_parts(const cril_model *m, size_t layer)
{
    return (cril_buffer_width(m, layer, CRIL_BUF_V) + CRIL_CHANNELS - 1) / CRIL_CHANNELS;
}

/* Channels [c, c + n), a slice whose state lies together. */
static void wkv_slice(const struct cril_pass *p, const struct cril_block *b, size_t c, size_t n)
{
    for (size_t i = 0; i < b->n; i++) {
        float *const s = cril_pass_state_floats(p, &b->rows[i]) + 3 * c;
        if (b->rows[i].position == 0) {
            memset(s, 0, 2 * n * sizeof(float));
            for (size_t k = 2 * n; k < 3 * n; k++)
                s[k] = nothing_yet;
        }
        p->k->wkv(s, cril_pass_vector(p) + c, cril_block_row(b, p->step->in, i) + c,
                  cril_block_row(b, CRIL_BUF_A, i) + c, cril_block_row(b, p->step->out, i) + c, n);
    }
}

static void wkv_across(const struct cril_pass *p, const struct cril_block *b, size_t from,
                       size_t to, float *scratch)
{
    const size_t n = cril_pass_width(p, p->step->out),
                 end = to * CRIL_CHANNELS < n ? to * CRIL_CHANNELS : n;
    (void)scratch;
    for (size_t c = from * CRIL_CHANNELS; c < end; c += CRIL_CHANNELS)
        wkv_slice(p, b, c, end - c < CRIL_CHANNELS ? end - c : CRIL_CHANNELS);
}

/* One channel; s [3]: numerator, denominator, exponent. */
static float wkv(float s[3], float decay, float k, float now, float v)
{
    const float top = fmaxf(s[2], now), next = fmaxf(s[2] + decay, k);
    const float old = cril_expf(s[2] - top), in = cril_expf(now - top);
    const float out = fmaf(old, s[0], in * v) / fmaf(old, s[1], in);
    const float keep = cril_expf(s[2] + decay - next), add = cril_expf(k - next);
    s[0] = fmaf(keep, s[0], add * v);
    s[1] = fmaf(keep, s[1], add);
    s[2] = next;
    return out;
}

static void wkv_token(const struct cril_token *t, const struct cril_step *step)
{
    const float *const decay = t->m->layers[t->layer].vector[step->w];
    for (size_t i = 0; i < cril_buffer_width(t->m, t->layer, step->out); i++) {
        float *const s = t->state + 3 * i, *const v = &t->buffer[step->out][i];
        if (t->position == 0) {
            s[0] = s[1] = 0;
            s[2] = nothing_yet;
        }
        *v = wkv(s, decay[i], t->buffer[step->in][i], t->buffer[CRIL_BUF_A][i], *v);
    }
}

const struct cril_op cril_op_wkv = {.form = CRIL_ACROSS_POSITIONS,
                                    .reads_out = true,
                                    .reads = 1u << CRIL_BUF_A,
                                    .state = &wkv_state,
                                    .stores = true,
                                    .vector = value_numbers,
                                    .in_order = true,
                                    .across = wkv_across,
                                    .parts = wkv_parts,
                                    .plain = wkv_token};

/* ---- Powers of two ---- */

/* The layer's branches are divided by 2 once for each time that the stream was halved before. */
static float branch_factor(const cril_model *m, size_t layer)
{
    return m->config.rescale_every ? ldexpf(1, -(int)(layer / m->config.rescale_every)) : 1;
}

static bool is_halved(const cril_model *m, size_t layer)
{
    return m->config.rescale_every && (layer + 1) % m->config.rescale_every == 0;
}

static void rescale_rows(const struct cril_pass *p, const struct cril_block *b)
{
    for (size_t i = 0; i < b->n; i++)
        p->k->scale(cril_block_row(b, p->step->out, i), branch_factor(p->m, p->layer),
                    cril_pass_width(p, p->step->out));
}

static void rescale_token(const struct cril_token *t, const struct cril_step *s)
{
    for (size_t i = 0; i < cril_buffer_width(t->m, t->layer, s->out); i++)
        t->buffer[s->out][i] *= branch_factor(t->m, t->layer);
}

const struct cril_op cril_op_rescale = {
    .form = CRIL_BY_ROWS, .reads_out = true, .rows = rescale_rows, .plain = rescale_token};

static void halve_rows(const struct cril_pass *p, const struct cril_block *b)
{
    for (size_t i = 0; is_halved(p->m, p->layer) && i < b->n; i++)
        p->k->scale(cril_block_row(b, p->step->out, i), 0.5f, cril_pass_width(p, p->step->out));
}

static void halve_token(const struct cril_token *t, const struct cril_step *s)
{
    for (size_t i = 0; is_halved(t->m, t->layer) && i < cril_buffer_width(t->m, t->layer, s->out);
         i++)
        t->buffer[s->out][i] /= 2;
}

const struct cril_op cril_op_halve = {
    .form = CRIL_BY_ROWS, .reads_out = true, .rows = halve_rows, .plain = halve_token};
