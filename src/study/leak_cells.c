/*
 * Leak scores of a study, one after another: a model on the texts of a part of a benchmark, beside
 * the control. Each is kept when it is complete. A run that is killed loses the one at work.
 */
#include "study/leak_cells.h"

#include "study/leaks.h"
#include "study/store.h"
#include "util/fail.h"

#include <cril/number.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Texts at work. */
struct at_work {
    const struct cril_leak_run *r;
    const struct cril_leak_texts *set, *control;
    char name[256]; /* in the store */
    char sha256[65];
    char what[600]; /* for progress */
};

static int on_progress(void *user, const cril_score_progress *p)
{
    const struct at_work *w = user;

    (void)p;
    return w->r->poll(w->r->user, w->what);
}

/* One bad model or file does not stop the others. */
static cril_status leave_out(const struct cril_leak_run *r, const char *name, cril_status st,
                             const cril_error *why, cril_error *err)
{
    cril_error full;

    if (!cril_survey_is_fault(st) || st == CRIL_ERR_MISMATCH)
        return cril_fail(err, st, "%s", why->message);
    cril_fail(&full, st, "%s: leak scores of %s: %s", r->s->path, name, why->message);
    r->fault(r->user, &full);
    return cril_survey_fault(r->work, &full, err);
}

/* The model's files are looked at after they were read, and before anything of it is kept. */
static cril_status put(const struct at_work *w, const struct cril_subject *m, const char *model,
                       cril_store_leak *rows, size_t n, cril_error *err)
{
    const cril_status st = cril_stamps_check(&m->stamps, 0, m->stamps.n, err);

    for (size_t i = 0; i < n; i++) {
        memcpy(rows[i].model, model, sizeof(rows[i].model));
        memcpy(rows[i].texts, w->sha256, sizeof(rows[i].texts));
    }
    return st == CRIL_OK ? cril_store_put_leaks(w->r->store, w->name, w->sha256, rows, n, err) : st;
}

static void note(const struct at_work *w, const cril_store_leak *rows, size_t n)
{
    char sentence[1200], auc[CRIL_NUMBER_SIZE], blind[CRIL_NUMBER_SIZE];

    snprintf(sentence, sizeof(sentence),
             "%s: Min-K%% tells %" PRIu64 " texts from %" PRIu64
             " of the control with an AUC of %s, "
             "the classifier without a model with %s",
             w->what, rows[0].n_set, rows[0].n_control, cril_number_write(auc, rows[0].auc, 4),
             cril_number_write(blind, rows[n - 1].auc, 4));
    w->r->note(w->r->user, sentence);
}

static cril_status ask(struct at_work *w, const struct cril_subject *m, cril_model *model,
                       cril_error *err)
{
    const cril_score_callbacks callbacks = {.user = w, .on_progress = on_progress};
    cril_store_leak rows[CRIL_LEAK_SCORES];
    char sha256[65];
    bool known;
    size_t n;
    cril_status st = cril_model_sha256(model, sha256, err);

    if (st != CRIL_OK ||
        (st = cril_store_has_leak(w->r->store, w->sha256, sha256, &known, err)) != CRIL_OK || known)
        return st;
    st = cril_leak_measure(model, &w->r->options, w->set, w->control, &callbacks, rows, &n, err);
    if (st == CRIL_OK && (st = put(w, m, sha256, rows, n, err)) == CRIL_OK)
        note(w, rows, n);
    return st;
}

static cril_status ask_subject(struct at_work *w, const struct cril_subject *m, cril_error *err)
{
    cril_model *model = NULL;
    cril_error why;
    cril_status st;
    bool known = false;

    snprintf(w->what, sizeof(w->what), "%s on %s", m->study->name, w->name);
    if (m->facts.sha256[0] &&
        (st = cril_store_has_leak(w->r->store, w->sha256, m->facts.sha256, &known, err)) != CRIL_OK)
        return st;
    if (known)
        return CRIL_OK;
    if ((st = cril_subject_open(m, &model, &why)) == CRIL_OK)
        st = ask(w, m, model, &why);
    cril_model_close(model);
    return st == CRIL_OK ? CRIL_OK : leave_out(w->r, w->what, st, &why, err);
}

/* *at: how many scores came before, of all shards. */
static cril_status do_part(const struct cril_leak_run *r, const cril_study_leak *leak,
                           enum cril_leak_part part, const struct cril_leak_texts *control,
                           size_t *at, cril_error *err)
{
    struct cril_leak_texts set = {0};
    struct at_work w = {.r = r, .set = &set, .control = control};
    cril_error why;
    cril_status st = cril_leak_read(r->s, leak, part, &set, &why);

    if (st == CRIL_OK && !cril_leak_name(leak, part, w.name, sizeof(w.name)))
        st = cril_fail(&why, CRIL_ERR_UNSUPPORTED, "the benchmark's name is too long");
    if (st == CRIL_OK)
        st = cril_leak_identify(&set, control, w.sha256, &why);
    if (st != CRIL_OK)
        st = leave_out(r, leak->benchmark, st, &why, err);
    else if (set.n)
        st = cril_store_put_leaks(r->store, w.name, w.sha256, NULL, 0, err);
    for (size_t i = 0; i < r->work->n_subjects && set.n && w.sha256[0] && st == CRIL_OK; i++)
        if (!r->shards || (*at)++ % r->shards == r->shard - 1)
            st = ask_subject(&w, &r->work->subjects[i], err);
    cril_leak_texts_free(&set);
    return st;
}

static cril_status do_leak(const struct cril_leak_run *r, const cril_study_leak *leak, size_t *at,
                           cril_error *err)
{
    struct cril_leak_texts control = {0};
    cril_error why;
    cril_status st = cril_leak_read_control(leak, &control, &why);

    if (st != CRIL_OK)
        st = leave_out(r, leak->benchmark, st, &why, err);
    for (int part = 0; part < CRIL_LEAK_PARTS && control.n && st == CRIL_OK; part++)
        st = do_part(r, leak, (enum cril_leak_part)part, &control, at, err);
    cril_leak_texts_free(&control);
    return st;
}

cril_status cril_leak_cells_run(const struct cril_leak_run *r, cril_error *err)
{
    size_t at = 0;
    cril_status st = CRIL_OK;

    for (size_t i = 0; i < r->s->n_leaks && st == CRIL_OK; i++)
        st = do_leak(r, &r->s->leaks[i], &at, err);
    return st;
}
