/* The function between the two matrices of a feed-forward network without a gate. */
#include "model/op.h"

#include "util/fmath.h"

static void activate_rows(const struct cril_pass *p, const struct cril_block *b)
{
    for (size_t i = 0; i < b->n; i++)
        p->k->activate(p->m->config.activation, cril_block_row(b, p->step->out, i),
                       cril_pass_width(p, p->step->out));
}

static float activate(float x, enum cril_activation a)
{
    switch (a) {
    case CRIL_ACT_GELU_TANH: return cril_geluf(x);
    case CRIL_ACT_GELU_ERF: return cril_gelu_erff(x);
    case CRIL_ACT_GELU_QUICK: return cril_gelu_quickf(x);
    case CRIL_ACT_RELU: return x > 0 ? x : 0;
    case CRIL_ACT_RELU_SQUARED: return x > 0 ? x * x : 0;
    default: return cril_siluf(x);
    }
}

static void activate_token(const struct cril_token *t, const struct cril_step *s)
{
    float *const x = t->buffer[s->out];
    for (size_t i = 0; i < cril_buffer_width(t->m, t->layer, s->out); i++)
        x[i] = activate(x[i], t->m->config.activation);
}

const struct cril_op cril_op_activate = {
    .form = CRIL_BY_ROWS, .reads_out = true, .rows = activate_rows, .plain = activate_token};
