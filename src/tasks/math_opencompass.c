/*
 * MATH as OpenCompass judges it: which answer it finds in a text, and its two versions of equality.
 *
 * Source: OpenCompass a5acc4bb, datasets/math.py: math_postprocess and math_postprocess_v2,
 * MATHEvaluator versions v1 and v2.
 */
#include "tasks/math_rules.h"
#include "tasks/python_text.h"
#include "util/utf8.h"

/* ---- Finding the answer ---- */

/* Whether text holds words, in any case. No character outside of ASCII has one of their letters as
 * its lower case. */
static bool says(struct cril_bytes text, const char *words)
{
    for (size_t i = 0; i < text.len; i++)
        if (cril_str_starts_caseless(cril_str_part(text, i, text.len), words))
            return true;
    return false;
}

/* The first piece between full stops that announces the answer, else the first piece. */
static struct cril_bytes find_sentence(struct cril_bytes text, enum cril_opencompass version)
{
    struct cril_bytes first = {0};

    for (size_t from = 0, end; from <= text.len; from = end + 1) {
        struct cril_bytes piece;

        end = cril_str_find(text, from, ".");
        end = end == SIZE_MAX ? text.len : end;
        piece = cril_str_part(text, from, end);
        if (says(piece, "final answer") ||
            (version == CRIL_OPENCOMPASS_V2 && says(piece, "answer is")))
            return piece;
        if (!first.data)
            first = piece;
    }
    return first;
}

/* "{x}" to "x", once, where x has no line feed; one may follow, and goes too. */
static struct cril_bytes strip_braces(struct cril_bytes text)
{
    const size_t end = text.len - (text.len && text.data[text.len - 1] == '\n');

    if (end < 2 || *text.data != '{' || text.data[end - 1] != '}' || memchr(text.data, '\n', end))
        return text;
    return cril_str_part(text, 1, end - 1);
}

void cril_opencompass_answer(struct cril_str *t, struct cril_bytes text,
                             enum cril_opencompass version)
{
    struct cril_bytes box;

    if (version == CRIL_OPENCOMPASS_V2 && cril_math_last_box(text, &box) &&
        (box = strip_braces(box)).len) {
        cril_str_set(t, box);
        return;
    }
    cril_str_set(t, find_sentence(text, version));
    cril_minerva_normal(t, CRIL_MINERVA_OPENCOMPASS);
}

/* ---- The clean-up of v2 ---- */

struct edit {
    const char *before, *after;
};

#define APPLY(t, edits) apply(t, edits, sizeof(edits) / sizeof((edits)[0]))

static void apply(struct cril_str *t, const struct edit *edits, size_t n)
{
    for (size_t i = 0; i < n; i++)
        cril_str_replace(t, edits[i].before, edits[i].after);
}

/* A "\text{" whose brace may be the one that ends the text: a unit, unless it is all there is. */
static void cut_unit(struct cril_str *t)
{
    struct cril_bytes text = cril_str_bytes(t);
    const size_t at = cril_str_find(text, 0, "\\text{");

    if (at != SIZE_MAX && text.data[text.len - 1] == '}')
        text.len = at;
    text = cril_python_strip(text);
    if (text.len)
        cril_str_set(t, text);
}

static void delete_boxes(struct cril_str *t)
{
    static const char open[] = "\\mbox{";
    const struct cril_bytes old = cril_str_bytes(t);
    struct cril_str kept = {0};
    size_t from = 0, at, shut;

    while ((at = cril_str_find(old, from, open)) != SIZE_MAX &&
           (shut = cril_str_find(old, at + strlen(open), "}")) != SIZE_MAX) {
        cril_str_append(&kept, cril_str_part(old, from, at));
        from = shut + 1;
    }
    cril_str_append(&kept, cril_str_part(old, from, old.len));
    cril_str_take(t, &kept);
}

/* Whether ".0", ".00" .. lies at `at`; *end is where it ends. */
static bool is_zero_fraction(struct cril_bytes text, size_t at, size_t *end)
{
    if (text.len - at < 2 || text.data[at] != '.' || text.data[at + 1] != '0')
        return false;
    for (*end = at + 2; *end < text.len && text.data[*end] == '0';)
        ++*end;
    return true;
}

/*
 * "5.00" becomes "5" before what is no digit, or, last, at the end of the text. The character
 * behind the zeros belongs to the match: no digits begin in it.
 */
static void drop_zero_fractions(struct cril_str *t, bool last)
{
    const struct cril_bytes old = cril_str_bytes(t);
    struct cril_str kept = {0};
    size_t from = 0;
    uint32_t code;

    for (size_t at = 0; at < old.len;) {
        const size_t digits = cril_python_digits_end(old, at);
        size_t end;

        if (digits == at) {
            at += cril_utf8_read(old.data + at, old.len - at, &code);
            continue;
        }
        at = digits;
        if (!is_zero_fraction(old, digits, &end) || (end == old.len) != last ||
            cril_python_digits_end(old, end) > end)
            continue;
        cril_str_append(&kept, cril_str_part(old, from, digits));
        from = end;
        at = end < old.len ? end + cril_utf8_read(old.data + end, old.len - end, &code) : end;
    }
    cril_str_append(&kept, cril_str_part(old, from, old.len));
    cril_str_take(t, &kept);
}

