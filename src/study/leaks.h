/* Leak scores of a study: which texts, and what a model says of them (doc/leak.md, "In a study").
 */
#ifndef CRIL_STUDY_LEAKS_H
#define CRIL_STUDY_LEAKS_H

#include "util/bytes.h"

#include <cril/store.h>

/* Parts of a benchmark. */
enum cril_leak_part { CRIL_LEAK_TEST, CRIL_LEAK_TRAIN, CRIL_LEAK_PARTS };

/* Zero-initialised it is empty. */
struct cril_leak_texts {
    struct cril_bytes *text; /* [n] owned, each too */
    size_t n, capacity;
};

void cril_leak_texts_free(struct cril_leak_texts *t);

/* The texts of a part of a leak's benchmark, one a record: all texts in it, one below the other.
 * Empty where the task has no such file, or it is not there. Errors of reading data. */
cril_status cril_leak_read(const cril_study_info *s, const cril_study_leak *leak,
                           enum cril_leak_part part, struct cril_leak_texts *out, cril_error *err);
cril_status cril_leak_read_control(const cril_study_leak *leak, struct cril_leak_texts *out,
                                   cril_error *err);

/* SHA-256 over both. */
cril_status cril_leak_identify(const struct cril_leak_texts *set,
                               const struct cril_leak_texts *control, char sha256[65],
                               cril_error *err);

/* The name in a store: "GSM8K test". False: it is too long. */
bool cril_leak_name(const cril_study_leak *leak, enum cril_leak_part part, char *out, size_t size);

enum { CRIL_LEAK_SCORES = 4 };
/* The scores that are kept, "blind" last. */
extern const char *const cril_leak_score_names[CRIL_LEAK_SCORES];

/*
 * What a model says of them, as rows [*n] of a store; model and texts are set by the caller.
 * CRIL_ERR_EMPTY: fewer than 2 texts of a kind have scores.
 */
cril_status cril_leak_measure(cril_model *m, const cril_score_options *options,
                              const struct cril_leak_texts *set,
                              const struct cril_leak_texts *control,
                              const cril_score_callbacks *callbacks,
                              cril_store_leak rows[CRIL_LEAK_SCORES], size_t *n, cril_error *err);

#endif
