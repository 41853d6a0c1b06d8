/* The arithmetic of a window: multiply-adds of all steps, counted as two each (cril/model.h). */
#include "model/op.h"

static double steps_multiply_adds(const cril_model *m, size_t layer, const struct cril_steps *list,
                                  size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < list->n; i++) {
        const struct cril_step *s = &list->step[i];
        sum += s->op->multiply_adds ? s->op->multiply_adds(m, layer, s, n) : 0;
    }
    return sum;
}

double cril_model_flops(const cril_model *m, size_t n, size_t n_scored)
{
    if (!m)
        return 0;

    const size_t ends = m->config.n_layers;
    double sum = steps_multiply_adds(m, ends, &m->family->embedding, n) +
                 steps_multiply_adds(m, ends, &m->family->head, n_scored);

    for (size_t i = 0; i < m->config.n_layers; i++)
        sum += steps_multiply_adds(m, i, cril_layer_steps(m, i), n);
    return 2 * sum;
}
