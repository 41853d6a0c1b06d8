/* Steps of the plain kind: ill-formed UTF-8, and how long a document may be. */
#include "gather/step.h"

#include "util/fail.h"
#include "util/utf8.h"

#include <cril/corpus.h>
#include <stdlib.h>
#include <string.h>

static cril_status repair(void *run, struct cril_draft *d, uint64_t *by, bool *keep,
                          cril_error *err)
{
    char *repaired, *room;
    cril_status st;
    size_t len;

    (void)run;
    *keep = true;
    if ((st = cril_utf8_repair(d->text, d->len, &repaired, &len, err)) != CRIL_OK || !repaired)
        return st;
    if (!(room = cril_draft_room(d, len, err))) {
        free(repaired);
        return CRIL_ERR_NOMEM;
    }
    memcpy(room, repaired, len);
    free(repaired);
    cril_draft_take(d, room, len);
    by[0]++;
    return CRIL_OK;
}

const struct cril_step cril_step_utf8 = {
    .name = "utf8",
    .what = "Ill-formed UTF-8 was replaced with U+FFFD.",
    .kinds = CRIL_STEP_ALL,
    .on = CRIL_STEP_ALL,
    .reasons = {"repaired"},
    .apply = repair,
};

static cril_status bound(void *run, struct cril_draft *d, uint64_t *by, bool *keep, cril_error *err)
{
    const struct cril_step_options *o = run;
    const uint64_t n = cril_count_characters(d->text, d->len);
    const bool is_short = n < o->min_characters,
               is_long = o->max_characters && n > o->max_characters;

    (void)err;
    *keep = !is_short && !is_long;
    by[0] += is_short;
    by[1] += !is_short && is_long;
    return CRIL_OK;
}

const struct cril_step cril_step_length = {
    .name = "length",
    .what = "Documents were dropped that have fewer or more characters than the bounds.",
    .kinds = CRIL_STEP_ALL,
    .on = CRIL_STEP_ALL,
    .reasons = {"too_short", "too_long"},
    .n_drops = 2,
    .apply = bound,
};
