/* What is asked of all operations of a model. */
#include "model/op.h"

#include <assert.h>

struct cril_block cril_block_part(const struct cril_block *b, size_t first, size_t n)
{
    struct cril_block part = {.rows = b->rows + first, .n = n, .ld = b->ld};
    for (size_t i = 0; i < CRIL_N_BUFFERS; i++)
        part.buffer[i] = b->buffer[i] ? b->buffer[i] + first * b->ld[i] : NULL;
    return part;
}

void cril_run_ends(struct cril_pass p, const struct cril_step *from, const struct cril_step *to,
                   const struct cril_block *b)
{
    p.layer = p.m->config.n_layers;
    for (p.step = from; p.step < to; p.step++)
        p.step->op->rows(&p, b);
}

size_t cril_channel_parts(const cril_model *m, size_t layer)
{
    return (cril_buffer_width(m, layer, CRIL_BUF_SU) + CRIL_CHANNELS - 1) / CRIL_CHANNELS;
}

size_t cril_row_group(const struct cril_row *rows, size_t n, bool in_order)
{
    size_t i = 1;
    while (i < n && rows[i].sequence == rows[0].sequence &&
           (in_order || rows[i].position / CRIL_POSITIONS == rows[0].position / CRIL_POSITIONS))
        i++;
    return i;
}

bool cril_model_has_kind(const cril_model *m, size_t kind)
{
    for (size_t l = 0; l < m->config.n_layers; l++)
        if (m->layers[l].kind == kind)
            return true;
    return false;
}

size_t cril_model_states(const cril_model *m, const struct cril_state *states[])
{
    size_t n = 0;
    for (size_t kind = 0; kind < CRIL_MAX_KINDS; kind++) {
        const struct cril_steps *list = &m->family->layers[kind];
        for (size_t i = 0; cril_model_has_kind(m, kind) && i < list->n; i++) {
            const struct cril_state *state = list->step[i].op->state;
            size_t at = 0;
            while (at < n && states[at] != state)
                at++;
            if (!state || at < n)
                continue;
            assert(n < CRIL_MAX_STATES);
            states[n++] = state;
        }
    }
    return n;
}

bool cril_layer_uses(const cril_model *m, size_t layer, const struct cril_state *state)
{
    const struct cril_steps *list = cril_layer_steps(m, layer);
    for (size_t i = 0; i < list->n; i++)
        if (list->step[i].op->state == state)
            return true;
    return false;
}

size_t cril_state_max_bytes(const cril_model *m, const struct cril_state *state, size_t n_pad)
{
    size_t max = 0;
    for (size_t l = 0; l < m->config.n_layers; l++) {
        const size_t bytes = cril_layer_uses(m, l, state) ? state->bytes(m, l, n_pad) : 0;
        max = bytes > max ? bytes : max;
    }
    return (max + 63) / 64 * 64;
}

size_t cril_model_scratch(const cril_model *m, size_t n_pad)
{
    size_t max = 0;
    for (size_t l = 0; l < m->config.n_layers; l++) {
        const struct cril_steps *list = cril_layer_steps(m, l);
        for (size_t i = 0; i < list->n; i++) {
            const struct cril_op *op = list->step[i].op;
            const size_t floats = op->scratch ? op->scratch(m, l, n_pad) : 0;
            max = floats > max ? floats : max;
        }
    }
    return max;
}
