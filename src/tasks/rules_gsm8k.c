/*
 * GSM8K: the last number of an answer, by three rules (doc/rules.md).
 *
 * Source: lm-evaluation-harness 0.4.12, tasks/gsm8k/gsm8k.yaml with filters/extraction.py and
 * api/metrics.py (strict, flexible); OpenCompass, datasets/gsm8k.py (opencompass).
 */
#include "tasks/python_text.h"
#include "tasks/rule_fields.h"
#include "tasks/rules.h"
#include "util/utf8.h"

#include <cril/number.h>
#include <math.h>

static const char mark[] = "#### ", invalid[] = "[invalid]";

static bool is_one_of(char c, const char *set)
{
    return c && strchr(set, c);
}

/* The bytes of set from `at` on. */
static size_t span(struct cril_bytes text, size_t at, const char *set)
{
    size_t n = 0;

    while (at + n < text.len && is_one_of(text.data[at + n], set))
        n++;
    return n;
}

/* ---- lm-evaluation-harness ---- */

/* The first "#### " with a number right behind it, which may have a minus, points and commas. */
static struct cril_bytes find_strict(struct cril_bytes text)
{
    for (size_t at = 0; (at = cril_str_find(text, at, mark)) != SIZE_MAX; at++) {
        const size_t start = at + strlen(mark);
        const size_t minus = start < text.len && text.data[start] == '-';
        const size_t n = span(text, start + minus, "0123456789.,");

        if (n)
            return cril_str_part(text, start, start + minus + n);
    }
    return cril_bytes_of(invalid);
}

/* The bytes of a number at `at`: an optional minus, then two or more of digits, '$', '.' and ',',
 * else a digit; 0: there is none. */
static size_t flexible_number(struct cril_bytes text, size_t at)
{
    const size_t minus = text.data[at] == '-', n = span(text, at + minus, "$0123456789.,");

    if (n >= 2 || (n == 1 && span(text, at + minus, "0123456789")))
        return minus + n;
    return 0;
}

static struct cril_bytes find_flexible(struct cril_bytes text)
{
    struct cril_bytes found = cril_bytes_of(invalid);

    for (size_t at = 0; at < text.len;) {
        const size_t n = flexible_number(text, at);

        if (n)
            found = cril_str_part(text, at, at + n);
        at += n ? n : 1;
    }
    return found;
}

/* What is compared: without ',' and '$', without all up to the last "#### ", without one '.' at the
 * end or before a last line feed, in lower case. */
static void normalise(struct cril_str *t)
{
    struct cril_bytes text;
    size_t end;

    cril_str_replace(t, ",", "");
    cril_str_replace(t, "$", "");
    cril_str_set(t, cril_str_after_last(cril_str_bytes(t), mark));
    text = cril_str_bytes(t);
    end = text.len - (text.len && text.data[text.len - 1] == '\n');
    if (end && text.data[end - 1] == '.') {
        memmove(t->data + end - 1, t->data + end, t->n - end);
        t->n--;
    }
    cril_python_lower(t);
}

static bool harness_equal(struct cril_bytes found, const struct cril_str *gold, bool *failed)
{
    struct cril_str a = {0}, b = {0};
    bool same;

    cril_str_set(&a, found);
    cril_str_set(&b, cril_str_bytes(gold));
    normalise(&a);
    normalise(&b);
    *failed = *failed || a.failed || b.failed;
    same = cril_bytes_same(cril_str_bytes(&a), cril_str_bytes(&b));
    cril_str_free(&a);
    cril_str_free(&b);
    return same;
}

/* ---- OpenCompass ---- */

/* The last number before "Question:": an optional minus, digits, perhaps a point and digits. */
static struct cril_bytes find_opencompass(struct cril_bytes text)
{
    struct cril_bytes found = cril_bytes_of("NULL");

    text = cril_str_until(text, (const char *const[]){"Question:", NULL});
    for (size_t at = 0; at < text.len;) {
        const size_t start = at + (text.data[at] == '-');
        size_t end = cril_python_digits_end(text, start);

        if (end == start) {
            at++;
            continue;
        }
        if (end < text.len && text.data[end] == '.' &&
            cril_python_digits_end(text, end + 1) > end + 1)
            end = cril_python_digits_end(text, end + 1);
        found = cril_str_part(text, at, end);
        at = end;
    }
    return found;
}

