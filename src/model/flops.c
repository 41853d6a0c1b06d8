/* The arithmetic of a window: multiply-adds of layers, attention and vocabulary, counted as two
 * each (cril/model.h). */
#include "model/model.h"

static double size_of(const struct cril_matrix *m)
{
    return (double)m->rows * (double)m->columns;
}

/* Keys that n positions see, together. window 0: all earlier ones. */
static double visible_keys(size_t n, size_t window)
{
    const double all = (double)n, max = window && window < n ? (double)window : all;

    return max * (max + 1) / 2 + (all - max) * max;
}

double cril_model_flops(const cril_model *m, size_t n, size_t n_scored)
{
    if (!m)
        return 0;

    const struct cril_config *c = &m->config;
    const double vocabulary = size_of(&m->output);
    double weights = 0, keys = 0;

    for (size_t i = 0; i < c->n_layers; i++) {
        for (size_t s = 0; s < CRIL_N_SLOTS; s++)
            weights += size_of(&m->layers[i].matrix[s]);
        keys += visible_keys(n, m->layers[i].window);
    }
    return 2 * ((double)n * weights + (double)n_scored * vocabulary +
                keys * (double)c->n_heads * 2 * (double)c->head_dim);
}
