/* Sums: a branch's result onto the residual stream, a bias onto a product. */
#include "model/op.h"

static void add_rows(const struct cril_pass *p, const struct cril_block *b)
{
    const enum cril_buffer in = p->step->in, out = p->step->out;
    const size_t n = cril_pass_width(p, out);
    for (size_t i = 0; i < b->n; i++)
        p->k->add(cril_block_row(b, out, i), cril_block_row(b, in, i), n);
}

static void plain_add(float *x, const float *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] += y[i];
}

static void add_token(const struct cril_token *t, const struct cril_step *s)
{
    plain_add(t->buffer[s->out], t->buffer[s->in], cril_buffer_width(t->m, t->layer, s->out));
}

const struct cril_op cril_op_add = {
    .form = CRIL_BY_ROWS, .reads_out = true, .rows = add_rows, .plain = add_token};

static size_t row_width(const cril_model *m, size_t layer, const struct cril_step *s)
{
    return cril_buffer_width(m, layer, s->out);
}

static void add_bias(const struct cril_pass *p, const struct cril_block *b)
{
    const float *w = cril_pass_vector(p);
    const enum cril_buffer out = p->step->out;
    const size_t n = cril_pass_width(p, out);
    if (w && out == CRIL_BUF_LOGITS)
        w += p->first_logit;
    for (size_t i = 0; w && i < b->n; i++)
        p->k->add(cril_block_row(b, out, i), w, n);
}

static void add_token_bias(const struct cril_token *t, const struct cril_step *s)
{
    const float *w = t->m->layers[t->layer].vector[s->w];
    if (w)
        plain_add(t->buffer[s->out], w, cril_buffer_width(t->m, t->layer, s->out));
}

const struct cril_op cril_op_bias = {.form = CRIL_BY_ROWS,
                                     .reads_out = true,
                                     .vector = row_width,
                                     .neutral = 0,
                                     .rows = add_bias,
                                     .plain = add_token_bias};
