/*
 * A tokenizer from GGUF's keys. Defaults for absent keys are llama.cpp's. WordPiece ("bert"), RWKV
 * and others are refused by name.
 *
 * The words of byte-level BPE are cut by expressions that the key tokenizer.ggml.pre names.
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
#include "tokenizer/alphabet.h"
#include "tokenizer/pretokenize.h"
#include "tokenizer/spec.h"
#include "tokenizer/words.h"

#include "formats/known.h"
#include "util/fail.h"
#include "util/size.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- Pre-tokenizers ---- */

enum { MAX_STEPS = 6 };

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

/* All but blanks and these signs. */
#define BLOOM_WORDS " ?[^(\\s|.,!?\\x{2026}\\x{3002}\\x{ff0c}\\x{3001}\\x{964}\\x{6d4}\\x{60c})]+"

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

enum { NFC = 1, WHOLE_WORDS = 2, ADDS_BOS = 4, LLAMA3 = WHOLE_WORDS | ADDS_BOS };

struct pre_tokenizer {
    const char *name;
    unsigned traits;
    const char *doubt;
    const char *steps[MAX_STEPS + 1]; /* ends with NULL */
};

static const struct pre_tokenizer pre_tokenizers[] = {
    {"gpt-2", 0, NULL, {GPT2_WORDS}},                 /* openai-community/gpt2 */
    {"phi-2", 0, NULL, {GPT2_WORDS}},                 /* microsoft/phi-2 */
    {"jais", 0, UNSEEN, {GPT2_WORDS}},                /* core42/jais-13b */
    {"olmo", NFC, NULL, {GPT2_WORDS}},                /* allenai/OLMo-1.7-7B-hf */
    {"mpt", NFC, NULL, {GPT2_WORDS}},                 /* mosaicml/mpt-7b, with OLMo's tokens */
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
    {"bloom", 0, NULL, {BLOOM_WORDS}},          /* bigscience/bloom */
    {"gpt3-finnish", 0, UNSEEN, {BLOOM_WORDS}}, /* TurkuNLP/gpt3-finnish-small */
    {"deepseek-llm",                            /* deepseek-ai/deepseek-llm-7b-base */
     0,
     NULL,
     {"[\\r\\n]", BLANK "?[" DEEPSEEK_CASED "]+",
      BLANK
      "?[!-/:-~\\x{ff01}-\\x{ff0f}\\x{ff1a}-\\x{ff5e}\\x{2018}-\\x{201f}\\x{3000}-\\x{3002}]+",
      "(?<!" BLANK ")" BLANK "++\\z", DEEPSEEK_CJK, "\\p{N}"}},
    {"deepseek-coder", /* deepseek-ai/deepseek-coder-6.7b-base */
     0,
     NULL,
     {"[\\r\\n]", BLANK "?\\p{L}+", BLANK "?\\p{P}+", DEEPSEEK_CJK, "\\p{N}"}},
};

static const struct pre_tokenizer *find_pre_tokenizer(struct cril_bytes name)
{
    /* Files from before the key was introduced are GPT-2's kin (GPT-NeoX among them). */
    if (!name.data)
        return &pre_tokenizers[0];
    for (size_t i = 0; i < sizeof(pre_tokenizers) / sizeof(pre_tokenizers[0]); i++)
        if (cril_bytes_are(name, pre_tokenizers[i].name))
            return &pre_tokenizers[i];
    return NULL;
}

static cril_status set_splitter(struct cril_spec *s, const struct pre_tokenizer *pre,
                                cril_error *err)
{
    size_t n = 0;

    while (pre->steps[n])
        n++;
    s->ignores_merges = pre->traits & WHOLE_WORDS;
    s->splits = cril_arena_take(&s->arena, n, sizeof(*s->splits));
    s->normals = cril_arena_take(&s->arena, 1, sizeof(*s->normals));
    if (!s->splits || !s->normals)
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", s->path);
    for (; s->n_splits < n; s->n_splits++) {
        const char *const text = pre->steps[s->n_splits];

        s->splits[s->n_splits].pattern.text = (struct cril_bytes){text, strlen(text)};
    }
    s->normals->kind = NORMAL_NFC;
    s->n_normals = pre->traits & NFC ? 1 : 0;
    return CRIL_OK;
}

