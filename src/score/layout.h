/* The layout of a protocol's windows for one model: context, stride, first token. */
#ifndef CRIL_SCORE_LAYOUT_H
#define CRIL_SCORE_LAYOUT_H

#include "score/protocol.h"

#include <cril/model.h>

/*
 * Checks context and stride (0: the protocol's own) against protocol and model, and fills *out.
 * CRIL_ERR_RANGE; CRIL_ERR_UNSUPPORTED: the tokenizer lacks the token that the protocol puts first.
 * Messages name the model.
 */
cril_status cril_layout_choose(const struct cril_protocol *p, const cril_model *m, size_t context,
                               size_t stride, struct cril_layout *out, cril_error *err);

#endif
