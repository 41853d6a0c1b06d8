/* What a scorer would refuse, without making one; and what its other files need of it. */
#ifndef CRIL_SCORE_SCORER_H
#define CRIL_SCORE_SCORER_H

#include <cril/score.h>

/* The errors of cril_scorer_create that need no memory for an engine. */
cril_status cril_scorer_check(cril_model *m, const cril_score_options *options, cril_error *err);

struct cril_engine;
struct cril_engine *cril_scorer_engine(const cril_scorer *s);
cril_model *cril_scorer_model(const cril_scorer *s);
bool cril_scorer_is_bounded(const cril_scorer *s); /* in memory, or in the rows of a batch */

#endif