static cril_status read_splitter(const struct cril_values *file, struct cril_spec *s,
                                 bool *adds_bos, cril_error *err)
{
    const struct pre_tokenizer *pre;
    struct cril_bytes name = {0};
    cril_status st;

    if (cril_values_find(file, "tokenizer.ggml.pre") &&
        (st = cril_values_string(file, "tokenizer.ggml.pre", &name, err)) != CRIL_OK)
        return st;
    if (!(pre = find_pre_tokenizer(name)))
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s: cril does not know the pre-tokenizer \"%.*s\" (tokenizer.ggml.pre); "
                         "it knows gpt-2, "
                         "llama-bpe, qwen2, smollm, starcoder, falcon, deepseek-llm and their kin",
                         s->path, CRIL_SHOWN(name));
    snprintf(s->kind, sizeof(s->kind), "bpe (%s)", pre->name);
    *adds_bos = pre->traits & ADDS_BOS;
    if ((st = set_splitter(s, pre, err)) != CRIL_OK || (name.data && !pre->doubt))
        return st;
    return cril_warn(&s->warnings, err, "%s: %s", s->path, name.data ? pre->doubt : NOT_NAMED);
}

/* What tells the splitters of the rows, and others near them, apart: runs of blanks and line ends,
 * contractions, digits of several scripts, marks, scripts with and without spaces, symbols. */
static const char telling[] =
    "\n \n\n \n\n\n \t \t\t \t\n  \n   \n\r\n \r\nI've been 'told he's there, 'RE you sure? We'Ve "
    "a'lL "
    "'\xc5\xbf it\xe2\x80\x99s camelCase HTTPServer snake_case x2y 3 33 333 3333 33333 333333 3.3 "
    "3..3 1,000 "
    "\xd9\xa1\xd9\xa2\xd9\xa3\xd9\xa4 \xc2\xbd\xc2\xb2\xe2\x85\xa7 e\xcc\x81t\xc3\xa9 "
    "\xe0\xa4\xa8\xe0\xa4\xae\xe0\xa4\xb8\xe0\xa5\x8d\xe0\xa4\xa4\xe0\xa5\x87 "
    "\xe6\x88\x91\xe6\x83\xb3\xe5\x9c\xa8 apple\xe5\xb7\xa5\xe4\xbd\x9c\xe3\x80\x82\xe3\x80\x8c\xe3"
    "\x81\x82\xe3\x82\xab"
    "\xe3\x80\x8d\xed\x95\x9c\xea\xb5\xad\xef\xbc\x81 \xd0\xbd\xd0\xb5\xd1\x89\xd0\xbe "
    "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d "
    "\xc2\xa0nbsp\xe3\x80\x80wide ------==== ''''''```\"\"\"...!!!??? $5 a+b=c <|x|> #[y] "
    "{z};\n//w\n  } "
    "~^ "
    "\xf0\x9f\x9a\x80 \xf0\x9f\x98\xb6\xe2\x80\x8d\xf0\x9f\x8c\xab\xef\xb8\x8f \xe2\x82\xac"
    "7   end  ";

static cril_status split_telling(const struct cril_spec *s, struct split_work *w, cril_error *err)
{
    struct cril_splitter *splitter = NULL;
    const char *text = telling;
    cril_status st = cril_splitter_create(s, &splitter, err);

    if (st == CRIL_OK)
        st = cril_splitter_run(splitter, &text, sizeof(telling) - 1, true, w, err);
    cril_splitter_free(splitter);
    return st;
}

static bool same_words(const struct cril_words *a, const struct cril_words *b)
{
    return a->n == b->n && !memcmp(a->at, b->at, a->n * sizeof(*a->at));
}

/* Whether pre cuts the telling text into these words. */
static cril_status cuts_so(const struct pre_tokenizer *pre, const struct cril_words *words,
                           bool *same, cril_error *err)
{
    struct split_work w = {0};
    struct cril_spec row;
    cril_status st;

    cril_spec_init(&row, pre->name);
    if ((st = set_splitter(&row, pre, err)) == CRIL_OK)
        st = split_telling(&row, &w, err);
    *same = st == CRIL_OK && same_words(words, &w.words);
    cril_split_work_free(&w);
    cril_spec_clear(&row);
    return st;
}

