/*
 * Pre-tokenisers, as expressions for PCRE2 (UTF, JIT where the CPU has it).
 *
 * The expressions are facts of the models, taken from their published tokenizers; here written so
 * that PCRE2 runs them in linear time and means the same:
 * - \s is spelled as Unicode's White_Space, since PCRE2's own adds U+180E;
 * - "\s+$" of deepseek-llm, which rescans a run of blanks from each of its blanks, may start a run
 * only. \p{L}, \p{N}, \p{P} are those of PCRE2's Unicode version (14 in 10.42, 15 in 10.43): a
 * letter encoded later is a symbol here. (?i:'s) also matches 's with U+017F, as the models' own
 * expressions do and llama.cpp's do not.
 *
 * A row's source is the tokenizer of the repository named beside it, from which llama.cpp's
 * converter takes the name (convert_hf_to_gguf_update.py). Normalisation is part of it: llama.cpp
 * leaves it out, the reference does not. How it is known:
 * - NFC in Qwen: tokenization_qwen2.py of transformers, as in its tokenizer.json;
 * - NFC in MPT and OLMo: both are GPT-NeoX-20B's tokenizer (tokenization_auto.py), whose normaliser
 *   tokenization_gpt_neox.py has;
 * - NFC in Command-R: tokenization_cohere.py;
 * - NFC in StableLM 2: tokenization_arcade100k.py, which its publisher ships;
 * - none in those that transformers reads as GPT-2's (tokenization_gpt2.py) or Llama 3's, in
 *   DeepSeek's (an empty sequence) and Falcon's (null), by their tokenizer.json.
 * Where its tokenizer could not be read, the row says so, and the model opens with a warning.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "tokenizer/pretokenize.h"

#include "util/fail.h"

#include <pcre2.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MAX_STEPS 6
#define BLANKS "\\p{Z}\\t-\\r\\x{85}" /* White_Space, inside a class */
#define BLANK "[" BLANKS "]"

/* A run of blanks leaves its last to the word that follows; the expressions without the last
   alternative get it as a gap. */
#define RUN BLANK "+(?![^" BLANKS "])"

#define GPT2_WORDS "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^" BLANKS "\\p{L}\\p{N}]+|" RUN
#define CASELESS_WORDS(digits)                                                                     \
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" digits "| ?[^" BLANKS            \
    "\\p{L}\\p{N}]+[\\r\\n]*|" BLANK "*[\\r\\n]+|" RUN "|" BLANK "+"
