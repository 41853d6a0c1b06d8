/*
 * Oniguruma's dialect (doc/RE and doc/SYNTAX.md of Oniguruma 6.9: its default syntax) to PCRE2's.
 *
 * One pass from left to right. What was written last is an atom; a quantifier that PCRE2 would not
 * take behind it gets it in a group. A set becomes one class where it can; a set in it that is
 * negated becomes an alternative, an intersection a look-ahead.
 */
#include "tokenizer/expression.h"

#include "tokenizer/words.h"
#include "util/fail.h"
#include "util/utf8.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_DEPTH = 60 };

/* Inside a class. Outside of one, Oniguruma's \w is also the digits of Latin-1 that are no Nd. */
#define BARE_WORD WORD "\\x{b2}\\x{b3}\\x{b9}\\x{bc}-\\x{be}"
#define HEX "0-9a-fA-F"

struct translation {
    const char *path;
    struct cril_bytes in;
    size_t at;
    struct cril_string out;
    unsigned depth;
    cril_error *err;
};

static cril_status refuse(const struct translation *t, const char *what)
{
    return cril_fail(t->err, CRIL_ERR_UNSUPPORTED,
                     "%s: cril does not translate %s, at byte %zu of the expression \"%.*s\"",
                     t->path, what, t->at, CRIL_SHOWN(t->in));
}

/* ---- Reading and writing ---- */

static bool at_end(const struct translation *t)
{
    return t->at >= t->in.len;
}

static char peek(const struct translation *t, size_t ahead)
{
    return t->at + ahead < t->in.len ? t->in.data[t->at + ahead] : '\0';
}

static bool starts(const struct translation *t, const char *text)
{
    const size_t n = strlen(text);

    return t->in.len - t->at >= n && !memcmp(t->in.data + t->at, text, n);
}

static cril_status put(struct translation *t, struct cril_string *out, const char *text)
{
    return cril_string_append(out, text, strlen(text), t->err);
}

/* The next n bytes of the expression, as they are. */
static cril_status copy(struct translation *t, struct cril_string *out, size_t n)
{
    const cril_status st = cril_string_append(out, t->in.data + t->at, n, t->err);

    t->at += n;
    return st;
}

static cril_status insert(struct translation *t, size_t at, const char *text)
{
    const size_t n = strlen(text), behind = t->out.n - at;
    const cril_status st = put(t, &t->out, text);

    if (st == CRIL_OK) {
        memmove(t->out.data + at + n, t->out.data + at, behind);
        memcpy(t->out.data + at, text, n);
    }
    return st;
}

static cril_status put_code(struct translation *t, struct cril_string *out, uint32_t code)
{
    char text[16];

    snprintf(text, sizeof(text), "\\x{%x}", (unsigned)code);
    return put(t, out, text);
}

/* ---- Escapes that are a set of characters ---- */

static bool compiles(const char *text)
{
    PCRE2_SIZE at;
    int code;
    pcre2_code *const x =
        pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, PCRE2_UTF, &code, &at, NULL);

    pcre2_code_free(x);
    return x;
}

