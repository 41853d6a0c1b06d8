/*
 * The step that replaces addresses of mail and of the Internet (IPv4), with the rules of datatrove
 * 0.10 (PIIFormatter): the addresses that it takes for such, those that it puts in their place, one
 * after another in each document, and only addresses of the Internet that are global (RFC 6890 and
 * IANA's registry of special-purpose addresses).
 */
#include "gather/step.h"

#include "util/utf8.h"

#include <string.h>
#include <utf8proc.h>

enum { MAILS, ADDRESSES };

static const char *const mail_replacements[] = {"email@example.com",
                                                "firstname.lastname@example.org"};
/* Nobody answered there when datatrove chose them. */
static const char *const address_replacements[] = {"22.214.171.124", "126.96.36.199",
                                                   "188.8.131.52",   "184.108.40.206",
                                                   "220.127.116.11", "18.104.22.168"};
enum { MAX_REPLACEMENT = 30 };

/* What is looked for in a text: the first one at or behind `from`; false: there is none. */
typedef bool (*find_fn)(const char *text, size_t len, size_t from, struct cril_span *found);

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alphanumeric(char c)
{
    return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* May stand in the part before the @ of an address, as may a full stop between two such. */
static bool is_local(char c)
{
    return is_alphanumeric(c) || (c && strchr("!#$%&'*+/=?^_`{|}~-", c));
}

/* Whether the character that ends before text[at] is one of words: a letter, a digit, _. */
static bool word_before(const char *text, size_t at)
{
    uint32_t code;

    if (!at)
        return false;
    cril_utf8_read_back(text, at, &code);
    if (code == '_')
        return true;
    if (code == CRIL_UTF8_ILL)
        return false;
    switch (utf8proc_category((utf8proc_int32_t)code)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO: return true;
    default: return false;
    }
}

/* Where the part before an @ begins, at `from` or later: at the edge of a word. `at` itself: there
 * is no such part. */
static size_t find_local(const char *text, size_t from, size_t at)
{
    size_t start = at;

    while (start > from && (is_local(text[start - 1]) ||
                            (text[start - 1] == '.' && start < at && text[start] != '.')))
        start--;
    for (; start < at; start++) {
        const bool word = is_alphanumeric(text[start]) || text[start] == '_';

        if (text[start] != '.' && word != word_before(text, start))
            return start;
    }
    return at;
}

/* Bytes of a label of a host's name at text [len]; 0: there is none. */
static size_t label(const char *text, size_t len)
{
    size_t n = 0;

    if (!len || !is_alphanumeric(text[0]))
        return 0;
    while (n < len && (is_alphanumeric(text[n]) || text[n] == '-'))
        n++;
    while (text[n - 1] == '-')
        n--;
    return n;
}

/* Bytes of at least two labels; 0: there are none. */
static size_t host(const char *text, size_t len)
{
    size_t n = label(text, len), more, labels = n > 0;

    while (n && n < len && text[n] == '.' && (more = label(text + n + 1, len - n - 1)) != 0) {
        n += 1 + more;
        labels++;
    }
    return labels >= 2 ? n : 0;
}

/* Bytes of the longest start of text [len] that is a number below 256 of at most three digits. */
static size_t octet(const char *text, size_t len)
{
    size_t n = 0;
    int value = 0;

    while (n < len && n < 3 && is_digit(text[n]) && value * 10 + (text[n] - '0') < 256)
        value = value * 10 + (text[n++] - '0');
    return n;
}

/* Bytes of three octets, each with a full stop behind it; 0: they are not there. */
static size_t three_octets(const char *text, size_t len)
{
    size_t n = 0;

    for (int i = 0; i < 3; i++) {
        const size_t one = octet(text + n, len - n);

        if (!one || n + one >= len || text[n + one] != '.')
            return 0;
        n += one + 1;
    }
    return n;
}

/* Bytes of an address in brackets, [1.2.3.4] or [1.2.3.tag:]; 0: it is not there. */
static size_t bracketed(const char *text, size_t len)
{
    size_t n, last;

    if (!len || text[0] != '[' || !(n = three_octets(text + 1, len - 1)))
        return 0;
    n++;
    last = octet(text + n, len - n);
    if (last && n + last < len && text[n + last] == ']')
        return n + last + 1;
    last = n;
    while (n < len && (is_alphanumeric(text[n]) || text[n] == '-'))
        n++;
    return n > last && text[n - 1] != '-' && n + 1 < len && text[n] == ':' && text[n + 1] == ']'
               ? n + 2
               : 0;
}

static bool find_mail(const char *text, size_t len, size_t from, struct cril_span *found)
{
    const char *sign;

    for (size_t at, i = from; i < len && (sign = memchr(text + i, '@', len - i)); i = at + 1) {
        size_t start, n;

        at = (size_t)(sign - text);
        n = host(sign + 1, len - at - 1);
        if (!n)
            n = bracketed(sign + 1, len - at - 1);
        if (n && (start = find_local(text, from, at)) < at) {
            *found = (struct cril_span){start, at + 1 + n - start};
            return true;
        }
    }
    return false;
}

/* The address of text [n], as a number; false: it is none, with a zero before another digit. */
static bool read_address(const char *text, size_t n, uint32_t *address)
{
    uint32_t value = 0, part = 0;

    for (size_t i = 0; i < n; i++) {
        const bool starts = !i || text[i - 1] == '.';

        if (text[i] == '.') {
            value = value << 8 | part;
            part = 0;
        } else if (starts && text[i] == '0' && i + 1 < n && text[i + 1] != '.') {
            return false;
        } else {
            part = part * 10 + (uint32_t)(text[i] - '0');
        }
    }
    *address = value << 8 | part;
    return true;
}

static bool is_global(uint32_t address)
{
    static const struct {
        uint32_t first, bits;
    } special[] = {
        {0x00000000, 8},  {0x0a000000, 8},  {0x64400000, 10}, {0x7f000000, 8},  {0xa9fe0000, 16},
        {0xac100000, 12}, {0xc0000000, 24}, {0xc0000200, 24}, {0xc0a80000, 16}, {0xc6120000, 15},
        {0xc6336400, 24}, {0xcb007100, 24}, {0xf0000000, 4},
    };

    if (address == 0xc0000009 || address == 0xc000000a) /* 192.0.0.9 and 10 are anycast */
        return true;
    for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++) {
        if (address >> (32 - special[i].bits) == special[i].first >> (32 - special[i].bits))
            return false;
    }
    return true;
}