/* Han to U+9FA5, all from U+0800 to it, Hangul: ranges as DeepSeek gives them. */
#define DEEPSEEK_CJK "[\\x{4e00}-\\x{9fa5}\\x{800}-\\x{4e00}\\x{ac00}-\\x{d7ff}]+"
/* Letters with case, of the scripts that DeepSeek lists one by one. */
#define DEEPSEEK_CASED                                                                             \
    "A-Za-z\\x{b5}\\x{c0}-\\x{d6}\\x{d8}-\\x{f6}\\x{f8}-\\x{1ba}\\x{1bc}-\\x{1bf}\\x{1c4}-\\x{"    \
    "293}"                                                                                         \
    "\\x{295}-\\x{2af}\\x{370}-\\x{373}\\x{376}\\x{377}\\x{37b}-\\x{37d}\\x{37f}\\x{386}"          \
    "\\x{388}-\\x{38a}\\x{38c}\\x{38e}-\\x{3a1}\\x{3a3}-\\x{3f5}\\x{3f7}-\\x{481}\\x{48a}-\\x{"    \
    "52f}"                                                                                         \
    "\\x{531}-\\x{556}\\x{10a0}-\\x{10c5}\\x{13a0}-\\x{13f5}\\x{13f8}-\\x{13fd}\\x{1c90}-\\x{"     \
    "1cba}"                                                                                        \
    "\\x{1cbd}-\\x{1cbf}\\x{1d00}-\\x{1d2b}\\x{1d6b}-\\x{1d77}\\x{1d79}-\\x{1d9a}\\x{1e00}-\\x{"   \
    "1f15}"                                                                                        \
    "\\x{1f18}-\\x{1f1d}\\x{1f20}-\\x{1f45}\\x{1f48}-\\x{1f4d}\\x{1f50}-\\x{1f57}\\x{1f59}\\x{"    \
    "1f5b}"                                                                                        \
    "\\x{1f5d}\\x{1f5f}-\\x{1f7d}\\x{1f80}-\\x{1fb4}\\x{1fb6}-\\x{1fbc}\\x{1fbe}\\x{1fc2}-\\x{"    \
    "1fc4}"                                                                                        \
    "\\x{1fc6}-\\x{1fcc}\\x{1fd0}-\\x{1fd3}\\x{1fd6}-\\x{1fdb}\\x{1fe0}-\\x{1fec}\\x{1ff2}-\\x{"   \
    "1ff4}"                                                                                        \
    "\\x{1ff6}-\\x{1ffc}\\x{2102}\\x{2107}\\x{210a}-\\x{2113}\\x{2115}\\x{2119}-\\x{211d}\\x{"     \
    "2124}"                                                                                        \
    "\\x{2126}\\x{2128}\\x{212a}-\\x{212d}\\x{212f}-\\x{2134}\\x{2139}\\x{213c}-\\x{213f}\\x{"     \
    "2145}-\\x{2149}"                                                                              \
    "\\x{214e}\\x{2183}\\x{2184}\\x{2c00}-\\x{2c7b}\\x{2c7e}-\\x{2ce4}\\x{2ceb}-\\x{2cee}\\x{"     \
    "2cf2}"                                                                                        \
    "\\x{2cf3}\\x{a640}-\\x{a66d}\\x{a680}-\\x{a69b}\\x{a722}-\\x{a76f}\\x{a771}-\\x{a787}"        \
    "\\x{a78b}-\\x{a78e}\\x{ab70}-\\x{abbf}\\x{fb00}-\\x{fb06}\\x{fb13}-\\x{fb17}\\x{ff21}-\\x{"   \
    "ff3a}"                                                                                        \
    "\\x{ff41}-\\x{ff5a}\\x{10400}-\\x{1044f}\\x{104b0}-\\x{104d3}\\x{104d8}-\\x{104fb}"           \
    "\\x{10c80}-\\x{10cb2}\\x{10cc0}-\\x{10cf2}\\x{118a0}-\\x{118df}\\x{1e900}-\\x{1e943}"

/* Why a row, or a file, leaves the reference open. */
#define UNSEEN                                                                                     \
    "has a pre-tokenizer whose own normalisation cril does not know; it takes texts as they are, " \
    "a "                                                                                           \
    "guess: token ids may differ from the model's own where a text is not in composed form"
#define AS_QWEN2                                                                                   \
    "has a pre-tokenizer whose own normalisation cril does not know; it composes texts as Qwen2 "  \
    "does, a guess: token ids may differ from the model's own where a text is not in composed "    \
    "form"
#define NOT_RECOGNISED                                                                             \
    "has the pre-tokenizer \"default\", which converters write where they do not recognise the "   \
    "model's own; token ids and all figures may differ from the model's own"
#define NOT_NAMED                                                                                  \
    "does not name its pre-tokenizer (tokenizer.ggml.pre); cril takes GPT-2's, which is a guess: " \
    "token ids and all figures may differ from the model's own"

enum {
    NFC = 1,
    WHOLE_WORDS = 2,
    ADDS_BOS = 4,
    LLAMA3 = WHOLE_WORDS | ADDS_BOS
}; /* as in struct splitter_traits */

struct kind {
    const char *name;
    unsigned traits;
    const char *doubt;
    const char *steps[MAX_STEPS + 1]; /* ends with NULL */
};