/* composing: whether NFC must be the row's too. A converter tells rows apart by one text, which NFC
 * leaves as it is; so it finds the words' name for a file that lacks the normaliser. */
static bool has_traits(const struct cril_spec *s, const struct pre_tokenizer *pre, bool composing)
{
    const bool nfc = s->n_normals == 1 && s->normals[0].kind == NORMAL_NFC;

    return !pre->doubt && s->ignores_merges == !!(pre->traits & WHOLE_WORDS) &&
           (nfc || !s->n_normals) && (!composing || nfc == !!(pre->traits & NFC));
}

static cril_status find_row(const struct cril_spec *s, const struct cril_words *words,
                            bool composing, const char **name, cril_error *err)
{
    bool same = false;
    cril_status st = CRIL_OK;

    for (size_t i = 0; st == CRIL_OK && i < sizeof(pre_tokenizers) / sizeof(pre_tokenizers[0]);
         i++) {
        if (!has_traits(s, &pre_tokenizers[i], composing))
            continue;
        st = cuts_so(&pre_tokenizers[i], words, &same, err);
        *name = pre_tokenizers[i].name;
        if (same)
            return st;
    }
    *name = NULL;
    return st;
}

cril_status cril_spec_splitter_name(const struct cril_spec *s, const char **name, cril_error *err)
{
    struct split_work w = {0};
    cril_status st = split_telling(s, &w, err);

    *name = NULL;
    if (st == CRIL_OK && (st = find_row(s, &w.words, true, name, err)) == CRIL_OK && !*name)
        st = find_row(s, &w.words, false, name, err);
    cril_split_work_free(&w);
    return st;
}

/* ---- Tokens ---- */

static cril_status read_types(const struct cril_values *file, struct cril_spec *s, cril_error *err)
{
    const struct cril_value *kv = cril_values_find(file, "tokenizer.ggml.token_type");

    memset(s->types, TOKEN_NORMAL, s->n);
    if (!kv)
        return CRIL_OK;
    if (!kv->is_array || kv->type == CRIL_VALUE_STRING || kv->type == CRIL_VALUE_F32 ||
        kv->type == CRIL_VALUE_F64)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: tokenizer.ggml.token_type is not an array of integers", file->path);
    if (kv->n != s->n)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: tokenizer.ggml.token_type has %llu elements for %zu tokens",
                         file->path, (unsigned long long)kv->n, s->n);
    for (size_t i = 0; i < s->n; i++) {
        const uint64_t type = cril_value_uint(kv, i);

        if (type > TOKEN_BYTE)
            return cril_fail(err, CRIL_ERR_FORMAT, "%s: token %zu has the unknown type %lld",
                             file->path, i, (long long)type);
        s->types[i] = type ? (uint8_t)type : TOKEN_NORMAL; /* 0 is "undefined" */
    }
    return CRIL_OK;
}

/* Fills piece and key of byte-level token i. out: room for text twice. */
static char *put_byte_level(struct cril_spec *s, size_t i, struct cril_bytes text, char *out)
{
    const uint8_t type = s->types[i];
    size_t n = text.len;
    bool decoded;

    if (type == TOKEN_CONTROL || type == TOKEN_UNKNOWN) {
        memcpy(out, text.data, n);
        s->pieces[i] = (struct cril_bytes){out, n};
        return out + n;
    }
    decoded = cril_byte_level_decode(text.data, text.len, out, &n);
    if (type == TOKEN_USER_DEFINED) { /* plain text; merges know it by the alphabet */
        if (decoded)
            s->keys[i] = (struct cril_bytes){out, n};
        out = decoded ? out + n : out;
    }
    if (type == TOKEN_USER_DEFINED || !decoded)
        memcpy(out, text.data, n = text.len);
    s->pieces[i] = (struct cril_bytes){out, n};
    if (type != TOKEN_USER_DEFINED)
        s->keys[i] = s->pieces[i];
    return out + n;
}

