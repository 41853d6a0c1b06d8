/*
 * A classifier that sees texts and no model: how far two sets of documents differ by themselves.
 *
 * Where it tells them apart, a membership score that does so too has shown nothing about a model
 * (Das et al. 2024, "Blind baselines beat membership inference attacks"; Meeus et al. 2024).
 */
#ifndef CRIL_LEAK_BLIND_H
#define CRIL_LEAK_BLIND_H

#include "util/bytes.h"

#include <cril/status.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CRIL_BLIND_CHARACTERS = 2000, /* of a document's beginning that are looked at */
    CRIL_BLIND_FOLDS = 5
};

/*
 * Logistic regression on 1 to 3 characters, cross-validated (doc/leak.md): each document is judged
 * by a classifier that saw neither it nor its fold. set_scores [n_set], control_scores
 * [n_control]: the document's place among those of its fold, above 0 to below 1, the larger the
 * more it is like the set. At least 2 documents each; UINT32_MAX / 2 at most.
 *
 * The same numbers on every machine, for the same texts, order and seed. CRIL_ERR_RANGE,
 * CRIL_ERR_NOMEM.
 */
cril_status cril_blind_scores(const struct cril_bytes *set, size_t n_set,
                              const struct cril_bytes *control, size_t n_control, uint64_t seed,
                              double *set_scores, double *control_scores, cril_error *err);

#endif