static const struct kind kinds[] = {
    {"gpt-2", 0, NULL, {GPT2_WORDS}},                 /* openai-community/gpt2 */
    {"phi-2", 0, NULL, {GPT2_WORDS}},                 /* microsoft/phi-2 */
    {"jais", 0, UNSEEN, {GPT2_WORDS}},                /* core42/jais-13b */
    {"mpt", NFC, NULL, {GPT2_WORDS}},                 /* mosaicml/mpt-7b */
    {"olmo", NFC, NULL, {GPT2_WORDS}},                /* allenai/OLMo-1.7-7B-hf */
    {"smollm", 0, NULL, {"\\p{N}", GPT2_WORDS}},      /* HuggingFaceTB/SmolLM-135M */
    {"starcoder", 0, NULL, {"\\p{N}", GPT2_WORDS}},   /* bigcode/starcoder2-3b */
    {"refact", 0, NULL, {"\\p{N}", GPT2_WORDS}},      /* smallcloudai/Refact-1_6-base */
    {"command-r", NFC, NULL, {"\\p{N}", GPT2_WORDS}}, /* CohereForAI/c4ai-command-r-v01 */
    {"codeshell", 0, UNSEEN, {"\\p{N}", GPT2_WORDS}}, /* WisdomShell/CodeShell-7B */
    {"exaone", 0, UNSEEN, {"\\p{N}", GPT2_WORDS}},    /* LGAI-EXAONE/EXAONE-3.0-7.8B */
    {"qwen2", NFC, NULL, {CASELESS_WORDS("\\p{N}")}}, /* Qwen/Qwen1.5-7B */
    {"deepseek-r1-qwen", NFC, AS_QWEN2, {CASELESS_WORDS("\\p{N}")}}, /* DeepSeek-R1-Distill-Qwen */
    {"stablelm2", NFC, NULL, {CASELESS_WORDS("\\p{N}")}}, /* stabilityai/stablelm-2-zephyr-1_6b */
    {"llama-bpe", LLAMA3, NULL, {CASELESS_WORDS("\\p{N}{1,3}")}}, /* meta-llama/Meta-Llama-3-8B */
    {"llama3", LLAMA3, NULL, {CASELESS_WORDS("\\p{N}{1,3}")}},
    {"llama-v3", LLAMA3, NULL, {CASELESS_WORDS("\\p{N}{1,3}")}},
    {"falcon3", LLAMA3, UNSEEN, {CASELESS_WORDS("\\p{N}{1,3}")}}, /* tiiuae/Falcon3-7B-Base */
    {"dbrx", 0, NULL, {CASELESS_WORDS("\\p{N}{1,3}")}},           /* databricks/dbrx-base */
    {"smaug-bpe", 0, NULL, {CASELESS_WORDS("\\p{N}{1,3}")}},      /* abacusai/Smaug-Llama-3-70B */
    {"falcon",
     0,
     NULL,
     {"[\\p{P}$+<=>^~|`]+", GPT2_WORDS, "[0-9][0-9][0-9]"}}, /* tiiuae/falcon-7b */
    {"default", 0, NOT_RECOGNISED, {"[\\p{P}$+<=>^~|]+", GPT2_WORDS, "\\p{N}+", "[0-9][0-9][0-9]"}},
    {"deepseek-llm", /* deepseek-ai/deepseek-llm-7b-base */
     0,
     NULL,
     {"[\\r\\n]", BLANK "?[" DEEPSEEK_CASED "]+",
      BLANK
      "?[!-/:-~\\x{ff01}-\\x{ff0f}\\x{ff1a}-\\x{ff5e}\\x{2018}-\\x{201f}\\x{3000}-\\x{3002}]+",
      "(?<!" BLANK ")" BLANK "++\\z", DEEPSEEK_CJK, "\\p{N}+"}},
    {"deepseek-coder", /* deepseek-ai/deepseek-coder-6.7b-base */
     0,
     NULL,
     {"[\\r\\n]", BLANK "?\\p{L}+", BLANK "?\\p{P}+", DEEPSEEK_CJK, "\\p{N}"}},
};

struct cril_splitter {
    size_t n;
    pcre2_code *step[MAX_STEPS];
    pcre2_match_context *limits;
};

static const struct kind *find_kind(const char *name, size_t len)
{
    /* Files from before the key was introduced are GPT-2's kin (GPT-NeoX among them). */
    if (!name)
        return &kinds[0];
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strlen(kinds[i].name) == len && !memcmp(kinds[i].name, name, len))
            return &kinds[i];
    return NULL;
}

