/*
 * Words: see words.h. Between white space there is a chunk. Marks leave it one by one at both ends
 * (affixes), until none is left or the rest is known to be whole: an abbreviation with its full
 * stop, a contraction, an address. What remains is cut at marks between letters (infixes).
 */
#include "gather/words.h"

#include <string.h>

/* Where the words of a text go. */
struct out {
    struct cril_span *words;
    size_t n;
};

static void put(struct out *o, size_t at, size_t end)
{
    if (end > at)
        o->words[o->n++] = (struct cril_span){at, end - at};
}

static bool is(uint32_t code, unsigned kinds)
{
    return (cril_code_kinds(code) & kinds) != 0;
}

static bool is_lower(uint32_t code)
{
    return (cril_code_kinds(code) & (CRIL_CODE_LETTER | CRIL_CODE_UPPER)) == CRIL_CODE_LETTER;
}

static bool is_apostrophe(uint32_t code)
{
    return code == '\'' || code == 0x2019;
}

/* codes [n] are text, where an apostrophe of the text may be a curly one. */
static bool reads(const uint32_t *codes, size_t n, const char *text)
{
    for (size_t i = 0; i < n; i++) {
        if (!text[i] ||
            (codes[i] != (uint8_t)text[i] && !(text[i] == '\'' && is_apostrophe(codes[i]))))
            return false;
    }
    return !text[n];
}

/* Words that no mark leaves or cuts. In the order of their bytes. */
static const char *const wholes[] = {
    "Adm.",  "Ala.",  "Apr.",  "Ariz.", "Ark.",   "Aug.",  "Bros.", "C++",   "Calif.", "Co.",
    "Colo.", "Conn.", "Corp.", "Dec.",  "Del.",   "Dr.",   "Feb.",  "Fla.",  "Ga.",    "Gen.",
    "Gov.",  "Ill.",  "Inc.",  "Ind.",  "Jan.",   "Jr.",   "Jul.",  "Jun.",  "Kan.",   "Ky.",
    "La.",   "Ltd.",  "Mar.",  "Mass.", "Md.",    "Mich.", "Minn.", "Miss.", "Mo.",    "Mont.",
    "Mr.",   "Mrs.",  "Ms.",   "Mt.",   "Neb.",   "Nev.",  "Nov.",  "Oct.",  "Okla.",  "Ore.",
    "Pa.",   "Ph.D.", "Prof.", "Rep.",  "Rev.",   "Sen.",  "Sep.",  "Sept.", "St.",    "Tenn.",
    "Va.",   "Wash.", "Wis.",  "a.m.",  "and/or", "co.",   "e.g.",  "i.e.",  "ma'am",  "o'clock",
    "p.m.",  "vs.",   "w/o"};

/* < 0, 0, > 0 as codes [n] come before text, are it, or come after it. */
static int compare(const uint32_t *codes, size_t n, const char *text)
{
    for (size_t i = 0; i < n; i++) {
        if (!text[i] || codes[i] != (uint8_t)text[i])
            return codes[i] < (uint8_t)text[i] ? -1 : 1;
    }
    return text[n] ? -1 : 0;
}

