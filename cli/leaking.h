/* cril leak, among its files: its settings, and the two questions that it answers. */
#ifndef CRIL_CLI_LEAKING_H
#define CRIL_CLI_LEAKING_H

#include "args.h"
#include "output.h"
#include "progress.h"

#include <cril/corpus.h>
#include <cril/membership.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct cril_leak_args {
    struct cril_args_list models, references, controls;
    cril_corpus_options corpus;
    const char *items, *data, *fields, *by, *output, *per_document;
    uint64_t n, top, threads, memory, batch, context, stride, level, resamples, seed;
    bool fetch, lower_case, json, force, quiet;
};

struct cril_leak_run {
    const struct cril_leak_args *set;
    char **corpora; /* [n_corpora], those of the control behind the others */
    size_t n_corpora;
    struct cril_output result, documents;
    struct cril_progress progress;
};

/* Which benchmark items do the corpora contain? False: the reason was printed, or a signal came. */
bool cril_leak_items(struct cril_leak_run *r);

/* What was found of a model. */
struct cril_leak_found {
    struct cril_leak_run *run;
    cril_model *model, *reference; /* reference NULL: there is none */
    cril_membership *membership;
    bool has_control;
    /* with a control: */
    cril_membership_separation separations[CRIL_MEMBERSHIP_SCORES];
    bool has_blind; /* there are documents enough */
    cril_membership_separation blind;
    cril_membership_times times;
};

/* Has the model seen the corpora? False: the reason was printed, or a signal came. */
bool cril_leak_scores(struct cril_leak_run *r);

/* Rows of documents (leak_csv.c); a failed write is remembered by the output. */
void cril_leak_write_documents(struct cril_output *out, const struct cril_leak_found *x);
/* Tables (leak_table.c). */
void cril_leak_print(FILE *f, const struct cril_leak_found *x);
/* JSON (doc/leak.md, "JSON"; leak_json.c). NULL: out of memory. */
json_t *cril_leak_json(const struct cril_leak_found *x);

#endif
