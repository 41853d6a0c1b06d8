/*
 * Equality of answers by hendrycks/math: both go through a clean-up of their LaTeX and are compared
 * as texts. Where the original's clean-up raises an exception, the texts are compared as they are.
 *
 * Source: hendrycks/math 985bdc16, modeling/math_equivalence.py; OpenCompass a5acc4bb,
 * datasets/math.py (_strip_string), which differs where the exceptions come from.
 */
#include "tasks/math_rules.h"
#include "tasks/python_text.h"

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
static bool cut_units(struct rule_text *t)
{
    const struct cril_bytes text = cril_rule_bytes(t);
    const size_t at = cril_rule_find(text, 0, "\\text{ ");

    if (at == SIZE_MAX)
        return true;
    if (cril_rule_find(text, at + 1, "\\text{ ") != SIZE_MAX)
        return false;
    t->n = at;
    return true;
}

void cril_math_fix_lead(struct rule_text *t)
{
    struct cril_bytes text = cril_rule_bytes(t);
    struct rule_text lead = {0};
    size_t equals = 0;

    if (text.len && *text.data == '.') {
        cril_rule_add(&lead, "0");
        cril_rule_append(&lead, text);
        cril_rule_take(t, &lead);
    }
    text = cril_rule_bytes(t);
    if (count(text, '=', &equals) == 1 && cril_rule_length(cril_rule_part(text, 0, equals)) <= 2)
        cril_rule_set(t, cril_rule_part(text, equals + 1, text.len));
}

/* "\sqrt3" to "\sqrt{3}", one character. "\sqrt" at the end: the original gives up. */
static bool fix_roots(struct rule_text *t)
{
    static const char root[] = "\\sqrt";
    const struct cril_bytes old = cril_rule_bytes(t);
    struct rule_text fixed = {0};
    size_t from = 0, at;

    while ((at = cril_rule_find(old, from, root)) != SIZE_MAX) {
        at += strlen(root);
        cril_rule_append(&fixed, cril_rule_part(old, from, at));
        from = at;
        if (at == old.len || cril_bytes_start_with(cril_rule_part(old, at, old.len), root))
            break;
        if (old.data[at] == '{')
            continue;
        from = at + cril_rule_width(old, at);
        cril_rule_add(&fixed, "{");
        cril_rule_append(&fixed, cril_rule_part(old, at, from));
        cril_rule_add(&fixed, "}");
    }
    if (at != SIZE_MAX) {
        cril_rule_free(&fixed);
        return false;
    }
    cril_rule_append(&fixed, cril_rule_part(old, from, old.len));
    cril_rule_take(t, &fixed);
    return true;
}

/* Appends what lies between one "\frac" and the next, with braces. False: it is a lone character.
 */
static bool add_fraction(struct rule_text *out, struct cril_bytes rest)
{
    size_t a, b;

    if (rest.len && *rest.data == '{') {
        cril_rule_append(out, rest);
        return true;
    }
    a = rest.len ? cril_rule_width(rest, 0) : 0;
    if (a == rest.len)
        return false;
    b = cril_rule_width(rest, a);
    cril_rule_add(out, "{");
    cril_rule_append(out, cril_rule_part(rest, 0, a));
    cril_rule_add(out, "}");
    if (rest.data[a] == '{') {
        cril_rule_append(out, cril_rule_part(rest, a, rest.len));
        return true;
    }
    cril_rule_add(out, "{");
    cril_rule_append(out, cril_rule_part(rest, a, a + b));
    cril_rule_add(out, "}");
    cril_rule_append(out, cril_rule_part(rest, a + b, rest.len));
    return true;
}

/* A lone character behind a "\frac" leaves all as it was. Nothing behind it: hendrycks/math gives
 * up, OpenCompass leaves all as it was. */
