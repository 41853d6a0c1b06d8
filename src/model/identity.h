/* What the identity of a model is made of: numbers and texts in one stream (identity.c). */
#ifndef CRIL_MODEL_IDENTITY_H
#define CRIL_MODEL_IDENTITY_H

#include "tokenizer/spec.h"
#include "util/hash.h"

struct cril_hashing { /* after a failure nothing more is hashed */
    struct cril_sha256 *hash;
    cril_status st;
    cril_error *err;
};

void cril_identity_bytes(struct cril_hashing *h, const void *data, size_t n);
/* The lowest 1 to 8 bytes of v, the last first. */
void cril_identity_number(struct cril_hashing *h, uint64_t v, unsigned bytes);
/* Its length, 8 bytes, and its bytes. */
void cril_identity_text(struct cril_hashing *h, const char *data, size_t len);

/* All of the spec that decides over ids and pieces. */
void cril_identity_tokenizer(struct cril_hashing *h, const struct cril_spec *s);

#endif
