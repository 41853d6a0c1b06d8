/* Rows of a table: the embedding of a token, scaled; what is added for a position. And a copy. */
#include "model/op.h"

#include <string.h>

/* ---- Tokens ---- */

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

/* ---- Positions ---- */

static size_t positions(const cril_model *m)
{
    return m->config.n_ctx + m->config.position_offset;
}

static void add_positions(const struct cril_pass *p, const struct cril_block *b)
{
    const struct cril_matrix *w = &p->m->layers[p->layer].matrix[p->step->w];
    for (size_t i = 0; i < b->n; i++) {
        const size_t row = b->rows[i].position + p->m->config.position_offset;
        float *x = cril_block_row(b, p->step->out, i), part[64];
        for (size_t c = 0; c < w->columns; c += 64) {
            const size_t n = w->columns - c < 64 ? w->columns - c : 64;
            cril_dequantise(w->type, cril_matrix_row(w, row) + c * cril_dtypes[w->type].block_bytes,
                            n, part);
            p->k->add(x + c, part, n);
        }
    }
}

static void add_position(const struct cril_token *t, const struct cril_step *s)
{
    const struct cril_matrix *w = &t->m->layers[t->layer].matrix[s->w];
    for (size_t i = 0; i < w->columns; i++)
        t->buffer[s->out][i] +=
            cril_matrix_element(w, t->position + t->m->config.position_offset, i);
}

const struct cril_op cril_op_position = {.form = CRIL_BY_ROWS,
                                         .reads_out = true,
                                         .table = positions,
                                         .rows = add_positions,
                                         .plain = add_position};

/* ---- A copy ---- */

static void copy_rows(const struct cril_pass *p, const struct cril_block *b)
{
    for (size_t i = 0; i < b->n; i++)
        memcpy(cril_block_row(b, p->step->out, i), cril_block_row(b, p->step->in, i),
               cril_pass_width(p, p->step->out) * sizeof(float));
}

static void copy_token(const struct cril_token *t, const struct cril_step *s)
{
    memcpy(t->buffer[s->out], t->buffer[s->in],
           cril_buffer_width(t->m, t->layer, s->out) * sizeof(float));
}

const struct cril_op cril_op_copy = {.form = CRIL_BY_ROWS, .rows = copy_rows, .plain = copy_token};
