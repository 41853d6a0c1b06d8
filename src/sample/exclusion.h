/* Documents that contain benchmark items, counted by task. */
#ifndef CRIL_SAMPLE_EXCLUSION_H
#define CRIL_SAMPLE_EXCLUSION_H

#include <cril/status.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cril_exclusion;

/* *out is owned: cril_exclusion_free; NULL where n is 0. CRIL_ERR_RANGE: a task twice, no data;
 * errors of cril_overlap_add_task. */
cril_status cril_exclusion_create(const char *const *tasks, size_t n, const char *data,
                                  struct cril_exclusion **out, cril_error *err);
/* Whether the text [len] contains an item; of NULL none does. A document counts for each task of
 * which it contains one. */
cril_status cril_exclusion_ask(struct cril_exclusion *x, const char *text, size_t len,
                               bool *contains, cril_error *err);
/* Documents that contain an item, by task: {"mmlu": 3}. NULL: out of memory. */
json_t *cril_exclusion_counts(const struct cril_exclusion *x);
/* For a card: each task's name, items, testable items, found ones, SHA-256 of the data. NULL: out
 * of memory. */
json_t *cril_exclusion_json(const struct cril_exclusion *x);
void cril_exclusion_free(struct cril_exclusion *x); /* NULL is allowed */

#endif
