/*
 * Corpora made of corpora: a mix of several, and one by the quality of its documents
 * (doc/corpora.md, "Mixing" and "Quality").
 *
 * The same inputs and rules give the same bytes. Functions may be called by several threads at
 * once.
 */
#ifndef CRIL_SAMPLE_H
#define CRIL_SAMPLE_H

#include <cril/gather.h>
#include <cril/score.h>
#include <cril/status.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A corpus that cril made (gather.h), or JSON Lines of objects with a text "content"; a file, since
 * it is read more than once. */
typedef struct cril_sample_input {
    const char *path;
    const char *card; /* beside it, as text; NULL: it has none */
} cril_sample_input;

/* Texts are borrowed while a function runs. */
typedef struct cril_mix_options {
    const cril_sample_input *inputs; /* [n_inputs] */
    size_t n_inputs;
    uint64_t characters; /* of the mix: each input gives as many, characters / n_inputs */
    uint64_t seed;       /* of the order in which documents are taken */
    const char *const *exclude_items; /* [n_exclude_items] tasks (eval.h): documents that contain an
                                         item of theirs (leak.h, 13 words) are left out */
    size_t n_exclude_items;
    const char *data;                                           /* the folder of their data */
    int (*progress)(void *user, const cril_gather_progress *p); /* not 0: stop; NULL: none */
    void *user;
} cril_mix_options;

/*
 * A mix of whole documents. Those of an input are taken in the order of a hash of text and seed, as
 * long as its share is not reached; the one that crosses it is taken if the sum is then nearer to
 * it. A text that occurs several times is taken once. They are written in the order of the inputs.
 *
 * *card: the card as JSON text, owned by the caller: free. On an error bytes may have been written,
 * and are no corpus.
 *
 * CRIL_ERR_RANGE: an option; an input that has fewer characters than its share; one that cannot be
 * read twice. CRIL_ERR_MISMATCH: an input that is not the corpus of its card, or changed meanwhile.
 * CRIL_ERR_FORMAT, with the line; errors of reading; those of cril_overlap_add_task.
 * CRIL_ERR_CANCELLED, CRIL_ERR_NOMEM.
 */
cril_status cril_mix(const cril_mix_options *options, const cril_gather_sink *sink, char **card,
                     cril_error *err);

typedef struct cril_quality_options {
    cril_sample_input input;
    const char *const *keep; /* [n_keep] buckets, names of cril_quality_bucket; n_keep 0: all */
    size_t n_keep;
    int (*progress)(void *user, const cril_score_progress *p); /* not 0: stop; NULL: none */
    void *user;
} cril_quality_options;

/* "head", "middle", "tail"; NULL past the last. */
const char *cril_quality_bucket(size_t i);

/*
 * A corpus whose documents have the bits per character of a model, by the protocol "document", and
 * the bucket that these put them in: of n documents in the order of bits per character, the i-th is
 * in bucket 3 i / n, i from 0 on. The head is what the model predicts best.
 *
 * *card and errors as above, and those of cril_score_corpus; CRIL_ERR_RANGE: a scorer of another
 * protocol, no such bucket.
 *
 * Source: CCNet (Wenzek et al. 2020, section 3.4), whose buckets are terciles of a small model's
 * perplexity.
 */
cril_status cril_quality(cril_scorer *s, const cril_quality_options *options,
                         const cril_gather_sink *sink, char **card, cril_error *err);

#ifdef __cplusplus
}
#endif
#endif
