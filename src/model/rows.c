#include "model/rows.h"

#include <stdlib.h>
#include <string.h>

static size_t half_of(const cril_model *m)
{
    return m->config.head_dim / 2 + 1;
}

static float *rotation(const struct cril_rotations *r, const cril_model *m, size_t rope,
                       size_t position)
{
    return (float *)r->memory.data + (rope * r->n + position) * 2 * half_of(m);
}

bool cril_rotations_reserve(struct cril_rotations *r, const cril_model *m, size_t n)
{
    if (n <= r->n)
        return true;
    r->n = 0;
    if (!cril_memory_reserve(&r->memory, n, 4 * half_of(m) * sizeof(float)))
        return false;
    r->n = n;
    for (size_t k = 0; k < 2; k++)
        for (size_t p = 0; m->rope[k].freq && p < n; p++) {
            float *at = rotation(r, m, k, p);
            cril_rope_row(&m->rope[k], p, at, at + m->rope[k].n_rot / 2);
        }
    return true;
}

void cril_rotations_free(struct cril_rotations *r)
{
    free(r->memory.data);
    *r = (struct cril_rotations){0};
}

static void each_head(const cril_model *m, const struct cril_kernels *k,
                      const struct cril_rotations *all, size_t layer, const struct cril_step *step,
                      float *x, size_t position)
{
    const struct cril_config *c = &m->config;
    const struct cril_layer *l = &m->layers[layer];
    const struct cril_rope *r = &m->rope[l->rope];
    const float *row = rotation(all, m, l->rope, position);
    void (*rotate)(float *, const float *, const float *, size_t) =
        r->halves ? k->rotate_halves : k->rotate_pairs;
    for (size_t h = 0; h < cril_buffer_width(c, step->out) / c->head_dim; h++) {
        float *head = x + h * c->head_dim;
        if (step->op == CRIL_OP_ROPE)
            rotate(head, row, row + r->n_rot / 2, r->n_rot / 2);
        else
            k->rms_norm(head, l->vector[step->w], c->head_dim, c->eps, head);
    }
}

void cril_row_step(const cril_model *m, const struct cril_kernels *k,
                   const struct cril_rotations *r, size_t l, const struct cril_step *step,
                   const float *in, float *out, size_t position)
{
    const size_t n = cril_buffer_width(&m->config, step->out);
    const float *w = m->layers[l].vector[step->w];
    switch (step->op) {
    case CRIL_OP_NORM: k->rms_norm(in, w, n, m->config.eps, out); break;
    case CRIL_OP_BIAS:
        if (w)
            k->add(out, w, n);
        break;
    case CRIL_OP_HEAD_NORM:
    case CRIL_OP_ROPE: each_head(m, k, r, l, step, out, position); break;
    case CRIL_OP_SILU_MUL: k->silu_mul(out, in, n); break;
    case CRIL_OP_GELU_MUL: k->gelu_mul(out, in, n); break;
    case CRIL_OP_ADD: k->add(out, in, n); break;
    case CRIL_OP_MATMUL:
    case CRIL_OP_ATTEND: break; /* of many rows */
    }
}

void cril_row_embed(const cril_model *m, const struct cril_kernels *k, int32_t id, float *x,
                    size_t ld)
{
    const size_t d = m->config.n_embd;
    cril_matrix_load_row(&m->embedding, (size_t)id, x);
    memset(x + d, 0, (ld - d) * sizeof(float));
    if (m->config.embedding_scale < 1 || m->config.embedding_scale > 1)
        k->scale(x, m->config.embedding_scale, d);
}
