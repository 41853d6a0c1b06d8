/*
 * libFuzzer entry: archives, the range coder and spelling. The first byte of the input says what
 * the rest is:
 *
 *   bits 0, 1 = 0  an archive as it is
 *   1              an archive whose magic, version and checksums are made right first; with bit 2
 *                  of format 1, else of format 2, the length of whose index is made right too
 *   2              the same, of format 1 also the lengths of its last segment and of its text, so
 *                  that more files come through to where segments are taken apart and decoded
 *   3              symbols, which are encoded and decoded; with bit 2, a text, which is spelled and
 *                  put together
 *
 * In place of a model's numbers, a decoder gets those of a random generator. What a code decodes to
 * is encoded again: the shortest code of the same symbols cannot be longer than the one that was
 * read.
 */
#include "codec/container.h"
#include "codec/spell.h"
#include "entropy/range.h"
#include "make_archive.h"
#include "util/cursor.h"
#include "util/random.h"

#include <cril/codec.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CHUNK = 1024, MAX_LOGITS = 3 * CHUNK, MAX_TOKENS = 40, MAX_SYMBOLS = 4096 };

static void require(bool right)
{
    if (!right)
        abort();
}

/* ---- The range coder ---- */

static void decode_again(const struct cril_range_encoder *e, const struct cril_share *s, size_t n)
{
    struct cril_range_decoder d;
    uint64_t at;

    cril_range_decoder_init(&d, e->data, e->n);
    for (size_t i = 0; i < n; i++) {
        require(cril_range_peek(&d, s[i].total, &at));
        require(at >= s[i].low && at - s[i].low < s[i].size);
        cril_range_take(&d, &s[i]);
    }
}

/* The bytes of the code. */
static size_t round_trip(const struct cril_share *s, size_t n)
{
    struct cril_range_encoder e;
    size_t bytes;

    cril_range_encoder_init(&e);
    for (size_t i = 0; i < n; i++)
        require(cril_range_encode(&e, &s[i]));
    require(cril_range_encoder_finish(&e));
    require(e.n == 0 || e.data[e.n - 1]);
    decode_again(&e, s, n);
    bytes = e.n;
    cril_range_encoder_free(&e);
    return bytes;
}

/* Each symbol from 18 bytes; totals of any width up to 48 bits, sizes often extreme. */
static void code_symbols(const uint8_t *data, size_t size)
{
    static struct cril_share s[MAX_SYMBOLS];
    size_t n = 0;

    for (; size >= 18 && n < MAX_SYMBOLS; data += 18, size -= 18) {
        struct cril_share *x = &s[n++];

        x->total = 1 + (cril_load_u64(data) >> 16) % CRIL_SHARE_TOTAL_MAX;
        x->total = 1 + (x->total - 1) / ((uint64_t)1 << data[16] % 48);
        x->low = cril_load_u64(data + 8) % x->total;
        x->size = 1;
        if (data[17] & 1)
            x->size = x->total - x->low;
        else if (data[17] & 2)
            x->size += (data[17] >> 2) % (x->total - x->low);
    }
    round_trip(s, n);
}

/* ---- Spelling ---- */

static const cril_tokenizer *vocabulary(void)
{
    static cril_tokenizer *t;

    if (!t)
        require(cril_tokenizer_open(CRIL_TEST_DATA "/golden/tiny-llama.gguf", &t, NULL) == CRIL_OK);
    return t;
}

/* What tokens and raw bytes of a damaged segment stand for, which may be anything but longer than
 * asked for. */
static void put_together(const struct cril_segment *s, const int32_t *ids, size_t n_ids)
{
    const size_t len = s->entry.original < 1 << 16 ? s->entry.original : 1 << 16;
    uint8_t *out = malloc(len);
    cril_error err = {0};

    require(out != NULL);
    require(cril_unspell(vocabulary(), s, ids, n_ids, out, len, &err) == CRIL_OK || err.message[0]);
    free(out);
}

