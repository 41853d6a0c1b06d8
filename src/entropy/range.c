/*
 * The code of a sequence of symbols is a number in [0, 1), written as bytes from the highest on.
 * The encoder narrows an interval [low, low + range) to each symbol's share of it in turn; `low`
 * and `range` are the 64 bits of it that follow the bytes which are out. The decoder keeps `code`,
 * how far the number lies above the encoder's low, and so takes the same steps.
 */
#include "entropy/range.h"

#include "util/size.h"

#include <assert.h>
#include <stdlib.h>

static const uint64_t top_byte = UINT64_C(1) << 56;

/* ---- Encoder ---- */

void cril_range_encoder_init(struct cril_range_encoder *e)
{
    *e = (struct cril_range_encoder){.range = UINT64_MAX};
}

void cril_range_encoder_free(struct cril_range_encoder *e)
{
    free(e->data);
    cril_range_encoder_init(e);
}

static bool put_byte(struct cril_range_encoder *e, uint64_t byte)
{
    uint8_t *data = cril_size_grow(e->data, &e->capacity, e->n, 1, 1);

    if (!data)
        return false;
    e->data = data;
    data[e->n++] = (uint8_t)byte;
    return true;
}

/* Adds 1 to the number that the bytes are. It stays below 1, as the interval does, so there is
   always a byte that takes the carry. */
static void carry(struct cril_range_encoder *e)
{
    size_t i = e->n;

    do
        assert(i > 0);
    while (++e->data[--i] == 0);
}

bool cril_range_encode(struct cril_range_encoder *e, const struct cril_share *s)
{
    const uint64_t unit = e->range / s->total, step = unit * s->low;

    assert(s->size && s->low < s->total && s->size <= s->total - s->low);
    assert(s->total <= CRIL_SHARE_TOTAL_MAX);
    e->low += step;
    if (e->low < step)
        carry(e);
    e->range = unit * s->size;
    for (; e->range < top_byte; e->range <<= 8, e->low <<= 8)
        if (!put_byte(e, e->low >> 56))
            return false;
    return true;
}

/*
 * A number of the interval that needs no byte more, 0 or 2^64 counted from the last byte that is
 * out; else one that needs a single byte more: the range is at least 2^56, so one lies in it. The
 * sum in that branch does not wrap, since low + range <= 2^64 there.
 */
bool cril_range_encoder_finish(struct cril_range_encoder *e)
{
    if (e->low > 0 - e->range)
        carry(e);
    else if (e->low && !put_byte(e, (e->low + top_byte - 1) >> 56))
        return false;
    while (e->n && e->data[e->n - 1] == 0) /* zeros are implied */
        e->n--;
    e->low = 0;
    return true;
}

/* ---- Decoder ---- */

static uint64_t next_byte(struct cril_range_decoder *d)
{
    return d->pos < d->n ? d->data[d->pos++] : 0;
}

void cril_range_decoder_init(struct cril_range_decoder *d, const uint8_t *data, size_t n)
{
    *d = (struct cril_range_decoder){.range = UINT64_MAX, .data = data, .n = n};
    for (int i = 0; i < 8; i++)
        d->code = d->code << 8 | next_byte(d);
}

bool cril_range_peek(struct cril_range_decoder *d, uint64_t total, uint64_t *at)
{
    assert(total >= 1 && total <= CRIL_SHARE_TOTAL_MAX);
    d->unit = d->range / total;
    *at = d->code / d->unit;
    return *at < total;
}

void cril_range_take(struct cril_range_decoder *d, const struct cril_share *s)
{
    d->code -= d->unit * s->low;
    d->range = d->unit * s->size;
    for (; d->range < top_byte; d->range <<= 8)
        d->code = d->code << 8 | next_byte(d);
}
