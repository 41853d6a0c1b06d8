/*
 * Selective scans: a state decays and takes in what a position brings, at a rate that the position
 * chooses (Gu & Dao 2023, algorithm 2; with heads: Dao & Gu 2024). The state is carried from token
 * to token, and its order of sums is that of the tokens, whatever goes together.
 */
#include "model/op.h"

#include "util/fmath.h"

#include <math.h>
#include <string.h>

/* ---- Channels ---- */

static size_t state_floats(const cril_model *m, size_t layer, size_t n)
{
    (void)layer;
    (void)n;
    return m->config.ssm_inner * m->config.ssm_state;
}

static size_t state_bytes(const cril_model *m, size_t layer, size_t n_pad)
{
    return state_floats(m, layer, n_pad) * sizeof(float);
}

static const struct cril_state scan_state = {.bytes = state_bytes, .plain_floats = state_floats};

static size_t decays(const cril_model *m, size_t layer, const struct cril_step *s)
{
    (void)s;
    return state_floats(m, layer, 0);
}

/* Calls what a part of the next row needs into the cache: rows are pages apart. */
static void prefetch(const float *x, size_t n)
{
    for (size_t i = 0; i < n; i += 16)
        __builtin_prefetch(x + i);
}

/* Channels [c, c + n), a slice whose state and decays lie together. */
static void scan_slice(const struct cril_pass *p, const struct cril_block *b, size_t c, size_t n)
{
    const size_t state = p->m->config.ssm_state, rank = p->m->config.ssm_rank;
    const float *const a = cril_pass_vector(p) + c * state;
    for (size_t i = 0; i < b->n; i++) {
        float *const s = cril_pass_state_floats(p, &b->rows[i]) + c * state;
        const float *const x = cril_block_row(b, CRIL_BUF_SX, i) + rank;
        if (b->rows[i].position == 0)
            memset(s, 0, n * state * sizeof(float));
        if (i + 1 < b->n) {
            prefetch(cril_block_row(b, p->step->in, i + 1) + c, n);
            prefetch(cril_block_row(b, p->step->out, i + 1) + c, n);
            prefetch(cril_block_row(b, CRIL_BUF_SX, i + 1) + rank, 2 * state);
        }
        p->k->scan(s, a, x, x + state, state, cril_block_row(b, p->step->in, i) + c,
                   cril_block_row(b, p->step->out, i) + c, n);
    }
}

static void scan_across(const struct cril_pass *p, const struct cril_block *b, size_t from,
                        size_t to, float *scratch)
{
    const size_t inner = p->m->config.ssm_inner,
                 end = to * CRIL_CHANNELS < inner ? to * CRIL_CHANNELS : inner;
    (void)scratch;
    for (size_t c = from * CRIL_CHANNELS; c < end; c += CRIL_CHANNELS)
        scan_slice(p, b, c, end - c < CRIL_CHANNELS ? end - c : CRIL_CHANNELS);
}

/* State [inner][state]. */
static void scan_token(const struct cril_token *t, const struct cril_step *step)
{
    const struct cril_config *const c = &t->m->config;
    const float *const b = t->buffer[CRIL_BUF_SX] + c->ssm_rank, *const into = b + c->ssm_state,
                       *const a = t->m->layers[t->layer].vector[step->w];
    for (size_t i = 0; i < c->ssm_inner; i++) {
        const size_t slice = i / CRIL_CHANNELS * CRIL_CHANNELS, left = c->ssm_inner - slice,
                     count = left < CRIL_CHANNELS ? left : CRIL_CHANNELS;
        float *const s = t->state + i * c->ssm_state;
        const float d = t->buffer[step->out][i], in = d * t->buffer[step->in][i];
        float sum = 0;
        for (size_t j = 0; j < c->ssm_state; j++) {
            const float decay = cril_expf(d * a[slice * c->ssm_state + j * count + i - slice]);
            s[j] = fmaf(decay, t->position ? s[j] : 0, in * b[j]);
            sum = fmaf(s[j], into[j], sum);
        }
        t->buffer[step->out][i] = sum;
    }
}

/* Of the state's decay, its input, and the sum. */
static double multiply_adds(const cril_model *m, size_t layer, const struct cril_step *s, size_t n)
{
    (void)s;
    return 3 * (double)n * (double)state_floats(m, layer, n);
}

const struct cril_op cril_op_scan = {.form = CRIL_ACROSS_POSITIONS,
                                     .reads_out = true,
                                     .reads = 1u << CRIL_BUF_SX,
                                     .state = &scan_state,
                                     .stores = true,
                                     .vector = decays,
                                     .in_order = true,
                                     .across = scan_across,
                                     .parts = cril_channel_parts,
                                     .plain = scan_token,
                                     .multiply_adds = multiply_adds};

/* ---- Heads ---- */

static size_t heads(const cril_model *m, size_t layer)
{
    (void)layer;
    return m->config.ssm_heads;
}

static size_t head_numbers(const cril_model *m, size_t layer, const struct cril_step *s)
{
    (void)s;
    return heads(m, layer);
}

/* Where B of a head's group starts in a row of `in`; C lies behind the B of all groups. */
static size_t group_at(const struct cril_config *c, size_t head)
{
    return c->ssm_inner + head / (c->ssm_heads / c->ssm_groups) * c->ssm_state;
}