static void spell_text(const uint8_t *text, size_t len)
{
    static struct cril_speller
        *speller; /* kept: what it knows of characters must not depend on texts */
    struct cril_spelling spelling = {0};
    struct cril_segment s;
    uint8_t *parts, *back;
    size_t part_bytes = 0;

    if (!len)
        return;
    if (!speller)
        require(cril_speller_create(vocabulary(), &speller, NULL) == CRIL_OK);
    require(cril_segment_spell(speller, text, len, &spelling, NULL) == CRIL_OK);
    parts = malloc(spelling.n_parts * CRIL_ARCHIVE_PART + 1);
    back = malloc(len);
    require(parts && back);
    for (size_t i = 0; i < spelling.n_parts; i++)
        part_bytes += cril_archive_put_part(&spelling.parts[i], parts + part_bytes);
    s = (struct cril_segment){
        .entry = {.original = (uint32_t)len,
                  .kind = spelling.n_parts ? CRIL_SEGMENT_PARTS : CRIL_SEGMENT_TOKENS,
                  .tokens = (uint32_t)spelling.ids.n,
                  .part_bytes = part_bytes,
                  .raw = (uint32_t)spelling.n_raw},
        .varints = true,
        .parts = parts,
        .raw = spelling.raw,
        .raw_bytes = spelling.n_raw};
    require(spelling.n_parts * CRIL_ARCHIVE_PART + spelling.n_raw <= len + CRIL_ARCHIVE_PART);
    require(cril_unspell(vocabulary(), &s, spelling.ids.data, spelling.ids.n, back, len, NULL) ==
            CRIL_OK);
    require(memcmp(text, back, len) == 0);
    free(parts);
    free(back);
    cril_spelling_free(&spelling);
}

/* ---- Segments ---- */

static double draw_value(struct cril_random *g)
{
    const uint32_t x = cril_random_next(g);

    switch (x & 7) {
    case 0: return 0;
    case 1: return 1;
    case 2: return 0x1p-149;
    case 3: return (float)(x >> 8) * 0x1p-50f;
    default: return (float)(x >> 8) * 0x1p-24f;
    }
}

/* Found by a decoder's walk and made by an encoder: the same share, which holds at. */
static void require_same(struct cril_share found, struct cril_share made, uint64_t at)
{
    require(found.low == made.low && found.size == made.size && found.total == made.total);
    require(at >= found.low && at - found.low < found.size);
}

/* Decodes a token, its distribution made by g, and keeps its two shares. False: no encoder wrote
 * it. */
static bool decode_token(struct cril_range_decoder *d, struct cril_random *g, size_t n_logits,
                         struct cril_share s[2], size_t *id)
{
    static double w[MAX_LOGITS / CHUNK];
    static float e[CHUNK];
    const size_t n_chunks = (n_logits + CHUNK - 1) / CHUNK;
    size_t n = CHUNK, c;
    double sum = 0;
    uint64_t at;

    for (size_t i = 0; i < n_chunks; i++) {
        w[i] = draw_value(g) * CHUNK + (i == 0); /* the sum is not 0 */
        sum += w[i];
    }
    if (!cril_range_peek(d, cril_share_total_weights(w, sum, n_chunks), &at))
        return false;
    c = cril_share_find_weight(w, sum, n_chunks, at, &s[0]);
    require(c < n_chunks);
    require_same(s[0], cril_share_of_weight(w, sum, n_chunks, c), at);
    cril_range_take(d, &s[0]);
    if (c + 1 == n_chunks)
        n = n_logits - c * CHUNK;
    for (size_t i = 0; i < n; i++)
        e[i] = (float)draw_value(g);
    if (!cril_range_peek(d, cril_share_total_values(e, n), &at))
        return false;
    *id = cril_share_find_value(e, n, at, &s[1]);
    require(*id < n);
    require_same(s[1], cril_share_of_value(e, n, *id), at);
    cril_range_take(d, &s[1]);
    *id += c * CHUNK;
    return true;
}

