/*
 * The distributions of an archive's tokens as text, for a decoder that has no model
 * (doc/cril_format.md, "An independent decoder").
 */
#ifndef CRIL_CODEC_DUMP_H
#define CRIL_CODEC_DUMP_H

#include <cril/status.h>
#include <cril/tokenizer.h>
#include <stddef.h>
#include <stdint.h>

struct cril_dump;

/* Writes path anew, and the line of pieces. *out is owned by the caller. CRIL_ERR_IO, _NOMEM. */
cril_status cril_dump_open(const char *path, const cril_tokenizer *t, struct cril_dump **out,
                           cril_error *err);

/* A token's line. Segments and tokens count from 0 and come in order. A failure to write is kept
   for cril_dump_close. */
void cril_dump_uniform(struct cril_dump *d, uint64_t segment, uint64_t token, size_t n_logits);
/*
 *   weights  [chunks of 1,024 logits, the last may be shorter]  with their sum
 *   values   [n_logits]
 * as cril_share_of_weight and cril_share_of_value take them: finite, >= 0.
 */
void cril_dump_token(struct cril_dump *d, uint64_t segment, uint64_t token, const double *weights,
                     double sum, const float *values, size_t n_logits);

/* Ends the file and frees d, also on error. CRIL_ERR_IO: not all of it could be written. */
cril_status cril_dump_close(struct cril_dump *d, cril_error *err);

#endif