static cril_status put_tokens(const struct cril_value *tokens, struct cril_spec *s, cril_error *err)
{
    size_t total = 0;
    char *out;

    for (size_t i = 0; i < s->n; i++) {
        const size_t len = tokens->strings[i].len;

        if (!cril_size_add(total, len, &total) || !cril_size_add(total, len, &total))
            return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory for %zu tokens", s->path,
                             s->n);
    }
    if (!(out = cril_arena_take(&s->arena, total, 1)))
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory for %zu tokens", s->path, s->n);
    for (size_t i = 0; i < s->n; i++) {
        const struct cril_bytes text = tokens->strings[i];

        if (!text.len && s->types[i] != TOKEN_BYTE)
            continue;
        if (s->model == MODEL_RANKS) {
            out = put_byte_level(s, i, text, out);
        } else if (s->types[i] == TOKEN_BYTE && cril_byte_of_name(text.data, text.len) < 0) {
            return cril_fail(err, CRIL_ERR_FORMAT, "%s: byte token %zu is not named like <0x0A>",
                             s->path, i);
        } else {
            out = cril_spec_put_sentence(s, i, text, out);
        }
    }
    return cril_spec_add_by_type(s, tokens->strings, err);
}

static cril_status read_tokens(const struct cril_values *file, struct cril_spec *s, cril_error *err)
{
    const struct cril_value *tokens = cril_values_find(file, "tokenizer.ggml.tokens");
    cril_status st;

    if (!tokens || !tokens->is_array || tokens->type != CRIL_VALUE_STRING)
        return cril_fail(err, CRIL_ERR_FORMAT, "%s: tokenizer.ggml.tokens is %s", file->path,
                         tokens ? "not an array of strings" : "missing");
    if (tokens->n < 1 || tokens->n > INT32_MAX)
        return cril_fail(err, CRIL_ERR_FORMAT, "%s: tokenizer.ggml.tokens has %llu elements",
                         file->path, (unsigned long long)tokens->n);
    if ((st = cril_spec_extend(s, (size_t)tokens->n, err)) != CRIL_OK ||
        (st = read_types(file, s, err)) != CRIL_OK)
        return st;
    return put_tokens(tokens, s, err);
}

static cril_status read_scores(const struct cril_values *file, struct cril_spec *s, cril_error *err)
{
    const struct cril_value *kv = cril_values_find(file, "tokenizer.ggml.scores");

    if (!kv || !kv->is_array || kv->type != CRIL_VALUE_F32)
        return cril_fail(err, CRIL_ERR_FORMAT, "%s: tokenizer.ggml.scores is %s", file->path,
                         kv ? "not an array of 32-bit floats" : "missing");
    if (kv->n != s->n)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: tokenizer.ggml.scores has %llu elements for %zu tokens", file->path,
                         (unsigned long long)kv->n, s->n);
    for (size_t i = 0; i < s->n; i++) {
        s->scores[i] = cril_value_float(kv, i);
        if (!isfinite(s->scores[i]))
            return cril_fail(err, CRIL_ERR_FORMAT, "%s: the score of token %zu is not finite",
                             file->path, i);
    }
    return CRIL_OK;
}

static cril_status put_merges(const struct cril_value *kv, struct cril_spec *s, char *out,
                              cril_error *err)
{
    for (size_t i = 0; i < kv->n; i++) {
        const struct cril_bytes m = kv->strings[i];
        const char *space = m.len > 2 ? memchr(m.data + 1, ' ', m.len - 2) : NULL;
        size_t left, right;

        if (!space)
            return cril_fail(err, CRIL_ERR_FORMAT,
                             "%s: merge %zu is not two pieces with a space between", s->path, i);
        /* A character outside the byte alphabet stands in no text, so such a merge is never used.
         */
        if (!cril_byte_level_decode(m.data, (size_t)(space - m.data), out, &left) ||
            !cril_byte_level_decode(space + 1, m.len - 1 - (size_t)(space - m.data), out + left,
                                    &right))
            continue;
        s->merges[s->n_merges++] =
            (struct spec_merge){out, (uint32_t)left, (uint32_t)(left + right), (uint32_t)i};
        out += left + right;
    }
    return CRIL_OK;
}

