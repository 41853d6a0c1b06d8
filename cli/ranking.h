/* Models that were scored on the same corpora, side by side: the best first, each beside it. */
#ifndef CRIL_CLI_RANKING_H
#define CRIL_CLI_RANKING_H

#include <cril/report.h>
#include <stdbool.h>
#include <stdio.h>

struct cril_ranking {
    const cril_result *results; /* [n_models][n_corpora], of models that were at hand */
    size_t n_models, n_corpora;
    cril_interval interval; /* level, resamples and seed; 0: the defaults */
};

/* What a verdict says of the second model. */
const char *cril_verdict_words(cril_verdict verdict);

/* A table for each corpus, and for the average of more than one. False: the reason was printed. */
bool cril_ranking_print(FILE *f, const struct cril_ranking *r);

#endif
