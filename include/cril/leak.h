/*
 * Benchmark items that a corpus contains (doc/leak.md).
 *
 * The rule is lm-evaluation-harness': an item counts as contained where one run of n words of its
 * texts, 13 by default, is in a document; ASCII letters in lower case, ASCII punctuation deleted,
 * split at white space. Runs are compared by hashes of 64 bits: among 10^9 words of a corpus and
 * 10^7 runs of items a wrong hit has a probability of 5e-4.
 *
 * An overlap belongs to one thread at a time.
 */
#ifndef CRIL_LEAK_H
#define CRIL_LEAK_H

#include <cril/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cril_overlap cril_overlap;

typedef struct cril_overlap_options {
    size_t n; /* words of a run, 1 to 64; 0: 13 */
    /* Fields of an item's record whose texts count, "question" or "question.stem", with all that is
     * in them; n_fields 0: all texts. Copied. */
    const char *const *fields;
    size_t n_fields;
} cril_overlap_options;

/* options may be NULL. *out is owned: cril_overlap_free. CRIL_ERR_RANGE, CRIL_ERR_NOMEM. */
cril_status cril_overlap_create(const cril_overlap_options *options, cril_overlap **out,
                                cril_error *err);
void cril_overlap_free(cril_overlap *o); /* NULL is allowed */

/* Adds the items of a task (eval.h) of the data below the folder. Errors of cril_eval_open_task;
 * CRIL_ERR_RANGE: no item has one of the fields; the sentence lists those that there are. */
cril_status cril_overlap_add_task(cril_overlap *o, const char *task, const char *data,
                                  cril_error *err);

/*
 * Looks for items in a document, text [len], which need not be UTF-8; document names it in what is
 * found, of the first one alone. *found: how many items it contains, those found before too.
 * CRIL_ERR_NOMEM.
 */
cril_status cril_overlap_scan(cril_overlap *o, const char *text, size_t len, uint64_t document,
                              uint64_t *found, cril_error *err);

/* Texts are borrowed, and live as long as the overlap. */
typedef struct cril_overlap_task {
    const char *name;
    uint64_t items;
    uint64_t testable; /* with at least n words in one of their texts */
    uint64_t found;
    char data_sha256[65]; /* of the files that its items are from, as cril_eval_data_sha256 */
} cril_overlap_task;

typedef struct cril_overlap_item {
    const char *subject;  /* "": none */
    const char *id;       /* as the data name it; NULL: they do not */
    uint64_t index;       /* in the data */
    bool testable, found; /* what follows is of a found one */
    uint64_t document;    /* the first that contains it */
    const char *text;     /* the run as it stands there */
    size_t len;
} cril_overlap_item;

/* False: past the last. */
bool cril_overlap_task_at(const cril_overlap *o, size_t task, cril_overlap_task *out);
bool cril_overlap_item_at(const cril_overlap *o, size_t task, uint64_t item,
                          cril_overlap_item *out);

#ifdef __cplusplus
}
#endif
#endif