/* Names of properties in lower case, without '_', ' ' and '-', and what they are in a class. */
static const struct {
    const char *name, *items;
} properties[] = {
    {"letter", "\\p{L}"},
    {"lowercaseletter", "\\p{Ll}"},
    {"uppercaseletter", "\\p{Lu}"},
    {"titlecaseletter", "\\p{Lt}"},
    {"modifierletter", "\\p{Lm}"},
    {"otherletter", "\\p{Lo}"},
    {"mark", "\\p{M}"},
    {"nonspacingmark", "\\p{Mn}"},
    {"spacingmark", "\\p{Mc}"},
    {"number", "\\p{N}"},
    {"decimalnumber", "\\p{Nd}"},
    {"letternumber", "\\p{Nl}"},
    {"othernumber", "\\p{No}"},
    {"punctuation", "\\p{P}"},
    {"symbol", "\\p{S}"},
    {"mathsymbol", "\\p{Sm}"},
    {"currencysymbol", "\\p{Sc}"},
    {"modifiersymbol", "\\p{Sk}"},
    {"othersymbol", "\\p{So}"},
    {"separator", "\\p{Z}"},
    {"spaceseparator", "\\p{Zs}"},
    {"other", "\\p{C}"},
    {"control", "\\p{Cc}"},
    {"format", "\\p{Cf}"},
    {"alpha", "\\p{Alphabetic}"},
    {"digit", "\\p{Nd}"},
    {"space", BLANKS},
    {"upper", "\\p{Uppercase}"},
    {"lower", "\\p{Lowercase}"},
    {"word", WORD},
    {"xdigit", HEX},
    {"ascii", "\\x{0}-\\x{7f}"},
    {"alnum", "\\p{Alphabetic}\\p{Nd}"},
};

/* What a property is in a class; NULL: PCRE2 is not known to mean the same. buffer is room. */
static const char *find_property(const char *name, size_t len, char *buffer, size_t size)
{
    char plain[40];
    size_t n = 0;

    for (size_t i = 0; i < len && n + 1 < sizeof(plain); i++)
        if (name[i] != '_' && name[i] != ' ' && name[i] != '-')
            plain[n++] = (char)tolower((unsigned char)name[i]);
    plain[n] = '\0';
    for (size_t i = 0; i < sizeof(properties) / sizeof(properties[0]); i++)
        if (!strcmp(plain, properties[i].name))
            return properties[i].items;
    if (!n || n + 1 == sizeof(plain))
        return NULL;
    if (n > 2) { /* PCRE2's name of a script alone also takes the characters that scripts share */
        snprintf(buffer, size, "\\p{sc:%s}", plain);
        if (compiles(buffer))
            return buffer;
    }
    snprintf(buffer, size, "\\p{%.*s}", (int)len, name);
    return compiles(buffer) ? buffer : NULL;
}

/* At the letter of \p or \P. *items may be buffer. */
static cril_status take_property(struct translation *t, const char **items, bool *negated,
                                 char *buffer, size_t size)
{
    const char *const name = t->in.data + t->at + 2;
    const char *const close = peek(t, 1) == '{' ? memchr(name, '}', t->in.len - t->at - 2) : NULL;
    const size_t caret = close && *name == '^';

    if (!close)
        return refuse(t, "a property without braces");
    *negated = (peek(t, 0) == 'P') != (caret == 1);
    *items = find_property(name + caret, (size_t)(close - name) - caret, buffer, size);
    if (!*items)
        return refuse(t, "a property");
    t->at += (size_t)(close - name) + 3;
    return CRIL_OK;
}

/* At the letter behind a backslash: *items is what the escape is in a class, NULL: it is another
 * kind of escape, and nothing was read. */
static cril_status take_set_escape(struct translation *t, const char **items, bool *negated,
                                   char *buffer, size_t size)
{
    static const struct {
        char letter;
        const char *items;
    } sets[] = {{'s', BLANKS}, {'w', WORD}, {'d', "\\p{Nd}"}, {'h', HEX}};
    const char c = peek(t, 0);

    *items = NULL;
    *negated = isupper((unsigned char)c);
    if (c == 'p' || c == 'P')
        return take_property(t, items, negated, buffer, size);
    for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
        if (tolower((unsigned char)c) == sets[i].letter) {
            *items = sets[i].items;
            t->at++;
        }
    return CRIL_OK;
}

/* ---- Escapes that are one character ---- */

