/* The arithmetic of a window: multiply-adds of layers, attention and vocabulary, counted as two
 * each (cril/model.h). */
#include "model/model.h"

/* Keys that n positions see, together. window 0: all earlier ones. */
static double visible_keys(size_t n, size_t window)
{
    const double all = (double)n, most = window && window < n ? (double)window : all;

    return most * (most + 1) / 2 + (all - most) * most;
}

double cril_model_flops(const cril_model *m, size_t n, size_t n_scored)
{
    if (!m)
        return 0;

    const struct cril_config *c = &m->config;
    const double vocabulary = (double)m->output->ne[0] * (double)m->output->ne[1];
    double weights = 0, keys = 0;

    for (size_t i = 0; i < c->n_layers; i++) {
        for (size_t s = 0; s < CRIL_N_SLOTS; s++)
            if (m->layers[i].matrix[s])
                weights +=
                    (double)m->layers[i].matrix[s]->ne[0] * (double)m->layers[i].matrix[s]->ne[1];
        keys += visible_keys(n, m->layers[i].window);
    }
    return 2 * ((double)n * weights + (double)n_scored * vocabulary +
                keys * (double)c->n_heads * 2 * (double)c->head_dim);
}
