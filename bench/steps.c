/*
 * How fast the pure steps are, and what they decide.
 *
 *     steps CORPUS              MB/s of each step, as CSV
 *     steps --decisions CORPUS  a line a document: for each step "kept", "changed" or why it is
 *                               dropped; each step sees the text as the corpus has it
 */
#include "peak.h"

#include "gather/step.h"

#include <cril/corpus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void die(const cril_error *err)
{
    fprintf(stderr, "steps: %s\n", err->message);
    exit(1);
}

static const char *decision(const struct cril_step *s, const struct cril_step_count *c)
{
    for (size_t i = 0; i < s->n_drops; i++) {
        if (c->by[i])
            return s->reasons[i];
    }
    return c->changed ? "changed" : "kept";
}

/* Seconds that step i takes for the document. */
static double take(struct cril_draft *d, const struct cril_step *s, const cril_document *doc,
                   struct cril_step_count *count)
{
    static const struct cril_step_options none = {0};
    struct cril_step_run run;
    const double start = cril_bench_now();
    cril_error err;
    bool keep;

    cril_draft_set(d, doc->text, doc->len_bytes);
    if (cril_step_create(s, &none, &run, &err) != CRIL_OK ||
        cril_step_apply(&run, d, count, &keep, &err) != CRIL_OK)
        die(&err);
    return cril_bench_now() - start;
}

int main(int argc, char **argv)
{
    const bool decisions = argc == 3 && !strcmp(argv[1], "--decisions");
    const cril_corpus_options options = {0};
    size_t n_steps, bytes = 0;
    const struct cril_step *const *steps = cril_steps(&n_steps);
    double *seconds = calloc(n_steps, sizeof(*seconds));
    struct cril_draft d = {0};
    cril_corpus *corpus;
    cril_document doc;
    cril_error err;

    if (argc != 2 && !decisions) {
        fprintf(stderr, "usage: steps [--decisions] CORPUS\n");
        return 2;
    }
    if (cril_corpus_open(argv[argc - 1], &options, &corpus, &err) != CRIL_OK)
        die(&err);
    while (cril_corpus_next(corpus, &doc, &err) == CRIL_OK && doc.text) {
        bytes += doc.len_bytes;
        for (size_t i = 0; i < n_steps; i++) {
            struct cril_step_count count = {0};

            if (!cril_step_is_pure(steps[i]))
                continue;
            seconds[i] += take(&d, steps[i], &doc, &count);
            if (decisions)
                printf("%s ", decision(steps[i], &count));
        }
        if (decisions)
            puts("");
    }
    for (size_t i = 0; i < n_steps && !decisions; i++) {
        if (cril_step_is_pure(steps[i]))
            printf("%s,%.1f\n", steps[i]->name, (double)bytes / 1e6 / seconds[i]);
    }
    cril_corpus_close(corpus);
    cril_draft_free(&d);
    free(seconds);
    return 0;
}
