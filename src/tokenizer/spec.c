#include "tokenizer/spec.h"

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

cril_status cril_spec_alloc_tokens(struct cril_spec *s, size_t n, cril_error *err)
{
    s->n = n;
    s->types = cril_arena_take(&s->arena, n, sizeof(*s->types));
    s->pieces = cril_arena_take(&s->arena, n, sizeof(*s->pieces));
    s->keys = cril_arena_take(&s->arena, n, sizeof(*s->keys));
    if (!s->types || !s->pieces || !s->keys)
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory for %zu tokens", s->path, n);
    memset(s->types, TOKEN_NORMAL, n);
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
