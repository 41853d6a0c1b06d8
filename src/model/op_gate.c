/* The gate of a feed-forward network: an activation function of one half times the other half
 * (Shazeer 2020, eq. 6). */
#include "model/op.h"

#include "util/fmath.h"

static void silu_rows(const struct cril_pass *p, const struct cril_block *b)
{
    const size_t n = cril_pass_width(p, p->step->out);
    for (size_t i = 0; i < b->n; i++)
        p->k->silu_mul(cril_block_row(b, p->step->out, i), cril_block_row(b, p->step->in, i), n);
}

static void gelu_rows(const struct cril_pass *p, const struct cril_block *b)
{
    const size_t n = cril_pass_width(p, p->step->out);
    for (size_t i = 0; i < b->n; i++)
        p->k->gelu_mul(cril_block_row(b, p->step->out, i), cril_block_row(b, p->step->in, i), n);
}

static void sigmoid_rows(const struct cril_pass *p, const struct cril_block *b)
{
    const size_t n = cril_pass_width(p, p->step->out);
    for (size_t i = 0; i < b->n; i++)
        p->k->sigmoid_mul(cril_block_row(b, p->step->out, i), cril_block_row(b, p->step->in, i), n);
}

static void silu_token(const struct cril_token *t, const struct cril_step *s)
{
    float *g = t->buffer[s->out];
    for (size_t i = 0; i < cril_buffer_width(t->m, t->layer, s->out); i++)
        g[i] = cril_siluf(g[i]) * t->buffer[s->in][i];
}

static void gelu_token(const struct cril_token *t, const struct cril_step *s)
{
    float *g = t->buffer[s->out];
    for (size_t i = 0; i < cril_buffer_width(t->m, t->layer, s->out); i++)
        g[i] = cril_geluf(g[i]) * t->buffer[s->in][i];
}

static void sigmoid_token(const struct cril_token *t, const struct cril_step *s)
{
    float *g = t->buffer[s->out];
    for (size_t i = 0; i < cril_buffer_width(t->m, t->layer, s->out); i++)
        g[i] = t->buffer[s->in][i] / (1.0f + cril_expf(-g[i]));
}

const struct cril_op cril_op_sigmoid_mul = {
    .form = CRIL_BY_ROWS, .reads_out = true, .rows = sigmoid_rows, .plain = sigmoid_token};

const struct cril_op cril_op_silu_mul = {
    .form = CRIL_BY_ROWS, .reads_out = true, .rows = silu_rows, .plain = silu_token};

const struct cril_op cril_op_gelu_mul = {
    .form = CRIL_BY_ROWS, .reads_out = true, .rows = gelu_rows, .plain = gelu_token};
