/*
 * Equality of answers by hendrycks/math: both go through a clean-up of their LaTeX and are compared
 * as texts. Where the original's clean-up raises an exception, the texts are compared as they are.
 *
 * Source: hendrycks/math 985bdc16, modeling/math_equivalence.py; OpenCompass a5acc4bb,
 * datasets/math.py (_strip_string), which differs where the exceptions come from.
 */
#include "tasks/math_rules.h"
#include "tasks/python_text.h"

#include <cril/corpus.h>

/* How often a character of ASCII occurs, and where the first is. */
static size_t count(struct cril_bytes text, char c, size_t *first)
{
    size_t n = 0;

    for (size_t i = text.len; i-- > 0;)
        if (text.data[i] == c) {
            *first = i;
            n++;
        }
    return n;
}

/* Cuts at "\text{ ", which begins a unit. Two such: the original gives up. */
static bool cut_units(struct cril_str *t)
{
    const struct cril_bytes text = cril_str_bytes(t);
    const size_t at = cril_str_find(text, 0, "\\text{ ");

    if (at == SIZE_MAX)
        return true;
    if (cril_str_find(text, at + 1, "\\text{ ") != SIZE_MAX)
        return false;
    t->n = at;
    return true;
}

void cril_math_fix_lead(struct cril_str *t)
{
    struct cril_bytes text = cril_str_bytes(t);
    struct cril_str lead = {0};
    size_t equals = 0;

    if (text.len && *text.data == '.') {
        cril_str_add(&lead, "0");
        cril_str_append(&lead, text);
        cril_str_take(t, &lead);
    }
    text = cril_str_bytes(t);
    if (count(text, '=', &equals) == 1 && cril_count_characters(text.data, equals) <= 2)
        cril_str_set(t, cril_str_part(text, equals + 1, text.len));
}

/* "\sqrt3" to "\sqrt{3}", one character. "\sqrt" at the end: the original gives up. */
static bool fix_roots(struct cril_str *t)
{
    static const char root[] = "\\sqrt";
    const struct cril_bytes old = cril_str_bytes(t);
    struct cril_str fixed = {0};
    size_t from = 0, at;

    while ((at = cril_str_find(old, from, root)) != SIZE_MAX) {
        at += strlen(root);
        cril_str_append(&fixed, cril_str_part(old, from, at));
        from = at;
        if (at == old.len || cril_bytes_start_with(cril_str_part(old, at, old.len), root))
            break;
        if (old.data[at] == '{')
            continue;
        from = at + cril_str_width(old, at);
        cril_str_add(&fixed, "{");
        cril_str_append(&fixed, cril_str_part(old, at, from));
        cril_str_add(&fixed, "}");
    }
    if (at != SIZE_MAX) {
        cril_str_free(&fixed);
        return false;
    }
    cril_str_append(&fixed, cril_str_part(old, from, old.len));
    cril_str_take(t, &fixed);
    return true;
}

/* Appends what lies between one "\frac" and the next, with braces. False: it is a lone character.
 */
static bool add_fraction(struct cril_str *out, struct cril_bytes rest)
{
    size_t a, b;

    if (rest.len && *rest.data == '{') {
        cril_str_append(out, rest);
        return true;
    }
    a = rest.len ? cril_str_width(rest, 0) : 0;
    if (a == rest.len)
        return false;
    b = cril_str_width(rest, a);
    cril_str_add(out, "{");
    cril_str_append(out, cril_str_part(rest, 0, a));
    cril_str_add(out, "}");
    if (rest.data[a] == '{') {
        cril_str_append(out, cril_str_part(rest, a, rest.len));
        return true;
    }
    cril_str_add(out, "{");
    cril_str_append(out, cril_str_part(rest, a, a + b));
    cril_str_add(out, "}");
    cril_str_append(out, cril_str_part(rest, a + b, rest.len));
    return true;
}

/* A lone character behind a "\frac" leaves all as it was. Nothing behind it: hendrycks/math gives
 * up, OpenCompass leaves all as it was. */
