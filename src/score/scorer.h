/* What a scorer would refuse, without making one; and what its other files need of it. */
#ifndef CRIL_SCORE_SCORER_H
#define CRIL_SCORE_SCORER_H

#include <cril/score.h>

/* The errors of cril_scorer_create that need no memory for an engine. */
cril_status cril_scorer_check(cril_model *m, const cril_score_options *options, cril_error *err);

/*
 * From now on s compares these models with its own, the base: tokens that it hands out say how far
 * each is apart (cril_token_score). Once for a scorer, which was made with one model's part of
 * memory_bytes: each of the others has as much. others [n] are borrowed and must outlive s.
 *
 * CRIL_ERR_RANGE: a model has other tokens than the base, or opens texts by another one, or runs no
 * window as long; scoring gives it, too, where a model makes other ids of a document.
 */
cril_status cril_scorer_compare(cril_scorer *s, cril_model *const *others, size_t n,
                                cril_error *err);
/* Seconds that the layers of a model were at work so far, 0 the scorer's own. */
double cril_scorer_seconds(const cril_scorer *s, size_t model);

struct cril_protocol;
struct cril_layout;
const struct cril_protocol *cril_scorer_protocol(const cril_scorer *s);
const struct cril_layout *cril_scorer_layout(const cril_scorer *s);
bool cril_scorer_has_baselines(const cril_scorer *s);
cril_interval cril_scorer_interval(const cril_scorer *s); /* as asked for */

struct cril_engine;
struct cril_engine *cril_scorer_engine(const cril_scorer *s);
cril_model *cril_scorer_model(const cril_scorer *s);
bool cril_scorer_is_bounded(const cril_scorer *s); /* in memory, or in the rows of a batch */

#endif