/* One of the table, or a small letter and its full stop. */
static bool is_listed(const uint32_t *c, size_t n)
{
    size_t low = 0, high = sizeof(wholes) / sizeof(wholes[0]);

    if (n < 2 || n > 7)
        return false;
    if (n == 2 && c[1] == '.' && c[0] >= 'a' && c[0] <= 'z')
        return true;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int d = compare(c, n, wholes[middle]);

        if (!d)
            return true;
        if (d < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return false;
}

/* Contractions: an end, which is a word of its own, and the stems that it may follow, with a
 * capital or not. Where the end has an apostrophe, it may be left out, but not where that makes
 * another word. */
enum { STEM_BYTES = 7, N_STEMS = 24 };
#define ASKING "what", "when", "where", "why", "how", "there", "that"
#define NEGATED                                                                                    \
    "ca", "could", "do", "does", "did", "had", "may", "might", "must", "need", "ought", "sha",     \
        "should", "wo", "would", "ai", "are", "is", "was", "were", "have", "has", "dare"
static const struct contraction {
    const char *end;
    size_t n_end;
    char stems[N_STEMS][STEM_BYTES]; /* then "" */
} contractions[] = {
    {"'s", 2, {"he", "she", "it", "who", ASKING, "this", "let"}},
    {"'d", 2, {"i", "you", "we", "they", "he", "she", "it", "who", ASKING, "this"}},
    {"n't", 3, {NEGATED}},
    {"nt", 2, {NEGATED}},
    {"'re", 3, {"you", "we", "they", "who", ASKING, "this", "these", "those"}},
    {"'ve",
     3,
     {"i", "you", "we", "they", "who", ASKING, "could", "might", "must", "should", "would", "not"}},
    {"'ll",
     3,
     {"i", "you", "he", "she", "it", "we", "they", "who", ASKING, "this", "these", "those"}},
    {"'m", 2, {"i"}},
    {"not", 3, {"can"}},
    {"na", 2, {"gon"}},
    {"ta", 2, {"got"}},
};

enum { MAX_CONTRACTION = 9 }; /* code points: shouldn't */

/* Words and not contractions. */
static const char no_contractions[N_STEMS][STEM_BYTES] = {"ill",  "its",  "hell",  "shell", "shed",
                                                          "were", "well", "whore", "lets"};

/* c [n >= 1] are a word of the list; the first letter may be a capital. */
static bool is_in(const uint32_t *c, size_t n, const char list[N_STEMS][STEM_BYTES])
{
    const uint32_t first = c[0] >= 'A' && c[0] <= 'Z' ? c[0] | 0x20 : c[0];

    for (size_t k = 0; k < N_STEMS && *list[k]; k++) {
        size_t i = first == (uint8_t)list[k][0];

        while (i && i < n && list[k][i] && c[i] == (uint8_t)list[k][i])
            i++;
        if (i == n && !list[k][i])
            return true;
    }
    return false;
}

/* Code points of the end of c [n] that are the contraction's, with its apostrophe or without; 0: it
 * ends otherwise. */
static size_t end_of(const uint32_t *c, size_t n, const struct contraction *k)
{
    const size_t apostrophe = *k->end == '\'', len = k->n_end - apostrophe;
    const uint32_t *p;

    if (n <= len || c[n - 1] != (uint8_t)k->end[k->n_end - 1])
        return 0;
    p = c + n - len;
    if (!reads(p, len, k->end + apostrophe))
        return 0;
    return apostrophe && p > c && is_apostrophe(p[-1]) ? len + 1 : len;
}

/* The last letter of some contraction: most words are told by it. */
static bool may_end_one(uint32_t c)
{
    return c == 's' || c == 'd' || c == 't' || c == 'e' || c == 'l' || c == 'm' || c == 'a';
}

/* How many code points of the end of a contraction are a word of their own; 0: it is none. */
static size_t contracted(const uint32_t *c, size_t n)
{
    if (n < 2 || n > MAX_CONTRACTION || !may_end_one(c[n - 1]))
        return 0;
    for (size_t i = 0; i < sizeof(contractions) / sizeof(contractions[0]); i++) {
        const size_t len = end_of(c, n, &contractions[i]);

        if (len && is_in(c, n - len, contractions[i].stems))
            return is_in(c, n, no_contractions) ? 0 : len;
    }
    return 0;
}

/* A host of at least two labels, the last of lower-case letters, and what may follow one. A scheme
 * and a user may stand before it. */
static bool is_address(const uint32_t *c, size_t n)
{
    size_t at = 0, i, label;
    bool dotted = false;

    for (i = 0; i + 2 < n && !at; i++)
        at = i >= 2 && c[i] == ':' && c[i + 1] == '/' && c[i + 2] == '/' ? i + 3 : 0;
    for (i = at; i < n && c[i] != '/'; i++)
        at = c[i] == '@' && i > at ? i + 1 : at;
    for (i = label = at; i < n; i++) {
        const bool host = is(c[i], CRIL_CODE_LETTER | CRIL_CODE_DIGIT) || c[i] > 0xa0;

        if (c[i] == '.' && i > label) {
            dotted = true;
            label = i + 1;
        } else if (!host && ((c[i] != '-' && c[i] != '_') || i == label)) {
            break;
        }
    }
    if (!dotted || i - label < 2 || i - label > 63)
        return false;
    for (size_t k = label; k < i; k++) {
        if (!is_lower(c[k]))
            return false;
    }
    if (i + 2 < n && c[i] == ':' && is(c[i + 1], CRIL_CODE_DIGIT)) {
        for (i++; i < n && is(c[i], CRIL_CODE_DIGIT); i++) {
        }
    }
    return i == n || c[i] == '/' || c[i] == '?' || c[i] == '#';
}

/* Two full stops and more at c [n]: how many; else 0. */
static size_t dots(const uint32_t *c, size_t n)
{
    size_t i = 0;

    while (i < n && c[i] == '.')
        i++;
    return i >= 2 ? i : 0;
}

/* Code points that leave c [n] at its start: an ellipsis, a mark; 0: none. */
static size_t prefix(const uint32_t *c, size_t n)
{
    if (c[0] == '.')
        return dots(c, n);
    if (c[0] == '+')
        return n > 1 && is(c[1], CRIL_CODE_DIGIT) ? 0 : 1;
    return is(c[0], CRIL_CODE_AFFIX);
}

static bool is_unit(const uint32_t *c, size_t n)
{
    static const char *const units[] = {"km", "m",   "dm",  "cm", "mm",  "ha",  "nm", "yd", "in",
                                        "ft", "kg",  "g",   "mg", "t",   "lb",  "oz", "mb", "MB",
                                        "kb", "KB",  "gb",  "GB", "tb",  "TB",  "T",  "G",  "M",
                                        "K",  "kmh", "mph", "Pa", "hPa", "mbar"};

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (reads(c, n, units[i]))
            return true;
    }
    return false;
}

