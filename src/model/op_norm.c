/* Norms of a row, and of each head of a row: RMSNorm (Zhang & Sennrich 2019, eq. 4) and LayerNorm
 * (Ba et al. 2016, eq. 4), whose bias is a step of its own. */
#include "model/op.h"

#include "model/plain.h"

#include <math.h>

/* ---- RMSNorm ---- */

static size_t row_width(const cril_model *m, size_t layer, const struct cril_step *s)
{
    return cril_buffer_width(m, layer, s->out);
}

static void rms_rows(const struct cril_pass *p, const struct cril_block *b, float eps)
{
    const enum cril_buffer in = p->step->in, out = p->step->out;
    const size_t n = cril_pass_width(p, out);
    for (size_t i = 0; i < b->n; i++)
        p->k->rms_norm(cril_block_row(b, in, i), cril_pass_vector(p), n, eps,
                       cril_block_row(b, out, i));
}

static void plain_rms(const float *x, const float *w, size_t n, float eps, float *y)
{
    float s[16] = {0};
    for (size_t i = 0; i < n; i++)
        s[i % 16] += x[i] * x[i];
    float r = 1.0f / sqrtf(cril_plain_tree(s) / (float)n + eps);
    for (size_t i = 0; i < n; i++)
        y[i] = w ? x[i] * r * w[i] : x[i] * r;
}

static void rms_token(const struct cril_token *t, const struct cril_step *s, float eps)
{
    plain_rms(t->buffer[s->in], t->m->layers[t->layer].vector[s->w],
              cril_buffer_width(t->m, t->layer, s->out), eps, t->buffer[s->out]);
}

static void norm_rows(const struct cril_pass *p, const struct cril_block *b)
{
    rms_rows(p, b, p->m->config.eps);
}

static void norm_token(const struct cril_token *t, const struct cril_step *s)
{
    rms_token(t, s, t->m->config.eps);
}

const struct cril_op cril_op_norm = {.form = CRIL_BY_ROWS,
                                     .vector = row_width,
                                     .neutral = 1,
                                     .rows = norm_rows,
                                     .plain = norm_token};

static void norm_inner_rows(const struct cril_pass *p, const struct cril_block *b)
{
    rms_rows(p, b, p->m->config.inner_eps);
}

static void norm_inner_token(const struct cril_token *t, const struct cril_step *s)
{
    rms_token(t, s, t->m->config.inner_eps);
}

const struct cril_op cril_op_norm_inner = {.form = CRIL_BY_ROWS,
                                           .vector = row_width,
                                           .neutral = 1,
                                           .rows = norm_inner_rows,
                                           .plain = norm_inner_token};

/* ---- Of pieces of a row: what a scan reads is normed one by one, or in groups ---- */

static size_t state_width(const cril_model *m, size_t layer, const struct cril_step *s)
{
    (void)layer;
    (void)s;
    return m->config.ssm_state;
}

static void norm_piece(const struct cril_pass *p, const struct cril_block *b, size_t first)
{
    for (size_t i = 0; i < b->n; i++) {
        float *const x = cril_block_row(b, p->step->out, i) + first;
        p->k->rms_norm(x, cril_pass_vector(p), p->m->config.ssm_state, p->m->config.inner_eps, x);
    }
}

static void norm_token_piece(const struct cril_token *t, const struct cril_step *s, size_t first)
{
    float *const x = t->buffer[s->out] + first;
    plain_rms(x, t->m->layers[t->layer].vector[s->w], t->m->config.ssm_state,
              t->m->config.inner_eps, x);
}

static void norm_b(const struct cril_pass *p, const struct cril_block *b)
{
    norm_piece(p, b, p->m->config.ssm_rank);
}

static void norm_token_b(const struct cril_token *t, const struct cril_step *s)
{
    norm_token_piece(t, s, t->m->config.ssm_rank);
}

static void norm_c(const struct cril_pass *p, const struct cril_block *b)
{
    norm_piece(p, b, p->m->config.ssm_rank + p->m->config.ssm_state);
}

static void norm_token_c(const struct cril_token *t, const struct cril_step *s)
{
    norm_token_piece(t, s, t->m->config.ssm_rank + t->m->config.ssm_state);
}

const struct cril_op cril_op_norm_b = {.form = CRIL_BY_ROWS,
                                       .reads_out = true,
                                       .vector = state_width,
                                       .neutral = 1,
                                       .rows = norm_b,
                                       .plain = norm_token_b};

const struct cril_op cril_op_norm_c = {.form = CRIL_BY_ROWS,
                                       .reads_out = true,
                                       .vector = state_width,
                                       .neutral = 1,
                                       .rows = norm_c,
                                       .plain = norm_token_c};

/* Each group has its own part of w. */
static void norm_groups(const struct cril_pass *p, const struct cril_block *b)
{
    const size_t n = cril_pass_width(p, p->step->out), width = n / p->m->config.ssm_groups;
    for (size_t i = 0; i < b->n; i++)
        for (size_t g = 0; g < n; g += width) {
            float *const x = cril_block_row(b, p->step->out, i) + g;
            p->k->rms_norm(x, cril_pass_vector(p) + g, width, p->m->config.eps, x);
        }
}

