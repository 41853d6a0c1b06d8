/*
 * Shots as lm-evaluation-harness' samplers choose them (api/samplers.py): "first_n", and the
 * default, which draws from the pool.
 */
#include "tasks/shots.h"

#include "util/fail.h"
#include "util/size.h"

#include <stdlib.h>

enum { SEED = 1234 }; /* lm-evaluation-harness: default_seed of fewshot_seed */

cril_status cril_shots_init(struct cril_shots *s, const struct cril_task_protocol *p,
                            const struct cril_data *pool, bool one_more, cril_error *err)
{
    const bool seeded = p->draw == CRIL_DRAW_SEEDED;
    const size_t n_drawn = p->shots + (seeded && one_more);
    size_t bytes;

    *s = (struct cril_shots){.pool = pool, .n_pool = pool->n, .shots = p->shots};
    if (n_drawn > s->n_pool)
        return cril_fail(err, CRIL_ERR_RANGE,
                         "%s: has %zu record%s for shots, but %zu shots%s are drawn; ask for fewer "
                         "with --shots",
                         pool->path, s->n_pool, s->n_pool == 1 ? "" : "s", p->shots,
                         n_drawn > p->shots ? " and one more" : "");
    if (!cril_size_mul(n_drawn, sizeof(*s->chosen), &bytes) || !(s->chosen = malloc(bytes + 1)))
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", pool->path);
    s->n_drawn = n_drawn;
    s->seeded = seeded;
    for (size_t i = 0; i < n_drawn; i++)
        s->chosen[i] = i;
    s->n = p->shots;
    cril_draw_init(&s->draws, SEED);
    return CRIL_OK;
}

void cril_shots_free(struct cril_shots *s)
{
    free(s->chosen);
    *s = (struct cril_shots){0};
}

cril_status cril_shots_next(struct cril_shots *s, const json_t *item, cril_error *err)
{
    cril_status st;

    if (!s->seeded)
        return CRIL_OK;
    if ((st = cril_draw_sample(&s->draws, s->n_pool, s->n_drawn, s->chosen, err)) != CRIL_OK)
        return st;
    s->n = 0;
    for (size_t i = 0; i < s->n_drawn && s->n < s->shots; i++)
        if (s->n_drawn == s->shots || !json_equal(s->pool->record[s->chosen[i]].value, item))
            s->chosen[s->n++] = s->chosen[i];
    return CRIL_OK;
}