/* The number that Python's float() or int() reads; text is known to be one. */
static double number_value(struct cril_bytes text, bool *failed)
{
    struct cril_str ascii = {0};
    double value = NAN;
    uint32_t code;

    text = cril_python_strip(text);
    for (size_t i = 0; i < text.len;) {
        int digit;

        i += cril_utf8_read(text.data + i, text.len - i, &code);
        digit = cril_python_decimal(code);
        if (digit >= 0)
            cril_str_append(&ascii, (struct cril_bytes){&"0123456789"[digit], 1});
        else if (code == '-' || code == '.')
            cril_str_add(&ascii, code == '-' ? "-" : ".");
    }
    cril_str_append(&ascii, (struct cril_bytes){"", 1});
    if (!ascii.failed)
        cril_number_read(ascii.data, &value);
    *failed = *failed || ascii.failed;
    cril_str_free(&ascii);
    return value;
}

/* Equal texts, or values that differ by less than 1e-6; gold must be an integer then. */
static bool opencompass_equal(struct cril_bytes found, struct cril_bytes gold, bool *failed)
{
    bool canonical;

    if (cril_bytes_same(found, gold))
        return true;
    if (cril_bytes_are(found, "NULL") || !cril_python_is_integer(gold, &canonical))
        return false;
    return fabs(number_value(found, failed) - number_value(gold, failed)) < 1e-6;
}

/* The reference of OpenCompass: what follows the first "#### " where there is one, up to a second,
 * without commas. */
static void set_opencompass_gold(struct cril_str *t, const struct cril_str *gold)
{
    struct cril_bytes text = cril_str_bytes(gold);
    const size_t at = cril_str_find(text, 0, mark);

    if (at != SIZE_MAX)
        text = cril_str_until(cril_str_part(text, at + strlen(mark), text.len),
                              (const char *const[]){mark, NULL});
    cril_str_set(t, text);
    cril_str_replace(t, ",", "");
}

/* ---- The set ---- */

static void judge(struct cril_rule_out *o, struct cril_bytes text, const struct cril_str *gold)
{
    static const char *const stops[] = {"Question:", "</s>", "<|im_end|>", NULL};
    const struct cril_bytes cut = cril_str_until(text, stops);
    const struct cril_bytes strict = find_strict(cut), flexible = find_flexible(cut),
                            opencompass = find_opencompass(text);
    struct cril_str number = {0};

    cril_rule_put_bytes(o, "text_after_stops", cut);
    cril_rule_put_bytes(o, "strict", strict);
    cril_rule_put_bytes(o, "flexible", flexible);
    cril_rule_put_bytes(o, "opencompass", opencompass);
    if (!gold)
        return;
    cril_rule_put_truth(o, "strict_match", harness_equal(strict, gold, &o->failed));
    cril_rule_put_truth(o, "flexible_match", harness_equal(flexible, gold, &o->failed));
    set_opencompass_gold(&number, gold);
    cril_rule_put_truth(o, "opencompass_match",
                        opencompass_equal(opencompass, cril_str_bytes(&number), &o->failed));
    o->failed = o->failed || number.failed;
    cril_str_free(&number);
}

cril_status cril_rules_gsm8k(const json_t *in, json_t *out, cril_error *err)
{
    struct cril_str text = {0}, gold = {0};
    struct cril_rule_out o = {.out = out};
    bool has_gold;
    cril_status st = cril_rule_read(in, "text", &text, NULL, err);

    if (st == CRIL_OK)
        st = cril_rule_read(in, "gold", &gold, &has_gold, err);
    if (st == CRIL_OK) {
        judge(&o, cril_str_bytes(&text), has_gold ? &gold : NULL);
        st = cril_rule_finish(&o, (const struct cril_str *const[]){&text, &gold}, 2, err);
    }
    cril_str_free(&text);
    cril_str_free(&gold);
    return st;
}