bool cril_math_fix_fracs(struct cril_str *t, enum cril_hendrycks version)
{
    static const char frac[] = "\\frac";
    const struct cril_bytes old = cril_str_bytes(t);
    struct cril_str fixed = {0};
    size_t at = cril_str_find(old, 0, frac), next;

    if (at == SIZE_MAX)
        return true;
    cril_str_append(&fixed, cril_str_part(old, 0, at));
    for (; at != SIZE_MAX; at = next) {
        const size_t start = at + strlen(frac);

        next = cril_str_find(old, start, frac);
        cril_str_add(&fixed, frac);
        if (!add_fraction(&fixed, cril_str_part(old, start, next == SIZE_MAX ? old.len : next))) {
            const bool lone = next == SIZE_MAX ? start < old.len : start < next;

            cril_str_free(&fixed);
            return lone || version == CRIL_HENDRYCKS_OPENCOMPASS;
        }
    }
    cril_str_take(t, &fixed);
    return true;
}

/* "a/b" to "\frac{a}{b}" where both are integers as Python writes them. What is no integer makes
 * OpenCompass give up. */
bool cril_math_fix_slash(struct cril_str *t, enum cril_hendrycks version)
{
    const struct cril_bytes old = cril_str_bytes(t);
    struct cril_str fixed = {0};
    size_t slash = 0;
    bool canonical_a, canonical_b;

    if (count(old, '/', &slash) != 1)
        return true;
    if (!cril_python_is_integer(cril_str_part(old, 0, slash), &canonical_a) ||
        !cril_python_is_integer(cril_str_part(old, slash + 1, old.len), &canonical_b))
        return version == CRIL_HENDRYCKS;
    if (!canonical_a || !canonical_b)
        return true;
    cril_str_add(&fixed, "\\frac{");
    cril_str_append(&fixed, cril_str_part(old, 0, slash));
    cril_str_add(&fixed, "}{");
    cril_str_append(&fixed, cril_str_part(old, slash + 1, old.len));
    cril_str_add(&fixed, "}");
    cril_str_take(t, &fixed);
    return true;
}

static void delete_commands(struct cril_str *t)
{
    static const char *const edits[][2] = {
        {"\n", ""},     {"\\!", ""},     {"\\\\", "\\"},    {"tfrac", "frac"}, {"dfrac", "frac"},
        {"\\left", ""}, {"\\right", ""}, {"^{\\circ}", ""}, {"^\\circ", ""},   {"\\$", ""},
    };

    for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++)
        cril_str_replace(t, edits[i][0], edits[i][1]);
}

bool cril_hendrycks_normal(struct cril_str *t, enum cril_hendrycks version)
{
    delete_commands(t);
    if (!cut_units(t))
        return false;
    for (int i = 0; i < 2; i++) /* the second time, what the first has put together */
        cril_str_replace(t, "\\%", "");
    cril_str_replace(t, " .", " 0.");
    cril_str_replace(t, "{.", "{0.");
    if (!t->n)
        return true;
    cril_math_fix_lead(t);
    if (!fix_roots(t))
        return false;
    cril_str_replace(t, " ", "");
    if (!cril_math_fix_fracs(t, version))
        return false;
    if (cril_bytes_are(cril_str_bytes(t), "0.5"))
        cril_str_set(t, cril_bytes_of("\\frac{1}{2}"));
    return cril_math_fix_slash(t, version);
}

bool cril_hendrycks_equal(struct cril_bytes a, struct cril_bytes b, bool *failed)
{
    struct cril_str x = {0}, y = {0};
    bool same;

    cril_str_set(&x, a);
    cril_str_set(&y, b);
    if (cril_hendrycks_normal(&x, CRIL_HENDRYCKS) && cril_hendrycks_normal(&y, CRIL_HENDRYCKS))
        same = cril_bytes_same(cril_str_bytes(&x), cril_str_bytes(&y));
    else
        same = cril_bytes_same(a, b);
    *failed = *failed || x.failed || y.failed;
    cril_str_free(&x);
    cril_str_free(&y);
    return same;
}
