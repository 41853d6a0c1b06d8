/*
 * The tokenizer of a GGUF file: opens it, cuts special tokens out of a text, hands the rest to its
 * kind.
 *
 * Byte-level BPE follows the library `tokenizers`: user-defined tokens are cut out of the text as
 * it is given, what lies between is normalised and cut into words. SentencePiece follows its own
 * library: its user-defined symbols stand within the text, which gets its space prefix once.
 * Control tokens and the unknown token are found only with CRIL_ENCODE_SPECIAL, in the text as it
 * is given; SentencePiece finds none, so there transformers' LlamaTokenizer is the reference
 * (legacy=False): parts are normalised each by itself, and only one that starts the text gets the
 * prefix. Defaults for absent keys are llama.cpp's. WordPiece ("bert"), RWKV and others are refused
 * by name.
 */
#include "tokenizer/internal.h"

#include "formats/known.h"
#include "formats/inspect.h"
#include "util/fail.h"
#include "util/utf8.h"
#include "util/warnings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TEXT ((size_t)1 << 30) /* positions and lengths of symbols are 32-bit */

enum kind { KIND_BPE, KIND_SPM, KIND_UNIGRAM };

struct cril_tokenizer {
    enum kind kind;
    char kind_name[64];
    struct cril_vocab vocab;
    struct cril_specials specials; /* as the file spells them */
    struct cril_sentence sentence; /* not KIND_BPE */
    union {
        struct cril_bpe bpe;
        struct cril_spm spm;
        struct cril_unigram unigram;
    } u;
    int32_t bos, eos, unknown; /* -1: none */
    bool adds_bos, adds_eos;
    struct cril_warnings warnings;
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

/* A token id from the file; an absent key gives fallback where the vocabulary has it. */
static cril_status read_id(const struct cril_values *file, const char *key, size_t n_tokens,
                           int32_t fallback, int32_t *id, cril_error *err)
{
    uint64_t value = UINT64_MAX;
    cril_status st;

    *id = fallback >= 0 && (size_t)fallback < n_tokens ? fallback : -1;
    if (!cril_values_find(file, key))
        return CRIL_OK;
    if ((st = cril_values_uint(file, key, &value, err)) != CRIL_OK)
        return st;
    if (value >= n_tokens)
        return cril_fail(err, CRIL_ERR_FORMAT, "%s: %s is %llu, the vocabulary has %zu tokens",
                         file->path, key, (unsigned long long)value, n_tokens);
    *id = (int32_t)value;
    return CRIL_OK;
}

/* Whether bos or eos is added: the key, or by_default, which a vocabulary without the token
 * overrules. */
static cril_status read_adds(const struct cril_values *file, const char *key, bool by_default,
                             int32_t id, bool *adds, cril_error *err)
{
    cril_status st;

    *adds = by_default && id >= 0;
    if ((st = cril_values_opt_bool(file, key, adds, err)) != CRIL_OK)
        return st;
    if (*adds && id < 0)
        return cril_fail(err, CRIL_ERR_FORMAT, "%s: %s is true, but the file names no such token",
                         file->path, key);
    return CRIL_OK;
}

static cril_status read_specials(const struct cril_values *file, cril_tokenizer *t, cril_error *err)
{
    static const int32_t ids[][3] = {/* bos, eos, unknown */
                                     [KIND_BPE] = {-1, -1, -1},
                                     [KIND_SPM] = {1, 2, 0},
                                     [KIND_UNIGRAM] = {-1, 1, 2}};
    const int32_t *usual = ids[t->kind];
    const bool bos = t->kind == KIND_SPM || (t->kind == KIND_BPE && t->u.bpe.traits.adds_bos);
    const size_t n = t->vocab.n;
    cril_status st;

    if ((st = read_id(file, "tokenizer.ggml.bos_token_id", n, usual[0], &t->bos, err)) != CRIL_OK ||
        (st = read_id(file, "tokenizer.ggml.eos_token_id", n, usual[1], &t->eos, err)) != CRIL_OK ||
        (st = read_id(file, "tokenizer.ggml.unknown_token_id", n, usual[2], &t->unknown, err)) !=
            CRIL_OK ||
        (st = read_adds(file, "tokenizer.ggml.add_bos_token", bos, t->bos, &t->adds_bos, err)) !=
            CRIL_OK ||
        (st = read_adds(file, "tokenizer.ggml.add_eos_token", t->kind == KIND_UNIGRAM, t->eos,
                        &t->adds_eos, err)) != CRIL_OK)
        return st;
    return cril_specials_build(&t->vocab, cril_values_find(file, "tokenizer.ggml.tokens")->strings,
                               &t->specials, err);
}

static cril_status read_kind(const struct cril_values *file, enum kind *kind, cril_error *err)
{
    static const char *const models[] = {
        [KIND_BPE] = "gpt2", [KIND_SPM] = "llama", [KIND_UNIGRAM] = "t5"};
    struct cril_bytes name;
    cril_status st = cril_values_string(file, "tokenizer.ggml.model", &name, err);

    if (st != CRIL_OK)
        return st;
    for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++)
        if (strlen(models[i]) == name.len && !memcmp(models[i], name.data, name.len)) {
            *kind = (enum kind)i;
            return CRIL_OK;
        }
    return cril_fail(
        err, CRIL_ERR_UNSUPPORTED,
        "%s: cril does not know the tokenizer \"%.*s\"; it knows gpt2 (byte-level BPE), llama "
        "(SentencePiece BPE) and t5 (unigram)",
        file->path, (int)(name.len < 80 ? name.len : 80), name.data);
}

