/*
 * The models that a scorer compares with its own: their engines, and whether they read the same
 * tokens.
 */
#ifndef CRIL_SCORE_OTHERS_H
#define CRIL_SCORE_OTHERS_H

#include "model/engine.h"
#include "score/pair.h"
#include "score/protocol.h"

#include <cril/corpus.h>

struct cril_others {
    cril_model **models;          /* [n] borrowed */
    struct cril_engine **engines; /* [n] */
    size_t n;
    size_t columns; /* ids that all models and the base have */
    cril_ids ids;
    struct cril_pair *pairs; /* [n] */
};

/* Whether a model can be compared with base in such windows, as far as their files tell. Errors as
 * below. */
cril_status cril_others_check_model(const cril_model *base, const cril_model *m,
                                    const struct cril_protocol *p, const struct cril_layout *l,
                                    cril_error *err);

/*
 * options, whose memory is that of one engine, are those of each. CRIL_ERR_RANGE: a model has
 * other tokens than the base, or opens a text otherwise, or runs no window as long; errors of
 * cril_engine_create. On errors *o can be freed.
 */
cril_status cril_others_init(struct cril_others *o, const cril_model *base,
                             const struct cril_protocol *p, const struct cril_layout *l,
                             const struct cril_engine_options *options, cril_model *const *models,
                             size_t n, cril_error *err);
/* What one of n models may have of `bytes` for all (0: no bound), less what they share, in batches
 * of batch_tokens (0: chosen) and with so many ids. */
size_t cril_others_memory(size_t bytes, size_t batch_tokens, size_t n, size_t ids);
/* Of an engine's creation with one model's part of the memory: CRIL_ERR_RANGE, which is too little
 * of it, says that there are other parts. Returns st. */
cril_status cril_others_say_share(cril_status st, cril_error *err);
void cril_others_free(struct cril_others *o); /* a zero-initialised one is allowed */

/*
 * Whether m can be compared with the base token by token. CRIL_ERR_RANGE: it has other tokens, or
 * opens a text otherwise, or runs no window as long.
 */
cril_status cril_others_check_model(const cril_model *base, const cril_model *m,
                                    const struct cril_protocol *p, const struct cril_layout *l,
                                    cril_error *err);
/* CRIL_ERR_RANGE: m makes the ids `own` of a document, which are not ids [n], the base's. */
cril_status cril_others_check_ids(const cril_model *m, const cril_document *doc,
                                  const cril_ids *own, const int32_t *ids, size_t n,
                                  cril_error *err);

/* cril_model_check of each. */
cril_status cril_others_check_files(const struct cril_others *o, cril_error *err);

/* CRIL_ERR_RANGE: a model makes other ids of the text than ids [n], which the base made of it. */
cril_status cril_others_check_text(struct cril_others *o, const cril_document *doc, unsigned encode,
                                   const int32_t *ids, size_t n, cril_error *err);
/* Likewise of a prompt and its continuation, of which the base made p. */
cril_status cril_others_check_pair(struct cril_others *o, const cril_document *doc, unsigned encode,
                                   const struct cril_pair *p, cril_error *err);

#endif
