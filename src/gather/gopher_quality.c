/*
 * Gopher's rules on the words of a document: Rae et al. 2021 (arXiv 2112.11446), appendix A1.1,
 * with the names, the bounds and the order of datatrove 0.10 (GopherQualityFilter). Stop words are
 * English.
 */
#include "gather/step.h"

#include <string.h>

enum reason {
    SHORT_DOC,
    LONG_DOC,
    BELOW_AVERAGE,
    ABOVE_AVERAGE,
    HASHES,
    ELLIPSIS,
    BULLETS,
    END_ELLIPSIS,
    BELOW_ALPHA,
    STOP_WORDS,
    NONE
};

enum { DOTS = 3, ELLIPSIS_CODE = 0x2026, BULLET_CODE = 0x2022 };

/* What the words say. */
struct of_words {
    size_t n;           /* words */
    size_t n_spoken;    /* those that have more than marks */
    size_t spoken_code; /* code points in those */
    size_t n_alphabetic;
    unsigned stop_words; /* a bit for each that was seen */
};

/* The bit of a stop word. */
static unsigned stop_word(const uint32_t *c, size_t n)
{
    static const char *const stop_words[] = {"the", "be",   "to",   "of",
                                             "and", "that", "have", "with"};

    for (unsigned i = 0; n <= 4 && i < sizeof(stop_words) / sizeof(stop_words[0]); i++) {
        size_t k = 0;

        while (k < n && stop_words[i][k] && c[k] == (uint8_t)stop_words[i][k])
            k++;
        if (k == n && !stop_words[i][n])
            return 1u << i;
    }
    return 0;
}

static struct of_words look_at_words(const struct cril_draft *d)
{
    struct of_words w = {.n = d->n_words};

    for (size_t i = 0; i < d->n_words; i++) {
        const uint32_t *c = d->codes + d->words[i].at;
        const size_t n = d->words[i].n;
        unsigned any = 0, all = ~0u;

        for (size_t k = 0; k < n; k++) {
            const unsigned kinds = cril_code_kinds(c[k]);

            any |= kinds;
            all &= kinds;
        }
        if (!(all & CRIL_CODE_SYMBOL)) {
            w.n_spoken++;
            w.spoken_code += n;
        }
        w.n_alphabetic += (any & CRIL_CODE_LETTER) != 0;
        w.stop_words |= stop_word(c, n);
    }
    return w;
}

/* "..." from left to right without overlap, and U+2026. */
static void count_symbols(const struct cril_draft *d, size_t *hashes, size_t *ellipses)
{
    size_t dots = 0;

    for (size_t i = 0; i < d->n_codes; i++) {
        dots = d->codes[i] == '.' ? dots + 1 : 0;
        *hashes += d->codes[i] == '#';
        *ellipses += d->codes[i] == ELLIPSIS_CODE;
        if (dots == DOTS) {
            ++*ellipses;
            dots = 0;
        }
    }
}

static bool ends_in_ellipsis(const uint32_t *c, size_t n)
{
    return n && (c[n - 1] == ELLIPSIS_CODE ||
                 (n >= DOTS && c[n - 1] == '.' && c[n - 2] == '.' && c[n - 3] == '.'));
}

struct of_lines {
    size_t n, n_bullets, n_ellipses;
};

static struct of_lines look_at_lines(const struct cril_draft *d)
{
    struct of_lines l = {0};

    for (size_t at = 0; at < d->n_codes; l.n++) {
        const struct cril_span s =
            cril_codes_strip(d->codes, cril_codes_line(d->codes, d->n_codes, &at));
        const uint32_t first = s.n ? d->codes[s.at] : 0;

        l.n_bullets += first == BULLET_CODE || first == '-';
        l.n_ellipses += ends_in_ellipsis(d->codes + s.at, s.n);
    }
    return l;
}

static double ratio(size_t part, size_t whole)
{
    return (double)part / (double)whole;
}

static bool has_two(unsigned bits)
{
    return (bits & (bits - 1)) != 0;
}

static enum reason judge(const struct cril_draft *d)
{
    const struct of_words w = look_at_words(d);
    size_t hashes = 0, ellipses = 0;
    struct of_lines l;

    if (w.n_spoken < 50)
        return SHORT_DOC;
    if (w.n_spoken > 100000)
        return LONG_DOC;
    if (ratio(w.spoken_code, w.n_spoken) < 3)
        return BELOW_AVERAGE;
    if (ratio(w.spoken_code, w.n_spoken) > 10)
        return ABOVE_AVERAGE;
    count_symbols(d, &hashes, &ellipses);
    if (ratio(hashes, w.n) > 0.1)
        return HASHES;
    if (ratio(ellipses, w.n) > 0.1)
        return ELLIPSIS;
    l = look_at_lines(d);
    if (ratio(l.n_bullets, l.n) > 0.9)
        return BULLETS;
    if (ratio(l.n_ellipses, l.n) > 0.3)
        return END_ELLIPSIS;
    if (ratio(w.n_alphabetic, w.n) < 0.8)
        return BELOW_ALPHA;
    if (!has_two(w.stop_words))
        return STOP_WORDS;
    return NONE;
}

static cril_status apply(void *run, struct cril_draft *d, uint64_t *by, bool *keep, cril_error *err)
{
    const cril_status st = cril_draft_words(d, err);
    enum reason why;

    (void)run;
    if (st != CRIL_OK)
        return st;
    why = judge(d);
    *keep = why == NONE;
    if (!*keep)
        by[why]++;
    return CRIL_OK;
}

const struct cril_step cril_step_gopher_quality = {
    .name = "gopher_quality",
    .what = "Documents were dropped whose words or lines are unlike English prose, by Gopher's "
            "rules.",
    .kinds = CRIL_STEP_PROSE | CRIL_STEP_JSONL,
    .on = CRIL_STEP_WEB,
    .reasons = {"gopher_short_doc", "gopher_long_doc", "gopher_below_avg_threshold",
                "gopher_above_avg_threshold", "gopher_too_many_hashes", "gopher_too_many_ellipsis",
                "gopher_too_many_bullets", "gopher_too_many_end_ellipsis",
                "gopher_below_alpha_threshold", "gopher_enough_stop_words"},
    .n_drops = NONE,
    .apply = apply,
};
