#include "tokenizer/expression.h"

#include "util/fail.h"
#include "util/utf8.h"

#include <stdlib.h>

enum {
    COMMON = PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C,
    MAX_RETRIES = 10000000 /* Oniguruma's own, in one match: a file's expression may try for ever */
};

/* Compiles text [len] with JIT where the CPU has it. */
static cril_status compile(const char *path, struct cril_bytes shown, const char *text, size_t len,
                           uint32_t options, struct cril_expression *x, cril_error *err)
{
    pcre2_compile_context *const context = pcre2_compile_context_create(NULL);
    int code = PCRE2_ERROR_HEAP_FAILED;
    PCRE2_SIZE at = 0;
    PCRE2_UCHAR why[120];

    if (context) {
        pcre2_set_newline(context, PCRE2_NEWLINE_LF);
        x->code = pcre2_compile((PCRE2_SPTR)text, len, options, &code, &at, context);
    }
    pcre2_compile_context_free(context);
    if (!x->code && code == PCRE2_ERROR_HEAP_FAILED)
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", path);
    if (!x->code) {
        pcre2_get_error_message(code, why, sizeof(why));
        return cril_fail(err, CRIL_ERR_UNSUPPORTED, "%s: PCRE2 refuses the expression \"%.*s\": %s",
                         path, CRIL_SHOWN(shown), (const char *)why);
    }
    pcre2_jit_compile(x->code, PCRE2_JIT_COMPLETE); /* without it the interpreter runs */
    return CRIL_OK;
}

cril_status cril_expression_compile(const char *path, const struct spec_pattern *pattern,
                                    struct cril_expression *x, cril_error *err)
{
    const struct cril_bytes p = pattern->text;
    struct cril_string text = {0};
    cril_status st = CRIL_OK;

    if (!(x->limits = pcre2_match_context_create(NULL)))
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", path);
    /* Ours are linear, and long texts need long matches. */
    pcre2_set_match_limit(x->limits,
                          pattern->dialect == DIALECT_ONIGURUMA ? MAX_RETRIES : UINT32_MAX);
    switch (pattern->dialect) {
    case DIALECT_PCRE2: return compile(path, p, p.data, p.len, COMMON | PCRE2_UCP, x, err);
    case DIALECT_LITERAL: return compile(path, p, p.data, p.len, PCRE2_UTF | PCRE2_LITERAL, x, err);
    case DIALECT_ONIGURUMA: break;
    }
    if ((st = cril_expression_translate(path, p, &text, err)) == CRIL_OK)
        st = compile(path, p, text.data ? text.data : "", text.n,
                     COMMON | PCRE2_UCP | PCRE2_MULTILINE, x, err);
    free(text.data);
    return st;
}

void cril_expression_clear(struct cril_expression *x)
{
    pcre2_code_free(x->code);
    pcre2_match_context_free(x->limits);
    *x = (struct cril_expression){0};
}

cril_status cril_matches_begin(struct cril_matches *m, const struct cril_expression *x,
                               const char *text, size_t len, cril_error *err)
{
    *m = (struct cril_matches){.x = x, .data = pcre2_match_data_create(1, NULL)};
    cril_matches_again(m, text, len);
    return m->data ? CRIL_OK : cril_fail(err, CRIL_ERR_NOMEM, "out of memory");
}

void cril_matches_again(struct cril_matches *m, const char *text, size_t len)
{
    m->text = text;
    m->len = len;
    m->at = 0;
    m->last_end = SIZE_MAX;
}

void cril_matches_end(struct cril_matches *m)
{
    pcre2_match_data_free(m->data);
    m->data = NULL;
}

static cril_status match(const struct cril_matches *m, bool *found, cril_error *err)
{
    const PCRE2_SPTR text = (PCRE2_SPTR)m->text;
    int rc =
        pcre2_match(m->x->code, text, m->len, m->at, PCRE2_NO_UTF_CHECK, m->data, m->x->limits);

    if (rc == PCRE2_ERROR_JIT_STACKLIMIT)
        rc = pcre2_match(m->x->code, text, m->len, m->at, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT,
                         m->data, m->x->limits);
    if (rc == PCRE2_ERROR_NOMEMORY || rc == PCRE2_ERROR_HEAPLIMIT)
        return cril_fail(err, CRIL_ERR_NOMEM, "out of memory for the words of %zu bytes", m->len);
    if (rc < 0 && rc != PCRE2_ERROR_NOMATCH)
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "PCRE2 cannot cut a text of %zu bytes into words (error %d)", m->len, rc);
    *found = rc >= 0; /* 0: more groups than the one pair of offsets has room for */
    return CRIL_OK;
}

cril_status cril_matches_next(struct cril_matches *m, bool *found, size_t *start, size_t *end,
                              cril_error *err)
{
    const PCRE2_SIZE *const where = pcre2_get_ovector_pointer(m->data);
    cril_status st;

    for (*found = false; m->at <= m->len;) {
        if ((st = match(m, found, err)) != CRIL_OK || !*found)
            return st;
        *start = where[0];
        *end = where[1];
        *found = *start != *end || *end != m->last_end;
        m->at = m->last_end = *end;
        if (*found)
            return CRIL_OK;
        m->at += m->at < m->len ? cril_utf8_width(m->text[m->at]) : 1;
    }
    return CRIL_OK;
}
