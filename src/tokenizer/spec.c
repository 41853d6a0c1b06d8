#include "tokenizer/spec.h"

#include "tokenizer/alphabet.h"
#include "util/fail.h"

#include <string.h>

void cril_spec_init(struct cril_spec *s, const char *path)
{
    *s = (struct cril_spec){.path = path, .bos = -1, .eos = -1, .unknown = -1};
    memset(s->byte_token, -1, sizeof(s->byte_token));
}

void cril_spec_clear(struct cril_spec *s)
{
    cril_warnings_clear(&s->warnings);
    cril_arena_free(&s->arena);
}

char *cril_spec_put_sentence(struct cril_spec *s, size_t i, struct cril_bytes text, char *out)
{
    const uint8_t type = s->types[i];
    size_t n = text.len;

    if (type == TOKEN_CONTROL || type == TOKEN_UNKNOWN) {
        memcpy(out, text.data, n);
    } else if (type == TOKEN_BYTE) {
        *out = (char)cril_byte_of_name(text.data, text.len);
        s->byte_token[(uint8_t)*out] = (int32_t)i;
        n = 1;
    } else {
        n = cril_put_spaces(text.data, text.len, out);
    }
    s->pieces[i] = (struct cril_bytes){out, n};
    if (type == TOKEN_NORMAL || type == TOKEN_USER_DEFINED ||
        (type == TOKEN_UNUSED && s->model == MODEL_SCORES))
        s->keys[i] = s->pieces[i];
    return out + n;
}

static void *grow(struct cril_spec *s, const void *data, size_t n, size_t element_bytes)
{
    void *const grown = cril_arena_take(&s->arena, n, element_bytes);

    if (grown && data)
        memcpy(grown, data, s->n * element_bytes);
    return grown;
}

cril_status cril_spec_extend(struct cril_spec *s, size_t n, cril_error *err)
{
    const size_t total = s->n + n;

    if (n > INT32_MAX || total > INT32_MAX)
        return cril_fail(err, CRIL_ERR_FORMAT, "%s: %zu tokens are too many", s->path, total);
    s->types = grow(s, s->types, total, sizeof(*s->types));
    s->pieces = grow(s, s->pieces, total, sizeof(*s->pieces));
    s->keys = grow(s, s->keys, total, sizeof(*s->keys));
    s->scores = grow(s, s->scores, total, sizeof(*s->scores));
    if (!s->types || !s->pieces || !s->keys || !s->scores)
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory for %zu tokens", s->path, total);
    memset(s->types + s->n, TOKEN_UNUSED, n);
    s->n = total;
    return CRIL_OK;
}

static bool is_added(uint8_t type)
{
    return type == TOKEN_USER_DEFINED || type == TOKEN_CONTROL || type == TOKEN_UNKNOWN;
}

cril_status cril_spec_add_by_type(struct cril_spec *s, const struct cril_bytes *names,
                                  cril_error *err)
{
    size_t n = 0;

    for (size_t i = 0; i < s->n; i++)
        n += is_added(s->types[i]);
    s->added = cril_arena_take(&s->arena, n, sizeof(*s->added));
    for (size_t i = 0; s->added && i < s->n; i++) {
        const bool user_defined = s->types[i] == TOKEN_USER_DEFINED;
        const char *name;

        if (!is_added(s->types[i]))
            continue;
        if (!(name = cril_arena_text(&s->arena, names[i].data, names[i].len)))
            s->added = NULL;
        else
            s->added[s->n_added++] =
                (struct spec_added){.name = {name, names[i].len},
                                    .id = (int32_t)i,
                                    .control = !user_defined,
                                    .within = user_defined && s->sentence.used};
    }
    return s->added ? CRIL_OK
                    : cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory for %zu added tokens",
                                s->path, n);
}
