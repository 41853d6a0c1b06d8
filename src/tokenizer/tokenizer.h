/* What other layers need of a tokenizer beyond the public header. */
#ifndef CRIL_TOKENIZER_TOKENIZER_H
#define CRIL_TOKENIZER_TOKENIZER_H

#include "formats/source.h"

#include <cril/tokenizer.h>

/* Builds a tokenizer from an open file. Copies what it needs: source may be closed afterwards.
 * Every key under "tokenizer." is then read or has its reason (formats/known.h). */
cril_status cril_tokenizer_create(struct cril_source *source, cril_tokenizer **out,
                                  cril_error *err);

/* As cril_tokenizer_piece, but NULL for a control or unknown token, which stands for no text. */
const char *cril_tokenizer_text(const cril_tokenizer *t, int32_t id, size_t *len);

/* Whether a model that writes the token has ended its text (doc/generation.md, "Where a text
 * ends"). */
bool cril_tokenizer_ends(const cril_tokenizer *t, int32_t id);

/* What its files say; borrowed. */
struct cril_spec;
const struct cril_spec *cril_tokenizer_spec(const cril_tokenizer *t);

cril_status cril_ids_push(cril_ids *ids, int32_t id, cril_error *err);

#endif
