/* Lines of a corpus: see entry.h. */
#include "gather/entry.h"

#include "util/fail.h"
#include "util/hash.h"
#include "util/size.h"
#include "util/utf8.h"

#include <stdlib.h>
#include <string.h>

const char *const cril_entry_names[CRIL_ENTRY_FIELDS] = {
    [CRIL_ENTRY_ID] = "id",
    [CRIL_ENTRY_SOURCE] = "source",
    [CRIL_ENTRY_ADDRESS] = "address",
    [CRIL_ENTRY_TITLE] = "title",
    [CRIL_ENTRY_DATE] = "date",
    [CRIL_ENTRY_LICENCE] = "licence",
    [CRIL_ENTRY_LANGUAGE] = "language",
    [CRIL_ENTRY_QUALITY] = "quality",
    [CRIL_ENTRY_BITS_PER_CHARACTER] = "bits_per_character",
};

static bool reserve(struct cril_buffer *b, size_t n)
{
    char *grown = cril_size_grow(b->data, &b->cap, b->len, n, 1);

    if (grown)
        b->data = grown;
    return grown != NULL;
}

static bool add(struct cril_buffer *b, const char *data, size_t n)
{
    if (!reserve(b, n))
        return false;
    memcpy(b->data + b->len, data, n);
    b->len += n;
    return true;
}

/* What stands for a byte below 0x20, '"' or '\\' in a JSON text; returns its length. */
static size_t escape(uint8_t c, char out[6])
{
    static const char names[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt",
                      digits[] = "0123456789abcdef";
    const char *at = c ? strchr(names, c) : NULL;

    out[0] = '\\';
    if (at) {
        out[1] = letters[at - names];
        return 2;
    }
    memcpy(out + 1, "u00", 3);
    out[4] = digits[c >> 4];
    out[5] = digits[c & 15];
    return 6;
}

/* Well-formed text as a JSON text. */
static bool add_quoted(struct cril_buffer *b, const char *text, size_t len)
{
    char escaped[6];
    size_t from = 0;

    if (!add(b, "\"", 1))
        return false;
    for (size_t i = 0; i < len; i++) {
        const uint8_t c = (uint8_t)text[i];

        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        if (!add(b, text + from, i - from) || !add(b, escaped, escape(c, escaped)))
            return false;
        from = i + 1;
    }
    return add(b, text + from, len - from) && add(b, "\"", 1);
}

static bool add_key(struct cril_buffer *b, const char *key, bool first)
{
    return add(b, first ? "{\"" : ", \"", first ? 2 : 3) && add(b, key, strlen(key)) &&
           add(b, "\": ", 3);
}

static cril_status add_field(struct cril_buffer *b, size_t field, const char *text, cril_error *err)
{
    const size_t len = strlen(text);
    char *repaired;
    size_t n;
    cril_status st;

    if (field == CRIL_ENTRY_BITS_PER_CHARACTER)
        return add(b, text, len) ? CRIL_OK : CRIL_ERR_NOMEM;
    if ((st = cril_utf8_repair(text, len, &repaired, &n, err)) != CRIL_OK)
        return st;
    if (!(repaired ? add_quoted(b, repaired, n) : add_quoted(b, text, len)))
        st = CRIL_ERR_NOMEM;
    free(repaired);
    return st;
}

static cril_status write_line(const char *const *field, const char *text, size_t len,
                              const char *sha256, struct cril_buffer *out, cril_error *err)
{
    cril_status st;

    for (size_t i = 0; i < CRIL_ENTRY_FIELDS; i++) {
        if (i && !field[i])
            continue; /* each entry has an id */
        if (!add_key(out, cril_entry_names[i], i == 0))
            return CRIL_ERR_NOMEM;
        if ((st = add_field(out, i, field[i], err)) != CRIL_OK)
            return st;
    }
    return add_key(out, "sha256", false) && add_quoted(out, sha256, strlen(sha256)) &&
                   add_key(out, "content", false) && add_quoted(out, text, len) &&
                   add(out, "}\n", 2)
               ? CRIL_OK
               : CRIL_ERR_NOMEM;
}

cril_status cril_entry_write(const struct cril_entry *e, struct cril_buffer *out, char sha256[65],
                             cril_error *err)
{
    char *repaired;
    size_t len;
    cril_status st = cril_utf8_repair(e->text, e->len, &repaired, &len, err);
    const char *text = repaired ? repaired : e->text;

    if (st == CRIL_OK && (st = cril_sha256_of(text, len, sha256, err)) == CRIL_OK)
        st = write_line(e->field, text, len, sha256, out, err);
    free(repaired);
    if (st == CRIL_ERR_NOMEM)
        cril_fail(err, st, "out of memory for a document of %zu bytes", e->len);
    return st;
}
