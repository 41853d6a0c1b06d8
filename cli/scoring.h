/* cril score, among its files: its settings, a run over models and corpora, and what each file does
 * for it. */
#ifndef CRIL_CLI_SCORING_H
#define CRIL_CLI_SCORING_H

#include "args.h"
#include "output.h"
#include "progress.h"
#include "proving.h"

#include <cril/corpus.h>
#include <cril/model.h>
#include <cril/prove.h>
#include <cril/score.h>
#include <stdbool.h>
#include <stdio.h>

struct cril_score_args {
    struct cril_args_list models;
    cril_corpus_options corpus;
    const char *protocol, *output, *csv, *per_document, *token_nats, *archive, *until, *watch,
        *settle;
    uint64_t threads, memory, context, stride, batch, level, resamples, seed, min_documents;
    double share;      /* what `until` says; 0: there is no rule */
    double settle_sec; /* what `settle` says */
    bool fetch, no_resume, baselines, csv_safe, prove, json, force, quiet, verbose;
};

struct cril_score_run {
    const struct cril_score_args *set;
    const char *path; /* of the model at work, as given */
    cril_model *model;
    cril_scorer *scorer;
    char *const *corpora; /* [n_corpora] */
    size_t n_corpora;
    struct cril_output result, documents, tokens;
    struct cril_proving proving;
    struct cril_progress progress;
    const char *name;     /* of the corpus at hand, as given */
    cril_result part;     /* sums of its documents so far */
    cril_result *all;     /* [models][n_corpora] */
    cril_result *results; /* [n_corpora], of the model at work, within all */
    cril_proof *proofs;   /* [n_corpora]; NULL: not wanted */
    size_t n_results;
    int name_width;
};

/* There are several models, put side by side instead of a row for each corpus of one. */
bool cril_score_is_ranking(const struct cril_score_run *r);
/* Where the table goes. */
FILE *cril_score_table(const struct cril_score_run *r);

/* Opens r->path, and makes its scorer. False: the reason was printed. */
bool cril_score_open_model(struct cril_score_run *r);
/* The corpora with the model at work, into r->results; rows of the table and of a file of runs.
 * False: the reason was printed, or a signal came. */
bool cril_score_corpora(struct cril_score_run *r);
void cril_score_close_model(struct cril_score_run *r);

/* Scores what comes into a folder until a signal ends it; the exit code. */
int cril_score_watch(struct cril_score_run *r);

/* first: NULL where not even one corpus was finished. */
void cril_score_print_header(const struct cril_score_run *r, const cril_result *first);
void cril_score_print_row(const struct cril_score_run *r, const cril_result *x);
/* What follows the rows of the table. */
void cril_score_print_rest(const struct cril_score_run *r);

#endif
