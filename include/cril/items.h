/*
 * Two files of items that 'cril eval --items' wrote, paired by item: task, protocol, subject, place
 * in the data (doc/eval.md, "Comparing").
 */
#ifndef CRIL_ITEMS_H
#define CRIL_ITEMS_H

#include <cril/status.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Means over pairs. Of fewer than 2 pairs se and the interval are NaN. */
typedef struct cril_paired {
    size_t n;
    double a, b, difference; /* b - a; NaN where n is 0 */
    double se;               /* of the mean of the pairs' differences */
    double low, high;        /* difference -+ z se */
} cril_paired;

/* A task by a protocol. Texts belong to the comparison. */
typedef struct cril_items_pair {
    const char *task, *protocol, *metric;
    bool mean_of_subjects; /* the score is the plain mean over subjects */
    cril_paired score;     /* shares of 1 */
    size_t only_a_right, only_b_right;
    double p;                  /* McNemar's exact test, two-sided; NaN: values are not 0 and 1 */
    cril_paired bpb;           /* bits per byte of gold answers, a mean over items */
    double total_a, total_b;   /* the same, all bits by all bytes */
    size_t n_other_prompt;     /* pairs whose prompts differ */
    size_t n_only_a, n_only_b; /* items of one file only */
    const char *first_only_a, *first_only_b; /* such as "anatomy 17"; NULL: none */
} cril_items_pair;

typedef struct cril_items_comparison {
    cril_items_pair *tasks; /* [n] by name; those that both files have */
    size_t n;
    const char **only_a, **only_b; /* [n_only_a], [n_only_b] "task protocol" of one file only */
    size_t n_only_a, n_only_b;
    void *owned;
} cril_items_comparison;

/* Whether the first line of a file is that of an item. CRIL_ERR_IO and what a compressed file may
 * bring; *is is false then. */
cril_status cril_items_recognise(const char *path, bool *is, cril_error *err);

/*
 * level: of the intervals, 0: 0.95. *out is owned by the caller: cril_items_comparison_free.
 *
 * CRIL_ERR_FORMAT: "FILE:LINE: what", a line that is none of an item, an item twice.
 * CRIL_ERR_EMPTY: no task by a protocol is in both files. CRIL_ERR_RANGE, _IO, _NOMEM.
 */
cril_status cril_items_compare(const char *path_a, const char *path_b, double level,
                               cril_items_comparison *out, cril_error *err);
void cril_items_comparison_free(cril_items_comparison *c);

#ifdef __cplusplus
}
#endif
#endif
