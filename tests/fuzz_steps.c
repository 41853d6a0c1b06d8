/*
 * libFuzzer entry: a text that goes through every step, one after another as in a run, twice where
 * a step compares documents. A document that is the same again is a near-duplicate of the first,
 * and has no new paragraph, and what a step left is well-formed UTF-8.
 */
#include "gather/step.h"
#include "util/utf8.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool condition)
{
    if (!condition)
        abort();
}

/* The present text twice. The draft has what is left of the first one, if it is kept. */
static bool compare(struct cril_step_run *run, struct cril_draft *d, struct cril_step_count *count)
{
    struct cril_step_marks m = {0};
    bool keep, again;

    demand(cril_step_mark(run, d, &m, NULL) == CRIL_OK);
    demand(cril_step_note(run, &m, NULL) == CRIL_OK && cril_step_note(run, &m, NULL) == CRIL_OK);
    demand(cril_step_decide(run, NULL) == CRIL_OK);
    demand(cril_step_apply(run, d, count, &keep, NULL) == CRIL_OK);
    if (keep && count->changed == 0) {
        demand(cril_step_apply(run, d, count, &again, NULL) == CRIL_OK);
        demand(again == (m.n == 0));
    }
    free(m.values);
    return keep;
}

static bool take(const struct cril_step *step, struct cril_draft *d)
{
    static const char *const languages[] = {"en"};
    static const struct cril_step_options options = {
        .memory_bytes = 1 << 16, .languages = languages, .n_languages = 1};
    static struct cril_step_run of_languages; /* reads files: it stays */
    struct cril_step_count count = {0};
    struct cril_step_run run;
    bool keep;

    if (step == &cril_step_language) {
        if (!of_languages.step)
            demand(cril_step_create(step, &options, &of_languages, NULL) == CRIL_OK);
        demand(cril_step_apply(&of_languages, d, &count, &keep, NULL) == CRIL_OK);
        return keep;
    }
    demand(cril_step_create(step, &options, &run, NULL) == CRIL_OK);
    if (cril_step_is_pure(step))
        demand(cril_step_apply(&run, d, &count, &keep, NULL) == CRIL_OK);
    else
        keep = compare(&run, d, &count);
    cril_step_free(&run);
    return keep;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cril_draft d = {0};
    char *repaired;
    size_t n, len;
    const struct cril_step *const *steps = cril_steps(&n);

    cril_draft_set(&d, (const char *)data, size);
    for (size_t i = 0; i < n; i++) /* dropped or not: the next one takes what there is */
        take(steps[i], &d);
    demand(cril_utf8_repair(d.text, d.len, &repaired, &len, NULL) == CRIL_OK && !repaired);
    cril_draft_free(&d);
    return 0;
}
