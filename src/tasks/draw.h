/*
 * The draws of Python's random.Random(seed).sample(range(pool), k): which shots
 * lm-evaluation-harness shows. One generator a task, one sample an item, in file order.
 *
 * Source: MT19937 (Matsumoto & Nishimura 1998), seeded by init_by_array (their code of 2002) with
 * the key [seed]; CPython 3.11, Lib/random.py: Random.sample and _randbelow_with_getrandbits.
 */
#ifndef CRIL_TASKS_DRAW_H
#define CRIL_TASKS_DRAW_H

#include <cril/status.h>
#include <stddef.h>
#include <stdint.h>

enum { CRIL_DRAW_WORDS = 624 };

struct cril_draws {
    uint32_t state[CRIL_DRAW_WORDS];
    size_t used; /* words of state that were given out */
};

void cril_draw_init(struct cril_draws *d, uint32_t seed);

/* k different numbers below pool, in the order of the draw, which is that of the shots in a prompt.
 * CRIL_ERR_RANGE: k > pool. CRIL_ERR_NOMEM. On error d is as before. */
cril_status cril_draw_sample(struct cril_draws *d, size_t pool, size_t k, size_t *out /* [k] */,
                             cril_error *err);

#endif
