/* Drafts: see draft.h. */
#include "gather/draft.h"

#include "gather/words.h"
#include "util/fail.h"

#include <stdlib.h>

void cril_draft_set(struct cril_draft *d, const char *text, size_t len)
{
    d->text = text;
    d->len = len;
    d->title = NULL;
    d->codes = NULL;
    d->words = NULL;
    d->n_codes = d->n_words = 0;
}

void cril_draft_free(struct cril_draft *d)
{
    free(d->codes_buffer.data);
    free(d->words_buffer.data);
    for (size_t i = 0; i < sizeof(d->work) / sizeof(d->work[0]); i++)
        free(d->work[i].data);
    free(d->texts[0].data);
    free(d->texts[1].data);
    *d = (struct cril_draft){0};
}

static void *reserve(struct cril_memory *m, size_t count, size_t size, const struct cril_draft *d,
                     cril_error *err)
{
    if (cril_memory_reserve(m, count ? count : 1, size))
        return m->data;
    cril_fail(err, CRIL_ERR_NOMEM, "out of memory for a document of %zu bytes", d->len);
    return NULL;
}

cril_status cril_draft_codes(struct cril_draft *d, cril_error *err)
{
    uint32_t *codes;

    if (d->codes)
        return CRIL_OK;
    if (!(codes = reserve(&d->codes_buffer, d->len, sizeof(*codes), d, err)))
        return CRIL_ERR_NOMEM;
    d->n_codes = cril_codes_read(d->text, d->len, codes);
    d->codes = codes;
    return CRIL_OK;
}

cril_status cril_draft_words(struct cril_draft *d, cril_error *err)
{
    struct cril_span *words;
    cril_status st;

    if (d->words)
        return CRIL_OK;
    if ((st = cril_draft_codes(d, err)) != CRIL_OK)
        return st;
    if (!(words = reserve(&d->words_buffer, d->n_codes, sizeof(*words), d, err)))
        return CRIL_ERR_NOMEM;
    d->n_words = cril_words(d->codes, d->n_codes, words);
    d->words = words;
    return CRIL_OK;
}

char *cril_draft_room(struct cril_draft *d, size_t n, cril_error *err)
{
    return reserve(&d->texts[d->text == d->texts[0].data], n, 1, d, err);
}

void cril_draft_take(struct cril_draft *d, const char *room, size_t len)
{
    cril_draft_set(d, room, len);
    d->n_taken++;
}

void *cril_draft_work(struct cril_draft *d, size_t i, size_t count, size_t size, cril_error *err)
{
    return reserve(&d->work[i], count, size, d, err);
}
