/* The embedding of a token: its row of the step's matrix, scaled. */
#include "model/op.h"

#include <string.h>

static void embed_rows(const struct cril_pass *p, const struct cril_block *b)
{
    const struct cril_matrix *w = &p->m->layers[p->layer].matrix[p->step->w];
    const enum cril_buffer out = p->step->out;
    const float scale = p->m->config.embedding_scale;
    for (size_t i = 0; i < b->n; i++) {
        float *x = cril_block_row(b, out, i);
        cril_matrix_load_row(w, (size_t)b->rows[i].id, x);
        memset(x + w->columns, 0, (b->ld[out] - w->columns) * sizeof(float));
        if (scale < 1 || scale > 1)
            p->k->scale(x, scale, w->columns);
    }
}

static void embed_token(const struct cril_token *t, const struct cril_step *s)
{
    const struct cril_matrix *w = &t->m->layers[t->layer].matrix[s->w];
    cril_matrix_load_row(w, (size_t)t->id, t->buffer[s->out]);
    for (size_t i = 0; i < w->columns; i++)
        t->buffer[s->out][i] *= t->m->config.embedding_scale;
}

const struct cril_op cril_op_embed = {
    .form = CRIL_BY_ROWS, .rows = embed_rows, .plain = embed_token};