static cril_status read_merges(const struct cril_values *file, struct cril_spec *s, cril_error *err)
{
    const struct cril_value *kv = cril_values_find(file, "tokenizer.ggml.merges");
    size_t total = 0;
    char *out;

    if (!kv || !kv->is_array || kv->type != CRIL_VALUE_STRING)
        return cril_fail(err, CRIL_ERR_FORMAT, "%s: tokenizer.ggml.merges is %s", s->path,
                         kv ? "not an array of strings" : "missing");
    for (size_t i = 0; i < kv->n; i++) {
        if (kv->strings[i].len > UINT32_MAX || !cril_size_add(total, kv->strings[i].len, &total))
            return cril_fail(err, CRIL_ERR_FORMAT, "%s: merge %zu is too long", s->path, i);
    }
    s->merges = cril_arena_take(&s->arena, (size_t)kv->n, sizeof(*s->merges));
    out = cril_arena_take(&s->arena, total, 1);
    if (!s->merges || !out)
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory for %llu merges", s->path,
                         (unsigned long long)kv->n);
    return put_merges(kv, s, out, err);
}

/* ---- SentencePiece's normaliser ---- */

static cril_status read_charsmap(const struct cril_values *file, struct cril_spec *s,
                                 cril_error *err)
{
    static const char key[] = "tokenizer.ggml.precompiled_charsmap";
    const struct cril_value *kv = cril_values_find(file, key);
    const char *copy;

    if (!kv || (kv->is_array && !kv->n))
        return CRIL_OK;
    if (!kv->is_array || (kv->type != CRIL_VALUE_U8 && kv->type != CRIL_VALUE_I8))
        return cril_fail(err, CRIL_ERR_FORMAT, "%s: %s is not an array of bytes", file->path, key);
    if (!(copy = cril_arena_text(&s->arena, (const char *)kv->data, (size_t)kv->n)))
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory for %s", file->path, key);
    s->sentence.charsmap = (struct cril_bytes){copy, (size_t)kv->n};
    return CRIL_OK;
}

static cril_status read_sentence(const struct cril_values *file, struct cril_spec *s,
                                 cril_error *err)
{
    cril_status st;

    s->sentence = (struct spec_sentence){.used = true, .prefix = true};
    if ((st = cril_values_opt_bool(file, "tokenizer.ggml.add_space_prefix", &s->sentence.prefix,
                                   err)) != CRIL_OK ||
        (st = cril_values_opt_bool(file, "tokenizer.ggml.remove_extra_whitespaces",
                                   &s->sentence.squeeze, err)) != CRIL_OK)
        return st;
    s->starts_blank = s->sentence.prefix;
    return read_charsmap(file, s, err);
}

/* ---- Special ids ---- */

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

/* The tokens that end an answer and a message. An id that is none is no fault: no other id, and no
 * figure, depends on it. */
