/*
 * The first option that an answer names: phrases, most of them Chinese, are tried one after
 * another; the first that stands in the text with an option is the answer.
 *
 * Each phrase is an expression with the option as its first group. A phrase that matches with a
 * group that names no option (white space, a word) is passed over. The expressions are written for
 * PCRE2 so that they mean what Python's re makes of the original, and so that no text costs
 * quadratic time: COMMIT and SKIP end a search that no later start can mend.
 *
 * Source: OpenCompass a5acc4bb, utils/text_postprocessors.py, first_option_postprocess with options
 * "ABCD" and the cushion; flags: DOTALL.
 */
#include "tasks/first_option.h"

#include "tasks/python_text.h"
#include "util/fail.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#define SPACES                                                                                     \
    "\\t-\\r\\x1c-\\x20\\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}"      \
    "\\x{205f}\\x{3000}"
#define S "[" SPACES "]"
#define WORD "[^" SPACES "]"
#define O "([ABCD])"
#define STOP "[.。$]?"
#define END "\\z" /* the text is stripped: it has no last line feed that '$' would pass over */
/* An option in brackets, in stars, or both. */
#define BRACKETS "\\(?" O "\\)?"
#define STARS "\\(?\\*?\\*?" O "\\*?\\*?\\)?"
/* What no space divides, up to its last full stop or to the end of the text. A run of it that has
 * neither has neither for a later start in it. */
#define CLAUSE S "?(?:(" WORD "+)(?:。|" END ")|" WORD "+(*SKIP)(*FAIL))"
/* The first box behind the words; without one, the same words further on have none. */
#define BOX ":?(*COMMIT).*?boxed\\{" O "\\}"

static const char *const phrases[] = {
    "答案是?" S "*" O,
    "答案是?" S "*：" S "*" O,
    "答案是?" S "*:" S "*" O,
    "答案选项应?该?是" S "*" O,
    "答案选项应?该?为" S "*" O,
    "答案应该?是" S "*" O,
    "答案应该?选" S "*" O,
    "答案选项为?" S "*：" S "*" O,
    "答案选项为?" S "+" STARS,
    "答案选项是?" S "*:" S "*" O,
    "答案为" S "*" O,
    "答案选" S "*" O,
    "选择?" S "*" O,
    /* The original lacks a comma between two phrases, which makes them one. */
    "故选?" S "*" O "只有选?项?" S "?([ABCD])" S "?是?对",
    "只有选?项?" S "?" O S "?是?错",
    "只有选?项?" S "?" O S "?不?正确",
    "只有选?项?" S "?" O S "?错误",
    "说法不?对选?项?的?是" S "?" O,
    "说法不?正确选?项?的?是" S "?" O,
    "说法错误选?项?的?是" S "?" O,
    O S "?是正确的",
    O S "?是正确答案",
    "选项" S "?" O S "?正确",
    "所以答" S "?" O,
    "所以" S "?" O STOP END,
    "所有" S "?" O STOP END,
    "[" SPACES "，：:,]" O "[。，,.]?" END,
    "[" SPACES "，,：:][故即]" O "[。.]?" END,
    "[" SPACES "，,：:]因此" O "[。.]?" END,
    "[是为。]" S "?" O "[。.]?" END,
    "因此" S "?" O "[。.]?" END,
    "显然" S "?" O "[。.]?" END,
    "答案是" CLAUSE,
    "答案应该是" CLAUSE,
    "答案为" CLAUSE,
    "(?i)ANSWER" S "*:" S "*" O,
    "[Tt]he answer is:?" S "+" BRACKETS,
    "[Tt]he answer is:?" S "+" STARS,
    "[Tt]he answer is option:?" S "+" BRACKETS,
    "[Tt]he correct answer is:?" S "+" BRACKETS,
    "[Tt]he correct answer is option:?" S "+" BRACKETS,
    "[Tt]he correct answer is" BOX,
    "[Tt]he correct option is" BOX,
    "[Tt]he correct answer option is" BOX,
    "[Tt]he answer to the question is:?" S "+" BRACKETS,
    "^选项" S "?" O,
    "^" O S "?选?项",
    /* A group that is empty stands for the whole match, one of white space for nothing. */
    "(" S "|^)[ABCD][" SPACES "。，,：:.$]",
    "1." S "?(.*)",
    "1." S "?" O STOP END,
    O ":",
    O,
};

/* The first option that lies in text[from .. to). */
static char option_in(struct cril_bytes text, size_t from, size_t to)
{
    for (char c = 'A'; c <= 'D'; c++)
        if (to > from && memchr(text.data + from, c, to - from))
            return c;
    return '\0';
}

static cril_status refuse(int code, cril_error *err)
{
    char what[120] = "";

    if (code == PCRE2_ERROR_NOMEMORY || code == PCRE2_ERROR_HEAP_FAILED)
        return cril_fail(err, CRIL_ERR_NOMEM, "out of memory");
    pcre2_get_error_message(code, (PCRE2_UCHAR *)what, sizeof(what));
    return cril_fail(err, CRIL_ERR_UNSUPPORTED, "PCRE2 gave up: %s", what);
}

static cril_status try_phrase(const pcre2_code *code, pcre2_match_data *data,
                              struct cril_bytes text, char *option, cril_error *err)
{
    const PCRE2_SIZE *const at = pcre2_get_ovector_pointer(data);
    const int n =
        pcre2_match(code, (PCRE2_SPTR)text.data, text.len, 0, PCRE2_NO_UTF_CHECK, data, NULL);
    size_t group;

    *option = '\0';
    if (n == PCRE2_ERROR_NOMATCH)
        return CRIL_OK;
    if (n < 0)
        return refuse(n, err);
    group = n > 1 && at[2] != PCRE2_UNSET && at[3] > at[2];
    *option = option_in(text, at[2 * group], at[2 * group + 1]);
    return CRIL_OK;
}

static cril_status look_for(const char *phrase, struct cril_bytes text, char *option,
                            cril_error *err)
{
    PCRE2_SIZE at;
    int error;
    pcre2_match_data *data;
    cril_status st;
    pcre2_code *const code =
        pcre2_compile((PCRE2_SPTR)phrase, PCRE2_ZERO_TERMINATED,
                      PCRE2_UTF | PCRE2_DOTALL | PCRE2_NO_UTF_CHECK, &error, &at, NULL);

    if (!code)
        return refuse(error, err);
    data = pcre2_match_data_create_from_pattern(code, NULL);
    st = data ? try_phrase(code, data, text, option, err) : refuse(PCRE2_ERROR_NOMEMORY, err);
    pcre2_match_data_free(data);
    pcre2_code_free(code);
    return st;
}

cril_status cril_first_option(struct cril_bytes text, char *option, cril_error *err)
{
    cril_status st = CRIL_OK;

    *option = '\0';
    text = cril_python_strip(text);
    for (size_t i = 0; st == CRIL_OK && !*option && i < sizeof(phrases) / sizeof(*phrases); i++)
        st = look_for(phrases[i], text, option, err);
    return st;
}
