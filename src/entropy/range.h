/*
 * A range coder with 64 bits of state (Martin 1979; carries are added to bytes that are out
 * already). It codes shares of a range, wherever they come from. doc/cril_format.md,
 * "Range coder".
 *
 * Between symbols the range is at least 2^56. Division by a total of at most 2^48 so loses less
 * than total / 2^56 of it: at most 2^-8, and 2^-14 where 1,024 values share 2^42.
 */
#ifndef CRIL_ENTROPY_RANGE_H
#define CRIL_ENTROPY_RANGE_H

#include "entropy/share.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- Encoder ---- */

struct cril_range_encoder {
    uint64_t low, range;
    uint8_t *data; /* [n] bytes so far; owned */
    size_t n, capacity;
};

void cril_range_encoder_init(struct cril_range_encoder *e); /* nothing coded, no memory taken */
void cril_range_encoder_free(struct cril_range_encoder *e); /* leaves it as init does */
/* False: out of memory; e can then only be freed. */
bool cril_range_encode(struct cril_range_encoder *e, const struct cril_share *s);
/* Closes the code with the fewest bytes; data [n] is then whole, does not end with a zero byte, and
   nothing more may be coded. False: out of memory. */
bool cril_range_encoder_finish(struct cril_range_encoder *e);

/* ---- Decoder ---- */

struct cril_range_decoder {
    uint64_t code, range, unit; /* unit: range / total of the symbol at hand */
    const uint8_t *data;        /* [n], borrowed; zeros follow it */
    size_t n, pos;
};

void cril_range_decoder_init(struct cril_range_decoder *d, const uint8_t *data, size_t n);
/* The number in [0, total) that the next symbol's share holds; false: no encoder wrote this.
   1 <= total <= CRIL_SHARE_TOTAL_MAX. */
bool cril_range_peek(struct cril_range_decoder *d, uint64_t total, uint64_t *at);
/* Goes on past the symbol, whose share holds the number that cril_range_peek gave. */
void cril_range_take(struct cril_range_decoder *d, const struct cril_share *s);

#endif
