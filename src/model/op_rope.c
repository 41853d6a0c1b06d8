/* Rotary position embedding of each head (rope.h). */
#include "model/op.h"

static void rotate_rows(const struct cril_pass *p, const struct cril_block *b)
{
    const struct cril_layer *l = &p->m->layers[p->layer];
    const struct cril_rope *r = &p->m->rope[l->rope];
    const size_t n = cril_pass_width(p, p->step->out), pairs = r->n_rot / 2;
    void (*rotate)(float *, const float *, const float *, size_t) =
        r->halves ? p->k->rotate_halves : p->k->rotate_pairs;
    for (size_t i = 0; l->turns && i < b->n; i++) {
        const float *cosine =
            cril_rotations_row(p->rotations, p->sequences[b->rows[i].sequence].rotations, l->rope,
                               b->rows[i].position);
        float *x = cril_block_row(b, p->step->out, i) + r->first;
        for (size_t h = 0; h < n; h += l->key_dim)
            rotate(x + h, cosine, cosine + pairs, pairs);
    }
}

/* Rotates one head x: pair i by the angle of cosine c[i] and sine s[i]. */
static void rotate_head(const struct cril_rope *r, const float *c, const float *s, float *x)
{
    const size_t half = r->n_rot / 2, step = r->halves ? 1 : 2, other = r->halves ? half : 1;
    for (size_t i = 0; i < half; i++) {
        float a = x[i * step], b = x[i * step + other];
        x[i * step] = a * c[i] - b * s[i];
        x[i * step + other] = b * c[i] + a * s[i];
    }
}

static void rotate_token(const struct cril_token *t, const struct cril_step *s)
{
    const struct cril_layer *l = &t->m->layers[t->layer];
    const struct cril_rope *r = &t->m->rope[l->rope];
    float *cosine = t->scratch, *sine = cosine + r->n_rot / 2;
    if (!l->turns)
        return;
    cril_rope_row(r, t->n, t->position, cosine, sine);
    for (size_t h = r->first; h < cril_buffer_width(t->m, t->layer, s->out); h += l->key_dim)
        rotate_head(r, cosine, sine, t->buffer[s->out] + h);
}

const struct cril_op cril_op_rope = {
    .form = CRIL_BY_ROWS, .reads_out = true, .rows = rotate_rows, .plain = rotate_token};