/* Decodes at most *budget tokens, and lessens it. */
static void decode_segment(const struct cril_archive_header *h, const struct cril_segment *s,
                           size_t *budget)
{
    static struct cril_share shares[2 * MAX_TOKENS];
    static int32_t ids[MAX_TOKENS];
    const size_t n_logits = h->n_logits && h->n_logits < MAX_LOGITS ? h->n_logits : MAX_LOGITS;
    const size_t n_tokens = s->entry.tokens < *budget ? s->entry.tokens : *budget;
    size_t n_code = s->entry.code, n = 0, id = 0;
    struct cril_range_decoder d;

    *budget -= n_tokens;
    cril_range_decoder_init(&d, s->code, s->entry.code);
    for (; n < 2 * n_tokens; n += 2) {
        struct cril_random g = cril_random_seed(id); /* as a model: what came before decides */

        if (!decode_token(&d, &g, n_logits, &shares[n], &id))
            break;
        require(id < n_logits);
        ids[n / 2] = (int32_t)id;
    }
    put_together(s, ids, n / 2);
    while (n_code && s->code[n_code - 1] == 0)
        n_code--;
    require(round_trip(shares, n) <= n_code);
}

/* ---- Archives ---- */

static void touch_segment(const struct cril_container *c, size_t i, size_t *budget)
{
    struct cril_segment s;
    cril_error err = {0};
    uint64_t tokens = 0, raw = 0, at = 0;
    struct cril_part p;
    volatile uint32_t sum = 0;

    if (cril_container_segment(c, i, &s, &err) != CRIL_OK) {
        require(err.message[0]);
        return;
    }
    while (cril_segment_next_part(&s, &at, &p)) {
        require(p.drop <= 1 && (p.tokens || p.raw));
        tokens += p.tokens;
        raw += p.raw;
    }
    require(s.raw_bytes == raw && tokens == s.entry.tokens);
    sum += cril_archive_crc(0, s.raw, s.raw_bytes) + cril_archive_crc(0, s.code, s.entry.code);
    (void)sum;
    decode_segment(&c->header, &s, budget);
}

static void touch_api(const uint8_t *data, size_t size, bool parsed)
{
    cril_archive_segment s;
    cril_archive *a;

    require((cril_archive_read(data, size, "input", &a, NULL) == CRIL_OK) == parsed);
    if (!parsed)
        return;
    for (uint64_t i = 0; i < cril_archive_info_of(a)->segments; i++) {
        cril_archive_segment_at(a, i, &s);
        require(s.offset + s.archive_bytes <= size);
        require(s.start + s.original_bytes <= cril_archive_info_of(a)->original_bytes);
    }
    cril_archive_close(a);
}

static void read_archive(const uint8_t *data, size_t size)
{
    struct cril_container c;
    size_t budget = MAX_TOKENS;
    cril_error err = {0};
    const bool parsed = cril_container_parse(data, size, "input", &c, &err) == CRIL_OK;

    require(parsed || err.message[0]);
    touch_api(data, size, parsed);
    for (size_t i = 0; i < c.n_segments; i++)
        touch_segment(&c, i, &budget);
    cril_container_free(&c);
}

/* ---- Mending ---- */

static void store(uint8_t *out, uint64_t x, int n)
{
    for (int i = 0; i < n; i++)
        out[i] = (uint8_t)(x >> 8 * i);
}

static void begin(uint8_t *data, uint8_t version)
{
    static const uint8_t start[12] = {0x89, 'C', 'R', 'I', 'L', '\r', '\n', 0x1A};

    memcpy(data, start, sizeof(start));
    data[8] = version;
}

/* What a writer would have put there, the fields around it as they are. */
static void mend1(uint8_t *data, size_t size, bool lengths)
{
    uint8_t *trailer = data + size - MADE1_TRAILER, *entry;
    uint8_t ending[MADE1_TRAILER];
    uint64_t n = cril_load_u64(trailer), original = 0;
    size_t at = MADE1_HEADER, index;

    begin(data, 1);
    store(data + MADE1_HEADER - 4, cril_archive_crc(0, data, MADE1_HEADER - 4), 4);
    if (n > (size - MADE1_HEADER - MADE1_TRAILER) / MADE1_ENTRY)
        return;
    index = size - MADE1_TRAILER - (size_t)n * MADE1_ENTRY;
    for (entry = data + index; entry < trailer; entry += MADE1_ENTRY) {
        const uint64_t fixed =
            (uint64_t)cril_load_u32(entry + 8) * MADE1_PART + cril_load_u32(entry + 12);
        uint64_t bytes = fixed + cril_load_u32(entry + 16);

        original += cril_load_u32(entry);
        if (lengths && entry + MADE1_ENTRY == trailer && fixed <= index - at) {
            bytes = index - at;
            store(entry + 16, bytes - fixed, 4);
        }
        if (bytes > index - at)
            break;
        store(entry + 24, cril_archive_crc(0, data + at, (size_t)bytes), 4);
        at += (size_t)bytes;
    }
    if (lengths)
        store(trailer + 8, original, 8);
    made1_put_trailer(&(struct made1_trailer){0}, NULL, ending);
    memcpy(trailer + 56, ending + 56, 8); /* the end mark */
    store(trailer + 52, cril_archive_crc(0, data + index, size - 12 - index), 4);
}

