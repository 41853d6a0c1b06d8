/* The table of steps, and what is the same for all of them: see step.h. */
#include "gather/step.h"

#include "util/fail.h"
#include "util/size.h"

#include <stdlib.h>
#include <string.h>

static const struct cril_step *const steps[] = {
    &cril_step_utf8,
    &cril_step_length,
    &cril_step_generated,
    &cril_step_gopher_quality,
    &cril_step_gopher_repetition,
    &cril_step_c4,
    &cril_step_language,
    &cril_step_paragraphs,
    &cril_step_near_duplicates,
    &cril_step_secrets,
    &cril_step_personal,
};

const struct cril_step *const *cril_steps(size_t *n)
{
    *n = sizeof(steps) / sizeof(steps[0]);
    return steps;
}

const struct cril_step *cril_step_find(const char *name)
{
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        if (!strcmp(steps[i]->name, name))
            return steps[i];
    }
    return NULL;
}

size_t cril_step_reasons(const struct cril_step *s)
{
    size_t n = 0;

    while (n < CRIL_STEP_REASONS && s->reasons[n])
        n++;
    return n;
}

cril_status cril_step_create(const struct cril_step *step, const struct cril_step_options *options,
                             struct cril_step_run *out, cril_error *err)
{
    *out = (struct cril_step_run){.step = step, .options = options};
    return step->create ? step->create(options, &out->state, err) : CRIL_OK;
}

cril_status cril_step_mark(const struct cril_step_run *r, struct cril_draft *d,
                           struct cril_step_marks *m, cril_error *err)
{
    m->n = 0;
    return r->step->mark(r->state, d, m, err);
}

cril_status cril_step_note(struct cril_step_run *r, const struct cril_step_marks *m,
                           cril_error *err)
{
    return r->step->note(r->state, m, err);
}

cril_status cril_step_decide(struct cril_step_run *r, cril_error *err)
{
    return r->step->decide(r->state, err);
}

cril_status cril_step_apply(struct cril_step_run *r, struct cril_draft *d,
                            struct cril_step_count *count, bool *keep, cril_error *err)
{
    void *run = r->state ? r->state : (void *)r->options; /* which a step only reads */
    const uint64_t n_taken = d->n_taken;
    const size_t len = d->len;
    cril_status st;

    *keep = true;
    if ((st = r->step->apply(run, d, count->by, keep, err)) != CRIL_OK)
        return st;
    count->in++;
    count->out += *keep;
    count->changed += *keep && d->n_taken != n_taken;
    count->bytes_in += len;
    count->bytes_out += *keep ? d->len : 0;
    return CRIL_OK;
}

void cril_step_free(struct cril_step_run *r)
{
    if (r->state)
        r->step->free(r->state);
    r->state = NULL;
}

void cril_step_count_add(struct cril_step_count *sum, const struct cril_step_count *more)
{
    sum->in += more->in;
    sum->out += more->out;
    sum->changed += more->changed;
    sum->bytes_in += more->bytes_in;
    sum->bytes_out += more->bytes_out;
    for (size_t i = 0; i < CRIL_STEP_REASONS; i++)
        sum->by[i] += more->by[i];
}

uint64_t *cril_step_marks_room(struct cril_step_marks *m, size_t n, cril_error *err)
{
    uint64_t *grown = cril_size_grow(m->values, &m->size, 0, n, sizeof(*m->values));

    if (!grown) {
        cril_fail(err, CRIL_ERR_NOMEM, "out of memory for marks of a document");
        return NULL;
    }
    m->values = grown;
    return grown;
}
