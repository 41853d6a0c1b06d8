#include "model/rotations.h"

#include <stdlib.h>

/* Of the widest rotation. */
static size_t max_pairs(const cril_model *m)
{
    size_t max = 0;
    for (size_t i = 0; i < CRIL_MAX_ROPES; i++)
        max = m->rope[i].n_rot / 2 > max ? m->rope[i].n_rot / 2 : max;
    return max;
}

size_t cril_rotations_bytes(const cril_model *m, size_t n)
{
    return CRIL_MAX_ROPES * n * 2 * max_pairs(m) * sizeof(float);
}

bool cril_rotations_reserve(struct cril_rotations *r, const cril_model *m, size_t n)
{
    if (n <= r->n)
        return true;
    r->n = 0;
    if (!cril_memory_reserve(&r->memory, n, cril_rotations_bytes(m, 1)))
        return false;
    r->n = n;
    r->pairs = max_pairs(m);
    for (size_t k = 0; k < CRIL_MAX_ROPES; k++)
        for (size_t p = 0; m->rope[k].freq && p < n; p++) {
            float *row = (float *)r->memory.data + (k * n + p) * 2 * r->pairs;
            cril_rope_row(&m->rope[k], p, row, row + m->rope[k].n_rot / 2);
        }
    return true;
}

void cril_rotations_free(struct cril_rotations *r)
{
    free(r->memory.data);
    *r = (struct cril_rotations){0};
}

const float *cril_rotations_row(const struct cril_rotations *r, size_t rope, size_t position)
{
    return (const float *)r->memory.data + (rope * r->n + position) * 2 * r->pairs;
}
