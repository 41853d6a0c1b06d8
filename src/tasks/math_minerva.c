/*
 * The Minerva paper's normal form of a final answer, in the three forms that programs use.
 *
 * All replace plain substrings in a fixed order: a unit word is also deleted inside a command, but
 * for lm-evaluation-harness 0.4.13, which spares commands.
 *
 * Source: Lewkowycz et al. 2022, appendix D, listing 1; lm-evaluation-harness 0.4.12 and 0.4.13,
 * tasks/minerva_math/utils.py; OpenCompass a5acc4bb, datasets/math.py (normalize_final_answer).
 */
#include "tasks/math_rules.h"
#include "tasks/python_text.h"
#include "util/utf8.h"

#include <ctype.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- Substrings ---- */

static const char *const edits[][2] = {
    {"an ", ""},          {"a ", ""},
    {".$", "$"},          {"\\$", ""},
    {"\\ ", ""},          {" ", ""},
    {"mbox", "text"},     {",\\text{and}", ","},
    {"\\text{and}", ","}, {"\\text{m}", "\\text{}"},
};

static const char *const words[] = {
    "square",          "ways",      "integers", "dollars", "mph",
    "inches",          "ft",        "hours",    "km",      "units",
    "\\ldots",         "sue",       "points",   "feet",    "minutes",
    "digits",          "cents",     "degrees",  "cm",      "gm",
    "pounds",          "meters",    "meals",    "edges",   "students",
    "childrentickets", "multiples",
};

static const char *const shells[] = {
    "\\text{s}",  "\\text{.}", "\\text{\ns}",  "\\text{}^2", "\\text{}^3",
    "\\text{\n}", "\\text{}",  "\\mathrm{th}", "^\\circ",    "^{\\circ}",
    "\\;",        ",\\!",      "{,}",          "\"",         "\\dots",
};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The bytes of a command "\letters" at `at`; 0: there is none. */
static size_t command_at(struct cril_bytes text, size_t at)
{
    size_t n = 1;

    if (text.data[at] != '\\')
        return 0;
    while (at + n < text.len && is_letter(text.data[at + n]))
        n++;
    return n > 1 ? n : 0;
}

/* Deletes word outside of commands. */
static void delete_outside(struct cril_str *t, const char *word)
{
    const struct cril_bytes old = cril_str_bytes(t);
    const size_t len = strlen(word);
    size_t n = 0;

    for (size_t i = 0; i < old.len;) {
        const size_t command = command_at(old, i);

        if (!command && old.data[i] == *word && old.len - i >= len &&
            !memcmp(old.data + i, word, len)) {
            i += len;
            continue;
        }
        for (size_t end = i + (command ? command : 1); i < end;)
            t->data[n++] = old.data[i++];
    }
    t->n = n;
}

static bool is_unit(struct cril_bytes word)
{
    for (size_t i = 0; i < COUNT(words); i++)
        if (is_letter(*words[i]) && cril_bytes_are(word, words[i]))
            return true;
    return false;
}

/* Deletes units that are whole words and no commands. */
static void delete_units(struct cril_str *t)
{
    const struct cril_bytes old = cril_str_bytes(t);
    struct cril_str kept = {0};
    size_t from = 0, start, end;

    for (; cril_python_next_word(old, from, &start, &end); from = end) {
        const bool unit =
            is_unit(cril_str_part(old, start, end)) && (!start || old.data[start - 1] != '\\');

        cril_str_append(&kept, cril_str_part(old, from, unit ? start : end));
    }
    cril_str_append(&kept, cril_str_part(old, from, old.len));
    cril_str_take(t, &kept);
}

