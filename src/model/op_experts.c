/*
 * Around the experts of a mixture: what each takes, the weighted sum of what they give, and the
 * gate of an expert that all rows take.
 */
#include "model/op.h"

#include "util/fmath.h"

#include <math.h>
#include <string.h>

/* ---- To the experts ---- */

static void gather_entries(const struct cril_pass *p, const struct cril_block *b)
{
    const size_t bytes = cril_pass_width(p, p->step->out) * sizeof(float);

    for (size_t i = 0; i < b->n; i++)
        memcpy(cril_block_row(b, p->step->out, i),
               cril_block_row(b, p->step->in, b->entries[i].row), bytes);
}

static void copy_token(const struct cril_token *t, const struct cril_step *s)
{
    memcpy(t->buffer[s->out], t->buffer[s->in],
           cril_buffer_width(t->m, t->layer, s->out) * sizeof(float));
}

const struct cril_op cril_op_to_experts = {.form = CRIL_TO_EXPERTS,
                                           .reads = 1u << CRIL_BUF_C,
                                           .rows = gather_entries,
                                           .plain = copy_token};

/* ---- From the experts ---- */

static void sum_entries(const struct cril_pass *p, const struct cril_block *b)
{
    const size_t n = cril_pass_width(p, p->step->out), n_used = p->m->config.mixture.n_used;

    for (size_t i = 0; i < b->n; i++) {
        const struct cril_entry *e = &b->entries[i];
        const float weight = cril_block_row(b, CRIL_BUF_C, e->row)[n_used + e->rank];
        float *sum = cril_block_row(b, p->step->out, e->row),
              *one = cril_block_row(b, p->step->in, i);

        if (e->rank) {
            p->k->add_scaled(sum, weight, one, n);
        } else {
            memcpy(sum, one, n * sizeof(float));
            p->k->scale(sum, weight, n);
        }
    }
}

static void sum_token(const struct cril_token *t, const struct cril_step *s)
{
    const float weight = t->buffer[CRIL_BUF_C][t->m->config.mixture.n_used + t->rank];
    float *const sum = t->buffer[s->out];

    for (size_t i = 0; i < cril_buffer_width(t->m, t->layer, s->out); i++)
        sum[i] = t->rank ? fmaf(weight, t->buffer[s->in][i], sum[i]) : weight * t->buffer[s->in][i];
}

const struct cril_op cril_op_from_experts = {
    .form = CRIL_FROM_EXPERTS, .reads = 1u << CRIL_BUF_C, .rows = sum_entries, .plain = sum_token};

/* ---- The gate of an expert that all rows take ---- */

static float sigmoid(float x)
{
    return 1.0f / (1.0f + cril_expf(-x));
}

static void gate_rows(const struct cril_pass *p, const struct cril_block *b)
{
    for (size_t i = 0; i < b->n; i++)
        p->k->scale(cril_block_row(b, p->step->out, i),
                    sigmoid(cril_block_row(b, p->step->in, i)[0]),
                    cril_pass_width(p, p->step->out));
}

static void gate_token(const struct cril_token *t, const struct cril_step *s)
{
    const float gate = sigmoid(t->buffer[s->in][0]);

    for (size_t i = 0; i < cril_buffer_width(t->m, t->layer, s->out); i++)
        t->buffer[s->out][i] *= gate;
}

const struct cril_op cril_op_sigmoid_scale = {
    .form = CRIL_BY_ROWS, .reads_out = true, .rows = gate_rows, .plain = gate_token};