/* Keys that ask for what cril does not do, unless they say no. */
static cril_status refuse_true(const struct cril_values *file, const char *key, cril_error *err)
{
    bool value = false;
    const cril_status st = cril_values_opt_bool(file, key, &value, err);

    if (st != CRIL_OK || !value)
        return st;
    return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                     "%s: %s is true, which cril does not follow for this kind of tokenizer",
                     file->path, key);
}

#define WITHOUT_EFFECT                                                                             \
    {"chat_template*", "writes conversations; a text is taken as it is"},                          \
        {"huggingface.json", "is another form of this tokenizer; cril reads the tables"},          \
        {"ggml.padding_token_id", "fills batches; no text has it"},                                \
        {"ggml.eot_token_id", "ends an answer; no text has it"},                                   \
        {"ggml.eom_token_id", "ends a message; no text has it"},                                   \
        {"ggml.seperator_token_id", "parts texts that are compared; no single text has it"},       \
        {"ggml.separator_token_id", "parts texts that are compared; no single text has it"},       \
        {"ggml.cls_token_id", "is for classifiers; no text has it"},                               \
        {"ggml.mask_token_id", "is for masked models; no text has it"},                            \
        {"ggml.fim_*", "marks a gap that a model is asked to fill; no text has it"},               \
        {"ggml.prefix_token_id", "marks a gap that a model is asked to fill; no text has it"},     \
        {"ggml.suffix_token_id", "marks a gap that a model is asked to fill; no text has it"},     \
    {                                                                                              \
        "ggml.middle_token_id", "marks a gap that a model is asked to fill; no text has it"        \
    }

/* Every key of the tokenizer was read, changes no token, or is refused. */
static cril_status check_keys(struct cril_values *file, enum kind kind, cril_error *err)
{
    static const struct cril_known_key bpe[] = {
        WITHOUT_EFFECT,
        {"ggml.scores", "ranks pieces; byte-level BPE merges by the list of merges"},
        {NULL, NULL}};
    static const struct cril_known_key sentence[] = {
        WITHOUT_EFFECT,
        {"ggml.pre", "cuts texts into words; SentencePiece does not cut them"},
        {"ggml.merges", "lists merges; SentencePiece merges by scores"},
        {NULL, NULL}};
    cril_status st;

    if ((st = refuse_true(file, "tokenizer.ggml.add_sep_token", err)) != CRIL_OK ||
        (kind == KIND_BPE &&
         ((st = refuse_true(file, "tokenizer.ggml.add_space_prefix", err)) != CRIL_OK ||
          (st = refuse_true(file, "tokenizer.ggml.remove_extra_whitespaces", err)) != CRIL_OK)))
        return st;
    return cril_known_keys(file, "tokenizer.", kind == KIND_BPE ? bpe : sentence, err);
}

/* What the file leaves open. */
static cril_status warn_of_guesses(const struct cril_values *file, cril_tokenizer *t,
                                   cril_error *err)
{
    const char *const path = file->path;
    cril_status st = CRIL_OK;

    if (t->kind == KIND_BPE && t->u.bpe.traits.doubt)
        st = cril_warn(&t->warnings, err, "%s: %s", path, t->u.bpe.traits.doubt);
    if (st == CRIL_OK && !cril_values_find(file, "tokenizer.ggml.token_type"))
        st = cril_warn(&t->warnings, err,
                       "%s: does not say which tokens are control tokens "
                       "(tokenizer.ggml.token_type); cril takes all for text, which is a guess",
                       path);
    if (st == CRIL_OK && t->adds_bos && !cril_values_find(file, "tokenizer.ggml.bos_token_id"))
        st = cril_warn(&t->warnings, err,
                       "%s: does not say which token begins a text (tokenizer.ggml.bos_token_id); "
                       "cril takes %d, which is a guess",
                       path, (int)t->bos);
    return st;
}