static void replace_substrings(struct cril_str *t, enum cril_minerva version)
{
    if (version == CRIL_MINERVA_0_4_13)
        delete_units(t);
    for (size_t i = 0; i < COUNT(edits); i++)
        cril_str_replace(t, edits[i][0], edits[i][1]);
    if (version == CRIL_MINERVA_OPENCOMPASS)
        cril_str_replace(t, "\\le", "<");
    for (size_t i = 0; i < COUNT(words); i++) {
        if (version == CRIL_MINERVA_0_4_13 && is_letter(*words[i]))
            delete_outside(t, words[i]);
        else
            cril_str_replace(t, words[i], "");
    }
    for (size_t i = 0; i < COUNT(shells); i++)
        cril_str_replace(t, shells[i], "");
    if (version == CRIL_MINERVA_OPENCOMPASS) {
        cril_str_replace(t, "\n", "");
        cril_str_replace(t, "\r", "");
        cril_str_replace(t, "\f", "");
    }
}

/* ---- Shells of a line ---- */

/* The last needle in text[from .. to), or SIZE_MAX. */
static size_t last_between(struct cril_bytes text, size_t from, size_t to, const char *needle)
{
    const size_t at = cril_str_find_last(cril_str_part(text, from, to), needle);

    return at == SIZE_MAX ? at : from + at;
}

/*
 * open .. close becomes what is between, where both lie in one line: the nearest close counts, or
 * the last of the line if greedy. Neither a close nor the end of a line is looked for twice, so
 * the time is linear.
 */
static void unwrap(struct cril_str *t, const char *open, const char *close, bool greedy)
{
    const struct cril_bytes old = cril_str_bytes(t);
    struct cril_str bare = {0};
    size_t from = 0, at = 0, shut = 0, line = 0;

    while ((at = cril_str_find(old, at, open)) != SIZE_MAX) {
        const size_t start = at + strlen(open);

        if (line < start) {
            line = cril_str_find(old, start, "\n");
            line = line == SIZE_MAX ? old.len : line;
        }
        if (shut < start || greedy)
            shut =
                greedy ? last_between(old, start, line, close) : cril_str_find(old, start, close);
        if (shut == SIZE_MAX && !greedy)
            break;
        if (shut == SIZE_MAX || shut > line) { /* nor do later ones of the line find a close */
            at = line;
            shut = greedy ? 0 : shut;
            continue;
        }
        cril_str_append(&bare, cril_str_part(old, from, at));
        cril_str_append(&bare, cril_str_part(old, start, shut));
        from = at = shut + strlen(close);
    }
    if (!from)
        return;
    cril_str_append(&bare, cril_str_part(old, from, old.len));
    cril_str_take(t, &bare);
}

/* Of each line with two '$' or more, what the first two enclose. */
static void keep_formulas(struct cril_str *t)
{
    const struct cril_bytes old = cril_str_bytes(t);
    struct cril_str kept = {0};

    for (size_t from = 0, end; from < old.len; from = end) {
        size_t a, b;

        end = cril_str_find(old, from, "\n");
        end = end == SIZE_MAX ? old.len : end;
        a = cril_str_find(cril_str_part(old, 0, end), from, "$");
        b = a == SIZE_MAX ? a : cril_str_find(cril_str_part(old, 0, end), a + 1, "$");
        cril_str_append(&kept, b == SIZE_MAX ? cril_str_part(old, from, end)
                                             : cril_str_part(old, a, b + 1));
        if (end < old.len)
            cril_str_append(&kept, cril_str_part(old, end, end + 1));
        end += end < old.len;
    }
    cril_str_take(t, &kept);
}

/* ---- What OpenCompass looks for in a sentence ---- */

static void keep_after(struct cril_str *t, size_t at, size_t len)
{
    if (at != SIZE_MAX)
        cril_str_set(t, cril_str_part(cril_str_bytes(t), at + len, t->n));
}

/* What follows the first "answeris", with or without its 'r', and a colon. */
static void keep_after_answer(struct cril_str *t)
{
    const struct cril_bytes text = cril_str_bytes(t);
    size_t at = cril_str_find(text, 0, "answeis"), len = strlen("answeis"), full;

    if ((full = cril_str_find(text, 0, "answeris")) < at) {
        at = full;
        len = strlen("answeris");
    }
    if (at != SIZE_MAX && at + len < text.len && text.data[at + len] == ':')
        len++;
    keep_after(t, at, len);
}

