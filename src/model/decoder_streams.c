/* What the streams of a decoder hold: a new start, and the beginning of another stream. */
#include "model/decoder_parts.h"

#include "util/fail.h"

#include <string.h>

size_t cril_decoder_streams(const struct cril_decoder *d)
{
    return d->n_streams;
}

static cril_status check_length(const struct cril_decoder *d, size_t length, cril_error *err)
{
    if (length >= 1 && length <= d->context)
        return CRIL_OK;
    return cril_fail(err, CRIL_ERR_RANGE, "%s: a stream of %zu tokens, where %zu is the most",
                     d->m->path, length, d->context);
}

cril_status cril_decoder_reset(struct cril_decoder *d, size_t stream, size_t length,
                               cril_error *err)
{
    struct stream *const s = &d->streams[stream];
    struct cril_sequence *const q = &d->sequences[stream];
    const cril_status st = check_length(d, length, err);

    if (st != CRIL_OK)
        return st;
    if (s->length)
        cril_rotations_leave(&d->rotations, q->rotations);
    s->position = s->length = 0;
    if (!cril_rotations_take(&d->rotations, d->m, length, length, &q->rotations))
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory for decoding; try fewer streams",
                         d->m->path);
    s->length = length;
    return CRIL_OK;
}

/* ---- Forks ---- */

bool cril_model_forks_within(const cril_model *m)
{
    const struct cril_state *states[CRIL_MAX_STATES];
    const size_t n = cril_model_states(m, states);

    for (size_t i = 0; i < n; i++)
        if (!states[i]->copy)
            return false;
    return true;
}

struct fork {
    const struct cril_decoder *d;
    size_t from, n, to;
};

static void copy_layer(void *arg, size_t layer, size_t worker)
{
    const struct fork *const f = arg;
    const struct cril_decoder *const d = f->d;
    const struct cril_sequence *const from = &d->sequences[f->from];

    (void)worker;
    for (size_t i = 0; i < d->n_states; i++) {
        const struct cril_state *const state = d->states[i];
        const size_t at = d->state_at[layer * d->n_states + i];
        unsigned char *const to = d->sequences[f->to].state + at;

        if (!cril_layer_uses(d->m, layer, state))
            continue;
        if (state->copy)
            state->copy(d->m, layer, from->n_pad, f->n, from->state + at, to);
        else
            memcpy(to, from->state + at, state->bytes(d->m, layer, from->n_pad));
    }
}

static cril_status check_fork(const struct cril_decoder *d, const struct fork *f, size_t length,
                              cril_error *err)
{
    const struct stream *const s = &d->streams[f->from];

    if (f->n < 1 || f->n > s->position || f->n > length ||
        (f->n < s->position && !cril_model_forks_within(d->m)))
        return cril_fail(err, CRIL_ERR_RANGE,
                         "%s: the first %zu tokens cannot be taken from a stream of %zu",
                         d->m->path, f->n, s->position);
    for (size_t k = 0; k < CRIL_MAX_ROPES; k++)
        if (cril_rope_class(&d->m->rope[k], length) != cril_rope_class(&d->m->rope[k], s->length))
            return cril_fail(err, CRIL_ERR_RANGE,
                             "%s: positions of a pass of %zu tokens are not those of one of %zu",
                             d->m->path, length, s->length);
    return CRIL_OK;
}

cril_status cril_decoder_fork(struct cril_decoder *d, size_t from, size_t n, size_t to,
                              size_t length, cril_error *err)
{
    struct fork f = {.d = d, .from = from, .n = n, .to = to};
    cril_status st;

    if ((st = check_length(d, length, err)) != CRIL_OK ||
        (st = check_fork(d, &f, length, err)) != CRIL_OK ||
        (st = cril_decoder_reset(d, to, length, err)) != CRIL_OK)
        return st;
    if (to != from)
        cril_pool_run(d->pool, d->m->config.n_layers, copy_layer, &f);
    d->streams[to].position = n;
    return CRIL_OK;
}