static cril_status read_ends(const struct cril_values *file, struct cril_spec *s, cril_error *err)
{
    static const char *const keys[] = {"tokenizer.ggml.eot_token_id",
                                       "tokenizer.ggml.eom_token_id"};
    const size_t n = sizeof(keys) / sizeof(keys[0]);
    uint64_t id;

    if (!(s->ends = cril_arena_take(&s->arena, n, sizeof(*s->ends))))
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", file->path);
    for (size_t i = 0; i < n; i++)
        if (cril_values_find(file, keys[i]) &&
            cril_values_uint(file, keys[i], &id, NULL) == CRIL_OK && id < s->n)
            s->ends[s->n_ends++] = (int32_t)id;
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

static cril_status read_ids(const struct cril_values *file, struct cril_spec *s, bool adds_bos,
                            cril_error *err)
{
    static const int32_t ids[][3] = {/* bos, eos, unknown */
                                     [MODEL_RANKS] = {-1, -1, -1},
                                     [MODEL_SCORES] = {1, 2, 0},
                                     [MODEL_UNIGRAM] = {-1, 1, 2}};
    const int32_t *usual = ids[s->model];
    const size_t n = s->n;
    cril_status st;

    if ((st = read_id(file, "tokenizer.ggml.bos_token_id", n, usual[0], &s->bos, err)) != CRIL_OK ||
        (st = read_id(file, "tokenizer.ggml.eos_token_id", n, usual[1], &s->eos, err)) != CRIL_OK ||
        (st = read_id(file, "tokenizer.ggml.unknown_token_id", n, usual[2], &s->unknown, err)) !=
            CRIL_OK ||
        (st = read_adds(file, "tokenizer.ggml.add_bos_token", adds_bos, s->bos, &s->adds_bos,
                        err)) != CRIL_OK)
        return st;
    return read_adds(file, "tokenizer.ggml.add_eos_token", s->model == MODEL_UNIGRAM, s->eos,
                     &s->adds_eos, err);
}

/* ---- The whole ---- */

static cril_status read_model(const struct cril_values *file, enum spec_model *model,
                              cril_error *err)
{
    static const char *const models[] = {
        [MODEL_RANKS] = "gpt2", [MODEL_SCORES] = "llama", [MODEL_UNIGRAM] = "t5"};
    struct cril_bytes name;
    cril_status st = cril_values_string(file, "tokenizer.ggml.model", &name, err);

    if (st != CRIL_OK)
        return st;
    for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++)
        if (cril_bytes_are(name, models[i])) {
            *model = (enum spec_model)i;
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
static cril_status check_keys(struct cril_values *file, enum spec_model model, cril_error *err)
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
        (model == MODEL_RANKS &&
         ((st = refuse_true(file, "tokenizer.ggml.add_space_prefix", err)) != CRIL_OK ||
          (st = refuse_true(file, "tokenizer.ggml.remove_extra_whitespaces", err)) != CRIL_OK)))
        return st;
    return cril_known_keys(file, "tokenizer.", model == MODEL_RANKS ? bpe : sentence, err);
}

/* What the file leaves open. */
static cril_status warn_of_guesses(const struct cril_values *file, struct cril_spec *s,
                                   cril_error *err)
{
    cril_status st = CRIL_OK;

    if (!cril_values_find(file, "tokenizer.ggml.token_type"))
        st = cril_warn(&s->warnings, err,
                       "%s: does not say which tokens are control tokens "
                       "(tokenizer.ggml.token_type); cril takes all for text, which is a guess",
                       s->path);
    if (st == CRIL_OK && s->adds_bos && !cril_values_find(file, "tokenizer.ggml.bos_token_id"))
        st = cril_warn(&s->warnings, err,
                       "%s: does not say which token begins a text (tokenizer.ggml.bos_token_id); "
                       "cril takes %d, which is a guess",
                       s->path, (int)s->bos);
    return st;
}

cril_status cril_spec_read_gguf(struct cril_values *file, struct cril_spec *s, cril_error *err)
{
    bool adds_bos = false;
    cril_status st;

    if ((st = read_model(file, &s->model, err)) != CRIL_OK)
        return st;
    s->byte_level = s->model == MODEL_RANKS;
    s->spaces = s->sentence.used = !s->byte_level;
    if ((st = read_tokens(file, s, err)) != CRIL_OK)
        return st;
    s->fuses_unknown = true;
    if (s->model == MODEL_RANKS) {
        if ((st = read_merges(file, s, err)) != CRIL_OK ||
            (st = read_splitter(file, s, &adds_bos, err)) != CRIL_OK)
            return st;
    } else {
        adds_bos = s->model == MODEL_SCORES;
        snprintf(s->kind, sizeof(s->kind), "%s",
                 s->model == MODEL_SCORES ? "sentencepiece bpe" : "unigram");
        if ((st = read_scores(file, s, err)) != CRIL_OK ||
            (st = read_sentence(file, s, err)) != CRIL_OK)
            return st;
    }
    if ((st = read_ids(file, s, adds_bos, err)) != CRIL_OK ||
        (st = read_ends(file, s, err)) != CRIL_OK ||
        (st = check_keys(file, s->model, err)) != CRIL_OK)
        return st;
    return warn_of_guesses(file, s, err);
}
