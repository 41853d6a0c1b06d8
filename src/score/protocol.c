/*
 * The protocols: one function and one row each.
 *
 * document     ours
 * hkust        Huang et al. 2024, code/evaluation: PackedDataset of 1901 tokens every 512
 * opencompass  OpenCompass, SWCELossInferencer: the same windows, texts filled into its template
 * rolling      lm-evaluation-harness, get_rolling_token_windows and make_disjoint_window
 * halves       llama.cpp, llama-perplexity without --ppl-stride
 * uncheatable  Uncheatable Eval, eval_hf_model without add_bos
 */
#include "score/protocol.h"

#include <cril/score.h>
#include <cril/tokenizer.h>
#include <string.h>

static uint64_t min_of(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/*
 * The first window scores all it has, each later one its last stride, the last one what is left.
 * first_token is one of a window's inputs. By the rules of version 1 only the first window has it.
 */
static bool document_window(const struct cril_layout *l, uint64_t k, uint64_t n, bool end,
                            struct cril_span *out)
{
    const uint64_t opening = l->first_token < 0; /* the first token that a context precedes */
    const uint64_t first = k ? l->context + opening + (k - 1) * l->stride : opening;

    if (!end || first >= n)
        return false;
    out->first = first;
    out->end = min_of(n, k ? first + l->stride : opening + l->context);
    out->first_token = k && l->rules < 2 ? -1 : l->first_token;
    out->from = k ? out->end - l->context - (out->first_token < 0) : 0;
    return true;
}

/*
 * All of it, unless prompt and continuation fill more than one window. Then the first window scores
 * up to a stride of the continuation, and has as much of the prompt's end as it can hold. So what
 * is lost of the prompt changes nothing, and a target sees as many tokens as in a long document.
 */
static size_t document_kept_prompt(const struct cril_layout *l, size_t n_prompt, size_t n)
{
    const size_t first_end = l->context + (l->first_token < 0); /* of the first window */
    const size_t room = first_end - (size_t)min_of(n, l->stride);

    return n_prompt < room ? n_prompt : room;
}

/* Full windows only; what follows the last one is dropped. */
static bool hkust_window(const struct cril_layout *l, uint64_t k, uint64_t n, bool end,
                         struct cril_span *out)
{
    (void)end;
    out->first_token = -1;
    out->from = k * l->stride;
    out->end = out->from + l->context + 1;
    out->first = k ? out->end - l->stride : 1;
    return out->end <= n;
}

/*
 * The program counts windows as floor((N - 1901) / 512 + 1): none for N in 1389..1900, where it
 * prints 0.0, and a negative number below, where it stops.
 */
static uint64_t hkust_min_tokens(const struct cril_layout *l)
{
    return l->context + 1;
}

/* Disjoint targets; the last window moves left until it has a full context. */
static bool rolling_window(const struct cril_layout *l, uint64_t k, uint64_t n, bool end,
                           struct cril_span *out)
{
    out->first = k * l->context;
    if (!end || out->first >= n)
        return false;
    out->end = min_of(n, out->first + l->context);
    out->first_token = k ? -1 : l->first_token;
    out->from = k ? out->end - 1 - l->context : 0;
    return true;
}

/* Disjoint chunks; first_token replaces the first of each; the second half is scored. */
static bool halves_window(const struct cril_layout *l, uint64_t k, uint64_t n, bool end,
                          struct cril_span *out)
{
    const uint64_t start = k * l->context;

    (void)end;
    out->first_token = l->first_token;
    out->from = start + (l->first_token >= 0);
    out->first = start + l->context / 2 + 1;
    out->end = start + l->context;
    return out->end <= n;
}

static uint64_t halves_min_tokens(const struct cril_layout *l)
{
    return 2 * (uint64_t)l->context;
}

/* Disjoint chunks; the first token of each is context for the others, and is not scored. */
static bool uncheatable_window(const struct cril_layout *l, uint64_t k, uint64_t n, bool end,
                               struct cril_span *out)
{
    out->first_token = -1;
    out->from = k * l->context;
    out->first = out->from + 1;
    out->end = min_of(n, out->from + l->context);
    return end && out->first < out->end;
}

static uint64_t one_token(const struct cril_layout *l)
{
    (void)l;
    return 1;
}

static const struct cril_protocol protocols[] = {
    {.name = "document",
     .summary = "each document alone, every token scored once, windows of 1900 every 512 (default)",
     .context = 1900,
     .stride = 512,
     .per_document = true,
     .uniform_first = true,
     .encode = CRIL_ENCODE_TEXT,
     .first_token = CRIL_FIRST_ADDED_BOS,
     .window = document_window,
     .kept_prompt = document_kept_prompt,
     .min_tokens = one_token},
    {.name = "hkust",
     .summary = "as the paper's program: documents joined, windows of 1900 every 512, tail dropped",
     .context = 1900,
     .stride = 512,
     .encode = CRIL_ENCODE_SPECIAL | CRIL_ENCODE_ADD_SPECIAL,
     .window = hkust_window,
     .min_tokens = hkust_min_tokens},
    {.name = "opencompass",
     .summary = "as OpenCompass: hkust on texts whose {key} its template replaces by the record's",
     .context = 1900,
     .stride = 512,
     .fill_records = true,
     .encode = CRIL_ENCODE_SPECIAL | CRIL_ENCODE_ADD_SPECIAL,
     .window = hkust_window,
     .min_tokens = hkust_min_tokens},
    {.name = "rolling",
     .summary =
         "as lm-evaluation-harness loglikelihood_rolling: disjoint windows of the model's context",
     .per_document = true,
     .encode = CRIL_ENCODE_SPECIAL | CRIL_ENCODE_ADD_SPECIAL,
     .first_token = CRIL_FIRST_ANY,
     .window = rolling_window,
     .min_tokens = one_token},
    {.name = "halves",
     .summary = "as llama-perplexity: chunks of 512, the second half of each scored",
     .context = 512,
     .min_context = 3,
     .special_once = true,
     .scored_text = true,
     .encode = CRIL_ENCODE_TEXT,
     .first_token = CRIL_FIRST_ADDED_BOS,
     .window = halves_window,
     .min_tokens = halves_min_tokens},
    {.name = "uncheatable",
     .summary =
         "as Uncheatable Eval: documents in chunks of 1024, the first token of each not scored",
     .context = 1024,
     .min_context = 2,
     .per_document = true,
     .encode = CRIL_ENCODE_SPECIAL | CRIL_ENCODE_ADD_SPECIAL,
     .window = uncheatable_window,
     .min_tokens = one_token},
};

enum { N_PROTOCOLS = sizeof(protocols) / sizeof(*protocols) };

const struct cril_protocol *cril_protocol_at(size_t i)
{
    return i < N_PROTOCOLS ? &protocols[i] : NULL;
}

const struct cril_protocol *cril_protocol_find(const char *name)
{
    for (size_t i = 0; i < N_PROTOCOLS; i++)
        if (!name || strcmp(protocols[i].name, name) == 0)
            return &protocols[i];
    return NULL;
}

void cril_protocol_lay(const struct cril_protocol *p, size_t context, size_t stride,
                       size_t max_context, struct cril_layout *l)
{
    l->context = context ? context : p->context ? p->context : max_context;
    l->stride = stride ? stride : p->stride ? p->stride : l->context;
    if (!stride && l->stride > l->context)
        l->stride = l->context;
    l->rules = CRIL_RULES;
}

const char *cril_protocol_name(size_t i)
{
    return i < N_PROTOCOLS ? protocols[i].name : NULL;
}

const char *cril_protocol_summary(size_t i)
{
    return i < N_PROTOCOLS ? protocols[i].summary : NULL;
}
