/*
 * Expressions run by PCRE2 (UTF, JIT where the CPU has it).
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "tokenizer/pretokenize.h"

#include "util/fail.h"
#include "util/size.h"

#include <pcre2.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct cril_splitter {
    size_t n;
    pcre2_code **step; /* [n] */
    pcre2_match_context *limits;
};

static cril_status compile(const struct cril_spec *spec, const char *pattern, pcre2_code **out,
                           cril_error *err)
{
    int code;
    PCRE2_SIZE at;

    *out = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, PCRE2_UTF | PCRE2_UCP, &code,
                         &at, NULL);
    if (!*out && code == PCRE2_ERROR_HEAP_FAILED)
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", spec->path);
    if (!*out)
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s: PCRE2 refuses the expression of %s (error %d at %zu)", spec->path,
                         spec->kind, code, (size_t)at);
    pcre2_jit_compile(*out, PCRE2_JIT_COMPLETE); /* without it the interpreter runs */
    return CRIL_OK;
}

cril_status cril_splitter_create(const struct cril_spec *spec, struct cril_splitter **out,
                                 cril_error *err)
{
    struct cril_splitter *s = calloc(1, sizeof(*s));
    cril_status st = CRIL_OK;

    if (!s || !(s->limits = pcre2_match_context_create(NULL)) ||
        !(s->step = calloc(spec->n_splits + 1, sizeof(*s->step)))) {
        cril_splitter_free(s);
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", spec->path);
    }
    pcre2_set_match_limit(
        s->limits, UINT32_MAX); /* the expressions are linear: long texts need long matches */
    for (; s->n < spec->n_splits && st == CRIL_OK; s->n++)
        st = compile(spec, spec->splits[s->n].pattern, &s->step[s->n], err);
    if (st != CRIL_OK) {
        cril_splitter_free(s);
        return st;
    }
    *out = s;
    return CRIL_OK;
}

void cril_splitter_free(struct cril_splitter *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n; i++)
        pcre2_code_free(s->step[i]);
    free(s->step);
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
    size_t *const grown = cril_size_grow(w->end, &w->capacity, w->n, 1, sizeof(*grown));

    if (!grown)
        return cril_fail(err, CRIL_ERR_NOMEM, "out of memory for %zu words", w->n);
    w->end = grown;
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