/* The last open .. close, taken from left to right, becomes all of t. */
static void keep_last(struct cril_str *t, const char *open, const char *close)
{
    const struct cril_bytes text = cril_str_bytes(t);
    struct cril_bytes found = {0};
    size_t at = 0, shut;

    while ((at = cril_str_find(text, at, open)) != SIZE_MAX &&
           (shut = cril_str_find(text, at + strlen(open), close)) != SIZE_MAX) {
        found = cril_str_part(text, at + strlen(open), shut);
        at = shut + strlen(close);
    }
    if (found.data)
        cril_str_set(t, found);
}

static void find_in_sentence(struct cril_str *t)
{
    keep_after(t, cril_str_find(cril_str_bytes(t), 0, "finalansweris"), strlen("finalansweris"));
    keep_after_answer(t);
    keep_last(t, "oxed{", "}");
    keep_last(t, "$", "$");
    cril_str_set(t, cril_python_strip(cril_str_bytes(t)));
    if (cril_str_find(cril_str_bytes(t), 0, "\\frac") == SIZE_MAX)
        cril_str_replace(t, "rac", "\\frac");
}

/* ---- Shorthand ---- */

static void add_braced(struct cril_str *t, struct cril_bytes text)
{
    cril_str_add(t, "{");
    cril_str_append(t, text);
    cril_str_add(t, "}");
}

/* "fracab" to "frac{a}{b}": a is no '{', b no line feed. */
static void brace_fractions(struct cril_str *t)
{
    static const char frac[] = "frac";
    const struct cril_bytes old = cril_str_bytes(t);
    struct cril_str braced = {0};
    size_t from = 0, at = 0;

    while ((at = cril_str_find(old, at, frac)) != SIZE_MAX) {
        const size_t a = at + strlen(frac), b = a + cril_str_width(old, a),
                     end = b + cril_str_width(old, b);

        at = a;
        if (end == b || old.data[a] == '{' || old.data[b] == '\n')
            continue;
        cril_str_append(&braced, cril_str_part(old, from, a));
        add_braced(&braced, cril_str_part(old, a, b));
        add_braced(&braced, cril_str_part(old, b, end));
        from = at = end;
    }
    cril_str_append(&braced, cril_str_part(old, from, old.len));
    cril_str_take(t, &braced);
}

/* "\sqrt[3]a" to "\sqrt[3]{a}", a a word character. No bracket: nor has a later root one. */
static void brace_indexed_roots(struct cril_str *t)
{
    static const char root[] = "sqrt[";
    const struct cril_bytes old = cril_str_bytes(t);
    struct cril_str braced = {0};
    size_t from = 0, at = 0, shut = 0;

    while ((at = cril_str_find(old, at, root)) != SIZE_MAX) {
        size_t n;
        uint32_t code;

        at += strlen(root);
        if (shut < at && (shut = cril_str_find(old, at, "]")) == SIZE_MAX)
            break;
        if (!(n = cril_str_width(old, shut + 1)))
            continue;
        cril_utf8_read(old.data + shut + 1, n, &code);
        if (!cril_python_is_word(code))
            continue;
        cril_str_append(&braced, cril_str_part(old, from, shut + 1));
        add_braced(&braced, cril_str_part(old, shut + 1, shut + 1 + n));
        from = at = shut + 1 + n;
    }
    cril_str_append(&braced, cril_str_part(old, from, old.len));
    cril_str_take(t, &braced);
}

/* "sqrta" to "sqrt{a}"; with spare_index "sqrt[" stays. */
static void brace_roots(struct cril_str *t, bool spare_index)
{
    static const char root[] = "sqrt";
    const struct cril_bytes old = cril_str_bytes(t);
    struct cril_str braced = {0};
    size_t from = 0, at = 0;

    while ((at = cril_str_find(old, at, root)) != SIZE_MAX) {
        const size_t a = at + strlen(root), end = a + cril_str_width(old, a);

        at = a;
        if (end == a || old.data[a] == '{' || (spare_index && old.data[a] == '['))
            continue;
        cril_str_append(&braced, cril_str_part(old, from, a));
        add_braced(&braced, cril_str_part(old, a, end));
        from = at = end;
    }
    cril_str_append(&braced, cril_str_part(old, from, old.len));
    cril_str_take(t, &braced);
}