/* Four octets wherever they stand; digits before and behind them may be others'. */
static bool find_address(const char *text, size_t len, size_t from, struct cril_span *found)
{
    for (size_t i = from; i < len;) {
        const size_t three = is_digit(text[i]) ? three_octets(text + i, len - i) : 0;
        const size_t last = three ? octet(text + i + three, len - i - three) : 0;
        uint32_t address;

        if (last && read_address(text + i, three + last, &address) && is_global(address)) {
            *found = (struct cril_span){i, three + last};
            return true;
        }
        i += last ? three + last : 1;
    }
    return false;
}

/* All that find finds is replaced, in turn by n replacements. Adds how many to *count. */
static cril_status replace(struct cril_draft *d, find_fn find, const char *const *replacements,
                           size_t n, uint64_t *count, cril_error *err)
{
    struct cril_span s;
    size_t i = 0, len = 0, found = 0;
    char *out;

    for (size_t at = 0; find(d->text, d->len, at, &s); at = s.at + s.n)
        found++;
    if (!found)
        return CRIL_OK;
    if (!(out = cril_draft_room(d, d->len + found * MAX_REPLACEMENT, err)))
        return CRIL_ERR_NOMEM;
    for (size_t at = 0; at < d->len; i++) {
        const bool more = i < found && find(d->text, d->len, at, &s);
        const size_t upto = more ? s.at : d->len, put = more ? strlen(replacements[i % n]) : 0;

        memcpy(out + len, d->text + at, upto - at);
        len += upto - at;
        if (!more)
            break;
        memcpy(out + len, replacements[i % n], put);
        len += put;
        at = s.at + s.n;
    }
    *count += found;
    cril_draft_take(d, out, len);
    return CRIL_OK;
}

static cril_status apply(void *run, struct cril_draft *d, uint64_t *by, bool *keep, cril_error *err)
{
    cril_status st =
        replace(d, find_mail, mail_replacements,
                sizeof(mail_replacements) / sizeof(mail_replacements[0]), &by[MAILS], err);

    (void)run;
    *keep = true;
    return st != CRIL_OK ? st
                         : replace(d, find_address, address_replacements,
                                   sizeof(address_replacements) / sizeof(address_replacements[0]),
                                   &by[ADDRESSES], err);
}

const struct cril_step cril_step_personal = {
    .name = "personal",
    .what = "Addresses of mail and global addresses of the Internet (IPv4) were replaced.",
    .kinds = CRIL_STEP_ALL,
    .on = CRIL_STEP_ALL,
    .reasons = {"email_addresses", "ip_addresses"},
    .apply = apply,
};
