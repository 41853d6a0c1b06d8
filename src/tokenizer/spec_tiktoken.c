/*
 * A tokenizer from qwen.tiktoken, Qwen 1's: a line for each token, its bytes in base 64 and its
 * rank. The class of its publisher (tokenization_qwen.py) has the rest: texts are put in Unicode's
 * composed form and cut by one expression, and 208 control tokens stand behind the ranks.
 *
 * The library `tiktoken` merges the two neighbours that are together the token of the lowest rank,
 * however they came about. So every way to part a token into two tokens is a merge of its rank.
 */
#include "tokenizer/spec.h"
#include "tokenizer/table.h"
#include "tokenizer/words.h"

#include "util/base64.h"
#include "util/fail.h"
#include "util/size.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_EXTRA = 205, MAX_TOKEN_TEXT = 1 << 10 };

static cril_status no_memory(const struct cril_spec *s, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory for %zu tokens", s->path, s->n);
}

/* ---- Tokens ---- */

static size_t line_length(const uint8_t *data, size_t len)
{
    const uint8_t *const end = memchr(data, '\n', len);

    return end ? (size_t)(end - data) : len;
}

/* "IQ== 0" */
static bool read_line(const char *line, size_t len, char *out, size_t *n, size_t *rank)
{
    const char *const space = memchr(line, ' ', len);
    const size_t text_len = space ? (size_t)(space - line) : 0;

    if (!text_len || len - text_len - 1 > 9 || len == text_len + 1 || text_len > MAX_TOKEN_TEXT ||
        !cril_base64_decode(line, text_len, out, n) || !*n)
        return false;
    *rank = 0;
    for (const char *p = space + 1; p < line + len; p++) {
        if (*p < '0' || *p > '9')
            return false;
        *rank = *rank * 10 + (size_t)(*p - '0');
    }
    return true;
}

static cril_status read_lines(const uint8_t *data, size_t len, struct cril_spec *s, char *out,
                              cril_error *err)
{
    size_t line = 1, n, rank, width;

    for (size_t at = 0; at < len; at += width + 1, line++) {
        const char *const text = (const char *)data + at;
        size_t width_read;

        width = line_length(data + at, len - at);
        width_read = width && text[width - 1] == '\r' ? width - 1 : width;
        if (!width_read)
            continue;
        if (!read_line(text, width_read, out, &n, &rank) || rank >= s->n || s->pieces[rank].data)
            return cril_fail(err, CRIL_ERR_FORMAT,
                             "%s: line %zu is not a token in base 64 and its rank", s->path, line);
        s->types[rank] = TOKEN_NORMAL;
        s->pieces[rank] = s->keys[rank] = (struct cril_bytes){out, n};
        out += n;
    }
    return CRIL_OK;
}

static cril_status read_tokens(const uint8_t *data, size_t len, struct cril_spec *s,
                               cril_error *err)
{
    size_t n = 0;
    char *out;
    cril_status st;

    for (size_t at = 0; at < len; n++)
        at += line_length(data + at, len - at) + 1;
    if (!n)
        return cril_fail(err, CRIL_ERR_FORMAT, "%s: is empty", s->path);
    if ((st = cril_spec_extend(s, n, err)) != CRIL_OK)
        return st;
    if (!(out = cril_arena_take(&s->arena, len, 1)))
        return no_memory(s, err);
    if ((st = read_lines(data, len, s, out, err)) != CRIL_OK)
        return st;
    while (s->n && !s->pieces[s->n - 1].data) /* empty lines */
        s->n--;
    for (size_t i = 0; i < s->n; i++)
        if (!s->pieces[i].data)
            return cril_fail(err, CRIL_ERR_FORMAT, "%s: has no token of rank %zu", s->path, i);
    return s->n ? CRIL_OK : cril_fail(err, CRIL_ERR_FORMAT, "%s: has no token", s->path);
}

static cril_status add_control(struct cril_spec *s, size_t first, cril_error *err)
{
    static const char *const names[] = {"<|endoftext|>", "<|im_start|>", "<|im_end|>"};
    enum { N = sizeof(names) / sizeof(names[0]) };
    const cril_status st = cril_spec_extend(s, N + N_EXTRA, err);

    if (st != CRIL_OK)
        return st;
    if (!(s->added = cril_arena_take(&s->arena, N + N_EXTRA, sizeof(*s->added))))
        return no_memory(s, err);
    for (size_t i = 0; i < N + N_EXTRA; i++) {
        char extra[24];
        const int len = snprintf(extra, sizeof(extra), "<|extra_%zu|>", i - N);
        const char *const name = i < N ? names[i] : cril_arena_text(&s->arena, extra, (size_t)len);

        if (!name)
            return no_memory(s, err);
        s->types[first + i] = TOKEN_CONTROL;
        s->pieces[first + i] = (struct cril_bytes){name, strlen(name)};
        s->added[s->n_added++] = (struct spec_added){
            .name = s->pieces[first + i], .id = (int32_t)(first + i), .control = true};
    }
    s->eos = (int32_t)first;
    return CRIL_OK;
}

/* ---- Merges ---- */

/* Ways to part token i into two tokens; they are put at out where that is not NULL. */
static size_t part_token(const struct cril_spec *s, const struct cril_table *table, size_t i,
                         struct spec_merge *out)
{
    const struct cril_bytes t = s->pieces[i];
    size_t n = 0;

    for (size_t k = 1; k < t.len; k++) {
        if (cril_table_find(table, t.data, k) < 0 ||
            cril_table_find(table, t.data + k, t.len - k) < 0)
            continue;
        if (out)
            out[n] = (struct spec_merge){t.data, (uint32_t)k, (uint32_t)t.len, (uint32_t)i};
        n++;
    }
    return n;
}

static cril_status find_merges(struct cril_spec *s, cril_error *err)
{
    struct cril_table table = {0};
    size_t n = 0;
    cril_status st = cril_table_init(&table, s->n, err);

    if (st != CRIL_OK)
        return st;
    for (size_t i = 0; i < s->n; i++)
        cril_table_put(&table, s->pieces[i].data, s->pieces[i].len, (int32_t)i);
    for (size_t i = 0; i < s->n; i++)
        n += part_token(s, &table, i, NULL);
    if ((s->merges = cril_arena_take(&s->arena, n, sizeof(*s->merges))))
        for (size_t i = 0; i < s->n; i++)
            s->n_merges += part_token(s, &table, i, s->merges + s->n_merges);
    cril_table_clear(&table);
    return s->merges ? CRIL_OK : no_memory(s, err);
}

/* ---- The whole ---- */

cril_status cril_spec_read_tiktoken(const uint8_t *data, size_t len, struct cril_spec *s,
                                    cril_error *err)
{
    static const char words[] = CASELESS_WORDS("\\p{N}");
    cril_status st;

    s->model = MODEL_RANKS;
    s->byte_level = s->ignores_merges = s->fuses_unknown = s->drops_unknown = true;
    snprintf(s->kind, sizeof(s->kind), "bpe (tiktoken)");
    s->normals = cril_arena_take(&s->arena, 1, sizeof(*s->normals));
    s->splits = cril_arena_take(&s->arena, 1, sizeof(*s->splits));
    if (!s->normals || !s->splits)
        return no_memory(s, err);
    s->normals->kind = NORMAL_NFC;
    s->splits->pattern.text = (struct cril_bytes){words, sizeof(words) - 1};
    s->n_normals = s->n_splits = 1;
    if ((st = read_tokens(data, len, s, err)) != CRIL_OK || (st = find_merges(s, err)) != CRIL_OK)
        return st;
    return add_control(s, s->n, err);
}
