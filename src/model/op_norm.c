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
        y[i] = x[i] * r * w[i];
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
