/*
 * Letters of SAT-Math: which option an answer names (doc/rules.md).
 *
 * Source: AGIEval, src/post_process.py, for English questions (agieval_*); OpenCompass,
 * utils/text_postprocessors.py (opencompass_*; first_option.c has the patterns).
 */
#include "tasks/first_option.h"
#include "tasks/python_text.h"
#include "tasks/rule_fields.h"
#include "tasks/rules.h"
#include "util/utf8.h"

static const struct cril_bytes none = {"", 0};

/* The first byte of [first, last] in text[from .. to). */
static struct cril_bytes first_between(struct cril_bytes text, size_t from, size_t to, char first,
                                       char last)
{
    for (size_t i = from; i < to; i++)
        if (text.data[i] >= first && text.data[i] <= last)
            return cril_str_part(text, i, i + 1);
    return none;
}

/* The last line that is not blank; all of a blank text. Only a line feed ends a line. */
static struct cril_bytes last_line(struct cril_bytes text)
{
    size_t end = text.len;

    for (size_t i = text.len; i-- > 0;) {
        if (text.data[i] != '\n')
            continue;
        if (cril_python_strip(cril_str_part(text, i + 1, end)).len)
            return cril_str_part(text, i + 1, end);
        end = i;
    }
    return cril_python_strip(cril_str_part(text, 0, end)).len ? cril_str_part(text, 0, end) : text;
}

/* The first of A to G behind an "answer is " in the same line. What the first "answer is " of a
 * line does not find, no other of the line does. */
static struct cril_bytes after_words(struct cril_bytes text)
{
    static const char words[] = "answer is ";

    for (size_t at = 0; (at = cril_str_find(text, at, words)) != SIZE_MAX;) {
        const char *const start = text.data + at + strlen(words);
        const char *const line = memchr(start, '\n', text.len - at - strlen(words));
        const size_t end = line ? (size_t)(line - text.data) : text.len;
        const struct cril_bytes found = first_between(text, at + strlen(words), end, 'A', 'G');

        if (found.len)
            return found;
        at = end;
    }
    return none;
}

/* In part of the text; else the first of A to F in the whole. */
static struct cril_bytes few_shot(struct cril_bytes part, struct cril_bytes text)
{
    const struct cril_bytes found = after_words(part);

    return found.len ? found : first_between(text, 0, text.len, 'A', 'F');
}

static struct cril_bytes first_capital(struct cril_bytes text)
{
    uint32_t code;

    for (size_t i = 0, n; i < text.len; i += n) {
        n = cril_utf8_read(text.data + i, text.len - i, &code);
        if (cril_python_is_upper(code))
            return cril_str_part(text, i, i + n);
    }
    return none;
}

static cril_status judge(struct cril_rule_out *o, struct cril_bytes text,
                         const struct cril_bytes *gold, cril_error *err)
{
    const struct cril_bytes cot = few_shot(last_line(text), text), shots = few_shot(text, text),
                            zero = first_between(text, 0, text.len, 'A', 'F');
    char option;
    const cril_status st = cril_first_option(text, &option, err);

    if (st != CRIL_OK)
        return st;
    cril_rule_put_bytes(o, "agieval_few_shot_cot", cot);
    cril_rule_put_bytes(o, "agieval_few_shot", shots);
    cril_rule_put_bytes(o, "agieval_zero_shot", zero);
    cril_rule_put_bytes(o, "opencompass_first_option_ABCD",
                        (struct cril_bytes){&option, option != '\0'});
    cril_rule_put_bytes(o, "opencompass_first_capital", first_capital(text));
    if (gold) {
        cril_rule_put_truth(o, "agieval_few_shot_cot_match", cril_bytes_same(cot, *gold));
        cril_rule_put_truth(o, "agieval_few_shot_match", cril_bytes_same(shots, *gold));
        cril_rule_put_truth(o, "agieval_zero_shot_match", cril_bytes_same(zero, *gold));
    }
    return CRIL_OK;
}

cril_status cril_rules_letters(const json_t *in, json_t *out, cril_error *err)
{
    struct cril_str text = {0}, gold = {0};
    struct cril_bytes letter;
    struct cril_rule_out o = {.out = out};
    bool has_gold;
    cril_status st = cril_rule_read(in, "text", &text, NULL, err);

    if (st == CRIL_OK)
        st = cril_rule_read(in, "gold", &gold, &has_gold, err);
    letter = cril_str_bytes(&gold);
    if (st == CRIL_OK)
        st = judge(&o, cril_str_bytes(&text), has_gold ? &letter : NULL, err);
    if (st == CRIL_OK)
        st = cril_rule_finish(&o, (const struct cril_str *const[]){&text, &gold}, 2, err);
    cril_str_free(&text);
    cril_str_free(&gold);
    return st;
}
