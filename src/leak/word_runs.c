#include "leak/word_runs.h"

#include "tokenizer/normalise.h"
#include "util/hash.h"
#include "util/utf8.h"

/* Of a polynomial in 2^64; odd, so that no word is lost (Knuth's MMIX generator has it). */
static const uint64_t base = UINT64_C(6364136223846793005);

static bool is_punctuation(unsigned char c)
{
    return (c > ' ' && c < '0') || (c > '9' && c < 'A') || (c > 'Z' && c < 'a') ||
           (c > 'z' && c < 0x7f);
}

/* Bytes of the white space at text [len >= 1]; 0: there is none. */
static size_t space_at(const char *text, size_t len)
{
    const unsigned char c = (unsigned char)*text;
    uint32_t code;
    size_t n;

    if (c < 0x80)
        return c == ' ' || (c >= '\t' && c <= '\r') || (c >= 0x1c && c <= 0x1f);
    n = cril_utf8_read(text, len, &code);
    return code != CRIL_UTF8_ILL && cril_python_is_space(code) ? n : 0;
}

/* FNV's low bits depend on few of a word's; all shall count in a product. */
static uint64_t mix(uint64_t x)
{
    x ^= x >> 33;
    x *= UINT64_C(0xff51afd7ed558ccd);
    x ^= x >> 33;
    x *= UINT64_C(0xc4ceb9fe1a85ec53);
    return x ^ x >> 33;
}

/* The next word's hash and start; r->at and r->end are behind it. False: there is none. */
static bool next_word(struct cril_word_runs *r, uint64_t *hash, size_t *start)
{
    const char *text = r->text.data;
    bool has_letter = false;

    *hash = CRIL_HASH_START;
    for (size_t space; r->at < r->text.len; r->at += space ? space : 1) {
        const char c = text[r->at];

        space = space_at(text + r->at, r->text.len - r->at);
        if (space && has_letter)
            break;
        if (space || is_punctuation((unsigned char)c))
            continue;
        if (!has_letter)
            *start = r->at;
        has_letter = true;
        *hash = cril_hash_step(*hash, c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c);
        r->end = r->at + 1;
    }
    *hash = mix(*hash);
    return has_letter;
}

/* base^n: what a word has become when it leaves */
static uint64_t power(size_t n)
{
    uint64_t x = 1;

    while (n--)
        x *= base;
    return x;
}

bool cril_word_runs_next(struct cril_word_runs *r)
{
    uint64_t hash;
    size_t start = 0;

    if (!r->leaving)
        r->leaving = power(r->n);
    while (next_word(r, &hash, &start)) {
        const size_t slot = (size_t)(r->words % r->n);

        r->run = r->run * base + hash - (r->words >= r->n ? r->hashes[slot] * r->leaving : 0);
        r->hashes[slot] = hash;
        r->starts[slot] = start;
        if (++r->words >= r->n)
            return true;
    }
    return false;
}

size_t cril_word_runs_start(const struct cril_word_runs *r)
{
    return r->starts[r->words % r->n];
}
