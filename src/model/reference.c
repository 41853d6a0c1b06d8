#include "model/reference.h"

#include "model/op.h"
#include "model/plain.h"
#include "util/fail.h"
#include "util/fmath.h"

#include <math.h>
#include <stdlib.h>

/* ---- Memory ---- */

/* Buffers of one token, and the states of all layers. */
struct memory {
    struct cril_token token;
    const struct cril_state *states[CRIL_MAX_STATES];
    size_t n_states;
    float **state; /* [n_layers][n_states] */
};

static void release(struct memory *w)
{
    for (size_t b = 0; b < CRIL_N_BUFFERS; b++)
        free(w->token.buffer[b]);
    for (size_t i = 0; w->state && i < w->token.m->config.n_layers * w->n_states; i++)
        free(w->state[i]);
    free(w->state);
    free(w->token.scratch);
}

static size_t max_width(const cril_model *m, enum cril_buffer b)
{
    size_t max = 0;
    for (size_t l = 0; l <= m->config.n_layers; l++) {
        const size_t width = cril_buffer_width(m, l, b);
        max = width > max ? width : max;
    }
    return max;
}

/* For n tokens. False: out of memory. */
static bool create(struct memory *w, const cril_model *m, size_t n)
{
    const size_t n_layers = m->config.n_layers;
    *w = (struct memory){.token = {.m = m, .n = n}};
    w->n_states = cril_model_states(m, w->states);
    for (size_t b = 0; b < CRIL_N_BUFFERS; b++)
        if (!(w->token.buffer[b] = calloc(max_width(m, (enum cril_buffer)b) + 1, sizeof(float))))
            return false;
    if (!(w->token.scratch = calloc(n + max_width(m, CRIL_BUF_Q) + 1, sizeof(float))) ||
        !(w->state = calloc(n_layers * w->n_states + 1, sizeof(*w->state))))
        return false;
    for (size_t l = 0; l < n_layers; l++)
        for (size_t i = 0; i < w->n_states; i++)
            if (cril_layer_uses(m, l, w->states[i]) &&
                !(w->state[l * w->n_states + i] =
                      calloc(w->states[i]->plain_floats(m, l, n) + 1, sizeof(float))))
                return false;
    return true;
}

/* ---- Tokens ---- */

static void run_step(struct memory *w, const struct cril_step *step)
{
    w->token.state = NULL;
    for (size_t k = 0; k < w->n_states; k++)
        if (step->op->state == w->states[k])
            w->token.state = w->state[w->token.layer * w->n_states + k];
    step->op->plain(&w->token, step);
}

/* The steps from `step` on for each expert that the token chose. Returns the last one. */
static const struct cril_step *run_experts(struct memory *w, const struct cril_step *step)
{
    const struct cril_step *s = step;
    for (w->token.rank = 0; w->token.rank < w->token.m->config.mixture.n_used; w->token.rank++) {
        w->token.expert = (size_t)w->token.buffer[CRIL_BUF_C][w->token.rank];
        for (s = step; s->op->form != CRIL_FROM_EXPERTS; s++)
            run_step(w, s);
        run_step(w, s);
    }
    return s;
}

static void run(struct memory *w, size_t layer, const struct cril_steps *list)
{
    w->token.layer = layer;
    for (const struct cril_step *s = list->step; s < list->step + list->n; s++) {
        if (s->op->form == CRIL_TO_EXPERTS)
            s = run_experts(w, s);
        else
            run_step(w, s);
    }
}

/* -ln softmax(logits)[target], chunk by chunk of CRIL_CHUNK logits. */
static double negative_log_likelihood(const float *logits, size_t n, size_t target)
{
    double max = -INFINITY, sum = 0;
    for (size_t i = 0; i < n; i++)
        max = logits[i] > max ? logits[i] : max;
    for (size_t from = 0; from < n; from += CRIL_CHUNK) {
        size_t to = n - from < CRIL_CHUNK ? n : from + CRIL_CHUNK;
        float top = -INFINITY, s[16] = {0};
        for (size_t i = from; i < to; i++)
            top = logits[i] > top ? logits[i] : top;
        for (size_t i = from; i < to; i++)
            s[i % 16] += cril_expf(logits[i] - top);
        sum += (double)cril_plain_tree(s) * cril_exp((double)top - max);
    }
    double nats = max - logits[target] + cril_log(sum);
    return nats < 0 ? 0 : nats;
}

cril_status cril_reference_nats(const cril_model *m, const int32_t *ids, size_t n, double *nats,
                                cril_error *err)
{
    const size_t n_layers = m->config.n_layers;
    struct memory w;
    if (!create(&w, m, n - 1)) {
        release(&w);
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", m->path);
    }
    for (size_t p = 0; p + 1 < n; p++) {
        w.token.position = p;
        w.token.id = ids[p];
        run(&w, n_layers, &m->family->embedding);
        for (size_t l = 0; l < n_layers; l++)
            run(&w, l, cril_layer_steps(m, l));
        run(&w, n_layers, &m->family->head);
        nats[p] = negative_log_likelihood(w.token.buffer[CRIL_BUF_LOGITS], m->n_vocab,
                                          (size_t)ids[p + 1]);
    }
    release(&w);
    return CRIL_OK;
}