static void norm_token_groups(const struct cril_token *t, const struct cril_step *s)
{
    const size_t n = cril_buffer_width(t->m, t->layer, s->out), width = n / t->m->config.ssm_groups;
    for (size_t g = 0; g < n; g += width)
        plain_rms(t->buffer[s->out] + g, t->m->layers[t->layer].vector[s->w] + g, width,
                  t->m->config.eps, t->buffer[s->out] + g);
}

const struct cril_op cril_op_group_norm = {.form = CRIL_BY_ROWS,
                                           .reads_out = true,
                                           .vector = row_width,
                                           .neutral = 1,
                                           .rows = norm_groups,
                                           .plain = norm_token_groups};

/* ---- Of heads ---- */

static size_t head_width(const cril_model *m, size_t layer, const struct cril_step *s)
{
    (void)s;
    return m->layers[layer].key_dim;
}

static void norm_heads(const struct cril_pass *p, const struct cril_block *b)
{
    const enum cril_buffer out = p->step->out;
    const size_t n = cril_pass_width(p, out), width = head_width(p->m, p->layer, p->step);
    const float *const w = cril_pass_vector(p);
    for (size_t i = 0; w && i < b->n; i++)
        for (size_t h = 0; h < n; h += width) {
            float *head = cril_block_row(b, out, i) + h;
            p->k->rms_norm(head, w, width, p->m->config.eps, head);
        }
}

static void norm_token_heads(const struct cril_token *t, const struct cril_step *s)
{
    const size_t n = cril_buffer_width(t->m, t->layer, s->out),
                 width = head_width(t->m, t->layer, s);
    const float *const w = t->m->layers[t->layer].vector[s->w];
    for (size_t h = 0; w && h < n; h += width)
        plain_rms(t->buffer[s->out] + h, w, width, t->m->config.eps, t->buffer[s->out] + h);
}

const struct cril_op cril_op_head_norm = {.form = CRIL_BY_ROWS,
                                          .reads_out = true,
                                          .vector = head_width,
                                          .neutral = 1,
                                          .rows = norm_heads,
                                          .plain = norm_token_heads};

/* ---- LayerNorm ---- */

static void layer_norm_rows(const struct cril_pass *p, const struct cril_block *b)
{
    const enum cril_buffer in = p->step->in, out = p->step->out;
    const size_t n = cril_pass_width(p, out);
    for (size_t i = 0; i < b->n; i++)
        p->k->layer_norm(cril_block_row(b, in, i), cril_pass_vector(p), n, p->m->config.eps,
                         cril_block_row(b, out, i));
}

static void plain_layer_norm(const float *x, const float *w, size_t n, float eps, float *y)
{
    float s[16] = {0}, squares[16] = {0};
    for (size_t i = 0; i < n; i++)
        s[i % 16] += x[i];
    const float mean = cril_plain_tree(s) / (float)n;
    for (size_t i = 0; i < n; i++)
        squares[i % 16] += (x[i] - mean) * (x[i] - mean);
    const float r = 1.0f / sqrtf(cril_plain_tree(squares) / (float)n + eps);
    for (size_t i = 0; i < n; i++)
        y[i] = w ? (x[i] - mean) * r * w[i] : (x[i] - mean) * r;
}

static void layer_norm_token(const struct cril_token *t, const struct cril_step *s)
{
    plain_layer_norm(t->buffer[s->in], t->m->layers[t->layer].vector[s->w],
                     cril_buffer_width(t->m, t->layer, s->out), t->m->config.eps,
                     t->buffer[s->out]);
}

const struct cril_op cril_op_layer_norm = {.form = CRIL_BY_ROWS,
                                           .vector = row_width,
                                           .neutral = 1,
                                           .rows = layer_norm_rows,
                                           .plain = layer_norm_token};

const struct cril_op cril_op_plain_layer_norm = {
    .form = CRIL_BY_ROWS, .rows = layer_norm_rows, .plain = layer_norm_token};

/* Each head has its own part of w. */
static void layer_norm_heads(const struct cril_pass *p, const struct cril_block *b)
{
    const enum cril_buffer out = p->step->out;
    const size_t n = cril_pass_width(p, out), width = head_width(p->m, p->layer, p->step);
    const float *const w = cril_pass_vector(p);
    for (size_t i = 0; w && i < b->n; i++)
        for (size_t h = 0; h < n; h += width) {
            float *head = cril_block_row(b, out, i) + h;
            p->k->layer_norm(head, w + h, width, p->m->config.eps, head);
        }
}

static void layer_norm_token_heads(const struct cril_token *t, const struct cril_step *s)
{
    const size_t n = cril_buffer_width(t->m, t->layer, s->out),
                 width = head_width(t->m, t->layer, s);
    const float *const w = t->m->layers[t->layer].vector[s->w];
    for (size_t h = 0; w && h < n; h += width)
        plain_layer_norm(t->buffer[s->out] + h, w + h, width, t->m->config.eps,
                         t->buffer[s->out] + h);
}

const struct cril_op cril_op_head_layer_norm = {.form = CRIL_BY_ROWS,
                                                .reads_out = true,
                                                .vector = row_width,
                                                .neutral = 1,
                                                .rows = layer_norm_heads,
                                                .plain = layer_norm_token_heads};
