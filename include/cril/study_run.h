/*
 * Runs a study: computes the cells that its store does not have.
 *
 * A cell is a model with a path on a corpus with a path by a protocol of the study, alone or beside
 * its base, or on a benchmark with data. What is finished of it, document by document or item by
 * item, goes into the store while the work goes on; whatever ends a run, the next one goes on
 * there, and the figures have the same bits. Any number of runs, in any number of processes, may
 * share a store: a cell is claimed by the one that is at it.
 */
#ifndef CRIL_STUDY_RUN_H
#define CRIL_STUDY_RUN_H

#include <cril/status.h>
#include <cril/store.h>
#include <cril/study.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cril_study_run_options {
    unsigned threads;    /* 0: one a core */
    size_t batch_tokens; /* as cril_score_options has it; 0: 2048, since what a killed run loses is
                            a batch */
    size_t memory_bytes; /* as cril_score_options has it */
    unsigned shard,
        shards;     /* 1 <= shard <= shards: this share of the work alone; shards 0: all of it */
    bool baselines; /* ordinary compressors too, once a corpus, when all cells are done */
} cril_study_run_options;

typedef struct cril_study_progress {
    const char *phase; /* "reading" (models, corpora and benchmarks), "scoring", "waiting" (for
                          other processes), "compressing" (corpora) */
    const char *model, *corpus, *protocol; /* of the cell at work, corpus may be a benchmark;
                                              otherwise NULL, but model is the name of what is read
                                              or compressed */
    size_t cells, cells_done;              /* of this run's share */
    double fraction; /* of the work, by arithmetic, what was there before included; < 0: not known
                        yet */
    double seconds;  /* since the run began */
    double seconds_left; /* < 0: not known yet */
    uint64_t forward_tokens;
    double bpc; /* of the documents of the cell that were scored just now; 0 before the first, and
                   of a benchmark or a divergence */
} cril_study_progress;

/* A cell, or a shard's part of one, that this run has finished. */
typedef struct cril_study_cell {
    const char *model, *corpus, *protocol; /* borrowed, valid during the call; corpus may be a
                                              benchmark */
    const char *base;                      /* of a divergence: from this model; NULL: it is none */
    bool is_benchmark;
    size_t cells, cells_done; /* of this run's share, this one included */
    uint64_t documents;       /* of it, in the store; items of a benchmark */
    double bpc;               /* of these; NaN: they have no characters, or are of something else */
    double mean_kl;           /* of a divergence; NaN: of something else, or of no token */
    double score, score_se;   /* of a benchmark's, as shares of 1; NaN: not known */
    uint64_t errors;          /* items that could not be run */
    double seconds;           /* that this run spent on it */
} cril_study_cell;

/* Any may be NULL. Called from the thread that called cril_study_run. */
typedef struct cril_study_callbacks {
    void *user;
    int (*on_progress)(void *user,
                       const cril_study_progress
                           *p); /* not 0: stop with CRIL_ERR_CANCELLED; what is finished is kept */
    void (*on_note)(
        void *user,
        const char *sentence); /* such as: a corpus file has changed and is a new cell */
    void (*on_cell)(void *user, const cril_study_cell *c);
} cril_study_callbacks;

typedef struct cril_study_totals {
    size_t cells;        /* of this run's share */
    size_t cells_before; /* of these, complete before the run */
    uint64_t documents, scored_tokens,
        forward_tokens; /* of this run: documents in the store, all tokens through a model */
    uint64_t items;     /* of this run, in the store */
    double seconds;
} cril_study_totals;

/*
 * Computes what is missing, cheapest cells first. Shards are equal shares of the whole study's
 * arithmetic, a cell cut between documents or items where need be, and depend on the study's files
 * alone: all of them, run on any machines into stores of their own and merged, are the one run.
 * *totals (may be NULL) is set on errors too.
 *
 * Before anything is computed all models, corpora and benchmarks are read once, for their hashes
 * and sizes. A model, a corpus, a benchmark or a cell that cannot be used (a damaged file, a
 * context that is too short for a protocol, a corpus without documents, a benchmark of programs
 * where no sandbox can be had) is left out and told by on_note; the others are computed, and the
 * first of these errors is returned in the end. CRIL_ERR_RANGE: also shards; CRIL_ERR_EMPTY: also
 * nothing with a path; CRIL_ERR_MISMATCH: a file that is written to while the study runs, of which
 * nothing is kept from then on; those of stores.
 */
cril_status cril_study_run(const cril_study_info *s, cril_store *store,
                           const cril_study_run_options *options,
                           const cril_study_callbacks *callbacks, cril_study_totals *totals,
                           cril_error *err);

/*
 * What cril_study_run would leave out or refuse of a study: all its models are opened, and its
 * corpora and benchmarks read, to their ends for their hashes. faults: each with file and line, in
 * the order of corpora, benchmarks, models and protocols, then models that cannot be compared with
 * their bases; none where it names nothing to run. Not found is what only computing shows: a model
 * that computes no number, a corpus with too few tokens for hkust or halves. Returns the first
 * fault's status, CRIL_ERR_NOMEM.
 */
cril_status cril_study_run_check(const cril_study_info *s, cril_study_faults *faults);

#ifdef __cplusplus
}
#endif
#endif
