/*
 * Regular expressions of tokenizer.json, run by PCRE2.
 *
 * The library `tokenizers` runs them by Oniguruma, whose dialect differs from PCRE2's: sets lie in
 * each other and intersect, ^ and $ are those of lines, \s, \w, \h, \v and scripts are other
 * characters, what {1,3}+ repeats. Each is written anew so that PCRE2 means the same; what cannot
 * be is refused.
 */
#ifndef CRIL_TOKENIZER_EXPRESSION_H
#define CRIL_TOKENIZER_EXPRESSION_H

#define PCRE2_CODE_UNIT_WIDTH 8
#include "tokenizer/spec.h"
#include "tokenizer/string.h"

#include <pcre2.h>

/* Sets *out, which is empty, to PCRE2's form of an expression of Oniguruma. path names the file in
 * messages. CRIL_ERR_UNSUPPORTED, CRIL_ERR_NOMEM. */
cril_status cril_expression_translate(const char *path, struct cril_bytes pattern,
                                      struct cril_string *out, cril_error *err);

/* A compiled expression: immutable, shared by threads. */
struct cril_expression {
    pcre2_code *code;
    pcre2_match_context *limits;
};

/* x is empty; cril_expression_clear after an error too. CRIL_ERR_UNSUPPORTED: it cannot be run as
 * it is meant. CRIL_ERR_NOMEM. */
cril_status cril_expression_compile(const char *path, const struct spec_pattern *pattern,
                                    struct cril_expression *x, cril_error *err);
void cril_expression_clear(struct cril_expression *x);

/* Matches in a text, from left to right. An empty one that touches the match before is none. */
struct cril_matches {
    const struct cril_expression *x;
    const char *text; /* [len], well-formed */
    size_t len, at;
    size_t last_end; /* of the match before; SIZE_MAX: none yet */
    pcre2_match_data *data;
};

cril_status cril_matches_begin(struct cril_matches *m, const struct cril_expression *x,
                               const char *text, size_t len, cril_error *err);
/* *found: text[*start .. *end) is the next match. CRIL_ERR_NOMEM, CRIL_ERR_UNSUPPORTED: PCRE2 gave
 * up. */
cril_status cril_matches_next(struct cril_matches *m, bool *found, size_t *start, size_t *end,
                              cril_error *err);
/* Another text for the same expression, without allocating. */
void cril_matches_again(struct cril_matches *m, const char *text, size_t len);
void cril_matches_end(struct cril_matches *m);

#endif
