/* What the formats share: see reader.h. */
#include "corpus/reader.h"

#include "util/fail.h"
#include "util/utf8.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

cril_status cril_reader_reserve(struct cril_reader *r, size_t n, cril_error *err)
{
    struct cril_buffer *b = &r->buffer;
    size_t cap = b->cap ? b->cap : 4096;
    char *grown;

    if (b->len + n <
        b->cap) /* both far below SIZE_MAX / 2: a text within the limit, a block of a stream */
        return CRIL_OK;
    while (cap <= b->len + n)
        cap *= 2;
    grown = realloc(b->data, cap);
    if (!grown)
        return cril_fail(err, CRIL_ERR_NOMEM,
                         "%s: out of memory for a document of %zu bytes or more",
                         cril_stream_name(r->stream), b->len);
    b->data = grown;
    b->cap = cap;
    return CRIL_OK;
}

cril_status cril_reader_check(const struct cril_reader *r, cril_error *err)
{
    if (r->buffer.len <= r->max_bytes)
        return CRIL_OK;
    return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                     "%s: the text that starts on line %" PRIu64
                     " is longer than %zu bytes, the most that a line "
                     "or document may have; cut it into documents",
                     cril_stream_name(r->stream), r->line ? r->line : 1, r->max_bytes);
}

cril_status cril_reader_skip_mark(struct cril_reader *r, cril_error *err)
{
    const char *data;
    size_t n;
    cril_status st = cril_stream_peek(r->stream, 3, &data, &n, err);

    if (st == CRIL_OK && n >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0)
        cril_stream_skip(r->stream, 3);
    return st;
}

/* The longest start of s, of at most `max` bytes, that does not cut a character. */
static size_t fit(const char *s, size_t len, size_t max)
{
    size_t n = 0;
    uint32_t code;

    while (n < len) {
        const size_t step = cril_utf8_read(s + n, len - n, &code);
        if (n + step > max)
            break;
        n += step;
    }
    return n;
}

void cril_list_names(char *list, size_t size, const char *name, size_t len)
{
    static const char more[] = ", ...";
    enum { LONGEST = 40 };
    const size_t used = strlen(list), shown = fit(name, len, LONGEST);
    char *to = list + used;

    if (used >= sizeof(more) - 1 && strcmp(to - (sizeof(more) - 1), more) == 0)
        return;
    if (used + 2 + shown + 3 + sizeof(more) > size) {
        memcpy(to, more, sizeof(more));
        return;
    }
    if (used) {
        memcpy(to, ", ", 2);
        to += 2;
    }
    memcpy(to, name, shown);
    to += shown;
    if (shown < len) { /* two dots: three at the end mean that names are missing */
        memcpy(to, "..", 2);
        to += 2;
    }
    *to = '\0';
}