bool cril_math_fix_fracs(struct rule_text *t, enum cril_hendrycks version)
{
    static const char frac[] = "\\frac";
    const struct cril_bytes old = cril_rule_bytes(t);
    struct rule_text fixed = {0};
    size_t at = cril_rule_find(old, 0, frac), next;

    if (at == SIZE_MAX)
        return true;
    cril_rule_append(&fixed, cril_rule_part(old, 0, at));
    for (; at != SIZE_MAX; at = next) {
        const size_t start = at + strlen(frac);

        next = cril_rule_find(old, start, frac);
        cril_rule_add(&fixed, frac);
        if (!add_fraction(&fixed, cril_rule_part(old, start, next == SIZE_MAX ? old.len : next))) {
            const bool lone = next == SIZE_MAX ? start < old.len : start < next;

            cril_rule_free(&fixed);
            return lone || version == CRIL_HENDRYCKS_OPENCOMPASS;
        }
    }
    cril_rule_take(t, &fixed);
    return true;
}

/* "a/b" to "\frac{a}{b}" where both are integers as Python writes them. What is no integer makes
 * OpenCompass give up. */
bool cril_math_fix_slash(struct rule_text *t, enum cril_hendrycks version)
{
    const struct cril_bytes old = cril_rule_bytes(t);
    struct rule_text fixed = {0};
    size_t slash = 0;
    bool canonical_a, canonical_b;

    if (count(old, '/', &slash) != 1)
        return true;
    if (!cril_python_is_integer(cril_rule_part(old, 0, slash), &canonical_a) ||
        !cril_python_is_integer(cril_rule_part(old, slash + 1, old.len), &canonical_b))
        return version == CRIL_HENDRYCKS;
    if (!canonical_a || !canonical_b)
        return true;
    cril_rule_add(&fixed, "\\frac{");
    cril_rule_append(&fixed, cril_rule_part(old, 0, slash));
    cril_rule_add(&fixed, "}{");
    cril_rule_append(&fixed, cril_rule_part(old, slash + 1, old.len));
    cril_rule_add(&fixed, "}");
    cril_rule_take(t, &fixed);
    return true;
}

static void delete_commands(struct rule_text *t)
{
    static const char *const edits[][2] = {
        {"\n", ""},     {"\\!", ""},     {"\\\\", "\\"},    {"tfrac", "frac"}, {"dfrac", "frac"},
        {"\\left", ""}, {"\\right", ""}, {"^{\\circ}", ""}, {"^\\circ", ""},   {"\\$", ""},
    };

    for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++)
        cril_rule_replace(t, edits[i][0], edits[i][1]);
}

bool cril_hendrycks_normal(struct rule_text *t, enum cril_hendrycks version)
{
    delete_commands(t);
    if (!cut_units(t))
        return false;
    for (int i = 0; i < 2; i++) /* the second time, what the first has put together */
        cril_rule_replace(t, "\\%", "");
    cril_rule_replace(t, " .", " 0.");
    cril_rule_replace(t, "{.", "{0.");
    if (!t->n)
        return true;
    cril_math_fix_lead(t);
    if (!fix_roots(t))
        return false;
    cril_rule_replace(t, " ", "");
    if (!cril_math_fix_fracs(t, version))
        return false;
    if (cril_bytes_are(cril_rule_bytes(t), "0.5"))
        cril_rule_set(t, cril_bytes_of("\\frac{1}{2}"));
    return cril_math_fix_slash(t, version);
}

bool cril_hendrycks_equal(struct cril_bytes a, struct cril_bytes b, bool *failed)
{
    struct rule_text x = {0}, y = {0};
    bool same;

    cril_rule_set(&x, a);
    cril_rule_set(&y, b);
    if (cril_hendrycks_normal(&x, CRIL_HENDRYCKS) && cril_hendrycks_normal(&y, CRIL_HENDRYCKS))
        same = cril_bytes_same(cril_rule_bytes(&x), cril_rule_bytes(&y));
    else
        same = cril_bytes_same(a, b);
    *failed = *failed || x.failed || y.failed;
    cril_rule_free(&x);
    cril_rule_free(&y);
    return same;
}
