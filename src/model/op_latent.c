/* Keys of latent attention (DeepSeek-AI 2024, section 2.1.3): each head has its own part, which
 * does not turn, and the part that turns, which is the same for all heads before it is rotated. */
#include "model/op.h"

#include <string.h>

/* Writes the keys of all heads to `keys`: of own [heads][plain] and turned [n_rot]. */
static void join(const cril_model *m, const struct cril_layer *l, const float *own,
                 const float *turned, float *keys)
{
    const size_t n_rot = m->rope[l->rope].n_rot, plain = l->key_dim - n_rot;

    for (size_t h = 0; h < l->n_heads; h++) {
        memcpy(keys + h * l->key_dim, own + h * plain, plain * sizeof(float));
        memcpy(keys + h * l->key_dim + plain, turned, n_rot * sizeof(float));
    }
}

static void join_rows(const struct cril_pass *p, const struct cril_block *b)
{
    for (size_t i = 0; i < b->n; i++)
        join(p->m, &p->m->layers[p->layer], cril_block_row(b, p->step->in, i),
             cril_block_row(b, CRIL_BUF_CKV, i) + p->m->config.kv_rank,
             cril_block_row(b, p->step->out, i));
}

static void join_token(const struct cril_token *t, const struct cril_step *s)
{
    const struct cril_layer *l = &t->m->layers[t->layer];
    const size_t n_rot = t->m->rope[l->rope].n_rot, plain = l->key_dim - n_rot;
    const float *own = t->buffer[s->in], *turned = t->buffer[CRIL_BUF_CKV] + t->m->config.kv_rank;

    for (size_t i = 0; i < l->n_heads * l->key_dim; i++) {
        const size_t head = i / l->key_dim, d = i % l->key_dim;
        t->buffer[s->out][i] = d < plain ? own[head * plain + d] : turned[d - plain];
    }
}

const struct cril_op cril_op_latent_keys = {
    .form = CRIL_BY_ROWS, .reads = 1u << CRIL_BUF_CKV, .rows = join_rows, .plain = join_token};
