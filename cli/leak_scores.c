/* cril leak -m: a model over corpora and controls, and what its scores are worth. */
#include "corpora.h"
#include "leaking.h"
#include "naming.h"
#include "warnings.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static bool say(const cril_error *err)
{
    return !cril_print_error("%s", err->message);
}

/* ---- Models ---- */

static bool open_models(struct cril_leak_found *x)
{
    const struct cril_leak_args *s = x->run->set;
    cril_error err;

    if (cril_model_open(s->models.data[0], &x->model, &err) != CRIL_OK ||
        (s->references.n && cril_model_open(s->references.data[0], &x->reference, &err) != CRIL_OK))
        return say(&err);
    if (!s->quiet)
        cril_print_warnings(x->model);
    if (!s->quiet && x->reference)
        cril_print_warnings(x->reference);
    return true;
}

static bool create(struct cril_leak_found *x)
{
    const struct cril_leak_args *s = x->run->set;
    const cril_membership_options wanted = {.score = {.context = (size_t)s->context,
                                                      .stride = (size_t)s->stride,
                                                      .threads = (unsigned)s->threads,
                                                      .memory_bytes = (size_t)s->memory,
                                                      .batch_tokens = (size_t)s->batch,
                                                      .level = (double)s->level / 100,
                                                      .resamples = (size_t)s->resamples,
                                                      .seed = s->seed},
                                            .lower_case = s->lower_case,
                                            .reference = x->reference,
                                            .controls = x->has_control};
    cril_error err;

    return cril_membership_create(x->model, &wanted, &x->membership, &err) == CRIL_OK || say(&err);
}

/* ---- Corpora ---- */

static int on_progress(void *user, const cril_score_progress *p)
{
    const struct cril_progress_state state = {.fraction = p->fraction,
                                              .seconds = p->seconds,
                                              .tokens = p->forward_tokens,
                                              .figure = "BPC",
                                              .value = p->bpc};

    cril_progress_show(&((struct cril_leak_run *)user)->progress, &state);
    return cril_output_signal() != 0;
}

/* Documents that lack a score which the others have. */
static void note_undefined(const char *name, const cril_membership_corpus *c, size_t score,
                           const char *what, const char *why)
{
    uint64_t n = 0, first = 0;

    for (size_t i = c->n; i-- > 0;)
        if (!c->documents[i].too_short && !c->documents[i].has[score]) {
            first = c->documents[i].index;
            n++;
        }
    if (n)
        cril_print_note("%s: %" PRIu64 " document%s no %s, as %s; the first is document %" PRIu64,
                        cril_corpus_spoken(name), n, n == 1 ? " has" : "s have", what, why, first);
}

static void print_notes(const struct cril_leak_found *x, const char *name,
                        const cril_corpus_stats *stats, const cril_membership_corpus *c)
{
    cril_corpus_note_dropped(name, stats);
    if (c->too_short)
        cril_print_note("%s: %zu of %zu documents have fewer than %d predicted tokens, and no "
                        "score",
                        cril_corpus_spoken(name), c->too_short, c->n, CRIL_MEMBERSHIP_MIN_TOKENS);
    note_undefined(name, c, CRIL_MEMBERSHIP_MIN_K_PLUS_PLUS, "Min-K%++",
                   "the model is so sure of a token that ln p has no deviation");
    if (x->run->set->lower_case)
        note_undefined(name, c, CRIL_MEMBERSHIP_LOWER_CASE, "lower-case ratio",
                       "the loss of the text is 0");
}

static bool add_corpus(struct cril_leak_found *x, size_t i)
{
    struct cril_leak_run *r = x->run;
    const cril_score_callbacks callbacks = {.user = r, .on_progress = on_progress};
    const char *name = r->corpora[i];
    cril_corpus_options options = r->set->corpus;
    cril_corpus_stats stats = {0};
    cril_membership_corpus c;
    cril_error err = {0};
    cril_status st;

    if (!options.date_field)
        options.date_field = "date";
    r->progress.name = cril_base_name(cril_corpus_spoken(name));
    st = cril_membership_add(x->membership, name, &options, i >= r->n_corpora - r->set->controls.n,
                             &callbacks, &stats, &err);
    cril_progress_clear(&r->progress);
    if (st != CRIL_OK) {
        cril_corpus_explain(name, &stats, &err);
        return false;
    }
    if (!r->set->quiet && cril_membership_corpus_at(x->membership, i, &c))
        print_notes(x, name, &stats, &c);
    if (!r->set->quiet && i == 0)
        cril_print_context_warning(x->model, c.result->context);
    return !cril_output_signal();
}

/* ---- What the scores are worth ---- */

static cril_interval wanted_interval(const struct cril_leak_args *s)
{
    return (cril_interval){.level = s->level ? (double)s->level / 100 : 0.95,
                           .resamples = s->resamples ? (size_t)s->resamples : 1000,
                           .seed = s->seed};
}

static bool sort_by_time(struct cril_leak_found *x)
{
    const cril_interval wanted = wanted_interval(x->run->set);
    cril_error err;

    return (!x->run->set->by && !x->run->set->json) ||
           cril_membership_by_month(x->membership, &wanted, &x->times, &err) == CRIL_OK ||
           say(&err);
}

static bool separate(struct cril_leak_found *x)
{
    const cril_interval wanted = wanted_interval(x->run->set);
    const cril_membership_separation *loss = &x->separations[CRIL_MEMBERSHIP_LOSS];
    cril_error err;

    if (!x->has_control)
        return true;
    for (size_t i = 0; i < CRIL_MEMBERSHIP_SCORES; i++)
        if (cril_membership_separate(x->membership, i, &wanted, &x->separations[i], &err) !=
            CRIL_OK)
            return say(&err);
    x->has_blind = loss->n_set > 1 && loss->n_control > 1;
    return !x->has_blind ||
           cril_membership_blind(x->membership, &wanted, &x->blind, &err) == CRIL_OK || say(&err);
}

static bool write_result(const struct cril_leak_found *x)
{
    struct cril_leak_run *r = x->run;
    FILE *f = r->result.file ? r->result.file : stdout;

    if (r->documents.file)
        cril_leak_write_documents(&r->documents, x);
    if (r->set->json)
        return cril_output_json(&r->result, cril_leak_json(x), JSON_INDENT(1)) == 0;
    cril_leak_print(f, x);
    return true;
}

bool cril_leak_scores(struct cril_leak_run *r)
{
    struct cril_leak_found x = {.run = r, .has_control = r->set->controls.n > 0};
    bool good = open_models(&x) && create(&x);

    for (size_t i = 0; i < r->n_corpora && good; i++)
        good = add_corpus(&x, i);
    good = good && separate(&x) && sort_by_time(&x) && !cril_output_signal() && write_result(&x);
    cril_membership_times_free(&x.times);
    cril_membership_free(x.membership);
    cril_model_close(x.reference);
    cril_model_close(x.model);
    return good;
}
