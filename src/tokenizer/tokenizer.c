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

/* positions and lengths of symbols are 32-bit */
#define MAX_TEXT ((size_t)1 << 30)
#define MAX_NORMAL ((size_t)UINT32_MAX)

struct cril_tokenizer {
    struct cril_spec spec;
    struct cril_specials specials;        /* found in a text as it is given */
    struct cril_specials normal_specials; /* found in the normalised text */
    struct cril_sentence sentence;
    struct cril_normaliser *normaliser;
    struct cril_splitter *splitter;
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
    cril_normal_work_free(&w->normal);
    cril_split_work_free(&w->split);
    free(w->sentence.data);
    free(w->steps);
}

/* The names of tokens that are found in the normalised text, as they stand there. */
static cril_status normalise_names(cril_tokenizer *t, cril_error *err)
{
    struct normal_work w = {0};
    cril_status st = CRIL_OK;

    for (size_t i = 0; i < t->spec.n_added && st == CRIL_OK; i++) {
        struct cril_bytes *const name = &t->spec.added[i].name;
        const char *text = name->data;
        size_t len = name->len;

        if (!t->spec.added[i].normalised ||
            (st = cril_normaliser_run(t->normaliser, &text, &len, &w, err)) != CRIL_OK)
            continue;
        *name = (struct cril_bytes){cril_arena_text(&t->spec.arena, text, len), len};
        if (!name->data)
            st = cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", t->spec.path);
    }
    cril_normal_work_free(&w);
    return st;
}

static cril_status load_model(cril_tokenizer *t, cril_error *err)
{
    switch (t->spec.model) {
    case MODEL_RANKS: return cril_bpe_load(&t->spec, &t->u.bpe, err);
    case MODEL_SCORES: return cril_spm_load(&t->spec, &t->u.spm, err);
    case MODEL_UNIGRAM: break;
    }
    return cril_unigram_load(&t->spec, &t->u.unigram, err);
}

static cril_status load(cril_tokenizer *t, cril_error *err)
{
    struct cril_spec *const spec = &t->spec;
    cril_status st;

    if ((st = load_model(t, err)) != CRIL_OK ||
        (st = cril_sentence_load(spec, &t->sentence, err)) != CRIL_OK ||
        (st = cril_normaliser_create(spec, &t->normaliser, err)) != CRIL_OK ||
        (st = cril_splitter_create(spec, &t->splitter, err)) != CRIL_OK ||
        (st = normalise_names(t, err)) != CRIL_OK ||
        (st = cril_specials_build(spec->added, spec->n_added, false, &t->specials, err)) != CRIL_OK)
        return st;
    return cril_specials_build(spec->added, spec->n_added, true, &t->normal_specials, err);
}

cril_status cril_tokenizer_build(struct cril_spec *spec, cril_tokenizer **out, cril_error *err)
{
    cril_tokenizer *t = calloc(1, sizeof(*t));
    cril_status st;

    if (!t) {
        cril_spec_clear(spec);
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", spec->path);
    }
    t->spec = *spec;
    st = load(t, err);
    t->spec.path = NULL; /* the caller's own */
    if (st != CRIL_OK) {
        cril_tokenizer_free(t);
        return st;
    }
    *out = t;
    return CRIL_OK;
}

cril_status cril_tokenizer_create(struct cril_source *source, cril_tokenizer **out, cril_error *err)
{
    struct cril_spec spec;
    cril_status st;

    cril_spec_init(&spec, cril_source_path(source));
    st = cril_source_is_folder(source)
             ? cril_spec_read_folder(source, &spec, err)
             : cril_spec_read_gguf(cril_source_values(source), &spec, err);
    if (st != CRIL_OK) {
        cril_spec_clear(&spec);
        return st;
    }
    return cril_tokenizer_build(&spec, out, err);
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
    cril_specials_clear(&t->normal_specials);
    cril_sentence_clear(&t->sentence);
    cril_normaliser_free(t->normaliser);
    cril_splitter_free(t->splitter);
    cril_spec_clear(&t->spec);
    free(t);
}

const struct cril_spec *cril_tokenizer_spec(const cril_tokenizer *t)
{
    return &t->spec;
}

/* ---- Parts of a text ---- */

/* One call of encode. */
struct run {
    const cril_tokenizer *t;
    struct encode_work *w;
    cril_ids *ids;
    bool with_control;
    cril_error *err;
};

/* What becomes of text [len >= 1] between tokens that were cut out. first: text starts the whole
 * text. */
typedef cril_status (*encode_part)(const struct run *r, const char *text, size_t len, bool first);

