/*
 * How fast steps are, and what they decide.
 *
 *     steps CORPUS              MB/s of processor time of each step's part that threads can share
 *     steps --decisions CORPUS  a line a document, for each step: "kept", "changed:" and the XXH64
 *                               of the new text, or why it is dropped; of a step that compares
 *                               documents, the XXH64 of the document's mark or "unmarked". Each
 *                               step sees the text as the corpus has it
 */
#include "processor.h"

#include "gather/step.h"
#include "util/xxh64.h"

#include <cril/corpus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(cril_status st, const cril_error *err)
{
    if (st == CRIL_OK)
        return;
    fprintf(stderr, "steps: %s\n", err->message);
    exit(1);
}

static void print_decision(const struct cril_step *s, const struct cril_step_count *c,
                           const struct cril_draft *d)
{
    const char *why = "kept";

    for (size_t i = 0; i < s->n_drops; i++)
        why = c->by[i] ? s->reasons[i] : why;
    if (c->changed)
        printf("changed:%016llx ", (unsigned long long)cril_xxh64(d->text, d->len, 0));
    else
        printf("%s ", why);
}

static void print_mark(const struct cril_step_marks *m)
{
    if (m->n)
        printf("%016llx ", (unsigned long long)cril_xxh64(m->values, m->n * sizeof(*m->values), 0));
    else
        printf("unmarked ");
}

/* One step for one document; adds the seconds that it takes. */
static void take(struct cril_step_run *run, struct cril_draft *d, struct cril_step_marks *m,
                 bool decisions, double *seconds)
{
    struct cril_step_count count = {0};
    const double start = cril_bench_processor();
    cril_error err;
    bool keep;

    if (cril_step_is_pure(run->step))
        check(cril_step_apply(run, d, &count, &keep, &err), &err);
    else
        check(cril_step_mark(run, d, m, &err), &err);
    *seconds += cril_bench_processor() - start;
    if (!decisions)
        return;
    if (run->step == &cril_step_language)
        return; /* nobody else's decision to compare with */
    if (cril_step_is_pure(run->step))
        print_decision(run->step, &count, d);
    else
        print_mark(m);
}

int main(int argc, char **argv)
{
    const bool decisions = argc == 3 && !strcmp(argv[1], "--decisions");
    const cril_corpus_options options = {0};
    static const char *const languages[] = {"en"};
    const struct cril_step_options step_options = {.languages = languages, .n_languages = 1};
    size_t n_steps, bytes = 0;
    const struct cril_step *const *steps = cril_steps(&n_steps);
    struct cril_step_run *runs = calloc(n_steps, sizeof(*runs));
    double *seconds = calloc(n_steps, sizeof(*seconds));
    struct cril_step_marks m = {0};
    struct cril_draft d = {0};
    cril_corpus *corpus;
    cril_document doc;
    cril_error err;

    if (argc != 2 && !decisions) {
        fprintf(stderr, "usage: steps [--decisions] CORPUS\n");
        return 2;
    }
    check(cril_corpus_open(argv[argc - 1], &options, &corpus, &err), &err);
    for (size_t i = 0; i < n_steps; i++)
        check(cril_step_create(steps[i], &step_options, &runs[i], &err), &err);
    while (cril_corpus_next(corpus, &doc, &err) == CRIL_OK && doc.text) {
        bytes += doc.len_bytes;
        for (size_t i = 0; i < n_steps; i++) {
            cril_draft_set(&d, doc.text, doc.len_bytes);
            take(&runs[i], &d, &m, decisions, &seconds[i]);
        }
        if (decisions)
            puts("");
    }
    for (size_t i = 0; i < n_steps; i++) {
        if (!decisions)
            printf("%s,%.1f\n", steps[i]->name, (double)bytes / 1e6 / seconds[i]);
        cril_step_free(&runs[i]);
    }
    cril_corpus_close(corpus);
    cril_draft_free(&d);
    free(m.values);
    free(seconds);
    free(runs);
    return 0;
}
