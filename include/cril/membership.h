/*
 * Whether a model has seen texts: membership scores of documents, how well they tell a set of
 * documents from a control, and how well a classifier does so that sees no model (doc/leak.md).
 *
 * Every figure has the same bits for any CPU, thread count and batch size (doc/numerics.md), but
 * for the lengths that another version of zlib makes.
 */
#ifndef CRIL_MEMBERSHIP_H
#define CRIL_MEMBERSHIP_H

#include <cril/change.h>
#include <cril/corpus.h>
#include <cril/model.h>
#include <cril/score.h>
#include <cril/separation.h>
#include <cril/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Scores; where a family has several, the first. The larger, the more a text seems to have been
 * seen. */
enum {
    CRIL_MEMBERSHIP_MIN_K = 0,           /* 7: k = 5, 10, 20 .. 60 */
    CRIL_MEMBERSHIP_MIN_K_PLUS_PLUS = 7, /* 10: k = 10, 20 .. 100 */
    CRIL_MEMBERSHIP_LOSS = 17,
    CRIL_MEMBERSHIP_ZLIB = 18,
    CRIL_MEMBERSHIP_LOWER_CASE = 19,
    CRIL_MEMBERSHIP_REFERENCE = 20,
    CRIL_MEMBERSHIP_SCORES = 21,
    CRIL_MEMBERSHIP_MIN_TOKENS = 20,   /* predicted ones, of a document that is scored */
    CRIL_MEMBERSHIP_MIN_DOCUMENTS = 20 /* of each kind, for a conclusion */
};

/* The family's name, such as "min_k"; *k gets the share in percent, 0 where it has none. NULL: past
 * the last. */
const char *cril_membership_score_name(size_t score, unsigned *k);

typedef struct cril_membership_document {
    uint64_t index, line;
    uint64_t tokens; /* that a pass predicted */
    bool too_short;  /* tokens are fewer than CRIL_MEMBERSHIP_MIN_TOKENS: there is no score */
    bool has[CRIL_MEMBERSHIP_SCORES]; /* not what was not asked for, or is not defined */
    double scores[CRIL_MEMBERSHIP_SCORES];
    double nats; /* of all tokens, and the characters: as cril_document_score */
    uint64_t characters;
    char date[11]; /* "2026-06-01"; "": none that can be read */
} cril_membership_document;

typedef struct cril_membership_options {
    cril_score_options score; /* protocol NULL or "document"; details are made, baselines are not */
    bool lower_case;          /* one more pass, over the text in lower case */
    cril_model *reference;    /* NULL: none; one more pass, of this model, borrowed */
    bool controls;            /* corpora of a control will be added: beginnings of texts are kept */
} cril_membership_options;

typedef struct cril_membership cril_membership;

/* A corpus that was added. Borrowed: valid until the next is added. */
typedef struct cril_membership_corpus {
    bool is_control;
    const cril_membership_document *documents; /* [n] */
    size_t n, too_short;
    const cril_result *result; /* of the model's pass */
} cril_membership_corpus;

/* m is borrowed. *out is owned: cril_membership_free. One thread at a time. CRIL_ERR_RANGE: another
 * protocol. CRIL_ERR_NOMEM. */
cril_status cril_membership_create(cril_model *m, const cril_membership_options *options,
                                   cril_membership **out, cril_error *err);
void cril_membership_free(cril_membership *s); /* NULL is allowed */

/*
 * Scores the documents of the corpus at path, which is read anew for each pass. on_progress of
 * callbacks (may be NULL) is called; its fraction is of all passes. stats (may be NULL): of the
 * corpus; its fields are NULL. Dates are read where options name a date_field.
 *
 * After a failure nothing was added. CRIL_ERR_RANGE: prompts; a control without
 * options.controls. CRIL_ERR_MISMATCH: the corpus changed between two passes. Else the errors of
 * cril_score_corpus.
 */
cril_status cril_membership_add(cril_membership *s, const char *path,
                                const cril_corpus_options *corpus, bool is_control,
                                const cril_score_callbacks *callbacks, cril_corpus_stats *stats,
                                cril_error *err);

/* The same of texts that a program hands out (corpus.h), which are read once: neither lower_case
 * nor a reference can be asked for, CRIL_ERR_RANGE. */
cril_status cril_membership_add_texts(cril_membership *s, const cril_corpus_source *texts,
                                      bool is_control, const cril_score_callbacks *callbacks,
                                      cril_error *err);

/* False: past the last. */
bool cril_membership_corpus_at(const cril_membership *s, size_t i, cril_membership_corpus *out);

/* How well a score, or the blind classifier, tells the documents of the control from the others,
 * of all corpora: those that have the score. */
typedef struct cril_membership_separation {
    size_t n_set, n_control; /* documents; with one of them 0, nothing else is set */
    double set, control;     /* mean scores */
    cril_separation separation;
} cril_membership_separation;

/* wanted: as cril_separate. CRIL_ERR_RANGE, CRIL_ERR_NOMEM. */
cril_status cril_membership_separate(const cril_membership *s, size_t score,
                                     const cril_interval *wanted, cril_membership_separation *out,
                                     cril_error *err);

/* The same by the classifier that sees no model, of the documents that have scores; its seed is
 * wanted's, too. CRIL_ERR_RANGE: also fewer than 2 documents of each kind. */
cril_status cril_membership_blind(const cril_membership *s, const cril_interval *wanted,
                                  cril_membership_separation *out, cril_error *err);

/* What the blind classifier says of the texts: whether scores that tell them apart show anything.
 */
typedef enum cril_membership_texts {
    CRIL_TEXTS_ALIKE,
    CRIL_TEXTS_DIFFER, /* its AUC is 0.7 or more, or the interval lies above 0.5 */
    CRIL_TEXTS_TOO_FEW /* otherwise, with fewer than CRIL_MEMBERSHIP_MIN_DOCUMENTS of a kind */
} cril_membership_texts;

/* NULL: too few. */
cril_membership_texts cril_membership_judge(const cril_membership_separation *blind);

/* Documents of a month. */
typedef struct cril_membership_month {
    char month[8]; /* "2026-06" */
    size_t documents;
    double bpc;             /* bits / characters of all of them */
    cril_interval interval; /* resamples 0: there is one document */
} cril_membership_month;

/* The corpora by time, without those of the control. */
typedef struct cril_membership_times {
    cril_membership_month *months; /* [n] in order, those that have documents; owned */
    size_t n, undated;             /* undated: documents without a date */
    cril_change change;            /* at: of months; by as many permutations as resamples */
} cril_membership_times;

/* wanted: as cril_separate. *out is released with cril_membership_times_free. CRIL_ERR_RANGE,
 * CRIL_ERR_NOMEM. */
cril_status cril_membership_by_month(const cril_membership *s, const cril_interval *wanted,
                                     cril_membership_times *out, cril_error *err);
void cril_membership_times_free(cril_membership_times *t); /* NULL is allowed */

#ifdef __cplusplus
}
#endif
#endif
