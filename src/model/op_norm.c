/* RMSNorm of a row, and of each head of a row (Zhang & Sennrich 2019, eq. 4). */
#include "model/op.h"

#include "model/plain.h"

#include <math.h>

static size_t row_width(const cril_model *m, size_t layer, const struct cril_step *s)
{
    return cril_buffer_width(m, layer, s->out);
}

static void norm_rows(const struct cril_pass *p, const struct cril_block *b)
{
    const enum cril_buffer in = p->step->in, out = p->step->out;
    const size_t n = cril_pass_width(p, out);
    for (size_t i = 0; i < b->n; i++)
        p->k->rms_norm(cril_block_row(b, in, i), cril_pass_vector(p), n, p->m->config.eps,
                       cril_block_row(b, out, i));
}

static void plain_norm(const float *x, const float *w, size_t n, float eps, float *y)
{
    float s[16] = {0};
    for (size_t i = 0; i < n; i++)
        s[i % 16] += x[i] * x[i];
    float r = 1.0f / sqrtf(cril_plain_tree(s) / (float)n + eps);
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] * r * w[i];
}

static void norm_token(const struct cril_token *t, const struct cril_step *s)
{
    plain_norm(t->buffer[s->in], t->m->layers[t->layer].vector[s->w],
               cril_buffer_width(t->m, t->layer, s->out), t->m->config.eps, t->buffer[s->out]);
}

const struct cril_op cril_op_norm = {.form = CRIL_BY_ROWS,
                                     .vector = row_width,
                                     .neutral = 1,
                                     .rows = norm_rows,
                                     .plain = norm_token};

static size_t head_width(const cril_model *m, size_t layer, const struct cril_step *s)
{
    (void)s;
    return m->layers[layer].key_dim;
}

static void norm_heads(const struct cril_pass *p, const struct cril_block *b)
{
    const enum cril_buffer out = p->step->out;
    const size_t n = cril_pass_width(p, out), width = head_width(p->m, p->layer, p->step);
    for (size_t i = 0; i < b->n; i++)
        for (size_t h = 0; h < n; h += width) {
            float *head = cril_block_row(b, out, i) + h;
            p->k->rms_norm(head, cril_pass_vector(p), width, p->m->config.eps, head);
        }
}

static void norm_token_heads(const struct cril_token *t, const struct cril_step *s)
{
    const size_t n = cril_buffer_width(t->m, t->layer, s->out),
                 width = head_width(t->m, t->layer, s);
    for (size_t h = 0; h < n; h += width)
        plain_norm(t->buffer[s->out] + h, t->m->layers[t->layer].vector[s->w], width,
                   t->m->config.eps, t->buffer[s->out] + h);
}

const struct cril_op cril_op_head_norm = {.form = CRIL_BY_ROWS,
                                          .reads_out = true,
                                          .vector = head_width,
                                          .neutral = 1,
                                          .rows = norm_heads,
                                          .plain = norm_token_heads};