static cril_status encode_sentence(const struct run *r, const char *text, size_t len, bool first)
{
    const cril_tokenizer *const t = r->t;
    struct cril_string *const normal = &r->w->sentence;
    const cril_status st =
        cril_sentence_run(&t->sentence, &t->specials, text, len, first, normal, r->err);

    if (st != CRIL_OK || !normal->n)
        return st;
    return t->spec.model == MODEL_SCORES
               ? cril_spm_encode(&t->u.spm, &t->spec, r->w, normal->data, normal->n, r->ids, r->err)
               : cril_unigram_encode(&t->u.unigram, &t->spec, r->w, normal->data, normal->n, r->ids,
                                     r->err);
}

/* text is normalised. */
static cril_status encode_words(const struct run *r, const char *text, size_t len, bool first)
{
    const cril_tokenizer *const t = r->t;
    const struct cril_words *const words = &r->w->split.words;
    cril_status st = len > MAX_NORMAL
                         ? cril_fail(r->err, CRIL_ERR_RANGE,
                                     "a text that is normalised to %zu bytes is too long", len)
                         : cril_splitter_run(t->splitter, &text, len, first, &r->w->split, r->err);

    for (size_t i = 0; st == CRIL_OK && i < words->n; i++) {
        const char *const word = text + words->at[i].start;
        const size_t n = words->at[i].end - words->at[i].start;

        st = t->spec.model == MODEL_RANKS
                 ? cril_bpe_encode(&t->u.bpe, &t->spec, r->w, word, n, r->ids, r->err)
                 : cril_unigram_encode(&t->u.unigram, &t->spec, r->w, word, n, r->ids, r->err);
    }
    return st;
}

static bool touches_word(const char *text, size_t len, size_t start, size_t end)
{
    uint32_t code;
    size_t at = start;

    if (end < len) {
        cril_utf8_read(text + end, len - end, &code);
        if (cril_is_word(code))
            return true;
    }
    if (!start)
        return false;
    for (at--; at && ((uint8_t)text[at] & 0xc0) == 0x80;)
        at--;
    cril_utf8_read(text + at, start - at, &code);
    return cril_is_word(code);
}

/* Cuts the added tokens of s out of text; what lies between goes to `part`. A token is found
 * whether or not the one before took blanks of its name with it. */
static cril_status cut_added(const struct run *r, const struct cril_specials *s, const char *text,
                             size_t len, bool first, encode_part part)
{
    size_t done = 0, n = 0;
    cril_status st;

    for (size_t i = 0; i < len;) {
        const int32_t k = cril_specials_match(s, text + i, len - i, r->with_control, &n);
        const struct spec_added *const a = k < 0 ? NULL : &r->t->spec.added[k];
        size_t end = i;

        i += a ? n : 1;
        if (!a || a->within || (a->single_word && touches_word(text, len, end, i)))
            continue;
        if (a->strips_left && end > done)
            end -= cril_trailing_blanks(text + done, end - done);
        if (end > done && (st = part(r, text + done, end - done, first && !done)) != CRIL_OK)
            return st;
        if ((st = cril_ids_push(r->ids, a->id, r->err)) != CRIL_OK)
            return st;
        done = i + (a->strips_right ? cril_leading_blanks(text + i, len - i) : 0);
    }
    return done < len ? part(r, text + done, len - done, first && !done) : CRIL_OK;
}

static cril_status encode_text(const struct run *r, const char *text, size_t len, bool first)
{
    const cril_tokenizer *const t = r->t;
    const cril_status st = cril_normaliser_run(t->normaliser, &text, &len, &r->w->normal, r->err);

    return st == CRIL_OK ? cut_added(r, &t->normal_specials, text, len, first, encode_words) : st;
}

/* ---- A whole text ---- */

cril_status cril_tokenizer_encode(const cril_tokenizer *t, const char *text, size_t len,
                                  unsigned flags, cril_ids *ids, cril_error *err)
{
    if (CRIL_LACKS(err, t, ids) || (len && CRIL_LACKS(err, text)))
        return CRIL_ERR_RANGE;

    const bool whole = flags & CRIL_ENCODE_ADD_SPECIAL;
    const size_t n_before = ids->n;
    struct encode_work w = {0};
    const struct run r = {t, &w, ids, flags & CRIL_ENCODE_SPECIAL, err};
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
        st = cut_added(&r, &t->specials, repaired ? repaired : text, len, true,
                       t->spec.sentence.used ? encode_sentence : encode_text);
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

bool cril_tokenizer_ends(const cril_tokenizer *t, int32_t id)
{
    if (!t || id < 0)
        return false;
    bool ends = id == t->spec.eos;
    for (size_t i = 0; i < t->spec.n_ends; i++)
        ends |= id == t->spec.ends[i];
    return ends;
}