static cril_status take_hex(struct translation *t, size_t min, size_t max, uint32_t *code)
{
    size_t n = 0;

    for (*code = 0; n < max && isxdigit((unsigned char)peek(t, 0)); n++, t->at++) {
        const char c = (char)tolower((unsigned char)peek(t, 0));

        *code = *code * 16 + (uint32_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    return n >= min ? CRIL_OK : refuse(t, "an escape");
}

/* At the letter behind a backslash. */
static cril_status take_character(struct translation *t, struct cril_string *out)
{
    static const char letters[] = "nrtfaev", codes[] = "\n\r\t\f\a\x1b\v";
    const char c = peek(t, 0), *const letter = c ? strchr(letters, c) : NULL;
    uint32_t code;
    cril_status st;

    if (letter) {
        t->at++;
        return put_code(t, out, (uint32_t)codes[letter - letters]);
    }
    if (c == 'u' || (c == 'x' && peek(t, 1) == '{')) {
        t->at += c == 'u' ? 1 : 2;
        if ((st = take_hex(t, c == 'u' ? 4 : 1, c == 'u' ? 4 : 8, &code)) != CRIL_OK)
            return st;
        if (c == 'x' && peek(t, 0) != '}')
            return refuse(t, "an escape");
        t->at += c == 'x';
        return put_code(t, out, code);
    }
    if (c == 'x') {
        t->at++;
        if ((st = take_hex(t, 1, 2, &code)) != CRIL_OK)
            return st;
        return code < 0x80 ? put_code(t, out, code) : refuse(t, "a byte of a character");
    }
    if (at_end(t) || isalnum((unsigned char)c))
        return refuse(t, "an escape");
    if ((uint8_t)c < 0x80 && (st = put(t, out, "\\")) != CRIL_OK)
        return st;
    return copy(t, out, cril_utf8_width(c) <= t->in.len - t->at ? cril_utf8_width(c) : 1);
}

/* ---- Sets ---- */

/* Characters as items of a class, and other sets as alternatives, "|x|y". */
struct set {
    struct cril_string items, others;
    bool negated, whole; /* whole: `others` is the set, from its '|' on, and negated is done */
};

static void clear_set(struct set *s)
{
    free(s->items.data);
    free(s->others.data);
    *s = (struct set){0};
}

static cril_status append(struct translation *t, struct cril_string *out,
                          const struct cril_string *more)
{
    return more->n ? cril_string_append(out, more->data, more->n, t->err) : CRIL_OK;
}

static cril_status put_class(struct translation *t, struct cril_string *out, const char *items,
                             size_t n, bool negated)
{
    cril_status st;

    if ((st = put(t, out, negated ? "[^" : "[")) != CRIL_OK ||
        (st = cril_string_append(out, items, n, t->err)) != CRIL_OK)
        return st;
    return put(t, out, "]");
}

/* Appends what matches one character of s. */
static cril_status put_set(struct translation *t, struct cril_string *out, const struct set *s)
{
    cril_status st;

    if (!s->others.n) {
        if (!s->items.n)
            return refuse(t, "an empty set");
        return put_class(t, out, s->items.data, s->items.n, s->negated);
    }
    if ((st = put(t, out, s->negated ? "(?:(?!" : "(?:")) != CRIL_OK)
        return st;
    if (s->items.n) {
        if ((st = put_class(t, out, s->items.data, s->items.n, false)) != CRIL_OK ||
            (st = append(t, out, &s->others)) != CRIL_OK)
            return st;
    } else if ((st = cril_string_append(out, s->others.data + 1, s->others.n - 1, t->err)) !=
               CRIL_OK) {
        return st;
    }
    return put(t, out, s->negated ? ")(?s:.))" : ")");
}

/* to becomes the union of to, which is not negated, and s. */
static cril_status unite(struct translation *t, struct set *to, const struct set *s)
{
    cril_status st;

    if (!s->negated) {
        st = append(t, &to->items, &s->items);
        return st == CRIL_OK ? append(t, &to->others, &s->others) : st;
    }
    st = put(t, &to->others, "|");
    return st == CRIL_OK ? put_set(t, &to->others, s) : st;
}

static cril_status take_set(struct translation *t, struct set *s);

/* "[:alpha:]" */
static cril_status take_bracket(struct translation *t, struct set *s)
{
    const bool negated = peek(t, 2) == '^';
    const char *const name = t->in.data + t->at + 2 + negated;
    size_t n = 0;
    struct set named = {.negated = negated};
    char buffer[64];
    const char *items;
    cril_status st;

    while (isalpha((unsigned char)peek(t, 2 + (size_t)negated + n)))
        n++;
    items = find_property(name, n, buffer, sizeof(buffer));
    if (!items || n < 3)
        return refuse(t, "a named set");
    t->at += 4 + (size_t)negated + n;
    st = put(t, &named.items, items);
    if (st == CRIL_OK)
        st = unite(t, s, &named);
    clear_set(&named);
    return st;
}

static cril_status take_nested(struct translation *t, struct set *s)
{
    struct set nested = {0};
    cril_status st = take_set(t, &nested);

    if (st == CRIL_OK)
        st = unite(t, s, &nested);
    clear_set(&nested);
    return st;
}

/* One character of a set, at which t stands, perhaps escaped. */
static cril_status take_member(struct translation *t, struct cril_string *out)
{
    const char c = peek(t, 0);
    cril_status st;

    if (c == '\\') {
        t->at++;
        if (peek(t, 0) != 'b')
            return take_character(t, out);
        t->at++;
        return put_code(t, out, 8);
    }
    if (at_end(t))
        return refuse(t, "a set without its end");
    if (strchr("[]\\^-", c) && (st = put(t, out, "\\")) != CRIL_OK)
        return st;
    return copy(t, out, cril_utf8_width(c) <= t->in.len - t->at ? cril_utf8_width(c) : 1);
}

static bool is_class_escape(const struct translation *t)
{
    return peek(t, 0) == '\\' && peek(t, 1) && strchr("sSwWdDhHpP", peek(t, 1));
}

static cril_status take_class_escape(struct translation *t, struct set *s)
{
    struct set one = {0};
    char buffer[64];
    const char *items;
    cril_status st;

    t->at++;
    st = take_set_escape(t, &items, &one.negated, buffer, sizeof(buffer));
    if (st == CRIL_OK)
        st = put(t, &one.items, items);
    if (st == CRIL_OK)
        st = unite(t, s, &one);
    clear_set(&one);
    return st;
}

/* A character or a range. */
static cril_status take_range(struct translation *t, struct set *s)
{
    cril_status st = take_member(t, &s->items);

    if (st != CRIL_OK || peek(t, 0) != '-' || peek(t, 1) == ']' || peek(t, 1) == '[' ||
        starts(t, "-&&"))
        return st;
    t->at++;
    if (is_class_escape(t))
        return refuse(t, "a range that ends in a set");
    if ((st = put(t, &s->items, "-")) != CRIL_OK)
        return st;
    return take_member(t, &s->items);
}

/* Up to "&&" or the end. */
static cril_status take_operand(struct translation *t, struct set *s)
{
    cril_status st = CRIL_OK;

    while (st == CRIL_OK && peek(t, 0) != ']' && !starts(t, "&&")) {
        if (starts(t, "[:"))
            st = take_bracket(t, s);
        else if (peek(t, 0) == '[')
            st = take_nested(t, s);
        else if (is_class_escape(t))
            st = take_class_escape(t, s);
        else
            st = take_range(t, s);
    }
    return st;
}

/* s becomes what is in s and in with. */
static cril_status intersect(struct translation *t, struct set *s, const struct set *with)
{
    struct cril_string both = {0};
    cril_status st;

    if ((st = put(t, &both, "|(?=")) == CRIL_OK && (st = put_set(t, &both, s)) == CRIL_OK &&
        (st = put(t, &both, ")")) == CRIL_OK && (st = put_set(t, &both, with)) == CRIL_OK) {
        clear_set(s);
        s->others = both;
        return CRIL_OK;
    }
    free(both.data);
    return st;
}

/* At the bracket that opens a set. */
static cril_status take_set(struct translation *t, struct set *s)
{
    bool negated;
    cril_status st;

    if (++t->depth > MAX_DEPTH)
        return refuse(t, "sets that lie so deep in each other");
    t->at++;
    negated = peek(t, 0) == '^';
    t->at += negated;
    if (peek(t, 0) == ']')
        return refuse(t, "a set that starts with a bracket");
    st = take_operand(t, s);
    while (st == CRIL_OK && starts(t, "&&")) {
        struct set with = {0};

        t->at += 2;
        if ((st = take_operand(t, &with)) == CRIL_OK)
            st = intersect(t, s, &with);
        clear_set(&with);
    }
    t->at++;
    t->depth--;
    s->negated = negated;
    return st;
}

static cril_status take_set_atom(struct translation *t)
{
    struct set s = {0};
    cril_status st = take_set(t, &s);

    if (st == CRIL_OK)
        st = put_set(t, &t->out, &s);
    clear_set(&s);
    return st;
}

/* ---- Atoms ---- */

/* Behind a letter or the like, and none or one follows. */
#define BOUNDARY(after_none, after_one)                                                            \
    "(?:(?<![" BARE_WORD "])(" after_none "[" BARE_WORD "])|(?<=[" BARE_WORD "])(" after_one       \
    "[" BARE_WORD "]))"

static cril_status take_escape(struct translation *t)
{
    char buffer[64];
    const char *items;
    bool negated;
    cril_status st;

    t->at++;
    if ((st = take_set_escape(t, &items, &negated, buffer, sizeof(buffer))) != CRIL_OK)
        return st;
    if (items && tolower((unsigned char)t->in.data[t->at - 1]) == 'w')
        items = BARE_WORD;
    if (items)
        return put_class(t, &t->out, items, strlen(items), negated);
    switch (peek(t, 0)) {
    case 'b': t->at++; return put(t, &t->out, BOUNDARY("?=", "?!"));
    case 'B': t->at++; return put(t, &t->out, BOUNDARY("?!", "?="));
    case 'A':
    case 'z':
    case 'Z':
    case 'R': st = put(t, &t->out, "\\"); return st == CRIL_OK ? copy(t, &t->out, 1) : st;
    default: return take_character(t, &t->out);
    }
}

static cril_status take_alternatives(struct translation *t);

/* "(?i" and on. *isolated: the options count up to the end of the group that they stand in. */
static cril_status take_options(struct translation *t, bool *isolated)
{
    cril_status st = put(t, &t->out, "(?");

    for (t->at += 2; st == CRIL_OK && peek(t, 0) != ':' && peek(t, 0) != ')'; t->at++) {
        const char c = peek(t, 0);

        if (c != 'i' && c != 'm' && c != '-')
            return refuse(t, "an option");
        st = put(t, &t->out, c == 'i' ? "i" : c == 'm' ? "s" : "-");
    }
    *isolated = peek(t, 0) == ')';
    t->at++;
    return st == CRIL_OK ? put(t, &t->out, ":") : st;
}

static cril_status open_group(struct translation *t, bool *isolated)
{
    static const char *const heads[] = {"(?:", "(?=", "(?!", "(?>", "(?<=", "(?<!"};

    *isolated = false;
    if (peek(t, 1) != '?')
        return copy(t, &t->out, 1);
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
        if (starts(t, heads[i]))
            return copy(t, &t->out, strlen(heads[i]));
    if (!strchr("im-", peek(t, 2)))
        return refuse(t, "a kind of group");
    return take_options(t, isolated);
}

static cril_status take_group(struct translation *t)
{
    bool isolated;
    cril_status st;

    if (++t->depth > MAX_DEPTH)
        return refuse(t, "groups that lie so deep in each other");
    if ((st = open_group(t, &isolated)) != CRIL_OK || (st = take_alternatives(t)) != CRIL_OK)
        return st;
    t->depth--;
    if (!isolated) { /* else the bracket closes the group around */
        if (peek(t, 0) != ')')
            return refuse(t, "a group without its end");
        t->at++;
    }
    return put(t, &t->out, ")");
}

static cril_status take_atom(struct translation *t)
{
    const char c = peek(t, 0);

    switch (c) {
    case '(': return take_group(t);
    case '[': return take_set_atom(t);
    case '\\': return take_escape(t);
    case '*':
    case '+':
    case '?': return refuse(t, "a quantifier with nothing in front");
    case '{': { /* it opened no interval */
        const cril_status st = put(t, &t->out, "\\");

        return st == CRIL_OK ? copy(t, &t->out, 1) : st;
    }
    default:
        return copy(t, &t->out, cril_utf8_width(c) <= t->in.len - t->at ? cril_utf8_width(c) : 1);
    }
}

/* ---- Quantifiers ---- */

/* The bytes of "{1,3}", "{2}", "{2,}" or "{,3}" here; 0: there is none. *range: it has a comma. */
static size_t interval_length(const struct translation *t, bool *range)
{
    size_t n = 1, digits = 0;

    if (peek(t, 0) != '{')
        return 0;
    for (*range = false; peek(t, n) && strchr("0123456789,", peek(t, n)); n++) {
        if (peek(t, n) == ',' && *range)
            return 0;
        *range = *range || peek(t, n) == ',';
        digits += peek(t, n) != ',';
    }
    return peek(t, n) == '}' && digits ? n + 1 : 0;
}

/* Those behind the atom that starts at start. Oniguruma takes "+" behind an interval, and "?"
 * behind "{2}", for a quantifier of its own. */
static cril_status take_quantifiers(struct translation *t, size_t start)
{
    bool range = true, quantified = false;
    size_t n;
    cril_status st = CRIL_OK;

    for (; st == CRIL_OK; quantified = true) {
        const char c = peek(t, 0);
        const bool simple = c == '*' || c == '+' || c == '?';

        n = simple ? 1 : interval_length(t, &range);
        if (!n)
            return CRIL_OK;
        if (quantified &&
            ((st = insert(t, start, "(?:")) != CRIL_OK || (st = put(t, &t->out, ")")) != CRIL_OK))
            return st;
        if (peek(t, 0) == '{' && peek(t, 1) == ',') {
            t->at++;
            if ((st = put(t, &t->out, "{0")) != CRIL_OK)
                return st;
            n--;
        }
        if ((st = copy(t, &t->out, n)) == CRIL_OK &&
            ((peek(t, 0) == '?' && (simple || range)) || (peek(t, 0) == '+' && simple)))
            st = copy(t, &t->out, 1);
    }
    return st;
}

/* Up to the bracket that closes the group, or the end. */
static cril_status take_alternatives(struct translation *t)
{
    cril_status st = CRIL_OK;

    while (st == CRIL_OK && !at_end(t) && peek(t, 0) != ')') {
        const size_t start = t->out.n;

        if (peek(t, 0) == '|' || peek(t, 0) == '^' || peek(t, 0) == '$') {
            st = copy(t, &t->out, 1);
        } else if ((st = take_atom(t)) == CRIL_OK) {
            st = take_quantifiers(t, start);
        }
    }
    return st;
}

cril_status cril_expression_translate(const char *path, struct cril_bytes pattern,
                                      struct cril_string *out, cril_error *err)
{
    struct translation t = {.path = path, .in = pattern, .err = err};
    cril_status st = CRIL_OK;

    if (pattern.len && memchr(pattern.data, '\0', pattern.len))
        st = refuse(&t, "a zero byte");
    if (st == CRIL_OK && (st = take_alternatives(&t)) == CRIL_OK && !at_end(&t))
        st = refuse(&t, "a bracket that closes nothing");
    *out = t.out;
    if (st != CRIL_OK) {
        free(t.out.data);
        *out = (struct cril_string){0};
    }
    return st;
}
