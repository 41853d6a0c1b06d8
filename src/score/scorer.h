/* What a scorer would refuse, without making one. */
#ifndef CRIL_SCORE_SCORER_H
#define CRIL_SCORE_SCORER_H

#include <cril/score.h>

/* The errors of cril_scorer_create that need no memory for an engine. */
cril_status cril_scorer_check(cril_model *m, const cril_score_options *options, cril_error *err);

#endif
