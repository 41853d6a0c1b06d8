/*
 * How far models are from a first one, the base, token by token: Kullback-Leibler divergence,
 * probabilities, most likely tokens, perplexities (doc/diverge.md).
 *
 * All models go through the same windows together; a chunk of the vocabulary at a time, what sums
 * need is kept, and neither a matrix nor a file of logits exists. Every figure has the same bits
 * for any CPU, thread count and batch size. Logarithms are natural.
 */
#ifndef CRIL_DIVERGE_H
#define CRIL_DIVERGE_H

#include <cril/score.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cril_diverger cril_diverger;

/* Percentiles, linear between order statistics at q (n - 1): min, 0.1, 1, 5, 10, 25, 50, 75, 90,
 * 95, 99, 99.9, max. */
enum { CRIL_PERCENTILES = 13, CRIL_DIVERGE_POSITIONS = 32 };
/* "min", "0.1" .. "max"; NULL from CRIL_PERCENTILES on. */
const char *cril_percentile_name(size_t i);

/*
 * Of one model beside the base. Intervals are of documents drawn with replacement (cril/stats.h);
 * they are all 0 where fewer than 2 documents have tokens.
 */
typedef struct cril_divergence_figures {
    uint64_t documents; /* that have tokens which are compared */
    uint64_t tokens;    /* compared: those that a pass predicts */
    uint64_t characters;
    double bpc, bpc_base;            /* bits per character, of all scored tokens */
    double mean_kl;                  /* of kl (cril_divergence) */
    double mean_dp;                  /* of p(token) - p_base(token) */
    double rms_dp;                   /* root of the mean of its squares */
    double same_top;                 /* share of tokens where the most likely id is the base's */
    double ln_ppl, ln_ppl_base;      /* means of -ln p(token) */
    double ln_ppl_ratio;             /* ln_ppl - ln_ppl_base */
    double ppl, ppl_base, ppl_ratio; /* e to these; infinite past e^700 */
    double correlation; /* Pearson's, of both models' -ln p; NaN: one of them does not vary */
    cril_interval mean_kl_interval, mean_dp_interval, rms_dp_interval, same_top_interval,
        ln_ppl_ratio_interval, ppl_interval, ppl_base_interval, ppl_ratio_interval;
    double kl[CRIL_PERCENTILES], dp[CRIL_PERCENTILES];
    /* Tokens with 2^i .. 2^(i+1) - 1 tokens before them in their window, and their mean KL, NaN
       where there are none. */
    uint64_t position_tokens[CRIL_DIVERGE_POSITIONS];
    double position_kl[CRIL_DIVERGE_POSITIONS];
} cril_divergence_figures;

enum { CRIL_DIVERGE_BEFORE = 24, CRIL_DIVERGE_AFTER = 8, CRIL_DIVERGE_WORST = 20 };

/* A token that differs much. */
typedef struct cril_diverging_token {
    size_t corpus;               /* index, in the order in which corpora were added */
    uint64_t document, position; /* as in cril_token_score */
    int32_t id;
    double kl, nats, nats_base;
    /* ids around it in its window, itself at [n_before] */
    int32_t window[CRIL_DIVERGE_BEFORE + 1 + CRIL_DIVERGE_AFTER];
    size_t n_before, n_after;
} cril_diverging_token;

/*
 * models [n], n >= 2, the base first; borrowed, they must outlive the diverger. options may be
 * NULL; memory_bytes bounds all models together, and each has an equal part of what is free.
 * baselines and details are not made.
 *
 * CRIL_ERR_RANGE: options that cril_scorer_create refuses; models with other tokens than the base.
 * Models whose vocabulary matrices have more rows than another are compared by the ids that all
 * have: cril_diverge_ids.
 */
cril_status cril_diverger_create(cril_model *const *models, size_t n,
                                 const cril_score_options *options, cril_diverger **out,
                                 cril_error *err);
void cril_diverger_free(cril_diverger *d); /* NULL is allowed */
size_t cril_diverge_ids(const cril_diverger *d);
size_t cril_diverge_context(const cril_diverger *d); /* tokens of a full window */

/*
 * Takes all documents of c through the models. base is what cril_score_corpus makes of the base,
 * over the ids compared; release it with cril_result_free. Callbacks as there, may be NULL. Errors
 * are those of cril_score_corpus; CRIL_ERR_RANGE: a model makes other ids of a document; on an
 * error the diverger is of no more use.
 */
cril_status cril_diverge_corpus(cril_diverger *d, cril_corpus *c, const char *path,
                                const cril_score_callbacks *callbacks, cril_result *base,
                                cril_error *err);

/* corpus: index; SIZE_MAX: of all. model: 1 .. n - 1. CRIL_ERR_NOMEM, CRIL_ERR_RANGE for an index,
 * CRIL_ERR_EMPTY where no token was compared. */
cril_status cril_diverge_figures(const cril_diverger *d, size_t model, size_t corpus,
                                 cril_divergence_figures *out, cril_error *err);

/* The tokens of the largest KL, at most CRIL_DIVERGE_WORST, the largest first, of equals the
 * first; they belong to d and change with the next corpus. */
const cril_diverging_token *cril_diverge_worst(const cril_diverger *d, size_t model, size_t *n);

/* Tokens a second that a model takes: inputs of all passes, through its layers and its part of the
 * heads, which run together. NaN before the first corpus. */
double cril_diverge_speed(const cril_diverger *d, size_t model);

#ifdef __cplusplus
}
#endif
#endif