/* A part is a head. Its state is [state][channels of a head]. */
static void scan_heads_across(const struct cril_pass *p, const struct cril_block *b, size_t from,
                              size_t to, float *scratch)
{
    const struct cril_config *const c = &p->m->config;
    const size_t width = c->ssm_inner / c->ssm_heads, state = c->ssm_state;
    (void)scratch;
    for (size_t h = from; h < to; h++)
        for (size_t i = 0; i < b->n; i++) {
            const float *const in = cril_block_row(b, p->step->in, i), *const x =
                                                                           in + group_at(c, h);
            const float d = cril_block_row(b, CRIL_BUF_SD, i)[h];
            float *const s = cril_pass_state_floats(p, &b->rows[i]) + h * width * state;
            if (b->rows[i].position == 0)
                memset(s, 0, width * state * sizeof(float));
            if (i + 1 < b->n) {
                prefetch(cril_block_row(b, p->step->in, i + 1) + h * width, width);
                prefetch(cril_block_row(b, p->step->out, i + 1) + h * width, width);
            }
            p->k->scan_head(s, cril_expf(d * cril_pass_vector(p)[h]), d, x,
                            x + c->ssm_groups * state, state, in + h * width,
                            cril_block_row(b, p->step->out, i) + h * width, width);
        }
}

/* State [inner][state]. */
static void scan_token_heads(const struct cril_token *t, const struct cril_step *step)
{
    const struct cril_config *const c = &t->m->config;
    const size_t width = c->ssm_inner / c->ssm_heads;
    const float *const in = t->buffer[step->in];
    for (size_t i = 0; i < c->ssm_inner; i++) {
        const size_t h = i / width;
        const float d = t->buffer[CRIL_BUF_SD][h],
                    decay = cril_expf(d * t->m->layers[t->layer].vector[step->w][h]);
        const float *const b = in + group_at(c, h), *const into = b + c->ssm_groups * c->ssm_state;
        float *const s = t->state + i * c->ssm_state, sum = 0;
        for (size_t j = 0; j < c->ssm_state; j++) {
            s[j] = fmaf(decay, t->position ? s[j] : 0, d * in[i] * b[j]);
            sum = fmaf(s[j], into[j], sum);
        }
        t->buffer[step->out][i] = sum;
    }
}

const struct cril_op cril_op_scan_heads = {.form = CRIL_ACROSS_POSITIONS,
                                           .reads = 1u << CRIL_BUF_SD,
                                           .state = &scan_state,
                                           .stores = true,
                                           .vector = head_numbers,
                                           .in_order = true,
                                           .across = scan_heads_across,
                                           .parts = heads,
                                           .plain = scan_token_heads,
                                           .multiply_adds = multiply_adds};

/* ---- What a scan leaves out: the position's own input ---- */

static size_t channel_numbers(const cril_model *m, size_t layer, const struct cril_step *s)
{
    (void)layer;
    (void)s;
    return m->config.ssm_inner;
}

static void skip_rows(const struct cril_pass *p, const struct cril_block *b)
{
    const float *const w = cril_pass_vector(p);
    for (size_t i = 0; i < b->n; i++) {
        const float *const in = cril_block_row(b, p->step->in, i);
        float *const out = cril_block_row(b, p->step->out, i);
        for (size_t c = 0; c < p->m->config.ssm_inner; c++)
            out[c] += w[c] * in[c];
    }
}

static void skip_heads(const struct cril_pass *p, const struct cril_block *b)
{
    const size_t n = p->m->config.ssm_inner, width = n / p->m->config.ssm_heads;
    const float *const w = cril_pass_vector(p);
    for (size_t i = 0; i < b->n; i++) {
        const float *const in = cril_block_row(b, p->step->in, i);
        float *const out = cril_block_row(b, p->step->out, i);
        for (size_t h = 0; h < n; h += width)
            for (size_t c = h; c < h + width; c++)
                out[c] += w[h / width] * in[c];
    }
}

static void skip_token(const struct cril_token *t, const struct cril_step *s)
{
    for (size_t i = 0; i < t->m->config.ssm_inner; i++)
        t->buffer[s->out][i] += t->m->layers[t->layer].vector[s->w][i] * t->buffer[s->in][i];
}

static void skip_token_heads(const struct cril_token *t, const struct cril_step *s)
{
    const size_t width = t->m->config.ssm_inner / t->m->config.ssm_heads;
    for (size_t i = 0; i < t->m->config.ssm_inner; i++)
        t->buffer[s->out][i] +=
            t->m->layers[t->layer].vector[s->w][i / width] * t->buffer[s->in][i];
}

const struct cril_op cril_op_skip = {.form = CRIL_BY_ROWS,
                                     .reads_out = true,
                                     .vector = channel_numbers,
                                     .neutral = 0,
                                     .rows = skip_rows,
                                     .plain = skip_token};

const struct cril_op cril_op_skip_heads = {.form = CRIL_BY_ROWS,
                                           .reads_out = true,
                                           .vector = head_numbers,
                                           .neutral = 0,
                                           .rows = skip_heads,
                                           .plain = skip_token_heads};

/* ---- Step sizes: positive, within limits ---- */

static float within(float x, const struct cril_config *c)
{
    x = x < c->ssm_min_step ? c->ssm_min_step : x;
    return x > c->ssm_max_step ? c->ssm_max_step : x;
}

static void step_size_rows(const struct cril_pass *p, const struct cril_block *b)
{
    const size_t n = cril_pass_width(p, p->step->out);
    for (size_t i = 0; i < b->n; i++) {
        float *const x = cril_block_row(b, p->step->out, i);
        p->k->softplus(x, n);
        for (size_t k = 0; k < n; k++)
            x[k] = within(x[k], &p->m->config);
    }
}

static void step_size_token(const struct cril_token *t, const struct cril_step *s)
{
    float *const x = t->buffer[s->out];
    for (size_t i = 0; i < cril_buffer_width(t->m, t->layer, s->out); i++)
        x[i] = within(cril_softplusf(x[i]), &t->m->config);
}

const struct cril_op cril_op_step_size = {
    .form = CRIL_BY_ROWS, .reads_out = true, .rows = step_size_rows, .plain = step_size_token};