/* ---- Commas ---- */

/* Digits of any kind, one or more, and commas. */
static bool is_digits_and_commas(struct cril_bytes text)
{
    bool digit = false;
    uint32_t code;

    for (size_t i = 0; i < text.len;) {
        i += cril_utf8_read(text.data + i, text.len - i, &code);
        if (code == ',')
            continue;
        if (!cril_python_is_digit(code))
            return false;
        digit = true;
    }
    return digit;
}

/* -1,234,567: one to three digits, then groups of three, at least one. */
static bool is_grouped(struct cril_bytes text)
{
    size_t digits = 0, groups = 0;
    uint32_t code;

    for (size_t i = text.len && *text.data == '-'; i < text.len;) {
        i += cril_utf8_read(text.data + i, text.len - i, &code);
        if (code == ',') {
            if (groups ? digits != 3 : digits < 1 || digits > 3)
                return false;
            groups++;
            digits = 0;
        } else if (cril_python_decimal(code) >= 0) {
            digits++;
        } else {
            return false;
        }
    }
    return groups && digits == 3;
}

/* ---- The whole ---- */

void cril_minerva_normal(struct cril_str *t, enum cril_minerva version)
{
    if (version != CRIL_MINERVA_OPENCOMPASS)
        cril_str_set(t, cril_str_after_last(cril_str_bytes(t), "="));
    replace_substrings(t, version);
    if (version == CRIL_MINERVA_OPENCOMPASS)
        unwrap(t, "\\text{(", ")}", false);
    else
        keep_formulas(t);
    unwrap(t, "\\text{", "}", false);
    unwrap(t, "\\textbf{", "}", false);
    unwrap(t, "\\overline{", "}", false);
    unwrap(t, "\\boxed{", "}", true);
    if (version == CRIL_MINERVA_OPENCOMPASS)
        find_in_sentence(t);
    brace_fractions(t);
    if (version == CRIL_MINERVA_0_4_13)
        brace_indexed_roots(t);
    brace_roots(t, version == CRIL_MINERVA_0_4_13);
    cril_str_replace(t, "$", "");
    if (version == CRIL_MINERVA_0_4_13 ? is_grouped(cril_str_bytes(t))
                                       : is_digits_and_commas(cril_str_bytes(t)))
        cril_str_replace(t, ",", "");
}

/*
 * "Final Answer: The final answer is" .. one character, " I hope it is correct" and one character,
 * all in one line. The text is given the second sentence, so that one that ends in a blank after
 * the answer's full stop has it too. Every start in a line finds the same end or none.
 */
void cril_minerva_answer(struct cril_str *t, struct cril_bytes text)
{
    static const char head[] = "Final Answer: The final answer is",
                      tail[] = " I hope it is correct";
    struct cril_str whole = {0};
    struct cril_bytes all, found = {0};
    size_t at = 0, end = 0, line;

    cril_str_append(&whole, text);
    cril_str_add(&whole, "I hope it is correct.");
    all = cril_str_bytes(&whole);
    while (!found.data && (at = cril_str_find(all, at, head)) != SIZE_MAX) {
        size_t start = at + strlen(head);
        uint32_t code;

        line = cril_str_find(all, start, "\n");
        line = line == SIZE_MAX ? all.len : line;
        for (end = start; (end = cril_str_find(cril_str_part(all, 0, line), end, tail)) != SIZE_MAX;
             end++)
            if (end > start && end + strlen(tail) < line)
                break;
        if (end != SIZE_MAX)
            found = cril_python_strip(
                cril_str_part(all, start, cril_utf8_read_back(all.data, end, &code)));
        at = line;
    }
    cril_str_set(t, found.data ? found : cril_bytes_of("[invalidanswer]"));
    t->failed = t->failed || whole.failed;
    cril_str_free(&whole);
}
