#include "score/pair.h"

#include "tokenizer/normalise.h"
#include "util/fail.h"
#include "util/size.h"
#include "util/utf8.h"

#include <cril/corpus.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

size_t cril_without_blanks(const char *text, size_t len)
{
    uint32_t code;

    for (size_t at; len; len = at) {
        at = cril_utf8_read_back(text, len, &code);
        if (!cril_python_is_space(code))
            break;
    }
    return len;
}

static cril_status no_memory(size_t len, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM,
                     "out of memory for a prompt and its continuation of %zu "
                     "bytes",
                     len);
}

/* *total: bytes of both. */
static cril_status join(struct cril_pair *p, const char *prompt, size_t prompt_bytes,
                        const char *continuation, size_t continuation_bytes, size_t *total,
                        cril_error *err)
{
    char *text = cril_size_add(prompt_bytes, continuation_bytes, total)
                     ? cril_size_grow(p->text, &p->text_capacity, 0, *total, 1)
                     : NULL;

    if (!text)
        return no_memory(continuation_bytes, err);
    p->text = text;
    p->prompt_bytes = prompt_bytes;
    if (prompt_bytes)
        memcpy(text, prompt, prompt_bytes);
    if (continuation_bytes)
        memcpy(text + prompt_bytes, continuation, continuation_bytes);
    return CRIL_OK;
}

/* Tokens of the whole behind the prompt's. */
static cril_status append_rest(struct cril_pair *p, size_t len, cril_error *err)
{
    const size_t n = p->whole.n > p->n_prompt ? p->whole.n - p->n_prompt : 0;
    int32_t *const data =
        cril_size_grow(p->ids.data, &p->ids.capacity, p->n_prompt, n, sizeof(*data));

    if (!data)
        return no_memory(len, err);
    p->ids.data = data;
    p->splits = p->whole.n >= p->n_prompt &&
                (!p->n_prompt || memcmp(data, p->whole.data, p->n_prompt * sizeof(*data)) == 0);
    if (n)
        memcpy(data + p->n_prompt, p->whole.data + p->n_prompt, n * sizeof(*data));
    p->ids.n = p->n_prompt + n;
    return CRIL_OK;
}

cril_status cril_pair_encode(struct cril_pair *p, const cril_tokenizer *t, const char *prompt,
                             size_t prompt_bytes, const char *continuation,
                             size_t continuation_bytes, unsigned flags, cril_error *err)
{
    const size_t kept = cril_without_blanks(prompt, prompt_bytes);
    const bool is_last = p->is_known && p->prompt_bytes == prompt_bytes &&
                         (!prompt_bytes || memcmp(p->text, prompt, prompt_bytes) == 0);
    size_t total = 0;
    cril_status st = join(p, prompt, prompt_bytes, continuation, continuation_bytes, &total, err);

    p->is_known = false;
    if (st != CRIL_OK)
        return st;
    p->continuation = p->text + kept;
    p->continuation_bytes = total - kept;
    p->ids.n = is_last ? p->n_prompt : 0;
    p->whole.n = 0;
    if (kept && !is_last &&
        (st = cril_tokenizer_encode(t, p->text, kept, flags, &p->ids, err)) != CRIL_OK)
        return st;
    p->n_prompt = p->ids.n;
    p->is_known = true;
    if ((st = cril_tokenizer_encode(t, p->text, total, flags, &p->whole, err)) != CRIL_OK)
        return st;
    return append_rest(p, total, err);
}

cril_status cril_pair_unspelled(const struct cril_pair *p, struct cril_speller *s,
                                struct cril_unspelled *out, cril_error *err)
{
    const int32_t *const ids = p->ids.data + p->n_prompt;
    const size_t n = p->ids.n - p->n_prompt, len = p->continuation_bytes;

    if (p->splits || cril_speller_matches(s, ids, n, p->continuation, len))
        return cril_speller_count(s, ids, n, p->continuation, len, out, err);
    *out = (struct cril_unspelled){.characters = cril_count_characters(p->continuation, len),
                                   .escape_bytes = cril_spelling_raw_bytes(len)};
    return CRIL_OK;
}

cril_status cril_pair_stream(const struct cril_pair *p, size_t kept, struct cril_token_stream *s,
                             cril_error *err)
{
    const size_t n = kept + p->ids.n - p->n_prompt;
    int32_t *const data = cril_size_grow(s->ids.data, &s->ids.capacity, 0, n, sizeof(*data));

    if (!data)
        return no_memory(p->continuation_bytes, err);
    s->ids.data = data;
    memcpy(data, p->ids.data + p->n_prompt - kept, n * sizeof(*data));
    s->ids.n = n;
    s->score_from = kept;
    return CRIL_OK;
}

void cril_pair_free(struct cril_pair *p)
{
    cril_ids_free(&p->ids);
    cril_ids_free(&p->whole);
    free(p->text);
    *p = (struct cril_pair){0};
}