/* The checksums of the segments that an index of format 2 has. */
static void mend_entries(uint8_t *data, size_t at, uint8_t *index, size_t index_bytes)
{
    struct cril_cursor c = cril_cursor_of(index, index_bytes);
    const size_t end = (size_t)(index - data);
    uint64_t first, part_bytes, raw, code;
    uint32_t ignored;

    while (cril_cursor_varint(&c, &first)) {
        part_bytes = code = 0;
        raw = first % 4 == CRIL_SEGMENT_STORED ? first / 4 : 0;
        if (first % 4 == CRIL_SEGMENT_PARTS &&
            (!cril_cursor_varint(&c, &code) || !cril_cursor_varint(&c, &part_bytes) ||
             !cril_cursor_varint(&c, &raw)))
            return;
        if (first % 4 && first % 4 != CRIL_SEGMENT_PARTS && !cril_cursor_varint(&c, &code))
            return;
        if (first % 4 && (!cril_cursor_varint(&c, &code) || !cril_cursor_u32(&c, &ignored)))
            return;
        if (cril_cursor_left(&c) < 4 || part_bytes + raw + code > end - at)
            return;
        store(index + c.pos, cril_archive_crc(0, data + at, (size_t)(part_bytes + raw + code)), 4);
        at += (size_t)(part_bytes + raw + code);
        c.pos += 4;
    }
}

static void mend2(uint8_t *data, size_t size, size_t index_bytes)
{
    struct cril_cursor c = cril_cursor_of(data, size - CRIL_ARCHIVE_TRAILER);
    uint8_t *index;
    uint64_t ignored;
    uint32_t crc;

    begin(data, 2);
    c.pos = 12 + CRIL_ARCHIVE_MODEL;
    for (int i = 0; i < 5; i++)
        if (!cril_cursor_varint(&c, &ignored))
            return;
    if (!cril_cursor_left(&c))
        return;
    if (data[c.pos]) {
        store(data + size - 4, cril_archive_crc(0, data, size - 4), 4);
        return;
    }
    c.pos++;
    index_bytes = index_bytes < cril_cursor_left(&c) ? index_bytes : cril_cursor_left(&c);
    index = data + size - CRIL_ARCHIVE_TRAILER - index_bytes;
    store(data + size - 12, index_bytes, 8);
    mend_entries(data, c.pos, index, index_bytes);
    crc = cril_archive_crc(0, data, c.pos);
    store(data + size - 4, cril_archive_crc(crc, index, index_bytes + CRIL_ARCHIVE_TRAILER - 4), 4);
}

static void read_mended(const uint8_t *data, size_t size, bool format1, bool lengths)
{
    uint8_t *copy = malloc(size ? size : 1);

    require(copy);
    if (size)
        memcpy(copy, data, size);
    if (format1 && size >= MADE1_HEADER + MADE1_TRAILER)
        mend1(copy, size, lengths);
    else if (!format1 && size >= 12 + CRIL_ARCHIVE_MODEL + CRIL_ARCHIVE_TRAILER)
        mend2(copy, size, copy[size - 12]);
    read_archive(copy, size);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    switch (data[0] & 3) {
    case 0: read_archive(data + 1, size - 1); break;
    case 1: read_mended(data + 1, size - 1, data[0] & 4, false); break;
    case 2: read_mended(data + 1, size - 1, data[0] & 4, true); break;
    default:
        if (data[0] & 4)
            spell_text(data + 1, size - 1);
        else
            code_symbols(data + 1, size - 1);
    }
    return 0;
}