cril_status cril_splitter_create(const char *path, const char *name, size_t len,
                                 struct cril_splitter **out, struct splitter_traits *traits,
                                 cril_error *err)
{
    const struct kind *kind = find_kind(name, len);
    struct cril_splitter *s;

    if (!kind)
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s: cril does not know the pre-tokenizer \"%.*s\" (tokenizer.ggml.pre); "
                         "it knows gpt-2, "
                         "llama-bpe, qwen2, smollm, starcoder, falcon, deepseek-llm and their kin",
                         path, (int)(len < 80 ? len : 80), name);
    s = calloc(1, sizeof(*s));
    if (!s || !(s->limits = pcre2_match_context_create(NULL))) {
        free(s);
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", path);
    }
    pcre2_set_match_limit(
        s->limits, UINT32_MAX); /* the expressions are linear: long texts need long matches */
    for (; kind->steps[s->n]; s->n++) {
        int code;
        PCRE2_SIZE at;

        s->step[s->n] = pcre2_compile((PCRE2_SPTR)kind->steps[s->n], PCRE2_ZERO_TERMINATED,
                                      PCRE2_UTF | PCRE2_UCP, &code, &at, NULL);
        if (!s->step[s->n]) {
            cril_splitter_free(s);
            if (code == PCRE2_ERROR_HEAP_FAILED)
                return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", path);
            return cril_fail(
                err, CRIL_ERR_UNSUPPORTED,
                "%s: PCRE2 refuses the expression of pre-tokenizer %s (error %d at %zu)", path,
                kind->name, code, (size_t)at);
        }
        pcre2_jit_compile(s->step[s->n], PCRE2_JIT_COMPLETE); /* without it the interpreter runs */
    }
    *traits = (struct splitter_traits){.name = kind->name,
                                       .nfc = kind->traits & NFC,
                                       .whole_words = kind->traits & WHOLE_WORDS,
                                       .adds_bos = kind->traits & ADDS_BOS,
                                       .doubt = name ? kind->doubt : NOT_NAMED};
    *out = s;
    return CRIL_OK;
}

void cril_splitter_free(struct cril_splitter *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n; i++)
        pcre2_code_free(s->step[i]);
    pcre2_match_context_free(s->limits);
    free(s);
}

void cril_words_free(struct cril_words *w)
{
    free(w->end);
    *w = (struct cril_words){0};
}

static cril_status add_word(struct cril_words *w, size_t end, cril_error *err)
{
    if (w->n == w->capacity) {
        const size_t capacity = w->capacity ? 2 * w->capacity : 256;
        size_t *grown = capacity > SIZE_MAX / 2 / sizeof(*grown)
                            ? NULL
                            : realloc(w->end, capacity * sizeof(*grown));

        if (!grown)
            return cril_fail(err, CRIL_ERR_NOMEM, "out of memory for %zu words", w->n);
        w->end = grown;
        w->capacity = capacity;
    }
    w->end[w->n++] = end;
    return CRIL_OK;
}

/* Cuts text[start .. end) by one expression and appends the words' ends. */
static cril_status cut(const struct cril_splitter *s, const pcre2_code *code,
                       pcre2_match_data *match, const char *text, size_t start, size_t end,
                       struct cril_words *out, cril_error *err)
{
    const PCRE2_SIZE *where = pcre2_get_ovector_pointer(match);
    const PCRE2_SPTR subject = (PCRE2_SPTR)text + start;
    const size_t len = end - start;
    size_t done = 0;
    cril_status st;

    while (done < len) {
        int rc = pcre2_match(code, subject, len, done, PCRE2_NO_UTF_CHECK, match, s->limits);

        if (rc == PCRE2_ERROR_JIT_STACKLIMIT)
            rc = pcre2_match(code, subject, len, done, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, match,
                             s->limits);
        if (rc == PCRE2_ERROR_NOMATCH)
            break;
        if (rc == PCRE2_ERROR_NOMEMORY || rc == PCRE2_ERROR_HEAPLIMIT)
            return cril_fail(err, CRIL_ERR_NOMEM, "out of memory for the words of %zu bytes", len);
        if (rc < 0)
            return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                             "PCRE2 cannot cut a text of %zu bytes into words (error %d)", len, rc);
        if (where[0] > done && (st = add_word(out, start + where[0], err)) != CRIL_OK)
            return st;
        if ((st = add_word(out, start + where[1], err)) != CRIL_OK)
            return st;
        done = where[1]; /* no expression matches the empty string */
    }
    return done < len ? add_word(out, end, err) : CRIL_OK;
}

cril_status cril_splitter_run(const struct cril_splitter *s, const char *text, size_t len,
                              struct cril_words *words, struct cril_words *spare, cril_error *err)
{
    pcre2_match_data *match;
    cril_status st = CRIL_OK;

    words->n = 0;
    if (!len)
        return CRIL_OK;
    if (!(match = pcre2_match_data_create(1, NULL)))
        return cril_fail(err, CRIL_ERR_NOMEM, "out of memory");
    st = add_word(words, len, err);
    for (size_t k = 0; k < s->n && st == CRIL_OK; k++) {
        const struct cril_words before = *words;
        size_t start = 0;

        *words = *spare;
        *spare = before;
        words->n = 0;
        for (size_t i = 0; i < before.n && st == CRIL_OK; start = before.end[i++])
            st = cut(s, s->step[k], match, text, start, before.end[i], words, err);
    }
    pcre2_match_data_free(match);
    return st;
}