/* A unit behind a digit. */
static size_t unit(const uint32_t *c, size_t n)
{
    size_t letters = 0;

    while (letters < n && letters < 5 && is(c[n - letters - 1], CRIL_CODE_LETTER))
        letters++;
    return letters && letters < n && is(c[n - letters - 1], CRIL_CODE_DIGIT) &&
                   is_unit(c + n - letters, letters)
               ? letters
               : 0;
}

/* Whether a full stop behind c [n] is a word of its own: not in U.S., not behind one capital. */
static bool stops(const uint32_t *c, size_t n)
{
    const uint32_t last = n ? c[n - 1] : 0;

    if (!n)
        return false;
    if (is(last, CRIL_CODE_UPPER))
        return n > 1 && is(c[n - 2], CRIL_CODE_UPPER);
    return is(last, CRIL_CODE_DIGIT | CRIL_CODE_LETTER | CRIL_CODE_QUOTE) || last == '-' ||
           last == '+' || last == 0xb2 || (last != '$' && last != '=' && is(last, CRIL_CODE_AFFIX));
}

/* Code points that leave c [n] at its end. */
static size_t suffix(const uint32_t *c, size_t n)
{
    const uint32_t last = c[n - 1];
    size_t i = n;

    if (last == '.') {
        while (i && c[i - 1] == '.')
            i--;
        return n - i >= 2 ? n - i : stops(c, n - 1);
    }
    if (last == '+' || last == '$' || last == '%')
        return n > 1 && is(c[n - 2], CRIL_CODE_DIGIT);
    if (n >= 2 && (last == 's' || last == 'S') && is_apostrophe(c[n - 2]))
        return 2;
    if (is(last, CRIL_CODE_LETTER))
        return unit(c, n);
    return last != '=' && is(last, CRIL_CODE_AFFIX);
}