/* "\sqrtab" to "\sqrt{ab}": all word characters. */
static void brace_roots(struct cril_str *t)
{
    static const char root[] = "\\sqrt";
    const struct cril_bytes old = cril_str_bytes(t);
    struct cril_str braced = {0};
    size_t from = 0, at = 0;

    while ((at = cril_str_find(old, at, root)) != SIZE_MAX) {
        size_t start, end;

        at += strlen(root);
        if (!cril_python_next_word(cril_str_part(old, 0, old.len), at, &start, &end))
            break;
        if (start > at)
            continue;
        cril_str_append(&braced, cril_str_part(old, from, at));
        cril_str_add(&braced, "{");
        cril_str_append(&braced, cril_str_part(old, start, end));
        cril_str_add(&braced, "}");
        from = at = end;
    }
    cril_str_append(&braced, cril_str_part(old, from, old.len));
    cril_str_take(t, &braced);
}

static void clean_symbols(struct cril_str *t)
{
    static const struct edit commands[] = {
        {"\\!", ""},       {"\\ ", ""},       {"\\\\", "\\"}, {"\\\\", "\\"},
        {"tfrac", "frac"}, {"dfrac", "frac"}, {"\\left", ""}, {"\\right", ""},
    };
    static const struct edit marks[] = {
        {"^{\\circ}", ""},
        {"^\\circ", ""},
        {"\\$", ""},
        {"$", ""},
        {"\\text", ""},
        {"x\\in", ""},
        {"\\%", ""},
        {"\\%", ""},
        {"%", ""},
        {" .", " 0."},
        {"{.", "{0."},
        {"\\cdot", ""},
        {"infinity", "\\infty"},
    };
    static const struct edit rest[] = {
        {"+\\inity", "\\infty"}, /* as the original has it */
        {"and", ""},
        {"\\mathbf", ""},
    };

    APPLY(t, commands);
    cut_unit(t);
    APPLY(t, marks);
    if (cril_str_find(cril_str_bytes(t), 0, "\\infty") == SIZE_MAX)
        cril_str_replace(t, "inf", "\\infty");
    APPLY(t, rest);
    delete_boxes(t);
    if (cril_str_find(cril_str_bytes(t), 0, "i") == SIZE_MAX)
        cril_str_replace(t, "j", "i");
}

/* False: the original raises an exception. */
static bool clean_v2(struct cril_str *t)
{
    cril_str_set(t, cril_python_strip(cril_str_bytes(t)));
    cril_str_replace(t, "\n", "");
    while (t->n && t->data[t->n - 1] == '.')
        t->n--;
    clean_symbols(t);
    drop_zero_fractions(t, false);
    drop_zero_fractions(t, true);
    if (!t->n)
        return true;
    cril_math_fix_lead(t);
    brace_roots(t);
    cril_str_replace(t, " ", "");
    return cril_math_fix_fracs(t, CRIL_HENDRYCKS_OPENCOMPASS) &&
           cril_math_fix_slash(t, CRIL_HENDRYCKS_OPENCOMPASS);
}

/* ---- Equality ---- */

static bool clean(struct cril_str *t, enum cril_opencompass version)
{
    return version == CRIL_OPENCOMPASS_V1 ? cril_hendrycks_normal(t, CRIL_HENDRYCKS_OPENCOMPASS)
                                          : clean_v2(t);
}

static bool same_minerva(struct cril_str *a, struct cril_str *b)
{
    cril_minerva_normal(a, CRIL_MINERVA_OPENCOMPASS);
    cril_minerva_normal(b, CRIL_MINERVA_OPENCOMPASS);
    return cril_bytes_same(cril_str_bytes(a), cril_str_bytes(b));
}

/* Cleaned up, or cleaned up and in Minerva's form, or in Minerva's form alone. The original's last
 * step compares the texts as they are, which adds nothing. */
bool cril_opencompass_equal(struct cril_bytes a, struct cril_bytes b, enum cril_opencompass version,
                            bool *failed)
{
    struct cril_str x = {0}, y = {0};
    bool same;

    cril_str_set(&x, a);
    cril_str_set(&y, b);
    same = clean(&x, version) && clean(&y, version) &&
           (cril_bytes_same(cril_str_bytes(&x), cril_str_bytes(&y)) || same_minerva(&x, &y));
    if (!same) {
        cril_str_set(&x, a);
        cril_str_set(&y, b);
        same = same_minerva(&x, &y);
    }
    *failed = *failed || x.failed || y.failed;
    cril_str_free(&x);
    cril_str_free(&y);
    return same;
}