static cril_status load(struct cril_values *file, cril_tokenizer *t, cril_error *err)
{
    cril_status st = read_kind(file, &t->kind, err);

    if (st != CRIL_OK ||
        (st = cril_vocab_load(file, t->kind == KIND_BPE ? PIECE_BYTE_LEVEL : PIECE_SENTENCE,
                              &t->vocab, err)) != CRIL_OK)
        return st;
    switch (t->kind) {
    case KIND_BPE:
        st = cril_bpe_load(file, &t->vocab, &t->u.bpe, err);
        snprintf(t->kind_name, sizeof(t->kind_name), "bpe (%s)",
                 st == CRIL_OK ? t->u.bpe.traits.name : "");
        break;
    case KIND_SPM:
        st = cril_spm_load(file, &t->vocab, &t->u.spm, err);
        snprintf(t->kind_name, sizeof(t->kind_name), "sentencepiece bpe");
        break;
    case KIND_UNIGRAM:
        st = cril_unigram_load(file, &t->vocab, &t->u.unigram, err);
        snprintf(t->kind_name, sizeof(t->kind_name), "unigram");
        break;
    }
    if (st == CRIL_OK && t->kind != KIND_BPE)
        st = cril_sentence_load(file, &t->sentence, err);
    if (st != CRIL_OK || (st = read_specials(file, t, err)) != CRIL_OK ||
        (st = check_keys(file, t->kind, err)) != CRIL_OK)
        return st;
    return warn_of_guesses(file, t, err);
}

cril_status cril_tokenizer_create(struct cril_source *source, cril_tokenizer **out, cril_error *err)
{
    struct cril_values *const file = cril_source_values(source);
    cril_tokenizer *t = calloc(1, sizeof(*t));
    cril_status st;

    if (!t)
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", file->path);
    if ((st = load(file, t, err)) != CRIL_OK) {
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
    switch (t->kind) {
    case KIND_BPE: cril_bpe_clear(&t->u.bpe); break;
    case KIND_SPM: cril_spm_clear(&t->u.spm); break;
    case KIND_UNIGRAM: cril_unigram_clear(&t->u.unigram); break;
    }
    cril_specials_clear(&t->specials);
    cril_sentence_clear(&t->sentence);
    cril_vocab_clear(&t->vocab);
    cril_warnings_clear(&t->warnings);
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
    if (t->kind == KIND_BPE)
        return cril_bpe_encode(&t->u.bpe, &t->vocab, w, text, len, t->unknown, ids, err);
    st = cril_sentence_run(&t->sentence, &t->specials, text, len, first, &w->sentence, err);
    if (st != CRIL_OK || !normal->n)
        return st;
    return t->kind == KIND_SPM ? cril_spm_encode(&t->u.spm, &t->vocab, w, normal->data, normal->n,
                                                 t->unknown, ids, err)
                               : cril_unigram_encode(&t->u.unigram, &t->vocab, normal->data,
                                                     normal->n, t->unknown, ids, err);
}

/* Whether this special token parts the text; SentencePiece sees its own symbols within it. */
static bool parts_text(const cril_tokenizer *t, int32_t id)
{
    return t->kind == KIND_BPE || t->vocab.type[id] != TOKEN_USER_DEFINED;
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
    if (st == CRIL_OK && whole && t->adds_bos)
        st = cril_ids_push(ids, t->bos, err);
    if (st == CRIL_OK)
        st = encode_parts(t, &w, repaired ? repaired : text, len, flags & CRIL_ENCODE_SPECIAL, ids,
                          err);
    if (st == CRIL_OK && whole && t->adds_eos)
        st = cril_ids_push(ids, t->eos, err);
    if (st != CRIL_OK)
        ids->n = n_before;
    cril_work_free(&w);
    free(repaired);
    return st;
}

size_t cril_tokenizer_size(const cril_tokenizer *t)
{
    return t ? t->vocab.n : 0;
}

const char *cril_tokenizer_kind(const cril_tokenizer *t)
{
    return t ? t->kind_name : NULL;
}

int32_t cril_tokenizer_bos(const cril_tokenizer *t)
{
    return t ? t->bos : -1;
}

int32_t cril_tokenizer_eos(const cril_tokenizer *t)
{
    return t ? t->eos : -1;
}

bool cril_tokenizer_adds_bos(const cril_tokenizer *t)
{
    return t && t->adds_bos;
}

bool cril_tokenizer_adds_eos(const cril_tokenizer *t)
{
    return t && t->adds_eos;
}

const char *cril_tokenizer_warning(const cril_tokenizer *t, size_t i)
{
    if (!t)
        return NULL;

    return i < t->warnings.n ? t->warnings.sentence[i] : NULL;
}

const char *cril_tokenizer_piece(const cril_tokenizer *t, int32_t id, size_t *len)
{
    if (!t || !len || id < 0 || (size_t)id >= t->vocab.n)
        return NULL;
    return cril_vocab_piece(&t->vocab, (size_t)id, len);
}

const char *cril_tokenizer_text(const cril_tokenizer *t, int32_t id, size_t *len)
{
    const char *piece = cril_tokenizer_piece(t, id, len);

    return piece && (t->vocab.type[id] == TOKEN_CONTROL || t->vocab.type[id] == TOKEN_UNKNOWN)
               ? NULL
               : piece;
}