/* Code points of a mark at i of c [n] that cuts it in two; 0: none. */
static size_t infix(const uint32_t *c, size_t n, size_t i)
{
    const uint32_t before = i ? c[i - 1] : 0;
    uint32_t behind;
    size_t len = 1;

    if (c[i] == '.' && dots(c + i, n - i))
        return dots(c + i, n - i);
    if (c[i] == 0x2026 || is(c[i], CRIL_CODE_ICON))
        return 1;
    while (i + len < n && len < 3 && (c[i] == '-' || c[i] == 0x2014) && c[i + len] == c[i])
        len++;
    if (!i || i + len >= n)
        return 0;
    behind = c[i + len];
    if (len > 1) {
        const bool known = len == 2 || c[i] == '-'; /* --, ---, and the dash twice */

        return known && is(before, CRIL_CODE_LETTER | CRIL_CODE_DIGIT) &&
                       is(behind, CRIL_CODE_LETTER)
                   ? len
                   : 0;
    }
    switch (c[i]) {
    case '+':
    case '*':
    case '^': return is(before, CRIL_CODE_DIGIT) && (is(behind, CRIL_CODE_DIGIT) || behind == '-');
    case '.':
        return (is_lower(before) || is(before, CRIL_CODE_QUOTE)) &&
               is(behind, CRIL_CODE_UPPER | CRIL_CODE_QUOTE);
    case ',': return is(before, CRIL_CODE_LETTER) && is(behind, CRIL_CODE_LETTER);
    case '-':
        if (is(before, CRIL_CODE_DIGIT) && is(behind, CRIL_CODE_DIGIT))
            return 1;
        /* fall through */
    case 0x2013:
    case 0x2014:
    case '~':
    case ':':
    case '<':
    case '>':
    case '=':
    case '/': return is(before, CRIL_CODE_LETTER | CRIL_CODE_DIGIT) && is(behind, CRIL_CODE_LETTER);
    default: return 0;
    }
}

/* Words of [at, end), which no affix is left of. */
static void cut(const uint32_t *codes, size_t at, size_t end, struct out *o)
{
    const uint32_t *c = codes + at;
    const size_t n = end - at, tail = contracted(c, n);
    size_t start = at;

    if (tail || is_listed(c, n) || is_address(c, n)) {
        put(o, at, end - tail);
        put(o, end - tail, end);
        return;
    }
    for (size_t i = 0, len; i < n; i += len ? len : 1) {
        if ((len = infix(c, n, i)) != 0) {
            put(o, start, at + i);
            put(o, at + i, at + i + len);
            start = at + i + len;
        }
    }
    put(o, start, end);
}

/* Letters alone, which are no contraction: most chunks. */
static bool is_plain(const uint32_t *c, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if ((c[i] | 0x20) < 'a' || (c[i] | 0x20) > 'z')
            return false;
    }
    return !contracted(c, n);
}

static bool is_whole(const uint32_t *c, size_t n)
{
    return contracted(c, n) || is_listed(c, n);
}

/* Words of the chunk [at, end). There are no more words than code points before `at`, so those that
 * leave its end, the last one first, wait at the end of the chunk's own room. */
static void chunk(const uint32_t *codes, size_t at, size_t end, struct out *o)
{
    size_t stop = end, n_tail = 0;

    if (is_plain(codes + at, end - at)) {
        put(o, at, end);
        return;
    }
    while (stop > at && !is_whole(codes + at, stop - at)) {
        const size_t first = prefix(codes + at, stop - at);
        size_t last;

        put(o, at, at + first);
        at += first;
        if (at == stop || (first && is_whole(codes + at, stop - at)))
            break;
        last = suffix(codes + at, stop - at);
        if (!first && !last)
            break;
        if (last)
            o->words[end - ++n_tail] = (struct cril_span){stop - last, last};
        stop -= last;
    }
    cut(codes, at, stop, o);
    memmove(o->words + o->n, o->words + end - n_tail, n_tail * sizeof(*o->words));
    o->n += n_tail;
}

size_t cril_words(const uint32_t *codes, size_t n, struct cril_span *words)
{
    struct out o = {words, 0};

    for (size_t i = 0, end; i < n; i = end) {
        for (end = i; end < n && !cril_code_is_space(codes[end]); end++) {
        }
        if (end > i)
            chunk(codes, i, end, &o);
        else
            end++;
    }
    return o.n;
}

size_t cril_sentences(const uint32_t *codes, const struct cril_span *words, size_t n)
{
    size_t sentences = 1;
    bool ended = false;

    for (size_t i = 0; i < n; i++) {
        bool marks = true;

        for (size_t k = 0; k < words[i].n; k++)
            marks = marks && is(codes[words[i].at + k], CRIL_CODE_PUNCT);
        if (words[i].n == 1 && is(codes[words[i].at], CRIL_CODE_TERMINAL)) {
            ended = true;
        } else if (ended && !marks) {
            sentences++;
            ended = false;
        }
    }
    return sentences;
}
