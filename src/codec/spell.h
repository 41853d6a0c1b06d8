/*
 * A segment's text as tokens and raw bytes (tokenizer/spelling.h), and back.
 */
#ifndef CRIL_CODEC_SPELL_H
#define CRIL_CODEC_SPELL_H

#include "codec/container.h"
#include "tokenizer/spelling.h"

#include <stddef.h>
#include <stdint.h>

/* Fills *out for bytes [len >= 1], len <= CRIL_ARCHIVE_SEGMENT_MAX, as cril_speller_spell does, or
   leaves them raw whole: a text of which more than a quarter is not UTF-8, as no model knows such
   bytes, and one whose parts and raw bytes would take as much room. So CRIL_ARCHIVE_PART * n_parts
   + n_raw <= CRIL_ARCHIVE_PART + len. CRIL_ERR_NOMEM. */
cril_status cril_segment_spell(struct cril_speller *s, const uint8_t *bytes, size_t len,
                               struct cril_spelling *out, cril_error *err);

/*
 * The other way: writes to out [len] what the segment's parts, with ids [n_ids] that were decoded,
 * stand for. CRIL_ERR_FORMAT: it is not exactly len bytes, or an id has no piece; message without
 * file name.
 */
cril_status cril_unspell(const cril_tokenizer *t, const struct cril_segment *s, const int32_t *ids,
                         size_t n_ids, uint8_t *out, size_t len, cril_error *err);

#endif
