#include "tokenizer/detokenize.h"

#include "tokenizer/spec.h"
#include "tokenizer/tokenizer.h"
#include "util/fail.h"
#include "util/size.h"
#include "util/utf8.h"

#include <stdlib.h>
#include <string.h>

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

void cril_spoken_start(struct cril_spoken *s, const cril_tokenizer *t)
{
    s->t = t;
    s->n = s->settled = s->n_open = 0;
    s->run = false;
}

void cril_spoken_free(struct cril_spoken *s)
{
    free(s->text);
    free(s->open);
    *s = (struct cril_spoken){0};
}

static cril_status append(char **data, size_t *capacity, size_t *n, const char *text, size_t len,
                          cril_error *err)
{
    char *const grown = cril_size_grow(*data, capacity, *n, len, 1);

    if (!grown)
        return cril_fail(err, CRIL_ERR_NOMEM, "out of memory for a text of %zu bytes", *n);
    *data = grown;
    memcpy(grown + *n, text, len);
    *n += len;
    return CRIL_OK;
}

static cril_status say(struct cril_spoken *s, const char *text, size_t len, cril_error *err)
{
    return append(&s->text, &s->capacity, &s->n, text, len, err);
}

static cril_status say_replacement(struct cril_spoken *s, cril_error *err)
{
    return say(s, replacement, sizeof(replacement) - 1, err);
}

static bool is_well_formed(const char *text, size_t len)
{
    uint32_t code = 0;

    for (size_t i = 0; i < len && code != CRIL_UTF8_ILL;)
        i += cril_utf8_read(text + i, len - i, &code);
    return code != CRIL_UTF8_ILL;
}

/* Of the open bytes: the characters, and replacements for what is none and cannot become one; end:
 * what could become one does not. */
static cril_status settle_bytes(struct cril_spoken *s, bool end, cril_error *err)
{
    size_t at = 0, len;
    cril_status st = CRIL_OK;

    for (; st == CRIL_OK && at < s->n_open; at += len) {
        uint32_t code;

        len = cril_utf8_read(s->open + at, s->n_open - at, &code);
        if (code == CRIL_UTF8_ILL && at + len == s->n_open && !end)
            break;
        st = code == CRIL_UTF8_ILL ? say_replacement(s, err) : say(s, s->open + at, len, err);
    }
    if (st != CRIL_OK)
        return st;
    if (at < s->n_open)
        memmove(s->open, s->open + at, s->n_open - at);
    s->n_open -= at;
    s->settled = s->n;
    return CRIL_OK;
}

/* A run is over. */
static cril_status settle_run(struct cril_spoken *s, cril_error *err)
{
    cril_status st = CRIL_OK;

    s->n = s->settled;
    if (is_well_formed(s->open, s->n_open))
        st = say(s, s->open, s->n_open, err);
    else
        for (size_t i = 0; i < s->n_open && st == CRIL_OK; i++)
            st = say_replacement(s, err);
    s->settled = s->n;
    s->n_open = 0;
    s->run = false;
    return st;
}

static cril_status open_bytes(struct cril_spoken *s, const char *text, size_t len, cril_error *err)
{
    return append(&s->open, &s->open_capacity, &s->n_open, text, len, err);
}

static cril_status add_to_run(struct cril_spoken *s, const char *text, size_t len, cril_error *err)
{
    cril_status st;

    if ((!s->run && (st = settle_bytes(s, true, err)) != CRIL_OK) ||
        (st = open_bytes(s, text, len, err)) != CRIL_OK)
        return st;
    s->run = true;
    s->n = s->settled;
    return is_well_formed(s->open, s->n_open) ? say(s, s->open, s->n_open, err) : CRIL_OK;
}

cril_status cril_spoken_add(struct cril_spoken *s, int32_t id, cril_error *err)
{
    size_t len;
    const char *const text = cril_tokenizer_text(s->t, id, &len);
    cril_status st;

    if (!text) /* the library does not see it either: bytes before and behind are one run */
        return CRIL_OK;
    const struct cril_spec *const spec = cril_tokenizer_spec(s->t);
    if (!spec->byte_level && spec->types[id] == TOKEN_BYTE)
        return add_to_run(s, text, len, err);
    if ((s->run && (st = settle_run(s, err)) != CRIL_OK) ||
        (st = open_bytes(s, text, len, err)) != CRIL_OK)
        return st;
    return settle_bytes(s, false, err);
}

cril_status cril_spoken_finish(struct cril_spoken *s, cril_error *err)
{
    return s->run ? settle_run(s, err) : settle_bytes(s, true, err);
}

const char *cril_spoken_text(const struct cril_spoken *s, size_t *len, size_t *settled)
{
    const bool blank = s->t && cril_tokenizer_spec(s->t)->starts_blank && s->n && *s->text == ' ';

    *len = s->n - blank;
    if (settled)
        *settled = s->settled > blank ? s->settled - blank : 0;
    return s->n ? s->text + blank : "";
}
