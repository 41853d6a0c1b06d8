/*
 * C4's rules: Raffel et al. 2020 (JMLR 21/140), section 2.2, with the names, the bounds and the
 * order of datatrove 0.10 (C4QualityFilter). Lines leave the document and so do citation marks such
 * as [1], so the text changes. Sentences are counted as words.h cuts them.
 */
#include "gather/step.h"

#include "gather/words.h"

#include <string.h>
#include <utf8proc.h>

enum reason {
    LOREM_IPSUM,
    CURLY_BRACKET,
    FEW_SENTENCES,
    N_DROPS,
    LONG_WORD = N_DROPS,
    NO_END,
    FEW_WORDS,
    JAVASCRIPT,
    POLICY,
    KEPT
};

enum { MIN_SENTENCES = 5, MIN_WORDS = 3, MAX_WORD = 1000 };

/* Words between white space, and the longest one. */
static void count_words(const uint32_t *c, size_t n, size_t *words, size_t *longest)
{
    size_t len = 0;

    *words = *longest = 0;
    for (size_t i = 0; i < n; i++) {
        len = cril_code_is_space(c[i]) ? 0 : len + 1;
        *words += len == 1;
        *longest = len > *longest ? len : *longest;
    }
}

static bool starts(const uint32_t *c, size_t n, const char *text)
{
    size_t i = 0;

    while (i < n && text[i] && c[i] == (uint8_t)text[i])
        i++;
    return !text[i];
}

/* Code points of a citation mark at c [n]; 0: there is none. */
static size_t citation(const uint32_t *c, size_t n)
{
    static const char *const marks[] = {"[edit]", "[citation needed]"};
    size_t i = 1;

    if (c[0] != '[')
        return 0;
    for (size_t k = 0; k < sizeof(marks) / sizeof(marks[0]); k++) {
        if (starts(c, n, marks[k]))
            return strlen(marks[k]);
    }
    while (i < n && utf8proc_category((utf8proc_int32_t)c[i]) == UTF8PROC_CATEGORY_ND)
        i++;
    return i < n && c[i] == ']' ? i + 1 : 0;
}

/* c [n] without its citation marks into out; returns how many code points are left. */
static size_t remove_citations(const uint32_t *c, size_t n, uint32_t *out)
{
    size_t kept = 0;

    for (size_t i = 0, mark; i < n; i += mark ? mark : 1) {
        mark = citation(c + i, n - i);
        if (!mark)
            out[kept++] = c[i];
    }
    return kept;
}

static bool contains(const uint32_t *c, size_t n, const char *text)
{
    const size_t len = strlen(text);

    for (size_t i = 0; i + len <= n; i++) {
        size_t k = 0;

        while (k < len && cril_code_lower(c[i + k]) == (uint8_t)text[k])
            k++;
        if (k == len)
            return true;
    }
    return false;
}

static bool has_policy(const uint32_t *c, size_t n)
{
    static const char *const phrases[] = {"terms of use", "privacy policy", "cookie policy",
                                          "uses cookies", "use of cookies", "use cookies"};

    for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++) {
        if (contains(c, n, phrases[i]))
            return true;
    }
    return false;
}

static bool ends_sentence(const uint32_t *c, size_t n)
{
    const uint32_t last = n ? c[n - 1] : 0;

    if (last == '.')
        return !(n >= 3 && c[n - 2] == '.' && c[n - 3] == '.');
    return last == '?' || last == '!' || last == '"' || last == '\'';
}

/* What becomes of a line without its citations, which had so many words. */
static enum reason judge_line(const uint32_t *c, size_t n, size_t words)
{
    if (!ends_sentence(c, n))
        return NO_END;
    if (words < MIN_WORDS)
        return FEW_WORDS;
    if (contains(c, n, "lorem ipsum"))
        return LOREM_IPSUM;
    if (contains(c, n, "javascript"))
        return JAVASCRIPT;
    for (size_t i = 0; i < n; i++) {
        if (c[i] == '{')
            return CURLY_BRACKET;
    }
    return has_policy(c, n) ? POLICY : KEPT;
}

/* The document's lines that stay into out, [*n_out]. KEPT, or why it is dropped. Counts lines in
 * by. */
static enum reason filter(const struct cril_draft *d, uint32_t *out, size_t *n_out,
                          struct cril_span *room, uint64_t *by)
{
    size_t sentences = 0, end = 0, longest, words;

    for (size_t at = 0; at < d->n_codes;) {
        const struct cril_span s =
            cril_codes_strip(d->codes, cril_codes_line(d->codes, d->n_codes, &at));
        const size_t start = end ? end + 1 : 0;
        enum reason why = LONG_WORD;
        size_t n = 0;

        count_words(d->codes + s.at, s.n, &words, &longest);
        if (longest <= MAX_WORD) {
            n = remove_citations(d->codes + s.at, s.n, out + start);
            why = judge_line(out + start, n, words);
        }
        if (why < N_DROPS)
            return why;
        if (why != KEPT) {
            by[why]++;
            continue;
        }
        sentences += cril_sentences(out + start, room, cril_words(out + start, n, room));
        if (end)
            out[end] = '\n';
        end = start + n;
    }
    *n_out = end;
    return sentences < MIN_SENTENCES ? FEW_SENTENCES : KEPT;
}

static cril_status apply(void *run, struct cril_draft *d, uint64_t *by, bool *keep, cril_error *err)
{
    uint64_t lines[KEPT] = {0};
    struct cril_span *room, s = {0};
    enum reason why;
    uint32_t *out;
    cril_status st;
    char *text;

    (void)run;
    if ((st = cril_draft_codes(d, err)) != CRIL_OK)
        return st;
    /* A line end of the text is before each line but the first, so that the lines and their ends
     * have room. */
    if (!(out = cril_draft_work(d, 0, d->n_codes + 1, sizeof(*out), err)) ||
        !(room = cril_draft_work(d, 1, d->n_codes, sizeof(*room), err)))
        return CRIL_ERR_NOMEM;
    why = filter(d, out, &s.n, room, lines);
    *keep = why == KEPT;
    if (!*keep) {
        by[why]++;
        return CRIL_OK;
    }
    for (int i = N_DROPS; i < KEPT; i++)
        by[i] += lines[i];
    s = cril_codes_strip(out, s);
    if (!(text = cril_draft_room(d, 4 * s.n, err)))
        return CRIL_ERR_NOMEM;
    s.n = cril_codes_write(out + s.at, s.n, text);
    if (s.n != d->len || memcmp(text, d->text, s.n) != 0)
        cril_draft_take(d, text, s.n);
    return CRIL_OK;
}

const struct cril_step cril_step_c4 = {
    .name = "c4",
    .what = "Lines that end no sentence and lines of boilerplate were removed, and documents "
            "dropped that hold code or fewer than 5 sentences, by C4's rules.",
    .kinds = CRIL_STEP_PROSE | CRIL_STEP_JSONL,
    .reasons = {"lorem_ipsum", "curly_bracket", "too_few_sentences", "line-filter-too_long_word",
                "line-filter-no_terminal_punc", "line-filter-too_few_words",
                "line-filter-javascript", "line-filter-policy"},
    .n_drops = N_DROPS,
    .apply = apply,
};
