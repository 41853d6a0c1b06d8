/*
 * Any bytes as tokens and raw bytes, such that what the tokens stand for, with the raw bytes in
 * between, is those bytes again.
 *
 * Tokens come from the model's tokenizer where their pieces spell the text. Where they do not
 * (bytes that are not UTF-8, characters that the vocabulary lacks, texts that the tokenizer
 * changes) single-byte tokens stand in, and where a byte has no token, the byte itself.
 */
#ifndef CRIL_CODEC_SPELL_H
#define CRIL_CODEC_SPELL_H

#include "codec/container.h"

#include <cril/tokenizer.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero-initialised it is empty; release with cril_spelling_free. */
struct cril_spelling {
    cril_ids ids;
    struct cril_part *parts; /* [n_parts]; none where one run of all ids without drop or raw bytes
                                spells the text */
    size_t n_parts, parts_capacity;
    uint8_t *raw; /* [n_raw] */
    size_t n_raw, raw_capacity;
};

struct cril_speller; /* a tokenizer and what is known of it; one per thread */

cril_status cril_speller_create(const cril_tokenizer *t, struct cril_speller **out,
                                cril_error *err);
void cril_speller_free(struct cril_speller *s);

/* Fills *out for bytes [len >= 1], len <= CRIL_ARCHIVE_SEGMENT_MAX; what it held is gone. A text of
   which more than a quarter is not UTF-8 is left raw whole: no model knows such bytes. Time is
   O(len). CRIL_ERR_NOMEM. Then no id is a control or unknown token, ids.n <= len + n_parts (only a
   dropped space stands for no byte of text), and CRIL_ARCHIVE_PART * n_parts + n_raw <=
   CRIL_ARCHIVE_PART + len: never more than the text whole. */
cril_status cril_speller_spell(struct cril_speller *s, const uint8_t *bytes, size_t len,
                               struct cril_spelling *out, cril_error *err);
/* Makes *out one part of raw bytes. */
cril_status cril_spelling_store(const uint8_t *bytes, size_t len, struct cril_spelling *out,
                                cril_error *err);
void cril_spelling_free(struct cril_spelling *s);
/* *own: ids are, all and in order, what cril_tokenizer_encode makes of bytes [len] as text, and
 * there are some. */
cril_status cril_speller_compare(struct cril_speller *s, const uint8_t *bytes, size_t len,
                                 const cril_ids *ids, bool *own, cril_error *err);

/*
 * The other way: writes to out [len] what the segment's parts, with ids [n_ids] that were decoded,
 * stand for. CRIL_ERR_FORMAT: it is not exactly len bytes, or an id has no piece; message without
 * file name.
 */
cril_status cril_unspell(const cril_tokenizer *t, const struct cril_segment *s, const int32_t *ids,
                         size_t n_ids, uint8_t *out, size_t len, cril_error *err);

#endif
