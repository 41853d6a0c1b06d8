/*
 * How well a figure of documents tells two sets apart: those that are thought to have a property,
 * and a control without it.
 *
 * AUC: the probability that a document drawn from the first set has the larger figure, equal ones
 * counted by half (Hanley & McNeil 1982). TPR at an FPR: the largest share of the first set whose
 * figures are at or above a threshold at or above which at most that share of the control lies.
 * Intervals are percentiles of resamples that draw documents of each set with replacement
 * (stats.h).
 */
#ifndef CRIL_SEPARATION_H
#define CRIL_SEPARATION_H

#include <cril/stats.h>
#include <cril/status.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cril_separation {
    double auc, tpr_1, tpr_5; /* TPR at an FPR of at most 1 % and 5 %; 0 to 1 */
    /* resamples 0: a set has fewer than 2 documents. */
    cril_interval auc_interval, tpr_1_interval, tpr_5_interval;
} cril_separation;

/*
 * set [n_set], control [n_control]: finite figures, at least 1 each, UINT32_MAX at most together.
 * wanted: level in (0, 1), resamples >= 1, seed. CRIL_ERR_RANGE, CRIL_ERR_NOMEM.
 */
cril_status cril_separate(const double *set, size_t n_set, const double *control, size_t n_control,
                          const cril_interval *wanted, cril_separation *out, cril_error *err);

#ifdef __cplusplus
}
#endif
#endif
