/* Plain text: the whole of a file is one document, byte for byte. Nothing can stand before it. */
#include "corpus/reader.h"

#include "util/fail.h"

#include <stdbool.h>
#include <string.h>

static cril_status start(struct cril_reader *r, cril_error *err)
{
    if (r->prompt_field)
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s: is plain text, which has no field \"%.40s\" for prompts; give JSON "
                         "Lines or CSV, or name the format with --format",
                         cril_stream_name(r->stream), r->prompt_field);
    r->state = r; /* not NULL: the document is still to come */
    r->buffer.len = 0;
    r->line = 0;
    return CRIL_OK;
}

static cril_status next(struct cril_reader *r, enum cril_read *what, cril_error *err)
{
    *what = CRIL_READ_END;
    if (!r->state)
        return CRIL_OK;
    for (;;) {
        const char *data;
        size_t n;
        cril_status st;

        if ((st = cril_stream_peek(r->stream, 1, &data, &n, err)) != CRIL_OK)
            return st;
        if (n == 0)
            break;
        if ((st = cril_reader_reserve(r, n, err)) != CRIL_OK)
            return st;
        memcpy(r->buffer.data + r->buffer.len, data, n);
        r->buffer.len += n;
        cril_stream_skip(r->stream, n);
        if ((st = cril_reader_check(r, err)) != CRIL_OK)
            return st;
    }
    r->text = r->buffer.data;
    r->len = r->buffer.len;
    r->state = NULL;
    *what = CRIL_READ_DOCUMENT;
    return CRIL_OK;
}

static void stop(struct cril_reader *r)
{
    r->state = NULL;
}

const struct cril_reader_format cril_read_text = {"text", {".txt"}, start, next, stop};
