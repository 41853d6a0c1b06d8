/*
 * A tokenizer: opens its file, cuts special tokens out of a text, hands the rest to its model.
 *
 * Byte-level BPE follows the library `tokenizers`: user-defined tokens are cut out of the text as
 * it is given, what lies between is normalised and cut into words. SentencePiece follows its own
 * library: its user-defined symbols stand within the text, which gets its space prefix once.
 * Control tokens and the unknown token are found only with CRIL_ENCODE_SPECIAL, in the text as it
 * is given; SentencePiece finds none, so there transformers' LlamaTokenizer is the reference
 * (legacy=False): parts are normalised each by itself, and only one that starts the text gets the
 * prefix.
 */
#include "tokenizer/internal.h"

#include "formats/inspect.h"
#include "util/fail.h"
#include "util/utf8.h"

#include <stdlib.h>
#include <string.h>

#define MAX_TEXT ((size_t)1 << 30) /* positions and lengths of symbols are 32-bit */

struct cril_tokenizer {
    struct cril_spec spec;
    struct cril_specials specials; /* as the file spells them */
    struct cril_sentence sentence;
    union {
        struct cril_bpe bpe;
        struct cril_spm spm;
        struct cril_unigram unigram;
    } u; /* by spec.model */
};

void cril_ids_free(cril_ids *ids)
{
    if (!ids)
        return;
    free(ids->data);
    *ids = (cril_ids){0};
}

cril_status cril_ids_push(cril_ids *ids, int32_t id, cril_error *err)
{
    if (ids->n == ids->capacity) {
        const size_t capacity = ids->capacity ? 2 * ids->capacity : 256;
        int32_t *grown = capacity > SIZE_MAX / 2 / sizeof(*grown)
                             ? NULL
                             : realloc(ids->data, capacity * sizeof(*grown));

        if (!grown)
            return cril_fail(err, CRIL_ERR_NOMEM, "out of memory for %zu tokens", ids->n);
        ids->data = grown;
        ids->capacity = capacity;
    }
    ids->data[ids->n++] = id;
    return CRIL_OK;
}

void cril_work_free(struct encode_work *w)
{
    cril_merge_free(&w->merge);
    cril_words_free(&w->words);
    cril_words_free(&w->spare);
    cril_nfc_free(&w->nfc);
    free(w->sentence.data);
}

static cril_status load(struct cril_source *source, cril_tokenizer *t, cril_error *err)
{
    const struct cril_spec *const spec = &t->spec;
    cril_status st = cril_spec_read_gguf(cril_source_values(source), &t->spec, err);

    if (st != CRIL_OK)
        return st;
    switch (spec->model) {
    case MODEL_RANKS: st = cril_bpe_load(spec, &t->u.bpe, err); break;
    case MODEL_SCORES: st = cril_spm_load(spec, &t->u.spm, err); break;
    case MODEL_UNIGRAM: st = cril_unigram_load(spec, &t->u.unigram, err); break;
    }
    if (st != CRIL_OK || (st = cril_sentence_load(spec, &t->sentence, err)) != CRIL_OK)
        return st;
    return cril_specials_build(spec->added, spec->n_added, &t->specials, err);
}

cril_status cril_tokenizer_create(struct cril_source *source, cril_tokenizer **out, cril_error *err)
{
    const char *const path = cril_source_path(source);
    cril_tokenizer *t = calloc(1, sizeof(*t));
    cril_status st;

    if (!t)
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", path);
    cril_spec_init(&t->spec, path);
    st = load(source, t, err);
    t->spec.path = NULL; /* the source's own */
    if (st != CRIL_OK) {
        cril_tokenizer_free(t);
        return st;
    }
    *out = t;
    return CRIL_OK;
}

cril_status cril_tokenizer_open(const char *path, cril_tokenizer **out, cril_error *err)
{
    if (CRIL_LACKS(err, path, out))
        return CRIL_ERR_RANGE;

    struct cril_source *source;
    cril_status st = cril_source_open(path, &source, err);

    if (st != CRIL_OK)
        return st;
    st = cril_tokenizer_create(source, out, err);
    cril_source_close(source);
    return st;
}

cril_status cril_tokenizer_open_inspected(const cril_inspect *f, cril_tokenizer **out,
                                          cril_error *err)
{
    if (CRIL_LACKS(err, f, out))
        return CRIL_ERR_RANGE;

    return cril_tokenizer_create(cril_inspect_source(f), out, err);
}

void cril_tokenizer_free(cril_tokenizer *t)
{
    if (!t)
        return;
    switch (t->spec.model) {
    case MODEL_RANKS: cril_bpe_clear(&t->u.bpe); break;
    case MODEL_SCORES: cril_spm_clear(&t->u.spm); break;
    case MODEL_UNIGRAM: cril_unigram_clear(&t->u.unigram); break;
    }
    cril_specials_clear(&t->specials);
    cril_sentence_clear(&t->sentence);
    cril_spec_clear(&t->spec);
    free(t);
}

