/* A tiny model whose rotation asks for the length of a pass. */
#ifndef CRIL_TESTS_LENGTHS_H
#define CRIL_TESTS_LENGTHS_H

#include "model/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

/* Beyond `limit` inputs m turns otherwise; its files say nothing of it. */
static void depend_on_length(cril_model *m, enum cril_rope_growth growth, size_t limit)
{
    struct cril_rope *const r = &m->rope[0];

    r->limit = limit;
    r->growth = growth;
    r->base = 10000;
    r->factor = 2;
    free(r->long_freq);
    r->long_freq = NULL;
    if (growth != CRIL_ROPE_LONG)
        return;
    assert_non_null(r->long_freq = calloc(r->n_rot / 2, sizeof(float)));
    for (size_t i = 0; i < r->n_rot / 2; i++)
        r->long_freq[i] = r->freq[i] / (float)(2 + i);
}

#endif
