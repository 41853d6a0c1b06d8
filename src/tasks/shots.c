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

    *s = (struct cril_shots){
        .pool = pool, .shots = p->shots, .seeded = seeded, .one_more = one_more};
    if (n_drawn > pool->n)
        return cril_fail(err, CRIL_ERR_RANGE,
                         "%s: has %zu record%s for shots, but %zu shots%s are drawn; ask for fewer "
                         "with --shots",
                         pool->path, pool->n, pool->n == 1 ? "" : "s", p->shots,
                         n_drawn > p->shots ? " and one more" : "");
    if (!cril_size_mul(n_drawn, sizeof(*s->chosen), &bytes) || !(s->chosen = malloc(bytes + 1)))
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", pool->path);
    s->n_drawn = n_drawn;
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
    size_t n;

    if (!s->n_drawn)
        return CRIL_OK;
    n = s->seeded ? s->n_drawn : s->pool->n;
    if (s->seeded && (st = cril_draw_sample(&s->draws, s->pool->n, n, s->chosen, err)) != CRIL_OK)
        return st;
    s->n = 0;
    for (size_t i = 0; i < n && s->n < s->shots; i++) {
        const size_t at = s->seeded ? s->chosen[i] : i;

        if (!s->one_more || !json_equal(s->pool->record[at].value, item))
            s->chosen[s->n++] = at;
    }
    return CRIL_OK;
}