/* first: text starts the whole text. */
static cril_status encode_plain(const cril_tokenizer *t, struct encode_work *w, const char *text,
                                size_t len, bool first, cril_ids *ids, cril_error *err)
{
    const struct cril_string *const normal = &w->sentence;
    cril_status st;

    if (!len)
        return CRIL_OK;
    if (t->spec.model == MODEL_RANKS)
        return cril_bpe_encode(&t->u.bpe, &t->spec, w, text, len, ids, err);
    st = cril_sentence_run(&t->sentence, &t->specials, text, len, first, &w->sentence, err);
    if (st != CRIL_OK || !normal->n)
        return st;
    return t->spec.model == MODEL_SCORES
               ? cril_spm_encode(&t->u.spm, &t->spec, w, normal->data, normal->n, ids, err)
               : cril_unigram_encode(&t->u.unigram, &t->spec, normal->data, normal->n, ids, err);
}

/* Whether this special token parts the text; SentencePiece sees its own symbols within it. */
static bool parts_text(const cril_tokenizer *t, int32_t id)
{
    return !t->spec.sentence.used || t->spec.types[id] != TOKEN_USER_DEFINED;
}

static cril_status encode_parts(const cril_tokenizer *t, struct encode_work *w, const char *text,
                                size_t len, bool with_control, cril_ids *ids, cril_error *err)
{
    size_t start = 0, match_len = 0;
    cril_status st;

    for (size_t i = 0; i < len;) {
        const int32_t id =
            cril_specials_match(&t->specials, text + i, len - i, with_control, &match_len);

        if (id < 0 || !parts_text(t, id)) {
            i += id < 0 ? 1 : match_len;
            continue;
        }
        if ((st = encode_plain(t, w, text + start, i - start, !start, ids, err)) != CRIL_OK ||
            (st = cril_ids_push(ids, id, err)) != CRIL_OK)
            return st;
        start = i += match_len;
    }
    return encode_plain(t, w, text + start, len - start, !start, ids, err);
}

cril_status cril_tokenizer_encode(const cril_tokenizer *t, const char *text, size_t len,
                                  unsigned flags, cril_ids *ids, cril_error *err)
{
    if (CRIL_LACKS(err, t, ids) || (len && CRIL_LACKS(err, text)))
        return CRIL_ERR_RANGE;

    const bool whole = flags & CRIL_ENCODE_ADD_SPECIAL;
    const size_t n_before = ids->n;
    struct encode_work w = {0};
    char *repaired = NULL;
    cril_status st = CRIL_OK;

    if (len <= MAX_TEXT)
        st = cril_utf8_repair(text, len, &repaired, &len, err);
    if (st == CRIL_OK && len > MAX_TEXT)
        st = cril_fail(err, CRIL_ERR_RANGE,
                       "a text of %zu bytes is too long to tokenise at once (1 GiB)", len);
    if (st == CRIL_OK && whole && t->spec.adds_bos)
        st = cril_ids_push(ids, t->spec.bos, err);
    if (st == CRIL_OK)
        st = encode_parts(t, &w, repaired ? repaired : text, len, flags & CRIL_ENCODE_SPECIAL, ids,
                          err);
    if (st == CRIL_OK && whole && t->spec.adds_eos)
        st = cril_ids_push(ids, t->spec.eos, err);
    if (st != CRIL_OK)
        ids->n = n_before;
    cril_work_free(&w);
    free(repaired);
    return st;
}

size_t cril_tokenizer_size(const cril_tokenizer *t)
{
    return t ? t->spec.n : 0;
}

const char *cril_tokenizer_kind(const cril_tokenizer *t)
{
    return t ? t->spec.kind : NULL;
}

int32_t cril_tokenizer_bos(const cril_tokenizer *t)
{
    return t ? t->spec.bos : -1;
}

int32_t cril_tokenizer_eos(const cril_tokenizer *t)
{
    return t ? t->spec.eos : -1;
}

bool cril_tokenizer_adds_bos(const cril_tokenizer *t)
{
    return t && t->spec.adds_bos;
}

bool cril_tokenizer_adds_eos(const cril_tokenizer *t)
{
    return t && t->spec.adds_eos;
}

const char *cril_tokenizer_warning(const cril_tokenizer *t, size_t i)
{
    if (!t)
        return NULL;

    return i < t->spec.warnings.n ? t->spec.warnings.sentence[i] : NULL;
}

const char *cril_tokenizer_piece(const cril_tokenizer *t, int32_t id, size_t *len)
{
    if (!t || !len || id < 0 || (size_t)id >= t->spec.n)
        return NULL;
    *len = t->spec.pieces[id].len;
    return *len ? t->spec.pieces[id].data : "";
}

const char *cril_tokenizer_text(const cril_tokenizer *t, int32_t id, size_t *len)
{
    const char *piece = cril_tokenizer_piece(t, id, len);

    return piece && (t->spec.types[id] == TOKEN_CONTROL || t->spec.types[id] == TOKEN_UNKNOWN)
               ? NULL
               : piece;
}
